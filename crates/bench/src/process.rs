//! What the kernel says of a process: processor time and resident memory; and on which processors it runs.

use std::fs;
use std::sync::LazyLock;

use anyhow::{Context, Result};
use rustix::thread::{CpuSet, sched_getaffinity, sched_setaffinity};

/// A process, looked at from outside.
#[derive(Clone, Copy)]
pub(crate) struct Process {
    id: u32,
}

impl Process {
    pub(crate) fn new(id: u32) -> Self {
        Self { id }
    }

    pub(crate) fn this() -> Self {
        Self::new(std::process::id())
    }

    /// User and system time of all its threads so far, in steps of a clock tick (10 ms).
    pub(crate) fn cpu_seconds(self) -> Result<f64> {
        let stat = fs::read_to_string(format!("/proc/{}/stat", self.id))?;
        let ticks = cpu_ticks(&stat).context("/proc/PID/stat reads as never before")?;
        Ok(seconds(ticks))
    }

    /// Bytes that it holds in memory. From `smaps_rollup`, which counts; `VmRSS` is allowed to lag.
    pub(crate) fn resident_bytes(self) -> Result<u64> {
        let smaps = fs::read_to_string(format!("/proc/{}/smaps_rollup", self.id))?;
        resident(&smaps).context("/proc/PID/smaps_rollup has no Rss line")
    }
}

/// The processors that were ours when this was asked first.
static PROCESSORS: LazyLock<rustix::io::Result<CpuSet>> = LazyLock::new(|| sched_getaffinity(None));

/// How many processors there are for all that is measured.
pub(crate) fn processors() -> Result<u32> {
    Ok((*PROCESSORS)?.count())
}

/// Starts something that may use every processor, and keeps this thread to the last of them from then on. Left to itself,
/// the scheduler puts a thread beside the one that wakes it, for seconds at a time, and then both together have half of a
/// machine.
pub(crate) fn keep_beside<T>(start: impl FnOnce() -> Result<T>) -> Result<T> {
    let all = (*PROCESSORS)?;
    sched_setaffinity(None, &all)?;
    let started = start()?;
    let mut last = CpuSet::new();
    if let Some(processor) = (0..CpuSet::MAX_CPU).rfind(|processor| all.is_set(*processor)) {
        last.set(processor);
    }
    sched_setaffinity(None, &last)?;
    Ok(started)
}

/// Seconds that all processors of the machine, all together, have been busy.
pub(crate) fn machine_cpu_seconds() -> Result<f64> {
    let stat = fs::read_to_string("/proc/stat")?;
    let ticks = busy_ticks(&stat).context("/proc/stat reads as never before")?;
    Ok(seconds(ticks))
}

fn seconds(ticks: u64) -> f64 {
    ticks as f64 / rustix::param::clock_ticks_per_second() as f64
}

/// All columns of the first line but `idle` and `iowait`, the fourth and fifth; what comes after
/// `steal`, the eighth, is contained in the others.
fn busy_ticks(stat: &str) -> Option<u64> {
    let columns = stat.lines().next()?.strip_prefix("cpu ")?;
    let ticks = columns.split_ascii_whitespace().take(8).map(str::parse::<u64>);
    let ticks = ticks.collect::<Result<Vec<_>, _>>().ok()?;
    Some(ticks.iter().sum::<u64>() - ticks.get(3)? - ticks.get(4)?)
}

/// `utime` and `stime`, fields 14 and 15; counted after the name, which may contain anything.
fn cpu_ticks(stat: &str) -> Option<u64> {
    let (_, after_name) = stat.rsplit_once(')')?;
    let mut times = after_name.split_ascii_whitespace().skip(11).map(str::parse::<u64>);
    Some(times.next()?.ok()? + times.next()?.ok()?)
}

fn resident(smaps: &str) -> Option<u64> {
    let line = smaps.lines().find_map(|line| line.strip_prefix("Rss:"))?;
    Some(line.trim().strip_suffix(" kB")?.parse::<u64>().ok()? * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn processor_time_is_found_behind_any_name() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194304 100 0 0 0 250 50 9 9 20 0 3 0 100";
        assert_eq!(cpu_ticks(stat), Some(300));
    }

    #[test]
    fn a_processor_that_is_idle_or_waits_is_not_busy() {
        let stat = "cpu  100 1 50 9000 800 2 3 4 60 5\ncpu0 1 1 1 1\n";
        assert_eq!(busy_ticks(stat), Some(160));
    }

    #[test]
    fn resident_memory_is_read_in_bytes() {
        let smaps = "55d0-7ffd ---p 00000000 00:00 0 [rollup]\nRss:                1840 kB\n";
        assert_eq!(resident(smaps), Some(1840 * 1024));
    }

    #[test]
    fn this_process_has_a_size() {
        assert!(Process::this().resident_bytes().expect("readable") > 0);
    }
}

//! What the kernel says of the program: memory, descriptors, threads.

use std::fs;

use anyhow::{Context, Result};
use checker::{Event, Moment};

/// What a process uses.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Usage {
    pub(crate) memory_bytes: u64,
    pub(crate) descriptors: u64,
    pub(crate) tasks: u64,
}

impl Usage {
    pub(crate) fn of(process: u32) -> Result<Self> {
        let status = fs::read_to_string(format!("/proc/{process}/status"))?;
        let field = |name: &str| {
            let line = status.lines().find_map(|line| line.strip_prefix(name))?;
            line.split_whitespace().next()?.parse::<u64>().ok()
        };
        let told = "/proc/PID/status tells it";
        Ok(Self {
            memory_bytes: field("VmRSS:").context(told)? * 1024,
            descriptors: fs::read_dir(format!("/proc/{process}/fd"))?.count() as u64,
            tasks: field("Threads:").context(told)?,
        })
    }

    /// As a history has it.
    pub(crate) fn seen(self, moment: Moment) -> Event {
        let Self { memory_bytes, descriptors, tasks } = self;
        Event::Resources { moment, memory_bytes, descriptors, tasks }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_process_uses_something() {
        let usage = Usage::of(std::process::id()).unwrap();
        assert!(usage.memory_bytes > 0 && usage.descriptors > 2 && usage.tasks > 0);
    }
}

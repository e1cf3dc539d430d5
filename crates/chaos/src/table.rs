//! What the long command prints at the end.

use std::fmt::Write;
use std::time::Duration;

use checker::Invariant;

use crate::figures::{Figures, Times};
use crate::history::Verdict;
use crate::workload::Workload;

/// One line for each workload, and what all of them did together.
pub fn table(rounds: &[(Workload, Verdict)]) -> String {
    let mut text = String::new();
    let mut all = Figures::default();
    line(
        &mut text,
        &["", "rounds", "faults", "acked", "heard", "back p99", "whole again p99", "longest"],
    );
    for workload in Workload::ALL {
        let mut sum = Figures::default();
        let played = rounds.iter().filter(|(other, _)| *other == workload);
        let count = played.map(|(_, verdict)| sum.add(&verdict.figures)).count();
        if count == 0 {
            continue;
        }
        all.add(&sum);
        let title = format!("{} {}", workload.name(), workload.title());
        line(
            &mut text,
            &[
                &title,
                &count.to_string(),
                &sum.faults.to_string(),
                &sum.acked.to_string(),
                &(sum.live + sum.resumed).to_string(),
                &within(&sum.back, 99.0),
                &within(&sum.convergence, 99.0),
                &time(sum.convergence.longest()),
            ],
        );
    }
    text.push('\n');
    summary(&mut text, &all).expect("a string takes everything");
    examined(&mut text, rounds).expect("a string takes everything");
    text
}

/// What the checker looked at, and what it found.
fn examined(text: &mut String, rounds: &[(Workload, Verdict)]) -> std::fmt::Result {
    for (number, invariant) in Invariant::ALL.into_iter().enumerate() {
        let tallies = rounds.iter().map(|(_, verdict)| verdict.report.tally(invariant));
        let (checked, violations) = tallies.fold((0, 0), |(checked, violations), tally| {
            (checked + tally.checked, violations + tally.violations)
        });
        let end = if number % 4 == 3 { "\n" } else { "" };
        let name = format!("{invariant:?}");
        write!(text, "{name:4}{checked:>12} checked, {violations} broken   {end}")?;
    }
    Ok(())
}

fn summary(text: &mut String, all: &Figures) -> std::fmt::Result {
    let Figures { said, sendings, acked, live, resumed, read, rows, .. } = all;
    writeln!(
        text,
        "messages        {said} said, sent {sendings} times, {acked} acked, {rows} in the logs"
    )?;
    writeln!(text, "heard           {live} live, {resumed} on coming back, {read} from history")?;
    let Figures { faults, kills, ends, log_outs, cuts, .. } = all;
    writeln!(
        text,
        "broken          {faults} faults: {kills} × kill -9, {ends} × SIGTERM, {cuts} connections cut; {log_outs} log-outs"
    )?;
    let Figures { connections, resumes, resyncs, drained, .. } = all;
    writeln!(
        text,
        "connections     {connections}, {resumes} rooms resumed, {resyncs} resyncs, {drained} told to come back later"
    )?;
    writeln!(text, "stopped reader  {} KiB of memory at most", all.reader_bytes >> 10)?;
    writeln!(text, "storms          {} questions to the database at most", all.storm_reads)?;
    for (name, times) in [
        ("ack", &all.ack),
        ("ack in faults", &all.ack_in_faults),
        ("beside readers", &all.ack_beside_readers),
        ("when they stop", &all.ack_beside_stopped),
        ("back", &all.back),
        ("restart to ack", &all.recovery),
        ("storm, 99 %", &all.storms[1]),
        ("storm, all", &all.storms[2]),
        ("half-open found", &all.half_open),
        ("SIGTERM to end", &all.end),
        ("whole again", &all.convergence),
    ] {
        if times.count() > 0 {
            writeln!(text, "{name:16}{}", percentiles(times))?;
        }
    }
    writeln!(text, "memory          {} MiB at most", all.memory_bytes >> 20)
}

fn percentiles(times: &Times) -> String {
    let [p50, p99] = [50.0, 99.0].map(|percent| within(times, percent));
    format!("p50 {p50}, p99 {p99}, longest {}, of {}", time(times.longest()), times.count())
}

fn within(times: &Times, percent: f64) -> String {
    time(times.within(percent))
}

fn time(time: Duration) -> String {
    match time.as_secs_f64() {
        seconds if seconds >= 1.0 => format!("{seconds:.2} s"),
        seconds => format!("{:.1} ms", seconds * 1e3),
    }
}

fn line(text: &mut String, cells: &[&str]) {
    for (column, cell) in cells.iter().enumerate() {
        match column {
            0 => write!(text, "{cell:44}"),
            _ => write!(text, "{cell:>17}"),
        }
        .expect("a string takes everything");
    }
    text.push('\n');
}

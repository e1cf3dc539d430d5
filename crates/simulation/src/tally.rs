//! What was simulated, in numbers.

use std::fmt;
use std::ops::AddAssign;
use std::time::Duration;

use checker::Figures;

/// Numbers of one episode or of many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Tally {
    /// Seeds.
    pub episodes: u64,
    /// Things that happened: a future was polled, something came to a client or to the server, somebody did something.
    pub steps: u64,
    /// Time that passed.
    pub passed: Duration,
    /// Records that the checker judged.
    pub records: u64,
    /// Different messages.
    pub messages: u64,
    /// Messages that were acked.
    pub acked: u64,
    /// Messages that were said more than once.
    pub repeated: u64,
    /// Messages that were heard, live, resumed or in history.
    pub heard: u64,
    /// Joins that were answered.
    pub joins: u64,
    /// Messages that were heard between a join and its answer.
    pub resumed: u64,
    /// Cursors that could not be served.
    pub resyncs: u64,
    /// Connections that were lost.
    pub lost: u64,
    /// Connections that were closed because their clients did not read.
    pub lagging: u64,
    /// Sessions that were ended.
    pub revocations: u64,
    /// Servers that were killed.
    pub crashes: u64,
    /// Servers that were asked to end.
    pub drains: u64,
    /// Databases that were put back to an earlier state.
    pub restores: u64,
    /// Things that went wrong, these and others.
    pub faults: u64,
    /// Promises that were broken.
    pub violations: u64,
}

impl Tally {
    /// Takes over what the checker has counted.
    pub(crate) fn take(&mut self, figures: &Figures) {
        self.records = figures.records;
        self.messages = figures.messages;
        self.acked = figures.acked;
        self.repeated = figures.repeated;
        self.heard = figures.live + figures.resumed + figures.history;
        self.resumed = figures.resumed;
        self.joins = figures.joins;
        self.resyncs = figures.resyncs;
        self.lost = figures.lost;
        self.faults = figures.faults;
    }
}

impl AddAssign for Tally {
    fn add_assign(&mut self, other: Self) {
        self.episodes += other.episodes;
        self.steps += other.steps;
        self.passed += other.passed;
        self.records += other.records;
        self.messages += other.messages;
        self.acked += other.acked;
        self.repeated += other.repeated;
        self.heard += other.heard;
        self.joins += other.joins;
        self.resumed += other.resumed;
        self.resyncs += other.resyncs;
        self.lost += other.lost;
        self.lagging += other.lagging;
        self.revocations += other.revocations;
        self.crashes += other.crashes;
        self.drains += other.drains;
        self.restores += other.restores;
        self.faults += other.faults;
        self.violations += other.violations;
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let hours = self.passed.as_secs_f64() / 3600.0;
        let rows = [
            ("seeds", self.episodes),
            ("steps", self.steps),
            ("records judged", self.records),
            ("messages", self.messages),
            ("… acked", self.acked),
            ("… repeated", self.repeated),
            ("heard", self.heard),
            ("… resumed", self.resumed),
            ("joins", self.joins),
            ("resyncs", self.resyncs),
            ("connections lost", self.lost),
            ("… lagging", self.lagging),
            ("revocations", self.revocations),
            ("crashes", self.crashes),
            ("drains", self.drains),
            ("restores", self.restores),
            ("faults", self.faults),
            ("violations", self.violations),
        ];
        writeln!(out, "| simulated | |\n|---|--:|")?;
        writeln!(out, "| hours | {hours:.1} |")?;
        rows.iter().try_for_each(|(name, count)| writeln!(out, "| {name} | {} |", grouped(*count)))
    }
}

/// A number with its thousands apart.
fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

//! What was done in trials, and what was found.

use std::collections::BTreeMap;
use std::fmt;

use super::Violation;
use crate::{Call, Failed, Moment, Outage, Part, Remains};

/// What was done in one trial, or in many.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Report {
    /// How often the store was opened.
    pub openings: u64,
    /// Things asked for, repeats among them.
    pub asked: u64,
    /// Of those, how many were done.
    pub acked: u64,
    /// How often somebody had to be refused.
    pub refused: u64,
    /// Messages.
    pub messages: u64,
    /// Events that listeners were told.
    pub told: u64,
    /// Events that readers found while it happened.
    pub read: u64,
    /// What struck, and in the midst of what.
    pub struck: BTreeMap<(Outage, Moment), u64>,
    /// What power left of what was not synced.
    pub remains: Remains,
    /// Calls that failed.
    pub failed: Failed,
    /// How often the disk was too full for somebody.
    pub floods: u64,
}

/// What was done and found in many trials.
#[derive(Debug, Clone, Default)]
pub struct Tally {
    /// How many.
    pub seeds: u64,
    /// What was done in those that ended well.
    pub report: Report,
    /// The others.
    pub violations: Vec<(u64, Violation)>,
}

impl Tally {
    pub(super) fn add(&mut self, seed: u64, outcome: Result<Report, Violation>) {
        self.seeds += 1;
        match outcome {
            Ok(report) => self.report.add(report),
            Err(violation) => self.violations.push((seed, violation)),
        }
    }
}

impl Report {
    fn add(&mut self, other: Self) {
        self.openings += other.openings;
        self.asked += other.asked;
        self.acked += other.acked;
        self.refused += other.refused;
        self.messages += other.messages;
        self.told += other.told;
        self.read += other.read;
        for (struck, times) in other.struck {
            *self.struck.entry(struck).or_default() += times;
        }
        self.remains.add(other.remains);
        for (call, times) in other.failed {
            *self.failed.entry(call).or_default() += times;
        }
        self.floods += other.floods;
    }

    fn rows(&self) -> Vec<(String, u64)> {
        let mut rows: Vec<_> = [
            ("the store was opened", self.openings),
            ("asked for", self.asked),
            ("acked", self.acked),
            ("refused", self.refused),
            ("messages, each there once", self.messages),
            ("events told", self.told),
            ("events read meanwhile", self.read),
            ("un-synced writes kept", self.remains.kept),
            ("un-synced writes torn", self.remains.torn),
            ("un-synced writes lost", self.remains.lost),
            ("times too full", self.floods),
        ]
        .map(|(name, count)| (name.to_owned(), count))
        .into();
        for (&(outage, moment), &times) in &self.struck {
            rows.push((format!("{outage}, {moment}"), times));
        }
        for (&(call, part), &times) in &self.failed {
            rows.push((format!("failed, {}", Moment::During(call, part)), times));
        }
        rows.retain(|(_, count)| *count > 0);
        rows
    }
}

impl fmt::Display for Tally {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rows = vec![("seeds".to_owned(), self.seeds)];
        rows.extend(self.report.rows());
        rows.push(("violations".to_owned(), self.violations.len() as u64));
        for (name, count) in rows {
            writeln!(formatter, "| {name:50} | {count:>12} |")?;
        }
        Ok(())
    }
}

impl fmt::Display for Outage {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str(match self {
            Self::Power => "power cut",
            Self::Process => "process killed",
        })
    }
}

impl fmt::Display for Moment {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self::During(call, part) = self else { return formatter.write_str("at rest") };
        let call = match call {
            Call::Create => "making",
            Call::Delete => "deleting",
            Call::Write => "writing",
            Call::Truncate => "cutting",
            Call::Sync => "syncing",
            Call::Open => "opening",
            Call::Look => "looking for",
            Call::Read => "reading",
            Call::Size => "measuring",
            Call::Lock => "locking",
            Call::Map => "mapping memory beside",
            Call::LockMemory => "locking memory beside",
        };
        let part = match part {
            Part::Database => "the database",
            Part::Log => "the log",
            Part::Journal => "a journal",
        };
        write!(formatter, "{call} {part}")
    }
}

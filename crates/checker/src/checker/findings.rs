//! What has been found so far.

use std::fmt::Arguments;

use crate::record::Record;
use crate::report::{Invariant, Report, Subject, Tally, Violation};

/// Counts what is checked and keeps the first of what is wrong.
#[derive(Debug, Default)]
pub(super) struct Findings {
    /// The record that is being looked at, counted from 1.
    pub(super) number: u64,
    /// When it happened.
    pub(super) now: u64,
    pub(super) tallies: [Tally; 12],
    pub(super) violations: Vec<Violation>,
    pub(super) surprises: Vec<Record>,
    pub(super) mistakes: Vec<String>,
}

impl Findings {
    /// An invariant was put to the test.
    pub(super) fn checked(&mut self, invariant: Invariant) {
        self.tallies[invariant as usize].checked += 1;
    }

    /// It did not hold.
    pub(super) fn broken(&mut self, invariant: Invariant, subject: Subject, what: Arguments<'_>) {
        let tally = &mut self.tallies[invariant as usize];
        tally.violations += 1;
        if tally.violations <= Report::MOST_SHOWN as u64 {
            self.violations.push(Violation {
                invariant,
                sentence: what.to_string(),
                number: self.number,
                at_ns: self.now,
                subject,
                records: Vec::new(),
            });
        }
    }

    /// Somebody was surprised.
    pub(super) fn surprised(&mut self, record: &Record) {
        if self.surprises.len() < Report::MOST_SHOWN {
            self.surprises.push(record.clone());
        }
    }

    /// The history itself is wrong.
    pub(super) fn mistake(&mut self, what: Arguments<'_>) {
        if self.mistakes.len() < Report::MOST_SHOWN {
            self.mistakes.push(format!("record {}: {what}", self.number));
        }
    }
}

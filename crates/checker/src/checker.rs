//! The one pass.

use crate::limits::Limits;
use crate::record::Record;
use crate::report::Report;

/// Reads a history, record by record.
#[derive(Debug)]
pub struct Checker {
    _limits: Limits,
    observed: u64,
}

impl Checker {
    /// One that has seen nothing yet.
    pub fn new(limits: Limits) -> Self {
        Self { _limits: limits, observed: 0 }
    }

    /// Takes in what happened next.
    pub fn observe(&mut self, _record: &Record) {
        self.observed += 1;
    }

    /// The history is complete.
    pub fn finish(self) -> Report {
        Report { violations: Vec::new() }
    }
}

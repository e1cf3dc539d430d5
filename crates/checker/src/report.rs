//! What the checker found.

use serde::{Deserialize, Serialize};

use crate::record::Record;

/// A promise that can be broken, numbered as in the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Invariant {
    /// Every acked send is in the final log.
    I1,
    /// Nothing is in the log that nobody sent.
    I2,
    /// There is one row for each `client_id`.
    I3,
    /// Numbers are 1..N.
    I4,
    /// All clients and paths agree about each `(room, seq)`.
    I5,
    /// Each client's stream goes +1 unless a `resync` came first.
    I6,
    /// If one send was acked before another was issued, its number is smaller; time never runs backwards.
    I7,
    /// Whoever has seen a log sees nothing older afterwards.
    I8,
    /// Nothing is delivered more than a second after revocation.
    I9,
    /// Everyone converges.
    I10,
    /// Memory, descriptors and tasks return to where they were.
    I11,
    /// Acks come in time.
    I12,
}

/// A promise that was broken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// Which.
    pub invariant: Invariant,
    /// What happened, in one sentence.
    pub sentence: String,
    /// The record at which it showed, counted from 1.
    pub number: u64,
    /// That record and those before it that concern the same.
    pub records: Vec<Record>,
}

/// What the checker found in a history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// Broken promises, in the order in which they showed; of each invariant the first ones.
    pub violations: Vec<Violation>,
}

impl Report {
    /// Whether every promise was kept.
    pub fn is_clean(&self) -> bool {
        self.violations.is_empty()
    }
}

impl std::fmt::Display for Report {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for violation in &self.violations {
            writeln!(out, "{:?}: {}", violation.invariant, violation.sentence)?;
        }
        Ok(())
    }
}

//! What is done to a Parlor: one file for each fault of the contract.

mod kills;

use std::time::Duration;

use anyhow::Result;

use crate::history::Verdict;
use crate::program::Program;

/// A fault, numbered as in the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Workload {
    /// T1: `kill -9` at random moments, again and again.
    Kills,
}

impl Workload {
    /// All of them.
    pub const ALL: [Self; 1] = [Self::Kills];

    /// Its number in the contract.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kills => "T1",
        }
    }

    /// What is done, in a few words.
    pub fn title(self) -> &'static str {
        match self {
            Self::Kills => "kill -9 under load",
        }
    }

    /// Does it for about so long, to a Parlor of its own, and lets the checker judge.
    pub async fn run(self, program: &Program, seed: u64, length: Duration) -> Result<Verdict> {
        match self {
            Self::Kills => kills::run(program, seed, length).await,
        }
    }
}

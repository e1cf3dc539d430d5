//! What is done to a Parlor: one file for each fault of the contract.

mod drains;
mod kills;

use std::time::Duration;

use anyhow::Result;
use checker::Limits;

use crate::history::Verdict;
use crate::program::Program;
use crate::world::Plan;

/// A fault, numbered as in the contract.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Workload {
    /// T1: `kill -9` at random moments, again and again.
    Kills,
    /// T12: SIGTERM, again and again.
    Drains,
}

impl Workload {
    /// All of them.
    pub const ALL: [Self; 2] = [Self::Kills, Self::Drains];

    /// Its number in the contract.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kills => "T1",
            Self::Drains => "T12",
        }
    }

    /// What is done, in a few words.
    pub fn title(self) -> &'static str {
        match self {
            Self::Kills => "kill -9 under load",
            Self::Drains => "SIGTERM under load",
        }
    }

    /// Does it for about so long, to a Parlor of its own, and lets the checker judge.
    pub async fn run(self, program: &Program, seed: u64, length: Duration) -> Result<Verdict> {
        let limits = Limits::default();
        let plan = Plan { program, name: self.name(), seed, length, limits };
        let verdict = match self {
            Self::Kills => kills::run(plan).await,
            Self::Drains => drains::run(plan).await,
        };
        Ok(verdict?.tidy())
    }
}

//! What is done to a Parlor: one file for each fault of the contract.

mod backup;
mod drains;
mod duplicates;
mod kills;
mod network;
mod storm;

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
    /// T6: a bad network.
    Network,
    /// T9: everything is said more than once.
    Duplicates,
    /// T10: all connections end at once, and all come back.
    Storm,
    /// T11: a backup under load, put back later.
    Backup,
    /// T12: SIGTERM, again and again.
    Drains,
}

/// How much of it.
#[derive(Debug, Clone, Copy)]
pub struct Scale {
    /// For about how long.
    pub length: Duration,
    /// Connections, where it is them that matter.
    pub sockets: usize,
}

impl Workload {
    /// All of them.
    pub const ALL: [Self; 6] =
        [Self::Kills, Self::Network, Self::Duplicates, Self::Storm, Self::Backup, Self::Drains];

    /// Its number in the contract.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kills => "T1",
            Self::Network => "T6",
            Self::Duplicates => "T9",
            Self::Storm => "T10",
            Self::Backup => "T11",
            Self::Drains => "T12",
        }
    }

    /// What is done, in a few words.
    pub fn title(self) -> &'static str {
        match self {
            Self::Kills => "kill -9 under load",
            Self::Network => "a network that delays, splits, stalls, resets",
            Self::Duplicates => "everything said 1 to 4 times",
            Self::Storm => "reconnect storm",
            Self::Backup => "a backup under load, put back",
            Self::Drains => "SIGTERM under load",
        }
    }

    /// Does it to a Parlor of its own, and lets the checker judge.
    pub async fn run(self, program: &Program, seed: u64, scale: Scale) -> Result<Verdict> {
        let limits = Limits::default();
        let plan = Plan { program, name: self.name(), seed, length: scale.length, limits };
        let verdict = match self {
            Self::Kills => kills::run(plan).await,
            Self::Network => network::run(plan).await,
            Self::Duplicates => duplicates::run(plan).await,
            Self::Storm => storm::run(plan, scale.sockets).await,
            Self::Backup => backup::run(plan).await,
            Self::Drains => drains::run(plan).await,
        };
        Ok(verdict?.tidy())
    }
}

//! What is done to a Parlor: one file for each fault of docs/reliability.md.

mod backup;
mod clock;
mod drains;
mod duplicates;
mod full_disk;
mod half_open;
mod kills;
mod log_outs;
mod network;
mod readers;
mod soak;
mod storm;

use std::time::Duration;

use anyhow::Result;
use checker::Limits;

use crate::history::Verdict;
use crate::program::Program;
use crate::world::{Size, World};

/// What an ack may take while nothing is broken. A program that is not built for speed, on a machine that tests other
/// things too, is not measured.
const ACK: Duration = Duration::from_secs(if cfg!(debug_assertions) { 10 } else { 1 });

/// A fault, numbered as in docs/reliability.md. T2 and T4, power cuts and I/O errors, are injected beneath the database and
/// stand in a crate of their own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Workload {
    /// T1: `kill -9` at random moments, again and again.
    Kills,
    /// T3: no room on the disk, for a while.
    FullDisk,
    /// T5: the time of day jumps.
    Clock,
    /// T6: a bad network.
    Network,
    /// T7: connections whose other end has vanished.
    HalfOpen,
    /// T8: readers that do not read.
    Readers,
    /// T9: everything is said more than once.
    Duplicates,
    /// T10: all connections end at once, and all come back.
    Storm,
    /// T11: a backup under load, put back later.
    Backup,
    /// T12: SIGTERM, again and again.
    Drains,
    /// T13: what happens to one server in a long life.
    Soak,
    /// T14: sessions that end.
    LogOuts,
}

/// How much of it.
#[derive(Debug, Clone, Copy)]
pub struct Scale {
    /// For about how long.
    pub length: Duration,
    /// Connections that come back in a storm.
    pub sockets: usize,
    /// Readers that stop.
    pub readers: usize,
    /// How long the last client may take to be where it should be when nothing is broken.
    pub patience: Duration,
}

impl Workload {
    /// All of them.
    pub const ALL: [Self; 12] = [
        Self::Kills,
        Self::FullDisk,
        Self::Clock,
        Self::Network,
        Self::HalfOpen,
        Self::Readers,
        Self::Duplicates,
        Self::Storm,
        Self::Backup,
        Self::Drains,
        Self::Soak,
        Self::LogOuts,
    ];

    /// Its number.
    pub fn name(self) -> &'static str {
        match self {
            Self::Kills => "T1",
            Self::FullDisk => "T3",
            Self::Clock => "T5",
            Self::Network => "T6",
            Self::HalfOpen => "T7",
            Self::Readers => "T8",
            Self::Duplicates => "T9",
            Self::Storm => "T10",
            Self::Backup => "T11",
            Self::Drains => "T12",
            Self::Soak => "T13",
            Self::LogOuts => "T14",
        }
    }

    /// What is done, in a few words.
    pub fn title(self) -> &'static str {
        match self {
            Self::Kills => "kill -9 under load",
            Self::FullDisk => "disk full, then freed",
            Self::Clock => "clock set by hours and days",
            Self::Network => "delays, splits, stalls, resets",
            Self::HalfOpen => "half-open connections",
            Self::Readers => "readers that stop reading",
            Self::Duplicates => "everything said 1 to 4 times",
            Self::Storm => "reconnect storm",
            Self::Backup => "backup under load, put back",
            Self::Drains => "SIGTERM under load",
            Self::Soak => "a long life, and no growth",
            Self::LogOuts => "log-outs under load",
        }
    }

    /// Whether it needs a program that is [steered](Program::steered).
    pub fn is_steered(self) -> bool {
        self == Self::Clock
    }

    /// Does it to a Parlor of its own, and lets the checker judge.
    pub async fn run(self, program: &Program, seed: u64, scale: Scale) -> Result<Verdict> {
        let limits = Limits { ack: ACK, ..Limits::default() };
        let size = match self {
            Self::Readers => readers::size(scale),
            Self::Duplicates => duplicates::SIZE,
            Self::Storm => storm::size(scale),
            Self::Soak => soak::SIZE,
            _ => Size::default(),
        };
        let mut world = World::new(program, self.name(), seed, scale, size, limits).await?;
        let done = match self {
            Self::Kills => kills::strike(&mut world).await,
            Self::FullDisk => full_disk::strike(&mut world).await,
            Self::Clock => clock::strike(&mut world).await,
            Self::Network => network::strike(&mut world).await,
            Self::HalfOpen => half_open::strike(&mut world).await,
            Self::Readers => readers::strike(&mut world).await,
            Self::Duplicates => duplicates::strike(&mut world).await,
            Self::Storm => storm::strike(&mut world).await,
            Self::Backup => backup::strike(&mut world).await,
            Self::Drains => drains::strike(&mut world).await,
            Self::Soak => soak::strike(&mut world).await,
            Self::LogOuts => log_outs::strike(&mut world).await,
        };
        Ok(world.judge(done).await?.tidy())
    }
}

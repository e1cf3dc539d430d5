//! How bytes travel.

use std::num::NonZeroUsize;
use std::time::Duration;

/// How bytes travel on a connection. By default as fast as they can.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Conditions {
    /// From the client to the server.
    pub up: Travel,
    /// From the server to the client.
    pub down: Travel,
}

/// How bytes travel in one direction.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Travel {
    /// How long each byte is under way at least.
    pub latency: Duration,
    /// How much longer at most. Bytes never overtake each other.
    pub jitter: Duration,
    /// Most bytes in one write: each write is of a random size up to this.
    pub pieces: Option<NonZeroUsize>,
    /// Most bytes in a second. 0 lets nothing through once the buffers are full.
    pub bytes_per_second: Option<u64>,
    /// Whether they travel at all.
    pub flow: Flow,
}

/// Whether bytes travel.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum Flow {
    /// They do.
    #[default]
    Moves,
    /// They wait: nothing is read and nothing is written until this changes. The sender feels it when buffers are full.
    Stalls,
    /// They are lost, and so is the end of the connection, while the sender believes that they arrive: one half of a
    /// half-open connection. A connection that has lost bytes is reset when this changes.
    Vanishes,
    /// They are lost, and the receiver is told that the sender has closed this direction, which it has not. A connection
    /// that has come to this is reset when it changes.
    Ends,
}

/// From whom to whom.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// From the client to the server.
    Up,
    /// From the server to the client.
    Down,
}

impl Conditions {
    /// The same in both directions.
    pub fn both(travel: Travel) -> Self {
        Self { up: travel, down: travel }
    }

    /// This in one direction, and no fault in the other.
    pub fn only(direction: Direction, travel: Travel) -> Self {
        match direction {
            Direction::Up => Self { up: travel, down: Travel::default() },
            Direction::Down => Self { up: Travel::default(), down: travel },
        }
    }

    /// In one direction.
    pub fn toward(&self, direction: Direction) -> Travel {
        match direction {
            Direction::Up => self.up,
            Direction::Down => self.down,
        }
    }
}

impl From<Flow> for Travel {
    fn from(flow: Flow) -> Self {
        Self { flow, ..Self::default() }
    }
}

//! A place in a room's log.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

/// The number of an event in its room: 1, 2, 3, … without a gap. 0 is the place before the first.
#[derive(
    Debug,
    Clone,
    Copy,
    Default,
    PartialEq,
    Eq,
    PartialOrd,
    Ord,
    Hash,
    Serialize,
    Deserialize,
    ToSchema,
)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(transparent)]
pub struct Seq(pub u64);

impl Seq {
    /// The place before the first event, and the head of an empty room.
    pub const START: Self = Self(0);

    /// The event after this one.
    #[must_use]
    pub fn next(self) -> Self {
        Self(self.0 + 1)
    }
}

/// The life of a log. It changes only when the database is put back to an earlier state, because numbers that were
/// given out before may then be given out again.
#[derive(
    Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema,
)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(transparent)]
pub struct Epoch(pub u64);

/// How far somebody has read a room's log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Cursor {
    /// The life of the log they read in.
    pub epoch: Epoch,
    /// The last event they have.
    pub seq: Seq,
}

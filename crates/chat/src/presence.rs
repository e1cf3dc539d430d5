//! Who is in a room, and when they were last active there. The server reports it; what counts as "here" is the
//! client's to decide.

use crate::id::{RoomId, UserId};
use crate::time::Timestamp;
use crate::user::User;

/// Somebody was active in a room.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Activity {
    /// Where.
    pub room: RoomId,
    /// Who.
    pub user: UserId,
    /// When.
    pub at: Timestamp,
}

/// Those who have been in a room.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Participants {
    /// The most recently active of them, newest first, and when they last were.
    pub recent: Vec<(User, Timestamp)>,
    /// How many there are in all.
    pub total: u64,
}

//! A room, as one client knows it.

use tokio::time::Instant;

use crate::wire::RoomId;

pub(super) struct Room {
    pub(super) id: RoomId,
    /// The last message dealt with, and the life of the log it was in.
    pub(super) after: Option<u64>,
    pub(super) epoch: Option<u64>,
    /// Joins on this connection that are not answered.
    pub(super) asked: u32,
    /// All were answered, and it was let in.
    pub(super) joined: bool,
    /// When to ask, at the earliest.
    pub(super) not_before: Instant,
}

/// What a message is to somebody with a cursor.
pub(super) enum Place {
    Next,
    Known,
    /// One or more before it are missing.
    Gap,
}

impl Room {
    pub(super) fn new(id: RoomId, now: Instant) -> Self {
        Self { id, after: None, epoch: None, asked: 0, joined: false, not_before: now }
    }

    /// The connection is gone; the cursor is not, if a join was answered.
    pub(super) fn lose(&mut self) {
        if self.epoch.is_none() {
            self.after = None;
        }
        self.asked = 0;
        self.joined = false;
    }

    /// A join was refused: others may still be answered.
    pub(super) fn is_refused(&mut self) {
        let asked = self.asked.saturating_sub(1);
        self.lose();
        self.asked = asked;
    }

    /// Takes in the message with this number.
    pub(super) fn take(&mut self, seq: u64) -> Place {
        match self.after {
            Some(after) if seq <= after => Place::Known,
            Some(after) if seq > after + 1 => Place::Gap,
            _ => {
                self.after = Some(seq);
                Place::Next
            }
        }
    }

    pub(super) fn forget_cursor(&mut self) {
        (self.after, self.epoch) = (None, None);
    }

    pub(super) fn is_at(&self, head: Option<u64>) -> bool {
        self.joined && self.after == head
    }
}

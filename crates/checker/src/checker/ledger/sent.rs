//! What is known of a message from those who sent it.

use super::{Place, RoomIndex};

/// All that is known of one `client_id` of one author.
#[derive(Debug)]
pub(super) struct Sent {
    pub(super) room: RoomIndex,
    /// Almost always one.
    pub(super) first: Text,
    pub(super) others: Vec<Text>,
    /// When it was sent first.
    pub(super) invoked: u64,
    /// The highest place in its room that was acked before that.
    pub(super) floor: Place,
    /// Where it stands, in the latest epoch in which anybody was shown it.
    pub(super) place: Option<Place>,
    pub(super) acks: Option<Acks>,
    /// What the caller gave with the first invocation.
    pub(super) phase: u64,
}

/// When it was acked first and last.
#[derive(Debug, Clone, Copy)]
pub(super) struct Acks {
    pub(super) first: u64,
    pub(super) last: u64,
}

/// One text under which a `client_id` was sent.
#[derive(Debug, Clone, Copy)]
pub(super) struct Text {
    pub(super) body: u64,
    pub(super) invoked: u32,
    pub(super) failed: u32,
    pub(super) acked: bool,
}

impl Sent {
    pub(super) fn text(&mut self, body: u64) -> Option<&mut Text> {
        let texts = std::iter::once(&mut self.first).chain(&mut self.others);
        texts.into_iter().find(|text| text.body == body)
    }

    pub(super) fn texts(&self) -> impl Iterator<Item = &Text> {
        std::iter::once(&self.first).chain(&self.others)
    }
}

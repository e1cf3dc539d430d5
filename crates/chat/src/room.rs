//! Rooms: a name, an address, and a log.

use crate::cursor::{Epoch, Seq};
use crate::error::{Error, Field};
use crate::id::{RoomId, UserId};
use crate::time::Timestamp;

/// Fewest and most characters of a room's name.
pub const ROOM_NAME_CHARACTERS: std::ops::RangeInclusive<usize> = 1..=80;

/// A room as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Room {
    /// Its address.
    pub id: RoomId,
    /// What it is called. Two rooms may have the same name.
    pub name: RoomName,
    /// The life its log is in.
    pub epoch: Epoch,
    /// The last event of its log.
    pub head: Seq,
    /// When it was created.
    pub created_at: Timestamp,
    /// When something was last said in it, if ever.
    pub last_message_at: Option<Timestamp>,
}

/// A room's name, one line that can be shown.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct RoomName(String);

/// A room about to exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewRoom {
    /// The address it will have.
    pub id: RoomId,
    /// What it will be called.
    pub name: RoomName,
    /// Who asked for it.
    pub by: UserId,
    /// When.
    pub at: Timestamp,
}

/// Which rooms are asked for. They come by their last activity (their last message or their creation), newest first.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct RoomQuery {
    /// Only rooms whose names contain this, whatever its case.
    pub search: Option<String>,
    /// Only rooms after this place, as said by [`RoomList::next`].
    pub after: Option<(Timestamp, RoomId)>,
    /// No more than this many.
    pub limit: usize,
}

/// Some rooms.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoomList {
    /// They, by their last activity, newest first.
    pub rooms: Vec<Room>,
    /// How many there are in all that match the search.
    pub total: u64,
    /// Where the list goes on, if it does.
    pub next: Option<(Timestamp, RoomId)>,
}

impl Room {
    /// When something last happened here.
    pub fn last_activity(&self) -> Timestamp {
        self.last_message_at.unwrap_or(self.created_at)
    }
}

impl RoomName {
    /// The name in `text`, or what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let name = text.trim();
        if !ROOM_NAME_CHARACTERS.contains(&name.chars().count()) {
            let sentence = "A room's name has 1 to 80 characters.".into();
            return Err(Error::Invalid(Field::RoomName, sentence));
        }
        Ok(Self(name.to_owned()))
    }

    /// A name that was checked before it was stored.
    pub fn from_stored(name: String) -> Self {
        Self(name)
    }

    /// As it is shown.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

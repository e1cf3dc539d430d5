//! Messages: what is said in a room.

use std::sync::Arc;

use crate::cursor::{Epoch, Seq};
use crate::error::{Error, Field};
use crate::id::{ClientId, MessageId, RoomId};
use crate::time::Timestamp;
use crate::user::User;

/// Most bytes of a message's text, in UTF-8.
pub const BODY_MAX_BYTES: usize = 8192;

/// The text of a message: something, and not too much. Markdown, kept as it was typed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Body(Arc<str>);

/// A message in a room's log.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message {
    /// Where it was said.
    pub room: RoomId,
    /// Its place in the room.
    pub seq: Seq,
    /// Its number on this server.
    pub id: MessageId,
    /// What its author's client called it.
    pub client_id: ClientId,
    /// Who said it.
    pub author: User,
    /// What they said.
    pub body: Body,
    /// When it was stored. Never before the message that precedes it in the room.
    pub at: Timestamp,
}

/// A message about to be stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewMessage {
    /// Where it is said.
    pub room: RoomId,
    /// What its author's client calls it.
    pub client_id: ClientId,
    /// Who says it.
    pub author: User,
    /// What they say.
    pub body: Body,
    /// When it arrived.
    pub at: Timestamp,
}

/// What became of a [`NewMessage`]: the place it has in the log, now or since it was first sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Posted {
    /// Its place in the room.
    pub seq: Seq,
    /// Its number on this server.
    pub id: MessageId,
    /// When it was stored.
    pub at: Timestamp,
}

/// An event of a room's log. Edits, deletions and the like will be further kinds of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Logged {
    /// Somebody said something.
    Message(Message),
}

/// Which part of a log is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Page {
    /// The events up to the head.
    Newest,
    /// The events that precede this one.
    Before(Seq),
    /// The events that follow this one.
    After(Seq),
}

/// A part of a room's log, in its order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct History {
    /// The life the log is in.
    pub epoch: Epoch,
    /// The last event of the log when this was read.
    pub head: Seq,
    /// The events asked for: of a `Page::After` the first ones, of the others the last ones.
    pub events: Vec<Logged>,
}

impl Body {
    /// The message in `text`, or what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let text = text.trim_end();
        if text.trim_start().is_empty() {
            return Err(Error::Invalid(Field::Body, "A message says something.".into()));
        }
        if text.len() > BODY_MAX_BYTES {
            let sentence = "This message is too long: 8,192 bytes are the limit.".into();
            return Err(Error::Invalid(Field::Body, sentence));
        }
        Ok(Self(text.into()))
    }

    /// A text that was checked before it was stored.
    pub fn from_stored(text: &str) -> Self {
        Self(text.into())
    }

    /// As it was typed.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Logged {
    /// The room it belongs to.
    pub fn room(&self) -> RoomId {
        let Self::Message(message) = self;
        message.room
    }

    /// Its place there.
    pub fn seq(&self) -> Seq {
        let Self::Message(message) = self;
        message.seq
    }
}

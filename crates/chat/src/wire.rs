//! The words on the wire: every event of the live protocol and every shape in it, one enum per direction, written down
//! here and nowhere else. The TypeScript types of the page are generated from this file.

use serde::{Deserialize, Serialize};
#[cfg(test)]
use ts_rs::TS;
use utoipa::ToSchema;

use crate::cursor::{Epoch, Seq};
use crate::error::Error;
use crate::id::{ClientId, MessageId, RoomId, SessionId, UserId};
use crate::time::Timestamp;

mod events;
pub mod http;
#[cfg(test)]
mod typescript;

events::catalogue! {
    /// What a client can say. On the wire: the event's name, then its payload as the one argument; answered with an
    /// [`Ack`] of what stands behind the arrow.
    ClientEvent {
        /// Enter a room, and be told what happens in it.
        "join" => Join(Join) -> Joined,
        /// Leave a room again.
        "leave" => Leave(InRoom) -> Done,
        /// Say something.
        "message" => Message(Say) -> Sent,
        /// Look at a room, awake and online. Who is in it follows, to this client.
        "heartbeat" => Heartbeat(InRoom) -> Done,
        /// Be told which rooms there are, and from then on what changes about them.
        "watch_rooms" => WatchRooms(Nothing) -> Rooms,
        /// Be told no more about all the rooms.
        "unwatch_rooms" => UnwatchRooms(Nothing) -> Done,
    }
}

events::catalogue! {
    /// What the server tells. On the wire: the event's name, then its payload as the one argument.
    ServerEvent {
        /// Who is in a room.
        "participants" => Participants(Participants),
        /// Something was said.
        "message" => Message(Message),
        /// A cursor cannot be served.
        "resync" => Resync(Resync),
        /// Rooms are new or have changed.
        "rooms" => Rooms(ChangedRooms),
        /// The server is about to end.
        "draining" => Draining(Draining),
    }
}

/// Enter a room, and be told what follows the cursor.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(TS))]
#[serde(deny_unknown_fields)]
pub struct Join {
    /// The room's address.
    pub room: RoomId,
    /// The last event the client has. Without it, the newest events are told.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub after: Option<Seq>,
    /// The life of the log in which `after` was given.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub epoch: Option<Epoch>,
}

/// Something that concerns one room and needs no more words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(TS))]
#[serde(deny_unknown_fields)]
pub struct InRoom {
    /// The room's address.
    pub room: RoomId,
}

/// Say something in a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(TS))]
#[serde(deny_unknown_fields)]
pub struct Say {
    /// The room's address.
    pub room: RoomId,
    /// A UUID of the client's own, the same in every repetition of the same message.
    pub client_id: ClientId,
    /// Markdown, 1 to 8,192 bytes.
    pub body: String,
}

/// Something that needs no words: `{}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(TS))]
#[serde(deny_unknown_fields)]
#[cfg_attr(test, ts(type = "Record<string, never>"))]
pub struct Nothing {}

/// The answer to every client event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(TS))]
#[serde(rename_all = "lowercase")]
pub enum Ack<T> {
    /// It was done.
    Ok(T),
    /// It was not.
    Error(ApiError),
}

/// Why something was not done, over sockets and over HTTP.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[cfg_attr(test, derive(TS))]
pub struct ApiError {
    /// One of a fixed set of words, for programs.
    pub code: String,
    /// A sentence, for people.
    pub message: String,
    /// The input it concerns.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub field: Option<String>,
    /// Milliseconds after which trying again makes sense.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub retry_after_ms: Option<u64>,
}

impl From<&Error> for ApiError {
    fn from(error: &Error) -> Self {
        Self {
            code: error.code().to_owned(),
            message: error.to_string(),
            field: error.field().map(str::to_owned),
            // Rounded up: who comes at this time does not come too early.
            retry_after_ms: error
                .retry_after()
                .map(|wait| wait.as_nanos().div_ceil(1_000_000).try_into().unwrap_or(u64::MAX)),
        }
    }
}

/// Done, and nothing more to say: `{}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(TS))]
#[cfg_attr(test, ts(type = "Record<string, never>"))]
pub struct Done {}

/// The client is in the room, and has everything up to `head`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(TS))]
pub struct Joined {
    /// What the room is called.
    pub name: String,
    /// The life of its log.
    pub epoch: Epoch,
    /// The last event the client was told of before this answer.
    pub head: Seq,
}

/// The message is on the disk.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(TS))]
pub struct Sent {
    /// Its place in the room.
    pub seq: Seq,
    /// Its number on the server.
    pub id: MessageId,
    /// When it was stored.
    pub at: Timestamp,
}

/// The rooms last active.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(TS))]
pub struct Rooms {
    /// The most recently active, newest first.
    pub rooms: Vec<Room>,
    /// How many there are in all.
    pub total: u64,
}

/// Somebody, as others see them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[cfg_attr(test, derive(TS))]
pub struct User {
    /// Their number.
    pub id: UserId,
    /// What they are called.
    pub name: String,
}

/// A room, as shown in a list.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[cfg_attr(test, derive(TS))]
pub struct Room {
    /// Its address.
    pub id: RoomId,
    /// What it is called.
    pub name: String,
    /// The life of its log.
    pub epoch: Epoch,
    /// The last event of its log.
    pub head: Seq,
    /// How many people are connected to it now.
    pub here: u64,
    /// When it was created.
    pub created_at: Timestamp,
    /// When something was last said in it.
    #[schema(required)]
    pub last_message_at: Option<Timestamp>,
}

/// Something said in a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[cfg_attr(test, derive(TS))]
pub struct Message {
    /// The room's address.
    pub room: RoomId,
    /// Its place in the room: 1, 2, 3, …
    pub seq: Seq,
    /// Its number on the server.
    pub id: MessageId,
    /// What its author's client called it.
    pub client_id: ClientId,
    /// Who said it.
    pub author: User,
    /// Markdown.
    pub body: String,
    /// When it was stored.
    pub at: Timestamp,
}

/// Who is in a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(TS))]
pub struct Participants {
    /// The room's address.
    pub room: RoomId,
    /// When this was so.
    pub at: Timestamp,
    /// Whether `users` replaces what was told before, or changes it person by person.
    pub full: bool,
    /// People; in a full list at most the 200 most recently active.
    pub users: Vec<Participant>,
    /// How many have ever been in the room.
    pub total: u64,
    /// How many of them are connected to it now.
    pub connected: u64,
}

/// Somebody in a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(TS))]
pub struct Participant {
    /// Their number.
    pub id: UserId,
    /// What they are called.
    pub name: String,
    /// When they last did something in this room or let it be known that they look at it.
    pub last_active_at: Timestamp,
    /// Whether at least one client of theirs is connected to the room now.
    pub connected: bool,
}

/// The cursor cannot be served: forget what you have of this room. The newest events follow.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(TS))]
pub struct Resync {
    /// The room's address.
    pub room: RoomId,
    /// The life of its log.
    pub epoch: Epoch,
    /// The last event of its log.
    pub head: Seq,
    /// Why.
    pub reason: ResyncReason,
}

/// Why a cursor cannot be served.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(TS))]
#[serde(rename_all = "lowercase")]
pub enum ResyncReason {
    /// It is of another life of the log.
    Epoch,
    /// It is beyond the log's last event.
    Ahead,
}

/// Rooms that are new or have changed. Each replaces what was told of it before.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(TS))]
pub struct ChangedRooms {
    /// They.
    pub rooms: Vec<Room>,
}

/// The server is about to end. Come back later.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[cfg_attr(test, derive(TS))]
pub struct Draining {
    /// Milliseconds to wait before connecting again, different for each client.
    pub retry_after_ms: u64,
}

/// One log-in of somebody, in the list that only they see.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[cfg_attr(test, derive(TS))]
pub struct Session {
    /// Its number.
    pub id: SessionId,
    /// What logged in, in a few words.
    pub client: String,
    /// When.
    pub created_at: Timestamp,
    /// When it was last used, to within some minutes.
    pub last_seen_at: Timestamp,
    /// Whether it is the one that asks.
    pub current: bool,
}

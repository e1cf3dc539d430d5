//! A history: what clients did and saw, one record after the other.

use std::fmt;

use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::limits::Limits;

/// One thing that happened.
///
/// Records stand in the order in which they happened, so `at_ns` never decreases. A request is stamped before it
/// leaves, an answer after it has arrived: what overlapped then overlaps in the history, and no order is claimed that
/// there was not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Record {
    /// When, in nanoseconds of a clock that never jumps and that all processes share.
    pub at_ns: u64,
    /// Which client, through all its connections. 0 is the test itself.
    pub process: u32,
    /// As whom it is logged in. 0 is nobody.
    pub user: u64,
    /// What.
    #[serde(flatten)]
    pub event: Event,
}

/// What can happen.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "event", rename_all = "snake_case")]
pub enum Event {
    /// What is good enough in this history. Only the first record of all can say so.
    Limits {
        /// In place of those that the checker was given.
        limits: Limits,
    },

    /// A message is sent. A repetition with the same `client_id` is another `invoke`.
    Invoke {
        /// What is sent.
        #[serde(flatten)]
        post: Post,
    },
    /// One `invoke` was answered: the message is stored.
    Ok {
        /// What was sent.
        #[serde(flatten)]
        post: Post,
        /// Its place in the room.
        seq: u64,
        /// Its number on the server.
        id: u64,
        /// When the server says that it stored it.
        at: i64,
    },
    /// One `invoke` was answered: it stored nothing. Never for an error that leaves this open.
    Fail {
        /// What was sent.
        #[serde(flatten)]
        post: Post,
        /// Why.
        code: String,
    },
    /// One `invoke` will not be answered any more, or was answered with an error that leaves open whether the message is
    /// stored: it may appear once or not at all.
    Info {
        /// What was sent.
        #[serde(flatten)]
        post: Post,
    },

    /// The process has logged in (again). A process is logged in from its first record on, so this matters only after
    /// [`Event::Revoked`].
    LoggedIn,
    /// The process has a connection.
    Connected,
    /// It has one no more, and so is in no room.
    Lost {
        /// Why, as far as it knows.
        reason: String,
    },
    /// The process ends: nobody waits for it any more. While nothing is broken it ends only after it has caught up; one
    /// that is stopped before says [`Event::Left`] of its rooms first.
    Gone,

    /// A join is sent. What follows `after` will be heard, or the newest page without it.
    Joining {
        /// Of which room.
        room: Uuid,
        /// The last message the client has.
        after: Option<u64>,
        /// The life of the log in which it got it.
        epoch: Option<u64>,
    },
    /// The server says that a cursor cannot be served.
    Resync {
        /// Of which room.
        room: Uuid,
        /// The life of its log.
        epoch: u64,
        /// The last event of its log.
        head: u64,
        /// Why.
        reason: String,
    },
    /// A join was answered. Joins of one process are answered in the order in which they were sent.
    Joined {
        /// Of which room.
        room: Uuid,
        /// The life of its log.
        epoch: u64,
        /// The last event that was told before this answer.
        head: u64,
    },
    /// A join was refused, or a leave was answered: the process is not in the room, and need not hear it. A leave and a
    /// join of one room are not under way at the same time.
    Left {
        /// Which.
        room: Uuid,
    },
    /// A message arrived.
    Heard {
        /// In which room.
        room: Uuid,
        /// On which way.
        path: Path,
        /// The message.
        #[serde(flatten)]
        message: Message,
    },
    /// A page of history is asked for, one at a time for each process and room.
    Reading {
        /// Of which room.
        room: Uuid,
    },
    /// A page of history was answered. Its messages follow as [`Event::Heard`] with [`Path::History`], oldest first.
    Read {
        /// Of which room.
        room: Uuid,
        /// The life of its log.
        epoch: u64,
        /// The last event of its log.
        head: u64,
    },

    /// A log-out, a change of password or a removal was answered. Nothing may be delivered any more.
    Revoked {
        /// To whom.
        whose: Whose,
    },
    /// Something is broken on purpose, until [`Event::Healed`].
    Fault {
        /// What.
        what: String,
    },
    /// Nothing is broken any more. Whoever was in a room must now catch up.
    Healed,
    /// The database was put back to an earlier state.
    Restored {
        /// When that backup was begun: what was acked before is in it.
        since_ns: u64,
    },
    /// What the server uses.
    Resources {
        /// When that was.
        moment: Moment,
        /// Resident memory.
        memory_bytes: u64,
        /// Open descriptors.
        descriptors: u64,
        /// Tasks, or threads.
        tasks: u64,
    },
    /// Something happened that nobody promised and nobody should see, though it breaks no invariant. The history is not
    /// clean.
    Surprise {
        /// What.
        what: String,
    },

    /// In the end, when everybody has caught up and is still there, a room is read in full. Its messages follow as
    /// [`Event::Row`], oldest first.
    Final {
        /// Which.
        room: Uuid,
        /// The life of its log.
        epoch: u64,
        /// The last event of its log.
        head: u64,
        /// Where it is read.
        source: Source,
    },
    /// A message of the room that is being read in full.
    Row {
        /// In which room.
        room: Uuid,
        /// The message.
        #[serde(flatten)]
        message: Message,
    },
}

/// What an author sends. A `client_id` stays with its room; with another text it is a mistake that a server refuses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Post {
    /// To where.
    pub room: Uuid,
    /// What its author's client calls it.
    pub client_id: Uuid,
    /// The [`digest`] of its text.
    pub body: u64,
}

/// A message as somebody saw it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Its place in the room.
    pub seq: u64,
    /// Its number on the server.
    pub id: u64,
    /// What its author's client called it.
    pub client_id: Uuid,
    /// Who sent it.
    pub author: u64,
    /// The [`digest`] of its text.
    pub body: u64,
    /// When the server says that it stored it.
    pub at: i64,
}

impl Event {
    /// The room, the place in it and the `client_id` it is about, where it is about one.
    pub(crate) fn about(&self) -> (Option<Uuid>, Option<u64>, Option<Uuid>) {
        match self {
            Self::Invoke { post } | Self::Fail { post, .. } | Self::Info { post } => {
                (Some(post.room), None, Some(post.client_id))
            }
            Self::Ok { post, seq, .. } => (Some(post.room), Some(*seq), Some(post.client_id)),
            Self::Heard { room, message, .. } | Self::Row { room, message } => {
                (Some(*room), Some(message.seq), Some(message.client_id))
            }
            Self::Joining { room, .. }
            | Self::Resync { room, .. }
            | Self::Joined { room, .. }
            | Self::Left { room }
            | Self::Reading { room }
            | Self::Read { room, .. }
            | Self::Final { room, .. } => (Some(*room), None, None),
            Self::Limits { .. }
            | Self::LoggedIn
            | Self::Connected
            | Self::Lost { .. }
            | Self::Gone
            | Self::Revoked { .. }
            | Self::Fault { .. }
            | Self::Healed
            | Self::Restored { .. }
            | Self::Resources { .. }
            | Self::Surprise { .. } => (None, None, None),
        }
    }
}

impl fmt::Display for Message {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seq, id, client_id, author, body, at } = self;
        write!(out, "{seq} (id {id}, {client_id} of user {author}, text {body:016x}, at {at})")
    }
}

/// On which way a message came.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Path {
    /// As it happened.
    Live,
    /// Between a join and its answer.
    Resume,
    /// In a page of history.
    History,
}

/// Who is logged out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Whose {
    /// The process of the record.
    Process,
    /// All processes there are now of the record's user.
    User,
}

/// When resources are looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Moment {
    /// Before anything happens.
    Baseline,
    /// When all is quiet again.
    After,
}

/// Where a room is read in full.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Source {
    /// From the server.
    Http,
    /// From the file.
    Database,
}

/// Stands for a text: FNV-1a, 64 bits. The same in every process and every build, so files of records stay readable.
pub const fn digest(text: &str) -> u64 {
    let bytes = text.as_bytes();
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    let mut index = 0;
    while index < bytes.len() {
        hash = (hash ^ bytes[index] as u64).wrapping_mul(0x0000_0100_0000_01b3);
        index += 1;
    }
    hash
}

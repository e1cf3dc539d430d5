//! The shapes of the HTTP API that are not also the live protocol's.

use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::{ApiError, Message, Room, Session, User};
use crate::cursor::{Epoch, Seq};

/// Who somebody is, or wants to be.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub struct Credentials {
    /// 1 to 32 characters, unlike everybody else's.
    pub name: String,
    /// 8 characters at least, 1,024 bytes at most.
    pub password: String,
    /// How the token is kept; `cookie` if nothing is said.
    #[serde(default)]
    #[cfg_attr(test, ts(optional, as = "Option<SessionKind>"))]
    pub kind: SessionKind,
}

/// How the token of a new session is kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "lowercase")]
pub enum SessionKind {
    /// In an `HttpOnly` cookie, for browsers.
    #[default]
    Cookie,
    /// By the client, for programs: it is in the answer, and there is no cookie.
    Token,
}

/// Somebody has been let in.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct LoggedIn {
    /// Who.
    pub user: User,
    /// Through which session.
    pub session: Session,
    /// Whether they look after this server.
    pub admin: bool,
    /// What opens the session, if the client asked for it. It is not shown again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[cfg_attr(test, ts(optional))]
    pub token: Option<String>,
}

/// Who asks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Me {
    /// Who.
    pub user: User,
    /// Through which session.
    pub session: Session,
    /// Whether they look after this server.
    pub admin: bool,
}

/// Change the password.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub struct PasswordChange {
    /// The present one.
    pub old: String,
    /// The one from now on: 8 characters at least, 1,024 bytes at most.
    pub new: String,
}

/// What opens the session from now on.
#[derive(Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct NewToken {
    /// It is not shown again.
    pub token: String,
}

/// The ways in which somebody is logged in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Sessions {
    /// They, most recently used first.
    pub sessions: Vec<Session>,
}

/// Open a new room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(deny_unknown_fields)]
pub struct CreateRoom {
    /// What it will be called: 1 to 80 characters.
    pub name: String,
}

/// Some of the rooms.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct RoomPage {
    /// They, by their last activity, newest first.
    pub rooms: Vec<Room>,
    /// How many there are in all that match the search.
    pub total: u64,
    /// What to give as `after` for those that follow; null if none do.
    #[schema(required)]
    pub next: Option<String>,
}

/// Some of what was said in a room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct MessagePage {
    /// The life of the room's log.
    pub epoch: Epoch,
    /// The last event of the log.
    pub head: Seq,
    /// In the order in which they were said.
    pub messages: Vec<Message>,
}

/// Why something was not done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Failed {
    /// Why.
    pub error: ApiError,
}

/// How the server is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[cfg_attr(test, derive(ts_rs::TS))]
pub struct Health {
    /// In a word.
    pub status: HealthStatus,
}

/// How the server is, in a word.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[cfg_attr(test, derive(ts_rs::TS))]
#[serde(rename_all = "snake_case")]
pub enum HealthStatus {
    /// It runs.
    Alive,
    /// It does everything it should.
    Ready,
    /// It is about to end and takes no new work.
    Draining,
    /// It cannot store anything; its log says why. What is stored can be read.
    StorageUnavailable,
}

//! What can be going to happen.

use std::task::Waker;

use chat::{Error, History, RoomId, SessionId, Token};
use volley::CloseReason;

use crate::wire::Line;

/// Something that happens at its time.
pub(crate) enum Happening {
    /// A future of the server has waited long enough.
    Woken(Waker),
    /// What the server has sent comes to a client.
    Down(Line),
    /// A client that did not read does so again.
    Resumes(Line),
    /// What a client has said comes to the server.
    Up(Line),
    /// A client's connection ends at its own end.
    Lost(Line),
    /// The server finds out that a connection is gone.
    Noticed(Line, CloseReason),
    /// A client looks around and does something.
    Moves(usize),
    /// The answer to a request over HTTP comes to a client.
    Answered {
        /// Which client.
        client: usize,
        /// With which of its requests it began.
        request: u64,
        /// The answer.
        answer: Answer,
    },
    /// Sessions have ended, and whoever asked for it is being told so.
    Revoked(Vec<SessionId>),
    /// A session has another token, and what the old one opened is to end.
    Replaced(SessionId),
    /// The database was put back to an earlier state.
    Restored,
    /// Something goes wrong.
    Strikes,
    /// The server has ended by itself.
    Stopped,
    /// A server starts.
    Starts,
}

/// What a request over HTTP is answered with.
pub(crate) enum Answer {
    /// Somebody is logged in.
    LoggedIn(Result<(SessionId, Token), Error>),
    /// Somebody is logged out.
    LoggedOut(Result<(), Error>),
    /// Somebody has a new password, and their session a new token.
    PasswordChanged(Result<Token, Error>),
    /// A page of a room's log.
    Read(RoomId, Result<History, Error>),
}

//! Being logged in: a random token that the client keeps, and its hash that the server keeps.

use std::fmt;
use std::time::Duration;

use crate::id::{SessionId, UserId};
use crate::time::Timestamp;
use crate::user::Account;

/// How long a session lasts at most. OWASP ASVS 7.3.2 asks for a limit; people asked not to be logged out each month.
pub const SESSION_LIFETIME: Duration = Duration::from_hours(180 * 24);
/// How long a session lasts without use.
pub const SESSION_IDLE: Duration = Duration::from_hours(30 * 24);
/// Most bytes of the line that tells one log-in from another in the list of sessions.
pub const CLIENT_MAX_BYTES: usize = 200;

/// The secret a client shows: 256 random bits. Never stored, never logged.
#[derive(Clone, PartialEq, Eq)]
pub struct Token([u8; 32]);

/// What is stored of a token, SHA-256. With 256 random bits beneath it needs neither salt nor a slow hash.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct TokenHash(pub [u8; 32]);

/// One log-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    /// Its number.
    pub id: SessionId,
    /// Whose it is.
    pub user: UserId,
    /// What logged in, in a few words: browser and system, say.
    pub client: String,
    /// When.
    pub created_at: Timestamp,
    /// When it was last used, to within some minutes.
    pub last_seen_at: Timestamp,
}

/// A session about to exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewSession {
    /// Whose it will be.
    pub user: UserId,
    /// What its client will be known by.
    pub token: TokenHash,
    /// What logs in, in a few words.
    pub client: String,
    /// When.
    pub at: Timestamp,
}

/// Somebody who is logged in: who they are, and through which session. Whoever holds one has been let in.
#[must_use]
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Identity {
    /// Who.
    pub account: Account,
    /// Through which log-in.
    pub session: Session,
}

impl Token {
    /// The token that these random bytes are.
    pub fn from_random_bytes(bytes: [u8; 32]) -> Self {
        Self(bytes)
    }

    /// Its bytes: to be encoded for the client, or hashed for the store.
    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl Session {
    /// Whether it can still be used at `now`.
    pub fn is_alive(&self, now: Timestamp) -> bool {
        now < self.created_at.plus(SESSION_LIFETIME) && now < self.last_seen_at.plus(SESSION_IDLE)
    }
}

impl fmt::Debug for Token {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("Token(…)")
    }
}

impl fmt::Debug for TokenHash {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.write_str("TokenHash(…)")
    }
}

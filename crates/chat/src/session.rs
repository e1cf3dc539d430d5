//! Being logged in: a random token that the client keeps, and its hash that the server keeps.

use std::fmt;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;

use crate::id::{SessionId, UserId};
use crate::time::Timestamp;
use crate::user::{Account, PasswordHash};

/// How long a session lasts at most. OWASP ASVS 7.3.2 asks for a limit; people asked not to be logged out each month.
pub const SESSION_LIFETIME: Duration = Duration::from_hours(180 * 24);
/// How long a session lasts without use.
pub const SESSION_IDLE: Duration = Duration::from_hours(30 * 24);
/// Most sessions of one person. Who wants more has a program that logs in again and again.
pub(crate) const MOST_SESSIONS: usize = 200;
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
    /// The hash that their password was found to match. If the account has another one by now, what they proved is
    /// worth nothing any more.
    pub password: PasswordHash,
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

    /// The token that a client shows, if it is one: what [`encode`](Self::encode) made.
    pub fn decode(text: &str) -> Option<Self> {
        let bytes = BASE64_URL_SAFE_NO_PAD.decode(text).ok()?;
        bytes.try_into().map(Self).ok()
    }

    /// As the client gets and keeps it: 43 characters that mean nothing special anywhere.
    pub fn encode(&self) -> String {
        BASE64_URL_SAFE_NO_PAD.encode(self.0)
    }

    /// Its bytes, to be hashed for the store.
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_comes_back_from_its_client_as_it_went() {
        let token = Token::from_random_bytes([0xfb; 32]);
        let text = token.encode();
        assert!(text.len() == 43 && !text.contains(['+', '/', '=', ' ']));
        assert!(Token::decode(&text) == Some(token));
    }

    #[test]
    fn what_is_not_exactly_a_token_is_none() {
        let text = Token::from_random_bytes([7; 32]).encode();
        for text in [
            "",
            "null",
            "1-",
            &text[1..],
            &format!("{text}A"),
            &format!("{text}="),
            &text.replace('c', "+"),
        ] {
            assert!(Token::decode(text).is_none(), "{text}");
        }
    }

    #[test]
    fn neither_a_token_nor_its_hash_shows_itself_in_a_log() {
        let shown = format!("{:?} {:?}", Token::from_random_bytes([7; 32]), TokenHash([7; 32]));
        assert_eq!(shown, "Token(…) TokenHash(…)");
    }
}

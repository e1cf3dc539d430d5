//! People, and what they prove who they are with.

use crate::id::UserId;
use crate::time::Timestamp;

mod name;
mod password;

pub use name::{NAME_CHARACTERS, NAME_KEY_VERSION, NAME_MAX_BYTES, Name, NameKey};
pub use password::{PASSWORD_MAX_BYTES, PASSWORD_MIN_CHARACTERS, Password, PasswordHash};

/// A person as others see them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    /// Their number.
    pub id: UserId,
    /// What they are called.
    pub name: Name,
}

/// A person as the server knows them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Account {
    /// Who they are to others.
    pub user: User,
    /// Whether they look after this server. The first account does.
    pub admin: bool,
    /// When they registered.
    pub created_at: Timestamp,
}

/// Somebody about to exist.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewUser {
    /// The name they chose.
    pub name: Name,
    /// Their password's hash.
    pub password: PasswordHash,
    /// When they asked.
    pub at: Timestamp,
}

/// What a log-in is checked against.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// Whose.
    pub account: Account,
    /// Their password's hash.
    pub password: PasswordHash,
}

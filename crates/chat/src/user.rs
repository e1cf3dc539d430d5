//! People: their names and passwords.

use crate::error::{Error, Field};
use crate::id::UserId;
use crate::time::Timestamp;

/// Fewest and most characters of a name.
pub const NAME_CHARACTERS: std::ops::RangeInclusive<usize> = 1..=32;
/// Fewest characters of a password: OWASP ASVS 6.2.1.
pub const PASSWORD_MIN_CHARACTERS: usize = 8;
/// Most bytes of a password. Long enough for any sentence, short enough to hash.
pub const PASSWORD_MAX_BYTES: usize = 1024;

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

/// A name that can be shown, and told from every other. Checked where it enters.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Name(String);

/// What two names have in common that people would take for each other. Unique on a server, and what a log-in looks for.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct NameKey(String);

/// A password somebody typed, of a length that can be worked with. Never shown, never logged.
#[derive(Clone, PartialEq, Eq)]
pub struct Password(String);

/// A password's hash, as a PHC string.
#[derive(Clone, PartialEq, Eq)]
pub struct PasswordHash(pub String);

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

impl Name {
    /// The name in `text`, or what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, Error> {
        let name = text.trim();
        if !NAME_CHARACTERS.contains(&name.chars().count()) {
            return Err(Error::Invalid(Field::Name, "A name has 1 to 32 characters.".into()));
        }
        Ok(Self(name.to_owned()))
    }

    /// A name that was checked before it was stored.
    pub fn from_stored(name: String) -> Self {
        Self(name)
    }

    /// What it shares with names that look like it.
    pub fn key(&self) -> NameKey {
        NameKey(self.0.to_lowercase())
    }

    /// As it is shown.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl NameKey {
    /// What the store keeps and compares.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl Password {
    /// The password in `text`, if it follows the rules for a new one. `field` is the input it was typed into.
    pub fn choose(text: String, field: Field) -> Result<Self, Error> {
        if text.chars().count() < PASSWORD_MIN_CHARACTERS || text.len() > PASSWORD_MAX_BYTES {
            return Err(Error::Invalid(field, "A password has at least 8 characters.".into()));
        }
        Ok(Self(text))
    }

    /// The password in `text`, to be compared with one chosen before. No rule but its length, which may have changed.
    pub fn offered(text: String) -> Result<Self, Error> {
        if text.len() > PASSWORD_MAX_BYTES { Err(Error::WrongCredentials) } else { Ok(Self(text)) }
    }

    /// Its bytes, for hashing.
    pub fn as_bytes(&self) -> &[u8] {
        self.0.as_bytes()
    }
}

impl std::fmt::Debug for Password {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("Password(…)")
    }
}

impl std::fmt::Debug for PasswordHash {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str("PasswordHash(…)")
    }
}

//! What can go wrong, in words for those who asked. Doors turn it into an HTTP status or an ack; nobody else does.

use std::time::Duration;

use crate::store::StoreError;

/// Why something was not done.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The request is not one that Parlor understands.
    #[error("{0}")]
    BadRequest(String),
    /// One input does not follow its rule; the sentence says which.
    #[error("{1}")]
    Invalid(Field, String),
    /// The name, or one that looks like it, belongs to somebody else.
    #[error("This name, or one that looks like it, is taken. Please choose another.")]
    NameTaken,
    /// No such name, or not its password; which of the two is not said.
    #[error("Name or password is wrong.")]
    WrongCredentials,
    /// The present password, asked for before a change, is wrong.
    #[error("This is not your present password.")]
    WrongPassword,
    /// No session, or one that has ended.
    #[error("Please log in first.")]
    NotLoggedIn,
    /// There is no room at this address.
    #[error("There is no room at this address.")]
    RoomNotFound,
    /// What was asked for does not exist, or is not theirs.
    #[error("There is nothing here.")]
    NotFound,
    /// An event about a room that this client has not joined.
    #[error("Join the room first.")]
    NotInRoom,
    /// A `client_id` used again for something else. Nothing was stored.
    #[error("This client_id was used before for another message. Nothing was stored.")]
    IdempotencyConflict,
    /// Too much in too short a time.
    #[error("That was a bit fast. Please try again in a moment.")]
    RateLimited {
        /// When it will work again.
        retry_after: Duration,
    },
    /// The server has more to do than it can, for the moment.
    #[error("The server is very busy. Please try again in a moment.")]
    Overloaded {
        /// When to try again.
        retry_after: Duration,
    },
    /// Nothing can be stored at present; what was asked has not been done, or not provably.
    #[error("The server cannot store anything at the moment. Please try again soon.")]
    StorageUnavailable {
        /// When to try again.
        retry_after: Duration,
    },
    /// The server is at fault; its log has the cause.
    #[error("Something went wrong on the server.")]
    Internal,
}

/// The input that an error is about, by its name on the wire.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Field {
    /// A person's name.
    Name,
    /// The password at registration.
    Password,
    /// The new password at a change.
    NewPassword,
    /// A room's name.
    RoomName,
    /// A message's text.
    Body,
}

impl Error {
    /// The word for programs. It never changes once it has been released.
    pub fn code(&self) -> &'static str {
        match self {
            Self::BadRequest(_) => "bad_request",
            Self::Invalid(field, _) => field.code(),
            Self::NameTaken => "name_taken",
            Self::WrongCredentials => "wrong_credentials",
            Self::WrongPassword => "wrong_password",
            Self::NotLoggedIn => "not_logged_in",
            Self::RoomNotFound => "room_not_found",
            Self::NotFound => "not_found",
            Self::NotInRoom => "not_in_room",
            Self::IdempotencyConflict => "idempotency_conflict",
            Self::RateLimited { .. } => "rate_limited",
            Self::Overloaded { .. } => "overloaded",
            Self::StorageUnavailable { .. } => "storage_unavailable",
            Self::Internal => "internal",
        }
    }

    /// The input it concerns, if it concerns one.
    pub fn field(&self) -> Option<&'static str> {
        match self {
            Self::Invalid(field, _) => Some(field.name()),
            Self::NameTaken => Some(Field::Name.name()),
            Self::WrongPassword => Some("old"),
            _ => None,
        }
    }

    /// When it makes sense to try again, if trying again is all it takes.
    pub fn retry_after(&self) -> Option<Duration> {
        match self {
            Self::RateLimited { retry_after }
            | Self::Overloaded { retry_after }
            | Self::StorageUnavailable { retry_after } => Some(*retry_after),
            _ => None,
        }
    }
}

impl Field {
    fn code(self) -> &'static str {
        match self {
            Self::Name => "invalid_name",
            Self::Password | Self::NewPassword => "invalid_password",
            Self::RoomName => "invalid_room_name",
            Self::Body => "invalid_body",
        }
    }

    fn name(self) -> &'static str {
        match self {
            Self::Name | Self::RoomName => "name",
            Self::Password => "password",
            Self::NewPassword => "new",
            Self::Body => "body",
        }
    }
}

impl From<StoreError> for Error {
    fn from(error: StoreError) -> Self {
        match error {
            StoreError::Busy { retry_after } => Self::Overloaded { retry_after },
            StoreError::Unavailable { retry_after } => Self::StorageUnavailable { retry_after },
            StoreError::Broken => Self::Internal,
        }
    }
}

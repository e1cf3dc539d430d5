//! The seam towards the disk.

use std::time::Duration;

use crate::Error;
use crate::id::{RoomId, SessionId, UserId};
use crate::message::{History, NewMessage, Page, Posted};
use crate::presence::{Activity, Participants};
use crate::room::{NewRoom, Room, RoomList, RoomQuery};
use crate::session::{Identity, NewSession, Session, TokenHash};
use crate::time::Timestamp;
use crate::user::{Account, Credentials, NameKey, NewUser, PasswordHash};

/// Why the store did not do what was asked.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum StoreError {
    /// Its queue is full. Nothing was done.
    #[error("the store is busy")]
    Busy {
        /// When there may be room again.
        retry_after: Duration,
    },
    /// The disk is full, broken or away. What was asked has not been done, or not provably: ask again.
    #[error("the store is unavailable")]
    Unavailable {
        /// When to ask again.
        retry_after: Duration,
    },
    /// The data are not as they should be, or the code is not. The cause is in the log of the store.
    #[error("the store is broken")]
    Broken,
}

/// Keeps everything. What a call that writes has returned is on the disk to stay; each such call is atomic, but for
/// [`record_activity`](Store::record_activity).
///
/// Every engine is held to the same contract tests.
pub trait Store: Send + Sync + 'static {
    /// Creates an account, the first one as administrator. [`Error::NameTaken`] if the name's key is.
    fn create_user(&self, user: NewUser) -> impl Future<Output = Result<Account, Error>> + Send;

    /// What a log-in under this name is checked against.
    fn credentials(
        &self,
        name: NameKey,
    ) -> impl Future<Output = Result<Option<Credentials>, StoreError>> + Send;

    /// Replaces the password `old` of `user` by `new` and ends all their sessions but `keep`, whose token becomes
    /// `token`. Returns the sessions that ended. `None`, and nothing is changed, if they have another password by now or
    /// `keep` has ended: whoever asked has been shut out while their old password was being checked.
    fn change_password(
        &self,
        user: UserId,
        old: PasswordHash,
        new: PasswordHash,
        keep: SessionId,
        token: TokenHash,
    ) -> impl Future<Output = Result<Option<Vec<SessionId>>, StoreError>> + Send;

    /// Replaces a password's hash by a better one of the same password, unless it has been changed meanwhile: an old
    /// password must not come back because somebody logged in with it a moment too late.
    fn rehash_password(
        &self,
        user: UserId,
        old: PasswordHash,
        new: PasswordHash,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Starts a session. `None` if the account has another password by now than the one that was checked.
    fn create_session(
        &self,
        session: NewSession,
    ) -> impl Future<Output = Result<Option<Session>, StoreError>> + Send;

    /// Who comes with this token. Whether the session is still alive is the caller's to judge.
    fn identify(
        &self,
        token: TokenHash,
    ) -> impl Future<Output = Result<Option<Identity>, StoreError>> + Send;

    /// Who comes with which token, of those who were here at `since` or after it: most recently used first, and no more
    /// than `limit`.
    fn recent_sessions(
        &self,
        since: Timestamp,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<(TokenHash, Identity)>, StoreError>> + Send;

    /// At most `limit` sessions of `user`, most recently used first.
    fn sessions(
        &self,
        user: UserId,
        limit: usize,
    ) -> impl Future<Output = Result<Vec<Session>, StoreError>> + Send;

    /// Ends a session of `user`. `false` if they have none by this number.
    fn end_session(
        &self,
        user: UserId,
        session: SessionId,
    ) -> impl Future<Output = Result<bool, StoreError>> + Send;

    /// Removes the sessions that were created before `created` or last used before `used`. Returns them.
    fn end_stale_sessions(
        &self,
        created: Timestamp,
        used: Timestamp,
    ) -> impl Future<Output = Result<Vec<SessionId>, StoreError>> + Send;

    /// Creates a room.
    fn create_room(&self, room: NewRoom) -> impl Future<Output = Result<Room, StoreError>> + Send;

    /// The room at this address.
    fn room(&self, room: RoomId) -> impl Future<Output = Result<Option<Room>, StoreError>> + Send;

    /// Some rooms, by their last activity.
    fn rooms(&self, query: RoomQuery) -> impl Future<Output = Result<RoomList, StoreError>> + Send;

    /// Gives a message the next place in its room and stores it, or finds that it is stored already. When it returns,
    /// the message is on the disk and has been published. [`Error::RoomNotFound`], [`Error::IdempotencyConflict`].
    fn append(&self, message: NewMessage) -> impl Future<Output = Result<Posted, Error>> + Send;

    /// At most `limit` events of a room's log. `None` if there is no such room.
    fn history(
        &self,
        room: RoomId,
        page: Page,
        limit: usize,
    ) -> impl Future<Output = Result<Option<History>, StoreError>> + Send;

    /// Those who have been in a room, the `limit` most recently active of them by name.
    fn participants(
        &self,
        room: RoomId,
        limit: usize,
    ) -> impl Future<Output = Result<Participants, StoreError>> + Send;

    /// Notes who was active where, and which sessions were used when. An earlier time never replaces a later one, and
    /// who or what is no longer there is passed over. May be stored in parts: what fails can be noted again.
    fn record_activity(
        &self,
        participants: Vec<Activity>,
        sessions: Vec<(SessionId, Timestamp)>,
    ) -> impl Future<Output = Result<(), StoreError>> + Send;

    /// Whether something can be written at present.
    fn check(&self) -> impl Future<Output = Result<(), StoreError>> + Send;
}

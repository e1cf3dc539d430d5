//! The verbs: what people do here.

use crate::error::Error;
use crate::id::{ClientId, RoomId, SessionId, UserId};
use crate::message::{Body, History, NewMessage, Page, Posted};
use crate::presence::{Activity, Participants};
use crate::room::{NewRoom, Room, RoomList, RoomName, RoomQuery};
use crate::session::{Identity, MOST_SESSIONS, NewSession, Session, TokenHash};
use crate::store::Store;
use crate::time::Timestamp;
use crate::user::{Account, Credentials, Name, NewUser, PasswordHash};

/// What people do here, on top of a store. Doors call these and nothing beneath.
#[derive(Debug, Clone)]
pub struct Chat<S> {
    store: S,
}

impl<S: Store> Chat<S> {
    /// A chat whose memory is `store`.
    pub fn new(store: S) -> Self {
        Self { store }
    }

    /// What it stands on, for those who keep it running.
    pub fn store(&self) -> &S {
        &self.store
    }

    /// Somebody joins this server.
    pub async fn register(
        &self,
        name: Name,
        password: PasswordHash,
        at: Timestamp,
    ) -> Result<Account, Error> {
        self.store.create_user(NewUser { name, password, at }).await
    }

    /// What somebody who claims to be `name` has to prove. A name that nobody could have is nobody's.
    pub async fn credentials(&self, name: &str) -> Result<Option<Credentials>, Error> {
        let Ok(name) = Name::parse(name) else { return Ok(None) };
        Ok(self.store.credentials(name.key()).await?)
    }

    /// Somebody who has proved who they are is let in, unless their password has been changed since.
    pub async fn start_session(&self, session: NewSession) -> Result<Session, Error> {
        self.store.create_session(session).await?.ok_or(Error::WrongCredentials)
    }

    /// Who comes with this token, if their session is alive.
    pub async fn identify(&self, token: TokenHash, now: Timestamp) -> Result<Identity, Error> {
        let identity = self.store.identify(token).await?.ok_or(Error::NotLoggedIn)?;
        if identity.session.is_alive(now) { Ok(identity) } else { Err(Error::NotLoggedIn) }
    }

    /// All the ways in which somebody is logged in.
    pub async fn sessions(&self, user: UserId, now: Timestamp) -> Result<Vec<Session>, Error> {
        let mut sessions = self.store.sessions(user, MOST_SESSIONS).await?;
        sessions.retain(|session| session.is_alive(now));
        Ok(sessions)
    }

    /// The session that somebody with more than anybody may have has not used for longest.
    pub async fn surplus_session(&self, user: UserId) -> Result<Option<SessionId>, Error> {
        let sessions = self.store.sessions(user, MOST_SESSIONS + 1).await?;
        Ok(sessions.get(MOST_SESSIONS).map(|session| session.id))
    }

    /// Somebody logs out, here or elsewhere.
    pub async fn end_session(&self, user: UserId, session: SessionId) -> Result<(), Error> {
        if self.store.end_session(user, session).await? { Ok(()) } else { Err(Error::NotFound) }
    }

    /// Somebody who has proved that they know the password with the hash `old` gets a new one, and with it a new token
    /// for the session they are in. All other sessions of theirs end and are returned.
    pub async fn change_password(
        &self,
        identity: &Identity,
        old: PasswordHash,
        new: PasswordHash,
        token: TokenHash,
    ) -> Result<Vec<SessionId>, Error> {
        let (user, session) = (identity.account.user.id, identity.session.id);
        let changed = self.store.change_password(user, old, new, session, token).await?;
        changed.ok_or(Error::NotLoggedIn)
    }

    /// Somebody opens a new room.
    pub async fn create_room(
        &self,
        by: UserId,
        id: RoomId,
        name: RoomName,
        at: Timestamp,
    ) -> Result<Room, Error> {
        Ok(self.store.create_room(NewRoom { id, name, by, at }).await?)
    }

    /// The room at an address.
    pub async fn room(&self, room: RoomId) -> Result<Room, Error> {
        self.store.room(room).await?.ok_or(Error::RoomNotFound)
    }

    /// The rooms of this server.
    pub async fn rooms(&self, query: RoomQuery) -> Result<RoomList, Error> {
        Ok(self.store.rooms(query).await?)
    }

    /// Somebody says something in a room. When this returns it is stored and has been told on.
    pub async fn post_message(
        &self,
        identity: &Identity,
        room: RoomId,
        client_id: ClientId,
        body: Body,
        at: Timestamp,
    ) -> Result<Posted, Error> {
        let author = identity.account.user.clone();
        self.store.append(NewMessage { room, client_id, author, body, at }).await
    }

    /// Who has been in a room, the `limit` most recently active of them by name.
    pub async fn participants(&self, room: RoomId, limit: usize) -> Result<Participants, Error> {
        Ok(self.store.participants(room, limit).await?)
    }

    /// People were active in rooms, and sessions were used. Many at a time: this is never worth a write of its own.
    pub async fn record_activity(
        &self,
        participants: Vec<Activity>,
        sessions: Vec<(SessionId, Timestamp)>,
    ) -> Result<(), Error> {
        Ok(self.store.record_activity(participants, sessions).await?)
    }

    /// What was said in a room.
    pub async fn history(&self, room: RoomId, page: Page, limit: usize) -> Result<History, Error> {
        self.store.history(room, page, limit).await?.ok_or(Error::RoomNotFound)
    }
}

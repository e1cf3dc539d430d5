//! A store with people who use it, and a listener who remembers what was told.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};

use chat::{
    Account, Body, ClientId, Error, Fanout, History, Logged, Message, Name, NewMessage, NewRoom,
    NewSession, NewUser, Page, PasswordHash, Posted, Room, RoomId, RoomName, Session, Store,
    Timestamp, TokenHash, User,
};
use uuid::Uuid;

use crate::engines::Engine;

/// When nothing else is said, it is now.
pub(crate) const NOW: Timestamp = Timestamp(1_700_000_000_000);

pub(crate) struct World<E: Engine> {
    engine: E,
    pub(crate) store: Arc<E::Store>,
    listener: Arc<Listener>,
    drawn: AtomicU64,
}

#[derive(Default)]
struct Listener(Mutex<Vec<Logged>>);

impl Fanout for Listener {
    fn publish(&self, events: &[Logged]) {
        assert!(!events.is_empty(), "telling nothing is noise");
        self.0.lock().unwrap().extend_from_slice(events);
    }
}

impl<E: Engine> World<E> {
    pub(crate) async fn new() -> Self {
        let (engine, listener) = (E::new(), Arc::new(Listener::default()));
        let store = Arc::new(engine.open(listener.clone()).await);
        Self { engine, store, listener, drawn: AtomicU64::new(1) }
    }

    /// The same after the server was stopped and started.
    pub(crate) async fn restarted(self) -> Self {
        E::close(&self.store).await;
        drop(self.store);
        let store = Arc::new(self.engine.open(self.listener.clone()).await);
        Self { store, ..self }
    }

    /// What has been told so far, in that order.
    pub(crate) fn told(&self) -> Vec<Logged> {
        self.listener.0.lock().unwrap().clone()
    }

    /// A number that was not drawn before.
    pub(crate) fn draw(&self) -> u64 {
        self.drawn.fetch_add(1, Ordering::Relaxed)
    }

    pub(crate) async fn account(&self, name: &str) -> Account {
        self.store.create_user(new_user(name)).await.unwrap()
    }

    pub(crate) async fn user(&self, name: &str) -> User {
        self.account(name).await.user
    }

    /// A session and the hash of its token.
    pub(crate) async fn session(&self, user: &User, at: Timestamp) -> (Session, TokenHash) {
        let token = self.token();
        let password = new_user(user.name.as_str()).password;
        let session = new_session(user, password, token, at);
        (self.store.create_session(session).await.unwrap().unwrap(), token)
    }

    pub(crate) fn token(&self) -> TokenHash {
        let mut hash = [0; 32];
        hash[..8].copy_from_slice(&self.draw().to_be_bytes());
        TokenHash(hash)
    }

    pub(crate) async fn room(&self, by: &User, name: &str) -> Room {
        self.room_at(by, name, NOW).await
    }

    pub(crate) async fn room_at(&self, by: &User, name: &str, at: Timestamp) -> Room {
        let name = RoomName::parse(name).unwrap();
        let room = NewRoom { id: self.address(), name, by: by.id, at };
        self.store.create_room(room).await.unwrap()
    }

    pub(crate) fn address(&self) -> RoomId {
        // Spread like random ones, so that the order of creation is not the order of addresses.
        let drawn = self.draw().wrapping_mul(0x9e37_79b9_7f4a_7c15);
        RoomId(Uuid::from_u64_pair(drawn, !drawn))
    }

    pub(crate) fn message(&self, room: RoomId, author: &User, text: &str) -> NewMessage {
        let client_id = ClientId(Uuid::from_u128(u128::from(self.draw())));
        let body = Body::parse(text).unwrap();
        NewMessage { room, client_id, author: author.clone(), body, at: NOW }
    }

    pub(crate) async fn say(&self, room: RoomId, author: &User, text: &str) -> Posted {
        self.append(self.message(room, author, text)).await.unwrap()
    }

    pub(crate) async fn append(&self, message: NewMessage) -> Result<Posted, Error> {
        self.store.append(message).await
    }

    pub(crate) async fn history(&self, room: RoomId, page: Page, limit: usize) -> History {
        self.store.history(room, page, limit).await.unwrap().unwrap()
    }
}

pub(crate) fn new_user(name: &str) -> NewUser {
    NewUser {
        name: Name::parse(name).unwrap(),
        password: PasswordHash(format!("$argon2id${name}")),
        at: NOW,
    }
}

pub(crate) fn new_session(
    user: &User,
    password: PasswordHash,
    token: TokenHash,
    at: Timestamp,
) -> NewSession {
    NewSession { user: user.id, password, token, client: "Firefox on Linux".into(), at }
}

/// So many milliseconds from now.
pub(crate) fn later(milliseconds: i64) -> Timestamp {
    Timestamp(NOW.0 + milliseconds)
}

/// The same message as a client sends it again.
pub(crate) fn again(message: &NewMessage) -> NewMessage {
    NewMessage { at: later(5_000), ..message.clone() }
}

pub(crate) fn messages(events: &[Logged]) -> Vec<&Message> {
    events.iter().map(|Logged::Message(message)| message).collect()
}

pub(crate) fn numbers(events: &[Logged]) -> Vec<u64> {
    events.iter().map(|event| event.seq().0).collect()
}

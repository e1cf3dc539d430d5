//! A data folder with a server on it, people, and what they say.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use chat::{
    Activity, Body, ClientId, Fanout, Logged, Name, NewMessage, NewRoom, NewUser, Page,
    PasswordHash, Posted, Room, RoomId, RoomName, Store, Timestamp, User,
};
use rusqlite::Connection;
use server::store::{Findings, OpenError, Sqlite, database_in};
use tempfile::TempDir;
use uuid::Uuid;

/// Said of a database by somebody who should know.
pub(crate) fn check(file: &Path) -> Findings {
    server::store::check(file, &mut |_| {}).unwrap()
}

pub(crate) fn refusal(file: &Path) -> OpenError {
    server::store::check(file, &mut |_| {}).unwrap_err()
}

/// The names of what is in a folder.
pub(crate) fn names_in(folder: &Path) -> Vec<String> {
    let entries = fs::read_dir(folder).unwrap();
    let mut names: Vec<_> =
        entries.map(|entry| entry.unwrap().file_name().into_string().unwrap()).collect();
    names.sort();
    names
}

/// Alice's and bob's server.
pub(crate) struct World {
    pub(crate) folder: TempDir,
    pub(crate) store: Arc<Sqlite>,
    pub(crate) alice: User,
    pub(crate) bob: User,
    pub(crate) kitchen: RoomId,
    pub(crate) attic: RoomId,
    drawn: AtomicU64,
}

struct Deaf;

impl Fanout for Deaf {
    fn publish(&self, _: &[Logged]) {}
}

impl World {
    /// Both have been in the kitchen and said something there; nobody has been in the attic.
    pub(crate) async fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let store = Arc::new(Sqlite::open(folder.path(), Arc::new(Deaf)).unwrap());
        let (alice, bob) = (user(&store, "alice").await, user(&store, "bob").await);
        let (kitchen, attic) = (RoomId(Uuid::from_u128(1)), RoomId(Uuid::from_u128(2)));
        for (id, name) in [(kitchen, "Kitchen"), (attic, "Attic")] {
            let name = RoomName::parse(name).unwrap();
            let room = NewRoom { id, name, by: alice.id, at: Timestamp(10) };
            store.create_room(room).await.unwrap();
        }
        let active = |user: &User| Activity { room: kitchen, user: user.id, at: Timestamp(11) };
        store.record_activity(vec![active(&alice), active(&bob)], Vec::new()).await.unwrap();
        let drawn = AtomicU64::new(1);
        let world = Self { folder, store, alice, bob, kitchen, attic, drawn };
        for _ in 0..5 {
            world.say(&world.alice).await;
            world.say(&world.bob).await;
        }
        world
    }

    pub(crate) fn data(&self) -> &Path {
        self.folder.path()
    }

    pub(crate) fn database(&self) -> PathBuf {
        database_in(self.data())
    }

    /// Somebody says something in the kitchen, each time later.
    pub(crate) async fn say(&self, author: &User) -> Posted {
        let number = self.drawn.fetch_add(1, Ordering::Relaxed);
        let message = NewMessage {
            room: self.kitchen,
            client_id: ClientId(Uuid::from_u128(number.into())),
            author: author.clone(),
            body: Body::parse(&format!("Message {number}")).unwrap(),
            at: Timestamp(100 + i64::try_from(number).unwrap()),
        };
        self.store.append(message).await.unwrap()
    }

    /// Ends the server, and does something to its database that no server would.
    pub(crate) async fn tamper(&self, sql: &str) {
        self.store.close().await;
        let db = Connection::open(self.database()).unwrap();
        db.pragma_update(None, "foreign_keys", false).unwrap();
        db.pragma_update(None, "ignore_check_constraints", true).unwrap();
        db.execute_batch(sql).unwrap();
    }
}

/// Opens a data folder as a server does.
pub(crate) fn serve(data: &Path) -> Result<Sqlite, OpenError> {
    Sqlite::open(data, Arc::new(Deaf))
}

pub(crate) async fn room(store: &Sqlite, room: RoomId) -> Room {
    store.room(room).await.unwrap().unwrap()
}

/// All that was said in a room.
pub(crate) async fn log(store: &Sqlite, room: RoomId) -> Vec<Logged> {
    store.history(room, Page::After(chat::Seq::START), 100_000).await.unwrap().unwrap().events
}

async fn user(store: &Sqlite, name: &str) -> User {
    let (name, password) = (Name::parse(name).unwrap(), PasswordHash(String::new()));
    store.create_user(NewUser { name, password, at: Timestamp(1) }).await.unwrap().user
}

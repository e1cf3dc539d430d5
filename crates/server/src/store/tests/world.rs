//! A store that is about to be treated badly, and who hears what it tells.

use std::pin::Pin;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{SyncSender, sync_channel};
use std::sync::{Arc, Mutex};
use std::task::{Context, Waker};
use std::time::Duration;

use chat::{
    Body, ClientId, Error, Fanout, Logged, Name, NewMessage, NewRoom, NewUser, Page, PasswordHash,
    RoomId, RoomName, Seq, Store, StoreError, Timestamp, User,
};
use tempfile::TempDir;
use tokio::time::timeout;
use uuid::Uuid;

use crate::store::Sqlite;
use crate::store::writer::{Batch, QUEUE};

/// A test that hangs is a test that fails.
const PATIENCE: Duration = Duration::from_secs(20);

#[derive(Default)]
pub(super) struct Listener {
    pub(super) events: Mutex<Vec<Logged>>,
    /// The event at which it panics, if it is not 0.
    pub(super) panics_at: AtomicU64,
}

impl Listener {
    pub(super) fn panic_at(&self, seq: Seq) {
        self.panics_at.store(seq.0, Ordering::SeqCst);
    }
}

impl Fanout for Listener {
    fn publish(&self, events: &[Logged]) {
        for event in events {
            assert_ne!(event.seq().0, self.panics_at.load(Ordering::SeqCst), "a mistake");
            let mut heard = self.events.lock().unwrap();
            // As an open room does it: what it knows it does not tell again.
            if !heard.contains(event) {
                heard.push(event.clone());
            }
        }
    }
}

/// A store with alice and a room in it.
pub(super) struct World {
    pub(super) folder: TempDir,
    pub(super) store: Arc<Sqlite>,
    pub(super) listener: Arc<Listener>,
    pub(super) alice: User,
    pub(super) room: RoomId,
}

impl World {
    pub(super) async fn new() -> Self {
        let folder = TempDir::new().unwrap();
        let listener = Arc::new(Listener::default());
        let store = Arc::new(Sqlite::open(folder.path(), listener.clone()).unwrap());
        let (name, password) = (Name::parse("alice").unwrap(), PasswordHash(String::new()));
        let alice = NewUser { name, password, at: Timestamp(1) };
        let alice = store.create_user(alice).await.unwrap().user;
        let (id, name) = (RoomId(Uuid::from_u128(1)), RoomName::parse("Lobby").unwrap());
        let room = NewRoom { id, name, by: alice.id, at: Timestamp(1) };
        store.create_room(room).await.unwrap();
        Self { folder, store, listener, alice, room: id }
    }

    pub(super) fn message(&self, number: u128) -> NewMessage {
        // Long enough that a few of them need a new page.
        let body = Body::parse(&format!("{number} {}", "x".repeat(1000))).unwrap();
        let client_id = ClientId(Uuid::from_u128(number));
        let author = self.alice.clone();
        NewMessage { room: self.room, client_id, author, body, at: Timestamp(2) }
    }

    /// From now on the database must not grow, until it is opened again.
    pub(super) async fn fill_disk(&self) {
        let fill = self.store.write(|batch| {
            let pages: i64 = batch.db.pragma_query_value(None, "page_count", |row| row.get(0))?;
            batch.db.pragma_update_and_check(None, "max_page_count", pages, |_| Ok(()))
        });
        fill.await.unwrap();
    }

    /// Tries until it works. The message may have been tried before.
    pub(super) async fn append_at_last(&self, number: u128) -> Seq {
        let trying = async {
            loop {
                match self.store.append(self.message(number)).await {
                    Ok(posted) => return posted.seq,
                    Err(error) => assert!(is_unavailable(&error), "{error:?}"),
                }
                tokio::task::yield_now().await;
            }
        };
        timeout(PATIENCE, trying).await.unwrap()
    }

    /// Has the writer look for a way back several times, in vain: for a quarter of a second nothing can be written.
    pub(super) async fn stays_unavailable(&self) {
        let asking = async {
            loop {
                let refused = self.store.check().await;
                assert!(matches!(refused, Err(StoreError::Unavailable { .. })), "{refused:?}");
                tokio::task::yield_now().await;
            }
        };
        timeout(Duration::from_millis(250), asking).await.unwrap_err();
    }

    /// Keeps the writer from its work until something is sent, or the sender is dropped.
    pub(super) async fn hold_writer(&self) -> SyncSender<()> {
        self.hold_writer_after(|_| Ok(())).await
    }

    /// The same, in a transaction that has already made a change.
    pub(super) async fn hold_writer_after(
        &self,
        change: impl Fn(&mut Batch<'_>) -> rusqlite::Result<()> + Send + 'static,
    ) -> SyncSender<()> {
        let (begin, has_begun) = sync_channel(1);
        let (release, released) = sync_channel(1);
        let released = Mutex::new(Some(released));
        drop(order(self.store.write(move |batch| {
            change(batch)?;
            // It is made again if another change in its transaction cannot be made.
            if let Some(released) = released.lock().unwrap().take() {
                let _ = begin.send(());
                let _ = released.recv();
            }
            Ok(())
        })));
        tokio::task::spawn_blocking(move || has_begun.recv().unwrap()).await.unwrap();
        release
    }

    /// What is in the log is dense, and is what was told.
    pub(super) async fn assert_whole(&self) -> Vec<Logged> {
        let history =
            self.store.history(self.room, Page::Newest, 2 * QUEUE).await.unwrap().unwrap();
        assert!(history.events.iter().map(|event| event.seq().0).eq(1..=history.head.0));
        assert_eq!(*self.listener.events.lock().unwrap(), history.events);
        history.events
    }
}

/// Puts what is asked into the queue. The answer is there later.
pub(super) fn order<F: Future>(asked: F) -> Pin<Box<F>> {
    let mut asked = Box::pin(asked);
    let polled = asked.as_mut().poll(&mut Context::from_waker(Waker::noop()));
    assert!(polled.is_pending(), "it is queued");
    asked
}

pub(super) fn is_unavailable(error: &Error) -> bool {
    matches!(error, Error::StorageUnavailable { retry_after } if !retry_after.is_zero())
}

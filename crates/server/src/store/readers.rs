//! The threads that read. Each has a connection; all take from one queue.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, SyncSender, TrySendError, sync_channel};
use std::sync::{Arc, Barrier, Mutex, MutexGuard, PoisonError};

use chat::StoreError;
use rusqlite::Connection;
use tokio::sync::oneshot;

use super::connection::{self, Place};
use super::failure;
use super::threads::Threads;

/// How many there are. Reading is short and mostly from memory, so more would wait for the same processors.
const READERS: usize = 2;
/// Most questions that wait. Past it the asker is told that the store is busy.
const QUEUE: usize = 1024;

/// Those who answer questions.
#[derive(Debug)]
pub(super) struct Readers {
    questions: SyncSender<Order>,
    /// How many questions were asked.
    asked: AtomicU64,
    threads: Threads,
    /// Locked while all are told something, so that each of them hears it.
    hold: Mutex<Hold>,
}

/// Whether the database is held open.
#[derive(Debug)]
struct Hold {
    /// Keeps SQLite's index of the write-ahead log, whatever becomes of the others. If nobody had the database open,
    /// whoever opens it next would make the index from the log, and take for committed what a failed sync left there.
    anchor: Option<Connection>,
    /// Nobody opens it again.
    is_over: bool,
}

/// Answers a question, and tells who asked. It is given the database, or why that cannot be opened.
type Answer = Box<dyn FnOnce(rusqlite::Result<&mut Connection>) + Send>;

enum Order {
    Answer(Answer),
    LetGo(Arc<Barrier>),
    Stop,
}

impl Readers {
    /// Opens the connections and starts the threads.
    pub(super) fn start(place: &Place) -> rusqlite::Result<Self> {
        let (questions, queue) = sync_channel(QUEUE);
        let queue = Arc::new(Mutex::new(queue));
        let threads = Threads::default();
        for _ in 0..READERS {
            let (db, place) = (connection::to_read(place)?, place.clone());
            let queue = Arc::clone(&queue);
            threads.start("store-reader", move || answer(db, &place, &queue));
        }
        let hold = Hold { anchor: Some(connection::to_hold(place)?), is_over: false };
        Ok(Self { questions, asked: AtomicU64::new(0), threads, hold: Mutex::new(hold) })
    }

    /// Has a question answered, from one state of the database.
    pub(super) async fn ask<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        let (tell, told) = oneshot::channel();
        let answer = Order::Answer(Box::new(move |db| {
            // Nobody waits any more: a closed connection, a request that took too long.
            if tell.is_closed() {
                return;
            }
            let answer = failure::guarded(|| db?.transaction().and_then(|tx| question(&tx)));
            // Dropped meanwhile, which is as good as told.
            let _ = tell.send(answer.map_err(failed));
        }));
        self.questions.try_send(answer).map_err(|error| match error {
            TrySendError::Full(_) => failure::BUSY,
            TrySendError::Disconnected(_) => failure::UNAVAILABLE,
        })?;
        self.asked.fetch_add(1, Ordering::Relaxed);
        told.await.unwrap_or(Err(failure::UNAVAILABLE))
    }

    /// How many questions were asked so far.
    pub(super) fn asked(&self) -> u64 {
        self.asked.load(Ordering::Relaxed)
    }

    /// Has all of them close the database, and returns when nobody has it open. They open it again for the next
    /// question.
    pub(super) fn let_go(&self) {
        let mut hold = self.hold();
        hold.anchor = None;
        if hold.is_over {
            return;
        }
        let all = Arc::new(Barrier::new(READERS + 1));
        for _ in 0..READERS {
            // They are there: nobody has stopped them, and they take from the queue until then.
            let _ = self.questions.send(Order::LetGo(Arc::clone(&all)));
        }
        all.wait();
    }

    /// Holds the database open from now on, if it was let go of.
    pub(super) fn take_hold(&self, place: &Place) -> rusqlite::Result<()> {
        let mut hold = self.hold();
        if hold.anchor.is_none() && !hold.is_over {
            hold.anchor = Some(connection::to_hold(place)?);
        }
        Ok(())
    }

    /// Answers what has been asked, and ends.
    pub(super) async fn close(self: &Arc<Self>) {
        let readers = Arc::clone(self);
        let stop = move || {
            *readers.hold() = Hold { anchor: None, is_over: true };
            for _ in 0..READERS {
                // Those who are gone already need not be told.
                let _ = readers.questions.send(Order::Stop);
            }
        };
        self.threads.end(stop).await;
    }

    fn hold(&self) -> MutexGuard<'_, Hold> {
        self.hold.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn answer(db: Connection, place: &Place, orders: &Mutex<Receiver<Order>>) {
    let mut db = Some(db);
    loop {
        // The one who waits for the next order holds the lock, and gives it to another reader with the order in hand.
        let order = orders.lock().unwrap_or_else(PoisonError::into_inner).recv();
        match order {
            Ok(Order::Answer(answer)) => {
                let open = db.take().map_or_else(|| connection::to_read(place), Ok);
                answer(open.map(|open| db.insert(open)));
            }
            Ok(Order::LetGo(all)) => {
                db = None;
                all.wait();
            }
            Ok(Order::Stop) | Err(_) => return,
        }
    }
}

fn failed(cause: rusqlite::Error) -> StoreError {
    tracing::error!(%cause, kind = failure::kind(&cause), "reading from the store failed");
    if failure::is_from_beneath(&cause) { failure::UNAVAILABLE } else { StoreError::Broken }
}

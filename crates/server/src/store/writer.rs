//! The thread that writes. It takes everything that is queued and commits it in one transaction, so that the price of
//! a sync is shared by all who wait for it; the busier it is, the more share it. No timer delays a commit.
//!
//! When a commit fails nobody knows what is on the disk. Then everybody is told that the store is unavailable, and the
//! database is opened anew; what it holds is read again. A sync is never tried a second time: the system may have
//! thrown the pages away with the first error. That holds for checkpoints above all, see there.
//!
//! A commit to files that no path leads to any more is no better than a failed one, and nothing is written until they
//! are back.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, SyncSender, TrySendError, sync_channel};
use std::thread;
use std::time::Duration;

use chat::{Fanout, Logged, StoreError};
use rusqlite::{Connection, ErrorCode, Transaction, TransactionBehavior};
use tokio::sync::oneshot;

use super::checkpoints::{Checkpoints, Due};
use super::connection::{self, Place};
use super::files::Files;
use super::folder::Folder;
use super::readers::Readers;
use super::tails::Tails;
use super::threads::Threads;
use super::{Upkeep, failure, messages};
use crate::sabotage::Sabotage;

/// Most changes that wait, a tenth of a second of work. Past it the next one is told that the store is busy.
pub(super) const QUEUE: usize = 4096;
/// Most changes in one transaction. More would not be cheaper each, and keep the first one waiting.
const BATCH: usize = 1024;
/// Whoever comes while so few are made is taken along. Were it so with more of them, all would come to share one
/// transaction, and while that is being synced nobody would have anything to order (64 senders with 8 messages on their way
/// each: 37,000 messages/s instead of 48,000).
const FEW: usize = 16;
/// Nothing has been ordered for this long: nobody waits. A salvo to a thousand takes longer.
const LEISURE: Duration = Duration::from_millis(1);
/// How long the writer waits at most after a failure before it opens the database again.
const LONGEST_PAUSE: Duration = Duration::from_secs(2);

/// The way to the thread that writes.
#[derive(Debug)]
pub(super) struct Writer {
    orders: SyncSender<Order>,
    /// Whether the thread is busy recovering, so that orders are refused before they are queued.
    is_down: Arc<AtomicBool>,
    thread: Threads,
}

/// The transaction that changes become part of.
pub(super) struct Batch<'a> {
    /// Where the transaction is open.
    pub(super) db: &'a Connection,
    /// The ends of the logs.
    pub(super) tails: &'a mut Tails,
    /// What is to be told when it has been committed.
    pub(super) events: &'a mut Vec<Logged>,
}

enum Order {
    Write(Box<dyn Change>),
    Stop,
}

/// Something to be written, and somebody who waits for it.
trait Change: Send {
    /// Makes the change. May be called again, after a rollback.
    fn make(&mut self, batch: &mut Batch<'_>) -> rusqlite::Result<()>;
    /// Tells who waits: what came of it if it was committed, or why it was not.
    fn tell(self: Box<Self>, outcome: Result<(), StoreError>);
}

struct Wanted<T, F> {
    change: F,
    made: Option<T>,
    tell: oneshot::Sender<Result<T, StoreError>>,
}

impl<T: Send, F: Fn(&mut Batch<'_>) -> rusqlite::Result<T> + Send> Change for Wanted<T, F> {
    fn make(&mut self, batch: &mut Batch<'_>) -> rusqlite::Result<()> {
        self.made = Some((self.change)(batch)?);
        Ok(())
    }

    fn tell(self: Box<Self>, outcome: Result<(), StoreError>) {
        let Self { made, tell, .. } = *self;
        // Who has gone away meanwhile will ask again.
        let _ = tell.send(outcome.and_then(|()| made.ok_or(StoreError::Broken)));
    }
}

impl Writer {
    /// Starts the thread. The folder stays locked until it ends.
    pub(super) fn start(
        db: Connection,
        folder: Folder,
        place: Place,
        files: Files,
        upkeep: Upkeep,
        readers: Arc<Readers>,
        fanout: Arc<dyn Fanout>,
    ) -> Self {
        let (orders, queue) = sync_channel(QUEUE);
        let is_down = Arc::new(AtomicBool::new(false));
        let desk = Desk {
            orders: queue,
            is_down: is_down.clone(),
            fanout,
            folder,
            place,
            files,
            first_pause: upkeep.first_pause,
            checkpoints: Checkpoints::new(upkeep.pages_at_most),
            readers,
            tails: Tails::default(),
            events: Vec::new(),
            has_company: false,
            ends: false,
        };
        let thread = Threads::default();
        thread.start("store-writer", move || desk.work(db));
        Self { orders, is_down, thread }
    }

    /// Has a change made, and waits until it is on the disk. It is made wholly or not at all, and in the order in which
    /// changes are ordered.
    pub(super) async fn order<T: Send + 'static>(
        &self,
        change: impl Fn(&mut Batch<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        if self.is_down.load(Ordering::Acquire) {
            return Err(failure::UNAVAILABLE);
        }
        let (tell, told) = oneshot::channel();
        let order = Order::Write(Box::new(Wanted { change, made: None, tell }));
        self.orders.try_send(order).map_err(|error| match error {
            TrySendError::Full(_) => failure::BUSY,
            TrySendError::Disconnected(_) => failure::UNAVAILABLE,
        })?;
        told.await.unwrap_or(Err(failure::UNAVAILABLE))
    }

    /// Makes the changes that have been ordered, and ends.
    pub(super) async fn close(&self) {
        let orders = self.orders.clone();
        // If the thread is gone already it need not be told.
        self.thread.end(move || drop(orders.send(Order::Stop))).await;
    }
}

/// What the thread has in front of it.
struct Desk {
    orders: Receiver<Order>,
    is_down: Arc<AtomicBool>,
    fanout: Arc<dyn Fanout>,
    folder: Folder,
    place: Place,
    /// Those that are open.
    files: Files,
    /// How long to wait after a failure before the database is opened again.
    first_pause: Duration,
    checkpoints: Checkpoints,
    readers: Arc<Readers>,
    tails: Tails,
    /// What the present transaction adds to logs.
    events: Vec<Logged>,
    /// Whether the last transaction had several changes.
    has_company: bool,
    /// Whether nothing more is to be done after what has been taken.
    ends: bool,
}

impl Desk {
    fn work(mut self, mut db: Connection) {
        let mut changes = Vec::new();
        while !self.ends {
            if let Err(cause) = self.take(&db, &mut changes) {
                drop(db);
                let kind = failure::kind(&cause);
                tracing::warn!(%cause, kind, "a checkpoint failed; the database is opened anew");
                // Nobody waits for it, and nobody is refused if that works at once.
                let reopened = self.reopen().ok().or_else(|| self.recover());
                let Some(reopened) = reopened else { return };
                db = reopened;
                continue;
            }
            match self.commit(&db, &mut changes).and_then(|()| self.check_place(&db)) {
                Ok(()) => {
                    self.publish();
                    changes.drain(..).for_each(|change| change.tell(Ok(())));
                }
                Err(cause) => {
                    drop(db);
                    self.is_down.store(true, Ordering::Release);
                    let kind = failure::kind(&cause);
                    tracing::error!(%cause, kind, "writing failed; the database is opened anew");
                    let acked = Sabotage::AckOnFailure.is_on();
                    let answer = if acked { Ok(()) } else { Err(failure::UNAVAILABLE) };
                    changes.drain(..).for_each(|change| change.tell(answer));
                    if self.ends {
                        return;
                    }
                    let Some(reopened) = self.recover() else { return };
                    db = reopened;
                }
            }
        }
        if let Err(cause) = self.checkpoints.move_all_and_close(db) {
            // Nothing is lost: the log of it stays beside the database, and is moved at the next start.
            tracing::warn!(%cause, "the write-ahead log could not be moved into the database");
        }
    }

    /// Waits for an order, and takes all others that are there. Moves pages into the database in between.
    fn take(
        &mut self,
        db: &Connection,
        changes: &mut Vec<Box<dyn Change>>,
    ) -> rusqlite::Result<()> {
        let due = self.checkpoints.due(db);
        if due == Due::Now {
            self.checkpoints.move_some(db)?;
        }
        let leisure = if due == Due::Later { Duration::MAX } else { LEISURE };
        let next = match self.orders.recv_timeout(leisure) {
            Err(RecvTimeoutError::Timeout) => {
                self.checkpoints.move_some(db)?;
                self.orders.recv().ok()
            }
            order => order.ok(),
        };
        match next {
            Some(Order::Write(change)) => changes.push(change),
            Some(Order::Stop) | None => self.ends = true,
        }
        self.take_more(changes);
        Ok(())
    }

    /// Takes what has been ordered by now.
    fn take_more(&mut self, changes: &mut Vec<Box<dyn Change>>) {
        while !self.ends && changes.len() < BATCH {
            match self.orders.try_recv() {
                Ok(Order::Write(change)) => changes.push(change),
                Ok(Order::Stop) => self.ends = true,
                Err(_) => return,
            }
        }
    }

    /// Commits the changes together, and if they are few those that are ordered while they are made. One that cannot be
    /// made is told so and taken out, and the others are made again without it: that is rare, and cheaper than a savepoint
    /// for each.
    fn commit(
        &mut self,
        db: &Connection,
        changes: &mut Vec<Box<dyn Change>>,
    ) -> rusqlite::Result<()> {
        let mut takes_along = changes.len() <= FEW;
        while !changes.is_empty() {
            let tx = Transaction::new_unchecked(db, TransactionBehavior::Immediate)?;
            let mut failed = self.make(&tx, changes, 0);
            if std::mem::take(&mut takes_along) && failed.is_none() {
                let made = changes.len();
                self.take_along(changes);
                failed = self.make(&tx, changes, made);
            }
            let Some((index, cause)) = failed else {
                self.tails.save(&tx)?;
                self.has_company = changes.len() > 1;
                if Sabotage::AckBeforeCommit.is_on() {
                    changes.drain(..).for_each(|change| change.tell(Ok(())));
                }
                return tx.commit();
            };
            if failure::is_from_beneath(&cause) {
                return Err(cause);
            }
            tracing::error!(%cause, "a change could not be made");
            tx.rollback()?;
            self.tails.forget();
            self.events.clear();
            changes.remove(index).tell(Err(StoreError::Broken));
        }
        Ok(())
    }

    /// Takes what has been ordered meanwhile. Those who ordered something together the last time are likely to do so again,
    /// and may be waiting for nothing but the processor.
    fn take_along(&mut self, changes: &mut Vec<Box<dyn Change>>) {
        if self.has_company {
            thread::yield_now();
        }
        self.take_more(changes);
    }

    /// Fails if what was committed just now may never be found again.
    fn check_place(&mut self, db: &Connection) -> rusqlite::Result<()> {
        self.files.check(&self.place).inspect_err(|_| {
            // If it is the write-ahead log that was deleted, all that is only in it is lost when it is closed.
            let _ = self.checkpoints.move_some(db);
        })
    }

    /// Tells of what has been committed.
    fn publish(&mut self) {
        let tell = |events: &[Logged]| {
            failure::guarded(|| {
                self.fanout.publish(events);
                Ok(())
            })
        };
        if !self.events.is_empty()
            && let Err(cause) = tell(&self.events)
        {
            // It is on the disk, and whoever misses some of it reads it there. The others are told what is theirs.
            tracing::error!(%cause, "what was committed could not be told");
            self.events.chunks(1).for_each(|event| drop(tell(event)));
        }
        self.events.clear();
    }

    /// Makes the changes from the first that has not been made, or says which one could not be made, and why.
    fn make(
        &mut self,
        db: &Connection,
        changes: &mut [Box<dyn Change>],
        first: usize,
    ) -> Option<(usize, rusqlite::Error)> {
        let mut batch = Batch { db, tails: &mut self.tails, events: &mut self.events };
        changes.iter_mut().enumerate().skip(first).find_map(|(index, change)| {
            failure::guarded(|| change.make(&mut batch)).err().map(|cause| (index, cause))
        })
    }

    /// Opens the database anew, as often as it takes, and tells on what did get committed after all. Returns nothing if
    /// the store is closed meanwhile.
    fn recover(&mut self) -> Option<Connection> {
        self.is_down.store(true, Ordering::Release);
        let mut pause = self.first_pause;
        loop {
            match self.orders.recv_timeout(pause) {
                // Ordered before the orders were stopped.
                Ok(Order::Write(change)) => change.tell(Err(failure::UNAVAILABLE)),
                Ok(Order::Stop) | Err(RecvTimeoutError::Disconnected) => return None,
                Err(RecvTimeoutError::Timeout) => match self.reopen() {
                    Ok(db) => {
                        self.is_down.store(false, Ordering::Release);
                        tracing::info!("writing works again");
                        return Some(db);
                    }
                    Err(cause) => {
                        tracing::debug!(%cause, kind = failure::kind(&cause), "not yet");
                        pause = LONGEST_PAUSE.min(pause * 2);
                    }
                },
            }
        }
    }

    fn reopen(&mut self) -> rusqlite::Result<Connection> {
        self.tails.forget();
        // Another database in its place is not the one that open rooms know. It is served after a start.
        self.files.check(&self.place)?;
        if self.checkpoints.miscounts() {
            self.readers.let_go();
        }
        let db = connection::to_write(&self.place)?;
        self.checkpoints.begin_anew(&db)?;
        self.readers.take_hold(&self.place)?;
        // Not a question of whether it can be opened, but of whether it can be written.
        if let Err(cause) = self.try_to_write(&db) {
            if cause.sqlite_error_code() != Some(ErrorCode::DiskFull) {
                return Err(cause);
            }
            // This lets the log start over in the room that it has.
            self.checkpoints.move_some(&db)?;
            self.try_to_write(&db)?;
        }
        // There is room again. Without this the log would grow by half before that was noticed, and on a small disk that
        // gets full time and again until it had all of it.
        self.checkpoints.try_anew();
        // The failed transaction is one of those whose end nobody saw. If it is there, readers see it and the numbers
        // in it are taken; then it has to be told on before anything that follows it.
        let stored = self.events.iter().map(|event| messages::is_stored(&db, event));
        let stored = stored.collect::<rusqlite::Result<Vec<_>>>()?;
        let mut stored = stored.into_iter();
        self.events.retain(|_| stored.next() == Some(true));
        self.publish();
        Ok(db)
    }

    /// Writes a little, where there has to be room for more.
    fn try_to_write(&self, db: &Connection) -> rusqlite::Result<()> {
        if self.place.vfs.is_none() {
            self.folder.check_room().map_err(failure::of_system)?;
        }
        db.execute("UPDATE database SET recoveries = recoveries + 1", []).map(drop)
    }
}

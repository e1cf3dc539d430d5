//! What writes: it takes everything that is ordered, commits it together, publishes it, and answers, in this order.

use std::collections::VecDeque;
use std::mem::take;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chat::{Fanout, Logged, StoreError};
use server::sabotage::Sabotage;
use tokio::sync::{Notify, oneshot};

use super::{BUSY, Data, Disk, Luck, Platter, UNAVAILABLE, Work};

/// The way to what writes.
pub(super) struct Writer {
    desk: Mutex<Desk>,
    /// Most changes that wait.
    queue: usize,
    fanout: Arc<dyn Fanout>,
    /// Rung when something is ordered.
    ordered: Notify,
    /// Rung when the last order has been answered, after closing.
    done: Notify,
}

#[derive(Default)]
struct Desk {
    orders: VecDeque<Box<dyn Change>>,
    /// It is recovering: orders are refused before they are queued.
    is_down: bool,
    is_closed: bool,
    is_done: bool,
}

/// What changes are made to.
pub(super) struct Batch<'a> {
    /// What will be committed.
    pub(super) data: &'a mut Data,
    /// What will be told of it.
    pub(super) events: &'a mut Vec<Logged>,
}

/// Something to be written, and somebody who waits for it.
trait Change: Send {
    fn make(&mut self, batch: &mut Batch<'_>);
    fn tell(self: Box<Self>, outcome: Result<(), StoreError>);
}

struct Wanted<T, F> {
    change: F,
    made: Option<T>,
    tell: oneshot::Sender<Result<T, StoreError>>,
}

impl<T: Send, F: Fn(&mut Batch<'_>) -> T + Send> Change for Wanted<T, F> {
    fn make(&mut self, batch: &mut Batch<'_>) {
        self.made = Some((self.change)(batch));
    }

    fn tell(self: Box<Self>, outcome: Result<(), StoreError>) {
        let Self { made, tell, .. } = *self;
        // Who has gone away meanwhile will ask again.
        let _ = tell.send(outcome.and_then(|()| made.ok_or(StoreError::Broken)));
    }
}

impl Writer {
    pub(super) fn new(queue: usize, fanout: Arc<dyn Fanout>) -> Self {
        let (ordered, done) = (Notify::new(), Notify::new());
        Self { desk: Mutex::default(), queue, fanout, ordered, done }
    }

    /// Has a change made, and waits until it is on the disk.
    pub(super) async fn order<T: Send + 'static>(
        &self,
        change: impl Fn(&mut Batch<'_>) -> T + Send + 'static,
    ) -> Result<T, StoreError> {
        let (tell, told) = oneshot::channel();
        {
            let mut desk = self.desk();
            if desk.is_down || desk.is_closed {
                return Err(UNAVAILABLE);
            }
            if desk.orders.len() >= self.queue {
                return Err(BUSY);
            }
            desk.orders.push_back(Box::new(Wanted { change, made: None, tell }));
        }
        self.ordered.notify_one();
        told.await.unwrap_or(Err(UNAVAILABLE))
    }

    /// Takes no more orders, and waits until those it has are done.
    pub(super) async fn close(&self) {
        self.desk().is_closed = true;
        self.ordered.notify_one();
        while !self.desk().is_done {
            self.done.notified().await;
        }
    }

    /// Commits what is ordered until it is closed.
    pub(super) async fn work(&self, platter: &Platter, disk: &impl Disk) {
        loop {
            let (changes, is_closed) = {
                let mut queue = self.desk();
                (take(&mut queue.orders), queue.is_closed)
            };
            if !changes.is_empty() {
                self.commit(changes.into(), platter, disk).await;
            } else if is_closed {
                break;
            } else {
                self.ordered.notified().await;
            }
        }
        self.desk().is_done = true;
        self.done.notify_one();
    }

    async fn commit(&self, mut changes: Vec<Box<dyn Change>>, platter: &Platter, disk: &impl Disk) {
        if Sabotage::AckBeforeCommit.is_on() {
            let (foreseen, events) = make(&mut changes, platter.data().clone());
            changes.drain(..).for_each(|change| change.tell(Ok(())));
            if disk.works(Work::Commit).await == Luck::Done {
                *platter.data() = foreseen;
                self.fanout.publish_some(&events);
            }
            return;
        }
        let luck = disk.works(Work::Commit).await;
        let mut events = Vec::new();
        if luck != Luck::Failed {
            // From here on it is on the disk, and others can read it.
            let mut data = platter.data();
            let made = make(&mut changes, take(&mut *data));
            (*data, events) = made;
        } else if Sabotage::AckOnFailure.is_on() {
            make(&mut changes, platter.data().clone());
        }
        if luck == Luck::Done {
            disk.works(Work::Answer).await;
            self.fanout.publish_some(&events);
            changes.into_iter().for_each(|change| change.tell(Ok(())));
            return;
        }
        self.desk().is_down = true;
        let answer = if Sabotage::AckOnFailure.is_on() { Ok(()) } else { Err(UNAVAILABLE) };
        changes.into_iter().for_each(|change| change.tell(answer));
        while disk.works(Work::Reopen).await == Luck::Failed {
            let refused = take(&mut self.desk().orders);
            refused.into_iter().for_each(|change| change.tell(Err(UNAVAILABLE)));
        }
        // What did get committed after all is told before anything that follows it.
        self.fanout.publish_some(&events);
        self.desk().is_down = false;
    }

    fn desk(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// What becomes of data by changes, and what is to be told of it.
fn make(changes: &mut [Box<dyn Change>], mut data: Data) -> (Data, Vec<Logged>) {
    let mut events = Vec::new();
    let mut batch = Batch { data: &mut data, events: &mut events };
    changes.iter_mut().for_each(|change| change.make(&mut batch));
    (data, events)
}

/// Publishing nothing is noise.
trait PublishSome {
    fn publish_some(&self, events: &[Logged]);
}

impl PublishSome for Arc<dyn Fanout> {
    fn publish_some(&self, events: &[Logged]) {
        if !events.is_empty() {
            self.publish(events);
        }
    }
}

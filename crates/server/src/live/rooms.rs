//! The rooms that are open: those that somebody is in, or was a moment ago.

use std::collections::{HashMap, HashSet};
use std::mem::take;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chat::{Chat, Error, Fanout, Logged, RoomId, Store};
use tokio::sync::Notify;

use super::room::OpenRoom;

/// The rooms that are open, and what has happened in them that others want to know. The store publishes here.
#[derive(Debug, Default)]
pub struct Rooms {
    open: Mutex<HashMap<RoomId, Arc<OpenRoom>>>,
    stirred: Stirred,
}

/// What rooms tell of themselves: that there is something to do, and which of them look different in the list.
#[derive(Debug, Clone, Default)]
pub(super) struct Stirred {
    bell: Arc<Notify>,
    changed: Arc<Mutex<HashSet<RoomId>>>,
}

impl Rooms {
    /// Rung when there is something to do for those who tick.
    pub(super) fn stirred(&self) -> Arc<Notify> {
        self.stirred.bell.clone()
    }

    /// The room at an address, opened if it was not.
    pub(super) async fn open<S: Store>(
        &self,
        id: RoomId,
        chat: &Chat<S>,
    ) -> Result<Arc<OpenRoom>, Error> {
        let room = self
            .lock()
            .entry(id)
            .or_insert_with(|| Arc::new(OpenRoom::new(id, self.stirred.clone())))
            .clone();
        let read = room.read(chat).await;
        if read.is_err() {
            self.stirred.ring();
        }
        read.map(|()| room)
    }

    /// A room, if it is open.
    pub(super) fn get(&self, id: RoomId) -> Option<Arc<OpenRoom>> {
        self.lock().get(&id).cloned()
    }

    /// All that are open.
    pub(super) fn all(&self) -> Vec<Arc<OpenRoom>> {
        self.lock().values().cloned().collect()
    }

    /// Whether a room is open that nobody holds.
    pub(super) fn has_unused(&self) -> bool {
        self.lock().values().any(|room| Arc::strong_count(room) == 1)
    }

    /// Closes rooms that nobody holds and that have nothing left to save. Holding one, or publishing to it, begins
    /// with a look into this map, so none is closed under anybody's hands.
    pub(super) fn close_unused(&self) {
        let mut open = self.lock();
        open.retain(|_, room| Arc::strong_count(room) > 1 || room.has_unsaved());
        if open.capacity() > 64 && open.len() < open.capacity() / 4 {
            open.shrink_to_fit();
        }
    }

    /// A room looks different in the list.
    pub(super) fn note_change(&self, id: RoomId) {
        self.stirred.room_changed(id);
        self.stirred.ring();
    }

    /// The rooms that look different since this was last asked, at most `most` of them.
    pub(super) fn take_changed(&self, most: usize) -> Vec<RoomId> {
        let mut changed = self.stirred.changed();
        if changed.len() <= most {
            return take(&mut *changed).into_iter().collect();
        }
        let some: Vec<_> = changed.iter().take(most).copied().collect();
        for id in &some {
            changed.remove(id);
        }
        some
    }

    /// Whether any room looks different since that was last asked.
    pub(super) fn has_changed(&self) -> bool {
        !self.stirred.changed().is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<RoomId, Arc<OpenRoom>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Fanout for Rooms {
    fn publish(&self, events: &[Logged]) {
        for event in events {
            // Not open: nobody listens, and whoever opens it now reads this event from the store.
            let room = self.get(event.room());
            if let Some(room) = room {
                room.publish(event);
            }
            self.stirred.room_changed(event.room());
        }
        self.stirred.ring();
    }
}

impl Stirred {
    /// There is something to do.
    pub(super) fn ring(&self) {
        self.bell.notify_one();
    }

    /// A room looks different in the list. Bounded by the number of rooms in which something happens.
    pub(super) fn room_changed(&self, id: RoomId) {
        self.changed().insert(id);
    }

    fn changed(&self) -> MutexGuard<'_, HashSet<RoomId>> {
        self.changed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

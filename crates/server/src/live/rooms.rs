//! The rooms that are open: those that somebody is in, or was a moment ago.

use std::collections::{BTreeMap, HashSet, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chat::{Chat, Error, Fanout, Logged, RoomId, Store};
use tokio::sync::Notify;
use volley::Volley;

use super::engine::Engine;
use super::room::OpenRoom;

/// The rooms that are open, and what has happened in them that others want to know. The store publishes here.
#[derive(Debug)]
pub struct Rooms<E: Engine = Volley> {
    open: Mutex<BTreeMap<RoomId, Arc<OpenRoom<E>>>>,
    stirred: Stirred,
}

/// What rooms tell of themselves: that there is something to do, and which of them look different in the list.
#[derive(Debug, Clone, Default)]
pub(super) struct Stirred {
    bell: Arc<Notify>,
    changed: Arc<Mutex<Changed>>,
}

/// The rooms that look different in the list, the one longest untold first: however much happens in some rooms, the
/// others have their turn. Each stands here once.
#[derive(Debug, Default)]
struct Changed {
    in_turn: VecDeque<RoomId>,
    all: HashSet<RoomId>,
}

impl<E: Engine> Rooms<E> {
    /// Rung when there is something to do for those who tick.
    pub(super) fn stirred(&self) -> Arc<Notify> {
        self.stirred.bell.clone()
    }

    /// The room at an address, opened if it was not.
    pub(super) async fn open<S: Store>(
        &self,
        id: RoomId,
        chat: &Chat<S>,
    ) -> Result<Arc<OpenRoom<E>>, Error> {
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
    pub(super) fn get(&self, id: RoomId) -> Option<Arc<OpenRoom<E>>> {
        self.lock().get(&id).cloned()
    }

    /// All that are open.
    pub(super) fn all(&self) -> Vec<Arc<OpenRoom<E>>> {
        self.lock().values().cloned().collect()
    }

    /// Whether a room is open that nobody holds.
    pub(super) fn has_unused(&self) -> bool {
        self.lock().values().any(|room| Arc::strong_count(room) == 1)
    }

    /// Closes rooms that nobody holds and that have nothing left to save. Holding one, or publishing to it, begins
    /// with a look into this map, so none is closed under anybody's hands.
    pub(super) fn close_unused(&self) {
        self.lock().retain(|_, room| Arc::strong_count(room) > 1 || room.has_unsaved());
    }

    /// A room looks different in the list.
    pub(super) fn note_change(&self, id: RoomId) {
        self.stirred.room_changed(id);
        self.stirred.ring();
    }

    /// The rooms that look different since this was last asked, at most `most` of them.
    pub(super) fn take_changed(&self, most: usize) -> Vec<RoomId> {
        self.stirred.changed().take(most)
    }

    /// Whether any room looks different since that was last asked.
    pub(super) fn has_changed(&self) -> bool {
        !self.stirred.changed().in_turn.is_empty()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<RoomId, Arc<OpenRoom<E>>>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<E: Engine> Default for Rooms<E> {
    fn default() -> Self {
        Self { open: Mutex::default(), stirred: Stirred::default() }
    }
}

impl<E: Engine> Fanout for Rooms<E> {
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

    fn changed(&self) -> MutexGuard<'_, Changed> {
        self.changed.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Changed {
    fn insert(&mut self, id: RoomId) {
        if self.all.insert(id) {
            self.in_turn.push_back(id);
        }
    }

    fn take(&mut self, most: usize) -> Vec<RoomId> {
        let most = most.min(self.in_turn.len());
        let taken: Vec<_> = self.in_turn.drain(..most).collect();
        if self.in_turn.is_empty() {
            *self = Self::default();
        } else {
            for id in &taken {
                self.all.remove(id);
            }
        }
        taken
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rooms_in_which_much_happens_do_not_keep_the_others_from_being_told() {
        let rooms: Rooms = Rooms::default();
        let room = |number| RoomId::from_random_bytes([number; 16]);
        let busy = [room(1), room(2), room(3)];
        let quiet = room(4);
        let mut told = Vec::new();
        for _ in 0..2 {
            busy.into_iter().for_each(|id| rooms.note_change(id));
            rooms.note_change(quiet);
            told.extend(rooms.take_changed(2));
            busy.into_iter().for_each(|id| rooms.note_change(id));
        }
        assert_eq!(told, [busy[0], busy[1], busy[2], quiet]);
    }
}

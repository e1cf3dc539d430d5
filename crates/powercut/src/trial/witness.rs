//! What people saw while it happened. A crash must not take any of it back.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chat::{Fanout, Logged, Page, RoomId, Store};
use rand::RngExt;
use rand::rngs::StdRng;
use server::store::Sqlite;

use super::is_worth_a_retry;
use crate::Disk;

/// Of so many changes one is looked at from inside.
const LOOKS: u32 = 6;
/// How much of a log is looked at.
const GLANCE: usize = 8;

/// Remembers what was told and what was read.
#[derive(Debug, Default)]
pub(super) struct Witness(Mutex<Seen>);

#[derive(Debug, Default)]
pub(super) struct Seen {
    /// What the store told its listeners, in that order, and in which of its lives.
    pub(super) told: Vec<(u64, Logged)>,
    /// What readers found, at any time.
    pub(super) read: Vec<Logged>,
    /// How many they found while something was being changed, or between two things.
    pub(super) looked: u64,
    /// What they met that nobody should.
    pub(super) amiss: Vec<String>,
    /// How often the store was opened.
    pub(super) life: u64,
}

impl Fanout for Witness {
    fn publish(&self, events: &[Logged]) {
        let mut seen = self.seen();
        let life = seen.life;
        seen.told.extend(events.iter().map(|event| (life, event.clone())));
    }
}

impl Witness {
    pub(super) fn seen(&self) -> MutexGuard<'_, Seen> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Looks at the end of a room's log. Returns whether it could be read.
    pub(super) async fn look(&self, store: &Sqlite, room: RoomId) -> bool {
        let found = store.history(room, Page::Newest, GLANCE).await;
        let mut seen = self.seen();
        match found {
            Ok(Some(history)) => {
                seen.looked += history.events.len() as u64;
                seen.read.extend(history.events);
            }
            Ok(None) => seen.amiss.push(format!("Room {room} was acked and is not there.")),
            Err(error) if is_worth_a_retry(&error.into()) => return false,
            Err(error) => seen.amiss.push(format!("A reader was told: {error}.")),
        }
        true
    }

    /// Looks at these rooms in the midst of commits and checkpoints, through the store's own readers.
    pub(super) fn watch(
        self: &Arc<Self>,
        disk: &Disk,
        store: &Arc<Sqlite>,
        rooms: Vec<RoomId>,
        mut random: StdRng,
    ) {
        if rooms.is_empty() {
            return;
        }
        let (witness, store) = (Arc::clone(self), Arc::downgrade(store));
        disk.watch(move || {
            let room = rooms[random.random_range(0..rooms.len())];
            if random.random_ratio(1, LOOKS)
                && let Some(store) = store.upgrade()
                && let Ok(runtime) = tokio::runtime::Builder::new_current_thread().build()
            {
                runtime.block_on(witness.look(&store, room));
            }
        });
    }
}

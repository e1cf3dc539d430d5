//! The list of rooms, live: whoever watches it is told which rooms have changed, about once a second.

use std::sync::Arc;
use std::time::Duration;

use chat::wire::{self, ChangedRooms, ServerEvent};
use chat::{Error, Room, RoomQuery, Store};
use tokio::sync::Mutex;

use super::engine::{Engine, Group, Socket};
use super::{Live, tell};
use crate::on_wire;

/// The name of the group; rooms' groups are named by UUIDs.
const GROUP: &str = "lobby";
/// Rooms in the list that a watcher gets at first.
const NEWEST: usize = 200;
/// Rooms told of at a time. The rest follow in the next second.
const MOST_TOLD: usize = 50;
/// How long changes are collected.
const WINDOW: Duration = Duration::from_secs(1);
/// What telling the watchers may cost, in bytes per second over all of them.
const BYTES_PER_SECOND: usize = 8 * 1024 * 1024;
/// About what a room takes on the wire.
const ROOM_BYTES: usize = 220;

/// Those who watch the list of rooms.
#[derive(Debug)]
pub(super) struct Lobby<E: Engine> {
    /// Held while somebody is given the list and made a member, and while changes are told: so a watcher hears every
    /// change that the list does not show, after the list.
    board: Mutex<Board<E>>,
}

#[derive(Debug)]
struct Board<E: Engine> {
    group: Option<E::Group>,
    /// The list as last read; what has changed since waits to be told. It spares a read for each of many who come
    /// at once, after a restart say.
    newest: Option<Arc<wire::Rooms>>,
    /// Not before this time, as it [passes](crate::clock::Clock::monotonic), are changes told again.
    quiet_until: Duration,
}

impl<E: Engine> Lobby<E> {
    /// Gives a client the list, as the answer to its event, and makes it hear what changes.
    pub(super) async fn watch<S: Store>(
        &self,
        socket: &E::Socket,
        event: &E::Event,
        live: &Live<S, E>,
    ) {
        let mut board = self.board.lock().await;
        let listed = match &board.newest {
            Some(newest) => Ok(newest.clone()),
            None => live.newest_rooms().await.map(Arc::new),
        };
        if let Ok(newest) = &listed {
            board.newest = Some(newest.clone());
            let group = board.group.get_or_insert_with(|| socket.group(GROUP));
            if socket.join_after(group, Vec::new()).is_err() {
                return super::ack::<_, wire::Done>(event, Err(super::overloaded()));
            }
        }
        super::ack(event, listed.as_deref().map_err(Error::clone));
    }

    /// Makes a client hear nothing more.
    pub(super) fn unwatch(socket: &E::Socket) {
        socket.leave(&socket.group(GROUP));
    }

    /// Tells the watchers which rooms have changed, if it is time to. `true` while something waits for its time.
    pub(super) async fn tell_changes<S: Store>(&self, live: &Live<S, E>, now: Duration) -> bool {
        let mut board = self.board.lock().await;
        if now < board.quiet_until || !live.rooms.has_changed() {
            return live.rooms.has_changed();
        }
        board.newest = None;
        let watchers = board.group.as_ref().map_or(0, E::Group::len);
        let changed = live.rooms.take_changed(if watchers > 0 { MOST_TOLD } else { usize::MAX });
        let pace = (changed.len() * ROOM_BYTES * watchers * 1000 / BYTES_PER_SECOND) as u64;
        board.quiet_until = now + WINDOW.max(Duration::from_millis(pace));
        let Some(group) = board.group.as_ref().filter(|group| !group.is_empty()) else {
            return live.rooms.has_changed();
        };
        let mut rooms = Vec::with_capacity(changed.len());
        for id in changed {
            match live.chat.room(id).await {
                Ok(room) => rooms.push(live.room_on_wire(&room)),
                Err(Error::RoomNotFound) => {}
                // It is told with its next change; what a list shows is true again then.
                Err(error) => tracing::warn!(%error, room = %id, "a changed room cannot be read"),
            }
        }
        // Refused only by an engine that is stuck as a whole; the next change tells the room again.
        let _ = tell::all(group, &ServerEvent::Rooms(ChangedRooms { rooms }));
        live.rooms.has_changed()
    }
}

impl<E: Engine> Default for Lobby<E> {
    fn default() -> Self {
        Self { board: Mutex::default() }
    }
}

impl<E: Engine> Default for Board<E> {
    fn default() -> Self {
        Self { group: None, newest: None, quiet_until: Duration::ZERO }
    }
}

impl<S: Store, E: Engine> Live<S, E> {
    async fn newest_rooms(&self) -> Result<wire::Rooms, Error> {
        let query = RoomQuery { limit: NEWEST, ..RoomQuery::default() };
        let list = self.chat.rooms(query).await?;
        let rooms = list.rooms.iter().map(|room| self.room_on_wire(room)).collect();
        Ok(wire::Rooms { rooms, total: list.total })
    }

    /// A room as told, with the people who are connected to it now.
    pub fn room_on_wire(&self, room: &Room) -> wire::Room {
        on_wire::room(room, self.here(room.id))
    }
}

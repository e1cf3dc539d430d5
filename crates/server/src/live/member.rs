//! One client in the chat: who it is, and the rooms it has joined.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use chat::{Error, Identity, RoomId, SessionId, Token, User};
use volley::Volley;

use super::credit::Credit;
use super::engine::Engine;
use super::room::OpenRoom;
use crate::site::Network;

/// Most rooms that one client may have joined at a time.
const MOST_ROOMS: usize = 50;

/// What is known about a connected client.
#[derive(Debug)]
pub struct Member<E: Engine = Volley> {
    identity: Arc<Identity>,
    token: Token,
    from: Network,
    credit: Credit,
    rooms: Mutex<Vec<Arc<OpenRoom<E>>>>,
    /// Whether it has been told of a room, some of which may still wait for it.
    was_told: AtomicBool,
}

impl<E: Engine> Member<E> {
    pub(super) fn new(
        identity: Arc<Identity>,
        token: Token,
        from: Network,
        credit: Credit,
    ) -> Self {
        let (rooms, was_told) = (Mutex::default(), AtomicBool::new(false));
        Self { identity, token, from, credit, rooms, was_told }
    }

    pub(super) fn identity(&self) -> &Identity {
        &self.identity
    }

    pub(super) fn user(&self) -> &User {
        &self.identity.account.user
    }

    pub(super) fn session(&self) -> SessionId {
        self.identity.session.id
    }

    pub(super) fn token(&self) -> &Token {
        &self.token
    }

    pub(super) fn from(&self) -> Network {
        self.from
    }

    pub(super) fn credit(&self) -> &Credit {
        &self.credit
    }

    /// Notes that it is told of a room: `true` if it was told of one before.
    pub(super) fn note_told(&self) -> bool {
        self.was_told.swap(true, Ordering::Relaxed)
    }

    /// Notes that the client is in a room: `false` if it was already.
    pub(super) fn enter(&self, room: &Arc<OpenRoom<E>>) -> Result<bool, Error> {
        let mut rooms = self.rooms();
        if rooms.iter().any(|joined| joined.id() == room.id()) {
            return Ok(false);
        }
        if rooms.len() >= MOST_ROOMS {
            let sentence = format!("One client can be in {MOST_ROOMS} rooms; leave one first.");
            return Err(Error::BadRequest(sentence));
        }
        rooms.push(room.clone());
        Ok(true)
    }

    /// The room of this address, if the client has joined it.
    pub(super) fn room(&self, room: RoomId) -> Option<Arc<OpenRoom<E>>> {
        self.rooms().iter().find(|joined| joined.id() == room).cloned()
    }

    /// Notes that the client is not in a room any more, and returns it if it was.
    pub(super) fn leave(&self, room: RoomId) -> Option<Arc<OpenRoom<E>>> {
        let mut rooms = self.rooms();
        let at = rooms.iter().position(|joined| joined.id() == room)?;
        Some(rooms.swap_remove(at))
    }

    /// Notes that the client is in no room any more.
    pub(super) fn leave_all(&self) -> Vec<Arc<OpenRoom<E>>> {
        std::mem::take(&mut self.rooms())
    }

    fn rooms(&self) -> MutexGuard<'_, Vec<Arc<OpenRoom<E>>>> {
        self.rooms.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

//! The sockets of each session, so that a session that ends takes them with it.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chat::SessionId;

use super::engine::Engine;

/// All sockets that have been welcomed and have not gone.
#[derive(Debug)]
pub(super) struct Sockets<E: Engine> {
    by_session: Mutex<BTreeMap<SessionId, Vec<E::Socket>>>,
}

impl<E: Engine> Default for Sockets<E> {
    fn default() -> Self {
        Self { by_session: Mutex::default() }
    }
}

impl<E: Engine> Sockets<E> {
    pub(super) fn add(&self, session: SessionId, socket: &E::Socket) {
        self.lock().entry(session).or_default().push(socket.clone());
    }

    pub(super) fn remove(&self, session: SessionId, socket: &E::Socket) {
        let mut by_session = self.lock();
        let Some(sockets) = by_session.get_mut(&session) else { return };
        sockets.retain(|other| other != socket);
        if sockets.is_empty() {
            by_session.remove(&session);
        }
    }

    /// The sockets of some sessions.
    pub(super) fn of(&self, sessions: &[SessionId]) -> Vec<E::Socket> {
        let by_session = self.lock();
        sessions.iter().filter_map(|session| by_session.get(session)).flatten().cloned().collect()
    }

    /// The sessions that have sockets.
    pub(super) fn sessions(&self) -> Vec<SessionId> {
        self.lock().keys().copied().collect()
    }

    /// All sockets.
    pub(super) fn all(&self) -> Vec<E::Socket> {
        self.lock().values().flatten().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, BTreeMap<SessionId, Vec<E::Socket>>> {
        self.by_session.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

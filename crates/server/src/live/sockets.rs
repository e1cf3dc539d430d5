//! The sockets of each session, so that a session that ends takes them with it.

use std::collections::HashMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use chat::SessionId;
use volley::Socket;

use super::member::Member;

/// All sockets that have been welcomed and have not gone.
#[derive(Debug, Default)]
pub(super) struct Sockets {
    by_session: Mutex<HashMap<SessionId, Vec<Socket<Member>>>>,
}

impl Sockets {
    pub(super) fn add(&self, session: SessionId, socket: &Socket<Member>) {
        self.lock().entry(session).or_default().push(socket.clone());
    }

    pub(super) fn remove(&self, session: SessionId, socket: &Socket<Member>) {
        let mut by_session = self.lock();
        let Some(sockets) = by_session.get_mut(&session) else { return };
        sockets.retain(|other| other != socket);
        if sockets.is_empty() {
            by_session.remove(&session);
        }
        if by_session.capacity() > 64 && by_session.len() < by_session.capacity() / 4 {
            by_session.shrink_to_fit();
        }
    }

    /// The sockets of some sessions.
    pub(super) fn of(&self, sessions: &[SessionId]) -> Vec<Socket<Member>> {
        let by_session = self.lock();
        sessions.iter().filter_map(|session| by_session.get(session)).flatten().cloned().collect()
    }

    /// The sessions that have sockets.
    pub(super) fn sessions(&self) -> Vec<SessionId> {
        self.lock().keys().copied().collect()
    }

    /// All sockets.
    pub(super) fn all(&self) -> Vec<Socket<Member>> {
        self.lock().values().flatten().cloned().collect()
    }

    fn lock(&self) -> MutexGuard<'_, HashMap<SessionId, Vec<Socket<Member>>>> {
        self.by_session.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

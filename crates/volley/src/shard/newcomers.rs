//! How connections come to a shard: a request that opens a session to poll for, or a WebSocket after its handshake.

use mio::Token;

use super::command::{Arrival, Newcomer, Reply};
use super::context::Context;
use super::session::{Session, open_packet};
use super::stream::Stream;
use super::{Key, Shard};
use crate::close::CloseReason;

impl Shard {
    pub(super) fn open_polling(
        &mut self,
        newcomer: Newcomer,
        binding: Box<[u8]>,
        reply: Reply<Vec<u8>>,
    ) {
        let sid = newcomer.sid;
        if self.stopping.is_some() {
            return;
        }
        let open = open_packet(sid, &["websocket"], &self.cx);
        let key = self.insert(|key, cx| Session::polled(key, newcomer, binding, cx));
        if reply.send(Ok(open.into_bytes())).is_err() {
            self.with(key, |session, cx| session.end(CloseReason::TransportClosed, cx));
        }
        self.with(key, |_, _| ());
    }

    pub(super) fn adopt(&mut self, mut stream: Stream, received: &[u8], arrival: Arrival) {
        let key = match arrival {
            _ if self.stopping.is_some() => return,
            Arrival::Upgrade { sid } => match self.cx.sids.get(&sid) {
                Some(key) => *key,
                None => return,
            },
            Arrival::New(newcomer) => {
                let index = self.sessions.vacant_key();
                if let Err(error) = stream.register(&self.cx.registry, Token(index)) {
                    return tracing::warn!(%error, "a socket could not be watched");
                }
                let key = self.insert(|key, cx| Session::websocket(key, newcomer, stream, cx));
                return self.begin_reading(key, received);
            }
        };
        if let Err(error) = stream.register(&self.cx.registry, Token(key.index as usize)) {
            return tracing::warn!(%error, "a socket could not be watched");
        }
        self.with(key, |session, cx| session.begin_probe(stream, received, cx));
    }

    /// Takes the bytes that came with the handshake; readiness was told when the stream was registered.
    fn begin_reading(&mut self, key: Key, received: &[u8]) {
        let mut received = received.to_vec();
        self.with(key, |session, cx| session.receive(&mut received, cx));
    }

    /// Makes room for a session and lets `make` make it for its key.
    fn insert(&mut self, make: impl FnOnce(Key, &mut Context) -> Session) -> Key {
        let entry = self.sessions.vacant_entry();
        let key = Key { index: entry.key() as u32, serial: self.next_serial };
        self.next_serial = self.next_serial.wrapping_add(1);
        entry.insert(Box::new(make(key, &mut self.cx)));
        key
    }
}

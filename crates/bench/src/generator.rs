//! The load generator: one thread, one epoll, many clients. It drives every server with the same
//! bytes, and believes none of them: what each client received is held against what was sent.
pub(crate) mod acks;
pub(crate) mod connect;
mod connection;
#[cfg(test)]
mod faults;
pub(crate) mod load;
pub(crate) mod opening;
mod sender;
mod tally;

use std::io;
use std::time::{Duration, Instant};

use anyhow::Result;

use self::connection::Connection;
use crate::dialect::Dialect;
use crate::poller::{Poller, Ready};
use crate::wire;

/// Nanoseconds, counted. Three digits are kept of each.
pub(crate) type Latencies = hdrhistogram::Histogram<u64>;

/// A minute, in nanoseconds. Whatever takes longer counts as this.
const LONGEST_LATENCY: u64 = 60_000_000_000;

/// What one read may bring: enough that a full kernel buffer takes few calls.
const BUFFER_BYTES: usize = 256 * 1024;

/// Clients that have arrived, and the means to hear them.
pub(crate) struct Crowd {
    poller: Poller,
    ready: Ready,
    connections: Vec<Connection>,
    buffer: Box<[u8]>,
    audience: Audience,
    dialect: Dialect,
}

/// Who sits where: member `n` is in room `n / members_per_room`.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Audience {
    /// Everybody is connected, nobody joins.
    Idle {
        sockets: usize,
    },
    Rooms {
        rooms: usize,
        members_per_room: usize,
    },
}

impl Audience {
    pub(crate) fn sockets(self) -> usize {
        match self {
            Self::Idle { sockets } => sockets,
            Self::Rooms { rooms, members_per_room } => rooms * members_per_room,
        }
    }

    fn room_of(self, member: usize) -> Option<usize> {
        match self {
            Self::Idle { .. } => None,
            Self::Rooms { members_per_room, .. } => Some(member / members_per_room),
        }
    }
}

pub(crate) fn latencies() -> Latencies {
    Latencies::new_with_bounds(1, LONGEST_LATENCY, 3).expect("bounds and digits that it can keep")
}

impl Crowd {
    fn new(audience: Audience, dialect: &Dialect) -> io::Result<Self> {
        Ok(Self {
            poller: Poller::new()?,
            ready: Ready::new(),
            connections: Vec::with_capacity(audience.sockets()),
            buffer: vec![0; BUFFER_BYTES].into_boxed_slice(),
            audience,
            dialect: dialect.clone(),
        })
    }

    /// Lets time pass. Heartbeats are answered.
    pub(crate) fn rest(&mut self, duration: Duration) -> Result<()> {
        let dialect = self.dialect.clone();
        let end = Instant::now() + duration;
        while let Some(left) = end.checked_duration_since(Instant::now()) {
            self.hear(left, |_, connection, bytes| {
                wire::each_frame(bytes, |opcode, payload| {
                    if dialect.is_aside(payload) {
                        return Ok(());
                    }
                    connection.answer(opcode, payload)
                })
            })?;
        }
        Ok(())
    }

    /// Waits, then hands every client's new bytes to `take`, which says how many of them it took;
    /// the rest comes again with what follows it.
    #[inline]
    fn hear(
        &mut self,
        timeout: Duration,
        mut take: impl FnMut(usize, &mut Connection, &[u8]) -> Result<usize>,
    ) -> Result<()> {
        self.poller.wait(&mut self.ready, Some(timeout))?;
        for member in self.ready.keys() {
            let connection = &mut self.connections[member];
            let length = connection.read(&mut self.buffer)?;
            let bytes = &self.buffer[..length];
            let taken = take(member, connection, bytes)?;
            connection.keep(&bytes[taken..]);
        }
        Ok(())
    }
}

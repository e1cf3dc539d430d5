//! Arriving: TCP, the WebSocket handshake, Socket.IO's CONNECT and, for those who have a room, `join`.
use std::net::SocketAddr;
use std::time::{Duration, Instant};

use anyhow::{Result, ensure};

use super::connection::Connection;
use super::{Audience, Crowd, Latencies, latencies};
use crate::dialect::Dialect;
use crate::wire;

/// Handshakes under way at a time: below every server's accept queue, so that none is refused.
const AT_A_TIME: usize = 64;

/// A crowd that takes longer has a server that does not answer.
const PATIENCE: Duration = Duration::from_mins(1);

/// How long the clients took to arrive.
pub(crate) struct Arrival {
    /// From the first client's SYN to the last client's last answer.
    pub(crate) elapsed: Duration,
    /// Of each client, from its SYN to the answer to its CONNECT.
    pub(crate) each: Latencies,
}

/// Brings an audience to a server and returns when all of it is seated.
pub(crate) fn connect(
    server: SocketAddr,
    audience: Audience,
    dialect: &Dialect,
) -> Result<(Crowd, Arrival)> {
    let host = server.to_string();
    let mut crowd = Crowd::new(audience, dialect)?;
    let mut newcomers: Vec<Newcomer> = Vec::with_capacity(audience.sockets());
    let mut each = latencies();
    let mut seated = 0;
    let begun = Instant::now();
    while seated < audience.sockets() {
        ensure!(begun.elapsed() < PATIENCE, "only {seated} clients were let in");
        while newcomers.len() < audience.sockets() && newcomers.len() - seated < AT_A_TIME {
            newcomers.push(Newcomer { awaits: Awaits::Upgrade, since: Instant::now() });
            let mut connection = Connection::open(server, crowd.connections.len())?;
            let request = dialect.upgrade_request(&host, crowd.connections.len());
            connection.send(request.as_bytes())?;
            crowd.poller.watch(&connection, crowd.connections.len())?;
            crowd.connections.push(connection);
        }
        crowd.hear(Duration::from_secs(1), |member, connection, bytes| {
            let newcomer = &mut newcomers[member];
            let mut taken = 0;
            while let Some((length, step)) =
                newcomer.take_one(connection, dialect, &bytes[taken..])?
            {
                taken += length;
                match (step, audience.room_of(member)) {
                    (Step::Connected, room) => {
                        each.saturating_record(newcomer.since.elapsed().as_nanos() as u64);
                        match room {
                            Some(room) => newcomer.join(connection, dialect, room)?,
                            None => seated += 1,
                        }
                    }
                    (Step::Joined, _) => seated += 1,
                    (Step::Other, _) => {}
                }
            }
            Ok(taken)
        })?;
    }
    Ok((crowd, Arrival { elapsed: begun.elapsed(), each }))
}

struct Newcomer {
    awaits: Awaits,
    since: Instant,
}

#[derive(Clone, Copy)]
enum Awaits {
    Upgrade,
    Open,
    Connected,
    Joined,
    Nothing,
}

enum Step {
    Connected,
    Joined,
    Other,
}

impl Newcomer {
    /// Takes one answer from the start of `bytes` and says how long it was.
    fn take_one(
        &mut self,
        connection: &mut Connection,
        dialect: &Dialect,
        bytes: &[u8],
    ) -> Result<Option<(usize, Step)>> {
        if let Awaits::Upgrade = self.awaits {
            return self.take_upgrade(bytes);
        }
        let Some(frame) = wire::first_frame(bytes)? else {
            return Ok(None);
        };
        let length = frame.payload.end;
        let payload = &bytes[frame.payload];
        let step = match self.awaits {
            Awaits::Open if payload.starts_with(b"0{") => {
                connection.send_text(b"40")?;
                self.awaits = Awaits::Connected;
                Step::Other
            }
            Awaits::Connected if payload.starts_with(b"40{") => {
                self.awaits = Awaits::Nothing;
                Step::Connected
            }
            Awaits::Joined if dialect.is_joined(payload)? => {
                self.awaits = Awaits::Nothing;
                Step::Joined
            }
            // Of its room, before the answer, or of those who come after it.
            Awaits::Joined if dialect.value_of(payload).is_some() => Step::Other,
            _ if dialect.is_aside(payload) => Step::Other,
            _ => {
                connection.answer(frame.opcode, payload)?;
                Step::Other
            }
        };
        Ok(Some((length, step)))
    }

    fn take_upgrade(&mut self, bytes: &[u8]) -> Result<Option<(usize, Step)>> {
        let Some(end) = bytes.windows(4).position(|four| four == b"\r\n\r\n") else {
            return Ok(None);
        };
        let head = String::from_utf8_lossy(&bytes[..end]);
        ensure!(
            head.starts_with("HTTP/1.1 101 ") && head.contains(wire::ACCEPT),
            "no WebSocket: {head}"
        );
        self.awaits = Awaits::Open;
        Ok(Some((end + 4, Step::Other)))
    }

    fn join(&mut self, connection: &mut Connection, dialect: &Dialect, room: usize) -> Result<()> {
        self.awaits = Awaits::Joined;
        connection.send_text(dialect.join(room).as_bytes())
    }
}

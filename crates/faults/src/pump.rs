//! One direction of a connection: bytes in, bytes out, in the order in which they came.

use std::collections::VecDeque;
use std::io::ErrorKind;
use std::net::Shutdown;
use std::time::Duration;

use rand::RngExt;
use rand::rngs::StdRng;
use socket2::SockRef;
use tokio::net::TcpStream;
use tokio::sync::watch;
use tokio::time::{Instant, sleep_until};

use crate::conditions::{Conditions, Direction, Flow, Travel};
use crate::connection::Torn;
use crate::counts::Counters;

/// Most bytes read at a time.
const READ: usize = 16 * 1024;
/// Bytes under way beyond which nothing more is read: the sender waits, as on any network.
const MOST_UNDER_WAY: usize = 64 * 1024;
/// What trickles leaves this often at most.
const DRIPS_PER_SECOND: u64 = 20;

pub(crate) struct Pump<'a> {
    from: &'a TcpStream,
    to: &'a TcpStream,
    direction: Direction,
    conditions: watch::Receiver<Conditions>,
    draws: StdRng,
    counters: &'a Counters,
    under_way: VecDeque<Chunk>,
    bytes_under_way: usize,
    /// The sender has closed this direction.
    ended: bool,
    /// Bytes, or the end, were lost, or the receiver was told of an end that was none: never again does anything travel.
    lost: bool,
    /// The pace allows no write before.
    not_before: Instant,
}

/// Bytes that arrived together, and when they are to arrive at the other end. They stand in line: whoever is due waits for
/// those before.
struct Chunk {
    due: Instant,
    bytes: Vec<u8>,
    written: usize,
}

impl<'a> Pump<'a> {
    pub(crate) fn new(
        from: &'a TcpStream,
        to: &'a TcpStream,
        direction: Direction,
        conditions: watch::Receiver<Conditions>,
        draws: StdRng,
        counters: &'a Counters,
    ) -> Self {
        Self {
            from,
            to,
            direction,
            conditions,
            draws,
            counters,
            under_way: VecDeque::new(),
            bytes_under_way: 0,
            ended: false,
            lost: false,
            not_before: Instant::now(),
        }
    }

    /// Until the sender ends and everything has arrived, or has got lost.
    pub(crate) async fn run(mut self) -> Result<(), Torn> {
        loop {
            let travel = self.conditions.borrow_and_update().toward(self.direction);
            match travel.flow {
                Flow::Moves | Flow::Stalls if self.lost => return Err(Torn),
                Flow::Moves if self.ended && self.under_way.is_empty() => {
                    return self.end();
                }
                Flow::Moves | Flow::Stalls => {}
                Flow::Vanishes => self.lose(),
                Flow::Ends if self.lost => {}
                Flow::Ends => {
                    self.lose();
                    self.end()?;
                }
            }
            if self.lost && self.ended {
                return Ok(());
            }
            let reads = !self.ended
                && match travel.flow {
                    Flow::Moves => self.bytes_under_way < MOST_UNDER_WAY,
                    Flow::Stalls => false,
                    Flow::Vanishes | Flow::Ends => true,
                };
            let flows = travel.flow == Flow::Moves && travel.bytes_per_second != Some(0);
            let next = self.under_way.front().filter(|_| flows);
            let due = next.map(|chunk| chunk.due.max(self.not_before));
            let (from, to) = (self.from, self.to);
            tokio::select! {
                changed = self.conditions.changed() => if changed.is_err() { return Err(Torn) },
                _ = from.readable(), if reads => self.read(travel)?,
                () = writable(to, due), if due.is_some() => {
                    self.write(travel)?;
                    if travel.pieces.is_some() {
                        // So that the receiver may see this piece alone.
                        tokio::task::yield_now().await;
                    }
                }
            }
        }
    }

    fn read(&mut self, travel: Travel) -> Result<(), Torn> {
        let mut buffer = [0; READ];
        match self.from.try_read(&mut buffer) {
            Ok(0) => self.ended = true,
            Ok(_) if self.lost => {}
            Ok(length) => {
                let jitter = travel.jitter.mul_f64(self.draws.random_range(0.0..=1.0));
                let due = Instant::now() + travel.latency + jitter;
                self.bytes_under_way += length;
                self.under_way.push_back(Chunk {
                    due,
                    bytes: buffer[..length].to_vec(),
                    written: 0,
                });
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            // Nobody is told of the reset either.
            Err(_) if self.lost => self.ended = true,
            Err(_) => return Err(Torn),
        }
        Ok(())
    }

    fn write(&mut self, travel: Travel) -> Result<(), Torn> {
        let Some(chunk) = self.under_way.front_mut() else { return Ok(()) };
        let bytes = &chunk.bytes[chunk.written..];
        let mut length = bytes.len();
        if let Some(most) = travel.pieces {
            length = length.min(self.draws.random_range(1..=most.get()));
        }
        if let Some(pace) = travel.bytes_per_second {
            let drip = usize::try_from(pace / DRIPS_PER_SECOND).unwrap_or(usize::MAX);
            length = length.min(drip.max(1));
        }
        let written = match self.to.try_write(&bytes[..length]) {
            Ok(written) => written,
            Err(error) if error.kind() == ErrorKind::WouldBlock => return Ok(()),
            Err(_) => return Err(Torn),
        };
        self.counters.bytes.add(written as u64);
        self.counters.pieces.add_if(written < bytes.len());
        if let Some(pace @ 1..) = travel.bytes_per_second {
            let cost = Duration::from_secs(1).mul_f64(written as f64 / pace as f64);
            self.not_before = Instant::now() + cost;
        }
        self.bytes_under_way -= written;
        chunk.written += written;
        if chunk.written == chunk.bytes.len() {
            self.under_way.pop_front();
        }
        Ok(())
    }

    /// Nothing that is under way arrives, nor what follows.
    fn lose(&mut self) {
        self.lost = true;
        self.under_way.clear();
        self.bytes_under_way = 0;
    }

    /// The receiver is told that nothing more comes.
    fn end(&self) -> Result<(), Torn> {
        SockRef::from(self.to).shutdown(Shutdown::Write).map_err(|_| Torn)
    }
}

/// Until the time has come and the receiver takes something.
async fn writable(to: &TcpStream, due: Option<Instant>) {
    if let Some(due) = due {
        sleep_until(due).await;
        // An error shows in the write that follows.
        let _ = to.writable().await;
    }
}

//! What a client wants to say and has no answer to yet.

use std::collections::VecDeque;
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{Rng, RngExt};
use tokio::time::Instant;
use uuid::Builder;
use uuid::Uuid;

use crate::history::Weather;
use crate::wire::RoomId;

/// Messages that wait at most. Whoever has as many says nothing more until one is answered.
const MOST: usize = 32;
/// A message that is as long as one may be is rare.
const LONGEST: f64 = 0.005;
/// What a message is made of, beside its number.
const WORDS: [&str; 8] =
    [" milk?", " “quoted”", " \"plain\"", " \\", " 🫖", " *bold*", "\n- item", " <b>"];

pub(super) struct Outbox {
    client: u32,
    waiting: VecDeque<Pending>,
    said: u64,
    pub(super) next_word: Instant,
}

/// A message on its way.
#[derive(Debug, Clone)]
pub(crate) struct Pending {
    pub(super) room: RoomId,
    pub(super) client_id: Uuid,
    pub(super) body: String,
    /// Sendings on this connection that are not answered.
    pub(super) in_flight: u32,
    pub(super) not_before: Instant,
    /// It is the twin's, who counts it.
    pub(super) is_echo: bool,
    /// When it was sent first, and what was broken then.
    pub(super) first: Option<(Instant, Weather)>,
}

impl Outbox {
    pub(super) fn new(client: u32, now: Instant) -> Self {
        Self { client, waiting: VecDeque::new(), said: 0, next_word: now }
    }

    /// Something new to say.
    pub(super) fn compose(
        &mut self,
        room: RoomId,
        length: std::ops::Range<usize>,
        draws: &mut StdRng,
    ) -> Pending {
        self.said += 1;
        let mut body = format!("{}.{}", self.client, self.said);
        let length = if draws.random_bool(LONGEST) { 8_000 } else { draws.random_range(length) };
        while body.len() < length {
            body.push_str(WORDS[draws.random_range(0..WORDS.len())]);
        }
        let mut bytes = [0; 16];
        draws.fill_bytes(&mut bytes);
        let client_id = Builder::from_random_bytes(bytes).into_uuid();
        let not_before = self.next_word;
        Pending { room, client_id, body, in_flight: 0, not_before, is_echo: false, first: None }
    }

    pub(super) fn add(&mut self, pending: Pending) {
        self.waiting.push_back(pending);
    }

    pub(super) fn is_full(&self) -> bool {
        self.waiting.len() >= MOST
    }

    pub(super) fn is_empty(&self) -> bool {
        self.waiting.is_empty()
    }

    pub(super) fn in_flight(&self) -> usize {
        self.waiting.iter().filter(|pending| pending.in_flight > 0).count()
    }

    /// The next one to be sent, of those that may be.
    pub(super) fn ready(
        &mut self,
        now: Instant,
        is_joined: impl Fn(RoomId) -> bool,
    ) -> Option<&mut Pending> {
        self.waiting.iter_mut().find(|pending| {
            pending.in_flight == 0 && pending.not_before <= now && is_joined(pending.room)
        })
    }

    /// When one of those that wait for their time may be sent.
    pub(super) fn next_attempt(&self, now: Instant) -> Option<Instant> {
        let waits = |pending: &&Pending| pending.in_flight == 0 && pending.not_before > now;
        self.waiting.iter().filter(waits).map(|pending| pending.not_before).min()
    }

    /// One sending is answered with an ack: the message is out.
    pub(super) fn remove(&mut self, client_id: Uuid) -> Option<Pending> {
        let at = self.waiting.iter().position(|pending| pending.client_id == client_id)?;
        self.waiting.remove(at)
    }

    /// One sending is answered, and the message has to be sent again, not before so long has passed.
    pub(super) fn put_off(&mut self, client_id: Uuid, wait: Duration) {
        let found = self.waiting.iter_mut().find(|pending| pending.client_id == client_id);
        if let Some(pending) = found {
            pending.in_flight -= 1;
            pending.not_before = pending.not_before.max(Instant::now() + wait);
        }
    }

    /// The connection is gone: all have to be sent again.
    pub(super) fn lose(&mut self) {
        self.waiting.iter_mut().for_each(|pending| pending.in_flight = 0);
    }
}

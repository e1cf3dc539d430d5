//! One connection of a client, and what was asked on it.

use std::collections::BTreeMap;
use std::time::Duration;

use checker::Post;
use serde_json::{Value, json};
use tokio::time::Instant;

use crate::socket::Socket;
use crate::wire::RoomId;

pub(super) struct Link {
    pub(super) socket: Socket,
    /// By the number of the ack, so the oldest comes first. Bounded by what a client has in flight.
    asked: BTreeMap<u64, (Asked, Instant)>,
    next: u64,
    beat: Duration,
    pub(super) next_beat: Instant,
}

/// Something the server has not answered yet.
pub(super) enum Asked {
    Join(RoomId),
    Message(Post),
    Heartbeat,
}

impl Link {
    pub(super) fn new(socket: Socket, beat: Duration) -> Self {
        let next_beat = Instant::now() + beat;
        Self { socket, asked: BTreeMap::new(), next: 0, beat, next_beat }
    }

    /// Sends an event. Whatever it is, it shows as well as a beat whether somebody answers.
    pub(super) async fn ask(&mut self, asked: Asked, event: &str, payload: &Value) {
        let (number, now) = (self.next, Instant::now());
        self.next += 1;
        self.asked.insert(number, (asked, now));
        self.next_beat = now + self.beat;
        self.socket.send(format!("42{number}{}", json!([event, payload]))).await;
    }

    /// What was asked with this number.
    pub(super) fn answered(&mut self, number: u64) -> Option<Asked> {
        self.asked.remove(&number).map(|(asked, _)| asked)
    }

    pub(super) fn unanswered(self) -> impl Iterator<Item = Asked> {
        self.asked.into_values().map(|(asked, _)| asked)
    }

    /// When the oldest question has waited for so long.
    pub(super) fn deadline(&self, patience: Duration) -> Option<Instant> {
        self.asked.first_key_value().map(|(_, (_, asked))| *asked + patience)
    }

    pub(super) fn is_overdue(&self, now: Instant, patience: Duration) -> bool {
        self.deadline(patience).is_some_and(|deadline| deadline <= now)
    }
}

//! What a client says, and when.

use std::time::Duration;

use checker::{Event, Path, Post, digest};
use rand::RngExt;
use rand::seq::IndexedRandom;
use serde_json::json;
use tokio::time::Instant;

use super::link::{Asked, Link};
use super::{Client, Pending};
use crate::wire;

/// Of its messages, how many are followed by a look into history.
const READS: f64 = 0.02;
/// Nothing is due for longer.
const LONG: Duration = Duration::from_hours(1);

impl Client {
    /// Says everything that is due, and returns when something will be.
    pub(super) async fn say_what_is_due(&mut self, link: &mut Link) -> Instant {
        let now = Instant::now();
        self.join_rooms(link, now).await;
        self.think_of_something(now);
        while self.outbox.in_flight() < self.role.habits.in_flight {
            let rooms = &self.rooms;
            let is_joined = |id| rooms.iter().any(|room| room.id == id && room.joined);
            let Some(pending) = self.outbox.ready(now, is_joined) else { break };
            let copies = 1 + self.draws.random_range(0..=self.role.habits.repeats);
            pending.in_flight = copies;
            let news = pending.first.is_none();
            pending.first.get_or_insert_with(|| (Instant::now(), self.history.weather()));
            let pending = pending.clone();
            self.send(link, &pending, copies).await;
            if news && self.role.habits.reads && self.draws.random_bool(READS) {
                self.read_history(&pending);
            }
        }
        if now >= link.next_beat
            && let Some(room) = self.rooms.iter().find(|room| room.joined)
        {
            link.ask(Asked::Heartbeat, "heartbeat", &json!({ "room": room.id })).await;
        }
        self.next_due(link, now)
    }

    async fn join_rooms(&mut self, link: &mut Link, now: Instant) {
        for room in &mut self.rooms {
            if room.joined || room.asked > 0 || room.not_before > now {
                continue;
            }
            let (id, after, epoch) = (room.id, room.after, room.epoch);
            let mut payload = json!({ "room": id });
            if let (Some(after), Some(epoch)) = (after, epoch) {
                payload["after"] = after.into();
                payload["epoch"] = epoch.into();
            }
            // Joins are dear: more than one too many would be more than a person has credit for.
            room.asked = 1 + self.draws.random_range(0..=self.role.habits.repeats.min(1));
            for _ in 0..room.asked {
                let joining = Event::Joining { room: id, after, epoch };
                self.history.record(self.role.number, self.role.person.id, joining);
                link.ask(Asked::Join(id), "join", &payload).await;
            }
        }
    }

    fn think_of_something(&mut self, now: Instant) {
        let Some(pace) = self.role.habits.pace.filter(|_| self.orders.borrow().talk) else {
            return;
        };
        if now < self.outbox.next_word || self.outbox.is_full() {
            return;
        }
        let Some(room) = self.role.rooms.choose(&mut self.draws) else { return };
        let pending = self.outbox.compose(*room, self.role.habits.length.clone(), &mut self.draws);
        // As the decay of atoms: now and then many at once.
        let share: f64 = self.draws.random_range(0.001..1.0);
        self.outbox.next_word = now + pace.mul_f64(-share.ln());
        self.history.figures(|figures| figures.said += 1);
        if let Some(twin) = &self.role.twin {
            // A twin that has enough to do is not needed.
            twin.tell.try_send(Pending { is_echo: true, ..pending.clone() }).ok();
        }
        self.outbox.add(pending);
    }

    async fn send(&mut self, link: &mut Link, pending: &Pending, copies: u32) {
        let Pending { room, client_id, body, .. } = pending;
        let payload = json!({ "room": room, "client_id": client_id, "body": body });
        for _ in 0..copies {
            let post = Post { room: *room, client_id: *client_id, body: digest(body) };
            self.record(Event::Invoke { post });
            link.ask(Asked::Message(post), "message", &payload).await;
        }
    }

    /// Reads a page of history, beside everything else.
    fn read_history(&mut self, about: &Pending) {
        if self.reading.as_ref().is_some_and(|reading| !reading.is_finished()) {
            return;
        }
        let room = about.room;
        let newest = self.rooms.iter().find(|known| known.id == room).and_then(|known| known.after);
        let after = self.draws.random_range(0..=newest.unwrap_or(0));
        let (web, history, person) =
            (self.web.clone(), self.history.clone(), self.role.person.clone());
        let number = self.role.number;
        self.reading = Some(tokio::spawn(async move {
            let record = |event| history.record(number, person.id, event);
            record(Event::Reading { room });
            // The server may be down, or give up.
            let Ok(page) = web.page(&person, room, after).await else { return };
            record(Event::Read { room, epoch: page.epoch, head: page.head });
            for message in &page.messages {
                let message = wire::seen(message);
                record(Event::Heard { room, path: Path::History, message });
            }
        }));
    }

    fn next_due(&self, link: &Link, now: Instant) -> Instant {
        let talks = self.role.habits.pace.is_some() && self.orders.borrow().talk;
        let next_word = (talks && !self.outbox.is_full()).then_some(self.outbox.next_word);
        let waits = |room: &&super::Room| !room.joined && room.asked == 0;
        let next_join = self.rooms.iter().filter(waits).map(|room| room.not_before).min();
        let patience = link.deadline(self.role.habits.patience);
        [next_word, next_join, patience, self.outbox.next_attempt(now), Some(link.next_beat)]
            .into_iter()
            .flatten()
            .min()
            .unwrap_or(now + LONG)
    }
}

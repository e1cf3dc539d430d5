//! What a client hears, and what it makes of it.

use std::time::Duration;

use checker::{Event, Path, Post};
use serde::de::DeserializeOwned;
use serde_json::value::RawValue;
use tokio::time::Instant;

use super::Client;
use super::link::{Asked, Link};
use super::room::{Place, Room};
use crate::wire::{self, Ack, Draining, Failure, Joined, Message, Packet, Resync, RoomId, Sent};

/// When to ask again after an error that says nothing about it.
const AGAIN: Duration = Duration::from_millis(50);

/// Why a connection is of no use any more.
type Reason = &'static str;

impl Client {
    /// Hears one packet.
    pub(super) fn hear(&mut self, link: &mut Link, packet: &str) -> Result<(), Reason> {
        match Packet::parse(packet) {
            Packet::Event(name, payload) => match name.as_str() {
                "message" => self.hear_message(&understood(payload)?),
                "resync" => self.hear_resync(understood(payload)?),
                "draining" => {
                    let Draining { retry_after_ms } = understood(payload)?;
                    self.history.figures(|figures| figures.drained += 1);
                    self.put_off(retry_after_ms);
                }
                _ => {}
            },
            Packet::Answer(number, answer) => match (link.answered(number), answer) {
                (Some(Asked::Join(room)), Ack::Ok(joined)) => {
                    self.hear_joined(room, &understood(joined)?);
                }
                (Some(Asked::Join(room)), Ack::Error(failure)) => self.hear_no_join(room, &failure),
                (Some(Asked::Message(post)), Ack::Ok(sent)) => {
                    self.hear_sent(post, understood(sent)?);
                }
                (Some(Asked::Message(post)), Ack::Error(failure)) => {
                    self.hear_not_sent(post, failure);
                }
                (Some(Asked::Heartbeat), _) => {}
                (None, _) => self.surprise(format!("is answered what it did not ask: {packet}")),
            },
            // To a client that stutters.
            Packet::Connected if self.role.habits.stutters > 0.0 => {}
            Packet::Disconnected => {
                if !self.role.habits.may_be_logged_out {
                    self.surprise("is told that its session has ended".to_owned());
                }
                return Err("the server ended it");
            }
            _ => {
                self.surprise(format!("cannot understand {packet}"));
                return Err("the server said something strange");
            }
        }
        Ok(())
    }

    fn hear_message(&mut self, message: &Message) {
        let id = message.room;
        let Some(room) = self.rooms.iter_mut().find(|room| room.id == id) else {
            return self.surprise(format!("hears of {id}, where it is not"));
        };
        let path = if room.joined { Path::Live } else { Path::Resume };
        let place = room.take(message.seq);
        if matches!(place, Place::Gap) {
            // The server never skips one, and the checker will say so. Asking again is what the protocol advises.
            room.joined = false;
        }
        self.learned_at = Instant::now();
        self.record(Event::Heard { room: id, path, message: wire::seen(message) });
    }

    fn hear_resync(&mut self, resync: Resync) {
        let Resync { room, epoch, head, reason } = resync;
        if let Some(room) = self.rooms.iter_mut().find(|known| known.id == room) {
            room.forget_cursor();
        }
        self.record(Event::Resync { room, epoch, head, reason });
    }

    fn hear_joined(&mut self, id: RoomId, joined: &Joined) {
        let Joined { epoch, head } = *joined;
        let Some(room) = self.rooms.iter_mut().find(|room| room.id == id) else { return };
        room.asked = room.asked.saturating_sub(1);
        room.joined = room.asked == 0;
        if room.epoch.is_some() {
            self.history.figures(|figures| figures.resumes += 1);
        }
        room.epoch = Some(epoch);
        let after = *room.after.get_or_insert(head);
        self.learned_at = Instant::now();
        self.record(Event::Joined { room: id, epoch, head });
        if after != head {
            self.surprise(format!("has {after} of {id} when it is told that {head} is the last"));
        }
    }

    fn hear_no_join(&mut self, id: RoomId, failure: &Failure) {
        self.record(Event::Left { room: id });
        if let Some(room) = self.rooms.iter_mut().find(|room| room.id == id) {
            room.is_refused();
            room.not_before = Instant::now() + wait(failure);
        }
        if failure.retry_after_ms.is_none() {
            self.surprise(format!("cannot enter {id}: {}", failure.code));
        }
    }

    fn hear_sent(&mut self, post: Post, sent: Sent) {
        let Sent { seq, id, at } = sent;
        self.record(Event::Ok { post, seq, id, at });
        let now = Instant::now();
        self.learned_at = now;
        // The answer to a repetition finds nothing.
        let Some(pending) = self.outbox.remove(post.client_id).filter(|pending| !pending.is_echo)
        else {
            return;
        };
        let Some((first, weather)) = pending.first else { return };
        self.history.acked(now - first, weather);
    }

    fn hear_not_sent(&mut self, post: Post, failure: Failure) {
        self.outbox.put_off(post.client_id, wait(&failure));
        let Failure { code, retry_after_ms } = failure;
        match (code.as_str(), retry_after_ms) {
            // Stored or not: nobody knows.
            ("storage_unavailable" | "internal", _) => self.record(Event::Info { post }),
            _ => self.record(Event::Fail { post, code: code.clone() }),
        }
        match code.as_str() {
            "rate_limited" | "overloaded" | "storage_unavailable" => {}
            "not_in_room" => self.rooms.iter_mut().for_each(Room::lose),
            _ => self.surprise(format!("cannot say {}: {code}", post.client_id)),
        }
    }
}

fn wait(failure: &Failure) -> Duration {
    failure.retry_after_ms.map_or(AGAIN, Duration::from_millis)
}

fn understood<T: DeserializeOwned>(payload: &RawValue) -> Result<T, Reason> {
    serde_json::from_str(payload.get()).map_err(|_| "the server said something strange")
}

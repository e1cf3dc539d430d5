//! What was sent, and what the logs hold: I1 to I5 and I7. A log is told apart by room and epoch.

use std::collections::HashMap;

use foldhash::fast::FixedState;
use uuid::Uuid;

use self::final_reading::Reading;
use self::log::{Log, Room, Sources};
use self::sent::{Acks, Sent, Text};
use super::findings::Findings;
use crate::record::{Message, Post};
use crate::report::Subject;

mod final_reading;
mod log;
mod sent;
mod witness;

/// A room's number in this history.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) struct RoomIndex(pub(super) u32);

/// A place in the life of a log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    pub(super) epoch: u64,
    pub(super) seq: u64,
}

/// The database was put back to what it was at `since`.
#[derive(Debug, Clone, Copy)]
struct Restore {
    since: u64,
    at: u64,
}

/// The first ack of a message.
#[derive(Debug, Clone, Copy)]
pub(super) struct FirstAck {
    pub(super) took: u64,
    pub(super) phase: u64,
}

#[derive(Debug, Default)]
pub(super) struct Ledger {
    indices: HashMap<u128, RoomIndex, FixedState>,
    rooms: Vec<Room>,
    sent: HashMap<(u64, u128), Sent, FixedState>,
    restores: Vec<Restore>,
    reading: Option<Reading>,
    pub(super) acked: u64,
    pub(super) repeated: u64,
}

impl Ledger {
    pub(super) fn room(&mut self, id: Uuid) -> RoomIndex {
        let next = RoomIndex(u32::try_from(self.rooms.len()).expect("rooms fit into memory"));
        *self.indices.entry(id.as_u128()).or_insert_with(|| {
            self.rooms.push(Room { id, sends: 0, logs: Vec::new() });
            next
        })
    }

    pub(super) fn id(&self, room: RoomIndex) -> Uuid {
        self.rooms[room.0 as usize].id
    }

    pub(super) fn rooms(&self) -> usize {
        self.rooms.len()
    }

    pub(super) fn messages(&self) -> usize {
        self.sent.len()
    }

    /// The last place of a room that anybody was shown.
    pub(super) fn newest(&self, room: RoomIndex) -> Place {
        let log = self.rooms[room.0 as usize].logs.last();
        log.map_or(Place::default(), |log| Place { epoch: log.epoch, seq: log.known })
    }

    /// Somebody was told of this life of a room's log.
    pub(super) fn told_of(&mut self, room: Uuid, epoch: u64) -> RoomIndex {
        let room = self.room(room);
        self.log(room, epoch);
        room
    }

    pub(super) fn invoke(&mut self, author: u64, post: &Post, phase: u64, findings: &mut Findings) {
        let room = self.room(post.room);
        let entry = &mut self.rooms[room.0 as usize];
        entry.sends += 1;
        let text = Text { body: post.body, invoked: 1, failed: 0, acked: false };
        let key = (author, post.client_id.as_u128());
        let Some(sent) = self.sent.get_mut(&key) else {
            let floor = entry.logs.last();
            let floor =
                floor.map_or(Place::default(), |log| Place { epoch: log.epoch, seq: log.acked });
            let invoked = findings.now;
            let others = Vec::new();
            let (place, acks) = (None, None);
            let sent = Sent { room, first: text, others, invoked, floor, place, acks, phase };
            self.sent.insert(key, sent);
            return;
        };
        self.repeated += 1;
        match sent.text(post.body) {
            Some(known) => known.invoked += 1,
            None => sent.others.push(text),
        }
        if sent.room != room {
            findings.mistake(format_args!("{} was sent to two rooms", post.client_id));
        }
    }

    pub(super) fn fail(&mut self, author: u64, post: &Post, findings: &mut Findings) {
        let sent = self.sent.get_mut(&(author, post.client_id.as_u128()));
        match sent.and_then(|sent| sent.text(post.body)) {
            Some(text) => text.failed += 1,
            None => findings.mistake(format_args!("a refusal of what was not sent")),
        }
    }

    pub(super) fn info(&mut self, author: u64, post: &Post, findings: &mut Findings) {
        let sent = self.sent.get_mut(&(author, post.client_id.as_u128()));
        if sent.and_then(|sent| sent.text(post.body)).is_none() {
            findings.mistake(format_args!("it is unknown what became of what was not sent"));
        }
    }

    /// An ack bears witness to a place like any other, and more: what is acked must stay (I1), and what is sent from now
    /// on must stand behind it (I7).
    pub(super) fn ack(
        &mut self,
        epoch: u64,
        message: &Message,
        findings: &mut Findings,
    ) -> Option<FirstAck> {
        let key = (message.author, message.client_id.as_u128());
        let now = findings.now;
        let Some(sent) = self.sent.get_mut(&key) else {
            findings.mistake(format_args!("an ack of what was not sent"));
            return None;
        };
        let room = sent.room;
        match sent.text(message.body) {
            Some(text) => text.acked = true,
            None => findings.mistake(format_args!("an ack of a text that was not sent")),
        }
        let first = match &mut sent.acks {
            Some(acks) => {
                acks.last = now;
                None
            }
            acks @ None => {
                *acks = Some(Acks { first: now, last: now });
                self.acked += 1;
                Some(FirstAck { took: now - sent.invoked, phase: sent.phase })
            }
        };
        self.witness(room, epoch, message, findings);
        let log = self.log(room, epoch);
        log.acked = log.acked.max(message.seq);
        if log.read != Sources::default() {
            findings.mistake(format_args!("an ack after the room was read in full"));
        }
        first
    }

    pub(super) fn restored(&mut self, since: u64, at: u64) {
        self.restores.push(Restore { since, at });
    }

    fn log(&mut self, room: RoomIndex, epoch: u64) -> &mut Log {
        let logs = &mut self.rooms[room.0 as usize].logs;
        let index = match logs.iter().rposition(|log| log.epoch <= epoch) {
            Some(index) if logs[index].epoch == epoch => index,
            before => {
                let index = before.map_or(0, |before| before + 1);
                logs.insert(index, Log::new(epoch));
                index
            }
        };
        &mut logs[index]
    }

    fn subject(&self, room: RoomIndex, message: &Message) -> Subject {
        Subject {
            process: None,
            room: Some(self.id(room)),
            seq: Some(message.seq),
            client_id: Some(message.client_id),
        }
    }
}

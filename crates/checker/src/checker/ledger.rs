//! What was sent, and what the logs hold: I1 to I5 and I7.
//!
//! A log is told apart by room and epoch. Whoever shows a message of a log (a live event, a page, an ack, the final
//! reading) bears witness to one place in it. The first witness is believed if what it shows was sent; all others must
//! say the same.

use std::collections::HashMap;

use foldhash::fast::FixedState;
use uuid::Uuid;

use self::log::{Log, Room, Sources};
use self::sent::{Acks, Sent, Text};
use super::findings::Findings;
use crate::record::{Message, Post, Source};
use crate::report::{Invariant, Subject};

mod log;
mod sent;

/// How far beyond the number of messages ever sent to a room a place is still kept. Whatever is further is wrong in any
/// case, and is not worth the memory.
const FAR: u64 = 4096;

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

/// A full reading in progress.
#[derive(Debug, Clone, Copy)]
struct Reading {
    room: RoomIndex,
    epoch: u64,
    head: u64,
    source: Source,
    last: u64,
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

    /// Somebody was shown a message. `true` if it may be so.
    pub(super) fn witness(
        &mut self,
        room: RoomIndex,
        epoch: u64,
        message: &Message,
        findings: &mut Findings,
    ) -> bool {
        findings.checked(Invariant::I5);
        let far = self.rooms[room.0 as usize].sends + FAR;
        let log = self.log(room, epoch);
        let slot = message.seq.checked_sub(1).and_then(|index| log.rows.get(index as usize));
        if let Some(Some(row)) = slot {
            if row.message == *message {
                return true;
            }
            let known = row.message;
            self.disagree(room, epoch, &known, message, findings);
            return false;
        }
        if message.seq == 0 || message.seq > far {
            let subject = self.subject(room, message);
            let what = format_args!("{} is no number of a log", message.seq);
            findings.broken(Invariant::I4, subject, what);
            return false;
        }
        self.admit(room, epoch, message, findings)
    }

    /// The first witness of a place.
    fn admit(
        &mut self,
        room: RoomIndex,
        epoch: u64,
        message: &Message,
        findings: &mut Findings,
    ) -> bool {
        let subject = self.subject(room, message);
        let Message { seq, client_id, author, .. } = *message;
        findings.checked(Invariant::I2);
        let sent = self.sent.get_mut(&(author, client_id.as_u128()));
        let Some(sent) = sent.filter(|sent| sent.room == room) else {
            let what = format_args!("{seq} is {client_id} of user {author}, which nobody sent");
            findings.broken(Invariant::I2, subject, what);
            return false;
        };
        if sent.text(message.body).is_none() {
            let what = format_args!("{seq} is {client_id} with a text that was not sent");
            findings.broken(Invariant::I2, subject, what);
            return false;
        }
        findings.checked(Invariant::I3);
        match sent.place {
            Some(place) if place.epoch == epoch => {
                let what = format_args!("{client_id} is both {} and {seq}", place.seq);
                findings.broken(Invariant::I3, subject, what);
                return false;
            }
            // A restored log can be older than what is known of the message already.
            Some(place) if place.epoch > epoch => {}
            _ => sent.place = Some(Place { epoch, seq }),
        }
        if sent.floor.epoch == epoch && sent.floor.seq > 0 {
            findings.checked(Invariant::I7);
            if seq <= sent.floor.seq {
                let what = format_args!("{seq} was sent after {} had been acked", sent.floor.seq);
                findings.broken(Invariant::I7, subject, what);
            }
        }
        self.log(room, epoch).insert(message, subject, findings);
        true
    }

    fn disagree(
        &self,
        room: RoomIndex,
        epoch: u64,
        known: &Message,
        message: &Message,
        findings: &mut Findings,
    ) {
        let subject = self.subject(room, message);
        let seq = message.seq;
        let what = if known.client_id == message.client_id {
            format!("{seq} of epoch {epoch} was {known} and now is {message}")
        } else {
            let (was, is) = (known.client_id, message.client_id);
            format!("{seq} of epoch {epoch} was {was} and now is {is}")
        };
        findings.broken(Invariant::I5, subject, format_args!("{what}"));
    }

    pub(super) fn restored(&mut self, since: u64, at: u64) {
        self.restores.push(Restore { since, at });
    }

    /// A room is read in full from now on.
    pub(super) fn open(
        &mut self,
        room: Uuid,
        epoch: u64,
        head: u64,
        source: Source,
        findings: &mut Findings,
    ) -> RoomIndex {
        self.close(findings);
        let room = self.room(room);
        let log = self.log(room, epoch);
        if log.read.has(source) {
            findings.mistake(format_args!("a room is read in full for the second time"));
        }
        log.read = log.read.with(source);
        log.head = log.head.max(head);
        self.reading = Some(Reading { room, epoch, head, source, last: 0 });
        room
    }

    /// A message of the room that is being read in full.
    pub(super) fn row(&mut self, room: Uuid, message: &Message, findings: &mut Findings) {
        let index = self.room(room);
        let Some(mut reading) = self.reading.filter(|reading| reading.room == index) else {
            findings.mistake(format_args!("a row of a room that is not being read"));
            return;
        };
        findings.checked(Invariant::I4);
        if message.seq != reading.last + 1 {
            let what = format_args!("{} follows {} in the log", message.seq, reading.last);
            findings.broken(Invariant::I4, self.subject(index, message), what);
        }
        reading.last = message.seq;
        self.reading = Some(reading);
        let agreed = self.witness(index, reading.epoch, message, findings);
        let slot = self.log(index, reading.epoch).slot(message.seq);
        match slot {
            Some(row) if agreed => row.read = row.read.with(reading.source),
            Some(row) => row.disputed = true,
            None => {}
        }
    }

    /// The room that was being read has been read to its end.
    fn close(&mut self, findings: &mut Findings) {
        let Some(reading) = self.reading.take() else { return };
        let Reading { room, epoch, head, source, last } = reading;
        findings.checked(Invariant::I4);
        if last != head {
            let subject = Subject { room: Some(self.id(room)), ..Subject::default() };
            let what = format_args!("the log ends with {last} and says that it ends with {head}");
            findings.broken(Invariant::I4, subject, what);
        }
        let unread = self.log(room, epoch).rows.iter().flatten();
        let unread = unread.filter(|row| !row.read.has(source) && !row.disputed);
        let unread: Vec<Message> = unread.map(|row| row.message).collect();
        for message in unread {
            let sent = self.sent.get(&(message.author, message.client_id.as_u128()));
            // An acked one is a matter of I1.
            if sent.is_some_and(|sent| sent.acks.is_none()) {
                let what = format_args!("{} was heard and is not in the log", message.seq);
                findings.broken(Invariant::I5, self.subject(room, &message), what);
            }
        }
    }

    /// The history is complete.
    pub(super) fn finish(&mut self, findings: &mut Findings) {
        self.close(findings);
        for room in &self.rooms {
            let read = room.logs.last().is_some_and(|log| log.read != Sources::default());
            if room.sends > 0 && !read {
                findings.mistake(format_args!("room {} was never read in full", room.id));
            }
        }
        // In an order that does not depend on the table.
        let mut sent: Vec<_> = self.sent.iter().collect();
        sent.sort_unstable_by_key(|((author, client_id), sent)| {
            (sent.invoked, *author, *client_id)
        });
        for (&(_, client_id), sent) in sent {
            self.judge(Uuid::from_u128(client_id), sent, findings);
        }
        for room in &self.rooms {
            for pair in room.logs.windows(2) {
                room.judge_restored(&pair[0], &pair[1], findings);
            }
        }
    }

    /// Somebody was shown a message, and it is not known in which life of the log. It must be in one of them, unless a
    /// restore may have taken it back before anybody else saw it.
    pub(super) fn judge_orphan(
        &self,
        process: u32,
        room: RoomIndex,
        message: &Message,
        at: u64,
        findings: &mut Findings,
    ) {
        findings.checked(Invariant::I5);
        let Room { logs, .. } = &self.rooms[room.0 as usize];
        let index = message.seq.wrapping_sub(1) as usize;
        let mut rows = logs.iter().filter_map(|log| log.rows.get(index)?.as_ref());
        let taken_back = self.restores.iter().any(|restore| at <= restore.at);
        if !taken_back && !rows.any(|row| row.message == *message) {
            let subject = Subject { process: Some(process), ..self.subject(room, message) };
            let what = format_args!("client {process} heard {message}, which is in no log");
            findings.broken(Invariant::I5, subject, what);
        }
    }

    /// Whether what was acked is there, and what was refused is not.
    fn judge(&self, client_id: Uuid, sent: &Sent, findings: &mut Findings) {
        let room = &self.rooms[sent.room.0 as usize];
        let row = sent.place.and_then(|place| room.row(place));
        let seq = sent.place.map(|place| place.seq);
        let subject =
            Subject { process: None, room: Some(room.id), seq, client_id: Some(client_id) };
        if let Some(row) = row
            && let Some(text) = sent.texts().find(|text| text.body == row.message.body)
            && text.failed >= text.invoked
            && !text.acked
        {
            let what = format_args!("{client_id} was refused and is in the log all the same");
            findings.broken(Invariant::I2, subject, what);
        }
        let (Some(acks), Some(log)) = (sent.acks, room.logs.last()) else { return };
        if log.read == Sources::default() {
            return;
        }
        findings.checked(Invariant::I1);
        let here = sent.place.is_some_and(|place| place.epoch == log.epoch);
        let read = row.is_some_and(|row| row.read.has_all_of(log.read));
        let excused = self.excused(acks.first) && self.excused(acks.last);
        if !(here && read || excused) {
            let seq = seq.unwrap_or_default();
            let what = format_args!("{client_id} was acked as {seq} and is not in the log");
            findings.broken(Invariant::I1, subject, what);
        }
    }

    /// Whether a restore may have lost what was acked at this time.
    fn excused(&self, acked: u64) -> bool {
        self.restores.iter().any(|restore| restore.since <= acked && acked <= restore.at)
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

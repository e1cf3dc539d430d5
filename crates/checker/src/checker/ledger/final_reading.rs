//! In the end each room is read in full, and then it is known what has become of all that was sent.

use uuid::Uuid;

use super::log::{Room, Sources};
use super::sent::Sent;
use super::{Findings, Ledger, RoomIndex};
use crate::record::{Message, Source};
use crate::report::{Invariant, Subject};

/// A full reading in progress.
#[derive(Debug, Clone, Copy)]
pub(super) struct Reading {
    room: RoomIndex,
    epoch: u64,
    head: u64,
    source: Source,
    last: u64,
}

impl Ledger {
    /// A room is read in full from now on.
    pub(in crate::checker) fn open(
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
    pub(in crate::checker) fn row(
        &mut self,
        room: Uuid,
        message: &Message,
        findings: &mut Findings,
    ) {
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
    pub(in crate::checker) fn finish(&mut self, findings: &mut Findings) {
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

    /// Somebody was shown a message, and it is not known in which life of the log. It must be in one of them, unless a
    /// restore may have taken it back before anybody else saw it.
    pub(in crate::checker) fn judge_orphan(
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
}

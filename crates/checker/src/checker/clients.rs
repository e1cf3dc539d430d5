//! The clients: what goes to the stream of each of them in each room, who must hear nothing any more (I9), and who must
//! have heard everything (I10).

use std::collections::HashMap;
use std::time::Duration;

use foldhash::fast::FixedState;
use hdrhistogram::Histogram;

use self::stream::{Orphan, Stream, Waits};
use super::findings::Findings;
use super::ledger::{Ledger, Place, RoomIndex};
use crate::limits::Limits;
use crate::record::{Message, Whose};
use crate::report::{self, Invariant, Subject};

pub(super) use self::stream::Cursor;

mod stream;

/// All clients, and what each of them hears of each room.
#[derive(Debug)]
pub(super) struct Clients {
    pub(super) limits: Limits,
    all: HashMap<u32, Client, FixedState>,
    indices: HashMap<(u32, RoomIndex), usize, FixedState>,
    streams: Vec<Stream>,
    /// What was heard before it was known in which epoch, on a connection that ended before that was told.
    orphans: Vec<Orphan>,
    convergence: Histogram<u64>,
}

#[derive(Debug, Default)]
struct Client {
    user: u64,
    streams: Vec<usize>,
    revoked: Option<u64>,
    gone: bool,
}

impl Clients {
    pub(super) fn new(limits: Limits) -> Self {
        Self {
            limits,
            all: HashMap::default(),
            indices: HashMap::default(),
            streams: Vec::new(),
            orphans: Vec::new(),
            convergence: report::durations(),
        }
    }

    pub(super) fn count(&self) -> usize {
        self.all.len()
    }

    pub(super) fn convergence(&self) -> &Histogram<u64> {
        &self.convergence
    }

    /// A process does something or is told something as this user.
    pub(super) fn appears(&mut self, process: u32, user: u64) {
        if process != 0 {
            self.client(process).user = user;
        }
    }

    pub(super) fn logged_in(&mut self, process: u32) {
        self.client(process).revoked = None;
    }

    pub(super) fn revoked(&mut self, process: u32, user: u64, whose: Whose, now: u64) {
        match whose {
            Whose::Process => _ = self.client(process).revoked.get_or_insert(now),
            Whose::User => {
                let theirs = self.all.values_mut().filter(|client| client.user == user);
                theirs.for_each(|client| _ = client.revoked.get_or_insert(now));
            }
        }
    }

    /// Something was delivered to a process.
    pub(super) fn delivered(&mut self, process: u32, findings: &mut Findings) {
        let limit = nanos(self.limits.revocation + self.limits.held_back);
        let Some(revoked) = self.client(process).revoked else { return };
        findings.checked(Invariant::I9);
        let after = findings.now - revoked;
        if after > limit {
            let subject = Subject { process: Some(process), ..Subject::default() };
            let after = Duration::from_nanos(after);
            let what =
                format_args!("client {process} is told something {after:.3?} after revocation");
            findings.broken(Invariant::I9, subject, what);
        }
    }

    pub(super) fn lost(&mut self, process: u32) {
        for index in self.client(process).streams.clone() {
            self.orphans.extend(self.streams[index].lose());
        }
    }

    /// A process ends. If nothing is broken, it has caught up by then.
    pub(super) fn gone(&mut self, process: u32, ledger: &Ledger, findings: &mut Findings) {
        for index in self.client(process).streams.clone() {
            let must = self.must_converge(index);
            let stream = &mut self.streams[index];
            if let Some(waits) = stream.waits.take()
                && must
            {
                stream.is_late(waits, ledger, findings);
            }
        }
        self.lost(process);
        self.client(process).gone = true;
    }

    pub(super) fn joining(
        &mut self,
        process: u32,
        room: RoomIndex,
        cursor: Cursor,
        findings: &mut Findings,
    ) {
        self.stream(process, room).joining(cursor, findings);
    }

    pub(super) fn resync(
        &mut self,
        process: u32,
        room: RoomIndex,
        head: Place,
        ledger: &Ledger,
        findings: &mut Findings,
    ) {
        self.stream(process, room).resync(head, ledger, findings);
    }

    pub(super) fn joined(
        &mut self,
        process: u32,
        room: RoomIndex,
        head: Place,
        ledger: &mut Ledger,
        findings: &mut Findings,
    ) {
        self.stream(process, room).joined(head, ledger, findings);
        self.advanced(process, room, ledger, findings);
    }

    pub(super) fn left(&mut self, process: u32, room: RoomIndex) {
        let orphans = self.stream(process, room).leave();
        self.orphans.extend(orphans);
    }

    pub(super) fn heard(
        &mut self,
        process: u32,
        room: RoomIndex,
        message: &Message,
        ledger: &mut Ledger,
        findings: &mut Findings,
    ) {
        let stream = self.stream(process, room);
        stream.hear(message, ledger, findings);
        if stream.waits.is_some() {
            self.advanced(process, room, ledger, findings);
        }
    }

    /// A message of a page of history.
    pub(super) fn turned(
        &mut self,
        process: u32,
        room: RoomIndex,
        message: &Message,
        ledger: &mut Ledger,
        findings: &mut Findings,
    ) {
        self.stream(process, room).turn(message, ledger, findings);
    }

    /// What was acked has been seen. In which life of the log that was, unless the client never was in the room.
    pub(super) fn acked(&mut self, process: u32, room: RoomIndex, seq: u64) -> Option<u64> {
        self.stream(process, room).acked(seq)
    }

    pub(super) fn reading(&mut self, process: u32, room: RoomIndex) {
        self.stream(process, room).ask();
    }

    pub(super) fn read(
        &mut self,
        process: u32,
        room: RoomIndex,
        head: Place,
        ledger: &Ledger,
        findings: &mut Findings,
    ) {
        self.stream(process, room).read(head, ledger, findings);
    }

    /// Something is broken: whoever has not caught up by now need not, unless their time was over.
    pub(super) fn troubled(&mut self, ledger: &Ledger, findings: &mut Findings) {
        let limit = nanos(self.limits.convergence);
        for index in 0..self.streams.len() {
            let must = self.must_converge(index);
            let stream = &mut self.streams[index];
            if let Some(waits) = stream.waits.take()
                && must
                && findings.now - waits.since > limit
            {
                stream.is_late(waits, ledger, findings);
            }
        }
    }

    /// Nothing is broken any more: everyone has some time to hear what is there now.
    pub(super) fn healed(&mut self, ledger: &Ledger, findings: &mut Findings) {
        self.troubled(ledger, findings);
        for index in 0..self.streams.len() {
            if self.must_converge(index) {
                let stream = &mut self.streams[index];
                let until = ledger.newest(stream.room);
                stream.waits = Some(Waits { since: findings.now, until });
                let (process, room) = (stream.process, stream.room);
                self.advanced(process, room, ledger, findings);
            }
        }
    }

    /// A room is read in full, and ends here. Whoever is in it has heard that.
    pub(super) fn must_be_at(
        &self,
        room: RoomIndex,
        end: Place,
        ledger: &Ledger,
        findings: &mut Findings,
    ) {
        for (index, stream) in self.streams.iter().enumerate() {
            if stream.room == room && self.must_converge(index) {
                stream.must_be_at(end, ledger, findings);
            }
        }
    }

    /// The history is complete.
    pub(super) fn finish(&self, ledger: &Ledger, findings: &mut Findings) {
        for Orphan { process, room, message, at } in &self.orphans {
            ledger.judge_orphan(*process, *room, message, *at, findings);
        }
    }

    fn must_converge(&self, index: usize) -> bool {
        let stream = &self.streams[index];
        let client = &self.all[&stream.process];
        stream.wants && !client.gone && client.revoked.is_none()
    }

    /// A stream may have caught up.
    fn advanced(
        &mut self,
        process: u32,
        room: RoomIndex,
        ledger: &Ledger,
        findings: &mut Findings,
    ) {
        let limit = nanos(self.limits.convergence);
        let stream = self.stream(process, room);
        let place = stream.place();
        let Some(waits) = stream.waits.take_if(|waits| place >= waits.until) else { return };
        findings.checked(Invariant::I10);
        let took = findings.now - waits.since;
        if took > limit {
            stream.is_late(waits, ledger, findings);
        }
        self.convergence.saturating_record(took);
    }

    fn client(&mut self, process: u32) -> &mut Client {
        self.all.entry(process).or_default()
    }

    fn stream(&mut self, process: u32, room: RoomIndex) -> &mut Stream {
        let index = *self.indices.entry((process, room)).or_insert_with(|| {
            self.streams.push(Stream::new(process, room));
            let index = self.streams.len() - 1;
            self.all.entry(process).or_default().streams.push(index);
            index
        });
        &mut self.streams[index]
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

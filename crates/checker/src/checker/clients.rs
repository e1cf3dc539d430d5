//! What each client is told: I6, I8, I9 and I10.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

use foldhash::fast::FixedState;
use hdrhistogram::Histogram;

use super::findings::Findings;
use super::ledger::{Ledger, Place, RoomIndex};
use crate::limits::Limits;
use crate::record::{Message, Whose};
use crate::report::{self, Invariant, Subject};

/// All clients, and what each of them hears of each room.
#[derive(Debug)]
pub(super) struct Clients {
    limits: Limits,
    all: HashMap<u32, Client, FixedState>,
    indices: HashMap<(u32, RoomIndex), usize, FixedState>,
    streams: Vec<Stream>,
    /// What was heard before it was known in which epoch, on a connection that ended before that was told.
    orphans: Vec<Orphan>,
    convergence: Histogram<u64>,
}

#[derive(Debug)]
struct Orphan {
    process: u32,
    room: RoomIndex,
    message: Message,
    /// When its connection ended.
    at: u64,
}

#[derive(Debug, Default)]
struct Client {
    user: u64,
    streams: Vec<usize>,
    revoked: Option<u64>,
    gone: bool,
}

/// What one client hears of one room.
#[derive(Debug)]
struct Stream {
    process: u32,
    room: RoomIndex,
    next: Next,
    /// The life of the log it hears, once that is known.
    epoch: Option<u64>,
    /// Joins that are not answered yet.
    asked: VecDeque<Asked>,
    /// What was heard before the epoch is known.
    unplaced: Vec<Message>,
    /// The furthest it was told on connections, or was acked.
    told: Place,
    /// The furthest it has seen in any way.
    seen: Place,
    /// The furthest message that it has, or that does not exist: the most that a cursor of it can say.
    has: Place,
    /// What it had seen when it asked for the page of history that is not answered yet.
    reading: Option<Place>,
    /// The page of history that is being heard.
    page: Option<Page>,
    /// It wants to hear this room, so it must catch up.
    wants: bool,
    waits: Option<Waits>,
}

/// What may be heard next.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    /// Nothing: the client is not in the room.
    Nothing,
    /// The beginning of a page, whatever its number.
    Anything,
    /// The number after this one.
    After(u64),
}

/// A join that is not answered yet.
#[derive(Debug, Clone, Copy)]
struct Asked {
    after: Option<u64>,
    epoch: Option<u64>,
    /// What the client had been told when it asked.
    told: Place,
    /// What follows the cursor, or a `resync`, has begun to be heard.
    begun: bool,
    resynced: bool,
}

#[derive(Debug, Clone, Copy)]
struct Page {
    epoch: u64,
    last: Option<u64>,
}

/// Faults are over, and the client has yet to hear everything that was there at that time.
#[derive(Debug, Clone, Copy)]
struct Waits {
    since: u64,
    until: Place,
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

    pub(super) fn lost(&mut self, process: u32, now: u64) {
        for index in self.client(process).streams.clone() {
            let stream = &mut self.streams[index];
            stream.next = Next::Nothing;
            stream.asked.clear();
            stream.page = None;
            stream.reading = None;
            self.orphans.extend(stream.orphan(now));
        }
    }

    pub(super) fn gone(&mut self, process: u32, now: u64) {
        self.lost(process, now);
        self.client(process).gone = true;
    }

    pub(super) fn joining(
        &mut self,
        process: u32,
        room: RoomIndex,
        after: Option<u64>,
        epoch: Option<u64>,
        findings: &mut Findings,
    ) {
        let stream = self.stream(process, room);
        stream.wants = true;
        let cursor = after.map(|seq| Place { epoch: epoch.unwrap_or(stream.has.epoch), seq });
        if cursor.is_some_and(|cursor| cursor.seq > 0 && cursor > stream.has) {
            findings.mistake(format_args!("a cursor beyond what the client has"));
        }
        let asked = Asked { after, epoch, told: stream.told, begun: false, resynced: false };
        stream.asked.push_back(asked);
        if stream.next == Next::Nothing && stream.asked.len() == 1 {
            stream.begin();
        }
    }

    pub(super) fn resync(
        &mut self,
        process: u32,
        room: RoomIndex,
        place: Place,
        ledger: &Ledger,
        findings: &mut Findings,
    ) {
        findings.checked(Invariant::I6);
        let stream = self.stream(process, room);
        let subject = stream.subject(ledger);
        stream.next = Next::Anything;
        stream.epoch = Some(place.epoch);
        let Some(asked) = stream.asked.front_mut() else {
            let what = format_args!("client {process} is told `resync`, and had not joined");
            findings.broken(Invariant::I6, subject, what);
            return;
        };
        asked.begun = true;
        asked.resynced = true;
        let asked = *asked;
        let other_life = asked.epoch.is_some_and(|epoch| epoch != place.epoch);
        let needed = asked.after.is_some_and(|after| other_life || after > place.seq);
        if stream.is_stale(place, asked.told, ledger, findings) {
            return;
        }
        if !needed {
            let Place { epoch, seq } = place;
            let what = format_args!(
                "client {process} is told `resync` to {seq} of epoch {epoch}, and its cursor was good"
            );
            findings.broken(Invariant::I6, subject, what);
        }
    }

    /// A join was answered. Then everything up to `head` must have been heard.
    pub(super) fn joined(
        &mut self,
        process: u32,
        room: RoomIndex,
        head: Place,
        ledger: &mut Ledger,
        findings: &mut Findings,
    ) {
        findings.checked(Invariant::I6);
        let stream = self.stream(process, room);
        let Some(asked) = stream.asked.pop_front() else {
            findings.mistake(format_args!("a join is answered that was not sent"));
            return;
        };
        let Place { epoch, seq } = head;
        let subject = stream.subject(ledger);
        let cursor = asked.after.and(asked.epoch);
        if stream.is_stale(head, asked.told, ledger, findings) {
            // That it is short of what the client has follows from that.
        } else if !asked.resynced && cursor.is_some_and(|cursor| cursor != epoch) {
            let what =
                format_args!("client {process} finds itself in epoch {epoch} without `resync`");
            findings.broken(Invariant::I6, subject, what);
        } else if stream.next != Next::After(seq) && (stream.next != Next::Anything || seq > 0) {
            let last = match stream.next {
                Next::After(last) => last.to_string(),
                Next::Anything | Next::Nothing => "nothing".to_owned(),
            };
            let what = format_args!("client {process} heard {last}, and has joined at {seq}");
            findings.broken(Invariant::I6, subject, what);
        }
        stream.next = Next::After(seq);
        stream.epoch = Some(epoch);
        for message in stream.unplaced.drain(..) {
            ledger.witness(room, epoch, &message, findings);
        }
        stream.told = stream.told.max(head);
        stream.seen = stream.seen.max(head);
        stream.has = stream.has.max(head);
        self.advanced(process, room, ledger, findings);
    }

    pub(super) fn left(&mut self, process: u32, room: RoomIndex, now: u64) {
        let stream = self.stream(process, room);
        let orphans = stream.orphan(now);
        stream.next = Next::Nothing;
        stream.asked.pop_front();
        if stream.asked.is_empty() {
            stream.wants = false;
        } else {
            stream.begin();
        }
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
        findings.checked(Invariant::I6);
        stream.step(message.seq, ledger, findings);
        let Some(epoch) = stream.epoch else {
            stream.unplaced.push(*message);
            return;
        };
        if !ledger.witness(room, epoch, message, findings) {
            return;
        }
        let place = Place { epoch, seq: message.seq };
        stream.told = stream.told.max(place);
        stream.seen = stream.seen.max(place);
        stream.has = stream.has.max(place);
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
        let stream = self.stream(process, room);
        let epoch = stream.epoch?;
        stream.told = stream.told.max(Place { epoch, seq });
        stream.seen = stream.seen.max(Place { epoch, seq });
        Some(epoch)
    }

    pub(super) fn reading(&mut self, process: u32, room: RoomIndex) {
        let stream = self.stream(process, room);
        stream.reading = Some(stream.seen);
    }

    pub(super) fn read(
        &mut self,
        process: u32,
        room: RoomIndex,
        head: Place,
        ledger: &mut Ledger,
        findings: &mut Findings,
    ) {
        let stream = self.stream(process, room);
        stream.page = Some(Page { epoch: head.epoch, last: None });
        match stream.reading.take() {
            Some(seen) => _ = stream.is_stale(head, seen, ledger, findings),
            None => findings.mistake(format_args!("a page of history that was not asked for")),
        }
        stream.seen = stream.seen.max(head);
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

    /// The history is complete: everyone has everything.
    pub(super) fn finish(&mut self, ledger: &Ledger, findings: &mut Findings) {
        for index in 0..self.streams.len() {
            if !self.must_converge(index) {
                continue;
            }
            let stream = &self.streams[index];
            let Some(end) = ledger.end(stream.room) else { continue };
            findings.checked(Invariant::I10);
            let place = stream.place();
            if place < end || stream.waits.is_some() {
                let process = stream.process;
                let stands = match stream.next {
                    Next::Nothing => "is not in the room".to_owned(),
                    Next::Anything => format!("has heard nothing of epoch {}", place.epoch),
                    Next::After(_) => format!("stands at {} of epoch {}", place.seq, place.epoch),
                };
                let Place { epoch, seq } = end;
                let what = format_args!(
                    "client {process} {stands} in the end, and the log ends with {seq} of epoch {epoch}"
                );
                findings.broken(Invariant::I10, stream.subject(ledger), what);
            }
        }
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

impl Stream {
    fn new(process: u32, room: RoomIndex) -> Self {
        Self {
            process,
            room,
            next: Next::Nothing,
            epoch: None,
            asked: VecDeque::new(),
            unplaced: Vec::new(),
            told: Place::default(),
            seen: Place::default(),
            has: Place::default(),
            reading: None,
            page: None,
            wants: false,
            waits: None,
        }
    }

    /// Nobody else tells this client anything now: what comes next belongs to its join.
    fn begin(&mut self) {
        let Some(asked) = self.asked.front_mut() else { return };
        asked.begun = true;
        self.next = asked.after.map_or(Next::Anything, Next::After);
        self.epoch = asked.after.and(asked.epoch);
    }

    /// What was heard, and it was not told in which epoch.
    fn orphan(&mut self, at: u64) -> Vec<Orphan> {
        let (process, room) = (self.process, self.room);
        self.unplaced.drain(..).map(|message| Orphan { process, room, message, at }).collect()
    }

    /// The next message of the stream.
    fn step(&mut self, seq: u64, ledger: &Ledger, findings: &mut Findings) {
        let process = self.process;
        let subject = |stream: &Self| Subject { seq: Some(seq), ..stream.subject(ledger) };
        let next = self.next;
        match next {
            Next::Nothing => {
                let what = format_args!("client {process} hears {seq}, and is not in the room");
                findings.broken(Invariant::I6, subject(self), what);
            }
            Next::After(last) if seq != last + 1 && !self.restarts(seq) => {
                let what = format_args!("client {process} hears {seq} after {last}");
                findings.broken(Invariant::I6, subject(self), what);
                self.next = Next::After(last.max(seq));
            }
            Next::Anything | Next::After(_) => self.next = Next::After(seq),
        }
    }

    /// A client that is in the room and joins again may hear live messages until its join is dealt with. Then it starts
    /// again from its cursor.
    fn restarts(&mut self, seq: u64) -> bool {
        let Some(asked) = self.asked.front_mut().filter(|asked| !asked.begun) else { return false };
        asked.begun = asked.after.is_none_or(|after| seq == after + 1);
        asked.begun
    }

    /// The next message of a page of history.
    fn turn(&mut self, message: &Message, ledger: &mut Ledger, findings: &mut Findings) {
        let Some(mut page) = self.page else {
            findings.mistake(format_args!("a message of a page of history that was not read"));
            return;
        };
        findings.checked(Invariant::I6);
        let Message { seq, .. } = *message;
        if let Some(last) = page.last
            && seq != last + 1
        {
            let process = self.process;
            let subject = Subject { seq: Some(seq), ..self.subject(ledger) };
            let what = format_args!("client {process} reads {seq} after {last}");
            findings.broken(Invariant::I6, subject, what);
        }
        page.last = Some(seq);
        self.page = Some(page);
        if ledger.witness(self.room, page.epoch, message, findings) {
            let place = Place { epoch: page.epoch, seq };
            self.seen = self.seen.max(place);
            self.has = self.has.max(place);
        }
    }

    /// Whether the client is shown a log that ends before what it knew when it asked.
    fn is_stale(
        &self,
        head: Place,
        known: Place,
        ledger: &Ledger,
        findings: &mut Findings,
    ) -> bool {
        findings.checked(Invariant::I8);
        let stale = head < known;
        if stale {
            let process = self.process;
            let what = format_args!(
                "client {process} is shown {} of epoch {} as the end, and knew {} of {}",
                head.seq, head.epoch, known.seq, known.epoch
            );
            findings.broken(Invariant::I8, self.subject(ledger), what);
        }
        stale
    }

    fn is_late(&self, waits: Waits, ledger: &Ledger, findings: &mut Findings) {
        let took = Duration::from_nanos(findings.now - waits.since);
        let Place { epoch, seq } = waits.until;
        let process = self.process;
        let what =
            format_args!("client {process} has not heard {seq} of epoch {epoch} for {took:.1?}");
        findings.broken(Invariant::I10, self.subject(ledger), what);
    }

    /// How far it has come. A place is behind all places of a later life of the log.
    fn place(&self) -> Place {
        let seq = match self.next {
            Next::After(seq) => seq,
            Next::Anything | Next::Nothing => 0,
        };
        self.epoch.map_or(Place::default(), |epoch| Place { epoch, seq })
    }

    fn subject(&self, ledger: &Ledger) -> Subject {
        Subject {
            process: Some(self.process),
            room: Some(ledger.id(self.room)),
            ..Subject::default()
        }
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

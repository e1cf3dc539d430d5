//! What one client is told of one room: I6 and I8.

use std::collections::VecDeque;
use std::time::Duration;

use crate::checker::findings::Findings;
use crate::checker::ledger::{Ledger, Place, RoomIndex};
use crate::record::Message;
use crate::report::{Invariant, Subject};

/// What one client hears of one room.
#[derive(Debug)]
pub(super) struct Stream {
    pub(super) process: u32,
    pub(super) room: RoomIndex,
    next: Next,
    /// The life of the log it hears, once that is known.
    epoch: Option<u64>,
    /// Joins that are not answered yet.
    asked: VecDeque<Asked>,
    /// What was heard before the epoch is known, and when.
    unplaced: Vec<(u64, Message)>,
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
    pub(super) wants: bool,
    pub(super) waits: Option<Waits>,
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

/// Where a client says that it stands.
#[derive(Debug, Clone, Copy)]
pub(in crate::checker) struct Cursor {
    pub(in crate::checker) after: Option<u64>,
    pub(in crate::checker) epoch: Option<u64>,
}

/// A join that is not answered yet.
#[derive(Debug, Clone, Copy)]
struct Asked {
    cursor: Cursor,
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
pub(super) struct Waits {
    pub(super) since: u64,
    pub(super) until: Place,
}

/// What was heard, and it was never told in which epoch.
#[derive(Debug)]
pub(super) struct Orphan {
    pub(super) process: u32,
    pub(super) room: RoomIndex,
    pub(super) message: Message,
    /// When it was heard.
    pub(super) at: u64,
}

impl Stream {
    pub(super) fn new(process: u32, room: RoomIndex) -> Self {
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

    /// A join is sent.
    pub(super) fn joining(&mut self, cursor: Cursor, findings: &mut Findings) {
        self.wants = true;
        let epoch = cursor.epoch.unwrap_or(self.has.epoch);
        let says = cursor.after.map(|seq| Place { epoch, seq });
        if says.is_some_and(|says| says.seq > 0 && says > self.has) {
            findings.mistake(format_args!("a cursor beyond what the client has"));
        }
        let told = self.told;
        self.asked.push_back(Asked { cursor, told, begun: false, resynced: false });
        if self.next == Next::Nothing && self.asked.len() == 1 {
            self.begin();
        }
    }

    /// Nobody else tells this client anything now: what comes next belongs to its join.
    fn begin(&mut self) {
        let Some(asked) = self.asked.front_mut() else { return };
        asked.begun = true;
        let Cursor { after, epoch } = asked.cursor;
        self.next = after.map_or(Next::Anything, Next::After);
        self.epoch = after.and(epoch);
    }

    /// The server says that the cursor cannot be served. That must be so.
    pub(super) fn resync(&mut self, head: Place, ledger: &Ledger, findings: &mut Findings) {
        findings.checked(Invariant::I6);
        let (process, subject) = (self.process, self.subject(ledger));
        self.next = Next::Anything;
        self.epoch = Some(head.epoch);
        let Some(asked) = self.asked.front_mut() else {
            let what = format_args!("client {process} is told `resync`, and had not joined");
            findings.broken(Invariant::I6, subject, what);
            return;
        };
        (asked.begun, asked.resynced) = (true, true);
        let Asked { cursor, told, .. } = *asked;
        let other_life = cursor.epoch.is_some_and(|epoch| epoch != head.epoch);
        let needed = cursor.after.is_some_and(|after| other_life || after > head.seq);
        if !self.is_stale(head, told, ledger, findings) && !needed {
            let Place { epoch, seq } = head;
            let what = format_args!(
                "client {process} is told `resync` to {seq} of epoch {epoch}, and its cursor was good"
            );
            findings.broken(Invariant::I6, subject, what);
        }
    }

    /// A join is answered. Then everything up to `head` must have been heard.
    pub(super) fn joined(&mut self, head: Place, ledger: &mut Ledger, findings: &mut Findings) {
        findings.checked(Invariant::I6);
        let Some(asked) = self.asked.pop_front() else {
            findings.mistake(format_args!("a join is answered that was not sent"));
            return;
        };
        self.judge_join(asked, head, ledger, findings);
        let Place { epoch, seq } = head;
        self.next = Next::After(seq);
        self.epoch = Some(epoch);
        for (_, message) in self.unplaced.drain(..) {
            ledger.witness(self.room, epoch, &message, findings);
        }
        self.told = self.told.max(head);
        self.seen = self.seen.max(head);
        self.has = self.has.max(head);
    }

    fn judge_join(&self, asked: Asked, head: Place, ledger: &Ledger, findings: &mut Findings) {
        if self.is_stale(head, asked.told, ledger, findings) {
            // That it is short of what the client has follows from that.
            return;
        }
        let Place { epoch, seq } = head;
        let (process, subject) = (self.process, self.subject(ledger));
        let expected = asked.cursor.after.and(asked.cursor.epoch).filter(|_| !asked.resynced);
        if expected.is_some_and(|expected| expected != epoch) {
            let what =
                format_args!("client {process} finds itself in epoch {epoch} without `resync`");
            findings.broken(Invariant::I6, subject, what);
        } else if !self.has_heard_up_to(seq, asked) {
            let last = match self.next {
                Next::After(last) => last.to_string(),
                Next::Anything | Next::Nothing => "nothing".to_owned(),
            };
            let what = format_args!("client {process} heard {last}, and has joined at {seq}");
            findings.broken(Invariant::I6, subject, what);
        }
    }

    fn has_heard_up_to(&self, seq: u64, asked: Asked) -> bool {
        // Whoever read on in history before joining again has nothing to hear.
        let has_nothing_to_hear = !asked.begun && asked.cursor.after == Some(seq);
        has_nothing_to_hear
            || self.next == Next::After(seq)
            || (self.next == Next::Anything && seq == 0)
    }

    /// The connection is lost. History comes on others.
    pub(super) fn lose(&mut self) -> Vec<Orphan> {
        self.next = Next::Nothing;
        self.asked.clear();
        self.orphan()
    }

    /// A join was refused, or a leave was answered.
    pub(super) fn leave(&mut self) -> Vec<Orphan> {
        self.next = Next::Nothing;
        self.asked.pop_front();
        let orphans = self.orphan();
        if self.asked.is_empty() {
            self.wants = false;
        } else {
            self.begin();
        }
        orphans
    }

    /// A message is heard, live or resumed.
    pub(super) fn hear(&mut self, message: &Message, ledger: &mut Ledger, findings: &mut Findings) {
        findings.checked(Invariant::I6);
        self.step(message.seq, ledger, findings);
        let Some(epoch) = self.epoch else {
            self.unplaced.push((findings.now, *message));
            return;
        };
        if ledger.witness(self.room, epoch, message, findings) {
            let place = Place { epoch, seq: message.seq };
            self.told = self.told.max(place);
            self.seen = self.seen.max(place);
            self.has = self.has.max(place);
        }
    }

    /// A message of its own is acked. In which life of the log that is, unless it never was in the room.
    pub(super) fn acked(&mut self, seq: u64) -> Option<u64> {
        let epoch = self.epoch?;
        self.told = self.told.max(Place { epoch, seq });
        self.seen = self.seen.max(Place { epoch, seq });
        Some(epoch)
    }

    /// It asks for a page of history.
    pub(super) fn ask(&mut self) {
        self.reading = Some(self.seen);
    }

    /// It is given a page of history of a log that ends with `head`.
    pub(super) fn read(&mut self, head: Place, ledger: &Ledger, findings: &mut Findings) {
        self.page = Some(Page { epoch: head.epoch, last: None });
        match self.reading.take() {
            Some(seen) => _ = self.is_stale(head, seen, ledger, findings),
            None => findings.mistake(format_args!("a page of history that was not asked for")),
        }
        self.seen = self.seen.max(head);
    }

    /// What was heard, and it was not told in which epoch.
    fn orphan(&mut self) -> Vec<Orphan> {
        let (process, room) = (self.process, self.room);
        let unplaced = self.unplaced.drain(..);
        unplaced.map(|(at, message)| Orphan { process, room, message, at }).collect()
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
        asked.begun = asked.cursor.after.is_none_or(|after| seq == after + 1);
        asked.begun
    }

    /// The next message of a page of history.
    pub(super) fn turn(&mut self, message: &Message, ledger: &mut Ledger, findings: &mut Findings) {
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

    /// Everybody has come as far as this.
    pub(super) fn must_be_at(&self, end: Place, ledger: &Ledger, findings: &mut Findings) {
        findings.checked(Invariant::I10);
        let place = self.place();
        if place >= end {
            return;
        }
        let stands = match self.next {
            Next::Nothing => "is not in the room".to_owned(),
            Next::Anything => format!("has heard nothing of epoch {}", place.epoch),
            Next::After(_) => format!("stands at {} of epoch {}", place.seq, place.epoch),
        };
        let (process, Place { epoch, seq }) = (self.process, end);
        let what = format_args!(
            "client {process} {stands} in the end, and the log ends with {seq} of epoch {epoch}"
        );
        findings.broken(Invariant::I10, self.subject(ledger), what);
    }

    pub(super) fn is_late(&self, waits: Waits, ledger: &Ledger, findings: &mut Findings) {
        let took = Duration::from_nanos(findings.now - waits.since);
        let Place { epoch, seq } = waits.until;
        let process = self.process;
        let what =
            format_args!("client {process} has not heard {seq} of epoch {epoch} for {took:.1?}");
        findings.broken(Invariant::I10, self.subject(ledger), what);
    }

    /// How far it has come. A place is behind all places of a later life of the log.
    pub(super) fn place(&self) -> Place {
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

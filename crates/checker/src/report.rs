//! What the checker found, and how it is shown.

use std::fmt;
use std::time::Duration;

use hdrhistogram::Histogram;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::record::{Path, Record};

mod show;

/// A promise that can be broken, by the number that docs/reliability.md and all reports call it by.
///
/// Words used below: a *place* is a room, an epoch (the life of its log) and a number. A send is *acked* if at least one
/// of its invocations was answered with `ok`; *refused* if each of them was answered with `fail`; otherwise *unknown*,
/// and may be stored once or not at all. Whoever shows a message at a place bears *witness*: live, resumed and history
/// messages, acks, and the readings in full at the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Invariant {
    /// Every acked send is in the final log, in each place where that is read. The only excuse is a restore: what was
    /// acked after the backup was begun and before the restore may be gone.
    I1,
    /// Nothing is in a log that nobody sent: before a message is shown, its author has sent its `client_id`, with this
    /// text, to this room; and not each of those sendings was refused.
    I2,
    /// There is one row for each author and `client_id`: in one epoch all witnesses of it name one number.
    I3,
    /// The final log is 1, 2, 3, … up to the head that it states. No number is 0 or beyond all that was ever sent.
    I4,
    /// All witnesses of a place show the same message: number, id, author, `client_id`, text and time. What anybody was
    /// shown is in the final log. The log of a restored epoch is a beginning of the one before: after the first place in
    /// which they differ, it has no row of it.
    I5,
    /// Each client's stream goes +1. It begins after the cursor of the join, or anywhere without one, and when the join
    /// is answered it has come to exactly the head that is stated. A `resync` begins it anew, in the epoch that it
    /// states; it is allowed only to a join whose cursor is of another epoch or beyond the head, and demanded if the
    /// epoch has changed. Nothing is heard outside of rooms. Pages of history go +1 too.
    I6,
    /// If a send was acked before another of the same room was first invoked, its number is smaller. The times of a log
    /// never decrease.
    I7,
    /// The log that a join or a page of history shows does not end before what the client knew when it asked: what it was
    /// told, what was acked to it and, for pages of history, what it had read. A later epoch is later than anything.
    I8,
    /// Nothing arrives at a client (message, ack, join, page) more than 1 s after its revocation was answered, until it
    /// logs in again.
    I9,
    /// When faults are over, every client that is in a room, or was thrown out of it by a fault, is in it again and has
    /// heard all that had been in it at that moment, within the stated time, unless something else breaks meanwhile. When
    /// a room is read in full at the end, everybody in it has heard everything.
    I10,
    /// After it all, memory, descriptors and tasks exceed the baseline by no more than the stated tolerance.
    I11,
    /// The 99th percentile of the time from first invocation to first ack is within what is stated, apart for messages
    /// that met a fault and those that did not.
    I12,
}

impl Invariant {
    /// All of them, in order.
    pub const ALL: [Self; 12] = [
        Self::I1,
        Self::I2,
        Self::I3,
        Self::I4,
        Self::I5,
        Self::I6,
        Self::I7,
        Self::I8,
        Self::I9,
        Self::I10,
        Self::I11,
        Self::I12,
    ];
}

/// What a violation is about: which other records help to understand it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Subject {
    /// The client.
    pub process: Option<u32>,
    /// The room.
    pub room: Option<Uuid>,
    /// The place in the room.
    pub seq: Option<u64>,
    /// The message.
    pub client_id: Option<Uuid>,
}

/// A promise that was broken.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Violation {
    /// Which.
    pub invariant: Invariant,
    /// What happened, in one sentence.
    pub sentence: String,
    /// The record at which it showed, counted from 1; the last one if it showed in the end.
    pub number: u64,
    /// When that was.
    pub at_ns: u64,
    /// What it is about.
    pub subject: Subject,
    /// The records that led to it, if [`Report::explain`] was given the history.
    pub records: Vec<Record>,
}

/// How one invariant fared.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Tally {
    /// How often it was put to the test.
    pub checked: u64,
    /// How often it was broken.
    pub violations: u64,
}

/// Many durations in four numbers.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Spread {
    /// How many.
    pub count: u64,
    /// Half of them were at most this.
    pub p50: Duration,
    /// 99 of 100 were at most this.
    pub p99: Duration,
    /// The longest.
    pub max: Duration,
}

/// Nanoseconds, each to within a hundredth, from a microsecond to an hour. What is longer counts as an hour.
pub(crate) fn durations() -> Histogram<u64> {
    Histogram::new_with_bounds(1_000, 3_600_000_000_000, 2).expect("these bounds are allowed")
}

impl Spread {
    pub(crate) fn of(nanos: &Histogram<u64>) -> Self {
        let max = nanos.max();
        let quantile = |q| Duration::from_nanos(nanos.value_at_quantile(q).min(max));
        Self {
            count: nanos.len(),
            p50: quantile(0.5),
            p99: quantile(0.99),
            max: Duration::from_nanos(max),
        }
    }
}

/// What the history was made of.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct Figures {
    /// Records.
    pub records: u64,
    /// From the first record to the last.
    pub lasted: Duration,
    /// Clients.
    pub clients: u64,
    /// Rooms.
    pub rooms: u64,
    /// Different messages that were sent.
    pub messages: u64,
    /// Of them, those that were acked.
    pub acked: u64,
    /// Of them, those that were repeated.
    pub repeated: u64,
    /// Messages heard live.
    pub live: u64,
    /// Messages heard after a join, before its answer.
    pub resumed: u64,
    /// Messages read in history.
    pub history: u64,
    /// Joins that were answered.
    pub joins: u64,
    /// Connections that were lost.
    pub lost: u64,
    /// Cursors that could not be served.
    pub resyncs: u64,
    /// Things that were broken on purpose.
    pub faults: u64,
    /// Databases put back to an earlier state.
    pub restores: u64,
    /// I12: from the first sending to the first ack, while nothing was broken.
    pub ack: Spread,
    /// I12: the same where something was.
    pub ack_in_faults: Spread,
    /// I10: from the end of the faults until a client had what had been in a room at that time.
    pub convergence: Spread,
}

impl Figures {
    pub(crate) fn count(&mut self, path: Path) {
        match path {
            Path::Live => self.live += 1,
            Path::Resume => self.resumed += 1,
            Path::History => self.history += 1,
        }
    }
}

/// What the checker found in a history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Report {
    /// What was looked at.
    pub figures: Figures,
    /// I1 to I12.
    pub tallies: [Tally; 12],
    /// Broken promises in the order in which they showed; of each invariant at most the first
    /// [`Report::MOST_SHOWN`].
    pub violations: Vec<Violation>,
    /// What happened besides that nobody should see; at most the first [`Report::MOST_SHOWN`].
    pub surprises: Vec<Record>,
    /// Where the history contradicts itself or is incomplete: the test's own mistakes, which prove nothing about
    /// Parlor, nor that all is well.
    pub mistakes: Vec<String>,
}

impl Report {
    /// Most violations of one invariant, which are all counted, most surprises and most mistakes that are kept.
    pub const MOST_SHOWN: usize = 20;
    /// Most records that explain one violation.
    const MOST_RECORDS: usize = 16;

    /// Whether every promise was kept, nobody was surprised, and the history was fit to show it.
    pub fn is_clean(&self) -> bool {
        self.violations.is_empty() && self.surprises.is_empty() && self.mistakes.is_empty()
    }

    /// How one invariant fared.
    pub fn tally(&self, invariant: Invariant) -> Tally {
        self.tallies[invariant as usize]
    }

    /// The invariants that were broken, in order.
    pub fn broken(&self) -> Vec<Invariant> {
        Invariant::ALL.into_iter().filter(|&one| self.tally(one).violations > 0).collect()
    }

    /// Puts with each violation the records that led to it.
    pub fn explain(&mut self, history: &[Record]) {
        for violation in &mut self.violations {
            let until = usize::try_from(violation.number).unwrap_or(usize::MAX).min(history.len());
            let concerned =
                history[..until].iter().rev().filter(|record| violation.subject.is_in(record));
            violation.records = concerned.take(Self::MOST_RECORDS).cloned().collect();
            violation.records.reverse();
        }
    }
}

impl Subject {
    /// Whether a record is about this.
    fn is_in(&self, record: &Record) -> bool {
        let (room, seq, client_id) = record.event.about();
        let same_room = self.room.is_none() || room.is_none() || room == self.room;
        let same_message = client_id.is_some() && client_id == self.client_id;
        let same_place = seq.is_some() && seq == self.seq && room == self.room;
        let same_client = self.process == Some(record.process);
        same_message || same_place || (same_client && same_room)
    }
}

impl fmt::Display for Report {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        show::report(self, out)
    }
}

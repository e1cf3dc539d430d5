//! The lives of a room's log, and what is known of each place in them.

use std::collections::HashSet;

use uuid::Uuid;

use super::Place;
use crate::checker::findings::Findings;
use crate::record::{Message, Source};
use crate::report::{Invariant, Subject};

#[derive(Debug)]
pub(super) struct Room {
    pub(super) id: Uuid,
    /// Invocations of sends to it.
    pub(super) sends: u64,
    /// By epoch, ascending; there is more than one only after a restore.
    pub(super) logs: Vec<Log>,
}

#[derive(Debug)]
pub(super) struct Log {
    pub(super) epoch: u64,
    pub(super) rows: Vec<Option<Row>>,
    /// The highest number that was acked so far.
    pub(super) acked: u64,
    /// The highest number that anybody was shown so far.
    pub(super) known: u64,
    /// Where it was read in full.
    pub(super) read: Sources,
    /// Its last event according to the reading.
    pub(super) head: u64,
}

#[derive(Debug, Clone, Copy)]
pub(super) struct Row {
    pub(super) message: Message,
    /// The readings in full that showed it.
    pub(super) read: Sources,
    /// That a reading showed something else here was said already.
    pub(super) disputed: bool,
}

/// Which of the two full readings there were.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Sources(u8);

impl Sources {
    pub(super) fn with(self, source: Source) -> Self {
        Self(self.0 | 1 << source as u8)
    }

    pub(super) fn has(self, source: Source) -> bool {
        self.with(source) == self
    }

    pub(super) fn has_all_of(self, others: Self) -> bool {
        self.0 & others.0 == others.0
    }
}

impl Room {
    pub(super) fn row(&self, place: Place) -> Option<&Row> {
        let log = self.logs.iter().find(|log| log.epoch == place.epoch)?;
        log.rows.get(usize::try_from(place.seq).ok()?.checked_sub(1)?)?.as_ref()
    }

    /// A restored log agrees with the one before it up to some place, and has nothing of it after that place. A message
    /// that was lost and sent again is another one, stored at another time.
    pub(super) fn judge_restored(&self, before: &Log, after: &Log, findings: &mut Findings) {
        findings.checked(Invariant::I5);
        let both = before.rows.iter().zip(&after.rows);
        let differs = |(old, new): (&Option<Row>, &Option<Row>)| match (old, new) {
            (Some(old), Some(new)) => old.message != new.message,
            _ => false,
        };
        let Some(fork) = both.map(differs).position(|differs| differs) else { return };
        let row = |row: &Row| (row.message.client_id, row.message.id, row.message.at);
        let lost: HashSet<_> = before.rows[fork..].iter().flatten().map(row).collect();
        for new in after.rows[fork..].iter().flatten().filter(|new| lost.contains(&row(new))) {
            let Message { seq, client_id, .. } = new.message;
            let subject = Subject {
                room: Some(self.id),
                seq: Some(seq),
                client_id: Some(client_id),
                process: None,
            };
            let (epoch, old, fork) = (after.epoch, before.epoch, fork + 1);
            let what = format_args!(
                "epoch {epoch} differs from epoch {old} at {fork} and has {client_id} of it at {seq}"
            );
            findings.broken(Invariant::I5, subject, what);
        }
    }
}

impl Log {
    pub(super) fn new(epoch: u64) -> Self {
        Self { epoch, rows: Vec::new(), acked: 0, known: 0, read: Sources::default(), head: 0 }
    }

    pub(super) fn slot(&mut self, seq: u64) -> Option<&mut Row> {
        self.rows.get_mut(usize::try_from(seq).ok()?.checked_sub(1)?)?.as_mut()
    }

    /// Puts a message into its empty place. Its time must fit between those of its neighbours, as far as they are known.
    pub(super) fn insert(&mut self, message: &Message, subject: Subject, findings: &mut Findings) {
        let index = usize::try_from(message.seq - 1).expect("it is not far");
        if self.rows.len() <= index {
            self.rows.resize(index + 1, None);
        }
        self.rows[index] =
            Some(Row { message: *message, read: Sources::default(), disputed: false });
        self.known = self.known.max(message.seq);
        for earlier in [index.wrapping_sub(1), index] {
            let pair = (self.rows.get(earlier), self.rows.get(earlier.wrapping_add(1)));
            if let (Some(Some(one)), Some(Some(next))) = pair {
                findings.checked(Invariant::I7);
                if one.message.at > next.message.at {
                    let (at, earlier) = (next.message.at, one.message.at);
                    let (seq, before) = (next.message.seq, one.message.seq);
                    let what =
                        format_args!("{seq} is of {at}, and {before} before it of {earlier}");
                    findings.broken(Invariant::I7, subject, what);
                }
            }
        }
    }
}

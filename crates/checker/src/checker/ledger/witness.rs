//! What the logs hold, from those who were shown it.
//!
//! Whoever shows a message of a log (a live event, a page, an ack, the final reading) bears witness to one place in it.
//! The first witness is believed if what it shows was sent; all others must say the same.

use super::{Findings, Ledger, Place, RoomIndex};
use crate::record::Message;
use crate::report::Invariant;

/// How far beyond the number of messages ever sent to a room a place is still kept. Whatever is further is wrong in any
/// case, and is not worth the memory.
const FAR: u64 = 4096;

impl Ledger {
    /// Somebody was shown a message. `true` if it may be so.
    pub(in crate::checker) fn witness(
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
}

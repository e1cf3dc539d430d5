//! What the engine is for: a group's frames of one tick, put together once, to each member in one write.

use std::io::{self, ErrorKind, Write};
use std::ops::Range;
use std::rc::Rc;
use std::time::Instant;

use super::Shard;
use super::context::Context;
use super::outbox::{GATHER_BYTES, Outgoing, Sent, cost};
use super::session::Session;
use super::transport::Transport;
use crate::close::CloseReason;
use crate::frame::Frame;
use crate::group::GroupId;

/// From so many members on a salvo is long: clients are read half-way through it. Once per tick, since the other half
/// waits for the handlers that begin then.
const LONG: usize = 256;

impl Shard {
    /// Adds a frame to the salvo of its group. This and [`fire`](Self::fire) are what the engine is for.
    pub(super) fn publish(&mut self, group: GroupId, frame: Frame, sent_at: Instant) {
        let Self { sessions, cx, .. } = self;
        let outgoing = cx.outgoing(frame);
        let Some(roster) = cx.members.roster(group) else { return };
        let apart: Vec<_> = if roster.salvo.is_empty() {
            cx.salvos.push(group);
            let mut awaits = |index: &u32| sessions[*index as usize].await_salvo(group);
            roster.sessions.iter().copied().filter(|index| !awaits(index)).collect()
        } else {
            std::mem::take(&mut roster.apart)
        };
        for index in &apart {
            let session = &mut sessions[*index as usize];
            // Another group's salvo waits for it, perhaps since its queue has left.
            session.stand_apart(cx);
            session.outbox.push(outgoing.clone());
            session.mark_dirty(cx);
        }
        let Some(roster) = cx.members.roster(group) else { return };
        roster.apart = apart;
        let members = roster.sessions.len() as u64;
        cx.counts.frames_queued += members;
        cx.counts.frames_waiting += members;
        cx.counts.queued_bytes += members * cost(&outgoing.frame) as u64;
        roster.salvo.push(outgoing);
        self.published.push(sent_at);
    }

    /// Writes each group's salvo to all members that await it: the same bytes, one write each.
    #[expect(
        clippy::disallowed_methods,
        reason = "what sending to groups takes, in the ticks that do"
    )]
    pub(super) fn fire(&mut self) {
        if self.published.is_empty() {
            return;
        }
        let begun = Instant::now();
        let mut reading = None;
        for group in std::mem::take(&mut self.cx.salvos) {
            let Some(roster) = self.cx.members.roster(group) else { continue };
            let (members, salvo) = (roster.sessions.len(), roster.salvo.clone());
            self.bytes.clear();
            salvo
                .iter()
                .for_each(|outgoing| self.bytes.extend_from_slice(outgoing.frame.as_bytes()));
            // The later half first: who leaves is replaced by the last, and that one has been written to then.
            let half = if members < LONG || reading.is_some() { 0 } else { members / 2 };
            self.fire_at(half..members, group, &salvo);
            if half > 0 {
                let paused = Instant::now();
                self.read_meanwhile();
                reading = Some(paused.elapsed());
                self.fire_at(0..half, group, &salvo);
            }
            if let Some(roster) = self.cx.members.roster(group) {
                roster.salvo = Vec::new();
                roster.apart = Vec::new();
            }
        }
        self.bytes.shrink_to(GATHER_BYTES);
        let now = Instant::now();
        let firing = now.saturating_duration_since(begun);
        self.patience.note(firing.saturating_sub(reading.unwrap_or_default()));
        for at in self.published.drain(..) {
            self.cx.counts.fanned_out(now.saturating_duration_since(at));
        }
    }

    /// Writes a group's salvo, the bytes of which are put together, to those in a part of its roster that await it.
    fn fire_at(&mut self, part: Range<usize>, group: GroupId, salvo: &[Rc<Outgoing>]) {
        let Self { sessions, bytes, cx, .. } = self;
        let Some(roster) = cx.members.roster(group) else { return };
        let mut fired = 0;
        let mut held_up = Vec::new();
        for index in roster.sessions.iter().take(part.end).skip(part.start) {
            let session = &mut sessions[*index as usize];
            if session.salvo != Some(group) {
                continue;
            }
            match session.write_salvo(bytes) {
                Ok(written) if written == bytes.len() => fired += 1,
                written => held_up.push((session.key, written)),
            }
        }
        let whole: usize = salvo.iter().map(|outgoing| cost(&outgoing.frame)).sum();
        cx.count_sent(Sent { frames: fired * salvo.len(), bytes: fired * whole });
        for (key, written) in held_up {
            self.with(key, |session, cx| session.keep_salvo(salvo, written, cx));
        }
    }
}

// A member's part.
impl Session {
    /// Awaits the salvo that this group begins, unless something else waits for the session already.
    pub(crate) fn await_salvo(&mut self, group: GroupId) -> bool {
        let free = self.salvo.is_none() && self.outbox.is_empty();
        let awaits = free && matches!(self.transport, Transport::WebSocket(_));
        if awaits {
            self.salvo = Some(group);
        }
        awaits
    }

    /// Takes the salvo so far into the session's own queue, because something else comes next.
    pub(crate) fn stand_apart(&mut self, cx: &mut Context) {
        let Some(roster) = self.salvo.take().and_then(|group| cx.members.roster(group)) else {
            return;
        };
        roster.apart.push(self.key.index);
        roster.salvo.iter().for_each(|outgoing| self.outbox.push(outgoing.clone()));
        self.mark_dirty(cx);
    }

    /// Writes a whole salvo at once: how many of its bytes have left.
    pub(crate) fn write_salvo(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.salvo = None;
        let Transport::WebSocket(socket) = &mut self.transport else { return Ok(0) };
        match socket.stream.write(bytes) {
            Err(error) if is_for_later(&error) => Ok(0),
            written => written,
        }
    }

    /// Keeps the rest of a salvo that did not leave whole.
    pub(crate) fn keep_salvo(
        &mut self,
        salvo: &[Rc<Outgoing>],
        written: io::Result<usize>,
        cx: &mut Context,
    ) {
        let sent = self.outbox.push_begun(salvo, *written.as_ref().unwrap_or(&0));
        cx.count_sent(sent);
        match written {
            Ok(_) => self.mark_dirty(cx),
            Err(_) => self.end(CloseReason::TransportClosed, cx),
        }
    }
}

/// Whether a write failed only for now; what is kept is written when the stream can be.
fn is_for_later(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

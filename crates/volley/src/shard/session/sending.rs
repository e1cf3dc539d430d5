//! What goes out of a session: its queue, and what its transport takes.

use std::rc::Rc;

use tokio::sync::oneshot;

use super::{Phase, Session};
use crate::close::CloseReason;
use crate::engine_io::append_payload;
use crate::frame::Frame;
use crate::limits::MAX_PACKETS_PER_POLL;
use crate::shard::context::Context;
use crate::shard::outbox::{Outgoing, Sent, cost};
use crate::shard::transport::Transport;
use crate::shard::work::Entry;

impl Session {
    pub(crate) fn send(&mut self, frame: Frame, cx: &mut Context) {
        let outgoing = cx.outgoing(frame);
        self.queue(outgoing, cx);
    }

    /// Puts a frame at the end of the queue. The bound is looked at in [`is_lagging`](Self::is_lagging).
    pub(crate) fn queue(&mut self, outgoing: Rc<Outgoing>, cx: &mut Context) {
        if self.phase == Phase::Open {
            self.push(outgoing, cx);
        }
    }

    pub(super) fn push(&mut self, outgoing: Rc<Outgoing>, cx: &mut Context) {
        self.stand_apart(cx);
        cx.counts.frames_queued += 1;
        cx.counts.frames_waiting += 1;
        cx.counts.queued_bytes += cost(&outgoing.frame) as u64;
        self.outbox.push(outgoing);
        self.mark_dirty(cx);
    }

    pub(super) fn tell_when_flushed(
        &mut self,
        entry: Entry,
        done: oneshot::Sender<()>,
        cx: &mut Context,
    ) {
        if self.phase == Phase::Open && self.is_in(entry) {
            self.stand_apart(cx);
            self.when_flushed.push(done);
            self.mark_dirty(cx);
        }
    }

    pub(crate) fn is_lagging(&self, cx: &Context) -> bool {
        self.outbox.bytes() > cx.limits().max_queued_bytes
    }

    pub(crate) fn mark_dirty(&mut self, cx: &mut Context) {
        if !self.dirty {
            self.dirty = true;
            cx.dirty.push(self.key);
        }
    }

    /// The kernel takes more.
    pub(crate) fn note_writable(&mut self, cx: &mut Context) {
        if let Some(socket) = self.transport.socket() {
            socket.stream.note_writable();
        }
        if !self.outbox.is_empty() {
            self.mark_dirty(cx);
        }
    }

    /// Lets go what the transport takes now.
    pub(crate) fn flush(&mut self, cx: &mut Context) {
        match &mut self.transport {
            Transport::WebSocket(socket) => {
                if !self.outbox.is_empty() && !socket.stream.is_full() {
                    let mut sent = Sent::default();
                    let written =
                        self.outbox.write_to(&mut socket.stream, &mut cx.gather, &mut sent);
                    cx.count_sent(sent);
                    if written.is_err() {
                        return self.end(CloseReason::TransportClosed, cx);
                    }
                }
                if self.outbox.is_empty() && self.phase != Phase::Open && !socket.finished {
                    socket.finished = true;
                    if socket.stream.finish().is_err() {
                        return self.end(CloseReason::TransportClosed, cx);
                    }
                }
            }
            Transport::Polling(polling) => {
                let closing = self.phase != Phase::Open;
                if (closing || !self.outbox.is_empty())
                    && let Some(poll) = polling.poll.take()
                {
                    let mut body = Vec::new();
                    let sent = self.outbox.drain_into(&mut body, MAX_PACKETS_PER_POLL);
                    cx.count_sent(sent);
                    let over = closing && self.outbox.is_empty();
                    if over {
                        append_payload(&mut body, cx.close.as_bytes());
                    }
                    // Nobody there to take it: the request's own end says so in an order of its own.
                    let _ = poll.send(Ok(body));
                    if over {
                        return self.end(CloseReason::ServerDisconnect, cx);
                    }
                }
            }
            Transport::Gone => return,
        }
        if self.outbox.is_empty() {
            for done in std::mem::take(&mut self.when_flushed) {
                let _ = done.send(());
            }
        }
    }
}

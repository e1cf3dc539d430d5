//! How a session ends: after what was sent before, because of a fault, or at once.

use super::{Fault, Phase, Session};
use crate::close::CloseReason;
use crate::frame::Frame;
use crate::limits::EXPEL_TIMEOUT;
use crate::shard::context::Context;
use crate::shard::transport::Transport;
use crate::websocket::{CloseCode, close_frame};

impl Session {
    /// Closes after what was sent before: the transport's own goodbye is the last frame.
    pub(crate) fn close(&mut self, reason: CloseReason, code: CloseCode, cx: &mut Context) {
        if self.phase != Phase::Open {
            return;
        }
        for link in &self.links {
            link.drop_events(&mut self.work);
        }
        self.start_closing(Fault { reason, code }, cx);
    }

    /// Closes with nothing of what waits: who is to hear nothing more is not told what was said before either.
    pub(crate) fn expel(&mut self, cx: &mut Context) {
        let is_closing = match self.phase {
            Phase::Ended => return,
            Phase::Closing { .. } => true,
            Phase::Open => false,
        };
        self.stand_apart(cx);
        // What waits behind a goodbye is not for who is expelled; and of a frame that has begun only the rest could follow.
        if is_closing || self.outbox.has_begun() {
            self.transport.cut();
            return self.end(CloseReason::ServerDisconnect, cx);
        }
        let discarded = self.outbox.clear();
        cx.count_discarded(discarded);
        for index in 0..self.links.len() {
            self.links[index].drop_events(&mut self.work);
            self.say_disconnected(index, cx);
        }
        self.start_closing(Fault::EXPELLED, cx);
        if let Phase::Closing { until, .. } = &mut self.phase {
            *until = cx.now + EXPEL_TIMEOUT.min(cx.limits().close_timeout);
        }
    }

    /// Closes because of something the client did or did not do: what waits for it is dropped.
    pub(crate) fn fail(&mut self, fault: Fault, cx: &mut Context) {
        if self.phase != Phase::Open {
            return;
        }
        if fault.reason != CloseReason::TransportClosed
            && fault.reason != CloseReason::ClientDisconnect
        {
            tracing::debug!(sid = ?self.sid, reason = %fault.reason, "closing a connection");
        }
        let lingers = matches!(self.transport, Transport::WebSocket(_))
            && !self.outbox.has_begun()
            && fault.reason != CloseReason::PingTimeout;
        if fault.reason == CloseReason::ClientDisconnect && self.is_polling() {
            return self.see_off(cx);
        }
        if !lingers {
            return self.end(fault.reason, cx);
        }
        // Dropping a stream with unread input resets it and takes the goodbye with it, so its end is waited for.
        let discarded = self.outbox.clear();
        cx.count_discarded(discarded);
        self.start_closing(fault, cx);
    }

    /// Ends at once.
    pub(crate) fn end(&mut self, reason: CloseReason, cx: &mut Context) {
        if self.phase == Phase::Ended {
            return;
        }
        if self.phase == Phase::Open {
            self.say_closed(reason, cx);
        }
        self.phase = Phase::Ended;
        cx.forget(self.sid);
        let may_part = reason == CloseReason::PingTimeout && !self.outbox.has_begun();
        let discarded = self.outbox.clear();
        cx.count_discarded(discarded);
        match std::mem::replace(&mut self.transport, Transport::Gone) {
            Transport::WebSocket(socket) => {
                cx.counts.websockets -= 1;
                if may_part {
                    socket.part(CloseCode::GOING_AWAY);
                }
            }
            Transport::Polling(polling) => {
                cx.counts.polling_sessions -= 1;
                polling.part(reason);
            }
            Transport::Gone => {}
        }
    }

    pub(super) fn start_closing(&mut self, Fault { reason, code }: Fault, cx: &mut Context) {
        self.say_closed(reason, cx);
        self.phase = Phase::Closing { until: cx.now + cx.limits().close_timeout, code };
        self.assembling = None;
        if !self.is_polling() {
            self.say_goodbye(cx);
        }
        self.mark_dirty(cx);
    }

    /// Puts the close of a WebSocket behind all that waits. Who polls is told in the answer to the last poll.
    pub(crate) fn say_goodbye(&mut self, cx: &mut Context) {
        if let Phase::Closing { code, .. } = self.phase {
            let goodbye = cx.outgoing(Frame::finished(close_frame(code, "")));
            self.push(goodbye, cx);
        }
    }

    /// Tells the application, once. A handler may wait for the queue to empty, so the wait ends before the handler can.
    pub(crate) fn say_closed(&mut self, reason: CloseReason, cx: &mut Context) {
        cx.counts.closes[reason as usize] += 1;
        self.when_flushed = Vec::new();
        for index in 0..self.links.len() {
            self.leave(index, reason, cx);
        }
        self.links = Vec::new();
    }
}

//! Time for a session: pings, and everything that must not take for ever.

use std::time::{Duration, Instant};

use super::{Fault, Heartbeat, Phase, Session};
use crate::close::CloseReason;
use crate::limits::Limits;
use crate::shard::context::Context;
use crate::shard::transport::Transport;
use crate::websocket::CloseCode;

impl Session {
    /// The earliest time at which [`on_time`](Self::on_time) has something to do.
    pub(crate) fn next_deadline(&mut self, cx: &Context) -> Option<Instant> {
        match self.phase {
            Phase::Ended => return None,
            Phase::Closing { until, .. } => return Some(until),
            Phase::Open => {}
        }
        let stale = self.outbox.waiting_since().map(|since| since + cx.limits().max_queued_age);
        let (rest_by, upgrade_by) = (self.rest_by(), self.upgrade_by());
        [self.heartbeat_by(), self.connect_by, stale, rest_by, upgrade_by]
            .into_iter()
            .flatten()
            .min()
    }

    /// By when the rest of what the client has begun to send must be here.
    fn rest_by(&mut self) -> Option<Instant> {
        if self.is_held_back() {
            return None;
        }
        let message_by = match &self.transport {
            Transport::WebSocket(socket) => socket.message_by,
            _ => None,
        };
        let packet_by = self.assembling.as_ref().map(|assembling| assembling.by);
        [message_by, packet_by].into_iter().flatten().min()
    }

    /// When the next ping is due, or the answer to the last one.
    fn heartbeat_by(&mut self) -> Option<Instant> {
        let Heartbeat { due, asked } = self.heartbeat;
        (!(asked && self.is_held_back())).then_some(due)
    }

    /// Whether it is we who do not read: what the client owes may be here already.
    fn is_held_back(&mut self) -> bool {
        let posted =
            matches!(&self.transport, Transport::Polling(polling) if polling.posted.is_some());
        posted || self.transport.socket().is_some_and(|socket| socket.held)
    }

    /// Reading goes on. Who ran out of time while we did not read has all of it again.
    pub(super) fn give_time(&mut self, cx: &Context) {
        let renew = |by: &mut Instant, time: Duration| {
            if *by <= cx.now {
                *by = cx.now + time;
            }
        };
        let Limits { message_timeout, ping_timeout, .. } = cx.limits();
        if let Some(by) = self.transport.socket().and_then(|socket| socket.message_by.as_mut()) {
            renew(by, *message_timeout);
        }
        if let Some(assembling) = &mut self.assembling {
            renew(&mut assembling.by, *message_timeout);
        }
        if self.heartbeat.asked {
            renew(&mut self.heartbeat.due, *ping_timeout);
        }
    }

    pub(crate) fn on_time(&mut self, cx: &mut Context) {
        let now = cx.now;
        let due = |by: Option<Instant>| by.is_some_and(|by| by <= now);
        match self.phase {
            Phase::Ended => return,
            Phase::Closing { until, .. } => {
                if until <= now {
                    let leaving = self.is_leaving();
                    let client = CloseReason::ClientDisconnect;
                    self.transport.cut();
                    self.end(if leaving { client } else { CloseReason::TransportClosed }, cx);
                }
                return;
            }
            Phase::Open => {}
        }
        if due(self.upgrade_by()) {
            self.abandon_upgrade(CloseCode::POLICY);
        }
        let (rest_by, heartbeat_by) = (self.rest_by(), self.heartbeat_by());
        let oldest = self.outbox.waiting_since();
        if due(oldest.map(|since| since + cx.limits().max_queued_age)) {
            self.end(CloseReason::Lagging, cx);
        } else if due(rest_by) {
            self.fail(Fault::MESSAGE_TIMEOUT, cx);
        } else if due(self.connect_by) {
            self.fail(Fault::CONNECT_TIMEOUT, cx);
        } else if due(heartbeat_by) {
            self.beat(cx);
        }
    }

    pub(super) fn beat(&mut self, cx: &mut Context) {
        if self.heartbeat.asked {
            return self.fail(Fault::PING_TIMEOUT, cx);
        }
        self.heartbeat = Heartbeat { due: cx.now + cx.limits().ping_timeout, asked: true };
        cx.counts.pings += 1;
        self.send(cx.ping.clone(), cx);
    }

    /// By when an upgrade under way must be done, or the message that is partly there on its WebSocket.
    pub(super) fn upgrade_by(&self) -> Option<Instant> {
        let Transport::Polling(polling) = &self.transport else {
            return None;
        };
        let upgrade = polling.upgrade.as_ref()?;
        let message_by = upgrade.socket.as_ref().and_then(|socket| socket.message_by);
        message_by.into_iter().chain([upgrade.by]).min()
    }
}

//! Time for a session: pings, and everything that must not take for ever.

use std::time::Instant;

use super::{Fault, Heartbeat, Phase, Session};
use crate::close::CloseReason;
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
        let packet_by = self.assembling.as_ref().map(|assembling| assembling.by);
        let message_by = self.transport.socket().and_then(|socket| socket.message_by);
        let upgrade_by = self.upgrade_by();
        [Some(self.heartbeat.due), self.connect_by, stale, packet_by, message_by, upgrade_by]
            .into_iter()
            .flatten()
            .min()
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
        let message_by = self.transport.socket().and_then(|socket| socket.message_by);
        let packet_by = self.assembling.as_ref().map(|assembling| assembling.by);
        let oldest = self.outbox.waiting_since();
        if due(oldest.map(|since| since + cx.limits().max_queued_age)) {
            self.end(CloseReason::Lagging, cx);
        } else if due(message_by) || due(packet_by) {
            self.fail(Fault::MESSAGE_TIMEOUT, cx);
        } else if due(self.connect_by) {
            self.fail(Fault::CONNECT_TIMEOUT, cx);
        } else if due(Some(self.heartbeat.due)) {
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

    pub(super) fn upgrade_by(&self) -> Option<Instant> {
        let Transport::Polling(polling) = &self.transport else {
            return None;
        };
        polling.upgrade.as_ref().map(|upgrade| upgrade.by)
    }
}

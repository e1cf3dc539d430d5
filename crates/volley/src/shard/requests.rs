//! Long-polling as its session sees it: requests that come and go, and the WebSocket that may take over from them.

use bytes::Bytes;

use super::command::{Reply, Request, RequestFailure};
use super::context::Context;
use super::session::{Fault, Phase, Session};
use super::stream::Stream;
use super::transport::{Polling, Transport, Upgrade, WebSocket};
use crate::close::CloseReason;
use crate::engine_io::{Packet, RequestError};
use crate::frame::Frame;
use crate::limits::LAST_POLL;
use crate::websocket::{CloseCode, Opcode};

/// More than a client has to say on a WebSocket before it has taken over.
const PROBE_BYTES: usize = 1024;

impl Session {
    pub(crate) fn take_request(&mut self, request: Request, cx: &mut Context) {
        if self.is_probed() {
            // What the client has said on the WebSocket by now counts first: it may have gone over.
            self.read(&mut [0; PROBE_BYTES], cx);
        }
        let Transport::Polling(polling) = &mut self.transport else {
            return request.refuse(RequestError::BadRequest);
        };
        match request {
            Request::Poll(reply) => {
                if polling.poll.is_some() {
                    Request::Poll(reply).refuse(RequestError::BadRequest);
                    return self.fail(Fault::PROTOCOL, cx);
                }
                polling.poll = Some(reply);
                if polling.leaving {
                    return self.end(CloseReason::ClientDisconnect, cx);
                }
                if self.is_probed() {
                    self.release_poll(cx);
                } else {
                    self.flush(cx);
                }
            }
            Request::BeginPost(reply) => {
                let underway = polling.posting || polling.posted.is_some();
                if underway || self.phase != Phase::Open {
                    Request::BeginPost(reply).refuse(RequestError::BadRequest);
                    return self.fail(Fault::PROTOCOL, cx);
                }
                polling.posting = true;
                let _ = reply.send(Ok(self.max_payload(cx)));
            }
            Request::Post { body, reply } => self.take_post(&body, reply, cx),
            Request::BeginUpgrade(reply) => {
                if polling.upgrade.is_some() || self.phase != Phase::Open {
                    return Request::BeginUpgrade(reply).refuse(RequestError::BadRequest);
                }
                let by = cx.now + cx.limits().upgrade_timeout;
                polling.upgrade = Some(Upgrade { by, socket: None, probed: false });
                let _ = reply.send(Ok(()));
            }
            Request::Failed(failure) => self.fail(failure.fault(), cx),
        }
    }

    /// The answer is given by [`run`](Session::run), when the handlers have caught up.
    fn take_post(&mut self, body: &Bytes, reply: Reply<()>, cx: &mut Context) {
        if let Some(polling) = self.polling() {
            polling.posting = false;
            polling.posted = Some(reply);
        }
        let received = str::from_utf8(body)
            .map_err(|_| Fault::PROTOCOL)
            .and_then(|body| self.receive_payload(body, cx));
        if let Err(fault) = received {
            self.fail(fault, cx);
        }
    }

    /// Takes the body of a POST.
    fn receive_payload(&mut self, body: &str, cx: &mut Context) -> Result<(), Fault> {
        let max_packets = cx.limits().max_packets_per_payload;
        for packet in crate::engine_io::decode_payload(body, max_packets) {
            // The session may have closed while the body was on its way.
            if self.phase != Phase::Open {
                break;
            }
            self.receive_packet(&packet.map_err(|_| Fault::PROTOCOL)?, cx)?;
        }
        Ok(())
    }

    /// Whether the client knows that the WebSocket of its upgrade works, and has not gone over yet.
    fn is_probed(&mut self) -> bool {
        let upgrade = self.polling().and_then(|polling| polling.upgrade.as_ref());
        upgrade.is_some_and(|upgrade| upgrade.probed)
    }

    fn polling(&mut self) -> Option<&mut Polling> {
        match &mut self.transport {
            Transport::Polling(polling) => Some(polling),
            _ => None,
        }
    }
}

// The end of long-polling.
impl Session {
    /// Ends a session that its client has closed in a POST. A poll that the client sent before it may still be on its way,
    /// over another connection: it is waited for a moment, and the POST is answered after it.
    pub(crate) fn see_off(&mut self, cx: &mut Context) {
        let Some(polling) = self.polling().filter(|polling| polling.poll.is_none()) else {
            return self.end(CloseReason::ClientDisconnect, cx);
        };
        polling.leaving = true;
        self.say_closed(CloseReason::ClientDisconnect, cx);
        self.phase = Phase::Closing { until: cx.now + LAST_POLL, code: CloseCode::NORMAL };
    }

    pub(crate) fn is_leaving(&mut self) -> bool {
        self.polling().is_some_and(|polling| polling.leaving)
    }
}

// From long-polling to WebSocket.
impl Session {
    pub(crate) fn is_polling(&self) -> bool {
        matches!(self.transport, Transport::Polling(_))
    }

    /// Takes the WebSocket that is to take over, with the bytes that came behind its handshake. One that is not awaited any
    /// more is dropped, its bytes included.
    pub(crate) fn begin_probe(&mut self, stream: Stream, received: &[u8], cx: &mut Context) {
        let upgrade = self.polling().and_then(|polling| polling.upgrade.as_mut());
        if let Some(upgrade) = upgrade.filter(|upgrade| upgrade.socket.is_none()) {
            upgrade.socket = Some(WebSocket::new(stream));
            self.receive(&mut received.to_vec(), cx);
        }
    }

    /// Takes what the WebSocket says that is to take over.
    pub(crate) fn receive_on_probe(&mut self, text: &str, cx: &mut Context) {
        let Some(upgrade) = self.polling().and_then(|polling| polling.upgrade.as_mut()) else {
            return;
        };
        match Packet::decode(text) {
            Ok(Packet::Ping("probe")) if upgrade.answer_probe() => {
                upgrade.probed = true;
                self.release_poll(cx);
            }
            Ok(Packet::Upgrade) if upgrade.probed => self.complete_upgrade(cx),
            _ => self.abandon_upgrade(CloseCode::PROTOCOL_ERROR),
        }
    }

    /// What the session sends goes to its polls until the WebSocket has taken over, so this goes there directly.
    pub(crate) fn answer_ping_on_probe(&mut self, payload: &[u8]) {
        let upgrade = self.polling().and_then(|polling| polling.upgrade.as_mut());
        if upgrade.is_some_and(|upgrade| !upgrade.answer_ping(payload)) {
            self.abandon_upgrade(CloseCode::NORMAL);
        }
    }

    /// Answers the GET that waits, with a `noop` if there is nothing else, so that the client can go over.
    fn release_poll(&mut self, cx: &mut Context) {
        let waits = self.polling().is_some_and(|polling| polling.poll.is_some());
        if waits && self.outbox.is_empty() {
            self.send(Frame::engine(Opcode::Text, b"6"), cx);
        }
        self.flush(cx);
    }

    fn complete_upgrade(&mut self, cx: &mut Context) {
        let Some(polling) = self.polling() else { return };
        let Some(socket) = polling.upgrade.take().and_then(|upgrade| upgrade.socket) else {
            return;
        };
        if let Some(poll) = polling.poll.take() {
            let _ = poll.send(Ok(b"6".to_vec()));
        }
        if let Some(posted) = polling.posted.take() {
            let _ = posted.send(Ok(()));
        }
        self.transport = Transport::WebSocket(socket);
        cx.counts.polling_sessions -= 1;
        cx.counts.websockets += 1;
        cx.counts.upgrades += 1;
        self.say_goodbye(cx);
        self.mark_dirty(cx);
    }

    /// The WebSocket that was to take over is gone or unfit; polling goes on.
    pub(crate) fn abandon_upgrade(&mut self, code: CloseCode) {
        let upgrade = self.polling().and_then(|polling| polling.upgrade.take());
        if let Some(socket) = upgrade.and_then(|upgrade| upgrade.socket) {
            socket.part(code);
        }
    }
}

impl RequestFailure {
    /// What the session comes to by it.
    fn fault(self) -> Fault {
        match self {
            Self::Abandoned => {
                Fault { reason: CloseReason::TransportClosed, code: CloseCode::GOING_AWAY }
            }
            Self::TooLarge => Fault::TOO_LARGE,
            Self::Malformed => Fault::PROTOCOL,
        }
    }
}

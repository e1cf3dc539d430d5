//! One Engine.IO session: its transport, its heartbeat, its queue, its end. What Socket.IO adds is in `links`.

use std::io::{self, ErrorKind, Read, Write};
use std::rc::Rc;
use std::sync::Arc;
use std::time::Instant;

use http::Extensions;
use tokio::sync::oneshot;

use super::Key;
use super::command::{Newcomer, Order};
use super::context::Context;
use super::links::{Assembling, Link};
use super::outbox::{Outbox, Outgoing, cost};
use super::stream::Stream;
use super::transport::{Polling, Transport, WebSocket};
use super::work::Queue;
use crate::close::CloseReason;
use crate::engine::{Application, Seat};
use crate::engine_io::{Open, Packet, Sid, append_payload};
use crate::event::Content;
use crate::frame::Frame;
use crate::group::GroupId;
use crate::limits::{MAX_PACKETS_PER_POLL, MAX_WAITING_BYTES, MAX_WAITING_EVENTS};
use crate::websocket::{self, CloseCode, Message, Opcode, close_frame};

/// A connection, whatever carries it. It lives in one shard and is touched by that shard's thread alone.
pub(crate) struct Session {
    pub(crate) key: Key,
    pub(crate) sid: Sid,
    pub(crate) transport: Transport,
    pub(crate) phase: Phase,
    pub(crate) outbox: Outbox,
    pub(crate) links: Vec<Link>,
    pub(crate) work: Queue,
    pub(crate) assembling: Option<Box<Assembling>>,
    pub(crate) extensions: Arc<Extensions>,
    /// By when a namespace must be joined, while none is.
    pub(crate) connect_by: Option<Instant>,
    /// For whom it matters that the outbox is empty.
    pub(crate) when_flushed: Vec<oneshot::Sender<()>>,
    /// The earliest timer that is set, see [`Timers`](super::timers::Timers).
    pub(crate) timer_at: Option<Instant>,
    /// The group whose salvo of this tick is all that waits for this session, see [`Roster`](super::members::Roster).
    pub(crate) salvo: Option<GroupId>,
    /// The session is on the list of those to flush.
    pub(crate) dirty: bool,
    heartbeat: Heartbeat,
    _seat: Seat,
}

/// How far a session's life has gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    Open,
    /// No packet counts any more; the last frames leave.
    Closing {
        until: Instant,
        code: CloseCode,
    },
    Ended,
}

/// Either the next ping is due at this time, or the answer to the last one.
struct Heartbeat {
    due: Instant,
    asked: bool,
}

/// Why a session cannot go on, and what its WebSocket is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fault {
    pub(crate) reason: CloseReason,
    pub(crate) code: CloseCode,
}

impl Fault {
    pub(crate) const PROTOCOL: Self =
        Self { reason: CloseReason::ProtocolError, code: CloseCode::PROTOCOL_ERROR };
    pub(crate) const TOO_LARGE: Self =
        Self { reason: CloseReason::TooLarge, code: CloseCode::TOO_BIG };
    pub(crate) const PANICKED: Self =
        Self { reason: CloseReason::HandlerPanicked, code: CloseCode::INTERNAL_ERROR };
    const MESSAGE_TIMEOUT: Self =
        Self { reason: CloseReason::MessageTimeout, code: CloseCode::POLICY };
    const CONNECT_TIMEOUT: Self =
        Self { reason: CloseReason::ConnectTimeout, code: CloseCode::POLICY };
    const PING_TIMEOUT: Self =
        Self { reason: CloseReason::PingTimeout, code: CloseCode::GOING_AWAY };
    const CLIENT_CLOSED: Self =
        Self { reason: CloseReason::ClientDisconnect, code: CloseCode::NORMAL };
}

// How a session comes to be.
impl Session {
    /// A session that is polled for; its `open` packet is the answer to the request that opened it.
    pub(crate) fn polled(
        key: Key,
        newcomer: Newcomer,
        binding: Box<[u8]>,
        cx: &mut Context,
    ) -> Self {
        cx.counts.polling_sessions += 1;
        let transport = Transport::Polling(Box::new(Polling::new(binding)));
        Self::new(key, newcomer, transport, cx)
    }

    /// A session that is a WebSocket from the start; its `open` packet is the first frame on it.
    pub(crate) fn websocket(
        key: Key,
        newcomer: Newcomer,
        stream: Stream,
        cx: &mut Context,
    ) -> Self {
        cx.counts.websockets += 1;
        let transport = Transport::WebSocket(WebSocket::new(stream));
        let mut session = Self::new(key, newcomer, transport, cx);
        let open = open_packet(session.sid, &[], cx);
        session.send(Frame::engine(Opcode::Text, open.as_bytes()), cx);
        session
    }

    fn new(key: Key, newcomer: Newcomer, transport: Transport, cx: &mut Context) -> Self {
        cx.counts.opened += 1;
        cx.sids.insert(newcomer.sid, key);
        let connect_by = match cx.core.application {
            Application::SocketIo => Some(cx.now + cx.limits().connect_timeout),
            Application::Raw(_) => None,
        };
        Self {
            key,
            sid: newcomer.sid,
            transport,
            phase: Phase::Open,
            outbox: Outbox::default(),
            links: Vec::new(),
            work: Queue::default(),
            assembling: None,
            extensions: Arc::new(newcomer.extensions),
            connect_by,
            when_flushed: Vec::new(),
            timer_at: None,
            salvo: None,
            dirty: false,
            heartbeat: Heartbeat { due: cx.next_ping(), asked: false },
            _seat: newcomer.seat,
        }
    }
}

/// The text of the `open` packet.
pub(crate) fn open_packet(sid: Sid, upgrades: &[&str], cx: &Context) -> String {
    let limits = cx.limits();
    let open = Open {
        sid: &sid.to_string(),
        upgrades,
        ping_interval: limits.ping_interval,
        ping_timeout: limits.ping_timeout,
        max_payload: limits.max_payload,
    };
    format!("0{}", open.to_json())
}

impl Session {
    /// Does what the application, or the engine itself, has ordered.
    pub(crate) fn carry_out(&mut self, order: Order, cx: &mut Context) {
        match order {
            Order::Send(frame) => self.send(frame, cx),
            Order::Ask { socket, id, frame, reply } => self.ask(&socket, id, frame, reply, cx),
            Order::ForgetAnswer { socket, id } => self.forget_answer(&socket, id),
            Order::Join { socket, membership, backlog } => {
                self.join(&socket, membership, backlog, cx)
            }
            Order::Leave { socket, group } => self.leave_group(&socket, group, cx),
            Order::WhenFlushed(done) => self.tell_when_flushed(done, cx),
            Order::Disconnect { socket, reason } => self.disconnect(&socket, reason, cx),
            Order::Close => self.close(CloseReason::ServerDisconnect, CloseCode::NORMAL, cx),
            Order::Finished(outcome) => {
                self.work.busy = false;
                self.settle(outcome, cx);
            }
        }
    }
}

// What comes in.
impl Session {
    /// Reads once and takes what came.
    pub(crate) fn read(&mut self, buffer: &mut [u8], cx: &mut Context) {
        let saturated = self.is_saturated();
        let Some(socket) = self.transport.socket() else {
            return;
        };
        if saturated {
            socket.held = true;
            return;
        }
        match socket.stream.read(buffer) {
            Ok(0) => self.input_ended(cx),
            Ok(read) => {
                if read == buffer.len() || socket.read_closed {
                    cx.readable.push(self.key);
                }
                self.receive(&mut buffer[..read], cx);
            }
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) if error.kind() == ErrorKind::Interrupted => cx.readable.push(self.key),
            Err(_) => self.input_ended(cx),
        }
    }

    /// The client's side of the WebSocket is closed or broken.
    fn input_ended(&mut self, cx: &mut Context) {
        match self.transport {
            Transport::Polling(_) => self.abandon_upgrade(CloseCode::NORMAL),
            _ => self.end(CloseReason::TransportClosed, cx),
        }
    }

    /// Takes bytes that arrived on the session's WebSocket.
    pub(crate) fn receive(&mut self, mut input: &mut [u8], cx: &mut Context) {
        while self.phase == Phase::Open || self.may_go_over() {
            let limits = websocket::Limits {
                max_message_bytes: self.max_payload(cx),
                max_fragments: cx.limits().max_fragments,
            };
            let Some(socket) = self.transport.socket() else {
                return;
            };
            let received = match socket.decoder.decode(&mut input, limits) {
                Ok(Some(message)) => {
                    // The next one has its own time. A control frame, though, may stand inside one.
                    if let Message::Text(_) | Message::Binary(_) = message {
                        socket.message_by = None;
                    }
                    self.receive_message(&message, cx)
                }
                Ok(None) => return self.note_partial_message(cx),
                Err(violation) => Err(Fault {
                    reason: match violation {
                        websocket::Violation::TooBig => CloseReason::TooLarge,
                        _ => CloseReason::ProtocolError,
                    },
                    code: violation.close_code(),
                }),
            };
            match received {
                Ok(()) => {}
                // Polling goes on, also when it does so only to its end: the input must not be met again then.
                Err(fault) if self.is_polling() => return self.abandon_upgrade(fault.code),
                Err(fault) => return self.fail(fault, cx),
            }
        }
    }

    /// A client that is going over from long-polling when its session closes polls no more: it can only be told on the
    /// WebSocket, once that has taken over.
    fn may_go_over(&self) -> bool {
        matches!(self.phase, Phase::Closing { .. }) && self.is_polling()
    }

    /// The largest message this client may send now, in bytes.
    pub(crate) fn max_payload(&self, cx: &Context) -> usize {
        let trusted = match cx.core.application {
            Application::SocketIo => self.connect_by.is_none(),
            Application::Raw(_) => true,
        };
        if trusted { cx.limits().max_payload } else { cx.limits().max_payload_before_connect }
    }

    fn receive_message(&mut self, message: &Message<'_>, cx: &mut Context) -> Result<(), Fault> {
        match message {
            Message::Text(text) if self.is_polling() => self.receive_on_probe(text, cx),
            Message::Binary(_) if self.is_polling() => {
                self.abandon_upgrade(CloseCode::PROTOCOL_ERROR)
            }
            Message::Text(text) => {
                let packet = Packet::decode(text).map_err(|_| Fault::PROTOCOL)?;
                self.receive_packet(&packet, cx)?;
            }
            Message::Binary(bytes) => {
                self.receive_packet(&Packet::Binary(bytes.as_ref().into()), cx)?;
            }
            Message::Ping(payload) => self.send(Frame::engine(Opcode::Pong, payload), cx),
            Message::Pong(_) => {}
            Message::Close(_) if self.is_polling() => self.abandon_upgrade(CloseCode::NORMAL),
            Message::Close(frame) => {
                let code = frame.as_ref().map_or(CloseCode::NORMAL, |frame| frame.code);
                let reason = CloseReason::TransportClosed;
                self.fail(Fault { reason, code }, cx);
            }
        }
        Ok(())
    }

    pub(crate) fn receive_packet(
        &mut self,
        packet: &Packet<'_>,
        cx: &mut Context,
    ) -> Result<(), Fault> {
        cx.counts.packets_received += 1;
        match packet {
            Packet::Text(text) => self.receive_text(text, cx),
            Packet::Binary(bytes) => self.receive_binary(bytes, cx),
            Packet::Pong(_) => {
                if self.heartbeat.asked {
                    self.heartbeat = Heartbeat { due: cx.next_ping(), asked: false };
                }
                Ok(())
            }
            Packet::Close => {
                self.fail(Fault::CLIENT_CLOSED, cx);
                Ok(())
            }
            Packet::Noop => Ok(()),
            Packet::Open(_) | Packet::Ping(_) | Packet::Upgrade => Err(Fault::PROTOCOL),
        }
    }

    /// Sees to it that a message that was begun is not waited for without end.
    fn note_partial_message(&mut self, cx: &Context) {
        let by = cx.now + cx.limits().message_timeout;
        if let Some(socket) = self.transport.socket() {
            socket.message_by =
                if socket.decoder.is_idle() { None } else { socket.message_by.or(Some(by)) };
        }
    }

    /// Whether nothing more is read until handlers have caught up.
    pub(crate) fn is_saturated(&self) -> bool {
        let early = || self.links.iter().flat_map(Link::early);
        self.work.len() + early().count() >= MAX_WAITING_EVENTS
            || self.work.bytes() + early().map(Content::len).sum::<usize>() >= MAX_WAITING_BYTES
    }
}

// What goes out.
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

    fn push(&mut self, outgoing: Rc<Outgoing>, cx: &mut Context) {
        self.stand_apart(cx);
        cx.counts.frames_queued += 1;
        cx.counts.frames_waiting += 1;
        cx.counts.queued_bytes += cost(&outgoing.frame) as u64;
        self.outbox.push(outgoing);
        self.mark_dirty(cx);
    }

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

    fn tell_when_flushed(&mut self, done: oneshot::Sender<()>, cx: &mut Context) {
        if self.phase == Phase::Open {
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

    /// Lets go what the transport takes now.
    pub(crate) fn flush(&mut self, cx: &mut Context) {
        match &mut self.transport {
            Transport::WebSocket(socket) => {
                if !self.outbox.is_empty() {
                    match self.outbox.write_to(&mut socket.stream, &mut cx.gather) {
                        Ok(sent) => cx.count_sent(sent),
                        Err(_) => return self.end(CloseReason::TransportClosed, cx),
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

// Time.
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
                    self.end(CloseReason::TransportClosed, cx);
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

    fn beat(&mut self, cx: &mut Context) {
        if self.heartbeat.asked {
            return self.fail(Fault::PING_TIMEOUT, cx);
        }
        self.heartbeat = Heartbeat { due: cx.now + cx.limits().ping_timeout, asked: true };
        cx.counts.pings += 1;
        self.send(cx.ping.clone(), cx);
    }

    fn upgrade_by(&self) -> Option<Instant> {
        let Transport::Polling(polling) = &self.transport else {
            return None;
        };
        polling.upgrade.as_ref().map(|upgrade| upgrade.by)
    }
}

// The end.
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

    fn start_closing(&mut self, Fault { reason, code }: Fault, cx: &mut Context) {
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
    fn say_closed(&mut self, reason: CloseReason, cx: &mut Context) {
        cx.counts.closes[reason as usize] += 1;
        self.when_flushed = Vec::new();
        for index in 0..self.links.len() {
            self.leave(index, reason, cx);
        }
        self.links = Vec::new();
    }

    /// Whether nothing of the session is left to do.
    pub(crate) fn is_over(&self) -> bool {
        self.phase == Phase::Ended && self.work.is_idle()
    }

    /// Goes on with the handlers, as far as they go without waiting.
    pub(crate) fn run(&mut self, cx: &mut Context) {
        while let Some(work) = self.work.next() {
            match work.start(&cx.core.namespaces) {
                Ok(outcome) => self.settle(outcome, cx),
                Err(task) => {
                    self.work.busy = true;
                    cx.finish_elsewhere(self.key, task);
                }
            }
        }
        self.read_on(cx);
    }

    /// Reads again after handlers have caught up.
    fn read_on(&mut self, cx: &mut Context) {
        if self.is_saturated() {
            return;
        }
        if let Transport::Polling(polling) = &mut self.transport
            && let Some(posted) = polling.posted.take()
        {
            let _ = posted.send(Ok(()));
        }
        if self.transport.socket().is_some_and(|socket| std::mem::take(&mut socket.held)) {
            cx.readable.push(self.key);
        }
    }
}

/// Whether a write failed only for now; what is kept is written when the stream can be.
fn is_for_later(error: &io::Error) -> bool {
    matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::Interrupted)
}

//! One Engine.IO session: its transport, its heartbeat, its queue, its end. What Socket.IO adds is in `links`.

use std::sync::Arc;
use std::task::Poll;
use std::time::Instant;

use http::Extensions;
use tokio::sync::oneshot;

use super::Key;
use super::command::{Newcomer, Order};
use super::context::Context;
use super::links::{Assembling, Link};
use super::outbox::Outbox;
use super::stream::Stream;
use super::suspended::Suspended;
use super::transport::{Polling, Transport, WebSocket};
use super::work::Queue;
use crate::close::CloseReason;
use crate::engine::{Application, Seat};
use crate::engine_io::{Open, Sid};
use crate::frame::Frame;
use crate::group::GroupId;
use crate::websocket::{CloseCode, Opcode};

mod deadlines;
mod ending;
mod receiving;
mod sending;

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
    const EXPELLED: Self = Self { reason: CloseReason::ServerDisconnect, code: CloseCode::POLICY };
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
            Order::SendTo { entry, frame } => self.send_to(entry, frame, cx),
            Order::Ask { socket, id, frame, reply } => self.ask(&socket, id, frame, reply, cx),
            Order::ForgetAnswer { socket, id } => self.forget_answer(&socket, id),
            Order::Join { socket, membership, backlog } => {
                self.join(&socket, membership, backlog, cx)
            }
            Order::Leave { socket, group } => self.leave_group(&socket, group, cx),
            Order::WhenFlushed { entry, done } => self.tell_when_flushed(entry, done, cx),
            Order::Disconnect { socket, reason } => self.disconnect(&socket, reason, cx),
            Order::Close => self.close(CloseReason::ServerDisconnect, CloseCode::NORMAL, cx),
            Order::Expel => self.expel(cx),
            Order::Resume => self.resume(cx),
        }
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
                    self.work.suspended = Some(Box::new(Suspended::new(task, self.key, cx)));
                    cx.suspended += 1;
                    self.resume(cx);
                }
            }
        }
        self.read_on(cx);
    }

    /// Goes on with the handler that had to wait.
    fn resume(&mut self, cx: &mut Context) {
        if let Some(handler) = &mut self.work.suspended
            && let Poll::Ready(outcome) = handler.resume()
        {
            self.work.suspended = None;
            cx.suspended -= 1;
            self.settle(outcome, cx);
        }
    }

    /// Reads again after handlers have caught up.
    fn read_on(&mut self, cx: &mut Context) {
        if self.is_saturated() {
            return;
        }
        if let Transport::Polling(polling) = &mut self.transport
            && !polling.leaving
            && let Some(posted) = polling.posted.take()
        {
            let _ = posted.send(Ok(()));
            self.give_time(cx);
        }
        if self.transport.socket().is_some_and(|socket| std::mem::take(&mut socket.held)) {
            cx.readable.push(self.key);
            self.give_time(cx);
        }
    }
}

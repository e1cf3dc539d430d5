//! A shard: one thread that owns a share of the connections outright. It reads, decodes, calls the handlers, carries out
//! what others have ordered, and writes; in this order, once per tick, and reads once more half-way through a long salvo.
//! Nothing of a connection is locked or shared.

use std::collections::HashMap;
use std::io::{self, ErrorKind};
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use mio::{Events, Poll, Registry, Token, Waker};
use rand::SeedableRng;
use rand::rngs::StdRng;
use slab::Slab;
use tokio::sync::oneshot;

pub(crate) use self::command::{Arrival, Command, Newcomer, Order, Reply, Request, RequestFailure};
pub(crate) use self::stream::Stream;
pub(crate) use self::work::Entry;

use self::context::Context;
use self::inbox::{Inbox, Wake};
use self::outbox::GATHER_BYTES;
use self::patience::Patience;
use self::session::{Phase, Session};
use self::transport::Transport;
use crate::close::CloseReason;
use crate::engine::Core;
use crate::engine_io::{RequestError, Sid};
use crate::frame::Frame;
use crate::limits::{BUSY_INBOX_BYTES, NEVER};
use crate::websocket::{CloseCode, Opcode};

mod command;
mod context;
mod inbox;
mod links;
mod members;
mod newcomers;
mod outbox;
mod patience;
mod requests;
mod rung;
mod salvo;
mod session;
mod stream;
mod suspended;
mod timers;
mod transport;
mod work;

/// The inbox through which a shard is reached.
pub(crate) type ShardInbox = Inbox<Command, Waker>;

/// One read takes at most this much; a connection with more waits for its next turn.
const READ_BYTES: usize = 64 * 1024;
/// Readiness events taken from the kernel at a time.
const EVENTS_AT_A_TIME: usize = 1024;
/// The token of the waker; sessions have those below.
const WAKER: Token = Token(usize::MAX);
/// How long a tick may sleep while another shard is too busy for clients to be read.
const WHILE_BUSY: Duration = Duration::from_millis(1);

/// Names a session of a shard. The serial number tells it from one that had its place before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Key {
    pub(crate) index: u32,
    serial: u32,
}

/// See the module.
pub(crate) struct Shard {
    poll: Poll,
    /// What the kernel has reported ready.
    events: Events,
    sessions: Slab<Box<Session>>,
    next_serial: u32,
    buffer: Vec<u8>,
    /// Where a salvo is put together.
    bytes: Vec<u8>,
    /// When those frames were published that this tick sends.
    published: Vec<Instant>,
    patience: Patience,
    stopping: Option<Stopping>,
    cx: Context,
}

/// Nobody is accepted any more, and at the deadline everybody is cut.
struct Stopping {
    at: Instant,
    done: Vec<oneshot::Sender<()>>,
}

/// Closes an inbox however its shard ends: if it has panicked, nobody shall wait for it.
struct CloseAtEnd<'a>(&'a ShardInbox);

impl Drop for CloseAtEnd<'_> {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl Wake for Waker {
    fn wake(&self) {
        // It can fail only when the poll it belongs to is gone, and then nobody sleeps over the inbox.
        let _ = Self::wake(self);
    }
}

/// A poll with the inbox that wakes it.
pub(crate) fn open() -> io::Result<(Poll, ShardInbox)> {
    let poll = Poll::new()?;
    let waker = Waker::new(poll.registry(), WAKER)?;
    Ok((poll, Inbox::new(waker)))
}

impl Shard {
    pub(crate) fn new(
        poll: Poll,
        registry: Registry,
        shard: usize,
        core: Arc<Core>,
        now: Instant,
        seed: [u8; 32],
    ) -> Self {
        let cx = Context {
            core,
            shard,
            registry,
            now,
            suspended: 0,
            random: StdRng::from_seed(seed),
            timers: timers::Timers::default(),
            members: members::Members::default(),
            sids: HashMap::new(),
            salvos: Vec::new(),
            dirty: Vec::new(),
            readable: Vec::new(),
            counts: crate::metrics::Counts::default(),
            gather: Vec::with_capacity(GATHER_BYTES),
            ping: Frame::engine(Opcode::Text, b"2"),
            close: Frame::engine(Opcode::Text, b"1"),
        };
        Self {
            poll,
            events: Events::with_capacity(EVENTS_AT_A_TIME),
            sessions: Slab::new(),
            next_serial: 0,
            buffer: vec![0; READ_BYTES],
            bytes: Vec::new(),
            published: Vec::new(),
            patience: Patience::default(),
            stopping: None,
            cx,
        }
    }

    /// Runs until the engine is stopped and the last session has ended.
    pub(crate) fn run(mut self) {
        let core = self.cx.core.clone();
        let _runtime = core.runtime.enter();
        let inbox = &core.shards[self.cx.shard];
        let _closed_at_the_end = CloseAtEnd(inbox);
        let mut orders = Vec::new();
        while !self.is_finished() {
            self.wait(inbox);
            self.note_ready();
            self.read_ready();
            self.fire_timers();
            self.carry_out_orders(inbox, &mut orders);
            // An answer does not wait for a salvo to a thousand others.
            self.flush_dirty();
            if !self.holds_fire() {
                self.fire();
            }
            self.tidy();
        }
        core.metrics.publish(self.cx.shard, &self.cx.counts);
        for handler in self.sessions.drain().filter_map(|session| session.work.suspended) {
            core.runtime.spawn(handler.finish());
        }
        for done in self.stopping.into_iter().flat_map(|stopping| stopping.done) {
            let _ = done.send(());
        }
    }
}

// One tick.
impl Shard {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where a shard reads the clock, once per tick"
    )]
    fn wait(&mut self, inbox: &ShardInbox) {
        let mut timeout = match (self.cx.readable.is_empty(), self.may_read()) {
            _ if !self.cx.dirty.is_empty() => Some(Duration::ZERO),
            (false, true) => Some(Duration::ZERO),
            (false, false) => Some(WHILE_BUSY),
            (true, _) => {
                [self.next_timer(), self.patience.left(self.cx.now)].into_iter().flatten().min()
            }
        };
        let may_sleep = timeout != Some(Duration::ZERO) && inbox.sleep();
        if !may_sleep || self.holds_in_vain() {
            timeout = Some(Duration::ZERO);
        }
        self.poll(timeout);
        if may_sleep {
            inbox.awake();
        }
        self.cx.now = Instant::now();
    }

    fn poll(&mut self, timeout: Option<Duration>) {
        if let Err(error) = self.poll.poll(&mut self.events, timeout)
            && error.kind() != ErrorKind::Interrupted
        {
            tracing::error!(%error, "waiting for sockets failed");
            self.events.clear();
        }
    }

    /// Whether the last handler has ended before it could know that salvos are held for it.
    fn holds_in_vain(&self) -> bool {
        self.patience.is_holding() && !self.awaits_handlers()
    }

    /// Whether any handler is under way here, or waits for something elsewhere. One that need not wait any more is left to
    /// its own shard, which may be busy for long.
    fn awaits_handlers(&self) -> bool {
        self.cx.suspended > 0 || self.cx.core.under_way.handlers.load(Ordering::SeqCst) > 0
    }

    /// How long nothing is due.
    fn next_timer(&self) -> Option<Duration> {
        let stop = self.stopping.as_ref().map(|stopping| {
            let cut = if stopping.at > self.cx.now {
                stopping.at
            } else {
                stopping.at + GRACE_FOR_HANDLERS
            };
            cut.saturating_duration_since(self.cx.now)
        });
        let timer = self.cx.timers.wait(self.cx.now);
        [stop, timer].into_iter().flatten().min()
    }

    /// Clients are not read from while any shard has too much to do already: what they send would only wait there.
    fn may_read(&self) -> bool {
        self.cx.core.shards.iter().all(|shard| shard.bytes() < BUSY_INBOX_BYTES)
    }

    /// Whether what is sent to groups waits for the handlers that are under way.
    fn holds_fire(&mut self) -> bool {
        let was = self.patience.is_holding();
        let busy = !self.cx.salvos.is_empty() && self.awaits_handlers();
        let holds = busy && self.patience.hold(self.cx.now);
        let holding = &self.cx.core.under_way.holding;
        match (was, holds) {
            (false, true) => drop(holding.fetch_add(1, Ordering::SeqCst)),
            (true, false) => {
                self.patience.stop();
                holding.fetch_sub(1, Ordering::SeqCst);
            }
            _ => {}
        }
        holds
    }

    fn note_ready(&mut self) {
        let Self { events, sessions, cx, .. } = self;
        for event in events.iter().filter(|event| event.token() != WAKER) {
            let Some(session) = sessions.get_mut(event.token().0) else {
                continue;
            };
            if event.is_writable() {
                session.note_writable(cx);
            }
            if let Some(socket) = session.transport.socket()
                && (event.is_readable() || event.is_read_closed() || event.is_error())
            {
                socket.read_closed |= event.is_read_closed() || event.is_error();
                cx.readable.push(session.key);
            }
        }
    }

    /// Reads what clients have sent since the tick began. Handlers begin with it; what they order waits for the next tick.
    fn read_meanwhile(&mut self) {
        self.poll(Some(Duration::ZERO));
        self.note_ready();
        self.read_ready();
    }

    fn read_ready(&mut self) {
        if !self.may_read() {
            return;
        }
        let mut buffer = std::mem::take(&mut self.buffer);
        for key in std::mem::take(&mut self.cx.readable) {
            self.with(key, |session, cx| session.read(&mut buffer, cx));
        }
        self.buffer = buffer;
    }

    fn fire_timers(&mut self) {
        while let Some((at, key)) = self.cx.timers.due(self.cx.now) {
            self.with(key, |session, cx| {
                if session.timer_at == Some(at) {
                    session.timer_at = None;
                    session.on_time(cx);
                }
            });
        }
        if self.stopping.as_ref().is_some_and(|stopping| stopping.at <= self.cx.now) {
            self.each(|session, cx| session.end(CloseReason::ServerShutdown, cx));
        }
    }

    /// Carries out what is ordered, and what that orders in turn, before anything is sent.
    fn carry_out_orders(&mut self, inbox: &ShardInbox, orders: &mut Vec<Command>) {
        for _ in 0..ROUNDS_OF_ORDERS {
            let bytes = inbox.take(orders);
            if orders.is_empty() {
                break;
            }
            for order in orders.drain(..) {
                self.carry_out(order);
            }
            inbox.release(bytes);
        }
        if orders.capacity() > MAX_IDLE_ORDERS {
            *orders = Vec::new();
        }
    }

    fn flush_dirty(&mut self) {
        let mut dirty = std::mem::take(&mut self.cx.dirty);
        for key in dirty.drain(..) {
            let Some(session) = get(&mut self.sessions, key) else {
                continue;
            };
            session.dirty = false;
            session.flush(&mut self.cx);
            // Most are empty now and have their timer: nothing is left to see to.
            if session.phase != Phase::Open || !session.outbox.is_empty() {
                self.with(key, |session, cx| {
                    if session.is_lagging(cx) {
                        session.end(CloseReason::Lagging, cx);
                    }
                });
            }
        }
        if self.cx.dirty.is_empty() {
            self.cx.dirty = dirty;
        }
    }

    fn tidy(&mut self) {
        for list in [&mut self.cx.dirty, &mut self.cx.readable] {
            if list.capacity() > MAX_IDLE_ORDERS && list.is_empty() {
                *list = Vec::new();
            }
        }
        if self.sessions.is_empty() && self.sessions.capacity() > 0 {
            self.sessions.shrink_to_fit();
        }
        self.cx.core.metrics.publish(self.cx.shard, &self.cx.counts);
    }

    fn is_finished(&self) -> bool {
        let Some(stopping) = &self.stopping else {
            return false;
        };
        self.sessions.is_empty() || stopping.at + GRACE_FOR_HANDLERS <= self.cx.now
    }
}

/// Orders may lead to orders; after so many rounds it is time to send something.
const ROUNDS_OF_ORDERS: usize = 16;
/// Room for orders that is kept from tick to tick.
const MAX_IDLE_ORDERS: usize = 1024;
/// How long handlers that are told of the end may take beyond the deadline.
const GRACE_FOR_HANDLERS: Duration = Duration::from_millis(250);

// Sessions.
impl Shard {
    /// Does something with a session, unless it has ended, and sees to what follows from it.
    fn with(&mut self, key: Key, act: impl FnOnce(&mut Session, &mut Context)) {
        let Some(session) = get(&mut self.sessions, key) else { return };
        act(session, &mut self.cx);
        session.run(&mut self.cx);
        if session.is_over() {
            self.sessions.remove(key.index as usize);
            return;
        }
        if let Some(at) = session.next_deadline(&self.cx)
            && session.timer_at.is_none_or(|set| at < set)
        {
            session.timer_at = Some(at);
            self.cx.timers.set(at, key);
        }
    }

    /// The session that a request names, if the request may name it.
    fn session_for(&self, sid: Sid, binding: &[u8]) -> Result<Key, RequestError> {
        let key = *self.cx.sids.get(&sid).ok_or(RequestError::SessionUnknown)?;
        match self.sessions.get(key.index as usize).map(|session| &session.transport) {
            Some(Transport::Polling(polling)) if *polling.binding == *binding => Ok(key),
            Some(Transport::Polling(_)) => Err(RequestError::Forbidden),
            Some(Transport::WebSocket(_)) => Err(RequestError::BadRequest),
            _ => Err(RequestError::SessionUnknown),
        }
    }

    fn each(&mut self, mut act: impl FnMut(&mut Session, &mut Context)) {
        let keys: Vec<_> = self.sessions.iter().map(|(_, session)| session.key).collect();
        for key in keys {
            self.with(key, &mut act);
        }
    }
}

fn get(sessions: &mut Slab<Box<Session>>, key: Key) -> Option<&mut Session> {
    let session = sessions.get_mut(key.index as usize)?;
    (session.key == key).then_some(session)
}

// Orders.
impl Shard {
    fn carry_out(&mut self, command: Command) {
        match command {
            Command::Publish { group, frame, sent_at } => self.publish(group, frame, sent_at),
            Command::Broadcast { namespace, frame } => {
                self.each(|session, cx| session.send_in(namespace, &frame, cx));
            }
            Command::Session { key, order } => {
                self.with(key, |session, cx| session.carry_out(order, cx))
            }
            Command::Request { sid, binding, request } => match self.session_for(sid, &binding) {
                Ok(key) => self.with(key, |session, cx| session.take_request(request, cx)),
                Err(error) => request.refuse(error),
            },
            Command::Open { newcomer, binding, reply } => {
                self.open_polling(newcomer, binding, reply)
            }
            Command::Adopt { stream, received, arrival } => self.adopt(stream, &received, arrival),
            Command::Stop { deadline, done } => self.stop(deadline, done),
        }
    }

    fn stop(&mut self, deadline: Duration, done: Option<oneshot::Sender<()>>) {
        let at = self.cx.now + deadline.min(NEVER);
        let stopping = self.stopping.get_or_insert(Stopping { at, done: Vec::new() });
        stopping.at = stopping.at.min(at);
        stopping.done.extend(done);
        self.each(|session, cx| {
            session.close(CloseReason::ServerShutdown, CloseCode::GOING_AWAY, cx);
        });
    }
}

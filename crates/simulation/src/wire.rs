//! The network: connections as queues in memory, which chance delays, fills and cuts.

use std::collections::VecDeque;
use std::fmt;
use std::ops::Range;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Poll, Waker};
use std::time::Duration;

use tokio::sync::oneshot;
use volley::limits::{CLOSE_TIMEOUT, EXPEL_TIMEOUT, MAX_QUEUED_AGE};
use volley::{CloseReason, Frame};

use crate::engine::Group;
use crate::happening::Happening;
use crate::nature::Nature;

/// What the system takes of a connection's bytes before they wait in the server. Little, so that some often do.
const TAKEN: usize = 2 * 1024;
/// Most bytes that wait in the server for one connection. Less than volley's, so that it is met; and as there, what a client
/// is given when it comes back fits into it.
const MOST_QUEUED: usize = 160 * 1024;

/// One connection, seen from both ends. Clones are the same.
#[derive(Clone)]
pub(crate) struct Line(Arc<Ends>);

struct Ends {
    /// Which client's, and which of its connections.
    client: usize,
    number: u64,
    nature: Nature,
    state: Mutex<State>,
}

/// What a client is sent.
#[derive(Clone)]
pub(crate) enum Packet {
    /// It has been let in.
    Welcome,
    /// It has not been, for this reason.
    Refused(&'static str),
    /// An event.
    Event(Frame),
    /// The answer to what it said under this number.
    Ack(u64, Box<str>),
    /// The server has ended the connection.
    Goodbye,
}

/// What a client has said.
pub(crate) struct Said {
    /// The event.
    pub(crate) name: &'static str,
    /// Its payload, in JSON.
    pub(crate) payload: Box<str>,
    /// Under which number it waits for an answer.
    pub(crate) ack: u64,
}

#[derive(Default)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "what can be the matter with a line, in any combination"
)]
struct State {
    /// How long things take on the way.
    latency: Range<Duration>,
    /// The client does not read for the time being.
    is_stalled: bool,

    /// Waits in the server, with the time since which it does.
    queue: VecDeque<(u64, Packet)>,
    queued_bytes: usize,
    /// Is on its way to the client.
    down: VecDeque<Packet>,
    down_bytes: usize,
    is_coming_down: bool,
    /// How many packets were ever queued, and how many of them have left.
    queued: u64,
    left: u64,
    /// Who waits until so many have left.
    flushing: VecDeque<(u64, oneshot::Sender<()>)>,
    groups: Vec<Group>,

    /// Is on its way to the server.
    up: VecDeque<Said>,
    is_coming_up: bool,
    /// Waits until the server hears it.
    inbox: VecDeque<Said>,
    hearing: Option<Waker>,

    /// The application wants it to end.
    dismissed: bool,
    /// The server has ended it, or knows that it has ended.
    ended: Option<CloseReason>,
    /// Nothing arrives any more at either end.
    is_cut: bool,
}

impl Line {
    /// A connection that a client opens.
    pub(crate) fn open(
        nature: &Nature,
        client: usize,
        number: u64,
        latency: Range<Duration>,
    ) -> Self {
        let state = Mutex::new(State { latency, ..State::default() });
        Self(Arc::new(Ends { client, number, nature: nature.clone(), state }))
    }

    /// Whose it is.
    pub(crate) fn client(&self) -> usize {
        self.0.client
    }

    /// The client says something.
    pub(crate) fn say(&self, name: &'static str, payload: Box<str>, ack: u64) {
        let mut state = self.lock();
        if state.is_cut {
            return;
        }
        state.up.push_back(Said { name, payload, ack });
        self.climb(&mut state);
    }

    /// What has arrived at the client now. More arrives later.
    pub(crate) fn arrived(&self) -> Vec<Packet> {
        let mut state = self.lock();
        state.is_coming_down = false;
        if state.is_cut || state.is_stalled {
            return Vec::new();
        }
        let some = 1 + self.0.nature.below(state.down.len().max(1));
        let some = some.min(state.down.len());
        let arrived: Vec<_> = state.down.drain(..some).collect();
        state.down_bytes -= arrived.iter().map(Packet::bytes).sum::<usize>();
        self.flow(&mut state);
        arrived
    }

    /// What a client said has arrived at the server.
    pub(crate) fn rises(&self) {
        let mut state = self.lock();
        state.is_coming_up = false;
        if state.is_cut {
            return;
        }
        let some = 1 + self.0.nature.below(state.up.len().max(1));
        let some = some.min(state.up.len());
        if state.ended.is_none() {
            let State { up, inbox, hearing, .. } = &mut *state;
            inbox.extend(up.drain(..some));
            if let Some(hearing) = hearing.take() {
                hearing.wake();
            }
        } else {
            state.up.clear();
        }
        self.climb(&mut state);
    }

    /// The client does not read for a while.
    pub(crate) fn stall(&self, duration: Duration) {
        self.lock().is_stalled = true;
        self.0.nature.arrange(duration, Happening::Resumes(self.clone()));
    }

    /// The client reads again.
    pub(crate) fn resume(&self) {
        let mut state = self.lock();
        state.is_stalled = false;
        self.flow(&mut state);
    }

    /// The network between the two is gone, with everything on its way.
    pub(crate) fn cut(&self) {
        let mut state = self.lock();
        state.is_cut = true;
        state.down.clear();
        state.up.clear();
    }

    /// The server finds that the connection has ended.
    pub(crate) fn end(&self, reason: CloseReason) {
        self.end_with(&mut self.lock(), reason);
    }

    /// The server ends the connection, and nothing that waits leaves any more.
    pub(crate) fn expel(&self) {
        let mut state = self.lock();
        state.dismissed = true;
        if state.ended.is_none() {
            self.end_with(&mut state, CloseReason::ServerDisconnect);
            self.sever_within(EXPEL_TIMEOUT);
        }
    }

    /// The server ends the connection after what was sent before.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        if !state.dismissed {
            state.dismissed = true;
            self.queue(&mut state, Packet::Goodbye);
            self.sever_within(CLOSE_TIMEOUT);
        }
    }

    /// Whether the server neither has ended it nor knows that it has ended.
    pub(crate) fn is_connected(&self) -> bool {
        let state = self.lock();
        state.ended.is_none() && !state.dismissed
    }

    /// Why it has ended, if it has.
    pub(crate) fn ended(&self) -> Option<CloseReason> {
        self.lock().ended
    }

    /// Sends something. Without effect once the connection has ended.
    pub(crate) fn send(&self, packet: Packet) {
        let mut state = self.lock();
        if !state.dismissed {
            self.queue(&mut state, packet);
        }
    }

    /// Resolves when everything that was sent before has left, `false` when the connection ended first.
    pub(crate) fn flushed(&self) -> impl Future<Output = bool> + Send + use<> {
        let (done, flushed) = oneshot::channel();
        let mut state = self.lock();
        if state.ended.is_none() {
            let goal = state.queued;
            state.flushing.push_back((goal, done));
            self.flow(&mut state);
        }
        async move { flushed.await.is_ok() }
    }

    /// Hears a group from now on.
    pub(crate) fn join(&self, group: &Group) {
        let mut state = self.lock();
        if state.ended.is_none() && group.admit(self) {
            state.groups.push(group.clone());
        }
    }

    /// Hears a group no more.
    pub(crate) fn leave(&self, group: &Group) {
        group.dismiss(self);
        self.lock().groups.retain(|other| other != group);
    }

    /// Waits for what the client says next; nothing when it has ended.
    pub(crate) async fn hear(&self) -> Option<Said> {
        std::future::poll_fn(|context| {
            let mut state = self.lock();
            if state.dismissed {
                state.inbox.clear();
            }
            if let Some(said) = state.inbox.pop_front() {
                return Poll::Ready(Some(said));
            }
            if state.ended.is_some() {
                return Poll::Ready(None);
            }
            state.hearing = Some(context.waker().clone());
            Poll::Pending
        })
        .await
    }

    fn queue(&self, state: &mut State, packet: Packet) {
        if state.ended.is_some() {
            return;
        }
        let now = self.0.nature.now();
        let is_old = state
            .queue
            .front()
            .is_some_and(|(since, _)| u128::from(now - since) > MAX_QUEUED_AGE.as_nanos());
        state.queued += 1;
        state.queued_bytes += packet.bytes();
        state.queue.push_back((now, packet));
        if is_old || state.queued_bytes > MOST_QUEUED {
            self.end_with(state, CloseReason::Lagging);
            self.sever_within(CLOSE_TIMEOUT);
            return;
        }
        self.flow(state);
    }

    /// What waits in the server leaves as far as the system takes it.
    fn flow(&self, state: &mut State) {
        while state.down_bytes < TAKEN
            && let Some((_, packet)) = state.queue.pop_front()
        {
            state.queued_bytes -= packet.bytes();
            state.left += 1;
            let is_last = matches!(packet, Packet::Goodbye);
            if !state.is_cut {
                state.down.push_back(packet.clone());
            }
            state.down_bytes += packet.bytes();
            if is_last {
                self.end_with(state, CloseReason::ServerDisconnect);
            }
        }
        while state.flushing.front().is_some_and(|(goal, _)| *goal <= state.left)
            && let Some((_, flushed)) = state.flushing.pop_front()
        {
            // Who has given up waiting need not be told.
            let _ = flushed.send(());
        }
        if !state.is_coming_down && !state.is_stalled && !state.down.is_empty() {
            state.is_coming_down = true;
            let latency = self.0.nature.between(state.latency.clone());
            self.0.nature.arrange(latency, Happening::Down(self.clone()));
        }
    }

    fn climb(&self, state: &mut State) {
        if !state.is_coming_up && !state.up.is_empty() {
            state.is_coming_up = true;
            let latency = self.0.nature.between(state.latency.clone());
            self.0.nature.arrange(latency, Happening::Up(self.clone()));
        }
    }

    fn end_with(&self, state: &mut State, reason: CloseReason) {
        if state.ended.is_some() {
            return;
        }
        state.ended = Some(reason);
        state.queue.clear();
        state.queued_bytes = 0;
        // Whoever waits for these learns that they will not leave.
        state.flushing.clear();
        state.groups.drain(..).for_each(|group| group.dismiss(self));
        if let Some(hearing) = state.hearing.take() {
            hearing.wake();
        }
    }

    /// What has left by now may still arrive until the connection is gone for the client, too.
    fn sever_within(&self, most: Duration) {
        let after = self.0.nature.between(Duration::ZERO..most);
        self.0.nature.arrange(after, Happening::Lost(self.clone()));
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Packet {
    fn bytes(&self) -> usize {
        match self {
            Self::Event(frame) => frame.as_bytes().len(),
            Self::Ack(_, answer) => answer.len(),
            Self::Welcome | Self::Refused(_) | Self::Goodbye => 32,
        }
    }
}

impl PartialEq for Line {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl fmt::Debug for Line {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(formatter, "Line({} of client {})", self.0.number, self.0.client)
    }
}

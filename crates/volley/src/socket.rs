//! A client in a namespace, as the application holds it.

use std::fmt;
use std::future::Future;
use std::marker::PhantomData;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use serde::Serialize;
use tokio::sync::oneshot;

use crate::close::CloseReason;
use crate::engine::Core;
use crate::engine_io::Sid;
use crate::event::Answer;
use crate::frame::{EncodeError, Frame};
use crate::group::{Group, Membership};
use crate::limits::FRAME_OVERHEAD;
use crate::namespace::AnySession;
use crate::shard::{Command, Entry, Key, Order};
use crate::socket_io::PacketType;

/// A socket: one client in one namespace. Clones are the same socket; holding one does not keep the client connected.
///
/// What is sent here and to groups from one thread reaches the client in the order in which it was sent.
pub struct Socket<S> {
    core: Arc<SocketCore>,
    session: PhantomData<fn() -> S>,
}

/// What all handles of a socket share.
pub(crate) struct SocketCore {
    pub(crate) id: Sid,
    pub(crate) shard: usize,
    pub(crate) key: Key,
    pub(crate) entry: Entry,
    pub(crate) engine: Arc<Core>,
    pub(crate) session: AnySession,
    /// Neither side has ended the socket, as far as its shard knows.
    pub(crate) connected: AtomicBool,
    /// The application has ended the socket, and its shard may not know yet.
    pub(crate) dismissed: AtomicBool,
    pub(crate) next_ack: AtomicU64,
    /// Memberships, those on their way included.
    pub(crate) groups: AtomicUsize,
}

/// Why nothing was sent.
#[derive(Debug)]
#[non_exhaustive]
pub enum SendError {
    /// The arguments cannot be encoded.
    Encode(EncodeError),
    /// So much waits to be sent that no more is taken; try again later. Nobody received the frame.
    Overloaded,
    /// The event has been answered before.
    AlreadyAnswered,
    /// The socket is in as many groups as it may be, see
    /// [`MAX_GROUPS_PER_SOCKET`](crate::limits::MAX_GROUPS_PER_SOCKET).
    TooManyGroups,
}

/// Why there is no answer to an event.
#[derive(Debug)]
#[non_exhaustive]
pub enum AckError {
    /// The event was not sent.
    Send(SendError),
    /// The client did not answer in time.
    Timeout,
    /// The socket ended before the client answered, or owes too many answers already.
    Disconnected,
}

impl<S: Send + Sync + 'static> Socket<S> {
    /// A handle whose session type is the one its namespace stored.
    pub(crate) fn of(core: Arc<SocketCore>) -> Self {
        debug_assert!(core.session.is::<S>(), "a namespace stores the type it reads");
        Self { core, session: PhantomData }
    }

    /// What the namespace's `admit` said about this client.
    pub fn session(&self) -> &S {
        self.core.session.downcast_ref().expect("a namespace stores the type it reads")
    }

    /// The Socket.IO id, which the client knows as `socket.id`. A name, not a credential.
    pub fn id(&self) -> String {
        self.core.id.to_string()
    }

    /// The name of the namespace.
    pub fn namespace(&self) -> &str {
        self.core.namespace_name()
    }

    /// Whether neither side has ended the socket, as far as is known.
    pub fn is_connected(&self) -> bool {
        self.core.is_connected()
    }

    /// Sends an event with a tuple of arguments. Without effect once the socket has ended.
    pub fn emit<T: Serialize + ?Sized>(&self, event: &str, args: &T) -> Result<(), SendError> {
        self.core.send(Frame::event(self.namespace(), event, args)?)
    }

    /// Sends a frame that was encoded for this namespace.
    pub fn send(&self, frame: &Frame) -> Result<(), SendError> {
        self.core.send(frame.clone())
    }

    /// Sends an event at once and resolves to the client's answer.
    pub fn emit_with_ack<T: Serialize + ?Sized>(
        &self,
        event: &str,
        args: &T,
        timeout: Duration,
    ) -> impl Future<Output = Result<Answer, AckError>> + Send + use<S, T> {
        let waiting = self.core.ask(event, args);
        async move {
            let mut waiting = waiting.map_err(AckError::Send)?;
            let Ok(answer) = tokio::time::timeout(timeout, &mut waiting.answer).await else {
                return Err(AckError::Timeout);
            };
            waiting.settled = true;
            answer.map_err(|_| AckError::Disconnected)
        }
    }

    /// Becomes a member of a group of this namespace. Without effect for one who is already.
    pub fn join(&self, group: &Group) -> Result<(), SendError> {
        self.join_after(group, Vec::new())
    }

    /// Sends `backlog` and then becomes a member: every frame that is sent to the group after this call returns follows
    /// the backlog, every frame sent before is not received. To say which frame is "after", take a lock of your own
    /// around this and around [`Group::send`]; neither waits for the network.
    ///
    /// ```
    /// use std::sync::Mutex;
    /// use volley::{Frame, Group, SendError, Socket};
    ///
    /// /// A group with a memory: whoever joins receives everything from the first frame on, each once and in order.
    /// struct Story {
    ///     so_far: Mutex<Vec<Frame>>,
    ///     group: Group,
    /// }
    ///
    /// impl Story {
    ///     fn tell(&self, frame: Frame) -> Result<(), SendError> {
    ///         let mut so_far = self.so_far.lock().expect("no teller panics");
    ///         self.group.send(&frame)?;
    ///         so_far.push(frame);
    ///         Ok(())
    ///     }
    ///
    ///     fn listen(&self, socket: &Socket<()>) -> Result<(), SendError> {
    ///         let so_far = self.so_far.lock().expect("no teller panics");
    ///         socket.join_after(&self.group, so_far.clone())
    ///     }
    /// }
    /// ```
    pub fn join_after(&self, group: &Group, backlog: Vec<Frame>) -> Result<(), SendError> {
        debug_assert_eq!(
            group.core.namespace, self.core.entry.namespace,
            "a group is of one namespace"
        );
        self.core.engine.refuse_when_overloaded()?;
        let most = self.core.engine.limits.max_groups_per_socket;
        if self.core.groups.load(Ordering::Relaxed) >= most {
            return Err(SendError::TooManyGroups);
        }
        let bytes = backlog.iter().map(Frame::len).sum();
        let rejected = group.core.order.join(self.core.shard, || {
            let membership = Membership::new(&group.core, &self.core);
            let order = Order::Join { socket: self.core.clone(), membership, backlog };
            let command = Command::Session { key: self.core.key, order };
            self.core.engine.shards[self.core.shard].offer(command, bytes)
        });
        drop(rejected);
        Ok(())
    }

    /// Ceases to be a member of a group.
    pub fn leave(&self, group: &Group) {
        self.core.order(Order::Leave { socket: self.core.clone(), group: group.core.id }, 0);
    }

    /// The group of this name in this socket's namespace, made if there is none.
    pub fn group(&self, name: &str) -> Group {
        self.core.engine.group(self.core.entry.namespace, name)
    }

    /// Resolves when all that was sent before has left for the client, `false` when the socket ended first.
    /// For sending much without queueing much: a page, `flushed().await`, the next page.
    pub fn flushed(&self) -> impl Future<Output = bool> + Send + use<S> {
        let (done, flushed) = oneshot::channel();
        self.core.order(Order::WhenFlushed { entry: self.core.entry, done }, 0);
        async move { flushed.await.is_ok() }
    }

    /// Ends this socket: the client is told, what was sent before arrives, events of it that wait are not handled any more.
    /// The connection stays for its other namespaces.
    pub fn disconnect(&self) {
        self.core.disconnect(CloseReason::ServerDisconnect);
    }

    /// Ends the connection with all its namespaces, after what was sent before. A stock client connects again.
    pub fn close(&self) {
        self.core.dismissed.store(true, Ordering::Release);
        self.core.order(Order::Close, 0);
    }

    /// Ends the connection with all its namespaces, for a client that is to hear nothing more: what was sent before and has
    /// not left is dropped. Within [`EXPEL_TIMEOUT`](crate::limits::EXPEL_TIMEOUT) the connection is gone, even if the
    /// client does not read. A stock client is told `io server disconnect`.
    pub fn expel(&self) {
        self.core.dismissed.store(true, Ordering::Release);
        self.core.order(Order::Expel, 0);
    }
}

impl SocketCore {
    pub(crate) fn namespace_name(&self) -> &str {
        &self.engine.namespaces[self.entry.namespace].name
    }

    pub(crate) fn is_connected(&self) -> bool {
        self.connected.load(Ordering::Acquire) && !self.dismissed.load(Ordering::Acquire)
    }

    /// Without effect once the socket has ended.
    pub(crate) fn send(&self, frame: Frame) -> Result<(), SendError> {
        if !self.is_connected() {
            return Ok(());
        }
        self.engine.refuse_when_overloaded()?;
        let bytes = frame.len() + FRAME_OVERHEAD;
        self.order(Order::SendTo { entry: self.entry, frame }, bytes);
        Ok(())
    }

    pub(crate) fn disconnect(self: &Arc<Self>, reason: CloseReason) {
        self.dismissed.store(true, Ordering::Release);
        self.order(Order::Disconnect { socket: self.clone(), reason }, 0);
    }

    /// Sends an event that asks for an answer.
    fn ask<T: Serialize + ?Sized>(
        self: &Arc<Self>,
        event: &str,
        args: &T,
    ) -> Result<Waiting, SendError> {
        self.engine.refuse_when_overloaded()?;
        let id = self.next_ack.fetch_add(1, Ordering::Relaxed);
        let namespace = self.namespace_name();
        let frame = Frame::packet(PacketType::Event, namespace, Some(id), Some(event), args, &[])?;
        let bytes = frame.len() + FRAME_OVERHEAD;
        let (reply, answer) = oneshot::channel();
        self.order(Order::Ask { socket: self.clone(), id, frame, reply }, bytes);
        Ok(Waiting { socket: self.clone(), id, answer, settled: false })
    }

    fn order(&self, order: Order, bytes: usize) {
        self.engine.shards[self.shard].push(Command::Session { key: self.key, order }, bytes);
    }
}

/// Waits for an answer; given up, it is forgotten on the shard as well.
struct Waiting {
    socket: Arc<SocketCore>,
    id: u64,
    answer: oneshot::Receiver<Answer>,
    settled: bool,
}

impl Drop for Waiting {
    fn drop(&mut self) {
        if !self.settled {
            let socket = self.socket.clone();
            self.socket.order(Order::ForgetAnswer { socket, id: self.id }, 0);
        }
    }
}

impl<S> Clone for Socket<S> {
    fn clone(&self) -> Self {
        Self { core: self.core.clone(), session: PhantomData }
    }
}

impl<S> PartialEq for Socket<S> {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.core, &other.core)
    }
}

impl<S> Eq for Socket<S> {}

impl<S> fmt::Debug for Socket<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Socket({} in {})", self.core.id, self.core.namespace_name())
    }
}

impl From<EncodeError> for SendError {
    fn from(error: EncodeError) -> Self {
        Self::Encode(error)
    }
}

impl fmt::Display for SendError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Encode(error) => error.fmt(f),
            Self::Overloaded => f.write_str("too much waits to be sent; try again later"),
            Self::AlreadyAnswered => f.write_str("the event has been answered before"),
            Self::TooManyGroups => f.write_str("the socket is in as many groups as it may be"),
        }
    }
}

impl fmt::Display for AckError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Send(error) => error.fmt(f),
            Self::Timeout => f.write_str("the client did not answer in time"),
            Self::Disconnected => f.write_str("the socket ended before the client answered"),
        }
    }
}

impl std::error::Error for SendError {}
impl std::error::Error for AckError {}

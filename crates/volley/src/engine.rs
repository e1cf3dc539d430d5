//! The engine as the application holds it, and what its parts share.

use std::fmt;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::oneshot;

use crate::access::{Authorize, Origins};
use crate::builder::Builder;
use crate::engine_io::Sid;
use crate::frame::Frame;
use crate::group::{Group, Groups};
use crate::limits::{Limits, MAX_INBOX_BYTES};
use crate::metrics::{Metrics, Snapshot};
use crate::namespace::Handlers;
use crate::raw::OnMessage;
use crate::service::Service;
use crate::shard::{Command, ShardInbox};
use crate::socket::SendError;

/// A running engine: its namespaces, its connections and the threads that serve them. Clones are the same engine; when
/// the last one is dropped, its services included, everything it runs ends.
#[derive(Clone)]
pub struct Volley {
    pub(crate) core: Arc<Core>,
    running: Arc<Running>,
}

/// What shards, sockets, groups and services share.
pub(crate) struct Core {
    pub(crate) limits: Limits,
    pub(crate) application: Application,
    pub(crate) namespaces: Vec<Registered>,
    pub(crate) shards: Vec<ShardInbox>,
    pub(crate) metrics: Metrics,
    pub(crate) runtime: tokio::runtime::Handle,
    pub(crate) origins: Origins,
    pub(crate) authorize: Option<Authorize>,
    pub(crate) under_way: UnderWay,
    pub(crate) stopping: AtomicBool,
    pub(crate) seats: AtomicUsize,
}

/// What is spoken over the connections.
pub(crate) enum Application {
    /// Socket.IO, with the engine's namespaces.
    SocketIo,
    /// Engine.IO messages as they come.
    Raw(OnMessage),
}

/// A namespace under its name.
pub(crate) struct Registered {
    pub(crate) name: Box<str>,
    pub(crate) handlers: Box<dyn Handlers>,
    pub(crate) groups: Groups,
}

/// Handlers that wait for what has not come yet, and shards that hold their fire for any.
#[derive(Default)]
pub(crate) struct UnderWay {
    pub(crate) handlers: AtomicUsize,
    pub(crate) holding: AtomicUsize,
}

/// A connection's place among those that may be open at once; dropped, it is free again.
pub(crate) struct Seat {
    core: Arc<Core>,
}

/// Ends the shards when nobody holds the engine any more.
struct Running {
    core: Arc<Core>,
}

impl Volley {
    /// Starts to describe an engine.
    pub fn builder() -> Builder {
        Builder::default()
    }

    pub(crate) fn running(core: Arc<Core>) -> Self {
        Self { running: Arc::new(Running { core: core.clone() }), core }
    }

    /// The tower service that answers this engine's path, for `Router::route_service("/socket.io/", …)` and the like.
    pub fn service(&self) -> Service {
        Service::new(self.clone())
    }

    /// The group of this name in a namespace, made if there is none.
    ///
    /// # Panics
    /// If the engine was built without this namespace.
    pub fn group(&self, namespace: &str, name: &str) -> Group {
        let index =
            self.core.namespace(namespace).expect("a namespace that the engine was built with");
        self.core.group(index, name)
    }

    /// Sends an event to every socket of a namespace: to all, or with an error to none.
    ///
    /// # Panics
    /// If the engine was built without this namespace.
    pub fn broadcast(&self, namespace: &str, frame: &Frame) -> Result<(), SendError> {
        let namespace =
            self.core.namespace(namespace).expect("a namespace that the engine was built with");
        self.core.refuse_when_overloaded()?;
        for shard in &self.core.shards {
            shard.push(Command::Broadcast { namespace, frame: frame.clone() }, frame.len());
        }
        Ok(())
    }

    /// What the engine has done and holds, now.
    pub fn metrics(&self) -> Snapshot {
        self.core.metrics.snapshot(&self.core.shards)
    }

    /// Accepts nobody any more, closes every connection after what was sent before, and waits until all have ended or the
    /// deadline has passed; what has not ended then is cut. Handlers that run are not waited for beyond it.
    pub async fn shutdown(&self, deadline: Duration) {
        self.core.stopping.store(true, Ordering::Release);
        let ended: Vec<_> = self
            .core
            .shards
            .iter()
            .map(|shard| {
                let (done, ended) = oneshot::channel();
                shard.push(Command::Stop { deadline, done: Some(done) }, 0);
                ended
            })
            .collect();
        for shard in ended {
            // An error means that the shard has ended before.
            let _ = shard.await;
        }
    }
}

impl Core {
    /// The index of a namespace by its name.
    pub(crate) fn namespace(&self, name: &str) -> Option<usize> {
        self.namespaces.iter().position(|registered| &*registered.name == name)
    }

    pub(crate) fn group(self: &Arc<Self>, namespace: usize, name: &str) -> Group {
        self.namespaces[namespace].groups.get(self, namespace, name)
    }

    /// An id for a new connection.
    #[expect(
        clippy::disallowed_methods,
        reason = "ids are drawn outside the shards as well; the generator is the thread's"
    )]
    pub(crate) fn new_sid() -> Sid {
        Sid::random(&mut rand::rng())
    }

    /// The shard that a connection belongs to follows from its id, which is random, so that nobody has to keep a list.
    pub(crate) fn shard_of(&self, sid: Sid) -> usize {
        usize::from(sid.as_bytes()[0]) % self.shards.len()
    }

    /// A handler waits for something.
    pub(crate) fn wait_for_handler(&self) {
        self.under_way.handlers.fetch_add(1, Ordering::SeqCst);
    }

    /// What a handler waited for has come, or it has ended. If it was the last, the shards that hold their fire look again.
    pub(crate) fn wait_no_more(&self) {
        let was_last = self.under_way.handlers.fetch_sub(1, Ordering::SeqCst) == 1;
        if was_last && self.under_way.holding.load(Ordering::SeqCst) > 0 {
            self.shards.iter().for_each(ShardInbox::rouse);
        }
    }

    pub(crate) fn refuse_when_overloaded(&self) -> Result<(), SendError> {
        let overloaded = self.shards.iter().any(|shard| shard.bytes() > MAX_INBOX_BYTES);
        if overloaded { Err(SendError::Overloaded) } else { Ok(()) }
    }
}

impl Seat {
    /// A place for one more connection, unless all are taken or the engine accepts nobody any more.
    pub(crate) fn take(core: &Arc<Core>) -> Option<Self> {
        if core.stopping.load(Ordering::Acquire) {
            return None;
        }
        let seat = Self { core: core.clone() };
        let taken = core.seats.fetch_add(1, Ordering::Relaxed);
        (taken < core.limits.max_connections).then_some(seat)
    }
}

impl Drop for Seat {
    fn drop(&mut self) {
        self.core.seats.fetch_sub(1, Ordering::Relaxed);
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.core.stopping.store(true, Ordering::Release);
        for shard in &self.core.shards {
            shard.push(Command::Stop { deadline: Duration::ZERO, done: None }, 0);
        }
    }
}

impl fmt::Debug for Volley {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let namespaces: Vec<_> =
            self.core.namespaces.iter().map(|registered| &registered.name).collect();
        let _ = &self.running;
        f.debug_struct("Volley").field("namespaces", &namespaces).finish_non_exhaustive()
    }
}

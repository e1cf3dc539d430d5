//! How an engine is described and started.

use std::future::Future;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize};
use std::thread;
use std::time::{Duration, Instant};

use http::request::Parts;

use crate::access::{Authorize, Origins, Pass, Refusal};
use crate::engine::{Application, Core, Registered, UnderWay, Volley};
use crate::group::Groups;
use crate::limits::{self, Limits};
use crate::metrics::Metrics;
use crate::namespace::Namespace;
use crate::raw::{Connection, Message};
use crate::shard::{self, Shard};
use crate::socket_io;

/// An engine that has not started. Every bound has a default in [`limits`].
#[must_use]
pub struct Builder {
    limits: Limits,
    shards: usize,
    namespaces: Vec<Registered>,
    raw: Option<Application>,
    origins: Origins,
    authorize: Option<Authorize>,
    seed: Option<[u8; 32]>,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            limits: Limits::default(),
            shards: thread::available_parallelism().map_or(1, |cores| cores.get().div_ceil(2)),
            namespaces: Vec::new(),
            raw: None,
            origins: Origins::default(),
            authorize: None,
            seed: None,
        }
    }
}

// What it is for.
impl Builder {
    /// Adds a namespace; the main one is `"/"`. Others are refused to clients.
    pub fn namespace<S: Send + Sync + 'static>(
        mut self,
        name: &str,
        namespace: Namespace<S>,
    ) -> Self {
        self.namespaces.retain(|registered| &*registered.name != name);
        let handlers = Box::new(namespace);
        self.namespaces.push(Registered { name: name.into(), handlers, groups: Groups::default() });
        self
    }

    /// Speaks Engine.IO without Socket.IO: `handler` gets every message as it comes, on a thread that it must not block.
    pub fn raw<F>(mut self, handler: F) -> Self
    where
        F: Fn(&Connection<'_>, Message<'_>) + Send + Sync + 'static,
    {
        self.raw = Some(Application::Raw(Box::new(handler)));
        self
    }

    /// From which pages browsers may connect.
    pub fn origins(mut self, origins: Origins) -> Self {
        self.origins = origins;
        self
    }

    /// Asks `hook` about every request of a connection, each poll and the upgrade included.
    ///
    /// ```
    /// use http::header::AUTHORIZATION;
    /// use http::request::Parts;
    /// use volley::{Pass, Refusal, Volley};
    ///
    /// #[derive(Clone)]
    /// struct User(String);
    ///
    /// let builder = Volley::builder().authorize(|request: &Parts| {
    ///     let token = request.headers.get(AUTHORIZATION).cloned();
    ///     async move {
    ///         let token = token.ok_or_else(|| Refusal::unauthorized("log in first"))?;
    ///         // Here the application looks the token up.
    ///         let user = User("alice".to_owned());
    ///         Ok(Pass::bound_to(token.as_bytes()).with(user))
    ///     }
    /// });
    /// ```
    ///
    /// The namespace then finds the user in [`Connect::extensions`](crate::Connect::extensions).
    pub fn authorize<F, Fut>(mut self, hook: F) -> Self
    where
        F: Fn(&Parts) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<Pass, Refusal>> + Send + 'static,
    {
        self.authorize = Some(Box::new(move |request| Box::pin(hook(request))));
        self
    }

    /// How many threads serve the connections; by default one for every two cores. The kernel does most of the work of
    /// sending, in the thread that sends, and the other half of the machine is for the runtime and for what handlers wait for.
    pub fn shards(mut self, shards: usize) -> Self {
        self.shards = shards.max(1);
        self
    }

    /// Makes ids and jitter follow from a seed, for tests that must repeat. Without it they come from the system.
    pub fn seed(mut self, seed: [u8; 32]) -> Self {
        self.seed = Some(seed);
        self
    }
}

macro_rules! setters {
    ($($(#[$doc:meta])* $name:ident: $type:ty),* $(,)?) => {
        // What it allows.
        impl Builder {
            $($(#[$doc])* pub fn $name(mut self, $name: $type) -> Self {
                self.limits.$name = $name;
                self
            })*
        }
    };
}

setters! {
    /// See [`PING_INTERVAL`](limits::PING_INTERVAL).
    ping_interval: Duration,
    /// See [`PING_TIMEOUT`](limits::PING_TIMEOUT).
    ping_timeout: Duration,
    /// See [`CONNECT_TIMEOUT`](limits::CONNECT_TIMEOUT).
    connect_timeout: Duration,
    /// See [`UPGRADE_TIMEOUT`](limits::UPGRADE_TIMEOUT).
    upgrade_timeout: Duration,
    /// See [`MESSAGE_TIMEOUT`](limits::MESSAGE_TIMEOUT).
    message_timeout: Duration,
    /// See [`CLOSE_TIMEOUT`](limits::CLOSE_TIMEOUT).
    close_timeout: Duration,
    /// See [`MAX_PAYLOAD`](limits::MAX_PAYLOAD).
    max_payload: usize,
    /// See [`MAX_PAYLOAD_BEFORE_CONNECT`](limits::MAX_PAYLOAD_BEFORE_CONNECT).
    max_payload_before_connect: usize,
    /// See [`MAX_FRAGMENTS`](limits::MAX_FRAGMENTS).
    max_fragments: u32,
    /// See [`MAX_PACKETS_PER_PAYLOAD`](limits::MAX_PACKETS_PER_PAYLOAD).
    max_packets_per_payload: usize,
    /// See [`MAX_QUEUED_BYTES`](limits::MAX_QUEUED_BYTES).
    max_queued_bytes: usize,
    /// See [`MAX_QUEUED_AGE`](limits::MAX_QUEUED_AGE).
    max_queued_age: Duration,
    /// See [`MAX_GROUPS_PER_SOCKET`](limits::MAX_GROUPS_PER_SOCKET).
    max_groups_per_socket: usize,
    /// See [`MAX_PENDING_ACKS`](limits::MAX_PENDING_ACKS).
    max_pending_acks: usize,
    /// See [`MAX_CONNECTIONS`](limits::MAX_CONNECTIONS).
    max_connections: usize,
}

impl Builder {
    /// See [`MAX_ATTACHMENTS`](limits::MAX_ATTACHMENTS).
    pub fn max_attachments(mut self, max_attachments: usize) -> Self {
        self.limits.packet.max_attachments = max_attachments;
        self
    }

    /// See [`MAX_JSON_DEPTH`](limits::MAX_JSON_DEPTH).
    pub fn max_json_depth(mut self, max_json_depth: usize) -> Self {
        self.limits.packet.max_depth = max_json_depth;
        self
    }

    /// See [`MAX_JSON_KEYS`](limits::MAX_JSON_KEYS).
    pub fn max_json_keys(mut self, max_json_keys: usize) -> Self {
        self.limits.packet.max_keys = max_json_keys;
        self
    }

    /// Starts the engine. Its handlers use the timers and sockets of the runtime that this is called in.
    ///
    /// # Panics
    /// Outside a tokio runtime.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place where the seed of all randomness comes from the system"
    )]
    pub fn build(self) -> io::Result<Volley> {
        let (polls, inboxes): (Vec<_>, Vec<_>) = (0..self.shards)
            .map(|_| shard::open())
            .collect::<io::Result<Vec<_>>>()?
            .into_iter()
            .unzip();
        let core = Arc::new(Core {
            limits: self.limits.within_reach(),
            application: self.raw.unwrap_or(Application::SocketIo),
            namespaces: self.namespaces,
            metrics: Metrics::new(inboxes.len()),
            shards: inboxes,
            runtime: tokio::runtime::Handle::current(),
            origins: self.origins,
            authorize: self.authorize,
            under_way: UnderWay::default(),
            stopping: AtomicBool::new(false),
            seats: AtomicUsize::new(0),
        });
        let volley = Volley::running(core.clone());
        for (index, poll) in polls.into_iter().enumerate() {
            let mut seed = self.seed.unwrap_or_else(rand::random);
            seed[0] ^= index as u8;
            let (core, registry) = (core.clone(), poll.registry().try_clone()?);
            thread::Builder::new().name(format!("volley-{index}")).spawn(move || {
                Shard::new(poll, registry, index, core, Instant::now(), seed).run()
            })?;
        }
        Ok(volley)
    }
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            ping_interval: limits::PING_INTERVAL,
            ping_timeout: limits::PING_TIMEOUT,
            connect_timeout: limits::CONNECT_TIMEOUT,
            upgrade_timeout: limits::UPGRADE_TIMEOUT,
            message_timeout: limits::MESSAGE_TIMEOUT,
            close_timeout: limits::CLOSE_TIMEOUT,
            max_payload: limits::MAX_PAYLOAD,
            max_payload_before_connect: limits::MAX_PAYLOAD_BEFORE_CONNECT,
            max_fragments: limits::MAX_FRAGMENTS,
            max_packets_per_payload: limits::MAX_PACKETS_PER_PAYLOAD,
            max_queued_bytes: limits::MAX_QUEUED_BYTES,
            max_queued_age: limits::MAX_QUEUED_AGE,
            max_groups_per_socket: limits::MAX_GROUPS_PER_SOCKET,
            max_pending_acks: limits::MAX_PENDING_ACKS,
            max_connections: limits::MAX_CONNECTIONS,
            packet: socket_io::Limits {
                max_attachments: limits::MAX_ATTACHMENTS,
                max_depth: limits::MAX_JSON_DEPTH,
                max_keys: limits::MAX_JSON_KEYS,
                ..socket_io::Limits::default()
            },
        }
    }
}

impl std::fmt::Debug for Builder {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Builder")
            .field("limits", &self.limits)
            .field("shards", &self.shards)
            .finish_non_exhaustive()
    }
}

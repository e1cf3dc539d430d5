//! A namespace: who may enter it, and what happens to their events. All of it is known before the first client comes,
//! so no event can arrive before its handler.

use std::any::Any;
use std::collections::HashMap;
use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use http::Extensions;
use serde::{Deserialize, Serialize};

use crate::close::CloseReason;
use crate::event::Event;
use crate::socket::{Socket, SocketCore};

/// What a handler leaves to be done.
pub(crate) type Handling<T = ()> = Pin<Box<dyn Future<Output = T> + Send>>;
/// A session value whose type only its namespace knows.
pub(crate) type AnySession = Arc<dyn Any + Send + Sync>;

type Admit<S> = Box<dyn Fn(Connect) -> Handling<Result<S, Refused>> + Send + Sync>;
type OnConnect<S> = Box<dyn Fn(Socket<S>) -> Handling + Send + Sync>;
type OnEvent<S> = Box<dyn Fn(Socket<S>, Event) -> Handling + Send + Sync>;
type OnDisconnect<S> = Box<dyn Fn(Socket<S>, CloseReason) -> Handling + Send + Sync>;

/// The rules and handlers of one namespace. `S` is what the application knows about a socket it let in.
///
/// The events of one connection are handled one at a time, in the order in which they came; connections do not wait for
/// each other. A handler runs on the thread of its connection's shard, which goes on with others while the handler
/// awaits. So it must not block, nor go on for ever with what is always ready, and what keeps a processor busy for long
/// belongs elsewhere, with `tokio::task::spawn_blocking` say. The runtime's timers and sockets work in it.
///
/// ```
/// use serde::Deserialize;
/// use volley::{CloseReason, Connect, Event, Namespace, Refused, Socket};
///
/// /// What is known about somebody who was let in.
/// struct Player {
///     name: String,
/// }
///
/// #[derive(Deserialize)]
/// struct Auth {
///     name: String,
/// }
///
/// async fn admit(connect: Connect) -> Result<Player, Refused> {
///     let auth: Auth = connect.auth().map_err(|_| Refused::new("a name, please"))?;
///     Ok(Player { name: auth.name })
/// }
///
/// async fn play(socket: Socket<Player>, event: Event) {
///     let Ok((board, field)) = event.args::<(&str, u8)>() else { return };
///     let sent = socket.group(board).emit("move", &(&socket.session().name, field));
///     event.ack(&(sent.is_ok(),)).ok();
/// }
///
/// let game = Namespace::new(admit)
///     .on("move", play)
///     .on_disconnect(|socket: Socket<Player>, reason: CloseReason| async move {
///         println!("{} has left: {reason}", socket.session().name);
///     });
/// ```
pub struct Namespace<S> {
    admit: Admit<S>,
    on_connect: Option<OnConnect<S>>,
    on_event: HashMap<Box<str>, OnEvent<S>>,
    on_any: Option<OnEvent<S>>,
    on_disconnect: Option<OnDisconnect<S>>,
}

/// A client that asks to enter a namespace.
#[derive(Debug)]
pub struct Connect {
    pub(crate) auth: Box<str>,
    pub(crate) extensions: Arc<Extensions>,
}

/// Why a client may not enter a namespace; it reads this in its `connect_error`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Refused {
    message: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    data: Option<serde_json::Value>,
}

impl<S: Send + Sync + 'static> Namespace<S> {
    /// A namespace that asks `admit` about everyone who connects: `Ok` with what is known about them, or a refusal.
    pub fn new<F, Fut>(admit: F) -> Self
    where
        F: Fn(Connect) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<S, Refused>> + Send + 'static,
    {
        Self {
            admit: Box::new(move |connect| Box::pin(admit(connect))),
            on_connect: None,
            on_event: HashMap::new(),
            on_any: None,
            on_disconnect: None,
        }
    }

    /// Called when a socket was let in and has been told so: what is sent here is the first it receives.
    #[must_use]
    pub fn on_connect<F, Fut>(mut self, handler: F) -> Self
    where
        F: Fn(Socket<S>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        self.on_connect = Some(Box::new(move |socket| Box::pin(handler(socket))));
        self
    }

    /// Called for every event of this name.
    #[must_use]
    pub fn on<F, Fut>(mut self, event: &str, handler: F) -> Self
    where
        F: Fn(Socket<S>, Event) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        let handler: OnEvent<S> = Box::new(move |socket, event| Box::pin(handler(socket, event)));
        self.on_event.insert(event.into(), handler);
        self
    }

    /// Called for every event without a handler of its own name. Without this such events are counted and left.
    #[must_use]
    pub fn on_any<F, Fut>(mut self, handler: F) -> Self
    where
        F: Fn(Socket<S>, Event) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        self.on_any = Some(Box::new(move |socket, event| Box::pin(handler(socket, event))));
        self
    }

    /// Called once for every socket for which `on_connect` was due, after its last event was handled.
    #[must_use]
    pub fn on_disconnect<F, Fut>(mut self, handler: F) -> Self
    where
        F: Fn(Socket<S>, CloseReason) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = ()> + Send + 'static,
    {
        self.on_disconnect =
            Some(Box::new(move |socket, reason| Box::pin(handler(socket, reason))));
        self
    }
}

impl Connect {
    /// The client's `auth` payload as a value of your own type; without one it is the empty object.
    pub fn auth<'de, T: Deserialize<'de>>(&'de self) -> Result<T, serde_json::Error> {
        serde_json::from_str(&self.auth)
    }

    /// What [`Pass::with`](crate::Pass::with) kept of the request that opened the connection.
    pub fn extensions(&self) -> &Extensions {
        &self.extensions
    }
}

impl Refused {
    /// A refusal with the message for the client.
    pub fn new(message: impl Into<String>) -> Self {
        Self { message: message.into(), data: None }
    }

    /// Adds details that a program can read, `error.data` in the stock clients.
    #[must_use]
    pub fn with_data(mut self, data: serde_json::Value) -> Self {
        self.data = Some(data);
        self
    }
}

/// A namespace whose session type has been forgotten, as the engine keeps it.
pub(crate) trait Handlers: Send + Sync {
    fn admit(&self, connect: Connect) -> Handling<Result<AnySession, Refused>>;
    fn connect(&self, socket: Arc<SocketCore>) -> Option<Handling>;
    /// `None` when nobody handles events of this name.
    fn event(&self, socket: Arc<SocketCore>, event: Event) -> Option<Handling>;
    fn disconnect(&self, socket: Arc<SocketCore>, reason: CloseReason) -> Option<Handling>;
}

impl<S: Send + Sync + 'static> Handlers for Namespace<S> {
    fn admit(&self, connect: Connect) -> Handling<Result<AnySession, Refused>> {
        let admitted = (self.admit)(connect);
        Box::pin(async move { Ok(Arc::new(admitted.await?) as AnySession) })
    }

    fn connect(&self, socket: Arc<SocketCore>) -> Option<Handling> {
        let handler = self.on_connect.as_ref()?;
        Some(handler(Socket::of(socket)))
    }

    fn event(&self, socket: Arc<SocketCore>, event: Event) -> Option<Handling> {
        let own = self.on_event.get(event.name().as_ref());
        let handler = own.or(self.on_any.as_ref())?;
        Some(handler(Socket::of(socket), event))
    }

    fn disconnect(&self, socket: Arc<SocketCore>, reason: CloseReason) -> Option<Handling> {
        let handler = self.on_disconnect.as_ref()?;
        Some(handler(Socket::of(socket), reason))
    }
}

impl<S> fmt::Debug for Namespace<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Namespace").field("events", &self.on_event.keys()).finish_non_exhaustive()
    }
}

impl fmt::Display for Refused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl std::error::Error for Refused {}

//! A server under test, on a port of its own.

use std::future::pending;
use std::net::{Ipv4Addr, SocketAddr};
use std::time::{Duration, Instant};

use axum::Router;
use rustix::process::{Resource, getrlimit, setrlimit};
use serde_json::value::RawValue;
use tokio::net::TcpListener;
use tokio::task::JoinHandle;
use volley::{Builder, Event, Frame, Namespace, Refused, SendError, Snapshot, Socket, Volley};

/// How long anything may take that should happen at once; only a failing test waits for it.
pub(crate) const PATIENCE: Duration = Duration::from_secs(10);

pub(crate) struct Server {
    pub(crate) addr: SocketAddr,
    pub(crate) volley: Volley,
    serving: JoinHandle<()>,
}

impl Server {
    /// Serves what `describe` makes of a fresh builder at `/socket.io/`.
    pub(crate) async fn start(describe: impl FnOnce(Builder) -> Builder) -> Self {
        Self::start_with(describe, Router::new()).await
    }

    /// The same, beside the routes of `router`.
    pub(crate) async fn start_with(
        describe: impl FnOnce(Builder) -> Builder,
        router: Router,
    ) -> Self {
        let serve = |listener, app: Router| volley::Server::new(listener).serve(app, pending());
        Self::serve_by(describe, |listener, app| serve(listener, router.merge(app))).await
    }

    /// The same, but somebody else accepts.
    pub(crate) async fn serve_by<F: Future<Output = ()> + Send + 'static>(
        describe: impl FnOnce(Builder) -> Builder,
        serve: impl FnOnce(TcpListener, Router) -> F,
    ) -> Self {
        allow_many_connections();
        let volley = describe(Volley::builder()).build().expect("the limits are in order");
        let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).await.expect("a free port");
        let addr = listener.local_addr().expect("a bound listener");
        let app = Router::new().route_service("/socket.io/", volley.service());
        let serving = tokio::spawn(serve(listener, app));
        Self { addr, volley, serving }
    }

    /// A server whose namespaces `/` and `/custom` send every event back.
    pub(crate) async fn echo() -> Self {
        Self::start(with_echo).await
    }

    /// Waits until the metrics are as they should be.
    pub(crate) async fn until(&self, wish: impl Fn(&Snapshot) -> bool) -> Snapshot {
        let patient_until = Instant::now() + PATIENCE;
        loop {
            let metrics = self.volley.metrics();
            if wish(&metrics) {
                return metrics;
            }
            assert!(Instant::now() < patient_until, "it did not come to that: {metrics:#?}");
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    }

    /// Waits until everybody is gone, and checks that they left nothing behind.
    pub(crate) async fn until_empty(&self) -> Snapshot {
        let metrics = self.until(|metrics| metrics.connections() == 0).await;
        let left = (metrics.sockets, metrics.frames_waiting, metrics.queued_bytes);
        assert_eq!(left, (0, 0, 0), "sockets, frames and bytes are left: {metrics:#?}");
        assert_eq!(metrics.frames_dropped(), 0, "frames vanished: {metrics:#?}");
        assert_eq!(metrics.opened, metrics.closes.iter().sum::<u64>(), "each ends once");
        metrics
    }
}

/// Every connection is an open file at each end, and most systems start a program with a low limit that it may raise.
fn allow_many_connections() {
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).expect("the limit may be raised to the maximum");
}

impl Drop for Server {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

/// The namespaces `/` and `/custom`, each sending every event back.
pub(crate) fn with_echo(builder: Builder) -> Builder {
    builder.namespace("/", echo()).namespace("/custom", echo())
}

/// Lets everybody in and sends every event back: as the answer if one is asked for, as an event otherwise.
pub(crate) fn echo() -> Namespace<()> {
    anybody().on_any(|socket, event| async move {
        // Nothing is sent to somebody who has left; that is no failure of the test.
        let _ = send_back(&socket, &event);
    })
}

/// Lets everybody in.
pub(crate) fn anybody() -> Namespace<()> {
    Namespace::new(|_| async { Ok::<_, Refused>(()) })
}

/// Sends an event back, whatever its arguments are.
pub(crate) fn send_back<S>(socket: &Socket<S>, event: &Event) -> Result<(), SendError>
where
    S: Send + Sync + 'static,
{
    let args: Vec<&RawValue> = event.args().expect("arguments are an array");
    if event.wants_ack() {
        return event.ack_binary(&args, event.attachments());
    }
    let (name, attachments) = (event.name(), event.attachments());
    socket.send(&Frame::binary_event(socket.namespace(), &name, &args, attachments)?)
}

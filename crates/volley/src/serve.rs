//! An HTTP/1.1 server with bounds: what a server on the open internet needs around a router and most do not set.

use std::collections::HashMap;
use std::convert::Infallible;
use std::future::Future;
use std::io;
use std::net::{IpAddr, Ipv6Addr, SocketAddr};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use http::{Request, Response};
use http_body::Body;
use hyper::body::Incoming;
use hyper::server::conn::http1;
use hyper::service::{Service as _, service_fn};
use hyper_util::rt::{TokioIo, TokioTimer};
use hyper_util::service::TowerToHyperService;
use socket2::SockRef;
use tokio::net::{TcpListener, TcpSocket, TcpStream, ToSocketAddrs, lookup_host};
use tokio::sync::{Semaphore, watch};

/// From the first byte of a request's head, or of a connection, to the end of the head.
pub const HEADER_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a client may leave unread, or unacknowledged, what was sent to it.
pub const SEND_TIMEOUT: Duration = Duration::from_secs(30);
/// Header fields of one request.
pub const MAX_HEADERS: usize = 100;
/// Bytes of a request's head, about: what is read with it may make it a few KiB more.
pub const MAX_HEADER_BYTES: usize = 32 * 1024;
/// How long requests under way may take when the server stops.
pub const DRAIN_TIMEOUT: Duration = Duration::from_secs(5);
/// Connections that the system keeps until they are accepted; it may have a lower bound of its own.
const BACKLOG: u32 = 4096;
/// How long nothing is accepted after the system has refused to, so that it can recover.
const ACCEPT_PAUSE: Duration = Duration::from_millis(100);

/// Serves a tower service (an axum router, say) over HTTP/1.1 with upgrades.
///
/// WebSockets leave the server when they are upgraded, so they do not count here; the engine has its own
/// [`MAX_CONNECTIONS`](crate::limits::MAX_CONNECTIONS).
#[derive(Debug)]
#[must_use]
pub struct Server {
    listener: TcpListener,
    max_connections: usize,
    max_connections_per_address: usize,
    header_timeout: Duration,
    drain_timeout: Duration,
}

/// Who is at the other end of the connection: found in the extensions of every request that a [`Server`] serves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Peer(pub SocketAddr);

/// How many connections each address has open.
#[derive(Debug, Default)]
struct Visitors {
    by_address: Mutex<HashMap<IpAddr, usize>>,
}

/// One connection of an address, until it is dropped.
struct Visit {
    visitors: Arc<Visitors>,
    address: IpAddr,
}

impl Server {
    /// A server on this address, `127.0.0.1:3000` say or `localhost:0` for any free port. Its queue of connections that
    /// wait to be accepted is longer than usual, for when all clients come back at once.
    pub async fn bind(address: impl ToSocketAddrs) -> io::Result<Self> {
        let mut refused =
            io::Error::new(io::ErrorKind::AddrNotAvailable, "the name has no address");
        for address in lookup_host(address).await? {
            match listen(address) {
                Ok(listener) => return Ok(Self::new(listener)),
                Err(error) => refused = error,
            }
        }
        Err(refused)
    }

    /// A server on this listener with the default bounds.
    pub fn new(listener: TcpListener) -> Self {
        Self {
            listener,
            max_connections: 10_000,
            max_connections_per_address: 10_000,
            header_timeout: HEADER_TIMEOUT,
            drain_timeout: DRAIN_TIMEOUT,
        }
    }

    /// The address that the server listens on.
    pub fn local_addr(&self) -> io::Result<SocketAddr> {
        self.listener.local_addr()
    }

    /// HTTP connections that are served at once; others wait in the listener's queue. By default 10,000.
    pub fn max_connections(mut self, max_connections: usize) -> Self {
        self.max_connections = max_connections;
        self
    }

    /// HTTP connections of one address (of one /64 with IPv6) at once; more are closed. By default no fewer than of all,
    /// since behind a proxy all have its address.
    pub fn max_connections_per_address(mut self, max_connections_per_address: usize) -> Self {
        self.max_connections_per_address = max_connections_per_address;
        self
    }

    /// See [`HEADER_TIMEOUT`].
    pub fn header_timeout(mut self, header_timeout: Duration) -> Self {
        self.header_timeout = header_timeout;
        self
    }

    /// See [`DRAIN_TIMEOUT`].
    pub fn drain_timeout(mut self, drain_timeout: Duration) -> Self {
        self.drain_timeout = drain_timeout;
        self
    }

    /// Serves until `stop` resolves, then finishes the requests under way.
    pub async fn serve<S, B>(self, service: S, stop: impl Future<Output = ()>)
    where
        S: tower_service::Service<Request<Incoming>, Response = Response<B>, Error = Infallible>,
        S: Clone + Send + 'static,
        S::Future: Send,
        B: Body + Send + 'static,
        B::Data: Send,
        B::Error: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        let mut http = http1::Builder::new();
        http.timer(TokioTimer::new())
            .header_read_timeout(self.header_timeout)
            .max_headers(MAX_HEADERS)
            .max_buf_size(MAX_HEADER_BYTES);
        let (stopping, stopped) = watch::channel(());
        let visitors = Arc::new(Visitors::default());
        let seats = Arc::new(Semaphore::new(self.max_connections));
        tokio::pin!(stop);
        loop {
            let accepted = async {
                let seat =
                    seats.clone().acquire_owned().await.expect("the semaphore is never closed");
                (seat, self.listener.accept().await)
            };
            let (seat, accepted) = tokio::select! {
                accepted = accepted => accepted,
                () = &mut stop => break,
            };
            let (stream, address) = match accepted {
                Ok(accepted) => accepted,
                Err(error) if is_of_one_connection(&error) => continue,
                Err(error) => {
                    tracing::warn!(%error, "no connection can be accepted now");
                    pause().await;
                    continue;
                }
            };
            let Some(visit) = visitors.enter(address.ip(), self.max_connections_per_address) else {
                continue;
            };
            let service = TowerToHyperService::new(service.clone());
            let service = service_fn(move |mut request: Request<Incoming>| {
                request.extensions_mut().insert(Peer(address));
                service.call(request)
            });
            let connection = http.serve_connection(io_of(stream), service).with_upgrades();
            let mut stopped = stopped.clone();
            tokio::spawn(async move {
                tokio::pin!(connection);
                // A connection that breaks is its client's affair.
                tokio::select! {
                    _ = &mut connection => {}
                    _ = stopped.changed() => {
                        connection.as_mut().graceful_shutdown();
                        let _ = connection.await;
                    }
                }
                drop((seat, visit));
            });
        }
        drop((self.listener, stopped));
        stopping.send_replace(());
        let _ = tokio::time::timeout(self.drain_timeout, stopping.closed()).await;
    }
}

fn listen(address: SocketAddr) -> io::Result<TcpListener> {
    let socket = if address.is_ipv4() { TcpSocket::new_v4()? } else { TcpSocket::new_v6()? };
    // As `TcpListener::bind` has it: a server that was stopped can start again at once.
    socket.set_reuseaddr(true)?;
    socket.bind(address)?;
    socket.listen(BACKLOG)
}

/// Out of descriptors, say: nothing tells when that is over.
#[expect(clippy::disallowed_methods, reason = "there is no event to wait for")]
async fn pause() {
    tokio::time::sleep(ACCEPT_PAUSE).await;
}

fn io_of(stream: TcpStream) -> TokioIo<TcpStream> {
    // An answer should not wait for the next one; without it the connection works all the same.
    let _ = stream.set_nodelay(true);
    // HTTP has no deadline for a client that does not take its answers; the kernel has one.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    let _ = SockRef::from(&stream).set_tcp_user_timeout(Some(SEND_TIMEOUT));
    TokioIo::new(stream)
}

/// Errors of `accept` that concern the connection and not the listener.
fn is_of_one_connection(error: &io::Error) -> bool {
    matches!(
        error.kind(),
        io::ErrorKind::ConnectionRefused
            | io::ErrorKind::ConnectionAborted
            | io::ErrorKind::ConnectionReset
            | io::ErrorKind::Interrupted
    )
}

impl Visitors {
    fn enter(self: &Arc<Self>, address: IpAddr, most: usize) -> Option<Visit> {
        let address = network(address);
        let mut by_address = self.by_address.lock().expect("no visit panics");
        let count = by_address.entry(address).or_default();
        if *count >= most {
            return None;
        }
        *count += 1;
        Some(Visit { visitors: self.clone(), address })
    }
}

impl Drop for Visit {
    fn drop(&mut self) {
        let mut by_address = self.visitors.by_address.lock().expect("no visit panics");
        if let Some(count) = by_address.get_mut(&self.address) {
            *count -= 1;
            if *count == 0 {
                by_address.remove(&self.address);
            }
        }
    }
}

/// Whoever has an IPv6 address has a /64 of them.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V6(address) => {
            IpAddr::V6(Ipv6Addr::from_bits(address.to_bits() & !u128::from(u64::MAX)))
        }
        v4 @ IpAddr::V4(_) => v4,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_has_so_many_connections_and_no_more() {
        let visitors = Arc::new(Visitors::default());
        let alice = "192.0.2.1".parse().unwrap();
        let first = visitors.enter(alice, 2);
        let second = visitors.enter(alice, 2);
        assert!(first.is_some() && second.is_some());
        assert!(visitors.enter(alice, 2).is_none());
        assert!(visitors.enter("192.0.2.2".parse().unwrap(), 2).is_some());
        drop(first);
        assert!(visitors.enter(alice, 2).is_some());
        drop(second);
        assert!(visitors.by_address.lock().unwrap().is_empty());
    }

    #[test]
    fn the_addresses_of_one_ipv6_network_count_as_one() {
        let address = |text: &str| network(text.parse().unwrap());
        assert_eq!(address("2001:db8::1"), address("2001:db8::ffff"));
        assert_ne!(address("2001:db8::1"), address("2001:db8:0:1::1"));
        assert_eq!(address("::ffff:192.0.2.1"), address("192.0.2.1"));
    }
}

//! Connections that are no TCP streams to the engine, as with TLS in the process: a pump stands between.

use std::io;
use std::net::SocketAddr;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::{Duration, Instant};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::time::{sleep, timeout};
use volley::{Builder, Namespace, Socket};

use crate::raw_socket::RawSocket;
use crate::server::{PATIENCE, Server, anybody, echo};

/// Gives the server nothing that it knows.
struct Listener(TcpListener);
struct Wrapped(TcpStream);

impl axum::serve::Listener for Listener {
    type Io = Wrapped;
    type Addr = SocketAddr;

    async fn accept(&mut self) -> (Wrapped, SocketAddr) {
        let (stream, address) = self.0.accept().await.unwrap();
        (Wrapped(stream), address)
    }

    fn local_addr(&self) -> io::Result<SocketAddr> {
        self.0.local_addr()
    }
}

impl AsyncRead for Wrapped {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        buffer: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_read(context, buffer)
    }
}

impl AsyncWrite for Wrapped {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        Pin::new(&mut self.0).poll_write(context, bytes)
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        Pin::new(&mut self.0).poll_shutdown(context)
    }
}

/// How long what is left may take to leave when a connection has ended.
const BRIEF: Duration = Duration::from_millis(200);

async fn pumped(namespace: Namespace<()>, close_timeout: Duration) -> Server {
    let describe = |builder: Builder| {
        builder.namespace("/", namespace).max_queued_bytes(1 << 30).close_timeout(close_timeout)
    };
    Server::serve_by(describe, |listener, app| async move {
        axum::serve(Listener(listener), app).await.unwrap();
    })
    .await
}

/// A server whose sockets are handed out.
async fn handing_out(close_timeout: Duration) -> (Server, UnboundedReceiver<Socket<()>>) {
    let (enter, entered) = unbounded_channel();
    let namespace = anybody().on_connect(move |socket| {
        enter.send(socket).unwrap();
        async {}
    });
    (pumped(namespace, close_timeout).await, entered)
}

/// No descriptor of ours is left of the server's end: Linux says that nobody has it, or nothing of it.
async fn expect_let_go(server: &Server, client: &RawSocket) {
    let ports = [server.addr.port(), client.port()].map(|port| format!(":{port:04X}"));
    let is_held = || {
        let table = std::fs::read_to_string("/proc/net/tcp").unwrap();
        table
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>())
            .any(|row| row[1].ends_with(&ports[0]) && row[2].ends_with(&ports[1]) && row[9] != "0")
    };
    let since = Instant::now();
    while is_held() {
        assert!(since.elapsed() < PATIENCE, "somebody still has it");
        sleep(BRIEF / 10).await;
    }
}

#[tokio::test]
async fn what_is_said_arrives_in_both_directions() {
    let server = pumped(echo(), BRIEF).await;
    let mut client = RawSocket::enter(&server).await;
    client.expect_nothing_before(r#"42["through the pump"]"#).await;
}

#[tokio::test]
async fn nothing_is_left_of_a_connection_whose_client_does_not_go() {
    let (server, mut entered) = handing_out(BRIEF).await;
    let client = RawSocket::enter(&server).await;
    entered.recv().await.unwrap().close();
    server.until_empty().await;
    expect_let_go(&server, &client).await;
}

#[tokio::test]
async fn who_is_expelled_and_does_not_read_is_cut_off_at_once() {
    let (server, mut entered) = handing_out(2 * PATIENCE).await;
    let client = RawSocket::enter(&server).await;
    let socket = entered.recv().await.unwrap();
    let padding = "x".repeat(20_000);
    (0..2_000).for_each(|number| socket.emit("said", &(number, &padding)).unwrap());
    assert!(timeout(BRIEF, socket.flushed()).await.is_err(), "it all fits");
    socket.expel();
    server.until_empty().await;
    expect_let_go(&server, &client).await;
}

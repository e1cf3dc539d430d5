//! The server that the public test suites of Engine.IO v4 and Socket.IO v5 are run against. They expect it on port 3000:
//! `cargo run --example conformance`.

use std::future::pending;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr};
use std::time::Duration;

use serde_json::value::RawValue;
use volley::{
    Builder, Connect, Event, Frame, Namespace, Origins, Refused, SendError, Server, Socket, Volley,
};

/// The `auth` that a client came with.
type Auth = Box<RawValue>;

/// The suites ask `localhost`, which is the one address on some machines and the other on others: both, or else the older.
const LOCALHOST: [SocketAddr; 2] = [
    SocketAddr::new(IpAddr::V6(Ipv6Addr::UNSPECIFIED), 3000),
    SocketAddr::new(IpAddr::V4(Ipv4Addr::UNSPECIFIED), 3000),
];

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let address = std::env::args().skip_while(|arg| arg != "--listen").nth(1);
    let server = match address {
        Some(address) => Server::bind(address).await?,
        None => Server::bind(&LOCALHOST[..]).await?,
    };
    let engine_io = as_the_suites_expect()
        .raw(|connection, message| report(connection.send(&message)))
        .build()?;
    let socket_io =
        as_the_suites_expect().namespace("/", mirror()).namespace("/custom", mirror()).build()?;
    let app = axum::Router::new()
        .route_service("/engine.io/", engine_io.service())
        .route_service("/socket.io/", socket_io.service());
    println!("listening on {}", server.local_addr()?);
    server.serve(app, pending()).await;
    Ok(())
}

fn as_the_suites_expect() -> Builder {
    Volley::builder()
        .origins(Origins::Any)
        .ping_interval(Duration::from_millis(300))
        .ping_timeout(Duration::from_millis(200))
        .connect_timeout(Duration::from_secs(1))
        .max_payload(1_000_000)
}

/// Tells each client the auth it came with, and gives back what it sends.
fn mirror() -> Namespace<Auth> {
    Namespace::new(|connect: Connect| async move {
        connect.auth::<Auth>().map_err(|error| Refused::new(error.to_string()))
    })
    .on_connect(|socket| async move { report(socket.emit("auth", &(socket.session(),))) })
    .on("message", send_back)
    .on("message-with-ack", answer)
}

/// Sends the arguments back, whatever they are.
async fn send_back(socket: Socket<Auth>, event: Event) {
    let Ok(args) = event.args::<Vec<&RawValue>>() else { return };
    match Frame::binary_event(socket.namespace(), "message-back", &args, event.attachments()) {
        Ok(frame) => report(socket.send(&frame)),
        Err(error) => report(Err(error.into())),
    }
}

async fn answer(_: Socket<Auth>, event: Event) {
    let Ok(args) = event.args::<Vec<&RawValue>>() else { return };
    report(event.ack_binary(&args, event.attachments()));
}

fn report(sent: Result<(), SendError>) {
    if let Err(error) = sent {
        eprintln!("not sent: {error}");
    }
}

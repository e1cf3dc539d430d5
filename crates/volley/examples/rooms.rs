//! Rooms: `join` a room by its name, and a `message` to it goes to everyone in it, its sender included. Both are acked
//! with `true`.
//!
//! `cargo run --release --example rooms -- --listen 127.0.0.1:3000`

use std::future::pending;

use serde_json::value::RawValue;
use volley::{Connect, Event, Namespace, Origins, Refused, Server, Socket, Volley};

/// The engine frees what a connection held when it ends; this allocator hands it on to the system, where the usual one
/// keeps it.
#[global_allocator]
static ALLOCATOR: tikv_jemallocator::Jemalloc = tikv_jemallocator::Jemalloc;

#[tokio::main]
async fn main() -> std::io::Result<()> {
    let address = std::env::args().skip_while(|arg| arg != "--listen").nth(1);
    let server = Server::bind(address.as_deref().unwrap_or("127.0.0.1:3000")).await?;
    let rooms = Namespace::new(|_: Connect| async { Ok::<_, Refused>(()) })
        .on("join", join)
        .on("message", message);
    let volley = Volley::builder().origins(Origins::Any).namespace("/", rooms).build()?;
    let app = axum::Router::new().route_service("/socket.io/", volley.service());
    println!("listening on {}", server.local_addr()?);
    server.serve(app, pending()).await;
    Ok(())
}

async fn join(socket: Socket<()>, event: Event) {
    let Ok((room,)) = event.args::<(String,)>() else { return };
    let joined = socket.join(&socket.group(&room)).is_ok();
    let _ = event.ack(&(joined,));
}

async fn message(socket: Socket<()>, event: Event) {
    // The value goes on as the JSON it came as; nothing is gained by taking it apart.
    let Ok((room, value)) = event.args::<(String, &RawValue)>() else { return };
    let sent = socket.group(&room).emit("message", &(value,)).is_ok();
    let _ = event.ack(&(sent,));
}

//! Rooms: `join` a room by its name, and a `message` to it goes to everyone in it.
//!
//! `cargo run --release --example rooms -- --listen 127.0.0.1:3000`

use serde_json::value::RawValue;
use tokio::net::TcpListener;
use volley::{Connect, Event, Namespace, Origins, Refused, Server, Socket, Volley};

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let mut args = std::env::args().skip(1);
    let address = match (args.next().as_deref(), args.next()) {
        (Some("--listen"), Some(address)) => address,
        _ => return Err("usage: rooms --listen ADDR".into()),
    };
    let rooms = Namespace::new(|_: Connect| async { Ok::<_, Refused>(()) })
        .on("join", join)
        .on("message", message);
    let volley = Volley::builder().origins(Origins::Any).namespace("/", rooms).build()?;
    let app = axum::Router::new().route_service("/socket.io/", volley.service());
    let listener = TcpListener::bind(address).await?;
    println!("listening on {}", listener.local_addr()?);
    Server::new(listener).serve(app, std::future::pending()).await;
    Ok(())
}

async fn join(socket: Socket<()>, event: Event) {
    let Ok((room,)) = event.args::<(&str,)>() else {
        return;
    };
    let joined = socket.join(&socket.group(room)).is_ok();
    let _ = event.ack(&(joined,));
}

async fn message(socket: Socket<()>, event: Event) {
    let Ok((room, value)) = event.args::<(&str, &RawValue)>() else {
        return;
    };
    let sent = socket.group(room).emit("message", &(value,)).is_ok();
    let _ = event.ack(&(sent,));
}

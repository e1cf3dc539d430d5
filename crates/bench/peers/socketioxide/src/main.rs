//! socketioxide, with its default options but for two that would keep it from being measured.
//! `--listen HOST:PORT`.
use std::convert::Infallible;

use axum::serve::ListenerExt;
use serde_json::Value;
use socketioxide::SocketIo;
use socketioxide::extract::{AckSender, Data, SocketRef};
use socketioxide::handler::ConnectHandler;

/// Packets that may wait for a socket. Of the default, 128, it loses those that are too many without
/// a word, and a server that loses messages cannot be compared.
const PACKETS_PER_SOCKET: usize = 4096;

#[tokio::main]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let listen = std::env::args().skip_while(|argument| argument != "--listen").nth(1);
    let listener = tokio::net::TcpListener::bind(listen.ok_or("--listen HOST:PORT")?).await?;
    // Without this Nagle's algorithm would be what is measured.
    let listener = listener.tap_io(|tcp| drop(tcp.set_nodelay(true)));

    let (layer, io) = SocketIo::builder().max_buffer_size(PACKETS_PER_SOCKET).build_layer();
    // Handlers are attached before CONNECT is answered: in the connect handler it would be too late
    // for the event that a client sends right after it.
    io.ns("/", (async || ()).with(attach));
    axum::serve(listener, axum::Router::new().layer(layer)).await?;
    Ok(())
}

async fn attach(socket: SocketRef) -> Result<(), Infallible> {
    socket.on("join", join);
    socket.on("message", message);
    Ok(())
}

async fn join(socket: SocketRef, Data(room): Data<String>, ack: AckSender) {
    socket.join(room);
    ack.send(&true).ok();
}

async fn message(io: SocketIo, Data((room, value)): Data<(String, Value)>, ack: AckSender) {
    io.to(room).emit("message", &value).await.ok();
    ack.send(&true).ok();
}

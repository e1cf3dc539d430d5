//! A WebSocket that carries Engine.IO packets.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures_util::{SinkExt, StreamExt};
use tokio::net::TcpStream;
use tokio::time::timeout;
use tokio_tungstenite::tungstenite::Message;
use tokio_tungstenite::tungstenite::client::IntoClientRequest;
use tokio_tungstenite::tungstenite::protocol::WebSocketConfig;
use tokio_tungstenite::{WebSocketStream, client_async_with_config};

use super::{Ends, Opening, PING, PONG};

/// Ten thousand of these are open at once; the default would be 128 KiB for each.
const BUFFER: usize = 4 * 1024;

pub(super) struct Stream {
    web: WebSocketStream<TcpStream>,
    silence: Duration,
}

/// A new connection.
pub(super) async fn open(at: SocketAddr) -> Result<Stream> {
    let mut web = handshake(at, "", None).await?;
    let Some(Message::Text(packet)) = web.next().await.transpose()? else {
        bail!("it does not open");
    };
    Ok(Stream { web, silence: Opening::parse(&packet)?.silence() })
}

/// The WebSocket to which a session by long-polling can move, tried out: the server has answered on it.
pub(super) async fn probe(
    at: SocketAddr,
    sid: &str,
    token: &str,
    silence: Duration,
) -> Result<Stream> {
    let mut web = handshake(at, &format!("&sid={sid}"), Some(token)).await?;
    web.send(Message::text("2probe")).await?;
    match web.next().await.transpose()? {
        Some(Message::Text(answer)) if answer == "3probe" => Ok(Stream { web, silence }),
        other => bail!("{other:?} instead of an answer to the probe"),
    }
}

/// Moves a session by long-polling here for good, and carries its packets from here on, those first that it had not sent.
pub(super) async fn go_on(mut stream: Stream, unsent: Vec<String>, ends: Ends) {
    for packet in ["5".to_owned()].into_iter().chain(unsent) {
        if stream.web.send(Message::text(packet)).await.is_err() {
            return;
        }
    }
    carry(stream, ends).await;
}

/// Carries packets until one side has no more.
pub(super) async fn carry(Stream { mut web, silence }: Stream, mut ends: Ends) {
    loop {
        let done = tokio::select! {
            message = timeout(silence, web.next()) => match message {
                Ok(Some(Ok(Message::Text(packet)))) if packet == PING => {
                    web.send(Message::text(PONG)).await.is_err()
                }
                Ok(Some(Ok(Message::Text(packet)))) => {
                    packet == "1" || packet != "6" && ends.incoming.send(packet.to_string()).await.is_err()
                }
                _ => true,
            },
            packet = ends.outgoing.recv() => match packet {
                Some(packet) => web.send(Message::text(packet)).await.is_err(),
                None => true,
            },
        };
        if done {
            return;
        }
    }
}

async fn handshake(
    at: SocketAddr,
    more: &str,
    token: Option<&str>,
) -> Result<WebSocketStream<TcpStream>> {
    let url = format!("ws://{at}/socket.io/?EIO=4&transport=websocket{more}");
    let mut request = url.into_client_request()?;
    if let Some(token) = token {
        request.headers_mut().insert("authorization", format!("Bearer {token}").parse()?);
    }
    let tcp = TcpStream::connect(at).await?;
    tcp.set_nodelay(true)?;
    let config = WebSocketConfig::default().read_buffer_size(BUFFER).write_buffer_size(0);
    let (web, _) =
        client_async_with_config(request, tcp, Some(config)).await.context("no WebSocket")?;
    Ok(web)
}

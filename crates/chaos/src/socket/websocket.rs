//! A WebSocket that carries Engine.IO packets.

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use futures_util::{SinkExt, StreamExt};
use tokio::net::{TcpSocket, TcpStream};
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

impl Stream {
    /// Sends a packet, and reads until one comes that begins like its answer.
    pub(super) async fn ask(&mut self, packet: String, answer: &str) -> Result<()> {
        self.web.send(Message::text(packet)).await?;
        while let Some(message) = timeout(self.silence, self.web.next()).await? {
            if matches!(message?, Message::Text(packet) if packet.starts_with(answer)) {
                return Ok(());
            }
        }
        bail!("it ended before {answer}")
    }

    /// Reads and answers pings until it ends.
    pub(super) async fn read(&mut self) -> Result<()> {
        while let Some(message) = timeout(self.silence, self.web.next()).await? {
            if matches!(message?, Message::Text(packet) if packet == PING) {
                self.web.send(Message::text(PONG)).await?;
            }
        }
        Ok(())
    }

    pub(super) fn into_tcp(self) -> TcpStream {
        self.web.into_inner()
    }
}

/// A new connection, for which the kernel keeps so many bytes that are not read, if that is said.
pub(super) async fn open(at: SocketAddr, keeps: Option<u32>) -> Result<Stream> {
    let mut web = handshake(at, "", None, keeps).await?;
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
    let mut web = handshake(at, &format!("&sid={sid}"), Some(token), None).await?;
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
    keeps: Option<u32>,
) -> Result<WebSocketStream<TcpStream>> {
    let url = format!("ws://{at}/socket.io/?EIO=4&transport=websocket{more}");
    let mut request = url.into_client_request()?;
    if let Some(token) = token {
        request.headers_mut().insert("authorization", format!("Bearer {token}").parse()?);
    }
    let tcp = TcpSocket::new_v4()?;
    if let Some(bytes) = keeps {
        tcp.set_recv_buffer_size(bytes)?;
    }
    let tcp = tcp.connect(at).await?;
    tcp.set_nodelay(true)?;
    let config = WebSocketConfig::default().read_buffer_size(BUFFER).write_buffer_size(0);
    let (web, _) =
        client_async_with_config(request, tcp, Some(config)).await.context("no WebSocket")?;
    Ok(web)
}

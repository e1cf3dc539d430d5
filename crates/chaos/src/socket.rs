//! A connection of a client: Engine.IO packets as text, whatever carries them. Pings are answered in here; everything else
//! is the client's business.

mod polling;
mod websocket;

use std::net::SocketAddr;
use std::time::Duration;

use anyhow::{Context, Result, anyhow};
use serde::Deserialize;
use serde_json::json;
use tokio::net::TcpStream;
use tokio::sync::mpsc;
use tokio::task::JoinHandle;
use tokio::time::timeout;

use crate::wire::RoomId;

/// How long making a connection may take.
const OPENING: Duration = Duration::from_secs(5);
/// Packets that wait in each direction. Past it whoever brings more waits, as TCP has it.
const WAITING: usize = 64;

/// Received bytes that the kernel keeps for a reader.
const SMALL_BUFFER: u32 = 4096;

const PING: &str = "2";
const PONG: &str = "3";

/// How packets travel.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Transport {
    /// WebSocket from the start.
    WebSocket,
    /// Long-polling for ever, as where `WebSockets` do not get through.
    Polling,
    /// Long-polling first, then WebSocket, as stock clients do by default.
    Upgrade,
}

impl Transport {
    /// All of them.
    pub(crate) const ALL: [Self; 3] = [Self::WebSocket, Self::Polling, Self::Upgrade];
}

/// A connection. Dropping it cuts it, without a word.
#[derive(Debug)]
pub(crate) struct Socket {
    outgoing: mpsc::Sender<String>,
    incoming: mpsc::Receiver<String>,
    carrier: JoinHandle<()>,
}

/// The ends of a connection that its carrier has.
struct Ends {
    outgoing: mpsc::Receiver<String>,
    incoming: mpsc::Sender<String>,
}

impl Socket {
    /// Makes a connection, and asks to be let into the namespace.
    pub(crate) async fn open(at: SocketAddr, token: &str, transport: Transport) -> Result<Self> {
        let (outgoing, from_client) = mpsc::channel(WAITING);
        let (to_client, incoming) = mpsc::channel(WAITING);
        let ends = Ends { outgoing: from_client, incoming: to_client };
        let carrier = timeout(OPENING, async {
            anyhow::Ok(match transport {
                Transport::WebSocket => {
                    let stream = websocket::open(at, None).await?;
                    tokio::spawn(websocket::carry(stream, ends))
                }
                Transport::Polling | Transport::Upgrade => {
                    let session = polling::Session::open(at, token).await?;
                    tokio::spawn(session.carry(ends, transport))
                }
            })
        });
        let carrier = carrier.await.context("it takes too long")?;
        let socket = Self { outgoing, incoming, carrier: carrier? };
        socket.send(connect_packet(token)).await;
        Ok(socket)
    }

    /// Sends a packet. On a connection that has ended it is lost, as it would be on the way.
    pub(crate) async fn send(&self, packet: String) {
        self.outgoing.send(packet).await.ok();
    }

    /// The next packet; `None` when there will be no more.
    pub(crate) async fn next(&mut self) -> Option<String> {
        self.incoming.recv().await
    }
}

/// Somebody in a room who says nothing. What the kernel takes for them is little.
pub(crate) struct Reader(websocket::Stream);

impl Reader {
    /// Joins the room with a cursor.
    pub(crate) async fn join(
        at: SocketAddr,
        token: &str,
        room: RoomId,
        (after, epoch): (u64, u64),
    ) -> Result<Self> {
        let mut stream = websocket::open(at, Some(SMALL_BUFFER)).await?;
        let join = json!(["join", { "room": room, "after": after, "epoch": epoch }]);
        stream.ask(connect_packet(token), "40").await?;
        stream.ask(format!("420{join}"), "430").await?;
        Ok(Self(stream))
    }

    /// Reads whatever comes in this time.
    pub(crate) async fn read(mut self, time: Duration) -> Result<Self> {
        match timeout(time, self.0.read()).await {
            Ok(ended) => Err(ended.err().unwrap_or_else(|| anyhow!("it ended"))),
            Err(_) => Ok(self),
        }
    }

    /// Reads no more. What is in the connection stays there.
    pub(crate) fn stop(self) -> TcpStream {
        self.0.into_tcp()
    }
}

impl Drop for Socket {
    fn drop(&mut self) {
        self.carrier.abort();
    }
}

/// The packet that asks to be let into the namespace. With long-polling the token has been shown before; showing it again
/// does no harm.
pub(crate) fn connect_packet(token: &str) -> String {
    format!("40{}", json!({ "token": token }))
}

/// What the first packet says, as far as it is needed.
#[derive(Debug, Deserialize)]
struct Opening {
    sid: String,
    #[serde(rename = "pingInterval")]
    ping_interval: u64,
    #[serde(rename = "pingTimeout")]
    ping_timeout: u64,
}

impl Opening {
    fn parse(packet: &str) -> Result<Self> {
        let json = packet.strip_prefix('0').context("the first packet opens the connection")?;
        Ok(serde_json::from_str(json)?)
    }

    /// A server that says nothing for longer is gone.
    fn silence(&self) -> Duration {
        Duration::from_millis(self.ping_interval + self.ping_timeout)
    }
}

//! Long-polling that carries Engine.IO packets, and the move from it to a WebSocket.

use std::future::pending;
use std::net::SocketAddr;
use std::time::Duration;

use anyhow::Result;
use futures_util::future::{BoxFuture, FutureExt};
use reqwest::Client;

use super::{Ends, Opening, PING, PONG, Transport, WAITING, websocket};

/// Between the packets of one body.
const SEPARATOR: &str = "\x1e";

/// A session by long-polling.
pub(super) struct Session {
    client: Client,
    at: SocketAddr,
    token: String,
    sid: String,
    silence: Duration,
}

/// A request or a probe, perhaps under way.
type Underway<T> = Option<BoxFuture<'static, Result<T>>>;

impl Session {
    pub(super) async fn open(at: SocketAddr, token: &str) -> Result<Self> {
        let client = Client::builder().no_proxy().build()?;
        let url = format!("http://{at}/socket.io/?EIO=4&transport=polling");
        let answer = client.get(url).bearer_auth(token).send().await?.error_for_status()?;
        let opening = Opening::parse(&answer.text().await?)?;
        let silence = opening.silence();
        Ok(Self { client, at, token: token.to_owned(), sid: opening.sid, silence })
    }

    /// Carries packets until one side has no more; by WebSocket as soon as that is possible, if it is to move there.
    pub(super) async fn carry(self, mut ends: Ends, transport: Transport) {
        let mut poll = Some(self.poll());
        let mut post: Underway<()> = None;
        let mut probe = (transport == Transport::Upgrade).then(|| self.probe());
        let mut unsent = Vec::new();
        loop {
            if post.is_none() && !unsent.is_empty() {
                post = Some(self.post(std::mem::take(&mut unsent)));
            }
            tokio::select! {
                packets = outcome(&mut poll) => {
                    poll = Some(self.poll());
                    if !deliver(packets, &mut unsent, &ends).await {
                        return;
                    }
                }
                posted = outcome(&mut post) => {
                    if posted.is_err() {
                        // It has ended; what it was told last is in the answer to the poll.
                        deliver(outcome(&mut poll).await, &mut unsent, &ends).await;
                        return;
                    }
                }
                // A probe that fails changes nothing.
                Ok(stream) = outcome(&mut probe) => {
                    // What is under way comes to its end; the server answers the poll when it sees the probe.
                    let posted = post.is_none() || outcome(&mut post).await.is_ok();
                    let polled = deliver(outcome(&mut poll).await, &mut unsent, &ends).await;
                    if posted && polled {
                        websocket::go_on(stream, unsent, ends).await;
                    }
                    return;
                }
                packet = ends.outgoing.recv(), if unsent.len() < WAITING => match packet {
                    Some(packet) => unsent.push(packet),
                    None => return,
                },
            }
        }
    }

    fn poll(&self) -> BoxFuture<'static, Result<String>> {
        let request = self.client.get(self.url()).bearer_auth(&self.token).timeout(self.silence);
        async move { Ok(request.send().await?.error_for_status()?.text().await?) }.boxed()
    }

    fn post(&self, packets: Vec<String>) -> BoxFuture<'static, Result<()>> {
        let request = self.client.post(self.url()).bearer_auth(&self.token).timeout(self.silence);
        let request = request.header("content-type", "text/plain;charset=UTF-8");
        let request = request.body(packets.join(SEPARATOR));
        async move {
            request.send().await?.error_for_status()?.text().await?;
            Ok(())
        }
        .boxed()
    }

    fn probe(&self) -> BoxFuture<'static, Result<websocket::Stream>> {
        let (at, sid, token) = (self.at, self.sid.clone(), self.token.clone());
        let silence = self.silence;
        async move { websocket::probe(at, &sid, &token, silence).await }.boxed()
    }

    fn url(&self) -> String {
        format!("http://{}/socket.io/?EIO=4&transport=polling&sid={}", self.at, self.sid)
    }
}

/// What comes of it; never anything if nothing is under way.
async fn outcome<T>(underway: &mut Underway<T>) -> Result<T> {
    let Some(future) = underway else { return pending().await };
    let outcome = future.await;
    *underway = None;
    outcome
}

/// Hands on what a poll brought; whether there may be more.
async fn deliver(packets: Result<String>, unsent: &mut Vec<String>, ends: &Ends) -> bool {
    let Ok(packets) = packets else { return false };
    for packet in packets.split(SEPARATOR) {
        match packet {
            PING => unsent.push(PONG.to_owned()),
            // Close, and nothing to say.
            "1" => return false,
            "6" => {}
            packet if ends.incoming.send(packet.to_owned()).await.is_err() => return false,
            _ => {}
        }
    }
    true
}

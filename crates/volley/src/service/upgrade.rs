//! From a request to a WebSocket: the handshake, and then the stream leaves HTTP for its shard.

use std::io;
use std::pin::pin;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::header::{CONNECTION, SEC_WEBSOCKET_ACCEPT, SEC_WEBSOCKET_VERSION, UPGRADE};
use http::request::Parts;
use http::{HeaderValue, StatusCode};
use hyper::upgrade::{OnUpgrade, Upgraded};
use hyper_util::rt::TokioIo;
use hyper_util::server::conn::auto;
use socket2::SockRef;
use tokio::io::{AsyncWriteExt, copy_bidirectional};
use tokio::net::{TcpStream, UnixStream};
use tokio::sync::oneshot;
use tokio::time::timeout;

use super::polling::request;
use super::{Answer, error, text, unavailable};
use crate::access::Pass;
use crate::engine::{Core, Seat};
use crate::engine_io::{RequestError, Sid};
use crate::limits::NOT_SENT_LOW_WATER;
use crate::shard::{Arrival, Command, Newcomer, Request, Stream};
use crate::websocket::{CloseCode, close_frame, handshake};

/// Answers the handshake and sends the stream on its way.
pub(crate) async fn upgrade(
    core: &Arc<Core>,
    mut parts: Parts,
    sid: Option<Sid>,
    pass: Pass,
) -> Result<Answer, Answer> {
    let accept = handshake::accept(&parts).map_err(|rejection| {
        let body = rejection.message();
        let mut response = text(rejection.status(), "text/plain; charset=UTF-8", body);
        if rejection.status() == StatusCode::UPGRADE_REQUIRED {
            response.headers_mut().insert(SEC_WEBSOCKET_VERSION, handshake::VERSION);
        }
        response
    })?;
    let Some(upgrade) = parts.extensions.remove::<OnUpgrade>() else {
        tracing::error!("the HTTP server does not hand over connections; serve with upgrades");
        return Err(text(
            StatusCode::NOT_IMPLEMENTED,
            "text/plain; charset=UTF-8",
            "no upgrades here",
        ));
    };
    let runtime = core.runtime.clone();
    match sid {
        Some(sid) => match request(core, sid, pass.binding, Request::BeginUpgrade).await {
            Ok(()) => {
                runtime.spawn(hand_over(core.clone(), upgrade, sid, Arrival::Upgrade { sid }));
            }
            // The session has a WebSocket, or one on its way: the protocol lets a second one in and closes it.
            Err(RequestError::BadRequest) => {
                runtime.spawn(turn_away(core.limits.upgrade_timeout, upgrade));
            }
            Err(refused) => return Err(error(refused)),
        },
        None => {
            let seat = Seat::take(core).ok_or_else(unavailable)?;
            let sid = Core::new_sid();
            let arrival = Arrival::New(Newcomer { sid, seat, extensions: pass.extensions });
            runtime.spawn(hand_over(core.clone(), upgrade, sid, arrival));
        }
    }
    Ok(switching_protocols(accept))
}

fn switching_protocols(accept: HeaderValue) -> Answer {
    let mut response = Answer::default();
    *response.status_mut() = StatusCode::SWITCHING_PROTOCOLS;
    let headers = response.headers_mut();
    headers.insert(CONNECTION, HeaderValue::from_static("Upgrade"));
    headers.insert(UPGRADE, HeaderValue::from_static("websocket"));
    headers.insert(SEC_WEBSOCKET_ACCEPT, accept);
    response
}

/// Waits for the response to be written and gives the stream to the shard. If that fails nobody is left to be told: a new
/// connection was never there, and a session that was to be upgraded goes on polling.
async fn hand_over(core: Arc<Core>, upgrade: OnUpgrade, sid: Sid, arrival: Arrival) {
    let Ok(Ok(upgraded)) = timeout(core.limits.upgrade_timeout, upgrade).await else {
        return;
    };
    match into_stream(&core, upgraded) {
        Ok((stream, received)) => {
            core.shards[core.shard_of(sid)].push(Command::Adopt { stream, received, arrival }, 0);
        }
        Err(error) => tracing::warn!(%error, "a WebSocket could not be taken over"),
    }
}

/// Closes a WebSocket after its handshake.
async fn turn_away(time: Duration, upgrade: OnUpgrade) {
    if let Ok(Ok(upgraded)) = timeout(time, upgrade).await {
        let goodbye = close_frame(CloseCode::POLICY, "the session has a WebSocket");
        let _ = TokioIo::new(upgraded).write_all(&goodbye).await;
    }
}

/// The TCP stream under the connection and what was read from it already or, when there is something else between, one
/// end of a pair whose other end is pumped.
fn into_stream(core: &Core, upgraded: Upgraded) -> io::Result<(Stream, Bytes)> {
    let upgraded = match upgraded.downcast::<TokioIo<TcpStream>>() {
        Ok(parts) => return Ok((tcp(parts.io.into_inner())?, parts.read_buf)),
        Err(upgraded) => upgraded,
    };
    match auto::upgrade::downcast::<TokioIo<TcpStream>>(upgraded) {
        Ok(parts) => Ok((tcp(parts.io.into_inner())?, parts.read_buf)),
        Err(upgraded) => {
            let (near, far) = UnixStream::pair()?;
            let (stop, stopped) = oneshot::channel();
            core.runtime.spawn(pump(upgraded, far, stopped, core.limits.close_timeout));
            let near = mio::net::UnixStream::from_std(near.into_std()?);
            Ok((Stream::pumped(near, stop), Bytes::new()))
        }
    }
}

fn tcp(stream: TcpStream) -> io::Result<Stream> {
    stream.set_nodelay(true)?;
    // How long a client may take nothing is the shard's to say now.
    #[cfg(any(target_os = "linux", target_os = "android"))]
    SockRef::from(&stream).set_tcp_user_timeout(None)?;
    #[cfg(any(target_os = "linux", target_os = "android"))]
    SockRef::from(&stream).set_tcp_notsent_lowat(NOT_SENT_LOW_WATER)?;
    Ok(mio::net::TcpStream::from_std(stream.into_std()?).into())
}

/// Ends with either side; the shard sees its end of the pair close. What the shard has left when it lets go has so much
/// time to arrive, and none when the shard says so.
async fn pump(
    upgraded: Upgraded,
    mut far: UnixStream,
    stopped: oneshot::Receiver<()>,
    time: Duration,
) {
    let mut client = TokioIo::new(upgraded);
    let mut copying = pin!(copy_bidirectional(&mut client, &mut far));
    let told = tokio::select! {
        _ = &mut copying => return,
        told = stopped => told.is_ok(),
    };
    if !told {
        let _ = timeout(time, copying).await;
    }
}

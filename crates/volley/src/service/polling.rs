//! Long-polling: a GET that waits for packets, a POST that brings some.

use std::sync::Arc;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, CONTENT_TYPE};
use http::{HeaderMap, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt, LengthLimitError, Limited};
use tokio::sync::oneshot;

use super::{Answer, BodyError, error, plain, text, unavailable};
use crate::access::Pass;
use crate::engine::{Core, Seat};
use crate::engine_io::{RequestError, Sid};
use crate::shard::{Command, Newcomer, Reply, Request, RequestFailure};

/// Opens a session.
pub(crate) async fn open(core: &Arc<Core>, pass: Pass) -> Result<Answer, Answer> {
    let seat = Seat::take(core).ok_or_else(unavailable)?;
    let newcomer = Newcomer { sid: Core::new_sid(), seat, extensions: pass.extensions };
    let binding = pass.binding;
    let open = ask(core, newcomer.sid, |reply| Command::Open { newcomer, binding, reply }).await;
    open.map(plain).map_err(|_| unavailable())
}

/// Waits for packets.
pub(crate) async fn poll(core: &Arc<Core>, sid: Sid, pass: Pass) -> Result<Answer, Answer> {
    let mut underway = Underway::new(core, sid, &pass);
    let binding = pass.binding;
    let packets = request(core, sid, binding, Request::Poll).await;
    underway.is_over();
    packets.map(plain).map_err(error)
}

/// Brings packets.
pub(crate) async fn post<B>(
    core: &Arc<Core>,
    sid: Sid,
    pass: Pass,
    headers: &HeaderMap,
    body: B,
) -> Result<Answer, Answer>
where
    B: Body,
    B::Error: Into<BodyError>,
{
    let mut underway = Underway::new(core, sid, &pass);
    let binding = pass.binding.clone();
    let begun = request(core, sid, binding, Request::BeginPost).await;
    let max_bytes = begun.map_err(|refused| {
        underway.is_over();
        error(refused)
    })?;
    let timeout = core.limits.message_timeout;
    let body = match tokio::time::timeout(timeout, read(headers, body, max_bytes)).await {
        Ok(body) => body.map_err(|failure| {
            underway.failure = failure;
            match failure {
                RequestFailure::TooLarge => text(
                    StatusCode::PAYLOAD_TOO_LARGE,
                    "text/plain; charset=UTF-8",
                    "payload too large",
                ),
                _ => error(RequestError::BadRequest),
            }
        })?,
        Err(_) => {
            return Err(text(
                StatusCode::REQUEST_TIMEOUT,
                "text/plain; charset=UTF-8",
                "body too slow",
            ));
        }
    };
    let binding = pass.binding;
    let taken = request(core, sid, binding, |reply| Request::Post { body, reply }).await;
    underway.is_over();
    taken.map(|()| plain("ok")).map_err(error)
}

/// Reads a body of at most so many bytes, and none at all when its headers say that it will not do.
async fn read<B>(headers: &HeaderMap, body: B, max_bytes: usize) -> Result<Bytes, RequestFailure>
where
    B: Body,
    B::Error: Into<BodyError>,
{
    let value = |name| headers.get(name).and_then(|value| value.to_str().ok());
    let announced = value(CONTENT_LENGTH).and_then(|length| length.parse::<usize>().ok());
    if announced.is_some_and(|bytes| bytes > max_bytes) {
        return Err(RequestFailure::TooLarge);
    }
    // Version 4 of the protocol has all bodies as text; who sends bytes speaks another.
    if value(CONTENT_TYPE).is_some_and(|kind| kind.starts_with("application/octet-stream")) {
        return Err(RequestFailure::Malformed);
    }
    match Limited::new(body, max_bytes).collect().await {
        Ok(body) => Ok(body.to_bytes()),
        Err(error) if error.is::<LengthLimitError>() => Err(RequestFailure::TooLarge),
        Err(_) => Err(RequestFailure::Abandoned),
    }
}

/// Hands a request to the session it names.
pub(crate) async fn request<T>(
    core: &Core,
    sid: Sid,
    binding: Box<[u8]>,
    request: impl FnOnce(Reply<T>) -> Request,
) -> Result<T, RequestError> {
    let command = |reply| Command::Request { sid, binding, request: request(reply) };
    ask(core, sid, command).await
}

/// Leaves an order that is answered. A shard that has ended knows no session.
async fn ask<T>(
    core: &Core,
    sid: Sid,
    order: impl FnOnce(Reply<T>) -> Command,
) -> Result<T, RequestError> {
    let (reply, answer) = oneshot::channel();
    core.shards[core.shard_of(sid)].push(order(reply), 0);
    answer.await.unwrap_or(Err(RequestError::SessionUnknown))
}

/// A request under way. If it is dropped, because the client has gone or has sent what it may not, its session ends:
/// packets may have been lost with it.
struct Underway {
    core: Arc<Core>,
    sid: Sid,
    binding: Option<Box<[u8]>>,
    failure: RequestFailure,
}

impl Underway {
    fn new(core: &Arc<Core>, sid: Sid, pass: &Pass) -> Self {
        let binding = Some(pass.binding.clone());
        Self { core: core.clone(), sid, binding, failure: RequestFailure::Abandoned }
    }

    /// The shard has answered: nothing is lost any more.
    fn is_over(&mut self) {
        self.binding = None;
    }
}

impl Drop for Underway {
    fn drop(&mut self) {
        if let Some(binding) = self.binding.take() {
            let (sid, failure) = (self.sid, self.failure);
            let request = Request::Failed(failure);
            let failed = Command::Request { sid, binding, request };
            self.core.shards[self.core.shard_of(sid)].push(failed, 0);
        }
    }
}

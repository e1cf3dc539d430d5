//! The HTTP door: a tower service that lets requests in, hands them to their shard, and answers.

use std::convert::Infallible;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};
use http::{Method, Request, Response, StatusCode};
use http_body::Body;
use http_body_util::Full;
use tower_service::Service as TowerService;

use self::query::{Query, Transport};
use crate::access::{Pass, Refusal};
use crate::engine::{Core, Volley};
use crate::engine_io::RequestError;

mod cors;
mod polling;
mod query;
mod upgrade;

/// An error of whatever body a server hands to the service.
type BodyError = Box<dyn std::error::Error + Send + Sync>;
type Answer = Response<Full<Bytes>>;

/// The tower service of an engine, made by [`Volley::service`]. It answers any path it is mounted at.
#[derive(Debug, Clone)]
pub struct Service {
    volley: Volley,
}

impl Service {
    pub(crate) fn new(volley: Volley) -> Self {
        Self { volley }
    }
}

impl<B> TowerService<Request<B>> for Service
where
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<BodyError>,
{
    type Response = Answer;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Answer, Infallible>> + Send>>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Self::Future {
        // The engine lives as long as it has a service, and a service as long as it has a request.
        let volley = self.volley.clone();
        Box::pin(async move {
            let allowed = cors::allow(&volley.core.origins, request.headers());
            let mut response = match (&allowed, request.method()) {
                (Err(()), _) => error(RequestError::Forbidden),
                (Ok(Some(_)), &Method::OPTIONS) => cors::preflight(),
                _ => answer(&volley.core, request).await.unwrap_or_else(std::convert::identity),
            };
            if let Ok(Some(headers)) = allowed {
                response.headers_mut().extend(headers);
            }
            Ok(response)
        })
    }
}

/// The ways of a request: it opens a session, asks for its packets, brings some, or becomes a WebSocket.
async fn answer<B>(core: &Arc<Core>, request: Request<B>) -> Result<Answer, Answer>
where
    B: Body + Send + 'static,
    B::Data: Send,
    B::Error: Into<BodyError>,
{
    let (parts, body) = request.into_parts();
    let query = Query::parse(parts.uri.query().unwrap_or_default()).map_err(error)?;
    if query.sid.is_none() && parts.method != Method::GET {
        return Err(error(RequestError::BadHandshakeMethod));
    }
    let pass = authorize(core, &parts).await.map_err(refusal)?;
    match (query.transport, query.sid, &parts.method) {
        (Transport::WebSocket, sid, &Method::GET) => upgrade::upgrade(core, parts, sid, pass).await,
        (Transport::Polling, None, _) => polling::open(core, pass).await,
        (Transport::Polling, Some(sid), &Method::GET) => polling::poll(core, sid, pass).await,
        (Transport::Polling, Some(sid), &Method::POST) => {
            polling::post(core, sid, pass, &parts.headers, body).await
        }
        _ => Err(error(RequestError::BadRequest)),
    }
}

async fn authorize(core: &Core, parts: &http::request::Parts) -> Result<Pass, Refusal> {
    match &core.authorize {
        Some(hook) => hook(parts).await,
        None => Ok(Pass::default()),
    }
}

fn text(status: StatusCode, content_type: &'static str, body: impl Into<Bytes>) -> Answer {
    let mut response = Response::new(Full::new(body.into()));
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(CONTENT_TYPE, http::HeaderValue::from_static(content_type));
    headers.insert(CACHE_CONTROL, http::HeaderValue::from_static("no-store"));
    response
}

fn plain(body: impl Into<Bytes>) -> Answer {
    text(StatusCode::OK, "text/plain; charset=UTF-8", body)
}

fn error(error: RequestError) -> Answer {
    text(error.status(), "application/json", error.body())
}

fn refusal(refusal: Refusal) -> Answer {
    let code = RequestError::Forbidden.code();
    let body = serde_json::json!({ "code": code, "message": refusal.message });
    text(refusal.status, "application/json", body.to_string())
}

/// The answer to a new connection when no more are taken.
fn unavailable() -> Answer {
    refusal(Refusal::unavailable("the server takes no more connections now"))
}

//! What is noted of every request: that there was one, how it ended, how long it took. Never what was in it.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use axum::extract::{MatchedPath, Request, State};
use axum::middleware::Next;
use axum::response::Response;
use http::header::HeaderName;
use tracing::Instrument;

use super::App;

const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");
/// What everything is called that no route of ours matches: the files of the page, and what is not there.
const PAGE: &str = "page";

/// Gives a request the number by which the log knows it, and counts it.
pub(super) async fn request(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let id = app.requests.fetch_add(1, Ordering::Relaxed) + 1;
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let route = route.as_ref().map_or(PAGE, MatchedPath::as_str);
    let started = app.clock.monotonic();
    let span = tracing::error_span!("request", id, %method, route);
    let mut response = next.run(request).instrument(span.clone()).await;
    let took = app.clock.monotonic().saturating_sub(started);
    let status = response.status().as_u16();
    app.metrics.answered(&method, route, status, took);
    span.in_scope(|| tracing::debug!(status, ms = took.as_millis() as u64, "answered"));
    response.headers_mut().insert(REQUEST_ID, id.into());
    response
}

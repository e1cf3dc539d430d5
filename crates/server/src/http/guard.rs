//! What holds for every request and every answer, whatever it is about.

use std::sync::Arc;

use axum::extract::{Request, State};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use http::header::{
    CACHE_CONTROL, CONTENT_SECURITY_POLICY, COOKIE, HeaderName, ORIGIN, REFERRER_POLICY,
    STRICT_TRANSPORT_SECURITY, X_CONTENT_TYPE_OPTIONS,
};
use http::{HeaderMap, HeaderValue};

use super::extract::Shown;
use super::{App, Failure};

/// What browsers let our page do: nothing but load its own files and talk to its own server. Text that gets into the
/// page as markup by mistake can neither run nor be sent anywhere.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; \
    connect-src 'self'; manifest-src 'self'; worker-src 'self'; base-uri 'none'; form-action 'self'; \
    frame-ancestors 'none'; require-trusted-types-for 'script'";
/// A year, as browsers ask for before they remember it across restarts.
const BY_TLS_ONLY: &str = "max-age=31536000";

const HEADERS: [(HeaderName, &str); 6] = [
    (CONTENT_SECURITY_POLICY, POLICY),
    (X_CONTENT_TYPE_OPTIONS, "nosniff"),
    // The address of a room is in the address of the page.
    (REFERRER_POLICY, "no-referrer"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    (
        HeaderName::from_static("permissions-policy"),
        "camera=(), display-capture=(), geolocation=(), microphone=(), payment=(), usb=()",
    ),
];

/// Refuses what would change something and may have been sent by somebody else's page.
///
/// Browsers say from which page a request comes whenever it could change something. A request that does not say comes
/// from a program, and a program has no cookies that somebody could misuse unless it keeps them on purpose; then it
/// must say so too.
pub(super) async fn origin(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let headers = request.headers();
    if request.method().is_safe() || may_change(&app, headers) {
        next.run(request).await
    } else {
        Failure::ForbiddenOrigin.into_response()
    }
}

/// Refuses what is meant for another host.
pub(super) async fn host(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    if app.site.serves(request.headers()) {
        next.run(request).await
    } else {
        Failure::ForbiddenHost.into_response()
    }
}

fn may_change(app: &App, headers: &HeaderMap) -> bool {
    if headers.contains_key(ORIGIN) {
        return app.site.origins.allow(headers);
    }
    match headers.get("sec-fetch-site") {
        Some(site) => site == "same-origin",
        None => Shown::of(headers) == Shown::Bearer || !headers.contains_key(COOKIE),
    }
}

/// Keeps what the API says out of caches: it depends on who asks and when.
pub(super) async fn no_store(request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    response.headers_mut().insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}

/// Tells browsers what they must not do with an answer.
pub(super) async fn headers(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if app.site.secure {
        headers.insert(STRICT_TRANSPORT_SECURITY, HeaderValue::from_static(BY_TLS_ONLY));
    }
    response
}

//! What a page of another origin is told, so that its browser hands it the answers.

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ORIGIN, VARY,
};
use http::{HeaderMap, HeaderValue, StatusCode};

use super::Answer;
use crate::access::Origins;

/// Whether the page that sent this may have an answer and, when it is of another origin, the headers that say so.
pub(crate) fn allow(origins: &Origins, headers: &HeaderMap) -> Result<Option<HeaderMap>, ()> {
    if !origins.allow(headers) {
        return Err(());
    }
    let mut answer = HeaderMap::new();
    match (origins, headers.get(ORIGIN)) {
        (Origins::SameHost, _) => return Ok(None),
        (Origins::Any, _) => {
            answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, HeaderValue::from_static("*"));
        }
        (Origins::List(_), origin) => {
            answer.insert(VARY, HeaderValue::from_static("Origin"));
            if let Some(origin) = origin {
                answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
                answer.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
            }
        }
    }
    Ok(Some(answer))
}

/// The answer to a browser that asks before it sends.
pub(crate) fn preflight() -> Answer {
    let mut response = Answer::default();
    *response.status_mut() = StatusCode::NO_CONTENT;
    let headers = response.headers_mut();
    headers.insert(ACCESS_CONTROL_ALLOW_METHODS, HeaderValue::from_static("GET, POST"));
    headers.insert(
        ACCESS_CONTROL_ALLOW_HEADERS,
        HeaderValue::from_static("Authorization, Content-Type"),
    );
    response
}

//! The opening handshake, RFC 6455 §4.2: from a request's head to `Sec-WebSocket-Accept`.

use std::error::Error;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;
use http::header::{
    CONNECTION, HeaderMap, HeaderName, HeaderValue, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_VERSION,
    UPGRADE,
};
use http::request::Parts;
use http::{Method, StatusCode, Version};
use sha1::{Digest as _, Sha1};

/// The only version of the protocol that was ever finished.
pub const VERSION: HeaderValue = HeaderValue::from_static("13");

/// Appended to the key, so that only a server that knows WebSocket can give the answer.
const ACCEPT_SUFFIX: &str = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11";
const KEY_BYTES: usize = 16;

/// Why a request does not open a WebSocket.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Rejection {
    /// Only GET upgrades.
    Method,
    /// Only HTTP/1.1 upgrades this way.
    HttpVersion,
    /// `Upgrade: websocket` or `Connection: upgrade` is missing.
    NoUpgrade,
    /// `Sec-WebSocket-Version` is not 13. The answer must carry [`VERSION`] in that header.
    Version,
    /// `Sec-WebSocket-Key` is not the base64 of 16 bytes, or not there exactly once.
    Key,
}

/// The value of `Sec-WebSocket-Accept` for a request that opens a WebSocket.
pub fn accept(request: &Parts) -> Result<HeaderValue, Rejection> {
    let headers = &request.headers;
    if request.method != Method::GET {
        return Err(Rejection::Method);
    }
    if request.version != Version::HTTP_11 {
        return Err(Rejection::HttpVersion);
    }
    if !has_token(headers, &UPGRADE, "websocket") || !has_token(headers, &CONNECTION, "upgrade") {
        return Err(Rejection::NoUpgrade);
    }
    if only(headers, &SEC_WEBSOCKET_VERSION) != Some(&VERSION) {
        return Err(Rejection::Version);
    }
    let key = only(headers, &SEC_WEBSOCKET_KEY).ok_or(Rejection::Key)?.as_bytes();
    if BASE64.decode(key).map_or(0, |bytes| bytes.len()) != KEY_BYTES {
        return Err(Rejection::Key);
    }
    let digest = Sha1::new().chain_update(key).chain_update(ACCEPT_SUFFIX).finalize();
    Ok(HeaderValue::try_from(BASE64.encode(digest)).expect("base64 is made of header characters"))
}

impl Rejection {
    /// The status of the answer.
    pub fn status(self) -> StatusCode {
        match self {
            Self::Method => StatusCode::METHOD_NOT_ALLOWED,
            Self::HttpVersion => StatusCode::HTTP_VERSION_NOT_SUPPORTED,
            Self::Version => StatusCode::UPGRADE_REQUIRED,
            Self::NoUpgrade | Self::Key => StatusCode::BAD_REQUEST,
        }
    }

    /// A sentence for the body of the answer.
    pub fn message(self) -> &'static str {
        match self {
            Self::Method => "A WebSocket is opened with GET",
            Self::HttpVersion => "A WebSocket is opened over HTTP/1.1",
            Self::NoUpgrade => "The headers Upgrade: websocket and Connection: upgrade are needed",
            Self::Version => "Only version 13 of the WebSocket protocol is spoken here",
            Self::Key => "Sec-WebSocket-Key must be the base64 of 16 bytes",
        }
    }
}

impl fmt::Display for Rejection {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

impl Error for Rejection {}

/// Whether a comma-separated header, on however many lines, names `token`.
fn has_token(headers: &HeaderMap, name: &HeaderName, token: &str) -> bool {
    headers
        .get_all(name)
        .iter()
        .filter_map(|line| line.to_str().ok())
        .flat_map(|line| line.split(','))
        .any(|item| item.trim().eq_ignore_ascii_case(token))
}

/// The value of a header that must stand there once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a HeaderValue> {
    let mut values = headers.get_all(name).iter();
    values.next().filter(|_| values.next().is_none())
}

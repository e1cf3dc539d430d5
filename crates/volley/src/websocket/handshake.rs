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

#[cfg(test)]
mod tests {
    use http::Request;

    use super::*;

    /// The request of RFC 6455 §1.3, with some headers replaced or, by an empty value, removed.
    fn request(changes: &[(&'static str, &'static str)]) -> Parts {
        let mut request = Request::get("/chat")
            .header("host", "server.example.com")
            .header("upgrade", "websocket")
            .header("connection", "Upgrade")
            .header("sec-websocket-key", "dGhlIHNhbXBsZSBub25jZQ==")
            .header("sec-websocket-version", "13")
            .body(())
            .unwrap();
        for &(name, value) in changes {
            request.headers_mut().remove(name);
            if !value.is_empty() {
                request.headers_mut().insert(name, HeaderValue::from_static(value));
            }
        }
        request.into_parts().0
    }

    #[test]
    fn the_example_of_the_standard_is_answered_as_it_says() {
        assert_eq!(accept(&request(&[])).unwrap(), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn tokens_are_found_in_lists_and_in_any_case() {
        let changes = [("upgrade", "h2c, WebSocket"), ("connection", "keep-alive,  UPGRADE ")];
        assert!(accept(&request(&changes)).is_ok());

        let mut two_lines = request(&[("connection", "keep-alive")]);
        two_lines.headers.append("connection", HeaderValue::from_static("upgrade"));
        assert!(accept(&two_lines).is_ok());
    }

    #[test]
    fn a_request_that_does_not_ask_for_a_websocket_is_rejected() {
        for change in [
            ("upgrade", ""),
            ("upgrade", "websockets"),
            ("connection", ""),
            ("connection", "close"),
        ] {
            let rejection = accept(&request(&[change])).unwrap_err();
            assert_eq!(rejection, Rejection::NoUpgrade);
            assert_eq!(rejection.status(), StatusCode::BAD_REQUEST);
        }
    }

    #[test]
    fn only_get_over_http_1_1_opens_a_websocket() {
        let mut post = request(&[]);
        post.method = Method::POST;
        assert_eq!(accept(&post), Err(Rejection::Method));

        let mut old = request(&[]);
        old.version = Version::HTTP_10;
        assert_eq!(accept(&old), Err(Rejection::HttpVersion));
    }

    #[test]
    fn another_version_is_told_which_one_is_spoken() {
        for version in ["", "8", "13, 8", "013"] {
            let rejection = accept(&request(&[("sec-websocket-version", version)])).unwrap_err();
            assert_eq!(rejection, Rejection::Version);
            assert_eq!(rejection.status(), StatusCode::UPGRADE_REQUIRED);
        }
    }

    #[test]
    fn a_key_must_be_sixteen_bytes_of_base64() {
        for key in [
            "",
            "dGhlIHNhbXBsZSBub25jZQ",
            "dGhlIHNhbXBsZSBub25j",
            "dGhlIHNhbXBsZSBub25jZWU=",
            "!!!!!!!!!!!!!!!!!!!!!!==",
        ] {
            let rejected = accept(&request(&[("sec-websocket-key", key)]));
            assert_eq!(rejected, Err(Rejection::Key), "{key}");
        }
    }

    #[test]
    fn a_key_given_twice_is_no_key() {
        let mut twice = request(&[]);
        let key = twice.headers[SEC_WEBSOCKET_KEY].clone();
        twice.headers.append(SEC_WEBSOCKET_KEY, key);
        assert_eq!(accept(&twice), Err(Rejection::Key));
    }
}

//! What is wrong with a request, in the codes and words every client of the protocol knows.

use std::error::Error;
use std::fmt;

use http::StatusCode;

/// Why a request is refused; the discriminant is the code on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum RequestError {
    /// `transport` is missing or names none that is spoken here.
    TransportUnknown = 0,
    /// `sid` names no session; a malformed one names none either.
    SessionUnknown = 1,
    /// A session is opened with GET.
    BadHandshakeMethod = 2,
    /// Anything else that is wrong.
    BadRequest = 3,
    /// The application said no.
    Forbidden = 4,
    /// `EIO` is not 4.
    UnsupportedVersion = 5,
}

impl RequestError {
    /// The number a client switches on.
    pub fn code(self) -> u8 {
        self as u8
    }

    /// The words of the reference implementation, which clients compare with.
    pub fn message(self) -> &'static str {
        match self {
            Self::TransportUnknown => "Transport unknown",
            Self::SessionUnknown => "Session ID unknown",
            Self::BadHandshakeMethod => "Bad handshake method",
            Self::BadRequest => "Bad request",
            Self::Forbidden => "Forbidden",
            Self::UnsupportedVersion => "Unsupported protocol version",
        }
    }

    /// The HTTP status of the answer.
    pub fn status(self) -> StatusCode {
        match self {
            Self::Forbidden => StatusCode::FORBIDDEN,
            _ => StatusCode::BAD_REQUEST,
        }
    }

    /// The JSON body of the answer.
    pub fn body(self) -> String {
        format!(r#"{{"code":{},"message":"{}"}}"#, self.code(), self.message())
    }
}

impl fmt::Display for RequestError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

impl Error for RequestError {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn clients_find_the_codes_and_words_they_know() {
        for (error, status, body) in [
            (RequestError::TransportUnknown, 400, r#"{"code":0,"message":"Transport unknown"}"#),
            (RequestError::SessionUnknown, 400, r#"{"code":1,"message":"Session ID unknown"}"#),
            (
                RequestError::BadHandshakeMethod,
                400,
                r#"{"code":2,"message":"Bad handshake method"}"#,
            ),
            (RequestError::BadRequest, 400, r#"{"code":3,"message":"Bad request"}"#),
            (RequestError::Forbidden, 403, r#"{"code":4,"message":"Forbidden"}"#),
            (
                RequestError::UnsupportedVersion,
                400,
                r#"{"code":5,"message":"Unsupported protocol version"}"#,
            ),
        ] {
            assert_eq!((error.status().as_u16(), error.body().as_str()), (status, body));
        }
    }
}

//! RFC 6455, the server's side, without any input or output of its own: bytes in, messages out.
//!
//! Strict: whatever the standard forbids a client is a [`Violation`], and a violation ends the
//! connection with the close code it names. No extension is offered, so none is understood.

mod close;
mod decoder;
pub mod handshake;
mod header;

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

pub use close::{CloseCode, CloseFrame, close_frame};
pub use decoder::Decoder;
pub use header::{Opcode, frames, write_frame};

/// What one message may cost before it is whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Limits {
    /// Payload bytes of one message, over all its fragments. Checked on the announced length.
    pub max_message_bytes: usize,
    /// Frames one message may be cut into. An uncut message is always let through.
    pub max_fragments: u32,
}

/// A whole message. It borrows from the input when it lay there in one piece.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Message<'a> {
    /// Valid UTF-8.
    Text(Cow<'a, str>),
    /// Any bytes.
    Binary(Cow<'a, [u8]>),
    /// At most 125 bytes, to be sent back in a pong.
    Ping(Cow<'a, [u8]>),
    /// At most 125 bytes.
    Pong(Cow<'a, [u8]>),
    /// The last message of a client, to be answered with a close frame.
    Close(Option<CloseFrame>),
}

/// What a client did that ends its connection.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Violation {
    /// A rule of the framing was broken: this one.
    Protocol(&'static str),
    /// Text or a close reason is not UTF-8.
    InvalidUtf8,
    /// The message is longer than [`Limits::max_message_bytes`].
    TooBig,
    /// The message is cut into more than [`Limits::max_fragments`] frames.
    TooManyFragments,
}

impl Violation {
    /// The code of the close frame that answers it.
    pub fn close_code(&self) -> CloseCode {
        match self {
            Self::Protocol(_) => CloseCode::PROTOCOL_ERROR,
            Self::InvalidUtf8 => CloseCode::INVALID_PAYLOAD,
            Self::TooBig => CloseCode::TOO_BIG,
            Self::TooManyFragments => CloseCode::POLICY,
        }
    }
}

impl fmt::Display for Violation {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Protocol(rule) => rule,
            Self::InvalidUtf8 => "text is not UTF-8",
            Self::TooBig => "message is too big",
            Self::TooManyFragments => "message has too many fragments",
        })
    }
}

impl Error for Violation {}

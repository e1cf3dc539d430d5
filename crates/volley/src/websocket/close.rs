//! How a connection is ended: codes, reasons, and the frame that carries both.

use super::{Opcode, Violation, write_frame};

/// Longest reason: a control frame has 125 bytes, the code takes two.
const MAX_REASON_BYTES: usize = 123;

/// Why a connection is closed (RFC 6455 §7.4 and its IANA registry).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct CloseCode(u16);

impl CloseCode {
    /// The purpose is fulfilled.
    pub const NORMAL: Self = Self(1000);
    /// The server shuts down, or the page was left.
    pub const GOING_AWAY: Self = Self(1001);
    /// A rule of the protocol was broken.
    pub const PROTOCOL_ERROR: Self = Self(1002);
    /// A kind of data that is not accepted here.
    pub const UNSUPPORTED_DATA: Self = Self(1003);
    /// Data that is not what its type says, such as text that is not UTF-8.
    pub const INVALID_PAYLOAD: Self = Self(1007);
    /// A rule of the house was broken, and no other code fits.
    pub const POLICY: Self = Self(1008);
    /// A message longer than the receiver takes.
    pub const TOO_BIG: Self = Self(1009);
    /// The server failed.
    pub const INTERNAL_ERROR: Self = Self(1011);
    /// The server restarts: come back.
    pub const SERVICE_RESTART: Self = Self(1012);
    /// The server is overloaded: come back later.
    pub const TRY_AGAIN_LATER: Self = Self(1013);

    /// `None` for a code that must not stand in a close frame.
    pub fn new(code: u16) -> Option<Self> {
        // 1004 to 1006 and 1015 only describe; 1016 to 2999 are reserved for later standards.
        matches!(code, 1000..=1003 | 1007..=1014 | 3000..=4999).then_some(Self(code))
    }

    /// The number on the wire.
    pub fn get(self) -> u16 {
        self.0
    }
}

/// The content of a close frame.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CloseFrame {
    /// Why.
    pub code: CloseCode,
    /// For people who read logs; often empty.
    pub reason: String,
}

impl CloseFrame {
    /// Reads a close payload. An empty one names no code.
    pub(super) fn parse(payload: &[u8]) -> Result<Option<Self>, Violation> {
        if payload.is_empty() {
            return Ok(None);
        }
        let (&code, reason) =
            payload.split_first_chunk().ok_or(Violation::Protocol("close code of one byte"))?;
        let code = CloseCode::new(u16::from_be_bytes(code))
            .ok_or(Violation::Protocol("close code not for the wire"))?;
        let reason = str::from_utf8(reason).map_err(|_| Violation::InvalidUtf8)?.to_owned();
        Ok(Some(Self { code, reason }))
    }
}

/// A finished close frame; a reason too long for it is cut.
pub fn close_frame(code: CloseCode, reason: &str) -> Vec<u8> {
    let reason = &reason[..reason.floor_char_boundary(MAX_REASON_BYTES)];
    let mut frame = Vec::new();
    write_frame(
        &mut frame,
        Opcode::Close,
        &[&code.get().to_be_bytes(), reason.as_bytes()].concat(),
    );
    frame
}

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::websocket::frames;

    #[test]
    fn codes_that_must_not_stand_in_a_frame_cannot_be_made() {
        for code in [0, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535] {
            assert_eq!(CloseCode::new(code), None, "{code}");
        }
        for code in [1000, 1003, 1007, 1011, 1012, 1013, 1014, 3000, 3999, 4000, 4999] {
            assert_eq!(CloseCode::new(code).map(CloseCode::get), Some(code));
        }
    }

    #[test]
    fn a_close_frame_is_read_back_as_it_was_written() {
        let frame = close_frame(CloseCode::GOING_AWAY, "see you");
        let (opcode, payload) = frames(&frame).next().unwrap();
        assert_eq!(opcode, Opcode::Close);
        let close = CloseFrame::parse(payload).unwrap().unwrap();
        assert_eq!(close, CloseFrame { code: CloseCode::GOING_AWAY, reason: "see you".into() });
    }

    #[test]
    fn a_long_reason_is_cut_where_a_character_ends() {
        let reason = "é".repeat(100);
        let frame = close_frame(CloseCode::NORMAL, &reason);
        let (_, payload) = frames(&frame).next().unwrap();
        assert_eq!(payload.len(), 124);
        assert_eq!(CloseFrame::parse(payload).unwrap().unwrap().reason, "é".repeat(61));
    }
}

//! The head of a frame: reading the client's (masked), writing the server's (unmasked).

use super::Violation;

/// Longest head of a client's frame: two bytes, an eight-byte length, a four-byte mask.
pub(super) const MAX_HEADER_BYTES: usize = 14;

const FIN: u8 = 0b1000_0000;
const RESERVED_BITS: u8 = 0b0111_0000;
const OPCODE_BITS: u8 = 0b0000_1111;
const MASKED: u8 = 0b1000_0000;
const LENGTH_BITS: u8 = 0b0111_1111;

/// Longest payload of a control frame, and of any frame whose length fits the second byte.
const MAX_SHORT_LENGTH: u8 = 125;
const LENGTH_IN_2_BYTES: u8 = 126;
const LENGTH_IN_8_BYTES: u8 = 127;

/// What a frame carries.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Opcode {
    /// More of the message begun by an earlier frame.
    Continuation = 0x0,
    /// UTF-8, or the beginning of it.
    Text = 0x1,
    /// Bytes, or the beginning of them.
    Binary = 0x2,
    /// The sender sends nothing after this.
    Close = 0x8,
    /// Asks for a pong with the same payload.
    Ping = 0x9,
    /// Answers a ping.
    Pong = 0xa,
}

impl Opcode {
    /// Control frames are short, never fragmented, and may come between the fragments of a message.
    pub fn is_control(self) -> bool {
        matches!(self, Self::Close | Self::Ping | Self::Pong)
    }

    fn from_bits(bits: u8) -> Option<Self> {
        Some(match bits {
            0x0 => Self::Continuation,
            0x1 => Self::Text,
            0x2 => Self::Binary,
            0x8 => Self::Close,
            0x9 => Self::Ping,
            0xa => Self::Pong,
            _ => return None,
        })
    }
}

/// The head of a client's frame, correct in itself; whether it may come now is the decoder's matter.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Header {
    pub(super) fin: bool,
    pub(super) opcode: Opcode,
    pub(super) length: u64,
    pub(super) mask: [u8; 4],
}

impl Header {
    /// The header in front of `bytes` and its own length; `None` while bytes of it are missing.
    ///
    /// A wrong first byte is refused before the second is here.
    pub(super) fn parse(bytes: &[u8]) -> Result<Option<(Self, usize)>, Violation> {
        let Some((&first, rest)) = bytes.split_first() else {
            return Ok(None);
        };
        let fin = first & FIN != 0;
        let opcode =
            Opcode::from_bits(first & OPCODE_BITS).ok_or(Violation::Protocol("reserved opcode"))?;
        if first & RESERVED_BITS != 0 {
            return Err(Violation::Protocol("reserved bit set without an extension"));
        }
        if opcode.is_control() && !fin {
            return Err(Violation::Protocol("fragmented control frame"));
        }

        let Some((&second, rest)) = rest.split_first() else {
            return Ok(None);
        };
        let short = second & LENGTH_BITS;
        if second & MASKED == 0 {
            return Err(Violation::Protocol("client frame without a mask"));
        }
        if opcode.is_control() && short > MAX_SHORT_LENGTH {
            return Err(Violation::Protocol("control frame longer than 125 bytes"));
        }

        let Some((length, rest)) = parse_length(short, rest)? else {
            return Ok(None);
        };
        let Some((&mask, payload)) = rest.split_first_chunk() else {
            return Ok(None);
        };
        let header = Self { fin, opcode, length, mask };
        Ok(Some((header, bytes.len() - payload.len())))
    }
}

/// The payload length and the bytes behind it; `None` while bytes of it are missing.
fn parse_length(short: u8, rest: &[u8]) -> Result<Option<(u64, &[u8])>, Violation> {
    let (length, least, rest) = match short {
        LENGTH_IN_2_BYTES => match rest.split_first_chunk() {
            Some((&bytes, rest)) => (u64::from(u16::from_be_bytes(bytes)), 126, rest),
            None => return Ok(None),
        },
        LENGTH_IN_8_BYTES => match rest.split_first_chunk() {
            Some((&bytes, rest)) => (u64::from_be_bytes(bytes), 1 << 16, rest),
            None => return Ok(None),
        },
        _ => (u64::from(short), 0, rest),
    };
    if length < least {
        return Err(Violation::Protocol("length not in its shortest form"));
    }
    if length > i64::MAX as u64 {
        return Err(Violation::Protocol("highest bit of a 64-bit length set"));
    }
    Ok(Some((length, rest)))
}

/// Appends one whole frame as a server sends it: final and unmasked.
pub fn write_frame(out: &mut Vec<u8>, opcode: Opcode, payload: &[u8]) {
    out.push(FIN | opcode as u8);
    if let Ok(length @ 0..=MAX_SHORT_LENGTH) = u8::try_from(payload.len()) {
        out.push(length);
    } else if let Ok(length) = u16::try_from(payload.len()) {
        out.push(LENGTH_IN_2_BYTES);
        out.extend_from_slice(&length.to_be_bytes());
    } else {
        out.push(LENGTH_IN_8_BYTES);
        out.extend_from_slice(&(payload.len() as u64).to_be_bytes());
    }
    out.extend_from_slice(payload);
}

/// Walks finished server frames, as [`write_frame`] wrote them, and ends where they end.
pub fn frames(mut bytes: &[u8]) -> impl Iterator<Item = (Opcode, &[u8])> {
    std::iter::from_fn(move || {
        let (&[first, second], rest) = bytes.split_first_chunk()?;
        let opcode = Opcode::from_bits(first & OPCODE_BITS)?;
        let (length, rest) = parse_length(second & LENGTH_BITS, rest).ok()??;
        let (payload, rest) = rest.split_at_checked(usize::try_from(length).ok()?)?;
        bytes = rest;
        Some((opcode, payload))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_frame_has_the_shortest_length_that_fits() {
        for (length, header) in [
            (0, &[0x82, 0][..]),
            (125, &[0x82, 125]),
            (126, &[0x82, 126, 0, 126]),
            (65_535, &[0x82, 126, 255, 255]),
            (65_536, &[0x82, 127, 0, 0, 0, 0, 0, 1, 0, 0]),
        ] {
            let mut frame = Vec::new();
            write_frame(&mut frame, Opcode::Binary, &vec![7; length]);
            assert_eq!(&frame[..header.len()], header);
            assert_eq!(frame.len(), header.len() + length);
        }
    }

    #[test]
    fn finished_frames_are_walked_in_order() {
        let long = "x".repeat(70_000);
        let mut bytes = Vec::new();
        write_frame(&mut bytes, Opcode::Text, b"2");
        write_frame(&mut bytes, Opcode::Binary, long.as_bytes());
        write_frame(&mut bytes, Opcode::Ping, b"");
        assert_eq!(
            frames(&bytes).collect::<Vec<_>>(),
            [(Opcode::Text, &b"2"[..]), (Opcode::Binary, long.as_bytes()), (Opcode::Ping, b""),]
        );
    }

    #[test]
    fn a_wrong_first_byte_is_refused_before_the_second_arrives() {
        for first in [0xc1, 0x83, 0x8f, 0x08] {
            assert!(Header::parse(&[first]).is_err(), "{first:#x}");
        }
    }
}

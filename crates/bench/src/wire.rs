//! The little of WebSocket, Engine.IO and Socket.IO that both ends of a measurement speak: frames,
//! the handshake and the one message whose deliveries are counted. No sockets.
use std::io::Write;
use std::ops::Range;

use crate::dialect::ClientIds;

/// The example of RFC 6455 §1.3: one fixed pair spares both ends the SHA-1.
pub(crate) const KEY: &str = "dGhlIHNhbXBsZSBub25jZQ==";
/// What a server answers to [`KEY`].
pub(crate) const ACCEPT: &str = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=";

/// What stands before and after the value in every delivered message.
pub(crate) const MESSAGE_START: &[u8] = br#"42["message",""#;
pub(crate) const MESSAGE_END: &[u8] = br#""]"#;
/// Bytes of the value of a message: a line of chat.
pub(crate) const VALUE_LENGTH: usize = 150;

pub(crate) const TEXT: u8 = 0x1;
pub(crate) const CLOSE: u8 = 0x8;
pub(crate) const PING: u8 = 0x9;
pub(crate) const PONG: u8 = 0xA;

/// In the place of a length: it is in the two bytes that follow.
const LENGTH_FOLLOWS: u8 = 126;

/// Any mask but zero: a server must not get away without unmasking.
const MASK: [u8; 4] = [0x5A, 0xC3, 0x3C, 0xA5];

/// One whole frame at the start of some bytes; `payload` is where in them its payload lies.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Frame {
    pub(crate) opcode: u8,
    pub(crate) mask: Option<[u8; 4]>,
    pub(crate) payload: Range<usize>,
}

/// A frame that no server here has a reason to send.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Malformed {
    /// Not final, or with reserved bits: nothing here is long enough to fragment or compressed.
    FragmentOrExtension,
    /// More than 64 KiB.
    TooLong,
}

impl std::error::Error for Malformed {}

impl std::fmt::Display for Malformed {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.write_str(match self {
            Self::FragmentOrExtension => "a WebSocket frame in fragments or with an extension",
            Self::TooLong => "a WebSocket frame of more than 64 KiB",
        })
    }
}

/// The frame that `bytes` begin with, or `None` while its end has not arrived.
#[inline]
pub(crate) fn first_frame(bytes: &[u8]) -> Result<Option<Frame>, Malformed> {
    let [first, second, ..] = *bytes else {
        return Ok(None);
    };
    if first & 0xF0 != 0x80 {
        return Err(Malformed::FragmentOrExtension);
    }
    let (length, mut start) = match second & 0x7F {
        127 => return Err(Malformed::TooLong),
        LENGTH_FOLLOWS => match *bytes {
            [_, _, high, low, ..] => (usize::from(u16::from_be_bytes([high, low])), 4),
            _ => return Ok(None),
        },
        short => (usize::from(short), 2),
    };
    let mask = if second & 0x80 == 0 {
        None
    } else {
        let Some(mask) = bytes[start..].first_chunk::<4>() else {
            return Ok(None);
        };
        start += 4;
        Some(*mask)
    };
    let payload = start..start + length;
    Ok((payload.end <= bytes.len()).then_some(Frame { opcode: first & 0x0F, mask, payload }))
}

/// Hands each whole frame of a server to `take`, as opcode and payload, and says how long they were
/// together: what comes after is the beginning of one that has not arrived.
#[inline]
pub(crate) fn each_frame(
    bytes: &[u8],
    mut take: impl FnMut(u8, &[u8]) -> anyhow::Result<()>,
) -> anyhow::Result<usize> {
    let mut taken = 0;
    while let Some(frame) = first_frame(&bytes[taken..])? {
        let end = taken + frame.payload.end;
        take(frame.opcode, &bytes[taken + frame.payload.start..end])?;
        taken = end;
    }
    Ok(taken)
}

/// Appends a frame as a client sends it.
pub(crate) fn put_client_frame(out: &mut Vec<u8>, opcode: u8, payload: &[u8]) {
    put_header(out, opcode, 0x80, payload.len());
    out.extend(MASK);
    let start = out.len();
    out.extend(payload);
    unmask(&mut out[start..], MASK);
}

/// Appends a text frame as a server sends it, its payload given in pieces.
pub(crate) fn put_server_text(out: &mut Vec<u8>, pieces: &[&[u8]]) {
    put_header(out, TEXT, 0, pieces.iter().map(|piece| piece.len()).sum());
    for piece in pieces {
        out.extend(*piece);
    }
}

/// Applies a mask, or takes it off: the two are one.
pub(crate) fn unmask(payload: &mut [u8], mask: [u8; 4]) {
    for (byte, key) in payload.iter_mut().zip(mask.into_iter().cycle()) {
        *byte ^= key;
    }
}

fn put_header(out: &mut Vec<u8>, opcode: u8, mask_bit: u8, length: usize) {
    let length = u16::try_from(length).expect("nothing here sends 64 KiB in one frame");
    out.push(0x80 | opcode);
    if length < u16::from(LENGTH_FOLLOWS) {
        out.push(mask_bit | length as u8);
    } else {
        out.push(mask_bit | LENGTH_FOLLOWS);
        out.extend(length.to_be_bytes());
    }
}

/// The HTTP request that opens a WebSocket, with what other headers there are.
pub(crate) fn upgrade_request(host: &str, headers: &str) -> String {
    format!(
        "GET /socket.io/?EIO=4&transport=websocket HTTP/1.1\r\nHost: {host}\r\n{headers}\
         Upgrade: websocket\r\nConnection: Upgrade\r\n\
         Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {KEY}\r\n\r\n"
    )
}

/// Tells one message from every other that is in flight: eight hexadecimal digits, the sender and
/// its count. They stand first in the value, so that a receiver finds them at a fixed place.
pub(crate) type MessageId = [u8; 8];

/// Messages of one sender after which its count begins anew: what five digits hold.
pub(crate) const COUNTS: u32 = 1 << 20;

/// The payload of a client's `message` event, whose value begins with the id of the message.
pub(crate) struct Outgoing {
    payload: Vec<u8>,
    value: Range<usize>,
    /// Where the UUID stands that the client gives the message, if it does.
    client_id: Option<(usize, ClientIds)>,
}

impl Outgoing {
    /// What comes before and after a value of `length` bytes.
    pub(crate) fn new(start: String, length: usize, end: &str) -> Self {
        let mut payload = start.into_bytes();
        let value = payload.len()..payload.len() + length;
        payload.extend((0..length).map(|at| b'a' + (at % 26) as u8));
        payload.extend(end.as_bytes());
        Self { payload, value, client_id: None }
    }

    pub(crate) fn with_client_id(self, at: usize, ids: ClientIds) -> Self {
        Self { client_id: Some((at, ids)), ..self }
    }

    /// Makes this the `count`-th message of `sender`.
    pub(crate) fn stamp(&mut self, sender: u32, count: u32) -> MessageId {
        let mut id = MessageId::default();
        write!(&mut id[..], "{:08x}", sender * COUNTS + count % COUNTS)
            .expect("eight digits are eight bytes");
        self.payload[self.value.start..][..id.len()].copy_from_slice(&id);
        if let Some((at, ids)) = self.client_id {
            let uuid = ids.uuid(sender, count);
            self.payload[at..][..uuid.len()].copy_from_slice(uuid.as_bytes());
        }
        id
    }

    pub(crate) fn payload(&self) -> &[u8] {
        &self.payload
    }

    /// Whether this is the value of this message, ids apart.
    pub(crate) fn is_value(&self, delivered: &[u8]) -> bool {
        let own = &self.payload[self.value.clone()];
        delivered.len() == own.len()
            && delivered[size_of::<MessageId>()..] == own[size_of::<MessageId>()..]
    }
}

/// Who sent the message with this id, and the how manieth of the sender it was (modulo [`COUNTS`]).
pub(crate) fn sender_and_count(id: MessageId) -> Option<(usize, u32)> {
    let number = u32::from_str_radix(std::str::from_utf8(&id).ok()?, 16).ok()?;
    Some(((number / COUNTS) as usize, number % COUNTS))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::dialect::Dialect;

    #[test]
    fn a_frame_is_found_only_once_its_last_byte_has_arrived() {
        let mut bytes = Vec::new();
        put_server_text(&mut bytes, &[b"42", &[b'x'; 200]]);
        for end in 0..bytes.len() {
            assert_eq!(first_frame(&bytes[..end]), Ok(None), "{end} bytes");
        }
        let whole = Frame { opcode: TEXT, mask: None, payload: 4..206 };
        assert_eq!(first_frame(&bytes), Ok(Some(whole)));
    }

    #[test]
    fn a_client_frame_can_be_read_back() {
        let mut bytes = Vec::new();
        put_client_frame(&mut bytes, TEXT, b"40");
        let frame = first_frame(&bytes).expect("well formed").expect("whole");
        let mut payload = bytes[frame.payload].to_vec();
        assert_ne!(payload, b"40", "masked");
        unmask(&mut payload, frame.mask.expect("a client masks"));
        assert_eq!(payload, b"40");
    }

    #[test]
    fn a_fragment_and_a_giant_are_refused() {
        assert_eq!(first_frame(&[0x01, 0x01, b'x']), Err(Malformed::FragmentOrExtension));
        assert_eq!(first_frame(&[0xC1, 0x01, b'x']), Err(Malformed::FragmentOrExtension));
        assert_eq!(first_frame(&[0x81, 127]), Err(Malformed::TooLong));
    }

    #[test]
    fn the_id_of_a_message_names_its_sender() {
        let dialect = Dialect::COMPARISON;
        let mut outgoing = dialect.outgoing(7, None);
        let id = outgoing.stamp(0xABC, 17);
        assert_eq!(&id, b"abc00011");
        assert_eq!(sender_and_count(id), Some((0xABC, 17)));
        assert!(outgoing.payload().starts_with(br#"42["message","room 7","abc00011"#));

        let delivered = [MESSAGE_START, &outgoing.payload()[r#"42["message","room 7",""#.len()..]];
        let mut delivered = delivered.concat();
        let value = dialect.value_of(&delivered).expect("a message");
        assert_eq!(value.first_chunk(), Some(&id));
        assert!(outgoing.is_value(value));
        assert_eq!(dialect.value_of(&delivered[..delivered.len() - 1]), None, "one byte short");
        assert_eq!(dialect.value_of(b"2"), None);

        delivered[100] = b'!';
        assert!(!outgoing.is_value(dialect.value_of(&delivered).expect("a message")));
    }
}

//! One packet, as text.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD as BASE64;

/// What travels in a session. `message` packets are [`Text`](Self::Text) or [`Binary`](Self::Binary).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Packet<'a> {
    /// The terms of the session, as JSON.
    Open(&'a str),
    /// The transport may be closed.
    Close,
    /// The server's heartbeat, or `probe` of an upgrading client.
    Ping(&'a str),
    /// The answer to a ping, with its payload.
    Pong(&'a str),
    /// A message.
    Text(&'a str),
    /// A message. On a WebSocket it is a binary frame and never comes through this codec.
    Binary(Cow<'a, [u8]>),
    /// The upgrade is complete.
    Upgrade,
    /// Nothing, so that a waiting poll ends.
    Noop,
}

/// Why text is no packet.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PacketError {
    /// There is not even a type.
    Empty,
    /// The first character names no packet type.
    UnknownType,
    /// A packet type without payload came with one.
    UnexpectedPayload,
    /// A binary message is not base64.
    InvalidBase64,
    /// A polling body holds more packets than are accepted at once.
    TooManyPackets,
}

impl<'a> Packet<'a> {
    /// Reads one packet.
    pub fn decode(text: &'a str) -> Result<Self, PacketError> {
        if text.is_empty() {
            return Err(PacketError::Empty);
        }
        // A longer first character is none of the types, and must not be cut in two.
        let (kind, payload) = text.split_at_checked(1).ok_or(PacketError::UnknownType)?;
        match (kind, payload) {
            ("0", json) => Ok(Self::Open(json)),
            ("1", "") => Ok(Self::Close),
            ("2", payload) => Ok(Self::Ping(payload)),
            ("3", payload) => Ok(Self::Pong(payload)),
            ("4", message) => Ok(Self::Text(message)),
            ("5", "") => Ok(Self::Upgrade),
            ("6", "") => Ok(Self::Noop),
            ("1" | "5" | "6", _) => Err(PacketError::UnexpectedPayload),
            ("b", base64) => match BASE64.decode(base64) {
                Ok(bytes) => Ok(Self::Binary(bytes.into())),
                Err(_) => Err(PacketError::InvalidBase64),
            },
            _ => Err(PacketError::UnknownType),
        }
    }

    /// Appends the packet as text.
    pub fn write(&self, out: &mut Vec<u8>) {
        let (kind, payload) = match self {
            Self::Open(json) => (b'0', *json),
            Self::Close => (b'1', ""),
            Self::Ping(payload) => (b'2', *payload),
            Self::Pong(payload) => (b'3', *payload),
            Self::Text(message) => (b'4', *message),
            Self::Binary(bytes) => return write_binary(out, bytes),
            Self::Upgrade => (b'5', ""),
            Self::Noop => (b'6', ""),
        };
        out.push(kind);
        out.extend_from_slice(payload.as_bytes());
    }
}

/// Appends a binary message where only text can travel.
pub(super) fn write_binary(out: &mut Vec<u8>, bytes: &[u8]) {
    out.push(b'b');
    let start = out.len();
    out.resize(start + bytes.len().div_ceil(3) * 4, 0);
    BASE64.encode_slice(bytes, &mut out[start..]).expect("four characters for three bytes");
}

impl fmt::Display for PacketError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Empty => "packet without a type",
            Self::UnknownType => "unknown packet type",
            Self::UnexpectedPayload => "payload on a packet type that has none",
            Self::InvalidBase64 => "binary message is not base64",
            Self::TooManyPackets => "too many packets in one body",
        })
    }
}

impl Error for PacketError {}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn write(packet: &Packet<'_>) -> String {
        let mut out = Vec::new();
        packet.write(&mut out);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn every_packet_is_read_and_written() {
        for (text, packet) in [
            (r#"0{"sid":"x"}"#, Packet::Open(r#"{"sid":"x"}"#)),
            ("1", Packet::Close),
            ("2", Packet::Ping("")),
            ("2probe", Packet::Ping("probe")),
            ("3", Packet::Pong("")),
            ("3probe", Packet::Pong("probe")),
            ("4", Packet::Text("")),
            ("4hello €", Packet::Text("hello €")),
            ("5", Packet::Upgrade),
            ("6", Packet::Noop),
            ("bAQIDBA==", Packet::Binary(vec![1, 2, 3, 4].into())),
            ("b", Packet::Binary(vec![].into())),
        ] {
            assert_eq!(Packet::decode(text), Ok(packet.clone()));
            assert_eq!(write(&packet), text);
        }
    }

    #[test]
    fn text_without_a_type_is_no_packet() {
        assert_eq!(Packet::decode(""), Err(PacketError::Empty));
        for text in ["abc", "7", "9", " 4", "-1", "B", "\0", "__proto__"] {
            assert_eq!(Packet::decode(text), Err(PacketError::UnknownType), "{text}");
        }
    }

    /// Such a packet, cut after its first byte, once took a server down.
    #[test]
    fn a_first_character_of_several_bytes_is_no_packet_type() {
        for text in ["é", "€4", "🦀", "\u{feff}4hello"] {
            assert_eq!(Packet::decode(text), Err(PacketError::UnknownType), "{text}");
        }
    }

    #[test]
    fn packets_that_say_all_with_their_type_have_no_payload() {
        for text in ["1bye", "5probe", "6 "] {
            assert_eq!(Packet::decode(text), Err(PacketError::UnexpectedPayload), "{text}");
        }
    }

    #[test]
    fn a_binary_message_must_be_base64() {
        for text in ["bA", "bAQIDBA", "bAQIDBB==", "b====", "bAQ==IDBA", "b_-_-", "bé"] {
            assert_eq!(Packet::decode(text), Err(PacketError::InvalidBase64), "{text}");
        }
    }

    proptest! {
        #[test]
        fn any_text_is_refused_or_written_as_it_was(text in "[0-7b]?\\PC*") {
            if let Ok(packet) = Packet::decode(&text) {
                prop_assert_eq!(write(&packet), text);
            }
        }

        #[test]
        fn any_bytes_survive_as_base64(bytes: Vec<u8>) {
            let packet = Packet::Binary(bytes.into());
            let text = write(&packet);
            prop_assert_eq!(Packet::decode(&text), Ok(packet));
        }
    }
}

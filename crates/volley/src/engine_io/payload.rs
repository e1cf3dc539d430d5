//! Polling bodies: packets side by side.

use crate::websocket::{self, Opcode};

use super::packet::{Packet, PacketError, write_binary};

/// Stands between two packets. JSON escapes it, so no packet holds one.
const SEPARATOR: char = '\x1e';

/// The packets of one polling body, ending with the first error.
///
/// What is beyond `max_packets` is an error too, found before it is decoded.
pub fn decode_payload(
    body: &str,
    max_packets: usize,
) -> impl Iterator<Item = Result<Packet<'_>, PacketError>> {
    let mut failed = false;
    body.split(SEPARATOR).enumerate().map_while(move |(position, text)| {
        if failed {
            return None;
        }
        let packet = if position < max_packets {
            Packet::decode(text)
        } else {
            Err(PacketError::TooManyPackets)
        };
        failed = packet.is_err();
        Some(packet)
    })
}

/// Appends messages, given as the finished frames a WebSocket would get, to a polling body.
///
/// A text frame holds an Engine.IO packet as it is; a binary frame becomes base64. Control frames
/// belong to the WebSocket alone and are left out.
pub fn append_payload(out: &mut Vec<u8>, frames: &[u8]) {
    for (opcode, payload) in websocket::frames(frames) {
        if !matches!(opcode, Opcode::Text | Opcode::Binary) {
            continue;
        }
        if !out.is_empty() {
            out.push(SEPARATOR as u8);
        }
        match opcode {
            Opcode::Binary => write_binary(out, payload),
            _ => out.extend_from_slice(payload),
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::collection::vec;
    use proptest::prelude::*;

    use super::*;

    fn decode(body: &str, max_packets: usize) -> Vec<Result<Packet<'_>, PacketError>> {
        decode_payload(body, max_packets).collect()
    }

    fn append(frames: &[(Opcode, &[u8])]) -> String {
        let mut finished = Vec::new();
        for (opcode, payload) in frames {
            websocket::write_frame(&mut finished, *opcode, payload);
        }
        let mut out = Vec::new();
        append_payload(&mut out, &finished);
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn the_example_of_the_protocol_is_understood() {
        assert_eq!(
            decode("4hello\x1e2\x1e4world", 3),
            [Ok(Packet::Text("hello")), Ok(Packet::Ping("")), Ok(Packet::Text("world"))]
        );
        assert_eq!(
            decode("4hello\x1ebAQIDBA==", 2),
            [Ok(Packet::Text("hello")), Ok(Packet::Binary(vec![1, 2, 3, 4].into()))]
        );
    }

    #[test]
    fn a_body_ends_with_its_first_error() {
        assert_eq!(
            decode("4a\x1exyz\x1e4b", 9),
            [Ok(Packet::Text("a")), Err(PacketError::UnknownType)]
        );
    }

    #[test]
    fn an_empty_packet_is_an_error() {
        assert_eq!(decode("", 9), [Err(PacketError::Empty)]);
        assert_eq!(decode("4a\x1e", 9), [Ok(Packet::Text("a")), Err(PacketError::Empty)]);
    }

    #[test]
    fn more_packets_than_allowed_are_an_error_that_costs_nothing() {
        let body = "4a\x1e".repeat(100_000);
        assert_eq!(
            decode(&body, 2),
            [Ok(Packet::Text("a")), Ok(Packet::Text("a")), Err(PacketError::TooManyPackets)]
        );
    }

    #[test]
    fn frames_become_a_body_without_a_second_encoding() {
        assert_eq!(append(&[]), "");
        assert_eq!(append(&[(Opcode::Text, b"2")]), "2");
        assert_eq!(
            append(&[
                (Opcode::Text, b"451-[{\"_placeholder\":true,\"num\":0}]"),
                (Opcode::Ping, b"for the WebSocket alone"),
                (Opcode::Binary, &[1, 2, 3, 4]),
                (Opcode::Text, b"4world"),
            ]),
            "451-[{\"_placeholder\":true,\"num\":0}]\x1ebAQIDBA==\x1e4world"
        );
    }

    #[test]
    fn a_body_that_was_begun_is_continued() {
        let mut frame = Vec::new();
        websocket::write_frame(&mut frame, Opcode::Text, b"4b");
        let mut out = b"4a".to_vec();
        append_payload(&mut out, &frame);
        assert_eq!(out, b"4a\x1e4b");
    }

    proptest! {
        #[test]
        fn what_is_appended_is_read_back(
            messages in vec(prop_oneof![
                "[^\x1e]*".prop_map(Ok),
                any::<Vec<u8>>().prop_map(Err),
            ], 1..20)
        ) {
            let mut out = Vec::new();
            for message in &messages {
                let mut frame = Vec::new();
                match message {
                    Ok(text) => {
                        websocket::write_frame(&mut frame, Opcode::Text, format!("4{text}").as_bytes());
                    }
                    Err(bytes) => websocket::write_frame(&mut frame, Opcode::Binary, bytes),
                }
                append_payload(&mut out, &frame);
            }
            let body = String::from_utf8(out).unwrap();
            let expected: Vec<_> = messages
                .iter()
                .map(|message| Ok(match message {
                    Ok(text) => Packet::Text(text),
                    Err(bytes) => Packet::Binary(bytes.into()),
                }))
                .collect();
            prop_assert_eq!(decode(&body, 20), expected);
        }

        #[test]
        fn any_body_ends(body in "(\\PC|\x1e)*", max_packets in 0..20_usize) {
            let packets = decode(&body, max_packets);
            prop_assert!(packets.len() <= max_packets + 1);
            let errors = packets.iter().filter(|packet| packet.is_err()).count();
            prop_assert!(errors <= 1 && (errors == 0 || packets.last().unwrap().is_err()));
        }
    }
}

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

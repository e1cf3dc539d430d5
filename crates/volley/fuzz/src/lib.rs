//! What must hold for every input, panics aside. The fuzzer looks for inputs that break it; the test
//! `fuzz_corpus` replays what it found so far.

use volley::engine_io::{self, PacketError};
use volley::socket_io::{self, PacketType};
use volley::websocket::{self, Decoder, Message, Opcode, Violation};

/// The same bytes mean the same in one piece and in chunks, whose length is the first byte.
pub fn websocket_decoder(data: &[u8]) {
    let Some((&chunk_length, bytes)) = data.split_first() else {
        return;
    };
    let mut whole = bytes.to_vec();
    let mut cut = bytes.to_vec();
    let decoded = decode_chunks([&mut whole[..]].into_iter());
    assert_eq!(decoded, decode_chunks(cut.chunks_mut(usize::from(chunk_length) + 1)));
    for message in decoded.0 {
        check_frame(&message);
    }
}

type Decoded<'a> = (Vec<Message<'a>>, Option<Violation>);

fn decode_chunks<'a>(chunks: impl Iterator<Item = &'a mut [u8]>) -> Decoded<'a> {
    const LIMITS: websocket::Limits =
        websocket::Limits { max_message_bytes: 1000, max_fragments: 10 };
    let mut decoder = Decoder::new();
    let mut messages = Vec::new();
    for mut chunk in chunks {
        loop {
            match decoder.decode(&mut chunk, LIMITS) {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => break,
                Err(violation) => return (messages, Some(violation)),
            }
        }
    }
    (messages, None)
}

/// A message can be sent back as one frame.
fn check_frame(message: &Message<'_>) {
    let (opcode, payload) = match message {
        Message::Text(text) => (Opcode::Text, text.as_bytes()),
        Message::Binary(bytes) => (Opcode::Binary, &bytes[..]),
        Message::Ping(bytes) => (Opcode::Ping, &bytes[..]),
        Message::Pong(bytes) => (Opcode::Pong, &bytes[..]),
        Message::Close(_) => return,
    };
    let mut frame = Vec::new();
    websocket::write_frame(&mut frame, opcode, payload);
    assert!(websocket::frames(&frame).eq([(opcode, payload)]));
}

/// A body that is understood is written again as it was; one that is not ends with one error.
pub fn engine_payload(data: &[u8]) {
    const MAX_PACKETS: usize = 16;
    engine_io::append_payload(&mut Vec::new(), data);
    let Ok(body) = str::from_utf8(data) else {
        return;
    };
    let mut written = Vec::new();
    let mut packets = 0;
    for packet in engine_io::decode_payload(body, MAX_PACKETS) {
        match packet {
            Ok(packet) => {
                assert!(packets < MAX_PACKETS);
                if packets > 0 {
                    written.push(b'\x1e');
                }
                packets += 1;
                packet.write(&mut written);
            }
            Err(error) => {
                assert_eq!(error == PacketError::TooManyPackets, packets == MAX_PACKETS);
                return;
            }
        }
    }
    assert_eq!(written, data);
}

/// A packet that is understood holds JSON that others understand, and is understood again when it
/// is written.
pub fn socket_packet(data: &[u8]) {
    let limits = socket_io::Limits::default();
    let Ok(text) = str::from_utf8(data) else {
        return;
    };
    let Ok(packet) = socket_io::Packet::decode(text, &limits) else {
        return;
    };
    if !packet.data.is_empty() {
        serde_json::from_str::<serde_json::Value>(packet.data).expect("checked JSON");
    }
    if matches!(packet.packet_type, PacketType::Event | PacketType::BinaryEvent) {
        socket_io::event_name(packet.data).expect("an event has a name");
        socket_io::event_args::<Vec<serde_json::Value>>(packet.data).expect("and arguments");
    }
    let mut written = Vec::new();
    socket_io::encode_header(
        &mut written,
        packet.packet_type,
        packet.attachments,
        packet.namespace,
        packet.id,
    );
    written.extend_from_slice(packet.data.as_bytes());
    let written = str::from_utf8(&written).expect("text");
    assert_eq!(socket_io::Packet::decode(written, &limits), Ok(packet));
}

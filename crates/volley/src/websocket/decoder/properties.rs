//! What holds for every stream of bytes, with `tungstenite` as a second opinion.

use std::io::{self, Read, Write};

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::Index;
use tungstenite::protocol::frame::coding::CloseCode as OracleCode;
use tungstenite::protocol::{Role, WebSocket, WebSocketConfig};

use super::tests::{decode_chunks, frame};
use super::*;

const LIMITS: Limits = Limits { max_message_bytes: 4096, max_fragments: u32::MAX };

/// A payload: mostly text, sometimes cut inside a character, sometimes noise.
fn payload() -> impl Strategy<Value = Vec<u8>> {
    let text = "\\PC{0,40}".prop_map(String::into_bytes);
    let cut = ("\\PC{0,40}", any::<Index>()).prop_map(|(text, at)| {
        let mut bytes = text.into_bytes();
        bytes.truncate(at.index(bytes.len() + 1));
        bytes
    });
    let long = (0..5000_usize).prop_map(|length| vec![b'x'; length]);
    prop_oneof![4 => text, 2 => cut, 1 => vec(any::<u8>(), 0..130), 1 => long]
}

/// Frames of which many make sense, in an order of which some make sense.
fn frames() -> impl Strategy<Value = Vec<u8>> {
    let first = prop_oneof![
        8 => prop::sample::select(vec![0x81, 0x82, 0x89, 0x8a, 0x01, 0x02, 0x00, 0x80]),
        2 => prop::sample::select(vec![0x01, 0x00, 0x80]),
        1 => Just(0x88),
        1 => any::<u8>(),
    ];
    vec((first, payload()).prop_map(|(first, payload)| frame(first, &payload)), 0..8)
        .prop_map(|frames| frames.concat())
}

/// Such frames with one byte changed, or without their end.
fn damaged_frames() -> impl Strategy<Value = Vec<u8>> {
    (frames(), any::<Index>(), any::<u8>(), any::<bool>()).prop_map(|(mut bytes, at, byte, cut)| {
        if cut {
            bytes.truncate(at.index(bytes.len() + 1));
        } else if !bytes.is_empty() {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        bytes
    })
}

fn any_bytes() -> impl Strategy<Value = Vec<u8>> {
    prop_oneof![3 => frames(), 2 => damaged_frames(), 1 => vec(any::<u8>(), 0..200)]
}

/// Cuts `bytes` into chunks of these lengths, over and over.
fn chunks<'a>(mut bytes: &'a mut [u8], lengths: &[usize]) -> Vec<&'a mut [u8]> {
    let mut lengths = lengths.iter().cycle();
    let mut chunks = Vec::new();
    while !bytes.is_empty() {
        let length = lengths.next().map_or(bytes.len(), |&length| length.min(bytes.len()));
        chunks.push(take_front(&mut bytes, length));
    }
    chunks
}

fn chunk_lengths() -> impl Strategy<Value = Vec<usize>> {
    vec(prop_oneof![1..20_usize, 1..5000_usize], 0..10)
}

proptest! {
    #[test]
    fn a_message_survives_any_fragments_in_any_chunks(
        message in "\\PC{0,300}",
        cuts in vec(any::<Index>(), 0..6),
        lengths in chunk_lengths(),
    ) {
        let mut cuts: Vec<usize> = cuts.iter().map(|cut| cut.index(message.len() + 1)).collect();
        cuts.extend([0, message.len()]);
        cuts.sort_unstable();
        let last = cuts.len() - 2;
        let mut bytes = Vec::new();
        for (position, ends) in cuts.windows(2).enumerate() {
            let opcode = u8::from(position == 0);
            let fin = if position == last { 0x80 } else { 0 };
            bytes.extend(frame(fin | opcode, &message.as_bytes()[ends[0]..ends[1]]));
        }
        let decoded = decode_chunks(chunks(&mut bytes, &lengths), LIMITS);
        prop_assert_eq!(decoded, (vec![Message::Text(message.into())], None));
    }

    #[test]
    fn chunks_make_no_difference(bytes in any_bytes(), lengths in chunk_lengths()) {
        let (mut whole, mut cut) = (bytes.clone(), bytes);
        prop_assert_eq!(
            decode_chunks([&mut whole[..]], LIMITS),
            decode_chunks(chunks(&mut cut, &lengths), LIMITS)
        );
    }

    #[test]
    fn no_bytes_make_the_decoder_hold_more_than_twice_what_it_received(
        mut bytes in any_bytes(),
        lengths in chunk_lengths(),
    ) {
        // A vector doubles, and never has room for fewer than eight bytes.
        const SMALLEST_ROOM: usize = 2 * 8;
        let mut decoder = Decoder::new();
        let mut received = 0;
        for mut chunk in chunks(&mut bytes, &lengths) {
            received += chunk.len();
            loop {
                match decoder.decode(&mut chunk, LIMITS) {
                    Ok(Some(_)) => {}
                    Ok(None) => break,
                    Err(_) => return Ok(()),
                }
            }
            prop_assert!(decoder.held_bytes() <= 2 * received + SMALLEST_ROOM);
        }
    }

    #[test]
    fn another_implementation_comes_to_the_same(bytes in any_bytes(), lengths in chunk_lengths()) {
        let mut ours = bytes.clone();
        let (messages, violation) = decode_chunks(chunks(&mut ours, &lengths), LIMITS);
        // The other one lets long forms of a length pass, and does not know the newest close code.
        prop_assume!(violation != Some(Violation::Protocol("length not in its shortest form")));
        prop_assume!(!messages.iter().any(|message| matches!(
            message,
            Message::Close(Some(close)) if close.code.get() == 1014
        )));
        let messages = up_to_close(messages);
        let closed = matches!(messages.last(), Some(Message::Close(_)));

        let mut oracle = oracle(bytes);
        for message in &messages {
            prop_assert_eq!(oracle_message(&mut oracle), Ok(Some(message.clone())));
        }
        if !closed {
            match oracle_message(&mut oracle) {
                // A frame that cannot become right is not waited for here; the other one waits.
                Ok(None) => {}
                Ok(Some(more)) => prop_assert!(false, "not seen here: {:?}", more),
                Err(()) => prop_assert!(violation.is_some(), "refused only there"),
            }
        }
    }
}

fn up_to_close(mut messages: Vec<Message<'_>>) -> Vec<Message<'_>> {
    if let Some(end) = messages.iter().position(|message| matches!(message, Message::Close(_))) {
        messages.truncate(end + 1);
    }
    messages
}

/// The bytes a client sent, and nothing after them; what is written goes nowhere.
struct Received(io::Cursor<Vec<u8>>);

impl Read for Received {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        match self.0.read(buffer)? {
            0 => Err(io::ErrorKind::WouldBlock.into()),
            length => Ok(length),
        }
    }
}

impl Write for Received {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn oracle(bytes: Vec<u8>) -> WebSocket<Received> {
    let config = WebSocketConfig::default()
        .max_message_size(Some(LIMITS.max_message_bytes))
        .max_frame_size(Some(LIMITS.max_message_bytes));
    WebSocket::from_raw_socket(Received(io::Cursor::new(bytes)), Role::Server, Some(config))
}

/// Its next message in our words, `None` when it wants more bytes, an error when it refuses.
fn oracle_message(oracle: &mut WebSocket<Received>) -> Result<Option<Message<'static>>, ()> {
    use tungstenite::Message as Theirs;

    let message = match oracle.read() {
        Ok(message) => message,
        Err(tungstenite::Error::Io(error)) if error.kind() == io::ErrorKind::WouldBlock => {
            return Ok(None);
        }
        Err(_) => return Err(()),
    };
    Ok(Some(match message {
        Theirs::Text(text) => Message::Text(text.as_str().to_owned().into()),
        Theirs::Binary(bytes) => Message::Binary(bytes.to_vec().into()),
        Theirs::Ping(bytes) => Message::Ping(bytes.to_vec().into()),
        Theirs::Pong(bytes) => Message::Pong(bytes.to_vec().into()),
        // It answers a wrong code by itself, and reports its answer.
        Theirs::Close(Some(close))
            if close.code == OracleCode::Protocol && close.reason == "Protocol violation" =>
        {
            return Err(());
        }
        Theirs::Close(close) => Message::Close(close.map(|close| CloseFrame {
            code: crate::websocket::CloseCode::new(close.code.into()).ok_or(()).unwrap(),
            reason: close.reason.as_str().to_owned(),
        })),
        Theirs::Frame(_) => unreachable!("frames are not read raw"),
    }))
}

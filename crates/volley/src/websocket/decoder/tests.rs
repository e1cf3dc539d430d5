use super::*;
use crate::websocket::CloseCode;

const ROOMY: Limits = Limits { max_message_bytes: 1 << 20, max_fragments: 1000 };

const TEXT: u8 = 0x81;
const BINARY: u8 = 0x82;
const CLOSE: u8 = 0x88;
const PING: u8 = 0x89;
const PONG: u8 = 0x8a;
const TEXT_BEGINS: u8 = 0x01;
const BINARY_BEGINS: u8 = 0x02;
const CONTINUES: u8 = 0x00;
const CONTINUATION_ENDS: u8 = 0x80;

/// A frame as a client sends it: this first byte, the shortest length, masked.
pub(super) fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    let mut frame = Vec::new();
    crate::websocket::write_frame(&mut frame, Opcode::Text, payload);
    frame[0] = first;
    frame[1] |= 0x80;
    let mask = [0x37, 0xfa, 0x21, 0x3d];
    let header_length = frame.len() - payload.len();
    unmask(&mut frame[header_length..], mask);
    frame.splice(header_length..header_length, mask);
    frame
}

/// The messages up to the end of the last chunk or to the first violation.
pub(super) fn decode_chunks<'a>(
    chunks: impl IntoIterator<Item = &'a mut [u8]>,
    limits: Limits,
) -> (Vec<Message<'a>>, Option<Violation>) {
    let mut decoder = Decoder::new();
    let mut messages = Vec::new();
    for mut chunk in chunks {
        loop {
            match decoder.decode(&mut chunk, limits) {
                Ok(Some(message)) => messages.push(message),
                Ok(None) => break,
                Err(violation) => return (messages, Some(violation)),
            }
        }
        assert!(chunk.is_empty(), "None means that the input is used up");
    }
    (messages, None)
}

/// Decodes frames as one input and byte by byte, which must come to the same.
#[track_caller]
fn assert_decodes(frames: &[Vec<u8>], messages: &[Message<'_>]) {
    let bytes = frames.concat();
    assert_eq!(decode_chunks([&mut bytes.clone()[..]], ROOMY), (messages.to_vec(), None));
    assert_eq!(decode_chunks(bytes.clone().chunks_mut(1), ROOMY), (messages.to_vec(), None));
}

#[track_caller]
fn assert_refused(frames: &[Vec<u8>], violation: Violation) {
    assert_refused_within(ROOMY, frames, violation);
}

#[track_caller]
fn assert_refused_within(limits: Limits, frames: &[Vec<u8>], violation: Violation) {
    let bytes = frames.concat();
    assert_eq!(decode_chunks([&mut bytes.clone()[..]], limits).1, Some(violation));
    assert_eq!(decode_chunks(bytes.clone().chunks_mut(1), limits).1, Some(violation));
}

fn text(text: &str) -> Message<'_> {
    Message::Text(text.into())
}

fn binary(bytes: &[u8]) -> Message<'_> {
    Message::Binary(bytes.into())
}

#[test]
fn an_idle_decoder_is_one_pointer() {
    assert_eq!(size_of::<Decoder>(), size_of::<usize>());
}

#[test]
fn the_masked_hello_of_the_standard_is_understood() {
    let mut bytes = [0x81, 0x85, 0x37, 0xfa, 0x21, 0x3d, 0x7f, 0x9f, 0x4d, 0x51, 0x58];
    assert_eq!(decode_chunks([&mut bytes[..]], ROOMY), (vec![text("Hello")], None));
}

#[test]
fn messages_of_every_kind_are_understood() {
    assert_decodes(
        &[
            frame(TEXT, "κόσμε".as_bytes()),
            frame(BINARY, &[0, 255]),
            frame(PING, b"are you there"),
            frame(PONG, b""),
            frame(CLOSE, b"\x03\xe8bye"),
        ],
        &[
            text("κόσμε"),
            binary(&[0, 255]),
            Message::Ping(b"are you there".into()),
            Message::Pong(b"".into()),
            Message::Close(Some(CloseFrame { code: CloseCode::NORMAL, reason: "bye".into() })),
        ],
    );
}

#[test]
fn every_form_of_the_length_is_understood() {
    for length in [0, 1, 125, 126, 127, 65_535, 65_536, 65_537] {
        let payload = vec![7; length];
        assert_decodes(&[frame(BINARY, &payload)], &[binary(&payload)]);
    }
}

#[test]
fn a_message_that_lies_whole_in_the_input_is_borrowed() {
    let mut bytes = [frame(TEXT, b"here"), frame(PING, b"too")].concat();
    let mut input = &mut bytes[..];
    let mut decoder = Decoder::new();
    let first = decoder.decode(&mut input, ROOMY);
    assert!(matches!(first, Ok(Some(Message::Text(Cow::Borrowed("here"))))));
    let second = decoder.decode(&mut input, ROOMY);
    assert!(matches!(second, Ok(Some(Message::Ping(Cow::Borrowed(b"too"))))));
    assert!(decoder.is_idle());
}

#[test]
fn fragments_make_one_message() {
    assert_decodes(
        &[
            frame(TEXT_BEGINS, b"one "),
            frame(CONTINUES, b""),
            frame(CONTINUES, b"mess"),
            frame(CONTINUATION_ENDS, b"age"),
            frame(BINARY_BEGINS, b""),
            frame(CONTINUATION_ENDS, b""),
        ],
        &[text("one message"), binary(b"")],
    );
}

#[test]
fn control_frames_come_between_fragments_without_disturbing_them() {
    assert_decodes(
        &[
            frame(TEXT_BEGINS, b"inter"),
            frame(PING, b"1"),
            frame(CONTINUES, b"rup"),
            frame(PONG, b""),
            frame(PING, b"2"),
            frame(CONTINUATION_ENDS, b"ted"),
        ],
        &[
            Message::Ping(b"1".into()),
            Message::Pong(b"".into()),
            Message::Ping(b"2".into()),
            text("interrupted"),
        ],
    );
}

#[test]
fn the_decoder_is_idle_again_after_each_whole_message() {
    let mut bytes = [frame(TEXT_BEGINS, b"a"), frame(CONTINUATION_ENDS, b"b")].concat();
    let mut decoder = Decoder::new();
    let last = bytes.len() - 1;
    for (position, byte) in bytes.iter_mut().enumerate() {
        let mut input = std::slice::from_mut(byte);
        let message = decoder.decode(&mut input, ROOMY).unwrap();
        assert_eq!(message.is_some(), position == last);
        assert_eq!(decoder.is_idle(), position == last);
    }
}

#[test]
fn a_frame_without_a_mask_is_refused() {
    let mut unmasked = Vec::new();
    crate::websocket::write_frame(&mut unmasked, Opcode::Text, b"Hello");
    assert_refused(&[unmasked], Violation::Protocol("client frame without a mask"));
}

#[test]
fn reserved_bits_are_refused() {
    for bit in [0x40, 0x20, 0x10] {
        assert_refused(
            &[frame(TEXT | bit, b"")],
            Violation::Protocol("reserved bit set without an extension"),
        );
    }
}

#[test]
fn reserved_opcodes_are_refused() {
    for opcode in (0x3..=0x7).chain(0xb..=0xf) {
        assert_refused(&[frame(0x80 | opcode, b"")], Violation::Protocol("reserved opcode"));
    }
}

#[test]
fn a_fragmented_control_frame_is_refused() {
    for opcode in [0x8, 0x9, 0xa] {
        assert_refused(&[frame(opcode, b"")], Violation::Protocol("fragmented control frame"));
    }
}

#[test]
fn a_control_frame_holds_125_bytes_and_no_more() {
    assert_decodes(&[frame(PING, &[1; 125])], &[Message::Ping(vec![1; 125].into())]);
    for first in [CLOSE, PING, PONG] {
        assert_refused(
            &[frame(first, &[1; 126])],
            Violation::Protocol("control frame longer than 125 bytes"),
        );
    }
}

#[test]
fn a_length_not_in_its_shortest_form_is_refused() {
    let violation = Violation::Protocol("length not in its shortest form");
    assert_refused(&[vec![BINARY, 0xfe, 0, 125]], violation);
    assert_refused(&[vec![BINARY, 0xff, 0, 0, 0, 0, 0, 0, 255, 255]], violation);
}

#[test]
fn a_length_of_64_bits_is_refused() {
    assert_refused(
        &[vec![BINARY, 0xff, 0x80, 0, 0, 0, 0, 0, 0, 0]],
        Violation::Protocol("highest bit of a 64-bit length set"),
    );
}

#[test]
fn a_continuation_of_nothing_is_refused() {
    let violation = Violation::Protocol("continuation of no message");
    assert_refused(&[frame(CONTINUATION_ENDS, b"")], violation);
    assert_refused(&[frame(TEXT, b"whole"), frame(CONTINUES, b"")], violation);
    assert_refused(&[frame(PING, b""), frame(CONTINUES, b"")], violation);
}

#[test]
fn a_new_message_inside_a_fragmented_one_is_refused() {
    for first in [TEXT, BINARY, TEXT_BEGINS, BINARY_BEGINS] {
        assert_refused(
            &[frame(TEXT_BEGINS, b""), frame(first, b"")],
            Violation::Protocol("new message inside a fragmented one"),
        );
    }
}

#[test]
fn a_close_frame_may_be_empty_but_not_one_byte() {
    assert_decodes(&[frame(CLOSE, b"")], &[Message::Close(None)]);
    assert_refused(&[frame(CLOSE, &[3])], Violation::Protocol("close code of one byte"));
}

#[test]
fn close_codes_that_are_not_for_the_wire_are_refused() {
    for code in [0_u16, 999, 1004, 1005, 1006, 1015, 1016, 2999, 5000, 65_535] {
        assert_refused(
            &[frame(CLOSE, &code.to_be_bytes())],
            Violation::Protocol("close code not for the wire"),
        );
    }
}

#[test]
fn a_close_reason_that_is_not_utf_8_is_refused() {
    assert_refused(&[frame(CLOSE, b"\x03\xe8\xff")], Violation::InvalidUtf8);
}

#[test]
fn text_that_is_not_utf_8_is_refused() {
    // Overlong, a surrogate, above U+10FFFF, a lone continuation, a character without its end.
    for bytes in [&b"\xc0\x80"[..], b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\x80", b"\xe2\x82"] {
        assert_refused(&[frame(TEXT, bytes)], Violation::InvalidUtf8);
        assert_refused(
            &[frame(TEXT_BEGINS, b"good "), frame(CONTINUATION_ENDS, bytes)],
            Violation::InvalidUtf8,
        );
    }
}

#[test]
fn a_character_may_be_cut_by_fragments() {
    assert_decodes(
        &[
            frame(TEXT_BEGINS, b"\xf0"),
            frame(CONTINUES, b"\x9f"),
            frame(CONTINUES, b""),
            frame(CONTINUES, b"\xa6"),
            frame(CONTINUATION_ENDS, b"\x80"),
        ],
        &[text("🦀")],
    );
}

#[test]
fn bad_text_is_refused_before_its_frame_is_whole() {
    let mut whole = frame(TEXT, &[b"good \xff".as_slice(), &[b'x'; 1000]].concat());
    let header_length = 8;
    let cut = header_length + b"good \xff".len();
    let (messages, violation) = decode_chunks([&mut whole[..cut]], ROOMY);
    assert_eq!((messages, violation), (vec![], Some(Violation::InvalidUtf8)));
}

#[test]
fn a_message_too_big_is_refused_on_its_header_alone() {
    let limits = Limits { max_message_bytes: 1000, ..ROOMY };
    assert_eq!(decode_chunks([&mut frame(BINARY, &[0; 1000])[..]], limits).1, None);

    let whole = frame(BINARY, &[0; 1001]);
    assert_refused_within(limits, &[whole[..8].to_vec()], Violation::TooBig);
    let promised_terabytes = vec![BINARY, 0xff, 0, 0, 9, 0, 0, 0, 0, 0, 1, 2, 3, 4];
    assert_refused_within(limits, &[promised_terabytes], Violation::TooBig);
}

#[test]
fn fragments_are_too_big_together() {
    let limits = Limits { max_message_bytes: 1000, ..ROOMY };
    let begun = frame(BINARY_BEGINS, &[0; 600]);
    let header_of_more = frame(CONTINUES, &[0; 401])[..8].to_vec();
    assert_refused_within(limits, &[begun, header_of_more], Violation::TooBig);
}

#[test]
fn a_control_frame_does_not_count_against_the_message() {
    let limits = Limits { max_message_bytes: 2, max_fragments: 2 };
    let mut bytes = [
        frame(BINARY_BEGINS, b"1"),
        frame(PING, b"longer than two bytes"),
        frame(CONTINUATION_ENDS, b"2"),
    ]
    .concat();
    let (messages, violation) = decode_chunks([&mut bytes[..]], limits);
    assert_eq!((messages.len(), violation), (2, None));
}

#[test]
fn more_fragments_than_allowed_are_refused() {
    let limits = Limits { max_fragments: 3, ..ROOMY };
    let fragments = [
        frame(TEXT_BEGINS, b""),
        frame(CONTINUES, b""),
        frame(CONTINUES, b""),
        frame(CONTINUATION_ENDS, b""),
    ];
    assert_refused_within(limits, &fragments, Violation::TooManyFragments);

    let uncut = Limits { max_fragments: 0, ..ROOMY };
    assert_eq!(decode_chunks([&mut frame(TEXT, b"uncut")[..]], uncut).1, None);
    assert_refused_within(uncut, &fragments, Violation::TooManyFragments);
}

/// The story of CVE-2026-48779: 131 000 fragments of one byte, never finished, cost a server
/// fifteen times what they cost the client.
#[test]
fn tiny_fragments_without_end_cost_no_more_than_their_bytes() {
    let mut decoder = Decoder::new();
    let limits = Limits { max_message_bytes: 1 << 20, max_fragments: u32::MAX };
    decoder.decode(&mut &mut frame(BINARY_BEGINS, b"x")[..], limits).unwrap();
    for _ in 0..131_000 {
        decoder.decode(&mut &mut frame(CONTINUES, b"x")[..], limits).unwrap();
    }
    assert!(decoder.held_bytes() <= 2 * 131_001);
}

#[test]
fn promised_bytes_are_not_allocated() {
    let mut decoder = Decoder::new();
    let mut begun = frame(BINARY, &vec![0; 1 << 20]);
    begun.truncate(100);
    decoder.decode(&mut &mut begun[..], ROOMY).unwrap();
    assert!(decoder.held_bytes() <= 200);
}

#[test]
fn a_violation_names_the_code_to_close_with() {
    for (violation, code) in [
        (Violation::Protocol(""), 1002),
        (Violation::InvalidUtf8, 1007),
        (Violation::TooManyFragments, 1008),
        (Violation::TooBig, 1009),
    ] {
        assert_eq!(violation.close_code().get(), code);
    }
}

impl Decoder {
    /// Payload bytes allocated.
    pub(super) fn held_bytes(&self) -> usize {
        let partial = self.partial.iter();
        partial
            .flat_map(|partial| partial.message.iter().chain(&partial.control))
            .map(|unfinished| unfinished.bytes.capacity())
            .sum()
    }
}

//! The codec behind a real socket: what the `websocket_echo` example does with what a client sends.

#![expect(clippy::unwrap_used, reason = "in a test a panic is the answer")]

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::thread;
use std::time::Duration;

use tokio::net::TcpListener;
use tungstenite::protocol::{Role, WebSocket};
use volley::websocket::{Opcode, frames, write_frame};

#[path = "../examples/websocket_echo.rs"]
#[expect(dead_code, reason = "its main is for the command line")]
mod websocket_echo;

const TEXT: u8 = 0x81;
const BINARY: u8 = 0x82;
const CLOSE: u8 = 0x88;
const PING: u8 = 0x89;
const PONG: u8 = 0x8a;
const TEXT_BEGINS: u8 = 0x01;
const BINARY_BEGINS: u8 = 0x02;
const CONTINUES: u8 = 0x00;
const CONTINUATION_ENDS: u8 = 0x80;

const NORMAL: &[u8] = &1000_u16.to_be_bytes();

/// A test that hangs is a test that fails.
const PATIENCE: Duration = Duration::from_secs(20);

fn start_server() -> SocketAddr {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let listener = runtime.block_on(TcpListener::bind("127.0.0.1:0")).unwrap();
    let address = listener.local_addr().unwrap();
    thread::spawn(move || runtime.block_on(websocket_echo::serve(listener)));
    address
}

/// Sends a request and reads the head of the answer.
fn request(stream: &mut TcpStream, headers: &str) -> String {
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    write!(stream, "GET / HTTP/1.1\r\nHost: localhost\r\n{headers}\r\n").unwrap();
    let mut head = Vec::new();
    while !head.ends_with(b"\r\n\r\n") {
        let mut byte = [0];
        stream.read_exact(&mut byte).unwrap();
        head.extend(byte);
    }
    String::from_utf8(head).unwrap()
}

fn open() -> TcpStream {
    let mut stream = TcpStream::connect(start_server()).unwrap();
    stream.set_nodelay(true).unwrap();
    let head = request(
        &mut stream,
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
    );
    assert!(head.starts_with("HTTP/1.1 101 "), "{head}");
    assert!(head.contains("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="), "{head}");
    stream
}

/// A frame as a client sends it.
fn frame(first: u8, payload: &[u8]) -> Vec<u8> {
    const MASK: [u8; 4] = [0xde, 0xad, 0xbe, 0xef];
    let mut frame = Vec::new();
    write_frame(&mut frame, Opcode::Text, payload);
    frame.truncate(frame.len() - payload.len());
    frame[0] = first;
    frame[1] |= 0x80;
    frame.extend(MASK);
    frame.extend(payload.iter().zip(MASK.iter().cycle()).map(|(byte, mask)| byte ^ mask));
    frame
}

type Frame = (Opcode, Vec<u8>);

/// Everything the server sends until it closes.
fn read_frames(stream: &mut TcpStream) -> Vec<Frame> {
    let mut bytes = Vec::new();
    stream.read_to_end(&mut bytes).unwrap();
    frames(&bytes).map(|(opcode, payload)| (opcode, payload.to_vec())).collect()
}

fn exchange(sent: &[Vec<u8>]) -> Vec<Frame> {
    let mut stream = open();
    stream.write_all(&sent.concat()).unwrap();
    read_frames(&mut stream)
}

fn exchange_octet_by_octet(sent: &[Vec<u8>]) -> Vec<Frame> {
    let mut stream = open();
    for octet in sent.concat() {
        stream.write_all(&[octet]).unwrap();
    }
    read_frames(&mut stream)
}

/// What is received for what is sent, however it is cut into packets; the close frame of the server
/// carries this code.
#[track_caller]
fn assert_echo(sent: &[Vec<u8>], received: &[(Opcode, &[u8])], close_code: u16) {
    for mut frames in [exchange(sent), exchange_octet_by_octet(sent)] {
        let (opcode, close) = frames.pop().expect("a server says goodbye");
        assert_eq!(opcode, Opcode::Close);
        assert_eq!(close[..2], close_code.to_be_bytes());
        let frames: Vec<_> =
            frames.iter().map(|(opcode, payload)| (*opcode, payload.as_slice())).collect();
        assert_eq!(frames, received);
    }
}

#[test]
fn text_and_bytes_come_back_as_they_went() {
    assert_echo(
        &[
            frame(TEXT, "κόσμε".as_bytes()),
            frame(BINARY, &[0, 255]),
            frame(TEXT, b""),
            frame(CLOSE, NORMAL),
        ],
        &[(Opcode::Text, "κόσμε".as_bytes()), (Opcode::Binary, &[0, 255]), (Opcode::Text, b"")],
        1000,
    );
}

#[test]
fn every_form_of_the_length_comes_back() {
    for length in [125, 126, 127, 65_535, 65_536, 1 << 20] {
        let payload = vec![b'*'; length];
        let received = exchange(&[frame(TEXT, &payload), frame(CLOSE, NORMAL)]);
        assert_eq!(received, [(Opcode::Text, payload), (Opcode::Close, NORMAL.to_vec())]);
    }
}

#[test]
fn fragments_come_back_as_one_message_and_pings_between_them_at_once() {
    assert_echo(
        &[
            frame(TEXT_BEGINS, b"one "),
            frame(PING, b"1"),
            frame(CONTINUES, b"mess"),
            frame(PONG, b"unasked"),
            frame(PING, &[7; 125]),
            frame(CONTINUATION_ENDS, b"age"),
            frame(CLOSE, NORMAL),
        ],
        &[(Opcode::Pong, b"1"), (Opcode::Pong, &[7; 125]), (Opcode::Text, b"one message")],
        1000,
    );
}

#[test]
fn broken_rules_end_the_connection_with_1002() {
    for broken in [
        frame(TEXT | 0x40, b""),
        frame(0x83, b""),
        frame(0x8b, b""),
        frame(0x09, b"fragmented ping"),
        frame(PING, &[0; 126]),
        frame(CONTINUATION_ENDS, b"of nothing"),
        [frame(TEXT_BEGINS, b"begun"), frame(TEXT, b"anew")].concat(),
        frame(CLOSE, &[3]),
        frame(CLOSE, &1005_u16.to_be_bytes()),
        vec![TEXT, 2, b'n', b'o'],
    ] {
        let sent = [frame(TEXT, b"before"), broken, frame(TEXT, b"after")];
        assert_echo(&sent, &[(Opcode::Text, b"before")], 1002);
    }
}

#[test]
fn text_that_is_not_utf_8_ends_the_connection_with_1007() {
    assert_echo(&[frame(TEXT, b"\xce\xba\xff")], &[], 1007);
    assert_echo(
        &[frame(TEXT_BEGINS, b"\xf4"), frame(CONTINUES, b"\x90"), frame(PING, b"too late")],
        &[],
        1007,
    );
    assert_echo(&[frame(CLOSE, b"\x03\xe8\xff")], &[], 1007);
}

#[test]
fn bad_text_ends_the_connection_before_its_frame_is_whole() {
    let mut begun = frame(TEXT, &[b"\xff".as_slice(), &[b'x'; 1000]].concat());
    begun.truncate(9);
    assert_echo(&[begun], &[], 1007);
}

#[test]
fn a_message_too_big_ends_the_connection_with_1009() {
    let gigabytes = vec![BINARY, 0xff, 0, 0, 0, 9, 0, 0, 0, 0, 1, 2, 3, 4];
    assert_echo(&[gigabytes], &[], 1009);
}

#[test]
fn the_code_of_a_close_frame_comes_back() {
    for code in [1000_u16, 1001, 1011, 3000, 4999] {
        assert_echo(&[frame(CLOSE, &[&code.to_be_bytes(), &b"bye"[..]].concat())], &[], code);
    }
    assert_eq!(exchange(&[frame(CLOSE, b"")]), [(Opcode::Close, vec![])]);
}

#[test]
fn nothing_is_answered_after_the_close_frame() {
    let sent = [frame(CLOSE, NORMAL), frame(PING, b"still there?"), frame(TEXT, b"hello?")];
    assert_echo(&sent, &[], 1000);
}

#[test]
fn a_long_message_in_short_fragments_takes_time_in_its_length_alone() {
    let payload = vec![b'*'; 4 << 20];
    let mut sent = vec![frame(BINARY_BEGINS, b"")];
    sent.extend(payload.chunks(64).map(|chunk| frame(CONTINUES, chunk)));
    sent.extend([frame(CONTINUATION_ENDS, b""), frame(CLOSE, NORMAL)]);
    let received = exchange(&sent);
    assert!(received == [(Opcode::Binary, payload), (Opcode::Close, NORMAL.to_vec())]);
}

#[test]
fn a_stock_client_talks_and_says_goodbye() {
    use tungstenite::{Error, Message};

    let mut alice = WebSocket::from_raw_socket(open(), Role::Client, None);
    for message in
        [Message::text("hello"), Message::binary(vec![1, 2, 3]), Message::text("x".repeat(70_000))]
    {
        alice.send(message.clone()).unwrap();
        assert_eq!(alice.read().unwrap(), message);
    }
    alice.send(Message::Ping("there?".into())).unwrap();
    assert_eq!(alice.read().unwrap(), Message::Pong("there?".into()));
    alice.close(None).unwrap();
    assert_eq!(alice.read().unwrap(), Message::Close(None));
    assert!(matches!(alice.read(), Err(Error::ConnectionClosed)));
}

#[test]
fn a_request_that_is_no_handshake_is_told_what_is_missing() {
    let mut stream = TcpStream::connect(start_server()).unwrap();
    assert!(request(&mut stream, "").starts_with("HTTP/1.1 400 "));

    let mut stream = TcpStream::connect(start_server()).unwrap();
    let head = request(
        &mut stream,
        "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 8\r\n\
         Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n",
    );
    assert!(head.starts_with("HTTP/1.1 426 "), "{head}");
    assert!(head.to_lowercase().contains("sec-websocket-version: 13\r\n"), "{head}");
}

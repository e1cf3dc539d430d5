//! Servers that make mistakes: none of them may get a number.
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::time::Duration;

use super::Audience;
use super::connect::connect;
use super::load::{self, Outcome, Pace, Plan};
use crate::dialect::Dialect;
use crate::process::Process;
use crate::wire;

/// Serves one client, alone in its room, and hands each value to `deliver`, which says what the
/// client gets for it.
fn server(mut deliver: impl FnMut(&[u8]) -> Vec<Vec<u8>> + Send + 'static) -> SocketAddr {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a free port");
    let address = listener.local_addr().expect("it is bound");
    std::thread::spawn(move || {
        let (mut stream, _) = listener.accept().expect("a client");
        let mut request = [0; 1024];
        let length = stream.read(&mut request).expect("a request");
        assert!(request[..length].ends_with(b"\r\n\r\n"), "in one piece, being so short");
        let upgrade = format!("HTTP/1.1 101 Fine\r\nAccept: {}\r\n\r\n", wire::ACCEPT);
        stream.write_all(upgrade.as_bytes()).expect("the client listens");
        send(&mut stream, &[br#"0{"sid":"a"}"#]);
        let mut heard = Vec::new();
        while let Some(payload) = next_payload(&mut stream, &mut heard) {
            if payload == b"40" {
                send(&mut stream, &[br#"40{"sid":"b"}"#]);
            } else if payload.starts_with(br#"420["join""#) {
                send(&mut stream, &[b"430[true]"]);
            } else {
                let value = payload.strip_prefix(br#"42["message","room 0",""#);
                for value in deliver(value.expect("a message")) {
                    send(&mut stream, &[wire::MESSAGE_START, &value]);
                }
            }
        }
    });
    address
}

fn send(stream: &mut TcpStream, pieces: &[&[u8]]) {
    let mut frame = Vec::new();
    wire::put_server_text(&mut frame, pieces);
    // The client may have had enough.
    stream.write_all(&frame).ok();
}

fn next_payload(stream: &mut TcpStream, heard: &mut Vec<u8>) -> Option<Vec<u8>> {
    loop {
        if let Some(frame) = wire::first_frame(heard).expect("a client's frame") {
            let mut payload = heard[frame.payload.clone()].to_vec();
            wire::unmask(&mut payload, frame.mask.expect("a client masks"));
            heard.drain(..frame.payload.end);
            return Some(payload);
        }
        let mut bytes = [0; 1024];
        let length = stream.read(&mut bytes).ok().filter(|length| *length > 0)?;
        heard.extend(&bytes[..length]);
    }
}

/// A tenth of a second of it.
fn measure(server: SocketAddr) -> anyhow::Result<Outcome> {
    let alone = Audience::Rooms { rooms: 1, members_per_room: 1 };
    let (mut crowd, _) = connect(server, alone, &Dialect::COMPARISON)?;
    let plan = Plan {
        senders: 1,
        pace: Pace::Open { interval: 0.001 },
        warm_up: Duration::from_millis(20),
        window: Duration::from_millis(80),
    };
    load::run(&mut crowd, &plan, Process::this())
}

/// The mistake in the tenth message; all others are delivered as they should be.
fn with_one_mistake(mistake: impl Fn(&[u8]) -> Vec<Vec<u8>> + Send + 'static) -> SocketAddr {
    let mut count = 0;
    server(move |value| {
        count += 1;
        if count == 10 { mistake(value) } else { vec![value.to_vec()] }
    })
}

#[test]
fn a_server_without_a_mistake_gets_its_number() {
    let outcome = measure(server(|value| vec![value.to_vec()])).expect("nothing is wrong");
    assert!(outcome.deliveries_per_second > 100.0);
    assert!(outcome.latency.len() >= 79, "all messages of the window were timed");
    assert_eq!(outcome.members_astray, 0);
}

#[test]
fn a_server_that_doubles_a_message_gets_no_number() {
    assert!(measure(with_one_mistake(|value| vec![value.to_vec(); 2])).is_err());
}

#[test]
fn a_server_that_loses_one_message_and_doubles_another_gets_no_number() {
    let mut last = Vec::new();
    let mut count = 0;
    let server = server(move |value| {
        count += 1;
        let instead = if count == 10 { last.clone() } else { value.to_vec() };
        last = value.to_vec();
        vec![instead]
    });
    assert!(measure(server).is_err());
}

#[test]
fn a_server_that_changes_a_message_gets_no_number() {
    let changes = |value: &[u8]| {
        let mut value = value.to_vec();
        value[99] ^= 1;
        vec![value]
    };
    assert!(measure(with_one_mistake(changes)).is_err());
}

#[test]
fn a_message_that_is_overtaken_is_noticed() {
    let mut held = Vec::new();
    let mut count = 0;
    let server = server(move |value| {
        count += 1;
        match count {
            10 => {
                held = value.to_vec();
                vec![]
            }
            11 => vec![value.to_vec(), held.clone()],
            _ => vec![value.to_vec()],
        }
    });
    let outcome = measure(server).expect("nothing is lost");
    assert_eq!(outcome.members_astray, 1);
}

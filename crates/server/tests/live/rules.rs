//! What is refused, with which word, and that it changes nothing.

use std::time::Duration;

use serde_json::{Value, json};

use crate::client::Client;
use crate::support::{Server, client_id};

const NOWHERE: &str = "00000000-0000-4000-8000-000000000000";

#[test]
fn what_makes_no_sense_is_refused_with_a_word_and_a_sentence() {
    let server = Server::start();
    let (mut alice, room) = server.alice_in_a_room();
    let id = client_id(1);
    for (event, payload, code) in [
        ("dance", json!({}), "bad_request"),
        ("join", json!({}), "bad_request"),
        ("join", json!({ "room": { "$ne": 1 } }), "bad_request"),
        ("join", json!({ "room": "lobby" }), "bad_request"),
        ("join", json!({ "room": NOWHERE }), "room_not_found"),
        ("join", json!({ "room": room, "after": -1 }), "bad_request"),
        ("join", json!({ "room": room, "since": 1 }), "bad_request"),
        ("leave", json!({ "room": NOWHERE }), "not_in_room"),
        ("heartbeat", json!({ "room": NOWHERE }), "not_in_room"),
        ("message", json!({ "room": NOWHERE, "client_id": id, "body": "x" }), "not_in_room"),
        ("message", json!({ "room": room, "client_id": 1, "body": "x" }), "bad_request"),
        ("message", json!({ "room": room, "client_id": id, "body": ["x"] }), "bad_request"),
        ("message", json!({ "room": room, "client_id": id, "body": " \n " }), "invalid_body"),
        (
            "message",
            json!({ "room": room, "client_id": id, "body": "x".repeat(8193) }),
            "invalid_body",
        ),
        ("message", json!("hello"), "bad_request"),
        ("message", Value::Null, "bad_request"),
    ] {
        assert_eq!(alice.ask_in_vain(event, &payload), code, "{event} {payload}");
    }
    assert_eq!(alice.heard_messages(), Vec::<Value>::new());
    let longest = json!({ "room": room, "client_id": id, "body": "x".repeat(8192) });
    assert_eq!(alice.ask("message", &longest)["seq"], 1);
}

#[test]
fn an_event_without_a_payload_or_without_an_ack_harms_nobody() {
    let server = Server::start();
    let (mut alice, room) = server.alice_in_a_room();
    alice.send_raw(r#"42["join"]"#);
    alice.send_raw(r#"42["message",1,2,3]"#);
    alice.send_raw(&format!(
        r#"42["message",{}]"#,
        json!({ "room": room, "client_id": client_id(1), "body": "no ack, please" })
    ));
    assert_eq!(alice.next("message")["body"], "no ack, please");
}

#[test]
fn one_client_can_be_in_fifty_rooms() {
    let server = Server::start();
    let token = server.register("alice");
    let mut alice = Client::connect(server.address(), &token);
    let rooms: Vec<_> = (0..51)
        .map(|number| {
            server.clock().advance(Duration::from_mins(2));
            server.create_room(&token, &format!("Room {number}"))
        })
        .collect();
    for room in &rooms[..50] {
        alice.ask("join", &json!({ "room": room }));
        server.clock().advance(Duration::from_secs(1));
    }
    assert_eq!(alice.ask_in_vain("join", &json!({ "room": rooms[50] })), "bad_request");
    alice.ask("leave", &json!({ "room": rooms[0] }));
    alice.ask("join", &json!({ "room": rooms[50] }));
}

#[test]
fn who_talks_too_fast_is_told_when_to_go_on_whatever_client_they_use() {
    let server = Server::start_with(&["--messages-per-second", "2"]);
    let (mut alice, room) = server.alice_in_a_room();
    let mut other = Client::connect(server.address(), &server.log_in("alice"));
    other.ask("join", &json!({ "room": room }));
    let message = |number| json!({ "room": room, "client_id": client_id(number), "body": "quick" });
    for number in 1..=10 {
        alice.ask("message", &message(number));
    }
    for client in [&mut alice, &mut other] {
        let id = client.emit("message", &message(11));
        let answer = client.answer(id);
        assert_eq!(answer["error"]["code"], "rate_limited");
        let wait = answer["error"]["retry_after_ms"].as_u64().unwrap();
        assert!((1..=501).contains(&wait), "{wait}");
    }
    server.clock().advance(Duration::from_millis(501));
    assert_eq!(other.ask("message", &message(11))["seq"], 11);
}

#[test]
fn who_is_refused_when_joining_again_is_in_the_room_no_more() {
    let server = Server::start();
    let (mut alice, room) = server.alice_in_a_room();
    let mut bob = Client::connect(server.address(), &server.register("bob"));
    bob.ask("join", &json!({ "room": room }));

    let again = json!({ "room": room, "after": 0, "epoch": 1 });
    let refused = (0..100).any(|_| {
        let id = alice.emit("join", &again);
        alice.answer(id)["error"]["code"] == "rate_limited"
    });
    assert!(refused, "nobody may join as often as they like");

    server.clock().advance(Duration::from_mins(1));
    let message = json!({ "room": room, "client_id": client_id(1), "body": "Is alice here?" });
    assert_eq!(alice.ask_in_vain("message", &message), "not_in_room");
    bob.ask("message", &message);
    alice.ask("watch_rooms", &json!({}));
    assert!(alice.heard().iter().all(|(event, _)| event != "message"));
    alice.ask("join", &again);
    assert_eq!(alice.next("message")["seq"], 1);
}

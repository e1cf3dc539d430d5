//! What is said in a room.

use serde_json::{Value, json};

use crate::client::Client;
use crate::support::{Server, client_id};

#[test]
fn only_those_in_a_room_hear_what_is_said_in_it() {
    let server = Server::start();
    let [alice, bob, carol] = ["alice", "bob", "carol"].map(|name| server.register(name));
    let tea = server.create_room(&alice, "Tea");
    let coffee = server.create_room(&alice, "Coffee");
    let [mut alice, mut bob, mut carol] =
        [&alice, &bob, &carol].map(|token| Client::connect(server.address(), token));
    alice.ask("join", &json!({ "room": tea }));
    bob.ask("join", &json!({ "room": tea }));
    carol.ask("join", &json!({ "room": coffee }));

    alice.ask("message", &json!({ "room": tea, "client_id": client_id(1), "body": "Milk?" }));

    let heard = bob.next("message");
    assert_eq!(heard["body"], "Milk?");
    assert_eq!(heard["author"]["name"], "alice");
    assert_eq!((&heard["room"], &heard["seq"]), (&json!(tea), &json!(1)));
    assert_eq!(carol.heard_messages(), Vec::<Value>::new());
    bob.ask("leave", &json!({ "room": tea }));
    alice.ask("message", &json!({ "room": tea, "client_id": client_id(2), "body": "Sugar?" }));
    assert_eq!(bob.heard_messages(), Vec::<Value>::new());
}

#[test]
fn a_sender_hears_the_message_before_it_is_acked_and_both_agree() {
    let server = Server::start();
    let (mut alice, room) = server.alice_in_a_room();
    let id =
        alice.emit("message", &json!({ "room": room, "client_id": client_id(1), "body": "a" }));
    let heard = alice.next("message");
    let answer = alice.answer(id);
    for field in ["seq", "id", "at"] {
        assert_eq!(answer["ok"][field], heard[field], "{field}");
    }
    assert_eq!(heard["client_id"], client_id(1));
}

#[test]
fn a_repeated_message_is_answered_as_the_first_time_and_told_once() {
    let server = Server::start();
    let (mut alice, room) = server.alice_in_a_room();
    let message = json!({ "room": room, "client_id": client_id(1), "body": "once" });
    let first = alice.ask("message", &message);
    let again = alice.ask("message", &message);
    assert_eq!(first, again);
    assert_eq!(alice.heard_messages().len(), 1);
}

#[test]
fn a_client_id_used_for_something_else_stores_nothing() {
    let server = Server::start();
    let (mut alice, room) = server.alice_in_a_room();
    let other = server.create_room(&server.log_in("alice"), "Other");
    alice.ask("join", &json!({ "room": other }));
    alice.ask("message", &json!({ "room": room, "client_id": client_id(1), "body": "one" }));
    for (room, body) in [(&room, "two"), (&other, "one")] {
        let message = json!({ "room": room, "client_id": client_id(1), "body": body });
        assert_eq!(alice.ask_in_vain("message", &message), "idempotency_conflict");
    }
    assert_eq!(alice.heard_messages().len(), 1);
}

#[test]
fn two_people_may_use_the_same_client_id() {
    let server = Server::start();
    let (mut alice, room) = server.alice_in_a_room();
    let mut bob = Client::connect(server.address(), &server.register("bob"));
    bob.ask("join", &json!({ "room": room }));
    let message = json!({ "room": room, "client_id": client_id(1), "body": "mine" });
    assert_eq!(alice.ask("message", &message)["seq"], 1);
    assert_eq!(bob.ask("message", &message)["seq"], 2);
}

#[test]
fn a_message_is_the_same_live_resumed_from_memory_from_disk_and_in_history() {
    let server = Server::start();
    let (mut alice, room) = server.alice_in_a_room();
    let body = "“Ünï” <b>&amp;</b>\n\tcode 👩‍👩‍👧 \\ \u{2028}!";
    alice.ask("message", &json!({ "room": room, "client_id": client_id(1), "body": body }));
    let live = alice.next("message");
    assert_eq!(live["body"], body);

    let mut bob = Client::connect(server.address(), &server.register("bob"));
    bob.ask("join", &json!({ "room": room }));
    assert_eq!(bob.next("message"), live);

    let server = server.restart();
    assert_eq!(server.history(&server.log_in("alice"), &room, "")["messages"], json!([live]));
    let mut carol = Client::connect(server.address(), &server.register("carol"));
    carol.ask("join", &json!({ "room": room, "after": 0, "epoch": 1 }));
    assert_eq!(carol.next("message"), live);
}

#[test]
fn whatever_is_stored_when_the_server_ends_has_been_acked() {
    let mut server = Server::start();
    let token = server.register("alice");
    let room = server.create_room(&token, "Tea");
    let mut clients: Vec<_> = (0..16)
        .map(|_| {
            let mut client = Client::connect(server.address(), &token);
            client.ask("join", &json!({ "room": room }));
            client
        })
        .collect();
    for number in 1..=320 {
        let say = json!({ "room": room, "client_id": client_id(number), "body": "Hello" });
        clients[number as usize % 16].emit("message", &say);
    }
    clients[0].next("message");
    server.ask_to_stop();
    let acked: usize = clients.into_iter().map(Client::done_at_the_end).sum();
    let server = server.restart();
    let stored = server.history(&token, &room, "")["head"].as_u64().unwrap();
    assert_eq!(stored, acked as u64);
}

//! Who is here, and when they were last active.

use std::time::Duration;

use serde_json::{Value, json};

use crate::client::Client;
use crate::support::Server;

fn person<'a>(list: &'a Value, name: &str) -> Option<&'a Value> {
    list["users"].as_array().unwrap().iter().find(|user| user["name"] == name)
}

fn is(list: &Value, name: &str, connected: bool) -> bool {
    person(list, name).is_some_and(|person| person["connected"] == connected)
}

#[test]
fn whoever_joins_is_told_at_once_who_is_here_before_anything_else() {
    let server = Server::start();
    let (_alice, room) = server.alice_in_a_room();
    let mut bob = Client::connect(server.address(), &server.register("bob"));
    bob.ask("join", &json!({ "room": room }));
    let (first, list) = bob.heard().remove(0);
    assert_eq!(first, "participants");
    assert_eq!((&list["full"], &list["room"]), (&json!(true), &json!(room)));
    assert_eq!((&list["total"], &list["connected"]), (&json!(2), &json!(2)));
    assert!(is(&list, "alice", true) && is(&list, "bob", true));
    assert_eq!(person(&list, "bob").unwrap()["last_active_at"], server.now());
}

#[test]
fn the_list_comes_from_the_database_when_nobody_has_been_seen_yet() {
    let server = Server::start();
    let (alice, room) = server.alice_in_a_room();
    let then = server.now();
    alice.vanish();
    let server = server.restart();
    server.clock().advance(Duration::from_hours(1));
    let mut bob = Client::connect(server.address(), &server.register("bob"));
    bob.ask("join", &json!({ "room": room }));
    let list = bob.next("participants");
    assert!(is(&list, "alice", false));
    assert_eq!(person(&list, "alice").unwrap()["last_active_at"], then);
    assert_eq!((&list["total"], &list["connected"]), (&json!(2), &json!(1)));
}

#[test]
fn a_heartbeat_updates_the_database_and_answers_with_the_list() {
    let server = Server::start();
    let (mut alice, room) = server.alice_in_a_room();
    alice.next("participants");
    server.clock().advance(Duration::from_mins(1));
    let then = server.now();
    alice.ask("heartbeat", &json!({ "room": room }));
    let list = alice.next_where("participants", |list| list["full"] == true);
    assert_eq!(person(&list, "alice").unwrap()["last_active_at"], then);

    let server = server.restart();
    server.clock().advance(Duration::from_mins(1));
    let mut bob = Client::connect(server.address(), &server.register("bob"));
    bob.ask("join", &json!({ "room": room }));
    let list = bob.next("participants");
    assert_eq!(person(&list, "alice").unwrap()["last_active_at"], then);
}

#[test]
fn coming_leaving_and_vanishing_are_told_to_those_who_stay() {
    let server = Server::start();
    let (mut alice, room) = server.alice_in_a_room();
    let bob = server.register("bob");

    let mut first = Client::connect(server.address(), &bob);
    first.ask("join", &json!({ "room": room }));
    alice.next_where("participants", |list| is(list, "bob", true));
    server.clock().advance(Duration::from_secs(1));
    first.ask("leave", &json!({ "room": room }));
    alice.next_where("participants", |list| is(list, "bob", false));

    server.clock().advance(Duration::from_secs(1));
    first.ask("join", &json!({ "room": room }));
    alice.next_where("participants", |list| is(list, "bob", true));
    server.clock().advance(Duration::from_secs(1));
    first.vanish();
    let changes = alice.next_where("participants", |list| is(list, "bob", false));
    assert_eq!(changes["full"], false);
    assert_eq!(changes["connected"], 1);
}

#[test]
fn somebody_with_two_clients_is_here_until_the_last_has_gone() {
    let server = Server::start();
    let (mut alice, room) = server.alice_in_a_room();
    let bob = server.register("bob");
    let [mut phone, mut laptop] = [(); 2].map(|()| Client::connect(server.address(), &bob));
    phone.ask("join", &json!({ "room": room }));
    laptop.ask("join", &json!({ "room": room }));
    phone.ask("leave", &json!({ "room": room }));
    alice.ask("heartbeat", &json!({ "room": room }));
    alice.next_where("participants", |list| list["full"] == true && is(list, "bob", true));
    server.clock().advance(Duration::from_secs(1));
    laptop.vanish();
    alice.next_where("participants", |list| is(list, "bob", false));
}

#[test]
fn talking_counts_as_activity() {
    let server = Server::start();
    let (mut alice, room) = server.alice_in_a_room();
    server.clock().advance(Duration::from_mins(1));
    let id = crate::support::client_id(1);
    alice.ask("message", &json!({ "room": room, "client_id": id, "body": "Here!" }));
    let now = server.now();
    // Her coming may have been told a moment ago, and then activity waits for its window.
    server.clock().advance(Duration::from_secs(5));
    alice.next_where("participants", |list| {
        person(list, "alice").is_some_and(|alice| alice["last_active_at"] == now)
    });
}

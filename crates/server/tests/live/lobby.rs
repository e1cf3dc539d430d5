//! The list of rooms, live.

use std::time::Duration;

use serde_json::{Value, json};

use crate::client::Client;
use crate::support::{Server, client_id};

/// The room of this name in the next `rooms` event that has it as wanted.
fn next_change(client: &mut Client, name: &str, wanted: impl Fn(&Value) -> bool) -> Value {
    loop {
        let changes = client.next("rooms");
        let rooms = changes["rooms"].as_array().unwrap();
        if let Some(room) = rooms.iter().find(|room| room["name"] == name && wanted(room)) {
            return room.clone();
        }
    }
}

#[test]
fn who_watches_the_list_has_it_at_once_and_hears_what_changes() {
    let server = Server::start();
    let (mut alice, room) = server.alice_in_a_room();
    let mut bob = Client::connect(server.address(), &server.register("bob"));
    let list = bob.ask("watch_rooms", &json!({}));
    assert_eq!(list["total"], 1);
    assert_eq!(list["rooms"][0]["id"], room);
    assert_eq!((&list["rooms"][0]["here"], &list["rooms"][0]["head"]), (&json!(1), &json!(0)));

    // The list is quiet for a moment after each change that it tells, and which came just before nobody knows.
    let said_at = server.now();
    alice.ask("message", &json!({ "room": room, "client_id": client_id(1), "body": "News" }));
    server.clock().advance(Duration::from_secs(2));
    let changed = next_change(&mut bob, "Tea", |room| room["head"] == 1);
    assert_eq!(changed["last_message_at"], said_at);

    server.create_room(&server.log_in("alice"), "Coffee");
    server.clock().advance(Duration::from_secs(2));
    next_change(&mut bob, "Coffee", |room| room["here"] == 0);

    alice.vanish();
    server.clock().advance(Duration::from_secs(2));
    next_change(&mut bob, "Tea", |room| room["here"] == 0);
}

#[test]
fn who_has_not_asked_for_the_list_hears_nothing_of_it() {
    let server = Server::start();
    let (mut alice, room) = server.alice_in_a_room();
    let mut bob = Client::connect(server.address(), &server.register("bob"));
    bob.ask("watch_rooms", &json!({}));
    alice.ask("message", &json!({ "room": room, "client_id": client_id(1), "body": "News" }));
    server.clock().advance(Duration::from_secs(2));
    next_change(&mut bob, "Tea", |room| room["head"] == 1);
    assert!(alice.heard().iter().all(|(event, _)| event != "rooms"));
}

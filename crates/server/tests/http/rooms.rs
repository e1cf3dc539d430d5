//! Rooms, and what was said in them.

use std::sync::Arc;
use std::time::Duration;

use chat::{
    Body, ClientId, Fanout, Logged, Name, NewMessage, NewRoom, NewUser, PasswordHash, RoomId,
    RoomName, Store, Timestamp,
};
use serde_json::{Value, json};
use server::store::Sqlite;
use uuid::Uuid;

use crate::world::World;

const UNKNOWN: &str = "2aeea58e-8fb9-42ce-b27a-f61daef387ba";

struct Nobody;

impl Fanout for Nobody {
    fn publish(&self, _: &[Logged]) {}
}

#[tokio::test]
async fn a_new_room_has_a_random_address_and_is_found_there() {
    let world = World::new().await;
    let token = world.register("alice").await;
    let created = world.post("/api/rooms", &json!({ "name": " Tea " })).by(&token).send().await;
    let room = created.expect(201).body;
    assert_eq!(room["name"], "Tea");
    assert_eq!(room["head"], 0);
    assert_eq!(room["here"], 0);
    assert_eq!(room["last_message_at"], Value::Null);
    let id: Uuid = room["id"].as_str().unwrap().parse().unwrap();
    assert_eq!(id.get_version_num(), 4);
    let found = world.get(&format!("/api/rooms/{id}")).by(&token).send().await.expect(200);
    assert_eq!(found.body, room);
}

#[tokio::test]
async fn an_address_without_a_room_is_told_as_such() {
    let world = World::new().await;
    let token = world.register("alice").await;
    for path in [
        format!("/api/rooms/{UNKNOWN}"),
        format!("/api/rooms/{UNKNOWN}/messages"),
        "/api/rooms/tea".to_owned(),
        "/api/rooms/..%2f..%2fetc".to_owned(),
    ] {
        let answer = world.get(&path).by(&token).send().await;
        assert_eq!(answer.error(), (404, "room_not_found"), "{path}");
    }
}

#[tokio::test]
async fn a_room_without_a_name_is_refused_at_the_field() {
    let world = World::new().await;
    let token = world.register("alice").await;
    for name in ["", "  ", &"x".repeat(81)] {
        let answer = world.post("/api/rooms", &json!({ "name": name })).by(&token).send().await;
        assert_eq!(answer.error(), (400, "invalid_room_name"));
        assert_eq!(answer.body["error"]["field"], "name");
    }
}

#[tokio::test]
async fn the_list_goes_page_by_page_from_the_newest_and_leaves_none_out() {
    let world = World::new().await;
    let token = world.register("alice").await;
    for index in 0..7 {
        // Two of them in the same millisecond.
        world.clock.advance(Duration::from_millis(u64::from(index != 3)));
        let name = format!("room {index}");
        world.post("/api/rooms", &json!({ "name": name })).by(&token).send().await.expect(201);
    }
    let mut names = Vec::new();
    let mut path = "/api/rooms?limit=2".to_owned();
    loop {
        let page = world.get(&path).by(&token).send().await.expect(200).body;
        assert_eq!(page["total"], 7);
        names.extend(page["rooms"].as_array().unwrap().iter().map(|room| room["name"].clone()));
        let Some(next) = page["next"].as_str() else { break };
        path = format!("/api/rooms?limit=2&after={next}");
    }
    assert_eq!(names.len(), 7);
    assert_eq!(names[0], "room 6");
    assert_eq!(names[6], "room 0");
    names.sort_by_key(ToString::to_string);
    names.dedup();
    assert_eq!(names.len(), 7);
}

#[tokio::test]
async fn rooms_are_found_by_a_part_of_their_name() {
    let world = World::new().await;
    let token = world.register("alice").await;
    for name in ["Tea & cake", "Coffee", "100% tea"] {
        world.post("/api/rooms", &json!({ "name": name })).by(&token).send().await.expect(201);
    }
    for (search, total) in [("TEA", 2), ("%25", 1), ("_", 0), ("", 3), ("%20", 3), ("x", 0)] {
        let path = format!("/api/rooms?search={search}");
        let page = world.get(&path).by(&token).send().await.expect(200).body;
        assert_eq!(page["total"], total, "{search}");
    }
}

#[tokio::test]
async fn a_question_that_makes_no_sense_is_answered_with_what_is_wrong() {
    let world = World::new().await;
    let token = world.register("alice").await;
    let messages = format!("/api/rooms/{UNKNOWN}/messages");
    for (path, wrong) in [
        ("/api/rooms?limit=0".to_owned(), "limit"),
        ("/api/rooms?limit=201".to_owned(), "limit"),
        ("/api/rooms?limit=-1".to_owned(), "limit"),
        ("/api/rooms?after=1".to_owned(), "after"),
        ("/api/rooms?after=1.tea".to_owned(), "after"),
        ("/api/rooms?page=2".to_owned(), "page"),
        (format!("/api/rooms?search={}", "x".repeat(81)), "search"),
        (format!("{messages}?before=x"), "before"),
        (format!("{messages}?before=1&after=1"), "before"),
        (format!("{messages}?limit=1000000"), "limit"),
    ] {
        let answer = world.get(&path).by(&token).send().await;
        assert_eq!(answer.error(), (400, "bad_request"), "{path}");
        let sentence = answer.body["error"]["message"].as_str().unwrap();
        assert!(sentence.contains(wrong), "{sentence}");
    }
}

/// A folder in which alice has said 1, 2, 3, … in one room.
async fn room_with_messages(count: usize) -> (tempfile::TempDir, RoomId) {
    let folder = tempfile::tempdir().unwrap();
    let store = Sqlite::open(folder.path(), Arc::new(Nobody)).unwrap();
    let at = Timestamp(1);
    let alice =
        NewUser { name: Name::parse("alice").unwrap(), password: PasswordHash(String::new()), at };
    let author = store.create_user(alice).await.unwrap().user;
    let room = RoomId::from_random_bytes([7; 16]);
    let name = RoomName::parse("tea").unwrap();
    store.create_room(NewRoom { id: room, name, by: author.id, at }).await.unwrap();
    for number in 1..=count {
        let client_id = ClientId(Uuid::from_u128(number as u128));
        let body = Body::parse(&number.to_string()).unwrap();
        let message = NewMessage { room, client_id, author: author.clone(), body, at };
        store.append(message).await.unwrap();
    }
    store.close().await;
    (folder, room)
}

#[tokio::test]
async fn history_is_read_in_pages_around_any_message() {
    let (folder, room) = room_with_messages(60).await;
    let world = World::in_folder(folder, &[]).await;
    let token = world.register("bob").await;
    for (query, first, last) in [
        ("", 11, 60),
        ("?limit=10", 51, 60),
        ("?before=11", 1, 10),
        ("?before=31&limit=5", 26, 30),
        ("?after=57", 58, 60),
        ("?after=0&limit=3", 1, 3),
    ] {
        let path = format!("/api/rooms/{room}/messages{query}");
        let page = world.get(&path).by(&token).send().await.expect(200).body;
        assert_eq!(page["head"], 60);
        let messages = page["messages"].as_array().unwrap();
        let seqs: Vec<u64> =
            messages.iter().map(|message| message["seq"].as_u64().unwrap()).collect();
        assert_eq!(seqs, (first..=last).collect::<Vec<_>>(), "{query}");
        assert_eq!(messages[0]["body"], first.to_string());
        assert_eq!(messages[0]["author"]["name"], "alice");
    }
    for query in ["?before=1", "?after=60", "?after=9999"] {
        let path = format!("/api/rooms/{room}/messages{query}");
        let page = world.get(&path).by(&token).send().await.expect(200).body;
        assert_eq!(page["messages"], json!([]), "{query}");
    }
}

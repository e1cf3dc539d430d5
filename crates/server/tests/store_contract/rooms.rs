//! Rooms, their list, and the search in it.

use std::collections::HashSet;

use chat::{Epoch, NewMessage, Room, RoomId, RoomQuery, Seq, Store};

use crate::engines::Engine;
use crate::world::{NOW, World, later};

pub(crate) async fn a_new_room_is_empty<E: Engine>(world: World<E>) {
    let alice = world.user("alice").await;

    let room = world.room(&alice, "Lobby").await;

    assert_eq!(room.name.as_str(), "Lobby");
    assert_eq!((room.epoch, room.head), (Epoch(1), Seq::START));
    assert_eq!((room.created_at, room.last_message_at), (NOW, None));
    assert_eq!(world.store.room(room.id).await.unwrap(), Some(room));
}

pub(crate) async fn an_unknown_address_is_no_room<E: Engine>(world: World<E>) {
    let alice = world.user("alice").await;
    world.room(&alice, "Lobby").await;

    assert_eq!(world.store.room(world.address()).await.unwrap(), None);
}

pub(crate) async fn rooms_come_by_their_last_activity<E: Engine>(world: World<E>) {
    let alice = world.user("alice").await;
    let quiet = world.room_at(&alice, "quiet", later(10)).await;
    let busy = world.room_at(&alice, "busy", later(5)).await;
    let young = world.room_at(&alice, "young", later(20)).await;
    let message = world.message(busy.id, &alice, "Hello");
    world.append(NewMessage { at: later(15), ..message }).await.unwrap();

    let list = world.store.rooms(all(10)).await.unwrap();

    assert_eq!(ids(&list.rooms), [young.id, busy.id, quiet.id]);
    assert_eq!((list.total, list.next), (3, None));
    let busy = &list.rooms[1];
    assert_eq!((busy.head, busy.last_message_at), (Seq(1), Some(later(15))));
    assert_eq!(busy.created_at, later(5));
}

pub(crate) async fn every_room_is_on_exactly_one_page<E: Engine>(world: World<E>) {
    let alice = world.user("alice").await;
    let mut created = Vec::new();
    for number in 0..10 {
        created.push(world.room_at(&alice, "room", later(number)).await.id);
    }
    created.reverse();

    for limit in [1, 3, 5, 10, 11] {
        assert_eq!(pages(&world, limit).await.concat(), created, "in pages of {limit}");
    }
    assert_eq!(pages(&world, 5).await.len(), 2, "a full last page is followed by nothing");
}

pub(crate) async fn rooms_of_the_same_moment_are_on_exactly_one_page<E: Engine>(world: World<E>) {
    let alice = world.user("alice").await;
    let mut created = HashSet::new();
    for _ in 0..10 {
        created.insert(world.room(&alice, "room").await.id);
    }

    let listed = pages(&world, 3).await.concat();

    assert_eq!(listed.len(), 10);
    assert_eq!(HashSet::from_iter(listed), created);
}

pub(crate) async fn a_search_finds_names_whatever_their_case<E: Engine>(world: World<E>) {
    let alice = world.user("alice").await;
    for (name, searches) in [
        ("Lobby", ["LOBBY", "obb", "y"]),
        ("Яблоко", ["яблоко", "ЯБЛ", "ОКО"]),
        ("Straße", ["STRASSE", "straße", "strasse"]),
        ("İstanbul", ["istanbul", "İSTANBUL", "iST"]),
        ("ΟΔΟΣ", ["οδος", "οδοσ", "ΔΟΣ"]),
    ] {
        let room = world.room(&alice, name).await;
        for search in searches {
            assert!(found(&world, search).await.contains(&room.id), "{search} in {name}");
        }
    }
    assert_eq!(found(&world, "lobbyist").await, []);
}

pub(crate) async fn a_search_takes_every_character_literally<E: Engine>(world: World<E>) {
    let alice = world.user("alice").await;
    let plain = world.room(&alice, "100 percent").await;
    let percent = world.room_at(&alice, "100% sure", later(1)).await;
    let underscore = world.room(&alice, "snake_case").await;
    let backslash = world.room(&alice, r"C:\temp").await;
    let quote = world.room(&alice, "alice's [room] *?").await;

    assert_eq!(found(&world, "%").await, [percent.id]);
    assert_eq!(found(&world, "0% s").await, [percent.id]);
    assert_eq!(found(&world, "_").await, [underscore.id]);
    assert_eq!(found(&world, r"\").await, [backslash.id]);
    assert_eq!(found(&world, "e's").await, [quote.id]);
    assert_eq!(found(&world, "[room] *?").await, [quote.id]);
    assert_eq!(found(&world, "100").await, [percent.id, plain.id]);
    assert_eq!(found(&world, "").await.len(), 5);
}

pub(crate) async fn a_search_counts_all_it_finds<E: Engine>(world: World<E>) {
    let alice = world.user("alice").await;
    for number in 0..7 {
        world.room_at(&alice, &format!("red {number}"), later(number)).await;
        world.room_at(&alice, &format!("blue {number}"), later(number)).await;
    }
    let search = || Some("RED".to_owned());

    let first = RoomQuery { search: search(), after: None, limit: 5 };
    let first = world.store.rooms(first).await.unwrap();
    let second = RoomQuery { search: search(), after: first.next, limit: 5 };
    let second = world.store.rooms(second).await.unwrap();

    assert_eq!((first.rooms.len(), first.total), (5, 7));
    assert_eq!((second.rooms.len(), second.total), (2, 7));
    assert!(first.next.is_some());
    assert_eq!(second.next, None);
    assert!(second.rooms.iter().all(|room| room.name.as_str().starts_with("red")));
}

pub(crate) async fn rooms_survive_a_restart<E: Engine>(world: World<E>) {
    let alice = world.user("alice").await;
    let room = world.room(&alice, "Lobby").await;
    world.say(room.id, &alice, "Hello").await;
    let before = world.store.rooms(all(10)).await.unwrap();

    let world = world.restarted().await;

    assert_eq!(world.store.rooms(all(10)).await.unwrap(), before);
    assert_eq!(before.rooms[0].head, Seq(1));
}

fn all(limit: usize) -> RoomQuery {
    RoomQuery { search: None, after: None, limit }
}

/// All rooms, in pages.
async fn pages<E: Engine>(world: &World<E>, limit: usize) -> Vec<Vec<RoomId>> {
    let mut pages = Vec::new();
    let mut after = None;
    loop {
        let list = world.store.rooms(RoomQuery { after, ..all(limit) }).await.unwrap();
        assert_eq!(list.total, 10);
        pages.push(ids(&list.rooms));
        after = list.next;
        if after.is_none() {
            return pages;
        }
        assert!(pages.len() < 20, "the pages end");
    }
}

async fn found<E: Engine>(world: &World<E>, search: &str) -> Vec<RoomId> {
    let query = RoomQuery { search: Some(search.to_owned()), ..all(100) };
    let list = world.store.rooms(query).await.unwrap();
    assert_eq!(list.total, list.rooms.len() as u64);
    ids(&list.rooms)
}

fn ids(rooms: &[Room]) -> Vec<RoomId> {
    rooms.iter().map(|room| room.id).collect()
}

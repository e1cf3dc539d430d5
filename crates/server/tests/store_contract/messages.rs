//! The log of a room.

use std::collections::HashMap;

use chat::{
    Body, ClientId, Epoch, Error, Logged, Message, NewMessage, Page, Posted, RoomId, Seq, Store,
};
use uuid::Uuid;

use crate::engines::Engine;
use crate::world::{NOW, World, again, later, messages, numbers};

pub(crate) async fn messages_are_numbered_from_one<E: Engine>(world: World<E>) {
    let alice = world.user("alice").await;
    let room = world.room(&alice, "Lobby").await.id;

    let first = world.say(room, &alice, "Hello").await;
    let second = world.say(room, &alice, "Is anybody there?").await;

    assert_eq!((first.seq, second.seq), (Seq(1), Seq(2)));
    assert_ne!(first.id, second.id);
    let room = world.store.room(room).await.unwrap().unwrap();
    assert_eq!((room.head, room.last_message_at), (Seq(2), Some(NOW)));
}

pub(crate) async fn a_message_needs_a_room<E: Engine>(world: World<E>) {
    let alice = world.user("alice").await;
    let lost = world.message(world.address(), &alice, "Hello");

    assert_eq!(world.append(lost).await, Err(Error::RoomNotFound));
    assert_eq!(world.told(), []);
}

pub(crate) async fn rooms_number_their_messages_apart<E: Engine>(world: World<E>) {
    let alice = world.user("alice").await;
    let lobby = world.room(&alice, "Lobby").await.id;
    let attic = world.room(&alice, "Attic").await.id;

    assert_eq!(world.say(lobby, &alice, "one").await.seq, Seq(1));
    assert_eq!(world.say(attic, &alice, "one").await.seq, Seq(1));
    assert_eq!(world.say(lobby, &alice, "two").await.seq, Seq(2));
}

pub(crate) async fn many_writers_leave_no_gap<E: Engine>(world: World<E>) {
    const WRITERS: u64 = 64;
    const ROUNDS: u64 = 20;
    const ROOMS: u64 = 10;
    let mut rooms = Vec::new();
    let alice = world.user("alice").await;
    for _ in 0..ROOMS {
        rooms.push(world.room(&alice, "room").await.id);
    }

    let writers: Vec<_> = (0..WRITERS)
        .map(|writer| {
            let said: Vec<_> = (0..ROUNDS)
                .map(|round| rooms[((writer + round) % ROOMS) as usize])
                .map(|room| world.message(room, &alice, "Hello"))
                .collect();
            let store = world.store.clone();
            tokio::spawn(async move {
                // What one writer has been acked precedes what they say next.
                let mut last = HashMap::new();
                for message in said {
                    let room = message.room;
                    let posted = store.append(message).await.unwrap();
                    assert!(last.insert(room, posted.seq) < Some(posted.seq));
                }
            })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }

    let each = WRITERS * ROUNDS / ROOMS;
    for room in rooms {
        let history = world.history(room, Page::Newest, 1000).await;
        assert_eq!(history.head, Seq(each));
        assert!(numbers(&history.events).into_iter().eq(1..=each));
    }
}

pub(crate) async fn time_in_a_room_never_runs_backwards<E: Engine>(world: World<E>) {
    let alice = world.user("alice").await;
    let room = world.room_at(&alice, "Lobby", later(100)).await.id;
    let mut times = Vec::new();
    for at in [50, 300, 200, 400] {
        let message = NewMessage { at: later(at), ..world.message(room, &alice, "Hello") };
        times.push(world.append(message).await.unwrap().at);
    }
    assert_eq!(times, [later(100), later(300), later(300), later(400)]);

    let world = world.restarted().await;
    let message = NewMessage { at: later(150), ..world.message(room, &alice, "Hello") };
    assert_eq!(world.append(message).await.unwrap().at, later(400));

    let events = world.history(room, Page::Newest, 10).await.events;
    let stored: Vec<_> = messages(&events).iter().map(|message| message.at).collect();
    times.push(later(400));
    assert_eq!(stored, times);
    let room = world.store.room(room).await.unwrap().unwrap();
    assert_eq!(room.last_message_at, Some(later(400)));
}

pub(crate) async fn a_message_is_told_before_its_author_hears<E: Engine>(world: World<E>) {
    let alice = world.user("alice").await;
    let room = world.room(&alice, "Lobby").await.id;
    for count in 1..=50 {
        let message = world.message(room, &alice, "Hello");
        let posted = world.append(message.clone()).await.unwrap();

        let told = world.told();
        assert_eq!(told.len(), count);
        assert_eq!(told[count - 1], logged(&message, posted));
        // And whoever is told can read it.
        assert_eq!(world.history(room, Page::Newest, 1).await.events, told[count - 1..]);
    }
}

pub(crate) async fn messages_are_told_in_their_order<E: Engine>(world: World<E>) {
    let alice = world.user("alice").await;
    let rooms = [world.room(&alice, "Lobby").await.id, world.room(&alice, "Attic").await.id];
    let writers: Vec<_> = (0..200)
        .map(|number| {
            let message = world.message(rooms[number % 2], &alice, "Hello");
            let store = world.store.clone();
            tokio::spawn(async move { store.append(message).await.unwrap() })
        })
        .collect();
    for writer in writers {
        writer.await.unwrap();
    }

    let told = world.told();
    for room in rooms {
        let told: Vec<_> = told.iter().filter(|event| event.room() == room).cloned().collect();
        assert!(numbers(&told).into_iter().eq(1..=100));
        assert_eq!(told, world.history(room, Page::Newest, 200).await.events);
    }
}

pub(crate) async fn a_repeat_gets_the_first_answer_and_is_not_told_again<E: Engine>(
    world: World<E>,
) {
    let alice = world.user("alice").await;
    let room = world.room(&alice, "Lobby").await.id;
    let message = world.message(room, &alice, "Hello");
    let posted = world.append(message.clone()).await.unwrap();
    world.say(room, &alice, "Something else").await;

    assert_eq!(world.append(again(&message)).await, Ok(posted));
    assert_eq!(world.told().len(), 2);
    assert_eq!(world.say(room, &alice, "And on").await.seq, Seq(3));
}

pub(crate) async fn repeats_at_once_are_stored_once<E: Engine>(world: World<E>) {
    let alice = world.user("alice").await;
    let room = world.room(&alice, "Lobby").await.id;
    let message = world.message(room, &alice, "Hello");
    let writers: Vec<_> = (0..100)
        .map(|_| {
            let (store, message) = (world.store.clone(), message.clone());
            tokio::spawn(async move { store.append(message).await.unwrap() })
        })
        .collect();
    let mut answers = Vec::new();
    for writer in writers {
        answers.push(writer.await.unwrap());
    }

    answers.dedup();
    assert_eq!(answers.len(), 1);
    assert_eq!(answers[0].seq, Seq(1));
    assert_eq!(world.told(), [logged(&message, answers[0])]);
    assert_eq!(world.history(room, Page::Newest, 10).await.events, world.told());
}

pub(crate) async fn a_repeat_after_a_restart_gets_the_first_answer<E: Engine>(world: World<E>) {
    let alice = world.user("alice").await;
    let room = world.room(&alice, "Lobby").await.id;
    let message = world.message(room, &alice, "Hello");
    let posted = world.append(message.clone()).await.unwrap();

    let world = world.restarted().await;

    assert_eq!(world.append(again(&message)).await, Ok(posted));
    assert_eq!(world.history(room, Page::Newest, 10).await.head, Seq(1));
}

pub(crate) async fn a_client_id_used_for_another_text_is_a_conflict<E: Engine>(world: World<E>) {
    let alice = world.user("alice").await;
    let room = world.room(&alice, "Lobby").await.id;
    let message = world.message(room, &alice, "Hello");
    world.append(message.clone()).await.unwrap();

    let other = NewMessage { body: Body::parse("Goodbye").unwrap(), ..message };

    assert_eq!(world.append(other).await, Err(Error::IdempotencyConflict));
    assert_eq!(world.history(room, Page::Newest, 10).await.events, world.told());
    assert_eq!(world.told().len(), 1);
}

pub(crate) async fn a_client_id_used_in_another_room_is_a_conflict<E: Engine>(world: World<E>) {
    let alice = world.user("alice").await;
    let lobby = world.room(&alice, "Lobby").await.id;
    let attic = world.room(&alice, "Attic").await.id;
    let message = world.message(lobby, &alice, "Hello");
    world.append(message.clone()).await.unwrap();

    let elsewhere = NewMessage { room: attic, ..message };

    assert_eq!(world.append(elsewhere).await, Err(Error::IdempotencyConflict));
    assert_eq!(world.history(attic, Page::Newest, 10).await.head, Seq::START);
}

pub(crate) async fn two_authors_may_use_the_same_client_id<E: Engine>(world: World<E>) {
    let (alice, bob) = (world.user("alice").await, world.user("bob").await);
    let room = world.room(&alice, "Lobby").await.id;
    let client_id = ClientId(Uuid::max());
    for (author, expected) in [(&alice, Seq(1)), (&bob, Seq(2))] {
        let message = NewMessage { client_id, ..world.message(room, author, "Hello") };
        assert_eq!(world.append(message).await.unwrap().seq, expected);
    }
}

pub(crate) async fn a_conflict_takes_no_number<E: Engine>(world: World<E>) {
    let alice = world.user("alice").await;
    let room = world.room(&alice, "Lobby").await.id;
    let client_id = ClientId(Uuid::max());
    let writers: Vec<_> = (0..100)
        .map(|number| {
            let mut message = world.message(room, &alice, &format!("Hello {number}"));
            if number % 2 == 0 {
                message.client_id = client_id;
            }
            let store = world.store.clone();
            tokio::spawn(async move { store.append(message).await })
        })
        .collect();
    let mut conflicts = 0;
    for writer in writers {
        match writer.await.unwrap() {
            Ok(_) => {}
            Err(error) => {
                assert_eq!(error, Error::IdempotencyConflict);
                conflicts += 1;
            }
        }
    }

    assert_eq!(conflicts, 49);
    let history = world.history(room, Page::Newest, 100).await;
    assert!(numbers(&history.events).into_iter().eq(1..=51));
    assert_eq!(history.events, world.told());
}

pub(crate) async fn history_is_what_was_told<E: Engine>(world: World<E>) {
    let (alice, bob) = (world.user("alice").await, world.user("bob").await);
    let room = world.room(&alice, "Lobby").await.id;
    for text in ["Hello", "Zwölf Boxkämpfer 🥊", "a\nb\0c", "'; DROP TABLE messages; --"] {
        world.say(room, &alice, text).await;
        world.say(room, &bob, text).await;
    }

    let history = world.history(room, Page::Newest, 100).await;

    assert_eq!(history.events, world.told());
    assert_eq!((history.epoch, history.head), (Epoch(1), Seq(8)));
}

pub(crate) async fn pages_of_history_lead_from_end_to_end<E: Engine>(world: World<E>) {
    let (room, other) = two_rooms_of_ten(&world).await;
    assert_eq!(numbers(&world.history(room, Page::Newest, 4).await.events), [7, 8, 9, 10]);
    assert_eq!(numbers(&world.history(room, Page::Before(Seq(7)), 4).await.events), [3, 4, 5, 6]);
    assert_eq!(numbers(&world.history(room, Page::Before(Seq(3)), 4).await.events), [1, 2]);
    assert_eq!(numbers(&world.history(room, Page::After(Seq(0)), 4).await.events), [1, 2, 3, 4]);
    assert_eq!(numbers(&world.history(room, Page::After(Seq(8)), 4).await.events), [9, 10]);

    let events = world.history(other, Page::After(Seq(4)), 100).await.events;
    assert!(events.iter().all(|event| event.room() == other));
    assert_eq!(numbers(&events), [5, 6, 7, 8, 9, 10]);
}

pub(crate) async fn a_page_beyond_either_end_is_empty<E: Engine>(world: World<E>) {
    let (room, _) = two_rooms_of_ten(&world).await;
    for page in [
        Page::After(Seq(10)),
        Page::After(Seq(11)),
        Page::After(Seq(u64::MAX)),
        Page::Before(Seq(1)),
        Page::Before(Seq(0)),
    ] {
        let history = world.history(room, page, 4).await;
        assert_eq!((history.head, history.events), (Seq(10), vec![]), "{page:?}");
    }
    let newest = world.history(room, Page::Before(Seq(u64::MAX)), 2).await;
    assert_eq!(numbers(&newest.events), [9, 10]);
    assert_eq!(world.history(room, Page::Newest, 0).await.events, []);
}

pub(crate) async fn an_unknown_room_has_no_history<E: Engine>(world: World<E>) {
    assert_eq!(world.store.history(world.address(), Page::Newest, 10).await, Ok(None));
}

pub(crate) async fn a_log_goes_on_after_a_restart<E: Engine>(world: World<E>) {
    let alice = world.user("alice").await;
    let room = world.room(&alice, "Lobby").await.id;
    let before = world.say(room, &alice, "Good night").await;

    let world = world.restarted().await;
    let after = world.say(room, &alice, "Good morning").await;

    assert_eq!(after.seq, Seq(2));
    assert_ne!(after.id, before.id);
    assert_eq!(world.history(room, Page::Newest, 10).await.events, world.told());
}

async fn two_rooms_of_ten<E: Engine>(world: &World<E>) -> (RoomId, RoomId) {
    let alice = world.user("alice").await;
    let lobby = world.room(&alice, "Lobby").await.id;
    let attic = world.room(&alice, "Attic").await.id;
    for number in 1..=10 {
        world.say(lobby, &alice, &format!("Hello {number}")).await;
        world.say(attic, &alice, &format!("Hello {number}")).await;
    }
    (lobby, attic)
}

fn logged(message: &NewMessage, posted: Posted) -> Logged {
    let NewMessage { room, client_id, author, body, .. } = message.clone();
    let Posted { seq, id, at } = posted;
    Logged::Message(Message { room, seq, id, client_id, author, body, at })
}

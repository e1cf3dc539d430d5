//! Who has been where, and when.

use chat::{Activity, RoomId, Store, Timestamp, User, UserId};

use crate::engines::Engine;
use crate::world::{World, later};

pub(crate) async fn nobody_has_been_in_a_new_room<E: Engine>(world: World<E>) {
    let alice = world.user("alice").await;
    let room = world.room(&alice, "Lobby").await;

    assert_eq!(present(&world, room.id, 10).await, (vec![], 0));
    assert_eq!(present(&world, world.address(), 10).await, (vec![], 0));
}

pub(crate) async fn those_who_were_active_come_latest_first<E: Engine>(world: World<E>) {
    let (alice, bob) = (world.user("alice").await, world.user("bob").await);
    let carol = world.user("carol").await;
    let lobby = world.room(&alice, "Lobby").await.id;
    let attic = world.room(&alice, "Attic").await.id;

    note(&world, &[(lobby, &bob, later(2)), (attic, &carol, later(9)), (lobby, &alice, later(3))])
        .await;
    note(&world, &[(lobby, &carol, later(1))]).await;

    let expected = vec![
        ("alice".to_owned(), later(3)),
        ("bob".to_owned(), later(2)),
        ("carol".to_owned(), later(1)),
    ];
    assert_eq!(present(&world, lobby, 10).await, (expected, 3));
    assert_eq!(present(&world, attic, 10).await, (vec![("carol".to_owned(), later(9))], 1));
}

pub(crate) async fn the_later_of_two_times_stands<E: Engine>(world: World<E>) {
    let alice = world.user("alice").await;
    let room = world.room(&alice, "Lobby").await.id;

    note(&world, &[(room, &alice, later(5)), (room, &alice, later(7))]).await;
    note(&world, &[(room, &alice, later(6))]).await;
    assert_eq!(present(&world, room, 10).await, (vec![("alice".to_owned(), later(7))], 1));

    note(&world, &[(room, &alice, later(8)), (room, &alice, later(1))]).await;
    assert_eq!(present(&world, room, 10).await, (vec![("alice".to_owned(), later(8))], 1));
}

pub(crate) async fn the_list_is_cut_and_the_total_is_not<E: Engine>(world: World<E>) {
    let alice = world.user("alice").await;
    let room = world.room(&alice, "Lobby").await.id;
    for number in 0..5 {
        let guest = world.user(&format!("guest{number}")).await;
        note(&world, &[(room, &guest, later(number))]).await;
    }

    let expected = vec![("guest4".to_owned(), later(4)), ("guest3".to_owned(), later(3))];
    assert_eq!(present(&world, room, 2).await, (expected, 5));
}

pub(crate) async fn what_is_unknown_is_passed_over<E: Engine>(world: World<E>) {
    let alice = world.user("alice").await;
    let room = world.room(&alice, "Lobby").await.id;
    let nobody = User { id: UserId(4711), name: alice.name.clone() };
    let (session, _) = world.session(&alice, later(0)).await;
    world.store.end_session(alice.id, session.id).await.unwrap();

    let nowhere = world.address();
    let activities = [(nowhere, &alice), (room, &nobody), (room, &alice)];
    let activities = activities.map(|(room, user)| Activity { room, user: user.id, at: later(1) });
    let sessions = vec![(session.id, later(1))];
    world.store.record_activity(activities.to_vec(), sessions).await.unwrap();

    assert_eq!(present(&world, room, 10).await, (vec![("alice".to_owned(), later(1))], 1));
    assert_eq!(present(&world, nowhere, 10).await, (vec![], 0));
}

pub(crate) async fn many_can_be_noted_at_once<E: Engine>(world: World<E>) {
    let mut activities = Vec::new();
    let mut sessions = Vec::new();
    let alice = world.user("alice").await;
    for _ in 0..30 {
        sessions.push(world.session(&alice, later(0)).await);
    }
    for number in 0..30 {
        let guest = world.user(&format!("guest{number}")).await;
        let room = world.room(&alice, "room").await.id;
        activities.extend((0..40).map(|at| Activity { room, user: guest.id, at: later(at) }));
    }
    let used = sessions.iter().cycle().take(1200).map(|(session, _)| (session.id, later(3)));

    world.store.record_activity(activities.clone(), used.collect()).await.unwrap();

    for room in activities.iter().map(|activity| activity.room) {
        let (list, total) = present(&world, room, 10).await;
        assert_eq!((list[0].1, total), (later(39), 1));
    }
    for session in world.store.sessions(alice.id, 9).await.unwrap() {
        assert_eq!(session.last_seen_at, later(3));
    }
}

pub(crate) async fn participants_survive_a_restart<E: Engine>(world: World<E>) {
    let alice = world.user("alice").await;
    let room = world.room(&alice, "Lobby").await.id;
    note(&world, &[(room, &alice, later(5))]).await;

    let world = world.restarted().await;

    assert_eq!(present(&world, room, 10).await, (vec![("alice".to_owned(), later(5))], 1));
}

async fn note<E: Engine>(world: &World<E>, activities: &[(RoomId, &User, Timestamp)]) {
    let activities = activities.iter();
    let activities = activities.map(|&(room, user, at)| Activity { room, user: user.id, at });
    world.store.record_activity(activities.collect(), vec![]).await.unwrap();
}

/// Who has been in a room by name, and how many in all.
async fn present<E: Engine>(
    world: &World<E>,
    room: RoomId,
    limit: usize,
) -> (Vec<(String, Timestamp)>, u64) {
    let participants = world.store.participants(room, limit).await.unwrap();
    let recent = participants.recent.into_iter();
    (recent.map(|(user, at)| (user.name.as_str().to_owned(), at)).collect(), participants.total)
}

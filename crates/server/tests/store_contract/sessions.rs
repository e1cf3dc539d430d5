//! Being logged in.

use std::collections::HashSet;

use chat::Store;

use crate::engines::Engine;
use crate::world::{NOW, World, later};

pub(crate) async fn a_session_is_known_by_its_token<E: Engine>(world: World<E>) {
    let (alice, bob) = (world.account("alice").await, world.account("bob").await);
    let (session, token) = world.session(&alice.user, NOW).await;
    world.session(&bob.user, NOW).await;

    let identity = world.store.identify(token).await.unwrap().unwrap();

    assert_eq!(identity.account, alice);
    assert_eq!(identity.session, session);
    assert_eq!(session.client, "Firefox on Linux");
    assert_eq!((session.created_at, session.last_seen_at), (NOW, NOW));
    assert_eq!(world.store.identify(world.token()).await.unwrap(), None);
}

pub(crate) async fn sessions_are_listed_most_recently_used_first<E: Engine>(world: World<E>) {
    let (alice, bob) = (world.user("alice").await, world.user("bob").await);
    let (first, _) = world.session(&alice, later(1)).await;
    let (second, _) = world.session(&alice, later(2)).await;
    let (third, _) = world.session(&alice, later(3)).await;
    world.session(&bob, later(4)).await;
    world.store.record_activity(vec![], vec![(first.id, later(10))]).await.unwrap();

    let listed = world.store.sessions(alice.id, 3).await.unwrap();

    let ids: Vec<_> = listed.iter().map(|session| session.id).collect();
    assert_eq!(ids, [first.id, third.id, second.id]);
    assert_eq!(listed[0].last_seen_at, later(10));
    assert_eq!(listed[0].created_at, later(1));
    assert_eq!(world.store.sessions(alice.id, 2).await.unwrap(), listed[..2]);
}

pub(crate) async fn those_who_were_here_lately_are_known_with_their_tokens<E: Engine>(
    world: World<E>,
) {
    let (alice, bob) = (world.account("alice").await, world.account("bob").await);
    let (first, first_token) = world.session(&alice.user, later(1)).await;
    let (second, second_token) = world.session(&bob.user, later(2)).await;
    world.session(&bob.user, later(3)).await;
    world.store.record_activity(vec![], vec![(first.id, later(10))]).await.unwrap();
    world.store.record_activity(vec![], vec![(second.id, later(10))]).await.unwrap();

    let recent = world.store.recent_sessions(later(4), 10).await.unwrap();
    let known: Vec<_> =
        recent.iter().map(|(token, known)| (*token, &known.account, known.session.id)).collect();
    assert_eq!(known, [(second_token, &bob, second.id), (first_token, &alice, first.id)]);

    let recent = world.store.recent_sessions(later(0), 1).await.unwrap();
    assert_eq!(recent.iter().map(|(token, _)| *token).collect::<Vec<_>>(), [second_token]);
}

pub(crate) async fn a_session_is_ended_by_its_owner_and_nobody_else<E: Engine>(world: World<E>) {
    let (alice, bob) = (world.user("alice").await, world.user("bob").await);
    let (session, token) = world.session(&alice, NOW).await;

    assert!(!world.store.end_session(bob.id, session.id).await.unwrap());
    assert!(world.store.identify(token).await.unwrap().is_some());

    assert!(world.store.end_session(alice.id, session.id).await.unwrap());
    assert_eq!(world.store.identify(token).await.unwrap(), None);
    assert!(!world.store.end_session(alice.id, session.id).await.unwrap());
}

pub(crate) async fn the_number_of_an_ended_session_is_not_used_again<E: Engine>(world: World<E>) {
    let alice = world.user("alice").await;
    let (ended, _) = world.session(&alice, NOW).await;
    world.store.end_session(alice.id, ended.id).await.unwrap();

    let world = world.restarted().await;
    let (session, _) = world.session(&alice, NOW).await;

    assert_ne!(session.id, ended.id);
}

pub(crate) async fn stale_sessions_end<E: Engine>(world: World<E>) {
    let alice = world.user("alice").await;
    let (old, _) = world.session(&alice, later(100)).await;
    let (unused, _) = world.session(&alice, later(200)).await;
    let (fresh, _) = world.session(&alice, later(200)).await;
    let used = vec![(old.id, later(900)), (fresh.id, later(500))];
    world.store.record_activity(vec![], used).await.unwrap();

    let ended = world.store.end_stale_sessions(later(200), later(500)).await.unwrap();

    assert_eq!(HashSet::from_iter(ended), HashSet::from([old.id, unused.id]));
    let left = world.store.sessions(alice.id, 9).await.unwrap();
    assert_eq!(left.iter().map(|session| session.id).collect::<Vec<_>>(), [fresh.id]);
    assert_eq!(world.store.end_stale_sessions(later(200), later(500)).await.unwrap(), []);
}

pub(crate) async fn an_earlier_use_of_a_session_changes_nothing<E: Engine>(world: World<E>) {
    let alice = world.user("alice").await;
    let (session, token) = world.session(&alice, later(100)).await;
    let used = vec![(session.id, later(300)), (session.id, later(200))];

    world.store.record_activity(vec![], used).await.unwrap();
    world.store.record_activity(vec![], vec![(session.id, later(50))]).await.unwrap();

    let identity = world.store.identify(token).await.unwrap().unwrap();
    assert_eq!(identity.session.last_seen_at, later(300));
}

//! Accounts and passwords.

use std::collections::HashSet;

use chat::{Error, Name, NameKey, PasswordHash, Store};

use crate::engines::Engine;
use crate::world::{NOW, World, later, new_session, new_user};

pub(crate) async fn the_first_account_is_the_administrator_and_no_other<E: Engine>(
    world: World<E>,
) {
    let alice = world.account("alice").await;
    let bob = world.account("bob").await;

    assert!(alice.admin);
    assert!(!bob.admin);
    assert_eq!(alice.created_at, NOW);
    assert_eq!(bob.user.name.as_str(), "bob");
}

pub(crate) async fn of_many_who_register_at_once_one_is_the_administrator<E: Engine>(
    world: World<E>,
) {
    let registrations: Vec<_> = (0..50)
        .map(|number| {
            let store = world.store.clone();
            tokio::spawn(
                async move { store.create_user(new_user(&format!("guest{number}"))).await },
            )
        })
        .collect();

    let mut admins = 0;
    let mut ids = HashSet::new();
    for registration in registrations {
        let account = registration.await.unwrap().unwrap();
        admins += usize::from(account.admin);
        ids.insert(account.user.id);
    }
    assert_eq!(admins, 1);
    assert_eq!(ids.len(), 50);
}

pub(crate) async fn a_name_is_taken_in_every_spelling<E: Engine>(world: World<E>) {
    world.account("alice").await;

    assert_eq!(world.store.create_user(new_user("ALICE")).await, Err(Error::NameTaken));

    assert!(!world.account("bob").await.admin);
}

pub(crate) async fn a_name_is_taken_by_what_looks_like_it_in_capitals<E: Engine>(world: World<E>) {
    world.account("Tom").await;

    // Cyrillic, and Greek.
    for name in ["ТОМ", "том", "ΤΟΜ"] {
        assert_eq!(world.store.create_user(new_user(name)).await, Err(Error::NameTaken), "{name}");
    }

    let nina = world.account("НИНА").await;
    let found = world.store.credentials(key("нина")).await.unwrap().unwrap();
    assert_eq!(found.account, nina);
}

pub(crate) async fn of_many_who_want_one_name_one_gets_it<E: Engine>(world: World<E>) {
    let registrations: Vec<_> = (0..50)
        .map(|_| {
            let store = world.store.clone();
            tokio::spawn(async move { store.create_user(new_user("alice")).await })
        })
        .collect();

    let mut created = 0;
    for registration in registrations {
        match registration.await.unwrap() {
            Ok(_) => created += 1,
            Err(error) => assert_eq!(error, Error::NameTaken),
        }
    }
    assert_eq!(created, 1);
}

pub(crate) async fn credentials_are_found_by_any_spelling_of_the_name<E: Engine>(world: World<E>) {
    let alice = world.account("Alice").await;

    let found = world.store.credentials(key("aLICE")).await.unwrap().unwrap();
    assert_eq!(found.account, alice);
    assert_eq!(found.password, new_user("Alice").password);
    assert_eq!(world.store.credentials(key("bob")).await.unwrap(), None);
}

pub(crate) async fn a_better_hash_replaces_the_old_one<E: Engine>(world: World<E>) {
    let alice = world.user("alice").await;
    world.user("bob").await;

    let (old, new) = (new_user("alice").password, hash("better"));
    world.store.rehash_password(alice.id, old, new.clone()).await.unwrap();

    assert_eq!(password(&world, "alice").await, new);
    assert_eq!(password(&world, "bob").await, new_user("bob").password);
}

pub(crate) async fn a_better_hash_of_an_old_password_comes_too_late<E: Engine>(world: World<E>) {
    let alice = world.user("alice").await;
    let (session, token) = world.session(&alice, NOW).await;

    let old = new_user("alice").password;
    let changed =
        world.store.change_password(alice.id, old.clone(), hash("changed"), session.id, token);
    assert_eq!(changed.await, Ok(Some(vec![])));
    world.store.rehash_password(alice.id, old, hash("better")).await.unwrap();

    assert_eq!(password(&world, "alice").await, hash("changed"));
}

pub(crate) async fn a_change_of_password_ends_all_other_sessions<E: Engine>(world: World<E>) {
    let (alice, bob) = (world.user("alice").await, world.user("bob").await);
    let (here, here_token) = world.session(&alice, NOW).await;
    let (phone, phone_token) = world.session(&alice, NOW).await;
    let (work, _) = world.session(&alice, NOW).await;
    let (_, bobs_token) = world.session(&bob, NOW).await;
    let new_token = world.token();

    let old = new_user("alice").password;
    let ended = world.store.change_password(alice.id, old, hash("new"), here.id, new_token).await;

    assert_eq!(HashSet::from_iter(ended.unwrap().unwrap()), HashSet::from([phone.id, work.id]));
    assert_eq!(password(&world, "alice").await, hash("new"));
    assert_eq!(world.store.identify(here_token).await.unwrap(), None);
    assert_eq!(world.store.identify(phone_token).await.unwrap(), None);
    assert_eq!(world.store.identify(new_token).await.unwrap().unwrap().session, here);
    assert!(world.store.identify(bobs_token).await.unwrap().is_some());
    assert_eq!(password(&world, "bob").await, new_user("bob").password);
}

pub(crate) async fn who_was_shut_out_meanwhile_changes_no_password<E: Engine>(world: World<E>) {
    let alice = world.user("alice").await;
    let (here, token) = world.session(&alice, NOW).await;
    let (thief, _) = world.session(&alice, NOW).await;
    let old = new_user("alice").password;

    world.store.end_session(alice.id, thief.id).await.unwrap();
    let late = (hash("the thief's"), world.token());
    let refused =
        world.store.change_password(alice.id, old.clone(), late.0.clone(), thief.id, late.1);
    assert_eq!(refused.await, Ok(None));

    let not_it = world.store.change_password(alice.id, hash("not it"), late.0, here.id, late.1);
    assert_eq!(not_it.await, Ok(None));

    assert_eq!(password(&world, "alice").await, old);
    assert_eq!(world.store.identify(token).await.unwrap().unwrap().session, here);
    assert_eq!(world.store.identify(late.1).await.unwrap(), None);
}

pub(crate) async fn a_log_in_with_a_password_that_was_changed_meanwhile_starts_no_session<
    E: Engine,
>(
    world: World<E>,
) {
    let alice = world.user("alice").await;
    let (here, _) = world.session(&alice, NOW).await;
    let old = new_user("alice").password;
    let new_token = world.token();
    let changed =
        world.store.change_password(alice.id, old.clone(), hash("new"), here.id, new_token);
    changed.await.unwrap().unwrap();

    let (late, in_time) = (world.token(), world.token());
    let session = new_session(&alice, old, late, NOW);
    assert_eq!(world.store.create_session(session).await, Ok(None));
    let session = new_session(&alice, hash("new"), in_time, NOW);
    assert!(world.store.create_session(session).await.unwrap().is_some());

    assert_eq!(world.store.identify(late).await.unwrap(), None);
    assert_eq!(world.store.sessions(alice.id, 9).await.unwrap().len(), 2);
}

pub(crate) async fn accounts_and_sessions_survive_a_restart<E: Engine>(world: World<E>) {
    let alice = world.account("alice").await;
    let (session, token) = world.session(&alice.user, later(1)).await;

    let world = world.restarted().await;

    let identity = world.store.identify(token).await.unwrap().unwrap();
    assert_eq!(identity.account, alice);
    assert_eq!(identity.session, session);
    assert!(!world.account("bob").await.admin);
    assert_eq!(identity.session.created_at, later(1));
}

async fn password<E: Engine>(world: &World<E>, name: &str) -> PasswordHash {
    world.store.credentials(key(name)).await.unwrap().unwrap().password
}

fn key(name: &str) -> NameKey {
    Name::parse(name).unwrap().key()
}

fn hash(text: &str) -> PasswordHash {
    PasswordHash(text.to_owned())
}

//! The server's data are put back to an earlier state, and those who have read more come back.

use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use serde_json::{Value, json};
use server::{Random, store};
use tempfile::TempDir;

use crate::client::Client;
use crate::resume::{say, seqs};
use crate::support::{FAST, Server, client_id};

fn restored(backup: &Path, seed: u64) -> Server {
    let data = TempDir::new().unwrap();
    store::restore(backup, data.path(), &Random::seeded(seed), &mut |_| {}).unwrap();
    Server::start_in(data, FAST)
}

/// Comes back with a cursor; the new epoch, and what was told.
fn come_back(client: &mut Client, room: &str, after: &Value, epoch: &Value) -> (Value, Vec<Value>) {
    let cursor = json!({ "room": room, "after": after, "epoch": epoch });
    let joined = client.ask("join", &cursor);
    let mut told = client.heard();
    let resyncs: Vec<_> = told.extract_if(.., |(name, _)| name == "resync").collect();
    assert_eq!(resyncs.len(), 1, "{resyncs:?}");
    let (epoch, head) = (&joined["epoch"], &joined["head"]);
    let resync = json!({ "room": room, "epoch": epoch, "head": head, "reason": "epoch" });
    assert_eq!(resyncs[0].1, resync);
    told.retain(|(name, _)| name == "message");
    (epoch.clone(), told.into_iter().map(|(_, message)| message).collect())
}

#[test]
fn who_has_read_more_than_a_backup_holds_is_told_so_once_and_given_the_newest_page() {
    let server = Server::start();
    let (mut alice, room) = server.alice_in_a_room();
    let bob = server.register("bob");
    let mut before = Client::connect(server.address(), &bob);
    let old_epoch = before.ask("join", &json!({ "room": room }))["epoch"].clone();
    let backups = TempDir::new().unwrap();
    let backup = backups.path().join("backup.db");

    // Alice talks all the time; the backup is of some moment in between.
    let over = AtomicBool::new(false);
    let said = thread::scope(|scope| {
        let talking = scope.spawn(|| {
            let mut numbers = (1..).step_by(10);
            while !over.load(Ordering::SeqCst) {
                let first = numbers.next().unwrap();
                say(&mut alice, &room, first..=first + 9);
            }
            numbers.next().unwrap() - 1
        });
        before.next_where("message", |message| message["seq"] == 100);
        store::back_up(server.folder(), &backup, &mut |_| {}).unwrap();
        over.store(true, Ordering::SeqCst);
        talking.join().unwrap()
    });
    say(&mut alice, &room, said + 1..=said + 100);
    let last = said + 100;
    before.next_where("message", |message| message["seq"] == last);
    drop(server);

    let server = restored(&backup, 1);
    let mut bob = Client::connect(server.address(), &bob);
    let (epoch, page) = come_back(&mut bob, &room, &json!(last), &old_epoch);
    assert_ne!(epoch, old_epoch);
    let head = page.last().unwrap()["seq"].as_u64().unwrap();
    assert!((100..=said).contains(&head), "{head} of {said}");
    assert_eq!(seqs(&page), (head - 49..=head).collect::<Vec<_>>());

    // Numbers that bob has seen are given again, to other messages, and he hears each of them once.
    let mut alice = Client::connect(server.address(), &server.log_in("alice"));
    alice.ask("join", &json!({ "room": room }));
    say(&mut alice, &room, 10_001..=10_100);
    bob.next_where("message", |message| {
        let number = message["seq"].as_u64().unwrap();
        assert_eq!(message["client_id"], client_id(10_000 + number - head), "{message}");
        number == head + 100
    });
    assert_eq!(bob.heard_messages(), Vec::<Value>::new());

    // With the new epoch he resumes like anybody.
    let cursor = json!({ "room": room, "after": head + 98, "epoch": epoch });
    bob.ask("join", &cursor);
    assert_eq!(seqs(&bob.heard_messages()), [head + 99, head + 100]);
}

#[test]
fn who_has_read_in_one_restoration_of_a_backup_is_told_so_by_another() {
    let server = Server::start();
    let (mut alice, room) = server.alice_in_a_room();
    say(&mut alice, &room, 1..=5);
    let token = server.log_in("alice");
    let backups = TempDir::new().unwrap();
    let backup = backups.path().join("backup.db");
    store::back_up(server.folder(), &backup, &mut |_| {}).unwrap();
    drop(server);

    let server = restored(&backup, 1);
    let mut alice = Client::connect(server.address(), &token);
    let first = alice.ask("join", &json!({ "room": room }))["epoch"].clone();
    say(&mut alice, &room, 6..=7);
    drop(server);

    // Here the numbers 6 and 7 are somebody else's, and the log is as long.
    let server = restored(&backup, 2);
    let mut alice = Client::connect(server.address(), &token);
    alice.ask("join", &json!({ "room": room }));
    say(&mut alice, &room, 16..=17);
    let mut again = Client::connect(server.address(), &token);
    let (second, page) = come_back(&mut again, &room, &json!(7), &first);
    assert_ne!(first, second);
    assert_eq!(seqs(&page), [1, 2, 3, 4, 5, 6, 7]);
    assert_eq!(page[5]["client_id"], client_id(16));
}

//! The store while its disk loses power, fails and is full. More seeds with `PARLOR_SEEDS=n`, and many with the program
//! of this crate.

#![expect(clippy::unwrap_used, reason = "all of this is a test")]

use std::path::Path;
use std::sync::Arc;
use std::thread::available_parallelism;
use std::time::Duration;

use chat::{
    Body, ClientId, Error, Fanout, Logged, Name, NewMessage, NewRoom, NewUser, Page, PasswordHash,
    RoomId, RoomName, Store, Timestamp, User,
};
use powercut::{Call, Calls, Disk, Fault, Outage, Part, Tally, VFS, Weather, run, run_all};
use rusqlite::{Connection, OpenFlags};
use server::store::{Sqlite, Upkeep};
use uuid::Uuid;

/// So many trials unless the environment says otherwise: some seconds' worth.
const SEEDS: u64 = 300;

struct Deaf;

impl Fanout for Deaf {
    fn publish(&self, _: &[Logged]) {}
}

fn trials(weather: Weather, share: u64) -> Tally {
    let seeds = std::env::var("PARLOR_SEEDS").map_or(SEEDS, |seeds| seeds.parse().unwrap()) / share;
    run_all(weather, 0..seeds, available_parallelism().unwrap().into(), |_| {})
}

/// Every call fails in its turn, in a trial of its own, until a trial ends without having come to it.
fn whichever_fails(calls: Calls, times: u64) {
    let folder = tempfile::tempdir().unwrap();
    let mut met = 0;
    for after in 0.. {
        let fault = Fault { calls, after, times };
        let report = run(0, Weather::Faults(fault), folder.path());
        let report = report.unwrap_or_else(|violation| panic!("{fault:?}: {violation}"));
        if report.failed.is_empty() {
            break;
        }
        met += 1;
    }
    assert!(met > 100, "the trial ends after {met} calls");
}

/// A reader who stays keeps no writer from anything: not even if something failed while the log was made.
#[tokio::test]
async fn a_server_that_starts_has_its_write_ahead_log() {
    powercut::register();
    let folder = tempfile::tempdir().unwrap();
    for after in 0..20 {
        let disk = Disk::new(folder.path(), 0);
        disk.break_down(Fault { calls: Calls::Changes, after, times: 1 });
        let opened = Sqlite::open_on(Some(VFS), folder.path(), Upkeep::default(), Arc::new(Deaf));
        disk.mend();
        assert!(!disk.failed().is_empty(), "it makes {after} changes and no more");
        let Ok(store) = opened else { continue };
        let file = folder.path().join("parlor.db");
        let reader = Connection::open_with_flags_and_vfs(file, OpenFlags::default(), VFS).unwrap();
        reader.execute_batch("BEGIN; SELECT count(*) FROM users").unwrap();
        let alice = register(&store, "alice").await;
        assert!(alice.is_ok(), "after {after} changes: {alice:?}");
        drop(reader);
        store.close().await;
    }
}

/// Somebody who reads an old state lets a checkpoint move a message that counts as moved then, and is not synced. When the
/// next one syncs, that fails, and the system throws the message away. The one after that must not let go of the log; nor
/// must anything follow what a failed sync of the log has thrown away.
#[tokio::test]
async fn what_failed_syncs_threw_away_takes_nothing_with_it() {
    powercut::register();
    let trials = (0..2).flat_map(|seed| (1..20).map(move |pages| (seed, pages)));
    let trials = trials.flat_map(|(seed, pages)| (1..5).map(move |times| (seed, pages, times)));
    let mut met = 0;
    for (seed, pages, times) in trials {
        let folder = tempfile::tempdir().unwrap();
        let disk = Disk::new(folder.path(), seed);
        let store = open(folder.path(), pages);
        disk.sync_folder();
        let alice = register(&store, "alice").await.unwrap();
        let (id, name) = (RoomId(Uuid::from_u128(1)), RoomName::parse("Lobby").unwrap());
        let room = NewRoom { id, name, by: alice.id, at: Timestamp(1) };
        store.create_room(room).await.unwrap();
        let reads = || {
            let file = folder.path().join("parlor.db");
            let db = Connection::open_with_flags_and_vfs(file, OpenFlags::default(), VFS).unwrap();
            db.execute_batch("BEGIN; SELECT count(*) FROM users").unwrap();
            db
        };

        let before = reads();
        let body = Body::parse(&"Milk? ".repeat(1000)).unwrap();
        let client_id = ClientId(Uuid::from_u128(2));
        let message = NewMessage { room: id, client_id, author: alice, body, at: Timestamp(2) };
        store.append(message).await.unwrap();
        store.check().await.unwrap();
        let after = reads();
        drop(before);
        register(&store, "bob").await.unwrap();
        // The writer tidies up when it has answered, and takes this when it has done so.
        store.check().await.unwrap();
        drop(after);
        // Two syncs of the log, and then one of the database.
        disk.break_down(Fault { calls: Calls::Syncs, after: 2, times });
        let names = ["carol", "dave", "erin", "frank"];
        for name in names {
            while register(&store, name).await.is_err() {
                tokio::task::yield_now().await;
            }
        }
        met += u64::from(disk.failed().contains_key(&(Call::Sync, Part::Database)));
        disk.strike(Outage::Power);
        store.close().await;
        disk.restart();

        let store = open(folder.path(), pages);
        let history = store.history(id, Page::Newest, 10).await;
        assert!(
            history.is_ok_and(|it| it.unwrap().events.len() == 1),
            "seed {seed}, {pages} pages, {times} syncs: the message is gone"
        );
        for name in names {
            let known = store.credentials(Name::parse(name).unwrap().key()).await;
            assert!(
                known.is_ok_and(|it| it.is_some()),
                "seed {seed}, {pages} pages, {times} syncs: {name} is gone"
            );
        }
        store.close().await;
    }
    assert!(met > 10, "a sync of the database fails in {met} trials");
}

/// A store that moves so many pages into the database as soon as it can.
fn open(folder: &Path, pages_at_most: i32) -> Sqlite {
    let upkeep = Upkeep { pages_at_most, first_pause: Duration::from_millis(1) };
    Sqlite::open_on(Some(VFS), folder, upkeep, Arc::new(Deaf)).unwrap()
}

async fn register(store: &Sqlite, name: &str) -> Result<User, Error> {
    let (name, password) = (Name::parse(name).unwrap(), PasswordHash(String::new()));
    let account = store.create_user(NewUser { name, password, at: Timestamp(1) }).await?;
    Ok(account.user)
}

#[test]
fn nothing_acked_told_or_read_is_lost_with_the_power() {
    let tally = trials(Weather::Storms, 1);
    assert!(tally.violations.is_empty(), "{tally}\n{:#?}", tally.violations);
    assert!(tally.report.remains.torn > 0 && tally.report.remains.lost > 0, "{tally}");
}

#[test]
fn a_seed_is_the_same_trial_every_time() {
    let folder = tempfile::tempdir().unwrap();
    for seed in 0..40 {
        let again = || run(seed, Weather::Storms, folder.path());
        assert_eq!(again(), again(), "seed {seed}");
    }
}

#[test]
fn a_disk_that_lies_about_syncs_is_found_out() {
    let tally = run_all(Weather::Lies, 0..20, 1, |_| {});
    assert!(tally.violations.len() > 10, "{tally}");
}

#[test]
fn nothing_acked_is_lost_while_the_disk_is_full_and_afterwards_everything_works() {
    let tally = trials(Weather::Floods, 4);
    assert!(tally.violations.is_empty(), "{tally}\n{:#?}", tally.violations);
    assert!(tally.report.floods > 0, "{tally}");
}

#[test]
fn whichever_call_fails_once_nothing_acked_is_lost() {
    whichever_fails(Calls::Any, 1);
}

#[test]
fn whichever_change_fails_once_nothing_acked_is_lost_and_reading_goes_on() {
    whichever_fails(Calls::Changes, 1);
}

#[test]
fn from_whichever_call_on_all_fail_nothing_acked_is_lost() {
    whichever_fails(Calls::Any, Fault::FOR_GOOD);
}

#[test]
fn from_whichever_change_on_all_fail_nothing_acked_is_lost_and_reading_goes_on() {
    whichever_fails(Calls::Changes, Fault::FOR_GOOD);
}

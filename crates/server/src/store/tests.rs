//! What the store does when the disk, or the code, does not do what it should.

mod world;

use std::fs;
use std::time::Duration;

use chat::{Body, Error, NewMessage, Seq, Store, StoreError};
use rusqlite::wal::CheckpointMode;
use rusqlite::{Connection, OpenFlags};
use tempfile::TempDir;
use tokio::time::{sleep, timeout};

use self::world::{World, is_unavailable, order};
use super::writer::{Batch, QUEUE};
use super::{Sqlite, check, messages};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_loses_nothing_that_was_acked_and_writing_goes_on_when_there_is_room() {
    let world = World::new().await;
    let mut acked = vec![world.append_at_last(1).await];
    world.fill_disk().await;

    let mut number = 1;
    loop {
        number += 1;
        match world.store.append(world.message(number)).await {
            Ok(posted) => acked.push(posted.seq),
            Err(error) => break assert!(is_unavailable(&error), "{error:?}"),
        }
        assert!(number < 1000, "the disk is never full");
    }
    world.assert_whole().await;

    acked.push(world.append_at_last(number).await);
    acked.push(world.append_at_last(number + 1).await);
    assert!(acked.iter().map(|seq| seq.0).eq(1..=acked.len() as u64));
    assert_eq!(world.assert_whole().await.len(), acked.len());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn all_who_share_a_failed_transaction_are_refused_and_nothing_of_it_is_stored() {
    let world = World::new().await;
    world.append_at_last(1).await;
    world.fill_disk().await;
    let release = world.hold_writer().await;
    let appends: Vec<_> =
        (2..200).map(|number| order(world.store.append(world.message(number)))).collect();
    release.send(()).unwrap();

    for append in appends {
        assert!(is_unavailable(&append.await.unwrap_err()));
    }
    assert_eq!(world.assert_whole().await.len(), 1);
    assert_eq!(world.append_at_last(2).await, Seq(2));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn while_the_database_is_away_writing_is_refused_at_once_and_reading_goes_on() {
    let world = World::new().await;
    world.append_at_last(1).await;
    let (here, away) = (world.folder.path().join("parlor.db"), world.folder.path().join("away"));
    fs::rename(&here, &away).unwrap();

    assert!(is_unavailable(&world.store.append(world.message(2)).await.unwrap_err()));
    let refused = world.store.check().await.unwrap_err();
    assert!(matches!(refused, StoreError::Unavailable { .. }));
    assert!(world.store.room(world.room).await.unwrap().is_some());
    assert!(!here.exists(), "an empty database has come up in its place");

    fs::rename(&away, &here).unwrap();
    world.append_at_last(2).await;
    world.append_at_last(3).await;
    assert_eq!(world.store.check().await, Ok(()));
    assert_eq!(world.assert_whole().await.len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_that_is_moved_away_is_noticed_by_who_only_asks_and_goes_on_when_it_is_back() {
    let world = World::new().await;
    let away = world.folder.path().with_extension("away");
    fs::rename(world.folder.path(), &away).unwrap();
    assert!(matches!(world.store.check().await, Err(StoreError::Unavailable { .. })));
    assert!(!world.folder.path().exists(), "it has come up again");

    fs::rename(&away, world.folder.path()).unwrap();
    assert_eq!(world.append_at_last(1).await, Seq(1));
    world.assert_whole().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn another_database_in_the_place_of_this_one_is_not_written_to() {
    let world = World::new().await;
    world.append_at_last(1).await;
    let here = world.folder.path().join("parlor.db");
    let (other, away) = (world.folder.path().join("other"), world.folder.path().join("away"));
    // A copy of some earlier state, as somebody puts it there who does not know better.
    fs::copy(&here, &other).unwrap();
    fs::rename(&here, &away).unwrap();
    fs::rename(&other, &here).unwrap();
    let before = fs::read(&here).unwrap();

    assert!(is_unavailable(&world.store.append(world.message(2)).await.unwrap_err()));
    world.stays_unavailable().await;
    assert!(fs::read(&here).unwrap() == before, "it was written to");

    fs::rename(&away, &here).unwrap();
    assert_eq!(world.append_at_last(2).await, Seq(2));
    world.assert_whole().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_that_was_acked_is_lost_with_a_deleted_write_ahead_log() {
    let world = World::new().await;
    for number in 1..=10 {
        world.append_at_last(number).await;
    }
    fs::remove_file(world.folder.path().join("parlor.db-wal")).unwrap();

    assert!(is_unavailable(&world.store.append(world.message(11)).await.unwrap_err()));
    world.stays_unavailable().await;
    assert!(world.store.room(world.room).await.unwrap().is_some());

    // As if it were killed now: the file that is left has everything.
    let killed = TempDir::new().unwrap();
    let file = killed.path().join("parlor.db");
    fs::copy(world.folder.path().join("parlor.db"), &file).unwrap();
    let findings = check(&file, &mut |_| {}).unwrap();
    assert!(findings.is_sound() && findings.events >= 10, "{findings:?}");
    world.store.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_store_without_room_does_not_come_back_for_one_row_that_still_fits() {
    let world = World::new().await;
    world.append_at_last(1).await;
    // Room is asked for by writing this file. One row would fit into the database all the time.
    let no_room = world.folder.path().join("parlor.room");
    fs::create_dir(&no_room).unwrap();
    world.fill_disk().await;
    while world.store.append(world.message(2)).await.is_ok() {
        let big = world
            .store
            .write(|batch| batch.db.execute_batch("CREATE TABLE big AS SELECT zeroblob(100000)"));
        let _ = big.await;
    }

    world.stays_unavailable().await;

    fs::remove_dir(&no_room).unwrap();
    world.append_at_last(3).await;
    world.assert_whole().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_that_panics_leaves_nothing_and_does_not_harm_the_others() {
    let world = World::new().await;
    let release = world.hold_writer().await;
    let before = order(world.store.append(world.message(1)));
    let message = world.message(1000);
    let panics = order(world.store.write(move |batch| -> rusqlite::Result<()> {
        messages::append(batch, &message)?.unwrap();
        panic!("a mistake");
    }));
    let after = order(world.store.append(world.message(2)));
    release.send(()).unwrap();

    assert_eq!(before.await.unwrap().seq, Seq(1));
    assert_eq!(panics.await, Err(StoreError::Broken));
    assert_eq!(after.await.unwrap().seq, Seq(2));
    assert_eq!(world.append_at_last(3).await, Seq(3));
    assert_eq!(world.assert_whole().await.len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_question_that_panics_is_answered_and_so_are_the_others() {
    let world = World::new().await;
    for _ in 0..10 {
        let panics = world.store.read(|_| -> rusqlite::Result<()> { panic!("a mistake") });
        assert_eq!(panics.await, Err(StoreError::Broken));
        assert!(world.store.room(world.room).await.unwrap().is_some());
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_listener_who_panics_costs_nobody_else_what_they_should_hear() {
    let world = World::new().await;
    let release = world.hold_writer().await;
    let appends: Vec<_> =
        (1..=5).map(|number| order(world.store.append(world.message(number)))).collect();
    world.listener.panic_at(Seq(3));
    release.send(()).unwrap();

    for (append, expected) in appends.into_iter().zip(1..) {
        assert_eq!(append.await.unwrap().seq, Seq(expected));
    }
    world.append_at_last(6).await;
    let heard = world.listener.events.lock().unwrap().clone();
    assert!(heard.iter().map(|event| event.seq().0).eq([1, 2, 4, 5, 6]));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_failed_commit_did_store_is_told_before_anything_that_follows() {
    let world = World::new().await;
    world.append_at_last(1).await;
    let message = world.message(2);
    let committed_behind_its_back = world.store.write(move |batch| {
        let posted = messages::append(batch, &message)?;
        batch.tails.save(batch.db)?;
        batch.db.execute_batch("COMMIT")?;
        Ok(posted)
    });
    let error = committed_behind_its_back.await.unwrap_err();
    assert!(matches!(error, StoreError::Unavailable { .. }));

    assert_eq!(world.append_at_last(3).await, Seq(3));
    assert_eq!(world.append_at_last(2).await, Seq(2));
    assert_eq!(world.assert_whole().await.len(), 3);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_that_cannot_be_made_leaves_nothing_and_does_not_harm_the_others() {
    let world = World::new().await;
    let release = world.hold_writer().await;
    let (mut appends, mut failures) = (Vec::new(), Vec::new());
    for number in 1..=50 {
        appends.push(order(world.store.append(world.message(number))));
        if number % 10 == 0 {
            let message = world.message(1000 + number);
            failures.push(order(world.store.write(move |batch| {
                messages::append(batch, &message)?.unwrap();
                Err::<(), _>(rusqlite::Error::InvalidQuery)
            })));
        }
    }
    release.send(()).unwrap();

    for (append, expected) in appends.into_iter().zip(1..) {
        assert_eq!(append.await.unwrap().seq, Seq(expected));
    }
    for failure in failures {
        assert_eq!(failure.await, Err(StoreError::Broken));
    }
    assert_eq!(world.assert_whole().await.len(), 50);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_when_the_queue_is_full_is_told_to_come_again() {
    let world = World::new().await;
    let release = world.hold_writer().await;
    let appends: Vec<_> = (1..=QUEUE as u128)
        .map(|number| order(world.store.append(world.message(number))))
        .collect();

    let refused = world.store.append(world.message(0)).await.unwrap_err();
    assert!(matches!(refused, Error::Overloaded { .. }), "{refused:?}");

    release.send(()).unwrap();
    for append in appends {
        append.await.unwrap();
    }
    assert_eq!(world.assert_whole().await.len(), QUEUE);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_repeat_in_the_same_transaction_is_stored_once() {
    let world = World::new().await;
    let release = world.hold_writer().await;
    let first = order(world.store.append(world.message(1)));
    let again = order(world.store.append(world.message(1)));
    let other_text = NewMessage { body: Body::parse("Other").unwrap(), ..world.message(1) };
    let other = order(world.store.append(other_text));
    release.send(()).unwrap();

    assert_eq!(again.await, first.await);
    assert_eq!(other.await, Err(Error::IdempotencyConflict));
    assert_eq!(world.assert_whole().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_comes_while_a_change_is_made_shares_its_transaction() {
    let world = World::new().await;
    let message = world.message(1);
    let append = move |batch: &mut Batch<'_>| messages::append(batch, &message).map(drop);
    let release = world.hold_writer_after(append).await;
    let path = world.folder.path().join("parlor.db");
    let stored = order(world.store.write(move |_| {
        let other = Connection::open_with_flags(&path, OpenFlags::SQLITE_OPEN_READ_ONLY)?;
        other.query_row("SELECT count(*) FROM events", [], |row| row.get::<_, u32>(0))
    }));
    release.send(()).unwrap();

    assert_eq!(stored.await.unwrap(), 0, "what came first is not committed yet");
    assert_eq!(world.assert_whole().await.len(), 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::disallowed_methods, reason = "that nobody orders anything is no event")]
async fn the_write_ahead_log_starts_over_when_nobody_waits() {
    let world = World::new().await;
    for burst in 0..40 {
        for number in 1..=8 {
            world.store.append(world.message(8 * burst + number)).await.unwrap();
        }
        sleep(Duration::from_millis(20)).await;
    }
    let log = fs::metadata(world.folder.path().join("parlor.db-wal")).unwrap().len();
    assert!(log < 2 << 20, "{log} bytes, of three times as many that were written");
    assert_eq!(world.assert_whole().await.len(), 320);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[expect(clippy::disallowed_methods, reason = "moving the log is nothing that is told")]
async fn what_a_full_disk_kept_in_the_write_ahead_log_is_moved_when_there_is_room() {
    let world = World::new().await;
    let beside = Connection::open(world.folder.path().join("parlor.db")).unwrap();
    beside.execute_batch("BEGIN; SELECT * FROM database").unwrap();
    for number in 1..=100 {
        world.store.append(world.message(number)).await.unwrap();
    }
    world.fill_disk().await;
    // Nothing is moved before the writer has opened the database again.
    beside.execute_batch("COMMIT").unwrap();
    let mut number = 101;
    while world.store.append(world.message(number)).await.is_ok() {
        number += 1;
        assert!(number < 1000, "the disk is never full");
    }
    world.append_at_last(number).await;

    let moving = async {
        while !is_moved(&beside) {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(Duration::from_secs(20), moving).await.expect("nobody waits, and there is room");
    assert_eq!(world.assert_whole().await.len() as u128, number);
}

/// Whether all that is in the write-ahead log is in the database too.
fn is_moved(db: &Connection) -> bool {
    let (logged, moved) = db.wal_checkpoint_v2(None::<&str>, CheckpointMode::NOOP).unwrap();
    logged == moved
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn closing_finishes_what_was_ordered_and_refuses_the_rest() {
    let world = World::new().await;
    let release = world.hold_writer().await;
    let appends: Vec<_> =
        (1..=100).map(|number| order(world.store.append(world.message(number)))).collect();
    drop(release);
    world.store.close().await;

    for append in appends {
        append.await.unwrap();
    }
    assert!(is_unavailable(&world.store.append(world.message(101)).await.unwrap_err()));
    let read = world.store.room(world.room).await;
    assert!(matches!(read, Err(StoreError::Unavailable { .. })));
    let wal = world.folder.path().join("parlor.db-wal");
    assert!(!wal.exists(), "everything is in the one file");
    let again = Sqlite::open(world.folder.path(), world.listener.clone()).unwrap();
    assert_eq!(again.room(world.room).await.unwrap().unwrap().head, Seq(100));
    again.close().await;
    world.store.close().await;
}

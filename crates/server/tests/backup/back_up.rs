//! Copying everything, while people talk.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use rusqlite::Connection;
use server::store::{Copied, CopyError, Progress};
use tempfile::TempDir;

use crate::world::{World, check, log, names_in, serve};

fn back_up(data: &Path, to: &Path) -> Result<Copied, CopyError> {
    server::store::back_up(data, to, &mut |_| {})
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_while_people_talk_is_a_beginning_of_what_they_said() {
    let world = Arc::new(World::new().await);
    let over = Arc::new(AtomicBool::new(false));
    let talking: Vec<_> = (0..8)
        .map(|_| {
            let (world, over) = (world.clone(), over.clone());
            tokio::spawn(async move {
                let mut acked = 0;
                while !over.load(Ordering::SeqCst) {
                    acked = world.say(&world.alice).await.seq.0;
                }
                acked
            })
        })
        .collect();
    let backups = TempDir::new().unwrap();
    for number in 0..10 {
        let before = world.say(&world.bob).await.seq.0;
        let (data, to) = (world.data().to_owned(), backups.path().join(format!("{number}.db")));
        let copied = tokio::task::spawn_blocking(move || back_up(&data, &to)).await.unwrap();
        let events = copied.unwrap().findings.events;
        assert!(events >= before, "{before} were acked, {events} are in the backup");
    }
    over.store(true, Ordering::SeqCst);
    for talker in talking {
        assert!(talker.await.unwrap() > 100, "nobody talked");
    }

    let said = log(&world.store, world.kitchen).await;
    for number in 0..10 {
        // A folder of its own for each, as if it had been put back by hand.
        let folder = TempDir::new().unwrap();
        let backup = backups.path().join(format!("{number}.db"));
        fs::copy(&backup, folder.path().join("parlor.db")).unwrap();
        let copy = serve(folder.path()).unwrap();
        let found = log(&copy, world.kitchen).await;
        assert_eq!(found, said[..found.len()]);
        copy.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_is_one_file_for_its_owner_only() {
    let (world, backups) = (World::new().await, TempDir::new().unwrap());
    let to = backups.path().join("parlor-monday.db");
    let copied = back_up(world.data(), &to).unwrap();
    check(&to);

    assert_eq!(names_in(backups.path()), ["parlor-monday.db"]);
    assert_eq!(fs::metadata(&to).unwrap().permissions().mode() & 0o777, 0o600);
    assert_eq!(fs::metadata(&to).unwrap().len(), copied.bytes);
    assert_eq!((copied.findings.rooms, copied.findings.events), (2, 10));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_server_that_was_killed_or_ended_is_backed_up_too() {
    let (world, backups) = (World::new().await, TempDir::new().unwrap());
    // As a killed process leaves it: much of it in the write-ahead log only.
    let killed = TempDir::new().unwrap();
    for file in ["parlor.db", "parlor.db-wal"] {
        fs::copy(world.data().join(file), killed.path().join(file)).unwrap();
    }
    let copied = back_up(killed.path(), &backups.path().join("killed.db")).unwrap();
    assert_eq!(copied.findings.events, 10);

    world.store.close().await;
    let copied = back_up(world.data(), &backups.path().join("ended.db")).unwrap();
    assert_eq!(copied.findings.events, 10);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_put_in_the_place_of_what_is_there() {
    let (world, backups) = (World::new().await, TempDir::new().unwrap());
    let (file, link) = (backups.path().join("file"), backups.path().join("link"));
    fs::write(&file, "precious").unwrap();
    symlink("nowhere", &link).unwrap();

    for there in [&file, &link, &backups.path().to_owned(), &world.database()] {
        let error = back_up(world.data(), there).unwrap_err();
        assert!(matches!(error, CopyError::Exists { .. }), "{error}");
    }

    assert_eq!(fs::read_to_string(&file).unwrap(), "precious");
    assert_eq!(names_in(backups.path()), ["file", "link"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nothing_is_left_of_a_backup_that_fails() {
    let (world, backups) = (World::new().await, TempDir::new().unwrap());
    let to = backups.path().join("backup.db");

    let nowhere = backups.path().join("nowhere/backup.db");
    let error = back_up(world.data(), &nowhere).unwrap_err();
    assert!(matches!(error, CopyError::Unwritable { .. }), "{error}");
    let error = back_up(&backups.path().join("nowhere"), &to).unwrap_err();
    assert!(error.to_string().starts_with("There is no database"), "{error}");

    // A row that no room's log has is noticed only when the copy is complete.
    world.tamper("DELETE FROM events WHERE seq = 10").await;
    let error = back_up(world.data(), &to).unwrap_err();
    assert!(matches!(error, CopyError::Damaged { .. }), "{error}");
    assert!(error.to_string().contains("its head is 10, its last event is 9"), "{error}");

    assert_eq!(names_in(backups.path()), Vec::<String>::new());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_killed_backup_has_left_is_not_in_the_way_of_the_next() {
    let (world, backups) = (World::new().await, TempDir::new().unwrap());
    let to = backups.path().join("backup.db");
    let left = Connection::open(backups.path().join("backup.db.unfinished")).unwrap();
    left.execute_batch("PRAGMA journal_mode = wal; CREATE TABLE half (id)").unwrap();
    fs::write(backups.path().join("backup.db.unfinished-journal"), "half").unwrap();

    back_up(world.data(), &to).unwrap();

    assert_eq!(names_in(backups.path()), ["backup.db"]);
    assert!(check(&to).is_sound());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_backups_to_one_file_the_second_is_refused() {
    let (world, backups) = (World::new().await, TempDir::new().unwrap());
    let to = backups.path().join("backup.db");
    let mut refused = None;
    let mut meanwhile = |progress| {
        if matches!(progress, Progress::CheckingFile) {
            refused = Some(back_up(world.data(), &to).unwrap_err());
        }
    };
    server::store::back_up(world.data(), &to, &mut meanwhile).unwrap();

    let refused = refused.unwrap();
    assert!(matches!(refused, CopyError::InWork { .. }), "{refused}");
    assert_eq!(names_in(backups.path()), ["backup.db"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_would_be_taken_for_a_part_of_the_backup_is_not_put_beside_it() {
    let (world, backups) = (World::new().await, TempDir::new().unwrap());
    let to = backups.path().join("backup.db");
    for end in ["-journal", "-wal", "-shm"] {
        let left = backups.path().join(format!("backup.db{end}"));
        fs::write(&left, "of another day").unwrap();

        let error = back_up(world.data(), &to).unwrap_err();

        assert!(matches!(error, CopyError::Beside { .. }), "{error}");
        assert!(error.to_string().contains(end), "{error}");
        assert_eq!(names_in(backups.path()), [format!("backup.db{end}")]);
        fs::remove_file(&left).unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_comes_while_a_backup_is_made_stays_as_it_is() {
    let (world, backups) = (World::new().await, TempDir::new().unwrap());
    let to = backups.path().join("backup.db");
    for end in ["", "-wal"] {
        let late = backups.path().join(format!("backup.db{end}"));
        let mut meanwhile = |progress| {
            if matches!(progress, Progress::CheckingFile) {
                fs::write(&late, "precious").unwrap();
            }
        };
        server::store::back_up(world.data(), &to, &mut meanwhile).unwrap_err();

        assert_eq!(names_in(backups.path()), [format!("backup.db{end}")]);
        assert_eq!(fs::read_to_string(&late).unwrap(), "precious");
        fs::remove_file(&late).unwrap();
    }
}

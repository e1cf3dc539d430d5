//! The way back from a backup.

use std::fs;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

use chat::{Epoch, Seq};
use rusqlite::Connection;
use server::Random;
use server::store::{Copied, CopyError, OpenError};
use tempfile::TempDir;

use crate::world::{World, check, log, names_in, room, serve};

fn restore(from: &Path, data: &Path, seed: u64) -> Result<Copied, CopyError> {
    server::store::restore(from, data, &Random::seeded(seed), &mut |_| {})
}

/// A backup of this world, in a folder of its own.
fn backup_of(world: &World) -> (TempDir, PathBuf) {
    let backups = TempDir::new().unwrap();
    let file = backups.path().join("backup.db");
    server::store::back_up(world.data(), &file, &mut |_| {}).unwrap();
    (backups, file)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_backed_up_is_there_again_in_another_epoch() {
    let world = World::new().await;
    let (backups, backup) = backup_of(&world);
    let before = fs::read(&backup).unwrap();
    let data = backups.path().join("var/parlor");

    let copied = restore(&backup, &data, 1).unwrap();

    assert_eq!(copied.findings.events, 10);
    assert_eq!(names_in(&data), ["parlor.db", "parlor.lock"]);
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!((mode(&data), mode(&data.join("parlor.db"))), (0o700, 0o600));
    assert!(check(&data.join("parlor.db")).is_sound());
    let restored = serve(&data).unwrap();
    assert_eq!(log(&restored, world.kitchen).await, log(&world.store, world.kitchen).await);
    let now = room(&restored, world.kitchen).await;
    assert_eq!(now.head, Seq(10));
    assert!(now.epoch > room(&world.store, world.kitchen).await.epoch);
    restored.close().await;
    assert!(fs::read(&backup).unwrap() == before, "the backup was written to");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_two_restorations_of_one_backup_have_the_same_epoch() {
    let world = World::new().await;
    let (backups, backup) = backup_of(&world);
    let mut epochs = vec![Epoch(1)];
    for seed in 0..5 {
        let data = backups.path().join(seed.to_string());
        restore(&backup, &data, seed).unwrap();
        let restored = serve(&data).unwrap();
        epochs.push(room(&restored, world.kitchen).await.epoch);
        restored.close().await;
    }
    epochs.sort();
    epochs.dedup();
    assert_eq!(epochs.len(), 6);
    assert!(epochs.iter().all(|epoch| epoch.0 <= 1 << 33), "{epochs:?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restored_database_can_be_backed_up_and_restored_again() {
    let world = World::new().await;
    let (backups, backup) = backup_of(&world);
    let (first, second) = (backups.path().join("first"), backups.path().join("second"));
    restore(&backup, &first, 1).unwrap();
    restore(&first.join("parlor.db"), &second, 2).unwrap();
    let (first, second) = (serve(&first).unwrap(), serve(&second).unwrap());
    assert!(room(&first, world.attic).await.epoch < room(&second, world.attic).await.epoch);
    first.close().await;
    second.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_a_folder_with_nothing_in_it_is_restored_into() {
    let world = World::new().await;
    let (backups, backup) = backup_of(&world);

    let error = restore(&backup, world.data(), 1).unwrap_err();
    assert!(matches!(error, CopyError::NotEmpty { .. }), "{error}");
    let other = backups.path().join("other");
    fs::create_dir(&other).unwrap();
    fs::write(other.join("letter"), "Dear bob").unwrap();
    let error = restore(&backup, &other, 1).unwrap_err();
    assert!(error.to_string().contains("there is letter in it"), "{error}");

    assert_eq!(names_in(&other), ["letter"]);
    assert!(check(&world.database()).is_sound());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_backup_that_is_damaged_newer_or_somebody_elses_is_refused_and_nothing_is_made() {
    let world = World::new().await;
    let (backups, backup) = backup_of(&world);
    let data = backups.path().join("data");
    let db = Connection::open(&backup).unwrap();

    db.execute_batch("UPDATE rooms SET head = 11 WHERE id = 1").unwrap();
    let error = restore(&backup, &data, 1).unwrap_err();
    assert!(matches!(error, CopyError::Damaged { .. }), "{error}");
    db.pragma_update(None, "user_version", 999).unwrap();
    let error = restore(&backup, &data, 1).unwrap_err();
    assert!(matches!(error, CopyError::Open(OpenError::Newer { .. })), "{error}");
    db.execute_batch("PRAGMA user_version = 1; ALTER TABLE database RENAME TO recipes").unwrap();
    let error = restore(&backup, &data, 1).unwrap_err();
    assert!(matches!(error, CopyError::Open(OpenError::Foreign { .. })), "{error}");

    assert!(!data.exists());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_restoration_that_was_killed_is_no_database_and_can_be_done_again() {
    let world = World::new().await;
    let (backups, backup) = backup_of(&world);
    let data = backups.path().join("data");
    fs::create_dir(&data).unwrap();
    let half = data.join("parlor.db.unfinished");
    fs::copy(&backup, &half).unwrap();
    fs::write(data.join("parlor.db.unfinished-wal"), "half").unwrap();
    fs::write(data.join("parlor.lock"), "").unwrap();

    // A server that began with nothing would look like the loss of everything.
    let error = serve(&data).unwrap_err();
    assert!(matches!(error, OpenError::HalfRestored { .. }), "{error}");
    assert!(!data.join("parlor.db").exists());

    restore(&backup, &data, 1).unwrap();
    assert_eq!(names_in(&data), ["parlor.db", "parlor.lock"]);
    serve(&data).unwrap().close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_folder_that_a_server_has_is_not_restored_into() {
    let world = World::new().await;
    let (backups, backup) = backup_of(&world);
    let data = backups.path().join("data");
    let other = serve(&data).unwrap();
    // As if the server had just begun, and nothing else were there yet.
    fs::remove_file(data.join("parlor.db")).unwrap();
    fs::remove_file(data.join("parlor.db-wal")).unwrap();
    fs::remove_file(data.join("parlor.db-shm")).unwrap();

    let error = restore(&backup, &data, 1).unwrap_err();

    assert!(matches!(error, CopyError::Open(OpenError::InUse { .. })), "{error}");
    assert_eq!(names_in(&data), ["parlor.lock"]);
    other.close().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_database_that_is_elsewhere_and_linked_into_the_folder_is_served() {
    let world = World::new().await;
    let (backups, backup) = backup_of(&world);
    let data = backups.path().join("data");
    fs::create_dir(&data).unwrap();
    symlink(&backup, data.join("parlor.db")).unwrap();

    let linked = serve(&data).unwrap();

    assert_eq!(log(&linked, world.kitchen).await, log(&world.store, world.kitchen).await);
    linked.close().await;
}

//! What is the SQLite engine's alone: the folder, the file, and what stands in the way of opening them.

#![expect(clippy::unwrap_used, reason = "all of this is a test")]

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use chat::{Fanout, Logged, Name, NewUser, PasswordHash, Store, Timestamp};
use rusqlite::Connection;
use server::store::{OpenError, Sqlite};
use tempfile::TempDir;

struct Deaf;

impl Fanout for Deaf {
    fn publish(&self, _: &[Logged]) {}
}

fn open(folder: &Path) -> Result<Sqlite, OpenError> {
    Sqlite::open(folder, Arc::new(Deaf))
}

/// Why it cannot be opened, which has to name the folder.
fn refusal(folder: &Path) -> String {
    let sentence = open(folder).unwrap_err().to_string();
    assert!(sentence.contains(&folder.display().to_string()), "{sentence}");
    assert!(sentence.ends_with('.'), "{sentence}");
    sentence
}

async fn register(store: &Sqlite, name: &str) {
    let (name, password) = (Name::parse(name).unwrap(), PasswordHash(String::new()));
    store.create_user(NewUser { name, password, at: Timestamp(1) }).await.unwrap();
}

async fn knows(store: &Sqlite, name: &str) -> bool {
    store.credentials(Name::parse(name).unwrap().key()).await.unwrap().is_some()
}

#[tokio::test]
async fn a_folder_is_made_with_its_parents_and_for_its_owner_only() {
    let parent = TempDir::new().unwrap();
    let folder = parent.path().join("var/parlor");

    let store = open(&folder).unwrap();
    register(&store, "alice").await;

    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
    assert_eq!(mode(&folder), 0o700);
    for file in ["parlor.db", "parlor.db-wal", "parlor.lock"] {
        assert_eq!(mode(&folder.join(file)), 0o600, "{file}");
    }
    store.close().await;
}

#[tokio::test]
async fn a_second_server_on_a_folder_is_refused() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path()).unwrap();

    assert!(refusal(folder.path()).starts_with("Another server is running"));

    store.close().await;
    open(folder.path()).unwrap().close().await;
}

#[tokio::test]
async fn a_database_from_a_newer_version_is_refused_and_left_as_it_is() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("parlor.db");
    Connection::open(&file).unwrap().pragma_update(None, "user_version", 999).unwrap();
    let before = fs::read(&file).unwrap();

    let sentence = refusal(folder.path());

    assert!(sentence.contains("newer version") && sentence.contains("999"), "{sentence}");
    assert!(fs::read(&file).unwrap() == before, "it was written to");
}

#[tokio::test]
async fn a_folder_that_cannot_be_written_is_refused() {
    let parent = TempDir::new().unwrap();
    let file = parent.path().join("file");
    fs::write(&file, "not a folder").unwrap();

    assert!(refusal(&file).contains("cannot be written"));
    assert!(refusal(&file.join("parlor")).contains("cannot be written"));
}

#[tokio::test]
async fn a_file_that_is_no_database_is_refused_and_left_as_it_is() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("parlor.db");
    fs::write(&file, "Dear diary, ".repeat(1000)).unwrap();

    assert!(refusal(folder.path()).contains("cannot be used"));
    assert!(fs::read_to_string(&file).unwrap().starts_with("Dear diary"));
}

#[tokio::test]
async fn what_was_acked_is_there_after_the_process_is_killed() {
    let (folder, copy) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let store = open(folder.path()).unwrap();
    register(&store, "alice").await;
    // What a killed process leaves: the files as they are, nothing closed.
    for file in ["parlor.db", "parlor.db-wal"] {
        fs::copy(folder.path().join(file), copy.path().join(file)).unwrap();
    }
    register(&store, "bob").await;
    store.close().await;

    let store = open(copy.path()).unwrap();

    assert!(knows(&store, "alice").await);
    assert!(!knows(&store, "bob").await);
    let left = fs::metadata(copy.path().join("parlor.db-wal")).map_or(0, |wal| wal.len());
    assert_eq!(left, 0, "what was found is synced before it is shown");
    store.close().await;
}

#[tokio::test]
async fn a_closed_database_is_one_sound_file() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path()).unwrap();
    register(&store, "alice").await;
    store.close().await;

    let mut files: Vec<_> =
        fs::read_dir(folder.path()).unwrap().map(|file| file.unwrap().file_name()).collect();
    files.sort();
    assert_eq!(files, ["parlor.db", "parlor.lock"]);
    let db = Connection::open(folder.path().join("parlor.db")).unwrap();
    let check: String = db.pragma_query_value(None, "integrity_check", |row| row.get(0)).unwrap();
    assert_eq!(check, "ok");
}

#[tokio::test]
async fn a_server_starts_while_somebody_reads_an_old_state() {
    let folder = TempDir::new().unwrap();
    let store = open(folder.path()).unwrap();
    let backup = Connection::open(folder.path().join("parlor.db")).unwrap();
    backup.execute_batch("BEGIN; SELECT count(*) FROM users").unwrap();
    register(&store, "alice").await;
    store.close().await;

    let store = open(folder.path()).unwrap();
    assert!(knows(&store, "alice").await);
    register(&store, "bob").await;
    drop(backup);
    store.close().await;

    let store = open(folder.path()).unwrap();
    assert!(knows(&store, "bob").await);
    store.close().await;
}

#[tokio::test]
async fn a_server_whose_database_is_elsewhere_starts_while_somebody_reads_an_old_state() {
    let (folder, elsewhere) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let file = elsewhere.path().join("chat.db");
    fs::write(&file, "").unwrap();
    std::os::unix::fs::symlink(&file, folder.path().join("parlor.db")).unwrap();
    let store = open(folder.path()).unwrap();
    let backup = Connection::open(&file).unwrap();
    backup.execute_batch("BEGIN; SELECT count(*) FROM users").unwrap();
    register(&store, "alice").await;
    store.close().await;

    let store = open(folder.path()).unwrap();
    assert!(knows(&store, "alice").await);
    drop(backup);
    store.close().await;
}

//! Finding what is wrong, and nothing where nothing is.

use std::fs::{self, OpenOptions};
use std::os::unix::fs::FileExt;

use rusqlite::Connection;
use server::store::OpenError;
use tempfile::TempDir;

use crate::world::{World, check, names_in, refusal};

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_a_server_has_written_is_sound_while_it_runs_and_afterwards() {
    let world = World::new().await;
    for _ in 0..2 {
        let findings = check(&world.database());
        assert_eq!(findings.problems, Vec::<String>::new());
        assert_eq!((findings.rooms, findings.events, findings.untold), (2, 10, 0));
        world.store.close().await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_kind_of_disagreement_is_told_in_a_sentence() {
    for (tampering, sentence) in [
        ("DELETE FROM events WHERE seq = 4", "event 3 is followed by 5."),
        ("DELETE FROM events WHERE seq = 1", "event 0 is followed by 2."),
        ("UPDATE events SET at = 1 WHERE seq = 5", "event 5 is older than what is before it."),
        ("UPDATE rooms SET created_at = 10000", "event 1 is older than what is before it."),
        ("UPDATE events SET kind = 9 WHERE seq = 5", "event 5 is of an unknown kind, 9."),
        ("UPDATE events SET message = 3 WHERE seq = 5", "event 5 has no message of its own."),
        ("UPDATE messages SET room = 2 WHERE seq = 5", "event 5 has no message of its own."),
        ("UPDATE messages SET seq = 11 WHERE seq = 5", "Message 5 is in no room's log."),
        ("DELETE FROM messages WHERE seq = 5", "event 5 has no message of its own."),
        ("DELETE FROM messages WHERE seq = 5", "“events” refers to one of “messages”"),
        ("DELETE FROM events WHERE seq = 10", "Message 10 is in no room's log."),
        ("DELETE FROM users WHERE name = 'bob'", "“messages” refers to one of “users”"),
        ("UPDATE rooms SET head = 11 WHERE id = 1", "its head is 11, its last event is 10."),
        ("UPDATE rooms SET head = 1 WHERE id = 2", "its head is 1, its last event is 0."),
        ("UPDATE rooms SET last_message_at = 1 WHERE id = 1", "the time of its last message"),
        ("UPDATE rooms SET last_message_at = NULL", "the time of its last message"),
        ("UPDATE rooms SET participants = 3 WHERE id = 1", "3 people are counted, not 2."),
        ("DELETE FROM participants WHERE user = 1", "2 people are counted, not 1."),
        ("UPDATE rooms SET search_key = 'cellar'", "a search for its name does not find it."),
        ("UPDATE users SET name = 'Carol'", "User 1: their name does not lead to them."),
        ("DELETE FROM name_keys WHERE user = 2", "User 2: their name does not lead to them."),
        ("INSERT INTO name_keys VALUES ('carol', 1)", "There are 3 keys of names, not 2."),
        ("UPDATE database SET epoch = 0", "The epoch is 0."),
        ("UPDATE database SET epoch = 1 << 53", "The epoch is 9007199254740992."),
        ("DELETE FROM database", "The epoch cannot be read"),
        (
            "UPDATE messages SET body = CAST(x'4dff' AS TEXT) WHERE seq = 5",
            "event 5 cannot be read: ",
        ),
        ("UPDATE messages SET client_id = zeroblob(15) WHERE seq = 5", "event 5 cannot be read: "),
        ("DROP TRIGGER participants_are_counted", "The trigger “participants_are_counted” is not"),
        ("DROP INDEX rooms_by_activity", "The index “rooms_by_activity” is not"),
        ("ALTER TABLE sessions ADD COLUMN more TEXT", "The table “sessions” is not what"),
    ] {
        let world = World::new().await;
        world.tamper(tampering).await;
        let problems = check(&world.database()).problems;
        assert!(
            problems.iter().any(|problem| problem.contains(sentence)),
            "{tampering}: {problems:#?}"
        );
        assert!(problems.iter().all(|problem| problem.ends_with('.')), "{problems:#?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_id_that_is_stored_twice_is_found() {
    let world = World::new().await;
    // What forbids it is taken away for a moment, as a fault in SQLite would.
    world
        .tamper(
            "CREATE TEMP TABLE rows AS SELECT * FROM sqlite_schema WHERE tbl_name = 'messages';
             PRAGMA writable_schema = on;
             DELETE FROM sqlite_schema WHERE name = 'sqlite_autoindex_messages_1';
             UPDATE sqlite_schema SET sql = replace(sql, 'UNIQUE (client_id, author)', 'CHECK (1)')
                WHERE name = 'messages';
             PRAGMA writable_schema = reset;
             UPDATE messages SET client_id = (SELECT client_id FROM messages WHERE id = 1)
                WHERE id = 3;
             PRAGMA writable_schema = on;
             DELETE FROM sqlite_schema WHERE name = 'messages';
             INSERT INTO sqlite_schema SELECT * FROM rows;
             PRAGMA writable_schema = reset;",
        )
        .await;
    let problems = check(&world.database()).problems;
    let expected = "The file is damaged: row 3 missing from index sqlite_autoindex_messages_1.";
    assert!(problems.iter().any(|problem| problem == expected), "{problems:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_page_that_the_disk_has_lost_is_found_and_the_rest_is_read_all_the_same() {
    let world = World::new().await;
    world.store.close().await;
    let db = Connection::open(world.database()).unwrap();
    let page: u64 = db
        .query_row("SELECT rootpage FROM sqlite_schema WHERE name = 'participants'", [], |row| {
            row.get::<_, u32>(0).map(u64::from)
        })
        .unwrap();
    drop(db);
    let file = OpenOptions::new().write(true).open(world.database()).unwrap();
    file.write_all_at(&[0; 4096], (page - 1) * 4096).unwrap();

    let findings = check(&world.database());

    assert!(!findings.is_sound());
    assert!(findings.problems[0].starts_with("The file is damaged"), "{findings:#?}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_very_many_problems_the_first_are_told_and_the_others_counted() {
    let world = World::new().await;
    for _ in 0..300 {
        world.say(&world.alice).await;
    }
    world.tamper("UPDATE events SET kind = 9").await;
    let findings = check(&world.database());
    assert_eq!((findings.problems.len(), findings.untold), (100, 210));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_check_changes_nothing() {
    let world = World::new().await;
    world.store.close().await;
    let before = fs::read(world.database()).unwrap();
    check(&world.database());
    assert!(fs::read(world.database()).unwrap() == before, "it was written to");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_no_database_of_this_version_is_refused() {
    let folder = TempDir::new().unwrap();
    let file = folder.path().join("file");

    assert!(matches!(refusal(&file), OpenError::Missing { .. }));
    assert_eq!(names_in(folder.path()), Vec::<String>::new());

    fs::write(&file, "").unwrap();
    assert!(matches!(refusal(&file), OpenError::Foreign { .. }));

    fs::write(&file, "Dear diary, ".repeat(1000)).unwrap();
    assert!(matches!(refusal(&file), OpenError::Broken { .. }));
    let sentence = refusal(&file.join("parlor.db")).to_string();
    assert!(sentence.contains("cannot be used: Not a directory"), "{sentence}");

    fs::remove_file(&file).unwrap();
    let db = Connection::open(&file).unwrap();
    db.execute_batch("CREATE TABLE recipes (id); PRAGMA user_version = 1").unwrap();
    assert!(matches!(refusal(&file), OpenError::Foreign { .. }));
    db.pragma_update(None, "user_version", 999).unwrap();
    assert!(matches!(refusal(&file), OpenError::Newer { found: 999, .. }));
}

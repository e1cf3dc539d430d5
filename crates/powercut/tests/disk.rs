//! The disk itself, under an SQLite that knows nothing of it.

#![expect(clippy::unwrap_used, reason = "all of this is a test")]

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use powercut::{Call, Calls, Disk, Failed, Fault, Moment, Outage, Part, Strike, VFS};
use rusqlite::{Connection, ErrorCode, OpenFlags};

/// A folder that exists nowhere, and no other test has.
fn folder() -> PathBuf {
    static FOLDERS: AtomicU64 = AtomicU64::new(0);
    PathBuf::from(format!("/nowhere/{}", FOLDERS.fetch_add(1, Ordering::Relaxed)))
}

struct World {
    folder: PathBuf,
    disk: Arc<Disk>,
}

impl World {
    fn new(seed: u64) -> Self {
        powercut::register();
        let folder = folder();
        let disk = Disk::new(&folder, seed);
        Self { folder, disk }
    }

    fn connect(&self) -> Connection {
        connect(&self.folder).unwrap()
    }

    /// A connection that keeps a write-ahead log and a table of numbers.
    fn writer(&self, synchronous: &str) -> Connection {
        let db = self.connect();
        db.pragma_update(None, "journal_mode", "wal").unwrap();
        db.pragma_update(None, "synchronous", synchronous).unwrap();
        db.execute_batch("CREATE TABLE IF NOT EXISTS numbers (n INTEGER PRIMARY KEY, rest BLOB)")
            .unwrap();
        db
    }

    /// The power fails, and everything is sound when it is back. Returns how many numbers there are.
    fn numbers_after_a_cut(&self, db: Connection) -> u64 {
        self.disk.strike(Outage::Power);
        drop(db);
        self.disk.restart();
        let db = self.connect();
        let check: String =
            db.pragma_query_value(None, "integrity_check", |row| row.get(0)).unwrap();
        assert_eq!(check, "ok");
        numbers(&db)
    }
}

fn connect(folder: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE;
    Connection::open_with_flags_and_vfs(folder.join("numbers.db"), flags, VFS)
}

fn add(db: &Connection, n: u64) -> rusqlite::Result<usize> {
    db.execute("INSERT INTO numbers VALUES (?1, zeroblob(1000))", [n.cast_signed()])
}

fn numbers(db: &Connection) -> u64 {
    db.query_row("SELECT count(*) FROM numbers", [], |row| row.get::<_, i64>(0))
        .unwrap()
        .cast_unsigned()
}

#[test]
fn a_writer_and_readers_see_the_same() {
    let world = World::new(1);
    let writer = world.writer("FULL");
    let readers = [world.connect(), world.connect()];
    for n in 0..100 {
        add(&writer, n).unwrap();
        assert!(readers.iter().all(|reader| numbers(reader) == n + 1));
    }
}

#[test]
fn threads_share_a_database() {
    let world = World::new(1);
    let writer = world.writer("FULL");
    std::thread::scope(|scope| {
        for _ in 0..2 {
            scope.spawn(|| {
                let reader = connect(&world.folder).unwrap();
                let mut seen = 0;
                while seen < 500 {
                    let now = numbers(&reader);
                    assert!(now >= seen);
                    seen = now;
                }
            });
        }
        for n in 0..500 {
            add(&writer, n).unwrap();
        }
    });
}

#[test]
fn a_reader_keeps_its_view_while_others_write_and_tidy_up() {
    let world = World::new(1);
    let writer = world.writer("FULL");
    add(&writer, 0).unwrap();
    let reader = world.connect();
    reader.execute_batch("BEGIN").unwrap();
    assert_eq!(numbers(&reader), 1);
    for n in 1..50 {
        add(&writer, n).unwrap();
        writer.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(())).unwrap();
    }
    assert_eq!(numbers(&reader), 1);
    reader.execute_batch("COMMIT").unwrap();
    assert_eq!(numbers(&reader), 50);
}

#[test]
fn what_was_synced_survives_every_cut() {
    for seed in 0..200 {
        let world = World::new(seed);
        let db = world.writer("FULL");
        for n in 0..10 {
            add(&db, n).unwrap();
        }
        assert_eq!(world.numbers_after_a_cut(db), 10, "seed {seed}");
    }
}

#[test]
fn without_a_sync_a_cut_takes_what_was_written_and_often_not_all_of_it() {
    let mut left: Vec<_> = (0..100)
        .map(|seed| {
            let world = World::new(seed);
            let db = world.writer("FULL");
            add(&db, 0).unwrap();
            db.pragma_update(None, "synchronous", "NORMAL").unwrap();
            for n in 1..10 {
                add(&db, n).unwrap();
            }
            world.numbers_after_a_cut(db)
        })
        .collect();
    left.sort_unstable();
    assert_eq!((left[0], left[99]), (1, 10), "{left:?}");
    assert!(left.iter().any(|&n| n > 1 && n < 10), "{left:?}");
}

#[test]
fn a_killed_process_loses_nothing_it_has_written() {
    let world = World::new(1);
    let db = world.writer("OFF");
    add(&db, 0).unwrap();
    world.disk.strike(Outage::Process);
    assert!(add(&db, 1).is_err());
    drop(db);
    world.disk.restart();
    assert_eq!(numbers(&world.connect()), 1);
}

#[test]
fn the_power_takes_nothing_of_what_is_synced_after_a_process_was_killed() {
    // The first makes the database.
    for changes in 1..60 {
        let world = World::new(changes);
        let (outage, calls) = (Outage::Process, Calls::Changes);
        world.disk.strike_during(Strike { outage, calls, after: changes });
        let db = world.connect();
        let set_up =
            "PRAGMA journal_mode = wal; CREATE TABLE numbers (n INTEGER PRIMARY KEY, rest BLOB)";
        let is_up = db.execute_batch(set_up).is_ok();
        let mut n = 0;
        while is_up && add(&db, n).is_ok() {
            n += 1;
        }
        drop(db);
        assert!(world.disk.struck().is_some());
        world.disk.restart();
        // Also where the log is there already, and the folder was never synced.
        let db = world.writer("FULL");
        add(&db, 1000).unwrap();
        let left = numbers(&db);
        assert_eq!(world.numbers_after_a_cut(db), left, "killed after {changes} changes");
    }
}

#[test]
fn power_fails_in_the_midst_of_the_change_that_was_asked_for() {
    let mut moments: Vec<_> = (0..20)
        .map(|changes| {
            let world = World::new(changes);
            let db = world.writer("FULL");
            let (outage, calls) = (Outage::Power, Calls::Changes);
            world.disk.strike_during(Strike { outage, calls, after: changes });
            while add(&db, world.disk.calls()).is_ok() {}
            world.disk.struck().unwrap().1
        })
        .collect();
    moments.sort();
    moments.dedup();
    assert!(moments.len() > 1 && !moments.contains(&Moment::Rest), "{moments:?}");
}

#[test]
fn a_disk_that_lies_loses_what_it_said_was_safe() {
    let lost = (0..50).filter(|&seed| {
        let world = World::new(seed);
        let db = world.writer("FULL");
        add(&db, 0).unwrap();
        world.disk.lie();
        add(&db, 1).unwrap();
        world.numbers_after_a_cut(db) < 2
    });
    assert!(lost.count() > 5);
}

#[test]
fn a_sync_that_is_tried_again_after_a_failure_saves_nothing() {
    let lost = (0..50).filter(|&seed| {
        let world = World::new(seed);
        let db = world.writer("FULL");
        add(&db, 0).unwrap();
        db.pragma_update(None, "synchronous", "NORMAL").unwrap();
        add(&db, 1).unwrap();
        // The first change that a checkpoint makes is to sync the log. It fails; then it is tried again.
        world.disk.break_down(Fault { calls: Calls::Changes, after: 0, times: 1 });
        let checkpoint = || db.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |_| Ok(()));
        checkpoint().unwrap_err();
        world.disk.mend();
        assert_eq!(world.disk.failed(), Failed::from([((Call::Sync, Part::Log), 1)]));
        world.disk.strike_during(Strike { outage: Outage::Power, calls: Calls::Changes, after: 1 });
        checkpoint().unwrap_err();
        world.numbers_after_a_cut(db) < 2
    });
    assert!(lost.count() > 5);
}

#[test]
fn a_call_fails_once_or_from_then_on() {
    let world = World::new(1);
    let db = world.writer("FULL");
    for times in [1, u64::MAX] {
        world.disk.break_down(Fault { calls: Calls::Any, after: 0, times });
        let error = add(&db, 0).unwrap_err();
        assert_eq!(error.sqlite_error_code(), Some(ErrorCode::SystemIoFailure));
        let reader = numbers_if_any(&db);
        assert_eq!(reader.is_some(), times == 1);
        world.disk.mend();
    }
    world.disk.break_down(Fault { calls: Calls::Changes, after: 0, times: u64::MAX });
    add(&db, 0).unwrap_err();
    assert_eq!(numbers_if_any(&db), Some(0), "reading goes on");
    world.disk.mend();
    add(&db, 0).unwrap();
}

fn numbers_if_any(db: &Connection) -> Option<u64> {
    let count = db.query_row("SELECT count(*) FROM numbers", [], |row| row.get::<_, i64>(0));
    count.ok().map(i64::cast_unsigned)
}

#[test]
fn a_full_disk_takes_no_more_until_there_is_room() {
    let world = World::new(1);
    let db = world.writer("FULL");
    world.disk.limit(Some(world.disk.used() + 20_000));
    let added = (0..100).take_while(|&n| add(&db, n).is_ok()).count() as u64;
    assert!(added > 0 && added < 100);
    let error = add(&db, added).unwrap_err();
    assert_eq!(error.sqlite_error_code(), Some(ErrorCode::DiskFull));
    assert_eq!(numbers(&db), added);

    world.disk.limit(None);
    add(&db, added).unwrap();
    assert_eq!(world.numbers_after_a_cut(db), added + 1);
}

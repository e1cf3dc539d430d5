//! Connections to the database, and how they are set up.

use std::path::Path;
use std::time::Duration;

use rusqlite::wal::CheckpointMode;
use rusqlite::{Connection, ErrorCode, OpenFlags, ffi};

use super::OpenError;
use crate::sabotage::Sabotage;

/// SQLite 3.51.3. Those before it can lose a checkpoint's pages when a writer comes between (the "WAL-reset bug").
const OLDEST_SQLITE: i32 = 3_051_003;
/// How long a connection waits for another process that has the database locked: somebody's backup, say.
const LOCK_PATIENCE: Duration = Duration::from_secs(5);
/// The writer's page cache, in KiB. It touches pages all over the index of client ids.
const WRITER_CACHE_KIB: i32 = 4096;
/// A reader's page cache, in KiB. What it does not hold is in the system's page cache, a microsecond away.
const READER_CACHE_KIB: i32 = 512;
/// Prepared statements a connection keeps. More than there are.
const STATEMENTS: usize = 64;
/// To what size a log that has outgrown its usual one is cut when it starts anew, in bytes.
const WAL_KEPT_BYTES: i64 = 64 << 20;

/// Refuses an SQLite with a known way to damage data.
pub(super) fn check_sqlite() -> Result<(), OpenError> {
    if rusqlite::version_number() < OLDEST_SQLITE {
        return Err(OpenError::TooOldSqlite { found: rusqlite::version() });
    }
    Ok(())
}

/// A connection for the writer, in WAL mode and never done before the disk is.
pub(super) fn to_write(file: &Path) -> rusqlite::Result<Connection> {
    let db = open(file, WRITER_CACHE_KIB)?;
    let mode: String = db.pragma_update_and_check(None, "journal_mode", "wal", |row| row.get(0))?;
    if mode != "wal" {
        let sentence = "this file system cannot hold a write-ahead log".to_owned();
        return Err(rusqlite::Error::SqliteFailure(
            ffi::Error { code: ErrorCode::FileLockingProtocolFailed, extended_code: 0 },
            Some(sentence),
        ));
    }
    let synchronous = if Sabotage::NoSync.is_on() { "OFF" } else { "FULL" };
    db.pragma_update(None, "synchronous", synchronous)?;
    // Where a sync does not reach the disk unless asked twice (macOS).
    db.pragma_update(None, "fullfsync", true)?;
    db.pragma_update(None, "foreign_keys", true)?;
    // The writer does it, between two batches.
    db.pragma_update(None, "wal_autocheckpoint", 0)?;
    db.pragma_update(None, "journal_size_limit", WAL_KEPT_BYTES)?;
    Ok(db)
}

/// A connection for a reader, which cannot write.
pub(super) fn to_read(file: &Path) -> rusqlite::Result<Connection> {
    let db = open(file, READER_CACHE_KIB)?;
    db.pragma_update(None, "query_only", true)?;
    Ok(db)
}

/// Moves all of the write-ahead log into the database, and syncs both.
pub(super) fn checkpoint_all(db: &Connection) -> rusqlite::Result<()> {
    db.wal_checkpoint_v2(None::<&str>, CheckpointMode::TRUNCATE)?;
    Ok(())
}

/// No memory map: with one, a disk error on reading is a signal that ends the process, and not an error.
fn open(file: &Path, cache_kib: i32) -> rusqlite::Result<Connection> {
    // It exists. An empty one must not come up in its place because somebody moved it away.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(file, flags)?;
    db.busy_timeout(LOCK_PATIENCE)?;
    db.set_prepared_statement_cache_capacity(STATEMENTS);
    db.pragma_update(None, "cache_size", -cache_kib)?;
    db.pragma_update(None, "trusted_schema", false)?;
    Ok(db)
}

//! Connections to the database, and how they are set up.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::{Connection, ErrorCode, OpenFlags, ffi};

use super::OpenError;
use crate::sabotage::Sabotage;

/// SQLite 3.51.3. Those before it can lose a checkpoint's pages when a writer comes between (the "WAL-reset bug").
const OLDEST_SQLITE: i32 = 3_051_003;
/// How long a connection waits for another process that has the database locked: somebody's backup, say.
pub(super) const LOCK_PATIENCE: Duration = Duration::from_secs(5);
/// The writer's page cache, in KiB. It touches pages all over the index of client ids.
const WRITER_CACHE_KIB: i32 = 4096;
/// A reader's page cache, in KiB. What it does not hold is in the system's page cache, a microsecond away.
const READER_CACHE_KIB: i32 = 512;
/// The page cache of who checks everything, in KiB: the upper pages of the indexes of many millions of messages.
const INSPECTOR_CACHE_KIB: i32 = 64 * 1024;
/// Prepared statements a connection keeps. More than there are.
const STATEMENTS: usize = 64;
/// To what size a log that has outgrown its usual one is cut when it starts anew, in bytes.
const WAL_KEPT_BYTES: i64 = 64 << 20;

/// Where the database is.
#[derive(Debug, Clone)]
pub(super) struct Place {
    pub(super) file: PathBuf,
    /// The SQLite VFS that has the file, if it is not the system's.
    pub(super) vfs: Option<String>,
}

/// Refuses an SQLite with a known way to damage data.
pub(super) fn check_sqlite() -> Result<(), OpenError> {
    if rusqlite::version_number() < OLDEST_SQLITE {
        return Err(OpenError::TooOldSqlite { found: rusqlite::version() });
    }
    Ok(())
}

/// A connection for the writer, in WAL mode and never done before the disk is.
pub(super) fn to_write(place: &Place) -> rusqlite::Result<Connection> {
    let db = open(place, WRITER_CACHE_KIB)?;
    set_journal(&db, "wal")?;
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
pub(super) fn to_read(place: &Place) -> rusqlite::Result<Connection> {
    let db = open(place, READER_CACHE_KIB)?;
    db.pragma_update(None, "query_only", true)?;
    Ok(db)
}

/// A connection that asks nothing, and keeps what SQLite holds in memory for all connections.
pub(super) fn to_hold(place: &Place) -> rusqlite::Result<Connection> {
    let db = to_read(place)?;
    // It has no part in that before it has read something.
    db.query_row("SELECT count(*) FROM sqlite_schema", [], |_| Ok(()))?;
    Ok(db)
}

/// A connection to look at a database that may be anybody's: the file itself is opened for reading only. Where none is
/// there yet, SQLite puts an empty write-ahead log beside it.
pub(super) fn to_inspect(file: &Path) -> rusqlite::Result<Connection> {
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = Connection::open_with_flags(file, flags)?;
    db.busy_timeout(LOCK_PATIENCE)?;
    db.pragma_update(None, "cache_size", -INSPECTOR_CACHE_KIB)?;
    db.pragma_update(None, "trusted_schema", false)?;
    Ok(db)
}

/// A connection to an empty file that is to become a copy. It is synced when it is complete, and thrown away if it does
/// not become so.
pub(super) fn to_fill(file: &Path) -> rusqlite::Result<Connection> {
    let db = Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_WRITE)?;
    set_journal(&db, "off")?;
    db.pragma_update(None, "synchronous", "OFF")?;
    Ok(db)
}

/// Makes a database need no file beside it: whoever opens it to read makes none.
pub(super) fn make_one_file(db: &Connection) -> rusqlite::Result<()> {
    set_journal(db, "delete")
}

/// Closes the last connection, so that no file is left but the database. Everything has to be in it.
pub(super) fn close_tidily(db: Connection) -> rusqlite::Result<()> {
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, false)?;
    db.close().map_err(|(_, cause)| cause)
}

fn set_journal(db: &Connection, wanted: &str) -> rusqlite::Result<()> {
    // To the end: the answer comes before the change is committed, and that can fail as well.
    let mode: Vec<String> = db
        .prepare(&format!("PRAGMA journal_mode = {wanted}"))?
        .query_map([], |row| row.get(0))?
        .collect::<rusqlite::Result<_>>()?;
    if mode == [wanted] {
        return Ok(());
    }
    let sentence = match wanted {
        "wal" => "this file system cannot hold a write-ahead log",
        _ => "another process has it open",
    };
    let error = ffi::Error { code: ErrorCode::FileLockingProtocolFailed, extended_code: 0 };
    Err(rusqlite::Error::SqliteFailure(error, Some(sentence.to_owned())))
}

/// No memory map: with one, a disk error on reading is a signal that ends the process, and not an error.
fn open(place: &Place, cache_kib: i32) -> rusqlite::Result<Connection> {
    // It exists. An empty one must not come up in its place because somebody moved it away.
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let db = match &place.vfs {
        None => Connection::open_with_flags(&place.file, flags)?,
        Some(vfs) => Connection::open_with_flags_and_vfs(&place.file, flags, vfs.as_str())?,
    };
    // Or else whoever closes last moves what is in the log, also when that has just failed.
    db.set_db_config(DbConfig::SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, true)?;
    db.busy_timeout(LOCK_PATIENCE)?;
    db.set_prepared_statement_cache_capacity(STATEMENTS);
    db.pragma_update(None, "cache_size", -cache_kib)?;
    db.pragma_update(None, "trusted_schema", false)?;
    Ok(db)
}

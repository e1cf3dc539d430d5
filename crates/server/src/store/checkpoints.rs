//! Moves what has been committed from the write-ahead log into the database.
//!
//! SQLite syncs the database when the whole log has been moved, and counts pages as moved that it has not synced yet,
//! because a reader kept it from moving the rest. Would it be asked again after that sync has failed, it would move the
//! rest, sync, and let go of a log that is the only place where the others still are. So everybody lets go of the database
//! then: whoever opens it next counts from the beginning of the log. It may find frames there whose sync has failed, so
//! all of them are moved before anything is added; whoever reads an old state, somebody's backup say, holds that up.

use std::time::Duration;

use rusqlite::wal::CheckpointMode;
use rusqlite::{Connection, ErrorCode, ffi};

use super::{connection, failure};

/// Pages of 4 KiB in the write-ahead log that are worth moving into the database when nobody waits; that takes half a
/// millisecond. Then the log starts over, and what is written in place of something syncs sooner than what makes a file
/// longer (0.24 to 0.34 ms). A log that was long once stays so, and after a start it is not.
const PAGES_AT_LEISURE: i32 = 128;

/// What the writer knows of those that it has made.
#[derive(Debug)]
pub(super) struct Checkpoints {
    /// Pages in the log that are moved even if somebody waits.
    pages_at_most: i32,
    /// Pages that the last one had to leave in the log, because somebody reads an old state or the disk is full.
    stuck: i32,
    /// Whether pages count as moved that may never have reached the disk, because a sync of the database has failed.
    miscounts: bool,
    /// Whether the log was read anew, and perhaps ends with what a failed sync has thrown away. What follows that would be
    /// lost with it, so nothing is added before all of the log has been moved.
    is_recounted: bool,
}

/// When the next one is to be made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Due {
    Now,
    AtLeisure,
    Later,
}

impl Checkpoints {
    /// None has been made yet.
    pub(super) fn new(pages_at_most: i32) -> Self {
        Self { pages_at_most, stuck: 0, miscounts: false, is_recounted: false }
    }

    /// When it is worth making one.
    pub(super) fn due(&self, db: &Connection) -> Due {
        // The longer the part that cannot be moved, the more it costs to try.
        let at_leisure = PAGES_AT_LEISURE.max(self.stuck / 2);
        match pages_to_move(db) - self.stuck {
            pages if pages >= self.pages_at_most => Due::Now,
            pages if pages >= at_leisure => Due::AtLeisure,
            _ => Due::Later,
        }
    }

    /// Moves what nobody reads in an old state. Fails only if the database must be opened anew before that can be tried
    /// again.
    pub(super) fn move_some(&mut self, db: &Connection) -> rusqlite::Result<()> {
        self.check()?;
        let moved = db.wal_checkpoint_v2(None::<&str>, CheckpointMode::PASSIVE);
        self.stuck = pages_to_move(db);
        let Err(cause) = moved else { return Ok(()) };
        if failure::is_of_a_sync(&cause) && pages_moved(db) > 0 {
            self.miscounts = true;
            return Err(cause);
        }
        // It is safe in the log, and is moved from there the next time.
        tracing::warn!(%cause, kind = failure::kind(&cause), "a checkpoint failed");
        Ok(())
    }

    /// Moves all of it, and closes what is the last connection.
    pub(super) fn move_all_and_close(&self, db: Connection) -> rusqlite::Result<()> {
        self.check()?;
        move_all(&db)?;
        connection::close_tidily(db)
    }

    /// Whether everybody has to let go of the database before it is opened again.
    pub(super) fn miscounts(&self) -> bool {
        self.miscounts
    }

    /// The database has been opened anew. Fails while it must not be written.
    pub(super) fn begin_anew(&mut self, db: &Connection) -> rusqlite::Result<()> {
        // Unless another process has kept what was counted.
        if self.miscounts && pages_moved(db) == 0 {
            (self.miscounts, self.is_recounted) = (false, true);
        }
        if self.is_recounted {
            self.check()?;
            let moved = move_all(db);
            self.miscounts = moved.is_err() && pages_moved(db) > 0;
            moved?;
            self.is_recounted = false;
        }
        Ok(())
    }

    /// What kept pages in the log may be over.
    pub(super) fn try_anew(&mut self) {
        self.stuck = 0;
    }

    /// Fails if moving more would lose what counts as moved.
    fn check(&self) -> rusqlite::Result<()> {
        if !self.miscounts {
            return Ok(());
        }
        let sentence = "an earlier sync has failed, and somebody has had the database open since";
        let code = ffi::Error::new(ffi::SQLITE_IOERR_FSYNC);
        Err(rusqlite::Error::SqliteFailure(code, Some(sentence.to_owned())))
    }
}

/// Moves all of the write-ahead log into the database, and syncs both; or not all of it, without waiting, if somebody
/// reads an old state. Whether it was all.
pub(super) fn move_now(db: &Connection) -> rusqlite::Result<bool> {
    db.busy_timeout(Duration::ZERO)?;
    let moved = move_all(db);
    db.busy_timeout(connection::LOCK_PATIENCE)?;
    match moved {
        Err(cause) if cause.sqlite_error_code() == Some(ErrorCode::DatabaseBusy) => Ok(false),
        moved => moved.map(|()| true),
    }
}

/// Moves all of the write-ahead log into the database, and syncs both. Fails while somebody reads an old state.
fn move_all(db: &Connection) -> rusqlite::Result<()> {
    db.wal_checkpoint_v2(None::<&str>, CheckpointMode::TRUNCATE).map(drop)
}

/// How many pages of the write-ahead log count as moved into the database.
fn pages_moved(db: &Connection) -> i32 {
    let counted = db.wal_checkpoint_v2(None::<&str>, CheckpointMode::NOOP);
    // Who cannot tell has not begun to count anew.
    counted.map_or(1, |(_, moved)| moved)
}

/// How many pages of the write-ahead log are not in the database yet.
fn pages_to_move(db: &Connection) -> i32 {
    let counted = db.wal_checkpoint_v2(None::<&str>, CheckpointMode::NOOP);
    counted.map_or(0, |(logged, moved)| logged - moved)
}

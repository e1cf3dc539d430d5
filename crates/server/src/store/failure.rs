//! What an error of SQLite means: for those who wait, and for those who read the log.

use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::time::Duration;

use chat::StoreError;
use rusqlite::{Error, ErrorCode, ffi};

/// When there may be room in a queue again: a batch or two later.
const BUSY_RETRY: Duration = Duration::from_millis(100);
/// When to ask again what could not be written: about when the writer has tried again.
const UNAVAILABLE_RETRY: Duration = Duration::from_secs(1);

pub(super) const BUSY: StoreError = StoreError::Busy { retry_after: BUSY_RETRY };
pub(super) const UNAVAILABLE: StoreError =
    StoreError::Unavailable { retry_after: UNAVAILABLE_RETRY };

/// Whether the cause lies beneath SQLite (in the disk, the memory, another process) and may go away, rather than in
/// what it was told.
pub(super) fn is_from_beneath(error: &Error) -> bool {
    matches!(
        error.sqlite_error_code(),
        Some(
            ErrorCode::CannotOpen
                | ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseCorrupt
                | ErrorCode::DatabaseLocked
                | ErrorCode::DiskFull
                | ErrorCode::FileLockingProtocolFailed
                | ErrorCode::NotADatabase
                | ErrorCode::OutOfMemory
                | ErrorCode::PermissionDenied
                | ErrorCode::ReadOnly
                | ErrorCode::SystemIoFailure
        )
    )
}

/// Does something for one who waits. A panic in it is a mistake in the program, which must not cost all others the
/// thread: it becomes an error, of those that are not from beneath. What `work` has touched must not be used again if it
/// could be half done; a transaction is rolled back by then.
pub(super) fn guarded<T>(work: impl FnOnce() -> rusqlite::Result<T>) -> rusqlite::Result<T> {
    catch_unwind(AssertUnwindSafe(work)).unwrap_or_else(|_| {
        let sentence = "a mistake in the program, which panicked".to_owned();
        Err(Error::SqliteFailure(ffi::Error::new(ffi::SQLITE_INTERNAL), Some(sentence)))
    })
}

/// What an error of the system's would be if SQLite had met it.
pub(super) fn of_system(error: io::Error) -> Error {
    let code = match error.kind() {
        io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded => ffi::SQLITE_FULL,
        _ => ffi::SQLITE_IOERR,
    };
    Error::SqliteFailure(ffi::Error::new(code), Some(error.to_string()))
}

/// Whether something was written, and then not synced.
pub(super) fn is_of_a_sync(error: &Error) -> bool {
    error.sqlite_error().is_some_and(|error| error.extended_code == ffi::SQLITE_IOERR_FSYNC)
}

/// What to look after, in the words of the log.
pub(super) fn kind(error: &Error) -> &'static str {
    let extended = error.sqlite_error().map(|error| error.extended_code);
    if extended == Some(ffi::SQLITE_READONLY_DBMOVED) {
        return "the database has been moved away, deleted or replaced";
    }
    match error.sqlite_error_code() {
        Some(ErrorCode::DiskFull) => "the disk is full",
        Some(ErrorCode::SystemIoFailure) => "the disk fails",
        Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => "the database is damaged",
        Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked) => {
            "another process has it locked"
        }
        Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied | ErrorCode::ReadOnly) => {
            "the database cannot be opened for writing"
        }
        Some(ErrorCode::OutOfMemory) => "there is no memory left",
        _ => "unexpected",
    }
}

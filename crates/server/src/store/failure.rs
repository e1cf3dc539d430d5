//! What an error of SQLite means: for those who wait, and for those who read the log.

use std::time::Duration;

use chat::StoreError;
use rusqlite::{Error, ErrorCode};

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

/// What to look after, in the words of the log.
pub(super) fn kind(error: &Error) -> &'static str {
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

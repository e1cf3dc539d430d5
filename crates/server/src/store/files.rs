//! Whether the database that is open is still the one that its path leads to. The system lets a process go on writing to
//! files that have been moved away, replaced or deleted; what is written there nobody will find again.

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;

use rusqlite::{Error, ffi};

use super::connection::Place;
use super::unfinished::with_end;

/// What the system knows a database and its write-ahead log by. It stays the same for as long as somebody has them
/// open, unless somebody else takes them away. Nothing, for files that are not the system's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Files(Option<[File; 2]>);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
struct File {
    device: u64,
    inode: u64,
}

impl Files {
    /// Those that are there now.
    pub(super) fn at(place: &Place) -> io::Result<Self> {
        if place.vfs.is_some() {
            return Ok(Self(None));
        }
        // SQLite puts the log beside the file itself, wherever a link to it is.
        let file = fs::canonicalize(&place.file)?;
        Ok(Self(Some([File::at(&file)?, File::at(&with_end(&file, "-wal"))?])))
    }

    /// Fails unless they are there now. Costs a few microseconds.
    pub(super) fn check(&self, place: &Place) -> rusqlite::Result<()> {
        match Self::at(place) {
            Ok(found) if found == *self => Ok(()),
            _ => {
                let sentence = format!("what was {} is not there any more", place.file.display());
                let code = ffi::Error::new(ffi::SQLITE_READONLY_DBMOVED);
                Err(Error::SqliteFailure(code, Some(sentence)))
            }
        }
    }
}

impl File {
    fn at(path: &Path) -> io::Result<Self> {
        let metadata = fs::metadata(path)?;
        Ok(Self { device: metadata.dev(), inode: metadata.ino() })
    }
}

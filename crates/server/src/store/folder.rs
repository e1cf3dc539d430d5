//! The data folder: made if it is not there, readable by its owner only, and used by one server at a time.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::OpenError;

const OWNER_ONLY_FOLDER: u32 = 0o700;
const OWNER_ONLY_FILE: u32 = 0o600;

/// A data folder that is ours as long as this lives.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    /// Locked. The system lets go of it with the process, however that ends, so a lock is never left behind.
    _lock: File,
}

impl Folder {
    pub(super) fn open(path: &Path) -> Result<Self, OpenError> {
        let unwritable = |cause| OpenError::Unwritable { folder: path.to_owned(), cause };
        DirBuilder::new()
            .recursive(true)
            .mode(OWNER_ONLY_FOLDER)
            .create(path)
            .map_err(unwritable)?;
        let lock = private_file(&path.join("parlor.lock")).map_err(unwritable)?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => OpenError::InUse { folder: path.to_owned() },
            TryLockError::Error(cause) => unwritable(cause),
        })?;
        let folder = Self { path: path.to_owned(), _lock: lock };
        // SQLite would make it readable for everybody whom the folder lets in, and gives its other files the same mode.
        private_file(&folder.database()).map_err(unwritable)?;
        Ok(folder)
    }

    /// The file of the database.
    pub(super) fn database(&self) -> PathBuf {
        self.path.join("parlor.db")
    }

    /// Makes sure that new files are still in the folder, and a new folder where it is, after a power cut.
    pub(super) fn sync(&self) -> Result<(), OpenError> {
        let sync = || -> io::Result<()> {
            let path = fs::canonicalize(&self.path)?;
            File::open(&path)?.sync_all()?;
            path.parent().map_or(Ok(()), |parent| File::open(parent)?.sync_all())
        };
        sync().map_err(|cause| OpenError::Unwritable { folder: self.path.clone(), cause })
    }
}

fn private_file(path: &Path) -> io::Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .mode(OWNER_ONLY_FILE)
        .open(path)
}

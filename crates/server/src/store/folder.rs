//! The data folder: made if it is not there, readable by its owner only, and used by one server at a time.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read};
use std::os::unix::fs::{DirBuilderExt, MetadataExt, OpenOptionsExt, fchown};
use std::path::{Path, PathBuf};

use super::OpenError;
use super::unfinished::{COMPANIONS, unfinished, with_end};

const OWNER_ONLY_FOLDER: u32 = 0o700;
pub(super) const OWNER_ONLY_FILE: u32 = 0o600;
/// How many bytes must fit on the disk before writing goes on after a failure: what is written in some busy seconds. On a
/// full disk there is mostly room for a little, and without this writing would come and go with the size of messages.
const ROOM: u64 = 1 << 20;
const DATABASE: &str = "parlor.db";
const LOCK: &str = "parlor.lock";

/// A data folder that is ours as long as this lives.
#[derive(Debug)]
pub(super) struct Folder {
    path: PathBuf,
    /// Locked. The system lets go of it with the process, however that ends, so a lock is never left behind.
    lock: File,
}

/// The file of the database in a data folder.
pub fn database_in(folder: &Path) -> PathBuf {
    folder.join(DATABASE)
}

/// Whether a folder with a file of this name may still be one in which there is nothing: a lock that nobody holds, or
/// what a killed restoration leaves.
pub(super) fn is_left_over(name: &Path) -> bool {
    let half = unfinished(Path::new(DATABASE));
    name == Path::new(LOCK) || COMPANIONS.iter().any(|end| name == with_end(&half, end))
}

impl Folder {
    /// Opens a folder to serve what is in it, or to begin there.
    pub(super) fn open(path: &Path) -> Result<Self, OpenError> {
        let folder = Self::lock(path)?;
        let half = unfinished(&folder.database());
        // An empty server in the place of the one that was being put back would look like the loss of everything.
        if half.exists() {
            return Err(OpenError::HalfRestored { file: half });
        }
        // SQLite would make it readable for everybody whom the folder lets in, and gives its other files the same mode.
        private_file(&folder.database())
            .map_err(|cause| OpenError::Unwritable { folder: path.to_owned(), cause })?;
        Ok(folder)
    }

    /// Makes the folder if need be, and takes it for this process, whatever is in it.
    pub(super) fn lock(path: &Path) -> Result<Self, OpenError> {
        let unwritable = |cause| OpenError::Unwritable { folder: path.to_owned(), cause };
        DirBuilder::new()
            .recursive(true)
            .mode(OWNER_ONLY_FOLDER)
            .create(path)
            .map_err(unwritable)?;
        let lock = private_file(&path.join(LOCK)).map_err(unwritable)?;
        lock.try_lock().map_err(|error| match error {
            TryLockError::WouldBlock => OpenError::InUse { folder: path.to_owned() },
            TryLockError::Error(cause) => unwritable(cause),
        })?;
        Ok(Self { path: path.to_owned(), lock })
    }

    /// The file of the database.
    pub(super) fn database(&self) -> PathBuf {
        database_in(&self.path)
    }

    /// Makes a file, and the lock with it, belong to whom the folder belongs to, if it is root who asks: they are for
    /// the server, which has another user, and could not open them.
    pub(super) fn give_to_owner(&self, file: &File) -> io::Result<()> {
        if rustix::process::geteuid().is_root() {
            let owner = fs::metadata(&self.path)?;
            for file in [file, &self.lock] {
                fchown(file, Some(owner.uid()), Some(owner.gid()))?;
            }
        }
        Ok(())
    }

    /// Fails unless there is room again for more than a message or two.
    pub(super) fn check_room(&self) -> io::Result<()> {
        let path = self.path.join("parlor.room");
        let mut options = OpenOptions::new();
        options.write(true).create(true).truncate(true).mode(OWNER_ONLY_FILE);
        let mut file = options.open(&path)?;
        // At once, so that nothing is left of it whatever happens.
        fs::remove_file(&path)?;
        io::copy(&mut io::repeat(0).take(ROOM), &mut file)?;
        file.sync_all()
    }

    /// Makes sure that what is in the write-ahead log outlives a power cut.
    pub(super) fn sync_log(&self) -> Result<(), OpenError> {
        // SQLite puts it beside the file itself, wherever a link to it is.
        let sync = || {
            let file = fs::canonicalize(self.database())?;
            File::open(with_end(&file, "-wal"))?.sync_all()
        };
        sync().map_err(|cause| OpenError::Unwritable { folder: self.path.clone(), cause })
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

//! A database that is being written under another name, so that nothing half done is ever taken for a whole.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions};
use std::io::{self, ErrorKind};
use std::mem;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

use super::folder::OWNER_ONLY_FILE;

/// By what the names of files end that SQLite may put beside a database; and nothing, for the database itself.
pub(super) const COMPANIONS: [&str; 4] = ["", "-journal", "-wal", "-shm"];

/// What this process has begun and not ended. Locked while a file gets or loses its name, so that what is in here is
/// ours and nobody else's. A signal can ask for its removal at any moment, and knows nothing of the work.
static BEGUN: Mutex<Vec<PathBuf>> = Mutex::new(Vec::new());

/// A file that is removed, with all that is beside it, unless it is [kept](Self::keep_as).
#[derive(Debug)]
pub(super) struct Unfinished {
    path: PathBuf,
    /// Locked, so that nobody takes it for what a killed process has left.
    file: File,
}

/// How the file at `path` is called until it is whole.
pub(super) fn unfinished(path: &Path) -> PathBuf {
    with_end(path, ".unfinished")
}

impl Unfinished {
    /// Begins a file that will be at `path`. Refused with [`ErrorKind::WouldBlock`] while another process writes it.
    pub(super) fn begin(path: &Path) -> io::Result<Self> {
        let path = unfinished(path);
        let mut begun = begun();
        // What a killed process has left is nobody's any more. It stays locked until it is away, or else two who begin
        // could each remove what the other has just made.
        let left = File::open(&path).ok();
        if let Some(left) = &left {
            lock(left, &path)?;
        }
        remove(&path)?;
        drop(left);
        let mut options = OpenOptions::new();
        let file = options.write(true).create_new(true).mode(OWNER_ONLY_FILE).open(&path)?;
        lock(&file, &path)?;
        begun.push(path.clone());
        Ok(Self { path, file })
    }

    /// Where it is for now.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// The file itself.
    pub(super) fn file(&self) -> &File {
        &self.file
    }

    /// Gives it its name when all of it is on the disk, and sees to it that the name is, too. Refused with
    /// [`ErrorKind::AlreadyExists`] if something else has that name.
    pub(super) fn keep_as(self, path: &Path) -> io::Result<()> {
        self.file.sync_all()?;
        let mut begun = begun();
        rename_to_nothing(&self.path, path)?;
        begun.retain(|begun| *begun != self.path);
        drop(begun);
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        let mut begun = begun();
        let Some(place) = begun.iter().position(|begun| *begun == self.path) else { return };
        begun.swap_remove(place);
        if let Err(error) = remove(&self.path) {
            tracing::warn!(%error, path = %self.path.display(), "an unfinished file stays");
        }
    }
}

/// Removes what this process would leave half done if it ended now, which it has to: whatever else it would begin waits
/// for ever.
pub fn remove_unfinished() -> io::Result<()> {
    let begun = begun();
    let removed = begun.iter().try_for_each(|path| remove(path));
    mem::forget(begun);
    removed
}

fn begun() -> MutexGuard<'static, Vec<PathBuf>> {
    BEGUN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Locks a file, if it is the one that its path still leads to. Refused with [`ErrorKind::WouldBlock`] if another
/// process has it, or had.
fn lock(file: &File, path: &Path) -> io::Result<()> {
    file.try_lock()?;
    let (ours, there) = (file.metadata()?, fs::metadata(path));
    match there {
        Ok(there) if (there.dev(), there.ino()) == (ours.dev(), ours.ino()) => Ok(()),
        _ => Err(ErrorKind::WouldBlock.into()),
    }
}

/// The database last: what is beside it belongs to whoever has its name.
fn remove(path: &Path) -> io::Result<()> {
    for companion in COMPANIONS.iter().rev() {
        match fs::remove_file(with_end(path, companion)) {
            Err(error) if error.kind() != ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// Renames a file to what no file is called.
fn rename_to_nothing(from: &Path, to: &Path) -> io::Result<()> {
    match renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
        // Some file systems over a network can only replace, so what comes at this moment is lost.
        Err(Errno::INVAL | Errno::NOSYS | Errno::NOTSUP) if fs::symlink_metadata(to).is_err() => {
            fs::rename(from, to)
        }
        renamed => Ok(renamed?),
    }
}

pub(super) fn with_end(path: &Path, end: &str) -> PathBuf {
    let mut name = OsString::from(path);
    name.push(end);
    name.into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_has_come_in_the_last_moment_is_not_replaced() {
        let folder = tempfile::TempDir::new().unwrap();
        let path = folder.path().join("backup.db");
        let whole = Unfinished::begin(&path).unwrap();
        fs::write(&path, "precious").unwrap();

        let error = whole.keep_as(&path).unwrap_err();

        assert_eq!(error.kind(), ErrorKind::AlreadyExists);
        assert_eq!(fs::read_to_string(&path).unwrap(), "precious");
        assert!(!unfinished(&path).exists());
    }
}

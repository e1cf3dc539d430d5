//! A database that is being written under another name, so that nothing half done is ever taken for a whole.

use std::ffi::OsString;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, ErrorKind};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::{CWD, RenameFlags, renameat_with};
use rustix::io::Errno;

use super::folder::OWNER_ONLY_FILE;

/// By what the names of files end that SQLite may put beside a database; and nothing, for the database itself.
pub(super) const COMPANIONS: [&str; 4] = ["", "-journal", "-wal", "-shm"];

/// A file that is removed, with all that is beside it, unless it is [kept](Self::keep_as).
#[derive(Debug)]
pub(super) struct Unfinished {
    path: PathBuf,
    /// Locked, so that nobody takes it for what a killed process has left.
    file: File,
    is_kept: bool,
}

/// How the file at `path` is called until it is whole.
pub(super) fn unfinished(path: &Path) -> PathBuf {
    with_end(path, ".unfinished")
}

impl Unfinished {
    /// Begins a file that will be at `path`. Refused with [`ErrorKind::WouldBlock`] while another process writes it.
    pub(super) fn begin(path: &Path) -> io::Result<Self> {
        let path = unfinished(path);
        match File::open(&path).map(|left| left.try_lock()) {
            Ok(Err(TryLockError::WouldBlock)) => return Err(ErrorKind::WouldBlock.into()),
            Ok(Err(TryLockError::Error(error))) => return Err(error),
            // Nothing, or nobody's any more.
            _ => remove(&path)?,
        }
        let mut options = OpenOptions::new();
        let file = options.write(true).create_new(true).mode(OWNER_ONLY_FILE).open(&path)?;
        let begun = Self { path, file, is_kept: false };
        begun.file.try_lock()?;
        Ok(begun)
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
    pub(super) fn keep_as(mut self, path: &Path) -> io::Result<()> {
        self.file.sync_all()?;
        rename_to_nothing(&self.path, path)?;
        self.is_kept = true;
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        File::open(folder.unwrap_or(Path::new(".")))?.sync_all()
    }
}

impl Drop for Unfinished {
    fn drop(&mut self) {
        if !self.is_kept
            && let Err(error) = remove(&self.path)
        {
            tracing::warn!(%error, path = %self.path.display(), "an unfinished file stays");
        }
    }
}

/// Removes what a process that ends now would leave of the file that it writes at `path`.
pub fn remove_unfinished(path: &Path) -> io::Result<()> {
    remove(&unfinished(path))
}

fn remove(path: &Path) -> io::Result<()> {
    for companion in COMPANIONS {
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

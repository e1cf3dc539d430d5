//! A copy of the database while it is used, and such a copy put into a folder of its own.
//!
//! Pages are copied from one read transaction, which is one state whatever is written meanwhile, and lets nobody wait.
//! What it costs is that the write-ahead log cannot start anew until the copy is complete, and so grows by what is
//! written in that time. (`VACUUM INTO` has the same price, visits the pages in an order that a large database does not
//! have on its disk, and says nothing until it is done.)

use std::fs;
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};

use rusqlite::backup::{Backup, StepResult};
use rusqlite::{Connection, ffi};

use super::check::{self, Findings};
use super::folder::{self, Folder};
use super::unfinished::{COMPANIONS, Unfinished, with_end};
use super::{OpenError, Progress, connection};
use crate::random::Random;

/// Pages copied between two words about the progress: 16 MiB.
const PAGES_AT_ONCE: i32 = 4096;

/// What was copied.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Copied {
    /// Its size.
    pub bytes: u64,
    /// What is in it. It is sound.
    pub findings: Findings,
}

/// Why nothing was copied, in a sentence for who wanted it.
#[derive(Debug, thiserror::Error)]
pub enum CopyError {
    /// What should be copied cannot be read, or where it should go cannot be used.
    #[error(transparent)]
    Open(#[from] OpenError),
    /// There is something already where the backup should be.
    #[error("{} is there already, and stays as it is.", path.display())]
    Exists {
        /// What.
        path: PathBuf,
    },
    /// There is something that SQLite would take for a part of the backup.
    #[error("{} is there, and would be taken for a part of the backup. Please choose another name, or move that away.",
        path.display())]
    Beside {
        /// What.
        path: PathBuf,
    },
    /// There is something already where the data should be.
    #[error("The folder {} is not empty: there is {} in it. Please choose another, or move that away.",
        folder.display(), found.display())]
    NotEmpty {
        /// Where.
        folder: PathBuf,
        /// What.
        found: PathBuf,
    },
    /// Another process is at it.
    #[error("{} is being written at this moment.", path.display())]
    InWork {
        /// At what.
        path: PathBuf,
    },
    /// The copy cannot be written.
    #[error("{} cannot be written: {cause}.", path.display())]
    Unwritable {
        /// What.
        path: PathBuf,
        /// What the system says.
        cause: io::Error,
    },
    /// A page cannot be read or written.
    #[error("{} cannot be copied to {}: {cause}.", from.display(), to.display())]
    Interrupted {
        /// What.
        from: PathBuf,
        /// Where to.
        to: PathBuf,
        /// What SQLite says.
        cause: rusqlite::Error,
    },
    /// It can be read, and is not what it should be.
    #[error("{} is damaged, so nothing was copied; `parlor check` tells all that is wrong with it. It begins with this: \
        {}", file.display(), findings.problems[0])]
    Damaged {
        /// What.
        file: PathBuf,
        /// What is wrong with it.
        findings: Findings,
    },
}

/// Copies the database in the folder `data` to the file `to`, checks the copy, and returns when it is on the disk. A
/// server may be using it. Nothing is left of what fails.
pub fn back_up(
    data: &Path,
    to: &Path,
    progress: &mut dyn FnMut(Progress),
) -> Result<Copied, CopyError> {
    let from = folder::database_in(data);
    let source = check::open(&from)?;
    check_free(to)?;
    let unfinished = begin(to)?;
    let interrupted =
        |cause| CopyError::Interrupted { from: from.clone(), to: to.to_owned(), cause };
    let state = source.unchecked_transaction().map_err(interrupted)?;
    copy(&state, unfinished.path(), progress).map_err(interrupted)?;
    // The write-ahead log may start anew.
    drop(state);
    let findings = check::check(unfinished.path(), progress)?;
    if !findings.is_sound() {
        return Err(CopyError::Damaged { file: from, findings });
    }
    check_free(to)?;
    let unwritable = |cause| CopyError::Unwritable { path: to.to_owned(), cause };
    let bytes = unfinished.file().metadata().map_err(unwritable)?.len();
    unfinished.keep_as(to).map_err(|cause| match cause.kind() {
        ErrorKind::AlreadyExists => CopyError::Exists { path: to.to_owned() },
        _ => unwritable(cause),
    })?;
    Ok(Copied { bytes, findings })
}

/// Puts the database in the file `from` into the folder `data`, where nothing must be, under an epoch that it never had
/// before. A process that is killed at it leaves nothing that could be taken for a database.
pub fn restore(
    from: &Path,
    data: &Path,
    random: &Random,
    progress: &mut dyn FnMut(Progress),
) -> Result<Copied, CopyError> {
    let source = check::open(from)?;
    check_empty(data)?;
    let broken = |cause| OpenError::Broken { file: from.to_owned(), cause };
    let state = source.unchecked_transaction().map_err(broken)?;
    let findings = check::examine(&state, progress);
    if !findings.is_sound() {
        return Err(CopyError::Damaged { file: from.to_owned(), findings });
    }
    let folder = Folder::lock(data)?;
    // Again, now that nobody else can put anything there.
    check_empty(data)?;
    let to = folder.database();
    let unfinished = begin(&to)?;
    let interrupted =
        |cause| CopyError::Interrupted { from: from.to_owned(), to: to.clone(), cause };
    let copy = copy(&state, unfinished.path(), progress).map_err(interrupted)?;
    raise_epoch(copy, random).map_err(interrupted)?;
    let unwritable = |cause| CopyError::Unwritable { path: to.clone(), cause };
    let bytes = unfinished.file().metadata().map_err(unwritable)?.len();
    folder.give_to_owner(unfinished.file()).map_err(unwritable)?;
    unfinished.keep_as(&to).map_err(unwritable)?;
    folder.sync()?;
    Ok(Copied { bytes, findings })
}

fn begin(path: &Path) -> Result<Unfinished, CopyError> {
    Unfinished::begin(path).map_err(|cause| match cause.kind() {
        ErrorKind::WouldBlock => CopyError::InWork { path: path.to_owned() },
        _ => CopyError::Unwritable { path: path.to_owned(), cause },
    })
}

/// Whether nothing is at `path`, nor beside it what SQLite would read as a part of what is put there.
fn check_free(path: &Path) -> Result<(), CopyError> {
    for companion in COMPANIONS {
        let path = with_end(path, companion);
        match fs::symlink_metadata(&path) {
            Err(error) if error.kind() == ErrorKind::NotFound => {}
            _ if companion.is_empty() => return Err(CopyError::Exists { path }),
            _ => return Err(CopyError::Beside { path }),
        }
    }
    Ok(())
}

/// Whether nothing is in a folder but what an earlier restoration may have left there, or whether there is none.
fn check_empty(folder: &Path) -> Result<(), CopyError> {
    let unwritable = |cause| OpenError::Unwritable { folder: folder.to_owned(), cause };
    let entries = match fs::read_dir(folder) {
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(unwritable)?,
    };
    for entry in entries {
        let found = PathBuf::from(entry.map_err(unwritable)?.file_name());
        if !folder::is_left_over(&found) {
            return Err(CopyError::NotEmpty { folder: folder.to_owned(), found });
        }
    }
    Ok(())
}

/// Copies one state of a database into an empty file, as one file that needs no other beside it.
fn copy(
    state: &Connection,
    to: &Path,
    progress: &mut dyn FnMut(Progress),
) -> rusqlite::Result<Connection> {
    let mut copy = connection::to_fill(to)?;
    // A transaction begins to read with its first question. Without it each step would have another state.
    let page_size: u32 = state.pragma_query_value(None, "page_size", |row| row.get(0))?;
    state.query_row("SELECT count(*) FROM database", [], |_| Ok(()))?;
    let copying = Backup::new(state, &mut copy)?;
    loop {
        let step = copying.step(PAGES_AT_ONCE)?;
        let (of, left) = (copying.progress().pagecount, copying.progress().remaining);
        let bytes = |pages: i32| u64::from(pages.unsigned_abs()) * u64::from(page_size);
        progress(Progress::Copying { bytes: bytes(of - left), of: bytes(of) });
        match step {
            StepResult::More => {}
            StepResult::Done => break,
            // Nobody else knows of the copy, and nobody can lock out a reader: the locks do not work here.
            _ => {
                return Err(rusqlite::Error::SqliteFailure(
                    ffi::Error::new(ffi::SQLITE_BUSY),
                    None,
                ));
            }
        }
    }
    drop(copying);
    connection::make_one_file(&copy)?;
    Ok(copy)
}

/// Begins a new life of all logs.
fn raise_epoch(copy: Connection, random: &Random) -> rusqlite::Result<()> {
    // Had a restoration the next number, the second one from the same backup would have the number of the first, and
    // whoever has read in that would not be told that theirs is another log. So it is a number that nobody can have: up
    // to 2^32 further. Two million restorations in a row stay within what JSON can carry.
    let step = 1 + i64::from(u32::from_be_bytes(random.bytes()));
    let raised = copy.execute("UPDATE database SET epoch = epoch + ?1", [step])?;
    if raised == 1 { Ok(()) } else { Err(rusqlite::Error::StatementChangedRows(raised)) }
}

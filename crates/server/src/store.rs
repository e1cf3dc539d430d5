//! The SQLite engine of [`chat::Store`]: one thread writes, a few read, and all of it is one folder. SQL stands in the
//! files beneath this one and nowhere else; what may be written is decided by `chat`.

mod backup;
mod check;
mod checkpoints;
mod connection;
mod failure;
mod files;
mod folder;
mod messages;
mod migrations;
mod participants;
mod readers;
mod rooms;
mod sessions;
mod tails;
#[cfg(test)]
mod tests;
mod threads;
mod unfinished;
mod users;
mod writer;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use chat::{
    Account, Activity, Credentials, Error, Fanout, History, Identity, NameKey, NewMessage, NewRoom,
    NewSession, NewUser, Page, Participants, PasswordHash, Posted, Room, RoomId, RoomList,
    RoomQuery, Session, SessionId, Store, StoreError, Timestamp, TokenHash, UserId,
};
use rusqlite::Connection;

pub use backup::{Copied, CopyError, back_up, restore};
pub use check::{Findings, check};
use connection::Place;
use files::Files;
use folder::Folder;
pub use folder::database_in;
use readers::Readers;
pub use unfinished::remove_unfinished;
use writer::{Batch, Writer};

/// Most entries of one order to note activity. A longer list becomes several orders, so that messages get in between.
const ACTIVITY_AT_ONCE: usize = 256;

/// Everything that is kept, in `parlor.db`. Dropping it lets its threads end; [`close`](Self::close) waits for them.
#[derive(Debug)]
pub struct Sqlite {
    writer: Writer,
    readers: Arc<Readers>,
}

/// How the writer keeps house. A server wants what is the default; a test of what a disk can do to it wants everything
/// to happen within a few messages.
#[derive(Debug, Clone, Copy)]
pub struct Upkeep {
    /// Pages of 4 KiB in the write-ahead log that are moved into the database even if somebody waits. The more there
    /// are, the more of them are versions of one page, of which only the last is moved; the fewer, the shorter is the
    /// wait.
    pub pages_at_most: i32,
    /// How long the writer waits after a failure before it opens the database again. Doubled each time, up to a bound.
    pub first_pause: Duration,
}

impl Default for Upkeep {
    fn default() -> Self {
        Self { pages_at_most: 16 * 1024, first_pause: Duration::from_millis(50) }
    }
}

/// Why a data folder could not be opened, in a sentence for whoever starts the server.
#[derive(Debug, thiserror::Error)]
pub enum OpenError {
    /// The folder cannot be made or written.
    #[error("The data folder {} cannot be written: {cause}.", folder.display())]
    Unwritable {
        /// Which.
        folder: PathBuf,
        /// What the system says.
        cause: std::io::Error,
    },
    /// Somebody else has it open.
    #[error("Another server is running on the data folder {}.", folder.display())]
    InUse {
        /// Which.
        folder: PathBuf,
    },
    /// The database comes from the future.
    #[error(
        "The database {} was written by a newer version of Parlor (its schema has number {found}, this version knows \
        {known}). Please start that version.",
        file.display()
    )]
    Newer {
        /// Which.
        file: PathBuf,
        /// The number of its schema.
        found: u32,
        /// The newest number this version knows.
        known: u32,
    },
    /// There is none to be read.
    #[error("There is no database {}.", file.display())]
    Missing {
        /// Where.
        file: PathBuf,
    },
    /// It is somebody else's database, or one of Parlor's that no server has brought up to date yet.
    #[error("The file {} is not a database of this version of Parlor.", file.display())]
    Foreign {
        /// Which.
        file: PathBuf,
    },
    /// A restoration was killed.
    #[error(
        "A restoration into the data folder did not finish: {} is there. Please restore again, or remove that file.",
        file.display()
    )]
    HalfRestored {
        /// What it has left.
        file: PathBuf,
    },
    /// The program was linked with an SQLite that must not be trusted with data.
    #[error(
        "This program was built with SQLite {found}, which can damage a database. It needs 3.51.3 or newer."
    )]
    TooOldSqlite {
        /// Its version.
        found: &'static str,
    },
    /// The database is damaged, no database of Parlor's, or on a file system that cannot hold one.
    #[error("The database {} cannot be used: {cause}.", file.display())]
    Broken {
        /// Which.
        file: PathBuf,
        /// What SQLite says.
        cause: rusqlite::Error,
    },
}

/// How far work on a whole database has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Progress {
    /// Pages are being copied.
    Copying {
        /// As many bytes as have been.
        bytes: u64,
        /// As many as there are.
        of: u64,
    },
    /// The structure of the file is being checked, of which nobody can say how far it has come.
    CheckingFile,
    /// The logs are being checked.
    CheckingLogs {
        /// As many events as have been.
        events: u64,
        /// As many as there are.
        of: u64,
    },
}

impl Sqlite {
    /// Opens the database in `folder`, which is created if need be, and brings its schema up to date. What is
    /// committed from now on is told to `fanout`. Blocks for a moment: to be called at the start.
    pub fn open(folder: &Path, fanout: Arc<dyn Fanout>) -> Result<Self, OpenError> {
        Self::open_on(None, folder, Upkeep::default(), fanout)
    }

    /// The same with the database on a registered SQLite VFS. Its lock, and the folder itself, are the system's.
    pub fn open_on(
        vfs: Option<&str>,
        folder: &Path,
        upkeep: Upkeep,
        fanout: Arc<dyn Fanout>,
    ) -> Result<Self, OpenError> {
        connection::check_sqlite()?;
        let folder = Folder::open(folder)?;
        let place = Place { file: folder.database(), vfs: vfs.map(str::to_owned) };
        let file = &place.file;
        let broken = |cause| OpenError::Broken { file: file.clone(), cause };
        // Before anything is written: a database that is refused is left as it is.
        migrations::check(&connection::to_read(&place).map_err(broken)?, file)?;
        let mut db = connection::to_write(&place).map_err(broken)?;
        migrations::migrate(&mut db).map_err(broken)?;
        // What a killed server had written but not yet synced would be seen from here on and could still be lost with
        // the power. A checkpoint syncs it before anybody sees it.
        if !checkpoints::move_now(&db).map_err(broken)? {
            // Somebody's backup reads an old state. The rest can stay in the log, if that is synced.
            folder.sync_log()?;
        }
        folder.sync()?;
        let files = Files::at(&place).map_err(|error| broken(failure::of_system(error)))?;
        let readers = Arc::new(Readers::start(&place).map_err(broken)?);
        let writer = Writer::start(db, folder, place, files, upkeep, Arc::clone(&readers), fanout);
        Ok(Self { writer, readers })
    }

    /// Finishes what has been ordered, moves everything into the one file `parlor.db`, and lets the folder go. What is
    /// asked afterwards is [`StoreError::Unavailable`].
    pub async fn close(&self) {
        self.readers.close().await;
        self.writer.close().await;
    }

    /// How often it was read so far.
    pub fn reads(&self) -> u64 {
        self.readers.asked()
    }

    /// Lets the writer make a change, together with all others that are queued. When this returns, it is on the disk.
    async fn write<T: Send + 'static>(
        &self,
        change: impl Fn(&mut Batch<'_>) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.writer.order(change).await
    }

    /// Lets a reader answer a question, from one state of the database.
    async fn read<T: Send + 'static>(
        &self,
        question: impl FnOnce(&Connection) -> rusqlite::Result<T> + Send + 'static,
    ) -> Result<T, StoreError> {
        self.readers.ask(question).await
    }
}

impl Store for Sqlite {
    async fn create_user(&self, user: NewUser) -> Result<Account, Error> {
        self.write(move |batch| users::create(batch.db, &user)).await?
    }

    async fn credentials(&self, name: NameKey) -> Result<Option<Credentials>, StoreError> {
        self.read(move |db| users::credentials(db, &name)).await
    }

    async fn change_password(
        &self,
        user: UserId,
        old: PasswordHash,
        new: PasswordHash,
        keep: SessionId,
        token: TokenHash,
    ) -> Result<Option<Vec<SessionId>>, StoreError> {
        self.write(move |batch| {
            if !users::change_password(batch.db, user, &old, &new, keep)? {
                return Ok(None);
            }
            sessions::set_token(batch.db, user, keep, token)?;
            sessions::end_others(batch.db, user, keep).map(Some)
        })
        .await
    }

    async fn rehash_password(
        &self,
        user: UserId,
        old: PasswordHash,
        new: PasswordHash,
    ) -> Result<(), StoreError> {
        self.write(move |batch| users::replace_hash(batch.db, user, &old, &new)).await
    }

    async fn create_session(&self, session: NewSession) -> Result<Option<Session>, StoreError> {
        self.write(move |batch| sessions::create(batch.db, &session)).await
    }

    async fn identify(&self, token: TokenHash) -> Result<Option<Identity>, StoreError> {
        self.read(move |db| sessions::identify(db, token)).await
    }

    async fn recent_sessions(
        &self,
        since: Timestamp,
        limit: usize,
    ) -> Result<Vec<(TokenHash, Identity)>, StoreError> {
        self.read(move |db| sessions::recent(db, since, limit)).await
    }

    async fn sessions(&self, user: UserId, limit: usize) -> Result<Vec<Session>, StoreError> {
        self.read(move |db| sessions::of(db, user, limit)).await
    }

    async fn end_session(&self, user: UserId, session: SessionId) -> Result<bool, StoreError> {
        self.write(move |batch| sessions::end(batch.db, user, session)).await
    }

    async fn end_stale_sessions(
        &self,
        created: Timestamp,
        used: Timestamp,
    ) -> Result<Vec<SessionId>, StoreError> {
        self.write(move |batch| sessions::end_stale(batch.db, created, used)).await
    }

    async fn create_room(&self, room: NewRoom) -> Result<Room, StoreError> {
        self.write(move |batch| rooms::create(batch.db, &room)).await
    }

    async fn room(&self, room: RoomId) -> Result<Option<Room>, StoreError> {
        self.read(move |db| rooms::one(db, room)).await
    }

    async fn rooms(&self, query: RoomQuery) -> Result<RoomList, StoreError> {
        self.read(move |db| rooms::list(db, &query)).await
    }

    async fn append(&self, message: NewMessage) -> Result<Posted, Error> {
        self.write(move |batch| messages::append(batch, &message)).await?
    }

    async fn history(
        &self,
        room: RoomId,
        page: Page,
        limit: usize,
    ) -> Result<Option<History>, StoreError> {
        self.read(move |db| messages::history(db, room, page, limit)).await
    }

    async fn participants(&self, room: RoomId, limit: usize) -> Result<Participants, StoreError> {
        self.read(move |db| participants::recent(db, room, limit)).await
    }

    async fn record_activity(
        &self,
        participants: Vec<Activity>,
        sessions: Vec<(SessionId, Timestamp)>,
    ) -> Result<(), StoreError> {
        for some in participants.chunks(ACTIVITY_AT_ONCE) {
            let some = some.to_vec();
            self.write(move |batch| participants::note_active(batch.db, &some)).await?;
        }
        for some in sessions.chunks(ACTIVITY_AT_ONCE) {
            let some = some.to_vec();
            self.write(move |batch| sessions::note_used(batch.db, &some)).await?;
        }
        Ok(())
    }

    async fn check(&self) -> Result<(), StoreError> {
        self.write(|_| Ok(())).await
    }
}

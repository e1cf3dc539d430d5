//! A second engine of [`chat::Store`], in memory. What it holds outlives the server that writes to it, and nothing does
//! that was not committed. It takes as long as its [`Disk`] does, and fails when that does.

mod data;
mod writer;

use std::fmt;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use chat::{
    Account, Activity, Credentials, Error, Fanout, History, Identity, NameKey, NewMessage, NewRoom,
    NewSession, NewUser, Page, Participants, PasswordHash, Posted, Room, RoomId, RoomList,
    RoomQuery, Session, SessionId, Store, StoreError, Timestamp, TokenHash, UserId,
};

pub use data::Data;
use writer::{Batch, Writer};

/// When there may be room in the queue again.
const BUSY: StoreError = StoreError::Busy { retry_after: Duration::from_millis(100) };
/// When to ask again what could not be done.
const UNAVAILABLE: StoreError = StoreError::Unavailable { retry_after: Duration::from_secs(1) };

/// What lies beneath: how long work takes, and whether it works.
pub trait Disk: Send + Sync + 'static {
    /// Most changes that wait for it. Past it the next one is told that the store is busy.
    const QUEUE: usize;

    /// Does some work.
    fn works(&self, work: Work) -> impl Future<Output = Luck> + Send;
}

/// Something for a disk to do.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Work {
    /// To read.
    Read,
    /// To commit.
    Commit,
    /// Nothing: what was committed is on its way to those who wait for it.
    Answer,
    /// To be opened again after a failure.
    Reopen,
}

/// How work comes out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Luck {
    /// It is done.
    Done,
    /// It is not.
    Failed,
    /// It is done, and looks as if it were not.
    DoneUnseen,
}

/// A disk that does everything at once, and never fails.
#[derive(Debug, Default, Clone, Copy)]
pub struct Flawless;

impl Disk for Flawless {
    const QUEUE: usize = 4096;

    async fn works(&self, _: Work) -> Luck {
        Luck::Done
    }
}

/// What a disk holds. Clones are the same.
#[derive(Clone, Default)]
pub struct Platter(Arc<Mutex<Data>>);

impl Platter {
    /// What it holds now.
    pub fn data(&self) -> MutexGuard<'_, Data> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// A store on a disk. Clones are the same; [`writes`](Self::writes) has to run for as long as it is used.
pub struct Memory<D> {
    platter: Platter,
    disk: Arc<D>,
    writer: Arc<Writer>,
}

impl<D: Disk> Memory<D> {
    /// Opens what a disk holds. What is committed from now on is told to `fanout`.
    pub fn open(platter: Platter, disk: Arc<D>, fanout: Arc<dyn Fanout>) -> Self {
        Self { platter, disk, writer: Arc::new(Writer::new(D::QUEUE, fanout)) }
    }

    /// Commits what is ordered, until the store is closed.
    pub async fn writes(self) {
        self.writer.work(&self.platter, &*self.disk).await;
    }

    /// Finishes what has been ordered. What is asked afterwards is [`StoreError::Unavailable`].
    pub async fn close(&self) {
        self.writer.close().await;
    }

    async fn write<T: Send + 'static>(
        &self,
        change: impl Fn(&mut Batch<'_>) -> T + Send + 'static,
    ) -> Result<T, StoreError> {
        self.writer.order(change).await
    }

    async fn read<T>(&self, question: impl FnOnce(&Data) -> T) -> Result<T, StoreError> {
        if self.disk.works(Work::Read).await != Luck::Done {
            return Err(UNAVAILABLE);
        }
        let answer = question(&self.platter.data());
        self.disk.works(Work::Answer).await;
        Ok(answer)
    }
}

impl<D: Disk> Store for Memory<D> {
    async fn create_user(&self, user: NewUser) -> Result<Account, Error> {
        self.write(move |batch| batch.data.create_user(&user)).await?
    }

    async fn credentials(&self, name: NameKey) -> Result<Option<Credentials>, StoreError> {
        self.read(|data| data.credentials(&name)).await
    }

    async fn change_password(
        &self,
        user: UserId,
        old: PasswordHash,
        new: PasswordHash,
        keep: SessionId,
        token: TokenHash,
    ) -> Result<Option<Vec<SessionId>>, StoreError> {
        self.write(move |batch| batch.data.change_password(user, &old, &new, keep, token)).await
    }

    async fn rehash_password(
        &self,
        user: UserId,
        old: PasswordHash,
        new: PasswordHash,
    ) -> Result<(), StoreError> {
        self.write(move |batch| batch.data.rehash_password(user, &old, &new)).await
    }

    async fn create_session(&self, session: NewSession) -> Result<Option<Session>, StoreError> {
        self.write(move |batch| batch.data.create_session(&session)).await
    }

    async fn identify(&self, token: TokenHash) -> Result<Option<Identity>, StoreError> {
        self.read(|data| data.identify(token)).await
    }

    async fn recent_sessions(
        &self,
        since: Timestamp,
        limit: usize,
    ) -> Result<Vec<(TokenHash, Identity)>, StoreError> {
        self.read(|data| data.recent_sessions(since, limit)).await
    }

    async fn sessions(&self, user: UserId, limit: usize) -> Result<Vec<Session>, StoreError> {
        self.read(|data| data.sessions(user, limit)).await
    }

    async fn end_session(&self, user: UserId, session: SessionId) -> Result<bool, StoreError> {
        self.write(move |batch| batch.data.end_session(user, session)).await
    }

    async fn end_stale_sessions(
        &self,
        created: Timestamp,
        used: Timestamp,
    ) -> Result<Vec<SessionId>, StoreError> {
        self.write(move |batch| batch.data.end_stale_sessions(created, used)).await
    }

    async fn create_room(&self, room: NewRoom) -> Result<Room, StoreError> {
        self.write(move |batch| batch.data.create_room(&room)).await
    }

    async fn room(&self, room: RoomId) -> Result<Option<Room>, StoreError> {
        self.read(|data| data.room(room)).await
    }

    async fn rooms(&self, query: RoomQuery) -> Result<RoomList, StoreError> {
        self.read(|data| data.rooms(&query)).await
    }

    async fn append(&self, message: NewMessage) -> Result<Posted, Error> {
        self.write(move |batch| batch.data.append(&message, batch.events)).await?
    }

    async fn history(
        &self,
        room: RoomId,
        page: Page,
        limit: usize,
    ) -> Result<Option<History>, StoreError> {
        self.read(|data| data.history(room, page, limit)).await
    }

    async fn participants(&self, room: RoomId, limit: usize) -> Result<Participants, StoreError> {
        self.read(|data| data.participants(room, limit)).await
    }

    async fn record_activity(
        &self,
        participants: Vec<Activity>,
        sessions: Vec<(SessionId, Timestamp)>,
    ) -> Result<(), StoreError> {
        self.write(move |batch| batch.data.record_activity(&participants, &sessions)).await
    }

    async fn check(&self) -> Result<(), StoreError> {
        self.write(|_| ()).await
    }
}

impl<D> Clone for Memory<D> {
    fn clone(&self) -> Self {
        Self { platter: self.platter.clone(), disk: self.disk.clone(), writer: self.writer.clone() }
    }
}

impl<D> fmt::Debug for Memory<D> {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        formatter.debug_struct("Memory").finish_non_exhaustive()
    }
}

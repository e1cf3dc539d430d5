//! The engines, and how each is opened, closed, and opened again.

use std::sync::Arc;

use chat::{Fanout, Store};
use simulation::memory::{Flawless, Platter};
use tempfile::TempDir;

/// A place that holds one database, empty at first.
pub(crate) trait Engine: Send + Sync + 'static {
    type Store: Store;

    fn new() -> Self;
    fn open(&self, fanout: Arc<dyn Fanout>) -> impl Future<Output = Self::Store> + Send;
    fn close(store: &Self::Store) -> impl Future<Output = ()> + Send;
}

pub(crate) struct Sqlite {
    folder: TempDir,
}

impl Engine for Sqlite {
    type Store = server::store::Sqlite;

    fn new() -> Self {
        Self { folder: TempDir::new().unwrap() }
    }

    async fn open(&self, fanout: Arc<dyn Fanout>) -> Self::Store {
        server::store::Sqlite::open(self.folder.path(), fanout).unwrap()
    }

    async fn close(store: &Self::Store) {
        store.close().await;
    }
}

pub(crate) struct Memory {
    platter: Platter,
}

impl Engine for Memory {
    type Store = simulation::memory::Memory<Flawless>;

    fn new() -> Self {
        Self { platter: Platter::default() }
    }

    async fn open(&self, fanout: Arc<dyn Fanout>) -> Self::Store {
        let disk = Arc::new(Flawless);
        let store = simulation::memory::Memory::open(self.platter.clone(), disk, fanout);
        tokio::spawn(store.clone().writes());
        store
    }

    async fn close(store: &Self::Store) {
        store.close().await;
    }
}

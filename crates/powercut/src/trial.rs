//! The real store on our disk, and people who use it while things happen to it. A seed decides all of it: the same seed
//! is the same trial, but for how long threads take.

mod judge;
mod life;
mod people;
mod report;
mod weather;
mod witness;

use std::ops::Range;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use chat::{Error, StoreError};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rusqlite::Connection;
use server::store::{Sqlite, Upkeep};

use people::People;
pub use report::{Report, Tally};
pub use weather::Weather;
use witness::Witness;

use crate::{Disk, VFS};

/// Something was not as it was promised.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Violation(String);

/// How often somebody who was refused asks again.
const AGAIN: Duration = Duration::from_millis(1);
/// A checkpoint after so many pages: all the time, often, now and then.
const PAGES_AT_MOST: [i32; 3] = [4, 16, 64];

/// Runs the trials of these seeds in `jobs` threads, and shows each result to `watcher`.
///
/// # Panics
/// If the system has no threads or no folder for them.
pub fn run_all(
    weather: Weather,
    seeds: Range<u64>,
    jobs: usize,
    watcher: impl Fn(&Tally) + Sync,
) -> Tally {
    let (next, tally) = (AtomicU64::new(seeds.start), std::sync::Mutex::new(Tally::default()));
    std::thread::scope(|scope| {
        for _ in 0..jobs.max(1) {
            scope.spawn(|| {
                let new_folder = || tempfile::tempdir().expect("there is a place for folders");
                let mut folder = new_folder();
                loop {
                    let seed = next.fetch_add(1, Ordering::Relaxed);
                    if seed >= seeds.end {
                        return;
                    }
                    let outcome = run(seed, weather, folder.path());
                    if outcome.is_err() {
                        // Somebody may still be at work in the old one.
                        folder = new_folder();
                    }
                    let mut tally = tally.lock().expect("no watcher panics");
                    tally.add(seed, outcome);
                    watcher(&tally);
                }
            });
        }
    });
    tally.into_inner().expect("no watcher panics")
}

/// Runs one trial. The folder holds the lock file and nothing else; nobody else uses it.
///
/// # Panics
/// If the system has no runtime for it.
pub fn run(seed: u64, weather: Weather, folder: &Path) -> Result<Report, Violation> {
    crate::register();
    let runtime = tokio::runtime::Builder::new_current_thread().enable_time().build();
    runtime.expect("the system has a few threads to spare").block_on(async {
        let mut trial = Trial::new(seed, folder);
        trial.go_through(weather).await?;
        Ok(trial.finish())
    })
}

struct Trial<'a> {
    folder: &'a Path,
    disk: Arc<Disk>,
    upkeep: Upkeep,
    random: StdRng,
    people: People,
    witness: Arc<Witness>,
    report: Report,
    /// Somebody who reads an old state for long: a backup, say. And how many events they saw.
    visitor: Option<(Connection, i64)>,
}

impl<'a> Trial<'a> {
    fn new(seed: u64, folder: &'a Path) -> Self {
        let mut random = StdRng::seed_from_u64(seed);
        let pages_at_most = PAGES_AT_MOST[random.random_range(0..PAGES_AT_MOST.len())];
        Self {
            folder,
            disk: Disk::new(folder, random.random()),
            upkeep: Upkeep { pages_at_most, first_pause: AGAIN },
            people: People::new(random.random()),
            random,
            witness: Arc::default(),
            report: Report::default(),
            visitor: None,
        }
    }

    /// Opens the store. Nothing if it was struck meanwhile.
    fn open(&mut self) -> Result<Option<Arc<Sqlite>>, Violation> {
        match self.try_open() {
            Ok(store) => Ok(Some(store)),
            Err(_) if self.disk.struck().is_some() => Ok(None),
            Err(error) => violated(format!("It does not open: {error}")),
        }
    }

    fn try_open(&mut self) -> Result<Arc<Sqlite>, server::store::OpenError> {
        self.witness.seen().life += 1;
        let store = Sqlite::open_on(Some(VFS), self.folder, self.upkeep, self.witness.clone())?;
        // It has done so before anything can be asked of it.
        self.disk.sync_folder();
        self.report.openings += 1;
        Ok(Arc::new(store))
    }

    fn restart(&mut self) {
        if let Some(struck) = self.disk.struck() {
            *self.report.struck.entry(struck).or_default() += 1;
        }
        self.report.remains.add(self.disk.restart());
    }

    async fn judge(&self, store: &Sqlite) -> Result<(), Violation> {
        let mut seen = std::mem::take(&mut *self.witness.seen());
        let judged = judge::store(store, &self.people, &mut seen).await;
        *self.witness.seen() = seen;
        judged?;
        judge::file(&self.folder.join("parlor.db"))
    }

    fn finish(self) -> Report {
        let seen = self.witness.seen();
        let (told, read) = (seen.told.len() as u64, seen.looked);
        drop(seen);
        Report {
            failed: self.disk.failed(),
            messages: self.people.messages.len() as u64,
            told,
            read,
            ..self.report
        }
    }
}

/// Whether an error is one that tells people to ask again.
fn is_worth_a_retry(error: &Error) -> bool {
    error.retry_after().is_some_and(|after| !after.is_zero())
}

fn violated<T>(sentence: String) -> Result<T, Violation> {
    Err(Violation(sentence))
}

impl From<rusqlite::Error> for Violation {
    fn from(error: rusqlite::Error) -> Self {
        Self(format!("The database cannot be read: {error}"))
    }
}

impl From<StoreError> for Violation {
    fn from(error: StoreError) -> Self {
        Self(format!("The store cannot be read: {error}"))
    }
}

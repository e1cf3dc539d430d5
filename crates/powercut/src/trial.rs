//! The real store on our disk, and people who use it while things happen to it. A seed decides all of it: the same seed
//! is the same trial, but for how long threads take.

mod judge;
mod people;
mod report;
mod witness;

use std::ops::Range;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::task::{Context, Waker};
use std::time::Duration;

use chat::{Error, Store, StoreError};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use rusqlite::{Connection, OpenFlags};
use server::store::{Sqlite, Upkeep};
use tokio::time::{interval, timeout};

use people::{Deed, Outcome, People};
pub use report::{Report, Tally};
use witness::Witness;

use crate::{Call, Calls, Disk, Fault, Outage, Strike, VFS};

/// Something was not as it was promised.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct Violation(String);

/// What happens to the disk.
#[derive(Debug, Clone, Copy)]
pub enum Weather {
    /// Power is cut and processes are killed in the midst of whatever is being done, one to three times in a trial.
    /// Sometimes calls fail before that.
    Storms,
    /// These calls fail for a while, counted from the first one of all.
    Faults(Fault),
    /// Calls fail for a while; which ones is drawn.
    Breakdowns,
    /// The disk is full for a while, once or often.
    Floods,
    /// Power is cut, and the disk has never synced what it said it had. No store can stand that.
    Lies,
}

/// A test that hangs is a test that fails.
const PATIENCE: Duration = Duration::from_secs(20);
/// How often somebody who was refused asks again.
const AGAIN: Duration = Duration::from_millis(1);
/// A checkpoint after so many pages: all the time, often, now and then.
const PAGES_AT_MOST: [i32; 3] = [4, 16, 64];
/// Most changes that are made before something strikes, if not earlier.
const CHANGES: u64 = 150;
/// About so many changes lie between two syncs.
const CHANGES_PER_SYNC: u64 = 8;
/// Most times that somebody asks for something before that.
const STEPS: u64 = 40;
/// How much longer it takes in one of eight lives.
const LONGER: u64 = 8;
/// Most changes that opening a store makes, about.
const CHANGES_TO_OPEN: u64 = 40;
/// Most things that are asked for at once.
const CROWD: usize = 5;
/// Most room that there is before a disk is full, in bytes.
const ROOM: usize = 100_000;

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
        match weather {
            Weather::Storms => trial.storms().await?,
            Weather::Faults(fault) => trial.faults(fault).await?,
            Weather::Breakdowns => trial.breakdowns().await?,
            Weather::Floods => trial.floods().await?,
            Weather::Lies => {
                trial.disk.lie();
                trial.storms().await?;
            }
        }
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

/// What must go on while something is amiss.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Reading {
    GoesOn,
    MayFail,
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

    /// Power is cut, processes are killed.
    async fn storms(&mut self) -> Result<(), Violation> {
        for _ in 0..self.random.random_range(1..=3) {
            let outage =
                if self.random.random_ratio(2, 3) { Outage::Power } else { Outage::Process };
            let long = if self.random.random_ratio(1, 8) { LONGER } else { 1 };
            let early = self.random.random_ratio(1, 4);
            if early {
                let after = self.random.random_range(0..CHANGES_TO_OPEN);
                self.disk.strike_during(Strike { outage, calls: Calls::Changes, after });
            }
            if let Some(store) = self.open()? {
                let judged = self.judge(&store).await;
                // A judge who is struck as well knows nothing.
                if self.disk.struck().is_none() {
                    judged?;
                }
                if !early {
                    let (calls, after) = self.some_call(long);
                    self.disk.strike_during(Strike { outage, calls, after });
                }
                if self.random.random_ratio(1, 4) {
                    self.break_something();
                }
                let rooms = self.people.rooms.iter().map(|room| room.id).collect();
                let watching = StdRng::seed_from_u64(self.random.random());
                self.witness.watch(&self.disk, &store, rooms, watching);
                let steps = self.random.random_range(1..STEPS * long);
                self.live(&store, steps, Reading::MayFail).await?;
                // In the midst of closing, perhaps.
                if self.random.random() {
                    self.leave();
                    store.close().await;
                }
                self.disk.watch_no_more();
                self.disk.strike(outage);
                self.leave();
                store.close().await;
            }
            self.disk.mend();
            self.restart();
        }
        self.fair_weather().await
    }

    /// Some calls fail, one, a few, or all that follow it.
    async fn breakdowns(&mut self) -> Result<(), Violation> {
        let calls = [Calls::Any, Calls::Changes, Calls::Syncs][self.random.random_range(0..3)];
        let times = [1, 3, Fault::FOR_GOOD][self.random.random_range(0..3)];
        let most = CHANGES << self.random.random_range(0..3);
        let after = self.random.random_range(0..most);
        self.faults(Fault { calls, after, times }).await
    }

    /// Calls fail, and then no more.
    async fn faults(&mut self, fault: Fault) -> Result<(), Violation> {
        let reading = match fault.calls {
            Calls::Any => Reading::MayFail,
            Calls::Changes | Calls::Syncs => Reading::GoesOn,
        };
        self.disk.break_down(fault);
        let opened = self.try_open();
        let store = match opened {
            Ok(store) => store,
            Err(error) => {
                self.disk.mend();
                if self.disk.failed().is_empty() {
                    return violated(format!("It does not open: {error}"));
                }
                self.open()?.ok_or_else(|| Violation("It does not open.".to_owned()))?
            }
        };
        self.live(&store, 8, reading).await?;
        if !self.disk.failed().is_empty() {
            self.disk.mend();
            // Without a restart.
            self.until_it_works(&store).await?;
            self.judge(&store).await?;
            self.send_all_again(&store).await?;
        }
        self.leave();
        store.close().await;
        self.disk.mend();
        drop(store);
        self.fair_weather().await
    }

    /// The disk is full, and then no more.
    async fn floods(&mut self) -> Result<(), Violation> {
        let store = self.open()?.ok_or_else(|| Violation("It does not open.".to_owned()))?;
        for _ in 0..self.random.random_range(1..=3) {
            self.live(&store, 5, Reading::GoesOn).await?;
            self.disk.limit(Some(self.disk.used() + self.random.random_range(0..ROOM)));
            let before = self.report.refused;
            for _ in 0..100 {
                self.live(&store, 1, Reading::GoesOn).await?;
                if self.report.refused > before {
                    break;
                }
            }
            self.live(&store, 5, Reading::GoesOn).await?;
            self.report.floods += u64::from(self.report.refused > before);
            self.disk.limit(None);
            self.until_it_works(&store).await?;
            self.judge(&store).await?;
        }
        self.send_all_again(&store).await?;
        if self.random.random() {
            self.disk.strike(Outage::Power);
        }
        self.leave();
        store.close().await;
        drop(store);
        self.restart();
        self.fair_weather().await
    }

    /// Nothing happens any more. Everybody sends again what was not acked, and then everything is there once.
    async fn fair_weather(&mut self) -> Result<(), Violation> {
        for _ in 0..2 {
            let store = self.open()?.ok_or_else(|| Violation("It does not open.".to_owned()))?;
            self.judge(&store).await?;
            self.send_all_again(&store).await?;
            self.judge(&store).await?;
            store.close().await;
            judge::file(&self.folder.join("parlor.db"))?;
        }
        Ok(())
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

    /// People use the store.
    async fn live(
        &mut self,
        store: &Arc<Sqlite>,
        steps: u64,
        reading: Reading,
    ) -> Result<(), Violation> {
        for _ in 0..steps {
            if self.disk.struck().is_some() {
                return Ok(());
            }
            match self.random.random_range(0..10) {
                0 => self.come_or_leave(),
                1 if !self.people.rooms.is_empty() => self.look(store, reading).await?,
                _ => self.crowd(store).await?,
            }
        }
        Ok(())
    }

    /// Some things are asked for at once, and become one transaction.
    async fn crowd(&mut self, store: &Arc<Sqlite>) -> Result<(), Violation> {
        let size = self.random.random_range(1..=CROWD);
        let deeds: Vec<Deed> = (0..size).map(|_| self.people.next()).collect();
        let refused = self.ask(store, deeds).await?;
        if refused && !self.disk.fails_for_good() {
            self.until_it_works_or_strikes(store).await?;
        }
        // The writer tidies up when it has answered, and takes this when it has done so.
        let _ = store.check().await;
        Ok(())
    }

    /// Returns whether any was refused.
    async fn ask(&mut self, store: &Arc<Sqlite>, deeds: Vec<Deed>) -> Result<bool, Violation> {
        let hold = (deeds.len() > 1).then(|| self.disk.hold());
        // The writer takes this one, stands before the disk, and finds all the others when it comes back.
        let mut first = Box::pin(store.check());
        if let Some(hold) = &hold
            && !is_done(&mut first)
        {
            hold.until_somebody_waits();
        }
        let mut asked: Vec<_> = deeds.into_iter().map(|deed| Box::pin(deed.ask(store))).collect();
        let answers: Vec<_> = asked.iter_mut().map(poll).collect();
        drop(hold);
        let mut refused = false;
        for (asked, answer) in asked.into_iter().zip(answers) {
            let answer = match answer {
                Some(answer) => answer,
                None => asked.await,
            };
            self.report.asked += 1;
            match self.people.learn(answer)? {
                Outcome::Acked => self.report.acked += 1,
                Outcome::Refused => refused = true,
            }
        }
        self.report.refused += u64::from(refused);
        Ok(refused)
    }

    async fn look(&mut self, store: &Arc<Sqlite>, reading: Reading) -> Result<(), Violation> {
        let rooms = &self.people.rooms;
        let room = rooms[self.random.random_range(0..rooms.len())].id;
        let was_read = self.witness.look(store, room).await;
        if !was_read && reading == Reading::GoesOn {
            return violated("Reading does not go on.".to_owned());
        }
        Ok(())
    }

    /// Somebody begins to read and stays, or has read enough.
    fn come_or_leave(&mut self) {
        if self.visitor.is_some() {
            return self.leave();
        }
        let begun = || -> rusqlite::Result<_> {
            let file = self.folder.join("parlor.db");
            let flags = OpenFlags::SQLITE_OPEN_READ_WRITE;
            let db = Connection::open_with_flags_and_vfs(file, flags, VFS)?;
            db.execute_batch("BEGIN")?;
            let events = db.query_row("SELECT count(*) FROM events", [], |row| row.get(0))?;
            Ok((db, events))
        };
        // It may fail as anything may; who visits is no promise of ours.
        self.visitor = begun().ok();
    }

    fn leave(&mut self) {
        let Some((db, events)) = self.visitor.take() else { return };
        let now = db.query_row("SELECT count(*) FROM events", [], |row| row.get::<_, i64>(0));
        if now.is_ok_and(|now| now != events) {
            self.witness.seen().amiss.push("A reader's view has changed.".to_owned());
        }
    }

    /// No call that reads: which of two readers makes it is chance, and it would not be the same trial again.
    fn break_something(&mut self) {
        let ((calls, after), times) = (self.some_call(1), self.random.random_range(1..4));
        self.disk.break_down(Fault { calls, after, times });
    }

    /// A change that is to come, or a sync: soon, or at any time of a life that is so long.
    fn some_call(&mut self, long: u64) -> (Calls, u64) {
        let (calls, most) = if self.random.random_ratio(1, 3) {
            (Calls::Syncs, CHANGES / CHANGES_PER_SYNC * long)
        } else {
            (Calls::Changes, CHANGES * long)
        };
        let most = most >> self.random.random_range(0..5);
        (calls, self.random.random_range(0..=most))
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

    /// What was acked gets the same answer again; what was not is stored now, if it was not before.
    async fn send_all_again(&mut self, store: &Arc<Sqlite>) -> Result<(), Violation> {
        let all: Vec<_> = (0..self.people.messages.len()).collect();
        for some in all.chunks(CROWD) {
            let deeds = some.iter().map(|&number| self.people.send_again(number)).collect();
            if self.ask(store, deeds).await? {
                return violated("It refuses to work in fair weather.".to_owned());
            }
        }
        Ok(())
    }

    async fn until_it_works(&mut self, store: &Sqlite) -> Result<(), Violation> {
        let trying = async {
            let mut ticks = interval(AGAIN);
            while let Err(error) = store.check().await {
                if !is_worth_a_retry(&error.into()) {
                    return violated(format!("It does not recover: {error}."));
                }
                // What a sync may have thrown away has to be moved again, and all of it: that can wait for whoever reads
                // an old state.
                if self.disk.failed().keys().any(|(call, _)| *call == Call::Sync) {
                    self.leave();
                }
                ticks.tick().await;
            }
            Ok(())
        };
        let recovered = timeout(PATIENCE, trying).await;
        recovered.unwrap_or_else(|_| violated("It does not recover.".to_owned()))
    }

    async fn until_it_works_or_strikes(&mut self, store: &Sqlite) -> Result<(), Violation> {
        let disk = self.disk.clone();
        let struck = async move {
            let mut ticks = interval(AGAIN);
            while disk.struck().is_none() {
                ticks.tick().await;
            }
            Ok(())
        };
        tokio::select! {
            works = self.until_it_works(store) => works,
            struck = struck => struck,
        }
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

/// Gives what is asked to whoever is to answer it.
fn poll<F: Future>(asked: &mut Pin<Box<F>>) -> Option<F::Output> {
    match asked.as_mut().poll(&mut Context::from_waker(Waker::noop())) {
        std::task::Poll::Ready(answer) => Some(answer),
        std::task::Poll::Pending => None,
    }
}

fn is_done<F: Future>(asked: &mut Pin<Box<F>>) -> bool {
    poll(asked).is_some()
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

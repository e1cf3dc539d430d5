//! A disk in memory, for whoever decides what happens to it. What SQLite does to it goes through the [`calls`].

mod calls;
mod directory;
mod file;
mod locks;
mod outage;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use rand::SeedableRng;
use rand::rngs::StdRng;

pub(crate) use calls::{Durable, IfMissing, Trouble};
use directory::{Directory, FileId};
use file::File;
use locks::{FileLock, HandleId, SharedMemory};
pub(crate) use locks::{Level, SHARED_LOCKS, Wish};
pub use outage::{Call, Calls, Fault, Moment, Outage, Part, Remains, Strike};

/// All disks, by the folder that each stands in for. SQLite tells us a path and nothing else.
static DISKS: Mutex<BTreeMap<PathBuf, Weak<Disk>>> = Mutex::new(BTreeMap::new());

/// How long somebody is waited for who is to make a call. A test that hangs is a test that fails.
const PATIENCE: Duration = Duration::from_secs(20);

/// What is in one folder, on a disk that does what it is told to. Only files that SQLite opens are on it.
pub struct Disk {
    folder: PathBuf,
    state: Mutex<State>,
    /// Somebody waits at a disk that is held, or it is not held any more.
    moved: Condvar,
}

/// Calls that failed, by what they were to do.
pub type Failed = BTreeMap<(Call, Part), u64>;

type Watcher = Box<dyn FnMut() + Send>;

struct State {
    random: StdRng,
    files: Vec<File>,
    directory: Directory,
    handles: BTreeMap<HandleId, Handle>,
    locks: BTreeMap<FileId, FileLock>,
    memory: BTreeMap<FileId, SharedMemory>,
    handles_ever: HandleId,
    calls: u64,
    /// What struck, when it struck.
    down: Option<(Outage, Moment)>,
    strike: Option<Strike>,
    fault: Option<Fault>,
    failed: Failed,
    capacity: Option<usize>,
    lies: bool,
    is_held: bool,
    waiting: usize,
    watcher: Option<Watcher>,
}

struct Handle {
    file: FileId,
    part: Part,
    /// Its first sync makes its name durable too, as SQLite does for a log or a journal that it would have created had
    /// there been none.
    syncs_name: bool,
    name: Option<String>,
}

/// Keeps everybody from a disk. Dropped, it lets them go on.
pub struct Hold<'a>(&'a Disk);

impl Disk {
    /// An empty disk for the files of this folder, for as long as it lives. What chance decides is drawn from `seed`.
    pub fn new(folder: &Path, seed: u64) -> Arc<Self> {
        let state = State {
            random: StdRng::seed_from_u64(seed),
            files: Vec::new(),
            directory: Directory::default(),
            handles: BTreeMap::new(),
            locks: BTreeMap::new(),
            memory: BTreeMap::new(),
            handles_ever: 0,
            calls: 0,
            down: None,
            strike: None,
            fault: None,
            failed: Failed::new(),
            capacity: None,
            lies: false,
            is_held: false,
            waiting: 0,
            watcher: None,
        };
        let folder = folder.to_owned();
        let disk = Arc::new(Self { folder, state: Mutex::new(state), moved: Condvar::new() });
        disks().insert(disk.folder.clone(), Arc::downgrade(&disk));
        disk
    }

    /// The disk that has this file.
    pub(crate) fn of(file: &Path) -> Option<Arc<Self>> {
        disks().get(file.parent()?)?.upgrade()
    }

    /// Lets something strike in the midst of a call that is to come. Whatever was to strike before does not.
    pub fn strike_during(&self, strike: Strike) {
        self.state().strike = Some(strike);
    }

    /// Strikes now, if nothing has.
    pub fn strike(&self, outage: Outage) {
        let mut state = self.state();
        let _ = state.down.get_or_insert((outage, Moment::Rest));
    }

    /// What has struck, and what was being done then. Every call fails until the disk is [restarted](Self::restart).
    pub fn struck(&self) -> Option<(Outage, Moment)> {
        self.state().down
    }

    /// Comes back after something has struck. What was not synced is there or not, if it was the power.
    ///
    /// # Panics
    /// If somebody has a file open: nobody survives this.
    pub fn restart(&self) -> Remains {
        let mut state = self.state();
        let state = &mut *state;
        assert!(state.handles.is_empty(), "a dead process has files open");
        let mut remains = Remains::default();
        if let Some((Outage::Power, _)) = state.down.take() {
            state.directory.lose_power(&mut state.random);
            for file in &mut state.files {
                file.lose_power(&mut state.random, &mut remains);
            }
        }
        state.strike = None;
        remains
    }

    /// Lets calls fail, until [`mend`](Self::mend).
    pub fn break_down(&self, fault: Fault) {
        self.state().fault = Some(fault);
    }

    /// Lets calls succeed again.
    pub fn mend(&self) {
        self.state().fault = None;
    }

    /// Which calls have failed, and how often.
    pub fn failed(&self) -> Failed {
        self.state().failed.clone()
    }

    /// Whether nothing can be changed on it at present, nor will by itself.
    pub fn fails_for_good(&self) -> bool {
        let state = self.state();
        let fails = state.fault.is_some_and(|fault| fault.times == Fault::FOR_GOOD);
        fails || state.capacity.is_some() || state.down.is_some()
    }

    /// How much fits on the disk, in bytes. `None`: whatever comes.
    pub fn limit(&self, bytes: Option<usize>) {
        self.state().capacity = bytes;
    }

    /// How much is on the disk, in bytes.
    pub fn used(&self) -> usize {
        self.state().used()
    }

    /// From now on it says that everything is synced, and syncs nothing.
    pub fn lie(&self) {
        self.state().lies = true;
    }

    /// How many calls there have been.
    pub fn calls(&self) -> u64 {
        self.state().calls
    }

    /// The program has synced the folder, with a call of the system's that no disk in memory can see.
    pub fn sync_folder(&self) {
        let mut state = self.state();
        if state.down.is_none() && !state.lies {
            state.directory.sync();
        }
    }

    /// Calls this before each change, from the thread that is about to make it. It may read from the disk.
    pub fn watch(&self, watcher: impl FnMut() + Send + 'static) {
        self.state().watcher = Some(Box::new(watcher));
    }

    /// Nobody is called any more. Returns when nobody is.
    pub fn watch_no_more(&self) {
        self.state().watcher = None;
    }

    /// From now on whoever makes a call waits.
    pub fn hold(&self) -> Hold<'_> {
        self.state().is_held = true;
        Hold(self)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl State {
    fn used(&self) -> usize {
        let files: usize = self.directory.files().map(|file| self.files[file].len()).sum();
        files + self.memory.values().map(SharedMemory::len).sum::<usize>()
    }
}

impl Hold<'_> {
    /// Waits until somebody waits.
    pub fn until_somebody_waits(&self) {
        let nobody = |state: &mut State| state.waiting == 0;
        let waited = self.0.moved.wait_timeout_while(self.0.state(), PATIENCE, nobody);
        let (state, timeout) = waited.unwrap_or_else(PoisonError::into_inner);
        drop(state);
        assert!(!timeout.timed_out(), "nobody came");
    }
}

impl Drop for Hold<'_> {
    fn drop(&mut self) {
        self.0.state().is_held = false;
        self.0.moved.notify_all();
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        // Unless another one has taken its place.
        let mut disks = disks();
        if disks.get(&self.folder).is_some_and(|disk| disk.strong_count() == 0) {
            disks.remove(&self.folder);
        }
    }
}

impl std::fmt::Debug for Disk {
    fn fmt(&self, formatter: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        formatter.debug_struct("Disk").field("folder", &self.folder).finish_non_exhaustive()
    }
}

fn disks() -> MutexGuard<'static, BTreeMap<PathBuf, Weak<Disk>>> {
    DISKS.lock().unwrap_or_else(PoisonError::into_inner)
}

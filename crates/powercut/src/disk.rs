//! A disk in memory. What SQLite does to it goes through the calls at the end of this file; everything before them is
//! for whoever decides what happens to it.

mod directory;
mod file;
mod locks;
mod outage;

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};

use directory::{Directory, FileId};
use file::{File, SECTOR};
use locks::{FileLock, HandleId, SharedMemory};
pub(crate) use locks::{Level, REGION, SHARED_LOCKS, Wish};
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

/// Why a call did not do what it should. The shim knows what SQLite calls it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Trouble {
    /// It failed.
    Failed,
    /// There is no room.
    Full,
    /// Somebody else has a lock.
    Busy,
    /// There is no such file.
    Missing,
}

/// Calls that failed, by what they were to do.
pub type Failed = BTreeMap<(Call, Part), u64>;

type Outcome<T> = Result<T, Trouble>;
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
    /// Its first sync makes its name durable too, as SQLite does for a log or a journal that it creates.
    is_new: bool,
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

/// What becomes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Succeeds,
    Fails,
    /// It is a change, and power fails in its midst: it may be made, wholly, in part or not at all.
    IsLast,
}

/// What SQLite asks for.
impl Disk {
    pub(crate) fn open(&self, path: &str, part: Part, may_create: bool) -> Outcome<HandleId> {
        let exists = self.state().directory.find(path).is_some();
        // What the program has made with the system's calls, an empty file for the database, is seen here when SQLite
        // opens it.
        let may_create = may_create || (part == Part::Database && Path::new(path).exists());
        if !exists && !may_create {
            return Err(Trouble::Missing);
        }
        let (mut state, fate) = self.begin(if exists { Call::Open } else { Call::Create }, part)?;
        if fate == Fate::Fails {
            return Err(Trouble::Failed);
        }
        let state = &mut *state;
        let file = state.directory.find(path).unwrap_or_else(|| {
            state.files.push(File::default());
            state.directory.set(path, Some(state.files.len() - 1));
            state.files.len() - 1
        });
        if fate == Fate::IsLast {
            return Err(Trouble::Failed);
        }
        state.handles_ever += 1;
        let is_new = !exists && part != Part::Database;
        let handle = Handle { file, part, is_new, name: None };
        state.handles.insert(state.handles_ever, handle);
        Ok(state.handles_ever)
    }

    /// The file goes when it is closed.
    pub(crate) fn delete_on_close(&self, handle: HandleId, path: &str) {
        if let Some(handle) = self.state().handles.get_mut(&handle) {
            handle.name = Some(path.to_owned());
        }
    }

    pub(crate) fn close(&self, handle: HandleId) {
        self.forget(handle);
        let mut state = self.state();
        if let Some(Handle { name: Some(name), .. }) = state.handles.remove(&handle) {
            state.directory.set(&name, None);
        }
    }

    pub(crate) fn delete(&self, path: &str, part: Part, sync: bool) -> Outcome<()> {
        let (mut state, fate) = self.begin(Call::Delete, part)?;
        if state.directory.find(path).is_none() {
            return Err(Trouble::Missing);
        }
        if fate == Fate::Fails {
            return Err(Trouble::Failed);
        }
        state.directory.set(path, None);
        if fate == Fate::IsLast {
            return Err(Trouble::Failed);
        }
        if sync && !state.lies {
            state.directory.sync();
        }
        Ok(())
    }

    /// Whether there is such a file and something in it.
    pub(crate) fn is_there(&self, path: &str, part: Part) -> Outcome<bool> {
        let (state, fate) = self.begin(Call::Look, part)?;
        let there = state.directory.find(path).is_some_and(|file| state.files[file].len() > 0);
        if fate == Fate::Succeeds { Ok(there) } else { Err(Trouble::Failed) }
    }

    pub(crate) fn read(&self, handle: HandleId, at: usize, into: &mut [u8]) -> Outcome<usize> {
        let (mut state, file) = self.begin_at(Call::Read, handle)?;
        Ok(state.file(file).read(at, into))
    }

    pub(crate) fn size(&self, handle: HandleId) -> Outcome<usize> {
        let (mut state, file) = self.begin_at(Call::Size, handle)?;
        Ok(state.file(file).len())
    }

    pub(crate) fn write(&self, handle: HandleId, at: usize, bytes: &[u8]) -> Outcome<()> {
        let (file, part) = self.handle(handle)?;
        let (mut state, fate) = self.begin(Call::Write, part)?;
        let grows = (at + bytes.len()).saturating_sub(state.file(file).len());
        let room = state.capacity.map_or(usize::MAX, |most| most.saturating_sub(state.used()));
        let fits = bytes.len().saturating_sub(grows.saturating_sub(room));
        if fate == Fate::Fails {
            // Some of it may have been written.
            let some = SECTOR * state.random.random_range(0..=bytes.len() / SECTOR);
            state.write(file, at, &bytes[..some.min(fits)]);
            return Err(Trouble::Failed);
        }
        if fits < bytes.len() {
            state.write(file, at, &bytes[..fits]);
            return Err(Trouble::Full);
        }
        state.write(file, at, bytes);
        if fate == Fate::IsLast { Err(Trouble::Failed) } else { Ok(()) }
    }

    pub(crate) fn truncate(&self, handle: HandleId, length: usize) -> Outcome<()> {
        let (file, part) = self.handle(handle)?;
        let (mut state, fate) = self.begin(Call::Truncate, part)?;
        if fate != Fate::Fails {
            state.file(file).resize(length);
        }
        if fate == Fate::Succeeds { Ok(()) } else { Err(Trouble::Failed) }
    }

    pub(crate) fn sync(&self, handle: HandleId) -> Outcome<()> {
        let (file, part) = self.handle(handle)?;
        let (mut state, fate) = self.begin(Call::Sync, part)?;
        let state = &mut *state;
        match fate {
            Fate::Succeeds if state.lies => {}
            Fate::Succeeds => {
                state.files[file].sync();
                let handle = state.handles.get_mut(&handle);
                if handle.is_some_and(|handle| std::mem::take(&mut handle.is_new)) {
                    state.directory.sync();
                }
            }
            Fate::Fails => state.files[file].fail_to_sync(&mut state.random),
            Fate::IsLast => {}
        }
        if fate == Fate::Succeeds { Ok(()) } else { Err(Trouble::Failed) }
    }

    pub(crate) fn lock(&self, handle: HandleId, level: Level) -> Outcome<()> {
        let (mut state, file) = self.begin_at(Call::Lock, handle)?;
        let given = state.locks.entry(file).or_default().take(handle, level);
        if given { Ok(()) } else { Err(Trouble::Busy) }
    }

    /// Never fails, as in an operating system.
    pub(crate) fn unlock(&self, handle: HandleId, level: Level) {
        let Ok((file, _)) = self.handle(handle) else { return };
        self.state().locks.entry(file).or_default().lower(handle, level);
    }

    pub(crate) fn is_reserved(&self, handle: HandleId) -> Outcome<bool> {
        let (mut state, file) = self.begin_at(Call::Lock, handle)?;
        Ok(state.locks.entry(file).or_default().is_reserved())
    }

    /// Where a region of shared memory is. Nothing if it does not exist and is not to be made.
    pub(crate) fn map(
        &self,
        handle: HandleId,
        region: usize,
        extend: bool,
    ) -> Outcome<Option<*mut u64>> {
        let (mut state, file) = self.begin_at(Call::Map, handle)?;
        let room = state.capacity.map_or(usize::MAX, |most| most.saturating_sub(state.used()));
        let memory = state.memory.entry(file).or_default();
        if extend && !memory.has(region) {
            if room < REGION {
                return Err(Trouble::Full);
            }
            memory.extend(region);
        }
        Ok(memory.region(handle, region))
    }

    pub(crate) fn lock_memory(&self, handle: HandleId, locks: u8, wish: Wish) -> Outcome<()> {
        // Letting go never fails.
        let (mut state, file) = if wish == Wish::Release {
            let (file, _) = self.handle(handle)?;
            (self.state(), file)
        } else {
            self.begin_at(Call::LockMemory, handle)?
        };
        let granted = state.memory.entry(file).or_default().lock(handle, locks, wish);
        if granted { Ok(()) } else { Err(Trouble::Busy) }
    }

    pub(crate) fn unmap(&self, handle: HandleId) {
        let Ok((file, _)) = self.handle(handle) else { return };
        if let Some(memory) = self.state().memory.get_mut(&file) {
            memory.leave(handle);
        }
    }

    fn forget(&self, handle: HandleId) {
        self.unlock(handle, Level::None);
        self.unmap(handle);
    }

    fn handle(&self, handle: HandleId) -> Outcome<(FileId, Part)> {
        let state = self.state();
        state.handles.get(&handle).map(|it| (it.file, it.part)).ok_or(Trouble::Failed)
    }

    /// A call that changes nothing.
    fn begin_at(&self, call: Call, handle: HandleId) -> Outcome<(MutexGuard<'_, State>, FileId)> {
        let (file, part) = self.handle(handle)?;
        let (state, fate) = self.begin(call, part)?;
        if fate == Fate::Succeeds { Ok((state, file)) } else { Err(Trouble::Failed) }
    }

    /// Every call passes through here, and what is to become of it is decided.
    fn begin(&self, call: Call, part: Part) -> Outcome<(MutexGuard<'_, State>, Fate)> {
        let mut state = self.state();
        if state.is_held {
            state.waiting += 1;
            self.moved.notify_all();
            let released = self.moved.wait_while(state, |state| state.is_held);
            state = released.unwrap_or_else(PoisonError::into_inner);
            state.waiting -= 1;
        }
        if call.is_change()
            && let Some(mut watcher) = state.watcher.take()
        {
            drop(state);
            watcher();
            state = self.state();
            state.watcher = Some(watcher);
        }
        let fate = state.decide(call, part)?;
        Ok((state, fate))
    }
}

impl State {
    fn decide(&mut self, call: Call, part: Part) -> Outcome<Fate> {
        if self.down.is_some() {
            return Err(Trouble::Failed);
        }
        self.calls += 1;
        if let Some(strike) = &mut self.strike
            && strike.strikes(call)
        {
            self.down = Some((strike.outage, Moment::During(call, part)));
            return Ok(Fate::IsLast);
        }
        if self.fault.as_mut().is_some_and(|fault| fault.strikes(call)) {
            *self.failed.entry((call, part)).or_default() += 1;
            return Ok(Fate::Fails);
        }
        Ok(Fate::Succeeds)
    }

    fn used(&self) -> usize {
        let files: usize = self.directory.files().map(|file| self.files[file].len()).sum();
        files + self.memory.values().map(SharedMemory::len).sum::<usize>()
    }

    fn file(&mut self, file: FileId) -> &mut File {
        &mut self.files[file]
    }

    fn write(&mut self, file: FileId, at: usize, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.files[file].write(at, bytes);
        }
    }
}

//! What SQLite asks of a disk, and what becomes of each call.

use std::path::Path;
use std::sync::{MutexGuard, PoisonError};

use rand::RngExt;

use super::directory::FileId;
use super::file::{File, SECTOR};
use super::locks::{HandleId, Level, REGION, Wish};
use super::outage::{Call, Moment, Part};
use super::{Disk, Handle, State};

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

/// What is to be done about what is not there.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum IfMissing {
    Make,
    Leave,
}

/// When the folder knows for good that a file has gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Durable {
    AtOnce,
    Later,
}

type Outcome<T> = Result<T, Trouble>;

/// What becomes of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    Succeeds,
    Fails,
    /// It is a change, and power fails in its midst: it may be made, wholly, in part or not at all.
    IsLast,
}

impl Disk {
    pub(crate) fn open(&self, path: &str, part: Part, if_missing: IfMissing) -> Outcome<HandleId> {
        let exists = self.state().directory.find(path).is_some();
        // What the program has made with the system's calls, an empty file for the database, is seen here when SQLite
        // opens it.
        let was_made = part == Part::Database && Path::new(path).exists();
        if !exists && !was_made && if_missing == IfMissing::Leave {
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
        let syncs_name = if_missing == IfMissing::Make && part != Part::Database;
        let handle = Handle { file, part, syncs_name, name: None };
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

    pub(crate) fn delete(&self, path: &str, part: Part, durable: Durable) -> Outcome<()> {
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
        if durable == Durable::AtOnce && !state.lies {
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
                if handle.is_some_and(|handle| std::mem::take(&mut handle.syncs_name)) {
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

    /// Where a region of shared memory is. Nothing if it is missing and is left so.
    pub(crate) fn map(
        &self,
        handle: HandleId,
        region: usize,
        if_missing: IfMissing,
    ) -> Outcome<Option<*mut u64>> {
        let (mut state, file) = self.begin_at(Call::Map, handle)?;
        let room = state.capacity.map_or(usize::MAX, |most| most.saturating_sub(state.used()));
        let memory = state.memory.entry(file).or_default();
        if if_missing == IfMissing::Make && !memory.has(region) {
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

    fn file(&mut self, file: FileId) -> &mut File {
        &mut self.files[file]
    }

    fn write(&mut self, file: FileId, at: usize, bytes: &[u8]) {
        if !bytes.is_empty() {
            self.files[file].write(at, bytes);
        }
    }
}

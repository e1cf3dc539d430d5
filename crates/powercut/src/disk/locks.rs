//! Who may read and write: SQLite's locks on a file, and those on the memory that its connections share.

use std::cell::UnsafeCell;
use std::collections::BTreeMap;

/// The number of something that has a file open.
pub(super) type HandleId = u64;

/// How far a connection has gone towards writing to a file without a write-ahead log.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    #[default]
    None,
    Shared,
    Reserved,
    Pending,
    Exclusive,
}

/// The one lock that a file has, in several levels.
#[derive(Debug, Default)]
pub(super) struct FileLock(BTreeMap<HandleId, Level>);

impl FileLock {
    /// Whether it was given. Who waits for readers to leave keeps new ones out.
    pub(super) fn take(&mut self, by: HandleId, wanted: Level) -> bool {
        let held = self.0.get(&by).copied().unwrap_or_default();
        if held >= wanted {
            return true;
        }
        let others = self.0.iter().filter(|&(&holder, _)| holder != by).map(|(_, &level)| level);
        let highest = others.max().unwrap_or_default();
        let given = match wanted {
            Level::None => Level::None,
            Level::Shared if highest < Level::Pending => Level::Shared,
            Level::Reserved | Level::Pending if highest < Level::Reserved => wanted,
            Level::Exclusive if highest == Level::None => Level::Exclusive,
            Level::Exclusive if highest < Level::Reserved => Level::Pending,
            _ => held,
        };
        self.0.insert(by, given);
        given >= wanted
    }

    /// Goes back to a lower level.
    pub(super) fn lower(&mut self, by: HandleId, to: Level) {
        if to == Level::None {
            self.0.remove(&by);
        } else if let Some(held) = self.0.get_mut(&by) {
            *held = to.min(*held);
        }
    }

    pub(super) fn is_reserved(&self) -> bool {
        self.0.values().any(|&level| level >= Level::Reserved)
    }
}

/// How many locks shared memory has.
pub(crate) const SHARED_LOCKS: usize = 8;
/// How large a region is that SQLite maps, in bytes.
pub(super) const REGION: usize = 32 << 10;

/// Memory that all connections to a database write to behind our back, and locks that they agree to respect.
#[derive(Debug, Default)]
pub(super) struct SharedMemory {
    /// Each stays where it is until the last connection has gone. In words, because SQLite reads it in words.
    regions: Vec<Box<[UnsafeCell<u64>]>>,
    /// Who has come, and which locks each holds, one bit each: together with others, and alone.
    connections: BTreeMap<HandleId, (u8, u8)>,
}

/// What a connection wants of the locks of shared memory.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wish {
    Share,
    Own,
    Release,
}

impl SharedMemory {
    pub(super) fn len(&self) -> usize {
        self.regions.len() * REGION
    }

    pub(super) fn has(&self, region: usize) -> bool {
        region < self.regions.len()
    }

    /// Makes all regions up to this one.
    pub(super) fn extend(&mut self, region: usize) {
        while !self.has(region) {
            self.regions.push((0..REGION / size_of::<u64>()).map(|_| UnsafeCell::new(0)).collect());
        }
    }

    /// Where a region is, for somebody who keeps it until they leave.
    pub(super) fn region(&mut self, by: HandleId, region: usize) -> Option<*mut u64> {
        self.connections.entry(by).or_default();
        self.regions.get(region).map(|region| UnsafeCell::raw_get(region.as_ptr()))
    }

    /// Whether it was granted. `locks` has one bit for each.
    pub(super) fn lock(&mut self, by: HandleId, locks: u8, wish: Wish) -> bool {
        let others = self.connections.iter().filter(|&(&holder, _)| holder != by);
        let (shared, owned) =
            others.fold((0, 0), |(shared, owned), (_, mine)| (shared | mine.0, owned | mine.1));
        let is_free = match wish {
            Wish::Share => owned & locks == 0,
            Wish::Own => (shared | owned) & locks == 0,
            Wish::Release => true,
        };
        let mine = self.connections.entry(by).or_default();
        match wish {
            Wish::Share if is_free => mine.0 |= locks,
            Wish::Own if is_free => mine.1 |= locks,
            Wish::Release => *mine = (mine.0 & !locks, mine.1 & !locks),
            Wish::Share | Wish::Own => {}
        }
        is_free
    }

    /// Somebody leaves, and their locks with them. Who comes first after the last has left finds nothing.
    pub(super) fn leave(&mut self, by: HandleId) {
        self.connections.remove(&by);
        if self.connections.is_empty() {
            self.regions.clear();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_is_about_to_write_waits_for_readers_and_keeps_new_ones_out() {
        let mut lock = FileLock::default();
        assert!(lock.take(1, Level::Shared) && lock.take(2, Level::Shared));
        assert!(lock.take(1, Level::Reserved) && lock.is_reserved());
        assert!(!lock.take(2, Level::Reserved), "one writer");
        assert!(!lock.take(1, Level::Exclusive), "a reader is there");
        assert!(!lock.take(3, Level::Shared), "a writer waits");
        lock.lower(2, Level::None);
        assert!(lock.take(1, Level::Exclusive));
        lock.lower(1, Level::Shared);
        assert!(lock.take(3, Level::Shared) && !lock.is_reserved());
    }

    #[test]
    fn a_lock_in_shared_memory_is_shared_by_many_or_owned_by_one() {
        let mut memory = SharedMemory::default();
        assert!(memory.lock(1, 0b0001, Wish::Share) && memory.lock(2, 0b0001, Wish::Share));
        assert!(!memory.lock(3, 0b0011, Wish::Own), "one of them is shared");
        assert!(memory.lock(3, 0b0010, Wish::Own));
        assert!(!memory.lock(1, 0b0010, Wish::Share) && !memory.lock(1, 0b0010, Wish::Own));
        memory.leave(3);
        assert!(memory.lock(1, 0b0010, Wish::Own));
    }

    #[test]
    fn shared_memory_is_gone_when_the_last_one_has_left() {
        let mut memory = SharedMemory::default();
        memory.extend(0);
        assert!(memory.region(1, 0).is_some() && memory.region(2, 0).is_some());
        memory.leave(1);
        assert!(memory.has(0));
        memory.leave(2);
        assert!(!memory.has(0));
    }
}

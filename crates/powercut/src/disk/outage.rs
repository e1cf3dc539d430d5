//! What can happen to a disk, and in the midst of what.

/// What ends everybody who has a file open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Outage {
    /// The power is cut. Of what was not synced anything may be there.
    Power,
    /// The process is killed. What it wrote is there, synced or not.
    Process,
}

/// What was being done when it struck.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Moment {
    /// Nothing.
    Rest,
    /// This, to this file.
    During(Call, Part),
}

/// A kind of file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Part {
    /// The database.
    Database,
    /// Its write-ahead log.
    Log,
    /// A rollback journal, or whatever else SQLite puts beside it.
    Journal,
}

/// A kind of call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Call {
    /// A file that is there is opened.
    Open,
    /// A file is made.
    Create,
    /// A name is taken from a file.
    Delete,
    /// Whether there is a file.
    Look,
    /// Bytes are read.
    Read,
    /// Bytes are written.
    Write,
    /// A file is cut.
    Truncate,
    /// What was written is made durable.
    Sync,
    /// How long a file is.
    Size,
    /// A file is locked.
    Lock,
    /// Shared memory is mapped.
    Map,
    /// A lock in shared memory is taken.
    LockMemory,
}

impl Call {
    /// Whether it changes what is on the disk, or what will survive.
    pub fn is_change(self) -> bool {
        matches!(self, Self::Create | Self::Delete | Self::Write | Self::Truncate | Self::Sync)
    }
}

/// Which calls are counted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Calls {
    /// All.
    Any,
    /// Those that change what is on the disk, or what will survive.
    Changes,
    /// Those that make it durable.
    Syncs,
}

/// When something strikes: in the midst of one call.
#[derive(Debug, Clone, Copy)]
pub struct Strike {
    /// What strikes.
    pub outage: Outage,
    /// During which calls it can. Of [`Calls::Any`] it can during changes.
    pub calls: Calls,
    /// How many go by before.
    pub after: u64,
}

/// Calls that fail.
#[derive(Debug, Clone, Copy)]
pub struct Fault {
    /// Which can fail. If only changes can, reading goes on.
    pub calls: Calls,
    /// How many succeed before.
    pub after: u64,
    /// How many fail then.
    pub times: u64,
}

impl Calls {
    fn include(self, call: Call) -> bool {
        match self {
            Self::Any => true,
            Self::Changes => call.is_change(),
            Self::Syncs => call == Call::Sync,
        }
    }
}

impl Strike {
    /// Whether it is this call.
    pub(super) fn strikes(&mut self, call: Call) -> bool {
        if !call.is_change() || !self.calls.include(call) {
            return false;
        }
        let strikes = self.after == 0;
        self.after = self.after.saturating_sub(1);
        strikes
    }
}

impl Fault {
    /// Fails from then on, until it is mended.
    pub const FOR_GOOD: u64 = u64::MAX;

    /// Whether it is this call that fails.
    pub(super) fn strikes(&mut self, call: Call) -> bool {
        if !self.calls.include(call) {
            return false;
        }
        if self.after > 0 {
            self.after -= 1;
            return false;
        }
        let strikes = self.times > 0;
        if self.times != Self::FOR_GOOD {
            self.times = self.times.saturating_sub(1);
        }
        strikes
    }
}

/// What power left of what was not synced, in writes.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Remains {
    /// Those that are there.
    pub kept: u64,
    /// Those of which some sectors are there.
    pub torn: u64,
    /// Those that are not.
    pub lost: u64,
}

impl Remains {
    /// Takes others in.
    pub fn add(&mut self, others: Self) {
        self.kept += others.kept;
        self.torn += others.torn;
        self.lost += others.lost;
    }

    pub(super) fn count(&mut self, kept: usize, lost: usize) {
        match (kept, lost) {
            (_, 0) => self.kept += 1,
            (0, _) => self.lost += 1,
            _ => self.torn += 1,
        }
    }
}

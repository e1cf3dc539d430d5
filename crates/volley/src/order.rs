//! One order for all that happens to a group, whatever threads it comes from.

use crate::sync::Mutex;

/// How many members of a group each shard has, under the lock that puts sends and joins in one order.
///
/// What is done under it is leaving an order in an inbox: a send costs as many pushes as there are shards with members,
/// however many members those have.
#[derive(Debug)]
pub(crate) struct Order {
    members: Mutex<Box<[u32]>>,
}

impl Order {
    pub(crate) fn new(shards: usize) -> Self {
        Self { members: Mutex::new(vec![0; shards].into()) }
    }

    /// Calls `deliver` for every shard that has members. No other send or join of the group comes between.
    pub(crate) fn send(&self, mut deliver: impl FnMut(usize)) {
        let members = self.members.lock().expect("no delivery panics");
        for (shard, _) in members.iter().enumerate().filter(|(_, count)| **count > 0) {
            deliver(shard);
        }
    }

    /// Counts a member that is about to come to this shard and lets `deliver` tell the shard of it. What `deliver` gives
    /// back is the caller's to drop: by then the lock is free.
    pub(crate) fn join<T>(&self, shard: usize, deliver: impl FnOnce() -> T) -> T {
        let mut members = self.members.lock().expect("no delivery panics");
        members[shard] += 1;
        deliver()
    }

    /// A member of this shard is gone, or did not come after all.
    pub(crate) fn left(&self, shard: usize) {
        self.members.lock().expect("no delivery panics")[shard] -= 1;
    }

    /// Members in all shards, those on their way included.
    pub(crate) fn members(&self) -> usize {
        let members = self.members.lock().expect("no delivery panics");
        members.iter().map(|count| *count as usize).sum()
    }
}

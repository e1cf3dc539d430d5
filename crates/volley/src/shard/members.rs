//! Which connections of this shard are in which group.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use indexmap::IndexSet;

use crate::group::GroupId;

/// The rosters of all groups with a member in this shard: dense lists, since sending walks them and little else does.
#[derive(Debug, Default)]
pub(crate) struct Members {
    rosters: HashMap<GroupId, IndexSet<u32>>,
}

impl Members {
    /// `false` for one who is a member already.
    pub(crate) fn join(&mut self, group: GroupId, session: u32) -> bool {
        self.rosters.entry(group).or_default().insert(session)
    }

    /// `false` for one who is no member.
    pub(crate) fn leave(&mut self, group: GroupId, session: u32) -> bool {
        let Entry::Occupied(mut entry) = self.rosters.entry(group) else {
            return false;
        };
        let roster = entry.get_mut();
        let left = roster.swap_remove(&session);
        if roster.is_empty() {
            entry.remove();
        } else if roster.capacity() > 64 && roster.len() < roster.capacity() / 4 {
            roster.shrink_to(roster.len() * 2);
        }
        if self.rosters.capacity() > 64 && self.rosters.len() < self.rosters.capacity() / 4 {
            self.rosters.shrink_to(self.rosters.len() * 2);
        }
        left
    }

    /// The members of a group.
    pub(crate) fn of(&self, group: GroupId) -> impl Iterator<Item = u32> {
        self.rosters.get(&group).into_iter().flatten().copied()
    }
}

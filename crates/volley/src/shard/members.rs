//! Which connections of this shard are in which group, and what each group is sent in this tick.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::rc::Rc;

use indexmap::IndexSet;

use super::outbox::Outgoing;
use crate::group::GroupId;

/// The rosters of all groups with a member in this shard.
#[derive(Debug, Default)]
pub(crate) struct Members {
    rosters: HashMap<GroupId, Roster>,
}

/// The members of one group, as a dense list, since sending walks it and little else does.
///
/// What a group is sent in one tick is one salvo, kept once for all members: they share one run of bytes and one write
/// each, and their own queues are not touched. A member for whom something else comes between stands apart for the rest
/// of the tick and gets each frame into its queue, so that the order is kept.
#[derive(Debug, Default)]
pub(crate) struct Roster {
    pub(crate) sessions: IndexSet<u32>,
    pub(crate) salvo: Vec<Rc<Outgoing>>,
    pub(crate) apart: Vec<u32>,
}

impl Members {
    /// `false` for one who is a member already.
    pub(crate) fn join(&mut self, group: GroupId, session: u32) -> bool {
        let roster = self.rosters.entry(group).or_default();
        let joined = roster.sessions.insert(session);
        // What was sent before is not for the newcomer.
        if joined && !roster.salvo.is_empty() {
            roster.apart.push(session);
        }
        joined
    }

    /// For a member that awaits no salvo of the group.
    pub(crate) fn leave(&mut self, group: GroupId, session: u32) {
        let Entry::Occupied(mut entry) = self.rosters.entry(group) else { return };
        let roster = entry.get_mut();
        roster.sessions.swap_remove(&session);
        roster.apart.retain(|apart| *apart != session);
        let (members, room) = (roster.sessions.len(), roster.sessions.capacity());
        if members == 0 {
            entry.remove();
        } else if room > 64 && members < room / 4 {
            roster.sessions.shrink_to(members * 2);
        }
        if self.rosters.capacity() > 64 && self.rosters.len() < self.rosters.capacity() / 4 {
            self.rosters.shrink_to(self.rosters.len() * 2);
        }
    }

    pub(crate) fn roster(&mut self, group: GroupId) -> Option<&mut Roster> {
        self.rosters.get_mut(&group)
    }
}

//! Who is in one room, and when each was last active there: the database's word at first, then what is seen here.
//! What has changed is told to the others in batches, and noted in the database in larger ones.

use std::cmp::Reverse;
use std::collections::HashMap;
use std::mem::take;
use std::time::Duration;

use chat::wire::{self, Participant};
use chat::{Activity, RoomId, Timestamp, User, UserId};

/// Most people in one list: above, the most recently active.
pub(super) const MOST_LISTED: usize = 200;
/// Most people in one list of changes in a room that is [crowded](Presence::is_crowded): one frame to each of many.
const MOST_TOLD_TO_A_CROWD: usize = 20;
/// With more connected people than this, a room is told of few changes at a time, and of all as numbers.
const CROWD: u64 = 500;
/// How long somebody's mere activity may wait to be told on. Coming and going do not wait.
const ACTIVITY_WINDOW: Duration = Duration::from_secs(5);
/// What telling one room about its people may cost, in bytes per second over all its members.
const BYTES_PER_SECOND: usize = 4 * 1024 * 1024;

/// The people of one room.
#[derive(Debug)]
pub(super) struct Presence {
    room: RoomId,
    people: HashMap<UserId, Person>,
    /// All who have ever been here, as far as is known.
    total: u64,
    /// Whether `people` had everyone when it was read, so that who is not in it is new.
    everyone_is_known: bool,
    connected: u64,
    /// People whose change has not been told.
    changed: Vec<UserId>,
    /// People whose activity has not been noted in the database.
    unsaved: Vec<UserId>,
    /// Somebody has come or gone since changes were last told.
    urgent: bool,
    /// When changes were last told, as time [passes](crate::clock::Clock::monotonic).
    told_at: Duration,
    /// Not before this time are changes told again.
    quiet_until: Duration,
}

#[derive(Debug)]
struct Person {
    name: Box<str>,
    last_active_at: Timestamp,
    /// Clients of theirs in this room.
    sockets: u32,
    changed: bool,
    unsaved: bool,
}

impl Presence {
    /// The people of a room as the database knows them.
    pub(super) fn new(room: RoomId, known: chat::Participants) -> Self {
        let everyone_is_known = known.total == known.recent.len() as u64;
        let mut presence = Self {
            room,
            people: HashMap::new(),
            total: known.total,
            everyone_is_known,
            connected: 0,
            changed: Vec::new(),
            unsaved: Vec::new(),
            urgent: false,
            told_at: Duration::ZERO,
            quiet_until: Duration::ZERO,
        };
        for (user, last_active_at) in known.recent {
            presence.people.insert(user.id, Person::new(&user, last_active_at));
        }
        presence
    }

    /// How many people are connected.
    pub(super) fn connected(&self) -> u64 {
        self.connected
    }

    /// One more client of `user` has joined. `true` if they were not here before.
    pub(super) fn enter(&mut self, user: &User, now: Timestamp) -> bool {
        self.note_activity(user, now);
        let person = self.people.get_mut(&user.id).expect("their activity was just noted");
        person.sockets += 1;
        let came = person.sockets == 1;
        if came {
            self.connected += 1;
            self.urgent = true;
        }
        came
    }

    /// One client of `user` fewer. `true` if it was their last.
    pub(super) fn leave(&mut self, user: &User) -> bool {
        let person = self.people.get_mut(&user.id).filter(|person| person.sockets > 0);
        let Some(person) = person else { return false };
        person.sockets -= 1;
        let went = person.sockets == 0;
        if went {
            self.connected -= 1;
            self.urgent = true;
            if !person.changed {
                person.changed = true;
                self.changed.push(user.id);
            }
        }
        went
    }

    /// `user` is active here.
    pub(super) fn note_activity(&mut self, user: &User, now: Timestamp) {
        let person = self.people.entry(user.id).or_insert_with(|| {
            self.total += u64::from(self.everyone_is_known);
            Person::new(user, now)
        });
        person.last_active_at = person.last_active_at.max(now);
        if !person.changed {
            person.changed = true;
            self.changed.push(user.id);
        }
        if !person.unsaved {
            person.unsaved = true;
            self.unsaved.push(user.id);
        }
    }

    /// Everyone, or the most recently active, newest first.
    pub(super) fn everyone(&self, now: Timestamp) -> wire::Participants {
        let mut people: Vec<_> = self.people.iter().collect();
        let newest_first =
            |(id, person): &(&UserId, &Person)| Reverse((person.last_active_at, **id));
        // Messages wait while this is done: of a crowd, only those who are shown are put in order and written out.
        if people.len() > MOST_LISTED {
            people.select_nth_unstable_by_key(MOST_LISTED, newest_first);
            people.truncate(MOST_LISTED);
        }
        people.sort_unstable_by_key(newest_first);
        let users = people.into_iter().map(|(id, person)| person.on_wire(*id)).collect();
        self.list(users, now, Extent::Full)
    }

    /// Whether there are changes to tell, now or later.
    pub(super) fn has_changes(&self) -> bool {
        !self.changed.is_empty()
    }

    /// What has changed, if it is time to tell. `listeners` is to how many it will be told, `passed` the time that is
    /// never set.
    pub(super) fn take_changes(
        &mut self,
        listeners: usize,
        now: Timestamp,
        passed: Duration,
    ) -> Option<wire::Participants> {
        let due = self.urgent || passed >= self.told_at + ACTIVITY_WINDOW;
        if self.changed.is_empty() || !due || passed < self.quiet_until {
            return None;
        }
        self.urgent = false;
        self.told_at = passed;
        let mut users = Vec::with_capacity(self.changed.len());
        for id in take(&mut self.changed) {
            let Some(person) = self.people.get_mut(&id) else { continue };
            person.changed = false;
            users.push(person.on_wire(id));
        }
        users.truncate(if self.is_crowded() { MOST_TOLD_TO_A_CROWD } else { MOST_LISTED });
        let bytes = users.len() * 100 * listeners;
        self.quiet_until = passed + Duration::from_millis((bytes * 1000 / BYTES_PER_SECOND) as u64);
        Some(self.list(users, now, Extent::Changes))
    }

    /// Activity that the database does not know yet. What cannot be saved is to be [put back](Self::put_back).
    pub(super) fn take_unsaved(&mut self) -> Vec<Activity> {
        let room = self.room;
        let mut activity = Vec::with_capacity(self.unsaved.len());
        for user in take(&mut self.unsaved) {
            let Some(person) = self.people.get_mut(&user) else { continue };
            person.unsaved = false;
            activity.push(Activity { room, user, at: person.last_active_at });
        }
        self.forget_the_long_gone();
        activity
    }

    /// Takes back activity that could not be saved.
    pub(super) fn put_back(&mut self, unsaved: &[Activity]) {
        for activity in unsaved {
            let Some(person) = self.people.get_mut(&activity.user) else { continue };
            if !person.unsaved {
                person.unsaved = true;
                self.unsaved.push(activity.user);
            }
        }
    }

    /// Whether there is activity that the database does not know yet.
    pub(super) fn has_unsaved(&self) -> bool {
        !self.unsaved.is_empty()
    }

    /// How many have ever been here, as counted by the database.
    pub(super) fn recount(&mut self, total: u64) {
        self.total = self.total.max(total);
    }

    /// Whether the number of all who have ever been here must be asked of the database.
    pub(super) fn must_recount(&self) -> bool {
        !self.everyone_is_known
    }

    /// Many people connected at once: what changes is told to each of them.
    fn is_crowded(&self) -> bool {
        self.connected > CROWD
    }

    /// Memory is for those who are here and for as many others as a list shows.
    fn forget_the_long_gone(&mut self) {
        let gone = self.people.values().filter(|person| person.is_forgettable()).count();
        if gone <= 2 * MOST_LISTED {
            return;
        }
        let forgettable = self.people.values().filter(|person| person.is_forgettable());
        let mut times: Vec<_> = forgettable.map(|person| person.last_active_at).collect();
        let (_, oldest_kept, _) = times.select_nth_unstable(gone - MOST_LISTED);
        let oldest_kept = *oldest_kept;
        self.people
            .retain(|_, person| !person.is_forgettable() || person.last_active_at >= oldest_kept);
        self.everyone_is_known = false;
    }

    fn list(&self, users: Vec<Participant>, at: Timestamp, extent: Extent) -> wire::Participants {
        wire::Participants {
            room: self.room,
            at,
            full: extent == Extent::Full,
            users,
            total: self.total.max(self.people.len() as u64),
            connected: self.connected,
        }
    }
}

#[derive(PartialEq, Eq)]
enum Extent {
    Full,
    Changes,
}

impl Person {
    fn new(user: &User, last_active_at: Timestamp) -> Self {
        let name = user.name.as_str().into();
        Self { name, last_active_at, sockets: 0, changed: false, unsaved: false }
    }

    fn is_forgettable(&self) -> bool {
        self.sockets == 0 && !self.changed && !self.unsaved
    }

    fn on_wire(&self, id: UserId) -> Participant {
        Participant {
            id,
            name: self.name.as_ref().to_owned(),
            last_active_at: self.last_active_at,
            connected: self.sockets > 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use chat::Name;

    use super::*;

    fn user(id: i64) -> User {
        User { id: UserId(id), name: Name::from_stored(format!("user {id}")) }
    }

    fn room_of(people: i64, total: u64) -> Presence {
        let recent = (1..=people).map(|id| (user(id), Timestamp(id))).collect();
        let room = RoomId::from_random_bytes([1; 16]);
        Presence::new(room, chat::Participants { recent, total })
    }

    const NOW: Timestamp = Timestamp(1_000_000);
    const PASSED: Duration = Duration::from_secs(1000);

    #[test]
    fn everyone_the_database_knows_is_there_at_once() {
        let list = room_of(3, 3).everyone(NOW);
        assert!(list.full);
        assert_eq!((list.total, list.connected), (3, 0));
        let ids: Vec<_> = list.users.iter().map(|user| user.id.0).collect();
        assert_eq!(ids, [3, 2, 1], "most recently active first");
    }

    #[test]
    fn somebody_with_two_clients_is_here_until_both_have_gone() {
        let mut presence = room_of(0, 0);
        assert!(presence.enter(&user(1), NOW));
        assert!(!presence.enter(&user(1), NOW));
        assert!(!presence.leave(&user(1)));
        assert_eq!(presence.connected(), 1);
        assert!(presence.leave(&user(1)));
        assert_eq!(presence.connected(), 0);
        assert!(!presence.everyone(NOW).users[0].connected);
    }

    #[test]
    fn coming_and_going_is_told_at_once_and_activity_in_its_window() {
        let mut presence = room_of(0, 0);
        presence.enter(&user(1), NOW);
        assert_eq!(presence.take_changes(1, NOW, PASSED).unwrap().users.len(), 1);
        let later = PASSED + Duration::from_secs(1);
        presence.note_activity(&user(1), NOW.plus(Duration::from_secs(1)));
        assert!(presence.take_changes(1, NOW, later).is_none());
        let after_the_window = PASSED + ACTIVITY_WINDOW;
        assert!(presence.take_changes(1, NOW, after_the_window).is_some());
        presence.leave(&user(1));
        let changes = presence.take_changes(1, NOW, after_the_window + Duration::from_millis(1));
        assert!(!changes.unwrap().users[0].connected);
    }

    #[test]
    fn a_clock_that_is_set_back_keeps_nobody_from_being_told() {
        let mut presence = room_of(0, 0);
        presence.enter(&user(1), NOW);
        presence.take_changes(1, NOW, PASSED).unwrap();
        let yesterday = Timestamp(NOW.0 - 86_400_000);
        presence.enter(&user(2), yesterday);
        let changes = presence.take_changes(1, yesterday, PASSED + ACTIVITY_WINDOW).unwrap();
        assert_eq!(changes.users[0].id, UserId(2));
    }

    #[test]
    fn old_state_and_changes_make_the_fresh_state() {
        let mut presence = room_of(5, 5);
        let mut seen = presence.everyone(NOW);
        presence.enter(&user(2), NOW);
        presence.enter(&user(9), NOW);
        presence.leave(&user(2));
        let changes = presence.take_changes(1, NOW, PASSED).unwrap();
        for changed in changes.users {
            seen.users.retain(|user| user.id != changed.id);
            seen.users.push(changed);
        }
        (seen.total, seen.connected) = (changes.total, changes.connected);
        seen.users.sort_by_key(|user| Reverse((user.last_active_at, user.id)));
        assert_eq!(seen, presence.everyone(NOW));
    }

    #[test]
    fn telling_a_crowd_costs_a_bounded_number_of_bytes() {
        let mut presence = room_of(0, 0);
        for id in 0..2000 {
            presence.enter(&user(id), NOW);
        }
        let told = presence.take_changes(2000, NOW, PASSED).unwrap();
        assert!(told.users.len() <= MOST_TOLD_TO_A_CROWD);
        assert_eq!(told.connected, 2000);
        presence.leave(&user(1));
        assert!(presence.take_changes(2000, NOW, PASSED + Duration::from_millis(100)).is_none());
        assert!(presence.take_changes(2000, NOW, PASSED + Duration::from_secs(2)).is_some());
        assert_eq!(presence.everyone(NOW).users.len(), MOST_LISTED);
    }

    #[test]
    fn activity_is_noted_once_per_person_with_its_last_time() {
        let mut presence = room_of(0, 0);
        presence.note_activity(&user(1), NOW);
        presence.note_activity(&user(1), NOW.plus(Duration::from_secs(3)));
        let unsaved = presence.take_unsaved();
        assert_eq!(unsaved.len(), 1);
        assert_eq!(unsaved[0].at, NOW.plus(Duration::from_secs(3)));
        assert!(!presence.has_unsaved());
    }

    #[test]
    fn those_long_gone_are_forgotten_and_still_counted() {
        let mut presence = room_of(0, 0);
        for id in 0..2000 {
            presence.enter(&user(id), Timestamp(id));
            presence.leave(&user(id));
        }
        let later = Timestamp(10_000_000);
        presence.take_changes(1, later, PASSED);
        presence.take_unsaved();
        assert!(presence.people.len() <= MOST_LISTED + 1);
        assert_eq!(presence.everyone(NOW).total, 2000);
    }
}

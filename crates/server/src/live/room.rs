//! A room that somebody has open: the tail of its log, who is in it, and the group of sockets that hear it.

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use chat::wire::{Joined, Resync, ResyncReason, ServerEvent};
use chat::{
    Activity, Chat, Epoch, Error, Logged, Page, RoomId, RoomName, Seq, Store, Timestamp, User,
};
use volley::{Group, Socket};

use super::log::{Place, Tail};
use super::member::Member;
use super::presence::{MOST_LISTED, Presence};
use super::rooms::Stirred;
use super::tell;

/// Events told to a client that joins without a cursor.
const NEWEST: usize = 50;
/// Events read from the store at a time for a client that has missed more than memory holds. Each page has left for
/// the client before the next is read, so a long absence costs no more memory than a short one.
const CATCH_UP_PAGE: usize = 256;
/// Most events that wait while a room is being read.
const MOST_EARLY: usize = 1024;

/// A room that is open.
///
/// One lock guards the log's tail and the people. It is never held across an await; under it a frame is handed to the
/// group, and that order is the order in which every member hears.
#[derive(Debug)]
pub(super) struct OpenRoom {
    id: RoomId,
    /// Everything about it that was read, once it has been.
    ready: tokio::sync::OnceCell<Fixed>,
    state: Mutex<State>,
    group: OnceLock<Group>,
    stirred: Stirred,
}

/// What does not change while a room is open.
#[derive(Debug)]
struct Fixed {
    name: RoomName,
    epoch: Epoch,
}

#[derive(Debug)]
enum State {
    /// It is being read. What is committed meanwhile waits here; reading takes milliseconds.
    Opening(Early),
    Open(Open),
}

/// What is committed while a room is being read. Past [`MOST_EARLY`] the rest is left to be read from the store.
#[derive(Debug, Default)]
struct Early {
    events: Vec<Logged>,
    overflowed: bool,
}

#[derive(Debug)]
struct Open {
    tail: Tail,
    presence: Presence,
    /// Something was committed that could not be told in its turn; it will be read from the store.
    behind: bool,
}

impl OpenRoom {
    pub(super) fn new(id: RoomId, stirred: Stirred) -> Self {
        Self {
            id,
            ready: tokio::sync::OnceCell::new(),
            state: Mutex::new(State::Opening(Early::default())),
            group: OnceLock::new(),
            stirred,
        }
    }

    pub(super) fn id(&self) -> RoomId {
        self.id
    }

    /// Reads the room, unless that has been done. Whoever comes meanwhile waits for the same reading.
    pub(super) async fn read<S: Store>(&self, chat: &Chat<S>) -> Result<(), Error> {
        self.ready.get_or_try_init(|| self.read_now(chat)).await.map(|_| ())
    }

    async fn read_now<S: Store>(&self, chat: &Chat<S>) -> Result<Fixed, Error> {
        let room = chat.room(self.id).await?;
        let history = chat.history(self.id, Page::Newest, NEWEST).await?;
        let people = chat.participants(self.id, MOST_LISTED).await?;
        let mut open = Open {
            tail: Tail::new(history.head, &history.events),
            presence: Presence::new(self.id, people),
            behind: false,
        };
        let mut state = self.lock();
        if let State::Opening(early) = &mut *state {
            // Everything committed after this room was put among the open ones is here; what is older was just read.
            for event in &early.events {
                open.publish(event, None);
            }
            open.behind |= early.overflowed;
        }
        *state = State::Open(open);
        Ok(Fixed { name: room.name, epoch: history.epoch })
    }

    /// Tells everybody of a committed event, in its turn.
    pub(super) fn publish(&self, event: &Logged) {
        match &mut *self.lock() {
            State::Opening(early) if early.events.len() < MOST_EARLY => {
                early.events.push(event.clone());
            }
            State::Opening(early) => early.overflowed = true,
            State::Open(open) => open.publish(event, self.group.get()),
        }
    }

    /// Whether it has missed something that it must read from the store.
    pub(super) fn is_behind(&self) -> bool {
        self.with(|open| open.behind).unwrap_or_default()
    }

    /// Reads from the store what could not be told in its turn, and tells it now.
    pub(super) async fn catch_up<S: Store>(&self, chat: &Chat<S>) -> Result<(), Error> {
        while let Some(head) = self.with(|open| open.behind.then(|| open.tail.head())).flatten() {
            let history = chat.history(self.id, Page::After(head), CATCH_UP_PAGE).await?;
            let told = self.with(|open| {
                open.behind = false;
                for event in &history.events {
                    open.publish(event, self.group.get());
                }
                // There may be more than a page, and the engine may still be too busy to take any of it.
                open.behind |= open.tail.head() < history.head;
                open.tail.head() > head || !open.behind
            });
            if told != Some(true) {
                break;
            }
        }
        Ok(())
    }

    /// One more client of `user` is here.
    pub(super) fn enter(&self, user: &User, now: Timestamp) {
        if self.with(|open| open.presence.enter(user, now)) == Some(true) {
            self.stirred.room_changed(self.id);
        }
        self.stirred.ring();
    }

    /// One client of `user` fewer is here.
    pub(super) fn leave(&self, user: &User) {
        if self.with(|open| open.presence.leave(user)) == Some(true) {
            self.stirred.room_changed(self.id);
        }
        self.stirred.ring();
    }

    /// `user` is active here.
    pub(super) fn beat(&self, user: &User, now: Timestamp) {
        self.with(|open| open.presence.note_activity(user, now));
        self.stirred.ring();
    }

    /// How many people are connected.
    pub(super) fn connected(&self) -> u64 {
        self.with(|open| open.presence.connected()).unwrap_or_default()
    }

    /// Tells one client who is here.
    pub(super) fn tell_participants(&self, socket: &Socket<Member>, now: Timestamp) {
        if let Some(everyone) = self.with(|open| open.presence.everyone(now)) {
            tell::one(socket, &ServerEvent::Participants(everyone));
        }
    }

    /// Tells one client the log from where it has read to, and makes it hear what follows: every event once, in order,
    /// and none between is missing.
    pub(super) async fn follow<S: Store>(
        &self,
        socket: &Socket<Member>,
        chat: &Chat<S>,
        after: Option<Seq>,
        epoch: Option<Epoch>,
    ) -> Result<Joined, Error> {
        let fixed = self.ready.get().expect("a room is handed out when it has been read");
        let group = self.group.get_or_init(|| socket.group(&self.id.to_string()));
        // Whoever joins again starts again: live events must not come between those they have missed.
        socket.leave(group);
        let mut after = self.start(socket, fixed, after, epoch);
        loop {
            if let Some(head) = self.follow_from_memory(socket, group, after)? {
                let name = fixed.name.as_str().to_owned();
                return Ok(Joined { name, epoch: fixed.epoch, head });
            }
            let page = chat.history(self.id, Page::After(after), CATCH_UP_PAGE).await?;
            let Some(last) = page.events.last() else { return Err(Error::Internal) };
            after = last.seq();
            for event in &page.events {
                socket.send(&tell::frame_of(event)).map_err(|_| super::overloaded())?;
            }
            if !socket.flushed().await {
                return Err(Error::NotInRoom);
            }
        }
    }

    /// Makes a client hear nothing more.
    pub(super) fn unfollow(&self, socket: &Socket<Member>) {
        if let Some(group) = self.group.get() {
            socket.leave(group);
        }
    }

    /// Tells all what has changed among the people, if it is time to. `true` while something waits for its time.
    pub(super) fn tell_changes(&self, now: Timestamp, passed: Duration) -> bool {
        let Some(group) = self.group.get() else { return false };
        let told = self.with(|open| {
            if let Some(changes) = open.presence.take_changes(group.len(), now, passed) {
                // Refused only by an engine that is stuck as a whole; the next heartbeat answers with the whole list.
                let _ = tell::all(group, &ServerEvent::Participants(changes));
            }
            open.presence.has_changes()
        });
        told.unwrap_or_default()
    }

    /// Activity that the database does not know yet.
    pub(super) fn take_unsaved(&self) -> Vec<Activity> {
        self.with(|open| open.presence.take_unsaved()).unwrap_or_default()
    }

    /// Takes back activity that could not be saved.
    pub(super) fn put_back(&self, unsaved: &[Activity]) {
        self.with(|open| open.presence.put_back(unsaved));
    }

    /// Whether there is activity that the database does not know yet.
    pub(super) fn has_unsaved(&self) -> bool {
        self.with(|open| open.presence.has_unsaved()).unwrap_or_default()
    }

    /// Counts anew how many have ever been here, where memory holds only some of them.
    pub(super) async fn recount<S: Store>(&self, chat: &Chat<S>) -> Result<(), Error> {
        if self.with(|open| open.presence.must_recount()) == Some(true) {
            let total = chat.participants(self.id, 0).await?.total;
            self.with(|open| open.presence.recount(total));
        }
        Ok(())
    }

    /// The place in the log from which a client is told, after a `resync` if its cursor is of no use.
    fn start(
        &self,
        socket: &Socket<Member>,
        fixed: &Fixed,
        after: Option<Seq>,
        epoch: Option<Epoch>,
    ) -> Seq {
        let head = self.with(|open| open.tail.head()).unwrap_or_default();
        let newest = Seq(head.0.saturating_sub(NEWEST as u64));
        let reason = match (after, epoch) {
            (None, _) => return newest,
            (_, Some(epoch)) if epoch != fixed.epoch => ResyncReason::Epoch,
            (Some(after), _) if after > head => ResyncReason::Ahead,
            (Some(after), _) => return after,
        };
        let resync = Resync { room: self.id, epoch: fixed.epoch, head, reason };
        tell::one(socket, &ServerEvent::Resync(resync));
        newest
    }

    /// If memory holds everything after `after`: tells it and makes the client a member, in one step.
    fn follow_from_memory(
        &self,
        socket: &Socket<Member>,
        group: &Group,
        after: Seq,
    ) -> Result<Option<Seq>, Error> {
        let followed = self.with(|open| {
            let Some(backlog) = open.tail.after(after) else { return Ok(None) };
            socket.join_after(group, backlog).map_err(|_| super::overloaded())?;
            Ok(Some(open.tail.head()))
        });
        followed.expect("a room is handed out when it has been read")
    }

    /// Does something with the room's state, unless it is still being read.
    fn with<T>(&self, work: impl FnOnce(&mut Open) -> T) -> Option<T> {
        match &mut *self.lock() {
            State::Opening(_) => None,
            State::Open(open) => Some(work(open)),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Open {
    /// Tells everybody of an event if it is the next. If it is not, or nobody can be told now, the log is read later.
    fn publish(&mut self, event: &Logged, group: Option<&Group>) {
        match self.tail.place(event.seq()) {
            Place::Known => {}
            Place::Beyond => self.behind = true,
            Place::Next => {
                let frame = tell::frame_of(event);
                if group.is_none_or(|group| group.send(&frame).is_ok()) {
                    self.tail.push(frame);
                } else {
                    self.behind = true;
                }
            }
        }
    }
}

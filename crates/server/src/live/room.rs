//! A room that somebody has open: the tail of its log, who is in it, and the group of sockets that hear it.

use std::sync::{Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use chat::wire::{Joined, Resync, ResyncReason, ServerEvent};
use chat::{
    Activity, Chat, Epoch, Error, History, Logged, Page, RoomId, RoomName, Seq, Store, Timestamp,
    User,
};

use super::engine::{Engine, Group, Socket};
use super::log::{Place, Tail};
use super::presence::{MOST_LISTED, Presence};
use super::rooms::Stirred;
use super::tell;
use crate::sabotage::Sabotage;

/// Events told to a client that joins without a cursor.
const NEWEST: usize = 50;
/// Events read from the store at a time for a client that has missed more than memory holds. Each page has left for
/// the client before the next is read, so a long absence costs no more memory than a short one. A page of the longest
/// messages, each quote in them escaped, must fit into what may wait for one client: else it would be closed as lagging
/// whenever it came back.
const CATCH_UP_PAGE: usize = 50;
/// Most events that wait while a room is being read.
const MOST_EARLY: usize = 1024;

/// A room that is open.
///
/// One lock guards the log's tail and the people. It is never held across an await; under it a frame is handed to the
/// group, and that order is the order in which every member hears.
#[derive(Debug)]
pub(super) struct OpenRoom<E: Engine> {
    id: RoomId,
    /// Everything about it that was read, once it has been.
    ready: tokio::sync::OnceCell<Fixed>,
    state: Mutex<State>,
    group: OnceLock<E::Group>,
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
    head: Seq,
}

#[derive(Debug)]
struct Open {
    tail: Tail,
    presence: Presence,
    /// The last event that is known to be committed. What lies between it and the tail could not be told in its turn
    /// and is read from the store.
    head: Seq,
}

impl<E: Engine> OpenRoom<E> {
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
            head: history.head,
        };
        let mut state = self.lock();
        if let State::Opening(early) = &mut *state {
            // Everything committed after this room was put among the open ones is here; what is older was just read.
            for event in &early.events {
                open.publish(event, self.group.get());
            }
            open.head = open.head.max(early.head);
        }
        *state = State::Open(open);
        Ok(Fixed { name: room.name, epoch: history.epoch })
    }

    /// Tells everybody of a committed event, in its turn.
    pub(super) fn publish(&self, event: &Logged) {
        match &mut *self.lock() {
            State::Opening(early) => {
                early.head = event.seq();
                if early.events.len() < MOST_EARLY {
                    early.events.push(event.clone());
                }
            }
            State::Open(open) => open.publish(event, self.group.get()),
        }
    }

    /// Whether it has missed something that it must read from the store.
    pub(super) fn is_behind(&self) -> bool {
        self.with(|open| open.is_behind()).unwrap_or_default()
    }

    /// Reads from the store what could not be told in its turn, and tells it now.
    pub(super) async fn catch_up<S: Store>(&self, chat: &Chat<S>) -> Result<(), Error> {
        let told = || self.with(|open| open.is_behind().then(|| open.tail.head())).flatten();
        while let Some(before) = told() {
            let history = chat.history(self.id, Page::After(before), CATCH_UP_PAGE).await?;
            self.with(|open| open.take_up(&history, self.group.get()));
            // The engine is still too busy to take any of it.
            if told() == Some(before) {
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
    pub(super) fn tell_participants(&self, socket: &E::Socket, now: Timestamp) {
        if let Some(everyone) = self.with(|open| open.presence.everyone(now)) {
            tell::one::<E>(socket, &ServerEvent::Participants(everyone));
        }
    }

    /// Tells one client the log from where it has read to, and makes it hear what follows: every event once, in order,
    /// and none between is missing. `answer` is called in between: what is sent by it stands behind the log and before
    /// what follows.
    pub(super) async fn follow<S: Store>(
        &self,
        socket: &E::Socket,
        chat: &Chat<S>,
        after: Option<Seq>,
        epoch: Option<Epoch>,
        answer: impl Fn(Joined) -> Result<(), Error>,
    ) -> Result<(), Error> {
        let fixed = self.ready.get().expect("a room is handed out when it has been read");
        let group = self.group.get_or_init(|| socket.group(&self.id.to_string()));
        // Whoever joins again starts again: live events must not come between those they have missed.
        socket.leave(group);
        if Sabotage::MemberBeforeBacklog.is_on() {
            socket.join_after(group, Vec::new()).map_err(|_| super::overloaded())?;
        }
        if self.is_behind() || after.is_some_and(|after| after > self.head()) {
            self.look_again(chat).await?;
        }
        let mut after = self.start(socket, fixed, after, epoch)?;
        loop {
            let answer = |head| {
                let name = fixed.name.as_str().to_owned();
                answer(Joined { name, epoch: fixed.epoch, head })
            };
            if self.follow_from_memory(socket, group, after, answer)? {
                return Ok(());
            }
            let mut page = chat.history(self.id, Page::After(after), CATCH_UP_PAGE).await?;
            // The store may be a moment ahead: what it has beyond memory is told live, and told once.
            let told = self.head();
            page.events.retain(|event| event.seq() <= told);
            let Some(last) = page.events.last() else {
                tracing::error!(room = %self.id, after = after.0, "the log has a gap");
                return Err(Error::Internal);
            };
            after = last.seq();
            for event in page.events {
                socket.send(&tell::frame_of(&event)).map_err(|_| super::overloaded())?;
            }
            if !socket.flushed().await {
                return Err(Error::NotInRoom);
            }
        }
    }

    /// Makes a client hear nothing more.
    pub(super) fn unfollow(&self, socket: &E::Socket) {
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

    /// Finds out whether more has been committed than was told. HTTP tells what is committed, so who has read there may
    /// be ahead of those who listen here; they are no visitors from the future.
    async fn look_again<S: Store>(&self, chat: &Chat<S>) -> Result<(), Error> {
        let committed = chat.room(self.id).await?.head;
        self.with(|open| open.head = open.head.max(committed));
        self.catch_up(chat).await?;
        if self.is_behind() { Err(super::overloaded()) } else { Ok(()) }
    }

    /// The last event that has been told here.
    fn head(&self) -> Seq {
        self.with(|open| open.tail.head()).unwrap_or_default()
    }

    /// The place in the log from which a client is told, after a `resync` if its cursor is of no use.
    fn start(
        &self,
        socket: &E::Socket,
        fixed: &Fixed,
        after: Option<Seq>,
        epoch: Option<Epoch>,
    ) -> Result<Seq, Error> {
        let head = self.head();
        let newest = Seq(head.0.saturating_sub(NEWEST as u64));
        let reason = match (after, epoch) {
            (None, _) => return Ok(newest),
            (_, Some(epoch)) if epoch != fixed.epoch => ResyncReason::Epoch,
            (Some(after), _) if after > head => ResyncReason::Ahead,
            (Some(after), _) => return Ok(after),
        };
        let resync = Resync { room: self.id, epoch: fixed.epoch, head, reason };
        // Who did not hear this would take what follows for the rest of the log that is gone.
        socket.send(&tell::frame(&ServerEvent::Resync(resync))).map_err(|_| super::overloaded())?;
        Ok(newest)
    }

    /// If memory holds everything after `after`: tells it, makes the client a member and answers it, in one step. Were the
    /// answer given later, the client could hear an event before it that stands behind the head it names.
    fn follow_from_memory(
        &self,
        socket: &E::Socket,
        group: &E::Group,
        after: Seq,
        answer: impl Fn(Seq) -> Result<(), Error>,
    ) -> Result<bool, Error> {
        let followed = self.with(|open| {
            // What could not be told in its turn has been acked: its author must not join a log that ends before it.
            if open.is_behind() {
                return Err(super::overloaded());
            }
            let Some(mut backlog) = open.tail.after(after) else { return Ok(false) };
            match backlog.first().cloned() {
                Some(first) if Sabotage::ToldTwice.is_on() => backlog.insert(0, first),
                Some(_) if Sabotage::ForgetsOne.is_on() => drop(backlog.remove(0)),
                _ => {}
            }
            socket.join_after(group, backlog).map_err(|_| super::overloaded())?;
            answer(open.tail.head())?;
            Ok(true)
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
    fn publish(&mut self, event: &Logged, group: Option<&impl Group>) {
        self.head = self.head.max(event.seq());
        match self.tail.place(event.seq()) {
            Place::Known | Place::Beyond => {}
            Place::Next => {
                let frame = tell::frame_of(event);
                if group.is_none_or(|group| group.send(&frame).is_ok()) {
                    self.tail.push(frame);
                }
            }
        }
    }

    /// Tells what was read from the store. More may have been committed since: that is not forgotten here.
    fn take_up(&mut self, history: &History, group: Option<&impl Group>) {
        self.head = self.head.max(history.head);
        for event in &history.events {
            self.publish(event, group);
        }
    }

    fn is_behind(&self) -> bool {
        self.tail.head() < self.head
    }
}

#[cfg(test)]
mod tests {
    use chat::{Body, ClientId, Message, MessageId, Name, Participants, UserId};
    use uuid::Uuid;

    use super::*;

    const ROOM: RoomId = RoomId(Uuid::nil());
    const NOBODY: Option<&volley::Group> = None;

    fn event(seq: u64) -> Logged {
        Logged::Message(Message {
            room: ROOM,
            seq: Seq(seq),
            id: MessageId(1),
            client_id: ClientId(Uuid::nil()),
            author: User { id: UserId(1), name: Name::from_stored("alice".to_owned()) },
            body: Body::from_stored("Hello"),
            at: Timestamp(1),
        })
    }

    fn open_at(head: Seq) -> Open {
        let nobody = Participants { recent: Vec::new(), total: 0 };
        Open { tail: Tail::new(head, &[]), presence: Presence::new(ROOM, nobody), head }
    }

    #[test]
    fn what_is_committed_while_a_room_catches_up_is_not_forgotten() {
        let mut open = open_at(Seq(1));
        open.publish(&event(3), NOBODY);
        // The store is read, and before what was read is told there is one event more.
        let history = History { epoch: Epoch(1), head: Seq(3), events: vec![event(2), event(3)] };
        open.publish(&event(4), NOBODY);
        open.take_up(&history, NOBODY);
        assert!(open.is_behind(), "event 4 is still to be read");
        open.take_up(&History { head: Seq(4), events: vec![event(4)], ..history }, NOBODY);
        assert!(!open.is_behind());
        assert_eq!(open.tail.head(), Seq(4));
    }
}

//! What is kept, and the changes that can be made to it: the store's contract without a disk.

use std::cmp::Reverse;
use std::collections::HashMap;

use chat::{
    Account, Activity, ClientId, Credentials, Epoch, Error, History, Identity, Logged, Message,
    MessageId, NameKey, NewMessage, NewRoom, NewSession, NewUser, Page, Participants, PasswordHash,
    Posted, Room, RoomId, RoomList, RoomQuery, SearchKey, Seq, Session, SessionId, Timestamp,
    TokenHash, User, UserId,
};
use server::sabotage::Sabotage;

/// Everything that is kept.
#[derive(Clone, Default)]
pub struct Data {
    users: Vec<Person>,
    by_key: HashMap<NameKey, usize>,
    sessions: Vec<(Session, TokenHash)>,
    /// Sessions that have ever been started.
    started: i64,
    rooms: HashMap<RoomId, Log>,
    /// Where each message stands.
    places: HashMap<(UserId, ClientId), (RoomId, usize)>,
    /// Messages that have ever been stored.
    stored: i64,
    /// Lives of the logs before this one.
    lives: u64,
}

#[derive(Clone)]
struct Person {
    account: Account,
    password: PasswordHash,
}

#[derive(Clone)]
struct Log {
    room: Room,
    messages: Vec<Message>,
    /// Who was last active when.
    active: HashMap<UserId, Timestamp>,
}

impl Data {
    /// Begins another life of the logs: this earlier state takes the place of `later`. No message's number is given out
    /// again, so that one that is sent again can be told from the one that was lost.
    pub fn replace(&mut self, later: &Self) {
        self.lives = later.lives + 1;
        self.stored = later.stored;
        for log in self.rooms.values_mut() {
            log.room.epoch = Epoch(self.lives + 1);
        }
    }

    pub(crate) fn create_user(&mut self, user: &NewUser) -> Result<Account, Error> {
        let keys = user.name.keys();
        if keys.iter().any(|key| self.by_key.contains_key(key)) {
            return Err(Error::NameTaken);
        }
        let number = self.users.len();
        let id = UserId(i64::try_from(number).expect("people fit into memory") + 1);
        let account = Account {
            user: User { id, name: user.name.clone() },
            admin: number == 0,
            created_at: user.at,
        };
        self.users.push(Person { account: account.clone(), password: user.password.clone() });
        self.by_key.extend(keys.into_iter().map(|key| (key, number)));
        Ok(account)
    }

    pub(super) fn credentials(&self, name: &NameKey) -> Option<Credentials> {
        let Person { account, password } = &self.users[*self.by_key.get(name)?];
        Some(Credentials { account: account.clone(), password: password.clone() })
    }

    pub(super) fn change_password(
        &mut self,
        user: UserId,
        old: &PasswordHash,
        new: &PasswordHash,
        keep: SessionId,
        token: TokenHash,
    ) -> Option<Vec<SessionId>> {
        let is_theirs = |session: &Session| session.id == keep && session.user == user;
        let (_, kept) = self.sessions.iter_mut().find(|(session, _)| is_theirs(session))?;
        let person = person(&mut self.users, user).filter(|person| person.password == *old)?;
        person.password = new.clone();
        *kept = token;
        Some(self.end_where(|session| session.user == user && session.id != keep))
    }

    pub(super) fn rehash_password(&mut self, user: UserId, old: &PasswordHash, new: &PasswordHash) {
        if let Some(person) = person(&mut self.users, user).filter(|one| one.password == *old) {
            person.password = new.clone();
        }
    }

    pub(super) fn create_session(&mut self, new: &NewSession) -> Option<Session> {
        person(&mut self.users, new.user).filter(|person| person.password == new.password)?;
        self.started += 1;
        let session = Session {
            id: SessionId(self.started),
            user: new.user,
            client: new.client.clone(),
            created_at: new.at,
            last_seen_at: new.at,
        };
        self.sessions.push((session.clone(), new.token));
        Some(session)
    }

    pub(super) fn identify(&self, token: TokenHash) -> Option<Identity> {
        let (session, _) = self.sessions.iter().find(|(_, known)| *known == token)?;
        let account = self.users[index(session.user)?].account.clone();
        Some(Identity { account, session: session.clone() })
    }

    pub(super) fn recent_sessions(
        &self,
        since: Timestamp,
        limit: usize,
    ) -> Vec<(TokenHash, Identity)> {
        let all = self.sessions.iter().filter(|(session, _)| session.last_seen_at >= since);
        let mut recent: Vec<_> = all.collect();
        recent.sort_by_key(|(session, _)| Reverse((session.last_seen_at, session.id)));
        let tokens = recent.into_iter().take(limit).map(|(_, token)| *token);
        tokens.filter_map(|token| Some((token, self.identify(token)?))).collect()
    }

    pub(super) fn sessions(&self, user: UserId, limit: usize) -> Vec<Session> {
        let all = self.sessions.iter().map(|(session, _)| session);
        let mut theirs: Vec<_> = all.filter(|session| session.user == user).cloned().collect();
        theirs.sort_by_key(|session| Reverse((session.last_seen_at, session.id)));
        theirs.truncate(limit);
        theirs
    }

    pub(super) fn end_session(&mut self, user: UserId, id: SessionId) -> bool {
        !self.end_where(|session| session.id == id && session.user == user).is_empty()
    }

    pub(super) fn end_stale_sessions(
        &mut self,
        created: Timestamp,
        used: Timestamp,
    ) -> Vec<SessionId> {
        self.end_where(|session| session.created_at < created || session.last_seen_at < used)
    }

    pub(crate) fn create_room(&mut self, new: &NewRoom) -> Room {
        let room = Room {
            id: new.id,
            name: new.name.clone(),
            epoch: Epoch(self.lives + 1),
            head: Seq::START,
            created_at: new.at,
            last_message_at: None,
        };
        let log = Log { room: room.clone(), messages: Vec::new(), active: HashMap::new() };
        self.rooms.insert(room.id, log);
        room
    }

    pub(crate) fn room(&self, room: RoomId) -> Option<Room> {
        self.rooms.get(&room).map(|log| log.room.clone())
    }

    pub(super) fn rooms(&self, query: &RoomQuery) -> RoomList {
        let key = query.search.as_deref().map(SearchKey::of);
        let is_wanted = |room: &Room| {
            key.as_ref().is_none_or(|key| room.name.search_key().as_str().contains(key.as_str()))
        };
        let place = |room: &Room| (room.last_activity(), room.id);
        let all = self.rooms.values().map(|log| &log.room);
        let mut rooms: Vec<_> = all.filter(|room| is_wanted(room)).collect();
        let total = rooms.len() as u64;
        rooms.sort_by_key(|room| Reverse(place(room)));
        rooms.retain(|room| query.after.is_none_or(|after| place(room) < after));
        let goes_on = rooms.len() > query.limit;
        rooms.truncate(query.limit);
        let next = rooms.last().filter(|_| goes_on).map(|room| place(room));
        RoomList { rooms: rooms.into_iter().cloned().collect(), total, next }
    }

    pub(crate) fn append(
        &mut self,
        new: &NewMessage,
        events: &mut Vec<Logged>,
    ) -> Result<Posted, Error> {
        let key = (new.author.id, new.client_id);
        if let Some((room, index)) = self.places.get(&key).filter(|_| !Sabotage::NoDedupe.is_on()) {
            let Message { seq, id, at, body, .. } = &self.rooms[room].messages[*index];
            if *room != new.room || *body != new.body {
                let is_known = self.rooms.contains_key(&new.room);
                return Err(if is_known {
                    Error::IdempotencyConflict
                } else {
                    Error::RoomNotFound
                });
            }
            return Ok(Posted { seq: *seq, id: *id, at: *at });
        }
        let Log { room, messages, .. } =
            self.rooms.get_mut(&new.room).ok_or(Error::RoomNotFound)?;
        let (mut seq, mut at) = (room.head.next(), room.last_activity().max(new.at));
        if Sabotage::NumberSkipped.is_on() && seq.0.is_multiple_of(10) {
            seq = seq.next();
        }
        if Sabotage::ClockOrders.is_on() {
            at = new.at;
        }
        self.stored += 1;
        let message = Message {
            room: new.room,
            seq,
            id: MessageId(self.stored),
            client_id: new.client_id,
            author: new.author.clone(),
            body: new.body.clone(),
            at,
        };
        (room.head, room.last_message_at) = (seq, Some(at));
        self.places.insert(key, (new.room, messages.len()));
        events.push(Logged::Message(message.clone()));
        messages.push(message);
        Ok(Posted { seq, id: MessageId(self.stored), at })
    }

    /// A part of a room's log.
    pub fn history(&self, room: RoomId, page: Page, limit: usize) -> Option<History> {
        let Log { room: Room { epoch, head, .. }, messages, .. } = self.rooms.get(&room)?;
        let until = |seq| messages.partition_point(|message| message.seq < seq);
        let range = match page {
            Page::Newest => messages.len().saturating_sub(limit)..messages.len(),
            Page::Before(seq) => until(seq).saturating_sub(limit)..until(seq),
            Page::After(seq) => {
                let from = messages.partition_point(|message| message.seq <= seq);
                from..from.saturating_add(limit).min(messages.len())
            }
        };
        let events = messages[range].iter().cloned().map(Logged::Message).collect();
        Some(History { epoch: *epoch, head: *head, events })
    }

    pub(super) fn participants(&self, room: RoomId, limit: usize) -> Participants {
        let Some(log) = self.rooms.get(&room) else {
            return Participants { recent: Vec::new(), total: 0 };
        };
        let mut recent: Vec<_> = log.active.iter().map(|(user, at)| (*user, *at)).collect();
        recent.sort_by_key(|(user, at)| (Reverse(*at), *user));
        recent.truncate(limit);
        let named = recent
            .into_iter()
            .filter_map(|(user, at)| Some((self.users[index(user)?].account.user.clone(), at)));
        Participants { recent: named.collect(), total: log.active.len() as u64 }
    }

    pub(super) fn record_activity(
        &mut self,
        participants: &[Activity],
        sessions: &[(SessionId, Timestamp)],
    ) {
        for Activity { room, user, at } in participants {
            let is_known = index(*user).is_some_and(|index| index < self.users.len());
            if let Some(log) = self.rooms.get_mut(room).filter(|_| is_known) {
                let known = log.active.entry(*user).or_insert(*at);
                *known = at.max(known).to_owned();
            }
        }
        for (id, at) in sessions {
            let found = self.sessions.iter_mut().find(|(session, _)| session.id == *id);
            if let Some((session, _)) = found {
                session.last_seen_at = session.last_seen_at.max(*at);
            }
        }
    }

    fn end_where(&mut self, is_over: impl Fn(&Session) -> bool) -> Vec<SessionId> {
        let mut ended = Vec::new();
        self.sessions.retain(|(session, _)| {
            let is_over = is_over(session);
            if is_over {
                ended.push(session.id);
            }
            !is_over
        });
        ended
    }
}

fn person(users: &mut [Person], user: UserId) -> Option<&mut Person> {
    users.get_mut(index(user)?)
}

/// Where a person stands in the list of all.
fn index(user: UserId) -> Option<usize> {
    usize::try_from(user.0.checked_sub(1)?).ok()
}

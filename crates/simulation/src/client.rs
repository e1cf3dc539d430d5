//! A correct client: it repeats what it says until that is acked, under the same `client_id`, and comes back with its
//! cursor. It does everything else that a client may do as well, and more often than any sensible one.

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use chat::wire::{Ack, Done, InRoom, Join, Joined, Nothing, Say, Sent};
use chat::{
    ClientId, Epoch, Error, History, Logged, Page, PasswordHash, RoomId, Seq, SessionId, Token,
};
use checker::{Event, Path, Post};
use serde::Serialize;
use serde::de::DeserializeOwned;
use server::site::Network;
use uuid::Uuid;
use volley::CloseReason;

use crate::decoder::Told;
use crate::happening::{Answer, Happening};
use crate::house::House;
use crate::nature::Nature;
use crate::plan::Trouble;
use crate::shore::Shore;
use crate::wire::{Line, Packet};

/// How long an answer may take before a client gives up its connection.
const PATIENCE: Duration = Duration::from_secs(10);
/// Most messages that wait for their acks.
const MOST_PENDING: usize = 16;

/// One client through all its connections.
pub(crate) struct Client {
    index: usize,
    person: usize,
    session: Option<(SessionId, Token)>,
    line: Option<Line>,
    /// It has been let in.
    is_online: bool,
    connections: u64,
    /// Not before this time does it connect.
    connects_at: u64,
    rooms: Vec<Following>,
    pending: VecDeque<Post>,
    /// What it has said on this connection and has no answer to, and since when.
    asked: BTreeMap<u64, (u64, Asked)>,
    asks: u64,
    request: Option<Request>,
    requests: u64,
}

/// What a client has said.
#[derive(Clone, Copy)]
enum Asked {
    Join(usize),
    Leave(usize),
    Message(Post),
    Else,
}

/// A request over HTTP that has no answer yet.
struct Request {
    number: u64,
    since: u64,
    /// The password that will be right if this succeeds.
    password: Option<PasswordHash>,
}

/// A room as a client knows it.
struct Following {
    room: RoomId,
    epoch: Option<Epoch>,
    /// The last message it has.
    last: Option<u64>,
    place: Standing,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    Out,
    /// So many joins are not answered; it was in the room before the first of them, or was not.
    Joining {
        joins: u32,
        anew: bool,
    },
    In,
    Leaving,
}

/// What a client does not do by itself.
pub(crate) enum Wish {
    /// Another client of the same person says the same.
    SaidByAnother(Post),
}

impl Client {
    /// A client of a person, who is not logged in yet.
    pub(crate) fn new(index: usize, person: usize, rooms: &[RoomId]) -> Self {
        let following = |room: &RoomId| Following {
            room: *room,
            epoch: None,
            last: None,
            place: Standing::Out,
        };
        Self {
            index,
            person,
            session: None,
            line: None,
            is_online: false,
            connections: 0,
            connects_at: 0,
            rooms: rooms.iter().map(following).collect(),
            pending: VecDeque::new(),
            asked: BTreeMap::new(),
            asks: 0,
            request: None,
            requests: 0,
        }
    }

    /// Whose it is.
    pub(crate) fn person(&self) -> usize {
        self.person
    }

    /// Looks around, and does something.
    pub(crate) fn moves(&mut self, shore: &mut Shore) -> Option<Wish> {
        self.lose_patience(shore);
        if self.session.is_none() {
            if self.request.is_none() {
                self.log_in(shore);
            }
            return None;
        }
        let Some(line) = self.line.clone() else {
            if shore.nature.now() >= self.connects_at {
                self.connect(shore);
            }
            return None;
        };
        if !self.is_online {
            return None;
        }
        if shore.is_healing {
            self.catches_up(&line, shore);
            return None;
        }
        self.plays(&line, shore)
    }

    /// Whether it has said everything, and heard everything up to these ends of the rooms' logs.
    pub(crate) fn is_done(&self, ends: &[(Epoch, Seq)]) -> bool {
        let has_all = |(room, end): (&Following, &(Epoch, Seq))| {
            room.place == Standing::In
                && room.epoch == Some(end.0)
                && room.last.unwrap_or_default() == end.1.0
        };
        self.pending.is_empty()
            && self.asked.is_empty()
            && self.request.is_none()
            && self.rooms.iter().zip(ends).all(has_all)
    }

    /// Something has come over a connection of its.
    pub(crate) fn hears(&mut self, line: &Line, packet: Packet, shore: &mut Shore) {
        if self.line.as_ref() != Some(line) {
            return;
        }
        match packet {
            Packet::Welcome => {
                self.is_online = true;
                self.note(shore, Event::Connected);
            }
            Packet::Refused(code) => {
                if code == "not_logged_in" {
                    self.session = None;
                }
                self.hangs_up(shore, CloseReason::ClientDisconnect);
            }
            Packet::Event(frame) => {
                let told = shore.decoder.read(&frame);
                self.is_told(told, shore);
            }
            Packet::Ack(number, answer) => self.is_answered(number, &answer, shore),
            Packet::Goodbye => self.loses(line, "io server disconnect", shore),
        }
    }

    /// A connection of its has ended.
    pub(crate) fn loses(&mut self, line: &Line, reason: &str, shore: &mut Shore) {
        if self.line.as_ref() != Some(line) {
            return;
        }
        self.line = None;
        for (_, (_, asked)) in std::mem::take(&mut self.asked) {
            if let Asked::Message(post) = asked {
                self.note(shore, Event::Info { post });
            }
        }
        for room in &mut self.rooms {
            room.place = Standing::Out;
        }
        self.request = None;
        if std::mem::take(&mut self.is_online) {
            self.note(shore, Event::Lost { reason: reason.to_owned() });
        }
        let rest = shore.nature.between(Duration::ZERO..shore.plan.tempo);
        self.connects_at = self.connects_at.max(shore.nature.now() + nanos(rest));
    }

    /// Its session may be among those that have ended.
    pub(crate) fn is_revoked(&self, ended: &[SessionId], shore: &mut Shore) {
        if self.session.as_ref().is_some_and(|(session, _)| ended.contains(session)) {
            self.note(shore, Event::Revoked { whose: checker::Whose::Process });
        }
    }

    /// The database was put back to an earlier state, and with it the sessions that had ended since.
    pub(crate) fn is_restored(&self, shore: &mut Shore) {
        self.note(shore, Event::LoggedIn);
    }

    /// A request of its has been answered.
    pub(crate) fn gets(&mut self, number: u64, answer: Answer, shore: &mut Shore) {
        let Some(request) = self.request.take_if(|request| request.number == number) else {
            return;
        };
        match answer {
            Answer::LoggedIn(Ok(session)) => {
                self.session = Some(session);
                self.note(shore, Event::LoggedIn);
            }
            Answer::LoggedIn(Err(_)) => {}
            // It was logged out before: what it asked for is so.
            Answer::LoggedOut(Ok(()) | Err(Error::NotLoggedIn | Error::NotFound)) => {
                if let Some((session, _)) = &self.session {
                    let session = [*session];
                    self.is_revoked(&session, shore);
                }
                self.session = None;
            }
            Answer::LoggedOut(Err(_)) => {}
            Answer::PasswordChanged(Ok(token)) => {
                if let Some((_, known)) = &mut self.session {
                    *known = token;
                }
            }
            Answer::PasswordChanged(Err(error)) => {
                // Nobody knows which of the two it is now.
                let is_open = matches!(error, Error::StorageUnavailable { .. });
                if let Some(password) = request.password.filter(|_| !is_open) {
                    shore.people[self.person].passwords.retain(|known| *known != password);
                }
            }
            Answer::Read(room, Ok(history)) => self.reads(room, history, shore),
            Answer::Read(_, Err(_)) => {}
        }
    }

    /// Says again, on this client, what another client of the same person has said.
    pub(crate) fn says_too(&mut self, post: Post, shore: &mut Shore) {
        let is_in = |room: &Following| room.room.0 == post.room && room.place == Standing::In;
        if let Some(line) = self.line.clone()
            && self.rooms.iter().any(is_in)
        {
            self.says(&line, post, shore);
        }
    }

    /// Ends its connection: politely, or without a word.
    pub(crate) fn hangs_up(&mut self, shore: &mut Shore, reason: CloseReason) {
        let Some(line) = self.line.clone() else { return };
        if reason == CloseReason::ClientDisconnect {
            let latency = shore.nature.between(shore.plan.latency.clone());
            shore.nature.arrange(latency, Happening::Noticed(line.clone(), reason));
        } else {
            line.cut();
            let found = shore.nature.between(Duration::ZERO..Duration::from_secs(45));
            shore.nature.arrange(found, Happening::Noticed(line.clone(), reason));
        }
        self.loses(&line, reason.as_str(), shore);
    }

    /// Is there no more, and says nothing of it: its connection, if it has one.
    pub(crate) fn vanishes(&mut self) -> Option<Line> {
        self.line.take()
    }

    fn plays(&mut self, line: &Line, shore: &mut Shore) -> Option<Wish> {
        if shore.nature.once_in(shore.plan.revokes_once_in) && self.request.is_none() {
            if shore.nature.once_in(2) {
                self.log_out(shore);
            } else {
                self.change_password(shore);
            }
            return None;
        }
        if shore.nature.below(10) < shore.plan.talkativeness {
            return self.talks(line, shore);
        }
        let room = shore.nature.below(self.rooms.len());
        match (shore.nature.below(12), self.rooms[room].place) {
            (0..=5, Standing::Out) => self.joins(line, room, shore),
            (0, Standing::In) => self.leaves(line, room, shore),
            (1, Standing::In) => {
                self.joins(line, room, shore);
                // A server that is too full for an answer would leave it open which of the two was answered.
                if shore.nature.once_in(4) && !shore.plan.has(Trouble::Overload) {
                    self.joins(line, room, shore);
                }
            }
            (2, Standing::In) => {
                let payload = InRoom { room: self.rooms[room].room };
                self.emits(line, "heartbeat", &payload, Asked::Else, shore);
            }
            (3, _) => self.emits(line, "watch_rooms", &Nothing {}, Asked::Else, shore),
            (4, _) => self.emits(line, "unwatch_rooms", &Nothing {}, Asked::Else, shore),
            (5 | 6, _) => self.asks_for_history(room, shore),
            (7, _) if shore.nature.once_in(8) => {
                let politely = shore.nature.once_in(2);
                let reason = if politely {
                    CloseReason::ClientDisconnect
                } else {
                    CloseReason::TransportClosed
                };
                self.hangs_up(shore, reason);
            }
            _ => {}
        }
        None
    }

    /// Joins every room, and says what is still to be said.
    fn catches_up(&mut self, line: &Line, shore: &mut Shore) {
        for room in 0..self.rooms.len() {
            if self.rooms[room].place == Standing::Out {
                self.joins(line, room, shore);
            }
        }
        self.repeats(line, shore);
    }

    fn talks(&mut self, line: &Line, shore: &mut Shore) -> Option<Wish> {
        self.repeats(line, shore);
        let room = shore.nature.below(self.rooms.len());
        let outburst = if shore.nature.once_in(10) { MOST_PENDING } else { 1 };
        let mut wish = None;
        for _ in self.pending.len()..outburst.max(self.pending.len() + 1).min(MOST_PENDING) {
            wish = self.says_something(line, room, shore);
        }
        wish
    }

    fn says_something(&mut self, line: &Line, room: usize, shore: &mut Shore) -> Option<Wish> {
        let room = &self.rooms[room];
        if room.place != Standing::In {
            return None;
        }
        let (post, _) = post(room.room, &shore.nature);
        self.pending.push_back(post);
        self.says(line, post, shore);
        if shore.nature.once_in(8) {
            self.says(line, post, shore);
        }
        shore.nature.once_in(8).then_some(Wish::SaidByAnother(post))
    }

    /// Says again what waits for its ack, unless that may still come.
    fn repeats(&mut self, line: &Line, shore: &mut Shore) {
        for post in self.pending.clone() {
            let waits = |(_, asked): &(u64, Asked)| matches!(asked, Asked::Message(other) if other.client_id == post.client_id);
            let is_in = |room: &Following| room.room.0 == post.room && room.place == Standing::In;
            if !self.asked.values().any(waits) && self.rooms.iter().any(is_in) {
                self.says(line, post, shore);
            }
        }
    }

    fn says(&mut self, line: &Line, post: Post, shore: &mut Shore) {
        self.note(shore, Event::Invoke { post });
        let body = words(post.client_id);
        let say = Say { room: RoomId(post.room), client_id: ClientId(post.client_id), body };
        self.emits(line, "message", &say, Asked::Message(post), shore);
    }

    fn joins(&mut self, line: &Line, index: usize, shore: &mut Shore) {
        let room = &mut self.rooms[index];
        let (mut after, mut epoch) = (room.last, room.epoch);
        if epoch.is_none() || after.is_none() || (!shore.is_healing && shore.nature.once_in(10)) {
            (after, epoch) = (None, None);
        } else if !shore.is_healing && shore.nature.once_in(6) {
            // Further back than it needs.
            let back = [200, 2000][shore.nature.below(2)];
            let back = shore.nature.below(back) as u64;
            after = after.map(|after| after.saturating_sub(back));
        }
        if after.is_none() {
            // What it hears from now on belongs to a life of the log that it learns with the answer.
            (room.last, room.epoch) = (None, None);
        }
        room.place = match room.place {
            Standing::Joining { joins, anew } => Standing::Joining { joins: joins + 1, anew },
            Standing::Out => Standing::Joining { joins: 1, anew: false },
            Standing::In | Standing::Leaving => Standing::Joining { joins: 1, anew: true },
        };
        let room = room.room;
        let joining = Event::Joining { room: room.0, after, epoch: epoch.map(|epoch| epoch.0) };
        self.note(shore, joining);
        let join = Join { room, after: after.map(Seq), epoch };
        self.emits(line, "join", &join, Asked::Join(index), shore);
    }

    fn leaves(&mut self, line: &Line, index: usize, shore: &mut Shore) {
        let room = &mut self.rooms[index];
        room.place = Standing::Leaving;
        let payload = InRoom { room: room.room };
        self.emits(line, "leave", &payload, Asked::Leave(index), shore);
    }

    fn emits<T: Serialize>(
        &mut self,
        line: &Line,
        name: &'static str,
        payload: &T,
        asked: Asked,
        shore: &mut Shore,
    ) {
        let payload = serde_json::to_string(payload).expect("a payload can be written as JSON");
        self.asks += 1;
        self.asked.insert(self.asks, (shore.nature.now(), asked));
        line.say(name, payload.into(), self.asks);
    }

    fn is_told(&mut self, told: Told, shore: &mut Shore) {
        match told {
            Told::Message(room, message) => {
                let Some(following) = self.rooms.iter_mut().find(|one| one.room == room) else {
                    return;
                };
                let path = match following.place {
                    Standing::Joining { .. } => Path::Resume,
                    _ => Path::Live,
                };
                // What it has it ignores; a gap is the checker's business.
                if following.last.is_none_or(|last| message.seq == last + 1) {
                    following.last = Some(message.seq);
                }
                self.note(shore, Event::Heard { room: room.0, path, message });
            }
            Told::Resync(resync) => {
                let room = self.rooms.iter_mut().find(|one| one.room == resync.room);
                if let Some(room) = room {
                    (room.epoch, room.last) = (Some(resync.epoch), None);
                }
                let reason = format!("{:?}", resync.reason);
                let (epoch, head) = (resync.epoch.0, resync.head.0);
                self.note(shore, Event::Resync { room: resync.room.0, epoch, head, reason });
            }
            Told::Draining { retry_after_ms } => {
                let after = Duration::from_millis(retry_after_ms);
                self.connects_at = shore.nature.now() + nanos(after);
            }
            Told::Else => {}
        }
    }

    fn is_answered(&mut self, number: u64, answer: &str, shore: &mut Shore) {
        let Some((_, asked)) = self.asked.remove(&number) else {
            shore.recorder.note_strange(format!("answer {number} to client {}", self.index + 1));
            return;
        };
        match asked {
            Asked::Join(room) => match read::<Joined>(answer) {
                Ok(joined) => self.has_joined(room, &joined, shore),
                Err(code) => self.has_not_joined(room, &code, shore),
            },
            Asked::Leave(room) => {
                let left = read::<Done>(answer);
                let following = &mut self.rooms[room];
                if left.is_ok() {
                    following.place = Standing::Out;
                    let room = following.room.0;
                    self.note(shore, Event::Left { room });
                } else {
                    following.place = Standing::In;
                }
            }
            Asked::Message(post) => self.has_said(post, read::<Sent>(answer), shore),
            Asked::Else => {}
        }
    }

    fn has_joined(&mut self, index: usize, joined: &Joined, shore: &mut Shore) {
        let room = &mut self.rooms[index];
        room.place = match room.place {
            Standing::Joining { joins, .. } if joins > 1 => {
                Standing::Joining { joins: joins - 1, anew: true }
            }
            _ => Standing::In,
        };
        room.epoch = Some(joined.epoch);
        room.last = Some(room.last.unwrap_or_default().max(joined.head.0));
        let room = room.room.0;
        let (epoch, head) = (joined.epoch.0, joined.head.0);
        self.note(shore, Event::Joined { room, epoch, head });
    }

    fn has_not_joined(&mut self, index: usize, code: &str, shore: &mut Shore) {
        if code == "internal" {
            shore.recorder.note_strange("a join is answered with `internal`".to_owned());
        }
        if self.rooms[index].place != (Standing::Joining { joins: 1, anew: false }) {
            // Whether it is in the room as before is not said: it begins anew.
            self.hangs_up(shore, CloseReason::ClientDisconnect);
            return;
        }
        let room = &mut self.rooms[index];
        room.place = Standing::Out;
        let room = room.room.0;
        self.note(shore, Event::Left { room });
    }

    fn has_said(&mut self, post: Post, sent: Result<Sent, String>, shore: &mut Shore) {
        match sent {
            Ok(Sent { seq, id, at }) => {
                self.pending.retain(|other| other.client_id != post.client_id);
                let (seq, id, at) = (seq.0, id.0.cast_unsigned(), at.0);
                self.note(shore, Event::Ok { post, seq, id, at });
            }
            Err(code) if code == "storage_unavailable" => {
                self.note(shore, Event::Info { post });
            }
            Err(code) => {
                if matches!(&*code, "internal" | "idempotency_conflict" | "bad_request") {
                    shore.recorder.note_strange(format!("a message is answered with `{code}`"));
                }
                self.note(shore, Event::Fail { post, code });
            }
        }
    }

    fn reads(&mut self, room: RoomId, history: History, shore: &mut Shore) {
        let (epoch, head) = (history.epoch.0, history.head.0);
        self.note(shore, Event::Read { room: room.0, epoch, head });
        for Logged::Message(message) in &history.events {
            let message = as_seen(message);
            self.note(shore, Event::Heard { room: room.0, path: Path::History, message });
        }
        let following = self.rooms.iter_mut().find(|one| one.room == room);
        if let (Some(following), Some(read)) = (following, history.events.last())
            && following.place == Standing::Out
            && following.epoch == Some(history.epoch)
            && shore.nature.once_in(2)
        {
            // It shows what it has read, and goes on from there.
            following.last = following.last.max(Some(read.seq().0));
        }
    }

    fn asks_for_history(&mut self, room: usize, shore: &mut Shore) {
        if self.request.is_some() {
            return;
        }
        let Following { room, last, .. } = self.rooms[room];
        let somewhere = Seq(shore.nature.below(1 + last.unwrap_or_default() as usize) as u64);
        let page = match shore.nature.below(3) {
            0 => Page::Newest,
            1 => Page::Before(somewhere),
            _ => Page::After(somewhere),
        };
        self.note(shore, Event::Reading { room: room.0 });
        let from = self.from();
        let Some((_, token)) = self.session.clone() else { return };
        self.requests(shore, None, move |house| async move {
            Answer::Read(room, house.history(token, from, room, page).await)
        });
    }

    fn log_in(&mut self, shore: &mut Shore) {
        let person = &shore.people[self.person];
        let user = person.user.id;
        let password = person.passwords[shore.nature.below(person.passwords.len())].clone();
        let token = Token::from_random_bytes(shore.nature.bytes());
        self.requests(shore, None, move |house| async move {
            Answer::LoggedIn(house.log_in(user, password, token).await)
        });
    }

    fn log_out(&mut self, shore: &mut Shore) {
        let (from, Some((_, token))) = (self.from(), self.session.clone()) else { return };
        self.requests(shore, None, move |house| async move {
            Answer::LoggedOut(house.log_out(token, from).await)
        });
    }

    fn change_password(&mut self, shore: &mut Shore) {
        let (from, Some((_, token))) = (self.from(), self.session.clone()) else { return };
        let new_token = Token::from_random_bytes(shore.nature.bytes());
        let new = PasswordHash(format!("password {:016x}", shore.nature.number()));
        let passwords = &mut shore.people[self.person].passwords;
        let old = passwords[shore.nature.below(passwords.len())].clone();
        passwords.push(new.clone());
        self.requests(shore, Some(new.clone()), move |house| async move {
            let changed = house.change_password(token, from, (old, new), new_token).await;
            Answer::PasswordChanged(changed)
        });
    }

    fn requests<F: Future<Output = Answer> + 'static>(
        &mut self,
        shore: &mut Shore,
        password: Option<PasswordHash>,
        request: impl FnOnce(House) -> F + 'static,
    ) {
        self.requests += 1;
        let (client, number) = (self.index, self.requests);
        self.request = Some(Request { number, since: shore.nature.now(), password });
        shore.request(client, number, request);
    }

    fn connect(&mut self, shore: &mut Shore) {
        let Some((_, token)) = &self.session else { return };
        self.connections += 1;
        let line =
            Line::open(&shore.nature, self.index, self.connections, shore.plan.latency.clone());
        self.line = Some(line.clone());
        self.connects_at = shore.nature.now() + nanos(PATIENCE);
        shore.connect(line, token.clone(), self.from());
    }

    /// Gives up what has taken too long.
    fn lose_patience(&mut self, shore: &mut Shore) {
        let now = shore.nature.now();
        let is_long_ago = |since: u64| now - since > nanos(PATIENCE);
        if self.request.as_ref().is_some_and(|request| is_long_ago(request.since)) {
            self.request = None;
        }
        let has_waited = self.asked.values().any(|(since, _)| is_long_ago(*since));
        if has_waited || (self.line.is_some() && !self.is_online && now > self.connects_at) {
            self.hangs_up(shore, CloseReason::TransportClosed);
        }
    }

    fn note(&self, shore: &mut Shore, event: Event) {
        let user = shore.people[self.person].user.id.0.cast_unsigned();
        let process = u32::try_from(self.index + 1).expect("there are few clients");
        shore.recorder.note(process, user, event);
    }

    fn from(&self) -> Network {
        let last = u8::try_from(self.index + 1).expect("there are few clients");
        Network::of(IpAddr::V4(Ipv4Addr::new(10, 0, 0, last)))
    }
}

/// A message as the checker knows it.
pub(crate) fn as_seen(message: &chat::Message) -> checker::Message {
    checker::Message {
        seq: message.seq.0,
        id: message.id.0.cast_unsigned(),
        client_id: message.client_id.0,
        author: message.author.id.0.cast_unsigned(),
        body: checker::digest(message.body.as_str()),
        at: message.at.0,
    }
}

/// A message that nobody has sent yet, and its text.
pub(crate) fn post(room: RoomId, nature: &Nature) -> (Post, String) {
    let client_id = Uuid::from_bytes(nature.bytes());
    let words = words(client_id);
    (Post { room: room.0, client_id, body: checker::digest(&words) }, words)
}

/// What a message of this name says, so that every client of a person can repeat it. Some have much to say.
fn words(client_id: Uuid) -> String {
    let [length, ..] = *client_id.as_bytes();
    let length = if length < 8 { 1000 } else { usize::from(length % 32) };
    format!("{}, {}", client_id.as_simple(), "ha".repeat(length) + "!")
}

fn read<T: DeserializeOwned>(answer: &str) -> Result<T, String> {
    match serde_json::from_str(answer).expect("an answer is what the catalogue says") {
        Ack::Ok(done) => Ok(done),
        Ack::Error(error) => Err(error.code),
    }
}

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

//! A chat that keeps its promises, small enough to be seen to, and what its clients record. Or one with a bug.

use std::collections::{HashMap, VecDeque};

use checker::{Event, Message, Path, Post, Record, Source, Whose};
use uuid::Uuid;

const MILLISECOND: u64 = 1_000_000;
/// Messages that a client without a cursor is told.
const PAGE: usize = 3;
const ROOMS: usize = 2;
/// The users of the four clients. Alice has two.
const USERS: [u64; 4] = [1, 2, 3, 1];

/// A promise that the server breaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Bug {
    AcksAndForgets,
    Invents,
    StoresTwice,
    SkipsNumbers,
    TellsOthersElse,
    ForgetsOne,
    TellsTwice,
    TellsNewestFirst,
    HidesTheResync,
    PutsBefore,
    TurnsBackTheClock,
    ShowsOldPages,
    RestoresInSilence,
    GoesOnAfterRevocation,
    ForgetsMembers,
}

/// What is drawn for one step: what happens, to whom, and how.
pub(crate) type Draw = [u8; 3];

/// What happens in a world.
pub(crate) fn history(draws: &[Draw], bug: Option<Bug>) -> Vec<Record> {
    let mut world = World::new(bug);
    for &[what, who, how] in draws {
        world.step(what, usize::from(who) % USERS.len(), how);
    }
    world.end();
    world.records
}

struct World {
    bug: Option<Bug>,
    now: u64,
    records: Vec<Record>,
    epoch: u64,
    logs: [Vec<Message>; ROOMS],
    backup: Option<(u64, [Vec<Message>; ROOMS])>,
    clients: Vec<Client>,
    sent: u64,
    broken: bool,
}

#[derive(Default)]
struct Client {
    connected: bool,
    requests: VecDeque<Request>,
    answers: VecDeque<Answer>,
    page: Option<(usize, u64, u64, Vec<Message>)>,
    rooms: [Seat; ROOMS],
    /// Invocations that are not answered.
    asked: Vec<Post>,
    /// Messages of which it does not know whether they are stored.
    unknown: Vec<Post>,
}

/// What a client knows of a room, and the server of the client.
#[derive(Default)]
struct Seat {
    wants: bool,
    standing: Standing,
    after: Option<u64>,
    epoch: Option<u64>,
    member: bool,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
enum Standing {
    #[default]
    Out,
    Asked,
    In,
}

enum Request {
    Join(usize, Option<u64>, Option<u64>),
    Leave(usize),
    Send(Post),
}

enum Answer {
    Resync(usize, u64, u64),
    Joined(usize, u64, u64),
    Left(usize),
    Message(usize, Message),
    Ok(Post, Message),
    Fail(Post),
}

impl World {
    fn new(bug: Option<Bug>) -> Self {
        Self {
            bug,
            now: 0,
            records: Vec::new(),
            epoch: 1,
            logs: [Vec::new(), Vec::new()],
            backup: None,
            clients: USERS.iter().map(|_| Client::default()).collect(),
            sent: 0,
            broken: false,
        }
    }

    fn step(&mut self, what: u8, who: usize, how: u8) {
        self.now += MILLISECOND;
        let room = usize::from(how) % ROOMS;
        match what % 40 {
            0..=3 => self.join(who, room),
            4..=9 => self.send(who, room),
            10 => self.send_again(who),
            11..=20 => self.handle(who, how),
            21..=30 => self.receive(who, how),
            31 => self.lose(who, how),
            32 => self.ask_for_page(who, room),
            33 => self.turn_page(who),
            34 => self.leave(who, room),
            35 => self.revoke(who, how),
            36 => self.trouble(),
            37 => self.backup = Some((self.now, self.logs.clone())),
            38 if how < 128 => self.restore(),
            39 if how < 128 => self.join_again(who, room),
            _ => {}
        }
    }

    /// Everybody comes back and hears everything, and every room is read.
    fn end(&mut self) {
        if self.broken {
            self.trouble();
        }
        for _ in 0..2 {
            for who in 0..USERS.len() {
                for room in 0..ROOMS {
                    if self.clients[who].rooms[room].wants {
                        self.join(who, room);
                    }
                }
                while !self.clients[who].requests.is_empty() {
                    self.handle(who, 1);
                }
            }
            for who in 0..USERS.len() {
                while !self.clients[who].answers.is_empty() {
                    self.receive(who, 1);
                }
            }
        }
        for source in [Source::Http, Source::Database] {
            for room in 0..ROOMS {
                let (epoch, log) = (self.epoch, self.logs[room].clone());
                let head = log.last().map_or(0, |last| last.seq);
                self.note(Event::Final { room: name(room), epoch, head, source });
                for message in log {
                    self.note(Event::Row { room: name(room), message });
                }
            }
        }
    }

    fn has(&self, bug: Bug) -> bool {
        self.bug == Some(bug)
    }

    fn note(&mut self, event: Event) {
        self.records.push(Record { at_ns: self.now, process: 0, user: 0, event });
    }

    fn record(&mut self, who: usize, event: Event) {
        let process = u32::try_from(who + 1).unwrap();
        self.records.push(Record { at_ns: self.now, process, user: USERS[who], event });
    }

    fn connect(&mut self, who: usize) {
        if !self.clients[who].connected {
            self.clients[who].connected = true;
            self.record(who, Event::Connected);
        }
    }

    fn join(&mut self, who: usize, room: usize) {
        if self.clients[who].rooms[room].standing == Standing::Out {
            self.join_again(who, room);
        }
    }

    fn join_again(&mut self, who: usize, room: usize) {
        self.connect(who);
        let seat = &mut self.clients[who].rooms[room];
        // One cursor at a time is hard enough to keep.
        if seat.standing == Standing::Asked {
            return;
        }
        (seat.wants, seat.standing) = (true, Standing::Asked);
        let (after, epoch) = (seat.after, seat.epoch);
        self.record(who, Event::Joining { room: name(room), after, epoch });
        self.clients[who].requests.push_back(Request::Join(room, after, epoch));
    }

    fn leave(&mut self, who: usize, room: usize) {
        let client = &mut self.clients[who];
        if client.rooms[room].standing == Standing::In {
            client.rooms[room].standing = Standing::Asked;
            client.requests.push_back(Request::Leave(room));
        }
    }

    fn send(&mut self, who: usize, room: usize) {
        if self.clients[who].rooms[room].standing == Standing::In {
            self.sent += 1;
            let client_id = Uuid::from_u128(self.sent.into());
            self.invoke(who, Post { room: name(room), client_id, body: self.sent });
        }
    }

    fn send_again(&mut self, who: usize) {
        if self.clients[who].connected
            && let Some(post) = self.clients[who].unknown.pop()
        {
            self.invoke(who, post);
        }
    }

    fn invoke(&mut self, who: usize, post: Post) {
        self.record(who, Event::Invoke { post });
        self.clients[who].asked.push(post);
        self.clients[who].requests.push_back(Request::Send(post));
    }

    /// The server deals with one request.
    fn handle(&mut self, who: usize, how: u8) {
        let epoch = self.epoch;
        match self.clients[who].requests.pop_front() {
            None => {}
            Some(Request::Join(room, after, given)) => {
                self.clients[who].rooms[room].member = false;
                let log = self.logs[room].clone();
                let head = log.last().map_or(0, |last| last.seq);
                let other = given.is_some_and(|given| given != epoch);
                let start = match after {
                    Some(_) if other && self.has(Bug::HidesTheResync) => log.len(),
                    Some(after) if other || after > head => {
                        self.answer(who, Answer::Resync(room, epoch, head));
                        log.len().saturating_sub(PAGE)
                    }
                    Some(after) => log.partition_point(|message| message.seq <= after),
                    None => log.len().saturating_sub(PAGE),
                };
                let mut told = log[start..].to_vec();
                if self.has(Bug::ForgetsOne) && told.len() > 1 {
                    told.remove(usize::from(how) % told.len());
                }
                if self.has(Bug::TellsNewestFirst) {
                    told.reverse();
                }
                for message in told {
                    self.answer(who, Answer::Message(room, message));
                }
                self.answer(who, Answer::Joined(room, epoch, head));
                self.clients[who].rooms[room].member = true;
            }
            Some(Request::Leave(room)) => {
                self.clients[who].rooms[room].member = false;
                self.answer(who, Answer::Left(room));
            }
            Some(Request::Send(post)) => self.store(who, post, how),
        }
    }

    fn store(&mut self, who: usize, post: Post, how: u8) {
        let room = usize::from(post.room != name(0));
        if !self.clients[who].rooms[room].member {
            return self.answer(who, Answer::Fail(post));
        }
        let known = self.logs[room].iter().find(|message| message.client_id == post.client_id);
        if let Some(known) = known.copied()
            && !self.has(Bug::StoresTwice)
        {
            return self.answer(who, Answer::Ok(post, known));
        }
        let now = self.now.cast_signed() / 1_000_000;
        let last = self.logs[room].last().copied();
        let mut message = Message {
            seq: last.map_or(0, |last| last.seq) + 1,
            id: self.logs.iter().map(|log| log.len() as u64).sum(),
            client_id: post.client_id,
            author: USERS[who],
            body: post.body,
            at: last.map_or(now, |last| last.at.max(now)),
        };
        let rarely = how.is_multiple_of(4);
        match self.bug {
            Some(Bug::AcksAndForgets) if rarely => {
                return self.answer(who, Answer::Ok(post, message));
            }
            Some(Bug::Invents) if rarely => message.client_id = Uuid::from_u128(u128::MAX),
            Some(Bug::SkipsNumbers) if rarely => message.seq += 1,
            Some(Bug::TurnsBackTheClock) if rarely => message.at -= 1_000,
            Some(Bug::PutsBefore) if rarely && last.is_some() => {
                // It takes the number of the last one, which nobody is told of.
                let log = &mut self.logs[room];
                message.seq -= 1;
                let mut moved = log.pop().unwrap();
                moved.seq += 1;
                log.extend([message, moved]);
                return self.answer(who, Answer::Ok(post, message));
            }
            _ => {}
        }
        self.logs[room].push(message);
        for member in 0..USERS.len() {
            let mut message = message;
            if !self.clients[member].rooms[room].member {
                continue;
            }
            match self.bug {
                Some(Bug::TellsOthersElse) if rarely && member != who => message.body += 1,
                Some(Bug::TellsTwice) if rarely => {
                    self.answer(member, Answer::Message(room, message));
                }
                Some(Bug::ForgetsMembers) if rarely && member != who => {
                    self.clients[member].rooms[room].member = false;
                    continue;
                }
                _ => {}
            }
            self.answer(member, Answer::Message(room, message));
        }
        self.answer(who, Answer::Ok(post, message));
    }

    fn answer(&mut self, who: usize, answer: Answer) {
        if self.clients[who].connected {
            self.clients[who].answers.push_back(answer);
        }
    }

    /// The client hears one thing.
    fn receive(&mut self, who: usize, how: u8) {
        let Some(answer) = self.clients[who].answers.pop_front() else { return };
        let client = &mut self.clients[who];
        let event = match answer {
            Answer::Message(room, message) => {
                let seat = &mut client.rooms[room];
                seat.after = Some(message.seq);
                let path = if seat.standing == Standing::In { Path::Live } else { Path::Resume };
                Event::Heard { room: name(room), path, message }
            }
            Answer::Resync(room, epoch, head) => {
                (client.rooms[room].after, client.rooms[room].epoch) = (None, None);
                Event::Resync { room: name(room), epoch, head, reason: String::new() }
            }
            Answer::Joined(room, epoch, head) => {
                let seat = &mut client.rooms[room];
                (seat.standing, seat.epoch) = (Standing::In, Some(epoch));
                seat.after.get_or_insert(head);
                Event::Joined { room: name(room), epoch, head }
            }
            Answer::Left(room) => {
                let seat = &mut client.rooms[room];
                (seat.wants, seat.standing) = (false, Standing::Out);
                Event::Left { room: name(room) }
            }
            Answer::Ok(post, Message { seq, id, at, .. }) => {
                client.forget(&post);
                // Now and then the answer gets lost, and is asked for again.
                if how.is_multiple_of(16) {
                    client.unknown.push(post);
                }
                Event::Ok { post, seq, id, at }
            }
            Answer::Fail(post) => {
                client.forget(&post);
                client.unknown.push(post);
                Event::Fail { post, code: "not_in_room".to_owned() }
            }
        };
        self.record(who, event);
    }

    fn ask_for_page(&mut self, who: usize, room: usize) {
        if self.clients[who].page.is_some() || !self.clients[who].connected {
            return;
        }
        self.record(who, Event::Reading { room: name(room) });
        let mut log = self.logs[room].clone();
        if self.has(Bug::ShowsOldPages) {
            log.pop();
        }
        let head = log.last().map_or(0, |last| last.seq);
        let page = log.split_off(log.len().saturating_sub(PAGE));
        self.clients[who].page = Some((room, self.epoch, head, page));
    }

    fn turn_page(&mut self, who: usize) {
        let Some((room, epoch, head, page)) = self.clients[who].page.take() else { return };
        let room = name(room);
        self.record(who, Event::Read { room, epoch, head });
        for message in page {
            self.record(who, Event::Heard { room, path: Path::History, message });
        }
    }

    /// The connection breaks. What was sent may have arrived.
    fn lose(&mut self, who: usize, how: u8) {
        for _ in 0..how % 4 {
            self.handle(who, how);
        }
        self.cut(who);
    }

    fn cut(&mut self, who: usize) {
        let client = &mut self.clients[who];
        if !client.connected {
            return;
        }
        client.connected = false;
        client.requests.clear();
        client.answers.clear();
        client.page = None;
        for seat in &mut client.rooms {
            (seat.standing, seat.member) = (Standing::Out, false);
            if seat.epoch.is_none() {
                seat.after = None;
            }
        }
        let asked = std::mem::take(&mut client.asked);
        client.unknown.extend(&asked);
        self.record(who, Event::Lost { reason: String::new() });
        for post in asked {
            self.record(who, Event::Info { post });
        }
    }

    fn revoke(&mut self, who: usize, how: u8) {
        self.record(who, Event::Revoked { whose: Whose::Process });
        if self.has(Bug::GoesOnAfterRevocation) {
            self.now += 2_000 * MILLISECOND;
            for _ in 0..how % 8 {
                self.handle(who, how);
                self.receive(who, how);
            }
        } else {
            self.receive(who, how);
            self.now += 1_000 * MILLISECOND;
        }
        self.cut(who);
        self.record(who, Event::LoggedIn);
    }

    fn trouble(&mut self) {
        self.broken = !self.broken;
        let what = "cable".to_owned();
        self.note(if self.broken { Event::Fault { what } } else { Event::Healed });
    }

    fn restore(&mut self) {
        let Some((since_ns, logs)) = self.backup.clone() else { return };
        for who in 0..USERS.len() {
            self.cut(who);
        }
        self.now += MILLISECOND;
        self.logs = logs;
        self.epoch += u64::from(!self.has(Bug::RestoresInSilence));
        self.note(Event::Restored { since_ns });
        self.now += MILLISECOND;
    }
}

impl Client {
    fn forget(&mut self, post: &Post) {
        if let Some(index) = self.asked.iter().position(|asked| asked == post) {
            self.asked.swap_remove(index);
        }
    }
}

fn name(room: usize) -> Uuid {
    Uuid::from_u128(room as u128 + 1)
}

/// How often each kind of event happened.
pub(crate) fn census(records: &[Record]) -> HashMap<&'static str, u64> {
    let mut census = HashMap::new();
    for record in records {
        let kind = match record.event {
            Event::Ok { .. } => "ack",
            Event::Info { .. } => "unknown",
            Event::Fail { .. } => "refusal",
            Event::Heard { path: Path::Live, .. } => "live",
            Event::Heard { path: Path::Resume, .. } => "resumed",
            Event::Heard { path: Path::History, .. } => "history",
            Event::Resync { .. } => "resync",
            Event::Restored { .. } => "restore",
            Event::Lost { .. } => "lost",
            Event::Healed => "healed",
            _ => "other",
        };
        *census.entry(kind).or_default() += 1;
    }
    census
}

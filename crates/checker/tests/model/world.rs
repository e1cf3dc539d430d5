//! A chat that keeps its promises, small enough to be seen to, and what its clients record. Or one with a bug.

mod client;
mod server;

use std::collections::{HashMap, VecDeque};

use checker::{Event, Message, Path, Post, Record, Source};
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

    fn trouble(&mut self) {
        self.broken = !self.broken;
        let what = "cable".to_owned();
        self.note(if self.broken { Event::Fault { what } } else { Event::Healed });
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

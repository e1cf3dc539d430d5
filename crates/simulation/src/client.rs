//! A correct client: it repeats what it says until that is acked, under the same `client_id`, and comes back with its
//! cursor. It does everything else that a client may do as well, and more often than any sensible one.

mod does;
mod learns;
mod requests;

use std::collections::{BTreeMap, VecDeque};
use std::net::{IpAddr, Ipv4Addr};
use std::time::Duration;

use chat::{Epoch, PasswordHash, RoomId, Seq, SessionId, Token};
use checker::{Event, Post};
use server::site::Network;
use uuid::Uuid;
use volley::CloseReason;

use crate::happening::Happening;
use crate::nature::Nature;
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
    /// So many joins are not answered.
    Joining(u32),
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

fn nanos(duration: Duration) -> u64 {
    u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX)
}

//! What people ask of the store, what they were answered, and therefore what has to be there.

use std::collections::BTreeMap;

use chat::{
    Account, Activity, Body, ClientId, Error, Name, NewMessage, NewRoom, NewSession, NewUser,
    PasswordHash, Posted, Room, RoomId, RoomName, Session, SessionId, Store, StoreError, Timestamp,
    TokenHash, User, UserId,
};
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use server::store::Sqlite;
use uuid::Uuid;

use super::{Violation, is_worth_a_retry};

/// When it all begins.
const MORNING: i64 = 1_700_000_000_000;
/// The longest message, in characters. Some need pages of their own.
const LONGEST: usize = 6000;

/// Those who use the store.
pub(super) struct People {
    random: StdRng,
    /// Counts everything that is asked for, and passes for the time.
    asked: u32,
    pub(super) users: Vec<User>,
    pub(super) rooms: Vec<Room>,
    pub(super) messages: Vec<Sent>,
    pub(super) sessions: Vec<LogIn>,
    /// When somebody was at least, and at most, last active somewhere.
    pub(super) activity: BTreeMap<(RoomId, UserId), (Timestamp, Timestamp)>,
}

/// A message that was sent, once or often.
#[derive(Clone)]
pub(super) struct Sent {
    pub(super) message: NewMessage,
    pub(super) acked: Option<Posted>,
}

/// A session that was begun.
pub(super) struct LogIn {
    pub(super) session: Session,
    pub(super) token: TokenHash,
    /// Whether it was ended. Nothing if nobody knows.
    pub(super) ended: Option<bool>,
}

/// One thing that is asked for.
#[derive(Clone)]
pub(super) enum Deed {
    Register(NewUser),
    Open(NewRoom),
    /// The message of this number, for the first time or again.
    Send(usize, NewMessage),
    /// Something else under the `client_id` of an acked message.
    Forge(NewMessage),
    LogIn(NewSession),
    /// Of the session of this number.
    LogOut(usize, UserId, SessionId),
    Note(Vec<Activity>),
}

/// What was answered.
pub(super) enum Answer {
    Registered(Result<Account, Error>),
    Opened(Result<Room, StoreError>),
    Sent(usize, Result<Posted, Error>),
    Forged(Result<Posted, Error>),
    LoggedIn(TokenHash, Result<Option<Session>, StoreError>),
    LoggedOut(usize, Result<bool, StoreError>),
    Noted(Vec<Activity>, Result<(), StoreError>),
}

/// Whether it was done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Outcome {
    Acked,
    Refused,
}

impl Deed {
    pub(super) async fn ask(self, store: &Sqlite) -> Answer {
        match self {
            Self::Register(user) => Answer::Registered(store.create_user(user).await),
            Self::Open(room) => Answer::Opened(store.create_room(room).await),
            Self::Send(number, message) => Answer::Sent(number, store.append(message).await),
            Self::Forge(message) => Answer::Forged(store.append(message).await),
            Self::LogIn(session) => {
                Answer::LoggedIn(session.token, store.create_session(session).await)
            }
            Self::LogOut(number, user, session) => {
                Answer::LoggedOut(number, store.end_session(user, session).await)
            }
            Self::Note(activities) => {
                let noted = store.record_activity(activities.clone(), Vec::new()).await;
                Answer::Noted(activities, noted)
            }
        }
    }
}

impl People {
    pub(super) fn new(seed: u64) -> Self {
        Self {
            random: StdRng::seed_from_u64(seed),
            asked: 0,
            users: Vec::new(),
            rooms: Vec::new(),
            messages: Vec::new(),
            sessions: Vec::new(),
            activity: BTreeMap::new(),
        }
    }

    /// What somebody does next.
    pub(super) fn next(&mut self) -> Deed {
        self.asked += 1;
        if self.users.is_empty() {
            return Deed::Register(self.user());
        }
        if self.rooms.is_empty() {
            return Deed::Open(self.room());
        }
        match self.random.random_range(0..100) {
            0..60 => {
                let message = self.message();
                self.messages.push(Sent { message: message.clone(), acked: None });
                Deed::Send(self.messages.len() - 1, message)
            }
            60..72 if !self.messages.is_empty() => {
                let number = self.random.random_range(0..self.messages.len());
                self.send_again(number)
            }
            72..75 => self.forge(),
            75..80 => Deed::Open(self.room()),
            80..85 => Deed::Register(self.user()),
            85..90 => self.log_in(),
            90..93 => self.log_out(),
            _ => self.note(),
        }
    }

    /// A message as its author's client repeats it.
    pub(super) fn send_again(&self, number: usize) -> Deed {
        let message = NewMessage { at: self.now(), ..self.messages[number].message.clone() };
        Deed::Send(number, message)
    }

    fn now(&self) -> Timestamp {
        Timestamp(MORNING + i64::from(self.asked))
    }

    fn user(&self) -> NewUser {
        let people = ["alice", "bob", "carol"];
        let name = format!("{} {}", people[self.asked as usize % people.len()], self.asked);
        let name = Name::parse(&name).expect("a name like any other");
        NewUser { name, password: PasswordHash(String::new()), at: self.now() }
    }

    fn room(&mut self) -> NewRoom {
        let (by, id) = (self.somebody().id, RoomId(Uuid::from_u128(self.random.random())));
        let name = RoomName::parse(&format!("Room {}", self.asked)).expect("a name like any other");
        NewRoom { id, name, by, at: self.now() }
    }

    fn message(&mut self) -> NewMessage {
        let longest = if self.random.random_ratio(1, 10) { LONGEST } else { 200 };
        let text = format!("{} {}", self.asked, "x".repeat(self.random.random_range(1..longest)));
        NewMessage {
            room: self.somewhere(),
            client_id: ClientId(Uuid::from_u128(self.random.random())),
            author: self.somebody(),
            body: Body::parse(&text).expect("something, and not too much"),
            at: self.now(),
        }
    }

    fn somebody(&mut self) -> User {
        self.users[self.random.random_range(0..self.users.len())].clone()
    }

    fn somewhere(&mut self) -> RoomId {
        let number = self.random.random_range(0..self.rooms.len());
        self.rooms[number].id
    }

    fn forge(&mut self) -> Deed {
        let acked: Vec<_> = self.messages.iter().filter(|sent| sent.acked.is_some()).collect();
        if acked.is_empty() {
            return self.note();
        }
        let number = self.random.random_range(0..acked.len());
        let NewMessage { client_id, author, .. } = acked[number].message.clone();
        Deed::Forge(NewMessage { client_id, author, ..self.message() })
    }

    fn log_in(&mut self) -> Deed {
        let (user, mut token) = (self.somebody().id, TokenHash([0; 32]));
        self.random.fill(&mut token.0[..]);
        let (password, client) = (PasswordHash(String::new()), "Firefox on Linux".to_owned());
        Deed::LogIn(NewSession { user, password, token, client, at: self.now() })
    }

    fn log_out(&mut self) -> Deed {
        let Some(number) = self.sessions.iter().position(|it| it.ended == Some(false)) else {
            return self.note();
        };
        let LogIn { session, ended, .. } = &mut self.sessions[number];
        // Nobody knows until it is answered.
        *ended = None;
        Deed::LogOut(number, session.user, session.id)
    }

    fn note(&mut self) -> Deed {
        let count = self.random.random_range(1..=4);
        let at = self.now();
        let activities: Vec<_> = (0..count)
            .map(|_| Activity { room: self.somewhere(), user: self.somebody().id, at })
            .collect();
        for Activity { room, user, at } in &activities {
            self.activity.entry((*room, *user)).or_default().1 = *at;
        }
        Deed::Note(activities)
    }

    /// Learns what was answered. What nobody should be answered is an error.
    pub(super) fn learn(&mut self, answer: Answer) -> Result<Outcome, Violation> {
        match answer {
            Answer::Registered(Ok(account)) => self.users.push(account.user),
            Answer::Opened(Ok(room)) => self.rooms.push(room),
            Answer::Sent(number, Ok(posted)) => {
                let sent = &mut self.messages[number];
                let first = *sent.acked.get_or_insert(posted);
                if first != posted {
                    return Err(Violation(format!(
                        "{} was acked as {first:?}, and then as {posted:?}.",
                        sent.message.client_id.0
                    )));
                }
            }
            Answer::Forged(Err(Error::IdempotencyConflict)) => {}
            Answer::Forged(Ok(posted)) => {
                let sentence =
                    format!("Another message under the same client_id became {posted:?}.");
                return Err(Violation(sentence));
            }
            Answer::LoggedIn(token, Ok(Some(session))) => {
                self.sessions.push(LogIn { session, token, ended: Some(false) });
            }
            Answer::LoggedOut(number, Ok(true)) => self.sessions[number].ended = Some(true),
            Answer::Noted(activities, Ok(())) => {
                for Activity { room, user, at } in activities {
                    self.activity.entry((room, user)).or_default().0 = at;
                }
            }
            Answer::LoggedIn(_, Ok(None)) => {
                return Err(Violation("An account that was acked is not there.".to_owned()));
            }
            Answer::LoggedOut(_, Ok(false)) => {
                return Err(Violation("A session that was acked is not there.".to_owned()));
            }
            Answer::Registered(Err(error))
            | Answer::Sent(_, Err(error))
            | Answer::Forged(Err(error)) => return refused(&error),
            Answer::Opened(Err(error))
            | Answer::LoggedIn(_, Err(error))
            | Answer::LoggedOut(_, Err(error))
            | Answer::Noted(_, Err(error)) => return refused(&error.into()),
        }
        Ok(Outcome::Acked)
    }
}

/// Nobody is told anything but to try again.
fn refused(error: &Error) -> Result<Outcome, Violation> {
    if is_worth_a_retry(error) {
        return Ok(Outcome::Refused);
    }
    Err(Violation(format!("Somebody was told “{error}” ({}).", error.code())))
}

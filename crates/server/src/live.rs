//! The live door: what people say and hear over Socket.IO. A handler decodes, spends credit, calls one verb, answers.

mod credit;
pub mod engine;
mod lobby;
mod log;
mod member;
mod presence;
mod room;
mod rooms;
mod socket_io;
mod sockets;
mod tell;
mod tick;

use std::sync::Arc;
use std::time::Duration;

use chat::wire::{
    Ack, ApiError, ClientEvent, Done, Draining, InRoom, Join, Joined, Say, Sent, ServerEvent,
};
use chat::{Body, Chat, Error, Identity, Room, RoomId, SessionId, Store, Token, UserId};
use tokio::sync::{Notify, RwLock, RwLockWriteGuard};
use volley::{CloseReason, Volley};

pub use credit::EventRates;
pub use member::Member;
pub use rooms::Rooms;

use crate::clock::Clock;
use crate::random::Random;
use crate::sabotage::Sabotage;
use crate::sessions::Sessions;
use crate::site::{Network, Site};
use crate::store::Sqlite;
use credit::{Cost, Credits};
use engine::{Engine, Event, Socket};
use lobby::Lobby;
use sockets::Sockets;

/// The namespace that clients connect to unless they say otherwise.
const NAMESPACE: &str = "/";
/// Clients come back within this time of a restart, each at a moment of its own.
const RETURN_SPREAD: Duration = Duration::from_secs(5);
/// When to ask again of an engine that has too much to send.
const OVERLOADED_RETRY: Duration = Duration::from_secs(1);

/// Everything the live door knows. Nothing in it survives the process, and nothing needs to.
#[derive(Debug)]
pub struct Live<S: Store = Sqlite, E: Engine = Volley> {
    chat: Arc<Chat<S>>,
    sessions: Arc<Sessions<S>>,
    site: Arc<Site>,
    rooms: Arc<Rooms<E>>,
    lobby: Lobby<E>,
    sockets: Sockets<E>,
    credits: Credits,
    clock: Clock,
    random: Random,
    /// Rung when there is something for [`tick`] to do.
    stirred: Arc<Notify>,
    /// Read while a message is stored and answered, written by the end of the server.
    silence: RwLock<()>,
}

impl<S: Store, E: Engine> Live<S, E> {
    /// A live door onto `chat`. `rooms` is what the store publishes to.
    pub fn new(
        chat: Arc<Chat<S>>,
        sessions: Arc<Sessions<S>>,
        site: Arc<Site>,
        rooms: Arc<Rooms<E>>,
        rates: EventRates,
        clock: Clock,
        random: Random,
    ) -> Arc<Self> {
        let stirred = rooms.stirred();
        Arc::new(Self {
            chat,
            sessions,
            site,
            rooms,
            lobby: Lobby::default(),
            sockets: Sockets::default(),
            credits: Credits::new(rates),
            clock,
            random,
            stirred,
            silence: RwLock::default(),
        })
    }

    /// How many people are connected to a room now.
    pub fn here(&self, room: RoomId) -> u64 {
        self.rooms.get(room).map_or(0, |room| room.connected())
    }

    /// Tells those who watch the list of rooms of a new one.
    pub fn room_created(&self, room: &Room) {
        self.rooms.note_change(room.id);
    }

    /// Somebody leaves through one of their sessions. Its connections end whatever the store answers: a commit that was
    /// not seen to succeed may have ended it all the same, and who is still logged in comes back.
    pub async fn end_session(&self, user: UserId, session: SessionId) -> Result<(), Error> {
        let ended = self.chat.end_session(user, session).await;
        self.sessions.forget_one_of(user, session);
        Self::expel(self.sockets.of(&[session]), |member| member.user().id == user);
        ended
    }

    /// Ends the connections of sessions that have ended, now.
    pub fn end_sessions(&self, sessions: &[SessionId]) {
        Self::expel(self.sockets.of(sessions), |_| true);
    }

    /// It is not known which sessions of somebody have ended: each of their clients has to show its token again.
    pub fn doubt(&self, user: UserId) {
        self.sessions.forget_all_of(user);
        Self::expel(self.sockets.all(), |member| member.user().id == user);
    }

    /// Waits until every message under way is stored and answered. As long as the silence is held nobody says more.
    pub async fn silence(&self) -> RwLockWriteGuard<'_, ()> {
        self.silence.write().await
    }

    /// Tells every client that the server is about to end, and when to come back: each at a time of its own, so that
    /// they do not come all at once.
    pub fn announce_end(&self) {
        for socket in self.sockets.all() {
            let share = u64::from(u16::from_le_bytes(self.random.bytes())) + 1;
            let spread = u64::try_from(RETURN_SPREAD.as_millis()).unwrap_or(u64::MAX);
            let retry_after_ms = spread * share / (u64::from(u16::MAX) + 1);
            tell::one::<E>(&socket, &ServerEvent::Draining(Draining { retry_after_ms }));
        }
    }

    /// Somebody who has shown their token may connect, unless they have too many connections.
    pub fn admit(
        &self,
        identity: Arc<Identity>,
        token: Token,
        from: Network,
    ) -> Result<Member<E>, Error> {
        let credit = self.credits.enter(identity.account.user.id)?;
        Ok(Member::new(identity, token, from, credit))
    }

    /// A client that was admitted has connected.
    pub async fn welcome(self: Arc<Self>, socket: E::Socket) {
        let member = socket.member();
        self.sockets.add(member.session(), &socket);
        // A session that ended between the door and here was not found among the sockets to close.
        match self.sessions.identify(member.token(), member.from()).await {
            Ok(_) => {}
            Err(Error::NotLoggedIn) => socket.expel(),
            // Not known, and not to be assumed: it may come again and ask.
            Err(_) => socket.close(),
        }
    }

    /// A client has said something.
    pub async fn answer(self: Arc<Self>, socket: E::Socket, event: E::Event) {
        let name = event.name();
        let said = event
            .payload()
            .ok_or_else(|| Error::BadRequest(format!("“{name}” takes one object.")))
            .and_then(|payload| ClientEvent::decode(&name, payload));
        match said {
            Ok(ClientEvent::Join(join)) => {
                if let Err(error) = self.join(&socket, &event, join).await {
                    ack::<_, Joined>(&event, Err(error));
                }
            }
            Ok(ClientEvent::Leave(leave)) => ack(&event, self.leave(&socket, &leave)),
            Ok(ClientEvent::Message(say)) => self.hear(&socket, &event, say).await,
            Ok(ClientEvent::Heartbeat(beat)) => ack(&event, self.heartbeat(&socket, &beat)),
            Ok(ClientEvent::WatchRooms(_)) => self.watch_rooms(&socket, &event).await,
            Ok(ClientEvent::UnwatchRooms(_)) => ack(&event, self.unwatch_rooms(&socket)),
            // What cannot be read costs as much as what can: else it would be the cheapest way to keep the server busy.
            Err(error) => {
                let paid = self.spend(socket.member(), Cost::Small);
                ack::<_, Done>(&event, paid.and(Err(error)));
            }
        }
    }

    /// Answers by itself, unless it is an error. Then the client is not in the room, whether it was before or not: it could
    /// not know which.
    async fn join(&self, socket: &E::Socket, event: &E::Event, join: Join) -> Result<(), Error> {
        let (member, id) = (socket.member(), join.room);
        let joined = self.let_in(socket, event, join).await;
        if joined.is_err()
            && let Some(room) = member.leave(id)
        {
            room.unfollow(socket);
            room.leave(member.user());
        }
        joined
    }

    async fn let_in(&self, socket: &E::Socket, event: &E::Event, join: Join) -> Result<(), Error> {
        let member = socket.member();
        self.spend(member, Cost::Join)?;
        let room = self.rooms.open(join.room, &self.chat).await?;
        // What several rooms have to tell at once is more than may wait for one client.
        if member.note_told() && !socket.flushed().await {
            return Err(Error::NotInRoom);
        }
        let now = self.clock.now();
        if member.enter(&room)? {
            room.enter(member.user(), now);
        }
        room.tell_participants(socket, now);
        let answer = |joined| event.ack(&Ack::Ok(joined)).map_err(|_| overloaded());
        room.follow(socket, &self.chat, join.after, join.epoch, answer).await
    }

    fn leave(&self, socket: &E::Socket, leave: &InRoom) -> Result<Done, Error> {
        let member = socket.member();
        self.spend(member, Cost::Small)?;
        let room = member.leave(leave.room).ok_or(Error::NotInRoom)?;
        room.unfollow(socket);
        room.leave(member.user());
        Ok(Done {})
    }

    async fn hear(&self, socket: &E::Socket, event: &E::Event, say: Say) {
        match self.silence.try_read() {
            Ok(_until_answered) => ack(event, self.say(socket, say).await),
            Err(_) => ack::<_, Sent>(event, Err(overloaded())),
        }
    }

    async fn say(&self, socket: &E::Socket, say: Say) -> Result<Sent, Error> {
        let member = socket.member();
        self.spend(member, Cost::Message)?;
        let room = member.room(say.room).ok_or(Error::NotInRoom)?;
        let body = Body::parse(&say.body)?;
        // A session that has ended does not speak: what was on its way when it ended stays unsaid.
        if !socket.is_connected() {
            return Err(Error::NotLoggedIn);
        }
        let now = self.clock.now();
        let identity = member.identity();
        let posted = self.chat.post_message(identity, say.room, say.client_id, body, now).await?;
        room.beat(member.user(), now);
        Ok(Sent { seq: posted.seq, id: posted.id, at: posted.at })
    }

    fn heartbeat(&self, socket: &E::Socket, beat: &InRoom) -> Result<Done, Error> {
        let member = socket.member();
        self.spend(member, Cost::Small)?;
        let room = member.room(beat.room).ok_or(Error::NotInRoom)?;
        let now = self.clock.now();
        room.beat(member.user(), now);
        room.tell_participants(socket, now);
        Ok(Done {})
    }

    async fn watch_rooms(&self, socket: &E::Socket, event: &E::Event) {
        if let Err(error) = self.spend(socket.member(), Cost::Join) {
            return ack::<_, Done>(event, Err(error));
        }
        self.lobby.watch(socket, event, self).await;
    }

    fn unwatch_rooms(&self, socket: &E::Socket) -> Result<Done, Error> {
        self.spend(socket.member(), Cost::Small)?;
        Lobby::<E>::unwatch(socket);
        Ok(Done {})
    }

    /// A client has gone, after the last of what it said was heard.
    pub fn part(&self, socket: &E::Socket, reason: CloseReason) {
        let member = socket.member();
        tracing::debug!(user = member.user().id.0, %reason, "a socket has gone");
        self.sockets.remove(member.session(), socket);
        self.sessions.note_use(member.session(), self.clock.now());
        for room in member.leave_all() {
            room.leave(member.user());
        }
    }

    fn expel(sockets: Vec<E::Socket>, is_meant: impl Fn(&Member<E>) -> bool) {
        if Sabotage::NoRevocation.is_on() {
            return;
        }
        sockets.iter().filter(|socket| is_meant(socket.member())).for_each(E::Socket::expel);
    }

    fn spend(&self, member: &Member<E>, cost: Cost) -> Result<(), Error> {
        member.credit().spend(cost, self.clock.monotonic())
    }
}

fn ack<E: Event, T: serde::Serialize>(event: &E, answer: Result<T, Error>) {
    let answer = match answer {
        Ok(done) => Ack::Ok(done),
        Err(error) => Ack::Error(ApiError::from(&error)),
    };
    // An answer finds no place only when its client has left or the whole server is stuck; it will ask again.
    let _ = event.ack(&answer);
}

/// The engine has more to send than it takes on.
fn overloaded() -> Error {
    Error::Overloaded { retry_after: OVERLOADED_RETRY }
}

//! The live door: what people say and hear over Socket.IO. A handler decodes, spends credit, calls one verb, answers.

mod credit;
mod lobby;
mod log;
mod member;
mod presence;
mod room;
mod rooms;
mod sockets;
mod tell;
mod tick;

use std::sync::Arc;
use std::time::Duration;

use chat::wire::{
    Ack, ApiError, ClientEvent, Done, Draining, InRoom, Join, Joined, Say, Sent, ServerEvent,
};
use chat::{Body, Chat, Error, Identity, Room, RoomId, SessionId, Token};
use serde::Deserialize;
use serde_json::value::RawValue;
use tokio::sync::{Notify, RwLock, RwLockWriteGuard};
use volley::{CloseReason, Connect, Event, Namespace, Pass, Refusal, Refused, Socket};

pub use credit::EventRates;
pub use rooms::Rooms;

use crate::clock::Clock;
use crate::random::Random;
use crate::sabotage::Sabotage;
use crate::sessions::Sessions;
use crate::site::{Network, Site};
use crate::store::Sqlite;
use credit::{Cost, Credits};
use lobby::Lobby;
use member::Member;
use sockets::Sockets;

/// The namespace that clients connect to unless they say otherwise.
const NAMESPACE: &str = "/";
/// Clients come back within this time of a restart, each at a moment of its own.
const RETURN_SPREAD: Duration = Duration::from_secs(5);
/// When to ask again of an engine that has too much to send.
const OVERLOADED_RETRY: Duration = Duration::from_secs(1);

/// Everything the live door knows. Nothing in it survives the process, and nothing needs to.
#[derive(Debug)]
pub struct Live {
    chat: Arc<Chat<Sqlite>>,
    sessions: Arc<Sessions>,
    site: Arc<Site>,
    rooms: Arc<Rooms>,
    lobby: Lobby,
    sockets: Sockets,
    credits: Credits,
    clock: Clock,
    random: Random,
    /// Rung when there is something for [`tick`] to do.
    stirred: Arc<Notify>,
    /// Read while a message is stored and answered, written by the end of the server.
    silence: RwLock<()>,
}

/// Who opened a connection, and from where; kept from the request that did.
#[derive(Debug, Clone)]
struct Admission {
    identity: Arc<Identity>,
    token: Token,
    from: Network,
}

/// What a client without a cookie says when it connects.
#[derive(Deserialize)]
struct Auth {
    token: Option<String>,
}

impl Live {
    /// A live door onto `chat`. `rooms` is what the store publishes to.
    pub fn new(
        chat: Arc<Chat<Sqlite>>,
        sessions: Arc<Sessions>,
        site: Arc<Site>,
        rooms: Arc<Rooms>,
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

    /// The rules and handlers, for volley.
    pub fn namespace(self: &Arc<Self>) -> Namespace<Member> {
        let (admitting, connecting, hearing, ending) =
            (self.clone(), self.clone(), self.clone(), self.clone());
        Namespace::new(move |connect| admitting.clone().admit(connect))
            .on_connect(move |socket| connecting.clone().welcome(socket))
            .on_any(move |socket, event| hearing.clone().answer(socket, event))
            .on_disconnect(move |socket, reason| {
                ending.part(&socket, reason);
                std::future::ready(())
            })
    }

    /// Whether a request may open a connection, or go on with one.
    ///
    /// A client without cookie or header can only come by WebSocket, where no later request needs to prove anything;
    /// it shows its token in `admit`.
    pub async fn authorize(&self, parts: &http::request::Parts) -> Result<Pass, Refusal> {
        let from = self.site.visitor(parts);
        let Some(token) = self.sessions.token_in(&parts.headers) else {
            // The first one counts, as it does for the engine.
            let mut pairs = parts.uri.query().unwrap_or_default().split('&');
            let transport = pairs.find(|pair| pair.starts_with("transport="));
            return if transport == Some("transport=websocket") {
                Ok(Pass::bound_to([]).with(from))
            } else {
                Err(Refusal::unauthorized("not_logged_in"))
            };
        };
        match self.sessions.identify(&token, from).await {
            Ok(identity) => {
                let binding = *token.as_bytes();
                Ok(Pass::bound_to(binding).with(Admission { identity, token, from }))
            }
            Err(Error::NotLoggedIn) => Err(Refusal::unauthorized("not_logged_in")),
            Err(error) => Err(Refusal::unavailable(error.code())),
        }
    }

    /// How many people are connected to a room now.
    pub fn here(&self, room: RoomId) -> u64 {
        self.rooms.get(room).map_or(0, |room| room.connected())
    }

    /// Tells those who watch the list of rooms of a new one.
    pub fn room_created(&self, room: &Room) {
        self.rooms.note_change(room.id);
    }

    /// The sessions that have connections: whoever is connected uses their session, however quiet they are.
    pub fn sessions_in_use(&self) -> Vec<SessionId> {
        self.sockets.sessions()
    }

    /// Ends the connections of sessions that have ended, now.
    pub fn end_sessions(&self, sessions: &[SessionId]) {
        if Sabotage::NoRevocation.is_on() {
            return;
        }
        for socket in self.sockets.of(sessions) {
            socket.expel();
        }
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
            tell::one(&socket, &ServerEvent::Draining(Draining { retry_after_ms }));
        }
    }

    async fn admit(self: Arc<Self>, connect: Connect) -> Result<Member, Refused> {
        let admission = match connect.extensions().get::<Admission>() {
            Some(admission) => admission.clone(),
            None => self.admission_by_token(&connect).await.map_err(refused)?,
        };
        let Admission { identity, token, from } = admission;
        let credit = self.credits.enter(identity.account.user.id).map_err(refused)?;
        Ok(Member::new(identity, token, from, credit))
    }

    async fn admission_by_token(&self, connect: &Connect) -> Result<Admission, Error> {
        let auth: Auth = connect.auth().map_err(|_| Error::NotLoggedIn)?;
        let token = auth.token.as_deref().and_then(Token::decode).ok_or(Error::NotLoggedIn)?;
        let from = *connect.extensions().get::<Network>().expect("kept when there was no token");
        let identity = self.sessions.identify(&token, from).await?;
        Ok(Admission { identity, token, from })
    }

    async fn welcome(self: Arc<Self>, socket: Socket<Member>) {
        let member = socket.session();
        self.sockets.add(member.session(), &socket);
        // A session that ended between the door and here was not found among the sockets to close.
        if self.sessions.identify(member.token(), member.from()).await.is_err() {
            socket.expel();
        }
    }

    async fn answer(self: Arc<Self>, socket: Socket<Member>, event: Event) {
        let name = event.name();
        let said = event
            .args::<(&RawValue,)>()
            .map_err(|_| Error::BadRequest(format!("“{name}” takes one object.")))
            .and_then(|(payload,)| ClientEvent::decode(&name, payload.get()));
        match said {
            Ok(ClientEvent::Join(join)) => ack(&event, self.join(&socket, join).await),
            Ok(ClientEvent::Leave(leave)) => ack(&event, self.leave(&socket, &leave)),
            Ok(ClientEvent::Message(say)) => self.hear(&socket, &event, say).await,
            Ok(ClientEvent::Heartbeat(beat)) => ack(&event, self.heartbeat(&socket, &beat)),
            Ok(ClientEvent::WatchRooms(_)) => self.watch_rooms(&socket, &event).await,
            Ok(ClientEvent::UnwatchRooms(_)) => ack(&event, self.unwatch_rooms(&socket)),
            // What cannot be read costs as much as what can: else it would be the cheapest way to keep the server busy.
            Err(error) => {
                let paid = self.spend(socket.session(), Cost::Small);
                ack::<Done>(&event, paid.and(Err(error)));
            }
        }
    }

    async fn join(&self, socket: &Socket<Member>, join: Join) -> Result<Joined, Error> {
        let member = socket.session();
        self.spend(member, Cost::Join)?;
        let room = self.rooms.open(join.room, &self.chat).await?;
        let now = self.clock.now();
        if member.enter(&room)? {
            room.enter(member.user(), now);
        }
        room.tell_participants(socket, now);
        let joined = room.follow(socket, &self.chat, join.after, join.epoch).await;
        if joined.is_err() && member.leave(join.room).is_some() {
            room.unfollow(socket);
            room.leave(member.user());
        }
        joined
    }

    fn leave(&self, socket: &Socket<Member>, leave: &InRoom) -> Result<Done, Error> {
        let member = socket.session();
        self.spend(member, Cost::Small)?;
        let room = member.leave(leave.room).ok_or(Error::NotInRoom)?;
        room.unfollow(socket);
        room.leave(member.user());
        Ok(Done {})
    }

    async fn hear(&self, socket: &Socket<Member>, event: &Event, say: Say) {
        match self.silence.try_read() {
            Ok(_until_answered) => ack(event, self.say(socket, say).await),
            Err(_) => ack::<Sent>(event, Err(overloaded())),
        }
    }

    async fn say(&self, socket: &Socket<Member>, say: Say) -> Result<Sent, Error> {
        let member = socket.session();
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

    fn heartbeat(&self, socket: &Socket<Member>, beat: &InRoom) -> Result<Done, Error> {
        let member = socket.session();
        self.spend(member, Cost::Small)?;
        let room = member.room(beat.room).ok_or(Error::NotInRoom)?;
        let now = self.clock.now();
        room.beat(member.user(), now);
        room.tell_participants(socket, now);
        Ok(Done {})
    }

    async fn watch_rooms(&self, socket: &Socket<Member>, event: &Event) {
        if let Err(error) = self.spend(socket.session(), Cost::Join) {
            return ack::<Done>(event, Err(error));
        }
        self.lobby.watch(socket, event, self).await;
    }

    fn unwatch_rooms(&self, socket: &Socket<Member>) -> Result<Done, Error> {
        self.spend(socket.session(), Cost::Small)?;
        Lobby::unwatch(socket);
        Ok(Done {})
    }

    fn part(&self, socket: &Socket<Member>, reason: CloseReason) {
        let member = socket.session();
        tracing::debug!(user = member.user().id.0, %reason, "a socket has gone");
        self.sockets.remove(member.session(), socket);
        self.sessions.note_use(member.session(), self.clock.now());
        for room in member.leave_all() {
            room.leave(member.user());
        }
    }

    fn spend(&self, member: &Member, cost: Cost) -> Result<(), Error> {
        member.credit().spend(cost, self.clock.monotonic())
    }
}

fn ack<T: serde::Serialize>(event: &Event, answer: Result<T, Error>) {
    let answer = match answer {
        Ok(done) => Ack::Ok(done),
        Err(error) => Ack::Error(ApiError::from(&error)),
    };
    // An answer finds no place only when its client has left or the whole server is stuck; it will ask again.
    let _ = event.ack(&(answer,));
}

/// The engine has more to send than it takes on.
fn overloaded() -> Error {
    Error::Overloaded { retry_after: OVERLOADED_RETRY }
}

/// Clients read the word in `error.message`, and the sentence in `error.data`.
fn refused(error: Error) -> Refused {
    let details = serde_json::to_value(ApiError::from(&error)).unwrap_or_default();
    Refused::new(error.code()).with_data(details)
}

//! A server from its start to its end: the live door, sessions and verbs as they are, on the simulated network and disk.
//! What the HTTP door does around them is done here in the same words.

#[cfg(test)]
mod tests;

use std::sync::{Arc, LazyLock};
use std::time::Duration;

use chat::{
    Chat, Error, History, NewSession, Page, PasswordHash, RoomId, SessionId, Token, UserId,
};
use clap::Parser;
use server::cookie::Cookie;
use server::limits::Limits;
use server::live::{EventRates, Live, Rooms};
use server::sessions::{Sessions, hash_of};
use server::site::{Network, Site};
use server::{Config, Random};
use volley::CloseReason;
use volley::limits::CLOSE_TIMEOUT;

use crate::disk::Moody;
use crate::engine::{Link, Switchboard, Wires};
use crate::executor::Executor;
use crate::happening::Happening;
use crate::memory::{Memory, Platter};
use crate::nature::Nature;
use crate::wire::{Line, Packet};

/// How often the server looks whether there is something to do while there is.
const TICK: Duration = Duration::from_millis(100);
/// How often it looks when nothing has stirred.
const QUIET: Duration = Duration::from_mins(1);
/// How often stale sessions are removed.
const TIDY_EVERY: Duration = Duration::from_hours(1);
/// How long the last messages may take.
const LAST_WORDS: Duration = Duration::from_secs(10);
/// How long a new token takes to arrive before what the old one opened ends.
const ARRIVAL: Duration = Duration::from_millis(500);

static CONFIG: LazyLock<Config> = LazyLock::new(|| Config::parse_from(["parlor"]));

/// A running server. Clones are the same.
#[derive(Clone)]
pub(crate) struct House {
    nature: Nature,
    chat: Arc<Chat<Memory<Moody>>>,
    sessions: Arc<Sessions<Memory<Moody>>>,
    live: Arc<Live<Memory<Moody>, Wires>>,
    switchboard: Arc<Switchboard>,
}

impl House {
    /// Starts a server on what a disk holds.
    pub(crate) fn open(
        executor: &mut Executor,
        nature: &Nature,
        platter: &Platter,
        disk: &Arc<Moody>,
        rates: EventRates,
    ) -> Self {
        let clock = nature.clock();
        let rooms: Arc<Rooms<Wires>> = Arc::default();
        let store = Memory::open(platter.clone(), disk.clone(), rooms.clone());
        executor.spawn(store.clone().writes());
        let chat = Arc::new(Chat::new(store));
        let site = Arc::new(Site::new(&CONFIG));
        let limits = Arc::new(Limits::new(&CONFIG, clock.clone()));
        let cookie = Cookie::of(&site);
        let sessions = Arc::new(Sessions::new(chat.clone(), cookie, limits, clock.clone()));
        let live = Live::new(
            chat.clone(),
            sessions.clone(),
            site,
            rooms,
            rates,
            clock.clone(),
            Random::seeded(nature.number()),
        );
        let switchboard = Switchboard::new(nature);
        let house = Self { nature: nature.clone(), chat, sessions, live, switchboard };
        executor.spawn(house.clone().tick());
        executor.spawn(house.clone().tidy());
        house
    }

    /// What the connections have in common.
    pub(crate) fn switchboard(&self) -> &Switchboard {
        &self.switchboard
    }

    /// One connection, from the request that opens it to its end.
    pub(crate) async fn serve(self, line: Line, token: Token, from: Network, handshake: Duration) {
        self.nature.pass(handshake).await;
        let identity = match self.sessions.identify(&token, from).await {
            Ok(identity) => identity,
            Err(error) => return refuse(&line, &error),
        };
        // The token was shown with a request; what follows comes with another.
        self.nature.pass(handshake).await;
        let member = match self.live.admit(identity, token, from) {
            Ok(member) => member,
            Err(error) => return refuse(&line, &error),
        };
        let connection = Link::new(line.clone(), self.switchboard.clone(), member);
        line.send(Packet::Welcome);
        self.live.clone().welcome(connection.clone()).await;
        while let Some(heard) = connection.hear().await {
            self.live.clone().answer(connection.clone(), heard).await;
        }
        self.live.part(&connection, line.ended().unwrap_or(CloseReason::ServerDisconnect));
    }

    /// Somebody logs in with a password.
    pub(crate) async fn log_in(
        self,
        user: UserId,
        password: PasswordHash,
        token: Token,
    ) -> Result<(SessionId, Token), Error> {
        let session = NewSession {
            user,
            password,
            token: hash_of(&token),
            client: "a simulated client".to_owned(),
            at: self.nature.clock().now(),
        };
        Ok((self.chat.start_session(session).await?.id, token))
    }

    /// Somebody logs out.
    pub(crate) async fn log_out(self, token: Token, from: Network) -> Result<(), Error> {
        let identity = self.sessions.identify(&token, from).await?;
        let (user, session) = (identity.account.user.id, identity.session.id);
        match self.live.end_session(user, session).await {
            Ok(()) | Err(Error::NotFound) => {}
            Err(error) => return Err(error),
        }
        self.nature.arrange(Duration::ZERO, Happening::Revoked(vec![session]));
        Ok(())
    }

    /// Somebody gets a new password, and for their session a new token.
    pub(crate) async fn change_password(
        self,
        token: Token,
        from: Network,
        (old, new): (PasswordHash, PasswordHash),
        new_token: Token,
    ) -> Result<Token, Error> {
        let identity = self.sessions.identify(&token, from).await?;
        let session = identity.session.id;
        let hash = hash_of(&new_token);
        let changed = self.chat.change_password(&identity, old, new, hash).await;
        if let Err(Error::StorageUnavailable { .. }) = changed {
            self.live.doubt(identity.account.user.id);
        }
        let ended = changed?;
        self.sessions.forget(&[&[session], ended.as_slice()].concat());
        self.live.end_sessions(&ended);
        self.nature.arrange(Duration::ZERO, Happening::Revoked(ended));
        self.nature.arrange(ARRIVAL, Happening::Replaced(session));
        Ok(new_token)
    }

    /// Somebody reads a page of a room's log.
    pub(crate) async fn history(
        self,
        token: Token,
        from: Network,
        room: RoomId,
        page: Page,
    ) -> Result<History, Error> {
        let _: Arc<_> = self.sessions.identify(&token, from).await?;
        self.chat.history(room, page, 50).await
    }

    /// What the old token of a session opened ends.
    pub(crate) fn end_replaced(&self, session: SessionId) {
        self.live.end_sessions(&[session]);
    }

    /// Ends as a server does that is asked to.
    pub(crate) async fn drain(self, lines: Vec<Line>) {
        tokio::select! {
            biased;
            _silence = self.live.silence() => self.say_goodbye(&lines).await,
            () = self.nature.pass(LAST_WORDS) => self.say_goodbye(&lines).await,
        }
        // What it does not note is forgotten, and nothing else.
        let _ = self.live.save_activity().await;
        self.chat.store().close().await;
        self.nature.arrange(Duration::ZERO, Happening::Stopped);
    }

    async fn say_goodbye(&self, lines: &[Line]) {
        self.live.announce_end();
        lines.iter().for_each(Line::close);
        self.nature.pass(CLOSE_TIMEOUT).await;
        lines.iter().for_each(|line| line.end(CloseReason::ServerShutdown));
    }

    async fn tick(self) {
        let mut save_at = self.nature.clock().monotonic() + Duration::from_secs(5);
        loop {
            tokio::select! {
                biased;
                () = self.live.stirred() => {}
                () = self.nature.pass(QUIET) => {}
            }
            while self.live.tick_once(&mut save_at).await {
                self.nature.pass(TICK).await;
            }
        }
    }

    async fn tidy(self) {
        loop {
            self.nature.pass(TIDY_EVERY).await;
            // What does not work now is done in an hour.
            let _ = self.live.end_stale_sessions().await;
        }
    }
}

fn refuse(line: &Line, error: &Error) {
    line.send(Packet::Refused(error.code()));
    line.close();
}

//! The whole: every part is made here, once, and handed to those that need it. Read it first to know what there is.

use std::io;
use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64};
use std::time::Duration;

use chat::Chat;
use tokio::task::JoinSet;
use tokio::time::{MissedTickBehavior, interval, timeout};
use volley::{Server, Volley};

use crate::accounts::Accounts;
use crate::clock::Clock;
use crate::config::Config;
use crate::cookie::Cookie;
use crate::http::{self, App};
use crate::limits::Limits;
use crate::live::{EventRates, Live, Rooms};
use crate::metrics::Metrics;
use crate::passwords::Passwords;
use crate::random::Random;
use crate::sabotage::Sabotage;
use crate::sessions::Sessions;
use crate::site::Site;
use crate::store::{OpenError, Sqlite};

/// How often sessions that nobody can use any more are removed.
const TIDY_EVERY: Duration = Duration::from_hours(1);
/// How long it may take until the last messages are stored and answered.
const LAST_WORDS: Duration = Duration::from_secs(10);
/// How long clients may take to be told that the server ends.
const GOODBYE: Duration = Duration::from_secs(5);
/// What the disk may take to put everything away. A server that is asked to end has ended after half a minute.
const LAST_WRITES: Duration = Duration::from_secs(8);

/// A server that listens, and answers once it [serves](Self::serve).
#[derive(Debug)]
pub struct Parlor {
    server: Server,
    metrics: Option<Server>,
    url: String,
    app: Arc<App>,
    volley: Volley,
}

/// Why the server did not start, in a sentence for who started it.
#[derive(Debug, thiserror::Error)]
pub enum StartError {
    /// Somebody else has the port.
    #[error("{0} is in use: is Parlor running already? Stop it, or choose another port with {1}.")]
    Busy(SocketAddr, &'static str),
    /// The system does not let us listen.
    #[error("Parlor cannot listen on {0}, as {1} says: {2}.")]
    Listen(SocketAddr, &'static str, io::Error),
    /// The data cannot be used.
    #[error(transparent)]
    Store(#[from] OpenError),
    /// The system gives us no threads, say.
    #[error("The system does not give Parlor what it needs: {0}.")]
    System(#[from] io::Error),
}

impl Parlor {
    /// Takes the port, opens the data folder, and makes all parts.
    pub async fn open(config: &Config, clock: Clock, random: Random) -> Result<Self, StartError> {
        let most = config.max_connections.get() as usize;
        let server = listen(config.listen, "--listen").await?;
        // Behind a proxy all have one address.
        let server = server.max_connections(most).max_connections_per_address(most);
        let metrics_server = match config.metrics_listen {
            Some(address) => Some(listen(address, "--metrics-listen").await?),
            None => None,
        };
        let site = Arc::new(Site::new(config));
        let cookie = Cookie::of(&site);
        let rooms: Arc<Rooms> = Arc::default();
        let store = Sqlite::open(&config.data, rooms.clone())?;
        let chat = Arc::new(Chat::new(store));
        let limits = Arc::new(Limits::new(config, clock.clone()));
        let sessions = Arc::new(Sessions::new(chat.clone(), cookie, limits.clone(), clock.clone()));
        if let Err(error) = sessions.expect_those_who_were_here().await {
            tracing::warn!(%error, "those who come back are asked for one by one");
        }
        let rates = EventRates { messages: config.messages(), ..EventRates::default() };
        let live = Live::new(
            chat.clone(),
            sessions.clone(),
            site.clone(),
            rooms,
            rates,
            clock.clone(),
            random.clone(),
        );
        let authorizing = live.clone();
        let mut engine = Volley::builder();
        if Sabotage::UnboundedQueue.is_on() {
            engine = engine.max_queued_bytes(usize::MAX).max_queued_age(TIDY_EVERY);
        }
        let volley = engine
            .origins(site.origins.clone())
            .max_connections(most)
            .namespace("/", live.namespace())
            .authorize(move |parts: &::http::request::Parts| {
                let (live, parts) = (authorizing.clone(), parts.clone());
                async move { live.authorize(&parts).await }
            })
            .build()?;
        let passwords = Passwords::start(random.clone())?;
        let accounts = Accounts {
            chat: chat.clone(),
            sessions,
            limits: limits.clone(),
            passwords,
            clock: clock.clone(),
            random: random.clone(),
        };
        let url = match &config.public_url {
            Some(url) => url.as_str().to_owned(),
            None => match server.local_addr()? {
                // Who listens everywhere is found here under this name.
                address if address.ip().is_unspecified() => {
                    format!("http://localhost:{}", address.port())
                }
                address => format!("http://{address}"),
            },
        };
        let app = Arc::new(App {
            chat,
            accounts,
            live,
            limits,
            clock,
            random,
            site,
            cookie,
            metrics: Arc::new(Metrics::default()),
            draining: AtomicBool::new(false),
            checking: tokio::sync::Mutex::default(),
            requests: AtomicU64::new(0),
        });
        Ok(Self { server, metrics: metrics_server, url, app, volley })
    }

    /// Where people find it.
    pub fn url(&self) -> &str {
        &self.url
    }

    /// Where it listens.
    pub fn address(&self) -> io::Result<SocketAddr> {
        self.server.local_addr()
    }

    /// Where it tells its figures, if it does.
    pub fn metrics_address(&self) -> Option<io::Result<SocketAddr>> {
        self.metrics.as_ref().map(Server::local_addr)
    }

    /// Answers until `stop` resolves. Then it takes nothing new, finishes what is under way, says goodbye to everybody,
    /// and returns when everything is on the disk.
    pub async fn serve(self, stop: impl Future<Output = ()>) {
        let Self { server, metrics, url: _, app, volley } = self;
        let router = http::router(app.clone(), volley.service());
        let mut beside = JoinSet::new();
        beside.spawn(app.live.clone().tick());
        beside.spawn(tidy(app.clone()));
        if let Some(server) = metrics {
            let figures = app.metrics.router(volley.clone(), app.chat.clone());
            beside.spawn(server.serve(figures, std::future::pending()));
        }
        let drained = async {
            stop.await;
            tracing::info!("stopping");
            if Sabotage::NoDrain.is_on() {
                std::process::exit(0);
            }
            app.drain();
            // Kept until all have gone: a client whose message is stored learns so before it hears of the end.
            let _silence = timeout(LAST_WORDS, app.live.silence()).await;
            app.live.announce_end();
            volley.shutdown(GOODBYE).await;
        };
        server.serve(router, drained).await;
        beside.shutdown().await;
        let put_away = async {
            if let Err(error) = app.live.save_activity().await {
                tracing::warn!(%error, "when people were last active was not noted");
            }
            app.chat.store().close().await;
        };
        if timeout(LAST_WRITES, put_away).await.is_err() {
            tracing::error!("the disk does not answer; what was acknowledged is on it already");
        }
    }
}

async fn listen(address: SocketAddr, option: &'static str) -> Result<Server, StartError> {
    Server::bind(address).await.map_err(|error| match error.kind() {
        io::ErrorKind::AddrInUse => StartError::Busy(address, option),
        _ => StartError::Listen(address, option, error),
    })
}

/// Removes the sessions that have become too old or are not used, at the start and then now and again.
async fn tidy(app: Arc<App>) {
    let mut ticks = interval(TIDY_EVERY);
    ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
    loop {
        ticks.tick().await;
        if let Err(error) = app.live.end_stale_sessions().await {
            tracing::warn!(%error, "old sessions were not removed");
        }
    }
}

#[cfg(test)]
mod tests {
    use std::net::{IpAddr, Ipv4Addr};

    use chat::{Error, SESSION_IDLE, Timestamp};
    use clap::Parser;

    use super::*;
    use crate::accounts::Visitor;
    use crate::site::Network;

    #[tokio::test]
    async fn a_session_that_was_used_a_moment_ago_is_not_taken_for_stale() {
        let folder = tempfile::tempdir().unwrap();
        let data = folder.path().to_str().unwrap();
        let config = Config::parse_from(["parlor", "--listen", "127.0.0.1:0", "--data", data]);
        let clock = Clock::standing_at(Timestamp(1_800_000_000_000));
        let parlor = Parlor::open(&config, clock.clone(), Random::seeded(1)).await.unwrap();
        let Accounts { sessions, .. } = &parlor.app.accounts;
        let from = Network::of(IpAddr::V4(Ipv4Addr::LOCALHOST));
        let visitor = Visitor { from, client: "Firefox on Linux".to_owned() };
        let password = "a horse, a staple".to_owned();
        let alice = parlor.app.accounts.register(visitor, "alice", password).await.unwrap().token;

        clock.advance(SESSION_IDLE.checked_sub(Duration::from_mins(1)).unwrap());
        assert!(sessions.identify(&alice, from).await.is_ok());
        clock.advance(Duration::from_mins(2));
        parlor.app.live.end_stale_sessions().await.unwrap();
        assert!(sessions.identify(&alice, from).await.is_ok());

        clock.advance(SESSION_IDLE);
        parlor.app.live.end_stale_sessions().await.unwrap();
        assert_eq!(sessions.identify(&alice, from).await, Err(Error::NotLoggedIn));
    }
}

//! The HTTP door. A handler extracts, calls one verb, answers; one file per noun.

mod accounts;
mod extract;
mod failure;
mod guard;
mod health;
mod messages;
mod observe;
mod openapi;
mod page;
mod rooms;
mod sessions;

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::middleware::{from_fn, from_fn_with_state};
use axum::routing::get;
use chat::{Chat, Error, Identity, SessionId};
use serde::Deserialize;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use self::failure::Failure;
use self::openapi::Document;
use crate::accounts::Accounts;
use crate::clock::Clock;
use crate::cookie::Cookie;
use crate::limits::Limits;
use crate::live::Live;
use crate::metrics::Metrics;
use crate::random::Random;
use crate::site::Site;
use crate::store::Sqlite;

/// Most bytes of a request's body. The longest message, escaped in the most wasteful way, has 48 KiB.
const BODY_LIMIT: usize = 64 * 1024;

/// What the doors share.
#[derive(Debug)]
pub struct App {
    /// What is beneath.
    pub chat: Arc<Chat<Sqlite>>,
    /// Who may come in.
    pub accounts: Accounts,
    /// Who is in, and hears what is said.
    pub live: Arc<Live>,
    /// How often somebody may do what.
    pub limits: Arc<Limits>,
    /// The time.
    pub clock: Clock,
    /// Where addresses of rooms come from.
    pub random: Random,
    /// How the server is seen from outside.
    pub site: Arc<Site>,
    /// In what browsers keep their tokens.
    pub cookie: Cookie,
    /// What is counted.
    pub metrics: Arc<Metrics>,
    /// Whether the server is about to end.
    pub draining: AtomicBool,
    /// The turn of who asks whether the store can write.
    pub checking: tokio::sync::Mutex<()>,
    /// Requests so far; each is known in the log by its number.
    pub requests: AtomicU64,
}

/// How many entries of a list are asked for at once.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(try_from = "u32")]
struct PageSize(usize);

/// Everything that is answered over HTTP, `socket_io` among it.
pub fn router(app: Arc<App>, socket_io: volley::Service) -> Router {
    let (api, description) = OpenApiRouter::with_openapi(openapi::about(app.cookie))
        .routes(routes!(accounts::register))
        .routes(routes!(accounts::log_in))
        .routes(routes!(accounts::log_out))
        .routes(routes!(accounts::me))
        .routes(routes!(accounts::change_password))
        .routes(routes!(sessions::list))
        .routes(routes!(sessions::end))
        .routes(routes!(rooms::list, rooms::create))
        .routes(routes!(rooms::one))
        .routes(routes!(messages::list))
        .routes(routes!(health::live))
        .routes(routes!(health::ready))
        .split_for_parts();
    let document = Document::new(&description);
    api.route(openapi::PATH, get(move || async { document }))
        .layer(DefaultBodyLimit::max(BODY_LIMIT))
        .layer(from_fn_with_state(app.clone(), guard::origin))
        .layer(from_fn(guard::no_store))
        .route_service("/socket.io/", socket_io)
        .fallback(page::serve)
        .method_not_allowed_fallback(|| async { Failure::WrongMethod })
        .layer(from_fn_with_state(app.clone(), guard::host))
        .layer(from_fn_with_state(app.clone(), guard::headers))
        .layer(from_fn_with_state(app.clone(), observe::request))
        .with_state(app)
}

impl App {
    /// From now on the server is about to end.
    pub fn drain(&self) {
        self.draining.store(true, Ordering::Relaxed);
    }

    fn is_draining(&self) -> bool {
        self.draining.load(Ordering::Relaxed)
    }

    /// Somebody leaves through one of their sessions; its connections are closed at once.
    async fn end_session(&self, identity: &Identity, session: SessionId) -> Result<(), Error> {
        let (live, user) = (self.live.clone(), identity.account.user.id);
        to_the_end(async move { live.end_session(user, session).await }).await
    }
}

/// Does something to its end even if whoever asked for it hangs up: else it would stop where it stands, and sessions could
/// have ended in the database that go on hearing.
async fn to_the_end<T: Send + 'static>(
    work: impl Future<Output = Result<T, Error>> + Send + 'static,
) -> Result<T, Error> {
    tokio::spawn(work).await.unwrap_or(Err(Error::Internal))
}

impl Default for PageSize {
    fn default() -> Self {
        Self(50)
    }
}

impl TryFrom<u32> for PageSize {
    type Error = &'static str;

    fn try_from(limit: u32) -> Result<Self, Self::Error> {
        match limit {
            1..=200 => Ok(Self(limit as usize)),
            _ => Err("a page has 1 to 200 entries"),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::sync::oneshot;
    use tokio::time::timeout;

    use super::*;

    #[tokio::test]
    async fn what_nobody_waits_for_any_more_is_done_to_its_end() {
        let (go_on, goes_on) = oneshot::channel::<()>();
        let (done, is_done) = oneshot::channel();
        let asked = to_the_end(async move {
            goes_on.await.unwrap();
            done.send(()).unwrap();
            Ok(())
        });
        assert!(timeout(Duration::ZERO, asked).await.is_err(), "it waits");
        go_on.send(()).unwrap();
        assert_eq!(is_done.await, Ok(()));
    }
}

//! What a handler is given of a request: who asks, from where, and what; or the reason why it is not called.

use std::convert::Infallible;
use std::error::Error as _;
use std::sync::Arc;
use std::time::Duration;

use axum::body::Bytes;
use axum::extract::{FromRequest, FromRequestParts, Path, Request};
use chat::{Error, Identity, RoomId, SessionId};
use http::HeaderMap;
use http::header::{AUTHORIZATION, CONTENT_TYPE, USER_AGENT};
use http::request::Parts;
use serde::de::DeserializeOwned;

use super::{App, Failure};
use crate::accounts::Visitor;
use crate::client;

/// How long a body may take to arrive.
const BODY_TIMEOUT: Duration = Duration::from_secs(10);

/// Whoever is logged in. A handler that takes one is for them alone.
pub(super) struct Caller {
    /// Who, and through which session.
    pub(super) identity: Arc<Identity>,
    /// What they showed.
    pub(super) shown: Shown,
}

/// What somebody showed to be let in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Shown {
    /// A cookie, as browsers do.
    Cookie,
    /// `Authorization: Bearer …`, as programs do.
    Bearer,
}

/// The JSON in a request's body.
pub(super) struct Input<T>(pub(super) T);

/// Who asks, and what. Who asks is looked at again when all of it has arrived: a session may end while a body is slowly
/// on its way.
pub(super) struct Asked<T> {
    pub(super) caller: Caller,
    pub(super) input: T,
}

/// What stands after the question mark.
pub(super) struct Query<T>(pub(super) T);

/// The room that the path names.
pub(super) struct RoomAt(pub(super) RoomId);

/// The session that the path names.
pub(super) struct SessionAt(pub(super) SessionId);

impl Shown {
    pub(super) fn of(headers: &HeaderMap) -> Self {
        if headers.contains_key(AUTHORIZATION) { Self::Bearer } else { Self::Cookie }
    }
}

impl FromRequestParts<Arc<App>> for Visitor {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Infallible> {
        let user_agent = parts.headers.get(USER_AGENT).and_then(|value| value.to_str().ok());
        Ok(Self { from: app.site.visitor(parts), client: client::in_a_few_words(user_agent) })
    }
}

impl FromRequestParts<Arc<App>> for Caller {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Failure> {
        let sessions = &app.accounts.sessions;
        let token = sessions.token_in(&parts.headers).ok_or(Error::NotLoggedIn)?;
        let from = app.site.visitor(parts);
        let identity = sessions.identify(&token, from).await?;
        Ok(Self { identity, shown: Shown::of(&parts.headers) })
    }
}

impl<T: DeserializeOwned + Send> FromRequest<Arc<App>> for Asked<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Failure> {
        let (mut parts, body) = request.into_parts();
        Caller::from_request_parts(&mut parts, app).await?;
        let request = Request::from_parts(parts.clone(), body);
        let Input(input) = Input::from_request(request, app).await?;
        let caller = Caller::from_request_parts(&mut parts, app).await?;
        Ok(Self { caller, input })
    }
}

impl<T: DeserializeOwned> FromRequest<Arc<App>> for Input<T> {
    type Rejection = Failure;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<Self, Failure> {
        if !is_json(request.headers()) {
            return Err(Failure::NotJson);
        }
        let body = tokio::time::timeout(BODY_TIMEOUT, Bytes::from_request(request, app));
        let body = match body.await {
            Ok(Ok(body)) => body,
            Ok(Err(rejection)) if rejection.status() == http::StatusCode::PAYLOAD_TOO_LARGE => {
                return Err(Failure::TooLarge);
            }
            Ok(Err(rejection)) => return Err(Error::BadRequest(rejection.body_text()).into()),
            Err(_) => return Err(Failure::TooSlow),
        };
        let parsed = serde_json::from_slice(&body);
        parsed
            .map(Self)
            .map_err(|error| Error::BadRequest(format!("Not as expected: {error}.")).into())
    }
}

impl<T: DeserializeOwned> FromRequestParts<Arc<App>> for Query<T> {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Failure> {
        match axum::extract::Query::from_request_parts(parts, app).await {
            Ok(axum::extract::Query(query)) => Ok(Self(query)),
            Err(rejection) => {
                // What is wrong stands in the cause; before it is only that something is.
                let cause = rejection.source().map_or(rejection.to_string(), ToString::to_string);
                Err(Error::BadRequest(format!("{cause}.")).into())
            }
        }
    }
}

impl FromRequestParts<Arc<App>> for RoomAt {
    type Rejection = Failure;

    /// What is no UUID is no room's address.
    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Failure> {
        let path = Path::from_request_parts(parts, app).await;
        path.map(|Path(id)| Self(id)).map_err(|_| Error::RoomNotFound.into())
    }
}

impl FromRequestParts<Arc<App>> for SessionAt {
    type Rejection = Failure;

    async fn from_request_parts(parts: &mut Parts, app: &Arc<App>) -> Result<Self, Failure> {
        let path = Path::from_request_parts(parts, app).await;
        path.map(|Path(id)| Self(id)).map_err(|_| Error::NotFound.into())
    }
}

fn is_json(headers: &HeaderMap) -> bool {
    let content_type = headers.get(CONTENT_TYPE).and_then(|value| value.to_str().ok());
    let essence = content_type.and_then(|value| value.split(';').next());
    essence.is_some_and(|essence| essence.trim().eq_ignore_ascii_case("application/json"))
}

//! Registering, logging in and out, the password.

use std::sync::Arc;
use std::time::Duration;

use axum::Json;
use axum::extract::State;
use axum::response::{IntoResponse, Response};
use chat::wire::http::{Credentials, Failed, LoggedIn, Me, NewToken, PasswordChange, SessionKind};
use chat::{Error, Identity, SessionId, Token, UserId};
use http::header::SET_COOKIE;
use http::{HeaderMap, StatusCode};

use super::extract::{Asked, Caller, Input, Shown};
use super::{App, Failure, to_the_end};
use crate::accounts::{Admitted, Visitor};
use crate::on_wire;
use crate::site::Network;

/// How long a new token may take to arrive. Revocation promises a second.
const ARRIVAL: Duration = Duration::from_millis(500);

/// Join this server under a new name, and log in. The first account looks after the server.
#[utoipa::path(
    post, path = "/api/register", operation_id = "register", tag = "Accounts", security(()),
    request_body = Credentials,
    responses(
        (status = 201, description = "Registered and logged in", body = LoggedIn),
        (status = 400, description = "`invalid_name`, `invalid_password`", body = Failed),
        (status = 409, description = "`name_taken`", body = Failed),
        (status = 429, description = "`rate_limited`", body = Failed),
    ),
)]
pub(super) async fn register(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    headers: HeaderMap,
    Input(asked): Input<Credentials>,
) -> Result<Response, Failure> {
    let from = visitor.from;
    let admitted = app.accounts.register(visitor, &asked.name, asked.password).await?;
    app.replace_cookie(&headers, asked.kind, from).await;
    Ok((StatusCode::CREATED, logged_in(&app, admitted, asked.kind)).into_response())
}

/// Log in.
#[utoipa::path(
    post, path = "/api/login", operation_id = "logIn", tag = "Accounts", security(()),
    request_body = Credentials,
    responses(
        (status = 200, description = "Logged in", body = LoggedIn),
        (status = 401, description = "`wrong_credentials`", body = Failed),
        (status = 429, description = "`rate_limited`", body = Failed),
    ),
)]
pub(super) async fn log_in(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    headers: HeaderMap,
    Input(asked): Input<Credentials>,
) -> Result<Response, Failure> {
    let from = visitor.from;
    let admitted = app.accounts.log_in(visitor, &asked.name, asked.password).await?;
    app.replace_cookie(&headers, asked.kind, from).await;
    app.end_surplus_session(admitted.account.user.id).await;
    Ok(logged_in(&app, admitted, asked.kind))
}

/// Log out: the session of this request ends, with all its connections.
#[utoipa::path(
    post, path = "/api/logout", operation_id = "logOut", tag = "Accounts",
    responses(
        (status = 204, description = "Logged out"),
        (status = 401, description = "`not_logged_in`", body = Failed),
    ),
)]
pub(super) async fn log_out(
    State(app): State<Arc<App>>,
    caller: Caller,
) -> Result<Response, Failure> {
    match app.end_session(&caller.identity, caller.identity.session.id).await {
        // One that has ended meanwhile has ended.
        Ok(()) | Err(Error::NotFound) => {}
        Err(error) => return Err(error.into()),
    }
    Ok((StatusCode::NO_CONTENT, [(SET_COOKIE, app.cookie.clear())]).into_response())
}

/// Who asks.
#[utoipa::path(
    get, path = "/api/me", operation_id = "me", tag = "Accounts",
    responses(
        (status = 200, description = "Who asks, and through which session", body = Me),
        (status = 401, description = "`not_logged_in`", body = Failed),
    ),
)]
pub(super) async fn me(caller: Caller) -> Json<Me> {
    let account = &caller.identity.account;
    let session = &caller.identity.session;
    Json(Me {
        user: on_wire::user(&account.user),
        session: on_wire::session(session, session.id),
        admin: account.admin,
    })
}

/// Change the password. All other sessions end; this one goes on with a new token.
#[utoipa::path(
    post, path = "/api/password", operation_id = "changePassword", tag = "Accounts",
    request_body = PasswordChange,
    responses(
        (status = 200, description = "Changed; the new token, for who came with a token", body = NewToken),
        (status = 204, description = "Changed; the new cookie, for who came with a cookie"),
        (status = 400, description = "`invalid_password`", body = Failed),
        (status = 401, description = "`not_logged_in`", body = Failed),
        (status = 403, description = "`wrong_password`", body = Failed),
        (status = 429, description = "`rate_limited`", body = Failed),
    ),
)]
pub(super) async fn change_password(
    State(app): State<Arc<App>>,
    visitor: Visitor,
    Asked { caller, input: change }: Asked<PasswordChange>,
) -> Result<Response, Failure> {
    let changing = app.clone().change_password_of(caller.identity, visitor.from, change);
    let token = to_the_end(changing).await?;
    Ok(match caller.shown {
        Shown::Bearer => Json(NewToken { token: token.encode() }).into_response(),
        Shown::Cookie => {
            (StatusCode::NO_CONTENT, [(SET_COOKIE, app.cookie.set(&token))]).into_response()
        }
    })
}

impl App {
    async fn change_password_of(
        self: Arc<Self>,
        identity: Arc<Identity>,
        from: Network,
        change: PasswordChange,
    ) -> Result<Token, Error> {
        let PasswordChange { old, new } = change;
        let changed = self.accounts.change_password(&identity, from, old, new).await;
        if let Err(Error::StorageUnavailable { .. }) = changed {
            self.live.doubt(identity.account.user.id);
        }
        let (token, ended) = changed?;
        self.live.end_sessions(&ended);
        self.end_what_the_old_token_opened(identity.session.id);
        Ok(token)
    }

    /// Whoever came with a token that has been replaced goes, too. Not before the new one has arrived where it belongs:
    /// a page whose socket ends asks whether it is still logged in.
    fn end_what_the_old_token_opened(self: Arc<Self>, session: SessionId) {
        tokio::spawn(async move {
            arrival().await;
            self.live.end_sessions(&[session]);
        });
    }

    /// Whoever is logged in more often than anybody may be loses the session that they have not used for longest.
    async fn end_surplus_session(&self, user: UserId) {
        let Ok(Some(surplus)) = self.chat.surplus_session(user).await else { return };
        let live = self.live.clone();
        // If it fails they have one more than they may, and nobody is turned away for that.
        let _ = to_the_end(async move { live.end_session(user, surplus).await }).await;
    }

    /// A browser that logs in again gets another cookie: what the old one opened would be open for nobody.
    async fn replace_cookie(&self, headers: &HeaderMap, kind: SessionKind, from: Network) {
        let (SessionKind::Cookie, Some(token)) = (kind, self.cookie.read(headers)) else { return };
        let Ok(identity) = self.accounts.sessions.identify(&token, from).await else { return };
        // It can fail only as everything else would, and then the session lives until it is stale.
        let _ = self.end_session(&identity, identity.session.id).await;
    }
}

#[expect(clippy::disallowed_methods, reason = "nobody says that an answer has arrived")]
async fn arrival() {
    tokio::time::sleep(ARRIVAL).await;
}

fn logged_in(app: &App, admitted: Admitted, kind: SessionKind) -> Response {
    let Admitted { account, session, token } = admitted;
    let answer = |token| LoggedIn {
        user: on_wire::user(&account.user),
        session: on_wire::session(&session, session.id),
        admin: account.admin,
        token,
    };
    match kind {
        SessionKind::Token => Json(answer(Some(token.encode()))).into_response(),
        SessionKind::Cookie => {
            ([(SET_COOKIE, app.cookie.set(&token))], Json(answer(None))).into_response()
        }
    }
}

//! The ways in which somebody is logged in.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use chat::wire::http::{Failed, Sessions};
use http::StatusCode;

use super::extract::{Caller, SessionAt};
use super::{App, Failure};
use crate::limits::Read;
use crate::on_wire;

/// The ways in which you are logged in, the 200 used last.
#[utoipa::path(
    get, path = "/api/sessions", operation_id = "listSessions", tag = "Sessions",
    responses(
        (status = 200, description = "Your sessions", body = Sessions),
        (status = 401, description = "`not_logged_in`", body = Failed),
        (status = 429, description = "`rate_limited`", body = Failed),
    ),
)]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
) -> Result<Json<Sessions>, Failure> {
    let (user, current) = (caller.identity.account.user.id, caller.identity.session.id);
    app.limits.read(user, Read::Page)?;
    let sessions = app.chat.sessions(user, app.clock.now()).await?;
    let sessions = sessions.iter().map(|session| on_wire::session(session, current)).collect();
    Ok(Json(Sessions { sessions }))
}

/// End one of your sessions, with all its connections.
#[utoipa::path(
    delete, path = "/api/sessions/{id}", operation_id = "endSession", tag = "Sessions",
    params(("id" = i64, Path, description = "The session's number")),
    responses(
        (status = 204, description = "Ended"),
        (status = 401, description = "`not_logged_in`", body = Failed),
        (status = 404, description = "`not_found`: none of yours", body = Failed),
        (status = 429, description = "`rate_limited`", body = Failed),
    ),
)]
pub(super) async fn end(
    State(app): State<Arc<App>>,
    caller: Caller,
    SessionAt(session): SessionAt,
) -> Result<StatusCode, Failure> {
    app.limits.read(caller.identity.account.user.id, Read::Page)?;
    app.end_session(&caller.identity, session).await?;
    Ok(StatusCode::NO_CONTENT)
}

//! What was said in a room.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use chat::wire::http::{Failed, MessagePage};
use chat::{Error, Logged, Page, Seq};
use serde::Deserialize;

use super::extract::{Caller, Query, RoomAt};
use super::{App, Failure, PageSize};
use crate::limits::Read;
use crate::on_wire;

/// Which messages are asked for: the newest, or those around one of them.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// The last ones before this `seq`.
    #[param(value_type = Option<u64>)]
    before: Option<Seq>,
    /// The first ones after this `seq`.
    #[param(value_type = Option<u64>)]
    after: Option<Seq>,
    /// How many; 50 if nothing is said.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200)]
    limit: Option<PageSize>,
}

/// What was said in a room: without `before` and `after`, the newest.
#[utoipa::path(
    get, path = "/api/rooms/{id}/messages", operation_id = "listMessages", tag = "Rooms",
    params(("id" = chat::RoomId, Path, description = "The room's address, a UUID"), Wanted),
    responses(
        (status = 200, description = "In the order in which it was said", body = MessagePage),
        (status = 400, description = "`bad_request`", body = Failed),
        (status = 401, description = "`not_logged_in`", body = Failed),
        (status = 404, description = "`room_not_found`", body = Failed),
        (status = 429, description = "`rate_limited`", body = Failed),
    ),
)]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    RoomAt(room): RoomAt,
    Query(wanted): Query<Wanted>,
) -> Result<Json<MessagePage>, Failure> {
    app.limits.read(caller.identity.account.user.id, Read::Page)?;
    let limit = wanted.limit.unwrap_or_default();
    let history = app.chat.history(room, wanted.page()?, limit.0).await?;
    Ok(Json(MessagePage {
        epoch: history.epoch,
        head: history.head,
        messages: history
            .events
            .iter()
            .map(|Logged::Message(message)| on_wire::message(message))
            .collect(),
    }))
}

impl Wanted {
    fn page(&self) -> Result<Page, Error> {
        match (self.before, self.after) {
            (None, None) => Ok(Page::Newest),
            (Some(seq), None) => Ok(Page::Before(seq)),
            (None, Some(seq)) => Ok(Page::After(seq)),
            (Some(_), Some(_)) => Err(Error::BadRequest("Give before or after, not both.".into())),
        }
    }
}

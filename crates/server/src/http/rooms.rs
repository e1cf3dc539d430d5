//! Rooms: which there are, and new ones.

use std::sync::Arc;

use axum::Json;
use axum::extract::State;
use chat::wire::Room;
use chat::wire::http::{CreateRoom, Failed, RoomPage};
use chat::{Error, ROOM_NAME_CHARACTERS, RoomId, RoomName, RoomQuery, Timestamp};
use http::StatusCode;
use serde::Deserialize;

use super::extract::{Asked, Caller, Query, RoomAt};
use super::{App, Failure, PageSize, to_the_end};
use crate::limits::Read;

/// Which rooms are asked for.
#[derive(Deserialize, utoipa::IntoParams)]
#[serde(deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(super) struct Wanted {
    /// Only rooms whose names contain this, whatever its case.
    #[param(max_length = 80)]
    search: Option<String>,
    /// Where the page before this one ended: its `next`.
    after: Option<String>,
    /// How many; 50 if nothing is said.
    #[param(value_type = Option<u32>, minimum = 1, maximum = 200)]
    limit: Option<PageSize>,
}

/// The rooms of this server, by their last activity.
#[utoipa::path(
    get, path = "/api/rooms", operation_id = "listRooms", tag = "Rooms",
    params(Wanted),
    responses(
        (status = 200, description = "Some of them, newest activity first", body = RoomPage),
        (status = 400, description = "`bad_request`", body = Failed),
        (status = 401, description = "`not_logged_in`", body = Failed),
        (status = 429, description = "`rate_limited`", body = Failed),
    ),
)]
pub(super) async fn list(
    State(app): State<Arc<App>>,
    caller: Caller,
    Query(wanted): Query<Wanted>,
) -> Result<Json<RoomPage>, Failure> {
    let cost = if wanted.search.is_some() { Read::Search } else { Read::Page };
    app.limits.read(caller.identity.account.user.id, cost)?;
    let list = app.chat.rooms(wanted.parse()?).await?;
    Ok(Json(RoomPage {
        rooms: list.rooms.iter().map(|room| app.live.room_on_wire(room)).collect(),
        total: list.total,
        next: list.next.map(write_place),
    }))
}

/// Open a new room.
#[utoipa::path(
    post, path = "/api/rooms", operation_id = "createRoom", tag = "Rooms",
    request_body = CreateRoom,
    responses(
        (status = 201, description = "It is open", body = Room),
        (status = 400, description = "`invalid_room_name`", body = Failed),
        (status = 401, description = "`not_logged_in`", body = Failed),
        (status = 429, description = "`rate_limited`", body = Failed),
    ),
)]
pub(super) async fn create(
    State(app): State<Arc<App>>,
    Asked { caller, input: asked }: Asked<CreateRoom>,
) -> Result<(StatusCode, Json<Room>), Failure> {
    let name = RoomName::parse(&asked.name)?;
    let (user, at) = (caller.identity.account.user.id, app.clock.now());
    app.limits.create_room(user)?;
    let id = RoomId::from_random_bytes(app.random.bytes());
    let (chat, live) = (app.chat.clone(), app.live.clone());
    let room = to_the_end(async move {
        let room = chat.create_room(user, id, name, at).await?;
        live.room_created(&room);
        Ok(room)
    });
    let room = room.await?;
    Ok((StatusCode::CREATED, Json(app.live.room_on_wire(&room))))
}

/// The room at an address.
#[utoipa::path(
    get, path = "/api/rooms/{id}", operation_id = "getRoom", tag = "Rooms",
    params(("id" = RoomId, Path, description = "Its address, a UUID")),
    responses(
        (status = 200, description = "It", body = Room),
        (status = 401, description = "`not_logged_in`", body = Failed),
        (status = 404, description = "`room_not_found`", body = Failed),
        (status = 429, description = "`rate_limited`", body = Failed),
    ),
)]
pub(super) async fn one(
    State(app): State<Arc<App>>,
    caller: Caller,
    RoomAt(room): RoomAt,
) -> Result<Json<Room>, Failure> {
    app.limits.read(caller.identity.account.user.id, Read::Page)?;
    let room = app.chat.room(room).await?;
    Ok(Json(app.live.room_on_wire(&room)))
}

impl Wanted {
    fn parse(self) -> Result<RoomQuery, Error> {
        let Self { search, after, limit } = self;
        let search = search.map(|text| text.trim().to_owned()).filter(|text| !text.is_empty());
        if search.as_ref().is_some_and(|text| text.chars().count() > *ROOM_NAME_CHARACTERS.end()) {
            return Err(Error::BadRequest("search is longer than any room's name.".into()));
        }
        let after = after.map(|text| read_place(&text)).transpose()?;
        Ok(RoomQuery { search, after, limit: limit.unwrap_or_default().0 })
    }
}

fn write_place((at, room): (Timestamp, RoomId)) -> String {
    format!("{}.{room}", at.0)
}

fn read_place(text: &str) -> Result<(Timestamp, RoomId), Error> {
    let place = text
        .split_once('.')
        .and_then(|(at, room)| Some((Timestamp(at.parse().ok()?), RoomId(room.parse().ok()?))));
    place.ok_or_else(|| Error::BadRequest("after is not the next of a page.".into()))
}

//! Rooms, one and many.

use chat::{
    Epoch, NewRoom, Room, RoomId, RoomList, RoomName, RoomQuery, SearchKey, Seq, Timestamp,
};
use rusqlite::{Connection, OptionalExtension, Row, ToSql, params};
use uuid::Uuid;

macro_rules! rooms_where {
    ($condition:literal) => {
        concat!(
            "SELECT uuid, name, epoch, head, created_at, last_message_at FROM rooms, database
             WHERE ",
            $condition
        )
    };
}

/// Creates a room.
pub(super) fn create(db: &Connection, room: &NewRoom) -> rusqlite::Result<Room> {
    let mut insert = db.prepare_cached(
        "INSERT INTO rooms (uuid, name, search_key, created_by, created_at)
         VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    let (name, key) = (room.name.as_str(), room.name.search_key());
    insert.execute(params![room.id.0.as_bytes(), name, key.as_str(), room.by.0, room.at.0])?;
    db.prepare_cached(rooms_where!("uuid = ?1"))?.query_row([room.id.0.as_bytes()], read)
}

/// The room at this address.
pub(super) fn one(db: &Connection, room: RoomId) -> rusqlite::Result<Option<Room>> {
    db.prepare_cached(rooms_where!("uuid = ?1"))?.query_row([room.0.as_bytes()], read).optional()
}

/// Some rooms, by their last activity.
pub(super) fn list(db: &Connection, query: &RoomQuery) -> rusqlite::Result<RoomList> {
    // One more than asked for tells whether there are more.
    let limit = i64::try_from(query.limit).unwrap_or(i64::MAX).saturating_add(1);
    // The place before the first room: later than all times.
    let (at, room) = query.after.unwrap_or((Timestamp(i64::MAX), RoomId(Uuid::max())));
    let place: [&dyn ToSql; 3] = [&limit, &at.0, room.0.as_bytes()];

    let (mut rooms, total) = match &query.search {
        None => (collect(db, ALL, &place)?, count(db, COUNT_ALL, &[])?),
        Some(search) => {
            let key = SearchKey::of(search);
            let key: &dyn ToSql = &key.as_str();
            let found = collect(db, MATCHING, &[place[0], place[1], place[2], key])?;
            (found, count(db, COUNT_MATCHING, &[key])?)
        }
    };
    let goes_on = rooms.len() > query.limit;
    rooms.truncate(query.limit);
    let last = rooms.last().filter(|_| goes_on);
    let next = last.map(|room| (room.last_activity(), room.id));
    Ok(RoomList { rooms, total, next })
}

const ALL: &str = rooms_where!(
    "(last_activity, uuid) < (?2, ?3) ORDER BY last_activity DESC, uuid DESC LIMIT ?1"
);
const MATCHING: &str = rooms_where!(
    "(last_activity, uuid) < (?2, ?3) AND instr(search_key, ?4)
     ORDER BY last_activity DESC, uuid DESC LIMIT ?1"
);
const COUNT_ALL: &str = "SELECT count(*) FROM rooms";
const COUNT_MATCHING: &str = "SELECT count(*) FROM rooms WHERE instr(search_key, ?1)";

fn collect(db: &Connection, sql: &str, place: &[&dyn ToSql]) -> rusqlite::Result<Vec<Room>> {
    db.prepare_cached(sql)?.query_map(place, read)?.collect()
}

fn count(db: &Connection, sql: &str, key: &[&dyn ToSql]) -> rusqlite::Result<u64> {
    db.prepare_cached(sql)?.query_row(key, |row| row.get(0).map(i64::cast_unsigned))
}

fn read(row: &Row<'_>) -> rusqlite::Result<Room> {
    Ok(Room {
        id: RoomId(Uuid::from_bytes(row.get(0)?)),
        name: RoomName::from_stored(row.get(1)?),
        epoch: Epoch(row.get::<_, i64>(2)?.cast_unsigned()),
        head: Seq(row.get::<_, i64>(3)?.cast_unsigned()),
        created_at: Timestamp(row.get(4)?),
        last_message_at: row.get::<_, Option<i64>>(5)?.map(Timestamp),
    })
}

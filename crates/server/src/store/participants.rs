//! Who has been where.

use chat::{Activity, Name, Participants, RoomId, Timestamp, User, UserId};
use rusqlite::{Connection, OptionalExtension, params};

/// Those who have been in a room, the most recently active of them by name.
pub(super) fn recent(
    db: &Connection,
    room: RoomId,
    limit: usize,
) -> rusqlite::Result<Participants> {
    let found = db
        .prepare_cached("SELECT id, participants FROM rooms WHERE uuid = ?1")?
        .query_row([room.0.as_bytes()], |row| Ok((row.get::<_, i64>(0)?, row.get::<_, i64>(1)?)));
    let Some((room, total)) = found.optional()? else {
        return Ok(Participants { recent: Vec::new(), total: 0 });
    };
    let mut select = db.prepare_cached(
        "SELECT users.id, name, last_active_at FROM participants JOIN users ON users.id = user
         WHERE room = ?1 ORDER BY last_active_at DESC, user LIMIT ?2",
    )?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let recent = select.query_map(params![room, limit], |row| {
        let user = User { id: UserId(row.get(0)?), name: Name::from_stored(row.get(1)?) };
        Ok((user, Timestamp(row.get(2)?)))
    })?;
    Ok(Participants { recent: recent.collect::<Result<_, _>>()?, total: total.cast_unsigned() })
}

/// Notes who was active where. Rooms and users that are no more are passed over.
pub(super) fn note_active(db: &Connection, activities: &[Activity]) -> rusqlite::Result<()> {
    let mut upsert = db.prepare_cached(
        "INSERT INTO participants (room, user, last_active_at)
         SELECT rooms.id, users.id, ?3 FROM rooms, users WHERE uuid = ?1 AND users.id = ?2
         ON CONFLICT (room, user) DO UPDATE SET last_active_at = excluded.last_active_at
         WHERE last_active_at < excluded.last_active_at",
    )?;
    for Activity { room, user, at } in activities {
        upsert.execute(params![room.0.as_bytes(), user.0, at.0])?;
    }
    Ok(())
}

//! The log of a room, and the messages in it.

use chat::{
    Body, ClientId, Epoch, Error, History, Logged, Message, MessageId, Name, NewMessage, Page,
    Posted, RoomId, Seq, Timestamp, User, UserId,
};
use rusqlite::{Connection, OptionalExtension, Row, params};
use uuid::Uuid;

use super::writer::Batch;
use crate::sabotage::Sabotage;

/// The kind of event that a posted message is.
pub(super) const MESSAGE: i64 = 1;

/// Gives a message the next place in its room, or finds the one that it has.
pub(super) fn append(
    batch: &mut Batch<'_>,
    message: &NewMessage,
) -> rusqlite::Result<Result<Posted, Error>> {
    let db = batch.db;
    let Some(tail) = batch.tails.of(db, message.room)? else {
        return Ok(Err(Error::RoomNotFound));
    };
    let (room, mut seq, mut at) = (tail.room, tail.head.next(), tail.at.max(message.at));
    if Sabotage::NumberSkipped.is_on() && seq.0.is_multiple_of(10) {
        seq = seq.next();
    }
    if Sabotage::ClockOrders.is_on() {
        at = message.at;
    }

    let mut insert_message = db.prepare_cached(
        "INSERT INTO messages (room, seq, author, client_id, body) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (client_id, author) DO NOTHING",
    )?;
    let inserted = insert_message.execute(params![
        room,
        seq.0.cast_signed(),
        message.author.id.0,
        stored_as(message.client_id, seq),
        message.body.as_str()
    ])?;
    if inserted == 0 {
        return repeated(db, room, message);
    }
    let id = MessageId(db.last_insert_rowid());

    let mut insert_event = db.prepare_cached(
        "INSERT INTO events (room, seq, kind, message, at) VALUES (?1, ?2, ?3, ?4, ?5)",
    )?;
    insert_event.execute(params![room, seq.0.cast_signed(), MESSAGE, id.0, at.0])?;

    batch.tails.grow(message.room, seq, at);
    batch.events.push(Logged::Message(Message {
        room: message.room,
        seq,
        id,
        client_id: message.client_id,
        author: message.author.clone(),
        body: message.body.clone(),
        at,
    }));
    Ok(Ok(Posted { seq, id, at }))
}

/// A `client_id` as it is stored: as it came.
fn stored_as(client_id: ClientId, seq: Seq) -> [u8; 16] {
    let id = client_id.0.as_u128();
    let unlike_any_before = if Sabotage::NoDedupe.is_on() { u128::from(seq.0) } else { 0 };
    (id ^ unlike_any_before).to_be_bytes()
}

/// What became of a message when it came first. Another message under its `client_id` is a conflict.
fn repeated(
    db: &Connection,
    room: i64,
    message: &NewMessage,
) -> rusqlite::Result<Result<Posted, Error>> {
    let mut select = db.prepare_cached(
        "SELECT messages.room, body, seq, messages.id, at
         FROM messages JOIN events USING (room, seq) WHERE author = ?1 AND client_id = ?2",
    )?;
    select.query_row(params![message.author.id.0, message.client_id.0.as_bytes()], |row| {
        let same =
            row.get::<_, i64>(0)? == room && row.get_ref(1)?.as_str()? == message.body.as_str();
        if !same {
            return Ok(Err(Error::IdempotencyConflict));
        }
        let (seq, id, at) = (seq(row, 2)?, MessageId(row.get(3)?), Timestamp(row.get(4)?));
        Ok(Ok(Posted { seq, id, at }))
    })
}

/// Whether an event that was about to be committed has been.
pub(super) fn is_stored(db: &Connection, event: &Logged) -> rusqlite::Result<bool> {
    let Logged::Message(message) = event;
    let mut select = db.prepare_cached(
        "SELECT 1 FROM rooms JOIN messages ON messages.room = rooms.id
         WHERE uuid = ?1 AND messages.id = ?2 AND seq = ?3 AND author = ?4 AND client_id = ?5",
    )?;
    select.exists(params![
        message.room.0.as_bytes(),
        message.id.0,
        message.seq.0.cast_signed(),
        message.author.id.0,
        message.client_id.0.as_bytes()
    ])
}

/// A part of a room's log.
pub(super) fn history(
    db: &Connection,
    room: RoomId,
    page: Page,
    limit: usize,
) -> rusqlite::Result<Option<History>> {
    let mut select =
        db.prepare_cached("SELECT rooms.id, epoch, head FROM rooms, database WHERE uuid = ?1")?;
    let found = select.query_row([room.0.as_bytes()], |row| {
        Ok((row.get::<_, i64>(0)?, Epoch(row.get::<_, i64>(1)?.cast_unsigned()), seq(row, 2)?))
    });
    let Some((row, epoch, head)) = found.optional()? else { return Ok(None) };

    let (events, from) = match page {
        Page::Newest => (BACKWARDS, i64::MAX),
        Page::Before(seq) => (BACKWARDS, stored(seq)),
        Page::After(seq) => (FORWARDS, stored(seq)),
    };
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let mut select = db.prepare_cached(events)?;
    let mut events = select
        .query_map(params![row, from, limit], |row| message(room, row))?
        .collect::<rusqlite::Result<Vec<_>>>()?;
    if !matches!(page, Page::After(_)) {
        events.reverse();
    }
    Ok(Some(History { epoch, head, events }))
}

/// What [`message`] reads, in its order.
macro_rules! message_columns {
    () => {
        "events.seq, messages.id, client_id, author, users.name, body, at"
    };
}
pub(super) use message_columns;

macro_rules! events_where {
    ($place:literal) => {
        concat!(
            "SELECT ",
            message_columns!(),
            " FROM events
             JOIN messages ON messages.id = events.message
             JOIN users ON users.id = messages.author
             WHERE events.room = ?1 AND events.seq ",
            $place,
            " LIMIT ?3"
        )
    };
}
const BACKWARDS: &str = events_where!("< ?2 ORDER BY events.seq DESC");
const FORWARDS: &str = events_where!("> ?2 ORDER BY events.seq");

/// The event of a message, from a row that begins with the [`message_columns`].
pub(super) fn message(room: RoomId, row: &Row<'_>) -> rusqlite::Result<Logged> {
    Ok(Logged::Message(Message {
        room,
        seq: seq(row, 0)?,
        id: MessageId(row.get(1)?),
        client_id: ClientId(Uuid::from_bytes(row.get(2)?)),
        author: User { id: UserId(row.get(3)?), name: Name::from_stored(row.get(4)?) },
        body: Body::from_stored(row.get_ref(5)?.as_str()?),
        at: Timestamp(row.get(6)?),
    }))
}

fn seq(row: &Row<'_>, column: usize) -> rusqlite::Result<Seq> {
    Ok(Seq(row.get::<_, i64>(column)?.cast_unsigned()))
}

/// A number as asked for by a client, as SQLite compares it. No log gets longer than `i64::MAX`.
fn stored(seq: Seq) -> i64 {
    i64::try_from(seq.0).unwrap_or(i64::MAX)
}

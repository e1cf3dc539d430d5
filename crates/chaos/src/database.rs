//! The database file, opened directly when nobody else has it: what the server told of it is not believed.

use std::path::Path;

use anyhow::Result;
use rusqlite::{Connection, OpenFlags, Row, params};
use uuid::Uuid;

use crate::wire::{Message, Page, RoomId, User};

/// All that was ever said in a room.
pub(crate) fn log(file: &Path, room: RoomId) -> Result<Page> {
    let db = open(file)?;
    let epoch = db.query_row("SELECT epoch FROM database", [], |row| number(row, 0))?;
    let head =
        db.query_row("SELECT head FROM rooms WHERE uuid = ?", [uuid(room)], |row| number(row, 0))?;
    let mut rows = db.prepare(
        "SELECT events.seq, messages.id, client_id, author, users.name, body, events.at
         FROM rooms
         JOIN events ON events.room = rooms.id
         JOIN messages ON messages.id = events.message
         JOIN users ON users.id = author
         WHERE rooms.uuid = ?
         ORDER BY events.seq",
    )?;
    let messages = rows.query_map(params![uuid(room)], |row| {
        let client_id: [u8; 16] = row.get(2)?;
        Ok(Message {
            seq: number(row, 0)?,
            id: number(row, 1)?,
            room,
            client_id: Uuid::from_bytes(client_id),
            author: User { id: number(row, 3)?, name: row.get(4)? },
            body: row.get(5)?,
            at: row.get(6)?,
        })
    })?;
    Ok(Page { epoch, head, messages: messages.collect::<Result<_, _>>()? })
}

/// `SQLite`'s integers are signed; none of these is below zero.
fn number(row: &Row<'_>, column: usize) -> rusqlite::Result<u64> {
    row.get(column).map(i64::cast_unsigned)
}

fn uuid(room: RoomId) -> [u8; 16] {
    room.into_bytes()
}

fn open(file: &Path) -> Result<Connection> {
    Ok(Connection::open_with_flags(file, OpenFlags::SQLITE_OPEN_READ_ONLY)?)
}

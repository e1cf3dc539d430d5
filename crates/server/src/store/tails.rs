//! The ends of the logs that are being written to, so that an append need not look for its own.

use std::collections::HashMap;
use std::collections::hash_map::Entry;

use chat::{RoomId, Seq, Timestamp};
use rusqlite::{Connection, OptionalExtension, params};

/// Most rooms whose ends are remembered, at some 50 bytes each. Past it all are forgotten, and read again when needed.
const REMEMBERED: usize = 4096;

/// What the writer remembers of rooms. True as long as every transaction commits: to be forgotten when one does not.
#[derive(Debug, Default)]
pub(super) struct Tails {
    by_room: HashMap<RoomId, Tail>,
    /// The rooms that grew in the present transaction.
    grown: Vec<RoomId>,
}

/// The end of one room's log.
#[derive(Debug)]
pub(super) struct Tail {
    /// The room's row.
    pub(super) room: i64,
    /// The last event's number.
    pub(super) head: Seq,
    /// The time before which nothing can happen here any more.
    pub(super) at: Timestamp,
    has_grown: bool,
}

impl Tails {
    /// The end of this room's log. `None` if there is no such room.
    pub(super) fn of(&mut self, db: &Connection, room: RoomId) -> rusqlite::Result<Option<&Tail>> {
        Ok(match self.by_room.entry(room) {
            Entry::Occupied(known) => Some(known.into_mut()),
            Entry::Vacant(unknown) => read(db, room)?.map(|tail| &*unknown.insert(tail)),
        })
    }

    /// This event has been added to the room's log, whose end is remembered.
    pub(super) fn grow(&mut self, room: RoomId, seq: Seq, at: Timestamp) {
        let Some(tail) = self.by_room.get_mut(&room) else { return };
        tail.head = seq;
        tail.at = at;
        if !tail.has_grown {
            tail.has_grown = true;
            self.grown.push(room);
        }
    }

    /// Brings the rows of all rooms that have grown up to date: once for each, however much was said in it.
    pub(super) fn save(&mut self, db: &Connection) -> rusqlite::Result<()> {
        let mut update =
            db.prepare_cached("UPDATE rooms SET head = ?2, last_message_at = ?3 WHERE id = ?1")?;
        for room in self.grown.drain(..) {
            let Some(tail) = self.by_room.get_mut(&room) else { continue };
            tail.has_grown = false;
            update.execute(params![tail.room, tail.head.0.cast_signed(), tail.at.0])?;
        }
        if self.by_room.len() > REMEMBERED {
            self.by_room.clear();
        }
        Ok(())
    }

    /// What is remembered may not have happened.
    pub(super) fn forget(&mut self) {
        self.by_room.clear();
        self.grown.clear();
    }
}

fn read(db: &Connection, room: RoomId) -> rusqlite::Result<Option<Tail>> {
    let mut select = db.prepare_cached(
        "SELECT id, head,
            coalesce((SELECT at FROM events WHERE room = rooms.id AND seq = head), created_at)
         FROM rooms WHERE uuid = ?1",
    )?;
    select
        .query_row([room.0.as_bytes()], |row| {
            Ok(Tail {
                room: row.get(0)?,
                head: Seq(row.get::<_, i64>(1)?.cast_unsigned()),
                at: Timestamp(row.get(2)?),
                has_grown: false,
            })
        })
        .optional()
}

//! Whether a database holds what it should: the file is sound, the log of every room is dense and can be read, and
//! everything that is derived from a log or a name agrees with it. Reads one state of it, and writes nothing.

use std::fs;
use std::io::ErrorKind;
use std::path::Path;

use chat::{Name, RoomId, RoomName};
use rusqlite::{Connection, Row};
use uuid::Uuid;

use super::{OpenError, Progress, connection, failure, messages, migrations};

/// Problems that are told one by one. Who has more needs a backup, not a longer list.
const MOST_TOLD: usize = 100;
/// Events that are read between two words about the progress.
const EVENTS_AT_ONCE: u64 = 1 << 14;
/// The largest number that JavaScript, and with it JSON as most read it, does not round.
const LARGEST_EPOCH: i64 = (1 << 53) - 1;

/// What was read, and what is wrong with it.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub struct Findings {
    /// How many rooms there are.
    pub rooms: u64,
    /// How many events their logs hold.
    pub events: u64,
    /// What is wrong, a sentence each.
    pub problems: Vec<String>,
    /// How much more is wrong.
    pub untold: u64,
}

impl Findings {
    /// Whether everything is as it should be.
    pub fn is_sound(&self) -> bool {
        self.problems.is_empty()
    }

    fn add(&mut self, problem: String) {
        if self.problems.len() < MOST_TOLD {
            self.problems.push(problem);
        } else {
            self.untold += 1;
        }
    }
}

/// Checks a database, whether a server uses it or not.
pub fn check(file: &Path, progress: &mut dyn FnMut(Progress)) -> Result<Findings, OpenError> {
    let db = open(file)?;
    let broken = |cause| OpenError::Broken { file: file.to_owned(), cause };
    let state = db.unchecked_transaction().map_err(broken)?;
    Ok(examine(&state, progress))
}

/// Opens a database that this version of Parlor has written, in order to read it.
pub(super) fn open(file: &Path) -> Result<Connection, OpenError> {
    connection::check_sqlite()?;
    let broken = |cause| OpenError::Broken { file: file.to_owned(), cause };
    match fs::metadata(file) {
        Ok(found) if found.is_file() => {}
        Err(error) if error.kind() != ErrorKind::NotFound => {
            return Err(broken(failure::of_system(error)));
        }
        _ => return Err(OpenError::Missing { file: file.to_owned() }),
    }
    let db = connection::to_inspect(file).map_err(broken)?;
    migrations::check(&db, file)?;
    if !migrations::is_current(&db).map_err(broken)? {
        return Err(OpenError::Foreign { file: file.to_owned() });
    }
    Ok(db)
}

/// Checks a state of a database. What cannot be read is a problem like any other.
pub(super) fn examine(db: &Connection, progress: &mut dyn FnMut(Progress)) -> Findings {
    let mut findings = Findings::default();
    let parts = [
        ("file", file as fn(&Connection, &mut Findings, &mut dyn FnMut(Progress)) -> _),
        ("schema", schema),
        ("references", references),
        ("epoch", epoch),
        ("logs", logs),
        ("names", names),
    ];
    for (what, part) in parts {
        if let Err(cause) = part(db, &mut findings, progress) {
            findings.add(format!("The {what} cannot be read: {cause}."));
        }
    }
    findings
}

type Part = rusqlite::Result<()>;

/// The pages, the indexes, and what SQLite knows of each column.
fn file(db: &Connection, findings: &mut Findings, progress: &mut dyn FnMut(Progress)) -> Part {
    progress(Progress::CheckingFile);
    db.pragma_query(None, "integrity_check", |row| {
        match row.get::<_, String>(0)?.as_str() {
            "ok" => {}
            said => findings.add(format!("The file is damaged: {said}.")),
        }
        Ok(())
    })
}

/// Whether everything is there that a new database has. What somebody has added is theirs.
fn schema(db: &Connection, findings: &mut Findings, _: &mut dyn FnMut(Progress)) -> Part {
    let mut new = Connection::open_in_memory()?;
    migrations::migrate(&mut new)?;
    let mut same =
        db.prepare("SELECT 1 FROM sqlite_schema WHERE type = ?1 AND name = ?2 AND sql IS ?3")?;
    let mut select = new.prepare("SELECT type, name, sql FROM sqlite_schema")?;
    let mut wanted = select.query([])?;
    while let Some(row) = wanted.next()? {
        let (kind, name): (String, String) = (row.get(0)?, row.get(1)?);
        if !same.exists((&kind, &name, row.get::<_, Option<String>>(2)?))? {
            findings.add(format!("The {kind} “{name}” is not what it should be."));
        }
    }
    Ok(())
}

fn references(db: &Connection, findings: &mut Findings, _: &mut dyn FnMut(Progress)) -> Part {
    db.pragma_query(None, "foreign_key_check", |row| {
        let (table, parent): (String, String) = (row.get(0)?, row.get(2)?);
        findings.add(format!("A row of “{table}” refers to one of “{parent}” that is not there."));
        Ok(())
    })
}

fn epoch(db: &Connection, findings: &mut Findings, _: &mut dyn FnMut(Progress)) -> Part {
    let epoch: i64 = db.query_row("SELECT epoch FROM database", [], |row| row.get(0))?;
    if !(1..=LARGEST_EPOCH).contains(&epoch) {
        findings.add(format!("The epoch is {epoch}."));
    }
    Ok(())
}

/// A room as its row has it.
struct Room {
    row: i64,
    address: Uuid,
    name: String,
    search_key: String,
    created_at: i64,
    head: i64,
    last_message_at: Option<i64>,
    participants: i64,
    /// Those whom `participants` should count.
    noted: i64,
}

impl Room {
    fn read(row: &Row<'_>) -> rusqlite::Result<Self> {
        Ok(Self {
            row: row.get(0)?,
            address: Uuid::from_bytes(row.get(1)?),
            name: row.get(2)?,
            search_key: row.get(3)?,
            created_at: row.get(4)?,
            head: row.get(5)?,
            last_message_at: row.get(6)?,
            participants: row.get(7)?,
            noted: row.get(8)?,
        })
    }
}

/// The log of each room, the messages in it, and what the room's row says of it.
fn logs(db: &Connection, findings: &mut Findings, progress: &mut dyn FnMut(Progress)) -> Part {
    let of = db.query_row("SELECT count(*) FROM messages", [], |row| row.get::<_, i64>(0))?;
    let (of, mut placed) = (of.cast_unsigned(), 0);
    let mut rooms = db.prepare(
        "SELECT id, uuid, name, search_key, created_at, head, last_message_at, participants,
            (SELECT count(*) FROM participants WHERE room = rooms.id)
         FROM rooms ORDER BY id",
    )?;
    for room in rooms.query_map([], Room::read)? {
        let room = room?;
        findings.rooms += 1;
        placed += log(db, &room, findings, &mut |events| {
            progress(Progress::CheckingLogs { events, of });
        })?;
        row(&room, findings);
    }
    // Each event was found to have a message that names it as its place, so no two have the same one. If there are as
    // many messages, each is in a log.
    if placed == of { Ok(()) } else { lost(db, findings) }
}

/// One room's log. Returns how many of its events have a message of their own.
fn log(
    db: &Connection,
    room: &Room,
    findings: &mut Findings,
    progress: &mut dyn FnMut(u64),
) -> rusqlite::Result<u64> {
    let address = room.address;
    let (mut last, mut at, mut placed) = (0, room.created_at, 0);
    let mut select = db.prepare_cached(concat!(
        "SELECT ",
        messages::message_columns!(),
        ", kind, messages.room = events.room AND messages.seq = events.seq
         FROM events
         LEFT JOIN messages ON messages.id = events.message
         LEFT JOIN users ON users.id = messages.author
         WHERE events.room = ?1 ORDER BY events.seq"
    ))?;
    let mut events = select.query([room.row])?;
    while let Some(event) = events.next()? {
        let (seq, kind): (i64, i64) = (event.get(0)?, event.get(7)?);
        let before = std::mem::replace(&mut at, event.get(6)?);
        if seq != last + 1 {
            findings.add(format!("Room {address}: event {last} is followed by {seq}."));
        }
        if at < before {
            findings.add(format!("Room {address}: event {seq} is older than what is before it."));
        }
        if kind != messages::MESSAGE {
            findings.add(format!("Room {address}: event {seq} is of an unknown kind, {kind}."));
        }
        let is_placed: Option<bool> = event.get(8)?;
        if is_placed == Some(true) {
            placed += 1;
        } else {
            findings.add(format!("Room {address}: event {seq} has no message of its own."));
        }
        // As who opens the room reads it, who would get nothing of a page on which there is one that cannot be read.
        if is_placed.is_some()
            && let Err(cause) = messages::message(RoomId(address), event)
        {
            findings.add(format!("Room {address}: event {seq} cannot be read: {cause}."));
        }
        last = seq;
        findings.events += 1;
        if findings.events.is_multiple_of(EVENTS_AT_ONCE) {
            progress(findings.events);
        }
    }
    if room.head != last {
        let head = room.head;
        findings.add(format!("Room {address}: its head is {head}, its last event is {last}."));
    }
    if room.last_message_at != (last > 0).then_some(at) {
        findings.add(format!("Room {address}: the time of its last message is another one."));
    }
    Ok(placed)
}

/// What else stands in a room's row because it stands elsewhere.
fn row(room: &Room, findings: &mut Findings) {
    let Room { address, participants, noted, .. } = room;
    if participants != noted {
        findings.add(format!("Room {address}: {participants} people are counted, not {noted}."));
    }
    if RoomName::from_stored(room.name.clone()).search_key().as_str() != room.search_key {
        findings.add(format!("Room {address}: a search for its name does not find it."));
    }
}

/// Messages that no event puts into a log.
fn lost(db: &Connection, findings: &mut Findings) -> Part {
    let mut select = db.prepare(
        "SELECT id FROM messages WHERE NOT EXISTS (
            SELECT 1 FROM events
            WHERE room = messages.room AND seq = messages.seq AND message = messages.id
         )",
    )?;
    for message in select.query_map([], |row| row.get::<_, i64>(0))? {
        findings.add(format!("Message {} is in no room's log.", message?));
    }
    Ok(())
}

/// What looks like a person's name leads to that person, and nothing else does.
fn names(db: &Connection, findings: &mut Findings, _: &mut dyn FnMut(Progress)) -> Part {
    let mut owner = db.prepare("SELECT 1 FROM name_keys WHERE key = ?1 AND user = ?2")?;
    let mut users = db.prepare("SELECT id, name FROM users")?;
    let mut keys_of_names = 0;
    let all = users.query_map([], |row| Ok((row.get::<_, i64>(0)?, row.get(1)?)))?;
    for user in all {
        let (user, name) = user?;
        for key in Name::from_stored(name).keys() {
            keys_of_names += 1;
            if !owner.exists((key.as_str(), user))? {
                findings.add(format!("User {user}: their name does not lead to them."));
            }
        }
    }
    let keys: i64 = db.query_row("SELECT count(*) FROM name_keys", [], |row| row.get(0))?;
    if keys != keys_of_names {
        findings.add(format!("There are {keys} keys of names, not {keys_of_names}."));
    }
    Ok(())
}

//! Whether what is there is what was promised.

use std::collections::{BTreeMap, BTreeSet};

use chat::{Logged, Message, NewMessage, Page, RoomId, Seq, Store};
use rusqlite::{Connection, OpenFlags};
use server::store::Sqlite;

use super::people::{LogIn, People, Sent};
use super::witness::Seen;
use super::{Violation, violated};
use crate::VFS;

/// How much of a log is read at once.
const PAGE: usize = 64;
/// More people than any room has.
const EVERYBODY: usize = 10_000;

/// What must not be found, and what it is called.
const AMISS: [(&str, &str); 6] = [
    (
        "rooms whose head is not the last of as many events",
        "SELECT count(*) FROM rooms WHERE head <> (SELECT count(*) FROM events WHERE room = rooms.id)
         OR head <> (SELECT coalesce(max(seq), 0) FROM events WHERE room = rooms.id)",
    ),
    (
        "rooms whose last message is not their last event",
        "SELECT count(*) FROM rooms WHERE last_message_at IS NOT
         (SELECT at FROM events WHERE room = rooms.id AND seq = head)",
    ),
    (
        "events without their message",
        "SELECT count(*) FROM events LEFT JOIN messages ON messages.id = events.message
         WHERE (messages.room, messages.seq) IS NOT (events.room, events.seq)",
    ),
    (
        "messages without their event",
        "SELECT count(*) FROM messages WHERE NOT EXISTS
         (SELECT 1 FROM events WHERE message = messages.id)",
    ),
    (
        "rooms whose participants are miscounted",
        "SELECT count(*) FROM rooms WHERE participants <>
         (SELECT count(*) FROM participants WHERE room = rooms.id)",
    ),
    ("references to nothing", "SELECT count(*) FROM pragma_foreign_key_check"),
];

/// Whether the database file is sound and agrees with itself.
pub(super) fn file(path: &std::path::Path) -> Result<(), Violation> {
    let flags = OpenFlags::SQLITE_OPEN_READ_WRITE;
    let db = Connection::open_with_flags_and_vfs(path, flags, VFS)?;
    let check: String = db.pragma_query_value(None, "integrity_check", |row| row.get(0))?;
    if check != "ok" {
        return violated(format!("integrity_check: {check}"));
    }
    for (name, sql) in AMISS {
        let count: i64 = db.query_row(sql, [], |row| row.get(0))?;
        if count != 0 {
            return violated(format!("There are {count} {name}."));
        }
    }
    Ok(())
}

/// Whether everything that was acked, told or read is in the store, and nothing else. From now on all of it was read.
pub(super) async fn store(
    store: &Sqlite,
    people: &People,
    seen: &mut Seen,
) -> Result<(), Violation> {
    if let Some(sentence) = seen.amiss.first() {
        return violated(sentence.clone());
    }
    let mut logs = BTreeMap::new();
    for room in &people.rooms {
        logs.insert(room.id, log(store, room.id).await?);
    }
    acked(&logs, &people.messages)?;
    nothing_else(&logs, &people.messages)?;
    for Logged::Message(message) in seen.told.iter().map(|(_, event)| event).chain(&seen.read) {
        if stored(&logs, message.room, message.seq) != Some(message) {
            return violated(format!(
                "Number {} of room {} was told or read and is not there, or is another one.",
                message.seq.0, message.room
            ));
        }
    }
    told_in_order(&seen.told)?;
    seen.read = logs.into_values().flatten().map(Logged::Message).collect();
    accounts(store, people).await?;
    activity(store, people).await
}

/// A room's whole log, which has to be dense, and in which time must not run backwards.
async fn log(store: &Sqlite, room: RoomId) -> Result<Vec<Message>, Violation> {
    let mut log: Vec<Message> = Vec::new();
    let head = loop {
        let after = Page::After(Seq(log.len() as u64));
        let Some(page) = store.history(room, after, PAGE).await? else {
            return violated(format!("Room {room} was acked and is not there."));
        };
        if page.events.is_empty() {
            break page.head;
        }
        log.extend(page.events.into_iter().map(|Logged::Message(message)| message));
    };
    if head.0 != log.len() as u64 || !log.iter().map(|message| message.seq.0).eq(1..=head.0) {
        return violated(format!("The log of room {room} up to {} has gaps.", head.0));
    }
    if !log.is_sorted_by_key(|message| message.at) {
        return violated(format!("Time runs backwards in room {room}."));
    }
    Ok(log)
}

fn stored(logs: &BTreeMap<RoomId, Vec<Message>>, room: RoomId, seq: Seq) -> Option<&Message> {
    let index = usize::try_from(seq.0.checked_sub(1)?).ok()?;
    logs.get(&room)?.get(index)
}

fn acked(logs: &BTreeMap<RoomId, Vec<Message>>, messages: &[Sent]) -> Result<(), Violation> {
    for Sent { message, acked } in messages {
        let Some(acked) = acked else { continue };
        let is_there = stored(logs, message.room, acked.seq).is_some_and(|found| {
            is_same(found, message) && (found.id, found.at) == (acked.id, acked.at)
        });
        if !is_there {
            return violated(format!(
                "A message was acked as number {} of room {} and is not there.",
                acked.seq.0, message.room
            ));
        }
    }
    Ok(())
}

/// Everything in the logs was sent, and is there once.
fn nothing_else(logs: &BTreeMap<RoomId, Vec<Message>>, messages: &[Sent]) -> Result<(), Violation> {
    let sent: BTreeMap<_, _> =
        messages.iter().map(|sent| (sent.message.client_id, &sent.message)).collect();
    let mut found = BTreeSet::new();
    for message in logs.values().flatten() {
        if !sent.get(&message.client_id).is_some_and(|sent| is_same(message, sent)) {
            return violated(format!("Nobody sent number {} of {}.", message.seq.0, message.room));
        }
        if !found.insert(message.client_id) {
            return violated(format!("{} is there twice.", message.client_id.0));
        }
    }
    Ok(())
}

fn is_same(message: &Message, sent: &NewMessage) -> bool {
    (message.room, message.client_id, message.author.id, &message.body)
        == (sent.room, sent.client_id, sent.author.id, &sent.body)
}

/// In each room the numbers of what was told rise, and by one as long as the store lives.
fn told_in_order(told: &[(u64, Logged)]) -> Result<(), Violation> {
    let mut last = BTreeMap::new();
    for (life, event) in told {
        let follows = match last.insert(event.room(), (life, event.seq())) {
            Some((before, seq)) if before == life => event.seq() == seq.next(),
            Some((_, seq)) => event.seq() > seq,
            None => true,
        };
        if !follows {
            let (seq, room) = (event.seq().0, event.room());
            return violated(format!("Number {seq} of {room} was not told in its turn."));
        }
    }
    Ok(())
}

async fn accounts(store: &Sqlite, people: &People) -> Result<(), Violation> {
    for user in &people.users {
        let found = store.credentials(user.name.key()).await?;
        if found.is_none_or(|found| found.account.user != *user) {
            return violated(format!(
                "The account of {} was acked and is not there.",
                user.name.as_str()
            ));
        }
    }
    for LogIn { session, token, ended } in &people.sessions {
        let found = store.identify(*token).await?.map(|identity| identity.session.id);
        let is_right = match ended {
            Some(false) => found == Some(session.id),
            Some(true) => found.is_none(),
            None => found.is_none_or(|found| found == session.id),
        };
        if !is_right {
            return violated(format!("Session {} is not as it was acked.", session.id.0));
        }
    }
    Ok(())
}

async fn activity(store: &Sqlite, people: &People) -> Result<(), Violation> {
    for room in &people.rooms {
        let there = store.participants(room.id, EVERYBODY).await?;
        let there: BTreeMap<_, _> =
            there.recent.into_iter().map(|(user, at)| (user.id, at)).collect();
        for user in &people.users {
            let at = there.get(&user.id).copied().unwrap_or_default();
            let noted = people.activity.get(&(room.id, user.id)).copied().unwrap_or_default();
            if at < noted.0 || at > noted.1 {
                return violated(format!(
                    "When {} was active is not as it was acked.",
                    user.name.as_str()
                ));
            }
        }
    }
    Ok(())
}

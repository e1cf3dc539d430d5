//! Sessions.

use chat::{Identity, NewSession, Session, SessionId, Timestamp, TokenHash, UserId};
use rusqlite::{Connection, OptionalExtension, Row, params};

use super::users;

/// Starts a session, if the password that was checked is still the account's.
pub(super) fn create(db: &Connection, session: &NewSession) -> rusqlite::Result<Option<Session>> {
    let mut insert = db.prepare_cached(
        "INSERT INTO sessions (user, token, client, created_at, last_seen_at)
         SELECT id, ?2, ?3, ?4, ?4 FROM users WHERE id = ?1 AND password = ?5
         RETURNING id, user, client, created_at, last_seen_at",
    )?;
    let NewSession { user, password, token, client, at } = session;
    insert.query_row(params![user.0, token.0, client, at.0, password.0], one).optional()
}

/// Sessions with whose they are, as [`identity`] reads them, and their tokens.
macro_rules! identities {
    () => {
        "SELECT sessions.id, user, client, sessions.created_at, last_seen_at,
            users.id, name, admin, users.created_at, token
         FROM sessions JOIN users ON users.id = sessions.user "
    };
}

/// Who comes with this token.
pub(super) fn identify(db: &Connection, token: TokenHash) -> rusqlite::Result<Option<Identity>> {
    let mut select = db.prepare_cached(concat!(identities!(), "WHERE token = ?1"))?;
    select.query_row([token.0], identity).optional()
}

/// Who comes with which token, of those who were here since then.
pub(super) fn recent(
    db: &Connection,
    since: Timestamp,
    limit: usize,
) -> rusqlite::Result<Vec<(TokenHash, Identity)>> {
    let mut select = db.prepare_cached(concat!(
        identities!(),
        "WHERE last_seen_at >= ?1 ORDER BY last_seen_at DESC, sessions.id DESC LIMIT ?2",
    ))?;
    let rows = select
        .query_map([since.0, whole(limit)], |row| Ok((TokenHash(row.get(9)?), identity(row)?)))?;
    rows.collect()
}

/// Some of somebody's sessions, most recently used first.
pub(super) fn of(db: &Connection, user: UserId, limit: usize) -> rusqlite::Result<Vec<Session>> {
    let mut select = db.prepare_cached(
        "SELECT id, user, client, created_at, last_seen_at FROM sessions
         WHERE user = ?1 ORDER BY last_seen_at DESC, id DESC LIMIT ?2",
    )?;
    select.query_map([user.0, whole(limit)], one)?.collect()
}

/// Gives a session of somebody's another token.
pub(super) fn set_token(
    db: &Connection,
    user: UserId,
    session: SessionId,
    token: TokenHash,
) -> rusqlite::Result<()> {
    db.prepare_cached("UPDATE sessions SET token = ?3 WHERE id = ?1 AND user = ?2")?
        .execute(params![session.0, user.0, token.0])?;
    Ok(())
}

/// Ends a session of somebody's, if they have it.
pub(super) fn end(db: &Connection, user: UserId, session: SessionId) -> rusqlite::Result<bool> {
    let ended = db
        .prepare_cached("DELETE FROM sessions WHERE id = ?1 AND user = ?2")?
        .execute(params![session.0, user.0])?;
    Ok(ended == 1)
}

/// Ends all of somebody's sessions but one, and returns them.
pub(super) fn end_others(
    db: &Connection,
    user: UserId,
    keep: SessionId,
) -> rusqlite::Result<Vec<SessionId>> {
    let mut delete =
        db.prepare_cached("DELETE FROM sessions WHERE user = ?1 AND id <> ?2 RETURNING id")?;
    delete.query_map(params![user.0, keep.0], |row| row.get(0).map(SessionId))?.collect()
}

/// Ends the sessions created or last used too long ago, and returns them.
pub(super) fn end_stale(
    db: &Connection,
    created: Timestamp,
    used: Timestamp,
) -> rusqlite::Result<Vec<SessionId>> {
    let mut delete = db.prepare_cached(
        "DELETE FROM sessions WHERE created_at < ?1 OR last_seen_at < ?2 RETURNING id",
    )?;
    delete.query_map(params![created.0, used.0], |row| row.get(0).map(SessionId))?.collect()
}

/// Notes when sessions were used.
pub(super) fn note_used(
    db: &Connection,
    sessions: &[(SessionId, Timestamp)],
) -> rusqlite::Result<()> {
    let mut update = db.prepare_cached(
        "UPDATE sessions SET last_seen_at = ?2 WHERE id = ?1 AND last_seen_at < ?2",
    )?;
    for (session, at) in sessions {
        update.execute(params![session.0, at.0])?;
    }
    Ok(())
}

fn whole(limit: usize) -> i64 {
    i64::try_from(limit).unwrap_or(i64::MAX)
}

fn one(row: &Row<'_>) -> rusqlite::Result<Session> {
    Ok(Session {
        id: SessionId(row.get(0)?),
        user: UserId(row.get(1)?),
        client: row.get(2)?,
        created_at: Timestamp(row.get(3)?),
        last_seen_at: Timestamp(row.get(4)?),
    })
}

fn identity(row: &Row<'_>) -> rusqlite::Result<Identity> {
    Ok(Identity { session: one(row)?, account: users::account(row, 5)? })
}

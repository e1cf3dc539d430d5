//! Accounts.

use chat::{
    Account, Credentials, Error, Name, NameKey, NewUser, PasswordHash, SessionId, Timestamp, User,
    UserId,
};
use rusqlite::{Connection, OptionalExtension, Row, params};

/// Creates an account, the first one as administrator.
pub(super) fn create(db: &Connection, user: &NewUser) -> rusqlite::Result<Result<Account, Error>> {
    let keys = user.name.keys();
    let mut taken = db.prepare_cached("SELECT 1 FROM name_keys WHERE key = ?1")?;
    for key in &keys {
        if taken.exists([key.as_str()])? {
            return Ok(Err(Error::NameTaken));
        }
    }
    let mut insert = db.prepare_cached(
        "INSERT INTO users (name, password, admin, created_at)
         VALUES (?1, ?2, NOT EXISTS (SELECT 1 FROM users), ?3)
         RETURNING id, name, admin, created_at",
    )?;
    let created = insert
        .query_row(params![user.name.as_str(), user.password.0, user.at.0], |row| {
            account(row, 0)
        })?;
    let mut claim = db.prepare_cached("INSERT INTO name_keys (key, user) VALUES (?1, ?2)")?;
    for key in &keys {
        claim.execute(params![key.as_str(), created.user.id.0])?;
    }
    Ok(Ok(created))
}

/// What a log-in under this name is checked against.
pub(super) fn credentials(
    db: &Connection,
    name: &NameKey,
) -> rusqlite::Result<Option<Credentials>> {
    let mut select = db.prepare_cached(
        "SELECT password, id, name, admin, created_at
         FROM name_keys JOIN users ON users.id = name_keys.user WHERE key = ?1",
    )?;
    select
        .query_row([name.as_str()], |row| {
            Ok(Credentials { password: PasswordHash(row.get(0)?), account: account(row, 1)? })
        })
        .optional()
}

/// Gives somebody another password, if they still have the old one and the session they ask through.
pub(super) fn change_password(
    db: &Connection,
    user: UserId,
    old: &PasswordHash,
    new: &PasswordHash,
    through: SessionId,
) -> rusqlite::Result<bool> {
    let mut update = db.prepare_cached(
        "UPDATE users SET password = ?3 WHERE id = ?1 AND password = ?2
         AND EXISTS (SELECT 1 FROM sessions WHERE sessions.id = ?4 AND user = ?1)",
    )?;
    Ok(update.execute(params![user.0, old.0, new.0, through.0])? == 1)
}

/// Gives somebody another hash, if they still have the old one.
pub(super) fn replace_hash(
    db: &Connection,
    user: UserId,
    old: &PasswordHash,
    new: &PasswordHash,
) -> rusqlite::Result<()> {
    db.prepare_cached("UPDATE users SET password = ?3 WHERE id = ?1 AND password = ?2")?
        .execute(params![user.0, old.0, new.0])?;
    Ok(())
}

/// The account in the columns `id, name, admin, created_at` that begin at `first`.
pub(super) fn account(row: &Row<'_>, first: usize) -> rusqlite::Result<Account> {
    Ok(Account {
        user: User { id: UserId(row.get(first)?), name: Name::from_stored(row.get(first + 1)?) },
        admin: row.get(first + 2)?,
        created_at: Timestamp(row.get(first + 3)?),
    })
}

//! The schema's history. It goes forward only: a migration that has been released is never changed.

use std::path::Path;

use rusqlite::{Connection, TransactionBehavior};

use super::OpenError;

/// All migrations. The number of a schema, SQLite's `user_version`, is how many of them it has seen.
const MIGRATIONS: &[&str] = &[include_str!("migrations/0001_a_room_is_a_log.sql")];

/// Refuses a database that is ahead of this program.
pub(super) fn check(db: &Connection, file: &Path) -> Result<(), OpenError> {
    let broken = |cause| OpenError::Broken { file: file.to_owned(), cause };
    let (found, known) = (version(db).map_err(broken)?, MIGRATIONS.len() as u32);
    if found > known {
        return Err(OpenError::Newer { file: file.to_owned(), found, known });
    }
    Ok(())
}

/// Whether a database is up to date. One that is not Parlor's is not.
pub(super) fn is_current(db: &Connection) -> rusqlite::Result<bool> {
    Ok(version(db)? == MIGRATIONS.len() as u32 && db.table_exists(None, "database")?)
}

/// Brings a database up to date.
pub(super) fn migrate(db: &mut Connection) -> rusqlite::Result<()> {
    apply(db, MIGRATIONS)
}

fn version(db: &Connection) -> rusqlite::Result<u32> {
    db.pragma_query_value(None, "user_version", |row| row.get(0))
}

/// Applies those of `migrations` that the database has not seen, each wholly or not at all.
fn apply(db: &mut Connection, migrations: &[&str]) -> rusqlite::Result<()> {
    let seen = version(db)?;
    for (number, migration) in (1..).zip(migrations).filter(|&(number, _)| number > seen) {
        let tx = db.transaction_with_behavior(TransactionBehavior::Immediate)?;
        tx.execute_batch(migration)?;
        tx.pragma_update(None, "user_version", number)?;
        tx.commit()?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_migration_that_fails_leaves_nothing_behind_and_those_before_it_stand() {
        let mut db = Connection::open_in_memory().unwrap();
        let good = "CREATE TABLE good (id INTEGER)";
        let bad = "CREATE TABLE half (id INTEGER); CREATE TABLE good (id INTEGER)";

        apply(&mut db, &[good, bad]).unwrap_err();

        assert_eq!(version(&db).unwrap(), 1);
        assert!(db.table_exists(None, "good").unwrap());
        assert!(!db.table_exists(None, "half").unwrap());
    }

    #[test]
    fn a_migration_is_applied_once() {
        let mut db = Connection::open_in_memory().unwrap();
        let first = "CREATE TABLE first (id INTEGER)";
        let second = "CREATE TABLE second (id INTEGER)";

        apply(&mut db, &[first]).unwrap();
        apply(&mut db, &[first, second]).unwrap();
        apply(&mut db, &[first, second]).unwrap();

        assert_eq!(version(&db).unwrap(), 2);
    }
}

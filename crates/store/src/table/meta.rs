//! What the file says of itself: which programs may open it, and the key that signs its record. Not a person's settings.

use crate::Result;
use rusqlite::types::FromSql;
use rusqlite::{Connection, OptionalExtension, ToSql};

pub(crate) const CREATE: &str = "
CREATE TABLE meta (
    key TEXT PRIMARY KEY NOT NULL,
    value ANY NOT NULL
) STRICT, WITHOUT ROWID;
";

/// Writes one value.
pub(crate) fn set(db: &Connection, key: &str, value: impl ToSql) -> Result<()> {
    let sql = "INSERT INTO meta(key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value";
    db.prepare_cached(sql)?.execute((key, value))?;
    Ok(())
}

fn get<T: FromSql>(db: &Connection, key: &str) -> Result<Option<T>> {
    let sql = "SELECT value FROM meta WHERE key = ?1";
    Ok(db.prepare_cached(sql)?.query_row([key], |row| row.get(0)).optional()?)
}

/// Reads a whole number.
pub(crate) fn integer(db: &Connection, key: &str) -> Result<Option<i64>> {
    get(db, key)
}

/// Reads a word.
pub(crate) fn text(db: &Connection, key: &str) -> Result<Option<String>> {
    get(db, key)
}

/// Reads bytes.
pub(crate) fn bytes(db: &Connection, key: &str) -> Result<Option<Vec<u8>>> {
    get(db, key)
}

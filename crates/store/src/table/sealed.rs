//! Small secrets of others (keys of providers), for machines without a keyring: sealed before they come here. What seals
//! them is `secrets.rs`.

use crate::{Reader, Result, Writer};
use rusqlite::OptionalExtension;

pub(crate) const CREATE: &str = "
CREATE TABLE sealed (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL UNIQUE,
    bytes BLOB NOT NULL           -- nonce and sealed text
) STRICT;
";

impl Reader<'_> {
    /// The sealed bytes of a name.
    pub(crate) fn sealed(&self, name: &str) -> Result<Option<Vec<u8>>> {
        let mut statement = self.db.prepare_cached("SELECT bytes FROM sealed WHERE name = ?1")?;
        Ok(statement.query_row([name], |row| row.get(0)).optional()?)
    }
}

impl Writer<'_> {
    /// Keeps sealed bytes under a name, in place of any.
    pub(crate) fn put_sealed(&self, name: &str, bytes: &[u8]) -> Result<()> {
        let sql = "INSERT INTO sealed(name, bytes) VALUES (?1, ?2)
            ON CONFLICT (name) DO UPDATE SET bytes = excluded.bytes";
        self.note_purge();
        self.db.prepare_cached(sql)?.execute((name, bytes))?;
        Ok(())
    }

    /// Erases the sealed bytes of a name, if there are any.
    pub(crate) fn erase_sealed(&self, name: &str) -> Result<()> {
        self.note_purge();
        self.db.execute("DELETE FROM sealed WHERE name = ?1", [name])?;
        Ok(())
    }
}

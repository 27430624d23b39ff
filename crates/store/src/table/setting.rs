//! Settings that belong to this vault, as JSON. What they mean is the kernel's business.

use crate::word::{get_json, json};
use crate::{Reader, Result, Writer};
use rusqlite::OptionalExtension;
use serde_json::{Map, Value};

pub(crate) const CREATE: &str = "
CREATE TABLE setting (
    key TEXT PRIMARY KEY NOT NULL,
    value TEXT NOT NULL           -- JSON
) STRICT, WITHOUT ROWID;
";

impl Reader<'_> {
    /// One setting.
    pub fn setting(&self, key: &str) -> Result<Option<Value>> {
        let mut statement = self.db.prepare_cached("SELECT value FROM setting WHERE key = ?1")?;
        Ok(statement.query_row([key], |row| get_json(row, "value")).optional()?)
    }

    /// All settings.
    pub fn settings(&self) -> Result<Map<String, Value>> {
        let mut statement = self.db.prepare_cached("SELECT key, value FROM setting ORDER BY key")?;
        let rows = statement.query_map([], |row| Ok((row.get("key")?, get_json(row, "value")?)))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }
}

impl Writer<'_> {
    /// Writes a setting; null takes it away.
    pub fn set_setting(&self, key: &str, value: &Value) -> Result<()> {
        if value.is_null() {
            self.db.execute("DELETE FROM setting WHERE key = ?1", [key])?;
        } else {
            let sql = "INSERT INTO setting(key, value) VALUES (?1, ?2)
                ON CONFLICT (key) DO UPDATE SET value = excluded.value";
            self.db.prepare_cached(sql)?.execute((key, json(value)?))?;
        }
        Ok(())
    }
}

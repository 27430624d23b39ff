//! How models are asked: prompt and sampling, as versions that never change. A trace names one; what it named can be read for
//! as long as the vault lives, also when the program has come to ask otherwise.

use crate::word::{get_hash, get_json, json};
use crate::{Reader, Result, Writer};
use hearth_domain::TimeMs;
use rusqlite::OptionalExtension;
use serde_json::Value;

pub(crate) const CREATE: &str = "
CREATE TABLE recipe (
    name TEXT NOT NULL,
    version INTEGER NOT NULL,     -- from 1 for each name
    hash BLOB NOT NULL,           -- of the body, SHA-256
    body TEXT NOT NULL,           -- JSON
    made_ms INTEGER NOT NULL,
    PRIMARY KEY (name, version)
) STRICT;
";

/// One version of a recipe.
#[derive(Debug, Clone, PartialEq)]
pub struct RecipeRow {
    /// What it is for.
    pub name: String,
    /// From 1, counted for each name.
    pub version: u32,
    /// SHA-256 of the body.
    pub hash: [u8; 32],
    /// What it says, as JSON. What it means is the kernel's business.
    pub body: Value,
    /// When it was first used.
    pub made_ms: TimeMs,
}

impl Reader<'_> {
    /// One version of a recipe.
    pub fn recipe(&self, name: &str, version: u32) -> Result<Option<RecipeRow>> {
        let sql = "SELECT name, version, hash, body, made_ms FROM recipe WHERE name = ?1 AND version = ?2";
        Ok(self.db.prepare_cached(sql)?.query_row((name, version), row).optional()?)
    }

    /// All versions of all recipes, newest first for each name.
    pub fn recipes(&self) -> Result<Vec<RecipeRow>> {
        let sql = "SELECT name, version, hash, body, made_ms FROM recipe ORDER BY name, version DESC";
        let mut statement = self.db.prepare_cached(sql)?;
        let rows = statement.query_map([], row)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// The version of a recipe that has these bytes.
    pub fn recipe_version(&self, name: &str, hash: &[u8; 32]) -> Result<Option<u32>> {
        let sql = "SELECT version FROM recipe WHERE name = ?1 AND hash = ?2 ORDER BY version DESC LIMIT 1";
        Ok(self.db.prepare_cached(sql)?.query_row((name, hash.as_slice()), |row| row.get(0)).optional()?)
    }
}

impl Writer<'_> {
    /// Keeps a recipe as the next version of its name, unless a version has these bytes; returns the version.
    pub fn keep_recipe(&self, name: &str, hash: &[u8; 32], body: &Value, now: TimeMs) -> Result<u32> {
        let known = "SELECT version FROM recipe WHERE name = ?1 AND hash = ?2 ORDER BY version DESC LIMIT 1";
        let known = self.db.prepare_cached(known)?.query_row((name, hash.as_slice()), |row| row.get(0)).optional()?;
        if let Some(version) = known {
            return Ok(version);
        }
        let sql = "INSERT INTO recipe(name, version, hash, body, made_ms)
            SELECT ?1, coalesce(max(version), 0) + 1, ?2, ?3, ?4 FROM recipe WHERE name = ?1 RETURNING version";
        Ok(self.db.prepare_cached(sql)?.query_row((name, hash.as_slice(), json(body)?, now), |row| row.get(0))?)
    }
}

fn row(row: &rusqlite::Row) -> rusqlite::Result<RecipeRow> {
    Ok(RecipeRow {
        name: row.get("name")?,
        version: row.get("version")?,
        hash: get_hash(row, "hash")?,
        body: get_json(row, "body")?,
        made_ms: row.get("made_ms")?,
    })
}

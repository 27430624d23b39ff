//! The policies that an organization laid down here, as the signed letters they came in. They are only added; the latest
//! holds. What they say, and whether a signature is good, is the kernel's business.

use crate::{Reader, Result, Writer};
use hearth_domain::TimeMs;
use rusqlite::OptionalExtension;

pub(crate) const CREATE: &str = "
CREATE TABLE organization (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms INTEGER NOT NULL,
    version INTEGER NOT NULL,     -- as the organization counts
    letter TEXT NOT NULL,         -- the text and its signature
    fingerprint TEXT NOT NULL     -- of the key that a person trusted
) STRICT;
";

/// A policy of an organization.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OrganizationRow {
    /// Since when it holds here.
    pub at_ms: TimeMs,
    /// Its version, as the organization counts.
    pub version: u32,
    /// The text and its signature.
    pub letter: String,
    /// Of the key that a person trusted.
    pub fingerprint: String,
}

impl Reader<'_> {
    /// The organization's policy that holds, if one was ever loaded.
    pub fn organization(&self) -> Result<Option<OrganizationRow>> {
        let sql = "SELECT at_ms, version, letter, fingerprint FROM organization ORDER BY id DESC LIMIT 1";
        let read = |row: &rusqlite::Row| {
            Ok(OrganizationRow {
                at_ms: row.get("at_ms")?,
                version: row.get("version")?,
                letter: row.get("letter")?,
                fingerprint: row.get("fingerprint")?,
            })
        };
        Ok(self.db.prepare_cached(sql)?.query_row([], read).optional()?)
    }
}

impl Writer<'_> {
    /// Keeps a policy of an organization; it holds from now on.
    pub fn keep_organization(&self, row: &OrganizationRow) -> Result<()> {
        let sql = "INSERT INTO organization(at_ms, version, letter, fingerprint) VALUES (?1, ?2, ?3, ?4)";
        self.db.prepare_cached(sql)?.execute((row.at_ms, row.version, &row.letter, &row.fingerprint))?;
        Ok(())
    }
}

//! Versions of documents: which bytes, when, what was read of them, and whether they answer.

use crate::word::{get_hash, get_json, get_word, json, word};
use crate::{Reader, Result, StoreError, Writer};
use hearth_domain::{BlobHash, Document, DocumentId, OutlineItem, SpaceId, TimeMs, VersionId, Warning};
use rusqlite::{OptionalExtension, Row};
use serde::{Deserialize, Serialize};

pub(crate) const CREATE: &str = "
CREATE TABLE version (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    document INTEGER NOT NULL REFERENCES document(id) ON DELETE CASCADE,
    number INTEGER NOT NULL,
    hash BLOB NOT NULL,
    size_bytes INTEGER NOT NULL,
    imported_ms INTEGER NOT NULL,
    published_ms INTEGER,
    pages INTEGER NOT NULL DEFAULT 0,
    passages INTEGER NOT NULL DEFAULT 0,
    state TEXT NOT NULL CHECK (state IN ('pending', 'current', 'superseded')),
    kind TEXT NOT NULL,
    title TEXT,
    author TEXT,
    created TEXT,
    language TEXT,
    outline TEXT NOT NULL DEFAULT '[]',
    warnings TEXT NOT NULL DEFAULT '[]'
) STRICT;
CREATE INDEX version_document ON version(document, number);
CREATE INDEX version_hash ON version(hash);
CREATE UNIQUE INDEX version_current ON version(document) WHERE state = 'current';
";

/// Whether a version answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum VersionState {
    /// Its bytes are kept; it is not searchable yet.
    Pending,
    /// It answers.
    Current,
    /// A later version answers in its place; its pages can still be opened.
    Superseded,
}

/// One version of a document.
#[derive(Debug, Clone, PartialEq)]
pub struct VersionRow {
    /// Its id.
    pub id: VersionId,
    /// The document it is a version of.
    pub document: DocumentId,
    /// From 1.
    pub number: u32,
    /// Hash of its bytes.
    pub hash: BlobHash,
    /// Length of its bytes.
    pub size_bytes: u64,
    /// When its bytes were kept.
    pub imported_ms: TimeMs,
    /// When it began to answer.
    pub published_ms: Option<TimeMs>,
    /// How many pages were read.
    pub pages: u32,
    /// How many passages were published.
    pub passages: u32,
    /// Whether it answers.
    pub state: VersionState,
    /// The title it gives itself.
    pub title: Option<String>,
    /// Who it says wrote it.
    pub author: Option<String>,
    /// When it says it was made.
    pub created: Option<String>,
    /// BCP 47 tag.
    pub language: Option<String>,
    /// Its own table of contents.
    pub outline: Vec<OutlineItem>,
    /// What could not be read.
    pub warnings: Vec<Warning>,
}

const SELECT: &str = "SELECT id, document, number, hash, size_bytes, imported_ms, published_ms, pages, passages, state,
    title, author, created, language, outline, warnings FROM version";

fn from_row(row: &Row) -> rusqlite::Result<VersionRow> {
    Ok(VersionRow {
        id: VersionId(row.get("id")?),
        document: DocumentId(row.get("document")?),
        number: row.get("number")?,
        hash: BlobHash(get_hash(row, "hash")?),
        size_bytes: row.get::<_, i64>("size_bytes")?.unsigned_abs(),
        imported_ms: row.get("imported_ms")?,
        published_ms: row.get("published_ms")?,
        pages: row.get("pages")?,
        passages: row.get("passages")?,
        state: get_word(row, "state")?,
        title: row.get("title")?,
        author: row.get("author")?,
        created: row.get("created")?,
        language: row.get("language")?,
        outline: get_json(row, "outline")?,
        warnings: get_json(row, "warnings")?,
    })
}

impl Reader<'_> {
    /// All versions of a document, latest first.
    pub fn versions(&self, document: DocumentId) -> Result<Vec<VersionRow>> {
        let mut statement = self.db.prepare_cached(&format!("{SELECT} WHERE document = ?1 ORDER BY number DESC"))?;
        Ok(statement.query_map([document.0], from_row)?.collect::<rusqlite::Result<_>>()?)
    }

    /// One version.
    pub fn version(&self, id: VersionId) -> Result<Option<VersionRow>> {
        let mut statement = self.db.prepare_cached(&format!("{SELECT} WHERE id = ?1"))?;
        Ok(statement.query_row([id.0], from_row).optional()?)
    }

    /// The version of a space's documents that has these bytes: one that answers before one that waits before an old one.
    /// Removed documents are left out.
    pub fn version_by_hash(
        &self,
        space: SpaceId,
        hash: &BlobHash,
    ) -> Result<Option<(DocumentId, VersionId, VersionState)>> {
        let sql = "SELECT v.document, v.id, v.state FROM version v JOIN document d ON d.id = v.document
            WHERE v.hash = ?2 AND d.space = ?1 AND d.removed_ms IS NULL
            ORDER BY CASE v.state WHEN 'current' THEN 0 WHEN 'pending' THEN 1 ELSE 2 END, v.id LIMIT 1";
        let found = |row: &Row| Ok((DocumentId(row.get(0)?), VersionId(row.get(1)?), get_word(row, "state")?));
        Ok(self.db.prepare_cached(sql)?.query_row((space.0, hash.0), found).optional()?)
    }
}

impl Writer<'_> {
    pub(crate) fn insert_version(
        &self,
        document: DocumentId,
        hash: &BlobHash,
        size_bytes: u64,
        kind: &str,
        now: TimeMs,
    ) -> Result<VersionId> {
        let sql = "INSERT INTO version(document, number, hash, size_bytes, imported_ms, state, kind) VALUES (?1,
            (SELECT coalesce(max(number), 0) + 1 FROM version WHERE document = ?1), ?2, ?3, ?4, 'pending', ?5)";
        self.db.prepare_cached(sql)?.execute((document.0, hash.0, size_bytes as i64, now, kind))?;
        Ok(VersionId(self.db.last_insert_rowid()))
    }

    /// Writes what a reader found out about a pending version.
    pub(crate) fn describe_version(&self, version: VersionId, read: &Document) -> Result<()> {
        let sql = "UPDATE version SET pages = ?2, title = ?3, author = ?4, created = ?5, language = ?6, outline = ?7,
            warnings = ?8, kind = ?9 WHERE id = ?1 AND state = 'pending'";
        let changed = self.db.prepare_cached(sql)?.execute((
            version.0,
            read.pages.len() as i64,
            &read.title,
            &read.author,
            &read.created,
            &read.language,
            json(&read.outline)?,
            json(&read.warnings)?,
            word(&read.kind)?,
        ))?;
        if changed == 0 { Err(StoreError::NotFound { what: "pending version", id: version.0 }) } else { Ok(()) }
    }

    /// Adds a warning to a version, such as one that came up while it was embedded.
    pub fn add_warning(&self, version: VersionId, warning: &Warning) -> Result<()> {
        let row = self.version(version)?.ok_or(StoreError::NotFound { what: "version", id: version.0 })?;
        let mut warnings = row.warnings;
        warnings.push(warning.clone());
        self.db.execute("UPDATE version SET warnings = ?2 WHERE id = ?1", (version.0, json(&warnings)?))?;
        Ok(())
    }
}

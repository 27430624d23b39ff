//! Documents that are nearly the same: what stands for each one's words, and which pairs were found or told apart. How
//! alike they are is computed elsewhere.

use crate::word::{get_word, word};
use crate::{Reader, Result, StoreError, Writer};
use hearth_domain::{DocumentId, SpaceId, VersionId};
use rusqlite::{OptionalExtension, Row};
use serde::{Deserialize, Serialize};

pub(crate) const CREATE: &str = "
CREATE TABLE sketch (
    document INTEGER PRIMARY KEY REFERENCES document(id) ON DELETE CASCADE,
    version INTEGER NOT NULL,     -- whose words it stands for
    minima BLOB                   -- NULL where it has too few words
) STRICT;
CREATE TABLE sketch_key (
    id INTEGER PRIMARY KEY,
    key INTEGER NOT NULL,         -- documents that share one are compared
    document INTEGER NOT NULL REFERENCES document(id) ON DELETE CASCADE
) STRICT;
CREATE INDEX sketch_key_key ON sketch_key(key);
CREATE INDEX sketch_key_document ON sketch_key(document);
CREATE TABLE alike (
    id INTEGER PRIMARY KEY,
    document INTEGER NOT NULL REFERENCES document(id) ON DELETE CASCADE,
    other INTEGER NOT NULL REFERENCES document(id) ON DELETE CASCADE CHECK (document < other),
    share REAL NOT NULL,          -- of their words, 0 to 1
    later INTEGER,                -- which of the two is the later revision; NULL where neither is
    judged TEXT NOT NULL,         -- found, chosen or apart
    UNIQUE (document, other)
) STRICT;
CREATE INDEX alike_other ON alike(other);
";

/// Who says how two documents stand to each other.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Judged {
    /// They were compared.
    Found,
    /// A person said which is later, or that neither is.
    Chosen,
    /// A person said that they are different.
    Apart,
}

/// Two documents that are nearly the same, seen from one of them.
#[derive(Debug, Clone, PartialEq)]
pub struct AlikeRow {
    /// The other one.
    pub other: DocumentId,
    /// The version of it that answers.
    pub version: VersionId,
    /// What it is called.
    pub title: String,
    /// The share of words that they have in common, 0 to 1.
    pub share: f32,
    /// Which of the two is the later revision, if one is.
    pub later: Option<DocumentId>,
    /// Who says so.
    pub judged: Judged,
}

/// Two documents that are nearly the same.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pair {
    /// Both.
    pub documents: [DocumentId; 2],
    /// Which of them is the later revision, if one is.
    pub later: Option<DocumentId>,
}

impl Pair {
    /// The earlier revision and the later one, where there is an order.
    pub fn revisions(&self) -> Option<(DocumentId, DocumentId)> {
        let later = self.later?;
        let earlier = self.documents.into_iter().find(|id| *id != later)?;
        Some((earlier, later))
    }
}

/// A document that another one is compared with.
#[derive(Debug, Clone, PartialEq)]
pub struct SketchRow {
    /// The document.
    pub document: DocumentId,
    /// The name of its file.
    pub name: String,
    /// When it says it was made.
    pub created: Option<String>,
    /// What stands for its words.
    pub minima: Vec<u8>,
}

impl Reader<'_> {
    /// The other kept documents of a space that share a key.
    pub fn sketches_sharing(&self, space: SpaceId, document: DocumentId, keys: &[u64]) -> Result<Vec<SketchRow>> {
        let sql = "SELECT d.id, d.name, v.created, s.minima FROM sketch s JOIN document d ON d.id = s.document
            LEFT JOIN version v ON v.id = s.version
            WHERE s.minima IS NOT NULL AND d.space = ?1 AND d.id <> ?2 AND d.scope = 'kept'
            AND d.id IN (SELECT document FROM sketch_key WHERE key IN (SELECT value FROM json_each(?3))) ORDER BY d.id";
        let keys: Vec<i64> = keys.iter().map(|key| key.cast_signed()).collect();
        let row = |row: &Row| {
            Ok(SketchRow {
                document: DocumentId(row.get(0)?),
                name: row.get(1)?,
                created: row.get(2)?,
                minima: row.get(3)?,
            })
        };
        let mut statement = self.db.prepare_cached(sql)?;
        Ok(statement
            .query_map((space.0, document.0, crate::word::json(&keys)?), row)?
            .collect::<rusqlite::Result<_>>()?)
    }

    /// What is nearly the same as a document, most alike first; not what was told apart, nor what does not answer.
    pub fn alike(&self, document: DocumentId) -> Result<Vec<AlikeRow>> {
        let sql = "SELECT d.id, d.version, coalesce(d.title, d.name), a.share, a.later, a.judged FROM alike a
            JOIN document d ON d.id = CASE a.document WHEN ?1 THEN a.other ELSE a.document END
            WHERE (a.document = ?1 OR a.other = ?1) AND a.judged <> 'apart' AND d.removed_ms IS NULL
            AND d.version IS NOT NULL ORDER BY a.share DESC, d.id";
        let row = |row: &Row| {
            Ok(AlikeRow {
                other: DocumentId(row.get(0)?),
                version: VersionId(row.get(1)?),
                title: row.get(2)?,
                share: row.get::<_, f64>(3)? as f32,
                later: row.get::<_, Option<i64>>(4)?.map(DocumentId),
                judged: get_word(row, "judged")?,
            })
        };
        Ok(self.db.prepare_cached(sql)?.query_map([document.0], row)?.collect::<rusqlite::Result<_>>()?)
    }

    /// Pairs of a space's documents that are nearly the same, most alike first; not those told apart, nor any of which one
    /// does not answer.
    pub fn alike_in(&self, space: SpaceId) -> Result<Vec<Pair>> {
        let sql = "SELECT a.document, a.other, a.later FROM alike a JOIN document d ON d.id = a.document
            JOIN document o ON o.id = a.other WHERE a.judged <> 'apart' AND d.space = ?1
            AND d.removed_ms IS NULL AND d.version IS NOT NULL AND o.removed_ms IS NULL AND o.version IS NOT NULL
            ORDER BY a.share DESC, a.id";
        let pair = |row: &Row| {
            let later = row.get::<_, Option<i64>>(2)?.map(DocumentId);
            Ok(Pair { documents: [DocumentId(row.get(0)?), DocumentId(row.get(1)?)], later })
        };
        Ok(self.db.prepare_cached(sql)?.query_map([space.0], pair)?.collect::<rusqlite::Result<_>>()?)
    }

    /// A kept document whose version that answers has not been compared yet.
    pub fn unsketched(&self) -> Result<Option<(DocumentId, VersionId)>> {
        let sql = "SELECT d.id, d.version FROM document d LEFT JOIN sketch s ON s.document = d.id
            WHERE d.version IS NOT NULL AND d.scope = 'kept' AND d.removed_ms IS NULL
            AND s.version IS NOT d.version ORDER BY d.id LIMIT 1";
        let pair = |row: &Row| Ok((DocumentId(row.get(0)?), VersionId(row.get(1)?)));
        Ok(self.db.prepare_cached(sql)?.query_row([], pair).optional()?)
    }
}

impl Writer<'_> {
    /// Keeps what stands for a version's words, in place of what stood for an earlier one's. What was found alike before is
    /// forgotten; what a person said stands.
    pub fn put_sketch(
        &self,
        document: DocumentId,
        version: VersionId,
        minima: Option<&[u8]>,
        keys: &[u64],
    ) -> Result<()> {
        let sql = "INSERT OR REPLACE INTO sketch(document, version, minima) VALUES (?1, ?2, ?3)";
        self.db.prepare_cached(sql)?.execute((document.0, version.0, minima))?;
        self.db.prepare_cached("DELETE FROM sketch_key WHERE document = ?1")?.execute([document.0])?;
        let mut insert = self.db.prepare_cached("INSERT INTO sketch_key(key, document) VALUES (?1, ?2)")?;
        for key in keys {
            insert.execute((key.cast_signed(), document.0))?;
        }
        let sql = "DELETE FROM alike WHERE (document = ?1 OR other = ?1) AND judged = 'found'";
        self.db.prepare_cached(sql)?.execute([document.0])?;
        Ok(())
    }

    /// Notes that two documents are alike, and which is the later. What a person said of them stands.
    pub fn put_alike(
        &self,
        one: DocumentId,
        two: DocumentId,
        share: f32,
        later: Option<DocumentId>,
        judged: Judged,
    ) -> Result<()> {
        let sql = "INSERT INTO alike(document, other, share, later, judged) VALUES (?1, ?2, ?3, ?4, ?5)
            ON CONFLICT (document, other) DO UPDATE SET share = excluded.share,
            later = CASE WHEN judged = 'found' THEN excluded.later ELSE later END";
        let (low, high) = (one.0.min(two.0), one.0.max(two.0));
        let values = (low, high, f64::from(share), later.map(|id| id.0), word(&judged)?);
        self.db.prepare_cached(sql)?.execute(values)?;
        Ok(())
    }

    /// Keeps what a person says of two documents that were found alike.
    pub fn judge_alike(
        &self,
        one: DocumentId,
        two: DocumentId,
        later: Option<DocumentId>,
        judged: Judged,
    ) -> Result<()> {
        let sql = "UPDATE alike SET later = ?3, judged = ?4 WHERE document = ?1 AND other = ?2";
        let (low, high) = (one.0.min(two.0), one.0.max(two.0));
        let rows = self.db.prepare_cached(sql)?.execute((low, high, later.map(|id| id.0), word(&judged)?))?;
        if rows == 0 { Err(StoreError::NotFound { what: "pair of documents", id: low }) } else { Ok(()) }
    }
}

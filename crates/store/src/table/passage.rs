//! Passages of the versions that answer: what is found, quoted and given to a model. Rows of superseded versions are gone.

use crate::word::{get_json, get_word, json};
use crate::{Reader, Result, Writer};
use hearth_domain::{DocumentId, Kind, Label, Passage, PassageId, Place, SpaceId, Span, VersionId};
use rusqlite::{OptionalExtension, Row};

pub(crate) const CREATE: &str = "
CREATE TABLE passage (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    document INTEGER NOT NULL REFERENCES document(id),
    version INTEGER NOT NULL REFERENCES version(id),
    position INTEGER NOT NULL,    -- within the version, from 0
    page INTEGER NOT NULL,
    start INTEGER NOT NULL,       -- bytes of the page's text
    end INTEGER NOT NULL,
    text TEXT NOT NULL,
    context TEXT NOT NULL         -- JSON: the headings above it
) STRICT;
CREATE UNIQUE INDEX passage_version ON passage(version, position);
CREATE INDEX passage_document ON passage(document);
";

/// One passage with what is needed to show and label it.
#[derive(Debug, Clone, PartialEq)]
pub struct PassageRow {
    /// Its id.
    pub id: PassageId,
    /// The document it is of.
    pub document: DocumentId,
    /// That document's space.
    pub space: SpaceId,
    /// The version it is of.
    pub version: VersionId,
    /// That version's number, from 1.
    pub version_number: u32,
    /// Where it comes among the version's passages, from 0.
    pub position: u32,
    /// Index of its page.
    pub page: u32,
    /// First byte of the page's text.
    pub start: u32,
    /// One past the last.
    pub end: u32,
    /// Exactly that text.
    pub text: String,
    /// The headings above it, outermost first.
    pub context: Vec<String>,
    /// The document's title, else its name.
    pub title: String,
    /// The document's name.
    pub name: String,
    /// The family of the file.
    pub kind: Kind,
    /// How guarded it is.
    pub label: Label,
    /// What the format calls its page.
    pub place: Place,
}

impl PassageRow {
    /// Where it stands.
    pub fn span(&self) -> Span {
        Span { version: self.version, page: self.page, start: self.start, end: self.end }
    }
}

const SELECT: &str =
    "SELECT p.id, p.document, d.space, p.version, v.number AS version_number, p.position, p.page, p.start,
    p.end, p.text, p.context, coalesce(d.title, d.name) AS title, d.name, d.kind, d.label,
    coalesce(g.place, '{\"kind\":\"whole\"}') AS place
    FROM passage p JOIN document d ON d.id = p.document JOIN version v ON v.id = p.version
    LEFT JOIN page g ON g.version = p.version AND g.number = p.page";

fn from_row(row: &Row) -> rusqlite::Result<PassageRow> {
    Ok(PassageRow {
        id: PassageId(row.get("id")?),
        document: DocumentId(row.get("document")?),
        space: SpaceId(row.get("space")?),
        version: VersionId(row.get("version")?),
        version_number: row.get("version_number")?,
        position: row.get("position")?,
        page: row.get("page")?,
        start: row.get("start")?,
        end: row.get("end")?,
        text: row.get("text")?,
        context: get_json(row, "context")?,
        title: row.get("title")?,
        name: row.get("name")?,
        kind: get_word(row, "kind")?,
        label: get_word(row, "label")?,
        place: get_json(row, "place")?,
    })
}

impl Reader<'_> {
    /// Passages in the order asked; those that are missing, superseded or of removed documents are left out.
    pub fn passages(&self, ids: &[PassageId]) -> Result<Vec<PassageRow>> {
        let mut statement = self.db.prepare_cached(&format!("{SELECT} WHERE p.id = ?1 AND d.removed_ms IS NULL"))?;
        let mut found = Vec::with_capacity(ids.len());
        for id in ids {
            found.extend(statement.query_row([id.0], from_row).optional()?);
        }
        Ok(found)
    }

    /// A passage with up to `before` and `after` others of the same page and version around it, in order.
    pub fn neighbours(&self, passage: PassageId, before: u32, after: u32) -> Result<Vec<PassageRow>> {
        let sql = format!(
            "{SELECT} JOIN passage m ON m.id = ?1
                WHERE p.version = m.version AND p.page = m.page AND d.removed_ms IS NULL
                AND p.position BETWEEN m.position - ?2 AND m.position + ?3 ORDER BY p.position"
        );
        let mut statement = self.db.prepare_cached(&sql)?;
        Ok(statement.query_map((passage.0, before, after), from_row)?.collect::<rusqlite::Result<_>>()?)
    }

    /// All passages of a version that answers, in order.
    pub fn passages_of(&self, version: VersionId) -> Result<Vec<PassageRow>> {
        let mut statement = self.db.prepare_cached(&format!("{SELECT} WHERE p.version = ?1 ORDER BY p.position"))?;
        Ok(statement.query_map([version.0], from_row)?.collect::<rusqlite::Result<_>>()?)
    }

    /// Up to `limit` passages after `after`, of removed documents too, in order of id: for rebuilding.
    pub(crate) fn passages_after(&self, after: i64, limit: usize) -> Result<Vec<PassageRow>> {
        let mut statement = self.db.prepare_cached(&format!("{SELECT} WHERE p.id > ?1 ORDER BY p.id LIMIT ?2"))?;
        Ok(statement.query_map((after, limit as i64), from_row)?.collect::<rusqlite::Result<_>>()?)
    }
}

impl Writer<'_> {
    pub(crate) fn insert_passage(
        &self,
        document: DocumentId,
        version: VersionId,
        position: usize,
        passage: &Passage,
    ) -> Result<PassageId> {
        let sql = "INSERT INTO passage(document, version, position, page, start, end, text, context)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
        self.db.prepare_cached(sql)?.execute((
            document.0,
            version.0,
            position as i64,
            passage.page,
            passage.range.start,
            passage.range.end,
            &passage.text,
            json(&passage.context)?,
        ))?;
        Ok(PassageId(self.db.last_insert_rowid()))
    }

    /// Deletes every passage of a document with its full text and vectors. Says how many there were.
    pub(crate) fn delete_passages(&self, document: DocumentId) -> Result<usize> {
        for sql in [
            "DELETE FROM passage_terms WHERE rowid IN (SELECT id FROM passage WHERE document = ?1)",
            "DELETE FROM vector WHERE passage IN (SELECT id FROM passage WHERE document = ?1)",
            "DELETE FROM vector_next WHERE passage IN (SELECT id FROM passage WHERE document = ?1)",
        ] {
            self.db.prepare_cached(sql)?.execute([document.0])?;
        }
        Ok(self.db.prepare_cached("DELETE FROM passage WHERE document = ?1")?.execute([document.0])?)
    }
}

//! Documents: what stays the same while versions change. Not the order of publishing: see `publish.rs`.

use crate::word::{get_word, word};
use crate::{Reader, Result, StoreError, Writer};
use hearth_domain::{DocumentId, Kind, Label, SpaceId, TimeMs, VersionId};
use rusqlite::types::Value as Sql;
use rusqlite::{OptionalExtension, Row, params_from_iter};
use serde::{Deserialize, Serialize};

pub(crate) const CREATE: &str = "
CREATE TABLE document (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    space INTEGER NOT NULL REFERENCES space(id),
    name TEXT NOT NULL,
    title TEXT,
    kind TEXT NOT NULL,
    label TEXT NOT NULL,
    label_rule TEXT NOT NULL,
    origin TEXT,
    scope TEXT NOT NULL CHECK (scope IN ('kept', 'turn')),
    version INTEGER,              -- the one that answers
    added_ms INTEGER NOT NULL,
    removed_ms INTEGER
) STRICT;
CREATE INDEX document_space ON document(space, removed_ms);
CREATE INDEX document_origin ON document(space, origin) WHERE origin IS NOT NULL;
";

/// How long a document is kept for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// In its space, for every question.
    Kept,
    /// Only for questions that name it.
    Turn,
}

/// One document.
#[derive(Debug, Clone, PartialEq)]
pub struct DocumentRow {
    /// Its id.
    pub id: DocumentId,
    /// The space it is in.
    pub space: SpaceId,
    /// Its file name, or what a person called it.
    pub name: String,
    /// The title it gives itself, else its name.
    pub title: String,
    /// The family of the file.
    pub kind: Kind,
    /// How guarded it is.
    pub label: Label,
    /// Which rule or person said so.
    pub label_rule: String,
    /// Where it came from, such as a path.
    pub origin: Option<String>,
    /// How long it is kept for.
    pub scope: Scope,
    /// The version that answers; `None` while its first is pending.
    pub version: Option<VersionId>,
    /// How many versions there are.
    pub versions: u32,
    /// Pages of the version that answers, else of the latest.
    pub pages: u32,
    /// Passages of that version.
    pub passages: u32,
    /// Bytes of that version.
    pub size_bytes: u64,
    /// When that version began to answer.
    pub indexed_ms: Option<TimeMs>,
    /// When the document was first brought in.
    pub added_ms: TimeMs,
    /// When it was removed.
    pub removed_ms: Option<TimeMs>,
    /// How many answers cite it.
    pub cited: u32,
}

/// Which documents to list.
#[derive(Debug, Clone, Default)]
pub struct DocumentFilter {
    /// Only of this space.
    pub space: Option<SpaceId>,
    /// Only with one of these labels; empty means any.
    pub labels: Vec<Label>,
    /// Only of one of these families; empty means any.
    pub kinds: Vec<Kind>,
    /// Only those whose name, title or origin contains this, whatever the case.
    pub text: Option<String>,
    /// Removed ones too.
    pub include_removed: bool,
    /// Those kept for one question too.
    pub include_turn_scope: bool,
    /// At most so many; 0 means all.
    pub limit: usize,
    /// Leaves out the first so many.
    pub offset: usize,
}

const SELECT: &str = "SELECT d.id, d.space, d.name, coalesce(d.title, d.name) AS title, d.kind, d.label, d.label_rule,
    d.origin, d.scope, d.version, d.added_ms, d.removed_ms,
    (SELECT count(*) FROM version n WHERE n.document = d.id) AS versions,
    coalesce(v.pages, 0) AS pages, coalesce(v.passages, 0) AS passages, coalesce(v.size_bytes, 0) AS size_bytes,
    v.published_ms AS indexed_ms,
    (SELECT count(DISTINCT c.turn) FROM citation c WHERE c.document = d.id) AS cited
    FROM document d LEFT JOIN version v ON v.id =
        coalesce(d.version, (SELECT l.id FROM version l WHERE l.document = d.id ORDER BY l.number DESC LIMIT 1))";

fn from_row(row: &Row) -> rusqlite::Result<DocumentRow> {
    Ok(DocumentRow {
        id: DocumentId(row.get("id")?),
        space: SpaceId(row.get("space")?),
        name: row.get("name")?,
        title: row.get("title")?,
        kind: get_word(row, "kind")?,
        label: get_word(row, "label")?,
        label_rule: row.get("label_rule")?,
        origin: row.get("origin")?,
        scope: get_word(row, "scope")?,
        version: row.get::<_, Option<i64>>("version")?.map(VersionId),
        versions: row.get("versions")?,
        pages: row.get("pages")?,
        passages: row.get("passages")?,
        size_bytes: row.get::<_, i64>("size_bytes")?.unsigned_abs(),
        indexed_ms: row.get("indexed_ms")?,
        added_ms: row.get("added_ms")?,
        removed_ms: row.get("removed_ms")?,
        cited: row.get("cited")?,
    })
}

impl Reader<'_> {
    /// Documents, latest first.
    pub fn documents(&self, filter: &DocumentFilter) -> Result<Vec<DocumentRow>> {
        let mut sql = format!("{SELECT} WHERE 1");
        let mut values: Vec<Sql> = Vec::new();
        if let Some(space) = filter.space {
            sql += " AND d.space = ?";
            values.push(space.0.into());
        }
        if !filter.include_removed {
            sql += " AND d.removed_ms IS NULL";
        }
        if !filter.include_turn_scope {
            sql += " AND d.scope = 'kept'";
        }
        for (column, words) in [
            ("label", filter.labels.iter().map(word).collect::<Result<Vec<_>>>()?),
            ("kind", filter.kinds.iter().map(word).collect::<Result<Vec<_>>>()?),
        ] {
            if !words.is_empty() {
                sql += &format!(" AND d.{column} IN ({})", vec!["?"; words.len()].join(","));
                values.extend(words.into_iter().map(Sql::from));
            }
        }
        if let Some(text) = &filter.text {
            sql +=
                " AND contains(d.name || char(10) || coalesce(d.title, '') || char(10) || coalesce(d.origin, ''), ?)";
            values.push(text.clone().into());
        }
        sql += " ORDER BY d.id DESC LIMIT ? OFFSET ?";
        values.push(if filter.limit == 0 { -1 } else { filter.limit as i64 }.into());
        values.push((filter.offset as i64).into());
        let mut statement = self.db.prepare(&sql)?;
        Ok(statement.query_map(params_from_iter(values), from_row)?.collect::<rusqlite::Result<_>>()?)
    }

    /// One document, removed or not.
    pub fn document(&self, id: DocumentId) -> Result<Option<DocumentRow>> {
        let mut statement = self.db.prepare_cached(&format!("{SELECT} WHERE d.id = ?1"))?;
        Ok(statement.query_row([id.0], from_row).optional()?)
    }

    /// The document of a space that came from this origin and is not removed.
    pub fn document_by_origin(&self, space: SpaceId, origin: &str) -> Result<Option<DocumentRow>> {
        let sql = format!(
            "{SELECT} WHERE d.space = ?1 AND d.origin = ?2 AND d.removed_ms IS NULL AND d.scope = 'kept'
                ORDER BY d.id DESC LIMIT 1"
        );
        Ok(self.db.prepare_cached(&sql)?.query_row((space.0, origin), from_row).optional()?)
    }
}

impl Writer<'_> {
    /// Takes a document out of every search at once, with what came in inside it and is in nothing else; nothing of it is
    /// deleted. Says what went with it.
    pub fn remove_document(&self, id: DocumentId, now: TimeMs) -> Result<Vec<DocumentId>> {
        let sql = "UPDATE document SET removed_ms = coalesce(removed_ms, ?2) WHERE id = ?1";
        self.changed(id, self.db.execute(sql, (id.0, now))?)?;
        self.remove_inside(id, now, 0)
    }

    /// Brings a removed document back into search, with what went with it. Says what did.
    pub fn restore_document(&self, id: DocumentId) -> Result<Vec<DocumentId>> {
        let removed = self.document(id)?.and_then(|row| row.removed_ms);
        self.changed(id, self.db.execute("UPDATE document SET removed_ms = NULL WHERE id = ?1", [id.0])?)?;
        removed.map_or(Ok(Vec::new()), |removed| self.restore_inside(id, removed, 0))
    }

    /// Changes how guarded a document is, and says which rule or person did.
    pub fn set_label(&self, id: DocumentId, label: Label, rule: &str, _now: TimeMs) -> Result<()> {
        let sql = "UPDATE document SET label = ?2, label_rule = ?3 WHERE id = ?1";
        self.changed(id, self.db.execute(sql, (id.0, label.word(), rule))?)
    }

    /// Gives a document another name.
    pub fn rename_document(&self, id: DocumentId, name: &str) -> Result<()> {
        self.changed(id, self.db.execute("UPDATE document SET name = ?2 WHERE id = ?1", (id.0, name))?)
    }

    /// Keeps a document in its space that was brought in for one question, with what came in inside it.
    pub fn keep_document(&self, id: DocumentId) -> Result<()> {
        self.document(id)?.ok_or(StoreError::NotFound { what: "document", id: id.0 })?;
        for id in self.with_inside(&[id])? {
            self.changed(id, self.db.execute("UPDATE document SET scope = 'kept' WHERE id = ?1", [id.0])?)?;
        }
        Ok(())
    }

    fn changed(&self, id: DocumentId, rows: usize) -> Result<()> {
        if rows == 0 {
            return Err(StoreError::NotFound { what: "document", id: id.0 });
        }
        self.touch(id);
        Ok(())
    }
}

//! Spaces: bodies of documents, conversations and memories that are asked together.

use crate::word::get_word;
use crate::{Reader, Result, StoreError, Writer};
use hearth_domain::{DocumentId, Label, SpaceId, TimeMs};
use rusqlite::{OptionalExtension, Row};

pub(crate) const CREATE: &str = "
CREATE TABLE space (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    name TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    removed_ms INTEGER
) STRICT;
";

pub(crate) const LABEL: &str = "
ALTER TABLE space ADD COLUMN label TEXT NOT NULL DEFAULT 'public';   -- the least that what is in it has
";

/// Why something has a label that its space gave it.
const OF_SPACE: &str = "the label of its space";

/// One space.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SpaceRow {
    /// Its id.
    pub id: SpaceId,
    /// What people call it.
    pub name: String,
    /// The least that its documents and memories have.
    pub label: Label,
    /// When it was made.
    pub created_ms: TimeMs,
    /// How many documents are kept in it, without removed ones and those kept for one question.
    pub documents: u32,
}

/// What rose with the label of a space.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Raised {
    /// Documents.
    pub documents: u32,
    /// Memories.
    pub memories: u32,
}

/// How much a space holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counts {
    /// Documents that are kept and not removed.
    pub documents: u32,
    /// Passages of those documents.
    pub passages: u32,
    /// Conversations that are not removed.
    pub conversations: u32,
    /// Memories of this space and of all spaces that are in use.
    pub memories: u32,
}

const SELECT: &str = "SELECT s.id, s.name, s.label, s.created_ms,
    (SELECT count(*) FROM document d WHERE d.space = s.id AND d.removed_ms IS NULL AND d.scope = 'kept') AS documents
    FROM space s WHERE s.removed_ms IS NULL";

fn from_row(row: &Row) -> rusqlite::Result<SpaceRow> {
    Ok(SpaceRow {
        id: SpaceId(row.get("id")?),
        name: row.get("name")?,
        label: get_word(row, "label")?,
        created_ms: row.get("created_ms")?,
        documents: row.get("documents")?,
    })
}

impl Reader<'_> {
    /// All spaces that are not removed, oldest first.
    pub fn spaces(&self) -> Result<Vec<SpaceRow>> {
        let mut statement = self.db.prepare_cached(&format!("{SELECT} ORDER BY s.id"))?;
        Ok(statement.query_map([], from_row)?.collect::<rusqlite::Result<_>>()?)
    }

    /// One space; `None` when there is none or it is removed.
    pub fn space(&self, id: SpaceId) -> Result<Option<SpaceRow>> {
        let mut statement = self.db.prepare_cached(&format!("{SELECT} AND s.id = ?1"))?;
        Ok(statement.query_row([id.0], from_row).optional()?)
    }

    /// How much a space holds.
    pub fn counts(&self, space: SpaceId) -> Result<Counts> {
        let sql = "SELECT
            (SELECT count(*) FROM document WHERE space = ?1 AND removed_ms IS NULL AND scope = 'kept'),
            (SELECT coalesce(sum(v.passages), 0) FROM document d JOIN version v ON v.id = d.version
                WHERE d.space = ?1 AND d.removed_ms IS NULL AND d.scope = 'kept'),
            (SELECT count(*) FROM conversation WHERE space = ?1 AND removed_ms IS NULL),
            (SELECT count(*) FROM memory WHERE (space = ?1 OR space IS NULL) AND state = 'kept')";
        Ok(self.db.prepare_cached(sql)?.query_row([space.0], |row| {
            Ok(Counts {
                documents: row.get(0)?,
                passages: row.get(1)?,
                conversations: row.get(2)?,
                memories: row.get(3)?,
            })
        })?)
    }
}

impl Writer<'_> {
    /// Makes a space.
    pub fn create_space(&self, name: &str, now: TimeMs) -> Result<SpaceId> {
        self.db.prepare_cached("INSERT INTO space(name, created_ms) VALUES (?1, ?2)")?.execute((name, now))?;
        Ok(SpaceId(self.db.last_insert_rowid()))
    }

    /// Gives a space another name.
    pub fn rename_space(&self, id: SpaceId, name: &str) -> Result<()> {
        let changed = self.db.execute("UPDATE space SET name = ?2 WHERE id = ?1", (id.0, name))?;
        found(changed, id)
    }

    /// Gives a space another label, and raises what is less guarded in it. Nothing is lowered.
    pub fn label_space(&self, id: SpaceId, label: Label) -> Result<Raised> {
        found(self.db.execute("UPDATE space SET label = ?2 WHERE id = ?1", (id.0, label.word()))?, id)?;
        let mut raised = Raised::default();
        for lower in Label::ALL.into_iter().filter(|lower| *lower < label) {
            let sql = "SELECT id FROM document WHERE space = ?1 AND label = ?2";
            let ids: Vec<i64> = self
                .db
                .prepare_cached(sql)?
                .query_map((id.0, lower.word()), |row| row.get(0))?
                .collect::<rusqlite::Result<_>>()?;
            for document in &ids {
                self.set_label(DocumentId(*document), label, OF_SPACE, 0)?;
            }
            let sql = "UPDATE memory SET label = ?3 WHERE space = ?1 AND label = ?2";
            raised.memories += self.db.prepare_cached(sql)?.execute((id.0, lower.word(), label.word()))? as u32;
            let sql = "UPDATE watched_folder SET label = ?3 WHERE space = ?1 AND label = ?2";
            self.db.prepare_cached(sql)?.execute((id.0, lower.word(), label.word()))?;
            raised.documents += ids.len() as u32;
        }
        Ok(raised)
    }

    /// The label of something that comes into a space, with the reason: no lower than the space's.
    pub(crate) fn label_in<'a>(&self, space: SpaceId, label: Label, reason: &'a str) -> Result<(Label, &'a str)> {
        let of_space = self.space(space)?.map_or(Label::Public, |row| row.label);
        Ok(if of_space > label { (of_space, OF_SPACE) } else { (label, reason) })
    }

    /// Takes a space out of sight and out of every search; nothing of it is deleted.
    pub fn remove_space(&self, id: SpaceId, now: TimeMs) -> Result<()> {
        let changed =
            self.db.execute("UPDATE space SET removed_ms = ?2 WHERE id = ?1 AND removed_ms IS NULL", (id.0, now))?;
        found(changed, id)
    }

    /// Brings a removed space back.
    pub fn restore_space(&self, id: SpaceId) -> Result<()> {
        found(self.db.execute("UPDATE space SET removed_ms = NULL WHERE id = ?1", [id.0])?, id)
    }
}

fn found(changed: usize, id: SpaceId) -> Result<()> {
    if changed == 0 { Err(StoreError::NotFound { what: "space", id: id.0 }) } else { Ok(()) }
}

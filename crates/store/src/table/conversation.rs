//! Conversations: turns in order. Not the turns: see `turn.rs`.

use crate::{Reader, Result, StoreError, Writer};
use hearth_domain::{ConversationId, SpaceId, TimeMs};
use rusqlite::{OptionalExtension, Row};

pub(crate) const CREATE: &str = "
CREATE TABLE conversation (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    space INTEGER NOT NULL REFERENCES space(id),
    title TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    updated_ms INTEGER NOT NULL,
    removed_ms INTEGER
) STRICT;
CREATE INDEX conversation_space ON conversation(space, updated_ms);
";

/// One conversation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ConversationRow {
    /// Its id.
    pub id: ConversationId,
    /// The space it asks.
    pub space: SpaceId,
    /// What it is called.
    pub title: String,
    /// When it began.
    pub created_ms: TimeMs,
    /// When its last turn began or ended.
    pub updated_ms: TimeMs,
    /// How many turns it has, without replaced ones.
    pub turns: u32,
}

const SELECT: &str = "SELECT c.id, c.space, c.title, c.created_ms, c.updated_ms,
    (SELECT count(*) FROM turn t WHERE t.conversation = c.id AND t.replaced_by IS NULL) AS turns
    FROM conversation c WHERE c.removed_ms IS NULL";

const TALKS: &str = " AND c.id NOT IN (SELECT conversation FROM contest_conversation)";

fn from_row(row: &Row) -> rusqlite::Result<ConversationRow> {
    Ok(ConversationRow {
        id: ConversationId(row.get("id")?),
        space: SpaceId(row.get("space")?),
        title: row.get("title")?,
        created_ms: row.get("created_ms")?,
        updated_ms: row.get("updated_ms")?,
        turns: row.get("turns")?,
    })
}

impl Reader<'_> {
    /// The latest conversations of a space, without those asked for a comparison of models.
    pub fn conversations(&self, space: SpaceId, limit: usize) -> Result<Vec<ConversationRow>> {
        let sql = format!("{SELECT}{TALKS} AND c.space = ?1 ORDER BY c.updated_ms DESC, c.id DESC LIMIT ?2");
        let mut statement = self.db.prepare_cached(&sql)?;
        Ok(statement.query_map((space.0, limit as i64), from_row)?.collect::<rusqlite::Result<_>>()?)
    }

    /// One conversation; `None` when there is none or it is removed.
    pub fn conversation(&self, id: ConversationId) -> Result<Option<ConversationRow>> {
        let mut statement = self.db.prepare_cached(&format!("{SELECT} AND c.id = ?1"))?;
        Ok(statement.query_row([id.0], from_row).optional()?)
    }

    /// The latest conversations of any space whose title, questions or answers contain `text`, whatever the case.
    pub fn search_conversations(&self, text: &str, limit: usize) -> Result<Vec<ConversationRow>> {
        let sql = format!(
            "{SELECT}{TALKS} AND (contains(c.title, ?1) OR EXISTS (SELECT 1 FROM turn t WHERE t.conversation = c.id
                AND t.replaced_by IS NULL AND (contains(t.question, ?1) OR contains(t.answer, ?1))))
                ORDER BY c.updated_ms DESC, c.id DESC LIMIT ?2"
        );
        let mut statement = self.db.prepare_cached(&sql)?;
        Ok(statement.query_map((text, limit as i64), from_row)?.collect::<rusqlite::Result<_>>()?)
    }
}

impl Writer<'_> {
    /// Begins a conversation.
    pub fn create_conversation(&self, space: SpaceId, title: &str, now: TimeMs) -> Result<ConversationId> {
        let sql = "INSERT INTO conversation(space, title, created_ms, updated_ms) VALUES (?1, ?2, ?3, ?3)";
        self.db.prepare_cached(sql)?.execute((space.0, title, now))?;
        Ok(ConversationId(self.db.last_insert_rowid()))
    }

    /// Gives a conversation another title.
    pub fn rename_conversation(&self, id: ConversationId, title: &str) -> Result<()> {
        found(self.db.execute("UPDATE conversation SET title = ?2 WHERE id = ?1", (id.0, title))?, id)
    }

    /// Takes a conversation out of sight; nothing of it is deleted.
    pub fn remove_conversation(&self, id: ConversationId, now: TimeMs) -> Result<()> {
        let sql = "UPDATE conversation SET removed_ms = coalesce(removed_ms, ?2) WHERE id = ?1";
        found(self.db.execute(sql, (id.0, now))?, id)
    }

    /// Brings a removed conversation back.
    pub fn restore_conversation(&self, id: ConversationId) -> Result<()> {
        found(self.db.execute("UPDATE conversation SET removed_ms = NULL WHERE id = ?1", [id.0])?, id)
    }
}

fn found(changed: usize, id: ConversationId) -> Result<()> {
    if changed == 0 { Err(StoreError::NotFound { what: "conversation", id: id.0 }) } else { Ok(()) }
}

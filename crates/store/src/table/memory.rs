//! Memories: sentences that are remembered between conversations.

use crate::word::{get_word, word};
use crate::{Reader, Result, StoreError, Writer};
use hearth_domain::{Label, MemoryId, SpaceId, TimeMs, TurnId};
use rusqlite::{OptionalExtension, Row};
use serde::{Deserialize, Serialize};

pub(crate) const CREATE: &str = "
CREATE TABLE memory (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    space INTEGER REFERENCES space(id),
    text TEXT NOT NULL,
    learnt TEXT NOT NULL,
    label TEXT NOT NULL,
    state TEXT NOT NULL,
    created_ms INTEGER NOT NULL,
    changed_ms INTEGER NOT NULL,
    used INTEGER NOT NULL DEFAULT 0,
    last_used_ms INTEGER,
    expires_ms INTEGER,
    source_turn INTEGER
) STRICT;
CREATE INDEX memory_space ON memory(space, state);
";

/// How a memory stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum MemoryState {
    /// In use.
    Kept,
    /// Waits for a person's word.
    Proposed,
    /// Kept but not used.
    Paused,
    /// Out of use; can be brought back until it is erased.
    Forgotten,
}

/// One memory.
#[derive(Debug, Clone, PartialEq)]
pub struct MemoryRow {
    /// Its id.
    pub id: MemoryId,
    /// The space it is for; `None` means all.
    pub space: Option<SpaceId>,
    /// What is remembered.
    pub text: String,
    /// How it was learnt.
    pub learnt: String,
    /// How guarded it is.
    pub label: Label,
    /// How it stands.
    pub state: MemoryState,
    /// When it was learnt.
    pub created_ms: TimeMs,
    /// How many turns used it.
    pub used: u32,
    /// When it was last used.
    pub last_used_ms: Option<TimeMs>,
    /// When it ends by itself.
    pub expires_ms: Option<TimeMs>,
    /// The turn it was learnt in.
    pub source_turn: Option<TurnId>,
}

/// A memory to be kept.
#[derive(Debug, Clone, PartialEq)]
pub struct NewMemory {
    /// The space it is for; `None` means all.
    pub space: Option<SpaceId>,
    /// What is remembered.
    pub text: String,
    /// How it was learnt.
    pub learnt: String,
    /// How guarded it is.
    pub label: Label,
    /// How it stands.
    pub state: MemoryState,
    /// When it ends by itself.
    pub expires_ms: Option<TimeMs>,
    /// The turn it was learnt in.
    pub source_turn: Option<TurnId>,
    /// Now.
    pub now: TimeMs,
}

const SELECT: &str =
    "SELECT id, space, text, learnt, label, state, created_ms, used, last_used_ms, expires_ms, source_turn
    FROM memory";

fn from_row(row: &Row) -> rusqlite::Result<MemoryRow> {
    Ok(MemoryRow {
        id: MemoryId(row.get("id")?),
        space: row.get::<_, Option<i64>>("space")?.map(SpaceId),
        text: row.get("text")?,
        learnt: row.get("learnt")?,
        label: get_word(row, "label")?,
        state: get_word(row, "state")?,
        created_ms: row.get("created_ms")?,
        used: row.get("used")?,
        last_used_ms: row.get("last_used_ms")?,
        expires_ms: row.get("expires_ms")?,
        source_turn: row.get::<_, Option<i64>>("source_turn")?.map(TurnId),
    })
}

impl Reader<'_> {
    /// Memories of a space and those of all spaces (with `None`: every memory), latest first. Those in use only, unless
    /// `include_waiting` asks for the proposed, paused and forgotten too.
    pub fn memories(&self, space: Option<SpaceId>, include_waiting: bool) -> Result<Vec<MemoryRow>> {
        let sql = format!(
            "{SELECT} WHERE (?1 IS NULL OR space = ?1 OR space IS NULL) AND (?2 OR state = 'kept') ORDER BY id DESC"
        );
        let mut statement = self.db.prepare_cached(&sql)?;
        let rows = statement.query_map((space.map(|space| space.0), include_waiting), from_row)?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// Memories that were forgotten before `before_ms` and are not erased yet.
    pub fn forgotten_memories(&self, before_ms: TimeMs) -> Result<Vec<MemoryId>> {
        let sql = "SELECT id FROM memory WHERE state = 'forgotten' AND changed_ms < ?1";
        let mut statement = self.db.prepare_cached(sql)?;
        Ok(statement.query_map([before_ms], |row| Ok(MemoryId(row.get(0)?)))?.collect::<rusqlite::Result<_>>()?)
    }

    /// One memory.
    pub fn memory(&self, id: MemoryId) -> Result<Option<MemoryRow>> {
        let mut statement = self.db.prepare_cached(&format!("{SELECT} WHERE id = ?1"))?;
        Ok(statement.query_row([id.0], from_row).optional()?)
    }
}

impl Writer<'_> {
    /// Keeps a memory; one of a space has at least its label.
    pub fn add_memory(&self, new: &NewMemory) -> Result<MemoryId> {
        let sql =
            "INSERT INTO memory(space, text, learnt, label, state, created_ms, changed_ms, expires_ms, source_turn)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?6, ?7, ?8)";
        let label = match new.space {
            Some(space) => self.label_in(space, new.label, "")?.0,
            None => new.label,
        };
        self.db.prepare_cached(sql)?.execute((
            new.space.map(|space| space.0),
            &new.text,
            &new.learnt,
            label.word(),
            word(&new.state)?,
            new.now,
            new.expires_ms,
            new.source_turn.map(|turn| turn.0),
        ))?;
        Ok(MemoryId(self.db.last_insert_rowid()))
    }

    /// Changes how a memory stands.
    pub fn set_memory_state(&self, id: MemoryId, state: MemoryState, now: TimeMs) -> Result<()> {
        let sql = "UPDATE memory SET state = ?2, changed_ms = ?3 WHERE id = ?1";
        found(self.db.prepare_cached(sql)?.execute((id.0, word(&state)?, now))?, id)
    }

    /// Notes that a turn used a memory.
    pub fn touch_memory(&self, id: MemoryId, now: TimeMs) -> Result<()> {
        let sql = "UPDATE memory SET used = used + 1, last_used_ms = ?2 WHERE id = ?1";
        found(self.db.prepare_cached(sql)?.execute((id.0, now))?, id)
    }

    /// Deletes a memory for good.
    pub fn erase_memory(&self, id: MemoryId) -> Result<()> {
        self.note_purge();
        found(self.db.execute("DELETE FROM memory WHERE id = ?1", [id.0])?, id)
    }
}

fn found(changed: usize, id: MemoryId) -> Result<()> {
    if changed == 0 { Err(StoreError::NotFound { what: "memory", id: id.0 }) } else { Ok(()) }
}

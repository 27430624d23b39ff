//! Turns: one question with its answer, kept from the moment it is asked. The record inside is the kernel's own.

use crate::held::HeldRow;
use crate::table::citation::NewCitation;
use crate::word::{get_json, get_word, json, word};
use crate::{Reader, Result, StoreError, Writer};
use hearth_domain::{ConversationId, DocumentId, TimeMs, TurnId};
use rusqlite::{OptionalExtension, Row};
use serde::{Deserialize, Serialize};
use serde_json::Value;

pub(crate) const CREATE: &str = "
CREATE TABLE turn (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    conversation INTEGER NOT NULL REFERENCES conversation(id),
    position INTEGER NOT NULL,    -- within the conversation, from 0
    asked_ms INTEGER NOT NULL,
    question TEXT NOT NULL,
    attachments TEXT NOT NULL,    -- JSON: document ids
    state TEXT NOT NULL,
    answer TEXT NOT NULL DEFAULT '',
    record TEXT NOT NULL DEFAULT 'null',
    replaced_by INTEGER REFERENCES turn(id),
    finished_ms INTEGER
) STRICT;
CREATE UNIQUE INDEX turn_conversation ON turn(conversation, position);
CREATE INDEX turn_running ON turn(state) WHERE state = 'running';
";

/// How a turn stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum TurnState {
    /// It is being answered, or was when the program ended.
    Running,
    /// It has an answer.
    Answered,
    /// The documents do not say.
    Abstained,
    /// A rule forbids it.
    Refused,
    /// A person stopped it; what was written is kept.
    Stopped,
    /// It went wrong; what was written is kept.
    Failed,
}

/// One turn.
#[derive(Debug, Clone, PartialEq)]
pub struct TurnRow {
    /// Its id.
    pub id: TurnId,
    /// The conversation it is of.
    pub conversation: ConversationId,
    /// Where it comes in that, from 0.
    pub position: u32,
    /// When it was asked.
    pub asked_ms: TimeMs,
    /// What was asked.
    pub question: String,
    /// Documents brought in for it.
    pub attachments: Vec<DocumentId>,
    /// How it stands.
    pub state: TurnState,
    /// The answer, or what there is of it.
    pub answer: String,
    /// The kernel's own record of it; null until finished.
    pub record: Value,
    /// The turn that took its place.
    pub replaced_by: Option<TurnId>,
    /// When it ended.
    pub finished_ms: Option<TimeMs>,
}

const SELECT: &str =
    "SELECT id, conversation, position, asked_ms, question, attachments, state, answer, record, replaced_by,
    finished_ms FROM turn";

fn from_row(row: &Row) -> rusqlite::Result<TurnRow> {
    Ok(TurnRow {
        id: TurnId(row.get("id")?),
        conversation: ConversationId(row.get("conversation")?),
        position: row.get("position")?,
        asked_ms: row.get("asked_ms")?,
        question: row.get("question")?,
        attachments: get_json(row, "attachments")?,
        state: get_word(row, "state")?,
        answer: row.get("answer")?,
        record: get_json(row, "record")?,
        replaced_by: row.get::<_, Option<i64>>("replaced_by")?.map(TurnId),
        finished_ms: row.get("finished_ms")?,
    })
}

impl Reader<'_> {
    /// All turns of a conversation in order, replaced ones too.
    pub fn turns(&self, conversation: ConversationId) -> Result<Vec<TurnRow>> {
        let mut statement = self.db.prepare_cached(&format!("{SELECT} WHERE conversation = ?1 ORDER BY position"))?;
        Ok(statement.query_map([conversation.0], from_row)?.collect::<rusqlite::Result<_>>()?)
    }

    /// One turn.
    pub fn turn(&self, id: TurnId) -> Result<Option<TurnRow>> {
        let mut statement = self.db.prepare_cached(&format!("{SELECT} WHERE id = ?1"))?;
        Ok(statement.query_row([id.0], from_row).optional()?)
    }

    /// Turns that were never finished: at start, those that the last run of the program left behind.
    pub fn running_turns(&self) -> Result<Vec<TurnRow>> {
        let mut statement = self.db.prepare_cached(&format!("{SELECT} WHERE state = 'running' ORDER BY id"))?;
        Ok(statement.query_map([], from_row)?.collect::<rusqlite::Result<_>>()?)
    }
}

impl Writer<'_> {
    /// Keeps a question as a running turn at the end of its conversation.
    pub fn begin_turn(
        &self,
        conversation: ConversationId,
        question: &str,
        attachments: &[DocumentId],
        now: TimeMs,
    ) -> Result<TurnId> {
        let sql = "INSERT INTO turn(conversation, position, asked_ms, question, attachments, state) VALUES (?1,
            (SELECT coalesce(max(position) + 1, 0) FROM turn WHERE conversation = ?1), ?2, ?3, ?4, 'running')";
        self.db.prepare_cached(sql)?.execute((conversation.0, now, question, json(attachments)?))?;
        let id = TurnId(self.db.last_insert_rowid());
        self.touch_conversation(conversation.0, now)?;
        Ok(id)
    }

    /// Keeps what has been written so far of a running turn's answer.
    pub fn note_answer(&self, id: TurnId, answer: &str) -> Result<()> {
        let sql = "UPDATE turn SET answer = ?2 WHERE id = ?1 AND state = 'running'";
        found(self.db.prepare_cached(sql)?.execute((id.0, answer))?, id)
    }

    /// Keeps what a running turn has come to so far, besides its answer.
    pub fn note_record(&self, id: TurnId, record: &Value) -> Result<()> {
        let sql = "UPDATE turn SET record = ?2 WHERE id = ?1 AND state = 'running'";
        found(self.db.prepare_cached(sql)?.execute((id.0, json(record)?))?, id)
    }

    /// Ends a turn: its state, answer, record and citations, in place of any that it had.
    pub fn finish_turn(
        &self,
        id: TurnId,
        state: TurnState,
        answer: &str,
        record: &Value,
        citations: &[NewCitation],
        now: TimeMs,
    ) -> Result<()> {
        let sql = "UPDATE turn SET state = ?2, answer = ?3, record = ?4, finished_ms = ?5 WHERE id = ?1";
        found(self.db.prepare_cached(sql)?.execute((id.0, word(&state)?, answer, json(record)?, now))?, id)?;
        self.put_citations(id, citations)?;
        self.change(HeldRow::Turn(id));
        let conversation: i64 =
            self.db.query_row("SELECT conversation FROM turn WHERE id = ?1", [id.0], |r| r.get(0))?;
        self.touch_conversation(conversation, now)
    }

    /// Rewrites what is kept of a finished turn, for when a document it quoted is purged.
    pub fn rewrite_turn(&self, id: TurnId, answer: &str, record: &Value) -> Result<()> {
        let sql = "UPDATE turn SET answer = ?2, record = ?3 WHERE id = ?1";
        self.note_purge();
        self.change(HeldRow::Turn(id));
        found(self.db.prepare_cached(sql)?.execute((id.0, answer, json(record)?))?, id)
    }

    /// Notes that `new` took the place of `old` (regenerated, or the question was edited).
    pub fn replace_turn(&self, old: TurnId, new: TurnId) -> Result<()> {
        found(self.db.execute("UPDATE turn SET replaced_by = ?2 WHERE id = ?1", (old.0, new.0))?, old)
    }

    fn touch_conversation(&self, conversation: i64, now: TimeMs) -> Result<()> {
        let sql = "UPDATE conversation SET updated_ms = max(updated_ms, ?2) WHERE id = ?1";
        self.db.prepare_cached(sql)?.execute((conversation, now))?;
        Ok(())
    }
}

fn found(changed: usize, id: TurnId) -> Result<()> {
    if changed == 0 { Err(StoreError::NotFound { what: "turn", id: id.0 }) } else { Ok(()) }
}

//! Answers that a person was asked to look at: each turn at most once, with who is to, and what they answered.

use crate::word::{get_word, word};
use crate::{Reader, Result, StoreError, Writer};
use hearth_domain::{ConversationId, JobId, Label, SpaceId, TimeMs, TurnId};
use rusqlite::{OptionalExtension, Row};
use serde::{Deserialize, Serialize};

pub(crate) const CREATE: &str = "
CREATE TABLE review (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    turn INTEGER NOT NULL UNIQUE REFERENCES turn(id) ON DELETE CASCADE,
    space INTEGER NOT NULL REFERENCES space(id),
    state TEXT NOT NULL,
    asked_by_rule INTEGER NOT NULL,   -- 1 where nobody handed it over
    assigned TEXT,
    label TEXT NOT NULL,              -- of the turn: what an answer has at least
    opened_ms INTEGER NOT NULL,
    changed_ms INTEGER NOT NULL,
    answer TEXT,
    answered_by TEXT,
    job INTEGER                       -- reads the answer into the library
) STRICT;
CREATE INDEX review_space ON review(space, state);
";

/// How a review stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ReviewState {
    /// It waits for a person.
    Open,
    /// A person answered.
    Answered,
    /// A person let it go.
    Dismissed,
}

/// One review.
#[derive(Debug, Clone, PartialEq)]
pub struct ReviewRow {
    /// Its id.
    pub id: i64,
    /// The turn that it is about.
    pub turn: TurnId,
    /// The conversation of that.
    pub conversation: ConversationId,
    /// The space of that.
    pub space: SpaceId,
    /// How it stands.
    pub state: ReviewState,
    /// Whether a setting put it here and no person.
    pub asked_by_rule: bool,
    /// Who is to look at it.
    pub assigned: Option<String>,
    /// What an answer has at least.
    pub label: Label,
    /// When it was handed over.
    pub opened_ms: TimeMs,
    /// When it last changed.
    pub changed_ms: TimeMs,
    /// What a person answered; empty once its document is erased.
    pub answer: Option<String>,
    /// Who answered.
    pub answered_by: Option<String>,
    /// What reads the answer into the library.
    pub job: Option<JobId>,
}

const SELECT: &str = "SELECT r.id, r.turn, t.conversation, r.space, r.state, r.asked_by_rule, r.assigned, r.label,
    r.opened_ms, r.changed_ms, r.answer, r.answered_by, r.job FROM review r JOIN turn t ON t.id = r.turn";

fn from_row(row: &Row) -> rusqlite::Result<ReviewRow> {
    Ok(ReviewRow {
        id: row.get("id")?,
        turn: TurnId(row.get("turn")?),
        conversation: ConversationId(row.get("conversation")?),
        space: SpaceId(row.get("space")?),
        state: get_word(row, "state")?,
        asked_by_rule: row.get("asked_by_rule")?,
        assigned: row.get("assigned")?,
        label: get_word(row, "label")?,
        opened_ms: row.get("opened_ms")?,
        changed_ms: row.get("changed_ms")?,
        answer: row.get("answer")?,
        answered_by: row.get("answered_by")?,
        job: row.get::<_, Option<i64>>("job")?.map(JobId),
    })
}

impl Reader<'_> {
    /// Reviews of a space, those that wait first, then the latest; without `all` only those that wait.
    pub fn reviews(&self, space: SpaceId, all: bool) -> Result<Vec<ReviewRow>> {
        let sql = format!(
            "{SELECT} WHERE r.space = ?1 AND (?2 OR r.state = 'open') ORDER BY r.state <> 'open', r.opened_ms DESC, r.id DESC"
        );
        let mut statement = self.db.prepare_cached(&sql)?;
        Ok(statement.query_map((space.0, all), from_row)?.collect::<rusqlite::Result<_>>()?)
    }

    /// One review.
    pub fn review(&self, id: i64) -> Result<Option<ReviewRow>> {
        let mut statement = self.db.prepare_cached(&format!("{SELECT} WHERE r.id = ?1"))?;
        Ok(statement.query_row([id], from_row).optional()?)
    }

    /// The review of a turn.
    pub fn review_of(&self, turn: TurnId) -> Result<Option<ReviewRow>> {
        let mut statement = self.db.prepare_cached(&format!("{SELECT} WHERE r.turn = ?1"))?;
        Ok(statement.query_row([turn.0], from_row).optional()?)
    }
}

impl Writer<'_> {
    /// Hands a turn to a person; one that was let go waits again. Gives the review, and whether it did not wait before.
    pub fn open_review(
        &self,
        turn: TurnId,
        space: SpaceId,
        label: Label,
        by_rule: bool,
        now: TimeMs,
    ) -> Result<(i64, bool)> {
        if let Some(row) = self.review_of(turn)? {
            let again = row.state == ReviewState::Dismissed;
            if again {
                self.set_review_state(row.id, ReviewState::Open, now)?;
            }
            return Ok((row.id, again));
        }
        let sql = "INSERT INTO review(turn, space, state, asked_by_rule, label, opened_ms, changed_ms)
            VALUES (?1, ?2, 'open', ?3, ?4, ?5, ?5)";
        self.db.prepare_cached(sql)?.execute((turn.0, space.0, by_rule, label.word(), now))?;
        Ok((self.db.last_insert_rowid(), true))
    }

    /// Says who is to look at a review; nobody in particular with `None`.
    pub fn assign_review(&self, id: i64, to: Option<&str>, now: TimeMs) -> Result<()> {
        let sql = "UPDATE review SET assigned = ?2, changed_ms = ?3 WHERE id = ?1 AND state = 'open'";
        found(self.db.prepare_cached(sql)?.execute((id, to, now))?, id)
    }

    /// Lets a review go, or takes it up again. One that is answered stays so.
    pub fn set_review_state(&self, id: i64, state: ReviewState, now: TimeMs) -> Result<()> {
        let sql = "UPDATE review SET state = ?2, changed_ms = ?3 WHERE id = ?1 AND state <> 'answered'";
        found(self.db.prepare_cached(sql)?.execute((id, word(&state)?, now))?, id)
    }

    /// Keeps what a person answered, once.
    pub fn answer_review(&self, id: i64, answer: &str, by: &str, job: JobId, now: TimeMs) -> Result<()> {
        let sql = "UPDATE review SET state = 'answered', answer = ?2, answered_by = ?3, job = ?4, changed_ms = ?5
            WHERE id = ?1 AND state = 'open'";
        found(self.db.prepare_cached(sql)?.execute((id, answer, by, job.0, now))?, id)
    }
}

fn found(changed: usize, id: i64) -> Result<()> {
    if changed == 0 { Err(StoreError::NotFound { what: "review that waits", id }) } else { Ok(()) }
}

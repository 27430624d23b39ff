//! Models compared on the same questions: who was asked what, the two turns of each question, and what a person chose.
//! A choice is a version that never changes; the last one of a question holds.

use crate::word::{get_word, word};
use crate::{Reader, Result, StoreError, Writer};
use hearth_domain::{ConversationId, ModelId, SpaceId, TimeMs, TurnId};
use rusqlite::{OptionalExtension, Row};
use serde::{Deserialize, Serialize};

pub(crate) const CREATE: &str = "
CREATE TABLE contest (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    space INTEGER NOT NULL REFERENCES space(id),
    a TEXT NOT NULL,              -- model ids
    b TEXT NOT NULL,
    a_name TEXT NOT NULL,         -- as they were then
    b_name TEXT NOT NULL,
    a_sha256 TEXT,                -- of the weights
    b_sha256 TEXT,
    blind INTEGER NOT NULL,       -- whether names were hidden until a choice
    begun_ms INTEGER NOT NULL
) STRICT;
CREATE TABLE contest_question (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    contest INTEGER NOT NULL REFERENCES contest(id),
    position INTEGER NOT NULL,    -- within the contest, from 0
    question TEXT NOT NULL,
    swapped INTEGER NOT NULL,     -- whether b stands first
    turn_a INTEGER REFERENCES turn(id),
    turn_b INTEGER REFERENCES turn(id),
    UNIQUE (contest, position)
) STRICT;
CREATE TABLE contest_choice (
    question INTEGER NOT NULL REFERENCES contest_question(id),
    version INTEGER NOT NULL,     -- from 1 for each question; the last one holds
    choice TEXT NOT NULL,
    blind INTEGER NOT NULL,       -- whether the names were hidden when it was made
    chosen_ms INTEGER NOT NULL,
    PRIMARY KEY (question, version)
) STRICT;
CREATE TABLE contest_conversation (   -- asked for a comparison alone: in no list
    conversation INTEGER PRIMARY KEY REFERENCES conversation(id)
) STRICT;
";

/// Which answer a person chose.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Choice {
    /// That of the first model.
    A,
    /// That of the second.
    B,
    /// Neither is better.
    Equal,
}

/// What is to be compared.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewContest {
    /// The space that is asked.
    pub space: SpaceId,
    /// The two models: id, name, hash of the weights.
    pub models: [(ModelId, String, Option<String>); 2],
    /// Whether names are hidden until a choice.
    pub blind: bool,
    /// The questions in order, each with whether the second model's answer stands first.
    pub questions: Vec<(String, bool)>,
    /// When it began.
    pub begun_ms: TimeMs,
}

/// One comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContestRow {
    /// Its id.
    pub id: i64,
    /// The space that was asked.
    pub space: SpaceId,
    /// The two models: id, name, hash of the weights.
    pub models: [(ModelId, String, Option<String>); 2],
    /// Whether names are hidden until a choice.
    pub blind: bool,
    /// When it began.
    pub begun_ms: TimeMs,
}

/// One question of a comparison.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ContestQuestionRow {
    /// Its id.
    pub id: i64,
    /// The comparison that it is of.
    pub contest: i64,
    /// What was asked.
    pub question: String,
    /// Whether the second model's answer stands first.
    pub swapped: bool,
    /// The two turns, where they were asked.
    pub turns: [Option<TurnId>; 2],
    /// What was chosen last, and how often a choice was made.
    pub choice: Option<Choice>,
    /// Choices that were made.
    pub choices: u32,
}

const CONTEST: &str = "SELECT id, space, a, b, a_name, b_name, a_sha256, b_sha256, blind, begun_ms FROM contest";
const QUESTION: &str = "SELECT q.id, q.contest, q.question, q.swapped, q.turn_a, q.turn_b,
    (SELECT choice FROM contest_choice c WHERE c.question = q.id ORDER BY version DESC LIMIT 1) AS choice,
    (SELECT count(*) FROM contest_choice c WHERE c.question = q.id) AS choices FROM contest_question q";

fn contest(row: &Row) -> rusqlite::Result<ContestRow> {
    Ok(ContestRow {
        id: row.get("id")?,
        space: SpaceId(row.get("space")?),
        models: [
            (ModelId(row.get("a")?), row.get("a_name")?, row.get("a_sha256")?),
            (ModelId(row.get("b")?), row.get("b_name")?, row.get("b_sha256")?),
        ],
        blind: row.get("blind")?,
        begun_ms: row.get("begun_ms")?,
    })
}

fn question(row: &Row) -> rusqlite::Result<ContestQuestionRow> {
    let turn = |name: &str| row.get::<_, Option<i64>>(name).map(|id| id.map(TurnId));
    let chosen: Option<String> = row.get("choice")?;
    Ok(ContestQuestionRow {
        id: row.get("id")?,
        contest: row.get("contest")?,
        question: row.get("question")?,
        swapped: row.get("swapped")?,
        turns: [turn("turn_a")?, turn("turn_b")?],
        choice: if chosen.is_some() { Some(get_word(row, "choice")?) } else { None },
        choices: row.get("choices")?,
    })
}

impl Reader<'_> {
    /// All comparisons, newest first.
    pub fn contests(&self) -> Result<Vec<ContestRow>> {
        let mut statement = self.db.prepare_cached(&format!("{CONTEST} ORDER BY id DESC"))?;
        Ok(statement.query_map([], contest)?.collect::<rusqlite::Result<_>>()?)
    }

    /// One comparison.
    pub fn contest(&self, id: i64) -> Result<Option<ContestRow>> {
        let mut statement = self.db.prepare_cached(&format!("{CONTEST} WHERE id = ?1"))?;
        Ok(statement.query_row([id], contest).optional()?)
    }

    /// The questions of a comparison in order.
    pub fn contest_questions(&self, contest: i64) -> Result<Vec<ContestQuestionRow>> {
        let mut statement = self.db.prepare_cached(&format!("{QUESTION} WHERE q.contest = ?1 ORDER BY q.position"))?;
        Ok(statement.query_map([contest], question)?.collect::<rusqlite::Result<_>>()?)
    }

    /// One question of a comparison.
    pub fn contest_question(&self, id: i64) -> Result<Option<ContestQuestionRow>> {
        let mut statement = self.db.prepare_cached(&format!("{QUESTION} WHERE q.id = ?1"))?;
        Ok(statement.query_row([id], question).optional()?)
    }
}

impl Writer<'_> {
    /// Keeps a comparison with its questions, none of them asked yet.
    pub fn begin_contest(&self, new: &NewContest) -> Result<i64> {
        let [(a, a_name, a_sha256), (b, b_name, b_sha256)] = &new.models;
        let sql = "INSERT INTO contest(space, a, b, a_name, b_name, a_sha256, b_sha256, blind, begun_ms)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
        let values = (new.space.0, &a.0, &b.0, a_name, b_name, a_sha256, b_sha256, new.blind, new.begun_ms);
        self.db.prepare_cached(sql)?.execute(values)?;
        let id = self.db.last_insert_rowid();
        let sql = "INSERT INTO contest_question(contest, position, question, swapped) VALUES (?1, ?2, ?3, ?4)";
        for (position, (question, swapped)) in new.questions.iter().enumerate() {
            self.db.prepare_cached(sql)?.execute((id, position as i64, question, swapped))?;
        }
        Ok(id)
    }

    /// Notes the turn in which a question was asked of one of the models (0 or 1), and takes its conversation out of the
    /// lists.
    pub fn note_contest_turn(
        &self,
        question: i64,
        model: usize,
        turn: TurnId,
        conversation: ConversationId,
    ) -> Result<()> {
        let sql = match model {
            0 => "UPDATE contest_question SET turn_a = ?2 WHERE id = ?1",
            _ => "UPDATE contest_question SET turn_b = ?2 WHERE id = ?1",
        };
        if self.db.prepare_cached(sql)?.execute((question, turn.0))? == 0 {
            return Err(StoreError::NotFound { what: "question", id: question });
        }
        let sql = "INSERT OR IGNORE INTO contest_conversation(conversation) VALUES (?1)";
        self.db.prepare_cached(sql)?.execute([conversation.0])?;
        Ok(())
    }

    /// Keeps a person's choice as the next version of a question's; returns the version.
    pub fn choose_in_contest(&self, question: i64, choice: Choice, blind: bool, now: TimeMs) -> Result<u32> {
        let sql = "INSERT INTO contest_choice(question, version, choice, blind, chosen_ms)
            SELECT ?1, coalesce(max(version), 0) + 1, ?2, ?3, ?4 FROM contest_choice WHERE question = ?1
            RETURNING version";
        Ok(self.db.prepare_cached(sql)?.query_row((question, word(&choice)?, blind, now), |row| row.get(0))?)
    }
}

//! Traces: what each station of a turn did and how long it took.

use crate::held::HeldRow;
use crate::word::{get_json, json};
use crate::{Reader, Result, Writer};
use hearth_domain::{TimeMs, TurnId};
use rusqlite::Row;
use serde_json::Value;

pub(crate) const CREATE: &str = "
CREATE TABLE trace (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    turn INTEGER NOT NULL REFERENCES turn(id),
    station TEXT NOT NULL,
    started_ms REAL NOT NULL,
    duration_ms REAL NOT NULL,
    outcome TEXT NOT NULL,
    sentence TEXT NOT NULL,
    detail TEXT NOT NULL
) STRICT;
CREATE INDEX trace_turn ON trace(turn);
";

/// What one station did.
#[derive(Debug, Clone, PartialEq)]
pub struct TraceRow {
    /// Its name, such as `retrieve`.
    pub station: String,
    /// When it began, counted from the turn's start.
    pub started_ms: f64,
    /// How long it took.
    pub duration_ms: f64,
    /// How it ended, in one word.
    pub outcome: String,
    /// What it did, for people.
    pub sentence: String,
    /// Its figures.
    pub detail: Value,
}

fn from_row(row: &Row) -> rusqlite::Result<TraceRow> {
    Ok(TraceRow {
        station: row.get("station")?,
        started_ms: row.get("started_ms")?,
        duration_ms: row.get("duration_ms")?,
        outcome: row.get("outcome")?,
        sentence: row.get("sentence")?,
        detail: get_json(row, "detail")?,
    })
}

impl Reader<'_> {
    /// What the stations of a turn did, in order.
    pub fn trace(&self, turn: TurnId) -> Result<Vec<TraceRow>> {
        let sql =
            "SELECT station, started_ms, duration_ms, outcome, sentence, detail FROM trace WHERE turn = ?1 ORDER BY id";
        let mut statement = self.db.prepare_cached(sql)?;
        Ok(statement.query_map([turn.0], from_row)?.collect::<rusqlite::Result<_>>()?)
    }
}

impl Reader<'_> {
    /// Turns that ended before a time and of which more is kept than question and answer: a trace, or details of entries
    /// in the record.
    pub fn turns_to_sweep(&self, before_ms: TimeMs, limit: usize) -> Result<Vec<TurnId>> {
        let sql = "SELECT t.id FROM turn t WHERE t.finished_ms < ?1 AND (
                EXISTS (SELECT 1 FROM trace WHERE turn = t.id AND detail <> 'null')
                OR EXISTS (SELECT 1 FROM audit a JOIN audit_detail d ON d.seq = a.seq
                    WHERE a.subject = 'turn:' || t.id AND d.detail IS NOT NULL AND a.at_ms < ?1))
            ORDER BY t.id LIMIT ?2";
        let mut statement = self.db.prepare_cached(sql)?;
        let rows = statement.query_map((before_ms, limit as i64), |row| Ok(TurnId(row.get(0)?)))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }
}

impl Writer<'_> {
    /// Adds what stations of a turn did.
    pub fn add_trace(&self, turn: TurnId, rows: &[TraceRow]) -> Result<()> {
        let sql = "INSERT INTO trace(turn, station, started_ms, duration_ms, outcome, sentence, detail)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)";
        self.change(HeldRow::Turn(turn));
        let mut insert = self.db.prepare_cached(sql)?;
        for row in rows {
            insert.execute((
                turn.0,
                &row.station,
                row.started_ms,
                row.duration_ms,
                &row.outcome,
                &row.sentence,
                json(&row.detail)?,
            ))?;
        }
        Ok(())
    }

    /// Deletes a turn's trace, for when a document that it names is purged.
    pub fn erase_trace(&self, turn: TurnId) -> Result<()> {
        self.note_purge();
        self.change(HeldRow::Turn(turn));
        self.db.execute("DELETE FROM trace WHERE turn = ?1", [turn.0])?;
        Ok(())
    }
}

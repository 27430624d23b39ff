//! The law of this vault: versions of its rules, a person's grants, and every decision that was made. Versions and decisions
//! are only added; a grant can be withdrawn, which is written beside it.

use crate::word::{get_json, json};
use crate::{Reader, Result, StoreError, Writer};
use hearth_domain::{TimeMs, TurnId};
use rusqlite::{OptionalExtension, Row};
use serde_json::Value;

pub(crate) const CREATE: &str = "
CREATE TABLE law (
    version INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms INTEGER NOT NULL,
    mode TEXT NOT NULL,
    own TEXT NOT NULL             -- a person's rules, in Cedar
) STRICT;
CREATE TABLE leave (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms INTEGER NOT NULL,
    body TEXT NOT NULL,           -- JSON: what may be done, how far
    until_ms INTEGER NOT NULL,
    withdrawn_ms INTEGER
) STRICT;
CREATE TABLE decision (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms INTEGER NOT NULL,
    turn INTEGER,
    request TEXT NOT NULL,        -- JSON
    outcome TEXT NOT NULL,
    rule TEXT NOT NULL,           -- its name; what it says stands in the version
    law INTEGER NOT NULL          -- the version of the rules; 0 for those of the house alone
) STRICT;
CREATE INDEX decision_at ON decision(at_ms);
CREATE INDEX decision_turn ON decision(turn) WHERE turn IS NOT NULL;
";

/// One version of the rules.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LawRow {
    /// Its number, from 1.
    pub version: i64,
    /// Since when it holds.
    pub at_ms: TimeMs,
    /// The mode's word.
    pub mode: String,
    /// A person's rules, in Cedar.
    pub own: String,
}

/// A person's grant. What it says is the policy's business.
#[derive(Debug, Clone, PartialEq)]
pub struct LeaveRow {
    /// Its id.
    pub id: i64,
    /// When it was given.
    pub at_ms: TimeMs,
    /// What may be done, how far.
    pub body: Value,
    /// When it ends.
    pub until_ms: TimeMs,
    /// When it was withdrawn.
    pub withdrawn_ms: Option<TimeMs>,
}

/// One decision.
#[derive(Debug, Clone, PartialEq)]
pub struct DecisionRow {
    /// Its id.
    pub id: i64,
    /// When.
    pub at_ms: TimeMs,
    /// The turn it was made for.
    pub turn: Option<TurnId>,
    /// What was asked, as JSON.
    pub request: Value,
    /// allow, ask or deny.
    pub outcome: String,
    /// The name of the rule.
    pub rule: String,
    /// The version of the rules.
    pub law: i64,
}

/// A decision that was just made.
#[derive(Debug, Clone, PartialEq)]
pub struct NewDecision<'a> {
    /// When.
    pub at_ms: TimeMs,
    /// The turn it was made for.
    pub turn: Option<TurnId>,
    /// What was asked, as JSON.
    pub request: &'a Value,
    /// allow, ask or deny.
    pub outcome: &'a str,
    /// The name of the rule.
    pub rule: &'a str,
    /// The version of the rules.
    pub law: i64,
}

impl Reader<'_> {
    /// The rules that hold; none where nothing was ever changed.
    pub fn law(&self) -> Result<Option<LawRow>> {
        let sql = "SELECT version, at_ms, mode, own FROM law ORDER BY version DESC LIMIT 1";
        let read = |row: &Row| {
            Ok(LawRow {
                version: row.get("version")?,
                at_ms: row.get("at_ms")?,
                mode: row.get("mode")?,
                own: row.get("own")?,
            })
        };
        Ok(self.db.prepare_cached(sql)?.query_row([], read).optional()?)
    }

    /// Grants that hold at a time, oldest first.
    pub fn leaves(&self, now: TimeMs) -> Result<Vec<LeaveRow>> {
        let sql = "SELECT id, at_ms, body, until_ms, withdrawn_ms FROM leave
            WHERE until_ms > ?1 AND withdrawn_ms IS NULL ORDER BY id";
        let read = |row: &Row| {
            Ok(LeaveRow {
                id: row.get("id")?,
                at_ms: row.get("at_ms")?,
                body: get_json(row, "body")?,
                until_ms: row.get("until_ms")?,
                withdrawn_ms: row.get("withdrawn_ms")?,
            })
        };
        Ok(self.db.prepare_cached(sql)?.query_map([now], read)?.collect::<rusqlite::Result<_>>()?)
    }

    /// Decisions since a point in time, latest first.
    pub fn decisions(&self, since: TimeMs, limit: usize) -> Result<Vec<DecisionRow>> {
        let sql = "SELECT id, at_ms, turn, request, outcome, rule, law FROM decision
            WHERE at_ms >= ?1 ORDER BY id DESC LIMIT ?2";
        let mut statement = self.db.prepare_cached(sql)?;
        Ok(statement.query_map((since, limit as i64), decision)?.collect::<rusqlite::Result<_>>()?)
    }

    /// Decisions of a turn, in order.
    pub fn decisions_of(&self, turn: TurnId) -> Result<Vec<DecisionRow>> {
        let sql = "SELECT id, at_ms, turn, request, outcome, rule, law FROM decision WHERE turn = ?1 ORDER BY id";
        Ok(self.db.prepare_cached(sql)?.query_map([turn.0], decision)?.collect::<rusqlite::Result<_>>()?)
    }
}

impl Writer<'_> {
    /// Keeps rules as the next version, and names it.
    pub fn keep_law(&self, mode: &str, own: &str, now: TimeMs) -> Result<i64> {
        self.db.prepare_cached("INSERT INTO law(at_ms, mode, own) VALUES (?1, ?2, ?3)")?.execute((now, mode, own))?;
        Ok(self.db.last_insert_rowid())
    }

    /// Keeps a grant.
    pub fn add_leave(&self, body: &Value, until: TimeMs, now: TimeMs) -> Result<i64> {
        let sql = "INSERT INTO leave(at_ms, body, until_ms) VALUES (?1, ?2, ?3)";
        self.db.prepare_cached(sql)?.execute((now, json(body)?, until))?;
        Ok(self.db.last_insert_rowid())
    }

    /// Ends a grant before its time.
    ///
    /// # Errors
    /// [`StoreError::NotFound`] where none of this id holds.
    pub fn withdraw_leave(&self, id: i64, now: TimeMs) -> Result<()> {
        let sql = "UPDATE leave SET withdrawn_ms = ?2 WHERE id = ?1 AND withdrawn_ms IS NULL";
        let changed = self.db.prepare_cached(sql)?.execute((id, now))?;
        if changed == 0 { Err(StoreError::NotFound { what: "grant", id }) } else { Ok(()) }
    }

    /// Keeps a decision.
    pub fn add_decision(&self, new: &NewDecision<'_>) -> Result<()> {
        let sql = "INSERT INTO decision(at_ms, turn, request, outcome, rule, law) VALUES (?1, ?2, ?3, ?4, ?5, ?6)";
        let NewDecision { at_ms, turn, request, outcome, rule, law } = new;
        self.db.prepare_cached(sql)?.execute((at_ms, turn.map(|turn| turn.0), json(*request)?, outcome, rule, law))?;
        Ok(())
    }

    /// Takes out decisions from before a point in time, and says how many.
    pub fn drop_decisions(&self, before: TimeMs) -> Result<u64> {
        Ok(self.db.prepare_cached("DELETE FROM decision WHERE at_ms < ?1")?.execute([before])? as u64)
    }
}

fn decision(row: &Row) -> rusqlite::Result<DecisionRow> {
    Ok(DecisionRow {
        id: row.get("id")?,
        at_ms: row.get("at_ms")?,
        turn: row.get::<_, Option<i64>>("turn")?.map(TurnId),
        request: get_json(row, "request")?,
        outcome: row.get("outcome")?,
        rule: row.get("rule")?,
        law: row.get("law")?,
    })
}

//! The ledger: every attempt to send something out, also those that were refused.

use crate::held::HeldRow;
use crate::{Reader, Result, StoreError, Writer};
use hearth_domain::TimeMs;
use rusqlite::Row;

pub(crate) const CREATE: &str = "
CREATE TABLE ledger (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at_ms INTEGER NOT NULL,
    purpose TEXT NOT NULL,
    host TEXT NOT NULL,
    rule TEXT NOT NULL,
    outcome TEXT NOT NULL,
    bytes_out INTEGER NOT NULL,
    bytes_in INTEGER NOT NULL
) STRICT;
CREATE INDEX ledger_at ON ledger(at_ms);
";

/// Who wanted it, and how guarded the text is that it carried.
pub(crate) const WHO_AND_LABEL: &str = "
ALTER TABLE ledger ADD COLUMN who TEXT NOT NULL DEFAULT 'person';
ALTER TABLE ledger ADD COLUMN label TEXT NOT NULL DEFAULT '';   -- empty: it carried no text
";

/// One attempt to send something out.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LedgerRow {
    /// Its id.
    pub id: i64,
    /// When.
    pub at_ms: TimeMs,
    /// What for.
    pub purpose: String,
    /// Where to.
    pub host: String,
    /// Which rule allowed or refused it.
    pub rule: String,
    /// How it ended.
    pub outcome: String,
    /// Bytes sent.
    pub bytes_out: u64,
    /// Bytes received.
    pub bytes_in: u64,
    /// Who wanted it: `person` or `house`.
    pub who: String,
    /// How guarded the text is that it carried; empty where it carried none.
    pub label: String,
}

/// An attempt that is about to be made, or was refused.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewLedger {
    /// When.
    pub at_ms: TimeMs,
    /// What for.
    pub purpose: String,
    /// Where to.
    pub host: String,
    /// Which rule allowed or refused it.
    pub rule: String,
    /// How it stands, such as `open` or `refused`.
    pub outcome: String,
    /// Bytes sent so far.
    pub bytes_out: u64,
    /// Bytes received so far.
    pub bytes_in: u64,
    /// Who wants it: `person` or `house`.
    pub who: String,
    /// How guarded the text is that it carries; empty where it carries none.
    pub label: String,
}

/// Sums over the ledger.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LedgerTotals {
    /// Bytes sent.
    pub bytes_out: u64,
    /// Bytes received.
    pub bytes_in: u64,
    /// Attempts, refused ones too.
    pub attempts: u64,
}

fn from_row(row: &Row) -> rusqlite::Result<LedgerRow> {
    Ok(LedgerRow {
        id: row.get("id")?,
        at_ms: row.get("at_ms")?,
        purpose: row.get("purpose")?,
        host: row.get("host")?,
        rule: row.get("rule")?,
        outcome: row.get("outcome")?,
        bytes_out: row.get::<_, i64>("bytes_out")?.unsigned_abs(),
        bytes_in: row.get::<_, i64>("bytes_in")?.unsigned_abs(),
        who: row.get("who")?,
        label: row.get("label")?,
    })
}

impl Reader<'_> {
    /// Attempts before the one with id `before`, latest first.
    pub fn ledger(&self, before: Option<i64>, limit: usize) -> Result<Vec<LedgerRow>> {
        let sql = "SELECT id, at_ms, purpose, host, rule, outcome, bytes_out, bytes_in, who, label FROM ledger
            WHERE id < coalesce(?1, 9223372036854775807) ORDER BY id DESC LIMIT ?2";
        let mut statement = self.db.prepare_cached(sql)?;
        Ok(statement.query_map((before, limit as i64), from_row)?.collect::<rusqlite::Result<_>>()?)
    }

    /// Attempts of a time in order: from its start, before its end.
    pub fn ledger_between(&self, from_ms: TimeMs, until_ms: TimeMs) -> Result<Vec<LedgerRow>> {
        let sql = "SELECT id, at_ms, purpose, host, rule, outcome, bytes_out, bytes_in, who, label FROM ledger
            WHERE at_ms >= ?1 AND at_ms < ?2 ORDER BY id";
        let mut statement = self.db.prepare_cached(sql)?;
        Ok(statement.query_map((from_ms, until_ms), from_row)?.collect::<rusqlite::Result<_>>()?)
    }

    /// Sums since a point in time of what was to leave this machine: spans go to a collector on it.
    pub fn ledger_totals(&self, since_ms: TimeMs) -> Result<LedgerTotals> {
        let sql = "SELECT coalesce(sum(bytes_out), 0), coalesce(sum(bytes_in), 0), count(*) FROM ledger
                WHERE at_ms >= ?1 AND purpose <> 'spans'";
        Ok(self.db.prepare_cached(sql)?.query_row([since_ms], |row| {
            let whole = |index| row.get::<_, i64>(index).map(i64::unsigned_abs);
            Ok(LedgerTotals { bytes_out: whole(0)?, bytes_in: whole(1)?, attempts: whole(2)? })
        })?)
    }
}

impl Writer<'_> {
    /// Notes an attempt before it is made, or one that was refused.
    pub fn add_ledger(&self, new: &NewLedger) -> Result<i64> {
        let sql = "INSERT INTO ledger(at_ms, purpose, host, rule, outcome, bytes_out, bytes_in, who, label)
            VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
        self.db.prepare_cached(sql)?.execute((
            new.at_ms,
            &new.purpose,
            &new.host,
            &new.rule,
            &new.outcome,
            new.bytes_out as i64,
            new.bytes_in as i64,
            &new.who,
            &new.label,
        ))?;
        let id = self.db.last_insert_rowid();
        self.change(HeldRow::Connection(id));
        Ok(id)
    }

    /// Notes how an attempt ended and what went through.
    pub fn settle_ledger(&self, id: i64, outcome: &str, bytes_out: u64, bytes_in: u64) -> Result<()> {
        let sql = "UPDATE ledger SET outcome = ?2, bytes_out = ?3, bytes_in = ?4 WHERE id = ?1";
        let changed = self.db.prepare_cached(sql)?.execute((id, outcome, bytes_out as i64, bytes_in as i64))?;
        self.change(HeldRow::Connection(id));
        if changed == 0 { Err(StoreError::NotFound { what: "ledger row", id }) } else { Ok(()) }
    }
}

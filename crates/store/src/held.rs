//! Rows that stand beside the chain and that its entries hold: a turn with its citations and its trace, and a connection of
//! the ledger. Whatever changes such a row in a transaction, the entry written with it names the row and what it then
//! hashes to, under `holds` in its detail. The latest entry that names a row counts, so erasing and its entry go together.
//!
//! A row's hash is SHA-256 over `"hearth row 1\n"` and, of each record that belongs to it, a byte `1`, then for each column
//! one byte for its type (0 none, 1 whole number, 2 number, 3 text, 4 bytes), the length of its form as u64 and the form:
//! numbers as 8 bytes, text as UTF-8, all little-endian; a byte `0` ends each of its tables.

use crate::chain::{Broken, Flaw};
use crate::{Result, Writer};
use hearth_domain::{TimeMs, TurnId};
use rusqlite::types::ValueRef;
use rusqlite::{Connection, OptionalExtension};
use serde_json::{Map, Value};
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// Where an entry's detail names the rows that it holds.
const HOLDS: &str = "holds";

/// A row that entries hold.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum HeldRow {
    /// A question with its answer, citations and trace.
    Turn(TurnId),
    /// A row of the ledger.
    Connection(i64),
}

/// What is wrong with a row.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RowFlaw {
    /// It is not what the entry holds.
    Edited,
    /// It is not there.
    Missing,
    /// No entry holds it.
    Inserted,
}

/// The tables of a kind of row, each with what is read of it in order.
type Tables = &'static [&'static str];

const TURN: Tables = &[
    "SELECT id, conversation, position, asked_ms, question, attachments, state, answer, record, finished_ms FROM turn
        WHERE id = ?1",
    "SELECT number, document, version, page, start, end, quote FROM citation WHERE turn = ?1 ORDER BY number, id",
    "SELECT station, started_ms, duration_ms, outcome, sentence, detail FROM trace WHERE turn = ?1 ORDER BY id",
];
const CONNECTION: Tables =
    &["SELECT id, at_ms, purpose, host, rule, outcome, bytes_out, bytes_in, who, label FROM ledger WHERE id = ?1"];

impl HeldRow {
    fn tables(self) -> (Tables, i64) {
        match self {
            HeldRow::Turn(id) => (TURN, id.0),
            HeldRow::Connection(id) => (CONNECTION, id),
        }
    }

    fn name(self) -> String {
        match self {
            HeldRow::Turn(id) => format!("turn:{id}"),
            HeldRow::Connection(id) => format!("connection:{id}"),
        }
    }

    fn named(name: &str) -> Option<Self> {
        let (kind, id) = name.split_once(':')?;
        let id = id.parse().ok()?;
        match kind {
            "turn" => Some(HeldRow::Turn(TurnId(id))),
            "connection" => Some(HeldRow::Connection(id)),
            _ => None,
        }
    }

    /// What it hashes to now; none where it is not there.
    fn hash(self, db: &Connection) -> Result<Option<[u8; 32]>> {
        let (tables, id) = self.tables();
        let mut form = Sha256::new_with_prefix(b"hearth row 1\n");
        for (at, sql) in tables.iter().enumerate() {
            let mut statement = db.prepare_cached(sql)?;
            let columns = statement.column_count();
            let mut rows = statement.query([id])?;
            let mut any = false;
            while let Some(row) = rows.next()? {
                any = true;
                form.update([1]);
                for column in 0..columns {
                    update(&mut form, row.get_ref(column)?);
                }
            }
            if at == 0 && !any {
                return Ok(None);
            }
            form.update([0]);
        }
        Ok(Some(form.finalize().into()))
    }
}

fn update(form: &mut Sha256, value: ValueRef<'_>) {
    let mut put = |kind: u8, bytes: &[u8]| {
        form.update([kind]);
        form.update((bytes.len() as u64).to_le_bytes());
        form.update(bytes);
    };
    match value {
        ValueRef::Null => put(0, &[]),
        ValueRef::Integer(number) => put(1, &number.to_le_bytes()),
        ValueRef::Real(number) => put(2, &number.to_le_bytes()),
        ValueRef::Text(text) => put(3, text),
        ValueRef::Blob(bytes) => put(4, bytes),
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

impl Writer<'_> {
    /// The detail of an entry with the rows that this transaction changed since the last one.
    pub(crate) fn holding(&self, detail: &Value) -> Result<Value> {
        let changed = self.take_changed();
        if changed.is_empty() {
            return Ok(detail.clone());
        }
        let mut holds = Map::new();
        for row in changed {
            // Of a row that is gone the entry says so.
            let hash = row.hash(self.db)?.map_or(Value::Null, |hash| hex(&hash).into());
            holds.insert(row.name(), hash);
        }
        let mut fields = match detail {
            Value::Object(fields) => fields.clone(),
            Value::Null => Map::new(),
            other => [("value".to_owned(), other.clone())].into_iter().collect(),
        };
        fields.insert(HOLDS.to_owned(), holds.into());
        Ok(fields.into())
    }
}

/// Which entry holds a row, and what it says of it.
struct Held {
    seq: u64,
    at_ms: TimeMs,
    hash: Option<String>,
}

/// Compares every row that an entry holds with what is there, and looks for rows that none holds. Rows from before the
/// first that was ever held are left alone: programs of then held none.
pub(crate) fn flaws(db: &Connection) -> Result<Vec<Broken>> {
    let mut held: BTreeMap<HeldRow, Held> = BTreeMap::new();
    let sql = "SELECT a.seq, a.at_ms, d.detail FROM audit a JOIN audit_detail d ON d.seq = a.seq
        WHERE instr(d.detail, '\"holds\":') > 0 ORDER BY a.seq";
    let mut statement = db.prepare(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (seq, at_ms, detail): (i64, TimeMs, String) = (row.get(0)?, row.get(1)?, row.get(2)?);
        let detail: Value = serde_json::from_str(&detail).unwrap_or_default();
        for (name, hash) in detail.get(HOLDS).and_then(Value::as_object).into_iter().flatten() {
            if let Some(row) = HeldRow::named(name) {
                let hash = hash.as_str().map(str::to_owned);
                held.insert(row, Held { seq: seq.unsigned_abs(), at_ms, hash });
            }
        }
    }
    let mut found = Vec::new();
    for (row, by) in &held {
        let now = row.hash(db)?.map(|hash| hex(&hash));
        let why = match (&by.hash, now) {
            (said, now) if *said == now => continue,
            (Some(_), None) => RowFlaw::Missing,
            (Some(_), Some(_)) => RowFlaw::Edited,
            (None, _) => RowFlaw::Inserted,
        };
        found.push(Broken { seq: by.seq, last: by.seq, at_ms: Some(by.at_ms), why: Flaw::Row(*row, why) });
    }
    let last =
        db.query_row("SELECT entries FROM audit_head WHERE id = 1", [], |row| row.get::<_, i64>(0)).optional()?;
    let last = last.unwrap_or(0).unsigned_abs();
    let mut stray = |sql: &str, of: &dyn Fn(i64) -> HeldRow, first: Option<i64>| -> Result<()> {
        let Some(first) = first else { return Ok(()) };
        let mut statement = db.prepare(sql)?;
        for id in statement.query_map([first], |row| row.get::<_, i64>(0))? {
            let row = of(id?);
            if !held.contains_key(&row) {
                let why = Flaw::Row(row, RowFlaw::Inserted);
                found.push(Broken { seq: last, last, at_ms: None, why });
            }
        }
        Ok(())
    };
    let first = |of: &dyn Fn(&HeldRow) -> Option<i64>| held.keys().filter_map(of).min();
    let (turn, connection) = (
        first(&|row| if let HeldRow::Turn(id) = row { Some(id.0) } else { None }),
        first(&|row| if let HeldRow::Connection(id) = row { Some(*id) } else { None }),
    );
    let turns = "SELECT id FROM turn WHERE id > ?1 AND state <> 'running' ORDER BY id";
    stray(turns, &|id| HeldRow::Turn(TurnId(id)), turn)?;
    stray("SELECT id FROM ledger WHERE id > ?1 ORDER BY id", &HeldRow::Connection, connection)?;
    Ok(found)
}

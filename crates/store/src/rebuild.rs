//! Repairs a damaged file: copies every row that can still be read into a new file, makes full text again from the
//! passages, and puts the new file in the old one's place in one step. What cannot be read is counted, never invented.

use crate::connection::{self, Use};
use crate::resident;
use crate::store::{Inner, Store};
use crate::table::vector::checksum;
use crate::{PassageRow, Reader, Result, StoreError, migrate};
use hearth_domain::PassageId;
use rusqlite::{Connection, OptionalExtension};
use std::fs;
use std::path::Path;

/// What rebuilding did.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Rebuilt {
    /// Passages that have full text again.
    pub passages: u64,
    /// Passages whose embedding was lost: to be embedded again with [`crate::Writer::put_embedding`].
    pub without_vector: Vec<PassageId>,
    /// Rows of each table that could not be read or had lost what they belong to.
    pub lost: Vec<(String, u64)>,
}

/// Tables with row ids, parents before children. Full text is made again, and the two without row ids are copied whole.
const TABLES: [&str; 37] = [
    "space",
    "blob",
    "document",
    "version",
    "page",
    "passage",
    "vector",
    "inside",
    "sketch",
    "sketch_key",
    "alike",
    "conversation",
    "turn",
    "citation",
    "reading",
    "contest",
    "contest_question",
    "contest_choice",
    "contest_conversation",
    "trace",
    "job",
    "review",
    "watched_folder",
    "watched_file",
    "memory",
    "recipe",
    "law",
    "organization",
    "leave",
    "decision",
    "ledger",
    "spend",
    "sealed",
    "audit",
    "audit_detail",
    "audit_head",
    "audit_mark",
];
const WHOLE: [&str; 2] = ["meta", "setting"];

/// Passages whose terms are made at a time.
const BATCH: usize = 256;

impl Store {
    /// Rebuilds the file from what can be read. `terms` gives a passage's terms as [`crate::IndexedPassage::terms`].
    ///
    /// Waits until no read is at work, and holds up everybody else. The damaged file is kept as `hearth.db.damaged`.
    /// An interruption leaves the old file or the new one.
    pub fn rebuild_index(&self, terms: &dyn Fn(&PassageRow) -> String) -> Result<Rebuilt> {
        let inner = &*self.inner;
        let fresh_path = inner.folder.join("hearth.db.rebuilding");
        for suffix in ["", "-wal", "-shm"] {
            remove(&inner.folder.join(format!("hearth.db.rebuilding{suffix}")))?;
        }
        inner.exclusively(|writer| {
            let mut resident = resident::lock_write(&inner.resident);
            resident.unload();
            // The last connection to close writes the log back into the file.
            *writer = Connection::open_in_memory()?;
            let rebuilt = into(inner, &fresh_path, terms);
            *writer = connection::open(&inner.path, &inner.key, Use::Write, false)?;
            rebuilt
        })
    }
}

/// Makes the new file and puts it in the old one's place. No connection to the old one is open before or after.
fn into(inner: &Inner, fresh_path: &Path, terms: &dyn Fn(&PassageRow) -> String) -> Result<Rebuilt> {
    let mut fresh = connection::open(fresh_path, &inner.key, Use::Write, true)?;
    migrate::migrate(&mut fresh, migrate::MIGRATIONS)?;
    let rebuilt = copy(&mut Old { inner, db: None }, &mut fresh, terms)?;
    fresh.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |_| Ok(()))?;
    close(fresh)?;
    // Nothing of the old file may be left in a log that the new one would take for its own.
    let old = connection::open(&inner.path, &inner.key, Use::Write, false)?;
    let busy: i64 = old.query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))?;
    if busy != 0 {
        return Err(StoreError::Damaged { what: "the log cannot be written back".into() });
    }
    close(old)?;
    let damaged = inner.folder.join("hearth.db.damaged");
    remove(&damaged)?;
    fs::hard_link(&inner.path, &damaged).or_else(|_| fs::copy(&inner.path, &damaged).map(drop))?;
    fs::rename(fresh_path, &inner.path)?;
    Ok(rebuilt)
}

/// The damaged file. A connection that met a damaged page refuses every page from then on, so each one is given up there.
struct Old<'a> {
    inner: &'a Inner,
    db: Option<Connection>,
}

impl Old<'_> {
    fn read<T>(&mut self, f: impl FnOnce(&Connection) -> Result<T>) -> Result<T> {
        let db = match self.db.take() {
            Some(db) => db,
            None => connection::open(&self.inner.path, &self.inner.key, Use::ReadOnce, false)?,
        };
        let value = f(&db);
        if !matches!(value, Err(StoreError::Damaged { .. })) {
            self.db = Some(db);
        }
        value
    }
}

fn remove(path: &Path) -> std::io::Result<()> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != std::io::ErrorKind::NotFound => Err(error),
        _ => Ok(()),
    }
}

fn close(db: Connection) -> Result<()> {
    db.close().map_err(|(_, error)| error.into())
}

/// Copies everything readable in one transaction and makes full text again.
fn copy(old: &mut Old, fresh: &mut Connection, terms: &dyn Fn(&PassageRow) -> String) -> Result<Rebuilt> {
    let mut rebuilt = Rebuilt::default();
    fresh.execute_batch("PRAGMA foreign_keys = OFF; DROP TRIGGER audit_in_order;")?;
    let transaction = fresh.transaction()?;
    for table in WHOLE {
        transaction.execute(&format!("DELETE FROM {table}"), [])?;
        old.read(|old| transfer(old, &transaction, table, "1"))?;
    }
    for table in TABLES {
        let lost = transfer_by_row(old, &transaction, table)?;
        if lost > 0 {
            rebuilt.lost.push((table.to_owned(), lost));
        }
    }
    keep_sequences(old, &transaction)?;
    for (table, lost) in drop_orphans(&transaction)? {
        rebuilt.lost.push((table, lost));
    }
    transaction.execute("DELETE FROM passage_terms", [])?;
    let reader = Reader { db: &transaction, inner: None };
    let sql = "INSERT INTO passage_terms(rowid, place, terms) VALUES (?1, ?2, ?3)";
    let mut after = 0;
    loop {
        let passages = reader.passages_after(after, BATCH)?;
        let Some(last) = passages.last() else { break };
        after = last.id.0;
        for passage in &passages {
            let (place, terms) = crate::table::fulltext::row(passage.space, passage.document, &terms(passage));
            transaction.prepare_cached(sql)?.execute((passage.id.0, place, terms))?;
            rebuilt.passages += 1;
        }
    }
    crate::table::vocabulary::refill(&transaction)?;
    rebuilt.without_vector = without_vector(&transaction)?;
    transaction.commit()?;
    fresh.execute_batch(&format!("PRAGMA foreign_keys = ON; {}", crate::table::audit::IN_ORDER))?;
    Ok(rebuilt)
}

/// Copies the rows of a table that `condition` selects.
fn transfer(old: &Connection, fresh: &Connection, table: &str, condition: &str) -> Result<()> {
    let mut select = old.prepare(&format!("SELECT * FROM {table} WHERE {condition}"))?;
    let columns = select.column_count();
    let marks = vec!["?"; columns].join(",");
    let mut insert = fresh.prepare_cached(&format!("INSERT INTO {table} VALUES ({marks})"))?;
    let mut rows = select.query([])?;
    while let Some(row) = rows.next()? {
        let values: Vec<rusqlite::types::Value> = (0..columns).map(|c| row.get(c)).collect::<rusqlite::Result<_>>()?;
        insert.execute(rusqlite::params_from_iter(values))?;
    }
    Ok(())
}

/// Copies a table in halves of its range of row ids, down to single rows where something cannot be read. Says how many
/// row ids within the range of known rows gave an error.
fn transfer_by_row(old: &mut Old, fresh: &Connection, table: &str) -> Result<u64> {
    let Some((first, last)) = bounds(old, table)? else { return Ok(0) };
    let (mut lost, mut ranges) = (0, vec![(first, last)]);
    while let Some((from, to)) = ranges.pop() {
        fresh.execute_batch("SAVEPOINT part")?;
        let copied = old.read(|old| transfer(old, fresh, table, &format!("rowid BETWEEN {from} AND {to}")));
        fresh.execute_batch(if copied.is_ok() { "RELEASE part" } else { "ROLLBACK TO part; RELEASE part" })?;
        match copied {
            Ok(()) => {}
            Err(StoreError::Damaged { .. }) if from >= to => lost += 1,
            Err(StoreError::Damaged { .. }) => {
                let middle = from + (to - from) / 2;
                ranges.push((middle + 1, to));
                ranges.push((from, middle));
            }
            Err(error) => return Err(error),
        }
    }
    Ok(lost)
}

/// The lowest and highest row id of a table; where its ends cannot be read, 1 and the highest id ever given out.
fn bounds(old: &mut Old, table: &str) -> Result<Option<(i64, i64)>> {
    let mut end = |order: &str| {
        let sql = format!("SELECT rowid FROM {table} ORDER BY rowid {order} LIMIT 1");
        match old.read(|old| Ok(old.query_row(&sql, [], |row| row.get::<_, i64>(0)).optional()?)) {
            Err(StoreError::Damaged { .. }) => Ok(Err(())),
            other => other.map(Ok),
        }
    };
    let (first, last) = (end("ASC")?, end("DESC")?);
    let last = match last {
        Ok(last) => last,
        Err(()) => {
            let (sql, name) = match table {
                "audit" | "audit_detail" | "audit_head" | "audit_mark" => {
                    ("SELECT entries FROM audit_head WHERE ?1 = ?1", table)
                }
                "vector" => ("SELECT seq FROM sqlite_sequence WHERE name = ?1", "passage"),
                other => ("SELECT seq FROM sqlite_sequence WHERE name = ?1", other),
            };
            let highest = old.read(|old| Ok(old.query_row(sql, [name], |row| row.get::<_, i64>(0)).optional()?));
            match highest {
                Err(StoreError::Damaged { .. }) => None,
                other => other?,
            }
        }
    };
    Ok(last.map(|last| (first.ok().flatten().unwrap_or(1), last)))
}

/// Takes over the highest id that each table ever gave out. Where that cannot be read, the highest one copied stands.
fn keep_sequences(old: &mut Old, fresh: &Connection) -> Result<()> {
    let read = |old: &Connection| -> Result<Vec<(String, i64)>> {
        let mut statement = old.prepare("SELECT name, seq FROM sqlite_sequence")?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    };
    for (name, seq) in old.read(read).or_else(|error| match error {
        StoreError::Damaged { .. } => Ok(Vec::new()),
        other => Err(other),
    })? {
        fresh.execute("DELETE FROM sqlite_sequence WHERE name = ?1", [&name])?;
        fresh.execute("INSERT INTO sqlite_sequence(name, seq) VALUES (?1, ?2)", (&name, seq))?;
    }
    Ok(())
}

/// Deletes rows whose parents were lost, until there are none. The record is left as it is: `verify_audit` locates gaps.
fn drop_orphans(db: &Connection) -> Result<Vec<(String, u64)>> {
    let mut dropped: Vec<(String, u64)> = Vec::new();
    loop {
        let sql = "SELECT DISTINCT \"table\", rowid FROM pragma_foreign_key_check WHERE \"table\" NOT LIKE 'audit%'";
        let mut statement = db.prepare(sql)?;
        let orphans: Vec<(String, i64)> =
            statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?.collect::<rusqlite::Result<_>>()?;
        if orphans.is_empty() {
            return Ok(dropped);
        }
        for (table, row) in orphans {
            db.execute(&format!("DELETE FROM {table} WHERE rowid = ?1"), [row])?;
            match dropped.iter_mut().find(|(name, _)| *name == table) {
                Some((_, count)) => *count += 1,
                None => dropped.push((table, 1)),
            }
        }
    }
}

/// Deletes vectors whose checksum is wrong, and names the passages that have none.
fn without_vector(db: &Connection) -> Result<Vec<PassageId>> {
    let mut wrong = Vec::new();
    let mut statement = db.prepare("SELECT passage, numbers, checksum FROM vector")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let passage = PassageId(row.get(0)?);
        if row.get::<_, i64>(2)? != checksum(passage, &row.get::<_, Vec<u8>>(1)?) {
            wrong.push(passage.0);
        }
    }
    drop(rows);
    for passage in wrong {
        db.execute("DELETE FROM vector WHERE passage = ?1", [passage])?;
    }
    let mut statement =
        db.prepare("SELECT id FROM passage WHERE id NOT IN (SELECT passage FROM vector) ORDER BY id")?;
    Ok(statement.query_map([], |row| Ok(PassageId(row.get(0)?)))?.collect::<rusqlite::Result<_>>()?)
}

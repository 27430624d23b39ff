//! Looks for damage: pages that are not what was written, indexes that disagree, rows whose checksum is wrong. It only
//! reads; `rebuild.rs` repairs.

use crate::chain::Broken;
use crate::connection::Use;
use crate::store::Inner;
use crate::table::vector::checksum;
use crate::{Result, Store, StoreError};
use hearth_domain::{BlobHash, PassageId};
use rusqlite::Connection;
use sha2::{Digest, Sha256};

/// Something that is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Finding {
    /// The database's own check of its pages says so.
    Page(String),
    /// Some rows of a table cannot be read.
    Unreadable {
        /// Its name.
        table: String,
        /// Whether it can be made again from what is kept.
        derived: bool,
    },
    /// Full text and passages disagree.
    FullText {
        /// Passages without full text.
        missing: u64,
        /// Full text without a passage.
        left_over: u64,
    },
    /// A passage's embedding is missing or not what was written.
    Vector(PassageId),
    /// An embedding without a passage.
    LeftOverVector(PassageId),
    /// Original bytes that do not have their hash.
    Blob(BlobHash),
    /// The record is not as it was written.
    Audit(Broken),
}

/// Tables that can be made again from passages.
const DERIVED: [&str; 3] = ["passage_terms", "vector", "vocabulary"];

impl Store {
    /// Checks everything that is kept; an empty list means that all is well. Reads the whole file, so it takes seconds in
    /// a large library.
    pub fn check(&self) -> Result<Vec<Finding>> {
        // A connection without cached pages: what counts is what is on the disk.
        let lease = self.inner.lease_once(Use::ReadOnce)?;
        let snapshot = lease.unchecked_transaction()?;
        let mut findings = pages(&snapshot)?;
        if findings.is_empty() {
            findings.extend(full_text(&snapshot)?);
            findings.extend(vectors(&snapshot)?);
            findings.extend(blobs(&snapshot)?);
        } else {
            findings.extend(tables(&self.inner)?);
        }
        drop(snapshot);
        drop(lease);
        match self.verify_audit() {
            Ok(check) => findings.extend(check.broken.map(Finding::Audit)),
            Err(StoreError::Damaged { .. }) => {} // named above, as tables that cannot be read
            Err(error) => return Err(error),
        }
        Ok(findings)
    }
}

/// The database's own checks: every page against its authentication code, then the structure.
fn pages(db: &Connection) -> Result<Vec<Finding>> {
    let messages = |pragma: &str| -> Result<Vec<String>> {
        let mut statement = db.prepare(pragma)?;
        let rows = statement.query_map([], |row| row.get::<_, String>(0))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    };
    let mut found = messages("PRAGMA cipher_integrity_check")?;
    if found.is_empty() {
        found = match messages("PRAGMA quick_check") {
            Ok(said) => said.into_iter().filter(|message| message != "ok").collect(),
            Err(StoreError::Damaged { what }) => vec![what],
            Err(error) => return Err(error),
        };
    }
    Ok(found.into_iter().map(Finding::Page).collect())
}

/// Which tables have rows that cannot be read.
fn tables(inner: &Inner) -> Result<Vec<Finding>> {
    let mut db = inner.lease_once(Use::ReadOnce)?;
    let names: Vec<String> = {
        let sql = "SELECT name FROM sqlite_schema WHERE type = 'table' AND sql NOT LIKE 'CREATE VIRTUAL%'";
        let mut statement = db.prepare(sql)?;
        let names = statement.query_map([], |row| row.get(0))?;
        names.collect::<rusqlite::Result<_>>()?
    };
    let mut found: Vec<Finding> = Vec::new();
    for name in names {
        if matches!(read_all(&db, &name), Err(StoreError::Damaged { .. })) {
            // A connection that met a damaged page refuses every page from then on.
            db = inner.lease_once(Use::ReadOnce)?;
            let derived = DERIVED.iter().find(|derived| name.starts_with(*derived));
            let table = derived.map_or(name.as_str(), |derived| derived).to_owned();
            let finding = Finding::Unreadable { table, derived: derived.is_some() };
            if !found.contains(&finding) {
                found.push(finding);
            }
        }
    }
    Ok(found)
}

/// Reads every row of a table to its last column.
fn read_all(db: &Connection, table: &str) -> Result<()> {
    let mut statement = db.prepare(&format!("SELECT * FROM \"{table}\""))?;
    let last = statement.column_count().saturating_sub(1);
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        row.get_ref(last)?;
    }
    Ok(())
}

fn full_text(db: &Connection) -> Result<Option<Finding>> {
    let count = |sql: &str| db.query_row(sql, [], |row| row.get::<_, i64>(0)).map(i64::unsigned_abs);
    let missing = count("SELECT count(*) FROM passage WHERE id NOT IN (SELECT id FROM passage_terms_docsize)")?;
    let left_over = count("SELECT count(*) FROM passage_terms_docsize WHERE id NOT IN (SELECT id FROM passage)")?;
    Ok((missing + left_over > 0).then_some(Finding::FullText { missing, left_over }))
}

fn vectors(db: &Connection) -> Result<Vec<Finding>> {
    let sql = "SELECT p.id, v.numbers, v.checksum FROM passage p LEFT JOIN vector v ON v.passage = p.id ORDER BY p.id";
    let mut found = Vec::new();
    let mut statement = db.prepare(sql)?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let passage = PassageId(row.get(0)?);
        let sound = match row.get_ref(1)?.as_blob_or_null() {
            Ok(Some(numbers)) => row.get::<_, i64>(2)? == checksum(passage, numbers),
            Ok(None) | Err(_) => false,
        };
        if !sound {
            found.push(Finding::Vector(passage));
        }
    }
    let sql = "SELECT passage FROM vector WHERE passage NOT IN (SELECT id FROM passage)";
    let mut statement = db.prepare(sql)?;
    let left_over = statement.query_map([], |row| Ok(Finding::LeftOverVector(PassageId(row.get(0)?))))?;
    for finding in left_over {
        found.push(finding?);
    }
    Ok(found)
}

fn blobs(db: &Connection) -> Result<Vec<Finding>> {
    let mut found = Vec::new();
    let mut current: Option<(Vec<u8>, Sha256)> = None;
    let mut settle = |done: Option<(Vec<u8>, Sha256)>| {
        if let Some((hash, hasher)) = done
            && hasher.finalize().as_slice() != hash.as_slice()
        {
            found.push(Finding::Blob(BlobHash(hash.try_into().unwrap_or([0; 32]))));
        }
    };
    let mut statement = db.prepare("SELECT hash, bytes FROM blob ORDER BY hash, chunk")?;
    let mut rows = statement.query([])?;
    while let Some(row) = rows.next()? {
        let (Ok(hash), Ok(bytes)) = (row.get_ref(0)?.as_blob(), row.get_ref(1)?.as_blob()) else { continue };
        if current.as_ref().is_none_or(|(open, _)| open.as_slice() != hash) {
            settle(current.replace((hash.to_vec(), Sha256::new())));
        }
        if let Some((_, hasher)) = &mut current {
            hasher.update(bytes);
        }
    }
    settle(current);
    Ok(found)
}

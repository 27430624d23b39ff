//! Signed heads that are kept as the record grows: where a later stretch was written anew, they show which part before it
//! still stands as it was signed.

use crate::chain::{self, mark_message};
use crate::word::get_hash;
use crate::{Result, Writer};
use ed25519_dalek::VerifyingKey;
use rusqlite::Connection;
use std::collections::BTreeMap;

pub(crate) const CREATE: &str = "
CREATE TABLE audit_mark (
    seq INTEGER PRIMARY KEY,      -- the entry at whose end it was signed
    hash BLOB NOT NULL,
    signature BLOB NOT NULL       -- Ed25519
) STRICT;
CREATE TRIGGER audit_mark_no_update BEFORE UPDATE ON audit_mark
    BEGIN SELECT RAISE(ABORT, 'the record is append-only'); END;
CREATE TRIGGER audit_mark_no_delete BEFORE DELETE ON audit_mark
    BEGIN SELECT RAISE(ABORT, 'the record is append-only'); END;
";

/// How many entries lie between two of them.
pub(crate) const EVERY: u64 = 64;

/// Kept heads, and the numbers of those whose signature is not the vault's.
#[derive(Debug, Default)]
pub(crate) struct Marks {
    pub(crate) signed: BTreeMap<u64, [u8; 32]>,
    pub(crate) forged: Vec<u64>,
}

/// Reads all kept heads and checks their signatures.
pub(crate) fn marks(db: &Connection, key: &VerifyingKey) -> Result<Marks> {
    let mut statement = db.prepare_cached("SELECT seq, hash, signature FROM audit_mark ORDER BY seq")?;
    let mut rows = statement.query([])?;
    let mut marks = Marks::default();
    while let Some(row) = rows.next()? {
        let seq = row.get::<_, i64>("seq")?.unsigned_abs();
        let signature: Vec<u8> = row.get("signature")?;
        match get_hash(row, "hash") {
            Ok(hash) if chain::signed(key, &mark_message(seq, &hash), &signature) => {
                marks.signed.insert(seq, hash);
            }
            _ => marks.forged.push(seq),
        }
    }
    Ok(marks)
}

impl Writer<'_> {
    /// Keeps the head that was just signed, where its turn has come.
    pub(crate) fn mark_head(&self, seq: u64, hash: &[u8; 32]) -> Result<()> {
        if seq.is_multiple_of(EVERY) {
            let signature = chain::sign(self.signing, &mark_message(seq, hash));
            let sql = "INSERT OR IGNORE INTO audit_mark(seq, hash, signature) VALUES (?1, ?2, ?3)";
            self.db.prepare_cached(sql)?.execute((seq as i64, hash, signature))?;
        }
        Ok(())
    }
}

//! The words of the full-text index, for words that are spelled otherwise than any of them. FTS5 tells its terms too, but
//! reads all places of every term on the way, which takes seconds in a large library.
//!
//! A word stays until something is purged, though no passage may have it any more: whoever takes one asks
//! [`Reader::knows_term`].

use super::fulltext::clean;
use crate::{Reader, Result, Writer};
use rusqlite::Connection;
use std::collections::BTreeSet;

pub(crate) const CREATE: &str = "CREATE TABLE vocabulary(term TEXT NOT NULL PRIMARY KEY) STRICT, WITHOUT ROWID;";

/// What FTS5 tells of its terms.
pub(crate) const OF_INDEX: &str = "CREATE VIRTUAL TABLE passage_vocabulary USING fts5vocab(passage_terms, col);";

/// Takes every term of the index.
pub(crate) const FROM_INDEX: &str =
    "DELETE FROM vocabulary; INSERT INTO vocabulary SELECT term FROM passage_vocabulary WHERE col = 'terms';";

/// Makes it again from the index.
pub(crate) fn refill(db: &Connection) -> Result<()> {
    Ok(db.execute_batch(FROM_INDEX)?)
}

impl Reader<'_> {
    /// The terms that begin with `head` and have as many bytes as `bytes` says, in their order, whosesoever passages have
    /// them. No more than `most` terms are looked at, however long they are.
    pub fn terms_from(&self, head: &str, bytes: std::ops::Range<usize>, most: usize) -> Result<Vec<String>> {
        let mut after = head.to_owned();
        let next = after.pop().and_then(|last| char::from_u32(u32::from(last) + 1));
        let Some(next) = next else { return Ok(Vec::new()) };
        after.push(next);
        let sql = "SELECT term FROM vocabulary WHERE term >= ?1 AND term < ?2 LIMIT ?3";
        let mut statement = self.db.prepare_cached(sql)?;
        let mut rows = statement.query((head, after, i64::try_from(most).unwrap_or(i64::MAX)))?;
        let mut found = Vec::new();
        while let Some(row) = rows.next()? {
            let term = row.get_ref(0)?.as_str().unwrap_or_default();
            if bytes.contains(&term.len()) {
                found.push(term.to_owned());
            }
        }
        Ok(found)
    }
}

impl Writer<'_> {
    /// Takes the terms of passages, each as [`crate::IndexedPassage::terms`] has them.
    pub(crate) fn learn_terms<'t>(&self, passages: impl Iterator<Item = &'t str>) -> Result<()> {
        let terms: BTreeSet<String> = passages.flat_map(|terms| terms.split(' ')).filter_map(clean).collect();
        let mut insert = self.db.prepare_cached("INSERT OR IGNORE INTO vocabulary(term) VALUES (?1)")?;
        for term in &terms {
            insert.execute([term])?;
        }
        Ok(())
    }
}

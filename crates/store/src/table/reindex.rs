//! Whose the vectors are, and how another embedder's take their place: the next ones are made beside those that answer,
//! over any number of runs, and change places with them in one transaction when none is missing. So vectors of two
//! embedders are never compared with one another.

use super::meta;
use super::vector::{checksum, quantize};
use crate::{Reader, Result, StoreError, Writer};
use hearth_domain::{DocumentId, PassageId};

pub(crate) const CREATE: &str = "
CREATE TABLE vector_next (
    passage INTEGER PRIMARY KEY REFERENCES passage(id) ON DELETE CASCADE,
    numbers BLOB NOT NULL,        -- as in vector
    checksum INTEGER NOT NULL
) STRICT;
";

/// Keys in `meta`.
const OF: &str = "embedder";
const NEXT: &str = "embedder_next";

impl Reader<'_> {
    /// Whose the vectors are that answer; nothing in a file where nobody said so yet.
    pub fn embedder(&self) -> Result<Option<String>> {
        meta::text(self.db, OF)
    }

    /// Whose vectors are being made to take their place; nothing where none are.
    pub fn next_embedder(&self) -> Result<Option<String>> {
        meta::text(self.db, NEXT)
    }

    /// Passages after `after` that have no vector of the next embedder yet, or none at all where there is no next; by id.
    pub fn unembedded(&self, after: PassageId, limit: usize) -> Result<Vec<PassageId>> {
        let table = if self.next_embedder()?.is_some() { "vector_next" } else { "vector" };
        let sql = format!(
            "SELECT id FROM passage p WHERE id > ?1 AND NOT EXISTS (SELECT 1 FROM {table} v WHERE v.passage = p.id)
            ORDER BY id LIMIT ?2"
        );
        let mut statement = self.db.prepare_cached(&sql)?;
        let rows = statement.query_map((after.0, limit as i64), |row| Ok(PassageId(row.get(0)?)))?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }

    /// The passage that came last; 0 where there is none.
    pub fn newest_passage(&self) -> Result<PassageId> {
        Ok(PassageId(self.db.query_row("SELECT coalesce(max(id), 0) FROM passage", [], |row| row.get(0))?))
    }

    /// Passages that have a vector of the next embedder, and all.
    pub fn reembedded(&self) -> Result<(u64, u64)> {
        let count = |sql: &str| self.db.query_row(sql, [], |row| row.get::<_, i64>(0)).map(i64::unsigned_abs);
        Ok((count("SELECT count(*) FROM vector_next")?, count("SELECT count(*) FROM passage")?))
    }

    /// How many passages have a vector.
    pub fn vectors(&self) -> Result<u64> {
        Ok(self.db.query_row("SELECT count(*) FROM vector", [], |row| row.get::<_, i64>(0))?.unsigned_abs())
    }
}

impl Writer<'_> {
    /// Says whose the vectors are. Vectors of another embedder are thrown away: for files where nobody said so yet, and
    /// where the embedder of the old ones is gone, so that no question can be compared with them.
    pub fn begin_vectors(&self, embedder: &str) -> Result<()> {
        if self.embedder()?.is_some_and(|of| of != embedder) {
            self.db.execute("DELETE FROM vector", [])?;
            self.touch_all()?;
        }
        meta::set(self.db, OF, embedder)?;
        self.end_reindex()
    }

    /// Begins, or takes up, vectors of another embedder; what a third one made is thrown away.
    pub fn begin_reindex(&self, embedder: &str) -> Result<()> {
        if self.next_embedder()?.as_deref() != Some(embedder) {
            self.db.execute("DELETE FROM vector_next", [])?;
            meta::set(self.db, NEXT, embedder)?;
        }
        Ok(())
    }

    /// Keeps a passage's vector of the next embedder; a passage that is gone meanwhile is left out.
    pub fn put_next_embedding(&self, passage: PassageId, embedding: &[f32]) -> Result<()> {
        let numbers: Vec<u8> = quantize(embedding)?.into_iter().map(|n| n as u8).collect();
        let sql = "INSERT OR REPLACE INTO vector_next(passage, numbers, checksum)
            SELECT id, ?2, ?3 FROM passage WHERE id = ?1";
        self.db.prepare_cached(sql)?.execute((passage.0, &numbers, checksum(passage, &numbers)))?;
        Ok(())
    }

    /// Puts the next vectors in place of those that answered, if none is missing. Says whether it did.
    pub fn finish_reindex(&self) -> Result<bool> {
        let next = self.next_embedder()?.ok_or_else(|| StoreError::Invalid("no vectors are being made".into()))?;
        if !self.unembedded(PassageId(0), 1)?.is_empty() {
            return Ok(false);
        }
        self.db.execute_batch(
            "DELETE FROM vector; INSERT INTO vector SELECT passage, numbers, checksum FROM vector_next;",
        )?;
        meta::set(self.db, OF, next)?;
        self.end_reindex()?;
        self.touch_all()?;
        Ok(true)
    }

    /// Forgets the next vectors.
    pub fn end_reindex(&self) -> Result<()> {
        self.db.execute("DELETE FROM vector_next", [])?;
        self.db.execute("DELETE FROM meta WHERE key = ?1", [NEXT])?;
        Ok(())
    }

    fn touch_all(&self) -> Result<()> {
        let mut statement = self.db.prepare("SELECT id FROM document")?;
        let mut rows = statement.query([])?;
        while let Some(row) = rows.next()? {
            self.touch(DocumentId(row.get(0)?));
        }
        Ok(())
    }
}

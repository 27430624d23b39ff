//! Original bytes, kept once per content hash, in chunks so that no single row is huge. Not pages: see `page.rs`.

use crate::{Reader, Result, StoreError, Writer};
use hearth_domain::BlobHash;

pub(crate) const CREATE: &str = "
CREATE TABLE blob (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    hash BLOB NOT NULL,
    chunk INTEGER NOT NULL,
    bytes BLOB NOT NULL
) STRICT;
CREATE UNIQUE INDEX blob_hash ON blob(hash, chunk);
";

/// Bytes per row.
const CHUNK_BYTES: usize = 1 << 20;

impl Reader<'_> {
    /// The bytes with this hash.
    pub fn blob(&self, hash: &BlobHash) -> Result<Option<Vec<u8>>> {
        let mut statement = self.db.prepare_cached("SELECT bytes FROM blob WHERE hash = ?1 ORDER BY chunk")?;
        let mut rows = statement.query([hash.0])?;
        let mut bytes = None;
        while let Some(row) = rows.next()? {
            let chunk = row.get_ref(0)?.as_blob().map_err(|error| StoreError::Invalid(error.to_string()))?;
            bytes.get_or_insert_with(Vec::new).extend_from_slice(chunk);
        }
        Ok(bytes)
    }

    /// Whether bytes with this hash are kept.
    pub fn has_blob(&self, hash: &BlobHash) -> Result<bool> {
        Ok(self.db.prepare_cached("SELECT 1 FROM blob WHERE hash = ?1")?.exists([hash.0])?)
    }
}

impl Writer<'_> {
    /// Keeps bytes under their hash. Bytes that are kept already are left as they are.
    ///
    /// The caller has computed the hash; [`crate::Store::check`] recomputes it.
    pub fn put_blob(&self, hash: &BlobHash, bytes: &[u8]) -> Result<()> {
        if self.has_blob(hash)? {
            return Ok(());
        }
        let mut insert = self.db.prepare_cached("INSERT INTO blob(hash, chunk, bytes) VALUES (?1, ?2, ?3)")?;
        insert.execute((hash.0, 0, bytes.get(..CHUNK_BYTES.min(bytes.len())).unwrap_or_default()))?;
        for (chunk, part) in bytes.chunks(CHUNK_BYTES).enumerate().skip(1) {
            insert.execute((hash.0, chunk as i64, part))?;
        }
        Ok(())
    }

    /// Deletes the bytes with this hash unless some version has them. Says whether they are gone.
    pub fn drop_blob(&self, hash: &BlobHash) -> Result<bool> {
        let sql = "DELETE FROM blob WHERE hash = ?1 AND NOT EXISTS (SELECT 1 FROM version WHERE hash = ?1)";
        self.db.prepare_cached(sql)?.execute([hash.0])?;
        Ok(!self.has_blob(hash)?)
    }
}

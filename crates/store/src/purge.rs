//! How things are deleted for good. `secure_delete` overwrites rows; what an index or the log would keep is cleared here.

use crate::held::HeldRow;
use crate::table::version::VersionState;
use crate::{Result, StoreError, Writer};
use hearth_domain::{BlobHash, DocumentId, TurnId, VersionId};

/// What is left to clear elsewhere after a purge.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Purged {
    /// The document that was.
    pub document: DocumentId,
    /// Turns that cited the document or had read it. Their quotes are emptied; their answers, records and traces are the
    /// caller's to rewrite.
    pub turns: Vec<TurnId>,
}

impl Writer<'_> {
    /// Deletes documents for good: versions, pages, passages, full text, vectors, jobs, quotes, and original bytes that no
    /// other document has. The index is rewritten and the log emptied once, so this takes seconds in a large library.
    pub fn purge_documents(&self, ids: &[DocumentId]) -> Result<Vec<Purged>> {
        let purged = ids.iter().map(|id| self.purge_rows(*id)).collect::<Result<Vec<_>>>()?;
        if !purged.is_empty() {
            self.optimize_terms()?;
            self.note_purge();
        }
        Ok(purged)
    }

    fn purge_rows(&self, id: DocumentId) -> Result<Purged> {
        self.document(id)?.ok_or(StoreError::NotFound { what: "document", id: id.0 })?;
        let hashes: Vec<BlobHash> = self.versions(id)?.into_iter().map(|version| version.hash).collect();
        let turns = self.turns_touching(id)?;
        self.delete_passages(id)?;
        for sql in [
            "UPDATE review SET answer = '' WHERE job IN (SELECT id FROM job WHERE document = ?1)",
            "DELETE FROM job WHERE document = ?1",
            "DELETE FROM watched_file WHERE document = ?1 AND gone_ms IS NOT NULL",
            "UPDATE watched_file SET hash = NULL, job = NULL WHERE document = ?1",
            "UPDATE citation SET quote = '' WHERE document = ?1",
            "DELETE FROM page WHERE version IN (SELECT id FROM version WHERE document = ?1)",
            "DELETE FROM version WHERE document = ?1",
            "DELETE FROM document WHERE id = ?1",
        ] {
            self.db.prepare_cached(sql)?.execute([id.0])?;
        }
        for hash in &hashes {
            self.drop_blob(hash)?;
        }
        self.touch(id);
        turns.iter().for_each(|turn| self.change(HeldRow::Turn(*turn)));
        Ok(Purged { document: id, turns })
    }

    /// Deletes a pending version that will not be finished, its document when it has no other, and its bytes when no other
    /// version has them.
    pub fn discard_version(&self, id: VersionId) -> Result<()> {
        let row = self.version(id)?.filter(|row| row.state == VersionState::Pending);
        let row = row.ok_or(StoreError::NotFound { what: "pending version", id: id.0 })?;
        self.db.prepare_cached("DELETE FROM version WHERE id = ?1")?.execute([id.0])?;
        if self.versions(row.document)?.is_empty() {
            self.db.prepare_cached("UPDATE job SET document = NULL WHERE document = ?1")?.execute([row.document.0])?;
            self.db.prepare_cached("DELETE FROM document WHERE id = ?1")?.execute([row.document.0])?;
        }
        self.drop_blob(&row.hash)?;
        Ok(())
    }
}

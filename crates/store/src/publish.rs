//! How a version comes to answer: kept, read, published. One transaction makes the new version answer and the old one stop.

use crate::table::document::Scope;
use crate::table::version::VersionState;
use crate::word::word;
use crate::{Result, StoreError, Writer};
use hearth_domain::{BlobHash, Document, DocumentId, Kind, Label, Passage, SpaceId, TimeMs, VersionId};

/// A version whose bytes have just been kept.
#[derive(Debug, Clone, PartialEq)]
pub struct NewVersion {
    /// The space it goes to.
    pub space: SpaceId,
    /// The document it is a version of; `None` makes a new one.
    pub document: Option<DocumentId>,
    /// File name.
    pub name: String,
    /// Family of the file.
    pub kind: Kind,
    /// How guarded it is; used when the document is new.
    pub label: Label,
    /// Which rule or person said so.
    pub label_rule: String,
    /// Where it came from, such as a path.
    pub origin: Option<String>,
    /// How long it is kept for; used when the document is new.
    pub scope: Scope,
    /// Hash of its bytes.
    pub hash: BlobHash,
    /// Length of its bytes.
    pub size_bytes: u64,
    /// Now.
    pub now: TimeMs,
}

/// One passage ready for search.
#[derive(Debug, Clone, PartialEq)]
pub struct IndexedPassage {
    /// The passage.
    pub passage: Passage,
    /// Its terms for full text, tokenized and folded, separated by spaces.
    pub terms: String,
    /// Its embedding, shape (d), empty where it has none yet; scaled to length 1 by the store.
    pub embedding: Vec<f32>,
}

/// What publishing did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Published {
    /// How many passages answer now.
    pub passages: u32,
    /// The version that no longer does.
    pub superseded: Option<VersionId>,
}

impl Writer<'_> {
    /// Makes a pending version, and its document when it has none. Nothing of it is searchable yet; an earlier version of
    /// the document keeps answering.
    pub fn begin_version(&self, new: &NewVersion) -> Result<(DocumentId, VersionId)> {
        let kind = word(&new.kind)?;
        let document = match new.document {
            Some(id) => {
                self.document(id)?.ok_or(StoreError::NotFound { what: "document", id: id.0 })?;
                let sql = "UPDATE document SET name = ?2, origin = coalesce(?3, origin) WHERE id = ?1";
                self.db.prepare_cached(sql)?.execute((id.0, &new.name, &new.origin))?;
                id
            }
            None => {
                let (label, reason) = self.label_in(new.space, new.label, &new.label_rule)?;
                let sql = "INSERT INTO document(space, name, kind, label, label_rule, origin, scope, added_ms)
                    VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8)";
                self.db.prepare_cached(sql)?.execute((
                    new.space.0,
                    &new.name,
                    &kind,
                    label.word(),
                    reason,
                    &new.origin,
                    word(&new.scope)?,
                    new.now,
                ))?;
                DocumentId(self.db.last_insert_rowid())
            }
        };
        let version = self.insert_version(document, &new.hash, new.size_bytes, &kind, new.now)?;
        Ok((document, version))
    }

    /// Keeps what a reader made of a pending version: its pages and what it says of itself. May be repeated.
    pub fn keep_pages(&self, version: VersionId, read: &Document) -> Result<()> {
        self.describe_version(version, read)?;
        self.put_pages(version, &read.pages)
    }

    /// Makes a pending version answer: its passages, full text and vectors are written, the version that answered before is
    /// superseded and everything searchable of it deleted.
    ///
    /// All embeddings must have the same number of components; passages with none are found by their words alone until
    /// they are embedded.
    pub fn publish(&self, version: VersionId, passages: &[IndexedPassage], now: TimeMs) -> Result<Published> {
        let row = self.version(version)?.filter(|row| row.state == VersionState::Pending);
        let row = row.ok_or(StoreError::NotFound { what: "pending version", id: version.0 })?;
        let document = self.document(row.document)?;
        let document = document.ok_or(StoreError::NotFound { what: "document", id: row.document.0 })?;
        if let Some(first) = passages.first()
            && passages.iter().any(|passage| passage.embedding.len() != first.embedding.len())
        {
            return Err(StoreError::Invalid("embeddings of one version differ in length".into()));
        }
        self.delete_passages(document.id)?;
        self.db
            .prepare_cached("UPDATE version SET state = 'superseded' WHERE document = ?1 AND state = 'current'")?
            .execute([document.id.0])?;
        self.learn_terms(passages.iter().map(|indexed| indexed.terms.as_str()))?;
        for (position, indexed) in passages.iter().enumerate() {
            let passage = self.insert_passage(document.id, version, position, &indexed.passage)?;
            self.insert_terms(passage, document.space, document.id, &indexed.terms)?;
            if !indexed.embedding.is_empty() {
                self.put_embedding(document.id, passage, &indexed.embedding)?;
            }
        }
        let sql = "UPDATE version SET state = 'current', passages = ?2, published_ms = ?3 WHERE id = ?1";
        self.db.prepare_cached(sql)?.execute((version.0, passages.len() as i64, now))?;
        let sql = "UPDATE document SET version = ?2, title = v.title, kind = v.kind FROM version v
            WHERE document.id = ?1 AND v.id = ?2";
        self.db.prepare_cached(sql)?.execute((document.id.0, version.0))?;
        self.touch(document.id);
        Ok(Published { passages: u32::try_from(passages.len()).unwrap_or(u32::MAX), superseded: document.version })
    }
}

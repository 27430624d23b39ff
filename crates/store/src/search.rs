//! What is searched for and what is found, and the rule for which passages may be found. Not the indexes themselves:
//! `table/fulltext.rs` and `resident.rs`.

use crate::store::Inner;
use crate::{Reader, Result};
use crate::{resident, table::vector};
use hearth_domain::{DocumentId, PassageId, SpaceId};
use rusqlite::OptionalExtension;
use std::collections::BTreeSet;

/// Rows that are compared for each one that is wanted, where only signs are in memory.
const BY_SIGNS: usize = 20;

/// One term, already tokenized and folded.
#[derive(Debug, Clone, PartialEq)]
pub struct Term {
    /// The term as the indexer would write it.
    pub text: String,
    /// What a match is worth; 0 or less leaves the term out.
    pub weight: f32,
    /// Whether terms that begin so match too.
    pub prefix: bool,
}

/// What to look for in full text. Every part is optional for a passage; each that matches adds to its score.
#[derive(Debug, Clone, PartialEq)]
pub struct TextQuery {
    /// Terms.
    pub any: Vec<Term>,
    /// Terms in a row.
    pub phrases: Vec<Vec<String>>,
    /// What a match of a whole phrase is worth beside the terms' weights.
    pub phrase_weight: f32,
}

impl Default for TextQuery {
    fn default() -> Self {
        Self { any: Vec::new(), phrases: Vec::new(), phrase_weight: 2.0 }
    }
}

/// Which passages may be found. Applied before the best are cut off.
///
/// Removed documents are never found. Documents brought in for one question are found only when named.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SearchFilter {
    /// Only documents of this space.
    pub space: SpaceId,
    /// Of those, only these.
    pub documents: Option<Vec<DocumentId>>,
    /// These too: documents attached to the conversation.
    pub also: Vec<DocumentId>,
    /// None of these, whatever else is said.
    pub without: BTreeSet<DocumentId>,
}

impl SearchFilter {
    /// Everything that is kept in a space.
    pub fn space(space: SpaceId) -> Self {
        Self { space, documents: None, also: Vec::new(), without: BTreeSet::new() }
    }

    /// Whether a document of this space and scope that is not removed may be found.
    pub(crate) fn admits(&self, space: SpaceId, document: DocumentId, kept: bool) -> bool {
        space == self.space
            && !self.without.contains(&document)
            && (self.also.contains(&document)
                || self.documents.as_ref().map_or(kept, |documents| documents.contains(&document)))
    }
}

/// A passage found by its words.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct TextHit {
    /// The passage.
    pub passage: PassageId,
    /// bm25, above 0; larger is better.
    pub score: f32,
}

/// A passage found by its meaning.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct VectorHit {
    /// The passage.
    pub passage: PassageId,
    /// Cosine of the angle between query and passage, -1 to 1; the same on every path.
    pub cosine: f32,
}

/// What the index in memory says is nearest, and whether its cosines are exact. `None` where it cannot serve.
type Scanned = Option<(bool, Vec<VectorHit>)>;

/// What one question finds.
#[derive(Debug, Clone, PartialEq)]
pub struct Hits {
    /// By its words, best first.
    pub text: Vec<TextHit>,
    /// By its meaning, best first; empty without a vector.
    pub near: Vec<VectorHit>,
    /// Its vector.
    pub vector: Option<Vec<f32>>,
}

impl Reader<'_> {
    /// Whether a passage exists in this snapshot, its document is not removed, and the filter admits it.
    pub(crate) fn may_be_found(&self, passage: PassageId, filter: &SearchFilter) -> Result<bool> {
        let sql = "SELECT d.space, d.id, d.scope = 'kept' FROM passage p JOIN document d ON d.id = p.document
            WHERE p.id = ?1 AND d.removed_ms IS NULL";
        let admitted = self.db.prepare_cached(sql)?.query_row([passage.0], |row| {
            Ok(filter.admits(SpaceId(row.get(0)?), DocumentId(row.get(1)?), row.get(2)?))
        });
        Ok(admitted.optional()?.unwrap_or(false))
    }

    /// The `k` passages nearest to `query` by cosine, best first. Shape of `query`: (d), of any length but 0; passages
    /// whose embeddings have another number of components are not compared.
    ///
    /// Served from the index in memory when that is loaded, which the first search of a whole space does when it fits;
    /// otherwise, and inside a write, by comparing every admitted row of the table. Both give the same cosines. Of a
    /// library so large that only signs are in memory, the rows that are nearest by those are compared.
    pub fn search_vectors(&self, query: &[f32], filter: &SearchFilter, k: usize) -> Result<Vec<VectorHit>> {
        let query = vector::quantize(query)?;
        let scanned = self.inner.map_or(Ok(None), |inner| scan(inner, &query, filter, k))?;
        self.nearest(&query, filter, k, scanned)
    }

    /// [`Reader::search_text`] and [`Reader::search_vectors`] side by side: `vector` is called on another thread, and the
    /// index in memory is searched there with what it gives.
    pub fn search(
        &self,
        text: &TextQuery,
        vector: impl FnOnce() -> Option<Vec<f32>> + Send,
        filter: &SearchFilter,
        k: usize,
    ) -> Result<Hits> {
        let inner = self.inner;
        let beside = || {
            let Some(vector) = vector() else { return Ok(None) };
            let query = vector::quantize(&vector)?;
            let scanned = inner.map_or(Ok(None), |inner| scan(inner, &query, filter, k))?;
            Ok(Some((vector, query, scanned)))
        };
        let (text, beside) = std::thread::scope(|scope| {
            let beside = scope.spawn(beside);
            let text = self.search_text(text, filter, k);
            (text, beside.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic)))
        });
        let (text, beside): (_, Result<Option<_>>) = (text?, beside);
        Ok(match beside? {
            None => Hits { text, near: Vec::new(), vector: None },
            Some((vector, query, scanned)) => {
                Hits { text, near: self.nearest(&query, filter, k, scanned)?, vector: Some(vector) }
            }
        })
    }

    /// The nearest, of which a scan for as many is at hand.
    fn nearest(&self, query: &[i8], filter: &SearchFilter, k: usize, scanned: Scanned) -> Result<Vec<VectorHit>> {
        if k == 0 || self.space(filter.space)?.is_none() {
            return Ok(Vec::new());
        }
        let (mut limit, mut scanned) = (k, scanned);
        while let Some((exact, found)) = scanned {
            let found = if exact { found } else { self.compare(query, &found, limit)? };
            let seen = found.len();
            let mut hits = Vec::with_capacity(k);
            for hit in found {
                // The index may be ahead of this snapshot; what this snapshot does not hold is left out.
                if hits.len() < k && self.may_be_found(hit.passage, filter)? {
                    hits.push(hit);
                }
            }
            if hits.len() == k || seen < limit {
                return Ok(hits);
            }
            limit = limit.saturating_mul(4);
            scanned = self.inner.map_or(Ok(None), |inner| scan(inner, query, filter, limit))?;
        }
        self.scan_table(query, filter, k)
    }

    /// The nearest of some passages, by their rows of the table. What this snapshot does not hold is left out.
    fn compare(&self, query: &[i8], near: &[VectorHit], k: usize) -> Result<Vec<VectorHit>> {
        let mut rows = self.numbers(near.iter().map(|hit| hit.passage))?;
        rows.retain(|(_, numbers)| numbers.len() == query.len());
        Ok(resident::compare(query, rows.iter().map(|(passage, numbers)| (*passage, numbers.as_slice())), k))
    }

    /// Compares every admitted row of the table, by sqlite-vec's distance.
    fn scan_table(&self, query: &[i8], filter: &SearchFilter, k: usize) -> Result<Vec<VectorHit>> {
        let sql = "SELECT p.id, 1.0 - vec_distance_cosine(vec_int8(v.numbers), vec_int8(?1)) AS cosine
            FROM document d CROSS JOIN passage p INDEXED BY passage_document ON p.document = d.id
                CROSS JOIN vector v ON v.passage = p.id
            WHERE d.space = ?2 AND d.removed_ms IS NULL AND length(v.numbers) = length(?1)
                AND (d.id IN (SELECT value FROM json_each(?4))
                    OR iif(?3 IS NULL, d.scope = 'kept', d.id IN (SELECT value FROM json_each(?3))))
                AND d.id NOT IN (SELECT value FROM json_each(?6))
            ORDER BY cosine DESC, p.id LIMIT ?5";
        let bytes: Vec<u8> = query.iter().map(|n| *n as u8).collect();
        let documents = filter.documents.as_ref().map(crate::word::json).transpose()?;
        let (also, without) = (crate::word::json(&filter.also)?, crate::word::json(&filter.without)?);
        let mut statement = self.db.prepare_cached(sql)?;
        let rows = statement.query_map((bytes, filter.space.0, documents, also, k as i64, without), |row| {
            let cosine: Option<f64> = row.get(1)?;
            Ok(VectorHit { passage: PassageId(row.get(0)?), cosine: cosine.unwrap_or(0.0) as f32 })
        })?;
        Ok(rows.collect::<rusqlite::Result<_>>()?)
    }
}

/// The nearest for `k` places by the index in memory, which is loaded where that helps.
fn scan(inner: &Inner, query: &[i8], filter: &SearchFilter, k: usize) -> Result<Scanned> {
    let scan = || {
        let resident = resident::lock_read(&inner.resident);
        let loaded = resident.loaded()?;
        let exact = loaded.is_exact();
        Some((exact, loaded.scan(query, filter, if exact { k } else { k.saturating_mul(BY_SIGNS) })))
    };
    if let Some(found) = scan() {
        return Ok(Some(found));
    }
    if filter.documents.is_some() {
        return Ok(None); // a few documents are read faster than everything is loaded
    }
    inner.load_resident()?;
    Ok(scan())
}

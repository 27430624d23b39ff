//! Full text: an FTS5 index over terms that arrive tokenized and folded. It keeps no text; it can be rebuilt from passages.
//!
//! Terms are separated by spaces. The `ascii` tokenizer takes every byte above 127 as part of a token and is told to take
//! all printable ASCII too, so a term in any script survives as exactly one token (`unicode61` would split at combining
//! marks and punctuation). A second column carries the space and the document as tokens of weight 0, so that filters apply
//! inside the index, before anything is ranked.

use crate::search::{SearchFilter, TextHit, TextQuery};
use crate::{Reader, Result, Writer};
use hearth_domain::{DocumentId, PassageId, SpaceId};
use std::fmt::Write;

pub(crate) const CREATE: &str = r#"
CREATE VIRTUAL TABLE passage_terms USING fts5(
    place, terms, content='', contentless_delete=1,
    tokenize="ascii tokenchars '!#$%&()*+,-./:;<=>?@[\]^_`{|}~'"
);
"#;

/// Tells FTS5 how many documents of a filter are worth naming inside the index; more are filtered afterwards.
const NAMED_DOCUMENTS: usize = 64;
/// A term's weight is kept to an eighth of the heaviest.
const WEIGHT_STEPS: f32 = 8.0;

/// A term as FTS5 will see it: no white space, no control characters, no quotes. `None` when nothing is left.
fn clean(term: &str) -> Option<String> {
    let kept: String = term.chars().filter(|c| !c.is_whitespace() && !c.is_control() && !"\"'".contains(*c)).collect();
    (!kept.is_empty()).then_some(kept)
}

/// The terms of a passage, each cleaned, in order.
fn clean_all(terms: &str) -> String {
    let mut kept = String::with_capacity(terms.len());
    for term in terms.split(' ').filter_map(clean) {
        if !kept.is_empty() {
            kept.push(' ');
        }
        kept.push_str(&term);
    }
    kept
}

/// The two columns of a passage.
pub(crate) fn row(space: SpaceId, document: DocumentId, terms: &str) -> (String, String) {
    (format!("s{} d{}", space.0, document.0), clean_all(terms))
}

/// The FTS5 expression for a query, and what one unit of its bm25 is worth. `None` when the query has no term.
///
/// bm25 adds up over phrases, so a term that weighs n units stands n times.
fn expression(query: &TextQuery, filter: &SearchFilter) -> Option<(String, f32)> {
    let heaviest = query.any.iter().map(|term| term.weight).chain([query.phrase_weight]).fold(0.0f32, f32::max);
    let lightest = query.any.iter().map(|term| term.weight).filter(|w| *w > 0.0).fold(heaviest, f32::min);
    let unit = lightest.max(heaviest / WEIGHT_STEPS);
    if !unit.is_finite() || unit <= 0.0 {
        return None;
    }
    let times = |weight: f32| ((weight / unit).round() as usize).clamp(1, WEIGHT_STEPS as usize);
    let mut parts = Vec::new();
    for term in query.any.iter().filter(|term| term.weight > 0.0) {
        if let Some(text) = clean(&term.text) {
            let part = format!("\"{text}\"{}", if term.prefix { " *" } else { "" });
            parts.extend(std::iter::repeat_n(part, times(term.weight)));
        }
    }
    for phrase in &query.phrases {
        let words: Vec<String> = phrase.iter().filter_map(|word| clean(word)).collect();
        if !words.is_empty() {
            parts.extend(std::iter::repeat_n(format!("\"{}\"", words.join(" ")), times(query.phrase_weight)));
        }
    }
    if parts.is_empty() {
        return None;
    }
    let mut sql = format!("place : \"s{}\"", filter.space.0);
    if let Some(documents) = filter.documents.as_ref().filter(|documents| documents.len() <= NAMED_DOCUMENTS) {
        let named: Vec<String> = documents.iter().chain(&filter.also).map(|id| format!("\"d{}\"", id.0)).collect();
        if named.is_empty() {
            return None;
        }
        let _ = write!(sql, " AND place : ({})", named.join(" OR "));
    }
    let _ = write!(sql, " AND terms : ({})", parts.join(" OR "));
    Some((sql, unit))
}

impl Reader<'_> {
    /// The `k` passages that match best by bm25, best first; a larger score is better, and every score is above 0.
    ///
    /// Filters apply before the cut: one relevant file among many is found.
    pub fn search_text(&self, query: &TextQuery, filter: &SearchFilter, k: usize) -> Result<Vec<TextHit>> {
        let Some((expression, unit)) = expression(query, filter) else { return Ok(Vec::new()) };
        if k == 0 || self.space(filter.space)?.is_none() {
            return Ok(Vec::new());
        }
        let sql = "SELECT rowid, bm25(passage_terms, 0.0, 1.0) AS score FROM passage_terms
            WHERE passage_terms MATCH ?1 ORDER BY score LIMIT ?2";
        let mut ranked = self.db.prepare_cached(sql)?;
        // What the index cannot know (removed, for one question only) is asked of the tables, best first. Should that
        // leave too few, more are fetched: no passage that passes the filter loses its place to one that does not.
        let mut limit = k.saturating_mul(2).saturating_add(16);
        loop {
            let mut rows = ranked.query((&expression, i64::try_from(limit).unwrap_or(i64::MAX)))?;
            let (mut hits, mut seen) = (Vec::new(), 0);
            while let Some(row) = rows.next()? {
                seen += 1;
                let passage = PassageId(row.get(0)?);
                if hits.len() < k && self.may_be_found(passage, filter)? {
                    hits.push(TextHit { passage, score: -row.get::<_, f64>(1)? as f32 * unit });
                }
            }
            if hits.len() == k || seen < limit {
                return Ok(hits);
            }
            limit = limit.saturating_mul(8);
        }
    }
}

impl Writer<'_> {
    pub(crate) fn insert_terms(
        &self,
        passage: PassageId,
        space: SpaceId,
        document: DocumentId,
        terms: &str,
    ) -> Result<()> {
        let sql = "INSERT INTO passage_terms(rowid, place, terms) VALUES (?1, ?2, ?3)";
        let (place, terms) = row(space, document, terms);
        self.db.prepare_cached(sql)?.execute((passage.0, place, terms))?;
        Ok(())
    }

    /// Rewrites the index so that nothing of deleted rows is left in it.
    pub(crate) fn optimize_terms(&self) -> Result<()> {
        self.db.execute("INSERT INTO passage_terms(passage_terms) VALUES ('optimize')", [])?;
        Ok(())
    }
}

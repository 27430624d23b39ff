//! Full text: an FTS5 index over terms that arrive tokenized and folded. It keeps no text; it can be rebuilt from passages.
//!
//! Terms are separated by spaces. The `ascii` tokenizer takes every byte above 127 as part of a token and is told to take
//! all printable ASCII too, so a term in any script survives as exactly one token (`unicode61` would split at combining
//! marks and punctuation). A second column carries the space and the document as tokens of weight 0, so that filters apply
//! inside the index, before anything is ranked.

use crate::bm25::rarity;
use crate::search::{SearchFilter, TextHit, TextQuery};
use crate::{Reader, Result, Writer};
use hearth_domain::{DocumentId, PassageId, SpaceId};
use rusqlite::OptionalExtension;

pub(crate) const CREATE: &str = r#"
CREATE VIRTUAL TABLE passage_terms USING fts5(
    place, terms, content='', contentless_delete=1,
    tokenize="ascii tokenchars '!#$%&()*+,-./:;<=>?@[\]^_`{|}~'"
);
"#;

/// Tells FTS5 how many documents of a filter are worth naming inside the index; more are filtered afterwards.
const NAMED_DOCUMENTS: usize = 64;
/// Rows of a phrase that are counted.
const COUNTED: u64 = 20_000;
/// Rows that are scored before it is asked whether others could be better.
const FIRST_ROWS: u64 = 8_000;
/// Rows that are scored for one question, about, where that is enough to fill its places. A larger library is not read to
/// its end for words that nearly every passage has: those that have more of the rarer ones together come first.
const MOST_ROWS: u64 = 64_000;

/// A term as FTS5 will see it: no white space, no control characters, no quotes. `None` when nothing is left.
pub(super) fn clean(term: &str) -> Option<String> {
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

/// A term or a phrase as FTS5 reads it.
#[derive(Debug)]
struct Phrase {
    text: String,
    weight: f32,
    /// How many passages have it; 0 until counted.
    holding: u64,
}

/// What a query asks for, each thing once.
fn phrases(query: &TextQuery) -> Vec<Phrase> {
    let terms = query.any.iter().filter_map(|term| {
        Some((format!("\"{}\"{}", clean(&term.text)?, if term.prefix { " *" } else { "" }), term.weight))
    });
    let rows = query.phrases.iter().filter_map(|phrase| {
        let words: Vec<String> = phrase.iter().filter_map(|word| clean(word)).collect();
        (!words.is_empty()).then(|| (format!("\"{}\"", words.join(" ")), query.phrase_weight))
    });
    let mut wanted: Vec<Phrase> = Vec::new();
    for (text, weight) in terms.chain(rows).filter(|(_, weight)| weight.is_finite() && *weight > 0.0) {
        match wanted.iter_mut().find(|known| known.text == text) {
            Some(known) => known.weight += weight,
            None => wanted.push(Phrase { text, weight, holding: 0 }),
        }
    }
    wanted
}

/// The part of an expression that filters, and how many phrases it has. `None` when nothing passes.
fn place(filter: &SearchFilter) -> Option<(String, usize)> {
    let space = format!("place : \"s{}\" AND ", filter.space.0);
    match filter.documents.as_ref().filter(|documents| documents.len() <= NAMED_DOCUMENTS) {
        None => Some((space, 1)),
        Some(documents) => {
            let named: Vec<String> = documents.iter().chain(&filter.also).map(|id| format!("\"d{}\"", id.0)).collect();
            (!named.is_empty()).then(|| (format!("{space}place : ({}) AND ", named.join(" OR ")), 1 + named.len()))
        }
    }
}

/// How many of all rows have what `counted` of those up to `seen` ids have, of `all` ids.
fn estimated(counted: u64, seen: i64, all: i64) -> u64 {
    (counted as f64 * (all + 1).max(1) as f64 / (seen + 1).max(1) as f64) as u64
}

/// Which rows are looked at within a budget, phrases being in the order of how few rows have them: those that have any of
/// so many of the first, or, where the first alone are too many, those that have so many of them together.
fn selecting(wanted: &[Phrase], rows: u64, budget: u64) -> (usize, bool) {
    let mut sum = 0u64;
    let within = |phrase: &&Phrase| {
        sum = sum.saturating_add(phrase.holding);
        sum <= budget
    };
    let any = wanted.iter().take_while(within).count();
    if any > 0 || wanted.len() < 2 {
        return (any.max(1), false);
    }
    // As many as stand together by chance.
    let mut left = rows as f64;
    let share = |phrase: &Phrase| phrase.holding as f64 / (rows as f64).max(1.0);
    let few = wanted.iter().position(|phrase| {
        left *= share(phrase);
        left <= budget as f64
    });
    (few.map_or(wanted.len(), |at| at + 1).max(2), true)
}

fn joined(phrases: &[Phrase], by: &str) -> String {
    phrases.iter().map(|phrase| phrase.text.as_str()).collect::<Vec<_>>().join(by)
}

impl Reader<'_> {
    /// The `k` passages that match best by weighted bm25, best first; a larger score is better, and every score is above 0.
    ///
    /// Filters apply before the cut: one relevant file among many is found. Rows that hold none of the rarer phrases (where
    /// all are common: not several of them together) are looked at only while what they may hold, each phrase standing once
    /// in a passage of middle length, could still bring one among the best (the bound of MaxScore, Turtle and Flood 1995,
    /// taken at one occurrence), and no more than [`MOST_ROWS`] where these fill all places.
    pub fn search_text(&self, query: &TextQuery, filter: &SearchFilter, k: usize) -> Result<Vec<TextHit>> {
        let (mut wanted, Some((place, places))) = (phrases(query), place(filter)) else { return Ok(Vec::new()) };
        if k == 0 || wanted.is_empty() || self.space(filter.space)?.is_none() {
            return Ok(Vec::new());
        }
        // Where nearly all that is kept lies in one space, its rows are passed over faster than its list is read.
        let (place, places) =
            if places == 1 && self.is_most(filter.space)? { (String::new(), 0) } else { (place, places) };
        let rows = self.indexed(&wanted)?;
        for phrase in &mut wanted {
            phrase.holding = self.holding(&phrase.text, COUNTED)?.min(rows);
            phrase.weight *= rarity(rows, phrase.holding);
        }
        // What stands nowhere selects nothing, and would only make the others look as if few rows had them.
        wanted.retain(|phrase| phrase.holding > 0);
        if wanted.is_empty() {
            return Ok(Vec::new());
        }
        // Nor does what more than half of a large library has say anything beside what fewer have.
        let says = |phrase: &Phrase| phrase.holding <= rows / 2;
        if rows > FIRST_ROWS && filter.documents.is_none() && wanted.iter().any(says) {
            wanted.retain(says);
        }
        wanted.sort_by_key(|phrase| phrase.holding);
        let all: f32 = wanted.iter().map(|phrase| phrase.weight).sum();
        let mut budget = FIRST_ROWS;
        loop {
            let (among, together) = selecting(&wanted, rows, budget);
            let selected = wanted.iter().take(among);
            // What a row that is not looked at lacks at the least.
            let lacking = match together {
                true => selected.map(|phrase| phrase.weight).fold(f32::INFINITY, f32::min),
                false => selected.map(|phrase| phrase.weight).sum(),
            };
            let rows_of = joined(wanted.get(..among).unwrap_or(&wanted), if together { " AND " } else { " OR " });
            let expression = format!("{place}terms : ({rows_of}) AND terms : ({})", joined(&wanted, " OR "));
            let weights: Vec<u8> = std::iter::repeat_n(0.0, places + among)
                .chain(wanted.iter().map(|phrase| phrase.weight))
                .flat_map(f32::to_le_bytes)
                .collect();
            let hits = self.best(&expression, &weights, filter, k)?;
            let enough = hits.get(k - 1).is_some_and(|last| last.score >= all - lacking);
            let all_seen = among == wanted.len() && !together;
            if all_seen || enough || budget >= MOST_ROWS && hits.len() == k {
                return Ok(hits);
            }
            budget = budget.saturating_mul(8);
        }
    }

    /// Whether any passage that the filter admits has a term.
    pub fn knows_term(&self, term: &str, filter: &SearchFilter) -> Result<bool> {
        let (Some(term), Some((place, _))) = (clean(term), place(filter)) else { return Ok(false) };
        let sql = "SELECT rowid FROM passage_terms WHERE passage_terms MATCH ?1";
        let mut statement = self.db.prepare_cached(sql)?;
        let mut rows = statement.query([format!("{place}terms : \"{term}\"")])?;
        while let Some(row) = rows.next()? {
            if self.may_be_found(PassageId(row.get(0)?), filter)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// About how many passages have a term, whosesoever they are; of one that many have, the first `most` are counted.
    pub fn holding_term(&self, term: &str, most: u64) -> Result<u64> {
        let Some(term) = clean(term) else { return Ok(0) };
        self.holding(&format!("\"{term}\""), most)
    }

    /// Whether a space has three quarters of all documents or more.
    fn is_most(&self, space: SpaceId) -> Result<bool> {
        let sql = "SELECT 4 * count(*) FILTER (WHERE space = ?1) >= 3 * count(*) FROM document";
        Ok(self.db.prepare_cached(sql)?.query_row([space.0], |row| row.get(0))?)
    }

    /// How many rows the index has, where any of them has one of some phrases; else 0.
    fn indexed(&self, wanted: &[Phrase]) -> Result<u64> {
        let sql = "SELECT indexed(passage_terms) FROM passage_terms WHERE passage_terms MATCH ?1 LIMIT 1";
        let expression = format!("terms : ({})", joined(wanted, " OR "));
        let rows = self.db.prepare_cached(sql)?.query_row([expression], |row| row.get::<_, i64>(0)).optional()?;
        Ok(rows.map_or(0, i64::unsigned_abs))
    }

    /// How many rows have a phrase. Of one that many have, the first `most` are counted and the others estimated by how
    /// close those stand: how rare it is, is a logarithm.
    fn holding(&self, phrase: &str, most: u64) -> Result<u64> {
        let sql = "SELECT count(*), max(id) FROM
            (SELECT rowid AS id FROM passage_terms WHERE passage_terms MATCH ?1 LIMIT ?2)";
        let most = i64::try_from(most).unwrap_or(i64::MAX);
        let (counted, last): (i64, Option<i64>) = self
            .db
            .prepare_cached(sql)?
            .query_row((format!("terms : {phrase}"), most), |row| Ok((row.get(0)?, row.get(1)?)))?;
        let Some(last) = last else { return Ok(0) };
        if counted < most {
            return Ok(counted.unsigned_abs());
        }
        let sql = "SELECT (SELECT min(id) FROM passage), (SELECT max(id) FROM passage)";
        let (lowest, highest): (i64, i64) =
            self.db.prepare_cached(sql)?.query_row([], |row| Ok((row.get(0)?, row.get(1)?)))?;
        let counted = counted.unsigned_abs();
        Ok(estimated(counted, last - lowest, highest - lowest).max(counted))
    }

    /// The `k` best rows of an expression that the filter admits.
    fn best(&self, expression: &str, weights: &[u8], filter: &SearchFilter, k: usize) -> Result<Vec<TextHit>> {
        let sql = "SELECT rowid, weighted_bm25(passage_terms, ?2) AS score FROM passage_terms
            WHERE passage_terms MATCH ?1 ORDER BY score DESC, rowid LIMIT ?3";
        let mut ranked = self.db.prepare_cached(sql)?;
        // What the index cannot know (removed, for one question only) is asked of the tables, best first. Should that
        // leave too few, more are fetched: no passage that passes the filter loses its place to one that does not.
        let mut limit = k.saturating_mul(2).saturating_add(16);
        loop {
            let mut rows = ranked.query((expression, weights, i64::try_from(limit).unwrap_or(i64::MAX)))?;
            let (mut hits, mut seen) = (Vec::new(), 0);
            while let Some(row) = rows.next()? {
                seen += 1;
                let passage = PassageId(row.get(0)?);
                if hits.len() < k && self.may_be_found(passage, filter)? {
                    hits.push(TextHit { passage, score: row.get::<_, f64>(1)? as f32 });
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
        super::vocabulary::refill(self.db)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_chosen_by_what_few_have_or_by_what_stands_together() {
        let phrase = |holding| Phrase { text: String::new(), weight: 1.0, holding };
        let chosen = |holding: &[u64], budget| {
            selecting(&holding.iter().map(|n| phrase(*n)).collect::<Vec<_>>(), 1_000_000, budget)
        };
        assert_eq!(chosen(&[5_000, 2_000_000], 8_000), (1, false));
        assert_eq!(chosen(&[3_000, 4_000, 500_000], 8_000), (2, false));
        assert_eq!(chosen(&[100_000, 200_000, 300_000, 900_000], 8_000), (3, true));
        assert_eq!(chosen(&[100_000, 200_000], 800_000), (2, false));
        assert_eq!((chosen(&[900_000], 8_000), chosen(&[900_000, 900_000], 8_000)), ((1, false), (2, true)));
    }

    #[test]
    fn what_stands_as_close_to_the_end_is_counted_from_the_first() {
        assert_eq!(estimated(20_000, 99_999, 999_999), 200_000);
        assert_eq!(estimated(20_000, 999_999, 999_999), 20_000);
        assert_eq!(estimated(20_000, 0, -1), 20_000);
    }
}

//! Words of a question that stand nowhere, and the words that they may be misspellings of. What words there are comes from
//! outside.

use crate::query::Query;
use std::ops::Range;

/// A word may be a misspelling from this many letters on.
const SHORTEST: usize = 4;
/// From this many letters on two slips are forgiven.
const LONG: usize = 8;

/// A word of a question that may be misspelled.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Doubtful {
    /// The term, as [`crate::terms`] writes it.
    pub term: String,
    /// The letter that its right spelling begins with: few slips are made in the first.
    pub first: char,
    /// How many bytes its right spelling may have.
    pub bytes: Range<usize>,
}

/// The terms of a question that may be misspellings. Figures and identifiers are not: what differs from them in one
/// character is another thing.
pub fn doubtful(query: &Query) -> Vec<Doubtful> {
    let spelled = |term: &&crate::query::QueryTerm| {
        !term.prefix && term.text.chars().all(char::is_alphabetic) && term.text.chars().count() >= SHORTEST
    };
    let terms = query.terms.iter().filter(spelled);
    terms
        .filter_map(|term| {
            let (first, slips) = (term.text.chars().next()?, slips(&term.text));
            let bytes = term.text.len().saturating_sub(2 * slips)..term.text.len() + 2 * slips + 1;
            Some(Doubtful { term: term.text.clone(), first, bytes })
        })
        .collect()
}

/// The word among `known`, each with the number of passages that have it, that a term is most likely a misspelling of: the
/// one with the fewest slips, and of those the most frequent.
pub fn nearest<'a>(term: &str, known: impl IntoIterator<Item = (&'a str, u64)>) -> Option<&'a str> {
    let most = slips(term);
    let letters: Vec<char> = term.chars().collect();
    let near =
        known.into_iter().filter(|(word, _)| word.chars().all(char::is_alphabetic)).filter_map(|(word, times)| {
            let distance = distance(&letters, &word.chars().collect::<Vec<_>>());
            (1..=most).contains(&distance).then_some((distance, std::cmp::Reverse(times), word))
        });
    near.min().map(|(.., word)| word)
}

impl Query {
    /// The same question with terms in place of others that stand nowhere.
    pub fn respelled(&self, words: &[(String, String)]) -> Self {
        let right = |term: &String| words.iter().find(|(wrong, _)| wrong == term).map(|(_, right)| right.clone());
        let mut query = self.clone();
        for term in query.terms.iter_mut().map(|term| &mut term.text).chain(query.phrases.iter_mut().flatten()) {
            if let Some(right) = right(term) {
                *term = right;
            }
        }
        query
    }
}

fn slips(term: &str) -> usize {
    if term.chars().count() < LONG { 1 } else { 2 }
}

/// How many letters must be put in, left out, changed, or changed places with their neighbour (optimal string alignment:
/// Damerau 1964, with no stretch edited twice).
fn distance(a: &[char], b: &[char]) -> usize {
    let (mut before, mut last) = (vec![0; b.len() + 1], (0..=b.len()).collect::<Vec<usize>>());
    for (i, x) in a.iter().enumerate() {
        let mut row = vec![i + 1; b.len() + 1];
        for (j, y) in b.iter().enumerate() {
            let mut least = (last[j] + usize::from(x != y)).min(last[j + 1] + 1).min(row[j] + 1);
            if i > 0 && j > 0 && a[i - 1] == *y && b[j - 1] == *x {
                least = least.min(before[j - 1] + 1);
            }
            row[j + 1] = least;
        }
        before = std::mem::replace(&mut last, row);
    }
    last[b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::understand;

    #[test]
    fn words_are_taken_for_those_that_they_are_nearest_to() {
        let known =
            [("vacat", 3), ("locat", 9), ("vacuum", 2), ("lindqvist", 1), ("linguist", 4), ("pump", 7), ("bump", 9)];
        for (wrong, right) in [
            ("vactat", Some("vacat")),
            ("vcaat", Some("vacat")),
            ("lindquist", Some("lindqvist")),
            ("xylophon", None),
            ("pupm", Some("pump")),
            ("pump", None),
        ] {
            assert_eq!(nearest(wrong, known), right, "{wrong}");
        }
    }

    #[test]
    fn figures_identifiers_and_short_words_are_not_doubted() {
        let query = understand("Is D3-14 set to 4500 or 450 psi at the compresor?", &[]);
        let terms: Vec<String> = doubtful(&query).into_iter().map(|one| one.term).collect();
        assert_eq!(terms.len(), 1, "{terms:?}");
        let query = query.respelled(&[(terms[0].clone(), "compressor".to_owned())]);
        assert!(query.terms.iter().any(|term| term.text == "compressor"));
        assert!(query.text.contains("compresor"), "what was asked stays as it was asked");
    }
}

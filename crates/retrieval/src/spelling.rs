//! Words of a question that stand nowhere, and the words that they may be misspellings of. What words there are comes from
//! outside.

use crate::fold::script;
use crate::query::Query;
use crate::terms::tokens;
use std::ops::Range;

/// A word may be a misspelling from this many letters on; one of just so many only where two neighbours changed places.
const SHORTEST: usize = 4;
/// From this many letters on two slips are forgiven.
const LONG: usize = 8;
/// What a word that was read otherwise than it stands in the question counts of one that was not.
const READ_AS: f32 = 0.8;

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

/// A word of a question that was read as another, both as they are written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReadAs {
    /// As the question has it.
    pub asked: String,
    /// The term that it was read as, as [`crate::terms`] writes it.
    pub term: String,
}

/// The terms of a question that may be misspellings. Figures and identifiers are not: what differs from them in one
/// character is another thing. Nor are pairs of characters, which are no words.
pub fn doubtful(query: &Query) -> Vec<Doubtful> {
    let spelled = |term: &&crate::query::QueryTerm| {
        !term.prefix
            && term.text.chars().all(|c| c.is_alphabetic() && !script(c).in_pairs())
            && term.text.chars().count() >= SHORTEST
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

/// The words among `known` that a term may be a misspelling of, each with the number of slips, the fewest first. A word that
/// only goes on longer or ends sooner is another form or another word, and no misspelling.
pub fn nearest<'a>(term: &str, known: impl IntoIterator<Item = &'a str>) -> Vec<(usize, &'a str)> {
    let most = slips(term);
    let letters: Vec<char> = term.chars().collect();
    let mut sorted = letters.clone();
    sorted.sort_unstable();
    let near = known.into_iter().filter(|word| word.chars().all(char::is_alphabetic)).filter_map(|word| {
        if word.starts_with(term) || term.starts_with(word) {
            return None;
        }
        let mut other: Vec<char> = word.chars().collect();
        let distance = distance(&letters, &other);
        other.sort_unstable();
        let sure = letters.len() > SHORTEST || other == sorted;
        (sure && (1..=most).contains(&distance)).then_some((distance, word))
    });
    let mut near: Vec<_> = near.collect();
    near.sort_unstable();
    near
}

/// How a term stands in a text, where it does.
pub fn written<'a>(term: &str, text: &'a str) -> Option<&'a str> {
    let token = tokens(text).into_iter().find(|token| token.term == term)?;
    text.get(token.start..token.end)
}

impl Query {
    /// The same question with terms in place of others that stand nowhere, and what was read as what.
    pub fn respelled(&self, words: &[(String, String)]) -> (Self, Vec<ReadAs>) {
        let right = |term: &String| words.iter().find(|(wrong, _)| wrong == term).map(|(_, right)| right.clone());
        let mut query = Self { terms: Vec::with_capacity(self.terms.len()), ..self.clone() };
        let mut read = Vec::new();
        for term in &self.terms {
            let mut term = term.clone();
            if let Some(right) = right(&term.text) {
                let asked = written(&term.text, &self.text).unwrap_or(&term.text).to_owned();
                read.push(ReadAs { asked, term: right.clone() });
                term.weight *= READ_AS;
                term.text = right;
            }
            // Each once: the right spelling may stand in the question too.
            match query.terms.iter_mut().find(|known| known.text == term.text) {
                Some(known) => known.weight = known.weight.max(term.weight),
                None => query.terms.push(term),
            }
        }
        for term in query.phrases.iter_mut().flatten() {
            if let Some(right) = right(term) {
                *term = right;
            }
        }
        (query, read)
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
        let known = ["vacat", "locat", "vacuum", "lindqvist", "linguist", "pump", "bump"];
        for (wrong, right) in [
            ("vactat", Some("vacat")),
            ("vcaat", Some("vacat")),
            ("lindquist", Some("lindqvist")),
            ("xylophon", None),
            ("pupm", Some("pump")),
            ("pump", None),
            ("bomp", None),
            ("vacua", None),
            ("vacuums", None),
        ] {
            assert_eq!(nearest(wrong, known).first().map(|(_, word)| *word), right, "{wrong}");
        }
    }

    #[test]
    fn figures_identifiers_and_short_words_are_not_doubted() {
        let query = understand("Is D3-14 set to 4500 or 450 psi at the compresor?", &[]);
        let terms: Vec<String> = doubtful(&query).into_iter().map(|one| one.term).collect();
        assert_eq!(terms.len(), 1, "{terms:?}");
        let (query, read) = query.respelled(&[(terms[0].clone(), "compressor".to_owned())]);
        assert!(query.terms.iter().any(|term| term.text == "compressor" && term.weight < 1.0));
        assert_eq!(read, [ReadAs { asked: "compresor".into(), term: "compressor".into() }]);
        assert_eq!(written("compressor", "Two Compressors hum."), Some("Compressors"));
        assert!(doubtful(&understand("ภาษาไทย 北京大学 สัญญา", &[])).is_empty());
        assert!(query.text.contains("compresor"), "what was asked stays as it was asked");
    }
}

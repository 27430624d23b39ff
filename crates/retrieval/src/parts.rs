//! Who did what to whom, as far as the order of words shows it: names that have changed parts between two sentences, and
//! what one sentence says of another thing. No grammar is parsed; where the order may be read both ways nothing is said.

use crate::differ::swaps;
use crate::facts::{Name, names};
use crate::fold::{fold, main_script};
use crate::terms::{Token, TokenKind, tokens};
use crate::words::is_stop;

/// A sentence with its words and names.
pub(crate) struct Said<'a> {
    pub(crate) text: &'a str,
    tokens: Vec<Token>,
    folded: Vec<String>,
    names: Vec<Name>,
}

/// What is said of one is said of the other in the source.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Other {
    pub(crate) mine: String,
    pub(crate) theirs: String,
}

/// Words further apart than this are not read as one clause.
const REACH: usize = 12;
/// Words behind a preposition that still belong to what it governs.
const GOVERNED: usize = 6;

/// The doer stands behind one of these where a sentence is passive.
const BY: &[&str] = &["by", "von", "durch", "par", "por"];
/// Prepositions that give what stands behind them a part of its own; places and times are none.
const PARTS: &[&str] = &["of", "to", "from", "by", "for", "against", "over", "von", "an", "fur", "gegen", "durch"];
const ARTICLES: &[&str] = &["the", "a", "an", "der", "die", "das", "den", "dem", "le", "la", "les", "el", "los"];
/// Words that begin another clause, or join two names to one part.
const BORDERS: &[&str] = &[
    "and", "or", "but", "who", "whom", "whose", "which", "that", "while", "when", "where", "as", "than", "if",
    "because", "although", "und", "oder", "aber", "dass", "et", "ou", "y", "o", "e",
];
/// What both do alike, whichever is named first.
const BOTH: &[&str] = &[
    "with",
    "between",
    "versus",
    "vs",
    "met",
    "meet",
    "meets",
    "married",
    "marries",
    "marry",
    "wed",
    "merged",
    "merge",
    "played",
    "plays",
    "play",
    "faced",
    "faces",
    "borders",
    "bordered",
    "joined",
    "differs",
    "differ",
    "resembles",
    "resemble",
    "equals",
    "equal",
    "near",
    "is",
    "are",
    "was",
    "were",
    "called",
    "named",
    "known",
    "became",
    "becomes",
];

impl<'a> Said<'a> {
    pub(crate) fn new(text: &'a str, known: &dyn Fn(&str) -> bool) -> Self {
        let tokens: Vec<Token> = tokens(text).into_iter().filter(|token| token.kind != TokenKind::Part).collect();
        let folded = tokens.iter().map(|t| fold(text.get(t.start..t.end).unwrap_or(""))).collect();
        let names = if main_script(text).in_pairs() { Vec::new() } else { names(text, known) };
        Self { text, tokens, folded, names }
    }

    fn word(&self, at: usize) -> &str {
        self.folded.get(at).map_or("", String::as_str)
    }

    /// Where the last word of a name stands.
    fn places(&self, name: &Name) -> Vec<usize> {
        let Some(last) = name.terms.last() else { return Vec::new() };
        (0..self.tokens.len()).filter(|at| self.tokens.get(*at).is_some_and(|token| token.term == *last)).collect()
    }

    /// The token that stands at or first behind a byte.
    fn at(&self, byte: usize) -> usize {
        self.tokens.partition_point(|token| token.end <= byte)
    }

    /// Whether the words between two tokens are of one clause.
    fn one_clause(&self, from: usize, to: usize) -> bool {
        let between = match (self.tokens.get(from), self.tokens.get(to)) {
            (Some(a), Some(b)) => self.text.get(a.end..b.start).unwrap_or(","),
            _ => ",",
        };
        to.abs_diff(from) <= REACH
            && !between.contains([',', ';', ':', '(', ')', '—', '–', '"', '“', '”'])
            && !(from + 1..to).any(|at| BORDERS.contains(&self.word(at)))
    }

    /// Whether the doer's word stands before a token, with an article between at most.
    fn done_by(&self, mut at: usize) -> bool {
        // The name may have words before its last one.
        while let Some(before) = at.checked_sub(1) {
            at = before;
            if BY.contains(&self.word(at)) {
                return true;
            }
            let capital = self.tokens.get(at).and_then(|t| self.text.get(t.start..)?.chars().next());
            if !ARTICLES.contains(&self.word(at)) && !capital.is_some_and(char::is_uppercase) {
                return false;
            }
        }
        false
    }
}

/// Two names that have changed places around the same word: "A sued B" where the source says "B sued A".
pub(crate) fn turned(claim: &Said<'_>, source: &Said<'_>) -> Option<Other> {
    for (i, a) in claim.names.iter().enumerate() {
        for b in claim.names.iter().skip(i + 1) {
            let (from, to) = (claim.at(a.range.end).saturating_sub(1), claim.at(b.range.start));
            if from >= to || !claim.one_clause(from, to) || a.terms.last() == b.terms.last() {
                continue;
            }
            if (from + 1..to).any(|at| BOTH.contains(&claim.word(at))) {
                continue;
            }
            let (of_a, of_b) = (source.places(a), source.places(b));
            let between: Vec<&Token> = (from + 1..to)
                .filter(|at| !is_stop(claim.word(*at)))
                .filter_map(|at| claim.tokens.get(at))
                .filter(|token| !b.terms.contains(&token.term))
                .collect();
            // All that is said between them must stand between them there, the other way round, and nowhere this way.
            let stands = |first: &[usize], last: &[usize], token: &Token| {
                let mut there = (0..source.tokens.len())
                    .filter(|at| source.tokens.get(*at).is_some_and(|there| there.term == token.term));
                there.find_map(|v| {
                    let one = *first.iter().rev().find(|at| **at < v)?;
                    let other = *last.iter().find(|at| **at > v)?;
                    Some((one, other))
                })
            };
            let Some(first_of) = between.first() else { continue };
            if between.iter().any(|token| stands(&of_a, &of_b, token).is_some())
                || !between.iter().all(|token| stands(&of_b, &of_a, token).is_some())
            {
                continue;
            }
            let Some((first, last)) = stands(&of_b, &of_a, first_of) else { continue };
            let end_of_b = claim.at(b.range.end).saturating_sub(1);
            if source.one_clause(first, last) && claim.done_by(end_of_b) == source.done_by(last) {
                return Some(Other { mine: a.text.clone(), theirs: b.text.clone() });
            }
        }
    }
    None
}

/// A name behind a word and a preposition, where the source has another name behind the same two and this one in another
/// part: "in favour of A" where the source says "in favour of B ... against A".
pub(crate) fn other_part(claim: &Said<'_>, source: &Said<'_>) -> Option<Other> {
    claim.names.iter().find_map(|name| {
        let mut before = claim.at(name.range.start).checked_sub(1)?;
        while ARTICLES.contains(&claim.word(before)) {
            before = before.checked_sub(1)?;
        }
        let preposition = claim.word(before);
        let governing = claim.tokens.get(before.checked_sub(1)?)?;
        if !PARTS.contains(&preposition) || is_stop(claim.word(before - 1)) || source.places(name).is_empty() {
            return None;
        }
        let mut found = None;
        for at in 0..source.tokens.len().saturating_sub(2) {
            if source.tokens.get(at)?.term != governing.term || source.word(at + 1) != preposition {
                continue;
            }
            let window = at + 2..(at + 2 + GOVERNED).min(source.tokens.len());
            let mut other = None;
            for (place, token) in window.clone().filter_map(|place| Some((place, source.tokens.get(place)?))) {
                if name.terms.contains(&token.term) {
                    // It is the same part after all, perhaps beside others.
                    return None;
                }
                if place > window.start && PARTS.contains(&source.word(place)) && source.word(place) != "of" {
                    break;
                }
                if other.is_none() && !ARTICLES.contains(&source.word(place)) {
                    other = source.names.iter().find(|n| n.range.start <= token.start && token.end <= n.range.end);
                    if other.is_none() {
                        break;
                    }
                }
            }
            found = found.or(other);
        }
        let other = found.filter(|other| !other.terms.iter().any(|term| name.terms.contains(term)))?;
        Some(Other { mine: name.text.clone(), theirs: other.text.clone() })
    })
}

/// What the source says of another thing: the same words, but for a thing in whose place the source has one that the claim
/// does not name. `elsewhere` tells of a term whether other sentences that the claim is laid on have it and this one has
/// not. Names and figures are compared elsewhere; what may be another word for the same thing stands in no other sentence.
pub(crate) fn of_another(
    claim: &Said<'_>,
    source: &Said<'_>,
    share: f32,
    elsewhere: &dyn Fn(&str) -> bool,
) -> Option<Other> {
    let content = |said: &Said<'_>, range: &std::ops::Range<usize>| -> Vec<String> {
        let of = said.tokens.iter().zip(&said.folded);
        of.filter(|(t, word)| {
            range.start <= t.start && t.end <= range.end && !is_stop(word) && t.kind == TokenKind::Word
        })
        .map(|(t, _)| t.term.clone())
        .collect()
    };
    swaps(claim.text, source.text, share).into_iter().find_map(|swap| {
        let (mine, theirs) = (content(claim, &swap.mine), content(source, &swap.theirs));
        let named = |said: &Said<'_>, range: &std::ops::Range<usize>| {
            said.names.iter().any(|n| n.range.start < range.end && range.start < n.range.end)
        };
        let one_word = mine.len() == 1 && theirs.len() == 1;
        let told = one_word && mine.iter().all(|term| elsewhere(term));
        let fresh = !theirs.iter().any(|term| claim.tokens.iter().any(|t| t.term == *term));
        if !told || !fresh || named(claim, &swap.mine) || named(source, &swap.theirs) {
            return None;
        }
        let text = |said: &Said<'_>, range: std::ops::Range<usize>| said.text.get(range).unwrap_or("").to_owned();
        Some(Other { mine: text(claim, swap.mine), theirs: text(source, swap.theirs) })
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(text: &str) -> Said<'_> {
        Said::new(text, &|term| ["epic", "appl", "borealis", "acm", "ada", "bob"].contains(&term))
    }

    fn check(claim: &str, source: &str, expect: bool) {
        let (claim, source) = (said(claim), said(source));
        let found = turned(&claim, &source).or_else(|| other_part(&claim, &source));
        assert_eq!(found.is_some(), expect, "{} / {}: {found:?}", claim.text, source.text);
    }

    #[test]
    fn names_that_have_changed_parts_are_seen() {
        check("Epic sued Apple in 2020.", "Apple sued Epic in 2020.", true);
        check("Apple was sued by Epic.", "Epic was sued by Apple.", true);
        check(
            "The court ruled in favour of Epic.",
            "The court ruled in favour of the Company on nine counts against Epic.",
            true,
        );
        check("Borealis sold the plant to Acme.", "Acme sold the plant to Borealis.", true);
        check("The shares went from Acme to Borealis.", "The shares went from Borealis to Acme.", true);
    }

    #[test]
    fn the_same_parts_in_another_order_are_left_alone() {
        check("Apple was sued by Epic.", "Epic sued Apple.", false);
        check("Epic sued Apple.", "Apple was sued by Epic.", false);
        check("Borealis merged with Acme.", "Acme merged with Borealis.", false);
        check("Ada met Bob.", "Bob met Ada.", false);
        check("Ada and Bob founded Acme.", "Acme was founded by Bob and Ada.", false);
        check("A book of Ada won.", "The book of the writer Ada won.", false);
        check("The court ruled in favour of Epic.", "The court ruled in favour of Apple and Epic.", false);
        check("Epic, which sued Apple, lost.", "Apple lost to Epic.", false);
    }
}

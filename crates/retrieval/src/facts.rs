//! Names in a sentence: capitalized runs and identifiers. What they name is not known here.

use crate::fold::{fold, is_word};
use crate::terms::{TokenKind, tokens};
use crate::words::is_stop;
use std::ops::Range;

/// A name with the terms that its words make.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Name {
    pub(crate) text: String,
    pub(crate) range: Range<usize>,
    /// The terms of its content words.
    pub(crate) terms: Vec<String>,
    /// Letters with digits, such as "D3-14".
    pub(crate) identifier: bool,
}

/// The capitalized runs and identifiers of a text, in order. A lone capitalized word that begins a sentence counts only
/// where `known` says that it is a name (it stands with a capital inside some source).
pub(crate) fn names(text: &str, known: &dyn Fn(&str) -> bool) -> Vec<Name> {
    let mut found: Vec<Name> = Vec::new();
    if !text.chars().any(char::is_lowercase) {
        return found;
    }
    let mut run: Option<Run> = None;
    let mut begins = true;
    for (start, word) in split(text) {
        let bare = word.trim_end_matches("'s").trim_end_matches("’s");
        let folded = fold(bare);
        let first = bare.chars().next().unwrap_or(' ');
        let digits = bare.chars().any(|c| c.is_ascii_digit());
        let letters = bare.chars().any(char::is_alphabetic);
        let capital = first.is_uppercase();
        let identifier = digits && letters && bare.chars().any(char::is_uppercase);
        // "I've", "We'll": spoken, and nobody's name.
        let tail = folded.rsplit_once(['\'', '’']).map(|(_, tail)| tail);
        let spoken = tail.is_some_and(|tail| ["ve", "m", "ll", "d", "re", "t"].contains(&tail));
        let acronym = bare.len() >= 2 && bare.chars().all(|c| c.is_uppercase() || c == '.');
        let end = start + bare.len();
        let joins = matches!(folded.as_str(), "of" | "the" | "de" | "van" | "von" | "der" | "la" | "al" | "bin" | "du");
        let gap = run.as_ref().and_then(|r: &Run| text.get(r.end..start)).unwrap_or(" ");
        let broken = gap.starts_with(['\'', '’'])
            || gap.contains([',', ';', ':', '(', ')', '"', '“', '”', '/', '!', '?', '\t', '\n'])
            || gap.contains(". ");
        if broken {
            close(text, &mut run, &mut found, known);
        }
        if identifier || (capital && !spoken && (!is_stop(&folded) || acronym)) {
            match &mut run {
                Some(open) => {
                    open.end = end;
                    open.words += 1;
                    open.identifier |= identifier;
                }
                None => run = Some(Run { start, end, words: 1, begins, identifier, acronym }),
            }
        } else if !(joins && !broken && run.as_ref().is_some_and(|open| !open.identifier)) {
            close(text, &mut run, &mut found, known);
        }
        begins = text.get(end..).is_some_and(|rest| rest.starts_with([':', '"', '“']));
    }
    close(text, &mut run, &mut found, known);
    found
}

struct Run {
    start: usize,
    end: usize,
    words: usize,
    begins: bool,
    identifier: bool,
    acronym: bool,
}

fn close(text: &str, run: &mut Option<Run>, found: &mut Vec<Name>, known: &dyn Fn(&str) -> bool) {
    let Some(run) = run.take() else { return };
    let Some(surface) = text.get(run.start..run.end) else { return };
    let terms: Vec<String> = tokens(surface)
        .into_iter()
        .filter(|token| {
            let small = surface
                .get(token.start..token.end)
                .is_some_and(|s| is_stop(&fold(s)) && s.chars().any(char::is_lowercase));
            let whole = token.kind == TokenKind::Whole;
            !small
                && if run.identifier {
                    token.kind != TokenKind::Part
                } else {
                    !whole || token.term.bytes().any(|b| b.is_ascii_digit())
                }
        })
        .map(|token| token.term)
        .collect();
    if terms.is_empty() || crate::figures::figures(surface).dates.iter().any(|_| true) || is_calendar(surface) {
        return;
    }
    if run.words == 1 && run.begins && !run.identifier && !run.acronym && !terms.iter().all(|term| known(term)) {
        return;
    }
    found.push(Name {
        text: surface.to_owned(),
        range: run.start..run.end,
        terms,
        identifier: run.identifier && run.words == 1,
    });
}

fn is_calendar(surface: &str) -> bool {
    const WORDS: &[&str] = &[
        "monday",
        "tuesday",
        "wednesday",
        "thursday",
        "friday",
        "saturday",
        "sunday",
        "january",
        "february",
        "march",
        "april",
        "may",
        "june",
        "july",
        "august",
        "september",
        "october",
        "november",
        "december",
        "q1",
        "q2",
        "q3",
        "q4",
        "i",
    ];
    WORDS.contains(&fold(surface).as_str())
}

/// Words with their places; joiners inside a word belong to it.
fn split(text: &str) -> Vec<(usize, &str)> {
    let mut words = Vec::new();
    let mut from: Option<usize> = None;
    for (at, c) in text.char_indices() {
        let inside = is_word(c)
            || (matches!(c, '-' | '\'' | '’' | '.' | '&')
                && text.get(at + c.len_utf8()..).and_then(|t| t.chars().next()).is_some_and(is_word)
                && from.is_some());
        match (inside, from) {
            (true, None) => from = Some(at),
            (false, Some(start)) => {
                words.extend(text.get(start..at).map(|word| (start, word)));
                from = None;
            }
            _ => {}
        }
    }
    if let Some(start) = from {
        words.extend(text.get(start..).map(|word| (start, word)));
    }
    words
}

/// Words at the end of a company's name that sources leave out.
const FORMS: &[&str] =
    &["inc", "ltd", "limit", "corp", "corporation", "co", "compani", "llc", "plc", "gmbh", "ag", "sa", "nv", "group"];

impl Name {
    /// Whether a text whose terms `held` knows holds this name: most of its words, the last one among them.
    pub(crate) fn stands(&self, held: &dyn Fn(&str) -> bool) -> bool {
        let mut terms: Vec<&str> = self.terms.iter().map(String::as_str).collect();
        while terms.len() > 1 && terms.last().is_some_and(|term| FORMS.contains(term)) {
            terms.pop();
        }
        let count = terms.iter().filter(|term| held(term)).count();
        let last = terms.last().is_none_or(|term| held(term));
        if self.identifier { count == terms.len() } else { last && count * 2 >= terms.len() }
    }

    /// The first letters of its words, lower case: "World Health Organization" is "who".
    pub(crate) fn initials(&self) -> String {
        let firsts = self.text.split([' ', '-']).filter_map(|word| word.chars().next());
        firsts.filter(|c| c.is_uppercase()).flat_map(char::to_lowercase).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &[&str]) {
        let found: Vec<String> = names(text, &|term| term == "borealis").into_iter().map(|name| name.text).collect();
        assert_eq!(found, expect, "{text}");
    }

    #[test]
    fn what_is_spoken_is_nobodys_name() {
        check("He said: I've met O'Neill, and We'll see.", &["O'Neill"]);
    }

    #[test]
    fn capitalized_runs_are_names() {
        check("The contract with Ada Stern and the Bank of England ended.", &["Ada Stern", "Bank of England"]);
        check("Revenue rose at Acme, Borealis and Cobalt.", &["Acme", "Borealis", "Cobalt"]);
        check("Borealis paid. ", &["Borealis"]);
        check("Sales rose in March 2020 on Monday.", &[]);
        check("Part D3-14 of NASA's plan", &["Part D3-14", "NASA"]);
    }
}

//! An answer taken apart into the sentences that claim something, and the texts an embedder may be asked for. Whether a
//! claim holds is judged in `verify`.

use crate::align::{Evidence, NEAREST};
use crate::figures::{Figures, figures};
use crate::fold::fold;
use crate::sentences::{bullet_len, citation_marks, sentences};
use crate::terms::{Token, TokenKind, tokens};
use crate::words::is_stop;
use hearth_domain::Span;
use std::ops::Range;

/// A passage that an answer may rest on.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Source<'a> {
    /// Where the passage stands; `text` is exactly these bytes.
    pub span: Span,
    /// The passage.
    pub text: &'a str,
    /// What its document is called.
    pub title: &'a str,
    /// The headings above it and the row that names a table's columns.
    pub context: &'a [String],
}

/// One sentence that claims something.
#[derive(Debug, Clone)]
pub(crate) struct Claim {
    /// Bytes of the answer.
    pub(crate) range: Range<usize>,
    /// The sentence without list marks, emphasis and citation marks.
    pub(crate) text: String,
    /// Its content tokens, places in `text`.
    pub(crate) tokens: Vec<Token>,
    /// Its figures and dates, places in `text`.
    pub(crate) figures: Figures,
}

/// Every sentence of an answer that claims something. Questions, greetings, headings, lead-ins that end in a colon,
/// remarks about the documents themselves ("The documents do not say ...") and sentences without content are not claims.
pub(crate) fn claims(answer: &str) -> Vec<Claim> {
    let mut found = Vec::new();
    for range in sentences(answer) {
        let Some(sentence) = answer.get(range.clone()) else { continue };
        let text = plain(sentence);
        let folded = fold(&text);
        if sentence.trim_start().starts_with('#') || text.ends_with([':', '?', '：', '？']) || is_remark(&folded) {
            continue;
        }
        let tokens = content(&text);
        if !tokens.is_empty() {
            let figures = figures(&text);
            found.push(Claim { range, text, tokens, figures });
        }
    }
    found
}

/// The texts to embed before `verify`: each claim, and the pieces of evidence that its words lead to. Exactly the strings
/// that `verify` asks a [`crate::Similarity`] about; each once, at most `limit`.
pub fn texts_wanted(answer: &str, sources: &[Source<'_>], limit: usize) -> Vec<String> {
    let evidence = Evidence::new(sources);
    let mut wanted: Vec<String> = Vec::new();
    let claims = claims(answer);
    let each = (limit.saturating_sub(claims.len()) / claims.len().max(1)).clamp(1, NEAREST);
    let add = |text: &str, wanted: &mut Vec<String>| {
        if wanted.len() < limit && !wanted.iter().any(|known| known == text) {
            wanted.push(text.to_owned());
        }
    };
    for claim in &claims {
        add(&claim.text, &mut wanted);
        for unit in evidence.nearest(claim, each) {
            add(evidence.text(unit), &mut wanted);
        }
    }
    wanted
}

/// A sentence without its list mark, emphasis and citation marks.
fn plain(sentence: &str) -> String {
    let sentence = sentence.trim();
    let sentence = sentence.get(bullet_len(sentence)..).unwrap_or(sentence);
    let mut text = String::with_capacity(sentence.len());
    let mut rest = sentence;
    while let Some(c) = rest.chars().next() {
        let marks = if c == '[' || c == ' ' { citation_marks(rest) } else { 0 };
        if marks > 0 {
            rest = rest.get(marks..).unwrap_or("");
            continue;
        }
        let emphasis = matches!(c, '*' | '`') || (c == '_' && rest.starts_with("__"));
        if !emphasis {
            text.push(c);
        }
        rest = rest.get(c.len_utf8()..).unwrap_or("");
    }
    text.trim().to_owned()
}

const REMARKS: &[&str] = &[
    "i hope",
    "let me know",
    "feel free",
    "hello",
    "hi ",
    "hi!",
    "hi,",
    "sure",
    "certainly",
    "of course",
    "you're welcome",
    "thank you",
    "thanks",
    "here is",
    "here are",
    "here's",
    "i'm sorry",
    "i am sorry",
    "sorry",
    "i cannot",
    "i can't",
    "i do not",
    "i don't",
    "i am an ai",
    "as an ai",
    "please ",
    "in summary",
    "note:",
    "bitte",
    "gern",
    "leider kann ich",
    "lo siento",
    "desole",
];
const SILENCE: &[&str] = &[
    "documents do not",
    "document does not",
    "documents don't",
    "document doesn't",
    "sources do not",
    "source does not",
    "sources don't",
    "passages do not",
    "passage does not",
    "context does not",
    "text does not",
    "not mentioned in the",
    "not stated in the",
    "not provided in the",
    "no information",
    "not enough information",
    "dokumente sagen nicht",
    "nicht im text",
];

/// Sentences about the talk or about the documents, not about the world.
fn is_remark(folded: &str) -> bool {
    let words = folded.split_whitespace().count();
    let short = words <= 12;
    (REMARKS.iter().any(|start| folded.starts_with(start))
        && (short || folded.starts_with("i "))
        && !(folded.starts_with("in summary") && words > 5))
        || (SILENCE.iter().any(|part| folded.contains(part)) && words <= 30 && says_nothing(folded))
}

fn says_nothing(folded: &str) -> bool {
    [
        "say",
        "mention",
        "state",
        "contain",
        "provide",
        "specify",
        "information",
        "include",
        "give",
        "indicate",
        "answer",
        "sagen",
    ]
    .iter()
    .any(|verb| folded.contains(verb))
}

/// The tokens that say something: no grammar, no whole where its parts are there too.
pub(crate) fn content(text: &str) -> Vec<Token> {
    let all = tokens(text);
    all.into_iter()
        .filter(|token| {
            let surface = text.get(token.start..token.end).unwrap_or("");
            let folded = fold(surface);
            let grammar = is_stop(&folded)
                || is_stop(&token.term)
                || is_stop(folded.trim_end_matches("'s").trim_end_matches("’s"));
            let letters = surface.chars().filter(|c| c.is_alphabetic()).count();
            let acronym = letters >= 2 && surface.chars().all(|c| !c.is_lowercase()) && surface.is_ascii();
            // Joined words are judged by their parts, identifiers as a whole.
            let joined = token.kind == TokenKind::Whole && !token.term.bytes().any(|b| b.is_ascii_digit());
            let part_of_identifier = token.kind == TokenKind::Part && surface.chars().all(|c| c.is_ascii_digit());
            (!grammar || acronym) && !joined && !part_of_identifier && !FILLERS.contains(&folded.as_str())
        })
        .collect()
}

/// Words that answers use to point at their sources; no source says them.
const FILLERS: &[&str] = &[
    "according",
    "based",
    "document",
    "documents",
    "passage",
    "passages",
    "source",
    "sources",
    "provided",
    "text",
    "context",
    "states",
    "stated",
    "mentions",
    "mentioned",
    "says",
    "therefore",
    "additionally",
    "furthermore",
    "overall",
    "specifically",
    "respectively",
    "yes",
    "correct",
    "fine",
];

#[cfg(test)]
mod tests {
    use super::*;

    fn check(answer: &str, expect: &[&str]) {
        let found: Vec<String> = claims(answer).into_iter().map(|claim| claim.text).collect();
        assert_eq!(found, expect);
    }

    #[test]
    fn only_what_claims_something_is_a_claim() {
        check(
            "Based on the documents:\n- **Sales** rose 5% [1].\n- Costs fell [2][3].\nIs that all? I hope this helps!",
            &["Sales rose 5%.", "Costs fell."],
        );
        check("Hello! The documents do not mention a price.", &[]);
        check("Yes.", &[]);
        check("# Result\nAda Stern founded it.", &["Ada Stern founded it."]);
    }

    #[test]
    fn ranges_are_those_of_the_answer() {
        let answer = "Fine: no.\n2. Ada *founded* it [1]. Done?";
        let found = claims(answer);
        let slices: Vec<&str> = found.iter().filter_map(|claim| answer.get(claim.range.clone())).collect();
        assert_eq!(slices, ["2. Ada *founded* it [1]."]);
    }
}

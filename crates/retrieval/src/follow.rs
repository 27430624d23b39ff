//! Follow-up questions: "and the second one?", "what about 2023?". Completes them from the conversation; searches nothing.

use crate::fold::{fold, main_script};
use crate::query::Exchange;
use crate::terms::{TokenKind, terms, tokens};
use crate::words::{is_asking, is_stop};

/// A follow-up made whole.
pub(crate) struct Completed {
    pub(crate) text: String,
    /// The earlier question was asked again with one thing changed, so all of it counts in full.
    pub(crate) substituted: bool,
}

const OPENERS: &[&str] = &[
    "and ",
    "what about",
    "how about",
    "but ",
    "then ",
    "so ",
    "also ",
    "ok ",
    "or ",
    "same for",
    "why",
    "how so",
    "und ",
    "was ist mit",
    "et ",
    "y ",
    "e ",
    "а ",
    "и ",
    "那",
    "还有",
    "而",
    "แล้ว",
    "और ",
    "و ",
];
const POINTERS: &[&str] = &[
    "it",
    "its",
    "they",
    "them",
    "their",
    "theirs",
    "he",
    "him",
    "his",
    "she",
    "her",
    "that",
    "this",
    "these",
    "those",
    "there",
    "one",
    "ones",
    "same",
    "former",
    "latter",
    "other",
    "others",
    "previous",
    "above",
    "first",
    "second",
    "third",
    "last",
    "next",
    "er",
    "sie",
    "ihn",
    "dessen",
    "deren",
    "davon",
    "lui",
    "elle",
    "ello",
    "esto",
    "eso",
    "él",
    "он",
    "она",
    "оно",
    "они",
    "его",
    "ее",
    "их",
    "это",
    "этого",
];
const PAIR_POINTERS: &[&str] = &["它", "他", "她", "这个", "那个", "其", "第二", "第三", "มัน", "เขา"];
const DOCUMENT: &[&str] =
    &["document", "file", "page", "report", "contract", "paper", "text", "year", "quarter", "table"];

/// The question with what it leaves unsaid, or `None` where it stands by itself.
pub(crate) fn complete(asked: &str, history: &[Exchange]) -> Option<Completed> {
    let last = history.last()?;
    if asked.is_empty() || !leans(asked) {
        return None;
    }
    // The subject may be several follow-ups back: the nearest question that stands by itself, with what came after.
    let mut base = last.question.trim().to_owned();
    if leans(&base)
        && let Some((_, earlier)) = history.split_last()
        && let Some(done) = complete_within(&base, earlier, 4)
    {
        base = done;
    }
    if let Some(text) = substitute(asked, &base) {
        return Some(Completed { text, substituted: true });
    }
    let mut text = asked.trim_end_matches(['?', '？', ' ', '.']).to_owned();
    if let Some(item) = item_named(asked, &last.answer) {
        text.push_str(": ");
        text.push_str(&item);
    }
    let own = terms(asked);
    let carried: Vec<&str> =
        content_words(&base).into_iter().filter(|word| !terms(word).iter().any(|t| own.contains(t))).collect();
    if !carried.is_empty() {
        text.push_str(if main_script(asked).in_pairs() { "，" } else { ", " });
        text.push_str(&carried.join(" "));
    }
    Some(Completed { text, substituted: false })
}

fn complete_within(asked: &str, history: &[Exchange], depth: usize) -> Option<String> {
    if depth == 0 || !leans(asked) {
        return None;
    }
    let (last, earlier) = history.split_last()?;
    let mut base = last.question.trim().to_owned();
    if let Some(done) = complete_within(&base, earlier, depth - 1) {
        base = done;
    }
    substitute(asked, &base).or_else(|| {
        let own = terms(asked);
        let words: Vec<&str> =
            content_words(&base).into_iter().filter(|word| !terms(word).iter().any(|t| own.contains(t))).collect();
        Some(format!("{} {}", asked.trim_end_matches('?'), words.join(" ")))
    })
}

/// Whether a question cannot be understood alone.
fn leans(asked: &str) -> bool {
    let folded = fold(asked);
    let opened = OPENERS.iter().any(|opener| {
        let opener = fold(opener);
        folded.starts_with(&opener) || folded.trim_end_matches(['?', '.', '!']) == opener.trim()
    });
    let words: Vec<&str> = folded.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let content = content_words(asked).len();
    if main_script(asked).in_pairs() {
        let points = PAIR_POINTERS.iter().any(|word| asked.contains(word));
        return (points || opened) && asked.chars().filter(|c| c.is_alphanumeric()).count() <= 14;
    }
    let pointer = words.iter().any(|word| POINTERS.contains(word));
    // "What does this contract say": it points at the documents, not at the conversation.
    let at_document = words.windows(2).any(|pair| {
        matches!(pair, [a, b] if matches!(*a, "this" | "these" | "that" | "those" | "the" | "first" | "last") && DOCUMENT.contains(b))
    });
    let names = asked.split_whitespace().skip(1).any(|word| word.chars().next().is_some_and(char::is_uppercase));
    if opened && content <= 4 {
        return true;
    }
    if pointer && !at_document {
        return content <= if names { 2 } else { 5 };
    }
    content == 0 && words.len() <= 4
}

/// The words of a text that name things, as they are written.
pub(crate) fn content_words(text: &str) -> Vec<&str> {
    if main_script(text).in_pairs() {
        return vec![text.trim_matches(|c: char| !c.is_alphanumeric())].into_iter().filter(|t| !t.is_empty()).collect();
    }
    text.split_whitespace()
        .map(|word| word.trim_matches(|c: char| !c.is_alphanumeric()))
        .filter(|word| {
            let folded = fold(word.trim_end_matches("'s").trim_end_matches("’s"));
            !folded.is_empty() && !is_stop(&folded) && !is_asking(&folded) && !POINTERS.contains(&folded.as_str())
        })
        .collect()
}

/// "What about 2023?" after "What was the revenue in 2022?": the earlier question with the year changed. Only where the
/// new question brings nothing but that one thing.
fn substitute(asked: &str, base: &str) -> Option<String> {
    let fresh = content_words(asked);
    let number = |word: &str| tokens(word).first().is_some_and(|token| token.kind == TokenKind::Number);
    let [fresh] = fresh.as_slice() else { return None };
    if !number(fresh) {
        return None;
    }
    let olds: Vec<&str> =
        content_words(base).into_iter().filter(|word| number(word) && word.len() == fresh.len()).collect();
    match olds.as_slice() {
        [old] if old != fresh => Some(base.replacen(old, fresh, 1)),
        _ => None,
    }
}

/// "The second one": that item of the list in the answer before.
fn item_named(asked: &str, answer: &str) -> Option<String> {
    let folded = fold(asked);
    let place = ["first", "second", "third", "fourth", "fifth"]
        .iter()
        .position(|word| folded.split(|c: char| !c.is_alphanumeric()).any(|w| w == *word))?;
    let items: Vec<&str> = answer
        .lines()
        .map(str::trim)
        .filter(|line| {
            let rest = line.trim_start_matches(|c: char| c.is_ascii_digit());
            line.starts_with(['-', '*', '•']) || (rest.len() < line.len() && rest.starts_with(['.', ')']))
        })
        .collect();
    let item = items.get(place)?.trim_start_matches(|c: char| !c.is_alphabetic());
    let short: String = item.chars().take(120).collect();
    (!short.is_empty()).then_some(short)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(question: &str, answer: &str) -> Vec<Exchange> {
        vec![Exchange { question: question.into(), answer: answer.into() }]
    }

    fn check(asked: &str, history: &[Exchange], expect: Option<&str>) {
        assert_eq!(complete(asked, history).map(|done| done.text).as_deref(), expect, "{asked}");
    }

    #[test]
    fn a_year_is_changed_in_the_question_before() {
        let history = after("What was Apple's revenue in 2022?", "It was 394 billion.");
        check("What about 2023?", &history, Some("What was Apple's revenue in 2023?"));
    }

    #[test]
    fn an_item_of_the_answer_is_found_again() {
        let history = after("Which suppliers are named?", "1. Acme GmbH\n2. Borealis Ltd");
        let done = complete("And the second one?", &history).map(|done| done.text).unwrap_or_default();
        assert!(done.contains("Borealis") && done.contains("suppliers"), "{done}");
    }

    #[test]
    fn pronouns_take_their_subject_along() {
        let history = after("Who founded Borealis Ltd?", "Ada Stern.");
        let done = complete("When was it founded?", &history).map(|done| done.text).unwrap_or_default();
        assert!(done.contains("Borealis"), "{done}");
        let mut longer = history.clone();
        longer.push(Exchange { question: "When was it founded?".into(), answer: "1999".into() });
        let done = complete("And why?", &longer).map(|done| done.text).unwrap_or_default();
        assert!(done.contains("Borealis"), "{done}");
    }

    #[test]
    fn a_question_that_stands_alone_is_left_alone() {
        let history = after("Who founded Borealis Ltd?", "Ada Stern.");
        check("What is the notice period in the lease for Hamburg?", &history, None);
        check("What does this contract say about termination?", &history, None);
        check("and why?", &[], None);
    }
}

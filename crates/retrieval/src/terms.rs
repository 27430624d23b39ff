//! The one tokenizer of full text: the same words for passages and for questions. Not the models' tokenizer.
//!
//! Words are runs of letters, digits and marks, folded and lightly stemmed. Numbers lose their grouping ("82,959" is
//! "82959") and keep their decimals. Identifiers ("D3-14", "10-Q") stand whole, written together, and in parts.
//! Scripts without spaces are cut into overlapping pairs of characters.

use crate::fold::{Script, digit, fold, is_word, script};
use crate::stem::stem;

/// What a token is, for those who weigh it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum TokenKind {
    Word,
    Number,
    /// A name made of letters with digits or of joined parts, written together.
    Whole,
    /// One part of the whole before it.
    Part,
    Pair,
}

/// One term with the bytes that it was read from.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Token {
    pub(crate) term: String,
    pub(crate) start: usize,
    pub(crate) end: usize,
    pub(crate) kind: TokenKind,
}

/// The terms of a text, in order: used for indexing and for questions alike. No term contains whitespace.
pub fn terms(text: &str) -> Vec<String> {
    tokens(text).into_iter().map(|token| token.term).collect()
}

/// The text that the full-text index keeps for a passage: the terms of its title, of the headings above it and of the
/// passage itself, joined by spaces.
pub fn index_terms(passage_text: &str, context: &[String], title: &str) -> String {
    let mut joined = String::with_capacity(passage_text.len() + title.len() + 16);
    for part in std::iter::once(title).chain(context.iter().map(String::as_str)).chain([passage_text]) {
        for token in tokens(part) {
            if !joined.is_empty() {
                joined.push(' ');
            }
            joined.push_str(&token.term);
        }
    }
    joined
}

/// The longest word that is kept whole, in bytes; longer runs (encoded data) are cut.
const MAX_WORD_BYTES: usize = 96;

/// The terms of a text with their places.
pub(crate) fn tokens(text: &str) -> Vec<Token> {
    let mut found = Vec::with_capacity(text.len() / 5);
    let mut chars = text.char_indices().peekable();
    while let Some((start, c)) = chars.next() {
        if !is_word(c) {
            continue;
        }
        let pairs = script(c).in_pairs();
        let mut end = start + c.len_utf8();
        let mut joiners = false;
        while let Some(&(at, next)) = chars.peek() {
            if is_word(next) {
                // A run changes where a script in pairs begins or ends; marks and "other" go with what they follow.
                let next_script = script(next);
                if (next_script.in_pairs() != pairs) && next_script != Script::Other
                    || (pairs && next.is_ascii_alphanumeric())
                {
                    break;
                }
            } else if pairs || !joins(text, at, next, end) {
                break;
            } else {
                joiners = true;
            }
            end = at + next.len_utf8();
            chars.next();
            if end - start >= MAX_WORD_BYTES {
                break;
            }
        }
        let Some(run) = text.get(start..end) else { continue };
        if pairs {
            push_pairs(run, start, &mut found);
        } else if joiners {
            push_joined(run, start, text, &mut found);
        } else {
            push_word(run, start, text, &mut found);
        }
    }
    found
}

/// Whether the character at `at` holds the word before it and the word after it together.
fn joins(text: &str, at: usize, c: char, word_end: usize) -> bool {
    if !matches!(c, '-' | '\u{2010}' | '\u{2011}' | '.' | ',' | '\'' | '’' | '_' | '&' | '٫') || at != word_end {
        return false;
    }
    let before = text.get(..at).and_then(|t| t.chars().next_back());
    let after = text.get(at + c.len_utf8()..).and_then(|t| t.chars().next());
    let (Some(before), Some(after)) = (before, after) else { return false };
    if !is_word(after) || script(after).in_pairs() {
        return false;
    }
    match c {
        ',' | '٫' => digit(before).is_some() && digit(after).is_some(),
        '.' => digit(before).is_some() == digit(after).is_some(),
        _ => true,
    }
}

fn push_pairs(run: &str, start: usize, found: &mut Vec<Token>) {
    // Letters with the marks they carry; pairs of these overlap. A lone one stands for itself.
    let mut clusters: Vec<(usize, usize)> = Vec::with_capacity(run.len() / 3);
    for (at, c) in run.char_indices() {
        let mark = !matches!(c as u32, 0x3041..=0x3096 | 0x30A1..=0x30FA | 0x4E00..=0x9FFF | 0xE01..=0xE30 | 0xAC00..=0xD7A3)
            && unicode_normalization::char::is_combining_mark(c);
        match clusters.last_mut() {
            Some(last) if mark => last.1 = at + c.len_utf8(),
            _ => clusters.push((at, at + c.len_utf8())),
        }
    }
    let mut push = |from: usize, to: usize| {
        if let Some(piece) = run.get(from..to) {
            let term = fold(piece);
            if !term.is_empty() {
                found.push(Token { term, start: start + from, end: start + to, kind: TokenKind::Pair });
            }
        }
    };
    match clusters.as_slice() {
        [(from, to)] => push(*from, *to),
        many => {
            for pair in many.windows(2) {
                if let [(from, _), (_, to)] = pair {
                    push(*from, *to);
                }
            }
        }
    }
}

fn push(mut term: String, start: usize, end: usize, kind: TokenKind, found: &mut Vec<Token>) {
    // Some single characters decompose to words with spaces between them.
    term.retain(|c| !c.is_whitespace());
    if !term.is_empty() {
        found.push(Token { term, start, end, kind });
    }
}

/// A run without joiners: a word, a number, or letters with digits.
fn push_word(run: &str, start: usize, text: &str, found: &mut Vec<Token>) {
    let mut end = start + run.len();
    let folded = fold(run);
    if folded.bytes().all(|b| b.is_ascii_digit()) {
        push(folded, start, end, TokenKind::Number, found);
        return;
    }
    // "C++" and "C#" are words of their own.
    if folded.len() == 1 {
        let rest = text.get(end..).unwrap_or("");
        let name = if rest.starts_with("++") {
            Some(("plusplus", 2))
        } else if rest.starts_with('#') {
            Some(("sharp", 1))
        } else {
            None
        };
        if let Some((name, length)) = name {
            end += length;
            push(format!("{folded}{name}"), start, end, TokenKind::Whole, found);
            return;
        }
    }
    if folded.bytes().any(|b| b.is_ascii_digit()) {
        push(folded.clone(), start, end, TokenKind::Whole, found);
        for part in letters_and_digits(&folded) {
            push(stem_of(part), start, end, TokenKind::Part, found);
        }
        return;
    }
    push(stem_of(&folded), start, end, TokenKind::Word, found);
    // "readFile" is found by "read file" too.
    for part in humps(run) {
        push(stem_of(&fold(part)), start, end, TokenKind::Part, found);
    }
}

/// A run with joiners inside: a number, a possessive, an abbreviation, or an identifier of parts.
fn push_joined(run: &str, start: usize, text: &str, found: &mut Vec<Token>) {
    let end = start + run.len();
    if let Some(number) = number(run) {
        push(number, start, end, TokenKind::Number, found);
        return;
    }
    if let Some(at) = run.find(['\'', '’']) {
        let (head, tail) = run.split_at(at);
        let tail = tail.trim_start_matches(['\'', '’']);
        let small_tail = fold(tail);
        let tail_start = start + run.len() - tail.len();
        if small_tail == "s" {
            push_any(head, start, text, found);
        } else if ELIDED.contains(&fold(head).as_str()) {
            push_any(tail, tail_start, text, found);
        } else if CONTRACTED.contains(&small_tail.as_str()) {
            push(stem_of(&fold(&format!("{head}{tail}"))), start, end, TokenKind::Word, found);
        } else {
            // "Ankara'nın", "O'Brien": both halves are words of their own.
            push_any(head, start, text, found);
            push_any(tail, tail_start, text, found);
        }
        return;
    }
    let parts: Vec<(usize, &str)> = pieces(run);
    let letters_only =
        parts.iter().all(|(_, part)| part.chars().count() == 1 && !part.contains(|c| digit(c).is_some()));
    let whole = fold(&parts.iter().map(|(_, part)| *part).collect::<String>());
    if letters_only {
        // "U.S.", "R&D"
        push(whole, start, end, TokenKind::Word, found);
        return;
    }
    let has_digit = whole.bytes().any(|b| b.is_ascii_digit());
    if has_digit {
        push(whole, start, end, TokenKind::Whole, found);
    } else if parts.len() == 2 && whole.len() <= 24 && !run.contains('.') {
        push(stem_of(&whole), start, end, TokenKind::Whole, found);
    }
    for (at, part) in parts {
        let folded = fold(part);
        let from = start + at;
        if folded.bytes().all(|b| b.is_ascii_digit()) {
            push(folded, from, from + part.len(), TokenKind::Part, found);
        } else if folded.chars().count() > 1 {
            for inner in letters_and_digits(&folded) {
                push(stem_of(inner), from, from + part.len(), TokenKind::Part, found);
            }
            push(stem_of(&folded), from, from + part.len(), TokenKind::Part, found);
        }
    }
}

fn push_any(run: &str, start: usize, text: &str, found: &mut Vec<Token>) {
    if run.chars().all(is_word) {
        push_word(run, start, text, found);
    } else {
        push_joined(run, start, text, found);
    }
}

/// Articles and pronouns that French and Italian write onto the next word.
const ELIDED: [&str; 14] = ["l", "d", "j", "m", "t", "s", "c", "n", "qu", "dell", "all", "nell", "sull", "un"];

/// What English leaves of a verb after an apostrophe.
const CONTRACTED: [&str; 6] = ["t", "re", "ve", "ll", "d", "m"];

fn pieces(run: &str) -> Vec<(usize, &str)> {
    let mut parts = Vec::new();
    let mut from = None;
    for (at, c) in run.char_indices() {
        match (is_word(c), from) {
            (true, None) => from = Some(at),
            (false, Some(begin)) => {
                parts.extend(run.get(begin..at).map(|part| (begin, part)));
                from = None;
            }
            _ => {}
        }
    }
    if let Some(begin) = from {
        parts.extend(run.get(begin..).map(|part| (begin, part)));
    }
    parts
}

/// A number without its grouping, with its decimals: "82,959" is "82959", "1.234,5" is "1234.5", "3.50" is "3.5".
fn number(run: &str) -> Option<String> {
    let mut plain = String::with_capacity(run.len());
    for c in run.chars() {
        match digit(c) {
            Some(d) => plain.push(d),
            None if c == '٫' => plain.push('.'),
            None if c == '.' || c == ',' => plain.push(c),
            None => return None,
        }
    }
    let groups = |part: &str, by: char| {
        let mut pieces = part.split(by);
        pieces.next().is_some_and(|first| (1..=3).contains(&first.len())) && pieces.all(|piece| piece.len() == 3)
    };
    let (whole, decimals) = match (plain.rfind('.'), plain.rfind(',')) {
        (Some(dot), Some(comma)) if dot > comma => (plain.get(..dot)?, plain.get(dot + 1..)?),
        (Some(_), Some(comma)) => (plain.get(..comma)?, plain.get(comma + 1..)?),
        (Some(dot), None) if plain.matches('.').count() == 1 => (plain.get(..dot)?, plain.get(dot + 1..)?),
        (None, Some(comma)) if !groups(&plain, ',') => (plain.get(..comma)?, plain.get(comma + 1..)?),
        _ => (plain.as_str(), ""),
    };
    // "3.1.2" and "10.0.0.1" are not numbers.
    if decimals.contains(['.', ',']) || (whole.contains('.') && !groups(whole, '.')) {
        return None;
    }
    if whole.contains(',') && !whole.contains('.') && !groups(whole, ',') && whole.matches(',').count() > 1 {
        return None;
    }
    let whole: String = whole.chars().filter(char::is_ascii_digit).collect();
    let decimals = decimals.trim_end_matches('0');
    Some(if decimals.is_empty() { whole } else { format!("{whole}.{decimals}") })
}

/// "iso9001" is "iso" and "9001" too; "h2o" and "10th" are only themselves.
fn letters_and_digits(folded: &str) -> Vec<&str> {
    let bytes = folded.as_bytes();
    let turns: Vec<usize> = (1..bytes.len())
        .filter(|at| {
            let (a, b) = (bytes.get(at - 1), bytes.get(*at));
            matches!((a, b), (Some(a), Some(b)) if a.is_ascii_digit() != b.is_ascii_digit())
        })
        .collect();
    match turns.as_slice() {
        [at] if folded.is_char_boundary(*at) => {
            let (head, tail) = folded.split_at(*at);
            let ordinal = matches!(tail, "st" | "nd" | "rd" | "th");
            if head.chars().count() >= 2 && tail.chars().count() >= 2 && !ordinal {
                vec![head, tail]
            } else {
                Vec::new()
            }
        }
        _ => Vec::new(),
    }
}

/// The parts of a name such as "readFile", each of three letters or more; none for any other word.
fn humps(run: &str) -> Vec<&str> {
    if !run.is_ascii() || run.len() < 6 {
        return Vec::new();
    }
    let bytes = run.as_bytes();
    let mut parts = Vec::new();
    let mut from = 0;
    for at in 1..bytes.len() {
        if matches!((bytes.get(at - 1), bytes.get(at)), (Some(a), Some(b)) if a.is_ascii_lowercase() && b.is_ascii_uppercase())
        {
            parts.extend(run.get(from..at));
            from = at;
        }
    }
    parts.extend(run.get(from..));
    if parts.len() < 2 || parts.iter().any(|part| part.len() < 3) { Vec::new() } else { parts }
}

fn stem_of(folded: &str) -> String {
    stem(folded, folded.chars().next().map_or(Script::Other, script))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &[&str]) {
        assert_eq!(terms(text), expect, "{text}");
    }

    #[test]
    fn words_are_folded_and_stemmed() {
        check("The Müller contracts", &["the", "muller", "contract"]);
        check("Apple's revenue isn't l'homme", &["appl", "revenu", "isnt", "homm"]);
        check("U.S. and R&D", &["us", "and", "rd"]);
        check("Ankara'nın O'Brien we're", &["ankara", "nin", "o", "brien", "wer"]);
    }

    #[test]
    fn numbers_lose_their_grouping_and_keep_their_decimals() {
        check("$82,959 and 82959", &["82959", "and", "82959"]);
        check("3.50 3.5 1.234,5 1,234.5", &["3.5", "3.5", "1234.5", "1234.5"]);
        check("in 2023, 4.", &["in", "2023", "4"]);
        check("٢٠٢٤", &["2024"]);
    }

    #[test]
    fn identifiers_stand_whole_and_in_parts() {
        check("D3-14", &["d314", "d3", "14"]);
        check("10-Q", &["10q", "10"]);
        check("ISO-9001", &["iso9001", "iso", "9001"]);
        check("ISO9001", &["iso9001", "iso", "9001"]);
        check("snake_case v1.2.3", &["snakecas", "snak", "cas", "v123", "v1", "2", "3"]);
        check("readFile", &["readfil", "read", "fil"]);
        check("C++ C#", &["cplusplus", "csharp"]);
    }

    #[test]
    fn scripts_without_spaces_are_paired() {
        check("北京大学", &["北京", "京大", "大学"]);
        check("中 API接口", &["中", "api", "接口"]);
        assert!(terms("ภาษาไทย").len() >= 4);
        assert_eq!(terms("हिन्दी भाषा").len(), 2);
    }

    #[test]
    fn no_term_holds_whitespace_and_hostile_text_is_survived() {
        let text = "a\u{a0}b ''' - -- 3. . ,5 \u{200D}x ＡＢＣ ½ ²  e\u{301} \u{fdfa} ﷽ 👩‍👩‍👧 \u{0} x-";
        for term in terms(text) {
            assert!(!term.is_empty() && !term.chars().any(char::is_whitespace), "{term:?}");
        }
        assert!(terms(&"x".repeat(100_000)).iter().all(|term| term.len() <= MAX_WORD_BYTES));
    }

    #[test]
    fn the_index_text_holds_title_and_headings() {
        let joined = index_terms("Sales rose.", &["Results".into()], "Q3 report");
        assert_eq!(joined, "q3 report result sal ros");
    }
}

//! Where sentences begin and end: prose, bullets, table rows, and scripts with their own full stops. Byte ranges only;
//! what they mean is judged elsewhere.

use crate::fold::{Script, script};
use std::ops::Range;

/// Words after which a full stop does not end a sentence, folded to lower case, without their last stop.
const ABBREVIATIONS: &[&str] = &[
    "mr", "mrs", "ms", "dr", "prof", "sr", "jr", "st", "mt", "ft", "gen", "col", "sgt", "capt", "lt", "rev", "hon",
    "gov", "sen", "rep", "pres", "vs", "v", "etc", "e.g", "i.e", "cf", "al", "approx", "ca", "no", "nos", "nr", "vol",
    "p", "pp", "fig", "figs", "eq", "eqs", "ref", "refs", "sec", "ch", "art", "para", "inc", "ltd", "co", "corp",
    "bros", "dept", "univ", "est", "ed", "eds", "jan", "feb", "mar", "apr", "jun", "jul", "aug", "sep", "sept", "oct",
    "nov", "dec", "mon", "tue", "wed", "thu", "fri", "sat", "sun", "a.m", "p.m", "u.s", "u.k", "u.n", "e.u", "d.c",
    "ph.d", "m.d", "b.a", "m.a", "z.b", "d.h", "u.a", "bzw", "usw", "ca", "str", "abs", "ggf", "inkl", "evtl", "vgl",
    "hr", "fr", "sra", "ud", "uds", "av", "mme", "mlle", "t.c", "т.е", "т.д", "т.п", "г", "гг", "им", "ул", "стр",
    "см", "др", "напр", "руб", "млн", "млрд",
];
/// Abbreviations that may well end a sentence: only what follows decides.
const MAY_END: &[&str] =
    &["inc", "ltd", "co", "corp", "etc", "u.s", "u.k", "u.n", "e.u", "a.m", "p.m", "d.c", "г", "al", "bros"];

/// The sentences of a text in order, as byte ranges without surrounding white space; a table row, a bullet and a heading
/// are each one.
pub fn sentences(text: &str) -> Vec<Range<usize>> {
    let mut found = Vec::new();
    for block in blocks(text) {
        if text.get(block.clone()).is_some_and(|row| row.contains('\t')) {
            push(text, block, &mut found);
        } else {
            split_prose(text, block, &mut found);
        }
    }
    found
}

fn push(text: &str, range: Range<usize>, found: &mut Vec<Range<usize>>) {
    let Some(slice) = text.get(range.clone()) else { return };
    let left = slice.len() - slice.trim_start().len();
    let trimmed = slice.trim();
    if trimmed.chars().any(char::is_alphanumeric) {
        let start = range.start + left;
        found.push(start..start + trimmed.len());
    }
}

/// Stretches that no sentence crosses: lines, except that the lines of a hard-wrapped paragraph stay together.
fn blocks(text: &str) -> Vec<Range<usize>> {
    let mut lines: Vec<Range<usize>> = Vec::new();
    let mut from = 0;
    for (at, c) in text.char_indices() {
        if c == '\n' || c == '\u{2028}' || c == '\u{2029}' || c == '\u{c}' {
            lines.push(from..at);
            from = at + c.len_utf8();
        }
    }
    lines.push(from..text.len());
    let widest = lines
        .iter()
        .filter_map(|line| text.get(line.clone()))
        .map(|line| line.trim_end().chars().count())
        .max()
        .unwrap_or(0);
    let mut joined: Vec<Range<usize>> = Vec::with_capacity(lines.len());
    let mut open = false;
    for line in lines {
        let Some(slice) = text.get(line.clone()) else { continue };
        if slice.trim().is_empty() {
            open = false;
            continue;
        }
        match joined.last_mut() {
            Some(last) if open && wraps(text.get(last.clone()).unwrap_or(""), slice, widest) => last.end = line.end,
            _ => joined.push(line),
        }
        open = true;
    }
    joined
}

/// Whether `next` goes on with the sentence at the end of `before`, over one line break.
fn wraps(before: &str, next: &str, widest: usize) -> bool {
    let last_line = before.rsplit('\n').next().unwrap_or(before).trim();
    let next = next.trim();
    if last_line.contains('\t') || next.contains('\t') || is_bullet(next) || next.starts_with(['#', '|', '>']) {
        return false;
    }
    let ended = last_line.ends_with(['.', '!', '?', ':', '。', '！', '？', '।', '…']);
    let first = next.chars().next().unwrap_or(' ');
    let width = last_line.chars().count();
    if first.is_lowercase() && !ended {
        return true;
    }
    if last_line.ends_with([',', '-', '–', '(']) {
        return true;
    }
    // A line about as wide as the widest was broken by the margin, wherever its last sentence ended.
    width >= 40 && width * 10 >= widest * 7
}

/// Whether a line is one item of a list: a dash, a dot, "3.", "(b)".
pub(crate) fn is_bullet(line: &str) -> bool {
    bullet_len(line) > 0
}

/// The bytes of the mark that begins a list item, with the space after it; 0 where there is none.
pub(crate) fn bullet_len(line: &str) -> usize {
    let mut chars = line.char_indices();
    let Some((_, first)) = chars.next() else { return 0 };
    let body = line.get(first.len_utf8()..).unwrap_or("");
    if matches!(first, '-' | '*' | '•' | '–' | '—' | '◦' | '▪' | '●' | '‣' | '·' | '+' | '□' | '○' | '➢')
        && body.starts_with([' ', '\t', '\u{a0}'])
    {
        return first.len_utf8() + body.len() - body.trim_start().len();
    }
    let inner = line.strip_prefix('(').unwrap_or(line);
    let mark: usize = inner.chars().take_while(|c| c.is_ascii_digit()).count();
    let mark = if mark == 0
        && inner.chars().next().is_some_and(|c| c.is_ascii_alphabetic())
        && inner.chars().nth(1).is_some_and(|c| c == ')')
    {
        1
    } else {
        mark
    };
    if mark == 0 || mark > 3 {
        return 0;
    }
    let after = inner.get(mark..).unwrap_or("");
    if !after.starts_with(['.', ')']) {
        return 0;
    }
    let rest = after.get(1..).unwrap_or("");
    if !rest.starts_with([' ', '\t', '\u{a0}']) {
        return 0;
    }
    line.len() - rest.trim_start().len()
}

fn split_prose(text: &str, block: Range<usize>, found: &mut Vec<Range<usize>>) {
    let Some(slice) = text.get(block.clone()) else { return };
    let mark = bullet_len(slice.trim_start()) + slice.len() - slice.trim_start().len();
    let mut from = 0;
    let mut chars = slice.char_indices().peekable();
    while let Some((at, c)) = chars.next() {
        if at < mark {
            continue;
        }
        let wide = matches!(c, '。' | '！' | '？' | '｡' | '।' | '॥' | '؟' | '۔' | '။' | '។');
        if !wide && !matches!(c, '.' | '!' | '?' | '…') {
            continue;
        }
        let mut end = at + c.len_utf8();
        // More stops, closing quotes and brackets, and citation marks such as [2] belong to the sentence they end.
        while let Some(&(next_at, next)) = chars.peek() {
            let closes = matches!(
                next,
                '.' | '!'
                    | '?'
                    | '…'
                    | '"'
                    | '”'
                    | '’'
                    | '\''
                    | '»'
                    | ')'
                    | ']'
                    | '」'
                    | '』'
                    | '。'
                    | '！'
                    | '？'
                    | '）'
            );
            if !closes {
                break;
            }
            end = next_at + next.len_utf8();
            chars.next();
        }
        end += citation_marks(slice.get(end..).unwrap_or(""));
        while chars.peek().is_some_and(|(next_at, _)| *next_at < end) {
            chars.next();
        }
        let rest = slice.get(end..).unwrap_or("");
        if wide || ends(slice, from, at, c, rest) {
            push(text, block.start + from..block.start + end, found);
            from = end;
        }
    }
    push(text, block.start + from..block.end, found);
}

/// The bytes of marks such as " [1][2]" or "[1, 3]" at the head of a text.
pub(crate) fn citation_marks(rest: &str) -> usize {
    let mut taken = 0;
    loop {
        let tail = rest.get(taken..).unwrap_or("");
        let spaces = tail.len() - tail.trim_start_matches(' ').len();
        let Some(inside) = tail.get(spaces..).and_then(|t| t.strip_prefix('[')) else { return taken };
        let Some((number, _)) = inside.split_once(']') else { return taken };
        if number.is_empty()
            || number.len() > 12
            || !number.chars().all(|c| c.is_ascii_digit() || matches!(c, ',' | ' ' | '-' | '–'))
        {
            return taken;
        }
        taken += spaces + 1 + number.len() + 1;
    }
}

/// Whether the mark at `at` ends the sentence that began at `from`.
fn ends(slice: &str, from: usize, at: usize, c: char, rest: &str) -> bool {
    let Some(next) = rest.chars().next() else { return true };
    let spaced = next.is_whitespace();
    let following =
        rest.trim_start().trim_start_matches(['"', '“', '‘', '«', '(', '[', '\'', '¿', '¡', '*', '_']).chars().next();
    if c != '.' {
        // "Yahoo! announced" goes on in lower case.
        return spaced && !following.is_some_and(char::is_lowercase);
    }
    if !spaced {
        // "end.Next" from a bad extraction; never inside "example.Com" or "3.5".
        let before = slice.get(from..at).unwrap_or("");
        let long = before.chars().rev().take_while(|c| c.is_lowercase()).count() >= 3;
        let mut after = rest.chars();
        return long
            && after.next().is_some_and(char::is_uppercase)
            && after.next().is_some_and(|c| c.is_lowercase() || c == ' ')
            && !rest.contains("://")
            && before.contains(' ');
    }
    if following.is_some_and(char::is_lowercase) {
        return false;
    }
    let word_start = slice
        .get(from..at)
        .and_then(|before| before.rfind(|c: char| c.is_whitespace() || matches!(c, '(' | '[' | '"' | '“')))
        .map_or(from, |space| {
            let width = slice.get(from + space..).and_then(|t| t.chars().next()).map_or(1, char::len_utf8);
            from + space + width
        });
    let word = slice.get(word_start..at).unwrap_or("");
    let lower = word.to_lowercase();
    let lower = lower.trim_end_matches('.');
    // An initial: "J. Smith", "George W. Bush". Not "Plan B. Then" in scripts where that cannot be told; one letter is enough.
    let mut letters = word.chars();
    if let (Some(first), None) = (letters.next(), letters.next())
        && first.is_uppercase()
        && script(first) != Script::Han
    {
        return false;
    }
    if ABBREVIATIONS.contains(&lower) {
        if lower == "no"
            || lower == "nos"
            || lower == "nr"
            || lower == "fig"
            || lower == "sec"
            || lower == "art"
            || lower == "p"
            || lower == "pp"
        {
            // "No. 5" goes on; "The answer is no. Then" ends.
            return !following.is_some_and(|c| c.is_ascii_digit()) && lower == "no" && !word.starts_with('N');
        }
        return MAY_END.contains(&lower) && starts_sentence(rest);
    }
    // "2. Payment" at the head of a line is a number, not a sentence.
    if !word.is_empty() && word.chars().all(|c| c.is_ascii_digit()) && word_start == from && word.len() <= 3 {
        return false;
    }
    // German ordinals and dates: "am 3. Oktober", "3. Quartal".
    if !word.is_empty() && word.len() <= 2 && word.chars().all(|c| c.is_ascii_digit()) && german_ordinal(rest) {
        return false;
    }
    true
}

/// After "Inc." or "U.S.": the words that begin sentences rather than names.
fn starts_sentence(rest: &str) -> bool {
    let word: String = rest.trim_start().chars().take_while(|c| c.is_alphanumeric()).collect();
    let lower = word.to_lowercase();
    word.chars().next().is_some_and(char::is_uppercase) && crate::words::is_stop(&lower)
}

fn german_ordinal(rest: &str) -> bool {
    const AFTER: &[&str] = &[
        "Januar",
        "Februar",
        "März",
        "April",
        "Mai",
        "Juni",
        "Juli",
        "August",
        "September",
        "Oktober",
        "November",
        "Dezember",
        "Quartal",
        "Jahrhundert",
        "Auflage",
        "Klasse",
        "Juli",
    ];
    let rest = rest.trim_start();
    AFTER.iter().any(|word| rest.starts_with(word))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &[&str]) {
        let found: Vec<&str> = sentences(text).into_iter().filter_map(|range| text.get(range)).collect();
        assert_eq!(found, expect);
    }

    #[test]
    fn stops_that_do_not_end_a_sentence() {
        check("Dr. Smith paid $3.5 million. He left.", &["Dr. Smith paid $3.5 million.", "He left."]);
        check("See No. 5 of J. R. Ewing. It holds.", &["See No. 5 of J. R. Ewing.", "It holds."]);
        check(
            "Apple Inc. reported it. The U.S. Army did, e.g. twice.",
            &["Apple Inc. reported it.", "The U.S. Army did, e.g. twice."],
        );
        check("It was sold to Apple Inc. The price was high.", &["It was sold to Apple Inc.", "The price was high."]);
        check("Am 3. Oktober 1990 war es so. Danach nicht.", &["Am 3. Oktober 1990 war es so.", "Danach nicht."]);
    }

    #[test]
    fn quotes_and_citation_marks_stay_with_their_sentence() {
        check(
            "He said \"no.\" Then he left [1][2]. She stayed. [3] End",
            &["He said \"no.\"", "Then he left [1][2].", "She stayed. [3]", "End"],
        );
        check("Really?! Yes... Perhaps.", &["Really?!", "Yes...", "Perhaps."]);
    }

    #[test]
    fn lines_bullets_and_rows() {
        check("Heading\nThe first line. More", &["Heading", "The first line.", "More"]);
        check("- one. two\n- Three\n2. Four", &["- one. two", "- Three", "2. Four"]);
        check("Item\t2023\t2022\nNet sales\t1.5\t2", &["Item\t2023\t2022", "Net sales\t1.5\t2"]);
        check(
            "A paragraph that a margin has broken over\nlines goes on here. Then it\nends.",
            &["A paragraph that a margin has broken over\nlines goes on here.", "Then it\nends."],
        );
    }

    #[test]
    fn other_full_stops() {
        check("他来了。她走了！真的？", &["他来了。", "她走了！", "真的？"]);
        check("वह आया। वह गई।", &["वह आया।", "वह गई।"]);
    }

    #[test]
    fn hostile_text_gives_ranges_inside_it() {
        for text in ["", "...", "[1", "\u{c}\n\t\n", "a.\u{300}B", "[1, ]", "。", "(((1) ", "1.2.3. ."] {
            for range in sentences(text) {
                assert!(text.get(range).is_some());
            }
        }
    }
}

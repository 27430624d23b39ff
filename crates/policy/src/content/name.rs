//! Names of people: by the title or the words before them, and by lists of given and family names (names.txt, made by
//! names.py). A name that is also an everyday word counts only beside another sign of a name.

use super::{Found, Kind, before, pattern};
use std::collections::{HashMap, HashSet};
use std::sync::LazyLock;

/// Each name with whether it is a name and nothing else.
static NAMES: LazyLock<HashMap<&'static str, bool>> = LazyLock::new(|| {
    include_str!("names.txt")
        .lines()
        .map(|line| match line.strip_suffix('?') {
            Some(name) => (name, false),
            None => (line, true),
        })
        .collect()
});
static WORD: LazyLock<regex::Regex> = LazyLock::new(|| pattern(r"\p{L}[\p{L}\p{M}]*(?:['’\-]\p{L}[\p{L}\p{M}]*)*"));
/// What stands right before a name and nothing else.
static TITLE: LazyLock<regex::Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?i)\b(?:Mrs?|Ms|Miss|Mx|Dr|Prof|Professor|Sir|Madam|Herrn?|Frau|Mme|Mlle|Monsieur|Madame|Sra?|Srta|Señora?|Signora?|Sig|Don|Doña|",
        r"Dhr|Mevr|Pan|Pani|Господин|Госпожа|Κύριος|Κυρία)\.? $",
    ))
});
/// What stands before a name and nothing else, in any letters.
static CALLED: LazyLock<regex::Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?i)\b(?:name is|named|calls? (?:me|him|her|them)|mein name ist|ich hei(?:ß|ss)e|je m'appelle|me llamo|mi nombre es|mi chiamo|",
        r"meu nome é)\s$",
    ))
});
/// What stands before a name as a rule; the word that follows must not be an everyday one.
static CUE: LazyLock<regex::Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?i)(?:\bI am|\bI'm|\bI’m|\bthis is|\bdear|\bhi|\bhello|\bsigned(?: by)?|\bsincerely,?|\bregards,?|",
        r"\battn:?|\bc/o|\bname\s?:|\bpatient\s?:?|\bclient\s?:|\bcustomer\s?:|\buser\s?:|\bliebe[r]?|\bcher|\bchère|\bestimad[oa])\s{1,2}$",
    ))
});
/// Words within a name that are not capitals.
const PARTICLES: [&str; 26] = [
    "de", "del", "della", "di", "da", "do", "dos", "das", "du", "des", "la", "le", "van", "von", "der", "den", "ter",
    "ten", "zu", "zum", "af", "av", "bin", "al", "el", "y",
];
/// Capitalized words that follow a name and are none.
const OTHERS: [&str; 50] = [
    "Monday",
    "Tuesday",
    "Wednesday",
    "Thursday",
    "Friday",
    "Saturday",
    "Sunday",
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
    "The",
    "A",
    "An",
    "And",
    "Or",
    "But",
    "Inc",
    "Ltd",
    "LLC",
    "GmbH",
    "AG",
    "Corp",
    "Company",
    "Group",
    "University",
    "Street",
    "Road",
    "Avenue",
    "Bank",
    "Act",
    "Section",
    "Article",
    "School",
    "Hospital",
    "Court",
    "County",
    "City",
    "Apt",
    "Suite",
    "Unit",
    "I",
];
/// Words of a name at most.
const LONGEST: usize = 5;

/// One word with its place.
#[derive(Clone, Copy)]
struct Word<'a> {
    text: &'a str,
    start: usize,
    end: usize,
}

/// What a word says of itself.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Sign {
    /// No capital, or never part of a name.
    None,
    /// A capital.
    Capital,
    /// An everyday word that is a name too.
    Perhaps,
    /// A name.
    Name,
}

pub(super) fn find(text: &str, into: &mut Vec<Found>) {
    let words: Vec<Word<'_>> =
        WORD.find_iter(text).map(|word| Word { text: word.as_str(), start: word.start(), end: word.end() }).collect();
    let (mut at, mut parts, mut others) = (0, HashSet::new(), Vec::new());
    while let Some(word) = words.get(at) {
        let taken = name(text, &words, at, *word);
        match taken.checked_sub(1).and_then(|more| words.get(at..=at + more)) {
            Some(all @ [first, .., last] | all @ [first @ last]) => {
                into.push(Found { kind: Kind::Person, start: first.start, end: last.end });
                parts.extend(
                    all.iter().map(|word| word.text).filter(|text| sign(text) >= Sign::Capital && text.len() > 3),
                );
            }
            _ => others.push(*word),
        }
        at += taken.max(1);
    }
    // Whoever was named once is meant where a part of the name stands alone.
    for word in others.into_iter().filter(|word| parts.contains(word.text) && sign(word.text) != Sign::Perhaps) {
        into.push(Found { kind: Kind::Person, start: word.start, end: word.end });
    }
}

/// How many words from `at` on are a name.
fn name(text: &str, words: &[Word<'_>], at: usize, word: Word<'_>) -> usize {
    let left = before(text, word.start, 24);
    let named = TITLE.is_match(left) || CALLED.is_match(left);
    let sign = sign(word.text);
    if sign == Sign::None {
        // In small letters a name is one where nothing else can stand.
        let known = |word: &&Word<'_>| {
            word.text.chars().all(char::is_lowercase) && NAMES.contains_key(capital(word.text).as_str())
        };
        return if named { words.iter().skip(at).take(2).take_while(known).count() } else { 0 };
    }
    let (count, best, full) = run(text, words, at);
    let capitals = word.text.chars().count() > 1 && word.text.chars().all(|c| !c.is_lowercase());
    let inside = || left.trim_end().chars().next_back().is_some_and(|c| c.is_lowercase() || c == ',');
    let is_name = match sign {
        _ if named => true,
        // Two words in capitals are a heading unless both are names.
        Sign::Name if capitals => full >= 2,
        Sign::Name => true,
        Sign::Perhaps => full >= 2 && (best == Sign::Name || initial(text, words, at)) || CUE.is_match(left),
        _ if capitals => false,
        _ => (best == Sign::Name || count >= 2) && CUE.is_match(left) || second_is_name(words, at, count) && inside(),
    };
    if is_name { count } else { 0 }
}

/// Whether the word behind the first, or behind its initial, is a name: "Weronika Martinsen".
fn second_is_name(words: &[Word<'_>], at: usize, count: usize) -> bool {
    let mut rest = words.iter().skip(at + 1).take(count.saturating_sub(1)).filter(|word| word.text.chars().count() > 1);
    rest.next().is_some_and(|word| sign(word.text) == Sign::Name)
}

/// A word with a capital first.
fn capital(word: &str) -> String {
    let mut chars = word.chars();
    chars
        .next()
        .map(|first| first.to_uppercase().chain(chars.flat_map(char::to_lowercase)).collect())
        .unwrap_or_default()
}

/// The words that stand together like a name from `at` on, the strongest sign among them, and how many are names.
fn run(text: &str, words: &[Word<'_>], at: usize) -> (usize, Sign, usize) {
    let (mut count, mut best, mut full) = (0, Sign::None, 0);
    let mut particles = 0;
    for (n, word) in words.iter().enumerate().skip(at).take(LONGEST) {
        let apart = match n.checked_sub(1).filter(|_| n > at).and_then(|last| words.get(last)) {
            Some(last) => text.get(last.end..word.start).unwrap_or_default(),
            None => " ",
        };
        let after_initial =
            apart == ". " && words.get(n.wrapping_sub(1)).is_some_and(|last| last.text.chars().count() == 1);
        if apart != " " && !after_initial {
            break;
        }
        let sign = sign(word.text);
        if sign == Sign::None {
            if n > at && PARTICLES.contains(&word.text) {
                particles += 1;
                continue;
            }
            break;
        }
        count += 1 + std::mem::take(&mut particles);
        best = best.max(sign);
        full += usize::from(sign >= Sign::Perhaps);
    }
    (count, best, full)
}

/// Whether an initial stands between the first two words: "Mark J. Twain".
fn initial(text: &str, words: &[Word<'_>], at: usize) -> bool {
    words.get(at + 1).is_some_and(|second| {
        second.text.chars().count() == 1 && text.get(second.end..).is_some_and(|rest| rest.starts_with(". "))
    })
}

fn sign(word: &str) -> Sign {
    let mut chars = word.chars();
    if !chars.next().is_some_and(char::is_uppercase) {
        return Sign::None;
    }
    if OTHERS.contains(&word) {
        return Sign::None;
    }
    let known = |part: &str| NAMES.get(part).copied();
    let parts = word.split(['-', '\'', '’']).filter(|part| part.chars().count() > 2);
    let found = known(word).or_else(|| known(&capital(word))).or_else(|| parts.filter_map(known).max());
    match found {
        Some(true) => Sign::Name,
        Some(false) => Sign::Perhaps,
        None => Sign::Capital,
    }
}

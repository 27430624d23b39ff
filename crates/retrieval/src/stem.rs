//! Light stemming, one rule set per script, the same for passages and questions. Not a dictionary, and no language guess:
//! a guess that differs between a passage and a short question would hide the passage.

use crate::fold::Script;

/// The stem of a folded word.
pub(crate) fn stem(word: &str, script: Script) -> String {
    match script {
        Script::Latin if word.bytes().all(|b| b.is_ascii_lowercase()) => latin(word),
        Script::Cyrillic => strip(word, &[], CYRILLIC, 4),
        Script::Arabic => strip(word, ARABIC_HEADS, ARABIC_TAILS, 3),
        Script::Indic => strip(word, &[], HINDI, 2),
        _ => word.to_owned(),
    }
}

/// English inflection: plurals, -ed, -ing, -ly, and a silent e. In other languages it takes at most a plural or a vowel
/// off, on both sides alike.
fn latin(word: &str) -> String {
    if word.len() < 4 {
        return word.to_owned();
    }
    let mut w = word.to_owned();
    if let Some(rest) = w.strip_suffix("ies").filter(|rest| rest.len() >= 2) {
        w = if rest.len() == 2 { format!("{rest}ie") } else { format!("{rest}y") };
    } else if let Some(rest) = w.strip_suffix("sses") {
        w = format!("{rest}ss");
    } else if let Some(rest) = w.strip_suffix("es").filter(|rest| ends_in_hiss(rest) && rest.len() >= 3) {
        w = rest.to_owned();
    } else if let Some(rest) = w.strip_suffix('s').filter(|rest| !rest.ends_with(['s', 'u', 'i'])) {
        w = rest.to_owned();
    }
    for (tail, least) in [("edly", 4), ("ingly", 4), ("ing", 3), ("ed", 3), ("ly", 4)] {
        if let Some(rest) = w.strip_suffix(tail).filter(|rest| rest.len() >= least && has_vowel(rest)) {
            // "need", "speed": the e before belongs to the word.
            if tail == "ed" && rest.ends_with('e') {
                break;
            }
            w = single(rest);
            break;
        }
    }
    if w.len() > 3
        && let Some(rest) = w.strip_suffix('e')
    {
        w = rest.to_owned();
    }
    // "study" and "studies", "carry" and "carried" meet at i.
    if w.len() > 3
        && let Some(rest) = w.strip_suffix('y').filter(|rest| !rest.ends_with(['a', 'e', 'i', 'o', 'u']))
    {
        w = format!("{rest}i");
    }
    w
}

fn ends_in_hiss(rest: &str) -> bool {
    rest.ends_with(['x', 'z', 's']) || rest.ends_with("ch") || rest.ends_with("sh")
}

fn has_vowel(rest: &str) -> bool {
    rest.contains(['a', 'e', 'i', 'o', 'u', 'y'])
}

/// "stopp" becomes "stop"; "fall" and "pass" stay.
fn single(rest: &str) -> String {
    let bytes = rest.as_bytes();
    match bytes {
        [.., a, b] if a == b && !matches!(b, b'l' | b's' | b'z' | b'e' | b'o') && bytes.len() > 3 => {
            rest.get(..rest.len() - 1).unwrap_or(rest).to_owned()
        }
        _ => rest.to_owned(),
    }
}

const CYRILLIC: &[&str] = &[
    "иями", "ями", "ами", "ого", "его", "ому", "ему", "ыми", "ими", "иях", "иям", "ией", "ость", "ости", "ой", "ей",
    "ом", "ем", "ам", "ям", "ах", "ях", "ов", "ев", "ия", "ии", "ию", "ие", "ый", "ий", "ая", "яя", "ое", "ее", "ые",
    "ых", "их", "ую", "юю", "ым", "им", "ью", "а", "я", "о", "е", "ы", "и", "у", "ю", "ь", "й",
];
const ARABIC_HEADS: &[&str] = &["وال", "بال", "كال", "فال", "لل", "ال", "و"];
const ARABIC_TAILS: &[&str] = &["ها", "ان", "ات", "ون", "ين", "يه", "ه", "ي"];
const HINDI: &[&str] =
    &["ियों", "ाओं", "ाएं", "ुओं", "ताएं", "ियां", "ियाँ", "ों", "ें", "ीं", "ाँ", "ां", "ी", "ा", "े", "ि", "ो", "ु", "ू", "ं"];

/// Takes one head and one tail off while at least `least` characters stay. Longer endings stand first in the lists.
fn strip(word: &str, heads: &[&str], tails: &[&str], least: usize) -> String {
    let mut w = word;
    for head in heads {
        if let Some(rest) = w.strip_prefix(head).filter(|rest| rest.chars().count() >= least) {
            w = rest;
            break;
        }
    }
    for tail in tails {
        if let Some(rest) = w.strip_suffix(tail).filter(|rest| rest.chars().count() >= least) {
            w = rest;
            break;
        }
    }
    w.to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn meets(a: &str, b: &str) {
        assert_eq!(stem(a, Script::Latin), stem(b, Script::Latin), "{a} and {b}");
    }

    #[test]
    fn english_forms_meet() {
        meets("contracts", "contract");
        meets("studies", "study");
        meets("carried", "carry");
        meets("increased", "increasing");
        meets("increases", "increase");
        meets("stopped", "stop");
        meets("boxes", "box");
        meets("classes", "class");
        meets("quickly", "quick");
        meets("companies", "company");
    }

    #[test]
    fn different_words_stay_apart() {
        for (a, b) in [("need", "ne"), ("bus", "bu"), ("thing", "th"), ("analysis", "analyst"), ("species", "spec")] {
            assert_ne!(stem(a, Script::Latin), stem(b, Script::Latin), "{a} and {b}");
        }
    }

    #[test]
    fn cases_of_other_scripts_meet() {
        assert_eq!(stem("договора", Script::Cyrillic), stem("договором", Script::Cyrillic));
        assert_eq!(stem("والكتاب", Script::Arabic), stem("كتاب", Script::Arabic));
        assert_eq!(stem("लड़कों", Script::Indic), stem("लड़का", Script::Indic));
    }
}

//! How alike two documents are, and which of two alike ones says of itself that it is the later.
//! Sketches (MinHash) stand for whole documents, so that many are compared at a fixed cost for each.
//! Nothing here reads documents, keeps sketches, or decides what is shown.

use crate::fold::{fold, script};
use std::cmp::Ordering;

/// How many minima a sketch holds; the estimate's standard error is at most 1/16.
pub const MINIMA: usize = 64;
/// From this resemblance on two documents are nearly the same.
pub const NEARLY_THE_SAME: f32 = 0.7;
/// From this resemblance on two documents whose names say so are revisions of one: in a short text a few changed figures
/// take most runs of words with them, and texts that have nothing to do with each other share none.
pub const REVISED: f32 = 0.2;
const WORDS_A_SHINGLE: usize = 4;
const ROWS_A_BAND: usize = 4;

/// What stands for a document's words: the least hash of its runs of four words (of characters, where there are no
/// spaces) under each of [`MINIMA`] orders (Broder, "On the resemblance and containment of documents", 1997).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sketch {
    minima: [u64; MINIMA],
}

impl Sketch {
    /// Sketches a document from its pages in order; none where it has fewer than four words.
    pub fn of<'a>(pages: impl IntoIterator<Item = &'a str>) -> Option<Self> {
        let mut run = [0u64; WORDS_A_SHINGLE];
        let mut minima = [u64::MAX; MINIMA];
        let mut seen = 0usize;
        let mut take = |word: u64| {
            run.rotate_left(1);
            if let Some(last) = run.last_mut() {
                *last = word;
            }
            seen = seen.saturating_add(1);
            if seen < WORDS_A_SHINGLE {
                return;
            }
            let shingle = run.iter().fold(0u64, |sum, word| mix(sum ^ word));
            for (order, least) in (1u64..).zip(minima.iter_mut()) {
                *least = (*least).min(mix(shingle ^ mix(order)));
            }
        };
        for page in pages {
            let mut word = None;
            for c in page.chars().flat_map(char::to_lowercase) {
                let alone = c.is_alphanumeric() && script(c).in_pairs();
                if !c.is_alphanumeric() || alone {
                    word.take().into_iter().for_each(&mut take);
                }
                if alone {
                    take(grow(EMPTY, c));
                } else if c.is_alphanumeric() {
                    word = Some(grow(word.unwrap_or(EMPTY), c));
                }
            }
            word.into_iter().for_each(&mut take);
        }
        (seen >= WORDS_A_SHINGLE).then_some(Self { minima })
    }

    /// The share of runs of words that two documents have in common, estimated, from 0 to 1.
    pub fn resemblance(&self, other: &Self) -> f32 {
        let same = self.minima.iter().zip(&other.minima).filter(|(a, b)| a == b).count();
        same as f32 / MINIMA as f32
    }

    /// Sixteen keys; documents that share 0.7 of their runs share one with a chance of 0.98, so that
    /// only documents with a key in common need be compared.
    pub fn keys(&self) -> impl Iterator<Item = u64> {
        (1u64..)
            .zip(self.minima.chunks(ROWS_A_BAND))
            .map(|(band, rows)| rows.iter().fold(mix(band), |sum, row| mix(sum ^ row)))
    }

    /// The sketch as bytes, 8 for each of [`MINIMA`].
    pub fn to_bytes(&self) -> Vec<u8> {
        self.minima.iter().flat_map(|least| least.to_le_bytes()).collect()
    }

    /// A sketch from such bytes; none where they are not as many.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (parts, []) = bytes.as_chunks::<8>() else { return None };
        let minima: [[u8; 8]; MINIMA] = parts.try_into().ok()?;
        Some(Self { minima: minima.map(u64::from_le_bytes) })
    }
}

/// What a document says of itself from outside.
#[derive(Debug, Clone, Copy)]
pub struct Called<'a> {
    /// The file's name.
    pub name: &'a str,
    /// When it says it was made, as written in the file.
    pub created: Option<&'a str>,
}

/// A key that documents share whose names differ in nothing but marks of revision.
pub fn name_key(name: &str) -> u64 {
    mix(Marked::of(name).stem.iter().fold(EMPTY, |sum, word| mix(sum ^ hash(word))))
}

/// Whether a question names a file, marks of revision apart: "the lease contract" names "Lease-Contract_v2.docx".
pub fn names(question: &str, name: &str) -> bool {
    let stem = Marked::of(name).stem;
    let words: Vec<String> = fold(question)
        .split(|c: char| !c.is_alphanumeric() && c != '.')
        .map(|word| word.trim_matches('.').to_owned())
        .filter(|word| !word.is_empty())
        .collect();
    let letters = stem.iter().map(|word| word.chars().count()).sum::<usize>();
    letters >= 4 && words.windows(stem.len().max(1)).any(|run| run == stem)
}

/// The number of the revision that a file's name says it is.
pub fn revision_number(name: &str) -> Option<u32> {
    Marked::of(name).number?.first().copied()
}

/// How the first stands to the second in time, where two alike documents say so: by marks of revision in names that are
/// otherwise the same ("v2", "rev B", "draft", "final", "(2)"), else by when they say they were made, where the names are
/// the same. Dates and bare numbers in names are none: they tell the parts of a series apart, which replace nothing.
pub fn later(first: Called<'_>, second: Called<'_>) -> Option<Ordering> {
    let (a, b) = (Marked::of(first.name), Marked::of(second.name));
    if a.stem.is_empty() || a.stem != b.stem {
        return None;
    }
    let number = match (&a.number, &b.number) {
        (Some(a), Some(b)) => a.cmp(b),
        // What has no number is taken for the first; a first may also be older than what has none.
        (Some(a), None) if a.as_slice() > [1].as_slice() => Ordering::Greater,
        (None, Some(b)) if b.as_slice() > [1].as_slice() => Ordering::Less,
        _ => Ordering::Equal,
    };
    let order = number.then(a.stage.cmp(&b.stage)).then(a.copy.cmp(&b.copy));
    let order = if order == Ordering::Equal && a.number == b.number {
        let (a, b) = (first.created.and_then(day)?, second.created.and_then(day)?);
        a.cmp(&b)
    } else {
        order
    };
    (order != Ordering::Equal).then_some(order)
}

/// A file's name taken apart.
#[derive(Debug, Default, PartialEq, Eq)]
struct Marked {
    stem: Vec<String>,
    /// "v2.1" as 2, 1; "rev B" as 2.
    number: Option<Vec<u32>>,
    /// Below 0 before it was done, above 0 after.
    stage: i8,
    /// "(2)".
    copy: u32,
}

const NUMBERED: [&str; 9] = ["version", "revision", "fassung", "versione", "revisione", "ver", "rev", "v", "revisjon"];

fn stage(word: &str) -> Option<i8> {
    Some(match word {
        "old" | "alt" | "obsolete" | "superseded" => -2,
        "draft" | "entwurf" | "brouillon" | "borrador" | "bozza" | "taslak" | "concept" => -1,
        "revised" | "updated" | "amended" | "corrected" | "neu" | "new" => 1,
        "final" | "endfassung" | "approved" => 2,
        "signed" | "executed" | "unterschrieben" => 3,
        _ => return None,
    })
}

impl Marked {
    fn of(name: &str) -> Self {
        let ends = |end: &str| (1..=5).contains(&end.len()) && end.bytes().any(|b| b.is_ascii_alphabetic());
        let bare =
            name.rsplit_once('.').filter(|(_, end)| ends(end) && !end.contains(' ')).map_or(name, |(head, _)| head);
        let mut marked = Self::default();
        let mut rest = fold(bare);
        if let Some((head, copy)) = rest.trim_end().strip_suffix(')').and_then(|head| head.rsplit_once('('))
            && let Ok(copy) = copy.trim().parse()
        {
            marked.copy = copy;
            rest = head.to_owned();
        }
        let words: Vec<&str> = rest
            .split(|c: char| !c.is_alphanumeric() && c != '.')
            .map(|word| word.trim_matches('.'))
            .filter(|word| !word.is_empty())
            .collect();
        let mut at = 0;
        while let Some(word) = words.get(at) {
            at += 1;
            let numbered = NUMBERED.iter().find_map(|mark| word.strip_prefix(mark)).and_then(|number| match number {
                "" => words.get(at).and_then(|next| numbers(next, true)).map(|number| (number, 1)),
                _ => numbers(number, false).map(|number| (number, 0)),
            });
            match (numbered, stage(word)) {
                (Some((number, taken)), _) => {
                    marked.number = Some(number);
                    at += taken;
                }
                (None, Some(stage)) => marked.stage = stage,
                (None, None) if *word == "copy" || *word == "kopie" => {}
                (None, None) => marked.stem.push((*word).to_owned()),
            }
        }
        // "Copy of lease": what joins is no part of the name either.
        if rest.starts_with("copy of ") {
            marked.stem.retain(|word| word != "of");
        }
        marked
    }
}

/// "2.1" as 2, 1; where letters may count, "b" as 2.
fn numbers(word: &str, letters: bool) -> Option<Vec<u32>> {
    if let ([letter @ b'a'..=b'z'], true) = (word.as_bytes(), letters) {
        return Some(vec![u32::from(letter - b'a') + 1]);
    }
    word.split('.').map(|part| part.parse().ok()).collect()
}

/// The digits of a date that begins with year, month and day, with the time of day where it stands behind them.
fn day(written: &str) -> Option<String> {
    let digits: String = written.trim_start_matches("D:").chars().filter(char::is_ascii_digit).take(14).collect();
    let year = digits.get(..4)?.parse().ok().filter(|year| (1900..2200).contains(year));
    let month = digits.get(4..6)?.parse().ok().filter(|month| (1..=12).contains(month));
    let day = digits.get(6..8)?.parse().ok().filter(|day| (1..=31).contains(day));
    let (_, _, _): (u32, u32, u32) = (year?, month?, day?);
    Some(digits)
}

const EMPTY: u64 = 0xcbf2_9ce4_8422_2325;

/// One more letter of a word (FNV-1a).
fn grow(word: u64, letter: char) -> u64 {
    (word ^ u64::from(letter)).wrapping_mul(0x0100_0000_01b3)
}

fn hash(word: &str) -> u64 {
    word.chars().fold(EMPTY, grow)
}

/// Spreads 64 bits over 64 bits, one to one (the finalizer of SplitMix64).
fn mix(bits: u64) -> u64 {
    let bits = bits.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let bits = (bits ^ (bits >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let bits = (bits ^ (bits >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    bits ^ (bits >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sketch(text: &str) -> Sketch {
        Sketch::of([text]).expect("enough words")
    }

    fn words(from: usize, to: usize) -> String {
        (from..to).map(|n| format!("word{n} ")).collect()
    }

    #[test]
    fn the_same_words_resemble_wholly_and_others_not_at_all() {
        assert_eq!(sketch(&words(0, 300)).resemblance(&sketch(&words(0, 300).to_uppercase())), 1.0);
        assert!(sketch(&words(0, 300)).resemblance(&sketch(&words(300, 600))) < 0.05);
        let (pages, whole) = (Sketch::of(["合同的通知期", "为三个月。"]), sketch("合同的通知期为三个月"));
        assert_eq!(pages, Some(whole));
    }

    #[test]
    fn what_is_estimated_lies_near_what_is_shared() {
        // 200 of 400 runs are shared.
        let estimate = sketch(&words(0, 303)).resemblance(&sketch(&words(100, 403)));
        assert!((estimate - 0.5).abs() < 0.19, "{estimate}");
    }

    #[test]
    fn a_small_edit_leaves_a_key_in_common_and_another_text_none() {
        let (one, edited) = (words(0, 400), words(0, 400).replace("word200 ", "changed "));
        let common = |a: &str, b: &str| {
            let keys: Vec<u64> = sketch(a).keys().collect();
            sketch(b).keys().any(|key| keys.contains(&key))
        };
        assert!(common(&one, &edited));
        assert!(!common(&one, &words(400, 800)));
    }

    #[test]
    fn too_few_words_have_no_sketch_and_bytes_are_the_sketch_again() {
        assert_eq!(Sketch::of(["a b", "c"]), None);
        let one = sketch(&words(0, 50));
        assert_eq!(Sketch::from_bytes(&one.to_bytes()), Some(one));
        assert_eq!(Sketch::from_bytes(&[1, 2, 3]), None);
    }

    #[test]
    fn names_say_which_is_later() {
        let order = |a: &str, b: &str| later(Called { name: a, created: None }, Called { name: b, created: None });
        for (earlier, after) in [
            ("Lease v1.docx", "lease_v2.pdf"),
            ("lease.docx", "lease v2.docx"),
            ("Lease v1.9.docx", "Lease v1.10.docx"),
            ("plan rev A.pdf", "plan rev B.pdf"),
            ("Offer (draft).docx", "Offer.docx"),
            ("Offer draft v3.docx", "Offer final v3.docx"),
            ("contract.pdf", "contract signed.pdf"),
            ("notes.md", "notes (2).md"),
            ("Vertrag Entwurf.docx", "Vertrag Endfassung.docx"),
            ("policy version 3.txt", "policy version 12.txt"),
        ] {
            assert_eq!(order(earlier, after), Some(Ordering::Less), "{earlier}, {after}");
            assert_eq!(order(after, earlier), Some(Ordering::Greater), "{earlier}, {after}");
            assert_eq!(name_key(earlier), name_key(after));
        }
        // Parts of a series, copies, and things that only share a word.
        for (one, other) in [
            ("invoice 1001.pdf", "invoice 1002.pdf"),
            ("report 2024-01.pdf", "report 2024-02.pdf"),
            ("lease.docx", "Copy of lease.docx"),
            ("lease.docx", "lease v1.docx"),
            ("lease north v1.docx", "lease south v2.docx"),
            ("v1.docx", "v2.docx"),
        ] {
            assert_eq!(order(one, other), None, "{one}, {other}");
        }
    }

    #[test]
    fn of_the_same_name_the_one_made_later_is_later() {
        let called = |created| Called { name: "Terms.pdf", created };
        let one = called(Some("D:20240301120000+01'00'"));
        assert_eq!(later(one, called(Some("2024-03-02T08:00:00Z"))), Some(Ordering::Less));
        assert_eq!(later(one, called(Some("in spring"))), None);
        assert_eq!(later(one, called(None)), None);
        assert_eq!(later(one, Called { name: "Other terms.pdf", created: Some("2024-03-02") }), None);
    }
}

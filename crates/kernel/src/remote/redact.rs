//! Placeholders: what a rule hides of a text before it may leave, reversibly. "[Person 1]" stands for the same words
//! wherever they occur; what it stands for stays in this process, until it is put back into the answer.

use hearth_policy::content::{self, Found};
use std::collections::BTreeMap;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Looks for what must not leave, again and again, at most so often.
const ROUNDS: usize = 4;
/// The longest placeholder, bytes.
const LONGEST: usize = 48;
/// What a person hid besides is called.
const BY_HAND: &str = "Hidden";

/// What looks through a text.
pub(super) type Detect = fn(&str) -> Vec<Found>;

/// One thing that is hidden.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Hidden {
    /// Such as "[Email 1]".
    pub(crate) placeholder: String,
    /// What it stands for. It never leaves.
    pub(crate) original: String,
    /// Such as "Email".
    pub(crate) kind: String,
    /// Whether a rule hid it, not a person.
    pub(crate) by_rule: bool,
}

/// A text could not be looked through: it may not leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct NotLookedThrough;

/// Hides things in the pieces of one request.
pub(super) struct Redactor {
    detect: Detect,
    pub(super) hidden: Vec<Hidden>,
    /// Everything that was looked through, so that no placeholder stands there already.
    seen: String,
}

impl Redactor {
    /// `seen` is all the text that will be looked through.
    pub(super) fn new(seen: String) -> Self {
        Self::with(content::find, seen)
    }

    pub(super) fn with(detect: Detect, seen: String) -> Self {
        Self { detect, hidden: Vec::new(), seen }
    }

    /// The text with everything hidden that the detector finds, that was hidden before, and that a person names.
    pub(super) fn hide(&mut self, text: &str, by_hand: &[String]) -> Result<String, NotLookedThrough> {
        let mut text = text.to_owned();
        for _ in 0..ROUNDS {
            let spans = self.spans(&text, by_hand)?;
            if spans.is_empty() {
                return Ok(text);
            }
            let mut out = String::with_capacity(text.len());
            let mut end = 0;
            for (start, stop, kind, by_rule) in spans {
                out.push_str(text.get(end..start).ok_or(NotLookedThrough)?);
                let original = text.get(start..stop).ok_or(NotLookedThrough)?.to_owned();
                out.push_str(&self.placeholder(original, &kind, by_rule));
                end = stop;
            }
            out.push_str(text.get(end..).ok_or(NotLookedThrough)?);
            text = out;
        }
        Err(NotLookedThrough)
    }

    /// What is still to be hidden: byte spans in order, apart from each other and from placeholders.
    fn spans(&self, text: &str, by_hand: &[String]) -> Result<Vec<(usize, usize, String, bool)>, NotLookedThrough> {
        let detect = self.detect;
        let found = catch_unwind(AssertUnwindSafe(|| detect(text))).map_err(|_| NotLookedThrough)?;
        if found.iter().any(|found| text.get(found.start..found.end).is_none()) {
            return Err(NotLookedThrough);
        }
        let mut wanted: Vec<(usize, usize, String, bool)> =
            found.iter().map(|found| (found.start, found.end, found.kind.name().to_owned(), true)).collect();
        for hidden in self.hidden.iter().filter(|hidden| hidden.original.len() > 2) {
            let places = occurrences(text, &hidden.original);
            wanted.extend(places.map(|(start, end)| (start, end, hidden.kind.clone(), hidden.by_rule)));
        }
        for words in by_hand.iter().map(|words| words.trim()).filter(|words| !words.is_empty()) {
            wanted.extend(occurrences(text, words).map(|(start, end)| (start, end, BY_HAND.to_owned(), false)));
        }
        // Longer ones first, a rule's before a person's; then what overlaps is left to the next round.
        wanted.sort_by_key(|(start, end, _, by_rule)| (std::cmp::Reverse(end - start), !by_rule, *start));
        let mut taken: BTreeMap<usize, usize> = self.placeholders(text).into_iter().collect();
        let mut kept = Vec::new();
        for (start, end, kind, by_rule) in wanted {
            // What lies around a placeholder is hidden in parts.
            for (start, end) in free(&taken, start, end) {
                if text.get(start..end).is_some_and(|part| part.chars().any(char::is_alphanumeric)) {
                    taken.insert(start, end);
                    kept.push((start, end, kind.clone(), by_rule));
                }
            }
        }
        kept.sort_by_key(|(start, ..)| *start);
        Ok(kept)
    }

    /// Where placeholders stand.
    pub(super) fn placeholders(&self, text: &str) -> Vec<(usize, usize)> {
        let mut all: Vec<(usize, usize)> =
            self.hidden.iter().flat_map(|hidden| occurrences(text, &hidden.placeholder)).collect();
        all.sort_unstable();
        all
    }

    fn placeholder(&mut self, original: String, kind: &str, by_rule: bool) -> String {
        if let Some(known) = self.hidden.iter_mut().find(|hidden| hidden.original == original) {
            known.by_rule |= by_rule;
            return known.placeholder.clone();
        }
        let number = (1..).find(|number| {
            let candidate = format!("[{kind} {number}]");
            !self.seen.contains(&candidate) && !self.hidden.iter().any(|hidden| hidden.placeholder == candidate)
        });
        let placeholder = format!("[{kind} {}]", number.unwrap_or(u32::MAX));
        let (kind, made) = (kind.to_owned(), placeholder.clone());
        self.hidden.push(Hidden { placeholder, original, kind, by_rule });
        made
    }
}

fn occurrences<'a>(text: &'a str, words: &'a str) -> impl Iterator<Item = (usize, usize)> + 'a {
    text.match_indices(words).map(|(start, found)| (start, start + found.len()))
}

/// The parts of a span that are not taken.
fn free(taken: &BTreeMap<usize, usize>, start: usize, end: usize) -> Vec<(usize, usize)> {
    let mut parts = Vec::new();
    let mut from = start;
    for (first, last) in taken.iter().filter(|(first, last)| **first < end && **last > start) {
        if from < *first {
            parts.push((from, *first));
        }
        from = from.max(*last);
    }
    if from < end {
        parts.push((from, end));
    }
    parts
}

/// Puts back what placeholders stand for, in words that arrive in pieces.
pub(crate) struct Restorer {
    hidden: Vec<Hidden>,
    held: String,
}

impl Restorer {
    pub(crate) fn new(hidden: Vec<Hidden>) -> Self {
        Self { hidden, held: String::new() }
    }

    /// The words that may be shown now; what may be the beginning of a placeholder is held.
    pub(crate) fn push(&mut self, words: &str) -> String {
        self.held.push_str(words);
        let open = self.held.rfind('[').filter(|at| {
            let rest = self.held.get(*at..).unwrap_or_default();
            !rest.contains(']') && rest.len() < LONGEST
        });
        let rest = self.held.split_off(open.unwrap_or(self.held.len()));
        let ready = std::mem::replace(&mut self.held, rest);
        self.restored(&ready)
    }

    /// The rest.
    pub(crate) fn end(mut self) -> String {
        let rest = std::mem::take(&mut self.held);
        self.restored(&rest)
    }

    fn restored(&self, text: &str) -> String {
        self.hidden.iter().fold(text.to_owned(), |text, hidden| text.replace(&hidden.placeholder, &hidden.original))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, by_hand: &[&str], expect: &str) {
        let mut redactor = Redactor::new(text.to_owned());
        let by_hand: Vec<String> = by_hand.iter().map(|words| (*words).to_owned()).collect();
        let hidden = redactor.hide(text, &by_hand).expect("looked through");
        assert_eq!(hidden, expect);
        let mut restorer = Restorer::new(redactor.hidden.clone());
        let mut back: String = hidden.chars().map(|c| restorer.push(&c.to_string())).collect();
        back.push_str(&restorer.end());
        assert_eq!(back, text, "letter by letter, everything is put back");
        assert_eq!(redactor.hide(&hidden, &[]).as_deref(), Ok(expect), "what is hidden stays as it is");
    }

    #[test]
    fn what_concerns_a_person_is_hidden_and_put_back() {
        check(
            "Write to ana.lopez@example.org, or again ana.lopez@example.org; not b@example.org.",
            &[],
            "Write to [Email 1], or again [Email 1]; not [Email 2].",
        );
        check("The token ghp_abcdefghijklmnopqrstuvwxyz0123456789 opens it.", &[], "The token [Secret 1] opens it.");
        check("The mill [1] stands by the weir [see 2].", &[], "The mill [1] stands by the weir [see 2].");
        check("Project Osprey is late.", &["Osprey"], "Project [Hidden 1] is late.");
        check("A literal [Email 1] and a@example.org", &[], "A literal [Email 1] and [Email 2]");
    }

    #[test]
    fn what_was_hidden_once_is_hidden_everywhere() {
        let mut redactor = Redactor::new(String::new());
        let first = redactor.hide("Signed by Hannah Maria Kreutzmann.", &[]).unwrap();
        assert_eq!(first, "Signed by [Person 1].");
        // A person who writes it back in does not send it.
        let again =
            redactor.hide("Signed by [Person 1], that is HMK or Hannah Maria Kreutzmann", &["HMK".into()]).unwrap();
        assert_eq!(again, "Signed by [Person 1], that is [Hidden 1] or [Person 1]");
    }

    #[test]
    fn a_detector_that_fails_lets_nothing_out() {
        let mut broken = Redactor::with(|_| panic!("broken"), String::new());
        assert_eq!(broken.hide("anything", &[]), Err(NotLookedThrough));
        // One that is never content, too.
        let mut greedy = Redactor::with(
            |text| {
                text.find("new")
                    .map(|at| Found { kind: content::Kind::Person, start: at, end: text.len() + 9 })
                    .into_iter()
                    .collect()
            },
            String::new(),
        );
        assert_eq!(greedy.hide("new", &[]), Err(NotLookedThrough));
    }
}

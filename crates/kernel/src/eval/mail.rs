//! Letters: whether subject, sender, words and attachments are read as expected.

use super::files::{body, fold, read};
use super::score::{token_f1, words};
use super::sets::{Set, text};
use super::{Bench, EvalRow, not_measured};
use hearth_api::Error;
use serde_json::Value;

/// A letter's words count as read from this token F1 on: white space, quoting and HTML are laid out in several right ways.
const SAME_WORDS: f64 = 0.9;

/// What was read right, of how many.
#[derive(Default)]
struct Count {
    right: usize,
    of: usize,
}

impl Count {
    fn add(&mut self, right: bool) {
        self.of += 1;
        self.right += usize::from(right);
    }

    fn share(&self) -> f64 {
        self.right as f64 / self.of as f64
    }
}

/// Manifest entries {file, expected: {headers: {subject, from: [{address}]}, text, attachments: [..]}}.
pub(super) fn parts(bench: &mut Bench<'_>, set: &Set, entries: &[Value]) -> Result<Vec<EvalRow>, Error> {
    let [mut subject, mut from, mut said, mut files] = [(); 4].map(|()| Count::default());
    let mut refused = 0;
    for entry in entries {
        let want: Value = serde_json::from_slice(&set.bytes(text(entry, "expected"))?)
            .map_err(|error| not_measured(format!("{}: {error}", text(entry, "expected"))))?;
        let document = read(bench, set, text(entry, "file"));
        refused += usize::from(document.is_err());
        let all = document.as_ref().map(|d| fold(&body(d, true))).unwrap_or_default();
        let title = document.as_ref().ok().and_then(|d| d.title.clone()).unwrap_or_default();
        if let Some(wanted) = want.pointer("/headers/subject").and_then(Value::as_str) {
            subject.add(fold(&title) == fold(wanted) || all.contains(fold(wanted).as_str()));
        }
        if let Some(address) = want.pointer("/headers/from/0/address").and_then(Value::as_str) {
            let author = document.as_ref().ok().and_then(|d| d.author.clone()).unwrap_or_default();
            from.add(all.contains(address) || author.contains(address));
        }
        let wanted = words(text(&want, "text"));
        if !wanted.is_empty() {
            // Headers stand above the words; only what is missing or said twice of the words counts.
            let letter = document.as_ref().map(|d| words(&letter(&body(d, false)))).unwrap_or_default();
            said.add(token_f1(&letter, &wanted) >= SAME_WORDS);
        }
        let attached = want.get("attachments").and_then(Value::as_array).map_or(0, Vec::len);
        if attached > 0 {
            files.add(document.as_ref().is_ok_and(|d| d.attachments.len() == attached));
        }
    }
    let figures = [
        ("subject", subject.share()),
        ("from", from.share()),
        ("text", said.share()),
        ("attachments", files.share()),
        ("not read", refused as f64),
    ];
    Ok(vec![EvalRow::new("", entries.len(), &figures)])
}

/// The words of a letter below its lines of headers ("From: ...").
fn letter(body: &str) -> String {
    let header = |line: &str| {
        line.split_once(": ").is_some_and(|(name, _)| {
            ["From", "To", "Cc", "Bcc", "Date", "Subject", "Attachments", "Reply-To"].contains(&name)
        })
    };
    body.lines().skip_while(|line| header(line) || line.trim().is_empty()).collect::<Vec<_>>().join("\n")
}

#[cfg(test)]
mod tests {
    #[test]
    fn headers_stand_above_the_words() {
        assert_eq!(super::letter("From: a@b.c\nSubject: x\n\nDear all,\nTo: nobody"), "Dear all,\nTo: nobody");
    }
}

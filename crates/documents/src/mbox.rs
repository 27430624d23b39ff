//! Mailboxes (MBOX): letters one after the other, a page for each; attached files are handed on under their letter's name.

use crate::builder::folded;
use crate::email::{self, safe_name};
use crate::plain::document;
use crate::read::{Progress, step};
use crate::{ReadError, ReadOptions};
use hearth_domain::{Attachment, Document, Kind, OutlineItem, Place, Warning};

/// Letters of one mailbox that are read.
const MAX_LETTERS: usize = 50_000;
/// Attached files of one mailbox that are handed on.
const MAX_FILES: usize = 10_000;

/// Whether a text begins with the line that parts letters, and a letter's head behind it.
pub(crate) fn is_mailbox(bytes: &[u8]) -> bool {
    let mut found = starts(bytes.get(..bytes.len().min(4 << 20)).unwrap_or_default());
    found.next() == Some(0) && found.next().is_some()
}

/// Where letters begin: a line `From …` at the start or after an empty line, with a field of a head behind it.
fn starts(bytes: &[u8]) -> impl Iterator<Item = usize> {
    let mut at = 0;
    let mut after_blank = true;
    std::iter::from_fn(move || {
        while let Some(rest) = bytes.get(at..).filter(|rest| !rest.is_empty()) {
            let here = at;
            let long = rest.iter().position(|byte| *byte == b'\n').map_or(rest.len(), |end| end + 1);
            let line = rest.get(..long).unwrap_or_default();
            at += long;
            let begins = after_blank && line.starts_with(b"From ") && is_field(rest.get(long..).unwrap_or_default());
            after_blank = line.iter().all(|byte| matches!(byte, b'\r' | b'\n'));
            if begins {
                return Some(here);
            }
        }
        None
    })
}

/// Whether bytes begin with a field's name and a colon.
fn is_field(bytes: &[u8]) -> bool {
    let bytes = bytes.strip_prefix(b">").unwrap_or(bytes);
    let name = bytes.iter().take(80).take_while(|byte| byte.is_ascii_alphanumeric() || **byte == b'-').count();
    name > 1 && bytes.get(name) == Some(&b':') || bytes.starts_with(b"From ")
}

pub(crate) fn read(bytes: &[u8], options: &ReadOptions, progress: &mut Progress<'_>) -> Result<Document, ReadError> {
    if bytes.len() as u64 > options.max_output_bytes {
        return Err(ReadError::TooLarge { limit_bytes: options.max_output_bytes });
    }
    let places: Vec<usize> = starts(bytes).take(MAX_LETTERS + 1).collect();
    let (mut pages, mut outline, mut warnings) = (Vec::new(), Vec::new(), Vec::new());
    let mut attachments: Vec<Attachment> = Vec::new();
    let many = places.len().min(MAX_LETTERS);
    for (i, start) in places.iter().take(many).enumerate() {
        step(progress, i as u32, many as u32)?;
        let end = places.get(i + 1).copied().unwrap_or(bytes.len());
        let letter = bytes.get(*start..end).unwrap_or_default();
        let head = letter.iter().position(|byte| *byte == b'\n').map_or(letter.len(), |end| end + 1);
        let Ok(read) = email::read(&unquoted(letter.get(head..).unwrap_or_default()), options) else {
            let message = format!("Letter {} could not be read.", i + 1);
            warnings.push(Warning { page: None, message });
            continue;
        };
        let title = read.title.unwrap_or_else(|| format!("Letter {}", i + 1));
        outline.push(OutlineItem { level: 1, title: folded(&title), page: pages.len() as u32 });
        pages.extend(
            read.pages
                .into_iter()
                .map(|page| hearth_domain::Page { place: Place::Section { title: folded(&title) }, ..page }),
        );
        let folder = safe_name(&title);
        for file in read.attachments {
            if attachments.len() < MAX_FILES {
                let name = if folder.is_empty() { file.name } else { format!("{folder}/{}", file.name) };
                attachments.push(Attachment { name, bytes: file.bytes });
            }
        }
    }
    step(progress, many as u32, many as u32)?;
    if places.len() > MAX_LETTERS {
        warnings.push(Warning { page: None, message: format!("Only the first {MAX_LETTERS} letters were read.") });
    }
    if attachments.len() >= MAX_FILES {
        warnings.push(Warning { page: None, message: format!("Only the first {MAX_FILES} attached files were kept.") });
    }
    let mut document = document(Kind::Mailbox, pages);
    (document.outline, document.warnings, document.attachments) = (outline, warnings, attachments);
    Ok(document)
}

/// A letter without the marks before lines that begin like its own first one.
fn unquoted(letter: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(letter.len());
    for line in letter.split_inclusive(|byte| *byte == b'\n') {
        let marks = line.iter().take_while(|byte| **byte == b'>').count();
        let quoted = marks > 0 && line.get(marks..).is_some_and(|rest| rest.starts_with(b"From "));
        out.extend_from_slice(line.get(usize::from(quoted)..).unwrap_or_default());
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ops::ControlFlow;

    const BOX: &[u8] = b"From ann@example.org Tue Mar  1 10:00:00 2022\r\nFrom: Ann <ann@example.org>\r\nSubject: The plan\r\n\
        Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain\r\n\r\nHello.\r\n\r\n>From here on.\r\n\r\n\
        From now it is text.\r\n--b\r\n\
        Content-Disposition: attachment; filename=plan.csv\r\n\r\na,b\r\n--b--\r\n\r\n\
        From bob@example.org Wed Mar  2 10:00:00 2022\r\nFrom: Bob <bob@example.org>\r\nSubject: Re: The plan\r\n\r\nGood.\r\n";

    #[test]
    fn each_letter_is_a_page() {
        assert!(is_mailbox(BOX));
        let document = read(BOX, &ReadOptions::default(), &mut |_, _| ControlFlow::Continue(())).unwrap();
        assert_eq!(document.pages.len(), 2);
        assert!(
            document.pages[0].text.ends_with("Hello.\n\nFrom here on.\n\nFrom now it is text."),
            "{}",
            document.pages[0].text
        );
        assert_eq!(document.pages[1].place, Place::Section { title: "Re: The plan".into() });
        let files: Vec<&str> = document.attachments.iter().map(|file| file.name.as_str()).collect();
        assert_eq!(files, ["The plan/plan.csv"]);
    }

    #[test]
    fn one_letter_alone_is_no_mailbox() {
        assert!(!is_mailbox(b"From ann Tue\r\nFrom: a@b.c\r\nSubject: x\r\n\r\nhello\r\n"));
        assert!(!is_mailbox(b"From the beginning\n\nFrom time to time\n"));
        assert!(!is_mailbox(b""));
    }

    #[test]
    fn changed_mailboxes_end_in_a_document_or_an_error() {
        let mut dice = 3u32;
        for round in 0..1000 {
            let mut bytes = BOX.to_vec();
            for _ in 0..1 + round % 9 {
                dice = dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let at = (dice >> 8) as usize % bytes.len();
                bytes[at] = (dice >> 3) as u8;
            }
            bytes.truncate(dice as usize % bytes.len());
            drop(crate::read("x.mbox", &bytes, &ReadOptions::default(), &mut |_, _| ControlFlow::Continue(())));
        }
    }
}

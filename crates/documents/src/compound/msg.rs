//! Outlook messages ([MS-OXMSG]): head, what was written, attached files unread. A message inside a message becomes a text
//! file among them.

use super::packed::rich_text;
use super::{Compound, u16_at, wide};
use crate::builder::{PageBuilder, folded};
use crate::email::{Letter, MAX_ATTACHMENTS, safe_name};
use crate::plain::{document, paragraphs};
use crate::rtf::{self, encoding_of_page};
use crate::{ReadError, ReadOptions, html};
use hearth_domain::{Attachment, Document, Kind, Place, Warning};

/// Messages within messages that are read.
const MAX_NESTING: u8 = 3;

pub(crate) fn read(bytes: &[u8], options: &ReadOptions) -> Result<Document, ReadError> {
    let mut file = Compound::open(bytes, options.max_output_bytes)?;
    let mut warnings = Vec::new();
    let message = message(&mut file, "", 32, MAX_NESTING, options, &mut warnings)?;
    let Message { letter, page, attachments } = message;
    let mut document = document(Kind::Email, vec![page.finish(Place::Message)]);
    (document.title, document.author, document.created) = (letter.subject, letter.from, letter.date);
    (document.attachments, document.warnings) = (attachments, warnings);
    Ok(document)
}

struct Message {
    letter: Letter,
    page: PageBuilder,
    attachments: Vec<Attachment>,
}

/// Properties of one storage.
struct Bag<'f, 'a> {
    file: &'f mut Compound<'a>,
    folder: String,
    /// Fixed properties: 16 bytes each, behind a head.
    fixed: Vec<u8>,
    page: i32,
}

impl<'f, 'a> Bag<'f, 'a> {
    fn open(file: &'f mut Compound<'a>, folder: &str, head: usize) -> Self {
        let fixed = file.stream(&format!("{folder}/__properties_version1.0")).unwrap_or_default();
        let fixed = fixed.get(head..).unwrap_or_default().to_vec();
        let mut bag = Self { file, folder: folder.to_owned(), fixed, page: 1252 };
        let page = bag.value(0x3ffd, 0x0003).and_then(|value| Some(i32::from(u16_at(&value, 0)?)));
        bag.page = page.unwrap_or(1252);
        bag
    }

    fn value(&self, id: u16, kind: u16) -> Option<[u8; 8]> {
        let entry =
            self.fixed.chunks_exact(16).find(|entry| u16_at(entry, 0) == Some(kind) && u16_at(entry, 2) == Some(id))?;
        entry.get(8..16)?.try_into().ok()
    }

    fn bytes(&mut self, id: u16, kind: u16) -> Option<Vec<u8>> {
        let path = format!("{}/__substg1.0_{id:04X}{kind:04X}", self.folder);
        self.file.stream(&path)
    }

    fn text(&mut self, id: u16) -> Option<String> {
        let text = match self.bytes(id, 0x001f) {
            Some(bytes) => wide(&bytes),
            None => {
                let bytes = self.bytes(id, 0x001e)?;
                let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
                let bytes = bytes.get(..end).unwrap_or_default();
                encoding_of_page(self.page).decode_without_bom_handling(bytes).0.into_owned()
            }
        };
        Some(text).filter(|text| !text.trim().is_empty())
    }

    /// A moment as `2024-03-01T10:00:00Z`.
    fn time(&self, id: u16) -> Option<String> {
        let ticks = u64::from_le_bytes(self.value(id, 0x0040)?);
        // Tenths of microseconds since 1601.
        let seconds = i64::try_from(ticks / 10_000_000).ok()?.checked_sub(11_644_473_600)?;
        let date = mail_parser::DateTime::from_timestamp(seconds);
        date.is_valid().then(|| date.to_rfc3339())
    }
}

fn message(
    file: &mut Compound<'_>,
    folder: &str,
    head: usize,
    depth: u8,
    options: &ReadOptions,
    warnings: &mut Vec<Warning>,
) -> Result<Message, ReadError> {
    let mut bag = Bag::open(file, folder, head);
    let name = bag.text(0x0c1a);
    let address = bag.text(0x5d01).or_else(|| bag.text(0x0c1f)).filter(|address| address.contains('@'));
    let from = match (name, address) {
        (Some(name), Some(address)) if name != address => Some(format!("{} <{}>", folded(&name), folded(&address))),
        (name, address) => name.or(address).map(|one| folded(&one)),
    };
    let letter = Letter {
        from,
        to: bag.text(0x0e04),
        cc: bag.text(0x0e03),
        date: bag.time(0x0039).or_else(|| bag.time(0x0e06)),
        subject: bag.text(0x0037).map(|subject| folded(&subject)),
    };
    let mut page = PageBuilder::default();
    letter.write(&mut page);
    if let Some(text) = bag.text(0x1000) {
        paragraphs(&mut page, &text);
    } else if let Some(source) = bag.bytes(0x1013, 0x0102).or_else(|| bag.text(0x1013).map(String::into_bytes)) {
        html::whole(&source, options, &mut page)?;
    } else if let Some(packed) = bag.bytes(0x1009, 0x0102) {
        let most = usize::try_from(options.max_output_bytes).unwrap_or(usize::MAX);
        if let Some(Ok(document)) = rich_text(&packed, most).map(|text| rtf::read(&text, options)) {
            document.pages.iter().for_each(|inner| paragraphs(&mut page, &inner.text));
        }
    }
    let mut attachments = Vec::new();
    let storages = bag.file.inside(if folder.is_empty() { "/" } else { folder });
    for storage in storages.iter().filter(|name| name.starts_with("__attach_version1.0")) {
        if attachments.len() >= MAX_ATTACHMENTS {
            let message = format!("Only the first {MAX_ATTACHMENTS} attachments were kept.");
            warnings.push(Warning { page: None, message });
            break;
        }
        let folder = format!("{folder}/{storage}");
        let mut inner = Bag::open(bag.file, &folder, 8);
        let name = inner.text(0x3707).or_else(|| inner.text(0x3704)).or_else(|| inner.text(0x3001));
        let name = name.map(|name| safe_name(&name)).filter(|name| !name.is_empty());
        if let Some(bytes) = inner.bytes(0x3701, 0x0102).filter(|bytes| !bytes.is_empty()) {
            let name = name.unwrap_or_else(|| format!("attachment-{}.bin", attachments.len() + 1));
            attachments.push(Attachment { name, bytes });
            continue;
        }
        let inside = format!("{folder}/__substg1.0_3701000D");
        if depth == 0 || inner.file.inside(&inside).is_empty() {
            continue;
        }
        let read = message(inner.file, &inside, 24, depth - 1, options, warnings)?;
        let title = read.letter.subject.clone().or(name).unwrap_or_else(|| "Message".to_owned());
        let text = read.page.finish(Place::Message).text;
        attachments.push(Attachment { name: format!("{}.txt", safe_name(&title)), bytes: text.into_bytes() });
        attachments.extend(read.attachments);
    }
    Ok(Message { letter, page, attachments })
}

//! Messages: who, when and about what first, then what was written; attached files travel along unread.

use crate::builder::{PageBuilder, folded};
use crate::plain::{document, paragraphs};
use crate::{ReadError, ReadOptions, html};
use hearth_domain::{Attachment, BlockKind, Document, Kind, Place, Warning};
use mail_parser::{Address, HeaderValue, MessageParser, MimeHeaders, PartType};

/// Attachments of one message that are handed on.
pub(crate) const MAX_ATTACHMENTS: usize = 500;

/// The head of a message.
#[derive(Debug, Default)]
pub(crate) struct Letter {
    pub(crate) from: Option<String>,
    pub(crate) to: Option<String>,
    pub(crate) cc: Option<String>,
    pub(crate) date: Option<String>,
    pub(crate) subject: Option<String>,
}

impl Letter {
    /// Writes what there is of it, a line each.
    pub(crate) fn write(&self, page: &mut PageBuilder) {
        let fields = [
            ("From", &self.from),
            ("To", &self.to),
            ("Cc", &self.cc),
            ("Date", &self.date),
            ("Subject", &self.subject),
        ];
        let line = |(name, value): (&str, &Option<String>)| {
            let value = folded(value.as_deref().unwrap_or_default());
            (!value.is_empty()).then(|| format!("{name}: {value}"))
        };
        let lines: Vec<String> = fields.into_iter().filter_map(line).collect();
        page.block(BlockKind::Paragraph, &lines.join("\n"));
    }
}

pub(crate) fn read(bytes: &[u8], options: &ReadOptions) -> Result<Document, ReadError> {
    let limit = options.max_output_bytes;
    if bytes.len() as u64 > limit {
        return Err(ReadError::TooLarge { limit_bytes: limit });
    }
    let message = MessageParser::default().parse(bytes).ok_or_else(|| ReadError::damaged("it is not a message"))?;
    let mut page = PageBuilder::default();
    let date = message.header_raw("Date").map(folded).filter(|date| !date.is_empty());
    let letter = Letter {
        from: message.from().map(people),
        to: message.to().map(people),
        cc: message.cc().map(people),
        date: date.clone().or(message.date().map(|date| date.to_rfc3339())),
        subject: message.subject().map(str::to_owned),
    };
    letter.write(&mut page);

    let mut warnings = Vec::new();
    let mut outline = Vec::new();
    for part in message.text_body.iter().filter_map(|id| message.parts.get(*id as usize)) {
        match &part.body {
            PartType::Text(text) => paragraphs(&mut page, text),
            PartType::Html(text) => outline.extend(html::whole(text.as_bytes(), options, &mut page)?),
            _ => {}
        }
    }
    let mut attachments = Vec::new();
    for part in message.attachments() {
        let (bytes, extension): (Vec<u8>, &str) = match &part.body {
            PartType::Text(text) => (text.as_bytes().to_vec(), "txt"),
            PartType::Html(text) => (text.as_bytes().to_vec(), "html"),
            PartType::Binary(bytes) | PartType::InlineBinary(bytes) => (bytes.to_vec(), "bin"),
            PartType::Message(inner) => (inner.raw_message().to_vec(), "eml"),
            PartType::Multipart(_) => continue,
        };
        if bytes.is_empty() {
            continue;
        }
        if attachments.len() >= MAX_ATTACHMENTS {
            let message = format!("Only the first {MAX_ATTACHMENTS} attachments were kept.");
            warnings.push(Warning { page: None, message });
            break;
        }
        let name = part.attachment_name().map(safe_name).filter(|name| !name.is_empty());
        let name = name.unwrap_or_else(|| format!("attachment-{}.{extension}", attachments.len() + 1));
        attachments.push(Attachment { name, bytes });
    }
    let mut document = document(Kind::Email, vec![page.finish(Place::Message)]);
    document.title = message.subject().map(folded).filter(|subject| !subject.is_empty());
    document.author = message.from().map(people).filter(|from| !from.is_empty());
    document.created = message.date().map(|date| date.to_rfc3339()).or(date);
    document.language = language(message.header("Content-Language"));
    document.outline = outline;
    document.warnings = warnings;
    document.attachments = attachments;
    Ok(document)
}

fn language(value: Option<&HeaderValue<'_>>) -> Option<String> {
    let text = value?.as_text()?.trim();
    (!text.is_empty() && text.len() < 36).then(|| text.to_owned())
}

/// Names and addresses, as a person writes them.
fn people(address: &Address<'_>) -> String {
    let mut out: Vec<String> = Vec::new();
    for person in address.iter().take(500) {
        out.push(match (person.name(), person.address()) {
            (Some(name), Some(address)) => format!("{name} <{address}>"),
            (Some(one), None) | (None, Some(one)) => one.to_owned(),
            (None, None) => continue,
        });
    }
    out.join(", ")
}

/// The last part of a name, so that no folder can be named.
pub(crate) fn safe_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\', '\0']).next().unwrap_or_default();
    let kept: String = last.chars().filter(|c| !c.is_control() && *c != ':').take(200).collect();
    kept.trim().trim_matches('.').trim().to_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    const MESSAGE: &str = "From: \"Ann\" <ann@example.org>\r\nTo: bob@example.org, =?utf-8?q?J=C3=BCrgen?= <j@example.org>\r\n\
        Date: Tue, 1 Mar 2022 10:00:00 +0000\r\nSubject: The plan\r\nMIME-Version: 1.0\r\n\
        Content-Type: multipart/mixed; boundary=b\r\n\r\n--b\r\nContent-Type: text/plain; charset=utf-8\r\n\r\n\
        Hello Bob,\r\n\r\nhere it is.\r\n--b\r\nContent-Type: application/octet-stream; name=\"../../x/plan.csv\"\r\n\
        Content-Disposition: attachment; filename=\"../../x/plan.csv\"\r\nContent-Transfer-Encoding: base64\r\n\r\nYSxiCg==\r\n--b--\r\n";

    #[test]
    fn a_message_is_read_with_its_head_and_files() {
        let document = read(MESSAGE.as_bytes(), &ReadOptions::default()).unwrap();
        assert_eq!(
            document.pages[0].text,
            "From: Ann <ann@example.org>\nTo: bob@example.org, Jürgen <j@example.org>\nDate: Tue, 1 Mar 2022 10:00:00 +0000\n\
             Subject: The plan\n\nHello Bob,\n\nhere it is."
        );
        assert_eq!(document.attachments, [Attachment { name: "plan.csv".into(), bytes: b"a,b\n".to_vec() }]);
        assert_eq!(document.title.as_deref(), Some("The plan"));
    }

    #[test]
    fn a_message_in_html_only_is_read_as_text() {
        let source = "From: a@b.c\r\nSubject: x\r\nContent-Type: text/html\r\n\r\n<p>One</p><ul><li>two</ul>";
        let document = read(source.as_bytes(), &ReadOptions::default()).unwrap();
        assert!(document.pages[0].text.ends_with("One\n\n• two"), "{}", document.pages[0].text);
    }

    #[test]
    fn names_of_files_lose_their_folders() {
        assert_eq!(safe_name("C:\\x\\..\\evil.exe"), "evil.exe");
        assert_eq!(safe_name("../.."), "");
    }
}

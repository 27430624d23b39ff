//! From the house's words to the door's, by full destructuring: a field that is added is either shown or left out on
//! purpose. Offsets become UTF-16 units here, and nowhere else.

use hearth_api as api;
use hearth_domain::{BlockKind, CheckState, Kind, Label, Page, Place, Role, Span};

/// A kind at the door.
pub(crate) fn kind(kind: Kind) -> api::Kind {
    match kind {
        Kind::Pdf => api::Kind::Pdf,
        Kind::Docx => api::Kind::Docx,
        Kind::Pptx => api::Kind::Pptx,
        Kind::Xlsx => api::Kind::Xlsx,
        Kind::Odt => api::Kind::Odt,
        Kind::Odp => api::Kind::Odp,
        Kind::Ods => api::Kind::Ods,
        Kind::Rtf => api::Kind::Rtf,
        Kind::Csv => api::Kind::Csv,
        Kind::Html => api::Kind::Html,
        Kind::Markdown => api::Kind::Markdown,
        Kind::Text => api::Kind::Text,
        Kind::Email => api::Kind::Email,
        Kind::Epub => api::Kind::Epub,
        Kind::Picture => api::Kind::Picture,
        Kind::Code => api::Kind::Code,
        Kind::Mailbox => api::Kind::Mailbox,
        Kind::Archive => api::Kind::Archive,
        Kind::Notebook => api::Kind::Notebook,
        Kind::Json => api::Kind::Json,
        Kind::Xml => api::Kind::Xml,
    }
}

/// A kind from the door.
pub(crate) fn kind_from(kind: api::Kind) -> Kind {
    match kind {
        api::Kind::Pdf => Kind::Pdf,
        api::Kind::Docx => Kind::Docx,
        api::Kind::Pptx => Kind::Pptx,
        api::Kind::Xlsx => Kind::Xlsx,
        api::Kind::Odt => Kind::Odt,
        api::Kind::Odp => Kind::Odp,
        api::Kind::Ods => Kind::Ods,
        api::Kind::Rtf => Kind::Rtf,
        api::Kind::Csv => Kind::Csv,
        api::Kind::Html => Kind::Html,
        api::Kind::Markdown => Kind::Markdown,
        api::Kind::Text => Kind::Text,
        api::Kind::Email => Kind::Email,
        api::Kind::Epub => Kind::Epub,
        api::Kind::Picture => Kind::Picture,
        api::Kind::Code => Kind::Code,
        api::Kind::Mailbox => Kind::Mailbox,
        api::Kind::Archive => Kind::Archive,
        api::Kind::Notebook => Kind::Notebook,
        api::Kind::Json => Kind::Json,
        api::Kind::Xml => Kind::Xml,
    }
}

/// A label at the door.
pub(crate) fn label(label: Label) -> api::Label {
    match label {
        Label::Public => api::Label::Public,
        Label::Internal => api::Label::Internal,
        Label::Confidential => api::Label::Confidential,
        Label::Restricted => api::Label::Restricted,
    }
}

/// A label from the door.
pub(crate) fn label_from(label: api::Label) -> Label {
    match label {
        api::Label::Public => Label::Public,
        api::Label::Internal => Label::Internal,
        api::Label::Confidential => Label::Confidential,
        api::Label::Restricted => Label::Restricted,
    }
}

/// A role at the door.
pub(crate) fn role(role: Role) -> api::Role {
    match role {
        Role::Chat => api::Role::Chat,
        Role::Draft => api::Role::Draft,
        Role::Code => api::Role::Code,
        Role::Embed => api::Role::Embed,
        Role::Rerank => api::Role::Rerank,
        Role::Verify => api::Role::Verify,
        Role::Vision => api::Role::Vision,
        Role::Speech => api::Role::Speech,
        Role::Image => api::Role::Image,
    }
}

/// A role from the door.
pub(crate) fn role_from(role: api::Role) -> Role {
    match role {
        api::Role::Chat => Role::Chat,
        api::Role::Draft => Role::Draft,
        api::Role::Code => Role::Code,
        api::Role::Embed => Role::Embed,
        api::Role::Rerank => Role::Rerank,
        api::Role::Verify => Role::Verify,
        api::Role::Vision => Role::Vision,
        api::Role::Speech => Role::Speech,
        api::Role::Image => Role::Image,
    }
}

/// A verdict at the door.
pub(crate) fn check_state(state: CheckState) -> api::CheckState {
    match state {
        CheckState::Supported => api::CheckState::Supported,
        CheckState::Partly => api::CheckState::Partly,
        CheckState::NotFound => api::CheckState::NotFound,
        CheckState::Contradicted => api::CheckState::Contradicted,
    }
}

/// UTF-16 units in the first `bytes` bytes of a text. A place inside a character counts as its beginning.
pub(crate) fn utf16(text: &str, bytes: u32) -> u32 {
    let mut end = (bytes as usize).min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    text.get(..end).map_or(0, |head| head.encode_utf16().count() as u32)
}

/// The byte at which a text's `units`-th UTF-16 unit begins.
pub(crate) fn bytes(text: &str, units: u32) -> u32 {
    let mut seen = 0u32;
    for (at, c) in text.char_indices() {
        if seen >= units {
            return at as u32;
        }
        seen += c.len_utf16() as u32;
    }
    text.len() as u32
}

/// A span at the door, given its page's text.
pub(crate) fn span(span: Span, page_text: &str) -> api::Span {
    let Span { version, page, start, end } = span;
    api::Span { version: version.0, page, start: utf16(page_text, start), end: utf16(page_text, end) }
}

/// The stretch of a text that a span names; empty where it names none.
pub(crate) fn slice(text: &str, start: u32, end: u32) -> &str {
    text.get(start as usize..end as usize).unwrap_or_default()
}

/// A place for people: "page 14", "sheet Costs", "slide 3". `row` is the format's name of the row, such as `A12`.
pub(crate) fn place(place: &Place, row: Option<&str>) -> String {
    let base = match place {
        Place::Page { number, label: None } => format!("page {number}"),
        Place::Page { number, label: Some(label) } if label == &number.to_string() => format!("page {number}"),
        Place::Page { number, label: Some(label) } => format!("page {label} ({number})"),
        Place::Slide { number, title: None } => format!("slide {number}"),
        Place::Slide { number, title: Some(title) } => format!("slide {number}, {title}"),
        Place::Sheet { name } => format!("sheet {name}"),
        Place::Section { title } => title.clone(),
        Place::Message => "message".into(),
        Place::Whole => String::new(),
    };
    match row {
        Some(row) if base.is_empty() => row.to_owned(),
        Some(row) => format!("{base}, {row}"),
        None => base,
    }
}

/// What a stretch of a page is called within it: its row's cell, or its line where the page is the whole file.
pub(crate) fn within(page: &Page, start: u32) -> Option<String> {
    let block = page.blocks.iter().find(|block| block.range.contains(&start))?;
    match (&block.kind, &page.place) {
        (BlockKind::Row { cell: Some(cell), .. }, _) => Some(format!("cell {cell}")),
        (_, Place::Whole | Place::Message) => {
            let before = page.text.get(..start as usize)?;
            Some(format!("line {}", before.matches('\n').count() + 1))
        }
        _ => None,
    }
}

/// "version 2", or nothing for the only one.
pub(crate) fn version_name(number: u32, versions: u32) -> String {
    if versions > 1 { format!("version {number}") } else { String::new() }
}

/// A block at the door.
pub(crate) fn block(block: &hearth_domain::Block, text: &str) -> api::BlockView {
    let (kind, level, cell) = match &block.kind {
        BlockKind::Heading { level } => (api::BlockKind::Heading, *level, None),
        BlockKind::Paragraph => (api::BlockKind::Paragraph, 0, None),
        BlockKind::Item => (api::BlockKind::Item, 0, None),
        BlockKind::Row { header: true, cell } => (api::BlockKind::HeaderRow, 0, cell.clone()),
        BlockKind::Row { header: false, cell } => (api::BlockKind::Row, 0, cell.clone()),
        BlockKind::Code => (api::BlockKind::Code, 0, None),
        BlockKind::Furniture => (api::BlockKind::Furniture, 0, None),
        BlockKind::Note => (api::BlockKind::Note, 0, None),
    };
    api::BlockView { kind, start: utf16(text, block.range.start), end: utf16(text, block.range.end), level, cell }
}

/// Memory in GB with one decimal.
pub(crate) fn gb(bytes: u64) -> String {
    format!("{:.1} GB", bytes as f64 / 1e9)
}

/// Bytes as a plain figure up to 9,999, then KB, MB, GB.
pub(crate) fn size(bytes: u64) -> String {
    match bytes {
        0..=9_999 => format!("{bytes} bytes"),
        10_000..=999_999 => format!("{:.0} KB", bytes as f64 / 1e3),
        1_000_000..=999_999_999 => format!("{:.1} MB", bytes as f64 / 1e6),
        _ => format!("{:.1} GB", bytes as f64 / 1e9),
    }
}

/// Seconds with one decimal under a minute, then minutes.
pub(crate) fn seconds(ms: u32) -> String {
    match ms {
        0..60_000 => format!("{:.1} s", f64::from(ms) / 1e3),
        _ => format!("{} min {} s", ms / 60_000, ms % 60_000 / 1000),
    }
}

/// "1 page", "3 pages".
pub(crate) fn count(n: usize, one: &str, many: &str) -> String {
    if n == 1 { format!("1 {one}") } else { format!("{n} {many}") }
}

/// A mode at the door.
pub(crate) fn mode(mode: hearth_policy::Mode) -> api::Mode {
    match mode {
        hearth_policy::Mode::Offline => api::Mode::Offline,
        hearth_policy::Mode::LocalOnly => api::Mode::LocalOnly,
        hearth_policy::Mode::AskBeforeRemote => api::Mode::AskBeforeRemote,
    }
}

/// A mode from the door.
pub(crate) fn mode_from(mode: api::Mode) -> hearth_policy::Mode {
    match mode {
        api::Mode::Offline => hearth_policy::Mode::Offline,
        api::Mode::LocalOnly => hearth_policy::Mode::LocalOnly,
        api::Mode::AskBeforeRemote => hearth_policy::Mode::AskBeforeRemote,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_survive_the_way_to_the_page_and_back() {
        let text = "aé€😀z";
        for (byte, unit) in [(0, 0), (1, 1), (3, 2), (6, 3), (10, 5), (11, 6)] {
            assert_eq!(utf16(text, byte), unit);
            assert_eq!(bytes(text, unit), byte);
        }
        assert_eq!(utf16(text, 8), 3, "a place inside a character is its beginning");
        assert_eq!(utf16(text, 99), 6);
    }

    #[test]
    fn places_read_like_a_reference() {
        assert_eq!(place(&Place::Page { number: 14, label: None }, None), "page 14");
        assert_eq!(place(&Place::Page { number: 4, label: Some("iv".into()) }, None), "page iv (4)");
        assert_eq!(place(&Place::Sheet { name: "Costs".into() }, Some("cell A12")), "sheet Costs, cell A12");
        assert_eq!(place(&Place::Whole, Some("line 3")), "line 3");
    }
}

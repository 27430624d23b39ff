//! Plain text, source code, comma-separated values and Markdown.

use crate::builder::{PageBuilder, folded};
use crate::decode::decode;
use crate::{ReadError, ReadOptions, source};
use hearth_domain::{BlockKind, Document, Kind, OutlineItem, Page, Place, Warning, Words};
use pulldown_cmark::{Event, HeadingLevel, Options, Parser, Tag, TagEnd};

/// A document around its pages.
pub(crate) fn document(kind: Kind, pages: Vec<Page>) -> Document {
    Document {
        kind,
        title: None,
        author: None,
        created: None,
        language: None,
        pages,
        outline: Vec::new(),
        warnings: Vec::new(),
        attachments: Vec::new(),
    }
}

fn text_of<'a>(bytes: &'a [u8], options: &ReadOptions) -> Result<(std::borrow::Cow<'a, str>, Vec<Warning>), ReadError> {
    let limit = options.max_output_bytes.min(u32::MAX as u64 / 2);
    if bytes.len() as u64 > limit {
        return Err(ReadError::TooLarge { limit_bytes: limit });
    }
    let (text, garbled) = decode(bytes);
    let message = "Some characters could not be read in this file's encoding.".to_owned();
    Ok((text, if garbled { vec![Warning { page: None, message }] } else { Vec::new() }))
}

/// Paragraphs are separated by empty lines; lines that begin with a bullet are items.
pub(crate) fn text(bytes: &[u8], options: &ReadOptions) -> Result<Document, ReadError> {
    let (text, warnings) = text_of(bytes, options)?;
    let mut page = PageBuilder::default();
    paragraphs(&mut page, &text);
    let mut document = document(Kind::Text, vec![page.finish(Place::Whole)]);
    document.warnings = warnings;
    Ok(document)
}

/// Appends plain text as paragraphs and list items.
pub(crate) fn paragraphs(page: &mut PageBuilder, text: &str) {
    let mut paragraph = String::new();
    let mut item = false;
    let flush = |page: &mut PageBuilder, paragraph: &mut String, item: bool| {
        page.block(if item { BlockKind::Item } else { BlockKind::Paragraph }, paragraph);
        paragraph.clear();
    };
    for line in text.split('\n').map(|line| line.trim_end_matches('\r')) {
        // A form feed parts pages; here it parts paragraphs.
        let line = line.trim_end().trim_start_matches('\u{c}');
        let bullet = matches!(line.trim_start().get(..2), Some("- " | "* ")) || line.trim_start().starts_with("• ");
        if line.trim().is_empty() || bullet {
            flush(page, &mut paragraph, item);
            item = bullet;
            if !bullet {
                continue;
            }
        }
        if !paragraph.is_empty() {
            paragraph.push('\n');
        }
        paragraph.push_str(line);
    }
    flush(page, &mut paragraph, item);
}

/// Stretches of code: from one empty line to the next, and from one definition to the next with what is said above it.
fn stretches(text: &str) -> Vec<std::ops::Range<usize>> {
    let mut out = Vec::new();
    let mut start: Option<usize> = None;
    // Where the lines above that belong to a definition begin.
    let mut lead: Option<usize> = None;
    let mut at = 0;
    for line in text.split_inclusive('\n') {
        if line.trim().is_empty() {
            out.extend(start.take().map(|from| from..at));
            lead = None;
        } else {
            let from = *start.get_or_insert(at);
            let cut = lead.unwrap_or(at);
            if cut > from && source::definition(line).is_some() {
                out.push(from..cut);
                start = Some(cut);
            }
            lead = if source::leads(line) { lead.or(Some(at)) } else { None };
        }
        at += line.len();
    }
    out.extend(start.map(|from| from..text.len()));
    out
}

/// One page; stretches of it are code blocks, so that line breaks and indents stay.
pub(crate) fn code(bytes: &[u8], options: &ReadOptions) -> Result<Document, ReadError> {
    let (text, warnings) = text_of(bytes, options)?;
    let text: String = text.chars().filter(|c| *c != '\r' && (!c.is_control() || matches!(c, '\n' | '\t'))).collect();
    let text = text.trim_start_matches('\u{feff}').trim_end().to_owned();
    let blocks = stretches(&text);
    let block = |range: std::ops::Range<usize>| {
        let body = text.get(range.clone()).unwrap_or_default().trim_end().len();
        hearth_domain::Block { kind: BlockKind::Code, range: range.start as u32..(range.start + body) as u32 }
    };
    let blocks = blocks.into_iter().map(block).collect();
    let page = Page { place: Place::Whole, blocks, text, boxes: Vec::new(), size_pt: None, words: Words::Written };
    let mut document = document(Kind::Code, vec![page]);
    document.warnings = warnings;
    Ok(document)
}

/// One row per record; the first is the header.
pub(crate) fn csv(name: &str, bytes: &[u8], options: &ReadOptions) -> Result<Document, ReadError> {
    let (text, warnings) = text_of(bytes, options)?;
    let text = text.trim_start_matches('\u{feff}');
    let separator = separator(name, text);
    let mut page = PageBuilder::default();
    for (i, record) in records(text, separator).enumerate() {
        page.row(i == 0, Some(format!("A{}", i + 1)), &record);
    }
    let mut document = document(Kind::Csv, vec![page.finish(Place::Whole)]);
    document.warnings = warnings;
    Ok(document)
}

/// The separator that cuts the first records most evenly.
fn separator(name: &str, text: &str) -> char {
    let tabs = name.to_ascii_lowercase().ends_with(".tsv");
    let score = |separator: char| {
        let counts: Vec<usize> = records(text, separator).take(20).map(|record| record.len()).collect();
        let first = counts.first().copied().unwrap_or(1);
        let even = counts.iter().filter(|count| **count == first).count();
        if first < 2 {
            0
        } else {
            even * 100 / counts.len().max(1) * 10 + first.min(9) + usize::from(tabs && separator == '\t')
        }
    };
    [',', ';', '\t', '|'].into_iter().rev().max_by_key(|separator| score(*separator)).unwrap_or(',')
}

/// Records of separated values, quotes and the line breaks inside them understood.
fn records(text: &str, separator: char) -> impl Iterator<Item = Vec<String>> {
    let mut chars = text.chars().peekable();
    std::iter::from_fn(move || {
        chars.peek()?;
        let (mut record, mut field, mut quoted) = (Vec::new(), String::new(), false);
        while let Some(c) = chars.next() {
            match c {
                '"' if quoted && chars.peek() == Some(&'"') => {
                    chars.next();
                    field.push('"');
                }
                '"' if quoted => quoted = false,
                '"' if field.trim().is_empty() => {
                    field.clear();
                    quoted = true;
                }
                '\r' if !quoted => {}
                '\n' if !quoted => break,
                c if c == separator && !quoted => record.push(std::mem::take(&mut field)),
                c => field.push(c),
            }
        }
        record.push(field);
        Some(record)
    })
}

/// Markdown without its marks: headings, paragraphs, items, code and table rows.
pub(crate) fn markdown(bytes: &[u8], options: &ReadOptions) -> Result<Document, ReadError> {
    let (text, warnings) = text_of(bytes, options)?;
    let text = text.trim_start_matches('\u{feff}');
    let (front, body) = front_matter(text);
    let mut reader = MarkdownReader::default();
    reader.read(body);
    let heading = reader.outline.first().map(|item| item.title.clone());
    let mut document = document(Kind::Markdown, vec![reader.page.finish(Place::Whole)]);
    document.title = front.or(heading);
    document.outline = reader.outline;
    document.warnings = warnings;
    Ok(document)
}

/// Appends the Markdown of one cell of a notebook, and its headings to `outline`.
pub(crate) fn markdown_cell(page: PageBuilder, text: &str, outline: &mut Vec<OutlineItem>) -> PageBuilder {
    let mut reader = MarkdownReader { page, ..MarkdownReader::default() };
    reader.read(text);
    outline.append(&mut reader.outline);
    reader.page
}

/// The title that a YAML block at the start gives, and what follows that block.
fn front_matter(text: &str) -> (Option<String>, &str) {
    let Some(rest) = text.strip_prefix("---\n").or_else(|| text.strip_prefix("---\r\n")) else { return (None, text) };
    let Some(end) = rest.find("\n---") else { return (None, text) };
    let (head, body) = rest.split_at(end);
    let title = head.lines().find_map(|line| line.strip_prefix("title:"));
    let title = title.map(|title| folded(title.trim().trim_matches(['"', '\'']))).filter(|title| !title.is_empty());
    (title, body.get(4..).unwrap_or_default())
}

#[derive(Default)]
struct MarkdownReader {
    page: PageBuilder,
    outline: Vec<OutlineItem>,
    text: String,
    heading: Option<u8>,
    /// One counter per open list; `None` for bullets.
    lists: Vec<Option<u64>>,
    item: bool,
    code: bool,
    note: bool,
    cells: Vec<String>,
    header: bool,
}

impl MarkdownReader {
    fn read(&mut self, text: &str) {
        let options = Options::ENABLE_TABLES
            | Options::ENABLE_FOOTNOTES
            | Options::ENABLE_TASKLISTS
            | Options::ENABLE_STRIKETHROUGH;
        Parser::new_ext(text, options).for_each(|event| self.event(event));
        self.flush();
    }

    fn event(&mut self, event: Event<'_>) {
        match event {
            Event::Start(tag) => self.start(tag),
            Event::End(tag) => self.end(tag),
            Event::Text(text) | Event::Code(text) | Event::InlineMath(text) | Event::DisplayMath(text) => {
                self.text.push_str(&text);
            }
            Event::SoftBreak => self.text.push(' '),
            Event::HardBreak => self.text.push('\n'),
            Event::TaskListMarker(done) => self.text.push_str(if done { "[x] " } else { "[ ] " }),
            Event::Html(html) | Event::InlineHtml(html) => self.html(&html),
            Event::FootnoteReference(name) => {
                self.text.push_str(&format!("[{name}]"));
            }
            Event::Rule => self.flush(),
        }
    }

    /// Tags of HTML inside are left out, its words stay.
    fn html(&mut self, html: &str) {
        if html.starts_with("<!--") {
            return;
        }
        let mut in_tag = false;
        for c in html.chars() {
            match c {
                '<' => in_tag = true,
                '>' => in_tag = false,
                c if !in_tag => self.text.push(c),
                _ => {}
            }
        }
    }

    fn start(&mut self, tag: Tag<'_>) {
        match tag {
            Tag::Heading { level, .. } => {
                self.flush();
                self.heading = Some(level_of(level));
            }
            Tag::CodeBlock(_) => {
                self.flush();
                self.code = true;
            }
            Tag::List(first) => {
                self.flush();
                self.lists.push(first);
            }
            Tag::Item => {
                self.flush();
                self.item = true;
                let indent = "  ".repeat(self.lists.len().saturating_sub(1).min(8));
                match self.lists.last_mut() {
                    Some(Some(number)) => {
                        self.text.push_str(&format!("{indent}{number}. "));
                        *number += 1;
                    }
                    _ => self.text.push_str(&format!("{indent}• ")),
                }
            }
            Tag::FootnoteDefinition(name) => {
                self.flush();
                self.note = true;
                self.text.push_str(&format!("[{name}] "));
            }
            Tag::TableHead => self.header = true,
            Tag::Paragraph if !self.item && !self.note => self.flush(),
            _ => {}
        }
    }

    fn end(&mut self, tag: TagEnd) {
        match tag {
            TagEnd::Paragraph if self.item || self.note => self.flush(),
            TagEnd::Heading(_)
            | TagEnd::Paragraph
            | TagEnd::CodeBlock
            | TagEnd::Item
            | TagEnd::HtmlBlock
            | TagEnd::FootnoteDefinition => {
                self.flush();
                self.item = false;
                self.note = false;
            }
            TagEnd::List(_) => {
                self.flush();
                self.lists.pop();
            }
            TagEnd::TableCell => self.cells.push(std::mem::take(&mut self.text)),
            TagEnd::TableHead | TagEnd::TableRow => {
                let cells = std::mem::take(&mut self.cells);
                self.page.row(self.header, None, &cells);
                self.header = false;
            }
            _ => {}
        }
    }

    fn flush(&mut self) {
        let text = std::mem::take(&mut self.text);
        let kind = match (self.heading.take(), self.code, self.note, self.item) {
            (Some(level), ..) => {
                let title = folded(&text);
                if !title.is_empty() {
                    self.outline.push(OutlineItem { level, title, page: 0 });
                }
                BlockKind::Heading { level }
            }
            (_, true, ..) => BlockKind::Code,
            (_, _, true, _) => BlockKind::Note,
            (_, _, _, true) => BlockKind::Item,
            _ => BlockKind::Paragraph,
        };
        self.code = false;
        match kind {
            BlockKind::Item if text.trim() != "•" => {
                self.page.item(text.len() - text.trim_start_matches(' ').len(), &text)
            }
            BlockKind::Item => {}
            kind => self.page.block(kind, &text),
        }
    }
}

fn level_of(level: HeadingLevel) -> u8 {
    match level {
        HeadingLevel::H1 => 1,
        HeadingLevel::H2 => 2,
        HeadingLevel::H3 => 3,
        HeadingLevel::H4 => 4,
        HeadingLevel::H5 => 5,
        HeadingLevel::H6 => 6,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(document: &Document) -> String {
        let page = &document.pages[0];
        let line = |block: &hearth_domain::Block| {
            format!("{:?}: {}", block.kind, &page.text[block.range.start as usize..block.range.end as usize])
        };
        page.blocks.iter().map(line).collect::<Vec<_>>().join("\n")
    }

    #[test]
    fn markdown_keeps_structure_and_drops_marks() {
        let source = "---\ntitle: \"Plan\"\n---\n# One *two*\n\nA [link](http://x) and `code`.\n\n- a\n- b\n  1. c\n\n| x | y |\n|---|---|\n| 1 | **2** |\n\n```rust\nfn a() {\n    b\n}\n```\n";
        let document = markdown(source.as_bytes(), &ReadOptions::default()).unwrap();
        assert_eq!(document.title.as_deref(), Some("Plan"));
        assert_eq!(
            shown(&document),
            "Heading { level: 1 }: One two\nParagraph: A link and code.\nItem: • a\nItem: • b\nItem: 1. c\n\
             Row { header: true, cell: None }: x\ty\nRow { header: false, cell: None }: 1\t2\nCode: fn a() {\n    b\n}"
        );
    }

    #[test]
    fn text_is_cut_at_empty_lines() {
        let document = text(b"One\r\ntwo\r\n\r\n- a\r\n- b\r\n\r\n  three", &ReadOptions::default()).unwrap();
        assert_eq!(shown(&document), "Paragraph: One\ntwo\nItem: - a\nItem: - b\nParagraph: three");
    }

    #[test]
    fn code_keeps_its_lines() {
        let document = code(b"fn a() {\n    1\n}\n\n\nfn b() {}\n", &ReadOptions::default()).unwrap();
        assert_eq!(document.pages[0].text, "fn a() {\n    1\n}\n\n\nfn b() {}");
        assert_eq!(shown(&document), "Code: fn a() {\n    1\n}\nCode: fn b() {}");
    }

    #[test]
    fn values_may_be_quoted_and_separated_in_several_ways() {
        let document =
            csv("x.csv", b"name;note\n\"A; B\";\"two\nlines \"\"q\"\"\"\n", &ReadOptions::default()).unwrap();
        assert_eq!(document.pages[0].text, "name\tnote\nA; B\ttwo lines \"q\"");
        let document = csv("x.csv", b"a,b\n1,\"2,5\"\n", &ReadOptions::default()).unwrap();
        assert_eq!(document.pages[0].text, "a\tb\n1\t2,5");
    }
}

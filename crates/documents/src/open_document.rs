//! OpenDocument: texts (ODT), workbooks (ODS) and presentations (ODP). One XML part holds the whole of each; what the
//! three share stands here, sheets and slides in the files beside.

mod sheets;
mod slides;
mod text;

use crate::archive::Archive;
use crate::builder::{PageBuilder, folded};
use crate::plain::document;
use crate::read::{Progress, step};
use crate::xml::{El, Xml};
use crate::{ReadError, ReadOptions};
use hearth_domain::{BlockKind, Document, Kind, Place};
use std::collections::HashMap;

/// Elements within elements that are followed.
const MAX_NESTING: u8 = 40;
/// What one attribute may repeat.
const MAX_REPEAT: usize = 60;

pub(crate) fn read(
    kind: Kind,
    bytes: &[u8],
    options: &ReadOptions,
    progress: &mut Progress<'_>,
) -> Result<Document, ReadError> {
    let archive = Archive::open(bytes, options)?;
    if is_encrypted(&archive)? {
        return Err(match options.password {
            None => ReadError::Encrypted,
            Some(_) => ReadError::unsupported("An OpenDocument file with a password"),
        });
    }
    let xml = Xml::parse(&archive.need("content.xml")?)?;
    step(progress, 1, 2)?;
    let styles = Styles::of(&xml, archive.get("styles.xml")?.and_then(|bytes| Xml::parse(&bytes).ok()).as_ref());
    let body = xml.root().child("body").unwrap_or(xml.root());
    let mut document = match kind {
        Kind::Ods => document(kind, sheets::read(body.child("spreadsheet").unwrap_or(body), &styles)),
        Kind::Odp => {
            let (pages, outline) = slides::read(body.child("presentation").unwrap_or(body), &styles);
            Document { outline, ..document(kind, pages) }
        }
        _ => {
            let (page, outline) = text::read(body.child("text").unwrap_or(body), &styles);
            Document { outline, ..document(kind, vec![page.finish(Place::Whole)]) }
        }
    };
    properties(&archive, &mut document);
    step(progress, 2, 2)?;
    Ok(document)
}

/// Whether the manifest says that parts are encrypted.
fn is_encrypted(archive: &Archive<'_>) -> Result<bool, ReadError> {
    let manifest = archive.get("META-INF/manifest.xml")?.unwrap_or_default();
    Ok(manifest.windows(b"encryption-data".len()).any(|part| part == b"encryption-data"))
}

/// Title, author, date and language as the file gives them.
fn properties(archive: &Archive<'_>, document: &mut Document) {
    let Ok(Some(bytes)) = archive.get("meta.xml") else { return };
    let Ok(xml) = Xml::parse(&bytes) else { return };
    let Some(meta) = xml.root().child("meta") else { return };
    let value = |name: &str| meta.child(name).map(|el| folded(&el.text())).filter(|text| !text.is_empty());
    document.title = value("title");
    document.author = value("initial-creator").or_else(|| value("creator"));
    document.created = value("creation-date").or_else(|| value("date"));
    document.language = value("language");
}

/// What styles say of paragraphs and lists.
pub(crate) struct Styles {
    /// A style's parent.
    based: HashMap<String, String>,
    /// Of each list style, by level from 1: what a numbered item bears after its number; none for bullets.
    lists: HashMap<String, HashMap<u8, String>>,
}

impl Styles {
    fn of(content: &Xml, common: Option<&Xml>) -> Self {
        let mut styles = Self { based: HashMap::new(), lists: HashMap::new() };
        for root in [common.map(Xml::root), Some(content.root())].into_iter().flatten() {
            for group in root.children().filter(|el| matches!(el.name(), "styles" | "automatic-styles")) {
                for style in group.children() {
                    let Some(name) = style.attr("name") else { continue };
                    match style.name() {
                        "style" => {
                            if let Some(parent) = style.attr("parent-style-name") {
                                styles.based.insert(name.to_owned(), parent.to_owned());
                            }
                        }
                        "list-style" => {
                            let numbered = style
                                .children()
                                .filter(|level| level.name() == "list-level-style-number")
                                .filter_map(|level| {
                                    level.attr("num-format").filter(|format| !format.is_empty())?;
                                    let suffix = level.attr("num-suffix").unwrap_or_default().to_owned();
                                    Some((level.attr("level")?.parse().ok()?, suffix))
                                });
                            styles.lists.insert(name.to_owned(), numbered.collect());
                        }
                        _ => {}
                    }
                }
            }
        }
        styles
    }

    /// Whether a style, or one that it is based on, has one of these names.
    fn is(&self, style: Option<&str>, names: &[&str]) -> bool {
        let mut at = style;
        for _ in 0..12 {
            match at {
                Some(name) if names.contains(&name) => return true,
                Some(name) => at = self.based.get(name).map(String::as_str),
                None => return false,
            }
        }
        false
    }
}

/// The words of one paragraph, and what hangs on it.
#[derive(Default)]
pub(crate) struct Inline<'a> {
    pub(crate) text: String,
    /// Footnotes, endnotes and comments, in order.
    pub(crate) notes: Vec<String>,
    /// Frames and shapes with text of their own.
    pub(crate) frames: Vec<El<'a>>,
}

impl<'a> Inline<'a> {
    pub(crate) fn of(el: El<'a>) -> Self {
        let mut inline = Self::default();
        inline.gather(el, MAX_NESTING);
        inline
    }

    fn gather(&mut self, el: El<'a>, depth: u8) {
        let Some(depth) = depth.checked_sub(1) else { return };
        for node in el.nodes() {
            if node.is_text() {
                self.words(node.own_text());
                continue;
            }
            match node.name() {
                "s" => {
                    let many = node.attr("c").and_then(|many| many.parse::<usize>().ok()).unwrap_or(1);
                    self.text.extend(std::iter::repeat_n(' ', many.min(MAX_REPEAT)));
                }
                "tab" => self.text.push('\t'),
                "line-break" => self.text.push('\n'),
                "note" => {
                    let mark = node.child("note-citation").map(|el| folded(&el.text())).unwrap_or_default();
                    let body = node.child("note-body").map(|el| folded(&lines(el))).unwrap_or_default();
                    self.text.push_str(&format!("[{mark}]"));
                    self.notes.push(format!("[{mark}] {body}"));
                }
                "annotation" => {
                    let words: Vec<String> = node
                        .children()
                        .filter(|el| matches!(el.name(), "p" | "list"))
                        .map(|el| folded(&lines(el)))
                        .collect();
                    let who = node.child("creator").map(|el| folded(&el.text())).unwrap_or_default();
                    let said = words.join(" ");
                    self.notes.push(if who.is_empty() { said } else { format!("{who}: {said}") });
                }
                "frame" | "custom-shape" | "rect" | "text-box" | "g" | "ellipse" | "line" | "caption" => {
                    self.frames.push(node);
                }
                "ruby" => {
                    if let Some(base) = node.child("ruby-base") {
                        self.gather(base, depth);
                    }
                }
                // What was deleted, and what a person does not see.
                "tracked-changes" | "annotation-end" | "bookmark" | "script" | "hidden-text" | "event-listeners" => {}
                _ => self.gather(node, depth),
            }
        }
    }

    /// White space of the file is one space; the format has elements for more.
    fn words(&mut self, text: &str) {
        for c in text.chars() {
            match c {
                ' ' | '\t' | '\r' | '\n' => {
                    if !self.text.ends_with([' ', '\n', '\t']) {
                        self.text.push(' ');
                    }
                }
                c => self.text.push(c),
            }
        }
    }
}

/// All paragraphs inside an element, a line each.
pub(crate) fn lines(el: El<'_>) -> String {
    let mut found = Vec::new();
    gather_lines(el, MAX_NESTING, &mut found);
    found.join("\n")
}

fn gather_lines(el: El<'_>, depth: u8, into: &mut Vec<String>) {
    let Some(depth) = depth.checked_sub(1) else { return };
    if matches!(el.name(), "p" | "h") {
        let inline = Inline::of(el);
        into.push(inline.text.trim().to_owned());
        inline.frames.into_iter().for_each(|frame| gather_lines(frame, depth, into));
        return;
    }
    el.children().filter(|el| el.name() != "annotation").for_each(|child| gather_lines(child, depth, into));
}

/// The rows of a table, those of its head marked; rows and cells that repeat stand as often as they do, to a limit.
pub(crate) fn table(table: El<'_>, page: &mut PageBuilder, depth: u8) {
    let Some(depth) = depth.checked_sub(1) else { return };
    for (row, head) in rows_of(table, depth) {
        let mut cells = Vec::new();
        for cell in row.children() {
            let many = repeat(&cell, "number-columns-repeated");
            let text = if cell.name() == "table-cell" { folded(&lines(cell)) } else { String::new() };
            cells.extend(std::iter::repeat_n(text, many));
            if cells.len() > 1000 {
                break;
            }
        }
        for _ in 0..repeat(&row, "number-rows-repeated") {
            page.row(head, None, &cells);
        }
    }
}

/// Rows with whether they are of the head, wherever groups put them.
pub(crate) fn rows_of(parent: El<'_>, depth: u8) -> Vec<(El<'_>, bool)> {
    let mut rows = Vec::new();
    let Some(depth) = depth.checked_sub(1) else { return rows };
    for child in parent.children() {
        match child.name() {
            "table-row" => rows.push((child, false)),
            "table-header-rows" => rows.extend(rows_of(child, depth).into_iter().map(|(row, _)| (row, true))),
            "table-rows" | "table-row-group" => rows.extend(rows_of(child, depth)),
            _ => {}
        }
    }
    rows
}

fn repeat(el: &El<'_>, name: &str) -> usize {
    el.attr(name).and_then(|many| many.parse::<usize>().ok()).unwrap_or(1).clamp(1, MAX_REPEAT)
}

/// Notes at the end of a page.
pub(crate) fn write_notes(page: &mut PageBuilder, notes: Vec<String>) {
    notes.iter().for_each(|note| page.block(BlockKind::Note, note));
}

#[cfg(test)]
mod tests;

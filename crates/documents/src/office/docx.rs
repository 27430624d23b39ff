//! Word documents: paragraphs with their styles, lists with their numbers, tables, notes, comments, headers.

use super::{Relation, graphic, main_part, properties, relations};
use crate::archive::Archive;
use crate::builder::{PageBuilder, folded};
use crate::numbering::Numbering;
use crate::plain::document;
use crate::read::{Progress, step};
use crate::spans::Again;
use crate::xml::{El, Xml};
use crate::{ReadError, ReadOptions};
use hearth_domain::{BlockKind, Document, Kind, OutlineItem, Place};
use std::collections::HashMap;

mod math;

/// Tables within tables that are followed.
const MAX_NESTING: u8 = 12;

pub(crate) fn read(bytes: &[u8], options: &ReadOptions, progress: &mut Progress<'_>) -> Result<Document, ReadError> {
    let archive = Archive::open(bytes, options)?;
    let main = main_part(&archive, "word/document.xml")?;
    let xml = Xml::parse(&archive.need(&main)?)?;
    let relations = relations(&archive, &main)?;
    let part = |kind: &str| -> Result<Option<Xml>, ReadError> {
        let target = relations.values().find(|relation| relation.kind == kind).map(|relation| relation.target.clone());
        let Some(bytes) = target.map(|target| archive.get(&target)).transpose()?.flatten() else { return Ok(None) };
        Ok(Xml::parse(&bytes).ok())
    };
    step(progress, 1, 3)?;
    let (styles, numbering) = (part("styles")?, part("numbering")?);
    let (footnotes, endnotes, comments) = (part("footnotes")?, part("endnotes")?, part("comments")?);
    let mut reader = Reader {
        archive: &archive,
        relations: &relations,
        page: PageBuilder::default(),
        outline: Vec::new(),
        styles: styles.as_ref().map(styles_of).unwrap_or_default(),
        numbering: Numbering::of(numbering.as_ref()),
        notes: Vec::new(),
        again: Again::default(),
    };
    for (header, relation) in headers(&relations) {
        if let Some(bytes) = archive.get(&relation)?
            && header
            && let Ok(xml) = Xml::parse(&bytes)
        {
            reader.furniture(xml.root());
        }
    }
    let body = xml.root().child("body").unwrap_or(xml.root());
    reader.blocks(body, MAX_NESTING)?;
    step(progress, 2, 3)?;
    let notes = std::mem::take(&mut reader.notes);
    for (xml, element) in [(footnotes, "footnote"), (endnotes, "endnote"), (comments, "comment")] {
        let Some(xml) = xml else { continue };
        reader.notes(&xml, element, &notes);
    }
    for (header, relation) in headers(&relations) {
        if let Some(bytes) = archive.get(&relation)?
            && !header
            && let Ok(xml) = Xml::parse(&bytes)
        {
            reader.furniture(xml.root());
        }
    }
    let mut document = document(Kind::Docx, vec![reader.page.finish(Place::Whole)]);
    document.outline = reader.outline;
    properties(&archive, &mut document);
    step(progress, 3, 3)?;
    Ok(document)
}

/// Headers (`true`) and footers of the document, each part once, in a steady order.
fn headers(relations: &HashMap<String, super::Relation>) -> Vec<(bool, String)> {
    let mut parts: Vec<(bool, String)> = relations
        .values()
        .filter(|relation| matches!(relation.kind.as_str(), "header" | "footer"))
        .map(|relation| (relation.kind == "header", relation.target.clone()))
        .collect();
    parts.sort();
    parts.dedup();
    parts
}

/// What a paragraph style says.
#[derive(Default, Clone)]
struct Style {
    heading: Option<u8>,
    list: Option<(String, u8)>,
    code: bool,
}

fn styles_of(xml: &Xml) -> HashMap<String, Style> {
    let mut based: HashMap<String, String> = HashMap::new();
    let mut styles: HashMap<String, Style> = HashMap::new();
    for style in xml.root().children().filter(|el| el.name() == "style") {
        let Some(id) = style.attr("styleId") else { continue };
        let name = style.child("name").and_then(|el| el.attr("val")).unwrap_or(id).to_lowercase();
        let properties = style.child("pPr");
        let level = properties.and_then(|el| el.child("outlineLvl")).and_then(|el| el.attr("val")?.parse::<u8>().ok());
        let named = name.strip_prefix("heading ").and_then(|rest| rest.trim().parse::<u8>().ok());
        let heading = match (level, named, name.as_str()) {
            (_, Some(level), _) => Some(level.clamp(1, 6)),
            (Some(level), ..) if level < 9 => Some((level + 1).min(6)),
            (_, _, "title") => Some(1),
            (_, _, "subtitle") => Some(2),
            _ => None,
        };
        let list = properties.and_then(|el| el.child("numPr")).and_then(|el| {
            let level = el.child("ilvl").and_then(|el| el.attr("val")?.parse().ok()).unwrap_or(0);
            Some((el.child("numId")?.attr("val")?.to_owned(), level))
        });
        let code = ["code", "preformatted", "source", "listing", "plain text"].iter().any(|word| name.contains(word));
        if let Some(parent) = style.child("basedOn").and_then(|el| el.attr("val")) {
            based.insert(id.to_owned(), parent.to_owned());
        }
        styles.insert(id.to_owned(), Style { heading, list, code });
    }
    // What a style does not say itself it takes from the style it is based on.
    let ids: Vec<String> = styles.keys().cloned().collect();
    for id in ids {
        let mut style = styles.get(&id).cloned().unwrap_or_default();
        let mut at = based.get(&id);
        for _ in 0..12 {
            let Some(parent) = at else { break };
            if let Some(inherited) = styles.get(parent) {
                style.heading = style.heading.or(inherited.heading);
                style.list = style.list.or(inherited.list.clone());
            }
            at = based.get(parent);
        }
        styles.insert(id, style);
    }
    styles
}

struct Reader<'a> {
    archive: &'a Archive<'a>,
    relations: &'a HashMap<String, Relation>,
    page: PageBuilder,
    outline: Vec<OutlineItem>,
    styles: HashMap<String, Style>,
    numbering: Numbering,
    /// Ids of notes in the order of their marks.
    notes: Vec<(&'static str, String)>,
    again: Again,
}

impl Reader<'_> {
    fn blocks(&mut self, parent: El<'_>, depth: u8) -> Result<(), ReadError> {
        for el in parent.children() {
            match el.name() {
                "p" => self.paragraph(el, depth)?,
                "tbl" => self.table(el, depth)?,
                "sdt" => {
                    if let Some(content) = el.child("sdtContent")
                        && depth > 0
                    {
                        self.blocks(content, depth - 1)?;
                    }
                }
                "ins" | "smartTag" | "customXml" | "moveTo" if depth > 0 => self.blocks(el, depth - 1)?,
                _ => {}
            }
        }
        Ok(())
    }

    fn paragraph(&mut self, el: El<'_>, depth: u8) -> Result<(), ReadError> {
        let properties = el.child("pPr");
        let style = properties.and_then(|el| el.child("pStyle")).and_then(|el| self.styles.get(el.attr("val")?));
        let style = style.cloned().unwrap_or_default();
        let level = properties.and_then(|el| el.child("outlineLvl")).and_then(|el| el.attr("val")?.parse::<u8>().ok());
        let heading = style.heading.or(level.filter(|level| *level < 9).map(|level| (level + 1).min(6)));
        let own = properties.and_then(|el| el.child("numPr"));
        let list = match own {
            Some(own) => {
                let level = own.child("ilvl").and_then(|el| el.attr("val")?.parse().ok());
                let id = own.child("numId").and_then(|el| el.attr("val")).map(str::to_owned);
                let id = id.or(style.list.as_ref().map(|(id, _)| id.clone()));
                id.map(|id| (id, level.or(style.list.as_ref().map(|(_, level)| *level)).unwrap_or(0)))
            }
            None => style.list.clone(),
        };
        let mut inline = Inline::default();
        inline.gather(el, depth);
        self.notes.append(&mut inline.notes);
        let text = inline.text;
        if !text.trim().is_empty() {
            let label = list.as_ref().and_then(|(id, level)| self.numbering.next(id, *level));
            let indent = list.as_ref().map_or(0, |(_, level)| usize::from((*level).min(8)) * 2);
            match (heading, label) {
                (Some(level), label) => {
                    let label = label.filter(|label| label.chars().any(char::is_alphanumeric));
                    let title = folded(&format!("{} {text}", label.unwrap_or_default()));
                    self.outline.push(OutlineItem { level, title: title.clone(), page: 0 });
                    self.page.block(BlockKind::Heading { level }, &title);
                }
                (None, Some(label)) => {
                    self.page.item(indent, &format!("{label} {}", text.trim()));
                }
                (None, None) if style.code => self.page.block(BlockKind::Code, &text),
                (None, None) => self.page.block(BlockKind::Paragraph, &text),
            }
        }
        for data in inline.graphics {
            graphic::write(self.archive, self.relations, data, &mut self.page)?;
        }
        if let Some(less) = depth.checked_sub(1) {
            for content in inline.boxes {
                self.blocks(content, less)?;
            }
        }
        Ok(())
    }

    fn table(&mut self, table: El<'_>, depth: u8) -> Result<(), ReadError> {
        let Some(depth) = depth.checked_sub(1) else { return Ok(()) };
        let look = table.path(&["tblPr", "tblLook"]);
        let first_row = look.is_some_and(|el| {
            let bits = el.attr("val").and_then(|val| u16::from_str_radix(val, 16).ok()).unwrap_or(0);
            el.attr("firstRow") == Some("1") || bits & 0x20 != 0
        });
        let rows: Vec<El<'_>> = rows_of(table, 4);
        // A table of one cell is a frame around text.
        if let [row] = rows.as_slice()
            && let [cell] = cells_of(*row, 4).as_slice()
        {
            return self.blocks(*cell, depth);
        }
        let marked = |row: &El<'_>| row.path(&["trPr", "tblHeader"]).is_some_and(|el| el.attr("val") != Some("0"));
        let any_marked = rows.iter().any(marked);
        let mut above: Vec<String> = Vec::new();
        for (i, row) in rows.iter().enumerate() {
            let header = if any_marked { marked(row) } else { i == 0 && first_row && rows.len() > 1 };
            let mut texts = Vec::new();
            let mut inner = Vec::new();
            let skip = |name: &str| row.path(&["trPr", name]).and_then(|el| el.attr("val")?.parse::<usize>().ok());
            for _ in 0..skip("gridBefore").unwrap_or(0).min(60) {
                texts.push(String::new());
            }
            let cells = cells_of(*row, 4);
            let alone = cells.len() == 1;
            for cell in cells {
                let properties = cell.child("tcPr");
                let span = properties.and_then(|el| el.child("gridSpan")).and_then(|el| el.attr("val")?.parse().ok());
                let merged =
                    properties.and_then(|el| el.child("vMerge")).is_some_and(|el| el.attr("val") != Some("restart"));
                let text = match merged {
                    true => self.again.of(above.get(texts.len()).map_or("", String::as_str), false).to_owned(),
                    false => self.cell_text(cell, depth, &mut inner),
                };
                let further = if alone { "" } else { self.again.of(&text, header) }.to_owned();
                texts.push(text);
                texts.extend(std::iter::repeat_n(further, span.unwrap_or(1usize).clamp(1, 60) - 1));
            }
            self.page.row(header, None, &texts);
            above = texts;
            for table in inner {
                self.table(table, depth)?;
            }
        }
        Ok(())
    }

    /// Text of a cell on one line; tables inside follow their row.
    fn cell_text<'a>(&mut self, cell: El<'a>, depth: u8, inner: &mut Vec<El<'a>>) -> String {
        let mut out = String::new();
        let mut stack = vec![(cell, depth)];
        while let Some((el, depth)) = stack.pop() {
            let Some(less) = depth.checked_sub(1) else { continue };
            let mut below = Vec::new();
            for child in el.children() {
                match child.name() {
                    "p" => below.push((child, depth)),
                    "tbl" => inner.push(child),
                    "sdt" => below.extend(child.child("sdtContent").map(|content| (content, less))),
                    "ins" | "smartTag" | "customXml" => below.push((child, less)),
                    _ => {}
                }
            }
            if el.name() == "p" {
                let mut inline = Inline::default();
                inline.gather(el, depth);
                self.notes.append(&mut inline.notes);
                let list = el.path(&["pPr", "numPr"]).and_then(|el| {
                    let level = el.child("ilvl").and_then(|el| el.attr("val")?.parse().ok()).unwrap_or(0);
                    self.numbering.next(el.child("numId")?.attr("val")?, level)
                });
                for part in [list.as_deref().unwrap_or_default(), &inline.text] {
                    if !part.trim().is_empty() {
                        out.push_str(if out.is_empty() { "" } else { " " });
                        out.push_str(part.trim());
                    }
                }
                for content in inline.boxes {
                    below.push((content, less));
                }
            }
            stack.extend(below.into_iter().rev());
        }
        out
    }

    fn furniture(&mut self, root: El<'_>) {
        for paragraph in root.all("p") {
            let mut inline = Inline::default();
            inline.gather(paragraph, 4);
            self.page.block(BlockKind::Furniture, &folded(&inline.text));
        }
    }

    fn notes(&mut self, xml: &Xml, element: &'static str, order: &[(&'static str, String)]) {
        let mark = |id: &str| order.iter().filter(|(kind, _)| *kind == element).position(|(_, known)| known == id);
        let mut notes: Vec<(usize, El<'_>)> = Vec::new();
        for note in xml.root().children().filter(|el| el.name() == element) {
            // Separators are notes too, with a type.
            if note.attr("type").is_some_and(|kind| kind != "normal") {
                continue;
            }
            notes.push((note.attr("id").and_then(mark).unwrap_or(usize::MAX), note));
        }
        notes.sort_by_key(|(at, _)| *at);
        for (at, note) in notes {
            let mut text = String::new();
            for paragraph in note.all("p") {
                let mut inline = Inline::default();
                inline.gather(paragraph, 4);
                if !inline.text.trim().is_empty() {
                    text.push_str(if text.is_empty() { "" } else { "\n" });
                    text.push_str(inline.text.trim());
                }
            }
            if text.is_empty() {
                continue;
            }
            let label = match (element, note.attr("author")) {
                ("comment", Some(author)) if !author.is_empty() => format!("{author}: "),
                ("comment", _) => String::new(),
                _ if at != usize::MAX => format!("[{}] ", at + 1),
                _ => String::new(),
            };
            self.page.block(BlockKind::Note, &format!("{label}{text}"));
        }
    }
}

/// Rows of a table, through the wrappers that change tracking and forms put around them.
fn rows_of(table: El<'_>, depth: u8) -> Vec<El<'_>> {
    wrapped(table, "tr", depth)
}

fn cells_of(row: El<'_>, depth: u8) -> Vec<El<'_>> {
    wrapped(row, "tc", depth)
}

fn wrapped<'a>(parent: El<'a>, name: &str, depth: u8) -> Vec<El<'a>> {
    let mut out = Vec::new();
    for el in parent.children() {
        match el.name() {
            found if found == name => out.push(el),
            "sdt" | "sdtContent" | "ins" | "customXml" | "smartTag" if depth > 0 => {
                out.extend(wrapped(el, name, depth - 1))
            }
            _ => {}
        }
    }
    out
}

/// Text of one paragraph, and what is anchored in it.
#[derive(Default)]
struct Inline<'a> {
    text: String,
    boxes: Vec<El<'a>>,
    /// Charts and diagrams.
    graphics: Vec<El<'a>>,
    notes: Vec<(&'static str, String)>,
}

impl<'a> Inline<'a> {
    fn gather(&mut self, el: El<'a>, depth: u8) {
        for child in el.children() {
            match child.name() {
                "t" => self.text.push_str(&child.text()),
                "tab" => self.text.push('\t'),
                "br" | "cr" => self.text.push(if child.attr("type") == Some("page") { ' ' } else { '\n' }),
                "noBreakHyphen" => self.text.push('-'),
                "sym" => self.text.extend(child.attr("char").and_then(symbol)),
                "oMath" | "oMathPara" => {
                    let formula = math::text(child);
                    if !formula.is_empty() {
                        let apart = self.text.chars().next_back().is_some_and(|c| !c.is_whitespace() && c != '(');
                        self.text.push_str(if apart { " " } else { "" });
                        self.text.push_str(&formula);
                        self.text.push(' ');
                    }
                }
                "footnoteReference" | "endnoteReference" => {
                    let kind = if child.name() == "footnoteReference" { "footnote" } else { "endnote" };
                    if let Some(id) = child.attr("id") {
                        self.notes.push((kind, id.to_owned()));
                    }
                }
                "commentReference" => self.notes.extend(child.attr("id").map(|id| ("comment", id.to_owned()))),
                "checkBox" | "checkbox" => {
                    let checked = child.child("checked").or(child.child("default"));
                    let on = checked.is_some_and(|el| !matches!(el.attr("val"), Some("0" | "false")));
                    self.text.push(if on { '☒' } else { '☐' });
                }
                // The new wording stands; what was struck out, codes of fields and the older copy of a drawing do not.
                "del" | "moveFrom" | "delText" | "instrText" | "Fallback" | "pPr" | "rPr" | "sdtPr" | "rt" => {}
                "txbxContent" => self.boxes.push(child),
                "graphicData" if child.child("chart").or(child.child("relIds")).is_some() => self.graphics.push(child),
                _ if depth == 0 && self.text.len() > 1 << 20 => {}
                _ => self.gather(child, depth),
            }
        }
    }
}

/// A character of a symbol font.
fn symbol(code: &str) -> Option<char> {
    let code = u32::from_str_radix(code, 16).ok()?;
    match code {
        0xf0b7 | 0xf0a7 => Some('•'),
        0xf0e0 => Some('→'),
        0xf0fc => Some('✓'),
        0xf0fe | 0xf052 => Some('☒'),
        0xf06f | 0xf0a8 => Some('☐'),
        code => char::from_u32(code).filter(|c| !matches!(c, '\u{e000}'..='\u{f8ff}')),
    }
}

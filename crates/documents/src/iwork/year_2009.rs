//! The documents of 2009: one XML part with texts, tables, sheets and slides.

use crate::ReadError;
use crate::archive::Archive;
use crate::builder::{OutputBudget, PageBuilder, folded};
use crate::plain::document;
use crate::read::{Progress, step};
use crate::xml::{El, Xml};
use hearth_domain::{BlockKind, Document, Kind, OutlineItem, Page, Place};
use std::collections::{HashMap, HashSet};

/// Elements within elements that are followed.
const MAX_NESTING: u16 = 200;
/// Columns that a table of this form can have.
const COLUMNS: u32 = 256;

pub(super) fn read(
    archive: &Archive<'_>,
    part: &str,
    kind: Kind,
    budget: &mut OutputBudget,
    progress: &mut Progress<'_>,
) -> Result<Document, ReadError> {
    let xml = Xml::parse(&archive.need(part)?)?;
    step(progress, 1, 2)?;
    let root = xml.root();
    let mut reader = Reader { attached: attached(root), written: HashSet::new(), page: PageBuilder::default() };
    let mut pages: Vec<Page> = Vec::new();
    let mut outline = Vec::new();
    let slides = root.child("slide-list").map(|list| list.children().collect::<Vec<_>>()).unwrap_or_default();
    let sheets = root.all("workspace");
    if kind == Kind::Pptx {
        let masters: HashMap<&str, El<'_>> =
            root.all("master-slide").into_iter().filter_map(|master| Some((master.attr("ID")?, master))).collect();
        for slide in slides.into_iter().filter(|slide| slide.name() == "slide") {
            let title = slide.child("title-placeholder").map(|place| folded(&reader.said(place)));
            let title = title.filter(|title| !title.is_empty());
            if let Some(title) = &title {
                reader.page.block(BlockKind::Heading { level: 1 }, title);
                outline.push(OutlineItem { level: 1, title: title.clone(), page: pages.len() as u32 });
            }
            for child in
                slide.children().filter(|el| !matches!(el.name(), "title-placeholder" | "stylesheet" | "notes"))
            {
                reader.walk(child, BlockKind::Paragraph, MAX_NESTING);
            }
            // Tables that the master shows on each of its slides stand on the first.
            let master = slide.child("master-ref").and_then(|el| el.attr("IDREF")).and_then(|id| masters.get(id));
            for table in master.map(|master| master.all("tabular-model")).unwrap_or_default() {
                reader.table(table);
            }
            if let Some(notes) = slide.child("notes") {
                reader.walk(notes, BlockKind::Note, MAX_NESTING);
            }
            let place = Place::Slide { number: pages.len() as u32 + 1, title };
            pages.push(std::mem::take(&mut reader.page).finish(place));
        }
    } else if !sheets.is_empty() {
        for sheet in sheets {
            reader.walk(sheet, BlockKind::Paragraph, MAX_NESTING);
            let name = ["workspace-name", "name"].iter().find_map(|name| sheet.attr(name)).unwrap_or_default();
            pages.push(std::mem::take(&mut reader.page).finish(Place::Sheet { name: folded(name) }));
        }
    } else {
        for (name, kind) in [
            ("headers", BlockKind::Furniture),
            ("text-storage", BlockKind::Paragraph),
            ("drawables", BlockKind::Paragraph),
            ("footers", BlockKind::Furniture),
        ] {
            for el in root.children().filter(|el| el.name() == name) {
                reader.walk(el, kind.clone(), MAX_NESTING);
            }
        }
        pages.push(std::mem::take(&mut reader.page).finish(Place::Whole));
    }
    pages.iter().try_for_each(|page| budget.spend(page.text.len()))?;
    step(progress, 2, 2)?;
    let mut document = document(kind, pages);
    document.outline = outline;
    let value = |name: &str| {
        let value = root.child("metadata")?.child(name)?.child("string")?.attr("string")?;
        Some(folded(value)).filter(|value| !value.is_empty())
    };
    (document.title, document.author) = (value("title"), value("authors").or(value("author")));
    Ok(document)
}

/// What stands in a text by its number.
fn attached(root: El<'_>) -> HashMap<&str, El<'_>> {
    root.all("attachment").into_iter().filter_map(|el| Some((el.attr("ID")?, el))).collect()
}

struct Reader<'x> {
    attached: HashMap<&'x str, El<'x>>,
    /// Tables that stand on a page already, by their numbers.
    written: HashSet<&'x str>,
    page: PageBuilder,
}

impl<'x> Reader<'x> {
    /// Writes texts and tables in their order.
    fn walk(&mut self, el: El<'x>, kind: BlockKind, depth: u16) {
        let Some(depth) = depth.checked_sub(1) else { return };
        match el.name() {
            "attachments" | "stylesheet" | "section-prototypes" | "master-ref" => {}
            "tabular-model" => self.table(el),
            "p" => {
                self.page.block(kind.clone(), &inline(el));
                for mark in el.all("attachment-ref") {
                    // Each is written where it stands first, so that none leads into itself.
                    if let Some(attached) = mark.attr("IDREF").and_then(|id| self.attached.remove(id)) {
                        self.walk(attached, kind.clone(), depth);
                    }
                }
            }
            _ => el.children().for_each(|child| self.walk(child, kind.clone(), depth)),
        }
    }

    /// All paragraphs of a placeholder.
    fn said(&self, place: El<'x>) -> String {
        place.all("p").into_iter().map(inline).collect::<Vec<_>>().join(" ")
    }

    /// Cells say how many columns they stand behind the one before; a step back begins a row.
    fn table(&mut self, table: El<'x>) {
        if table.attr("id").is_some_and(|id| !self.written.insert(id)) {
            return;
        }
        let heads = table.attr("num-header-rows").and_then(|heads| heads.parse::<usize>().ok()).unwrap_or(0);
        if let Some(name) = table.attr("name").filter(|name| !name.starts_with("Unnamed")) {
            self.page.block(BlockKind::Paragraph, name);
        }
        let Some(cells) = table.path(&["grid", "datasource"]) else { return };
        let (mut column, mut row, mut number) = (None::<u32>, Vec::<String>::new(), 0);
        let mut write = |page: &mut PageBuilder, row: &mut Vec<String>| {
            page.row(number < heads, None, row);
            row.clear();
            number += 1;
        };
        for cell in cells.children() {
            let moved = cell.attr("ct").and_then(|step| step.parse::<u32>().ok()).map(|step| step % COLUMNS);
            let at = match column {
                None => moved.unwrap_or(0),
                Some(before) => (before + moved.unwrap_or(1)) % COLUMNS,
            };
            if column.is_some_and(|before| at <= before) {
                write(&mut self.page, &mut row);
            }
            row.resize((at as usize).max(row.len()), String::new());
            row.push(shown(cell));
            column = Some(at);
        }
        write(&mut self.page, &mut row);
    }
}

/// The text of a paragraph; what only stands for text that nobody wrote is left out.
fn inline(paragraph: El<'_>) -> String {
    let mut out = String::new();
    let mut stack = vec![paragraph];
    while let Some(el) = stack.pop() {
        out.push_str(el.own_text());
        match el.name() {
            "tab" => out.push('\t'),
            "br" | "lnbr" | "crbr" => out.push('\n'),
            "ghost-text" | "ghost-text-ref" => continue,
            _ => {}
        }
        let at = stack.len();
        stack.extend(el.nodes());
        if let Some(added) = stack.get_mut(at..) {
            added.reverse();
        }
    }
    out.trim().to_owned()
}

/// What a cell shows: its words, its number, or what its formula comes to.
fn shown(cell: El<'_>) -> String {
    if let Some(text) = cell.child("ct") {
        return match text.attr("s") {
            Some(text) => folded(text),
            None => folded(&text.all("p").into_iter().map(inline).collect::<Vec<_>>().join(" ")),
        };
    }
    let number = |el: El<'_>| el.attr("v").map(folded).filter(|value| !value.is_empty());
    if let Some(value) = number(cell).or(cell.attr("cell-date").map(folded)) {
        return value;
    }
    let inner = cell.child("r").into_iter().flat_map(|result| result.children());
    inner.map(shown).find(|text| !text.is_empty()).unwrap_or_default()
}

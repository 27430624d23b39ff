//! Documents since 2013: objects in packed parts, each a message with a type and a number by which others name it. Only what
//! holds words is looked at: texts, tables, sheets and slides.

use super::message::{all, bytes, number, unpack, varint};
use super::tables::table;
use crate::archive::Archive;
use crate::builder::{OutputBudget, PageBuilder, folded};
use crate::plain::document;
use crate::read::{Progress, step};
use crate::{ReadError, ReadOptions};
use hearth_domain::{BlockKind, Document, Kind, OutlineItem, Page, Place, Warning};
use std::collections::{HashMap, HashSet};
use std::ops::Range;

/// Bytes that all parts unpack to, at most.
const MAX_BYTES: usize = 256 << 20;
/// Objects of one document that are kept.
const MAX_OBJECTS: usize = 2_000_000;

/// Types of objects by their numbers in these programs.
mod types {
    /// The show of a presentation, or a sheet of a spreadsheet.
    pub(super) const SHOW_OR_SHEET: u64 = 2;
    pub(super) const TEXT: u64 = 2001;
    pub(super) const TABLE_FRAME: u64 = 6000;
    pub(super) const TABLE: u64 = 6001;
}

/// One object: its type, and where its message lies.
#[derive(Debug, Clone, Copy)]
struct Object {
    id: u64,
    kind: u64,
    part: usize,
    start: usize,
    end: usize,
}

/// One unpacked part, and which of all objects lie in it.
struct Part {
    name: String,
    data: Vec<u8>,
    objects: Range<usize>,
}

/// All objects of a document.
pub(super) struct Objects {
    parts: Vec<Part>,
    all: Vec<Object>,
    by_id: HashMap<u64, usize>,
}

impl Objects {
    /// The message of an object.
    pub(super) fn message(&self, id: u64) -> Option<&[u8]> {
        self.of(self.all.get(*self.by_id.get(&id)?)?)
    }

    fn of(&self, object: &Object) -> Option<&[u8]> {
        self.parts.get(object.part)?.data.get(object.start..object.end)
    }

    /// The object that a field of a message names.
    pub(super) fn named(&self, message: &[u8], field: u64) -> Option<&[u8]> {
        self.message(number(bytes(message, field)?, 1)?)
    }

    fn add(&mut self, name: &str, data: Vec<u8>) {
        let (part, first) = (self.parts.len(), self.all.len());
        let mut at = 0;
        while self.all.len() < MAX_OBJECTS
            && let Some(long) = varint(&data, &mut at).and_then(|long| usize::try_from(long).ok())
            && let Some(info) = data.get(at..at.saturating_add(long))
        {
            at += long;
            let id = number(info, 1).unwrap_or(0);
            for (i, said) in all(info, 2).enumerate() {
                let long = number(said, 3).and_then(|long| usize::try_from(long).ok()).unwrap_or(0);
                let end = at.saturating_add(long).min(data.len());
                if i == 0 {
                    self.by_id.insert(id, self.all.len());
                    self.all.push(Object { id, kind: number(said, 1).unwrap_or(0), part, start: at, end });
                }
                at = end;
            }
        }
        self.parts.push(Part { name: name.to_owned(), data, objects: first..self.all.len() });
    }
}

/// Unpacks the parts, of the archive itself or of the one inside it.
fn objects(archive: &Archive<'_>, options: &ReadOptions) -> Result<(Objects, bool), ReadError> {
    let mut objects = Objects { parts: Vec::new(), all: Vec::new(), by_id: HashMap::new() };
    let (mut left, mut whole) = (MAX_BYTES, true);
    let inner = archive.get("Index.zip")?;
    let inner = inner.as_deref().map(|bytes| Archive::open(bytes, options)).transpose()?;
    let archive = inner.as_ref().unwrap_or(archive);
    let mut names: Vec<&str> = archive.names().filter(|name| name.ends_with(".iwa")).collect();
    // The document itself comes first, the rest in a steady order.
    names.sort_by_key(|name| (!name.ends_with("Document.iwa"), *name));
    for name in names {
        let Some(part) = archive.get(name)? else { continue };
        let (data, ended) = unpack(&part, left);
        left -= data.len().min(left);
        whole &= ended;
        objects.add(name, data);
    }
    Ok((objects, whole))
}

pub(super) fn read(
    archive: &Archive<'_>,
    kind: Kind,
    options: &ReadOptions,
    budget: &mut OutputBudget,
    progress: &mut Progress<'_>,
) -> Result<Document, ReadError> {
    let (objects, whole) = objects(archive, options)?;
    step(progress, 1, 2)?;
    if objects.all.is_empty() {
        let why = "An iWork document that is protected or of an unknown form";
        return Err(ReadError::unsupported(why));
    }
    let mut outline = Vec::new();
    let pages = match kind {
        Kind::Pptx => slides(&objects, budget, &mut outline)?,
        Kind::Xlsx => sheets(&objects, budget)?,
        _ => vec![text(&objects, budget)?],
    };
    step(progress, 2, 2)?;
    let mut document = document(kind, pages);
    document.outline = outline;
    if !whole {
        let message =
            "Some parts of this document could not be unpacked; export it as PDF to read all of it.".to_owned();
        document.warnings.push(Warning { page: None, message });
    }
    Ok(document)
}

/// A text as paragraphs. Its letters for pictures, tables and breaks are left out.
fn write(message: &[u8], page: &mut PageBuilder, title: &mut Option<String>) {
    let block = match number(message, 1) {
        Some(1) => BlockKind::Furniture,
        Some(2 | 4) => BlockKind::Note,
        _ => BlockKind::Paragraph,
    };
    for text in all(message, 3) {
        let text = String::from_utf8_lossy(text).replace('\u{fffc}', "");
        for line in text.split(['\n', '\u{2029}', '\u{4}', '\u{5}', '\u{6}']) {
            if title.is_none() && block == BlockKind::Paragraph && !line.trim().is_empty() {
                *title = Some(folded(line));
            }
            page.block(block.clone(), &line.replace('\u{2028}', "\n"));
        }
    }
}

/// Of a document all texts, then all tables.
fn text(objects: &Objects, budget: &mut OutputBudget) -> Result<Page, ReadError> {
    let mut page = PageBuilder::default();
    for object in objects.all.iter().filter(|object| object.kind == types::TEXT) {
        write(objects.of(object).unwrap_or_default(), &mut page, &mut Some(String::new()));
    }
    for object in objects.all.iter().filter(|object| object.kind == types::TABLE) {
        table(objects, objects.of(object).unwrap_or_default(), &mut page, budget)?;
    }
    budget.spend(page.len())?;
    Ok(page.finish(Place::Whole))
}

/// One page for each slide, in the order of the show where that can be told.
fn slides(
    objects: &Objects,
    budget: &mut OutputBudget,
    outline: &mut Vec<OutlineItem>,
) -> Result<Vec<Page>, ReadError> {
    let is_slide = |part: usize| {
        let name = objects.parts.get(part).map_or("", |part| part.name.as_str());
        name.rsplit('/').next().is_some_and(|name| name.starts_with("Slide"))
    };
    let mut order: Vec<usize> = Vec::new();
    let mut known = HashSet::new();
    for show in objects.all.iter().filter(|object| object.kind == types::SHOW_OR_SHEET) {
        let tree = objects.of(show).and_then(|show| bytes(show, 3)).unwrap_or_default();
        for node in all(tree, 2).filter_map(|name| objects.message(number(name, 1)?)) {
            let slide = bytes(node, 2).and_then(|name| number(name, 1)).and_then(|id| objects.by_id.get(&id));
            let part = slide.and_then(|at| objects.all.get(*at)).map(|object| object.part);
            order.extend(part.filter(|part| is_slide(*part) && known.insert(*part)));
        }
    }
    order.extend((0..objects.parts.len()).filter(|part| is_slide(*part) && known.insert(*part)));
    let mut pages = Vec::new();
    for part in order {
        let mut page = PageBuilder::default();
        let mut title = None;
        let inside = objects.parts.get(part).map_or(0..0, |part| part.objects.clone());
        for object in objects.all.get(inside).unwrap_or_default() {
            let message = objects.of(object).unwrap_or_default();
            match object.kind {
                types::TEXT => write(message, &mut page, &mut title),
                types::TABLE => table(objects, message, &mut page, budget)?,
                _ => {}
            }
        }
        budget.spend(page.len())?;
        let title = title.filter(|title| title.chars().count() <= 120);
        outline.extend(title.clone().map(|title| OutlineItem { level: 1, title, page: pages.len() as u32 }));
        pages.push(page.finish(Place::Slide { number: pages.len() as u32 + 1, title }));
    }
    Ok(pages)
}

/// One page for each sheet, with its tables and texts; tables that no sheet names stand on one more.
fn sheets(objects: &Objects, budget: &mut OutputBudget) -> Result<Vec<Page>, ReadError> {
    let mut pages = Vec::new();
    let mut written = HashSet::new();
    for sheet in objects.all.iter().filter(|object| object.kind == types::SHOW_OR_SHEET) {
        let message = objects.of(sheet).unwrap_or_default();
        let mut page = PageBuilder::default();
        for id in all(message, 2).filter_map(|name| number(name, 1)) {
            let Some(frame) = objects.by_id.get(&id).and_then(|at| objects.all.get(*at)) else { continue };
            let Some(inner) = objects.of(frame).filter(|_| frame.kind == types::TABLE_FRAME) else { continue };
            let Some(model) = bytes(inner, 2).and_then(|name| number(name, 1)) else { continue };
            if written.insert(model) {
                table(objects, objects.message(model).unwrap_or_default(), &mut page, budget)?;
            }
        }
        budget.spend(page.len())?;
        let name = bytes(message, 1).map(|name| folded(&String::from_utf8_lossy(name))).unwrap_or_default();
        pages.push(page.finish(Place::Sheet { name }));
    }
    let mut rest = PageBuilder::default();
    for object in &objects.all {
        let message = objects.of(object).unwrap_or_default();
        match object.kind {
            types::TABLE if !written.contains(&object.id) => table(objects, message, &mut rest, budget)?,
            types::TEXT => write(message, &mut rest, &mut Some(String::new())),
            _ => {}
        }
    }
    if !rest.is_empty() {
        budget.spend(rest.len())?;
        pages.push(rest.finish(Place::Sheet { name: String::new() }));
    }
    Ok(pages)
}

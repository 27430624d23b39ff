//! The shapes of a slide: where they stand, what is written in them, and tables, which are groups of shapes.

use super::super::{u16_at, u32_at};
use super::atoms::{Atom, kinds};
use super::words::Words;
use crate::ReadOptions;
use crate::archive::Archive;
use crate::office::diagram_words;
use crate::spans::Again;
use crate::xml::Xml;
use std::collections::BTreeSet;

/// Groups within groups that are followed.
const MAX_NESTING: u8 = 20;
/// Shapes of one slide that are read.
const MAX_SHAPES: usize = 50_000;
/// Cells of one table, empty ones too.
const MAX_CELLS: usize = 100_000;
/// The option that says that a group is a table.
pub(super) const TABLE: u16 = 0x039f;

/// The option that holds a shape in the form of today's presentations.
const TODAY: u16 = 0x03a9;
/// Bytes that the diagrams of one show unpack to, at most.
pub(super) const DIAGRAM_BYTES: u64 = 16 << 20;

/// Where shapes take their words from beside themselves.
pub(super) struct Sources<'w> {
    /// Texts that shapes may name.
    pub(super) outline: &'w mut [Words],
    /// What is left of [`DIAGRAM_BYTES`].
    pub(super) diagram_bytes: &'w mut u64,
}

/// One shape with words, or a table.
#[derive(Default)]
pub(super) struct Shape {
    /// What the layout wants here, by its number; none where it stands by itself.
    pub(super) placeholder: Option<u8>,
    pub(super) x: i32,
    pub(super) y: i32,
    pub(super) words: Vec<Words>,
    pub(super) rows: Vec<Vec<String>>,
}

impl Shape {
    pub(super) fn is_title(&self) -> bool {
        let by_place = matches!(self.placeholder, Some(1 | 3 | 13 | 15 | 17));
        by_place || self.placeholder.is_some() && self.words.iter().any(|words| matches!(words.kind, 0 | 6))
    }
}

/// The shapes of a slide or of its notes.
pub(super) fn of(slide: Atom<'_>, from: &mut Sources<'_>) -> Vec<Shape> {
    let mut out = Vec::new();
    for drawing in slide.children().filter(|atom| atom.kind == kinds::DRAWING) {
        for inner in drawing.children() {
            // The outermost group is the slide itself.
            for whole in inner.children().filter(|atom| atom.kind == kinds::GROUP) {
                for child in whole.children().filter(|atom| matches!(atom.kind, kinds::GROUP | kinds::SHAPE)) {
                    gather(child, None, MAX_NESTING, from, &mut out);
                }
            }
        }
    }
    out
}

fn gather(atom: Atom<'_>, place: Option<(i32, i32)>, depth: u8, from: &mut Sources<'_>, out: &mut Vec<Shape>) {
    if out.len() >= MAX_SHAPES {
        return;
    }
    if atom.kind == kinds::SHAPE {
        let shape = shape(atom, place, from);
        if !shape.words.is_empty() {
            out.push(shape);
        }
        return;
    }
    let first = atom.children().find(|child| child.kind == kinds::SHAPE);
    if first.is_some_and(is_table) {
        let rows = table(atom, from);
        if !rows.is_empty() {
            let (x, y) = first.and_then(|shape| place_of(shape, kinds::PLACE)).or(place).unwrap_or_default();
            out.push(Shape { x, y, rows, ..Shape::default() });
            return;
        }
    }
    // Shapes of a group keep their order beside the group's own place.
    let place = place.or_else(|| first.and_then(|shape| place_of(shape, kinds::PLACE)));
    for child in atom.children().filter(|child| matches!(child.kind, kinds::GROUP | kinds::SHAPE)) {
        if depth > 0 {
            gather(child, place, depth - 1, from, out);
        }
    }
}

fn shape(atom: Atom<'_>, place: Option<(i32, i32)>, from: &mut Sources<'_>) -> Shape {
    let (x, y) = place.or_else(|| place_of(atom, kinds::PLACE)).unwrap_or_default();
    let placeholder = atom.all(kinds::PLACEHOLDER).first().and_then(|atom| atom.body.get(4).copied());
    let numbers = atom.all(kinds::TEXT_NUMBERS);
    let mut words = Vec::new();
    for text in atom.children().filter(|atom| atom.kind == kinds::TEXT_BOX) {
        let inner: Vec<Atom<'_>> = text.children().collect();
        for named in inner.iter().filter(|atom| atom.kind == kinds::OUTLINE_TEXT) {
            // Each text stands in one shape.
            words.extend(u32_at(named.body, 0).and_then(|i| from.outline.get_mut(i as usize)).map(std::mem::take));
        }
        words.extend(Words::all(&inner));
    }
    words.extend(diagram(atom, from.diagram_bytes));
    if let (Some(numbers), [one]) = (numbers.first(), words.as_mut_slice()) {
        one.number(numbers.body);
    }
    Shape { placeholder, x, y, words, rows: Vec::new() }
}

/// Left and top.
fn place_of(shape: Atom<'_>, kind: u16) -> Option<(i32, i32)> {
    let body = shape.children().find(|atom| atom.kind == kind)?.body;
    let short = |at: usize| u16_at(body, at).map(|value| i32::from(value.cast_signed()));
    let long = |at: usize| u32_at(body, at).map(u32::cast_signed);
    match (kind, body.len()) {
        (kinds::INNER_PLACE, _) => Some((long(0)?, long(4)?)),
        (_, 16..) => Some((long(4)?, long(0)?)),
        _ => Some((short(2)?, short(0)?)),
    }
}

fn is_table(shape: Atom<'_>) -> bool {
    options(shape).any(|(id, _)| id == TABLE)
}

/// The options of a shape that are kept apart, by number; with their own bytes where they are longer than a number.
fn options(shape: Atom<'_>) -> impl Iterator<Item = (u16, &[u8])> {
    let all = shape.children().find(|atom| atom.kind == kinds::MORE_OPTIONS);
    let (body, many) = all.map_or((&[][..], 0), |all| (all.body, usize::from(all.instance)));
    let mut behind = many * 6;
    body.chunks_exact(6).take(many).map(move |one| {
        let (id, value) = (u16_at(one, 0).unwrap_or(0), u32_at(one, 2).unwrap_or(0) as usize);
        let end = if id & 0x8000 != 0 { behind.saturating_add(value) } else { behind };
        let bytes = body.get(behind..end.min(body.len())).unwrap_or_default();
        behind = end;
        (id & 0x3fff, bytes)
    })
}

/// What a diagram says: an old show keeps it as a picture, and beside it as a small package of today's form.
fn diagram(shape: Atom<'_>, bytes_left: &mut u64) -> Vec<Words> {
    let Some((_, bytes)) = options(shape).find(|(id, bytes)| *id == TODAY && bytes.starts_with(b"PK")) else {
        return Vec::new();
    };
    let options = ReadOptions { max_output_bytes: *bytes_left, ..ReadOptions::default() };
    let Ok(package) = Archive::open(bytes, &options) else { return Vec::new() };
    let mut out = Vec::new();
    let parts: Vec<&str> = package.names().filter(|name| name.starts_with("drs/diagrams/data")).take(4).collect();
    for part in parts {
        match package.get(part) {
            Ok(Some(data)) => {
                *bytes_left = bytes_left.saturating_sub(data.len() as u64);
                out.extend(Xml::parse(&data).map(|xml| diagram_words(&xml)).unwrap_or_default());
            }
            _ => *bytes_left /= 2,
        }
    }
    out.into_iter().map(|text| Words::item(&text)).collect()
}

/// Cells by their places become rows; one over several of them stands in each.
fn table(group: Atom<'_>, from: &mut Sources<'_>) -> Vec<Vec<String>> {
    let mut cells = Vec::new();
    for child in group.children().filter(|atom| atom.kind == kinds::SHAPE).take(MAX_CELLS) {
        let Some((x, y)) = place_of(child, kinds::INNER_PLACE) else { continue };
        let text: Vec<String> = shape(child, None, from).words.iter().map(Words::plain).collect();
        // Lines between cells are shapes without a place for words.
        if child.children().any(|atom| atom.kind == kinds::TEXT_BOX) {
            let body = child.children().find(|atom| atom.kind == kinds::INNER_PLACE).map_or(&[][..], |atom| atom.body);
            let end = |at: usize| u32_at(body, at).map_or(i32::MIN, u32::cast_signed);
            cells.push((y, x, (end(12), end(8)), text.join(" ")));
        }
    }
    let columns: Vec<i32> = cells.iter().map(|cell| cell.1).collect::<BTreeSet<_>>().into_iter().collect();
    let lines: Vec<i32> = cells.iter().map(|cell| cell.0).collect::<BTreeSet<_>>().into_iter().collect();
    if columns.len().saturating_mul(lines.len()) > MAX_CELLS {
        return Vec::new();
    }
    let mut rows = vec![vec![String::new(); columns.len()]; lines.len()];
    let mut again = Again::default();
    let mut steps = 4 * MAX_CELLS;
    for (y, x, (bottom, right), text) in cells {
        let (Ok(line), Ok(column)) = (lines.binary_search(&y), columns.binary_search(&x)) else { continue };
        let (down, across) = (lines.partition_point(|at| *at < bottom), columns.partition_point(|at| *at < right));
        // A title over the whole table is one cell.
        let across = if column == 0 && across == columns.len() { 1 } else { across.max(column + 1) };
        steps = steps.saturating_sub(down.saturating_sub(line) * across.saturating_sub(column));
        let (down, across) = if steps > 0 { (down, across) } else { (line, column + 1) };
        for (at, row) in rows.iter_mut().enumerate().take(down.max(line + 1)).skip(line) {
            for (n, cell) in row.iter_mut().enumerate().take(across).skip(column) {
                match (at, n) == (line, column) {
                    true => *cell = text.clone(),
                    false if cell.is_empty() => *cell = again.of(&text, false).to_owned(),
                    false => {}
                }
            }
        }
    }
    rows
}

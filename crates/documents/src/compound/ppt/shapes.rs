//! The shapes of a slide: where they stand, what is written in them, and tables, which are groups of shapes.

use super::super::{u16_at, u32_at};
use super::atoms::{Atom, kinds};
use super::words::Words;
use std::collections::BTreeSet;

/// Groups within groups that are followed.
const MAX_NESTING: u8 = 20;
/// Shapes of one slide that are read.
const MAX_SHAPES: usize = 50_000;
/// Cells of one table, empty ones too.
const MAX_CELLS: usize = 100_000;
/// The option that says that a group is a table.
pub(super) const TABLE: u16 = 0x039f;

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

/// The shapes of a slide or of its notes. `outline` are the texts that shapes may name.
pub(super) fn of(slide: Atom<'_>, outline: &mut [Words]) -> Vec<Shape> {
    let mut out = Vec::new();
    for drawing in slide.children().filter(|atom| atom.kind == kinds::DRAWING) {
        for inner in drawing.children() {
            // The outermost group is the slide itself.
            for whole in inner.children().filter(|atom| atom.kind == kinds::GROUP) {
                for child in whole.children().filter(|atom| matches!(atom.kind, kinds::GROUP | kinds::SHAPE)) {
                    gather(child, None, MAX_NESTING, outline, &mut out);
                }
            }
        }
    }
    out
}

fn gather(atom: Atom<'_>, place: Option<(i32, i32)>, depth: u8, outline: &mut [Words], out: &mut Vec<Shape>) {
    if out.len() >= MAX_SHAPES {
        return;
    }
    if atom.kind == kinds::SHAPE {
        let shape = shape(atom, place, outline);
        if !shape.words.is_empty() {
            out.push(shape);
        }
        return;
    }
    let first = atom.children().find(|child| child.kind == kinds::SHAPE);
    if first.is_some_and(is_table) {
        let rows = table(atom, outline);
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
            gather(child, place, depth - 1, outline, out);
        }
    }
}

fn shape(atom: Atom<'_>, place: Option<(i32, i32)>, outline: &mut [Words]) -> Shape {
    let (x, y) = place.or_else(|| place_of(atom, kinds::PLACE)).unwrap_or_default();
    let placeholder = atom.all(kinds::PLACEHOLDER).first().and_then(|atom| atom.body.get(4).copied());
    let numbers = atom.all(kinds::TEXT_NUMBERS);
    let mut words = Vec::new();
    for text in atom.children().filter(|atom| atom.kind == kinds::TEXT_BOX) {
        let inner: Vec<Atom<'_>> = text.children().collect();
        for named in inner.iter().filter(|atom| atom.kind == kinds::OUTLINE_TEXT) {
            // Each text stands in one shape.
            words.extend(u32_at(named.body, 0).and_then(|i| outline.get_mut(i as usize)).map(std::mem::take));
        }
        words.extend(Words::all(&inner));
    }
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
    let options = shape.children().find(|atom| atom.kind == kinds::MORE_OPTIONS);
    options.is_some_and(|options| {
        let listed = options.body.chunks_exact(6).take(options.instance.into());
        listed.into_iter().any(|one| u16_at(one, 0).is_some_and(|id| id & 0x3fff == TABLE))
    })
}

/// Cells by their places become rows; a cell over several columns or rows stands in the first.
fn table(group: Atom<'_>, outline: &mut [Words]) -> Vec<Vec<String>> {
    let mut cells = Vec::new();
    for child in group.children().filter(|atom| atom.kind == kinds::SHAPE).take(MAX_CELLS) {
        let Some((x, y)) = place_of(child, kinds::INNER_PLACE) else { continue };
        let text: Vec<String> = shape(child, None, outline).words.iter().map(Words::plain).collect();
        // Lines between cells are shapes without a place for words.
        if child.children().any(|atom| atom.kind == kinds::TEXT_BOX) {
            cells.push((y, x, text.join(" ")));
        }
    }
    let columns: Vec<i32> = cells.iter().map(|cell| cell.1).collect::<BTreeSet<_>>().into_iter().collect();
    let lines: Vec<i32> = cells.iter().map(|cell| cell.0).collect::<BTreeSet<_>>().into_iter().collect();
    if columns.len().saturating_mul(lines.len()) > MAX_CELLS {
        return Vec::new();
    }
    let mut rows = vec![vec![String::new(); columns.len()]; lines.len()];
    for (y, x, text) in cells {
        let at = (lines.binary_search(&y), columns.binary_search(&x));
        if let (Ok(line), Ok(column)) = at
            && let Some(cell) = rows.get_mut(line).and_then(|row| row.get_mut(column))
        {
            *cell = text;
        }
    }
    rows
}

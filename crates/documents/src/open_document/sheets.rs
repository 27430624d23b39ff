//! Workbooks: one page per sheet, cells as they are shown, each row with the name of its first cell.

use super::{Inline, MAX_NESTING, Styles, lines, rows_of};
use crate::builder::{PageBuilder, folded};
use crate::office::sheet::{column_name, mark_header};
use crate::xml::El;
use hearth_domain::{BlockKind, Page, Place};

/// Cells of one workbook, and columns of one row.
const MAX_CELLS: usize = 20_000_000;
const MAX_COLUMNS: usize = 16_384;
/// Empty cells in a row that are kept as such; a wider gap is closed.
const MAX_GAP: usize = 40;
/// What a filled row or cell may repeat: more is decoration.
const MAX_SAME: usize = 60;

pub(super) fn read(book: El<'_>, _styles: &Styles) -> Vec<Page> {
    let mut cells = 0;
    book.children()
        .filter(|el| el.name() == "table")
        .map(|table| {
            let mut page = PageBuilder::default();
            let mut notes = Vec::new();
            sheet(table, &mut page, &mut notes, &mut cells);
            mark_header(&mut page);
            // Shapes and charts of the sheet stand after its cells.
            for shape in table.children().filter(|el| el.name() == "shapes") {
                page.block(BlockKind::Paragraph, &lines(shape));
            }
            notes.iter().for_each(|note| page.block(BlockKind::Note, note));
            page.finish(Place::Sheet { name: folded(table.attr("name").unwrap_or_default()) })
        })
        .collect()
}

fn sheet(table: El<'_>, page: &mut PageBuilder, notes: &mut Vec<String>, cells: &mut usize) {
    let mut number = 1usize;
    let mut lines = Vec::new();
    for (row, head) in rows_of(table, MAX_NESTING) {
        let repeated = count(&row, "number-rows-repeated");
        let line = cells_of(row, number, notes);
        *cells += line.len();
        if *cells > MAX_CELLS {
            break;
        }
        if !line.is_empty() {
            lines.push((number, repeated, head, line));
        }
        number = number.saturating_add(repeated);
    }
    // Columns of all rows stand under each other.
    let left = lines.iter().filter_map(|(.., line)| line.first()).map(|(column, _)| *column).min().unwrap_or(1);
    for (number, repeated, head, line) in lines {
        let Some((first, _)) = line.first() else { continue };
        let mut texts = Vec::new();
        let mut next = left;
        for (column, text) in &line {
            texts.extend(std::iter::repeat_n("", column.saturating_sub(next).min(MAX_GAP)));
            texts.push(text.as_str());
            next = column + 1;
        }
        for at in 0..repeated.min(MAX_SAME) {
            let name = format!("{}{}", column_name(*first as u32), number + at);
            page.row(head, Some(name), &texts);
        }
    }
}

/// The filled cells of a row with their columns, from 1.
fn cells_of(row: El<'_>, number: usize, notes: &mut Vec<String>) -> Vec<(usize, String)> {
    let mut line = Vec::new();
    let mut column = 1usize;
    for cell in row.children().filter(|el| matches!(el.name(), "table-cell" | "covered-table-cell")) {
        let many = count(&cell, "number-columns-repeated");
        let text = shown(cell);
        if cell.name() == "table-cell" && !text.is_empty() {
            for at in 0..many.min(MAX_SAME) {
                line.push((column + at, text.clone()));
            }
        }
        for note in cell.children().filter(|el| el.name() == "annotation") {
            let said: Vec<String> =
                note.children().filter(|el| el.name() == "p").map(|el| folded(&Inline::of(el).text)).collect();
            notes.push(format!("{}{number}: {}", column_name(column as u32), said.join(" ")));
        }
        column = column.saturating_add(many);
        if column > MAX_COLUMNS {
            break;
        }
    }
    line
}

/// A cell as it is shown: its paragraphs; where the file keeps none, its value.
fn shown(cell: El<'_>) -> String {
    let text: Vec<String> =
        cell.children().filter(|el| el.name() == "p").map(|el| folded(&Inline::of(el).text)).collect();
    let text = folded(&text.join(" "));
    if !text.is_empty() {
        return text;
    }
    let value = ["string-value", "date-value", "time-value", "boolean-value", "value"];
    value.iter().find_map(|name| cell.attr(name)).map(folded).unwrap_or_default()
}

fn count(el: &El<'_>, name: &str) -> usize {
    el.attr(name).and_then(|many| many.parse::<usize>().ok()).unwrap_or(1).max(1)
}

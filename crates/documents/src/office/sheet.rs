//! One sheet of any workbook format: cells by place become rows of a page, with numbers as the sheet shows them.

use super::number::Format;
use crate::ReadError;
use crate::builder::{OutputBudget, PageBuilder};
use std::collections::BTreeMap;

/// Cells of one workbook that are read.
const MAX_CELLS: u64 = 20_000_000;
/// Empty cells in a row that are kept as such; a wider gap is closed.
const MAX_GAP: u32 = 40;
/// Rows that are looked at for cells under merged ones.
const MAX_MERGED_ROWS: u64 = 2_000_000;

/// How a workbook shows its numbers.
#[derive(Default)]
pub(crate) struct Styles {
    /// The number format of each cell style.
    pub(crate) formats: Vec<Format>,
    pub(crate) from_1904: bool,
}

impl Styles {
    /// A number as a cell of this style shows it.
    pub(crate) fn show(&self, number: f64, style: usize) -> String {
        match self.formats.get(style) {
            Some(format) => format.show(number, self.from_1904),
            None => Format::General.show(number, false),
        }
    }
}

/// Counts the cells of a workbook.
#[derive(Default)]
pub(crate) struct CellCount(u64);

impl CellCount {
    /// Counts one more, and refuses more than a real workbook has.
    pub(crate) fn one(&mut self) -> Result<(), ReadError> {
        self.0 += 1;
        if self.0 > MAX_CELLS {
            return Err(ReadError::Bomb { why: "its sheets have many millions of cells".to_owned() });
        }
        Ok(())
    }
}

/// Truth values as sheets show them.
pub(crate) fn truth(value: bool) -> &'static str {
    if value { "TRUE" } else { "FALSE" }
}

/// The word that a sheet shows for an error, by its number in binary workbooks.
pub(crate) fn error_word(code: u8) -> &'static str {
    match code {
        0x00 => "#NULL!",
        0x07 => "#DIV/0!",
        0x0f => "#VALUE!",
        0x17 => "#REF!",
        0x1d => "#NAME?",
        0x24 => "#NUM!",
        0x2a => "#N/A",
        0x2b => "#GETTING_DATA",
        _ => "#ERROR!",
    }
}

/// The number in the short form of binary workbooks: 30 bits of a float or a whole number, perhaps hundredths.
pub(crate) fn short_number(bits: u32) -> f64 {
    let number =
        if bits & 2 != 0 { f64::from(bits.cast_signed() >> 2) } else { f64::from_bits(u64::from(bits & !3) << 32) };
    if bits & 1 != 0 { number / 100.0 } else { number }
}

/// Cells as they come, in any order; rows and columns from 0.
#[derive(Default)]
pub(crate) struct Cells {
    rows: BTreeMap<u32, BTreeMap<u32, String>>,
    merged_rows: u64,
}

impl Cells {
    /// Keeps a cell's text; an empty one is dropped.
    pub(crate) fn put(
        &mut self,
        row: u32,
        column: u32,
        text: &str,
        budget: &mut OutputBudget,
    ) -> Result<(), ReadError> {
        if !text.trim().is_empty() {
            budget.spend(text.len() + 1)?;
            self.rows.entry(row).or_default().insert(column, text.to_owned());
        }
        Ok(())
    }

    /// Of merged cells only the first shows.
    pub(crate) fn merge(&mut self, rows: std::ops::RangeInclusive<u32>, columns: std::ops::RangeInclusive<u32>) {
        let first = (*rows.start(), *columns.start());
        if rows.is_empty() || columns.is_empty() || self.merged_rows > MAX_MERGED_ROWS {
            return;
        }
        for (row, cells) in self.rows.range_mut(rows) {
            self.merged_rows += 1;
            if self.merged_rows > MAX_MERGED_ROWS {
                return;
            }
            let under: Vec<u32> = cells.range(columns.clone()).map(|(column, _)| *column).collect();
            for column in under.into_iter().filter(|column| (*row, *column) != first) {
                cells.remove(&column);
            }
        }
    }

    /// Writes all rows to a page.
    pub(crate) fn write(&self, page: &mut PageBuilder) {
        let left = self.rows.values().filter_map(|cells| cells.keys().next()).min().map_or(1, |left| left + 1);
        for (row, cells) in &self.rows {
            let line: Vec<(u32, &str)> =
                cells.iter().map(|(column, text)| (column.saturating_add(1), text.as_str())).collect();
            write_row(page, row.saturating_add(1), left, &line);
        }
    }
}

/// Cells as they come, row by row, in one piece of memory; rows and columns from 1.
#[derive(Default)]
pub(crate) struct Lines {
    text: String,
    /// Row, column, and where the cell's text ends.
    cells: Vec<(u32, u32, u32)>,
}

impl Lines {
    /// Keeps a cell's text; an empty one is dropped.
    pub(crate) fn put(&mut self, row: u32, column: u32, text: &str) {
        if !text.trim().is_empty() {
            self.text.push_str(text);
            self.cells.push((row, column, self.text.len() as u32));
        }
    }

    /// Writes all rows to a page.
    pub(crate) fn write(&self, page: &mut PageBuilder) {
        let left = self.cells.iter().map(|(_, column, _)| *column).min().unwrap_or(1);
        let mut line: Vec<(u32, &str)> = Vec::new();
        let (mut number, mut start) = (0, 0);
        for (row, column, end) in &self.cells {
            if *row != number {
                write_row(page, number, left, &line);
                line.clear();
                number = *row;
            }
            line.push((*column, self.text.get(start as usize..*end as usize).unwrap_or_default()));
            start = *end;
        }
        write_row(page, number, left, &line);
    }
}

/// Writes one row: number and columns from 1. It begins at column `left`, where the sheet does, so that columns of all rows
/// stand under each other, and is called by its first cell that holds something.
pub(crate) fn write_row<S: AsRef<str>>(page: &mut PageBuilder, row: u32, left: u32, line: &[(u32, S)]) {
    let Some((first, _)) = line.first() else { return };
    let mut cells: Vec<&str> = Vec::new();
    let mut next = left.min(*first);
    for (column, text) in line {
        let gap = column.saturating_sub(next).min(MAX_GAP);
        cells.extend(std::iter::repeat_n("", gap as usize));
        cells.push(text.as_ref());
        next = column.saturating_add(1);
    }
    page.row(false, Some(format!("{}{row}", column_name(*first))), &cells);
}

/// The first row names the columns where it holds several words and no number, and something follows.
pub(crate) fn mark_header(page: &mut PageBuilder) {
    let is_header = page.first_row_text().is_some_and(|text| {
        let cells: Vec<&str> = text.split('\t').filter(|cell| !cell.trim().is_empty()).collect();
        cells.len() > 1 && cells.iter().all(|cell| cell.parse::<f64>().is_err())
    });
    if is_header && page.blocks().len() > 1 {
        page.mark_header(0);
    }
}

/// The letters of a column, from 1.
pub(crate) fn column_name(mut column: u32) -> String {
    let mut name = Vec::new();
    while column > 0 {
        column -= 1;
        name.push(char::from(b'A' + (column % 26) as u8));
        column /= 26;
    }
    name.iter().rev().collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use hearth_domain::Place;

    #[test]
    fn short_numbers_come_out_whole() {
        for (bits, number) in
            [((7 << 2) | 2, 7.0), ((250 << 2) | 3, 2.5), (((-3i32) << 2).cast_unsigned() | 2, -3.0), (0x3ff0_0000, 1.0)]
        {
            assert_eq!(short_number(bits), number);
        }
    }

    #[test]
    fn cells_under_merged_ones_are_not_shown() {
        let mut cells = Cells::default();
        let mut budget = OutputBudget::new(1000, 1000);
        for (row, column, text) in [(4, 2, "c"), (0, 1, "a"), (0, 2, "hidden"), (1, 1, "under"), (1, 4, "b")] {
            cells.put(row, column, text, &mut budget).unwrap();
        }
        cells.merge(0..=1, 1..=2);
        cells.merge(7..=u32::MAX, 0..=u32::MAX);
        let mut page = PageBuilder::default();
        cells.write(&mut page);
        let page = page.finish(Place::Whole);
        assert_eq!(page.text, "a\n\t\t\tb\n\tc");
    }
}

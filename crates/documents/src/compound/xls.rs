//! Excel workbooks of 1987 to 2003 ([MS-XLS] and the forms before it): sheets, cells as shown, comments, text boxes, names of
//! charts. Files of before 1993 hold one sheet and no container.

mod records;

use super::{Compound, is_compound, u16_at, u32_at};
use crate::builder::{OutputBudget, PageBuilder, folded};
use crate::office::number::Format;
use crate::office::sheet::{CellCount, Cells, Styles, error_word, mark_header, short_number, truth};
use crate::plain::document;
use crate::read::{Progress, step};
use crate::rtf::encoding_of_page;
use crate::{ReadError, ReadOptions};
use hearth_domain::{BlockKind, Document, Kind, Place};
use records::{Joined, Record, Records};
use std::collections::{BTreeMap, HashMap, HashSet};

/// Records of one workbook, counted again for each sheet that they are read for.
const MAX_RECORDS: u64 = 60_000_000;
const MAX_SHEETS: usize = 10_000;
/// Words of the charts of one sheet.
const MAX_WORDS: usize = 10_000;

/// Whether bytes begin like a workbook without a container.
pub(crate) fn is_bare(head: &[u8]) -> bool {
    let long = u16_at(head, 2).unwrap_or(0);
    let form = matches!((head.first(), head.get(1)), (Some(9), Some(0 | 2 | 4 | 8)));
    form && matches!(long, 4 | 6 | 8 | 16) && matches!(u16_at(head, 6), Some(0x05 | 0x10 | 0x20 | 0x40 | 0x100))
}

pub(crate) fn read(bytes: &[u8], options: &ReadOptions, progress: &mut Progress<'_>) -> Result<Document, ReadError> {
    if !is_compound(bytes) {
        return workbook(bytes, bytes.len(), options, progress);
    }
    let mut file = Compound::open(bytes, options.max_output_bytes)?;
    let stream = file.stream("/Workbook").or_else(|| file.stream("/Book"));
    let stream = stream.ok_or_else(|| ReadError::damaged("its sheets are missing"))?;
    let mut document = workbook(&stream, bytes.len(), options, progress)?;
    let known = |text: String| Some(folded(&text)).filter(|text| !text.is_empty());
    if let Some(summary) = file.stream("/\u{5}SummaryInformation") {
        document.title = super::packed::property(&summary, 2).and_then(known);
        document.author = super::packed::property(&summary, 4).and_then(known);
    }
    Ok(document)
}

/// What holds for a whole workbook.
#[derive(Default)]
struct Book {
    /// The form of its records: 2 to 5, or 8.
    form: u8,
    page: i32,
    styles: Styles,
    strings: Vec<String>,
    /// Formats by number, or in order where they have none.
    formats: BTreeMap<u32, String>,
    listed: u32,
    sheets: Vec<(usize, String)>,
    records: u64,
}

impl Book {
    fn count(&mut self) -> Result<(), ReadError> {
        self.records += 1;
        if self.records > MAX_RECORDS {
            return Err(ReadError::Bomb { why: "its sheets lie in one another".to_owned() });
        }
        Ok(())
    }

    /// A text with a length before it, of one byte or two.
    fn text(&self, joined: &mut Joined<'_>, wide_length: bool) -> Option<String> {
        let count = if wide_length { usize::from(joined.u16()?) } else { usize::from(joined.u8()?) };
        if self.form == 8 {
            return joined.marked(count);
        }
        let bytes = joined.bytes(count);
        Some(encoding_of_page(self.page).decode_without_bom_handling(&bytes).0.into_owned())
    }

    fn style(&mut self, format: u32) {
        let code = self.formats.get(&format).map(String::as_str);
        let number = if self.form < 5 { 0 } else { format };
        self.styles.formats.push(Format::of(number, code));
    }
}

fn workbook(
    stream: &[u8],
    file_bytes: usize,
    options: &ReadOptions,
    progress: &mut Progress<'_>,
) -> Result<Document, ReadError> {
    let mut records = Records::at(stream, 0);
    let first = records.next().filter(|record| record.id & 0xff == 9);
    let first = first.ok_or_else(|| ReadError::damaged("it does not begin like a workbook"))?;
    let form = match (first.id, u16_at(first.body, 0)) {
        (0x009, _) => 2,
        (0x209, _) => 3,
        (0x409, _) => 4,
        (_, Some(0x600)) => 8,
        _ => 5,
    };
    let mut book = Book { form, page: 1252, ..Book::default() };
    globals(&mut book, records, options.password.is_some())?;
    if book.sheets.is_empty() {
        book.sheets.push((0, String::new()));
    }
    let mut budget = OutputBudget::new(file_bytes, options.max_output_bytes);
    let mut count = CellCount::default();
    let sheets = std::mem::take(&mut book.sheets);
    let mut seen = HashSet::new();
    let mut pages = Vec::new();
    for (i, (offset, name)) in sheets.iter().enumerate() {
        step(progress, i as u32, sheets.len() as u32)?;
        if !seen.insert(*offset) {
            continue;
        }
        let mut sheet = Sheet::default();
        sheet.read(&mut book, Records::at(stream, *offset), &mut count, &mut budget)?;
        let place = if name.is_empty() { Place::Whole } else { Place::Sheet { name: name.clone() } };
        pages.push(sheet.page().finish(place));
    }
    step(progress, sheets.len() as u32, sheets.len() as u32)?;
    Ok(document(Kind::Xlsx, pages))
}

/// Reads what stands before the sheets; in files of one sheet, all of it.
fn globals(book: &mut Book, records: Records<'_>, password: bool) -> Result<(), ReadError> {
    let mut inside = 0u32;
    for record in records {
        book.count()?;
        let body = record.body;
        match record.id {
            0x009 | 0x209 | 0x409 | 0x809 => inside += 1,
            0x00a if inside == 0 => break,
            0x00a => inside -= 1,
            // Locked; the key is in no file.
            0x02f if password => return Err(ReadError::unsupported("An old Excel workbook with a password")),
            0x02f => return Err(ReadError::Encrypted),
            0x022 => book.styles.from_1904 = u16_at(body, 0) == Some(1),
            0x042 => book.page = u16_at(body, 0).map_or(1252, i32::from),
            0x085 if inside == 0 && book.sheets.len() < MAX_SHEETS => {
                let mut joined = record.joined();
                let Some(offset) = joined.u32() else { continue };
                // Modules of programs are no sheets.
                if joined.u16().is_some_and(|kind| kind >> 8 == 6) {
                    continue;
                }
                let name = book.text(&mut joined, false).map(|name| folded(&name)).unwrap_or_default();
                book.sheets.push((offset as usize, name));
            }
            0x0fc if inside == 0 => {
                let mut joined = record.joined();
                joined.skip(8);
                while let Some(text) = joined.shared() {
                    book.strings.push(text);
                }
            }
            0x41e if book.form >= 5 => {
                let mut joined = record.joined();
                if let Some(number) = joined.u16()
                    && let Some(code) = book.text(&mut joined, book.form == 8)
                {
                    book.formats.insert(u32::from(number), code);
                }
            }
            0x01e | 0x41e => {
                let mut joined = record.joined();
                joined.skip(if record.id == 0x41e { 2 } else { 0 });
                if let Some(code) = book.text(&mut joined, false) {
                    book.formats.insert(book.listed, code);
                    book.listed += 1;
                }
            }
            0x0e0 => book.style(u16_at(body, 2).map_or(0, u32::from)),
            0x243 | 0x443 => book.style(body.get(1).map_or(0, |format| u32::from(*format))),
            _ => {}
        }
    }
    if book.form == 2 {
        // Cells name the format itself.
        (0..book.listed).for_each(|format| book.style(format));
    }
    Ok(())
}

#[derive(Default)]
struct Sheet {
    cells: Cells,
    /// The cell of the formula whose text comes next.
    pending: Option<(u32, u32)>,
    /// Texts of drawn things by their numbers, in order.
    drawn: Vec<(u16, String)>,
    comments: Vec<(u32, u32, Option<u16>, String)>,
    /// Words of charts.
    words: Vec<String>,
}

impl Sheet {
    fn read(
        &mut self,
        book: &mut Book,
        mut records: Records<'_>,
        count: &mut CellCount,
        budget: &mut OutputBudget,
    ) -> Result<(), ReadError> {
        if records.next().is_none_or(|record| record.id & 0xff != 9) {
            return Ok(());
        }
        let mut inside = 0u32;
        let mut object = 0;
        let mut merged = Vec::new();
        let mut known = HashSet::new();
        for record in records {
            book.count()?;
            match record.id {
                0x009 | 0x209 | 0x409 | 0x809 => inside += 1,
                0x00a if inside == 0 => break,
                0x00a => inside -= 1,
                0x100d | 0x204 if inside > 0 || record.id == 0x100d => {
                    // Names of a chart's series, and what it counts.
                    let of_series = record.id == 0x100d;
                    let mut joined = record.joined();
                    joined.skip(if of_series { 2 } else { 6 });
                    let text = book.text(&mut joined, !of_series).map(|text| folded(&text)).unwrap_or_default();
                    if !text.is_empty() && known.len() < MAX_WORDS && known.insert(text.clone()) {
                        budget.spend(text.len())?;
                        self.words.push(text);
                    }
                }
                0x05d => object = u16_at(record.body, 6).unwrap_or(0),
                0x1b6 => {
                    let mut joined = record.joined();
                    joined.skip(10);
                    let letters = joined.u16().unwrap_or(0);
                    // The text stands in the part that follows.
                    if letters > 0 && joined.next_part() {
                        let text = joined.marked(usize::from(letters)).unwrap_or_default();
                        budget.spend(text.len())?;
                        self.drawn.push((object, text));
                    }
                }
                0x01c if inside == 0 => self.comment(book, &record),
                0x0e5 if inside == 0 => {
                    let many = u16_at(record.body, 0).map_or(0, usize::from);
                    for at in record.body.get(2..).unwrap_or_default().chunks_exact(8).take(many) {
                        let place = |i: usize| u16_at(at, i).map_or(0, u32::from);
                        merged.push((place(0)..=place(2), place(4)..=place(6)));
                    }
                }
                _ if inside == 0 => self.cell(book, &record, count, budget)?,
                _ => {}
            }
        }
        merged.into_iter().for_each(|(rows, columns)| self.cells.merge(rows, columns));
        Ok(())
    }

    fn comment(&mut self, book: &Book, record: &Record<'_>) {
        let (Some(row), Some(column)) = (u16_at(record.body, 0), u16_at(record.body, 2)) else { return };
        let mut text = String::new();
        if book.form < 8 {
            let mut joined = record.joined();
            joined.skip(4);
            text = book.text(&mut joined, true).unwrap_or_default();
        }
        let object = (book.form == 8).then(|| u16_at(record.body, 6)).flatten();
        if object.is_some() || !text.is_empty() {
            self.comments.push((row.into(), column.into(), object, text));
        }
    }

    fn cell(
        &mut self,
        book: &Book,
        record: &Record<'_>,
        count: &mut CellCount,
        budget: &mut OutputBudget,
    ) -> Result<(), ReadError> {
        let body = record.body;
        // The text of a formula's result stands by itself.
        if matches!(record.id, 0x207 | 0x007) {
            if let Some((row, column)) = self.pending.take() {
                let text = book.text(&mut record.joined(), record.id == 0x207).unwrap_or_default();
                self.cells.put(row, column, &text, budget)?;
            }
            return Ok(());
        }
        let old = book.form == 2;
        let is_cell = matches!(record.id, 0x0d6 | 0x0fd | 0x203..=0x205 | 0x27e | 0x006 | 0x206 | 0x406 | 0x0bd)
            || old && matches!(record.id, 0x002..=0x005);
        let (Some(row), Some(column)) = (u16_at(body, 0), u16_at(body, 2)) else { return Ok(()) };
        if !is_cell {
            return Ok(());
        }
        count.one()?;
        let (row, column) = (u32::from(row), u32::from(column));
        let head = if old { 7 } else { 6 };
        let style = match old {
            true => body.get(5).map_or(0, |format| usize::from(format & 0x3f)),
            false => u16_at(body, 4).map_or(0, usize::from),
        };
        let number = |at: usize| body.get(at..at + 8).and_then(|eight| eight.try_into().ok()).map(f64::from_le_bytes);
        let shown = match record.id {
            0x0bd => {
                for (i, pair) in body.get(4..).unwrap_or_default().chunks_exact(6).enumerate() {
                    count.one()?;
                    let style = u16_at(pair, 0).map_or(0, usize::from);
                    let shown = u32_at(pair, 2).map(|bits| book.styles.show(short_number(bits), style));
                    self.cells.put(row, column.saturating_add(i as u32), &shown.unwrap_or_default(), budget)?;
                }
                return Ok(());
            }
            0x27e => u32_at(body, head).map(|bits| book.styles.show(short_number(bits), style)),
            0x003 | 0x203 => number(head).map(|number| book.styles.show(number, style)),
            0x002 => u16_at(body, head).map(|number| book.styles.show(number.into(), style)),
            0x0fd => u32_at(body, head).and_then(|i| book.strings.get(i as usize)).cloned(),
            0x004 | 0x204 | 0x0d6 => {
                let mut joined = record.joined();
                joined.skip(head);
                book.text(&mut joined, record.id != 0x004)
            }
            0x005 | 0x205 => match (body.get(head), body.get(head + 1)) {
                (Some(code), Some(1)) => Some(error_word(*code).to_owned()),
                (Some(value), _) => Some(truth(*value != 0).to_owned()),
                _ => None,
            },
            _ => match body.get(head..head + 8) {
                Some([kind, _, value, _, _, _, 0xff, 0xff]) => match kind {
                    0 => {
                        self.pending = Some((row, column));
                        None
                    }
                    1 => Some(truth(*value != 0).to_owned()),
                    2 => Some(error_word(*value).to_owned()),
                    _ => None,
                },
                _ => number(head).map(|number| book.styles.show(number, style)),
            },
        };
        self.cells.put(row, column, &shown.unwrap_or_default(), budget)
    }

    fn page(self) -> PageBuilder {
        let mut page = PageBuilder::default();
        self.cells.write(&mut page);
        mark_header(&mut page);
        let mut drawn: HashMap<u16, &str> = HashMap::new();
        for (object, text) in &self.drawn {
            drawn.entry(*object).or_insert(text);
        }
        let mut taken = HashSet::new();
        for (row, column, object, text) in &self.comments {
            let said = object.and_then(|object| drawn.get(&object).copied()).unwrap_or(text);
            taken.extend(*object);
            let name = crate::office::sheet::column_name(column + 1);
            if !said.trim().is_empty() {
                page.block(BlockKind::Note, &format!("{name}{}: {}", row + 1, folded(said)));
            }
        }
        for (_, text) in self.drawn.iter().filter(|(object, _)| !taken.contains(object)) {
            page.block(BlockKind::Paragraph, text);
        }
        page.block(BlockKind::Paragraph, &self.words.join("\n"));
        page
    }
}

#[cfg(test)]
mod tests;

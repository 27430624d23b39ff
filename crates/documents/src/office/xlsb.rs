//! Binary Excel workbooks ([MS-XLSB]): the package of an XLSX whose sheets, strings and styles are records instead of XML.

use super::number::Format;
use super::sheet::{CellCount, Cells, Styles, error_word, mark_header, short_number, truth};
use super::{main_part, properties, relations, xlsx};
use crate::archive::Archive;
use crate::builder::{OutputBudget, PageBuilder, folded};
use crate::plain::document;
use crate::read::{Progress, step};
use crate::{ReadError, ReadOptions};
use hearth_domain::{BlockKind, Document, Kind, Place, Warning};
use std::collections::BTreeMap;

const ROW: u32 = 0;
const SHORT_NUMBER: u32 = 2;
const ERROR: u32 = 3;
const TRUTH: u32 = 4;
const NUMBER: u32 = 5;
const TEXT: u32 = 6;
const SHARED_TEXT: u32 = 7;
const RESULT_TEXT: u32 = 8;
const RESULT_NUMBER: u32 = 9;
const RESULT_TRUTH: u32 = 10;
const RESULT_ERROR: u32 = 11;
const STRING_ITEM: u32 = 19;
const FORMAT: u32 = 44;
const STYLE: u32 = 47;
const BOOK: u32 = 153;
const SHEET: u32 = 156;
const MERGED: u32 = 176;
const BEGIN_STYLES: u32 = 617;
const END_STYLES: u32 = 618;
const BEGIN_COMMENT: u32 = 635;
const COMMENT_TEXT: u32 = 637;

pub(crate) fn read(bytes: &[u8], options: &ReadOptions, progress: &mut Progress<'_>) -> Result<Document, ReadError> {
    let archive = Archive::open(bytes, options)?;
    let main = main_part(&archive, "xl/workbook.bin")?;
    let book = archive.need(&main)?;
    let parts = relations(&archive, &main)?;
    let part = |kind: &str| -> Result<Vec<u8>, ReadError> {
        let target = parts.values().find(|relation| relation.kind == kind).map(|relation| relation.target.clone());
        Ok(target.map(|target| archive.get(&target)).transpose()?.flatten().unwrap_or_default())
    };
    let strings = part("sharedStrings")?;
    let strings: Vec<String> =
        Records(&strings).filter(|(id, _)| *id == STRING_ITEM).map(|(_, body)| wide(body, 1).0).collect();
    let mut styles = Styles { formats: formats(&part("styles")?), from_1904: false };
    let mut sheets = Vec::new();
    for (id, body) in Records(&book) {
        match id {
            BOOK => styles.from_1904 = body.first().is_some_and(|flags| flags & 1 != 0),
            SHEET => {
                let (relation, next) = wide(body, 8);
                sheets.push((relation, folded(&wide(body, next).0)));
            }
            _ => {}
        }
    }
    let mut budget = OutputBudget::new(bytes.len(), options.max_output_bytes);
    let mut count = CellCount::default();
    let (mut pages, mut warnings) = (Vec::new(), Vec::new());
    for (i, (id, name)) in sheets.iter().enumerate() {
        step(progress, i as u32, sheets.len() as u32)?;
        let Some(relation) = parts.get(id) else { continue };
        let Some(sheet) = archive.get(&relation.target)? else {
            warnings.push(Warning { page: None, message: format!("The sheet {name} is missing from the file.") });
            continue;
        };
        let mut page = PageBuilder::default();
        cells(&sheet, &strings, &styles, &mut count, &mut budget)?.write(&mut page);
        mark_header(&mut page);
        comments(&archive, &relation.target, &mut page)?;
        xlsx::extras(&archive, &relation.target, &mut page)?;
        pages.push(page.finish(Place::Sheet { name: name.clone() }));
    }
    step(progress, sheets.len() as u32, sheets.len() as u32)?;
    let mut document = document(Kind::Xlsx, pages);
    document.warnings = warnings;
    properties(&archive, &mut document);
    Ok(document)
}

/// Records with their numbers; a cut-off tail is left out.
struct Records<'a>(&'a [u8]);

impl<'a> Iterator for Records<'a> {
    type Item = (u32, &'a [u8]);

    fn next(&mut self) -> Option<Self::Item> {
        let id = self.short(2)?;
        let long = self.short(4)? as usize;
        let (body, rest) = self.0.split_at_checked(long)?;
        self.0 = rest;
        Some((id, body))
    }
}

impl Records<'_> {
    /// A number of seven bits to the byte, in at most `most` bytes.
    fn short(&mut self, most: u32) -> Option<u32> {
        let mut number = 0;
        for place in 0..most {
            let (byte, rest) = self.0.split_first()?;
            self.0 = rest;
            number |= u32::from(byte & 0x7f) << (7 * place);
            if byte & 0x80 == 0 {
                break;
            }
        }
        Some(number)
    }
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_le_bytes(bytes.get(at..at.checked_add(4)?)?.try_into().ok()?))
}

/// The text at a place, and where it ends; empty where it is said to be absent or longer than there is.
fn wide(body: &[u8], at: usize) -> (String, usize) {
    let start = at.saturating_add(4);
    let Some(count) = u32_at(body, at).filter(|count| *count != u32::MAX) else { return (String::new(), start) };
    let end = start.saturating_add((count as usize).saturating_mul(2)).min(body.len());
    let units =
        body.get(start..end).unwrap_or_default().chunks_exact(2).map(|unit| u16::from_le_bytes([unit[0], unit[1]]));
    (char::decode_utf16(units).map(|letter| letter.unwrap_or('\u{fffd}')).collect(), end)
}

fn formats(styles: &[u8]) -> Vec<Format> {
    let mut own: BTreeMap<u32, String> = BTreeMap::new();
    let (mut out, mut within) = (Vec::new(), false);
    for (id, body) in Records(styles) {
        let number = |at: usize| body.get(at..at + 2).map_or(0, |two| u32::from(two[0]) | u32::from(two[1]) << 8);
        match id {
            FORMAT => drop(own.insert(number(0), wide(body, 2).0)),
            BEGIN_STYLES => within = true,
            END_STYLES => within = false,
            STYLE if within => out.push(Format::of(number(2), own.get(&number(2)).map(String::as_str))),
            _ => {}
        }
    }
    out
}

fn cells(
    sheet: &[u8],
    strings: &[String],
    styles: &Styles,
    count: &mut CellCount,
    budget: &mut OutputBudget,
) -> Result<Cells, ReadError> {
    let mut cells = Cells::default();
    let mut row = 0;
    for (id, body) in Records(sheet) {
        match id {
            ROW => row = u32_at(body, 0).unwrap_or(row),
            MERGED => {
                if let (Some(top), Some(bottom), Some(left), Some(right)) =
                    (u32_at(body, 0), u32_at(body, 4), u32_at(body, 8), u32_at(body, 12))
                {
                    cells.merge(top..=bottom, left..=right);
                }
            }
            SHORT_NUMBER..=RESULT_ERROR => {
                count.one()?;
                let (Some(column), Some(style)) = (u32_at(body, 0), u32_at(body, 4)) else { continue };
                let style = (style & 0x00ff_ffff) as usize;
                let first = body.get(8).copied();
                let shown = match id {
                    SHORT_NUMBER => u32_at(body, 8).map(|bits| styles.show(short_number(bits), style)),
                    NUMBER | RESULT_NUMBER => {
                        let number = body.get(8..16).and_then(|eight| eight.try_into().ok()).map(f64::from_le_bytes);
                        number.map(|number| styles.show(number, style))
                    }
                    TRUTH | RESULT_TRUTH => first.map(|value| truth(value != 0).to_owned()),
                    ERROR | RESULT_ERROR => first.map(|code| error_word(code).to_owned()),
                    SHARED_TEXT => u32_at(body, 8).and_then(|i| strings.get(i as usize)).cloned(),
                    TEXT | RESULT_TEXT => Some(wide(body, 8).0),
                    _ => None,
                };
                cells.put(row, column.min(16_383), &shown.unwrap_or_default(), budget)?;
            }
            _ => {}
        }
    }
    Ok(cells)
}

/// Comments of a sheet, each with its cell.
fn comments(archive: &Archive<'_>, sheet: &str, page: &mut PageBuilder) -> Result<(), ReadError> {
    for relation in relations(archive, sheet)?.into_values().filter(|relation| relation.kind == "comments") {
        let Some(bytes) = archive.get(&relation.target)? else { continue };
        let mut at = String::new();
        for (id, body) in Records(&bytes) {
            match id {
                BEGIN_COMMENT => {
                    let place = |at: usize| u32_at(body, at).unwrap_or(0).min(0x00ff_ffff) + 1;
                    at = format!("{}{}", super::sheet::column_name(place(12)), place(4));
                }
                COMMENT_TEXT => page.block(BlockKind::Note, &format!("{at}: {}", folded(&wide(body, 1).0))),
                _ => {}
            }
        }
    }
    Ok(())
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::archive::tests::zip;
    use std::ops::ControlFlow;

    fn record(out: &mut Vec<u8>, id: u32, body: &[u8]) {
        for mut number in [id, body.len() as u32] {
            loop {
                let more = number > 0x7f;
                out.push((number & 0x7f) as u8 | if more { 0x80 } else { 0 });
                number >>= 7;
                if !more {
                    break;
                }
            }
        }
        out.extend(body);
    }

    fn text(text: &str) -> Vec<u8> {
        let units: Vec<u16> = text.encode_utf16().collect();
        (units.len() as u32).to_le_bytes().into_iter().chain(units.iter().flat_map(|unit| unit.to_le_bytes())).collect()
    }

    fn cell(column: u32, style: u32, value: &[u8]) -> Vec<u8> {
        [&column.to_le_bytes(), &style.to_le_bytes(), value].concat()
    }

    /// A workbook of one sheet with a cell of each sort.
    pub(crate) fn workbook() -> Vec<u8> {
        let (mut book, mut strings, mut styles, mut sheet) = (Vec::new(), Vec::new(), Vec::new(), Vec::new());
        record(&mut book, BOOK, &[0; 12]);
        record(&mut book, SHEET, &[&[0; 8][..], &text("rId1"), &text("Q1")].concat());
        record(&mut strings, STRING_ITEM, &[&[0][..], &text("Sales")].concat());
        record(&mut styles, FORMAT, &[&170u16.to_le_bytes()[..], &text("\"$\"#,##0.00")].concat());
        record(&mut styles, STYLE, &[0; 16]);
        record(&mut styles, BEGIN_STYLES, &[3, 0, 0, 0]);
        for format in [0u16, 170, 14] {
            record(&mut styles, STYLE, &[&[0; 2][..], &format.to_le_bytes(), &[0; 12]].concat());
        }
        record(&mut styles, END_STYLES, &[]);
        record(&mut sheet, ROW, &[1u32.to_le_bytes().as_slice(), &[0; 13]].concat());
        record(&mut sheet, SHARED_TEXT, &cell(1, 0, &0u32.to_le_bytes()));
        record(&mut sheet, TEXT, &cell(2, 0, &text("Net")));
        record(&mut sheet, ROW, &[2u32.to_le_bytes().as_slice(), &[0; 13]].concat());
        record(&mut sheet, SHORT_NUMBER, &cell(1, 2, &((44_736u32 << 2) | 2).to_le_bytes()));
        record(&mut sheet, RESULT_NUMBER, &cell(2, 1, &1234.5f64.to_le_bytes()));
        record(&mut sheet, TRUTH, &cell(3, 0, &[1]));
        record(&mut sheet, RESULT_ERROR, &cell(4, 0, &[7]));
        record(&mut sheet, RESULT_TEXT, &cell(6, 0, &text("sum")));
        zip(&[
            ("[Content_Types].xml", b"<Types/>"),
            ("xl/workbook.bin", &book),
            (
                "xl/_rels/workbook.bin.rels",
                b"<Relationships><Relationship Id='rId1' Type='x/worksheet' Target='worksheets/s.bin'/>\
                  <Relationship Id='rId2' Type='x/sharedStrings' Target='ss.bin'/>\
                  <Relationship Id='rId3' Type='x/styles' Target='st.bin'/></Relationships>",
            ),
            ("xl/ss.bin", &strings),
            ("xl/st.bin", &styles),
            ("xl/worksheets/s.bin", &sheet),
        ])
    }

    #[test]
    fn a_binary_workbook_is_read_as_it_is_shown() {
        let document = read(&workbook(), &ReadOptions::default(), &mut |_, _| ControlFlow::Continue(())).unwrap();
        let page = &document.pages[0];
        assert_eq!(page.place, Place::Sheet { name: "Q1".into() });
        assert_eq!(page.text, "Sales\tNet\n2022-06-24\t$1,234.50\tTRUE\t#DIV/0!\t\tsum");
        assert_eq!(page.blocks[0].kind, BlockKind::Row { header: true, cell: Some("B2".into()) });
    }
    #[test]
    fn changed_records_end_in_cells_or_an_error() {
        let bytes = workbook();
        let archive = Archive::open(&bytes, &ReadOptions::default()).unwrap();
        let wholes: Vec<Vec<u8>> =
            ["xl/worksheets/s.bin", "xl/st.bin", "xl/workbook.bin"].map(|part| archive.need(part).unwrap()).into();
        let strings = ["a".to_owned()];
        let mut dice = 3u32;
        for round in 0..3000 {
            let mut bytes = wholes[round % 3].clone();
            for _ in 0..1 + round % 5 {
                dice = dice.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                let at = (dice >> 8) as usize % bytes.len();
                bytes[at] = if round % 4 == 0 { 0xff } else { (dice >> 3) as u8 };
            }
            let (mut count, mut budget) = (CellCount::default(), OutputBudget::new(bytes.len(), 1 << 20));
            let styles = Styles { formats: formats(&bytes), from_1904: false };
            if let Ok(cells) = cells(&bytes, &strings, &styles, &mut count, &mut budget) {
                cells.write(&mut PageBuilder::default());
            }
        }
    }
}

//! Word documents of 1997 to 2003 ([MS-DOC]): the text by its pieces, and of each paragraph whether it is a heading, an item
//! of a list or stands in a table.

mod lists;

use super::{Compound, u16_at, u32_at};
use crate::builder::{PageBuilder, folded};
use crate::numbering::Numbering;
use crate::plain::document;
use crate::{ReadError, ReadOptions};
use hearth_domain::{BlockKind, Document, Kind, OutlineItem, Place};

/// Pieces and runs of one document.
const MAX_RUNS: usize = 2_000_000;
const MAX_CELLS: usize = 1000;
const PAGE: usize = 512;

pub(crate) fn read(bytes: &[u8], options: &ReadOptions) -> Result<Document, ReadError> {
    let mut file = Compound::open(bytes, options.max_output_bytes)?;
    let main = file.stream("/WordDocument").ok_or_else(|| ReadError::damaged("its text is missing"))?;
    let flags = u16_at(&main, 0x0a).unwrap_or(0);
    if u16_at(&main, 0) != Some(0xa5ec) {
        return Err(ReadError::damaged("it does not begin like a Word document"));
    }
    if flags & 0x0100 != 0 {
        return Err(match options.password {
            None => ReadError::Encrypted,
            Some(_) => ReadError::unsupported("An old Word document with a password"),
        });
    }
    if u16_at(&main, 2).is_none_or(|version| version < 0xc1) {
        return Err(ReadError::unsupported("A Word document from before 1997"));
    }
    let table = if flags & 0x0200 != 0 { "/1Table" } else { "/0Table" };
    let table = file.stream(table).ok_or_else(|| ReadError::damaged("its table of pieces is missing"))?;
    let pieces = pieces(&main, &table).ok_or_else(|| ReadError::damaged("its table of pieces cannot be read"))?;
    let (numbering, by_style) = lists::read(&main, &table);
    let mut runs = runs(&main, &table);
    for run in runs.iter_mut().filter(|run| run.list.is_none()) {
        // A style may belong to a list.
        (run.list, run.level) =
            by_style.get(&run.style).map_or((None, run.level), |(list, level)| (Some(*list), *level));
    }
    let mut reader = Reader { runs, numbering, ..Reader::default() };
    // The parts of the text follow one another.
    let count = |at: usize| u32_at(&main, at).unwrap_or(0);
    let parts = [
        (count(76), Part::Body),
        (count(80), Part::Note),
        (count(84), Part::Head),
        (count(88), Part::Skipped),
        (count(92), Part::Note),
        (count(96), Part::Note),
        (count(100), Part::Body),
        (count(104), Part::Head),
    ];
    let mut ends = Vec::new();
    let mut end = 0u32;
    for (long, part) in parts {
        end = end.saturating_add(long);
        ends.push((end, part));
    }
    let mut position = 0u32;
    for piece in &pieces {
        for (at, letter) in piece.letters(&main) {
            let part = ends.iter().find(|(end, _)| position < *end).map_or(Part::Skipped, |(_, part)| *part);
            reader.letter(letter, at, part);
            position = position.saturating_add(letter.len_utf16() as u32);
        }
    }
    let mut document = reader.finish();
    let known = |text: String| Some(folded(&text)).filter(|text| !text.is_empty());
    if let Some(summary) = file.stream("/\u{5}SummaryInformation") {
        document.title = super::packed::property(&summary, 2).and_then(known);
        document.author = super::packed::property(&summary, 4).and_then(known);
    }
    Ok(document)
}

#[derive(Debug, Clone, Copy, PartialEq)]
enum Part {
    Body,
    Note,
    Head,
    Skipped,
}

/// A stretch of text as it lies in the file.
struct Piece {
    letters: usize,
    offset: usize,
    wide: bool,
}

impl Piece {
    /// Each letter with its place in the file.
    fn letters<'a>(&self, main: &'a [u8]) -> Vec<(usize, char)> {
        let width = if self.wide { 2 } else { 1 };
        let end = self.offset.saturating_add(self.letters.saturating_mul(width)).min(main.len());
        let bytes: &'a [u8] = main.get(self.offset..end).unwrap_or_default();
        if !self.wide {
            let (text, _) = encoding_rs::WINDOWS_1252.decode_without_bom_handling(bytes);
            return text.chars().enumerate().map(|(at, letter)| (self.offset + at, letter)).collect();
        }
        let units = bytes.chunks_exact(2).map(|pair| u16::from_le_bytes([pair[0], pair[1]]));
        let mut at = self.offset;
        char::decode_utf16(units)
            .map(|letter| {
                let letter = letter.unwrap_or('\u{fffd}');
                let here = at;
                at += 2 * letter.len_utf16();
                (here, letter)
            })
            .collect()
    }
}

/// The pieces in order: the Clx of the table stream.
fn pieces(main: &[u8], table: &[u8]) -> Option<Vec<Piece>> {
    let (start, long) = (u32_at(main, 418)? as usize, u32_at(main, 422)? as usize);
    let clx = table.get(start..start.checked_add(long)?)?;
    let mut at = 0;
    // What stands before the pieces is how they are set.
    while clx.get(at) == Some(&1) {
        at = at.checked_add(3 + usize::from(u16_at(clx, at + 1)?))?;
    }
    if clx.get(at) != Some(&2) {
        return None;
    }
    let long = u32_at(clx, at + 1)? as usize;
    let plc = clx.get(at + 5..(at + 5).checked_add(long)?.min(clx.len()))?;
    let many = plc.len().checked_sub(4)? / 12;
    let mut pieces = Vec::new();
    for one in 0..many.min(MAX_RUNS) {
        let (from, to) = (u32_at(plc, 4 * one)?, u32_at(plc, 4 * one + 4)?);
        let place = u32_at(plc, 4 * (many + 1) + 8 * one + 2)?;
        let wide = place & 0x4000_0000 == 0;
        let offset = (place & 0x3fff_ffff) as usize / if wide { 1 } else { 2 };
        pieces.push(Piece { letters: to.saturating_sub(from) as usize, offset, wide });
    }
    Some(pieces)
}

/// What is known of the paragraphs between two places of the file.
#[derive(Debug, Clone, Copy, Default)]
struct Run {
    start: usize,
    end: usize,
    heading: Option<u8>,
    style: u16,
    /// The list that it is in, from 1; 0 where it says that it is in none.
    list: Option<u16>,
    level: u8,
    in_table: bool,
    row_end: bool,
}

/// Properties of all paragraphs, by where they lie.
fn runs(main: &[u8], table: &[u8]) -> Vec<Run> {
    let mut runs = Vec::new();
    let (Some(start), Some(long)) = (u32_at(main, 258), u32_at(main, 262)) else { return runs };
    let plc = table.get(start as usize..(start as usize).saturating_add(long as usize)).unwrap_or_default();
    let many = plc.len().saturating_sub(4) / 8;
    for one in 0..many {
        let Some(number) = u32_at(plc, 4 * (many + 1) + 4 * one) else { break };
        let from = (number & 0x3f_ffff) as usize * PAGE;
        let Some(page) = main.get(from..from + PAGE) else { continue };
        let count = usize::from(page[PAGE - 1]);
        for run in 0..count {
            let (Some(start), Some(end)) = (u32_at(page, 4 * run), u32_at(page, 4 * run + 4)) else { break };
            let at = page.get(4 * (count + 1) + 13 * run).map_or(0, |half| usize::from(*half) * 2);
            let mut known = Run { start: start as usize, end: end as usize, ..Run::default() };
            if at > 0 {
                properties(page, at, &mut known);
            }
            runs.push(known);
            if runs.len() >= MAX_RUNS {
                return runs;
            }
        }
    }
    runs.sort_by_key(|run| run.start);
    runs
}

/// Reads a paragraph's style and its changes (sprms).
fn properties(page: &[u8], at: usize, run: &mut Run) {
    let (start, long) = match page.get(at) {
        Some(0) => (at + 2, page.get(at + 1).map_or(0, |half| usize::from(*half) * 2)),
        Some(half) => (at + 1, (usize::from(*half) * 2).saturating_sub(1)),
        None => return,
    };
    let Some(body) = page.get(start..(start + long).min(page.len())) else { return };
    // The first nine styles after the plain one are the headings.
    run.style = u16_at(body, 0).unwrap_or(0);
    run.heading = u16_at(body, 0).filter(|style| (1..=9).contains(style)).map(|style| (style as u8).min(6));
    let mut at = 2;
    while let Some(code) = u16_at(body, at) {
        at += 2;
        let value = body.get(at).copied().unwrap_or(0);
        let long = match code >> 13 {
            0 | 1 => 1,
            2 | 4 | 5 => 2,
            3 => 4,
            7 => 3,
            _ if code == 0xd608 => u16_at(body, at).map_or(0, |long| usize::from(long) + 1),
            _ => usize::from(value) + 1,
        };
        match code {
            0x2416 => run.in_table = value != 0,
            0x2417 | 0x244c => run.row_end = value != 0,
            0x2640 => run.heading = (value < 9).then(|| (value + 1).min(6)),
            0x460b => run.list = u16_at(body, at).map(|list| if list == 0xf801 { 0 } else { list }),
            0x260a => run.level = value.min(8),
            _ => {}
        }
        at += long;
    }
}

#[derive(Default)]
struct Reader {
    runs: Vec<Run>,
    numbering: Numbering,
    page: PageBuilder,
    outline: Vec<OutlineItem>,
    text: String,
    cells: Vec<String>,
    notes: Vec<String>,
    heads: Vec<String>,
    /// Fields that are open, and those of them whose code is being passed over.
    fields: usize,
    codes: usize,
}

impl Reader {
    fn run(&self, at: usize) -> Run {
        let before = self.runs.partition_point(|run| run.start <= at);
        let run = before.checked_sub(1).and_then(|before| self.runs.get(before)).copied();
        run.filter(|run| at < run.end).unwrap_or_default()
    }

    fn letter(&mut self, letter: char, at: usize, part: Part) {
        match letter {
            '\u{13}' => {
                self.fields += 1;
                self.codes += 1;
            }
            '\u{14}' => self.codes = self.codes.saturating_sub(1),
            '\u{15}' => {
                self.fields = self.fields.saturating_sub(1);
                self.codes = self.codes.min(self.fields);
            }
            '\r' | '\u{7}' | '\u{c}' => self.end(letter, at, part),
            _ if self.codes > 0 => {}
            '\u{b}' => self.text.push('\n'),
            '\u{1e}' => self.text.push('-'),
            '\u{a0}' => self.text.push(' '),
            // Pictures, marks of notes, hyphens that show only at a line's end.
            '\u{1}' | '\u{2}' | '\u{5}' | '\u{8}' | '\u{1f}' | '\u{ad}' => {}
            letter => self.text.push(letter),
        }
    }

    /// The end of a paragraph, a cell or a row.
    fn end(&mut self, mark: char, at: usize, part: Part) {
        let run = self.run(at);
        let text = std::mem::take(&mut self.text);
        match part {
            Part::Skipped => {}
            Part::Note => self.notes.push(folded(&text)),
            Part::Head => {
                let head = folded(&text);
                if !head.is_empty() && !self.heads.contains(&head) {
                    self.heads.push(head);
                }
            }
            Part::Body if mark == '\u{7}' => {
                // Where nothing is known of the paragraph, an empty cell ends the row.
                let unknown = run.end == 0 && text.is_empty() && !self.cells.is_empty();
                if run.row_end || unknown {
                    let cells = std::mem::take(&mut self.cells);
                    self.page.row(false, None, &cells);
                } else if self.cells.len() < MAX_CELLS {
                    self.cells.push(folded(&text));
                }
            }
            Part::Body if run.in_table && mark == '\r' => {
                self.text = text;
                self.text.push(' ');
            }
            Part::Body => {
                if !self.cells.is_empty() {
                    let cells = std::mem::take(&mut self.cells);
                    self.page.row(false, None, &cells);
                }
                let line = folded(&text);
                let list = run.list.filter(|list| *list != 0 && !line.is_empty());
                let label = list.and_then(|list| self.numbering.next(&list.to_string(), run.level));
                match (run.heading, list) {
                    (Some(level), _) if !line.is_empty() => {
                        let label = label.filter(|label| label.chars().any(char::is_alphanumeric));
                        let title = folded(&format!("{} {line}", label.unwrap_or_default()));
                        self.page.block(BlockKind::Heading { level }, &title);
                        self.outline.push(OutlineItem { level, title, page: 0 });
                    }
                    (None, Some(_)) => {
                        let label = label.unwrap_or_else(|| "•".to_owned());
                        self.page.item(usize::from(run.level) * 2, &format!("{label} {line}"));
                    }
                    _ => self.page.block(BlockKind::Paragraph, &text),
                }
            }
        }
    }

    fn finish(mut self) -> Document {
        self.end('\r', usize::MAX, Part::Body);
        self.notes.iter().for_each(|note| self.page.block(BlockKind::Note, note));
        self.heads.iter().for_each(|head| self.page.block(BlockKind::Furniture, head));
        let mut document = document(Kind::Docx, vec![self.page.finish(Place::Whole)]);
        document.outline = self.outline;
        document
    }
}

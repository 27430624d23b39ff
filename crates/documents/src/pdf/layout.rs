//! Rows to blocks: tables, headings, list items and paragraphs of one page, and the page's text with its word boxes.

use super::glyphs::Turn;
use super::rows::{Row, Word, is_rtl, is_unspaced};
use super::tables::{self, Cell, RowKind};
use hearth_domain::{Block, BlockKind, TextBox};
use std::collections::{HashMap, HashSet};

/// Rows of a page that run the same way, in reading order; `furniture` rows lie at its edges.
pub(super) struct Part {
    pub(super) turn: Turn,
    pub(super) top: Vec<Row>,
    pub(super) regions: Vec<Vec<Row>>,
    pub(super) bottom: Vec<Row>,
}

/// What one document's pages have in common.
#[derive(Default)]
pub(super) struct Style {
    /// The size that most characters have.
    body: f32,
    /// Sizes of headings, largest first.
    heads: Vec<f32>,
    /// Whether bold text is rare enough to mean something.
    bold_speaks: bool,
    /// Words, to tell a word broken at the line's end from one that has a hyphen.
    words: HashSet<String>,
}

impl Style {
    pub(super) fn of<'a>(rows: impl Iterator<Item = &'a Row>) -> Self {
        let mut sizes: HashMap<i32, usize> = HashMap::new();
        let (mut bold, mut all) = (0usize, 0usize);
        let mut words = HashSet::new();
        let mut tall: HashMap<i32, usize> = HashMap::new();
        for row in rows {
            for word in &row.words {
                let key = (word.size * 4.0).round() as i32;
                *sizes.entry(key).or_default() += word.text.len();
                all += word.text.len();
                bold += if word.bold { word.text.len() } else { 0 };
                let plain = bare(&word.text);
                if plain.len() > 2 && words.len() < 400_000 {
                    words.insert(plain);
                }
            }
            *tall.entry((row.size * 4.0).round() as i32).or_default() += 1;
        }
        let body = sizes.iter().max_by_key(|(_, count)| **count).map_or(10.0, |(key, _)| *key as f32 / 4.0);
        let mut heads: Vec<f32> = tall.keys().map(|key| *key as f32 / 4.0).filter(|size| *size > body * 1.12).collect();
        heads.sort_by(|a, b| b.total_cmp(a));
        heads.dedup_by(|a, b| (*a / *b - 1.0).abs() < 0.06);
        heads.truncate(5);
        Self { body, heads, bold_speaks: bold * 2 < all, words }
    }

    fn level(&self, size: f32) -> u8 {
        let above = self.heads.iter().take_while(|head| **head > size * 1.03).count();
        (above + 1).min(6) as u8
    }
}

fn bare(word: &str) -> String {
    word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase()
}

/// A page's text while it is put together.
#[derive(Default)]
pub(super) struct Composer {
    pub(super) text: String,
    pub(super) blocks: Vec<Block>,
    pub(super) boxes: Vec<TextBox>,
}

impl Composer {
    pub(super) fn part(&mut self, part: &Part, style: &Style) {
        for row in &part.top {
            self.line_block(BlockKind::Furniture, std::slice::from_ref(row), part.turn, style);
        }
        for region in &part.regions {
            self.region(region, part.turn, style);
        }
        for row in &part.bottom {
            self.line_block(BlockKind::Furniture, std::slice::from_ref(row), part.turn, style);
        }
    }

    fn region(&mut self, rows: &[Row], turn: Turn, style: &Style) {
        let cells: Vec<Vec<Cell>> = rows.iter().map(tables::cells).collect();
        let kinds = tables::classify(rows, &cells);
        let pitch = pitch(rows, &kinds);
        let x1 = rows.iter().map(Row::x1).fold(f32::NEG_INFINITY, f32::max);
        let x0 = rows.iter().map(Row::x0).fold(f32::INFINITY, f32::min);
        let mut i = 0;
        while i < rows.len() {
            match kinds.get(i) {
                Some(RowKind::Table { table, .. }) => {
                    let belongs = |kind: &RowKind| matches!(kind, RowKind::Table { table: t, .. } if t == table);
                    let end = kinds.iter().skip(i).position(|kind| !belongs(kind)).map_or(rows.len(), |n| i + n);
                    self.table(cells.get(i..end).unwrap_or_default(), kinds.get(i..end).unwrap_or_default(), turn);
                    i = end;
                }
                _ => {
                    let mut end = i + 1;
                    while end < rows.len() && kinds.get(end) == Some(&RowKind::Prose) {
                        let paragraph = rows.get(i..end).unwrap_or_default();
                        let goes_on = rows.get(end).is_some_and(|row| continues(paragraph, row, pitch, (x0, x1)));
                        if !goes_on {
                            break;
                        }
                        end += 1;
                    }
                    let paragraph = rows.get(i..end).unwrap_or_default();
                    let kind = kind_of(paragraph, style);
                    self.line_block(kind, paragraph, turn, style);
                    i = end;
                }
            }
        }
    }

    fn table(&mut self, rows: &[Vec<Cell>], kinds: &[RowKind], turn: Turn) {
        let all: Vec<&Vec<Cell>> = rows.iter().collect();
        let columns = tables::columns(&all);
        let mut open: Option<usize> = None;
        for (n, (cells, kind)) in rows.iter().zip(kinds).enumerate() {
            let start = match open.take() {
                Some(start) => {
                    self.text.push(' ');
                    start
                }
                None => self.begin(|last| matches!(last, BlockKind::Row { .. })),
            };
            let mut at = 0;
            let rtl = is_rtl_row(cells);
            let mut cells_read: Vec<&Cell> = cells.iter().collect();
            if rtl {
                cells_read.reverse();
            }
            for (i, cell) in cells_read.into_iter().enumerate() {
                if columns.is_empty() || rtl {
                    if i > 0 {
                        self.text.push('\t');
                    }
                } else {
                    let column = tables::column_of(cell, &columns, at).max(at);
                    for _ in (if i == 0 { 0 } else { at - 1 })..column {
                        self.text.push('\t');
                    }
                    at = column + 1;
                }
                self.words(&ordered(&cell.words), turn);
            }
            // The rest of a label that takes two lines stands in the next row, before the figures.
            if rows.get(n + 1).is_some_and(|next| tables::goes_on(cells, next)) {
                open = Some(start);
                continue;
            }
            let header = matches!(kind, RowKind::Table { header: true, .. });
            self.end(BlockKind::Row { header, cell: None }, start);
        }
    }

    /// A block whose rows flow into one another.
    fn line_block(&mut self, kind: BlockKind, rows: &[Row], turn: Turn, style: &Style) {
        let kept = matches!(kind, BlockKind::Code);
        let start = self.begin(|last| {
            matches!((last, &kind), (BlockKind::Item, BlockKind::Item) | (BlockKind::Furniture, BlockKind::Furniture))
        });
        let left = rows.iter().map(Row::x0).fold(f32::INFINITY, f32::min);
        for (i, row) in rows.iter().enumerate() {
            if kept {
                if i > 0 {
                    self.text.push('\n');
                }
                // Monospaced letters are about 0.6 em wide.
                let indent = ((row.x0() - left) / (0.6 * row.size)).round().clamp(0.0, 60.0) as usize;
                self.text.extend(std::iter::repeat_n(' ', indent));
            } else if i > 0 {
                self.join(row, style);
            }
            self.words(&ordered(&row.words), turn);
        }
        self.end(kind, start);
    }

    /// What stands between the last word of a line and the first of the next.
    fn join(&mut self, row: &Row, style: &Style) {
        let next = row.words.first().map_or("", |word| word.text.as_str());
        let last_char = self.text.chars().next_back().unwrap_or(' ');
        let next_char = next.chars().next().unwrap_or(' ');
        if last_char == '-' && next_char.is_lowercase() {
            let stem_at = self.text.rfind([' ', '\n', '\t']).map_or(0, |at| at + 1);
            let stem = self.text.get(stem_at..self.text.len() - 1).unwrap_or_default();
            if stem.chars().next_back().is_some_and(char::is_alphabetic) {
                let (stem, end) = (bare(stem), bare(next));
                let whole = format!("{stem}{end}");
                let with_hyphen = format!("{stem}-{end}");
                let compound = stem.contains('-')
                    || (style.words.contains(&with_hyphen) && !style.words.contains(&whole))
                    || (!style.words.contains(&whole) && style.words.contains(&stem) && style.words.contains(&end));
                if !compound {
                    self.text.pop();
                    if let Some(last) = self.boxes.last_mut() {
                        last.range.end = last.range.end.min(self.text.len() as u32);
                    }
                }
                return;
            }
        }
        if !(is_unspaced(last_char) && is_unspaced(next_char)) {
            self.text.push(' ');
        }
    }

    fn words(&mut self, words: &[Word], turn: Turn) {
        for (i, word) in words.iter().enumerate() {
            let glued = matches!(word.text.as_str(), ")" | ")%") && words.len() > 1;
            if i > 0 && !glued {
                self.text.push(' ');
            }
            let start = self.text.len();
            self.text.push_str(&word.text);
            let (y0, y1) = word.span_y();
            let (x0, y0, x1, y1) = turn.stand((word.x0, y0, word.x1, y1));
            let tidy = |n: f32| (n * 100.0).round() / 100.0;
            self.boxes.push(TextBox {
                range: start as u32..self.text.len() as u32,
                x: tidy(x0),
                y: tidy(y0),
                width: tidy(x1 - x0),
                height: tidy(y1 - y0),
            });
        }
    }

    fn begin(&mut self, close: impl Fn(&BlockKind) -> bool) -> usize {
        if let Some(last) = self.blocks.last() {
            self.text.push_str(if close(&last.kind) { "\n" } else { "\n\n" });
        }
        self.text.len()
    }

    fn end(&mut self, kind: BlockKind, start: usize) {
        self.blocks.push(Block { kind, range: start as u32..self.text.len() as u32 });
    }
}

/// Words of a line in the order in which they are read: from the right where most are Hebrew or Arabic.
fn ordered(words: &[Word]) -> Vec<Word> {
    let rtl = |word: &Word| word.text.chars().any(is_rtl);
    if words.iter().filter(|word| rtl(word)).count() * 2 <= words.len() {
        return words.to_vec();
    }
    let mut out: Vec<Word> = Vec::with_capacity(words.len());
    let mut ltr: Vec<Word> = Vec::new();
    for word in words.iter().rev() {
        // Runs of Latin words and figures keep their own order.
        if !rtl(word) && word.text.chars().any(char::is_alphanumeric) {
            ltr.insert(0, word.clone());
        } else {
            out.append(&mut ltr);
            out.push(word.clone());
        }
    }
    out.append(&mut ltr);
    out
}

fn is_rtl_row(cells: &[Cell]) -> bool {
    let letters =
        || cells.iter().flat_map(|cell| &cell.words).flat_map(|word| word.text.chars()).filter(|c| c.is_alphabetic());
    letters().filter(|c| is_rtl(*c)).count() * 2 > letters().count()
}

/// The usual distance between the baselines of a region's prose.
fn pitch(rows: &[Row], kinds: &[RowKind]) -> f32 {
    let mut gaps: Vec<f32> = rows
        .windows(2)
        .zip(kinds.windows(2))
        .filter_map(|(rows, kinds)| match (rows, kinds) {
            ([a, b], [RowKind::Prose, RowKind::Prose]) if (a.size - b.size).abs() < 0.1 * a.size => {
                Some((b.baseline - a.baseline) / a.size)
            }
            _ => None,
        })
        .filter(|gap| *gap > 0.5 && *gap < 2.4)
        .collect();
    gaps.sort_by(f32::total_cmp);
    // The lower quartile: distances between paragraphs must not count as lines.
    gaps.get(gaps.len() / 4).copied().unwrap_or(1.3)
}

/// Whether `row` goes on with the paragraph of the rows above it.
fn continues(paragraph: &[Row], row: &Row, pitch: f32, (x0, x1): (f32, f32)) -> bool {
    let (Some(first), Some(last)) = (paragraph.first(), paragraph.last()) else { return false };
    let size = last.size.max(row.size);
    let gap = (row.baseline - last.baseline) / size;
    if gap > (pitch * 1.3).max(pitch + 0.25) || gap < 0.0 || (last.size - row.size).abs() > 0.12 * size {
        return false;
    }
    let bold = |row: &Row| row.words.iter().all(|word| word.bold);
    if bold(last) != bold(row) && (bold(last) || bold(first)) {
        return false;
    }
    let starts_item =
        |row: &Row| row.words.len() > 1 && row.words.first().is_some_and(|word| tables::is_marker(&word.text));
    if starts_item(row)
        && (starts_item(first) || row.words.first().is_some_and(|word| !word.text.ends_with(['.', ')'])))
    {
        return false;
    }
    if all_mono(first) && all_mono(row) {
        return true;
    }
    if starts_item(first) {
        return row.x0() > first.x0() + 0.4 * size || last.x1() > x1 - 4.0 * size;
    }
    let centred = |row: &Row| {
        let (left, right) = (row.x0() - x0, x1 - row.x1());
        left > 2.0 * size && (left - right).abs() < 2.0 * size
    };
    let ended = last.words.last().is_some_and(|word| word.text.ends_with(['.', ':', '?', '!', ';', '”']));
    let short = last.x1() < x1 - 0.2 * (x1 - x0);
    if centred(last) && centred(row) {
        return true;
    }
    if row.x0() > last.x0() + 0.9 * size && (paragraph.len() > 1 || ended) {
        return false;
    }
    !(ended && short)
}

fn all_mono(row: &Row) -> bool {
    !row.words.is_empty() && row.words.iter().all(|word| word.mono)
}

fn kind_of(rows: &[Row], style: &Style) -> BlockKind {
    let Some(first) = rows.first() else { return BlockKind::Paragraph };
    let chars: usize = rows.iter().map(Row::chars).sum();
    let letters =
        rows.iter().flat_map(|row| &row.words).flat_map(|word| word.text.chars()).filter(|c| c.is_alphabetic());
    let last = rows.last().and_then(|row| row.words.last()).map_or("", |word| word.text.as_str());
    let words = || rows.iter().flat_map(|row| &row.words);
    // A line to be ticked is no heading, however large its boxes are.
    let ticked = words().any(|word| word.text.contains(['☐', '☑', '☒', '□', '■']));
    if letters.count() >= 2 && rows.len() <= 4 && chars <= 220 && !ticked {
        let level = style.level(first.size);
        if first.size > style.body * 1.12 && !last.ends_with([',', ';']) && (rows.len() <= 2 || chars < 120) {
            return BlockKind::Heading { level };
        }
        let bold = words().all(|word| word.bold || !word.text.chars().any(char::is_alphanumeric));
        if bold
            && style.bold_speaks
            && first.size > style.body * 0.85
            && chars <= 160
            && !last.ends_with(['.', ',', ';'])
        {
            return BlockKind::Heading { level: level.max(style.heads.len() as u8 + 1).min(6) };
        }
    }
    if first.words.len() > 1 && first.words.first().is_some_and(|word| tables::is_marker(&word.text)) {
        return BlockKind::Item;
    }
    if rows.iter().all(all_mono) && words().count() > 1 && !style_is_mono(style, rows) {
        return BlockKind::Code;
    }
    if first.size < style.body * 0.86
        && rows.len() > 1
        && first.words.first().is_some_and(|word| is_note_mark(word, first))
    {
        return BlockKind::Note;
    }
    BlockKind::Paragraph
}

/// Monospaced rows as the size of running text in a document that is set in monospace throughout are prose.
fn style_is_mono(style: &Style, rows: &[Row]) -> bool {
    rows.len() == 1 && rows.first().is_some_and(|row| (row.size - style.body).abs() < 0.2 && row.chars() > 60)
}

fn is_note_mark(word: &Word, row: &Row) -> bool {
    let marks = word.text.chars().all(|c| c.is_ascii_digit() || matches!(c, '*' | '†' | '‡' | '(' | ')' | '§'));
    marks
        && (word.size < row.size * 0.85
            || word.baseline < row.baseline - 0.1 * row.size
            || word.text.starts_with(['*', '†']))
}

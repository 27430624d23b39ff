//! Cuts a document into passages along its structure. Nothing here reads a file format.
//!
//! A passage never leaves its page, is always one stretch of the page's text, and carries the headings above it.

use crate::builder::folded;
use crate::source;
use hearth_domain::{Block, BlockKind, Document, Kind, Page, Passage, Place};
use std::ops::Range;

/// How passages are cut. Lengths are in characters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChunkOptions {
    /// A passage is closed when the next block would take it over this.
    pub target_chars: usize,
    /// No passage is longer than this.
    pub max_chars: usize,
    /// A passage shorter than this takes in what follows under the same heading, up to `max_chars`.
    pub min_chars: usize,
}

impl Default for ChunkOptions {
    fn default() -> Self {
        Self { target_chars: 700, max_chars: 1100, min_chars: 250 }
    }
}

/// Longest entry of a passage's context, in characters.
const MAX_CONTEXT_CHARS: usize = 240;

/// Cuts a document into passages, in reading order. Running headers and footers are left out; every other
/// character that is not white space lies in exactly one passage.
pub fn chunk(document: &Document, options: &ChunkOptions) -> Vec<Passage> {
    let mut out = Vec::new();
    let mut headings: Vec<(u8, String)> = Vec::new();
    for (i, page) in document.pages.iter().enumerate() {
        // Sections of a printed document run on from page to page; slides, sheets and chapters stand alone.
        if document.kind != Kind::Pdf {
            headings.clear();
        }
        let mut cutter = Cutter {
            page,
            index: i as u32,
            options,
            headings: &mut headings,
            out: &mut out,
            open: None,
            source: document.kind == Kind::Code,
        };
        cutter.run();
    }
    out
}

struct Cutter<'a> {
    page: &'a Page,
    index: u32,
    options: &'a ChunkOptions,
    headings: &'a mut Vec<(u8, String)>,
    out: &'a mut Vec<Passage>,
    open: Option<Open>,
    /// The page is source code: the definitions around a line stand for its headings.
    source: bool,
}

/// A passage that still grows.
struct Open {
    range: Range<usize>,
    context: Vec<String>,
    only_headings: bool,
    /// It begins with a heading, so it is no tail of what stands before.
    headed: bool,
    table: bool,
}

impl Cutter<'_> {
    fn run(&mut self) {
        let blocks = &self.page.blocks;
        let mut i = 0;
        while let Some(block) = blocks.get(i) {
            let range = self.range(block);
            match &block.kind {
                BlockKind::Furniture => self.close(),
                BlockKind::Heading { level } => self.heading(*level, range),
                BlockKind::Row { .. } => {
                    let end = table_end(blocks, i);
                    self.table(blocks.get(i..end).unwrap_or_default());
                    i = end;
                    continue;
                }
                kind => {
                    let at_lines = matches!(kind, BlockKind::Code);
                    let max = self.options.max_chars;
                    if self.open.as_ref().is_some_and(|open| open.table) && self.chars(&range) > self.options.min_chars
                    {
                        self.close();
                    }
                    for piece in split(&self.page.text, range, max, self.options.target_chars, at_lines) {
                        if self.source {
                            self.leave_definitions(&piece);
                        }
                        self.add(piece.clone(), max, self.options.target_chars);
                        if self.source {
                            self.enter_definitions(piece);
                        }
                    }
                }
            }
            i += 1;
        }
        self.close();
    }

    fn heading(&mut self, level: u8, range: Range<usize>) {
        if self.open.as_ref().is_some_and(|open| !open.only_headings) {
            self.close();
        }
        self.headings.retain(|(above, _)| *above < level);
        let context = self.context();
        self.headings.push((level, shortened(self.page.text.get(range.clone()).unwrap_or_default())));
        let joined = self.open.as_ref().map(|open| self.chars(&(open.range.start..range.end)));
        match &mut self.open {
            Some(open) if joined.is_some_and(|chars| chars <= self.options.max_chars) => open.range.end = range.end,
            _ => {
                self.close();
                let pieces = split(&self.page.text, range, self.options.max_chars, self.options.target_chars, false);
                for piece in pieces {
                    self.close();
                    self.open = Some(Open {
                        range: piece,
                        context: context.clone(),
                        only_headings: true,
                        headed: true,
                        table: false,
                    });
                }
            }
        }
    }

    /// Before a stretch of code: definitions that it does not stand in are over.
    fn leave_definitions(&mut self, piece: &Range<usize>) {
        let text = self.page.text.get(piece.clone()).unwrap_or_default();
        let first = text.lines().find(|line| !line.trim().is_empty() && !source::leads(line)).map_or(0, source::indent);
        self.headings.retain(|(level, _)| usize::from(*level) < first);
    }

    /// After it: those that it opens stand around what follows.
    fn enter_definitions(&mut self, piece: Range<usize>) {
        for line in self.page.text.get(piece).unwrap_or_default().lines() {
            if let Some(signature) = source::definition(line) {
                let level = source::indent(line).min(250) as u8;
                self.headings.retain(|(above, _)| *above < level);
                self.headings.push((level, shortened(&signature)));
            }
        }
    }

    /// Rows of one table: each passage after the first is told the caption and the rows that name the columns.
    fn table(&mut self, rows: &[Block]) {
        // Figures take more tokens than words do.
        let (target, max) = (self.options.target_chars * 3 / 4, self.options.max_chars * 3 / 4);
        let before = self.open.as_ref().map(|open| open.range.clone());
        let short = before.as_ref().is_some_and(|range| self.chars(range) <= self.options.min_chars);
        let caption = before.as_ref().map(|range| last_line(self.page.text.get(range.clone()).unwrap_or_default()));
        if !short {
            self.close();
        }
        let mut table_context = Vec::new();
        if let (Some(caption), false) = (&caption, short) {
            table_context.push(shortened(caption));
        }
        let mut headers: Vec<String> = Vec::new();
        for row in rows {
            let range = self.range(row);
            let header = matches!(row.kind, BlockKind::Row { header: true, .. });
            let pieces = split(&self.page.text, range.clone(), max, target, false);
            for piece in pieces {
                let full = self.open.as_ref().is_some_and(|open| {
                    self.page.text.get(open.range.start..piece.end).map_or(0, |text| text.chars().count()) > target
                });
                if full {
                    self.close();
                    if short && table_context.is_empty() {
                        table_context.extend(caption.as_deref().map(shortened));
                    }
                }
                match &mut self.open {
                    Some(open) => {
                        open.range.end = piece.end;
                        open.only_headings = false;
                        open.table = true;
                    }
                    None => {
                        let mut context = self.context();
                        context.extend(
                            table_context.iter().filter(|line| !context.contains(line)).cloned().collect::<Vec<_>>(),
                        );
                        if !header {
                            context.extend(headers.iter().cloned());
                        }
                        self.open =
                            Some(Open { range: piece, context, only_headings: false, headed: false, table: true });
                    }
                }
            }
            if header && headers.len() < 4 {
                let line = shortened_row(self.page.text.get(range).unwrap_or_default());
                if !line.trim().is_empty() {
                    headers.push(line);
                }
            }
        }
    }

    /// Adds a stretch to the open passage, or closes that and begins another.
    fn add(&mut self, piece: Range<usize>, max: usize, target: usize) {
        let joined = self.open.as_ref().map(|open| {
            let chars = self.chars(&(open.range.start..piece.end));
            let small = open.only_headings || self.chars(&open.range) < self.options.min_chars;
            chars <= if small { max } else { target }
        });
        match (&mut self.open, joined) {
            (Some(open), Some(true)) => {
                open.range.end = piece.end;
                open.only_headings = false;
            }
            _ => {
                self.close();
                let context = self.context();
                self.open = Some(Open { range: piece, context, only_headings: false, headed: false, table: false });
            }
        }
    }

    fn context(&self) -> Vec<String> {
        let place = match &self.page.place {
            Place::Sheet { name } => Some(name),
            Place::Section { title } => Some(title),
            _ => None,
        };
        let place = place.map(|name| shortened(name)).filter(|name| !name.is_empty());
        let mut context: Vec<String> = place.into_iter().collect();
        for (_, heading) in self.headings.iter() {
            if !heading.is_empty() && !context.contains(heading) {
                context.push(heading.clone());
            }
        }
        context
    }

    fn close(&mut self) {
        let Some(open) = self.open.take() else { return };
        let whole = self.page.text.get(open.range.clone()).unwrap_or_default();
        // A tab that begins a row is an empty cell.
        let head = whole.trim_start();
        let cells =
            whole.get(..whole.len() - head.len()).map_or(0, |lead| lead.len() - lead.trim_end_matches('\t').len());
        let start = open.range.start + (whole.len() - head.len()) - if open.table { cells } else { 0 };
        let text = self.page.text.get(start..open.range.end).unwrap_or_default().trim_end();
        if text.trim().is_empty() {
            return;
        }
        let range = start..start + text.len();
        // A last small stretch goes with the passage before it, where both stand under the same headings.
        if let Some(last) = self.out.last_mut()
            && !open.headed
            && last.page == self.index
            && text.chars().count() < self.options.min_chars / 2
            && last.context == open.context
            && let Some(joined) = self.page.text.get(last.range.start as usize..range.end)
            && joined.chars().count() <= self.options.max_chars
            && !self.page.blocks.iter().any(|block| {
                block.kind == BlockKind::Furniture
                    && block.range.start >= last.range.end
                    && (block.range.end as usize) <= start
            })
        {
            last.range.end = range.end as u32;
            last.text = joined.to_owned();
            return;
        }
        self.out.push(Passage {
            page: self.index,
            range: range.start as u32..range.end as u32,
            text: text.to_owned(),
            context: open.context,
        });
    }

    fn range(&self, block: &Block) -> Range<usize> {
        block.range.start as usize..block.range.end as usize
    }

    fn chars(&self, range: &Range<usize>) -> usize {
        self.page.text.get(range.clone()).map_or(0, |text| text.chars().count())
    }
}

/// One past the last row of the table that begins at `from`: a header after data begins another.
fn table_end(blocks: &[Block], from: usize) -> usize {
    let mut data = false;
    for (i, block) in blocks.iter().enumerate().skip(from) {
        match block.kind {
            BlockKind::Row { header: true, .. } if data => return i,
            BlockKind::Row { header, .. } => data |= !header,
            _ => return i,
        }
    }
    blocks.len()
}

fn shortened(text: &str) -> String {
    let text = folded(text);
    match text.char_indices().nth(MAX_CONTEXT_CHARS) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default().trim_end()),
        None => text,
    }
}

/// A row that names columns, its cells still apart.
fn shortened_row(text: &str) -> String {
    let text = text.split('\t').map(folded).collect::<Vec<_>>().join("\t");
    match text.char_indices().nth(MAX_CONTEXT_CHARS) {
        // A cell that is cut off names nothing; those before it do.
        Some((at, _)) => {
            text.get(..at).and_then(|head| head.rsplit_once('\t')).map_or(String::new(), |(h, _)| h.to_owned())
        }
        None => text,
    }
}

/// The last line or sentence of a text, which introduces what follows.
fn last_line(text: &str) -> String {
    let line = text.trim().rsplit('\n').next().unwrap_or_default();
    let cut = sentence_ends(line).rev().find(|at| *at < line.len());
    line.get(cut.unwrap_or(0)..).unwrap_or_default().trim().to_owned()
}

/// Stretches of `range` no longer than `max` characters, cut at sentences (or lines), else at words.
fn split(text: &str, range: Range<usize>, max: usize, target: usize, at_lines: bool) -> Vec<Range<usize>> {
    let max = max.max(1);
    let Some(body) = text.get(range.clone()) else { return Vec::new() };
    if body.chars().count() <= max {
        return vec![range];
    }
    let ends: Vec<usize> = if at_lines {
        body.match_indices('\n').map(|(at, _)| at + 1).chain([body.len()]).collect()
    } else {
        sentence_ends(body).chain([body.len()]).collect()
    };
    let mut out: Vec<Range<usize>> = Vec::new();
    let mut start = 0;
    let mut last = 0;
    let chars = |from: usize, to: usize| body.get(from..to).map_or(0, |text| text.chars().count());
    for end in ends {
        if last > start && chars(start, end) > target {
            out.push(start..last);
            start = last;
        }
        while chars(start, end) > max {
            let cut = word_cut(body, start, max);
            out.push(start..cut);
            start = cut;
        }
        last = end;
    }
    if start < body.len() {
        out.push(start..body.len());
    }
    out.into_iter().map(|piece| range.start + piece.start..range.start + piece.end).collect()
}

/// Where to cut at most `max` characters after `start`: after the last white space, else in a word.
fn word_cut(body: &str, start: usize, max: usize) -> usize {
    let rest = body.get(start..).unwrap_or_default();
    let limit = rest.char_indices().nth(max).map_or(rest.len(), |(at, _)| at);
    let head = rest.get(..limit).unwrap_or_default();
    let space = head.char_indices().rev().find(|(_, c)| c.is_whitespace()).map(|(at, c)| at + c.len_utf8());
    start + space.filter(|at| *at > 0).unwrap_or(limit.max(1))
}

/// Byte positions just after sentences (and the white space behind them).
fn sentence_ends(text: &str) -> impl DoubleEndedIterator<Item = usize> {
    let mut ends = Vec::new();
    let mut chars = text.char_indices().peekable();
    let mut word_start = 0;
    while let Some((at, c)) = chars.next() {
        if c.is_whitespace() {
            word_start = at + c.len_utf8();
        }
        match c {
            '。' | '！' | '？' | '\n' => ends.push(at + c.len_utf8()),
            '.' | '!' | '?' | '…' => {
                let mut end = at + c.len_utf8();
                while let Some((next, closing)) = chars.peek().copied()
                    && matches!(closing, ')' | '"' | '”' | '’' | ']' | '»' | '\'')
                {
                    end = next + closing.len_utf8();
                    chars.next();
                }
                let spaced = chars.peek().is_some_and(|(_, next)| next.is_whitespace());
                if !spaced || is_short_form(text.get(word_start..at).unwrap_or_default()) {
                    continue;
                }
                while let Some((next, space)) = chars.peek().copied()
                    && space.is_whitespace()
                {
                    end = next + space.len_utf8();
                    chars.next();
                }
                word_start = end;
                if chars.peek().is_none_or(|(_, next)| !next.is_lowercase()) {
                    ends.push(end);
                }
            }
            _ => {}
        }
    }
    ends.into_iter()
}

/// A word that ends in a full stop without ending a sentence.
fn is_short_form(word: &str) -> bool {
    let word = word.trim_start_matches(['(', '"', '“']);
    let single = word.chars().count() == 1 && word.chars().all(char::is_alphabetic);
    single
        || matches!(
            word,
            "Mr" | "Mrs"
                | "Ms"
                | "Dr"
                | "Prof"
                | "St"
                | "No"
                | "Nr"
                | "Fig"
                | "Sec"
                | "vs"
                | "cf"
                | "e.g"
                | "i.e"
                | "U.S"
                | "Inc"
                | "Ltd"
                | "Co"
                | "Corp"
                | "z.B"
                | "approx"
                | "al"
        )
}

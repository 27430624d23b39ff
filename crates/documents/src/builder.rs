//! Pages under construction: blocks appended in reading order, each followed by a line break before the next.
//!
//! Nothing here knows a file format.

use crate::ReadError;
use hearth_domain::{Block, BlockKind, Page, Place, Words};

/// A page's text and blocks while they grow.
#[derive(Default)]
pub(crate) struct PageBuilder {
    text: String,
    blocks: Vec<Block>,
}

impl PageBuilder {
    /// Appends one block; its text is trimmed, and an empty one is dropped.
    pub(crate) fn block(&mut self, kind: BlockKind, text: &str) {
        let keeps_indent = matches!(kind, BlockKind::Code);
        let text = if keeps_indent { text.trim_matches(['\n', '\r']).trim_end() } else { text.trim_matches(is_blank) };
        if text.trim_matches(is_blank).is_empty() {
            return;
        }
        if let Some(last) = self.blocks.last() {
            let close = same_run(&last.kind, &kind);
            self.text.push_str(if close { "\n" } else { "\n\n" });
        }
        let start = self.text.len();
        self.text.extend(text.chars().filter(|c| is_kept(*c)));
        self.blocks.push(Block { kind, range: start as u32..self.text.len() as u32 });
    }

    /// Appends one list item that stands `indent` spaces in.
    pub(crate) fn item(&mut self, indent: usize, text: &str) {
        let indented = matches!(self.blocks.last().map(|last| &last.kind), Some(BlockKind::Item));
        let before = self.blocks.len();
        self.block(BlockKind::Item, text);
        // The spaces stand before the block, so that its range begins with a word.
        if indented
            && indent > 0
            && self.blocks.len() > before
            && let Some(last) = self.blocks.last_mut()
        {
            let width = indent.min(32);
            self.text.insert_str(last.range.start as usize, &" ".repeat(width));
            last.range = last.range.start + width as u32..last.range.end + width as u32;
        }
    }

    /// Appends one table row; cells are cleaned of tabs and line breaks, and empty cells at the end are dropped.
    pub(crate) fn row<S: AsRef<str>>(&mut self, header: bool, cell: Option<String>, cells: &[S]) {
        let mut line = String::new();
        let last = cells.iter().rposition(|cell| !cell.as_ref().trim_matches(is_blank).is_empty());
        let Some(last) = last else { return };
        for (i, cell) in cells.iter().take(last + 1).enumerate() {
            if i > 0 {
                line.push('\t');
            }
            push_folded(&mut line, cell.as_ref());
        }
        if let Some(before) = self.blocks.last() {
            let close = matches!(before.kind, BlockKind::Row { .. });
            self.text.push_str(if close { "\n" } else { "\n\n" });
        }
        let start = self.text.len();
        self.text.push_str(&line);
        self.blocks.push(Block { kind: BlockKind::Row { header, cell }, range: start as u32..self.text.len() as u32 });
    }

    pub(crate) fn len(&self) -> usize {
        self.text.len()
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// Marks the row at `index` blocks from the start as one that names its columns.
    pub(crate) fn mark_header(&mut self, index: usize) {
        if let Some(Block { kind: BlockKind::Row { header, .. }, .. }) = self.blocks.get_mut(index) {
            *header = true;
        }
    }

    /// Text of the first block, where that is a row.
    pub(crate) fn first_row_text(&self) -> Option<&str> {
        let first = self.blocks.first().filter(|block| matches!(block.kind, BlockKind::Row { .. }))?;
        self.text.get(first.range.start as usize..first.range.end as usize)
    }

    pub(crate) fn blocks(&self) -> &[Block] {
        &self.blocks
    }

    pub(crate) fn finish(self, place: Place) -> Page {
        Page { place, text: self.text, blocks: self.blocks, boxes: Vec::new(), size_pt: None, words: Words::Written }
    }
}

fn same_run(a: &BlockKind, b: &BlockKind) -> bool {
    matches!((a, b), (BlockKind::Row { .. }, BlockKind::Row { .. }) | (BlockKind::Item, BlockKind::Item))
}

/// White space and the invisible characters that stand for it.
pub(crate) fn is_blank(c: char) -> bool {
    c.is_whitespace() || matches!(c, '\u{feff}' | '\u{200b}' | '\0')
}

/// Everything but control characters that would garble a screen or a search.
pub(crate) fn is_kept(c: char) -> bool {
    matches!(c, '\n' | '\t') || !(c.is_control() || matches!(c, '\u{feff}' | '\u{fffe}' | '\u{ffff}'))
}

/// Appends `text` with every run of white space as one space and none at the ends.
pub(crate) fn push_folded(out: &mut String, text: &str) {
    let start = out.len();
    for word in text.split(is_blank).filter(|word| !word.is_empty()) {
        if out.len() > start {
            out.push(' ');
        }
        out.extend(word.chars().filter(|c| is_kept(*c)));
    }
}

/// `text` with every run of white space as one space and none at the ends.
pub(crate) fn folded(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    push_folded(&mut out, text);
    out
}

/// Counts the text that has been put out, and refuses more than a file of its size can honestly hold.
pub(crate) struct OutputBudget {
    limit_bytes: u64,
    ratio_bytes: u64,
    used_bytes: u64,
}

/// Below this much text no ratio to the file's size is suspicious.
const FLOOR_BYTES: u64 = 24 << 20;
const MAX_RATIO: u64 = 100;

impl OutputBudget {
    /// For a file of `file_bytes` of which at most `limit_bytes` may come.
    pub(crate) fn new(file_bytes: usize, limit_bytes: u64) -> Self {
        let ratio_bytes = (file_bytes as u64).saturating_mul(MAX_RATIO).max(FLOOR_BYTES);
        Self { limit_bytes: limit_bytes.min(u64::from(u32::MAX)), ratio_bytes, used_bytes: 0 }
    }

    /// Counts `bytes` more.
    pub(crate) fn spend(&mut self, bytes: usize) -> Result<(), ReadError> {
        self.used_bytes = self.used_bytes.saturating_add(bytes as u64);
        if self.used_bytes > self.limit_bytes {
            return Err(ReadError::TooLarge { limit_bytes: self.limit_bytes });
        }
        if self.used_bytes > self.ratio_bytes {
            let why = format!("it repeats itself into more than {} MB of text", self.ratio_bytes >> 20);
            return Err(ReadError::Bomb { why });
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn blocks_point_at_their_own_text() {
        let mut page = PageBuilder::default();
        page.block(BlockKind::Heading { level: 1 }, "  Title\n");
        page.block(BlockKind::Paragraph, " \u{feff} ");
        page.row(true, None, &["a\tb", " c\n d ", ""]);
        page.row(false, Some("A2".into()), &["", "2"]);
        let page = page.finish(Place::Whole);
        assert_eq!(page.text, "Title\n\na b\tc d\n\t2");
        let parts: Vec<&str> =
            page.blocks.iter().map(|b| &page.text[b.range.start as usize..b.range.end as usize]).collect();
        assert_eq!(parts, ["Title", "a b\tc d", "\t2"]);
    }

    #[test]
    fn the_budget_refuses_more_than_its_limit() {
        let mut budget = OutputBudget::new(1, 10);
        assert!(budget.spend(10).is_ok());
        assert_eq!(budget.spend(1), Err(ReadError::TooLarge { limit_bytes: 10 }));
        let mut budget = OutputBudget::new(1000, 1 << 30);
        assert!(budget.spend(1 << 20).is_ok());
        assert_eq!(budget.spend(100 << 20).unwrap_err().code(), "bomb");
    }
}

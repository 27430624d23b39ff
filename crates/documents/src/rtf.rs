//! Rich text (RTF 1.9): groups and control words in plain bytes. Headings by their styles, lists with the labels that the
//! file keeps, tables, notes, running heads; what is hidden, deleted or a picture is left out.

mod tokens;

use crate::builder::{OutputBudget, PageBuilder, folded};
use crate::plain::document;
use crate::{ReadError, ReadOptions};
use hearth_domain::{BlockKind, Document, Kind, OutlineItem, Place};
use std::collections::HashMap;
pub(crate) use tokens::encoding_of_page;
use tokens::{Token, Tokens, encoding_of_charset};

/// Groups within groups that are followed; deeper ones are read as if they stood in the last.
const MAX_DEPTH: usize = 500;
const MAX_CELLS: usize = 1000;

/// Where words of a group go.
#[derive(Debug, Clone, Copy, PartialEq)]
enum Target {
    Body,
    /// Nowhere.
    Skipped,
    Fonts,
    Styles,
    Title,
    Author,
    Label,
    Note,
    Head,
}

/// What holds inside a group.
#[derive(Debug, Clone)]
struct State {
    place: Target,
    /// Letters that follow a `\u` in place of it.
    after_unicode: usize,
    encoding: &'static encoding_rs::Encoding,
    hidden: bool,
}

/// What holds for the paragraph at hand.
#[derive(Debug, Default, Clone)]
struct Paragraph {
    style: Option<i32>,
    outline: Option<u8>,
    in_table: bool,
}

pub(crate) fn read(bytes: &[u8], options: &ReadOptions) -> Result<Document, ReadError> {
    let mut reader = Reader::new(OutputBudget::new(bytes.len(), options.max_output_bytes));
    let mut tokens = Tokens::new(bytes);
    while let Some(token) = tokens.next() {
        match token {
            Token::Open => reader.open(),
            Token::Close => reader.close()?,
            Token::Word { name, value } => {
                if name == "bin" {
                    tokens.skip(usize::try_from(value.unwrap_or(0)).unwrap_or(0));
                } else {
                    reader.word(name, value)?;
                }
            }
            Token::Symbol(sign) => reader.symbol(sign),
            Token::Byte(byte) => reader.byte(byte),
            Token::Text(text) => text.iter().for_each(|byte| reader.byte(*byte)),
        }
    }
    reader.finish()
}

struct Reader {
    page: PageBuilder,
    outline: Vec<OutlineItem>,
    budget: OutputBudget,
    now: State,
    /// What held in the groups around.
    outer: Vec<State>,
    /// Groups that were too deep to be kept.
    below: usize,
    paragraph: Paragraph,
    /// Bytes of letters that are not decoded yet.
    bytes: Vec<u8>,
    /// Letters still to be left out after a `\u`.
    leave_out: usize,
    /// A high surrogate that waits for its other half.
    surrogate: Option<u16>,
    text: String,
    label: String,
    cells: Vec<String>,
    header_row: bool,
    aside: String,
    notes: Vec<String>,
    heads: Vec<String>,
    fonts: HashMap<i32, &'static encoding_rs::Encoding>,
    font_read: Option<i32>,
    /// A style's level as a heading.
    styles: HashMap<i32, u8>,
    style_read: (Option<i32>, Option<u8>, String),
    default: &'static encoding_rs::Encoding,
    title: String,
    author: String,
    starred: bool,
}

impl Reader {
    fn new(budget: OutputBudget) -> Self {
        let default = encoding_rs::WINDOWS_1252;
        let now = State { place: Target::Body, after_unicode: 1, encoding: default, hidden: false };
        Self {
            page: PageBuilder::default(),
            outline: Vec::new(),
            budget,
            now,
            outer: Vec::new(),
            below: 0,
            paragraph: Paragraph::default(),
            bytes: Vec::new(),
            leave_out: 0,
            surrogate: None,
            text: String::new(),
            label: String::new(),
            cells: Vec::new(),
            header_row: false,
            aside: String::new(),
            notes: Vec::new(),
            heads: Vec::new(),
            fonts: HashMap::new(),
            font_read: None,
            styles: HashMap::new(),
            style_read: (None, None, String::new()),
            default,
            title: String::new(),
            author: String::new(),
            starred: false,
        }
    }

    fn open(&mut self) {
        self.flush();
        (self.leave_out, self.starred) = (0, false);
        if self.outer.len() >= MAX_DEPTH {
            self.below += 1;
            return;
        }
        self.outer.push(self.now.clone());
    }

    fn close(&mut self) -> Result<(), ReadError> {
        self.flush();
        (self.leave_out, self.starred) = (0, false);
        if self.below > 0 {
            self.below -= 1;
            return Ok(());
        }
        let Some(outer) = self.outer.pop() else { return Ok(()) };
        let left = std::mem::replace(&mut self.now, outer).place;
        if left == self.now.place {
            return Ok(());
        }
        match left {
            Target::Note => {
                let note = folded(&std::mem::take(&mut self.aside));
                if !note.is_empty() {
                    self.budget.spend(note.len())?;
                    self.notes.push(note);
                }
            }
            Target::Head => {
                let head = folded(&std::mem::take(&mut self.aside));
                if !head.is_empty() && !self.heads.contains(&head) {
                    self.heads.push(head);
                }
            }
            _ => {}
        }
        Ok(())
    }

    fn symbol(&mut self, sign: u8) {
        match sign {
            b'*' => self.starred = true,
            b'~' => self.push(' '),
            b'_' => self.push('-'),
            b'{' | b'}' | b'\\' => self.byte(sign),
            b'\n' | b'\r' => {
                let _ = self.end_paragraph();
            }
            _ => {}
        }
    }

    fn word(&mut self, name: &str, value: Option<i32>) -> Result<(), ReadError> {
        let starred = std::mem::take(&mut self.starred);
        if name != "u" {
            self.flush();
        }
        let on = value != Some(0);
        match name {
            // Where what follows goes.
            "fonttbl" => self.now.place = Target::Fonts,
            "stylesheet" => self.now.place = Target::Styles,
            "title" => self.now.place = Target::Title,
            "author" => self.now.place = Target::Author,
            "listtext" | "pntext" if self.now.place == Target::Body => {
                self.label.clear();
                self.now.place = Target::Label;
            }
            "listtext" | "pntext" => {}
            "footnote" | "annotation" if self.now.place == Target::Body => self.now.place = Target::Note,
            "footnote" | "annotation" => {}
            "header" | "headerl" | "headerr" | "headerf" | "footer" | "footerl" | "footerr" | "footerf"
                if self.now.place == Target::Body =>
            {
                self.now.place = Target::Head;
            }
            "header" | "footer" => {}
            "ud" if self.now.place == Target::Skipped => self.now.place = Target::Body,
            "upr" | "info" | "colortbl" | "pict" | "objdata" | "fldinst" | "listtable" | "listoverridetable"
            | "rsidtbl" | "themedata" | "datastore" | "xmlnstbl" | "latentstyles" | "nonshppict" | "filetbl"
            | "revtbl" | "mmathPr" | "pgdsctbl" | "generator" | "atnid" | "atnauthor" | "atnref" | "atndate"
            | "operator" | "company" | "category" | "keywords" | "doccomm" | "comment" | "subject" | "manager"
            | "template" | "docvar" | "bkmkstart" | "bkmkend" | "sp" | "pnseclvl" | "tc" | "xe" => {
                self.now.place = Target::Skipped;
            }
            // A box of text inside a shape.
            "shpinst" | "shptxt" => {}
            // Letters.
            "ansicpg" => {
                self.default = encoding_of_page(value.unwrap_or(1252));
                self.now.encoding = self.default;
            }
            "mac" => self.default = encoding_rs::MACINTOSH,
            "uc" => self.now.after_unicode = usize::try_from(value.unwrap_or(1)).unwrap_or(1).min(8),
            "u" => self.unicode(value.unwrap_or(0)),
            "f" => self.font(value),
            "fcharset" => {
                if let (Target::Fonts, Some(font)) = (self.now.place, self.font_read) {
                    let encoding = encoding_of_charset(value.unwrap_or(0), self.default);
                    self.fonts.insert(font, encoding);
                }
            }
            "plain" => {
                self.now.hidden = false;
                self.now.encoding = self.default;
            }
            "v" | "deleted" => self.now.hidden = on,
            "tab" => self.push('\t'),
            "line" | "lbr" | "softline" => self.push('\n'),
            "emdash" => self.push('—'),
            "endash" => self.push('–'),
            "bullet" => self.push('•'),
            "lquote" => self.push('‘'),
            "rquote" => self.push('’'),
            "ldblquote" => self.push('“'),
            "rdblquote" => self.push('”'),
            "emspace" | "enspace" | "qmspace" => self.push(' '),
            // Paragraphs and tables.
            "pard" => self.paragraph = Paragraph::default(),
            "s" => match self.now.place {
                Target::Styles => self.style_read = (value, None, String::new()),
                _ => self.paragraph.style = value,
            },
            "outlinelevel" => {
                let level = value.and_then(|level| u8::try_from(level).ok()).filter(|level| *level < 9);
                let level = level.map(|level| (level + 1).min(6));
                match self.now.place {
                    Target::Styles => self.style_read.1 = level,
                    _ => self.paragraph.outline = level,
                }
            }
            "intbl" => self.paragraph.in_table = on,
            "trowd" => self.header_row = false,
            "trhdr" => self.header_row = true,
            "par" | "sect" | "page" => self.end_paragraph()?,
            "cell" => self.end_cell(),
            "nestcell" | "nestrow" => self.push(' '),
            "row" => self.end_row()?,
            // A destination that nobody here knows.
            _ if starred => self.now.place = Target::Skipped,
            _ => {}
        }
        Ok(())
    }

    fn font(&mut self, value: Option<i32>) {
        if self.now.place == Target::Fonts {
            self.font_read = value;
            return;
        }
        self.now.encoding = value.and_then(|font| self.fonts.get(&font).copied()).unwrap_or(self.default);
    }

    /// One UTF-16 unit, negative where it is above 0x7fff; the letters that stand for it elsewhere are left out.
    fn unicode(&mut self, value: i32) {
        self.flush();
        let unit = (value & 0xffff) as u16;
        let after = self.now.after_unicode;
        match (self.surrogate.take(), unit) {
            (Some(high), 0xdc00..=0xdfff) => {
                let mut both = char::decode_utf16([high, unit]);
                if let Some(Ok(c)) = both.next() {
                    self.push(c);
                }
            }
            (_, 0xd800..=0xdbff) => self.surrogate = Some(unit),
            (_, unit) => {
                if let Some(c) = char::from_u32(u32::from(unit)) {
                    self.push(c);
                }
            }
        }
        self.leave_out = after;
    }

    fn byte(&mut self, byte: u8) {
        if self.leave_out > 0 {
            self.leave_out -= 1;
            return;
        }
        // The end of an entry of a table.
        if byte == b';' && matches!(self.now.place, Target::Fonts | Target::Styles) {
            self.flush();
            if self.now.place == Target::Styles {
                self.end_style();
            }
            return;
        }
        self.bytes.push(byte);
    }

    /// Decodes the letters at hand.
    fn flush(&mut self) {
        if self.bytes.is_empty() {
            return;
        }
        let bytes = std::mem::take(&mut self.bytes);
        let encoding = self.now.encoding;
        let (text, _) = encoding.decode_without_bom_handling(&bytes);
        self.push_str(&text);
    }

    fn push(&mut self, c: char) {
        self.flush();
        self.push_str(c.encode_utf8(&mut [0; 4]));
    }

    fn push_str(&mut self, text: &str) {
        if self.now.hidden {
            return;
        }
        match self.now.place {
            Target::Body => self.text.push_str(text),
            Target::Label => self.label.push_str(text),
            Target::Note | Target::Head => self.aside.push_str(text),
            Target::Title => self.title.push_str(text),
            Target::Author => self.author.push_str(text),
            Target::Styles => self.style_read.2.push_str(text),
            Target::Fonts | Target::Skipped => {}
        }
    }

    fn end_style(&mut self) {
        let (id, level, name) = std::mem::take(&mut self.style_read);
        let name = folded(&name).to_lowercase();
        let named = ["heading ", "überschrift ", "titre ", "título ", "titolo "]
            .iter()
            .find_map(|head| name.strip_prefix(head)?.trim().parse::<u8>().ok());
        let level = named.or(level).or(match name.as_str() {
            "title" => Some(1),
            "subtitle" => Some(2),
            _ => None,
        });
        if let Some(level) = level {
            self.styles.insert(id.unwrap_or(0), level.clamp(1, 6));
        }
    }

    fn end_paragraph(&mut self) -> Result<(), ReadError> {
        self.flush();
        if self.now.place != Target::Body {
            self.push_str("\n");
            return Ok(());
        }
        if self.paragraph.in_table {
            self.text.push(' ');
            return Ok(());
        }
        let text = std::mem::take(&mut self.text);
        let label = folded(&std::mem::take(&mut self.label));
        self.budget.spend(text.len())?;
        // Rows that were begun and never ended are kept.
        if !self.cells.is_empty() {
            self.end_row()?;
        }
        let level = self.paragraph.outline.or(self.paragraph.style.and_then(|style| self.styles.get(&style).copied()));
        match level {
            Some(level) => {
                let title = folded(&format!("{label} {text}"));
                if !title.is_empty() {
                    self.outline.push(OutlineItem { level, title: title.clone(), page: 0 });
                    self.page.block(BlockKind::Heading { level }, &title);
                }
            }
            None if !label.is_empty() && !text.trim().is_empty() => {
                // Symbol fonts write their bullet with letters of their own.
                let plain = label.chars().any(char::is_alphanumeric) && label != "o" && label != "·";
                let label = if plain { label.as_str() } else { "•" };
                self.page.item(0, &format!("{label} {}", text.trim()));
            }
            None => self.page.block(BlockKind::Paragraph, &text),
        }
        Ok(())
    }

    fn end_cell(&mut self) {
        self.flush();
        if self.now.place == Target::Body && self.cells.len() < MAX_CELLS {
            let text = folded(&std::mem::take(&mut self.text));
            let label = folded(&std::mem::take(&mut self.label));
            self.cells.push(folded(&format!("{label} {text}")));
        }
    }

    fn end_row(&mut self) -> Result<(), ReadError> {
        let cells = std::mem::take(&mut self.cells);
        self.budget.spend(cells.iter().map(String::len).sum())?;
        self.page.row(self.header_row, None, &cells);
        Ok(())
    }

    fn finish(mut self) -> Result<Document, ReadError> {
        self.flush();
        self.now.place = Target::Body;
        self.paragraph.in_table = false;
        self.end_paragraph()?;
        if !self.cells.is_empty() {
            self.end_row()?;
        }
        self.notes.iter().for_each(|note| self.page.block(BlockKind::Note, note));
        self.heads.iter().for_each(|head| self.page.block(BlockKind::Furniture, head));
        let known = |text: &str| Some(folded(text)).filter(|text| !text.is_empty());
        let (title, author) = (known(&self.title), known(&self.author));
        let mut document = document(Kind::Rtf, vec![self.page.finish(Place::Whole)]);
        (document.title, document.author, document.outline) = (title, author, self.outline);
        Ok(document)
    }
}

#[cfg(test)]
mod tests;

//! Running text: headings, paragraphs, lists with their numbers, tables, frames, notes at the end.

use super::{Inline, MAX_NESTING, Styles, table, write_notes};
use crate::builder::{PageBuilder, folded};
use crate::xml::El;
use hearth_domain::{BlockKind, OutlineItem};
use std::collections::HashMap;

/// Styles whose paragraphs are kept as they stand.
const AS_IT_STANDS: [&str; 3] = ["Preformatted_20_Text", "Source_20_Text", "Preformatted Text"];

pub(super) fn read(body: El<'_>, styles: &Styles) -> (PageBuilder, Vec<OutlineItem>) {
    let mut reader = Reader::new(styles);
    reader.blocks(body, MAX_NESTING);
    let mut page = reader.page;
    write_notes(&mut page, reader.notes);
    (page, reader.outline)
}

pub(super) struct Reader<'s> {
    styles: &'s Styles,
    pub(super) page: PageBuilder,
    pub(super) outline: Vec<OutlineItem>,
    pub(super) notes: Vec<String>,
    /// How far each list has counted, by its style and level.
    counted: HashMap<(String, u8), u32>,
}

impl<'s> Reader<'s> {
    pub(super) fn new(styles: &'s Styles) -> Self {
        let (page, outline, notes) = Default::default();
        Self { styles, page, outline, notes, counted: HashMap::new() }
    }

    pub(super) fn blocks(&mut self, parent: El<'_>, depth: u8) {
        let Some(depth) = depth.checked_sub(1) else { return };
        for el in parent.children() {
            match el.name() {
                "h" => {
                    let level = el.attr("outline-level").and_then(|level| level.parse().ok()).unwrap_or(1u8);
                    self.heading(el, level.clamp(1, 6), depth);
                }
                "p" => self.paragraph(el, depth),
                "list" => self.list(el, el.attr("style-name").unwrap_or_default(), 1, depth),
                "table" => table(el, &mut self.page, depth),
                "frame" | "custom-shape" | "rect" | "text-box" | "g" | "ellipse" => self.blocks(el, depth),
                // Deleted text, and forms and declarations that hold none.
                "tracked-changes" | "forms" | "sequence-decls" | "variable-decls" | "annotation" => {}
                _ => self.blocks(el, depth),
            }
        }
    }

    fn heading(&mut self, el: El<'_>, level: u8, depth: u8) {
        let inline = Inline::of(el);
        let title = folded(&inline.text);
        if !title.is_empty() {
            self.outline.push(OutlineItem { level, title: title.clone(), page: 0 });
            self.page.block(BlockKind::Heading { level }, &title);
        }
        self.hang(inline, depth);
    }

    fn paragraph(&mut self, el: El<'_>, depth: u8) {
        let style = el.attr("style-name");
        if self.styles.is(style, &["Title"]) {
            return self.heading(el, 1, depth);
        }
        if self.styles.is(style, &["Subtitle"]) {
            return self.heading(el, 2, depth);
        }
        let inline = Inline::of(el);
        let kind = if self.styles.is(style, &AS_IT_STANDS) { BlockKind::Code } else { BlockKind::Paragraph };
        self.page.block(kind, &inline.text);
        self.hang(inline, depth);
    }

    /// What hangs on a paragraph: its notes, and the text of its frames after it.
    fn hang(&mut self, inline: Inline<'_>, depth: u8) {
        self.notes.extend(inline.notes);
        for frame in inline.frames {
            self.blocks(frame, depth);
        }
    }

    fn list(&mut self, list: El<'_>, style: &str, level: u8, depth: u8) {
        let Some(depth) = depth.checked_sub(1) else { return };
        let style = list.attr("style-name").unwrap_or(style);
        let key = (style.to_owned(), level);
        if list.attr("continue-numbering") != Some("true") && list.attr("continue-list").is_none() {
            self.counted.remove(&key);
        }
        let suffix = self.styles.lists.get(style).and_then(|levels| levels.get(&level)).cloned();
        for item in list.children().filter(|el| matches!(el.name(), "list-item" | "list-header")) {
            let mut first = item.name() == "list-item";
            for el in item.children() {
                match el.name() {
                    "list" => self.list(el, style, level.saturating_add(1), depth),
                    "p" | "h" => {
                        let inline = Inline::of(el);
                        let text = folded(&inline.text);
                        if !text.is_empty() {
                            let label = match (&suffix, first) {
                                (_, false) => String::new(),
                                (None, true) => "• ".to_owned(),
                                (Some(suffix), true) => {
                                    let start = item.attr("start-value").and_then(|value| value.parse::<u32>().ok());
                                    let count = self.counted.entry(key.clone()).or_default();
                                    *count = start.unwrap_or(count.saturating_add(1));
                                    format!("{count}{suffix} ")
                                }
                            };
                            first = false;
                            self.page.item(usize::from(level.min(9) - 1) * 2, &format!("{label}{text}"));
                        }
                        self.hang(inline, depth);
                    }
                    _ => self.blocks(el, depth),
                }
            }
        }
    }
}

//! XML of any sort: elements with elements become headings, alike ones a table, words paragraphs.

use super::tree::{self, Node};
use crate::builder::{PageBuilder, folded};
use crate::plain::document;
use crate::xml::El;
use hearth_domain::{BlockKind, Document, Kind, OutlineItem, Place};

/// A text that is longer is prose: its element's name says nothing to a reader.
const PROSE: usize = 160;
/// Elements whose text is a heading.
const HEADINGS: [&str; 5] = ["title", "head", "heading", "caption", "article-title"];

pub(super) fn read(root: El<'_>, most: usize) -> Document {
    let mut page = PageBuilder::default();
    let outline = if has_prose(root) {
        let mut writer = Prose { page: &mut page, outline: Vec::new() };
        writer.element(root, 1);
        writer.outline
    } else {
        tree::write(&node(root), &mut page, most)
    };
    let mut document = document(Kind::Xml, vec![page.finish(Place::Whole)]);
    let named = |el: El<'_>| el.child("title").map(|el| folded(&el.text())).filter(|text| !text.is_empty());
    document.title = named(root).or_else(|| root.children().find_map(named));
    document.outline = outline;
    document
}

fn own_words(el: El<'_>) -> usize {
    el.nodes().filter(El::is_text).map(|text| text.own_text().trim().len()).sum()
}

/// Whether words and elements stand side by side, as in books and articles.
fn has_prose(el: El<'_>) -> bool {
    let mixed = own_words(el) > 0 && el.children().next().is_some();
    mixed || el.children().any(has_prose)
}

/// Data as values within values: attributes first, elements of one name as a list.
fn node(el: El<'_>) -> Node {
    let attrs: Vec<(String, Node)> =
        el.attrs().map(|(name, value)| (name.to_owned(), Node::Text(value.to_owned()))).collect();
    let words = folded(&el.nodes().filter(El::is_text).map(|text| text.own_text()).collect::<String>());
    if attrs.is_empty() && el.children().next().is_none() {
        return Node::Text(words);
    }
    let mut members = attrs;
    let mut places: std::collections::HashMap<&str, usize> = std::collections::HashMap::new();
    for child in el.children() {
        let value = node(child);
        match places.get(child.name()).and_then(|at| members.get_mut(*at)) {
            Some((_, Node::List(items))) => items.push(value),
            _ => {
                places.insert(child.name(), members.len());
                members.push((child.name().to_owned(), Node::List(vec![value])));
            }
        }
    }
    for (_, value) in &mut members {
        if let Node::List(items) = value
            && items.len() == 1
            && let Some(only) = items.pop()
        {
            *value = only;
        }
    }
    if !words.is_empty() {
        members.push(("text".to_owned(), Node::Text(words)));
    }
    Node::Map(members)
}

struct Prose<'p> {
    page: &'p mut PageBuilder,
    outline: Vec<OutlineItem>,
}

impl Prose<'_> {
    fn element(&mut self, el: El<'_>, level: u8) {
        if own_words(el) > 0 || el.children().next().is_none() {
            let text = folded(&el.text());
            if text.is_empty() {
                return;
            }
            if HEADINGS.contains(&el.name()) && text.chars().count() <= PROSE {
                let level = level.saturating_sub(1).clamp(1, 6);
                self.page.block(BlockKind::Heading { level }, &text);
                self.outline.push(OutlineItem { level, title: text, page: 0 });
            } else if own_words(el) > 0 && (el.children().next().is_some() || text.len() > PROSE || is_prose(el.name()))
            {
                self.page.block(BlockKind::Paragraph, &text);
            } else {
                self.page.block(BlockKind::Paragraph, &format!("{}: {text}", el.name()));
            }
            return;
        }
        el.children().for_each(|child| self.element(child, level.saturating_add(1).min(7)));
    }
}

fn is_prose(name: &str) -> bool {
    matches!(name, "p" | "para" | "simpara" | "li" | "item" | "td" | "th" | "entry" | "line" | "l" | "s" | "v" | "text")
}

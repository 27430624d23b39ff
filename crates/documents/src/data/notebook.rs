//! Jupyter notebooks: cells in order, words as Markdown, code as code, and what the code printed.

use super::tree::Node;
use crate::builder::PageBuilder;
use crate::plain::{document, markdown_cell};
use hearth_domain::{BlockKind, Document, Kind, OutlineItem, Place};

/// Letters of one output that are kept.
const MAX_OUTPUT: usize = 20_000;

/// Reads a notebook of format 3 or later; none where it has no cells.
pub(super) fn read(root: &Node) -> Option<Document> {
    let sheet = root.get("worksheets").and_then(|sheets| sheets.items().first()).unwrap_or(root);
    let cells = sheet.get("cells")?.items();
    let mut page = PageBuilder::default();
    let mut outline: Vec<OutlineItem> = Vec::new();
    for cell in cells {
        let source = joined(cell.get("source").or_else(|| cell.get("input")));
        match cell.get("cell_type").and_then(Node::text) {
            Some("markdown") => page = markdown_cell(page, &source, &mut outline),
            Some("heading") => {
                page.block(BlockKind::Heading { level: 1 }, &source);
                outline.push(OutlineItem { level: 1, title: source, page: 0 });
            }
            Some("raw") => page.block(BlockKind::Paragraph, &source),
            _ => {
                page.block(BlockKind::Code, &source);
                for output in cell.get("outputs").map(Node::items).unwrap_or_default() {
                    page.block(BlockKind::Code, &printed(output));
                }
            }
        }
    }
    let mut document = document(Kind::Notebook, vec![page.finish(Place::Whole)]);
    let given = root.get("metadata").and_then(|about| about.named(&["title"]));
    document.title = given.or_else(|| outline.first().map(|item| item.title.clone()));
    document.outline = outline;
    Some(document)
}

/// A text that is kept whole or line by line.
fn joined(value: Option<&Node>) -> String {
    match value {
        Some(Node::Text(text)) => text.clone(),
        Some(Node::List(lines)) => lines.iter().filter_map(Node::text).collect(),
        _ => String::new(),
    }
}

/// What a cell printed, as text; pictures and markup say nothing here.
fn printed(output: &Node) -> String {
    let data = output.get("data").unwrap_or(output);
    let words = match output.get("output_type").and_then(Node::text) {
        Some("error" | "pyerr") => {
            let name = joined(output.get("ename"));
            format!("{name}: {}", joined(output.get("evalue")))
        }
        _ => joined(output.get("text").or_else(|| data.get("text/plain")).or_else(|| data.get("text/markdown"))),
    };
    without_colours(&words).chars().take(MAX_OUTPUT).collect()
}

/// Text without the marks that colour it in a terminal.
fn without_colours(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut parts = text.split("\u{1b}[");
    out.push_str(parts.next().unwrap_or_default());
    for part in parts {
        let end = part.find(|c: char| c.is_ascii_alphabetic()).map_or(part.len(), |at| at + 1);
        out.push_str(part.get(end..).unwrap_or_default());
    }
    out
}

//! Data that programs wrote for one another, as text that a person reads: notebooks, JSON, XML, feeds.

mod feed;
mod json;
mod markup;
mod notebook;
mod tree;

use crate::builder::PageBuilder;
use crate::decode::decode;
use crate::plain::{self, document};
use crate::{ReadError, ReadOptions};
use hearth_domain::{Document, Kind, Place, Warning};

/// Larger files are read as plain text.
const MAX_SOURCE_BYTES: usize = 64 << 20;

/// Reads JSON, or a line of it after the other. What is no JSON is read as text.
pub(crate) fn json(bytes: &[u8], options: &ReadOptions) -> Result<Document, ReadError> {
    let Some(root) = small(bytes).and_then(|text| json::parse(&text)) else {
        return as_text(Kind::Json, bytes, options);
    };
    let mut page = PageBuilder::default();
    let outline = tree::write(&root, &mut page, most(bytes));
    let mut document = document(Kind::Json, vec![page.finish(Place::Whole)]);
    document.title = root.named(&["title", "name"]);
    document.outline = outline;
    Ok(document)
}

/// Reads a notebook: its cells in order.
pub(crate) fn notebook(bytes: &[u8], options: &ReadOptions) -> Result<Document, ReadError> {
    match small(bytes).and_then(|text| json::parse(&text)).as_ref().and_then(notebook::read) {
        Some(document) => Ok(document),
        None => as_text(Kind::Notebook, bytes, options),
    }
}

/// Reads XML: a feed as its articles, anything else by its elements.
pub(crate) fn xml(bytes: &[u8], options: &ReadOptions) -> Result<Document, ReadError> {
    let parsed = if bytes.len() > MAX_SOURCE_BYTES { None } else { crate::xml::Xml::parse(bytes).ok() };
    let Some(xml) = parsed else { return as_text(Kind::Xml, bytes, options) };
    match feed::read(xml.root(), options)? {
        Some(document) => Ok(document),
        None => Ok(markup::read(xml.root(), most(bytes))),
    }
}

/// More than this is more than such a file can say.
fn most(bytes: &[u8]) -> usize {
    bytes.len().saturating_mul(16).max(16 << 20)
}

fn small(bytes: &[u8]) -> Option<std::borrow::Cow<'_, str>> {
    (bytes.len() <= MAX_SOURCE_BYTES).then(|| decode(bytes).0)
}

fn as_text(kind: Kind, bytes: &[u8], options: &ReadOptions) -> Result<Document, ReadError> {
    let mut document = plain::code(bytes, options)?;
    document.kind = kind;
    let message = "Its structure could not be read; it is shown as it is written.".to_owned();
    document.warnings.push(Warning { page: None, message });
    Ok(document)
}

#[cfg(test)]
mod tests;

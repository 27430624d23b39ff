//! Office Open XML: the archive's parts, their relations and properties. The three formats are in the files beside.

pub(crate) mod docx;
mod graphic;
pub(crate) mod number;
pub(crate) mod pptx;
pub(crate) mod sheet;
pub(crate) mod xlsb;
pub(crate) mod xlsx;

use crate::ReadError;
use crate::archive::{Archive, resolve};
use crate::builder::folded;
use crate::xml::Xml;
pub(crate) use graphic::diagram_words;
use hearth_domain::Document;
use std::collections::HashMap;

/// One relation of a part: what it leads to inside the archive.
pub(crate) struct Relation {
    /// The last word of the relation's type, such as `slide`.
    pub(crate) kind: String,
    pub(crate) target: String,
}

/// Relations of a part by id, without those that lead outside.
pub(crate) fn relations(archive: &Archive<'_>, part: &str) -> Result<HashMap<String, Relation>, ReadError> {
    let (folder, file) = part.rsplit_once('/').unwrap_or(("", part));
    let path = if folder.is_empty() { format!("_rels/{file}.rels") } else { format!("{folder}/_rels/{file}.rels") };
    let mut out = HashMap::new();
    let Some(bytes) = archive.get(&path)? else { return Ok(out) };
    let Ok(xml) = Xml::parse(&bytes) else { return Ok(out) };
    for relation in xml.root().children() {
        if relation.attr("TargetMode") == Some("External") {
            continue;
        }
        if let (Some(id), Some(target)) = (relation.attr("Id"), relation.attr("Target")) {
            let kind = relation.attr("Type").unwrap_or_default().rsplit('/').next().unwrap_or_default().to_owned();
            out.insert(id.to_owned(), Relation { kind, target: resolve(part, target) });
        }
    }
    Ok(out)
}

/// The part that the package's own relations call its document, else `usual`.
pub(crate) fn main_part(archive: &Archive<'_>, usual: &str) -> Result<String, ReadError> {
    if archive.has(usual) {
        return Ok(usual.to_owned());
    }
    let found = relations(archive, "")?.into_values().find(|relation| relation.kind == "officeDocument");
    found.map(|relation| relation.target).ok_or_else(|| ReadError::damaged(format!("its part {usual} is missing")))
}

/// Fills in title, author, date and language from the package's properties.
pub(crate) fn properties(archive: &Archive<'_>, document: &mut Document) {
    let Ok(Some(bytes)) = archive.get("docProps/core.xml") else { return };
    let Ok(xml) = Xml::parse(&bytes) else { return };
    let root = xml.root();
    let value = |name: &str| root.child(name).map(|el| folded(&el.text())).filter(|text| !text.is_empty());
    document.title = value("title");
    document.author = value("creator");
    document.created = value("created");
    document.language = value("language");
}

#[cfg(test)]
mod tests;

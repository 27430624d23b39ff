//! What a PDF says of itself: title, author, date, language, page labels and table of contents.

use crate::numerals::{letters, roman};
use hayro::hayro_interpret::hayro_syntax::Pdf;
use hayro::hayro_interpret::hayro_syntax::object::{
    Array, DateTime, Dict, Name, ObjRef, Object, ObjectIdentifier, String as PdfString,
};
use hearth_domain::OutlineItem;
use std::collections::{HashMap, HashSet};

const MAX_OUTLINE: usize = 5_000;
const MAX_TREE_NODES: usize = 20_000;

/// Text of a PDF text string: UTF-16 or UTF-8 with a mark, else the PDF's own single-byte encoding.
pub(super) fn text_string(bytes: &[u8]) -> String {
    if bytes.starts_with(&[0xfe, 0xff]) || bytes.starts_with(&[0xff, 0xfe]) || bytes.starts_with(&[0xef, 0xbb, 0xbf]) {
        return crate::decode::decode(bytes).0.into_owned();
    }
    // PDFDocEncoding differs from Latin-1 in a few places that occur in titles.
    bytes
        .iter()
        .map(|byte| match byte {
            0x80 => '•',
            0x84 => '—',
            0x85 => '–',
            0x8d => '“',
            0x8e => '”',
            0x8f => '‘',
            0x90 => '’',
            0x92 => '™',
            0xa0 => '€',
            byte => char::from(*byte),
        })
        .collect()
}

/// A non-empty line of text out of a metadata string.
pub(super) fn line(bytes: Option<&[u8]>) -> Option<String> {
    let text = crate::builder::folded(&text_string(bytes?));
    (!text.is_empty()).then_some(text)
}

pub(super) fn date(date: Option<&DateTime>) -> Option<String> {
    let d = date?;
    Some(format!("{:04}-{:02}-{:02}", d.year, d.month, d.day))
}

fn catalog(pdf: &Pdf) -> Option<Dict<'_>> {
    pdf.xref().get::<Dict<'_>>(pdf.xref().root_id())
}

pub(super) fn language(pdf: &Pdf) -> Option<String> {
    let text = catalog(pdf)?.get::<PdfString<'_>>("Lang")?;
    let tag = text_string(text.as_bytes());
    (!tag.is_empty() && tag.len() <= 35 && tag.chars().all(|c| c.is_ascii_alphanumeric() || c == '-')).then_some(tag)
}

/// The label printed on each page, where the file names labels.
pub(super) fn labels(pdf: &Pdf, pages: usize) -> Vec<Option<String>> {
    let mut labels = vec![None; pages];
    let Some(tree) = catalog(pdf).and_then(|catalog| catalog.get::<Dict<'_>>("PageLabels")) else { return labels };
    let mut ranges: Vec<(usize, Dict<'_>)> = Vec::new();
    let mut nodes = vec![tree];
    let mut budget = MAX_TREE_NODES;
    while let Some(node) = nodes.pop() {
        budget = budget.saturating_sub(1);
        if budget == 0 {
            break;
        }
        if let Some(kids) = node.get::<Array<'_>>("Kids") {
            nodes.extend(kids.iter::<Dict<'_>>());
        }
        if let Some(nums) = node.get::<Array<'_>>("Nums") {
            let mut items = nums.flex_iter();
            while let Some(start) = items.next::<i32>() {
                let Some(style) = items.next::<Dict<'_>>() else { break };
                ranges.push((start.max(0) as usize, style));
            }
        }
    }
    ranges.sort_by_key(|(start, _)| *start);
    for (i, (start, style)) in ranges.iter().enumerate() {
        let end = ranges.get(i + 1).map_or(pages, |(next, _)| *next).min(pages);
        let prefix = style.get::<PdfString<'_>>("P").map(|p| text_string(p.as_bytes())).unwrap_or_default();
        let first = style.get::<i32>("St").unwrap_or(1).max(1) as u32;
        let numbering = style.get::<Name<'_>>("S").map(|name| name.as_str().to_owned());
        for (offset, label) in labels.iter_mut().take(end).skip(*start).enumerate() {
            let number = first.saturating_add(offset as u32);
            let digits = match numbering.as_deref() {
                Some("D") => number.to_string(),
                Some("r") => roman(number),
                Some("R") => roman(number).to_uppercase(),
                Some("a") => letters(number),
                Some("A") => letters(number).to_uppercase(),
                _ => String::new(),
            };
            let text = format!("{prefix}{digits}");
            *label = (!text.is_empty() && text.chars().count() <= 30).then_some(text);
        }
    }
    // A label that only repeats the page's number says nothing.
    for (i, label) in labels.iter_mut().enumerate() {
        if label.as_deref() == Some((i + 1).to_string().as_str()) {
            *label = None;
        }
    }
    labels
}

/// The file's own table of contents, with page indexes.
pub(super) fn outline(pdf: &Pdf) -> Vec<OutlineItem> {
    let mut items = Vec::new();
    let Some(catalog) = catalog(pdf) else { return items };
    let Some(root) = catalog.get::<Dict<'_>>("Outlines") else { return items };
    let pages: HashMap<ObjectIdentifier, u32> =
        pdf.pages().iter().enumerate().filter_map(|(i, page)| Some((page.raw().obj_id()?, i as u32))).collect();
    let names = named_destinations(&catalog);
    let mut seen: HashSet<ObjectIdentifier> = HashSet::new();
    let mut stack: Vec<(u8, Dict<'_>)> = root.get::<Dict<'_>>("First").map(|first| (1, first)).into_iter().collect();
    while let Some((level, item)) = stack.pop() {
        if items.len() >= MAX_OUTLINE || item.obj_id().is_some_and(|id| !seen.insert(id)) {
            continue;
        }
        let title = line(item.get::<PdfString<'_>>("Title").as_ref().map(|title| title.as_bytes()));
        let target = item.get::<Object<'_>>("Dest").or_else(|| item.get::<Dict<'_>>("A")?.get::<Object<'_>>("D"));
        if let (Some(title), Some(page)) = (title, target.and_then(|target| page_of(target, &names, &pages))) {
            items.push(OutlineItem { level, title, page });
        }
        if let Some(next) = item.get::<Dict<'_>>("Next") {
            stack.push((level, next));
        }
        if let Some(first) = item.get::<Dict<'_>>("First")
            && level < 8
        {
            stack.push((level + 1, first));
        }
        if stack.len() > MAX_OUTLINE {
            break;
        }
    }
    items
}

fn page_of(
    target: Object<'_>,
    names: &HashMap<Vec<u8>, ObjRef>,
    pages: &HashMap<ObjectIdentifier, u32>,
) -> Option<u32> {
    let reference = match target {
        Object::Array(array) => array.raw_iter().next()?.as_obj_ref()?,
        Object::String(name) => *names.get(name.as_bytes())?,
        Object::Name(name) => *names.get(name.as_str().as_bytes())?,
        Object::Dict(dict) => dict.get::<Array<'_>>("D")?.raw_iter().next()?.as_obj_ref()?,
        _ => return None,
    };
    pages.get(&reference.into()).copied()
}

/// Every named destination's page object.
fn named_destinations(catalog: &Dict<'_>) -> HashMap<Vec<u8>, ObjRef> {
    let mut names = HashMap::new();
    let destination = |object: Object<'_>| match object {
        Object::Array(array) => array.raw_iter().next()?.as_obj_ref(),
        Object::Dict(dict) => dict.get::<Array<'_>>("D")?.raw_iter().next()?.as_obj_ref(),
        _ => None,
    };
    if let Some(old) = catalog.get::<Dict<'_>>("Dests") {
        for key in old.keys().take(MAX_TREE_NODES) {
            if let Some(page) = old.get::<Object<'_>>(key.as_str()).and_then(destination) {
                names.insert(key.as_str().as_bytes().to_vec(), page);
            }
        }
    }
    let tree = catalog.get::<Dict<'_>>("Names").and_then(|names| names.get::<Dict<'_>>("Dests"));
    let mut nodes: Vec<Dict<'_>> = tree.into_iter().collect();
    let mut budget = MAX_TREE_NODES;
    while let Some(node) = nodes.pop() {
        budget = budget.saturating_sub(1);
        if budget == 0 || names.len() > MAX_TREE_NODES {
            break;
        }
        if let Some(kids) = node.get::<Array<'_>>("Kids") {
            nodes.extend(kids.iter::<Dict<'_>>());
        }
        if let Some(pairs) = node.get::<Array<'_>>("Names") {
            let mut items = pairs.flex_iter();
            while let Some(name) = items.next::<PdfString<'_>>() {
                let Some(target) = items.next::<Object<'_>>() else { break };
                if let Some(page) = destination(target) {
                    names.insert(name.as_bytes().to_vec(), page);
                }
            }
        }
    }
    names
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_strings_come_in_two_encodings() {
        assert_eq!(text_string(b"\xfe\xff\0H\0i"), "Hi");
        assert_eq!(text_string(b"caf\xe9 \x84"), "café —");
    }
}

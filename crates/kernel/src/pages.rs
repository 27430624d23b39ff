//! The viewer's pages: text with structure, and pictures of paged formats, rendered in a reader process from the bytes
//! of the very version that is cited.

use crate::error;
use crate::kernel::{House, Open};
use crate::reader::ReaderError;
use crate::view;
use base64::Engine as _;
use hearth_api::{BoxView, Error, ErrorCode, OpenedVersion, OutlineRow, PageView, Picture, Span};
use hearth_domain::{DocumentId, Kind, Page, VersionId, Words};
use hearth_store::{VersionRow, VersionState};
use std::collections::VecDeque;
use std::sync::Mutex;

/// Pictures kept in memory, at most, and their bytes together.
const KEPT: usize = 48;
const KEPT_BYTES: usize = 48 << 20;
/// Widths that are rendered: a picture serves all narrower wishes of its step.
const WIDTHS: [u32; 4] = [240, 800, 1400, 2200];
/// Places found in one version, at most.
const FOUND: usize = 200;

/// Pictures rendered lately.
#[derive(Default)]
pub(crate) struct Pages {
    kept: Mutex<VecDeque<(Key, Picture)>>,
}

type Key = (VersionId, u32, u32);

impl Pages {
    fn find(&self, key: Key) -> Option<Picture> {
        let kept = self.kept.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        kept.iter().find(|(known, _)| *known == key).map(|(_, picture)| picture.clone())
    }

    fn keep(&self, key: Key, picture: Picture) {
        let mut kept = self.kept.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        kept.retain(|(known, _)| *known != key);
        kept.push_back((key, picture));
        while kept.len() > KEPT || kept.iter().map(|(_, picture)| picture.base64.len()).sum::<usize>() > KEPT_BYTES {
            kept.pop_front();
        }
    }
}

/// Opens a version in the viewer; without one, the document's current version.
pub(crate) fn open_version(
    open: &Open,
    document: DocumentId,
    version: Option<VersionId>,
) -> Result<OpenedVersion, Error> {
    let (row, version, older, places) = open
        .store
        .read(|reader| {
            let Some(row) = reader.document(document)? else { return Ok(None) };
            let Some(version) = version.or(row.version) else { return Ok(None) };
            let Some(version) = reader.version(version)?.filter(|version| version.document == document) else {
                return Ok(None);
            };
            let places = reader.page_places(version.id)?;
            let others = reader.versions(document)?.into_iter();
            let older = others
                .filter(|other| other.number < version.number && other.state != VersionState::Pending)
                .max_by_key(|other| other.number)
                .map(|other| other.id);
            Ok(Some((row, version, older, places)))
        })
        .map_err(error::store)?
        .ok_or_else(|| error::missing("document"))?;
    let current = row.version == Some(version.id);
    let VersionRow { id, number, outline, .. } = version;
    let name = view::version_name(number, row.versions);
    let state = if current { "current" } else { "superseded" };
    Ok(OpenedVersion {
        version: id.0,
        document: document.0,
        title: row.title,
        kind: view::kind(row.kind),
        label: view::label(row.label),
        version_name: if name.is_empty() { String::new() } else { format!("{name}, {state}") },
        newer: row.version.filter(|_| !current).map(|version| version.0),
        older: older.map(|version| version.0),
        removed: row.removed_ms.is_some(),
        places: places.iter().map(|place| view::place(place, None)).collect(),
        outline: outline
            .into_iter()
            .map(|item| OutlineRow { level: item.level, title: item.title, page: item.page })
            .collect(),
    })
}

/// One page, with its picture and boxes for the spans asked for.
pub(crate) fn page(
    house: &House,
    open: &Open,
    version: VersionId,
    index: u32,
    width_px: u32,
    spans: &[Span],
) -> Result<PageView, Error> {
    let (row, kind, page) = open
        .store
        .read(|reader| {
            let Some(row) = reader.version(version)?.filter(|row| row.state != VersionState::Pending) else {
                return Ok(None);
            };
            let kind = reader.document(row.document)?.map(|document| document.kind);
            Ok(reader.page(version, index)?.zip(kind).map(|(page, kind)| (row, kind, page)))
        })
        .map_err(error::store)?
        .ok_or_else(|| error::missing("page"))?;
    let picture = match kind {
        Kind::Pdf | Kind::Picture if width_px > 0 => picture(house, open, &row, index, width_px)?,
        _ => None,
    };
    let highlights = spans.iter().map(|span| boxes(&page, span)).collect();
    Ok(PageView {
        page: index,
        place: view::place(&page.place, None),
        blocks: page.blocks.iter().map(|block| view::block(block, &page.text)).collect(),
        picture,
        highlights,
        recognized: match page.words {
            Words::Recognized { confidence } => Some(confidence),
            Words::Written | Words::Unread => None,
        },
        text: page.text,
    })
}

/// The page's picture. One that cannot be drawn (a protected file, whose password is not kept) leaves the text.
fn picture(
    house: &House,
    open: &Open,
    version: &VersionRow,
    index: u32,
    width_px: u32,
) -> Result<Option<Picture>, Error> {
    let width = WIDTHS.into_iter().find(|width| *width >= width_px).unwrap_or(2200);
    let key = (version.id, index, width);
    if let Some(picture) = open.pages.find(key) {
        return Ok(Some(picture));
    }
    let bytes = open.store.read(|reader| reader.blob(&version.hash)).map_err(error::store)?;
    let Some(bytes) = bytes else {
        return Err(Error::new(ErrorCode::Damaged, "The bytes of this version are not in the vault any more."));
    };
    match house.readers.render(bytes, None, index, width) {
        Ok(rendered) => {
            let picture = Picture {
                base64: base64::engine::general_purpose::STANDARD.encode(&rendered.png),
                width_px: rendered.width_px,
                height_px: rendered.height_px,
            };
            open.pages.keep(key, picture.clone());
            Ok(Some(picture))
        }
        Err(ReaderError::Start(why)) => {
            Err(Error::new(ErrorCode::ProcessDied, format!("The page could not be drawn: {why}.")))
        }
        Err(why) => {
            tracing::warn!(%why, "a page was not drawn");
            Ok(None)
        }
    }
}

/// Boxes of a span, joined along lines, in fractions of the page.
fn boxes(page: &Page, span: &Span) -> Vec<BoxView> {
    let Some((width, height)) = page.size_pt.filter(|(width, height)| *width > 0.0 && *height > 0.0) else {
        return Vec::new();
    };
    let (start, end) = (view::bytes(&page.text, span.start), view::bytes(&page.text, span.end));
    let mut lines: Vec<(f32, f32, f32, f32)> = Vec::new();
    for found in page.boxes.iter().filter(|found| found.range.start < end && found.range.end > start) {
        let (left, top, right, bottom) = (found.x, found.y, found.x + found.width, found.y + found.height);
        match lines.last_mut() {
            // The same line: they overlap in height by more than half, and the gap is at most a few spaces wide.
            Some(line)
                if overlap((line.1, line.3), (top, bottom)) > 0.5
                    && left > line.0
                    && left - line.2 < (bottom - top) * 3.0 =>
            {
                *line = (line.0.min(left), line.1.min(top), line.2.max(right), line.3.max(bottom));
            }
            _ => lines.push((left, top, right, bottom)),
        }
    }
    lines
        .into_iter()
        .map(|(left, top, right, bottom)| BoxView {
            x: left / width,
            y: top / height,
            width: (right - left) / width,
            height: (bottom - top) / height,
        })
        .collect()
}

/// How much of the lower of two stretches lies in the other, 0 to 1.
fn overlap(a: (f32, f32), b: (f32, f32)) -> f32 {
    let shared = a.1.min(b.1) - a.0.max(b.0);
    let least = (a.1 - a.0).min(b.1 - b.0);
    if least > 0.0 { (shared / least).max(0.0) } else { 0.0 }
}

/// Stretches of a version's text that match, whatever the case.
pub(crate) fn find(open: &Open, version: VersionId, text: &str) -> Result<Vec<Span>, Error> {
    let wanted = text.to_lowercase();
    if wanted.trim().is_empty() {
        return Ok(Vec::new());
    }
    let texts = open.store.read(|reader| reader.page_texts(version)).map_err(error::store)?;
    let mut found = Vec::new();
    for (page, text) in texts.iter().enumerate() {
        for (start, end) in matches(text, &wanted) {
            if found.len() == FOUND {
                return Ok(found);
            }
            let (start, end) = (view::utf16(text, start as u32), view::utf16(text, end as u32));
            found.push(Span { version: version.0, page: page as u32, start, end });
        }
    }
    Ok(found)
}

/// Byte ranges of `text` whose lower case is `wanted`. A line break in the text matches a space.
pub(crate) fn matches(text: &str, wanted: &str) -> Vec<(usize, usize)> {
    let mut folded = String::with_capacity(text.len());
    let mut origin = Vec::with_capacity(text.len() + 1);
    for (at, c) in text.char_indices() {
        let c = if c.is_whitespace() { ' ' } else { c };
        for lower in c.to_lowercase() {
            folded.push(lower);
            // Every byte of the folded text knows the character that it came from.
            origin.resize(folded.len(), at);
        }
    }
    origin.push(text.len());
    let mut found = Vec::new();
    let mut from = 0;
    while let Some(at) = folded.get(from..).and_then(|rest| rest.find(wanted)) {
        let (start, end) = (from + at, from + at + wanted.len());
        let first = origin.get(start).copied().unwrap_or(0);
        let last = origin.get(end).copied().unwrap_or(text.len());
        // The end is where the next character begins; one that folds to several ends where it ends.
        found.push((first, last.max(first + 1)));
        from = end;
    }
    found.retain(|(start, end)| text.is_char_boundary(*start) && text.is_char_boundary(*end));
    found
}

#[cfg(test)]
mod tests {
    use super::*;
    use hearth_domain::{Place, TextBox};

    #[test]
    fn matches_are_places_in_the_text() {
        let text = "Straße and STRASSE; İstanbul\nnet sales";
        let slices = |wanted: &str| matches(text, wanted).into_iter().map(|(a, b)| &text[a..b]).collect::<Vec<_>>();
        assert_eq!(slices("strasse"), ["STRASSE"]);
        assert_eq!(slices("straße"), ["Straße"]);
        assert_eq!(slices("stanbul net"), ["stanbul\nnet"]);
        assert_eq!(slices("nothing"), Vec::<&str>::new());
    }

    #[test]
    fn words_of_a_line_are_one_box() {
        let text_box = |start, x, y| TextBox { range: start..start + 4, x, y, width: 40.0, height: 10.0 };
        let page = Page {
            place: Place::Whole,
            text: "aaaa bbbb cccc".into(),
            blocks: Vec::new(),
            boxes: vec![text_box(0, 10.0, 10.0), text_box(5, 55.0, 10.0), text_box(10, 10.0, 24.0)],
            size_pt: Some((100.0, 100.0)),
            words: Words::Written,
        };
        let span = Span { version: 1, page: 0, start: 0, end: 14 };
        let found = boxes(&page, &span);
        assert_eq!(found.len(), 2);
        assert!((found[0].width - 0.85).abs() < 1e-6);
        assert_eq!(boxes(&page, &Span { start: 5, end: 9, ..span }).len(), 1);
    }
}

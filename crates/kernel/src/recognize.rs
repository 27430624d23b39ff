//! Scans and pictures: which pages have words that only their picture shows, who reads these, and what a person is told of
//! it. Pages are drawn by a reader process; the system's `tesseract`, where there is one, sees grey pixels and nothing else.

mod languages;
mod tesseract;

pub(crate) use tesseract::{Recognizer, how_to_install};

use crate::kernel::{House, Open};
use crate::reader::ReaderError;
use hearth_documents::{Scan, detect, recognized};
use hearth_domain::{BlobHash, Document, Kind, Page, Place, SpaceId, Warning, Words};
use hearth_store::{StoreError, VersionState};

/// Below this many percent a page's words are worth comparing with its picture.
const SURE: u8 = 75;

/// Reads a document as the reader does, then the pages of it that are pictures. `progress` hears steps done of steps in all,
/// and stops the reading by returning `false`.
pub(crate) fn read(
    house: &House,
    name: &str,
    bytes: Vec<u8>,
    password: Option<&str>,
    progress: &mut dyn FnMut(u32, u32) -> bool,
) -> Result<Document, ReaderError> {
    let may_be_scanned = matches!(detect(name, &bytes), Ok(Kind::Pdf | Kind::Picture));
    let again = if may_be_scanned { bytes.clone() } else { Vec::new() };
    let mut document = house.readers.read(name, bytes, password, progress)?;
    let unread = unread(&document);
    if !unread.is_empty() {
        match Recognizer::find(&house.config.recognizer) {
            Ok(recognizer) => pages(house, &recognizer, &mut document, &unread, again, password, progress)?,
            Err(why) => {
                let how = how_to_install();
                note(&mut document, &unread, |pages, are| {
                    let its = if are.starts_with("is") { "its" } else { "their" };
                    format!("{pages} {are}; {its} text cannot be read because {why}. {how} Then add the file again.")
                });
            }
        }
        if document.pages.iter().all(|page| page.text.trim().is_empty()) {
            return Err(ReaderError::Scanned(without_words(&document)));
        }
    }
    Ok(document)
}

/// How sure recognition was of words that are worth comparing with their picture, percent.
pub(crate) fn unsure(words: Words) -> Option<u8> {
    match words {
        Words::Recognized { confidence } => Some(confidence).filter(|confidence| *confidence < SURE),
        Words::Written | Words::Unread => None,
    }
}

/// Pages whose words were not read.
fn unread(document: &Document) -> Vec<u32> {
    let pages = document.pages.iter().enumerate();
    pages.filter(|(_, page)| page.words == Words::Unread).map(|(index, _)| index as u32).collect()
}

/// Whether a space has these very bytes already, but with scans that could not be read then and can be now.
pub(crate) fn is_readable_now(house: &House, open: &Open, space: SpaceId, hash: &BlobHash) -> Result<bool, StoreError> {
    let unread = open.store.read(|reader| match reader.version_by_hash(space, hash)? {
        Some((_, version, VersionState::Current)) => reader.has_unread_pages(version),
        _ => Ok(false),
    })?;
    Ok(unread && Recognizer::find(&house.config.recognizer).is_ok())
}

/// What a job says of the pages that could not be read.
pub(crate) fn remark(document: &Document) -> Option<String> {
    let left = unread(document);
    let about = |warning: &&Warning| !left.is_empty() && warning.page.is_none_or(|page| left.contains(&page));
    document.warnings.iter().rfind(about).map(|warning| warning.message.clone())
}

/// Has pages recognized, one after the other.
fn pages(
    house: &House,
    recognizer: &Recognizer,
    document: &mut Document,
    unread: &[u32],
    bytes: Vec<u8>,
    password: Option<&str>,
    progress: &mut dyn FnMut(u32, u32) -> bool,
) -> Result<(), ReaderError> {
    let total = unread.len() as u32;
    let (mut done, mut stopped) = (0, false);
    let mut languages: Option<String> = None;
    let mut failed: Option<String> = None;
    let written = document.language.clone();
    let outcome = house.readers.scan(bytes, password, unread, &mut |scan: Scan| {
        stopped = !progress(done, total);
        if stopped {
            return false;
        }
        // What a person waits for goes first.
        house.foreground.give_way(&|| false);
        let languages = languages.get_or_insert_with(|| recognizer.choose(&scan, written.as_deref()));
        let mut ended = || !progress(done, total);
        match recognizer.page(&scan, languages, &mut ended) {
            Ok(Some(seen)) => {
                if let Some(page) = document.pages.get_mut(scan.page as usize) {
                    let (empty, place) = (blank(), page.place.clone());
                    let whole = std::mem::replace(page, empty);
                    *page = recognized(Page { place, ..whole }, &seen, (scan.width_px, scan.height_px));
                }
            }
            Ok(None) => stopped = true,
            Err(why) => failed = Some(why),
        }
        done += 1;
        !stopped
    });
    if stopped {
        return Err(ReaderError::Cancelled);
    }
    outcome?;
    let left = self::unread(document);
    if !left.is_empty() {
        let why = failed.unwrap_or_else(|| "their picture could not be drawn".to_owned());
        note(document, &left, |pages, are| format!("{pages} {are} whose text was not recognized: {why}."));
    }
    let unsure: Vec<(u32, u8)> = document
        .pages
        .iter()
        .enumerate()
        .filter_map(|(index, page)| unsure(page.words).map(|confidence| (index as u32, confidence)))
        .collect();
    if let Some(least) = unsure.iter().map(|(_, confidence)| *confidence).min() {
        let indices: Vec<u32> = unsure.iter().map(|(index, _)| *index).collect();
        note(document, &indices, |pages, are| {
            format!(
                "{pages} {are}, and recognizing the words was uncertain ({least}% sure). Compare them with the picture."
            )
        });
    }
    Ok(())
}

fn blank() -> Page {
    Page {
        place: Place::Whole,
        text: String::new(),
        blocks: Vec::new(),
        boxes: Vec::new(),
        size_pt: None,
        words: Words::Unread,
    }
}

/// Notes a warning about pages; its words get these by name ("Page 4") and what they are ("is a scan").
fn note(document: &mut Document, pages: &[u32], say: impl Fn(&str, &str) -> String) {
    let one = pages.len() == 1;
    let (what, are) = match (document.kind, document.pages.len() == pages.len()) {
        (Kind::Picture, true) if one => ("This file".to_owned(), "is a picture"),
        (_, true) if one => ("This page".to_owned(), "is a scan"),
        (_, true) => ("All pages".to_owned(), "are scans"),
        _ => (named(pages), if one { "is a scan" } else { "are scans" }),
    };
    let page = pages.first().copied().filter(|_| one);
    document.warnings.push(Warning { page, message: say(&what, are) });
}

/// Pages by their numbers: "Pages 2, 5 to 9 and 12".
fn named(pages: &[u32]) -> String {
    let mut runs: Vec<(u32, u32)> = Vec::new();
    for &page in pages {
        match runs.last_mut() {
            Some((_, to)) if *to + 1 == page => *to = page,
            _ => runs.push((page, page)),
        }
    }
    let words: Vec<String> = runs
        .iter()
        .map(|(from, to)| if from == to { format!("{}", from + 1) } else { format!("{} to {}", from + 1, to + 1) })
        .collect();
    let noun = if pages.len() == 1 { "Page" } else { "Pages" };
    match words.split_last() {
        Some((last, [])) => format!("{noun} {last}"),
        Some((last, before)) => format!("{noun} {} and {last}", before.join(", ")),
        None => noun.to_owned(),
    }
}

/// Why a document without words comes to nothing.
fn without_words(document: &Document) -> String {
    match document.warnings.iter().rfind(|_| !unread(document).is_empty()) {
        Some(warning) => warning.message.clone(),
        None if document.kind == Kind::Picture => {
            "No words were found in this picture. Hearth keeps what can be asked about, so it is not kept.".into()
        }
        None => "The pages of this file are pictures, and no words were found in them.".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pages_are_named_in_runs() {
        assert_eq!(named(&[3]), "Page 4");
        assert_eq!(named(&[1, 4, 5, 6, 11]), "Pages 2, 5 to 7 and 12");
        assert_eq!(named(&[0, 1]), "Pages 1 to 2");
    }
}

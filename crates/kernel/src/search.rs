//! What the palette finds as a person types: passages, conversations, documents.

use crate::error;
use crate::kernel::{House, Open};
use crate::view;
use hearth_api::{DocumentHit, Error, Hits, PassageHit};
use hearth_domain::SpaceId;
use hearth_store::DocumentFilter;
use std::time::Instant;

/// A passage that scores less has nothing to do with what was typed.
const LEAST: f32 = 0.05;
/// Characters shown of a passage.
const SHOWN: usize = 160;

/// Finds what a person types.
pub(crate) fn search(house: &House, open: &Open, space: SpaceId, text: &str, limit: usize) -> Result<Hits, Error> {
    let began = Instant::now();
    let limit = limit.clamp(1, 100);
    let wanted = text.trim();
    if wanted.is_empty() {
        return Ok(Hits { passages: Vec::new(), conversations: Vec::new(), documents: Vec::new(), took_ms: 0 });
    }
    let found = crate::turn::search(house, open, space, wanted, limit)?;
    let mut terms = hearth_retrieval::terms(wanted);
    terms.extend(found.read_as.iter().map(|read| read.term.clone()));
    let mut passages = Vec::new();
    for ranked in found.ranking.passages.iter().filter(|ranked| ranked.score >= LEAST) {
        let Some(row) = found.rows.get(&ranked.candidate.passage) else { continue };
        let page = open.store.read(|reader| reader.page(row.version, row.page)).map_err(error::store)?;
        let (from, text) = window(&row.text, wanted, &terms);
        let within = page.as_ref().and_then(|page| view::within(page, row.start + from as u32));
        let page_text = page.map(|page| page.text).unwrap_or_default();
        let span = hearth_domain::Span {
            start: row.start + from as u32,
            end: row.start + (from + text.len()) as u32,
            ..row.span()
        };
        passages.push(PassageHit {
            marks: marks(text, wanted, &terms),
            text: text.to_owned(),
            document: row.document.0,
            title: row.title.clone(),
            place: view::place(&row.place, within.as_deref()),
            at: view::span(span, &page_text),
            score: ranked.score,
        });
    }
    let filter =
        DocumentFilter { space: Some(space), text: Some(wanted.to_owned()), limit, ..DocumentFilter::default() };
    let (conversations, documents) = open
        .store
        .read(|reader| Ok((reader.search_conversations(wanted, limit)?, reader.documents(&filter)?)))
        .map_err(error::store)?;
    Ok(Hits {
        passages,
        conversations: conversations
            .into_iter()
            .filter(|row| row.space == space)
            .map(crate::dispatch::conversation_row)
            .collect(),
        documents: documents
            .into_iter()
            .map(|row| DocumentHit { document: row.id.0, title: row.title, kind: view::kind(row.kind) })
            .collect(),
        took_ms: began.elapsed().as_millis() as u32,
    })
}

/// The stretch of a passage that shows most of what was typed, on character boundaries: first byte and text.
fn window<'a>(text: &'a str, wanted: &str, terms: &[String]) -> (usize, &'a str) {
    let first = places(text, wanted, terms).first().map_or(0, |(start, _)| *start);
    let mut start = first.saturating_sub(40);
    while !text.is_char_boundary(start) {
        start -= 1;
    }
    if start > 0 {
        // Begin at a word.
        start =
            text.get(start..first).and_then(|head| head.find(char::is_whitespace)).map_or(start, |at| start + at + 1);
    }
    let rest = text.get(start..).unwrap_or_default();
    let end = rest.char_indices().nth(SHOWN).map_or(rest.len(), |(at, _)| at);
    (start, rest.get(..end).unwrap_or_default().trim_end())
}

fn marks(text: &str, wanted: &str, terms: &[String]) -> Vec<(u32, u32)> {
    places(text, wanted, terms)
        .into_iter()
        .map(|(start, end)| (view::utf16(text, start as u32), view::utf16(text, end as u32)))
        .collect()
}

/// Byte ranges of the words that match: the whole of what was typed where it stands so, else its words.
fn places(text: &str, wanted: &str, terms: &[String]) -> Vec<(usize, usize)> {
    let whole = crate::pages::matches(text, &wanted.to_lowercase());
    if !whole.is_empty() {
        return whole;
    }
    let mut found = Vec::new();
    let mut start = None;
    for (at, c) in text.char_indices().chain(std::iter::once((text.len(), ' '))) {
        match (c.is_alphanumeric(), start) {
            (true, None) => start = Some(at),
            (false, Some(from)) => {
                let word = text.get(from..at).unwrap_or_default();
                if hearth_retrieval::terms(word).iter().any(|term| {
                    terms.iter().any(|typed| term == typed || (typed.len() > 2 && term.starts_with(typed.as_str())))
                }) {
                    found.push((from, at));
                }
                start = None;
            }
            _ => {}
        }
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn typed_words_are_marked() {
        let terms = hearth_retrieval::terms("corridor wid");
        let text = "keep a clear width of the corridors";
        let marked: Vec<&str> = places(text, "corridor wid", &terms).into_iter().map(|(a, b)| &text[a..b]).collect();
        assert_eq!(marked, ["width", "corridors"]);
    }

    #[test]
    fn the_window_begins_at_a_word_before_the_match() {
        let text = format!("{} target here and more", "word ".repeat(40));
        let (start, shown) = window(&text, "target", &hearth_retrieval::terms("target"));
        assert!(shown.starts_with("word") && shown.contains("target"));
        assert_eq!(&text[start..start + shown.len()], shown);
    }
}

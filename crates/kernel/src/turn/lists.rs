//! "List every ...": every statement of the documents that a question names, or of the space, that belongs to the list.

use super::exact::Taken;
use super::recall::Recalled;
use super::state::{Ended, Turn};
use super::units::{self, Exact, Read, Unit};
use crate::view::count;
use hearth_domain::{DocumentId, Span};
use hearth_retrieval::{Topic, likeness};
use std::collections::HashSet;

/// Statements that are shown; more are counted.
const MOST: usize = 300;
/// Passages of a space that are read from end to end where no document is named.
const MOST_PASSAGES: u32 = 20_000;
/// Statements that share this part of their words and all of their figures say the same.
const SAME: f32 = 0.95;
/// Of the latest statements so many are compared for saying the same.
const COMPARED: usize = 200;

/// One item with all the places that say it.
struct Item<'a> {
    unit: &'a Unit,
    spans: Vec<Span>,
    of: usize,
}

/// Every statement that belongs to the list; nothing where the documents hold none that rules can tell.
pub(super) fn every(turn: &mut Turn<'_>, recalled: &Recalled, named: &[DocumentId]) -> Result<Option<Taken>, Ended> {
    let permitted = &recalled.routed.permitted;
    let documents: Vec<DocumentId> = if named.is_empty() {
        let rows = units::all(turn, permitted)?;
        if rows.iter().map(|row| row.passages).sum::<u32>() > MOST_PASSAGES {
            return Ok(None);
        }
        rows.iter().map(|row| row.id).collect()
    } else {
        named.to_vec()
    };
    let mut titles = Vec::new();
    for document in named {
        let row = turn.open.store.read(|reader| reader.document(*document))?;
        titles.extend(row.into_iter().flat_map(|row| [row.title, row.name]));
    }
    let titles: Vec<&str> = titles.iter().map(String::as_str).collect();
    let topic = Topic::of_list(&recalled.query, &titles);
    if topic.is_empty() || documents.is_empty() {
        return Ok(None);
    }
    turn.doing(format!("Reading {} from end to end", count(documents.len(), "document", "documents")), None);
    let read = units::read(turn, permitted, &documents)?;
    let items = gather(turn, &read, &topic)?;
    if items.is_empty() {
        return Ok(None);
    }
    let (pages, statements) =
        (read.iter().map(|read| read.pages as usize).sum(), read.iter().map(|read| read.units.len()).sum());
    let about = topic.words.join(" ");
    let places: usize = items.iter().map(|item| item.spans.len()).sum();
    let whole = format!("{} read from end to end", count(pages, "page", "pages"));
    let mut exact = Exact::default();
    let shown = if items.len() > MOST { format!(", the first {MOST} shown") } else { String::new() };
    exact.heading(&format!(
        "{} on “{about}” in {}{shown}, {whole}:",
        count(items.len(), "statement", "statements"),
        count(read.len(), "document", "documents")
    ));
    let passages: Vec<_> = read.iter().flat_map(|read| read.passages.iter().cloned()).collect();
    let mut last = None;
    for item in items.iter().take(MOST) {
        let Some(read_of) = read.get(item.of) else { continue };
        if read.len() > 1 && last != Some(item.of) {
            exact.heading(&format!("{}:", read_of.row.title));
            last = Some(item.of);
        }
        exact.statement("", &item.unit.text, &item.spans, &passages);
    }
    let decision = format!(
        "Every statement was held against “{about}” by its words, by what stands above it, and by its form. {} hold it; what says the same is one item.",
        count(places, "place", "places")
    );
    Ok(Some(Taken {
        exact,
        read: format!(
            "{}, {whole}: {}",
            count(read.len(), "document", "documents"),
            count(statements, "statement", "statements")
        ),
        made: format!("{} taken word for word", count(items.len(), "statement", "statements")),
        decision,
    }))
}

fn gather<'a>(turn: &Turn<'_>, read: &'a [Read], topic: &Topic) -> Result<Vec<Item<'a>>, Ended> {
    let mut items: Vec<Item<'a>> = Vec::new();
    for (of, one) in read.iter().enumerate() {
        turn.go_on()?;
        for unit in one.units.iter().filter(|unit| topic.holds(&unit.text, &unit.above, unit.listed)) {
            let known = items.iter_mut().rev().take(COMPARED).find(|item| says_the_same(&item.unit.text, &unit.text));
            match known {
                Some(item) => item.spans.push(unit.span),
                None => items.push(Item { unit, spans: vec![unit.span], of }),
            }
        }
    }
    Ok(items)
}

/// Whether two statements are one, said twice: nearly the same words, and the same figures.
fn says_the_same(one: &str, other: &str) -> bool {
    let figures = |text: &str| -> HashSet<String> {
        hearth_retrieval::terms(text).into_iter().filter(|term| term.contains(|c: char| c.is_ascii_digit())).collect()
    };
    one == other || (likeness(one, other) >= SAME && figures(one) == figures(other))
}

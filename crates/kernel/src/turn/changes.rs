//! "What changed?": the exact difference of two versions of a document, or of two documents of which one is a later revision
//! of the other, cited on both sides. A version that answers no more is read here because it is asked about, and only here.

use super::exact::Taken;
use super::recall::Recalled;
use super::state::{Ended, Turn};
use super::units::{self, Exact, line};
use crate::compare::{self, Unit};
use crate::view::count;
use hearth_domain::{DocumentId, Page, PassageId, Span};
use hearth_policy::Standing;
use hearth_retrieval::{Called, Revision, Topic, later, likeness, names, revise, revision_number, versions_named};
use hearth_store::{DocumentRow, PassageRow, Reader, VersionRow, VersionState};
use std::cmp::Ordering;
use std::ops::Range;

/// Changes shown; more are counted.
const MOST: usize = 100;
/// Of a changed paragraph so much is shown, in bytes, where its sentences are longer.
const LONG: usize = 600;

/// One side of a comparison.
struct Side {
    document: DocumentRow,
    version: VersionRow,
    pages: Vec<Page>,
}

/// What changed between versions of the document that is meant, or between the two that are.
pub(super) fn between_versions(
    turn: &mut Turn<'_>,
    recalled: &Recalled,
    named: &[DocumentId],
) -> Result<Option<Taken>, Ended> {
    let permitted = &recalled.routed.permitted;
    let allowed: Vec<DocumentId> = named.iter().copied().filter(|id| !permitted.left_out().contains(id)).collect();
    let numbers = versions_named(&recalled.query);
    let all = units::all(turn, permitted)?;
    let files = revisions_named(&recalled.query.asked, &all, &numbers);
    let guessed = named.is_empty() && files.is_none();
    let pair = turn.open.store.read(|reader| match allowed.as_slice() {
        [one] => of_one(reader, *one, &numbers),
        [one, other, ..] => of_two(reader, *one, *other),
        [] if let Some((earlier, after)) = files => of_two(reader, earlier, after),
        // Nothing is named: what has versions and came in last.
        [] => {
            let mut several: Vec<&DocumentRow> = all.iter().filter(|row| row.versions > 1).collect();
            several.sort_by_key(|row| row.indexed_ms);
            several.last().map_or(Ok(None), |row| of_one(reader, row.id, &numbers))
        }
    })?;
    let Some((before, after)) = pair else { return Ok(None) };
    let titles = [&before.document, &after.document].map(|row| [row.title.as_str(), row.name.as_str()]).concat();
    let topic = Topic::of_changes(&recalled.query, &titles);
    // Without a document or a version that is named, a question with a topic is about something else.
    if guessed && numbers.is_empty() && !topic.is_empty() {
        return Ok(None);
    }
    differences(turn, before, after, &topic, guessed)
}

/// Two files that a question names but for what tells revisions apart: those of the numbers that it names, else the last two.
fn revisions_named(question: &str, all: &[DocumentRow], numbers: &[u32]) -> Option<(DocumentId, DocumentId)> {
    fn called(row: &DocumentRow) -> Called<'_> {
        Called { name: &row.name, created: None }
    }
    let mut of_one: Vec<&DocumentRow> = all.iter().filter(|row| names(question, &row.name)).collect();
    let last = of_one.iter().copied().max_by(|a, b| later(called(a), called(b)).unwrap_or(Ordering::Equal))?;
    of_one.retain(|row| row.id == last.id || later(called(last), called(row)) == Some(Ordering::Greater));
    of_one.sort_by(|a, b| later(called(a), called(b)).unwrap_or(Ordering::Equal));
    let numbered = |number: u32| of_one.iter().find(|row| revision_number(&row.name) == Some(number)).map(|row| row.id);
    match (numbers, of_one.as_slice()) {
        ([one, other], _) => {
            numbered(*one.min(other)).zip(numbered(*one.max(other))).filter(|(one, other)| one != other)
        }
        ([since], [.., last]) => numbered(*since).map(|one| (one, last.id)).filter(|(one, other)| one != other),
        ([], [.., before, last]) => Some((before.id, last.id)),
        _ => None,
    }
}

/// What differs between two documents that were found to be nearly the same.
pub(super) fn between_alike(
    turn: &mut Turn<'_>,
    recalled: &Recalled,
    documents: &[DocumentId],
) -> Result<Option<Taken>, Ended> {
    let [one, other] = documents else { return Ok(None) };
    if [one, other].into_iter().any(|id| recalled.routed.permitted.left_out().contains(id)) {
        return Ok(None);
    }
    let alike = turn.open.store.read(|reader| Ok(reader.alike(*one)?.iter().any(|row| row.other == *other)))?;
    let pair = if alike { turn.open.store.read(|reader| of_two(reader, *one, *other))? } else { None };
    let Some((before, after)) = pair else { return Ok(None) };
    let titles = [&before.document, &after.document].map(|row| [row.title.as_str(), row.name.as_str()]).concat();
    let topic = Topic::of_comparison(&recalled.query, &titles);
    differences(turn, before, after, &topic, false)
}

type Pair = Option<(Side, Side)>;

/// Two versions of one document: those that are named, else the last two; where it has one alone, that and the revision
/// before or after it.
fn of_one(reader: &Reader<'_>, id: DocumentId, numbers: &[u32]) -> hearth_store::Result<Pair> {
    let Some(document) = reader.document(id)?.filter(|row| row.removed_ms.is_none()) else { return Ok(None) };
    let mut versions: Vec<VersionRow> =
        reader.versions(id)?.into_iter().filter(|version| version.state != VersionState::Pending).collect();
    versions.sort_by_key(|version| version.number);
    let at = |number: u32| versions.iter().position(|version| version.number == number);
    let last = versions.len().saturating_sub(1);
    let pair = match numbers {
        [one, other, ..] => at(*one).zip(at(*other)).map(|(x, y)| (x.min(y), x.max(y))),
        [one] => at(*one).map(|x| if x == last { (x.saturating_sub(1), x) } else { (x, last) }),
        [] => Some((last.saturating_sub(1), last)),
    };
    if versions.len() < 2 {
        let alike = reader.alike(id)?;
        let revision = alike.into_iter().find(|row| row.later.is_some());
        return revision.map_or(Ok(None), |row| of_two(reader, id, row.other));
    }
    let Some((x, y)) = pair.filter(|(x, y)| x != y) else { return Ok(None) };
    let side = |at: usize| -> hearth_store::Result<Option<Side>> {
        let Some(version) = versions.get(at).cloned() else { return Ok(None) };
        let pages = reader.pages(version.id)?;
        Ok(Some(Side { document: document.clone(), version, pages }))
    };
    Ok(side(x)?.zip(side(y)?))
}

/// The versions that answer of two documents, the earlier revision first where one is.
fn of_two(reader: &Reader<'_>, one: DocumentId, other: DocumentId) -> hearth_store::Result<Pair> {
    let later = reader.alike(one)?.into_iter().find(|row| row.other == other).and_then(|row| row.later);
    let (first, second) = if later == Some(one) { (other, one) } else { (one, other) };
    let side = |id: DocumentId| -> hearth_store::Result<Option<Side>> {
        let Some(document) = reader.document(id)?.filter(|row| row.removed_ms.is_none()) else { return Ok(None) };
        let Some(version) = document.version.map(|id| reader.version(id)).transpose()?.flatten() else {
            return Ok(None);
        };
        let pages = reader.pages(version.id)?;
        Ok(Some(Side { document, version, pages }))
    };
    Ok(side(first)?.zip(side(second)?))
}

impl Side {
    /// What it is called beside the other.
    fn name(&self, other: &Side) -> String {
        let (title, same) = (&self.document.title, self.document.title == other.document.title);
        match self.document.id == other.document.id {
            true => format!("version {}", self.version.number),
            false if same => self.document.name.clone(),
            false => title.clone(),
        }
    }

    /// The words of some bytes of a page, with their span.
    fn said(&self, unit: &Unit, range: Range<usize>) -> Option<(String, Span)> {
        let (start, end) = (unit.range.start + range.start, unit.range.start + range.end);
        let text = self.pages.get(unit.page)?.text.get(start..end)?;
        let (left, right) = (text.len() - text.trim_start().len(), text.len() - text.trim_end().len());
        let span = Span {
            version: self.version.id,
            page: unit.page as u32,
            start: (start + left) as u32,
            end: (end - right) as u32,
        };
        Some((line(text), span))
    }

    /// A page as a passage of the whole of it: versions that answer no more have no passages.
    fn page(&self, at: usize) -> Option<PassageRow> {
        let page = self.pages.get(at)?;
        Some(PassageRow {
            id: PassageId(0),
            document: self.document.id,
            space: self.document.space,
            version: self.version.id,
            version_number: self.version.number,
            position: 0,
            page: at as u32,
            start: 0,
            end: page.text.len() as u32,
            text: page.text.clone(),
            context: Vec::new(),
            title: self.document.title.clone(),
            name: self.document.name.clone(),
            kind: self.document.kind,
            label: self.document.label,
            place: page.place.clone(),
        })
    }
}

/// The difference as an answer. Where nobody named the document, it must say something of the topic.
fn differences(
    turn: &mut Turn<'_>,
    before: Side,
    after: Side,
    topic: &Topic,
    guessed: bool,
) -> Result<Option<Taken>, Ended> {
    turn.doing("Comparing word for word", None);
    let labels = [&before, &after].map(|side| Standing::new(side.document.label, hearth_domain::Trust::Library));
    turn.record.takes_in(labels);
    let rows: Vec<PassageRow> =
        [&before, &after].into_iter().flat_map(|side| (0..side.pages.len()).filter_map(|at| side.page(at))).collect();
    turn.record.takes_in(rows.iter().map(super::record::standing_of));
    turn.open.store.write(|writer| writer.note_reading(turn.id, &[before.document.id, after.document.id]))?;
    let (old, new) = (compare::units(&before.pages), compare::units(&after.pages));
    let (old_texts, new_texts) = (compare::texts(&before.pages, &old), compare::texts(&after.pages, &new));
    let all = revise(&old_texts, &new_texts);
    let text = |texts: &[&str], at: usize| texts.get(at).map(|text| (*text).to_owned()).unwrap_or_default();
    let about = |revision: &&Revision| {
        let said = match revision {
            Revision::Added { after } => text(&new_texts, *after),
            Revision::Removed { before } => text(&old_texts, *before),
            Revision::Changed { before, after, .. } => {
                format!("{} {}", text(&old_texts, *before), text(&new_texts, *after))
            }
        };
        topic.is_empty() || topic.bearing(&said, &[]) >= 0.34
    };
    let found: Vec<&Revision> = all.iter().filter(about).collect();
    if guessed && found.is_empty() && !topic.is_empty() {
        return Ok(None);
    }
    let (from, to) = (before.name(&after), after.name(&before));
    let of =
        if before.document.id == after.document.id { format!("{}, ", before.document.title) } else { String::new() };
    let on = if topic.is_empty() { String::new() } else { format!(" on “{}”", topic.words.join(" ")) };
    let mut exact = Exact::default();
    if found.is_empty() {
        let others = if all.is_empty() {
            String::new()
        } else {
            format!(" {} elsewhere.", count(all.len(), "change", "changes"))
        };
        exact.note(&format!("{of}from {from} to {to}: nothing changed{on}.{others}"));
    } else {
        let shown = if found.len() > MOST { format!(", the first {MOST} shown") } else { String::new() };
        exact.heading(&format!("{of}from {from} to {to}, {}{on}{shown}:", count(found.len(), "change", "changes")));
    }
    for revision in found.iter().take(MOST) {
        let whole = |texts: &[&str], at: usize| 0..texts.get(at).map_or(0, |text| text.len());
        match revision {
            Revision::Added { after: at } => {
                let said = new.get(*at).and_then(|unit| after.said(unit, whole(&new_texts, *at)));
                put(&mut exact, "Added: ", said, &rows);
            }
            Revision::Removed { before: at } => {
                let said = old.get(*at).and_then(|unit| before.said(unit, whole(&old_texts, *at)));
                put(&mut exact, "Removed: ", said, &rows);
            }
            Revision::Changed { before: x, after: y, gone, new: came } => {
                let (was, is) = (text(&old_texts, *x), text(&new_texts, *y));
                let (mine, theirs) = narrowed((&was, gone), (&is, came));
                put(&mut exact, "Was: ", old.get(*x).and_then(|unit| before.said(unit, mine)), &rows);
                put(&mut exact, "Now: ", new.get(*y).and_then(|unit| after.said(unit, theirs)), &rows);
            }
        }
    }
    turn.record.compared = vec![before.version.id, after.version.id];
    let searched = if before.document.id == after.document.id { 1 } else { 2 };
    turn.record.searched_documents = searched;
    let units = format!("{} and {}", count(old.len(), "paragraph or row", "paragraphs and rows"), new.len());
    Ok(Some(Taken {
        exact,
        read: format!("{of}{from} and {to} compared: {units}, {}", count(all.len(), "change", "changes")),
        made: format!("{} taken word for word", count(found.len(), "change", "changes")),
        decision: "The two were laid side by side, paragraph by paragraph, row by row; running headers do not count. Of a paragraph that changed the sentences are shown that differ.".to_owned(),
    }))
}

fn put(exact: &mut Exact, lead: &str, said: Option<(String, Span)>, rows: &[PassageRow]) {
    if let Some((text, span)) = said.filter(|(text, _)| !text.is_empty()) {
        exact.statement(lead, &text, &[span], rows);
    }
}

/// Of two paragraphs that differ, the sentences that do; where one side only gained words, the sentence of the other that is
/// most like it.
fn narrowed((was, gone): (&str, &[Range<usize>]), (is, came): (&str, &[Range<usize>])) -> (Range<usize>, Range<usize>) {
    let hit = |text: &str, marks: &[Range<usize>]| -> Option<Range<usize>> {
        let all = hearth_retrieval::sentences(text);
        let in_it = |range: &&Range<usize>| marks.iter().any(|mark| mark.start < range.end && range.start < mark.end);
        let (first, last) = (all.iter().find(in_it)?, all.iter().rfind(in_it)?);
        (last.end - first.start <= LONG).then_some(first.start..last.end)
    };
    let most_like = |text: &str, other: &str| -> Range<usize> {
        let all = hearth_retrieval::sentences(text);
        let like = |range: &Range<usize>| likeness(text.get(range.clone()).unwrap_or(""), other);
        all.into_iter().max_by(|a, b| like(a).total_cmp(&like(b))).unwrap_or(0..text.len())
    };
    match (hit(was, gone), hit(is, came)) {
        (Some(mine), Some(theirs)) => (mine, theirs),
        (Some(mine), None) if came.is_empty() => {
            let theirs = most_like(is, was.get(mine.clone()).unwrap_or(""));
            (mine, theirs)
        }
        (None, Some(theirs)) if gone.is_empty() => (most_like(was, is.get(theirs.clone()).unwrap_or("")), theirs),
        _ => (0..was.len(), 0..is.len()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_a_paragraph_the_sentences_are_shown_that_differ() {
        let was = "The mill is old. The rent is 900 a month. The weir is of oak.";
        let is = "The mill is old. The rent is 950 a month. The weir is of oak.";
        let Revision::Changed { gone, new, .. } = revise(&[was], &[is]).remove(0) else { panic!("it changed") };
        let (mine, theirs) = narrowed((was, &gone), (is, &new));
        assert_eq!((&was[mine], &is[theirs]), ("The rent is 900 a month.", "The rent is 950 a month."));
        let is = "The mill is old. The rent is 900 a month, due early. The weir is of oak.";
        let Revision::Changed { gone, new, .. } = revise(&[was], &[is]).remove(0) else { panic!("it changed") };
        let (mine, theirs) = narrowed((was, &gone), (is, &new));
        assert_eq!((&was[mine], &is[theirs]), ("The rent is 900 a month.", "The rent is 900 a month, due early."));
    }
}

//! Documents read from end to end, statement by statement: sentences, items of lists, rows of tables, each with its exact
//! span and with what stands above it. No model, no ranking.

use super::permit::Permitted;
use super::record::standing_of;
use super::state::{Ended, Turn};
use crate::near::Standing;
use hearth_domain::{BlockKind, CheckState, DocumentId, Page, SentenceCheck, Span, Support, VersionId};
use hearth_store::{DocumentFilter, DocumentRow, PassageRow};

/// Documents that words such as "in the agreement" may mean, at most: more are a sort of documents, not some.
const MOST_MEANT: usize = 2;
/// Statements of one document, at most.
const MOST: usize = 50_000;

/// One statement of a document.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Unit {
    pub(super) span: Span,
    /// As one line.
    pub(super) text: String,
    /// Headings above it, outermost first; then the row that names its columns, or the line that leads in to its list.
    pub(super) above: Vec<String>,
    /// Whether it is an item of a list or a row of a table.
    pub(super) listed: bool,
}

/// A document as it was read.
pub(super) struct Read {
    pub(super) row: DocumentRow,
    pub(super) pages: u32,
    pub(super) units: Vec<Unit>,
    pub(super) passages: Vec<PassageRow>,
}

/// Reads the version that answers of each document. What the rules keep out is left out.
pub(super) fn read(turn: &mut Turn<'_>, permitted: &Permitted, documents: &[DocumentId]) -> Result<Vec<Read>, Ended> {
    let mut read = Vec::new();
    for document in documents.iter().filter(|id| !permitted.left_out().contains(*id)) {
        turn.go_on()?;
        let found = turn.open.store.read(|reader| {
            let Some(row) = reader.document(*document)?.filter(|row| row.removed_ms.is_none()) else { return Ok(None) };
            let Some(version) = row.version else { return Ok(None) };
            Ok(Some((row, version, reader.pages(version)?, reader.passages_of(version)?)))
        })?;
        let Some((row, version, pages, passages)) = found else { continue };
        turn.record.takes_in(passages.iter().map(standing_of));
        read.push(Read { row, pages: pages.len() as u32, units: units(version, &pages), passages });
    }
    let ids: Vec<DocumentId> = read.iter().map(|read| read.row.id).collect();
    turn.open.store.write(|writer| writer.note_reading(turn.id, &ids))?;
    turn.record.searched_documents = read.len() as u32;
    Ok(read)
}

/// The statements of pages, in order.
pub(super) fn units(version: VersionId, pages: &[Page]) -> Vec<Unit> {
    let mut found = Vec::new();
    let mut headings: Vec<(u8, String)> = Vec::new();
    for (at, page) in pages.iter().enumerate() {
        let (mut columns, mut lead): (Option<String>, Option<String>) = (None, None);
        for block in &page.blocks {
            let (start, end) = (block.range.start as usize, block.range.end as usize);
            let Some(text) = page.text.get(start..end) else { continue };
            let span =
                |start: usize, end: usize| Span { version, page: at as u32, start: start as u32, end: end as u32 };
            let above = |last: &Option<String>| -> Vec<String> {
                headings.iter().map(|(_, text)| text.clone()).chain(last.clone()).collect()
            };
            if !matches!(block.kind, BlockKind::Row { .. }) {
                columns = None;
            }
            match &block.kind {
                BlockKind::Furniture => {}
                BlockKind::Heading { level } => {
                    headings.retain(|(known, _)| known < level);
                    headings.push((*level, line(text)));
                    lead = None;
                }
                BlockKind::Row { header: true, .. } => columns = Some(line(text)),
                BlockKind::Row { .. } => {
                    found.push(Unit { span: span(start, end), text: line(text), above: above(&columns), listed: true });
                }
                BlockKind::Item => {
                    found.push(Unit { span: span(start, end), text: item(text), above: above(&lead), listed: true });
                }
                BlockKind::Paragraph | BlockKind::Code | BlockKind::Note => {
                    let mut last = None;
                    for range in hearth_retrieval::sentences(text) {
                        let Some(said) = text.get(range.clone()) else { continue };
                        // Plain text has its lists in paragraphs.
                        let listed = item(said).len() < line(said).len() || said.contains('\t');
                        let leads_in = said.trim_end().ends_with([':', '：']);
                        if leads_in {
                            lead = Some(line(said));
                        } else {
                            let above = above(if listed { &lead } else { &None });
                            let span = span(start + range.start, start + range.end);
                            found.push(Unit { span, text: item(said), above, listed });
                        }
                        last = Some((leads_in, listed));
                    }
                    if last.is_some_and(|(leads_in, listed)| !leads_in && !listed) {
                        lead = None;
                    }
                }
            }
            if found.len() >= MOST {
                return found;
            }
        }
    }
    found
}

/// A stretch of text as one line; cells of a row with a dot between them.
pub(super) fn line(text: &str) -> String {
    let cells = text.split('\t').map(|cell| cell.split_whitespace().collect::<Vec<_>>().join(" "));
    cells.filter(|cell| !cell.is_empty()).collect::<Vec<_>>().join(" · ")
}

/// A line without the mark that makes it an item of a list.
fn item(text: &str) -> String {
    let line = line(text);
    let bare = line.trim_start_matches(['-', '*', '•', '–', '◦', '▪', '·']).trim_start();
    bare.to_owned()
}

/// The documents that a question names: those attached, else those of its space whose title stands in it.
pub(super) fn meant(turn: &Turn<'_>, permitted: &Permitted) -> Result<Vec<DocumentId>, Ended> {
    let question = permitted.question();
    if !question.attachments.is_empty() {
        return Ok(question.attachments.clone());
    }
    let asked = hearth_retrieval::terms(&question.text);
    let named = |row: &DocumentRow| {
        let name = bare(&row.name);
        [bare(&row.title), name].into_iter().any(|title| {
            let terms = hearth_retrieval::terms(title);
            let long = terms.iter().map(|term| term.chars().count()).sum::<usize>() >= 4;
            long && asked.windows(terms.len().max(1)).any(|run| run == terms.as_slice())
        })
    };
    let rows = all(turn, permitted)?;
    let found: Vec<DocumentId> = rows.iter().filter(|row| named(row)).map(|row| row.id).collect();
    if !found.is_empty() {
        return Ok(found);
    }
    let Some(kind) = hearth_retrieval::document_named(&question.text) else { return Ok(found) };
    let standing = turn.open.store.read(|reader| Standing::of(reader, question.space))?;
    let superseded = standing.superseded(permitted.left_out());
    let is_one = |row: &&DocumentRow| {
        let said = hearth_retrieval::terms(&format!("{} {}", bare(&row.title), bare(&row.name)));
        kind.iter().all(|term| said.contains(term)) && !superseded.contains_key(&row.id)
    };
    let found: Vec<DocumentId> = rows.iter().filter(is_one).map(|row| row.id).collect();
    Ok(if found.len() <= MOST_MEANT { found } else { Vec::new() })
}

/// All documents that a question may be answered from.
pub(super) fn all(turn: &Turn<'_>, permitted: &Permitted) -> Result<Vec<DocumentRow>, Ended> {
    let filter = DocumentFilter { space: Some(permitted.question().space), ..DocumentFilter::default() };
    let rows = turn.open.store.read(|reader| reader.documents(&filter))?;
    Ok(rows.into_iter().filter(|row| row.version.is_some() && !permitted.left_out().contains(&row.id)).collect())
}

/// A name without the ending of its file.
fn bare(name: &str) -> &str {
    match name.rsplit_once('.') {
        Some((head, end)) if (1..=5).contains(&end.len()) && !head.is_empty() && !end.contains(' ') => head,
        _ => name,
    }
}

/// An answer made of statements that stand in documents, each with the spans that it was taken from.
#[derive(Default)]
pub(super) struct Exact {
    pub(super) text: String,
    /// Bytes of `text`, and the spans that they were taken from.
    taken: Vec<(std::ops::Range<usize>, Vec<Span>)>,
    /// Passages on the pages that are cited.
    pub(super) given: Vec<PassageRow>,
}

impl Exact {
    /// Adds a line of the answer's own: a heading, which claims nothing. It must end in a colon.
    pub(super) fn heading(&mut self, text: &str) {
        if !self.text.is_empty() {
            self.text.push('\n');
        }
        self.text.push_str(text);
        self.text.push('\n');
    }

    /// Adds a sentence of the answer's own, which no document says.
    pub(super) fn note(&mut self, text: &str) {
        self.text.push_str(text);
        self.text.push('\n');
    }

    /// Adds a statement on a line of its own, after words that lead in to it.
    pub(super) fn statement(&mut self, lead: &str, said: &str, spans: &[Span], of: &[PassageRow]) {
        self.text.push_str("- ");
        self.text.push_str(lead);
        let start = self.text.len();
        self.text.push_str(said);
        self.taken.push((start..self.text.len(), spans.to_vec()));
        self.text.push('\n');
        for span in spans {
            let on = of.iter().filter(|row| row.version == span.version && row.page == span.page);
            let best = on.min_by_key(|row| u32::from(row.start > span.start || row.end <= span.start));
            if let Some(row) = best
                .filter(|row| !self.given.iter().any(|known| (known.version, known.page) == (row.version, row.page)))
            {
                self.given.push(row.clone());
            }
        }
    }

    /// How many statements there are.
    pub(super) fn len(&self) -> usize {
        self.taken.len()
    }

    /// The check of each sentence: it was taken from where its statement was.
    pub(super) fn checks(&self) -> Vec<SentenceCheck> {
        let answer = self.text.trim_end();
        let sentences = hearth_retrieval::sentences(answer);
        let within = |range: &std::ops::Range<usize>| {
            self.taken.iter().find(|(taken, _)| range.start < taken.end && taken.start < range.end)
        };
        let check = |range: &std::ops::Range<usize>| {
            let (_, spans) = within(range)?;
            Some(SentenceCheck {
                range: range.start as u32..range.end as u32,
                state: CheckState::Supported,
                support: spans.iter().map(|span| Support { span: *span, score: 1.0 }).collect(),
                mismatches: Vec::new(),
            })
        };
        sentences.iter().filter_map(check).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_lose_their_endings_and_rows_become_lines() {
        assert_eq!(
            (bare("lease of the mill.docx"), bare("v1.2 of it"), bare(".txt")),
            ("lease of the mill", "v1.2 of it", ".txt")
        );
        assert_eq!(line("Acme \t bolts\n and nuts\t\t9"), "Acme · bolts and nuts · 9");
        assert_eq!(item("- Acme makes bolts."), "Acme makes bolts.");
    }

    #[test]
    fn every_sentence_of_a_statement_is_cited_and_headings_are_not() {
        let span = Span { version: VersionId(1), page: 0, start: 5, end: 40 };
        let mut exact = Exact::default();
        exact.heading("2 found, all 3 pages read:");
        exact.statement("Was: ", "The rent is due. It is high.", &[span], &[]);
        exact.statement("", "Rent", &[span], &[]);
        let checks = exact.checks();
        assert_eq!(checks.len(), 3, "{:?}", exact.text);
        assert!(checks.iter().all(|check| check.state == CheckState::Supported && check.support[0].span == span));
    }
}

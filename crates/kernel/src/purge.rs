//! Erasing for good what was removed: the document, and its words wherever answers, prompts and traces repeat them.

use crate::clock::now_ms;
use crate::error;
use crate::kernel::Open;
use crate::turn::{TurnRecord, erased};
use hearth_api::Error;
use hearth_domain::{CheckState, DocumentId, Place, Span, TurnId, VersionId};
use hearth_store::{DocumentFilter, Entry, StoreError, Writer};
use serde_json::json;
use std::collections::HashSet;

/// What stands where words were erased.
const GAP: &str = "[Erased with its document.]";

/// Erases what was removed before the vault was opened, unless it was put back meanwhile: in one transaction, with what
/// turns that had read it keep of it. Takes seconds in a large library; nothing of it is found in the meantime.
pub(crate) fn purge_removed(open: &Open, before_ms: i64) -> Result<(), Error> {
    let filter = DocumentFilter { include_removed: true, include_turn_scope: true, ..DocumentFilter::default() };
    let removed = |reader: &hearth_store::Reader<'_>| -> hearth_store::Result<Vec<DocumentId>> {
        let rows = reader.documents(&filter)?;
        Ok(rows.iter().filter(|row| row.removed_ms.is_some_and(|at| at < before_ms)).map(|row| row.id).collect())
    };
    if open.store.read(removed).map_err(error::store)?.is_empty() {
        return Ok(());
    }
    open.store
        .record_with(|writer| {
            let ids = removed(writer)?;
            for purged in writer.purge_documents(&ids)? {
                clear_details(writer, &format!("document:{}", purged.document))?;
                for turn in purged.turns {
                    rewrite(writer, turn, purged.document)?;
                }
            }
            let entry = Entry {
                at_ms: now_ms(),
                kind: "document.purged",
                sentence: format!("Erased {}", crate::view::count(ids.len(), "removed document", "removed documents")),
                subject: None,
                detail: json!({ "documents": ids }),
            };
            Ok(((), entry))
        })
        .map_err(error::store)?;
    Ok(())
}

fn rewrite(writer: &Writer<'_>, id: TurnId, document: DocumentId) -> Result<(), StoreError> {
    let Some(row) = writer.turn(id)? else { return Ok(()) };
    let mut record: TurnRecord = serde_json::from_value(row.record).unwrap_or_default();
    let answer = without(&mut record, &row.answer, document);
    let value = serde_json::to_value(&record).map_err(|error| StoreError::Invalid(error.to_string()))?;
    writer.rewrite_turn(id, &answer, &value)?;
    writer.erase_trace(id)?;
    writer.add_trace(id, &[erased()])?;
    clear_details(writer, &format!("turn:{id}"))
}

/// Details of the record that concern `subject` become tombstones.
fn clear_details(writer: &Writer<'_>, subject: &str) -> Result<(), StoreError> {
    for entry in writer.audit_for(subject)?.into_iter().filter(|entry| entry.detail.is_some()) {
        writer.purge_audit_payload(entry.seq)?;
    }
    Ok(())
}

/// Takes a document out of a turn's record, and gives the answer without it. A sentence stays only where other documents
/// bear it out wholly: any other may repeat what the model had read.
fn without(record: &mut TurnRecord, answer: &str, document: DocumentId) -> String {
    let gone: HashSet<VersionId> =
        record.sources.iter().filter(|source| source.document == document).map(|source| source.version).collect();
    let stays = |span: &Span| !gone.contains(&span.version);
    record.quotes.retain(|quote| stays(&quote.span));
    record.prompt = None;
    record.draft = None;
    record.calls.clear();
    if let Some(remote) = &mut record.remote {
        remote.text = None;
    }
    for source in record.sources.iter_mut().filter(|source| source.document == document) {
        source.title = "An erased document".into();
        source.place = Place::Whole;
        source.within = None;
    }
    if !record.checked && record.not_said.is_some() {
        return answer.to_owned(); // Hearth's own words; no model ran
    }
    record.not_said = None;
    let mut kept = String::new();
    let mut checks = Vec::new();
    for check in std::mem::take(&mut record.checks) {
        let whole = record.checked
            && check.state == CheckState::Supported
            && !check.support.is_empty()
            && check.support.iter().all(|support| stays(&support.span));
        let text = answer.get(check.range.start as usize..check.range.end as usize).filter(|_| whole);
        match text {
            Some(text) => {
                separate(&mut kept);
                let start = kept.len() as u32;
                kept.push_str(text.trim());
                checks.push(hearth_domain::SentenceCheck { range: start..kept.len() as u32, ..check });
            }
            None if !kept.ends_with(GAP) => {
                separate(&mut kept);
                kept.push_str(GAP);
            }
            None => {}
        }
    }
    if kept.is_empty() && !answer.is_empty() {
        kept.push_str(GAP);
    }
    record.checks = checks;
    kept
}

fn separate(text: &mut String) {
    if !text.is_empty() {
        text.push(' ');
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::turn::record::{QuoteRecord, SourceRecord};
    use hearth_domain::{Kind, Label, SentenceCheck, Support};

    fn source(document: i64) -> SourceRecord {
        SourceRecord {
            document: DocumentId(document),
            version: VersionId(document * 10),
            page: 0,
            title: format!("Title {document}"),
            kind: Kind::Text,
            place: Place::Section { title: format!("Heading {document}") },
            within: Some("line 3".into()),
            label: Label::Internal,
            version_number: 1,
            versions: 1,
        }
    }

    fn span(document: i64) -> Span {
        Span { version: VersionId(document * 10), page: 0, start: 0, end: 4 }
    }

    fn turn(answer: &str, states: &[(CheckState, i64)]) -> TurnRecord {
        let ranges = hearth_retrieval::sentences(answer);
        assert_eq!(ranges.len(), states.len());
        TurnRecord {
            quotes: [1, 2]
                .map(|d| QuoteRecord { source: d as u32, text: "q".into(), span: span(d), cell: None })
                .into(),
            sources: vec![source(1), source(2)],
            checked: true,
            prompt: Some("the passages".into()),
            checks: ranges
                .into_iter()
                .zip(states)
                .map(|(range, (state, document))| SentenceCheck {
                    range: range.start as u32..range.end as u32,
                    state: *state,
                    support: vec![Support { span: span(*document), score: 1.0 }],
                    mismatches: Vec::new(),
                })
                .collect(),
            ..TurnRecord::default()
        }
    }

    #[test]
    fn only_sentences_that_stand_in_other_documents_stay() {
        use CheckState::{NotFound, Supported};
        let answer = "The code is 4471. The gate is red. It rained. The key is blue.";
        let mut record = turn(answer, &[(Supported, 1), (Supported, 2), (NotFound, 2), (Supported, 1)]);
        let kept = without(&mut record, answer, DocumentId(1));
        assert_eq!(kept, format!("{GAP} The gate is red. {GAP}"));
        let range = record.checks[0].range.clone();
        assert_eq!(&kept[range.start as usize..range.end as usize], "The gate is red.");
        assert_eq!((record.checks.len(), record.quotes.len(), record.prompt.clone()), (1, 1, None));
        assert!(!serde_json::to_string(&record).unwrap().contains("Heading 1"), "names of its parts are gone too");
        assert_eq!(record.sources.len(), 2, "numbers of the others stand");
    }

    #[test]
    fn what_was_never_checked_goes_whole() {
        let mut record = TurnRecord { sources: vec![source(1)], ..TurnRecord::default() };
        assert_eq!(without(&mut record, "The code is 4471", DocumentId(1)), GAP);
        let mut nothing = TurnRecord { not_said: Some("Nothing here.".into()), ..TurnRecord::default() };
        assert_eq!(without(&mut nothing, "Nothing here.", DocumentId(1)), "Nothing here.");
    }
}

//! Station 9, Record: the turn is kept and sealed onto the chain, also when it failed. And the way back: from what is
//! kept to what the door shows.

use super::state::{Ended, Turn};
use super::trail::{Detail, STATIONS};
use crate::clock::now_ms;
use crate::error;
use crate::kernel::{House, Open};
use crate::view;
use hearth_api as api;
use hearth_api::{Outcome, RuleRef, TurnNews};
use hearth_domain::{
    CheckState, DocumentId, Kind, Label, MismatchKind, Place, SentenceCheck, Span, Trust, TurnId, VersionId,
};
use hearth_egress::provider::{Amount, Usage};
use hearth_policy::Standing;
use hearth_store::{DecisionRow, Entry, NewCitation, PassageRow, Reader, TurnRow, TurnState};
use serde::{Deserialize, Serialize};
use std::collections::HashMap;

/// What is kept of a turn besides question and answer.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct TurnRecord {
    pub(crate) quotes: Vec<QuoteRecord>,
    pub(crate) quotes_ms: Option<u32>,
    /// Sources in the order of their numbers; number 1 is the first.
    pub(crate) sources: Vec<SourceRecord>,
    pub(crate) checks: Vec<SentenceCheck>,
    /// Whether the checks were made: an answer without claims has none, and that is known.
    pub(crate) checked: bool,
    pub(crate) unused_passages: u32,
    pub(crate) searched_documents: u32,
    pub(crate) confidence: Option<hearth_retrieval::Confidence>,
    pub(crate) how: Option<api::How>,
    /// Why the model that answers does, where it is not the one for chat.
    pub(crate) route: String,
    /// What a faster model had answered before.
    pub(crate) draft: Option<DraftRecord>,
    pub(crate) not_said: Option<String>,
    pub(crate) refusal: Option<RuleRef>,
    pub(crate) error: Option<api::Error>,
    pub(crate) general: bool,
    /// Whether every statement stands word for word in its source, taken by rules and not written by a model.
    pub(crate) exact: bool,
    /// Versions that were compared because a person asked what changed: citing an old one is what was asked for.
    pub(crate) compared: Vec<VersionId>,
    /// The highest label and the lowest trust of all that was in context; none for turns from before this was kept.
    pub(crate) standing: Option<Standing>,
    /// What the model read last: its own turn's message, for the next turn's prefix and for replay.
    pub(crate) prompt: Option<String>,
    /// What was read of each part, where documents were read as wholes.
    pub(crate) parts: Vec<super::whole::PartRecord>,
    /// Each time a model was asked: what a replay repeats.
    pub(crate) calls: Vec<super::call::CallRecord>,
    /// What left for it, where a stronger model elsewhere was asked.
    pub(crate) remote: Option<RemoteRecord>,
    pub(crate) seal: Option<u64>,
}

/// What a call is for that asks a model for other words.
const OTHER_WORDS: &str = "other words";

impl TurnRecord {
    /// Who wrote other words for the question, where a model did.
    pub(crate) fn reworded_by(&self) -> Option<&str> {
        self.calls.iter().find(|call| call.of.ends_with(OTHER_WORDS)).map(|call| call.name.as_str())
    }
}

/// What left for an answer, and what came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct RemoteRecord {
    pub(crate) provider: String,
    pub(crate) name: String,
    pub(crate) model: String,
    pub(crate) host: String,
    pub(crate) residency: String,
    pub(crate) label: Label,
    pub(crate) rule: String,
    /// Of the bytes that left.
    pub(crate) sha256: String,
    /// Things that were hidden.
    pub(crate) hidden: u32,
    pub(crate) tries: u32,
    pub(crate) bytes_out: u64,
    pub(crate) bytes_in: u64,
    pub(crate) cost: Amount,
    pub(crate) usage: Option<Usage>,
    pub(crate) price_known: bool,
    /// The text that left, with its placeholders; none once a document that stood in it is erased.
    pub(crate) text: Option<String>,
    /// Why the answer made here stands.
    pub(crate) failed: Option<String>,
}

impl RemoteRecord {
    /// What the chain keeps: everything but words.
    pub(crate) fn sealed(&self) -> serde_json::Value {
        let mut value = serde_json::to_value(self).unwrap_or_default();
        if let Some(fields) = value.as_object_mut() {
            fields.remove("text");
        }
        value
    }

    fn shown(self) -> api::RemoteAnswer {
        let RemoteRecord { name, model, host, bytes_out, bytes_in, cost, label, rule, failed, .. } = self;
        let (cost, label) = (cost.to_string(), view::label(label));
        api::RemoteAnswer { name, model, host, bytes_out, bytes_in, cost, label, rule, failed }
    }
}

/// An answer that another model took the place of.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct DraftRecord {
    /// Who wrote it.
    pub(crate) model: String,
    pub(crate) answer: String,
    pub(crate) checks: Vec<SentenceCheck>,
}

/// A quote.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct QuoteRecord {
    pub(crate) source: u32,
    pub(crate) text: String,
    pub(crate) span: Span,
    /// The cell that answers, where the quote is a row of a table.
    #[serde(default)]
    pub(crate) cell: Option<CellRecord>,
}

/// A cell of a quoted row.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct CellRecord {
    pub(crate) text: String,
    pub(crate) head: String,
    pub(crate) span: Span,
}

/// A page that is cited.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct SourceRecord {
    pub(crate) document: DocumentId,
    pub(crate) version: VersionId,
    pub(crate) page: u32,
    pub(crate) title: String,
    pub(crate) kind: Kind,
    pub(crate) place: Place,
    pub(crate) within: Option<String>,
    pub(crate) label: Label,
    pub(crate) version_number: u32,
    pub(crate) versions: u32,
}

/// A passage's label, and how far it is believed: one that gives orders to a model no further than a page of the web.
pub(crate) fn standing_of(row: &PassageRow) -> Standing {
    let ordered = !hearth_policy::content::orders(&row.text).is_empty();
    Standing::new(row.label, if ordered { Trust::Web } else { Trust::Library })
}

impl TurnRecord {
    /// The highest label and the lowest trust of what was in context. A turn from before this was kept has those of its
    /// sources.
    pub(crate) fn standing(&self) -> Standing {
        let sources = self.sources.iter().map(|source| Standing::new(source.label, Trust::Library));
        self.standing.unwrap_or_else(|| Standing::of(sources))
    }

    /// Notes that these are in context from now on.
    pub(crate) fn takes_in(&mut self, parts: impl IntoIterator<Item = Standing>) {
        let before = self.standing.unwrap_or(Standing::TYPED);
        self.standing = Some(parts.into_iter().fold(before, Standing::and));
    }

    /// The number of the page that a span stands on, given the passage it is of; a new page gets the next number.
    pub(crate) fn source(&mut self, open: &Open, row: &PassageRow, span: Span) -> Result<u32, api::Error> {
        if let Some(at) =
            self.sources.iter().position(|source| source.version == span.version && source.page == span.page)
        {
            return Ok(at as u32 + 1);
        }
        let (versions, within) = open
            .store
            .read(|reader| {
                let versions = reader.document(row.document)?.map_or(1, |document| document.versions);
                Ok((versions, reader.page(span.version, span.page)?.and_then(|page| view::within(&page, span.start))))
            })
            .map_err(error::store)?;
        self.sources.push(SourceRecord { within, ..SourceRecord::of(row, versions) });
        Ok(self.sources.len() as u32)
    }

    /// Quotes and sources as the door shows them.
    pub(crate) fn shown(&self, open: &Open) -> (Vec<api::Quote>, Vec<api::Source>) {
        open.store
            .read(|reader| {
                let mut pages = PageTexts::default();
                Ok((self.quotes_shown(reader, &mut pages), self.sources_shown(reader)))
            })
            .unwrap_or_default()
    }

    /// Checked sentences and sources as the door shows them.
    pub(crate) fn checked_shown(&self, open: &Open, answer: &str) -> (Vec<api::Sentence>, Vec<api::Source>) {
        open.store
            .read(|reader| {
                let mut pages = PageTexts::default();
                Ok((self.sentences_shown(reader, &mut pages, answer), self.sources_shown(reader)))
            })
            .unwrap_or_default()
    }

    fn quotes_shown(&self, reader: &Reader<'_>, pages: &mut PageTexts) -> Vec<api::Quote> {
        let show = |quote: &QuoteRecord| {
            let QuoteRecord { source, text, span, cell } = quote;
            let at = view::span(*span, pages.text(reader, *span));
            let cell = cell.as_ref().map(|CellRecord { text, head, span }| {
                let at = view::span(*span, pages.text(reader, *span));
                api::QuotedCell { text: text.clone(), head: head.clone(), at }
            });
            api::Quote { source: *source, text: text.clone(), at, cell }
        };
        self.quotes.iter().map(show).collect()
    }

    fn sources_shown(&self, reader: &Reader<'_>) -> Vec<api::Source> {
        let show = |(at, source): (usize, &SourceRecord)| {
            let SourceRecord { document, version, page, title, kind, place, within, label, version_number, versions } =
                source;
            let row = reader.document(*document).ok().flatten().filter(|row| row.removed_ms.is_none());
            let current = row.as_ref().is_some_and(|row| row.version == Some(*version));
            let imported_ms = reader.version(*version).ok().flatten().map(|version| version.imported_ms);
            api::Source {
                number: at as u32 + 1,
                document: document.0,
                version: version.0,
                title: title.clone(),
                kind: view::kind(*kind),
                page: *page,
                place: view::place(place, within.as_deref()),
                version_name: view::version_name(*version_number, *versions),
                label: view::label(*label),
                current,
                gone: row.is_none(),
                imported_ms,
                later: row.and_then(|row| crate::near::later_revision(reader, row.id)),
                unsure: reader.page_words(*version, *page).ok().flatten().and_then(crate::recognize::unsure),
            }
        };
        self.sources.iter().enumerate().map(show).collect()
    }

    fn sentences_shown(&self, reader: &Reader<'_>, pages: &mut PageTexts, answer: &str) -> Vec<api::Sentence> {
        if !self.checked {
            return Vec::new();
        }
        let mut shown = Vec::new();
        let ranges = hearth_retrieval::sentences(answer);
        for (at, range) in ranges.iter().enumerate() {
            // With the white space after it: together they are the answer, line breaks and all.
            let end = ranges.get(at + 1).map_or(range.end, |next| next.start);
            let check = self
                .checks
                .iter()
                .find(|check| check.range.start as usize >= range.start && (check.range.start as usize) < range.end);
            let mut citations = Vec::new();
            for support in check.map(|check| check.support.as_slice()).unwrap_or_default() {
                let at = self
                    .sources
                    .iter()
                    .position(|source| source.version == support.span.version && source.page == support.span.page);
                let Some(at) = at else { continue };
                let page = pages.text(reader, support.span);
                citations.push(api::Citation {
                    source: at as u32 + 1,
                    at: view::span(support.span, page),
                    text: view::slice(page, support.span.start, support.span.end).to_owned(),
                });
            }
            let state = match check {
                Some(check) => Some(view::check_state(check.state)),
                None if self.general => Some(api::CheckState::NotFound),
                None => None,
            };
            shown.push(api::Sentence {
                start: view::utf16(answer, range.start as u32),
                end: view::utf16(answer, end as u32),
                state,
                citations,
                note: check.and_then(disagreement),
            });
        }
        shown
    }
}

/// What a check found amiss, in words.
fn disagreement(check: &SentenceCheck) -> Option<String> {
    let mismatch = check.mismatches.first()?;
    let what = match mismatch.kind {
        MismatchKind::Number => "figure",
        MismatchKind::Date => "date",
        MismatchKind::Name => "name",
        MismatchKind::Negation => "statement",
        MismatchKind::Part => {
            let source = mismatch.source.as_deref().unwrap_or("another");
            return Some(format!("The source says this of {source}, not of {}.", mismatch.answer));
        }
    };
    Some(match (&mismatch.source, check.state) {
        (Some(source), CheckState::Contradicted) => format!("The source says {source}."),
        (Some(source), _) => {
            format!("The {what} “{}” does not stand in the source; it says {source}.", mismatch.answer)
        }
        (None, _) => format!("The {what} “{}” does not stand in the source.", mismatch.answer),
    })
}

/// Texts of pages, each read once.
#[derive(Default)]
struct PageTexts(HashMap<(VersionId, u32), String>);

impl PageTexts {
    fn text(&mut self, reader: &Reader<'_>, span: Span) -> &str {
        self.0.entry((span.version, span.page)).or_insert_with(|| {
            reader.page(span.version, span.page).ok().flatten().map(|page| page.text).unwrap_or_default()
        })
    }
}

/// Keeps a turn, however it ended, and tells the windows.
pub(crate) fn record(turn: &mut Turn<'_>, ended: Ended) {
    let started = turn.trail.now();
    let (state, kind, verb) = match &ended {
        Ended::Answered => (TurnState::Answered, "turn.answered", "Answered"),
        Ended::Abstained => (TurnState::Abstained, "turn.abstained", "Found nothing on"),
        Ended::Refused(_) => (TurnState::Refused, "refused", "Refused"),
        Ended::Stopped => (TurnState::Stopped, "turn.stopped", "Stopped"),
        Ended::Failed(_) => (TurnState::Failed, "turn.failed", "Did not answer"),
    };
    match ended {
        Ended::Refused(rule) => turn.record.refusal = Some(rule),
        Ended::Failed(why) => turn.record.error = Some(why),
        _ => {}
    }
    let total_ms = turn.trail.now() as u32;
    let how = turn.record.how.get_or_insert_default();
    how.total_ms = total_ms;
    // A line in other words was read and written too, whatever came of it.
    for call in turn.record.calls.iter().filter(|call| call.of.ends_with(OTHER_WORDS)) {
        how.prompt_tokens += call.prompt_tokens;
        how.cached_tokens += call.cached_tokens;
        how.new_tokens += call.tokens.len() as u32;
    }
    turn.trail.note("Record", started, Outcome::Done, "Written and sealed", Detail::default());
    let kept = keep(turn, state, kind, verb, total_ms, false);
    if let Err(error) = kept {
        tracing::error!(%error, turn = turn.id.0, "a turn was not kept");
    }
    turn.open.turns.end(turn.id);
    crate::review::hand_over_if_wanted(turn.house, turn.open, turn.id);
    if let Some(shown) = load(turn.open, turn.id) {
        turn.tell(TurnNews::Ended { turn: Box::new(shown) });
    }
    turn.house.events.stale(&["ListConversations", "ListActivity", "GetHome", "ListMemories"]);
    turn.house.tell_status();
}

/// Keeps a turn that had ended, after a model elsewhere was asked about it, and tells the windows.
pub(crate) fn record_again(turn: &mut Turn<'_>, state: TurnState, kind: &'static str, verb: &str) {
    let started = turn.trail.now();
    let total_ms = started as u32;
    if kind == "turn.refined" {
        turn.record.how.get_or_insert_default().total_ms = total_ms;
    }
    turn.trail.note("Record", started, Outcome::Done, "Written and sealed", Detail::default());
    if let Err(error) = keep(turn, state, kind, verb, total_ms, true) {
        tracing::error!(%error, turn = turn.id.0, "a turn was not kept");
    }
    turn.open.turns.end(turn.id);
    if let Some(shown) = load(turn.open, turn.id) {
        turn.tell(TurnNews::Ended { turn: Box::new(shown) });
    }
    turn.house.events.stale(&["ListConversations", "ListActivity", "GetHome"]);
}

fn keep(
    turn: &mut Turn<'_>,
    state: TurnState,
    kind: &'static str,
    verb: &str,
    total_ms: u32,
    again: bool,
) -> hearth_store::Result<()> {
    let rows = std::mem::replace(&mut turn.trail, super::trail::Trail::new(std::time::Instant::now())).into_rows();
    debug_assert_eq!(rows.len(), STATIONS.len());
    let record = &mut turn.record;
    let citations = citations(record);
    let versions: Vec<VersionId> = record.sources.iter().map(|source| source.version).collect();
    let how = record.how.clone();
    let standing = record.standing();
    let counts = |state: CheckState| record.checks.iter().filter(|check| check.state == state).count();
    let mut detail = serde_json::json!({
        "conversation": turn.conversation, "took_ms": total_ms, "versions": versions,
        "model": how.as_ref().map(|how| &how.model), "prompt_tokens": how.as_ref().map(|how| how.prompt_tokens),
        "new_tokens": how.as_ref().map(|how| how.new_tokens), "bytes_out": how.as_ref().map_or(0, |how| how.bytes_out),
        "remote": record.remote.as_ref().map(RemoteRecord::sealed),
        "label": standing.label, "trust": standing.trust,
        "sentences": { "supported": counts(CheckState::Supported), "partly": counts(CheckState::Partly),
            "not_found": counts(CheckState::NotFound), "contradicted": counts(CheckState::Contradicted) },
        "models": super::call::models(&record.calls), "tokens_sha256": super::call::tokens_sha256(&record.calls),
        "cached_tokens": how.as_ref().map(|how| how.cached_tokens), "first_word_ms": how.as_ref().and_then(|how| how.first_word_ms),
        "about": super::trail::about(&rows),
        "rule": record.refusal.as_ref().map(|rule| &rule.name), "error": record.error.as_ref().map(|error| error.code),
        "answer_sha256": crate::import::hash(turn.answer.as_bytes()).to_string(),
    });
    let now = now_ms();
    let (sentence, subject) = (format!("{verb} “{}”", turn.question), Some(format!("turn:{}", turn.id)));
    let value = serde_json::to_value(&*record).map_err(|error| hearth_store::StoreError::Invalid(error.to_string()))?;
    let (id, answer) = (turn.id, &turn.answer);
    turn.open.store.record_with(|writer| {
        writer.finish_turn(id, state, answer, &value, &citations, now)?;
        if again {
            writer.erase_trace(id)?;
        }
        writer.add_trace(id, &rows)?;
        detail["decisions"] = writer.decisions_of(id)?.iter().map(decided).collect();
        Ok(((), Entry { at_ms: now, kind, sentence, subject, detail }))
    })?;
    Ok(())
}

/// Keeps what a running turn has come to, and notes the documents that it reads: an end in the middle of it loses neither
/// its quotes nor what a purge must find.
pub(super) fn keep_so_far(turn: &Turn<'_>, reading: &[DocumentId]) -> hearth_store::Result<()> {
    let record =
        serde_json::to_value(&turn.record).map_err(|why| hearth_store::StoreError::Invalid(why.to_string()))?;
    turn.open.store.write(|writer| {
        writer.note_reading(turn.id, reading)?;
        writer.note_answer(turn.id, &turn.answer)?;
        writer.note_record(turn.id, &record)
    })
}

/// The spans that a record quotes or finds borne out, each with the number of its source.
fn citations(record: &TurnRecord) -> Vec<NewCitation> {
    let quoted = record.quotes.iter().map(|quote| (quote.span, quote.text.clone()));
    let checked =
        record.checks.iter().flat_map(|check| check.support.iter()).map(|support| (support.span, String::new()));
    let of_page = |span: Span| {
        let is_its = |source: &SourceRecord| source.version == span.version && source.page == span.page;
        record.sources.iter().enumerate().find(|(_, source)| is_its(source))
    };
    let cited = |(span, quote): (Span, String)| {
        let (at, source) = of_page(span)?;
        Some(NewCitation { number: at as u32 + 1, span, document: source.document, quote })
    };
    quoted.chain(checked).filter_map(cited).collect()
}

/// A decision as the chain keeps it: what was asked of the rules, without any words, and what they said.
fn decided(row: &DecisionRow) -> serde_json::Value {
    let DecisionRow { id: _, at_ms, turn: _, request, outcome, rule, law } = row;
    serde_json::json!({ "at_ms": at_ms, "request": request, "outcome": outcome, "rule": rule, "law": law })
}

/// A turn as the door shows it.
pub(crate) fn load(open: &Open, id: TurnId) -> Option<api::Turn> {
    open.store.read(|reader| Ok(reader.turn(id)?.map(|row| shown(reader, row)))).ok().flatten()
}

/// A kept turn as the door shows it.
pub(crate) fn shown(reader: &Reader<'_>, row: TurnRow) -> api::Turn {
    let TurnRow {
        id,
        conversation: _,
        position: _,
        asked_ms,
        question,
        attachments,
        state,
        answer,
        record,
        replaced_by: _,
        finished_ms: _,
    } = row;
    let record: TurnRecord = serde_json::from_value(record).unwrap_or_default();
    let mut pages = PageTexts::default();
    let quotes = record.quotes_shown(reader, &mut pages);
    let sentences = record.sentences_shown(reader, &mut pages, &answer);
    let sources = record.sources_shown(reader);
    let compared = &record.compared;
    let is_outdated = |source: &&api::Source| !source.current && !compared.contains(&VersionId(source.version));
    let outdated = {
        let mut documents: Vec<i64> = sources.iter().filter(is_outdated).map(|source| source.document).collect();
        documents.dedup();
        documents
    };
    let attachments = attachments.into_iter().filter_map(|document| reader.document(document).ok().flatten());
    let TurnRecord {
        quotes_ms,
        unused_passages,
        searched_documents,
        confidence,
        how,
        not_said,
        refusal,
        error,
        general,
        remote,
        ..
    } = record;
    api::Turn {
        id: id.0,
        question,
        asked_ms,
        attachments: attachments
            .map(|row| api::AttachedDocument { document: row.id.0, title: row.title, kind: view::kind(row.kind) })
            .collect(),
        state: match state {
            TurnState::Running => api::TurnState::Running,
            TurnState::Answered => api::TurnState::Answered,
            TurnState::Abstained => api::TurnState::Abstained,
            TurnState::Refused => api::TurnState::Refused,
            TurnState::Stopped => api::TurnState::Stopped,
            TurnState::Failed => api::TurnState::Failed,
        },
        quotes,
        quotes_ms,
        answer,
        sentences,
        sources,
        unused_passages,
        searched_documents,
        confidence: match confidence {
            _ if general && matches!(state, TurnState::Answered | TurnState::Stopped) => {
                Some(api::Confidence::NoSources)
            }
            None => None,
            Some(hearth_retrieval::Confidence::High) => Some(api::Confidence::High),
            Some(hearth_retrieval::Confidence::Mixed) => Some(api::Confidence::Mixed),
            Some(hearth_retrieval::Confidence::Low) => Some(api::Confidence::Low),
        },
        how,
        not_said,
        refusal,
        error,
        outdated,
        general,
        remote: remote.map(RemoteRecord::shown),
        review: crate::review::of_turn(reader, id),
    }
}

/// Turns that ran when the last run of the program ended are kept as stopped, with the quotes and words they had.
pub(crate) fn close_interrupted(house: &House, open: &Open) -> Result<(), api::Error> {
    let rows = open.store.read(|reader| reader.running_turns()).map_err(error::store)?;
    for row in rows {
        let record: TurnRecord = serde_json::from_value(row.record.clone()).unwrap_or_default();
        let entry = Entry {
            at_ms: now_ms(),
            kind: "turn.stopped",
            sentence: format!("Stopped “{}”: Hearth ended while answering", row.question),
            subject: Some(format!("turn:{}", row.id)),
            detail: serde_json::json!({ "conversation": row.conversation }),
        };
        open.store
            .record(entry, |writer| {
                let cited = citations(&record);
                writer.finish_turn(row.id, TurnState::Stopped, &row.answer, &row.record, &cited, now_ms())
            })
            .map_err(error::store)?;
    }
    house.events.stale(&["GetConversation"]);
    Ok(())
}

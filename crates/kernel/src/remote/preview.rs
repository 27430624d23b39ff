//! Exactly what would leave: the question, the passages that the local model read and that a rule lets out, with what
//! concerns people hidden; written in the provider's format, to the byte. What is shown here is what can be sent, and
//! nothing else can.

use super::redact::{NotLookedThrough, Redactor};
use super::{Hidden, Kept, find, spend};
use crate::error;
use crate::kernel::{House, Open};
use crate::law::Sending;
use crate::turn::{Detail, TurnRecord, standing_of};
use crate::view;
use hearth_api as api;
use hearth_api::{Error, ErrorCode, RemotePiece, RemotePreview};
use hearth_domain::{CheckState, Label, PassageId, SpaceId, Trust, TurnId};
use hearth_egress::provider::{Amount, Message, Part, Question, Rate, Speaker, Written, write};
use hearth_policy::{Decision, Outcome};
use hearth_store::{PassageRow, TurnRow, TurnState};
use std::collections::{BTreeMap, BTreeSet};

/// Passages with less than this part of the best one's score are not sent.
const BESIDE: f64 = 0.4;
/// Bytes of passages that are sent, at most.
const PASSAGES_BYTES: usize = 16_000;
/// Bytes of an edited text, at most.
const TEXT_BYTES: usize = 64_000;
/// Tokens that the model may write.
const ANSWER_TOKENS: u32 = 1_024;
/// What a model elsewhere is told besides the text.
const INSTRUCTIONS: &str = "Answer the question from the numbered passages alone, in the language of the question. If they \
    do not say, say so. Write plain sentences without lists of sources. Words in square brackets such as [Person 1] stand \
    for something that was left out on purpose: use them exactly as they stand.";

/// What would leave, kept until it is sent or let go.
pub(crate) struct Preview {
    pub(crate) id: i64,
    pub(crate) turn: TurnId,
    pub(crate) provider: Kept,
    pub(crate) space: SpaceId,
    /// The text as it was shown.
    pub(crate) text: String,
    /// The request with that text.
    pub(crate) written: Written,
    /// What placeholders stand for.
    pub(crate) hidden: Vec<Hidden>,
    pub(crate) label: Label,
    pub(crate) trust: Trust,
    /// Passages that leave, with their labels as they were.
    pub(crate) passages: Vec<(PassageId, Label)>,
    /// All passages that the answer is checked against: those that the local one was.
    pub(crate) sources: Vec<PassageRow>,
    pub(crate) rate: Rate,
    pub(crate) bound: Amount,
}

impl Preview {
    /// The request to the law.
    pub(crate) fn sending(&self) -> Sending {
        sending(&self.provider, self.label, self.trust, &self.text, self.space, self.turn)
    }
}

/// What a person wants to see.
pub(crate) struct Wanted {
    pub(crate) turn: TurnId,
    pub(crate) provider: String,
    pub(crate) text: Option<String>,
    pub(crate) hide: Vec<String>,
}

/// The request to the law for a text.
pub(crate) fn sending(
    provider: &Kept,
    label: Label,
    trust: Trust,
    text: &str,
    space: SpaceId,
    turn: TurnId,
) -> Sending {
    Sending {
        provider: provider.name.clone(),
        host: provider.host(),
        residency: provider.residency.clone(),
        label,
        trust,
        text: text.to_owned(),
        space: Some(space),
        turn: Some(turn),
    }
}

/// The question as the provider's format wants it.
fn question(text: String) -> Question {
    let messages = vec![Message { speaker: Speaker::Person, parts: vec![Part::Text(text)] }];
    let system = INSTRUCTIONS.to_owned();
    Question { system, messages, tools: Vec::new(), temperature: None, max_tokens: ANSWER_TOKENS }
}

/// A turn with the passages that it was answered from.
pub(crate) fn answered(open: &Open, id: TurnId) -> Result<(TurnRow, SpaceId, Vec<PassageRow>), Error> {
    let found = open.store.read(|reader| {
        let Some(turn) = reader.turn(id)? else { return Ok(None) };
        let Some(conversation) = reader.conversation(turn.conversation)? else { return Ok(None) };
        let rows = reader.trace(id)?;
        let detail = rows.into_iter().find(|row| row.station == "Retrieve").map(|row| row.detail);
        let detail: Detail = detail.and_then(|detail| serde_json::from_value(detail).ok()).unwrap_or_default();
        let read = detail.data.get("passages").and_then(|read| read.as_array()).map(Vec::as_slice).unwrap_or_default();
        let id = |one: &serde_json::Value| Some(PassageId(one.get("passage")?.as_i64()?));
        let ids: Vec<PassageId> = read.iter().filter_map(id).collect();
        let passages = reader.passages(&ids)?;
        Ok(Some((turn, conversation.space, passages)))
    });
    found.map_err(error::store)?.ok_or_else(|| error::missing("question"))
}

/// Of the passages of a turn those that bear on the question far less than the best does: nobody needs them elsewhere.
fn beside_the_point(open: &Open, turn: TurnId) -> Result<BTreeSet<PassageId>, Error> {
    let rows = open.store.read(|reader| reader.trace(turn)).map_err(error::store)?;
    let detail = rows.into_iter().find(|row| row.station == "Retrieve").map(|row| row.detail);
    let detail: Detail = detail.and_then(|detail| serde_json::from_value(detail).ok()).unwrap_or_default();
    let read = detail.data.get("passages").and_then(|read| read.as_array()).map(Vec::as_slice).unwrap_or_default();
    let scored: Vec<(PassageId, f64)> = read
        .iter()
        .filter_map(|one| Some((PassageId(one.get("passage")?.as_i64()?), one.get("score")?.as_f64()?)))
        .collect();
    let best = scored.iter().map(|(_, score)| *score).fold(0.0, f64::max);
    Ok(scored.into_iter().filter(|(_, score)| *score < best * BESIDE).map(|(id, _)| id).collect())
}

/// Shows exactly what would leave. Sends nothing.
pub(crate) fn preview(house: &House, wanted: Wanted) -> Result<RemotePreview, Error> {
    let open = house.open()?;
    let provider = find(&open, &wanted.provider)?;
    let (turn, space, sources) = answered(&open, wanted.turn)?;
    may_refine(&turn)?;
    let record: TurnRecord = serde_json::from_value(turn.record.clone()).unwrap_or_default();
    if sources.is_empty() && !record.general {
        return Err(Error::new(
            ErrorCode::Invalid,
            "Nothing here bears on this question, so there is nothing to send.",
        )
        .hint("Add a document, or ask for general knowledge."));
    }
    let beside = beside_the_point(&open, turn.id)?;
    let (leaving, held_back) = let_out(house, &provider, &sources, &beside, space, turn.id);
    let trust = leaving.iter().map(|row| standing_of(row).trust).min().unwrap_or(Trust::User);
    // A question is as guarded as its space.
    let of_space = open.store.read(|reader| reader.space(space)).map_err(error::store)?;
    let least = of_space.map_or(Label::Internal, |row| row.label.max(Label::Internal));
    let label = leaving.iter().map(|row| row.label).fold(least, Label::max);
    let mut redactor = Redactor::new(seen(&turn.question, &leaving));
    let laid = lay_out(&mut redactor, &turn.question, &leaving, &wanted.hide).map_err(not_looked_through)?;
    let laid = match wanted.text {
        Some(edited) => edit(&mut redactor, edited, &wanted.hide, label)?,
        None => laid,
    };
    let text = laid.text;
    let written = write(&provider.without_key(), &question(text.clone()));
    let rate = provider.rate()?;
    let bound = rate.price.bound(written.body.len(), ANSWER_TOKENS);
    let preview = Preview {
        id: 0,
        turn: turn.id,
        space,
        written,
        hidden: redactor.hidden.clone(),
        label,
        trust,
        passages: leaving.iter().map(|row| (row.id, row.label)).collect(),
        sources,
        rate,
        bound,
        provider,
        text,
    };
    let decision = house.law.may_send(preview.sending());
    let refusal = refusal(&open, &preview, &decision)?;
    let mut shown = show(&preview, &decision, refusal, &redactor);
    shown.why = why(&turn, &record);
    shown.pieces = laid.pieces;
    shown.held_back = held_back;
    shown.id = open.remote.put(preview);
    Ok(shown)
}

/// A turn that ended, and not by a rule: the local model always writes first.
pub(crate) fn may_refine(turn: &TurnRow) -> Result<(), Error> {
    let wrong = match turn.state {
        TurnState::Running => "This question is still being answered here.",
        TurnState::Refused => "A rule refused this question.",
        _ if turn.replaced_by.is_some() => "Another answer has taken the place of this one.",
        _ => return Ok(()),
    };
    Err(Error::new(ErrorCode::Invalid, wrong))
}

fn not_looked_through(_: NotLookedThrough) -> Error {
    Error::new(ErrorCode::Denied, "This text could not be looked through for personal data, so it is not sent.")
        .hint("The answer made here stands.")
}

/// All text that placeholders may not be mistaken for. What a person edited is not among it: it holds those of the
/// preview before, which are made again in the same order.
fn seen(question: &str, leaving: &[&PassageRow]) -> String {
    let passages = leaving.iter().map(|row| row.text.as_str());
    std::iter::once(question).chain(passages).collect::<Vec<_>>().join("\n")
}

/// Passages that may leave, in their order, and what is held back with the rule that holds it.
fn let_out<'a>(
    house: &House,
    provider: &Kept,
    rows: &'a [PassageRow],
    beside: &BTreeSet<PassageId>,
    space: SpaceId,
    turn: TurnId,
) -> (Vec<&'a PassageRow>, Vec<api::HeldBack>) {
    let labels: BTreeSet<Label> = rows.iter().map(|row| row.label).collect();
    let decisions: BTreeMap<Label, Decision> = labels
        .into_iter()
        .map(|label| (label, house.law.might_send(sending(provider, label, Trust::Library, "", space, turn))))
        .collect();
    let (mut leaving, mut held): (Vec<&PassageRow>, Vec<api::HeldBack>) = (Vec::new(), Vec::new());
    let mut bytes = 0;
    for row in rows {
        // Where nothing at all may be sent the whole is shown, with the rule that refuses it.
        let refused = decisions.get(&row.label).filter(|decision| decision.outcome == Outcome::Deny);
        let refused = refused.filter(|_| {
            decisions.values().any(|decision| decision.outcome != Outcome::Deny) || row.label > Label::Internal
        });
        let why = match refused {
            Some(decision) => format!("By rule {}: {}", decision.rule.number, decision.rule.sentence),
            None if beside.contains(&row.id) => "It hardly bears on the question.".to_owned(),
            None if bytes + row.text.len() > PASSAGES_BYTES && bytes > 0 => {
                "There is no room for more text.".to_owned()
            }
            None => {
                bytes += row.text.len();
                leaving.push(row);
                continue;
            }
        };
        match held.iter_mut().find(|one| one.title == row.title && one.why == why) {
            Some(one) => one.passages += 1,
            None => {
                let (title, label) = (row.title.clone(), view::label(row.label));
                held.push(api::HeldBack { title, label, passages: 1, why });
            }
        }
    }
    (leaving, held)
}

struct Laid {
    text: String,
    pieces: Vec<RemotePiece>,
}

/// The text with everything hidden, and where its pieces stand. Titles and places stay here.
fn lay_out(
    redactor: &mut Redactor,
    question: &str,
    leaving: &[&PassageRow],
    hide: &[String],
) -> Result<Laid, NotLookedThrough> {
    let (mut text, mut places) = (String::new(), Vec::new());
    for (at, row) in leaving.iter().enumerate() {
        text.push_str(&format!("[{}]\n", at + 1));
        let start = text.len();
        text.push_str(&redactor.hide(row.text.trim(), hide)?);
        let name = format!("Passage {} of {}", at + 1, leaving.len());
        places.push((name, row.title.clone(), row.label, start, text.len()));
        text.push_str("\n\n");
    }
    text.push_str("Question: ");
    let start = text.len();
    text.push_str(&redactor.hide(question.trim(), hide)?);
    places.push(("Question".to_owned(), String::new(), Label::Internal, start, text.len()));
    // What shows only when all stands together is found now; the pieces then lose their places.
    let whole = redactor.hide(&text, hide)?;
    if whole != text {
        return Ok(one_piece(
            whole,
            "Question and passages",
            leaving.iter().map(|row| row.label).fold(Label::Internal, Label::max),
        ));
    }
    let pieces = places.into_iter().map(|(name, title, label, start, end)| RemotePiece {
        name,
        title,
        label: view::label(label),
        start: view::utf16(&text, start as u32),
        end: view::utf16(&text, end as u32),
    });
    Ok(Laid { pieces: pieces.collect(), text: text.clone() })
}

fn one_piece(text: String, name: &str, label: Label) -> Laid {
    let end = view::utf16(&text, text.len() as u32);
    let piece = RemotePiece { name: name.to_owned(), title: String::new(), label: view::label(label), start: 0, end };
    Laid { text, pieces: vec![piece] }
}

/// The text as a person edited it, looked through like any: what a rule hides cannot be taken back.
fn edit(redactor: &mut Redactor, edited: String, hide: &[String], label: Label) -> Result<Laid, Error> {
    if edited.trim().is_empty() || edited.len() > TEXT_BYTES {
        return Err(Error::new(
            ErrorCode::Invalid,
            format!("A text that leaves has between 1 and {TEXT_BYTES} bytes."),
        ));
    }
    let text = redactor.hide(&edited, hide).map_err(not_looked_through)?;
    Ok(one_piece(text, "As you edited it", label))
}

/// Why it cannot be sent, if it cannot.
fn refusal(open: &Open, preview: &Preview, decision: &Decision) -> Result<Option<String>, Error> {
    if decision.outcome == Outcome::Deny {
        return Ok(Some(format!("Rule {}: {}", decision.rule.number, decision.rule.sentence)));
    }
    if let Some(seconds) = open.remote.resting_s(&preview.provider.id) {
        let name = &preview.provider.name;
        return Ok(Some(format!("{name} failed several times in a row and is left alone for {seconds} more seconds.")));
    }
    spend::over(open, Some(preview.space), preview.bound)
}

fn show(preview: &Preview, decision: &Decision, refusal: Option<String>, redactor: &Redactor) -> RemotePreview {
    let Preview { provider, text, written, .. } = preview;
    let used: Vec<&Hidden> = redactor.hidden.iter().filter(|hidden| text.contains(&hidden.placeholder)).collect();
    let mut kinds: Vec<api::HiddenKind> = Vec::new();
    for hidden in &used {
        match kinds.iter_mut().find(|known| known.kind == hidden.kind) {
            Some(known) => known.count += 1,
            None => kinds.push(api::HiddenKind { kind: hidden.kind.clone(), count: 1 }),
        }
    }
    let places = redactor.placeholders(text).into_iter().filter_map(|(start, end)| {
        let hidden = used.iter().find(|hidden| text.get(start..end) == Some(hidden.placeholder.as_str()))?;
        Some(api::Redaction {
            placeholder: hidden.placeholder.clone(),
            kind: hidden.kind.clone(),
            by_rule: hidden.by_rule,
            start: view::utf16(text, start as u32),
            end: view::utf16(text, end as u32),
        })
    });
    RemotePreview {
        id: preview.id,
        turn: preview.turn.0,
        provider: provider.id.clone(),
        name: provider.name.clone(),
        model: provider.model.clone(),
        host: provider.host(),
        residency: provider.residency.clone(),
        keeps: provider.keeps.clone(),
        why: String::new(),
        instructions: INSTRUCTIONS.to_owned(),
        text: text.clone(),
        pieces: Vec::new(),
        redactions: places.collect(),
        hidden: kinds,
        held_back: Vec::new(),
        body: String::from_utf8_lossy(&written.body).into_owned(),
        sha256: written.hash.to_string(),
        label: view::label(preview.label),
        tokens: (written.body.len() / 4) as u32,
        cost: match preview.bound {
            Amount(0) => "Nothing".to_owned(),
            bound => format!("At most {bound}"),
        },
        price_source: preview.rate.source.clone(),
        rule: (decision.outcome != Outcome::Allow).then(|| crate::law::rule(&decision.rule)),
        refusal,
    }
}

/// Why what was written here may not be enough.
fn why(turn: &TurnRow, record: &TurnRecord) -> String {
    let model = record.how.as_ref().map(|how| how.model.as_str()).filter(|model| !model.is_empty());
    let model = model.unwrap_or("The model here");
    let all = record.checks.len();
    let good = record.checks.iter().filter(|check| check.state == CheckState::Supported).count();
    match turn.state {
        TurnState::Failed => format!("{model} did not finish its answer."),
        TurnState::Stopped => format!("{model} was stopped."),
        TurnState::Abstained => format!("{model} found no answer in the passages."),
        _ if all == 0 => "Nothing of the answer made here could be checked.".to_owned(),
        _ if good == all => "Every sentence written here matches its source. You asked for another model.".to_owned(),
        _ => format!(
            "{model} wrote {}, of which {good} {} the sources.",
            view::count(all, "sentence", "sentences"),
            if good == 1 { "matches" } else { "match" }
        ),
    }
}

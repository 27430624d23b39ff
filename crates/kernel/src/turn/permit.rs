//! Stations 1 and 2, Admit and Label: the only place where a [`Permitted`] can be made.

use super::state::{Ended, Turn};
use super::trail::Detail;
use hearth_api::{Grounding, Outcome};
use hearth_domain::{DocumentId, Label, SpaceId, Trust};
use hearth_policy::{Decision, Outcome as Ruling, Standing};
use hearth_retrieval::Exchange;
use hearth_store::DocumentFilter;

/// A question as it came in.
pub(crate) struct Question {
    pub(crate) space: SpaceId,
    pub(crate) text: String,
    pub(crate) attachments: Vec<DocumentId>,
    pub(crate) grounding: Grounding,
}

/// A question that the rules let through, with what they saw.
pub(crate) struct Permitted {
    question: Question,
    label: Label,
    decision: Decision,
    history: Vec<Exchange>,
}

impl Permitted {
    pub(crate) fn question(&self) -> &Question {
        &self.question
    }
    pub(crate) fn label(&self) -> Label {
        self.label
    }
    pub(crate) fn decision(&self) -> &Decision {
        &self.decision
    }
    pub(crate) fn history(&self) -> &[Exchange] {
        &self.history
    }
}

/// May this person ask this of these sources?
pub(crate) fn permit(turn: &mut Turn<'_>, question: Question) -> Result<Permitted, Ended> {
    let started = turn.trail.now();
    let history = history(turn)?;
    let sentence = match question.attachments.len() {
        0 => "One question".to_owned(),
        n => format!("One question, {}", crate::view::count(n, "document", "documents")),
    };
    let labelled = turn.trail.now();
    let label = highest_label(turn, &question)?;
    let space = turn.open.store.read(|reader| reader.space(question.space))?;
    // A question has at least the label of its space.
    turn.record.takes_in(space.map(|space| Standing::new(space.label, Trust::User)));
    let decision = turn.house.law.may_answer(&question.text, label, question.space, turn.id);
    let refusal = (decision.outcome != Ruling::Allow).then(|| crate::law::rule(&decision.rule));
    let outcome = if refusal.is_some() { Outcome::Refused } else { Outcome::Done };
    let detail = Detail {
        aside: format!("rule {}", decision.rule.number),
        decision: Some(decision.rule.sentence.clone()),
        record: Some(turn.house.law.text(&decision.rule)),
        data: serde_json::json!({ "request": "answer", "outcome": format!("{:?}", decision.outcome).to_lowercase(),
            "rule": { "number": decision.rule.number, "name": decision.rule.name, "sentence": decision.rule.sentence } }),
        ..Detail::default()
    };
    turn.trail.note("Admit", started, outcome, sentence, detail);
    let word = crate::law::label_name(label);
    let labels = Detail { data: serde_json::json!({ "label": label }), ..Detail::default() };
    turn.trail.note("Label", labelled, Outcome::Done, format!("Highest label in reach is {word}"), labels);
    if let Some(rule) = refusal {
        return Err(Ended::Refused(rule));
    }
    Ok(Permitted { question, label, decision, history })
}

/// Earlier questions of the conversation with their answers, oldest first.
fn history(turn: &Turn<'_>) -> Result<Vec<Exchange>, Ended> {
    let rows = turn.open.store.read(|reader| reader.turns(turn.conversation))?;
    Ok(rows
        .into_iter()
        .filter(|row| row.id != turn.id && row.replaced_by.is_none() && row.id.0 < turn.id.0)
        .map(|row| Exchange { question: row.question, answer: row.answer })
        .collect())
}

/// A turn's label is the highest of what it may read.
fn highest_label(turn: &Turn<'_>, question: &Question) -> Result<Label, Ended> {
    let highest = turn.open.store.read(|reader| {
        let mut highest = reader.space(question.space)?.map_or(Label::Public, |space| space.label);
        if question.grounding == Grounding::General {
            return Ok(highest.max(Label::Internal));
        }
        for label in Label::ALL.into_iter().rev().filter(|label| *label > highest) {
            let filter = DocumentFilter {
                space: Some(question.space),
                labels: vec![label],
                include_turn_scope: true,
                limit: 1,
                ..DocumentFilter::default()
            };
            if !reader.documents(&filter)?.is_empty() {
                highest = label;
                break;
            }
        }
        Ok(highest)
    })?;
    Ok(highest)
}

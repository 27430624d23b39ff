//! Stations 1 and 2, Admit and Label: the only place where a [`Permitted`] can be made.

use super::state::{Ended, Turn};
use super::trail::Detail;
use hearth_api::{Grounding, Outcome};
use hearth_domain::{DocumentId, Label, SpaceId, Trust};
use hearth_policy::{Decision, Outcome as Ruling, RuleRef, Standing};
use hearth_retrieval::Exchange;
use hearth_store::DocumentFilter;
use std::collections::BTreeSet;

/// A question as it came in.
pub(crate) struct Question {
    pub(crate) space: SpaceId,
    pub(crate) text: String,
    pub(crate) attachments: Vec<DocumentId>,
    pub(crate) grounding: Grounding,
    /// The one model that it is put to, where that is not the route's to say.
    pub(crate) only: Option<super::Only>,
}

/// A question that the rules let through, with what they saw.
pub(crate) struct Permitted {
    question: Question,
    label: Label,
    decision: Decision,
    history: Vec<Exchange>,
    reach: Reach,
}

/// What a question may be answered from.
struct Reach {
    /// The highest label of it.
    label: Label,
    /// Documents that a rule keeps out of answers.
    left_out: BTreeSet<DocumentId>,
    /// The labels of those, each with its rule.
    rules: Vec<(Label, RuleRef)>,
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
    pub(crate) fn left_out(&self) -> &BTreeSet<DocumentId> {
        &self.reach.left_out
    }
    /// What is kept out of this answer, and by which rule, in sentences.
    pub(crate) fn withheld(&self) -> Vec<String> {
        let said = |(label, rule): &(Label, RuleRef)| {
            let label = crate::law::label_name(*label);
            format!("What is {label} is kept out of this answer by rule {}: {}", rule.number, rule.sentence)
        };
        self.reach.rules.iter().map(said).collect()
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
    let reach = reach(turn, &question)?;
    let label = reach.label;
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
    let permitted = Permitted { question, label, decision, history, reach };
    let withheld = permitted.withheld();
    let labels = Detail { decision: (!withheld.is_empty()).then(|| withheld.join(" ")), ..labels };
    turn.trail.note("Label", labelled, Outcome::Done, format!("Highest label in reach is {word}"), labels);
    if let Some(rule) = refusal {
        return Err(Ended::Refused(rule));
    }
    Ok(permitted)
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

/// What a question may be answered from: the rules are asked once for each label that there is. Its own label is the
/// highest of those that they let in.
fn reach(turn: &Turn<'_>, question: &Question) -> Result<Reach, Ended> {
    let least = turn.open.store.read(|reader| reader.space(question.space))?.map_or(Label::Public, |row| row.label);
    let mut reach = Reach { label: least, left_out: BTreeSet::new(), rules: Vec::new() };
    if question.grounding == Grounding::General {
        reach.label = least.max(Label::Internal);
        return Ok(reach);
    }
    for label in Label::ALL.into_iter().rev() {
        let of_label = |limit: usize| {
            let filter = DocumentFilter {
                space: Some(question.space),
                labels: vec![label],
                include_turn_scope: true,
                limit,
                ..DocumentFilter::default()
            };
            turn.open.store.read(|reader| reader.documents(&filter))
        };
        if of_label(1)?.is_empty() {
            continue;
        }
        let decision = turn.house.law.may_use(label, question.space, turn.id);
        if decision.outcome == Ruling::Allow {
            reach.label = reach.label.max(label);
        } else {
            reach.left_out.extend(of_label(usize::MAX)?.into_iter().map(|row| row.id));
            reach.rules.push((label, decision.rule));
        }
    }
    Ok(reach)
}

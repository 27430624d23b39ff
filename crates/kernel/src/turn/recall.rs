//! Station 4, Recall: what was remembered and bears on the question. Only kept memories of this space or of everywhere.

use super::route::Routed;
use super::state::{Ended, Turn};
use super::trail::Detail;
use crate::clock::now_ms;
use hearth_api::Outcome;
use hearth_domain::{Label, Trust};
use hearth_policy::{Outcome as Ruling, Standing};
use hearth_retrieval::{Query, understand};
use hearth_store::{MemoryRow, MemoryState};
use std::collections::BTreeSet;

/// Memories in one prompt, at most.
const MOST: usize = 5;

/// A routed question, understood, with the memories that bear on it.
pub(crate) struct Recalled {
    pub(crate) routed: Routed,
    pub(crate) query: Query,
    pub(crate) memories: Vec<MemoryRow>,
}

/// Reads the question in the light of its conversation and finds what is remembered about it.
pub(crate) fn recall(turn: &mut Turn<'_>, routed: Routed) -> Result<Recalled, Ended> {
    let started = turn.trail.now();
    let question = routed.permitted.question();
    let query = understand(&question.text, routed.permitted.history());
    let now = now_ms();
    let kept = turn.open.store.read(|reader| reader.memories(Some(question.space), false))?;
    let mut scored: Vec<(f32, MemoryRow)> = kept
        .into_iter()
        .filter(|memory| memory.state == MemoryState::Kept && memory.expires_ms.is_none_or(|ends| ends > now))
        .map(|memory| (bearing(&memory.text, &query), memory))
        .filter(|(score, _)| *score > 0.0)
        .collect();
    let labels: BTreeSet<Label> = scored.iter().map(|(_, memory)| memory.label).collect();
    let (space, mut kept_out) = (question.space, Vec::new());
    for label in labels {
        let decision = turn.house.law.may_recall(label, space, turn.id);
        if decision.outcome != Ruling::Allow {
            scored.retain(|(_, memory)| memory.label != label);
            kept_out.push(format!("Rule {} keeps memories out: {}", decision.rule.number, decision.rule.sentence));
        }
    }
    scored.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.id.cmp(&b.1.id)));
    let memories: Vec<MemoryRow> = scored.into_iter().take(MOST).map(|(_, memory)| memory).collect();
    if !memories.is_empty() {
        turn.open.store.write(|writer| memories.iter().try_for_each(|memory| writer.touch_memory(memory.id, now)))?;
    }
    turn.record.takes_in(memories.iter().map(|memory| Standing::new(memory.label, Trust::User)));
    let sentence = match memories.len() {
        0 => "No memory bears on this".to_owned(),
        n => format!("{} used", crate::view::count(n, "memory", "memories")),
    };
    let detail = Detail {
        decision: (!kept_out.is_empty()).then(|| kept_out.join(" ")),
        weighed: memories.iter().map(|memory| memory.text.clone()).collect(),
        data: serde_json::json!({ "memories": memories.iter().map(|memory| memory.id).collect::<Vec<_>>(), "understood_as": query.text, "follow_up": query.follow_up }),
        ..Detail::default()
    };
    let outcome = if memories.is_empty() { Outcome::Skipped } else { Outcome::Done };
    turn.trail.note("Recall", started, outcome, sentence, detail);
    Ok(Recalled { routed, query, memories })
}

/// The weight of the question's terms that a memory holds; short standing instructions ("Write dates day first") bear on
/// every question.
fn bearing(memory: &str, query: &Query) -> f32 {
    const STANDING: [&str; 8] = ["always", "never", "write", "use", "answer", "prefer", "call", "keep"];
    let terms = hearth_retrieval::terms(memory);
    let held = |term: &&hearth_retrieval::QueryTerm| {
        terms.iter().any(|own| *own == term.text || term.prefix && own.starts_with(&term.text))
    };
    let shared: f32 = query.terms.iter().filter(held).map(|term| term.weight).sum();
    let first = memory.split_whitespace().next().unwrap_or_default().to_lowercase();
    if STANDING.contains(&first.as_str()) { shared + 0.1 } else { shared }
}

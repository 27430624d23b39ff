//! Questions that are answered from documents word for word: every statement of a kind, two documents side by side, what
//! changed. They are read from end to end by rules; no model writes, so none can overlook or make up anything.

use super::recall::Recalled;
use super::state::{Ended, Turn};
use super::trail::Detail;
use super::units::{self, Exact};
use super::{changes, lists, sides};
use hearth_api::{Grounding, How, Outcome, TurnNews};
use hearth_retrieval::{Ask, asks_what_changed, wants_all};

/// An answer taken from documents, with what the stations say of it.
pub(super) struct Taken {
    pub(super) exact: Exact,
    /// What was read, for Retrieve.
    pub(super) read: String,
    /// What was made of it, for Generate.
    pub(super) made: String,
    pub(super) decision: String,
}

/// Answers where the question asks for such a thing and the documents are there. Says whether it did.
pub(super) fn answer_if_asked(turn: &mut Turn<'_>, recalled: &Recalled) -> Result<bool, Ended> {
    let permitted = &recalled.routed.permitted;
    if permitted.question().grounding == Grounding::General || recalled.query.kind == Ask::Chat {
        return Ok(false);
    }
    let started = turn.trail.now();
    let documents = units::meant(turn, permitted)?;
    let taken = if asks_what_changed(&recalled.query) {
        changes::between_versions(turn, recalled, &documents)?
    } else if recalled.query.kind == Ask::Compare && (2..=4).contains(&documents.len()) {
        match changes::between_alike(turn, recalled, &documents)? {
            Some(taken) => Some(taken),
            None => sides::side_by_side(turn, recalled, &documents)?,
        }
    } else if wants_all(&recalled.query) {
        lists::every(turn, recalled, &documents)?
    } else {
        None
    };
    let Some(taken) = taken.filter(|taken| !taken.exact.text.is_empty()) else { return Ok(false) };
    let detail = |decision: String| Detail { decision: Some(decision), ..Detail::default() };
    let data = serde_json::json!({ "statements": taken.exact.len() });
    let note = Detail { data, ..detail(taken.decision.clone()) };
    turn.trail.note("Retrieve", started, Outcome::Done, taken.read, note);
    let now = turn.trail.now();
    turn.trail.note("Generate", now, Outcome::Skipped, taken.made, detail("No model was asked.".to_owned()));
    turn.answer = taken.exact.text.trim_end().to_owned();
    turn.record.exact = true;
    turn.record.how = Some(How {
        first_word_ms: Some(turn.trail.now() as u32),
        route: "Taken word for word from the documents by rules; no model wrote this.".to_owned(),
        ..How::default()
    });
    turn.tell(TurnNews::Words { text: turn.answer.clone() });
    super::verify::taken(turn, &taken.exact)?;
    Ok(true)
}

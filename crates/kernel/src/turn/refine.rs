//! An answer written anew behind the one on screen: by the model that has the part, where a faster one drafted in time; from
//! more passages, or by a stronger model, where what was written is hardly borne out. Whatever goes wrong meanwhile, or is no
//! better, leaves the first answer, which stays in the trace in any case.

use super::again::{checked, is_better};
use super::call::{Asked, CallRecord};
use super::record::{DraftRecord, TurnRecord};
use super::retrieve::Grounded;
use super::state::{Ended, Turn};
use crate::models::Installed;
use hearth_api::Outcome;

/// Why an answer is written anew.
pub(crate) enum Anew {
    /// A faster model drafted it.
    Refined { model: Installed },
    /// Another look brought more passages.
    Passages { said: String },
    /// Little of it was borne out, and a stronger model is here.
    Stronger { model: Installed },
}

impl Anew {
    /// What is told meanwhile.
    fn doing(&self) -> String {
        match self {
            Anew::Refined { model } => format!("Refining with {}", model.name),
            Anew::Passages { .. } => "Answering again from more passages".to_owned(),
            Anew::Stronger { model } => format!("Checking with {}", model.name),
        }
    }

    fn who(&self, first: &str) -> String {
        match self {
            Anew::Refined { model } | Anew::Stronger { model } => model.name.clone(),
            Anew::Passages { .. } => first.to_owned(),
        }
    }

    /// Whether the new answer stands whatever the checks say.
    fn stands(&self) -> bool {
        matches!(self, Anew::Refined { .. })
    }
}

/// Lets an answer be written anew by `write`. `ended` is how the first one ended; `before` is the record as it was when that
/// began.
pub(crate) fn anew(
    turn: &mut Turn<'_>,
    grounded: &mut Grounded,
    plan: Anew,
    before: TurnRecord,
    ended: Result<(), Ended>,
    write: impl FnOnce(&mut Turn<'_>, &mut Grounded) -> Result<(), Ended>,
) -> Result<(), Ended> {
    // An end in the middle of it leaves the first.
    let (id, answer) = (turn.id, turn.answer.clone());
    turn.open.store.write(|writer| writer.note_answer(id, &answer))?;
    let seconds = crate::view::seconds(turn.trail.now() as u32);
    let first = std::mem::replace(&mut turn.record, TurnRecord { calls: Vec::new(), ..before });
    turn.answer.clear();
    let trail = turn.trail.clone();
    let how = first.how.clone().unwrap_or_default();
    let name = plan.who(&how.model);
    turn.behind = Some(plan.doing());
    turn.doing("", None);
    if let Anew::Refined { model } | Anew::Stronger { model } = &plan {
        grounded.recalled.routed.choice.only(model.clone());
    }
    let again = write(turn, grounded);
    turn.behind = None;
    let over = matches!(again, Ok(()) | Err(Ended::Abstained));
    if over && (plan.stands() || is_better(&first, &turn.record)) {
        let (drafted, said) = match &plan {
            Anew::Refined { .. } => {
                ("Draft", format!("{} drafted this in {seconds}, and {name} wrote it anew.", how.model))
            }
            Anew::Passages { said } => ("Before", said.clone()),
            Anew::Stronger { .. } => {
                let said = format!("Little of what {} wrote was borne out, and {name} wrote it anew.", how.model);
                ("Before", said)
            }
        };
        turn.trail.amend("Generate", |row| {
            row.weighed.push(format!("{drafted} by {}: {}", how.model, answer.trim()));
            None
        });
        if let Some(refined) = &mut turn.record.how {
            refined.first_word_ms = how.first_word_ms;
            refined.route = said;
        }
        let prompt = first.prompt.filter(|prompt| turn.record.prompt.as_ref() != Some(prompt));
        let mut calls: Vec<CallRecord> = first.calls.into_iter().map(|call| kept(call, prompt.as_deref())).collect();
        calls.append(&mut turn.record.calls);
        turn.record.calls = calls;
        turn.record.draft = Some(DraftRecord { model: how.model, answer, checks: first.checks });
        return again;
    }
    let said = match &again {
        Ok(()) | Err(Ended::Abstained) => {
            format!("what {name} wrote anew was no better borne out ({})", checked(&turn.record))
        }
        Err(Ended::Stopped) => format!("{name} was stopped before it had written this anew"),
        Err(Ended::Failed(error)) => format!("{name} did not write this anew. {}", error.message),
        Err(_) => format!("{name} did not write this anew"),
    };
    // What the stations say is of the first answer again.
    let anew = std::mem::replace(&mut turn.answer, answer);
    turn.trail = trail;
    let refused = matches!(plan, Anew::Refined { .. });
    turn.trail.amend("Generate", |row| {
        if !anew.is_empty() && !turn.held_back {
            row.weighed.push(format!("Anew by {name}: {}", anew.trim()));
        }
        refused.then(|| (Outcome::Partly, format!("The draft stands: {said}")))
    });
    turn.record = first;
    // A person who stops it means the whole turn, not only what is written behind the answer.
    let stopped = matches!(again, Err(Ended::Stopped));
    match &mut turn.record.how {
        Some(how) if refused => {
            how.route = format!("{} {}.", how.route, said.trim_end_matches('.')).trim_start().to_owned()
        }
        _ => turn.trail.amend("Verify", |row| {
            row.decision = Some(sentence(&said));
            None
        }),
    }
    if stopped { Err(Ended::Stopped) } else { ended }
}

/// Words as a sentence.
fn sentence(words: &str) -> String {
    let mut letters = words.trim_end_matches('.').chars();
    let first = letters.next().map(|first| first.to_uppercase().to_string()).unwrap_or_default();
    format!("{first}{}.", letters.as_str())
}

/// A call of the answer before, with what it was asked where the turn keeps something else by now.
fn kept(mut call: CallRecord, prompt: Option<&str>) -> CallRecord {
    if let (Asked::Kept, Some(prompt)) = (call.prompt, prompt) {
        (call.prompt, call.asked) = (Asked::Own, Some(prompt.to_owned()));
    }
    CallRecord { of: format!("draft, {}", call.of), ..call }
}

//! A draft refined: where the model that has the part would take too long, a faster one answers in time; then the other
//! writes the answer anew, silently, and takes its place when it is checked. Whatever goes wrong meanwhile leaves the draft.

use super::call::CallRecord;
use super::record::{DraftRecord, TurnRecord};
use super::retrieve::Grounded;
use super::state::{Ended, Turn};
use crate::models::Installed;
use hearth_api::Outcome;

/// Lets `model` write the answer anew by `write`. `ended` is how the draft ended; `before` is the record as it was when the
/// draft began.
pub(crate) fn refine(
    turn: &mut Turn<'_>,
    grounded: &mut Grounded,
    model: Installed,
    before: TurnRecord,
    ended: Result<(), Ended>,
    write: impl FnOnce(&mut Turn<'_>, &mut Grounded) -> Result<(), Ended>,
) -> Result<(), Ended> {
    // An end in the middle of it leaves the draft.
    let (id, answer) = (turn.id, turn.answer.clone());
    turn.open.store.write(|writer| writer.note_answer(id, &answer))?;
    let seconds = crate::view::seconds(turn.trail.now() as u32);
    let draft = std::mem::replace(&mut turn.record, before);
    turn.answer.clear();
    let trail = turn.trail.clone();
    let name = model.name.clone();
    turn.behind = Some(format!("Refining with {name}"));
    turn.doing("", None);
    grounded.recalled.routed.choice.only(model);
    let again = write(turn, grounded);
    turn.behind = None;
    let how = draft.how.clone().unwrap_or_default();
    match again {
        Ok(()) | Err(Ended::Abstained) => {
            turn.trail.amend("Generate", |row| {
                row.weighed.push(format!("Draft by {}: {}", how.model, answer.trim()));
                None
            });
            let said = format!("{} drafted this in {seconds}, and {name} wrote it anew.", how.model);
            if let Some(refined) = &mut turn.record.how {
                refined.first_word_ms = how.first_word_ms;
                refined.route = said;
            }
            let drafted = draft.calls.into_iter().map(|call| CallRecord { of: format!("draft, {}", call.of), ..call });
            turn.record.calls = drafted.chain(std::mem::take(&mut turn.record.calls)).collect();
            turn.record.draft = Some(DraftRecord { model: how.model, answer, checks: draft.checks });
            again
        }
        Err(why) => {
            let said = match why {
                Ended::Stopped => format!("{name} was stopped before it had written this anew"),
                Ended::Failed(error) => format!("{name} did not write this anew. {}", error.message),
                _ => format!("{name} did not write this anew"),
            };
            // What the stations say is of the draft again.
            turn.trail = trail;
            turn.trail.amend("Generate", |_| Some((Outcome::Partly, format!("The draft stands: {said}"))));
            (turn.answer, turn.record) = (answer, draft);
            if let Some(how) = &mut turn.record.how {
                how.route = format!("{} {}.", how.route, said.trim_end_matches('.')).trim_start().to_owned();
            }
            ended
        }
    }
}

//! `hearth replay`: a question run again, with what was compared. Exit code 1 when the tokens are others.

use crate::end::End;
use crate::house::House;
use crate::out::Out;
use hearth_api::{Error, Handler, ReplayTurn, ReplayVerdict};

/// Replays a turn.
pub(crate) fn run(kernel: &House, turn: i64, out: &Out) -> Result<End, Error> {
    out.doing("Running it again");
    let replay = kernel.handle(ReplayTurn { turn })?;
    out.doing("");
    out.value(&replay);
    out.line(&replay.sentence);
    for input in &replay.inputs {
        match input.same {
            true => out.line(format!("  same   {}: {}", input.name, input.now)),
            false => out.line(format!("  other  {}: was {}, is {}", input.name, input.before, input.now)),
        }
    }
    for call in replay.calls.iter().filter(|call| !call.note.is_empty()) {
        out.line(format!("  {}: {}", call.name, call.note));
    }
    for call in &replay.calls {
        if let Some(difference) = &call.difference {
            out.line(format!("The {} differs from token {} on:", call.name, difference.token));
            out.line(format!("  then  …{}", difference.before));
            out.line(format!("  now   …{}", difference.now));
        }
    }
    Ok(match replay.verdict {
        ReplayVerdict::Same | ReplayVerdict::InPart => End::Done,
        ReplayVerdict::Differs | ReplayVerdict::NotRun => End::Failed,
    })
}

//! Station 7, Tool: a tool call goes through the policy again. For now a person calls tools, by name, at the beginning of
//! a question: `/calculate 12 * 7`, `/remember ...`. What a model proposes comes through here too, when models do.

use super::permit::Permitted;
use super::state::{Ended, Turn};
use super::trail::Detail;
use crate::clock::{date_of, now_ms};
use hearth_api::{Error, ErrorCode, Outcome};
use hearth_domain::Trust;
use hearth_policy::{Effect, Outcome as Ruling, Standing};
use hearth_tools::Catalogue;

/// Runs the tool that the question calls, if it calls one. Says whether that was the answer.
pub(crate) fn act_if_asked(turn: &mut Turn<'_>, permitted: &Permitted) -> Result<bool, Ended> {
    let question = permitted.question().text.clone();
    let Some((name, rest)) =
        question.strip_prefix('/').map(|call| call.split_once(char::is_whitespace).unwrap_or((call, "")))
    else {
        return Ok(false);
    };
    match name {
        "remember" => remember(turn, permitted, rest),
        "calculate" => call(turn, permitted, name, serde_json::json!({ "expression": rest })),
        "today" => call(turn, permitted, name, serde_json::json!({ "today": date_of(now_ms()) })),
        _ => return Ok(false),
    }?;
    Ok(true)
}

fn remember(turn: &mut Turn<'_>, permitted: &Permitted, text: &str) -> Result<(), Ended> {
    let started = turn.trail.now();
    let memory = crate::memory::remember(turn.house, Some(permitted.question().space), text, Some(turn.id))?;
    turn.answer = format!("Remembered for this space: {}", memory.text);
    turn.record.checked = true;
    let detail = Detail { data: serde_json::json!({ "tool": "remember", "memory": memory.id }), ..Detail::default() };
    turn.trail.note("Tool", started, Outcome::Done, "Kept one sentence in memory", detail);
    Ok(())
}

/// What a tool that a person calls by name is given: their own words, in a space that may hold guarded things.
fn typed(permitted: &Permitted) -> Standing {
    Standing::TYPED.and(Standing::new(permitted.label(), Trust::User))
}

fn call(turn: &mut Turn<'_>, permitted: &Permitted, name: &str, arguments: serde_json::Value) -> Result<(), Ended> {
    let started = turn.trail.now();
    let catalogue = Catalogue::built_in();
    let Some(tool) = catalogue.find(name) else {
        return Err(Ended::Failed(Error::new(ErrorCode::NotFound, format!("There is no tool called {name}."))));
    };
    let effect = match tool.effect {
        hearth_tools::Effect::Pure => Effect::Pure,
        hearth_tools::Effect::Reads => Effect::Reads,
        hearth_tools::Effect::Writes | hearth_tools::Effect::Network => Effect::Changes,
    };
    let decision = turn.house.law.may_call(name, effect, typed(permitted), turn.id);
    let detail = Detail {
        aside: format!("rule {}", decision.rule.number),
        decision: Some(decision.rule.sentence.clone()),
        record: Some(turn.house.law.text(&decision.rule)),
        data: serde_json::json!({ "tool": name, "arguments": arguments }),
        ..Detail::default()
    };
    if decision.outcome != Ruling::Allow {
        turn.trail.note("Tool", started, Outcome::Refused, format!("{name} was not allowed"), detail);
        return Err(Ended::Refused(crate::law::rule(&decision.rule)));
    }
    match catalogue.call(name, &arguments) {
        Ok(reply) => {
            // What only computes is believed as far as what it was given; any other reply is a tool's.
            let given = typed(permitted);
            let trust = if effect == Effect::Pure { given.trust } else { Trust::Tool };
            turn.record.takes_in([Standing::new(given.label, trust)]);
            let mut detail = detail;
            if let Some(data) = detail.data.as_object_mut() {
                data.insert("reply_sha256".into(), super::call::sha256_of(reply.text.as_bytes()).into());
            }
            turn.trail.note("Tool", started, Outcome::Done, format!("{name} answered"), detail);
            turn.answer = reply.text;
            turn.record.checked = true;
            Ok(())
        }
        Err(error) => {
            let why = error.to_string();
            turn.trail.note("Tool", started, Outcome::Failed, format!("{name}: {why}"), detail);
            Err(Ended::Failed(Error::new(ErrorCode::Invalid, crate::models::sentence(&why))))
        }
    }
}

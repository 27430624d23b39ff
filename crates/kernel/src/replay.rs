//! A turn that is run again: the same model by the hash of its weights, the same passages, prompt, recipe, settings and
//! seed, and then token by token against what was kept. Retrieval and checks are not run again: what the model was given is
//! taken from the turn. The turn stays as it was; that it was replayed is noted in the record.
//!
//! Nothing is guessed: an input that is not what it was is named, and one that is gone means that the call is not run.

mod inputs;

use crate::clock::now_ms;
use crate::engine::Heard;
use crate::error;
use crate::kernel::{House, Open};
use crate::turn::TurnRecord;
use crate::turn::call::{CallRecord, Place, messages_sha256};
use crate::view::{count, utf16};
use hearth_api::{Error, ErrorCode, Replay, ReplayCall, ReplayDifference, ReplayInput, ReplayVerdict};
use hearth_domain::TurnId;
use hearth_inference::wire::{Briefing, Message};
use hearth_store::{Entry, TurnRow, TurnState};
use inputs::Inputs;

/// Runs a turn again.
pub(crate) fn replay(house: &House, id: TurnId) -> Result<Replay, Error> {
    let began = std::time::Instant::now();
    let open = house.open()?;
    let row = open.store.read(|reader| reader.turn(id)).map_err(error::store)?;
    let row = row.ok_or_else(|| error::missing("question"))?;
    if row.state == TurnState::Running {
        return Err(
            Error::new(ErrorCode::InUse, "This question is still being answered.").hint("Replay it when it has ended.")
        );
    }
    let record: TurnRecord = serde_json::from_value(row.record.clone()).unwrap_or_default();
    let _held = house.foreground.hold();
    let mut inputs = Inputs::default();
    let mut calls = Vec::new();
    for call in &record.calls {
        calls.push(again(house, &open, &row, &record, call, &mut inputs)?);
    }
    let elsewhere = record.remote.as_ref().filter(|remote| remote.failed.is_none());
    calls.extend(elsewhere.map(|remote| not_asked_again(remote, &row)));
    let (verdict, sentence) = verdict(&row, &record, &calls, inputs.changed());
    let now = calls.iter().filter(|call| call.run && !call.name.starts_with("draft")).map(|call| call.now.trim());
    let mut replay = Replay {
        turn: id.0,
        verdict,
        sentence,
        inputs: inputs.into_list(),
        before: match (elsewhere, &record.draft) {
            (Some(_), Some(draft)) => draft.answer.clone(),
            _ => row.answer.clone(),
        },
        now: now.collect::<Vec<_>>().join("\n"),
        calls,
        took_ms: began.elapsed().as_millis() as u32,
        entry: 0,
    };
    replay.entry = note(&open, &row, &replay)?;
    house.events.stale(&["ListActivity"]);
    Ok(replay)
}

/// What a model elsewhere wrote: nobody can be sure that it is the same model, so it is never called reproduced.
fn not_asked_again(remote: &crate::turn::record::RemoteRecord, row: &TurnRow) -> ReplayCall {
    ReplayCall {
        name: "model elsewhere".to_owned(),
        model: format!("{} at {}", remote.model, remote.name),
        run: false,
        same: false,
        note: format!("{} wrote the answer elsewhere; what was written here first was run again.", remote.name),
        tokens_before: remote.usage.map_or(0, |usage| usage.output_tokens),
        tokens_now: 0,
        difference: None,
        before: row.answer.clone(),
        now: String::new(),
    }
}

/// Asks a model the same again.
fn again(
    house: &House,
    open: &Open,
    row: &TurnRow,
    record: &TurnRecord,
    call: &CallRecord,
    inputs: &mut Inputs,
) -> Result<ReplayCall, Error> {
    let mut shown = ReplayCall {
        name: call.of.clone(),
        model: call.name.clone(),
        run: false,
        same: false,
        note: String::new(),
        tokens_before: call.tokens.len() as u32,
        tokens_now: 0,
        difference: None,
        before: call.text.clone(),
        now: String::new(),
    };
    let model = inputs.model(house, call)?;
    let messages = inputs.messages(open, row, record, call)?;
    let (model, messages) = match (model, messages, &call.sampling) {
        (Ok(model), Ok(messages), Some(_)) => (model, messages),
        (Err(why), ..) | (_, Err(why), _) => {
            shown.note = why;
            return Ok(shown);
        }
        (.., None) => {
            shown.note = "How its words were chosen was not kept.".into();
            return Ok(shown);
        }
    };
    let engine = match house.schedule.engine(house, &model) {
        Ok(engine) => engine,
        Err(why) => {
            shown.note = why.message;
            return Ok(shown);
        }
    };
    inputs.place(&call.on, &Place::of(engine.info()));
    let briefing = Briefing { thinking: call.thinking, now_s: call.now_s, ..Briefing::default() };
    let sampling = call.sampling.clone().unwrap_or_default();
    let mut text = String::new();
    // A conversation of its own: what the turn's left in the engine stays for its next question.
    let written = engine.generate((0, None), messages, briefing, sampling, &mut |heard| {
        if let Heard::Words { text: words, .. } = heard {
            text.push_str(words);
        }
        true
    });
    match written {
        Ok(generated) => {
            shown.run = true;
            shown.tokens_now = generated.tokens.len() as u32;
            compare(call, &generated.tokens, &text, &mut shown);
            shown.now = text;
        }
        Err(why) => shown.note = format!("{} did not write it again: {why}.", call.name),
    }
    Ok(shown)
}

/// Lays the tokens of then and now side by side.
fn compare(call: &CallRecord, now: &[u32], text: &str, shown: &mut ReplayCall) {
    // What a person stopped is compared as far as it went.
    let reach = if call.whole { now.len() } else { now.len().min(call.tokens.len()) };
    let now = now.get(..reach).unwrap_or_default();
    if !call.whole {
        shown.note =
            format!("It was stopped after {}; compared that far.", count(call.tokens.len(), "token", "tokens"));
    }
    shown.same = now == call.tokens;
    if shown.same {
        return;
    }
    let token = now.iter().zip(&call.tokens).take_while(|(now, then)| now == then).count();
    let shared: usize =
        text.chars().zip(call.text.chars()).take_while(|(now, then)| now == then).map(|(c, _)| c.len_utf8()).sum();
    shown.difference = Some(ReplayDifference {
        token: token as u32 + 1,
        at: utf16(text, shared as u32),
        before: words(call.text.get(shared..)),
        now: words(text.get(shared..)),
    });
}

/// The first words of a text, as it stands.
fn words(text: Option<&str>) -> String {
    let text = text.unwrap_or_default();
    let end = text.match_indices(char::is_whitespace).map(|(at, _)| at).filter(|at| *at > 0).nth(2);
    text.get(..end.unwrap_or(text.len())).unwrap_or(text).to_owned()
}

/// How it came out, in a word and in a sentence.
fn verdict(
    row: &TurnRow,
    record: &TurnRecord,
    calls: &[ReplayCall],
    changed: Vec<&ReplayInput>,
) -> (ReplayVerdict, String) {
    let named = changed.iter().map(|input| input.name.as_str()).collect::<Vec<_>>().join(", ");
    let other = if named.is_empty() { String::new() } else { format!(" Not as it was: {named}.") };
    let run = calls.iter().filter(|call| call.run).count();
    let tokens: u32 = calls.iter().filter(|call| call.run).map(|call| call.tokens_before).sum();
    if let Some(call) = calls.iter().find(|call| call.run && !call.same) {
        let at = call.difference.as_ref().map_or(0, |difference| difference.token);
        let cause = if other.is_empty() { " Every input is as it was.".to_owned() } else { other };
        return (ReplayVerdict::Differs, format!("Other words from token {at} of the {} on.{cause}", call.name));
    }
    if calls.is_empty() {
        let why = match row.state {
            TurnState::Refused => "A rule refused this question; no model was asked.",
            _ if record.prompt.is_none() && !record.sources.is_empty() => {
                "What the model read was erased with its document, and what it wrote with it."
            }
            _ if row.answer.is_empty()
                || record.not_said.is_some()
                || record.how.as_ref().is_none_or(|how| how.model.is_empty()) =>
            {
                "No model wrote this; there is nothing to run again."
            }
            _ => "What this answer was made from was not kept, or is kept no longer.",
        };
        return (ReplayVerdict::NotRun, why.to_owned());
    }
    if run == 0 {
        let why = calls.iter().map(|call| call.note.as_str()).find(|note| !note.is_empty()).unwrap_or_default();
        return (ReplayVerdict::NotRun, why.to_owned());
    }
    let same = format!("Same tokens: {tokens} of {tokens}.");
    if run < calls.len() {
        let why = calls.iter().find(|call| !call.run).map(|call| call.note.as_str()).unwrap_or_default();
        let said = format!("{same} {run} of {} were run again. {why}", count(calls.len(), "call", "calls"));
        return (ReplayVerdict::InPart, said);
    }
    (ReplayVerdict::Same, format!("{same}{other}"))
}

/// Notes the replay: what came out, and no word of the texts.
fn note(open: &Open, row: &TurnRow, replay: &Replay) -> Result<u64, Error> {
    let calls: Vec<_> = replay
        .calls
        .iter()
        .map(|call| {
            serde_json::json!({ "call": call.name, "model": call.model, "run": call.run, "same": call.same,
                "tokens_before": call.tokens_before, "tokens_now": call.tokens_now,
                "differs_at": call.difference.as_ref().map(|difference| difference.token) })
        })
        .collect();
    let changed: Vec<&str> =
        replay.inputs.iter().filter(|input| !input.same).map(|input| input.name.as_str()).collect();
    let outcome = match replay.verdict {
        ReplayVerdict::Same => "the same tokens",
        ReplayVerdict::Differs => "other tokens",
        ReplayVerdict::InPart => "the same tokens, as far as it could be run again",
        ReplayVerdict::NotRun => "it could not be run again",
    };
    let entry = Entry {
        at_ms: now_ms(),
        kind: "turn.replayed",
        sentence: format!("Replayed “{}”: {outcome}", row.question),
        subject: Some(format!("turn:{}", row.id)),
        detail: serde_json::json!({ "verdict": replay.verdict, "calls": calls, "changed_inputs": changed,
            "took_ms": replay.took_ms }),
    };
    let ((), seq) = open.store.record(entry, |_| Ok(())).map_err(error::store)?;
    Ok(seq.0)
}

/// What is compared before a prompt is used again.
fn is_as_it_was(call: &CallRecord, messages: &[Message]) -> bool {
    call.messages_sha256 == messages_sha256(messages)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn shown(then: (&[u32], &str), now: (&[u32], &str), whole: bool) -> ReplayCall {
        let call = CallRecord { tokens: then.0.to_vec(), text: then.1.into(), whole, ..CallRecord::default() };
        let mut shown = ReplayCall {
            name: "answer".into(),
            model: "m".into(),
            run: true,
            same: false,
            note: String::new(),
            tokens_before: then.0.len() as u32,
            tokens_now: now.0.len() as u32,
            difference: None,
            before: then.1.into(),
            now: now.1.into(),
        };
        compare(&call, now.0, now.1, &mut shown);
        shown
    }

    #[test]
    fn the_first_token_that_is_another_is_named() {
        let same = shown((&[1, 2, 3], "It is red."), (&[1, 2, 3], "It is red."), true);
        assert!(same.same && same.difference.is_none());
        let other = shown((&[1, 2, 3, 4], "It is dark red now."), (&[1, 2, 9], "It is blue."), true);
        assert_eq!(
            other.difference,
            Some(ReplayDifference { token: 3, at: 6, before: "dark red now.".into(), now: "blue.".into() })
        );
        // Shorter or longer is another answer, unless a person had stopped it.
        assert_eq!(shown((&[1, 2], "It is"), (&[1, 2, 3], "It is red."), true).difference.unwrap().token, 3);
        assert_eq!(shown((&[1, 2, 3], "It is red."), (&[1, 2], "It is"), true).difference.unwrap().token, 3);
        let stopped = shown((&[1, 2], "It is"), (&[1, 2, 3], "It is red."), false);
        assert!(stopped.same && stopped.note.contains("2 tokens"), "{stopped:?}");
        assert!(!shown((&[1, 2, 3], "It is red."), (&[1, 2], "It is"), false).same);
    }
}

//! A stronger model elsewhere writes a turn's answer anew, after a person saw what leaves and said yes. Its words are
//! checked against the same sources, sentence by sentence, and the local answer is kept as the draft; whatever goes wrong
//! leaves that one standing, with the reason.

use super::generate::Drafted;
use super::record::{self, DraftRecord, RemoteRecord, TurnRecord};
use super::state::{Ended, Turn};
use super::trail::{Detail, Trail};
use super::verify;
use crate::kernel::{House, Open};
use crate::remote::{Going, Restorer};
use hearth_api::{Asked, Error, ErrorCode, How, Outcome, TurnNews, TurnState as Shown};
use hearth_egress::provider::{Answer, Failed, News};
use hearth_egress::{Cancel, Purpose};
use hearth_store::TurnState;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::Instant;

/// Starts the thread that sends. What was reserved for it is settled however it ends.
pub(crate) fn start(house: &Arc<House>, open: &Arc<Open>, going: Going) -> Result<Asked, Error> {
    let id = going.preview.turn;
    let row = open.store.read(|reader| reader.turn(id)).map_err(crate::error::store)?;
    let row = row.ok_or_else(|| crate::error::missing("question"))?;
    let conversation = row.conversation;
    let cancel = open
        .turns
        .begin_again(id)
        .ok_or_else(|| Error::new(ErrorCode::InUse, "This question is being answered already. Nothing was sent."))?;
    let (there, open_there) = (Arc::clone(house), Arc::clone(open));
    let started = house.hands.start(&format!("remote-{id}"), move || {
        let held = there.foreground.hold();
        let stoppable = crate::engine::Stoppable::by(&cancel);
        let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| {
            refine(&there, &open_there, &row, going, Arc::clone(&cancel));
        }));
        drop(stoppable);
        open_there.turns.end(id);
        if outcome.is_err() {
            tracing::error!(turn = id.0, "asking elsewhere broke off");
            if let Some(turn) = record::load(&open_there, id) {
                there.events.turn(conversation.0, id.0, TurnNews::Ended { turn: Box::new(turn) });
            }
        }
        drop(held);
        crate::collector::catch_up(&there, &open_there);
    });
    if let Err(error) = started {
        open.turns.end(id);
        return Err(error);
    }
    Ok(Asked { conversation: conversation.0, turn: id.0 })
}

fn refine(house: &House, open: &Open, row: &hearth_store::TurnRow, going: Going, cancel: Arc<AtomicBool>) {
    let began = Instant::now();
    let before: TurnRecord = serde_json::from_value(row.record.clone()).unwrap_or_default();
    let mut turn = Turn::new(house, open, row.conversation, row.id, row.question.clone(), Arc::clone(&cancel), began);
    let rows = open.store.read(|reader| reader.trace(row.id)).unwrap_or_default();
    let earlier_ms = before.how.as_ref().map_or(0, |how| how.total_ms);
    turn.trail = Trail::again(rows, earlier_ms);
    turn.record = before.clone();
    if let Some(mut shown) = record::load(open, row.id) {
        (shown.state, shown.confidence, shown.error, shown.not_said) = (Shown::Running, None, None, None);
        shown.answer.clear();
        shown.sentences.clear();
        turn.tell(TurnNews::Began { turn: Box::new(shown) });
    }
    turn.doing(format!("Asking {}", going.preview.provider.name), None);
    let started = turn.trail.now();
    let (outcome, first_word_ms) = exchange(&mut turn, &going, &cancel);
    let preview = &going.preview;
    let cost = crate::remote::settle(open, &preview.provider, going.spend, (&preview.rate, preview.bound), &outcome);
    let outcome = outcome.and_then(|answer| {
        if turn.answer.trim().is_empty() {
            let trouble = hearth_egress::provider::Trouble::Garbage("it wrote nothing".to_owned());
            return Err(Failed { trouble, so_far: Box::new(answer) });
        }
        Ok(answer)
    });
    let so_far = match &outcome {
        Ok(answer) => answer,
        Err(failed) => failed.so_far.as_ref(),
    };
    let remote = RemoteRecord {
        provider: preview.provider.id.clone(),
        name: preview.provider.name.clone(),
        model: preview.provider.model.clone(),
        host: preview.provider.host(),
        residency: preview.provider.residency.clone(),
        label: preview.label,
        rule: going.rule.clone(),
        sha256: preview.written.hash.to_string(),
        hidden: preview.hidden.len() as u32,
        tries: so_far.tries,
        bytes_out: so_far.bytes_out,
        bytes_in: so_far.bytes_in,
        cost,
        usage: so_far.usage,
        price_known: preview.rate.known,
        text: Some(preview.text.clone()),
        failed: None,
    };
    match outcome {
        Ok(answer) => stands(&mut turn, going, remote, (row, before), &answer, (started, first_word_ms)),
        Err(failed) => falls(&mut turn, remote, (row, before), &failed, started),
    }
    house.events.stale(&["ListProviders", "GetPrivacy", "ListActivity"]);
    house.tell_status();
}

/// Sends, and shows the words as they come, with what was hidden put back.
fn exchange(turn: &mut Turn<'_>, going: &Going, cancel: &Arc<AtomicBool>) -> (Result<Answer, Failed>, Option<f64>) {
    let Going { preview, provider, .. } = going;
    let sending = {
        let kept = (preview.provider.clone(), preview.text.clone());
        let (label, trust, space, id) = (preview.label, preview.trust, preview.space, preview.turn);
        move || crate::remote::sending(&kept.0, label, trust, &kept.1, space, id)
    };
    let gate = match crate::remote::gate(turn.house, &preview.provider, sending) {
        Ok(gate) => gate,
        Err(error) => return (Err(Failed { trouble: error.into(), so_far: Box::default() }), None),
    };
    let terms = crate::remote::terms(Purpose::RemoteAnswer, preview.label, preview.written.hash);
    let (cancel, mut first_word_ms) = (Cancel::sharing(Arc::clone(cancel)), None);
    let mut restorer = Restorer::new(preview.hidden.clone());
    let outcome = hearth_egress::provider::send(&gate, provider, &preview.written, &terms, &cancel, &mut |news| {
        if let News::Text(words) = news {
            first_word_ms.get_or_insert(turn.trail.now());
            write(turn, restorer.push(words));
        }
    });
    write(turn, restorer.end());
    (outcome, first_word_ms)
}

fn write(turn: &mut Turn<'_>, words: String) {
    if !words.is_empty() {
        turn.answer.push_str(&words);
        turn.tell(TurnNews::Words { text: words });
    }
}

/// The answer takes the place of the local one, once it is checked.
fn stands(
    turn: &mut Turn<'_>,
    going: Going,
    remote: RemoteRecord,
    (row, before): (&hearth_store::TurnRow, TurnRecord),
    answer: &Answer,
    (started, first_word_ms): (f64, Option<f64>),
) {
    let trimmed = turn.answer.trim_end().len();
    turn.answer.truncate(trimmed);
    let local = before.how.clone().unwrap_or_default();
    let usage = answer.usage.unwrap_or_default();
    turn.record.how = Some(How {
        model: remote.model.clone(),
        route: format!(
            "{} wrote the first answer here; {} wrote this one, from what you saw leave.",
            if local.model.is_empty() { "Hearth" } else { local.model.as_str() },
            remote.name
        ),
        total_ms: 0,
        first_word_ms: first_word_ms.map(|ms| ms as u32),
        tokens_per_second: None,
        prompt_tokens: usage.input_tokens,
        cached_tokens: 0,
        new_tokens: usage.output_tokens,
        bytes_out: local.bytes_out + answer.bytes_out,
    });
    let kept = remote.clone();
    let data = serde_json::json!({ "remote": remote.sealed(), "finish": answer.finish });
    let detail = Detail {
        aside: format!("{} bytes out", answer.bytes_out),
        mark_ms: first_word_ms,
        decision: Some(format!("A person saw what would leave and said yes, under the rule “{}”.", remote.rule)),
        weighed: vec![format!("Draft by {}: {}", local.model, row.answer.trim())],
        record: Some(format!("SHA-256 of the bytes that left: {}", remote.sha256)),
        data,
    };
    let sentence = format!("{} at {} wrote this; it cost {}", remote.model, remote.name, remote.cost);
    turn.trail.note("Generate", started, Outcome::Done, sentence, detail);
    turn.record.draft =
        Some(DraftRecord { model: local.model, answer: row.answer.clone(), checks: before.checks.clone() });
    turn.record.remote = Some(remote);
    turn.record.checks.clear();
    turn.record.checked = false;
    (turn.record.confidence, turn.record.not_said, turn.record.error) = (None, None, None);
    let state = match verify::verify(turn, Drafted { given: going.preview.sources, cut_short: None }) {
        Ok(()) => TurnState::Answered,
        Err(Ended::Abstained) => TurnState::Abstained,
        Err(Ended::Refused(rule)) => {
            // What a rule holds back is neither shown nor kept.
            let why = format!("Rule {} held back what {} wrote: {}", rule.number, kept.name, rule.sentence);
            let failed = Some(format!("The answer made here stands. {why}"));
            (turn.answer, turn.record) = (row.answer.clone(), before);
            turn.record.how.get_or_insert_default().bytes_out += kept.bytes_out;
            turn.record.remote = Some(RemoteRecord { failed, ..kept });
            return record::record_again(turn, row.state, "remote.failed", "Asked a model elsewhere in vain for");
        }
        Err(Ended::Failed(error)) => {
            tracing::warn!(%error, "a remote answer was not checked");
            turn.record.error = Some(error);
            TurnState::Failed
        }
        Err(_) => TurnState::Stopped,
    };
    record::record_again(turn, state, "turn.refined", "Answered with a model elsewhere");
}

/// The local answer stands, with the reason.
fn falls(
    turn: &mut Turn<'_>,
    mut remote: RemoteRecord,
    (row, before): (&hearth_store::TurnRow, TurnRecord),
    failed: &Failed,
    started: f64,
) {
    let reason = format!("{}: {}.", remote.name, failed.trouble);
    let said = format!("The answer made here stands. {reason} {}", failed.trouble.hint());
    (turn.answer, turn.record) = (row.answer.clone(), before);
    let how = turn.record.how.get_or_insert_default();
    how.bytes_out += remote.bytes_out;
    turn.trail.amend("Generate", |detail| {
        detail.weighed.push(format!("Asked {} at {started:.0} ms: {reason}", remote.name));
        None
    });
    remote.failed = Some(said);
    turn.record.remote = Some(remote);
    record::record_again(turn, row.state, "remote.failed", "Asked a model elsewhere in vain for");
}

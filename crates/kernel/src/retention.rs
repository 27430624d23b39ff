//! What is kept only for a time: traces, what a turn was made from, and the details of its entries in the record. When the
//! time is over they are erased; their hashes stay with signed tombstones, so that the record still verifies.

use crate::clock::now_ms;
use crate::error;
use crate::kernel::{House, Open};
use crate::turn::{TurnRecord, expired};
use hearth_api::Error;
use hearth_domain::TurnId;
use hearth_store::{Entry, StoreError, Writer};
use std::sync::atomic::{AtomicI64, Ordering};

const DAY_MS: i64 = 24 * 60 * 60 * 1000;
/// How often is looked.
const EVERY_MS: i64 = 60 * 60 * 1000;
/// Turns erased in one transaction.
const AT_ONCE: usize = 200;

/// When was looked last.
#[derive(Default)]
pub(crate) struct Retention(AtomicI64);

/// Erases what is due, once an hour.
pub(crate) fn keep(house: &House) {
    let Some(open) = house.peek() else { return };
    let now = now_ms();
    let before = open.retention.0.load(Ordering::SeqCst);
    // A clock that was set back does not stop it.
    if before != 0 && (before..before + EVERY_MS).contains(&now) {
        return;
    }
    open.retention.0.store(now, Ordering::SeqCst);
    let days = match crate::settings::load(&open) {
        Ok(settings) => at_most(settings.keep_traces_days.unwrap_or(0), house.law.held().retention_days()),
        Err(error) => {
            tracing::warn!(%error, "how long traces are kept could not be read");
            return;
        }
    };
    match sweep(&open, days, now) {
        Ok(0) => {}
        Ok(_) => {
            // Models that have read it forget what they read.
            house.schedule.forget();
            house.events.stale(&["ListActivity", "GetTrace", "GetMetrics"]);
        }
        Err(error) => tracing::warn!(%error, "what is due was not erased yet"),
    }
}

/// The days that hold: those that a person chose, 0 being for ever, but no more than an organization allows.
fn at_most(chosen: u32, allowed: Option<u32>) -> u32 {
    match (chosen, allowed) {
        (0, Some(allowed)) => allowed,
        (chosen, Some(allowed)) => chosen.min(allowed),
        (chosen, None) => chosen,
    }
}

/// Erases what turns that ended `days` ago were made from; 0 days is for ever. Says how many turns that were.
pub(crate) fn sweep(open: &Open, days: u32, now: i64) -> Result<usize, Error> {
    if days == 0 {
        return Ok(0);
    }
    let before_ms = now - i64::from(days) * DAY_MS;
    let mut swept = 0;
    loop {
        let due = open.store.read(|reader| reader.turns_to_sweep(before_ms, AT_ONCE)).map_err(error::store)?;
        if due.is_empty() {
            return Ok(swept);
        }
        let ((), _) = open
            .store
            .record_with(|writer| {
                due.iter().try_for_each(|turn| forget(writer, *turn))?;
                let entry = Entry {
                    at_ms: now,
                    kind: "retention.swept",
                    sentence: format!(
                        "Erased traces and details of {}, older than {}",
                        crate::view::count(due.len(), "question", "questions"),
                        crate::view::count(days as usize, "day", "days")
                    ),
                    subject: None,
                    detail: serde_json::json!({ "turns": due.len(), "days": days, "before_ms": before_ms }),
                };
                Ok(((), entry))
            })
            .map_err(error::store)?;
        swept += due.len();
    }
}

/// Erases what a turn was made from; question, answer and citations stay.
fn forget(writer: &Writer<'_>, id: TurnId) -> Result<(), StoreError> {
    let Some(row) = writer.turn(id)? else { return Ok(()) };
    let mut record: TurnRecord = serde_json::from_value(row.record).unwrap_or_default();
    record.calls.clear();
    record.prompt = None;
    record.draft = None;
    record.parts.clear();
    let value = serde_json::to_value(&record).map_err(|error| StoreError::Invalid(error.to_string()))?;
    writer.rewrite_turn(id, &row.answer, &value)?;
    writer.erase_trace(id)?;
    writer.add_trace(id, &[expired()])?;
    for entry in writer.audit_for(&format!("turn:{id}"))?.into_iter().filter(|entry| entry.detail.is_some()) {
        writer.purge_audit_payload(entry.seq)?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use hearth_store::{Secret, TraceRow, TurnState};

    fn open(folder: &std::path::Path) -> Open {
        let secret = Secret::Passphrase("four words make one".to_owned().into());
        Open {
            store: hearth_store::create(folder, &secret, 1).unwrap(),
            turns: Default::default(),
            contests: Default::default(),
            jobs: Default::default(),
            watch: Default::default(),
            pages: Default::default(),
            remote: Default::default(),
            retention: Retention::default(),
            collector: Default::default(),
            embedded: crate::reindex::Embedded::default(),
            used_ms: AtomicI64::new(0),
            lock_after_minutes: AtomicI64::new(0),
        }
    }

    /// A question with a trace and an entry, ended on a day.
    fn turn(open: &Open, day: i64) -> TurnId {
        let now = day * DAY_MS;
        let record = serde_json::json!({ "prompt": "secret passages", "calls": [{ "text": "secret answer" }] });
        let row = TraceRow {
            station: "Generate".into(),
            started_ms: 0.0,
            duration_ms: 1.0,
            outcome: "done".into(),
            sentence: "secret sentence".into(),
            detail: serde_json::json!({ "data": 1 }),
        };
        let write = |writer: &Writer<'_>| {
            let space = writer.create_space(&format!("Space {day}"), now)?;
            let conversation = writer.create_conversation(space, "Title", now)?;
            let turn = writer.begin_turn(conversation, "What?", &[], now)?;
            writer.finish_turn(turn, TurnState::Answered, "An answer.", &record, &[], now)?;
            writer.add_trace(turn, std::slice::from_ref(&row))?;
            let entry = Entry {
                at_ms: now,
                kind: "turn.answered",
                sentence: "Answered".into(),
                subject: Some(format!("turn:{turn}")),
                detail: serde_json::json!({ "took_ms": 5 }),
            };
            Ok((turn, entry))
        };
        open.store.record_with(write).unwrap().0
    }

    #[test]
    fn what_is_due_is_erased_on_its_day_and_the_record_verifies() {
        let folder = tempfile::tempdir().unwrap();
        let open = open(folder.path());
        let (old, young) = (turn(&open, 100), turn(&open, 120));
        assert_eq!(sweep(&open, 0, 500 * DAY_MS).unwrap(), 0, "0 days is for ever");
        assert_eq!(sweep(&open, 30, 130 * DAY_MS).unwrap(), 0, "on the thirtieth day it is still there");
        assert_eq!(sweep(&open, 30, 130 * DAY_MS + 1).unwrap(), 1);
        assert_eq!(sweep(&open, 30, 130 * DAY_MS + 2).unwrap(), 0, "what is gone is not erased again");
        open.store
            .read(|reader| {
                let (row, kept) = (reader.turn(old)?.unwrap(), reader.turn(young)?.unwrap());
                assert_eq!((row.question.as_str(), row.answer.as_str()), ("What?", "An answer."));
                assert!(!row.record.to_string().contains("secret"), "{}", row.record);
                assert!(kept.record.to_string().contains("secret"));
                assert!(!format!("{:?}", reader.trace(old)?).contains("secret"));
                assert!(format!("{:?}", reader.trace(young)?).contains("secret"));
                let detail = |turn| Ok::<_, StoreError>(reader.audit_for(&format!("turn:{turn}"))?[0].detail.clone());
                assert!(detail(old)?.is_none() && detail(young)?.is_some());
                assert_eq!(reader.audit(None, 9, Some("retention.swept"))?.len(), 1);
                Ok(())
            })
            .unwrap();
        assert_eq!(open.store.verify_audit().unwrap().flaws, [], "tombstones verify");
    }
}

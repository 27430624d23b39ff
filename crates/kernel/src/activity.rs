//! The record as people read it: the timeline, one turn as a waterfall, the check of the chain.

use crate::clock::now_ms;
use crate::error;
use crate::kernel::{House, Open};
use crate::turn::{Detail, TurnRecord, outcome};
use hearth_api::{Anchor, AnchorView, AuditBreak, AuditCheck, AuditEntry, Error, ErrorCode, Station, Trace};
use hearth_domain::TurnId;
use hearth_egress::Purpose;
use hearth_store::{AnchorCheck, AuditRow, Broken, Entry, Flaw, HeldRow, RowFlaw};

/// Flaws of the record that are listed.
const FLAWS: usize = 1000;
/// The form of an anchor's file.
const ANCHOR: &str = "hearth audit anchor 1";
/// What is noted when other rules came into force.
pub(crate) const POLICY: &str = "policy.in_force";

/// Entries of the record, newest first.
pub(crate) fn list(
    open: &Open,
    before: Option<u64>,
    limit: usize,
    text: Option<&str>,
    time_ms: std::ops::Range<i64>,
) -> Result<Vec<AuditEntry>, Error> {
    let rows = open
        .store
        .read(|reader| reader.audit_within(before, limit.clamp(1, 500), text, time_ms))
        .map_err(error::store)?;
    Ok(rows.into_iter().map(entry).collect())
}

fn entry(row: AuditRow) -> AuditEntry {
    let AuditRow { seq, at_ms, kind, sentence, subject, detail, hash, previous } = row;
    let about = |what: &str| {
        subject.as_deref().and_then(|subject| subject.strip_prefix(what)?.strip_prefix(':')?.parse::<i64>().ok())
    };
    AuditEntry {
        seq,
        at_ms,
        kind,
        sentence,
        turn: about("turn"),
        document: about("document"),
        took_ms: detail.as_ref().and_then(|detail| detail.get("took_ms")?.as_u64()).map(|ms| ms as u32),
        detail: detail.map(|detail| serde_json::to_string_pretty(&detail).unwrap_or_default()),
        hash: hex(&hash),
        previous: hex(&previous),
    }
}

/// One turn as a waterfall.
pub(crate) fn trace(open: &Open, id: TurnId) -> Result<Trace, Error> {
    let (turn, rows, audit, ledger) = open
        .store
        .read(|reader| {
            let Some(turn) = reader.turn(id)? else { return Ok(None) };
            let mut ledger =
                reader.ledger_between(turn.asked_ms, turn.finished_ms.map_or(i64::MAX, |ended| ended + 1))?;
            // What else was fetched meanwhile is not the question's.
            ledger.retain(|row| row.purpose == Purpose::RemoteAnswer.word());
            Ok(Some((turn, reader.trace(id)?, reader.audit_for(&format!("turn:{id}"))?, ledger)))
        })
        .map_err(error::store)?
        .ok_or_else(|| error::missing("question"))?;
    let record: TurnRecord = serde_json::from_value(turn.record).unwrap_or_default();
    let reworded = record.reworded_by().map(str::to_owned);
    let how = record.how.unwrap_or_default();
    let by = match &record.remote {
        _ if how.model.is_empty() => match reworded {
            Some(name) => format!("with other words by {name}"),
            None => "without a model".to_owned(),
        },
        Some(remote) if remote.failed.is_none() => format!("by {} at {}", how.model, remote.name),
        _ => format!("by {} on this machine", how.model),
    };
    let verb = match turn.state {
        hearth_store::TurnState::Running => "being answered",
        hearth_store::TurnState::Answered => "answered",
        hearth_store::TurnState::Abstained => "found nothing",
        hearth_store::TurnState::Refused => "refused",
        hearth_store::TurnState::Stopped => "stopped",
        hearth_store::TurnState::Failed => "failed",
    };
    // What was noted of the turn later, such as a replay, has seals of its own.
    let asked_elsewhere = |row: &&AuditRow| matches!(row.kind.as_str(), "turn.refined" | "remote.failed");
    let sealed = audit.iter().rfind(|row| crate::metrics::ends_a_turn(row) || asked_elsewhere(row));
    // What was sent elsewhere is known to the byte; it may have been long after the question.
    let remote = record.remote.as_ref();
    Ok(Trace {
        turn: id.0,
        conversation: turn.conversation.0,
        question: turn.question,
        asked_ms: turn.asked_ms,
        summary: format!("{verb} in {} {by}", crate::view::seconds(how.total_ms)),
        stations: rows.into_iter().map(station).collect(),
        connections: remote.map_or_else(
            || ledger.iter().filter(|row| !row.outcome.starts_with("refused")).count() as u32,
            |remote| remote.tries,
        ),
        bytes_out: remote.map_or_else(|| ledger.iter().map(|row| row.bytes_out).sum(), |_| how.bytes_out),
        bytes_in: remote.map_or_else(|| ledger.iter().map(|row| row.bytes_in).sum(), |remote| remote.bytes_in),
        prompt_tokens: how.prompt_tokens,
        new_tokens: how.new_tokens,
        hash: sealed.map(|row| hex(&row.hash)).unwrap_or_default(),
        previous: sealed.map(|row| hex(&row.previous)).unwrap_or_default(),
    })
}

fn station(row: hearth_store::TraceRow) -> Station {
    let hearth_store::TraceRow { station, started_ms, duration_ms, outcome: word, sentence, detail } = row;
    let Detail { aside, mark_ms, decision, weighed, record, data: _ } =
        serde_json::from_value(detail).unwrap_or_default();
    Station {
        name: station,
        outcome: outcome(&word),
        sentence,
        aside,
        start_ms: started_ms as f32,
        took_ms: duration_ms as f32,
        mark_ms: mark_ms.map(|ms| ms as f32),
        decision,
        weighed,
        record,
    }
}

/// Checks the whole chain.
pub(crate) fn verify(open: &Open) -> Result<AuditCheck, Error> {
    let found = open.store.verify_audit().map_err(error::store)?;
    Ok(AuditCheck {
        entries: found.entries,
        head: hex(&found.head),
        checked_ms: now_ms(),
        broken: found.broken.map(broken),
        flaws: found.flaws.into_iter().take(FLAWS).map(broken).collect(),
    })
}

fn broken(broken: Broken) -> AuditBreak {
    AuditBreak { seq: broken.seq, last: broken.last, at_ms: broken.at_ms, why: flaw(broken.why) }
}

/// The signed end of the record, for keeping elsewhere.
pub(crate) fn anchor(open: &Open) -> Result<Anchor, Error> {
    let hearth_store::Anchor { entries, hash, at_ms, public_key, signature } =
        open.store.anchor(now_ms()).map_err(error::store)?;
    Ok(Anchor {
        format: ANCHOR.into(),
        entries,
        hash: hex(&hash),
        at_ms,
        public_key: hex(&public_key),
        signature: hex(&signature),
    })
}

/// Compares the record with an anchor.
pub(crate) fn check_anchor(open: &Open, anchor: &Anchor) -> Result<AnchorView, Error> {
    let unreadable = || {
        Error::new(ErrorCode::Invalid, "This is no anchor of Hearth.")
            .hint("Name the file that `hearth audit anchor` wrote.")
    };
    let hash = |text: &str| bytes(text).and_then(|bytes| <[u8; 32]>::try_from(bytes).ok()).ok_or_else(unreadable);
    if anchor.format != ANCHOR {
        return Err(unreadable());
    }
    let kept = hearth_store::Anchor {
        entries: anchor.entries,
        hash: hash(&anchor.hash)?,
        at_ms: anchor.at_ms,
        public_key: hash(&anchor.public_key)?,
        signature: bytes(&anchor.signature).ok_or_else(unreadable)?,
    };
    let date = crate::clock::date_of(anchor.at_ms);
    let (sentence, seq) = match open.store.check_anchor(&kept).map_err(error::store)? {
        AnchorCheck::Holds => {
            let sentence = format!(
                "The record goes on from the anchor of {date}: its first {} entries are those of then.",
                anchor.entries
            );
            return Ok(AnchorView { holds: true, sentence, seq: None });
        }
        AnchorCheck::Forged => ("The anchor itself was changed: its signature does not hold.".to_owned(), None),
        AnchorCheck::Elsewhere => ("The anchor is of another vault.".to_owned(), None),
        AnchorCheck::Broken(seq, Flaw::Missing) => (
            format!(
                "The record had {} entries on {date}, and ends before entry {seq} now: what came after was taken off.",
                anchor.entries
            ),
            Some(seq),
        ),
        AnchorCheck::Broken(seq, _) => {
            (format!("Entry {seq} is not the one of {date}: the record was written anew."), Some(seq))
        }
    };
    Ok(AnchorView { holds: false, sentence, seq })
}

/// Notes the rules that hold, where they are others than those noted last: what a report says was in force.
pub(crate) fn note_policy(house: &House, open: &Open) -> Result<(), Error> {
    let held = house.law.held();
    let rules = &held.rules;
    let listed: Vec<_> = rules
        .rules
        .iter()
        .map(|rule| serde_json::json!({ "number": rule.number, "name": rule.name, "sentence": rule.sentence, "text": rule.text }))
        .collect();
    let body = serde_json::json!({ "mode": rules.mode.word(), "rules": listed });
    let sha256 = crate::turn::call::sha256_of(body.to_string().as_bytes());
    let last = open.store.read(|reader| reader.audit(None, 1, Some(POLICY))).map_err(error::store)?;
    let noted = last.first().and_then(|row| row.detail.as_ref()?.get("sha256")?.as_str().map(str::to_owned));
    if noted.as_deref() != Some(sha256.as_str()) {
        let entry = Entry {
            at_ms: now_ms(),
            kind: POLICY,
            sentence: format!("Rules in force: {}", crate::view::count(rules.rules.len(), "rule", "rules")),
            subject: None,
            detail: serde_json::json!({ "sha256": sha256, "policy": body }),
        };
        open.store.record(entry, |_| Ok(())).map_err(error::store)?;
    }
    Ok(())
}

/// Bytes of hexadecimal digits.
fn bytes(text: &str) -> Option<Vec<u8>> {
    if !text.is_ascii() || !text.len().is_multiple_of(2) {
        return None;
    }
    (0..text.len() / 2).map(|at| u8::from_str_radix(text.get(at * 2..at * 2 + 2)?, 16).ok()).collect()
}

/// What is wrong with an entry, in words.
pub(crate) fn flaw(flaw: Flaw) -> String {
    let words = match flaw {
        Flaw::Missing => "it is not there",
        Flaw::OutOfOrder => "it stands at another place",
        Flaw::Inserted => "it was put in later",
        Flaw::Rewritten => "entries of this stretch were written anew, and the signed head behind them is not theirs",
        Flaw::Edited => "its words were changed",
        Flaw::DetailEdited => "its detail was changed, or cleared without a signed tombstone",
        Flaw::EndsElsewhere => "entries were added or taken off behind the signed end",
        Flaw::HeadForged => "the signature of the end is not this vault's",
        Flaw::Row(row, flaw) => return row_flaw(row, flaw),
    };
    words.to_owned()
}

/// What is wrong with a row beside the chain, in words.
fn row_flaw(row: HeldRow, flaw: RowFlaw) -> String {
    let what = match row {
        HeldRow::Turn(id) => format!("question {id}, with its answer, citations and trace,"),
        HeldRow::Connection(id) => format!("connection {id} of the ledger"),
    };
    match flaw {
        RowFlaw::Edited => format!("{what} was changed since this entry was written"),
        RowFlaw::Missing => format!("{what} was taken out since this entry was written"),
        RowFlaw::Inserted => format!("{what} was put in: no entry tells of it"),
    }
}

/// Bytes as hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

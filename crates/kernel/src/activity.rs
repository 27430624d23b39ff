//! The record as people read it: the timeline, one turn as a waterfall, the check of the chain.

use crate::clock::now_ms;
use crate::error;
use crate::kernel::Open;
use crate::turn::{Detail, TurnRecord, outcome};
use hearth_api::{AuditBreak, AuditCheck, AuditEntry, Error, Station, Trace};
use hearth_domain::TurnId;
use hearth_store::{AuditRow, Flaw};

/// Entries of the record, newest first.
pub(crate) fn list(
    open: &Open,
    before: Option<u64>,
    limit: usize,
    text: Option<&str>,
) -> Result<Vec<AuditEntry>, Error> {
    let rows = open.store.read(|reader| reader.audit(before, limit.clamp(1, 500), text)).map_err(error::store)?;
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
    let (turn, rows, audit) = open
        .store
        .read(|reader| {
            let Some(turn) = reader.turn(id)? else { return Ok(None) };
            Ok(Some((turn, reader.trace(id)?, reader.audit_for(&format!("turn:{id}"))?)))
        })
        .map_err(error::store)?
        .ok_or_else(|| error::missing("question"))?;
    let record: TurnRecord = serde_json::from_value(turn.record).unwrap_or_default();
    let how = record.how.unwrap_or_default();
    let by = match &record.remote {
        _ if how.model.is_empty() => "without a model".to_owned(),
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
    let sealed = audit.last();
    Ok(Trace {
        turn: id.0,
        conversation: turn.conversation.0,
        question: turn.question,
        asked_ms: turn.asked_ms,
        summary: format!("{verb} in {} {by}", crate::view::seconds(how.total_ms)),
        stations: rows.into_iter().map(station).collect(),
        connections: record.remote.as_ref().map_or(0, |remote| remote.tries),
        bytes_out: how.bytes_out,
        bytes_in: record.remote.as_ref().map_or(0, |remote| remote.bytes_in),
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
        broken: found.broken.map(|broken| AuditBreak {
            seq: broken.seq,
            at_ms: broken.at_ms,
            why: flaw(broken.why).to_owned(),
        }),
    })
}

/// What is wrong with an entry, in words.
pub(crate) fn flaw(flaw: Flaw) -> &'static str {
    match flaw {
        Flaw::Missing => "it is not there",
        Flaw::OutOfOrder => "it does not follow from the one before",
        Flaw::Edited => "its words were changed",
        Flaw::DetailEdited => "its detail was changed, or cleared without a signed tombstone",
        Flaw::EndsElsewhere => "entries were added or taken off behind the signed end",
        Flaw::HeadForged => "the signature of the end is not this vault's",
    }
}

fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

//! Figures of a time, computed from the kept record alone. They are shown to the person at the machine and never sent.

use crate::clock::now_ms;
use crate::error;
use crate::kernel::{House, Open};
use hearth_api::{Error, Metrics, StationLatency};
use hearth_store::{AuditRow, LedgerRow};
use serde_json::Value;
use std::ops::Range;

/// The time that is shown where none is asked for.
const USUAL_MS: i64 = 30 * 24 * 60 * 60 * 1000;

/// A time that was asked for, or the last 30 days.
pub(crate) fn time(from_ms: Option<i64>, until_ms: Option<i64>) -> Range<i64> {
    let until = until_ms.unwrap_or_else(|| now_ms() + 1);
    from_ms.unwrap_or(until - USUAL_MS)..until
}

/// The figures of a time.
pub(crate) fn metrics(house: &House, open: &Open, time: Range<i64>) -> Result<Metrics, Error> {
    let (entries, ledger) = open
        .store
        .read(|reader| Ok((reader.audit_between(time.start, time.end)?, reader.ledger_between(time.start, time.end)?)))
        .map_err(error::store)?;
    let memory = crate::home::status(house).memory.hearth_bytes;
    Ok(computed(&entries, &ledger, time, memory))
}

/// Whether an entry tells of a turn that ended.
pub(crate) fn ends_a_turn(entry: &AuditRow) -> bool {
    let of_turn = entry.subject.as_deref().is_some_and(|subject| subject.starts_with("turn:"));
    let ends = ["turn.answered", "turn.abstained", "turn.stopped", "turn.failed", "refused"];
    of_turn && ends.contains(&entry.kind.as_str())
}

/// The same of entries and attempts at hand.
pub(crate) fn computed(entries: &[AuditRow], ledger: &[LedgerRow], time: Range<i64>, memory_bytes: u64) -> Metrics {
    let turns: Vec<&AuditRow> = entries.iter().filter(|entry| ends_a_turn(entry)).collect();
    let of_kind = |kind: &str| turns.iter().filter(|entry| entry.kind == kind).count() as u32;
    let details: Vec<&Value> = turns.iter().filter_map(|entry| entry.detail.as_ref()).collect();
    let sum = |path: &str| -> u64 {
        details.iter().filter_map(|detail| detail.pointer(path)?.as_u64()).fold(0, u64::saturating_add)
    };
    let mut totals: Vec<f64> = details.iter().filter_map(|detail| detail.get("took_ms")?.as_f64()).collect();
    let stations = crate::turn::STATIONS
        .iter()
        .filter_map(|name| {
            let path = format!("/about/stations_ms/{name}");
            let mut times: Vec<f64> = details.iter().filter_map(|detail| detail.pointer(&path)?.as_f64()).collect();
            (!times.is_empty()).then(|| StationLatency {
                name: (*name).to_owned(),
                count: times.len() as u32,
                p50_ms: percentile(&mut times, 50),
                p95_ms: percentile(&mut times, 95),
            })
        })
        .collect();
    let checked = ["supported", "partly", "not_found", "contradicted"];
    let sentences: u64 = checked.iter().map(|state| sum(&format!("/sentences/{state}"))).sum();
    let tools: Vec<&str> =
        details.iter().filter_map(|detail| detail.pointer("/about/tool_outcome")?.as_str()).collect();
    Metrics {
        from_ms: time.start,
        until_ms: time.end,
        turns: turns.len() as u32,
        answered: of_kind("turn.answered"),
        abstained: of_kind("turn.abstained"),
        refused: of_kind("refused"),
        failed: of_kind("turn.failed"),
        total_p50_ms: percentile(&mut totals, 50),
        total_p95_ms: percentile(&mut totals, 95),
        stations,
        prompt_tokens: sum("/prompt_tokens"),
        cached_tokens: sum("/cached_tokens"),
        new_tokens: sum("/new_tokens"),
        sentences: sentences as u32,
        supported: sum("/sentences/supported") as u32,
        tools: tools.len() as u32,
        tools_done: tools.iter().filter(|outcome| **outcome == "done").count() as u32,
        attempts: ledger.len() as u32,
        bytes_out: ledger.iter().map(|row| row.bytes_out).sum(),
        memory_bytes,
    }
}

/// The value that `percent` of all do not exceed (nearest rank); 0 of none.
fn percentile(values: &mut [f64], percent: usize) -> u32 {
    values.sort_by(f64::total_cmp);
    let rank = (values.len() * percent).div_ceil(100).max(1);
    values.get(rank - 1).map_or(0, |value| value.round() as u32)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    pub(crate) fn entry(kind: &str, subject: &str, detail: Value) -> AuditRow {
        AuditRow {
            seq: 1,
            at_ms: 5,
            kind: kind.into(),
            sentence: String::new(),
            subject: Some(subject.into()),
            detail: Some(detail),
            hash: [0; 32],
            previous: [0; 32],
        }
    }

    #[test]
    fn figures_are_those_of_the_record() {
        let turn = |took: u32, tool: Option<&str>| {
            json!({ "took_ms": took, "prompt_tokens": 100, "cached_tokens": 40, "new_tokens": 10,
                "sentences": { "supported": 2, "partly": 1, "not_found": 0, "contradicted": 1 },
                "about": { "stations_ms": { "Generate": took - 10, "Verify": 4.4 }, "tool_outcome": tool } })
        };
        let mut entries: Vec<AuditRow> =
            (1..=20).map(|at| entry("turn.answered", &format!("turn:{at}"), turn(at * 100, None))).collect();
        entries.push(entry("refused", "turn:21", json!({})));
        entries.push(entry("turn.failed", "turn:22", turn(50, Some("failed"))));
        // Neither ends a turn.
        entries.push(entry("turn.replayed", "turn:1", turn(9_000, None)));
        entries.push(entry("refused", "document:3", json!({ "took_ms": 9_000 })));
        let purged = AuditRow { detail: None, ..entry("turn.answered", "turn:23", Value::Null) };
        entries.push(purged);
        let figures = computed(&entries, &[], 0..10, 7);
        assert_eq!((figures.turns, figures.answered, figures.refused, figures.failed), (23, 21, 1, 1));
        assert_eq!((figures.total_p50_ms, figures.total_p95_ms), (1000, 1900));
        assert_eq!((figures.prompt_tokens, figures.cached_tokens, figures.new_tokens), (2100, 840, 210));
        assert_eq!((figures.sentences, figures.supported, figures.tools, figures.tools_done), (84, 42, 1, 0));
        let names: Vec<_> = figures.stations.iter().map(|one| (one.name.as_str(), one.p50_ms)).collect();
        assert_eq!(names, [("Generate", 990), ("Verify", 4)]);
        assert_eq!(computed(&[], &[], 0..1, 0).total_p50_ms, 0, "nothing gives nothing");
    }
}

//! The trail of a turn: one row for each station, on one clock that began with the question.

use hearth_api::Outcome;
use hearth_store::TraceRow;
use serde::{Deserialize, Serialize};
use std::time::Instant;

/// Names of the stations as people see them, in order.
pub(crate) const STATIONS: [&str; 9] =
    ["Admit", "Label", "Route", "Recall", "Retrieve", "Generate", "Tool", "Verify", "Record"];

/// Collects the rows of one turn.
#[derive(Clone)]
pub(crate) struct Trail {
    began: Instant,
    rows: Vec<TraceRow>,
}

/// What a row says besides its sentence; kept as JSON.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Detail {
    pub(crate) aside: String,
    pub(crate) mark_ms: Option<f64>,
    pub(crate) decision: Option<String>,
    pub(crate) weighed: Vec<String>,
    pub(crate) record: Option<String>,
    /// For machines: what replaying needs.
    pub(crate) data: serde_json::Value,
}

impl Trail {
    pub(crate) fn new(began: Instant) -> Self {
        Self { began, rows: Vec::new() }
    }

    /// A trail that goes on, `earlier_ms` after the question.
    pub(crate) fn again(rows: Vec<TraceRow>, earlier_ms: u32) -> Self {
        let now = Instant::now();
        let earlier = std::time::Duration::from_millis(u64::from(earlier_ms));
        Self { began: now.checked_sub(earlier).unwrap_or(now), rows }
    }

    /// Milliseconds since the question.
    pub(crate) fn now(&self) -> f64 {
        self.began.elapsed().as_secs_f64() * 1e3
    }

    /// Notes a station that began at `started` and ends now.
    pub(crate) fn note(
        &mut self,
        station: &'static str,
        started: f64,
        outcome: Outcome,
        sentence: impl Into<String>,
        detail: Detail,
    ) {
        let now = self.now();
        let mut detail = detail;
        // A station that is gone through again keeps its beginning, and what came of it the first time.
        let before = self.rows.iter().position(|row| row.station == station).map(|at| self.rows.remove(at));
        let started = before.as_ref().map_or(started, |before| before.started_ms);
        if let Some(before) = before {
            let earlier: Detail = serde_json::from_value(before.detail).unwrap_or_default();
            let lines = earlier.weighed.into_iter().chain([format!("Before: {}.", before.sentence)]);
            detail.weighed = lines.chain(std::mem::take(&mut detail.weighed)).collect();
        }
        let detail = serde_json::to_value(detail).unwrap_or_default();
        let row = TraceRow {
            station: station.to_owned(),
            started_ms: started,
            duration_ms: now - started,
            outcome: word(outcome).to_owned(),
            sentence: sentence.into(),
            detail,
        };
        self.rows.push(row);
    }

    /// Adds to a station that was noted, in the light of what came later; `with` may give it another outcome and sentence.
    pub(crate) fn amend(&mut self, station: &str, with: impl FnOnce(&mut Detail) -> Option<(Outcome, String)>) {
        let Some(row) = self.rows.iter_mut().find(|row| row.station == station) else { return };
        let mut detail: Detail = serde_json::from_value(row.detail.take()).unwrap_or_default();
        if let Some((outcome, sentence)) = with(&mut detail) {
            row.outcome = word(outcome).to_owned();
            row.sentence = sentence;
        }
        row.detail = serde_json::to_value(detail).unwrap_or_default();
    }

    /// The rows in the order of the stations; stations that were not reached say so.
    pub(crate) fn into_rows(mut self) -> Vec<TraceRow> {
        let now = self.now();
        for station in STATIONS {
            if !self.rows.iter().any(|row| row.station == station) {
                let sentence = if station == "Tool" { "None asked for" } else { "Not reached" };
                self.rows.push(TraceRow {
                    station: station.to_owned(),
                    started_ms: now,
                    duration_ms: 0.0,
                    outcome: word(Outcome::Skipped).to_owned(),
                    sentence: sentence.to_owned(),
                    detail: serde_json::Value::Null,
                });
            }
        }
        let order = |row: &TraceRow| STATIONS.iter().position(|station| *station == row.station);
        self.rows.sort_by_key(order);
        self.rows
    }
}

/// What an entry of the record says of a trail, without a word of what was asked or read: how long each station took, the
/// label, the rules, the tools.
pub(crate) fn about(rows: &[TraceRow]) -> serde_json::Value {
    let data = |name: &str| rows.iter().find(|row| row.station == name).and_then(|row| row.detail.get("data"));
    let stations: serde_json::Map<String, serde_json::Value> = rows
        .iter()
        .filter(|row| outcome(&row.outcome) != Outcome::Skipped)
        .map(|row| (row.station.clone(), serde_json::json!((row.duration_ms * 10.0).round() / 10.0)))
        .collect();
    serde_json::json!({
        "stations_ms": stations,
        "label": data("Label").and_then(|data| data.get("label")),
        "rule": data("Admit").and_then(|data| data.get("rule")),
        "outcome": data("Admit").and_then(|data| data.get("outcome")),
        "part": data("Route").and_then(|data| data.get("part")),
        "follow_up": data("Recall").and_then(|data| data.get("follow_up")),
        "tool": data("Tool").and_then(|data| data.get("tool")),
        "tool_outcome": rows.iter().find(|row| row.station == "Tool" && data("Tool").is_some()).map(|row| &row.outcome),
    })
}

/// What stands in place of a trail that named a purged document.
pub(crate) fn erased() -> TraceRow {
    in_place("What the stations did was erased together with a document that they had read")
}

/// What stands in place of a trail whose time is over.
pub(crate) fn expired() -> TraceRow {
    in_place("What the stations did was erased when its time was over; question and answer are kept")
}

fn in_place(sentence: &str) -> TraceRow {
    TraceRow {
        station: "Record".into(),
        started_ms: 0.0,
        duration_ms: 0.0,
        outcome: word(Outcome::Done).to_owned(),
        sentence: sentence.into(),
        detail: serde_json::Value::Null,
    }
}

/// The word that stands for an outcome in the record.
fn word(outcome: Outcome) -> &'static str {
    match outcome {
        Outcome::Done => "done",
        Outcome::Partly => "partly",
        Outcome::Refused => "refused",
        Outcome::Failed => "failed",
        Outcome::Skipped => "skipped",
        Outcome::Running => "running",
    }
}

/// The outcome that a word of the record stands for.
pub(crate) fn outcome(word: &str) -> Outcome {
    match word {
        "done" => Outcome::Done,
        "partly" => Outcome::Partly,
        "refused" => Outcome::Refused,
        "failed" => Outcome::Failed,
        "running" => Outcome::Running,
        _ => Outcome::Skipped,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_station_has_a_row_in_order() {
        let mut trail = Trail::new(Instant::now());
        trail.note("Route", 1.0, Outcome::Done, "here", Detail::default());
        trail.note("Admit", 0.0, Outcome::Done, "one question", Detail::default());
        let rows = trail.into_rows();
        assert_eq!(rows.iter().map(|row| row.station.as_str()).collect::<Vec<_>>(), STATIONS);
        assert_eq!(outcome(&rows[3].outcome), Outcome::Skipped);
    }

    #[test]
    fn what_came_later_is_added_to_a_station() {
        let mut trail = Trail::new(Instant::now());
        trail.note("Route", 1.0, Outcome::Done, "the large one", Detail::default());
        trail.note("Generate", 2.0, Outcome::Failed, "it died", Detail::default());
        trail.amend("Route", |row| {
            row.weighed.push("the large one failed".into());
            Some((Outcome::Partly, "the small one".into()))
        });
        trail.note("Generate", 5.0, Outcome::Done, "it wrote", Detail::default());
        let rows = trail.into_rows();
        assert_eq!(rows.len(), STATIONS.len());
        assert_eq!((rows[2].sentence.as_str(), outcome(&rows[2].outcome)), ("the small one", Outcome::Partly));
        assert_eq!(rows[2].detail["weighed"][0], "the large one failed");
        assert_eq!((rows[5].sentence.as_str(), rows[5].started_ms), ("it wrote", 2.0));
        assert_eq!(rows[5].detail["weighed"][0], "Before: it died.");
    }
}

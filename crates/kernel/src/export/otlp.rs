//! Turns as OpenTelemetry spans: the JSON of an `ExportTraceServiceRequest`, with names after the GenAI semantic
//! conventions (each name is one of the 1.41 to 1.44 registry). A turn is one trace: an `invoke_agent` span with a span for each station.

use crate::clock::now_ms;
use crate::error;
use crate::kernel::Open;
use crate::metrics::ends_a_turn;
use crate::turn::call::sha256_of;
use crate::turn::{Detail, TurnRecord};
use hearth_api::Error;
use hearth_domain::TurnId;
use hearth_store::{AuditRow, TraceRow, TurnRow, TurnState};
use serde_json::{Value, json};

/// The spans of the turns that entries tell of.
pub(crate) fn traces(open: &Open, entries: &[AuditRow], content: bool) -> Result<Value, Error> {
    let mut spans = Vec::new();
    let turns = entries.iter().filter(|row| ends_a_turn(row));
    let ids = turns.filter_map(|row| row.subject.as_deref()?.strip_prefix("turn:")?.parse::<i64>().ok());
    for id in ids.map(TurnId) {
        let found =
            open.store.read(|reader| Ok(reader.turn(id)?.map(|row| (row, reader.trace(id))))).map_err(error::store)?;
        if let Some((row, trace)) = found {
            spans.extend(turn(&row, &trace.map_err(error::store)?, content));
        }
    }
    Ok(json!({ "resourceSpans": [{
        "resource": { "attributes": [text("service.name", "hearth"), text("service.version", env!("CARGO_PKG_VERSION"))] },
        "scopeSpans": [{ "scope": { "name": "hearth.record", "version": "1" }, "spans": spans }],
    }] }))
}

/// Whether there are no spans in it.
pub(crate) fn are_none(request: &Value) -> bool {
    request.pointer("/resourceSpans/0/scopeSpans/0/spans/0").is_none()
}

/// The spans of one turn.
fn turn(row: &TurnRow, trace: &[TraceRow], content: bool) -> Vec<Value> {
    let record: TurnRecord = serde_json::from_value(row.record.clone()).unwrap_or_default();
    let how = record.how.clone().unwrap_or_default();
    // Of the turn's number and moment, so that an export made twice names the same spans.
    let name = format!("hearth turn {} {}", row.id, row.asked_ms);
    let ids = |span: &str| sha256_of(format!("{name} {span}").as_bytes());
    let trace_id = ids("trace").get(..32).unwrap_or_default().to_owned();
    let root = ids("root").get(..16).unwrap_or_default().to_owned();
    let failed = matches!(row.state, TurnState::Failed);
    let mut attributes = vec![
        text("gen_ai.operation.name", "invoke_agent"),
        text("gen_ai.agent.name", "hearth"),
        text("gen_ai.conversation.id", &row.conversation.to_string()),
        text("hearth.turn.state", &format!("{:?}", row.state).to_lowercase()),
        whole("gen_ai.usage.input_tokens", u64::from(how.prompt_tokens)),
        whole("gen_ai.usage.output_tokens", u64::from(how.new_tokens)),
        whole("gen_ai.usage.cache_read.input_tokens", u64::from(how.cached_tokens)),
    ];
    if let Some(why) = &record.error {
        attributes.push(text("error.type", &word(&why.code)));
    }
    if content {
        attributes.push(text("gen_ai.input.messages", &message("user", &row.question)));
        attributes.push(text("gen_ai.output.messages", &message("assistant", &row.answer)));
    }
    let ended = row.finished_ms.unwrap_or(row.asked_ms + i64::from(how.total_ms));
    let mut spans = vec![json!({
        "traceId": trace_id, "spanId": root, "name": "invoke_agent hearth", "kind": 1,
        "startTimeUnixNano": nanos(row.asked_ms as f64), "endTimeUnixNano": nanos(ended.max(row.asked_ms) as f64),
        "attributes": attributes, "status": { "code": if failed { 2 } else { 1 } },
    })];
    for station in trace.iter().filter(|row| row.outcome != "skipped") {
        let detail: Detail = serde_json::from_value(station.detail.clone()).unwrap_or_default();
        let (name, kind, attributes) = described(station, &detail.data, &how.model);
        let start = row.asked_ms as f64 + station.started_ms;
        spans.push(json!({
            "traceId": trace_id, "spanId": ids(&station.station).get(..16), "parentSpanId": root, "name": name,
            "kind": kind, "startTimeUnixNano": nanos(start), "endTimeUnixNano": nanos(start + station.duration_ms),
            "attributes": attributes, "status": { "code": if station.outcome == "failed" { 2 } else { 1 } },
        }));
    }
    spans
}

/// A station as a span: its name, its kind, what it says.
fn described(station: &TraceRow, data: &Value, model: &str) -> (String, u8, Vec<Value>) {
    let outcome = text("hearth.outcome", &station.outcome);
    let number = |from: &str| data.get(from).and_then(Value::as_u64);
    match station.station.as_str() {
        "Generate" => {
            let mut attributes = vec![
                outcome,
                text("gen_ai.operation.name", "chat"),
                text("gen_ai.provider.name", "hearth"),
                text("gen_ai.request.model", model),
                text("gen_ai.response.model", model),
            ];
            for (name, from) in [
                ("gen_ai.usage.input_tokens", "prompt_tokens"),
                ("gen_ai.usage.output_tokens", "new_tokens"),
                ("gen_ai.usage.cache_read.input_tokens", "cached_tokens"),
                ("gen_ai.request.seed", "seed"),
                ("gen_ai.request.max_tokens", "max_tokens"),
                ("hearth.threads", "threads"),
            ] {
                attributes.extend(number(from).map(|value| whole(name, value)));
            }
            for (name, from) in [
                ("gen_ai.request.temperature", "temperature"),
                ("gen_ai.request.top_k", "top_k"),
                ("gen_ai.request.top_p", "top_p"),
            ] {
                let value = data.get(from).and_then(Value::as_f64);
                attributes.extend(value.map(|value| json!({ "key": name, "value": { "doubleValue": value } })));
            }
            for (name, from) in [("hearth.model.sha256", "sha256"), ("hearth.kernel", "kernel")] {
                attributes.extend(data.get(from).and_then(Value::as_str).map(|value| text(name, value)));
            }
            (format!("chat {model}").trim().to_owned(), 3, attributes)
        }
        "Tool" => {
            let tool = data.get("tool").and_then(Value::as_str).unwrap_or_default();
            let attributes =
                vec![outcome, text("gen_ai.operation.name", "execute_tool"), text("gen_ai.tool.name", tool)];
            (format!("execute_tool {tool}"), 1, attributes)
        }
        "Retrieve" => {
            let passages = data.get("passages").and_then(Value::as_array).map_or(0, Vec::len);
            let attributes = vec![
                outcome,
                text("gen_ai.operation.name", "retrieval"),
                text("gen_ai.data_source.id", "hearth.library"),
                whole("hearth.retrieval.passages", passages as u64),
            ];
            ("retrieval hearth.library".into(), 3, attributes)
        }
        other => (format!("hearth.{}", other.to_lowercase()), 1, vec![outcome]),
    }
}

fn text(key: &str, value: &str) -> Value {
    json!({ "key": key, "value": { "stringValue": value } })
}

/// Whole numbers are strings in this JSON.
fn whole(key: &str, value: u64) -> Value {
    json!({ "key": key, "value": { "intValue": value.to_string() } })
}

fn message(role: &str, content: &str) -> String {
    json!([{ "role": role, "parts": [{ "type": "text", "content": content }] }]).to_string()
}

fn word(value: &impl serde::Serialize) -> String {
    serde_json::to_value(value).ok().and_then(|value| value.as_str().map(str::to_owned)).unwrap_or_default()
}

/// A moment in nanoseconds since 1970.
fn nanos(ms: f64) -> String {
    let ms = if ms.is_finite() { ms.clamp(0.0, now_ms() as f64 + 1e12) } else { 0.0 };
    format!("{}", (ms * 1e3).round() as u64 * 1_000)
}

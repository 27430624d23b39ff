//! A collector on this machine that is told how questions were worked on: stations, models, tokens and times as
//! OpenTelemetry spans, never words. Off until a person names its address. It is told after each question; what it missed
//! while it was down it is told with the next.

use crate::clock::now_ms;
use crate::error;
use crate::export::otlp;
use crate::kernel::{House, Open};
use crate::law::Law;
use hearth_api as api;
use hearth_api::{Error, ErrorCode};
use hearth_egress::{Gate, GateSettings, Outbound, Verdict, collector, tell};
use hearth_policy::Outcome;
use hearth_store::Entry;
use serde::{Deserialize, Serialize};
use std::sync::{Arc, Mutex};

const KEPT: &str = "collector";
/// Entries that are looked through at a time.
const PAGE: usize = 500;
/// Entries behind which nothing is caught up any more.
const BEHIND: u64 = 20_000;

/// The collector as kept in the vault.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Kept {
    url: String,
    /// The last entry of the record that it was told of.
    seq: u64,
}

/// How telling went last, while the vault is open. Its lock is held while telling: one tells at a time.
#[derive(Default)]
pub(crate) struct Collector(Mutex<Option<Result<i64, String>>>);

/// The law at the gate for what a collector is told.
struct SpanLaw(Arc<Law>);

impl hearth_egress::Law for SpanLaw {
    fn may(&self, outbound: &Outbound) -> Verdict {
        let decision = self.0.may_trace(&outbound.host);
        let rule = decision.rule.name.clone();
        match decision.outcome {
            Outcome::Allow => Verdict::Allow { rule },
            Outcome::Ask | Outcome::Deny => Verdict::Deny { rule, sentence: decision.rule.sentence },
        }
    }
}

fn kept(open: &Open) -> Result<Option<Kept>, Error> {
    let value = open.store.read(|reader| reader.setting(KEPT)).map_err(error::store)?;
    Ok(value.and_then(|value| serde_json::from_value(value).ok()).flatten())
}

fn keep(open: &Open, kept: Option<&Kept>) -> Result<(), Error> {
    let value = serde_json::to_value(kept).map_err(error::internal)?;
    open.store.write(|writer| writer.set_setting(KEPT, &value)).map_err(error::store)
}

/// Who is told, and how it went.
pub(crate) fn view(open: &Open) -> Result<api::Collector, Error> {
    let last = open.collector.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner()).clone();
    let Some(kept) = kept(open)? else {
        let sentence = "Nobody is told how questions were worked on.".to_owned();
        return Ok(api::Collector { address: None, works: None, sentence });
    };
    let (works, sentence) = match last {
        None => (None, "It is told after each question.".to_owned()),
        Some(Ok(_)) => (Some(true), "It took what it was told last.".to_owned()),
        Some(Err(why)) => (Some(false), format!("It was not told: {why}. It is told with the next question.")),
    };
    Ok(api::Collector { address: Some(kept.url), works, sentence })
}

/// Names the collector, or nobody. It is greeted at once with no spans, to see whether it answers.
pub(crate) fn set(house: &House, address: Option<&str>) -> Result<api::Collector, Error> {
    house.law.may_change_rules()?;
    let open = house.open()?;
    let address = address.map(str::trim).filter(|address| !address.is_empty());
    let url = address.map(collector).transpose().map_err(|why| Error::new(ErrorCode::Invalid, why))?;
    let head = open.store.read(|reader| reader.audit_head()).map_err(error::store)?;
    keep(&open, url.clone().map(|url| Kept { url, seq: head.entries }).as_ref())?;
    let (kind, sentence) = match &url {
        Some(url) => ("collector.named", format!("A collector on this machine is told of questions: {url}")),
        None => ("collector.none", "No collector is told of questions".to_owned()),
    };
    let entry = Entry { at_ms: now_ms(), kind, sentence, subject: None, detail: serde_json::json!({ "url": url }) };
    open.store.record(entry, |_| Ok(())).map_err(error::store)?;
    house.events.stale(&["ListActivity", "GetCollector"]);
    let mut last = open.collector.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    *last = url.map(|url| {
        let nothing = serde_json::json!({ "resourceSpans": [] });
        said(house, &url, &nothing)
    });
    drop(last);
    view(&open)
}

/// Tells of every question since the last time, where a collector is named.
pub(crate) fn catch_up(house: &House, open: &Open) {
    let mut last = open.collector.0.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
    match caught_up(house, open) {
        Ok(None) => return,
        Ok(Some(told)) => *last = Some(told),
        Err(error) => *last = Some(Err(error.message)),
    }
    drop(last);
    house.events.stale(&["GetCollector"]);
}

fn caught_up(house: &House, open: &Open) -> Result<Option<Result<i64, String>>, Error> {
    let Some(mut kept) = kept(open)? else { return Ok(None) };
    let mut told = None;
    loop {
        let head = open.store.read(|reader| reader.audit_head()).map_err(error::store)?.entries;
        let after = kept.seq.max(head.saturating_sub(BEHIND));
        let entries = open.store.read(|reader| reader.audit_after(after, PAGE)).map_err(error::store)?;
        let Some(end) = entries.last().map(|entry| entry.seq) else { return Ok(told) };
        let spans = otlp::traces(open, &entries, false)?;
        if !otlp::are_none(&spans) {
            let answer = said(house, &kept.url, &spans);
            let failed = answer.is_err();
            told = Some(answer);
            if failed {
                return Ok(told);
            }
        }
        kept.seq = end;
        keep(open, Some(&kept))?;
        // What telling itself notes tells of no question.
        if entries.len() < PAGE {
            return Ok(told);
        }
    }
}

fn said(house: &House, url: &str, spans: &serde_json::Value) -> Result<i64, String> {
    let (law, ledger) = (Arc::new(SpanLaw(Arc::clone(&house.law))), Arc::clone(&house.ledger));
    let gate = Gate::new(law, ledger as Arc<dyn hearth_egress::Ledger>, Arc::new(now_ms), GateSettings::default());
    let gate = gate.map_err(|error| error.to_string())?;
    tell(&gate, url, spans.to_string().into_bytes()).map(|()| now_ms()).map_err(|why| why.to_string())
}

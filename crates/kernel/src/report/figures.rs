//! What the report says, computed from entries of the record and rows of the ledger alone. Pure.

use super::{Report, Section};
use crate::activity::{flaw, hex};
use crate::clock::date_of;
use crate::export::stamp;
use crate::metrics::ends_a_turn;
use crate::view::count;
use hearth_api::{Anchor, Metrics};
use hearth_store::{AuditCheck, AuditRow, LedgerRow};
use serde_json::Value;
use std::collections::BTreeMap;
use std::ops::Range;

/// Rows of a table that are listed one by one; what is beyond is counted.
const LISTED: usize = 200;

/// Puts the report together.
pub(super) fn figures(
    time: &Range<i64>,
    now: i64,
    (check, anchor): (&AuditCheck, &Anchor),
    entries: &[AuditRow],
    policy: Option<&AuditRow>,
    ledger: &[LedgerRow],
    metrics: &Metrics,
) -> Report {
    let period = format!("{} to {}", date_of(time.start), date_of(time.end - 1));
    let holds = check.flaws.is_empty();
    let verdict = match check.flaws.first() {
        None => format!(
            "The record holds: all {} follow from one another and end in the signed head.",
            entries_of(check.entries)
        ),
        Some(first) => format!(
            "The record does not hold: {}, the first at entry {} ({}). What this report says from there on is not proven.",
            count(check.flaws.len(), "place was tampered with", "places were tampered with"),
            first.seq,
            flaw(first.why)
        ),
    };
    let glance = [
        (metrics.turns.to_string(), "questions"),
        (metrics.refused.to_string(), "refused by a rule"),
        (share(metrics.supported, metrics.sentences), "of checked sentences borne out by a source"),
        (ledger.len().to_string(), "attempts to reach outside"),
        (bytes(metrics.bytes_out), "sent"),
    ];
    Report {
        title: format!("What Hearth did, {period}"),
        holds,
        verdict,
        glance: glance.map(|(figure, words)| (figure, words.to_owned())).into(),
        sections: vec![
            integrity(check, anchor, entries),
            policies(entries, policy),
            questions(entries),
            models(entries),
            refusals(entries),
            grants(entries),
            egress(ledger),
            purges(entries),
            replays(entries),
        ],
        foot: format!(
            "Made on {} by Hearth {} from the record of this vault, which was checked first. It holds no question, no answer and no text of a document. Times are UTC.",
            stamp(now),
            env!("CARGO_PKG_VERSION")
        ),
    }
}

fn entries_of(n: u64) -> String {
    count(usize::try_from(n).unwrap_or(usize::MAX), "entry", "entries")
}

fn share(part: u32, whole: u32) -> String {
    if whole == 0 { "none".into() } else { format!("{:.0}%", f64::from(part) * 100.0 / f64::from(whole)) }
}

fn bytes(n: u64) -> String {
    match n {
        0..1_000 => format!("{n} B"),
        1_000..1_000_000 => format!("{:.1} kB", n as f64 / 1e3),
        1_000_000..1_000_000_000 => format!("{:.1} MB", n as f64 / 1e6),
        _ => format!("{:.1} GB", n as f64 / 1e9),
    }
}

fn integrity(check: &AuditCheck, anchor: &Anchor, entries: &[AuditRow]) -> Section {
    let mut rows = vec![
        vec!["Entries in the vault".into(), check.entries.to_string()],
        vec![
            "Entries of this time".into(),
            match (entries.first(), entries.last()) {
                (Some(first), Some(last)) => format!("{} to {} ({})", first.seq, last.seq, entries.len()),
                _ => "none".into(),
            },
        ],
        vec!["Head of the chain".into(), hex(&check.head)],
        vec!["Public key".into(), anchor.public_key.clone()],
        vec![format!("Signed end, {}", stamp(anchor.at_ms)), anchor.signature.clone()],
    ];
    for broken in check.flaws.iter().take(LISTED) {
        let place = if broken.last > broken.seq {
            format!("Entries {} to {}", broken.seq, broken.last)
        } else {
            format!("Entry {}", broken.seq)
        };
        rows.push(vec![place, flaw(broken.why).to_owned()]);
    }
    let set_back = entries.iter().filter(|row| row.kind == "clock.back").count();
    let mut said = vec![
        "Each entry bears the SHA-256 of the one before; the last is signed with Ed25519. Whether entries were taken off the end shows against an anchor kept elsewhere (hearth audit verify --anchor).".to_owned(),
    ];
    if set_back > 0 {
        said.push(format!("The clock of this machine was set back {}.", count(set_back, "time", "times")));
    }
    Section { title: "Integrity", said, columns: vec!["What", "Value"], rows, empty: "" }
}

fn policies(entries: &[AuditRow], before: Option<&AuditRow>) -> Section {
    let noted = before.into_iter().chain(entries.iter().filter(|row| row.kind == crate::activity::POLICY));
    let (mut rows, mut said) = (Vec::new(), Vec::new());
    for row in noted {
        let Some(detail) = &row.detail else { continue };
        let hash = detail.get("sha256").and_then(Value::as_str).unwrap_or_default();
        let word = text(detail, "/policy/mode");
        let mode = hearth_policy::Mode::from_word(&word).map_or(word.as_str(), |mode| mode.name());
        said.push(format!("From {}: {mode}, SHA-256 {hash}.", stamp(row.at_ms)));
        for rule in detail.pointer("/policy/rules").and_then(Value::as_array).into_iter().flatten() {
            let number = rule.get("number").map(Value::to_string).unwrap_or_default();
            rows.push(vec![number, text(rule, "/name"), text(rule, "/sentence")]);
        }
    }
    let columns = vec!["Rule", "Name", "What it says"];
    Section { title: "Rules in force", said, columns, rows, empty: "Which rules held was not noted in this time." }
}

fn text(value: &Value, path: &str) -> String {
    value.pointer(path).and_then(Value::as_str).unwrap_or_default().to_owned()
}

/// How often each combination of words occurs, most frequent first.
fn counted(keys: impl Iterator<Item = Vec<String>>) -> Vec<Vec<String>> {
    let mut counts: BTreeMap<Vec<String>, usize> = BTreeMap::new();
    keys.for_each(|key| *counts.entry(key).or_default() += 1);
    let mut rows: Vec<_> = counts.into_iter().collect();
    rows.sort_by_key(|(_, n)| std::cmp::Reverse(*n));
    rows.into_iter().map(|(key, n)| key.into_iter().chain([n.to_string()]).collect()).collect()
}

fn questions(entries: &[AuditRow]) -> Section {
    let turns = entries.iter().filter(|row| ends_a_turn(row));
    let rows = counted(turns.map(|row| {
        let outcome = match row.kind.as_str() {
            "turn.answered" => "answered",
            "turn.abstained" => "the documents do not say",
            "turn.stopped" => "stopped by a person",
            "turn.failed" => "failed",
            _ => "refused",
        };
        let detail = row.detail.as_ref();
        let of = |path: &str| detail.map(|detail| text(detail, path)).filter(|text| !text.is_empty());
        let kind = match (of("/about/tool"), of("/about/part")) {
            (Some(tool), _) => format!("tool {tool}"),
            (None, Some(part)) if part == "code" => "about code".into(),
            (None, Some(_)) => "about documents".into(),
            (None, None) if detail.is_none() => "erased".into(),
            (None, None) => "not routed".into(),
        };
        let label = of("/about/label").unwrap_or_else(|| "unknown".into());
        vec![outcome.into(), kind, label, of("/model").unwrap_or_else(|| "none".into())]
    }));
    let columns = vec!["Outcome", "Kind", "Highest label", "Model", "Questions"];
    let said = vec!["Counted from what the record says of each question, without its words. Details that were erased in time count as unknown.".into()];
    Section { title: "What was asked", said, columns, rows, empty: "Nothing was asked in this time." }
}

fn models(entries: &[AuditRow]) -> Section {
    let used =
        entries.iter().filter(|row| ends_a_turn(row)).filter_map(|row| row.detail.as_ref()?.get("models")?.as_array());
    let rows = counted(used.flatten().map(|model| {
        let recipe = format!(
            "{}, version {}",
            text(model, "/recipe/name"),
            model.pointer("/recipe/version").map(Value::to_string).unwrap_or_default()
        );
        vec![text(model, "/name"), text(model, "/sha256"), recipe]
    }));
    let columns = vec!["Model", "SHA-256 of its weights", "Recipe", "Questions"];
    Section { title: "Models that wrote", said: Vec::new(), columns, rows, empty: "No model wrote in this time." }
}

/// Entries of some kinds, one by one, without the words that they quote.
fn listed(entries: &[AuditRow], of: impl Fn(&AuditRow) -> bool) -> (Vec<Vec<String>>, Vec<String>) {
    let found: Vec<&AuditRow> = entries.iter().filter(|row| of(row)).collect();
    let rows = found.iter().take(LISTED).map(|row| {
        let what = row.detail.as_ref().map(|detail| text(detail, "/rule")).filter(|rule| !rule.is_empty());
        let about = row.subject.clone().unwrap_or_default().replace(':', " ");
        vec![row.seq.to_string(), stamp(row.at_ms), row.kind.clone(), about, what.unwrap_or_default()]
    });
    let rows = rows.collect();
    let more = found.len().saturating_sub(LISTED);
    (rows, if more > 0 { vec![format!("And {more} more.")] } else { Vec::new() })
}

const ENTRY: [&str; 5] = ["Entry", "When", "Kind", "About", "Rule"];

fn refusals(entries: &[AuditRow]) -> Section {
    let (rows, said) = listed(entries, |row| row.kind == "refused" || row.kind.ends_with(".refused"));
    Section { title: "Refusals", said, columns: ENTRY.into(), rows, empty: "Nothing was refused in this time." }
}

fn grants(entries: &[AuditRow]) -> Section {
    let given = |row: &AuditRow| {
        ["law.", "grant.", "rule.", "policy.", "approval."].iter().any(|head| row.kind.starts_with(head))
            && row.kind != crate::activity::POLICY
    };
    let (rows, said) = listed(entries, given);
    Section {
        title: "Grants and changes of rules",
        said,
        columns: ENTRY.into(),
        rows,
        empty: "Nobody was granted anything beyond the rules in this time, and no rule was changed.",
    }
}

fn egress(ledger: &[LedgerRow]) -> Section {
    let mut sums: BTreeMap<[&str; 4], (u64, u64, u64)> = BTreeMap::new();
    for row in ledger {
        let sum = sums.entry([&row.host, &row.purpose, &row.rule, &row.outcome]).or_default();
        *sum = (sum.0 + 1, sum.1 + row.bytes_out, sum.2 + row.bytes_in);
    }
    let rows = sums.into_iter().map(|(key, (attempts, out, into))| {
        key.iter().map(|word| (*word).to_owned()).chain([attempts.to_string(), bytes(out), bytes(into)]).collect()
    });
    let said = vec!["Every attempt to reach outside is written before it is made, refused ones too. The ledger lies in the same encrypted file; entries of the record hold its rows by their hash.".into()];
    let columns = vec!["Host", "Purpose", "Rule", "Outcome", "Attempts", "Out", "In"];
    Section {
        title: "What went out",
        said,
        columns,
        rows: rows.collect(),
        empty: "Nothing tried to reach outside in this time.",
    }
}

fn purges(entries: &[AuditRow]) -> Section {
    let erased = ["document.purged", "memory.erased", "retention.swept"];
    let (rows, mut said) = listed(entries, |row| erased.contains(&row.kind.as_str()));
    let tombstones = entries.iter().filter(|row| row.detail.is_none()).count();
    said.push(format!(
        "{} of this time had their details erased; each bears a signed tombstone.",
        entries_of(tombstones as u64)
    ));
    Section { title: "What was erased", said, columns: ENTRY.into(), rows, empty: "Nothing was erased in this time." }
}

fn replays(entries: &[AuditRow]) -> Section {
    let replayed = entries.iter().filter(|row| row.kind == "turn.replayed");
    let rows = counted(replayed.map(|row| {
        let verdict = row.detail.as_ref().map(|detail| text(detail, "/verdict")).unwrap_or_default();
        vec![match verdict.as_str() {
            "same" => "the same tokens".into(),
            "differs" => "other tokens".into(),
            "in_part" => "the same tokens, as far as it could be run again".into(),
            "not_run" => "could not be run again".into(),
            _ => "erased".to_owned(),
        }]
    }));
    Section {
        title: "Replays",
        said: Vec::new(),
        columns: vec!["Outcome", "Questions"],
        rows,
        empty: "No question was replayed in this time.",
    }
}

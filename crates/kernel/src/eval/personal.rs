//! Texts with marked personal data: how much of it is found and hidden, and how much of what is found is none.

use super::sets::{Set, text};
use super::{Bench, EvalRow, not_measured};
use hearth_api::Error;
use hearth_policy::content::{Found, Kind, find};
use serde_json::Value;
use std::collections::BTreeMap;

/// What sets call a kind of the house. Types that no line names (nations, organizations, days) are not looked for.
const TYPES: [(&str, Kind); 17] = [
    ("PERSON", Kind::Person),
    ("STREET_ADDRESS", Kind::Address),
    ("ADDRESS", Kind::Address),
    ("ZIP_CODE", Kind::Address),
    ("EMAIL_ADDRESS", Kind::Email),
    ("PHONE_NUMBER", Kind::Phone),
    ("CREDIT_CARD", Kind::Card),
    ("IBAN_CODE", Kind::Account),
    ("IP_ADDRESS", Kind::Network),
    ("DOMAIN_NAME", Kind::Link),
    ("URL", Kind::Link),
    ("US_SSN", Kind::Identity),
    ("US_PASSPORT", Kind::Identity),
    ("US_DRIVER_LICENSE", Kind::Identity),
    ("NATIONAL_ID", Kind::Identity),
    ("DATE_OF_BIRTH", Kind::Birth),
    ("SECRET", Kind::Secret),
];

/// What is counted of a type.
#[derive(Default)]
struct Type {
    marked: usize,
    /// Spans that something of the kind touches.
    found: usize,
    /// Bytes of the spans, and those of them that any finding covers.
    bytes: usize,
    hidden: usize,
}

/// What is counted of a kind: findings, and those of them that touch a span of one of its types.
#[derive(Default)]
struct Findings {
    all: usize,
    right: usize,
}

/// Lines {text, spans: [{type, start, end}]}, places in code points. A row for each type (recall and the share of its bytes
/// that would be hidden) with the precision of its kind.
pub(super) fn spans(bench: &mut Bench<'_>, set: &Set) -> Result<Vec<EvalRow>, Error> {
    let mut types: BTreeMap<&'static str, Type> = BTreeMap::new();
    let mut kinds: BTreeMap<Kind, Findings> = BTreeMap::new();
    for (name, path) in set.files("", ".jsonl") {
        (bench.progress)(&format!("{}: {name}", set.name));
        for line in super::sets::lines(&path)? {
            count(&line, &mut types, &mut kinds);
        }
    }
    if types.is_empty() {
        return Err(not_measured("it marks no kind of personal data that is looked for"));
    }
    let share = |part: usize, of: usize| if of == 0 { f64::NAN } else { part as f64 / of as f64 };
    let row = |(name, counted): (&&'static str, &Type)| {
        let kind = TYPES.iter().find(|(known, _)| known == name).map(|(_, kind)| *kind);
        let findings = kind.and_then(|kind| kinds.get(&kind)).map_or(f64::NAN, |of| share(of.right, of.all));
        let figures = [
            ("precision", findings),
            ("recall", share(counted.found, counted.marked)),
            ("hidden", share(counted.hidden, counted.bytes)),
        ];
        let baseline = set.baseline.as_deref().and_then(|said| super::baseline::part(said, name));
        EvalRow { baseline, ..EvalRow::new(*name, counted.marked, &figures) }
    };
    Ok(types.iter().map(row).collect())
}

fn count(line: &Value, types: &mut BTreeMap<&'static str, Type>, kinds: &mut BTreeMap<Kind, Findings>) {
    let said = text(line, "text");
    let bytes: Vec<usize> = said.char_indices().map(|(at, _)| at).chain([said.len()]).collect();
    let found = find(said);
    let place = |span: &Value, key: &str| {
        let at = span.get(key).and_then(Value::as_u64)?;
        bytes.get(usize::try_from(at).ok()?).copied()
    };
    let marked: Vec<(&'static str, Kind, usize, usize)> = line
        .get("spans")
        .and_then(Value::as_array)
        .into_iter()
        .flatten()
        .filter_map(|span| {
            let (name, kind) = TYPES.iter().find(|(name, _)| *name == text(span, "type"))?;
            Some((*name, *kind, place(span, "start")?, place(span, "end")?))
        })
        .collect();
    let touches = |found: &Found, start: usize, end: usize| found.start < end && start < found.end;
    for (name, kind, start, end) in &marked {
        let counted = types.entry(name).or_default();
        counted.marked += 1;
        counted.found += usize::from(found.iter().any(|one| one.kind == *kind && touches(one, *start, *end)));
        counted.bytes += end.saturating_sub(*start);
        counted.hidden +=
            found.iter().map(|one| one.end.min(*end).saturating_sub(one.start.max(*start))).sum::<usize>();
    }
    for one in &found {
        let counted = kinds.entry(one.kind).or_default();
        counted.all += 1;
        counted.right +=
            usize::from(marked.iter().any(|(_, kind, start, end)| *kind == one.kind && touches(one, *start, *end)));
    }
}

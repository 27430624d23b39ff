//! Files: what is read of them against what should be, and whether hostile ones harm nothing. Each goes through a reader
//! process, as an import does it.

use super::score::{four_words, mean, order, token_f1, words};
use super::sets::{Set, text};
use super::{Bench, EvalRow, baseline, mail, not_measured};
use crate::reader::ReaderError;
use crate::recognize;
use hearth_api::Error;
use hearth_domain::{BlockKind, Document};
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Read;
use std::time::Instant;

/// Files within files that are read too.
const DEPTH: usize = 3;
/// Attachments of one file that are read, at most.
const MOST: usize = 50;
/// The largest packed page of a set, unpacked.
const LARGEST: u64 = 64 << 20;

/// `manifest.jsonl` {file, format, and: expected (a text file, and for pictures fields {name: words} that stand in it; or a
/// mail's parts as JSON), or must_contain and must_not_contain}; or `ground-truth.json` {id: {articleBody}} with
/// `documents/ID.html.gz`.
pub(super) fn texts_read(bench: &mut Bench<'_>, set: &Set) -> Result<Vec<EvalRow>, Error> {
    if set.folder.join("ground-truth.json").is_file() {
        return articles(bench, set);
    }
    let entries = set.lines("manifest.jsonl")?;
    let has = |key: &str| entries.iter().any(|entry| entry.get(key).is_some());
    if has("must_contain") {
        return strings(bench, set, &entries);
    }
    if entries.iter().any(|entry| text(entry, "expected").ends_with(".json")) {
        return mail::parts(bench, set, &entries);
    }
    if has("expected") {
        return expected(bench, set, &entries);
    }
    Err(not_measured("its manifest names no expected text"))
}

/// Reads one file of a set in a reader process.
pub(super) fn read(bench: &mut Bench<'_>, set: &Set, file: &str) -> Result<Document, ReaderError> {
    let bytes = set.bytes(file).map_err(|error| ReaderError::Start(error.message))?;
    read_bytes(bench, file, bytes, None)
}

fn read_bytes(
    bench: &mut Bench<'_>,
    file: &str,
    bytes: Vec<u8>,
    password: Option<&str>,
) -> Result<Document, ReaderError> {
    let name = file.rsplit('/').next().unwrap_or(file);
    (bench.progress)(&format!("reading {name}"));
    recognize::read(bench.house, name, bytes, password, &mut |_, _| true)
}

/// All text of a document and of the files inside it; running headers and footers only where `furniture` is wanted.
fn whole(bench: &mut Bench<'_>, document: &Document, furniture: bool) -> String {
    let mut all = body(document, furniture);
    let mut inside: Vec<(usize, hearth_domain::Attachment)> =
        document.attachments.iter().cloned().map(|file| (1, file)).collect();
    let mut seen = 0;
    while let Some((depth, file)) = inside.pop() {
        seen += 1;
        if seen > MOST {
            break;
        }
        let Ok(child) = read_bytes(bench, &file.name, file.bytes, None) else { continue };
        all.push('\n');
        all.push_str(&body(&child, furniture));
        if depth < DEPTH {
            inside.extend(child.attachments.into_iter().map(|file| (depth + 1, file)));
        }
    }
    all
}

/// The blocks of a document in order.
pub(super) fn body(document: &Document, furniture: bool) -> String {
    let mut all = String::new();
    for page in &document.pages {
        for block in &page.blocks {
            if furniture || block.kind != BlockKind::Furniture {
                let range = block.range.start as usize..block.range.end as usize;
                all.push_str(page.text.get(range).unwrap_or(""));
                all.push('\n');
            }
        }
    }
    all
}

/// The part of a set that a file belongs to: its format; of pictures those with fields (receipts, forms) and those without.
fn format(entry: &Value) -> String {
    if let Some(fields) = entry.get("fields") {
        return if fields.is_object() { "with fields" } else { "pages" }.to_owned();
    }
    match text(entry, "format") {
        "" => text(entry, "file").rsplit('.').next().unwrap_or("").to_lowercase(),
        format => format.to_owned(),
    }
}

fn expected(bench: &mut Bench<'_>, set: &Set, entries: &[Value]) -> Result<Vec<EvalRow>, Error> {
    let mut by_format: BTreeMap<String, (Vec<f64>, Vec<f64>, usize)> = BTreeMap::new();
    let mut fields: BTreeMap<String, Vec<f64>> = BTreeMap::new();
    let mut refusals = BTreeMap::new();
    for entry in entries {
        let want = set.bytes(text(entry, "expected"))?;
        let want = words(&String::from_utf8_lossy(&want));
        let (f1, in_order, refused) = by_format.entry(format(entry)).or_default();
        let got = match read(bench, set, text(entry, "file")) {
            Ok(document) => words(&body(&document, false)),
            Err(error) => {
                *refused += 1;
                *refusals.entry(error.to_string()).or_insert(0) += 1;
                Vec::new()
            }
        };
        f1.push(token_f1(&got, &want));
        in_order.push(order(&got, &want));
        let named = entry.get("fields").and_then(Value::as_object).into_iter().flat_map(|fields| fields.values());
        let found = named.filter_map(Value::as_str).map(|value| f64::from(u8::from(stands_in(&words(value), &got))));
        fields.entry(format(entry)).or_default().extend(found);
    }
    let refused: usize = by_format.values().map(|(.., refused)| refused).sum();
    if refused == entries.len() {
        let why: Option<(String, i32)> = refusals.into_iter().max_by_key(|(_, n)| *n);
        return Err(not_measured(format!("no file of it is read: {}", why.map_or(String::new(), |(why, _)| why))));
    }
    let row = |(format, (f1, in_order, refused)): (String, (Vec<f64>, Vec<f64>, usize))| {
        let mut figures = vec![("token F1", mean(&f1)), ("order", mean(&in_order)), ("not read", refused as f64)];
        if let Some(found) = fields.get(&format).filter(|found| !found.is_empty()) {
            figures.push(("fields", mean(found)));
        }
        beside(set, EvalRow::new(format, f1.len(), &figures))
    };
    Ok(by_format.into_iter().map(row).collect())
}

/// Whether words stand in a text one after the other.
fn stands_in(wanted: &[String], text: &[String]) -> bool {
    wanted.is_empty() || text.windows(wanted.len()).any(|window| window == wanted)
}

/// A row with what the README says of its part.
fn beside(set: &Set, mut row: EvalRow) -> EvalRow {
    row.baseline = set.baseline.as_deref().and_then(|said| baseline::part(said, &row.part));
    row
}

/// White space folded.
pub(super) fn fold(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

fn strings(bench: &mut Bench<'_>, set: &Set, entries: &[Value]) -> Result<Vec<EvalRow>, Error> {
    let mut by_format: BTreeMap<String, [usize; 5]> = BTreeMap::new();
    for entry in entries {
        let (got, refused) = match read(bench, set, text(entry, "file")) {
            Ok(document) => (fold(&whole(bench, &document, true)), 0),
            Err(_) => (String::new(), 1),
        };
        let (must, never) = (super::sets::texts(entry, "must_contain"), super::sets::texts(entry, "must_not_contain"));
        let there = |list: &[String]| list.iter().filter(|s| got.contains(fold(s).as_str())).count();
        let [files, found, wanted, wrong, not_read] = by_format.entry(format(entry)).or_default();
        *files += 1;
        *found += there(&must);
        *wanted += must.len();
        *wrong += there(&never);
        *not_read += refused;
    }
    let row = |(format, [files, found, wanted, wrong, refused]): (String, [usize; 5])| {
        let figures = [
            ("found", found as f64),
            ("of", wanted as f64),
            ("wrongly there", wrong as f64),
            ("not read", refused as f64),
        ];
        beside(set, EvalRow::new(format, files, &figures))
    };
    Ok(by_format.into_iter().map(row).collect())
}

/// Main text of web pages; precision and recall are means over pages, and F1 is of these.
fn articles(bench: &mut Bench<'_>, set: &Set) -> Result<Vec<EvalRow>, Error> {
    let truth: BTreeMap<String, Value> =
        serde_json::from_slice(&set.bytes("ground-truth.json")?).map_err(|error| not_measured(error.to_string()))?;
    let (mut precision, mut recall, mut refused) = (Vec::new(), Vec::new(), 0);
    for (id, entry) in &truth {
        let Ok(packed) = set.bytes(&format!("documents/{id}.html.gz")) else { continue };
        let mut page = Vec::new();
        flate2::read::GzDecoder::new(packed.as_slice())
            .take(LARGEST)
            .read_to_end(&mut page)
            .map_err(|error| not_measured(format!("{id} is not packed as gzip: {error}")))?;
        let got = match read_bytes(bench, &format!("{id}.html"), page, None) {
            Ok(document) => body(&document, false),
            Err(_) => {
                refused += 1;
                String::new()
            }
        };
        let (p, r) = four_words(&got, text(entry, "articleBody"));
        precision.push(p);
        recall.push(r);
    }
    let (p, r) = (mean(&precision), mean(&recall));
    let figures = [("F1", 2.0 * p * r / (p + r)), ("precision", p), ("recall", r), ("not read", f64::from(refused))];
    Ok(vec![EvalRow::new("", precision.len(), &figures)])
}

/// `manifest.jsonl` {file, kind, password}: what comes of each file, and how long the longest took. Whatever happens to a
/// reader is its own; that the house goes on is what is measured.
pub(super) fn harmless(bench: &mut Bench<'_>, set: &Set) -> Result<Vec<EvalRow>, Error> {
    let mut by_kind: BTreeMap<String, [f64; 7]> = BTreeMap::new();
    for entry in set.lines("manifest.jsonl")? {
        let bytes = set.bytes(text(&entry, "file"))?;
        let password = entry.get("password").and_then(Value::as_str);
        let began = Instant::now();
        let outcome = read_bytes(bench, text(&entry, "file"), bytes, password);
        let took = began.elapsed().as_secs_f64();
        for kind in ["", text(&entry, "kind")] {
            let [files, some, empty, refused, died, late, longest] = by_kind.entry(kind.to_owned()).or_default();
            *files += 1.0;
            *longest = longest.max(took);
            match &outcome {
                Ok(document) if body(document, true).trim().is_empty() => *empty += 1.0,
                Ok(_) => *some += 1.0,
                Err(ReaderError::Read(_) | ReaderError::Scanned(_)) => *refused += 1.0,
                Err(ReaderError::Timeout(_)) => *late += 1.0,
                Err(_) => *died += 1.0,
            }
        }
    }
    let row = |(kind, [files, some, empty, refused, died, late, longest]): (String, [f64; 7])| {
        let figures = [
            ("read", some),
            ("read without text", empty),
            ("refused with a reason", refused),
            ("ended their reader", died),
            ("stopped as too slow", late),
            ("longest s", longest),
        ];
        EvalRow::new(kind, files as usize, &figures)
    };
    Ok(by_kind.into_iter().map(row).collect())
}

//! Entries of the record as files: JSON lines, CSV, and spans for OpenTelemetry. No text of documents is ever in them, and
//! questions and answers only where that is asked for.

pub(crate) mod otlp;

use crate::activity::hex;
use crate::clock::now_ms;
use crate::error;
use crate::kernel::{House, Open};
use crate::view::count;
use base64::Engine as _;
use hearth_api::{Error, ErrorCode, ExportFormat, ExportedFile};
use hearth_domain::Label;
use hearth_store::{AuditRow, Entry};
use serde_json::{Value, json};
use std::ops::Range;

/// Entries read at a time.
const PAGE: usize = 500;

/// What is to leave.
pub(crate) struct Wanted {
    pub(crate) text: Option<String>,
    /// From its start, before its end.
    pub(crate) time: Range<i64>,
    /// Whether the words of questions and answers may.
    pub(crate) content: bool,
    /// Whether a person said yes to what a rule asks about.
    pub(crate) confirmed: bool,
}

/// Makes a file, and notes in the record that it was made.
pub(crate) fn export(house: &House, open: &Open, format: ExportFormat, wanted: &Wanted) -> Result<ExportedFile, Error> {
    let entries = entries(open, wanted)?;
    house.law.may_export(guarded(&entries, wanted.content), wanted.confirmed)?;
    let (text, ending, mime) = match format {
        ExportFormat::Jsonl => (jsonl(&entries, wanted.content), "jsonl", "application/jsonl"),
        ExportFormat::Csv => (csv(&entries, wanted.content), "csv", "text/csv"),
        ExportFormat::Otlp => {
            let spans = otlp::traces(open, &entries, wanted.content)?;
            (serde_json::to_string_pretty(&spans).unwrap_or_default(), "otlp.json", "application/json")
        }
    };
    let with = if wanted.content { "with questions and answers" } else { "without questions and answers" };
    let sentence = format!("{} of the record, {with}", count(entries.len(), "entry", "entries"));
    let (first, last) = (entries.first().map(|row| row.seq), entries.last().map(|row| row.seq));
    let detail = json!({ "format": format, "entries": entries.len(), "first": first, "last": last, "content": wanted.content,
        "sha256": crate::turn::call::sha256_of(text.as_bytes()) });
    noted(house, open, "record.exported", format!("Exported {sentence}"), detail)?;
    let name = format!("hearth-record-{}.{ending}", crate::clock::date_of(now_ms()));
    Ok(file(name, mime, text.as_bytes(), sentence))
}

/// How guarded entries are: without words like anything of the house, with them like the questions that they tell of.
fn guarded(entries: &[AuditRow], content: bool) -> Label {
    let of = |row: &AuditRow| serde_json::from_value(row.detail.as_ref()?.get("label")?.clone()).ok();
    let labels = entries.iter().filter(|_| content).filter_map(of);
    labels.fold(Label::Internal, Label::max)
}

/// Bytes as a file for a person.
pub(crate) fn file(name: String, mime: &str, bytes: &[u8], sentence: String) -> ExportedFile {
    let base64 = base64::engine::general_purpose::STANDARD.encode(bytes);
    ExportedFile { name, mime: mime.to_owned(), base64, sentence }
}

/// Notes that something left the record as a file. Where that fails, nothing leaves.
pub(crate) fn noted(
    house: &House,
    open: &Open,
    kind: &'static str,
    sentence: String,
    detail: Value,
) -> Result<(), Error> {
    let entry = Entry { at_ms: now_ms(), kind, sentence, subject: None, detail };
    open.store.record(entry, |_| Ok(())).map_err(error::store)?;
    house.events.stale(&["ListActivity"]);
    Ok(())
}

/// Entries in order, oldest first.
fn entries(open: &Open, wanted: &Wanted) -> Result<Vec<AuditRow>, Error> {
    open.store
        .read(|reader| {
            let (mut all, mut before) = (Vec::new(), None);
            loop {
                let page = reader.audit_within(before, PAGE, wanted.text.as_deref(), wanted.time.clone())?;
                let full = page.len() == PAGE;
                before = page.last().map(|row| row.seq);
                all.extend(page);
                if !full {
                    all.reverse();
                    return Ok(all);
                }
            }
        })
        .map_err(error::store)
}

/// A sentence without the words that it quotes, and without what a memory says.
fn sentence(row: &AuditRow, content: bool) -> String {
    if content {
        return row.sentence.clone();
    }
    if row.kind.starts_with("memory.") {
        return String::new();
    }
    match (row.sentence.find('“'), row.sentence.rfind('”')) {
        (Some(start), Some(end)) if start < end => {
            let (head, tail) = (row.sentence.get(..start), row.sentence.get(end + '”'.len_utf8()..));
            format!("{}“…”{}", head.unwrap_or_default(), tail.unwrap_or_default())
        }
        _ => row.sentence.clone(),
    }
}

fn jsonl(entries: &[AuditRow], content: bool) -> String {
    let mut text = String::new();
    for row in entries {
        let memory = row.kind.starts_with("memory.") && !content;
        let line = json!({ "seq": row.seq, "at": stamp(row.at_ms), "at_ms": row.at_ms, "kind": row.kind,
            "subject": row.subject, "sentence": sentence(row, content),
            "detail": row.detail.as_ref().filter(|_| !memory), "purged": row.detail.is_none(),
            "hash": hex(&row.hash), "previous": hex(&row.previous) });
        text.push_str(&line.to_string());
        text.push('\n');
    }
    text
}

/// Rows as RFC 4180 has them.
fn csv(entries: &[AuditRow], content: bool) -> String {
    let mut text =
        String::from("seq,at,kind,subject,sentence,took_ms,model,prompt_tokens,new_tokens,hash,previous\r\n");
    for row in entries {
        let detail = |name: &str| match row.detail.as_ref().and_then(|detail| detail.get(name)) {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) => text.clone(),
            Some(other) => other.to_string(),
        };
        let cells = [
            row.seq.to_string(),
            stamp(row.at_ms),
            row.kind.clone(),
            row.subject.clone().unwrap_or_default(),
            sentence(row, content),
            detail("took_ms"),
            detail("model"),
            detail("prompt_tokens"),
            detail("new_tokens"),
            hex(&row.hash),
            hex(&row.previous),
        ];
        text.push_str(&cells.map(|cell| quoted(&cell)).join(","));
        text.push_str("\r\n");
    }
    text
}

/// A cell, quoted where it must be. What a spreadsheet would compute is made text.
fn quoted(cell: &str) -> String {
    let formula = cell.starts_with(['=', '+', '-', '@', '\t', '\r']);
    let cell = if formula { format!("'{cell}") } else { cell.to_owned() };
    if cell.contains([',', '"', '\n', '\r']) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell }
}

/// A moment as `2026-11-22T10:42:07.031Z`.
pub(crate) fn stamp(at_ms: i64) -> String {
    const DAY_MS: i64 = 24 * 60 * 60 * 1000;
    let in_day = at_ms.rem_euclid(DAY_MS);
    let (h, m, s, ms) = (in_day / 3_600_000, in_day / 60_000 % 60, in_day / 1000 % 60, in_day % 1000);
    format!("{}T{h:02}:{m:02}:{s:02}.{ms:03}Z", crate::clock::date_of(at_ms))
}

/// Keeps a file that was made for a person where they choose.
pub(crate) fn save(house: &House, file: &ExportedFile) -> Result<Option<String>, Error> {
    house.open()?;
    let dialogs = house.config.dialogs.clone().ok_or_else(|| {
        Error::new(ErrorCode::Unavailable, "This window has no file dialogs.")
            .hint("The browser saves files by itself.")
    })?;
    let bytes = base64::engine::general_purpose::STANDARD
        .decode(&file.base64)
        .map_err(|_| Error::new(ErrorCode::Invalid, "This file is not whole."))?;
    // What a page calls a file is a name, never a path.
    let name = file.name.rsplit(['/', '\\']).next().unwrap_or_default();
    let Some(path) = dialogs.save(name) else { return Ok(None) };
    std::fs::write(&path, bytes).map_err(|why| error::io(&why, "write", &path))?;
    Ok(Some(path.display().to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn row(kind: &str, sentence: &str) -> AuditRow {
        AuditRow {
            seq: 7,
            at_ms: 1_795_305_600_031,
            kind: kind.into(),
            sentence: sentence.into(),
            subject: Some("turn:3".into()),
            detail: Some(json!({ "took_ms": 12, "model": "A, \"B\"", "text": "x" })),
            hash: [1; 32],
            previous: [0; 32],
        }
    }

    #[test]
    fn questions_stay_here_unless_they_are_asked_for() {
        let asked = row("turn.answered", "Answered “What does “X” cost?”");
        assert_eq!(sentence(&asked, false), "Answered “…”");
        assert_eq!(sentence(&asked, true), asked.sentence);
        let kept = row("memory.kept", "Remembered that the key is blue");
        assert!(!jsonl(std::slice::from_ref(&kept), false).contains("blue"));
        assert!(!jsonl(std::slice::from_ref(&kept), false).contains("\"text\""), "nor in its detail");
        assert!(jsonl(&[kept], true).contains("blue"));
    }

    #[test]
    fn rows_are_what_a_spreadsheet_reads() {
        let text = csv(&[row("turn.answered", "=HYPERLINK(1)\nnext")], true);
        let expected = format!(
            "7,2026-11-22T00:00:00.031Z,turn.answered,turn:3,\"'=HYPERLINK(1)\nnext\",12,\"A, \"\"B\"\"\",,,{},{}\r\n",
            "01".repeat(32),
            "00".repeat(32)
        );
        assert_eq!(text.split_once("\r\n").unwrap().1, expected);
    }
}

//! The compliance report of a time: made from the record alone, after the record was checked. It says what rules were in
//! force, what kinds of things were asked, what was refused, erased and sent, which models wrote, and whether the record
//! holds. It holds no question, no answer and no text of a document.

mod figures;
mod html;
mod pdf;

use crate::export::{file, noted};
use crate::kernel::{House, Open};
use crate::{clock, error, metrics};
use figures::figures;
use hearth_api::{Error, ErrorCode, ExportedFile, ReportFormat};
use std::ops::Range;

/// One part of the report: a heading, what it says, a table.
#[derive(Debug, Clone, Default, PartialEq)]
struct Section {
    title: &'static str,
    /// Sentences below it.
    said: Vec<String>,
    /// Names of the columns; none where there is no table.
    columns: Vec<&'static str>,
    rows: Vec<Vec<String>>,
    /// What stands in place of a table without rows.
    empty: &'static str,
}

/// The whole report, whatever form it takes.
#[derive(Debug, Clone, PartialEq)]
struct Report {
    title: String,
    /// Whether the record holds, and what that rests on.
    holds: bool,
    verdict: String,
    /// Large figures with their words.
    glance: Vec<(String, String)>,
    sections: Vec<Section>,
    /// What it is and is not.
    foot: String,
}

/// Makes the report, and notes that it was made.
pub(crate) fn report(
    house: &House,
    open: &Open,
    format: ReportFormat,
    time: Range<i64>,
) -> Result<ExportedFile, Error> {
    if time.start >= time.end {
        return Err(Error::new(ErrorCode::Invalid, "The report would end before it begins.")
            .hint("Give a first and a last day."));
    }
    house.law.may_export(hearth_domain::Label::Internal, false)?;
    let check = open.store.verify_audit().map_err(error::store)?;
    let anchor = crate::activity::anchor(open)?;
    let (entries, ledger, policy) = open
        .store
        .read(|reader| {
            let before = reader.audit_within(None, 1, Some(crate::activity::POLICY), i64::MIN..time.start)?;
            Ok((
                reader.audit_between(time.start, time.end)?,
                reader.ledger_between(time.start, time.end)?,
                before.into_iter().next(),
            ))
        })
        .map_err(error::store)?;
    let computed = metrics::computed(&entries, &ledger, time.clone(), 0);
    let made = figures(&time, clock::now_ms(), (&check, &anchor), &entries, policy.as_ref(), &ledger, &computed);
    let (bytes, ending, mime) = match format {
        ReportFormat::Html => (html::page(&made).into_bytes(), "html", "text/html"),
        ReportFormat::Pdf => (pdf::document(&made), "pdf", "application/pdf"),
    };
    let period = format!("{} to {}", clock::date_of(time.start), clock::date_of(time.end - 1));
    let sha256 = crate::turn::call::sha256_of(&bytes);
    noted(
        house,
        open,
        "report.made",
        format!("Made a compliance report of {period}"),
        serde_json::json!({ "format": format, "from_ms": time.start, "until_ms": time.end, "sha256": sha256,
            "intact": check.flaws.is_empty() }),
    )?;
    let name = format!("hearth-report-{}-{}.{ending}", clock::date_of(time.start), clock::date_of(time.end - 1));
    Ok(file(name, mime, &bytes, format!("Compliance report of {period}")))
}

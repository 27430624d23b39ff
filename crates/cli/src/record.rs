//! The record at a terminal: `hearth audit`, `metrics`, `report`; and `hearth doctor`, what this machine says of itself.

use crate::arguments::{Audit, FormatName, Period};
use crate::end::End;
use crate::house::{self, House, Place};
use crate::out::{Out, size};
use base64::Engine as _;
use hearth_api::{
    Anchor, CheckAnchor, Error, ErrorCode, ExportRecord, ExportedFile, Finding, GetCollector, GetDoctor, GetMetrics,
    Handler, MakeAnchor, MakeReport, Metrics, RepairVault, ReportFormat, SetCollector, VerifyAudit,
};
use std::path::Path;

/// `hearth audit`.
pub(crate) fn audit(kernel: &House, what: Audit, out: &Out) -> Result<End, Error> {
    match what {
        Audit::Verify { anchor } => verify(kernel, anchor.as_deref(), out),
        Audit::Anchor { out: file } => {
            let anchor = kernel.handle(MakeAnchor {})?;
            let text = format!("{}\n", serde_json::to_string_pretty(&anchor).unwrap_or_default());
            write(file.as_deref(), text.as_bytes(), out)?;
            if let Some(file) = file {
                out.line(format!(
                    "The end of the record after {} entries is in {}. Keep it elsewhere.",
                    anchor.entries,
                    file.display()
                ));
            }
            Ok(End::Done)
        }
        Audit::Collector { address } => {
            let shown = match address {
                None => kernel.handle(GetCollector {})?,
                Some(address) => kernel.handle(SetCollector { address: (address != "off").then_some(address) })?,
            };
            out.value(&shown);
            if let Some(address) = &shown.address {
                out.line(address);
            }
            out.line(&shown.sentence);
            Ok(if shown.works == Some(false) { End::Failed } else { End::Done })
        }
        Audit::Export { format, out: file, text, period, content } => {
            let made = export(kernel, format, text, period, content)?;
            write(file.as_deref(), &bytes(&made)?, out)?;
            out.note(&format!("{}.", made.sentence));
            Ok(End::Done)
        }
    }
}

fn export(
    kernel: &House,
    format: FormatName,
    text: Option<String>,
    period: Period,
    content: bool,
) -> Result<ExportedFile, Error> {
    let (from_ms, until_ms) = (period.from, period.until_ms());
    kernel.handle(ExportRecord { format: format.into(), text, from_ms, until_ms, content, confirmed: content })
}

/// Checks the whole chain, and compares it with an anchor.
fn verify(kernel: &House, anchor: Option<&Path>, out: &Out) -> Result<End, Error> {
    let check = kernel.handle(VerifyAudit {})?;
    if check.flaws.is_empty() {
        out.line(format!("The record holds: {} entries, head {}", check.entries, check.head));
    }
    for broken in &check.flaws {
        let place = match broken.last > broken.seq {
            true => format!("entries {} to {}", broken.seq, broken.last),
            false => format!("entry {}", broken.seq),
        };
        out.line(format!("The record is broken at {place}: {}", broken.why));
    }
    let compared = match anchor {
        None => None,
        Some(file) => {
            let text = std::fs::read_to_string(file)
                .map_err(|why| Error::new(ErrorCode::NotFound, format!("{} cannot be read: {why}.", file.display())))?;
            let anchor: Anchor = serde_json::from_str(&text).map_err(|why| {
                Error::new(ErrorCode::Invalid, format!("{} is no anchor: {why}.", file.display()))
                    .hint("Name the file that `hearth audit anchor` wrote.")
            })?;
            let compared = kernel.handle(CheckAnchor { anchor })?;
            out.line(&compared.sentence);
            Some(compared)
        }
    };
    // The check as the door gives it, and beside it what the anchor says.
    let mut value = serde_json::to_value(&check).unwrap_or_default();
    if let (Some(value), Some(compared)) = (value.as_object_mut(), &compared) {
        value.insert("anchor".to_owned(), serde_json::to_value(compared).unwrap_or_default());
    }
    out.value(&value);
    let holds = check.flaws.is_empty() && compared.is_none_or(|compared| compared.holds);
    Ok(if holds { End::Done } else { End::Failed })
}

/// `hearth metrics`.
pub(crate) fn metrics(kernel: &House, period: Period, out: &Out) -> Result<End, Error> {
    let figures = kernel.handle(GetMetrics { from_ms: period.from, until_ms: period.until_ms() })?;
    out.value(&figures);
    let Metrics { turns, answered, abstained, refused, failed, .. } = figures;
    out.line(format!(
        "Questions: {turns} ({answered} answered, {abstained} not in the documents, {refused} refused, {failed} failed)"
    ));
    out.line(format!(
        "From question to end: half within {} ms, 95 of 100 within {} ms",
        figures.total_p50_ms, figures.total_p95_ms
    ));
    for station in &figures.stations {
        out.line(format!(
            "  {:<10}{:>8} ms {:>8} ms {:>6} times",
            station.name, station.p50_ms, station.p95_ms, station.count
        ));
    }
    out.line(format!(
        "Tokens: {} read ({} from the cache), {} written",
        figures.prompt_tokens, figures.cached_tokens, figures.new_tokens
    ));
    out.line(format!("Sentences: {} of {} borne out by a source", figures.supported, figures.sentences));
    out.line(format!("Tools: {} of {} answered", figures.tools_done, figures.tools));
    out.line(format!("Outside: {} attempts, {} sent", figures.attempts, size(figures.bytes_out)));
    out.line(format!("Memory now: {}", size(figures.memory_bytes)));
    Ok(End::Done)
}

/// `hearth report`.
pub(crate) fn report(kernel: &House, period: Period, file: &Path, out: &Out) -> Result<End, Error> {
    let format = match file.extension().and_then(|ending| ending.to_str()).map(str::to_lowercase).as_deref() {
        Some("html") => ReportFormat::Html,
        Some("pdf") => ReportFormat::Pdf,
        _ => {
            return Err(Error::new(
                ErrorCode::Invalid,
                format!("{} ends neither in .html nor in .pdf.", file.display()),
            )
            .hint("The ending says which form the report has."));
        }
    };
    let figures = kernel.handle(GetMetrics { from_ms: period.from, until_ms: period.until_ms() })?;
    let made = kernel.handle(MakeReport { format, from_ms: figures.from_ms, until_ms: figures.until_ms })?;
    write(Some(file), &bytes(&made)?, out)?;
    out.line(format!("{} in {}", made.sentence, file.display()));
    Ok(End::Done)
}

fn bytes(file: &ExportedFile) -> Result<Vec<u8>, Error> {
    let engine = base64::engine::general_purpose::STANDARD;
    engine.decode(&file.base64).map_err(|why| Error::new(ErrorCode::Internal, format!("The file came damaged: {why}.")))
}

/// Writes a file, or to stdout where none is named.
fn write(file: Option<&Path>, bytes: &[u8], out: &Out) -> Result<(), Error> {
    match file {
        Some(file) => std::fs::write(file, bytes)
            .map_err(|why| Error::new(ErrorCode::Unavailable, format!("{} cannot be written: {why}.", file.display()))),
        None => {
            out.raw(bytes);
            Ok(())
        }
    }
}

/// Lists what works here and what does not; exit code 1 when something does not. The vault is looked into where it opens
/// without asking anybody.
pub(crate) fn doctor(kernel: &House, out: &Out) -> Result<End, Error> {
    let opened = house::unlock_unasked(kernel);
    let mut findings = kernel.handle(GetDoctor {})?;
    if let Err(error) = opened
        && let Some(vault) = findings.iter_mut().find(|finding| finding.name == "vault")
    {
        (vault.works, vault.detail) = (false, error.to_string());
    }
    list(&findings, out)
}

/// Rebuilds a damaged vault; exit code 1 when something was lost.
pub(crate) fn repair(place: Place, out: &Out) -> Result<End, Error> {
    let folder = place.folder();
    let beyond = |error: Error| match error.code {
        ErrorCode::Damaged => Error::new(ErrorCode::Damaged, format!("{} It cannot be rebuilt.", error.message))
            .hint(beyond_repair(&folder)),
        _ => error,
    };
    let kernel = place.start_kept()?;
    let mut findings = Vec::new();
    match house::unlock(&kernel, out) {
        Err(error) if error.code == ErrorCode::Damaged => {
            findings = house::rebuild(&kernel).map_err(beyond)?;
            house::unlock(&kernel, out).map_err(beyond)?;
        }
        opened => opened?,
    }
    let repaired = kernel.handle(RepairVault {}).map_err(beyond)?;
    // After one rebuilding there is nothing more to say of a whole vault.
    let rebuilt = !findings.is_empty();
    findings.extend(repaired.into_iter().filter(|one| !rebuilt || one.name != "vault" || !one.works));
    list(&findings, out)
}

/// What to do where a vault cannot be rebuilt.
fn beyond_repair(folder: &Path) -> String {
    let folder = folder.display();
    format!(
        "Nothing was changed: the damaged files are kept in {folder}. If you have a backup of that folder, put its \
         hearth.db, vault.json and kv back in their place, with no hearth.db-wal and hearth.db-shm beside them. Otherwise \
         begin a new vault: move hearth.db, vault.json and kv out of {folder} to keep them, then import your documents \
         again (`hearth import`); the models need not be fetched again."
    )
}

fn list(findings: &[Finding], out: &Out) -> Result<End, Error> {
    out.value(&findings);
    for finding in findings {
        out.line(format!("{}  {}: {}", if finding.works { "yes" } else { "no " }, finding.name, finding.detail));
    }
    Ok(if findings.iter().all(|finding| finding.works) { End::Done } else { End::Failed })
}

//! One file over the network, into its part: continued where it was cut, tried again where that may help.

use crate::cancel::Cancel;
use crate::error::DownloadError;
use crate::gate::{Gate, GateError, Get};
use crate::keep::{Expected, Part};
use crate::law::Purpose;
use hearth_domain::BlobHash;
use std::future::Future;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// How often the person's wish to stop is looked at while nothing arrives.
const GLANCE: Duration = Duration::from_millis(80);
/// Tries in a row that bring nothing before a source is given up.
const FRUITLESS: u32 = 3;

/// Fetches one file into `folder`. `report` hears how many bytes are there.
pub(crate) async fn file(
    gate: &Gate,
    url: &str,
    folder: &Path,
    expected: &Expected,
    cancel: &Cancel,
    report: &mut dyn FnMut(u64),
) -> Result<(PathBuf, BlobHash), DownloadError> {
    let mut part = Part::open(folder, expected, cancel)?;
    // A try counts as fruitful when more is there than ever before; a server that starts over each time wears out.
    let (mut fruitless, mut most) = (0, part.len());
    report(part.len());
    while part.len() < expected.size {
        let trouble = match one_go(gate, url, &mut part, expected, cancel, report).await {
            Ok(()) => None,
            Err(error) if error.may_pass() => Some(error),
            Err(error) => return Err(error),
        };
        if part.len() >= expected.size {
            break;
        }
        fruitless = if part.len() > most { 0 } else { fruitless + 1 };
        most = most.max(part.len());
        match trouble {
            Some(error) if fruitless >= FRUITLESS => return Err(error),
            None if fruitless >= FRUITLESS => break,
            _ => {}
        }
        let pause = gate.settings().pause.saturating_mul(1 << fruitless);
        unless_cancelled(cancel, tokio::time::sleep(pause)).await?;
    }
    report(part.len());
    part.finish(expected)
}

async fn one_go(
    gate: &Gate,
    url: &str,
    part: &mut Part,
    expected: &Expected,
    cancel: &Cancel,
    report: &mut dyn FnMut(u64),
) -> Result<(), DownloadError> {
    let from = part.len();
    // One byte more than expected may arrive, so that a longer file is seen as such.
    let limit_bytes = expected.size.saturating_add(1);
    let get = Get { purpose: Purpose::ModelDownload, url: url.to_owned(), from, limit_bytes };
    let mut reply = unless_cancelled(cancel, gate.get(&get)).await?.map_err(|error| too_large(error, expected))?;
    match (reply.status(), reply.range()) {
        (200, _) if from > 0 => part.restart()?,
        (200, _) => {}
        (206, Some((first, whole))) if first == from && whole.is_none_or(|whole| whole == expected.size) => {}
        (206, Some((_, Some(whole)))) if whole != expected.size => {
            return Err(DownloadError::Size { file: expected.name.clone(), expected: expected.size, found: whole });
        }
        // The other side means another stretch than was asked for, or has less than is there: begin anew.
        (206 | 416, _) => return part.restart(),
        (404, _) => return Err(DownloadError::Missing { file: expected.name.clone(), place: host_of(url) }),
        (status, _) => return Err(DownloadError::Status { place: host_of(url), status }),
    }
    let mut reported = part.len();
    loop {
        let next = unless_cancelled(cancel, reply.chunk()).await?;
        let Some(bytes) = next.map_err(|error| too_large(error, expected))? else { return Ok(()) };
        part.write(&bytes)?;
        if part.len() - reported.min(part.len()) >= 1 << 19 {
            reported = part.len();
            report(reported);
        }
    }
}

/// A reply over the limit is a file of another size.
fn too_large(error: GateError, expected: &Expected) -> DownloadError {
    match error {
        GateError::TooLarge(limit) => {
            DownloadError::Size { file: expected.name.clone(), expected: expected.size, found: limit }
        }
        other => other.into(),
    }
}

fn host_of(url: &str) -> String {
    let rest = url.split_once("://").map_or(url, |(_, rest)| rest);
    rest.split('/').next().unwrap_or_default().to_owned()
}

/// Waits for a future, and looks up now and then.
pub(crate) async fn unless_cancelled<F: Future>(cancel: &Cancel, future: F) -> Result<F::Output, DownloadError> {
    let mut future = std::pin::pin!(future);
    loop {
        if cancel.is_cancelled() {
            return Err(DownloadError::Cancelled);
        }
        if let Ok(output) = tokio::time::timeout(GLANCE, &mut future).await {
            return Ok(output);
        }
    }
}

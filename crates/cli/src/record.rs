//! `hearth audit verify` and `hearth doctor`: what the record and this machine say of themselves.

use crate::end::End;
use crate::house::House;
use crate::out::Out;
use hearth_api::{Error, Finding, GetDoctor, Handler, RepairVault, VerifyAudit};

/// Checks the whole chain of the record.
pub(crate) fn verify(kernel: &House, out: &Out) -> Result<End, Error> {
    let check = kernel.handle(VerifyAudit {})?;
    out.value(&check);
    match &check.broken {
        None => {
            out.line(format!("The record holds: {} entries, head {}", check.entries, check.head));
            Ok(End::Done)
        }
        Some(broken) => {
            out.line(format!("The record is broken at entry {}: {}", broken.seq, broken.why));
            Ok(End::Failed)
        }
    }
}

/// Lists what works here and what does not; exit code 1 when something does not.
pub(crate) fn doctor(kernel: &House, out: &Out) -> Result<End, Error> {
    list(&kernel.handle(GetDoctor {})?, out)
}

/// Rebuilds a damaged vault; exit code 1 when something was lost.
pub(crate) fn repair(kernel: &House, out: &Out) -> Result<End, Error> {
    list(&kernel.handle(RepairVault {})?, out)
}

fn list(findings: &[Finding], out: &Out) -> Result<End, Error> {
    out.value(&findings);
    for finding in findings {
        out.line(format!("{}  {}: {}", if finding.works { "yes" } else { "no " }, finding.name, finding.detail));
    }
    Ok(if findings.iter().all(|finding| finding.works) { End::Done } else { End::Failed })
}

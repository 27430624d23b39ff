//! `hearth doctor --prove-offline` and `--check-proof`: makes and checks the signed report. The proving is the kernel's.

use crate::end::End;
use crate::house::Place;
use crate::out::Out;
use hearth_api::{Error, ErrorCode};
use hearth_kernel::{ProofPlan, Report, check_proof, prove_offline, window_program};
use std::path::Path;

/// Proves and writes the report beside what it says; exit code 1 when it does not hold.
pub(crate) fn prove(place: Place, file: &Path, out: &Out) -> Result<End, Error> {
    let failed = |what: &str, why: std::io::Error| Error::new(ErrorCode::Internal, format!("{what}: {why}."));
    let program = std::env::current_exe().map_err(|why| failed("This program was not found", why))?;
    let models_dir = place.models_dir.unwrap_or_else(|| place.data_dir.join("models"));
    let window = window_program(&program);
    let plan = ProofPlan { program, window, models_dir, data_dir: place.data_dir };
    let proof = prove_offline(&plan, &mut |doing| out.doing(doing))?;
    out.doing("");
    let text = serde_json::to_string_pretty(&proof).unwrap_or_default();
    std::fs::write(file, text).map_err(|why| failed(&format!("{} was not written", file.display()), why))?;
    out.value(&proof);
    tell(&proof.report, out);
    out.line(format!("Signed report: {}", file.display()));
    Ok(if proof.report.holds { End::Done } else { End::Failed })
}

/// Checks a report; exit code 1 when it was changed or says that it does not hold.
pub(crate) fn check(file: &Path, out: &Out) -> Result<End, Error> {
    let bytes = std::fs::read(file)
        .map_err(|why| Error::new(ErrorCode::Invalid, format!("{} could not be read: {why}.", file.display())))?;
    let (report, signer) = check_proof(&bytes)?;
    out.value(&report);
    tell(&report, out);
    out.line(format!("The report is as it was signed, by the house {signer}."));
    Ok(if report.holds { End::Done } else { End::Failed })
}

fn tell(report: &Report, out: &Out) {
    let day = hearth_kernel::date_of(report.made_ms);
    out.line(format!("Hearth {} on {}, {day}, in {}", report.version, report.system, report.namespace));
    out.line(report.tracer.as_deref().unwrap_or("No tracer is installed (strace): attempts were not counted."));
    for step in &report.steps {
        let sign = if step.right && step.outward.is_empty() { "yes" } else { "no " };
        out.line(format!("{sign}  {}: {}", step.what, step.said));
        step.outward.iter().for_each(|line| out.line(format!("       {line}")));
    }
    out.line(&report.sentence);
}

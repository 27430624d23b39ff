//! A proof that this program works without reaching out: import, questions, tools and the window run in a network namespace
//! that leads nowhere, under a tracer that sees every attempt, with documents that ask to be fetched from. What came of it
//! is a report, signed with the key of this house, that anybody can check.

mod bait;
mod run;

use crate::clock::now_ms;
use crate::error;
use hearth_api::{Error, ErrorCode};
use hearth_egress::Seal;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// What a signature over a report begins with.
const DOMAIN: &str = "hearth offline proof 1\n";

/// What is proven, and with what.
pub struct ProofPlan {
    /// The `hearth` program.
    pub program: PathBuf,
    /// The program of the window, where there is one.
    pub window: Option<PathBuf>,
    /// Where models are kept.
    pub models_dir: PathBuf,
    /// The folder with the key of this house.
    pub data_dir: PathBuf,
}

/// A report with its signature.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Proof {
    /// What was seen.
    pub report: Report,
    /// The signature over the report's compact JSON.
    pub seal: Seal,
}

/// What was seen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Report {
    /// The version of this form: 1.
    pub format: u32,
    /// When, in milliseconds since 1970 (UTC).
    pub made_ms: i64,
    /// The program: version and SHA-256.
    pub version: String,
    /// SHA-256 of the program.
    pub sha256: String,
    /// The system that it ran on.
    pub system: String,
    /// What kept it from the network.
    pub namespace: String,
    /// What saw every attempt; none where no tracer is installed.
    pub tracer: Option<String>,
    /// What was done.
    pub steps: Vec<Step>,
    /// Whether every step ended as it should and none reached out.
    pub holds: bool,
    /// The same in words.
    pub sentence: String,
}

/// One thing that was done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Step {
    /// What.
    pub what: String,
    /// Whether it ended as it should: done, or refused where it would have had to reach out.
    pub right: bool,
    /// What it said at its end, in short.
    pub said: String,
    /// Every attempt to reach another machine, or a name server, as the tracer wrote it.
    pub outward: Vec<String>,
}

/// Runs everything and signs what was seen. `progress` hears what is being done. Blocks for a minute or so.
///
/// # Errors
/// `Unavailable` where this system has no network namespaces.
pub fn prove_offline(plan: &ProofPlan, progress: &mut dyn FnMut(&str)) -> Result<Proof, Error> {
    let folder = std::env::temp_dir().join(format!("hearth-proof-{}", std::process::id()));
    let result = run::all(plan, &folder, progress);
    let _ = std::fs::remove_dir_all(&folder);
    let (namespace, tracer, steps) = result?;
    let attempts: usize = steps.iter().map(|step| step.outward.len()).sum();
    let wrong: Vec<&str> = steps.iter().filter(|step| !step.right).map(|step| step.what.as_str()).collect();
    let holds = attempts == 0 && wrong.is_empty() && tracer.is_some();
    let sentence = match (attempts, wrong.as_slice(), &tracer) {
        (0, [], Some(_)) => format!("{} things were done, and none tried to reach another machine.", steps.len()),
        (0, [], None) => "Everything worked without a network, but no tracer was there to count attempts.".to_owned(),
        (0, wrong, _) => {
            format!("Nothing tried to reach another machine, but not everything worked: {}.", wrong.join("; "))
        }
        (n, _, _) => format!("{n} attempts to reach another machine were seen."),
    };
    let bytes = std::fs::read(&plan.program).map_err(|why| error::io(&why, "read", &plan.program))?;
    let report = Report {
        format: 1,
        made_ms: now_ms(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
        sha256: crate::import::hash(&bytes).to_string(),
        system: format!("{} {}", std::env::consts::OS, std::env::consts::ARCH),
        namespace,
        tracer,
        steps,
        holds,
        sentence,
    };
    let seal = Seal::by(&plan.data_dir.join("bundle-key"), DOMAIN, &signed(&report)?)
        .map_err(|why| Error::new(ErrorCode::Internal, format!("The report could not be signed: {why}.")))?;
    Ok(Proof { report, seal })
}

/// Whose signature stands under a proof, by the fingerprint of the key.
///
/// # Errors
/// `Invalid` where these bytes are no proof, `Damaged` where they were changed after signing.
pub fn check_proof(bytes: &[u8]) -> Result<(Report, String), Error> {
    let proof: Proof = serde_json::from_slice(bytes)
        .map_err(|why| Error::new(ErrorCode::Invalid, format!("This is no proof of Hearth: {why}.")))?;
    let signer = proof.seal.signer(DOMAIN, &signed(&proof.report)?).ok_or_else(|| {
        Error::new(ErrorCode::Damaged, "The signature does not fit: the report was changed after it was signed.")
    })?;
    Ok((proof.report, signer))
}

fn signed(report: &Report) -> Result<Vec<u8>, Error> {
    serde_json::to_vec(report).map_err(|why| error::internal(why.to_string()))
}

/// The program of the window beside this one, where it lies there.
pub fn window_program(beside: &Path) -> Option<PathBuf> {
    let window = beside.with_file_name(format!("hearth-desktop{}", std::env::consts::EXE_SUFFIX));
    window.is_file().then_some(window)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_changed_report_is_found() {
        let folder = tempfile::tempdir().unwrap();
        let step = Step { what: "ask".into(), right: true, said: String::new(), outward: Vec::new() };
        let report = Report {
            format: 1,
            made_ms: 1,
            version: "1".into(),
            sha256: "00".into(),
            system: "s".into(),
            namespace: "n".into(),
            tracer: None,
            steps: vec![step],
            holds: false,
            sentence: "Seen.".into(),
        };
        let seal = Seal::by(&folder.path().join("key"), DOMAIN, &signed(&report).unwrap()).unwrap();
        let proof = Proof { report: report.clone(), seal };
        let text = serde_json::to_string_pretty(&proof).unwrap();
        assert_eq!(check_proof(text.as_bytes()).unwrap().0, report);
        let forged = text.replace("\"holds\": false", "\"holds\": true");
        assert_eq!(check_proof(forged.as_bytes()).unwrap_err().code, ErrorCode::Damaged);
        assert_eq!(check_proof(b"{}").unwrap_err().code, ErrorCode::Invalid);
    }
}

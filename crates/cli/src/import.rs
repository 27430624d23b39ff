//! `hearth import`: paths in, one line for each file out.

use crate::arguments::Import;
use crate::end::End;
use crate::house::{self, House};
use crate::out::Out;
use hearth_api::{Destination, Error, ErrorCode, Handler, ImportOffer, Job, JobState, Offer};
use std::collections::BTreeMap;
use std::path::PathBuf;

/// Imports and waits until every file is done.
pub(crate) fn run(kernel: &House, what: Import, out: &Out) -> Result<End, Error> {
    let space = house::space(kernel, what.space.as_deref())?;
    let (offer, bad) = offered(kernel, what.paths)?;
    for error in &bad {
        out.note(&format!("{error} The others are imported."));
    }
    if offer.files == 0 {
        return Err(Error::new(ErrorCode::NotFound, "There is no file at these paths."));
    }
    let import = ImportOffer {
        offer: offer.id,
        space: space.id,
        destination: Destination::Keep,
        label: what.label.map(Into::into),
    };
    let mut jobs: BTreeMap<i64, Job> = kernel.handle(import)?.into_iter().map(|job| (job.id, job)).collect();
    let ids: Vec<i64> = jobs.keys().copied().collect();
    let total = ids.len();
    let mut ended = 0;
    kernel.wait_for_jobs(&ids, &mut |job: &Job| {
        let was = jobs.insert(job.id, job.clone());
        if is_ended(job) && !was.as_ref().is_some_and(is_ended) {
            ended += 1;
            out.note(&format!("[{ended}/{total}] {}", sentence(job)));
        } else if !is_ended(job) {
            out.doing(&format!("[{ended}/{total}] {}: {}", job.name, job.note));
        }
    })?;
    out.doing("");
    let jobs: Vec<Job> = jobs.into_values().collect();
    // Files that were known at once never moved on, so they were not told about above.
    for job in &jobs {
        out.line(line(job));
    }
    out.value(&jobs);
    Ok(if bad.is_empty() && jobs.iter().all(|job| job.state == JobState::Done) { End::Done } else { End::Failed })
}

/// An offer of the paths that there are, and why the others are not among them.
fn offered(kernel: &House, paths: Vec<PathBuf>) -> Result<(Offer, Vec<Error>), Error> {
    let error = match kernel.offer_paths(paths.clone()) {
        Ok(offer) => return Ok((offer, Vec::new())),
        Err(error) => error,
    };
    let (mut good, mut bad) = (Vec::new(), Vec::new());
    for path in paths {
        match kernel.offer_paths(vec![path.clone()]) {
            Ok(_) => good.push(path),
            Err(why) if why.message.contains(&path.display().to_string()) => bad.push(why),
            Err(why) => bad.push(Error { message: format!("{}: {}", path.display(), why.message), ..why }),
        }
    }
    if good.is_empty() { Err(error) } else { Ok((kernel.offer_paths(good)?, bad)) }
}

fn is_ended(job: &Job) -> bool {
    matches!(job.state, JobState::Done | JobState::Failed | JobState::Cancelled)
}

/// One file for a program that reads lines: state, name, what there is to say; parted by tabs.
fn line(job: &Job) -> String {
    let (state, rest) = match job.state {
        JobState::Done => ("indexed", counts(job)),
        JobState::Failed => ("failed", reason(job)),
        JobState::Cancelled => ("cancelled", String::new()),
        JobState::Waiting | JobState::Running => ("waiting", job.note.clone()),
    };
    format!("{state}\t{}\t{rest}", job.name.replace(['\t', '\n', '\r'], " "))
}

fn sentence(job: &Job) -> String {
    match job.state {
        JobState::Done => format!("{}: {}", job.name, counts(job)),
        JobState::Failed => format!("{}: {}", job.name, reason(job)),
        _ => format!("{}: cancelled", job.name),
    }
}

fn counts(job: &Job) -> String {
    let pages = job.pages.unwrap_or(0);
    let mut text = format!("{pages} page{}, {} passages", if pages == 1 { "" } else { "s" }, job.passages.unwrap_or(0));
    if let Some(remark) = &job.remark {
        text.push_str(", ");
        text.push_str(remark);
    }
    text
}

fn reason(job: &Job) -> String {
    job.failure
        .as_ref()
        .map_or_else(|| "no reason was kept".to_owned(), |failure| format!("{}. {}", failure.title, failure.message))
}

#[cfg(test)]
mod tests {
    use super::*;
    use hearth_api::{ImportStep, JobFailure, Label};

    #[test]
    fn a_line_has_three_fields_whatever_the_name() {
        let mut job = Job {
            id: 1,
            space: 1,
            name: "odd\tname\n.pdf".into(),
            kind: None,
            size_bytes: 9,
            state: JobState::Done,
            step: ImportStep::Index,
            done: 0,
            total: 0,
            note: String::new(),
            failure: None,
            document: Some(4),
            pages: Some(3),
            passages: Some(7),
            label: Label::Internal,
            remark: Some("Replaces version 2".into()),
            created_ms: 0,
            finished_ms: Some(1),
        };
        assert_eq!(line(&job), "indexed\todd name .pdf\t3 pages, 7 passages, Replaces version 2");
        job.state = JobState::Failed;
        job.failure = Some(JobFailure {
            code: "empty".into(),
            title: "Empty".into(),
            message: "The file has no bytes.".into(),
            actions: Vec::new(),
        });
        assert_eq!(line(&job), "failed\todd name .pdf\tEmpty. The file has no bytes.");
    }
}

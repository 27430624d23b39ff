//! Watched folders: a space stays in step with a folder that a person chose once. One thread for each looks it over when
//! the system tells of changes, when a person asks, and every so often in any case. What a look finds is `watch/scan`, when
//! it counts `watch/settle`, what follows from it `watch/step`.

mod bell;
mod look;
mod reach;
mod scan;
mod settle;
mod step;

use crate::clock::now_ms;
use crate::error;
use crate::jobs::{Payload, held};
use crate::kernel::{House, Open};
use hearth_api::{Error, ErrorCode, JobFailure, WatchProblem, WatchState, WatchedFolder};
use hearth_domain::{BlobHash, DocumentId, JobId, Label, SpaceId};
use hearth_store::{Entry, JobRow, JobState, StoreError, WatchedFolderRow, Writer};
use look::{Looker, Now, look_after};
use scan::{Mounts, Unreachable};
use serde_json::json;
use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex};
use std::time::Duration;

/// Watched folders, at most.
const MAX_FOLDERS: usize = 32;
/// Problems shown of one folder.
const PROBLEMS: usize = 200;

/// Those who look after the folders of an open vault.
#[derive(Default)]
pub(crate) struct Watch {
    lookers: Mutex<HashMap<i64, Arc<Looker>>>,
}

impl Watch {
    /// Nobody looks any more.
    pub(crate) fn end(&self) {
        held(&self.lookers).drain().for_each(|(_, looker)| looker.bell.end());
    }

    fn looker(&self, folder: i64) -> Option<Arc<Looker>> {
        held(&self.lookers).get(&folder).cloned()
    }
}

/// Looks after the folders of a vault that was opened just now.
pub(crate) fn start(house: &Arc<House>, open: &Arc<Open>) -> Result<(), Error> {
    let folders = open.store.read(|reader| reader.watched_folders(None)).map_err(error::store)?;
    folders.into_iter().try_for_each(|folder| look_after(house, open, folder.id))
}

/// Begins to watch a folder that a person chose.
pub(crate) fn add(
    house: &Arc<House>,
    path: &Path,
    space: SpaceId,
    label: Option<Label>,
) -> Result<WatchedFolder, Error> {
    let open = house.open()?;
    open.store.read(|reader| reader.space(space)).map_err(error::store)?.ok_or_else(|| error::missing("space"))?;
    let root = path.canonicalize().map_err(|why| error::io(&why, "open", path))?;
    house.law.may_read(&root)?;
    let refused = |message: String, hint: &str| Err(Error::new(ErrorCode::Invalid, message).hint(hint));
    let Some(text) = root.to_str().filter(|_| root.is_dir()) else {
        return refused(format!("{} is not a folder that can be watched.", root.display()), "Choose a folder.");
    };
    let own = house.config.data_dir.canonicalize().unwrap_or_else(|_| house.config.data_dir.clone());
    if root.starts_with(&own) || root.parent().is_none() {
        return refused(format!("{text} cannot be watched."), "Choose the folder that your documents are in.");
    }
    let folders = open.store.read(|reader| reader.watched_folders(None)).map_err(error::store)?;
    if folders.len() >= MAX_FOLDERS {
        return refused(
            format!("{MAX_FOLDERS} folders are watched already."),
            "Stop watching one, or watch a folder above.",
        );
    }
    for other in folders.iter().filter(|other| other.space == space) {
        let there = Path::new(&other.path);
        if root.starts_with(there) || there.starts_with(&root) {
            let message = match there == root {
                true => format!("{text} is watched already."),
                false => format!("{text} and {}, which is watched already, lie within each other.", other.path),
            };
            return refused(message, "Stop watching the other one first.");
        }
    }
    let seen = scan::scan(&root, &Mounts::default(), false, &own).map_err(|Unreachable(why)| {
        Error::new(ErrorCode::Unavailable, format!("{text} cannot be looked into: {why}."))
    })?;
    if seen.cut {
        let message = format!("There are more than {} files in {text}.", scan::MAX_FILES);
        return refused(message, "Watch its parts one by one.");
    }
    let label = label.unwrap_or(Label::Internal);
    let sentence = format!("Watching {}", name_of(text));
    let entry = entry("folder.watched", sentence, json!({ "path": text, "space": space, "label": label }));
    let (id, _) = open
        .store
        .record(entry, |writer| writer.add_watched_folder(space, text, label, now_ms()))
        .map_err(error::store)?;
    look_after(house, &open, id)?;
    house.events.stale(&["ListWatched", "ListActivity"]);
    find(&open, id)
}

/// The watched folders of a space.
pub(crate) fn list(open: &Open, space: SpaceId) -> Result<Vec<WatchedFolder>, Error> {
    let rows = open.store.read(|reader| reader.watched_folders(Some(space))).map_err(error::store)?;
    rows.into_iter().map(|row| view(open, row)).collect()
}

fn find(open: &Open, id: i64) -> Result<WatchedFolder, Error> {
    let row = open.store.read(|reader| reader.watched_folder(id)).map_err(error::store)?;
    view(open, row.ok_or_else(|| error::missing("watched folder"))?)
}

/// Sets a folder aside, or takes it up again.
pub(crate) fn pause(house: &House, id: i64, paused: bool) -> Result<WatchedFolder, Error> {
    let open = house.open()?;
    let row = find(&open, id)?;
    let sentence = format!("{} {}", if paused { "Stopped following" } else { "Following" }, row.name);
    open.store
        .record(entry("folder.paused", sentence, json!({ "folder": id, "paused": paused })), |writer| {
            writer.pause_watched_folder(id, paused)
        })
        .map_err(error::store)?;
    ask(&open, id);
    house.events.stale(&["ListWatched", "ListActivity"]);
    find(&open, id)
}

/// Has a folder looked over at once.
pub(crate) fn check(house: &House, id: i64) -> Result<WatchedFolder, Error> {
    let open = house.open()?;
    ask(&open, id);
    find(&open, id)
}

fn ask(open: &Open, id: i64) {
    if let Some(looker) = open.watch.looker(id) {
        held(&looker.now).asked += 1;
        looker.bell.ask();
    }
}

/// Stops watching; documents stay, or those that came from there leave every answer.
pub(crate) fn stop(house: &House, id: i64, remove: bool) -> Result<(), Error> {
    let open = house.open()?;
    let row = find(&open, id)?;
    if let Some(looker) = held(&open.watch.lookers).remove(&id) {
        looker.bell.end();
    }
    let mut ended = Vec::new();
    open.store
        .record_with(|writer| {
            let mut removed = 0;
            for file in writer.watched_files(id)? {
                let job = file.job.map(|job| writer.job(job)).transpose()?.flatten();
                if let Some(job) = job.filter(|job| job.finished_ms.is_none()) {
                    writer.finish_job(job.id, JobState::Cancelled, None, now_ms())?;
                    ended.push(job.id);
                }
                writer.drop_watched_file(file.id)?;
                let place = scan::whole(Path::new(&row.path), &file.path).display().to_string();
                if let Some(document) = file.document.filter(|_| remove && file.gone_ms.is_none()) {
                    removed +=
                        usize::from(step::release(writer, document, &place, "its folder is not watched any more")?);
                }
            }
            writer.drop_watched_folder(id)?;
            let detail = json!({ "path": row.path, "removed": removed });
            Ok(((), entry("folder.unwatched", format!("Stopped watching {}", row.name), detail)))
        })
        .map_err(error::store)?;
    open.jobs.end(ended);
    house.events.stale(&[
        "ListWatched",
        "ListDocuments",
        "GetConversation",
        "ListJobs",
        "GetHome",
        "ListSpaces",
        "ListActivity",
    ]);
    Ok(())
}

/// Waits until the library is in step with folders as they are now.
pub(crate) fn bring_in_step(
    house: &House,
    folders: &[i64],
    progress: &mut dyn FnMut(&WatchedFolder),
) -> Result<(), Error> {
    let open = house.open()?;
    let mut wanted = HashMap::new();
    for id in folders {
        find(&open, *id)?;
        ask(&open, *id);
        wanted.insert(*id, open.watch.looker(*id).map_or(0, |looker| held(&looker.now).asked));
    }
    let mut told: HashMap<i64, WatchedFolder> = HashMap::new();
    while !wanted.is_empty() {
        for id in wanted.keys().copied().collect::<Vec<_>>() {
            let answered = open
                .watch
                .looker(id)
                .is_none_or(|looker| held(&looker.now).answered >= wanted.get(&id).copied().unwrap_or(0));
            let folder = find(&open, id)?;
            if told.get(&id) != Some(&folder) {
                progress(&folder);
                told.insert(id, folder.clone());
            }
            if answered && folder.waiting == 0 {
                wanted.remove(&id);
            }
        }
        if !wanted.is_empty() {
            std::thread::sleep(Duration::from_millis(20));
        }
    }
    Ok(())
}

/// The bytes of a watched file; none when it went away, or its folder is not watched any more.
pub(crate) fn read(open: &Open, file: i64, most: u64) -> Result<Option<std::io::Result<Vec<u8>>>, Error> {
    let found = open.store.read(|reader| {
        let Some(row) = reader.watched_file(file)?.filter(|row| row.gone_ms.is_none()) else { return Ok(None) };
        Ok(reader.watched_folder(row.folder)?.map(|folder| (folder.path, row.path)))
    });
    let Some((root, path)) = found.map_err(error::store)? else { return Ok(None) };
    Ok(Some(reach::read_below(Path::new(&root), &path, most)))
}

/// Notes what a job made of a watched file, in the transaction that lets it answer; false when the file went away
/// meanwhile. What stood for it before is let go.
pub(crate) fn settle(
    writer: &Writer<'_>,
    file: i64,
    job: JobId,
    document: DocumentId,
    hash: &BlobHash,
    origin: &str,
) -> Result<bool, StoreError> {
    let before = writer.watched_file(file)?.and_then(|row| row.document);
    if !writer.settle_watched_file(file, job, document, hash)? {
        return Ok(false);
    }
    if let Some(before) = before.filter(|before| *before != document) {
        step::release(writer, before, origin, "its file has other words now")?;
    }
    Ok(true)
}

/// A document has its next version: files with the bytes that it had before are read by themselves now.
pub(crate) fn went_on(open: &Open, job: &JobRow) {
    let payload: Option<Payload> = serde_json::from_value(job.payload.clone()).ok();
    let Some(file) = payload.and_then(|payload| payload.watched).filter(|watched| watched.document.is_some()) else {
        return;
    };
    let folder = open.store.read(|reader| {
        let Some(row) = reader.watched_file(file.file)? else { return Ok(None) };
        Ok(Some(row.folder).filter(|_| reader.watched_adrift(row.folder).is_ok_and(|rows| !rows.is_empty())))
    });
    if let Ok(Some(folder)) = folder {
        ask(open, folder);
    }
}

/// Whether a failure is no news to a person: a file in a watched folder that is nothing to read, or that went away.
pub(crate) fn leaves_out(open: &Open, job: JobId, failure: &JobFailure) -> bool {
    let watched = open.store.read(|reader| {
        let Some(row) = reader.job(job)? else { return Ok(None) };
        let payload: Option<Payload> = serde_json::from_value(row.payload).ok();
        let Some(watched) = payload.and_then(|payload| payload.watched) else { return Ok(None) };
        let document = reader.watched_file(watched.file)?.and_then(|row| row.document);
        let answers = document.map(|id| reader.document(id)).transpose()?.flatten();
        Ok(Some((watched.file, answers.is_some_and(|row| row.version.is_some() && row.removed_ms.is_none()))))
    });
    let Ok(Some((file, answers))) = watched else { return false };
    match failure.code.as_str() {
        "missing" => true,
        "unsupported" | "empty" if !answers => {
            open.store.write(|writer| writer.refuse_watched_file(file, &failure.message)).is_ok()
        }
        _ => false,
    }
}

/// The last name of a path.
pub(crate) fn name_of(path: &str) -> String {
    Path::new(path).file_name().map_or_else(|| path.to_owned(), |name| name.to_string_lossy().into_owned())
}

/// A watched folder at the door.
fn view(open: &Open, row: WatchedFolderRow) -> Result<WatchedFolder, Error> {
    let (counts, files, failed) = open
        .store
        .read(|reader| {
            let files = reader.watched_files(row.id)?;
            let mut failed = Vec::new();
            for file in files.iter().filter(|file| file.gone_ms.is_none() && file.refused.is_none()) {
                let job = file.job.map(|job| reader.job(job)).transpose()?.flatten();
                if let Some(job) = job.filter(|job| job.state == JobState::Failed) {
                    failed.push((file.path.clone(), job));
                }
            }
            Ok((reader.watched_counts(row.id)?, files, failed))
        })
        .map_err(error::store)?;
    let mut problems: Vec<WatchProblem> = Vec::new();
    for (path, job) in failed {
        let failure: Option<JobFailure> = job.error.and_then(|error| serde_json::from_value(error).ok());
        let why = failure.map_or_else(|| "It could not be read.".to_owned(), |failure| failure.message);
        problems.push(WatchProblem { path, why, job: Some(job.id.0) });
    }
    let plain = |path: String, why: String| WatchProblem { path, why, job: None };
    let refused = files.into_iter().filter(|file| file.gone_ms.is_none());
    problems.extend(refused.filter_map(|file| file.refused.map(|why| plain(file.path, why))));
    let looker = open.watch.looker(row.id);
    let (mut state, mut words) = (WatchState::Looking, "Looking it over".to_owned());
    if let Some(now) = looker.as_ref().map(|looker| held(&looker.now)) {
        (state, words) = standing(&row, &now);
        problems.extend(now.problems.iter().cloned().map(|(path, why)| plain(path, why)));
    }
    let total = problems.len() as u32;
    problems.truncate(PROBLEMS);
    Ok(WatchedFolder {
        id: row.id,
        space: row.space.0,
        name: name_of(&row.path),
        path: row.path,
        label: crate::view::label(row.label),
        state,
        words,
        files: counts.files,
        answering: counts.answering,
        waiting: counts.moving,
        problems,
        problems_total: total,
        looked_ms: row.looked_ms,
    })
}

fn standing(row: &WatchedFolderRow, now: &Now) -> (WatchState, String) {
    if row.paused {
        return (WatchState::Paused, "Paused".into());
    }
    if let Some(why) = &now.away {
        return (WatchState::NotReachable, format!("Not reachable: {why}. Its documents stay as they were."));
    }
    if now.cut {
        let words = format!("More than {} files: the rest is not followed", scan::MAX_FILES);
        return (WatchState::TooMany, words);
    }
    match &now.listens_not {
        _ if now.looking => (WatchState::Looking, "Looking it over".into()),
        Some(why) => (WatchState::Polling, format!("Looked over every few seconds: {why}")),
        None => (WatchState::Watching, "Watching".into()),
    }
}

fn entry(kind: &'static str, sentence: String, detail: serde_json::Value) -> Entry {
    Entry { at_ms: now_ms(), kind, sentence, subject: None, detail }
}

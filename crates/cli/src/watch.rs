//! `hearth watch`: folders that a space stays in step with. Adding and checking wait until it is; watching itself goes on
//! while Hearth is open.

use crate::arguments::Watch;
use crate::end::End;
use crate::house::{self, House};
use crate::out::Out;
use hearth_api::{
    Error, ErrorCode, Handler, ListSpaces, ListWatched, PauseWatched, StopWatching, WatchState, WatchedFolder,
};
use std::time::{Duration, Instant};

/// How often a log is told how far it is.
const TOLD: Duration = Duration::from_secs(2);

/// Does what was asked.
pub(crate) fn run(kernel: &House, what: Watch, out: &Out) -> Result<End, Error> {
    match what {
        Watch::Add { path, space, label } => {
            let space = house::space(kernel, space.as_deref())?;
            let folder = kernel.watch_path(&path, space.id, label.map(Into::into))?;
            in_step(kernel, vec![folder], out)
        }
        Watch::List => {
            let folders = all(kernel)?;
            folders.iter().for_each(|folder| out.line(line(folder)));
            out.value(&folders);
            Ok(End::Done)
        }
        Watch::Check => {
            let folders = all(kernel)?;
            in_step(kernel, folders, out)
        }
        Watch::Pause { folder } => paused(kernel, &folder, true, out),
        Watch::Resume { folder } => paused(kernel, &folder, false, out),
        Watch::Stop { folder, remove } => {
            let folder = pick(all(kernel)?, &folder)?;
            kernel.handle(StopWatching { folder: folder.id, remove })?;
            let documents = if remove { "its documents are removed" } else { "its documents are kept" };
            out.line(format!("Stopped watching {}; {documents}", folder.path));
            out.value(&serde_json::json!({ "stopped": folder.id, "removed": remove }));
            Ok(End::Done)
        }
    }
}

fn all(kernel: &House) -> Result<Vec<WatchedFolder>, Error> {
    let mut folders = Vec::new();
    for space in kernel.handle(ListSpaces {})? {
        folders.extend(kernel.handle(ListWatched { space: space.id })?);
    }
    Ok(folders)
}

/// Waits until the library is in step with these folders; fails where one cannot be seen or a file could not be read.
fn in_step(kernel: &House, folders: Vec<WatchedFolder>, out: &Out) -> Result<End, Error> {
    let ids: Vec<i64> = folders.iter().map(|folder| folder.id).collect();
    let mut now = folders;
    let mut told = Instant::now();
    kernel.bring_in_step(&ids, &mut |folder| {
        let words = format!("{}: {} of {} files", folder.name, folder.answering, folder.files);
        out.doing(&words);
        // On a log, a line now and then says that it goes on.
        if !out.is_lively() && told.elapsed() >= TOLD {
            told = Instant::now();
            out.note(&words);
        }
        now.retain(|known| known.id != folder.id);
        now.push(folder.clone());
    })?;
    out.doing("");
    now.sort_by_key(|folder| folder.id);
    for folder in &now {
        out.line(line(folder));
        folder.problems.iter().for_each(|problem| out.note(&format!("{}: {}", problem.path, problem.why)));
    }
    out.value(&now);
    let well = |folder: &WatchedFolder| {
        folder.state != WatchState::NotReachable && folder.problems.iter().all(|problem| problem.job.is_none())
    };
    Ok(if now.iter().all(well) { End::Done } else { End::Failed })
}

fn paused(kernel: &House, wanted: &str, paused: bool, out: &Out) -> Result<End, Error> {
    let folder = pick(all(kernel)?, wanted)?;
    let folder = kernel.handle(PauseWatched { folder: folder.id, paused })?;
    out.line(line(&folder));
    out.value(&folder);
    Ok(End::Done)
}

/// The folder that was meant: by id, by path, or by its last name where only one has it.
fn pick(folders: Vec<WatchedFolder>, wanted: &str) -> Result<WatchedFolder, Error> {
    let id = wanted.parse::<i64>().ok();
    let exact = folders.iter().position(|folder| Some(folder.id) == id || folder.path == wanted);
    let named: Vec<usize> =
        folders.iter().enumerate().filter(|(_, folder)| folder.name == wanted).map(|(at, _)| at).collect();
    let at = exact.or(match named.as_slice() {
        [only] => Some(*only),
        _ => None,
    });
    at.and_then(|at| folders.into_iter().nth(at)).ok_or_else(|| {
        Error::new(ErrorCode::NotFound, format!("There is no one watched folder \"{wanted}\"."))
            .hint("`hearth watch list` shows them with their ids.")
    })
}

/// One folder for a program that reads lines: id, state, files that answer of those that are there, path; parted by tabs.
fn line(folder: &WatchedFolder) -> String {
    let path = folder.path.replace(['\t', '\n', '\r'], " ");
    format!("{}\t{}\t{}/{}\t{path}", folder.id, folder.words, folder.answering, folder.files)
}

#[cfg(test)]
mod tests {
    use super::*;
    use hearth_api::Label;

    fn folder(id: i64, path: &str) -> WatchedFolder {
        WatchedFolder {
            id,
            space: 1,
            name: path.rsplit('/').next().unwrap_or_default().to_owned(),
            path: path.to_owned(),
            label: Label::Internal,
            state: WatchState::Watching,
            words: "Watching".into(),
            files: 3,
            answering: 2,
            waiting: 0,
            problems: Vec::new(),
            problems_total: 0,
            looked_ms: None,
        }
    }

    #[test]
    fn a_folder_is_found_by_id_path_or_its_only_name() {
        let folders = || vec![folder(1, "/a/Reports"), folder(2, "/b/Reports"), folder(3, "/b/Notes")];
        let id = |wanted| pick(folders(), wanted).map(|folder| folder.id).ok();
        assert_eq!([id("2"), id("/a/Reports"), id("Notes"), id("Reports")], [Some(2), Some(1), Some(3), None]);
        assert_eq!(line(&folder(1, "/a\tb")), "1\tWatching\t2/3\t/a b");
    }
}

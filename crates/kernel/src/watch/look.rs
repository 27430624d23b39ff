//! One thread for each watched folder: waits for the bell, looks, waits until what changed lies still, and has what settled
//! taken in.

use super::bell::{Bell, Ears, Woken};
use super::reach;
use super::scan::{self, Mounts, Unreachable};
use super::settle::{self, Unsettled};
use super::step::Step;
use crate::clock::now_ms;
use crate::jobs::held;
use crate::kernel::{House, Open};
use hearth_api::Error;
use hearth_store::StoreError;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// A folder whose system tells of changes is looked over so often all the same.
const AT_LEAST: Duration = Duration::from_secs(60);
/// One that tells of nothing, or cannot be seen, is looked over so often, unless a look takes long.
const POLL: Duration = Duration::from_secs(4);
/// What is not settled is looked at again after so long.
const SOON: Duration = Duration::from_millis(settle::STILL_MS as u64 + 50);

/// What is known of one folder besides what is kept.
#[derive(Default)]
pub(crate) struct Looker {
    pub(crate) bell: Arc<Bell>,
    pub(crate) now: Mutex<Now>,
}

#[derive(Default)]
pub(crate) struct Now {
    /// Looks that were asked for, and that number when the last look that settled began.
    pub(crate) asked: u64,
    pub(crate) answered: u64,
    pub(crate) looking: bool,
    pub(crate) polls: bool,
    pub(crate) away: Option<String>,
    pub(crate) cut: bool,
    pub(crate) problems: Vec<(String, String)>,
    pub(crate) listens_not: Option<String>,
}

/// Starts the thread of a folder.
pub(crate) fn look_after(house: &Arc<House>, open: &Arc<Open>, folder: i64) -> Result<(), Error> {
    let looker = Arc::new(Looker::default());
    held(&looker.now).looking = true;
    held(&open.watch.lookers).insert(folder, Arc::clone(&looker));
    let (there, within) = (Arc::downgrade(house), Arc::downgrade(open));
    house.hands.start(&format!("watch-{folder}"), move || {
        let mut state = Looking { looker, unsettled: Unsettled::default(), ears: None };
        loop {
            let longest = {
                let (Some(house), Some(open)) = (there.upgrade(), within.upgrade()) else { return };
                match state.look(&house, &open, folder) {
                    Ok(Some(longest)) => longest,
                    Ok(None) => return, // not watched any more
                    Err(error) => {
                        tracing::warn!(%error, folder, "a watched folder was not looked over");
                        let mut now = held(&state.looker.now);
                        // Nobody waits for a look that cannot be taken.
                        (now.answered, now.looking, now.away) = (now.asked, false, Some(error.to_string()));
                        AT_LEAST
                    }
                }
            };
            let deaf = state.ears.is_none();
            if state.looker.bell.wait(longest, deaf) == Woken::Ended {
                return;
            }
        }
    })
}

struct Looking {
    looker: Arc<Looker>,
    unsettled: Unsettled,
    /// The system's watch, and the print of the folder that it was set on.
    ears: Option<(Ears, u64)>,
}

impl Looking {
    /// One look; how long the next may wait at most, or none when the folder is not watched any more.
    fn look(&mut self, house: &House, open: &Open, id: i64) -> Result<Option<Duration>, StoreError> {
        let Some(folder) = open.store.read(|reader| reader.watched_folder(id))? else { return Ok(None) };
        let began = Instant::now();
        let asked = {
            let mut now = held(&self.looker.now);
            now.looking = !folder.paused;
            now.asked
        };
        if folder.paused {
            self.ears = None;
            self.unsettled = Unsettled::default();
            held(&self.looker.now).answered = asked;
            return Ok(Some(AT_LEAST));
        }
        let root = PathBuf::from(&folder.path);
        let rows = open.store.read(|reader| reader.watched_files(id))?;
        let known: Mounts = serde_json::from_value(folder.mounts.clone()).unwrap_or_default();
        let had_files = rows.iter().any(|row| row.gone_ms.is_none());
        let own = house.config.data_dir.canonicalize().unwrap_or_else(|_| house.config.data_dir.clone());
        let seen = match house.law.may_read(&root) {
            Ok(()) => scan::scan(&root, &known, had_files, &own),
            Err(refused) => Err(Unreachable(refused.message)),
        };
        let before = self.standing();
        let longest = match seen {
            Err(Unreachable(why)) => {
                self.ears = None;
                self.unsettled = Unsettled::default();
                let mut now = held(&self.looker.now);
                (now.away, now.looking, now.answered) = (Some(why), false, asked);
                POLL
            }
            Ok(scan) => {
                self.listen(&root);
                let settled = self.unsettled.take(&scan, &rows, now_ms());
                let ends = || open.jobs.is_stopped() || self.looker.bell.has_ended();
                let step = Step { store: &open.store, folder: &folder, root: &root, ends: &ends };
                let done = step.take(&scan, &settled.changed, &settled.gone)?;
                if ends() {
                    return Ok(Some(AT_LEAST));
                }
                for (path, print) in &done.again {
                    self.unsettled.again(path, print, now_ms());
                }
                let moved = !done.jobs.is_empty() || done.changed;
                open.jobs.end(done.ended);
                open.jobs.push_watched(done.jobs);
                let mounts = serde_json::to_value(&scan.mounts).map_err(|e| StoreError::Invalid(e.to_string()))?;
                if !self.unsettled.any() && (moved || folder.looked_ms.is_none_or(|at| now_ms() - at > 60_000))
                    || mounts != folder.mounts
                {
                    open.store.write(|writer| writer.looked_at_folder(id, &mounts, now_ms()))?;
                }
                if moved {
                    house.events.stale(&[
                        "ListDocuments",
                        "GetConversation",
                        "ListJobs",
                        "GetHome",
                        "ListSpaces",
                        "ListActivity",
                    ]);
                    house.tell_status();
                }
                let polls = self.ears.is_none();
                let mut now = held(&self.looker.now);
                now.away = None;
                (now.cut, now.polls, now.looking) = (scan.cut, polls, self.unsettled.any());
                now.problems = scan.left_out;
                now.problems
                    .extend(scan.hidden.into_iter().map(|(path, why)| (path, format!("Not looked into: {why}."))));
                if self.unsettled.any() {
                    SOON
                } else {
                    now.answered = asked;
                    // A look that takes long is not repeated all the time.
                    let calm = began.elapsed().saturating_mul(20).min(AT_LEAST);
                    if polls { POLL.max(calm) } else { AT_LEAST }
                }
            }
        };
        if before != self.standing() {
            house.events.stale(&["ListWatched"]);
        }
        Ok(Some(longest))
    }

    /// Has the system tell of changes, where it does.
    fn listen(&mut self, root: &Path) {
        let which = identity(root);
        if self.ears.as_ref().is_some_and(|(_, on)| *on == which) {
            return;
        }
        self.ears = None;
        let opened = match reach::tells(root) {
            true => Ears::open(root, &self.looker.bell),
            false => Err("its file system does not tell of changes".to_owned()),
        };
        let mut now = held(&self.looker.now);
        match opened {
            Ok(ears) => {
                now.listens_not = None;
                self.ears = Some((ears, which));
            }
            Err(why) => now.listens_not = Some(why),
        }
    }

    fn standing(&self) -> (bool, Option<String>, bool, bool, usize) {
        let now = held(&self.looker.now);
        (now.looking, now.away.clone(), now.cut, now.polls, now.problems.len())
    }
}

/// Which folder it is: a watch on one that was replaced hears nothing.
fn identity(root: &Path) -> u64 {
    #[cfg(unix)]
    {
        std::fs::metadata(root).map_or(0, |meta| std::os::unix::fs::MetadataExt::ino(&meta))
    }
    #[cfg(not(unix))]
    {
        let _ = root;
        0
    }
}

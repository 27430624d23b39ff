//! What wakes the one who looks after a watched folder: the system tells of changes, a person asks, the vault closes. The
//! bell says that something happened, never what: the look decides.

use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// After a ring it must be quiet for so long.
const QUIET: Duration = Duration::from_millis(300);
/// But nobody waits longer than this for quiet.
const PATIENCE: Duration = Duration::from_secs(2);

/// Why somebody woke.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Woken {
    /// Something changed, and has come to rest.
    Changed,
    /// A look is wanted now.
    Asked,
    /// It was waited for long enough.
    Late,
    /// Nobody looks any more.
    Ended,
}

/// One folder's bell.
#[derive(Default)]
pub(crate) struct Bell {
    state: Mutex<State>,
    moved: Condvar,
}

#[derive(Default)]
struct State {
    first: Option<Instant>,
    last: Option<Instant>,
    /// Somebody wants a look now.
    asked: bool,
    ended: bool,
}

impl Bell {
    /// Something changed.
    pub(crate) fn ring(&self) {
        let now = Instant::now();
        let mut state = self.held();
        state.first.get_or_insert(now);
        state.last = Some(now);
        drop(state);
        self.moved.notify_all();
    }

    /// Somebody wants a look at once.
    pub(crate) fn ask(&self) {
        self.held().asked = true;
        self.moved.notify_all();
    }

    /// Nobody looks any more.
    pub(crate) fn end(&self) {
        self.held().ended = true;
        self.moved.notify_all();
    }

    /// Whether nobody looks any more.
    pub(crate) fn has_ended(&self) -> bool {
        self.held().ended
    }

    /// Waits for a change that has come to rest, for a wish, or for `longest`. Where rings do not count (`deaf`), only a
    /// wish does.
    pub(crate) fn wait(&self, longest: Duration, deaf: bool) -> Woken {
        let until = Instant::now() + longest;
        let mut state = self.held();
        loop {
            let now = Instant::now();
            if state.ended {
                return Woken::Ended;
            }
            let rested = match (state.first, state.last) {
                (Some(first), Some(last)) if !deaf => Some((last + QUIET).min(first + PATIENCE)),
                _ => None,
            };
            let due = rested.map_or(until, |rested| rested.min(until));
            if state.asked || due <= now {
                let why = match rested {
                    _ if state.asked => Woken::Asked,
                    Some(rested) if rested <= now => Woken::Changed,
                    _ => Woken::Late,
                };
                *state = State::default();
                return why;
            }
            let waited = self.moved.wait_timeout(state, due - now);
            state = waited.unwrap_or_else(|poisoned| poisoned.into_inner()).0;
        }
    }

    fn held(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// The system's own watch over a folder and all below it; it rings until it is dropped.
pub(crate) struct Ears(#[allow(dead_code)] notify::RecommendedWatcher);

impl Ears {
    /// Listens.
    ///
    /// # Errors
    /// In words, where the system does not watch: too many folders, or a file system that it cannot.
    pub(crate) fn open(root: &Path, bell: &Arc<Bell>) -> Result<Ears, String> {
        use notify::{
            Config, EventKind, RecommendedWatcher, RecursiveMode, Watcher, event::AccessKind, event::AccessMode,
        };
        let bell = Arc::clone(bell);
        let hear = move |event: notify::Result<notify::Event>| {
            // Reading a file, as a look does, is no change of it.
            let reads = event.is_ok_and(|event| match event.kind {
                EventKind::Access(AccessKind::Close(AccessMode::Write)) => false,
                EventKind::Access(_) => true,
                _ => false,
            });
            if !reads {
                bell.ring();
            }
        };
        let config = Config::default().with_follow_symlinks(false);
        let mut watcher = RecommendedWatcher::new(hear, config).map_err(|error| error.to_string())?;
        watcher.watch(root, RecursiveMode::Recursive).map_err(|error| match error.kind {
            notify::ErrorKind::MaxFilesWatch => "this system watches no more folders".to_owned(),
            _ => error.to_string(),
        })?;
        Ok(Ears(watcher))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_a_wish_and_the_end_wake_whoever_waits() {
        let bell = Arc::new(Bell::default());
        let long = Duration::from_secs(3600);
        assert_eq!(bell.wait(Duration::ZERO, false), Woken::Late);
        bell.ask();
        assert_eq!(bell.wait(long, true), Woken::Asked);
        bell.ring();
        assert_eq!(bell.wait(long, false), Woken::Changed);
        bell.ring();
        assert_eq!(bell.wait(Duration::ZERO, true), Woken::Late);
        bell.end();
        assert_eq!(bell.wait(long, false), Woken::Ended);
    }

    #[test]
    fn the_system_rings_when_a_file_is_written_deep_down() {
        let root = tempfile::tempdir().unwrap();
        std::fs::create_dir(root.path().join("deep")).unwrap();
        let bell = Arc::new(Bell::default());
        let _ears = Ears::open(root.path(), &bell).unwrap();
        std::fs::write(root.path().join("deep/a.txt"), "a").unwrap();
        assert_eq!(bell.wait(Duration::from_secs(60), false), Woken::Changed);
        assert!(Ears::open(&root.path().join("not there"), &bell).is_err());
    }
}

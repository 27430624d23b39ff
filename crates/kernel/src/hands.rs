//! The threads that work in the house. Every thread that may touch the vault is started here, so that the house can wait
//! for all of them when it ends: what is left running while a process exits finds its libraries taken down under it.

use crate::error;
use hearth_api::Error;
use std::sync::{Condvar, Mutex, MutexGuard};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

/// At the end nobody is waited for longer than this.
const LONGEST: Duration = Duration::from_secs(20);

/// All of them.
#[derive(Default)]
pub(crate) struct Hands {
    state: Mutex<State>,
    ending: Condvar,
}

#[derive(Default)]
struct State {
    at_work: Vec<JoinHandle<()>>,
    ending: bool,
}

impl Hands {
    /// Starts a thread.
    ///
    /// # Errors
    /// `Internal` when the system gives none, or the house is ending.
    pub(crate) fn start(&self, name: &str, work: impl FnOnce() + Send + 'static) -> Result<(), Error> {
        let mut state = self.held();
        if state.ending {
            return Err(error::internal("the house is ending"));
        }
        let started = std::thread::Builder::new().name(name.to_owned()).spawn(work).map_err(error::internal)?;
        state.at_work.retain(|one| !one.is_finished());
        state.at_work.push(started);
        Ok(())
    }

    /// Rests for a while; false as soon as the house ends.
    pub(crate) fn rest(&self, long: Duration) -> bool {
        let waited = self.ending.wait_timeout_while(self.held(), long, |state| !state.ending);
        !waited.unwrap_or_else(|poisoned| poisoned.into_inner()).0.ending
    }

    /// Waits until all have ended, who were told to end; none is started any more.
    pub(crate) fn end(&self) {
        let at_work = {
            let mut state = self.held();
            state.ending = true;
            std::mem::take(&mut state.at_work)
        };
        self.ending.notify_all();
        let until = Instant::now() + LONGEST;
        for one in at_work {
            while !one.is_finished() && Instant::now() < until {
                std::thread::sleep(Duration::from_millis(1));
            }
            // The one that ends the house does not wait for itself.
            if one.is_finished() {
                drop(one.join());
            } else {
                tracing::warn!(name = one.thread().name(), "was still at work when the house ended");
            }
        }
    }

    fn held(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicBool, Ordering};

    #[test]
    fn the_end_wakes_those_who_rest_and_waits_for_those_at_work() {
        let (hands, done) = (Arc::new(Hands::default()), Arc::new(AtomicBool::new(false)));
        let (there, written) = (Arc::clone(&hands), Arc::clone(&done));
        hands
            .start("resting", move || {
                while there.rest(Duration::from_secs(3600)) {}
                std::thread::sleep(Duration::from_millis(20));
                written.store(true, Ordering::SeqCst);
            })
            .unwrap();
        hands.end();
        assert!(done.load(Ordering::SeqCst));
        assert!(hands.start("late", || ()).is_err());
    }
}

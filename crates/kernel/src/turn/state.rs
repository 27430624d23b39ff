//! What travels with a turn from station to station, and which turns run now.

use super::record::TurnRecord;
use super::trail::Trail;
use crate::kernel::{House, Open};
use hearth_api::{Error, RuleRef, TurnNews};
use hearth_domain::{ConversationId, TurnId};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::{Duration, Instant};

/// One turn under way.
pub(crate) struct Turn<'a> {
    pub(crate) house: &'a House,
    pub(crate) open: &'a Open,
    pub(crate) conversation: ConversationId,
    pub(crate) id: TurnId,
    pub(crate) question: String,
    pub(crate) answer: String,
    pub(crate) record: TurnRecord,
    pub(crate) trail: Trail,
    /// What is told instead of words and steps, while the answer on screen is written anew behind it.
    pub(crate) behind: Option<String>,
    /// Whether the answer is read whole by the rules before any of it is shown.
    pub(crate) held_back: bool,
    cancel: Arc<AtomicBool>,
}

/// How a turn ended short of its last station, or at it.
pub(crate) enum Ended {
    /// Answered and checked.
    Answered,
    /// The documents do not say.
    Abstained,
    /// A rule refused it.
    Refused(RuleRef),
    /// A person stopped it.
    Stopped,
    /// It failed.
    Failed(Error),
}

impl From<Error> for Ended {
    fn from(error: Error) -> Self {
        Ended::Failed(error)
    }
}

impl From<hearth_store::StoreError> for Ended {
    fn from(error: hearth_store::StoreError) -> Self {
        Ended::Failed(crate::error::store(error))
    }
}

impl<'a> Turn<'a> {
    pub(crate) fn new(
        house: &'a House,
        open: &'a Open,
        conversation: ConversationId,
        id: TurnId,
        question: String,
        cancel: Arc<AtomicBool>,
        began: Instant,
    ) -> Self {
        let trail = Trail::new(began);
        Turn {
            house,
            open,
            conversation,
            id,
            question,
            answer: String::new(),
            record: TurnRecord::default(),
            trail,
            behind: None,
            held_back: house.law.held().rules.holds_back_answers(),
            cancel,
        }
    }

    /// Whether a person (or the closing vault) stopped it.
    pub(crate) fn is_stopped(&self) -> bool {
        self.cancel.load(Ordering::SeqCst)
    }

    /// Ends the turn here when it was stopped.
    pub(crate) fn go_on(&self) -> Result<(), Ended> {
        if self.is_stopped() { Err(Ended::Stopped) } else { Ok(()) }
    }

    /// Tells every window what is new.
    pub(crate) fn tell(&self, news: TurnNews) {
        let news = match (&self.behind, news) {
            (Some(what), TurnNews::Doing { tokens_per_second, .. }) => {
                TurnNews::Doing { what: what.clone(), tokens_per_second }
            }
            (Some(_), TurnNews::Words { .. } | TurnNews::Checked { .. } | TurnNews::Quotes { .. }) => return,
            (None, TurnNews::Words { .. } | TurnNews::Checked { .. }) if self.held_back => return,
            (_, news) => news,
        };
        self.house.events.turn(self.conversation.0, self.id.0, news);
    }

    /// Tells every window what this turn is doing.
    pub(crate) fn doing(&self, what: impl Into<String>, tokens_per_second: Option<f32>) {
        self.tell(TurnNews::Doing { what: what.into(), tokens_per_second });
    }
}

/// Turns that run now.
#[derive(Default)]
pub(crate) struct Turns {
    running: Mutex<HashMap<TurnId, Arc<AtomicBool>>>,
}

impl Turns {
    /// Notes that a turn runs; gives the flag that stops it.
    pub(crate) fn begin(&self, turn: TurnId) -> Arc<AtomicBool> {
        let cancel = Arc::new(AtomicBool::new(false));
        self.held().insert(turn, Arc::clone(&cancel));
        cancel
    }

    /// Notes that an ended turn runs again, unless it runs now.
    pub(crate) fn begin_again(&self, turn: TurnId) -> Option<Arc<AtomicBool>> {
        let mut running = self.held();
        if running.contains_key(&turn) {
            return None;
        }
        let cancel = Arc::new(AtomicBool::new(false));
        running.insert(turn, Arc::clone(&cancel));
        Some(cancel)
    }

    /// Notes that a turn ended.
    pub(crate) fn end(&self, turn: TurnId) {
        self.held().remove(&turn);
    }

    /// Asks a turn to stop. One that does not run is left alone.
    pub(crate) fn stop(&self, turn: TurnId) {
        if let Some(cancel) = self.held().get(&turn) {
            cancel.store(true, Ordering::SeqCst);
        }
    }

    /// Stops all turns and waits until they have been kept, but not forever.
    pub(crate) fn stop_all(&self) {
        const LONGEST: Duration = Duration::from_secs(5);
        self.held().values().for_each(|cancel| cancel.store(true, Ordering::SeqCst));
        let began = Instant::now();
        while !self.held().is_empty() && began.elapsed() < LONGEST {
            std::thread::sleep(Duration::from_millis(10));
        }
    }

    /// Whether any turn runs.
    pub(crate) fn any(&self) -> bool {
        !self.held().is_empty()
    }

    fn held(&self) -> MutexGuard<'_, HashMap<TurnId, Arc<AtomicBool>>> {
        self.running.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

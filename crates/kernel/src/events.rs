//! The one stream: every open window hears what happens, in order.

use hearth_api::{Envelope, Event, TurnNews};
use std::sync::Mutex;
use tokio::sync::broadcast;

/// How many events a slow window may fall behind before it must ask anew.
const BACKLOG: usize = 4096;

/// Tells events to whoever listens; counts them.
pub(crate) struct Events {
    sender: broadcast::Sender<Envelope>,
    next: Mutex<u64>,
}

impl Events {
    pub(crate) fn new() -> Self {
        Self { sender: broadcast::channel(BACKLOG).0, next: Mutex::new(0) }
    }

    /// Tells one event. Nobody listening is fine.
    pub(crate) fn tell(&self, event: Event) {
        let mut next = self.next.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        let envelope = Envelope { seq: *next, event };
        *next += 1;
        let _ = self.sender.send(envelope);
    }

    /// Tells what is new about a turn.
    pub(crate) fn turn(&self, conversation: i64, turn: i64, news: TurnNews) {
        self.tell(Event::Turn { conversation, turn, news });
    }

    /// Tells that what these commands answered may be stale.
    pub(crate) fn stale(&self, commands: &[&str]) {
        self.tell(Event::Stale { commands: commands.iter().map(|name| (*name).to_owned()).collect() });
    }

    /// Listens from now on.
    pub(crate) fn subscribe(&self) -> broadcast::Receiver<Envelope> {
        self.sender.subscribe()
    }
}

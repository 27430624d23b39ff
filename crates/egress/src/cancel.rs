//! A flag that a person sets and a long piece of work looks at.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

/// Asks a piece of work to stop. Clones share the flag. Work looks at it at least ten times a second.
#[derive(Debug, Clone, Default)]
pub struct Cancel(Arc<AtomicBool>);

impl Cancel {
    /// A flag that is not set.
    pub fn new() -> Self {
        Self::default()
    }

    /// Shares a flag that someone else owns; `true` means stop.
    pub fn sharing(flag: Arc<AtomicBool>) -> Self {
        Self(flag)
    }

    /// Sets it.
    pub fn cancel(&self) {
        self.0.store(true, Ordering::Relaxed);
    }

    /// Whether it is set.
    pub fn is_cancelled(&self) -> bool {
        self.0.load(Ordering::Relaxed)
    }
}

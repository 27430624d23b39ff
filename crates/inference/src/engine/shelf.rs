//! The KV caches that are kept between turns, under a budget: a turn goes on where its conversation or another one that
//! began alike stopped, and the longest unused conversation gives way.

use crate::backend::State;
use std::collections::{HashMap, HashSet};

/// Tokens that were read, with their KV cache.
#[derive(Debug)]
pub(super) struct Conversation {
    pub(super) tokens: Vec<u32>,
    pub(super) state: State,
}

impl Conversation {
    /// Begins with nothing.
    pub(super) fn new(state: State) -> Self {
        Self { tokens: Vec::new(), state }
    }

    /// Forgets what stands behind the first `len` tokens.
    pub(super) fn truncate(&mut self, len: usize) {
        self.tokens.truncate(len);
        self.state.truncate(self.tokens.len());
        self.tokens.truncate(self.state.len());
    }

    /// Forgets the last `n` tokens.
    pub(super) fn drop_last(&mut self, n: usize) {
        self.truncate(self.tokens.len().saturating_sub(n));
    }
}

/// Conversations that nobody is working on.
pub(super) struct Shelf {
    kept: HashMap<i64, (Conversation, u64)>,
    budget_bytes: u64,
    clock: u64,
}

impl Shelf {
    /// Makes an empty shelf; `budget_bytes` bound what is kept and what is worked on together.
    pub(super) fn new(budget_bytes: u64) -> Self {
        Self { kept: HashMap::new(), budget_bytes, clock: 0 }
    }

    /// Returns the budget.
    pub(super) fn budget_bytes(&self) -> u64 {
        self.budget_bytes
    }

    /// Returns the bytes of all that is kept; what several share counts once.
    pub(super) fn bytes(&self) -> u64 {
        let mut seen = HashSet::new();
        self.kept.values().map(|(c, _)| c.state.bytes_beside(&mut seen)).sum()
    }

    /// Takes out the conversation, cut to what it has in common with `prompt` without its last token, or begins it with
    /// what another one has in common, where that is more.
    pub(super) fn begin(&mut self, conversation: i64, prompt: &[u32], empty: State) -> Conversation {
        let most = prompt.len().saturating_sub(1);
        let common = |c: &Conversation| c.tokens.iter().zip(&prompt[..most]).take_while(|(a, b)| a == b).count();
        let own = self.kept.remove(&conversation).map(|(c, _)| c);
        let have = own.as_ref().map_or(0, common);
        let other = self.kept.values().map(|(c, used)| (common(c), used, c)).max_by_key(|(n, used, _)| (*n, **used));
        let fork = other.filter(|(n, ..)| *n > have).and_then(|(n, _, c)| {
            let tokens = c.tokens.get(..n)?.to_vec();
            Some(Conversation { tokens, state: c.state.fork(n)? })
        });
        fork.unwrap_or_else(|| {
            let mut c = own.unwrap_or_else(|| Conversation::new(empty));
            c.truncate(have);
            c
        })
    }

    /// Keeps a conversation.
    pub(super) fn keep(&mut self, conversation: i64, mut c: Conversation) {
        c.truncate(c.tokens.len());
        self.clock += 1;
        self.kept.insert(conversation, (c, self.clock));
    }

    /// Returns a conversation.
    pub(super) fn get(&self, conversation: i64) -> Option<&Conversation> {
        self.kept.get(&conversation).map(|(c, _)| c)
    }

    /// Forgets a conversation.
    pub(super) fn forget(&mut self, conversation: i64) {
        self.kept.remove(&conversation);
    }

    /// Forgets all of them.
    pub(super) fn clear(&mut self) {
        self.kept.clear();
    }

    /// Makes room for one of the caches that are worked on to grow to `len` positions, the longest unused conversation
    /// going first. Says whether there is room.
    pub(super) fn make_room<'a>(
        &mut self,
        working: impl Iterator<Item = &'a State> + Clone,
        grows: &State,
        len: usize,
    ) -> bool {
        loop {
            let growth = grows.growth(len);
            if growth == 0 {
                return true;
            }
            let mut seen = HashSet::new();
            let held: u64 = working.clone().map(|state| state.bytes_beside(&mut seen)).sum();
            let kept: u64 = self.kept.values().map(|(c, _)| c.state.bytes_beside(&mut seen)).sum();
            if held + kept + growth <= self.budget_bytes {
                return true;
            }
            let Some(oldest) = self.kept.iter().min_by_key(|(_, (_, used))| *used).map(|(k, _)| *k) else {
                return false;
            };
            self.kept.remove(&oldest);
        }
    }
}

//! A smaller model with the same vocabulary that guesses how the answer goes on, where the text before gives no hint. The
//! guesses are only computed ahead, as those of `lookup` are: which token comes, the large model says.
//!
//! Leviathan et al., 2023: <https://arxiv.org/abs/2211.17192>; here guesses are greedy and so is what accepts them.

use super::shelf::{Conversation, Shelf};
use crate::accelerated::place::Found;
use crate::backend::Backend;
use crate::error::Error;
use crate::forward::Part;
use crate::gguf;
use crate::tokens::Vocabulary;
use std::io::{Read, Seek};
use std::sync::Arc;

/// Tokens for which nothing is guessed after a guess that was wholly wrong, at first and at most.
const REST: (usize, usize) = (2, 64);

/// The small model.
pub(super) struct Draft {
    backend: Backend,
    shelf: Shelf,
}

/// What the small model has read of one turn, and how well it guessed.
pub(super) struct Guesser {
    c: Conversation,
    reach: usize,
    rests: usize,
    rest: usize,
}

impl Draft {
    /// Loads a GGUF file beside a model with this vocabulary, on the processor.
    ///
    /// # Errors
    /// `Damaged` and `Unsupported`, the latter also for another vocabulary.
    pub(super) fn load<R: Read + Seek + Send>(
        file: &mut R,
        threads: usize,
        n_ctx: usize,
        vocabulary: &Vocabulary,
        kv_budget_bytes: u64,
    ) -> Result<Self, Error> {
        let header = Arc::new(gguf::read(&mut *file)?);
        let own = Vocabulary::read(&header)?;
        let same =
            |token: u32| own.bytes(token) == vocabulary.bytes(token) && own.stops(token) == vocabulary.stops(token);
        if own.len() != vocabulary.len() || !(0..own.len() as u32).all(same) {
            return Err(Error::Unsupported("the model that is to guess has another vocabulary".into()));
        }
        let found = Found::nothing("a model that guesses runs on the processor");
        let backend = Backend::load(file, None, &header, threads, Some(n_ctx), kv_budget_bytes, &found)?;
        if backend.config().n_vocab < own.len() || backend.config().n_ctx < n_ctx {
            return Err(Error::Unsupported("the model that is to guess has a smaller context".into()));
        }
        Ok(Self { backend, shelf: Shelf::new(kv_budget_bytes) })
    }

    /// Returns the bytes of the weights.
    pub(super) fn bytes(&self) -> u64 {
        self.backend.bytes
    }

    /// Begins a turn.
    pub(super) fn begin(&mut self, conversation: i64, prompt: &[u32]) -> Guesser {
        let empty = self.backend.state();
        Guesser { c: self.shelf.begin(conversation, prompt, empty), reach: 4, rests: REST.0, rest: 0 }
    }

    /// Ends a turn.
    pub(super) fn close(&mut self, conversation: i64, guesser: Guesser) {
        if !guesser.c.tokens.is_empty() {
            self.shelf.keep(conversation, guesser.c);
        }
    }

    /// Forgets all conversations.
    pub(super) fn forget_all(&mut self) {
        self.shelf.clear();
    }

    /// Guesses up to `most` tokens that follow `tokens`; none where it does not pay, or there is no room.
    pub(super) fn guess(
        &mut self,
        guesser: &mut Guesser,
        tokens: &[u32],
        most: usize,
        stop: &dyn Fn() -> bool,
    ) -> Vec<u32> {
        let most = most.min(guesser.reach);
        if guesser.rest > 0 || most == 0 {
            guesser.rest = guesser.rest.saturating_sub(1);
            return Vec::new();
        }
        let c = &mut guesser.c;
        let common = c.tokens.iter().zip(tokens).take_while(|(a, b)| a == b).count();
        c.truncate(common.min(tokens.len().saturating_sub(1)));
        if !self.shelf.make_room(std::iter::once(&c.state), &c.state, tokens.len() + most) {
            return Vec::new();
        }
        let mut guesses: Vec<u32> = Vec::new();
        let mut unread = tokens[c.tokens.len()..].to_vec();
        while guesses.len() < most {
            for chunk in unread.chunks(self.backend.chunk()) {
                if self.backend.pass(&mut [Part { state: &mut c.state, tokens: chunk, want: 1 }], stop).is_err() {
                    return guesses;
                }
                c.tokens.extend_from_slice(chunk);
            }
            let best = self.backend.logits_of(0).iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1));
            let Some(best) = best.map(|(token, _)| token as u32) else { break };
            guesses.push(best);
            unread = vec![best];
        }
        guesses
    }
}

impl Guesser {
    /// Hears that of `guessed` tokens the first `right` came.
    pub(super) fn learn(&mut self, guessed: usize, right: usize) {
        if guessed == 0 {
            return;
        }
        self.reach = if right == guessed { self.reach * 2 } else { right + 1 }.min(16);
        if right == 0 {
            self.rest = self.rests;
            self.rests = (self.rests * 2).min(REST.1);
        } else {
            self.rests = REST.0;
        }
    }
}

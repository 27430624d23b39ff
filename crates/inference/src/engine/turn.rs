//! One answer under way: what is read, what was chosen, what comes next. It asks for passes and is told their logits;
//! which turns share a pass is `Chat`'s to say.

use super::draft::Guesser;
use super::pages::PageKey;
use super::shelf::Conversation;
use super::voice::Voice;
use super::{Event, Outcome};
use crate::chat::Format;
use crate::constrain::Guard;
use crate::error::Error;
use crate::forward::LOGITS;
use crate::lookup::{Ahead, Lookup};
use crate::sampling::{Sampler, chances};
use crate::tokens::Vocabulary;
use crate::wire::{Chance, Finish, Sampling};
use std::collections::VecDeque;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The last part of an answer's tokens (one in so many) in which a constrained answer is brought to its end.
const CLOSING_SHARE: usize = 3;

/// Pages that are asked for at a time.
const PAGES_AT_A_TIME: usize = 2;

/// Where a turn stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Phase {
    /// There is no room for its KV cache yet.
    Waiting,
    /// Pages of its prompt are on their way from outside.
    Fetching,
    /// The prompt is being read.
    Reading,
    /// The answer is being written.
    Writing,
    /// It has ended.
    Ended,
}

/// What turns tokens into text.
#[derive(Clone)]
pub(super) struct Speech {
    pub(super) vocabulary: Arc<Vocabulary>,
    pub(super) format: Format,
}

/// A request for an answer under way.
pub struct Turn {
    pub(super) conversation: i64,
    pub(super) urgent: bool,
    pub(super) prompt: Vec<u32>,
    pub(super) phase: Phase,
    /// Pages that it fetches.
    pub(super) wanted: VecDeque<PageKey>,
    /// How many of them were asked for and have not come.
    pub(super) asked: usize,
    /// Passes that others got while this one waited to read.
    pub(super) waited: usize,
    /// What is in the cache.
    pub(super) c: Conversation,
    /// Tokens for the next pass, of a turn that writes.
    pub(super) next: Vec<u32>,
    /// How many more guesses may follow them.
    pub(super) most_guesses: usize,
    /// What a model that guesses has of this turn.
    pub(super) guesser: Option<Guesser>,
    pub(super) outcome: Outcome,
    pub(super) fault: Option<Error>,
    speech: Speech,
    sampling: Sampling,
    sampler: Sampler,
    voice: Voice,
    guard: Option<Guard>,
    lookup: Lookup,
    /// Whether the guesses under way are of `lookup`.
    looked_up: bool,
    ahead: Ahead,
    begun: Instant,
}

impl Turn {
    pub(super) fn new(
        (conversation, urgent): (i64, bool),
        prompt: Vec<u32>,
        sampling: &Sampling,
        (speech, voice, guard): (Speech, Voice, Option<Guard>),
        c: Conversation,
    ) -> Self {
        let outcome = Outcome {
            reason: Finish::Cancelled,
            prompt_tokens: prompt.len(),
            cached_tokens: 0,
            new_tokens: 0,
            tokens: Vec::new(),
            prompt: Duration::ZERO,
            first_token: Duration::ZERO,
            generate: Duration::ZERO,
        };
        Self {
            conversation,
            urgent,
            prompt,
            phase: Phase::Waiting,
            wanted: VecDeque::new(),
            asked: 0,
            waited: 0,
            c,
            next: Vec::new(),
            most_guesses: 0,
            guesser: None,
            outcome,
            fault: None,
            speech,
            sampling: sampling.clone(),
            sampler: Sampler::new(sampling.clone()),
            voice,
            guard,
            lookup: Lookup::default(),
            looked_up: false,
            ahead: Ahead::default(),
            begun: Instant::now(),
        }
    }

    /// Whether it has ended; `Chat::close` tells how.
    pub fn has_ended(&self) -> bool {
        self.phase == Phase::Ended
    }

    /// Whether it waits for `Chat::supply`.
    pub fn is_fetching(&self) -> bool {
        self.phase == Phase::Fetching
    }

    /// Tokens of the prompt that are still to be read.
    pub(super) fn unread(&self) -> usize {
        self.prompt.len().saturating_sub(self.c.tokens.len())
    }

    /// Returns the names of the next pages that it fetches: few at a time, because they wait in memory.
    pub(super) fn ask_for_pages(&mut self) -> Vec<PageKey> {
        let keys: Vec<PageKey> = self.wanted.iter().take(PAGES_AT_A_TIME).copied().collect();
        self.asked = keys.len();
        keys
    }

    /// Begins to read behind what the cache has.
    pub(super) fn read(&mut self, emit: &mut dyn FnMut(Event)) {
        self.phase = Phase::Reading;
        self.outcome.cached_tokens = self.c.tokens.len();
        emit(Event::Prompt(self.c.tokens.len(), self.prompt.len()));
    }

    /// Hears that a pass went over `n` more tokens. `logits(i)` follow the i-th of those that logits were asked for.
    pub(super) fn passed<'a>(
        &mut self,
        n: usize,
        n_ctx: usize,
        logits: impl Fn(usize) -> &'a [f32],
        emit: &mut dyn FnMut(Event),
    ) {
        match self.phase {
            Phase::Reading => {
                let read = self.c.tokens.len();
                self.c.tokens.extend_from_slice(self.prompt.get(read..read + n).unwrap_or_default());
                emit(Event::Prompt(self.c.tokens.len(), self.prompt.len()));
                if self.unread() > 0 {
                    return;
                }
                self.outcome.prompt = self.begun.elapsed();
                self.phase = Phase::Writing;
            }
            Phase::Writing => {
                self.c.tokens.extend_from_slice(&self.next);
                self.ahead = Ahead::new(self.next.get(1..).unwrap_or_default());
            }
            Phase::Waiting | Phase::Fetching | Phase::Ended => return,
        }
        match self.write(n_ctx, &logits, emit) {
            Ok(None) => {}
            Ok(Some(reason)) => self.end(reason, emit),
            Err(fault) => {
                self.fault = Some(fault);
                self.end(Finish::Length, emit);
            }
        }
    }

    /// Chooses tokens as far as there are logits; returns why the answer ended, if it did, and otherwise leaves in `next`
    /// what the next pass is to go over.
    fn write<'a>(
        &mut self,
        n_ctx: usize,
        logits: &impl Fn(usize) -> &'a [f32],
        emit: &mut dyn FnMut(Event),
    ) -> Result<Option<Finish>, Error> {
        let limit = self.sampling.max_tokens as usize;
        loop {
            if self.outcome.new_tokens >= limit {
                return Ok(Some(Finish::Length));
            }
            let logits = logits(self.ahead.right());
            // What weights that are not what they were come to; nothing that is chosen from it would be an answer.
            if logits.iter().any(|l| l.is_nan() || *l == f32::INFINITY) {
                return Err(Error::Damaged("what it computes is not a number; fetch or copy the model again".into()));
            }
            // Thoughts are free; the answer after them is not.
            let guarded = self.guard.as_mut().filter(|_| !self.voice.is_thinking());
            let left = limit - self.outcome.new_tokens;
            let token = match &guarded {
                Some(g) if g.is_complete() => return Ok(Some(Finish::Stop)),
                Some(g) => {
                    let soon = if left <= limit.div_ceil(CLOSING_SHARE) { g.closing() } else { None };
                    soon.unwrap_or_else(|| self.sampler.choose_among(logits, Some(g.allowed())))
                }
                None => self.sampler.choose(logits),
            };
            if self.outcome.new_tokens == 0 {
                self.outcome.first_token = self.begun.elapsed();
            }
            if let Some(n) = self.sampling.chances {
                let (own, likeliest) = chances(logits, token, n as usize);
                let chance = |(token, log_probability)| {
                    let bytes = self.speech.vocabulary.bytes(token).to_vec();
                    Chance { token, bytes, log_probability }
                };
                emit(Event::Chances(chance((token, own)), likeliest.into_iter().map(chance).collect()));
            }
            if self.speech.vocabulary.stops(token) {
                return Ok(Some(Finish::Stop));
            }
            self.outcome.new_tokens += 1;
            self.outcome.tokens.push(token);
            guarded.map_or(Ok(()), |g| g.take(token))?;
            let Speech { vocabulary, format } = &self.speech;
            if self.voice.say(vocabulary, format, token, self.outcome.new_tokens, emit) {
                return Ok(Some(Finish::Stop));
            }
            if self.outcome.new_tokens >= limit {
                return Ok(Some(Finish::Length));
            }
            if self.ahead.holds(token) {
                continue;
            }
            self.c.drop_last(self.ahead.left());
            if self.looked_up {
                self.lookup.learn(self.ahead.guessed(), self.ahead.right());
            } else if let Some(guesser) = &mut self.guesser {
                guesser.learn(self.ahead.guessed(), self.ahead.right());
            }
            self.ahead = Ahead::default();
            if self.c.tokens.len() >= n_ctx {
                return Ok(Some(Finish::Length));
            }
            self.look_ahead(token, n_ctx.min(self.c.tokens.len() + limit - self.outcome.new_tokens + 1));
            return Ok(None);
        }
    }

    /// Puts `token` and guesses of what follows it into `next`; the cache is not to grow over `most` tokens.
    fn look_ahead(&mut self, token: u32, most: usize) {
        let greedy = self.sampling.temperature <= 0.0 && self.guard.is_none();
        let guesses = if self.sampling.lookup && greedy { LOGITS - 1 } else { 0 };
        self.next.clear();
        self.next.push(token);
        self.c.tokens.push(token);
        self.most_guesses = guesses.min(most.saturating_sub(self.c.tokens.len()));
        self.next.extend_from_slice(self.lookup.guess(&self.c.tokens, self.most_guesses));
        self.c.tokens.pop();
        self.looked_up = self.next.len() > 1;
    }

    /// Ends the answer.
    pub(super) fn end(&mut self, mut reason: Finish, emit: &mut dyn FnMut(Event)) {
        self.c.drop_last(self.ahead.left());
        self.ahead = Ahead::default();
        if reason == Finish::Length && self.guard.as_mut().is_some_and(Guard::may_end) {
            reason = Finish::Stop;
        }
        if reason != Finish::Cancelled {
            self.voice.finish(self.outcome.new_tokens, emit);
        }
        self.outcome.reason = reason;
        match self.phase {
            Phase::Writing => self.outcome.generate = self.begun.elapsed().saturating_sub(self.outcome.first_token),
            _ => self.outcome.prompt = self.begun.elapsed(),
        }
        self.phase = Phase::Ended;
    }

    /// Ends the answer with an error.
    pub(super) fn fail(&mut self, fault: Error) {
        self.fault = Some(fault);
        self.phase = Phase::Ended;
    }
}

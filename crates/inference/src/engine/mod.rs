//! Answers on one loaded decoder: prompts, the KV caches of the conversations, and which turns share a pass. Several
//! answers are written side by side: a pass takes the next token of each and a piece of one prompt. Interactive turns
//! come first; among prompts the shortest does, and none is passed over for ever. Who asks and who listens is `serve`.
//!
//! Continuous batching: Yu et al., 2022, <https://www.usenix.org/conference/osdi22/presentation/yu>; prompts in pieces
//! beside it: <https://arxiv.org/abs/2308.16369>.

mod draft;
mod pages;
mod shelf;
mod turn;
mod voice;

pub use pages::PageKey;
pub use turn::Turn;

use crate::accelerated::place::Found;
use crate::arrival::Source;
use crate::backend::Backend;
use crate::chat::{self, Format, Hearing};
use crate::constrain::{Constrainer, Guard};
use crate::error::Error;
use crate::forward::{PARTS, Part};
use crate::gguf;
use crate::kernel::PAGE;
use crate::template::Template;
use crate::tokens::Vocabulary;
use crate::wire::{Briefing, Chance, Finish, MAX_FRAME_BYTES, Message, ModelInfo, Sampling};
use draft::Draft;
use shelf::{Conversation, Shelf};
use std::collections::{HashSet, VecDeque};
use std::fs::File;
use std::io::{Read, Seek};
use std::sync::Arc;
use std::time::Duration;
use turn::{Phase, Speech};
use voice::Voice;

/// What happens on the way to an answer.
#[derive(Debug, Clone, PartialEq)]
pub enum Event {
    /// Tokens of the prompt that are read, and all.
    Prompt(usize, usize),
    /// More text, and tokens of the answer so far.
    Text(String, usize),
    /// More of what the model thinks before it answers, and tokens so far.
    Thought(String, usize),
    /// A call of a tool: its name and a JSON object.
    Call(String, String),
    /// The next pages of the prompt's KV cache that are not here; `Chat::supply` brings them, or says that there are none.
    Wanted(Vec<PageKey>),
    /// How likely the chosen token was, and the likeliest ones, where that was asked.
    Chances(Chance, Vec<Chance>),
}

/// How an answer ended.
#[derive(Debug, Clone)]
pub struct Outcome {
    /// Why.
    pub reason: Finish,
    /// Tokens of the prompt.
    pub prompt_tokens: usize,
    /// Those that were in the cache.
    pub cached_tokens: usize,
    /// Tokens of the answer, the one that ends the turn not counted.
    pub new_tokens: usize,
    /// Those tokens by number.
    pub tokens: Vec<u32>,
    /// Time until the prompt was read.
    pub prompt: Duration,
    /// Time until the first token was chosen.
    pub first_token: Duration,
    /// Time from then to the end.
    pub generate: Duration,
}

/// What a request for an answer consists of.
#[derive(Debug, Clone, Copy)]
pub struct Ask<'a> {
    /// Names the cache.
    pub conversation: i64,
    /// The whole conversation.
    pub messages: &'a [Message],
    /// What else the model is told.
    pub briefing: &'a Briefing,
    /// How tokens are chosen.
    pub sampling: &'a Sampling,
    /// The given beginning of the answer.
    pub begun: Option<&'a str>,
    /// Whether a person waits for it; others go on when no such one is under way.
    pub urgent: bool,
}

/// What part of the KV budget (one in so many) a model that guesses has beside it.
const DRAFT_SHARE: u64 = 4;
/// What `ModelInfo::draft` says of a model that guesses.
pub const GUESSES: &str = "guesses";

/// A loaded chat model with its conversations.
pub struct Chat {
    backend: Backend,
    speech: Speech,
    template: Arc<Template>,
    constrainer: Option<Constrainer>,
    shelf: Shelf,
    /// The model that guesses, or why there is none.
    draft: Result<Draft, String>,
    n_ctx: usize,
    /// Pages that the store outside has; nothing where there is no store.
    stored: Option<HashSet<PageKey>>,
}

impl Chat {
    /// Loads a GGUF file onto the processor.
    ///
    /// # Errors
    /// `Damaged` and `Unsupported`, with what is wrong.
    pub fn load<R: Read + Seek + Send>(
        file: &mut R,
        threads: usize,
        n_ctx: Option<usize>,
        kv_budget_bytes: u64,
    ) -> Result<Self, Error> {
        Self::load_where(file, threads, n_ctx, kv_budget_bytes, &Found::nothing("nothing else was asked for"))
    }

    /// Loads a GGUF file where it is best computed.
    ///
    /// # Errors
    /// `Damaged` and `Unsupported`, with what is wrong.
    pub fn load_where<R: Read + Seek + Send>(
        file: &mut R,
        threads: usize,
        n_ctx: Option<usize>,
        kv_budget_bytes: u64,
        found: &Found,
    ) -> Result<Self, Error> {
        Self::load_from(file, None, threads, n_ctx, kv_budget_bytes, found)
    }

    /// Loads a GGUF file as `load_where` does, but for the processor packs weights after it returned; the first answer
    /// waits for them, and for a file that cannot be read any more fails with `Io`.
    ///
    /// # Errors
    /// `Damaged` and `Unsupported`, with what is wrong.
    pub fn load_ahead(
        mut file: File,
        threads: usize,
        n_ctx: Option<usize>,
        kv_budget_bytes: u64,
        found: &Found,
    ) -> Result<Self, Error> {
        let behind = file.try_clone().map_err(Error::io("the model file"))?;
        Self::load_from(&mut file, Some(Box::new(behind)), threads, n_ctx, kv_budget_bytes, found)
    }

    fn load_from<R: Read + Seek + Send>(
        file: &mut R,
        behind: Option<Box<dyn Source>>,
        threads: usize,
        n_ctx: Option<usize>,
        kv_budget_bytes: u64,
        found: &Found,
    ) -> Result<Self, Error> {
        let header = Arc::new(gguf::read(&mut *file)?);
        // The words are read while the weights are packed.
        let (vocabulary, backend) = std::thread::scope(|scope| {
            let words = std::thread::Builder::new().spawn_scoped(scope, || Vocabulary::read(&header));
            let backend = Backend::load(file, behind, &header, threads, n_ctx, kv_budget_bytes, found);
            let words = match words {
                Ok(words) => words.join().unwrap_or_else(|why| std::panic::resume_unwind(why)),
                Err(_) => Vocabulary::read(&header),
            };
            (words, backend)
        });
        let (vocabulary, backend) = (vocabulary?, backend?);
        let chatml = |s: &str| vocabulary.specials().token(s).is_some();
        let chatml = chatml("<|im_start|>") && chatml("<|im_end|>");
        let template = Template::choose(header.text("tokenizer.chat_template"), vocabulary.marks(), chatml);
        let n_ctx = n_ctx.unwrap_or(usize::MAX).clamp(1, backend.config().n_ctx);
        let format = Format::of(template.source().unwrap_or_default());
        Ok(Self {
            backend,
            speech: Speech { vocabulary: Arc::new(vocabulary), format },
            template: Arc::new(template),
            constrainer: None,
            shelf: Shelf::new(kv_budget_bytes),
            draft: Err(String::new()),
            n_ctx,
            stored: None,
        })
    }

    /// Returns what was loaded; `load_ms` is left to the caller.
    pub fn info(&self) -> ModelInfo {
        let (b, c) = (&self.backend, self.backend.config());
        ModelInfo {
            architecture: c.architecture.name.into(),
            quantization: b.quantization.name().into(),
            n_ctx: self.n_ctx as u32,
            n_vocab: c.n_vocab as u32,
            dims: None,
            weights_bytes: b.bytes + self.draft.as_ref().map_or(0, Draft::bytes),
            threads: b.threads as u32,
            kernel: b.kernel.clone(),
            place: b.place.clone(),
            device_bytes: b.device_bytes,
            template: self.template.describe(),
            draft: self.draft.as_ref().map_or_else(Clone::clone, |_| GUESSES.into()),
            load_ms: 0,
        }
    }

    /// Returns a handle that counts prompt tokens on any thread.
    pub fn counter(&self) -> Counter {
        Counter { vocabulary: Arc::clone(&self.speech.vocabulary), template: Arc::clone(&self.template) }
    }

    /// Returns the bytes of the KV caches that are kept between turns.
    pub fn kv_bytes(&self) -> u64 {
        self.shelf.bytes()
    }

    /// Forgets a conversation.
    pub fn forget(&mut self, conversation: i64) {
        self.shelf.forget(conversation);
    }

    /// Forgets all conversations.
    pub fn forget_all(&mut self) {
        self.shelf.clear();
        if let Ok(draft) = &mut self.draft {
            draft.forget_all();
        }
        if let Some(stored) = &mut self.stored {
            stored.clear();
        }
    }

    /// Loads a smaller model that guesses how answers go on, from a GGUF file; `info` says whether it does. It changes
    /// speed, never an answer.
    pub fn load_draft<R: Read + Seek + Send>(&mut self, file: &mut R, threads: usize) {
        let budget = self.shelf.budget_bytes() / DRAFT_SHARE;
        let draft = Draft::load(file, threads, self.n_ctx, &self.speech.vocabulary, budget);
        self.draft = draft.map_err(|e| e.to_string());
    }

    /// From now on asks a store outside for pages of prompts (`Event::Wanted`), where caches can leave the backend.
    pub fn ask_for_pages(&mut self) {
        let page_bytes = self.backend.state().bytes_for(1);
        let portable = self.backend.state().own().is_some() && page_bytes + 1024 < u64::from(MAX_FRAME_BYTES);
        self.stored = portable.then(HashSet::new);
    }

    /// Calls `keep` with the pages of a conversation that the store outside does not have yet, until it says no.
    pub fn store_pages(&mut self, conversation: i64, keep: &mut dyn FnMut(PageKey, Vec<u8>) -> bool) {
        let (Some(stored), Some(c)) = (&mut self.stored, self.shelf.get(conversation)) else { return };
        let Some(state) = c.state.own() else { return };
        for (i, key) in pages::keys(&self.backend.kernel, &c.tokens).into_iter().enumerate() {
            let Some(page) = state.full_page(i).filter(|_| !stored.contains(&key)) else { continue };
            if !keep(key, pages::to_bytes(page)) {
                return;
            }
            stored.insert(key);
        }
    }

    /// Takes a request. It takes no memory yet; `step` does.
    ///
    /// # Errors
    /// `TooLong` and `Memory` with their figures, `Request` where the template refuses.
    pub fn begin(&mut self, ask: Ask<'_>) -> Result<Turn, Error> {
        let Speech { vocabulary, format } = &self.speech;
        let chat::Prompt { tokens: prompt, tail } =
            chat::prompt(vocabulary, &self.template, ask.messages, ask.briefing, ask.begun)?;
        let n_vocab = self.backend.config().n_vocab as u32;
        if prompt.is_empty() || prompt.iter().any(|t| *t >= n_vocab) {
            return Err(Error::Request("the prompt has no tokens that the model knows".into()));
        }
        if prompt.len() >= self.n_ctx {
            return Err(Error::TooLong { prompt_tokens: prompt.len() as u32, n_ctx: self.n_ctx as u32 });
        }
        let state = self.backend.state();
        let (needed_bytes, budget_bytes) = (state.bytes_for(prompt.len() + 1), self.shelf.budget_bytes());
        if needed_bytes > budget_bytes {
            return Err(Error::Memory { needed_bytes, budget_bytes });
        }
        let hearing = Hearing::new(format, &tail, !ask.briefing.tools.is_empty());
        // A space that only encoding puts before a text is no part of the answer.
        let trim = vocabulary.has_prefix_space() && ask.begun.is_none();
        let voice = Voice::new(hearing, &ask.sampling.stop, trim);
        let guard = self.guard(ask.sampling)?;
        let who = (ask.conversation, ask.urgent);
        Ok(Turn::new(who, prompt, ask.sampling, (self.speech.clone(), voice, guard), Conversation::new(state)))
    }

    /// Answers, alone. `cancelled` is asked many times a second; `emit` hears progress and text.
    ///
    /// # Errors
    /// Those of `begin`, `Device`, and `Io` after `load_ahead`. Being cancelled is an outcome.
    pub fn answer(
        &mut self,
        ask: Ask<'_>,
        cancelled: &dyn Fn() -> bool,
        emit: &mut dyn FnMut(Event),
    ) -> Result<Outcome, Error> {
        let mut turns = [self.begin(ask)?];
        while !turns[0].has_ended() {
            self.step(&mut turns, &|_| cancelled(), &mut |_, event| emit(event));
            if turns[0].is_fetching() {
                self.supply(&mut turns, 0, None, emit);
            }
        }
        let [turn] = turns;
        self.close(turn)
    }

    /// Takes one step with the turns under way, at most one pass; afterwards some may have ended. `cancelled` and `emit`
    /// name the turn by its place.
    pub fn step(&mut self, turns: &mut [Turn], cancelled: &dyn Fn(usize) -> bool, emit: &mut dyn FnMut(usize, Event)) {
        for (i, turn) in turns.iter_mut().enumerate().filter(|(_, turn)| !turn.has_ended()) {
            if cancelled(i) {
                turn.end(Finish::Cancelled, &mut |event| emit(i, event));
            }
        }
        self.admit(turns, emit);
        let shares = self.shares(turns, emit);
        if shares.is_empty() {
            return;
        }
        let mut parts = Vec::with_capacity(shares.len());
        for (i, turn) in turns.iter_mut().enumerate() {
            let Some((_, n)) = shares.iter().find(|(who, _)| *who == i) else { continue };
            let read = turn.c.tokens.len();
            let (tokens, want) = if turn.phase == Phase::Reading {
                (&turn.prompt[read..read + n], usize::from(read + n == turn.prompt.len()))
            } else {
                (&turn.next[..], turn.next.len())
            };
            parts.push(Part { state: &mut turn.c.state, tokens, want });
        }
        let wants: Vec<usize> = parts.iter().map(|part| part.want).collect();
        let result = self.backend.pass(&mut parts, &|| shares.iter().all(|(i, _)| cancelled(*i)));
        let mut row = 0;
        for ((i, n), want) in shares.into_iter().zip(wants) {
            let turn = &mut turns[i];
            match &result {
                Ok(()) => {
                    let backend = &self.backend;
                    turn.passed(n, self.n_ctx, |at| backend.logits_of(row + at), &mut |event| emit(i, event));
                }
                Err(Error::Cancelled) => turn.end(Finish::Cancelled, &mut |event| emit(i, event)),
                Err(e) => turn.fail(e.again()),
            }
            row += want;
        }
        self.guess(turns, cancelled);
    }

    /// Lets the small model guess for the only turn that writes, where nothing else did.
    fn guess(&mut self, turns: &mut [Turn], cancelled: &dyn Fn(usize) -> bool) {
        let Ok(draft) = &mut self.draft else { return };
        let mut under_way = turns.iter_mut().enumerate().filter(|(_, turn)| !turn.has_ended());
        let (Some((i, turn)), None) = (under_way.next(), under_way.next()) else { return };
        if turn.phase != Phase::Writing || turn.next.len() != 1 || turn.most_guesses == 0 {
            return;
        }
        let tokens = [&turn.c.tokens[..], &turn.next].concat();
        let guesser = turn.guesser.get_or_insert_with(|| draft.begin(turn.conversation, &turn.prompt));
        turn.next.extend(draft.guess(guesser, &tokens, turn.most_guesses, &|| cancelled(i)));
    }

    /// Gives memory to turns that wait for it, those that a person waits for first.
    fn admit(&mut self, turns: &mut [Turn], emit: &mut dyn FnMut(usize, Event)) {
        let under_way = |turn: &&Turn| !matches!(turn.phase, Phase::Waiting | Phase::Ended);
        for urgent in [true, false] {
            for i in 0..turns.len() {
                if turns[i].phase != Phase::Waiting || turns[i].urgent != urgent {
                    continue;
                }
                let needs = |turn: &Turn| turn.c.state.bytes_for(turn.prompt.len() + 1);
                let taken: u64 = turns.iter().filter(under_way).map(needs).sum();
                let others = turns.iter().filter(under_way).count();
                if others > 0 && (others >= PARTS || taken + needs(&turns[i]) > self.shelf.budget_bytes()) {
                    return;
                }
                let turn = &mut turns[i];
                let empty = self.backend.state();
                turn.c = self.shelf.begin(turn.conversation, &turn.prompt, empty);
                turn.wanted = self.wanted(turn);
                if turn.wanted.is_empty() {
                    turn.read(&mut |event| emit(i, event));
                } else {
                    turn.phase = Phase::Fetching;
                    emit(i, Event::Wanted(turn.ask_for_pages()));
                }
            }
        }
    }

    /// Returns the names of the pages that would carry the cache of a turn further, without the prompt's last token.
    fn wanted(&self, turn: &Turn) -> VecDeque<PageKey> {
        if self.stored.is_none() {
            return VecDeque::new();
        }
        let most = turn.prompt.len().saturating_sub(1);
        let keys = pages::keys(&self.backend.kernel, turn.prompt.get(..most).unwrap_or_default());
        keys.into_iter().skip(turn.c.tokens.len() / PAGE).collect()
    }

    /// Brings the `i`-th turn the next of the pages that it wants, or nothing, after which it reads what is missing.
    pub fn supply(&mut self, turns: &mut [Turn], i: usize, page: Option<&[u8]>, emit: &mut dyn FnMut(Event)) {
        let Some(turn) = turns.get(i).filter(|turn| turn.is_fetching()) else { return };
        let from = turn.c.tokens.len() / PAGE * PAGE;
        let room = self.room(turns, i, (from + PAGE).saturating_sub(turn.c.tokens.len()));
        let turn = &mut turns[i];
        let tokens = turn.prompt.get(from..from + PAGE);
        if let (Some(page), Some(tokens), true) = (page, tokens, room)
            && let Some(key) = turn.wanted.pop_front()
            && turn.c.state.own_mut().is_some_and(|state| state.adopt(pages::from_bytes(page)))
        {
            turn.c.tokens.truncate(from);
            turn.c.tokens.extend_from_slice(tokens);
            if let Some(stored) = &mut self.stored {
                stored.insert(key);
            }
            turn.asked = turn.asked.saturating_sub(1);
            if turn.asked == 0 && !turn.wanted.is_empty() {
                emit(Event::Wanted(turn.ask_for_pages()));
            }
            if !turn.wanted.is_empty() {
                return;
            }
        }
        turn.read(emit);
    }

    /// Chooses who goes into the next pass and with how many tokens, and sees that there is room for them.
    fn shares(&mut self, turns: &mut [Turn], emit: &mut dyn FnMut(usize, Event)) -> Vec<(usize, usize)> {
        let urgent = turns.iter().any(|turn| turn.urgent && matches!(turn.phase, Phase::Reading | Phase::Writing));
        let mut shares = Vec::new();
        let (mut rows, mut reads) = (0, false);
        for i in 0..turns.len() {
            if turns[i].phase != Phase::Writing || (urgent && !turns[i].urgent) {
                continue;
            }
            if !self.room(turns, i, turns[i].next.len()) {
                turns[i].next.truncate(1);
                if !self.room(turns, i, 1) {
                    turns[i].end(Finish::Length, &mut |event| emit(i, event));
                    continue;
                }
            }
            rows += turns[i].next.len();
            shares.push((i, turns[i].next.len()));
        }
        let (chunk, most) = (self.backend.chunk(), self.backend.chunk().saturating_sub(rows));
        let readers = turns.iter().enumerate().filter(|(_, t)| t.phase == Phase::Reading && (t.urgent || !urgent));
        let mut readers: Vec<usize> = readers.map(|(i, _)| i).collect();
        readers.sort_by_key(|i| turns[*i].unread().saturating_sub(chunk * turns[*i].waited));
        for i in readers {
            let n = turns[i].unread().min(most);
            // One prompt at a time: two that are read side by side both come late.
            if !reads && shares.len() < PARTS && n > 0 && self.room(turns, i, n) {
                shares.push((i, n));
                reads = true;
            } else {
                turns[i].waited += 1;
            }
        }
        if shares.is_empty()
            && let Some(i) = (0..turns.len()).find(|i| turns[*i].phase == Phase::Reading)
        {
            let needed_bytes = turns[i].c.state.bytes_for(turns[i].prompt.len() + 1);
            turns[i].fail(Error::Memory { needed_bytes, budget_bytes: self.shelf.budget_bytes() });
        }
        shares.sort_unstable();
        shares
    }

    /// Makes room for `n` more tokens of a turn. Says whether there is any.
    fn room(&mut self, turns: &[Turn], i: usize, n: usize) -> bool {
        let c = &turns[i].c;
        self.shelf.make_room(turns.iter().map(|turn| &turn.c.state), &c.state, c.tokens.len() + n)
    }

    /// Ends a turn, whose cache is kept for the next one, and returns how it went.
    ///
    /// # Errors
    /// What ended it.
    pub fn close(&mut self, mut turn: Turn) -> Result<Outcome, Error> {
        if let (Ok(draft), Some(guesser)) = (&mut self.draft, turn.guesser.take()) {
            draft.close(turn.conversation, guesser);
        }
        if !turn.c.tokens.is_empty() {
            self.shelf.keep(turn.conversation, turn.c);
        }
        turn.fault.map_or(Ok(turn.outcome), Err)
    }

    /// Compiles the constraint of a request, if it has one.
    fn guard(&mut self, sampling: &Sampling) -> Result<Option<Guard>, Error> {
        let Some(constraint) = &sampling.constraint else { return Ok(None) };
        if self.constrainer.is_none() {
            self.constrainer = Some(Constrainer::new(&self.speech.vocabulary)?);
        }
        self.constrainer.as_ref().map(|c| c.guard(constraint)).transpose()
    }
}

/// Counts the tokens of prompts.
#[derive(Clone)]
pub struct Counter {
    vocabulary: Arc<Vocabulary>,
    template: Arc<Template>,
}

impl Counter {
    /// Returns how many tokens the prompt of these messages has.
    ///
    /// # Errors
    /// `Request` where the template refuses them.
    pub fn count(&self, messages: &[Message], briefing: &Briefing) -> Result<usize, Error> {
        Ok(chat::prompt(&self.vocabulary, &self.template, messages, briefing, None)?.tokens.len())
    }
}

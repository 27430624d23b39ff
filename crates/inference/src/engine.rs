//! Answers on one loaded decoder: prompts, the KV caches of the conversations, the loop that generates. One request at
//! a time; who asks and who listens is `serve`.

use crate::accelerated::place::Found;
use crate::backend::{Backend, State};
use crate::chat::{self, Format, Heard, Hearing};
use crate::constrain::{Constrainer, Guard};
use crate::error::Error;
use crate::forward::LOGITS;
use crate::gguf;
use crate::lookup::{Ahead, Lookup};
use crate::sampling::{Sampler, StopText, chances};
use crate::template::Template;
use crate::tokens::{Utf8Stream, Vocabulary};
use crate::wire::{Briefing, Chance, Finish, Message, ModelInfo, Sampling};
use std::collections::HashMap;
use std::io::{Read, Seek};
use std::sync::Arc;
use std::time::{Duration, Instant};

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
}

/// The last part of an answer's tokens (one in so many) in which a constrained answer is brought to its end.
const CLOSING_SHARE: usize = 3;

struct Conversation {
    tokens: Vec<u32>,
    state: State,
    used: u64,
}

impl Conversation {
    /// Forgets the last `n` tokens.
    fn drop_last(&mut self, n: usize) {
        self.tokens.truncate(self.tokens.len().saturating_sub(n));
        self.state.truncate(self.tokens.len());
    }
}

/// A loaded chat model with its conversations.
pub struct Chat {
    backend: Backend,
    vocabulary: Arc<Vocabulary>,
    template: Arc<Template>,
    format: Format,
    constrainer: Option<Constrainer>,
    conversations: HashMap<i64, Conversation>,
    n_ctx: usize,
    kv_budget_bytes: u64,
    turn: u64,
}

impl Chat {
    /// Loads a GGUF file onto the processor.
    ///
    /// # Errors
    /// `Damaged` and `Unsupported`, with what is wrong.
    pub fn load<R: Read + Seek>(
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
    pub fn load_where<R: Read + Seek>(
        file: &mut R,
        threads: usize,
        n_ctx: Option<usize>,
        kv_budget_bytes: u64,
        found: &Found,
    ) -> Result<Self, Error> {
        let header = gguf::read(&mut *file)?;
        let vocabulary = Vocabulary::read(&header)?;
        let backend = Backend::load(file, &header, threads, n_ctx, kv_budget_bytes, found)?;
        let chatml = |s: &str| vocabulary.specials().token(s).is_some();
        let chatml = chatml("<|im_start|>") && chatml("<|im_end|>");
        let template = Template::choose(header.text("tokenizer.chat_template"), vocabulary.marks(), chatml);
        let n_ctx = n_ctx.unwrap_or(usize::MAX).clamp(1, backend.config().n_ctx);
        Ok(Self {
            backend,
            vocabulary: Arc::new(vocabulary),
            format: Format::of(template.source().unwrap_or_default()),
            template: Arc::new(template),
            constrainer: None,
            conversations: HashMap::new(),
            n_ctx,
            kv_budget_bytes,
            turn: 0,
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
            weights_bytes: b.bytes,
            threads: b.threads as u32,
            kernel: b.kernel.clone(),
            place: b.place.clone(),
            template: self.template.describe(),
            load_ms: 0,
        }
    }

    /// Returns a handle that counts prompt tokens on any thread.
    pub fn counter(&self) -> Counter {
        Counter { vocabulary: Arc::clone(&self.vocabulary), template: Arc::clone(&self.template) }
    }

    /// Returns the bytes of all KV caches.
    pub fn kv_bytes(&self) -> u64 {
        self.conversations.values().map(|c| c.state.bytes()).sum()
    }

    /// Forgets a conversation.
    pub fn forget(&mut self, conversation: i64) {
        self.conversations.remove(&conversation);
    }

    /// Forgets all conversations.
    pub fn forget_all(&mut self) {
        self.conversations.clear();
    }

    /// Makes room under the budget for `needed` bytes beside the kept conversations, the longest unused going first.
    fn make_room(&mut self, needed: u64) -> Result<(), Error> {
        if needed > self.kv_budget_bytes {
            return Err(Error::Memory { needed_bytes: needed, budget_bytes: self.kv_budget_bytes });
        }
        while self.kv_bytes() + needed > self.kv_budget_bytes {
            let Some(oldest) = self.conversations.iter().min_by_key(|(_, c)| c.used).map(|(k, _)| *k) else { break };
            self.conversations.remove(&oldest);
        }
        Ok(())
    }

    /// Answers. `cancelled` is asked many times a second; `emit` hears progress and text.
    ///
    /// # Errors
    /// `TooLong` and `Memory` with their figures, `Request` where the template refuses. Being cancelled is an outcome.
    pub fn answer(
        &mut self,
        ask: Ask<'_>,
        cancelled: &dyn Fn() -> bool,
        emit: &mut dyn FnMut(Event),
    ) -> Result<Outcome, Error> {
        let chat::Prompt { tokens: prompt, tail } =
            chat::prompt(&self.vocabulary, &self.template, ask.messages, ask.briefing, ask.begun)?;
        let guard = self.guard(ask.sampling)?;
        let hearing = Hearing::new(&self.format, &tail, !ask.briefing.tools.is_empty());
        let voice = Voice {
            hearing,
            utf8: Utf8Stream::default(),
            stops: StopText::new(&ask.sampling.stop),
            // A space that only encoding puts before a text is no part of the answer.
            trim: self.vocabulary.has_prefix_space() && ask.begun.is_none(),
        };
        let n_vocab = self.backend.config().n_vocab as u32;
        if prompt.is_empty() || prompt.iter().any(|t| *t >= n_vocab) {
            return Err(Error::Request("the prompt has no tokens that the model knows".into()));
        }
        if prompt.len() >= self.n_ctx {
            return Err(Error::TooLong { prompt_tokens: prompt.len() as u32, n_ctx: self.n_ctx as u32 });
        }
        let fresh = || Conversation { tokens: Vec::new(), state: self.backend.state(), used: 0 };
        let mut c = self.conversations.remove(&ask.conversation).unwrap_or_else(fresh);
        let result = self.run(&mut c, &prompt, ask.sampling, (voice, guard), cancelled, emit);
        c.tokens.truncate(c.state.len());
        c.state.truncate(c.tokens.len());
        self.turn += 1;
        c.used = self.turn;
        self.conversations.insert(ask.conversation, c);
        result
    }

    /// Compiles the constraint of a request, if it has one.
    fn guard(&mut self, sampling: &Sampling) -> Result<Option<Guard>, Error> {
        let Some(constraint) = &sampling.constraint else { return Ok(None) };
        if self.constrainer.is_none() {
            self.constrainer = Some(Constrainer::new(&self.vocabulary)?);
        }
        self.constrainer.as_ref().map(|c| c.guard(constraint)).transpose()
    }

    fn run(
        &mut self,
        c: &mut Conversation,
        prompt: &[u32],
        sampling: &Sampling,
        speech: (Voice, Option<Guard>),
        cancelled: &dyn Fn() -> bool,
        emit: &mut dyn FnMut(Event),
    ) -> Result<Outcome, Error> {
        let begun = Instant::now();
        // The last token is always computed, because its logits are wanted.
        let common = c.tokens.iter().zip(prompt).take_while(|(a, b)| a == b).count().min(prompt.len() - 1);
        c.state.truncate(common);
        c.tokens.truncate(common);
        self.make_room(c.state.bytes_for(prompt.len() + 1))?;
        let mut o = Outcome {
            reason: Finish::Cancelled,
            prompt_tokens: prompt.len(),
            cached_tokens: common,
            new_tokens: 0,
            prompt: Duration::ZERO,
            first_token: Duration::ZERO,
            generate: Duration::ZERO,
        };
        emit(Event::Prompt(common, prompt.len()));
        while c.tokens.len() < prompt.len() {
            let chunk = &prompt[c.tokens.len()..(c.tokens.len() + self.backend.chunk()).min(prompt.len())];
            let last = c.tokens.len() + chunk.len() == prompt.len();
            match self.pass(c, chunk, usize::from(last), cancelled) {
                Ok(()) => {}
                Err(Error::Cancelled) => {
                    o.prompt = begun.elapsed();
                    return Ok(o);
                }
                Err(e) => return Err(e),
            }
            emit(Event::Prompt(c.tokens.len(), prompt.len()));
        }
        o.prompt = begun.elapsed();
        let ended = self.generate(c, sampling, speech, cancelled, emit, begun, &mut o);
        o.generate = begun.elapsed().saturating_sub(o.first_token);
        ended.map(|()| o)
    }

    #[allow(clippy::too_many_arguments)]
    fn generate(
        &mut self,
        c: &mut Conversation,
        sampling: &Sampling,
        (mut voice, mut guard): (Voice, Option<Guard>),
        cancelled: &dyn Fn() -> bool,
        emit: &mut dyn FnMut(Event),
        begun: Instant,
        o: &mut Outcome,
    ) -> Result<(), Error> {
        let mut sampler = Sampler::new(sampling.clone());
        let limit = sampling.max_tokens as usize;
        let (mut lookup, mut ahead) = (Lookup::default(), Ahead::default());
        let greedy = sampling.temperature <= 0.0 && guard.is_none();
        let guesses = if sampling.lookup && greedy { LOGITS - 1 } else { 0 };
        let mut fault = Ok(());
        o.reason = loop {
            if o.new_tokens >= limit {
                break Finish::Length;
            }
            let logits = self.backend.logits_of(ahead.right());
            // Thoughts are free; the answer after them is not.
            let guarded = guard.as_mut().filter(|_| !voice.hearing.is_thinking());
            let left = limit - o.new_tokens;
            let token = match &guarded {
                Some(g) if g.is_complete() => break Finish::Stop,
                Some(g) => {
                    let soon = if left <= limit.div_ceil(CLOSING_SHARE) { g.closing() } else { None };
                    soon.unwrap_or_else(|| sampler.choose_among(logits, Some(g.allowed())))
                }
                None => sampler.choose(logits),
            };
            if o.new_tokens == 0 {
                o.first_token = begun.elapsed();
            }
            if let Some(n) = sampling.chances {
                let (own, likeliest) = chances(logits, token, n as usize);
                let chance = |(token, log_probability)| {
                    let bytes = self.vocabulary.bytes(token).to_vec();
                    Chance { token, bytes, log_probability }
                };
                emit(Event::Chances(chance((token, own)), likeliest.into_iter().map(chance).collect()));
            }
            if self.vocabulary.stops(token) {
                break Finish::Stop;
            }
            o.new_tokens += 1;
            if let Some(Err(e)) = guarded.map(|g| g.take(token)) {
                fault = Err(e);
                break Finish::Length;
            }
            if voice.say(&self.vocabulary, &self.format, token, o.new_tokens, emit) {
                break Finish::Stop;
            }
            if o.new_tokens >= limit {
                break Finish::Length;
            }
            if ahead.holds(token) {
                if cancelled() {
                    break Finish::Cancelled;
                }
                continue;
            }
            c.drop_last(ahead.left());
            lookup.learn(ahead.guessed(), ahead.right());
            ahead = Ahead::default();
            if c.tokens.len() >= self.n_ctx || self.make_room(c.state.bytes_for(c.tokens.len() + 1)).is_err() {
                break Finish::Length;
            }
            c.tokens.push(token);
            let most = guesses.min(self.n_ctx - c.tokens.len()).min(limit - o.new_tokens);
            let mut next = vec![token];
            next.extend_from_slice(lookup.guess(&c.tokens, most));
            c.tokens.pop();
            if self.make_room(c.state.bytes_for(c.tokens.len() + next.len())).is_err() {
                next.truncate(1);
            }
            match self.pass(c, &next, next.len(), cancelled) {
                Ok(()) => {}
                Err(Error::Cancelled) => break Finish::Cancelled,
                Err(e) => return Err(e),
            }
            ahead = Ahead::new(&next[1..]);
        };
        c.drop_last(ahead.left());
        if o.reason == Finish::Length && guard.as_mut().is_some_and(Guard::may_end) {
            o.reason = Finish::Stop;
        }
        if o.reason != Finish::Cancelled {
            voice.finish(o.new_tokens, emit);
        }
        fault
    }

    fn pass(
        &mut self,
        c: &mut Conversation,
        tokens: &[u32],
        logits: usize,
        stop: &dyn Fn() -> bool,
    ) -> Result<(), Error> {
        self.backend.forward(&mut c.state, tokens, logits, stop)?;
        c.tokens.extend_from_slice(tokens);
        Ok(())
    }
}

/// From tokens to events: whole characters, thoughts and calls told apart, stop strings held back.
struct Voice {
    hearing: Hearing,
    utf8: Utf8Stream,
    stops: StopText,
    trim: bool,
}

impl Voice {
    /// Says a token; returns whether a stop string was reached.
    fn say(&mut self, v: &Vocabulary, format: &Format, token: u32, n: usize, emit: &mut dyn FnMut(Event)) -> bool {
        let mut bytes = v.bytes(token);
        if bytes.is_empty() {
            bytes = v.specials().name(token).filter(|name| format.knows(name)).unwrap_or_default().as_bytes();
        }
        if std::mem::take(&mut self.trim) {
            bytes = bytes.strip_prefix(b" ").unwrap_or(bytes);
        }
        let text = self.utf8.push(bytes);
        let mut heard = Vec::new();
        self.hearing.push(&text, &mut heard);
        self.tell(heard, n, emit)
    }

    fn tell(&mut self, heard: Vec<Heard>, n: usize, emit: &mut dyn FnMut(Event)) -> bool {
        for h in heard {
            match h {
                Heard::Thought(text) => emit(Event::Thought(text, n)),
                Heard::Call(name, arguments) => emit(Event::Call(name, arguments)),
                Heard::Answer(text) => {
                    let (text, stopped) = self.stops.push(&text);
                    if !text.is_empty() {
                        emit(Event::Text(text, n));
                    }
                    if stopped {
                        return true;
                    }
                }
            }
        }
        false
    }

    /// Says what was held back.
    fn finish(mut self, n: usize, emit: &mut dyn FnMut(Event)) {
        if self.stops.is_reached() {
            return;
        }
        let mut heard = Vec::new();
        self.hearing.finish(&mut heard);
        if !self.tell(heard, n, emit) {
            let rest = self.stops.finish();
            if !rest.is_empty() {
                emit(Event::Text(rest, n));
            }
        }
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

//! The kernel's end of one engine process: frames go in, replies are handed to whoever waits for them. A process that
//! dies is an error to its waiters and to nobody else.

use hearth_inference::embed::Kind;
use hearth_inference::wire::PageKey;
use hearth_inference::wire::{self, Briefing, Load, ModelInfo, Reply, Request, Sampling};
use hearth_inference::wire::{Finish, Message};
use hearth_sandbox::{Child, ChildStderr, Limits, Spawn};
use hearth_store::KvPages;
use sha2::{Digest, Sha256};
use std::cell::RefCell;
use std::collections::HashMap;
use std::io::{BufWriter, Read, Write};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, mpsc};
use std::time::{Duration, Instant};

/// How long an engine may take to load its weights.
const LOAD_TIMEOUT: Duration = Duration::from_secs(300);
/// How often a wait looks whether it is still wanted.
const GLANCE: Duration = Duration::from_millis(50);
/// How long an engine that was told to stop may take to say how far it came.
const LAST_WORD: Duration = Duration::from_millis(150);
/// How long the pages of a conversation may take to be stored: nobody waits longer for an engine to end.
const STORE_TIMEOUT: Duration = Duration::from_secs(2);

/// What went wrong with an engine.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum EngineError {
    /// The process could not be started.
    #[error("the engine process could not be started: {0}")]
    Start(String),
    /// It did not load its model.
    #[error("{message}")]
    Load { message: String },
    /// It refused or failed one request.
    #[error("{message}")]
    Failed { code: String, message: String },
    /// It died.
    #[error("the engine process died")]
    Died,
    /// Its answer was not waited for any longer.
    #[error("it took too long")]
    GivenUp,
}

/// How a generation ended.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Generated {
    pub(crate) finish: Finish,
    pub(crate) prompt_tokens: u32,
    pub(crate) cached_tokens: u32,
    pub(crate) new_tokens: u32,
    /// The tokens written, by number.
    pub(crate) tokens: Vec<u32>,
    pub(crate) prompt_ms: u64,
    pub(crate) generate_ms: u64,
}

/// What a generation tells on the way. Returning `false` cancels it.
pub(crate) enum Heard<'a> {
    Prompt { done: u32, total: u32 },
    Words { text: &'a str, tokens: u32 },
    Nothing,
}

/// One loaded model in a process of its own.
pub(crate) struct Engine {
    child: Child,
    input: Mutex<BufWriter<hearth_sandbox::ChildStdin>>,
    waiting: Arc<Mutex<HashMap<u64, mpsc::Sender<Reply>>>>,
    next: AtomicU64,
    dead: Arc<AtomicBool>,
    busy: AtomicUsize,
    used_ms: AtomicI64,
    /// The conversation that was asked last; 0 for none.
    conversation: AtomicI64,
    /// Names the weights in the names of stored pages.
    weights: String,
    info: ModelInfo,
    ready_ms: u64,
}

impl Engine {
    /// Starts a process and loads a model in it, whose weights have the hash `weights`. Blocks until it is ready.
    pub(crate) fn start(
        program: &Path,
        load: Load,
        weights: Option<&str>,
        memory_bytes: u64,
    ) -> Result<Arc<Engine>, EngineError> {
        let began = Instant::now();
        let limits = Limits { memory_bytes, cpu_seconds: None, open_files: 64, file_size_bytes: 0 };
        let spawn = Spawn::new(program, "engine", limits).args([crate::child::ENGINE]);
        let child = spawn.start().map_err(|error| EngineError::Start(error.to_string()))?;
        let (Some(stdin), Some(mut stdout)) = (child.take_stdin(), child.take_stdout()) else {
            return Err(EngineError::Start("it has no pipes".into()));
        };
        let words = last_words(child.take_stderr(), "engine");
        let waiting: Arc<Mutex<HashMap<u64, mpsc::Sender<Reply>>>> = Arc::default();
        let dead = Arc::new(AtomicBool::new(false));
        let (ready, first) = mpsc::channel();
        let (to, gone) = (Arc::clone(&waiting), Arc::clone(&dead));
        std::thread::Builder::new()
            .name("engine-out".into())
            .spawn(move || {
                while let Ok(Some(reply)) = wire::read::<Reply>(&mut stdout) {
                    hand_over(&to, &ready, reply);
                }
                gone.store(true, Ordering::SeqCst);
                locked(&to).clear();
            })
            .map_err(|error| EngineError::Start(error.to_string()))?;
        let mut input = BufWriter::new(stdin);
        let sent = wire::write(&mut input, &Request::Load(load)).and_then(|()| input.flush());
        let heard = loop {
            match first.recv_timeout(GLANCE) {
                // A turn that was stopped waits for no model.
                Err(mpsc::RecvTimeoutError::Timeout) if is_stopped_here() => {
                    child.kill();
                    return Err(EngineError::GivenUp);
                }
                Err(mpsc::RecvTimeoutError::Timeout) if began.elapsed() < LOAD_TIMEOUT => {}
                heard => break heard,
            }
        };
        let info = match (sent, heard) {
            (Ok(()), Ok(Ok(info))) => info,
            (_, Ok(Err(message))) => return Err(EngineError::Load { message }),
            _ => {
                child.kill();
                let ended = child.wait();
                let words = words.take();
                tracing::warn!(?ended, %words, "an engine did not load");
                return Err(EngineError::Load {
                    message: format!("The engine stopped while loading. {words}").trim().to_owned(),
                });
            }
        };
        Ok(Arc::new(Engine {
            child,
            input: Mutex::new(input),
            waiting,
            next: AtomicU64::new(1),
            dead,
            busy: AtomicUsize::new(0),
            used_ms: AtomicI64::new(crate::clock::now_ms()),
            conversation: AtomicI64::new(0),
            weights: weights.unwrap_or_default().to_owned(),
            info,
            ready_ms: began.elapsed().as_millis() as u64,
        }))
    }

    /// What the model says of itself.
    pub(crate) fn info(&self) -> &ModelInfo {
        &self.info
    }

    /// Milliseconds from starting the process until its model was ready.
    pub(crate) fn ready_ms(&self) -> u64 {
        self.ready_ms
    }

    /// Whether its process is gone.
    pub(crate) fn is_dead(&self) -> bool {
        self.dead.load(Ordering::SeqCst)
    }

    /// Whether it works on something.
    pub(crate) fn is_busy(&self) -> bool {
        self.busy.load(Ordering::SeqCst) > 0
    }

    /// When it was last used.
    pub(crate) fn used_ms(&self) -> i64 {
        self.used_ms.load(Ordering::SeqCst)
    }

    /// Resident memory of its process.
    pub(crate) fn memory_bytes(&self) -> u64 {
        self.child.memory_bytes().unwrap_or(0)
    }

    /// The most resident memory its process has had.
    pub(crate) fn peak_memory_bytes(&self) -> u64 {
        self.child.peak_memory_bytes().unwrap_or(0)
    }

    /// Ends the process at once.
    pub(crate) fn kill(&self) {
        self.child.kill();
    }

    /// Writes an answer. `hear` is called for every piece of news, and at least every 50 ms; it cancels by returning
    /// `false`, and what was written so far stands. Pages of the prompt that an earlier engine has read come from
    /// `pages`.
    pub(crate) fn generate(
        &self,
        (conversation, pages): (i64, Option<&KvPages>),
        messages: Vec<Message>,
        briefing: Briefing,
        sampling: Sampling,
        hear: &mut dyn FnMut(Heard<'_>) -> bool,
    ) -> Result<Generated, EngineError> {
        let id = self.next.fetch_add(1, Ordering::SeqCst);
        self.conversation.store(conversation, Ordering::SeqCst);
        let request =
            Request::Generate { id, conversation, messages, briefing, sampling, prefill_answer: None, urgent: true };
        let talk = self.talk(id, request)?;
        let (mut cancelled, mut first): (Option<Instant>, Option<Instant>) = (None, None);
        let (mut read, mut written) = (0, 0);
        loop {
            // An engine in the middle of a long pass is not waited for: what it wrote so far stands.
            if cancelled.is_some_and(|since| since.elapsed() >= LAST_WORD) {
                return Ok(Generated {
                    finish: Finish::Cancelled,
                    prompt_tokens: read,
                    cached_tokens: 0,
                    new_tokens: written,
                    tokens: Vec::new(),
                    prompt_ms: 0,
                    generate_ms: first.map_or(0, |first| first.elapsed().as_millis() as u64),
                });
            }
            let going_on = match talk.replies.recv_timeout(GLANCE) {
                // What was on its way when a person stopped it is not heard any more.
                Ok(
                    Reply::Prompt { .. }
                    | Reply::Token { .. }
                    | Reply::Thought { .. }
                    | Reply::Call { .. }
                    | Reply::Chances { .. },
                ) if cancelled.is_some() => false,
                Ok(Reply::Prompt { done, total, .. }) => {
                    read = total;
                    hear(Heard::Prompt { done, total })
                }
                Ok(Reply::Wanted { keys, .. }) => {
                    self.supply(id, &keys, pages)?;
                    hear(Heard::Nothing)
                }
                Ok(Reply::Token { text, tokens, .. }) => {
                    written = tokens;
                    first.get_or_insert_with(Instant::now);
                    hear(Heard::Words { text: &text, tokens })
                }
                // Thoughts are no part of what is checked and shown.
                Ok(Reply::Thought { .. } | Reply::Call { .. } | Reply::Chances { .. }) => hear(Heard::Nothing),
                Ok(Reply::Done {
                    reason,
                    prompt_tokens,
                    cached_tokens,
                    new_tokens,
                    tokens,
                    prompt_ms,
                    generate_ms,
                    ..
                }) => {
                    return Ok(Generated {
                        finish: reason,
                        prompt_tokens,
                        cached_tokens,
                        new_tokens,
                        tokens,
                        prompt_ms,
                        generate_ms,
                    });
                }
                Ok(other) => return Err(unexpected(other)),
                Err(mpsc::RecvTimeoutError::Timeout) => hear(Heard::Nothing),
                Err(mpsc::RecvTimeoutError::Disconnected) => return Err(EngineError::Died),
            };
            if !going_on && cancelled.is_none() {
                cancelled = Some(Instant::now());
                self.send(&Request::Cancel { id })?;
            }
        }
    }

    /// Brings the engine the pages that it wants, as far as they are stored.
    fn supply(&self, id: u64, keys: &[PageKey], pages: Option<&KvPages>) -> Result<(), EngineError> {
        for key in keys {
            let bytes = pages.and_then(|pages| pages.get(&self.page_name(key), crate::clock::now_ms()));
            let last = bytes.is_none();
            self.send(&Request::Page { id, bytes })?;
            if last {
                break;
            }
        }
        Ok(())
    }

    /// Stores the pages of the conversation that was asked last, for when the engine has ended.
    pub(crate) fn store_pages(&self, pages: &KvPages) -> Result<(), EngineError> {
        let conversation = self.conversation.load(Ordering::SeqCst);
        if conversation == 0 || self.weights.is_empty() || self.is_dead() {
            return Ok(());
        }
        let (id, began) = (self.next.fetch_add(1, Ordering::SeqCst), std::time::Instant::now());
        let talk = self.talk(id, Request::Store { id, conversation })?;
        loop {
            match talk.replies.recv_timeout(STORE_TIMEOUT.saturating_sub(began.elapsed())) {
                Ok(Reply::Page { key, bytes, .. }) => {
                    if let Err(error) = pages.put(&self.page_name(&key), &bytes) {
                        tracing::warn!(%error, "a page was not stored");
                        return Ok(());
                    }
                }
                Ok(Reply::Stored { .. }) => return Ok(()),
                Ok(other) => return Err(unexpected(other)),
                Err(mpsc::RecvTimeoutError::Timeout) => return Ok(()),
                Err(mpsc::RecvTimeoutError::Disconnected) => return Err(EngineError::Died),
            }
        }
    }

    /// What a page depends on besides tokens and kernels: the weights, and the context that they were set up for.
    fn page_name(&self, key: &PageKey) -> [u8; 32] {
        Sha256::new_with_prefix(&self.weights)
            .chain_update(self.info.n_ctx.to_le_bytes())
            .chain_update(key)
            .finalize()
            .into()
    }

    /// Lets the engine forget all conversations.
    pub(crate) fn forget(&self) {
        self.conversation.store(0, Ordering::SeqCst);
        if let Err(error) = self.send(&Request::Forget) {
            tracing::warn!(%error, "an engine that has ended was asked to forget");
        }
    }

    /// Tokens of a conversation as the model would read it.
    pub(crate) fn count(&self, messages: Vec<Message>, briefing: Briefing) -> Result<u32, EngineError> {
        let id = self.next.fetch_add(1, Ordering::SeqCst);
        let talk = self.talk(id, Request::Count { id, messages, briefing })?;
        match talk.wait()? {
            Reply::Counted { tokens, .. } => Ok(tokens),
            other => Err(unexpected(other)),
        }
    }

    /// Texts to vectors: `n` texts give `n` rows of `dims` values, normalized. `kind` says what they are to the model.
    pub(crate) fn embed(&self, kind: Kind, texts: Vec<String>) -> Result<Vec<Vec<f32>>, EngineError> {
        if texts.is_empty() {
            return Ok(Vec::new());
        }
        let n = texts.len();
        let id = self.next.fetch_add(1, Ordering::SeqCst);
        let talk = self.talk(id, Request::Embed { id, kind, texts })?;
        match talk.wait()? {
            Reply::Embedded { dims, values, .. } if dims > 0 && values.len() == n * dims as usize => {
                Ok(values.chunks_exact(dims as usize).map(<[f32]>::to_vec).collect())
            }
            other => Err(unexpected(other)),
        }
    }

    /// Scores of passages for a question, in their order. Gives up where `go_on` says so, which is asked at least every
    /// 20 ms.
    pub(crate) fn score(
        &self,
        query: String,
        texts: Vec<String>,
        go_on: &dyn Fn() -> bool,
    ) -> Result<Vec<f32>, EngineError> {
        let n = texts.len();
        let id = self.next.fetch_add(1, Ordering::SeqCst);
        let talk = self.talk(id, Request::Score { id, query, texts })?;
        loop {
            match talk.replies.recv_timeout(Duration::from_millis(20)) {
                Ok(Reply::Scored { scores, .. }) if scores.len() == n => return Ok(scores),
                Ok(other) => return Err(unexpected(other)),
                Err(mpsc::RecvTimeoutError::Timeout) if go_on() => {}
                Err(mpsc::RecvTimeoutError::Timeout) => {
                    self.send(&Request::Cancel { id })?;
                    return Err(EngineError::GivenUp);
                }
                Err(mpsc::RecvTimeoutError::Disconnected) => return Err(EngineError::Died),
            }
        }
    }

    fn talk(&self, id: u64, request: Request) -> Result<Talk<'_>, EngineError> {
        let (sender, replies) = mpsc::channel();
        locked(&self.waiting).insert(id, sender);
        self.busy.fetch_add(1, Ordering::SeqCst);
        let talk = Talk { engine: self, id, replies };
        if self.is_dead() {
            return Err(EngineError::Died);
        }
        self.send(&request)?;
        Ok(talk)
    }

    fn send(&self, request: &Request) -> Result<(), EngineError> {
        let mut input = self.input.lock().unwrap_or_else(|poisoned| poisoned.into_inner());
        wire::write(&mut *input, request).and_then(|()| input.flush()).map_err(|_| EngineError::Died)
    }
}

/// One request under way; forgets itself when dropped.
struct Talk<'a> {
    engine: &'a Engine,
    id: u64,
    replies: mpsc::Receiver<Reply>,
}

impl Talk<'_> {
    /// The one reply; given up where the turn that this thread works on was stopped.
    fn wait(&self) -> Result<Reply, EngineError> {
        loop {
            if is_stopped_here() {
                return Err(EngineError::GivenUp);
            }
            match self.replies.recv_timeout(GLANCE) {
                Ok(reply) => return Ok(reply),
                Err(mpsc::RecvTimeoutError::Timeout) => {}
                Err(mpsc::RecvTimeoutError::Disconnected) => return Err(EngineError::Died),
            }
        }
    }
}

thread_local! {
    /// The flag that stops the turn that this thread works on.
    static STOP: RefCell<Option<Arc<AtomicBool>>> = const { RefCell::new(None) };
}

/// While it lives, waits of this thread for engines end when the flag is set.
pub(crate) struct Stoppable;

impl Stoppable {
    /// The flag of this thread, for another one that works for the same turn.
    pub(crate) fn here() -> Option<Arc<AtomicBool>> {
        STOP.with_borrow(Clone::clone)
    }

    /// For a turn that this thread works on alone.
    pub(crate) fn by(flag: &Arc<AtomicBool>) -> Self {
        STOP.with_borrow_mut(|stop| *stop = Some(Arc::clone(flag)));
        Self
    }
}

impl Drop for Stoppable {
    fn drop(&mut self) {
        STOP.with_borrow_mut(|stop| *stop = None);
    }
}

/// Whether the turn that this thread works on was stopped.
pub(crate) fn is_stopped_here() -> bool {
    STOP.with_borrow(|stop| stop.as_ref().is_some_and(|stop| stop.load(Ordering::SeqCst)))
}

impl Drop for Talk<'_> {
    fn drop(&mut self) {
        locked(&self.engine.waiting).remove(&self.id);
        self.engine.busy.fetch_sub(1, Ordering::SeqCst);
        self.engine.used_ms.store(crate::clock::now_ms(), Ordering::SeqCst);
    }
}

type Ready = mpsc::Sender<Result<ModelInfo, String>>;

fn hand_over(waiting: &Mutex<HashMap<u64, mpsc::Sender<Reply>>>, ready: &Ready, reply: Reply) {
    let id = match &reply {
        Reply::Ready(info) => {
            let _ = ready.send(Ok(info.clone()));
            return;
        }
        Reply::Failed { id: None, error } => {
            let _ = ready.send(Err(error.message.clone()));
            return;
        }
        Reply::Failed { id: Some(id), .. }
        | Reply::Prompt { id, .. }
        | Reply::Token { id, .. }
        | Reply::Done { id, .. }
        | Reply::Counted { id, .. }
        | Reply::Embedded { id, .. }
        | Reply::Scored { id, .. }
        | Reply::Healthy { id, .. }
        | Reply::Thought { id, .. }
        | Reply::Call { id, .. }
        | Reply::Wanted { id, .. }
        | Reply::Page { id, .. }
        | Reply::Stored { id }
        | Reply::Chances { id, .. } => *id,
    };
    if let Some(waiter) = locked(waiting).get(&id) {
        let _ = waiter.send(reply);
    }
}

fn unexpected(reply: Reply) -> EngineError {
    match reply {
        Reply::Failed { error, .. } => {
            EngineError::Failed { code: format!("{:?}", error.code), message: error.message }
        }
        _ => EngineError::Failed { code: "protocol".into(), message: "The engine answered something else.".into() },
    }
}

fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
}

/// What a process wrote to its error stream last; at most 2 KiB of it.
pub(crate) struct LastWords(Arc<Mutex<String>>);

impl LastWords {
    pub(crate) fn take(&self) -> String {
        std::mem::take(&mut *locked(&self.0)).trim().to_owned()
    }
}

/// Drains a child's error stream so that it never blocks on it.
pub(crate) fn last_words(stderr: Option<ChildStderr>, name: &str) -> LastWords {
    let kept = Arc::new(Mutex::new(String::new()));
    if let Some(mut stderr) = stderr {
        let into = Arc::clone(&kept);
        let started = std::thread::Builder::new().name(format!("{name}-err")).spawn(move || {
            let mut buffer = [0u8; 1024];
            while let Ok(n @ 1..) = stderr.read(&mut buffer) {
                let mut text = locked(&into);
                text.push_str(&String::from_utf8_lossy(buffer.get(..n).unwrap_or_default()));
                let cut = text.len().saturating_sub(2048);
                let cut = (cut..text.len()).find(|at| text.is_char_boundary(*at)).unwrap_or(0);
                text.drain(..cut);
            }
        });
        if let Err(error) = started {
            tracing::warn!(%error, "an error stream is not read");
        }
    }
    LastWords(kept)
}

//! One engine process: waits for the model to load, then answers framed requests until its input ends. A reading
//! thread takes requests, cancels and health questions; the calling thread computes.

use crate::accelerated::place::Found;
use crate::embed::{Embedder, Figures, Options, Pairs, Precision, Scorer, Texts};
use crate::engine::{Chat, Counter, Outcome};
use crate::error::Error;
use crate::wire::{self, Briefing, Failure, FailureCode, Load, Message, ModelInfo, Reply, Request, Role, Sampling};
use std::collections::{HashMap, VecDeque};
use std::fs::File;
use std::io::{self, Read, Write};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering::SeqCst};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

mod talk;

/// Why an engine process ended early.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// The parent's frames cannot be read, or answers cannot be written.
    #[error("the parent cannot be reached: {0}")]
    Parent(#[from] io::Error),
    /// The first frame was something else than `Load`.
    #[error("the first frame is not a load request")]
    NotLoad,
    /// The process could not be prepared for hostile bytes.
    #[error("confinement failed: {0}")]
    Confinement(String),
    /// The model could not be loaded.
    #[error(transparent)]
    Model(#[from] Error),
}

enum Work {
    Generate {
        id: u64,
        conversation: i64,
        messages: Vec<Message>,
        briefing: Briefing,
        sampling: Sampling,
        begun: Option<String>,
        urgent: bool,
    },
    Embed {
        id: u64,
        texts: Texts,
    },
    Score {
        id: u64,
        pairs: Pairs,
    },
    Page {
        id: u64,
        bytes: Option<Vec<u8>>,
    },
    Store {
        id: u64,
        conversation: i64,
    },
    Forget,
}

impl Work {
    fn id(&self) -> u64 {
        match self {
            Self::Generate { id, .. }
            | Self::Embed { id, .. }
            | Self::Score { id, .. }
            | Self::Page { id, .. }
            | Self::Store { id, .. } => *id,
            Self::Forget => 0,
        }
    }
}

#[derive(Default)]
struct Queue {
    work: VecDeque<(Work, Arc<AtomicBool>)>,
    flags: HashMap<u64, Arc<AtomicBool>>,
    /// Something besides work has happened: a request was cancelled.
    stirred: bool,
    closed: bool,
}

struct Desk<W> {
    queue: Mutex<Queue>,
    ready: Condvar,
    closing: AtomicBool,
    kv_bytes: AtomicU64,
    output: Mutex<W>,
}

fn lock<T>(m: &Mutex<T>) -> MutexGuard<'_, T> {
    m.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<W: Write> Desk<W> {
    /// Sends a reply. A parent that no longer listens closes the desk.
    fn say(&self, reply: &Reply) {
        if wire::write(&mut *lock(&self.output), reply).is_err() {
            self.close();
        }
    }

    fn fail(&self, id: Option<u64>, error: Failure) {
        self.say(&Reply::Failed { id, error });
    }

    fn close(&self) {
        self.closing.store(true, SeqCst);
        lock(&self.queue).closed = true;
        self.ready.notify_all();
    }

    fn put(&self, work: Work) {
        let mut q = lock(&self.queue);
        let flag: Arc<AtomicBool> = Arc::default();
        if matches!(work, Work::Generate { .. } | Work::Embed { .. } | Work::Score { .. }) {
            q.flags.insert(work.id(), Arc::clone(&flag));
        }
        q.work.push_back((work, flag));
        self.ready.notify_all();
    }

    /// Tells a request that it is no longer wanted.
    fn cancel(&self, id: u64) {
        let mut q = lock(&self.queue);
        if let Some(flag) = q.flags.get(&id) {
            flag.store(true, SeqCst);
        }
        q.stirred = true;
        self.ready.notify_all();
    }

    /// Forgets a request that has its answer.
    fn forget(&self, id: u64) {
        lock(&self.queue).flags.remove(&id);
    }

    /// Takes all work that waits; with `wait` only returns when there is some or a request was cancelled. Nothing once
    /// the desk is closed.
    fn take_all(&self, wait: bool) -> Option<VecDeque<(Work, Arc<AtomicBool>)>> {
        let mut q = lock(&self.queue);
        while wait && q.work.is_empty() && !q.stirred && !q.closed {
            q = self.ready.wait(q).unwrap_or_else(PoisonError::into_inner);
        }
        q.stirred = false;
        (!q.closed).then(|| std::mem::take(&mut q.work))
    }

    /// Waits for the embedding request with the fewest passages left, so that a question does not wait for a library.
    fn take(&self) -> Option<(Work, Arc<AtomicBool>)> {
        let mut q = lock(&self.queue);
        loop {
            if q.closed {
                return None;
            }
            let rank = |w: &Work| match w {
                Work::Embed { texts, .. } => texts.left(),
                Work::Score { pairs, .. } => pairs.left(),
                _ => 0,
            };
            let next = q.work.iter().enumerate().min_by_key(|(i, (w, _))| (rank(w), *i)).map(|(i, _)| i);
            if let Some(taken) = next.and_then(|i| q.work.remove(i)) {
                return Some(taken);
            }
            q = self.ready.wait(q).unwrap_or_else(PoisonError::into_inner);
        }
    }
}

/// Runs an engine process to its end on the processor: reads `Load`, calls `on_load` before any byte of the model is
/// read, loads, answers `Ready`, and then every request. `on_load` may confine the process to the files that `Load`
/// names; threads must still be creatable afterwards.
///
/// # Errors
/// When loading fails (the parent has then been told), or the parent speaks nonsense. The end of the input is no error.
pub fn serve(
    input: impl Read + Send + 'static,
    output: impl Write + Send + 'static,
    on_load: impl FnOnce(&Load) -> Result<(), String>,
) -> Result<(), ServeError> {
    serve_with(input, output, |load| on_load(load).map(|()| Found::nothing("nothing else was looked for")))
}

/// Runs an engine process as `serve` does, on the device that `on_load` finds where the model fits there. `on_load`
/// looks for it (`Found::look`) at the point of the confinement where a driver can still be woken. A device that fails
/// in the middle of an answer ends the process after the parent was told, because it may not recover in this one.
///
/// # Errors
/// Those of `serve`.
pub fn serve_with(
    mut input: impl Read + Send + 'static,
    output: impl Write + Send + 'static,
    on_load: impl FnOnce(&Load) -> Result<Found, String>,
) -> Result<(), ServeError> {
    let desk = Arc::new(Desk {
        queue: Mutex::default(),
        ready: Condvar::new(),
        closing: AtomicBool::new(false),
        kv_bytes: AtomicU64::new(0),
        output: Mutex::new(output),
    });
    let load = match wire::read::<Request>(&mut input)? {
        Some(Request::Load(load)) => load,
        None | Some(Request::Shutdown) => return Ok(()),
        Some(_) => {
            desk.fail(None, bad("the first frame is not a load request"));
            return Err(ServeError::NotLoad);
        }
    };
    let found = match on_load(&load) {
        Ok(found) => found,
        Err(why) => {
            desk.fail(None, Failure { code: FailureCode::Internal, message: format!("confinement failed: {why}") });
            return Err(ServeError::Confinement(why));
        }
    };
    let begun = Instant::now();
    let loaded = catch_unwind(AssertUnwindSafe(|| Model::load(&load, &found)))
        .unwrap_or_else(|_| Err(Error::Damaged("the model file makes the reader stumble".into())));
    let mut model = loaded.inspect_err(|e| desk.fail(None, e.failure()))?;
    let load_ms = begun.elapsed().as_millis() as u64;
    desk.say(&Reply::Ready(ModelInfo { load_ms, ..model.info() }));
    let counter = match &model {
        Model::Chat(chat) => Some(chat.counter()),
        Model::Embed(_) | Model::Score(_) => None,
    };
    let scores = matches!(model, Model::Score(_));
    let reader = {
        let desk = Arc::clone(&desk);
        std::thread::Builder::new().name("requests".into()).spawn(move || {
            let end = listen(&mut input, &desk, counter.as_ref(), scores);
            desk.close();
            end
        })?
    };
    match &mut model {
        Model::Chat(chat) => talk::talk(chat, &desk),
        encoder => encode(encoder, &desk),
    }
    if reader.is_finished() {
        return reader.join().unwrap_or(Ok(())).map_err(ServeError::Parent);
    }
    Ok(())
}

fn bad(message: &str) -> Failure {
    Failure { code: FailureCode::Request, message: message.into() }
}

/// Takes requests until the input ends.
fn listen<W: Write>(input: &mut impl Read, desk: &Desk<W>, counter: Option<&Counter>, scores: bool) -> io::Result<()> {
    loop {
        let request = match wire::read::<Request>(input) {
            Ok(Some(request)) => request,
            Ok(None) => return Ok(()),
            Err(e) => {
                desk.fail(None, bad("a frame cannot be read"));
                return Err(e);
            }
        };
        match request {
            Request::Shutdown => return Ok(()),
            Request::Load(_) => desk.fail(None, bad("a model is already loaded")),
            Request::Generate { id, conversation, messages, briefing, sampling, prefill_answer: begun, urgent }
                if counter.is_some() =>
            {
                desk.put(Work::Generate { id, conversation, messages, briefing, sampling, begun, urgent });
            }
            Request::Page { id, bytes } if counter.is_some() => desk.put(Work::Page { id, bytes }),
            Request::Store { id, conversation } if counter.is_some() => desk.put(Work::Store { id, conversation }),
            Request::Forget if counter.is_some() => desk.put(Work::Forget),
            Request::Embed { id, kind, texts } if counter.is_none() && !scores => {
                desk.put(Work::Embed { id, texts: Texts::new(kind, texts) });
            }
            Request::Score { id, query, texts } if scores => {
                desk.put(Work::Score { id, pairs: Pairs::new(query, texts) });
            }
            Request::Count { id, messages, briefing } => match counter.map(|c| c.count(&messages, &briefing)) {
                Some(Ok(n)) => desk.say(&Reply::Counted { id, tokens: n as u32 }),
                Some(Err(e)) => desk.fail(Some(id), e.failure()),
                None => desk.fail(Some(id), bad("this model does not count prompts")),
            },
            Request::Generate { id, .. } => desk.fail(Some(id), bad("this model does not generate")),
            Request::Embed { id, .. } => desk.fail(Some(id), bad("this model does not embed")),
            Request::Store { id, .. } => desk.fail(Some(id), bad("this model keeps no pages")),
            Request::Score { id, .. } => desk.fail(Some(id), bad("this model does not score")),
            Request::Page { .. } | Request::Forget => {}
            Request::Cancel { id } => desk.cancel(id),
            Request::Health { id } => {
                let kv_bytes = desk.kv_bytes.load(SeqCst);
                desk.say(&Reply::Healthy { id, kv_bytes, peak_memory_bytes: peak_memory_bytes() });
            }
        }
    }
}

enum Model {
    Chat(Box<Chat>),
    Embed(Box<Embedder>),
    Score(Box<Scorer>),
}

impl Model {
    fn load(load: &Load, found: &Found) -> Result<Self, Error> {
        let open = |p: &Path, what: &str| File::open(p).map_err(Error::io(what));
        let (threads, n_ctx) = (load.threads.clamp(1, 256) as usize, load.n_ctx.map(|n| n as usize));
        let weights = open(&load.weights, "the model file")?;
        match load.role {
            Role::Chat => {
                let mut chat = Chat::load_ahead(weights, threads, n_ctx, load.kv_budget_bytes, found)?;
                if let Some(path) = &load.draft {
                    chat.load_draft(&mut open(path, "the model that is to guess")?, threads);
                }
                if load.stores_pages {
                    chat.ask_for_pages();
                }
                Ok(Self::Chat(Box::new(chat)))
            }
            Role::Embed | Role::Rerank => {
                let small = |path: &Option<std::path::PathBuf>, what: &str| {
                    let path = path.as_ref().ok_or_else(|| Error::Request(format!("{what} is not named")))?;
                    let mut bytes = Vec::new();
                    open(path, what)?.take(64 << 20).read_to_end(&mut bytes).map_err(Error::io(what))?;
                    Ok::<_, Error>(bytes)
                };
                // A GGUF file has all in it.
                let alone = load.tokenizer.is_none() && load.config.is_none();
                let (tokenizer, config) = match alone && load.role == Role::Embed {
                    true => (Vec::new(), Vec::new()),
                    false => (small(&load.tokenizer, "tokenizer.json")?, small(&load.config, "config.json")?),
                };
                let options = Options {
                    threads,
                    max_tokens: n_ctx,
                    pooling: load.encoding.pooling,
                    prefixes: load.encoding.prefixes.clone(),
                    precision: if load.encoding.integers { Precision::Eight } else { Precision::Full },
                };
                let w = &mut &weights;
                Ok(match load.role {
                    Role::Rerank => Self::Score(Box::new(Scorer::load(w, &tokenizer, &config, &options)?)),
                    _ => Self::Embed(Box::new(Embedder::load(w, &tokenizer, &config, &options)?)),
                })
            }
        }
    }

    fn info(&self) -> ModelInfo {
        match self {
            Self::Chat(chat) => chat.info(),
            Self::Embed(e) => info(e.figures(), Some(e.dims() as u32), "embedders"),
            Self::Score(s) => info(s.figures(), None, "rerankers"),
        }
    }

    /// Takes one batch of a piece of work and returns what is left of it.
    fn step<W: Write>(&mut self, work: Work, cancelled: &dyn Fn() -> bool, desk: &Desk<W>) -> Option<Work> {
        match (self, work) {
            (Self::Embed(embedder), Work::Embed { id, mut texts }) => match texts.step(embedder, cancelled) {
                Err(e) => desk.fail(Some(id), e.failure()),
                Ok(()) if texts.left() == 0 => {
                    desk.say(&Reply::Embedded { id, dims: embedder.dims() as u32, values: texts.values });
                }
                Ok(()) => return Some(Work::Embed { id, texts }),
            },
            (Self::Score(scorer), Work::Score { id, mut pairs }) => match pairs.step(scorer, cancelled) {
                Err(e) => desk.fail(Some(id), e.failure()),
                Ok(()) if pairs.left() == 0 => desk.say(&Reply::Scored { id, scores: pairs.scores }),
                Ok(()) => return Some(Work::Score { id, pairs }),
            },
            (_, work) => desk.fail(Some(work.id()), bad("this model does not do that")),
        }
        None
    }
}

/// Embeds or scores until the desk closes, one batch at a time.
fn encode<W: Write>(model: &mut Model, desk: &Desk<W>) {
    while let Some((work, flag)) = desk.take() {
        let id = work.id();
        let cancelled = || flag.load(SeqCst) || desk.closing.load(SeqCst);
        let step = catch_unwind(AssertUnwindSafe(|| model.step(work, &cancelled, desk)));
        let left = step.unwrap_or_else(|_| {
            desk.fail(Some(id), Failure { code: FailureCode::Internal, message: "the engine stumbled".into() });
            None
        });
        match left {
            Some(work) => lock(&desk.queue).work.push_front((work, flag)),
            None => desk.forget(id),
        }
    }
}

/// What an embedder or reranker says of itself.
fn info(f: Figures, dims: Option<u32>, who: &str) -> ModelInfo {
    ModelInfo {
        architecture: f.family,
        quantization: f.quantization,
        n_ctx: f.max_tokens as u32,
        n_vocab: f.n_vocab as u32,
        dims,
        weights_bytes: f.weights_bytes,
        threads: f.threads as u32,
        kernel: f.kernel.into(),
        place: format!("the processor: {who} run there"),
        device_bytes: 0,
        template: "none".into(),
        draft: String::new(),
        load_ms: 0,
    }
}

fn done(id: u64, o: &Outcome) -> Reply {
    let ms = |d: Duration| d.as_millis() as u64;
    Reply::Done {
        id,
        reason: o.reason,
        prompt_tokens: o.prompt_tokens as u32,
        cached_tokens: o.cached_tokens as u32,
        new_tokens: o.new_tokens as u32,
        tokens: o.tokens.clone(),
        prompt_ms: ms(o.prompt),
        first_token_ms: ms(o.first_token),
        generate_ms: ms(o.generate),
    }
}

/// The most memory that this process ever held, by the system's own count.
fn peak_memory_bytes() -> Option<u64> {
    #[cfg(unix)]
    {
        let mut usage = std::mem::MaybeUninit::<libc::rusage>::zeroed();
        #[allow(unsafe_code)]
        // SAFETY: getrusage fills the struct that it is given, and zeros are a valid rusage anyway.
        let usage = unsafe {
            if libc::getrusage(libc::RUSAGE_SELF, usage.as_mut_ptr()) != 0 {
                return None;
            }
            usage.assume_init()
        };
        let unit = if cfg!(target_os = "macos") { 1 } else { 1024 };
        u64::try_from(usage.ru_maxrss).ok().map(|kb| kb * unit)
    }
    #[cfg(not(unix))]
    None
}

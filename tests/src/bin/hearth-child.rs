//! The child process of test houses: a real reader, and an engine that says what a script tells it to. Rerankers are
//! real: a test makes a tiny one. So are chat models whose file holds no script: a test makes broken ones.

use hearth_inference::wire::{self, Finish, Message, ModelInfo, Reply, Request, Role, Speaker};
use hearth_tests::Script;
use std::io::{Read, Write, stdin, stdout};
use std::process::ExitCode;
use std::sync::mpsc;
use std::time::Duration;

/// Width of scripted vectors.
const DIMS: usize = 64;
/// The name of what the model has read.
const PAGE: [u8; 32] = [7; 32];

fn main() -> ExitCode {
    if std::env::args().nth(1).as_deref() == Some("__engine") {
        return match engine() {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("{error}");
                ExitCode::FAILURE
            }
        };
    }
    if let [_, word, folder] = std::env::args().collect::<Vec<_>>().as_slice()
        && word == "__keep"
    {
        return keep(folder);
    }
    hearth_kernel::run_child_if_asked().unwrap_or(ExitCode::FAILURE)
}

/// Keeps a house open until it is killed.
fn keep(folder: &str) -> ExitCode {
    let child = std::env::current_exe().unwrap_or_default();
    let config = hearth_kernel::Config { child, threads: Some(1), ..hearth_kernel::Config::new(folder) };
    let unlock = hearth_api::UnlockVault { passphrase: Some(hearth_tests::PASSPHRASE.into()) };
    let kept = hearth_kernel::Kernel::start(config).and_then(|kernel| {
        hearth_api::Handler::handle(&kernel, unlock)?;
        Ok(kernel)
    });
    match kept {
        Ok(_kernel) => {
            println!("open");
            loop {
                std::thread::park();
            }
        }
        Err(error) => {
            eprintln!("{error}");
            ExitCode::FAILURE
        }
    }
}

fn engine() -> std::io::Result<()> {
    let first = wire::read::<Request>(&mut stdin())?;
    if let Some(request @ Request::Load(load)) = &first
        && (load.role == Role::Rerank || (load.role == Role::Chat && script(&load.weights)?.is_none()))
    {
        let mut frame = Vec::new();
        wire::write(&mut frame, request)?;
        let input = std::io::Cursor::new(frame).chain(stdin());
        return hearth_inference::serve(input, stdout(), |_| Ok(())).map_err(std::io::Error::other);
    }
    let (sender, requests) = mpsc::channel();
    if let Some(first) = first {
        sender.send(first).map_err(std::io::Error::other)?;
    }
    std::thread::spawn(move || {
        while let Ok(Some(request)) = wire::read::<Request>(&mut stdin()) {
            if sender.send(request).is_err() {
                return;
            }
        }
    });
    let (mut script, mut stores, mut read) = (Script::default(), false, String::new());
    while let Ok(request) = requests.recv() {
        match request {
            Request::Load(load) => {
                if load.role == Role::Chat {
                    let Some(read) = self::script(&load.weights)? else { continue };
                    script = read;
                    stores = load.stores_pages;
                    if script.dies_loading {
                        return Err(std::io::Error::other("this model dies while it loads"));
                    }
                }
                say(&Reply::Ready(ModelInfo {
                    architecture: "scripted".into(),
                    quantization: "none".into(),
                    n_ctx: load.n_ctx.unwrap_or(4096),
                    n_vocab: 1,
                    dims: (load.role == Role::Embed).then_some(DIMS as u32),
                    weights_bytes: 0,
                    threads: 1,
                    kernel: "scripted".into(),
                    place: "scripted".into(),
                    device_bytes: 0,
                    template: "none".into(),
                    draft: String::new(),
                    load_ms: 0,
                }))?;
            }
            Request::Count { id, messages, .. } => {
                let tokens = messages.iter().map(|message| message.text.split_whitespace().count() as u32).sum();
                say(&Reply::Counted { id, tokens })?;
            }
            Request::Embed { id, texts, .. } => {
                if texts.iter().any(|text| text.contains("slow to embed")) {
                    std::thread::sleep(Duration::from_secs(3));
                }
                let values = texts.iter().flat_map(|text| vector(text)).collect();
                say(&Reply::Embedded { id, dims: DIMS as u32, values })?;
            }
            Request::Generate { id, messages, .. } => {
                let cached = if stores { stored(id, &requests)? } else { 0 };
                read = messages.iter().map(|message| message.text.as_str()).collect();
                generate(&script, (id, cached), &messages, &requests)?;
            }
            Request::Store { id, .. } => {
                say(&Reply::Page { id, key: PAGE, bytes: read.clone().into_bytes() })?;
                say(&Reply::Stored { id })?;
            }
            Request::Page { .. } | Request::Forget => {}
            Request::Health { id } => say(&Reply::Healthy { id, kv_bytes: 0, peak_memory_bytes: None })?,
            Request::Cancel { .. } | Request::Score { .. } => {}
            Request::Shutdown => return Ok(()),
        }
    }
    Ok(())
}

/// The script in a file of weights; none where it holds something else.
fn script(weights: &std::path::Path) -> std::io::Result<Option<Script>> {
    let bytes = std::fs::read(weights)?;
    Ok(serde_json::from_slice(bytes.get(4..).unwrap_or_default()).ok())
}

/// Asks for the one page there is; returns how long it is, 0 for none.
fn stored(id: u64, requests: &mpsc::Receiver<Request>) -> std::io::Result<u32> {
    say(&Reply::Wanted { id, keys: vec![PAGE] })?;
    match requests.recv() {
        Ok(Request::Page { bytes, .. }) => Ok(bytes.map_or(0, |bytes| bytes.len() as u32)),
        _ => Err(std::io::Error::other("a page was asked for")),
    }
}

fn say(reply: &Reply) -> std::io::Result<()> {
    let mut out = stdout().lock();
    wire::write(&mut out, reply).and_then(|()| out.flush())
}

fn generate(
    script: &Script,
    (id, cached_tokens): (u64, u32),
    messages: &[Message],
    requests: &mpsc::Receiver<Request>,
) -> std::io::Result<()> {
    if script.forbid_requests {
        return Err(std::io::Error::other("this model was not to be asked"));
    }
    let asked =
        messages.iter().rfind(|message| message.role == Speaker::User).map_or("", |message| message.text.as_str());
    if script.dies_on.as_ref().is_some_and(|words| asked.contains(words)) {
        std::process::exit(9);
    }
    let question = asked.rsplit("Question: ").next().unwrap_or(asked);
    let said =
        script.answers.iter().find(|(word, _)| question.contains(word.as_str())).map(|(_, answer)| answer.clone());
    let other_words = messages.first().is_some_and(|first| first.text.starts_with("You write search lines"));
    let said = script.other_words.clone().filter(|_| other_words).or(said);
    let said = said.unwrap_or_else(|| asked.lines().nth(1).unwrap_or("I know nothing of this.").to_owned());
    let said = match said.rsplit_once(' ') {
        Some((head, _)) if script.changes_mind && asked_before() => format!("{head} year."),
        _ => said,
    };
    let prompt_tokens = messages.iter().map(|message| message.text.split_whitespace().count() as u32).sum();
    say(&Reply::Prompt { id, done: prompt_tokens, total: prompt_tokens })?;
    let mut reason = Finish::Stop;
    let (mut tokens, mut numbers) = (0, Vec::new());
    for word in said.split_inclusive(' ') {
        if script.dies_after.is_some_and(|last| tokens as usize >= last) {
            std::process::exit(9);
        }
        if script.eats_after.is_some_and(|last| tokens as usize >= last) {
            eat();
        }
        if matches!(requests.try_recv(), Ok(Request::Cancel { .. })) {
            reason = Finish::Cancelled;
            break;
        }
        tokens += 1;
        numbers.push(number(word));
        say(&Reply::Token { id, text: word.to_owned(), tokens })?;
        std::thread::sleep(Duration::from_millis(script.pause_ms));
    }
    say(&Reply::Done {
        id,
        reason,
        prompt_tokens,
        cached_tokens,
        new_tokens: tokens,
        tokens: numbers,
        prompt_ms: 1,
        first_token_ms: 1,
        generate_ms: (u64::from(tokens) * script.pause_ms).max(1),
    })
}

/// Takes memory until the system gives no more, which ends the process.
fn eat() -> ! {
    let mut held: Vec<Vec<u8>> = Vec::new();
    loop {
        held.push(std::hint::black_box(vec![0; 32 << 20]));
    }
}

/// Whether this process has answered already.
fn asked_before() -> bool {
    static ASKED: std::sync::atomic::AtomicBool = std::sync::atomic::AtomicBool::new(false);
    ASKED.swap(true, std::sync::atomic::Ordering::SeqCst)
}

/// A number for a word (FNV-1a), as a vocabulary would have one.
fn number(word: &str) -> u32 {
    word.bytes().fold(0x811c_9dc5_u32, |hash, byte| (hash ^ u32::from(byte)).wrapping_mul(0x0100_0193))
}

/// Words to places by a hash (FNV-1a): texts that share words lie near each other, others do not.
fn vector(text: &str) -> [f32; DIMS] {
    let mut values = [0.0f32; DIMS];
    for word in text.split(|c: char| !c.is_alphanumeric()).filter(|word| word.len() > 3) {
        let hash = word
            .to_lowercase()
            .bytes()
            .fold(0xcbf2_9ce4_8422_2325u64, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3));
        if let Some(value) = values.get_mut((hash >> 32) as usize % DIMS) {
            *value += 1.0;
        }
    }
    let norm = values.iter().map(|value| value * value).sum::<f32>().sqrt().max(1e-6);
    values.map(|value| value / norm)
}

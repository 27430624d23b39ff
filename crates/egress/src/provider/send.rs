//! One exchange with a provider, through the gate. What a person allowed once leaves once: a try is repeated only where
//! no connection came about, so that not a byte of it left. The answer is read as it streams, or whole where the other
//! side does not stream. Each try is an attempt of its own in the ledger.

use super::stream::Events;
use super::{Finish, News, Provider, Reader, ToolCall, Trouble, Usage, Written};
use crate::cancel::Cancel;
use crate::fetch::unless_cancelled;
use crate::gate::{Gate, GateError, Patience, Post, Reply};
use crate::law::Purpose;
use hearth_domain::Label;
use rand::Rng;
use std::time::Duration;

/// Bytes of an error's body that are read.
const ERROR_BYTES: u64 = 64 << 10;

/// How often to try, and how long to wait in between.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tries {
    /// Tries in all.
    pub most: u32,
    /// The first pause; doubled each time, and varied by half so that many do not come at once.
    pub pause: Duration,
    /// No pause is longer.
    pub longest_pause: Duration,
}

impl Default for Tries {
    fn default() -> Self {
        Self { most: 3, pause: Duration::from_millis(800), longest_pause: Duration::from_secs(20) }
    }
}

/// Under which terms a request is sent.
#[derive(Debug, Clone)]
pub struct Terms {
    /// What it is for.
    pub purpose: Purpose,
    /// How guarded its text is.
    pub label: Label,
    /// SHA-256 of the bytes that a person saw.
    pub shown: hearth_domain::BlobHash,
    /// How long to wait for each part.
    pub patience: Patience,
    /// How often to try.
    pub tries: Tries,
    /// The most bytes of a reply that are read.
    pub limit_bytes: u64,
}

/// An answer, whole.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Answer {
    /// Its words.
    pub text: String,
    /// Tools that it wants called.
    pub calls: Vec<ToolCall>,
    /// Tokens, where the provider counted them.
    pub usage: Option<Usage>,
    /// How it ended.
    pub finish: Option<Finish>,
    /// Bytes that left, in all tries.
    pub bytes_out: u64,
    /// Bytes that came, in all tries.
    pub bytes_in: u64,
    /// Tries.
    pub tries: u32,
}

/// An exchange that came to nothing, and what it took.
#[derive(Debug)]
pub struct Failed {
    /// Why.
    pub trouble: Trouble,
    /// What had come by then; its words are not an answer.
    pub so_far: Box<Answer>,
}

/// Sends a request and hears the answer as it comes. `news` hears everything in order. Blocks; must not be called inside
/// an async task.
///
/// # Errors
/// [`Failed`]. Nothing was sent where the gate says so.
pub fn send(
    gate: &Gate,
    provider: &Provider,
    written: &Written,
    terms: &Terms,
    cancel: &Cancel,
    news: &mut dyn FnMut(&News),
) -> Result<Answer, Failed> {
    let mut answer = Answer::default();
    let runtime = match tokio::runtime::Builder::new_current_thread().enable_all().build() {
        Ok(runtime) => runtime,
        Err(error) => {
            let host = "this machine".to_owned();
            let trouble = GateError::Network { host, reason: error.to_string() }.into();
            return Err(Failed { trouble, so_far: Box::new(answer) });
        }
    };
    let outcome = runtime.block_on(async {
        loop {
            answer.tries += 1;
            let tried = one_try(gate, provider, written, terms, cancel, &mut answer, news).await;
            let Err(trouble) = tried else { return Ok(()) };
            if !trouble.never_left() || answer.tries >= terms.tries.most {
                return Err(trouble);
            }
            let doubled = terms.tries.pause.saturating_mul(1 << (answer.tries - 1).min(8));
            let pause = doubled.min(terms.tries.longest_pause).mul_f64(rand::rng().random_range(0.5..1.5));
            if unless_cancelled(cancel, tokio::time::sleep(pause)).await.is_err() {
                return Err(Trouble::Stopped);
            }
        }
    });
    match outcome {
        Ok(()) if answer.finish == Some(Finish::Filtered) => {
            Err(Failed { trouble: Trouble::Filtered, so_far: Box::new(answer) })
        }
        Ok(()) => Ok(answer),
        Err(trouble) => Err(Failed { trouble, so_far: Box::new(answer) }),
    }
}

async fn one_try(
    gate: &Gate,
    provider: &Provider,
    written: &Written,
    terms: &Terms,
    cancel: &Cancel,
    answer: &mut Answer,
    news: &mut dyn FnMut(&News),
) -> Result<(), Trouble> {
    let (name, before) = written.key_header;
    let post = Post {
        purpose: terms.purpose,
        url: written.url.clone(),
        headers: written.headers.clone(),
        key: provider.key.clone().map(|key| (name, before, key)),
        body: written.body.clone(),
        shown: terms.shown,
        label: terms.label,
        reach: provider.reach(),
        patience: terms.patience,
        limit_bytes: terms.limit_bytes,
    };
    let sent_before = gate.counts().bytes_out;
    let replied = unless_cancelled(cancel, gate.post(&post)).await.map_err(|_| Trouble::Stopped);
    let mut reply = match replied {
        Ok(Ok(reply)) => reply,
        other => {
            // What the gate had entered as sent by then counts, whatever came of it.
            answer.bytes_out += gate.counts().bytes_out.saturating_sub(sent_before);
            return match other {
                Ok(Err(GateError::Late { .. })) => Err(Trouble::Slow),
                Ok(Err(error)) => Err(error.into()),
                Ok(Ok(_)) => Ok(()),
                Err(stopped) => Err(stopped),
            };
        }
    };
    let read = read(provider, &mut reply, cancel, answer, news).await;
    let (bytes_out, bytes_in) = reply.bytes();
    answer.bytes_out += bytes_out;
    answer.bytes_in += bytes_in;
    if let Err(trouble) = &read {
        reply.give_up(&trouble.to_string());
    }
    read
}

async fn read(
    provider: &Provider,
    reply: &mut Reply,
    cancel: &Cancel,
    answer: &mut Answer,
    news: &mut dyn FnMut(&News),
) -> Result<(), Trouble> {
    if !(200..300).contains(&reply.status()) {
        let after_s = reply.header("retry-after").and_then(|text| text.trim().parse::<f64>().ok());
        let after_s = after_s.filter(|after_s| (0.0..1e9).contains(after_s)).map(|after_s| after_s.ceil() as u64);
        let mut body = Vec::new();
        while let Ok(Some(bytes)) = next(reply, cancel).await {
            body.extend_from_slice(&bytes);
            if body.len() as u64 > ERROR_BYTES {
                break;
            }
        }
        return Err(scrubbed(Trouble::status(reply.status(), &body, after_s), provider));
    }
    let (mut events, mut reader) = (Events::default(), Reader::of(provider.service));
    let mut hear = |one: News| {
        news(&one);
        match one {
            News::Text(text) => answer.text.push_str(&text),
            News::Call(call) => answer.calls.push(call),
            News::Usage(usage) => answer.usage = Some(usage),
            News::Finish(finish) => answer.finish = Some(finish),
        }
    };
    // Some servers do not stream, whatever they are asked; what they send is one JSON value.
    let declared = reply.header("content-type").is_some_and(|kind| kind.trim_start().starts_with("application/json"));
    let (mut whole, mut begun) = (declared.then(Vec::new), declared);
    loop {
        let bytes = match next(reply, cancel).await {
            Ok(Some(bytes)) => bytes,
            Ok(None) => break,
            // A connection that breaks in the middle of an answer has cut it.
            Err(Trouble::Gate(GateError::Network { .. })) => return Err(Trouble::Cut),
            Err(Trouble::Gate(GateError::TooLarge(_))) => {
                return Err(Trouble::Garbage("its answer has no end".to_owned()));
            }
            Err(other) => return Err(other),
        };
        if let Some(first) = bytes.iter().find(|byte| !byte.is_ascii_whitespace()).filter(|_| !begun) {
            begun = true;
            whole = matches!(first, b'{' | b'[').then(Vec::new);
        }
        if let Some(whole) = &mut whole {
            whole.extend_from_slice(&bytes);
            continue;
        }
        for data in events.push(&bytes)? {
            reader.read(&data).map_err(|trouble| scrubbed(trouble, provider))?.into_iter().for_each(&mut hear);
        }
    }
    if let Some(whole) = whole {
        reader.read_whole(&whole).map_err(|trouble| scrubbed(trouble, provider))?.into_iter().for_each(&mut hear);
    } else if let Some(data) = events.end()? {
        // Half an event is no garbage: the connection ended in the middle of it.
        match reader.read(&data) {
            Ok(last) => last.into_iter().for_each(&mut hear),
            Err(Trouble::Garbage(_)) => return Err(Trouble::Cut),
            Err(other) => return Err(scrubbed(other, provider)),
        }
    }
    reader.end()?.into_iter().for_each(hear);
    Ok(())
}

async fn next(reply: &mut Reply, cancel: &Cancel) -> Result<Option<Vec<u8>>, Trouble> {
    match unless_cancelled(cancel, reply.chunk()).await {
        Err(_) => Err(Trouble::Stopped),
        Ok(Err(GateError::Late { .. })) => Err(Trouble::Slow),
        Ok(Err(error)) => Err(error.into()),
        Ok(Ok(bytes)) => Ok(bytes),
    }
}

/// Providers repeat what they were sent; the key is not passed on.
fn scrubbed(trouble: Trouble, provider: &Provider) -> Trouble {
    let key = provider.key.as_ref().map(|key| key.expose()).filter(|key| key.len() >= 4);
    match (trouble, key) {
        (Trouble::Refused { status, said }, Some(key)) => Trouble::Refused { status, said: said.replace(key, "(key)") },
        (trouble, _) => trouble,
    }
}

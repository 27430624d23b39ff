//! Measures a model in a fresh process, from its parent's side: our engine by the frames that the product uses, another
//! program by lines. It starts no process; who does hands in the two pipes.
//!
//! The lines that a peer speaks, each answered by one line, times in milliseconds:
//! ```text
//! load THREADS CONTEXT PATH   loaded MS      the model, with room for so many tokens
//! read N                      read MS        so many made-up tokens behind what is there, and the logits of the last
//! write N                     written MS     so many tokens, the likeliest each time, one after another
//! clear                       cleared 0      everything but the model is forgotten
//! memory                      memory BYTES   the most that was ever resident
//! ```
//! Anything else it says is taken for the reason why it failed. The end of its input ends it.

use crate::wire::{self, Briefing, Encoding, Hardware, Load, Message, Reply, Request, Role, Sampling, Speaker};
use serde::{Deserialize, Serialize};
use std::io::{self, BufRead, Read, Write};
use std::path::PathBuf;
use std::time::Instant;

/// Tokens that are read before a follow-up is timed, so that first touches of memory are not.
const WARM_UP: u32 = 64;
/// Bytes that the KV cache of a measured engine may take.
const KV_BUDGET_BYTES: u64 = 4 << 30;

/// Why a measurement failed.
#[derive(Debug, thiserror::Error)]
pub enum MeasureError {
    /// The process ended or cannot be reached.
    #[error("the process that is measured is gone: {0}")]
    Gone(#[from] io::Error),
    /// It failed, in its own words.
    #[error("{0}")]
    Failed(String),
}

/// One measurement.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    /// The GGUF file.
    pub model: PathBuf,
    /// Compute threads.
    pub threads: u32,
    /// Tokens of the prompt, about.
    pub prompt: u32,
    /// Tokens to write behind it.
    pub generate: u32,
}

/// What one measurement, or the median of several, gives.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct Figures {
    /// Milliseconds until the model was ready.
    pub load_ms: f64,
    /// Milliseconds from nothing until a first prompt of this length was read: weights may still be on their way when a
    /// model counts as ready.
    pub first_ms: f64,
    /// Tokens of the prompt a second, by then.
    pub read_tokens_per_s: f64,
    /// Tokens written a second, behind the prompt.
    pub write_tokens_per_s: f64,
    /// The most memory that the process ever held, in bytes.
    pub peak_memory_bytes: f64,
}

/// How long the first token of an answer takes, without and with the conversation so far in the cache.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize)]
pub struct FollowUp {
    /// Tokens of the first prompt.
    pub cold_tokens: u32,
    /// Milliseconds to its first token.
    pub cold_ms: f64,
    /// Tokens of the second prompt that were in the cache.
    pub cached_tokens: u32,
    /// Tokens that were not.
    pub fresh_tokens: u32,
    /// Milliseconds to the second answer's first token.
    pub cached_ms: f64,
}

/// One line of a table: medians over rounds.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Row {
    /// The file's name.
    pub model: String,
    /// Compute threads.
    pub threads: u32,
    /// Tokens of the prompt.
    pub prompt: u32,
    /// Rounds.
    pub rounds: usize,
    /// This engine.
    pub own: Figures,
    /// The other program.
    pub peer: Option<Figures>,
    /// This engine's figures divided by the peer's: speeds are better above 1, load time and memory below.
    pub ratio: Option<Figures>,
}

/// Measures once, in a fresh process.
pub type Measure<'a, E> = dyn FnMut(&Plan) -> Result<Figures, E> + 'a;

/// Measures in alternating rounds. `own` and `peer` measure once, each in a fresh process.
///
/// # Errors
/// The first that either returns.
pub fn compare<E>(
    plan: &Plan,
    rounds: usize,
    own: &mut Measure<'_, E>,
    mut peer: Option<&mut Measure<'_, E>>,
) -> Result<Row, E> {
    let (mut owns, mut peers) = (Vec::new(), Vec::new());
    for round in 0..rounds.max(1) {
        // Who goes first alternates too.
        if round.is_multiple_of(2) {
            owns.push(own(plan)?);
        }
        if let Some(peer) = &mut peer {
            peers.push(peer(plan)?);
        }
        if !round.is_multiple_of(2) {
            owns.push(own(plan)?);
        }
    }
    let own = medians(&owns);
    let peer = Some(medians(&peers)).filter(|_| !peers.is_empty());
    Ok(Row {
        model: plan.model.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        threads: plan.threads,
        prompt: plan.prompt,
        rounds: owns.len(),
        own,
        peer,
        ratio: peer.map(|peer| own.with(&peer, |a, b| a / b)),
    })
}

impl Figures {
    fn with(&self, other: &Self, f: impl Fn(f64, f64) -> f64) -> Self {
        Self {
            load_ms: f(self.load_ms, other.load_ms),
            first_ms: f(self.first_ms, other.first_ms),
            read_tokens_per_s: f(self.read_tokens_per_s, other.read_tokens_per_s),
            write_tokens_per_s: f(self.write_tokens_per_s, other.write_tokens_per_s),
            peak_memory_bytes: f(self.peak_memory_bytes, other.peak_memory_bytes),
        }
    }
}

/// The median of each figure; of an even number of values the mean of the middle two. Zeros without values.
fn medians(all: &[Figures]) -> Figures {
    let median = |of: &dyn Fn(&Figures) -> f64| {
        let mut values: Vec<f64> = all.iter().map(of).collect();
        values.sort_by(f64::total_cmp);
        let middle = |i: usize| values.get(i).copied().unwrap_or(0.0);
        (middle(values.len() / 2) + middle(values.len().saturating_sub(1) / 2)) / 2.0
    };
    Figures {
        load_ms: median(&|f| f.load_ms),
        first_ms: median(&|f| f.first_ms),
        read_tokens_per_s: median(&|f| f.read_tokens_per_s),
        write_tokens_per_s: median(&|f| f.write_tokens_per_s),
        peak_memory_bytes: median(&|f| f.peak_memory_bytes),
    }
}

/// Measures an engine process that waits for its first frame.
///
/// # Errors
/// Where it fails or ends.
pub fn engine(input: &mut dyn Write, output: &mut dyn Read, plan: &Plan) -> Result<Figures, MeasureError> {
    let mut e = Engine { input, output, next: 1 };
    let begun = Instant::now();
    let load_ms = e.load(plan)?;
    let first = e.asking(plan.prompt, 1)?;
    e.answer(1, &[first], 1)?;
    // With the time that counting tokens took, since weights come meanwhile.
    let first_ms = begun.elapsed().as_secs_f64() * 1e3;
    let second = e.asking(plan.prompt, 2)?;
    let done = e.answer(2, &[second], plan.generate)?;
    Ok(Figures {
        load_ms,
        first_ms,
        read_tokens_per_s: rate(done.prompt_tokens.saturating_sub(done.cached_tokens), done.prompt_ms),
        // The first token falls out of reading the prompt.
        write_tokens_per_s: rate(done.new_tokens.saturating_sub(1), done.generate_ms),
        peak_memory_bytes: e.peak_memory_bytes()? as f64,
    })
}

/// Measures the first token of an answer in an engine process that waits for its first frame, and of the next answer of
/// the same conversation.
///
/// # Errors
/// Where it fails or ends.
pub fn follow_up(input: &mut dyn Write, output: &mut dyn Read, plan: &Plan) -> Result<FollowUp, MeasureError> {
    let mut e = Engine { input, output, next: 1 };
    e.load(plan)?;
    let first = e.asking(WARM_UP, 1)?;
    e.answer(1, &[first], 4)?;
    let mut messages = vec![e.asking(plan.prompt, 2)?];
    let cold = e.answer(2, &messages, 1)?;
    messages.push(Message { role: Speaker::Assistant, text: cold.text });
    messages.push(Message { role: Speaker::User, text: "And what does that mean for us?".into() });
    let cached = e.answer(2, &messages, 1)?;
    Ok(FollowUp {
        cold_tokens: cold.prompt_tokens,
        cold_ms: cold.first_token_ms,
        cached_tokens: cached.cached_tokens,
        fresh_tokens: cached.prompt_tokens - cached.cached_tokens.min(cached.prompt_tokens),
        cached_ms: cached.first_token_ms,
    })
}

/// Measures another program that speaks lines.
///
/// # Errors
/// Where it fails or ends.
pub fn peer(input: &mut dyn Write, output: &mut dyn BufRead, plan: &Plan) -> Result<Figures, MeasureError> {
    let mut say = |line: String, answer: &str| -> Result<f64, MeasureError> {
        writeln!(input, "{line}")?;
        input.flush()?;
        let mut said = String::new();
        output.read_line(&mut said)?;
        let value = said.strip_prefix(answer).and_then(|rest| rest.trim().parse().ok());
        value.ok_or_else(|| MeasureError::Failed(format!("to {line:?} the peer said {:?}", said.trim())))
    };
    let room = plan.prompt + plan.generate + 2 * WARM_UP;
    let load_ms = say(format!("load {} {room} {}", plan.threads, plan.model.display()), "loaded ")?;
    let first_ms = load_ms + say(format!("read {}", plan.prompt), "read ")?;
    say("write 1".into(), "written ")?;
    say("clear".into(), "cleared ")?;
    let read_ms = say(format!("read {}", plan.prompt), "read ")?;
    let written_ms = say(format!("write {}", plan.generate), "written ")?;
    Ok(Figures {
        load_ms,
        first_ms,
        read_tokens_per_s: rate(plan.prompt, read_ms),
        write_tokens_per_s: rate(plan.generate, written_ms),
        peak_memory_bytes: say("memory".into(), "memory ")?,
    })
}

fn rate(tokens: u32, ms: f64) -> f64 {
    f64::from(tokens) / ms.max(0.001) * 1000.0
}

/// What an answer took.
struct Answer {
    text: String,
    prompt_tokens: u32,
    cached_tokens: u32,
    new_tokens: u32,
    prompt_ms: f64,
    first_token_ms: f64,
    generate_ms: f64,
}

struct Engine<'a> {
    input: &'a mut dyn Write,
    output: &'a mut dyn Read,
    next: u64,
}

impl Engine<'_> {
    fn say(&mut self, request: &Request) -> Result<(), MeasureError> {
        wire::write(&mut self.input, request)?;
        Ok(self.input.flush()?)
    }

    fn hear(&mut self) -> Result<Reply, MeasureError> {
        match wire::read::<Reply>(&mut self.output)? {
            Some(Reply::Failed { error, .. }) => Err(MeasureError::Failed(error.message)),
            Some(reply) => Ok(reply),
            None => Err(MeasureError::Gone(io::ErrorKind::UnexpectedEof.into())),
        }
    }

    fn load(&mut self, plan: &Plan) -> Result<f64, MeasureError> {
        self.say(&Request::Load(Load {
            weights: plan.model.clone(),
            draft: None,
            tokenizer: None,
            config: None,
            encoding: Encoding::default(),
            role: Role::Chat,
            threads: plan.threads,
            n_ctx: None,
            kv_budget_bytes: KV_BUDGET_BYTES,
            hardware: Hardware::Processor,
            stores_pages: false,
        }))?;
        loop {
            if let Reply::Ready(info) = self.hear()? {
                return Ok(info.load_ms as f64);
            }
        }
    }

    /// A question that makes a prompt of about so many tokens; another seed gives other words.
    fn asking(&mut self, tokens: u32, seed: u32) -> Result<Message, MeasureError> {
        let (mut words, mut message) = (tokens, text(tokens, seed));
        for _ in 0..8 {
            let id = self.next;
            let messages = vec![message.clone()];
            self.say(&Request::Count { id, messages, briefing: Briefing::default() })?;
            let counted = loop {
                if let Reply::Counted { tokens, .. } = self.hear()? {
                    break tokens.max(1);
                }
            };
            let wanted = (u64::from(words) * u64::from(tokens) / u64::from(counted)).clamp(1, 1 << 20) as u32;
            if wanted == words {
                break;
            }
            (words, message) = (wanted, text(wanted, seed));
        }
        Ok(message)
    }

    /// Asks for an answer of at most so many tokens.
    fn answer(&mut self, conversation: i64, messages: &[Message], tokens: u32) -> Result<Answer, MeasureError> {
        let id = self.next;
        self.next += 1;
        // Guesses from the prompt would measure the text and not the engine.
        let sampling = Sampling { max_tokens: tokens, lookup: false, ..Sampling::default() };
        self.say(&Request::Generate {
            id,
            conversation,
            messages: messages.to_vec(),
            briefing: Briefing::default(),
            sampling,
            prefill_answer: None,
            urgent: true,
        })?;
        let mut said = String::new();
        loop {
            match self.hear()? {
                Reply::Token { text, .. } => said += &text,
                Reply::Done {
                    prompt_tokens,
                    cached_tokens,
                    new_tokens,
                    prompt_ms,
                    first_token_ms,
                    generate_ms,
                    ..
                } => {
                    return Ok(Answer {
                        text: said,
                        prompt_tokens,
                        cached_tokens,
                        new_tokens,
                        prompt_ms: prompt_ms as f64,
                        first_token_ms: first_token_ms as f64,
                        generate_ms: generate_ms as f64,
                    });
                }
                _ => {}
            }
        }
    }

    fn peak_memory_bytes(&mut self) -> Result<u64, MeasureError> {
        let id = self.next;
        self.say(&Request::Health { id })?;
        loop {
            if let Reply::Healthy { peak_memory_bytes, .. } = self.hear()? {
                return Ok(peak_memory_bytes.unwrap_or(0));
            }
        }
    }
}

/// So many words in an order that does not repeat itself soon, and a task that takes long to answer.
fn text(words: u32, mut seed: u32) -> Message {
    const WORDS: [&str; 32] = [
        "river", "contract", "between", "morning", "seven", "glass", "the", "harbour", "of", "paper", "under", "year",
        "letter", "green", "without", "council", "and", "bridge", "slowly", "report", "to", "garden", "number", "old",
        "winter", "with", "station", "answer", "small", "house", "before", "light",
    ];
    let mut out = String::new();
    for _ in 0..words {
        seed = seed.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        out += WORDS[(seed >> 27) as usize];
        out.push(' ');
    }
    out += "Write a long story with these words.";
    Message { role: Speaker::User, text: out }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn figures(speed: f64) -> Figures {
        Figures {
            load_ms: 100.0,
            first_ms: 900.0,
            read_tokens_per_s: speed,
            write_tokens_per_s: 10.0,
            peak_memory_bytes: 5e6,
        }
    }

    fn plan() -> Plan {
        Plan { model: "models/a.gguf".into(), threads: 2, prompt: 512, generate: 8 }
    }

    #[test]
    fn rounds_alternate_and_ratios_are_of_medians() {
        let order = std::cell::RefCell::new(String::new());
        let (mut a, mut b) = ([10.0, 90.0, 30.0, 40.0].into_iter(), [5.0, 7.0, 1.0, 9.0].into_iter());
        let mut own = |_: &Plan| {
            order.borrow_mut().push('o');
            Ok::<_, MeasureError>(figures(a.next().unwrap()))
        };
        let mut other = |_: &Plan| {
            order.borrow_mut().push('p');
            Ok(figures(b.next().unwrap()))
        };
        let row = compare(&plan(), 4, &mut own, Some(&mut other)).unwrap();
        assert_eq!(*order.borrow(), "oppooppo");
        assert_eq!((row.model.as_str(), row.rounds), ("a.gguf", 4));
        assert_eq!((row.own.read_tokens_per_s, row.peer.unwrap().read_tokens_per_s), (35.0, 6.0));
        assert_eq!(row.ratio.unwrap().read_tokens_per_s, 35.0 / 6.0);
        assert_eq!(row.ratio.unwrap().load_ms, 1.0);
        let alone = compare(&plan(), 1, &mut |_| Ok::<_, MeasureError>(figures(3.0)), None).unwrap();
        assert!(alone.peer.is_none() && alone.ratio.is_none());
    }

    #[test]
    fn a_peer_is_spoken_to_in_lines_and_its_failure_is_said() {
        let mut said = Vec::new();
        let answers = "loaded 50\nread 900\nwritten 1\ncleared 0\nread 1024\nwritten 400\nmemory 7000\n";
        let got = peer(&mut said, &mut answers.as_bytes(), &plan()).unwrap();
        assert_eq!((got.load_ms, got.read_tokens_per_s, got.write_tokens_per_s), (50.0, 500.0, 20.0));
        assert_eq!((got.first_ms, got.peak_memory_bytes), (950.0, 7000.0));
        let said = String::from_utf8(said).unwrap();
        assert!(said.starts_with("load 2 648 models/a.gguf\nread 512\nwrite 1\nclear\nread 512\nwrite 8\n"), "{said}");
        let error = peer(&mut Vec::new(), &mut "failed no such file\n".as_bytes(), &plan()).unwrap_err();
        assert!(error.to_string().contains("no such file"), "{error}");
        assert!(peer(&mut Vec::new(), &mut "".as_bytes(), &plan()).is_err());
    }
}

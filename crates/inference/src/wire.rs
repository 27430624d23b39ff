//! The words between an engine process and its parent: frames of a little-endian u32 length and a postcard body.
//! Who says what when is `serve`.

use crate::embed::{Kind, Pooling, Prefixes};
pub use crate::engine::PageKey;
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use std::io::{self, Read, Write};
use std::path::PathBuf;

/// The largest body of a frame in bytes.
pub const MAX_FRAME_BYTES: u32 = 64 << 20;

/// What a model is loaded for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Role {
    /// Generating text: a GGUF file.
    Chat,
    /// Turning texts into vectors: a safetensors file with tokenizer and configuration, or a GGUF file.
    Embed,
    /// Scoring passages for a question: a safetensors file with tokenizer and configuration.
    Rerank,
}

/// What the files of embedders and rerankers do not say.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Encoding {
    /// Which states become the vector, where it is not the usual.
    pub pooling: Option<Pooling>,
    /// Words before texts.
    pub prefixes: Prefixes,
    /// Whether weights of encoders are kept as 8-bit integers, with activations to match, and not as f32.
    pub integers: bool,
}

/// What a model may be computed on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Hardware {
    /// A graphics processor where this program was built for one, it is there and has room; otherwise the processor.
    Any,
    /// The processor.
    Processor,
}

/// The first request to an engine process.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Load {
    /// The weights.
    pub weights: PathBuf,
    /// A smaller chat model that guesses how answers go on; one that does not fit this model is not used.
    pub draft: Option<PathBuf>,
    /// `tokenizer.json`, for embedders and rerankers.
    pub tokenizer: Option<PathBuf>,
    /// `config.json`, for embedders and rerankers.
    pub config: Option<PathBuf>,
    /// For embedders and rerankers.
    pub encoding: Encoding,
    /// What for.
    pub role: Role,
    /// Compute threads, at least one.
    pub threads: u32,
    /// Context in tokens, at most the model's own, which is the default. For embedders: where passages are cut.
    pub n_ctx: Option<u32>,
    /// Bytes that all KV caches together may take.
    pub kv_budget_bytes: u64,
    /// What the model may be computed on.
    pub hardware: Hardware,
    /// Whether the parent stores pages of KV caches; the engine then asks for those of a prompt (`Reply::Wanted`).
    pub stores_pages: bool,
}

/// Who says a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Speaker {
    /// Instructions.
    System,
    /// The person.
    User,
    /// The model.
    Assistant,
    /// The model, calling a tool: the text is JSON, `{"name": ..., "arguments": {...}}`.
    Call,
    /// A tool, answering the earliest call that has no answer yet.
    Tool,
}

/// A tool that the model may call.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// What it does, in words for the model.
    pub description: String,
    /// What it takes: a JSON schema.
    pub parameters: String,
}

/// What the model is told beside the messages, where its template has a place for it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Briefing {
    /// Tools that it may call.
    pub tools: Vec<Tool>,
    /// Whether it thinks before it answers; the template decides where this says nothing.
    pub thinking: Option<bool>,
    /// The time in seconds since 1970, moved into the person's time zone, for templates that name the day; 1970 where
    /// this says nothing.
    pub now_s: Option<i64>,
}

/// One message of a conversation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Message {
    /// Who says it.
    pub role: Speaker,
    /// Plain text; nothing in it is read as a special token.
    pub text: String,
}

/// How tokens are chosen and when the answer ends.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sampling {
    /// 0 is greedy.
    pub temperature: f32,
    /// The k likeliest tokens only; 0 is all.
    pub top_k: u32,
    /// The likeliest tokens that together have this probability; 1 is all.
    pub top_p: f32,
    /// Tokens at least this probable relative to the likeliest; 0 is all.
    pub min_p: f32,
    /// Divides the logits of tokens that the answer already has; 1 is none.
    pub repeat_penalty: f32,
    /// Is taken from the logits of tokens that the answer already has; 0 is none.
    pub presence_penalty: f32,
    /// Is taken from the logits of tokens for every time that the answer has them; 0 is none.
    pub frequency_penalty: f32,
    /// The same seed gives the same tokens.
    pub seed: u64,
    /// Tokens of the answer at most.
    pub max_tokens: u32,
    /// Texts that end the answer and are not part of it.
    pub stop: Vec<String>,
    /// With temperature 0: tokens that the text before suggests are computed ahead. Changes speed, never the answer.
    pub lookup: bool,
    /// What the answer must look like.
    pub constraint: Option<Constraint>,
    /// Log probabilities are told of every token, and of so many of the likeliest at each place (at most 20).
    pub chances: Option<u32>,
}

/// What an answer must look like from its first character to its last; thoughts before it are free.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Constraint {
    /// A JSON text that a JSON schema allows.
    JsonSchema(String),
    /// A text that a regular expression matches as a whole.
    Regex(String),
    /// A text that a grammar (Lark, as llguidance reads it) derives.
    Grammar(String),
}

impl Default for Sampling {
    fn default() -> Self {
        Self {
            temperature: 0.0,
            top_k: 0,
            top_p: 1.0,
            min_p: 0.0,
            repeat_penalty: 1.0,
            presence_penalty: 0.0,
            frequency_penalty: 0.0,
            seed: 0,
            max_tokens: 512,
            stop: Vec::new(),
            lookup: true,
            constraint: None,
            chances: None,
        }
    }
}

/// What the parent asks.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Request {
    /// Loads the model; the first frame and only the first.
    Load(Load),
    /// Generates an answer.
    Generate {
        /// Names the request.
        id: u64,
        /// Names the KV cache that is kept between turns.
        conversation: i64,
        /// The whole conversation.
        messages: Vec<Message>,
        /// What else the model is told.
        briefing: Briefing,
        /// How.
        sampling: Sampling,
        /// The beginning of the answer, given; it is not repeated in the reply.
        prefill_answer: Option<String>,
        /// Whether a person waits for it; other requests go on when no such one is under way.
        urgent: bool,
    },
    /// Brings a request the next of the pages that it wants.
    Page {
        /// The request.
        id: u64,
        /// What `Reply::Page` once brought; nothing where the store has it no longer, after which no more may follow.
        bytes: Option<Vec<u8>>,
    },
    /// Asks for the pages of a conversation that the store does not have yet, for another day.
    Store {
        /// Names the request.
        id: u64,
        /// Whose.
        conversation: i64,
    },
    /// Forgets all conversations.
    Forget,
    /// Counts the tokens of the prompt that these messages make.
    Count {
        /// Names the request.
        id: u64,
        /// The whole conversation.
        messages: Vec<Message>,
        /// What else the model is told.
        briefing: Briefing,
    },
    /// Turns texts into vectors.
    Embed {
        /// Names the request.
        id: u64,
        /// What they are to the model.
        kind: Kind,
        /// Texts.
        texts: Vec<String>,
    },
    /// Says of each passage how well it answers a question.
    Score {
        /// Names the request.
        id: u64,
        /// The question.
        query: String,
        /// Passages.
        texts: Vec<String>,
    },
    /// Ends a request that waits or runs.
    Cancel {
        /// The request.
        id: u64,
    },
    /// Asks whether the process is well; answered even while it computes.
    Health {
        /// Names the request.
        id: u64,
    },
    /// Ends the process, as the end of its input does.
    Shutdown,
}

/// What was loaded.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ModelInfo {
    /// The family.
    pub architecture: String,
    /// The number format of most weights.
    pub quantization: String,
    /// Context in tokens.
    pub n_ctx: u32,
    /// Tokens in the vocabulary.
    pub n_vocab: u32,
    /// Width of the vectors, for embedders.
    pub dims: Option<u32>,
    /// Bytes of the weights in memory.
    pub weights_bytes: u64,
    /// Compute threads.
    pub threads: u32,
    /// The kernel set.
    pub kernel: String,
    /// Where the model computes and why there, in words.
    pub place: String,
    /// Bytes of weights and caches that lie in a device's own memory; 0 where it computes on the processor.
    pub device_bytes: u64,
    /// Where the chat template comes from, and why, where it is not the file's.
    pub template: String,
    /// `engine::GUESSES` where the model that was named for guessing does so, otherwise why not; empty where none was.
    pub draft: String,
    /// Milliseconds that loading took.
    pub load_ms: u64,
}

/// Why an answer ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum Finish {
    /// The model ended it, or a stop string did.
    Stop,
    /// The token limit, the context or the KV budget was reached.
    Length,
    /// The parent ended it.
    Cancelled,
}

/// What kind of failure it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub enum FailureCode {
    /// A file cannot be read.
    Io,
    /// A file is damaged.
    Damaged,
    /// A kind of model that does not run here.
    Unsupported,
    /// The prompt does not fit.
    TooLong {
        /// Tokens of the prompt.
        prompt_tokens: u32,
        /// Tokens of the context.
        n_ctx: u32,
    },
    /// The KV budget is too small for the prompt.
    Memory {
        /// Bytes needed.
        needed_bytes: u64,
        /// Bytes allowed.
        budget_bytes: u64,
    },
    /// The request makes no sense.
    Request,
    /// The request was cancelled.
    Cancelled,
    /// A fault of the engine.
    Internal,
}

/// A failure in words and as a code.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Failure {
    /// For programs.
    pub code: FailureCode,
    /// For logs; it holds no text of messages or documents.
    pub message: String,
}

/// What the engine answers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub enum Reply {
    /// The model is loaded.
    Ready(ModelInfo),
    /// Tokens of the prompt that are read, those from the cache included.
    Prompt {
        /// The request.
        id: u64,
        /// Read so far.
        done: u32,
        /// All.
        total: u32,
    },
    /// More text.
    Token {
        /// The request.
        id: u64,
        /// Whole characters.
        text: String,
        /// Tokens of the answer so far.
        tokens: u32,
    },
    /// The answer is complete.
    Done {
        /// The request.
        id: u64,
        /// Why it ended.
        reason: Finish,
        /// Tokens of the prompt.
        prompt_tokens: u32,
        /// Those of them that were in the cache.
        cached_tokens: u32,
        /// Tokens of the answer.
        new_tokens: u32,
        /// Those tokens by number: what a later run is compared with.
        tokens: Vec<u32>,
        /// Milliseconds until the prompt was read.
        prompt_ms: u64,
        /// Milliseconds until the first token was chosen.
        first_token_ms: u64,
        /// Milliseconds from then to the end.
        generate_ms: u64,
    },
    /// The answer to `Count`.
    Counted {
        /// The request.
        id: u64,
        /// Tokens of the prompt.
        tokens: u32,
    },
    /// The answer to `Embed`.
    Embedded {
        /// The request.
        id: u64,
        /// Width of each vector.
        dims: u32,
        /// Vectors of length 1, one after another, in the order of the texts.
        values: Vec<f32>,
    },
    /// The answer to `Health`.
    Healthy {
        /// The request.
        id: u64,
        /// Bytes of all KV caches.
        kv_bytes: u64,
        /// Most bytes of memory that the process ever held, where the system says so.
        peak_memory_bytes: Option<u64>,
    },
    /// A request failed, or the process cannot go on (no id).
    Failed {
        /// The request.
        id: Option<u64>,
        /// Why.
        error: Failure,
    },
    /// More of what the model thinks before it answers; no part of the answer.
    Thought {
        /// The request.
        id: u64,
        /// Whole characters.
        text: String,
        /// Tokens of the answer so far, thoughts included.
        tokens: u32,
    },
    /// The model calls a tool that the briefing offered; no part of the answer.
    Call {
        /// The request.
        id: u64,
        /// The tool's name, as the model wrote it.
        name: String,
        /// A JSON object; whether it fits the tool's schema is for the parent to say.
        arguments: String,
    },
    /// A request wants the next pages of its prompt's KV cache; it waits until `Request::Page` has brought them, or
    /// nothing, and may then want more.
    Wanted {
        /// The request.
        id: u64,
        /// Their names in order.
        keys: Vec<PageKey>,
    },
    /// A page for the store, answering `Store`.
    Page {
        /// The request.
        id: u64,
        /// Its name; the store adds the model's.
        key: PageKey,
        /// Its numbers.
        bytes: Vec<u8>,
    },
    /// All pages have been sent.
    Stored {
        /// The request.
        id: u64,
    },
    /// The answer to `Score`.
    Scored {
        /// The request.
        id: u64,
        /// A score of each passage in their order; larger is better, and 0 is undecided.
        scores: Vec<f32>,
    },
    /// How likely a token was, where the request asked. It may come before the text that the token is part of.
    Chances {
        /// The request.
        id: u64,
        /// The chosen token.
        chosen: Chance,
        /// The likeliest tokens at its place, the likeliest first.
        likeliest: Vec<Chance>,
    },
}

/// A token and the logarithm of its probability by the bare model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Chance {
    /// Its number.
    pub token: u32,
    /// Its bytes, which need not be whole characters; none for control tokens.
    pub bytes: Vec<u8>,
    /// Natural logarithm.
    pub log_probability: f32,
}

fn invalid(e: impl std::error::Error + Send + Sync + 'static) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, e)
}

/// Writes one frame and flushes.
///
/// # Errors
/// Those of the writer; `InvalidData` for a body over `MAX_FRAME_BYTES`.
pub fn write<T: Serialize>(to: &mut impl Write, value: &T) -> io::Result<()> {
    let body = postcard::to_stdvec(value).map_err(invalid)?;
    let len = u32::try_from(body.len()).ok().filter(|n| *n <= MAX_FRAME_BYTES);
    let len = len.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "the frame is too large"))?;
    to.write_all(&len.to_le_bytes())?;
    to.write_all(&body)?;
    to.flush()
}

/// Reads one frame; nothing at the end of the input.
///
/// # Errors
/// Those of the reader; `UnexpectedEof` in the middle of a frame; `InvalidData` for one that is too large or no `T`.
pub fn read<T: DeserializeOwned>(from: &mut impl Read) -> io::Result<Option<T>> {
    let mut len = [0; 4];
    let mut have = 0;
    while have < len.len() {
        match from.read(&mut len[have..]) {
            Ok(0) if have == 0 => return Ok(None),
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(n) => have += n,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    let len = u32::from_le_bytes(len);
    if len > MAX_FRAME_BYTES {
        return Err(io::Error::new(io::ErrorKind::InvalidData, "the frame is too large"));
    }
    // Grown while reading, so that a lying length costs no memory.
    let mut body = Vec::new();
    from.take(u64::from(len)).read_to_end(&mut body)?;
    if body.len() < len as usize {
        return Err(io::ErrorKind::UnexpectedEof.into());
    }
    postcard::from_bytes(&body).map(Some).map_err(invalid)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_come_back_and_damaged_ones_are_errors() {
        let sent = [
            Request::Cancel { id: 3 },
            Request::Embed { id: 1 << 40, kind: Kind::Query, texts: vec!["a".into(), "ü".into()] },
        ];
        let mut bytes = Vec::new();
        sent.iter().for_each(|r| write(&mut bytes, r).unwrap());
        let mut from = &bytes[..];
        for want in &sent {
            assert_eq!(read::<Request>(&mut from).unwrap().as_ref(), Some(want));
        }
        assert_eq!(read::<Request>(&mut from).unwrap(), None);
        assert!(read::<Request>(&mut &bytes[..2]).is_err());
        assert!(read::<Request>(&mut &bytes[..bytes.len() - 7][..]).is_ok());
        assert!(read::<Request>(&mut &u32::MAX.to_le_bytes()[..]).is_err());
        let mut lying = (MAX_FRAME_BYTES).to_le_bytes().to_vec();
        lying.push(1);
        assert_eq!(read::<Request>(&mut &lying[..]).unwrap_err().kind(), io::ErrorKind::UnexpectedEof);
    }
}

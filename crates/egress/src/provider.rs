//! Providers: models that run elsewhere, spoken to in their own wire formats. A request is written once, as bytes, and
//! those bytes are what a person sees and what the gate sends; nothing in between adds to them. Streams are read here as
//! they come, and hostile ones end in an error.
//!
//! It decides nothing: whether something may be sent is the law's part, whether it may cost that much the kernel's.

mod breaker;
mod chat;
mod generate;
mod messages;
mod price;
mod send;
mod stream;
mod trouble;

pub use breaker::Breaker;
pub use price::{Amount, Price, PriceList, Rate};
pub use send::{Answer, Failed, Terms, Tries, send};
pub use trouble::Trouble;

use crate::gate::{Key, Reach};
use hearth_domain::BlobHash;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};
use std::fmt;

/// Who runs the model, as far as its wire format depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Service {
    /// OpenAI (chat completions).
    OpenAi,
    /// Anthropic (messages).
    Anthropic,
    /// Google (generateContent of Gemini).
    Google,
    /// Mistral (chat completions).
    Mistral,
    /// DeepSeek (chat completions).
    DeepSeek,
    /// Any server that speaks chat completions: vLLM, llama.cpp, Ollama, LM Studio.
    Compatible,
}

impl Service {
    /// All services.
    pub const ALL: [Service; 6] = [
        Service::OpenAi,
        Service::Anthropic,
        Service::Google,
        Service::Mistral,
        Service::DeepSeek,
        Service::Compatible,
    ];

    /// The word that stands for it in settings, prices and at the command line.
    pub fn word(self) -> &'static str {
        match self {
            Service::OpenAi => "openai",
            Service::Anthropic => "anthropic",
            Service::Google => "google",
            Service::Mistral => "mistral",
            Service::DeepSeek => "deepseek",
            Service::Compatible => "compatible",
        }
    }

    /// The service that a word stands for.
    pub fn from_word(word: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|service| service.word() == word)
    }

    /// What people call it.
    pub fn name(self) -> &'static str {
        match self {
            Service::OpenAi => "OpenAI",
            Service::Anthropic => "Anthropic",
            Service::Google => "Google",
            Service::Mistral => "Mistral",
            Service::DeepSeek => "DeepSeek",
            Service::Compatible => "OpenAI-compatible server",
        }
    }

    /// Where it is served, where that is one place.
    pub fn usual_address(self) -> Option<&'static str> {
        match self {
            Service::OpenAi => Some("https://api.openai.com/v1"),
            Service::Anthropic => Some("https://api.anthropic.com"),
            Service::Google => Some("https://generativelanguage.googleapis.com"),
            Service::Mistral => Some("https://api.mistral.ai/v1"),
            Service::DeepSeek => Some("https://api.deepseek.com"),
            Service::Compatible => None,
        }
    }
}

/// One model of one provider, as a person configured it.
#[derive(Debug, Clone)]
pub struct Provider {
    /// Whose wire format it speaks.
    pub service: Service,
    /// Its address without a trailing slash, such as `https://api.example/v1`.
    pub address: String,
    /// The model's name there.
    pub model: String,
    /// Its key, where it wants one.
    pub key: Option<Key>,
}

impl Provider {
    /// The host and port that it may be reached at in the own network. Providers with one usual place have none: a name
    /// that suddenly leads into the local network is not theirs.
    pub fn reach(&self) -> Option<Reach> {
        match self.service {
            Service::Compatible => Reach::of(&self.address),
            _ => None,
        }
    }

    /// Whether it can only be a server on this machine or in the own network: without encryption the gate goes nowhere
    /// else.
    pub fn is_own(&self) -> bool {
        let Some(reach) = self.reach() else { return false };
        let literal = reach.host.trim_start_matches('[').trim_end_matches(']').parse();
        self.address.starts_with("http://")
            || reach.host == "localhost"
            || literal.is_ok_and(crate::address::is_own_network)
    }
}

/// An address as it is kept: encrypted unless it is a server that people run themselves, without user, query and fragment,
/// without a slash at its end.
///
/// # Errors
/// What is wrong with it, and what to do.
pub fn check_address(service: Service, address: &str) -> Result<String, String> {
    let url = reqwest::Url::parse(address.trim())
        .map_err(|error| format!("This address cannot be read ({error}); one looks like https://host/v1."))?;
    let plain_may = service == Service::Compatible && url.scheme() == "http";
    if url.scheme() != "https" && !plain_may {
        return Err("The address must begin with https://; only a server of your own may go without.".to_owned());
    }
    if url.host_str().is_none_or(str::is_empty) {
        return Err("The address names no host.".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() || url.query().is_some() || url.fragment().is_some() {
        return Err("The address may hold no user, password or query; the key is given by itself.".to_owned());
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}

/// The host that an address leads to, lower case.
pub fn host_of(address: &str) -> String {
    Reach::of(address).map(|reach| reach.host).unwrap_or_default()
}

/// Who says something.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Speaker {
    /// The person who asks.
    Person,
    /// The model, earlier.
    Model,
}

/// A piece of a message.
#[derive(Debug, Clone, PartialEq)]
pub enum Part {
    /// Words.
    Text(String),
    /// A picture.
    Image {
        /// Such as `image/png`.
        media_type: String,
        /// Its bytes.
        bytes: Vec<u8>,
    },
    /// A tool that the model called earlier.
    Call(ToolCall),
    /// What the tool answered.
    Result {
        /// The call's id.
        id: String,
        /// The tool's name.
        name: String,
        /// Its answer.
        text: String,
    },
}

/// One message.
#[derive(Debug, Clone, PartialEq)]
pub struct Message {
    /// Who says it. What a tool answered is said by the person's side.
    pub speaker: Speaker,
    /// Its pieces.
    pub parts: Vec<Part>,
}

/// A tool that the model may call.
#[derive(Debug, Clone, PartialEq)]
pub struct Tool {
    /// Its name.
    pub name: String,
    /// What it does.
    pub description: String,
    /// Its arguments, as a JSON schema.
    pub schema: serde_json::Value,
}

/// A tool that the model wants called.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ToolCall {
    /// Names this call.
    pub id: String,
    /// The tool's name.
    pub name: String,
    /// Its arguments, as the model wrote them: JSON, if it kept to the schema.
    pub arguments: String,
}

/// What a model is asked.
#[derive(Debug, Clone, PartialEq)]
pub struct Question {
    /// Instructions.
    pub system: String,
    /// What was said, oldest first.
    pub messages: Vec<Message>,
    /// Tools that it may call.
    pub tools: Vec<Tool>,
    /// How freely it chooses its words; none leaves it to the provider (some models refuse any).
    pub temperature: Option<f32>,
    /// The most tokens that it may write.
    pub max_tokens: u32,
}

/// What arrives of a reply.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum News {
    /// More words.
    Text(String),
    /// A tool call, whole.
    Call(ToolCall),
    /// Tokens as the provider counts them; the last counts.
    Usage(Usage),
    /// How it ended.
    Finish(Finish),
}

/// Tokens as the provider counts them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Usage {
    /// Read.
    pub input_tokens: u32,
    /// Written, those of its thinking too.
    pub output_tokens: u32,
}

/// How a reply ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finish {
    /// At its own end.
    End,
    /// At the most tokens that it may write.
    Length,
    /// With tools to call.
    Tools,
    /// The provider's filter stopped it.
    Filtered,
    /// Otherwise, in the provider's word.
    Other(String),
}

/// A request, written.
#[derive(Clone, PartialEq, Eq)]
pub struct Written {
    /// Where to.
    pub url: String,
    /// Headers that say nothing secret.
    pub headers: Vec<(&'static str, String)>,
    /// How the key is said: the header, and the words before it.
    pub key_header: (&'static str, &'static str),
    /// The bytes.
    pub body: Vec<u8>,
    /// SHA-256 of the bytes.
    pub hash: BlobHash,
}

impl fmt::Debug for Written {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Written").field("url", &self.url).field("hash", &self.hash).finish_non_exhaustive()
    }
}

/// Writes a question in a provider's wire format. The same question gives the same bytes.
pub fn write(provider: &Provider, question: &Question) -> Written {
    let address = provider.address.trim_end_matches('/');
    let (url, headers, key_header, body) = match provider.service {
        Service::Anthropic => (
            format!("{address}/v1/messages"),
            vec![("anthropic-version", messages::VERSION.to_owned())],
            ("authorization", "Bearer "),
            messages::body(provider, question),
        ),
        Service::Google => (
            format!("{address}/v1/models/{}:streamGenerateContent?alt=sse", segment(&provider.model)),
            Vec::new(),
            ("x-goog-api-key", ""),
            generate::body(question),
        ),
        _ => (
            format!("{address}/chat/completions"),
            Vec::new(),
            ("authorization", "Bearer "),
            chat::body(provider, question),
        ),
    };
    let body = body.to_string().into_bytes();
    let hash = BlobHash(Sha256::digest(&body).into());
    Written { url, headers, key_header, body, hash }
}

/// A model's name as one segment of an address.
fn segment(name: &str) -> String {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~');
    name.bytes().map(|byte| if plain(byte) { char::from(byte).to_string() } else { format!("%{byte:02X}") }).collect()
}

/// Reads one provider's stream.
enum Reader {
    Chat(chat::Reader),
    Messages(messages::Reader),
    Generate(generate::Reader),
}

impl Reader {
    fn of(service: Service) -> Self {
        match service {
            Service::Anthropic => Reader::Messages(messages::Reader::default()),
            Service::Google => Reader::Generate(generate::Reader::default()),
            _ => Reader::Chat(chat::Reader::default()),
        }
    }

    /// What one event of the stream says.
    fn read(&mut self, data: &str) -> Result<Vec<News>, Trouble> {
        match self {
            Reader::Chat(reader) => reader.read(data),
            Reader::Messages(reader) => reader.read(data),
            Reader::Generate(reader) => reader.read(data),
        }
    }

    /// What an answer says that came in one piece.
    fn read_whole(&mut self, bytes: &[u8]) -> Result<Vec<News>, Trouble> {
        let value: serde_json::Value = serde_json::from_slice(bytes)
            .map_err(|_| Trouble::Garbage("it is neither an event stream nor JSON".to_owned()))?;
        match (self, value) {
            (Reader::Messages(reader), value) => reader.whole(&value),
            // A stream of this format that is not asked for as events is a list of them.
            (Reader::Generate(reader), serde_json::Value::Array(events)) => {
                let read: Result<Vec<_>, _> = events.iter().map(|event| reader.read(&event.to_string())).collect();
                Ok(read?.into_iter().flatten().collect())
            }
            (Reader::Generate(reader), value) => reader.read(&value.to_string()),
            (Reader::Chat(reader), value) => reader.read(&value.to_string()),
        }
    }

    /// What is still to be said when the stream ends; nothing of a stream that was cut.
    fn end(self) -> Result<Vec<News>, Trouble> {
        match self {
            Reader::Chat(reader) => reader.end(),
            Reader::Messages(reader) => reader.end(),
            Reader::Generate(reader) => reader.end(),
        }
    }
}

/// An event as JSON.
fn json(data: &str) -> Result<serde_json::Value, Trouble> {
    serde_json::from_str(data).map_err(|_| Trouble::Garbage("an event of the stream is not JSON".to_owned()))
}

/// A count of tokens, where there is one.
fn count(value: &serde_json::Value, key: &str) -> u32 {
    let number = value.get(key).and_then(serde_json::Value::as_u64).unwrap_or(0);
    u32::try_from(number).unwrap_or(u32::MAX)
}

//! Words about models that run elsewhere: who may be asked, what it may cost, exactly what would leave.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fmt;
use ts_rs::TS;

/// A secret on its way in. It is never answered, and shows nothing when it is printed.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(transparent)]
#[ts(type = "string")]
pub struct SecretText(pub String);

impl fmt::Debug for SecretText {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretText(hidden)")
    }
}

/// Whose wire format a provider speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum Service {
    OpenAi,
    Anthropic,
    Google,
    Mistral,
    DeepSeek,
    /// Any server that speaks chat completions: vLLM, llama.cpp, Ollama, LM Studio.
    Compatible,
}

/// A provider as a person sets it up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct NewProvider {
    /// Its id, where one that is there is changed.
    pub id: Option<String>,
    /// What it is called here.
    pub name: String,
    /// Whose wire format it speaks.
    pub service: Service,
    /// Its address; none for the service's usual one.
    pub address: Option<String>,
    /// The model's name there.
    pub model: String,
    /// Where it is and whose, such as "eu" or "own hardware"; none where nobody said.
    pub residency: Option<String>,
    /// Whether it keeps what it is sent, in the person's words; none where that is not known.
    pub keeps: Option<String>,
    /// Its key, given once; none leaves the one that is kept, an empty one takes it away.
    pub key: Option<SecretText>,
    /// Dollars for a million tokens read, where a person sets the price.
    pub input_price: Option<f64>,
    /// Dollars for a million tokens written, where a person sets the price.
    pub output_price: Option<f64>,
}

/// A provider that is set up.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ProviderView {
    /// Its id.
    pub id: String,
    /// What it is called here.
    pub name: String,
    /// Whose wire format it speaks.
    pub service: Service,
    /// Its address.
    pub address: String,
    /// The host that text would go to.
    pub host: String,
    /// The model's name there.
    pub model: String,
    /// Where it is and whose; "unknown" where nobody said.
    pub residency: String,
    /// Whether it keeps what it is sent, as far as that is known.
    pub keeps: String,
    /// Where its key lies, in words; none where it has none.
    pub key: Option<String>,
    /// Whether it is a server on this machine or in the own network.
    pub own: bool,
    /// Its price, in words.
    pub price: String,
    /// Whether that is this model's price; else the dearest known counts.
    pub price_known: bool,
    /// Dollars for a million tokens, where a person set them.
    pub set_price: Option<(f64, f64)>,
    /// Spent with it in thirty days, in words.
    pub spent: String,
    /// Seconds that it is left alone for, after failing again and again.
    pub resting_s: Option<u32>,
}

/// What may be spent, in dollars. None is no limit.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, TS)]
pub struct Budget {
    /// In one day (UTC), by all together.
    pub day: Option<f64>,
    /// In thirty days, by the person whose vault this is.
    pub person: Option<f64>,
    /// In thirty days, by space.
    pub spaces: BTreeMap<i64, f64>,
}

/// Who may be asked, and what it may cost.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Providers {
    /// The mode that holds; only "ask before remote" lets text out.
    pub mode: super::Mode,
    /// Those that are set up.
    pub providers: Vec<ProviderView>,
    /// What may be spent.
    pub budget: Budget,
    /// Spent today, in words.
    pub spent_today: String,
    /// Spent in thirty days, in words.
    pub spent_month: String,
    /// Where keys are kept on this machine, in a sentence.
    pub keys: String,
    /// The day of the price list.
    pub prices_of: String,
    /// What contradicts the mode, one sentence each.
    pub conflicts: Vec<String>,
}

/// What a test of a provider came to, or would send.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ProviderTest {
    /// Whether anything was sent.
    pub sent: bool,
    /// Whether it works; none where nothing was sent.
    pub works: Option<bool>,
    /// What was found, or what a yes would do, in a sentence.
    pub sentence: String,
    /// Exactly the bytes that would be sent, or were.
    pub body: String,
    /// Where to.
    pub host: String,
    /// The most that it can cost, or what it did cost.
    pub cost: String,
    /// The rule that asks or refuses.
    pub rule: Option<super::RuleRef>,
}

/// What would leave for a stronger model, exactly.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct RemotePreview {
    /// Names it for sending.
    pub id: i64,
    /// The turn.
    pub turn: i64,
    /// The provider's id.
    pub provider: String,
    /// The provider's name.
    pub name: String,
    /// The model there.
    pub model: String,
    /// The host.
    pub host: String,
    /// Where it is and whose.
    pub residency: String,
    /// Whether it keeps what it is sent.
    pub keeps: String,
    /// Why what was written here may not be enough.
    pub why: String,
    /// The fixed instructions that leave with the text.
    pub instructions: String,
    /// The text that leaves. It can be edited; sending takes this and no other.
    pub text: String,
    /// What stands where in it.
    pub pieces: Vec<RemotePiece>,
    /// What was hidden in it.
    pub redactions: Vec<Redaction>,
    /// How much of each kind was hidden.
    pub hidden: Vec<HiddenKind>,
    /// What is held back, and why.
    pub held_back: Vec<HeldBack>,
    /// The bytes of the request, as they go to the gate.
    pub body: String,
    /// Their SHA-256.
    pub sha256: String,
    /// The highest label among the pieces.
    pub label: super::Label,
    /// Tokens, about.
    pub tokens: u32,
    /// The most that it can cost, in words.
    pub cost: String,
    /// Where the price comes from.
    pub price_source: String,
    /// The rule that asks or refuses; none where one allows it.
    pub rule: Option<super::RuleRef>,
    /// Why it cannot be sent; none where a yes is enough.
    pub refusal: Option<String>,
}

/// A stretch of the text, in UTF-16 code units.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct RemotePiece {
    /// "Question", "Passage 1 of 2".
    pub name: String,
    /// Where it is from; empty for the question. This stays here.
    pub title: String,
    /// Its label.
    pub label: super::Label,
    /// First unit.
    pub start: u32,
    /// One past the last.
    pub end: u32,
}

/// A placeholder in the text, in UTF-16 code units. What it stands for never leaves.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Redaction {
    /// "[Email 1]".
    pub placeholder: String,
    /// "Email".
    pub kind: String,
    /// Whether a rule made it, so that it cannot be taken back.
    pub by_rule: bool,
    /// First unit.
    pub start: u32,
    /// One past the last.
    pub end: u32,
}

/// How much of one kind was hidden.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct HiddenKind {
    /// "Email".
    pub kind: String,
    /// How many different ones.
    pub count: u32,
}

/// What is held back of one document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct HeldBack {
    /// The document's title.
    pub title: String,
    /// Its label.
    pub label: super::Label,
    /// Passages of it.
    pub passages: u32,
    /// Why, in a sentence.
    pub why: String,
}

/// What left for an answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct RemoteAnswer {
    /// The provider's name.
    pub name: String,
    /// The model there.
    pub model: String,
    /// The host.
    pub host: String,
    /// Bytes out.
    pub bytes_out: u64,
    /// Bytes in.
    pub bytes_in: u64,
    /// What it cost, in words.
    pub cost: String,
    /// The highest label of what left.
    pub label: super::Label,
    /// The rule under which a person said yes.
    pub rule: String,
    /// Why the answer made here stands; none where the remote one does.
    pub failed: Option<String>,
}

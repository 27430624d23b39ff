//! Words about what the record is for: replaying a turn, where an answer came from, figures, files that leave as exports.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What running a turn again came to.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Replay {
    /// The turn, which stays as it was.
    pub turn: i64,
    /// How it came out.
    pub verdict: ReplayVerdict,
    /// The same in one sentence.
    pub sentence: String,
    /// What the turn was made from, each compared with what is here now.
    pub inputs: Vec<ReplayInput>,
    /// Each time a model was asked.
    pub calls: Vec<ReplayCall>,
    /// The answer as it was kept.
    pub before: String,
    /// What the model wrote now; empty where it was not asked.
    pub now: String,
    /// How long it took.
    pub took_ms: u32,
    /// The replay's own entry in the record.
    pub entry: u64,
}

/// How a replay came out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ReplayVerdict {
    /// Every token is the same.
    Same,
    /// Some token is another.
    Differs,
    /// Some calls were run again and gave the same tokens; others could not be.
    InPart,
    /// It could not be run again: an input is gone, or no model had written.
    NotRun,
}

/// One thing that a turn was made from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ReplayInput {
    /// What it is, such as "model file", "threads", "A-103, version 2".
    pub name: String,
    /// Then.
    pub before: String,
    /// Now.
    pub now: String,
    /// Whether it is the same.
    pub same: bool,
}

/// One time that a model was asked, then and now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ReplayCall {
    /// What for: "answer", "draft", "part 3".
    pub name: String,
    /// The model's name for people.
    pub model: String,
    /// Whether it was run again.
    pub run: bool,
    /// Whether its tokens are the same, as far as they were written then.
    pub same: bool,
    /// Why it was not run, or how far the comparison reaches; empty where there is nothing to add.
    pub note: String,
    /// Tokens written then.
    pub tokens_before: u32,
    /// Tokens written now.
    pub tokens_now: u32,
    /// The first token that is another.
    pub difference: Option<ReplayDifference>,
    /// What was written then.
    pub before: String,
    /// What was written now.
    pub now: String,
}

/// Where two answers part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ReplayDifference {
    /// Which token of the answer, from 1.
    pub token: u32,
    /// UTF-16 offset in the text of then, and in the text of now, from which on they differ.
    pub at: u32,
    /// The words there then.
    pub before: String,
    /// The words there now.
    pub now: String,
}

/// Where an answer came from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Lineage {
    /// The turn.
    pub turn: i64,
    /// Its conversation.
    pub conversation: i64,
    /// Its question.
    pub question: String,
    /// Versions of documents that were read for it.
    pub versions: Vec<LineageVersion>,
    /// Memories that the model was given.
    pub memories: Vec<LineageMemory>,
    /// Tools that were called.
    pub tools: Vec<String>,
    /// Models that wrote, with the recipes they were asked by.
    pub models: Vec<LineageModel>,
    /// Earlier questions of the conversation that the model read again.
    pub earlier: Vec<i64>,
}

/// A version that an answer was made from.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct LineageVersion {
    /// The document.
    pub document: i64,
    /// The version.
    pub version: i64,
    /// Its title; "An erased document" where it was erased.
    pub title: String,
    /// Which version, from 1; 0 where it was erased.
    pub number: u32,
    /// SHA-256 of its bytes; empty where it was erased.
    pub sha256: String,
    /// Whether it still answers.
    pub current: bool,
    /// Passages that the model was given.
    pub passages: u32,
    /// Places that the answer cites.
    pub cited: u32,
}

/// A memory that an answer was made with.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct LineageMemory {
    /// The memory.
    pub memory: i64,
    /// What it says; empty where it was erased since.
    pub text: String,
}

/// A model that wrote.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct LineageModel {
    /// What for: "answer", "draft", "part 3".
    pub wrote: String,
    /// Its name for people.
    pub name: String,
    /// SHA-256 of its weights, where known.
    pub sha256: Option<String>,
    /// The recipe it was asked by, with its version.
    pub recipe: String,
}

/// An answer that used a document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct DocumentUse {
    /// The turn.
    pub turn: i64,
    /// Its conversation.
    pub conversation: i64,
    /// Its question.
    pub question: String,
    /// When it was asked.
    pub asked_ms: i64,
    /// How it stands: `answered`, `abstained`, ...
    pub state: super::TurnState,
    /// Places of the document that its answer cites; 0 where it only had read it, or was told of it before.
    pub cited: u32,
    /// Numbers of the versions cited.
    pub versions: Vec<u32>,
    /// Whether another answer took its place.
    pub replaced: bool,
}

/// Figures of a time, computed from the kept record alone.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Metrics {
    /// From when.
    pub from_ms: i64,
    /// Until when, not included.
    pub until_ms: i64,
    /// Questions that ended.
    pub turns: u32,
    /// Those that were answered.
    pub answered: u32,
    /// Those of which the documents say nothing.
    pub abstained: u32,
    /// Those that a rule refused.
    pub refused: u32,
    /// Those that failed.
    pub failed: u32,
    /// Milliseconds from question to end: half were quicker.
    pub total_p50_ms: u32,
    /// 95 of 100 were quicker.
    pub total_p95_ms: u32,
    /// By station, in the order of the waterfall.
    pub stations: Vec<StationLatency>,
    /// Tokens read.
    pub prompt_tokens: u64,
    /// Of those, taken from the cache.
    pub cached_tokens: u64,
    /// Tokens written.
    pub new_tokens: u64,
    /// Sentences that were checked.
    pub sentences: u32,
    /// Those that a source bears out.
    pub supported: u32,
    /// Tools called.
    pub tools: u32,
    /// Those that answered.
    pub tools_done: u32,
    /// Attempts to reach outside, refused ones too.
    pub attempts: u32,
    /// Bytes sent.
    pub bytes_out: u64,
    /// Resident memory of Hearth's processes now, in bytes.
    pub memory_bytes: u64,
}

/// How long a station took.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct StationLatency {
    /// Its name.
    pub name: String,
    /// How often it ran.
    pub count: u32,
    /// Half were quicker.
    pub p50_ms: u32,
    /// 95 of 100 were quicker.
    pub p95_ms: u32,
}

/// Which entries of the record leave in an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ExportFormat {
    /// One entry of the record as JSON on each line.
    Jsonl,
    /// One entry on each row.
    Csv,
    /// Turns as spans, as an OpenTelemetry collector takes them (OTLP as JSON, names of the GenAI conventions).
    Otlp,
}

/// A form of the compliance report.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ReportFormat {
    /// One page that needs nothing else.
    Html,
    /// A document of pages.
    Pdf,
}

/// A file made for a person.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ExportedFile {
    /// A name for it.
    pub name: String,
    /// Its media type.
    pub mime: String,
    /// Its bytes in base64.
    pub base64: String,
    /// What it holds, in a sentence.
    pub sentence: String,
}

/// The collector on this machine that is told how questions were worked on: spans of OpenTelemetry, never words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Collector {
    /// Where it listens; none where nobody is told.
    pub address: Option<String>,
    /// Whether it took what it was told last; none where it was told nothing yet.
    pub works: Option<bool>,
    /// How it stands.
    pub sentence: String,
}

/// The signed end of the record, to be kept elsewhere.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Anchor {
    /// Names the form of this file: `hearth audit anchor 1`.
    pub format: String,
    /// How many entries there were.
    pub entries: u64,
    /// The last one's hash, hexadecimal.
    pub hash: String,
    /// When it was made.
    pub at_ms: i64,
    /// The vault's public key, hexadecimal.
    pub public_key: String,
    /// Ed25519 over format, entries, hash and time, hexadecimal.
    pub signature: String,
}

/// What comparing the record with an anchor found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct AnchorView {
    /// Whether the record goes on from where the anchor was made.
    pub holds: bool,
    /// The same in one sentence.
    pub sentence: String,
    /// The entry from which on it does not.
    pub seq: Option<u64>,
}

//! Words about asking: conversations, turns, quotes, checked sentences.

use crate::Label;
use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A body of documents that are asked together.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Space {
    /// Its id.
    pub id: i64,
    /// Its name.
    pub name: String,
    /// The least that its documents, memories and questions have.
    pub label: Label,
    /// Documents in it.
    pub documents: u32,
    /// Memories that apply in it.
    pub memories: u32,
}

/// One line of the conversation list.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ConversationRow {
    /// Its id.
    pub id: i64,
    /// Its title: the first question, shortened, until a person renames it.
    pub title: String,
    /// When it was last asked in.
    pub updated_ms: i64,
    /// Questions in it.
    pub turns: u32,
}

/// A whole conversation.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Conversation {
    /// Its id.
    pub id: i64,
    /// The space it belongs to.
    pub space: i64,
    /// Its title.
    pub title: String,
    /// Its turns, oldest first; replaced ones left out.
    pub turns: Vec<Turn>,
}

/// What was accepted for answering: watch the events of this turn.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, TS)]
pub struct Asked {
    /// The conversation, new or given.
    pub conversation: i64,
    /// The new turn.
    pub turn: i64,
}

/// How a turn stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum TurnState {
    /// Being answered.
    Running,
    /// Answered, and its sentences checked.
    Answered,
    /// The documents do not say.
    Abstained,
    /// A rule refused it.
    Refused,
    /// A person stopped it; what was written is kept and checked.
    Stopped,
    /// It failed; question and quotes are kept.
    Failed,
}

/// One question and what came of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Turn {
    /// Its id.
    pub id: i64,
    /// The question.
    pub question: String,
    /// When it was asked.
    pub asked_ms: i64,
    /// Documents attached to it.
    pub attachments: Vec<AttachedDocument>,
    /// How it stands.
    pub state: TurnState,
    /// Exact quotes, at most three, in order.
    pub quotes: Vec<Quote>,
    /// From the question's arrival to the quotes.
    pub quotes_ms: Option<u32>,
    /// The answer so far. Plain text with line breaks.
    pub answer: String,
    /// Its sentences, with what the check found; they cover `answer` in order. Empty until checked.
    pub sentences: Vec<Sentence>,
    /// Sources by number, the first is 1.
    pub sources: Vec<Source>,
    /// Passages that were read and not cited.
    pub unused_passages: u32,
    /// Documents that were searched.
    pub searched_documents: u32,
    /// How well the answer is borne out. None while running, and where nothing was claimed.
    pub confidence: Option<Confidence>,
    /// How the answer was made.
    pub how: Option<How>,
    /// What the documents do not say, where that is (part of) the answer.
    pub not_said: Option<String>,
    /// The rule that refused.
    pub refusal: Option<RuleRef>,
    /// Why it failed.
    pub error: Option<super::Error>,
    /// Cited documents that have a newer version since.
    pub outdated: Vec<i64>,
    /// Whether this answer is general knowledge, asked for without documents.
    pub general: bool,
    /// What left for it, where a stronger model elsewhere was asked.
    pub remote: Option<super::RemoteAnswer>,
    /// The person who was asked to look at it, and what they answered.
    pub review: Option<super::Review>,
}

/// A document attached to a question.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct AttachedDocument {
    /// The document.
    pub document: i64,
    /// Its title.
    pub title: String,
    /// Its kind.
    pub kind: super::Kind,
}

/// An exact quote: `text` stands word for word at `at`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Quote {
    /// The source's number, from 1.
    pub source: u32,
    /// The words.
    pub text: String,
    /// Where they stand.
    pub at: Span,
    /// The cell that answers, where the quote is a row of a table.
    pub cell: Option<QuotedCell>,
}

/// A cell of a quoted row: `text` stands word for word at `at`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct QuotedCell {
    /// What it holds.
    pub text: String,
    /// What names its column; empty where nothing does.
    pub head: String,
    /// Where it stands.
    pub at: Span,
}

/// An exact stretch of a page's text, in UTF-16 code units.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
pub struct Span {
    /// The version cited.
    pub version: i64,
    /// Index of the page, from 0.
    pub page: u32,
    /// First unit.
    pub start: u32,
    /// One past the last unit.
    pub end: u32,
}

/// A page that an answer or a quote stands on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Source {
    /// From 1, as the marks show it.
    pub number: u32,
    /// The document.
    pub document: i64,
    /// The version cited.
    pub version: i64,
    /// Its title.
    pub title: String,
    /// Its kind.
    pub kind: super::Kind,
    /// Index of the page.
    pub page: u32,
    /// The place for people: "page 14", "sheet Costs, row 12", "line 40".
    pub place: String,
    /// The version for people: "version 2", empty for the only one.
    pub version_name: String,
    /// Its label.
    pub label: super::Label,
    /// Whether the version is still the current one.
    pub current: bool,
    /// Whether the document went away: removed, or erased.
    pub gone: bool,
    /// When this version came in; none once it is erased.
    pub imported_ms: Option<i64>,
    /// The later revision of the document, where another document is one.
    pub later: Option<super::LaterRevision>,
    /// Where its words were recognized in a picture and that was uncertain: how sure of them, percent.
    pub unsure: Option<u8>,
}

/// One sentence of an answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Sentence {
    /// First unit of `answer`.
    pub start: u32,
    /// One past its last unit.
    pub end: u32,
    /// What the check found. None: nothing is claimed in it.
    pub state: Option<CheckState>,
    /// The spans that bear on it, best first.
    pub citations: Vec<Citation>,
    /// Why it is not supported, for people, such as "The source says 2,050 mm."
    pub note: Option<String>,
}

/// A citation mark.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Citation {
    /// The source's number.
    pub source: u32,
    /// The exact words.
    pub at: Span,
    /// Those words, for the preview.
    pub text: String,
}

/// What the sources say of a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum CheckState {
    /// Some span says it.
    Supported,
    /// Some span says part of it.
    Partly,
    /// No span says it.
    NotFound,
    /// A span says otherwise.
    Contradicted,
}

/// How well an answer is borne out.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Confidence {
    /// Four fifths or more of the sentences match, none is contradicted.
    High,
    /// At least half match.
    Mixed,
    /// The rest, or any contradiction.
    Low,
    /// General knowledge: nothing was checked.
    NoSources,
}

/// The how line.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, TS)]
pub struct How {
    /// The model's name for people; empty where no model ran.
    pub model: String,
    /// Why this model and not the one for chat, in sentences; empty where it is that one.
    #[serde(default)]
    pub route: String,
    /// From question to end.
    pub total_ms: u32,
    /// From question to first word.
    pub first_word_ms: Option<u32>,
    /// Tokens written a second.
    pub tokens_per_second: Option<f32>,
    /// Tokens read.
    pub prompt_tokens: u32,
    /// Of those, taken from the cache.
    pub cached_tokens: u32,
    /// Tokens written.
    pub new_tokens: u32,
    /// Bytes that left this machine for this answer.
    pub bytes_out: u64,
}

/// A rule by name.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct RuleRef {
    /// Its number in the list.
    pub number: u32,
    /// Its name.
    pub name: String,
    /// Its plain sentence.
    pub sentence: String,
}

/// What a question may be told to do besides searching the space.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum Grounding {
    /// Answer from the space's documents.
    #[default]
    Documents,
    /// Answer from the attached documents alone.
    Attached,
    /// Answer without documents: every sentence is marked.
    General,
}

/// What the palette finds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Hits {
    /// Passages.
    pub passages: Vec<PassageHit>,
    /// Conversations.
    pub conversations: Vec<ConversationRow>,
    /// Documents.
    pub documents: Vec<DocumentHit>,
    /// How long it took.
    pub took_ms: u32,
}

/// A passage found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct PassageHit {
    /// The best words of it.
    pub text: String,
    /// Stretches of `text` that match, as pairs of UTF-16 offsets.
    pub marks: Vec<(u32, u32)>,
    /// The document.
    pub document: i64,
    /// Its title.
    pub title: String,
    /// The place for people.
    pub place: String,
    /// Where it stands.
    pub at: Span,
    /// 0 to 1.
    pub score: f32,
}

/// A document found by its title.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct DocumentHit {
    /// The document.
    pub document: i64,
    /// Its title.
    pub title: String,
    /// Its kind.
    pub kind: super::Kind,
}

//! Words about the record: the timeline, a turn's trace, the chain.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// One entry of the record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct AuditEntry {
    /// Its place in the chain.
    pub seq: u64,
    /// When.
    pub at_ms: i64,
    /// Such as `turn.answered`, `document.indexed`, `refused`.
    pub kind: String,
    /// One plain sentence; empty where purged.
    pub sentence: String,
    /// The turn, where it is about one.
    pub turn: Option<i64>,
    /// The document, where it is about one.
    pub document: Option<i64>,
    /// How long it took, where it did.
    pub took_ms: Option<u32>,
    /// What was recorded besides, as JSON text; absent where purged.
    pub detail: Option<String>,
    /// Its seal.
    pub hash: String,
    /// The seal before it.
    pub previous: String,
}

/// What checking the chain found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct AuditCheck {
    /// Entries checked.
    pub entries: u64,
    /// The last seal.
    pub head: String,
    /// When it was checked.
    pub checked_ms: i64,
    /// Where it is broken first.
    pub broken: Option<AuditBreak>,
    /// Every place where it is broken, in order; at most 1,000.
    pub flaws: Vec<AuditBreak>,
}

/// A break in the chain.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct AuditBreak {
    /// The first entry that does not hold.
    pub seq: u64,
    /// The last of a stretch of which the same is true.
    pub last: u64,
    /// When it says it was made.
    pub at_ms: Option<i64>,
    /// What is wrong with it.
    pub why: String,
}

/// One turn as a waterfall.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Trace {
    /// The turn.
    pub turn: i64,
    /// Its conversation.
    pub conversation: i64,
    /// The question.
    pub question: String,
    /// When it was asked.
    pub asked_ms: i64,
    /// "answered in 5.9 s by SmolLM2 135M on this machine".
    pub summary: String,
    /// In the order of the diagram: Admit, Label, Route, Recall, Retrieve, Generate, Tool, Verify, Record.
    pub stations: Vec<Station>,
    /// Outbound connections made for it.
    pub connections: u32,
    /// Bytes out.
    pub bytes_out: u64,
    /// Bytes in.
    pub bytes_in: u64,
    /// Tokens read.
    pub prompt_tokens: u32,
    /// Tokens written.
    pub new_tokens: u32,
    /// The seal of its entry.
    pub hash: String,
    /// The seal before.
    pub previous: String,
}

/// One station of a turn.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Station {
    /// Its name for people: Admit, Label, ...
    pub name: String,
    /// How it went.
    pub outcome: Outcome,
    /// One plain sentence.
    pub sentence: String,
    /// A few words beside it: "rules 1, 3", "96 tokens".
    pub aside: String,
    /// From the question.
    pub start_ms: f32,
    /// How long; a mark within the bar is `mark_ms`.
    pub took_ms: f32,
    /// From the question: such as the first word.
    pub mark_ms: Option<f32>,
    /// Opened: the decision in words.
    pub decision: Option<String>,
    /// Opened: what else was weighed.
    pub weighed: Vec<String>,
    /// Opened: the policy text that applied, or other record lines.
    pub record: Option<String>,
}

/// How a station went.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Outcome {
    Done,
    Partly,
    Refused,
    Failed,
    Skipped,
    Running,
}

/// One attempt to reach outside.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct LedgerRow {
    /// Its id.
    pub id: i64,
    /// When.
    pub at_ms: i64,
    /// What for.
    pub purpose: String,
    /// To whom.
    pub host: String,
    /// The rule that allowed or refused it.
    pub rule: String,
    /// How it ended.
    pub outcome: String,
    /// Sent.
    pub bytes_out: u64,
    /// Received.
    pub bytes_in: u64,
    /// Who wanted it: `person` or `house`.
    pub who: String,
    /// How guarded the text is that it carried; none where it carried none.
    pub label: Option<super::Label>,
}

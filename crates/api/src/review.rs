//! Answers that a person is asked to look at.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// How such a request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ReviewState {
    /// It waits for a person.
    Open,
    /// A person answered.
    Answered,
    /// A person let it go.
    Dismissed,
}

/// An answer that a person is asked to look at.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Review {
    /// Its id.
    pub id: i64,
    /// The turn.
    pub turn: i64,
    /// The turn's conversation.
    pub conversation: i64,
    /// The space.
    pub space: i64,
    /// What was asked.
    pub question: String,
    /// What Hearth came to: the answer, or that the documents do not say.
    pub said: String,
    /// Why it is here, in words.
    pub why: String,
    /// How it stands.
    pub state: ReviewState,
    /// Who is to look at it.
    pub assigned: Option<String>,
    /// When it was handed over.
    pub opened_ms: i64,
    /// What the person answered.
    pub answer: Option<String>,
    /// Who that was.
    pub answered_by: Option<String>,
    /// When.
    pub answered_ms: Option<i64>,
    /// How guarded the answer is, at least.
    pub label: super::Label,
    /// The job that reads the answer into the library.
    pub job: Option<i64>,
    /// The document that the answer became, once it is read.
    pub document: Option<i64>,
}

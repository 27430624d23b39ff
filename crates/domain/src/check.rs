//! What checking an answer's sentence against its sources found.

use crate::Span;
use serde::{Deserialize, Serialize};
use std::ops::Range;

/// What the sources say of a sentence.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
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

/// One sentence of an answer with what the check found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SentenceCheck {
    /// Bytes of the answer.
    pub range: Range<u32>,
    /// The verdict.
    pub state: CheckState,
    /// The spans that bear it out (or contradict it), best first.
    pub support: Vec<Support>,
    /// Figures, dates, names or negations that do not agree.
    pub mismatches: Vec<Mismatch>,
}

/// A span that bears on a sentence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Support {
    /// Where it stands.
    pub span: Span,
    /// How much of the sentence it covers, 0 to 1.
    pub score: f32,
}

/// Something in a sentence that the source does not say, or says otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mismatch {
    /// What sort of thing.
    pub kind: MismatchKind,
    /// As the answer has it.
    pub answer: String,
    /// As the source has it, where it names one.
    pub source: Option<String>,
}

/// What sort of thing does not agree.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
#[allow(missing_docs)]
pub enum MismatchKind {
    Number,
    Date,
    Name,
    Negation,
    /// Whom or what it is said of.
    Part,
}

//! What models are for.

use serde::{Deserialize, Serialize};

/// The part that a model plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Writes answers.
    Chat,
    /// Writes a fast first draft.
    Draft,
    /// Writes and reads code.
    Code,
    /// Turns text into vectors.
    Embed,
    /// Orders passages by how well they answer.
    Rerank,
    /// Judges whether a source supports a sentence.
    Verify,
    /// Reads pictures.
    Vision,
    /// Turns speech into text.
    Speech,
    /// Makes pictures.
    Image,
}

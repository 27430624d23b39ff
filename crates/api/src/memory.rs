//! Words about what is remembered.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// One remembered sentence.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Memory {
    /// Its id.
    pub id: i64,
    /// The space it applies in; absent: everywhere.
    pub space: Option<i64>,
    /// The sentence.
    pub text: String,
    /// How it was learnt: "You asked".
    pub learnt: String,
    /// Its label.
    pub label: super::Label,
    /// When it was kept.
    pub created_ms: i64,
    /// Answers it was used in.
    pub used: u32,
    /// When it was used last.
    pub last_used_ms: Option<i64>,
    /// Whether it is set aside for now.
    pub paused: bool,
}

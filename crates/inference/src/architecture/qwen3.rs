//! Qwen3: every query and key head is normalized.

use super::{Architecture, Rope};

/// The description.
pub static QWEN3: Architecture = Architecture { name: "qwen3", rope: Rope::Halves, bias: false, head_norm: true };

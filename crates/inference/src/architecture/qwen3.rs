//! Qwen3: every query and key head is normalized. The larger ones have experts.

use super::{Architecture, PLAIN, Rope};

const BOTH: Architecture = Architecture { rope: Rope::Halves, head_norm: true, ..PLAIN };

/// The description.
pub static QWEN3: Architecture = Architecture { name: "qwen3", ..BOTH };

/// The one with experts, which differs in its tensors alone.
pub static QWEN3MOE: Architecture = Architecture { name: "qwen3moe", ..BOTH };

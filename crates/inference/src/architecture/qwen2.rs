//! Qwen2 and Qwen2.5: biases on query, key and value.

use super::{Architecture, Has, PLAIN, Rope};

/// The description.
pub static QWEN2: Architecture = Architecture { name: "qwen2", rope: Rope::Halves, bias: Has::Always, ..PLAIN };

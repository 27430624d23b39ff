//! Llama 2 and 3, SmolLM2, Mistral and others that are stored under their name.

use super::{Architecture, Rope};

/// The description.
pub static LLAMA: Architecture = Architecture { name: "llama", rope: Rope::Pairs, bias: false, head_norm: false };

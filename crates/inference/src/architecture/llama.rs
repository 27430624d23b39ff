//! Llama 2 and 3, SmolLM2, Mistral, Mixtral and others that are stored under their name.

use super::{Architecture, Has, PLAIN};

/// The description.
pub static LLAMA: Architecture = Architecture { name: "llama", bias: Has::Perhaps, other_bias: Has::Perhaps, ..PLAIN };

//! Granite 3: Llama with factors on the embedding, the attention, what sublayers add, and the logits, which files state.

use super::{Architecture, Has, PLAIN};

const BOTH: Architecture = Architecture { bias: Has::Perhaps, other_bias: Has::Perhaps, ..PLAIN };

/// The description.
pub static GRANITE: Architecture = Architecture { name: "granite", ..BOTH };

/// The one with experts, which differs in its tensors alone.
pub static GRANITEMOE: Architecture = Architecture { name: "granitemoe", ..BOTH };

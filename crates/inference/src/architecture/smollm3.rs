//! SmolLM3: every fourth layer knows no positions.

use super::{Architecture, PLAIN};

/// The description.
pub static SMOLLM3: Architecture = Architecture { name: "smollm3", no_rope_every: Some(4), ..PLAIN };

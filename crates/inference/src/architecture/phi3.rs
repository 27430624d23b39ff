//! Phi-3, Phi-3.5 and Phi-4-mini: fused tensors, RoPE over a part of the head with factors for long contexts, a window
//! in all layers of some.

use super::{Architecture, PLAIN, Rope, Windows};

/// The description.
pub static PHI3: Architecture = Architecture { name: "phi3", rope: Rope::Halves, windows: Windows::All, ..PLAIN };

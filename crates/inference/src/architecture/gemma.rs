//! Gemma: a scaled embedding and GELU. Its norms multiply by `1 + w`; GGUF files hold that sum.

use super::{Activation, Architecture, PLAIN, Rope};

/// The description.
pub static GEMMA: Architecture =
    Architecture { name: "gemma", rope: Rope::Halves, activation: Activation::Gelu, root_scale: true, ..PLAIN };

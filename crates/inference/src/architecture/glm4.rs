//! GLM-4 (0414): norms around each sublayer, a fused gate, RoPE over half of the head.

use super::{Architecture, Has, PLAIN};

/// The description.
pub static GLM4: Architecture = Architecture { name: "glm4", bias: Has::Perhaps, post_norm: true, ..PLAIN };

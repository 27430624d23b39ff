//! LFM2 and LFM2.5: short gated convolutions in most layers and attention with normalized heads in the others, which the
//! file tells apart by their key and value heads. The norm before the output bears the embedding's name.

use super::{Architecture, PLAIN, Rope};

/// The description.
pub static LFM2: Architecture = Architecture {
    name: "lfm2",
    rope: Rope::Halves,
    head_norm: true,
    convolutions: true,
    output_norm: "token_embd_norm.weight",
    ..PLAIN
};

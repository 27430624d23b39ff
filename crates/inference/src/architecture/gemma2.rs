//! Gemma 2: norms around each sublayer, a sliding window in every other layer, soft caps (which files state).

use super::{Activation, Architecture, PLAIN, Rope, Windows};

/// The description.
pub static GEMMA2: Architecture = Architecture {
    name: "gemma2",
    rope: Rope::Halves,
    activation: Activation::Gelu,
    root_scale: true,
    post_norm: true,
    windows: Windows::AllBut(2),
    width_scale_at: Some(46), // 27B
    ..PLAIN
};

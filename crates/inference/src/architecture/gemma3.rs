//! Gemma 3: as Gemma 2, with norms of query and key heads in place of soft caps, five layers of six with a window, and
//! a RoPE base of their own in these.

use super::{Activation, Architecture, PLAIN, Rope, Windows};

/// The description.
pub static GEMMA3: Architecture = Architecture {
    name: "gemma3",
    rope: Rope::Halves,
    activation: Activation::Gelu,
    root_scale: true,
    head_norm: true,
    post_norm: true,
    windows: Windows::AllBut(6),
    window_rope_base: Some(10_000.0),
    width_scale_at: Some(62), // 27B
    ..PLAIN
};

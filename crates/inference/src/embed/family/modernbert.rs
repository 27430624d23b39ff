//! ModernBERT: norms before the sublayers, rotary positions with two bases, and two of three layers that look around
//! no further than their window.
//!
//! <https://arxiv.org/abs/2412.13663>.

use super::{Family, Has, Head, Inner, Names, Place, Positions};

/// The description.
pub static MODERNBERT: Family = Family {
    name: "modernbert",
    positions: Positions::Rotary,
    place: Place::Before,
    first_bare: true,
    bias: Has::Perhaps,
    norm_bias: Has::Perhaps,
    names: Names {
        words: "embeddings.tok_embeddings",
        types: None,
        norm: "embeddings.norm",
        layer: "layers",
        qkv: &["attn.Wqkv"],
        o: "attn.Wo",
        attn_norm: "attn_norm",
        inner: Inner::Fused("mlp.Wi"),
        down: "mlp.Wo",
        ffn_norm: "mlp_norm",
        last_norm: Some("final_norm"),
    },
    head: Head { dense: "head.dense", tanh: false, norm: Some("head.norm"), out: "classifier" },
};

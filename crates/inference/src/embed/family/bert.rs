//! BERT, and what is built like it: MiniLM, BGE, GTE and E5 in their English sizes.
//!
//! <https://arxiv.org/abs/1810.04805>.

use super::{Family, Has, Head, Inner, Names, Place, Positions};

/// The tensors of a BERT.
pub(super) const NAMES: Names = Names {
    words: "embeddings.word_embeddings",
    types: Some("embeddings.token_type_embeddings"),
    norm: "embeddings.LayerNorm",
    layer: "encoder.layer",
    qkv: &["attention.self.query", "attention.self.key", "attention.self.value"],
    o: "attention.output.dense",
    attn_norm: "attention.output.LayerNorm",
    inner: Inner::Plain("intermediate.dense"),
    down: "output.dense",
    ffn_norm: "output.LayerNorm",
    last_norm: None,
};

/// The description.
pub static BERT: Family = Family {
    name: "bert",
    positions: Positions::Table { name: "embeddings.position_embeddings", first: 0 },
    place: Place::After,
    first_bare: false,
    bias: Has::Always,
    norm_bias: Has::Always,
    names: NAMES,
    head: Head { dense: "pooler.dense", tanh: true, norm: None, out: "classifier" },
};

//! Nomic BERT: rotary positions, gated layers, norms after the sublayers, and no biases in its matrices.
//!
//! <https://arxiv.org/abs/2402.01613>.

use super::bert::BERT;
use super::{Family, Has, Head, Inner, Names, Positions};

/// The description.
pub static NOMIC_BERT: Family = Family {
    name: "nomic-bert",
    positions: Positions::Rotary,
    bias: Has::Perhaps,
    names: Names {
        words: "embeddings.word_embeddings",
        types: Some("embeddings.token_type_embeddings"),
        norm: "emb_ln",
        layer: "encoder.layers",
        qkv: &["attn.Wqkv"],
        o: "attn.out_proj",
        attn_norm: "norm1",
        inner: Inner::Gated { gate: "mlp.fc12", up: "mlp.fc11" },
        down: "mlp.fc2",
        ffn_norm: "norm2",
        last_norm: None,
    },
    head: Head { dense: "pooler.dense", tanh: true, norm: None, out: "classifier" },
    ..BERT
};

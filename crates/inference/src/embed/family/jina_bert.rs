//! Jina BERT v2: BERT with slopes for positions and gated layers.
//!
//! <https://arxiv.org/abs/2310.19923>; slopes: ALiBi, <https://arxiv.org/abs/2108.12409>.

use super::bert::{BERT, NAMES};
use super::{Family, Has, Head, Inner, Names, Positions};

/// The description.
pub static JINA_BERT: Family = Family {
    name: "jina-bert-v2",
    positions: Positions::Slopes,
    bias: Has::Perhaps,
    names: Names { inner: Inner::Fused("mlp.gated_layers"), down: "mlp.wo", ffn_norm: "mlp.layernorm", ..NAMES },
    head: Head { dense: "pooler.dense", tanh: true, norm: None, out: "classifier" },
    ..BERT
};

//! The encoder families that run, each described by data. A family that the parts below can express is one small file
//! and one line in `named`; how the parts compute is `encoder`. Numbers stand in each model's `config.json` (`shape`);
//! here stands what that file leaves to the program.

mod bert;
mod jina_bert;
mod modernbert;
mod nomic_bert;
mod xlm_roberta;

use crate::architecture::Has;

/// How a token knows its place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Positions {
    /// A learned vector for each place is added to the word; the first place is row `first`.
    Table {
        /// The tensor.
        name: &'static str,
        /// Row of the first token.
        first: usize,
    },
    /// RoPE over halves of each head.
    Rotary,
    /// Products of query and key shrink with the distance, by a slope for each head, equally on both sides.
    Slopes,
}

/// Where the norm of a sublayer stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// Before it; what it adds goes to a stream that is normalized once more at the end.
    Before,
    /// After it, over the sum.
    After,
}

/// The matrices inside a feed-forward layer before the one that leads out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Inner {
    /// One, through the activation.
    Plain(&'static str),
    /// A gate through the activation, times a second one.
    Gated {
        /// The gate.
        gate: &'static str,
        /// The other.
        up: &'static str,
    },
    /// Both in one tensor, the gate's rows first.
    Fused(&'static str),
}

/// The names of tensors, without `.weight` and `.bias`; those of layers without `layer` and the number.
#[derive(Debug)]
pub struct Names {
    pub(super) words: &'static str,
    pub(super) types: Option<&'static str>,
    pub(super) norm: &'static str,
    pub(super) layer: &'static str,
    /// Queries, keys and values: three tensors, or one with the rows of all.
    pub(super) qkv: &'static [&'static str],
    pub(super) o: &'static str,
    pub(super) attn_norm: &'static str,
    pub(super) inner: Inner,
    pub(super) down: &'static str,
    pub(super) ffn_norm: &'static str,
    pub(super) last_norm: Option<&'static str>,
}

/// What makes one score of the states of a pair, for rerankers.
#[derive(Debug)]
pub struct Head {
    /// What the first state (or the mean) goes through: a tensor.
    pub(super) dense: &'static str,
    /// tanh or GELU.
    pub(super) tanh: bool,
    /// The norm after that.
    pub(super) norm: Option<&'static str>,
    /// The last row of weights.
    pub(super) out: &'static str,
}

/// What distinguishes one family from another.
#[derive(Debug)]
pub struct Family {
    /// As shown to people.
    pub name: &'static str,
    /// How a token knows its place.
    pub positions: Positions,
    /// Where norms stand.
    pub place: Place,
    /// Whether the first layer takes its input as it is, where norms stand before.
    pub first_bare: bool,
    /// Biases of matrices.
    pub bias: Has,
    /// Biases of norms.
    pub norm_bias: Has,
    /// What the file calls its tensors.
    pub(super) names: Names,
    /// The head of rerankers.
    pub(super) head: Head,
}

/// Finds a family by `model_type` and, where one name means two, by how it counts positions.
pub fn named(model_type: &str, positions: &str) -> Option<&'static Family> {
    match (model_type, positions) {
        ("bert", "alibi") => Some(&jina_bert::JINA_BERT),
        ("bert", "" | "absolute") => Some(&bert::BERT),
        ("xlm-roberta" | "roberta", "" | "absolute") => Some(&xlm_roberta::XLM_ROBERTA),
        ("nomic_bert", _) => Some(&nomic_bert::NOMIC_BERT),
        ("modernbert", _) => Some(&modernbert::MODERNBERT),
        _ => None,
    }
}

/// The `model_type`s that run.
pub const NAMES: [&str; 5] = ["bert", "xlm-roberta", "roberta", "nomic_bert", "modernbert"];

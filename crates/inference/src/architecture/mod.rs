//! The model families that the decoder runs, each described by data. A family that the parts below can express is one
//! small file and one line in `ALL`; how the parts compute is `forward`. Numbers that GGUF files state are read by
//! `config`; here stands what the files leave to the program.

mod gemma;
mod gemma2;
mod gemma3;
mod glm4;
mod granite;
mod lfm2;
mod llama;
mod phi3;
mod qwen2;
mod qwen3;
mod smollm3;

/// Which elements of a head RoPE turns together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rope {
    /// Neighbours: 0 and 1, 2 and 3. GGUF files of the Llama family are permuted so.
    Pairs,
    /// Element i and i + half.
    Halves,
}

/// What the gate of the feed-forward layer goes through.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Activation {
    /// `x * sigmoid(x)`.
    Silu,
    /// GELU in its tanh form.
    Gelu,
}

/// Whether a tensor belongs to every model of a family.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Has {
    /// A file that has it is not read for it.
    Never,
    /// It is read where it is there.
    Perhaps,
    /// A file without it is damaged.
    Always,
}

/// Which layers look back no further than the sliding window.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Windows {
    /// None.
    No,
    /// All, in models that state a window.
    All,
    /// All but every n-th.
    AllBut(usize),
}

/// What distinguishes one family from another. `PLAIN` is the common case.
#[derive(Debug)]
pub struct Architecture {
    /// The value of `general.architecture`.
    pub name: &'static str,
    /// How positions are turned in.
    pub rope: Rope,
    /// What the gate goes through.
    pub activation: Activation,
    /// Biases on query, key and value.
    pub bias: Has,
    /// Biases on the output of attention and in the feed-forward layer.
    pub other_bias: Has,
    /// Whether query and key heads are normalized before RoPE.
    pub head_norm: bool,
    /// Whether what a sublayer adds is normalized first.
    pub post_norm: bool,
    /// Whether the embedding is multiplied by the square root of its width.
    pub root_scale: bool,
    /// Which layers have a sliding window.
    pub windows: Windows,
    /// RoPE base of the layers with a window, without the scaling of the others; none where it is the same.
    pub window_rope_base: Option<f64>,
    /// Every n-th layer knows no positions (NoPE); none where all do.
    pub no_rope_every: Option<usize>,
    /// The number of layers of the one size whose queries are scaled by `n_embd / n_heads` and not by the head's width.
    pub width_scale_at: Option<usize>,
    /// Whether layers without key and value heads are short convolutions.
    pub convolutions: bool,
    /// The tensor of the norm before the output.
    pub output_norm: &'static str,
}

/// The common case: pairs, SiLU, no biases, one norm before each sublayer.
const PLAIN: Architecture = Architecture {
    name: "",
    rope: Rope::Pairs,
    activation: Activation::Silu,
    bias: Has::Never,
    other_bias: Has::Never,
    head_norm: false,
    post_norm: false,
    root_scale: false,
    windows: Windows::No,
    window_rope_base: None,
    no_rope_every: None,
    width_scale_at: None,
    convolutions: false,
    output_norm: "output_norm.weight",
};

static ALL: &[&Architecture] = &[
    &llama::LLAMA,
    &qwen2::QWEN2,
    &qwen3::QWEN3,
    &qwen3::QWEN3MOE,
    &gemma::GEMMA,
    &gemma2::GEMMA2,
    &gemma3::GEMMA3,
    &phi3::PHI3,
    &smollm3::SMOLLM3,
    &glm4::GLM4,
    &granite::GRANITE,
    &granite::GRANITEMOE,
    &lfm2::LFM2,
];

impl Architecture {
    /// Finds a family by its GGUF name.
    pub fn named(name: &str) -> Option<&'static Self> {
        ALL.iter().copied().find(|a| a.name == name)
    }

    /// Returns the names of all families that run.
    pub fn names() -> Vec<&'static str> {
        ALL.iter().map(|a| a.name).collect()
    }

    /// Whether layer `i` looks back no further than the sliding window.
    pub fn windowed(&self, i: usize) -> bool {
        match self.windows {
            Windows::No => false,
            Windows::All => true,
            Windows::AllBut(n) => !(i + 1).is_multiple_of(n),
        }
    }
}

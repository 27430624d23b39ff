//! The model families that the decoder runs, each described by data. A family that the parts below can express is one
//! small file and one line in `ALL`; how the parts compute is `forward`.

mod llama;
mod qwen2;
mod qwen3;

/// Which elements of a head RoPE turns together.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Rope {
    /// Neighbours: 0 and 1, 2 and 3. GGUF files of the Llama family are permuted so.
    Pairs,
    /// Element i and i + half.
    Halves,
}

/// What distinguishes one family from another.
#[derive(Debug)]
pub struct Architecture {
    /// The value of `general.architecture`.
    pub name: &'static str,
    /// How positions are turned in.
    pub rope: Rope,
    /// Whether query, key and value have biases.
    pub bias: bool,
    /// Whether query and key heads are normalized before RoPE.
    pub head_norm: bool,
}

static ALL: &[&Architecture] = &[&llama::LLAMA, &qwen2::QWEN2, &qwen3::QWEN3];

impl Architecture {
    /// Finds a family by its GGUF name.
    pub fn named(name: &str) -> Option<&'static Self> {
        ALL.iter().copied().find(|a| a.name == name)
    }

    /// Returns the names of all families that run.
    pub fn names() -> Vec<&'static str> {
        ALL.iter().map(|a| a.name).collect()
    }
}

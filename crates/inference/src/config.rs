//! The numbers that describe one decoder, read from GGUF metadata and checked. Not its weights.

use crate::architecture::Architecture;
use crate::error::Error;
use crate::gguf::Header;
use crate::kernel::{MAX_HEAD, QUERY_ROWS};

/// The shape of a decoder.
#[derive(Debug, Clone)]
pub struct Config {
    /// The family.
    pub architecture: &'static Architecture,
    /// Width of the residual stream.
    pub n_embd: usize,
    /// Blocks.
    pub n_layers: usize,
    /// Query heads.
    pub n_heads: usize,
    /// Key and value heads.
    pub n_kv_heads: usize,
    /// Width of a head.
    pub head_dim: usize,
    /// Width of the feed-forward layer.
    pub n_ff: usize,
    /// Positions that the model was trained for.
    pub n_ctx: usize,
    /// Tokens in the vocabulary.
    pub n_vocab: usize,
    /// Base of the RoPE frequencies.
    pub rope_base: f64,
    /// Elements of a head that are turned.
    pub rope_dims: usize,
    /// What positions are divided by (linear scaling).
    pub rope_scale: f64,
    /// Added to the mean square in RMS norms.
    pub eps: f32,
}

impl Config {
    /// Reads the configuration.
    ///
    /// # Errors
    /// `Unsupported` for families and features that do not run here, `Damaged` for missing or impossible numbers.
    pub fn read(h: &Header) -> Result<Self, Error> {
        let name = h.text("general.architecture").ok_or_else(|| Error::Damaged("no architecture is named".into()))?;
        let architecture = Architecture::named(name).ok_or_else(|| {
            Error::Unsupported(format!("architecture {name} (these run: {})", Architecture::names().join(", ")))
        })?;
        let key = |k: &str| format!("{name}.{k}");
        let int = |k: &str, most: u64| match h.int(&key(k)) {
            Some(v) if (1..=most).contains(&v) => Ok(v as usize),
            Some(v) => Err(Error::Damaged(format!("{} is {v}", key(k)))),
            None => Err(Error::Damaged(format!("{} is missing", key(k)))),
        };
        let or =
            |k: &str, most: u64, other: usize| if h.metadata.contains_key(&key(k)) { int(k, most) } else { Ok(other) };
        let n_embd = int("embedding_length", 1 << 16)?;
        let n_heads = int("attention.head_count", 1 << 10)?;
        let head_dim = or("attention.key_length", MAX_HEAD as u64, n_embd / n_heads)?;
        if or("attention.value_length", MAX_HEAD as u64, head_dim)? != head_dim {
            return Err(Error::Unsupported("keys and values of different widths".into()));
        }
        let tokens = h.texts("tokenizer.ggml.tokens").map_or(0, <[String]>::len);
        let c = Self {
            architecture,
            n_embd,
            n_layers: int("block_count", 1 << 10)?,
            n_heads,
            n_kv_heads: or("attention.head_count_kv", 1 << 10, n_heads)?,
            head_dim,
            n_ff: int("feed_forward_length", 1 << 20)?,
            n_ctx: int("context_length", 1 << 26)?,
            n_vocab: h.tensors.get("token_embd.weight").map_or(tokens, |t| t.rows()),
            rope_base: h.float(&key("rope.freq_base")).unwrap_or(10_000.0),
            rope_dims: or("rope.dimension_count", MAX_HEAD as u64, head_dim)?,
            rope_scale: match h.text(&key("rope.scaling.type")) {
                None | Some("none") => 1.0,
                Some("linear") => h.float(&key("rope.scaling.factor")).unwrap_or(1.0),
                Some(other) => return Err(Error::Unsupported(format!("RoPE scaling {other}"))),
            },
            eps: h.float(&key("attention.layer_norm_rms_epsilon")).unwrap_or(1e-5) as f32,
        };
        c.check()
    }

    fn check(self) -> Result<Self, Error> {
        let group = self.n_heads / self.n_kv_heads;
        if !self.n_heads.is_multiple_of(self.n_kv_heads) || group > QUERY_ROWS {
            return Err(Error::Damaged(format!("{} heads over {} kv heads", self.n_heads, self.n_kv_heads)));
        }
        if self.head_dim == 0 || !self.head_dim.is_multiple_of(16) {
            return Err(Error::Unsupported(format!("heads of width {}", self.head_dim)));
        }
        if self.rope_dims > self.head_dim || !self.rope_dims.is_multiple_of(2) {
            return Err(Error::Damaged(format!("RoPE over {} of {}", self.rope_dims, self.head_dim)));
        }
        let sound = |x: f64| x.is_finite() && x > 0.0;
        if !(sound(self.rope_base) && sound(self.rope_scale) && self.eps.is_finite() && self.eps >= 0.0) {
            return Err(Error::Damaged("a RoPE or norm constant is no ordinary number".into()));
        }
        if self.n_vocab == 0 {
            return Err(Error::Damaged("there is no vocabulary".into()));
        }
        Ok(self)
    }

    /// Returns the bytes of KV cache that one token takes (f16).
    pub fn kv_bytes_per_token(&self) -> u64 {
        (self.n_layers * self.n_kv_heads * self.head_dim * 2 * 2) as u64
    }
}

//! The numbers that describe one decoder, read from GGUF metadata and checked. Not its weights.

use crate::architecture::{Architecture, Windows};
use crate::error::Error;
use crate::gguf::Header;
use crate::kernel::{MAX_HEAD, QUERY_ROWS};
use crate::rope::Scaling;

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
    /// Key and value heads of the layers that attend.
    pub n_kv_heads: usize,
    /// Short convolutions, where some layers have one in place of attention.
    pub convolutions: Option<Convolutions>,
    /// Width of a head.
    pub head_dim: usize,
    /// Width of the feed-forward layer.
    pub n_ff: usize,
    /// Experts, where a model has them.
    pub experts: Option<Experts>,
    /// Positions that the model was trained for.
    pub n_ctx: usize,
    /// Tokens in the vocabulary.
    pub n_vocab: usize,
    /// Elements of a head that RoPE turns.
    pub rope_dims: usize,
    /// How RoPE turns them.
    pub rope: Scaling,
    /// How it does so in layers with a window, where that differs.
    pub window_rope: Option<Scaling>,
    /// Positions that a layer with a window looks back on, its own included.
    pub window: Option<usize>,
    /// Added to the mean square in RMS norms.
    pub eps: f32,
    /// The fixed numbers that values are multiplied with or held under.
    pub factors: Factors,
}

/// The short convolutions of a decoder.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Convolutions {
    /// Tokens that one goes over, its own included.
    pub length: usize,
    /// Which layers have one.
    pub layers: Vec<bool>,
}

/// The experts of a feed-forward layer.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Experts {
    /// How many there are.
    pub count: usize,
    /// How many work on each token.
    pub used: usize,
    /// Width of each.
    pub n_ff: usize,
    /// Width of the one that works on all tokens; 0 for none.
    pub n_ff_shared: usize,
}

/// Fixed numbers that values are multiplied with or held under.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Factors {
    /// Multiplies the embedding.
    pub embedding: f32,
    /// Multiplies products of query and key.
    pub attention: f32,
    /// Multiplies what a sublayer adds.
    pub residual: f32,
    /// Multiplies the logits.
    pub logits: f32,
    /// The soft cap of products of query and key; 0 for none.
    pub attention_cap: f32,
    /// The soft cap of the logits; 0 for none.
    pub logits_cap: f32,
}

/// The metadata of one family.
struct Keys<'a> {
    header: &'a Header,
    name: &'a str,
}

impl Keys<'_> {
    fn key(&self, k: &str) -> String {
        format!("{}.{k}", self.name)
    }

    fn has(&self, k: &str) -> bool {
        self.header.metadata.contains_key(&self.key(k))
    }

    fn int(&self, k: &str, most: u64) -> Result<usize, Error> {
        match self.header.int(&self.key(k)) {
            Some(v) if (1..=most).contains(&v) => Ok(v as usize),
            Some(v) => Err(Error::Damaged(format!("{} is {v}", self.key(k)))),
            None => Err(Error::Damaged(format!("{} is missing", self.key(k)))),
        }
    }

    fn int_or(&self, k: &str, most: u64, other: usize) -> Result<usize, Error> {
        if self.has(k) { self.int(k, most) } else { Ok(other) }
    }

    /// A number above zero; where it is missing or zero, which files write for "none", the other.
    fn float_or(&self, k: &str, other: f64) -> Result<f64, Error> {
        match self.header.float(&self.key(k)) {
            None | Some(0.0) => Ok(other),
            Some(v) if v.is_finite() && v > 0.0 && v < 1e12 => Ok(v),
            Some(v) => Err(Error::Damaged(format!("{} is {v}", self.key(k)))),
        }
    }
}

impl Config {
    /// Reads the configuration.
    ///
    /// # Errors
    /// `Unsupported` for families and features that do not run here, `Damaged` for missing or impossible numbers.
    pub fn read(h: &Header) -> Result<Self, Error> {
        let name = h.text("general.architecture").ok_or_else(|| Error::Damaged("no architecture is named".into()))?;
        let a = Architecture::named(name).ok_or_else(|| {
            Error::Unsupported(format!("architecture {name} (these run: {})", Architecture::names().join(", ")))
        })?;
        let k = Keys { header: h, name };
        let n_embd = k.int("embedding_length", 1 << 16)?;
        let n_heads = k.int("attention.head_count", 1 << 10)?;
        let n_layers = k.int("block_count", 1 << 10)?;
        let head_dim = k.int_or("attention.key_length", MAX_HEAD as u64, n_embd / n_heads)?;
        if k.int_or("attention.value_length", MAX_HEAD as u64, head_dim)? != head_dim {
            return Err(Error::Unsupported("keys and values of different widths".into()));
        }
        let tokens = h.texts("tokenizer.ggml.tokens").map_or(0, <[String]>::len);
        let n_ff = k.int_or("feed_forward_length", 1 << 20, 0)?;
        let n_ctx = k.int("context_length", 1 << 26)?;
        let (n_kv_heads, convolutions) = kv_heads(&k, a, n_layers, n_heads)?;
        let window_rope = match a.window_rope_base {
            Some(base) => Some(Scaling::plain(k.float_or("rope.freq_base_swa", base)?)),
            None => None,
        };
        Self {
            architecture: a,
            n_embd,
            n_layers,
            n_heads,
            n_kv_heads,
            convolutions,
            head_dim,
            n_ff,
            experts: experts(&k, n_ff)?,
            n_ctx,
            n_vocab: h.tensors.get("token_embd.weight").map_or(tokens, |t| t.rows()),
            rope_dims: k.int_or("rope.dimension_count", MAX_HEAD as u64, head_dim)?,
            rope: scaling(&k, n_ctx)?,
            window_rope,
            window: window(&k, a)?,
            eps: h.float(&k.key("attention.layer_norm_rms_epsilon")).unwrap_or(1e-5) as f32,
            factors: factors(&k, a, n_embd, n_layers, n_heads, head_dim)?,
        }
        .check()
    }

    fn check(self) -> Result<Self, Error> {
        let group = self.n_heads / self.n_kv_heads;
        if !self.n_heads.is_multiple_of(self.n_kv_heads) || group > QUERY_ROWS {
            return Err(Error::Damaged(format!("{} heads over {} kv heads", self.n_heads, self.n_kv_heads)));
        }
        if self.convolutions.is_some() && self.n_heads * self.head_dim != self.n_embd {
            return Err(Error::Unsupported("convolutions beside heads of another width".into()));
        }
        if self.head_dim == 0 || !self.head_dim.is_multiple_of(16) {
            return Err(Error::Unsupported(format!("heads of width {}", self.head_dim)));
        }
        if self.rope_dims > self.head_dim || !self.rope_dims.is_multiple_of(2) {
            return Err(Error::Damaged(format!("RoPE over {} of {}", self.rope_dims, self.head_dim)));
        }
        if !(self.eps.is_finite() && self.eps >= 0.0) {
            return Err(Error::Damaged("the norm constant is no ordinary number".into()));
        }
        if self.n_vocab == 0 {
            return Err(Error::Damaged("there is no vocabulary".into()));
        }
        if self.n_ff == 0 && self.experts.is_none() {
            return Err(Error::Damaged("the feed-forward layer has no width".into()));
        }
        Ok(self)
    }

    /// Returns how far layer `i` looks back, its own position included, where that is limited.
    pub fn window_of(&self, i: usize) -> Option<usize> {
        self.window.filter(|_| self.architecture.windowed(i))
    }

    /// Returns the RoPE of layer `i`: 0 for `rope`, 1 for `window_rope`, nothing for a layer without positions.
    pub fn rope_of(&self, i: usize) -> Option<usize> {
        if self.architecture.no_rope_every.is_some_and(|n| (i + 1).is_multiple_of(n)) {
            return None;
        }
        Some(usize::from(self.window_rope.is_some() && self.architecture.windowed(i)))
    }

    /// Whether layer `i` is a short convolution.
    pub fn convolves(&self, i: usize) -> bool {
        self.convolutions.as_ref().is_some_and(|c| c.layers.get(i).is_some_and(|c| *c))
    }

    /// Returns the numbers of two bytes that layer `i` keeps of one token: keys and values, or what a convolution goes
    /// over, with its scale.
    pub fn kept_of(&self, i: usize) -> usize {
        if self.convolves(i) { self.n_embd + 2 } else { self.n_kv_heads * self.head_dim * 2 }
    }

    /// Returns the bytes of KV cache that one token takes (f16).
    pub fn kv_bytes_per_token(&self) -> u64 {
        (0..self.n_layers).map(|i| self.kept_of(i) as u64 * 2).sum()
    }
}

/// Reads the key and value heads, one number for all layers or one for each: none stands for a convolution.
fn kv_heads(
    k: &Keys<'_>,
    a: &Architecture,
    n_layers: usize,
    n_heads: usize,
) -> Result<(usize, Option<Convolutions>), Error> {
    let Some(each) = k.header.ints(&k.key("attention.head_count_kv")) else {
        return Ok((k.int_or("attention.head_count_kv", 1 << 10, n_heads)?, None));
    };
    let most = each.iter().copied().max().unwrap_or(0);
    if each.len() != n_layers || !(1..=1 << 10).contains(&most) || each.iter().any(|n| ![0, most].contains(n)) {
        return Err(Error::Damaged(format!("{} is {each:?}", k.key("attention.head_count_kv"))));
    }
    let layers: Vec<bool> = each.iter().map(|n| *n == 0).collect();
    if !layers.contains(&true) {
        return Ok((most as usize, None));
    }
    if !a.convolutions {
        return Err(Error::Unsupported("layers without key and value heads".into()));
    }
    Ok((most as usize, Some(Convolutions { length: k.int("shortconv.l_cache", 64)?, layers })))
}

fn experts(k: &Keys<'_>, n_ff: usize) -> Result<Option<Experts>, Error> {
    if k.header.int(&k.key("expert_count")).unwrap_or(0) == 0 {
        return Ok(None);
    }
    let count = k.int("expert_count", 1 << 10)?;
    let used = k.int("expert_used_count", count as u64)?;
    let shared = k.header.int(&k.key("expert_shared_feed_forward_length")).unwrap_or(0);
    if shared > 1 << 20 {
        return Err(Error::Damaged(format!("an expert of width {shared}")));
    }
    let n_ff = k.int_or("expert_feed_forward_length", 1 << 20, n_ff)?;
    if n_ff == 0 {
        return Err(Error::Damaged("the experts have no width".into()));
    }
    Ok(Some(Experts { count, used, n_ff, n_ff_shared: shared as usize }))
}

fn window(k: &Keys<'_>, a: &Architecture) -> Result<Option<usize>, Error> {
    let stated = k.header.int(&k.key("attention.sliding_window")).unwrap_or(0);
    match a.windows {
        Windows::No => Ok(None),
        Windows::All if stated == 0 => Ok(None),
        _ => k.int("attention.sliding_window", 1 << 26).map(Some),
    }
}

fn factors(
    k: &Keys<'_>,
    a: &Architecture,
    n_embd: usize,
    n_layers: usize,
    n_heads: usize,
    head_dim: usize,
) -> Result<Factors, Error> {
    let width = if a.width_scale_at == Some(n_layers) { n_embd as f64 / n_heads as f64 } else { head_dim as f64 };
    let embedding = if a.root_scale { (n_embd as f64).sqrt() } else { 1.0 };
    Ok(Factors {
        embedding: k.float_or("embedding_scale", embedding)? as f32,
        attention: k.float_or("attention.scale", 1.0 / width.sqrt())? as f32,
        residual: k.float_or("residual_scale", 1.0)? as f32,
        logits: (1.0 / k.float_or("logit_scale", 1.0)?) as f32,
        attention_cap: k.float_or("attn_logit_softcapping", 0.0)? as f32,
        logits_cap: k.float_or("final_logit_softcapping", 0.0)? as f32,
    })
}

fn scaling(k: &Keys<'_>, n_ctx: usize) -> Result<Scaling, Error> {
    let mut s = Scaling::plain(k.float_or("rope.freq_base", 10_000.0)?);
    let size = k.float_or("rope.scaling.attn_factor", 1.0)?;
    match k.header.text(&k.key("rope.scaling.type")) {
        None | Some("none") => s.size = size,
        // The factors of each frequency stand in tensors.
        Some("longrope" | "su") => s.size = size,
        Some("linear") => s.divisor = k.float_or("rope.scaling.factor", 1.0)?,
        Some("yarn") => {
            s.divisor = k.float_or("rope.scaling.factor", 1.0)?;
            s.size = size * (1.0 + 0.1 * s.divisor.max(1.0).ln());
            s.kept_turns = Some([
                k.float_or("rope.scaling.yarn_beta_fast", 32.0)?,
                k.float_or("rope.scaling.yarn_beta_slow", 1.0)?,
            ]);
        }
        Some(other) => return Err(Error::Unsupported(format!("RoPE scaling {other}"))),
    }
    s.trained = k.int_or("rope.scaling.original_context_length", 1 << 26, n_ctx)?;
    Ok(s)
}

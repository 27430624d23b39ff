//! One pass of the decoder in candle tensors: the same mathematics as `forward`, on any device that candle has. Numbers
//! are f32 throughout; the cache holds f16 as it does off the device.

use super::state::State;
use super::weights::{Joint, Layer};
use crate::architecture::{Activation, Rope};
use crate::config::Config;
use crate::rope::Angles;
use candle_core::{Device, Result, Tensor};
use candle_nn::ops::{rms_norm, silu, softmax_last_dim};
use candle_nn::rotary_emb::{rope, rope_i};

/// Cosines and sines `[m][rope_dims / 2]`.
pub struct Turns {
    cos: Tensor,
    sin: Tensor,
}

impl Turns {
    /// Makes those of positions `first` to `first + m`.
    ///
    /// # Errors
    /// What the device says.
    pub fn new(angles: &Angles, first: usize, m: usize, device: &Device) -> Result<Self> {
        let half = angles.frequencies.len();
        let mut both = vec![0.0; half * 2];
        let (mut cos, mut sin): (Vec<f32>, Vec<f32>) = (Vec::with_capacity(m * half), Vec::with_capacity(m * half));
        for position in first..first + m {
            angles.write(position, &mut both);
            cos.extend(both.iter().step_by(2));
            sin.extend(both.iter().skip(1).step_by(2));
        }
        Ok(Self { cos: Tensor::from_vec(cos, (m, half), device)?, sin: Tensor::from_vec(sin, (m, half), device)? })
    }
}

/// Some queries that are attended with together, and what they see.
pub struct Piece {
    /// The first query, counted from the first of the pass.
    at: usize,
    /// How many.
    n: usize,
    /// The first key that any of them sees.
    from: usize,
    /// What is added to their scores `[n][keys]`; nothing for a single query, which sees all keys from the first on.
    mask: Option<Tensor>,
}

/// Cuts `m` queries, whose first has the position `first`, into pieces that have `scores` products with keys at most,
/// but one query each at least. A query sees itself and as many positions before it as make up the `window`.
///
/// # Errors
/// What the device says.
pub fn pieces(
    c: &Config,
    first: usize,
    m: usize,
    window: Option<usize>,
    scores: usize,
    device: &Device,
) -> Result<Vec<Piece>> {
    let most = (scores / (c.n_heads * (first + m)).max(1)).clamp(1, m.max(1));
    let begin = |position: usize| window.map_or(0, |w| (position + 1).saturating_sub(w));
    let piece = |at: usize| {
        let n = most.min(m - at);
        let (position, end) = (first + at, first + at + n);
        let from = begin(position);
        let row = |i: usize| {
            let seen = begin(position + i)..=position + i;
            (from..end).map(move |j| if seen.contains(&j) { 0.0 } else { f32::NEG_INFINITY })
        };
        let mask = match n {
            1 => None,
            _ => Some(Tensor::from_vec((0..n).flat_map(row).collect(), (n, end - from), device)?),
        };
        Ok(Piece { at, n, from, mask })
    };
    (0..m).step_by(most).map(piece).collect()
}

/// What one pass shares between its layers.
pub struct Pass<'a> {
    /// The shape of the model.
    pub config: &'a Config,
    /// How positions are turned in, for each kind of RoPE.
    pub turns: Vec<Turns>,
    /// The queries in pieces, without a window and with it.
    pub pieces: [Vec<Piece>; 2],
}

impl Pass<'_> {
    /// Runs layer `l` of the model, the `i`-th of those on the device, over `x` `[m][n_embd]`.
    ///
    /// # Errors
    /// What the device says.
    pub fn layer(&self, l: usize, i: usize, layer: &Layer, state: &State, x: &Tensor) -> Result<Tensor> {
        let c = self.config;
        let norms = layer.post_norm.as_ref().map(|[a, b]| (a, b)).unzip();
        let heads = self.attention(l, i, layer, state, &rms_norm(x, &layer.attn_norm, c.eps)?)?;
        let x = self.add(x, layer.o.product(&heads)?, norms.0)?;
        let [gate, up] = parts(&layer.gate_up, &rms_norm(&x, &layer.ffn_norm, c.eps)?)?;
        let gate = match c.architecture.activation {
            Activation::Silu => silu(&gate)?,
            Activation::Gelu => gate.gelu()?,
        };
        self.add(&x, layer.down.product(&(gate * up)?)?, norms.1)
    }

    /// `x + factor * norm(delta)`, the norm where there is one.
    fn add(&self, x: &Tensor, delta: Tensor, norm: Option<&Tensor>) -> Result<Tensor> {
        let delta = match norm {
            Some(w) => rms_norm(&delta, w, self.config.eps)?,
            None => delta,
        };
        match self.config.factors.residual {
            1.0 => x + delta,
            factor => x + delta.affine(f64::from(factor), 0.0)?,
        }
    }

    fn attention(&self, l: usize, i: usize, layer: &Layer, state: &State, x: &Tensor) -> Result<Tensor> {
        let c = self.config;
        let (m, d, group) = (x.dim(0)?, c.head_dim, c.n_heads / c.n_kv_heads);
        let [q, k, v] = parts(&layer.qkv, x)?;
        let norms = layer.head_norm.as_ref().map(|[q, k]| (q, k)).unzip();
        let turns = c.rope_of(l).and_then(|kind| self.turns.get(kind));
        let q = self.heads(&q, c.n_heads, norms.0, turns)?.affine(f64::from(c.factors.attention), 0.0)?;
        let k = self.heads(&k, c.n_kv_heads, norms.1, turns)?;
        let (keys, values) = state.extend(i, &k, &self.heads(&v, c.n_kv_heads, None, None)?)?;
        let first = keys.dim(1)? - m;
        let pieces = &self.pieces[usize::from(c.window_of(l).is_some())];
        let mut out = Vec::with_capacity(pieces.len());
        for p in pieces {
            let seen = first + p.at + p.n - p.from;
            // Query heads that share a kv head lie one below the other.
            let q = q.narrow(1, p.at, p.n)?.contiguous()?.reshape((c.n_kv_heads, group * p.n, d))?;
            let mut scores = q.matmul(&keys.narrow(1, p.from, seen)?.t()?)?;
            if c.factors.attention_cap > 0.0 {
                let cap = f64::from(c.factors.attention_cap);
                scores = scores.affine(1.0 / cap, 0.0)?.tanh()?.affine(cap, 0.0)?;
            }
            if let Some(mask) = &p.mask {
                let shape = scores.shape().clone();
                scores = scores.reshape((c.n_heads, p.n, seen))?.broadcast_add(mask)?.reshape(shape)?;
            }
            let heads = softmax_last_dim(&scores)?.matmul(&values.narrow(1, p.from, seen)?)?;
            out.push(heads.reshape((c.n_heads, p.n, d))?);
        }
        let out = if out.len() == 1 { out.remove(0) } else { Tensor::cat(&out, 1)? };
        out.transpose(0, 1)?.contiguous()?.reshape((m, c.n_heads * d))
    }

    /// Takes `[m][n * head_dim]` apart into heads, normalizes them and turns positions in: `[n][m][head_dim]`.
    fn heads(&self, x: &Tensor, n: usize, norm: Option<&Tensor>, turns: Option<&Turns>) -> Result<Tensor> {
        let c = self.config;
        let (d, dims) = (c.head_dim, c.rope_dims);
        let x = x.reshape((x.dim(0)?, n, d))?;
        let x = match norm {
            Some(w) => rms_norm(&x.contiguous()?, w, c.eps)?,
            None => x,
        };
        let x = x.transpose(0, 1)?.contiguous()?;
        let Some(turns) = turns else { return Ok(x) };
        let turn = |x: &Tensor| match c.architecture.rope {
            Rope::Pairs => rope_i(x, &turns.cos, &turns.sin),
            Rope::Halves => rope(x, &turns.cos, &turns.sin),
        };
        let x = x.unsqueeze(0)?;
        let x = if dims == d {
            turn(&x)?
        } else {
            let turned = turn(&x.narrow(3, 0, dims)?.contiguous()?)?;
            Tensor::cat(&[turned, x.narrow(3, dims, d - dims)?], 3)?
        };
        x.squeeze(0)
    }
}

fn parts<const N: usize>(joint: &Joint, x: &Tensor) -> Result<[Tensor; N]> {
    let parts = <[Tensor; N]>::try_from(joint.forward(x)?);
    parts.map_err(|_| candle_core::Error::Msg("a layer has another number of matrices".into()))
}

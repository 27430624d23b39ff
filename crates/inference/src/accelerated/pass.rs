//! One pass of the decoder in candle tensors: the same mathematics as `forward`, on any device that candle has. Numbers
//! are f32 throughout; the cache holds f16 as it does off the device.

use super::state::State;
use super::weights::{Joint, Layer};
use crate::architecture::Rope;
use crate::config::Config;
use candle_core::{Device, Result, Tensor};
use candle_nn::ops::{rms_norm, silu, softmax_last_dim};
use candle_nn::rotary_emb::{rope, rope_i};

/// Cosines and sines `[m][rope_dims / 2]`.
pub struct Turns {
    cos: Tensor,
    sin: Tensor,
}

impl Turns {
    /// Makes those of positions `first` to `first + m`; angles in f64, so that late positions are as exact as early
    /// ones. `factors` are the divisors of the frequencies (Llama 3).
    ///
    /// # Errors
    /// What the device says.
    pub fn new(c: &Config, factors: Option<&[f32]>, first: usize, m: usize, device: &Device) -> Result<Self> {
        let half = c.rope_dims / 2;
        let frequencies: Vec<f64> = (0..half)
            .map(|i| {
                let divisor = factors.and_then(|f| f.get(i)).map_or(1.0, |f| f64::from(*f));
                c.rope_base.powf(-2.0 * i as f64 / c.rope_dims as f64) / divisor / c.rope_scale
            })
            .collect();
        let angles = (first..first + m).flat_map(|p| frequencies.iter().map(move |f| p as f64 * f));
        let (sin, cos): (Vec<f32>, Vec<f32>) = angles.map(|a| (a.sin() as f32, a.cos() as f32)).unzip();
        Ok(Self { cos: Tensor::from_vec(cos, (m, half), device)?, sin: Tensor::from_vec(sin, (m, half), device)? })
    }
}

/// Some queries that are attended with together, and what they must not see.
pub struct Piece {
    /// The first query, counted from the first of the pass.
    at: usize,
    /// How many.
    n: usize,
    /// What is added to their scores `[n][keys]`; nothing for a single query, which sees all.
    mask: Option<Tensor>,
}

/// Cuts `m` queries, whose first has the position `first`, into pieces that have `scores` products with keys at most,
/// but one query each at least.
///
/// # Errors
/// What the device says.
pub fn pieces(c: &Config, first: usize, m: usize, scores: usize, device: &Device) -> Result<Vec<Piece>> {
    let most = (scores / (c.n_heads * (first + m)).max(1)).clamp(1, m.max(1));
    let piece = |at: usize| {
        let n = most.min(m - at);
        let (shown, keys) = (first + at, first + at + n);
        let row = |i: usize| (0..keys).map(move |j| if j > shown + i { f32::NEG_INFINITY } else { 0.0 });
        let mask = match n {
            1 => None,
            _ => Some(Tensor::from_vec((0..n).flat_map(row).collect(), (n, keys), device)?),
        };
        Ok(Piece { at, n, mask })
    };
    (0..m).step_by(most).map(piece).collect()
}

/// What one pass shares between its layers.
pub struct Pass<'a> {
    /// The shape of the model.
    pub config: &'a Config,
    /// How positions are turned in.
    pub turns: Turns,
    /// The queries in pieces.
    pub pieces: Vec<Piece>,
}

impl Pass<'_> {
    /// Runs one layer, the `i`-th of those on the device, over `x` `[m][n_embd]`.
    ///
    /// # Errors
    /// What the device says.
    pub fn layer(&self, i: usize, layer: &Layer, state: &State, x: &Tensor) -> Result<Tensor> {
        let eps = self.config.eps;
        let heads = self.attention(i, layer, state, &rms_norm(x, &layer.attn_norm, eps)?)?;
        let x = (x + layer.o.product(&heads)?)?;
        let wide = two(&layer.gate_up, &rms_norm(&x, &layer.ffn_norm, eps)?)?;
        let wide = (silu(&wide[0])? * &wide[1])?;
        x + layer.down.product(&wide)?
    }

    fn attention(&self, i: usize, layer: &Layer, state: &State, x: &Tensor) -> Result<Tensor> {
        let c = self.config;
        let (m, d) = (x.dim(0)?, c.head_dim);
        let [q, k, v] = <[Tensor; 3]>::try_from(layer.qkv.forward(x)?).map_err(|_| odd())?;
        let [q, k, v] = match &layer.bias {
            Some([bq, bk, bv]) => [q.broadcast_add(bq)?, k.broadcast_add(bk)?, v.broadcast_add(bv)?],
            None => [q, k, v],
        };
        let norms = layer.head_norm.as_ref().map(|[q, k]| (q, k)).unzip();
        let q = self.turned(&q, c.n_heads, norms.0)?.affine(1.0 / (d as f64).sqrt(), 0.0)?;
        let k = self.turned(&k, c.n_kv_heads, norms.1)?;
        let v = v.reshape((m, c.n_kv_heads, d))?.transpose(0, 1)?;
        let (keys, values) = state.extend(i, &k, &v)?;
        let seen = keys.dim(1)? - m;
        let group = c.n_heads / c.n_kv_heads;
        let mut out = Vec::with_capacity(self.pieces.len());
        for p in &self.pieces {
            let end = seen + p.at + p.n;
            // Query heads that share a kv head lie one below the other.
            let q = q.narrow(1, p.at, p.n)?.contiguous()?.reshape((c.n_kv_heads, group * p.n, d))?;
            let scores = q.matmul(&keys.narrow(1, 0, end)?.t()?)?;
            let scores = match &p.mask {
                Some(mask) => scores.reshape((c.n_heads, p.n, end))?.broadcast_add(mask)?.reshape(scores.shape())?,
                None => scores,
            };
            let heads = softmax_last_dim(&scores)?.matmul(&values.narrow(1, 0, end)?)?;
            out.push(heads.reshape((c.n_heads, p.n, d))?);
        }
        let out = if out.len() == 1 { out.remove(0) } else { Tensor::cat(&out, 1)? };
        out.transpose(0, 1)?.contiguous()?.reshape((m, c.n_heads * d))
    }

    /// Takes `[m][n * head_dim]` apart into heads, normalizes them and turns positions in: `[n][m][head_dim]`.
    fn turned(&self, x: &Tensor, n: usize, norm: Option<&Tensor>) -> Result<Tensor> {
        let c = self.config;
        let (d, dims) = (c.head_dim, c.rope_dims);
        let x = x.reshape((x.dim(0)?, n, d))?;
        let x = match norm {
            Some(w) => rms_norm(&x.contiguous()?, w, c.eps)?,
            None => x,
        };
        let x = x.transpose(0, 1)?.contiguous()?.unsqueeze(0)?;
        let turn = |x: &Tensor| match c.architecture.rope {
            Rope::Pairs => rope_i(x, &self.turns.cos, &self.turns.sin),
            Rope::Halves => rope(x, &self.turns.cos, &self.turns.sin),
        };
        let x = if dims == d {
            turn(&x)?
        } else {
            let turned = turn(&x.narrow(3, 0, dims)?.contiguous()?)?;
            Tensor::cat(&[turned, x.narrow(3, dims, d - dims)?], 3)?
        };
        x.squeeze(0)
    }
}

fn two(joint: &Joint, x: &Tensor) -> Result<[Tensor; 2]> {
    <[Tensor; 2]>::try_from(joint.forward(x)?).map_err(|_| odd())
}

fn odd() -> candle_core::Error {
    candle_core::Error::Msg("a layer has another number of matrices".into())
}

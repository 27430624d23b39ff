//! One pass of a decoder over some tokens: the transformer itself. Weights come in shared, the cache of the
//! conversation is extended, all other memory is reused. It knows no text and no sampling.
//!
//! Llama: <https://arxiv.org/abs/2302.13971>; RoPE: <https://arxiv.org/abs/2104.09864>; RMS norm:
//! <https://arxiv.org/abs/1910.07467>; grouped heads: <https://arxiv.org/abs/2305.13245>.

use crate::architecture::Rope;
use crate::config::Config;
use crate::error::Error;
use crate::kernel::{Acts, Attend, Kernels, Pool};
use crate::kv::RunState;
use crate::weights::{Layer, Weights};

/// Tokens that are computed together.
pub const CHUNK: usize = 128;
/// Models up to this width keep what rounding the activations leaves over, before queries, keys, values, gates and the
/// output. Measured on SmolLM2-135M: logits differ from exact ones by 0.1 instead of 0.5, for two thirds more work;
/// wider models feel the rounding less.
const FINE_UP_TO: usize = 1024;
/// Fewer rows than this are not worth waking other threads for.
const FEW: usize = 8;

/// The memory that one pass works in, reused from pass to pass.
pub struct Scratch {
    x: Vec<f32>,      // [m][n_embd], the residual stream
    delta: Vec<f32>,  // [m][n_embd], what a sublayer adds
    narrow: Acts,     // [m][n_embd]
    heads: Acts,      // [m][n_heads * head_dim], output of attention
    wide: Acts,       // [m][n_ff]
    up: Vec<f32>,     // [m][n_ff]
    q: Vec<f32>,      // [m][n_heads * head_dim]
    k: Vec<f32>,      // [m][n_kv_heads * head_dim]
    v: Vec<f32>,      // [m][n_kv_heads * head_dim]
    turns: Vec<f32>,  // [m][rope_dims / 2][2], cosine and sine
    last: Acts,       // [1][n_embd]
    logits: Vec<f32>, // [n_vocab]
}

impl Scratch {
    /// Makes the memory for chunks of up to `CHUNK` tokens.
    pub fn new(c: &Config) -> Self {
        let (m, q, kv) = (CHUNK, c.n_heads * c.head_dim, c.n_kv_heads * c.head_dim);
        Self {
            x: vec![0.0; m * c.n_embd],
            delta: vec![0.0; m * c.n_embd],
            narrow: Acts::new(m, c.n_embd, c.n_embd <= FINE_UP_TO),
            heads: Acts::new(m, q, false),
            wide: Acts::new(m, c.n_ff, false),
            up: vec![0.0; m * c.n_ff],
            q: vec![0.0; m * q],
            k: vec![0.0; m * kv],
            v: vec![0.0; m * kv],
            turns: vec![0.0; m * c.rope_dims],
            last: Acts::new(1, c.n_embd, c.n_embd <= FINE_UP_TO),
            logits: vec![0.0; c.n_vocab],
        }
    }

    /// Returns the logits of the last pass that asked for them `[n_vocab]`.
    pub fn logits(&self) -> &[f32] {
        &self.logits
    }

    /// Returns the residual stream behind the last layer after a pass over `m` tokens, at most `CHUNK` `[m][n_embd]`.
    pub fn stream(&self, m: usize) -> &[f32] {
        &self.x[..(m * self.x.len() / CHUNK).min(self.x.len())]
    }
}

/// What computes: kernels and threads.
pub struct Compute {
    /// The kernel set.
    pub kernels: &'static Kernels,
    /// The threads.
    pub pool: Pool,
}

impl Compute {
    /// Chooses the best kernels and starts threads.
    pub fn new(threads: usize) -> Self {
        Self { kernels: Kernels::detect(), pool: Pool::new(threads) }
    }

    /// Calls `body` with each of the first `m` rows of `data`, on several threads where that pays.
    pub fn rows(&self, m: usize, width: usize, data: &mut [f32], body: &(dyn Fn(usize, &mut [f32]) + Sync)) {
        let data = &mut data[..m * width];
        if m < FEW {
            data.chunks_exact_mut(width).enumerate().for_each(|(i, r)| body(i, r));
        } else {
            self.pool.chunks(data, width, body);
        }
    }
}

/// `x / rms(x) * w`.
fn rms_norm(x: &[f32], w: &[f32], eps: f32, out: &mut [f32]) {
    let mut parts = [0f32; 8];
    let (whole, rest) = x.as_chunks::<8>();
    for c in whole {
        for (p, x) in parts.iter_mut().zip(c) {
            *p += x * x;
        }
    }
    let sum = parts.iter().sum::<f32>() + rest.iter().map(|x| x * x).sum::<f32>();
    let inverse = 1.0 / (sum / x.len() as f32 + eps).sqrt();
    for ((o, x), w) in out.iter_mut().zip(x).zip(w) {
        *o = x * inverse * w;
    }
}

/// Normalizes a head in place.
fn head_norm(head: &mut [f32], w: &[f32], eps: f32) {
    let inverse = 1.0 / (head.iter().map(|x| x * x).sum::<f32>() / head.len() as f32 + eps).sqrt();
    for (x, w) in head.iter_mut().zip(w) {
        *x *= inverse * w;
    }
}

fn turn(head: &mut [f32], turns: &[f32], rope: Rope) {
    let half = turns.len() / 2;
    match rope {
        Rope::Pairs => {
            for (x, t) in head.as_chunks_mut::<2>().0.iter_mut().zip(turns.as_chunks::<2>().0) {
                *x = [x[0] * t[0] - x[1] * t[1], x[0] * t[1] + x[1] * t[0]];
            }
        }
        Rope::Halves => {
            let Some((a, b)) = head.split_at_mut_checked(half) else { return };
            for ((a, b), t) in a.iter_mut().zip(b).zip(turns.as_chunks::<2>().0) {
                (*a, *b) = (*a * t[0] - *b * t[1], *a * t[1] + *b * t[0]);
            }
        }
    }
}

/// Runs the decoder over `tokens`, which follow what is in `state`, and extends `state` by them. With `want_logits`,
/// `s.logits()` is what follows the last of them. `stop` is asked between layers.
///
/// # Errors
/// `Cancelled` when `stop` says so; `state` then has the length it had before the current chunk.
pub fn forward(
    w: &Weights,
    state: &mut RunState,
    s: &mut Scratch,
    compute: &Compute,
    tokens: &[u32],
    want_logits: bool,
    stop: &dyn Fn() -> bool,
) -> Result<(), Error> {
    let chunks = tokens.len().div_ceil(CHUNK);
    for (i, chunk) in tokens.chunks(CHUNK).enumerate() {
        pass(w, state, s, compute, chunk, want_logits && i + 1 == chunks, stop)?;
    }
    Ok(())
}

fn pass(
    w: &Weights,
    state: &mut RunState,
    s: &mut Scratch,
    compute: &Compute,
    tokens: &[u32],
    want_logits: bool,
    stop: &dyn Fn() -> bool,
) -> Result<(), Error> {
    let c = &w.config;
    let (m, first, e) = (tokens.len(), state.len(), c.n_embd);
    let Compute { kernels, pool } = compute;
    state.reserve(first + m);
    let embed = |i: usize, x: &mut [f32]| {
        if let Some(t) = tokens.get(i) {
            w.embed(*t, x);
        }
    };
    compute.rows(m, e, &mut s.x, &embed);
    for (i, row) in s.turns.chunks_exact_mut(c.rope_dims).enumerate().take(m) {
        turns(w, first + i, row);
    }
    for (l, layer) in w.layers.iter().enumerate() {
        if stop() {
            return Err(Error::Cancelled);
        }
        let x = &s.x;
        compute.rows(m, e, &mut s.narrow.x, &|i, o| rms_norm(&x[i * e..][..e], &layer.attn_norm, c.eps, o));
        s.narrow.quantize(m, kernels, pool);
        attention(w, l, layer, state, s, compute, m, first);
        s.heads.quantize(m, kernels, pool);
        kernels.products(&s.heads, m, &mut [(&layer.o, &mut s.delta)], pool);
        add(&mut s.x, &s.delta, m * e);

        let x = &s.x;
        compute.rows(m, e, &mut s.narrow.x, &|i, o| rms_norm(&x[i * e..][..e], &layer.ffn_norm, c.eps, o));
        s.narrow.quantize(m, kernels, pool);
        kernels.products(&s.narrow, m, &mut [(&layer.gate, &mut s.wide.x), (&layer.up, &mut s.up)], pool);
        let up = &s.up;
        compute.rows(m, c.n_ff, &mut s.wide.x, &|i, g| (kernels.silu_mul)(g, &up[i * c.n_ff..][..c.n_ff]));
        s.wide.quantize(m, kernels, pool);
        kernels.products(&s.wide, m, &mut [(&layer.down, &mut s.delta)], pool);
        add(&mut s.x, &s.delta, m * e);
    }
    if stop() {
        return Err(Error::Cancelled);
    }
    state.advance(m);
    if want_logits {
        rms_norm(&s.x[(m - 1) * e..][..e], &w.output_norm, c.eps, &mut s.last.x);
        s.last.quantize(1, kernels, pool);
        kernels.products(&s.last, 1, &mut [(&w.output, &mut s.logits)], pool);
    }
    Ok(())
}

#[allow(clippy::too_many_arguments, reason = "one step of `pass`, split off for reading")]
fn attention(
    w: &Weights,
    l: usize,
    layer: &Layer,
    state: &mut RunState,
    s: &mut Scratch,
    compute: &Compute,
    m: usize,
    first: usize,
) {
    let c = &w.config;
    let (d, q, kv) = (c.head_dim, c.n_heads * c.head_dim, c.n_kv_heads * c.head_dim);
    let mut jobs = [(&layer.q, &mut s.q[..]), (&layer.k, &mut s.k[..]), (&layer.v, &mut s.v[..])];
    compute.kernels.products(&s.narrow, m, &mut jobs, &compute.pool);
    if let Some(bias) = &layer.bias {
        for (data, bias) in [&mut s.q, &mut s.k, &mut s.v].into_iter().zip(bias) {
            for row in data.chunks_exact_mut(bias.len()).take(m) {
                row.iter_mut().zip(bias).for_each(|(x, b)| *x += b);
            }
        }
    }
    let (angles, rope) = (&s.turns, c.architecture.rope);
    for (data, width, norm) in [(&mut s.q, q, 0), (&mut s.k, kv, 1)] {
        let norm = layer.head_norm.as_ref().map(|n| &n[norm]);
        compute.rows(m, width, data, &|i, row| {
            let angles = &angles[i * c.rope_dims..][..c.rope_dims];
            for head in row.chunks_exact_mut(d) {
                if let Some(w) = norm {
                    head_norm(head, w, c.eps);
                }
                turn(head, angles, rope);
            }
        });
    }
    for i in 0..m {
        state.write(l, first + i, &s.k[i * kv..][..kv], &s.v[i * kv..][..kv]);
    }
    let (pages, base) = state.layer(l);
    let a = Attend {
        pages,
        base,
        q: &s.q,
        stride: q,
        head_dim: d,
        group: c.n_heads / c.n_kv_heads,
        first,
        keys: first + m,
        causal: true,
        scale: 1.0 / (d as f32).sqrt(),
    };
    a.run(m, c.n_kv_heads, &mut s.heads.x, compute.kernels, &compute.pool);
}

/// Cosines and sines of one position; angles in f64, so that late positions are as exact as early ones.
fn turns(w: &Weights, position: usize, out: &mut [f32]) {
    let c = &w.config;
    for (i, t) in out.as_chunks_mut::<2>().0.iter_mut().enumerate() {
        let mut angle = position as f64 / c.rope_scale * c.rope_base.powf(-2.0 * i as f64 / c.rope_dims as f64);
        if let Some(f) = w.rope_factors.as_ref().and_then(|f| f.get(i)) {
            angle /= f64::from(*f);
        }
        *t = [angle.cos() as f32, angle.sin() as f32];
    }
}

fn add(x: &mut [f32], delta: &[f32], n: usize) {
    for (x, d) in x[..n].iter_mut().zip(delta) {
        *x += d;
    }
}

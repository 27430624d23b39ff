//! One pass of a decoder over some tokens of one or more conversations: the transformer itself. Weights come in shared,
//! the caches of the conversations are extended, all other memory is reused. It knows no text and no sampling. What a
//! conversation gets does not depend on who else is in the pass, to the bit.
//!
//! Llama: <https://arxiv.org/abs/2302.13971>; RMS norm: <https://arxiv.org/abs/1910.07467>; grouped heads:
//! <https://arxiv.org/abs/2305.13245>; norms around sublayers and soft caps: <https://arxiv.org/abs/2408.00118>.

use crate::architecture::Rope;
use crate::config::Config;
use crate::error::Error;
use crate::kernel::{Acts, Attend, Kernels, Pool};
use crate::kv::RunState;
use crate::weights::{Layer, Linear, Weights};
use feed::Feed;

mod convolve;
mod feed;

/// Tokens that are computed together.
pub const CHUNK: usize = 128;
/// The most tokens of a conversation in one pass that logits are computed for.
pub const LOGITS: usize = 8;
/// The most conversations of one pass.
pub const PARTS: usize = 8;
/// Fewer rows than this are not worth waking other threads for.
const FEW: usize = 8;

/// The memory that one pass works in, reused from pass to pass.
pub struct Scratch {
    x: Vec<f32>,          // [m][n_embd], the residual stream
    delta: Vec<f32>,      // [m][n_embd], what a sublayer adds
    narrow: Acts,         // [m][n_embd]
    heads: Acts,          // [m][n_heads * head_dim], output of attention
    feed: Feed,           // of the feed-forward layer
    q: Vec<f32>,          // [m][n_heads * head_dim]
    k: Vec<f32>,          // [m][n_kv_heads * head_dim]
    v: Vec<f32>,          // [m][n_kv_heads * head_dim]
    turns: Vec<Vec<f32>>, // for each kind of RoPE [m][rope_dims / 2][2], cosine and sine
    row: Vec<Row>,        // [m], what each row is
    wanted: Vec<usize>,   // rows that logits are computed for
    last: Acts,           // [PARTS * LOGITS][n_embd]
    logits: Vec<f32>,     // [rows][n_vocab]
    rows: usize,          // of logits
    n_vocab: usize,
}

/// A token and where it stands in its conversation.
#[derive(Debug, Clone, Copy)]
struct Row {
    token: u32,
    position: usize,
}

/// What one conversation has in a pass.
#[derive(Debug)]
pub struct Part<'a, State = RunState> {
    /// What came before; extended by the tokens.
    pub state: &'a mut State,
    /// What follows.
    pub tokens: &'a [u32],
    /// Logits are computed after so many of the last tokens, at most `LOGITS`.
    pub want: usize,
}

impl Scratch {
    /// Makes the memory for chunks of up to `CHUNK` tokens.
    pub fn new(c: &Config) -> Self {
        let (m, q, kv) = (CHUNK, c.n_heads * c.head_dim, c.n_kv_heads * c.head_dim);
        let kv = if c.convolutions.is_some() { kv.max(c.n_embd) } else { kv };
        Self {
            x: vec![0.0; m * c.n_embd],
            delta: vec![0.0; m * c.n_embd],
            narrow: Acts::new(m, c.n_embd, true),
            heads: Acts::new(m, q, true),
            feed: Feed::new(c, m),
            q: vec![0.0; m * q],
            k: vec![0.0; m * kv],
            v: vec![0.0; m * kv],
            turns: vec![vec![0.0; m * c.rope_dims]; 1 + usize::from(c.window_rope.is_some())],
            row: Vec::new(),
            wanted: Vec::new(),
            last: Acts::new(PARTS * LOGITS, c.n_embd, true),
            logits: vec![0.0; c.n_vocab],
            rows: 1,
            n_vocab: c.n_vocab,
        }
    }

    /// Returns the logits after the last token of the last pass that asked for them `[n_vocab]`.
    pub fn logits(&self) -> &[f32] {
        self.logits_of(self.rows.saturating_sub(1))
    }

    /// Returns the logits of the `i`-th of the tokens that logits were asked for `[n_vocab]`.
    pub fn logits_of(&self, i: usize) -> &[f32] {
        self.logits.get(i * self.n_vocab..(i + 1) * self.n_vocab).unwrap_or(&[])
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

    /// Applies linear layers of equal input to the first `m` rows of `acts`, each into `[m][n]`.
    pub fn linear<const N: usize>(&self, acts: &Acts, m: usize, jobs: [(&Linear, &mut [f32]); N]) {
        let mut jobs = jobs.map(|(l, out)| (&l.w, out, l.bias.as_ref()));
        self.kernels.products(acts, m, &mut jobs.each_mut().map(|j| (j.0, &mut *j.1)), &self.pool);
        for (w, out, bias) in jobs {
            if let Some(bias) = bias {
                self.rows(m, w.n, out, &|_, row| row.iter_mut().zip(bias).for_each(|(x, b)| *x += b));
            }
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

/// `x + factor * norm(delta)`, the norm where there is one.
fn add(x: &mut [f32], delta: &[f32], norm: Option<&[f32]>, factor: f32, eps: f32) {
    match norm {
        None => x.iter_mut().zip(delta).for_each(|(x, d)| *x += d * factor),
        Some(w) => {
            let mean = delta.iter().map(|d| d * d).sum::<f32>() / delta.len() as f32;
            let inverse = factor / (mean + eps).sqrt();
            for ((x, d), w) in x.iter_mut().zip(delta).zip(w) {
                *x += d * inverse * w;
            }
        }
    }
}

/// Runs the decoder over `tokens`, which follow what is in `state`, and extends `state` by them. Afterwards `s` has the
/// logits that follow each of the last `want` tokens (at most `LOGITS`). `stop` is asked between layers.
///
/// # Errors
/// `Cancelled` when `stop` says so; `state` then has the length it had before the current chunk.
pub fn forward(
    w: &Weights,
    state: &mut RunState,
    s: &mut Scratch,
    compute: &Compute,
    tokens: &[u32],
    want: usize,
    stop: &dyn Fn() -> bool,
) -> Result<(), Error> {
    let chunks = tokens.len().div_ceil(CHUNK);
    for (i, tokens) in tokens.chunks(CHUNK).enumerate() {
        let want = if i + 1 == chunks { want } else { 0 };
        pass(w, &mut [Part { state, tokens, want }], s, compute, stop)?;
    }
    Ok(())
}

/// Runs the decoder over some tokens of several conversations at once: at most `PARTS` of them with `CHUNK` tokens
/// together. Afterwards `s` has the logits that were asked for, one conversation after another. `stop` is asked between
/// layers.
///
/// # Errors
/// `Cancelled` when `stop` says so; no conversation is then longer than before. `Request` for more than fits one pass.
pub fn pass(
    w: &Weights,
    parts: &mut [Part<'_>],
    s: &mut Scratch,
    compute: &Compute,
    stop: &dyn Fn() -> bool,
) -> Result<(), Error> {
    let c = &w.config;
    let (m, e) = (parts.iter().map(|p| p.tokens.len()).sum::<usize>(), c.n_embd);
    if m > CHUNK || parts.len() > PARTS {
        return Err(Error::Request("too much for one pass".into()));
    }
    let Compute { kernels, pool } = compute;
    s.row.clear();
    s.wanted.clear();
    for part in parts.iter_mut() {
        let first = part.state.len();
        part.state.reserve(first + part.tokens.len());
        s.row.extend(part.tokens.iter().zip(first..).map(|(token, position)| Row { token: *token, position }));
        s.wanted.extend(s.row.len() - part.want.min(part.tokens.len()).min(LOGITS)..s.row.len());
    }
    let rows = &s.row;
    let embed = |i: usize, x: &mut [f32]| {
        if let Some(row) = rows.get(i) {
            w.embed(row.token, x);
        }
    };
    compute.rows(m, e, &mut s.x, &embed);
    for (angles, turns) in w.ropes.iter().zip(&mut s.turns) {
        for (row, turns) in s.row.iter().zip(turns.chunks_exact_mut(c.rope_dims)) {
            angles.write(row.position, turns);
        }
    }
    for (l, layer) in w.layers.iter().enumerate() {
        if stop() {
            return Err(Error::Cancelled);
        }
        let [after, after_ffn] = match &layer.post_norm {
            None => [None, None],
            Some([a, b]) => [Some(&a[..]), Some(&b[..])],
        };
        let x = &s.x;
        compute.rows(m, e, &mut s.narrow.x, &|i, o| rms_norm(&x[i * e..][..e], &layer.attn_norm, c.eps, o));
        s.narrow.quantize(m, kernels, pool);
        match &layer.convolution {
            None => attention(w, l, layer, parts, s, compute, m),
            Some(kernel) => convolve::convolve(l, layer, kernel, parts, s, compute, m),
        }
        s.heads.quantize(m, kernels, pool);
        compute.linear(&s.heads, m, [(&layer.o, &mut s.delta)]);
        let delta = &s.delta;
        compute.rows(m, e, &mut s.x, &|i, x| add(x, &delta[i * e..][..e], after, c.factors.residual, c.eps));

        let x = &s.x;
        compute.rows(m, e, &mut s.narrow.x, &|i, o| rms_norm(&x[i * e..][..e], &layer.ffn_norm, c.eps, o));
        s.narrow.quantize(m, kernels, pool);
        s.feed.run(&layer.ffn, c, &s.narrow, m, &mut s.delta, compute);
        let delta = &s.delta;
        compute.rows(m, e, &mut s.x, &|i, x| add(x, &delta[i * e..][..e], after_ffn, c.factors.residual, c.eps));
    }
    if stop() {
        return Err(Error::Cancelled);
    }
    for part in parts {
        part.state.advance(part.tokens.len());
    }
    if !s.wanted.is_empty() {
        logits(w, s, compute);
    }
    Ok(())
}

/// Computes the logits after the rows that want them.
fn logits(w: &Weights, s: &mut Scratch, compute: &Compute) {
    let (c, e, n) = (&w.config, w.config.n_embd, s.wanted.len());
    let (x, wanted) = (&s.x, &s.wanted);
    let norm = |i: usize, o: &mut [f32]| {
        if let Some(row) = wanted.get(i) {
            rms_norm(&x[row * e..][..e], &w.output_norm, c.eps, o);
        }
    };
    compute.rows(n, e, &mut s.last.x, &norm);
    s.last.quantize(n, compute.kernels, &compute.pool);
    s.rows = n;
    if s.logits.len() < n * c.n_vocab {
        s.logits.resize(n * c.n_vocab, 0.0);
    }
    compute.kernels.products(&s.last, n, &mut [(&w.output, &mut s.logits)], &compute.pool);
    let (factor, cap) = (c.factors.logits, c.factors.logits_cap);
    if factor != 1.0 {
        s.logits[..n * c.n_vocab].iter_mut().for_each(|x| *x *= factor);
    }
    if cap > 0.0 {
        s.logits[..n * c.n_vocab].iter_mut().for_each(|x| *x = cap * (*x / cap).tanh());
    }
}

fn attention(
    w: &Weights,
    l: usize,
    layer: &Layer,
    parts: &mut [Part<'_>],
    s: &mut Scratch,
    compute: &Compute,
    m: usize,
) {
    let c = &w.config;
    let (d, q, kv) = (c.head_dim, c.n_heads * c.head_dim, c.n_kv_heads * c.head_dim);
    compute.linear(&s.narrow, m, [(&layer.q, &mut s.q), (&layer.k, &mut s.k), (&layer.v, &mut s.v)]);
    let turns = c.rope_of(l).and_then(|kind| s.turns.get(kind));
    for (data, width, norm) in [(&mut s.q, q, 0), (&mut s.k, kv, 1)] {
        let norm = layer.head_norm.as_ref().map(|n| &n[norm]);
        compute.rows(m, width, data, &|i, row| {
            for head in row.chunks_exact_mut(d) {
                if let Some(w) = norm {
                    head_norm(head, w, c.eps);
                }
                if let Some(turns) = turns {
                    turn(head, &turns[i * c.rope_dims..][..c.rope_dims], c.architecture.rope);
                }
            }
        });
    }
    let mut begin = 0;
    for Part { state, tokens, .. } in parts {
        let (m, first) = (tokens.len(), state.len());
        for i in 0..m {
            let row = begin + i;
            state.write(l, first + i, &s.k[row * kv..][..kv], &s.v[row * kv..][..kv]);
        }
        let (pages, base) = state.layer(l);
        let a = Attend {
            pages,
            base,
            q: &s.q[begin * q..],
            stride: q,
            head_dim: d,
            group: c.n_heads / c.n_kv_heads,
            first,
            keys: first + m,
            causal: true,
            window: c.window_of(l).unwrap_or(usize::MAX),
            scale: c.factors.attention,
            cap: c.factors.attention_cap,
            slopes: &[],
        };
        a.run(m, c.n_kv_heads, &mut s.heads.x[begin * q..], compute.kernels, &compute.pool);
        begin += m;
    }
}

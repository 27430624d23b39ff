//! Compute kernels and the table by which one set is chosen at run time: AVX2 where the processor has it, plain Rust
//! elsewhere. Another instruction set is another table. What a model is made of is `weights` and `forward`.
//!
//! Within one table every path gives the same bits: one row or many, with or without a filled cache.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx2_attention;
#[cfg(target_arch = "x86_64")]
mod avx2_rowwise;
mod matrix;
mod pool;
pub mod rowwise;
mod scalar;

pub use matrix::{Form, Lane, Matrix, PANEL};
pub use pool::{Parts, Pool};

use std::ops::Range;

/// Rows of activations, as floats and quantized to 8 bits with one scale for each 32. Where `fine` is set, what the
/// rounding left over is quantized too, as a second row after each, which makes products about as exact as with f32.
#[derive(Debug, Default)]
pub struct Acts {
    /// Inputs in a row, a multiple of 32 where `q` is used.
    pub k: usize,
    /// Whether the rest is kept too.
    pub fine: bool,
    /// f32 `[m][k]`.
    pub x: Vec<f32>,
    /// Integers `[m or 2 m][k]`.
    pub q: Vec<i8>,
    /// Scales `[m or 2 m][k / 32]`.
    pub d: Vec<f32>,
    /// Scale times sum of the integers `[m or 2 m][k / 32]`.
    pub s: Vec<f32>,
}

/// One row of `Acts`.
#[derive(Debug, Clone, Copy)]
pub struct Row<'a> {
    /// f32 `[k]`; empty where only integers are wanted.
    pub x: &'a [f32],
    /// Integers `[k]`; empty where only floats are wanted.
    pub q: &'a [i8],
    /// Scales `[k / 32]`.
    pub d: &'a [f32],
    /// Scale times sum `[k / 32]`.
    pub s: &'a [f32],
}

impl Acts {
    /// Makes room for `m` rows of `k` inputs.
    pub fn new(m: usize, k: usize, fine: bool) -> Self {
        let n = if fine { 2 * m } else { m };
        Self { k, fine, x: vec![0.0; m * k], q: vec![0; n * k], d: vec![0.0; n * (k / 32)], s: vec![0.0; n * (k / 32)] }
    }

    /// Returns the floats of row `i`.
    pub fn floats(&self, i: usize) -> Row<'_> {
        Row { x: &self.x[i * self.k..][..self.k], q: &[], d: &[], s: &[] }
    }

    /// Returns quantized row `i`; where `fine` is set, rows and their rests alternate.
    pub fn integers(&self, i: usize) -> Row<'_> {
        let (k, b) = (self.k, self.k / 32);
        Row { x: &[], q: &self.q[i * k..][..k], d: &self.d[i * b..][..b], s: &self.s[i * b..][..b] }
    }

    /// Copies quantized rows and their floats from others of the same width and kind, to the first rows.
    pub fn gather(&mut self, from: &Self, rows: impl Iterator<Item = usize>) {
        let n = if self.fine { 2 } else { 1 };
        fn copy<T: Copy>(to: &mut [T], from: &[T], i: usize, row: usize, width: usize) {
            to[i * width..][..width].copy_from_slice(&from[row * width..][..width]);
        }
        for (i, row) in rows.enumerate() {
            copy(&mut self.x, &from.x, i, row, self.k);
            copy(&mut self.q, &from.q, i, row, n * self.k);
            copy(&mut self.d, &from.d, i, row, n * (self.k / 32));
            copy(&mut self.s, &from.s, i, row, n * (self.k / 32));
        }
    }

    /// Quantizes the first `m` rows of `x`.
    pub fn quantize(&mut self, m: usize, kernels: &Kernels, pool: &Pool) {
        let (k, b, fine) = (self.k, self.k / 32, self.fine);
        if b == 0 {
            return;
        }
        let n = if fine { 2 } else { 1 };
        let q = Parts::new(&mut self.q, n * k);
        let (d, s) = (Parts::new(&mut self.d, n * b), Parts::new(&mut self.s, n * b));
        let x = &self.x;
        let rows = |r: Range<usize>| {
            for i in r {
                #[allow(unsafe_code)]
                // SAFETY: every row is visited once.
                let (q, d, s) = unsafe { (q.part(i), d.part(i), s.part(i)) };
                let x = &x[i * k..][..k];
                if fine {
                    quantize_twice(kernels, x, q, d, s);
                } else {
                    (kernels.quantize)(x, q, d, s);
                }
            }
        };
        if m < 8 { rows(0..m) } else { pool.run(m, &rows) }
    }
}

fn quantize_twice(kernels: &Kernels, x: &[f32], q: &mut [i8], d: &mut [f32], s: &mut [f32]) {
    let (q, q_rest) = q.split_at_mut(x.len());
    let (d, d_rest) = d.split_at_mut(x.len() / 32);
    let (s, s_rest) = s.split_at_mut(x.len() / 32);
    (kernels.quantize)(x, q, d, s);
    for (b, x) in x.as_chunks::<32>().0.iter().enumerate() {
        let at = b * 32..b * 32 + 32;
        let rest: [f32; 32] = std::array::from_fn(|i| x[i] - f32::from(q[at.start + i]) * d[b]);
        (kernels.quantize)(&rest, &mut q_rest[at], &mut d_rest[b..=b], &mut s_rest[b..=b]);
    }
}

/// Keys or values held by one page.
pub const PAGE: usize = 128;
/// Query rows that `attend` handles at once.
pub const QUERY_ROWS: usize = 24;
/// The largest head.
pub const MAX_HEAD: usize = 256;

/// Attention of some queries over the keys and values of one layer.
///
/// A page holds, from `base` on, for each kv head the keys of 128 positions as f16 `[8][head_dim][16]` (sixteen
/// positions side by side) and then the values as f16 `[128][head_dim]`.
#[derive(Debug, Clone, Copy)]
pub struct Attend<'a> {
    /// Pages in order of position.
    pub pages: &'a [Vec<u16>],
    /// Where this layer begins in each page.
    pub base: usize,
    /// Queries `[m][stride]`, heads side by side.
    pub q: &'a [f32],
    /// Elements from one position to the next in `q`.
    pub stride: usize,
    /// A multiple of 16, at most `MAX_HEAD`.
    pub head_dim: usize,
    /// Query heads that share one kv head.
    pub group: usize,
    /// Position of the first query.
    pub first: usize,
    /// Keys that exist.
    pub keys: usize,
    /// Whether a query sees only its own and earlier positions.
    pub causal: bool,
    /// Positions that a query sees at most to either side, its own included; with `causal` to the left alone.
    pub window: usize,
    /// What a product of query and key is multiplied with.
    pub scale: f32,
    /// Holds scaled products softly under this (`cap * tanh(x / cap)`); 0 for no cap.
    pub cap: f32,
    /// For each query head what one position of distance takes from a scaled product (ALiBi); empty for nothing.
    pub slopes: &'a [f32],
}

impl Attend<'_> {
    /// Returns how many positions go into one call of the kernel.
    pub fn positions(&self) -> usize {
        (QUERY_ROWS / self.group).max(1)
    }

    /// Returns the number of keys that query position `i` sees.
    fn seen(&self, i: usize) -> usize {
        let right = if self.causal { 1 } else { self.window };
        (self.first + i).saturating_add(right).min(self.keys)
    }

    /// Returns the first key that query position `i` sees.
    fn from(&self, i: usize) -> usize {
        (self.first + i + 1).saturating_sub(self.window)
    }

    /// Returns the slope of a head, where heads have slopes.
    fn slope(&self, head: usize) -> Option<f32> {
        self.slopes.get(head).copied()
    }

    /// Attends for `m` positions and writes `[m][stride]`.
    pub fn run(&self, m: usize, kv_heads: usize, out: &mut [f32], kernels: &Kernels, pool: &Pool) {
        let width = self.group * self.head_dim;
        let per = self.positions();
        let blocks = m.div_ceil(per);
        let out = Parts::new(out, 1);
        let unit = |r: Range<usize>| {
            for u in r {
                let (g, i0) = (u % kv_heads, u / kv_heads * per);
                (kernels.attend)(self, g, i0..(i0 + per).min(m), &mut |i, row| {
                    #[allow(unsafe_code)]
                    // SAFETY: a position of a kv head belongs to one unit and is written once.
                    let to = unsafe { out.span(i * self.stride + g * width, width) };
                    to.copy_from_slice(row);
                });
            }
        };
        if m == 1 && self.keys < 96 { unit(0..kv_heads) } else { pool.run(blocks * kv_heads, &unit) }
    }
}

/// What `attend` calls with a position and its finished row.
pub type Emit<'a> = dyn FnMut(usize, &[f32]) + 'a;

/// Quantizes one row: input, integers, scales, scaled sums.
pub type Quantize = fn(&[f32], &mut [i8], &mut [f32], &mut [f32]);

/// One set of kernels.
pub struct Kernels {
    /// Its name, shown to people.
    pub name: &'static str,
    /// Quantizes one row: input, integers, scales, scaled sums.
    pub quantize: Quantize,
    /// Multiplies some rows with one panel, into `[rows][16]`.
    pub gemm: fn(&Matrix, usize, &Acts, Range<usize>, &mut [f32]),
    /// Attends for one kv head and some positions; calls back with each position and its `[group][head_dim]`.
    pub attend: fn(&Attend<'_>, usize, Range<usize>, &mut Emit<'_>),
    /// Replaces a by `silu(a) * b`.
    pub silu_mul: fn(&mut [f32], &[f32]),
    /// Replaces a by `gelu(a) * b` (the tanh form).
    pub gelu_mul: fn(&mut [f32], &[f32]),
    /// Replaces x by `gelu(x)` (the exact form, with erf).
    pub gelu: fn(&mut [f32]),
    /// Makes levels of one row.
    pub level: rowwise::Level,
    /// Multiplies some rows of levels with one panel.
    pub multiply: rowwise::Multiply,
}

impl Kernels {
    /// Chooses the fastest set that this processor runs.
    pub fn detect() -> &'static Self {
        #[cfg(target_arch = "x86_64")]
        if avx2::available() {
            return &avx2::KERNELS;
        }
        &scalar::KERNELS
    }

    /// Returns the plain set, which runs everywhere.
    pub fn plain() -> &'static Self {
        &scalar::KERNELS
    }

    /// Multiplies the first `m` rows of `acts` with several matrices of equal `k`: `out = acts x W^T`, each `[m][n]`.
    pub fn products(&self, acts: &Acts, m: usize, jobs: &mut [(&Matrix, &mut [f32])], pool: &Pool) {
        /// Rows of activations that share one widened panel.
        const ROWS: usize = 128;
        let mut total = 0;
        let jobs: Vec<_> = jobs
            .iter_mut()
            .map(|(w, out)| {
                let parts = if acts.fine && !w.form.floats() { 2 } else { 1 };
                let (from, chunks) = (total, if m == 1 { 1 } else { (m * parts).div_ceil(ROWS) });
                total += w.panels() * chunks;
                (*w, Parts::new(out, 1), from, chunks, parts)
            })
            .collect();
        pool.run(total, &|r| {
            let mut block = [0f32; ROWS * PANEL];
            for u in r {
                let Some((w, out, from, chunks, parts)) = jobs.iter().rev().find(|j| j.2 <= u) else { continue };
                let (panel, chunk) = ((u - from) / chunks, (u - from) % chunks);
                let rows = chunk * ROWS..((chunk + 1) * ROWS).min(m * parts);
                (self.gemm)(w, panel, acts, rows.clone(), &mut block);
                let width = PANEL.min(w.n - panel * PANEL);
                let tokens = rows.start / parts..rows.end / parts;
                for (i, row) in tokens.zip(block.chunks_exact_mut(PANEL * parts)) {
                    let (row, rest) = row.split_at_mut(PANEL);
                    row.iter_mut().zip(rest).for_each(|(x, y)| *x += *y);
                    #[allow(unsafe_code)]
                    // SAFETY: each unit writes its own panel and rows, and no other unit does.
                    let to = unsafe { out.span(i * w.n + panel * PANEL, width) };
                    to.copy_from_slice(&row[..width]);
                }
            }
        });
    }
}

#[cfg(test)]
mod tests;

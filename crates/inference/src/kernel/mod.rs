//! Compute kernels and the table by which one set is chosen at run time: AVX-512 or AVX2 where the processor has it,
//! plain Rust elsewhere. Another instruction set is another table. What a model is made of is `weights` and `forward`.
//!
//! Within one table every path gives the same bits: one row or many, with or without a filled cache.

#[cfg(target_arch = "x86_64")]
mod avx2;
#[cfg(target_arch = "x86_64")]
mod avx2_attention;
#[cfg(target_arch = "x86_64")]
mod avx2_rowwise;
#[cfg(target_arch = "x86_64")]
mod avx512;
#[cfg(target_arch = "x86_64")]
mod avx512_attention;
mod large;
mod matrix;
mod pool;
#[cfg(target_arch = "x86_64")]
mod products;
#[cfg(target_arch = "x86_64")]
mod products_of_floats;
pub mod rowwise;
mod scalar;

pub use large::Span;
pub use matrix::{Form, Lane, Matrix, PANEL, Scales};
pub use pool::{Parts, Pool};

use std::ops::Range;
use std::sync::Arc;

/// Rows of activations, as floats and quantized to 8 bits with one scale for each 32. Where `sparing` is set, the
/// largest of each row are spared that: the scales of the others need not make room for them, and they count exactly
/// (the outliers of LLM.int8(), <https://arxiv.org/abs/2208.07339>, chosen for each row).
#[derive(Debug, Default)]
pub struct Acts {
    /// Inputs in a row, a multiple of 32 where `q` is used.
    pub k: usize,
    /// How many of each row are spared.
    pub spared: usize,
    /// f32 `[m][k]`.
    pub x: Vec<f32>,
    /// Integers `[m][k]`; zero where one is spared.
    pub q: Vec<i8>,
    /// Scales `[m][k / 32]`.
    pub d: Vec<f32>,
    /// What the integers stand for, and what is spared, summed `[m][k / 32]`.
    pub s: Vec<f32>,
    /// -128 times the integers, summed `[m][k / 16]`: for instructions to which weights are given with 128 added.
    pub less: Vec<i32>,
    /// Which inputs are spared, in order `[m][spared]`.
    pub at: Vec<u32>,
    /// Their values `[m][spared]`.
    pub by: Vec<f32>,
    /// The first rows again, side by side.
    pub eights: Eights,
}

/// Rows in eights: what eight rows have for the same inputs stands side by side, so that a kernel that takes eight rows
/// at once needs one address and not eight.
#[derive(Debug, Default)]
pub struct Eights {
    /// How many rows stand here as integers, a multiple of 8.
    pub rows: usize,
    /// Integers `[rows / 8][k / 4][8][4]`.
    pub q: Vec<i8>,
    /// Scales `[rows / 8][k / 32][8]`.
    pub d: Vec<f32>,
    /// Sums `[rows / 8][k / 32][8]`.
    pub s: Vec<f32>,
    /// `Acts::less`, `[rows / 8][k / 16][8]`.
    pub less: Vec<i32>,
}

impl Eights {
    /// Whether all that the numbers of rows promise is there.
    fn holds(&self, k: usize) -> bool {
        let (n, b) = (self.rows, k / 32);
        let scaled = self.d.len() >= n * b && self.s.len() >= n * b;
        self.q.len() >= n * k && scaled && self.less.len() >= n * 2 * b
    }
}

/// Puts eight rows of `width` elements side by side.
fn beside<T: Copy>(rows: &[T], width: usize, out: &mut [T]) {
    for (r, row) in rows.chunks_exact(width.max(1)).enumerate() {
        for (x, out) in row.iter().zip(out.chunks_exact_mut(8)) {
            out[r] = *x;
        }
    }
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
    /// Sums `[k / 32]`.
    pub s: &'a [f32],
    /// Which inputs are spared.
    pub at: &'a [u32],
    /// Their values.
    pub by: &'a [f32],
}

/// Of so many inputs one is spared. Measured on SmolLM2-135M: logits differ from exact ones by 0.06 (root mean square)
/// instead of 0.20, for a tenth more work.
const SPARE_OF: usize = 64;

impl Acts {
    /// Makes room for `m` rows of `k` inputs, of which the largest are spared where `sparing` says so.
    pub fn new(m: usize, k: usize, sparing: bool) -> Self {
        let (b, spared) = (k / 32, if sparing { k / SPARE_OF } else { 0 });
        Self {
            k,
            spared,
            x: vec![0.0; m * k],
            q: vec![0; m * k],
            d: vec![0.0; m * b],
            s: vec![0.0; m * b],
            less: vec![0; m * 2 * b],
            at: vec![0; m * spared],
            by: vec![0.0; m * spared],
            eights: Eights::default(),
        }
    }

    /// Returns the floats of row `i`.
    pub fn floats(&self, i: usize) -> Row<'_> {
        Row { x: &self.x[i * self.k..][..self.k], q: &[], d: &[], s: &[], at: &[], by: &[] }
    }

    /// Returns quantized row `i`.
    pub fn integers(&self, i: usize) -> Row<'_> {
        let (k, b, n) = (self.k, self.k / 32, self.spared);
        Row {
            x: &[],
            q: &self.q[i * k..][..k],
            d: &self.d[i * b..][..b],
            s: &self.s[i * b..][..b],
            at: &self.at[i * n..][..n],
            by: &self.by[i * n..][..n],
        }
    }

    /// Copies quantized rows and their floats from others of the same width and kind, to the first rows.
    pub fn gather(&mut self, from: &Self, rows: impl Iterator<Item = usize>) {
        self.eights.rows = 0;
        fn copy<T: Copy>(to: &mut [T], from: &[T], i: usize, row: usize, width: usize) {
            to[i * width..][..width].copy_from_slice(&from[row * width..][..width]);
        }
        for (i, row) in rows.enumerate() {
            copy(&mut self.x, &from.x, i, row, self.k);
            copy(&mut self.q, &from.q, i, row, self.k);
            copy(&mut self.d, &from.d, i, row, self.k / 32);
            copy(&mut self.s, &from.s, i, row, self.k / 32);
            copy(&mut self.less, &from.less, i, row, self.k / 16);
            copy(&mut self.at, &from.at, i, row, self.spared);
            copy(&mut self.by, &from.by, i, row, self.spared);
        }
    }

    /// Quantizes the first `m` rows of `x`.
    pub fn quantize(&mut self, m: usize, kernels: &Kernels, pool: &Pool) {
        let (k, b, n) = (self.k, self.k / 32, self.spared);
        if b == 0 {
            return;
        }
        let (x, q) = (Parts::new(&mut self.x, k), Parts::new(&mut self.q, k));
        let (d, s) = (Parts::new(&mut self.d, b), Parts::new(&mut self.s, b));
        let (at, by) = (Parts::new(&mut self.at, n), Parts::new(&mut self.by, n));
        let less = Parts::new(&mut self.less, 2 * b);
        let rows = |r: Range<usize>| {
            for i in r {
                #[allow(unsafe_code)]
                // SAFETY: every row is visited once.
                let (x, q, d, s, less, at, by) =
                    unsafe { (x.part(i), q.part(i), d.part(i), s.part(i), less.part(i), at.part(i), by.part(i)) };
                // The sums have room for the tops of the blocks until they are written.
                (kernels.spare)(x, at, by, s);
                in_order(at, by);
                (kernels.quantize)(x, q, d, s, less);
                for (at, by) in at.iter().zip(by) {
                    x[*at as usize] = *by;
                    s[*at as usize / 32] += *by;
                }
            }
        };
        if m < 8 {
            rows(0..m)
        } else {
            pool.run(m, &rows)
        }
        self.eights.rows = if kernels.eights { m / 8 * 8 } else { 0 };
        self.stand_beside(pool);
    }

    /// Puts the integers of the rows in eights side by side.
    fn stand_beside(&mut self, pool: &Pool) {
        let (k, b, e) = (self.k, self.k / 32, &mut self.eights);
        let n = e.rows / 8;
        e.q.resize(e.q.len().max(n * 8 * k), 0);
        e.d.resize(e.d.len().max(n * 8 * b), 0.0);
        e.s.resize(e.s.len().max(n * 8 * b), 0.0);
        e.less.resize(e.less.len().max(n * 16 * b), 0);
        let (q, less) = (Parts::new(&mut e.q, 8 * k), Parts::new(&mut e.less, 16 * b));
        let (d, s) = (Parts::new(&mut e.d, 8 * b), Parts::new(&mut e.s, 8 * b));
        pool.run(n, &|groups| {
            for i in groups {
                #[allow(unsafe_code)]
                // SAFETY: every group is visited once.
                let (q, d, s, less) = unsafe { (q.part(i), d.part(i), s.part(i), less.part(i)) };
                beside(self.q[i * 8 * k..][..8 * k].as_chunks::<4>().0, k / 4, q.as_chunks_mut::<4>().0);
                beside(&self.d[i * 8 * b..][..8 * b], b, d);
                beside(&self.s[i * 8 * b..][..8 * b], b, s);
                beside(&self.less[i * 16 * b..][..16 * b], 2 * b, less);
            }
        });
    }
}

/// Sorts the few pairs of places and values by place.
fn in_order(at: &mut [u32], by: &mut [f32]) {
    for i in 1..at.len() {
        let mut j = i;
        while j > 0 && at[j - 1] > at[j] {
            at.swap(j - 1, j);
            by.swap(j - 1, j);
            j -= 1;
        }
    }
}

/// Takes the largest of a row out, as many as there is room for: which they are, and their values; zeros stay in their
/// places. `tops` has room for one number of each 32. To be inlined into a kernel set, for its instructions.
#[inline(always)]
fn spare(x: &mut [f32], at: &mut [u32], by: &mut [f32], tops: &mut [f32]) {
    if at.is_empty() {
        return;
    }
    let top = |block: &[f32; 32]| f32::from_bits(block.iter().fold(0, |top, x| top.max(x.abs().to_bits())));
    let (blocks, _) = x.as_chunks_mut::<32>();
    for (top_of, block) in tops.iter_mut().zip(blocks.iter()) {
        *top_of = top(block);
    }
    for (at, by) in at.iter_mut().zip(by) {
        let most = tops.iter().fold(0, |most, t| most.max(t.to_bits()));
        let b = tops.iter().position(|t| t.to_bits() == most).unwrap_or(0);
        let block = &mut blocks[b];
        let i = block.iter().position(|x| x.abs().to_bits() == most).unwrap_or(0);
        (*at, *by) = ((b * 32 + i) as u32, std::mem::take(&mut block[i]));
        tops[b] = top(block);
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
    pub pages: &'a [Arc<Span<u16>>],
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

/// Quantizes one row: input, integers, scales, scaled sums, and -128 times the sums of each 16 integers.
pub type Quantize = fn(&[f32], &mut [i8], &mut [f32], &mut [f32], &mut [i32]);

/// Takes the largest of a row out: input, which they are, their values, room for one number of each 32 inputs.
pub type Spare = fn(&mut [f32], &mut [u32], &mut [f32], &mut [f32]);

/// One set of kernels.
pub struct Kernels {
    /// Its name, shown to people.
    pub name: &'static str,
    /// Quantizes one row.
    pub quantize: Quantize,
    /// Takes the largest of a row out before that.
    pub spare: Spare,
    /// Multiplies some rows with one panel of integers, into `[rows][16]`.
    pub gemm: fn(&Matrix, usize, &Acts, Range<usize>, &mut [f32]),
    /// Multiplies some rows with some panels of floats, at most `panels`, into `[rows][panels][16]`, and adds the bias of
    /// each output, where there is one.
    pub floats: fn(&Matrix, Panels<'_>, &Acts, Range<usize>, &mut [f32]),
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
    /// Multiplies some rows of levels with some panels, at most `panels`.
    pub multiply: rowwise::Multiply,
    /// Whether products take rows in eights.
    pub eights: bool,
    /// Panels of floats or of levels that are multiplied at once, at most `MOST_PANELS`.
    pub panels: usize,
}

impl Kernels {
    /// Chooses the fastest set that this processor runs.
    pub fn detect() -> &'static Self {
        Self::all().first().copied().unwrap_or(&scalar::KERNELS)
    }

    /// Returns the sets that this processor runs, fastest first.
    pub fn all() -> Vec<&'static Self> {
        let mut all = Vec::new();
        #[cfg(target_arch = "x86_64")]
        {
            let sets = [
                (avx512::available(), &avx512::KERNELS),
                (avx2::has_vnni(), &avx2::KERNELS_VNNI),
                (avx2::available(), &avx2::KERNELS),
            ];
            all.extend(sets.into_iter().filter(|(there, _)| *there).map(|(_, set)| set));
        }
        all.push(&scalar::KERNELS);
        all
    }

    /// Returns the plain set, which runs everywhere.
    pub fn plain() -> &'static Self {
        &scalar::KERNELS
    }

    /// Multiplies the first `m` rows of `acts` with several matrices of equal `k`: `out = acts x W^T`, each `[m][n]`.
    pub fn products(&self, acts: &Acts, m: usize, jobs: &mut [(&Matrix, &mut [f32])], pool: &Pool) {
        let mut jobs = jobs.iter_mut().map(|(w, out)| Job::new(*w, out)).collect::<Vec<_>>();
        self.products_then(acts, m, &mut jobs, None, pool);
    }

    /// Multiplies as `products` does, adds biases (to matrices of floats alone), and does what `then` says.
    pub fn products_then(&self, acts: &Acts, m: usize, jobs: &mut [Job<'_, &Matrix>], then: Then<'_>, pool: &Pool) {
        let shape = |w: &Matrix| (w.n, if w.form.floats() { self.panels } else { 1 });
        by_panels(m, jobs, &|w| shape(w), then, pool, &|w, panels, rows, block| match w.form.floats() {
            true => (self.floats)(w, panels, acts, rows, block),
            false => (self.gemm)(w, panels.which.start, acts, rows, block),
        });
    }
}

/// A matrix to multiply with.
pub struct Job<'a, W> {
    /// The matrix.
    pub w: W,
    /// What is added to each output, one number for each of the sixteen of a panel; or empty.
    pub bias: &'a [f32],
    /// The products `[m][n]`.
    pub out: &'a mut [f32],
}

impl<'a, W> Job<'a, W> {
    /// A job without bias.
    pub fn new(w: W, out: &'a mut [f32]) -> Self {
        Self { w, bias: &[], out }
    }
}

/// What is done with products as soon as they are there, while they are in a cache: some of them, in no order.
pub type Then<'a> = Option<&'a (dyn Fn(&mut [f32]) + Sync)>;

/// Panels that are multiplied at once at most.
pub const MOST_PANELS: usize = 3;

/// Some panels of a matrix.
pub struct Panels<'a> {
    /// Which.
    pub which: Range<usize>,
    /// What is added to each output of the matrix; or empty.
    pub bias: &'a [f32],
    /// Where products go.
    pub goal: Goal,
}

/// Where products are put once they are done: to be fetched into the caches before, and no more.
#[derive(Clone, Copy)]
pub struct Goal {
    /// The place of the first.
    pub at: *const f32,
    /// From one row to the next.
    pub stride: usize,
}

/// Multiplies with some panels of a matrix some rows, into `[rows][panels][16]`.
type Piece<'a, W> = dyn Fn(W, Panels<'_>, Range<usize>, &mut [f32]) + Sync + 'a;

/// Cuts products into panels and rows, has `multiply` do each piece, and puts the pieces where they belong. `shape` tells
/// the outputs of a matrix and how many of its panels are done at once.
fn by_panels<W: Copy + Sync>(
    m: usize,
    jobs: &mut [Job<'_, W>],
    shape: &dyn Fn(W) -> (usize, usize),
    then: Then<'_>,
    pool: &Pool,
    multiply: &Piece<'_, W>,
) {
    /// Rows of activations that share one widened panel.
    const ROWS: usize = 128;
    let mut total = 0;
    let jobs: Vec<_> = jobs
        .iter_mut()
        .map(|job| {
            let (from, (n, at_once)) = (total, shape(job.w));
            let groups = n.div_ceil(PANEL * at_once);
            total += groups * m.div_ceil(ROWS);
            (job.w, job.bias, Parts::new(job.out, 1), (from, groups), (n, at_once))
        })
        .collect();
    pool.run(total, &|units| {
        // What few rows do not need is not cleared for them: while a decoder writes, that would be felt.
        let (mut small, mut large);
        let block: &mut [f32] = if m <= 8 {
            small = [0f32; 8 * MOST_PANELS * PANEL];
            &mut small
        } else {
            large = [0f32; ROWS * MOST_PANELS * PANEL];
            &mut large
        };
        for u in units {
            let Some((w, bias, out, (from, groups), (n, at_once))) = jobs.iter().rev().find(|job| job.3.0 <= u) else {
                continue;
            };
            // The panels of the same rows one after another: the rows stay in a cache.
            let (first, chunk) = ((u - from) % groups * at_once, (u - from) / groups);
            let panels = first..(first + at_once).min(n.div_ceil(PANEL));
            let rows = chunk * ROWS..((chunk + 1) * ROWS).min(m);
            let (column, wide) = (first * PANEL, panels.len() * PANEL);
            let block = &mut block[..rows.len() * wide];
            let goal = Goal { at: out.place(rows.start * n + column), stride: *n };
            multiply(*w, Panels { which: panels, bias, goal }, rows.clone(), block);
            if let Some(then) = then {
                then(block);
            }
            let width = wide.min(n - column);
            for (i, row) in rows.zip(block.chunks_exact(wide)) {
                #[allow(unsafe_code)]
                // SAFETY: each unit writes its own panels and rows, and no other unit does.
                let to = unsafe { out.span(i * n + column, width) };
                // Of a length that is known, as most are, no call is made.
                match (to.as_chunks_mut().0, row.as_chunks::<PANEL>().0) {
                    ([to], [row]) => *to = *row,
                    ([a, b, c], [x, y, z]) => (*a, *b, *c) = (*x, *y, *z),
                    _ => to.copy_from_slice(&row[..width]),
                }
            }
        }
    });
}

#[cfg(test)]
mod tests;

//! Products of packed weights with activations, written once for every kind of vector. A module that has the operations
//! of one kind (`F` and `I`, of which `N` make the sixteen outputs of a panel) becomes a kernel set by `products!`.
//! Layouts are those of `matrix`.
//!
//! A block of 32 inputs is summed in integers, scaled by weight scale times activation scale, and added up in f32, block
//! after block, and what is spared of the activations after them. One row and many rows do this in the same order, so
//! that both give the same bits; and as integers are exact, so do all sets.
#![allow(unsafe_code)]

use super::{Acts, Goal, PANEL};
use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
use std::ops::Range;

/// Rows whose spared inputs are looked up in weights that were taken apart for all of them, once there are a quarter of it.
pub const MANY: usize = 128;
/// Inputs that are taken apart at once, a multiple of 32: 128 KB.
pub const WIDE: usize = 2048;
/// Blocks of 32 inputs that stay in the nearest cache while rows go by: 12 KB of widened weights.
pub const CHUNK: usize = 24;
/// Inputs of floats that stay in the nearest cache while rows go by: 24 KB of weights of three panels.
pub const DEEP: usize = 128;

impl Goal {
    /// Has the places of some rows of so many panels fetched.
    #[inline]
    pub fn fetch(self, rows: Range<usize>, panels: usize) {
        for r in rows {
            (0..=panels).for_each(|p| fetch(self.at.wrapping_add(r * self.stride + p * PANEL).cast()));
        }
    }
}

/// Has a place in memory fetched into the caches; any address will do.
#[inline]
pub fn fetch(place: *const i8) {
    // SAFETY: nothing is read that the program could see.
    unsafe { _mm_prefetch::<_MM_HINT_T0>(place) }
}

/// Quantized activations from a row on: side by side with EIGHTS (see `Eights`), else row after row.
#[derive(Clone, Copy)]
pub struct Source<const EIGHTS: bool> {
    q: *const i8,
    d: *const f32,
    s: *const f32,
    less: *const i32,
    k: usize,
}

#[allow(clippy::inline_always, reason = "where a number stands must be known when the loop around it is compiled")]
impl<const EIGHTS: bool> Source<EIGHTS> {
    /// Begins with row `at`; with EIGHTS that is below `Eights::rows`, and no group of rows that is read from here on
    /// begins inside of an eight and ends behind it.
    pub fn new(acts: &Acts, at: usize) -> Self {
        let (k, b) = (acts.k, acts.k / 32);
        let (q, d, s, less) = match EIGHTS {
            true => (&acts.eights.q, &acts.eights.d, &acts.eights.s, &acts.eights.less),
            false => (&acts.q, &acts.d, &acts.s, &acts.less),
        };
        let place = |width: usize, part: usize| if EIGHTS { at / 8 * 8 * width + at % 8 * part } else { at * width };
        Self {
            q: q.as_ptr().wrapping_add(place(k, 4)),
            d: d.as_ptr().wrapping_add(place(b, 1)),
            s: s.as_ptr().wrapping_add(place(b, 1)),
            less: less.as_ptr().wrapping_add(place(2 * b, 1)),
            k,
        }
    }

    /// Element `i` of row `r`, where a row has `width` of them.
    #[inline(always)]
    fn place(r: usize, i: usize, width: usize) -> usize {
        if EIGHTS { r / 8 * 8 * width + i * 8 + r % 8 } else { r * width + i }
    }

    /// The `g`-th four integers of row `r`.
    #[inline(always)]
    pub fn q(self, r: usize, g: usize) -> *const i8 {
        self.q.wrapping_add(4 * Self::place(r, g, self.k / 4))
    }

    /// Scale and sum of block `b` of row `r`.
    #[inline(always)]
    pub unsafe fn scale(self, r: usize, b: usize) -> (f32, f32) {
        let i = Self::place(r, b, self.k / 32);
        // SAFETY: the caller promises that the row and the block are there.
        unsafe { (*self.d.wrapping_add(i), *self.s.wrapping_add(i)) }
    }

    /// `Acts::less` of sixteen `h` of row `r`.
    #[inline(always)]
    pub unsafe fn less(self, r: usize, h: usize) -> i32 {
        // SAFETY: the caller promises that the row and the sixteen are there.
        unsafe { *self.less.wrapping_add(Self::place(r, h, self.k / 16)) }
    }
}

/// Defines `gemm` for the features. At once are multiplied so many rows of eights (of four-bit weights, of eight-bit
/// weights with one scale and with two: all divide 8), and so many of the others; floats against so many panels. Each list
/// falls and ends with 1.
macro_rules! products {
    (
        $features:tt,
        eights { four $four8:literal, eight $eight8:literal, halves $half8:literal },
        rows { few [$($few:literal)*], four [$($four:literal)*], eight [$($eight:literal)*] },
        floats { rows [$($float:literal)*], panels [$($panels:literal)*] }
    ) => {
        /// Multiplies some rows with one panel, into `[rows][16]`.
        #[target_feature(enable = $features)]
        pub fn gemm(w: &Matrix, panel: usize, acts: &Acts, rows: Range<usize>, out: &mut [f32]) {
            let (m, blocks) = (rows.len(), w.k / 32);
            assert!(acts.k == w.k && out.len() >= m * PANEL);
            assert!(acts.q.len() >= rows.end * w.k && acts.less.len() >= rows.end * blocks * 2);
            assert!(acts.d.len() >= rows.end * blocks && acts.s.len() >= rows.end * blocks);
            out[..m * PANEL].fill(0.0);
            assert!(rows.start.is_multiple_of(8) && acts.eights.holds(acts.k));
            let (lanes, scales) = w.panel(panel);
            let all = rows.clone();
            // SAFETY: the rows were checked against the activations and the output, and a panel holds what its form says.
            unsafe {
                match w.form {
                    Form::Four if false $(|| m == $few)* => match m {
                        $($few => few_four::<$few>(lanes, scales, acts, rows.start, out),)*
                        _ => {}
                    },
                    Form::Four => gemm_four(lanes, scales, acts, rows, out),
                    Form::Eight { halves: false, mins: false } => eight::<false, false>(lanes, scales, acts, rows, out),
                    Form::Eight { halves: false, mins: true } => eight::<false, true>(lanes, scales, acts, rows, out),
                    Form::Eight { halves: true, mins: false } => eight::<true, false>(lanes, scales, acts, rows, out),
                    Form::Eight { halves: true, mins: true } => eight::<true, true>(lanes, scales, acts, rows, out),
                    Form::Half | Form::Dense => {}
                }
                if acts.spared > 0 {
                    let (panel, rows) = ((lanes, scales), all);
                    match w.form {
                        Form::Four => spared::<4, 2, false>(panel, acts, rows, out),
                        Form::Eight { halves: false, mins: false } => spared::<8, 1, false>(panel, acts, rows, out),
                        Form::Eight { halves: false, mins: true } => spared::<8, 2, false>(panel, acts, rows, out),
                        Form::Eight { halves: true, mins: false } => spared::<8, 2, true>(panel, acts, rows, out),
                        Form::Eight { halves: true, mins: true } => spared::<8, 3, true>(panel, acts, rows, out),
                        Form::Half | Form::Dense => {}
                    }
                }
            }
        }

        /// Weight i of a block as a float, of vector h: its integer times its scale, which is exact (at most 8 bits times
        /// 11). LANES are those of a block, and KINDS its sixteens of scales.
        #[inline]
        #[target_feature(enable = $features)]
        unsafe fn weight<const LANES: usize, const KINDS: usize, const HALVES: bool>(
            (lanes, scales): (&[Lane], &[u16]),
            b: usize,
            i: usize,
            h: usize,
        ) -> F {
            // SAFETY: the caller promises that there is such a block.
            unsafe {
                let x = lane_of(lanes.as_ptr().add(b * LANES + i / 4 % LANES), h);
                let q = match LANES {
                    4 => nibble(x, i % 4 * 8 + i / 16 * 4),
                    _ => byte(x, i % 4 * 8),
                };
                let scale = (b * KINDS + if HALVES { i / 16 } else { 0 }) * PANEL + h * WIDTH;
                mul(float(q), halves(scales.as_ptr().add(scale)))
            }
        }

        /// Adds what the spared inputs of some rows contribute.
        #[target_feature(enable = $features)]
        unsafe fn spared<const LANES: usize, const KINDS: usize, const HALVES: bool>(
            panel: (&[Lane], &[u16]),
            acts: &Acts,
            rows: Range<usize>,
            out: &mut [f32],
        ) {
            let (k, n) = (acts.k, acts.spared);
            let wide = &mut [const { MaybeUninit::<[F; N]>::uninit() }; WIDE];
            let mut done = 0;
            while done < rows.len() {
                let (first, count) = (rows.start + done, MANY.min(rows.len() - done));
                let (at, by) = (&acts.at[first * n..][..count * n], &acts.by[first * n..][..count * n]);
                let out = &mut out[done * PANEL..][..count * PANEL];
                done += count;
                // SAFETY: out has 16 elements for each row; every input lies in one of the blocks, and those of a chunk are
                // widened before they are read.
                unsafe {
                    if count < MANY / 4 {
                        for ((at, by), out) in at.chunks_exact(n).zip(by.chunks_exact(n)).zip(out.chunks_exact_mut(PANEL)) {
                            let mut total: [F; N] = std::array::from_fn(|h| load(out.as_ptr().add(h * WIDTH)));
                            for (at, by) in at.iter().zip(by) {
                                let (c, by) = ((*at as usize).min(k - 1), splat(*by));
                                for h in 0..N {
                                    let w = weight::<LANES, KINDS, HALVES>(panel, c / 32, c % 32, h);
                                    total[h] = fma(w, by, total[h]);
                                }
                            }
                            (0..N).for_each(|h| store(out.as_mut_ptr().add(h * WIDTH), total[h]));
                        }
                        continue;
                    }
                    // So many rows share the work of taking weights apart.
                    let mut next = [0; MANY];
                    for first in (0..k).step_by(WIDE) {
                        let end = k.min(first + WIDE);
                        for b in first / 32..end / 32 {
                            for i in 0..32 {
                                let w = std::array::from_fn(|h| weight::<LANES, KINDS, HALVES>(panel, b, i, h));
                                wide[b * 32 + i - first].write(w);
                            }
                        }
                        let rows = at.chunks_exact(n).zip(by.chunks_exact(n)).zip(out.chunks_exact_mut(PANEL));
                        for (((at, by), out), next) in rows.zip(&mut next) {
                            let mut total: [F; N] = std::array::from_fn(|h| load(out.as_ptr().add(h * WIDTH)));
                            let from = *next;
                            *next = if end == k { n } else { from + at[from..].partition_point(|c| (*c as usize) < end) };
                            for (at, by) in at[from..*next].iter().zip(&by[from..*next]) {
                                let w = wide[(*at as usize - first) % WIDE].assume_init_ref();
                                let by = splat(*by);
                                (0..N).for_each(|h| total[h] = fma(w[h], by, total[h]));
                            }
                            (0..N).for_each(|h| store(out.as_mut_ptr().add(h * WIDTH), total[h]));
                        }
                    }
                }
            }
        }

        /// R rows of activations from row `at` on against a panel of four-bit weights, which is unpacked on the way: for
        /// so few rows that widening the panel first does not pay.
        #[target_feature(enable = $features)]
        unsafe fn few_four<const R: usize>(lanes: &[Lane], scales: &[u16], acts: &Acts, at: usize, out: &mut [f32]) {
            let a = Source::<false>::new(acts, at);
            let mut total = [[splat(0.0); N]; R];
            // SAFETY: the caller promises k / 32 blocks of lanes and scales and R rows in `acts` and `out`.
            unsafe {
                for b in 0..acts.k / 32 {
                    let mut sum = [[zero(); N]; R];
                    for j in 0..4 {
                        for h in 0..N {
                            let x = lane_of(lanes.as_ptr().add(b * 4 + j), h);
                            let (low, high) = (low(x), high(x));
                            for r in 0..R {
                                sum[r][h] = add_four(sum[r][h], low, four(a.q(r, b * 8 + j)));
                                sum[r][h] = add_four(sum[r][h], high, four(a.q(r, b * 8 + 4 + j)));
                            }
                        }
                    }
                    for h in 0..N {
                        let scales = scales.as_ptr().add(b * 2 * PANEL + h * WIDTH);
                        let (scale, min) = (halves(scales), halves(scales.add(PANEL)));
                        for r in 0..R {
                            let (d, s) = a.scale(r, b);
                            total[r][h] = fma(float(end_four(sum[r][h])), mul(scale, splat(d)), total[r][h]);
                            total[r][h] = fma(min, splat(s), total[r][h]);
                        }
                    }
                }
                for r in 0..R {
                    (0..N).for_each(|h| store(out.as_mut_ptr().add(r * PANEL + h * WIDTH), total[r][h]));
                }
            }
        }

        /// Four-bit weights as bytes, with their scales and minima.
        struct Widened {
            w: [[MaybeUninit<Lane>; 8]; CHUNK],
            d: [[MaybeUninit<F>; N]; CHUNK],
            m: [[MaybeUninit<F>; N]; CHUNK],
        }

        #[target_feature(enable = $features)]
        unsafe fn gemm_four(lanes: &[Lane], scales: &[u16], acts: &Acts, rows: Range<usize>, out: &mut [f32]) {
            let mut p = Widened {
                w: [const { [const { MaybeUninit::uninit() }; 8] }; CHUNK],
                d: [const { [const { MaybeUninit::uninit() }; N] }; CHUNK],
                m: [const { [const { MaybeUninit::uninit() }; N] }; CHUNK],
            };
            let blocks = acts.k / 32;
            // SAFETY: the caller promises k / 32 blocks of lanes and scales, and that all rows lie inside of `acts` and `out`;
            // only blocks that were widened are read.
            unsafe {
                for first in (0..blocks).step_by(CHUNK) {
                    let count = CHUNK.min(blocks - first);
                    for b in 0..count {
                        for h in 0..N {
                            for j in 0..4 {
                                let x = lane_of(lanes.as_ptr().add((first + b) * 4 + j), h);
                                put_lane(p.w[b][j].as_mut_ptr(), h, low(x));
                                put_lane(p.w[b][4 + j].as_mut_ptr(), h, high(x));
                            }
                            let scales = scales.as_ptr().add((first + b) * 2 * PANEL + h * WIDTH);
                            p.d[b][h].write(halves(scales));
                            p.m[b][h].write(halves(scales.add(PANEL)));
                        }
                    }
                    let mut i = 0;
                    while i < rows.len() {
                        let (at, left, o) = (rows.start + i, rows.len() - i, out[i * PANEL..].as_mut_ptr());
                        i += if at < acts.eights.rows {
                            rows_four::<$four8, true>(&p, count, first, Source::new(acts, at), o);
                            $four8
                        } else {
                            $(if left >= $four {
                                rows_four::<$four, false>(&p, count, first, Source::new(acts, at), o);
                                $four
                            } else)* { break }
                        };
                    }
                }
            }
        }

        /// R rows of activations against the blocks of a widened panel, which are those from `first` on.
        #[inline]
        #[target_feature(enable = $features)]
        unsafe fn rows_four<const R: usize, const EIGHTS: bool>(
            p: &Widened,
            count: usize,
            first: usize,
            acts: Source<EIGHTS>,
            out: *mut f32,
        ) {
            // SAFETY: the caller promises R rows in `acts` and `out` and `count` blocks in `p`.
            unsafe {
                let mut total: [[F; N]; R] =
                    std::array::from_fn(|r| std::array::from_fn(|h| load(out.add(r * PANEL + h * WIDTH))));
                for b in 0..count {
                    let mut sum = [[zero(); N]; R];
                    for g in 0..8 {
                        let w: [I; N] = std::array::from_fn(|h| lane_of(p.w[b][g].as_ptr(), h));
                        for r in 0..R {
                            let a = four(acts.q(r, (first + b) * 8 + g));
                            (0..N).for_each(|h| sum[r][h] = add_four(sum[r][h], w[h], a));
                        }
                    }
                    for r in 0..R {
                        let (d, s) = acts.scale(r, first + b);
                        for h in 0..N {
                            total[r][h] = fma(float(end_four(sum[r][h])), mul(p.d[b][h].assume_init(), splat(d)), total[r][h]);
                            total[r][h] = fma(p.m[b][h].assume_init(), splat(s), total[r][h]);
                        }
                    }
                }
                for r in 0..R {
                    (0..N).for_each(|h| store(out.add(r * PANEL + h * WIDTH), total[r][h]));
                }
            }
        }

        #[target_feature(enable = $features)]
        unsafe fn eight<const HALVES: bool, const MINS: bool>(
            lanes: &[Lane],
            scales: &[u16],
            acts: &Acts,
            rows: Range<usize>,
            out: &mut [f32],
        ) {
            let blocks = acts.k / 32;
            // SAFETY: the caller promises k / 32 blocks of lanes and scales, and that all rows lie inside of `acts` and `out`.
            unsafe {
                for first in (0..blocks).step_by(CHUNK) {
                    let span = first..(first + CHUNK).min(blocks);
                    let mut i = 0;
                    while i < rows.len() {
                        let (at, left, o) = (rows.start + i, rows.len() - i, out[i * PANEL..].as_mut_ptr());
                        let span = span.clone();
                        i += if at < acts.eights.rows {
                            let acts = Source::<true>::new(acts, at);
                            if HALVES {
                                rows_eight::<$half8, true, HALVES, MINS>(lanes, scales, span, acts, o);
                                $half8
                            } else {
                                rows_eight::<$eight8, true, HALVES, MINS>(lanes, scales, span, acts, o);
                                $eight8
                            }
                        } else {
                            $(if left >= $eight {
                                rows_eight::<$eight, false, HALVES, MINS>(lanes, scales, span, Source::new(acts, at), o);
                                $eight
                            } else)* { break }
                        };
                    }
                }
            }
        }

        /// R rows of activations against some blocks of a panel of eight-bit weights.
        #[inline]
        #[target_feature(enable = $features)]
        unsafe fn rows_eight<const R: usize, const EIGHTS: bool, const HALVES: bool, const MINS: bool>(
            lanes: &[Lane],
            scales: &[u16],
            span: Range<usize>,
            acts: Source<EIGHTS>,
            out: *mut f32,
        ) {
            let kinds = 1 + HALVES as usize + MINS as usize;
            // SAFETY: the caller promises R rows in `acts` and `out`, and that lanes and scales hold all blocks of `span`.
            unsafe {
                let mut total: [[F; N]; R] =
                    std::array::from_fn(|r| std::array::from_fn(|h| load(out.add(r * PANEL + h * WIDTH))));
                for b in span {
                    let mut part = [[[zero(); N]; R]; 2];
                    for half in 0..if HALVES { 2 } else { 1 } {
                        let mut sum: [[I; N]; R] = std::array::from_fn(|r| {
                            let second = if HALVES { 0 } else { acts.less(r, 2 * b + 1) };
                            [begin_eight(acts.less(r, 2 * b + half).wrapping_add(second)); N]
                        });
                        for g in if HALVES { half * 4..half * 4 + 4 } else { 0..8 } {
                            let w: [I; N] = std::array::from_fn(|h| weights(lane_of(lanes.as_ptr().add(b * 8 + g), h)));
                            for r in 0..R {
                                let a = four(acts.q(r, b * 8 + g));
                                (0..N).for_each(|h| sum[r][h] = add_eight(sum[r][h], w[h], a));
                            }
                        }
                        part[half] = sum;
                    }
                    for h in 0..N {
                        let scales = scales.as_ptr().add(b * kinds * PANEL + h * WIDTH);
                        let d0 = halves(scales);
                        for r in 0..R {
                            let d = splat(acts.scale(r, b).0);
                            total[r][h] = fma(float(part[0][r][h]), mul(d0, d), total[r][h]);
                        }
                        if HALVES {
                            let d1 = halves(scales.add(PANEL));
                            for r in 0..R {
                                let d = splat(acts.scale(r, b).0);
                                total[r][h] = fma(float(part[1][r][h]), mul(d1, d), total[r][h]);
                            }
                        }
                        if MINS {
                            let min = halves(scales.add((1 + HALVES as usize) * PANEL));
                            for r in 0..R {
                                total[r][h] = fma(min, splat(acts.scale(r, b).1), total[r][h]);
                            }
                        }
                    }
                }
                for r in 0..R {
                    (0..N).for_each(|h| store(out.add(r * PANEL + h * WIDTH), total[r][h]));
                }
            }
        }

        /// Multiplies some rows of floats with panels that lie one behind another, into `[rows][panels][16]`, and adds the
        /// bias of each output, where there is one.
        #[target_feature(enable = $features)]
        pub fn floats(w: &Matrix, panels: Panels<'_>, acts: &Acts, rows: Range<usize>, out: &mut [f32]) {
            let Panels { which: panels, bias, goal } = panels;
            let (k, n) = (w.k, panels.len());
            const NONE: [f32; MOST_PANELS * PANEL] = [0.0; MOST_PANELS * PANEL];
            let bias = bias.get(panels.start * PANEL..panels.end * PANEL).unwrap_or(&NONE);
            assert!(acts.k == k && acts.x.len() >= rows.end * k && out.len() >= rows.len() * n * PANEL);
            assert!(w.form.floats() && panels.end <= w.panels() && (false $(|| n == $panels)*));
            // SAFETY: rows and panels were checked just now; a panel of either form has k times 16 weights.
            unsafe {
                let (half, dense) = (
                    w.scales.as_ptr().wrapping_add(panels.start * k * PANEL),
                    w.dense.as_ptr().wrapping_add(panels.start * k * PANEL),
                );
                match (w.form, n) {
                    $((Form::Half, $panels) => {
                        let at = |i| half.wrapping_add(i).cast();
                        panels_of_floats::<$panels>(|i| halves(half.add(i)), at, (bias, goal), acts, rows, out);
                    }
                    (_, $panels) => {
                        let at = |i| dense.wrapping_add(i).cast();
                        panels_of_floats::<$panels>(|i| load(dense.add(i)), at, (bias, goal), acts, rows, out);
                    })*
                    _ => {}
                }
            }
        }

        /// Rows of floats against P panels; `w` gives the weights from one on, and `at` where that stands.
        #[target_feature(enable = $features)]
        unsafe fn panels_of_floats<const P: usize>(
            w: impl Fn(usize) -> F,
            at: impl Fn(usize) -> *const i8,
            (bias, goal): (&[f32], Goal),
            acts: &Acts,
            rows: Range<usize>,
            out: &mut [f32],
        ) {
            let k = acts.k;
            for first in (0..k).step_by(DEEP) {
                let (span, mut i) = (first..k.min(first + DEEP), 0);
                while i < rows.len() {
                    // SAFETY: the caller promises that all rows lie inside of `acts` and `out`.
                    unsafe {
                        let (x, o) = (acts.x.as_ptr().add((rows.start + i) * k), out.as_mut_ptr().add(i * P * PANEL));
                        $(if rows.len() - i >= $float {
                            // Meanwhile what comes next is fetched; behind the last weights it is the next panels'.
                            if span.end == k {
                                goal.fetch(i..i + $float, P);
                            }
                            for next in (span.end + i..span.end + i + $float).take_while(|next| *next < span.end + DEEP) {
                                let next = if span.end < k { next } else { next - k + P * k };
                                (0..P).for_each(|p| fetch(at((p * k + next) * PANEL)));
                            }
                            tile_of_floats::<$float, P>(span.clone(), k, &w, bias.as_ptr(), x, o);
                            i += $float;
                        } else)* { break }
                    }
                }
            }
        }

        /// R rows of k floats against P panels, for some of the inputs; what came of those before stands in `out`.
        #[inline]
        #[target_feature(enable = $features)]
        unsafe fn tile_of_floats<const R: usize, const P: usize>(
            span: Range<usize>,
            k: usize,
            w: &impl Fn(usize) -> F,
            bias: *const f32,
            x: *const f32,
            out: *mut f32,
        ) {
            // SAFETY: the caller promises R rows of k floats, R rows of P times 16 in out, and as many of bias.
            unsafe {
                let mut total = [[[splat(0.0); N]; P]; R];
                // No closures here: where one of them is not inlined, sums leave their registers.
                for r in 0..R {
                    for p in 0..P {
                        for h in 0..N {
                            let (column, at) = (p * PANEL + h * WIDTH, r * P * PANEL);
                            total[r][p][h] =
                                load(if span.start == 0 { bias.add(column) } else { out.add(at + column) });
                        }
                    }
                }
                for i in span {
                    let mut wide = [[splat(0.0); N]; P];
                    for p in 0..P {
                        for h in 0..N {
                            wide[p][h] = w((p * k + i) * PANEL + h * WIDTH);
                        }
                    }
                    for r in 0..R {
                        let x = splat(*x.add(r * k + i));
                        for p in 0..P {
                            for h in 0..N {
                                total[r][p][h] = fma(x, wide[p][h], total[r][p][h]);
                            }
                        }
                    }
                }
                for r in 0..R {
                    for p in 0..P {
                        for h in 0..N {
                            store(out.add((r * P + p) * PANEL + h * WIDTH), total[r][p][h]);
                        }
                    }
                }
            }
        }
    };
}

pub(super) use products;

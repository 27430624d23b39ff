//! Products of packed integers with activations, written once for every kind of vector. A module that has the operations
//! of one kind (`F` and `I`, of which `N` make the sixteen outputs of a panel) becomes a kernel set by `products!`.
//! Layouts are those of `matrix`.
//!
//! A block of 32 inputs is summed in integers, scaled by weight scale times activation scale, and added up in f32, block
//! after block, and what is spared of the activations after them. One row and many rows do this in the same order, so
//! that both give the same bits; and as integers are exact, so do all sets.
#![allow(unsafe_code)]

use super::Acts;

/// Rows whose spared inputs are looked up in weights that were taken apart for all of them, once there are a quarter of it.
pub const MANY: usize = 128;
/// Inputs that are taken apart at once, a multiple of 32: 128 KB.
pub const WIDE: usize = 2048;
/// Blocks of 32 inputs that stay in the nearest cache while rows go by: 12 KB of widened weights.
pub const CHUNK: usize = 24;

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
/// weights with one scale and with two: all divide 8), and so many of the others. Each list falls and ends with 1.
macro_rules! products {
    (
        $features:tt,
        eights { four $four8:literal, eight $eight8:literal, halves $half8:literal },
        rows { few [$($few:literal)*], four [$($four:literal)*], eight [$($eight:literal)*] }
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
                    Form::Six(Scales::One) => six::<false, false>(lanes, scales, acts, rows, out),
                    Form::Six(Scales::Halves) => six::<true, false>(lanes, scales, acts, rows, out),
                    Form::Six(Scales::Min) => six::<false, true>(lanes, scales, acts, rows, out),
                    Form::Eight(Scales::One) => eight::<false, false>(lanes, scales, acts, rows, out),
                    Form::Eight(Scales::Halves) => eight::<true, false>(lanes, scales, acts, rows, out),
                    Form::Eight(Scales::Min) => eight::<false, true>(lanes, scales, acts, rows, out),
                    Form::Half | Form::Dense => {}
                }
                if acts.spared > 0 {
                    let (panel, rows) = ((lanes, scales), all);
                    match w.form {
                        Form::Four => spared::<4, 2, false>(panel, acts, rows, out),
                        Form::Six(Scales::One) => spared::<6, 1, false>(panel, acts, rows, out),
                        Form::Six(Scales::Halves) => spared::<6, 2, true>(panel, acts, rows, out),
                        Form::Six(Scales::Min) => spared::<6, 2, false>(panel, acts, rows, out),
                        Form::Eight(Scales::One) => spared::<8, 1, false>(panel, acts, rows, out),
                        Form::Eight(Scales::Halves) => spared::<8, 2, true>(panel, acts, rows, out),
                        Form::Eight(Scales::Min) => spared::<8, 2, false>(panel, acts, rows, out),
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
                let block = lanes.as_ptr().add(b * LANES);
                let q = match LANES {
                    4 => nibble(lane_of(block.add(i / 4 % 4), h), i % 4 * 8 + i / 16 * 4),
                    6 => byte(signed(sixes(block, i / 16, h)[i / 4 % 4]), i % 4 * 8),
                    _ => byte(lane_of(block.add(i / 4), h), i % 4 * 8),
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

        /// A half of 32 six-bit weights of a vector's outputs as bytes, four inputs in each; 32 is added to each.
        #[inline]
        #[target_feature(enable = $features)]
        unsafe fn sixes(block: *const Lane, half: usize, h: usize) -> [I; 4] {
            // SAFETY: the caller points to the six lanes of a block.
            unsafe {
                let tops = tops(lane_of(block.add(4 + half), h));
                std::array::from_fn(|j| {
                    let x = lane_of(block.add(j), h);
                    both(if half == 0 { low(x) } else { high(x) }, tops[j])
                })
            }
        }

        #[target_feature(enable = $features)]
        unsafe fn six<const HALVES: bool, const MINS: bool>(
            lanes: &[Lane],
            scales: &[u16],
            acts: &Acts,
            rows: Range<usize>,
            out: &mut [f32],
        ) {
            let blocks = acts.k / 32;
            let mut bytes = [const { [const { MaybeUninit::<Lane>::uninit() }; 8] }; CHUNK];
            // SAFETY: the caller promises k / 32 blocks of lanes and scales, and that all rows lie inside of `acts` and `out`;
            // only blocks that were widened are read.
            unsafe {
                match rows.len() {
                    $($few => return few_six::<$few, HALVES, MINS>(lanes, scales, acts, rows.start, out),)*
                    _ => {}
                }
                for first in (0..blocks).step_by(CHUNK) {
                    let span = first..(first + CHUNK).min(blocks);
                    for (b, bytes) in span.clone().zip(&mut bytes) {
                        for half in 0..2 {
                            for h in 0..N {
                                let w = sixes(lanes.as_ptr().add(b * 6), half, h);
                                (0..4).for_each(|j| put_lane(bytes[half * 4 + j].as_mut_ptr(), h, w[j]));
                            }
                        }
                    }
                    let mut i = 0;
                    while i < rows.len() {
                        let (at, left, o) = (rows.start + i, rows.len() - i, out[i * PANEL..].as_mut_ptr());
                        let span = span.clone();
                        i += if at < acts.eights.rows {
                            rows_six::<$four8, true, HALVES, MINS>(&bytes, scales, span, Source::new(acts, at), o);
                            $four8
                        } else {
                            $(if left >= $four {
                                rows_six::<$four, false, HALVES, MINS>(&bytes, scales, span, Source::new(acts, at), o);
                                $four
                            } else)* { break }
                        };
                    }
                }
            }
        }

        /// R rows of activations against some blocks of a panel of six-bit weights, which `bytes` holds one behind another.
        #[inline]
        #[target_feature(enable = $features)]
        unsafe fn rows_six<const R: usize, const EIGHTS: bool, const HALVES: bool, const MINS: bool>(
            bytes: &[[MaybeUninit<Lane>; 8]; CHUNK],
            scales: &[u16],
            span: Range<usize>,
            acts: Source<EIGHTS>,
            out: *mut f32,
        ) {
            let kinds = 1 + HALVES as usize + MINS as usize;
            // SAFETY: the caller promises R rows in `acts` and `out`, and bytes and scales of all blocks of `span`.
            unsafe {
                let mut total: [[F; N]; R] =
                    std::array::from_fn(|r| std::array::from_fn(|h| load(out.add(r * PANEL + h * WIDTH))));
                for (b, bytes) in span.zip(bytes) {
                    let scales = scales.as_ptr().add(b * kinds * PANEL);
                    let mut sum = [[zero(); N]; R];
                    for half in 0..2 {
                        for r in 0..R {
                            let less = whole(acts.less(r, 2 * b + half) / 4);
                            (0..N).for_each(|h| sum[r][h] = if HALVES { less } else { add(sum[r][h], less) });
                        }
                        for g in [half * 4, half * 4 + 2] {
                            let w: [[I; 2]; N] = std::array::from_fn(|h| {
                                [lane_of(bytes[g].as_ptr(), h), lane_of(bytes[g + 1].as_ptr(), h)]
                            });
                            for r in 0..R {
                                let a = [four(acts.q(r, b * 8 + g)), four(acts.q(r, b * 8 + g + 1))];
                                (0..N).for_each(|h| sum[r][h] = add_six(sum[r][h], w[h], a));
                            }
                        }
                        if HALVES || half == 1 {
                            for h in 0..N {
                                let scale = halves(scales.add(if HALVES { half * PANEL } else { 0 } + h * WIDTH));
                                for r in 0..R {
                                    let d = splat(acts.scale(r, b).0);
                                    total[r][h] = fma(float(sum[r][h]), mul(scale, d), total[r][h]);
                                }
                            }
                        }
                    }
                    for h in 0..if MINS { N } else { 0 } {
                        let min = halves(scales.add(PANEL + h * WIDTH));
                        for r in 0..R {
                            total[r][h] = fma(min, splat(acts.scale(r, b).1), total[r][h]);
                        }
                    }
                }
                for r in 0..R {
                    (0..N).for_each(|h| store(out.add(r * PANEL + h * WIDTH), total[r][h]));
                }
            }
        }

        /// R rows of activations from row `at` on against a panel of six-bit weights, which is unpacked on the way.
        #[target_feature(enable = $features)]
        unsafe fn few_six<const R: usize, const HALVES: bool, const MINS: bool>(
            lanes: &[Lane],
            scales: &[u16],
            acts: &Acts,
            at: usize,
            out: &mut [f32],
        ) {
            let kinds = 1 + HALVES as usize + MINS as usize;
            let a = Source::<false>::new(acts, at);
            let mut total = [[splat(0.0); N]; R];
            // SAFETY: the caller promises k / 32 blocks of lanes and scales and R rows in `acts` and `out`.
            unsafe {
                for b in 0..acts.k / 32 {
                    for h in 0..N {
                        let scales = scales.as_ptr().add(b * kinds * PANEL + h * WIDTH);
                        let mut sum = [zero(); R];
                        for half in 0..2 {
                            let w = sixes(lanes.as_ptr().add(b * 6), half, h);
                            for r in 0..R {
                                // What was added to the weights is taken back: 32 for each input.
                                let less = a.less(r, 2 * b + half) / 4;
                                sum[r] = if HALVES || half == 0 { whole(less) } else { add(sum[r], whole(less)) };
                                let g = b * 8 + half * 4;
                                sum[r] = add_six(sum[r], [w[0], w[1]], [four(a.q(r, g)), four(a.q(r, g + 1))]);
                                sum[r] = add_six(sum[r], [w[2], w[3]], [four(a.q(r, g + 2)), four(a.q(r, g + 3))]);
                            }
                            if HALVES || half == 1 {
                                let scale = halves(scales.add(if HALVES { half * PANEL } else { 0 }));
                                for r in 0..R {
                                    total[r][h] = fma(float(sum[r]), mul(scale, splat(a.scale(r, b).0)), total[r][h]);
                                }
                            }
                        }
                        if MINS {
                            let min = halves(scales.add(PANEL));
                            for r in 0..R {
                                total[r][h] = fma(min, splat(a.scale(r, b).1), total[r][h]);
                            }
                        }
                    }
                }
                for r in 0..R {
                    (0..N).for_each(|h| store(out.as_mut_ptr().add(r * PANEL + h * WIDTH), total[r][h]));
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
    };
}

pub(super) use products;

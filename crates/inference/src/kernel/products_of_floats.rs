//! Products of packed floats with activations, written once for every kind of vector, as those of integers in `products`.
#![allow(unsafe_code)]

use super::{Goal, PANEL};
use core::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};
use std::ops::Range;

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

/// Defines `floats` for the features. At once are multiplied so many rows, against so many panels; each list of rows falls
/// and ends with 1.
macro_rules! products_of_floats {
    ($features:tt, rows [$($float:literal)*], panels [$($panels:literal)*]) => {
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

pub(super) use products_of_floats;

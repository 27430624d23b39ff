//! Products in 8 bits with one scale for each row of weights and of activations: coarser than `matrix` and faster, for
//! encoders, whose vectors are measured with it. Activations are levels from the row's lowest value up, `low + d * q` with q
//! from 0 to 255; weights go from -63 to 63, so that two products fit into 16 bits (2 x 255 x 63 = 32,130).
//!
//! Sixteen output rows make a panel; in it a lane holds four consecutive inputs of each.

use super::pool::{Parts, Pool};
use super::{Job, Kernels, Lane, MOST_PANELS, PANEL, Panels, Then, by_panels};
use crate::error::Error;
use std::ops::Range;

/// The largest weight.
const MOST: f32 = 63.0;

/// Weights of `n` outputs and `k` inputs.
#[derive(Debug)]
pub struct Rowwise {
    /// Outputs.
    pub n: usize,
    /// Inputs, a multiple of 32.
    pub k: usize,
    pub(super) lanes: Vec<Lane>, // [panels][k / 4]
    pub(super) scales: Vec<f32>, // [panels][16]
    pub(super) sums: Vec<f32>,   // [panels][16], of the integers
}

/// Activations as levels.
#[derive(Debug, Default)]
pub struct Levels {
    /// Inputs in a row.
    pub k: usize,
    /// Levels `[m][k]`.
    pub q: Vec<u8>,
    /// Lowest value and step of each row `[m]`.
    pub steps: Vec<[f32; 2]>,
}

/// Makes levels of one row and returns its lowest value and step.
pub type Level = fn(&[f32], &mut [u8]) -> [f32; 2];
/// Multiplies some rows of levels with some panels, into `[rows][panels][16]`, and adds the bias of each output, where there is
/// one.
pub type Multiply = fn(&Rowwise, Panels<'_>, &Levels, Range<usize>, &mut [f32]);

impl Rowwise {
    /// Packs f32 rows, row after row.
    ///
    /// # Errors
    /// `Damaged` where the numbers do not match the shape, or `k` is no multiple of 32.
    pub fn pack(rows: &[f32], n: usize, k: usize, pool: &Pool) -> Result<Self, Error> {
        if n == 0 || k == 0 || !k.is_multiple_of(32) || n.checked_mul(k) != Some(rows.len()) {
            return Err(Error::Damaged(format!("{} weights for a matrix {n} x {k}", rows.len())));
        }
        let most = |row: &[f32]| row.iter().fold(0f32, |a, x| a.max(x.abs()));
        let mut scales: Vec<f32> = rows.chunks_exact(k).map(|row| most(row) / MOST).collect();
        let mut lanes = vec![Lane([0; 4 * PANEL]); n.div_ceil(PANEL) * (k / 4)];
        let integer = |r: usize, i: usize| {
            let s = scales[r];
            if s > 0.0 { (rows[r * k + i] / s).round().clamp(-MOST, MOST) as i8 } else { 0 }
        };
        pool.chunks(&mut lanes, k / 4, &|p, lanes| {
            for r in 0..PANEL.min(n - p * PANEL) {
                for i in 0..k {
                    lanes[i / 4].0[r * 4 + i % 4] = integer(p * PANEL + r, i) as u8;
                }
            }
        });
        let mut sums: Vec<f32> = (0..n).map(|r| (0..k).map(|i| f32::from(integer(r, i))).sum()).collect();
        sums.resize(n.next_multiple_of(PANEL), 0.0);
        scales.resize(n.next_multiple_of(PANEL), 0.0);
        Ok(Self { n, k, lanes, scales, sums })
    }

    /// Returns the bytes held in memory.
    pub fn bytes(&self) -> usize {
        size_of_val(&self.lanes[..]) + size_of_val(&self.scales[..]) + size_of_val(&self.sums[..])
    }
}

impl Levels {
    /// Makes levels of the first `m` rows of `x`, `[m][k]`.
    pub fn read(&mut self, x: &[f32], m: usize, k: usize, kernels: &Kernels, pool: &Pool) {
        self.k = k;
        self.q.resize(self.q.len().max(m * k), 0);
        self.steps.resize(self.steps.len().max(m), [0.0; 2]);
        let (q, steps) = (Parts::new(&mut self.q, k), Parts::new(&mut self.steps, 1));
        pool.run(m, &|rows| {
            for i in rows {
                #[allow(unsafe_code)]
                // SAFETY: every row is visited once.
                let (q, step) = unsafe { (q.part(i), step_of(steps.part(i))) };
                if let Some(step) = step {
                    *step = (kernels.level)(&x[i * k..][..k], q);
                }
            }
        });
    }
}

fn step_of(steps: &mut [[f32; 2]]) -> Option<&mut [f32; 2]> {
    steps.first_mut()
}

/// Multiplies the first `m` rows of levels with several matrices of equal `k`.
pub fn products(
    acts: &Levels,
    m: usize,
    jobs: &mut [Job<'_, &Rowwise>],
    then: Then<'_>,
    kernels: &Kernels,
    pool: &Pool,
) {
    by_panels(m, jobs, &|w| (w.n, kernels.panels), then, pool, &|w, panels, rows, block| {
        (kernels.multiply)(w, panels, acts, rows, block);
    });
}

/// Makes of sums, which stand in `out` as the bits of integers, what they stand for. To be inlined into a kernel set, for its
/// instructions.
#[inline(always)]
pub(super) fn widen(w: &Rowwise, panels: Panels<'_>, acts: &Levels, rows: Range<usize>, out: &mut [f32]) {
    let Panels { which: panels, bias, goal: _ } = panels;
    const NONE: [f32; MOST_PANELS * PANEL] = [0.0; MOST_PANELS * PANEL];
    let wide = panels.start * PANEL..panels.end * PANEL;
    let bias = bias.get(wide.clone()).unwrap_or(&NONE);
    for (p, bias) in bias.as_chunks::<PANEL>().0.iter().enumerate().take(panels.len()) {
        let column = wide.start + p * PANEL;
        let (Some(scales), Some(sums)) = (w.scales[column..].first_chunk(), w.sums[column..].first_chunk()) else {
            return;
        };
        let [scales, sums]: [&[f32; PANEL]; 2] = [scales, sums];
        for ([low, step], row) in
            acts.steps[rows.clone()].iter().zip(out.as_chunks_mut::<PANEL>().0.chunks_exact_mut(panels.len()))
        {
            let out = &mut row[p];
            for i in 0..PANEL {
                out[i] = scales[i] * (step * out[i].to_bits().cast_signed() as f32 + low * sums[i]) + bias[i];
            }
        }
    }
}

/// `Kernels::level` in plain Rust.
pub(super) fn level(x: &[f32], q: &mut [u8]) -> [f32; 2] {
    let (low, high) = x.iter().fold((f32::MAX, f32::MIN), |(l, h), x| (l.min(*x), h.max(*x)));
    let step = (high - low) / 255.0;
    let inverse = if step > 0.0 { 1.0 / step } else { 0.0 };
    q.iter_mut().zip(x).for_each(|(q, x)| *q = ((x - low) * inverse).round_ties_even() as u8);
    [low, step]
}

/// `Kernels::multiply` in plain Rust.
pub(super) fn multiply(w: &Rowwise, panels: Panels<'_>, acts: &Levels, rows: Range<usize>, out: &mut [f32]) {
    let wide = panels.which.len() * PANEL;
    for (q, out) in acts.q.chunks_exact(w.k).skip(rows.start).zip(out.chunks_exact_mut(wide)).take(rows.len()) {
        for (p, out) in panels.which.clone().zip(out.chunks_exact_mut(PANEL)) {
            let lanes = &w.lanes[p * w.k / 4..][..w.k / 4];
            for (r, o) in out.iter_mut().enumerate() {
                let weight = |i: usize| i32::from(lanes[i / 4].0[r * 4 + i % 4] as i8);
                let sum: i32 = q.iter().enumerate().map(|(i, q)| i32::from(*q) * weight(i)).sum();
                *o = f32::from_bits(sum.cast_unsigned());
            }
        }
    }
    widen(w, panels, acts, rows, out);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::tests::noise;

    /// Near to f32, the same in both kernel sets, and the same for one row and many.
    #[test]
    fn products_are_near_and_the_same_everywhere() {
        let pool = Pool::new(2);
        let (n, k, m) = (40, 96, 31);
        let (rows, x) = (noise(3, n * k), noise(5, m * k).iter().map(|x| x * x * 3.0 - 0.4).collect::<Vec<_>>());
        let w = Rowwise::pack(&rows, n, k, &pool).unwrap();
        let run = |kernels: &Kernels, x: &[f32], m: usize| {
            let (mut acts, mut out) = (Levels::default(), vec![0.0; m * n]);
            acts.read(x, m, k, kernels, &pool);
            products(&acts, m, &mut [Job::new(&w, &mut out)], None, kernels, &pool);
            out
        };
        let fast = run(Kernels::detect(), &x, m);
        for kernels in Kernels::all() {
            assert_eq!(run(kernels, &x, m), fast, "{}", kernels.name);
        }
        for (i, x) in x.chunks_exact(k).enumerate() {
            assert_eq!(run(Kernels::detect(), x, 1), fast[i * n..][..n]);
            for (w, got) in rows.chunks_exact(k).zip(&fast[i * n..]) {
                let want: f32 = w.iter().zip(x).map(|(w, x)| w * x).sum();
                assert!((got - want).abs() < 0.3, "{got} and not {want}");
            }
        }
        assert!(w.bytes() < 48 * k + 8 * 48 + 1);
        assert!(Rowwise::pack(&rows, n, 95, &pool).is_err() && Rowwise::pack(&rows[1..], n, k, &pool).is_err());
        let flat = [2.5; 32];
        assert_eq!((Kernels::detect().level)(&flat, &mut [0; 32]), [2.5, 0.0]);
    }
}

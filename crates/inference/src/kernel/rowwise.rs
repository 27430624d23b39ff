//! Products in 8 bits with one scale for each row of weights and of activations: coarser than `matrix` and faster, for
//! encoders, whose vectors are measured with it. Activations are levels from the row's lowest value up, `low + d * q` with q
//! from 0 to 255; weights go from -63 to 63, so that two products fit into 16 bits (2 x 255 x 63 = 32,130).
//!
//! Sixteen output rows make a panel; in it a lane holds four consecutive inputs of each.

use super::pool::{Parts, Pool};
use super::{Kernels, Lane, PANEL};
use crate::error::Error;

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
    scales: Vec<f32>,            // [n]
    sums: Vec<f32>,              // [n], of the integers
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
/// Multiplies some rows of levels (`[rows][k]`) with one panel (`[k / 4]` lanes), into integers `[rows][16]`.
pub type Multiply = fn(&[Lane], &[u8], usize, &mut [i32]);

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
        let scales: Vec<f32> = rows.chunks_exact(k).map(|row| most(row) / MOST).collect();
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
        let sums = (0..n).map(|r| (0..k).map(|i| f32::from(integer(r, i))).sum()).collect();
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

/// Multiplies the first `m` rows of levels with several matrices of equal `k`, each into `[m][n]`.
pub fn products(acts: &Levels, m: usize, jobs: &mut [(&Rowwise, &mut [f32])], kernels: &Kernels, pool: &Pool) {
    /// Rows of activations that one panel is multiplied with in one go.
    const ROWS: usize = 64;
    let chunks = m.div_ceil(ROWS);
    let mut total = 0;
    let jobs: Vec<_> = jobs
        .iter_mut()
        .map(|(w, out)| {
            assert!(w.k == acts.k);
            let from = total;
            total += w.n.div_ceil(PANEL) * chunks;
            (*w, Parts::new(out, 1), from)
        })
        .collect();
    pool.run(total, &|units| {
        let mut block = [0i32; ROWS * PANEL];
        for u in units {
            let Some((w, out, from)) = jobs.iter().rev().find(|j| j.2 <= u) else { continue };
            let (panel, chunk) = ((u - from) / chunks, (u - from) % chunks);
            let rows = chunk * ROWS..((chunk + 1) * ROWS).min(m);
            let lanes = &w.lanes[panel * w.k / 4..][..w.k / 4];
            (kernels.multiply)(lanes, &acts.q[rows.start * w.k..rows.end * w.k], w.k, &mut block);
            let width = PANEL.min(w.n - panel * PANEL);
            let (scales, sums) = (&w.scales[panel * PANEL..][..width], &w.sums[panel * PANEL..][..width]);
            for (i, sum) in rows.zip(block.chunks_exact(PANEL)) {
                let [low, step] = acts.steps[i];
                #[allow(unsafe_code)]
                // SAFETY: each unit writes its own panel and rows, and no other unit does.
                let to = unsafe { out.span(i * w.n + panel * PANEL, width) };
                for (((o, s), scale), all) in to.iter_mut().zip(sum).zip(scales).zip(sums) {
                    *o = scale * (step * *s as f32 + low * all);
                }
            }
        }
    });
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
pub(super) fn multiply(lanes: &[Lane], q: &[u8], k: usize, out: &mut [i32]) {
    for (q, out) in q.chunks_exact(k).zip(out.chunks_exact_mut(PANEL)) {
        for (r, o) in out.iter_mut().enumerate() {
            let weight = |i: usize| i32::from(lanes[i / 4].0[r * 4 + i % 4] as i8);
            *o = q.iter().enumerate().map(|(i, q)| i32::from(*q) * weight(i)).sum();
        }
    }
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
            products(&acts, m, &mut [(&w, &mut out)], kernels, &pool);
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
        assert!(w.bytes() < 48 * k + 8 * n + 1);
        assert!(Rowwise::pack(&rows, n, 95, &pool).is_err() && Rowwise::pack(&rows[1..], n, k, &pool).is_err());
        let flat = [2.5; 32];
        assert_eq!((Kernels::detect().level)(&flat, &mut [0; 32]), [2.5, 0.0]);
    }
}

//! The small parts of an encoder: a matrix with its bias, norms over the whole state, activations, and how they are
//! read from a file.

use super::safetensors::Tensors;
use super::shape::Activation;
use crate::architecture::Has;
use crate::error::Error;
use crate::kernel::rowwise::{self, Levels, Rowwise};
use crate::kernel::{Acts, Job, Kernels, Matrix, PANEL, Pool, Then};
use std::io::{Read, Seek};

/// In what numbers weights are kept and products computed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Precision {
    /// f32, whatever the file has.
    Full,
    /// 8-bit integers, activations too (`kernel::rowwise`), where the width is a multiple of 32; f32 elsewhere.
    Eight,
}

/// Weights in either form.
pub(super) enum Weight {
    Full(Matrix),
    Eight(Rowwise),
}

/// What sublayers read, in the form that their products want.
#[derive(Default)]
pub(super) struct Input {
    pub(super) acts: Acts,
    levels: Levels,
}

/// A matrix and its bias.
pub(super) struct Linear {
    weight: Weight,
    bias: Vec<f32>, // for each of the sixteen outputs of a panel, or empty
}

/// A norm over mean and variance.
pub(super) struct Norm {
    weight: Vec<f32>,
    bias: Option<Vec<f32>>,
    eps: f32,
}

/// Reads the parts from a file.
pub(super) struct Parts<'a, R> {
    pub(super) tensors: Tensors<R>,
    pub(super) pool: &'a Pool,
    pub(super) precision: Precision,
    pub(super) bias: Has,
    pub(super) norm_bias: Has,
    pub(super) eps: f32,
}

impl<R: Read + Seek + Send> Parts<'_, R> {
    fn bias(&mut self, has: Has, name: &str, n: usize) -> Result<Option<Vec<f32>>, Error> {
        let name = format!("{name}.bias");
        match has {
            Has::Never => Ok(None),
            Has::Perhaps if !self.tensors.has(&name) => Ok(None),
            Has::Perhaps | Has::Always => self.tensors.get(&name, &[n]).map(Some),
        }
    }

    /// A norm over states of width `n`.
    pub(super) fn norm(&mut self, name: &str, n: usize) -> Result<Norm, Error> {
        let weight = self.tensors.get(&format!("{name}.weight"), &[n])?;
        Ok(Norm { weight, bias: self.bias(self.norm_bias, name, n)?, eps: self.eps })
    }

    /// Several matrices of `n` outputs and `k` inputs whose rows stand one after another in one tensor.
    pub(super) fn stacked(&mut self, name: &str, count: usize, n: usize, k: usize) -> Result<Vec<Linear>, Error> {
        let rows = self.tensors.get(&format!("{name}.weight"), &[count * n, k])?;
        let bias = self.bias(self.bias, name, count * n)?;
        let part = |(i, rows): (usize, &[f32])| {
            let mut bias = bias.as_ref().map_or_else(Vec::new, |b| b[i * n..(i + 1) * n].to_vec());
            bias.resize(bias.len().next_multiple_of(PANEL), 0.0);
            Ok(Linear { weight: self.pack(rows, n, k)?, bias })
        };
        rows.chunks_exact(n * k).enumerate().map(part).collect()
    }

    /// A matrix of `n` outputs and `k` inputs.
    pub(super) fn linear(&mut self, name: &str, n: usize, k: usize) -> Result<Linear, Error> {
        let one = self.stacked(name, 1, n, k)?.pop();
        one.ok_or_else(|| Error::Damaged(format!("tensor {name} is empty")))
    }

    fn pack(&self, rows: &[f32], n: usize, k: usize) -> Result<Weight, Error> {
        match self.precision {
            Precision::Eight if k.is_multiple_of(32) => Rowwise::pack(rows, n, k, self.pool).map(Weight::Eight),
            _ => Matrix::dense(rows, n, k, self.pool).map(Weight::Full),
        }
    }

    /// Vectors by token, for looking up.
    pub(super) fn table(&mut self, name: &str, n: usize, k: usize) -> Result<Matrix, Error> {
        let rows = self.tensors.get(&format!("{name}.weight"), &[n, k])?;
        match self.precision {
            Precision::Eight if k.is_multiple_of(32) => Matrix::eight(&rows, n, k, self.pool),
            _ => Matrix::dense(&rows, n, k, self.pool),
        }
    }
}

impl Input {
    /// Makes the first `m` rows ready for products.
    pub(super) fn ready(&mut self, m: usize, precision: Precision, kernels: &Kernels, pool: &Pool) {
        if precision == Precision::Eight && self.acts.k.is_multiple_of(32) {
            self.levels.read(&self.acts.x, m, self.acts.k, kernels, pool);
        }
    }

    /// Multiplies the first `m` rows with matrices of one kind, each into `[m][n]`, adds their biases and does what `then`
    /// says.
    pub(super) fn products(
        &self,
        m: usize,
        jobs: Vec<(&Linear, &mut [f32])>,
        then: Then<'_>,
        kernels: &Kernels,
        pool: &Pool,
    ) {
        let (mut full, mut eight) = (Vec::new(), Vec::new());
        for (l, out) in jobs {
            match &l.weight {
                Weight::Full(w) => full.push(Job { w, bias: &l.bias, out }),
                Weight::Eight(w) => eight.push(Job { w, bias: &l.bias, out }),
            }
        }
        if !full.is_empty() {
            kernels.products_then(&self.acts, m, &mut full, then, pool);
        }
        if !eight.is_empty() {
            rowwise::products(&self.levels, m, &mut eight, then, kernels, pool);
        }
    }
}

impl Linear {
    /// Bytes in memory.
    pub(super) fn bytes(&self) -> usize {
        let weight = match &self.weight {
            Weight::Full(w) => w.bytes(),
            Weight::Eight(w) => w.bytes(),
        };
        weight + size_of_val(&self.bias[..])
    }

    /// One row times the matrix, for heads.
    pub(super) fn apply(&self, x: &[f32], precision: Precision, kernels: &Kernels, pool: &Pool) -> Vec<f32> {
        let n = match &self.weight {
            Weight::Full(w) => w.n,
            Weight::Eight(w) => w.n,
        };
        let (mut input, mut out) = (Input::default(), vec![0.0; n]);
        input.acts.k = x.len();
        input.acts.x = x.to_vec();
        input.ready(1, precision, kernels, pool);
        input.products(1, vec![(self, &mut out)], None, kernels, pool);
        out
    }
}

impl Norm {
    /// Normalizes a state in place.
    pub(super) fn apply(&self, x: &mut [f32]) {
        let n = x.len() as f32;
        let mean = lanes(x, |x| x) / n;
        let variance = lanes(x, |x| (x - mean) * (x - mean)) / n;
        let inverse = 1.0 / (variance + self.eps).sqrt();
        match &self.bias {
            Some(bias) => {
                for ((x, w), b) in x.iter_mut().zip(&self.weight).zip(bias) {
                    *x = (*x - mean) * inverse * w + b;
                }
            }
            None => x.iter_mut().zip(&self.weight).for_each(|(x, w)| *x = (*x - mean) * inverse * w),
        }
    }
}

/// A sum in eight independent lanes, so that it can be vectorized.
fn lanes(x: &[f32], f: impl Fn(f32) -> f32) -> f32 {
    let (whole, rest) = x.as_chunks::<8>();
    let mut parts = [0f32; 8];
    for c in whole {
        parts.iter_mut().zip(c).for_each(|(p, x)| *p += f(*x));
    }
    parts.iter().sum::<f32>() + rest.iter().map(|x| f(*x)).sum::<f32>()
}

/// Adds y to x.
pub(super) fn add(x: &mut [f32], y: &[f32]) {
    x.iter_mut().zip(y).for_each(|(x, y)| *x += y);
}

impl Activation {
    /// Replaces x by what the activation makes of it, times `by` where there is a gate.
    pub(super) fn apply(self, x: &mut [f32], by: Option<&[f32]>, kernels: &Kernels) {
        const ONES: [f32; 64] = [1.0; 64];
        let product = match self {
            Self::Silu => kernels.silu_mul,
            Self::GeluTanh => kernels.gelu_mul,
            Self::Gelu | Self::Relu => {
                if self == Self::Gelu {
                    (kernels.gelu)(x);
                } else {
                    x.iter_mut().for_each(|x| *x = x.max(0.0));
                }
                if let Some(by) = by {
                    x.iter_mut().zip(by).for_each(|(x, y)| *x *= y);
                }
                return;
            }
        };
        match by {
            Some(by) => product(x, by),
            None => x.chunks_mut(ONES.len()).for_each(|x| product(x, &ONES[..x.len()])),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Both kernel sets against the definitions, with and without a gate.
    #[test]
    fn activations_are_what_they_are_called() {
        let x: Vec<f32> = (0..203).map(|i| (i as f32 - 100.0) / 20.0).collect();
        let by: Vec<f32> = x.iter().map(|x| 0.5 - x).collect();
        let tanh = |x: f32| (0.797_884_6 * (x + 0.044_715 * x.powi(3))).tanh();
        let want = |a: Activation, x: f32| match a {
            Activation::Silu => x / (1.0 + (-x).exp()),
            Activation::GeluTanh => 0.5 * x * (1.0 + tanh(x)),
            Activation::Relu => x.max(0.0),
            Activation::Gelu => 0.5 * x * (1.0 + tanh(x)), // within 5e-4 of the form with erf
        };
        for kernels in [Kernels::detect(), Kernels::plain()] {
            for a in [Activation::Silu, Activation::GeluTanh, Activation::Relu, Activation::Gelu] {
                let (mut plain, mut gated) = (x.clone(), x.clone());
                a.apply(&mut plain, None, kernels);
                a.apply(&mut gated, Some(&by), kernels);
                for (((x, by), plain), gated) in x.iter().zip(&by).zip(&plain).zip(&gated) {
                    assert!((plain - want(a, *x)).abs() < 1e-3, "{a:?} of {x} is not {plain}");
                    assert!(
                        (gated - plain * by).abs() < 1e-4 * (1.0 + by.abs()),
                        "{a:?} of {x}, gated, is not {gated}"
                    );
                }
            }
        }
    }
}

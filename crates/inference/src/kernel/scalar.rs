//! The kernels in plain Rust: for processors without a faster set, and as what the faster sets are compared with.

use super::rowwise::{level, multiply};
use super::{Acts, Attend, Emit, Form, Kernels, Matrix, PAGE, PANEL, Panels, Row, Scales, spare};
use half::f16;
use std::ops::Range;

/// The plain set.
pub static KERNELS: Kernels = Kernels {
    name: "plain",
    quantize,
    spare,
    gemm,
    floats,
    attend,
    silu_mul,
    gelu_mul,
    gelu,
    level,
    multiply,
    eights: false,
    panels: 1,
};

fn quantize(x: &[f32], q: &mut [i8], d: &mut [f32], s: &mut [f32], less: &mut [i32]) {
    let blocks = x.as_chunks::<32>().0.iter().zip(q.as_chunks_mut::<32>().0);
    for (((x, q), (d, s)), less) in blocks.zip(d.iter_mut().zip(s)).zip(less.as_chunks_mut::<2>().0) {
        let most = x.iter().fold(0f32, |a, x| a.max(x.abs()));
        let inverse = if most > 0.0 { 127.0 / most } else { 0.0 };
        *d = most / 127.0;
        let mut sums = [0i32; 2];
        for (i, (q, x)) in q.iter_mut().zip(x).enumerate() {
            *q = (x * inverse).round_ties_even() as i8;
            sums[i / 16] += i32::from(*q);
        }
        *s = *d * sums[0].wrapping_add(sums[1]) as f32;
        *less = sums.map(|sum| sum.wrapping_mul(-128));
    }
}

fn gemv(w: &Matrix, panel: usize, a: Row<'_>) -> [f32; PANEL] {
    let mut out = [0f32; PANEL];
    if w.form == Form::Dense {
        for (x, w) in a.x.iter().zip(w.dense[panel * w.k * PANEL..].chunks_exact(PANEL)) {
            for (o, w) in out.iter_mut().zip(w) {
                *o = x.mul_add(*w, *o);
            }
        }
        return out;
    }
    if w.form == Form::Half {
        for (x, w) in a.x.iter().zip(w.scales[panel * w.k * PANEL..].chunks_exact(PANEL)) {
            for (o, w) in out.iter_mut().zip(w) {
                *o = x.mul_add(f16::from_bits(*w).to_f32(), *o);
            }
        }
        return out;
    }
    let (blocks, nl, ns) = (w.k / 32, w.form.lanes(), w.form.scales());
    for (r, o) in out.iter_mut().enumerate() {
        for b in 0..blocks {
            let lanes = &w.lanes[(panel * blocks + b) * nl..][..nl];
            let [d0, d1, m] = w.form.unpack(&w.scales[(panel * blocks + b) * ns..][..ns], r);
            let q = &a.q[b * 32..][..32];
            let dot = |from: usize| -> i32 {
                (from..from + 16).map(|i| i32::from(w.form.weight(lanes, r, i)) * i32::from(q[i])).sum()
            };
            if matches!(w.form, Form::Six(Scales::Halves) | Form::Eight(Scales::Halves)) {
                *o = (dot(0) as f32).mul_add(d0 * a.d[b], *o);
                *o = (dot(16) as f32).mul_add(d1 * a.d[b], *o);
            } else {
                *o = ((dot(0) + dot(16)) as f32).mul_add(d0 * a.d[b], *o);
            }
            if matches!(w.form, Form::Four | Form::Six(Scales::Min) | Form::Eight(Scales::Min)) {
                *o = m.mul_add(a.s[b], *o);
            }
        }
        for (c, by) in a.at.iter().map(|c| *c as usize).zip(a.by) {
            let b = panel * blocks + c / 32;
            let scales = w.form.unpack(&w.scales[b * ns..][..ns], r);
            let weight = f32::from(w.form.weight(&w.lanes[b * nl..][..nl], r, c % 32));
            *o = weight.mul_add(scales[c % 32 / 16] * by, *o);
        }
    }
    out
}

fn gemm(w: &Matrix, panel: usize, acts: &Acts, rows: Range<usize>, out: &mut [f32]) {
    for (i, o) in rows.zip(out.chunks_exact_mut(PANEL)) {
        o.copy_from_slice(&gemv(w, panel, acts.integers(i)));
    }
}

fn floats(w: &Matrix, panels: Panels<'_>, acts: &Acts, rows: Range<usize>, out: &mut [f32]) {
    let Panels { which: panels, bias, goal: _ } = panels;
    for (i, o) in rows.zip(out.chunks_exact_mut(panels.len() * PANEL)) {
        for (p, o) in panels.clone().zip(o.chunks_exact_mut(PANEL)) {
            o.copy_from_slice(&gemv(w, p, acts.floats(i)));
            o.iter_mut().zip(bias.iter().skip(p * PANEL)).for_each(|(o, b)| *o += b);
        }
    }
}

fn attend(a: &Attend<'_>, g: usize, positions: Range<usize>, emit: &mut Emit<'_>) {
    let (d, base) = (a.head_dim, a.base + g * 2 * PAGE * a.head_dim);
    let f = |x: u16| f16::from_bits(x).to_f32();
    let mut row = vec![0f32; a.group * d];
    for i in positions {
        row.fill(0.0);
        for (h, out) in row.chunks_exact_mut(d).enumerate() {
            let q = &a.q[i * a.stride + (g * a.group + h) * d..][..d];
            let from = a.from(i);
            let mut scores: Vec<f32> = (from..a.seen(i))
                .map(|j| {
                    let k = &a.pages[j / PAGE][base + (j % PAGE) / 16 * 16 * d + j % 16..];
                    q.iter().zip(k.iter().step_by(16)).map(|(q, k)| q * a.scale * f(*k)).sum()
                })
                .collect();
            if let Some(slope) = a.slope(g * a.group + h) {
                let far = |j: usize| (a.first + i).abs_diff(j) as f32;
                scores.iter_mut().zip(from..).for_each(|(s, j)| *s -= slope * far(j));
            }
            if a.cap > 0.0 {
                scores.iter_mut().for_each(|s| *s = a.cap * (*s / a.cap).tanh());
            }
            let most = scores.iter().fold(f32::NEG_INFINITY, |a, x| a.max(*x));
            scores.iter_mut().for_each(|s| *s = (*s - most).exp());
            let inverse = 1.0 / scores.iter().sum::<f32>();
            for (j, p) in (from..).zip(&scores) {
                let v = &a.pages[j / PAGE][base + PAGE * d + (j % PAGE) * d..][..d];
                for (o, v) in out.iter_mut().zip(v) {
                    *o += p * inverse * f(*v);
                }
            }
        }
        emit(i, &row);
    }
}

fn silu_mul(a: &mut [f32], b: &[f32]) {
    for (a, b) in a.iter_mut().zip(b) {
        *a = *a / (1.0 + (-*a).exp()) * b;
    }
}

/// gelu(x) = x * sigmoid(2 * sqrt(2 / pi) * (x + 0.044715 x^3)).
fn gelu_mul(a: &mut [f32], b: &[f32]) {
    for (a, b) in a.iter_mut().zip(b) {
        let u = 1.595_769 * (*a + 0.044_715 * *a * *a * *a);
        *a = *a / (1.0 + (-u).exp()) * b;
    }
}

/// erf by Abramowitz and Stegun 7.1.26, absolute error under 1.5e-7.
fn gelu(x: &mut [f32]) {
    for x in x {
        let z = x.abs() * std::f32::consts::FRAC_1_SQRT_2;
        let t = 1.0 / (1.0 + 0.327_591_1 * z);
        let p = ((((1.061_405_4 * t - 1.453_152_1) * t + 1.421_413_8) * t - 0.284_496_72) * t + 0.254_829_6) * t;
        let erf = (1.0 - p * (-z * z).exp()).copysign(*x);
        *x = 0.5 * *x * (1.0 + erf);
    }
}

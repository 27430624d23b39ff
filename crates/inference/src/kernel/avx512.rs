//! The kernels with AVX-512 and its VNNI (x86-64 servers since 2019, desktops since Zen 4): sixteen outputs are one vector,
//! and products of bytes are added up by fours in one instruction.
#![allow(unsafe_code)]
#![allow(clippy::needless_range_loop, reason = "an index names the register in a tile")]

use super::avx512_attention::{attend, exp16};
use super::products::{CHUNK, MANY, Source, WIDE, products};
use super::products_of_floats::{DEEP, fetch, products_of_floats};
use super::rowwise::{Levels, Rowwise};
use super::{Acts, Form, Goal, Kernels, Lane, MOST_PANELS, Matrix, PANEL, Panels, Scales};
use core::arch::x86_64::*;
use std::mem::MaybeUninit;
use std::ops::Range;

/// Whether this processor runs these kernels.
pub fn available() -> bool {
    let wide = is_x86_feature_detected!("avx512f") && is_x86_feature_detected!("avx512bw");
    let more = is_x86_feature_detected!("avx512vl") && is_x86_feature_detected!("avx512dq");
    wide && more && is_x86_feature_detected!("avx512vnni") && super::avx2::available()
}

/// The set; to be used only where `available` says so.
pub static KERNELS: Kernels = Kernels {
    name: "avx512",
    // SAFETY (all): `Kernels::detect` gives this table out only after `available`.
    quantize: |x, q, d, s, less| unsafe { quantize(x, q, d, s, less) },
    spare: |x, at, by, tops| unsafe { spare(x, at, by, tops) },
    gemm: |w, p, a, r, o| unsafe { gemm(w, p, a, r, o) },
    floats: |w, p, a, r, o| unsafe { floats(w, p, a, r, o) },
    attend: |a, g, p, e| unsafe { attend(a, g, p, e) },
    silu_mul: |a, b| unsafe { silu_mul(a, b) },
    gelu_mul: |a, b| unsafe { gelu_mul(a, b) },
    gelu: |x| unsafe { gelu(x) },
    level: |x, q| unsafe { level(x, q) },
    multiply: |w, p, a, r, o| unsafe { multiply(w, p, a, r, o) },
    eights: true,
    panels: 3,
};

#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq,avx2,fma")]
fn spare(x: &mut [f32], at: &mut [u32], by: &mut [f32], tops: &mut [f32]) {
    super::spare(x, at, by, tops);
}

#[target_feature(enable = "avx512f,avx512bw,avx512vl")]
fn quantize(x: &[f32], q: &mut [i8], d: &mut [f32], s: &mut [f32], less: &mut [i32]) {
    let blocks = x.as_chunks::<32>().0.iter().zip(q.as_chunks_mut::<32>().0);
    for (((x, q), (d, s)), less) in blocks.zip(d.iter_mut().zip(s)).zip(less.as_chunks_mut::<2>().0) {
        // SAFETY: x and q have 32 elements each.
        unsafe {
            let v = [0, 16].map(|i| _mm512_loadu_ps(x.as_ptr().add(i)));
            let most = _mm512_reduce_max_ps(_mm512_max_ps(_mm512_abs_ps(v[0]), _mm512_abs_ps(v[1])));
            let inverse = _mm512_set1_ps(if most > 0.0 { 127.0 / most } else { 0.0 });
            let i = v.map(|v| _mm512_cvtps_epi32(_mm512_mul_ps(v, inverse)));
            for h in 0..2 {
                _mm_storeu_si128(q.as_mut_ptr().add(h * 16).cast(), _mm512_cvtepi32_epi8(i[h]));
            }
            let sums = i.map(|i| _mm512_reduce_add_epi32(i));
            *d = most / 127.0;
            *s = *d * sums[0].wrapping_add(sums[1]) as f32;
            *less = sums.map(|sum| sum.wrapping_mul(-128));
        }
    }
}

// What `products!` needs of sixteen floats or 64 bytes.
type F = __m512;
type I = __m512i;
/// Vectors of a panel's sixteen outputs.
const N: usize = 1;
/// Outputs of a vector.
const WIDTH: usize = 16;

#[inline]
#[target_feature(enable = "avx512f")]
fn splat(x: f32) -> F {
    _mm512_set1_ps(x)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn zero() -> I {
    _mm512_setzero_si512()
}

#[inline]
#[target_feature(enable = "avx512f")]
fn fma(a: F, b: F, c: F) -> F {
    _mm512_fmadd_ps(a, b, c)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn mul(a: F, b: F) -> F {
    _mm512_mul_ps(a, b)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn float(x: I) -> F {
    _mm512_cvtepi32_ps(x)
}

#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn load(p: *const f32) -> F {
    // SAFETY: the caller points to at least sixteen floats.
    unsafe { _mm512_loadu_ps(p) }
}

#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn store(p: *mut f32, x: F) {
    // SAFETY: the caller points to at least sixteen floats.
    unsafe { _mm512_storeu_ps(p, x) }
}

/// Sixteen f16.
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn halves(p: *const u16) -> F {
    // SAFETY: the caller points to at least sixteen f16.
    _mm512_cvtph_ps(unsafe { _mm256_loadu_si256(p.cast()) })
}

/// Four activations, for each of the sixteen rows.
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn four(q: *const i8) -> I {
    // SAFETY: the caller points to at least four bytes.
    _mm512_set1_epi32(unsafe { q.cast::<i32>().read_unaligned() })
}

/// A lane, which is one vector.
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn lane_of(p: *const Lane, _h: usize) -> I {
    // SAFETY: the caller points to a lane, which is aligned.
    unsafe { _mm512_load_si512(p.cast()) }
}

#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn put_lane(lane: *mut Lane, _h: usize, x: I) {
    // SAFETY: the caller points to a lane, which is aligned and has 64 bytes.
    unsafe { _mm512_store_si512(lane.cast(), x) }
}

/// The same whole number for each row.
#[inline]
#[target_feature(enable = "avx512f")]
fn whole(x: i32) -> I {
    _mm512_set1_epi32(x)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn add(a: I, b: I) -> I {
    _mm512_add_epi32(a, b)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn both(a: I, b: I) -> I {
    _mm512_or_si512(a, b)
}

/// The first to the fourth two bits of each byte, times 16.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn tops(x: I) -> [I; 4] {
    let shifted = [_mm512_slli_epi16::<4>(x), _mm512_slli_epi16::<2>(x), x, _mm512_srli_epi16::<2>(x)];
    shifted.map(|x| _mm512_and_si512(x, _mm512_set1_epi8(0x30)))
}

/// Six bits to bytes with a sign: 32 was added.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn signed(x: I) -> I {
    _mm512_sub_epi8(x, _mm512_set1_epi8(32))
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn low(x: I) -> I {
    _mm512_and_si512(x, _mm512_set1_epi8(15))
}

#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn high(x: I) -> I {
    low(_mm512_srli_epi16::<4>(x))
}

/// Four bits from bit `at` of each 32 on.
#[inline]
#[target_feature(enable = "avx512f")]
fn nibble(x: I, at: usize) -> I {
    _mm512_and_si512(_mm512_srlv_epi32(x, _mm512_set1_epi32(at as i32)), _mm512_set1_epi32(15))
}

/// The signed byte from bit `at` of each 32 on.
#[inline]
#[target_feature(enable = "avx512f")]
fn byte(x: I, at: usize) -> I {
    _mm512_srai_epi32::<24>(_mm512_sllv_epi32(x, _mm512_set1_epi32(24 - at as i32)))
}

#[inline]
#[target_feature(enable = "avx512f,avx512vnni")]
fn add_four(sum: I, w: I, a: I) -> I {
    _mm512_dpbusd_epi32(sum, w, a)
}

#[inline]
#[target_feature(enable = "avx512f")]
fn end_four(sum: I) -> I {
    sum
}

#[inline]
#[target_feature(enable = "avx512f,avx512vnni")]
fn add_six(sum: I, w: [I; 2], a: [I; 2]) -> I {
    _mm512_dpbusd_epi32(_mm512_dpbusd_epi32(sum, w[0], a[0]), w[1], a[1])
}

/// 128 is added, for the instruction takes weights without a sign.
#[inline]
#[target_feature(enable = "avx512f,avx512bw")]
fn weights(w: I) -> I {
    _mm512_xor_si512(w, _mm512_set1_epi8(-128))
}

#[inline]
#[target_feature(enable = "avx512f")]
fn begin_eight(less: i32) -> I {
    whole(less)
}

#[inline]
#[target_feature(enable = "avx512f,avx512vnni")]
fn add_eight(sum: I, w: I, a: I) -> I {
    _mm512_dpbusd_epi32(sum, w, a)
}

products!(
    "avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma",
    eights { four 8, eight 8, halves 8 },
    rows { few [1 2 3 4], four [4 2 1], eight [4 2 1] }
);

products_of_floats!("avx512f,avx512bw,avx512vl,avx512dq,avx512vnni,avx2,fma", rows [8 4 1], panels [1 2 3]);

#[target_feature(enable = "avx512f")]
fn silu_mul(a: &mut [f32], b: &[f32]) {
    gate_mul::<false>(a, b);
}

#[target_feature(enable = "avx512f")]
fn gelu_mul(a: &mut [f32], b: &[f32]) {
    gate_mul::<true>(a, b);
}

/// The first elements of a vector of up to sixteen.
#[inline]
fn first(n: usize) -> __mmask16 {
    if n >= 16 { !0 } else { (1 << n) - 1 }
}

/// `a * sigmoid(u) * b`, where u is a, or for the tanh form of GELU `2 * sqrt(2 / pi) * (a + 0.044715 a^3)`.
#[inline]
#[target_feature(enable = "avx512f")]
fn gate_mul<const GELU: bool>(a: &mut [f32], b: &[f32]) {
    for (a, b) in a.chunks_mut(16).zip(b.chunks(16)) {
        let mask = first(a.len().min(b.len()));
        // SAFETY: the mask keeps within both slices.
        unsafe {
            let (x, y) = (_mm512_maskz_loadu_ps(mask, a.as_ptr()), _mm512_maskz_loadu_ps(mask, b.as_ptr()));
            let mut u = x;
            if GELU {
                let cube = mul(mul(x, x), x);
                u = mul(splat(1.595_769), fma(splat(0.044_715), cube, x));
            }
            let e = _mm512_add_ps(splat(1.0), exp16(_mm512_sub_ps(splat(0.0), u)));
            _mm512_mask_storeu_ps(a.as_mut_ptr(), mask, mul(_mm512_div_ps(x, e), y));
        }
    }
}

/// erf by Abramowitz and Stegun 7.1.26, absolute error under 1.5e-7.
#[target_feature(enable = "avx512f,avx512dq")]
fn gelu(x: &mut [f32]) {
    for x in x.chunks_mut(16) {
        let mask = first(x.len());
        // SAFETY: the mask keeps within the slice.
        unsafe {
            let v = _mm512_maskz_loadu_ps(mask, x.as_ptr());
            let z = mul(_mm512_abs_ps(v), splat(std::f32::consts::FRAC_1_SQRT_2));
            let t = _mm512_div_ps(splat(1.0), fma(splat(0.327_591_1), z, splat(1.0)));
            let mut p = splat(1.061_405_4);
            for c in [-1.453_152_1, 1.421_413_8, -0.284_496_72, 0.254_829_6] {
                p = fma(p, t, splat(c));
            }
            let e = exp16(_mm512_sub_ps(splat(0.0), mul(z, z)));
            let erf = _mm512_fnmadd_ps(mul(p, t), e, splat(1.0));
            let erf = _mm512_or_ps(erf, _mm512_and_ps(v, splat(-0.0)));
            let half = mul(splat(0.5), v);
            _mm512_mask_storeu_ps(x.as_mut_ptr(), mask, fma(half, erf, half));
        }
    }
}

/// See `Kernels::level`.
#[target_feature(enable = "avx512f")]
fn level(x: &[f32], q: &mut [u8]) -> [f32; 2] {
    let (whole, rest) = x.as_chunks::<16>();
    assert!(rest.is_empty() && q.len() == x.len() && !whole.is_empty());
    let (mut lows, mut highs) = (splat(f32::MAX), splat(f32::MIN));
    for x in whole {
        // SAFETY: x has sixteen elements.
        let v = unsafe { load(x.as_ptr()) };
        (lows, highs) = (_mm512_min_ps(lows, v), _mm512_max_ps(highs, v));
    }
    let low = _mm512_reduce_min_ps(lows);
    let step = (_mm512_reduce_max_ps(highs) - low) / 255.0;
    let (least, inverse) = (splat(low), splat(if step > 0.0 { 1.0 / step } else { 0.0 }));
    for (x, q) in whole.iter().zip(q.as_chunks_mut::<16>().0) {
        // SAFETY: x and q have sixteen elements each.
        unsafe {
            let i = _mm512_cvtps_epi32(mul(_mm512_sub_ps(load(x.as_ptr()), least), inverse));
            _mm_storeu_si128(q.as_mut_ptr().cast(), _mm512_cvtusepi32_epi8(i));
        }
    }
    [low, step]
}

/// Groups of four levels that stay in the nearest cache while rows go by: 24 KB of weights of three panels.
const FOURS: usize = 128;

/// See `Kernels::multiply`.
#[target_feature(enable = "avx512f,avx512vnni")]
fn multiply(w: &Rowwise, panels: Panels<'_>, acts: &Levels, rows: Range<usize>, out: &mut [f32]) {
    let (k, n, columns) = (w.k, panels.which.len(), panels.which.start * PANEL..panels.which.end * PANEL);
    assert!(k.is_multiple_of(4) && acts.k == k && acts.q.len() >= rows.end * k && acts.steps.len() >= rows.end);
    assert!(out.len() >= rows.len() * n * PANEL);
    let means = Means {
        lanes: &w.lanes[panels.which.start * k / 4..panels.which.end * k / 4],
        scales: &w.scales[columns.clone()],
        sums: &w.sums[columns.clone()],
        bias: panels.bias.get(columns).unwrap_or(&[0.0; MOST_PANELS * PANEL][..n * PANEL]),
        goal: panels.goal,
    };
    // SAFETY: rows and panels were checked just now.
    unsafe {
        match n {
            1 => panels_of_levels::<1>(means, acts, rows, out),
            2 => panels_of_levels::<2>(means, acts, rows, out),
            3 => panels_of_levels::<3>(means, acts, rows, out),
            _ => {}
        }
    }
}

/// Panels of `Rowwise`, and where their products go.
#[derive(Clone, Copy)]
struct Means<'a> {
    lanes: &'a [Lane],
    scales: &'a [f32],
    sums: &'a [f32],
    bias: &'a [f32],
    goal: Goal,
}

/// Rows of levels against P panels.
#[target_feature(enable = "avx512f,avx512vnni")]
unsafe fn panels_of_levels<const P: usize>(means: Means<'_>, acts: &Levels, rows: Range<usize>, out: &mut [f32]) {
    let (k, lanes) = (acts.k, means.lanes.as_ptr());
    for first in (0..k / 4).step_by(FOURS) {
        let (span, mut i) = (first..(k / 4).min(first + FOURS), 0);
        while i < rows.len() {
            // SAFETY: the caller promises that all rows lie inside of `acts` and `out`, and P panels of k / 4 lanes.
            unsafe {
                // Meanwhile what comes next is fetched; behind the last weights it is the next panels'.
                if span.end == k / 4 {
                    means.goal.fetch(i..rows.len().min(i + 8), P);
                }
                for next in (span.end + i..span.end + i + 8).take_while(|next| *next < span.end + FOURS) {
                    let next = if span.end < k / 4 { next } else { next - k / 4 + P * (k / 4) };
                    (0..P).for_each(|p| fetch(lanes.wrapping_add(p * (k / 4) + next).cast()));
                }
                let (at, o) = (rows.start + i, out.as_mut_ptr().add(i * P * PANEL));
                i += match rows.len() - i {
                    8.. => tile_of_levels::<8, P>(span.clone(), means, acts, at, o),
                    4.. => tile_of_levels::<4, P>(span.clone(), means, acts, at, o),
                    _ => tile_of_levels::<1, P>(span.clone(), means, acts, at, o),
                };
            }
        }
    }
}

/// R rows of levels from row `at` on against P panels, for some fours of them. What came of those before stands in `out`, as
/// the bits of integers. Returns R.
#[inline]
#[target_feature(enable = "avx512f,avx512vnni")]
unsafe fn tile_of_levels<const R: usize, const P: usize>(
    span: Range<usize>,
    means: Means<'_>,
    acts: &Levels,
    at: usize,
    out: *mut f32,
) -> usize {
    let (k, lanes, last) = (acts.k, means.lanes.as_ptr(), span.end == acts.k / 4);
    let mut sum = [[zero(); P]; R];
    // SAFETY: the caller promises R rows of k levels, R rows of P times 16 numbers, and P panels.
    unsafe {
        let (q, steps) = (acts.q.as_ptr().add(at * k), acts.steps.as_ptr().add(at));
        // No closures here: where one of them is not inlined, sums leave their registers.
        if span.start > 0 {
            for r in 0..R {
                for p in 0..P {
                    sum[r][p] = _mm512_loadu_si512(out.add((r * P + p) * PANEL).cast());
                }
            }
        }
        for g in span {
            let mut w = [zero(); P];
            for p in 0..P {
                w[p] = lane_of(lanes.add(p * k / 4 + g), 0);
            }
            for r in 0..R {
                let a = four(q.add(r * k + g * 4).cast());
                for p in 0..P {
                    sum[r][p] = _mm512_dpbusd_epi32(sum[r][p], a, w[p]);
                }
            }
        }
        for p in 0..P {
            let [scale, all, bias] = [means.scales, means.sums, means.bias].map(|x| load(x.as_ptr().add(p * PANEL)));
            for r in 0..R {
                let o = out.add((r * P + p) * PANEL);
                if last {
                    let [low, step] = *steps.add(r);
                    let exact = _mm512_add_ps(mul(splat(step), float(sum[r][p])), mul(splat(low), all));
                    store(o, _mm512_add_ps(mul(scale, exact), bias));
                } else {
                    _mm512_storeu_si512(o.cast(), sum[r][p]);
                }
            }
        }
    }
    R
}

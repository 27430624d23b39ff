//! The kernels of `rowwise` with AVX2.
#![allow(unsafe_code)]
#![allow(clippy::needless_range_loop, reason = "an index names the register in a tile")]

use super::rowwise::{self, Levels, Rowwise};
use super::{Lane, PANEL, Panels};
use core::arch::x86_64::*;
use std::ops::Range;

/// See `Kernels::level`.
#[target_feature(enable = "avx2")]
pub fn level(x: &[f32], q: &mut [u8]) -> [f32; 2] {
    let (whole, rest) = x.as_chunks::<32>();
    assert!(rest.is_empty() && q.len() == x.len() && !whole.is_empty());
    let (mut low, mut high) = (_mm256_set1_ps(f32::MAX), _mm256_set1_ps(f32::MIN));
    for c in whole.iter().flat_map(|c| c.as_chunks::<8>().0) {
        // SAFETY: c has eight elements.
        let v = unsafe { _mm256_loadu_ps(c.as_ptr()) };
        (low, high) = (_mm256_min_ps(low, v), _mm256_max_ps(high, v));
    }
    let (mut lows, mut highs) = ([0f32; 8], [0f32; 8]);
    // SAFETY: both have eight elements.
    unsafe {
        _mm256_storeu_ps(lows.as_mut_ptr(), low);
        _mm256_storeu_ps(highs.as_mut_ptr(), high);
    }
    let low = lows.iter().fold(f32::MAX, |a, x| a.min(*x));
    let step = (highs.iter().fold(f32::MIN, |a, x| a.max(*x)) - low) / 255.0;
    let (least, inverse) = (_mm256_set1_ps(low), _mm256_set1_ps(if step > 0.0 { 1.0 / step } else { 0.0 }));
    let order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    for (x, q) in whole.iter().zip(q.as_chunks_mut::<32>().0) {
        // SAFETY: x and q have 32 elements each.
        unsafe {
            let i: [__m256i; 4] = std::array::from_fn(|i| {
                let v = _mm256_sub_ps(_mm256_loadu_ps(x.as_ptr().add(i * 8)), least);
                _mm256_cvtps_epi32(_mm256_mul_ps(v, inverse))
            });
            let p = _mm256_packus_epi16(_mm256_packs_epi32(i[0], i[1]), _mm256_packs_epi32(i[2], i[3]));
            _mm256_storeu_si256(q.as_mut_ptr().cast(), _mm256_permutevar8x32_epi32(p, order));
        }
    }
    [low, step]
}

/// See `Kernels::multiply`.
#[target_feature(enable = "avx2")]
pub fn multiply(w: &Rowwise, panels: Panels<'_>, acts: &Levels, rows: Range<usize>, out: &mut [f32]) {
    let (k, n) = (w.k, panels.which.len());
    let lanes = &w.lanes[panels.which.start * k / 4..panels.which.end * k / 4];
    assert!(k.is_multiple_of(4) && acts.k == k && acts.q.len() >= rows.end * k && out.len() >= rows.len() * n * PANEL);
    for (p, lanes) in lanes.chunks_exact(k / 4).enumerate() {
        let mut i = 0;
        while i < rows.len() {
            // SAFETY: rows i and following lie inside of q and out, as checked above; the lanes hold k / 4 groups.
            unsafe {
                let q = acts.q.as_ptr().add((rows.start + i) * k);
                let o = out.as_mut_ptr().add((i * n + p) * PANEL).cast();
                match rows.len() - i {
                    1 => tile::<1>(lanes, q, k, (o, n)),
                    2 => tile::<2>(lanes, q, k, (o, n)),
                    3 => tile::<3>(lanes, q, k, (o, n)),
                    _ => tile::<4>(lanes, q, k, (o, n)),
                }
            }
            i += 4;
        }
    }
    rowwise::widen(w, panels, acts, rows, out);
}

/// R rows against one panel of n; sums are left as the bits of integers.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn tile<const R: usize>(lanes: &[Lane], q: *const u8, k: usize, (out, n): (*mut i32, usize)) {
    let ones = _mm256_set1_epi16(1);
    let mut sum = [[_mm256_setzero_si256(); 2]; R];
    let w = lanes.as_ptr().cast::<__m256i>();
    // SAFETY: the caller promises R rows of k levels, R rows of 16 integers, and k / 4 lanes.
    unsafe {
        for g in 0..k / 4 {
            let (w0, w1) = (_mm256_load_si256(w.add(2 * g)), _mm256_load_si256(w.add(2 * g + 1)));
            for r in 0..R {
                let a = _mm256_set1_epi32(q.add(r * k + g * 4).cast::<i32>().read_unaligned());
                let (p0, p1) = (_mm256_maddubs_epi16(a, w0), _mm256_maddubs_epi16(a, w1));
                sum[r][0] = _mm256_add_epi32(sum[r][0], _mm256_madd_epi16(p0, ones));
                sum[r][1] = _mm256_add_epi32(sum[r][1], _mm256_madd_epi16(p1, ones));
            }
        }
        for r in 0..R {
            for h in 0..2 {
                _mm256_storeu_si256(out.add(r * n * PANEL + h * 8).cast(), sum[r][h]);
            }
        }
    }
}

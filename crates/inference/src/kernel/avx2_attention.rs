//! Attention with AVX2: both products are small register-tiled matrix products over one page of 128 keys at a time,
//! with the softmax carried along from page to page (the online softmax of Milakov and Gimelshein, 2018).
#![allow(unsafe_code)]
#![allow(clippy::needless_range_loop, reason = "an index names the register in a tile")]

use super::products_of_floats::fetch;
use super::{Attend, Emit, MAX_HEAD, PAGE, QUERY_ROWS};
use core::arch::x86_64::*;
use std::mem::MaybeUninit;
use std::ops::Range;

/// Rows that are few: while a decoder writes, those of one position.
const FEW: usize = 3;

/// exp for each of eight, about 2 ulp: 2^n times a polynomial of the remainder. Clamped to -87..88.
#[inline]
#[target_feature(enable = "avx2,fma")]
pub fn exp8(x: __m256) -> __m256 {
    let x = _mm256_min_ps(_mm256_max_ps(x, _mm256_set1_ps(-87.0)), _mm256_set1_ps(88.0));
    let n = _mm256_round_ps::<8>(_mm256_mul_ps(x, _mm256_set1_ps(std::f32::consts::LOG2_E)));
    let r = _mm256_fnmadd_ps(n, _mm256_set1_ps(0.693_359_4), x);
    let r = _mm256_fnmadd_ps(n, _mm256_set1_ps(-2.121_944_4e-4), r);
    let mut p = _mm256_set1_ps(1.0 / 720.0);
    for c in [1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0] {
        p = _mm256_fmadd_ps(p, r, _mm256_set1_ps(c));
    }
    let e = _mm256_slli_epi32::<23>(_mm256_add_epi32(_mm256_cvtps_epi32(n), _mm256_set1_epi32(127)));
    _mm256_mul_ps(p, _mm256_castsi256_ps(e))
}

/// `C[R][8 V] (+)= A[R][kk] x B[kk][8 V]`; rows of A are `lda` apart, of the f16 B `ldb`, of C `ldc`.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn tile<const R: usize, const V: usize, const ADD: bool>(
    (a, lda): (*const f32, usize),
    (b, ldb): (*const u16, usize),
    (c, ldc): (*mut f32, usize),
    kk: usize,
) {
    // SAFETY: the caller promises R rows of A and C, kk rows of B, and 8 V columns.
    unsafe {
        let mut acc = [[_mm256_setzero_ps(); V]; R];
        if ADD {
            for r in 0..R {
                for v in 0..V {
                    acc[r][v] = _mm256_loadu_ps(c.add(r * ldc + v * 8));
                }
            }
        }
        for p in 0..kk {
            let mut wide = [_mm256_setzero_ps(); V];
            for v in 0..V {
                wide[v] = _mm256_cvtph_ps(_mm_loadu_si128(b.add(p * ldb + v * 8).cast()));
            }
            for r in 0..R {
                let x = _mm256_broadcast_ss(&*a.add(r * lda + p));
                for v in 0..V {
                    acc[r][v] = _mm256_fmadd_ps(x, wide[v], acc[r][v]);
                }
            }
        }
        for r in 0..R {
            for v in 0..V {
                _mm256_storeu_ps(c.add(r * ldc + v * 8), acc[r][v]);
            }
        }
    }
}

/// 16 columns of `tile`, for any number of rows.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn tiles<const ADD: bool>(
    rows: usize,
    (a, lda): (*const f32, usize),
    b: (*const u16, usize),
    (c, ldc): (*mut f32, usize),
    kk: usize,
) {
    let mut r = 0;
    while r < rows {
        // SAFETY: as promised by the caller, for rows r and following.
        unsafe {
            let (a, c) = ((a.add(r * lda), lda), (c.add(r * ldc), ldc));
            match rows - r {
                1 => tile::<1, 2, ADD>(a, b, c, kk),
                2 => tile::<2, 2, ADD>(a, b, c, kk),
                3 => tile::<3, 2, ADD>(a, b, c, kk),
                4 => tile::<4, 2, ADD>(a, b, c, kk),
                5 => tile::<5, 2, ADD>(a, b, c, kk),
                _ => tile::<6, 2, ADD>(a, b, c, kk),
            }
        }
        r += 6;
    }
}

/// 32 columns of `tile`, which are whole lines of the caches, for few rows; more are done 16 columns at a time.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn lines(rows: usize, a: (*const f32, usize), b: (*const u16, usize), c: (*mut f32, usize), kk: usize) {
    // SAFETY: as promised by the caller.
    unsafe {
        match rows {
            1 => tile::<1, 4, true>(a, b, c, kk),
            2 => tile::<2, 4, true>(a, b, c, kk),
            3 => tile::<3, 4, true>(a, b, c, kk),
            _ => {
                tiles::<true>(rows, a, b, c, kk);
                tiles::<true>(rows, a, (b.0.add(16), b.1), (c.0.add(16), c.1), kk);
            }
        }
    }
}

/// `cap * tanh(x / cap)`.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn capped(x: __m256, cap: f32) -> __m256 {
    let (one, two) = (_mm256_set1_ps(1.0), _mm256_set1_ps(2.0));
    let e = exp8(_mm256_mul_ps(x, _mm256_set1_ps(2.0 / cap)));
    let tanh = _mm256_sub_ps(one, _mm256_div_ps(two, _mm256_add_ps(e, one)));
    _mm256_mul_ps(_mm256_set1_ps(cap), tanh)
}

#[inline]
#[target_feature(enable = "avx2")]
fn largest(v: __m256) -> f32 {
    let h = _mm_max_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps::<1>(v));
    let h = _mm_max_ps(h, _mm_movehl_ps(h, h));
    _mm_cvtss_f32(_mm_max_ss(h, _mm_movehdup_ps(h)))
}

#[inline]
#[target_feature(enable = "avx2")]
fn sum(v: __m256) -> f32 {
    let h = _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps::<1>(v));
    let h = _mm_add_ps(h, _mm_movehl_ps(h, h));
    _mm_cvtss_f32(_mm_add_ss(h, _mm_movehdup_ps(h)))
}

/// See `Kernels::attend`.
#[target_feature(enable = "avx2,fma,f16c")]
pub fn attend(a: &Attend<'_>, g: usize, positions: Range<usize>, emit: &mut Emit<'_>) {
    let (d, rows) = (a.head_dim, positions.len() * a.group);
    if rows == 0 {
        return;
    }
    assert!(rows <= QUERY_ROWS && d <= MAX_HEAD && d.is_multiple_of(16));
    let base = a.base + g * 2 * PAGE * d;
    let last = positions.end - 1;
    let seen = a.seen(last);
    assert!(a.q.len() >= last * a.stride + (g + 1) * a.group * d);
    assert!(a.pages.len() * PAGE >= seen && a.pages.iter().all(|p| p.len() >= base + 2 * PAGE * d));

    let mut q = MaybeUninit::<[f32; QUERY_ROWS * MAX_HEAD]>::uninit();
    let mut out = MaybeUninit::<[f32; QUERY_ROWS * MAX_HEAD]>::uninit();
    let mut scores = MaybeUninit::<[f32; QUERY_ROWS * PAGE]>::uninit();
    let (q, out, scores) =
        (q.as_mut_ptr().cast::<f32>(), out.as_mut_ptr().cast::<f32>(), scores.as_mut_ptr().cast::<f32>());
    let mut most = [f32::NEG_INFINITY; QUERY_ROWS];
    let mut total = [0f32; QUERY_ROWS];
    // SAFETY: the buffers hold rows x d and rows x PAGE elements and are written here before they are read.
    unsafe {
        for r in 0..rows {
            let from = &a.q[(positions.start + r / a.group) * a.stride + (g * a.group + r % a.group) * d..][..d];
            for (i, x) in from.iter().enumerate() {
                q.add(r * d + i).write(x * a.scale);
                out.add(r * d + i).write(0.0);
            }
        }
    }
    let skipped = a.from(positions.start) / PAGE;
    for (p, page) in a.pages.iter().enumerate().take(seen.div_ceil(PAGE)).skip(skipped) {
        let count = PAGE.min(seen - p * PAGE);
        let wide = count.next_multiple_of(16);
        // SAFETY: the page holds 2 x PAGE x d elements from `base` on; `wide` is at most PAGE.
        unsafe {
            let keys = page.as_ptr().add(base);
            for j in (0..wide).step_by(16) {
                // The values are read next, and where there are few rows, nothing hides how long they take to come.
                for line in (0..if rows <= FEW { 16 * d } else { 0 }).step_by(32) {
                    fetch(keys.add(PAGE * d + j * d + line).cast());
                }
                tiles::<false>(rows, (q, d), (keys.add(j * d), 16), (scores.add(j), PAGE), d);
            }
            for r in 0..rows {
                let position = positions.start + r / a.group;
                let own = a.seen(position).saturating_sub(p * PAGE).min(count);
                let from = a.from(position).saturating_sub(p * PAGE).min(own);
                let row = scores.add(r * PAGE);
                if let Some(slope) = a.slope(g * a.group + r % a.group) {
                    // The distance from key p * PAGE + j grows or shrinks by one from key to key.
                    let own = (a.first + position) as f32 - (p * PAGE) as f32;
                    let steps = _mm256_setr_ps(0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0);
                    for j in (0..wide).step_by(8) {
                        let far = _mm256_sub_ps(_mm256_set1_ps(own - j as f32), steps);
                        let far = _mm256_andnot_ps(_mm256_set1_ps(-0.0), far);
                        let less = _mm256_fnmadd_ps(far, _mm256_set1_ps(slope), _mm256_loadu_ps(row.add(j)));
                        _mm256_storeu_ps(row.add(j), less);
                    }
                }
                if a.cap > 0.0 {
                    for j in (0..wide).step_by(8) {
                        _mm256_storeu_ps(row.add(j), capped(_mm256_loadu_ps(row.add(j)), a.cap));
                    }
                }
                for j in (0..from).chain(own..wide) {
                    row.add(j).write(f32::NEG_INFINITY);
                }
                if from == own {
                    for j in 0..wide {
                        row.add(j).write(0.0);
                    }
                    continue;
                }
                let mut max = _mm256_set1_ps(most[r]);
                for j in (0..wide).step_by(8) {
                    max = _mm256_max_ps(max, _mm256_loadu_ps(row.add(j)));
                }
                let max = largest(max);
                let centre = _mm256_set1_ps(max);
                let mut parts = _mm256_setzero_ps();
                for j in (0..wide).step_by(8) {
                    let x = _mm256_loadu_ps(row.add(j));
                    let hidden = _mm256_cmp_ps::<_CMP_EQ_OQ>(x, _mm256_set1_ps(f32::NEG_INFINITY));
                    let e = _mm256_andnot_ps(hidden, exp8(_mm256_sub_ps(x, centre)));
                    parts = _mm256_add_ps(parts, e);
                    _mm256_storeu_ps(row.add(j), e);
                }
                if total[r] > 0.0 {
                    let fade = _mm256_cvtss_f32(exp8(_mm256_set1_ps(most[r] - max)));
                    total[r] *= fade;
                    for i in (0..d).step_by(8) {
                        let o = out.add(r * d + i);
                        _mm256_storeu_ps(o, _mm256_mul_ps(_mm256_loadu_ps(o), _mm256_set1_ps(fade)));
                    }
                }
                total[r] += sum(parts);
                most[r] = max;
            }
            let values = keys.add(PAGE * d);
            let whole = d / 32 * 32;
            for c in (0..whole).step_by(32) {
                lines(rows, (scores, PAGE), (values.add(c), d), (out.add(c), d), count);
            }
            if whole < d {
                tiles::<true>(rows, (scores, PAGE), (values.add(whole), d), (out.add(whole), d), count);
            }
        }
    }
    // SAFETY: rows x d elements of `out` are written by now.
    let out = unsafe { std::slice::from_raw_parts_mut(out, rows * d) };
    for (row, total) in out.chunks_exact_mut(d).zip(&total) {
        let inverse = 1.0 / total;
        row.iter_mut().for_each(|x| *x *= inverse);
    }
    for (i, row) in positions.zip(out.chunks_exact(a.group * d)) {
        emit(i, row);
    }
}

//! Attention with AVX-512: both products are small register-tiled matrix products over one page of 128 keys at a time,
//! with the softmax carried along from page to page (the online softmax of Milakov and Gimelshein, 2018).
#![allow(unsafe_code)]
#![allow(clippy::needless_range_loop, reason = "an index names the register in a tile")]

use super::{Attend, Emit, MAX_HEAD, PAGE, QUERY_ROWS};
use core::arch::x86_64::*;
use std::mem::MaybeUninit;
use std::ops::Range;

/// exp for each of sixteen, about 2 ulp: 2^n times a polynomial of the remainder. Clamped to -87..88.
#[inline]
#[target_feature(enable = "avx512f")]
pub fn exp16(x: __m512) -> __m512 {
    let x = _mm512_min_ps(_mm512_max_ps(x, _mm512_set1_ps(-87.0)), _mm512_set1_ps(88.0));
    let n = _mm512_roundscale_ps::<8>(_mm512_mul_ps(x, _mm512_set1_ps(std::f32::consts::LOG2_E)));
    let r = _mm512_fnmadd_ps(n, _mm512_set1_ps(0.693_359_4), x);
    let r = _mm512_fnmadd_ps(n, _mm512_set1_ps(-2.121_944_4e-4), r);
    let mut p = _mm512_set1_ps(1.0 / 720.0);
    for c in [1.0 / 120.0, 1.0 / 24.0, 1.0 / 6.0, 0.5, 1.0, 1.0] {
        p = _mm512_fmadd_ps(p, r, _mm512_set1_ps(c));
    }
    _mm512_scalef_ps(p, n)
}

/// Floats from one row of queries, or of sums of values, to the next: known beforehand, so that all rows are found from one
/// address, and odd in cache lines, so that they do not meet in the cache.
const HEAD: usize = MAX_HEAD + 16;
/// Floats from one row of scores to the next.
const KEYS: usize = PAGE + 16;

/// `C[R][16 x B] (+)= A[R][kk] x W[kk][16 x B]`; rows of A are LDA apart, of the f16 W `ldw` and its sixteens of columns
/// `next`, of C LDC. Sums go over kk in order, whatever R and B are.
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn tile<const R: usize, const B: usize, const ADD: bool, const LDA: usize, const LDC: usize>(
    a: *const f32,
    (w, ldw, next): (*const u16, usize, usize),
    c: *mut f32,
    kk: usize,
) {
    // SAFETY: the caller promises R rows of A and C, kk rows of W, and B times 16 columns.
    unsafe {
        let mut acc = [[_mm512_setzero_ps(); B]; R];
        if ADD {
            for r in 0..R {
                (0..B).for_each(|b| acc[r][b] = _mm512_loadu_ps(c.add(r * LDC + b * 16)));
            }
        }
        for p in 0..kk {
            let w: [__m512; B] =
                std::array::from_fn(|b| _mm512_cvtph_ps(_mm256_loadu_si256(w.add(p * ldw + b * next).cast())));
            for r in 0..R {
                let x = _mm512_set1_ps(*a.add(r * LDA + p));
                (0..B).for_each(|b| acc[r][b] = _mm512_fmadd_ps(x, w[b], acc[r][b]));
            }
        }
        for r in 0..R {
            (0..B).for_each(|b| _mm512_storeu_ps(c.add(r * LDC + b * 16), acc[r][b]));
        }
    }
}

/// The same for any number of rows and for all sixteens of columns, in tiles that fill the registers: few rows take four
/// sixteens at a time, so that enough sums go on side by side.
#[inline]
#[target_feature(enable = "avx512f")]
unsafe fn product<const ADD: bool, const LDA: usize, const LDC: usize>(
    rows: usize,
    a: *const f32,
    (w, ldw, next): (*const u16, usize, usize),
    c: *mut f32,
    kk: usize,
    sixteens: usize,
) {
    let mut r = 0;
    while r < rows {
        let height = match rows - r {
            12.. => 12,
            6.. => 6,
            3.. => 3,
            left => left,
        };
        let mut b = 0;
        while b < sixteens {
            // SAFETY: as promised by the caller, for rows r and columns b and following.
            b += unsafe {
                let (a, w, c) = (a.add(r * LDA), (w.add(b * next), ldw, next), c.add(r * LDC + b * 16));
                let (two, four) = (b + 2 <= sixteens, b + 4 <= sixteens);
                macro_rules! tile {
                    ($r:literal, $b:literal) => {{
                        tile::<$r, $b, ADD, LDA, LDC>(a, w, c, kk);
                        $b
                    }};
                }
                match height {
                    12 if two => tile!(12, 2),
                    12 => tile!(12, 1),
                    6 if four => tile!(6, 4),
                    6 => tile!(6, 1),
                    3 if four => tile!(3, 4),
                    3 => tile!(3, 1),
                    2 if four => tile!(2, 4),
                    2 => tile!(2, 1),
                    _ if four => tile!(1, 4),
                    _ => tile!(1, 1),
                }
            };
        }
        r += height;
    }
}

/// `cap * tanh(x / cap)`.
#[inline]
#[target_feature(enable = "avx512f")]
fn capped(x: __m512, cap: f32) -> __m512 {
    let (one, two) = (_mm512_set1_ps(1.0), _mm512_set1_ps(2.0));
    let e = exp16(_mm512_mul_ps(x, _mm512_set1_ps(2.0 / cap)));
    let tanh = _mm512_sub_ps(one, _mm512_div_ps(two, _mm512_add_ps(e, one)));
    _mm512_mul_ps(_mm512_set1_ps(cap), tanh)
}

/// See `Kernels::attend`.
#[target_feature(enable = "avx512f,avx512bw,avx512vl,avx512dq")]
pub fn attend(a: &Attend<'_>, g: usize, positions: Range<usize>, emit: &mut Emit<'_>) {
    let (d, count) = (a.head_dim, positions.len() * a.group);
    if count == 0 {
        return;
    }
    assert!(count <= QUERY_ROWS && d <= MAX_HEAD && d.is_multiple_of(16));
    let base = a.base + g * 2 * PAGE * d;
    let last = positions.end - 1;
    let seen = a.seen(last);
    assert!(a.q.len() >= last * a.stride + (g + 1) * a.group * d);
    assert!(a.pages.len() * PAGE >= seen && a.pages.iter().all(|p| p.len() >= base + 2 * PAGE * d));

    let mut q = MaybeUninit::<[f32; QUERY_ROWS * HEAD]>::uninit();
    let mut out = MaybeUninit::<[f32; QUERY_ROWS * HEAD]>::uninit();
    let mut scores = MaybeUninit::<[f32; QUERY_ROWS * KEYS]>::uninit();
    let (q, out, scores) =
        (q.as_mut_ptr().cast::<f32>(), out.as_mut_ptr().cast::<f32>(), scores.as_mut_ptr().cast::<f32>());
    let mut most = [f32::NEG_INFINITY; QUERY_ROWS];
    let mut total = [0f32; QUERY_ROWS];
    // SAFETY: the buffers hold count rows of HEAD and of KEYS elements and are written here before they are read.
    unsafe {
        for r in 0..count {
            let from = &a.q[(positions.start + r / a.group) * a.stride + (g * a.group + r % a.group) * d..][..d];
            for (i, x) in from.iter().enumerate() {
                q.add(r * HEAD + i).write(x * a.scale);
                out.add(r * HEAD + i).write(0.0);
            }
        }
    }
    let skipped = a.from(positions.start) / PAGE;
    for (p, page) in a.pages.iter().enumerate().take(seen.div_ceil(PAGE)).skip(skipped) {
        let keys_here = PAGE.min(seen - p * PAGE);
        let wide = keys_here.next_multiple_of(16);
        // SAFETY: the page holds 2 x PAGE x d elements from `base` on; `wide` is at most PAGE.
        unsafe {
            let keys = page.as_ptr().add(base);
            product::<false, HEAD, KEYS>(count, q, (keys, 16, 16 * d), scores, d, wide / 16);
            for r in 0..count {
                let position = positions.start + r / a.group;
                let own = a.seen(position).saturating_sub(p * PAGE).min(keys_here);
                let from = a.from(position).saturating_sub(p * PAGE).min(own);
                let row = scores.add(r * KEYS);
                if let Some(slope) = a.slope(g * a.group + r % a.group) {
                    // The distance from key p * PAGE + j grows or shrinks by one from key to key.
                    let own = (a.first + position) as f32 - (p * PAGE) as f32;
                    let steps =
                        _mm512_cvtepi32_ps(_mm512_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15));
                    for j in (0..wide).step_by(16) {
                        let far = _mm512_abs_ps(_mm512_sub_ps(_mm512_set1_ps(own - j as f32), steps));
                        let less = _mm512_fnmadd_ps(far, _mm512_set1_ps(slope), _mm512_loadu_ps(row.add(j)));
                        _mm512_storeu_ps(row.add(j), less);
                    }
                }
                if a.cap > 0.0 {
                    for j in (0..wide).step_by(16) {
                        _mm512_storeu_ps(row.add(j), capped(_mm512_loadu_ps(row.add(j)), a.cap));
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
                let mut max = _mm512_set1_ps(most[r]);
                for j in (0..wide).step_by(16) {
                    max = _mm512_max_ps(max, _mm512_loadu_ps(row.add(j)));
                }
                let max = _mm512_reduce_max_ps(max);
                let centre = _mm512_set1_ps(max);
                let mut parts = _mm512_setzero_ps();
                for j in (0..wide).step_by(16) {
                    let x = _mm512_loadu_ps(row.add(j));
                    let there = _mm512_cmp_ps_mask::<_CMP_NEQ_OQ>(x, _mm512_set1_ps(f32::NEG_INFINITY));
                    let e = _mm512_maskz_mov_ps(there, exp16(_mm512_sub_ps(x, centre)));
                    parts = _mm512_add_ps(parts, e);
                    _mm512_storeu_ps(row.add(j), e);
                }
                if total[r] > 0.0 {
                    let fade = _mm512_cvtss_f32(exp16(_mm512_set1_ps(most[r] - max)));
                    total[r] *= fade;
                    for i in (0..d).step_by(16) {
                        let o = out.add(r * HEAD + i);
                        _mm512_storeu_ps(o, _mm512_mul_ps(_mm512_loadu_ps(o), _mm512_set1_ps(fade)));
                    }
                }
                total[r] += _mm512_reduce_add_ps(parts);
                most[r] = max;
            }
            product::<true, KEYS, HEAD>(count, scores, (keys.add(PAGE * d), d, 16), out, keys_here, d / 16);
        }
    }
    // The heads of a position go out side by side; nobody needs the queries any more.
    let side = q;
    for (i, position) in positions.enumerate() {
        for r in i * a.group..(i + 1) * a.group {
            let inverse = 1.0 / total[r];
            // SAFETY: rows of HEAD elements hold d, which are written by now, and a group is no more than all rows.
            unsafe { (0..d).for_each(|j| side.add(r % a.group * d + j).write(*out.add(r * HEAD + j) * inverse)) };
        }
        // SAFETY: so many elements were written just now.
        emit(position, unsafe { std::slice::from_raw_parts(side, a.group * d) });
    }
}

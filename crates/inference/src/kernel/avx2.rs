//! Products with AVX2, FMA and F16C (x86-64 since 2013). Layouts are those of `matrix`.
//!
//! A block of 32 inputs is summed in 16 bits where four-bit weights allow it (8 products of 2 x 15 x 127 = 30,480),
//! turned into 32 bits, scaled by weight scale times activation scale, and added up in f32, block after block. One row
//! and many rows do this in the same order, so that both give the same bits.
#![allow(unsafe_code)]
#![allow(clippy::needless_range_loop, reason = "an index names the register in a tile")]

use super::avx2_attention::{attend, exp8};
use super::avx2_rowwise::{level, multiply};
use super::{Acts, Form, Kernels, Lane, Matrix, PANEL};
use core::arch::x86_64::*;
use std::ops::Range;

/// Whether this processor runs these kernels.
pub fn available() -> bool {
    is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") && is_x86_feature_detected!("f16c")
}

/// The set; to be used only where `available` says so.
pub static KERNELS: Kernels = Kernels {
    name: "avx2",
    // SAFETY (all): `Kernels::detect` gives this table out only after `available`.
    quantize: |x, q, d, s| unsafe { quantize(x, q, d, s) },
    spare: |x, at, by, tops| unsafe { spare(x, at, by, tops) },
    gemm: |w, p, a, r, o| unsafe { gemm(w, p, a, r, o) },
    attend: |a, g, p, e| unsafe { attend(a, g, p, e) },
    silu_mul: |a, b| unsafe { silu_mul(a, b) },
    gelu_mul: |a, b| unsafe { gelu_mul(a, b) },
    gelu: |x| unsafe { gelu(x) },
    level: |x, q| unsafe { level(x, q) },
    multiply: |w, q, k, o| unsafe { multiply(w, q, k, o) },
};

/// Blocks of 32 inputs whose panel is widened at once: 12 KB.
const CHUNK: usize = 24;

#[target_feature(enable = "avx2,fma,f16c")]
fn spare(x: &mut [f32], at: &mut [u32], by: &mut [f32], tops: &mut [f32]) {
    super::spare(x, at, by, tops);
}

#[target_feature(enable = "avx2,fma,f16c")]
fn quantize(x: &[f32], q: &mut [i8], d: &mut [f32], s: &mut [f32]) {
    let sign = _mm256_set1_ps(-0.0);
    let order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    let blocks = x.as_chunks::<32>().0.iter().zip(q.as_chunks_mut::<32>().0);
    for ((x, q), (d, s)) in blocks.zip(d.iter_mut().zip(s)) {
        // SAFETY: x and q have 32 elements each.
        unsafe {
            let v: [__m256; 4] = std::array::from_fn(|i| _mm256_loadu_ps(x.as_ptr().add(i * 8)));
            let a = v.map(|v| _mm256_andnot_ps(sign, v));
            let most = _mm256_max_ps(_mm256_max_ps(a[0], a[1]), _mm256_max_ps(a[2], a[3]));
            let most = _mm_max_ps(_mm256_castps256_ps128(most), _mm256_extractf128_ps::<1>(most));
            let most = _mm_max_ps(most, _mm_movehl_ps(most, most));
            let most = _mm_cvtss_f32(_mm_max_ss(most, _mm_movehdup_ps(most)));
            let inverse = _mm256_set1_ps(if most > 0.0 { 127.0 / most } else { 0.0 });
            let i = v.map(|v| _mm256_cvtps_epi32(_mm256_mul_ps(v, inverse)));
            let p = _mm256_packs_epi16(_mm256_packs_epi32(i[0], i[1]), _mm256_packs_epi32(i[2], i[3]));
            let p = _mm256_permutevar8x32_epi32(p, order);
            _mm256_storeu_si256(q.as_mut_ptr().cast(), p);
            let sum = _mm256_add_epi32(_mm256_add_epi32(i[0], i[1]), _mm256_add_epi32(i[2], i[3]));
            let sum = _mm_add_epi32(_mm256_castsi256_si128(sum), _mm256_extracti128_si256::<1>(sum));
            let sum = _mm_add_epi32(sum, _mm_shuffle_epi32::<0b1110>(sum));
            let sum = _mm_add_epi32(sum, _mm_shuffle_epi32::<0b01>(sum));
            *d = most / 127.0;
            *s = *d * _mm_cvtsi128_si32(sum) as f32;
        }
    }
}

/// Four activations, for each of the eight rows.
#[inline]
#[target_feature(enable = "avx2")]
unsafe fn four(q: *const i8) -> __m256i {
    // SAFETY: the caller points to at least four bytes.
    _mm256_set1_epi32(unsafe { q.cast::<i32>().read_unaligned() })
}

#[inline]
#[target_feature(enable = "avx2,f16c")]
unsafe fn halves(p: *const u16) -> __m256 {
    // SAFETY: the caller points to at least eight f16.
    _mm256_cvtph_ps(unsafe { _mm_loadu_si128(p.cast()) })
}

/// Products of signed 8-bit weights with activations, summed by fours.
#[inline]
#[target_feature(enable = "avx2")]
fn signed(w: __m256i, a: __m256i) -> __m256i {
    let p = _mm256_maddubs_epi16(_mm256_abs_epi8(w), _mm256_sign_epi8(a, w));
    _mm256_madd_epi16(p, _mm256_set1_epi16(1))
}

/// Lanes and scales of the two tiles of a panel, checked against the matrix.
fn tiles(w: &Matrix, panel: usize) -> [(&[Lane], &[u16]); 2] {
    let (nl, ns) = (w.k / 32 * w.form.lanes(), w.k / 32 * w.form.scales());
    [2 * panel, 2 * panel + 1].map(|t| (&w.lanes[t * nl..][..nl], &w.scales[t * ns..][..ns]))
}

/// R rows of activations from row `at` on against a panel of four-bit weights, which is unpacked on the way: for so few
/// rows that widening the panel first does not pay.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn few_four<const R: usize>(w: &Matrix, panel: usize, acts: &Acts, at: usize, out: &mut [f32]) {
    let (mask, ones) = (_mm256_set1_epi8(15), _mm256_set1_epi16(1));
    let (k, blocks) = (w.k, w.k / 32);
    let mut total = [[_mm256_setzero_ps(); 2]; R];
    let tiles = tiles(w, panel);
    for b in 0..blocks {
        // SAFETY: `tiles` holds k / 32 blocks of lanes and scales; the caller promises R rows in `acts`.
        unsafe {
            let q: [*const i8; R] = std::array::from_fn(|r| acts.q.as_ptr().add((at + r) * k + b * 32));
            let mut sum = [[_mm256_setzero_si256(); 2]; R];
            for j in 0..4 {
                for h in 0..2 {
                    let x = _mm256_load_si256(tiles[h].0.as_ptr().add(b * 4 + j).cast());
                    let (low, high) = (_mm256_and_si256(x, mask), _mm256_and_si256(_mm256_srli_epi16::<4>(x), mask));
                    for r in 0..R {
                        let l = _mm256_maddubs_epi16(low, four(q[r].add(j * 4)));
                        let g = _mm256_maddubs_epi16(high, four(q[r].add(16 + j * 4)));
                        sum[r][h] = _mm256_add_epi16(sum[r][h], _mm256_add_epi16(l, g));
                    }
                }
            }
            for h in 0..2 {
                let scales = tiles[h].1.as_ptr().add(b * 16);
                let (scale, min) = (halves(scales), halves(scales.add(8)));
                for r in 0..R {
                    let i = (at + r) * blocks + b;
                    let (d, s) = (_mm256_set1_ps(*acts.d.as_ptr().add(i)), _mm256_set1_ps(*acts.s.as_ptr().add(i)));
                    let v = _mm256_cvtepi32_ps(_mm256_madd_epi16(sum[r][h], ones));
                    total[r][h] = _mm256_fmadd_ps(v, _mm256_mul_ps(scale, d), total[r][h]);
                    total[r][h] = _mm256_fmadd_ps(min, s, total[r][h]);
                }
            }
        }
    }
    for (total, out) in total.iter().zip(out.chunks_exact_mut(PANEL)) {
        // SAFETY: out has 16 elements.
        unsafe {
            _mm256_storeu_ps(out.as_mut_ptr(), total[0]);
            _mm256_storeu_ps(out.as_mut_ptr().add(8), total[1]);
        }
    }
}

/// Adds what the spared inputs of some rows contribute; LANES and SCALES are those of a block.
#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
fn add_spared<const LANES: usize, const SCALES: usize, const HALVES: bool>(
    w: &Matrix,
    panel: usize,
    acts: &Acts,
    rows: Range<usize>,
    out: &mut [f32],
) {
    let tiles = tiles(w, panel);
    assert!(LANES == w.form.lanes() && SCALES == w.form.scales());
    let (mask, last, n) = (_mm256_set1_epi32(15), w.k - 1, acts.spared);
    for (row, out) in rows.zip(out.as_chunks_mut::<PANEL>().0) {
        let (at, by) = (&acts.at[row * n..][..n], &acts.by[row * n..][..n]);
        // SAFETY: out has 16 elements; a block has LANES lanes and SCALES scales, and every input lies in one of the
        // blocks.
        unsafe {
            let mut total = [0, 8].map(|h| _mm256_loadu_ps(out.as_ptr().add(h)));
            for (at, by) in at.iter().zip(by) {
                let c = (*at as usize).min(last);
                let (b, i, by) = (c / 32, c % 32, _mm256_set1_ps(*by));
                let lane = b * LANES + i / 4 % LANES;
                let scale = b * SCALES + if HALVES { i / 16 * 8 } else { 0 };
                // Shifts that leave weight c of each row alone in its 32 bits.
                let right = _mm_cvtsi32_si128((i % 4 * 8 + i / 16 * 4) as i32);
                let left = _mm_cvtsi32_si128((24 - i % 4 * 8) as i32);
                for h in 0..2 {
                    let x = _mm256_load_si256(tiles[h].0.as_ptr().add(lane).cast());
                    let q = match LANES {
                        4 => _mm256_and_si256(_mm256_srl_epi32(x, right), mask),
                        _ => _mm256_srai_epi32::<24>(_mm256_sll_epi32(x, left)),
                    };
                    // Exact: at most 8 bits times 11.
                    let x = _mm256_mul_ps(_mm256_cvtepi32_ps(q), halves(tiles[h].1.as_ptr().add(scale)));
                    total[h] = _mm256_fmadd_ps(x, by, total[h]);
                }
            }
            _mm256_storeu_ps(out.as_mut_ptr(), total[0]);
            _mm256_storeu_ps(out.as_mut_ptr().add(8), total[1]);
        }
    }
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn scale<const HALVES: bool, const MINS: bool>(
    total: &mut __m256,
    sum: [__m256i; 2],
    scales: *const u16,
    d: __m256,
    s: __m256,
) {
    // SAFETY: the caller points to the scales of one block of this form.
    unsafe {
        let d0 = _mm256_mul_ps(halves(scales), d);
        if HALVES {
            *total = _mm256_fmadd_ps(_mm256_cvtepi32_ps(sum[0]), d0, *total);
            let d1 = _mm256_mul_ps(halves(scales.add(8)), d);
            *total = _mm256_fmadd_ps(_mm256_cvtepi32_ps(sum[1]), d1, *total);
        } else {
            *total = _mm256_fmadd_ps(_mm256_cvtepi32_ps(_mm256_add_epi32(sum[0], sum[1])), d0, *total);
        }
        if MINS {
            *total = _mm256_fmadd_ps(halves(scales.add(if HALVES { 16 } else { 8 })), s, *total);
        }
    }
}

#[target_feature(enable = "avx2,fma,f16c")]
fn gemm(w: &Matrix, panel: usize, acts: &Acts, rows: Range<usize>, out: &mut [f32]) {
    let (m, blocks) = (rows.len(), w.k / 32);
    assert!(acts.k == w.k && out.len() >= m * PANEL);
    if w.form.floats() {
        assert!(acts.x.len() >= rows.end * w.k);
    } else {
        assert!(
            acts.q.len() >= rows.end * w.k && acts.d.len() >= rows.end * blocks && acts.s.len() >= rows.end * blocks
        );
        out[..m * PANEL].fill(0.0);
    }
    let all = rows.clone();
    match w.form {
        // SAFETY (four times): the rows were checked against the activations above.
        Form::Four if m == 1 => unsafe { few_four::<1>(w, panel, acts, rows.start, out) },
        Form::Four if m == 2 => unsafe { few_four::<2>(w, panel, acts, rows.start, out) },
        Form::Four if m == 3 => unsafe { few_four::<3>(w, panel, acts, rows.start, out) },
        Form::Four if m == 4 => unsafe { few_four::<4>(w, panel, acts, rows.start, out) },
        Form::Four => gemm_four(w, panel, acts, rows, out),
        Form::Eight { halves: false, mins: false } => gemm_eight::<false, false>(w, panel, acts, rows, out),
        Form::Eight { halves: false, mins: true } => gemm_eight::<false, true>(w, panel, acts, rows, out),
        Form::Eight { halves: true, mins: false } => gemm_eight::<true, false>(w, panel, acts, rows, out),
        Form::Eight { halves: true, mins: true } => gemm_eight::<true, true>(w, panel, acts, rows, out),
        Form::Half | Form::Dense => {
            let x = |i: usize| &acts.x[i * w.k..][..w.k];
            let mut i = rows.start;
            for out in out[..m * PANEL].chunks_mut(6 * PANEL) {
                if out.len() == 6 * PANEL {
                    float_rows::<6>(w, panel, std::array::from_fn(|r| x(i + r)), out);
                } else {
                    for (r, out) in out.chunks_mut(PANEL).enumerate() {
                        float_rows::<1>(w, panel, [x(i + r)], out);
                    }
                }
                i += 6;
            }
        }
    }
    if acts.spared > 0 {
        match w.form {
            Form::Four => add_spared::<4, 16, false>(w, panel, acts, all, out),
            Form::Eight { halves: false, mins: false } => add_spared::<8, 8, false>(w, panel, acts, all, out),
            Form::Eight { halves: false, mins: true } => add_spared::<8, 16, false>(w, panel, acts, all, out),
            Form::Eight { halves: true, mins: false } => add_spared::<8, 16, true>(w, panel, acts, all, out),
            Form::Eight { halves: true, mins: true } => add_spared::<8, 24, true>(w, panel, acts, all, out),
            Form::Half | Form::Dense => {}
        }
    }
}

#[target_feature(enable = "avx2,fma,f16c")]
fn float_rows<const R: usize>(w: &Matrix, panel: usize, x: [&[f32]; R], out: &mut [f32]) {
    let (at, n) = (panel * w.k * PANEL, w.k * PANEL);
    assert!(out.len() >= R * PANEL && x.iter().all(|x| x.len() >= w.k));
    // SAFETY: the slices hold k groups of 16; each x has at least k elements and out R groups of 16, as checked above.
    unsafe {
        if w.form == Form::Half {
            let w = w.scales[at..][..n].as_ptr();
            rows_of(n / PANEL, |i| [halves(w.add(i * PANEL)), halves(w.add(i * PANEL + 8))], x, out);
        } else {
            let w = w.dense[at..][..n].as_ptr();
            rows_of(n / PANEL, |i| [0, 8].map(|h| _mm256_loadu_ps(w.add(i * PANEL + h))), x, out);
        }
    }
}

/// R rows of floats against one panel, whose two halves for each input `load` returns.
#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn rows_of<const R: usize>(k: usize, load: impl Fn(usize) -> [__m256; 2], x: [&[f32]; R], out: &mut [f32]) {
    let mut total = [[_mm256_setzero_ps(); 2]; R];
    // SAFETY: the caller promises k elements in each x and R groups of 16 in out.
    unsafe {
        for i in 0..k {
            let w = load(i);
            for r in 0..R {
                let x = _mm256_broadcast_ss(&*x[r].as_ptr().add(i));
                total[r][0] = _mm256_fmadd_ps(x, w[0], total[r][0]);
                total[r][1] = _mm256_fmadd_ps(x, w[1], total[r][1]);
            }
        }
        for r in 0..R {
            _mm256_storeu_ps(out.as_mut_ptr().add(r * PANEL), total[r][0]);
            _mm256_storeu_ps(out.as_mut_ptr().add(r * PANEL + 8), total[r][1]);
        }
    }
}

/// 16 rows of four-bit weights as bytes, `[block][group 8][tile 2]`, with their scales and minima.
#[repr(C, align(32))]
struct Panel {
    w: [[Lane; 16]; CHUNK],
    d: [[__m256; 2]; CHUNK],
    m: [[__m256; 2]; CHUNK],
}

#[target_feature(enable = "avx2,fma,f16c")]
fn gemm_four(w: &Matrix, panel: usize, acts: &Acts, rows: Range<usize>, out: &mut [f32]) {
    let mask = _mm256_set1_epi8(15);
    let tiles = tiles(w, panel);
    let zero = _mm256_setzero_ps();
    let mut p = Panel { w: [[Lane([0; 32]); 16]; CHUNK], d: [[zero; 2]; CHUNK], m: [[zero; 2]; CHUNK] };
    let blocks = w.k / 32;
    for first in (0..blocks).step_by(CHUNK) {
        let count = CHUNK.min(blocks - first);
        for b in 0..count {
            for (h, (lanes, scales)) in tiles.iter().enumerate() {
                // SAFETY: the tiles hold `blocks` blocks; `p.w` has 16 lanes for each of CHUNK blocks.
                unsafe {
                    for j in 0..4 {
                        let x = _mm256_load_si256(lanes.as_ptr().add((first + b) * 4 + j).cast());
                        let high = _mm256_and_si256(_mm256_srli_epi16::<4>(x), mask);
                        _mm256_store_si256(p.w[b].as_mut_ptr().add(2 * j + h).cast(), _mm256_and_si256(x, mask));
                        _mm256_store_si256(p.w[b].as_mut_ptr().add(8 + 2 * j + h).cast(), high);
                    }
                    let s = scales.as_ptr().add((first + b) * 16);
                    p.d[b][h] = halves(s);
                    p.m[b][h] = halves(s.add(8));
                }
            }
        }
        let mut i = 0;
        while i < rows.len() {
            let o = out[i * PANEL..].as_mut_ptr();
            // SAFETY: `gemm` checked that all rows lie inside the activations and the output.
            unsafe {
                if i + 4 <= rows.len() {
                    rows_four::<4>(&p, count, first, acts, rows.start + i, o);
                    i += 4;
                } else {
                    rows_four::<1>(&p, count, first, acts, rows.start + i, o);
                    i += 1;
                }
            }
        }
    }
}

/// R rows of activations from row `at` on against the blocks of a widened panel.
#[inline]
#[target_feature(enable = "avx2,fma")]
unsafe fn rows_four<const R: usize>(p: &Panel, count: usize, first: usize, acts: &Acts, at: usize, out: *mut f32) {
    let ones = _mm256_set1_epi16(1);
    let (k, blocks) = (acts.k, acts.k / 32);
    // SAFETY: the caller promises R rows in `acts` and `out` and `count` blocks in `p`.
    unsafe {
        let mut total: [[__m256; 2]; R] =
            std::array::from_fn(|r| [0, 8].map(|h| _mm256_loadu_ps(out.add(r * PANEL + h))));
        for b in 0..count {
            let q: [*const i8; R] = std::array::from_fn(|r| acts.q.as_ptr().add((at + r) * k + (first + b) * 32));
            let w = p.w[b].as_ptr().cast::<__m256i>();
            let mut sum = [[_mm256_setzero_si256(); 2]; R];
            for g in 0..8 {
                let (w0, w1) = (_mm256_load_si256(w.add(2 * g)), _mm256_load_si256(w.add(2 * g + 1)));
                for r in 0..R {
                    let a = four(q[r].add(g * 4));
                    sum[r][0] = _mm256_add_epi16(sum[r][0], _mm256_maddubs_epi16(w0, a));
                    sum[r][1] = _mm256_add_epi16(sum[r][1], _mm256_maddubs_epi16(w1, a));
                }
            }
            for r in 0..R {
                let i = (at + r) * blocks + first + b;
                let (d, s) = (_mm256_set1_ps(*acts.d.as_ptr().add(i)), _mm256_set1_ps(*acts.s.as_ptr().add(i)));
                for h in 0..2 {
                    let v = _mm256_cvtepi32_ps(_mm256_madd_epi16(sum[r][h], ones));
                    total[r][h] = _mm256_fmadd_ps(v, _mm256_mul_ps(p.d[b][h], d), total[r][h]);
                    total[r][h] = _mm256_fmadd_ps(p.m[b][h], s, total[r][h]);
                }
            }
        }
        for r in 0..R {
            _mm256_storeu_ps(out.add(r * PANEL), total[r][0]);
            _mm256_storeu_ps(out.add(r * PANEL + 8), total[r][1]);
        }
    }
}

#[target_feature(enable = "avx2,fma,f16c")]
fn gemm_eight<const HALVES: bool, const MINS: bool>(
    w: &Matrix,
    panel: usize,
    acts: &Acts,
    rows: Range<usize>,
    out: &mut [f32],
) {
    let tiles = tiles(w, panel);
    let blocks = w.k / 32;
    for first in (0..blocks).step_by(CHUNK) {
        let last = (first + CHUNK).min(blocks);
        let mut i = 0;
        while i < rows.len() {
            let o = out[i * PANEL..].as_mut_ptr();
            // SAFETY: `gemm` checked that all rows lie inside the activations and the output.
            unsafe {
                if i + 4 <= rows.len() && !HALVES {
                    rows_eight::<4, HALVES, MINS>(&tiles, w.form.scales(), first..last, acts, rows.start + i, o);
                    i += 4;
                } else if i + 3 <= rows.len() {
                    rows_eight::<3, HALVES, MINS>(&tiles, w.form.scales(), first..last, acts, rows.start + i, o);
                    i += 3;
                } else if i + 2 <= rows.len() {
                    rows_eight::<2, HALVES, MINS>(&tiles, w.form.scales(), first..last, acts, rows.start + i, o);
                    i += 2;
                } else {
                    rows_eight::<1, HALVES, MINS>(&tiles, w.form.scales(), first..last, acts, rows.start + i, o);
                    i += 1;
                }
            }
        }
    }
}

#[inline]
#[target_feature(enable = "avx2,fma,f16c")]
unsafe fn rows_eight<const R: usize, const HALVES: bool, const MINS: bool>(
    tiles: &[(&[Lane], &[u16]); 2],
    ns: usize,
    span: Range<usize>,
    acts: &Acts,
    at: usize,
    out: *mut f32,
) {
    let (k, blocks) = (acts.k, acts.k / 32);
    // SAFETY: the caller promises R rows in `acts` and `out`; the tiles hold all blocks of `span`.
    unsafe {
        let mut total: [[__m256; 2]; R] =
            std::array::from_fn(|r| [0, 8].map(|h| _mm256_loadu_ps(out.add(r * PANEL + h))));
        for b in span {
            let q: [*const i8; R] = std::array::from_fn(|r| acts.q.as_ptr().add((at + r) * k + b * 32));
            let w = [tiles[0].0.as_ptr().add(b * 8), tiles[1].0.as_ptr().add(b * 8)];
            let mut part = [[[_mm256_setzero_si256(); 2]; R]; 2];
            for half in 0..if HALVES { 2 } else { 1 } {
                let mut sum = [[_mm256_setzero_si256(); 2]; R];
                for g in if HALVES { half * 4..half * 4 + 4 } else { 0..8 } {
                    let (w0, w1) = (_mm256_load_si256(w[0].add(g).cast()), _mm256_load_si256(w[1].add(g).cast()));
                    for r in 0..R {
                        let a = four(q[r].add(g * 4));
                        sum[r][0] = _mm256_add_epi32(sum[r][0], signed(w0, a));
                        sum[r][1] = _mm256_add_epi32(sum[r][1], signed(w1, a));
                    }
                }
                part[half] = sum;
            }
            for r in 0..R {
                let i = (at + r) * blocks + b;
                let (d, s) = (_mm256_set1_ps(*acts.d.as_ptr().add(i)), _mm256_set1_ps(*acts.s.as_ptr().add(i)));
                for h in 0..2 {
                    let scales = tiles[h].1.as_ptr().add(b * ns);
                    scale::<HALVES, MINS>(&mut total[r][h], [part[0][r][h], part[1][r][h]], scales, d, s);
                }
            }
        }
        for r in 0..R {
            _mm256_storeu_ps(out.add(r * PANEL), total[r][0]);
            _mm256_storeu_ps(out.add(r * PANEL + 8), total[r][1]);
        }
    }
}

#[target_feature(enable = "avx2,fma")]
fn silu_mul(a: &mut [f32], b: &[f32]) {
    gate_mul::<false>(a, b);
}

#[target_feature(enable = "avx2,fma")]
fn gelu_mul(a: &mut [f32], b: &[f32]) {
    gate_mul::<true>(a, b);
}

/// `a * sigmoid(u) * b`, where u is a, or for the tanh form of GELU `2 * sqrt(2 / pi) * (a + 0.044715 a^3)`.
#[inline]
#[target_feature(enable = "avx2,fma")]
fn gate_mul<const GELU: bool>(a: &mut [f32], b: &[f32]) {
    let (whole, rest) = a.as_chunks_mut::<8>();
    let (others, others_rest) = b.as_chunks::<8>();
    for (a, b) in whole.iter_mut().zip(others) {
        gate_eight::<GELU>(a, b);
    }
    let (mut x, mut y) = ([0f32; 8], [0f32; 8]);
    let n = rest.len().min(others_rest.len());
    x[..n].copy_from_slice(&rest[..n]);
    y[..n].copy_from_slice(&others_rest[..n]);
    gate_eight::<GELU>(&mut x, &y);
    rest[..n].copy_from_slice(&x[..n]);
}

#[inline]
#[target_feature(enable = "avx2,fma")]
fn gate_eight<const GELU: bool>(a: &mut [f32; 8], b: &[f32; 8]) {
    let set = |v: f32| _mm256_set1_ps(v);
    // SAFETY: a and b have eight elements each.
    let (x, y) = unsafe { (_mm256_loadu_ps(a.as_ptr()), _mm256_loadu_ps(b.as_ptr())) };
    let mut u = x;
    if GELU {
        let cube = _mm256_mul_ps(_mm256_mul_ps(x, x), x);
        u = _mm256_mul_ps(set(1.595_769), _mm256_fmadd_ps(set(0.044_715), cube, x));
    }
    let e = _mm256_add_ps(set(1.0), exp8(_mm256_sub_ps(_mm256_setzero_ps(), u)));
    let y = _mm256_mul_ps(_mm256_div_ps(x, e), y);
    // SAFETY: a has eight elements.
    unsafe { _mm256_storeu_ps(a.as_mut_ptr(), y) };
}

/// erf by Abramowitz and Stegun 7.1.26, absolute error under 1.5e-7.
#[target_feature(enable = "avx2,fma")]
fn gelu(x: &mut [f32]) {
    let set = |v: f32| _mm256_set1_ps(v);
    let sign = set(-0.0);
    let mut last = [0f32; 8];
    let (whole, rest) = x.as_chunks_mut::<8>();
    last[..rest.len()].copy_from_slice(rest);
    for c in whole.iter_mut().chain(std::iter::once(&mut last)) {
        // SAFETY: c has eight elements.
        unsafe {
            let v = _mm256_loadu_ps(c.as_ptr());
            let z = _mm256_mul_ps(_mm256_andnot_ps(sign, v), set(std::f32::consts::FRAC_1_SQRT_2));
            let t = _mm256_div_ps(set(1.0), _mm256_fmadd_ps(set(0.327_591_1), z, set(1.0)));
            let mut p = set(1.061_405_4);
            for c in [-1.453_152_1, 1.421_413_8, -0.284_496_72, 0.254_829_6] {
                p = _mm256_fmadd_ps(p, t, set(c));
            }
            let e = exp8(_mm256_sub_ps(_mm256_setzero_ps(), _mm256_mul_ps(z, z)));
            let erf = _mm256_fnmadd_ps(_mm256_mul_ps(p, t), e, set(1.0));
            let erf = _mm256_or_ps(erf, _mm256_and_ps(v, sign));
            let half = _mm256_mul_ps(set(0.5), v);
            _mm256_storeu_ps(c.as_mut_ptr(), _mm256_fmadd_ps(half, erf, half));
        }
    }
    rest.copy_from_slice(&last[..rest.len()]);
}

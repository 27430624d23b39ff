//! The kernels with AVX2, FMA and F16C (x86-64 since 2013), and what of them AVX-VNNI changes (2021): products of bytes
//! are added up by fours in one instruction.
//!
//! Without it, sums of four-bit weights stay in 16 bits over a block (8 products of 2 x 15 x 127 = 30,480).
#![allow(unsafe_code)]
#![allow(clippy::needless_range_loop, reason = "an index names the register in a tile")]

use super::avx2_attention::{attend, exp8};
use super::avx2_rowwise::{level, multiply};
use super::products::{CHUNK, MANY, Source, WIDE, products};
use super::products_of_floats::{DEEP, fetch, products_of_floats};
use super::{Acts, Form, Goal, Kernels, Lane, MOST_PANELS, Matrix, PANEL, Panels, Scales};
use core::arch::asm;
use core::arch::x86_64::*;
use std::mem::MaybeUninit;
use std::ops::Range;

/// Whether this processor runs these kernels.
pub fn available() -> bool {
    is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") && is_x86_feature_detected!("f16c")
}

/// The set; to be used only where `available` says so.
pub static KERNELS: Kernels = Kernels {
    name: "avx2",
    // SAFETY (all): `Kernels::detect` gives this table out only after `available`.
    quantize: |x, q, d, s, less| unsafe { quantize(x, q, d, s, less) },
    spare: |x, at, by, tops| unsafe { spare(x, at, by, tops) },
    gemm: |w, p, a, r, o| unsafe { plain::gemm(w, p, a, r, o) },
    floats: |w, p, a, r, o| unsafe { plain::floats(w, p, a, r, o) },
    attend: |a, g, p, e| unsafe { attend(a, g, p, e) },
    silu_mul: |a, b| unsafe { silu_mul(a, b) },
    gelu_mul: |a, b| unsafe { gelu_mul(a, b) },
    gelu: |x| unsafe { gelu(x) },
    level: |x, q| unsafe { level(x, q) },
    multiply: |w, p, a, r, o| unsafe { multiply(w, p, a, r, o) },
    eights: true,
    panels: 1,
};

/// Whether this processor runs these kernels with AVX-VNNI besides.
pub fn has_vnni() -> bool {
    available() && is_x86_feature_detected!("avxvnni")
}

/// The set with AVX-VNNI; to be used only where `has_vnni` says so. Its numbers are those of `KERNELS`.
pub static KERNELS_VNNI: Kernels = Kernels {
    // SAFETY: `Kernels::detect` gives this table out only after `has_vnni`.
    gemm: |w, p, a, r, o| unsafe { vnni::gemm(w, p, a, r, o) },
    ..KERNELS
};

#[target_feature(enable = "avx2,fma,f16c")]
fn spare(x: &mut [f32], at: &mut [u32], by: &mut [f32], tops: &mut [f32]) {
    super::spare(x, at, by, tops);
}

#[target_feature(enable = "avx2,fma,f16c")]
fn quantize(x: &[f32], q: &mut [i8], d: &mut [f32], s: &mut [f32], less: &mut [i32]) {
    let sign = _mm256_set1_ps(-0.0);
    let order = _mm256_setr_epi32(0, 4, 1, 5, 2, 6, 3, 7);
    let blocks = x.as_chunks::<32>().0.iter().zip(q.as_chunks_mut::<32>().0);
    for (((x, q), (d, s)), less) in blocks.zip(d.iter_mut().zip(s)).zip(less.as_chunks_mut::<2>().0) {
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
            let sums = _mm256_hadd_epi32(_mm256_add_epi32(i[0], i[1]), _mm256_add_epi32(i[2], i[3]));
            let sums = _mm_add_epi32(_mm256_castsi256_si128(sums), _mm256_extracti128_si256::<1>(sums));
            let sums = _mm_hadd_epi32(sums, sums);
            let sums = [_mm_cvtsi128_si32(sums), _mm_extract_epi32::<1>(sums)];
            *d = most / 127.0;
            *s = *d * sums[0].wrapping_add(sums[1]) as f32;
            *less = sums.map(|sum| sum.wrapping_mul(-128));
        }
    }
}

/// What `products!` needs of eight floats or 32 bytes.
mod eights {
    use super::*;

    pub type F = __m256;
    pub type I = __m256i;
    /// Vectors of a panel's sixteen outputs.
    pub const N: usize = 2;
    /// Outputs of a vector.
    pub const WIDTH: usize = 8;

    #[inline]
    #[target_feature(enable = "avx2")]
    pub fn splat(x: f32) -> F {
        _mm256_set1_ps(x)
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    pub fn zero() -> I {
        _mm256_setzero_si256()
    }

    #[inline]
    #[target_feature(enable = "avx2,fma")]
    pub fn fma(a: F, b: F, c: F) -> F {
        _mm256_fmadd_ps(a, b, c)
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    pub fn mul(a: F, b: F) -> F {
        _mm256_mul_ps(a, b)
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    pub fn float(x: I) -> F {
        _mm256_cvtepi32_ps(x)
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    pub unsafe fn load(p: *const f32) -> F {
        // SAFETY: the caller points to at least eight floats.
        unsafe { _mm256_loadu_ps(p) }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    pub unsafe fn store(p: *mut f32, x: F) {
        // SAFETY: the caller points to at least eight floats.
        unsafe { _mm256_storeu_ps(p, x) }
    }

    /// Eight f16.
    #[inline]
    #[target_feature(enable = "avx2,f16c")]
    pub unsafe fn halves(p: *const u16) -> F {
        // SAFETY: the caller points to at least eight f16.
        _mm256_cvtph_ps(unsafe { _mm_loadu_si128(p.cast()) })
    }

    /// Four activations, for each of the eight rows.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub unsafe fn four(q: *const i8) -> I {
        // SAFETY: the caller points to at least four bytes.
        _mm256_set1_epi32(unsafe { q.cast::<i32>().read_unaligned() })
    }

    /// Vector h of a lane.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub unsafe fn lane_of(p: *const Lane, h: usize) -> I {
        // SAFETY: the caller points to a lane, which is aligned and has two vectors.
        unsafe { _mm256_load_si256(p.cast::<I>().add(h)) }
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    pub unsafe fn put_lane(lane: *mut Lane, h: usize, x: I) {
        // SAFETY: the caller points to a lane, which is aligned and has two vectors.
        unsafe { _mm256_store_si256(lane.cast::<I>().add(h), x) }
    }

    /// The same whole number for each row.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub fn whole(x: i32) -> I {
        _mm256_set1_epi32(x)
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    pub fn add(a: I, b: I) -> I {
        _mm256_add_epi32(a, b)
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    pub fn both(a: I, b: I) -> I {
        _mm256_or_si256(a, b)
    }

    /// The first to the fourth two bits of each byte, times 16.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub fn tops(x: I) -> [I; 4] {
        let shifted = [_mm256_slli_epi16::<4>(x), _mm256_slli_epi16::<2>(x), x, _mm256_srli_epi16::<2>(x)];
        shifted.map(|x| _mm256_and_si256(x, _mm256_set1_epi8(0x30)))
    }

    /// Six bits to bytes with a sign: 32 was added.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub fn signed(x: I) -> I {
        _mm256_sub_epi8(x, _mm256_set1_epi8(32))
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    pub fn low(x: I) -> I {
        _mm256_and_si256(x, _mm256_set1_epi8(15))
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    pub fn high(x: I) -> I {
        low(_mm256_srli_epi16::<4>(x))
    }

    /// Four bits from bit `at` of each 32 on.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub fn nibble(x: I, at: usize) -> I {
        _mm256_and_si256(_mm256_srlv_epi32(x, _mm256_set1_epi32(at as i32)), _mm256_set1_epi32(15))
    }

    /// The signed byte from bit `at` of each 32 on.
    #[inline]
    #[target_feature(enable = "avx2")]
    pub fn byte(x: I, at: usize) -> I {
        _mm256_srai_epi32::<24>(_mm256_sllv_epi32(x, _mm256_set1_epi32(24 - at as i32)))
    }
}

mod plain {
    use super::eights::*;
    use super::*;

    /// The same, as a thing that the compiler cannot look into: it would regroup the sums of a block and run out of
    /// registers over it, which costs a tenth of the speed.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn as_it_is(mut x: I) -> I {
        // SAFETY: there is no instruction in it.
        unsafe { asm!("/* {x} */", x = inout(ymm_reg) x, options(pure, nomem, nostack, preserves_flags)) };
        x
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn add_four(sum: I, w: I, a: I) -> I {
        as_it_is(_mm256_add_epi16(sum, _mm256_maddubs_epi16(w, a)))
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn end_four(sum: I) -> I {
        _mm256_madd_epi16(sum, _mm256_set1_epi16(1))
    }

    /// Two products of 2 x 63 x 127 keep within 16 bits.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn add_six(sum: I, w: [I; 2], a: [I; 2]) -> I {
        let p = _mm256_add_epi16(_mm256_maddubs_epi16(w[0], a[0]), _mm256_maddubs_epi16(w[1], a[1]));
        as_it_is(_mm256_add_epi32(sum, _mm256_madd_epi16(p, _mm256_set1_epi16(1))))
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn weights(w: I) -> I {
        w
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn begin_eight(_less: i32) -> I {
        zero()
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn add_eight(sum: I, w: I, a: I) -> I {
        let p = _mm256_maddubs_epi16(_mm256_abs_epi8(w), _mm256_sign_epi8(a, w));
        as_it_is(_mm256_add_epi32(sum, _mm256_madd_epi16(p, _mm256_set1_epi16(1))))
    }

    products!(
        "avx2,fma,f16c",
        eights { four 4, eight 4, halves 2 },
        rows { few [1 2 3 4], four [4 1], eight [2 1] }
    );
    products_of_floats!("avx2,fma,f16c", rows [6 4 1], panels [1]);
}

mod vnni {
    use super::eights::*;
    use super::*;

    #[inline]
    #[target_feature(enable = "avx2,avxvnni")]
    fn add_four(sum: I, w: I, a: I) -> I {
        _mm256_dpbusd_avx_epi32(sum, w, a)
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn end_four(sum: I) -> I {
        sum
    }

    #[inline]
    #[target_feature(enable = "avx2,avxvnni")]
    fn add_six(sum: I, w: [I; 2], a: [I; 2]) -> I {
        _mm256_dpbusd_avx_epi32(_mm256_dpbusd_avx_epi32(sum, w[0], a[0]), w[1], a[1])
    }

    /// 128 is added, for the instruction takes weights without a sign.
    #[inline]
    #[target_feature(enable = "avx2")]
    fn weights(w: I) -> I {
        _mm256_xor_si256(w, _mm256_set1_epi8(-128))
    }

    #[inline]
    #[target_feature(enable = "avx2")]
    fn begin_eight(less: i32) -> I {
        whole(less)
    }

    #[inline]
    #[target_feature(enable = "avx2,avxvnni")]
    fn add_eight(sum: I, w: I, a: I) -> I {
        _mm256_dpbusd_avx_epi32(sum, w, a)
    }

    products!(
        "avx2,fma,f16c,avxvnni",
        eights { four 4, eight 4, halves 2 },
        rows { few [1 2 3 4], four [4 1], eight [2 1] }
    );
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

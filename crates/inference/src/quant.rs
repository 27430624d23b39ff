//! The number formats of GGUF tensors: their sizes, and how 32 weights of each are taken apart.
//! It does not multiply anything (`kernel`).
//!
//! Layouts: `ggml-common.h` and `dequantize_row_*` of ggml.

use crate::error::Error;
use half::{bf16, f16};

/// A GGUF number format that this engine reads.
#[allow(missing_docs, reason = "the variants are the formats' own names")]
#[allow(non_camel_case_types, reason = "the names are GGUF's")]
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Type {
    F32,
    F16,
    BF16,
    Q4_0,
    Q4_1,
    Q5_0,
    Q5_1,
    Q8_0,
    Q2_K,
    Q3_K,
    Q4_K,
    Q5_K,
    Q6_K,
    IQ4_NL,
    IQ4_XS,
}

/// 32 weights in a row: weight i is `q[i] * d[i / 16] + m[i / 16]`.
#[derive(Debug, Clone, Copy, Default)]
pub struct Block {
    /// Integers.
    pub q: [i8; 32],
    /// Scales of the first and the second 16.
    pub d: [f32; 2],
    /// What is added to each of the first and the second 16; they differ in Q2_K alone.
    pub m: [f32; 2],
}

/// 32 weights of four bits: byte i holds weight i in its low half and weight i + 16 in its high half, of which each is
/// half * d + m.
#[derive(Debug, Clone, Copy, Default)]
pub struct Nibbles {
    /// The integers.
    pub q: [u8; 16],
    /// The scale.
    pub d: f32,
    /// What is added.
    pub m: f32,
}

/// The values that four bits stand for in IQ4_NL and IQ4_XS.
const UNEVEN: [i8; 16] = [-127, -104, -83, -65, -49, -35, -22, -10, 1, 13, 25, 38, 53, 69, 89, 113];

const UNREAD: &[(u32, &str)] = &[
    (9, "Q8_1"),
    (15, "Q8_K"),
    (16, "IQ2_XXS"),
    (17, "IQ2_XS"),
    (18, "IQ3_XXS"),
    (19, "IQ1_S"),
    (21, "IQ3_S"),
    (22, "IQ2_S"),
    (29, "IQ1_M"),
    (34, "TQ1_0"),
    (35, "TQ2_0"),
    (39, "MXFP4"),
    (40, "NVFP4"),
];

impl Type {
    /// Returns the format of a ggml type id.
    ///
    /// # Errors
    /// `Unsupported`, with the format's name where it is known.
    pub fn from_id(id: u32) -> Result<Self, Error> {
        Ok(match id {
            0 => Self::F32,
            1 => Self::F16,
            2 => Self::Q4_0,
            3 => Self::Q4_1,
            6 => Self::Q5_0,
            7 => Self::Q5_1,
            8 => Self::Q8_0,
            10 => Self::Q2_K,
            11 => Self::Q3_K,
            12 => Self::Q4_K,
            13 => Self::Q5_K,
            14 => Self::Q6_K,
            20 => Self::IQ4_NL,
            23 => Self::IQ4_XS,
            30 => Self::BF16,
            _ => {
                let name = UNREAD.iter().find(|(i, _)| *i == id).map_or("unknown", |(_, n)| n);
                return Err(Error::Unsupported(format!("quantization {name} (type {id})")));
            }
        })
    }

    /// Returns the name as people write it.
    pub fn name(self) -> &'static str {
        match self {
            Self::F32 => "F32",
            Self::F16 => "F16",
            Self::BF16 => "BF16",
            Self::Q4_0 => "Q4_0",
            Self::Q4_1 => "Q4_1",
            Self::Q5_0 => "Q5_0",
            Self::Q5_1 => "Q5_1",
            Self::Q8_0 => "Q8_0",
            Self::Q2_K => "Q2_K",
            Self::Q3_K => "Q3_K",
            Self::Q4_K => "Q4_K",
            Self::Q5_K => "Q5_K",
            Self::Q6_K => "Q6_K",
            Self::IQ4_NL => "IQ4_NL",
            Self::IQ4_XS => "IQ4_XS",
        }
    }

    /// Returns how many weights share one block.
    pub fn block_len(self) -> usize {
        match self {
            Self::F32 | Self::F16 | Self::BF16 => 1,
            Self::Q4_0 | Self::Q4_1 | Self::Q5_0 | Self::Q5_1 | Self::Q8_0 | Self::IQ4_NL => 32,
            Self::Q2_K | Self::Q3_K | Self::Q4_K | Self::Q5_K | Self::Q6_K | Self::IQ4_XS => 256,
        }
    }

    /// Returns the bytes of one block.
    pub fn block_bytes(self) -> usize {
        match self {
            Self::F32 => 4,
            Self::F16 | Self::BF16 => 2,
            Self::Q4_0 | Self::IQ4_NL => 18,
            Self::Q4_1 => 20,
            Self::Q5_0 => 22,
            Self::Q5_1 => 24,
            Self::Q8_0 => 34,
            Self::Q2_K => 84,
            Self::Q3_K => 110,
            Self::Q4_K => 144,
            Self::Q5_K => 176,
            Self::Q6_K => 210,
            Self::IQ4_XS => 136,
        }
    }

    /// Returns the bytes of `elements` weights, or nothing where they are no whole number of blocks or overflow.
    pub fn bytes(self, elements: usize) -> Option<usize> {
        if !elements.is_multiple_of(self.block_len()) {
            return None;
        }
        (elements / self.block_len()).checked_mul(self.block_bytes())
    }

    /// The block of the file that holds the `i`-th 32 weights of a row, and which 32 of the block they are.
    #[inline(always)]
    fn part(self, row: &[u8], i: usize) -> Option<(&[u8], usize)> {
        let per = self.block_len() / 32;
        let b = row.get(i.checked_div(per)? * self.block_bytes()..)?.get(..self.block_bytes())?;
        Some((b, i % per))
    }

    /// Takes 32 weights apart as `block` does, for the formats of four bits with a scale and a minimum.
    #[inline(always)]
    pub fn nibbles(self, row: &[u8], i: usize) -> Option<Nibbles> {
        let (b, s) = self.part(row, i)?;
        let d = half_at(b, 0);
        match self {
            Self::Q4_0 => Some(Nibbles { q: *b.last_chunk()?, d, m: -8.0 * d }),
            Self::Q4_1 => Some(Nibbles { q: *b.last_chunk()?, d, m: half_at(b, 2) }),
            Self::Q4_K => {
                let (scale, min) = scale_min(s, &b[4..16]);
                let (first, second) = b[16 + s / 2 * 32..][..32].split_first_chunk::<16>()?;
                let second = second.first_chunk::<16>()?;
                let low = s % 2 == 0;
                let both = |i: usize| match low {
                    true => (first[i] & 15) | (second[i] << 4),
                    false => (first[i] >> 4) | (second[i] & 0xf0),
                };
                let q = std::array::from_fn(both);
                Some(Nibbles { q, d: d * f32::from(scale), m: -half_at(b, 2) * f32::from(min) })
            }
            _ => None,
        }
    }

    /// Takes 32 weights apart: the `i`-th 32 of the row whose bytes are given. Returns nothing for formats that
    /// have no such form (plain floats) and where the bytes are too few.
    #[inline(always)]
    pub fn block(self, row: &[u8], i: usize) -> Option<Block> {
        let (b, s) = self.part(row, i)?;
        let mut o = Block::default();
        match self {
            Self::Q4_0 | Self::Q4_1 | Self::Q4_K => {
                let x = self.nibbles(row, i)?;
                (o.d, o.m) = ([x.d; 2], [x.m; 2]);
                let (first, second) = o.q.split_at_mut(16);
                for ((x, a), b) in x.q.iter().zip(first).zip(second) {
                    (*a, *b) = ((x & 15) as i8, (x >> 4) as i8);
                }
            }
            Self::Q5_0 | Self::Q5_1 => {
                o.d = [half_at(b, 0); 2];
                let head = if self == Self::Q5_0 { 2 } else { 4 };
                o.m = [if self == Self::Q5_0 { 0.0 } else { half_at(b, 2) }; 2];
                let shift = if self == Self::Q5_0 { 16 } else { 0 };
                let high = u32::from_le_bytes([b[head], b[head + 1], b[head + 2], b[head + 3]]);
                for (j, x) in b[head + 4..].iter().enumerate() {
                    o.q[j] = ((x & 15) | (((high >> j) & 1) as u8) << 4) as i8 - shift;
                    o.q[j + 16] = ((x >> 4) | (((high >> (j + 16)) & 1) as u8) << 4) as i8 - shift;
                }
            }
            Self::Q8_0 => {
                o.d = [half_at(b, 0); 2];
                for (q, x) in o.q.iter_mut().zip(&b[2..]) {
                    *q = *x as i8;
                }
            }
            Self::Q5_K => {
                let (scale, min) = scale_min(s, &b[4..16]);
                o.d = [half_at(b, 0) * f32::from(scale); 2];
                o.m = [-half_at(b, 2) * f32::from(min); 2];
                let shift = s % 2 * 4;
                for ((o, low), high) in o.q.iter_mut().zip(&b[48 + s / 2 * 32..]).zip(&b[16..48]) {
                    *o = ((low >> shift & 15) | (high >> s & 1) << 4) as i8;
                }
            }
            Self::Q6_K => {
                let d = half_at(b, 208);
                o.d = [d * f32::from(b[192 + 2 * s] as i8), d * f32::from(b[193 + 2 * s] as i8)];
                let (half, part) = (s / 4, s % 4);
                let (low, high) = (&b[half * 64 + (part % 2) * 32..], &b[128 + half * 32..]);
                for ((o, low), high) in o.q.iter_mut().zip(low).zip(high) {
                    *o = ((low >> (part / 2 * 4) & 15) | (high >> (2 * part) & 3) << 4) as i8 - 32;
                }
            }
            Self::Q3_K => {
                let d = half_at(b, 108);
                let (half, part) = (s / 4, s % 4);
                for (k, o) in o.d.iter_mut().enumerate() {
                    *o = d * f32::from(q3_scale(&b[96..108], 2 * s + k) - 32);
                }
                for j in 0..32 {
                    let low = b[32 + half * 32 + j] >> (2 * part) & 3;
                    let high = b[j] >> s & 1;
                    o.q[j] = low as i8 - if high == 0 { 4 } else { 0 };
                }
            }
            Self::Q2_K => {
                for (k, scale) in b[2 * s..2 * s + 2].iter().enumerate() {
                    o.d[k] = half_at(b, 80) * f32::from(scale & 15);
                    o.m[k] = -half_at(b, 82) * f32::from(scale >> 4);
                }
                let (half, part) = (s / 4, s % 4);
                for (q, x) in o.q.iter_mut().zip(&b[16 + half * 32..]) {
                    *q = (x >> (2 * part) & 3) as i8;
                }
            }
            Self::IQ4_NL => {
                o.d = [half_at(b, 0); 2];
                uneven(&b[2..], &mut o.q);
            }
            Self::IQ4_XS => {
                let high = u16::from_le_bytes([b[2], b[3]]) >> (2 * s) & 3;
                let low = b[4 + s / 2] >> (4 * (s % 2)) & 15;
                o.d = [half_at(b, 0) * (f32::from(high << 4 | u16::from(low)) - 32.0); 2];
                uneven(&b[8 + s * 16..], &mut o.q);
            }
            Self::F32 | Self::F16 | Self::BF16 => return None,
        }
        Some(o)
    }

    /// Widens whole rows to f32. `out` has one element per weight.
    ///
    /// # Errors
    /// `Damaged` where the bytes do not match the number of weights.
    pub fn widen(self, bytes: &[u8], out: &mut [f32]) -> Result<(), Error> {
        if self.bytes(out.len()) != Some(bytes.len()) {
            return Err(Error::Damaged(format!("{} bytes of {} for {} weights", bytes.len(), self.name(), out.len())));
        }
        match self {
            Self::F32 => each(bytes, out, |b: [u8; 4]| f32::from_le_bytes(b)),
            Self::F16 => each(bytes, out, |b: [u8; 2]| f16::from_le_bytes(b).to_f32()),
            Self::BF16 => each(bytes, out, |b: [u8; 2]| bf16::from_le_bytes(b).to_f32()),
            _ => {
                for (i, o) in out.chunks_exact_mut(32).enumerate() {
                    let b = self.block(bytes, i).unwrap_or_default();
                    for (j, o) in o.iter_mut().enumerate() {
                        *o = f32::from(b.q[j]) * b.d[j / 16] + b.m[j / 16];
                    }
                }
            }
        }
        Ok(())
    }
}

fn each<const N: usize>(bytes: &[u8], out: &mut [f32], f: impl Fn([u8; N]) -> f32) {
    for (b, o) in bytes.as_chunks::<N>().0.iter().zip(out) {
        *o = f(*b);
    }
}

/// 16 bytes of four-bit codes: the low halves stand for the first 16 weights, the high ones for the second.
fn uneven(bytes: &[u8], q: &mut [i8; 32]) {
    let (first, second) = q.split_at_mut(16);
    for ((x, a), b) in bytes.iter().zip(first).zip(second) {
        (*a, *b) = (UNEVEN[usize::from(x & 15)], UNEVEN[usize::from(x >> 4)]);
    }
}

/// The f16 at byte `i`. Written out, for millions are read where a model is loaded: the library asks the processor each
/// time what it can.
#[inline(always)]
fn half_at(b: &[u8], i: usize) -> f32 {
    let h = u32::from(u16::from_le_bytes([b[i], b[i + 1]]));
    const LEAST: u32 = 113 << 23; // 2^-14, below which f16 has no leading one
    let x = match h & 0x7c00 {
        0 => f32::from_bits(LEAST | (h & 0x3ff) << 13) - f32::from_bits(LEAST),
        0x7c00 => f32::from_bits(0x7f80_0000 | (h & 0x3ff) << 13),
        _ => f32::from_bits(((h & 0x7fff) << 13) + (112 << 23)),
    };
    f32::from_bits(x.to_bits() | (h & 0x8000) << 16)
}

/// The 6-bit scale and minimum of sub-block `j` of Q4_K and Q5_K.
#[inline(always)]
fn scale_min(j: usize, s: &[u8]) -> (u8, u8) {
    if j < 4 {
        (s[j] & 63, s[j + 4] & 63)
    } else {
        ((s[j + 4] & 15) | ((s[j - 4] >> 6) << 4), (s[j + 4] >> 4) | ((s[j] >> 6) << 4))
    }
}

/// The 6-bit scale of 16 weights of Q3_K: four low bits in bytes 0 to 7, two high bits in bytes 8 to 11.
#[inline(always)]
fn q3_scale(s: &[u8], j: usize) -> i8 {
    let low = if j < 8 { s[j] & 15 } else { s[j - 8] >> 4 };
    let high = s[8 + j % 4] >> (2 * (j / 4)) & 3;
    (low | high << 4) as i8
}

#[cfg(test)]
mod tests {
    use super::*;
    use candle_core::quantized::{GgmlDType, QTensor};
    use candle_core::{Device, Tensor};

    /// Every format must widen to what candle's independent implementation makes of the same bytes.
    #[test]
    fn widens_like_candle() {
        let x: Vec<f32> =
            (0..1024).map(|i| ((i * 7919 % 2003) as f32 / 1000.0 - 1.0) * (1.0 + (i / 256) as f32)).collect();
        let t = Tensor::from_slice(&x, (4, 256), &Device::Cpu).unwrap();
        for (ty, dt) in [
            (Type::Q4_0, GgmlDType::Q4_0),
            (Type::Q4_1, GgmlDType::Q4_1),
            (Type::Q5_0, GgmlDType::Q5_0),
            (Type::Q5_1, GgmlDType::Q5_1),
            (Type::Q8_0, GgmlDType::Q8_0),
            (Type::Q2_K, GgmlDType::Q2K),
            (Type::Q3_K, GgmlDType::Q3K),
            (Type::Q4_K, GgmlDType::Q4K),
            (Type::Q5_K, GgmlDType::Q5K),
            (Type::Q6_K, GgmlDType::Q6K),
            (Type::F16, GgmlDType::F16),
            (Type::BF16, GgmlDType::BF16),
        ] {
            let q = QTensor::quantize(&t, dt).unwrap();
            let want: Vec<f32> = q.dequantize(&Device::Cpu).unwrap().flatten_all().unwrap().to_vec1().unwrap();
            let mut got = vec![0.0; 1024];
            ty.widen(&q.data().unwrap(), &mut got).unwrap();
            for (i, (g, w)) in got.iter().zip(&want).enumerate() {
                assert!((g - w).abs() <= 1e-5 * (1.0 + w.abs()), "{} weight {i}: {g} and not {w}", ty.name());
            }
        }
    }

    #[test]
    fn names_what_it_cannot_read() {
        for (id, name) in [(16, "IQ2_XXS"), (39, "MXFP4"), (99, "type 99")] {
            let e = Type::from_id(id).unwrap_err().to_string();
            assert!(e.contains(name), "{e}");
        }
        assert_eq!(Type::Q4_0.bytes(33), None);
    }
}

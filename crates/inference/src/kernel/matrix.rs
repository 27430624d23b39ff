//! Weight matrices in the layout that the kernels read, about as large as in the file and only once in memory.
//!
//! Sixteen output rows make a panel. In a panel every 64-byte lane holds four consecutive inputs of each of its rows, so
//! that one vector product feeds eight or sixteen rows and no horizontal sum is needed:
//! ```text
//! Four  (k/32 blocks per panel): 4 lanes; low nibbles are inputs 0..16 by fours, high nibbles 16..32
//! Six   (k/32 blocks per panel): 32 is added to each; 4 lanes of their low four bits as above, then 2 lanes of their high
//!       two: of inputs 0..16 by fours from the lowest bits of each byte on, and of inputs 16..32
//! Eight (k/32 blocks per panel): 8 lanes of i8
//! scales per block: d[16] f16, then d of the second 16 inputs [16] or minima [16], where there are such
//! Half  (per panel): f16 [k][16]
//! Dense (per panel): f32 [k][16]
//! ```

use super::large::Span;
use super::pool::{Parts, Pool};
use crate::error::Error;
use crate::quant::{Block, Type};
use half::f16;
use half::slice::{HalfBitsSliceExt, HalfFloatSliceExt};
use std::sync::{Mutex, PoisonError};

/// Output rows that are computed together.
pub const PANEL: usize = 16;
/// Bytes of a file that are read before they are packed, so that they are packed while in a cache.
const PIECE_BYTES: usize = 256 << 10;

/// Four bytes for each row of a panel, aligned.
#[derive(Debug, Clone, Copy)]
#[repr(C, align(64))]
pub struct Lane(pub [u8; 4 * PANEL]);

/// How the weights of a matrix are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Form {
    /// Unsigned 4-bit integers, a scale and a minimum for each 32.
    Four,
    /// 6-bit integers from -32 on.
    Six(Scales),
    /// Signed 8-bit integers.
    Eight(Scales),
    /// f16.
    Half,
    /// f32.
    Dense,
}

/// What each 32 weights of six or eight bits are multiplied by.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Scales {
    /// A scale.
    One,
    /// A scale for each 16 of them.
    Halves,
    /// A scale, and a minimum is added.
    Min,
}

impl Scales {
    /// Returns how many numbers these are.
    fn kinds(self) -> usize {
        if self == Self::One { 1 } else { 2 }
    }
}

impl Form {
    fn of(ty: Type) -> Self {
        match ty {
            Type::Q4_0 | Type::Q4_1 | Type::Q4_K => Self::Four,
            Type::Q5_0 => Self::Six(Scales::One),
            Type::Q5_1 | Type::Q5_K => Self::Six(Scales::Min),
            Type::Q6_K | Type::Q3_K => Self::Six(Scales::Halves),
            Type::Q8_0 | Type::IQ4_NL | Type::IQ4_XS => Self::Eight(Scales::One),
            Type::Q2_K => Self::Eight(Scales::Halves),
            Type::F16 | Type::BF16 => Self::Half,
            Type::F32 => Self::Dense,
        }
    }

    /// Returns the lanes of one block of 32 inputs.
    pub fn lanes(self) -> usize {
        match self {
            Self::Four => 4,
            Self::Six(_) => 6,
            Self::Eight(_) => 8,
            Self::Half | Self::Dense => 0,
        }
    }

    /// Whether products use the floats of the activations and not their integers.
    pub fn floats(self) -> bool {
        matches!(self, Self::Half | Self::Dense)
    }

    /// Returns the f16 scales of one block of 32 inputs.
    pub fn scales(self) -> usize {
        match self {
            Self::Four => 2 * PANEL,
            Self::Six(scales) | Self::Eight(scales) => PANEL * scales.kinds(),
            Self::Half | Self::Dense => 0,
        }
    }
}

/// A matrix of `n` outputs and `k` inputs.
#[derive(Debug)]
pub struct Matrix {
    /// Outputs.
    pub n: usize,
    /// Inputs.
    pub k: usize,
    /// The layout.
    pub form: Form,
    pub(super) lanes: Span<Lane>,
    pub(super) scales: Span<u16>,
    pub(super) dense: Span<f32>,
}

impl Matrix {
    /// Packs the bytes of a GGUF tensor of `n` rows with `k` weights each.
    ///
    /// # Errors
    /// `Damaged` where the bytes do not match the shape.
    pub fn pack(ty: Type, bytes: &[u8], n: usize, k: usize, pool: &Pool) -> Result<Self, Error> {
        if ty.bytes(k).and_then(|b| b.checked_mul(n)) != Some(bytes.len()) {
            return Err(Error::Damaged(format!("{} bytes for a matrix {n} x {k}", bytes.len())));
        }
        let mut rest = bytes;
        let read = |piece: &mut [u8]| {
            let (own, other) = rest.split_at_checked(piece.len()).unwrap_or((&[], &[]));
            rest = other;
            piece.copy_from_slice(own);
            Ok(())
        };
        Self::read(ty, &mut { read }, n, k, pool)
    }

    /// A matrix of `n` rows with `k` weights each, all of them zero, in the layout of a format. Its memory is asked for and
    /// not touched.
    ///
    /// # Errors
    /// `Damaged` where the shape is none that the format has.
    pub fn zeros(ty: Type, n: usize, k: usize) -> Result<Self, Error> {
        if ty.bytes(k).is_none_or(|b| n == 0 || b == 0 || b.checked_mul(n).is_none()) {
            return Err(Error::Damaged(format!("a matrix {n} x {k} of {}", ty.name())));
        }
        let (form, panels, blocks) = (Form::of(ty), n.div_ceil(PANEL), k / 32);
        let [floats, halves] = [Form::Dense, Form::Half].map(|f| if form == f { panels * PANEL * k } else { 0 });
        let (nl, ns) = (blocks * form.lanes(), blocks * form.scales());
        Ok(Self {
            n,
            k,
            form,
            lanes: Span::zeros(panels * nl),
            scales: Span::zeros(panels * ns + halves),
            dense: Span::zeros(floats),
        })
    }

    /// Packs the bytes of a GGUF tensor of `n` rows with `k` weights each, which `read` brings one piece after another:
    /// each while the one before is packed.
    ///
    /// # Errors
    /// `Damaged` where the shape is none that the format has; those of `read`.
    pub fn read(
        ty: Type,
        read: &mut (dyn FnMut(&mut [u8]) -> Result<(), Error> + Send),
        n: usize,
        k: usize,
        pool: &Pool,
    ) -> Result<Self, Error> {
        let mut w = Self::zeros(ty, n, k)?;
        let row_bytes = ty.bytes(k).unwrap_or(1);
        let (form, panels) = (w.form, n.div_ceil(PANEL));
        // What a panel holds of each.
        let [pl, ps, pd] = [w.lanes.len(), w.scales.len(), w.dense.len()].map(|len| len / panels);
        let (lanes, scales) = (Parts::new(&mut w.lanes, pl), Parts::new(&mut w.scales, ps));
        let dense = Parts::new(&mut w.dense, pd);
        let step = (PIECE_BYTES / (row_bytes * PANEL)).max(1);
        // Rows of the piece that begins with a panel.
        let count = |first: usize| n.min((first + step) * PANEL).saturating_sub(first * PANEL);
        let mut buffers = [0; 2].map(|_| vec![0; row_bytes * count(0)]);
        let [now, next] = &mut buffers;
        read(now)?;
        let pack = packer(ty);
        for first in (0..panels).step_by(step) {
            let (here, ahead) = (count(first), count(first + step));
            let rows: Vec<&[u8]> = now.chunks_exact(row_bytes).take(here).collect();
            let reading = Mutex::new((&mut *read, &mut next[..ahead * row_bytes], Ok(())));
            pool.run(1 + here.div_ceil(PANEL), &|range| {
                for item in range {
                    let Some(p) = item.checked_sub(1) else {
                        let (read, bytes, done) = &mut *reading.lock().unwrap_or_else(PoisonError::into_inner);
                        if !bytes.is_empty() {
                            *done = read(bytes);
                        }
                        continue;
                    };
                    #[allow(unsafe_code)]
                    // SAFETY: every panel is visited once, and its parts belong to it alone.
                    let (lanes, scales, dense) =
                        unsafe { (lanes.part(first + p), scales.part(first + p), dense.part(first + p)) };
                    let rows = &rows[p * PANEL..here.min((p + 1) * PANEL)];
                    match form {
                        Form::Dense => widened(ty, rows, k, &mut |i, x| dense[i] = x),
                        Form::Half => widened(ty, rows, k, &mut |i, x| {
                            scales[i] = f16::from_f32(x.clamp(-65504.0, 65504.0)).to_bits();
                        }),
                        _ => pack(rows, lanes, scales),
                    }
                }
            });
            reading.into_inner().unwrap_or_else(PoisonError::into_inner).2?;
            std::mem::swap(now, next);
        }
        Ok(w)
    }

    /// Packs f32 rows, row after row.
    pub fn dense(rows: &[f32], n: usize, k: usize, pool: &Pool) -> Result<Self, Error> {
        let bytes: Vec<u8> = rows.iter().flat_map(|x| x.to_le_bytes()).collect();
        Self::pack(Type::F32, &bytes, n, k, pool)
    }

    /// Packs f32 rows as 8-bit integers, one scale for each 32; `k` is a multiple of 32.
    pub fn eight(rows: &[f32], n: usize, k: usize, pool: &Pool) -> Result<Self, Error> {
        let mut bytes = Vec::with_capacity(rows.len() / 32 * 34);
        for b in rows.chunks(32) {
            let most = b.iter().fold(0f32, |a, x| a.max(x.abs()));
            let d = f16::from_f32(most / 127.0);
            bytes.extend(d.to_le_bytes());
            let inverse = if d.to_f32() > 0.0 { 1.0 / d.to_f32() } else { 0.0 };
            bytes.extend(b.iter().map(|x| (x * inverse).round().clamp(-127.0, 127.0) as i8 as u8));
        }
        Self::pack(Type::Q8_0, &bytes, n, k, pool)
    }

    /// Returns the bytes held in memory.
    pub fn bytes(&self) -> usize {
        size_of_val(&self.lanes[..]) + size_of_val(&self.scales[..]) + size_of_val(&self.dense[..])
    }

    /// Returns how many panels of 16 outputs there are, the last one possibly padded.
    pub fn panels(&self) -> usize {
        self.n.div_ceil(PANEL)
    }

    /// Returns lanes and scales of one panel; of f16 weights these are the scales.
    pub(super) fn panel(&self, p: usize) -> (&[Lane], &[u16]) {
        let nl = self.k / 32 * self.form.lanes();
        let ns = if self.form == Form::Half { self.k * PANEL } else { self.k / 32 * self.form.scales() };
        (&self.lanes[p * nl..][..nl], &self.scales[p * ns..][..ns])
    }

    /// Widens row `r` into `out` (`k` elements); a row beyond the end is left as it was.
    pub fn row(&self, r: usize, out: &mut [f32]) {
        if r >= self.n {
            return;
        }
        if self.form == Form::Dense {
            let panel = &self.dense[r / PANEL * self.k * PANEL..][..self.k * PANEL];
            for (o, x) in out.iter_mut().zip(panel.chunks_exact(PANEL)) {
                *o = x[r % PANEL];
            }
            return;
        }
        if self.form == Form::Half {
            let panel = &self.scales[r / PANEL * self.k * PANEL..][..self.k * PANEL];
            for (o, x) in out.iter_mut().zip(panel.chunks_exact(PANEL)) {
                *o = f16::from_bits(x[r % PANEL]).to_f32();
            }
            return;
        }
        let (p, r, blocks) = (r / PANEL, r % PANEL, self.k / 32);
        let (nl, ns) = (self.form.lanes(), self.form.scales());
        for (b, out) in out.chunks_exact_mut(32).enumerate().take(blocks) {
            let lanes = &self.lanes[(p * blocks + b) * nl..][..nl];
            let scales = &self.scales[(p * blocks + b) * ns..][..ns];
            let s = self.form.unpack(scales, r);
            for (i, o) in out.iter_mut().enumerate() {
                *o = f32::from(self.form.weight(lanes, r, i)) * s[i / 16] + s[2];
            }
        }
    }
}

impl Form {
    /// Weight `i` of 32 of row `r` of a panel, as an integer.
    #[inline]
    pub(super) fn weight(self, lanes: &[Lane], r: usize, i: usize) -> i16 {
        let (g, c) = (i / 4, i % 4);
        match self {
            Self::Four => {
                let b = lanes[g % 4].0[r * 4 + c];
                i16::from(if g < 4 { b & 15 } else { b >> 4 })
            }
            Self::Six(_) => {
                let low = i16::from(lanes[g % 4].0[r * 4 + c] >> (i / 16 * 4) & 15);
                let high = i16::from(lanes[4 + i / 16].0[r * 4 + c] >> (g % 4 * 2) & 3);
                (low | high << 4) - 32
            }
            _ => i16::from(lanes[g].0[r * 4 + c] as i8),
        }
    }

    /// Both scales and the minimum of row `r` of a block.
    #[inline]
    pub(super) fn unpack(self, scales: &[u16], r: usize) -> [f32; 3] {
        let at = |i: usize| f16::from_bits(scales[i * PANEL + r]).to_f32();
        match self {
            Self::Four => [at(0), at(0), at(1)],
            Self::Six(scales) | Self::Eight(scales) => match scales {
                Scales::One => [at(0), at(0), 0.0],
                Scales::Halves => [at(0), at(1), 0.0],
                Scales::Min => [at(0), at(0), at(1)],
            },
            Self::Half | Self::Dense => [1.0, 1.0, 0.0],
        }
    }
}

/// The same weights without minima, rounded to 1/254 of the largest of each 16. Q2_K alone has two minima in 32, and its
/// four levels are far coarser than this.
fn even(b: &Block) -> Block {
    let mut o = Block::default();
    for h in 0..2 {
        let x: [f32; 16] = std::array::from_fn(|i| f32::from(b.q[h * 16 + i]) * b.d[h] + b.m[h]);
        let most = x.iter().fold(0f32, |a, x| a.max(x.abs()));
        let d = f16::from_f32(most / 127.0).to_f32();
        o.d[h] = d;
        if d > 0.0 {
            x.iter().zip(&mut o.q[h * 16..]).for_each(|(x, q)| *q = (x / d).round().clamp(-127.0, 127.0) as i8);
        }
    }
    o
}

/// Floats stand side by side, sixteen rows of one input. The lengths were checked, so widening cannot fail.
fn widened(ty: Type, rows: &[&[u8]], k: usize, put: &mut dyn FnMut(usize, f32)) {
    let mut wide = vec![0.0; k];
    for (r, row) in rows.iter().enumerate() {
        let _ = ty.widen(row, &mut wide);
        wide.iter().enumerate().for_each(|(i, x)| put(i * PANEL + r, *x));
    }
}

/// Packs up to sixteen rows of a format.
type Packer = fn(&[&[u8]], &mut [Lane], &mut [u16]);

/// The packer of a format. In each of them the format is a constant, so that how weights are taken apart is decided once
/// and not for every 32 of them.
fn packer(ty: Type) -> Packer {
    macro_rules! by {
        ($($ty:ident)*) => {
            match ty {
                $(Type::$ty => |rows, lanes, scales| pack_panel(Type::$ty, rows, lanes, scales),)*
                Type::F32 | Type::F16 | Type::BF16 => |_, _, _| (),
            }
        };
    }
    by!(Q4_0 Q4_1 Q5_0 Q5_1 Q8_0 Q2_K Q3_K Q4_K Q5_K Q6_K IQ4_NL IQ4_XS)
}

#[inline(always)]
fn pack_panel(ty: Type, rows: &[&[u8]], lanes: &mut [Lane], scales: &mut [u16]) {
    let form = Form::of(ty);
    let (nl, ns) = (form.lanes(), form.scales());
    for (b, (lanes, scales)) in lanes.chunks_exact_mut(nl).zip(scales.chunks_exact_mut(ns)).enumerate() {
        let mut wide = [[0f32; PANEL]; 3];
        for (r, row) in rows.iter().enumerate().take(PANEL) {
            if form == Form::Four {
                let Some(x) = ty.nibbles(row, b) else { continue };
                put(lanes, r, &x.q);
                (wide[0][r], wide[2][r]) = (x.d, x.m);
            } else {
                let Some(mut x) = ty.block(row, b) else { continue };
                if ty == Type::Q2_K {
                    x = even(&x);
                }
                match form {
                    Form::Six(_) => put(lanes, r, &sixes(&x.q)),
                    _ => put(lanes, r, &x.q.map(|q| q as u8)),
                }
                (wide[0][r], wide[1][r], wide[2][r]) = (x.d[0], x.d[1], x.m[0]);
            }
        }
        let kept: &[usize] = match form {
            Form::Six(Scales::One) | Form::Eight(Scales::One) => &[0],
            Form::Six(Scales::Halves) | Form::Eight(Scales::Halves) => &[0, 1],
            Form::Four | Form::Six(Scales::Min) | Form::Eight(Scales::Min) => &[0, 2],
            Form::Half | Form::Dense => &[],
        };
        let scales = scales.reinterpret_cast_mut::<f16>();
        for (i, out) in kept.iter().zip(scales.chunks_exact_mut(PANEL)) {
            out.convert_from_f32_slice(&wide[*i]);
        }
    }
}

/// The bytes of six lanes for 32 weights of a row, see `Form::Six`.
#[inline(always)]
fn sixes(q: &[i8; 32]) -> [u8; 24] {
    let u = q.map(|q| (q + 32) as u8);
    std::array::from_fn(|i| match i {
        0..16 => u[i] & 15 | u[16 + i] << 4,
        _ => {
            let of = |j: usize| u[(i - 16) / 4 * 16 + j * 4 + i % 4] >> 4 << (2 * j);
            of(0) | of(1) | of(2) | of(3)
        }
    })
}

/// Puts the bytes of row `r` into the lanes of a block, four into each.
#[inline(always)]
fn put(lanes: &mut [Lane], r: usize, bytes: &[u8]) {
    for (lane, word) in lanes.iter_mut().zip(bytes.as_chunks::<4>().0) {
        lane.0.as_chunks_mut::<4>().0[r] = *word;
    }
}

//! The KV cache of one conversation, as f16, in pages of 128 positions that are added as they are needed. Positions
//! beyond the length may hold old numbers; nobody reads them. Layout: `kernel::Attend`.
//!
//! Conversations that begin alike share pages: a copy of a cache takes no memory, and a page that several hold is
//! copied by the first that writes to it (paged attention with copy on write: <https://arxiv.org/abs/2309.06180>).
//!
//! Of a layer with a short convolution a page holds what the convolution goes over, for every position and not for the
//! last ones alone: so a cache can be cut, shared, copied and stored at any position as with attention.

use crate::config::Config;
use crate::kernel::{MAX_HEAD, PAGE, Pool, Span};
use half::f16;
use half::slice::{HalfBitsSliceExt, HalfFloatSliceExt};
use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

/// What one conversation needs beside the shared weights.
#[derive(Debug, Clone)]
pub struct RunState {
    pages: Vec<Arc<Span<u16>>>,
    len: usize,
    head_dim: usize,
    /// Where each layer begins in a page, and where the last one ends.
    starts: Arc<[usize]>,
}

/// What a convolution goes over is made smaller from here on, so that f16 holds it.
const LARGE: f32 = 32_768.0;

impl RunState {
    /// Makes an empty cache, which takes no memory yet.
    pub fn new(config: &Config) -> Self {
        Self::laid_out((0..config.n_layers).map(|i| config.kept_of(i)), config.head_dim)
    }

    fn laid_out(kept: impl Iterator<Item = usize>, head_dim: usize) -> Self {
        let mut end = 0;
        let ends = kept.map(|numbers| {
            end += numbers * PAGE;
            end
        });
        Self { pages: Vec::new(), len: 0, head_dim, starts: std::iter::once(0).chain(ends).collect() }
    }

    /// Makes an empty cache of any shape.
    pub fn shaped(layers: usize, heads: usize, head_dim: usize) -> Self {
        Self::laid_out(std::iter::repeat_n(heads * head_dim * 2, layers), head_dim)
    }

    /// Returns how many positions are filled.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether no position is filled.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Returns the bytes held.
    pub fn bytes(&self) -> u64 {
        (self.pages.len() * self.page_len() * 2) as u64
    }

    /// Returns the bytes that would be held with `len` positions.
    pub fn bytes_for(&self, len: usize) -> u64 {
        (len.div_ceil(PAGE) * self.page_len() * 2) as u64
    }

    /// Returns the bytes that are taken anew when the cache grows to `len` positions.
    pub fn growth(&self, len: usize) -> u64 {
        let shared = len > self.len
            && !self.len.is_multiple_of(PAGE)
            && self.pages.get(self.len / PAGE).is_some_and(|page| Arc::strong_count(page) > 1);
        let pages = len.div_ceil(PAGE).saturating_sub(self.pages.len()) + usize::from(shared);
        (pages * self.page_len() * 2) as u64
    }

    /// Adds the pages to those that were seen and returns the bytes of those that were not.
    pub fn bytes_beside(&self, seen: &mut HashSet<usize>) -> u64 {
        let new = self.pages.iter().filter(|page| seen.insert(Arc::as_ptr(page).addr())).count();
        (new * self.page_len() * 2) as u64
    }

    /// Returns the numbers of a page whose positions are all filled.
    pub fn full_page(&self, page: usize) -> Option<&[u16]> {
        let filled = (page + 1) * PAGE <= self.len;
        self.pages.get(page).filter(|_| filled).map(|page| &page[..])
    }

    /// Puts a page that `full_page` once returned behind the last full one, in place of what is partly filled. Says
    /// whether it fits; nothing changes where it does not.
    pub fn adopt(&mut self, page: impl ExactSizeIterator<Item = u16>) -> bool {
        let fits = page.len() == self.page_len();
        if fits {
            self.truncate(self.len / PAGE * PAGE);
            let mut kept = Span::alone(page.len());
            kept.iter_mut().zip(page).for_each(|(o, x)| *o = x);
            self.pages.push(Arc::new(kept));
            self.len += PAGE;
        }
        fits
    }

    /// Forgets all positions from `len` on and gives unused pages back.
    pub fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
        self.pages.truncate(self.len.div_ceil(PAGE));
    }

    /// Makes sure that there are pages for `len` positions.
    pub fn reserve(&mut self, len: usize) {
        while self.pages.len() * PAGE < len {
            self.pages.push(Arc::new(Span::alone(self.page_len())));
        }
    }

    /// Declares `n` more positions filled.
    pub fn advance(&mut self, n: usize) {
        self.len = (self.len + n).min(self.pages.len() * PAGE);
    }

    /// Returns the pages and where a layer begins in each.
    pub fn layer(&self, layer: usize) -> (&[Arc<Span<u16>>], usize) {
        (&self.pages, self.start(layer))
    }

    /// Writes keys and values (`[heads][head_dim]` each) of one position of one layer.
    pub fn write(&mut self, layer: usize, position: usize, key: &[f32], value: &[f32]) {
        let (d, base) = (self.head_dim, self.start(layer));
        if let Some(page) = self.pages.get_mut(position / PAGE).map(Arc::make_mut) {
            put(&mut page[base..], d, position % PAGE, key, value);
        }
    }

    /// Writes keys and values of many positions of one layer, `[rows][width]` each: `rows` tells for each page which of them
    /// fill it from its beginning.
    pub fn write_pages(
        &mut self,
        layer: usize,
        rows: &[Range<usize>],
        (keys, values): (&[f32], &[f32]),
        width: usize,
        pool: &Pool,
    ) {
        let (d, base, n) = (self.head_dim, self.start(layer), rows.len().min(self.pages.len()));
        pool.chunks(&mut self.pages[..n], 1, &|i, pages| {
            for (page, rows) in pages.iter_mut().map(Arc::make_mut).zip(rows.get(i)) {
                for (at, row) in rows.clone().enumerate().take(PAGE) {
                    let own = row * width..(row + 1) * width;
                    put(&mut page[base..], d, at, &keys[own.clone()], &values[own]);
                }
            }
        });
    }

    /// Writes what the convolution of a layer goes over at one position.
    pub fn write_input(&mut self, layer: usize, position: usize, input: &[f32]) {
        let from = self.start(layer) + position % PAGE * (input.len() + 2);
        let Some(page) = self.pages.get_mut(position / PAGE).map(Arc::make_mut) else { return };
        let Some((numbers, scale)) = page.get_mut(from..).and_then(|row| row.split_at_mut_checked(input.len())) else {
            return;
        };
        let most = input.iter().fold(0f32, |most, x| most.max(x.abs()));
        let factor = if most.is_finite() { (most / LARGE).max(1.0) } else { 1.0 };
        let numbers = numbers.reinterpret_cast_mut::<f16>();
        if factor > 1.0 {
            numbers.iter_mut().zip(input).for_each(|(o, x)| *o = f16::from_f32(x / factor));
        } else {
            numbers.convert_from_f32_slice(input);
        }
        let [low, high] = [factor.to_bits() as u16, (factor.to_bits() >> 16) as u16];
        scale.iter_mut().zip([low, high]).for_each(|(o, x)| *o = x);
    }

    /// Adds what the convolution of a layer goes over at one position, each number with its weight.
    pub fn add_input(&self, layer: usize, position: usize, weights: &[f32], out: &mut [f32]) {
        let from = self.start(layer) + position % PAGE * (out.len() + 2);
        let row = self.pages.get(position / PAGE).and_then(|page| page.get(from..from + out.len() + 2));
        let Some((numbers, [low, high])) = row.and_then(|row| row.split_last_chunk::<2>()) else { return };
        let factor = f32::from_bits(u32::from(*low) | u32::from(*high) << 16);
        let mut wide = [0f32; 64];
        let pieces = numbers.reinterpret_cast::<f16>().chunks(64).zip(weights.chunks(64)).zip(out.chunks_mut(64));
        for ((numbers, weights), out) in pieces {
            let wide = &mut wide[..numbers.len()];
            numbers.convert_to_f32_slice(wide);
            for ((o, w), x) in out.iter_mut().zip(weights).zip(wide) {
                *o += w * (*x * factor);
            }
        }
    }

    fn start(&self, layer: usize) -> usize {
        self.starts.get(layer).copied().unwrap_or(self.page_len())
    }

    fn page_len(&self) -> usize {
        self.starts.last().copied().unwrap_or(0)
    }
}

/// Puts keys and values of one position into the part of a page that belongs to a layer.
fn put(page: &mut [u16], d: usize, at: usize, key: &[f32], value: &[f32]) {
    let mut narrow = [f16::ZERO; MAX_HEAD];
    let Some(narrow) = narrow.get_mut(..d) else { return };
    for (h, (key, value)) in key.chunks_exact(d).zip(value.chunks_exact(d)).enumerate() {
        let head = &mut page[h * 2 * PAGE * d..][..2 * PAGE * d];
        let (keys, values) = head.split_at_mut(PAGE * d);
        narrow.convert_from_f32_slice(key);
        let column = &mut keys[at / 16 * 16 * d + at % 16..];
        for (o, x) in column.iter_mut().step_by(16).zip(narrow.iter()) {
            *o = x.to_bits();
        }
        narrow.convert_from_f32_slice(value);
        for (o, x) in values[at * d..].iter_mut().zip(narrow.iter()) {
            *o = x.to_bits();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What a convolution goes over comes back as f16 has it, also where it is larger than f16 is.
    #[test]
    fn inputs_come_back_with_their_weights() {
        for size in [1.0, 1e-3, 1e9] {
            let mut state = RunState::laid_out([66, 66].into_iter(), 16);
            state.reserve(130);
            let input =
                |seed: usize| (0..64).map(|i| size * ((seed * 7 + i * 13) % 29) as f32 / 14.5).collect::<Vec<_>>();
            for position in 0..130 {
                state.write_input(1, position, &input(position));
            }
            let mut out = vec![1.0; 64];
            state.add_input(1, 129, &[2.0; 64], &mut out);
            for (o, x) in out.iter().zip(input(129)) {
                assert!((o - (1.0 + 2.0 * x)).abs() <= size * 2e-3, "{o} {x}");
            }
            state.add_input(0, 129, &[2.0; 64], &mut out.clone());
            state.add_input(9, 129, &[2.0; 64], &mut out);
            state.add_input(1, 400, &[2.0; 64], &mut out);
        }
    }
}

//! The KV cache of one conversation, as f16, in pages of 128 positions that are added as they are needed. Positions
//! beyond the length may hold old numbers; nobody reads them. Layout: `kernel::Attend`.
//!
//! Conversations that begin alike share pages: a copy of a cache takes no memory, and a page that several hold is
//! copied by the first that writes to it (paged attention with copy on write: <https://arxiv.org/abs/2309.06180>).

use crate::config::Config;
use crate::kernel::{MAX_HEAD, PAGE};
use half::f16;
use half::slice::HalfFloatSliceExt;
use std::collections::HashSet;
use std::sync::Arc;

/// What one conversation needs beside the shared weights.
#[derive(Debug, Clone)]
pub struct RunState {
    pages: Vec<Arc<Vec<u16>>>,
    len: usize,
    layers: usize,
    heads: usize,
    head_dim: usize,
}

impl RunState {
    /// Makes an empty cache, which takes no memory yet.
    pub fn new(config: &Config) -> Self {
        Self::shaped(config.n_layers, config.n_kv_heads, config.head_dim)
    }

    /// Makes an empty cache of any shape.
    pub fn shaped(layers: usize, heads: usize, head_dim: usize) -> Self {
        Self { pages: Vec::new(), len: 0, layers, heads, head_dim }
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
    pub fn adopt(&mut self, page: Vec<u16>) -> bool {
        let fits = page.len() == self.page_len();
        if fits {
            self.truncate(self.len / PAGE * PAGE);
            self.pages.push(Arc::new(page));
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
            self.pages.push(Arc::new(vec![0; self.page_len()]));
        }
    }

    /// Declares `n` more positions filled.
    pub fn advance(&mut self, n: usize) {
        self.len = (self.len + n).min(self.pages.len() * PAGE);
    }

    /// Returns the pages and where a layer begins in each.
    pub fn layer(&self, layer: usize) -> (&[Arc<Vec<u16>>], usize) {
        (&self.pages, layer * self.layer_len())
    }

    /// Writes keys and values (`[heads][head_dim]` each) of one position of one layer.
    pub fn write(&mut self, layer: usize, position: usize, key: &[f32], value: &[f32]) {
        let (d, base, at) = (self.head_dim, layer * self.layer_len(), position % PAGE);
        let Some(page) = self.pages.get_mut(position / PAGE).map(Arc::make_mut) else { return };
        let mut narrow = [f16::ZERO; MAX_HEAD];
        let Some(narrow) = narrow.get_mut(..d) else { return };
        for (h, (key, value)) in key.chunks_exact(d).zip(value.chunks_exact(d)).enumerate() {
            let head = &mut page[base + h * 2 * PAGE * d..][..2 * PAGE * d];
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

    fn layer_len(&self) -> usize {
        self.heads * 2 * PAGE * self.head_dim
    }

    fn page_len(&self) -> usize {
        self.layers * self.layer_len()
    }
}

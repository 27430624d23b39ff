//! The KV cache of one conversation on a device: for each layer keys and values `[kv heads][capacity][head_dim]` in f16,
//! made for some positions ahead and moved to a larger place when these are used up. Positions beyond the length may
//! hold old numbers; nobody reads them.

use crate::config::Config;
use crate::kv::RunState;
use candle_core::{DType, Device, Result, Tensor};

/// Positions that the cache grows by.
const STEP: usize = 256;

/// What one conversation needs beside the shared weights.
#[derive(Debug)]
pub struct State {
    /// The cache of the layers before the first one on the device.
    pub(super) front: Option<RunState>,
    layers: Vec<(Tensor, Tensor)>,
    device: Device,
    n_layers: usize,
    heads: usize,
    head_dim: usize,
    len: usize,
    capacity: usize,
}

impl State {
    /// Makes an empty cache, which takes no memory yet; `first` is the first layer on the device.
    pub fn new(c: &Config, device: &Device, first: usize) -> Self {
        Self {
            front: (first > 0).then(|| RunState::shaped(first, c.n_kv_heads, c.head_dim)),
            layers: Vec::new(),
            device: device.clone(),
            n_layers: c.n_layers.saturating_sub(first),
            heads: c.n_kv_heads,
            head_dim: c.head_dim,
            len: 0,
            capacity: 0,
        }
    }

    /// Returns how many positions are filled.
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether no position is filled.
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Returns the bytes held, on the device and off it.
    pub fn bytes(&self) -> u64 {
        self.device_bytes(self.capacity) + self.front.as_ref().map_or(0, RunState::bytes)
    }

    /// Returns the bytes that would be held with `len` positions.
    pub fn bytes_for(&self, len: usize) -> u64 {
        self.device_bytes(len.next_multiple_of(STEP)) + self.front.as_ref().map_or(0, |f| f.bytes_for(len))
    }

    fn device_bytes(&self, capacity: usize) -> u64 {
        (self.n_layers * self.heads * self.head_dim * capacity * 2 * 2) as u64
    }

    /// Forgets all positions from `len` on. An empty cache gives its memory back.
    pub fn truncate(&mut self, len: usize) {
        self.len = self.len.min(len);
        if let Some(front) = &mut self.front {
            front.truncate(len);
        }
        if self.len == 0 {
            self.layers.clear();
            self.capacity = 0;
        }
    }

    /// Makes sure that there is room for `len` positions.
    pub(super) fn reserve(&mut self, len: usize) -> Result<()> {
        if len <= self.capacity {
            return Ok(());
        }
        let capacity = len.next_multiple_of(STEP);
        let empty = || Tensor::zeros((self.heads, capacity, self.head_dim), DType::F16, &self.device);
        // Layer by layer, so that no more than one is held twice. One that does not fit leaves those before it larger
        // than they need to be, which does no harm.
        for i in 0..self.n_layers {
            let new = (empty()?, empty()?);
            match self.layers.get_mut(i) {
                Some(old) => {
                    if self.len > 0 {
                        new.0.slice_set(&old.0.narrow(1, 0, self.len)?.contiguous()?, 1, 0)?;
                        new.1.slice_set(&old.1.narrow(1, 0, self.len)?.contiguous()?, 1, 0)?;
                    }
                    *old = new;
                }
                None => self.layers.push(new),
            }
        }
        self.capacity = capacity;
        Ok(())
    }

    /// Writes keys and values `[kv heads][m][head_dim]` behind the filled positions of layer `i`, and returns all of
    /// that layer up to them in f32.
    pub(super) fn extend(&self, i: usize, k: &Tensor, v: &Tensor) -> Result<(Tensor, Tensor)> {
        let (keys, values) =
            self.layers.get(i).ok_or_else(|| candle_core::Error::Msg("there is no room for this layer".into()))?;
        let end = self.len + k.dim(1)?;
        keys.slice_set(&k.to_dtype(DType::F16)?.contiguous()?, 1, self.len)?;
        values.slice_set(&v.to_dtype(DType::F16)?.contiguous()?, 1, self.len)?;
        let wide = |t: &Tensor| t.narrow(1, 0, end)?.to_dtype(DType::F32);
        Ok((wide(keys)?, wide(values)?))
    }

    /// Declares `n` more positions filled.
    pub(super) fn advance(&mut self, n: usize) {
        self.len = (self.len + n).min(self.capacity);
    }
}

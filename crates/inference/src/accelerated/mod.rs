//! The decoder on a graphics processor, through candle: the same GGUF files, configuration and results as the decoder
//! of this crate, which stays the one for the processor. Nothing here needs a graphics processor to be built or tested:
//! the features `cuda` and `metal` only add devices, and every part runs on candle's own processor device too.
//!
//! Where a model computes is `place`; layers that do not fit on the device run before the others in `forward`.

pub mod driver;
mod pass;
pub mod place;
mod state;
pub mod trial;
mod weights;

pub use state::State;

use crate::architecture::Has;
use crate::config::Config;
use crate::error::Error;
use crate::forward::{self, Compute, Scratch};
use crate::gguf::{self, Header};
use crate::quant::Type;
use crate::rope::Angles;
use crate::weights::Weights;
use candle_core::{Device, Tensor};
use candle_nn::ops::rms_norm;
use pass::{Pass, Turns, pieces};
use std::io::{Read, Seek};
use weights::{Joint, Layer, Loader, failed};

/// Tokens that are computed together where all layers are on the device.
const CHUNK: usize = 512;
/// Products of query and key that are held at once; longer prompts are attended to in pieces.
const SCORES: usize = 1 << 24;

/// The embedding as it stands in the file. It stays off the device: one row for each token is all that is needed of it.
struct Embedding {
    ty: Type,
    bytes: Vec<u8>,
    rows: usize,
    width: usize,
}

impl Embedding {
    /// Returns the embeddings of some tokens, multiplied with a factor `[m][n_embd]`.
    fn rows(&self, tokens: &[u32], factor: f32) -> Result<Vec<f32>, Error> {
        let row_bytes = self.ty.bytes(self.width).unwrap_or(0);
        let mut out = vec![0.0; tokens.len() * self.width];
        for (t, out) in tokens.iter().zip(out.chunks_exact_mut(self.width)) {
            let t = (*t as usize).min(self.rows.saturating_sub(1));
            let row = self.bytes.get(t * row_bytes..(t + 1) * row_bytes);
            self.ty.widen(row.ok_or_else(|| Error::Damaged("the embedding is cut off".into()))?, out)?;
        }
        if factor != 1.0 {
            out.iter_mut().for_each(|x| *x *= factor);
        }
        Ok(out)
    }
}

/// Where the residual stream comes from before the first layer on the device.
enum Front {
    /// The embedding itself.
    Embedding(Embedding),
    /// The layers that did not fit.
    Layers(Box<Off>),
}

/// Layers off the device, with what computes them.
struct Off {
    weights: Weights,
    compute: Compute,
    scratch: Scratch,
}

/// A decoder with its last layers, or all, on a device.
pub struct Decoder {
    config: Config,
    device: Device,
    first: usize,
    front: Front,
    layers: Vec<Layer>,
    output_norm: Tensor,
    output: Joint,
    ropes: Vec<Angles>,
    logits: Vec<f32>,
    scores: usize,
}

impl Decoder {
    /// Reads all weights: the layers from `first` on and the output go to the device, those before stay off it and are
    /// computed by `threads` threads. Contexts are up to `n_ctx` positions long.
    ///
    /// # Errors
    /// `Damaged` and `Unsupported` as ever; `Device` where the device fails or its memory does not suffice.
    pub fn load<R: Read + Seek + Send>(
        file: &mut R,
        header: &Header,
        device: &Device,
        first: usize,
        n_ctx: usize,
        threads: usize,
    ) -> Result<Self, Error> {
        let config = Config::read(header)?;
        let (e, v) = (config.n_embd, config.n_vocab);
        let first = first.min(config.n_layers);
        let embedding = header.tensors.get("token_embd.weight").filter(|t| (t.rows(), t.cols()) == (v, e));
        let embedding = embedding.ok_or_else(|| Error::Damaged("the embedding does not fit the model".into()))?.clone();
        let front = if first > 0 {
            let compute = Compute::new(threads);
            let mut weights = Weights::read_first(file, header, &compute.pool, first)?;
            weights.settle(n_ctx);
            let scratch = Scratch::new(&weights.config);
            Front::Layers(Box::new(Off { weights, compute, scratch }))
        } else {
            let bytes = gguf::tensor(file, &embedding)?;
            Front::Embedding(Embedding { ty: embedding.ty, bytes, rows: v, width: e })
        };
        let mut loader = Loader { file, header, device };
        let layers = (first..config.n_layers).map(|i| loader.layer(&config, i)).collect::<Result<Vec<_>, _>>()?;
        let tied = !header.tensors.contains_key("output.weight");
        let output = if tied { "token_embd" } else { "output" };
        let output = loader.joint(&[(output.into(), v)], e, Has::Never)?;
        let output_norm = loader.vector(config.architecture.output_norm, e)?;
        let ropes = loader.ropes(&config, n_ctx)?;
        let (device, logits, scores) = (device.clone(), Vec::new(), SCORES);
        Ok(Self { config, device, first, front, layers, output_norm, output, ropes, logits, scores })
    }

    /// Returns the shape of the model.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Returns an empty cache for a conversation.
    pub fn state(&self) -> State {
        State::new(&self.config, &self.device, self.first)
    }

    /// Sets how many products of query and key are held at once: fewer take less memory and more steps.
    pub fn hold_scores(&mut self, scores: usize) {
        self.scores = scores;
    }

    /// Returns how many tokens are best computed together.
    pub fn chunk(&self) -> usize {
        if self.first > 0 { forward::CHUNK } else { CHUNK }
    }

    /// Returns the logits of the `i`-th of the tokens that logits were asked for `[n_vocab]`.
    pub fn logits_of(&self, i: usize) -> &[f32] {
        let v = self.config.n_vocab;
        self.logits.get(i * v..(i + 1) * v).unwrap_or(&[])
    }

    /// Runs the decoder over `tokens`, which follow what is in `state`, and extends `state` by them. Afterwards
    /// `logits_of` has the logits that follow each of the last `want` tokens (at most `forward::LOGITS`). `stop` is
    /// asked between layers.
    ///
    /// # Errors
    /// `Cancelled` when `stop` says so, `Device` when the device fails; `state` then has the length it had before the
    /// current chunk.
    pub fn forward(
        &mut self,
        state: &mut State,
        tokens: &[u32],
        want: usize,
        stop: &dyn Fn() -> bool,
    ) -> Result<(), Error> {
        let per = self.chunk();
        let chunks = tokens.len().div_ceil(per);
        for (i, chunk) in tokens.chunks(per).enumerate() {
            let x = self.enter(state, chunk, stop)?;
            let x = self.pass(state, x, stop)?;
            let want = if i + 1 == chunks { want.min(chunk.len()).min(forward::LOGITS) } else { 0 };
            if want > 0 {
                self.logits = self.leave(&x, want).map_err(failed)?;
            }
            state.advance(chunk.len());
        }
        Ok(())
    }

    /// Returns what goes into the first layer on the device `[m][n_embd]`.
    fn enter(&mut self, state: &mut State, tokens: &[u32], stop: &dyn Fn() -> bool) -> Result<Tensor, Error> {
        let filled = state.len();
        let rows = match &mut self.front {
            Front::Embedding(e) => e.rows(tokens, self.config.factors.embedding)?,
            Front::Layers(off) => {
                let front = state.front.as_mut().ok_or_else(|| Error::Device("a cache of another model".into()))?;
                // A pass that failed on the device has left this part longer.
                front.truncate(filled);
                forward::forward(&off.weights, front, &mut off.scratch, &off.compute, tokens, 0, stop)?;
                off.scratch.stream(tokens.len()).to_vec()
            }
        };
        Tensor::from_vec(rows, (tokens.len(), self.config.n_embd), &self.device).map_err(failed)
    }

    fn pass(&self, state: &mut State, mut x: Tensor, stop: &dyn Fn() -> bool) -> Result<Tensor, Error> {
        let (c, first, device) = (&self.config, state.len(), &self.device);
        let m = x.dim(0).map_err(failed)?;
        state.reserve(first + m).map_err(failed)?;
        let turns = self.ropes.iter().map(|r| Turns::new(r, first, m, device)).collect::<Result<_, _>>();
        let cut = |window: Option<usize>| pieces(c, first, m, window, self.scores, device).map_err(failed);
        let pieces = [cut(None)?, if c.window.is_some() { cut(c.window)? } else { Vec::new() }];
        let pass = Pass { config: c, turns: turns.map_err(failed)?, pieces };
        for (i, layer) in self.layers.iter().enumerate() {
            if stop() {
                return Err(Error::Cancelled);
            }
            x = pass.layer(self.first + i, i, layer, state, &x).map_err(failed)?;
        }
        if stop() {
            return Err(Error::Cancelled);
        }
        Ok(x)
    }

    /// Returns the logits after the last `want` rows of `x`, one after another.
    fn leave(&self, x: &Tensor, want: usize) -> candle_core::Result<Vec<f32>> {
        let last = x.narrow(0, x.dim(0)?.saturating_sub(want), want)?.contiguous()?;
        let normed = rms_norm(&last, &self.output_norm, self.config.eps)?;
        let mut logits: Vec<f32> = self.output.product(&normed)?.flatten_all()?.to_vec1()?;
        let (factor, cap) = (self.config.factors.logits, self.config.factors.logits_cap);
        if factor != 1.0 {
            logits.iter_mut().for_each(|x| *x *= factor);
        }
        if cap > 0.0 {
            logits.iter_mut().for_each(|x| *x = cap * (*x / cap).tanh());
        }
        Ok(logits)
    }
}

//! What computes a loaded model: the decoder of this crate on the processor, or the accelerated one on a device. The
//! engine asks neither which it is.

use crate::accelerated::place::{Found, place, rehearse};
use crate::accelerated::{self, Decoder};
use crate::arrival::{Arrival, Source};
use crate::config::Config;
use crate::error::Error;
use crate::forward::{self, Compute, LOGITS, Part, Scratch};
use crate::gguf::Header;
use crate::kv::RunState;
use crate::quant::Type;
use crate::weights::{Weights, most_used};
use std::collections::HashSet;
use std::io::{Read, Seek};
use std::sync::Arc;

/// What one conversation needs beside the shared weights.
#[derive(Debug)]
pub enum State {
    /// Off the device.
    Own(RunState),
    /// On the device.
    Device(accelerated::State),
}

impl State {
    /// Returns how many positions are filled.
    pub fn len(&self) -> usize {
        match self {
            Self::Own(s) => s.len(),
            Self::Device(s) => s.len(),
        }
    }

    /// Whether no position is filled.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Returns the bytes held.
    pub fn bytes(&self) -> u64 {
        match self {
            Self::Own(s) => s.bytes(),
            Self::Device(s) => s.bytes(),
        }
    }

    /// Returns the bytes that would be held with `len` positions.
    pub fn bytes_for(&self, len: usize) -> u64 {
        match self {
            Self::Own(s) => s.bytes_for(len),
            Self::Device(s) => s.bytes_for(len),
        }
    }

    /// Returns the bytes that are taken anew when the cache grows to `len` positions.
    pub fn growth(&self, len: usize) -> u64 {
        match self {
            Self::Own(s) => s.growth(len),
            Self::Device(s) => s.bytes_for(len).saturating_sub(s.bytes()),
        }
    }

    /// Returns the bytes that are not among those seen before, and adds them to these.
    pub fn bytes_beside(&self, seen: &mut HashSet<usize>) -> u64 {
        match self {
            Self::Own(s) => s.bytes_beside(seen),
            Self::Device(s) => s.bytes(),
        }
    }

    /// Returns a cache with the first `len` positions that shares its memory with this one; nothing on a device, where
    /// caches are written in place.
    pub fn fork(&self, len: usize) -> Option<Self> {
        let Self::Own(s) = self else { return None };
        let mut fork = s.clone();
        fork.truncate(len);
        Some(Self::Own(fork))
    }

    /// Returns the cache where it is off the device as a whole.
    pub fn own(&self) -> Option<&RunState> {
        if let Self::Own(s) = self { Some(s) } else { None }
    }

    /// Returns the cache where it is off the device as a whole.
    pub fn own_mut(&mut self) -> Option<&mut RunState> {
        if let Self::Own(s) = self { Some(s) } else { None }
    }

    /// Forgets all positions from `len` on.
    pub fn truncate(&mut self, len: usize) {
        match self {
            Self::Own(s) => s.truncate(len),
            Self::Device(s) => s.truncate(len),
        }
    }
}

/// The decoder of this crate with what it computes with.
pub struct Own {
    config: Config,
    arrival: Arrival,
    scratch: Scratch,
}

enum Runs {
    Own(Box<Own>),
    /// With the logits of the last pass.
    Device(Box<Decoder>, Vec<f32>),
}

/// A loaded model and what computes it.
pub struct Backend {
    runs: Runs,
    /// Where it computes and why there, in words.
    pub place: String,
    /// The kernel set, or the device with its layers.
    pub kernel: String,
    /// The number format of most weights.
    pub quantization: Type,
    /// Bytes of the weights in memory.
    pub bytes: u64,
    /// Bytes of weights and caches that lie in a device's own memory.
    pub device_bytes: u64,
    /// Compute threads.
    pub threads: usize,
}

impl Backend {
    /// Loads the weights where they are best computed: on the device that was found if it has room for them and runs
    /// the model, otherwise on the processor.
    ///
    /// # Errors
    /// `Damaged` and `Unsupported`, with what is wrong. A device that fails is no error but a reason.
    ///
    /// With the same file once more in `behind`, weights for the processor are packed after this returned, and the first
    /// pass waits for them; `file` must not be read from then on.
    pub fn load<R: Read + Seek + Send>(
        file: &mut R,
        behind: Option<Box<dyn Source>>,
        header: &Arc<Header>,
        threads: usize,
        n_ctx: Option<usize>,
        kv_budget_bytes: u64,
        found: &Found,
    ) -> Result<Self, Error> {
        let why = match place(found, header, n_ctx, kv_budget_bytes) {
            Ok(place) => {
                let loaded = Decoder::load(file, header, &place.device, place.first, place.n_ctx, threads);
                match loaded.and_then(|mut d| rehearse(&mut d).map(|()| d)) {
                    Ok(decoder) => {
                        return Ok(Self {
                            runs: Runs::Device(Box::new(decoder), Vec::new()),
                            kernel: place.name.clone(),
                            place: place.name,
                            device_bytes: place.bytes,
                            quantization: most_used(header),
                            bytes: header.tensors.values().map(|t| t.bytes as u64).sum(),
                            threads,
                        });
                    }
                    Err(e @ Error::Device(_)) => format!("{}: {e}", place.name),
                    Err(e) => return Err(e),
                }
            }
            Err(why) => why,
        };
        let compute = Compute::new(threads);
        let (kernel, threads) = (compute.kernels.name.into(), compute.pool.threads());
        let settled = |weights: &Weights| n_ctx.unwrap_or(usize::MAX).clamp(1, weights.config.n_ctx);
        let (config, quantization, bytes, arrival) = match behind {
            None => {
                let mut w = Weights::read(file, header, &compute.pool)?;
                w.settle(settled(&w));
                (w.config.clone(), w.quantization, w.bytes, Arrival::There(Box::new((w, compute))))
            }
            Some(behind) => {
                let plan = Weights::plan(file, header)?;
                let arrival = Arrival::begin(behind, Arc::clone(header), compute, settled(&plan))?;
                (plan.config, plan.quantization, plan.bytes, arrival)
            }
        };
        let scratch = Scratch::new(&config);
        Ok(Self {
            place: format!("the processor: {why}"),
            kernel,
            quantization,
            bytes,
            device_bytes: 0,
            threads,
            runs: Runs::Own(Box::new(Own { config, arrival, scratch })),
        })
    }

    /// Returns the shape of the model.
    pub fn config(&self) -> &Config {
        match &self.runs {
            Runs::Own(o) => &o.config,
            Runs::Device(d, _) => d.config(),
        }
    }

    /// Returns an empty cache for a conversation.
    pub fn state(&self) -> State {
        match &self.runs {
            Runs::Own(o) => State::Own(RunState::new(&o.config)),
            Runs::Device(d, _) => State::Device(d.state()),
        }
    }

    /// Returns how many tokens are best computed together.
    pub fn chunk(&self) -> usize {
        match &self.runs {
            Runs::Own(_) => forward::CHUNK,
            Runs::Device(d, _) => d.chunk(),
        }
    }

    /// Returns the logits of the `i`-th of the tokens that logits were asked for `[n_vocab]`.
    pub fn logits_of(&self, i: usize) -> &[f32] {
        match &self.runs {
            Runs::Own(o) => o.scratch.logits_of(i),
            Runs::Device(d, logits) => {
                let n = d.config().n_vocab;
                logits.get(i * n..(i + 1) * n).unwrap_or(&[])
            }
        }
    }

    /// Runs the decoder over some tokens of several conversations, at most `forward::PARTS` of them and `chunk` tokens
    /// together; see `forward::pass`. A device takes them one after another.
    ///
    /// # Errors
    /// `Cancelled` when `stop` says so, `Device` when a device fails, `Io` and `Damaged` where weights that were still to
    /// come cannot be read. Conversations are then as long as before, or have
    /// all their tokens.
    pub fn pass(&mut self, parts: &mut [Part<'_, State>], stop: &dyn Fn() -> bool) -> Result<(), Error> {
        let other = || Error::Device("a cache of another model".into());
        match &mut self.runs {
            Runs::Own(o) => {
                let mut own = Vec::with_capacity(parts.len());
                for part in parts {
                    let State::Own(state) = &mut *part.state else { return Err(other()) };
                    own.push(Part { state, tokens: part.tokens, want: part.want });
                }
                let (weights, compute) = o.arrival.wait(stop)?;
                forward::pass(weights, &mut own, &mut o.scratch, compute, stop)
            }
            Runs::Device(d, logits) => {
                logits.clear();
                for part in parts {
                    let State::Device(state) = &mut *part.state else { return Err(other()) };
                    d.forward(state, part.tokens, part.want, stop)?;
                    for i in 0..part.want.min(part.tokens.len()).min(LOGITS) {
                        logits.extend_from_slice(d.logits_of(i));
                    }
                }
                Ok(())
            }
        }
    }
}

//! Where a model computes: finds the device, asks what memory it has left, and says how many layers go there and why.
//! The finding comes before the process walls itself in, because drivers want files and threads that it has no business
//! with later; the decision comes when the model's header is known.

use super::weights::device_bytes;
use super::{Decoder, SCORES};
use crate::config::Config;
use crate::error::Error;
use crate::gguf::Header;
use crate::wire::{Hardware, Load, Role};
use candle_core::Device;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// Of the free memory of a device, the part that is planned with.
const USABLE: f64 = 0.92;
/// What drivers and libraries take for themselves once they work.
const WORKING_BYTES: u64 = 256 << 20;
/// A device that holds a smaller part of the layers is not worth its share of the work.
const LEAST_PART: f64 = 0.2;

/// What was found on this machine.
pub struct Found {
    device: Result<(Device, String), String>,
}

impl Found {
    /// Nothing, for this reason.
    pub fn nothing(why: &str) -> Self {
        Self { device: Err(why.to_owned()) }
    }

    /// A device under a name.
    pub fn device(device: Device, name: &str) -> Self {
        Self { device: Ok((device, name.to_owned())) }
    }

    /// Looks for a device and wakes its driver, where this program was built for one and the request lets it.
    pub fn look(load: &Load) -> Self {
        match (load.hardware, load.role) {
            (Hardware::Processor, _) => Self::nothing("the processor was asked for"),
            (_, Role::Embed) => Self::nothing("embedders run on the processor"),
            // A driver may panic where its libraries are missing or older than this program.
            _ => catch_unwind(search).unwrap_or_else(|_| Self::nothing("the driver could not be used")),
        }
    }

    /// Returns the name of the device, or why there is none.
    ///
    /// # Errors
    /// The reason in words.
    pub fn name(&self) -> Result<&str, &str> {
        match &self.device {
            Ok((_, name)) => Ok(name),
            Err(why) => Err(why),
        }
    }
}

#[cfg(feature = "cuda")]
fn search() -> Found {
    match Device::new_cuda(0) {
        Ok(device) => {
            let name = device.as_cuda_device().ok().and_then(|d| d.cuda_stream().context().name().ok());
            tried(device, &format!("CUDA, {}", name.unwrap_or_else(|| "a device without a name".into())))
        }
        Err(e) => Found::nothing(&format!("no CUDA device: {}", first_line(&e))),
    }
}

#[cfg(all(feature = "metal", not(feature = "cuda")))]
fn search() -> Found {
    match Device::new_metal(0) {
        Ok(device) => {
            let name = device.as_metal_device().map(|d| d.metal_device().architecture_name());
            tried(device, &format!("Metal, {}", name.unwrap_or_default()))
        }
        Err(e) => Found::nothing(&format!("no Metal device: {}", first_line(&e))),
    }
}

#[cfg(not(any(feature = "cuda", feature = "metal")))]
fn search() -> Found {
    Found::nothing("this program was built for the processor alone")
}

/// A device counts only when it gives the results that the processor gives.
#[cfg(any(feature = "cuda", feature = "metal"))]
fn tried(device: Device, name: &str) -> Found {
    match super::trial::run(&device) {
        Ok(()) => Found::device(device, name),
        Err(e) => Found::nothing(&format!("{name} did not pass its trial: {e}")),
    }
}

#[cfg(any(feature = "cuda", feature = "metal"))]
fn first_line(e: &candle_core::Error) -> String {
    e.to_string().lines().next().unwrap_or_default().to_owned()
}

/// Returns the bytes of memory that a device has left.
///
/// # Errors
/// What the driver says.
fn free_bytes(device: &Device) -> Result<u64, Error> {
    match device {
        #[cfg(feature = "cuda")]
        Device::Cuda(_) => {
            let info = candle_core::cuda_backend::cudarc::driver::result::mem_get_info();
            info.map(|(free, _)| free as u64).map_err(|e| Error::Device(format!("{e:?}")))
        }
        #[cfg(feature = "metal")]
        Device::Metal(d) => {
            let d = d.metal_device();
            Ok((d.recommended_max_working_set_size() as u64).saturating_sub(d.current_allocated_size() as u64))
        }
        _ => Ok(u64::MAX),
    }
}

/// What a model takes on a device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Needs {
    /// Weights and KV cache of each layer in order, bytes.
    pub layers: Vec<u64>,
    /// What is needed beside any number of layers, bytes: output, norms, intermediate results.
    pub rest: u64,
}

impl Needs {
    /// Adds up what the tensors of a file and the caches of its conversations take.
    pub fn of(header: &Header, c: &Config, n_ctx: usize, kv_budget_bytes: u64) -> Self {
        let per_token = c.kv_bytes_per_token();
        let kv = kv_budget_bytes.min(per_token.saturating_mul(n_ctx as u64)) / c.n_layers as u64;
        let under = |start: &str| -> u64 {
            header.tensors.iter().filter(|(n, _)| n.starts_with(start)).map(|t| device_bytes(t.1)).sum()
        };
        let layers = (0..c.n_layers).map(|i| under(&format!("blk.{i}.")) + kv).collect();
        let output = if header.tensors.contains_key("output.weight") { "output" } else { "token_embd" };
        // Scores, their masked copy and their softmax, and the widest activations of a chunk.
        let wide = c.n_ff * 3 + c.n_embd * 4 + c.n_heads * c.head_dim * 4;
        let working = 3 * 4 * SCORES + 4 * super::CHUNK * wide + 4 * c.n_vocab;
        Self { layers, rest: under(output) + working as u64 + WORKING_BYTES }
    }

    /// Returns the first layer that goes onto a device with so much memory left, all layers behind it going too.
    ///
    /// # Errors
    /// Why none should, in words.
    pub fn first(&self, free: u64) -> Result<usize, String> {
        let usable = (free as f64 * USABLE) as u64;
        let (mut left, mut first) = (usable.saturating_sub(self.rest), self.layers.len());
        for bytes in self.layers.iter().rev() {
            let Some(rest) = left.checked_sub(*bytes) else { break };
            (left, first) = (rest, first - 1);
        }
        if usable < self.rest || ((self.layers.len() - first) as f64) < LEAST_PART * self.layers.len() as f64 {
            let needs = self.rest + self.layers.iter().sum::<u64>();
            return Err(format!("it needs {} MB and {} MB are free", needs >> 20, free >> 20));
        }
        Ok(first)
    }
}

/// A place on a device.
pub struct Place {
    /// The device.
    pub device: Device,
    /// The first layer that goes there.
    pub first: usize,
    /// Positions of a context.
    pub n_ctx: usize,
    /// Device and layers in words.
    pub name: String,
    /// What these layers take there, bytes.
    pub bytes: u64,
}

/// Decides where a model computes.
///
/// # Errors
/// Why it is the processor, in words.
pub fn place(found: &Found, header: &Header, n_ctx: Option<usize>, kv_budget_bytes: u64) -> Result<Place, String> {
    let (device, name) = found.device.as_ref().map_err(Clone::clone)?;
    let config = Config::read(header).map_err(|e| e.to_string())?;
    if config.experts.is_some() {
        return Err(format!("models with experts do not run on {name} yet"));
    }
    if config.convolutions.is_some() {
        return Err(format!("models with convolutions do not run on {name} yet"));
    }
    let n_ctx = n_ctx.unwrap_or(usize::MAX).clamp(1, config.n_ctx);
    let free = free_bytes(device).map_err(|e| e.to_string())?;
    let needs = Needs::of(header, &config, n_ctx, kv_budget_bytes);
    let first = needs.first(free).map_err(|e| format!("{name}: {e}"))?;
    let bytes = needs.rest + needs.layers.iter().skip(first).sum::<u64>();
    let on = match first {
        0 => format!("all {} layers", config.n_layers),
        _ => format!("{} of {} layers, the others on the processor", config.n_layers - first, config.n_layers),
    };
    Ok(Place { device: device.clone(), first, n_ctx, name: format!("{name}: {on}"), bytes })
}

/// Reads a few tokens with a loaded model and forgets them, so that a device that fails with it fails now.
///
/// # Errors
/// `Device` where it fails or its numbers are none.
pub fn rehearse(decoder: &mut Decoder) -> Result<(), Error> {
    let mut work = || {
        let mut state = decoder.state();
        // More tokens and one token take different ways through the kernels.
        decoder.forward(&mut state, &[0; 16], 1, &|| false)?;
        decoder.forward(&mut state, &[0], 1, &|| false)?;
        match decoder.logits_of(0).iter().all(|x| x.is_finite()) {
            true => Ok(()),
            false => Err(Error::Device("its numbers are not finite".into())),
        }
    };
    catch_unwind(AssertUnwindSafe(&mut work)).unwrap_or_else(|_| Err(Error::Device("its driver stumbled".into())))
}

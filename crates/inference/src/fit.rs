//! What a model file will take in memory, from its header alone. Whether that fits this machine is for others to say.

use crate::config::Config;
use crate::error::Error;
use crate::gguf;
use crate::weights::most_used;
use std::path::Path;

/// The needs of a model.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fit {
    /// The family.
    pub architecture: String,
    /// The number format of most weights.
    pub quantization: String,
    /// Bytes of all tensors.
    pub weights_bytes: u64,
    /// Bytes of KV cache for each token.
    pub kv_bytes_per_token: u64,
    /// Tokens that the model was trained for.
    pub n_ctx: u32,
}

/// Estimates from the header of a GGUF file.
///
/// # Errors
/// `Io`, `Damaged`, and `Unsupported` for what does not run here.
pub fn estimate(path: &Path) -> Result<Fit, Error> {
    let file = std::fs::File::open(path).map_err(Error::io("the model file"))?;
    let header = gguf::read(file)?;
    let config = Config::read(&header)?;
    Ok(Fit {
        architecture: config.architecture.name.into(),
        quantization: most_used(&header).name().into(),
        weights_bytes: header.tensors.values().map(|t| t.bytes as u64).sum(),
        kv_bytes_per_token: config.kv_bytes_per_token(),
        n_ctx: u32::try_from(config.n_ctx).unwrap_or(u32::MAX),
    })
}

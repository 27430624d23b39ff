//! How a model fits this machine: what it needs, by its own numbers and by what was measured, and how fast it is.

use crate::models::Installed;
use crate::notes::Measured;
use hearth_api::{Fit, FitLevel};
use hearth_domain::Role;
use hearth_egress::ModelEntry;

/// What an engine needs besides weights and cache.
const WORKING_BYTES: u64 = 96 << 20;
/// Tokens of context that are counted where a person chose none.
pub(crate) const USUAL_CONTEXT: u32 = 4096;
/// Keys and values of all conversations of one engine, where a person chose no context.
const KV_BUDGET_BYTES: u64 = 512 << 20;
/// What two plain cores stream from memory a second. Writing a token reads all weights once.
const STREAM_BYTES: f32 = 12e9;

/// Bytes that the caches of a model's conversations may take together: at least one conversation of the chosen length.
pub(crate) fn kv_budget_bytes(model: &Installed) -> u64 {
    let chosen = model.context.map_or(0, |tokens| model.kv_bytes_per_token.saturating_mul(u64::from(tokens)));
    chosen.max(KV_BUDGET_BYTES)
}

/// Weights, cache at the context in use, and working memory of a loaded model, bytes: from its numbers alone.
pub(crate) fn computed_bytes(model: &Installed) -> u64 {
    model.size_bytes.saturating_add(cache_bytes(model, 0)).saturating_add(WORKING_BYTES)
}

/// What a loaded model needs, bytes: what was measured, with the cache that the measurement did not fill; else computed.
pub(crate) fn needs_bytes(model: &Installed, measured: Option<&Measured>) -> u64 {
    match measured {
        Some(measured) => measured.peak_bytes.saturating_add(cache_bytes(model, measured.tokens)),
        None => computed_bytes(model),
    }
}

/// The cache behind the first `filled` tokens, bytes.
fn cache_bytes(model: &Installed, filled: u32) -> u64 {
    let tokens = model.context.unwrap_or(model.n_ctx.min(USUAL_CONTEXT)).saturating_sub(filled);
    model.kv_bytes_per_token.saturating_mul(u64::from(tokens)).min(kv_budget_bytes(model))
}

/// What a model of the catalogue will need, bytes.
pub(crate) fn about_bytes(entry: &ModelEntry) -> u64 {
    needed(entry.bytes(), entry.kv_bytes_per_token().unwrap_or(0), entry.n_ctx)
}

/// What weights of so many bytes with such a cache will need at the usual context, bytes.
pub(crate) fn needed(weights: u64, kv_bytes_per_token: u64, n_ctx: u32) -> u64 {
    let cache = kv_bytes_per_token.saturating_mul(u64::from(n_ctx.min(USUAL_CONTEXT)));
    weights.saturating_add(cache).saturating_add(WORKING_BYTES)
}

/// Tokens a second that a model of so many bytes writes, as far as memory alone says.
pub(crate) fn streamed(bytes: u64) -> Option<f32> {
    (bytes > 0).then(|| STREAM_BYTES / bytes as f32)
}

/// What is known of how a model runs here.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Known {
    /// Tokens (or passages) a second, measured.
    pub(crate) per_second: Option<f32>,
    /// The most memory that it took when it was measured, bytes.
    pub(crate) measured_bytes: Option<u64>,
    /// Whether it is in memory now.
    pub(crate) loaded: bool,
}

/// How a model fits: measured where it ran here, else estimated from what memory can stream.
pub(crate) fn fit(needs: u64, entry: &ModelEntry, known: Known) -> Fit {
    let writes = entry.roles.iter().any(|role| matches!(role, Role::Chat | Role::Code));
    fit_of(needs, entry.bytes(), writes, known)
}

/// How weights of so many bytes fit.
pub(crate) fn fit_of(needs: u64, bytes: u64, writes_text: bool, known: Known) -> Fit {
    let memory = crate::machine::memory();
    let per_second = known.per_second.or_else(|| streamed(bytes).filter(|_| writes_text));
    let free = if known.loaded { memory.total } else { memory.available };
    let level = if memory.total > 0 && needs > memory.total * 9 / 10 {
        FitLevel::WillNotFit
    } else if memory.total > 0 && needs > free {
        FitLevel::Tight
    } else if per_second.is_some_and(|speed| speed < 5.0) {
        FitLevel::Slower
    } else {
        FitLevel::RunsWell
    };
    let short_bytes = if level == FitLevel::WillNotFit { needs.saturating_sub(memory.total * 9 / 10) } else { 0 };
    Fit {
        level,
        per_second,
        measured: known.per_second.is_some(),
        needs_bytes: needs,
        measured_bytes: known.measured_bytes,
        short_bytes,
    }
}

//! How embedders and rerankers are loaded: what their entry says that their files do not, and the part they play.

use crate::models::Installed;
use hearth_domain::Role;
use hearth_inference::embed::{Pooling, Prefixes};
use hearth_inference::wire::{self, Encoding};

/// The part that a model is loaded for.
pub(crate) fn part(model: &Installed) -> wire::Role {
    if model.roles.contains(&Role::Embed) {
        wire::Role::Embed
    } else if model.roles.contains(&Role::Rerank) {
        wire::Role::Rerank
    } else {
        wire::Role::Chat
    }
}

/// What the entry of an embedder or reranker says of it.
pub(crate) fn encoding(model: &Installed) -> Encoding {
    let entry = &model.entry;
    let pooling = entry.pooling.map(|pooling| match pooling {
        hearth_egress::Pooling::Mean => Pooling::Mean,
        hearth_egress::Pooling::Cls => Pooling::First,
        hearth_egress::Pooling::Last => Pooling::Last,
    });
    let prefixes = Prefixes { query: entry.query_prefix.clone(), passage: entry.passage_prefix.clone() };
    Encoding { pooling, prefixes, integers: false }
}

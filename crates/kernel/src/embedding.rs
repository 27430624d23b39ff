//! How embedders and rerankers are loaded: what their entry says that their files do not, and the part they play.

use crate::models::Installed;
use hearth_domain::Role;
use hearth_inference::embed::{Pooling, Prefixes};
use hearth_inference::wire::{self, Encoding};
use sha2::{Digest, Sha256};

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

/// Names what a model makes vectors with: vectors of equal names can be compared, others cannot. The bytes of the weights,
/// what is said of them, and in what numbers they are computed.
pub(crate) fn identity(model: &Installed) -> String {
    // Changes where the engine would make other vectors of the same files.
    const ENGINE: &str = "1";
    let encoding = encoding(model);
    let said = format!("{ENGINE}\n{:?}\n{encoding:?}", model.sha256);
    let hash: String = Sha256::digest(said).iter().take(8).map(|byte| format!("{byte:02x}")).collect();
    let numbers = if encoding.integers { "int8" } else { "as stored" };
    format!("{} {hash} ({numbers})", model.id)
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

/// What is embedded and reranked: the passage under its document's name and headings, so that a bare table row still says what it is of.
pub(crate) fn whole_text(context: &[String], passage: &str, title: &str) -> String {
    let mut text = String::with_capacity(passage.len() + 96);
    for heading in std::iter::once(title).chain(context.iter().map(String::as_str)) {
        let short: String = heading.chars().take(80).collect();
        text.push_str(short.trim());
        text.push('\n');
    }
    text.push_str(passage);
    text
}

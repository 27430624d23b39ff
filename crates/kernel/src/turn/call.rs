//! What is kept of each time a model is asked, so that it can be asked the same again: the model by the hash of its
//! weights, the recipe by version, sampling and seed, what the prompt was made of, where it was computed, and the tokens.

use super::recipe::Version;
use super::state::{Ended, Turn};
use crate::engine::{Engine, Generated};
use crate::models::Installed;
use hearth_domain::{MemoryId, ModelId, TurnId, VersionId};
use hearth_inference::wire::{Briefing, Finish, Message, ModelInfo, Sampling};
use hearth_store::PassageRow;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

/// One time that a model was asked.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct CallRecord {
    /// What for: "answer", "part 3"; before a draft's stands "draft, ".
    pub(crate) of: String,
    pub(crate) model: String,
    /// Its name for people.
    pub(crate) name: String,
    /// Of its weights.
    pub(crate) sha256: Option<String>,
    pub(crate) recipe: RecipeRef,
    pub(crate) sampling: Option<Sampling>,
    pub(crate) thinking: Option<bool>,
    pub(crate) now_s: Option<i64>,
    /// Memories that it was told, with hashes of their texts as they were.
    pub(crate) memories: Vec<(MemoryId, String)>,
    /// Turns of the conversation that it read again.
    pub(crate) earlier: Vec<TurnId>,
    /// Passages that it was given.
    pub(crate) given: Vec<Given>,
    pub(crate) prompt: Asked,
    /// The person's message, where it is kept with the call.
    pub(crate) asked: Option<String>,
    /// Of all messages as JSON.
    pub(crate) messages_sha256: String,
    pub(crate) on: Place,
    pub(crate) prompt_tokens: u32,
    pub(crate) cached_tokens: u32,
    /// The tokens written, by number.
    pub(crate) tokens: Vec<u32>,
    /// The same as text.
    pub(crate) text: String,
    /// Whether it ended by itself and not because a person stopped it.
    pub(crate) whole: bool,
}

/// A recipe by version.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct RecipeRef {
    pub(crate) name: String,
    pub(crate) version: u32,
    pub(crate) sha256: String,
}

/// A passage that a model was given.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Given {
    pub(crate) version: VersionId,
    pub(crate) page: u32,
    pub(crate) start: u32,
    pub(crate) end: u32,
    /// Of the version's bytes.
    pub(crate) sha256: String,
}

/// Where the person's message of a prompt is kept.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum Asked {
    /// With the turn.
    #[default]
    Kept,
    /// It is laid out anew of the passages and the question.
    OfPassages,
    /// With the call itself.
    Own,
}

/// Where a model computed, as far as its numbers depend on it.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Place {
    pub(crate) machine: String,
    pub(crate) place: String,
    pub(crate) kernel: String,
    pub(crate) threads: u32,
    pub(crate) n_ctx: u32,
    pub(crate) template: String,
}

impl Place {
    /// Where this engine computes.
    pub(crate) fn of(info: &ModelInfo) -> Self {
        Self {
            machine: crate::machine::name(),
            place: info.place.clone(),
            kernel: info.kernel.clone(),
            threads: info.threads,
            n_ctx: info.n_ctx,
            template: info.template.clone(),
        }
    }
}

impl CallRecord {
    /// What is known before the model is asked.
    pub(crate) fn new(
        of: &str,
        model: &Installed,
        engine: &Engine,
        (version, sampling, briefing): (&Version, &Sampling, &Briefing),
        messages: &[Message],
    ) -> Self {
        Self {
            of: of.to_owned(),
            model: model.id.to_string(),
            name: model.name.clone(),
            sha256: model.sha256.clone(),
            recipe: RecipeRef {
                name: version.name.to_owned(),
                version: version.version,
                sha256: version.sha256.clone(),
            },
            sampling: Some(sampling.clone()),
            thinking: briefing.thinking,
            now_s: briefing.now_s,
            messages_sha256: messages_sha256(messages),
            on: Place::of(engine.info()),
            ..Self::default()
        }
    }

    /// What it came to.
    pub(crate) fn ended(&mut self, generated: &Generated) {
        self.prompt_tokens = generated.prompt_tokens;
        self.cached_tokens = generated.cached_tokens;
        self.tokens = generated.tokens.clone();
        self.whole = generated.finish != Finish::Cancelled;
    }

    /// Names the model.
    pub(crate) fn id(&self) -> ModelId {
        ModelId(self.model.clone())
    }

    /// SHA-256 of the tokens written, each as 4 bytes, little-endian.
    pub(crate) fn tokens_sha256(&self) -> String {
        tokens_sha256(std::slice::from_ref(self))
    }
}

/// SHA-256 of the tokens of several calls, one after another.
pub(crate) fn tokens_sha256(calls: &[CallRecord]) -> String {
    let bytes: Vec<u8> = calls.iter().flat_map(|call| &call.tokens).flat_map(|token| token.to_le_bytes()).collect();
    sha256_of(&bytes)
}

/// The models of calls with their weights, recipes and tokens, each once: for the record.
pub(crate) fn models(calls: &[CallRecord]) -> serde_json::Value {
    let mut models: Vec<serde_json::Value> = Vec::new();
    for call in calls {
        let one = serde_json::json!({ "name": call.name, "sha256": call.sha256, "recipe": call.recipe,
            "kernel": call.on.kernel, "threads": call.on.threads });
        if !models.contains(&one) {
            models.push(one);
        }
    }
    models.into()
}

/// SHA-256 of messages as JSON, hexadecimal.
pub(crate) fn messages_sha256(messages: &[Message]) -> String {
    sha256_of(&serde_json::to_vec(messages).unwrap_or_default())
}

/// SHA-256, hexadecimal.
pub(crate) fn sha256_of(bytes: &[u8]) -> String {
    Sha256::digest(bytes).iter().map(|byte| format!("{byte:02x}")).collect()
}

/// The passages that a model is given, each with the hash of its version.
pub(crate) fn given_to(turn: &Turn<'_>, given: &[PassageRow]) -> Result<Vec<Given>, Ended> {
    Ok(turn.open.store.read(|reader| {
        let one = |row: &PassageRow| {
            let sha256 = reader.version(row.version)?.map(|version| version.hash.to_string()).unwrap_or_default();
            Ok(Given { version: row.version, page: row.page, start: row.start, end: row.end, sha256 })
        };
        given.iter().map(one).collect()
    })?)
}

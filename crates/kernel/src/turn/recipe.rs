//! How a model is asked: what it is told before everything else, and how its words are chosen. Recipes are records with
//! versions: a change of this file makes the next version, and a trace goes on naming the one that it was made with.

use crate::clock::now_ms;
use crate::kernel::Open;
use hearth_api::Error;
use hearth_inference::wire::{Constraint, Sampling};
use serde::Serialize;
use sha2::{Digest, Sha256};

/// Tokens kept free for the answer.
pub(crate) const ANSWER_TOKENS: u32 = 256;
/// Tokens that may be written about one part of a long document.
const PART_TOKENS: u32 = 96;
/// Tokens of a line in other words.
pub(crate) const LINE_TOKENS: u32 = 48;
/// What such a line looks like.
const LINE: &str = r"[^\r\n]{1,200}";

/// A recipe.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Recipe {
    name: &'static str,
    /// What the model is told first.
    pub(crate) instructions: &'static str,
    temperature: f32,
    top_k: u32,
    top_p: f32,
    min_p: f32,
    repeat_penalty: f32,
    max_tokens: u32,
    stop: Vec<String>,
    thinking: bool,
    /// Whether it is one short line.
    #[serde(skip_serializing_if = "is_false")]
    line: bool,
}

fn is_false(value: &bool) -> bool {
    !value
}

/// A recipe's version, as a trace names it.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub(crate) struct Version {
    pub(crate) name: &'static str,
    pub(crate) version: u32,
    pub(crate) sha256: String,
}

impl Recipe {
    /// The recipe for answers from passages, or from general knowledge.
    pub(crate) fn answering(from_passages: bool) -> Self {
        let (name, instructions) = match from_passages {
            true => ("answer from documents", include_str!("../../../../models/prompts/grounded.txt")),
            false => ("general answer", include_str!("../../../../models/prompts/general.txt")),
        };
        Self {
            name,
            instructions: instructions.trim(),
            // Greedy: the same model, passages and question give the same words.
            temperature: 0.0,
            top_k: 0,
            top_p: 1.0,
            min_p: 0.0,
            repeat_penalty: 1.1,
            max_tokens: ANSWER_TOKENS,
            // What only the prompt writes is not part of an answer: small models like to go on with the list of passages.
            stop: ["\n[", "\nQuestion:", "\nPassages:"].map(str::to_owned).to_vec(),
            // What is asked is short and its sources are at hand: a model that can think first is told not to.
            thinking: false,
            line: false,
        }
    }

    /// The recipe for the points of one part of a long document, or for the items of a list that it holds.
    pub(crate) fn of_a_part(items: bool) -> Self {
        let (name, instructions) = match items {
            true => ("items of a part", include_str!("../../../../models/prompts/items.txt")),
            false => ("points of a part", include_str!("../../../../models/prompts/points.txt")),
        };
        Self {
            name,
            instructions: instructions.trim(),
            max_tokens: PART_TOKENS,
            stop: ["\n\n", "\n[", "\nQuestion:"].map(str::to_owned).to_vec(),
            ..Self::answering(true)
        }
    }

    /// The recipe for one line that asks for the same in other words.
    pub(crate) fn in_other_words() -> Self {
        Self {
            name: "other words",
            instructions: include_str!("../../../../models/prompts/rephrase.txt").trim(),
            max_tokens: LINE_TOKENS,
            stop: vec!["\n".to_owned()],
            line: true,
            ..Self::answering(true)
        }
    }

    /// How the engine chooses words by it. The seed is the turn's.
    pub(crate) fn sampling(&self, seed: u64) -> Sampling {
        Sampling {
            temperature: self.temperature,
            top_k: self.top_k,
            top_p: self.top_p,
            min_p: self.min_p,
            repeat_penalty: self.repeat_penalty,
            max_tokens: self.max_tokens,
            stop: self.stop.clone(),
            seed,
            constraint: self.line.then(|| Constraint::Regex(LINE.to_owned())),
            ..Sampling::default()
        }
    }

    /// Whether a model that can think first does.
    pub(crate) fn thinking(&self) -> bool {
        self.thinking
    }

    /// Its version in this vault, kept there where it is new.
    pub(crate) fn version(&self, open: &Open) -> Result<Version, Error> {
        let body = serde_json::to_value(self).map_err(crate::error::internal)?;
        let hash: [u8; 32] = Sha256::digest(body.to_string()).into();
        let known = open.store.read(|reader| reader.recipe_version(self.name, &hash)).map_err(crate::error::store)?;
        let version = match known {
            Some(version) => version,
            None => open
                .store
                .write(|writer| writer.keep_recipe(self.name, &hash, &body, now_ms()))
                .map_err(crate::error::store)?,
        };
        let sha256 = hash.iter().map(|byte| format!("{byte:02x}")).collect();
        Ok(Version { name: self.name, version, sha256 })
    }
}

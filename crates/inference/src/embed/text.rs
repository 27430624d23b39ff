//! From words to tokens for encoders: `tokenizer.json`, the limit, and the words that some models want before a question
//! or a passage.

use super::encoder::Tokens;
use crate::error::Error;
use tokenizers::{Encoding, Tokenizer, TruncationDirection, TruncationParams, TruncationStrategy};

/// What a text is to the embedder.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Kind {
    /// What somebody looks for.
    Query,
    /// What is found.
    Passage,
}

/// Words that a model wants before texts; empty for models without such.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct Prefixes {
    /// Before a question.
    pub query: String,
    /// Before a passage.
    pub passage: String,
}

impl Prefixes {
    /// Returns the text with its prefix.
    pub fn put(&self, kind: Kind, text: &str) -> String {
        match kind {
            Kind::Query => format!("{}{text}", self.query),
            Kind::Passage => format!("{}{text}", self.passage),
        }
    }
}

/// A tokenizer with its limit.
pub(super) struct Words {
    tokenizer: Tokenizer,
    pub(super) most: usize,
}

fn damaged(e: impl std::fmt::Display) -> Error {
    Error::Damaged(format!("tokenizer.json: {e}"))
}

impl Words {
    /// Reads `tokenizer.json`; its own padding and limit are not those that count here.
    pub(super) fn read(json: &[u8], vocab: usize, most: usize) -> Result<Self, Error> {
        let mut tokenizer = Tokenizer::from_bytes(json).map_err(damaged)?;
        let limit = TruncationParams {
            max_length: most,
            strategy: TruncationStrategy::LongestFirst,
            stride: 0,
            direction: TruncationDirection::Right,
        };
        tokenizer.with_padding(None).with_truncation(Some(limit)).map_err(damaged)?;
        tokenizer.set_encode_special_tokens(true);
        if tokenizer.get_vocab_size(true) > vocab {
            return Err(Error::Damaged("the tokenizer has more tokens than the model".into()));
        }
        Ok(Self { tokenizer, most })
    }

    /// Tokens of one text, cut to the limit; what looks like a special token is text.
    pub(super) fn one(&self, text: &str) -> Result<Tokens, Error> {
        tokens(self.tokenizer.encode_fast(text, true))
    }

    /// Tokens of a question and a passage; where both are too long, the longer one is cut.
    pub(super) fn pair(&self, query: &str, passage: &str) -> Result<Tokens, Error> {
        tokens(self.tokenizer.encode_fast((query, passage), true))
    }
}

fn tokens(encoded: tokenizers::Result<Encoding>) -> Result<Tokens, Error> {
    let encoded = encoded.map_err(|e| Error::Request(e.to_string()))?;
    Ok(Tokens { ids: encoded.get_ids().to_vec(), types: encoded.get_type_ids().to_vec() })
}

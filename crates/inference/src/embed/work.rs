//! Requests to embed and to score, done a batch at a time, so that others may come between.

use super::{BATCH_TOKENS, Embedder, Kind, Scorer};
use crate::error::Error;
use std::collections::VecDeque;

/// Texts on their way to vectors.
pub struct Texts {
    kind: Kind,
    waiting: VecDeque<String>,
    /// Vectors so far, one after another.
    pub values: Vec<f32>,
}

impl Texts {
    /// Begins with the first.
    pub fn new(kind: Kind, texts: Vec<String>) -> Self {
        Self { kind, waiting: texts.into(), values: Vec::new() }
    }

    /// Returns how many are left.
    pub fn left(&self) -> usize {
        self.waiting.len()
    }

    /// Embeds one batch from the front.
    ///
    /// # Errors
    /// `Cancelled` where `stop` says so, and those of the embedder.
    pub fn step(&mut self, embedder: &mut Embedder, stop: &dyn Fn() -> bool) -> Result<(), Error> {
        if stop() {
            return Err(Error::Cancelled);
        }
        let mut batch = Vec::new();
        let mut total = 0;
        while let Some(text) = self.waiting.front() {
            let tokens = embedder.encode(self.kind, text)?;
            total += tokens.ids.len();
            if !batch.is_empty() && total > BATCH_TOKENS {
                break;
            }
            batch.push(tokens);
            self.waiting.pop_front();
        }
        self.values.extend(embedder.embed(&batch, stop)?);
        Ok(())
    }
}

/// Passages on their way to scores.
pub struct Pairs {
    query: String,
    passages: Vec<String>,
    /// Scores so far, in the order of the passages.
    pub scores: Vec<f32>,
}

impl Pairs {
    /// Begins with the first.
    pub fn new(query: String, passages: Vec<String>) -> Self {
        Self { query, passages, scores: Vec::new() }
    }

    /// Returns how many are left.
    pub fn left(&self) -> usize {
        self.passages.len().saturating_sub(self.scores.len())
    }

    /// Scores one batch from the front.
    ///
    /// # Errors
    /// `Cancelled` where `stop` says so, and those of the reranker.
    pub fn step(&mut self, scorer: &mut Scorer, stop: &dyn Fn() -> bool) -> Result<(), Error> {
        if stop() {
            return Err(Error::Cancelled);
        }
        let rest = self.passages.get(self.scores.len()..).unwrap_or_default();
        self.scores.extend(scorer.score(&self.query, rest, stop)?);
        Ok(())
    }
}

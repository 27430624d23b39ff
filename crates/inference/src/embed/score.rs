//! Rerankers: an encoder reads a question and a passage together and says by one number how well the passage answers.
//!
//! <https://arxiv.org/abs/1901.04085>.

use super::encoder::{Encoder, Tokens};
use super::family::Head;
use super::parts::{Linear, Norm, Parts, Precision};
use super::shape::Activation;
use super::text::Words;
use super::{BATCH_TOKENS, Figures, Options, Pooling, encoder, figures, is_gguf, pooled};
use crate::error::Error;
use std::io::{Read, Seek};

/// Tokens of a question and a passage together, where nothing else is asked for.
const PAIR_TOKENS: usize = 512;

/// A loaded reranker.
pub struct Scorer {
    encoder: Encoder,
    words: Words,
    head: &'static Head,
    dense: Linear,
    norm: Option<Norm>,
    out: Linear,
}

impl Scorer {
    /// Loads a reranker: a sequence classifier with one label, from safetensors with `tokenizer.json` and `config.json`.
    ///
    /// # Errors
    /// `Damaged` and `Unsupported`, with what is wrong.
    pub fn load<R: Read + Seek + Send>(
        weights: &mut R,
        tokenizer: &[u8],
        config: &[u8],
        options: &Options,
    ) -> Result<Self, Error> {
        if is_gguf(weights)? {
            return Err(Error::Unsupported("a reranker as a GGUF file; the safetensors form runs".into()));
        }
        let options = Options { max_tokens: options.max_tokens.or(Some(PAIR_TOKENS)), ..options.clone() };
        let (encoder, words, tensors) = encoder(weights, tokenizer, config, &options)?;
        if encoder.shape.labels != 1 {
            let n = encoder.shape.labels;
            return Err(Error::Unsupported(format!("a classifier of {n} labels; a reranker gives one score")));
        }
        let (f, h) = (encoder.shape.family, encoder.shape.hidden);
        let mut p = Parts {
            tensors,
            pool: &encoder.compute.pool,
            precision: Precision::Full,
            bias: f.bias,
            norm_bias: f.norm_bias,
            eps: encoder.shape.eps,
        };
        let dense = p.linear(f.head.dense, h, h)?;
        let norm = f.head.norm.map(|name| p.norm(name, h)).transpose()?;
        let out = p.linear(f.head.out, 1, h)?;
        Ok(Self { encoder, words, head: &f.head, dense, norm, out })
    }

    /// Returns what this reranker is.
    pub fn figures(&self) -> Figures {
        let own = (self.dense.bytes() + self.out.bytes()) as u64;
        let figures = figures(&self.encoder, &self.words);
        Figures { weights_bytes: figures.weights_bytes + own, ..figures }
    }

    /// Scores as many passages as are computed together, from the first on; a larger score is a better answer. `stop` is
    /// asked between layers.
    ///
    /// # Errors
    /// `Cancelled`, and `Request` for text that the tokenizer cannot read.
    pub fn score(&mut self, query: &str, passages: &[String], stop: &dyn Fn() -> bool) -> Result<Vec<f32>, Error> {
        let mut texts: Vec<Tokens> = Vec::new();
        let mut total = 0;
        for passage in passages {
            let tokens = self.words.pair(query, passage)?;
            total += tokens.ids.len();
            if !texts.is_empty() && total > BATCH_TOKENS {
                break;
            }
            texts.push(tokens);
        }
        let (h, mean) = (self.encoder.shape.hidden, self.encoder.shape.score_mean);
        let pooling = if mean { Pooling::Mean } else { Pooling::First };
        let mut rest = self.encoder.run(&texts.iter().collect::<Vec<_>>(), stop)?;
        let mut states = Vec::with_capacity(texts.len());
        for t in &texts {
            let (own, others) = rest.split_at(t.ids.len() * h);
            rest = others;
            states.push(pooled(own, h, pooling));
        }
        Ok(states.iter().map(|state| self.read(state)).collect())
    }

    /// The score of one state.
    fn read(&self, state: &[f32]) -> f32 {
        let (c, full) = (&self.encoder.compute, Precision::Full);
        let mut x = self.dense.apply(state, full, c.kernels, &c.pool);
        if self.head.tanh {
            x.iter_mut().for_each(|x| *x = x.tanh());
        } else {
            Activation::Gelu.apply(&mut x, None, self.encoder.compute.kernels);
        }
        if let Some(norm) = &self.norm {
            norm.apply(&mut x);
        }
        self.out.apply(&x, full, c.kernels, &c.pool).first().copied().unwrap_or(f32::NEG_INFINITY)
    }
}

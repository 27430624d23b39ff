//! Embeddings of a decoder, as Qwen3 Embedding makes them: a GGUF file through the decoder core, one text after another,
//! and the states behind its last norm.
//!
//! <https://arxiv.org/abs/2506.05176>.

use super::encoder::Tokens;
use super::{Figures, LEAST_TOKENS, MAX_TOKENS, Options, Pooling};
use crate::error::Error;
use crate::forward::{CHUNK, Compute, Scratch, forward};
use crate::gguf;
use crate::kv::RunState;
use crate::tokens::Vocabulary;
use crate::weights::{Weights, most_used};
use std::io::{Read, Seek};

/// A decoder that embeds.
pub(super) struct Causal {
    weights: Weights,
    vocabulary: Vocabulary,
    compute: Compute,
    scratch: Scratch,
    state: RunState,
    most: usize,
    quantization: &'static str,
    pub(super) pooling: Pooling,
}

impl Causal {
    pub(super) fn load<R: Read + Seek + Send>(file: &mut R, options: &Options) -> Result<Self, Error> {
        let header = gguf::read(&mut *file)?;
        let compute = Compute::new(options.threads);
        let mut weights = Weights::read(file, &header, &compute.pool)?;
        let key = format!("{}.pooling_type", weights.config.architecture.name);
        let pooling = match header.int(&key) {
            None | Some(3) => Pooling::Last,
            Some(2) => Pooling::First,
            Some(1) => Pooling::Mean,
            Some(n) => return Err(Error::Unsupported(format!("pooling of type {n} in an embedder"))),
        };
        let most = options.max_tokens.unwrap_or(MAX_TOKENS).max(LEAST_TOKENS).min(weights.config.n_ctx);
        weights.settle(most);
        let (scratch, state) = (Scratch::new(&weights.config), RunState::new(&weights.config));
        let vocabulary = Vocabulary::read(&header)?;
        let quantization = most_used(&header).name();
        Ok(Self { weights, vocabulary, compute, scratch, state, most, quantization, pooling })
    }

    pub(super) fn dims(&self) -> usize {
        self.weights.config.n_embd
    }

    pub(super) fn figures(&self) -> Figures {
        Figures {
            family: self.weights.config.architecture.name.into(),
            quantization: self.quantization.into(),
            n_vocab: self.weights.config.n_vocab,
            max_tokens: self.most,
            weights_bytes: self.weights.bytes,
            threads: self.compute.pool.threads(),
            kernel: self.compute.kernels.name,
        }
    }

    /// Tokens of a text between those that open and close one, cut to the limit.
    pub(super) fn encode(&self, text: &str) -> Result<Tokens, Error> {
        let (open, close) = (self.vocabulary.start(), self.vocabulary.end());
        let room = self.most - usize::from(open.is_some()) - usize::from(close.is_some());
        let mut inside = self.vocabulary.encode(text)?;
        inside.truncate(room);
        let ids = open.into_iter().chain(inside).chain(close).collect();
        Ok(Tokens { ids, types: Vec::new() })
    }

    /// The states of a text behind the last norm, `[tokens][dims]`.
    pub(super) fn run(&mut self, tokens: &[u32], stop: &dyn Fn() -> bool) -> Result<Vec<f32>, Error> {
        let c = &self.weights.config;
        if tokens.len() > self.most || tokens.iter().any(|t| *t as usize >= c.n_vocab) {
            return Err(Error::Request("a text does not fit the embedder".into()));
        }
        self.state.truncate(0);
        let (e, eps) = (c.n_embd, c.eps);
        let mut out = Vec::with_capacity(tokens.len() * e);
        for chunk in tokens.chunks(CHUNK) {
            forward(&self.weights, &mut self.state, &mut self.scratch, &self.compute, chunk, 0, stop)?;
            for x in self.scratch.stream(chunk.len()).chunks_exact(e) {
                let mean = x.iter().map(|x| x * x).sum::<f32>() / e as f32;
                let inverse = 1.0 / (mean + eps).sqrt();
                out.extend(x.iter().zip(&self.weights.output_norm).map(|(x, w)| x * inverse * w));
            }
        }
        Ok(out)
    }
}

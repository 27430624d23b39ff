//! The embedding engine: texts in, one vector each out. Encoders (`family`) are read from safetensors and computed by
//! `encoder`; decoders that make embeddings are GGUF files and computed by the decoder core (`causal`). Rerankers, which
//! read a question and a passage together, are `score`.
//!
//! Pooling and length 1: <https://arxiv.org/abs/1908.10084>.

mod causal;
mod encoder;
mod family;
mod parts;
mod safetensors;
mod score;
mod shape;
mod text;
mod work;

pub use encoder::Tokens;
pub use family::NAMES;
pub use parts::Precision;
pub use score::Scorer;
pub use text::{Kind, Prefixes};
pub use work::{Pairs, Texts};

use crate::error::Error;
use causal::Causal;
use encoder::Encoder;
use shape::Shape;
use std::io::{Read, Seek, SeekFrom};
use text::Words;

/// Tokens of a passage where nothing else is asked for.
pub const MAX_TOKENS: usize = 256;
/// Tokens that are computed together, unless one passage alone is longer.
pub const BATCH_TOKENS: usize = 512;
/// The fewest tokens that a limit may leave: room for the special ones.
const LEAST_TOKENS: usize = 8;

/// Which states of a text become its vector.
#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub enum Pooling {
    /// The mean of all.
    Mean,
    /// The first, that of the opening token.
    First,
    /// The last.
    Last,
}

/// How a model is loaded.
#[derive(Debug, Clone, PartialEq)]
pub struct Options {
    /// Compute threads.
    pub threads: usize,
    /// Where texts are cut; `MAX_TOKENS` where this says nothing.
    pub max_tokens: Option<usize>,
    /// Which states become the vector; without it what a GGUF file says, and the mean for encoders.
    pub pooling: Option<Pooling>,
    /// Words before texts.
    pub prefixes: Prefixes,
    /// In what numbers an encoder computes; a GGUF file keeps its own.
    pub precision: Precision,
}

impl Default for Options {
    fn default() -> Self {
        Self { threads: 1, max_tokens: None, pooling: None, prefixes: Prefixes::default(), precision: Precision::Full }
    }
}

/// What a loaded embedder or reranker is, for people and for budgets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Figures {
    /// The family.
    pub family: String,
    /// The number format of most weights.
    pub quantization: String,
    /// Tokens in the vocabulary.
    pub n_vocab: usize,
    /// Tokens of a text at most.
    pub max_tokens: usize,
    /// Bytes of the weights.
    pub weights_bytes: u64,
    /// Threads.
    pub threads: usize,
    /// Kernel set.
    pub kernel: &'static str,
}

/// A loaded embedder.
pub struct Embedder {
    model: Model,
    pooling: Pooling,
    prefixes: Prefixes,
}

enum Model {
    Encoder(Box<Encoder>, Box<Words>),
    Causal(Box<Causal>),
}

impl Embedder {
    /// Loads an encoder (safetensors, with `tokenizer.json` and `config.json`) or a decoder (GGUF, which has all in it).
    ///
    /// # Errors
    /// `Damaged` and `Unsupported`, with what is wrong.
    pub fn load<R: Read + Seek + Send>(
        weights: &mut R,
        tokenizer: &[u8],
        config: &[u8],
        options: &Options,
    ) -> Result<Self, Error> {
        let prefixes = options.prefixes.clone();
        if is_gguf(weights)? {
            let causal = Causal::load(weights, options)?;
            let pooling = options.pooling.unwrap_or(causal.pooling);
            return Ok(Self { model: Model::Causal(Box::new(causal)), pooling, prefixes });
        }
        let (encoder, words, _) = encoder(weights, tokenizer, config, options)?;
        let pooling = options.pooling.unwrap_or(Pooling::Mean);
        Ok(Self { model: Model::Encoder(Box::new(encoder), Box::new(words)), pooling, prefixes })
    }

    /// Returns the width of the vectors.
    pub fn dims(&self) -> usize {
        match &self.model {
            Model::Encoder(e, _) => e.shape.hidden,
            Model::Causal(c) => c.dims(),
        }
    }

    /// Returns what this embedder is.
    pub fn figures(&self) -> Figures {
        match &self.model {
            Model::Encoder(e, words) => figures(e, words),
            Model::Causal(c) => c.figures(),
        }
    }

    /// Returns the tokens of one text with its prefix, cut to the limit; what looks like a special token is text.
    ///
    /// # Errors
    /// `Request` for text that the tokenizer cannot read.
    pub fn encode(&self, kind: Kind, text: &str) -> Result<Tokens, Error> {
        let text = self.prefixes.put(kind, text);
        match &self.model {
            Model::Encoder(_, words) => words.one(&text),
            Model::Causal(c) => c.encode(&text),
        }
    }

    /// Turns texts into vectors of length 1, `[texts][dims]`. `stop` is asked between layers.
    ///
    /// # Errors
    /// `Cancelled`, and `Request` for tokens that the model does not have.
    pub fn embed(&mut self, texts: &[Tokens], stop: &dyn Fn() -> bool) -> Result<Vec<f32>, Error> {
        let (dims, pooling) = (self.dims(), self.pooling);
        let mut out = Vec::with_capacity(texts.len() * dims);
        match &mut self.model {
            Model::Encoder(e, _) => {
                let states = e.run(&texts.iter().collect::<Vec<_>>(), stop)?;
                let mut rest = states;
                for t in texts {
                    let (own, others) = rest.split_at(t.ids.len() * dims);
                    rest = others;
                    out.extend(unit(&pooled(own, dims, pooling)));
                }
            }
            Model::Causal(c) => {
                for t in texts {
                    let states = c.run(&t.ids, stop)?;
                    out.extend(unit(&pooled(&states, dims, pooling)));
                }
            }
        }
        Ok(out)
    }
}

/// Whether a file begins like a GGUF file; it is left at its start.
fn is_gguf<R: Read + Seek + Send>(file: &mut R) -> Result<bool, Error> {
    let mut magic = [0; 4];
    file.seek(SeekFrom::Start(0)).map_err(Error::io("the weights"))?;
    let read = file.read_exact(&mut magic).is_ok();
    file.seek(SeekFrom::Start(0)).map_err(Error::io("the weights"))?;
    Ok(read && &magic == b"GGUF")
}

type Loaded<'a, R> = (Encoder, Words, safetensors::Tensors<&'a mut R>);

/// Loads an encoder and its tokenizer; the file is handed back for what else is in it.
fn encoder<'a, R: Read + Seek + Send>(
    weights: &'a mut R,
    tokenizer: &[u8],
    config: &[u8],
    options: &Options,
) -> Result<Loaded<'a, R>, Error> {
    let shape = Shape::read(config)?;
    let most = options.max_tokens.unwrap_or(MAX_TOKENS).max(LEAST_TOKENS).min(shape.most_tokens);
    let words = Words::read(tokenizer, shape.vocab, most)?;
    let (encoder, rest) = Encoder::load(weights, shape, options.precision, options.threads)?;
    Ok((encoder, words, rest))
}

fn figures(e: &Encoder, words: &Words) -> Figures {
    Figures {
        family: e.shape.family.name.into(),
        quantization: match e.precision {
            Precision::Full => "F32".into(),
            Precision::Eight => "I8".into(),
        },
        n_vocab: e.shape.vocab,
        max_tokens: words.most,
        weights_bytes: e.bytes(),
        threads: e.compute.pool.threads(),
        kernel: e.compute.kernels.name,
    }
}

/// One vector of the states of a text, `[tokens][dims]`.
fn pooled(states: &[f32], dims: usize, pooling: Pooling) -> Vec<f32> {
    let mut rows = states.chunks_exact(dims);
    match pooling {
        Pooling::First => rows.next().unwrap_or_default().to_vec(),
        Pooling::Last => rows.next_back().unwrap_or_default().to_vec(),
        Pooling::Mean => {
            let mut mean = vec![0f32; dims];
            let n = rows.len().max(1) as f32;
            rows.for_each(|row| parts::add(&mut mean, row));
            mean.iter_mut().for_each(|x| *x /= n);
            mean
        }
    }
}

/// The vector at length 1; one without a direction stays zero.
fn unit(x: &[f32]) -> Vec<f32> {
    let length = x.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
    x.iter().map(|x| if length > 0.0 { (f64::from(*x) / length) as f32 } else { 0.0 }).collect()
}

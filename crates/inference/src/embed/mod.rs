//! The embedding engine: a BERT encoder with mean pooling, from safetensors. Passages of a batch lie one after another
//! without padding, so that short ones cost what they are worth.
//!
//! BERT: <https://arxiv.org/abs/1810.04805>; mean pooling: <https://arxiv.org/abs/1908.10084>.

mod safetensors;

use crate::error::Error;
use crate::forward::Compute;
use crate::kernel::{Acts, Attend, Matrix, PAGE};
use crate::kv::RunState;
use safetensors::Tensors;
use serde::Deserialize;
use std::io::{Read, Seek};
use tokenizers::Tokenizer;

/// Tokens of a passage where nothing else is asked for.
pub const MAX_TOKENS: usize = 256;
/// Tokens that are computed together, unless one passage alone is longer.
pub const BATCH_TOKENS: usize = 512;

#[derive(Debug, Clone, Deserialize)]
struct Config {
    hidden_size: usize,
    intermediate_size: usize,
    num_attention_heads: usize,
    num_hidden_layers: usize,
    max_position_embeddings: usize,
    vocab_size: usize,
    layer_norm_eps: f64,
    hidden_act: String,
    model_type: String,
}

struct Linear {
    weight: Matrix,
    bias: Vec<f32>,
}

struct Norm {
    weight: Vec<f32>,
    bias: Vec<f32>,
    eps: f32,
}

struct Layer {
    q: Linear,
    k: Linear,
    v: Linear,
    o: Linear,
    o_norm: Norm,
    up: Linear,
    down: Linear,
    down_norm: Norm,
}

/// A loaded embedder.
pub struct Embedder {
    config: Config,
    tokenizer: Tokenizer,
    words: Vec<f32>,     // [vocab_size][hidden_size]
    positions: Vec<f32>, // [max_position_embeddings][hidden_size], with the token type already added
    norm: Norm,
    layers: Vec<Layer>,
    compute: Compute,
    max_tokens: usize,
    scratch: Scratch,
}

#[derive(Default)]
struct Scratch {
    x: Acts,         // [m][hidden_size]
    heads: Acts,     // [m][hidden_size]
    wide: Acts,      // [m][intermediate_size]
    delta: Vec<f32>, // [m][hidden_size]
    q: Vec<f32>,
    k: Vec<f32>,
    v: Vec<f32>,
}

fn damaged(e: impl std::fmt::Display) -> Error {
    Error::Damaged(e.to_string())
}

impl Embedder {
    /// Loads weights (safetensors), `tokenizer.json` and `config.json`. Passages are cut after `max_tokens`.
    ///
    /// # Errors
    /// `Damaged` and `Unsupported`, with what is wrong.
    pub fn load<R: Read + Seek>(
        weights: &mut R,
        tokenizer: &[u8],
        config: &[u8],
        threads: usize,
        max_tokens: Option<usize>,
    ) -> Result<Self, Error> {
        let config: Config = serde_json::from_slice(config).map_err(|e| damaged(format!("config.json: {e}")))?;
        config.check()?;
        let mut tokenizer = Tokenizer::from_bytes(tokenizer).map_err(|e| damaged(format!("tokenizer.json: {e}")))?;
        tokenizer.with_padding(None);
        tokenizer.with_truncation(None).map_err(damaged)?;
        tokenizer.set_encode_special_tokens(true);
        if tokenizer.get_vocab_size(true) > config.vocab_size {
            return Err(damaged("the tokenizer has more tokens than the model"));
        }
        let compute = Compute::new(threads);
        let mut t = Tensors::read(weights)?;
        let (h, f) = (config.hidden_size, config.intermediate_size);
        let eps = config.layer_norm_eps as f32;
        let words = t.get("embeddings.word_embeddings.weight", &[config.vocab_size, h])?;
        let mut positions = t.get("embeddings.position_embeddings.weight", &[config.max_position_embeddings, h])?;
        let types = t.first_row("embeddings.token_type_embeddings.weight", h)?;
        positions.chunks_exact_mut(h).for_each(|p| p.iter_mut().zip(&types).for_each(|(p, t)| *p += t));
        let norm = |t: &mut Tensors<&mut R>, name: &str| -> Result<Norm, Error> {
            let weight = t.get(&format!("{name}.weight"), &[h])?;
            Ok(Norm { weight, bias: t.get(&format!("{name}.bias"), &[h])?, eps })
        };
        let linear = |t: &mut Tensors<&mut R>, name: &str, n: usize, k: usize| -> Result<Linear, Error> {
            let weight = Matrix::dense(&t.get(&format!("{name}.weight"), &[n, k])?, n, k, &compute.pool)?;
            Ok(Linear { weight, bias: t.get(&format!("{name}.bias"), &[n])? })
        };
        let mut layers = Vec::new();
        for i in 0..config.num_hidden_layers {
            let at = |part: &str| format!("encoder.layer.{i}.{part}");
            layers.push(Layer {
                q: linear(&mut t, &at("attention.self.query"), h, h)?,
                k: linear(&mut t, &at("attention.self.key"), h, h)?,
                v: linear(&mut t, &at("attention.self.value"), h, h)?,
                o: linear(&mut t, &at("attention.output.dense"), h, h)?,
                o_norm: norm(&mut t, &at("attention.output.LayerNorm"))?,
                up: linear(&mut t, &at("intermediate.dense"), f, h)?,
                down: linear(&mut t, &at("output.dense"), h, f)?,
                down_norm: norm(&mut t, &at("output.LayerNorm"))?,
            });
        }
        let norm = norm(&mut t, "embeddings.LayerNorm")?;
        let max_tokens = max_tokens.unwrap_or(MAX_TOKENS).clamp(3, config.max_position_embeddings);
        Ok(Self { config, tokenizer, words, positions, norm, layers, compute, max_tokens, scratch: Scratch::default() })
    }

    /// Returns the width of the vectors.
    pub fn dims(&self) -> usize {
        self.config.hidden_size
    }

    /// Returns tokens in the vocabulary, tokens of a passage at most, bytes of the weights, threads, kernel set.
    pub fn figures(&self) -> (usize, usize, u64, usize, &'static str) {
        let linears = self.layers.iter().flat_map(|l| [&l.q, &l.k, &l.v, &l.o, &l.up, &l.down]);
        let bytes = linears.map(|l| l.weight.bytes()).sum::<usize>() + (self.words.len() + self.positions.len()) * 4;
        let (threads, kernel) = (self.compute.pool.threads(), self.compute.kernels.name);
        (self.config.vocab_size, self.max_tokens, bytes as u64, threads, kernel)
    }

    /// Returns the tokens of one passage, cut to the limit; what looks like a special token is text.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, Error> {
        let encoded = self.tokenizer.encode_fast(text, true).map_err(|e| Error::Request(e.to_string()))?;
        let mut ids = encoded.get_ids().to_vec();
        if ids.len() > self.max_tokens {
            // The last token closes the passage and stays.
            let close = ids.last().copied().unwrap_or_default();
            ids.truncate(self.max_tokens - 1);
            ids.push(close);
        }
        Ok(ids)
    }

    /// Turns passages into vectors of length 1, `[passages][dims]`. `stop` is asked between layers.
    ///
    /// # Errors
    /// `Cancelled`, and `Request` for tokens that the model does not have.
    pub fn embed(&mut self, passages: &[Vec<u32>], stop: &dyn Fn() -> bool) -> Result<Vec<f32>, Error> {
        let (h, m) = (self.config.hidden_size, passages.iter().map(Vec::len).sum::<usize>());
        if passages.iter().flatten().any(|t| *t as usize >= self.config.vocab_size)
            || passages.iter().any(|p| p.len() > self.config.max_position_embeddings)
        {
            return Err(Error::Request("a passage does not fit the embedder".into()));
        }
        self.scratch.reserve(m, h, self.config.intermediate_size);
        for (row, (i, token)) in passages.iter().flat_map(|p| p.iter().enumerate()).enumerate() {
            let (word, position) = (&self.words[*token as usize * h..][..h], &self.positions[i * h..][..h]);
            let x = &mut self.scratch.x.x[row * h..][..h];
            x.iter_mut().zip(word).zip(position).for_each(|((x, w), p)| *x = w + p);
        }
        let norm = &self.norm;
        self.compute.rows(m, h, &mut self.scratch.x.x, &|_, x| norm.apply(x));
        for i in 0..self.layers.len() {
            if stop() {
                return Err(Error::Cancelled);
            }
            self.layer(i, passages, m);
        }
        let mut out = Vec::with_capacity(passages.len() * h);
        let mut row = 0;
        for p in passages {
            let mut mean = vec![0f32; h];
            for x in self.scratch.x.x[row * h..(row + p.len()) * h].chunks_exact(h) {
                mean.iter_mut().zip(x).for_each(|(m, x)| *m += x);
            }
            row += p.len();
            let length = mean.iter().map(|x| f64::from(*x).powi(2)).sum::<f64>().sqrt();
            out.extend(mean.iter().map(|x| if length > 0.0 { (f64::from(*x) / length) as f32 } else { 0.0 }));
        }
        Ok(out)
    }

    fn layer(&mut self, i: usize, passages: &[Vec<u32>], m: usize) {
        let (Some(l), c, s, compute) = (self.layers.get(i), &self.config, &mut self.scratch, &self.compute) else {
            return;
        };
        let (h, heads) = (c.hidden_size, c.num_attention_heads);
        let d = h / heads;
        let mut jobs = [(&l.q.weight, &mut s.q[..]), (&l.k.weight, &mut s.k[..]), (&l.v.weight, &mut s.v[..])];
        compute.kernels.products(&s.x, m, &mut jobs, &compute.pool);
        for (data, bias) in [(&mut s.q, &l.q.bias), (&mut s.k, &l.k.bias), (&mut s.v, &l.v.bias)] {
            compute.rows(m, h, data, &|_, x| add(x, bias));
        }
        let mut kv = RunState::shaped(1, heads, d);
        kv.reserve(passages.iter().map(|p| p.len().next_multiple_of(PAGE)).sum());
        let (mut row, mut page) = (0, 0);
        for p in passages {
            for j in 0..p.len() {
                kv.write(0, page * PAGE + j, &s.k[(row + j) * h..][..h], &s.v[(row + j) * h..][..h]);
            }
            row += p.len();
            page += p.len().div_ceil(PAGE);
        }
        let (pages, base) = kv.layer(0);
        let (mut row, mut page) = (0, 0);
        for p in passages {
            let n = p.len().div_ceil(PAGE);
            let a = Attend {
                pages: &pages[page..page + n],
                base,
                q: &s.q[row * h..(row + p.len()) * h],
                stride: h,
                head_dim: d,
                group: 1,
                first: 0,
                keys: p.len(),
                causal: false,
                window: usize::MAX,
                scale: 1.0 / (d as f32).sqrt(),
                cap: 0.0,
            };
            let out = &mut s.heads.x[row * h..(row + p.len()) * h];
            a.run(p.len(), heads, out, compute.kernels, &compute.pool);
            row += p.len();
            page += n;
        }
        compute.kernels.products(&s.heads, m, &mut [(&l.o.weight, &mut s.delta)], &compute.pool);
        let delta = &s.delta;
        compute.rows(m, h, &mut s.x.x, &|i, x| {
            add(x, &delta[i * h..]);
            add(x, &l.o.bias);
            l.o_norm.apply(x);
        });
        compute.kernels.products(&s.x, m, &mut [(&l.up.weight, &mut s.wide.x)], &compute.pool);
        compute.rows(m, c.intermediate_size, &mut s.wide.x, &|_, x| {
            add(x, &l.up.bias);
            (compute.kernels.gelu)(x);
        });
        compute.kernels.products(&s.wide, m, &mut [(&l.down.weight, &mut s.delta)], &compute.pool);
        let delta = &s.delta;
        compute.rows(m, h, &mut s.x.x, &|i, x| {
            add(x, &delta[i * h..]);
            add(x, &l.down.bias);
            l.down_norm.apply(x);
        });
    }
}

impl Config {
    fn check(&self) -> Result<(), Error> {
        if self.model_type != "bert" || self.hidden_act != "gelu" {
            return Err(Error::Unsupported(format!("embedder {} with {}", self.model_type, self.hidden_act)));
        }
        let small = |x: usize, most: usize| (1..=most).contains(&x);
        let sound = small(self.hidden_size, 1 << 14)
            && small(self.intermediate_size, 1 << 16)
            && small(self.num_attention_heads, 1 << 8)
            && small(self.num_hidden_layers, 1 << 8)
            && small(self.max_position_embeddings, 1 << 16)
            && small(self.vocab_size, 1 << 24)
            && self.hidden_size.is_multiple_of(self.num_attention_heads);
        if !sound {
            return Err(damaged("config.json has impossible numbers"));
        }
        match self.hidden_size / self.num_attention_heads {
            d if d % 16 == 0 && d <= crate::kernel::MAX_HEAD => Ok(()),
            d => Err(Error::Unsupported(format!("heads of width {d}"))),
        }
    }
}

impl Norm {
    fn apply(&self, x: &mut [f32]) {
        let n = x.len() as f32;
        let mean = lanes(x, |x| x) / n;
        let variance = lanes(x, |x| (x - mean) * (x - mean)) / n;
        let inverse = 1.0 / (variance + self.eps).sqrt();
        for ((x, w), b) in x.iter_mut().zip(&self.weight).zip(&self.bias) {
            *x = (*x - mean) * inverse * w + b;
        }
    }
}

/// A sum in eight independent lanes, so that it can be vectorized.
fn lanes(x: &[f32], f: impl Fn(f32) -> f32) -> f32 {
    let (whole, rest) = x.as_chunks::<8>();
    let mut parts = [0f32; 8];
    for c in whole {
        parts.iter_mut().zip(c).for_each(|(p, x)| *p += f(*x));
    }
    parts.iter().sum::<f32>() + rest.iter().map(|x| f(*x)).sum::<f32>()
}

fn add(x: &mut [f32], y: &[f32]) {
    x.iter_mut().zip(y).for_each(|(x, y)| *x += y);
}

impl Scratch {
    fn reserve(&mut self, m: usize, h: usize, f: usize) {
        for (a, k) in [(&mut self.x, h), (&mut self.heads, h), (&mut self.wide, f)] {
            a.k = k;
            a.x.resize(a.x.len().max(m * k), 0.0);
        }
        for v in [&mut self.delta, &mut self.q, &mut self.k, &mut self.v] {
            v.resize(v.len().max(m * h), 0.0);
        }
    }
}

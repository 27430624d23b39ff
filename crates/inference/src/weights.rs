//! The weights of one decoder: read once, packed for the kernels, shared by all conversations, never written again.

use crate::architecture::Has;
use crate::config::{Config, Experts};
use crate::error::Error;
use crate::gguf::{self, Header, TensorInfo};
use crate::kernel::{Matrix, Pool};
use crate::quant::Type;
use crate::rope::Angles;
use std::collections::HashMap;
use std::io::{Read, Seek};

/// A matrix with its bias.
#[derive(Debug)]
pub struct Linear {
    /// The matrix `[n][k]`.
    pub w: Matrix,
    /// What is added `[n]`.
    pub bias: Option<Vec<f32>>,
}

/// A gated feed-forward layer.
#[derive(Debug)]
pub struct Gated {
    /// Gate `[n_ff][n_embd]`.
    pub gate: Linear,
    /// Up `[n_ff][n_embd]`.
    pub up: Linear,
    /// Down `[n_embd][n_ff]`.
    pub down: Linear,
}

/// The feed-forward part of a block.
#[derive(Debug)]
pub enum FeedForward {
    /// One layer for all tokens.
    One(Gated),
    /// Several, of which a router chooses some for each token.
    Experts {
        /// Scores each expert `[experts][n_embd]`.
        router: Matrix,
        /// The experts.
        experts: Vec<Gated>,
        /// The one that works on all tokens.
        shared: Option<Gated>,
    },
}

/// One block of the decoder.
#[derive(Debug)]
pub struct Layer {
    /// Norm before attention `[n_embd]`.
    pub attn_norm: Vec<f32>,
    /// Query `[n_heads * head_dim][n_embd]`.
    pub q: Linear,
    /// Key `[n_kv_heads * head_dim][n_embd]`.
    pub k: Linear,
    /// Value `[n_kv_heads * head_dim][n_embd]`.
    pub v: Linear,
    /// Norms of query and key heads `[head_dim]`.
    pub head_norm: Option<[Vec<f32>; 2]>,
    /// Output of attention `[n_embd][n_heads * head_dim]`.
    pub o: Linear,
    /// Kernel of a short convolution `[length][n_embd]`, in blocks that have one in place of attention. There `q` and `k`
    /// are its gates before and behind, `v` its input and `o` its output, all `[n_embd][n_embd]`.
    pub convolution: Option<Vec<f32>>,
    /// Norms of what attention and the feed-forward layer add `[n_embd]`.
    pub post_norm: Option<[Vec<f32>; 2]>,
    /// Norm before the feed-forward layer `[n_embd]`.
    pub ffn_norm: Vec<f32>,
    /// The feed-forward layer.
    pub ffn: FeedForward,
}

impl Layer {
    fn bytes(&self) -> usize {
        let gated = |g: &Gated| g.gate.w.bytes() + g.up.w.bytes() + g.down.w.bytes();
        let ffn = match &self.ffn {
            FeedForward::One(g) => gated(g),
            FeedForward::Experts { router, experts, shared } => {
                router.bytes() + experts.iter().chain(shared).map(gated).sum::<usize>()
            }
        };
        [&self.q, &self.k, &self.v, &self.o].iter().map(|l| l.w.bytes()).sum::<usize>() + ffn
    }
}

/// Divisors of the RoPE frequencies `[rope_dims / 2]`, where a file has them.
#[derive(Debug)]
enum RopeFactors {
    /// None.
    No,
    /// For every context (Llama 3).
    Fixed(Vec<f32>),
    /// For contexts up to the trained length, and beyond (Phi-3).
    ByLength([Vec<f32>; 2]),
}

/// All weights of a decoder.
#[derive(Debug)]
pub struct Weights {
    /// The shape.
    pub config: Config,
    /// The blocks in order.
    pub layers: Vec<Layer>,
    /// Norm before the output `[n_embd]`.
    pub output_norm: Vec<f32>,
    /// Output `[n_vocab][n_embd]`; also the embedding where `embedding` is absent.
    pub output: Matrix,
    /// The embedding as it stands in the file, where it is not the output.
    pub embedding: Option<(Type, Vec<u8>)>,
    /// How positions turn heads: `Config::rope_of` says which of these a layer uses.
    pub ropes: Vec<Angles>,
    rope_factors: RopeFactors,
    /// The quantization of most weights.
    pub quantization: Type,
    /// Bytes of all tensors in memory.
    pub bytes: u64,
}

struct Loader<'a, R> {
    file: &'a mut R,
    header: &'a Header,
    /// What packs; without it matrices stay zero, and nothing of them is read.
    pool: Option<&'a Pool>,
}

impl<R: Read + Seek + Send> Loader<'_, R> {
    fn info(&self, name: &str) -> Result<&TensorInfo, Error> {
        self.header.tensors.get(name).ok_or_else(|| Error::Damaged(format!("tensor {name} is missing")))
    }

    fn has(&self, name: &str) -> bool {
        self.header.tensors.contains_key(name)
    }

    /// Reads one tensor as several matrices of `k` inputs, whose outputs stand one after another in it.
    fn matrices(&mut self, name: &str, outputs: &[usize], k: usize) -> Result<Vec<Matrix>, Error> {
        let info = self.info(name)?.clone();
        let n = outputs.iter().sum::<usize>();
        if (info.rows(), info.cols()) != (n, k) {
            let why = format!("tensor {name} is {} x {} and should be {n} x {k}", info.rows(), info.cols());
            return Err(Error::Damaged(why));
        }
        let Some(pool) = self.pool else {
            return outputs.iter().map(|n| Matrix::zeros(info.ty, *n, k)).collect();
        };
        gguf::seek(self.file, &info)?;
        let mut read = |piece: &mut [u8]| self.file.read_exact(piece).map_err(Error::io("the model file"));
        outputs.iter().map(|n| Matrix::read(info.ty, &mut read, *n, k, pool)).collect()
    }

    fn matrix(&mut self, name: &str, n: usize, k: usize) -> Result<Matrix, Error> {
        let mut one = self.matrices(name, &[n], k)?;
        one.pop().ok_or_else(|| Error::Damaged(format!("tensor {name} is empty")))
    }

    fn vector(&mut self, name: &str, n: usize) -> Result<Vec<f32>, Error> {
        let info = self.info(name)?.clone();
        if info.dims != [n] {
            return Err(Error::Damaged(format!("tensor {name} is {:?} and should be [{n}]", info.dims)));
        }
        let mut out = vec![0.0; n];
        info.ty.widen(&gguf::tensor(self.file, &info)?, &mut out)?;
        Ok(out)
    }

    /// Reads the tensor `name.bias` where it belongs to the model.
    fn bias(&mut self, name: &str, n: usize, has: Has) -> Result<Option<Vec<f32>>, Error> {
        let name = format!("{name}.bias");
        let there = self.has(&name);
        if has == Has::Always || (has == Has::Perhaps && there) {
            return Ok(Some(self.vector(&name, n)?));
        }
        if there {
            return Err(Error::Unsupported(format!("a tensor {name}")));
        }
        Ok(None)
    }

    fn linear(&mut self, name: &str, n: usize, k: usize, bias: Has) -> Result<Linear, Error> {
        Ok(Linear { w: self.matrix(&format!("{name}.weight"), n, k)?, bias: self.bias(name, n, bias)? })
    }

    /// Reads several linear layers of equal input that stand in one tensor.
    fn fused<const N: usize>(
        &mut self,
        name: &str,
        outputs: [usize; N],
        k: usize,
        has: Has,
    ) -> Result<[Linear; N], Error> {
        let bias = self.bias(name, outputs.iter().sum(), has)?;
        let parts = self.matrices(&format!("{name}.weight"), &outputs, k)?;
        let mut from = 0;
        let part = |w: Matrix| {
            let own = from..from + w.n;
            from = own.end;
            Linear { bias: bias.as_ref().and_then(|b| b.get(own)).map(Into::into), w }
        };
        let parts: Vec<Linear> = parts.into_iter().map(part).collect();
        parts.try_into().map_err(|_| Error::Damaged(format!("tensor {name} is empty")))
    }

    fn two_norms(&mut self, names: [String; 2], n: usize) -> Result<[Vec<f32>; 2], Error> {
        let [a, b] = names;
        Ok([self.vector(&a, n)?, self.vector(&b, n)?])
    }

    fn layer(&mut self, c: &Config, i: usize) -> Result<Layer, Error> {
        let a = c.architecture;
        let name = |part: &str| format!("blk.{i}.{part}");
        let (e, q, kv) = (c.n_embd, c.n_heads * c.head_dim, c.n_kv_heads * c.head_dim);
        let attn_norm = self.vector(&name("attn_norm.weight"), e)?;
        let convolution = self.convolution(c, i, &name("shortconv.conv.weight"))?;
        let [query, key, value] = if convolution.is_some() {
            self.fused(&name("shortconv.in_proj"), [e, e, e], e, Has::Never)?
        } else if self.has(&name("attn_qkv.weight")) {
            self.fused(&name("attn_qkv"), [q, kv, kv], e, a.bias)?
        } else {
            [
                self.linear(&name("attn_q"), q, e, a.bias)?,
                self.linear(&name("attn_k"), kv, e, a.bias)?,
                self.linear(&name("attn_v"), kv, e, a.bias)?,
            ]
        };
        let head_norm = [name("attn_q_norm.weight"), name("attn_k_norm.weight")];
        let post_norm = [name("post_attention_norm.weight"), name("post_ffw_norm.weight")];
        Ok(Layer {
            attn_norm,
            q: query,
            k: key,
            v: value,
            head_norm: if a.head_norm && convolution.is_none() {
                Some(self.two_norms(head_norm, c.head_dim)?)
            } else {
                None
            },
            o: self.linear(
                &name(if convolution.is_some() { "shortconv.out_proj" } else { "attn_output" }),
                e,
                q,
                a.other_bias,
            )?,
            convolution,
            post_norm: if a.post_norm { Some(self.two_norms(post_norm, e)?) } else { None },
            ffn_norm: self.vector(&name("ffn_norm.weight"), e)?,
            ffn: match c.experts.filter(|_| self.has(&name("ffn_gate_inp.weight"))) {
                None => FeedForward::One(self.gated(&name("ffn"), c, "", c.n_ff)?),
                Some(x) => self.experts(&name("ffn"), c, x)?,
            },
        })
    }

    /// Reads the kernel of layer `i`, if that is a convolution, and puts what belongs to one step side by side.
    fn convolution(&mut self, c: &Config, i: usize, name: &str) -> Result<Option<Vec<f32>>, Error> {
        let Some(length) = c.convolutions.as_ref().map(|x| x.length).filter(|_| c.convolves(i)) else {
            return Ok(None);
        };
        let info = self.info(name)?.clone();
        if info.dims != [length, c.n_embd] {
            let why = format!("tensor {name} is {:?} and should be [{length}, {}]", info.dims, c.n_embd);
            return Err(Error::Damaged(why));
        }
        let mut rows = vec![0.0; length * c.n_embd];
        info.ty.widen(&gguf::tensor(self.file, &info)?, &mut rows)?;
        let steps = (0..length).flat_map(|step| rows.iter().skip(step).step_by(length).copied());
        Ok(Some(steps.collect()))
    }

    fn gated(&mut self, name: &str, c: &Config, kind: &str, n_ff: usize) -> Result<Gated, Error> {
        let (a, e) = (c.architecture, c.n_embd);
        let name = |part: &str| format!("{name}_{part}{kind}");
        let [gate, up] = if !self.has(&format!("{}.weight", name("gate"))) {
            self.fused(&name("up"), [n_ff, n_ff], e, a.other_bias)?
        } else {
            [self.linear(&name("gate"), n_ff, e, a.other_bias)?, self.linear(&name("up"), n_ff, e, a.other_bias)?]
        };
        Ok(Gated { gate, up, down: self.linear(&name("down"), e, n_ff, a.other_bias)? })
    }

    fn experts(&mut self, name: &str, c: &Config, x: Experts) -> Result<FeedForward, Error> {
        let fused = self.has(&format!("{name}_gate_up_exps.weight"));
        let mut part = |part: &str, outputs: &[usize], k: usize| {
            self.bias(&format!("{name}_{part}_exps"), 0, Has::Never)?;
            self.matrices(&format!("{name}_{part}_exps.weight"), &outputs.repeat(x.count), k)
        };
        let downs = part("down", &[c.n_embd], x.n_ff)?;
        let (gates, ups) = if fused {
            let both = part("gate_up", &[x.n_ff, x.n_ff], c.n_embd)?.into_iter().enumerate();
            let (gates, ups): (Vec<_>, Vec<_>) = both.partition(|(i, _)| i.is_multiple_of(2));
            let only = |v: Vec<(usize, Matrix)>| v.into_iter().map(|(_, w)| w).collect();
            (only(gates), only(ups))
        } else {
            (part("gate", &[x.n_ff], c.n_embd)?, part("up", &[x.n_ff], c.n_embd)?)
        };
        let plain = |w| Linear { w, bias: None };
        let experts = gates.into_iter().zip(ups).zip(downs);
        Ok(FeedForward::Experts {
            router: self.matrix(&format!("{name}_gate_inp.weight"), x.count, c.n_embd)?,
            experts: experts.map(|((g, u), d)| Gated { gate: plain(g), up: plain(u), down: plain(d) }).collect(),
            shared: match x.n_ff_shared {
                0 => None,
                n => Some(self.gated(name, c, "_shexp", n)?),
            },
        })
    }

    fn rope_factors(&mut self, dims: usize) -> Result<RopeFactors, Error> {
        const NAMES: [&str; 3] = ["rope_freqs.weight", "rope_factors_short.weight", "rope_factors_long.weight"];
        let there = NAMES.map(|n| self.has(n));
        let mut read = |name: &str| {
            let v = self.vector(name, dims / 2)?;
            match v.iter().all(|x| x.is_finite() && *x > 0.0) {
                true => Ok(v),
                false => Err(Error::Damaged(format!("tensor {name} holds what is no ordinary number"))),
            }
        };
        match there {
            [true, ..] => Ok(RopeFactors::Fixed(read(NAMES[0])?)),
            [_, true, true] => Ok(RopeFactors::ByLength([read(NAMES[1])?, read(NAMES[2])?])),
            _ => Ok(RopeFactors::No),
        }
    }
}

impl Weights {
    /// Reads and packs all weights. Beside the packed weights little is held.
    ///
    /// # Errors
    /// `Damaged` for missing tensors and wrong shapes; `Unsupported` for families that do not run.
    pub fn read<R: Read + Seek + Send>(file: &mut R, header: &Header, pool: &Pool) -> Result<Self, Error> {
        Self::read_first(file, header, pool, usize::MAX)
    }

    /// Reads all but the matrices, which stay zero, and checks all that `read` checks: what that can still fail for is a
    /// file that cannot be read any more.
    ///
    /// # Errors
    /// Those of `read`.
    pub fn plan<R: Read + Seek + Send>(file: &mut R, header: &Header) -> Result<Self, Error> {
        Self::build(file, header, None, usize::MAX)
    }

    /// Reads as `read` does, but of the blocks only the first ones, as many as are wanted.
    ///
    /// # Errors
    /// Those of `read`.
    pub fn read_first<R: Read + Seek + Send>(
        file: &mut R,
        header: &Header,
        pool: &Pool,
        layers: usize,
    ) -> Result<Self, Error> {
        Self::build(file, header, Some(pool), layers)
    }

    fn build<R: Read + Seek + Send>(
        file: &mut R,
        header: &Header,
        pool: Option<&Pool>,
        layers: usize,
    ) -> Result<Self, Error> {
        let mut config = Config::read(header)?;
        config.n_layers = config.n_layers.min(layers);
        let c = &config;
        let mut l = Loader { file, header, pool };
        // Every shape is asked for before the first large read, so that a lying header costs nothing.
        let (e, v) = (c.n_embd, c.n_vocab);
        let tied = !l.has("output.weight");
        let embd = l.info("token_embd.weight")?.clone();
        if (embd.rows(), embd.cols()) != (v, e) || embd.dims.len() != 2 {
            return Err(Error::Damaged("the embedding does not fit the model".into()));
        }
        if let Some(i) = (0..c.n_layers).find(|i| !l.has(&format!("blk.{i}.attn_norm.weight"))) {
            return Err(Error::Damaged(format!("layer {i} of {} is missing", c.n_layers)));
        }
        let output_norm = l.vector(c.architecture.output_norm, e)?;
        l.bias("output", v, Has::Never)?;
        let output = l.matrix(if tied { "token_embd.weight" } else { "output.weight" }, v, e)?;
        let embedding = match (tied, pool) {
            (true, _) => None,
            (false, None) => Some((embd.ty, vec![0; embd.bytes])),
            (false, Some(_)) => Some((embd.ty, gguf::tensor(l.file, &embd)?)),
        };
        let rope_factors = l.rope_factors(c.rope_dims)?;
        let layers = (0..c.n_layers).map(|i| l.layer(c, i)).collect::<Result<Vec<_>, _>>()?;
        let bytes = layers.iter().map(Layer::bytes).sum::<usize>() + output.bytes();
        let bytes = (bytes + embedding.as_ref().map_or(0, |(_, b)| b.len())) as u64;
        let (quantization, n_ctx) = (most_used(header), c.n_ctx);
        let ropes = Vec::new();
        let mut w = Self { config, layers, output_norm, output, embedding, ropes, rope_factors, quantization, bytes };
        w.settle(n_ctx);
        Ok(w)
    }

    /// Chooses RoPE frequencies for contexts of up to `n_ctx` positions, of which some models have two sets. `read`
    /// does so for the longest; to be called again before the first pass where contexts are held shorter.
    pub fn settle(&mut self, n_ctx: usize) {
        let c = &self.config;
        let divisors = match &self.rope_factors {
            RopeFactors::No => None,
            RopeFactors::Fixed(f) => Some(&f[..]),
            RopeFactors::ByLength([short, long]) => Some(&(if n_ctx > c.rope.trained { long } else { short })[..]),
        };
        self.ropes = vec![c.rope.angles(c.rope_dims, divisors)];
        self.ropes.extend(c.window_rope.as_ref().map(|r| r.angles(c.rope_dims, None)));
    }

    /// Widens the embedding of one token into `out` `[n_embd]`.
    pub fn embed(&self, token: u32, out: &mut [f32]) {
        let token = (token as usize).min(self.config.n_vocab - 1);
        match &self.embedding {
            None => self.output.row(token, out),
            Some((ty, bytes)) => {
                let width = ty.bytes(self.config.n_embd).unwrap_or(0);
                // The length was checked against the shape on reading, so widening cannot fail.
                let _ = bytes.get(token * width..(token + 1) * width).map(|b| ty.widen(b, out));
            }
        }
        if self.config.factors.embedding != 1.0 {
            out.iter_mut().for_each(|x| *x *= self.config.factors.embedding);
        }
    }
}

/// The format that most bytes of a file are in.
pub fn most_used(header: &Header) -> Type {
    let mut sizes: HashMap<Type, u64> = HashMap::new();
    for t in header.tensors.values().filter(|t| t.dims.len() > 1) {
        *sizes.entry(t.ty).or_default() += t.dims.iter().product::<usize>() as u64;
    }
    sizes.into_iter().max_by_key(|(ty, n)| (*n, ty.name())).map_or(Type::F32, |(ty, _)| ty)
}

//! The weights of one decoder: read once, packed for the kernels, shared by all conversations, never written again.

use crate::config::Config;
use crate::error::Error;
use crate::gguf::{self, Header, TensorInfo};
use crate::kernel::{Matrix, Pool};
use crate::quant::Type;
use std::collections::HashMap;
use std::io::{Read, Seek};

/// One block of the decoder.
#[derive(Debug)]
pub struct Layer {
    /// Norm before attention `[n_embd]`.
    pub attn_norm: Vec<f32>,
    /// Query `[n_heads * head_dim][n_embd]`.
    pub q: Matrix,
    /// Key `[n_kv_heads * head_dim][n_embd]`.
    pub k: Matrix,
    /// Value `[n_kv_heads * head_dim][n_embd]`.
    pub v: Matrix,
    /// Biases of query, key and value.
    pub bias: Option<[Vec<f32>; 3]>,
    /// Norms of query and key heads `[head_dim]`.
    pub head_norm: Option<[Vec<f32>; 2]>,
    /// Output of attention `[n_embd][n_heads * head_dim]`.
    pub o: Matrix,
    /// Norm before the feed-forward layer `[n_embd]`.
    pub ffn_norm: Vec<f32>,
    /// Gate `[n_ff][n_embd]`.
    pub gate: Matrix,
    /// Up `[n_ff][n_embd]`.
    pub up: Matrix,
    /// Down `[n_embd][n_ff]`.
    pub down: Matrix,
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
    /// Divisors of the RoPE frequencies `[rope_dims / 2]` (Llama 3).
    pub rope_factors: Option<Vec<f32>>,
    /// The quantization of most weights.
    pub quantization: Type,
    /// Bytes of all tensors in memory.
    pub bytes: u64,
}

struct Loader<'a, R> {
    file: &'a mut R,
    header: &'a Header,
    pool: &'a Pool,
}

impl<R: Read + Seek> Loader<'_, R> {
    fn info(&self, name: &str) -> Result<&TensorInfo, Error> {
        self.header.tensors.get(name).ok_or_else(|| Error::Damaged(format!("tensor {name} is missing")))
    }

    fn matrix(&mut self, name: &str, n: usize, k: usize) -> Result<Matrix, Error> {
        let info = self.info(name)?.clone();
        if (info.rows(), info.cols()) != (n, k) {
            let why = format!("tensor {name} is {} x {} and should be {n} x {k}", info.rows(), info.cols());
            return Err(Error::Damaged(why));
        }
        Matrix::pack(info.ty, &gguf::tensor(self.file, &info)?, n, k, self.pool)
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

    fn layer(&mut self, c: &Config, i: usize) -> Result<Layer, Error> {
        let name = |part: &str| format!("blk.{i}.{part}");
        let (e, q, kv) = (c.n_embd, c.n_heads * c.head_dim, c.n_kv_heads * c.head_dim);
        Ok(Layer {
            attn_norm: self.vector(&name("attn_norm.weight"), e)?,
            q: self.matrix(&name("attn_q.weight"), q, e)?,
            k: self.matrix(&name("attn_k.weight"), kv, e)?,
            v: self.matrix(&name("attn_v.weight"), kv, e)?,
            bias: if c.architecture.bias {
                Some([
                    self.vector(&name("attn_q.bias"), q)?,
                    self.vector(&name("attn_k.bias"), kv)?,
                    self.vector(&name("attn_v.bias"), kv)?,
                ])
            } else {
                None
            },
            head_norm: if c.architecture.head_norm {
                Some([
                    self.vector(&name("attn_q_norm.weight"), c.head_dim)?,
                    self.vector(&name("attn_k_norm.weight"), c.head_dim)?,
                ])
            } else {
                None
            },
            o: self.matrix(&name("attn_output.weight"), e, q)?,
            ffn_norm: self.vector(&name("ffn_norm.weight"), e)?,
            gate: self.matrix(&name("ffn_gate.weight"), c.n_ff, e)?,
            up: self.matrix(&name("ffn_up.weight"), c.n_ff, e)?,
            down: self.matrix(&name("ffn_down.weight"), e, c.n_ff)?,
        })
    }
}

impl Weights {
    /// Reads and packs all weights. Beside the packed weights, one tensor at a time is held.
    ///
    /// # Errors
    /// `Damaged` for missing tensors and wrong shapes; `Unsupported` for families that do not run.
    pub fn read<R: Read + Seek>(file: &mut R, header: &Header, pool: &Pool) -> Result<Self, Error> {
        Self::read_first(file, header, pool, usize::MAX)
    }

    /// Reads as `read` does, but of the blocks only the first ones, as many as are wanted.
    ///
    /// # Errors
    /// Those of `read`.
    pub fn read_first<R: Read + Seek>(
        file: &mut R,
        header: &Header,
        pool: &Pool,
        layers: usize,
    ) -> Result<Self, Error> {
        let mut config = Config::read(header)?;
        config.n_layers = config.n_layers.min(layers);
        let c = &config;
        let mut l = Loader { file, header, pool };
        // Every shape is asked for before the first large read, so that a lying header costs nothing.
        let (e, v) = (c.n_embd, c.n_vocab);
        let tied = !header.tensors.contains_key("output.weight");
        let embd = l.info("token_embd.weight")?.clone();
        if (embd.rows(), embd.cols()) != (v, e) || embd.dims.len() != 2 {
            return Err(Error::Damaged("the embedding does not fit the model".into()));
        }
        if let Some(i) = (0..c.n_layers).find(|i| !header.tensors.contains_key(&format!("blk.{i}.attn_norm.weight"))) {
            return Err(Error::Damaged(format!("layer {i} of {} is missing", c.n_layers)));
        }
        let output_norm = l.vector("output_norm.weight", e)?;
        let output = l.matrix(if tied { "token_embd.weight" } else { "output.weight" }, v, e)?;
        let embedding = if tied { None } else { Some((embd.ty, gguf::tensor(l.file, &embd)?)) };
        let rope_factors = match header.tensors.contains_key("rope_freqs.weight") {
            true => Some(l.vector("rope_freqs.weight", c.rope_dims / 2)?),
            false => None,
        };
        let layers = (0..c.n_layers).map(|i| l.layer(c, i)).collect::<Result<Vec<_>, _>>()?;
        let bytes = layers
            .iter()
            .flat_map(|l| [&l.q, &l.k, &l.v, &l.o, &l.gate, &l.up, &l.down])
            .chain([&output])
            .map(|m| m.bytes() as u64)
            .sum::<u64>()
            + embedding.as_ref().map_or(0, |(_, b)| b.len() as u64);
        let quantization = most_used(header);
        Ok(Self { config, layers, output_norm, output, embedding, rope_factors, quantization, bytes })
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

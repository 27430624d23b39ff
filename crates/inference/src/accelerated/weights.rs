//! Weights on a device: matrices stay in their file's number format where candle multiplies it there, and are widened
//! to 16 bits where it does not. They come straight from the file, one tensor at a time.

use crate::architecture::Has;
use crate::config::Config;
use crate::error::Error;
use crate::gguf::{self, Header, TensorInfo};
use crate::quant::Type;
use crate::rope::Angles;
use candle_core::quantized::{GgmlDType, QMatMul, QStorage, QTensor};
use candle_core::{DType, Device, Module, Tensor};
use half::f16;
use std::io::{Read, Seek};

/// The name that candle has for a quantized format, where it multiplies that format on every device.
fn quantized(ty: Type) -> Option<GgmlDType> {
    match ty {
        Type::Q4_0 => Some(GgmlDType::Q4_0),
        Type::Q4_1 => Some(GgmlDType::Q4_1),
        Type::Q5_0 => Some(GgmlDType::Q5_0),
        Type::Q5_1 => Some(GgmlDType::Q5_1),
        Type::Q8_0 => Some(GgmlDType::Q8_0),
        Type::Q2_K => Some(GgmlDType::Q2K),
        Type::Q3_K => Some(GgmlDType::Q3K),
        Type::Q4_K => Some(GgmlDType::Q4K),
        Type::Q5_K => Some(GgmlDType::Q5K),
        Type::Q6_K => Some(GgmlDType::Q6K),
        _ => None,
    }
}

/// Returns the bytes that a matrix takes on a device.
pub fn device_bytes(info: &TensorInfo) -> u64 {
    match info.ty {
        Type::F32 | Type::F16 | Type::BF16 => info.bytes as u64,
        ty if quantized(ty).is_some() => info.bytes as u64,
        _ => (info.rows() * info.cols()) as u64 * 2,
    }
}

/// One matrix `[n][k]`.
enum Matrix {
    Quantized(QMatMul),
    Dense(Tensor),
}

impl Matrix {
    fn new(ty: Type, bytes: &[u8], n: usize, k: usize, device: &Device) -> candle_core::Result<Self> {
        // On the processor candle multiplies these by pairs of blocks.
        let pairs = matches!(ty, Type::Q4_1 | Type::Q5_0 | Type::Q5_1);
        let odd = device.is_cpu() && pairs && !k.is_multiple_of(64);
        if let Some(format) = quantized(ty).filter(|_| !odd) {
            let storage = QStorage::from_data(bytes.into(), device, format)?;
            return QTensor::new(storage, (n, k)).and_then(QMatMul::from_qtensor).map(Self::Quantized);
        }
        let raw = |format| Tensor::from_raw_buffer(bytes, format, &[n, k], device);
        Ok(Self::Dense(match ty {
            Type::F32 => raw(DType::F32)?,
            Type::F16 => raw(DType::F16)?,
            // The processor does not multiply bf16.
            Type::BF16 if !device.is_cpu() => raw(DType::BF16)?,
            _ => {
                let mut wide = vec![0.0; n * k];
                ty.widen(bytes, &mut wide).map_err(candle_core::Error::wrap)?;
                let narrow: Vec<f16> = wide.iter().map(|x| f16::from_f32(*x)).collect();
                Tensor::from_vec(narrow, (n, k), device)?
            }
        }))
    }

    /// `x W^T` for `x` `[m][k]` in f32.
    fn forward(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        match self {
            Self::Quantized(w) => w.forward(x),
            Self::Dense(w) => x.to_dtype(w.dtype())?.matmul(&w.t()?)?.to_dtype(DType::F32),
        }
    }
}

/// Matrices that multiply the same input. Those of one format lie one below the other and are multiplied at once.
pub struct Joint {
    matrices: Vec<Matrix>,
    widths: Vec<usize>,
    biases: Vec<Option<Tensor>>,
}

impl Joint {
    /// Returns the product with each matrix and its bias added, `[m][n]` for `x` `[m][k]`.
    ///
    /// # Errors
    /// What the device says.
    pub fn forward(&self, x: &Tensor) -> candle_core::Result<Vec<Tensor>> {
        let products = match &self.matrices[..] {
            [one] => {
                let (y, mut at) = (one.forward(x)?, 0);
                let cut = |width: &usize| {
                    at += width;
                    y.narrow(1, at - width, *width)
                };
                self.widths.iter().map(cut).collect::<candle_core::Result<Vec<_>>>()?
            }
            many => many.iter().map(|w| w.forward(x)).collect::<candle_core::Result<Vec<_>>>()?,
        };
        let biased = |(y, bias): (Tensor, &Option<Tensor>)| match bias {
            Some(bias) => y.broadcast_add(bias),
            None => Ok(y),
        };
        products.into_iter().zip(&self.biases).map(biased).collect()
    }

    /// Returns the product with the only matrix.
    ///
    /// # Errors
    /// What the device says.
    pub fn product(&self, x: &Tensor) -> candle_core::Result<Tensor> {
        self.forward(x)?.pop().ok_or_else(|| candle_core::Error::Msg("there is no matrix".into()))
    }
}

/// One block of the decoder.
pub struct Layer {
    /// Norm before attention `[n_embd]`.
    pub attn_norm: Tensor,
    /// Query, key and value.
    pub qkv: Joint,
    /// Norms of query and key heads `[head_dim]`.
    pub head_norm: Option<[Tensor; 2]>,
    /// Output of attention.
    pub o: Joint,
    /// Norms of what attention and the feed-forward layer add `[n_embd]`.
    pub post_norm: Option<[Tensor; 2]>,
    /// Norm before the feed-forward layer `[n_embd]`.
    pub ffn_norm: Tensor,
    /// Gate and up.
    pub gate_up: Joint,
    /// Down.
    pub down: Joint,
}

/// Reads tensors of one file onto one device.
pub struct Loader<'a, R> {
    /// The file.
    pub file: &'a mut R,
    /// Its header.
    pub header: &'a Header,
    /// Where the tensors go.
    pub device: &'a Device,
}

/// Says in our words what a device could not do.
pub fn failed(e: candle_core::Error) -> Error {
    // The first line says it; a backtrace may follow.
    Error::Device(e.to_string().lines().next().unwrap_or("no reason given").to_owned())
}

impl<R: Read + Seek + Send> Loader<'_, R> {
    fn has(&self, name: &str) -> bool {
        self.header.tensors.contains_key(name)
    }

    fn bytes(&mut self, name: &str, n: usize, k: usize) -> Result<(Type, Vec<u8>), Error> {
        let info = self.header.tensors.get(name);
        let info = info.ok_or_else(|| Error::Damaged(format!("tensor {name} is missing")))?;
        if (info.rows(), info.cols()) != (n, k) {
            let why = format!("tensor {name} is {} x {} and should be {n} x {k}", info.rows(), info.cols());
            return Err(Error::Damaged(why));
        }
        Ok((info.ty, gguf::tensor(self.file, info)?))
    }

    /// Reads the vector `name.bias` where it belongs to the model.
    fn bias(&mut self, name: &str, n: usize, has: Has) -> Result<Option<Tensor>, Error> {
        let name = format!("{name}.bias");
        match (has, self.has(&name)) {
            (Has::Always, _) | (Has::Perhaps, true) => self.vector(&name, n).map(Some),
            (Has::Never, true) => Err(Error::Unsupported(format!("a tensor {name}"))),
            _ => Ok(None),
        }
    }

    /// Reads matrices of `k` inputs, each named with its outputs, and their biases.
    ///
    /// # Errors
    /// `Damaged` for a missing tensor or a wrong shape, `Device` where it does not fit.
    pub fn joint(&mut self, parts: &[(String, usize)], k: usize, has: Has) -> Result<Joint, Error> {
        let weights = |name: &str| format!("{name}.weight");
        let types: Vec<_> = parts.iter().map(|p| self.header.tensors.get(&weights(&p.0)).map(|t| t.ty)).collect();
        let alike = types.windows(2).all(|w| w[0] == w[1]);
        let mut blocks: Vec<(Type, usize, Vec<u8>)> = Vec::new();
        let mut biases = Vec::new();
        for (name, n) in parts {
            let (ty, bytes) = self.bytes(&weights(name), *n, k)?;
            match blocks.last_mut().filter(|_| alike) {
                Some(block) => {
                    block.1 += n;
                    block.2.extend(bytes);
                }
                None => blocks.push((ty, *n, bytes)),
            }
            biases.push(self.bias(name, *n, has)?);
        }
        let on = |(ty, n, bytes): (Type, usize, Vec<u8>)| Matrix::new(ty, &bytes, n, k, self.device);
        let matrices = blocks.into_iter().map(on).collect::<candle_core::Result<_>>().map_err(failed)?;
        Ok(Joint { matrices, widths: parts.iter().map(|p| p.1).collect(), biases })
    }

    /// Reads one tensor that holds several matrices of `k` inputs one below the other.
    fn fused(&mut self, name: &str, widths: &[usize], k: usize, has: Has) -> Result<Joint, Error> {
        let n = widths.iter().sum();
        let mut joint = self.joint(&[(name.to_owned(), n)], k, has)?;
        let mut at = 0;
        let cut = |width: &usize| {
            at += width;
            let whole = joint.biases.first().and_then(Option::as_ref);
            whole.map(|b| b.narrow(0, at - width, *width)).transpose()
        };
        let biases = widths.iter().map(cut).collect::<candle_core::Result<_>>().map_err(failed)?;
        (joint.biases, joint.widths) = (biases, widths.to_vec());
        Ok(joint)
    }

    /// Reads a vector in f32.
    ///
    /// # Errors
    /// `Damaged` for a missing tensor or a wrong shape, `Device` where it does not fit.
    pub fn vector(&mut self, name: &str, n: usize) -> Result<Tensor, Error> {
        let wide = self.numbers(name, n)?;
        Tensor::from_vec(wide, n, self.device).map_err(failed)
    }

    fn numbers(&mut self, name: &str, n: usize) -> Result<Vec<f32>, Error> {
        let info = self.header.tensors.get(name).filter(|t| t.dims == [n]);
        let info = info.ok_or_else(|| Error::Damaged(format!("tensor {name} is missing or not [{n}]")))?;
        let mut wide = vec![0.0; n];
        info.ty.widen(&gguf::tensor(self.file, info)?, &mut wide)?;
        Ok(wide)
    }

    /// Returns how positions turn heads in contexts of up to `n_ctx`: `Config::rope_of` says which of these a layer
    /// uses.
    ///
    /// # Errors
    /// `Damaged` for factors of a wrong shape or that are no ordinary numbers.
    pub fn ropes(&mut self, c: &Config, n_ctx: usize) -> Result<Vec<Angles>, Error> {
        let own = ["rope_factors_short.weight", "rope_factors_long.weight"];
        let name = match self.has("rope_freqs.weight") {
            true => Some("rope_freqs.weight"),
            false => Some(own[usize::from(n_ctx > c.rope.trained)]).filter(|_| own.iter().all(|n| self.has(n))),
        };
        let divisors = name.map(|n| self.numbers(n, c.rope_dims / 2)).transpose()?;
        if divisors.iter().flatten().any(|x| !(x.is_finite() && *x > 0.0)) {
            return Err(Error::Damaged("a RoPE factor is no ordinary number".into()));
        }
        let mut ropes = vec![c.rope.angles(c.rope_dims, divisors.as_deref())];
        ropes.extend(c.window_rope.as_ref().map(|r| r.angles(c.rope_dims, None)));
        Ok(ropes)
    }

    fn two_norms(&mut self, names: [String; 2], n: usize) -> Result<[Tensor; 2], Error> {
        let [a, b] = names;
        Ok([self.vector(&a, n)?, self.vector(&b, n)?])
    }

    /// Reads block `i`.
    ///
    /// # Errors
    /// Those of `joint` and `vector`.
    pub fn layer(&mut self, c: &Config, i: usize) -> Result<Layer, Error> {
        let (a, name) = (c.architecture, |part: &str| format!("blk.{i}.{part}"));
        let (e, q, kv) = (c.n_embd, c.n_heads * c.head_dim, c.n_kv_heads * c.head_dim);
        let qkv = match self.has(&name("attn_qkv.weight")) {
            true => self.fused(&name("attn_qkv"), &[q, kv, kv], e, a.bias)?,
            false => self.joint(&[(name("attn_q"), q), (name("attn_k"), kv), (name("attn_v"), kv)], e, a.bias)?,
        };
        let gate_up = match self.has(&name("ffn_gate.weight")) {
            true => self.joint(&[(name("ffn_gate"), c.n_ff), (name("ffn_up"), c.n_ff)], e, a.other_bias)?,
            false => self.fused(&name("ffn_up"), &[c.n_ff, c.n_ff], e, a.other_bias)?,
        };
        let head_norm = [name("attn_q_norm.weight"), name("attn_k_norm.weight")];
        let post_norm = [name("post_attention_norm.weight"), name("post_ffw_norm.weight")];
        Ok(Layer {
            attn_norm: self.vector(&name("attn_norm.weight"), e)?,
            qkv,
            head_norm: if a.head_norm { Some(self.two_norms(head_norm, c.head_dim)?) } else { None },
            o: self.joint(&[(name("attn_output"), e)], q, a.other_bias)?,
            post_norm: if a.post_norm { Some(self.two_norms(post_norm, e)?) } else { None },
            ffn_norm: self.vector(&name("ffn_norm.weight"), e)?,
            gate_up,
            down: self.joint(&[(name("ffn_down"), e)], c.n_ff, a.other_bias)?,
        })
    }
}

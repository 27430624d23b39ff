//! Weights on a device: matrices stay in their file's number format where candle multiplies it there, and are widened
//! to 16 bits where it does not. They come straight from the file, one tensor at a time.

use crate::config::Config;
use crate::error::Error;
use crate::gguf::{self, Header, TensorInfo};
use crate::quant::Type;
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
        if let Some(format) = quantized(ty) {
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
}

impl Joint {
    /// Returns the product with each matrix, `[m][n]` for `x` `[m][k]`.
    ///
    /// # Errors
    /// What the device says.
    pub fn forward(&self, x: &Tensor) -> candle_core::Result<Vec<Tensor>> {
        match &self.matrices[..] {
            [one] => {
                let (y, mut at) = (one.forward(x)?, 0);
                let cut = |width: &usize| {
                    at += width;
                    y.narrow(1, at - width, *width)
                };
                self.widths.iter().map(cut).collect()
            }
            many => many.iter().map(|w| w.forward(x)).collect(),
        }
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
    /// Their biases.
    pub bias: Option<[Tensor; 3]>,
    /// Norms of query and key heads `[head_dim]`.
    pub head_norm: Option<[Tensor; 2]>,
    /// Output of attention.
    pub o: Joint,
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

impl<R: Read + Seek> Loader<'_, R> {
    /// Reads matrices of `k` inputs, each named with its outputs.
    ///
    /// # Errors
    /// `Damaged` for a missing tensor or a wrong shape, `Device` where it does not fit.
    pub fn joint(&mut self, parts: &[(String, usize)], k: usize) -> Result<Joint, Error> {
        let infos: Vec<_> = parts
            .iter()
            .map(|(name, n)| {
                let info = self.header.tensors.get(name);
                let info = info.ok_or_else(|| Error::Damaged(format!("tensor {name} is missing")))?;
                if (info.rows(), info.cols()) != (*n, k) {
                    let why = format!("tensor {name} is {} x {} and should be {n} x {k}", info.rows(), info.cols());
                    return Err(Error::Damaged(why));
                }
                Ok(info.clone())
            })
            .collect::<Result<_, _>>()?;
        let widths: Vec<usize> = parts.iter().map(|p| p.1).collect();
        let mut blocks: Vec<(Type, usize, Vec<u8>)> = Vec::new();
        let alike = infos.windows(2).all(|w| w[0].ty == w[1].ty);
        for (info, n) in infos.iter().zip(&widths) {
            let bytes = gguf::tensor(self.file, info)?;
            match blocks.last_mut().filter(|_| alike) {
                Some(block) => {
                    block.1 += n;
                    block.2.extend(bytes);
                }
                None => blocks.push((info.ty, *n, bytes)),
            }
        }
        let on = |(ty, n, bytes): (Type, usize, Vec<u8>)| Matrix::new(ty, &bytes, n, k, self.device);
        let matrices = blocks.into_iter().map(on).collect::<candle_core::Result<_>>().map_err(failed)?;
        Ok(Joint { matrices, widths })
    }

    /// Reads a vector in f32.
    ///
    /// # Errors
    /// `Damaged` for a missing tensor or a wrong shape, `Device` where it does not fit.
    pub fn vector(&mut self, name: &str, n: usize) -> Result<Tensor, Error> {
        let info = self.header.tensors.get(name).filter(|t| t.dims == [n]);
        let info = info.ok_or_else(|| Error::Damaged(format!("tensor {name} is missing or not [{n}]")))?.clone();
        let mut wide = vec![0.0; n];
        info.ty.widen(&gguf::tensor(self.file, &info)?, &mut wide)?;
        Tensor::from_vec(wide, n, self.device).map_err(failed)
    }

    /// Reads block `i`.
    ///
    /// # Errors
    /// Those of `joint` and `vector`.
    pub fn layer(&mut self, c: &Config, i: usize) -> Result<Layer, Error> {
        let name = |part: &str| format!("blk.{i}.{part}");
        let (e, q, kv) = (c.n_embd, c.n_heads * c.head_dim, c.n_kv_heads * c.head_dim);
        let bias = match c.architecture.bias {
            true => Some([
                self.vector(&name("attn_q.bias"), q)?,
                self.vector(&name("attn_k.bias"), kv)?,
                self.vector(&name("attn_v.bias"), kv)?,
            ]),
            false => None,
        };
        let head_norm = match c.architecture.head_norm {
            true => Some([
                self.vector(&name("attn_q_norm.weight"), c.head_dim)?,
                self.vector(&name("attn_k_norm.weight"), c.head_dim)?,
            ]),
            false => None,
        };
        let qkv = [(name("attn_q.weight"), q), (name("attn_k.weight"), kv), (name("attn_v.weight"), kv)];
        Ok(Layer {
            attn_norm: self.vector(&name("attn_norm.weight"), e)?,
            qkv: self.joint(&qkv, e)?,
            bias,
            head_norm,
            o: self.joint(&[(name("attn_output.weight"), e)], q)?,
            ffn_norm: self.vector(&name("ffn_norm.weight"), e)?,
            gate_up: self.joint(&[(name("ffn_gate.weight"), c.n_ff), (name("ffn_up.weight"), c.n_ff)], e)?,
            down: self.joint(&[(name("ffn_down.weight"), e)], c.n_ff)?,
        })
    }
}

//! What a device must do right before a model is trusted to it: every operation of a pass, on small numbers, with the
//! results of the processor. It also loads the kernels, which a walled-in process may not be able to do later.

use super::weights::failed;
use crate::error::Error;
use candle_core::quantized::{GgmlDType, QMatMul, QStorage, QTensor};
use candle_core::{DType, Device, Module, Result, Tensor};
use candle_nn::ops::{rms_norm, silu, softmax_last_dim};
use candle_nn::rotary_emb::{rope, rope_i};

/// The formats that must multiply right.
const FORMATS: [GgmlDType; 10] = [
    GgmlDType::Q4_0,
    GgmlDType::Q4_1,
    GgmlDType::Q5_0,
    GgmlDType::Q5_1,
    GgmlDType::Q8_0,
    GgmlDType::Q2K,
    GgmlDType::Q3K,
    GgmlDType::Q4K,
    GgmlDType::Q5K,
    GgmlDType::Q6K,
];
/// How far results may differ, relative to their size: activations are rounded to 8 bits on some devices.
const TOLERANCE: f32 = 0.03;

/// Numbers between -1 and 1 that look random.
fn numbers(n: usize, seed: usize) -> Vec<f32> {
    (0..n).map(|i| (((i + 1) * (seed * 2 + 7919)) % 2003) as f32 / 1001.0 - 1.0).collect()
}

/// Tries a device.
///
/// # Errors
/// `Device`, with what failed or came out wrong.
pub fn run(device: &Device) -> std::result::Result<(), Error> {
    let (here, there) = (results(&Device::Cpu).map_err(failed)?, results(device).map_err(failed)?);
    for ((what, want), (_, got)) in here.iter().zip(&there) {
        let size = want.iter().map(|x| x * x).sum::<f32>().sqrt();
        let error = want.iter().zip(got).map(|(w, g)| (w - g) * (w - g)).sum::<f32>().sqrt();
        // Written so that a result that is no number fails too.
        if !(want.len() == got.len() && error <= TOLERANCE * size) {
            return Err(Error::Device(format!("{what} came out wrong")));
        }
    }
    Ok(())
}

fn results(device: &Device) -> Result<Vec<(String, Vec<f32>)>> {
    let mut out = Vec::new();
    let mut say = |what: String, t: Tensor| -> Result<()> {
        out.push((what, t.to_dtype(DType::F32)?.flatten_all()?.to_vec1()?));
        Ok(())
    };
    let on = |n: usize, k: usize, seed: usize| Tensor::from_vec(numbers(n * k, seed), (n, k), device);
    for (i, format) in FORMATS.into_iter().enumerate() {
        let wide = Tensor::from_vec(numbers(96 * 512, i + 3), (96, 512), &Device::Cpu)?;
        let bytes = QTensor::quantize(&wide, format)?;
        let w = QTensor::new(QStorage::from_data(bytes.data()?, device, format)?, (96, 512))?;
        let w = QMatMul::from_qtensor(w)?;
        // Many rows and one row take different ways.
        say(format!("a {format:?} product of 16 rows"), w.forward(&on(16, 512, 1)?)?)?;
        say(format!("a {format:?} product of one row"), w.forward(&on(1, 512, 2)?)?)?;
    }
    let (x, y) = (on(16, 64, 1)?, on(16, 64, 2)?);
    let norm = Tensor::from_vec(numbers(64, 3), 64, device)?;
    say("a norm".into(), rms_norm(&x, &norm, 1e-5)?)?;
    say("a gate".into(), (silu(&x)? * &y)?)?;
    say("a sum".into(), (&x + y.broadcast_add(&norm)?)?.affine(0.5, 0.0)?)?;
    let (cos, sin) = (on(16, 16, 4)?, on(16, 16, 5)?);
    let heads = x.reshape((16, 2, 32))?.transpose(0, 1)?.contiguous()?;
    say("a turn by halves".into(), rope(&heads.unsqueeze(0)?, &cos, &sin)?)?;
    say("a turn by pairs".into(), rope_i(&heads.unsqueeze(0)?, &cos, &sin)?)?;
    let cache = Tensor::zeros((2, 40, 32), DType::F16, device)?;
    cache.slice_set(&heads.to_dtype(DType::F16)?, 1, 7)?;
    let keys = cache.narrow(1, 0, 23)?.to_dtype(DType::F32)?;
    say("the cache".into(), keys.clone())?;
    let weights = softmax_last_dim(&heads.matmul(&keys.t()?)?)?;
    let attended = Tensor::cat(&[weights.matmul(&keys)?, heads.clone()], 1)?;
    say("attention".into(), attended.transpose(0, 1)?.contiguous()?)?;
    for format in [DType::F32, DType::F16] {
        let w = on(32, 64, 6)?.to_dtype(format)?;
        say(format!("a {format:?} product"), x.to_dtype(format)?.matmul(&w.t()?)?)?;
    }
    device.synchronize()?;
    Ok(out)
}

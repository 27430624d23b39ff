//! Every family against what `transformers` computes with a tiny model of it, in the names, permutations and metadata of
//! llama.cpp's converter. `architectures.py` made the fixture; the weights are made here from the tensors' names.

use crate::tiny::Writer;
use hearth_inference::architecture::Architecture;
use hearth_inference::forward::{Compute, Scratch, forward};
use hearth_inference::gguf;
use hearth_inference::kv::RunState;
use hearth_inference::quant::Type;
use hearth_inference::weights::Weights;
use serde::Deserialize;
use serde_json::Value;
use std::collections::BTreeMap;
use std::io::Cursor;

/// One tiny model.
#[derive(Deserialize)]
pub struct Spec {
    pub name: String,
    metadata: BTreeMap<String, Value>,
    tensors: Vec<(String, Vec<usize>)>,
    literal: BTreeMap<String, Vec<f32>>,
    tokens: usize,
    pub n_ctx: Option<usize>,
    pub logits: BTreeMap<usize, Vec<f32>>,
}

pub fn specs() -> Vec<Spec> {
    serde_json::from_str(include_str!("architectures.json")).unwrap()
}

/// Numbers from -1 up to but not including 1: SplitMix64, seeded by FNV-1a of the name.
pub fn noise(name: &str, n: usize) -> Vec<f32> {
    let seed =
        name.bytes().fold(0xCBF2_9CE4_8422_2325u64, |h, b| (h ^ u64::from(b)).wrapping_mul(0x0000_0100_0000_01B3));
    let number = |i: u64| {
        let mut z = seed.wrapping_add(i.wrapping_mul(0x9E37_79B9_7F4A_7C15));
        z = (z ^ (z >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        ((z ^ (z >> 31)) >> 40) as f32 / (1u32 << 23) as f32 - 1.0
    };
    (1..=n as u64).map(number).collect()
}

fn weights(name: &str, n: usize, k: usize) -> Vec<f32> {
    let (add, factor) = match name {
        _ if name.contains("norm") => (1.0, 0.25),
        _ if name.ends_with(".bias") => (0.0, 0.5),
        _ if name.starts_with("token_embd") => (0.0, 1.7 / 8.0),
        _ => (0.0, 1.7 / (k as f64).sqrt()),
    };
    noise(name, n).iter().map(|x| add + factor as f32 * x).collect()
}

impl Spec {
    /// The model as a GGUF file, its matrices in one format.
    pub fn file(&self, ty: Type) -> Vec<u8> {
        let mut w = Writer::default();
        for (key, v) in &self.metadata {
            match v {
                Value::String(s) => w.text(key, s),
                Value::Number(n) if n.is_f64() => w.float(key, n.as_f64().unwrap() as f32),
                Value::Number(n) => w.int(key, n.as_u64().unwrap() as usize),
                Value::Array(a) => w.ints(key, &a.iter().map(|x| x.as_i64().unwrap() as i32).collect::<Vec<_>>()),
                other => panic!("{key} is {other}"),
            }
        }
        for (name, dims) in &self.tensors {
            let ty = if dims.len() < 2 || ["gate_inp", "shortconv.conv"].iter().any(|part| name.contains(part)) {
                Type::F32
            } else {
                ty
            };
            w.shaped(name, dims.clone(), &weights(name, dims.iter().product(), dims[0]), ty);
        }
        for (name, x) in &self.literal {
            w.shaped(name, vec![x.len()], x, Type::F32);
        }
        w.finish()
    }

    fn weights(&self, ty: Type, compute: &Compute) -> Weights {
        let file = self.file(ty);
        let header = gguf::read(Cursor::new(&file)).unwrap();
        let mut w = Weights::read(&mut Cursor::new(&file), &header, &compute.pool).unwrap();
        w.settle(self.n_ctx.unwrap_or(w.config.n_ctx));
        w
    }

    pub fn tokens(&self, n_vocab: usize) -> Vec<u32> {
        noise("tokens", self.tokens).iter().map(|x| ((x + 1.0) / 2.0 * n_vocab as f32) as u32).collect()
    }
}

fn logits(w: &Weights, compute: &Compute, pieces: &[&[u32]]) -> Vec<f32> {
    let (mut state, mut scratch) = (RunState::new(&w.config), Scratch::new(&w.config));
    for p in pieces {
        forward(w, &mut state, &mut scratch, compute, p, 1, &|| false).unwrap();
    }
    scratch.logits().to_vec()
}

/// How far one list lies from another, as a share of the other's size.
pub fn distance(got: &[f32], want: &[f32]) -> f32 {
    assert_eq!(got.len(), want.len());
    let size = |x: &mut dyn Iterator<Item = f32>| x.map(|x| x * x).sum::<f32>().sqrt();
    size(&mut got.iter().zip(want).map(|(g, w)| g - w)) / size(&mut want.iter().copied())
}

#[test]
fn logits_are_those_of_transformers() {
    let compute = Compute::new(2);
    for spec in specs() {
        let w = spec.weights(Type::F32, &compute);
        let tokens = spec.tokens(w.config.n_vocab);
        for (position, want) in &spec.logits {
            let got = logits(&w, &compute, &[&tokens[..=*position]]);
            let off = distance(&got, want);
            println!("{} at {position}: {off}", spec.name);
            assert!(off < 2e-3, "{} at {position}: {off}", spec.name);
        }
    }
}

/// Reading in pieces, token by token or at once gives the same bits, over the borders of pages, chunks and windows; and
/// the logits of several tokens of one pass are those that each had alone.
#[test]
fn pieces_change_nothing() {
    let compute = Compute::new(2);
    for spec in specs() {
        let w = spec.weights(Type::Q8_0, &compute);
        let t = &spec.tokens(w.config.n_vocab);
        let n = t.len();
        let whole = logits(&w, &compute, &[t]);
        let mut pieces: Vec<&[u32]> = vec![&t[..45]];
        pieces.extend(t[45..55].chunks(1));
        pieces.extend([&t[55..n - 60], &t[n - 60..n - 3]]);
        let before = logits(&w, &compute, &pieces);
        pieces.push(&t[n - 3..]);
        assert!(whole == logits(&w, &compute, &pieces), "{}", spec.name);

        let (mut state, mut scratch) = (RunState::new(&w.config), Scratch::new(&w.config));
        forward(&w, &mut state, &mut scratch, &compute, &t[..n - 8], 0, &|| false).unwrap();
        forward(&w, &mut state, &mut scratch, &compute, &t[n - 8..], 6, &|| false).unwrap();
        assert!(scratch.logits() == whole && scratch.logits_of(2) == before, "{}", spec.name);
    }
}

/// With 8-bit weights logits move by a few percent, in every family.
#[test]
fn quantized_models_stay_close() {
    let compute = Compute::new(2);
    for spec in specs() {
        let w = spec.weights(Type::Q8_0, &compute);
        let tokens = spec.tokens(w.config.n_vocab);
        let (position, want) = spec.logits.iter().next().unwrap();
        let off = distance(&logits(&w, &compute, &[&tokens[..=*position]]), want);
        // A router may choose another expert for a token.
        let most = if spec.name.contains("mo") || spec.name == "mixtral" { 0.3 } else { 0.06 };
        assert!(off < most, "{}: {off}", spec.name);
    }
}

#[test]
fn no_family_is_without_proof() {
    let specs = specs();
    for name in Architecture::names() {
        let proven = specs.iter().any(|s| s.metadata["general.architecture"] == name);
        assert!(proven, "{name} has no model in architectures.json");
    }
}

//! Every encoder family against what `transformers` computes with a tiny model of it, in the names and configurations that
//! it writes. `encoders.py` made the fixture; the weights are made here from the tensors' names.

use crate::architectures::{distance, noise};
use crate::tiny;
use hearth_inference::embed::{Embedder, Kind, Options, Pooling, Precision, Prefixes, Scorer};
use hearth_inference::forward::{Compute, Scratch, forward};
use hearth_inference::kv::RunState;
use hearth_inference::quant::Type;
use hearth_inference::weights::Weights;
use hearth_inference::{Error, gguf};
use serde_json::Value;
use std::io::Cursor;

/// A tiny model with what is wanted of it.
pub struct Model {
    pub name: String,
    pub tokenizer: Vec<u8>,
    pub config: Value,
    pub weights: Vec<u8>,
    pooling: Option<Pooling>,
    want: Vec<Vec<f32>>,
}

fn strings(v: &Value) -> Vec<String> {
    v.as_array().unwrap().iter().map(|s| s.as_str().unwrap().into()).collect()
}

fn numbers(v: &Value) -> Vec<f32> {
    match v.as_array() {
        Some(list) => list.iter().map(|x| x.as_f64().unwrap() as f32).collect(),
        None => vec![v.as_f64().unwrap() as f32],
    }
}

fn fixture() -> Value {
    serde_json::from_str(include_str!("encoders.json")).unwrap()
}

fn weights(name: &str, shape: &[usize]) -> Vec<f32> {
    let x = noise(name, shape.iter().product());
    let (add, factor) = match shape {
        [_] if name.ends_with("bias") => (0.0, 0.3),
        [_] => (1.0, 0.25),
        _ if name.contains("embedding") => (0.0, 1.0),
        _ => (0.0, (1.7 / (shape[shape.len() - 1] as f64).sqrt()) as f32),
    };
    x.iter().map(|x| add + factor * x).collect()
}

/// A safetensors file of tensors that are made from their names.
fn file(shapes: &Value) -> Vec<u8> {
    let (mut header, mut data) = (serde_json::Map::new(), Vec::<u8>::new());
    for (name, shape) in shapes.as_object().unwrap() {
        let dims: Vec<usize> = numbers(shape).iter().map(|d| *d as usize).collect();
        let from = data.len();
        data.extend(weights(name, &dims).iter().flat_map(|x| x.to_le_bytes()));
        let entry = serde_json::json!({ "dtype": "F32", "shape": dims, "data_offsets": [from, data.len()] });
        header.insert(name.clone(), entry);
    }
    let header = serde_json::to_vec(&header).unwrap();
    [&(header.len() as u64).to_le_bytes()[..], &header, &data].concat()
}

pub fn models() -> Vec<Model> {
    let (mut out, mut tokenizer) = (Vec::new(), Vec::new());
    for m in fixture()["models"].as_array().unwrap() {
        if let Some(t) = m.get("tokenizer") {
            tokenizer = serde_json::to_vec(t).unwrap();
            continue;
        }
        out.push(Model {
            name: m["name"].as_str().unwrap().into(),
            tokenizer: tokenizer.clone(),
            config: m["config"].clone(),
            weights: file(&m["shapes"]),
            pooling: (m["pooling"] == "First").then_some(Pooling::First),
            want: m["want"].as_array().unwrap().iter().map(numbers).collect(),
        });
    }
    out
}

impl Model {
    fn options(&self, precision: Precision) -> Options {
        Options { threads: 2, max_tokens: Some(120), pooling: self.pooling, precision, ..Options::default() }
    }

    fn embedder(&self, options: &Options) -> Result<Embedder, Error> {
        let config = serde_json::to_vec(&self.config).unwrap();
        Embedder::load(&mut Cursor::new(&self.weights), &self.tokenizer, &config, options)
    }

    fn scorer(&self, options: &Options) -> Result<Scorer, Error> {
        let config = serde_json::to_vec(&self.config).unwrap();
        Scorer::load(&mut Cursor::new(&self.weights), &self.tokenizer, &config, options)
    }

    pub fn scores(&self) -> bool {
        self.name.ends_with("score")
    }
}

fn named(name: &str) -> Model {
    models().into_iter().find(|m| m.name == name).unwrap()
}

fn vectors(e: &mut Embedder, texts: &[String]) -> Vec<f32> {
    let texts: Vec<_> = texts.iter().map(|t| e.encode(Kind::Passage, t).unwrap()).collect();
    e.embed(&texts, &|| false).unwrap()
}

#[test]
fn vectors_and_scores_are_those_of_transformers() {
    let texts = strings(&fixture()["texts"]);
    let pairs: Vec<Vec<String>> = fixture()["pairs"].as_array().unwrap().iter().map(strings).collect();
    for model in models() {
        let options = model.options(Precision::Full);
        if model.scores() {
            let mut s = model.scorer(&options).unwrap();
            for (pair, want) in pairs.iter().zip(&model.want) {
                let got = s.score(&pair[0], &pair[1..], &|| false).unwrap();
                assert!((got[0] - want[0]).abs() < 3e-3, "{}: {got:?} and not {want:?}", model.name);
            }
            let both = [pairs[0][1].clone(), pairs[1][1].clone()];
            let together = s.score(&pairs[0][0], &both, &|| false).unwrap();
            assert!((together[1] - model.want[1][0]).abs() < 3e-3, "{}: in company {together:?}", model.name);
        } else {
            let mut e = model.embedder(&options).unwrap();
            let got = vectors(&mut e, &texts);
            for (got, want) in got.chunks_exact(e.dims()).zip(&model.want) {
                let off = distance(got, want);
                assert!(off < 2e-3, "{}: {off}", model.name);
            }
        }
    }
}

/// With integers the vectors point nearly the same way, and the weights take less than half of the memory, although
/// one of these tiny matrices is of a width that stays f32.
#[test]
fn integers_stay_near_and_are_small() {
    let texts = strings(&fixture()["texts"]);
    for model in models().into_iter().filter(|m| !m.scores()) {
        let mut full = model.embedder(&model.options(Precision::Full)).unwrap();
        let mut eight = model.embedder(&model.options(Precision::Eight)).unwrap();
        let (want, got) = (vectors(&mut full, &texts), vectors(&mut eight, &texts));
        assert!(distance(&got, &want) < 0.1, "{}: {}", model.name, distance(&got, &want));
        assert_ne!(got, want, "{}", model.name);
        let (small, large) = (eight.figures(), full.figures());
        assert_eq!((small.quantization.as_str(), large.quantization.as_str()), ("I8", "F32"));
        if model.name == "nomic-bert" {
            assert!(small.weights_bytes * 2 < large.weights_bytes, "{small:?} {large:?}");
        }
        for (text, vector) in texts.iter().zip(got.chunks_exact(eight.dims())) {
            assert_eq!(vectors(&mut eight, std::slice::from_ref(text)), vector, "{} in company", model.name);
        }
    }
}

#[test]
fn prefixes_stand_before_questions_and_passages() {
    let model = named("bert");
    let prefixes = Prefixes { query: "the lease ".into(), passage: "the mill ".into() };
    let mut with = model.embedder(&Options { prefixes, ..model.options(Precision::Full) }).unwrap();
    let mut without = model.embedder(&model.options(Precision::Full)).unwrap();
    for (kind, whole) in [(Kind::Query, "the lease ends"), (Kind::Passage, "the mill ends")] {
        let (a, b) = (with.encode(kind, "ends").unwrap(), without.encode(kind, whole).unwrap());
        assert_eq!(a, b);
        assert_eq!(with.embed(&[a], &|| false).unwrap(), without.embed(&[b], &|| false).unwrap());
    }
}

#[test]
fn what_would_compute_something_else_is_refused_by_name() {
    let refused = |name: &str, key: &str, value: Value, word: &str| {
        let mut model = named(name);
        model.config[key] = value;
        match model.embedder(&model.options(Precision::Full)).map(|_| ()) {
            Err(Error::Unsupported(why)) => assert!(why.contains(word), "{key}: {why}"),
            other => panic!("{key}: {other:?}"),
        }
    };
    refused("bert", "model_type", "deberta-v2".into(), "deberta-v2");
    refused("bert", "position_embedding_type", "relative_key".into(), "bert");
    refused("bert", "is_decoder", true.into(), "mask");
    refused("nomic-bert", "rotary_emb_interleaved", true.into(), "interleaved");
    refused("nomic-bert", "num_experts", 8.into(), "experts");
    refused("jina-bert-v2", "feed_forward_type", "mystery".into(), "mystery");
    refused("modernbert", "hidden_activation", "mish".into(), "mish");
    let mut model = named("bert-score");
    model.config["id2label"] = serde_json::json!({ "0": "no", "1": "yes" });
    assert!(matches!(model.scorer(&Options::default()), Err(Error::Unsupported(_))));
    let embedder = named("bert");
    assert!(matches!(embedder.scorer(&Options::default()), Err(Error::Unsupported(_) | Error::Damaged(_))));
}

/// Every file cut off, and configurations with impossible numbers, are errors.
#[test]
fn damaged_encoders_are_errors() {
    for model in models().into_iter().filter(|m| !m.scores()) {
        for cut in [0, 7, 100, model.weights.len() / 2, model.weights.len() - 1] {
            let cut =
                Model { weights: model.weights[..cut].to_vec(), config: model.config.clone(), ..named(&model.name) };
            assert!(cut.embedder(&Options::default()).is_err(), "{}", model.name);
        }
        for key in ["hidden_size", "num_attention_heads", "num_hidden_layers", "vocab_size", "intermediate_size"] {
            for value in [Value::from(0), Value::from(-3), Value::from(u64::MAX), Value::from("x")] {
                let mut other = named(&model.name);
                other.config[key] = value;
                assert!(other.embedder(&Options::default()).is_err(), "{} {key}", model.name);
            }
        }
    }
}

/// The last state of a decoder times its output matrix points where its logits do, which `architectures.rs` compares with
/// `transformers`; the closing token stays where a text is cut.
#[test]
fn a_decoder_embeds_by_its_last_state() {
    let file = tiny::model("qwen3", Type::F32, 3);
    let options = Options { threads: 2, max_tokens: Some(200), ..Options::default() };
    let mut e = Embedder::load(&mut Cursor::new(&file), &[], &[], &options).unwrap();
    let (compute, header) = (Compute::new(1), gguf::read(Cursor::new(&file)).unwrap());
    let w = Weights::read(&mut Cursor::new(&file), &header, &compute.pool).unwrap();
    for text in ["the notice period".to_owned(), "word ".repeat(30)] {
        let tokens = e.encode(Kind::Passage, &text).unwrap();
        let vector = e.embed(std::slice::from_ref(&tokens), &|| false).unwrap();
        let (mut state, mut scratch) = (RunState::new(&w.config), Scratch::new(&w.config));
        forward(&w, &mut state, &mut scratch, &compute, &tokens.ids, 1, &|| false).unwrap();
        let mut row = vec![0.0; w.config.n_embd];
        let unit = |x: &[f32]| {
            let length = x.iter().map(|x| x * x).sum::<f32>().sqrt();
            x.iter().map(|x| x / length).collect::<Vec<_>>()
        };
        let through: Vec<f32> = (0..w.config.n_vocab)
            .map(|r| {
                w.output.row(r, &mut row);
                row.iter().zip(&vector).map(|(a, b)| a * b).sum()
            })
            .collect();
        assert!(distance(&unit(&through), &unit(scratch.logits())) < 1e-3);
    }
    assert_eq!(e.encode(Kind::Passage, &"x".repeat(1000)).unwrap().ids.len(), 200);
    assert!(matches!(e.embed(&[e.encode(Kind::Query, "a").unwrap()], &|| true), Err(Error::Cancelled)));
}

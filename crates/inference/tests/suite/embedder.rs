//! The embedder on a tiny seeded BERT.

use crate::tiny::Random;
use hearth_inference::Error;
use hearth_inference::embed::{Embedder, Kind, Options, Tokens};
use std::io::Cursor;

pub const H: usize = 32;
const F: usize = 48;
pub const CONFIG: &str = r#"{"model_type":"bert","hidden_act":"gelu","hidden_size":32,"intermediate_size":48,"num_attention_heads":2,"num_hidden_layers":2,"max_position_embeddings":160,"vocab_size":30,"layer_norm_eps":1e-12}"#;

pub fn tokenizer() -> String {
    let words: Vec<String> = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"]
        .into_iter()
        .map(String::from)
        .chain(('a'..='z').map(String::from))
        .collect();
    let vocab: Vec<String> = words.iter().enumerate().map(|(i, w)| format!("\"{w}\":{i}")).collect();
    let special = |id: usize| {
        format!(
            r#"{{"id":{id},"content":"{}","single_word":false,"lstrip":false,"rstrip":false,"normalized":false,"special":true}}"#,
            words[id]
        )
    };
    let added: Vec<String> = (0..4).map(special).collect();
    format!(
        r#"{{"version":"1.0","truncation":{{"direction":"Right","max_length":4,"strategy":"LongestFirst","stride":0}},"padding":null,"added_tokens":[{}],"normalizer":null,"pre_tokenizer":{{"type":"BertPreTokenizer"}},
        "post_processor":{{"type":"BertProcessing","sep":["[SEP]",3],"cls":["[CLS]",2]}},"decoder":null,
        "model":{{"type":"WordPiece","unk_token":"[UNK]","continuing_subword_prefix":"@@","max_input_chars_per_word":100,"vocab":{{{}}}}}}}"#,
        added.join(","),
        vocab.join(",")
    )
}

pub fn weights() -> Vec<u8> {
    let mut r = Random(4);
    let (mut header, mut data) = (Vec::new(), Vec::<u8>::new());
    let mut put = |name: String, shape: &[usize], x: Vec<f32>| {
        let from = data.len();
        data.extend(x.iter().flat_map(|x| x.to_le_bytes()));
        header.push(format!(r#""{name}":{{"dtype":"F32","shape":{shape:?},"data_offsets":[{from},{}]}}"#, data.len()));
    };
    for (name, n) in [("word", 30), ("position", 160), ("token_type", 2)] {
        put(format!("embeddings.{name}_embeddings.weight"), &[n, H], r.weights(n * H, 1.0));
    }
    let linears = [
        ("attention.self.query", H, H),
        ("attention.self.key", H, H),
        ("attention.self.value", H, H),
        ("attention.output.dense", H, H),
        ("intermediate.dense", F, H),
        ("output.dense", H, F),
    ];
    let mut norms = vec!["embeddings.LayerNorm".to_owned()];
    for i in 0..2 {
        for (name, n, k) in linears {
            put(format!("encoder.layer.{i}.{name}.weight"), &[n, k], r.weights(n * k, 0.3));
            put(format!("encoder.layer.{i}.{name}.bias"), &[n], r.weights(n, 0.3));
        }
        norms.extend(["attention.output", "output"].map(|p| format!("encoder.layer.{i}.{p}.LayerNorm")));
    }
    for name in norms {
        put(format!("{name}.weight"), &[H], r.weights(H, 1.0));
        put(format!("{name}.bias"), &[H], r.weights(H, 1.0));
    }
    let header = format!("{{{}}}", header.join(","));
    [&(header.len() as u64).to_le_bytes()[..], header.as_bytes(), &data].concat()
}

fn load(max_tokens: Option<usize>) -> Embedder {
    let options = Options { threads: 2, max_tokens, ..Options::default() };
    Embedder::load(&mut Cursor::new(weights()), tokenizer().as_bytes(), CONFIG.as_bytes(), &options).unwrap()
}

fn tokens(ids: &[u32]) -> Tokens {
    Tokens { ids: ids.to_vec(), types: Vec::new() }
}

#[test]
fn a_passage_has_the_same_vector_in_any_company() {
    let mut e = load(None);
    let texts = ["a b c", "q", &"m n o ".repeat(45), "", "a b c d e f g h i j k l m n o p q"];
    let passages: Vec<_> = texts.iter().map(|t| e.encode(Kind::Passage, t).unwrap()).collect();
    assert_eq!(passages.iter().map(|p| p.ids.len()).collect::<Vec<_>>(), [5, 3, 137, 2, 19]);
    let all = e.embed(&passages, &|| false).unwrap();
    for (p, v) in passages.iter().zip(all.chunks_exact(H)) {
        assert_eq!(e.embed(std::slice::from_ref(p), &|| false).unwrap(), v);
        assert!((v.iter().map(|x| x * x).sum::<f32>() - 1.0).abs() < 1e-5);
    }
    assert_ne!(all[..H], all[H..2 * H]);
}

#[test]
fn long_passages_are_cut_and_special_tokens_are_text() {
    let e = load(Some(8));
    assert_eq!(e.encode(Kind::Passage, "a b c d e f g h i j k").unwrap().ids, [2, 4, 5, 6, 7, 8, 9, 3]);
    assert!(!e.encode(Kind::Query, "a [SEP] b").unwrap().ids[1..4].contains(&3));
    assert_eq!(load(Some(10_000)).encode(Kind::Passage, &"a ".repeat(500)).unwrap().ids.len(), 160);
}

#[test]
fn stopping_and_damage_are_errors() {
    let mut e = load(None);
    assert!(matches!(e.embed(&[tokens(&[2, 4, 3])], &|| true), Err(Error::Cancelled)));
    assert!(matches!(e.embed(&[tokens(&[99])], &|| false), Err(Error::Request(_))));
    let good = weights();
    let (t, c) = (tokenizer(), CONFIG);
    let try_load = |w: &[u8], t: &str, c: &str| {
        Embedder::load(&mut Cursor::new(w), t.as_bytes(), c.as_bytes(), &Options::default()).map(|_| ())
    };
    assert!(try_load(&good, &t, c).is_ok());
    assert!(try_load(&good[..good.len() - 4], &t, c).is_err());
    assert!(try_load(&good, "{}", c).is_err());
    assert!(try_load(&good, &t, &c.replace("\"vocab_size\":30", "\"vocab_size\":29")).is_err());
    assert!(matches!(try_load(&good, &t, &c.replace("gelu", "mish")), Err(Error::Unsupported(_))));
    assert!(try_load(&good, &t, &c.replace("\"hidden_size\":32", "\"hidden_size\":1000000000")).is_err());
}

/// candle's own BERT, an independent implementation, on the same weights: mean of the last states, to length 1.
#[test]
fn vectors_are_those_of_candles_bert() {
    use candle_core::{DType, Device, Tensor};
    use candle_transformers::models::bert::{BertModel, Config};
    let config: serde_json::Value = serde_json::from_str(CONFIG).unwrap();
    let mut config = config;
    for (name, value) in [
        ("hidden_dropout_prob", 0.0.into()),
        ("type_vocab_size", 2.into()),
        ("initializer_range", 0.02.into()),
        ("pad_token_id", 0.into()),
    ] {
        config[name] = value;
    }
    let config: Config = serde_json::from_value(config).unwrap();
    let weights = candle_nn::VarBuilder::from_buffered_safetensors(weights(), DType::F32, &Device::Cpu).unwrap();
    let theirs = BertModel::load(weights, &config).unwrap();
    let mut ours = load(None);
    for text in ["a b c", "q", "m n o p q r s t u v w x y z a b c d e f g h"] {
        let passage = ours.encode(Kind::Passage, text).unwrap();
        let ids = Tensor::new(passage.ids.as_slice(), &Device::Cpu).unwrap().unsqueeze(0).unwrap();
        let states = theirs.forward(&ids, &ids.zeros_like().unwrap(), None).unwrap();
        let mean: Vec<f32> = states.mean(1).unwrap().squeeze(0).unwrap().to_vec1().unwrap();
        let norm = mean.iter().map(|x| x * x).sum::<f32>().sqrt();
        let vectors = ours.embed(&[passage], &|| false).unwrap();
        assert_eq!(vectors.len(), mean.len());
        for (got, want) in vectors.iter().zip(&mean) {
            assert!((got - want / norm).abs() < 1e-4, "{text}: {got} is not {}", want / norm);
        }
    }
}

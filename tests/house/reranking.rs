//! A tiny reranker with seeded weights in a real engine process: its order is the order of the answer's passages, the trace
//! says so, and where it cannot be used the first order stands.

use crate::CHILD;
use anyhow::{Context, Result, anyhow};
use hearth_tests::{House, Script, answered};
use serde_json::{Value, json};
use std::path::PathBuf;

const HIDDEN: usize = 32;
const INNER: usize = 48;
const PARTS: [(&str, &str); 4] = [
    ("rent.txt", "The tenant of the mill pays a rent of 1,250 euros a month."),
    ("roof.txt", "The landlord of the mill repairs the roof, and the rent stays as it is."),
    ("end.txt", "The rent of the mill is due until the lease ends on 30 June 2027."),
    ("deposit.txt", "Three months of rent are the deposit for the mill."),
];

/// Numbers from -1 to 1 that a name stands for.
fn noise(name: &str, n: usize) -> Vec<f32> {
    let mut state = name.bytes().fold(7u64, |h, b| h.wrapping_mul(31).wrapping_add(u64::from(b)));
    let mut next = || {
        state = state.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as f32 / (1u64 << 30) as f32 - 1.0
    };
    (0..n).map(|_| next()).collect()
}

/// A BERT of one layer that gives one score, as a folder with its three files.
fn reranker(house: &House) -> Result<PathBuf> {
    let mut vocab: Vec<String> = ["[PAD]", "[UNK]", "[CLS]", "[SEP]"].map(String::from).to_vec();
    vocab.extend(('a'..='z').chain('0'..='9').flat_map(|c| [c.to_string(), format!("##{c}")]));
    let words: serde_json::Map<String, Value> = vocab.iter().enumerate().map(|(i, w)| (w.clone(), i.into())).collect();
    let token = |id: usize, kind: usize| json!({ "SpecialToken": { "id": vocab[id], "type_id": kind } });
    let text = |id: &str, kind: usize| json!({ "Sequence": { "id": id, "type_id": kind } });
    let special = |id: usize| json!({ "id": vocab[id], "ids": [id], "tokens": [vocab[id]] });
    let tokenizer = json!({
        "version": "1.0", "truncation": null, "padding": null, "added_tokens": [],
        "normalizer": { "type": "BertNormalizer", "clean_text": true, "handle_chinese_chars": true, "strip_accents": null, "lowercase": true },
        "pre_tokenizer": { "type": "BertPreTokenizer" }, "decoder": null,
        "post_processor": {
            "type": "TemplateProcessing", "single": [token(2, 0), text("A", 0), token(3, 0)],
            "pair": [token(2, 0), text("A", 0), token(3, 0), text("B", 1), token(3, 1)],
            "special_tokens": { "[CLS]": special(2), "[SEP]": special(3) },
        },
        "model": { "type": "WordPiece", "unk_token": "[UNK]", "continuing_subword_prefix": "##", "max_input_chars_per_word": 100, "vocab": words },
    });
    let config = json!({
        "model_type": "bert", "architectures": ["BertForSequenceClassification"], "id2label": { "0": "LABEL_0" },
        "hidden_act": "gelu", "hidden_size": HIDDEN, "intermediate_size": INNER, "num_attention_heads": 2, "num_hidden_layers": 1,
        "max_position_embeddings": 512, "vocab_size": vocab.len(), "type_vocab_size": 2, "layer_norm_eps": 1e-12,
    });
    let mut shapes: Vec<(String, Vec<usize>)> = vec![
        ("bert.embeddings.word_embeddings.weight".into(), vec![vocab.len(), HIDDEN]),
        ("bert.embeddings.position_embeddings.weight".into(), vec![512, HIDDEN]),
        ("bert.embeddings.token_type_embeddings.weight".into(), vec![2, HIDDEN]),
    ];
    for name in [
        "bert.embeddings.LayerNorm",
        "bert.encoder.layer.0.attention.output.LayerNorm",
        "bert.encoder.layer.0.output.LayerNorm",
    ] {
        shapes.extend(["weight", "bias"].map(|part| (format!("{name}.{part}"), vec![HIDDEN])));
    }
    for (name, n, k) in [
        ("bert.encoder.layer.0.attention.self.query", HIDDEN, HIDDEN),
        ("bert.encoder.layer.0.attention.self.key", HIDDEN, HIDDEN),
        ("bert.encoder.layer.0.attention.self.value", HIDDEN, HIDDEN),
        ("bert.encoder.layer.0.attention.output.dense", HIDDEN, HIDDEN),
        ("bert.encoder.layer.0.intermediate.dense", INNER, HIDDEN),
        ("bert.encoder.layer.0.output.dense", HIDDEN, INNER),
        ("bert.pooler.dense", HIDDEN, HIDDEN),
        ("classifier", 1, HIDDEN),
    ] {
        shapes.push((format!("{name}.weight"), vec![n, k]));
        shapes.push((format!("{name}.bias"), vec![n]));
    }
    let (mut header, mut data) = (serde_json::Map::new(), Vec::<u8>::new());
    for (name, shape) in shapes {
        let from = data.len();
        data.extend(noise(&name, shape.iter().product()).iter().flat_map(|x| x.to_le_bytes()));
        header.insert(name, json!({ "dtype": "F32", "shape": shape, "data_offsets": [from, data.len()] }));
    }
    let header = serde_json::to_vec(&header)?;
    let weights = [&(header.len() as u64).to_le_bytes()[..], &header, &data].concat();
    for (name, bytes) in [
        ("config.json", serde_json::to_vec(&config)?),
        ("tokenizer.json", serde_json::to_vec(&tokenizer)?),
        ("model.safetensors", weights),
    ] {
        house.file(&format!("tiny-reranker/{name}"), bytes)?;
    }
    Ok(house.folder.path().join("files/tiny-reranker"))
}

/// Sentence, decision and what was weighed of the station Retrieve of a turn.
fn retrieve(house: &House, turn: i64) -> Result<(String, Vec<String>)> {
    let trace = house.call("GetTrace", json!({ "turn": turn }))?;
    let mut stations = trace["stations"].as_array().into_iter().flatten();
    let station = stations.find(|station| station["name"] == "Retrieve").context("Retrieve")?;
    let weighed = station["weighed"].as_array().into_iter().flatten();
    let weighed = weighed.filter_map(|line| line.as_str().map(str::to_owned)).collect();
    Ok((station["decision"].as_str().unwrap_or_default().to_owned(), weighed))
}

/// What each line says of the second look: score and place before.
fn looks(weighed: &[String]) -> Vec<(f32, usize)> {
    let look = |line: &String| {
        let (head, rest) = line.split_once(" when read with the question, ")?;
        let score = head.rsplit(' ').next()?.parse().ok()?;
        Some((score, rest.split(' ').next()?.parse().ok()?))
    };
    weighed.iter().filter_map(look).collect()
}

#[test]
fn a_reranker_orders_the_passages_and_the_trace_says_so() -> Result<()> {
    let mut house = House::new(CHILD, &Script::default())?;
    for (name, text) in PARTS {
        house.text(name, text)?;
    }
    let question = "What rent does the tenant of the mill pay?";
    let before = house.ask(question)?;
    let (decision, first) = retrieve(&house, before.id)?;
    assert!(decision.is_empty() && looks(&first).is_empty() && first.len() == 4, "{decision} {first:?}");

    let model = house.kernel.add_model(&reranker(&house)?).map_err(|error| anyhow!("{error}"))?;
    assert_eq!((model.roles.len(), model.unsupported.as_deref()), (1, None), "{model:?}");
    let after = house.ask(question)?;
    assert!(answered(&after));
    let (decision, second) = retrieve(&house, after.id)?;
    assert!(decision.contains("tiny-reranker read 4 passages"), "{decision}");
    let looks = looks(&second);
    assert_eq!(looks.len(), 4, "{second:?}");
    assert!(looks.windows(2).all(|pair| pair[0].0 >= pair[1].0), "best first: {second:?}");
    let mut places: Vec<usize> = looks.iter().map(|look| look.1).collect();
    assert_ne!(places, [1, 2, 3, 4], "these weights do not agree with the first order");
    let title = |line: &str| PARTS.iter().position(|(name, _)| line.contains(name));
    for (line, place) in second.iter().zip(&places) {
        assert_eq!(title(line), title(&first[place - 1]), "the place before is the one it had");
    }
    places.sort_unstable();
    assert_eq!(places, [1, 2, 3, 4]);

    // Its weights are cut off: the first order stands, and the trace says why.
    house
        .kernel
        .dispatch(serde_json::from_value(json!({ "name": "RemoveModel", "args": { "model": model.id } }))?)
        .map_err(|error| anyhow!("{error}"))?;
    let folder = reranker(&house)?;
    let whole = std::fs::read(folder.join("model.safetensors"))?;
    std::fs::write(folder.join("model.safetensors"), &whole[..whole.len() - 40])?;
    house.kernel.add_model(&folder).map_err(|error| anyhow!("{error}"))?;
    let without = house.ask(question)?;
    assert!(answered(&without));
    let (decision, third) = retrieve(&house, without.id)?;
    assert!(decision.contains("The first order stands") && decision.contains("did not load"), "{decision}");
    assert_eq!(third, first);
    Ok(())
}

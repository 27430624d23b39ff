//! The default models themselves, from the folder that HEARTH_TEST_MODELS names. `reference.py` made the fixture.

use hearth_inference::chat;
use hearth_inference::embed::{Embedder, Kind, Options, Tokens};
use hearth_inference::engine::{Ask, Chat, Event};
use hearth_inference::forward::{Compute, Scratch, forward};
use hearth_inference::gguf;
use hearth_inference::kv::RunState;
use hearth_inference::template::Template;
use hearth_inference::tokens::Vocabulary;
use hearth_inference::weights::Weights;
use hearth_inference::wire::{Briefing, Message, Sampling, Speaker};
use serde::Deserialize;
use std::fs::File;
use std::path::PathBuf;

#[derive(Deserialize)]
struct Fixture {
    chat: ChatFixture,
    embed: Vec<Passage>,
}

#[derive(Deserialize)]
struct ChatFixture {
    prompt_ids: Vec<u32>,
    top: Vec<(u32, f64)>,
    greedy: Vec<u32>,
}

#[derive(Deserialize)]
struct Passage {
    text: String,
    tokens: usize,
    values: Vec<f32>,
}

fn fixture() -> Fixture {
    serde_json::from_str(include_str!("fixtures.json")).unwrap()
}

/// A default model, fetched beforehand in the way that users fetch it.
fn model(path: &str) -> PathBuf {
    let folder = std::env::var_os("HEARTH_TEST_MODELS").map(PathBuf::from).filter(|folder| folder.is_dir());
    let folder = folder.expect("HEARTH_TEST_MODELS names no folder: run the tests by `npm test`");
    folder.join(path)
}

fn chat_model() -> PathBuf {
    model("smollm2-135m-instruct-q4_1/SmolLM2-135M-Instruct.Q4_1.gguf")
}

fn question() -> Vec<Message> {
    vec![Message { role: Speaker::User, text: "What is the capital of France?".into() }]
}

#[test]
fn smollm2_reads_and_continues_like_the_reference() {
    let want = fixture().chat;
    let mut file = File::open(chat_model()).unwrap();
    let header = gguf::read(&mut file).unwrap();
    let vocabulary = Vocabulary::read(&header).unwrap();
    let template = Template::choose(header.text("tokenizer.chat_template"), vocabulary.marks(), true);
    let prompt = chat::prompt(&vocabulary, &template, &question(), &Briefing::default(), None).unwrap().tokens;
    assert_eq!(prompt, want.prompt_ids);

    let compute = Compute::new(2);
    let mut w = Weights::read(&mut file, &header, &compute.pool).unwrap();
    // Activations are rounded to 8 bits here and not in the reference, the largest of each row apart; rounding those too
    // would make it 0.5 (llama.cpp does). What one run is off by is chance: any change in the last bit of anything turns
    // some of the roundings. So it is judged over runs that differ in such bits.
    let (mut squares, eps) = (0.0, w.config.eps);
    let runs = 24;
    for run in 0..runs {
        w.config.eps = eps * (1.0 + 1e-3 * run as f32);
        let (mut state, mut scratch) = (RunState::new(&w.config), Scratch::new(&w.config));
        forward(&w, &mut state, &mut scratch, &compute, &prompt, 1, &|| false).unwrap();
        let off = |(token, logit): &(u32, f64)| f64::from(scratch.logits()[*token as usize]) - logit;
        squares += want.top.iter().map(|want| off(want).powi(2)).sum::<f64>() / want.top.len() as f64;
    }
    let off = (squares / f64::from(runs)).sqrt();
    assert!(off < 0.2, "the likeliest tokens' logits are off by {off} (root mean square)");
    w.config.eps = eps;
    let (mut state, mut scratch) = (RunState::new(&w.config), Scratch::new(&w.config));
    forward(&w, &mut state, &mut scratch, &compute, &prompt, 1, &|| false).unwrap();
    let mut got = Vec::new();
    while got.len() < want.greedy.len() {
        let best = scratch.logits().iter().enumerate().max_by(|a, b| a.1.total_cmp(b.1)).unwrap().0 as u32;
        got.push(best);
        forward(&w, &mut state, &mut scratch, &compute, &[best], 1, &|| false).unwrap();
    }
    let same = got.iter().zip(&want.greedy).take_while(|(a, b)| a == b).count();
    assert!(same >= want.greedy.len().min(8), "{got:?} and not {:?}", want.greedy);
}

#[test]
fn smollm2_remembers_a_first_turn() {
    let mut c = Chat::load(&mut File::open(chat_model()).unwrap(), 2, None, 1 << 30).unwrap();
    let sampling = Sampling { max_tokens: 24, ..Sampling::default() };
    let say = |c: &mut Chat, conversation, messages: &[Message]| {
        let mut text = String::new();
        let briefing = &Briefing::default();
        let ask = Ask { conversation, messages, briefing, sampling: &sampling, begun: None, urgent: true };
        let o = c.answer(ask, &|| false, &mut |e| {
            if let Event::Text(t, _) = e {
                text += &t;
            }
        });
        (o.unwrap(), text)
    };
    let mut messages = question();
    let (_, answer) = say(&mut c, 1, &messages);
    assert!(answer.contains("Paris"), "{answer}");
    messages.push(Message { role: Speaker::Assistant, text: answer });
    messages.push(Message { role: Speaker::User, text: "And of Italy?".into() });
    let (reused, a) = say(&mut c, 1, &messages);
    c.forget_all();
    let (fresh, b) = say(&mut c, 2, &messages);
    assert_eq!((a, fresh.cached_tokens), (b, 0));
    assert!(reused.cached_tokens > 40);
}

#[test]
fn minilm_vectors_are_those_of_the_reference() {
    let folder = model("all-minilm-l6-v2");
    let read = |name: &str| std::fs::read(folder.join(name)).unwrap();
    let mut weights = File::open(folder.join("model.safetensors")).unwrap();
    let mut e =
        Embedder::load(&mut weights, &read("tokenizer.json"), &read("config.json"), &Options::default()).unwrap();
    let want = fixture().embed;
    let passages: Vec<Tokens> = want.iter().map(|p| e.encode(Kind::Passage, &p.text).unwrap()).collect();
    assert!(passages.iter().zip(&want).all(|(p, w)| p.ids.len() == w.tokens));
    let got = e.embed(&passages, &|| false).unwrap();
    for (got, want) in got.chunks_exact(e.dims()).zip(&want) {
        let cosine: f32 = got.iter().zip(&want.values).map(|(a, b)| a * b).sum();
        assert!(cosine > 0.9999, "{}: {cosine}", want.text);
    }
}

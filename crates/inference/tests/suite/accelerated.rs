//! The accelerated decoder, on candle's own processor device, against the reference and against the decoder of this
//! crate; and where a model is put. No graphics processor takes part.

use crate::architectures::{distance, specs};
use crate::decoder::{answer, say, some_tokens};
use crate::reference::Reference;
use crate::tiny;
use candle_core::Device;
use hearth_inference::Error;
use hearth_inference::accelerated::place::{Found, Needs, place, rehearse};
use hearth_inference::accelerated::{Decoder, State, trial};
use hearth_inference::config::Config;
use hearth_inference::engine::Chat;
use hearth_inference::gguf;
use hearth_inference::quant::Type;
use hearth_inference::wire::{Sampling, Speaker};
use std::io::Cursor;

fn decoder(file: &[u8], first: usize) -> Decoder {
    let header = gguf::read(Cursor::new(file)).unwrap();
    Decoder::load(&mut Cursor::new(file), &header, &Device::Cpu, first, tiny::CTX, 2).unwrap()
}

fn feed(d: &mut Decoder, state: &mut State, tokens: &[u32]) -> Vec<f32> {
    d.forward(state, tokens, 1, &|| false).unwrap();
    d.logits_of(0).to_vec()
}

fn fresh(d: &mut Decoder, tokens: &[u32]) -> Vec<f32> {
    let mut state = d.state();
    feed(d, &mut state, tokens)
}

fn near(got: &[f32], want: &[f32]) -> bool {
    distance(got, want) < 0.003
}

/// Every family, with all layers on the device or the first one off it; those with experts or convolutions are
/// refused by name.
#[test]
fn logits_are_those_of_transformers() {
    for spec in specs() {
        let file = spec.file(Type::F32);
        let header = gguf::read(Cursor::new(&file)).unwrap();
        let config = Config::read(&header).unwrap();
        let found = Found::device(Device::Cpu, "a test");
        let put = place(&found, &header, spec.n_ctx, 1 << 20);
        if config.experts.is_some() {
            assert_eq!(put.err().as_deref(), Some("models with experts do not run on a test yet"));
            continue;
        }
        if config.convolutions.is_some() {
            assert_eq!(put.err().as_deref(), Some("models with convolutions do not run on a test yet"));
            continue;
        }
        let put = put.unwrap();
        assert_eq!(put.first, 0);
        let tokens = spec.tokens(config.n_vocab);
        for first in [0, 1] {
            let mut d = Decoder::load(&mut Cursor::new(&file), &header, &put.device, first, put.n_ctx, 2).unwrap();
            let (position, want) = spec.logits.iter().next().unwrap();
            let off = distance(&fresh(&mut d, &tokens[..=*position]), want);
            assert!(off < 3e-3, "{} at {position} from layer {first}: {off}", spec.name);
            // In three parts, the last token alone, over the borders of windows.
            let (position, want) = spec.logits.iter().next_back().unwrap();
            let mut state = d.state();
            for part in [&tokens[..5], &tokens[5..*position], &tokens[*position..=*position]] {
                feed(&mut d, &mut state, part);
            }
            let off = distance(d.logits_of(0), want);
            assert!(off < 3e-3, "{} in parts from layer {first}: {off}", spec.name);
        }
    }
}

#[test]
fn every_format_multiplies_on_a_device() {
    let tokens = some_tokens(40);
    for (ty, tolerance) in [(Type::F16, 0.006), (Type::Q8_0, 0.05), (Type::Q4_1, 0.05), (Type::Q4_0, 0.05)] {
        let file = tiny::model("qwen2", ty, 11);
        let want: Vec<f32> = Reference::new(file.clone()).logits(&tokens).iter().map(|x| *x as f32).collect();
        for first in [0, 1] {
            let off = distance(&fresh(&mut decoder(&file, first), &tokens), &want);
            assert!(off < tolerance, "{} from layer {first}: {off}", ty.name());
        }
    }
}

/// The logits of several tokens of one pass are those that each had alone.
#[test]
fn several_tokens_have_logits() {
    let t = some_tokens(30);
    let mut d = decoder(&tiny::model("qwen3", Type::F32, 3), 0);
    let alone = [fresh(&mut d, &t[..28]), fresh(&mut d, &t[..29]), fresh(&mut d, &t)];
    let mut state = d.state();
    d.forward(&mut state, &t, 3, &|| false).unwrap();
    for (i, want) in alone.iter().enumerate() {
        assert!(near(d.logits_of(i), want), "{i}");
    }
    assert!(d.logits_of(3).is_empty());
}

/// In pieces, token by token, or with few scores at a time, over the border where the cache grows.
#[test]
fn pieces_change_nothing() {
    let t = some_tokens(300);
    for first in [0, 1] {
        let mut d = decoder(&tiny::model("qwen3", Type::F32, 3), first);
        let whole = fresh(&mut d, &t);
        let mut state = d.state();
        for piece in [&t[..130], &t[130..131], &t[131..132], &t[132..257], &t[257..]] {
            feed(&mut d, &mut state, piece);
        }
        assert!(near(d.logits_of(0), &whole));
        assert_eq!((state.len(), state.bytes()), (300, state.bytes_for(300)));
        // Seven rows of scores at a time.
        d.hold_scores(tiny::HEADS * 300 * 7);
        assert!(near(&fresh(&mut d, &t), &whole));
    }
}

#[test]
fn a_truncated_state_goes_on_as_if_nothing_had_been_there() {
    let t = some_tokens(220);
    for first in [0, 1] {
        let mut d = decoder(&tiny::model("llama", Type::F32, 3), first);
        let mut state = d.state();
        feed(&mut d, &mut state, &t);
        state.truncate(137);
        let again = feed(&mut d, &mut state, &t[100..150]);
        let straight = [&t[..137], &t[100..150]].concat();
        assert!(near(&again, &fresh(&mut d, &straight)));
        state.truncate(0);
        assert_eq!((state.is_empty(), state.bytes()), (true, 0));
        assert!(near(&feed(&mut d, &mut state, &straight), &again));
    }
}

/// Wherever the pass stops, off the device or on it.
#[test]
fn a_stopped_pass_leaves_the_state_as_it_was() {
    let t = some_tokens(100);
    for first in [0, 1] {
        let mut d = decoder(&tiny::model("llama", Type::F32, 3), first);
        let whole = fresh(&mut d, &t);
        let mut state = d.state();
        feed(&mut d, &mut state, &t[..50]);
        for allowed in 0..3 {
            let calls = std::cell::Cell::new(0);
            let stop = || calls.replace(calls.get() + 1) >= allowed;
            let stopped = d.forward(&mut state, &t[..30], 1, &stop);
            assert!(matches!(stopped, Err(Error::Cancelled)) && state.len() == 50, "{allowed}");
        }
        assert!(near(&feed(&mut d, &mut state, &t[50..]), &whole));
    }
}

fn chat(found: &Found) -> Chat {
    let file = tiny::model("qwen2", Type::F32, 21);
    Chat::load_where(&mut Cursor::new(file), 2, None, 1 << 30, found).unwrap()
}

#[test]
fn conversations_say_the_same_on_a_device_and_off_it() {
    let (mut on, mut off) = (chat(&Found::device(Device::Cpu, "a test")), chat(&Found::nothing("there is none")));
    assert_eq!(on.info().place, "a test: all 2 layers");
    assert_eq!(off.info().place, "the processor: there is none");
    assert_eq!((on.info().n_ctx, on.info().weights_bytes > 0), (off.info().n_ctx, true));
    let sampling = Sampling { max_tokens: 30, ..Sampling::default() };
    let mut messages = vec![say(Speaker::System, "Be brief."), say(Speaker::User, "What is the matter?")];
    for question in ["And then?", "And what now?"] {
        let (first, text) = answer(&mut on, 1, &messages, &sampling).unwrap();
        let (same, other) = answer(&mut off, 1, &messages, &sampling).unwrap();
        assert_eq!((first.cached_tokens, &text), (same.cached_tokens, &other));
        assert!(first.new_tokens > 0 && on.kv_bytes() > 0);
        messages.extend([say(Speaker::Assistant, &text), say(Speaker::User, question)]);
    }
    let (reused, text) = answer(&mut on, 1, &messages, &sampling).unwrap();
    assert!(reused.cached_tokens > 0);
    assert_eq!(text, answer(&mut chat(&Found::device(Device::Cpu, "a test")), 5, &messages, &sampling).unwrap().1);
    on.forget(1);
    assert_eq!(on.kv_bytes(), 0);
}

#[test]
fn a_device_gets_the_layers_that_it_has_room_for() {
    let needs = Needs { layers: vec![100; 10], rest: 50 };
    assert_eq!(needs.first(1 << 40), Ok(0));
    assert_eq!(needs.first(1200), Ok(0));
    assert_eq!(needs.first(1100), Ok(1));
    assert_eq!(needs.first(300), Ok(8));
    for free in [250, 50, 0] {
        assert!(needs.first(free).unwrap_err().contains("MB are free"), "{free}");
    }
    let file = tiny::model("llama", Type::Q8_0, 3);
    let header = gguf::read(Cursor::new(&file)).unwrap();
    let config = Config::read(&header).unwrap();
    let few = Needs::of(&header, &config, 100, u64::MAX);
    assert_eq!(few.layers.len(), tiny::LAYERS);
    // The cache of 100 tokens, and of as many as the budget holds.
    let weights = few.layers[0] - config.kv_bytes_per_token() * 100 / tiny::LAYERS as u64;
    assert_eq!(Needs::of(&header, &config, 100, 0).layers[0], weights);
    let blocks = header.tensors.iter().filter(|t| t.0.starts_with("blk.0.")).map(|t| t.1.bytes as u64).sum::<u64>();
    assert_eq!(weights, blocks);
    assert!(few.rest > header.tensors["token_embd.weight"].bytes as u64);
    let why = place(&Found::nothing("no driver"), &header, None, 1 << 20).err();
    assert_eq!(why.as_deref(), Some("no driver"));
}

/// What is damaged is an error on a device as off it, and a device that passes its trial rehearses.
#[test]
fn damaged_files_are_errors_and_sound_ones_are_tried() {
    let file = tiny::model("qwen3", Type::Q4_0, 3);
    let mut header = gguf::read(Cursor::new(&file)).unwrap();
    trial::run(&Device::Cpu).unwrap();
    rehearse(&mut decoder(&file, 1)).unwrap();
    for (name, rows) in [("blk.1.ffn_up.weight", 3), ("blk.1.attn_k_norm.weight", 1), ("output_norm.weight", 2)] {
        let sound = header.tensors[name].clone();
        let mut wrong = sound.clone();
        wrong.dims.push(rows);
        header.tensors.insert(name.into(), wrong);
        let load = |h: &gguf::Header| Decoder::load(&mut Cursor::new(&file), h, &Device::Cpu, 0, tiny::CTX, 1).err();
        assert!(matches!(load(&header), Some(Error::Damaged(why)) if why.contains(name)));
        header.tensors.remove(name);
        assert!(matches!(load(&header), Some(Error::Damaged(why)) if why.contains(name)));
        header.tensors.insert(name.into(), sound);
    }
}

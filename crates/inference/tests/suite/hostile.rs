//! Damaged and lying GGUF files: an error, quickly, and never a panic.

use crate::tiny::{self, Random};
use crate::{architectures, encoders, memory};
use hearth_inference::embed::{Embedder, Kind, Options};
use hearth_inference::engine::Chat;
use hearth_inference::forward::{Compute, Scratch, forward};
use hearth_inference::kv::RunState;
use hearth_inference::quant::Type;
use hearth_inference::weights::Weights;
use hearth_inference::{Error, gguf};
use std::io::Cursor;
use std::time::{Duration, Instant};

fn load(bytes: &[u8]) -> Result<Chat, Error> {
    Chat::load(&mut Cursor::new(bytes), 1, None, 1 << 20)
}

/// Does something that must be quick; where a busy machine made it slow it has another two tries.
fn quickly<T>(work: impl Fn() -> T) -> T {
    let mut tries = (0..3).map(|_| {
        let begun = Instant::now();
        (work(), begun.elapsed())
    });
    let quick = tries.find(|(_, took)| *took < Duration::from_secs(1));
    quick.expect("under a second").0
}

#[test]
fn five_hundred_mutants_and_no_panic() {
    let good = tiny::model("llama", Type::Q4_1, 1);
    assert!(load(&good).is_ok());
    let places = gguf::read(Cursor::new(&good)).unwrap().tensors;
    let header = places.values().map(|t| t.offset as usize).min().unwrap() - 16;
    let mut r = Random(77);
    let mut refused = 0;
    for i in 0..500usize {
        let mut bad = good.clone();
        let at = r.next() as usize % header;
        match i % 5 {
            0 => bad.truncate(r.next() as usize % good.len()),
            1 => bad[at] ^= 1 << (r.next() % 8),
            2 => bad[at..at + 8].copy_from_slice(&u64::MAX.to_le_bytes()),
            3 => bad[at..at + 8].copy_from_slice(&(r.next() << (r.next() % 32)).to_le_bytes()),
            _ => {
                bad.drain(at..at + 1 + r.next() as usize % 8);
            }
        }
        refused += usize::from(quickly(|| load(&bad).is_err()));
    }
    assert!(refused > 250, "only {refused} of 500 were refused");
}

fn mutant(good: &[u8], header: usize, i: usize, r: &mut Random) -> Vec<u8> {
    let mut bad = good.to_vec();
    let at = r.next() as usize % header;
    match i % 6 {
        0 => bad.truncate(r.next() as usize % good.len()),
        1 => bad[at] ^= 1 << (r.next() % 8),
        2 => bad[at..at + 8].copy_from_slice(&u64::MAX.to_le_bytes()),
        3 => bad[at..at + 8].copy_from_slice(&(r.next() << (r.next() % 32)).to_le_bytes()),
        4 => bad[at..at + 4].copy_from_slice(&(r.next() as u32 % 100).to_le_bytes()),
        _ => {
            bad.drain(at..at + 1 + r.next() as usize % 8);
        }
    }
    bad
}

/// 512 mutants over all families: refused, or read and run, without a panic and without memory for what is not there.
#[test]
fn mutants_of_every_family_cost_no_memory_and_no_panic() {
    let mut r = Random(5);
    let (mut refused, mut tried) = (0, 0);
    let compute = Compute::new(1);
    for spec in architectures::specs() {
        let good = spec.file(Type::Q8_0);
        let places = gguf::read(Cursor::new(&good)).unwrap().tensors;
        let header = places.values().map(|t| t.offset as usize).min().unwrap() - 16;
        for i in 0..32 {
            let bad = mutant(&good, header, i, &mut r);
            tried += 1;
            let most = memory::most_bytes(|| {
                let read = || {
                    let header = gguf::read(Cursor::new(&bad))?;
                    Weights::read(&mut Cursor::new(&bad), &header, &compute.pool)
                };
                let read = quickly(read);
                let Ok(w) = read else {
                    refused += 1;
                    return;
                };
                let (mut state, mut scratch) = (RunState::new(&w.config), Scratch::new(&w.config));
                let tokens: Vec<u32> = (0..140).collect();
                let _ = forward(&w, &mut state, &mut scratch, &compute, &tokens, 3, &|| false);
            });
            assert!(most < 64 << 20, "{} mutant {i}: {most} bytes", spec.name);
        }
    }
    assert!(tried >= 500 && refused > tried / 2, "only {refused} of {tried} were refused");
}

/// 500 mutants of an encoder in safetensors, of its configuration and its tokenizer: refused, or read and run, under a
/// second, without a panic and without memory for what is not there.
#[test]
fn mutants_of_an_encoder_cost_no_memory_and_no_panic() {
    let models: Vec<_> = encoders::models().into_iter().filter(|m| !m.scores()).collect();
    let mut r = Random(9);
    let (mut refused, mut tried) = (0, 0);
    for model in &models {
        let config = serde_json::to_vec(&model.config).unwrap();
        let header = 8 + u64::from_le_bytes(model.weights[..8].try_into().unwrap()) as usize;
        for i in 0..500usize.div_ceil(models.len()) {
            let (mut weights, mut config, mut tokenizer) =
                (model.weights.clone(), config.clone(), model.tokenizer.clone());
            match i % 10 {
                0 => config = mutant(&config, config.len() - 9, i / 10, &mut r),
                1 => tokenizer = mutant(&tokenizer, tokenizer.len() - 9, i / 10, &mut r),
                _ => weights = mutant(&weights, header, i, &mut r),
            }
            tried += 1;
            let most = memory::most_bytes(|| {
                let read = quickly(|| {
                    Embedder::load(&mut Cursor::new(&weights), &tokenizer, &config, &Options::default()).map(|mut e| {
                        let text = e.encode(Kind::Passage, "the notice period is one month");
                        text.and_then(|text| e.embed(&[text], &|| false)).is_ok()
                    })
                });
                refused += usize::from(!matches!(read, Ok(true)));
            });
            assert!(most < 64 << 20, "{} mutant {i}: {most} bytes", model.name);
        }
    }
    assert!(tried >= 500 && refused > tried / 2, "only {refused} of {tried} were refused");
}

#[test]
fn lying_counts_and_offsets_are_refused_before_memory_is_spent() {
    let good = tiny::model("llama", Type::F32, 1);
    let expect = |bytes: &[u8], word: &str| {
        let e = gguf::read(Cursor::new(bytes)).map(|_| ()).unwrap_err().to_string();
        assert!(e.contains(word), "{e}");
    };
    let with = |at: usize, v: u64| {
        let mut b = good.clone();
        b[at..at + 8].copy_from_slice(&v.to_le_bytes());
        b
    };
    expect(&with(8, u64::MAX), "tensors do not fit");
    expect(&with(16, 1 << 40), "metadata values do not fit");
    expect(&with(24, 1 << 62), "bytes of text do not fit");
    expect(&good[..good.len() - 1], "beyond the end");
    expect(b"GGML", "not a GGUF");
    expect(b"GG", "cut off");
    let mut version = good.clone();
    version[4] = 9;
    expect(&version, "version 9");
}

#[test]
fn unknown_families_formats_and_tokenizers_are_named() {
    let mut w = tiny::Writer::default();
    w.text("general.architecture", "mamba9");
    w.text("tokenizer.ggml.model", "rwkv");
    let e = load(&w.finish()).map(|_| ()).unwrap_err();
    assert!(matches!(&e, Error::Unsupported(s) if s.contains("rwkv")), "{e}");
    let header = gguf::read(Cursor::new(w.finish())).unwrap();
    let e = hearth_inference::config::Config::read(&header).unwrap_err().to_string();
    assert!(e.contains("mamba9") && e.contains("llama"), "{e}");
}

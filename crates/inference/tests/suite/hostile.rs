//! Damaged and lying GGUF files: an error, quickly, and never a panic.

use crate::tiny::{self, Random};
use hearth_inference::engine::Chat;
use hearth_inference::quant::Type;
use hearth_inference::{Error, gguf};
use std::io::Cursor;
use std::time::{Duration, Instant};

fn load(bytes: &[u8]) -> Result<Chat, Error> {
    let begun = Instant::now();
    let result = Chat::load(&mut Cursor::new(bytes), 1, None, 1 << 20);
    assert!(begun.elapsed() < Duration::from_secs(10), "took {:?}", begun.elapsed());
    result
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
        refused += usize::from(load(&bad).is_err());
    }
    assert!(refused > 250, "only {refused} of 500 were refused");
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

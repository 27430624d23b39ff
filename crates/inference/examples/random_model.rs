//! Writes a GGUF file of a real model's shape with random weights, for measurements: speed and memory do not depend on
//! the values, and no weights have to be fetched. Tensors are typed as llama.cpp's mixes type them.
//! `cargo run --release -p hearth-inference --example random_model -- qwen3-0.6b|llama3.2-1b|smollm2-135m Q4_K_M|Q4_0|Q4_1|Q8_0 OUT.gguf`

use half::f16;
use hearth_inference::quant::Type;
use std::collections::HashSet;
use std::error::Error;
use std::fs::File;
use std::io::{BufWriter, Write};

/// The shape of a real model.
struct Shape {
    name: &'static str,
    architecture: &'static str,
    pre_tokenizer: &'static str,
    layers: usize,
    width: usize,
    ff: usize,
    heads: usize,
    kv_heads: usize,
    head: usize,
    vocabulary: usize,
    context: u32,
    rope_base: f32,
    head_norms: bool,
    rope_divisors: bool,
}

const SHAPES: [Shape; 3] = [
    Shape {
        name: "qwen3-0.6b",
        architecture: "qwen3",
        pre_tokenizer: "qwen2",
        layers: 28,
        width: 1024,
        ff: 3072,
        heads: 16,
        kv_heads: 8,
        head: 128,
        vocabulary: 151_936,
        context: 40_960,
        rope_base: 1e6,
        head_norms: true,
        rope_divisors: false,
    },
    Shape {
        name: "llama3.2-1b",
        architecture: "llama",
        pre_tokenizer: "llama-bpe",
        layers: 16,
        width: 2048,
        ff: 8192,
        heads: 32,
        kv_heads: 8,
        head: 64,
        vocabulary: 128_256,
        context: 131_072,
        rope_base: 5e5,
        head_norms: false,
        rope_divisors: true,
    },
    Shape {
        name: "smollm2-135m",
        architecture: "llama",
        pre_tokenizer: "smollm",
        layers: 30,
        width: 576,
        ff: 1536,
        heads: 9,
        kv_heads: 3,
        head: 64,
        vocabulary: 49_152,
        context: 8192,
        rope_base: 1e5,
        head_norms: false,
        rope_divisors: false,
    },
];

const ALIGNMENT: u64 = 32;
const SPECIALS: [&str; 3] = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"];

/// A small generator (xorshift64*, Vigna 2016): the same file every time.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 >> 12;
        self.0 ^= self.0 << 25;
        self.0 ^= self.0 >> 27;
        self.0.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    fn below(&mut self, n: usize) -> usize {
        (((self.next() >> 32) * n as u64) >> 32) as usize
    }

    fn fill(&mut self, bytes: &mut [u8]) {
        for b in bytes.chunks_mut(8) {
            let n = b.len();
            b.copy_from_slice(&self.next().to_le_bytes()[..n]);
        }
    }
}

/// A tensor to be written: columns and rows (0 for a vector), and how large its weights are about.
struct Tensor {
    name: String,
    cols: usize,
    rows: usize,
    ty: Type,
    size: f32,
}

impl Tensor {
    fn bytes(&self) -> usize {
        self.ty.bytes(self.cols * self.rows.max(1)).unwrap_or(0)
    }
}

fn id(ty: Type) -> Option<u32> {
    (0..64).find(|id| Type::from_id(*id).is_ok_and(|t| t == ty))
}

/// The format of a matrix in one of llama.cpp's mixes; `careful` says that it is a value or down matrix.
fn typed(mix: &str, shape: &Shape, layer: usize, careful: bool) -> Type {
    let n = shape.layers;
    let more = layer < n / 8 || layer >= 7 * n / 8 || (layer - n / 8) % 3 == 2;
    match mix {
        "Q8_0" => Type::Q8_0,
        "Q4_0" => Type::Q4_0,
        "Q4_1" => Type::Q4_1,
        // Rows that are no whole number of blocks of 256 fall back, as there.
        _ if !shape.width.is_multiple_of(256) => {
            if careful && more {
                Type::Q8_0
            } else {
                Type::Q5_0
            }
        }
        _ if careful && more => Type::Q6_K,
        _ => Type::Q4_K,
    }
}

fn tensors(shape: &Shape, mix: &str) -> Vec<Tensor> {
    let (e, q, kv) = (shape.width, shape.heads * shape.head, shape.kv_heads * shape.head);
    let mut all = Vec::new();
    let mut put = |name: String, rows: usize, cols: usize, ty, size| all.push(Tensor { name, cols, rows, ty, size });
    let root = |n: usize| 1.0 / (n as f32).sqrt();
    let embedding = if mix == "Q8_0" || !e.is_multiple_of(256) { Type::Q8_0 } else { Type::Q6_K };
    put("token_embd.weight".into(), shape.vocabulary, e, embedding, 3.0 * root(e));
    put("output_norm.weight".into(), 0, e, Type::F32, 1.0);
    if shape.rope_divisors {
        put("rope_freqs.weight".into(), 0, shape.head / 2, Type::F32, 1.0);
    }
    for layer in 0..shape.layers {
        let name = |part: &str| format!("blk.{layer}.{part}.weight");
        let ty = |careful| typed(mix, shape, layer, careful);
        let small = 3.0 * root(2 * shape.layers);
        put(name("attn_norm"), 0, e, Type::F32, 1.0);
        put(name("attn_q"), q, e, ty(false), root(e));
        put(name("attn_k"), kv, e, ty(false), root(e));
        put(name("attn_v"), kv, e, ty(true), root(e));
        if shape.head_norms {
            put(name("attn_q_norm"), 0, shape.head, Type::F32, 1.0);
            put(name("attn_k_norm"), 0, shape.head, Type::F32, 1.0);
        }
        put(name("attn_output"), e, q, ty(false), small * root(q));
        put(name("ffn_norm"), 0, e, Type::F32, 1.0);
        put(name("ffn_gate"), shape.ff, e, ty(false), root(e));
        put(name("ffn_up"), shape.ff, e, ty(false), root(e));
        put(name("ffn_down"), e, shape.ff, ty(true), small * root(shape.ff));
    }
    all
}

/// Fills rows with random integers under scales that make weights of about the wanted size, around zero.
fn fill(t: &Tensor, dice: &mut Dice, out: &mut [u8]) {
    if t.ty == Type::F32 {
        out.as_chunks_mut::<4>().0.iter_mut().for_each(|b| *b = t.size.to_le_bytes());
        return;
    }
    dice.fill(out);
    // What a block is worth with a scale of one, from the spread of uniform integers of its width.
    let (at, spread, minimum) = match t.ty {
        Type::Q4_0 => (0, 4.6, None),
        Type::Q4_1 => (0, 4.6, Some((2, -7.5))),
        Type::Q5_0 => (0, 9.2, None),
        Type::Q4_K => (0, 258.0, Some((2, 7.5))),
        Type::Q6_K => (208, 1350.0, None),
        _ => (0, 73.0, None),
    };
    let scale = t.size / spread;
    for b in out.chunks_exact_mut(t.ty.block_bytes()) {
        b[at..at + 2].copy_from_slice(&f16::from_f32(scale).to_le_bytes());
        if let Some((at, times)) = minimum {
            b[at..at + 2].copy_from_slice(&f16::from_f32(scale * times).to_le_bytes());
        }
    }
}

/// A byte-level vocabulary of the wanted size, and the merges that build it: as many as a real one has, so that loading
/// it takes as long.
fn vocabulary(n: usize, dice: &mut Dice) -> (Vec<String>, Vec<String>) {
    let printable = |b: u32| (33..=126).contains(&b) || (161..=172).contains(&b) || (174..=255).contains(&b);
    let mut other = 256..;
    let letter = |b: u32| char::from_u32(if printable(b) { b } else { other.next().unwrap_or(b) });
    let mut tokens: Vec<String> = (0..256).filter_map(letter).map(String::from).collect();
    let mut there: HashSet<String> = tokens.iter().cloned().collect();
    let mut merges = Vec::new();
    while tokens.len() < n - SPECIALS.len() {
        // Early tokens are short and common; letters come first of all.
        let [a, b] = [0, 1].map(|_| {
            let from = if dice.below(2) == 0 { 33..127 } else { 0..tokens.len() };
            tokens[from.start + dice.below(from.len())].clone()
        });
        let whole = format!("{a}{b}");
        if whole.chars().count() <= 12 && there.insert(whole.clone()) {
            merges.push(format!("{a} {b}"));
            tokens.push(whole);
        }
    }
    tokens.extend(SPECIALS.map(String::from));
    (tokens, merges)
}

/// The metadata of the file, as bytes, and how many values there are.
struct Values(Vec<u8>, u64);

impl Values {
    fn key(&mut self, key: &str, ty: u32) -> &mut Vec<u8> {
        text(&mut self.0, key);
        self.0.extend(ty.to_le_bytes());
        self.1 += 1;
        &mut self.0
    }

    fn int(&mut self, key: &str, v: u32) {
        self.key(key, 4).extend(v.to_le_bytes());
    }

    fn float(&mut self, key: &str, v: f32) {
        self.key(key, 6).extend(v.to_le_bytes());
    }

    fn text(&mut self, key: &str, v: &str) {
        text(self.key(key, 8), v);
    }

    fn texts(&mut self, key: &str, v: &[String]) {
        let out = self.key(key, 9);
        out.extend(8u32.to_le_bytes());
        out.extend((v.len() as u64).to_le_bytes());
        v.iter().for_each(|s| text(out, s));
    }

    fn ints(&mut self, key: &str, v: &[i32]) {
        let out = self.key(key, 9);
        out.extend(5u32.to_le_bytes());
        out.extend((v.len() as u64).to_le_bytes());
        v.iter().for_each(|x| out.extend(x.to_le_bytes()));
    }
}

fn text(out: &mut Vec<u8>, s: &str) {
    out.extend((s.len() as u64).to_le_bytes());
    out.extend(s.as_bytes());
}

fn metadata(shape: &Shape, mix: &str, dice: &mut Dice) -> Values {
    let mut v = Values(Vec::new(), 0);
    let key = |part: &str| format!("{}.{part}", shape.architecture);
    v.text("general.architecture", shape.architecture);
    v.text("general.name", &format!("{} of random weights, {mix}", shape.name));
    v.int(&key("block_count"), shape.layers as u32);
    v.int(&key("context_length"), shape.context);
    v.int(&key("embedding_length"), shape.width as u32);
    v.int(&key("feed_forward_length"), shape.ff as u32);
    v.int(&key("attention.head_count"), shape.heads as u32);
    v.int(&key("attention.head_count_kv"), shape.kv_heads as u32);
    v.int(&key("attention.key_length"), shape.head as u32);
    v.int(&key("attention.value_length"), shape.head as u32);
    v.int(&key("rope.dimension_count"), shape.head as u32);
    v.int(&key("vocab_size"), shape.vocabulary as u32);
    v.float(&key("rope.freq_base"), shape.rope_base);
    v.float(&key("attention.layer_norm_rms_epsilon"), 1e-5);
    let (tokens, merges) = vocabulary(shape.vocabulary, dice);
    let plain = tokens.len() - SPECIALS.len();
    let kinds: Vec<i32> = (0..tokens.len()).map(|i| if i < plain { 1 } else { 3 }).collect();
    v.text("tokenizer.ggml.model", "gpt2");
    v.text("tokenizer.ggml.pre", shape.pre_tokenizer);
    v.texts("tokenizer.ggml.tokens", &tokens);
    v.ints("tokenizer.ggml.token_type", &kinds);
    v.texts("tokenizer.ggml.merges", &merges);
    v.int("tokenizer.ggml.bos_token_id", plain as u32);
    v.int("tokenizer.ggml.eos_token_id", plain as u32 + 2);
    v
}

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [name, mix, path] = &args[..] else { return Err("which shape, which mix, which file?".into()) };
    let shape = SHAPES.iter().find(|s| s.name == name).ok_or("no such shape")?;
    if !["Q4_K_M", "Q4_0", "Q4_1", "Q8_0"].contains(&&mix[..]) {
        return Err(format!("no such mix: {mix}").into());
    }
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let (values, tensors) = (metadata(shape, mix, &mut dice), tensors(shape, mix));
    let mut head = b"GGUF".to_vec();
    head.extend(3u32.to_le_bytes());
    head.extend((tensors.len() as u64).to_le_bytes());
    head.extend(values.1.to_le_bytes());
    head.extend(&values.0);
    let mut at = 0u64;
    for t in &tensors {
        let dims = if t.rows == 0 { vec![t.cols] } else { vec![t.cols, t.rows] };
        text(&mut head, &t.name);
        head.extend((dims.len() as u32).to_le_bytes());
        dims.iter().for_each(|d| head.extend((*d as u64).to_le_bytes()));
        head.extend(id(t.ty).ok_or("a format without a number")?.to_le_bytes());
        head.extend(at.to_le_bytes());
        at += (t.bytes() as u64).next_multiple_of(ALIGNMENT);
    }
    head.resize(head.len().next_multiple_of(ALIGNMENT as usize), 0);
    // Under another name until it is whole.
    let unfinished = format!("{path}.part");
    let mut out = BufWriter::with_capacity(1 << 20, File::create(&unfinished)?);
    out.write_all(&head)?;
    for t in &tensors {
        let mut bytes = vec![0; t.bytes()];
        fill(t, &mut dice, &mut bytes);
        bytes.resize(bytes.len().next_multiple_of(ALIGNMENT as usize), 0);
        out.write_all(&bytes)?;
    }
    out.into_inner()?.sync_all()?;
    std::fs::rename(&unfinished, path)?;
    println!("{path}: {} MB", at / 1_000_000);
    Ok(())
}

//! Makes GGUF files: a seeded random decoder of a few thousand weights with a byte-level vocabulary.

use candle_core::quantized::{GgmlDType, QTensor};
use candle_core::{Device, Tensor};
use hearth_inference::quant::Type;

pub const EMBD: usize = 64;
pub const FF: usize = 96;
pub const LAYERS: usize = 2;
pub const HEADS: usize = 4;
pub const KV_HEADS: usize = 2;
pub const HEAD: usize = 16;
pub const CTX: usize = 600;

const TEMPLATE: &str = "{% for m in messages %}{{ '<|im_start|>' + m['role'] + '\n' + m['content'] + '<|im_end|>\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

pub struct Random(pub u64);

impl Random {
    pub fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
        self.0 >> 33
    }

    pub fn weights(&mut self, n: usize, scale: f32) -> Vec<f32> {
        (0..n).map(|_| (self.next() as f32 / (1u64 << 30) as f32 - 1.0) * scale).collect()
    }
}

/// A GGUF file being written.
#[derive(Default)]
pub struct Writer {
    values: Vec<(String, Vec<u8>)>,
    tensors: Vec<(String, Vec<usize>, u32, Vec<u8>)>,
}

fn text(s: &str) -> Vec<u8> {
    [&(s.len() as u64).to_le_bytes()[..], s.as_bytes()].concat()
}

impl Writer {
    pub fn int(&mut self, key: &str, v: usize) {
        self.values.push((key.into(), [4u32.to_le_bytes(), (v as u32).to_le_bytes()].concat()));
    }

    pub fn float(&mut self, key: &str, v: f32) {
        self.values.push((key.into(), [6u32.to_le_bytes(), v.to_le_bytes()].concat()));
    }

    pub fn text(&mut self, key: &str, v: &str) {
        self.values.push((key.into(), [&8u32.to_le_bytes()[..], &text(v)].concat()));
    }

    pub fn texts(&mut self, key: &str, v: &[String]) {
        let head = [&9u32.to_le_bytes()[..], &8u32.to_le_bytes(), &(v.len() as u64).to_le_bytes()].concat();
        self.values.push((key.into(), [head, v.iter().flat_map(|s| text(s)).collect()].concat()));
    }

    pub fn bool(&mut self, key: &str, v: bool) {
        self.values.push((key.into(), [&7u32.to_le_bytes()[..], &[u8::from(v)]].concat()));
    }

    pub fn floats(&mut self, key: &str, v: &[f32]) {
        let head = [&9u32.to_le_bytes()[..], &6u32.to_le_bytes(), &(v.len() as u64).to_le_bytes()].concat();
        self.values.push((key.into(), [head, v.iter().flat_map(|x| x.to_le_bytes()).collect()].concat()));
    }

    pub fn ints(&mut self, key: &str, v: &[i32]) {
        let head = [&9u32.to_le_bytes()[..], &5u32.to_le_bytes(), &(v.len() as u64).to_le_bytes()].concat();
        self.values.push((key.into(), [head, v.iter().flat_map(|x| x.to_le_bytes()).collect()].concat()));
    }

    /// Adds a tensor whose shape is given as rows and columns (rows 0 for a vector).
    pub fn tensor(&mut self, name: &str, rows: usize, cols: usize, x: &[f32], ty: Type) {
        self.shaped(name, if rows == 0 { vec![cols] } else { vec![cols, rows] }, x, ty);
    }

    /// Adds a tensor whose shape is given as GGUF has it.
    pub fn shaped(&mut self, name: &str, dims: Vec<usize>, x: &[f32], ty: Type) {
        let (id, dt) = match ty {
            Type::F16 => (1, GgmlDType::F16),
            Type::Q4_0 => (2, GgmlDType::Q4_0),
            Type::Q4_1 => (3, GgmlDType::Q4_1),
            Type::Q8_0 => (8, GgmlDType::Q8_0),
            _ => (0, GgmlDType::F32),
        };
        let t = Tensor::from_slice(x, (x.len() / dims[0], dims[0]), &Device::Cpu).unwrap();
        let bytes = QTensor::quantize(&t, dt).unwrap().data().unwrap().into_owned();
        self.tensors.push((name.into(), dims, id, bytes));
    }

    pub fn finish(&self) -> Vec<u8> {
        let mut out = b"GGUF".to_vec();
        out.extend(3u32.to_le_bytes());
        out.extend((self.tensors.len() as u64).to_le_bytes());
        out.extend((self.values.len() as u64).to_le_bytes());
        for (key, value) in &self.values {
            out.extend(text(key));
            out.extend(value);
        }
        let mut at = 0u64;
        for (name, dims, id, bytes) in &self.tensors {
            out.extend(text(name));
            out.extend((dims.len() as u32).to_le_bytes());
            dims.iter().for_each(|d| out.extend((*d as u64).to_le_bytes()));
            out.extend(id.to_le_bytes());
            out.extend(at.to_le_bytes());
            at += (bytes.len() as u64).next_multiple_of(32);
        }
        for (_, _, _, bytes) in &self.tensors {
            out.resize(out.len().next_multiple_of(32), 0);
            out.extend(bytes);
        }
        out
    }
}

/// The letters of GPT-2's byte-level alphabet, by byte.
fn letters() -> Vec<String> {
    let printable = |b: u32| (33..=126).contains(&b) || (161..=172).contains(&b) || (174..=255).contains(&b);
    let mut next = 256;
    (0..256)
        .map(|b| {
            let c = if printable(b) { b } else { next };
            next += u32::from(!printable(b));
            char::from_u32(c).unwrap().to_string()
        })
        .collect()
}

/// A model of one family, its matrices in one format.
pub fn model(architecture: &str, ty: Type, seed: u64) -> Vec<u8> {
    let mut w = Writer::default();
    let key = |k: &str| format!("{architecture}.{k}");
    w.text("general.architecture", architecture);
    for (k, v) in [
        ("block_count", LAYERS),
        ("context_length", CTX),
        ("embedding_length", EMBD),
        ("feed_forward_length", FF),
        ("attention.head_count", HEADS),
    ] {
        w.int(&key(k), v);
    }
    // Its first layer is a convolution.
    let convolves = |layer: usize| architecture == "lfm2" && layer == 0;
    if architecture == "lfm2" {
        let heads: Vec<i32> = (0..LAYERS).map(|i| if convolves(i) { 0 } else { KV_HEADS as i32 }).collect();
        w.ints(&key("attention.head_count_kv"), &heads);
        w.int(&key("shortconv.l_cache"), 3);
    } else {
        w.int(&key("attention.head_count_kv"), KV_HEADS);
    }
    w.float(&key("rope.freq_base"), 10_000.0);
    w.float(&key("attention.layer_norm_rms_epsilon"), 1e-5);
    let mut tokens = letters();
    tokens.extend(["he", "Ġt", "<|endoftext|>", "<|im_start|>", "<|im_end|>"].map(String::from));
    let mut kinds = vec![1; 258];
    kinds.extend([3, 3, 3]);
    w.text("tokenizer.ggml.model", "gpt2");
    w.text("tokenizer.ggml.pre", "smollm");
    w.texts("tokenizer.ggml.tokens", &tokens);
    w.ints("tokenizer.ggml.token_type", &kinds);
    w.texts("tokenizer.ggml.merges", &["h e".into(), "Ġ t".into()]);
    w.int("tokenizer.ggml.eos_token_id", 260);
    w.text("tokenizer.chat_template", TEMPLATE);

    let mut r = Random(seed);
    let (q, kv) = (HEADS * HEAD, KV_HEADS * HEAD);
    let norm = |w: &mut Writer, r: &mut Random, name: String, n: usize| {
        let x: Vec<f32> = r.weights(n, 0.3).iter().map(|x| 1.0 + x).collect();
        w.tensor(&name, 0, n, &x, Type::F32);
    };
    let matrix = |w: &mut Writer, r: &mut Random, name: String, n: usize, k: usize| {
        let x = r.weights(n * k, 1.7 / (k as f32).sqrt());
        w.tensor(&name, n, k, &x, ty);
    };
    matrix(&mut w, &mut r, "token_embd.weight".into(), tokens.len(), EMBD);
    let last = if architecture == "lfm2" { "token_embd_norm.weight" } else { "output_norm.weight" };
    norm(&mut w, &mut r, last.into(), EMBD);
    for i in 0..LAYERS {
        let at = |part: &str| format!("blk.{i}.{part}");
        norm(&mut w, &mut r, at("attn_norm.weight"), EMBD);
        if convolves(i) {
            matrix(&mut w, &mut r, at("shortconv.in_proj.weight"), 3 * EMBD, EMBD);
            matrix(&mut w, &mut r, at("shortconv.out_proj.weight"), EMBD, EMBD);
            w.tensor(&at("shortconv.conv.weight"), EMBD, 3, &r.weights(EMBD * 3, 1.0), Type::F32);
        } else {
            matrix(&mut w, &mut r, at("attn_q.weight"), q, EMBD);
            matrix(&mut w, &mut r, at("attn_k.weight"), kv, EMBD);
            matrix(&mut w, &mut r, at("attn_v.weight"), kv, EMBD);
            matrix(&mut w, &mut r, at("attn_output.weight"), EMBD, q);
        }
        norm(&mut w, &mut r, at("ffn_norm.weight"), EMBD);
        matrix(&mut w, &mut r, at("ffn_gate.weight"), FF, EMBD);
        matrix(&mut w, &mut r, at("ffn_up.weight"), FF, EMBD);
        matrix(&mut w, &mut r, at("ffn_down.weight"), EMBD, FF);
        if architecture == "qwen2" {
            for (part, n) in [("attn_q.bias", q), ("attn_k.bias", kv), ("attn_v.bias", kv)] {
                let x = r.weights(n, 0.5);
                w.tensor(&at(part), 0, n, &x, Type::F32);
            }
        }
        if architecture == "qwen3" || (architecture == "lfm2" && !convolves(i)) {
            norm(&mut w, &mut r, at("attn_q_norm.weight"), HEAD);
            norm(&mut w, &mut r, at("attn_k_norm.weight"), HEAD);
        }
    }
    w.finish()
}

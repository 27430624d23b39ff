//! The vocabulary of a GGUF file: text to tokens and tokens to bytes. Special tokens are never found in plain text;
//! who may place them is `chat`.

use crate::error::Error;
use crate::gguf::Header;
use tokenizers::models::bpe::{BPE, Vocab};
use tokenizers::pre_tokenizers::PreTokenizerWrapper;
use tokenizers::pre_tokenizers::byte_level::ByteLevel;
use tokenizers::pre_tokenizers::sequence::Sequence;
use tokenizers::pre_tokenizers::split::{Split, SplitPattern};
use tokenizers::{SplitDelimiterBehavior, Tokenizer};

const GPT2: &str = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)";
const LLAMA3: &str = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";
const QWEN2: &str =
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+";

/// Token kinds of `tokenizer.ggml.token_type`.
const UNKNOWN: i32 = 2;
const CONTROL: i32 = 3;
const USER_DEFINED: i32 = 4;
const UNUSED: i32 = 5;

/// Names under which files end a turn, beside the token that they declare.
const TURN_ENDS: &[&str] = &["<|im_end|>", "<|eot_id|>", "<|endoftext|>", "<|end|>", "<|eom_id|>", "<|end_of_text|>"];

/// Text to tokens and back.
pub struct Vocabulary {
    inner: Tokenizer,
    bytes: Vec<u8>,
    ends: Vec<u32>,
    specials: Vec<(String, u32)>,
    stops: Vec<u32>,
    bos: Option<u32>,
    eos: Option<u32>,
    add_bos: bool,
}

fn damaged(e: impl std::fmt::Display) -> Error {
    Error::Damaged(format!("the vocabulary: {e}"))
}

/// The regular expressions that cut text before merging, by the file's name for them.
fn cuts(pre: &str) -> Result<&'static [&'static str], Error> {
    Ok(match pre {
        "default" | "gpt-2" | "gpt2" | "phi-2" | "mpt" | "olmo" | "jais" => &[GPT2],
        "smollm" | "starcoder" | "refact" | "command-r" | "codeshell" => &[r"\p{N}", GPT2],
        "llama-bpe" | "llama3" | "llama-v3" | "dbrx" | "smaug-bpe" | "falcon3" => &[LLAMA3],
        "qwen2" | "stablelm2" | "deepseek-r1-qwen" | "megrez" => &[QWEN2],
        _ => return Err(Error::Unsupported(format!("pre-tokenizer {pre}"))),
    })
}

/// The byte that a letter of a byte-level vocabulary stands for: printable Latin-1 stands for itself, the other bytes
/// follow from U+0100 on (GPT-2's `bytes_to_unicode`).
fn byte_of(c: char) -> Option<u8> {
    let printable = |b: u32| (33..=126).contains(&b) || (161..=172).contains(&b) || (174..=255).contains(&b);
    match u32::from(c) {
        b if b < 256 => printable(b).then_some(b as u8),
        n => (0..256).filter(|b| !printable(*b)).nth((n - 256) as usize).map(|b| b as u8),
    }
}

impl Vocabulary {
    /// Reads the vocabulary.
    ///
    /// # Errors
    /// `Unsupported` for kinds of tokenizer that are not built here, `Damaged` for contradictory ones.
    pub fn read(h: &Header) -> Result<Self, Error> {
        match h.text("tokenizer.ggml.model") {
            Some("gpt2") => {}
            Some(other) => return Err(Error::Unsupported(format!("tokenizer {other}"))),
            None => return Err(damaged("no tokenizer is named")),
        }
        let tokens = h.texts("tokenizer.ggml.tokens").ok_or_else(|| damaged("there are no tokens"))?;
        let merges = h.texts("tokenizer.ggml.merges").ok_or_else(|| damaged("there are no merges"))?;
        let kinds = h.ints("tokenizer.ggml.token_type").unwrap_or_default();
        let pre = h.text("tokenizer.ggml.pre").unwrap_or("default");
        let inner = build(tokens, merges, pre)?;

        let table: std::collections::HashMap<char, u8> =
            (0..512).filter_map(char::from_u32).filter_map(|c| Some((c, byte_of(c)?))).collect();
        let (mut bytes, mut ends, mut specials) = (Vec::new(), Vec::new(), Vec::new());
        for (id, token) in tokens.iter().enumerate() {
            let kind = kinds.get(id).copied().unwrap_or(1);
            match kind {
                CONTROL | UNKNOWN | UNUSED => {}
                USER_DEFINED => bytes.extend_from_slice(token.as_bytes()),
                _ => token.chars().for_each(|c| match table.get(&c) {
                    Some(b) => bytes.push(*b),
                    None => bytes.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
                }),
            }
            ends.push(bytes.len() as u32);
            if matches!(kind, CONTROL | USER_DEFINED) && token.chars().count() > 1 {
                specials.push((token.clone(), id as u32));
            }
        }
        specials.sort_by(|a, b| b.0.len().cmp(&a.0.len()).then_with(|| a.0.cmp(&b.0)));
        let known = |key: &str| h.int(key).filter(|i| (*i as usize) < tokens.len()).map(|i| i as u32);
        let (bos, eos) = (known("tokenizer.ggml.bos_token_id"), known("tokenizer.ggml.eos_token_id"));
        let mut stops: Vec<u32> = eos.into_iter().chain(known("tokenizer.ggml.eot_token_id")).collect();
        stops.extend(specials.iter().filter(|(s, _)| TURN_ENDS.contains(&s.as_str())).map(|(_, id)| *id));
        let add_bos = h.bool("tokenizer.ggml.add_bos_token").unwrap_or(pre == "llama-bpe");
        Ok(Self { inner, bytes, ends, specials, stops, bos, eos, add_bos })
    }

    /// Returns how many tokens there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are no tokens.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Turns plain text into tokens; whatever looks like a special token is text.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, Error> {
        if text.is_empty() {
            return Ok(Vec::new());
        }
        let encoded = self.inner.encode_fast(text, false).map_err(|e| Error::Request(e.to_string()))?;
        Ok(encoded.get_ids().to_vec())
    }

    /// Returns the bytes of a token; none for control tokens.
    pub fn bytes(&self, token: u32) -> &[u8] {
        let i = token as usize;
        let from = i.checked_sub(1).and_then(|i| self.ends.get(i)).copied().unwrap_or(0) as usize;
        self.ends.get(i).and_then(|end| self.bytes.get(from..*end as usize)).unwrap_or_default()
    }

    /// Returns the special tokens, the longest first.
    pub fn specials(&self) -> &[(String, u32)] {
        &self.specials
    }

    /// Whether a token ends the turn.
    pub fn stops(&self, token: u32) -> bool {
        self.stops.contains(&token)
    }

    /// Returns the token that begins every text, where the file wants one.
    pub fn start(&self) -> Option<u32> {
        self.bos.filter(|_| self.add_bos)
    }

    /// Returns the texts of the begin and end tokens, for templates.
    pub fn marks(&self) -> [&str; 2] {
        [self.bos, self.eos]
            .map(|id| self.specials.iter().find(|(_, i)| Some(*i) == id).map_or("", |(s, _)| s.as_str()))
    }
}

fn build(tokens: &[String], merges: &[String], pre: &str) -> Result<Tokenizer, Error> {
    let vocab: Vocab = tokens.iter().enumerate().map(|(i, t)| (t.clone(), i as u32)).collect();
    let merges = merges.iter().map(|m| m.split_once(' ').map(|(a, b)| (a.to_owned(), b.to_owned())));
    let merges = merges.collect::<Option<Vec<_>>>().ok_or_else(|| damaged("a merge has no two parts"))?;
    let whole_words = matches!(pre, "llama-bpe" | "llama3" | "llama-v3");
    let model = BPE::builder().vocab_and_merges(vocab, merges).ignore_merges(whole_words).build().map_err(damaged)?;
    let mut steps: Vec<PreTokenizerWrapper> = Vec::new();
    for cut in cuts(pre)? {
        let split = Split::new(SplitPattern::Regex((*cut).into()), SplitDelimiterBehavior::Isolated, false);
        steps.push(split.map_err(damaged)?.into());
    }
    steps.push(ByteLevel::new(false, false, false).into());
    let mut tokenizer = Tokenizer::new(model);
    tokenizer.with_pre_tokenizer(Some(Sequence::new(steps)));
    Ok(tokenizer)
}

/// Puts the bytes of successive tokens together into whole characters.
#[derive(Debug, Default)]
pub struct Utf8Stream {
    pending: Vec<u8>,
}

impl Utf8Stream {
    /// Takes more bytes and returns the characters that are complete; what can no longer become a character is U+FFFD.
    pub fn push(&mut self, bytes: &[u8]) -> String {
        self.pending.extend_from_slice(bytes);
        let mut out = String::new();
        loop {
            match std::str::from_utf8(&self.pending) {
                Ok(s) => {
                    out.push_str(s);
                    self.pending.clear();
                    return out;
                }
                Err(e) => {
                    let good = e.valid_up_to();
                    out.push_str(&String::from_utf8_lossy(&self.pending[..good]));
                    match e.error_len() {
                        Some(bad) => {
                            out.push('\u{FFFD}');
                            self.pending.drain(..good + bad);
                        }
                        None => {
                            self.pending.drain(..good);
                            return out;
                        }
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn byte_letters_are_gpt2s() {
        assert_eq!(byte_of('Ġ'), Some(b' '));
        assert_eq!(byte_of('Ċ'), Some(b'\n'));
        assert_eq!(byte_of('A'), Some(b'A'));
        assert_eq!((0..512).filter_map(char::from_u32).filter_map(byte_of).count(), 256);
    }

    #[test]
    fn characters_are_never_cut() {
        let mut s = Utf8Stream::default();
        let text = "a€😀".as_bytes();
        let out: String = text.iter().map(|b| s.push(&[*b])).collect();
        assert_eq!(out, "a€😀");
        assert_eq!(s.push(&[0xE2]) + &s.push(b"x"), "\u{FFFD}x");
    }
}

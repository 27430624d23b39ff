//! The vocabulary of a GGUF file: text to tokens and tokens to bytes. Special tokens are never found in plain text;
//! who may place them is `chat`. One file for each kind of tokenizer: `bpe`, `spm`, `unigram`, `wordpiece`.

mod bpe;
mod charsmap;
mod cuts;
mod merge;
mod pieces;
mod special;
mod spm;
mod unigram;
mod utf8;
mod wordpiece;

pub use pieces::MAX_PIECE_BYTES;
pub use special::Specials;
pub use utf8::Utf8Stream;

use crate::error::Error;
use crate::gguf::{Header, Value};
use bpe::Bpe;
use charsmap::CharsMap;
use pieces::{Index, Pieces, Prefixes};
use spm::Spm;
use std::borrow::Cow;
use std::collections::HashMap;
use unigram::{Spaces, Unigram};

/// Token kinds of `tokenizer.ggml.token_type`.
const UNKNOWN: i32 = 2;
const CONTROL: i32 = 3;
const USER_DEFINED: i32 = 4;
const BYTE: i32 = 6;

/// What SentencePiece writes for a space.
const SPACE: char = '\u{2581}';

/// Names under which files end a turn, beside the token that they declare.
const TURN_ENDS: &[&str] = &[
    "<|im_end|>",
    "<|eot_id|>",
    "<|endoftext|>",
    "<|end|>",
    "<|eom_id|>",
    "<|end_of_text|>",
    "<end_of_turn>",
    "<turn|>",
    "<EOT>",
    "_<EOT>",
    "[EOT]",
    "<|EOT|>",
    "<|return|>",
    "<|call|>",
    "<|calls|>",
    "<|flush|>",
    "<end_of_utterance>",
    "<|END_OF_TURN_TOKEN|>",
    "<｜end▁of▁sentence｜>",
    "<|eot|>",
    "<|role_end|>",
    "[e~[",
];

enum Kind {
    Bpe(Bpe),
    Spm(Spm),
    Unigram(Unigram),
    WordPiece(Box<tokenizers::Tokenizer>),
}

/// Text to tokens and back.
pub struct Vocabulary {
    kind: Kind,
    pieces: Pieces,
    index: Index,
    /// Tokens that a file's author defined and that are ordinary text (runs of spaces, mostly).
    words: Prefixes,
    specials: Specials,
    stops: Vec<u32>,
    bos: Option<u32>,
    eos: Option<u32>,
    start: Option<u32>,
    end: Option<u32>,
    /// Every stretch of plain text gets a space before it.
    prefix: bool,
    /// U+2581 stands for the space.
    escaped: bool,
}

fn damaged(e: impl std::fmt::Display) -> Error {
    Error::Damaged(format!("the vocabulary: {e}"))
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

/// The byte that `<0xAB>` stands for.
fn byte_token(token: &str) -> Option<u8> {
    u8::from_str_radix(token.strip_prefix("<0x")?.strip_suffix('>')?, 16).ok()
}

/// Whether a user-defined token has the looks of markup, which only templates may place, and not of a word.
fn is_markup(token: &str) -> bool {
    let within = |a: &str, b: &str| token.len() > 2 && token.starts_with(a) && token.ends_with(b);
    within("<", ">") || within("[", "]") || token.contains("<|") || token.contains("|>")
}

impl Vocabulary {
    /// Reads the vocabulary.
    ///
    /// # Errors
    /// `Unsupported` for kinds of tokenizer that are not built here, `Damaged` for contradictory ones.
    pub fn read(h: &Header) -> Result<Self, Error> {
        let model = h.text("tokenizer.ggml.model").ok_or_else(|| damaged("no tokenizer is named"))?;
        let name = if model == "gemma4" { "gemma4" } else { h.text("tokenizer.ggml.pre").unwrap_or("default") };
        let rules = match model {
            "gpt2" | "gemma4" => Some(cuts::rules(name)?),
            "llama" | "t5" | "bert" => None,
            other => return Err(Error::Unsupported(format!("tokenizer {other}"))),
        };
        let tokens = h.texts("tokenizer.ggml.tokens").ok_or_else(|| damaged("there are no tokens"))?;
        let kinds = h.ints("tokenizer.ggml.token_type").unwrap_or_default();
        let kind_of = |id: u32| kinds.get(id as usize).copied().unwrap_or(1);
        let letters = rules.as_ref().is_some_and(|r| !r.raw);
        let (pieces, bytes) = spell(tokens, kind_of, letters);
        let n = pieces.len() as u32;
        let word = |id: &u32| {
            let text = tokens.get(*id as usize).map_or("", String::as_str);
            kind_of(*id) == USER_DEFINED && (text.chars().count() == 1 || !is_markup(text))
        };
        let ordinary = |id: &u32| !matches!(kind_of(*id), UNKNOWN | CONTROL | USER_DEFINED | BYTE);
        let index = Index::new(&pieces, (0..n).filter(|id| ordinary(id) || (!letters && word(id))));
        let specials = (0..n).filter(|id| matches!(kind_of(*id), CONTROL | USER_DEFINED) && !word(id));
        let specials = specials.filter_map(|id| Some((tokens.get(id as usize)?.clone(), id)));
        let specials: Vec<_> = specials.filter(|(s, _)| s.chars().nth(1).is_some()).collect();
        // Phi-3's own tokenizer lets its markup swallow the white space after it; GGUF has no word for that.
        let swallow = model == "llama" && h.text("general.architecture") == Some("phi3");
        let specials = Specials::new(specials, swallow);

        let known = |key: &str| h.int(&format!("tokenizer.ggml.{key}")).filter(|i| *i < u64::from(n)).map(|i| i as u32);
        let scores = match h.metadata.get("tokenizer.ggml.scores") {
            Some(Value::Floats(s)) if s.len() == tokens.len() => s.as_slice(),
            _ if matches!(model, "llama" | "t5") => return Err(damaged("there are no scores")),
            _ => &[],
        };
        let unknown = known("unknown_token_id");
        let flag = |key: &str| h.bool(&format!("tokenizer.ggml.{key}"));
        let kind = match (model, rules.as_ref()) {
            (_, Some(rules)) => {
                let merges = h.texts("tokenizer.ggml.merges").ok_or_else(|| damaged("there are no merges"))?;
                Kind::Bpe(Bpe::new(rules, tokens, merges, bytes, |id| ordinary(&id))?)
            }
            ("bert", _) => {
                let unknown = unknown.and_then(|id| tokens.get(id as usize)).map_or("[UNK]", String::as_str);
                let preparation = wordpiece::Preparation {
                    lowercase: flag("normalizer.lowercase").unwrap_or(true),
                    strip_accents: flag("normalizer.strip_accents").unwrap_or(true),
                };
                let marked = |id: u32| matches!(kind_of(id), UNKNOWN | CONTROL | USER_DEFINED);
                Kind::WordPiece(Box::new(wordpiece::build(tokens, unknown, preparation, marked)?))
            }
            ("t5", _) => {
                let score = |id: u32| match kind_of(id) {
                    USER_DEFINED => 0.0,
                    _ => scores.get(id as usize).copied().unwrap_or(0.0),
                };
                let all_bytes = bytes.iter().all(|t| *t != merge::NONE);
                let table = h.ints("tokenizer.ggml.precompiled_charsmap").unwrap_or_default();
                let table: Vec<u8> = table.iter().map(|b| *b as u8).collect();
                let spaces = Spaces {
                    prefix: flag("add_space_prefix").unwrap_or(true),
                    squeeze: flag("remove_extra_whitespaces").unwrap_or(false),
                };
                Kind::Unigram(Unigram::new(
                    (0..n).map(score).collect(),
                    Prefixes::new(&pieces, (0..n).filter(|id| ordinary(id) || word(id))),
                    unknown.unwrap_or(2.min(n.saturating_sub(1))),
                    all_bytes.then_some(bytes),
                    CharsMap::new(&table),
                    spaces,
                ))
            }
            _ => Kind::Spm(Spm::new(scores, bytes, unknown.or((n > 0).then_some(0)))),
        };
        let (mut bos, eos) = (known("bos_token_id"), known("eos_token_id"));
        if model == "bert" {
            bos = bos.or(known("cls_token_id")).or(specials.token("[CLS]"));
        }
        let separator = known("seperator_token_id").or(known("separator_token_id")).or(specials.token("[SEP]"));
        let begins = flag("add_bos_token").unwrap_or(match &kind {
            Kind::Bpe(_) => rules.as_ref().is_some_and(|r| r.begin),
            Kind::Unigram(_) => false,
            Kind::Spm(_) | Kind::WordPiece(_) => true,
        });
        let end = match &kind {
            Kind::WordPiece(_) => separator.filter(|_| flag("add_sep_token").unwrap_or(true)),
            other => eos.filter(|_| flag("add_eos_token").unwrap_or(matches!(other, Kind::Unigram(_)))),
        };
        let mut stops: Vec<u32> = eos.into_iter().chain(known("eot_token_id")).chain(known("eom_token_id")).collect();
        // Where `<|return|>` and `<|call|>` end turns, `<|end|>` only ends a message among several (gpt-oss).
        let many = specials.token("<|return|>").is_some() && specials.token("<|call|>").is_some();
        let ends = |s: &str| TURN_ENDS.contains(&s) && !(many && s == "<|end|>");
        stops.extend(specials.all().iter().filter(|(s, _)| ends(s)).map(|(_, id)| *id));
        Ok(Self {
            words: Prefixes::new(&pieces, (0..n).filter(|id| matches!(kind, Kind::Bpe(_) | Kind::Spm(_)) && word(id))),
            prefix: matches!(kind, Kind::Spm(_)) && flag("add_space_prefix").unwrap_or(true),
            escaped: matches!(kind, Kind::Spm(_)) || rules.is_some_and(|r| r.raw),
            start: bos.filter(|_| begins),
            kind,
            pieces,
            index,
            specials,
            stops,
            bos,
            eos,
            end,
        })
    }

    /// Returns how many tokens there are.
    pub fn len(&self) -> usize {
        self.pieces.len()
    }

    /// Whether there are no tokens.
    pub fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// Turns plain text into tokens; whatever looks like a special token is text.
    ///
    /// # Errors
    /// `Request` where the text cannot be encoded.
    pub fn encode(&self, text: &str) -> Result<Vec<u32>, Error> {
        let mut out = Vec::new();
        let (mut from, mut at) = (0, 0);
        while !self.words.is_empty() && at < text.len() {
            match self.words.longest(&self.pieces, text.as_bytes().get(at..).unwrap_or_default()) {
                Some((len, token)) => {
                    self.plain(text.get(from..at).unwrap_or_default(), &mut out)?;
                    out.push(token);
                    at += len;
                    from = at;
                }
                None => at += text.get(at..).and_then(|t| t.chars().next()).map_or(1, char::len_utf8),
            }
        }
        self.plain(text.get(from..).unwrap_or_default(), &mut out)?;
        Ok(out)
    }

    fn plain(&self, text: &str, out: &mut Vec<u32>) -> Result<(), Error> {
        if text.is_empty() {
            return Ok(());
        }
        let mut text = Cow::Borrowed(text);
        if self.escaped && text.contains(SPACE) {
            text = text.replace(SPACE, " ").into();
        }
        if self.prefix {
            text = format!(" {text}").into();
        }
        match &self.kind {
            Kind::Bpe(bpe) => bpe.encode(&text, &self.pieces, &self.index, out),
            Kind::Spm(spm) => spm.encode(&text, &self.pieces, &self.index, out),
            Kind::Unigram(unigram) => unigram.encode(&text, &self.pieces, out),
            Kind::WordPiece(tokenizer) => {
                let encoded = tokenizer.encode_fast(&*text, false).map_err(|e| Error::Request(e.to_string()))?;
                out.extend_from_slice(encoded.get_ids());
            }
        }
        Ok(())
    }

    /// Returns the bytes of a token; none for control tokens.
    pub fn bytes(&self, token: u32) -> &[u8] {
        self.pieces.get(token)
    }

    /// Whether the first space of a text is put there by encoding and is no part of it.
    pub fn has_prefix_space(&self) -> bool {
        self.prefix
    }

    /// Returns the special tokens.
    pub fn specials(&self) -> &Specials {
        &self.specials
    }

    /// Whether a token ends the turn.
    pub fn stops(&self, token: u32) -> bool {
        self.stops.contains(&token)
    }

    /// Returns the tokens that end a turn.
    pub fn turn_ends(&self) -> &[u32] {
        &self.stops
    }

    /// Returns the token that begins every text, where the file wants one.
    pub fn start(&self) -> Option<u32> {
        self.start
    }

    /// Returns the token that ends every text, where the file wants one: of embedders and T5, not of chat models.
    pub fn end(&self) -> Option<u32> {
        self.end
    }

    /// Returns the texts of the begin and end tokens, for templates.
    pub fn marks(&self) -> [&str; 2] {
        [self.bos, self.eos].map(|id| id.and_then(|id| self.specials.name(id)).unwrap_or_default())
    }
}

/// Returns the bytes of every token, and the token of every byte.
fn spell(tokens: &[String], kind_of: impl Fn(u32) -> i32, letters: bool) -> (Pieces, Box<[u32; 256]>) {
    let table: HashMap<char, u8> = (0..512).filter_map(char::from_u32).filter_map(|c| Some((c, byte_of(c)?))).collect();
    let (mut pieces, mut bytes) = (Pieces::default(), Box::new([merge::NONE; 256]));
    let mut spelled = Vec::new();
    for (id, token) in tokens.iter().enumerate() {
        spelled.clear();
        let kind = kind_of(id as u32);
        let byte = byte_token(token).filter(|_| !letters && kind == BYTE);
        match (kind, byte) {
            (CONTROL | UNKNOWN, _) => {}
            (_, Some(byte)) => spelled.push(byte),
            (USER_DEFINED, _) if letters => spelled.extend_from_slice(token.as_bytes()),
            _ if letters => token.chars().for_each(|c| match table.get(&c) {
                Some(b) => spelled.push(*b),
                None => spelled.extend_from_slice(c.encode_utf8(&mut [0; 4]).as_bytes()),
            }),
            _ => spelled.extend_from_slice(token.replace(SPACE, " ").as_bytes()),
        }
        let single = byte.or(match spelled.as_slice() {
            [b] if letters && kind != USER_DEFINED => Some(*b),
            _ => None,
        });
        if let Some(slot) = single.and_then(|b| bytes.get_mut(usize::from(b))) {
            *slot = id as u32;
        }
        pieces.push(&spelled);
    }
    (pieces, bytes)
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
        assert_eq!((byte_token("<0x0A>"), byte_token("<0xZZ>"), byte_token("<0x>")), (Some(10), None, None));
    }

    #[test]
    fn markup_and_words_are_told_apart() {
        for markup in ["<think>", "[PAD7]", "<|\"|>", "</tool_call>"] {
            assert!(is_markup(markup), "{markup}");
        }
        for word in ["  ", "\n\n", "<", "hello", "[]", "a>"] {
            assert!(!is_markup(word), "{word}");
        }
    }
}

//! Byte-pair encoding by the file's own list of merges: GPT-2's over bytes, and the kind over plain characters with byte
//! tokens for what is unknown (Gemma 4). Where text is cut before is `cuts`.

use super::cuts::{Cutter, Rules};
use super::merge::{NONE, Symbol, merge, symbols};
use super::pieces::{Index, Pieces};
use crate::error::Error;
use foldhash::quality::RandomState;
use std::cmp::Reverse;
use std::collections::HashMap;

/// Bytes without a token of their own are rare; what then stands for them is nothing.
type ByteTokens = Box<[u32; 256]>;

/// Merges by the tokens of both sides.
pub struct Bpe {
    cutter: Cutter,
    /// Left and right token to rank and union.
    merges: HashMap<(u32, u32), (u32, u32), RandomState>,
    bytes: ByteTokens,
    whole: bool,
    raw: bool,
}

impl Bpe {
    /// Reads the merges. `bytes` holds the token of each byte; `ordinary` says which tokens text may become.
    ///
    /// # Errors
    /// `Damaged` where a merge has no two sides.
    pub fn new(
        rules: &Rules,
        tokens: &[String],
        merges: &[String],
        bytes: ByteTokens,
        ordinary: impl Fn(u32) -> bool,
    ) -> Result<Self, Error> {
        let known: HashMap<&str, u32, RandomState> =
            tokens.iter().enumerate().map(|(i, t)| (t.as_str(), i as u32)).filter(|(_, i)| ordinary(*i)).collect();
        let mut table = HashMap::with_capacity_and_hasher(merges.len(), RandomState::default());
        let mut union = String::new();
        for (rank, line) in merges.iter().enumerate() {
            let space = line.char_indices().skip(1).find(|(_, c)| *c == ' ').map(|(i, _)| i);
            let sides = space.and_then(|i| Some((line.get(..i)?, line.get(i + 1..)?)));
            let (left, right) =
                sides.ok_or_else(|| Error::Damaged("the vocabulary: a merge has no two sides".into()))?;
            union.clear();
            union.push_str(left);
            union.push_str(right);
            if let (Some(l), Some(r), Some(u)) = (known.get(left), known.get(right), known.get(union.as_str())) {
                table.entry((*l, *r)).or_insert((rank as u32, *u));
            }
        }
        Ok(Self { cutter: Cutter::new(rules)?, merges: table, bytes, whole: rules.whole, raw: rules.raw })
    }

    /// Appends the tokens of `text`.
    pub fn encode(&self, text: &str, pieces: &Pieces, index: &Index, out: &mut Vec<u32>) {
        let mut line = Vec::new();
        for piece in self.cutter.cut(text) {
            let piece = text.get(piece).unwrap_or_default();
            // Gemma's runs of line ends are tokens that no merge leads to.
            let whole = self.whole || (self.raw && piece.starts_with('\n'));
            if let Some(token) = Some(piece).filter(|_| whole).and_then(|p| index.get(pieces, p.as_bytes())) {
                out.push(token);
                continue;
            }
            if self.raw {
                let char = |c: char| {
                    let mut bytes = [0; 4];
                    let bytes = c.encode_utf8(&mut bytes).as_bytes();
                    (index.get(pieces, bytes).unwrap_or(NONE), bytes.len())
                };
                symbols(piece.chars().map(char), &mut line);
            } else {
                let token = |b: u8| self.bytes.get(usize::from(b)).copied().unwrap_or(NONE);
                symbols(piece.bytes().map(|b| (token(b), 1)), &mut line);
            }
            merge(&mut line, |a, b| self.merges.get(&(a.token, b.token)).map(|(rank, union)| (Reverse(*rank), *union)));
            line.iter().filter(|s| s.len > 0).for_each(|s| self.put(*s, piece, out));
        }
    }

    fn put(&self, symbol: Symbol, piece: &str, out: &mut Vec<u32>) {
        if symbol.token != NONE {
            out.push(symbol.token);
            return;
        }
        let (from, to) = (symbol.start as usize, (symbol.start + symbol.len) as usize);
        for byte in piece.as_bytes().get(from..to).unwrap_or_default() {
            out.extend(self.bytes.get(usize::from(*byte)).copied().filter(|t| *t != NONE));
        }
    }
}

//! SentencePiece's Unigram model (T5, XLM-R): text is normalized by the file's table, and of all ways to cut it into
//! tokens the one with the highest sum of scores is taken (Viterbi).

use super::charsmap::CharsMap;
use super::pieces::{Pieces, Prefixes};

/// What an unknown character costs below the lowest score.
const UNKNOWN_PENALTY: f64 = 10.0;

/// How a file wants text prepared.
#[derive(Debug, Clone, Copy)]
pub struct Spaces {
    /// A space is put before the text.
    pub prefix: bool,
    /// Runs of spaces become one, and none stay at the ends.
    pub squeeze: bool,
}

/// Scores by token.
pub struct Unigram {
    scores: Vec<f32>,
    unknown_score: f64,
    unknown: u32,
    bytes: Option<Box<[u32; 256]>>,
    prefixes: Prefixes,
    table: CharsMap,
    spaces: Spaces,
}

impl Unigram {
    /// Takes scores by token (those of user-defined ones are 0), what text may become, and how it is prepared. Where
    /// `bytes` is there, unknown characters become byte tokens.
    pub fn new(
        scores: Vec<f32>,
        prefixes: Prefixes,
        unknown: u32,
        bytes: Option<Box<[u32; 256]>>,
        table: CharsMap,
        spaces: Spaces,
    ) -> Self {
        let lowest = scores.iter().copied().filter(|s| s.is_finite()).fold(0.0, f32::min);
        Self { scores, unknown_score: f64::from(lowest) - UNKNOWN_PENALTY, unknown, bytes, prefixes, table, spaces }
    }

    /// Applies the table and the rules for spaces. U+2581 and the space are the same here.
    fn normalize(&self, text: &str) -> Vec<u8> {
        let mut out = Vec::with_capacity(text.len() + 1);
        let (mut at, mut pending) = (0, self.spaces.prefix);
        if pending && !self.spaces.squeeze && !text.is_empty() {
            out.push(b' ');
            pending = false;
        }
        while let Some(rest) = text.get(at..).filter(|r| !r.is_empty()) {
            let char = rest.chars().next().map_or(1, char::len_utf8);
            let (used, bytes) = match self.table.replace(rest.as_bytes()) {
                // A replacement that would end inside a character is none.
                Some((used, bytes)) if rest.is_char_boundary(used) => (used, bytes),
                _ => (char, rest.as_bytes().get(..char).unwrap_or_default()),
            };
            at += used;
            for byte in bytes {
                if *byte == b' ' && self.spaces.squeeze {
                    pending = pending || !out.is_empty();
                    continue;
                }
                if std::mem::take(&mut pending) {
                    out.push(b' ');
                }
                out.push(*byte);
            }
        }
        match String::from_utf8(out) {
            Ok(s) => s.replace('\u{2581}', " ").into_bytes(),
            Err(e) => e.into_bytes(),
        }
    }

    /// Appends the tokens of `text`.
    pub fn encode(&self, text: &str, pieces: &Pieces, out: &mut Vec<u32>) {
        let text = self.normalize(text);
        // The best way to each byte: the sum, where its last token begins, that token.
        let mut ways = vec![(f64::NEG_INFINITY, 0u32, self.unknown); text.len() + 1];
        let mut at = 0;
        if let Some(first) = ways.first_mut() {
            first.0 = 0.0;
        }
        while at < text.len() {
            let rest = text.get(at..).unwrap_or_default();
            let so_far = ways.get(at).map_or(f64::NEG_INFINITY, |w| w.0);
            let char = rest.iter().skip(1).take_while(|b| *b & 0xC0 == 0x80).count() + 1;
            let mut alone = false;
            let mut offer = |len: usize, score: f64, token: u32| {
                if let Some(way) = ways.get_mut(at + len).filter(|w| so_far + score > w.0) {
                    *way = (so_far + score, at as u32, token);
                }
            };
            self.prefixes.walk(pieces, rest, |len, token| {
                alone |= len == char;
                offer(len, self.scores.get(token as usize).copied().map_or(0.0, f64::from), token);
            });
            if !alone {
                offer(char, self.unknown_score, self.unknown);
            }
            at += char;
        }
        let begin = out.len();
        let mut end = text.len();
        while let Some((_, from, token)) = ways.get(end).copied().filter(|_| end > 0) {
            let from = (from as usize).min(end - 1);
            if token != self.unknown {
                out.push(token);
            } else if let Some(table) = &self.bytes {
                let bytes = text.get(from..end).unwrap_or_default().iter().rev();
                out.extend(bytes.filter_map(|b| table.get(usize::from(*b))));
            } else if out.len() == begin || out.last() != Some(&self.unknown) {
                out.push(token);
            }
            end = from;
        }
        if let Some(new) = out.get_mut(begin..) {
            new.reverse();
        }
    }
}

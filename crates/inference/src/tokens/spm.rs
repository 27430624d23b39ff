//! SentencePiece's own byte-pair encoding (Llama 2, Mistral, Gemma, Phi-3): any two neighbours that together are a token
//! may join, the highest score first; characters without a token become byte tokens.

use super::merge::{NONE, merge, symbols};
use super::pieces::{Index, Pieces};

/// Merges by the scores of the tokens.
pub struct Spm {
    /// By token; an order-preserving integer form of the score.
    scores: Vec<i32>,
    bytes: Box<[u32; 256]>,
    unknown: Option<u32>,
}

/// An integer that is ordered as the number is (IEEE 754 totalOrder).
fn ordered(score: f32) -> i32 {
    let bits = score.to_bits() as i32;
    bits ^ (((bits >> 31) as u32) >> 1) as i32
}

impl Spm {
    /// Takes the scores by token, the token of each byte and the one for what has none.
    pub fn new(scores: &[f32], bytes: Box<[u32; 256]>, unknown: Option<u32>) -> Self {
        Self { scores: scores.iter().copied().map(ordered).collect(), bytes, unknown }
    }

    /// Appends the tokens of `text`.
    pub fn encode(&self, text: &str, pieces: &Pieces, index: &Index, out: &mut Vec<u32>) {
        let mut line = Vec::new();
        let token = |from: usize, len: usize| index.get(pieces, text.as_bytes().get(from..from + len)?);
        let chars = text.char_indices().map(|(i, c)| (token(i, c.len_utf8()).unwrap_or(NONE), c.len_utf8()));
        symbols(chars, &mut line);
        merge(&mut line, |a, b| {
            let union = token(a.start as usize, (a.len + b.len) as usize)?;
            Some((self.scores.get(union as usize).copied().unwrap_or(i32::MIN), union))
        });
        for s in line.iter().filter(|s| s.len > 0) {
            if s.token != NONE {
                out.push(s.token);
                continue;
            }
            let bytes = text.as_bytes().get(s.start as usize..(s.start + s.len) as usize).unwrap_or_default();
            let tokens = bytes.iter().map(|b| self.bytes.get(usize::from(*b)).copied().unwrap_or(NONE));
            if tokens.clone().all(|t| t != NONE) {
                out.extend(tokens);
            } else {
                out.extend(self.unknown);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scores_keep_their_order_as_integers() {
        let all = [f32::NEG_INFINITY, -3.5, -1.0, -0.0, 0.0, 1e-9, 2.0, f32::INFINITY];
        assert!(all.windows(2).all(|w| ordered(w[0]) < ordered(w[1])));
    }
}

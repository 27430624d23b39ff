//! Help from an embedder, which lives elsewhere: the texts it should embed, and the cosines read back.

use std::collections::HashMap;

/// How alike two texts are, where an embedder has said.
pub trait Similarity {
    /// Cosine of a sentence and a piece of evidence, -1 to 1; `None` where either was not embedded.
    fn cosine(&self, sentence: &str, evidence: &str) -> Option<f32>;
}

/// No embedder: words alone decide.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoSimilarity;

impl Similarity for NoSimilarity {
    fn cosine(&self, _: &str, _: &str) -> Option<f32> {
        None
    }
}

/// Texts with their embeddings, made in one batch from `texts_wanted`.
#[derive(Debug, Clone, Default)]
pub struct Embedded {
    vectors: HashMap<String, Vec<f32>>,
}

impl Embedded {
    /// Pairs texts with their vectors, in order; the vectors need not be normalized.
    pub fn new(texts: Vec<String>, vectors: Vec<Vec<f32>>) -> Self {
        Self { vectors: texts.into_iter().zip(vectors).collect() }
    }
}

impl Similarity for Embedded {
    fn cosine(&self, sentence: &str, evidence: &str) -> Option<f32> {
        cosine(self.vectors.get(sentence)?, self.vectors.get(evidence)?)
    }
}

/// Cosine of two vectors; `None` where their lengths differ or one is zero.
pub(crate) fn cosine(a: &[f32], b: &[f32]) -> Option<f32> {
    if a.len() != b.len() {
        return None;
    }
    let (mut dot, mut aa, mut bb) = (0.0f32, 0.0f32, 0.0f32);
    for (x, y) in a.iter().zip(b) {
        dot += x * y;
        aa += x * x;
        bb += y * y;
    }
    let norm = (aa * bb).sqrt();
    (norm > 0.0 && norm.is_finite()).then(|| (dot / norm).clamp(-1.0, 1.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cosines_are_read_back_by_text() {
        let known = Embedded::new(vec!["a".into(), "b".into()], vec![vec![2.0, 0.0], vec![0.0, 3.0]]);
        assert_eq!(known.cosine("a", "b"), Some(0.0));
        assert_eq!(known.cosine("a", "a"), Some(1.0));
        assert_eq!(known.cosine("a", "c"), None);
        assert_eq!(cosine(&[0.0], &[0.0]), None);
    }
}

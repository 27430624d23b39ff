//! BM25 as SQLite's FTS5 counts it (k1 1.2, b 0.75), over terms from the room's tokenizer: a stand-in for the store.

use hearth_retrieval::Query;
use std::collections::HashMap;

pub struct Index {
    postings: HashMap<String, Vec<(u32, u32)>>,
    lengths: Vec<u32>,
    mean: f64,
}

impl Index {
    pub fn new<'a>(documents: impl Iterator<Item = &'a str>) -> Self {
        let mut postings: HashMap<String, Vec<(u32, u32)>> = HashMap::new();
        let mut lengths = Vec::new();
        for (at, text) in documents.enumerate() {
            let mut counts: HashMap<&str, u32> = HashMap::new();
            let mut length = 0;
            for term in text.split(' ') {
                *counts.entry(term).or_default() += 1;
                length += 1;
            }
            lengths.push(length);
            for (term, count) in counts {
                postings.entry(term.to_owned()).or_default().push((at as u32, count));
            }
        }
        let mean = lengths.iter().map(|l| f64::from(*l)).sum::<f64>() / lengths.len().max(1) as f64;
        Self { postings, lengths, mean }
    }

    /// The best `k` documents with their scores; `within` keeps some out before the cut.
    pub fn search(&self, query: &Query, k: usize, within: &dyn Fn(usize) -> bool) -> Vec<(usize, f32)> {
        let mut scores: HashMap<u32, f64> = HashMap::new();
        let all = self.lengths.len() as f64;
        for term in &query.terms {
            let Some(found) = self.postings.get(&term.text) else { continue };
            let held = found.len() as f64;
            let idf = ((all - held + 0.5) / (held + 0.5)).ln().max(1e-6);
            for (at, count) in found {
                let (tf, length) = (f64::from(*count), f64::from(self.lengths[*at as usize]));
                let part = idf * tf * 2.2 / (tf + 1.2 * (0.25 + 0.75 * length / self.mean));
                *scores.entry(*at).or_default() += part * f64::from(term.weight);
            }
        }
        let mut best: Vec<(usize, f32)> =
            scores.into_iter().map(|(at, score)| (at as usize, score as f32)).filter(|(at, _)| within(*at)).collect();
        best.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        best.truncate(k);
        best
    }
}

//! Figures of what was found against what was expected. Pure.

use std::collections::HashMap;
use std::hash::Hash;

/// nDCG@`k` and recall@`k` of an order of grades (0: not relevant), where `all` are the grades of everything relevant.
/// nDCG after Järvelin and Kekäläinen 2002 with linear gain, as trec_eval counts it.
pub(super) fn ndcg_recall(order: &[f64], all: &[f64], k: usize) -> (f64, f64) {
    let gain = |grades: &[f64]| -> f64 {
        grades.iter().take(k).enumerate().map(|(at, grade)| grade / (at as f64 + 2.0).log2()).sum()
    };
    let mut ideal = all.to_vec();
    ideal.sort_by(|a, b| b.total_cmp(a));
    let hits = order.iter().take(k).filter(|grade| **grade > 0.0).count();
    let best = gain(&ideal);
    if best <= 0.0 { (0.0, 0.0) } else { (gain(order) / best, hits as f64 / all.len() as f64) }
}

/// The chance that one of `high` stands above one of `low` (ties count half): the area under the ROC curve.
pub(super) fn auc(high: &[f64], low: &[f64]) -> f64 {
    let pairs = (high.len() * low.len()) as f64;
    let wins: f64 = high
        .iter()
        .flat_map(|h| {
            low.iter().map(move |l| {
                if h > l {
                    1.0
                } else if h == l {
                    0.5
                } else {
                    0.0
                }
            })
        })
        .sum();
    if pairs > 0.0 { wins / pairs } else { f64::NAN }
}

/// Words of letters and digits, small. Marks of Markdown and of comments are none.
pub(super) fn words(text: &str) -> Vec<String> {
    let mut plain = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("<!--") {
        plain.push_str(before);
        plain.push(' ');
        rest = after.split_once("-->").map_or("", |(_, behind)| behind);
    }
    plain.push_str(rest);
    for (mark, c) in [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&amp;", "&")] {
        if plain.contains(mark) {
            plain = plain.replace(mark, c);
        }
    }
    // The underscore is a letter of identifiers, and Markdown writes it with a stroke before it.
    let plain = plain.replace("\\_", "_");
    let word = |c: char| c.is_alphanumeric() || c == '_';
    plain.split(|c| !word(c)).filter(|w| !w.is_empty()).map(str::to_lowercase).collect()
}

fn counts<T: Eq + Hash>(items: impl Iterator<Item = T>) -> HashMap<T, usize> {
    let mut counts = HashMap::new();
    items.for_each(|item| *counts.entry(item).or_default() += 1);
    counts
}

/// How many items two bags share.
fn shared<T: Eq + Hash>(a: &HashMap<T, usize>, b: &HashMap<T, usize>) -> usize {
    a.iter().map(|(item, n)| (*n).min(b.get(item).copied().unwrap_or(0))).sum()
}

/// F1 of two bags of words; 1 where both are empty.
pub(super) fn token_f1(got: &[String], want: &[String]) -> f64 {
    if got.is_empty() && want.is_empty() {
        return 1.0;
    }
    let both = shared(&counts(got.iter()), &counts(want.iter()));
    2.0 * both as f64 / (got.len() + want.len()) as f64
}

/// How alike two texts are in order: twice the longest common subsequence of words over both lengths; 1 where both are
/// empty.
pub(super) fn order(got: &[String], want: &[String]) -> f64 {
    let all = got.len() + want.len();
    if all == 0 {
        return 1.0;
    }
    // Words as numbers: comparing them is the inner loop.
    let mut ids: HashMap<&str, u32> = HashMap::new();
    let mut number = |word| {
        let next = ids.len() as u32;
        *ids.entry(word).or_insert(next)
    };
    let a: Vec<u32> = got.iter().map(|word| number(word.as_str())).collect();
    let b: Vec<u32> = want.iter().map(|word| number(word.as_str())).collect();
    let mut row = vec![0u32; b.len() + 1];
    for x in &a {
        let mut before = 0;
        let mut left = 0;
        for (y, cell) in b.iter().zip(row.iter_mut().skip(1)) {
            let above = *cell;
            left = if x == y { before + 1 } else { above.max(left) };
            *cell = left;
            before = above;
        }
    }
    2.0 * f64::from(row.last().copied().unwrap_or(0)) / all as f64
}

/// Precision and recall of runs of four words, as the article extraction benchmark of Scrapinghub counts them.
pub(super) fn four_words(got: &str, want: &str) -> (f64, f64) {
    let (got, want) = (words(got), words(want));
    let runs = |words: &[String]| -> HashMap<Vec<String>, usize> {
        if words.is_empty() {
            HashMap::new()
        } else {
            let run = words.len().min(4);
            counts(words.windows(run).map(<[String]>::to_vec))
        }
    };
    let (a, b) = (runs(&got), runs(&want));
    let both = shared(&a, &b) as f64;
    let share = |of: &HashMap<Vec<String>, usize>| {
        let all: usize = of.values().sum();
        if all == 0 { if a.is_empty() && b.is_empty() { 1.0 } else { 0.0 } } else { both / all as f64 }
    };
    (share(&a), share(&b))
}

/// The mean; not a number without values.
pub(super) fn mean(values: &[f64]) -> f64 {
    values.iter().sum::<f64>() / values.len() as f64
}

#[cfg(test)]
mod tests {
    use super::*;

    fn near(a: f64, b: f64) {
        assert!((a - b).abs() < 1e-9, "{a} is not {b}");
    }

    #[test]
    fn places_count_by_their_logarithm() {
        let (ndcg, recall) = ndcg_recall(&[0.0, 1.0, 0.0], &[1.0, 1.0], 10);
        near(ndcg, (1.0 / 3f64.log2()) / (1.0 + 1.0 / 3f64.log2()));
        near(recall, 0.5);
        assert_eq!(ndcg_recall(&[2.0, 1.0], &[1.0, 2.0], 10), (1.0, 1.0));
        assert_eq!(ndcg_recall(&[1.0], &[], 10), (0.0, 0.0));
    }

    #[test]
    fn areas_texts_and_runs() {
        near(auc(&[3.0, 2.0], &[1.0, 2.0]), 0.875);
        assert!(auc(&[], &[1.0]).is_nan());
        let (a, b) = (words("The **cat** sat. <!-- image --> R&amp;D"), words("the cat SAT r d"));
        assert_eq!(a, b);
        let (c, d) = (words("one two three four"), words("two one three five"));
        near(token_f1(&c, &d), 0.75);
        near(order(&c, &d), 0.5);
        assert_eq!((token_f1(&[], &[]), order(&[], &a)), (1.0, 0.0));
        assert_eq!(four_words("a b c d e", "a b c d"), (0.5, 1.0));
        assert_eq!((four_words("", ""), four_words("a", "")), ((1.0, 1.0), (0.0, 0.0)));
    }
}

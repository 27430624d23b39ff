//! A reranker's scores -> a new order. The reranker has read question and passage together, so its order stands over the
//! one of `rank`; whether anything is relevant at all stays what `rank` said.

use crate::candidate::{Ranking, Reranked};

/// Orders the first passages of a ranking by the scores that a reranker gave them, one for each from the first on; where
/// it scored fewer, the others follow as they stood. Near-duplicates stay behind. A score that is no number stands last.
/// At most `limit` passages are kept. Deterministic: equal scores stand as they stood.
pub fn reorder(ranking: Ranking, scores: &[f32], limit: usize) -> Ranking {
    let Ranking { mut passages, relevant } = ranking;
    for (before, (ranked, score)) in passages.iter_mut().zip(scores).enumerate() {
        ranked.why.reranked = Some(Reranked { before: before as u32, score: share(*score) });
    }
    let scored = scores.len().min(passages.len());
    let mut rest = passages.split_off(scored);
    let place = |of: Option<Reranked>| of.map_or(f32::NEG_INFINITY, |r| r.score);
    passages.sort_by(|a, b| {
        let worse = a.why.duplicate.cmp(&b.why.duplicate);
        worse.then_with(|| place(b.why.reranked).total_cmp(&place(a.why.reranked)))
    });
    // What was not scored goes before the near-duplicates that were.
    let first = passages.iter().position(|r| r.why.duplicate).unwrap_or(passages.len());
    let again = passages.split_off(first);
    let others = rest.iter().position(|r| r.why.duplicate).unwrap_or(rest.len());
    let others_again = rest.split_off(others);
    passages.extend(rest);
    passages.extend(again);
    passages.extend(others_again);
    passages.truncate(limit);
    Ranking { passages, relevant }
}

/// A score as a share: 0.5 where the reranker is undecided.
fn share(score: f32) -> f32 {
    if score.is_nan() { 0.0 } else { 1.0 / (1.0 + (-score).exp()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::candidate::{Candidate, Ranked, Why};
    use hearth_domain::{DocumentId, PassageId, VersionId};

    fn ranking(duplicates: &[bool]) -> Ranking {
        let one = |(at, duplicate): (usize, &bool)| Ranked {
            candidate: Candidate {
                passage: PassageId(at as i64),
                document: DocumentId(1),
                version: VersionId(1),
                page: 0,
                start: 0,
                end: 0,
                title: String::new(),
                context: Vec::new(),
                text: String::new(),
                lexical: None,
                vector: None,
                embedding: None,
            },
            score: 0.9 - at as f32 / 10.0,
            why: Why { duplicate: *duplicate, ..Why::default() },
        };
        Ranking { passages: duplicates.iter().enumerate().map(one).collect(), relevant: true }
    }

    fn order(duplicates: &[bool], scores: &[f32], limit: usize) -> Vec<i64> {
        let ranking = reorder(ranking(duplicates), scores, limit);
        assert!(ranking.relevant);
        ranking.passages.iter().map(|r| r.candidate.passage.0).collect()
    }

    #[test]
    fn scores_order_what_was_scored_and_the_rest_follows() {
        assert_eq!(order(&[false; 4], &[-2.0, 3.0, 0.5, 3.0], 10), [1, 3, 2, 0]);
        assert_eq!(order(&[false; 4], &[-2.0, 3.0], 10), [1, 0, 2, 3]);
        assert_eq!(order(&[false; 4], &[-2.0, 3.0, 9.0, 1.0], 2), [2, 1]);
        assert_eq!(order(&[false; 3], &[f32::NAN, -50.0, f32::NEG_INFINITY], 3), [1, 0, 2]);
        assert_eq!(order(&[false; 2], &[1.0, 2.0, 3.0], 5), [1, 0]);
        assert_eq!(order(&[false; 3], &[], 2), [0, 1]);
    }

    #[test]
    fn near_duplicates_stay_behind() {
        assert_eq!(order(&[false, false, true], &[0.0, 1.0, 9.0], 5), [1, 0, 2]);
        assert_eq!(order(&[false, false, false, true], &[0.0, 1.0], 5), [1, 0, 2, 3]);
    }

    #[test]
    fn the_place_before_and_the_score_are_told() {
        let ranking = reorder(ranking(&[false, false]), &[0.0, 2.0], 5);
        let why: Vec<_> = ranking.passages.iter().map(|r| r.why.reranked.unwrap()).collect();
        assert_eq!((why[0].before, why[1].before), (1, 0));
        assert!((why[0].score - 0.880_797).abs() < 1e-5 && why[1].score == 0.5);
    }
}

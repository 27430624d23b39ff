//! Candidates of both searches -> one order with one score. Fusion by evidence, not by rank alone: what each search says
//! is weighed by how far it can be believed on this question, and the words themselves are read again.

use crate::amounts;
use crate::candidate::{Candidate, RankOptions, Ranked, Ranking, Why};
use crate::evidence::{Lookup, Reading};
use crate::query::{Ask, Query};
use crate::similarity::cosine;
use std::collections::HashSet;

/// Passages come back at most this many where no limit is given.
const DEFAULT_LIMIT: usize = 12;
/// A score below this is no evidence: nothing relevant was found.
pub const FLOOR: f32 = 0.2;
/// A cosine at or below this says nothing: the vectors are as good as orthogonal.
const COSINE_NOISE: f32 = 0.2;

/// What a term that every candidate has weighs beside one that a single one has.
const LEAST_RARE: f32 = 0.4;

/// What is left of a passage's score where its document has a later revision, or a later one of its series is asked for.
const SUPERSEDED: f32 = 0.6;

/// What a passage without a figure loses, in logits, where the question asks for an amount outright.
const WITHOUT_AMOUNTS: f32 = 1.5;

/// Orders candidates. Each passage of the input is scored once, also where both searches found it (the caller may give
/// it twice or merged). Deterministic: equal scores stand by document, page and place.
pub fn rank(query: &Query, candidates: Vec<Candidate>, options: &RankOptions) -> Ranking {
    let candidates = merge(candidates);
    let mut lookup = Lookup::new(query);
    let bodies: Vec<Reading> = candidates.iter().map(|c| Reading::new(&c.text, query, &lookup)).collect();
    let heads: Vec<Reading> = candidates.iter().map(|c| Reading::new(&head(c), query, &lookup)).collect();
    weigh_by_rarity(&mut lookup, &bodies, &heads);
    let cosines: Vec<Option<f32>> = candidates.iter().map(|c| cosine_of(c, options)).collect();
    let lexical = lexical_shares(&candidates, &bodies, &heads, &lookup);
    let meaning = Meaning::of(&cosines, if options.multilingual_embedder { 1.0 } else { query.english });

    let mut ranked: Vec<Ranked> = Vec::with_capacity(candidates.len());
    for ((((candidate, body), head), cosine), lexical) in
        candidates.into_iter().zip(bodies).zip(heads).zip(cosines).zip(lexical)
    {
        let held = |at: usize| body.has(at) || head.has(at);
        let why = Why {
            lexical_rank: candidate.lexical.map(|found| found.rank),
            vector_rank: candidate.vector.map(|found| found.rank),
            lexical,
            cosine,
            matched_terms: query
                .terms
                .iter()
                .enumerate()
                .filter(|(at, _)| held(*at))
                .map(|(_, t)| t.text.clone())
                .collect(),
            coverage: lookup.share(held),
            title_match: lookup.share(|at| head.has(at)),
            proximity: body.proximity(&lookup),
            phrases: body.phrases.max(head.phrases),
            duplicate: false,
            superseded: options.superseded.contains(&candidate.document)
                && !options.named.contains(&candidate.document),
            earlier: options.earlier.contains(&candidate.document) && !options.named.contains(&candidate.document),
            amounts: None,
            reranked: None,
        };
        let score = score(&why, &meaning, body.length);
        ranked.push(Ranked { candidate, score, why });
    }
    best_first(&mut ranked);
    let named = |r: &Ranked| options.named.contains(&r.candidate.document);
    let asks_whole = matches!(query.kind, Ask::Summarise);
    let relevant = ranked.iter().any(|r| r.score >= FLOOR || named(r) && (asks_whole || r.score >= FLOOR * 0.5));
    let limit = if options.limit == 0 { DEFAULT_LIMIT } else { options.limit };
    crate::second::look_again(&mut ranked, &query.text, options.query_embedding.as_deref(), meaning.belief, FLOOR);
    lower_without_amounts(&mut ranked, amounts::wanted(&query.text));
    // After what bears on the question was decided: a revision that is out of date still may be all that says it.
    for r in ranked.iter_mut().filter(|r| r.why.superseded || r.why.earlier) {
        r.score *= SUPERSEDED;
    }
    best_first(&mut ranked);
    Ranking { passages: spread(ranked, limit), relevant }
}

/// Passages that state no amounts stand lower where the question asks for one.
fn lower_without_amounts(ranked: &mut [Ranked], wanted: f32) {
    if wanted <= 0.0 {
        return;
    }
    for r in ranked.iter_mut().filter(|r| r.score > 0.0) {
        let stated = amounts::stated(&r.candidate.text);
        r.why.amounts = Some(stated);
        let odds = (r.score / (1.0 - r.score).max(1e-6)) * (-WITHOUT_AMOUNTS * wanted * (1.0 - stated)).exp();
        r.score = odds / (1.0 + odds);
    }
}

/// Equal scores stand by document, page and place.
fn best_first(ranked: &mut [Ranked]) {
    ranked.sort_by(|a, b| {
        let place = |r: &Ranked| (r.candidate.document, r.candidate.version, r.candidate.page, r.candidate.start);
        b.score.total_cmp(&a.score).then_with(|| place(a).cmp(&place(b)))
    });
}

/// One entry per passage, with what either search said of it.
fn merge(candidates: Vec<Candidate>) -> Vec<Candidate> {
    let mut merged: Vec<Candidate> = Vec::with_capacity(candidates.len());
    let mut places = std::collections::HashMap::new();
    for candidate in candidates {
        match places.get(&candidate.passage).and_then(|at: &usize| merged.get_mut(*at)) {
            Some(known) => {
                known.lexical = known.lexical.or(candidate.lexical);
                known.vector = known.vector.or(candidate.vector);
                known.embedding = known.embedding.take().or(candidate.embedding);
            }
            None => {
                places.insert(candidate.passage, merged.len());
                merged.push(candidate);
            }
        }
    }
    merged
}

fn head(candidate: &Candidate) -> String {
    let mut head = candidate.title.clone();
    for heading in &candidate.context {
        head.push('\n');
        head.push_str(heading);
    }
    head
}

/// Rare terms count for more. How rare they are is taken from the candidates, which are all about the question already, so
/// the difference is damped. (Counts of the whole store order no set of the evaluation better.)
fn weigh_by_rarity(lookup: &mut Lookup, bodies: &[Reading], heads: &[Reading]) {
    let all = bodies.len() as f32;
    for (at, weight) in lookup.weights.iter_mut().enumerate() {
        let held = bodies.iter().zip(heads).filter(|(body, head)| body.has(at) || head.has(at)).count() as f32;
        let rarity = (1.0 + (all - held + 0.5).max(0.0) / (held + 0.5)).ln() / (2.0 + 2.0 * all).ln();
        *weight *= LEAST_RARE + (1.0 - LEAST_RARE) * rarity;
    }
}

/// The vector search's own cosine, or the one that the embeddings at hand give: one meaning on every path.
fn cosine_of(candidate: &Candidate, options: &RankOptions) -> Option<f32> {
    let own = match (&options.query_embedding, &candidate.embedding) {
        (Some(query), Some(passage)) => cosine(query, passage),
        _ => None,
    };
    own.or(candidate.vector.map(|found| found.score)).filter(|c| c.is_finite())
}

/// BM25 as a share of the best: the store's where it gave one, and our own count over the candidates for the others.
fn lexical_shares(candidates: &[Candidate], bodies: &[Reading], heads: &[Reading], lookup: &Lookup) -> Vec<f32> {
    const K1: f32 = 1.2;
    const B: f32 = 0.75;
    let mean = (bodies.iter().zip(heads).map(|(b, h)| b.length + h.length).sum::<usize>() as f32
        / bodies.len().max(1) as f32)
        .max(1.0);
    let own: Vec<f32> = bodies
        .iter()
        .zip(heads)
        .map(|(body, head)| {
            let length = (body.length + head.length) as f32;
            lookup
                .weights
                .iter()
                .enumerate()
                .map(|(at, weight)| {
                    let count = |r: &Reading| r.counts.get(at).copied().unwrap_or(0) as f32;
                    let tf = count(body) + count(head);
                    weight * tf * (K1 + 1.0) / (tf + K1 * (1.0 - B + B * length / mean))
                })
                .sum()
        })
        .collect();
    let best_own = own.iter().copied().fold(f32::MIN_POSITIVE, f32::max);
    let best_given =
        candidates.iter().filter_map(|c| c.lexical).map(|found| found.score).fold(f32::MIN_POSITIVE, f32::max);
    let least_given = candidates.iter().filter_map(|c| c.lexical).map(|found| found.score).fold(best_given, f32::min);
    own.iter()
        .zip(candidates)
        .map(|(own, candidate)| {
            let own = own / best_own;
            match candidate.lexical {
                Some(found) => (found.score / best_given).clamp(0.0, 1.0),
                // Full text left it out, so it is no better than the last one it gave.
                None => own.min((least_given / best_given).clamp(0.0, 1.0)),
            }
        })
        .collect()
}

/// What the vectors of one question come to.
struct Meaning {
    /// How far they are believed, 0 to 1.
    belief: f32,
    best: f32,
    /// What a passage has at most that the vector search left out.
    least: f32,
}

impl Meaning {
    fn of(cosines: &[Option<f32>], belief: f32) -> Self {
        let known = || cosines.iter().flatten().copied();
        let belief = if known().next().is_some() { belief } else { 0.0 };
        Self { belief, best: known().fold(f32::MIN, f32::max), least: known().fold(1.0, f32::min) }
    }
}

/// How surely a passage bears on the question. A logistic model over the evidence; weights in its own terms, so that a
/// passage found by one search alone is held against the same scale. The best match of a question whose words hardly
/// stand anywhere is still a poor one: the share of the best is worth only as much as the share of the question.
fn score(why: &Why, meaning: &Meaning, length: usize) -> f32 {
    let cosine = why.cosine.unwrap_or(meaning.least);
    if why.coverage <= 0.0 && cosine.min(why.cosine.unwrap_or(0.0)) <= COSINE_NOISE {
        return 0.0;
    }
    let words = 2.6 * why.lexical * (0.5 + 0.5 * why.coverage)
        + 2.0 * why.coverage
        + 0.6 * why.title_match
        + 0.6 * why.phrases
        + 0.8 * why.proximity;
    let doubt = 1.0 - meaning.belief;
    // The vector of a short passage says less: one echoed word moves it far.
    let trust = 4.5 + 2.5 * (length as f32 / 100.0).min(1.0);
    let near = if meaning.belief > 0.0 { trust * (cosine - 0.35 + (cosine - meaning.best).max(-0.5)) } else { 0.0 };
    let z = -3.8 - 0.7 * doubt + words * (1.0 + 0.3 * doubt) + meaning.belief * near;
    1.0 / (1.0 + (-z).exp())
}

/// The best passages, each saying something new; near-duplicates stand after them.
fn spread(ranked: Vec<Ranked>, limit: usize) -> Vec<Ranked> {
    let mut kept: Vec<(Ranked, HashSet<u64>)> = Vec::with_capacity(limit);
    let mut again: Vec<Ranked> = Vec::new();
    for mut candidate in ranked {
        if kept.len() >= limit {
            break;
        }
        let shingles = shingles(&candidate.candidate.text);
        if kept.iter().any(|(_, known)| alike(known, &shingles)) {
            candidate.why.duplicate = true;
            again.push(candidate);
        } else {
            kept.push((candidate, shingles));
        }
    }
    let mut spread: Vec<Ranked> = kept.into_iter().map(|(candidate, _)| candidate).collect();
    again.truncate(limit.saturating_sub(spread.len()));
    spread.extend(again);
    spread
}

/// Hashes of runs of four words (of the characters, where there are no spaces).
fn shingles(text: &str) -> HashSet<u64> {
    use std::hash::{DefaultHasher, Hash, Hasher};
    let words: Vec<&str> = text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let hash = |run: &[&str]| {
        let mut hasher = DefaultHasher::new();
        run.iter().for_each(|word| word.to_lowercase().hash(&mut hasher));
        hasher.finish()
    };
    if words.len() < 4 { std::iter::once(hash(&words)).collect() } else { words.windows(4).map(hash).collect() }
}

fn alike(a: &HashSet<u64>, b: &HashSet<u64>) -> bool {
    let (small, large) = if a.len() <= b.len() { (a, b) } else { (b, a) };
    // Sizes far apart cannot be alike.
    if small.len() * 10 < large.len() * 8 {
        return false;
    }
    let both = small.iter().filter(|hash| large.contains(hash)).count();
    both * 10 >= (small.len() + large.len() - both) * 8
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::abstain::abstain;
    use crate::candidate::Scored;
    use crate::query::understand;
    use crate::quotes::quotes;
    use hearth_domain::{DocumentId, PassageId, VersionId};

    fn candidate(id: i64, title: &str, text: &str, lexical: Option<f32>, vector: Option<f32>) -> Candidate {
        let scored = |score: f32| Scored { rank: 0, score };
        Candidate {
            passage: PassageId(id),
            document: DocumentId(id),
            version: VersionId(id),
            page: 2,
            start: 100,
            end: 100 + text.len() as u32,
            title: title.to_owned(),
            context: Vec::new(),
            text: text.to_owned(),
            lexical: lexical.map(scored),
            vector: vector.map(scored),
            embedding: None,
        }
    }

    fn order(question: &str, candidates: Vec<Candidate>, options: &RankOptions) -> (Vec<i64>, bool) {
        let ranking = rank(&understand(question, &[]), candidates, options);
        (ranking.passages.iter().map(|p| p.candidate.passage.0).collect(), ranking.relevant)
    }

    #[test]
    fn an_orthogonal_vector_never_passes_the_floor() {
        for cosine in [0.0, 0.05, -0.4, f32::NAN] {
            let far = candidate(1, "", "The cat sat on the mat.", None, Some(cosine));
            let ranking = rank(&understand("What is the notice period?", &[]), vec![far], &RankOptions::default());
            assert!(!ranking.relevant);
            assert_eq!(ranking.passages.first().map(|p| p.score), Some(0.0));
        }
    }

    #[test]
    fn nothing_relevant_is_an_answer_that_names_what_is_missing() {
        let query = understand("What is the parental leave allowance at Borealis?", &[]);
        let weak = candidate(1, "", "Borealis moved its office in spring.", Some(2.0), Some(0.1));
        let ranking = rank(&query, vec![weak], &RankOptions::default());
        let reason = abstain(&query, &ranking);
        assert!(!ranking.relevant && quotes(&query, &ranking, 3).is_empty());
        assert_eq!(reason.map(|r| r.missing), Some(vec!["parental".into(), "leave".into(), "allowance".into()]));
    }

    #[test]
    fn an_exact_identifier_beats_what_is_merely_alike() {
        let alike =
            candidate(1, "", "Part D3-15 is described here with its drawing and tolerances.", Some(3.0), Some(0.62));
        let exact = candidate(2, "", "Part D3-14: housing, cast.", Some(4.0), Some(0.4));
        assert_eq!(order("where is part D3-14", vec![alike, exact], &RankOptions::default()).0.first(), Some(&2));
    }

    #[test]
    fn a_title_is_found_and_an_english_embedder_is_not_believed_in_other_scripts() {
        let titled = candidate(1, "Mietvertrag Hamburg", "Die Frist beträgt drei Monate.", Some(3.0), None);
        let other = candidate(2, "Notizen", "Die Frist ist noch offen.", Some(1.5), Some(0.5));
        assert_eq!(
            order("Welche Frist hat der Mietvertrag Hamburg?", vec![other, titled], &RankOptions::default()).0,
            [1, 2]
        );
        let said = candidate(3, "", "合同的通知期为三个月。", Some(5.0), Some(0.1));
        let noise = candidate(4, "", "天气很好。", None, Some(0.9));
        assert_eq!(order("合同的通知期是多久？", vec![noise, said], &RankOptions::default()).0, [3, 4]);
    }

    #[test]
    fn a_passage_found_twice_is_one_and_near_duplicates_stand_last() {
        let text = "The notice period of the lease is three months to the end of a quarter, in writing.";
        let first = candidate(1, "", text, Some(5.0), None);
        let again = candidate(1, "", text, None, Some(0.7));
        let copy = candidate(2, "", text, Some(5.0), Some(0.7));
        let other = candidate(3, "", "A notice of termination ends the lease after its period.", Some(2.0), Some(0.5));
        let (order, relevant) =
            order("What is the notice period of the lease?", vec![first, again, copy, other], &RankOptions::default());
        assert_eq!((order, relevant), (vec![1, 3, 2], true));
    }

    #[test]
    fn the_later_revision_comes_first_unless_the_earlier_is_named() {
        let earlier = candidate(1, "Lease v1", "The notice period is two months, in writing.", Some(5.0), Some(0.71));
        let after = candidate(2, "Lease v2", "The notice period is three months, in writing.", Some(5.0), Some(0.7));
        let question = "What is the notice period?";
        let both = vec![earlier, after];
        let superseded = HashSet::from([DocumentId(1)]);
        let options = RankOptions { superseded: superseded.clone(), ..RankOptions::default() };
        assert_eq!(order(question, both.clone(), &RankOptions::default()).0, [1, 2]);
        assert_eq!(order(question, both.clone(), &options).0, [2, 1]);
        let named = RankOptions { superseded, named: vec![DocumentId(1)], ..RankOptions::default() };
        assert_eq!(order(question, both, &named).0, [1, 2]);
    }

    #[test]
    fn a_question_for_an_amount_is_answered_by_what_states_one() {
        let prose =
            candidate(1, "", "Revenue of the mill is recognized when flour is delivered.", Some(5.0), Some(0.7));
        let table = candidate(2, "", "Revenue of the mill\t39,669\t40,665\t51,334\t65,775", Some(4.6), Some(0.66));
        let both = vec![prose, table];
        assert_eq!(
            order("When is the revenue of the mill recognized?", both.clone(), &RankOptions::default()).0,
            [1, 2]
        );
        assert_eq!(order("How much is the revenue of the mill?", both, &RankOptions::default()).0, [2, 1]);
    }

    #[test]
    fn where_the_latest_is_asked_for_what_came_before_stands_behind() {
        let before = candidate(1, "2022 report", "The mill ground 900 sacks.", Some(5.0), Some(0.71));
        let after = candidate(2, "2023 report", "The mill ground 950 sacks.", Some(5.0), Some(0.7));
        let options = RankOptions { earlier: HashSet::from([DocumentId(1)]), ..RankOptions::default() };
        assert_eq!(order("What did the mill grind in the latest report?", vec![before, after], &options).0, [2, 1]);
    }
}

//! Candidates of both searches -> one order with one score. Fusion by evidence, not by rank alone: what each search says
//! is weighed by how far it can be believed on this question, and the words themselves are read again.

use crate::candidate::{Candidate, RankOptions, Ranked, Ranking, Why};
use crate::evidence::{Lookup, Reading};
use crate::query::{Ask, Query};
use crate::similarity::cosine;
use std::collections::HashSet;

/// Passages come back at most this many where no limit is given.
const DEFAULT_LIMIT: usize = 12;
/// A score below this is no evidence: nothing relevant was found.
const FLOOR: f32 = 0.22;
/// A cosine at or below this says nothing: the vectors are as good as orthogonal.
const COSINE_NOISE: f32 = 0.2;

/// Orders candidates. Each passage of the input is scored once, also where both searches found it (the caller may give
/// it twice or merged). Deterministic: equal scores stand by document, page and place.
pub fn rank(query: &Query, candidates: Vec<Candidate>, options: &RankOptions) -> Ranking {
    let candidates = merge(candidates);
    let mut lookup = Lookup::new(query);
    let bodies: Vec<Reading> = candidates.iter().map(|c| Reading::new(&c.text, query, &lookup)).collect();
    let heads: Vec<Reading> = candidates.iter().map(|c| Reading::new(&head(c), query, &lookup)).collect();
    weigh_by_rarity(&mut lookup, &bodies, &heads, options);
    let cosines: Vec<Option<f32>> = candidates.iter().map(|c| cosine_of(c, options)).collect();
    let lexical = lexical_shares(&candidates, &bodies, &heads, &lookup);
    let best_cosine = cosines.iter().flatten().copied().fold(f32::MIN, f32::max);
    let belief = if options.multilingual_embedder { 1.0 } else { query.english };

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
        };
        let score = score(&why, belief, best_cosine);
        ranked.push(Ranked { candidate, score, why });
    }
    ranked.sort_by(|a, b| {
        let place = |r: &Ranked| (r.candidate.document, r.candidate.version, r.candidate.page, r.candidate.start);
        b.score.total_cmp(&a.score).then_with(|| place(a).cmp(&place(b)))
    });
    let named = |r: &Ranked| options.named.contains(&r.candidate.document);
    let asks_whole = matches!(query.kind, Ask::Summarise);
    let relevant = ranked.iter().any(|r| r.score >= FLOOR || named(r) && (asks_whole || r.score >= FLOOR * 0.5));
    let limit = if options.limit == 0 { DEFAULT_LIMIT } else { options.limit };
    Ranking { passages: spread(ranked, limit), relevant }
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

/// Rare terms count for more. From the store's counts where given; else from the candidates, which are all about the
/// question already, so the difference is damped.
fn weigh_by_rarity(lookup: &mut Lookup, bodies: &[Reading], heads: &[Reading], options: &RankOptions) {
    let pool = bodies.len() as f32;
    let rarity: Vec<f32> = (0..lookup.weights.len())
        .map(|at| {
            let here = bodies.iter().zip(heads).filter(|(body, head)| body.has(at) || head.has(at)).count() as f32;
            (1.0 + (pool - here + 0.5) / (here + 0.5)).ln() / (1.0 + (pool + 0.5) / 0.5).ln()
        })
        .collect();
    for (weight, rarity) in lookup.weights.iter_mut().zip(rarity) {
        *weight *= 0.4 + 0.6 * rarity;
    }
    let _ = options;
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

/// How surely a passage bears on the question. A logistic model over the evidence; weights in its own terms, so that a
/// passage found by one search alone is held against the same scale.
fn score(why: &Why, belief: f32, best_cosine: f32) -> f32 {
    let cosine = why.cosine.unwrap_or(0.0);
    if why.coverage <= 0.0 && cosine <= COSINE_NOISE {
        return 0.0;
    }
    let near = if why.cosine.is_some() { (cosine - best_cosine).max(-0.5) } else { -0.3 };
    let words =
        2.2 * why.lexical + 2.4 * why.coverage + 0.6 * why.title_match + 0.6 * why.phrases + 0.8 * why.proximity;
    let meaning = 5.0 * (cosine - 0.35) + 5.0 * near;
    let z = -4.0 + words * (1.0 + 0.4 * (1.0 - belief)) + belief * meaning;
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

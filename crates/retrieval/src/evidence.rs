//! Where the terms of a query stand in a text: the counting that ranking and quoting share.

use crate::query::Query;
use crate::terms::tokens;
use std::collections::HashMap;

/// The terms of a query, ready to be looked up, with how much each says.
pub(crate) struct Lookup<'a> {
    places: HashMap<&'a str, usize>,
    prefixes: Vec<(&'a str, usize)>,
    /// By term of the query.
    pub(crate) weights: Vec<f32>,
}

impl<'a> Lookup<'a> {
    /// Weights as the question gives them.
    pub(crate) fn new(query: &'a Query) -> Self {
        let mut places = HashMap::with_capacity(query.terms.len());
        let mut prefixes = Vec::new();
        for (at, term) in query.terms.iter().enumerate() {
            places.insert(term.text.as_str(), at);
            if term.prefix {
                prefixes.push((term.text.as_str(), at));
            }
        }
        Self { places, prefixes, weights: query.terms.iter().map(|term| term.weight).collect() }
    }

    /// The term of the query that a term of a text answers to.
    pub(crate) fn find(&self, term: &str) -> Option<usize> {
        self.places
            .get(term)
            .copied()
            .or_else(|| self.prefixes.iter().find(|(prefix, _)| term.starts_with(prefix)).map(|(_, at)| *at))
    }

    pub(crate) fn total(&self) -> f32 {
        self.weights.iter().sum::<f32>().max(f32::MIN_POSITIVE)
    }

    /// The share of the query's weight that some terms hold.
    pub(crate) fn share(&self, held: impl Fn(usize) -> bool) -> f32 {
        let sum: f32 = self.weights.iter().enumerate().filter(|(at, _)| held(*at)).map(|(_, weight)| weight).sum();
        (sum / self.total()).clamp(0.0, 1.0)
    }
}

/// One text read with a query in mind.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reading {
    /// How many tokens the text has.
    pub(crate) length: usize,
    /// (term of the query, position in tokens), in order.
    pub(crate) hits: Vec<(usize, usize)>,
    /// By term of the query: how often it stands here.
    pub(crate) counts: Vec<u32>,
    /// Share of the phrases that stand here word for word.
    pub(crate) phrases: f32,
}

impl Reading {
    pub(crate) fn new(text: &str, query: &Query, lookup: &Lookup) -> Self {
        let found = tokens(text);
        let mut reading = Self { length: found.len(), counts: vec![0; query.terms.len()], ..Self::default() };
        for (position, token) in found.iter().enumerate() {
            if let Some(at) = lookup.find(&token.term) {
                reading.hits.push((at, position));
                if let Some(count) = reading.counts.get_mut(at) {
                    *count += 1;
                }
            }
        }
        if !query.phrases.is_empty() && !reading.hits.is_empty() {
            let here = query
                .phrases
                .iter()
                .filter(|phrase| {
                    found.windows(phrase.len().max(1)).any(|run| run.iter().map(|t| &t.term).eq(phrase.iter()))
                })
                .count();
            reading.phrases = here as f32 / query.phrases.len() as f32;
        }
        reading
    }

    pub(crate) fn has(&self, term: usize) -> bool {
        self.counts.get(term).is_some_and(|count| *count > 0)
    }

    /// How near each other the terms that stand here stand: the mean over neighbouring terms of the query, each pair
    /// counting 1 when adjacent and falling off with distance. A pair with a missing half counts 0.
    pub(crate) fn proximity(&self, lookup: &Lookup) -> f32 {
        let terms = lookup.weights.len();
        if terms < 2 {
            return if self.has(0) { 1.0 } else { 0.0 };
        }
        let (mut sum, mut weight) = (0.0f32, 0.0f32);
        for first in 0..terms - 1 {
            let second = first + 1;
            let pair = lookup.weights.get(first).unwrap_or(&0.0) + lookup.weights.get(second).unwrap_or(&0.0);
            weight += pair;
            if self.has(first) && self.has(second) {
                let apart = self.apart(first, second) as f32;
                sum += pair / (1.0 + (apart - 1.0).max(0.0) / 5.0);
            }
        }
        if weight > 0.0 { sum / weight } else { 0.0 }
    }

    /// The smallest distance in tokens between two terms.
    fn apart(&self, a: usize, b: usize) -> usize {
        let mut best = usize::MAX;
        let (mut last_a, mut last_b) = (None::<usize>, None::<usize>);
        for (term, position) in &self.hits {
            if *term == a {
                last_a = Some(*position);
            }
            if *term == b {
                last_b = Some(*position);
            }
            if let (Some(a), Some(b)) = (last_a, last_b) {
                best = best.min(a.abs_diff(b).max(1));
            }
        }
        best
    }
}

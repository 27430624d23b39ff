//! A claim laid beside the sources: the sentences and table rows that hold its words, how much of it they hold together,
//! and where they stand. Numbers, names and negations are compared in `verify`.

use crate::claims::{Claim, Source, content};
use crate::figures::{Figures, figures, scale};
use crate::fold::is_word;
use crate::sentences::sentences;
use crate::similarity::Similarity;
use crate::terms::{Token, TokenKind};
use hearth_domain::Span;
use std::collections::{HashMap, HashSet};
use std::ops::Range;

/// A sentence or table row of a source.
#[derive(Debug, Clone)]
pub(crate) struct Unit {
    /// Index of the source.
    pub(crate) source: usize,
    /// Bytes of the source's text.
    pub(crate) range: Range<usize>,
    /// Content terms.
    terms: HashSet<String>,
    /// Heads of the terms, for words that share a root.
    roots: HashSet<String>,
    pub(crate) figures: Figures,
}

/// What stands above and around the units of one source.
pub(crate) struct Head {
    /// The terms of its title, its headings, and the row that names its columns.
    terms: HashSet<String>,
    /// The figures of the same.
    pub(crate) figures: Figures,
    /// What its bare figures are multiplied by.
    pub(crate) scale: f64,
}

/// All units of some sources, with how rare each term is among them.
pub(crate) struct Evidence<'a> {
    pub(crate) sources: &'a [Source<'a>],
    pub(crate) units: Vec<Unit>,
    /// By source.
    pub(crate) heads: Vec<Head>,
    held_by: HashMap<String, u32>,
    /// Terms that stand with a capital inside a sentence, and never without.
    named: HashSet<String>,
}

/// How a claim lies on its evidence.
#[derive(Debug, Clone, Default)]
pub(crate) struct Alignment {
    /// Indices of units, best first; at most `UNITS`.
    pub(crate) units: Vec<usize>,
    /// Share of the claim's weight that the best unit holds, with its head.
    pub(crate) first: f32,
    /// Share that the units hold together.
    pub(crate) joint: f32,
    /// Cosine of the claim and its best unit.
    pub(crate) cosine: Option<f32>,
}

/// What a term that stands beside, above or near a unit counts of one that stands in it.
const IN_HEAD: f32 = 0.75;
const NEARBY: f32 = 0.4;
const SAME_ROOT: f32 = 0.7;
/// What the commonest term among the sources still counts of the rarest.
const COMMON: f32 = 0.7;
/// The same for those who look for all that bears on a claim, where what stands everywhere tells nothing apart.
const OFTEN: f32 = 0.4;
/// What the cosine of a unit counts of the share of a claim that it holds.
const MEANING: f32 = 0.5;
/// What a share of the claim counts that no unit before had, and what is left of the unit's own worth beside it.
const ADDED: f32 = 0.7;
const LATER: f32 = 0.6;
/// What a heading, or a unit of hardly a word, counts less than a sentence that says as much.
const TITLE: f32 = 0.15;
const FEW_WORDS: f32 = 6.0;
/// At most this many units together bear a claim out, each adding at least this share of it.
const UNITS: usize = 4;
const LEAST_GAIN: f32 = 0.05;
/// Units that a claim is laid on are looked for among so many that hold most of its words.
pub(crate) const NEAREST: usize = 24;
/// A term links units of two documents where no more than one unit in so many has it.
const LINKS_AMONG: usize = 12;

impl<'a> Evidence<'a> {
    pub(crate) fn new(sources: &'a [Source<'a>]) -> Self {
        let mut units = Vec::new();
        let mut heads = Vec::with_capacity(sources.len());
        let mut held_by: HashMap<String, u32> = HashMap::new();
        for (at, source) in sources.iter().enumerate() {
            let mut above = format!("{}\n{}", source.title, source.context.join("\n"));
            let scale = Some(scale(&above)).filter(|found| *found != 1.0).unwrap_or_else(|| scale(source.text));
            let mut columns = true;
            for range in sentences(source.text) {
                let Some(text) = source.text.get(range.clone()) else { continue };
                // The first row of a table names its columns for the rows below.
                if columns && text.contains('\t') {
                    above.push('\n');
                    above.push_str(text);
                    columns = false;
                }
                let terms = terms_of(text);
                terms.iter().for_each(|term| *held_by.entry(term.clone()).or_default() += 1);
                let roots = terms.iter().filter_map(|term| root(term)).collect();
                units.push(Unit { source: at, range, terms, roots, figures: figures(text) });
            }
            let head = Head { terms: terms_of(&above), figures: figures(&above), scale };
            heads.push(head);
        }
        let named = named(sources, &units);
        Self { sources, units, heads, held_by, named }
    }

    /// Whether a term is a name in the sources.
    pub(crate) fn is_name(&self, term: &str) -> bool {
        self.named.contains(term)
    }

    pub(crate) fn text(&self, unit: usize) -> &'a str {
        self.units.get(unit).and_then(|u| self.sources.get(u.source)?.text.get(u.range.clone())).unwrap_or("")
    }

    /// Whether any source holds a term, in its text or above it.
    pub(crate) fn holds(&self, term: &str) -> bool {
        self.held_by.contains_key(term) || self.heads.iter().any(|head| head.terms.contains(term))
    }

    /// Whether the figures of some unit or head, with the scale that holds there, pass a test.
    pub(crate) fn somewhere(&self, test: impl Fn(&Figures, f64) -> bool) -> bool {
        self.heads.iter().any(|head| test(&head.figures, head.scale))
            || self.units.iter().any(|u| self.heads.get(u.source).is_some_and(|head| test(&u.figures, head.scale)))
    }

    /// Whether a unit or what stands above it holds a term.
    pub(crate) fn unit_holds(&self, unit: usize, term: &str) -> bool {
        self.units.get(unit).is_some_and(|u| {
            u.terms.contains(term) || self.heads.get(u.source).is_some_and(|head| head.terms.contains(term))
        })
    }

    /// Whether the sentences around a unit, in the same source, hold a term.
    pub(crate) fn near_unit_holds(&self, unit: usize, term: &str) -> bool {
        let Some(source) = self.units.get(unit).map(|u| u.source) else { return false };
        (unit.saturating_sub(2)..=unit + 2)
            .filter_map(|at| self.units.get(at))
            .any(|u| u.source == source && u.terms.contains(term))
    }

    /// How much a term of a claim says: rarer among the sources is more, and what no source holds is most. `common` is
    /// what the commonest counts of the rarest.
    fn weight(&self, token: &Token, claim: &str, common: f32) -> f32 {
        let units = self.units.len() as f32;
        let held = self.held_by.get(&token.term).copied().unwrap_or(0) as f32;
        let rarity = (1.0 + units / (1.0 + held)).ln() / (1.0 + units).ln().max(f32::MIN_POSITIVE);
        let capital = claim.get(token.start..token.end).and_then(|s| s.chars().next()).is_some_and(char::is_uppercase);
        let kind = match token.kind {
            TokenKind::Number => 1.4,
            TokenKind::Whole => 1.3,
            TokenKind::Word if capital && token.start > 0 => 1.3,
            _ => 1.0,
        };
        (common + (1.0 - common) * rarity) * kind
    }

    /// Whether a unit, or what stands above it, bears out the figure or date that a token of a claim is part of; `None`
    /// where it is part of none.
    fn figure_stands(&self, unit: &Unit, claim: &Claim, token: &Token) -> Option<bool> {
        let head = self.heads.get(unit.source)?;
        let within = |range: &Range<usize>| range.start <= token.start && token.end <= range.end;
        if let Some(figure) = claim.figures.numbers.iter().find(|figure| within(&figure.range) && !figure.word) {
            return Some(unit.figures.bear_out(figure, head.scale) || head.figures.bear_out(figure, head.scale));
        }
        let date = claim.figures.dates.iter().find(|date| within(&date.range))?;
        Some(unit.figures.bear_out_date(date) || head.figures.bear_out_date(date))
    }

    /// How much of one token of a claim a unit holds, 0 to 1.
    fn held(&self, unit: usize, claim: &Claim, token: &Token) -> f32 {
        let Some(u) = self.units.get(unit) else { return 0.0 };
        let term = token.term.as_str();
        match self.figure_stands(u, claim, token) {
            Some(true) => return 1.0,
            // The same digits in another figure are worth something: the year of another day.
            Some(false) => return if u.terms.contains(term) { 0.5 } else { 0.0 },
            None => {}
        }
        if u.terms.contains(term) {
            return 1.0;
        }
        if self.heads.get(u.source).is_some_and(|head| head.terms.contains(term)) {
            return IN_HEAD;
        }
        if root(term).is_some_and(|root| u.roots.contains(&root)) {
            return SAME_ROOT;
        }
        if self.near_unit_holds(unit, term) { NEARBY } else { 0.0 }
    }

    /// The units that hold most of a claim, best first.
    pub(crate) fn nearest(&self, claim: &Claim, limit: usize) -> Vec<usize> {
        let weights: Vec<f32> = claim.tokens.iter().map(|token| self.weight(token, &claim.text, COMMON)).collect();
        let mut scored = self.shares(claim, &weights);
        scored.truncate(limit);
        scored.into_iter().map(|(unit, _)| unit).collect()
    }

    /// The units that bear a claim out, best first, with the share of it that each holds: first the one that holds most by
    /// its words and its meaning, then each time the one that also adds most to those before.
    pub(crate) fn bearing(&self, claim: &Claim, similarity: &dyn Similarity, limit: usize) -> Vec<(usize, f32)> {
        let weights: Vec<f32> = claim.tokens.iter().map(|token| self.weight(token, &claim.text, OFTEN)).collect();
        let total: f32 = weights.iter().sum::<f32>().max(f32::MIN_POSITIVE);
        let mut left: Vec<(usize, f32, f32)> = self
            .shares(claim, &weights)
            .into_iter()
            .take(NEAREST)
            .map(|(unit, share)| {
                let text = self.text(unit);
                let near = similarity.cosine(&claim.text, text).unwrap_or(0.0).max(0.0);
                let words = self.units.get(unit).map_or(0, |u| u.terms.len()) as f32;
                let title = (1.0 - words / FEW_WORDS).max(0.0) + if text.starts_with('#') { 1.0 } else { 0.0 };
                (unit, share, share + MEANING * near - TITLE * title)
            })
            .collect();
        let mut matched: Vec<f32> = vec![0.0; weights.len()];
        let mut chosen: Vec<(usize, f32)> = Vec::new();
        while chosen.len() < limit {
            let liking = |unit: usize, own: f32| {
                let had = weights.iter().zip(&matched);
                let gain: f32 = claim
                    .tokens
                    .iter()
                    .zip(had)
                    .map(|(token, (weight, had))| weight * (self.held(unit, claim, token) - had).max(0.0))
                    .sum();
                let own = if chosen.is_empty() { own } else { LATER * own };
                own + ADDED * gain / total
            };
            let scored = left.iter().enumerate().map(|(at, (unit, _, own))| (at, liking(*unit, *own)));
            let Some((at, _)) = scored.reduce(|best, next| if next.1 > best.1 { next } else { best }) else { break };
            let (unit, share, _) = left.remove(at);
            for (token, had) in claim.tokens.iter().zip(matched.iter_mut()) {
                *had = had.max(self.held(unit, claim, token));
            }
            chosen.push((unit, share));
        }
        chosen
    }

    /// The units that hold something of a claim with the share of its weight that each holds, most first.
    fn shares(&self, claim: &Claim, weights: &[f32]) -> Vec<(usize, f32)> {
        let total: f32 = weights.iter().sum::<f32>().max(f32::MIN_POSITIVE);
        let share = |unit: usize| -> f32 {
            claim.tokens.iter().zip(weights).map(|(token, weight)| weight * self.held(unit, claim, token)).sum::<f32>()
                / total
        };
        let mut scored: Vec<(usize, f32)> =
            (0..self.units.len()).map(|unit| (unit, share(unit))).filter(|(_, score)| *score > 0.0).collect();
        scored.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
        scored
    }

    /// Where a unit stands in its page.
    pub(crate) fn span(&self, unit: usize) -> Option<Span> {
        let unit = self.units.get(unit)?;
        let base = self.sources.get(unit.source)?.span;
        let at = |byte: usize| base.start.saturating_add(u32::try_from(byte).unwrap_or(u32::MAX));
        Some(Span { start: at(unit.range.start), end: at(unit.range.end), ..base })
    }

    /// Whether two units may bear out one claim together: both stand in one document, or they share a term that is rare
    /// among the sources, in their text or above it. Two documents that have nothing to do with each other say nothing
    /// together.
    fn linked(&self, one: usize, other: usize) -> bool {
        let (Some(a), Some(b)) = (self.units.get(one), self.units.get(other)) else { return false };
        let version = |unit: &Unit| self.sources.get(unit.source).map(|source| source.span.version);
        if version(a) == version(b) {
            return true;
        }
        let most = u32::try_from(self.units.len() / LINKS_AMONG).unwrap_or(u32::MAX).max(2);
        let rare = |term: &String| self.held_by.get(term).copied().unwrap_or(0) <= most;
        let above = |unit: &Unit| self.heads.get(unit.source).map(|head| &head.terms);
        let holds = |unit: &Unit, term: &String| {
            unit.terms.contains(term) || above(unit).is_some_and(|terms| terms.contains(term))
        };
        let of_a = a.terms.iter().chain(above(a).into_iter().flatten());
        of_a.into_iter().any(|term| rare(term) && holds(b, term))
    }

    /// Lays a claim on its evidence: the best unit first, then those that add what it lacks and belong with it.
    pub(crate) fn align(&self, claim: &Claim, similarity: &dyn Similarity) -> Alignment {
        let weights: Vec<f32> = claim.tokens.iter().map(|token| self.weight(token, &claim.text, COMMON)).collect();
        let total: f32 = weights.iter().sum::<f32>().max(f32::MIN_POSITIVE);
        let mut matched: Vec<f32> = vec![0.0; weights.len()];
        let mut alignment = Alignment::default();
        let near = self.nearest(claim, NEAREST);
        let cosines: HashMap<usize, f32> =
            near.iter().filter_map(|unit| Some((*unit, similarity.cosine(&claim.text, self.text(*unit))?))).collect();
        for round in 0..UNITS {
            let mut best: Option<(f32, usize, f32)> = None;
            for unit in near.iter().filter(|unit| !alignment.units.contains(unit)) {
                if round > 0 && !alignment.units.iter().any(|there| self.linked(*there, *unit)) {
                    continue;
                }
                let gain: f32 = claim
                    .tokens
                    .iter()
                    .zip(weights.iter().zip(&matched))
                    .map(|(token, (weight, had))| weight * (self.held(*unit, claim, token) - had).max(0.0))
                    .sum::<f32>()
                    / total;
                let liking =
                    if round == 0 { gain + 0.3 * cosines.get(unit).copied().unwrap_or(0.0).max(0.0) } else { gain };
                if best.is_none_or(|(most, _, _)| liking > most) {
                    best = Some((liking, *unit, gain));
                }
            }
            let Some((_, unit, gain)) = best else { break };
            if round > 0 && gain < LEAST_GAIN {
                break;
            }
            for (token, had) in claim.tokens.iter().zip(matched.iter_mut()) {
                *had = had.max(self.held(unit, claim, token));
            }
            alignment.units.push(unit);
            alignment.joint += gain;
            if round == 0 {
                alignment.first = gain;
                alignment.cosine = cosines.get(&unit).copied();
            }
        }
        alignment
    }
}

/// The terms that sentences write with a capital where grammar asks for none. Headings in capitals teach nothing.
fn named(sources: &[Source<'_>], units: &[Unit]) -> HashSet<String> {
    let (mut named, mut small) = (HashSet::new(), HashSet::new());
    for unit in units {
        let Some(text) = sources.get(unit.source).and_then(|s| s.text.get(unit.range.clone())) else { continue };
        let found = content(text);
        let capital =
            |token: &Token| text.get(token.start..).and_then(|t| t.chars().next()).is_some_and(char::is_uppercase);
        let capitals = found.iter().filter(|token| capital(token)).count();
        let heading = capitals * 3 > found.len() * 2 && found.len() > 2;
        for token in found {
            if !capital(&token) {
                small.insert(token.term);
            } else if token.start > 0 && !heading {
                named.insert(token.term);
            }
        }
    }
    named.difference(&small).cloned().collect()
}

fn terms_of(text: &str) -> HashSet<String> {
    content(text).into_iter().map(|token| token.term).collect()
}

/// The head that words of one family share ("publish", "publisher", "publication"); none for short words and numbers.
fn root(term: &str) -> Option<String> {
    let letters = term.chars().count();
    if letters < 6 || !term.chars().all(|c| is_word(c) && c.is_alphabetic()) {
        return None;
    }
    Some(term.chars().take(if letters >= 8 { 6 } else { 5 }).take(5).collect())
}

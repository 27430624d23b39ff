//! Each sentence of an answer held against its sources: supported, partly, not found, contradicted. Rules decide, and the
//! rule that matters most: a sentence whose figures do not stand in the source is never supported.

use crate::align::{Alignment, Evidence};
use crate::claims::{Claim, Source, claims, content};
use crate::differ::{Swap, swaps};
use crate::facts::{Name, names};
use crate::figures::{Date, Figure, Figures, Unit, figures, scale};
use crate::fold::main_script;
use crate::polarity::Polarity;
use crate::similarity::Similarity;
use crate::terms::Token;
use hearth_domain::{CheckState, Mismatch, MismatchKind, SentenceCheck, Span, Support};
use serde::{Deserialize, Serialize};

/// What the checks of an answer come to.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Confidence {
    /// Four fifths or more of the sentences are supported, and none is contradicted.
    High,
    /// At least half are supported, and none is contradicted.
    Mixed,
    /// Fewer, or one is contradicted, or nothing could be checked.
    Low,
}

/// Holding this share of a claim supports it; holding `PARTLY` supports part of it.
const SUPPORTED: f32 = 0.72;
const PARTLY: f32 = 0.45;
/// A difference counts as a contradiction only where this share of the rest agrees.
const SAME_MATTER: f32 = 0.6;
/// From here on the claim and the span are the same sentence but for what differs.
const SAME_SENTENCE: f32 = 0.75;

/// Checks each sentence of an answer that claims something, in order. Sentences that claim nothing (questions, greetings,
/// remarks about the documents) get no check.
pub fn verify(answer: &str, sources: &[Source<'_>], similarity: &dyn Similarity) -> Vec<SentenceCheck> {
    let evidence = Evidence::new(sources);
    let read: Vec<Read> = sources.iter().map(Read::of).collect();
    claims(answer).into_iter().map(|claim| check(&claim, &evidence, &read, similarity)).collect()
}

/// What the checks come to. Nothing to check is `Low`.
pub fn confidence(checks: &[SentenceCheck]) -> Confidence {
    let supported = checks.iter().filter(|check| check.state == CheckState::Supported).count();
    let contradicted = checks.iter().any(|check| check.state == CheckState::Contradicted);
    if checks.is_empty() || contradicted {
        Confidence::Low
    } else if supported * 5 >= checks.len() * 4 {
        Confidence::High
    } else if supported * 2 >= checks.len() {
        Confidence::Mixed
    } else {
        Confidence::Low
    }
}

/// What stands above and around a source's sentences.
struct Read {
    figures: Figures,
    head: Figures,
    scale: f64,
}

impl Read {
    fn of(source: &Source<'_>) -> Self {
        let head = format!("{}\n{}", source.title, source.context.join("\n"));
        let scale = match scale(&head) {
            1.0 => scale(source.text),
            found => found,
        };
        Self { figures: figures(source.text), head: figures(&head), scale }
    }
}

fn check(claim: &Claim, evidence: &Evidence, read: &[Read], similarity: &dyn Similarity) -> SentenceCheck {
    let alignment = evidence.align(claim, similarity);
    let mut found = Findings::default();
    figures_stand(claim, &alignment, evidence, read, &mut found);
    names_stand(claim, &alignment, evidence, &mut found);
    let score = coverage(&alignment);
    if let Some(unit) = alignment.units.first().filter(|_| score >= SAME_MATTER) {
        let (mine, theirs) = (Polarity::of(&claim.text), Polarity::of(evidence.text(*unit)));
        if let Some((word, other)) = mine.against(&theirs) {
            found.contradicts = true;
            found.mismatches.push(Mismatch { kind: MismatchKind::Negation, answer: word, source: other });
        }
    }
    let state = state(score, &found);
    let keep = if state == CheckState::NotFound { 0 } else { 4 };
    SentenceCheck {
        range: narrow(claim.range.start)..narrow(claim.range.end),
        state,
        support: supports(&alignment, evidence, score).into_iter().take(keep).collect(),
        mismatches: found.mismatches,
    }
}

fn narrow(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}

/// What the comparison of facts found.
#[derive(Default)]
struct Findings {
    mismatches: Vec<Mismatch>,
    /// A figure or date does not stand in the aligned spans.
    figure_missing: bool,
    /// A name stands in no source.
    name_missing: bool,
    /// A span says otherwise.
    contradicts: bool,
}

fn coverage(alignment: &Alignment) -> f32 {
    let words = 0.25 * alignment.first + 0.75 * alignment.joint;
    match alignment.cosine {
        Some(cosine) => (0.75 * words + 0.25 * ((cosine - 0.2) / 0.6).clamp(0.0, 1.0)).clamp(0.0, 1.0),
        None => words.clamp(0.0, 1.0),
    }
}

fn state(score: f32, found: &Findings) -> CheckState {
    if found.contradicts {
        return CheckState::Contradicted;
    }
    let clean = !found.figure_missing && !found.name_missing;
    match score {
        s if s >= SUPPORTED && clean => CheckState::Supported,
        s if s >= PARTLY => CheckState::Partly,
        _ => CheckState::NotFound,
    }
}

/// Every figure and date of the claim must stand in the spans it is laid on, or just above them.
fn figures_stand(claim: &Claim, alignment: &Alignment, evidence: &Evidence, read: &[Read], found: &mut Findings) {
    let mine = figures(&claim.text);
    if mine.numbers.is_empty() && mine.dates.is_empty() {
        return;
    }
    let near: Vec<(Figures, f64)> = alignment
        .units
        .iter()
        .filter_map(|unit| {
            let source = evidence.units.get(*unit)?.source;
            Some((figures(evidence.text(*unit)), read.get(source)?.scale))
        })
        .collect();
    let heads: Vec<(&Figures, f64)> = alignment
        .units
        .iter()
        .filter_map(|unit| read.get(evidence.units.get(*unit)?.source))
        .map(|source| (&source.head, source.scale))
        .collect();
    for figure in &mine.numbers {
        let stands = near.iter().any(|(theirs, scale)| says(theirs, figure, *scale))
            || heads.iter().any(|(theirs, scale)| says(theirs, figure, *scale));
        if stands {
            continue;
        }
        let other = near
            .first()
            .and_then(|(theirs, _)| counterpart(claim, figure, evidence.text(*alignment.units.first()?), theirs));
        // A small word such as "two" that the source lays out in names is not a figure to be missed.
        if figure.word && other.is_none() {
            continue;
        }
        let elsewhere = read.iter().any(|source| says(&source.figures, figure, source.scale));
        found.figure_missing = true;
        if other.is_some() && (!elsewhere && rest_agrees(alignment) || alignment.first >= SAME_SENTENCE) {
            found.contradicts = true;
        }
        let kind = if figure.unit == Unit::Year { MismatchKind::Date } else { MismatchKind::Number };
        found.mismatches.push(Mismatch { kind, answer: slice(&claim.text, &figure.range), source: other });
    }
    for date in &mine.dates {
        let stands = near.iter().any(|(theirs, _)| says_date(theirs, date))
            || heads.iter().any(|(theirs, _)| says_date(theirs, date));
        if stands {
            continue;
        }
        let elsewhere = read.iter().any(|source| says_date(&source.figures, date));
        let other = alignment
            .units
            .first()
            .zip(near.first())
            .and_then(|(unit, (theirs, _))| other_date(claim, date, &mine, evidence.text(*unit), theirs));
        found.figure_missing = true;
        if other.is_some() && (!elsewhere && rest_agrees(alignment) || alignment.first >= SAME_SENTENCE) {
            found.contradicts = true;
        }
        found.mismatches.push(Mismatch {
            kind: MismatchKind::Date,
            answer: slice(&claim.text, &date.range),
            source: other,
        });
    }
}

/// The date that the evidence has where the claim has another: the only one that the claim does not have, or one beside
/// the same word.
fn other_date(claim: &Claim, date: &Date, mine: &Figures, text: &str, theirs: &Figures) -> Option<String> {
    let free: Vec<&Date> =
        theirs.dates.iter().filter(|other| !mine.dates.iter().any(|own| own.borne_out_by(other))).collect();
    if let [only] = free.as_slice() {
        return Some(slice(text, &only.range));
    }
    let around = beside(&claim.text, &date.range);
    free.into_iter()
        .find(|other| beside(text, &other.range).iter().any(|word| around.contains(word)))
        .map(|other| slice(text, &other.range))
}

fn rest_agrees(alignment: &Alignment) -> bool {
    alignment.first >= SAME_MATTER
}

fn slice(text: &str, range: &std::ops::Range<usize>) -> String {
    text.get(range.clone()).unwrap_or("").to_owned()
}

fn says(theirs: &Figures, figure: &Figure, scale: f64) -> bool {
    theirs.numbers.iter().any(|other| figure.borne_out_by(other, scale))
        || (figure.unit == Unit::Year
            && theirs.dates.iter().any(|date| date.year.is_some_and(|year| f64::from(year) == figure.value)))
}

fn says_date(theirs: &Figures, date: &Date) -> bool {
    theirs.dates.iter().any(|other| date.borne_out_by(other))
}

/// The figure of the evidence that stands where the claim's stands: the only one of its sort, or one beside the same word.
fn counterpart(claim: &Claim, figure: &Figure, text: &str, theirs: &Figures) -> Option<String> {
    let sort: Vec<&Figure> =
        theirs.numbers.iter().filter(|other| figure.same_sort(other) && !(other.word && !figure.word)).collect();
    if let [only] = sort.as_slice()
        && !figure.word
    {
        return Some(slice(text, &only.range));
    }
    let mine = beside(&claim.text, &figure.range);
    sort.into_iter()
        .find(|other| beside(text, &other.range).iter().any(|word| mine.contains(word)))
        .map(|other| slice(text, &other.range))
}

/// The content terms next to a stretch, one on each side, marked with their side.
fn beside(text: &str, range: &std::ops::Range<usize>) -> Vec<(bool, String)> {
    let before = text.get(..range.start).map(crate::claims::content).and_then(|tokens| tokens.into_iter().next_back());
    let after = text.get(range.end..).map(crate::claims::content).and_then(|tokens| tokens.into_iter().next());
    before.map(|token| (false, token.term)).into_iter().chain(after.map(|token| (true, token.term))).collect()
}

/// Every name of the claim must stand near the spans it is laid on; where another name stands in its place, the span says
/// otherwise.
fn names_stand(claim: &Claim, alignment: &Alignment, evidence: &Evidence, found: &mut Findings) {
    let Some(first) = alignment.units.first() else { return };
    let text = evidence.text(*first);
    let known = |term: &str| evidence.is_name(term);
    let mut told: Vec<std::ops::Range<usize>> = Vec::new();
    for swap in swaps(&claim.text, text, SAME_MATTER) {
        let (mine, theirs) = (slice(&claim.text, &swap.mine), slice(text, &swap.theirs));
        if is_name_swap(&mine, &theirs, &swap, evidence, *first) {
            found.name_missing = true;
            found.contradicts |= alignment.first >= SAME_MATTER;
            told.push(swap.mine.clone());
            found.mismatches.push(Mismatch { kind: MismatchKind::Name, answer: mine, source: Some(theirs) });
        }
    }
    let spelled: Vec<Name> = alignment.units.iter().flat_map(|unit| names(evidence.text(*unit), &known)).collect();
    for name in names(&claim.text, &known) {
        if told.iter().any(|range| range.start < name.range.end && name.range.start < range.end) {
            continue;
        }
        let stands = alignment
            .units
            .iter()
            .any(|unit| name.stands(&|term| evidence.unit_holds(*unit, term) || evidence.near_unit_holds(*unit, term)));
        let short = |a: &Name, b: &Name| b.text.contains(' ') && a.terms.concat() == b.initials();
        if stands || spelled.iter().any(|other| short(&name, other) || short(other, &name)) {
            continue;
        }
        let other = other_name(claim, &name, text, &known);
        let anywhere = name.terms.iter().all(|term| evidence.holds(term));
        found.name_missing = true;
        if other.is_some() && !anywhere && rest_agrees(alignment) {
            found.contradicts = true;
        }
        found.mismatches.push(Mismatch { kind: MismatchKind::Name, answer: name.text, source: other });
    }
}

/// Whether one piece put in another's place is a name for another name: both written as names (or in a script that marks
/// none), each unknown to the other side.
fn is_name_swap(mine: &str, theirs: &str, swap: &Swap, evidence: &Evidence, unit: usize) -> bool {
    if main_script(mine).in_pairs() {
        let letters = |text: &str| text.chars().filter(|c| c.is_alphabetic()).count();
        let held = evidence.text(unit).contains(mine);
        return !held && (2..=8).contains(&letters(mine)) && (2..=8).contains(&letters(theirs));
    }
    let (own, other) = (content(mine), content(theirs));
    let capital = |text: &str, token: &Token| {
        text.get(token.start..).and_then(|t| t.chars().next()).is_some_and(char::is_uppercase)
    };
    let all = |text: &str, tokens: &[Token]| !tokens.is_empty() && tokens.iter().all(|token| capital(text, token));
    if !all(mine, &own) || !all(theirs, &other) || own.iter().any(|token| evidence.unit_holds(unit, &token.term)) {
        return false;
    }
    // A word that merely opens both sentences has its capital from there, unless the sources write it so elsewhere.
    let inside = swap.mine.start > 0 && swap.theirs.start > 0;
    inside || own.len() + other.len() > 2 || other.iter().chain(&own).any(|token| evidence.is_name(&token.term))
}

/// The name that the evidence has where the claim has another: between the same neighbours, and not in the claim.
fn other_name(claim: &Claim, name: &Name, text: &str, known: &dyn Fn(&str) -> bool) -> Option<String> {
    let mine = beside(&claim.text, &name.range);
    let own: Vec<&str> = claim.tokens.iter().map(|token| token.term.as_str()).collect();
    names(text, known)
        .into_iter()
        .filter(|other| !other.terms.iter().any(|term| own.contains(&term.as_str())))
        .find(|other| beside(text, &other.range).iter().any(|word| mine.contains(word)))
        .map(|other| other.text)
}

/// The spans of the aligned units; neighbours in one source become one span.
fn supports(alignment: &Alignment, evidence: &Evidence, score: f32) -> Vec<Support> {
    let mut found: Vec<(usize, Span)> = Vec::new();
    for unit in &alignment.units {
        let Some((source, range)) = evidence.units.get(*unit).map(|u| (u.source, u.range.clone())) else { continue };
        let Some(base) = evidence.sources.get(source).map(|s| s.span) else { continue };
        let span = Span { start: base.start + narrow(range.start), end: base.start + narrow(range.end), ..base };
        let gap = |a: &Span, b: &Span| {
            let from = (a.end.min(b.end)).saturating_sub(base.start) as usize;
            let to = (a.start.max(b.start)).saturating_sub(base.start) as usize;
            evidence.sources.get(source).and_then(|s| s.text.get(from..to)).is_some_and(|text| text.trim().is_empty())
        };
        match found.iter_mut().find(|(at, known)| *at == source && gap(known, &span)) {
            Some((_, known)) => {
                known.start = known.start.min(span.start);
                known.end = known.end.max(span.end);
            }
            None => found.push((source, span)),
        }
    }
    found
        .into_iter()
        .enumerate()
        .map(|(at, (_, span))| Support { span, score: if at == 0 { score } else { score * 0.6 } })
        .collect()
}

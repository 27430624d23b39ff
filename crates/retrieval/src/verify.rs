//! Each sentence of an answer held against its sources: supported, partly, not found, contradicted. Rules decide, and the
//! rule that matters most: a sentence whose figures do not stand in the source is never supported.

use crate::align::{Alignment, Evidence, Head, Unit};
use crate::claims::{Claim, Source, claims, content};
use crate::dates::Date;
use crate::differ::{Swap, swaps};
use crate::facts::{Name, names};
use crate::figures::{Figure, Figures, Unit as Measure};
use crate::fold::main_script;
use crate::parts::{Said, of_another, other_part, turned};
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
    claims(answer).into_iter().map(|claim| check(&claim, &evidence, similarity)).collect()
}

/// The sentences and table rows that bear a text out best, at most `limit`, best first: what each of its claims is laid on,
/// then those that hold most of it by themselves. For people who want to read on; states come from [`verify`].
pub fn supporting(text: &str, sources: &[Source<'_>], similarity: &dyn Similarity, limit: usize) -> Vec<Support> {
    let evidence = Evidence::new(sources);
    let mut found: Vec<Support> = Vec::new();
    for claim in claims(text) {
        for (unit, share) in evidence.bearing(&claim, similarity, limit) {
            let Some(span) = evidence.span(unit) else { continue };
            if found.len() < limit && !found.iter().any(|known| known.span == span) {
                found.push(Support { span, score: share.clamp(0.0, 1.0) });
            }
        }
    }
    found
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

fn check(claim: &Claim, evidence: &Evidence, similarity: &dyn Similarity) -> SentenceCheck {
    let alignment = evidence.align(claim, similarity);
    let mut found = Findings::default();
    figures_stand(claim, &alignment, evidence, &mut found);
    names_stand(claim, &alignment, evidence, &mut found);
    parts_stand(claim, &alignment, evidence, &mut found);
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
    /// What the span says is said of another, or a name plays another part there.
    other_part: bool,
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
    let clean = !found.figure_missing && !found.name_missing && !found.other_part;
    match score {
        s if s >= SUPPORTED && clean => CheckState::Supported,
        s if s >= PARTLY => CheckState::Partly,
        _ => CheckState::NotFound,
    }
}

/// Every figure and date of the claim must stand in the spans it is laid on, or just above them.
fn figures_stand(claim: &Claim, alignment: &Alignment, evidence: &Evidence, found: &mut Findings) {
    let mine = &claim.figures;
    let laid: Vec<(&Unit, &Head)> = alignment
        .units
        .iter()
        .filter_map(|unit| evidence.units.get(*unit))
        .filter_map(|unit| Some((unit, evidence.heads.get(unit.source)?)))
        .collect();
    let text = alignment.units.first().map_or("", |unit| evidence.text(*unit));
    let theirs = laid.first().map(|(unit, _)| &unit.figures);
    let stands = |(unit, head): &(&Unit, &Head), figure: &Figure| {
        unit.figures.bear_out(figure, head.scale) || head.figures.bear_out(figure, head.scale)
    };
    for figure in &mine.numbers {
        if laid.first().is_some_and(|first| stands(first, figure)) {
            continue;
        }
        if laid.iter().any(|there| stands(there, figure)) {
            // Another span has it; the one that says the same but for this figure does not.
            let turned = theirs.filter(|_| alignment.first >= SAME_SENTENCE && !figure.word);
            if let Some(other) = turned.and_then(|theirs| in_its_place(claim, figure, text, theirs)) {
                found.figure_missing = true;
                found.contradicts = true;
                let kind = if figure.unit == Measure::Year { MismatchKind::Date } else { MismatchKind::Number };
                let answer = slice(&claim.text, &figure.range);
                found.mismatches.push(Mismatch { kind, answer, source: Some(other) });
            }
            continue;
        }
        let other = theirs.and_then(|theirs| counterpart(claim, figure, text, theirs));
        // A small word such as "two" that the source lays out in names is not a figure to be missed.
        if figure.word && other.is_none() {
            continue;
        }
        let elsewhere = evidence.somewhere(|figures, scale| figures.bear_out(figure, scale));
        let kind = if figure.unit == Measure::Year { MismatchKind::Date } else { MismatchKind::Number };
        found.figure(kind, slice(&claim.text, &figure.range), other, elsewhere, alignment);
    }
    for date in &mine.dates {
        if laid.iter().any(|(unit, head)| unit.figures.bear_out_date(date) || head.figures.bear_out_date(date)) {
            continue;
        }
        let other = theirs.and_then(|theirs| other_date(claim, date, text, theirs));
        let elsewhere = evidence.somewhere(|figures, _| figures.bear_out_date(date));
        found.figure(MismatchKind::Date, slice(&claim.text, &date.range), other, elsewhere, alignment);
    }
}

impl Findings {
    /// Notes a figure or date that does not stand. Another in its place contradicts it, unless the sources hold it
    /// elsewhere and the sentences are not plainly the same.
    fn figure(
        &mut self,
        kind: MismatchKind,
        answer: String,
        other: Option<String>,
        elsewhere: bool,
        alignment: &Alignment,
    ) {
        self.figure_missing = true;
        self.contradicts |=
            other.is_some() && (!elsewhere && alignment.first >= SAME_MATTER || alignment.first >= SAME_SENTENCE);
        self.mismatches.push(Mismatch { kind, answer, source: other });
    }
}

/// The date that the evidence has where the claim has another: the only one that the claim does not have, or one beside
/// the same word.
fn other_date(claim: &Claim, date: &Date, text: &str, theirs: &Figures) -> Option<String> {
    let free: Vec<&Date> =
        theirs.dates.iter().filter(|other| !claim.figures.dates.iter().any(|own| own.borne_out_by(other))).collect();
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

/// The figure of the evidence that stands where the claim's stands: the only one of its sort, or one beside the same word.
fn counterpart(claim: &Claim, figure: &Figure, text: &str, theirs: &Figures) -> Option<String> {
    let sort: Vec<&Figure> =
        theirs.numbers.iter().filter(|other| figure.same_sort(other) && (figure.word || !other.word)).collect();
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

/// The figure of the evidence that stands beside the same word as the claim's, where the claim does not have it too.
fn in_its_place(claim: &Claim, figure: &Figure, text: &str, theirs: &Figures) -> Option<String> {
    let mine = beside(&claim.text, &figure.range);
    let own = |other: &Figure| claim.figures.numbers.iter().any(|own| own.borne_out_by(other, 1.0));
    let sort = theirs.numbers.iter().filter(|other| figure.same_sort(other) && !other.word && !own(other));
    let mut there = sort.filter(|other| beside(text, &other.range).iter().any(|word| mine.contains(word)));
    there.next().map(|other| slice(text, &other.range))
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
        if is_name_swap(&claim.text, &theirs, &swap, evidence, *first) {
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

/// Names must play the part that the span gives them, and what is said must be said of the same thing there.
fn parts_stand(claim: &Claim, alignment: &Alignment, evidence: &Evidence, found: &mut Findings) {
    let Some(first) = alignment.units.first().filter(|_| alignment.first >= SAME_MATTER) else { return };
    let known = |term: &str| evidence.is_name(term);
    let (mine, theirs) = (Said::new(&claim.text, &known), Said::new(evidence.text(*first), &known));
    let kind = MismatchKind::Part;
    if let Some(other) = turned(&mine, &theirs) {
        found.contradicts = true;
        found.mismatches.push(Mismatch { kind, answer: other.mine, source: Some(other.theirs) });
    } else if let Some(other) = other_part(&mine, &theirs) {
        found.other_part = true;
        found.mismatches.push(Mismatch { kind, answer: other.mine, source: Some(other.theirs) });
    }
    let elsewhere = |term: &str| {
        !evidence.unit_holds(*first, term)
            && alignment.units.iter().skip(1).any(|unit| evidence.unit_holds(*unit, term))
    };
    if let Some(other) = of_another(&mine, &theirs, SAME_SENTENCE, &elsewhere) {
        found.other_part = true;
        found.mismatches.push(Mismatch { kind, answer: other.mine, source: Some(other.theirs) });
    }
}

/// Whether one piece put in another's place is a name for another name: both written as names (or in a script that marks
/// none), each unknown to the other side.
fn is_name_swap(claim: &str, theirs: &str, swap: &Swap, evidence: &Evidence, unit: usize) -> bool {
    let mine = claim.get(swap.mine.clone()).unwrap_or("");
    if main_script(mine).in_pairs() {
        let letters = |text: &str| text.chars().filter(|c| c.is_alphabetic()).count();
        let held = |piece: &str| evidence.text(unit).contains(piece);
        if letters(mine) == 1 && letters(theirs) <= 3 || letters(theirs) == 1 && letters(mine) <= 3 {
            // One character of a name of two: with the one that stands beside it on either side.
            let grammar = |text: &str| text.chars().any(|c| GRAMMAR_IN_PAIRS.contains(c));
            let mut beside = [around(claim, &swap.mine, false), around(claim, &swap.mine, true)].into_iter().flatten();
            return !(grammar(mine) && grammar(theirs)) && beside.all(|two| !held(two));
        }
        return !held(mine) && (2..=8).contains(&letters(mine)) && (2..=8).contains(&letters(theirs));
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

/// Characters that carry grammar where there are no spaces: one in another's place is another wording.
const GRAMMAR_IN_PAIRS: &str =
    "的了和与及是为在于以由从向到对等之其此该这那也都就又还并而或被把将已曾所有个们中上下后前时来去里内外间过至";

/// A stretch of a text with the letter before or behind it.
fn around<'a>(text: &'a str, range: &std::ops::Range<usize>, behind: bool) -> Option<&'a str> {
    let letter = |c: &char| c.is_alphabetic();
    if behind {
        let next = text.get(range.end..)?.chars().next().filter(letter)?;
        text.get(range.start..range.end + next.len_utf8())
    } else {
        let last = text.get(..range.start)?.chars().next_back().filter(letter)?;
        text.get(range.start - last.len_utf8()..range.end)
    }
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::claims::texts_wanted;
    use crate::similarity::{Embedded, NoSimilarity};
    use CheckState::{Contradicted, NotFound, Partly, Supported};
    use hearth_domain::VersionId;

    fn span(start: u32, text: &str) -> Span {
        Span { version: VersionId(1), page: 0, start, end: start + text.len() as u32 }
    }

    fn states(answer: &str, sources: &[(&str, &str)]) -> Vec<CheckState> {
        let context: Vec<[String; 1]> = sources.iter().map(|(head, _)| [(*head).to_owned()]).collect();
        let sources: Vec<Source> = sources
            .iter()
            .zip(&context)
            .map(|((_, text), context)| Source { span: span(50, text), text, title: "Report", context })
            .collect();
        verify(answer, &sources, &NoSimilarity).into_iter().map(|check| check.state).collect()
    }

    fn check(answer: &str, source: &str, expect: CheckState) {
        assert_eq!(states(answer, &[("", source)]), [expect], "{answer} / {source}");
    }

    const LEASE: &str = "The lease of Borealis Ltd began on 4 May 2021 in Oslo. The monthly rent is 12,500 kroner. \
        The tenant may not sublet the rooms. Olga Lindt signed the lease for Borealis Ltd.";

    #[test]
    fn what_the_source_says_is_supported() {
        check("The monthly rent is 12,500 kroner.", LEASE, Supported);
        check("The lease began on May 4, 2021.", LEASE, Supported);
        check("Olga Lindt signed the lease.", LEASE, Supported);
        check("Subletting the rooms is not allowed: the tenant may not sublet.", LEASE, Supported);
    }

    #[test]
    fn a_wrong_figure_date_or_name_is_never_supported() {
        check("The monthly rent is 15,200 kroner.", LEASE, Contradicted);
        check("The lease began on 4 May 2012 in Oslo.", LEASE, Contradicted);
        check("Ada Stern signed the lease for Borealis Ltd.", LEASE, Contradicted);
        assert_ne!(states("The monthly rent is 12,500 kroner and rises by 3% a year.", &[("", LEASE)]), [Supported]);
    }

    #[test]
    fn a_turned_sentence_is_contradicted_and_an_unknown_one_not_found() {
        check("The tenant may sublet the rooms.", LEASE, Contradicted);
        check("Net sales increased in 2022.", "Net sales decreased in 2022 across all regions.", Contradicted);
        check("The landlord keeps two cats.", LEASE, NotFound);
    }

    #[test]
    fn tables_are_read_with_their_scale_and_columns() {
        let table = "Item\t2023\t2022\nServices\t85,200\t78,129\nProducts\t298,085\t316,199";
        let scaled = [("Net sales (in millions)", table)];
        assert_eq!(states("Net sales of services were $85.2 billion in 2023.", &scaled), [Supported]);
        assert_ne!(states("Net sales of services were $91.4 billion in 2023.", &scaled), [Supported]);
    }

    #[test]
    fn two_spans_may_bear_one_sentence_and_stand_exactly() {
        let source = [Source { span: span(50, LEASE), text: LEASE, title: "", context: &[] }];
        let checks =
            verify("The lease began on 4 May 2021 and the monthly rent is 12,500 kroner.", &source, &NoSimilarity);
        let check = checks.first().map(|c| (c.state, c.support.first().map(|s| (s.span.start, s.span.end))));
        let end = LEASE.find(" The tenant").unwrap_or(0) as u32 + 50;
        assert_eq!(check, Some((Supported, Some((50, end)))));
    }

    /// Both figures stand in the source, in two sentences that are alike; together they say what neither does.
    #[test]
    fn figures_of_two_like_sentences_do_not_make_a_third() {
        const BARNS: &str = "The tenant pays a rent of 1,007 euros for barn 7, due on day 7. \
            The tenant pays a rent of 1,024 euros for barn 24, due on day 24.";
        check("The tenant pays a rent of 1,007 euros for barn 7.", BARNS, Supported);
        check("The tenant pays a rent of 1,024 euros for barn 7.", BARNS, Contradicted);
        assert_ne!(states("The tenant pays 1,024 euros for barn 7.", &[("", BARNS)]), [Supported]);
    }

    #[test]
    fn two_documents_say_something_together_only_where_they_meet() {
        let of = |claim: &str, one: &str, other: &str| {
            let at = |version: i64| Span { version: VersionId(version), ..span(0, "") };
            let sources = [
                Source { span: at(1), text: one, title: "", context: &[] },
                Source { span: at(2), text: other, title: "", context: &[] },
            ];
            verify(claim, &sources, &NoSimilarity).first().map(|check| check.state)
        };
        let mill = "The mill lies by the river. Anna Brandt is the owner of the mill. She keeps three horses.";
        let odd = "A name with any characters. The words are read.";
        assert_ne!(of("The name with any characters is the owner of the mill.", mill, odd), Some(Supported));
        let wheel = "Anna Brandt was born in Bergen in the winter of 1961. The winter was long.";
        assert_eq!(of("The owner of the mill, Anna Brandt, was born in Bergen.", mill, wheel), Some(Supported));
    }

    #[test]
    fn swapped_names_are_seen_without_capitals_too() {
        check("该公司由王明于1999年在上海创立。", "该公司由李强于1999年在上海创立。", Contradicted);
        check("该公司由李强于1999年在上海创立。", "该公司由李强于1999年在上海创立。", Supported);
    }

    #[test]
    fn the_embedder_is_asked_only_about_the_texts_that_were_named() {
        let source = [Source { span: span(0, LEASE), text: LEASE, title: "", context: &[] }];
        let answer = "The rent comes to 12,500 kroner, monthly and paid in cash.";
        let texts = texts_wanted(answer, &source, 32);
        assert!(texts.contains(&answer.to_owned()) && texts.contains(&"The monthly rent is 12,500 kroner.".to_owned()));
        let near = Embedded::new(texts.clone(), vec![vec![1.0, 0.0]; texts.len()]);
        let with =
            verify(answer, &source, &near).first().and_then(|c| c.support.first().map(|s| s.score)).unwrap_or(0.0);
        let without = verify(answer, &source, &NoSimilarity)
            .first()
            .and_then(|c| c.support.first().map(|s| s.score))
            .unwrap_or(0.0);
        assert!(with > without, "{with} {without}");
    }

    #[test]
    fn confidence_follows_the_states() {
        let of = |states: &[CheckState]| {
            let checks: Vec<SentenceCheck> = states
                .iter()
                .map(|state| SentenceCheck { range: 0..1, state: *state, support: Vec::new(), mismatches: Vec::new() })
                .collect();
            confidence(&checks)
        };
        assert_eq!(of(&[Supported, Supported, Supported, Supported, Partly]), Confidence::High);
        assert_eq!(of(&[Supported, Partly]), Confidence::Mixed);
        assert_eq!(of(&[Supported, NotFound, Partly]), Confidence::Low);
        assert_eq!(of(&[Supported, Supported, Supported, Supported, Supported, Contradicted]), Confidence::Low);
        assert_eq!(of(&[]), Confidence::Low);
    }

    #[test]
    fn hostile_answers_and_sources_are_survived() {
        for text in [
            "",
            "\u{0}",
            "9".repeat(400).as_str(),
            "1e999 %%% $",
            "。。年月日 2023年",
            "A B C [1][2]",
            "\t\t1\t",
            "e\u{301}́́ 5 Ż",
        ] {
            let _ = states(text, &[(text, text), ("x", "y")]);
        }
        assert!(states("A fact stands here.", &[]).iter().all(|state| *state == NotFound));
    }
}

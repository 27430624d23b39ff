//! "Compare these two": what each document says of the same, side by side, and what only one of them says.

use super::exact::Taken;
use super::recall::Recalled;
use super::state::{Ended, Turn};
use super::units::{self, Exact, Read, Unit};
use super::whole::{says_something, vectors};
use crate::view::count;
use hearth_domain::DocumentId;
use hearth_retrieval::{Topic, central};

/// Statements of one document that are laid beside others, at most.
const READ: usize = 96;
/// Pairs shown.
const PAIRS: usize = 8;
/// Statements shown that only one document has.
const ALONE: usize = 4;
/// Statements of each document on a topic that are shown.
const ON_TOPIC: usize = 6;
/// Statements speak of the same from this cosine on.
const OF_THE_SAME: f32 = 0.5;

/// Lays documents side by side.
pub(super) fn side_by_side(
    turn: &mut Turn<'_>,
    recalled: &Recalled,
    documents: &[DocumentId],
) -> Result<Option<Taken>, Ended> {
    let name = count(documents.len(), "document", "documents");
    turn.doing(format!("Laying {name} side by side"), None);
    let read = units::read(turn, &recalled.routed.permitted, documents)?;
    if read.len() < 2 {
        return Ok(None);
    }
    let titles: Vec<&str> = read.iter().flat_map(|read| [read.row.title.as_str(), read.row.name.as_str()]).collect();
    let topic = Topic::of_comparison(&recalled.query, &titles);
    let pages = read.iter().map(|read| read.pages as usize).sum();
    let whole = format!("{} read from end to end", count(pages, "page", "pages"));
    let names = read.iter().map(|read| read.row.title.as_str()).collect::<Vec<_>>().join(" and ");
    let mut exact = Exact::default();
    let about = if topic.is_empty() { String::new() } else { format!(" on “{}”", topic.words.join(" ")) };
    exact.heading(&format!("{names}{about}, {whole}:"));
    let decision = if topic.is_empty() {
        whole_against_whole(turn, &read, &mut exact)
    } else {
        on_topic(turn, &read, &topic, &mut exact)
    };
    let Some(decision) = decision else { return Ok(None) };
    let statements = exact.len();
    Ok(Some(Taken {
        exact,
        read: format!("{name}, {whole}"),
        made: format!("{} laid side by side", count(statements, "statement", "statements")),
        decision,
    }))
}

/// What each says on a topic: what holds most of its words, in the document's order. A document that says nothing of it is
/// named.
fn on_topic(turn: &Turn<'_>, read: &[Read], topic: &Topic, exact: &mut Exact) -> Option<String> {
    let mut silent = Vec::new();
    for one in read {
        let mut found: Vec<(f32, usize)> = one
            .units
            .iter()
            .enumerate()
            .map(|(at, unit)| (topic.bearing(&unit.text, &unit.above), at))
            .filter(|(bearing, _)| *bearing >= 0.34)
            .collect();
        found.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        found.truncate(ON_TOPIC);
        found.sort_by_key(|(_, at)| *at);
        if found.is_empty() {
            silent.push(one.row.title.clone());
            continue;
        }
        exact.heading(&format!("{}:", one.row.title));
        for unit in found.iter().filter_map(|(_, at)| one.units.get(*at)) {
            exact.statement("", &unit.text, &[unit.span], &one.passages);
        }
    }
    if silent.len() == read.len() || turn.is_stopped() {
        return None;
    }
    for title in &silent {
        exact.heading(&format!("{title} says nothing of it:"));
    }
    Some(format!("The statements of each document that say most of “{}”.", topic.words.join(" ")))
}

/// The statements that say most of the first, each with what comes nearest to it in the others; then what only one says.
fn whole_against_whole(turn: &Turn<'_>, read: &[Read], exact: &mut Exact) -> Option<String> {
    let (first, second) = (read.first()?, read.get(1)?);
    let (mine, theirs) = (statements(first), statements(second));
    let texts = mine.iter().chain(&theirs).map(|unit| unit.text.clone()).collect();
    let all = vectors(turn, texts);
    let (one, other) = all.split_at_checked(mine.len()).filter(|(one, other)| !one.is_empty() && !other.is_empty())?;
    let dot = |a: &[f32], b: &[f32]| a.iter().zip(b).map(|(x, y)| x * y).sum::<f32>();
    let mut near: Vec<(f32, usize, usize)> = one
        .iter()
        .enumerate()
        .flat_map(|(x, a)| other.iter().enumerate().map(move |(y, b)| (dot(a, b), x, y)))
        .filter(|(cosine, ..)| *cosine >= OF_THE_SAME)
        .collect();
    near.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)).then(a.2.cmp(&b.2)));
    let mut pairs: Vec<(usize, usize)> = Vec::new();
    for (_, x, y) in near {
        if pairs.iter().any(|(known, other)| *known == x || *other == y) {
            continue;
        }
        pairs.push((x, y));
    }
    let text = |units: &[&Unit], at: usize| units.get(at).map(|unit| unit.text.clone()).unwrap_or_default();
    // What both say word for word is no difference.
    let equal = |(x, y): &(usize, usize)| text(&mine, *x) == text(&theirs, *y);
    let same = pairs.iter().filter(|pair| equal(pair)).count();
    let mut shown: Vec<(usize, usize)> = pairs.iter().copied().filter(|pair| !equal(pair)).take(PAIRS).collect();
    shown.sort_unstable();
    for (x, y) in &shown {
        for (one, units, at) in [(first, &mine, *x), (second, &theirs, *y)] {
            if let Some(unit) = units.get(at) {
                exact.heading(&format!("{}:", one.row.title));
                exact.statement("", &unit.text, &[unit.span], &one.passages);
            }
        }
    }
    for (of, units, own, paired) in [
        (first, &mine, one, pairs.iter().map(|pair| pair.0).collect::<Vec<_>>()),
        (second, &theirs, other, pairs.iter().map(|pair| pair.1).collect()),
    ] {
        let left: Vec<usize> = (0..units.len()).filter(|at| !paired.contains(at)).collect();
        let vectors: Vec<Vec<f32>> = left.iter().filter_map(|at| own.get(*at).cloned()).collect();
        let mut chosen: Vec<usize> =
            central(&vectors, ALONE).into_iter().filter_map(|at| left.get(at).copied()).collect();
        chosen.sort_unstable();
        if !chosen.is_empty() {
            exact.heading(&format!("Only in {}:", of.row.title));
        }
        for unit in chosen.into_iter().filter_map(|at| units.get(at)) {
            exact.statement("", &unit.text, &[unit.span], &of.passages);
        }
    }
    let more = match read.len() {
        2 => String::new(),
        n => format!(" Of {n} documents the first two were laid side by side."),
    };
    Some(format!(
        "Statements were paired by what they mean: {}, {same} of them word for word the same and not shown.{more}",
        count(pairs.len(), "pair", "pairs")
    ))
}

/// The statements of a document that are laid beside others: all of a short one, spread evenly over a long one.
fn statements(read: &Read) -> Vec<&Unit> {
    let all: Vec<&Unit> = read.units.iter().filter(|unit| unit.listed || says_something(&unit.text)).collect();
    let step = all.len().div_ceil(READ).max(1);
    all.into_iter().step_by(step).collect()
}

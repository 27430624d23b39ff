//! The best sentences of the best passages, exactly as they stand. Nothing is rewritten: a quote is a slice.

use crate::amounts;
use crate::candidate::Ranking;
use crate::cells::Columns;
use crate::evidence::{Lookup, Reading};
use crate::fold::fold;
use crate::query::Query;
use crate::sentences::sentences;
use crate::terms::tokens;
use hearth_domain::Span;
use std::collections::HashSet;
use std::ops::Range;

/// The longest quote in bytes, except that a table row comes whole.
const MAX_BYTES: usize = 300;
/// Passages that are read for quotes.
const READ: usize = 40;

/// An exact stretch of a page that bears on the question.
#[derive(Debug, Clone, PartialEq)]
pub struct Quote {
    /// Where it stands.
    pub span: Span,
    /// Exactly the page's text there.
    pub text: String,
    /// Index into `Ranking::passages`.
    pub candidate: usize,
    /// How well it answers, 0 to 1.
    pub score: f32,
    /// The cell that answers, where the quote is a row of a table.
    pub cell: Option<Cell>,
}

/// A cell of a quoted row.
#[derive(Debug, Clone, PartialEq)]
pub struct Cell {
    /// Where it stands.
    pub span: Span,
    /// Exactly the page's text there.
    pub text: String,
    /// What names its column; empty where nothing does.
    pub head: String,
}

/// What a word of the question counts that names the column and not the row.
const IN_HEAD: f32 = 0.6;

/// What a row of figures counts more where an amount is asked for and its label says nothing but what is asked.
const LABEL: f32 = 0.8;
/// What a sentence counts less that tells how an amount changed, where that is not asked.
const CHANGE: f32 = 0.3;

/// One sentence that may be quoted.
struct Choice {
    candidate: usize,
    range: Range<usize>,
    score: f32,
    terms: HashSet<String>,
}

/// The best sentences, at most `limit` of them (3 at most), best first, each saying something new; none where the
/// ranking found nothing relevant.
pub fn quotes(query: &Query, ranking: &Ranking, limit: usize) -> Vec<Quote> {
    if !ranking.relevant {
        return Vec::new();
    }
    let mut choices = choices(query, ranking);
    choices.sort_by(|a, b| {
        b.score.total_cmp(&a.score).then(a.candidate.cmp(&b.candidate)).then(a.range.start.cmp(&b.range.start))
    });
    let best = choices.first().map_or(0.0, |choice| choice.score);
    let mut kept: Vec<Choice> = Vec::new();
    for choice in choices {
        if kept.len() >= limit.min(3) || choice.score < best * 0.4 {
            break;
        }
        if !kept.iter().any(|known| says_the_same(&known.terms, &choice.terms)) {
            kept.push(choice);
        }
    }
    kept.into_iter().filter_map(|choice| cut(query, ranking, choice)).collect()
}

fn choices(query: &Query, ranking: &Ranking) -> Vec<Choice> {
    let mut lookup = Lookup::new(query);
    let passages = ranking.passages.iter().take(READ);
    let columns: Vec<Columns> =
        passages.clone().map(|r| Columns::of(&r.candidate.text, &r.candidate.context)).collect();
    let mut pieces: Vec<(usize, Range<usize>, Reading)> = Vec::new();
    for (at, ranked) in passages.enumerate() {
        for range in sentences(&ranked.candidate.text) {
            let Some(text) = ranked.candidate.text.get(range.clone()) else { continue };
            pieces.push((at, range, Reading::new(text, query, &lookup)));
        }
    }
    let all = pieces.len() as f32;
    let rarity: Vec<f32> = (0..lookup.weights.len())
        .map(|at| {
            let here = pieces.iter().filter(|(_, _, reading)| reading.has(at)).count() as f32;
            (1.0 + (all - here + 0.5) / (here + 0.5)).ln() / (1.0 + (all + 0.5) / 0.5).ln()
        })
        .collect();
    for (weight, rarity) in lookup.weights.iter_mut().zip(rarity) {
        *weight *= 0.4 + 0.6 * rarity;
    }
    let wanted = Wanted::of(query);
    let (amount, about_change) = (amounts::wanted(&query.text), amounts::tells_of_change(&query.text));
    let mut found = Vec::with_capacity(pieces.len());
    for (at, range, reading) in pieces {
        let Some(ranked) = ranking.passages.get(at) else { continue };
        let Some(text) = ranked.candidate.text.get(range.clone()) else { continue };
        // A heading that only repeats the question's words answers nothing.
        let short = text.chars().count() < 25 && !text.contains('\t') && !text.chars().any(|c| c.is_ascii_digit());
        let mut coverage = lookup.share(|term| reading.has(term));
        let columns = columns.get(at).filter(|_| text.contains('\t'));
        if let Some(columns) = columns.filter(|_| coverage > 0.0) {
            let named = |term: usize| query.terms.get(term).is_some_and(|t| columns.has(&t.text));
            coverage += IN_HEAD * lookup.share(|term| !reading.has(term) && named(term));
        }
        let names_columns = columns.and_then(|c| c.row.as_ref()).is_some_and(|row| row.contains(&range.start));
        let above = lookup.share(|term| {
            !reading.has(term) && query.terms.get(term).is_some_and(|t| ranked.why.matched_terms.contains(&t.text))
        });
        let words = coverage + 0.25 * above + 0.2 * reading.proximity(&lookup) + 0.15 * reading.phrases;
        let mut score = (words / 1.35 * 0.75 + 0.25 * ranked.score).min(1.0);
        if coverage > 0.0 {
            score *= if wanted.answered(text, query) { 1.0 } else { 0.82 };
            score *= 1.0 + amount * bonus(text, &lookup, columns.is_some() && !names_columns, about_change);
            if short || names_columns {
                score *= 0.5;
            }
            if ranked.why.duplicate {
                score *= 0.6;
            }
            score *= 0.55 + 0.45 * ranked.score;
            let terms = tokens(text).into_iter().map(|token| token.term).collect();
            found.push(Choice { candidate: at, range, score, terms });
        }
    }
    // A question whose words stand in no single sentence still gets the head of the best passage.
    if found.is_empty()
        && let Some(first) = ranking.passages.first()
        && let Some(range) = sentences(&first.candidate.text).into_iter().next()
    {
        found.push(Choice { candidate: 0, range, score: first.score * 0.5, terms: HashSet::new() });
    }
    found
}

/// What a sentence or row counts more, or less, where an amount is asked for.
fn bonus(text: &str, lookup: &Lookup, row: bool, about_change: bool) -> f32 {
    if row && amounts::stated(text) > 0.0 {
        let label = tokens(text.split('\t').next().unwrap_or(""));
        let asked = label.iter().filter(|token| lookup.find(&token.term).is_some()).count();
        return LABEL * asked as f32 / label.len().max(1) as f32;
    }
    if !about_change && amounts::tells_of_change(text) { -CHANGE } else { 0.0 }
}

fn says_the_same(a: &HashSet<String>, b: &HashSet<String>) -> bool {
    let both = a.intersection(b).count();
    both * 10 >= (a.len() + b.len() - both).max(1) * 7
}

/// The sort of thing that a question wants to hear.
enum Wanted {
    Figure,
    Time,
    Name,
    Anything,
}

impl Wanted {
    fn of(query: &Query) -> Self {
        let folded = fold(&query.text);
        let starts = |list: &[&str]| list.iter().any(|word| folded.starts_with(word));
        let has = |list: &[&str]| list.iter().any(|word| folded.contains(word));
        if has(&[
            "how many",
            "how much",
            "what percentage",
            "what amount",
            "wie viel",
            "wieviel",
            "combien",
            "cuant",
            "quant",
            "сколько",
            "多少",
            "几个",
            "कितन",
            "เท่าไ",
            "kac ",
        ]) {
            Wanted::Figure
        } else if starts(&["when", "wann", "quand", "cuando", "quando", "когда"])
            || has(&["what year", "which year", "what date", "哪一年", "什么时候", "何时", "कब", "เมื่อ", "ne zaman"])
        {
            Wanted::Time
        } else if starts(&["who", "whose", "wer ", "wem", "quien", "chi ", "кто", "谁"]) {
            Wanted::Name
        } else {
            Wanted::Anything
        }
    }

    /// Whether a sentence holds such a thing that the question does not hold itself.
    fn answered(&self, text: &str, query: &Query) -> bool {
        let fresh = |word: &&str| !query.text.contains(word.trim_matches(|c: char| !c.is_alphanumeric()));
        let digits = |word: &&str| word.chars().any(|c| crate::fold::digit(c).is_some());
        match self {
            Wanted::Anything => true,
            Wanted::Figure => {
                text.split_whitespace().filter(digits).any(|word| fresh(&word)) || text.contains(['%', '$', '€', '£'])
            }
            Wanted::Time => text.split_whitespace().filter(digits).any(|word| fresh(&word)),
            Wanted::Name => {
                let mut words = text.split_whitespace().skip(1);
                words.any(|word| {
                    word.chars().find(|c| c.is_alphabetic()).is_some_and(char::is_uppercase) && fresh(&word)
                }) || !text.chars().any(char::is_uppercase)
                    || text.split_whitespace().next().is_some_and(|word| fresh(&word))
            }
        }
    }
}

/// The quote that a choice makes: whole, or the clauses around the question's words where the sentence is too long.
fn cut(query: &Query, ranking: &Ranking, choice: Choice) -> Option<Quote> {
    let candidate = &ranking.passages.get(choice.candidate)?.candidate;
    let text = candidate.text.get(choice.range.clone())?;
    let inner = if text.len() <= MAX_BYTES || text.contains('\t') { 0..text.len() } else { clauses(text, query) };
    let slice = text.get(inner.clone())?;
    let start = choice.range.start + inner.start;
    let span = |from: usize, to: usize| {
        let at = |byte: usize| Some(candidate.start + u32::try_from(start + byte).ok()?);
        Some(Span { version: candidate.version, page: candidate.page, start: at(from)?, end: at(to)? })
    };
    // Empty cells before the first stand in the row too.
    let before = candidate.text.get(..start).unwrap_or("");
    let empty = before.len() - before.trim_end_matches('\t').len();
    let row = candidate.text.get(start - empty..start + slice.len()).filter(|row| row.contains('\t'));
    let chosen = row.and_then(|row| {
        let columns = Columns::of(&candidate.text, &candidate.context);
        let names = columns.row.as_ref().is_some_and(|row| row.contains(&start));
        if names { None } else { columns.choose(row, &Lookup::new(query)) }
    });
    let cell = chosen.and_then(|cell| {
        let (from, to) = (cell.range.start.checked_sub(empty)?, cell.range.end.checked_sub(empty)?);
        Some(Cell { span: span(from, to)?, text: slice.get(from..to)?.to_owned(), head: cell.head })
    });
    Some(Quote {
        span: span(0, slice.len())?,
        text: slice.to_owned(),
        candidate: choice.candidate,
        score: choice.score.clamp(0.0, 1.0),
        cell,
    })
}

/// The stretch of a long sentence, at most `MAX_BYTES`, cut at clauses or words, that holds most of the question.
fn clauses(text: &str, query: &Query) -> Range<usize> {
    let lookup = Lookup::new(query);
    let hits: Vec<(usize, usize)> =
        tokens(text).iter().filter_map(|token| lookup.find(&token.term).map(|term| (term, token.start))).collect();
    let mut begins: Vec<usize> = vec![0];
    begins
        .extend(text.match_indices([',', ';', ':', '，', '；', '、', '(', '—', '–']).map(|(at, mark)| at + mark.len()));
    begins.extend(hits.iter().map(|(_, at)| *at));
    let reach = |from: usize| {
        let mut to = (from + MAX_BYTES).min(text.len());
        while !text.is_char_boundary(to) {
            to -= 1;
        }
        if to < text.len()
            && let Some(space) =
                text.get(from..to).and_then(|t| t.rfind(|c: char| c.is_whitespace() || matches!(c, '，' | '、' | '；')))
            && space > MAX_BYTES / 2
        {
            to = from + space;
        }
        to
    };
    let mut best = (0.0f32, 0usize);
    for from in begins {
        let to = reach(from);
        let held: HashSet<usize> =
            hits.iter().filter(|(_, at)| (from..to).contains(at)).map(|(term, _)| *term).collect();
        // Equal shares go to the earlier beginning, which reads best.
        let share = lookup.share(|term| held.contains(&term)) - if from == 0 { 0.0 } else { 0.05 };
        if share > best.0 + 0.001 {
            best = (share, from);
        }
    }
    let (from, to) = (best.1, reach(best.1));
    let slice = text.get(from..to).unwrap_or("");
    let lead = slice.len() - slice.trim_start().len();
    from + lead..from + slice.trim_end().len()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::candidate::{Candidate, RankOptions, Scored};
    use crate::query::understand;
    use crate::rank::rank;
    use hearth_domain::{DocumentId, PassageId, VersionId};

    /// Quotes from one page, on which the passage begins after a lead; each quote is checked to be the page's own bytes.
    fn check(question: &str, text: &str, expect: &[&str]) {
        let page = format!("Vorspann ä\n{text}\nNachspann");
        let start = page.find(text).unwrap_or(0) as u32;
        let candidate = Candidate {
            passage: PassageId(1),
            document: DocumentId(1),
            version: VersionId(7),
            page: 3,
            start,
            end: start + text.len() as u32,
            title: String::new(),
            context: Vec::new(),
            text: text.to_owned(),
            lexical: Some(Scored { rank: 0, score: 4.0 }),
            vector: None,
            embedding: None,
        };
        let query = understand(question, &[]);
        let ranking = rank(&query, vec![candidate], &RankOptions::default());
        let found = quotes(&query, &ranking, 1);
        for quote in &found {
            assert_eq!(page.get(quote.span.start as usize..quote.span.end as usize), Some(quote.text.as_str()));
            assert_eq!((quote.span.version, quote.span.page), (VersionId(7), 3));
        }
        assert_eq!(found.iter().map(|quote| quote.text.as_str()).collect::<Vec<_>>(), expect);
    }

    #[test]
    fn a_quote_is_the_sentence_that_answers() {
        check(
            "When was the lease signed?",
            "The lease is for a flat in Zürich. The lease was signed on 4 May 2021 by both. Rent is due monthly.",
            &["The lease was signed on 4 May 2021 by both."],
        );
    }

    #[test]
    fn a_table_row_comes_whole() {
        check(
            "What were net sales of services?",
            "Item\t2023\t2022\nNet sales of products\t298,085\t316,199\nNet sales of services\t85,200\t78,129",
            &["Net sales of services\t85,200\t78,129"],
        );
    }

    #[test]
    fn an_amount_is_answered_by_its_row_and_a_reason_by_what_gives_it() {
        let said = "Total net sales increased 2% in spring 2022 compared to the year before, driven by services.";
        let text = format!("{said}\nItem\t2022\t2021\nOther net items\t12\t14\nTotal net sales\t82,959\t81,434");
        check("How much were total net sales in spring 2022?", &text, &["Total net sales\t82,959\t81,434"]);
        check("Why did total net sales increase in spring 2022?", &text, &[said]);
    }

    #[test]
    fn a_long_sentence_is_cut_at_its_clauses() {
        let long = format!(
            "{}, the deposit amounts to three monthly rents, {}.",
            "as agreed before ".repeat(20).trim(),
            "and so on and on ".repeat(20).trim()
        );
        let query = understand("How much is the deposit in monthly rents?", &[]);
        let range = clauses(&long, &query);
        let cut = long.get(range).unwrap_or("");
        assert!(cut.len() <= MAX_BYTES && cut.contains("the deposit amounts to three monthly rents"), "{cut}");
    }
}

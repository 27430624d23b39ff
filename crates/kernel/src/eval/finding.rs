//! Questions: whether the passages that answer them are found, whether questions without an answer are refused, and
//! whether the figures of an answer stand in what is found in whole files.

use super::library::plain;
use super::score::{mean, ndcg_recall};
use super::sets::{Set, lines, text};
use super::{Bench, EvalFigure, EvalRow, baseline, not_measured};
use crate::turn::{Found, KEPT};
use hearth_api::Error;
use hearth_domain::{Document, DocumentId, SpaceId};
use hearth_store::SearchFilter;
use serde_json::Value;
use std::collections::{BTreeMap, HashMap, HashSet};
use std::path::Path;
use std::time::Instant;

/// nDCG and recall are counted to this place.
const PLACES: usize = 10;
/// Sets of up to so many documents are also asked without those that answer.
const SMALL: usize = 1_000;
/// Documents on each side of the one that answers that go with it: neighbours in a file are often of one article.
const AROUND: usize = 5;

/// `corpus*.jsonl` {_id, title, text, metadata.conversation}, `queries*.jsonl` {_id, text, metadata}, `qrels*.tsv` (query,
/// document, grade): one row for each ending (a language). Questions of a conversation find within it alone.
pub(super) fn passages(bench: &mut Bench<'_>, set: &Set) -> Result<Vec<EvalRow>, Error> {
    let files = set.files("corpus", ".jsonl");
    if files.is_empty() {
        return Err(not_measured("it has no corpus.jsonl"));
    }
    files.into_iter().map(|(part, corpus)| language(bench, set, &part, &corpus)).collect()
}

/// What a corpus is asked.
struct Questions {
    texts: Vec<String>,
    conversations: Vec<String>,
    /// Document and grade.
    relevant: Vec<HashMap<String, f64>>,
    /// The ways to say the answer, folded; none where the set gives none that could stand in a text.
    answers: Vec<Vec<String>>,
    /// Whether each has a passage that its answer was cut from.
    extractive: bool,
}

fn language(bench: &mut Bench<'_>, set: &Set, part: &str, corpus: &Path) -> Result<EvalRow, Error> {
    let ending = if part.is_empty() { String::new() } else { format!(".{part}") };
    let documents = lines(corpus)?;
    let questions = questions(set, &ending)?;
    let mut spaces: BTreeMap<String, (SpaceId, Vec<usize>)> = BTreeMap::new();
    for (at, document) in documents.iter().enumerate() {
        let conversation = conversation(document);
        if !spaces.contains_key(&conversation) {
            let space = bench.space(&format!("{} {part} {conversation}", set.name))?;
            spaces.insert(conversation.clone(), (space, Vec::new()));
        }
        if let Some((_, members)) = spaces.get_mut(&conversation) {
            members.push(at);
        }
    }
    let mut ids: Vec<Option<DocumentId>> = vec![None; documents.len()];
    let mut at_of: HashMap<DocumentId, usize> = HashMap::new();
    for (space, members) in spaces.values() {
        let read: Vec<(String, Document)> = members
            .iter()
            .filter_map(|at| documents.get(*at))
            .map(|d| (text(d, "_id").to_owned(), plain(text(d, "title"), text(d, "text"))))
            .collect();
        for (id, at) in bench.publish(*space, &read)?.into_iter().zip(members) {
            at_of.insert(id, *at);
            if let Some(place) = ids.get_mut(*at) {
                *place = Some(id);
            }
        }
    }
    let vectors = bench.questions(&questions.texts)?;
    let named = |at: usize| documents.get(at).map_or("", |d| text(d, "_id"));
    let (mut ndcg, mut recall, mut ms) = (Vec::new(), Vec::new(), Vec::new());
    let (mut whole, mut answered, mut refused) = (Vec::new(), Vec::new(), Vec::new());
    // The same after a second look.
    let (mut answered_then, mut refused_then) = (Vec::new(), Vec::new());
    // Whether the first quote holds the answer, and whether any does.
    let (mut quoted_first, mut quoted) = (Vec::new(), Vec::new());
    for (at, wanted) in questions.relevant.iter().enumerate() {
        let (Some(asked), Some(vector)) = (questions.texts.get(at), vectors.get(at)) else { continue };
        let conversation = questions.conversations.get(at).map_or("", String::as_str);
        let Some((space, members)) = spaces.get(conversation) else { continue };
        if at % 50 == 0 {
            (bench.progress)(&format!("{}{ending}: question {at} of {}", set.name, questions.texts.len()));
        }
        let began = Instant::now();
        let found = bench.ask(asked, vector.clone(), &SearchFilter::space(*space))?;
        ms.push(began.elapsed().as_secs_f64() * 1e3);
        let order: Vec<&str> =
            documents_of(&found).into_iter().filter_map(|id| at_of.get(&id)).map(|at| named(*at)).collect();
        let grades: Vec<f64> = order.iter().map(|id| wanted.get(*id).copied().unwrap_or(0.0)).collect();
        let all: Vec<f64> = wanted.values().copied().collect();
        let (n, r) = ndcg_recall(&grades, &all, PLACES);
        ndcg.push(n);
        recall.push(r);
        whole.push(f64::from(u8::from(r >= 1.0)));
        answered.push(f64::from(u8::from(found.ranking.relevant)));
        if let Some(answers) = questions.answers.get(at).filter(|answers| !answers.is_empty()) {
            let held = found.quoted().iter().map(|quote| said(&quote.text)).collect::<Vec<_>>();
            let holds = |quote: &String| answers.iter().any(|answer| says(quote, answer));
            quoted_first.push(f64::from(u8::from(held.first().is_some_and(holds))));
            quoted.push(f64::from(u8::from(held.iter().any(holds))));
        }
        let then = bench.ask_again(asked, &SearchFilter::space(*space), found)?;
        answered_then.push(f64::from(u8::from(then.ranking.relevant)));
        // The same question over the documents that do not hold its answer: it should be refused.
        if questions.extractive && documents.len() <= SMALL {
            let own: Vec<usize> = members.iter().copied().filter(|d| wanted.contains_key(named(*d))).collect();
            let far = |d: &usize| own.iter().all(|own| own.abs_diff(*d) > AROUND);
            let others = members.iter().filter(|d| far(d)).filter_map(|d| ids.get(*d).copied().flatten()).collect();
            let filter = SearchFilter { documents: Some(others), ..SearchFilter::space(*space) };
            let found = bench.ask(asked, vector.clone(), &filter)?;
            refused.push(f64::from(u8::from(!found.ranking.relevant)));
            let then = bench.ask_again(asked, &filter, found)?;
            refused_then.push(f64::from(u8::from(!then.ranking.relevant)));
        }
    }
    if ndcg.is_empty() {
        return Err(not_measured("no question has a passage that answers it"));
    }
    let mut row = EvalRow::new(
        part,
        ndcg.len(),
        &[
            ("nDCG@10", mean(&ndcg)),
            ("Recall@10", mean(&recall)),
            ("all found at 10", mean(&whole)),
            ("answered", mean(&answered)),
            ("answered at the second look", mean(&answered_then)),
        ],
    );
    if !quoted.is_empty() {
        for (name, of) in [("answer in the first quote", &quoted_first), ("answer in the quotes", &quoted)] {
            row.figures.push(EvalFigure { name: name.into(), value: mean(of), reference: None });
        }
    }
    if !refused.is_empty() {
        row.figures.push(EvalFigure { name: "refused when it should".into(), value: mean(&refused), reference: None });
        let name = "refused when it should, at the second look".into();
        row.figures.push(EvalFigure { name, value: mean(&refused_then), reference: None });
    }
    ms.sort_by(f64::total_cmp);
    let p95 = ms.get((ms.len() * 95).div_ceil(100).saturating_sub(1)).copied().unwrap_or(0.0);
    row.figures.push(EvalFigure { name: "p95 ms".into(), value: p95, reference: None });
    if let Some(said) = &set.baseline {
        row.baseline = baseline::part(said, part);
        let of = row.baseline.as_ref().unwrap_or(said).clone();
        for figure in &mut row.figures {
            figure.reference = baseline::figure(&of, "RRF", &figure.name);
        }
    }
    Ok(row)
}

fn conversation(value: &Value) -> String {
    value.get("metadata").map(|m| text(m, "conversation").to_owned()).unwrap_or_default()
}

/// The questions that have an answer, with what answers them.
fn questions(set: &Set, ending: &str) -> Result<Questions, Error> {
    let mut relevant: HashMap<String, HashMap<String, f64>> = HashMap::new();
    let qrels = set.bytes(&format!("qrels{ending}.tsv"))?;
    for line in String::from_utf8_lossy(&qrels).lines() {
        let mut parts = line.split('\t');
        if let (Some(query), Some(document), Some(grade)) = (parts.next(), parts.next(), parts.next()) {
            // The heading has no number.
            let grade: f64 = grade.trim().parse().unwrap_or(0.0);
            if grade > 0.0 {
                relevant.entry(query.to_owned()).or_default().insert(document.to_owned(), grade);
            }
        }
    }
    let mut questions = Questions {
        texts: Vec::new(),
        conversations: Vec::new(),
        relevant: Vec::new(),
        answers: Vec::new(),
        extractive: true,
    };
    for line in set.lines(&format!("queries{ending}.jsonl"))? {
        let Some(wanted) = relevant.remove(text(&line, "_id")) else { continue };
        questions.texts.push(text(&line, "text").to_owned());
        questions.conversations.push(conversation(&line));
        questions.relevant.push(wanted);
        questions.answers.push(answers(&line));
        questions.extractive &= line.pointer("/metadata/answers/0/answer_start").is_some();
    }
    Ok(questions)
}

/// What a question's answer may read like, as `said` folds it. A yes or a no stands in no text.
fn answers(line: &Value) -> Vec<String> {
    let Some(metadata) = line.get("metadata") else { return Vec::new() };
    let lists = ["answers", "answer_aliases"].into_iter().filter_map(|name| metadata.get(name)?.as_array()).flatten();
    let all = lists.chain(metadata.get("answer"));
    let texts = all.filter_map(|answer| answer.as_str().or_else(|| answer.get("text")?.as_str()));
    texts.map(said).filter(|answer| !["", "yes", "no"].contains(&answer.as_str())).collect()
}

/// A text by its letters and digits alone.
fn said(text: &str) -> String {
    let folded: String = text.to_lowercase().chars().map(|c| if c.is_alphanumeric() { c } else { ' ' }).collect();
    folded.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// Whether a text says an answer, both folded: as whole words, where the script has spaces.
fn says(text: &str, answer: &str) -> bool {
    let word = |c: Option<char>| c.is_some_and(|c| c.is_ascii_alphanumeric());
    text.match_indices(answer).any(|(at, _)| {
        let before = text.get(..at).and_then(|t| t.chars().next_back());
        let behind = text.get(at + answer.len()..).and_then(|t| t.chars().next());
        !(word(before) && word(answer.chars().next()) || word(behind) && word(answer.chars().next_back()))
    })
}

/// The documents of a ranking, each once, best first.
fn documents_of(found: &Found) -> Vec<DocumentId> {
    let mut seen = HashSet::new();
    let all = found.ranking.passages.iter().map(|ranked| ranked.candidate.document);
    all.filter(|id| seen.insert(*id)).collect()
}

/// `documents/*` and `questions.jsonl` {question, answer, source_docs, type}: whether the figures of an answer stand in the
/// passages that are handed on, and whether these are of the right documents. A row for each type, and one for all.
pub(super) fn figures(bench: &mut Bench<'_>, set: &Set) -> Result<Vec<EvalRow>, Error> {
    let questions = set.lines("questions.jsonl")?;
    let space = bench.space(&set.name)?;
    let entries = std::fs::read_dir(set.folder.join("documents")).into_iter().flatten().flatten();
    let mut names: Vec<String> = entries.map(|entry| entry.file_name().to_string_lossy().into_owned()).collect();
    names.sort();
    let mut read = Vec::with_capacity(names.len());
    for name in &names {
        (bench.progress)(&format!("reading {name}"));
        let bytes = set.bytes(&format!("documents/{name}"))?;
        let document = crate::recognize::read(bench.house, name, bytes, None, &mut |_, _| true);
        let mut document = document.map_err(|error| not_measured(format!("{name} was not read: {error}")))?;
        document.title = document.title.filter(|title| crate::title::names_something(title));
        read.push((name.clone(), document));
    }
    let ids = bench.publish(space, &read)?;
    let name_of: HashMap<DocumentId, &str> = ids.into_iter().zip(names.iter().map(String::as_str)).collect();
    let texts: Vec<String> = questions.iter().map(|q| text(q, "question").to_owned()).collect();
    let vectors = bench.questions(&texts)?;
    let mut by_type: BTreeMap<String, [Vec<f64>; 5]> = BTreeMap::new();
    for ((question, asked), vector) in questions.iter().zip(&texts).zip(vectors) {
        let found = bench.ask(asked, vector, &SearchFilter::space(space))?;
        let handed: Vec<_> = found.ranking.passages.iter().take(KEPT).collect();
        let held: HashSet<String> = handed.iter().flat_map(|ranked| numbers(&ranked.candidate.text)).collect();
        let quoted: HashSet<String> = found.quoted().iter().flat_map(|quote| numbers(&quote.text)).collect();
        let wanted: HashSet<String> =
            numbers(&without_sources(text(question, "answer"))).filter(|n| n.contains(['.', ','])).collect();
        let of: Vec<&str> =
            handed.iter().filter_map(|ranked| name_of.get(&ranked.candidate.document).copied()).collect();
        let sources = super::sets::texts(question, "source_docs");
        for kind in ["", text(question, "type")] {
            let [figures, quotes, recall, first, answered] = by_type.entry(kind.to_owned()).or_default();
            if !wanted.is_empty() {
                let share = |of: &HashSet<String>| wanted.intersection(of).count() as f64 / wanted.len() as f64;
                figures.push(share(&held));
                quotes.push(share(&quoted));
            }
            if !sources.is_empty() {
                let there = sources.iter().filter(|source| of.contains(&source.as_str())).count();
                recall.push(there as f64 / sources.len() as f64);
                first.push(f64::from(u8::from(of.first().is_some_and(|best| sources.iter().any(|s| s == best)))));
            }
            answered.push(f64::from(u8::from(found.ranking.relevant)));
        }
    }
    let rows = by_type.into_iter().map(|(kind, [figures, quotes, recall, first, answered])| {
        let name = format!("figures in the first {KEPT} passages");
        EvalRow::new(
            kind,
            answered.len(),
            &[
                (name.as_str(), mean(&figures)),
                ("figures in the quotes", mean(&quotes)),
                ("documents found", mean(&recall)),
                ("first of the right document", mean(&first)),
                ("answered", mean(&answered)),
            ],
        )
    });
    Ok(rows.collect())
}

/// An answer without the remarks that name its sources, whose names hold years.
fn without_sources(answer: &str) -> String {
    answer
        .lines()
        .map(|line| line.split_once("SOURCE").map_or(line, |(before, _)| before))
        .collect::<Vec<_>>()
        .join("\n")
}

/// Numbers as they are written, from digit to digit.
fn numbers(text: &str) -> impl Iterator<Item = String> + '_ {
    let part = |c: char| c.is_ascii_digit() || c == ',' || c == '.';
    text.split(move |c| !part(c))
        .map(|piece| piece.trim_matches(|c| c == ',' || c == '.'))
        .filter(|piece| !piece.is_empty())
        .map(str::to_owned)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_is_said_in_whole_words_where_there_are_spaces() {
        let held = |text: &str, answer: &str| says(&said(text), &said(answer));
        assert!(held("In 1519, \u{201c}The Mill\u{201d} burnt.", "the mill"));
        assert!(held("1519年传播到法国", "1519"));
        assert!(!held("A windmill of 15190", "mill") && !held("A windmill of 15190", "1519"));
    }

    #[test]
    fn figures_of_an_answer_are_numbers_without_the_names_of_sources() {
        let answer = "Sales were $82,959 million, up 7.8%. (SOURCE: 2022 Q3.pdf)\nSOURCE(S): 1.5.pdf";
        let found: Vec<String> = numbers(&without_sources(answer)).collect();
        assert_eq!(found, ["82,959", "7.8"]);
    }
}

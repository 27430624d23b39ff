//! Claims held against their sources by the verifier: told apart, contradicted where an error was planted, and the
//! sentences found that bear them out.

use super::library::plain;
use super::score::{auc, mean};
use super::sets::{Set, text, texts};
use super::{Bench, EvalRow, not_measured};
use hearth_api::Error;
use hearth_documents::ChunkOptions;
use hearth_domain::{CheckState, Passage, SentenceCheck, Span, VersionId};
use hearth_inference::embed::Kind;
use hearth_retrieval::{Embedded, NoSimilarity, Similarity, Source, sentences, supporting, texts_wanted, verify};
use serde_json::Value;
use std::collections::BTreeMap;

/// Sentences that bear a claim out are looked for to this place.
const PLACES: usize = 3;
/// Texts embedded for one claim, as in a turn.
const EMBEDDED: usize = 48;
const STATES: [&str; 4] = ["supported", "partly", "not found", "contradicted"];

/// `claims.jsonl` {claim, label, evidence or sentences, title, supporting_sentences or rationales}, or `*.jsonl` {answer,
/// fakeanswer, positive, positive_wrong}.
pub(super) fn claims(bench: &mut Bench<'_>, set: &Set) -> Result<Vec<EvalRow>, Error> {
    if set.folder.join("claims.jsonl").is_file() {
        return labelled(bench, &set.lines("claims.jsonl")?);
    }
    let mut rows = Vec::new();
    for (part, path) in set.files("", ".jsonl") {
        let values = super::sets::lines(&path)?;
        if values.iter().any(|value| !texts(value, "positive_wrong").is_empty()) {
            rows.extend(planted(bench, &part, &values)?);
        }
    }
    if rows.is_empty() { Err(not_measured("its claims have no sources to be held against")) } else { Ok(rows) }
}

/// One claim with what came of it.
struct Judged {
    label: String,
    checks: Vec<SentenceCheck>,
    /// Share of the sentences that bear it out found among the first, where the set names them.
    recall: Option<f64>,
}

impl Judged {
    /// The worst state of its sentences; nothing that could be checked is not found.
    fn state(&self) -> &'static str {
        let has = |state| self.checks.iter().any(|check| check.state == state);
        match () {
            () if has(CheckState::Contradicted) => "contradicted",
            () if self.checks.is_empty() || has(CheckState::NotFound) => "not found",
            () if has(CheckState::Partly) => "partly",
            () => "supported",
        }
    }

    /// How far it is borne out: the share that spans hold, less where something stands against it.
    fn standing(&self) -> f64 {
        let one = |check: &SentenceCheck| {
            let held = f64::from(check.support.first().map_or(0.0, |support| support.score));
            match check.state {
                CheckState::Supported => 1.0 + held,
                _ => held,
            }
        };
        self.checks.iter().map(one).reduce(f64::min).unwrap_or(0.0)
    }
}

fn labelled(bench: &mut Bench<'_>, values: &[Value]) -> Result<Vec<EvalRow>, Error> {
    let mut judged = Vec::with_capacity(values.len());
    for (at, value) in values.iter().enumerate() {
        if at % 20 == 0 {
            (bench.progress)(&format!("claim {at} of {}", values.len()));
        }
        let lines = if value.get("evidence").is_some() { texts(value, "evidence") } else { texts(value, "sentences") };
        let gold = gold(value);
        let (checks, first) = judge(bench, text(value, "claim"), &lines, text(value, "title"))?;
        let share =
            |wanted: &Vec<usize>| wanted.iter().filter(|at| first.contains(at)).count() as f64 / wanted.len() as f64;
        let recall = gold.iter().filter(|wanted| !wanted.is_empty()).map(share).reduce(f64::max);
        judged.push(Judged { label: text(value, "label").to_owned(), checks, recall });
    }
    let of = |labels: &[&str]| -> Vec<f64> {
        let wanted = |label: &str| labels.iter().any(|l| l.eq_ignore_ascii_case(label));
        judged.iter().filter(|j| wanted(&j.label)).map(Judged::standing).collect()
    };
    let (supported, not) = (of(&["supported", "SUPPORT"]), of(&["not_supported", "NOT_ENOUGH_INFO"]));
    let (partly, against) = (of(&["partially_supported"]), of(&["contradict", "refuted"]));
    let found: Vec<f64> = judged.iter().filter_map(|j| j.recall).collect();
    let (all, rest) = ([supported.clone(), against.clone()].concat(), [partly.clone(), not.clone()].concat());
    let mut figures = vec![("AUC supported against not", auc(&supported, &not))];
    if !partly.is_empty() {
        figures.push(("AUC supported against partly and not", auc(&supported, &rest)));
    }
    if !against.is_empty() {
        figures.push(("AUC of the matter (supported or contradicted) against not", auc(&all, &not)));
        figures.push(("AUC supported against contradicted", auc(&supported, &against)));
    }
    if !found.is_empty() {
        figures.push(("evidence recall@3", mean(&found)));
    }
    let mut rows = vec![EvalRow::new("", judged.len(), &figures)];
    rows.extend(states("", &judged));
    Ok(rows)
}

/// The sets of sentences that bear a claim out, any of which is enough; or one set.
fn gold(value: &Value) -> Vec<Vec<usize>> {
    let index = |v: &Value| v.as_u64().and_then(|n| usize::try_from(n).ok());
    let list = |key: &str| value.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
    let sets = [list("supporting_sentences"), list("rationales")].concat();
    if sets.iter().all(Value::is_array) {
        let one = |set: &Value| set.as_array().map(|s| s.iter().filter_map(index).collect()).unwrap_or_default();
        sets.iter().map(one).collect()
    } else {
        vec![sets.iter().filter_map(index).collect()]
    }
}

/// Falsified passages' sentences with the planted error, against the sound passages; and sound sentences against the same.
fn planted(bench: &mut Bench<'_>, part: &str, values: &[Value]) -> Result<Vec<EvalRow>, Error> {
    let mut judged = Vec::new();
    for value in values {
        let sound = texts(value, "positive");
        let pairs = [
            ("planted error", text(value, "fakeanswer"), texts(value, "positive_wrong")),
            ("sound", text(value, "answer"), sound.clone()),
        ];
        for (label, answer, passages) in pairs {
            for passage in passages.iter().filter(|_| !answer.is_empty()) {
                let mut found = sentences(passage).into_iter().filter_map(|range| passage.get(range));
                let Some(claim) = found.find(|s| s.contains(answer) && s.len() > answer.len() + 20) else { continue };
                let (checks, _) = judge(bench, claim, &sound, "")?;
                judged.push(Judged { label: label.to_owned(), checks, recall: None });
            }
        }
    }
    let share = |label: &str, state: &str| {
        let of: Vec<&Judged> = judged.iter().filter(|j| j.label == label).collect();
        of.iter().filter(|j| j.state() == state).count() as f64 / of.len() as f64
    };
    let passed = share("planted error", "supported");
    let figures = [
        ("planted errors contradicted", share("planted error", "contradicted")),
        ("planted errors that pass as supported", passed),
        ("false alarms", share("sound", "contradicted")),
    ];
    let mut rows = vec![EvalRow::new(part, judged.len(), &figures)];
    rows.extend(states(part, &judged));
    Ok(rows)
}

/// How claims of each label were marked.
fn states(part: &str, judged: &[Judged]) -> Vec<EvalRow> {
    let mut labels: BTreeMap<&str, Vec<&Judged>> = BTreeMap::new();
    judged.iter().for_each(|j| labels.entry(j.label.as_str()).or_default().push(j));
    let row = |(label, of): (&str, Vec<&Judged>)| {
        let count = |state| of.iter().filter(|j| j.state() == state).count() as f64;
        let figures: Vec<(&str, f64)> = STATES.iter().map(|state| (*state, count(*state))).collect();
        EvalRow::new(format!("{part} {label}").trim(), of.len(), &figures)
    };
    labels.into_iter().map(row).collect()
}

/// Checks a claim against lines that the chunker gathers into passages, as a turn would. Also gives the lines that bear
/// it out best, by number.
fn judge(
    bench: &mut Bench<'_>,
    claim: &str,
    lines: &[String],
    title: &str,
) -> Result<(Vec<SentenceCheck>, Vec<usize>), Error> {
    let lines: Vec<String> = lines.iter().map(|line| line.replace(['\n', '\r'], " ").trim().to_owned()).collect();
    let read = plain(title, &lines.join("\n"));
    let passages = hearth_documents::chunk(&read, &ChunkOptions::default());
    let sources: Vec<Source<'_>> = passages.iter().map(|passage| source(passage, title)).collect();
    let wanted = texts_wanted(claim, &sources, EMBEDDED);
    let vectors = bench.vectors.of(Kind::Passage, &wanted, &mut |_| {})?;
    let similarity: Box<dyn Similarity> = match vectors {
        Some(vectors) => Box::new(Embedded::new(wanted, vectors)),
        None => Box::new(NoSimilarity),
    };
    let checks = verify(claim, &sources, similarity.as_ref());
    let ends: Vec<u32> = lines
        .iter()
        .scan(0u32, |end, line| {
            *end += line.len() as u32 + 1;
            Some(*end)
        })
        .collect();
    let mut found: Vec<usize> = Vec::new();
    for support in supporting(claim, &sources, similarity.as_ref(), PLACES * 2) {
        let line = ends.partition_point(|end| *end <= support.span.start);
        if found.len() < PLACES && !found.contains(&line) {
            found.push(line);
        }
    }
    Ok((checks, found))
}

fn source<'a>(passage: &'a Passage, title: &'a str) -> Source<'a> {
    let span = Span { version: VersionId(1), page: passage.page, start: passage.range.start, end: passage.range.end };
    Source { span, text: &passage.text, title, context: &passage.context }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn any_set_of_sentences_is_enough_and_one_list_is_one_set() {
        assert_eq!(gold(&json!({ "supporting_sentences": [[1, 2], [4]] })), [vec![1, 2], vec![4]]);
        assert_eq!(gold(&json!({ "rationales": [[5], [7, 8]] })), [vec![5], vec![7, 8]]);
        assert_eq!(gold(&json!({ "rationales": [3] })), [vec![3]]);
        assert!(gold(&json!({})).is_empty());
    }
}

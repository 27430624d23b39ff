//! Whether checked sentences are told apart: AUC of supported against not on the grounding sets, and how many planted
//! errors are called contradicted.

use crate::{lines, text_of};
use hearth_domain::{CheckState, SentenceCheck, Span, VersionId};
use hearth_retrieval::{NoSimilarity, Source, sentences, verify};
use std::path::Path;

pub fn run(sets: &Path, _vectors: Option<&Path>, only: &str) {
    if "gnd_wice".contains(only) {
        wice(sets);
    }
    if "gnd_scifact".contains(only) {
        scifact(sets);
    }
    if "gnd_rgb".contains(only) {
        rgb(sets);
    }
}

/// With SHOW set to a word, prints the claims whose line holds it, with what was found.
fn show(label: &str, claim: &str, passages: &[String], checks: &[SentenceCheck]) {
    let Ok(wanted) = std::env::var("SHOW") else { return };
    for check in checks {
        let at = check.support.first();
        let text = at.and_then(|s| passages.get(s.span.page as usize)?.get(s.span.start as usize..s.span.end as usize));
        let line = format!(
            "{label} -> {:?} {:.2} {:?}\n    {claim}\n    {}",
            check.state,
            at.map_or(0.0, |s| s.score),
            check.mismatches.iter().map(|m| format!("{:?} {} / {:?}", m.kind, m.answer, m.source)).collect::<Vec<_>>(),
            text.unwrap_or("-")
        );
        if line.contains(&wanted) {
            println!("{line}");
        }
    }
}

fn check_all(label: &str, claim: &str, passages: &[String], title: &str) -> Vec<SentenceCheck> {
    let no_context: [String; 0] = [];
    let sources: Vec<Source> = passages
        .iter()
        .enumerate()
        .map(|(at, text)| Source {
            span: Span { version: VersionId(1), page: at as u32, start: 0, end: text.len() as u32 },
            text,
            title,
            context: &no_context,
        })
        .collect();
    let checks = verify(claim, &sources, &NoSimilarity);
    show(label, claim, passages, &checks);
    checks
}

/// One figure for a claim: its state first, how much is covered second. A claim of several sentences is its weakest.
fn standing(checks: &[SentenceCheck]) -> f64 {
    checks
        .iter()
        .map(|check| {
            let covered = f64::from(check.support.first().map_or(0.0, |s| s.score));
            match check.state {
                CheckState::Supported => 3.0 + covered,
                CheckState::Partly => 2.0 + covered,
                CheckState::Contradicted => 1.0 + covered,
                CheckState::NotFound => covered,
            }
        })
        .fold(f64::INFINITY, f64::min)
}

fn covered(checks: &[SentenceCheck]) -> f64 {
    checks.iter().map(|check| f64::from(check.support.first().map_or(0.0, |s| s.score))).fold(f64::INFINITY, f64::min)
}

fn auc(positive: &[f64], negative: &[f64]) -> f64 {
    let mut wins = 0.0;
    for p in positive {
        for n in negative {
            wins += if p > n {
                1.0
            } else if p == n {
                0.5
            } else {
                0.0
            };
        }
    }
    wins / (positive.len() * negative.len()).max(1) as f64
}

fn states(checks: &[SentenceCheck]) -> &'static str {
    let has = |state| checks.iter().any(|check| check.state == state);
    if checks.is_empty() {
        "none"
    } else if has(CheckState::Contradicted) {
        "contradicted"
    } else if has(CheckState::NotFound) {
        "not found"
    } else if has(CheckState::Partly) {
        "partly"
    } else {
        "supported"
    }
}

fn table(name: &str, rows: &[(String, Vec<SentenceCheck>)]) {
    let columns = ["supported", "partly", "not found", "contradicted", "none"];
    let mut labels: Vec<&str> = rows.iter().map(|(label, _)| label.as_str()).collect();
    labels.sort_unstable();
    labels.dedup();
    for label in labels {
        let of: Vec<&str> = rows.iter().filter(|(l, _)| l == label).map(|(_, checks)| states(checks)).collect();
        let counts: Vec<String> =
            columns.iter().map(|c| format!("{c} {}", of.iter().filter(|s| *s == c).count())).collect();
        println!("  {name} {label:<20} {}", counts.join(", "));
    }
}

fn texts(value: &serde_json::Value, key: &str) -> Vec<String> {
    let list = value.get(key).and_then(|v| v.as_array()).cloned().unwrap_or_default();
    list.iter().filter_map(|v| v.as_str()).map(str::to_owned).collect()
}

/// Sentences gathered into passages of about 900 bytes, as a chunker would.
fn chunk(sentences: &[String]) -> Vec<String> {
    let mut passages: Vec<String> = Vec::new();
    for sentence in sentences {
        match passages.last_mut() {
            Some(last) if last.len() + sentence.len() < 900 => {
                last.push('\n');
                last.push_str(sentence.trim());
            }
            _ => passages.push(sentence.trim().to_owned()),
        }
    }
    passages
}

fn wice(sets: &Path) {
    let rows: Vec<(String, Vec<SentenceCheck>)> = lines(&sets.join("gnd_wice/claims.jsonl"))
        .iter()
        .map(|v| {
            (
                text_of(v, "label"),
                check_all(&text_of(v, "label"), &text_of(v, "claim"), &chunk(&texts(v, "evidence")), ""),
            )
        })
        .collect();
    if rows.is_empty() {
        return println!("gnd_wice: absent");
    }
    let of = |label: &str, by: &dyn Fn(&[SentenceCheck]) -> f64| -> Vec<f64> {
        rows.iter().filter(|(l, c)| l == label && !c.is_empty()).map(|(_, c)| by(c)).collect()
    };
    for (name, by) in [("standing", &standing as &dyn Fn(&[SentenceCheck]) -> f64), ("coverage", &covered)] {
        let supported = of("supported", by);
        let not = of("not_supported", by);
        let rest: Vec<f64> = of("partially_supported", by).into_iter().chain(not.clone()).collect();
        println!(
            "gnd_wice by {name}: AUC supported/not {:.3}, supported/rest {:.3}",
            auc(&supported, &not),
            auc(&supported, &rest)
        );
    }
    table("gnd_wice", &rows);
}

fn scifact(sets: &Path) {
    let rows: Vec<(String, Vec<SentenceCheck>)> = lines(&sets.join("gnd_scifact/claims.jsonl"))
        .iter()
        .map(|v| {
            (
                text_of(v, "label"),
                check_all(
                    &text_of(v, "label"),
                    &text_of(v, "claim"),
                    &chunk(&texts(v, "sentences")),
                    &text_of(v, "title"),
                ),
            )
        })
        .collect();
    if rows.is_empty() {
        return println!("gnd_scifact: absent");
    }
    let of = |label: &str, by: &dyn Fn(&[SentenceCheck]) -> f64| -> Vec<f64> {
        rows.iter().filter(|(l, c)| l == label && !c.is_empty()).map(|(_, c)| by(c)).collect()
    };
    let both: Vec<f64> = of("SUPPORT", &covered).into_iter().chain(of("CONTRADICT", &covered)).collect();
    println!(
        "gnd_scifact: AUC about/not {:.3} (coverage), support/contradict {:.3} (standing), {:.3} (coverage)",
        auc(&both, &of("NOT_ENOUGH_INFO", &covered)),
        auc(&of("SUPPORT", &standing), &of("CONTRADICT", &standing)),
        auc(&of("SUPPORT", &covered), &of("CONTRADICT", &covered)),
    );
    table("gnd_scifact", &rows);
}

/// Sentences of the falsified passages that hold the planted error, against the sound passages; and sound against sound.
fn rgb(sets: &Path) {
    for file in ["en_fact", "zh_fact"] {
        let values = lines(&sets.join(format!("gnd_rgb/{file}.jsonl")));
        if values.is_empty() {
            println!("gnd_rgb {file}: absent");
            continue;
        }
        let mut rows: Vec<(String, Vec<SentenceCheck>)> = Vec::new();
        for value in &values {
            let (right, wrong) = (text_of(value, "answer"), text_of(value, "fakeanswer"));
            let (sound, falsified) = (texts(value, "positive"), texts(value, "positive_wrong"));
            for (answer, passages, label) in [(&wrong, &falsified, "planted error"), (&right, &sound, "sound")] {
                if answer.is_empty() {
                    continue;
                }
                for passage in passages {
                    let found = sentences(passage).into_iter().filter_map(|range| passage.get(range));
                    if let Some(claim) =
                        found.into_iter().find(|s| s.contains(answer.as_str()) && s.len() > answer.len() + 20)
                    {
                        rows.push((label.to_owned(), check_all(label, claim, &sound, "")));
                    }
                }
            }
        }
        table(&format!("gnd_rgb {file}"), &rows);
    }
}

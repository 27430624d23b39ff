//! "Your documents do not say": whether to say it, and what was not found.

use crate::candidate::Ranking;
use crate::fold::fold;
use crate::query::{Ask, Query};
use crate::terms::tokens;
use crate::words::is_asking;

/// Why a question is not answered from the documents.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reason {
    /// The words of the question that no passage holds, as they were asked.
    pub missing: Vec<String>,
    /// One plain sentence for a person.
    pub sentence: String,
}

/// `None` where the passages bear on the question; else what was not found. Talk that looks for nothing never abstains.
pub fn abstain(query: &Query, ranking: &Ranking) -> Option<Reason> {
    if query.kind == Ask::Chat || ranking.relevant {
        return None;
    }
    let missing = missing(query, ranking);
    let sentence = match missing.as_slice() {
        _ if ranking.passages.is_empty() => {
            "Your documents do not say: nothing in them matches this question.".to_owned()
        }
        [] => "Your documents do not say: its words stand in them, but no passage brings them together.".to_owned(),
        words => format!("Your documents do not say: nothing was found about {}.", listed(words)),
    };
    Some(Reason { missing, sentence })
}

/// The words of the question that no ranked passage holds, as they are written.
fn missing(query: &Query, ranking: &Ranking) -> Vec<String> {
    let held = |term: &str| ranking.passages.iter().any(|p| p.why.matched_terms.iter().any(|t| t == term));
    let asked = |token: &str| {
        let is = |t: &&crate::query::QueryTerm| t.text == token || t.prefix && token.starts_with(&t.text);
        query.terms.iter().find(is)
    };
    let mut words: Vec<String> = Vec::new();
    for token in tokens(&query.text) {
        let Some(surface) = query.text.get(token.start..token.end) else { continue };
        let Some(term) = asked(&token.term).filter(|_| !is_asking(&fold(surface))) else { continue };
        if !held(&term.text) && !words.iter().any(|word| word.contains(surface)) {
            words.push(surface.to_owned());
        }
    }
    words
}

fn listed(words: &[String]) -> String {
    let quoted: Vec<String> = words.iter().take(6).map(|word| format!("“{word}”")).collect();
    match quoted.split_last() {
        Some((last, rest)) if !rest.is_empty() => format!("{} or {last}", rest.join(", ")),
        _ => quoted.concat(),
    }
}

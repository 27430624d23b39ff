//! A second look at the candidates in the light of the best: what lies near them in meaning, and what they name. A question
//! that takes two steps is answered by a passage that shares no word with it, but that the first step's passage names.

use crate::candidate::{Candidate, Ranked};
use crate::fold::fold;
use crate::similarity::cosine;
use crate::words::is_stop;

/// Passages that lead the second look.
const LEADERS: usize = 3;
/// What a passage gains, in logits, that a sure leader names by its title.
const NAMED: f32 = 2.0;
/// What a passage gains, in logits, for each unit of cosine above the middle of the candidates.
const NEAR: f32 = 3.0;

/// What the passages that lead turn the question's direction by, against the question itself.
const TURN: f32 = 1.0;
/// A passage of so many bytes means what its vector says; a shorter one less, since one echoed word moves it far.
const LONG: f32 = 600.0;

/// Scores ranked passages anew, best first before and after. `floor` is the score from which on a passage may lead;
/// `belief` is how far the vectors are believed, 0 to 1. What has no evidence of its own gains none. After Rocchio 1971
/// (relevance feedback, here without a person) for what is near.
pub(crate) fn look_again(ranked: &mut [Ranked], question: &str, vector: Option<&[f32]>, belief: f32, floor: f32) {
    let leaders: Vec<(Candidate, f32)> = ranked
        .iter()
        .take(LEADERS)
        .filter(|leader| leader.score >= floor)
        .map(|leader| (leader.candidate.clone(), leader.score))
        .collect();
    if leaders.is_empty() {
        return;
    }
    let texts: Vec<(&Candidate, String, f32)> = leaders.iter().map(|(c, score)| (c, padded(&c.text), *score)).collect();
    let asked = padded(question);
    let middle = vector.and_then(|query| centre(query, &leaders));
    let near: Vec<Option<f32>> =
        ranked.iter().map(|r| cosine(middle.as_deref()?, r.candidate.embedding.as_deref()?)).collect();
    let known: Vec<f32> = near.iter().flatten().copied().collect();
    let mean = known.iter().sum::<f32>() / known.len().max(1) as f32;
    for (r, near) in ranked.iter_mut().zip(near) {
        if r.score <= 0.0 {
            continue;
        }
        let mut gain = near.map_or(0.0, |near| NEAR * belief * length(&r.candidate) * (near - mean));
        if let Some(title) = name_of(&r.candidate.title).filter(|title| !asked.contains(title.as_str())) {
            let sure = texts
                .iter()
                .filter(|(leader, text, _)| leader.document != r.candidate.document && text.contains(title.as_str()))
                .map(|(.., score)| *score)
                .fold(0.0, f32::max);
            gain += NAMED * sure;
        }
        let odds = (r.score / (1.0 - r.score).max(1e-6)).max(1e-6).ln() + gain;
        r.score = 1.0 / (1.0 + (-odds).exp());
    }
}

/// The direction of the question and of the passages that lead.
fn centre(query: &[f32], leaders: &[(Candidate, f32)]) -> Option<Vec<f32>> {
    let mut sum = query.to_vec();
    let mut any = false;
    for (leader, score) in leaders {
        let Some(embedding) = leader.embedding.as_ref().filter(|e| e.len() == sum.len()) else { continue };
        any = true;
        sum.iter_mut().zip(embedding).for_each(|(s, e)| *s += TURN * length(leader) * score * e);
    }
    any.then_some(sum)
}

fn length(candidate: &Candidate) -> f32 {
    (candidate.text.len() as f32 / LONG).min(1.0)
}

/// Words with a space before, between and after them, so that whole words are found.
fn padded(text: &str) -> String {
    let mut out = String::from(" ");
    for word in fold(text).split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        out.push_str(word);
        out.push(' ');
    }
    out
}

/// A title as a text would name it: without what stands in brackets and the ending of a file. None where it is too common
/// a word to be a name.
fn name_of(title: &str) -> Option<String> {
    let bare = title.split(['(', '[']).next().unwrap_or(title).trim();
    let bare = bare
        .rsplit_once('.')
        .filter(|(_, end)| (1..=5).contains(&end.len()) && !end.contains(' '))
        .map_or(bare, |(head, _)| head);
    let name = padded(bare);
    let words: Vec<&str> = name.split_whitespace().filter(|word| !is_stop(word)).collect();
    let long = words.iter().map(|word| word.chars().count()).sum::<usize>();
    (!words.is_empty() && long >= 5).then_some(name)
}

#[cfg(test)]
mod tests {
    use crate::candidate::{Candidate, RankOptions, Scored};
    use crate::query::understand;
    use crate::rank::rank;
    use hearth_domain::{DocumentId, PassageId, VersionId};

    fn candidate(id: i64, title: &str, text: &str, cosine: f32) -> Candidate {
        Candidate {
            passage: PassageId(id),
            document: DocumentId(id),
            version: VersionId(id),
            page: 0,
            start: 0,
            end: text.len() as u32,
            title: title.to_owned(),
            context: Vec::new(),
            text: text.to_owned(),
            lexical: None,
            vector: Some(Scored { rank: 0, score: cosine }),
            embedding: None,
        }
    }

    fn order(question: &str, candidates: Vec<Candidate>) -> Vec<i64> {
        let ranking = rank(&understand(question, &[]), candidates, &RankOptions::default());
        ranking.passages.iter().map(|ranked| ranked.candidate.passage.0).collect()
    }

    #[test]
    fn what_the_best_passage_names_comes_next() {
        let first =
            candidate(1, "Night Ferry", "The novel Night Ferry was written by Ada Lindqvist in one winter.", 0.7);
        let other = candidate(2, "Boats", "A ferry is a boat that crosses water at fixed hours.", 0.4);
        let named = candidate(3, "Ada Lindqvist (writer)", "She was born in the harbour town of Umsund.", 0.38);
        let question = "Where was the author of the novel Night Ferry born?";
        assert_eq!(order(question, vec![first.clone(), other.clone(), named]), [1, 3, 2]);
        let unnamed = candidate(3, "Olga Stern (writer)", "She was born in the harbour town of Umsund.", 0.38);
        assert_eq!(order(question, vec![first, other, unnamed]).first(), Some(&1));
    }

    #[test]
    fn names_are_titles_without_brackets_and_endings() {
        assert_eq!(super::name_of("Annex B (draft).pdf").as_deref(), Some(" annex b "));
        assert_eq!(super::name_of("lease of the mill.docx").as_deref(), Some(" lease of the mill "));
        assert_eq!((super::name_of("It"), super::name_of("")), (None, None));
    }
}

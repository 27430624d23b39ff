//! Other ways to ask for the same, for when a question found nothing that bears on it. Rules only: what is left out, carried
//! over or put in other words can be told. Whether a second look is worth its time is judged outside.

use crate::candidate::{Ranked, Ranking};
use crate::fold::{fold, main_script};
use crate::follow::content_words;
use crate::query::{Exchange, Query, understand};
use crate::rank::FLOOR;
use crate::sentences::sentences;
use crate::similarity::cosine;
use crate::terms::{TokenKind, terms, tokens};
use crate::words::{is_asking, is_stop};
use std::collections::HashSet;

/// Words that nothing holds are left out where they make up no more than this part of a question: what is left must still
/// be the question.
const LEFT_OUT: f32 = 0.5;
/// Two words of a language lie at least this near each other where one may stand for the other.
const STANDS_FOR: f32 = 0.55;
/// What is found by other words counts for so much of what is found by the question's own.
const OTHER_WORDS: f32 = 0.9;
/// Passages whose words may stand for words of the question.
const READ: usize = 5;
/// Of a question with more words that nothing holds too little is left to put others in their place.
const MOST_MISSING: usize = 4;
/// Words of those passages, at most.
const MOST_WORDS: usize = 96;
/// A word that may stand for another has so many letters.
const LONG: usize = 4;

/// A question in other words.
#[derive(Debug, Clone, PartialEq)]
pub struct Rephrased {
    /// What is looked for.
    pub query: Query,
    /// How it came to be, in words that follow "looked again".
    pub how: String,
    /// Whether it still asks for all that was asked: only then does what it finds bear on the question. A part of a question
    /// is easily answered by something else.
    pub whole: bool,
}

/// Other ways to ask for the same, told from the question, its conversation and a first ranking alone, best first.
pub fn rephrasings(query: &Query, history: &[Exchange], first: &Ranking) -> Vec<Rephrased> {
    let ways = [alone(query), unfollowed(query, history), followed(query, history), without_missing(query, first)];
    let mut found: Vec<Rephrased> = Vec::new();
    for way in ways.into_iter().flatten() {
        if way.query.text != query.text && !found.iter().any(|known| known.query.text == way.query.text) {
            found.push(way);
        }
    }
    found
}

/// A line that a model wrote in place of a question, where it still asks for the same: one line that shares a word with the
/// question and does not lie far from it, or lies near it (`near` is their cosine, if known).
pub fn written_anew(query: &Query, line: &str, near: Option<f32>) -> Option<Rephrased> {
    let line = line.lines().map(str::trim).find(|line| !line.is_empty())?;
    let line = line.trim_matches(['"', '“', '”', '\'', '`', '*']).trim();
    if line.chars().count() > 240 || terms(line) == terms(&query.text) {
        return None;
    }
    let anew = Query { kind: query.kind, follow_up: query.follow_up, ..understand(line, &[]) };
    let shares =
        anew.terms.iter().any(|term| term.weight >= 0.7 && query.terms.iter().any(|own| own.text == term.text));
    let asks_the_same = near.map_or(shares, |near| near >= STANDS_FOR || (shares && near >= STANDS_FOR / 2.0));
    (asks_the_same && !anew.terms.is_empty()).then(|| Rephrased {
        how: format!("as “{line}”"),
        query: anew,
        whole: true,
    })
}

/// What an answer claims that its passages do not bear out, as something to look for.
pub fn by_claims(query: &Query, claims: &[&str]) -> Option<Rephrased> {
    let text = claims.join(" ");
    let anew = Query { kind: query.kind, follow_up: query.follow_up, ..understand(&text, &[]) };
    let how = "by the words that were written and that no passage bore out".to_owned();
    (!anew.terms.is_empty()).then_some(Rephrased { query: anew, how, whole: false })
}

/// The sentence that asks, where others only lead up to it.
fn alone(query: &Query) -> Option<Rephrased> {
    let all = sentences(&query.text);
    let mut asks =
        all.iter().filter_map(|range| query.text.get(range.clone())).filter(|s| s.ends_with(['?', '？', '؟']));
    let (asked, many) = (asks.next_back()?, all.len());
    let anew = Query { kind: query.kind, ..understand(asked, &[]) };
    let enough = anew.terms.iter().filter(|term| term.weight >= 0.7).count() >= 2;
    (many > 1 && enough).then(|| Rephrased { how: format!("only for “{asked}”"), query: anew, whole: true })
}

/// A question that was taken for one that leans on the conversation, by itself.
fn unfollowed(query: &Query, history: &[Exchange]) -> Option<Rephrased> {
    let anew = understand(&query.asked, &[]);
    let enough = anew.terms.iter().filter(|term| term.weight >= 0.7).count() >= 2;
    let by_itself = query.follow_up && !history.is_empty() && enough;
    by_itself.then(|| Rephrased { query: anew, how: "without the questions before it".into(), whole: true })
}

/// A short question that was taken to stand by itself, with what the one before it asked about.
fn followed(query: &Query, history: &[Exchange]) -> Option<Rephrased> {
    const SHORT: usize = 6;
    let last = history.last().filter(|_| !query.follow_up)?;
    let own: HashSet<String> = query.terms.iter().map(|term| term.text.clone()).collect();
    if own.len() > SHORT {
        return None;
    }
    let carried: Vec<&str> = content_words(&last.question)
        .into_iter()
        .filter(|word| terms(word).iter().any(|term| !own.contains(term)))
        .collect();
    if carried.is_empty() {
        return None;
    }
    let text = format!("{}, {}", query.text.trim_end_matches(['?', '？', ' ', '.']), carried.join(" "));
    let mut anew = Query { kind: query.kind, asked: query.asked.clone(), ..understand(&text, &[]) };
    for term in anew.terms.iter_mut().filter(|term| !own.contains(&term.text)) {
        term.weight *= 0.5;
    }
    Some(Rephrased { query: anew, how: format!("with the question before it ({})", carried.join(" ")), whole: true })
}

/// The question without the words that no passage holds, where they are the smaller part of it.
fn without_missing(query: &Query, first: &Ranking) -> Option<Rephrased> {
    let missing = missing(query, first);
    let weight = |of: &dyn Fn(&str) -> bool| -> f32 {
        query.terms.iter().filter(|term| of(&term.text)).map(|term| term.weight).sum()
    };
    let (gone, all) = (weight(&|term| missing.iter().any(|(known, _)| known == term)), weight(&|_| true));
    if missing.is_empty() || gone > all * LEFT_OUT {
        return None;
    }
    let mut text = query.text.clone();
    for token in tokens(&query.text).into_iter().rev() {
        if missing.iter().any(|(term, _)| *term == token.term) {
            text.replace_range(token.start..token.end, "");
        }
    }
    let text = text.split_whitespace().collect::<Vec<_>>().join(" ");
    let kept = |term: &String| !missing.iter().any(|(gone, _)| gone == term);
    let mut anew = Query { text, ..query.clone() };
    anew.terms.retain(|term| kept(&term.text));
    anew.phrases.retain(|phrase| phrase.iter().all(kept));
    let words: Vec<String> = missing.into_iter().map(|(_, surface)| format!("“{surface}”")).collect();
    Some(Rephrased { query: anew, how: format!("without {}", words.join(", ")), whole: false })
}

/// The words of a question that no ranked passage holds: term, and as it is written.
fn missing(query: &Query, first: &Ranking) -> Vec<(String, String)> {
    let held = |term: &str| first.passages.iter().any(|p| p.why.matched_terms.iter().any(|t| t == term));
    let mut words: Vec<(String, String)> = Vec::new();
    for token in tokens(&query.text) {
        let Some(surface) = query.text.get(token.start..token.end) else { continue };
        let wanted = query.terms.iter().any(|t| t.text == token.term) && !is_asking(&fold(surface));
        // A figure or a name of parts is what it is: nothing else stands for it, and without it the question is another.
        let word = token.kind == TokenKind::Word || token.kind == TokenKind::Pair;
        if wanted && word && !held(&token.term) && !words.iter().any(|(known, _)| *known == token.term) {
            words.push((token.term.clone(), surface.to_owned()));
        }
    }
    words
}

/// Words of a question that nothing holds, and words of the passages that came nearest, which may stand for them.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Vocabulary {
    missing: Vec<(String, String)>,
    words: Vec<String>,
}

impl Vocabulary {
    /// What is to be embedded: the missing words, then the others.
    pub fn texts(&self) -> Vec<String> {
        self.missing.iter().map(|(_, surface)| surface.clone()).chain(self.words.iter().cloned()).collect()
    }
}

/// The words that may stand for what a question did not find; none where there is nothing to be put in other words.
pub fn vocabulary(query: &Query, first: &Ranking) -> Option<Vocabulary> {
    let missing = missing(query, first);
    if missing.is_empty() || missing.len() > MOST_MISSING || main_script(&query.text).in_pairs() {
        return None;
    }
    let own: HashSet<&String> = query.terms.iter().map(|term| &term.text).collect();
    let (mut seen, mut words) = (HashSet::new(), Vec::new());
    for ranked in first.passages.iter().take(READ) {
        for token in tokens(&ranked.candidate.text) {
            let Some(surface) = ranked.candidate.text.get(token.start..token.end) else { continue };
            let letters = surface.chars().count() >= LONG && surface.chars().all(char::is_alphabetic);
            let content = letters && token.kind == TokenKind::Word && !is_stop(&fold(surface));
            if content && !own.contains(&token.term) && words.len() < MOST_WORDS && seen.insert(token.term) {
                words.push(surface.to_lowercase());
            }
        }
    }
    (!words.is_empty()).then_some(Vocabulary { missing, words })
}

/// The question with the nearest words of the passages in place of those that nothing holds. `vectors` are those of
/// [`Vocabulary::texts`], in their order.
pub fn in_their_words(query: &Query, vocabulary: &Vocabulary, vectors: &[Vec<f32>]) -> Option<Rephrased> {
    let (asked, there) = vectors.split_at_checked(vocabulary.missing.len())?;
    let mut anew = query.clone();
    let mut said = Vec::new();
    for ((term, surface), vector) in vocabulary.missing.iter().zip(asked) {
        let near = there.iter().zip(&vocabulary.words).filter_map(|(other, word)| Some((cosine(vector, other)?, word)));
        let Some((likeness, word)) = near.max_by(|a, b| a.0.total_cmp(&b.0)).filter(|best| best.0 >= STANDS_FOR) else {
            continue;
        };
        let Some(other) = terms(word).into_iter().next() else { continue };
        for own in anew.terms.iter_mut().filter(|own| own.text == *term) {
            (own.text, own.weight) = (other.clone(), own.weight * likeness);
        }
        anew.phrases.retain(|phrase| !phrase.contains(term));
        anew.text = anew.text.replace(surface.as_str(), word);
        said.push(format!("“{word}” for “{surface}”"));
    }
    (!said.is_empty()).then(|| Rephrased { query: anew, how: format!("with {}", said.join(", ")), whole: false })
}

/// A first ranking and those of other ways to ask in one: a passage stands where it stood best. What only other words found
/// counts for a little less. At most `limit` passages are kept.
pub fn merge_looks(first: Ranking, others: Vec<Ranking>, limit: usize) -> Ranking {
    let relevant = first.relevant || others.iter().any(|other| other.relevant && best(other) * OTHER_WORDS >= FLOOR);
    let mut passages: Vec<Ranked> = first.passages;
    for mut ranked in others.into_iter().flat_map(|other| other.passages) {
        ranked.score *= OTHER_WORDS;
        match passages.iter_mut().find(|known| known.candidate.passage == ranked.candidate.passage) {
            Some(known) if known.score < ranked.score => *known = ranked,
            Some(_) => {}
            None => passages.push(ranked),
        }
    }
    passages.sort_by(|a, b| {
        let place = |r: &Ranked| (r.candidate.document, r.candidate.version, r.candidate.page, r.candidate.start);
        let order = a.why.duplicate.cmp(&b.why.duplicate).then(b.score.total_cmp(&a.score));
        order.then_with(|| place(a).cmp(&place(b)))
    });
    passages.truncate(limit);
    Ranking { passages, relevant }
}

fn best(ranking: &Ranking) -> f32 {
    ranking.passages.iter().map(|ranked| ranked.score).fold(0.0, f32::max)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::candidate::{Candidate, RankOptions, Scored};
    use crate::rank::rank;
    use hearth_domain::{DocumentId, PassageId, VersionId};

    fn candidate(id: i64, text: &str, cosine: f32) -> Candidate {
        Candidate {
            passage: PassageId(id),
            document: DocumentId(id),
            version: VersionId(id),
            page: 0,
            start: 0,
            end: text.len() as u32,
            title: String::new(),
            context: Vec::new(),
            text: text.to_owned(),
            lexical: None,
            vector: Some(Scored { rank: 0, score: cosine }),
            embedding: None,
        }
    }

    fn first(query: &Query, texts: &[&str]) -> Ranking {
        let candidates = texts.iter().zip(1..).map(|(text, id)| candidate(id, text, 0.3)).collect();
        rank(query, candidates, &RankOptions::default())
    }

    fn exchange(question: &str) -> Exchange {
        Exchange { question: question.into(), answer: String::new() }
    }

    #[test]
    fn the_sentence_that_asks_is_looked_for_alone() {
        let query = understand(
            "I took over the building last month and my manager keeps calling me about it. How wide must corridors be kept?",
            &[],
        );
        let found = rephrasings(&query, &[], &Ranking::default());
        assert_eq!(found.first().map(|way| way.query.text.as_str()), Some("How wide must corridors be kept?"));
        assert!(rephrasings(&understand("How wide must corridors be kept?", &[]), &[], &Ranking::default()).is_empty());
    }

    #[test]
    fn what_nothing_holds_is_left_out_where_it_is_the_smaller_part() {
        let query = understand("What annual turnover did the mill of Corfe have?", &[]);
        let ways = rephrasings(&query, &[], &first(&query, &["The annual revenue of the mill of Corfe is small."]));
        assert_eq!(ways.len(), 1, "{ways:?}");
        assert!(ways[0].how == "without “turnover”" && !ways[0].query.text.contains("turnover"), "{ways:?}");
        let query = understand("What is the parental leave allowance at Borealis?", &[]);
        assert!(rephrasings(&query, &[], &first(&query, &["Borealis moved its office in spring."])).is_empty());
        let query = understand("Where is part D3-14 of the crane described?", &[]);
        let other = first(&query, &["Part D3-15 of the crane is described here."]);
        assert!(rephrasings(&query, &[], &other).is_empty(), "a name of parts is what it is");
    }

    #[test]
    fn a_short_question_is_tried_with_the_one_before_it_and_a_follow_up_without() {
        let before = [exchange("How much rent does the tenant of the mill pay?")];
        let query = understand("When is payment due?", &before);
        assert!(!query.follow_up);
        let ways = rephrasings(&query, &before, &Ranking::default());
        assert!(ways.iter().any(|way| way.query.text.contains("rent tenant mill")), "{ways:?}");
        let query = understand("And who repairs the roof of the barn?", &before);
        let ways = rephrasings(&query, &before, &Ranking::default());
        assert!(!query.follow_up || ways.iter().any(|way| way.how.starts_with("without the questions")), "{ways:?}");
    }

    #[test]
    fn words_of_the_passages_stand_for_words_that_nothing_holds() {
        let query = understand("What annual turnover did the mill have?", &[]);
        let ranking = first(&query, &["The annual revenue of the mill is small."]);
        let vocabulary = vocabulary(&query, &ranking).unwrap();
        let texts = vocabulary.texts();
        assert_eq!(texts, ["turnover", "revenue", "small"]);
        let vectors = [vec![1.0, 0.0], vec![0.8, 0.6], vec![0.0, 1.0]];
        let found = in_their_words(&query, &vocabulary, &vectors).unwrap();
        assert_eq!(found.query.text, "What annual revenue did the mill have?");
        assert_eq!(found.how, "with “revenue” for “turnover”");
        assert!(found.query.terms.iter().any(|term| term.text == "revenu" && (term.weight - 0.8).abs() < 1e-3));
        let far = [vec![1.0, 0.0], vec![0.3, 0.95], vec![0.0, 1.0]];
        assert_eq!(in_their_words(&query, &vocabulary, &far), None);
        assert_eq!(in_their_words(&query, &vocabulary, &[]), None);
    }

    #[test]
    fn a_line_that_asks_for_something_else_is_no_rephrasing() {
        let query = understand("How wide must corridors be kept?", &[]);
        let line = |text: &str, near| written_anew(&query, text, near).map(|way| way.query.text);
        assert_eq!(line("\"Minimum width of corridors\"\nmore", None).as_deref(), Some("Minimum width of corridors"));
        assert_eq!(line("Who owns the mill?", None), None);
        assert_eq!(
            line("Clear passage between handrails", Some(0.7)).as_deref(),
            Some("Clear passage between handrails")
        );
        assert_eq!(line("Clear passage between handrails", Some(0.2)), None);
        assert_eq!(line("How wide must corridors be kept?", Some(1.0)), None);
    }

    #[test]
    fn looks_are_merged_by_the_best_place_of_each_passage() {
        let query = understand("the rent of the mill", &[]);
        let one = first(&query, &["The rent of the mill is due.", "Weirs of oak."]);
        let other = rank(&query, vec![candidate(9, "The rent of the mill rises.", 0.6)], &RankOptions::default());
        let merged = merge_looks(one.clone(), vec![other], 2);
        assert!(merged.relevant && merged.passages.len() == 2);
        assert!(merged.passages.iter().any(|ranked| ranked.candidate.passage == PassageId(9)));
        assert_eq!(merge_looks(one.clone(), Vec::new(), 9), one);
    }
}

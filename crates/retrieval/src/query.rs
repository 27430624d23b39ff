//! What a question looks for: its words with their weights, its exact phrases, what sort of answer it wants. Follow-ups
//! are in `follow`. Nothing here ranks.

use crate::fold::{Script, fold, main_script, script};
use crate::follow;
use crate::terms::{Token, TokenKind, terms, tokens};
use crate::words::{ASKING_IN_PAIRS, is_asking, is_english_stop, is_foreign_stop, is_stop};
use serde::{Deserialize, Serialize};

/// One earlier question of the conversation with the answer it got.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exchange {
    /// The question as asked.
    pub question: String,
    /// The answer as given; may be empty.
    pub answer: String,
}

/// What a question wants done.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Ask {
    /// A fact.
    Question,
    /// The whole of a document or of a topic in short.
    Summarise,
    /// Two or more things held against each other.
    Compare,
    /// All things of a kind.
    List,
    /// A figure worked out from others.
    Calculate,
    /// Talk that looks for nothing: greetings, thanks.
    Chat,
}

/// One term to look for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct QueryTerm {
    /// As [`crate::terms`] writes it.
    pub text: String,
    /// How much it says, around 1; 0.3 for words that nearly every text has, 2 for identifiers.
    pub weight: f32,
    /// Whether words that begin with it count too.
    pub prefix: bool,
}

/// A question made ready for search.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Query {
    /// The question as asked.
    pub asked: String,
    /// What to embed: the question, a follow-up completed from what went before.
    pub text: String,
    /// The terms to look for, each once, in the order of the question.
    pub terms: Vec<QueryTerm>,
    /// Runs of terms that should stand together: quoted words, names, identifiers.
    pub phrases: Vec<Vec<String>>,
    /// What it wants done.
    pub kind: Ask,
    /// Whether it leans on the conversation before it.
    pub follow_up: bool,
    /// How far an embedder that knows English alone is believed on this question, 0 to 1.
    pub english: f32,
}

/// Reads a question in the light of the conversation before it, oldest exchange first.
pub fn understand(question: &str, history: &[Exchange]) -> Query {
    let asked = question.trim();
    let completed = follow::complete(asked, history);
    let text = completed.as_ref().map_or(asked, |done| done.text.as_str());
    let searched = without_asking(text);
    let mut wanted = weigh(&searched);
    if let Some(done) = &completed {
        // What was carried over counts for less than what was asked now.
        let own: Vec<String> = terms(&without_asking(asked));
        for term in &mut wanted {
            if !own.contains(&term.text) && !done.substituted {
                term.weight *= 0.7;
            }
        }
    }
    let english = english(text);
    if english < SURELY_ENGLISH && matches!(main_script(text), Script::Latin | Script::Cyrillic) {
        wanted.iter_mut().for_each(look_for_forms);
    }
    Query {
        asked: asked.to_owned(),
        text: text.to_owned(),
        phrases: phrases(&searched),
        kind: kind_of(asked),
        follow_up: completed.is_some(),
        english,
        terms: wanted,
    }
}

/// Below this a text is taken to be of a language that bends its words more than English does.
const SURELY_ENGLISH: f32 = 0.3;
/// Words of so many letters are looked for by their beginning, of at least `BEGINNING` letters, without the last `ENDING`.
const BENT: usize = 6;
const BEGINNING: usize = 5;
const ENDING: usize = 3;

/// Looks for all words that begin as a term does: the light stemming of the index knows English endings, and German,
/// Turkish or Russian ones are many. After Can et al. 2008 (fixed prefixes for Turkish).
fn look_for_forms(term: &mut QueryTerm) {
    let letters = term.text.chars().count();
    if letters >= BENT && !term.prefix && term.text.chars().all(char::is_alphabetic) {
        term.text = term.text.chars().take(BEGINNING.max(letters.saturating_sub(ENDING))).collect();
        term.prefix = true;
    }
}

/// Chinese, Japanese and Thai question words are taken out before the text is cut into pairs.
fn without_asking(text: &str) -> String {
    if text.is_ascii() || !main_script(text).in_pairs() {
        return text.to_owned();
    }
    let mut left = text.to_owned();
    for word in ASKING_IN_PAIRS {
        if left.contains(word) {
            left = left.replace(word, " ");
        }
    }
    if left.trim().is_empty() { text.to_owned() } else { left }
}

/// The content terms of a text with their weights; where nothing else is there, its grammar words.
fn weigh(text: &str) -> Vec<QueryTerm> {
    let found = tokens(text);
    let mut wanted: Vec<QueryTerm> = Vec::with_capacity(found.len());
    let mut fallback: Vec<QueryTerm> = Vec::new();
    let capitals_mean_names = text.chars().any(char::is_lowercase);
    for token in &found {
        let surface = text.get(token.start..token.end).unwrap_or("");
        let term = QueryTerm {
            text: token.term.clone(),
            weight: weight(token, surface, capitals_mean_names && token.start > 0),
            prefix: text.get(token.end..).is_some_and(|rest| rest.starts_with('*')),
        };
        let into = if dropped(token, surface, capitals_mean_names) { &mut fallback } else { &mut wanted };
        match into.iter_mut().find(|known| known.text == term.text) {
            Some(known) => known.weight = known.weight.max(term.weight),
            None => into.push(term),
        }
    }
    if wanted.is_empty() { fallback } else { wanted }
}

/// Whether a token of a question is grammar. Words in capitals ("IT", "US", "WHO") are names, not grammar.
fn dropped(token: &Token, surface: &str, capitals_mean_names: bool) -> bool {
    if !matches!(token.kind, TokenKind::Word | TokenKind::Part) {
        return false;
    }
    let letters = surface.chars().filter(|c| c.is_alphabetic()).count();
    let capitals = surface.chars().filter(|c| c.is_uppercase()).count();
    if capitals_mean_names
        && letters >= 2
        && capitals == letters
        && script(surface.chars().next().unwrap_or(' ')) == Script::Latin
    {
        return false;
    }
    let folded = fold(surface.trim_end_matches("'s").trim_end_matches("’s"));
    // Not its stem: that of "date" is a grammar word of Dutch.
    is_stop(&folded)
        || (token.term.chars().count() == 1
            && token.term.is_ascii()
            && token.kind == TokenKind::Word
            && surface.chars().all(char::is_lowercase))
}

fn weight(token: &Token, surface: &str, inside: bool) -> f32 {
    let folded = fold(surface);
    let asking = is_asking(&folded);
    match token.kind {
        TokenKind::Whole if token.term.bytes().any(|b| b.is_ascii_digit()) => 2.0,
        TokenKind::Whole => 0.8,
        TokenKind::Part => 0.7,
        TokenKind::Number => 1.3,
        TokenKind::Pair => 1.0,
        TokenKind::Word if asking => 0.35,
        TokenKind::Word if inside && surface.chars().next().is_some_and(char::is_uppercase) => 1.25,
        TokenKind::Word => 1.0,
    }
}

const QUOTES: [(char, char); 8] =
    [('"', '"'), ('“', '”'), ('„', '“'), ('«', '»'), ('「', '」'), ('『', '』'), ('《', '》'), ('‘', '’')];

/// Quoted stretches, runs of capitalized words, and identifiers of several terms.
fn phrases(text: &str) -> Vec<Vec<String>> {
    let mut found: Vec<Vec<String>> = Vec::new();
    let mut add = |piece: &str, least: usize| {
        let run = terms(piece);
        if run.len() >= least && run.len() <= 12 && !found.contains(&run) {
            found.push(run);
        }
    };
    for (open, close) in QUOTES {
        let mut rest = text;
        while let Some((_, after)) = rest.split_once(open) {
            let Some((inside, after)) = after.split_once(close) else { break };
            add(inside, 1);
            rest = after;
        }
    }
    for run in names(text) {
        add(run, 2);
    }
    for token in tokens(text) {
        if token.kind == TokenKind::Whole
            && let Some(surface) = text.get(token.start..token.end)
        {
            add(surface, 2);
        }
    }
    found
}

/// Runs of two or more capitalized words, small joining words allowed inside: "Bank of England".
fn names(text: &str) -> Vec<&str> {
    let mut runs = Vec::new();
    if !text.chars().any(char::is_lowercase) {
        return runs;
    }
    let mut open: Option<(usize, usize, usize)> = None;
    let mut first = true;
    let mut at = 0;
    for word in text.split_whitespace() {
        let start = text.get(at..).and_then(|rest| rest.find(word)).map_or(at, |found| at + found);
        let bare = word.trim_matches(|c: char| !c.is_alphanumeric());
        let end = start + word.trim_end_matches(|c: char| !c.is_alphanumeric()).len();
        at = start + word.len();
        let folded = fold(bare.trim_end_matches("'s").trim_end_matches("’s"));
        let capital = bare.chars().next().is_some_and(|c| c.is_uppercase() || c.is_ascii_digit());
        let joining =
            matches!(folded.as_str(), "of" | "the" | "and" | "for" | "de" | "von" | "van" | "der" | "la" | "al");
        if capital && !(first && is_stop(&folded)) && (!is_stop(&folded) || joining) {
            open = Some(match open {
                Some((from, _, count)) => (from, end, count + 1),
                None => (start, end, 1),
            });
        } else if !(joining && open.is_some())
            && let Some((from, to, count)) = open.take()
            && count >= 2
        {
            runs.extend(text.get(from..to));
        }
        if word.ends_with([',', ';', ':', '?', '!'])
            && let Some((from, to, count)) = open.take()
            && count >= 2
        {
            runs.extend(text.get(from..to));
        }
        first = false;
    }
    if let Some((from, to, count)) = open
        && count >= 2
    {
        runs.extend(text.get(from..to));
    }
    runs
}

fn kind_of(question: &str) -> Ask {
    let folded = fold(question);
    let has = |list: &[&str]| list.iter().any(|word| folded.contains(word));
    let starts = |list: &[&str]| list.iter().any(|word| folded.starts_with(word));
    let words = folded.split_whitespace().count();
    let bare = folded.trim_matches(|c: char| !c.is_alphanumeric());
    let greetings = [
        "hi",
        "hello",
        "hey",
        "thanks",
        "thank you",
        "thank you very much",
        "good morning",
        "good evening",
        "ok",
        "okay",
        "who are you",
        "what can you do",
        "how are you",
        "bye",
        "goodbye",
        "hallo",
        "danke",
        "hola",
        "gracias",
        "bonjour",
        "merci",
        "你好",
        "谢谢",
        "привет",
        "спасибо",
    ];
    if greetings.contains(&bare)
        || (words <= 4 && starts(&["thanks", "thank you", "hello ", "hi "]) && !folded.contains('?'))
    {
        return Ask::Chat;
    }
    if has(&[
        "summar",
        "tl;dr",
        "tldr",
        "overview of",
        "an overview",
        "main points",
        "key points",
        "key takeaways",
        "in short what",
        "zusammenfass",
        "resume de",
        "resumen",
        "resumir",
        "riassun",
        "总结",
        "概括",
        "摘要",
        "кратко",
        "краткое содержание",
        "لخص",
        "सारांश",
        "สรุป",
        "ozetle",
    ]) || starts(&["what is this document about", "what is this about", "what does this document say", "resumez"])
    {
        return Ask::Summarise;
    }
    if has(&[
        "compare",
        "comparison",
        "difference between",
        "differences between",
        "versus",
        " vs ",
        " vs. ",
        "differ from",
        "vergleich",
        "比较",
        "区别",
        "сравни",
    ]) {
        return Ask::Compare;
    }
    if has(&[
        "calculate",
        "compute",
        "sum of",
        "add up",
        "percentage change",
        "percent change",
        "average of",
        "ratio of",
        "growth rate",
        "how much more",
        "how much less",
        "how many more",
        "berechne",
        "计算",
        "вычисли",
    ]) {
        return Ask::Calculate;
    }
    if starts(&[
        "list ",
        "name all",
        "name the",
        "enumerate",
        "what are the",
        "what are all",
        "which are",
        "give me all",
        "show all",
        "show me all",
        "liste ",
    ]) || has(&["列出", "перечисли"])
    {
        return Ask::List;
    }
    Ask::Question
}

/// How surely a text is English, by its script and its grammar words. A bare name or identifier counts as nearly so.
pub(crate) fn english(text: &str) -> f32 {
    match main_script(text) {
        Script::Latin => {}
        Script::Other => return 0.8,
        _ => return 0.0,
    }
    let (mut own, mut foreign, mut words, mut accented) = (0.0f32, 0.0f32, 0.0f32, 0.0f32);
    for word in text.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        let folded = fold(word);
        words += 1.0;
        if is_english_stop(&folded)
            && !matches!(
                folded.as_str(),
                "a" | "i"
                    | "in"
                    | "me"
                    | "am"
                    | "no"
                    | "so"
                    | "do"
                    | "was"
                    | "an"
                    | "im"
                    | "id"
                    | "ill"
                    | "on"
                    | "as"
                    | "or"
                    | "at"
                    | "he"
                    | "her"
                    | "will"
                    | "also"
            )
        {
            own += 1.0;
        } else if is_foreign_stop(&folded) {
            foreign += 1.0;
        }
        if !word.is_ascii() {
            accented += 1.0;
        }
    }
    if words == 0.0 {
        return 0.8;
    }
    let signs = own - foreign - 0.5 * accented;
    if own == 0.0 && foreign == 0.0 {
        return if accented > 0.0 { 0.5 } else { 0.85 };
    }
    (0.5 + signs / (own + foreign + 0.5 * accented + 0.001) * 0.5).clamp(0.0, 1.0)
}

/// Whether two texts seem to be in one language, as far as script and grammar words tell.
pub fn same_language(a: &str, b: &str) -> bool {
    main_script(a) == main_script(b) && (english(a) - english(b)).abs() <= 0.5
}

#[cfg(test)]
mod tests {
    use super::*;

    fn has(query: &Query, term: &str) -> bool {
        query.terms.iter().any(|t| t.text == term)
    }

    #[test]
    fn grammar_and_question_words_are_not_looked_for() {
        let query = understand("What was the total revenue of Apple in 2022?", &[]);
        let words: Vec<&str> = query.terms.iter().map(|t| t.text.as_str()).collect();
        assert_eq!(words, ["total", "revenu", "appl", "2022"]);
        assert_eq!(query.kind, Ask::Question);
        assert!(!query.follow_up && query.english > 0.9);
    }

    #[test]
    fn identifiers_weigh_most_and_make_phrases() {
        let query = understand("where is part D3-14 described", &[]);
        let whole = query.terms.iter().find(|t| t.text == "d314").map(|t| t.weight);
        assert_eq!(whole, Some(2.0));
        assert!(query.phrases.contains(&terms("D3-14")));
    }

    #[test]
    fn quoted_words_and_names_make_phrases_with_their_small_words() {
        let query = understand("Who said \"to be or not to be\" at the Bank of England?", &[]);
        assert!(query.phrases.contains(&terms("to be or not to be")));
        assert!(query.phrases.contains(&terms("Bank of England")));
    }

    #[test]
    fn a_question_of_grammar_words_alone_still_looks_for_them() {
        assert!(!understand("to be or not to be", &[]).terms.is_empty());
        assert!(has(&understand("What does the IT department do at WHO?", &[]), "it"));
    }

    #[test]
    fn words_of_other_languages_are_looked_for_in_all_their_forms() {
        let query = understand("Welche Fristen gelten für die Kündigungen im Mietvertrag?", &[]);
        let bent = |text: &str| query.terms.iter().any(|t| t.prefix && t.text == text);
        assert!(bent("kundigun") && bent("mietvert"), "{:?}", query.terms);
        let english = understand("Which notices of termination are in the lease?", &[]);
        assert!(english.terms.iter().all(|t| !t.prefix));
    }

    #[test]
    fn chinese_question_words_are_taken_out() {
        let query = understand("北京大学在哪里？", &[]);
        assert!(has(&query, "北京") && has(&query, "大学") && !has(&query, "哪里"));
        assert_eq!(query.english, 0.0);
    }

    #[test]
    fn languages_are_told_apart_roughly() {
        assert!(english("Welche Partei gewann die Wahl im Jahr 1998?") < 0.3);
        assert!(english("¿Quién ganó las elecciones?") < 0.3);
        assert!(english("who won the election") > 0.9);
        assert!(english("Panthers Super Bowl 50") > 0.7);
    }

    #[test]
    fn what_is_wanted_is_read() {
        for (question, kind) in [
            ("Summarise this contract", Ask::Summarise),
            ("hello", Ask::Chat),
            ("Compare revenue in 2021 and 2022", Ask::Compare),
            ("List all suppliers", Ask::List),
            ("Calculate the average of the three figures", Ask::Calculate),
            ("Who signed it?", Ask::Question),
        ] {
            assert_eq!(understand(question, &[]).kind, kind, "{question}");
        }
    }
}

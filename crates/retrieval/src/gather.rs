//! Questions that are answered by reading documents from end to end: "list every ...", "compare these two", "what changed".
//! What of a question says what it is about, which statements of a document belong to a list, and whether it asks for one.
//! Rules over words alone, so that nothing is missed because a model overlooked it.

use crate::figures::{Figures, Unit, figures};
use crate::fold::fold;
use crate::query::{Ask, Query};
use crate::terms::terms;
use std::collections::HashSet;

/// Of the words that a list is about, a statement with what stands above it holds this part.
const HELD: f32 = 0.6;

/// Words that say how much is wanted, or that something is asked for; never what it is about.
const ASKING: &str = "list every all each any complete full entire whole whatever single name enumerate give show find collect gather \
    extract write tell mention mentioned mentions contain contains contained appear appears occur occurs stated \
    listed made there place places where statement statements item items entry entries document documents file files \
    text attached these those this liste alle jede jeden jedes nenne auflistung vollstandige dokument dokumente \
    dokumenten datei toutes tous chaque todos todas cada";
/// Words that ask for two things to be held against each other.
const COMPARING: &str = "compare compared comparison comparing difference differences differ different differs versus vs side two both \
    between contrast similar similarities common vergleiche vergleich unterschied unterschiede zwischen beide beiden \
    zwei contract contracts report reports";
/// Words that ask what became different.
const CHANGING: &str = "change changed changes changing new news version versions revision revisions edition draft drafts update updated \
    updates since last latest previous current old older newer earlier later first second added removed amended \
    amendments modified geandert anderungen anderung neu neue fassung fassungen letzten seit now exactly what \
    happened";

/// Sorts of statements that are known by their form.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Form {
    Date,
    Amount,
    Percentage,
    Obligation,
    Prohibition,
    Definition,
    Address,
}

/// Words that name a sort of statements.
const FORMS: [(Form, &str); 7] = [
    (Form::Date, "date dates deadline deadlines day days datum daten termin termine frist fristen"),
    (
        Form::Amount,
        "amount amounts sum sums price prices cost costs payment payments fee fees betrag betrage kosten preis preise",
    ),
    (Form::Percentage, "percentage percentages percent prozentsatz prozent"),
    (
        Form::Obligation,
        "obligation obligations duty duties requirement requirements must pflicht pflichten anforderungen anforderung",
    ),
    (
        Form::Prohibition,
        "prohibition prohibitions ban bans forbidden prohibited restriction restrictions verbot verbote",
    ),
    (Form::Definition, "definition definitions defined definitionen"),
    (Form::Address, "email emails e-mail e-mails"),
];

fn in_list(list: &str, word: &str) -> bool {
    list.split_whitespace().any(|known| known == word)
}

/// Whether a question wants all of something, and not the best of it: "list every", "give me a complete list", "what are all".
pub fn wants_all(query: &Query) -> bool {
    const ALL: &str = "every all each any complete alle jede jeden jedes samtliche toutes tous chaque todos todas cada";
    const LISTS: &str = "list find collect gather extract enumerate show give name write liste nenne finde zeige";
    if matches!(query.kind, Ask::Summarise | Ask::Calculate | Ask::Chat) {
        return false;
    }
    if ["列出所有", "列出全部"].iter().any(|said| query.asked.contains(said)) {
        return true;
    }
    let folded = fold(&query.asked);
    let words: Vec<&str> = folded.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).collect();
    let Some(verb) = words.iter().take(4).position(|word| in_list(LISTS, word)) else {
        // "What are all the fees?"
        let asks = words.first().is_some_and(|word| ["what", "which", "welche", "was"].contains(word));
        let are = words.get(1).is_some_and(|word| ["are", "were", "sind"].contains(word));
        return asks && are && words.get(2).is_some_and(|word| in_list(ALL, word));
    };
    let after: Vec<&str> = words.iter().skip(verb + 1).take(3).copied().collect();
    let all = after.iter().position(|word| in_list(ALL, word));
    all.is_some_and(|at| {
        !after.iter().take(at).any(|word| ["how", "why", "what", "when", "who", "where"].contains(word))
    })
}

/// Whether a question asks what changed.
pub fn asks_what_changed(query: &Query) -> bool {
    let folded = fold(&query.asked);
    let has = |list: &[&str]| list.iter().any(|said| folded.contains(said));
    has(&[
        "what changed",
        "what has changed",
        "what have changed",
        "what was changed",
        "what's changed",
        "what is new in",
        "what's new in",
        "which changes",
        "what changes",
        "changes between",
        "changes in",
        "changes from",
        "changes since",
        "list the changes",
        "list all changes",
        "list every change",
        "what is different",
        "what's different",
        "was hat sich geandert",
        "was wurde geandert",
        "anderungen zwischen",
        "what was added",
        "what was removed",
        "what has been changed",
    ]) || (!versions_named(query).is_empty() && has(&["differ", "compare", "unterschied", "vergleich"]))
}

/// What a question calls the document that it is about, at its end: the terms of "agreement" in "list every date in the
/// agreement". None where that is what any document is called.
pub fn document_named(question: &str) -> Option<Vec<String>> {
    let folded = fold(question);
    let words: Vec<&str> =
        folded.split(|c: char| !c.is_alphanumeric() && c != '-').filter(|word| !word.is_empty()).collect();
    let leads = |at: usize| {
        matches!(
            (words.get(at), words.get(at + 1)),
            (Some(&("in" | "of" | "from" | "within")), Some(&("the" | "this" | "that" | "my" | "our")))
                | (Some(&("in" | "aus" | "laut")), Some(&("der" | "dem" | "den")))
        )
    };
    let at = (0..words.len()).rev().find(|at| leads(*at))?;
    let name = words.get(at + 2..)?;
    if name.len() > 4 {
        return None;
    }
    let named = terms(&name.join(" "));
    let any: HashSet<String> = terms(ASKING).into_iter().collect();
    (!named.is_empty() && !named.iter().any(|term| any.contains(term))).then_some(named)
}

/// The numbers of versions that a question names, in its order: "v1", "version 2", "between versions 1 and 3".
pub fn versions_named(query: &Query) -> Vec<u32> {
    let folded = fold(&query.asked);
    let words: Vec<&str> =
        folded.split(|c: char| !c.is_alphanumeric() && c != '.').filter(|word| !word.is_empty()).collect();
    let (mut found, mut named) = (Vec::new(), 0);
    for word in words {
        let word = word.trim_matches('.');
        let digits = word.strip_prefix('v').unwrap_or(word);
        let number = digits.parse::<u32>().ok().filter(|number| (1..1_000).contains(number));
        let is_name =
            ["version", "versions", "revision", "revisions", "rev", "draft", "fassung", "fassungen"].contains(&word);
        match number {
            Some(number) if digits.len() < word.len() || named > 0 => {
                found.push(number);
                named = 3;
            }
            _ if is_name => named = 3,
            _ => named -= i32::from(named > 0),
        }
    }
    found.truncate(2);
    found
}

/// What a question is about, once what asks and what names its documents is left out.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Topic {
    terms: Vec<(String, f32)>,
    form: Option<(Form, String)>,
    /// Its words as they were asked.
    pub words: Vec<String>,
}

impl Topic {
    /// Of a list.
    pub fn of_list(query: &Query, titles: &[&str]) -> Self {
        Self::of(query, titles, &[ASKING], true)
    }

    /// Of a comparison.
    pub fn of_comparison(query: &Query, titles: &[&str]) -> Self {
        Self::of(query, titles, &[ASKING, COMPARING], false)
    }

    /// Of what changed.
    pub fn of_changes(query: &Query, titles: &[&str]) -> Self {
        Self::of(query, titles, &[ASKING, COMPARING, CHANGING], false)
    }

    fn of(query: &Query, titles: &[&str], without: &[&str], forms: bool) -> Self {
        let named: HashSet<String> = titles.iter().flat_map(|title| terms(title)).collect();
        let asking: HashSet<String> = without.iter().flat_map(|list| terms(list)).collect();
        let versions = versions_named(query);
        let mut topic = Topic::default();
        for term in &query.terms {
            let version = !versions.is_empty()
                && versions.iter().any(|n| term.text == n.to_string() || term.text == format!("v{n}"));
            let names_it = |words: &str| terms(words).contains(&term.text);
            let form = FORMS.iter().find(|(_, words)| names_it(words)).map(|(form, _)| *form);
            let form = form.filter(|_| forms && topic.form.is_none());
            // "Date" asks in "what date", and is what is asked for in "every date".
            let asks = asking.contains(&term.text) || form.is_none() && term.weight < 0.4;
            if named.contains(&term.text) || asks || version {
                continue;
            }
            match form {
                Some(form) => topic.form = Some((form, term.text.clone())),
                None => topic.terms.push((term.text.clone(), term.weight)),
            }
            topic.words.push(surface(query, &term.text));
        }
        topic
    }

    /// Whether it says nothing of what it is about.
    pub fn is_empty(&self) -> bool {
        self.terms.is_empty() && self.form.is_none()
    }

    /// The part of its words that a statement holds by itself, and together with what stands above it (headings, the rows
    /// that name columns, what leads in to a list).
    fn shares(&self, text: &str, above: &[String]) -> (f32, f32) {
        let all: f32 = self.terms.iter().map(|(_, weight)| weight).sum();
        if all <= 0.0 {
            return (0.0, 0.0);
        }
        let own: HashSet<String> = terms(text).into_iter().collect();
        let over: HashSet<String> = above.iter().flat_map(|line| terms(line)).collect();
        let held = |within: &dyn Fn(&String) -> bool| -> f32 {
            self.terms.iter().filter(|(term, _)| within(term)).map(|(_, weight)| weight).sum::<f32>() / all
        };
        (held(&|term| own.contains(term)), held(&|term| own.contains(term) || over.contains(term)))
    }

    /// Whether a statement belongs to the list. `listed` says that it is an item of a list or a row of a table, which belongs
    /// where what stands above it names what is listed.
    pub fn holds(&self, text: &str, above: &[String], listed: bool) -> bool {
        let (own, with) = self.shares(text, above);
        let Some((form, word)) = &self.form else {
            let enough = if self.terms.len() <= 2 { 0.99 } else { HELD };
            return with >= enough && (own > 0.0 || listed);
        };
        let says =
            terms(text).contains(word) || (listed && above.last().is_some_and(|line| terms(line).contains(word)));
        let is = form.is(text) || says;
        is && (self.terms.is_empty() || with >= HELD.min(0.5) && (own > 0.0 || listed || with >= 0.99))
    }

    /// How much a statement says of it, 0 to 1.
    pub fn bearing(&self, text: &str, above: &[String]) -> f32 {
        let (own, with) = self.shares(text, above);
        if own > 0.0 { 0.5 * own + 0.5 * with } else { 0.0 }
    }
}

/// A term as it was asked.
fn surface(query: &Query, term: &str) -> String {
    let tokens = crate::terms::tokens(&query.text);
    let token = tokens.into_iter().find(|token| token.term == term);
    token.and_then(|token| query.text.get(token.start..token.end)).unwrap_or(term).to_owned()
}

impl Form {
    fn is(self, text: &str) -> bool {
        let folded = format!(" {} ", fold(text).split(|c: char| !c.is_alphanumeric()).collect::<Vec<_>>().join(" "));
        let says = |list: &[&str]| list.iter().any(|words| folded.contains(&format!(" {words} ")));
        let found: Figures = figures(text);
        match self {
            Form::Date => !found.dates.is_empty(),
            Form::Amount => found.numbers.iter().any(|figure| figure.unit == Unit::Money),
            Form::Percentage => found.numbers.iter().any(|figure| figure.unit == Unit::Percent),
            Form::Obligation => {
                let must = [
                    "shall",
                    "must",
                    "has to",
                    "have to",
                    "is to",
                    "are to",
                    "is obliged",
                    "are obliged",
                    "is required",
                    "are required",
                    "agrees to",
                    "undertakes",
                    "responsible for",
                    "muss",
                    "mussen",
                    "verpflichtet",
                    "hat zu",
                    "haben zu",
                    "ist zu",
                    "sind zu",
                ];
                says(&must) && !Form::Prohibition.is(text)
            }
            Form::Prohibition => says(&[
                "may not",
                "must not",
                "shall not",
                "not permitted",
                "not allowed",
                "prohibited",
                "forbidden",
                "no one may",
                "is banned",
                "are banned",
                "cannot",
                "darf nicht",
                "durfen nicht",
                "verboten",
                "untersagt",
                "nicht gestattet",
            ]),
            Form::Definition => {
                says(&["means", "is defined as", "are defined as", "refers to", "shall mean", "bedeutet", "bezeichnet"])
            }
            Form::Address => text.contains('@'),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::understand;

    fn list(question: &str) -> Topic {
        let query = understand(question, &[]);
        assert!(wants_all(&query), "{question}");
        Topic::of_list(&query, &["lease.txt"])
    }

    #[test]
    fn questions_for_all_are_told_from_questions_for_some() {
        for all in [
            "List every obligation of the tenant in the lease",
            "Find all suppliers",
            "Name all deadlines",
            "What are all the fees?",
            "Nenne alle Fristen",
            "Give me a complete list of the keepers",
            "列出所有供应商",
        ] {
            assert!(wants_all(&understand(all, &[])), "{all}");
        }
        for some in [
            "Which of all the mills is the oldest?",
            "Show me how all of this works",
            "Name the king of all England",
            "List the main risks",
            "Who pays all of it?",
            "What is the rent?",
            "Summarise all of it",
            "Is every door closed?",
        ] {
            assert!(!wants_all(&understand(some, &[])), "{some}");
        }
    }

    #[test]
    fn what_belongs_to_a_list_holds_its_words_or_stands_under_them() {
        let topic = list("List every supplier in the lease");
        assert_eq!(topic.words, ["supplier"]);
        assert!(topic.holds("Brandt is the supplier of gears.", &[], false));
        assert!(topic.holds("Brandt · gears · 2019", &["Suppliers".into()], true));
        assert!(!topic.holds("Brandt makes gears.", &["Suppliers".into()], false), "a sentence speaks for itself");
        assert!(!topic.holds("The rent rises in May.", &[], false));
        let topic = list("List all repairs of the roof");
        assert!(topic.holds("The roof was repaired in 2019.", &[], false));
        assert!(!topic.holds("The windows were repaired in 2019.", &[], false));
    }

    #[test]
    fn sorts_of_statements_are_known_by_their_form() {
        let topic = list("List every obligation of the tenant");
        assert!(topic.holds("The tenant shall repair the windows.", &[], false));
        assert!(!topic.holds("The tenant may keep a dog.", &[], false));
        assert!(!topic.holds("The tenant shall not sublet.", &[], false));
        assert!(!topic.holds("The landlord must repair the roof.", &[], false));
        let topic = list("Find all deadlines");
        assert!(
            topic.holds("Rent is due on 3 May 2027.", &[], false) && !topic.holds("Rent is due early.", &[], false)
        );
        let topic = list("List all amounts");
        assert!(topic.holds("The deposit is €2,500.", &[], false) && !topic.holds("There are 12 doors.", &[], false));
    }

    #[test]
    fn versions_and_changes_are_read() {
        let named = |question: &str| versions_named(&understand(question, &[]));
        assert_eq!(named("What changed between v1 and v2?"), [1, 2]);
        assert_eq!(named("What changed from version 2 to version 3 of the lease?"), [2, 3]);
        assert_eq!(named("what changed between versions 1 and 3"), [1, 3]);
        assert_eq!(named("What changed between 2021 and 2022?"), [0u32; 0]);
        for asks in [
            "What changed between the versions?",
            "What has changed in the lease?",
            "How do v1 and v2 differ?",
            "Was hat sich geändert?",
        ] {
            assert!(asks_what_changed(&understand(asks, &[])), "{asks}");
        }
        for other in ["How did the margin change?", "Who changed the oil?"] {
            assert!(!asks_what_changed(&understand(other, &[])), "{other}");
        }
        let query = understand("What changed in the lease about the rent between v1 and v2?", &[]);
        assert_eq!(Topic::of_changes(&query, &["lease.txt"]).words, ["rent"]);
        let query = understand("Compare these two contracts", &[]);
        assert!(Topic::of_comparison(&query, &[]).is_empty());
        let query = understand("Compare the notice period in the lease and the annex", &[]);
        assert_eq!(Topic::of_comparison(&query, &["lease.txt", "annex.txt"]).words, ["notice", "period"]);
    }
}

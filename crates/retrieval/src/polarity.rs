//! Words that turn a sentence round: negations, and pairs of opposites. Says where two sentences point opposite ways about
//! the same thing; knows nothing else of meaning.

use crate::fold::fold;
use crate::stem::stem;
use crate::terms::{Token, tokens};
use crate::words::is_stop;
use std::collections::{HashMap, HashSet};
use std::sync::OnceLock;

const NEGATIONS: &[&str] = &[
    "not",
    "no",
    "never",
    "neither",
    "nor",
    "without",
    "none",
    "cannot",
    "cant",
    "isnt",
    "arent",
    "wasnt",
    "werent",
    "dont",
    "doesnt",
    "didnt",
    "wont",
    "wouldnt",
    "shouldnt",
    "couldnt",
    "hasnt",
    "havent",
    "hadnt",
    "nobody",
    "nothing",
    "lack",
    "lacks",
    "lacked",
    "lacking",
    "fail",
    "fails",
    "failed",
    "unable",
    "absence",
    "nicht",
    "kein",
    "keine",
    "keinen",
    "nie",
    "ohne",
    "ne",
    "pas",
    "jamais",
    "sans",
    "nunca",
    "sin",
    "не",
    "нет",
    "ни",
    "без",
    "никогда",
    "لا",
    "لم",
    "لن",
    "ليس",
    "नहीं",
];

/// Opposites, in both directions, one pair a line of `left|right` with spellings apart by commas.
const OPPOSITES: &str = "increase,rise,grow,gain,rose,risen,grew,grown,climb,surge,expand,higher,raise,elevate,upregulate,growth,more,exceed|decrease,fall,decline,drop,shrink,fell,fallen,reduce,lower,diminish,lose,contract,downregulate,plunge,decrement,fewer,less,reduction
promote,enhance,stimulate,activate,induce,accelerate,facilitate,boost,trigger|inhibit,prevent,suppress,block,impair,repress,attenuate,slow,hinder,abolish,reduce,decrease
improve,better,benefit|worsen,worse,deteriorate,harm,aggravate
high|low
profit|loss
accept,approve,agree,grant,ratify|reject,refuse,decline,deny,disapprove,veto
win,won,beat,defeat|lose,lost
succeed,success,successful|fail,failure,unsuccessful
positive|negative
before|after
above|below
maximum,most,largest,highest,greatest,longest|minimum,least,smallest,lowest,shortest
include,contain|exclude,omit
allow,permit,authorize,legal,lawful|forbid,prohibit,ban,illegal,unlawful
mandatory,required,compulsory,obligatory|optional,voluntary
always|never
all,every|none
open,opened|close,closed
begin,start,began,commence|end,finish,stop,terminate,cease
early,earlier|late,later
strong,stronger|weak,weaker
buy,bought,purchase,acquire|sell,sold,divest
internal|external
male,man,men|female,woman,women
sensitive|resistant
stable|unstable
present|absent
active|inactive
true|false
necessary,essential,indispensable|unnecessary,dispensable
significant,significantly|insignificant,insignificantly
likely|unlikely
normal|abnormal
dependent|independent
direct,directly|indirect,indirectly
borrower|lender
tenant,lessee|landlord,lessor
seller|buyer
first|last
left|right
north,northern|south,southern
east,eastern|west,western
import|export
asset|liability
debit|credit
steigen,erhohen,stieg,zunahme|sinken,senken,sank,abnahme,fallen
gewinn|verlust
aumentar,subir|disminuir,bajar,reducir
augmenter|diminuer,baisser
увеличить,вырасти,рост|уменьшить,упасть,снижение
增加,上升,增长|减少,下降,降低";

type Sides = HashMap<String, Vec<(usize, bool)>>;

/// Stem -> (pair, side).
fn sides() -> &'static Sides {
    static SIDES: OnceLock<Sides> = OnceLock::new();
    SIDES.get_or_init(|| {
        let mut sides: Sides = HashMap::new();
        for (pair, line) in OPPOSITES.lines().enumerate() {
            let Some((left, right)) = line.split_once('|') else { continue };
            for (list, side) in [(left, true), (right, false)] {
                for word in list.split(',') {
                    let folded = fold(word);
                    let script = folded.chars().next().map_or(crate::fold::Script::Other, crate::fold::script);
                    sides.entry(stem(&folded, script)).or_default().push((pair, side));
                }
            }
        }
        sides
    })
}

/// A word that has an opposite, where it stands.
#[derive(Debug, Clone)]
struct Turn {
    pair: usize,
    /// Which way it points, a negation before it counted in.
    up: bool,
    word: String,
    /// The content terms around it.
    beside: Vec<String>,
}

/// A sentence read for its direction.
#[derive(Debug, Clone, Default)]
pub(crate) struct Polarity {
    /// Terms within reach of a negation.
    negated: HashSet<String>,
    /// All content terms.
    terms: HashSet<String>,
    /// Words that have an opposite.
    turns: Vec<Turn>,
    /// The negations themselves, as written.
    words: Vec<String>,
}

impl Polarity {
    /// Reads a text.
    pub(crate) fn of(text: &str) -> Self {
        let all = tokens(text);
        let mut found = Self::default();
        let surface = |token: &Token| text.get(token.start..token.end).unwrap_or("").to_owned();
        let mut reach: usize = 0;
        let mut last_end = 0;
        for (at, token) in all.iter().enumerate() {
            let word = surface(token);
            let folded = fold(&word).replace(['\'', '’'], "");
            // A clause border ends what a negation reaches.
            if text.get(last_end..token.start).is_some_and(|gap| gap.contains([',', ';', ':', '.', '(', '，', '。']))
            {
                reach = 0;
            }
            last_end = token.end;
            if NEGATIONS.contains(&folded.as_str()) {
                // "not only", "no. 5" and "no longer than" are left alone.
                found.words.push(word);
                reach = 5;
                continue;
            }
            let negated = reach > 0;
            if !is_stop(&folded) {
                reach = reach.saturating_sub(1);
                found.terms.insert(token.term.clone());
                if negated {
                    found.negated.insert(token.term.clone());
                }
            }
            for (pair, side) in sides().get(&token.term).into_iter().flatten() {
                let (up, word) = (*side != negated, word.clone());
                found.turns.push(Turn { pair: *pair, up, word, beside: beside(text, &all, at) });
            }
        }
        found
    }

    /// What turns the claim round against the evidence: the word of the claim and that of the evidence.
    pub(crate) fn against(&self, evidence: &Polarity) -> Option<(String, Option<String>)> {
        // An opposite of a word of the claim beside the same words, where the claim's own way is not pointed at all.
        for turn in &self.turns {
            let points = |turns: &[Turn], up: bool| turns.iter().any(|t| t.pair == turn.pair && t.up == up);
            if points(&evidence.turns, turn.up) || points(&self.turns, !turn.up) {
                continue;
            }
            let other = evidence
                .turns
                .iter()
                .find(|other| other.pair == turn.pair && other.beside.iter().any(|term| turn.beside.contains(term)));
            if let Some(other) = other {
                return Some((turn.word.clone(), Some(other.word.clone())));
            }
        }
        // The same word negated on one side alone.
        let shared: Vec<&String> = self.terms.intersection(&evidence.terms).collect();
        let mine = shared.iter().filter(|term| self.negated.contains(**term)).count();
        let theirs = shared.iter().filter(|term| evidence.negated.contains(**term)).count();
        if mine > 0 && evidence.words.is_empty() {
            return Some((self.words.first().cloned().unwrap_or_default(), None));
        }
        if theirs > 0 && self.words.is_empty() && theirs * 3 >= shared.len() {
            return Some((String::new(), evidence.words.first().cloned()));
        }
        None
    }
}

/// The content terms within three tokens of the one at `at`.
fn beside(text: &str, all: &[Token], at: usize) -> Vec<String> {
    let around =
        all.iter().enumerate().filter(|(other, _)| *other != at && other.abs_diff(at) <= 4).map(|(_, token)| token);
    around
        .filter(|token| !is_stop(&fold(text.get(token.start..token.end).unwrap_or(""))))
        .map(|token| token.term.clone())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(claim: &str, evidence: &str, expect: bool) {
        assert_eq!(Polarity::of(claim).against(&Polarity::of(evidence)).is_some(), expect, "{claim} / {evidence}");
    }

    #[test]
    fn opposites_and_negations_turn_a_sentence_round() {
        check("Net sales increased in 2022.", "Net sales decreased in 2022.", true);
        check("Net sales increased in 2022.", "Net sales rose in 2022.", false);
        check("The tenant may not sublet the flat.", "The tenant may sublet the flat.", true);
        check("The tenant may sublet the flat.", "The tenant may not sublet the flat.", true);
        check("The tenant may not sublet.", "The tenant must not sublet the flat.", false);
        check("Costs did not fall.", "Costs fell.", true);
        check("Sales rose while costs fell.", "Costs fell and sales rose.", false);
    }
}

//! Questions that ask for an amount, and passages that state some: "how much did it cost?" is answered by no passage
//! without a figure. Whether the figure is the right one is not judged here.

use crate::figures::{Unit, figures};
use crate::fold::fold;

/// Figures from which on a passage states amounts enough.
const ENOUGH: f32 = 4.0;

/// What asks for an amount outright.
const OUTRIGHT: [&str; 30] = [
    "how much",
    "how many",
    "how long",
    "how old",
    "how tall",
    "how high",
    "how far",
    "how large",
    "how big",
    "how deep",
    "how wide",
    "how heavy",
    "how fast",
    "how often",
    "what percent",
    "wie viel",
    "wieviel",
    "wie hoch",
    "wie lang",
    "wie gross",
    "wie oft",
    "combien",
    "cuanto",
    "cuanta",
    "quanto",
    "quanti",
    "quante",
    "сколько",
    "多少",
    "kac ",
];
/// What a question names where it wants an amount.
const NAMED: &str = "amount amounts total totals sum percentage proportion ratio figure figures price prices cost costs expense \
    expenses expenditure expenditures spending spend spent revenue revenues sales income profit profits margin margins earnings \
    cash budget budgets salary salaries wage wages fee fees tax taxes dividend dividends debt debts balance turnover \
    inventory inventories buyback buybacks repurchase repurchases investment investments trend trends fluctuate fluctuated \
    fluctuation umsatz kosten preis betrag anteil gewinn miete gehalt steuer chiffre prix montant ingresos precio coste";
/// How far such a word asks for one.
const BY_NAME: f32 = 0.8;

/// How far a question asks for an amount, 0 to 1. What asks nothing (a claim, a few words) wants none.
pub(crate) fn wanted(question: &str) -> f32 {
    const ASKS: &str = "what which how has have had did does do is are was were in for from can could compare comparing analyze analyse \
        show give list tell wie was welche hat haben quel quelle cual cuales";
    const WHY: [&str; 8] = ["why ", "warum ", "wieso ", "weshalb ", "pourquoi ", "por que ", "perche ", "почему "];
    let folded = fold(question);
    if WHY.iter().any(|said| folded.starts_with(said)) {
        return 0.0;
    }
    if OUTRIGHT.iter().any(|said| folded.contains(said)) {
        return 1.0;
    }
    let listed = |list: &str, word: &str| list.split_whitespace().any(|known| known == word);
    let mut words = folded.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()).peekable();
    let asks = question.contains(['?', '？']) || words.peek().is_some_and(|first| listed(ASKS, first));
    if asks && words.any(|word| listed(NAMED, word)) { BY_NAME } else { 0.0 }
}

/// Whether a text tells of a change.
pub(crate) fn tells_of_change(text: &str) -> bool {
    const SAID: [&str; 20] = [
        "increase",
        "increasing",
        "decrease",
        "decreasing",
        "compared to",
        "compared with",
        "higher",
        "lower",
        "grew",
        "growth",
        "declin",
        " rose",
        " fell",
        "change",
        "gestiegen",
        "gesunken",
        "augment",
        "diminu",
        "aument",
        "disminu",
    ];
    let folded = fold(text);
    SAID.iter().any(|said| folded.contains(said))
}

/// How far a passage states amounts, 0 to 1: years and dates are none.
pub(crate) fn stated(text: &str) -> f32 {
    let found = figures(text).numbers.iter().filter(|figure| figure.unit != Unit::Year).count();
    (found as f32 / ENOUGH).min(1.0).sqrt()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn questions_ask_for_amounts_outright_or_by_what_they_name() {
        assert_eq!(wanted("How much did the mill cost?"), 1.0);
        assert_eq!(wanted("Wie hoch ist die Miete?"), 1.0);
        assert_eq!(wanted("What was the total revenue in spring?"), BY_NAME);
        assert_eq!(wanted("Who owns the mill?"), 0.0);
        assert_eq!(wanted("Why did revenue fall?"), 0.0, "a reason is asked for");
        assert_eq!(wanted("Revenue fell where rivers were dammed."), 0.0, "a claim asks nothing");
    }

    #[test]
    fn what_rose_or_fell_tells_of_a_change() {
        assert!(tells_of_change("Sales Increased 2% in spring.") && tells_of_change("Die Miete ist gestiegen."));
        assert!(!tells_of_change("Sales were 82 million."));
    }

    #[test]
    fn figures_and_number_words_state_amounts_and_years_do_not() {
        assert_eq!(stated("The mill was sold in 1987 to a man from the valley."), 0.0);
        assert_eq!(stated("It has two wheels."), 0.5);
        assert_eq!(stated("Rent\t900\t950\nHeating\t120\t140"), 1.0);
    }
}

//! Figures as they are written in prose and tables, and whether one bears out another. Not arithmetic: a sum
//! that no source states is not found.

use crate::dates::{Date, date};
use crate::fold::{digit, fold, script};
use std::ops::Range;

/// What a figure counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unit {
    None,
    Percent,
    Money,
    /// A measure, by its place in `MEASURES`.
    Measure(usize),
    /// A year, or a number that may be one.
    Year,
}

/// A number with all that is stated about it.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Figure {
    pub(crate) value: f64,
    /// Half of the last stated digit's worth: what rounding may hide.
    pub(crate) slack: f64,
    pub(crate) unit: Unit,
    /// A magnitude ("million") stands with it, so that the scale of a table does not apply.
    pub(crate) scaled: bool,
    /// Written as a small word ("three"): says little by its absence elsewhere.
    pub(crate) word: bool,
    /// "About", "over", "nearly" before it.
    pub(crate) loose: Loose,
    pub(crate) range: Range<usize>,
}

/// How exactly a figure means to be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Loose {
    Exact,
    About,
    Over,
    Under,
}

/// All figures and dates of a text, in order.
#[derive(Debug, Clone, Default, PartialEq)]
pub(crate) struct Figures {
    pub(crate) numbers: Vec<Figure>,
    pub(crate) dates: Vec<Date>,
}

const MAGNITUDES: &[(&str, f64)] = &[
    ("thousand", 1e3),
    ("thousands", 1e3),
    ("k", 1e3),
    ("tausend", 1e3),
    ("mille", 1e3),
    ("mil", 1e3),
    ("тыс", 1e3),
    ("тысяч", 1e3),
    ("million", 1e6),
    ("millions", 1e6),
    ("mn", 1e6),
    ("mm", 1e6),
    ("m", 1e6),
    ("mio", 1e6),
    ("millionen", 1e6),
    ("millones", 1e6),
    ("milioni", 1e6),
    ("milhoes", 1e6),
    ("млн", 1e6),
    ("миллионов", 1e6),
    ("milyon", 1e6),
    ("billion", 1e9),
    ("billions", 1e9),
    ("bn", 1e9),
    ("b", 1e9),
    ("mrd", 1e9),
    ("milliarden", 1e9),
    ("milliards", 1e9),
    ("miliardi", 1e9),
    ("млрд", 1e9),
    ("миллиардов", 1e9),
    ("milyar", 1e9),
    ("trillion", 1e12),
    ("trillions", 1e12),
    ("tn", 1e12),
    ("lakh", 1e5),
    ("crore", 1e7),
    ("hundred", 1e2),
    ("dozen", 12.0),
    ("万", 1e4),
    ("亿", 1e8),
    ("億", 1e8),
    ("萬", 1e4),
    ("千", 1e3),
];
/// Units of measure: spellings of one unit together.
const MEASURES: &[&[&str]] = &[
    &["second", "seconds", "sec", "secs", "s"],
    &["minute", "minutes", "min", "mins"],
    &["hour", "hours", "hr", "hrs", "h"],
    &["day", "days", "tage", "tag", "jours", "dias"],
    &["week", "weeks", "wochen", "semaines", "semanas"],
    &["month", "months", "monate", "mois", "meses"],
    &["year", "years", "yr", "yrs", "jahre", "jahr", "ans", "anos"],
    &["kg", "kilogram", "kilograms", "kilo", "kilos"],
    &["g", "gram", "grams"],
    &["mg", "milligram", "milligrams"],
    &["ton", "tons", "tonne", "tonnes"],
    &["pound", "pounds", "lb", "lbs"],
    &["km", "kilometre", "kilometres", "kilometer", "kilometers"],
    &["metre", "metres", "meter", "meters"],
    &["cm", "centimetre", "centimetres", "centimeter", "centimeters"],
    &["mile", "miles", "mi"],
    &["foot", "feet", "ft"],
    &["inch", "inches"],
    &["litre", "litres", "liter", "liters"],
    &["ml"],
    &["°c", "celsius"],
    &["°f", "fahrenheit"],
    &["kb"],
    &["mb"],
    &["gb"],
    &["tb"],
    &["watt", "watts", "w"],
    &["kw", "kilowatt", "kilowatts"],
    &["mw", "megawatt", "megawatts"],
    &["volt", "volts", "v"],
    &["hz"],
    &["acre", "acres"],
    &["hectare", "hectares", "ha"],
];
const NUMBER_WORDS: &[(&str, f64)] = &[
    ("two", 2.0),
    ("three", 3.0),
    ("four", 4.0),
    ("five", 5.0),
    ("six", 6.0),
    ("seven", 7.0),
    ("eight", 8.0),
    ("nine", 9.0),
    ("ten", 10.0),
    ("eleven", 11.0),
    ("twelve", 12.0),
    ("thirteen", 13.0),
    ("fourteen", 14.0),
    ("fifteen", 15.0),
    ("sixteen", 16.0),
    ("seventeen", 17.0),
    ("eighteen", 18.0),
    ("nineteen", 19.0),
    ("twenty", 20.0),
    ("thirty", 30.0),
    ("forty", 40.0),
    ("fifty", 50.0),
    ("sixty", 60.0),
    ("seventy", 70.0),
    ("eighty", 80.0),
    ("ninety", 90.0),
    ("zwei", 2.0),
    ("drei", 3.0),
    ("vier", 4.0),
    ("funf", 5.0),
    ("sechs", 6.0),
    ("zehn", 10.0),
];

/// One word of a text: bytes and folded form.
pub(crate) struct Word {
    pub(crate) range: Range<usize>,
    pub(crate) folded: String,
}

/// Reads all figures and dates of a text.
pub(crate) fn figures(text: &str) -> Figures {
    let words = words(text);
    let mut found = Figures::default();
    let mut at = 0;
    while at < words.len() {
        if let Some((date, taken)) = date(&words, at) {
            found.dates.push(date);
            at += taken;
        } else if let Some((figure, taken)) = number(text, &words, at) {
            found.numbers.push(figure);
            at += taken;
        } else {
            at += 1;
        }
    }
    found
}

/// What a heading such as "(in millions)" multiplies bare figures by; 1 where it says nothing.
pub(crate) fn scale(text: &str) -> f64 {
    let folded = fold(text);
    for (word, factor) in [
        ("million", 1e6),
        ("thousand", 1e3),
        ("billion", 1e9),
        ("mio", 1e6),
        ("mrd", 1e9),
        ("tausend", 1e3),
        ("tsd", 1e3),
        ("000s", 1e3),
        ("000", 1e3),
    ] {
        for lead in ["in ", "$ ", "in $ ", "in us$ ", "dollars in ", "eur ", "€ ", "usd "] {
            if let Some(at) = folded.find(&format!("{lead}{word}")) {
                // "in millions", never "in 000 cases" nor "in million-dollar".
                let after = folded.get(at + lead.len() + word.len()..).unwrap_or("");
                let plural = after.starts_with("s")
                    || after.starts_with("en")
                    || after.starts_with([')', ',', ';', '.', ' '])
                    || after.is_empty();
                if plural && (word != "000" || after.starts_with(')')) {
                    return factor;
                }
            }
        }
    }
    1.0
}

impl Figures {
    /// Whether some figure here says what another does; bare figures here are multiplied by `scale` where that helps.
    pub(crate) fn bear_out(&self, figure: &Figure, scale: f64) -> bool {
        let year = |date: &Date| date.year.is_some_and(|year| f64::from(year) == figure.value);
        self.numbers.iter().any(|other| figure.borne_out_by(other, scale))
            || (figure.unit == Unit::Year && self.dates.iter().any(year))
    }

    /// Whether some date here says all that another does.
    pub(crate) fn bear_out_date(&self, date: &Date) -> bool {
        self.dates.iter().any(|other| date.borne_out_by(other))
    }
}

impl Figure {
    /// Whether a figure of a source, bare figures multiplied by `scale`, says this one.
    pub(crate) fn borne_out_by(&self, source: &Figure, scale: f64) -> bool {
        if !units_agree(self.unit, source.unit) {
            return false;
        }
        let mut values = vec![source.value];
        if scale != 1.0 && !source.scaled && !matches!(source.unit, Unit::Percent) {
            values.push(source.value * scale);
        }
        values.into_iter().any(|value| self.close_to(value, source.loose))
    }

    fn close_to(&self, other: f64, _: Loose) -> bool {
        let (mine, other) = (self.value.abs(), other.abs());
        let apart = (mine - other).abs();
        if apart <= 1e-9 * mine.max(other).max(1e-9) {
            return true;
        }
        let size = mine.max(other);
        match self.loose {
            Loose::About => apart <= 0.05 * size,
            Loose::Over => other >= mine && apart <= 0.1 * size,
            Loose::Under => other <= mine && apart <= 0.1 * size,
            // Rounding is allowed where a decimal or a magnitude shows that rounding was meant.
            Loose::Exact => {
                (self.scaled || self.slack < 0.5) && apart <= self.slack * 1.0001 && self.slack <= 0.06 * size
            }
        }
    }

    /// Whether two figures count the same sort of thing, so that different values say different things.
    pub(crate) fn same_sort(&self, other: &Figure) -> bool {
        match (self.unit, other.unit) {
            (Unit::None, Unit::None) => self.scaled == other.scaled,
            (a, b) => a == b,
        }
    }
}

fn units_agree(a: Unit, b: Unit) -> bool {
    match (a, b) {
        (Unit::Measure(x), Unit::Measure(y)) => x == y,
        (Unit::Percent, Unit::Money) | (Unit::Money, Unit::Percent) => false,
        (Unit::Percent, Unit::Measure(_)) | (Unit::Measure(_), Unit::Percent) => false,
        (Unit::Money, Unit::Measure(_)) | (Unit::Measure(_), Unit::Money) => false,
        _ => true,
    }
}

fn words(text: &str) -> Vec<Word> {
    let mut found: Vec<Word> = Vec::new();
    let mut from: Option<usize> = None;
    let mut last: Option<char> = None;
    let mut close = |from: &mut Option<usize>, to: usize| {
        if let Some(start) = from.take()
            && let Some(piece) = text.get(start..to)
        {
            let trimmed = piece.trim_end_matches(['.', ',', ';', ':', '!', '?', '"', '”', '’', '\'']);
            let lead = trimmed.len() - trimmed.trim_start_matches(['"', '“', '‘', '\'', '[']).len();
            let trimmed = trimmed.get(lead..).unwrap_or("");
            if !trimmed.is_empty() {
                found.push(Word { range: start + lead..start + lead + trimmed.len(), folded: fold(trimmed) });
            }
        }
    };
    for (at, c) in text.char_indices() {
        let space = c.is_whitespace()
            || matches!(c, '(' | ')' | '[' | ']' | '–' | '—' | '|' | '~' | '≈' | '“' | '”')
            || matches!(c, '，' | '。' | '、' | '；' | '：' | '（' | '）');
        // Digits inside a script without spaces begin a word, unless they go on with a date.
        let digits_begin =
            c.is_ascii_digit() && last.is_some_and(|l: char| script(l).in_pairs() && !matches!(l, '年' | '月'));
        if space || digits_begin {
            close(&mut from, at);
        }
        last = Some(c);
        if !space && from.is_none() {
            from = Some(at);
        }
    }
    close(&mut from, text.len());
    found
}

/// A number that begins at a word, with the words it takes.
fn number(text: &str, words: &[Word], at: usize) -> Option<(Figure, usize)> {
    let word = words.get(at)?;
    let mut folded = word.folded.as_str();
    let mut unit = Unit::None;
    let mut end = word.range.end;
    let mut taken = 1;
    // A currency word or sign before the number.
    if let Some(rest) = strip_currency(folded) {
        unit = Unit::Money;
        folded = rest;
        if folded.is_empty() {
            let next = words.get(at + 1)?;
            folded = next.folded.as_str();
            end = next.range.end;
            taken = 2;
        }
    }
    let (digits, tail) = split_number(folded);
    let (mut value, mut slack, mut is_word) = (0.0, 0.0, false);
    let mut plain_year = false;
    if digits.is_empty() {
        let (head, small) = number_word(folded)?;
        value = head;
        slack = 0.5;
        is_word = small;
    } else {
        let (v, decimals) = parse(digits)?;
        value += v;
        slack += 0.5 * 10f64.powi(-decimals);
        plain_year = decimals == 0 && digits.len() == 4 && !digits.contains(',') && (1000.0..2200.0).contains(&v);
    }
    let mut scaled = false;
    if !digits.is_empty() && !tail.is_empty() {
        // "5%", "3.5bn", "12kg", "1st", "1990s"; anything else is a name such as "10-Q" or "747s".
        let bare = tail.trim_start_matches('-');
        if tail.starts_with('%') || tail.starts_with('٪') {
            unit = Unit::Percent;
        } else if tail.starts_with('‰') {
            (unit, value, slack) = (Unit::Percent, value / 10.0, slack / 10.0);
        } else if let Some(factor) =
            magnitude(bare).filter(|_| bare.len() > 1 || unit == Unit::Money || bare.chars().all(|c| !c.is_ascii()))
        {
            value *= factor;
            slack *= factor;
            scaled = true;
        } else if matches!(bare, "st" | "nd" | "rd" | "th" | "s" | "'s") {
            plain_year = false;
        } else if strip_currency_tail(bare).is_some() {
            unit = Unit::Money;
        } else if let Some(measure) = measure(bare) {
            unit = Unit::Measure(measure);
        } else if bare.chars().next().is_some_and(|c| !c.is_ascii() && c.is_alphabetic()) {
            // A script without spaces goes on after the digits.
            let unit_word = MAGNITUDES.iter().find(|(word, _)| !word.is_ascii() && bare.starts_with(word));
            if let Some((_, factor)) = unit_word {
                value *= factor;
                slack *= factor;
                scaled = true;
            }
            let tail = tail.len() - unit_word.map_or(0, |(word, _)| word.len());
            end = word.range.end.saturating_sub(tail).max(word.range.start);
        } else {
            return None;
        }
    }
    let next = |ahead: usize| words.get(at + ahead);
    let beside = |word: &Word, end: usize| {
        text.get(end..word.range.start).is_some_and(|gap| gap.chars().all(|c| c == ' ' || c == '\u{a0}' || c == '-'))
    };
    if let Some(word) = next(taken).filter(|word| beside(word, end) && word.folded.len() > 1)
        && let Some(factor) = magnitude(word.folded.trim_end_matches('.'))
        && unit != Unit::Percent
    {
        value *= factor;
        slack *= factor;
        scaled = true;
        end = word.range.end;
        taken += 1;
    }
    if let Some(word) = next(taken).filter(|word| beside(word, end)) {
        let bare = word.folded.as_str();
        if matches!(
            bare,
            "%" | "percent" | "pct" | "prozent" | "percentage" | "pourcent" | "процентов" | "процента" | "per-cent"
        ) || (bare == "per" && next(taken + 1).is_some_and(|w| w.folded == "cent"))
        {
            unit = Unit::Percent;
            end = word.range.end;
            taken += 1;
        } else if strip_currency(bare).is_some_and(str::is_empty)
            || matches!(bare, "dollars" | "dollar" | "euros" | "yuan" | "yen" | "rupees" | "francs")
        {
            unit = Unit::Money;
            end = word.range.end;
            taken += 1;
        } else if unit == Unit::None
            && let Some(found) = measure(bare).filter(|_| bare.len() > 1)
        {
            unit = Unit::Measure(found);
            end = word.range.end;
            taken += 1;
        }
    }
    if plain_year && unit == Unit::None && !scaled {
        unit = Unit::Year;
    }
    if scaled {
        is_word = false;
    }
    let loose = loose_before(words, at);
    Some((Figure { value, slack, unit, scaled, word: is_word, loose, range: word.range.start..end }, taken))
}

fn loose_before(words: &[Word], at: usize) -> Loose {
    let back = |by: usize| at.checked_sub(by).and_then(|i| words.get(i)).map_or("", |w| w.folded.as_str());
    match (back(2), back(1)) {
        ("more" | "greater" | "higher", "than") | (_, "over" | "exceeding" | "above") | ("at", "least") => Loose::Over,
        ("less" | "fewer" | "lower", "than") | (_, "under" | "nearly" | "almost" | "below") => Loose::Under,
        (
            _,
            "about" | "approximately" | "around" | "roughly" | "some" | "circa" | "ca" | "approx" | "rund" | "etwa"
            | "environ" | "около",
        ) => Loose::About,
        _ => Loose::Exact,
    }
}

const CURRENCIES: &[&str] = &[
    "us$", "usd", "eur", "gbp", "chf", "jpy", "cny", "rmb", "inr", "aud", "cad", "a$", "c$", "hk$", "$", "€", "£", "¥",
    "₹", "₽", "rs",
];

fn strip_currency(folded: &str) -> Option<&str> {
    let bare = folded.trim_start_matches(['-', '+', '−']);
    CURRENCIES
        .iter()
        .find_map(|sign| bare.strip_prefix(sign))
        .filter(|rest| rest.is_empty() || rest.starts_with(|c: char| c.is_ascii_digit() || c == '-' || c == '.'))
        .map(|rest| rest.trim_start_matches(['-', '−']))
}

fn strip_currency_tail(tail: &str) -> Option<&str> {
    CURRENCIES.iter().find_map(|sign| tail.strip_prefix(sign)).filter(|rest| rest.is_empty())
}

/// The digits at the head of a word, and the rest.
fn split_number(folded: &str) -> (&str, &str) {
    let folded = folded.trim_start_matches(['-', '+', '−', '<', '>', '=', '(']);
    let end = folded
        .char_indices()
        .find(|(at, c)| {
            let between = matches!(c, '.' | ',')
                && folded.get(at + 1..).is_some_and(|t| t.starts_with(|n: char| n.is_ascii_digit()));
            digit(*c).is_none() && !between
        })
        .map_or(folded.len(), |(at, _)| at);
    folded.split_at(end)
}

/// The value of digits with grouping, and how many decimals they state.
fn parse(digits: &str) -> Option<(f64, i32)> {
    let dots = digits.matches('.').count();
    let commas = digits.matches(',').count();
    let grouped = |by: char| {
        let mut parts = digits.split(by);
        parts.next().is_some_and(|first| (1..=3).contains(&first.len())) && parts.all(|part| part.len() == 3)
    };
    let plain = match (dots, commas) {
        (0, 0) | (1, 0) => digits.to_owned(),
        (0, _) if grouped(',') => digits.replace(',', ""),
        (0, 1) => digits.replace(',', "."),
        (1, _) if digits.rfind('.') > digits.rfind(',') => digits.replace(',', ""),
        (_, 1) if digits.rfind(',') > digits.rfind('.') => digits.replace('.', "").replace(',', "."),
        (_, 0) if grouped('.') => digits.replace('.', ""),
        _ => return None,
    };
    let decimals = plain.split_once('.').map_or(0, |(_, tail)| tail.len());
    Some((plain.parse().ok()?, i32::try_from(decimals.min(12)).ok()?))
}

fn magnitude(word: &str) -> Option<f64> {
    MAGNITUDES.iter().find(|(name, _)| *name == word).map(|(_, factor)| *factor)
}

fn measure(word: &str) -> Option<usize> {
    MEASURES.iter().position(|names| names.contains(&word))
}

/// "three", "twenty-five"; small ones say little.
fn number_word(folded: &str) -> Option<(f64, bool)> {
    let find = |word: &str| NUMBER_WORDS.iter().find(|(name, _)| *name == word).map(|(_, value)| *value);
    if let Some((tens, ones)) = folded.split_once('-') {
        let ones = if ones == "one" { Some(1.0) } else { find(ones) };
        return match (find(tens), ones) {
            (Some(tens), Some(ones)) if tens >= 20.0 && ones < 10.0 => Some((tens + ones, false)),
            _ => None,
        };
    }
    find(folded).map(|value| (value, value <= 12.0))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn one(text: &str) -> Figure {
        let found = figures(text);
        assert_eq!(found.numbers.len(), 1, "{text}: {found:?}");
        found.numbers.into_iter().next().unwrap_or_else(|| unreachable!())
    }

    fn check(answer: &str, source: &str, scale: f64, expect: bool) {
        assert_eq!(one(answer).borne_out_by(&one(source), scale), expect, "{answer} by {source}");
    }

    #[test]
    fn figures_agree_across_their_spellings() {
        check("$82.96 billion", "82,959", 1e6, true);
        check("82,959", "82959", 1.0, true);
        check("82.96 billion", "81,959", 1e6, false);
        check("5%", "5 percent", 1.0, true);
        check("5%", "$5", 1.0, false);
        check("5 percent", "6%", 1.0, false);
        check("€1,5 Millionen", "1.5 million euros", 1.0, true);
        check("about 1,000", "980", 1.0, true);
        check("1,000", "980", 1.0, false);
        check("over 260,000", "263,412", 1.0, true);
        check("twenty-five", "25", 1.0, true);
        check("$3.5bn", "USD 3.5 billion", 1.0, true);
        check("12kg", "12 kilograms", 1.0, true);
        check("5 days", "5 weeks", 1.0, false);
        check("3亿", "300 million", 1.0, true);
        check("12.35%", "12.3%", 1.0, false);
        check("12.3%", "12.38%", 1.0, false);
        check("12.3%", "12.34%", 1.0, true);
    }

    #[test]
    fn names_with_digits_are_not_figures() {
        for text in ["form 10-Q", "COVID-19 and B2B", "section 4.2.1", "D3-14"] {
            assert!(figures(text).numbers.iter().all(|f| f.word), "{text}: {:?}", figures(text));
        }
    }

    #[test]
    fn the_scale_of_a_table_is_read_from_its_head() {
        assert_eq!(scale("Revenue (in millions, except per share)"), 1e6);
        assert_eq!(scale("Dollars in thousands"), 1e3);
        assert_eq!(scale("$ in millions"), 1e6);
        assert_eq!(scale("Revenue by region in 2020"), 1.0);
    }

    #[test]
    fn years_are_figures_of_their_own() {
        assert_eq!(one("in 2019").unit, Unit::Year);
        assert_eq!(one("$2019").unit, Unit::Money);
    }
}

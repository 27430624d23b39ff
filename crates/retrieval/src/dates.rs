//! Dates as they are written, in several languages, and whether one bears out another. Figures are read in `figures`.

use crate::figures::Word;
use std::ops::Range;

/// A date with the parts that are stated.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Date {
    pub(crate) year: Option<i32>,
    pub(crate) month: Option<u8>,
    pub(crate) day: Option<u8>,
    /// 03/04/2020: which is the month is not known.
    pub(crate) swapped: bool,
    pub(crate) range: Range<usize>,
}

const MONTHS: [&[&str]; 12] = [
    &["january", "jan", "januar", "janvier", "enero", "gennaio", "janeiro", "januari", "января", "январь", "ocak"],
    &[
        "february",
        "feb",
        "februar",
        "fevrier",
        "febrero",
        "febbraio",
        "fevereiro",
        "februari",
        "февраля",
        "февраль",
        "subat",
    ],
    &["march", "mar", "marz", "mars", "marzo", "marco", "maart", "марта", "март", "mart"],
    &["april", "apr", "avril", "abril", "aprile", "апреля", "апрель", "nisan"],
    &["may", "mai", "mayo", "maggio", "maio", "mei", "мая", "май", "mayis"],
    &["june", "jun", "juni", "juin", "junio", "giugno", "junho", "июня", "июнь", "haziran"],
    &["july", "jul", "juli", "juillet", "julio", "luglio", "julho", "июля", "июль", "temmuz"],
    &["august", "aug", "aout", "agosto", "augustus", "августа", "август", "agustos"],
    &["september", "sep", "sept", "septembre", "septiembre", "settembre", "setembro", "сентября", "сентябрь", "eylul"],
    &["october", "oct", "oktober", "okt", "octobre", "octubre", "ottobre", "outubro", "октября", "октябрь", "ekim"],
    &["november", "nov", "novembre", "noviembre", "novembro", "ноября", "ноябрь", "kasim"],
    &[
        "december",
        "dec",
        "dezember",
        "dez",
        "decembre",
        "diciembre",
        "dicembre",
        "dezembro",
        "декабря",
        "декабрь",
        "aralik",
    ],
];
impl Date {
    /// Whether a date of a source says all that this one says.
    pub(crate) fn borne_out_by(&self, source: &Date) -> bool {
        let within = |mine: Option<u8>, theirs: Option<u8>| mine.is_none() || mine == theirs;
        let year = self.year.is_none() || self.year == source.year;
        let straight = within(self.month, source.month) && within(self.day, source.day);
        let crossed =
            (self.swapped || source.swapped) && within(self.month, source.day) && within(self.day, source.month);
        year && (straight || crossed)
    }
}

pub(crate) fn month(folded: &str) -> Option<u8> {
    let bare = folded.trim_end_matches('.');
    MONTHS.iter().position(|names| names.contains(&bare)).and_then(|at| u8::try_from(at + 1).ok())
}

fn day(folded: &str) -> Option<u8> {
    let digits = folded
        .trim_end_matches("st")
        .trim_end_matches("nd")
        .trim_end_matches("rd")
        .trim_end_matches("th")
        .trim_end_matches(['.', ',']);
    digits.parse().ok().filter(|d| (1..=31).contains(d))
}

fn year(folded: &str) -> Option<i32> {
    let bare = folded.trim_end_matches(['.', ',']);
    (bare.len() == 4 && bare.bytes().all(|b| b.is_ascii_digit()))
        .then(|| bare.parse().ok())
        .flatten()
        .filter(|y| (1000..2200).contains(y))
}

/// A date that begins at a word, with the number of words it takes. A bare year is a number.
pub(crate) fn date(words: &[Word], at: usize) -> Option<(Date, usize)> {
    let word = words.get(at)?;
    let make = |year, month, day, swapped, to: usize| {
        let end = words.get(at + to - 1).map_or(word.range.end, |last| last.range.end);
        Some((Date { year, month, day, swapped, range: word.range.start..end }, to))
    };
    let next = |ahead: usize| words.get(at + ahead).map(|w| w.folded.as_str());
    if let Some(parts) = numeric(&word.folded) {
        let (year, month, day, swapped) = parts;
        return make(Some(year), Some(month), Some(day), swapped, 1);
    }
    if let Some(parts) = cjk(&word.folded) {
        return make(parts.0, parts.1, parts.2, false, 1);
    }
    if let Some(m) = month(&word.folded) {
        // "may" and "mar" are words too: they are months only beside a number.
        if let Some(d) = next(1).and_then(day) {
            return match next(2).and_then(year) {
                Some(y) => make(Some(y), Some(m), Some(d), false, 3),
                None => make(None, Some(m), Some(d), false, 2),
            };
        }
        if let Some(y) = next(1).and_then(year) {
            return make(Some(y), Some(m), None, false, 2);
        }
        return None;
    }
    let d = day(&word.folded)?;
    let skip = usize::from(next(1) == Some("of") || next(1) == Some("de"));
    let m = next(1 + skip).and_then(month)?;
    let skip_year = usize::from(next(2 + skip) == Some("de") || next(2 + skip) == Some("of"));
    match next(2 + skip + skip_year).and_then(year) {
        Some(y) => make(Some(y), Some(m), Some(d), false, 3 + skip + skip_year),
        None => make(None, Some(m), Some(d), false, 2 + skip),
    }
}

/// 2020-03-04, 04.03.2020, 3/4/2020, 3/4/20 is left alone.
fn numeric(folded: &str) -> Option<(i32, u8, u8, bool)> {
    let by = ['-', '/', '.'].into_iter().find(|by| folded.matches(*by).count() == 2)?;
    let mut parts = folded.split(by);
    let (a, b, c) = (parts.next()?, parts.next()?, parts.next()?);
    let part = |text: &str| text.parse::<u8>().ok().filter(|v| (1..=31).contains(v));
    if let Some(y) = year(a) {
        let c = c.get(..2.min(c.len()))?;
        let (m, d) = (part(b)?, part(c)?);
        return (m <= 12).then_some((y, m, d, false));
    }
    let y = year(c)?;
    let (a, b) = (part(a)?, part(b)?);
    match (a <= 12, b <= 12) {
        (true, true) if by == '.' => Some((y, b, a, false)),
        (true, true) => Some((y, a, b, true)),
        (true, false) => Some((y, a, b, false)),
        (false, true) => Some((y, b, a, false)),
        _ => None,
    }
}

type Parts = (Option<i32>, Option<u8>, Option<u8>);

/// 2023年5月3日 and its shorter forms, at the head of a run.
fn cjk(folded: &str) -> Option<Parts> {
    if !folded.contains(['年', '月']) {
        return None;
    }
    let before = |mark: char, floor: usize| {
        let at = folded.find(mark)?;
        let head = folded.get(floor..at)?;
        let start = head
            .rfind(|c: char| !c.is_ascii_digit())
            .map_or(0, |i| i + head.get(i..).and_then(|t| t.chars().next()).map_or(1, char::len_utf8));
        head.get(start..)?.parse::<i32>().ok().map(|v| (v, at + mark.len_utf8()))
    };
    let y = before('年', 0);
    let floor = y.map_or(0, |(_, end)| end);
    let m = before('月', floor).filter(|(v, _)| (1..=12).contains(v));
    let d = m.and_then(|(_, end)| before('日', end)).filter(|(v, _)| (1..=31).contains(v));
    let small = |v: Option<(i32, usize)>| v.and_then(|(v, _)| u8::try_from(v).ok());
    if y.is_none() && m.is_none() {
        return None;
    }
    Some((y.map(|(v, _)| v), small(m), small(d)))
}

#[cfg(test)]
mod tests {
    use crate::figures::figures;

    #[test]
    fn dates_agree_across_their_spellings() {
        let date = |text: &str| {
            let found = figures(text);
            assert_eq!(found.dates.len(), 1, "{text}: {found:?}");
            found.dates.into_iter().next().unwrap_or_else(|| unreachable!())
        };
        let check = |a: &str, b: &str, expect: bool| assert_eq!(date(a).borne_out_by(&date(b)), expect, "{a} by {b}");
        check("March 4, 2020", "2020-03-04", true);
        check("4 March 2020", "04.03.2020", true);
        check("the 4th of March 2020", "3/4/2020", true);
        check("March 2020", "on March 4, 2020", true);
        check("March 4, 2020", "March 2020", false);
        check("March 5, 2020", "March 4, 2020", false);
        check("2023年5月3日", "May 3, 2023", true);
        check("4. März 2020", "4 mars 2020", true);
        assert!(figures("They may go in 5 rooms").dates.is_empty());
    }
}

//! Documents of a series ("2023 Q2 Acme.pdf", "2023 Q3 Acme.pdf"), told from their names, for questions that ask for the
//! latest. Revisions of one document are in `near`.

use crate::dates::month;
use crate::fold::fold;
use std::collections::HashMap;
use std::hash::Hash;

/// What of a name is the same for all of its series, and which one it is: year, month, day; 0 for what is not told.
type Issue = (Vec<String>, [u32; 3]);

/// Whether a question asks for what is the latest of several.
pub fn asks_for_the_latest(question: &str) -> bool {
    let folded = fold(question);
    ["latest", "most recent", "newest", "neueste", "jungste", "aktuellste", "le plus recent", "mas reciente", "最新"]
        .iter()
        .any(|said| folded.contains(said))
}

/// Whether a question asks for what was before: then what a later revision replaced is no noise.
pub fn asks_for_the_past(question: &str) -> bool {
    const BEFORE: &str = "previous previously earlier before former formerly old older original originally first changed change \
        changes version versions revision revisions draft drafts superseded compare compared difference differences differ \
        fruher vorher alte alten vorige vorigen";
    let folded = fold(question);
    folded.split(|c: char| !c.is_alphanumeric()).any(|word| BEFORE.split_whitespace().any(|known| known == word))
}

/// Of documents with their names, those of a series that holds a later one.
pub fn earlier_issues<'a, D: Copy + Eq + Hash>(named: impl IntoIterator<Item = (D, &'a str)>) -> Vec<D> {
    let mut series: HashMap<Vec<String>, Vec<(D, [u32; 3])>> = HashMap::new();
    for (document, name) in named {
        if let Some((stem, date)) = issue(name) {
            series.entry(stem).or_default().push((document, date));
        }
    }
    let mut earlier = Vec::new();
    for issues in series.into_values() {
        let latest = issues.iter().map(|(_, date)| *date).max();
        earlier.extend(issues.into_iter().filter(|(_, date)| Some(*date) < latest).map(|(document, _)| document));
    }
    earlier
}

/// A name taken apart; none where it tells no year, or nothing else.
fn issue(name: &str) -> Option<Issue> {
    let (mut stem, mut date) = (Vec::new(), [0; 3]);
    let folded = fold(name);
    for word in folded.split(|c: char| !c.is_alphanumeric()).filter(|word| !word.is_empty()) {
        let number = word.parse::<u32>().ok();
        let [year, of_year, day] = &mut date;
        match (number, quarter(word), month(word)) {
            (Some(n), ..) if word.len() == 4 && (1900..2200).contains(&n) && *year == 0 => *year = n,
            (Some(n), ..) if word.len() == 8 && (1900..2200).contains(&(n / 10_000)) && *year == 0 => {
                (*year, *of_year, *day) = (n / 10_000, n / 100 % 100, n % 100);
            }
            (Some(n), ..) if word.len() <= 2 && (1..=12).contains(&n) && *of_year == 0 => *of_year = n,
            (Some(n), ..) if word.len() <= 2 && (1..=31).contains(&n) && *day == 0 => *day = n,
            (None, Some(last), _) if *of_year == 0 => *of_year = last,
            (None, None, Some(m)) if *of_year == 0 => *of_year = u32::from(m),
            _ => stem.push(word.to_owned()),
        }
    }
    (date.first() > Some(&0) && !stem.is_empty()).then_some((stem, date))
}

/// The last month of a quarter or half: "q3", "3q", "h1".
fn quarter(word: &str) -> Option<u32> {
    let (letter, digit) = match word.as_bytes() {
        [letter @ b'a'..=b'z', digit] | [digit, letter @ b'a'..=b'z'] => (letter, digit.checked_sub(b'0')?),
        _ => return None,
    };
    match (letter, digit) {
        (b'q', 1..=4) => Some(u32::from(digit) * 3),
        (b'h', 1..=2) => Some(u32::from(digit) * 6),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn earlier(names: &[&str]) -> Vec<usize> {
        let mut found = earlier_issues(names.iter().copied().enumerate());
        found.sort_unstable();
        found
    }

    #[test]
    fn of_a_series_all_but_the_latest_are_earlier() {
        assert_eq!(
            earlier(&["2022 Q3 Acme.pdf", "2023 Q1 Acme.pdf", "2023 Q3 Acme.pdf", "2023 Q2 Acme.pdf"]),
            [0, 1, 3]
        );
        assert_eq!(earlier(&["Minutes 2024-03-05.docx", "Minutes 2024-11-02.docx"]), [0]);
        assert_eq!(earlier(&["report_march_2024.txt", "report_july_2023.txt"]), [1]);
        assert_eq!(earlier(&["scan20240101.png", "scan 20240101.png"]), Vec::<usize>::new());
    }

    #[test]
    fn other_series_and_names_without_a_year_stand_alone() {
        let names = ["2022 Q3 Acme.pdf", "2023 Q3 Zyx.pdf", "Lease v1.docx", "Lease v2.docx", "2021.pdf"];
        assert_eq!(earlier(&names), Vec::<usize>::new());
    }

    #[test]
    fn the_latest_is_asked_for_in_words() {
        assert!(asks_for_the_latest("What does the most recent report say?"));
        assert!(!asks_for_the_latest("What does the report of last May say?"));
    }
}

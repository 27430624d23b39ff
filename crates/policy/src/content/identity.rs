//! Numbers that states give to people: by their checksums where they have one, by the words before them where they have
//! none.

use super::digits::{luhn, plain};
use super::{Found, Kind, before, pattern, stands_alone};
use std::sync::LazyLock;

/// One country's number.
struct Number {
    shape: regex::Regex,
    /// Whether the digits and letters agree with each other.
    right: fn(&str) -> bool,
    /// The word that must stand before it, where the shape alone says too little.
    after: Option<regex::Regex>,
}

static NUMBERS: LazyLock<Vec<Number>> = LazyLock::new(|| {
    let number = |shape: &str, right: fn(&str) -> bool, after: Option<&str>| Number {
        shape: pattern(shape),
        right,
        after: after.map(|words| pattern(&format!(r"(?i)(?:{words})[^\n]{{0,24}}$"))),
    };
    let always: fn(&str) -> bool = |_| true;
    vec![
        // United States: social security, and the taxpayer's number of the same shape
        number(r"\d{3}-\d{2}-\d{4}", social_security, None),
        number(r"\d{3} ?\d{2} ?\d{4}", social_security, Some(r"\bssn\b|social security|\bitin\b")),
        // United Kingdom: national insurance; health service (mod 11)
        number(r"[A-CEGHJ-PR-TW-Z][A-CEGHJ-NPR-TW-Z] ?\d{2} ?\d{2} ?\d{2} ?[A-D]", always, None),
        number(r"\d{3}[ -]?\d{3}[ -]?\d{4}", health_service, Some(r"\bnhs\b")),
        // France: social security with its key; Spain: identity number with its letter
        number(r"[12] ?\d{2} ?\d{2} ?\d[\dAB] ?\d{3} ?\d{3} ?\d{2}", french, None),
        number(r"[XYZ]?-?\d{7,8}-?[A-HJ-NP-TV-Z]", spanish, None),
        // Italy: fiscal code; Germany: taxpayer; Netherlands: citizen (11 test); Belgium: register (mod 97)
        number(r"[A-Z]{6}\d{2}[A-EHLMPR-T]\d{2}[A-Z]\d{3}[A-Z]", italian, None),
        number(r"\d{2} ?\d{3} ?\d{3} ?\d{3}", german, Some(r"steuer|\bidnr\b|tax")),
        number(r"\d{9}", dutch, Some(r"\bbsn\b|burgerservice|sofi")),
        number(r"\d{2}\.\d{2}\.\d{2}-\d{3}\.\d{2}", belgian, None),
        // Poland, Sweden, Finland, Norway, Denmark, Switzerland
        number(r"\d{11}", polish, Some("pesel")),
        number(r"(?:19|20)?\d{6}[-+]\d{4}", swedish, None),
        number(r"\d{6}[-+A-FU-Y]\d{3}[0-9A-FHJ-NPR-Y]", finnish, None),
        number(r"\d{6} ?\d{5}", norwegian, None),
        number(r"\d{6}-\d{4}", danish, Some(r"\bcpr\b|person")),
        number(r"756\.?\d{4}\.?\d{4}\.?\d{2}", swiss, None),
        // Brazil, Canada, India, China, South Korea
        number(r"\d{3}\.?\d{3}\.?\d{3}-?\d{2}", brazilian, None),
        number(r"\d{3}[ -]?\d{3}[ -]?\d{3}", |text| luhn(&plain(text)), Some(r"\bsin\b|social insurance")),
        number(r"[2-9]\d{3} ?\d{4} ?\d{4}", indian, None),
        number(r"[A-Z]{3}[ABCFGHJLPT][A-Z]\d{4}[A-Z]", always, Some(r"\bpan\b|permanent account|tax")),
        number(r"\d{17}[\dXx]", chinese, None),
        number(r"\d{6}-[1-8]\d{6}", korean, None),
        // Papers without a checksum, by the words before them
        number(
            r"(?:[A-Z]{1,3}[ -]?)?\d[0-9A-Z]*(?:[ -][0-9A-Z]*\d[0-9A-Z]*){0,4}",
            |text| (5..=20).contains(&plain(text).len()),
            Some(concat!(
                r"(?:passport|driver'?s?'? licen[cs]e|driving licen[cs]e|licen[cs]e number|identity card|id card|national id|",
                r"reisepass|personalausweis|führerschein|passeport|pasaporte|permis de conduire|carné de conducir|patente di guida)",
                r"(?: ?(?:number|no\.?|nr\.?|n°|#))?(?: is| ist| est| es)?\s*:?"
            )),
        ),
    ]
});

static BIRTH: LazyLock<regex::Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?i)\b(?:date of birth|birth ?date|dob|d\.o\.b\.?|born(?: on)?|geboren(?: am)?|geburtsdatum|née? le|date de naissance|",
        r"fecha de nacimiento|nacid[oa] el|data di nascita|nat[oa] il)[\s:]{1,3}(?:is )?",
        r"(\d{1,4}[./\- ]\d{1,2}[./\- ]\d{1,4}|\d{1,2}(?:st|nd|rd|th|\.)? \p{L}{3,10}\.?,? \d{4}|\p{L}{3,10}\.? \d{1,2}(?:st|nd|rd|th)?,? \d{4})"
    ))
});

pub(super) fn find(text: &str, into: &mut Vec<Found>) {
    for number in NUMBERS.iter() {
        for found in number.shape.find_iter(text).filter(|found| stands_alone(text, found.start(), found.end())) {
            let said = number.after.as_ref().is_none_or(|after| after.is_match(before(text, found.start(), 64)));
            if said && (number.right)(found.as_str()) {
                into.push(Found { kind: Kind::Identity, start: found.start(), end: found.end() });
            }
        }
    }
    super::add_matches(text, &BIRTH, 1, Kind::Birth, into);
}

/// The digits of a number as values.
fn values(text: &str) -> Vec<u32> {
    text.chars().filter_map(|c| c.to_digit(10)).collect()
}

/// The sum of digits times weights.
fn weighed(digits: &[u32], weights: &[u32]) -> u32 {
    digits.iter().zip(weights).map(|(digit, weight)| digit * weight).sum()
}

/// Whether six digits are a day, as day-month or month-day in any order of the parts.
fn is_day(a: u32, b: u32) -> bool {
    (1..=31).contains(&a) && (1..=12).contains(&b)
}

fn pair(digits: &[u32], at: usize) -> u32 {
    digits.get(at..at + 2).map_or(99, |two| two.iter().fold(0, |sum, digit| sum * 10 + digit))
}

fn social_security(text: &str) -> bool {
    let digits = plain(text);
    let part = |range: std::ops::Range<usize>| digits.get(range).unwrap_or_default();
    part(0..3) != "000" && part(0..3) != "666" && part(3..5) != "00" && part(5..9) != "0000"
}

fn health_service(text: &str) -> bool {
    let digits = values(text);
    let check = (11 - weighed(&digits, &[10, 9, 8, 7, 6, 5, 4, 3, 2]) % 11) % 11;
    digits.last() == Some(&check)
}

fn french(text: &str) -> bool {
    // Corsica: 2A counts as 19, 2B as 18.
    let plain = text.replace(' ', "").replace("2A", "19").replace("2B", "18");
    let (Some(number), Some(key)) = (plain.get(..13), plain.get(13..)) else { return false };
    match (number.parse::<u64>(), key.parse::<u64>()) {
        (Ok(number), Ok(key)) => key == 97 - number % 97,
        _ => false,
    }
}

fn spanish(text: &str) -> bool {
    let plain: String = text.chars().filter(|c| *c != '-').collect();
    let Some(letter) = plain.chars().last() else { return false };
    let number = plain.trim_end_matches(letter).replace('X', "0").replace('Y', "1").replace('Z', "2");
    let at = number.parse::<usize>().map(|number| number % 23);
    number.len() == 8 && at.is_ok_and(|at| "TRWAGMYFPDXBNJZSQVHLCKE".chars().nth(at) == Some(letter))
}

fn italian(text: &str) -> bool {
    const ODD: [u32; 26] =
        [1, 0, 5, 7, 9, 13, 15, 17, 19, 21, 2, 4, 18, 20, 11, 3, 6, 8, 12, 14, 16, 10, 22, 25, 24, 23];
    let value = |c: char| c.to_digit(36).map(|n| if n >= 10 { n - 10 } else { n }).unwrap_or(0);
    let sum: u32 = text
        .chars()
        .take(15)
        .enumerate()
        .map(|(at, c)| if at.is_multiple_of(2) { ODD.get(value(c) as usize).copied().unwrap_or(0) } else { value(c) })
        .sum();
    text.chars().last().is_some_and(|last| value(last) == sum % 26)
}

/// ISO/IEC 7064 mod 11,10.
fn german(text: &str) -> bool {
    let digits = values(text);
    let product = digits.iter().take(10).fold(10, |product, digit| {
        let sum = (digit + product) % 10;
        (if sum == 0 { 10 } else { sum }) * 2 % 11
    });
    digits.len() == 11 && digits.first() != Some(&0) && digits.last() == Some(&((11 - product) % 10))
}

fn dutch(text: &str) -> bool {
    let digits = values(text);
    let last = digits.last().copied().unwrap_or(1);
    let sum = weighed(&digits, &[9, 8, 7, 6, 5, 4, 3, 2]);
    sum % 11 == last && sum > 0
}

fn belgian(text: &str) -> bool {
    let digits = plain(text);
    let (Some(number), Some(check)) = (digits.get(..9), digits.get(9..)) else { return false };
    let fits = |number: &str| match (number.parse::<u64>(), check.parse::<u64>()) {
        (Ok(number), Ok(check)) => 97 - number % 97 == check,
        _ => false,
    };
    fits(number) || fits(&format!("2{number}"))
}

fn polish(text: &str) -> bool {
    let digits = values(text);
    digits.len() == 11 && weighed(&digits, &[1, 3, 7, 9, 1, 3, 7, 9, 1, 3, 1]).is_multiple_of(10)
}

fn swedish(text: &str) -> bool {
    let digits = plain(text);
    let short = digits.get(digits.len().saturating_sub(10)..).unwrap_or_default();
    let values = values(short);
    // Of coordination numbers the day is 60 more.
    is_day(pair(&values, 4) % 60, pair(&values, 2)) && luhn(short)
}

fn finnish(text: &str) -> bool {
    let digits = plain(text.get(..6).unwrap_or_default()) + text.get(7..10).unwrap_or_default();
    let check = digits.parse::<usize>().ok().and_then(|n| "0123456789ABCDEFHJKLMNPRSTUVWXY".chars().nth(n % 31));
    check.is_some() && check == text.chars().last()
}

fn norwegian(text: &str) -> bool {
    let digits = values(text);
    let first = weighed(&digits, &[3, 7, 6, 1, 8, 9, 4, 5, 2, 1]) % 11;
    let second = weighed(&digits, &[5, 4, 3, 2, 7, 6, 5, 4, 3, 2, 1]) % 11;
    digits.len() == 11 && is_day(pair(&digits, 0) % 40, pair(&digits, 2) % 40) && first == 0 && second == 0
}

fn danish(text: &str) -> bool {
    let digits = values(text);
    is_day(pair(&digits, 0), pair(&digits, 2))
}

fn swiss(text: &str) -> bool {
    let digits = values(text);
    let sum: u32 =
        digits.iter().enumerate().map(|(at, digit)| if at.is_multiple_of(2) { *digit } else { digit * 3 }).sum();
    digits.len() == 13 && sum.is_multiple_of(10)
}

fn brazilian(text: &str) -> bool {
    let digits = values(text);
    let check = |sum: u32| if sum % 11 < 2 { 0 } else { 11 - sum % 11 };
    let first = check(weighed(&digits, &[10, 9, 8, 7, 6, 5, 4, 3, 2]));
    let second = check(weighed(&digits, &[11, 10, 9, 8, 7, 6, 5, 4, 3, 2]));
    let differ = digits.windows(2).any(|two| two.first() != two.last());
    digits.len() == 11 && differ && digits.get(9) == Some(&first) && digits.get(10) == Some(&second)
}

/// Verhoeff's check over the dihedral group of ten.
fn indian(text: &str) -> bool {
    let multiplied = |a: u32, b: u32| match (a < 5, b < 5) {
        (true, true) => (a + b) % 5,
        (true, false) => (a + b - 5) % 5 + 5,
        (false, true) => (a - b) % 5 + 5,
        (false, false) => (a + 5 - b) % 5,
    };
    const PERMUTED: [u32; 10] = [1, 5, 7, 6, 2, 8, 3, 0, 9, 4];
    let digits = values(text);
    let check = digits.iter().rev().enumerate().fold(0, |check, (at, digit)| {
        let permuted = (0..at % 8).fold(*digit, |digit, _| PERMUTED.get(digit as usize).copied().unwrap_or(0));
        multiplied(check, permuted)
    });
    digits.len() == 12 && check == 0
}

/// ISO/IEC 7064 mod 11-2 (GB 11643).
fn chinese(text: &str) -> bool {
    let digits = values(text.get(..17).unwrap_or_default());
    let sum = weighed(&digits, &[7, 9, 10, 5, 8, 4, 2, 1, 6, 3, 7, 9, 10, 5, 8, 4, 2]);
    let check = "10X98765432".chars().nth((sum % 11) as usize);
    check == text.chars().last().map(|c| c.to_ascii_uppercase()) && is_day(pair(&digits, 12), pair(&digits, 10))
}

fn korean(text: &str) -> bool {
    let digits = values(text);
    let sum = weighed(&digits, &[2, 3, 4, 5, 6, 7, 8, 9, 2, 3, 4, 5]);
    is_day(pair(&digits, 4), pair(&digits, 2)) && digits.get(12) == Some(&((11 - sum % 11) % 10))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Published specimens of each country's number, and the same with a slip.
    #[test]
    fn numbers_of_many_countries_check() {
        for (said, number, slip) in [
            ("", "AB 12 34 56 C", "AB 12 34 56 E"),
            ("NHS ", "943 476 5919", "943 476 5918"),
            ("", "2 55 08 14 168 025 38", "2 55 08 14 168 025 39"),
            ("", "12345678Z", "12345678A"),
            ("", "X1234567L", "X1234567M"),
            ("", "RSSMRA85T10A562S", "RSSMRA85T10A562T"),
            ("Steuer-ID ", "86095742719", "86095742718"),
            ("BSN ", "111222333", "111222334"),
            ("", "85.07.30-033.28", "85.07.30-033.29"),
            ("PESEL ", "44051401359", "44051401358"),
            ("", "811228-9874", "811228-9875"),
            ("", "131052-308T", "131052-308U"),
            ("", "756.9217.0769.85", "756.9217.0769.84"),
            ("", "111.444.777-35", "111.444.777-36"),
            ("SIN ", "046 454 286", "046 454 287"),
            ("", "11010519491231002X", "110105194912310021"),
        ] {
            let ask = |number: &str| {
                let mut found = Vec::new();
                find(&format!("{said}{number} "), &mut found);
                found.iter().any(|found| found.end - found.start == number.len())
            };
            assert!(ask(number), "{number}");
            assert!(!ask(slip), "{slip}");
        }
    }

    #[test]
    fn verhoeff_finds_slips_and_swaps() {
        assert!(indian("2341 2341 2346"));
        assert!(!indian("2341 2341 2364") && !indian("2341 2341 2347"));
    }

    #[test]
    fn papers_are_found_by_the_words_before_them() {
        let mut found = Vec::new();
        find("My driver's license number is F162823540116. Passport no. C01X00T47.", &mut found);
        assert_eq!(found.iter().map(|found| found.end - found.start).collect::<Vec<_>>(), [13, 9]);
    }
}

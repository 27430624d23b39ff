//! Numbers of payment cards, bank accounts and telephones.

use super::{Found, Kind, before, pattern, stands_alone};
use std::sync::LazyLock;

static CARD: LazyLock<regex::Regex> = LazyLock::new(|| pattern(r"\d(?:[ \-]?\d){11,18}"));
static CARD_CUE: LazyLock<regex::Regex> = LazyLock::new(|| {
    pattern(r"(?i)\b(?:card|cc|credit|debit|visa|master ?card|maestro|amex|karte|kreditkarte|carte|tarjeta|carta)\b")
});
static ACCOUNT: LazyLock<regex::Regex> =
    LazyLock::new(|| pattern(r"\b[A-Z]{2}\d{2}(?: ?[A-Z0-9]{2,4}){2,7}(?: ?[A-Z0-9]{1,4})?"));
static PHONE: LazyLock<regex::Regex> = LazyLock::new(|| {
    pattern(
        r"(?:\+|\b00)?(?:\(\+?\d{1,4}\)|\d{1,5})(?:[ \u{a0}.\-/]{0,2}(?:\(\d{1,5}\)|\d{1,8})){1,7}(?: ?(?i:x|ext\.?|extension) ?\d{1,6})?",
    )
});
static PHONE_CUE: LazyLock<regex::Regex> = LazyLock::new(|| {
    pattern(concat!(
        r"(?i)(?:\b(?:phone|tel|telephone|mobile|cell|fax|call|calls|called|dial|reach|ring|text|desk|office|whatsapp|sms|number|hotline|",
        r"telefon|handy|mobil|rufnummer|téléphone|portable|teléfono|móvil|telefone|celular|telefono|cellulare|telefoon)\b|☎|📞)",
        r"[^\n]{0,24}$",
    ))
});
static DATE: LazyLock<regex::Regex> = LazyLock::new(|| {
    pattern(
        r"^(?:\d{1,2}[./\-]\d{1,2}[./\-](?:\d{4}|\d{2})|(?:19|20)\d{2}[./\- ]\d{1,2}[./\- ]\d{1,2}|(?:19|20)\d{2} ?[\-/] ?(?:19|20)?\d{2})$",
    )
});

pub(super) fn find(text: &str, into: &mut Vec<Found>) {
    for found in CARD.find_iter(text).filter(|found| stands_alone(text, found.start(), found.end())) {
        let number = plain(found.as_str());
        let known = matches!(number.len(), 13..=19) && issuer(&number);
        if luhn(&number) && (known || CARD_CUE.is_match(before(text, found.start(), 48))) {
            into.push(Found { kind: Kind::Card, start: found.start(), end: found.end() });
        }
    }
    for found in ACCOUNT.find_iter(text) {
        // A word in capitals behind the number is not part of it: the longest start that checks is.
        let mut end = found.end();
        while end > found.start() {
            let tried = text.get(found.start()..end).unwrap_or_default();
            if iban(tried) {
                into.push(Found { kind: Kind::Account, start: found.start(), end });
                break;
            }
            end = found.start() + tried.rfind(' ').unwrap_or(0);
        }
    }
    for found in PHONE.find_iter(text) {
        if is_phone(text, found.as_str(), found.start(), found.end()) {
            into.push(Found { kind: Kind::Phone, start: found.start(), end: found.end() });
        }
    }
}

/// The digits alone.
pub(super) fn plain(text: &str) -> String {
    text.chars().filter(char::is_ascii_digit).collect()
}

/// The check digit of cards (ISO/IEC 7812-1).
pub(super) fn luhn(digits: &str) -> bool {
    let sum: u32 = digits
        .bytes()
        .rev()
        .enumerate()
        .map(|(at, digit)| {
            let digit = u32::from(digit.saturating_sub(b'0'));
            if at.is_multiple_of(2) { digit } else { (digit * 2) / 10 + (digit * 2) % 10 }
        })
        .sum();
    sum.is_multiple_of(10) && digits.bytes().any(|digit| digit != b'0')
}

/// The first digits that card schemes have.
fn issuer(digits: &str) -> bool {
    let first = |n: usize| digits.get(..n).and_then(|start| start.parse::<u32>().ok()).unwrap_or(0);
    digits.starts_with('4')
        || matches!(first(2), 34 | 36 | 37 | 38 | 39 | 50..=69)
        || matches!(first(3), 300..=305)
        || matches!(first(4), 2221..=2720 | 3528..=3589 | 1800 | 2131)
}

/// An account number with its country's length and its checksum (ISO 13616, ISO/IEC 7064 mod 97-10).
fn iban(text: &str) -> bool {
    let number: String = text.chars().filter(|c| *c != ' ').collect();
    if !(15..=34).contains(&number.len()) || !number.is_ascii() {
        return false;
    }
    let (head, rest) = number.split_at(4);
    let folded = rest.bytes().chain(head.bytes()).fold(0u32, |sum, byte| match byte {
        b'0'..=b'9' => (sum * 10 + u32::from(byte - b'0')) % 97,
        b'A'..=b'Z' => (sum * 100 + u32::from(byte - b'A') + 10) % 97,
        _ => 0,
    });
    folded == 1
}

fn is_phone(text: &str, number: &str, start: usize, end: usize) -> bool {
    let number = number.split(['x', 'X', 'e', 'E']).next().unwrap_or_default().trim_end();
    let digits = plain(number).len();
    // No later part of a longer number, and no sum of money.
    let mut left = before(text, start, 8).chars().rev();
    let (last, one_before) = (left.next().unwrap_or(' '), left.next().unwrap_or(' '));
    let part = matches!(last, '.' | ',' | '/' | '-' | ':') && one_before.is_ascii_digit();
    let whole = stands_alone(text, start, end) && !part && !matches!(last, '$' | '€' | '£' | '¥' | '#' | '+' | '=');
    if !(7..=17).contains(&digits) || !whole || DATE.is_match(number) {
        return false;
    }
    if number.starts_with('+') || number.starts_with("00") && digits > 9 {
        return true;
    }
    let groups: Vec<&str> =
        number.split([' ', '\u{a0}', '.', '-', '/', '(', ')']).filter(|group| !group.is_empty()).collect();
    if PHONE_CUE.is_match(before(text, start, 40)) {
        // Thousands are groups of three behind a shorter first one.
        return groups.len() > 1 || digits >= 7;
    }
    let area = number.starts_with('(');
    let american = matches!(groups.as_slice(), [a, b, c] if a.len() == 3 && b.len() == 3 && c.len() == 4)
        || matches!(groups.as_slice(), [one, a, b, c] if one.len() <= 3 && a.len() == 3 && b.len() == 3 && c.len() == 4);
    let pairs = groups.len() >= 4 && groups.iter().all(|group| group.len() == 2) && number.starts_with('0');
    let trunk = number.starts_with('0')
        && groups.len() > 1
        && digits >= 9
        && groups.first().is_some_and(|first| first.len() >= 2);
    (area && groups.len() > 1) || american || pairs || trunk
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_to_call_have_many_shapes() {
        for number in
            ["(602)272-9781", "01.84.17.61.18", "085 175 7641", "001-253-366-9781", "0341 8387176", "555-867-5309 x12"]
        {
            let mut found = Vec::new();
            find(&format!("Under {number} only."), &mut found);
            assert_eq!(found, [Found { kind: Kind::Phone, start: 6, end: 6 + number.len() }], "{number}");
        }
        let mut found = Vec::new();
        find("call me on 450 0840 tomorrow", &mut found);
        assert_eq!(found.len(), 1);
    }
}

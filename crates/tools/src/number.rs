//! Numbers as people write them, and as they are shown. Exact decimals of up to 28 digits.

use rust_decimal::Decimal;

/// The most digits after the point that a decimal holds.
pub(crate) const MAX_SCALE: u32 = 28;

/// Whether a character may separate groups of thousands besides the comma: `_`, an apostrophe, a space that does not
/// break.
pub(crate) fn is_group_mark(c: char) -> bool {
    matches!(c, '_' | '\'' | '’' | '\u{a0}' | '\u{202f}')
}

/// Reads the digits of one number: ASCII digits, group marks and commas (checked by the caller), at most one point.
pub(crate) fn read(text: &str) -> Option<Decimal> {
    let plain: String = text.chars().filter(|c| *c != ',' && !is_group_mark(*c)).collect();
    let padded = if plain.starts_with('.') { format!("0{plain}") } else { plain };
    Decimal::from_str_exact(padded.trim_end_matches('.')).ok()
}

/// Whether the whole part of a number has its commas where thousands end: `1,234,567`.
pub(crate) fn groups_are_right(text: &str) -> bool {
    let whole = text.split('.').next().unwrap_or_default();
    let fraction_has_none = text.split('.').skip(1).all(|rest| !rest.contains(','));
    let mut groups = whole.split(',');
    let first = groups.next().unwrap_or_default();
    let first_right = !whole.contains(',') || (1..=3).contains(&first.len());
    fraction_has_none && first_right && groups.all(|group| group.len() == 3)
}

/// A number for reading: commas between thousands, no zeros at the end of the fraction.
pub(crate) fn show(value: Decimal) -> String {
    let plain = value.normalize().to_string();
    let (sign, digits) = plain.strip_prefix('-').map_or(("", plain.as_str()), |digits| ("-", digits));
    let (whole, fraction) = digits.split_once('.').map_or((digits, None), |(whole, rest)| (whole, Some(rest)));
    let mut shown = sign.to_owned();
    for (index, digit) in whole.chars().enumerate() {
        if index > 0 && (whole.len() - index).is_multiple_of(3) {
            shown.push(',');
        }
        shown.push(digit);
    }
    if let Some(fraction) = fraction {
        shown.push('.');
        shown.push_str(fraction);
    }
    shown
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_shown_as_people_read_them() {
        let check = |text: &str, expect: &str| assert_eq!(show(read(text).expect(text)), expect);
        check("1234567.50", "1,234,567.5");
        check("999", "999");
        check("1,000", "1,000");
        check("0.000100", "0.0001");
        check(".5", "0.5");
        check("1'234_567", "1,234,567");
        assert_eq!(show(Decimal::new(-123_456, 1)), "-12,345.6");
    }
}

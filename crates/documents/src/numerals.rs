//! Numbers as lists and page labels write them.

/// `number` in small Roman digits; as it is where Rome had no way to write it.
pub(crate) fn roman(mut number: u32) -> String {
    if number == 0 || number > 4000 {
        return number.to_string();
    }
    let mut out = String::new();
    for (value, digits) in [
        (1000, "m"),
        (900, "cm"),
        (500, "d"),
        (400, "cd"),
        (100, "c"),
        (90, "xc"),
        (50, "l"),
        (40, "xl"),
        (10, "x"),
        (9, "ix"),
        (5, "v"),
        (4, "iv"),
        (1, "i"),
    ] {
        while number >= value {
            out.push_str(digits);
            number -= value;
        }
    }
    out
}

/// `a` to `z`, then `aa`, `bb` and so on, as lists and page labels count.
pub(crate) fn letters(number: u32) -> String {
    let letter = char::from(b'a' + ((number.max(1) - 1) % 26) as u8);
    std::iter::repeat_n(letter, ((number.max(1) - 1) / 26 + 1).min(20) as usize).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_labels_ask() {
        assert_eq!(roman(4), "iv");
        assert_eq!(roman(1994), "mcmxciv");
        assert_eq!(roman(0), "0");
        assert_eq!(letters(1), "a");
        assert_eq!(letters(28), "bb");
    }
}

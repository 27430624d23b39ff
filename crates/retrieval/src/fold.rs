//! Characters as the index sees them: scripts, case and accents folded. Not a tokenizer: that is `terms`.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// Writing systems that are handled apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Script {
    Latin,
    Greek,
    Cyrillic,
    Arabic,
    Hebrew,
    Indic,
    /// Written without spaces, by characters: Han and Japanese kana.
    Han,
    Hangul,
    /// Written without spaces, by letters: Thai, Lao, Khmer, Burmese.
    Thai,
    /// Digits, marks, and every other script.
    Other,
}

impl Script {
    /// Whether words are not marked off by spaces (or carry glued particles), so that pairs of characters are indexed.
    pub(crate) fn in_pairs(self) -> bool {
        matches!(self, Script::Han | Script::Hangul | Script::Thai)
    }
}

/// The script of a character.
pub(crate) fn script(c: char) -> Script {
    match c as u32 {
        0x41..=0x5A | 0x61..=0x7A | 0xAA | 0xBA | 0xC0..=0x24F | 0x250..=0x2AF | 0x1E00..=0x1EFF | 0x2C60..=0x2C7F => {
            Script::Latin
        }
        0xFB00..=0xFB06 | 0xFF21..=0xFF3A | 0xFF41..=0xFF5A => Script::Latin,
        0x370..=0x3FF | 0x1F00..=0x1FFF => Script::Greek,
        0x400..=0x52F | 0x1C80..=0x1C8F | 0x2DE0..=0x2DFF | 0xA640..=0xA69F => Script::Cyrillic,
        0x590..=0x5FF | 0xFB1D..=0xFB4F => Script::Hebrew,
        0x600..=0x65F | 0x66A..=0x6EF | 0x6FA..=0x6FF | 0x750..=0x77F | 0x8A0..=0x8FF => Script::Arabic,
        0xFB50..=0xFDFF | 0xFE70..=0xFEFF => Script::Arabic,
        0x900..=0x965 | 0x970..=0xDFF | 0xA8E0..=0xA8FF => Script::Indic,
        0xE00..=0xE4F | 0xE5A..=0xECF | 0xEDA..=0xEFF | 0x1000..=0x109F | 0x1780..=0x17DF => Script::Thai,
        0x1100..=0x11FF | 0x3130..=0x318F | 0xAC00..=0xD7AF => Script::Hangul,
        0x2E80..=0x2FDF | 0x3005..=0x3007 | 0x3040..=0x30FF | 0x31F0..=0x31FF | 0x3400..=0x4DBF => Script::Han,
        0x4E00..=0x9FFF | 0xF900..=0xFAFF | 0xFF66..=0xFF9D | 0x20000..=0x3134F => Script::Han,
        _ => Script::Other,
    }
}

/// The script that most letters of a text are written in; `Other` where it has none.
pub(crate) fn main_script(text: &str) -> Script {
    let mut counts: [(Script, usize); 9] = [
        (Script::Latin, 0),
        (Script::Greek, 0),
        (Script::Cyrillic, 0),
        (Script::Arabic, 0),
        (Script::Hebrew, 0),
        (Script::Indic, 0),
        (Script::Han, 0),
        (Script::Hangul, 0),
        (Script::Thai, 0),
    ];
    for c in text.chars().filter(|c| c.is_alphabetic()) {
        let found = script(c);
        if let Some(entry) = counts.iter_mut().find(|entry| entry.0 == found) {
            // One Han character or Hangul syllable says as much as two letters.
            entry.1 += if matches!(found, Script::Han | Script::Hangul) { 2 } else { 1 };
        }
    }
    counts.into_iter().filter(|entry| entry.1 > 0).max_by_key(|entry| entry.1).map_or(Script::Other, |entry| entry.0)
}

/// Whether a character belongs inside a word: letters, digits, and the marks that letters carry.
pub(crate) fn is_word(c: char) -> bool {
    if c.is_ascii() {
        c.is_ascii_alphanumeric()
    } else {
        c.is_alphanumeric() || is_combining_mark(c) || c == '\u{200D}'
    }
}

/// The ASCII digit that a decimal digit of any script stands for.
pub(crate) fn digit(c: char) -> Option<char> {
    const ZEROS: [u32; 16] = [
        0x30, 0x660, 0x6F0, 0x966, 0x9E6, 0xA66, 0xAE6, 0xB66, 0xBE6, 0xC66, 0xCE6, 0xD66, 0xE50, 0xED0, 0x17E0, 0xFF10,
    ];
    let code = c as u32;
    ZEROS.iter().find(|zero| (**zero..**zero + 10).contains(&code)).and_then(|zero| char::from_digit(code - zero, 10))
}

/// Letters that are their own folded form but for case: most text takes this short way.
fn is_plain(c: char) -> bool {
    matches!(c as u32,
        0x410..=0x418 | 0x41A..=0x438 | 0x43A..=0x44F
        | 0x627 | 0x628 | 0x62A..=0x63F | 0x641..=0x648 | 0x64A
        | 0x900..=0x928 | 0x92A..=0x930 | 0x932 | 0x933 | 0x935..=0x957 | 0x960..=0x963 | 0x966..=0x97F
        | 0xE01..=0xE32 | 0xE34..=0xE3A | 0xE40..=0xE59
        | 0x3041..=0x304B | 0x4E00..=0x9FFF | 0xAC00..=0xD7A3)
}

/// Folds case, width, ligatures and accents. Marks that make a different word (Indic vowels, Thai tones) are kept.
pub(crate) fn fold(text: &str) -> String {
    if text.is_ascii() {
        return text.to_ascii_lowercase();
    }
    if text.chars().all(|c| is_plain(c) || c.is_ascii()) {
        return text.chars().flat_map(char::to_lowercase).map(|c| digit(c).unwrap_or(c)).collect();
    }
    let mut folded = String::with_capacity(text.len());
    let mut base = Script::Other;
    for c in text.chars().flat_map(char::to_lowercase).nfkd() {
        if is_combining_mark(c) {
            let droppable = matches!(
                base,
                Script::Latin | Script::Greek | Script::Cyrillic | Script::Arabic | Script::Hebrew | Script::Other
            );
            if !droppable {
                folded.push(c);
            }
            continue;
        }
        base = script(c);
        match c {
            // Joiners, soft hyphen and Arabic stretching say nothing.
            '\u{200C}' | '\u{200D}' | '\u{AD}' | '\u{640}' => {}
            'ß' => folded.push_str("ss"),
            'æ' => folded.push_str("ae"),
            'œ' => folded.push_str("oe"),
            'ø' => folded.push('o'),
            'ł' => folded.push('l'),
            'đ' | 'ð' => folded.push('d'),
            'þ' => folded.push_str("th"),
            'ı' => folded.push('i'),
            'ى' | 'ی' => folded.push('ي'),
            'ک' => folded.push('ك'),
            'ة' => folded.push('ه'),
            'ς' => folded.push('σ'),
            _ => folded.push(digit(c).unwrap_or(c)),
        }
    }
    // NFKD takes Hangul syllables apart; they are put together again.
    folded.nfc().collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accents_fold_where_they_do_not_make_another_word() {
        assert_eq!(fold("Müller"), "muller");
        assert_eq!(fold("İSTANBUL"), "istanbul");
        assert_eq!(fold("Ёлка"), "елка");
        assert_eq!(fold("أحمد"), "احمد");
        assert_eq!(fold("हिन्दी"), "हिन्दी");
        assert_eq!(fold("한국어"), "한국어");
        assert_eq!(fold("Ｓ２３"), "s23");
        assert_eq!(fold("٢٠٢٤"), "2024");
        assert_eq!(fold("ﬁnance"), "finance");
    }

    #[test]
    fn the_main_script_is_that_of_most_letters() {
        assert_eq!(main_script("什么是 API"), Script::Han);
        assert_eq!(main_script("What is 北京?"), Script::Latin);
        assert_eq!(main_script("12 + 7"), Script::Other);
    }
}

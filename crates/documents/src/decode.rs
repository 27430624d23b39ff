//! Bytes to text: byte order marks, UTF-16 without one, UTF-8, and Windows-1252 for the rest.

use encoding_rs::{Encoding, UTF_8, UTF_16BE, UTF_16LE, WINDOWS_1252};
use std::borrow::Cow;

/// Text of `bytes`, and whether some of them meant nothing in its encoding.
pub(crate) fn decode(bytes: &[u8]) -> (Cow<'_, str>, bool) {
    let encoding = match Encoding::for_bom(bytes) {
        Some((encoding, _)) => encoding,
        None => guess(bytes),
    };
    let (text, _, garbled) = encoding.decode(bytes);
    (text, garbled)
}

/// Text of `bytes` in the encoding that `label` names, else as [`decode`] guesses.
pub(crate) fn decode_as<'a>(bytes: &'a [u8], label: Option<&str>) -> Cow<'a, str> {
    let named = label.and_then(|label| Encoding::for_label(label.as_bytes()));
    match named {
        Some(encoding) if Encoding::for_bom(bytes).is_none() && std::str::from_utf8(bytes).is_err() => {
            encoding.decode(bytes).0
        }
        _ => decode(bytes).0,
    }
}

fn guess(bytes: &[u8]) -> &'static Encoding {
    let head = bytes.get(..bytes.len().min(4096)).unwrap_or_default();
    if head.len() >= 4 {
        let zeros = |odd: usize| head.iter().skip(odd).step_by(2).filter(|b| **b == 0).count() * 2;
        let (even, odd) = (zeros(0), zeros(1));
        if odd * 10 > head.len() * 4 && even * 10 < head.len() {
            return UTF_16LE;
        }
        if even * 10 > head.len() * 4 && odd * 10 < head.len() {
            return UTF_16BE;
        }
    }
    if std::str::from_utf8(bytes).is_ok() {
        return UTF_8;
    }
    // A few broken bytes in text that is otherwise UTF-8 do not make it Windows-1252.
    let chunks = bytes.utf8_chunks();
    let (mut wide, mut broken) = (0usize, 0usize);
    for chunk in chunks {
        wide += chunk.valid().chars().filter(|c| !c.is_ascii()).count();
        broken += usize::from(!chunk.invalid().is_empty());
    }
    if wide > 4 * broken { UTF_8 } else { WINDOWS_1252 }
}

/// Whether `bytes` can be text at all: few control characters, no zero bytes outside UTF-16.
pub(crate) fn looks_like_text(bytes: &[u8]) -> bool {
    let head = bytes.get(..bytes.len().min(16 * 1024)).unwrap_or_default();
    if Encoding::for_bom(head).is_some() {
        return true;
    }
    let encoding = guess(head);
    if encoding != UTF_8 && encoding != WINDOWS_1252 {
        let (text, _, _) = encoding.decode(head);
        let odd = text.chars().filter(|c| (c.is_control() && !c.is_whitespace()) || *c == '\u{fffd}').count();
        return odd * 50 <= text.chars().count();
    }
    let odd = head.iter().filter(|b| matches!(b, 0..=8 | 14..=26 | 28..=31 | 127)).count();
    odd * 50 <= head.len()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(bytes: &[u8], expect: &str) {
        assert_eq!(decode(bytes).0, expect);
        assert!(looks_like_text(bytes), "{expect}");
    }

    #[test]
    fn the_usual_encodings_are_told_apart() {
        check("naïve – ok".as_bytes(), "naïve – ok");
        check(b"\xef\xbb\xbfna\xc3\xafve", "naïve");
        check(b"\xff\xfeh\0i\0", "hi");
        check(b"\xfe\xff\0h\0i", "hi");
        check(b"h\0e\0l\0l\0o\0", "hello");
        check(b"\0h\0e\0l\0l\0o", "hello");
        check(b"caf\xe9 \x80 5 \x93q\x94", "café € 5 “q”");
    }

    #[test]
    fn a_broken_byte_does_not_spoil_utf8() {
        let mut bytes = "überall größere Bäume – schön".as_bytes().to_vec();
        bytes.push(0xff);
        assert_eq!(decode(&bytes).0, "überall größere Bäume – schön\u{fffd}");
    }

    #[test]
    fn binary_is_not_text() {
        assert!(!looks_like_text(&[0, 1, 2, 3, 200, 0, 0, 9, 0, 0, 0, 7]));
    }
}

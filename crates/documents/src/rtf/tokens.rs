//! The signs of rich text: groups, control words with their numbers, letters. Any bytes are tokens of some kind.

use encoding_rs::Encoding;

/// A sign.
#[derive(Debug, PartialEq)]
pub(super) enum Token<'a> {
    Open,
    Close,
    /// A backslash with letters, and a number where one follows.
    Word {
        name: &'a str,
        value: Option<i32>,
    },
    /// A backslash with one sign.
    Symbol(u8),
    /// A letter by its number (`\'e4`).
    Byte(u8),
    /// Letters without line ends, which say nothing here.
    Text(&'a [u8]),
}

/// The longest control word; longer ones are cut.
const MAX_WORD: usize = 64;

pub(super) struct Tokens<'a> {
    rest: &'a [u8],
}

impl<'a> Tokens<'a> {
    pub(super) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    /// Leaves bytes out.
    pub(super) fn skip(&mut self, bytes: usize) {
        self.rest = self.rest.get(bytes..).unwrap_or_default();
    }

    fn take(&mut self, bytes: usize) -> &'a [u8] {
        let (head, rest) = self.rest.split_at(bytes.min(self.rest.len()));
        self.rest = rest;
        head
    }

    fn run(&self, from: usize, of: impl Fn(u8) -> bool) -> usize {
        self.rest.get(from..).unwrap_or_default().iter().take_while(|byte| of(**byte)).count()
    }

    pub(super) fn next(&mut self) -> Option<Token<'a>> {
        let line_ends = self.run(0, |byte| matches!(byte, b'\r' | b'\n' | 0));
        self.skip(line_ends);
        match self.rest.first()? {
            b'{' => {
                self.skip(1);
                Some(Token::Open)
            }
            b'}' => {
                self.skip(1);
                Some(Token::Close)
            }
            b'\\' => Some(self.control()),
            _ => {
                let letters = self.run(0, |byte| !matches!(byte, b'{' | b'}' | b'\\' | b'\r' | b'\n' | 0));
                Some(Token::Text(self.take(letters)))
            }
        }
    }

    fn control(&mut self) -> Token<'a> {
        self.skip(1);
        let letters = self.run(0, |byte| byte.is_ascii_alphabetic());
        if letters == 0 {
            let sign = self.take(1).first().copied().unwrap_or(b' ');
            if sign != b'\'' {
                return Token::Symbol(sign);
            }
            let digits = std::str::from_utf8(self.take(2)).ok();
            return Token::Byte(digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()).unwrap_or(b'?'));
        }
        let name = self.take(letters);
        let name = std::str::from_utf8(name.get(..name.len().min(MAX_WORD)).unwrap_or_default()).unwrap_or_default();
        let sign = usize::from(self.rest.first() == Some(&b'-'));
        let digits = self.run(sign, |byte| byte.is_ascii_digit());
        let value = if digits == 0 {
            None
        } else {
            let number = std::str::from_utf8(self.take(sign + digits)).unwrap_or_default();
            Some(number.parse().unwrap_or(if sign == 1 { i32::MIN } else { i32::MAX }))
        };
        // One space after a word belongs to it.
        if self.rest.first() == Some(&b' ') {
            self.skip(1);
        }
        Token::Word { name, value }
    }
}

/// The letters of a code page of Windows, by its number.
pub(crate) fn encoding_of_page(page: i32) -> &'static Encoding {
    match page {
        874 => encoding_rs::WINDOWS_874,
        932 => encoding_rs::SHIFT_JIS,
        936 => encoding_rs::GBK,
        949 => encoding_rs::EUC_KR,
        950 => encoding_rs::BIG5,
        1250 => encoding_rs::WINDOWS_1250,
        1251 => encoding_rs::WINDOWS_1251,
        1253 => encoding_rs::WINDOWS_1253,
        1254 => encoding_rs::WINDOWS_1254,
        1255 => encoding_rs::WINDOWS_1255,
        1256 => encoding_rs::WINDOWS_1256,
        1257 => encoding_rs::WINDOWS_1257,
        1258 => encoding_rs::WINDOWS_1258,
        10000 => encoding_rs::MACINTOSH,
        65001 => encoding_rs::UTF_8,
        _ => encoding_rs::WINDOWS_1252,
    }
}

/// The letters of a font by its character set.
pub(super) fn encoding_of_charset(charset: i32, default: &'static Encoding) -> &'static Encoding {
    encoding_of_page(match charset {
        77 => 10000,
        128 => 932,
        129 => 949,
        134 => 936,
        136 => 950,
        161 => 1253,
        162 => 1254,
        163 => 1258,
        177 => 1255,
        178 => 1256,
        186 => 1257,
        204 => 1251,
        222 => 874,
        238 => 1250,
        _ => return default,
    })
}

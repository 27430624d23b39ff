//! Arithmetic on exact decimals, for sentences such as `(1,204.5 - 980) / 980` and `12% of 4,300`. A small grammar, read
//! once from left to right; every error says where.
//!
//! ```text
//! sum     = product { ("+" | "-") product }
//! product = sign { ("*" | "/" | "of" | "%" before an operand) sign }
//! sign    = { "+" | "-" } power
//! power   = percent [ "^" sign ]
//! percent = operand { "%" }
//! operand = number | "(" sum ")" | name "(" sum { ("," | ";") sum } ")"
//! ```

use crate::number::{MAX_SCALE, groups_are_right, is_group_mark, read, show};
use rust_decimal::{Decimal, MathematicalOps, RoundingStrategy};
use std::iter::Peekable;
use std::str::CharIndices;

/// The longest expression that is read, bytes.
const MAX_BYTES: usize = 2_000;
/// The deepest nesting of parentheses, signs and powers.
const MAX_DEPTH: u32 = 48;
/// The most operations in one expression.
const MAX_STEPS: u32 = 2_000;
/// The largest whole exponent.
const MAX_EXPONENT: i64 = 512;

/// A result.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Calculated {
    /// The value.
    pub value: Decimal,
    /// Whether no digit was lost on the way. A division such as 1/3 and most roots are not exact.
    pub exact: bool,
}

impl std::fmt::Display for Calculated {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(&show(self.value))
    }
}

/// Why an expression has no value. `at` counts characters from 1.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum CalculateError {
    /// Something else was expected there.
    #[error("at character {at}: expected {expected}, found {found}")]
    Expected {
        /// Where.
        at: usize,
        /// What would do.
        expected: &'static str,
        /// What stands there.
        found: String,
    },
    /// A number whose digits cannot be read one way only, or at all.
    #[error("at character {at}: {text} {reason}")]
    Number {
        /// Where.
        at: usize,
        /// As written.
        text: String,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// No such function, or not with so many values.
    #[error("at character {at}: {reason}")]
    Function {
        /// Where.
        at: usize,
        /// What is wrong.
        reason: String,
    },
    /// The operation has no value.
    #[error("at character {at}: {reason}")]
    Undefined {
        /// Where.
        at: usize,
        /// Why.
        reason: &'static str,
    },
    /// The expression is too long, too deep or has too many operations.
    #[error("the expression is too {0}")]
    Limit(&'static str),
}

/// Evaluates an expression. Percent is a hundredth (`5%` is 0.05), `a % b` with an operand after it is the remainder,
/// `^` binds tighter than the sign before it, halves round away from zero.
///
/// # Errors
/// [`CalculateError`], which says where.
pub fn calculate(expression: &str) -> Result<Calculated, CalculateError> {
    if expression.len() > MAX_BYTES {
        return Err(CalculateError::Limit("long"));
    }
    let mut reader = Reader {
        text: expression,
        chars: expression.char_indices().peekable(),
        depth: 0,
        steps: 0,
        calls: 0,
        exact: true,
    };
    let value = reader.sum()?;
    reader.skip_space();
    match reader.chars.peek() {
        None => Ok(Calculated { value: value.normalize(), exact: reader.exact }),
        Some(_) => Err(reader.expected("an operation or the end")),
    }
}

struct Reader<'a> {
    text: &'a str,
    chars: Peekable<CharIndices<'a>>,
    depth: u32,
    steps: u32,
    /// Function calls that are open: inside them a comma separates values.
    calls: u32,
    exact: bool,
}

impl<'a> Reader<'a> {
    fn sum(&mut self) -> Result<Decimal, CalculateError> {
        let mut value = self.product()?;
        while let Some((at, operation)) = self.take_one(&['+', '-', '−']) {
            let right = self.product()?;
            self.step()?;
            let result = if operation == '+' { value.checked_add(right) } else { value.checked_sub(right) };
            let result = result.ok_or(too_large(at))?;
            self.exact &= result.scale() == value.scale().max(right.scale());
            value = result;
        }
        Ok(value)
    }

    fn product(&mut self) -> Result<Decimal, CalculateError> {
        let mut value = self.sign()?;
        loop {
            let operation = match self.take_one(&['*', '/', '×', '·', '÷', '%']) {
                Some(operation) => operation,
                None if self.take_word("of") => (self.here(), '*'),
                None => return Ok(value),
            };
            let right = self.sign()?;
            self.step()?;
            value = match operation {
                (at, '/' | '÷') => self.divide(value, right, at)?,
                (at, '%') if right.is_zero() => return Err(by_zero(at)),
                (at, '%') => value.checked_rem(right).ok_or(too_large(at))?,
                (at, _) => self.multiply(value, right, at)?,
            };
        }
    }

    fn sign(&mut self) -> Result<Decimal, CalculateError> {
        match self.take_one(&['+', '-', '−']) {
            Some((_, '+')) => self.nested(Self::sign),
            Some(_) => self.nested(Self::sign).map(|value| -value),
            None => self.power(),
        }
    }

    fn power(&mut self) -> Result<Decimal, CalculateError> {
        let base = self.percent()?;
        let Some((at, _)) = self.take_one(&['^']) else { return Ok(base) };
        let exponent = self.nested(Self::sign)?;
        let undefined = |reason| CalculateError::Undefined { at, reason };
        let whole = i64::try_from(exponent).ok().filter(|_| exponent.fract().is_zero());
        let whole = whole.filter(|n| n.abs() <= MAX_EXPONENT);
        let whole = whole.ok_or(undefined("an exponent is a whole number from -512 to 512; for a root use sqrt"))?;
        if base.is_zero() && whole < 0 {
            return Err(by_zero(at));
        }
        let mut value = Decimal::ONE;
        for _ in 0..whole.unsigned_abs() {
            self.step()?;
            value = self.multiply(value, base, at)?;
        }
        if whole < 0 { self.divide(Decimal::ONE, value, at) } else { Ok(value) }
    }

    /// An operand with its percent signs. A percent sign that an operand follows is the remainder, left to the caller.
    fn percent(&mut self) -> Result<Decimal, CalculateError> {
        let mut value = self.operand()?;
        loop {
            self.skip_space();
            let Some((at, '%')) = self.chars.peek().copied() else { return Ok(value) };
            let mut after = self.text.get(at + 1..).unwrap_or_default().trim_start().chars();
            let next = after.next();
            let of = next == Some('o') && after.next() == Some('f');
            if !of && next.is_some_and(|c| c.is_ascii_digit() || c.is_ascii_alphabetic() || matches!(c, '(' | '.')) {
                return Ok(value);
            }
            self.chars.next();
            self.step()?;
            value = self.multiply(value, Decimal::new(1, 2), at)?;
        }
    }

    fn operand(&mut self) -> Result<Decimal, CalculateError> {
        self.skip_space();
        match self.chars.peek().copied() {
            Some((_, c)) if c.is_ascii_digit() || c == '.' => self.number(),
            Some((_, c)) if c.is_ascii_alphabetic() => self.function(),
            Some((_, '(')) => {
                self.chars.next();
                // Inside parentheses of its own a comma belongs to a number again.
                let calls = std::mem::take(&mut self.calls);
                let value = self.nested(Self::sum)?;
                self.calls = calls;
                self.close()?;
                Ok(value)
            }
            _ => Err(self.expected("a number, a function or an opening parenthesis")),
        }
    }

    fn number(&mut self) -> Result<Decimal, CalculateError> {
        let start = self.offset();
        let mut end = start;
        let mut points = 0;
        while let Some((at, c)) = self.chars.peek().copied() {
            let next_is_digit =
                self.text.get(at + c.len_utf8()..).is_some_and(|rest| rest.starts_with(|c: char| c.is_ascii_digit()));
            let belongs = match c {
                '0'..='9' => true,
                '.' => {
                    points += 1;
                    points == 1
                }
                ',' if self.calls > 0 => next_is_digit && self.looks_like_thousands(start, at),
                ',' => next_is_digit,
                c => is_group_mark(c) && next_is_digit,
            };
            if !belongs {
                break;
            }
            end = at + c.len_utf8();
            self.chars.next();
        }
        let text = self.text.get(start..end).unwrap_or_default();
        let wrong = |reason| CalculateError::Number { at: self.place(start), text: text.to_owned(), reason };
        if self.calls > 0 && text.contains(',') {
            return Err(wrong("could be one number or several; leave the comma out, or put a space after it"));
        }
        if !groups_are_right(text) {
            return Err(wrong("has a comma where no thousand ends; a decimal point is a point"));
        }
        read(text).ok_or(wrong("is not a number of at most 28 digits"))
    }

    /// Whether the comma at `at` of a number that began at `start` stands where a thousand could end: up to three
    /// digits before it, exactly three after it.
    fn looks_like_thousands(&self, start: usize, at: usize) -> bool {
        let before = self.text.get(start..at).unwrap_or_default();
        let before = before.rsplit(',').next().unwrap_or_default();
        let after = self.text.get(at + 1..).unwrap_or_default();
        let digits = after.chars().take_while(char::is_ascii_digit).count();
        (1..=3).contains(&before.len()) && before.chars().all(|c| c.is_ascii_digit()) && digits == 3
    }

    fn function(&mut self) -> Result<Decimal, CalculateError> {
        let start = self.offset();
        let mut end = start;
        while let Some((at, c)) = self.chars.peek().copied().filter(|(_, c)| c.is_ascii_alphanumeric() || *c == '_') {
            end = at + c.len_utf8();
            self.chars.next();
        }
        let name = self.text.get(start..end).unwrap_or_default().to_ascii_lowercase();
        let at = self.place(start);
        if self.take_one(&['(']).is_none() {
            return Err(self.expected("an opening parenthesis after a function's name"));
        }
        self.calls += 1;
        let mut values = vec![self.nested(Self::sum)?];
        while self.take_one(&[',', ';']).is_some() {
            values.push(self.nested(Self::sum)?);
        }
        self.calls -= 1;
        self.close()?;
        self.apply(&name, &values, at)
    }

    fn apply(&mut self, name: &str, values: &[Decimal], at: usize) -> Result<Decimal, CalculateError> {
        self.step()?;
        let wrong = |reason: String| CalculateError::Function { at, reason };
        let undefined = |reason| CalculateError::Undefined { at, reason };
        match (name, values) {
            ("abs", [x]) => Ok(x.abs()),
            ("floor", [x]) => Ok(x.floor()),
            ("ceil", [x]) => Ok(x.ceil()),
            ("round", [x]) => Ok(round(*x, 0)),
            ("round", [x, places]) => {
                let places = u32::try_from(*places).ok().filter(|n| *n <= MAX_SCALE && places.fract().is_zero());
                Ok(round(*x, places.ok_or(undefined("round takes 0 to 28 places"))?))
            }
            ("sqrt", [x]) => {
                let root = x.sqrt().ok_or(undefined("a negative number has no square root"))?;
                let root = root.normalize();
                self.exact &= root.checked_mul(root) == Some(*x);
                Ok(root)
            }
            ("min", values) => values.iter().copied().reduce(Decimal::min).ok_or(too_large(at)),
            ("max", values) => values.iter().copied().reduce(Decimal::max).ok_or(too_large(at)),
            ("sum", values) => self.total(values, at),
            ("average" | "avg" | "mean", values) => {
                let total = self.total(values, at)?;
                self.divide(total, Decimal::from(values.len()), at)
            }
            ("median", values) => {
                let mut sorted = values.to_vec();
                sorted.sort_unstable();
                let middle = sorted.len() / 2;
                let low = if sorted.len() % 2 == 1 { middle } else { middle.saturating_sub(1) };
                let pair = [low, middle].map(|index| sorted.get(index).copied().unwrap_or_default());
                let total = self.total(&pair, at)?;
                self.divide(total, Decimal::TWO, at)
            }
            ("change", [old, new]) => {
                let grown = new.checked_sub(*old).ok_or(too_large(at))?;
                self.divide(grown, old.abs(), at)
            }
            ("abs" | "floor" | "ceil" | "sqrt", _) => Err(wrong(format!("{name} takes one value"))),
            ("round", _) => Err(wrong("round takes a value and, if wanted, a number of places".to_owned())),
            ("change", _) => Err(wrong("change takes the old and the new value".to_owned())),
            _ => Err(wrong(format!(
                "there is no function {name}; there are abs, average, ceil, change, floor, max, median, min, round, \
                 sqrt, sum"
            ))),
        }
    }

    fn total(&mut self, values: &[Decimal], at: usize) -> Result<Decimal, CalculateError> {
        let mut total = Decimal::ZERO;
        for value in values {
            self.step()?;
            let next = total.checked_add(*value).ok_or(too_large(at))?;
            self.exact &= next.scale() == total.scale().max(value.scale());
            total = next;
        }
        Ok(total)
    }

    fn multiply(&mut self, a: Decimal, b: Decimal, at: usize) -> Result<Decimal, CalculateError> {
        let (a, b) = (a.normalize(), b.normalize());
        let result = a.checked_mul(b).ok_or(too_large(at))?;
        self.exact &= a.is_zero() || b.is_zero() || result.scale() == a.scale() + b.scale();
        Ok(result)
    }

    fn divide(&mut self, a: Decimal, b: Decimal, at: usize) -> Result<Decimal, CalculateError> {
        if b.is_zero() {
            return Err(by_zero(at));
        }
        let result = a.checked_div(b).ok_or(too_large(at))?.normalize();
        let b = b.normalize();
        let back = result.checked_mul(b);
        self.exact &=
            back == Some(a) && back.is_some_and(|back| back.scale() == result.scale() + b.scale() || a.is_zero());
        Ok(result)
    }

    fn nested(
        &mut self,
        inner: impl FnOnce(&mut Self) -> Result<Decimal, CalculateError>,
    ) -> Result<Decimal, CalculateError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(CalculateError::Limit("deep"));
        }
        let value = inner(self);
        self.depth -= 1;
        value
    }

    fn step(&mut self) -> Result<(), CalculateError> {
        self.steps += 1;
        if self.steps > MAX_STEPS { Err(CalculateError::Limit("large: it has too many operations")) } else { Ok(()) }
    }

    fn close(&mut self) -> Result<(), CalculateError> {
        match self.take_one(&[')']) {
            Some(_) => Ok(()),
            None => Err(self.expected("a closing parenthesis")),
        }
    }

    fn skip_space(&mut self) {
        while self.chars.next_if(|(_, c)| c.is_whitespace()).is_some() {}
    }

    /// Takes one of these characters after any space, with its place.
    fn take_one(&mut self, wanted: &[char]) -> Option<(usize, char)> {
        self.skip_space();
        let (at, c) = self.chars.next_if(|(_, c)| wanted.contains(c))?;
        Some((self.place(at), c))
    }

    /// Takes a word that ends before the next letter.
    fn take_word(&mut self, word: &str) -> bool {
        self.skip_space();
        let rest = self.text.get(self.offset()..).unwrap_or_default();
        let Some(after) = rest.strip_prefix(word) else { return false };
        if after.starts_with(|c: char| c.is_alphanumeric()) {
            return false;
        }
        for _ in word.chars() {
            self.chars.next();
        }
        true
    }

    fn offset(&mut self) -> usize {
        self.chars.peek().map_or(self.text.len(), |(at, _)| *at)
    }

    fn here(&mut self) -> usize {
        let offset = self.offset();
        self.place(offset)
    }

    /// Characters from 1.
    fn place(&self, offset: usize) -> usize {
        self.text.get(..offset).map_or(0, |before| before.chars().count()) + 1
    }

    fn expected(&mut self, expected: &'static str) -> CalculateError {
        let found = self.chars.peek().map_or("the end".to_owned(), |(_, c)| format!("“{c}”"));
        CalculateError::Expected { at: self.here(), expected, found }
    }
}

fn round(value: Decimal, places: u32) -> Decimal {
    value.round_dp_with_strategy(places, RoundingStrategy::MidpointAwayFromZero)
}

fn by_zero(at: usize) -> CalculateError {
    CalculateError::Undefined { at, reason: "nothing can be divided by zero" }
}

fn too_large(at: usize) -> CalculateError {
    CalculateError::Undefined { at, reason: "the result has more than 28 digits" }
}

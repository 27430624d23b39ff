//! The bytes of every token in one place, with the two ways to look them up: whole, by hash; and by prefix, in sorted
//! order. The vocabulary may be hostile: neither way takes longer than the text and the longest useful token allow.

use foldhash::quality::RandomState;
use std::hash::BuildHasher;
use std::ops::Range;

/// Tokens longer than this are never found in text.
pub const MAX_PIECE_BYTES: usize = 512;

/// Bytes by token.
#[derive(Debug, Default)]
pub struct Pieces {
    bytes: Vec<u8>,
    ends: Vec<u32>,
}

impl Pieces {
    /// Adds the bytes of the next token.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
        self.ends.push(self.bytes.len() as u32);
    }

    /// Returns how many tokens there are.
    pub fn len(&self) -> usize {
        self.ends.len()
    }

    /// Whether there are no tokens.
    pub fn is_empty(&self) -> bool {
        self.ends.is_empty()
    }

    /// Returns the bytes of a token; none for one that does not exist.
    pub fn get(&self, token: u32) -> &[u8] {
        let i = token as usize;
        let from = i.checked_sub(1).and_then(|i| self.ends.get(i)).copied().unwrap_or(0) as usize;
        self.ends.get(i).and_then(|end| self.bytes.get(from..*end as usize)).unwrap_or_default()
    }
}

/// Finds a token by its whole bytes: open addressing over token numbers.
#[derive(Debug)]
pub struct Index {
    slots: Vec<u32>,
    hasher: RandomState,
    longest: usize,
}

const FREE: u32 = u32::MAX;

impl Index {
    /// Indexes these tokens; of two with the same bytes the later one is found.
    pub fn new(pieces: &Pieces, tokens: impl Iterator<Item = u32> + Clone) -> Self {
        let useful = |t: &u32| (1..=MAX_PIECE_BYTES).contains(&pieces.get(*t).len());
        let n = tokens.clone().filter(useful).count();
        let mut index =
            Self { slots: vec![FREE; (n * 2).next_power_of_two()], hasher: RandomState::default(), longest: 0 };
        for token in tokens.filter(useful) {
            let bytes = pieces.get(token);
            index.longest = index.longest.max(bytes.len());
            let at = index.place(pieces, bytes);
            if let Some(slot) = index.slots.get_mut(at) {
                *slot = token;
            }
        }
        index
    }

    /// Returns the slot that holds these bytes or would.
    fn place(&self, pieces: &Pieces, bytes: &[u8]) -> usize {
        let mask = self.slots.len() - 1;
        let mut at = self.hasher.hash_one(bytes) as usize & mask;
        loop {
            match self.slots.get(at) {
                Some(&FREE) | None => return at,
                Some(&token) if pieces.get(token) == bytes => return at,
                Some(_) => at = (at + 1) & mask,
            }
        }
    }

    /// Returns the token with exactly these bytes.
    pub fn get(&self, pieces: &Pieces, bytes: &[u8]) -> Option<u32> {
        if bytes.is_empty() || bytes.len() > self.longest {
            return None;
        }
        self.slots.get(self.place(pieces, bytes)).copied().filter(|t| *t != FREE)
    }
}

/// Finds tokens that text begins with: token numbers in the order of their bytes.
#[derive(Debug)]
pub struct Prefixes {
    sorted: Vec<u32>,
    /// Where the tokens with each first byte begin, and the end.
    firsts: Vec<u32>,
}

impl Prefixes {
    /// Sorts these tokens.
    pub fn new(pieces: &Pieces, tokens: impl Iterator<Item = u32>) -> Self {
        let mut sorted: Vec<u32> = tokens.filter(|t| (1..=MAX_PIECE_BYTES).contains(&pieces.get(*t).len())).collect();
        sorted.sort_by(|a, b| pieces.get(*a).cmp(pieces.get(*b)).then(a.cmp(b)));
        let first = |t: &u32| pieces.get(*t).first().copied().map_or(0, usize::from);
        let firsts = (0..=256).map(|b| sorted.partition_point(|t| first(t) < b) as u32).collect();
        Self { sorted, firsts }
    }

    /// Whether there are no tokens.
    pub fn is_empty(&self) -> bool {
        self.sorted.is_empty()
    }

    /// Narrows `range`, whose tokens agree in their first `depth` bytes, to those that go on with `byte`.
    fn narrow(&self, pieces: &Pieces, range: Range<usize>, depth: usize, byte: u8) -> Range<usize> {
        if depth == 0 {
            let at = |b: usize| self.firsts.get(b).copied().unwrap_or(0) as usize;
            return at(usize::from(byte))..at(usize::from(byte) + 1);
        }
        let all = self.sorted.get(range.clone()).unwrap_or_default();
        let key = |t: &u32| pieces.get(*t).get(depth).copied();
        let from = all.partition_point(|t| key(t) < Some(byte));
        let to = all.partition_point(|t| key(t) <= Some(byte));
        range.start + from..range.start + to
    }

    /// Calls `found` with the length and number of every token that `text` begins with, the shortest first.
    pub fn walk(&self, pieces: &Pieces, text: &[u8], mut found: impl FnMut(usize, u32)) {
        let mut range = 0..self.sorted.len();
        for (depth, byte) in text.iter().enumerate() {
            range = self.narrow(pieces, range, depth, *byte);
            if range.is_empty() {
                return;
            }
            // The shortest come first, and the last of equal ones is taken.
            let all = self.sorted.get(range.clone()).unwrap_or_default();
            let whole = all.partition_point(|t| pieces.get(*t).len() == depth + 1);
            if let Some(token) = whole.checked_sub(1).and_then(|i| all.get(i)) {
                found(depth + 1, *token);
            }
        }
    }

    /// Returns the length and number of the longest token that `text` begins with.
    pub fn longest(&self, pieces: &Pieces, text: &[u8]) -> Option<(usize, u32)> {
        let mut best = None;
        self.walk(pieces, text, |len, token| best = Some((len, token)));
        best
    }

    /// Whether all of `text` begins a longer token.
    pub fn begins(&self, pieces: &Pieces, text: &[u8]) -> bool {
        let mut range = 0..self.sorted.len();
        for (depth, byte) in text.iter().enumerate() {
            range = self.narrow(pieces, range, depth, *byte);
            if range.is_empty() {
                return false;
            }
        }
        let last = range.end.checked_sub(1).filter(|_| !range.is_empty()).and_then(|i| self.sorted.get(i));
        !text.is_empty() && last.is_some_and(|t| pieces.get(*t).len() > text.len())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pieces(all: &[&str]) -> Pieces {
        let mut p = Pieces::default();
        all.iter().for_each(|s| p.push(s.as_bytes()));
        p
    }

    #[test]
    fn tokens_are_found_whole_and_by_prefix() {
        let p = pieces(&["a", "ab", "", "abcd", "b", "ab", "\u{10FFFF}"]);
        let index = Index::new(&p, 0..p.len() as u32);
        assert_eq!(index.get(&p, b"ab"), Some(5));
        assert_eq!((index.get(&p, b"abc"), index.get(&p, b""), index.get(&p, b"b")), (None, None, Some(4)));
        let prefixes = Prefixes::new(&p, 0..p.len() as u32);
        let mut all = Vec::new();
        prefixes.walk(&p, b"abcde", |n, t| all.push((n, t)));
        assert_eq!(all, [(1, 0), (2, 5), (4, 3)]);
        assert_eq!(prefixes.longest(&p, b"abc"), Some((2, 5)));
        assert_eq!(prefixes.longest(&p, b"x"), None);
        assert!(prefixes.begins(&p, b"abc") && prefixes.begins(&p, b"a"));
        assert!(!prefixes.begins(&p, b"abcd") && !prefixes.begins(&p, b"x") && !prefixes.begins(&p, b""));
        assert!(prefixes.begins(&p, &"\u{10FFFF}".as_bytes()[..3]));
    }

    #[test]
    fn overlong_tokens_are_never_found() {
        let long = "x".repeat(MAX_PIECE_BYTES + 1);
        let p = pieces(&[&long]);
        assert_eq!(Index::new(&p, 0..1).get(&p, long.as_bytes()), None);
        assert!(Prefixes::new(&p, 0..1).is_empty());
    }
}

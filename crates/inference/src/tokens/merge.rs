//! Greedy merging of neighbouring symbols, best pair first: the loop that BPE and SentencePiece share. What a good pair
//! is, they say themselves.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// A symbol without a token.
pub const NONE: u32 = u32::MAX;

/// A stretch of text that is one symbol.
#[derive(Debug, Clone, Copy)]
pub struct Symbol {
    /// Its token, or `NONE`.
    pub token: u32,
    /// First byte of the text.
    pub start: u32,
    /// Bytes of the text; 0 once it is part of its left neighbour.
    pub len: u32,
    prev: u32,
    next: u32,
}

/// Makes the symbols of a text from tokens and lengths in bytes, in order.
pub fn symbols(parts: impl Iterator<Item = (u32, usize)>, out: &mut Vec<Symbol>) {
    out.clear();
    let mut start = 0;
    for (i, (token, len)) in parts.enumerate() {
        let i = i as u32;
        out.push(Symbol { token, start, len: len as u32, prev: i.wrapping_sub(1), next: i + 1 });
        start += len as u32;
    }
}

/// Merges until no pair is left that `join` values; the greatest value goes first, the leftmost of equals. `join` gets
/// two neighbours and returns the value of their union and its token. Afterwards the symbols with a length are left.
pub fn merge<V: Ord + Copy>(symbols: &mut [Symbol], join: impl Fn(Symbol, Symbol) -> Option<(V, u32)>) {
    // What is waiting: value, left (leftmost first), right, bytes of both, token of the union.
    let mut waiting: BinaryHeap<(V, Reverse<u32>, u32, u32, u32)> = BinaryHeap::new();
    let look = |symbols: &[Symbol], left: u32, waiting: &mut BinaryHeap<_>| {
        let Some(a) = symbols.get(left as usize).copied() else { return };
        let Some(b) = symbols.get(a.next as usize).copied() else { return };
        if let Some((value, token)) = join(a, b) {
            waiting.push((value, Reverse(left), a.next, a.len + b.len, token));
        }
    };
    for left in 0..symbols.len() as u32 {
        look(symbols, left, &mut waiting);
    }
    while let Some((_, Reverse(left), right, len, token)) = waiting.pop() {
        let (Some(a), Some(b)) = (symbols.get(left as usize).copied(), symbols.get(right as usize).copied()) else {
            continue;
        };
        if a.len == 0 || b.len == 0 || a.next != right || a.len + b.len != len {
            continue;
        }
        if let Some(s) = symbols.get_mut(left as usize) {
            (s.token, s.len, s.next) = (token, len, b.next);
        }
        if let Some(s) = symbols.get_mut(right as usize) {
            s.len = 0;
        }
        if let Some(s) = symbols.get_mut(b.next as usize) {
            s.prev = left;
        }
        look(symbols, a.prev, &mut waiting);
        look(symbols, left, &mut waiting);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(text: &str, pairs: &[(&str, i32)]) -> Vec<String> {
        let mut s = Vec::new();
        symbols(text.chars().map(|c| (NONE, c.len_utf8())), &mut s);
        let part = |s: Symbol| &text[s.start as usize..(s.start + s.len) as usize];
        merge(&mut s, |a, b| {
            let union = format!("{}{}", part(a), part(b));
            pairs.iter().find(|(p, _)| *p == union).map(|(_, value)| (*value, 7))
        });
        s.into_iter().filter(|s| s.len > 0).map(|s| part(s).to_owned()).collect()
    }

    #[test]
    fn the_best_pair_goes_first_and_the_leftmost_of_equals() {
        assert_eq!(run("abc", &[("ab", 1), ("bc", 2)]), ["a", "bc"]);
        assert_eq!(run("aaa", &[("aa", 1)]), ["aa", "a"]);
        assert_eq!(run("abcabc", &[("ab", 3), ("abc", 2), ("cab", 9)]), ["ab", "cab", "c"]);
        assert_eq!(run("", &[("aa", 1)]), [""; 0]);
        assert_eq!(run("é€", &[("é€", 1)]), ["é€"]);
    }
}

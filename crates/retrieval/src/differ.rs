//! Two sentences that are the same but for a piece: what stands in one where the other has something else. Word by word,
//! or character by character in scripts without spaces. Says nothing about sentences that are worded apart.

use crate::fold::{is_word, main_script};
use crate::terms::{TokenKind, tokens};
use std::ops::Range;

/// A piece of one text and the piece that stands in its place in the other; bytes of each.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Swap {
    pub(crate) mine: Range<usize>,
    pub(crate) theirs: Range<usize>,
}

/// What is compared: a term with its place.
struct Item {
    key: String,
    range: Range<usize>,
}

/// The longest piece that still counts as put in another's place, in items.
const LONGEST: usize = 8;
/// The longest piece that is still bounded where both texts end with it: in words, and in characters.
const LAST: [usize; 2] = [3, 6];
/// Texts longer than this (in items) are not laid side by side.
const MOST: usize = 400;

/// The pieces that were swapped between two texts, where at least `share` of the first stands in the second in the same
/// order; none otherwise.
pub(crate) fn swaps(mine: &str, theirs: &str, share: f32) -> Vec<Swap> {
    let by_character = main_script(mine).in_pairs();
    let (a, b) = (items(mine, by_character), items(theirs, by_character));
    if a.is_empty() || b.is_empty() || a.len() > MOST || b.len() > MOST {
        return Vec::new();
    }
    let kept = common(&a, &b);
    if (kept.len() as f32) < share * a.len() as f32 {
        return Vec::new();
    }
    let mut found = Vec::new();
    let (mut from_a, mut from_b) = (0, 0);
    // A border after the last item closes the last piece.
    for (at_a, at_b) in kept.iter().copied().chain([(a.len(), b.len())]) {
        let (mine, theirs) = (a.get(from_a..at_a).unwrap_or(&[]), b.get(from_b..at_b).unwrap_or(&[]));
        let inside = at_a < a.len();
        // At the ends of a text anything may have been left out; only what stands between, or opens both, was swapped.
        let [words, characters] = LAST;
        let last = if by_character { characters } else { words };
        let bounded = inside || (from_a > 0 && at_a == a.len() && mine.len() <= last && theirs.len() <= last);
        let opens = from_a == 0 && from_b == 0;
        let held = bounded && (from_a > 0 || opens || theirs.len() <= mine.len() + 2);
        if let (Some(first), Some(last), Some(other), Some(other_last)) =
            (mine.first(), mine.last(), theirs.first(), theirs.last())
            && held
            && mine.len() <= LONGEST
            && theirs.len() <= LONGEST
        {
            found.push(Swap {
                mine: first.range.start..last.range.end,
                theirs: other.range.start..other_last.range.end,
            });
        }
        (from_a, from_b) = (at_a + 1, at_b + 1);
    }
    found
}

fn items(text: &str, by_character: bool) -> Vec<Item> {
    if by_character {
        return text
            .char_indices()
            .filter(|(_, c)| is_word(*c))
            .map(|(at, c)| Item { key: c.to_lowercase().collect(), range: at..at + c.len_utf8() })
            .collect();
    }
    tokens(text)
        .into_iter()
        .filter(|token| token.kind != TokenKind::Part)
        .map(|token| Item { key: token.term, range: token.start..token.end })
        .collect()
}

/// The longest run of items that both texts hold in the same order: pairs of indices.
fn common(a: &[Item], b: &[Item]) -> Vec<(usize, usize)> {
    let width = b.len() + 1;
    let mut lengths = vec![0u16; (a.len() + 1) * width];
    let at = |i: usize, j: usize| i * width + j;
    for (i, x) in a.iter().enumerate().rev() {
        for (j, y) in b.iter().enumerate().rev() {
            let get = |i, j| lengths.get(at(i, j)).copied().unwrap_or(0);
            let best = if x.key == y.key { get(i + 1, j + 1) + 1 } else { get(i + 1, j).max(get(i, j + 1)) };
            if let Some(cell) = lengths.get_mut(at(i, j)) {
                *cell = best;
            }
        }
    }
    let get = |i, j| lengths.get(at(i, j)).copied().unwrap_or(0);
    let mut kept = Vec::new();
    let (mut i, mut j) = (0, 0);
    while let (Some(x), Some(y)) = (a.get(i), b.get(j)) {
        if x.key == y.key {
            kept.push((i, j));
            (i, j) = (i + 1, j + 1);
        } else if get(i + 1, j) >= get(i, j + 1) {
            i += 1;
        } else {
            j += 1;
        }
    }
    kept
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(mine: &str, theirs: &str, expect: &[(&str, &str)]) {
        let found: Vec<(&str, &str)> = swaps(mine, theirs, 0.6)
            .into_iter()
            .map(|swap| (mine.get(swap.mine).unwrap_or(""), theirs.get(swap.theirs).unwrap_or("")))
            .collect();
        assert_eq!(found, expect);
    }

    #[test]
    fn what_was_put_in_another_s_place_is_found() {
        check("Apple bought the start-up in 2012.", "Facebook bought the start-up in 2012.", &[("Apple", "Facebook")]);
        check(
            "It was led by Ada Stern until 1999.",
            "It was led by Olga Lindt until 1999.",
            &[("Ada Stern", "Olga Lindt")],
        );
        check("该公司由王明于一九九九年创立。", "该公司由李强于一九九九年创立。", &[("王明", "李强")]);
    }

    #[test]
    fn other_wording_is_not_a_swap() {
        check("Sales rose.", "The contract ends in May.", &[]);
        check("The company was founded in Oslo", "The company was founded in Oslo by two sisters", &[]);
    }
}

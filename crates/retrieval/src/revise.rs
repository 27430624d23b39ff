//! What changed from one text to a later one, unit by unit (paragraphs, rows, lines): anchors that are unique in both are
//! laid side by side first (Cohen's patience diff), what lies between them by the longest common run, and what is left is
//! paired by shared words. Knows nothing of documents.

use std::collections::{HashMap, HashSet};
use std::ops::Range;

/// Stretches between anchors whose product of lengths is larger are not laid side by side unit by unit.
const MOST_CELLS: usize = 250_000;
/// Words of one unit that are laid side by side.
const MOST_WORDS: usize = 600;
/// Units count as one unit that changed when they share at least this part of their words.
const ALIKE: f32 = 0.4;

/// A unit that differs, by its number in either text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Revision {
    /// It came in.
    Added {
        /// In the later text.
        after: usize,
    },
    /// It went.
    Removed {
        /// In the earlier text.
        before: usize,
    },
    /// Its words changed.
    Changed {
        /// In the earlier text.
        before: usize,
        /// In the later text.
        after: usize,
        /// Bytes of the earlier unit that the later one does not have.
        gone: Vec<Range<usize>>,
        /// Bytes of the later unit that the earlier one did not have.
        new: Vec<Range<usize>>,
    },
}

/// What changed from `before` to `after`, in the order of the later text. White space does not count.
pub fn revise(before: &[&str], after: &[&str]) -> Vec<Revision> {
    let fold = |units: &[&str]| -> Vec<String> {
        units.iter().map(|unit| unit.split_whitespace().collect::<Vec<_>>().join(" ")).collect()
    };
    let (a, b) = (fold(before), fold(after));
    let mut same = Vec::new();
    align(&a, &b, 0..a.len(), 0..b.len(), &mut same);
    let mut found = Vec::new();
    let (mut from_a, mut from_b) = (0, 0);
    for (at_a, at_b) in same.into_iter().chain([(a.len(), b.len())]) {
        pair(before, after, from_a..at_a, from_b..at_b, &mut found);
        (from_a, from_b) = (at_a + 1, at_b + 1);
    }
    found
}

/// Pairs of units that are the same, in order.
fn align<T: Eq + std::hash::Hash>(
    a: &[T],
    b: &[T],
    mut in_a: Range<usize>,
    mut in_b: Range<usize>,
    same: &mut Vec<(usize, usize)>,
) {
    while !in_a.is_empty() && !in_b.is_empty() && a.get(in_a.start) == b.get(in_b.start) {
        same.push((in_a.start, in_b.start));
        (in_a.start, in_b.start) = (in_a.start + 1, in_b.start + 1);
    }
    let mut tail = Vec::new();
    while !in_a.is_empty() && !in_b.is_empty() && a.get(in_a.end - 1) == b.get(in_b.end - 1) {
        (in_a.end, in_b.end) = (in_a.end - 1, in_b.end - 1);
        tail.push((in_a.end, in_b.end));
    }
    if !in_a.is_empty() && !in_b.is_empty() {
        let anchors = anchors(a, b, &in_a, &in_b);
        if !anchors.is_empty() {
            let (mut from_a, mut from_b) = (in_a.start, in_b.start);
            for (at_a, at_b) in anchors {
                align(a, b, from_a..at_a, from_b..at_b, same);
                same.push((at_a, at_b));
                (from_a, from_b) = (at_a + 1, at_b + 1);
            }
            align(a, b, from_a..in_a.end, from_b..in_b.end, same);
        } else if in_a.len().saturating_mul(in_b.len()) <= MOST_CELLS {
            same.extend(longest_run(a, b, in_a, in_b));
        }
    }
    same.extend(tail.into_iter().rev());
}

/// Units that stand once in each stretch, as many as keep their order.
fn anchors<T: Eq + std::hash::Hash>(a: &[T], b: &[T], in_a: &Range<usize>, in_b: &Range<usize>) -> Vec<(usize, usize)> {
    let once = |units: &[T], range: &Range<usize>| -> HashMap<usize, usize> {
        let mut seen: HashMap<&T, (usize, usize)> = HashMap::new();
        for at in range.clone() {
            if let Some(unit) = units.get(at) {
                let entry = seen.entry(unit).or_insert((at, 0));
                entry.1 += 1;
            }
        }
        seen.into_values().filter(|(_, count)| *count == 1).map(|(at, _)| (at, at)).collect()
    };
    let (one_a, one_b) = (once(a, in_a), once(b, in_b));
    let by_unit: HashMap<&T, usize> = one_b.keys().filter_map(|at| Some((b.get(*at)?, *at))).collect();
    let mut pairs: Vec<(usize, usize)> =
        one_a.keys().filter_map(|at| Some((*at, *by_unit.get(a.get(*at)?)?))).collect();
    pairs.sort_unstable();
    // The longest part whose second numbers rise too: piles, as in the card game.
    let mut piles: Vec<usize> = Vec::new();
    let mut below: Vec<Option<usize>> = Vec::with_capacity(pairs.len());
    for (at, (_, second)) in pairs.iter().enumerate() {
        let pile = piles.partition_point(|top| pairs.get(*top).is_some_and(|(_, other)| other < second));
        below.push(pile.checked_sub(1).and_then(|left| piles.get(left).copied()));
        match piles.get_mut(pile) {
            Some(top) => *top = at,
            None => piles.push(at),
        }
    }
    let mut kept = Vec::new();
    let mut at = piles.last().copied();
    while let Some(pair) = at {
        kept.extend(pairs.get(pair));
        at = below.get(pair).copied().flatten();
    }
    kept.reverse();
    kept
}

/// The longest run of units that both stretches hold in the same order.
fn longest_run<T: Eq>(a: &[T], b: &[T], in_a: Range<usize>, in_b: Range<usize>) -> Vec<(usize, usize)> {
    let (Some(x), Some(y)) = (a.get(in_a.clone()), b.get(in_b.clone())) else { return Vec::new() };
    let width = y.len() + 1;
    let mut lengths = vec![0u32; (x.len() + 1) * width];
    let get = |lengths: &[u32], i: usize, j: usize| lengths.get(i * width + j).copied().unwrap_or(0);
    for (i, left) in x.iter().enumerate().rev() {
        for (j, right) in y.iter().enumerate().rev() {
            let best = match left == right {
                true => get(&lengths, i + 1, j + 1) + 1,
                false => get(&lengths, i + 1, j).max(get(&lengths, i, j + 1)),
            };
            if let Some(cell) = lengths.get_mut(i * width + j) {
                *cell = best;
            }
        }
    }
    let (mut i, mut j, mut kept) = (0, 0, Vec::new());
    while let (Some(left), Some(right)) = (x.get(i), y.get(j)) {
        if left == right {
            kept.push((in_a.start + i, in_b.start + j));
            (i, j) = (i + 1, j + 1);
        } else if get(&lengths, i + 1, j) >= get(&lengths, i, j + 1) {
            i += 1;
        } else {
            j += 1;
        }
    }
    kept
}

/// What went and what came between two units that are the same.
fn pair(before: &[&str], after: &[&str], gone: Range<usize>, new: Range<usize>, found: &mut Vec<Revision>) {
    let mut from = gone.start;
    for at in new {
        let Some(text) = after.get(at) else { continue };
        let alike = (from..gone.end.min(from + 12))
            .filter_map(|old| Some((old, likeness(before.get(old)?, text))))
            .filter(|(_, share)| *share >= ALIKE)
            .max_by(|x, y| x.1.total_cmp(&y.1).then(y.0.cmp(&x.0)));
        match alike {
            Some((old, _)) => {
                found.extend((from..old).map(|before| Revision::Removed { before }));
                let (gone, new) = before.get(old).map(|old| words(old, text)).unwrap_or_default();
                found.push(Revision::Changed { before: old, after: at, gone, new });
                from = old + 1;
            }
            None => found.push(Revision::Added { after: at }),
        }
    }
    found.extend((from..gone.end).map(|before| Revision::Removed { before }));
}

/// Which part of their words two texts share, 0 to 1 (Dice's coefficient over different words).
pub fn likeness(a: &str, b: &str) -> f32 {
    let set = |text: &str| pieces(text).into_iter().map(|range| text.get(range).unwrap_or("").to_lowercase()).collect();
    let (x, y): (HashSet<String>, HashSet<String>) = (set(a), set(b));
    match x.len() + y.len() {
        0 => 1.0,
        all => 2.0 * x.intersection(&y).count() as f32 / all as f32,
    }
}

/// Words of a text: runs without white space; single characters of scripts that part no words.
fn pieces(text: &str) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    let mut open: Option<usize> = None;
    for (at, c) in text.char_indices() {
        // From the Thai to the CJK blocks words are not parted by spaces.
        let alone = matches!(u32::from(c), 0x0e00..=0x0eff | 0x1780..=0x17ff | 0x3040..=0x30ff | 0x3400..=0x9fff | 0x20000..=0x3ffff);
        if c.is_whitespace() || alone {
            found.extend(open.take().map(|start| start..at));
            if alone {
                found.push(at..at + c.len_utf8());
            }
        } else {
            open.get_or_insert(at);
        }
    }
    found.extend(open.map(|start| start..text.len()));
    found
}

/// The stretches of two units that the other does not have.
fn words(a: &str, b: &str) -> (Vec<Range<usize>>, Vec<Range<usize>>) {
    let (in_a, in_b) = (pieces(a), pieces(b));
    if in_a.len() > MOST_WORDS || in_b.len() > MOST_WORDS {
        return (std::iter::once(0..a.len()).collect(), std::iter::once(0..b.len()).collect());
    }
    let text = |whole: &str, ranges: &[Range<usize>]| -> Vec<String> {
        ranges.iter().map(|range| whole.get(range.clone()).unwrap_or("").to_owned()).collect()
    };
    let (x, y) = (text(a, &in_a), text(b, &in_b));
    let mut same = Vec::new();
    align(&x, &y, 0..x.len(), 0..y.len(), &mut same);
    let (kept_a, kept_b): (HashSet<usize>, HashSet<usize>) = same.into_iter().unzip();
    (others(&in_a, &kept_a), others(&in_b, &kept_b))
}

/// Ranges that are not kept, neighbours joined.
fn others(ranges: &[Range<usize>], kept: &HashSet<usize>) -> Vec<Range<usize>> {
    let mut found: Vec<Range<usize>> = Vec::new();
    let mut joins = false;
    for (at, range) in ranges.iter().enumerate() {
        if kept.contains(&at) {
            joins = false;
            continue;
        }
        match found.last_mut().filter(|_| joins) {
            Some(last) => last.end = range.end,
            None => found.push(range.clone()),
        }
        joins = true;
    }
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(before: &[&str], after: &[&str], expect: &[(&str, &str)]) {
        let slices = |text: &str, ranges: &[Range<usize>]| -> String {
            ranges.iter().map(|range| &text[range.clone()]).collect::<Vec<_>>().join("|")
        };
        let found: Vec<(String, String)> = revise(before, after)
            .into_iter()
            .map(|revision| match revision {
                Revision::Added { after: at } => (String::new(), format!("+{}", after[at])),
                Revision::Removed { before: at } => (format!("-{}", before[at]), String::new()),
                Revision::Changed { before: x, after: y, gone, new } => {
                    (slices(before[x], &gone), slices(after[y], &new))
                }
            })
            .collect();
        let found: Vec<(&str, &str)> = found.iter().map(|(x, y)| (x.as_str(), y.as_str())).collect();
        assert_eq!(found, expect);
    }

    #[test]
    fn changed_words_added_and_removed_units_are_told_apart() {
        let before = ["Rent", "The rent is 900 a month.", "Pets are not allowed.", "Ends in May."];
        let after = ["Rent", "The rent is 950 a month, due early.", "Ends in May.", "Keys: two."];
        check(
            &before,
            &after,
            &[("900|month.", "950|month, due early."), ("-Pets are not allowed.", ""), ("", "+Keys: two.")],
        );
        check(&before, &before, &[]);
        check(&[], &["a"], &[("", "+a")]);
        check(&["a  b"], &["a\nb"], &[]);
        check(&["水泵在冬季以40运行"], &["水泵在夏季以40运行"], &[("冬", "夏")]);
    }

    #[test]
    fn a_moved_unit_is_removed_and_added() {
        check(&["one", "two", "three", "four"], &["two", "three", "four", "one"], &[("-one", ""), ("", "+one")]);
    }

    #[test]
    fn long_texts_are_compared_in_reasonable_work() {
        let before: Vec<String> = (0..20_000).map(|n| format!("row {n} of the ledger")).collect();
        let mut after = before.clone();
        after.remove(7);
        after[11_000] = "row 11001 of the other ledger".into();
        let (a, b): (Vec<&str>, Vec<&str>) =
            (before.iter().map(String::as_str).collect(), after.iter().map(String::as_str).collect());
        assert_eq!(revise(&a, &b).len(), 2);
        let same = vec!["same"; 2_000];
        let other = vec!["other"; 2_000];
        assert_eq!(revise(&same, &other).len(), 4_000, "nothing to lay side by side");
    }
}

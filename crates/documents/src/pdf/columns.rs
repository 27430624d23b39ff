//! Reading order: a page's rows are cut at the gutters of running text, so that columns are read one after the other.
//!
//! A table has gutters too. Only a gutter with several lines of prose on both sides separates columns.

use super::rows::{Row, Word, is_rtl};

const MAX_DEPTH: u8 = 5;
/// Rows that a column must have on each side of the gutter.
const MIN_ROWS: usize = 5;

/// Words of a page that are searched for gutters; a page of more is no page of prose.
const MAX_WORDS: usize = 20_000;

/// Groups of rows, each read from top to bottom before the next.
pub(super) fn regions(rows: Vec<Row>) -> Vec<Vec<Row>> {
    let mut out = Vec::new();
    let words: usize = rows.iter().map(|row| row.words.len()).sum();
    cut(rows, if words > MAX_WORDS { 0 } else { MAX_DEPTH }, &mut out);
    out
}

fn cut(rows: Vec<Row>, depth: u8, out: &mut Vec<Vec<Row>>) {
    let band = if depth == 0 { None } else { best_gutter(&rows) };
    let Some(Band { x, from, to }) = band else {
        if !rows.is_empty() {
            out.push(rows);
        }
        return;
    };
    let mut rows = rows;
    let after = rows.split_off(to);
    let within = rows.split_off(from);
    cut(rows, depth - 1, out);
    // Scripts that run from the right have their first column there.
    let letters = || within.iter().flat_map(|row| &row.words).flat_map(|word| word.text.chars());
    let from_the_right = letters().filter(|c| is_rtl(*c)).count() * 2 > letters().filter(|c| c.is_alphabetic()).count();
    let (mut left, mut right) = (Vec::new(), Vec::new());
    for row in within {
        let (a, b): (Vec<Word>, Vec<Word>) = row.words.into_iter().partition(|word| (word.x0 + word.x1) / 2.0 < x);
        if !a.is_empty() {
            left.push(Row::of(a));
        }
        if !b.is_empty() {
            right.push(Row::of(b));
        }
    }
    for mut side in if from_the_right { [right, left] } else { [left, right] } {
        side.sort_by(|a, b| a.baseline.total_cmp(&b.baseline));
        cut(side, depth - 1, out);
    }
    cut(after, depth - 1, out);
}

struct Band {
    x: f32,
    from: usize,
    to: usize,
}

fn best_gutter(rows: &[Row]) -> Option<Band> {
    if rows.len() < MIN_ROWS {
        return None;
    }
    let x0 = rows.iter().map(Row::x0).fold(f32::INFINITY, f32::min);
    let x1 = rows.iter().map(Row::x1).fold(f32::NEG_INFINITY, f32::max);
    let width = x1 - x0;
    if !(width.is_finite() && width > 100.0) {
        return None;
    }
    let mut best: Option<(f32, Band)> = None;
    let steps = ((width * 0.7 / 2.0) as usize).min(600);
    for step in 0..=steps {
        let x = x0 + width * 0.15 + step as f32 * 2.0;
        let mut from = 0;
        while from < rows.len() {
            if !rows.get(from).is_some_and(|row| is_free(row, x)) {
                from += 1;
                continue;
            }
            let to = rows.iter().skip(from).position(|row| !is_free(row, x)).map_or(rows.len(), |n| from + n);
            if let Some(score) = rows.get(from..to).and_then(|band| score(band, x))
                && best.as_ref().is_none_or(|(known, _)| score > *known)
            {
                best = Some((score, Band { x, from, to }));
            }
            from = to;
        }
    }
    best.map(|(_, band)| band)
}

/// No word of `row` lies over `x`, nor a gap as narrow as between words.
fn is_free(row: &Row, x: f32) -> bool {
    let (mut left, mut right) = (f32::NEG_INFINITY, f32::INFINITY);
    for word in &row.words {
        if word.x1 <= x {
            left = left.max(word.x1);
        } else if word.x0 >= x {
            right = right.min(word.x0);
        } else {
            return false;
        }
    }
    right - left > 0.75 * row.size
}

/// What one side of a gutter holds.
#[derive(Default)]
struct Side {
    rows: usize,
    chars: usize,
    letters: usize,
    width: f32,
    x0: f32,
    x1: f32,
    words: usize,
    figures: usize,
}

/// How much prose a cut at `x` would put into order; `None` where the sides are not both prose.
fn score(rows: &[Row], x: f32) -> Option<f32> {
    let mut sides = [Side { x0: f32::INFINITY, ..Side::default() }, Side { x0: f32::INFINITY, ..Side::default() }];
    for row in rows {
        let mut here = [(f32::INFINITY, f32::NEG_INFINITY); 2];
        for word in &row.words {
            let i = usize::from(word.x0 >= x);
            let (Some(side), Some(extent)) = (sides.get_mut(i), here.get_mut(i)) else { continue };
            *extent = (extent.0.min(word.x0), extent.1.max(word.x1));
            side.words += 1;
            side.figures += usize::from(super::tables::is_figure(&word.text) || word.text == "$");
            for c in word.text.chars() {
                side.chars += 1;
                side.letters += usize::from(c.is_alphabetic());
            }
        }
        for (side, (from, to)) in sides.iter_mut().zip(here) {
            if to > from {
                side.rows += 1;
                side.width += to - from;
                side.x0 = side.x0.min(from);
                side.x1 = side.x1.max(to);
            }
        }
    }
    let prose = sides.iter().all(|side| {
        let per_row = side.chars as f32 / side.rows.max(1) as f32;
        let fill = side.width / side.rows.max(1) as f32 / (side.x1 - side.x0).max(1.0);
        side.rows >= MIN_ROWS
            && per_row >= 17.0
            && side.figures * 8 < side.words
            && side.words as f32 / side.rows as f32 >= 2.2
            && side.letters * 10 > side.chars * 6
            && fill > 0.5
    });
    let [left, right] = &sides;
    let balance = left.rows.min(right.rows) as f32 / left.rows.max(right.rows).max(1) as f32;
    if !prose || balance < 0.3 {
        return None;
    }
    Some(left.chars.min(right.chars) as f32)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_of_scripts_from_the_right_begin_there() {
        let line = |x: f32, baseline: f32, text: &str| {
            let word = |i: usize, text: &str| Word {
                x0: x + i as f32 * 40.0,
                x1: x + i as f32 * 40.0 + 37.0,
                baseline,
                size: 10.0,
                text: text.to_owned(),
                bold: false,
                mono: false,
                artifact: false,
                after_leader: false,
                seen_y: None,
            };
            text.split(' ').enumerate().map(|(i, text)| word(i, text)).collect::<Vec<_>>()
        };
        for (left, right, first) in [
            ("these are words here", "those stand over there", "these"),
            ("אלה המילים השמאליות כאן", "ואלה המילים הימניות שם", "ואלה"),
        ] {
            let row = |i: u8| {
                Row::of([line(0.0, f32::from(i) * 14.0, left), line(220.0, f32::from(i) * 14.0, right)].concat())
            };
            let parts = regions((0..8).map(row).collect());
            assert_eq!(parts.len(), 2);
            assert_eq!(parts[0][0].words[0].text, first);
        }
    }
}

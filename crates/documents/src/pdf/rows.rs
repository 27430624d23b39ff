//! Glyphs to words, and words to the visual rows that a reader's eye follows. Columns are not yet told apart.

use super::glyphs::Glyph;

/// A word with its place on the (turned) page.
#[derive(Debug, Clone)]
pub(super) struct Word {
    pub(super) text: String,
    pub(super) x0: f32,
    pub(super) x1: f32,
    pub(super) baseline: f32,
    pub(super) size: f32,
    pub(super) bold: bool,
    pub(super) mono: bool,
    pub(super) artifact: bool,
    /// Dots that led the eye stood before it, which are left out.
    pub(super) after_leader: bool,
    /// Its top and bottom where these were seen and need no estimate.
    pub(super) seen_y: Option<(f32, f32)>,
}

impl Word {
    /// Top and bottom of the word's letters, by the usual ascent and descent of a Latin face where they were not seen.
    pub(super) fn span_y(&self) -> (f32, f32) {
        self.seen_y.unwrap_or((self.baseline - 0.80 * self.size, self.baseline + 0.22 * self.size))
    }
}

/// Words that stand side by side.
#[derive(Debug, Clone)]
pub(super) struct Row {
    /// From left to right.
    pub(super) words: Vec<Word>,
    pub(super) baseline: f32,
    pub(super) size: f32,
}

impl Row {
    pub(super) fn of(words: Vec<Word>) -> Self {
        // The largest share of characters decides size and baseline, so that footnote marks do not.
        let size = dominant(words.iter().map(|word| (word.size, word.text.len())));
        let baseline = dominant(
            words.iter().filter(|word| (word.size - size).abs() < 0.1 * size).map(|w| (w.baseline, w.text.len())),
        );
        Self { words, baseline, size }
    }

    pub(super) fn x0(&self) -> f32 {
        self.words.iter().map(|word| word.x0).fold(f32::INFINITY, f32::min)
    }

    pub(super) fn x1(&self) -> f32 {
        self.words.iter().map(|word| word.x1).fold(f32::NEG_INFINITY, f32::max)
    }

    pub(super) fn span_y(&self) -> (f32, f32) {
        (self.baseline - 0.80 * self.size, self.baseline + 0.22 * self.size)
    }

    pub(super) fn chars(&self) -> usize {
        self.words.iter().map(|word| word.text.len()).sum()
    }
}

fn dominant(values: impl Iterator<Item = (f32, usize)>) -> f32 {
    let mut counts: Vec<(f32, usize)> = Vec::new();
    for (value, count) in values {
        match counts.iter_mut().find(|(known, _)| (known - value).abs() < 0.05) {
            Some((_, total)) => *total += count,
            None => counts.push((value, count)),
        }
    }
    counts.iter().max_by_key(|(_, count)| *count).map_or(0.0, |(value, _)| *value)
}

/// Rows of one page that are compared with one another; a page of more is no page of text.
pub(super) const MAX_COMPARED: usize = 3_000;

/// Visual rows of glyphs that all run the same way, from top to bottom.
pub(super) fn rows(mut glyphs: Vec<Glyph>) -> Vec<Row> {
    glyphs.sort_by(|a, b| a.baseline.total_cmp(&b.baseline));
    let mut lines: Vec<Line> = Vec::new();
    for glyph in glyphs {
        let near = lines.iter_mut().rev().take(3).find(|line| {
            (glyph.baseline - line.baseline).abs() < 0.25 * glyph.size.min(line.size)
                && glyph.size < 2.5 * line.size
                && line.size < 2.5 * glyph.size
        });
        match near {
            Some(line) => {
                line.size = line.size.max(glyph.size);
                line.glyphs.push(glyph);
            }
            None => lines.push(Line { baseline: glyph.baseline, size: glyph.size, glyphs: vec![glyph] }),
        }
    }
    let mut rows: Vec<Row> =
        lines.into_iter().map(|line| words(line.glyphs)).filter(|w| !w.is_empty()).map(Row::of).collect();
    rows.sort_by(|a, b| a.baseline.total_cmp(&b.baseline));
    if rows.len() > MAX_COMPARED { rows } else { join_raised(rows) }
}

struct Line {
    baseline: f32,
    size: f32,
    glyphs: Vec<Glyph>,
}

/// Joins raised and lowered marks, and cells set a little off the line, to the row they stand in.
pub(super) fn join_raised(rows: Vec<Row>) -> Vec<Row> {
    let mut joined: Vec<Row> = Vec::new();
    // Larger pieces first take their place; smaller ones then find theirs.
    let mut order: Vec<Row> = rows;
    order.sort_by(|a, b| (b.chars() as f32 * b.size).total_cmp(&(a.chars() as f32 * a.size)));
    for row in order {
        let (top, bottom) = row.span_y();
        let host = joined
            .iter_mut()
            .filter(|host| {
                let (host_top, host_bottom) = host.span_y();
                let shared = bottom.min(host_bottom) - top.max(host_top);
                shared > 0.55 * (bottom - top).min(host_bottom - host_top) && stand_apart(host, &row)
            })
            .max_by(|a, b| overlap(a, top, bottom).total_cmp(&overlap(b, top, bottom)));
        match host {
            Some(host) => {
                let (baseline, size) = (host.baseline, host.size);
                host.words.extend(row.words);
                host.words.sort_by(|a, b| a.x0.total_cmp(&b.x0));
                (host.baseline, host.size) = (baseline, size);
            }
            None => joined.push(row),
        }
    }
    joined.sort_by(|a, b| a.baseline.total_cmp(&b.baseline));
    joined
}

fn overlap(row: &Row, top: f32, bottom: f32) -> f32 {
    let (row_top, row_bottom) = row.span_y();
    bottom.min(row_bottom) - top.max(row_top)
}

/// No word of one covers a word of the other.
fn stand_apart(a: &Row, b: &Row) -> bool {
    let slack = 0.15 * a.size.min(b.size);
    b.words.iter().all(|word| {
        // Words are in order of x0, so only those that begin before this one ends can cover it.
        let end = a.words.partition_point(|other| other.x0 < word.x1 - slack);
        a.words.iter().take(end).all(|other| other.x1 <= word.x0 + slack)
    })
}

/// Words of one line's glyphs, from left to right.
fn words(mut glyphs: Vec<Glyph>) -> Vec<Word> {
    glyphs.sort_by(|a, b| a.x0.total_cmp(&b.x0));
    let leader = leaders(&glyphs);
    let mut words: Vec<Word> = Vec::new();
    let mut pieces: Vec<&Glyph> = Vec::new();
    let mut edge = f32::NEG_INFINITY;
    let mut led = false;
    for (glyph, is_leader) in glyphs.iter().zip(leader) {
        let blank = glyph.text.first().is_whitespace();
        let size = pieces.last().map_or(glyph.size, |last| last.size.min(glyph.size));
        if blank || is_leader || glyph.x0 - edge > 0.18 * size {
            if !pieces.is_empty() {
                words.extend(word(&pieces, led));
                led = false;
            }
            pieces.clear();
        }
        led |= is_leader;
        if !blank && !is_leader {
            edge = if pieces.is_empty() { glyph.x1 } else { edge.max(glyph.x1) };
            pieces.push(glyph);
        } else {
            edge = f32::NEG_INFINITY;
        }
    }
    if !pieces.is_empty() {
        words.extend(word(&pieces, led));
    }
    words
}

/// Marks dots of a leader: four or more in a row, spaces between them or not.
fn leaders(glyphs: &[Glyph]) -> Vec<bool> {
    let mut marks = vec![false; glyphs.len()];
    let mut run: Vec<usize> = Vec::new();
    let flush = |run: &mut Vec<usize>, marks: &mut Vec<bool>| {
        if run.len() >= 4 {
            for i in run.iter() {
                if let Some(mark) = marks.get_mut(*i) {
                    *mark = true;
                }
            }
        }
        run.clear();
    };
    for (i, glyph) in glyphs.iter().enumerate() {
        match glyph.text.first() {
            '.' | '·' | '…' => run.push(i),
            c if c.is_whitespace() => {}
            _ => flush(&mut run, &mut marks),
        }
    }
    flush(&mut run, &mut marks);
    marks
}

fn word(glyphs: &[&Glyph], after_leader: bool) -> Option<Word> {
    let first = glyphs.first()?;
    let mut text = String::new();
    let rtl = glyphs.iter().filter(|glyph| is_rtl(glyph.text.first())).count();
    if rtl * 2 > glyphs.len() {
        glyphs.iter().rev().for_each(|glyph| glyph.text.push_to(&mut text));
    } else {
        glyphs.iter().for_each(|glyph| glyph.text.push_to(&mut text));
    }
    let share = |is: fn(&Glyph) -> bool| glyphs.iter().filter(|glyph| is(glyph)).count() * 2 > glyphs.len();
    let size = dominant(glyphs.iter().map(|glyph| (glyph.size, 1)));
    Some(Word {
        text,
        x0: first.x0,
        x1: glyphs.iter().map(|glyph| glyph.x1).fold(first.x1, f32::max),
        baseline: dominant(glyphs.iter().map(|glyph| (glyph.baseline, 1))),
        size,
        bold: share(|glyph| glyph.bold),
        mono: share(|glyph| glyph.mono),
        artifact: share(|glyph| glyph.artifact),
        after_leader,
        seen_y: None,
    })
}

/// Hebrew, Arabic and the scripts around them.
pub(super) fn is_rtl(c: char) -> bool {
    matches!(c, '\u{590}'..='\u{8ff}' | '\u{fb1d}'..='\u{fdff}' | '\u{fe70}'..='\u{fefc}')
}

/// Chinese, Japanese and the other scripts that put no space between words.
pub(super) fn is_unspaced(c: char) -> bool {
    matches!(c, '\u{2e80}'..='\u{9fff}' | '\u{f900}'..='\u{faff}' | '\u{ff00}'..='\u{ff60}' | '\u{20000}'..='\u{3ffff}')
        || matches!(c, '\u{e00}'..='\u{e7f}')
}

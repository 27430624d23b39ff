//! Words that text recognition saw on a page's picture, laid out as those of a PDF are: rows, columns, tables, paragraphs.

use super::columns;
use super::glyphs::Turn;
use super::layout::{Composer, Part, Style};
use super::rows::{self, MAX_COMPARED, Row, Word, is_rtl, is_unspaced};
use hearth_domain::{Page, Words};

/// Words of one page that are laid out.
const MAX_WORDS: usize = 50_000;
/// Sizes are told apart in steps of this: what is seen is not measured.
const SIZE_STEP: f32 = 1.3;
/// Signs without a letter or figure count from this confidence on: specks are seen as such.
const SURE_OF_A_SIGN: f32 = 50.0;
/// Words count from this confidence on.
const SURE_OF_A_WORD: f32 = 15.0;

/// One word that was seen, in pixels of the picture.
#[derive(Debug, Clone, PartialEq)]
pub struct Seen {
    /// Words of one line have the same number here.
    pub line: u32,
    /// Left edge.
    pub left: f32,
    /// Top edge.
    pub top: f32,
    /// Width.
    pub width: f32,
    /// Height.
    pub height: f32,
    /// How sure the recognition is, percent.
    pub confidence: f32,
    /// The word.
    pub text: String,
}

/// `page` with the words that were seen on its picture of `width_px` by `height_px`, in the order of lines, and how sure
/// of them the recognition is. A page without words stays empty, as one that was read.
pub fn recognized(page: Page, seen: &[Seen], (width_px, height_px): (u32, u32)) -> Page {
    let size_pt = page.size_pt.unwrap_or((width_px as f32, height_px as f32));
    let scale = (size_pt.0 / width_px.max(1) as f32, size_pt.1 / height_px.max(1) as f32);
    let kept: Vec<&Seen> = seen.iter().filter(|word| counts(word)).take(MAX_WORDS).collect();
    let letters: usize = kept.iter().map(|word| word.text.chars().count()).sum();
    if letters == 0 {
        return Page { text: String::new(), blocks: Vec::new(), boxes: Vec::new(), words: Words::Written, ..page };
    }
    let sure: f32 = kept.iter().map(|word| word.confidence * word.text.chars().count() as f32).sum();
    let confidence = (sure / letters as f32).round().clamp(0.0, 100.0) as u8;

    let mut by_turn: Vec<(Turn, Vec<Vec<Word>>)> = Turn::ALL.iter().map(|turn| (*turn, Vec::new())).collect();
    for line in kept.chunk_by(|a, b| a.line == b.line) {
        let turn = turn(line);
        let words = line.iter().map(|word| placed(word, turn, scale)).collect();
        if let Some((_, lines)) = by_turn.iter_mut().find(|(known, _)| *known == turn) {
            lines.push(words);
        }
    }
    // What most of the page runs like comes first.
    by_turn.sort_by_key(|(_, lines)| std::cmp::Reverse(lines.iter().map(Vec::len).sum::<usize>()));
    let by_turn: Vec<(Turn, Vec<Row>)> = by_turn
        .into_iter()
        .filter(|(_, lines)| !lines.is_empty())
        .map(|(turn, lines)| (turn, rows_of(lines)))
        .collect();
    let style = Style::of(by_turn.iter().flat_map(|(_, rows)| rows));
    let mut composer = Composer::default();
    for (turn, rows) in by_turn {
        let part = Part { turn, top: Vec::new(), regions: columns::regions(rows), bottom: Vec::new() };
        composer.part(&part, &style);
    }
    Page {
        text: composer.text,
        blocks: composer.blocks,
        boxes: composer.boxes,
        words: Words::Recognized { confidence },
        ..page
    }
}

fn counts(word: &Seen) -> bool {
    let numbers = [word.left, word.top, word.width, word.height, word.confidence];
    let sound = numbers.iter().all(|n| n.is_finite() && n.abs() < 1e6) && word.width > 0.0 && word.height > 0.0;
    let least = if word.text.chars().any(char::is_alphanumeric) { SURE_OF_A_WORD } else { SURE_OF_A_SIGN };
    sound && !word.text.trim().is_empty() && word.confidence >= least
}

/// Which way a line runs: by where its last word stands from its first, or by its shape where it has one word.
fn turn(line: &[&Seen]) -> Turn {
    let (Some(first), Some(last)) = (line.first(), line.last()) else { return Turn::Upright };
    let centre = |word: &Seen| (word.left + word.width / 2.0, word.top + word.height / 2.0);
    let ((x0, y0), (x1, y1)) = (centre(first), centre(last));
    let from_the_right = line.iter().flat_map(|word| word.text.chars()).filter(|c| is_rtl(*c)).count() * 2
        > line.iter().map(|word| word.text.chars().count()).sum();
    let (dx, dy) = if from_the_right { (x0 - x1, y0 - y1) } else { (x1 - x0, y1 - y0) };
    if line.len() < 2 || dx.abs().max(dy.abs()) < first.height.min(first.width) {
        return Turn::Upright;
    }
    match (dx.abs() >= dy.abs(), dx >= 0.0, dy >= 0.0) {
        (true, true, _) => Turn::Upright,
        (true, false, _) => Turn::UpsideDown,
        (false, _, true) => Turn::Down,
        (false, _, false) => Turn::Up,
    }
}

/// A word in points, turned so that its line runs to the right.
fn placed(seen: &Seen, turn: Turn, (across, down): (f32, f32)) -> Word {
    let (left, top) = (seen.left * across, seen.top * down);
    let (right, bottom) = (left + seen.width * across, top + seen.height * down);
    let ((ax, ay), (bx, by)) = (turn.lay(left, top), turn.lay(right, bottom));
    let (top, bottom) = (ay.min(by), ay.max(by));
    let text: String = seen.text.chars().filter(|c| !c.is_control()).collect();
    let (ascent, descent) = reach(&text);
    let size = (bottom - top) / (ascent + descent);
    Word {
        x0: ax.min(bx),
        x1: ax.max(bx),
        baseline: bottom - descent * size,
        size,
        text,
        bold: false,
        mono: false,
        artifact: false,
        after_leader: false,
        seen_y: Some((top, bottom)),
    }
}

/// How far the letters of a word rise and fall from their line, in shares of the size of a usual face.
fn reach(text: &str) -> (f32, f32) {
    if text.chars().any(is_unspaced) {
        return (0.80, 0.10);
    }
    let any = |is: fn(char) -> bool| text.chars().any(is);
    let tall = any(|c| {
        c.is_uppercase()
            || c.is_numeric()
            || matches!(c, 'b' | 'd' | 'f' | 'h' | 'i' | 'j' | 'k' | 'l' | 't' | '(' | '/')
    });
    let plain = any(|c| c.is_ascii_lowercase());
    let low = any(|c| matches!(c, 'g' | 'j' | 'p' | 'q' | 'y' | '(' | ')' | ',' | ';' | 'Q' | '/'));
    (if tall || !plain { 0.72 } else { 0.52 }, if low { 0.20 } else { 0.0 })
}

/// Rows of lines that run the same way: skew taken out, sizes in steps, pieces side by side joined.
fn rows_of(mut lines: Vec<Vec<Word>>) -> Vec<Row> {
    let slope = slope(&lines);
    let sizes: Vec<f32> = lines.iter().map(|line| typical(line.iter().map(|word| word.size))).collect();
    let all = || lines.iter().zip(&sizes).flat_map(|(line, size)| line.iter().map(move |_| *size));
    let body = typical(all()).max(0.1);
    for (line, size) in lines.iter_mut().zip(sizes) {
        let letters: usize = line.iter().map(|word| word.text.chars().count()).sum();
        let steps = ((size / body).ln() / SIZE_STEP.ln()).round();
        // A mark or two say nothing of their size.
        let size = if letters < 3 || !steps.is_finite() { body } else { body * SIZE_STEP.powf(steps.clamp(-6.0, 6.0)) };
        let level = typical(line.iter().map(|word| word.baseline - slope * ((word.x0 + word.x1) / 2.0)));
        for word in line.iter_mut() {
            (word.baseline, word.size) = (level, size);
        }
        line.sort_by(|a, b| a.x0.total_cmp(&b.x0));
    }
    let mut rows: Vec<Row> = lines.into_iter().filter(|line| !line.is_empty()).map(Row::of).collect();
    rows.sort_by(|a, b| a.baseline.total_cmp(&b.baseline));
    if rows.len() > MAX_COMPARED { rows } else { rows::join_raised(rows) }
}

/// How much lines sink on their way to the right: the median over those long enough to tell.
fn slope(lines: &[Vec<Word>]) -> f32 {
    let slopes = lines.iter().filter(|line| line.len() >= 4).filter_map(|line| {
        let (first, last) =
            (line.iter().min_by(|a, b| a.x0.total_cmp(&b.x0))?, line.iter().max_by(|a, b| a.x0.total_cmp(&b.x0))?);
        let across = last.x0 - first.x0;
        (across > 6.0 * first.size).then(|| (last.baseline - first.baseline) / across)
    });
    let slope = typical(slopes);
    // Less is what letters differ by; more is no skew of a page.
    if (0.003..0.3).contains(&slope.abs()) { slope } else { 0.0 }
}

/// The median; 0 of nothing.
fn typical(values: impl Iterator<Item = f32>) -> f32 {
    let mut values: Vec<f32> = values.collect();
    values.sort_by(f32::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

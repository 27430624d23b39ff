//! Which rows of a region form tables, and what their cells are.

use super::rows::{Row, Word};

/// Words that stand close together in one row.
#[derive(Debug, Clone)]
pub(super) struct Cell {
    pub(super) words: Vec<Word>,
    pub(super) x0: f32,
    pub(super) x1: f32,
}

impl Cell {
    pub(super) fn text(&self) -> String {
        let mut out = String::new();
        for word in &self.words {
            if !out.is_empty() {
                out.push(' ');
            }
            out.push_str(&word.text);
        }
        out
    }
}

/// Cells of a row: cut at gaps wider than between words, and narrower ones between figures.
pub(super) fn cells(row: &Row) -> Vec<Cell> {
    let mut cells: Vec<Cell> = Vec::new();
    for word in &row.words {
        let size = word.size.max(row.size * 0.6);
        let joins = cells.last().is_some_and(|cell| {
            let gap = word.x0 - cell.x1;
            let last = cell.words.last().map_or("", |word| word.text.as_str());
            let ended = is_figure(last) || (cell.words.len() > 1 && ends_figure(last));
            let limit = if ended && (is_figure(&word.text) || is_currency(&word.text)) { 0.55 } else { 1.1 };
            let belongs = is_currency(last) || ends_figure(&word.text);
            (!word.after_leader && gap <= limit * size) || (belongs && gap < 12.0 * size && cell.words.len() < 12)
        });
        match cells.last_mut() {
            Some(cell) if joins => {
                cell.x1 = cell.x1.max(word.x1);
                cell.words.push(word.clone());
            }
            _ => cells.push(Cell { x0: word.x0, x1: word.x1, words: vec![word.clone()] }),
        }
    }
    cells
}

/// What stands behind a figure and belongs to it.
fn ends_figure(text: &str) -> bool {
    matches!(text, "%" | ")" | ")%" | "pts")
}

fn is_currency(text: &str) -> bool {
    matches!(text, "$" | "€" | "£" | "¥" | "US$" | "C$" | "$(" | "CHF" | "EUR" | "USD" | "Rs." | "₹")
}

/// A number as tables print it, a dash for none included.
pub(super) fn is_figure(text: &str) -> bool {
    let mut digits = 0;
    for c in text.chars() {
        match c {
            '0'..='9' => digits += 1,
            '$' | '€' | '£' | '¥' | '₹' | '(' | ')' | '%' | ',' | '.' | '+' | '-' | '–' | '—' | '−' | ' ' | '*'
            | '\'' => {}
            _ => return false,
        }
    }
    digits > 0 || matches!(text, "-" | "–" | "—" | "−")
}

/// A figure that is not a year or a day.
fn is_data(cell: &Cell) -> bool {
    let text = cell.text();
    let digits: String = text.chars().filter(char::is_ascii_digit).collect();
    let year =
        digits.len() == 4 && (digits.starts_with("19") || digits.starts_with("20")) && !text.contains([',', '.', '$']);
    is_figure(&text) && !year
}

/// `•`, `–`, `(a)`, `12.` and their like, which begin an item of a list.
pub(super) fn is_marker(text: &str) -> bool {
    if matches!(
        text,
        "•" | "◦"
            | "▪"
            | "■"
            | "●"
            | "○"
            | "–"
            | "-"
            | "*"
            | "·"
            | "►"
            | "▶"
            | "➢"
            | "✓"
            | "✔"
            | "❖"
            | "o"
            | "\u{fffd}"
    ) {
        return true;
    }
    let inner = text.strip_prefix('(').unwrap_or(text);
    let Some(inner) = inner.strip_suffix([')', '.']) else { return false };
    let short = !inner.is_empty() && inner.len() <= 4;
    short
        && (inner.chars().all(|c| c.is_ascii_digit())
            || inner.chars().all(|c| "ivxIVX".contains(c))
            || inner.len() == 1)
        && inner.chars().all(|c| c.is_ascii_alphanumeric())
}

/// `Item 1A.`, `Note 3`, `2.4` and their like, set apart from the heading that they number.
fn is_heading_number(text: &str) -> bool {
    let text = text.trim_end_matches(['.', ':', ')', '–', '—', '-', ' ']);
    let (word, number) = text.split_once(' ').unwrap_or(("", text));
    let named = matches!(
        word.to_ascii_lowercase().as_str(),
        "" | "item" | "note" | "part" | "section" | "chapter" | "article" | "exhibit" | "step"
    );
    let digits = number.chars().filter(char::is_ascii_digit).count();
    let roman = !word.is_empty() && !number.is_empty() && number.chars().all(|c| "IVXivx".contains(c));
    let dotted = number.chars().all(|c| c.is_ascii_digit() || c == '.' || c.is_ascii_uppercase());
    named && (roman || (dotted && (1..=4).contains(&digits) && number.len() <= 8))
}

/// What a row is within its region.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum RowKind {
    Prose,
    /// A row of the table with this number.
    Table {
        table: usize,
        header: bool,
    },
}

/// Tells for each row of a region whether it belongs to a table; `cells` are the rows' cells.
pub(super) fn classify(rows: &[Row], cells: &[Vec<Cell>]) -> Vec<RowKind> {
    let mut kinds = vec![RowKind::Prose; rows.len()];
    let x0 = rows.iter().map(Row::x0).fold(f32::INFINITY, f32::min);
    let x1 = rows.iter().map(Row::x1).fold(f32::NEG_INFINITY, f32::max);
    let tabular: Vec<bool> = rows.iter().zip(cells).map(|(row, cells)| is_tabular(row, cells, x1 - x0)).collect();
    let is_tabular_at = |i: usize| tabular.get(i).copied().unwrap_or(false);
    let mut table = 0;
    let mut i = 0;
    while i < rows.len() {
        if !is_tabular_at(i) {
            i += 1;
            continue;
        }
        let mut end = i + 1;
        while let Some(next) = (end..rows.len().min(end + 4)).find(|next| is_tabular_at(*next)) {
            let lines = end - 1..=next;
            if !lines.clone().zip(lines.clone().skip(1)).all(|(a, b)| is_near(rows, a, b)) {
                break;
            }
            let second = |i: usize| cells.get(i).and_then(|cells| cells.get(1)).map_or(x1, |cell| cell.x0);
            let edge = second(end - 1).min(second(next));
            let short = (end..next)
                .all(|k| rows.get(k).is_some_and(|row| row.x1() < edge + row.size || row.x0() > edge - row.size));
            if !short {
                break;
            }
            end = next + 1;
        }
        let figures = cells.get(i..end).unwrap_or_default().iter().flatten().any(is_data);
        let wide = cells.get(i).is_some_and(|cells| cells.len() > 2);
        if end - i < 2 && !figures && !wide {
            i = end;
            continue;
        }
        let start = lead_in(rows, cells, &kinds, i, end);
        let headers = header_rows(rows, cells.get(start..end).unwrap_or_default(), start);
        for (offset, kind) in kinds.iter_mut().take(end).skip(start).enumerate() {
            *kind = RowKind::Table { table, header: headers.get(offset).copied().unwrap_or(false) };
        }
        table += 1;
        i = end;
    }
    kinds
}

fn is_near(rows: &[Row], a: usize, b: usize) -> bool {
    match (rows.get(a), rows.get(b)) {
        (Some(a), Some(b)) => (b.baseline - a.baseline) < 3.6 * a.size.max(b.size),
        _ => false,
    }
}

fn is_tabular(row: &Row, cells: &[Cell], width: f32) -> bool {
    let [first, rest @ ..] = cells else { return false };
    if rest.is_empty() {
        return false;
    }
    let figures = rest.iter().any(|cell| is_figure(&cell.text()));
    let marked = first.words.len() == 1 && is_marker(&first.text());
    if rest.len() == 1 && (marked || (!figures && is_heading_number(&first.text()))) {
        return false;
    }
    let widest = cells.windows(2).map(|pair| match pair {
        [a, b] => b.x0 - a.x1,
        _ => 0.0,
    });
    let widest = widest.fold(0.0, f32::max);
    let justified = row.words.len() >= 5 && widest < 2.2 * row.size && row.x1() - row.x0() > 0.85 * width;
    figures || !justified
}

/// The rows directly above a table that stand over its columns, such as `Three Months Ended`.
fn lead_in(rows: &[Row], cells: &[Vec<Cell>], kinds: &[RowKind], start: usize, end: usize) -> usize {
    let edge = cells.get(start..end).unwrap_or_default().iter().filter_map(|cells| cells.get(1)).map(|cell| cell.x0);
    let edge = edge.fold(f32::INFINITY, f32::min);
    let left = rows.get(start..end).unwrap_or_default().iter().map(Row::x0).fold(f32::INFINITY, f32::min);
    let mut first = start;
    while let Some(above) = first.checked_sub(1) {
        let over = rows.get(above).is_some_and(|row| row.x0() > edge - row.size && row.x0() > left + 4.0 * row.size);
        let free = kinds.get(above) == Some(&RowKind::Prose);
        if start - above > 3 || !over || !free || !is_near(rows, above, first) {
            break;
        }
        first = above;
    }
    first
}

/// Rows before the first figure that name columns.
fn header_rows(rows: &[Row], cells: &[Vec<Cell>], start: usize) -> Vec<bool> {
    let mut headers = vec![false; cells.len()];
    let left = cells.iter().flatten().map(|cell| cell.x0).fold(f32::INFINITY, f32::min);
    let data = cells.iter().position(|row| row.iter().any(is_data));
    let all_bold = |i: usize| rows.get(start + i).is_some_and(|row| row.words.iter().all(|word| word.bold));
    let until = match data {
        Some(first) => first,
        None => (0..cells.len()).take_while(|i| all_bold(*i)).count().min(cells.len().saturating_sub(1)),
    };
    for (i, (header, row)) in headers.iter_mut().zip(cells).take(until.min(6)).enumerate() {
        let size = rows.get(start + i).map_or(10.0, |row| row.size);
        *header = row.len() > 1 || row.first().is_some_and(|cell| cell.x0 > left + 2.0 * size);
    }
    headers
}

/// Whether `next` only ends the label that `label`, a row of one cell, began.
pub(super) fn goes_on(label: &[Cell], next: &[Cell]) -> bool {
    let ([label], [first, _, ..]) = (label, next) else { return false };
    let (Some(last), Some(word)) = (label.words.last(), first.words.first()) else { return false };
    let lower = word.text.chars().next().is_some_and(|c| c.is_lowercase());
    let close = word.baseline - last.baseline < 1.6 * word.size && (first.x0 - label.x0).abs() < 3.0 * word.size;
    lower && close && !last.text.ends_with([':', '.', ';'])
}

/// Left and right edges of a table's columns, or nothing where its cells do not line up.
pub(super) fn columns(table: &[&Vec<Cell>]) -> Vec<(f32, f32)> {
    let most = table.iter().map(|row| row.len()).max().unwrap_or(0);
    let mut spans: Vec<(f32, f32)> = Vec::new();
    // Cells that span several columns would glue them together, so the fullest rows speak.
    for cell in table.iter().filter(|row| row.len() * 4 >= most * 3).flat_map(|row| row.iter()) {
        spans.push((cell.x0, cell.x1));
    }
    spans.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut columns: Vec<(f32, f32)> = Vec::new();
    for (x0, x1) in spans {
        match columns.last_mut() {
            Some(column) if x0 < column.1 => column.1 = column.1.max(x1),
            _ => columns.push((x0, x1)),
        }
    }
    if columns.len() >= most && columns.len() <= most + 2 { columns } else { Vec::new() }
}

/// The column that `cell` stands in, not before column `from`.
pub(super) fn column_of(cell: &Cell, columns: &[(f32, f32)], from: usize) -> usize {
    let shared = |(x0, x1): (f32, f32)| x1.min(cell.x1) - x0.max(cell.x0);
    let touching = columns.iter().enumerate().skip(from).find(|(_, column)| shared(**column) > 0.0);
    let nearest = || {
        let middle = (cell.x0 + cell.x1) / 2.0;
        let distance = |(x0, x1): (f32, f32)| ((x0 + x1) / 2.0 - middle).abs();
        columns.iter().enumerate().skip(from).min_by(|a, b| distance(*a.1).total_cmp(&distance(*b.1)))
    };
    touching.or_else(nearest).map_or(from, |(i, _)| i)
}

//! Running headers, footers and page numbers: rows at the edge of pages that come back from page to page.

use super::rows::Row;
use std::collections::HashMap;

/// Rows looked at from each edge.
const DEPTH: usize = 4;

/// How many rows at the top and at the bottom of each page are furniture.
pub(super) fn edges(pages: &[Vec<Row>]) -> Vec<(usize, usize)> {
    let mut seen: HashMap<(bool, String), Vec<Place>> = HashMap::new();
    for (i, rows) in pages.iter().enumerate() {
        for (at_top, row) in edge_rows(rows) {
            seen.entry((at_top, shape(row))).or_default().push(Place { y: row.baseline, offsets: offsets(row, i) });
        }
    }
    let enough = 3.max(pages.len() / 4);
    let is_furniture = |at_top: bool, row: &Row, page: usize| {
        if row.words.iter().all(|word| word.artifact) {
            return true;
        }
        let shape = shape(row);
        let Some(places) = seen.get(&(at_top, shape.clone())) else { return false };
        let near = places.iter().filter(|place| (place.y - row.baseline).abs() < 8.0).count();
        // Some programs set a footer right under the text, at another height on each page; then its number counts them.
        let own = offsets(row, page);
        let counts = |at: usize| places.iter().filter(|place| place.offsets.get(at) == own.get(at)).count() >= enough;
        near >= enough
            || !at_top && (0..own.len()).any(counts)
            || (near >= 2 && near * 2 >= pages.len() && is_page_number(&shape))
    };
    pages
        .iter()
        .enumerate()
        .map(|(i, rows)| {
            let top = rows.iter().take(DEPTH).take_while(|row| is_furniture(true, row, i)).count();
            let left = rows.len() - top;
            let bottom = rows.iter().rev().take(DEPTH.min(left)).take_while(|row| is_furniture(false, row, i)).count();
            (top, bottom)
        })
        .collect()
}

/// Where a row of some shape stands.
struct Place {
    y: f32,
    offsets: Vec<i64>,
}

/// Each whole number of a row, less the index of its page: that of a page number is the same on all pages. Numbers with
/// a part behind a comma or dot count nothing.
fn offsets(row: &Row, page: usize) -> Vec<i64> {
    let number = |word: &str| word.trim_matches(|c: char| !c.is_alphanumeric()).parse::<u32>().ok();
    row.words.iter().filter_map(|word| number(&word.text)).map(|n| i64::from(n) - page as i64).collect()
}

fn edge_rows(rows: &[Row]) -> impl Iterator<Item = (bool, &Row)> {
    let top = rows.iter().take(DEPTH).map(|row| (true, row));
    top.chain(rows.iter().rev().take(DEPTH).map(|row| (false, row)))
}

/// The row's words with every number as `#`.
fn shape(row: &Row) -> String {
    let mut out = String::new();
    for word in &row.words {
        if !out.is_empty() {
            out.push(' ');
        }
        let mut in_number = false;
        for c in word.text.chars() {
            if c.is_ascii_digit() {
                if !in_number {
                    out.push('#');
                }
                in_number = true;
            } else {
                in_number = false;
                out.extend(c.to_lowercase());
            }
        }
    }
    out
}

fn is_page_number(shape: &str) -> bool {
    let rest: String = shape.chars().filter(|c| c.is_alphabetic()).collect();
    shape.contains('#') && (rest.is_empty() || matches!(rest.as_str(), "page" | "of" | "pageof" | "seite" | "p"))
}

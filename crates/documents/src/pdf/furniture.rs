//! Running headers, footers and page numbers: rows at the edge of pages that come back from page to page.

use super::rows::Row;
use std::collections::HashMap;

/// Rows looked at from each edge.
const DEPTH: usize = 4;

/// How many rows at the top and at the bottom of each page are furniture.
pub(super) fn edges(pages: &[Vec<Row>]) -> Vec<(usize, usize)> {
    let mut seen: HashMap<(bool, String), Vec<(usize, f32)>> = HashMap::new();
    for (i, rows) in pages.iter().enumerate() {
        for (at_top, row) in edge_rows(rows) {
            seen.entry((at_top, shape(row))).or_default().push((i, row.baseline));
        }
    }
    let enough = 3.max(pages.len() / 4);
    let is_furniture = |at_top: bool, row: &Row| {
        if row.words.iter().all(|word| word.artifact) {
            return true;
        }
        let shape = shape(row);
        let Some(places) = seen.get(&(at_top, shape.clone())) else { return false };
        let near = places.iter().filter(|(_, y)| (y - row.baseline).abs() < 8.0).count();
        near >= enough || (near >= 2 && near * 2 >= pages.len() && is_page_number(&shape))
    };
    pages
        .iter()
        .map(|rows| {
            let top = rows.iter().take(DEPTH).take_while(|row| is_furniture(true, row)).count();
            let left = rows.len() - top;
            let bottom = rows.iter().rev().take(DEPTH.min(left)).take_while(|row| is_furniture(false, row)).count();
            (top, bottom)
        })
        .collect()
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

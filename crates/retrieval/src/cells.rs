//! Rows of tables by their cells: what names the columns, and the cell that a question asks for. Cells are separated by
//! tabs, as readers write them; nothing here knows a file's format.

use crate::evidence::Lookup;
use crate::fold::digit;
use crate::terms::terms;
use std::ops::Range;

/// Rows that name columns, at most, one above the other.
const DEEPEST: usize = 4;

/// The cell of a row that answers a question.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Chosen {
    /// Bytes of the row.
    pub(crate) range: Range<usize>,
    /// What names its column; empty where nothing does.
    pub(crate) head: String,
}

/// What names the columns of the rows of a passage.
#[derive(Debug, Clone, Default)]
pub(crate) struct Columns {
    /// By column, from the top down.
    heads: Vec<String>,
    /// The row of the passage that names them, where it stands in it.
    pub(crate) row: Option<Range<usize>>,
}

impl Columns {
    /// Reads what names the columns: rows in the passage's context, else its first row where that is followed by others and
    /// holds words or years rather than figures.
    pub(crate) fn of(text: &str, context: &[String]) -> Self {
        let above: Vec<&str> = context.iter().map(String::as_str).filter(|line| line.contains('\t')).collect();
        if !above.is_empty() {
            let heads = heads(above.get(above.len().saturating_sub(DEEPEST)..).unwrap_or(&[]));
            return Self { heads: over(heads, text), row: None };
        }
        let mut from = 0;
        let mut rows = text.split_inclusive('\n').map(|line| {
            let range = from..from + line.trim_end_matches(['\n', '\r']).len();
            from += line.len();
            range
        });
        let is_row = |range: &Range<usize>| text.get(range.clone()).is_some_and(|line| line.contains('\t'));
        let Some(first) = rows.find(is_row) else { return Self::default() };
        let mut named: Vec<&str> = Vec::new();
        let mut end = first.end;
        for range in std::iter::once(first.clone()).chain(rows).take_while(|range| is_row(range)) {
            let Some(line) = text.get(range.clone()) else { break };
            // Another row names columns too where the one above it leaves cells open.
            let open = named.last().is_none_or(|above| cells(above).iter().any(|cell| cell.is_empty()));
            if !open || named.len() >= DEEPEST || !names_columns(line) {
                let row = (!named.is_empty()).then_some(first.start..end);
                return Self { heads: over(heads(&named), text.get(end..).unwrap_or("")), row };
            }
            named.push(line);
            end = range.end;
        }
        // No row is left for them to name.
        Self::default()
    }

    /// Whether a head holds a term.
    pub(crate) fn has(&self, term: &str) -> bool {
        self.heads.iter().any(|head| terms(head).iter().any(|own| own == term))
    }

    /// The cell of a row that a question asks for: that whose column's head holds most of it; where no head holds any, the
    /// only cell that is a figure. None where two are as good.
    pub(crate) fn choose(&self, row: &str, lookup: &Lookup<'_>) -> Option<Chosen> {
        let cells = cells(row);
        // What the first cell holds names the row, and is not asked for.
        let share = |text: &str| {
            let held: Vec<usize> = terms(text).iter().filter_map(|term| lookup.find(term)).collect();
            lookup.share(|at| held.contains(&at))
        };
        let head = |at: usize| self.heads.get(at).map_or("", String::as_str);
        let filled = |range: &Range<usize>| row.get(range.clone()).is_some_and(|cell| !cell.trim().is_empty());
        let others = || cells.iter().enumerate().skip(1).filter(|(_, range)| filled(range));
        let mut best: Option<(f32, usize)> = None;
        let mut tied = false;
        for (at, _) in others() {
            let share = share(head(at));
            match best {
                Some((most, _)) if share < most => {}
                Some((most, _)) if share == most => tied = true,
                _ => (best, tied) = (Some((share, at)), false),
            }
        }
        let at = match best {
            Some((share, at)) if share > 0.0 && !tied => at,
            _ => {
                let mut figures = others().filter(|(_, range)| row.get((*range).clone()).is_some_and(is_figure));
                match (figures.next(), figures.next()) {
                    (Some((at, _)), None) => at,
                    _ => return None,
                }
            }
        };
        let range = cells.get(at)?.clone();
        let cell = row.get(range.clone())?;
        let start = range.start + cell.len() - cell.trim_start().len();
        Some(Chosen { range: start..start + cell.trim().len(), head: head(at).to_owned() })
    }
}

/// The cells of a row, empty ones too.
fn cells(row: &str) -> Vec<Range<usize>> {
    let mut from = 0;
    row.split('\t')
        .map(|cell| {
            let range = from..from + cell.len();
            from = range.end + 1;
            range
        })
        .collect()
}

/// The names of columns from the rows that name them. A cell that spans several columns stands over the first of them, so
/// an empty one in an upper row takes what stands to its left.
fn heads(rows: &[&str]) -> Vec<String> {
    let mut heads: Vec<String> = Vec::new();
    for (depth, row) in rows.iter().enumerate() {
        let mut last = "";
        for (at, range) in cells(row).into_iter().enumerate() {
            let own = row.get(range).unwrap_or("").trim();
            if !own.is_empty() {
                last = own;
            }
            let name = if own.is_empty() && depth + 1 < rows.len() && at > 0 { last } else { own };
            if heads.len() <= at {
                heads.resize(at + 1, String::new());
            }
            if let Some(head) = heads.get_mut(at).filter(|_| !name.is_empty()) {
                if !head.is_empty() {
                    head.push_str(if head.ends_with([',', ':', '-']) { " " } else { ", " });
                }
                head.push_str(name);
            }
        }
    }
    heads
}

/// Heads over the rows that they name: some readers leave an empty corner cell out, and then every full row has one cell
/// more than there are heads.
fn over(mut heads: Vec<String>, rows: &str) -> Vec<String> {
    let widest = rows.lines().filter(|row| row.contains('\t')).map(|row| cells(row).len()).max().unwrap_or(0);
    if widest == heads.len() + 1 && heads.first().is_some_and(|first| !first.is_empty()) {
        heads.insert(0, String::new());
    }
    heads
}

/// Whether a row names columns: none of its cells behind the first is a figure, years aside.
fn names_columns(row: &str) -> bool {
    let year = |cell: &str| cell.len() == 4 && cell.parse().is_ok_and(|year: u32| (1900..2200).contains(&year));
    cells(row).into_iter().skip(1).filter_map(|range| row.get(range)).all(|cell| {
        let cell = cell.trim();
        cell.is_empty() || year(cell) || !is_figure(cell)
    })
}

/// Whether a cell is a figure: more digits than letters.
fn is_figure(cell: &str) -> bool {
    let digits = cell.chars().filter(|c| digit(*c).is_some()).count();
    digits > cell.chars().filter(|c| c.is_alphabetic()).count()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::understand;

    fn check(question: &str, text: &str, context: &[&str], row: &str, expect: Option<(&str, &str)>) {
        let context: Vec<String> = context.iter().map(|line| (*line).to_owned()).collect();
        let query = understand(question, &[]);
        let chosen = Columns::of(text, &context).choose(row, &Lookup::new(&query));
        let found = chosen.as_ref().map(|c| (row.get(c.range.clone()).unwrap_or(""), c.head.as_str()));
        assert_eq!(found, expect, "{question}");
    }

    const SALES: &str = "Item\t2023\t2022\nServices\t85,200\t78,129\nProducts\t298,085\t316,199";

    #[test]
    fn the_cell_under_the_column_that_is_asked_for() {
        let row = "Services\t85,200\t78,129";
        check("What were sales of services in 2022?", SALES, &[], row, Some(("78,129", "2022")));
        check("What were sales of services in 2023?", SALES, &[], row, Some(("85,200", "2023")));
        check("What were sales of services?", SALES, &[], row, None);
        check("services in 2022", row, &["Sales", "Item\t2023\t2022"], row, Some(("78,129", "2022")));
    }

    #[test]
    fn heads_of_several_rows_and_rows_with_gaps() {
        let heads = ["\tQuarter\t\tYear", "Item\tPlan\tActual\tActual"];
        let row = "Rent\t\t 12 \t48";
        check("actual rent of the quarter", row, &heads, row, Some(("12", "Quarter, Actual")));
        check("actual rent of the year", row, &heads, row, Some(("48", "Year, Actual")));
        let whole = format!("{}\n{row}", heads.join("\n"));
        check("actual rent of the year", &whole, &[], row, Some(("48", "Year, Actual")));
        let cut = ["\tJune 25,\tJune 26,", "Item\t2022\t2021"];
        check("rent of 2022", "Rent\t12\t11", &cut, "Rent\t12\t11", Some(("12", "June 25, 2022")));
    }

    #[test]
    fn heads_beside_an_empty_corner_stand_over_their_columns() {
        let costs = "2021\t2022\t2023\nRent\t12000\t12600\t13100\nHeating\t2100\t\t3350";
        let row = "Heating\t2100\t\t3350";
        check("How high was the heating in 2023?", costs, &[], row, Some(("3350", "2023")));
        check("How high was the heating in 2021?", costs, &[], row, Some(("2100", "2021")));
        check("How high was the heating in 2022?", row, &["2021\t2022\t2023"], row, None);
    }

    #[test]
    fn without_heads_only_a_single_figure_is_chosen() {
        check("How high is the tower?", "Tower\t48 m", &[], "Tower\t48 m", Some(("48 m", "")));
        check("How high is the tower?", "Tower\t48 m\t12 m", &[], "Tower\t48 m\t12 m", None);
        check("x", "", &[], "\t\t", None);
    }
}

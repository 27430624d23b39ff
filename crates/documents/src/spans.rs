//! Cells of tables that reach over several rows or columns: what they say stands in each of them, so that every row by itself
//! says all that holds for it.

/// Longest text that is said again, in bytes.
const MAX_TEXT: usize = 120;
/// Bytes that one document says again so, at most.
const MAX_ALL: usize = 4 << 20;

/// Counts what is said again.
#[derive(Default)]
pub(crate) struct Again(usize);

impl Again {
    /// What stands in a further row or column of a cell: its text where that is a name, nothing where it is a figure or a
    /// whole text, which count once. `names` says that the cell names its row or column.
    pub(crate) fn of<'t>(&mut self, text: &'t str, names: bool) -> &'t str {
        let is_name = names || text.chars().any(char::is_alphabetic);
        if !is_name || text.len() > MAX_TEXT || self.0 > MAX_ALL {
            return "";
        }
        self.0 += text.len();
        text
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_said_again_and_figures_are_not() {
        let mut again = Again::default();
        assert_eq!((again.of("North", false), again.of("2025", false), again.of("2025", true)), ("North", "", "2025"));
        assert_eq!(again.of(&"long ".repeat(40), true), "");
        for _ in 0..MAX_ALL / 100 + 2 {
            again.of(&"x".repeat(100), false);
        }
        assert_eq!(again.of("North", false), "");
    }
}

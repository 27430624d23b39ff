//! Titles that files give themselves: which of them say something.

/// Whether a title that a file gives itself says more than its file name. Templates, tools and filing systems leave behind
/// numbers, file names and "untitled".
pub(crate) fn names_something(title: &str) -> bool {
    const LEFT_BEHIND: [&str; 8] = [
        "untitled",
        "microsoft word",
        "microsoft powerpoint",
        "powerpoint presentation",
        "document1",
        "(anonymous)",
        "presentation1",
        "slide 1",
    ];
    const ENDINGS: [&str; 9] = [".doc", ".docx", ".indd", ".dvi", ".ppt", ".pptx", ".tex", ".qxd", ".pdf"];
    let folded = title.trim().to_lowercase();
    let letters = folded.chars().filter(|c| c.is_alphabetic()).count();
    letters >= 3
        && letters * 2 >= folded.chars().filter(|c| !c.is_whitespace()).count()
        && !LEFT_BEHIND.iter().any(|words| folded.starts_with(words))
        && !ENDINGS.iter().any(|ending| folded.ends_with(ending))
}

#[cfg(test)]
mod tests {
    #[test]
    fn titles_that_say_nothing_give_way_to_the_file_name() {
        for said in ["Fire Strategy Report", "Lease of the mill, 2027", "年度報告書"] {
            assert!(super::names_something(said), "{said}");
        }
        for empty in ["", "0000320193-22-000070", "Microsoft Word - x.doc", "untitled", "thesis.dvi", "A1"] {
            assert!(!super::names_something(empty), "{empty}");
        }
    }
}

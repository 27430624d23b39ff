//! What the README of a set says of others: the line "- Baseline ...: WORDS", its parts, and single figures in it.

/// The baseline of a README, in its words.
pub(super) fn of(readme: &str) -> Option<String> {
    let line = readme.lines().find(|line| line.trim_start().starts_with("- Baseline"))?;
    let words = line.split_once(": ")?.1.trim();
    (!words.is_empty() && words != "none").then(|| words.to_owned())
}

/// What is said of one part: the pieces (between bars, else between semicolons) that begin with it.
pub(super) fn part(baseline: &str, part: &str) -> Option<String> {
    if part.is_empty() {
        return None;
    }
    let bar = if baseline.contains(" | ") { " | " } else { "; " };
    let of_it = |piece: &&str| piece.strip_prefix(part).is_some_and(|rest| rest.starts_with([':', '/', ' ']));
    let pieces = baseline.split(bar).map(|piece| piece.rsplit_once("order: ").map_or(piece, |(_, rest)| rest).trim());
    let found: Vec<&str> = pieces.filter(of_it).collect();
    (!found.is_empty()).then(|| found.join("; "))
}

/// The number behind `name` behind `of`, such as nDCG@10 of RRF.
pub(super) fn figure(baseline: &str, of: &str, name: &str) -> Option<f64> {
    let after = baseline.split_once(of)?.1;
    let after = after.split_once(name)?.1.trim_start_matches([':', ' ']);
    let end = after.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(after.len());
    after.get(..end)?.trim_end_matches('.').parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_parts_and_figures_are_read() {
        let said = of("# a\n- Baseline on this half: de: BM25: nDCG@10 0.938; RRF k=60: nDCG@10 0.880, Recall@10 0.9 | tr: BM25: nDCG@10 0.955\n").unwrap();
        assert_eq!(part(&said, "tr").as_deref(), Some("tr: BM25: nDCG@10 0.955"));
        assert_eq!(figure(&said, "RRF", "nDCG@10"), Some(0.88));
        assert_eq!(figure(&said, "RRF", "Recall@10"), Some(0.9));
        assert_eq!(figure(&said, "RRF", "Recall@100"), None);
        assert_eq!(
            part("token F1 / order: csv/raw 1.0/1.0 (n=5); pdf/x 0.9", "csv").as_deref(),
            Some("csv/raw 1.0/1.0 (n=5)")
        );
        assert_eq!((of("- Baseline: none"), of("nothing"), part("a", "b")), (None, None, None));
    }
}

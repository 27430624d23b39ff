//! Lists of what archives hold: they say nothing but names, so they are evidence where one of these is asked for, and never
//! beside what the file of that name says itself.

use hearth_domain::{DocumentId, Kind};
use hearth_store::PassageRow;

/// Words beside which the beginning of an archive's name is enough.
const ARCHIVES: [&str; 7] = ["zip", "archive", "tar", "tgz", "gz", "folder", "files"];

/// Whether a passage may answer a question. All but lists of archives may; of these those that the question is `named` for,
/// whose archive it calls by name, or that hold a file by a name that it says whole and that none of `others` has.
pub(super) fn bears<'a>(
    row: &PassageRow,
    question: &str,
    named: &[DocumentId],
    mut others: impl Iterator<Item = &'a PassageRow>,
) -> bool {
    if row.kind != Kind::Archive || named.contains(&row.document) {
        return true;
    }
    let question = question.to_lowercase();
    let says = |name: &str| name.chars().count() > 3 && question.contains(&name.to_lowercase());
    let stem = row.name.split('.').next().unwrap_or_default();
    let of_archives = || question.split(|c: char| !c.is_alphanumeric()).any(|word| ARCHIVES.contains(&word));
    if says(&row.name) || says(stem) && of_archives() {
        return true;
    }
    let asked = members(&row.text).find(|name| name.contains('.') && says(name));
    asked.is_some_and(|name| !others.any(|other| other.kind != Kind::Archive && other.name.ends_with(name)))
}

/// Names of files in a list whose lines end with their sizes, without folders.
fn members(list: &str) -> impl Iterator<Item = &str> {
    list.lines().filter_map(|line| {
        let path = line.rsplit_once(" (").map_or(line, |(path, _)| path).trim();
        path.rsplit('/').next().filter(|name| !name.is_empty())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_members_are_taken_from_their_lines() {
        let list = "deeds/lease (signed).pdf (12 KB)\nplan.txt (9 B)\n";
        assert_eq!(members(list).collect::<Vec<_>>(), ["lease (signed).pdf", "plan.txt"]);
    }
}

//! When a change counts: a file that lay still for a moment, a file that stayed away for one. Editors delete and write
//! anew, copies grow; whoever looks once sees halves. Pure.

use super::scan::{Scan, Seen};
use hearth_store::WatchedFileRow;
use std::collections::HashMap;

/// How long something must stay as it is.
pub(crate) const STILL_MS: i64 = 1_000;
/// A file that nobody touched for so long needs no second look.
const OLD_MS: i64 = 10_000;

/// What has not come to rest yet.
#[derive(Debug, Default)]
pub(crate) struct Unsettled {
    changed: HashMap<String, (String, i64)>,
    away: HashMap<String, i64>,
}

/// What a look settled.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Settled {
    /// Files whose bytes must be looked at.
    pub(crate) changed: Vec<String>,
    /// Files that are not there any more, by the id of their row.
    pub(crate) gone: Vec<i64>,
}

impl Unsettled {
    /// Takes in a look at `now`, in milliseconds of any one clock that the file system's times agree with.
    pub(crate) fn take(&mut self, scan: &Scan, rows: &[WatchedFileRow], now: i64) -> Settled {
        let known: HashMap<&str, &WatchedFileRow> =
            rows.iter().filter(|row| row.gone_ms.is_none()).map(|row| (row.path.as_str(), row)).collect();
        let mut settled = Settled::default();
        let mut changed = HashMap::new();
        for (path, seen) in &scan.files {
            if known.get(path.as_str()).is_some_and(|row| row.print == seen.print) {
                continue;
            }
            let since = match self.changed.get(path) {
                Some((print, since)) if *print == seen.print => *since,
                _ => now,
            };
            if now - since >= STILL_MS || long_since(seen, now) {
                settled.changed.push(path.clone());
            } else {
                changed.insert(path.clone(), (seen.print.clone(), since));
            }
        }
        let mut away = HashMap::new();
        for (path, row) in known {
            if scan.cut || scan.files.contains_key(path) || scan.is_hidden(path) {
                continue;
            }
            let since = self.away.get(path).copied().unwrap_or(now);
            if now - since >= STILL_MS {
                settled.gone.push(row.id);
            } else {
                away.insert(path.to_owned(), since);
            }
        }
        settled.gone.sort_unstable();
        (self.changed, self.away) = (changed, away);
        settled
    }

    /// A file changed while its bytes were looked at: it is waited for anew.
    pub(crate) fn again(&mut self, path: &str, print: &str, now: i64) {
        self.changed.insert(path.to_owned(), (print.to_owned(), now));
    }

    /// Whether another look is needed soon.
    pub(crate) fn any(&self) -> bool {
        !self.changed.is_empty() || !self.away.is_empty()
    }
}

fn long_since(seen: &Seen, now: i64) -> bool {
    seen.touched_ms.is_some_and(|touched| touched <= now - OLD_MS)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scan(files: &[(&str, &str)]) -> Scan {
        let seen = |print: &str| Seen { print: print.into(), size_bytes: 1, touched_ms: None };
        Scan { files: files.iter().map(|(path, print)| ((*path).into(), seen(print))).collect(), ..Scan::default() }
    }

    fn row(id: i64, path: &str, print: &str) -> WatchedFileRow {
        WatchedFileRow {
            id,
            folder: 1,
            path: path.into(),
            print: print.into(),
            hash: None,
            document: None,
            job: None,
            refused: None,
            gone_ms: None,
        }
    }

    #[test]
    fn what_grows_or_is_replaced_is_waited_for() {
        let (mut unsettled, rows) = (Unsettled::default(), [row(1, "a", "1")]);
        let mut check = |files: &[(&str, &str)], now, changed: &[&str], gone: &[i64]| {
            let settled = unsettled.take(&scan(files), &rows, now);
            assert_eq!((settled.changed, settled.gone), (changed.iter().map(|s| (*s).into()).collect(), gone.to_vec()));
        };
        check(&[("a", "1")], 0, &[], &[]);
        check(&[("a", "2"), ("b", "1")], 100, &[], &[]);
        check(&[("a", "3"), ("b", "1")], 1_200, &["b"], &[]); // `a` still grows
        check(&[("b", "1")], 1_300, &[], &[]); // and is away between deleting and renaming; `b` was told, and waits anew
        check(&[("a", "4")], 1_400, &[], &[]);
        check(&[("a", "4")], 2_400, &["a"], &[]);
        check(&[], 2_500, &[], &[]);
        check(&[], 3_500, &[], &[1]);
    }

    #[test]
    fn what_could_not_be_seen_is_not_gone() {
        let rows = [row(1, "in/a", "1"), row(2, "b", "1")];
        let mut unsettled = Unsettled::default();
        let hidden = Scan { hidden: vec![("in".into(), "away".into())], ..Scan::default() };
        unsettled.take(&hidden, &rows, 0);
        assert_eq!(unsettled.take(&hidden, &rows, 5_000).gone, [2]);
        let cut = Scan { cut: true, ..Scan::default() };
        unsettled.take(&cut, &rows, 6_000);
        assert_eq!(unsettled.take(&cut, &rows, 9_000).gone, [] as [i64; 0]);
    }

    #[test]
    fn what_lay_there_for_long_is_taken_at_once() {
        let mut old = scan(&[("a", "1")]);
        for seen in old.files.values_mut() {
            seen.touched_ms = Some(0);
        }
        assert_eq!(Unsettled::default().take(&old, &[], OLD_MS).changed, ["a"]);
    }
}

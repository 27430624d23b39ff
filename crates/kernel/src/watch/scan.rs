//! One look over a watched folder: which files are there, and what of it cannot be judged. Follows no links, opens no file,
//! and never takes for deleted what it could not see.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::Metadata;
use std::path::{Path, PathBuf};

/// Files in one watched folder, at most.
pub(crate) const MAX_FILES: usize = 20_000;
/// Folders within folders, at most.
const MAX_DEPTH: usize = 32;

/// A file as it lies there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Seen {
    /// Size, times and identity: another print means another look at the bytes.
    pub(crate) print: String,
    pub(crate) size_bytes: u64,
    /// The latest of the times that the file system keeps, in milliseconds; `None` where only one that a program can set
    /// is known.
    pub(crate) touched_ms: Option<i64>,
}

/// Which device each mounted folder was on; the watched folder itself is the empty path.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Mounts(pub(crate) BTreeMap<String, u64>);

/// What a look found.
#[derive(Debug, Default)]
pub(crate) struct Scan {
    /// Files by their paths below the folder, parted by `/`.
    pub(crate) files: BTreeMap<String, Seen>,
    /// What is left out, and why.
    pub(crate) left_out: Vec<(String, String)>,
    /// Folders that could not be looked into; what was known below them stays as it is.
    pub(crate) hidden: Vec<(String, String)>,
    /// There are more files than are followed: what is missing may be among the rest.
    pub(crate) cut: bool,
    pub(crate) mounts: Mounts,
}

/// Why the folder itself cannot be seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Unreachable(pub(crate) String);

impl Scan {
    /// Whether a path lies where this look could not see.
    pub(crate) fn is_hidden(&self, path: &str) -> bool {
        self.hidden.iter().any(|(folder, _)| {
            folder.is_empty() || path.strip_prefix(folder.as_str()).is_some_and(|rest| rest.starts_with('/'))
        })
    }
}

/// Looks over a folder. `known` is where it was mounted when it was last seen whole, `had_files` whether files of it are
/// known, and `own` a folder that is never looked into: the house's own.
pub(crate) fn scan(root: &Path, known: &Mounts, had_files: bool, own: &Path) -> Result<Scan, Unreachable> {
    let meta = std::fs::symlink_metadata(root).map_err(|error| Unreachable(plain(&error)))?;
    if !meta.is_dir() {
        return Err(Unreachable("there is no folder at this place any more".into()));
    }
    let mut walk = Walk { own, known, scan: Scan::default() };
    walk.scan.mounts.0.insert(String::new(), device(&meta));
    walk.folder(root, "", device(&meta), 0)?;
    let Walk { mut scan, .. } = walk;
    // A folder that is another one than before and empty is the place where a drive was, not a folder that was cleared.
    let moved = known.0.get("").is_some_and(|before| *before != device(&meta));
    if moved && had_files && scan.files.is_empty() {
        return Err(Unreachable("the drive that it is on is not there".into()));
    }
    for (path, device) in &known.0 {
        let below = format!("{path}/");
        if !path.is_empty() && !scan.mounts.0.contains_key(path) && !scan.files.keys().any(|f| f.starts_with(&below)) {
            scan.mounts.0.insert(path.clone(), *device);
            scan.hidden.push((path.clone(), "the drive that it is on is not there".into()));
        }
    }
    Ok(scan)
}

struct Walk<'a> {
    own: &'a Path,
    known: &'a Mounts,
    scan: Scan,
}

impl Walk<'_> {
    fn folder(&mut self, at: &Path, below: &str, on: u64, depth: usize) -> Result<(), Unreachable> {
        let listed = std::fs::read_dir(at).and_then(Iterator::collect::<std::io::Result<Vec<_>>>);
        let mut entries: Vec<std::fs::DirEntry> = match listed {
            Ok(entries) => entries,
            Err(error) if depth == 0 => return Err(Unreachable(plain(&error))),
            Err(error) => {
                self.scan.hidden.push((below.to_owned(), plain(&error)));
                return Ok(());
            }
        };
        entries.sort_by_key(std::fs::DirEntry::file_name);
        for entry in entries {
            if self.scan.cut {
                return Ok(());
            }
            self.entry(&entry, below, on, depth)?;
        }
        Ok(())
    }

    fn entry(&mut self, entry: &std::fs::DirEntry, below: &str, on: u64, depth: usize) -> Result<(), Unreachable> {
        let name = entry.file_name();
        let Some(name) = name.to_str() else {
            self.scan.left_out.push((join(below, &name.to_string_lossy()), "Its name is not readable text.".into()));
            return Ok(());
        };
        if passing(name) {
            return Ok(());
        }
        let path = join(below, name);
        // Neither follows links: a link can lead out of what was chosen.
        let meta = match entry.metadata() {
            Ok(meta) => meta,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(()),
            Err(error) => {
                self.scan.hidden.push((path, plain(&error)));
                return Ok(());
            }
        };
        if meta.is_symlink() {
            self.scan.left_out.push((path, "A link. Links are not followed.".into()));
        } else if meta.is_dir() {
            let here = entry.path();
            if here == self.own {
                return Ok(());
            }
            if depth >= MAX_DEPTH {
                self.scan.hidden.push((path, format!("more than {MAX_DEPTH} folders deep")));
                return Ok(());
            }
            let device = device(&meta);
            if device != on {
                self.scan.mounts.0.insert(path.clone(), device);
            } else if self.known.0.contains_key(&path) && is_empty(&here) {
                // A drive was mounted here; what lies here now is the bare place. `scan` says so.
                return Ok(());
            }
            self.folder(&here, &path, device, depth + 1)?;
        } else if meta.is_file() {
            if self.scan.files.len() >= MAX_FILES {
                self.scan.cut = true;
                return Ok(());
            }
            self.scan.files.insert(path, seen(&meta));
        } else {
            self.scan.left_out.push((path, "Not a file.".into()));
        }
        Ok(())
    }
}

/// A file's print from what the file system says of it.
pub(crate) fn seen(meta: &Metadata) -> Seen {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt;
        let print = format!(
            "{}.{}.{}.{}.{}.{}",
            meta.len(),
            meta.mtime(),
            meta.mtime_nsec(),
            meta.ctime(),
            meta.ctime_nsec(),
            meta.ino()
        );
        let touched = meta.ctime().max(meta.mtime()).saturating_mul(1000);
        Seen { print, size_bytes: meta.len(), touched_ms: Some(touched) }
    }
    #[cfg(not(unix))]
    {
        let since = |time: std::io::Result<std::time::SystemTime>| {
            time.ok().and_then(|time| time.duration_since(std::time::UNIX_EPOCH).ok()).map_or(0, |d| d.as_nanos())
        };
        let print = format!("{}.{}.{}", meta.len(), since(meta.modified()), since(meta.created()));
        Seen { print, size_bytes: meta.len(), touched_ms: None }
    }
}

#[cfg(unix)]
fn device(meta: &Metadata) -> u64 {
    std::os::unix::fs::MetadataExt::dev(meta)
}

#[cfg(not(unix))]
fn device(_: &Metadata) -> u64 {
    0
}

fn is_empty(folder: &Path) -> bool {
    std::fs::read_dir(folder).is_ok_and(|mut entries| entries.next().is_none())
}

/// What editors, systems and downloads leave lying for a while, and what is hidden.
fn passing(name: &str) -> bool {
    const ENDINGS: [&str; 8] = ["~", ".tmp", ".temp", ".swp", ".part", ".partial", ".crdownload", ".download"];
    let folded = name.to_lowercase();
    folded.starts_with('.')
        || folded.starts_with("~$")
        || ENDINGS.iter().any(|ending| folded.ends_with(ending))
        || matches!(folded.as_str(), "desktop.ini" | "thumbs.db")
}

fn join(below: &str, name: &str) -> String {
    if below.is_empty() { name.to_owned() } else { format!("{below}/{name}") }
}

/// The whole path of a file below a folder.
pub(crate) fn whole(root: &Path, path: &str) -> PathBuf {
    path.split('/').fold(root.to_owned(), |at, part| at.join(part))
}

/// The system's words without its number.
fn plain(error: &std::io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error") {
        Some(at) => text[..at].to_lowercase(),
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(root: &Path) -> Vec<String> {
        let own = root.join("own");
        scan(root, &Mounts::default(), false, &own).map(|scan| scan.files.into_keys().collect()).unwrap_or_default()
    }

    #[test]
    fn what_passes_is_hidden_or_links_out_is_not_seen() {
        let (root, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        std::fs::write(outside.path().join("secret.txt"), "s").unwrap();
        std::fs::create_dir_all(root.path().join("a/b")).unwrap();
        std::fs::create_dir_all(root.path().join("own")).unwrap();
        for name in ["a/b/x ü.txt", "y.md", ".z", "~$y.docx", "y.md~", "a/4913.tmp", "own/hearth.db"] {
            std::fs::write(root.path().join(name), "x").unwrap();
        }
        #[cfg(unix)]
        for (to, name) in [(outside.path().to_owned(), "way out"), (outside.path().join("secret.txt"), "s.txt")] {
            std::os::unix::fs::symlink(to, root.path().join(name)).unwrap();
        }
        assert_eq!(names(root.path()), ["a/b/x ü.txt", "y.md"]);
        #[cfg(unix)]
        {
            let scan = scan(root.path(), &Mounts::default(), false, root.path()).unwrap();
            let left: Vec<&str> = scan.left_out.iter().map(|(path, _)| path.as_str()).collect();
            assert_eq!(left, ["s.txt", "way out"]);
        }
    }

    #[test]
    fn a_folder_that_is_away_is_not_an_empty_one() {
        let root = tempfile::tempdir().unwrap();
        let (inside, own) = (root.path().join("in"), root.path().join("own"));
        assert!(scan(&inside, &Mounts::default(), true, &own).is_err());
        std::fs::create_dir(&inside).unwrap();
        let now = scan(&inside, &Mounts::default(), true, &own).unwrap().mounts;
        assert!(scan(&inside, &now, true, &own).is_ok(), "the same folder, cleared");
        let elsewhere = Mounts([(String::new(), now.0[""].wrapping_add(1))].into());
        assert!(scan(&inside, &elsewhere, true, &own).is_err(), "the bare place of a drive");
        std::fs::write(inside.join("a.txt"), "a").unwrap();
        assert!(scan(&inside, &elsewhere, true, &own).is_ok(), "the drive has come back under another number");
        // A drive below the folder that is away hides what was on it, and nothing else.
        let below = Mounts([(String::new(), now.0[""]), ("disk".into(), 7)].into());
        let seen = scan(&inside, &below, true, &own).unwrap();
        assert!(seen.is_hidden("disk/x.txt") && !seen.is_hidden("a.txt") && !seen.is_hidden("diskette.txt"));
        assert_eq!(seen.mounts, below, "it is remembered until it comes back");
    }

    #[test]
    fn another_file_at_the_same_place_has_another_print() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("a.txt");
        let print = || seen(&std::fs::symlink_metadata(&path).unwrap()).print;
        std::fs::write(&path, "one").unwrap();
        let first = print();
        std::fs::write(root.path().join("b"), "two").unwrap();
        std::fs::rename(root.path().join("b"), &path).unwrap();
        assert_ne!(print(), first);
    }
}

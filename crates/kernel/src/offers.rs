//! Path grants: what a person handed over by drop, dialog, paste or command line, until it is imported or let go. A path
//! that a page names is never opened; a page names an offer.

use crate::error::{io, missing};
use crate::jobs::held;
use hearth_api::{Error, ErrorCode, Offer};
use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicI64, Ordering};

/// Files in one offer, at most.
const MAX_FILES: usize = 20_000;
/// Folders within folders, at most.
const MAX_DEPTH: usize = 32;
/// Names shown of an offer.
const NAMES: usize = 20;
/// Bytes that a page may hand over at once.
const MAX_PAGE_BYTES: usize = 256 << 20;

/// One file that may be read.
#[derive(Debug, Clone)]
pub(crate) struct Offered {
    pub(crate) name: String,
    pub(crate) size_bytes: u64,
    pub(crate) from: From,
}

/// Where a file's bytes are.
#[derive(Debug, Clone)]
pub(crate) enum From {
    /// A file that a person pointed at.
    Path(PathBuf),
    /// Bytes that the page or an e-mail held, and what to call their origin.
    Bytes { bytes: Vec<u8>, origin: String },
}

/// Offers that are open.
#[derive(Default)]
pub(crate) struct Offers {
    next: AtomicI64,
    open: Mutex<HashMap<i64, Vec<Offered>>>,
    /// The folders that were handed over, which may be watched later.
    folders: Mutex<HashMap<i64, Vec<PathBuf>>>,
}

impl Offers {
    /// Mints a grant for paths; folders are opened, hidden files and links out of them left alone.
    pub(crate) fn paths(&self, paths: Vec<PathBuf>) -> Result<Offer, Error> {
        let mut files = Vec::new();
        let mut folder = None;
        let mut roots = Vec::new();
        let single = paths.len() == 1;
        for path in paths {
            let path = path.canonicalize().map_err(|error| io(&error, "open", &path))?;
            let meta = path.metadata().map_err(|error| io(&error, "open", &path))?;
            if meta.is_dir() {
                if single {
                    folder = path.file_name().map(|name| name.to_string_lossy().into_owned());
                }
                walk(&path, 0, &mut files)?;
                roots.push(path);
            } else if meta.is_file() {
                files.push(offered(path, meta.len()));
            } else {
                return Err(Error::new(ErrorCode::Invalid, format!("{} is not a file or folder.", path.display())));
            }
        }
        let offer = self.keep(files, folder)?;
        held(&self.folders).insert(offer.id, roots);
        Ok(offer)
    }

    /// The folders of an offer, spent or not, until the window closes.
    pub(crate) fn folders(&self, id: i64) -> Vec<PathBuf> {
        held(&self.folders).get(&id).cloned().unwrap_or_default()
    }

    /// Takes bytes from a page.
    pub(crate) fn bytes(&self, files: Vec<(String, Vec<u8>)>, origin: &str) -> Result<Offer, Error> {
        if files.iter().map(|(_, bytes)| bytes.len()).sum::<usize>() > MAX_PAGE_BYTES {
            return Err(Error::new(ErrorCode::Invalid, "These files are too large to paste (over 256 MB).")
                .hint("Save them to a folder and drop that on the window."));
        }
        let files = files
            .into_iter()
            .map(|(name, bytes)| Offered {
                name: plain_name(&name),
                size_bytes: bytes.len() as u64,
                from: From::Bytes { bytes, origin: origin.to_owned() },
            })
            .collect();
        self.keep(files, None)
    }

    fn keep(&self, files: Vec<Offered>, folder: Option<String>) -> Result<Offer, Error> {
        if files.is_empty() {
            return Err(Error::new(ErrorCode::NotFound, "There are no files in what you handed over."));
        }
        let id = self.next.fetch_add(1, Ordering::SeqCst) + 1;
        let offer = Offer {
            id,
            names: files.iter().take(NAMES).map(|file| file.name.clone()).collect(),
            files: files.len() as u32,
            size_bytes: files.iter().map(|file| file.size_bytes).sum(),
            readable: files.iter().filter(|file| looks_readable(&file.name)).count() as u32,
            folder,
        };
        held(&self.open).insert(id, files);
        Ok(offer)
    }

    /// Spends an offer: it is good for one import.
    pub(crate) fn take(&self, id: i64) -> Result<Vec<Offered>, Error> {
        held(&self.open).remove(&id).ok_or_else(|| missing("offer"))
    }
}

fn offered(path: PathBuf, size_bytes: u64) -> Offered {
    let name = path.file_name().map_or_else(|| path.display().to_string(), |name| name.to_string_lossy().into_owned());
    Offered { name, size_bytes, from: From::Path(path) }
}

fn walk(folder: &Path, depth: usize, into: &mut Vec<Offered>) -> Result<(), Error> {
    if depth > MAX_DEPTH {
        return Ok(());
    }
    let mut entries: Vec<_> =
        std::fs::read_dir(folder).map_err(|error| io(&error, "open", folder))?.flatten().collect();
    entries.sort_by_key(std::fs::DirEntry::file_name);
    for entry in entries {
        if entry.file_name().to_string_lossy().starts_with('.') {
            continue;
        }
        // `file_type` does not follow links: a link can lead out of what was handed over.
        let Ok(kind) = entry.file_type() else { continue };
        if kind.is_dir() {
            // A folder that may not be opened holds back itself, not its neighbours.
            if let Err(error) = walk(&entry.path(), depth + 1, into) {
                tracing::warn!(%error, "a folder was left out");
            }
        } else if kind.is_file() {
            let size = entry.metadata().map_or(0, |meta| meta.len());
            into.push(offered(entry.path(), size));
            if into.len() > MAX_FILES {
                return Err(Error::new(
                    ErrorCode::Invalid,
                    format!("There are more than {MAX_FILES} files in this folder."),
                )
                .hint("Hand over its parts one after the other."));
            }
        }
    }
    Ok(())
}

/// The last part of what may be a path, without control characters.
pub(crate) fn plain_name(name: &str) -> String {
    let last = name.rsplit(['/', '\\']).next().unwrap_or(name);
    let clean: String = last.chars().filter(|c| !c.is_control()).take(255).collect();
    if clean.trim().is_empty() { "unnamed".to_owned() } else { clean }
}

/// A first guess by name, for the drop screen alone; the reader decides by the bytes.
fn looks_readable(name: &str) -> bool {
    const NOT: [&str; 14] =
        ["heic", "ico", "mp3", "mp4", "mov", "avi", "mkv", "wav", "7z", "rar", "exe", "dll", "so", "bin"];
    let ending = name.rsplit_once('.').map(|(_, ending)| ending.to_ascii_lowercase());
    ending.is_none_or(|ending| !NOT.contains(&ending.as_str()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_opened_and_links_are_not_followed() {
        let root = tempfile::tempdir().unwrap();
        let outside = tempfile::tempdir().unwrap();
        std::fs::write(outside.path().join("secret.txt"), "s").unwrap();
        std::fs::create_dir(root.path().join("in")).unwrap();
        std::fs::write(root.path().join("in/a ü 'b'.txt"), "a").unwrap();
        std::fs::write(root.path().join(".hidden"), "h").unwrap();
        #[cfg(unix)]
        std::os::unix::fs::symlink(outside.path(), root.path().join("way out")).unwrap();
        let offers = Offers::default();
        let offer = offers.paths(vec![root.path().to_owned()]).unwrap();
        assert_eq!(offer.names, ["a ü 'b'.txt"]);
        assert_eq!(offers.take(offer.id).unwrap().len(), 1);
        assert!(offers.take(offer.id).is_err(), "an offer is good for one import");
    }

    #[test]
    fn names_from_a_page_are_never_paths() {
        assert_eq!(plain_name("../../etc/passwd"), "passwd");
        assert_eq!(plain_name("C:\\x\\y.pdf"), "y.pdf");
        assert_eq!(plain_name("a/"), "unnamed");
    }
}

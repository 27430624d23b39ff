//! Files that belong to another program and are used where they lie: a model's folder then holds the record alone, with
//! the path and what the bytes were. Such a file is believed as long as its size and time are those noted; else every byte
//! is read again.

use crate::cancel::Cancel;
use crate::download::{Progress, Step};
use crate::error::DownloadError;
use crate::found::Found;
use crate::install::{self, Added, Installed, InstalledFile, Record};
use crate::keep::sha256_of;
use crate::manifest::{Manifest, ModelEntry};
use hearth_domain::ModelId;
use serde::{Deserialize, Serialize};
use std::fs::Metadata;
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

/// Where a file lies that is not in its model's folder.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Elsewhere {
    /// Its path on this machine.
    pub path: PathBuf,
    /// When it was last changed, as the file system said when every byte had been read: nanoseconds since 1970.
    pub modified_ns: u64,
}

/// Whether a file is still the one that was noted.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Still {
    /// It is.
    Right,
    /// It is, by its bytes; its time is another now.
    Touched(u64),
    /// It is gone, or other bytes are there.
    Wrong,
}

/// Looks at a file that lies elsewhere. Reads it only where its time has changed.
pub(crate) fn still(place: &Elsewhere, file: &InstalledFile) -> Still {
    let Some((size, modified_ns)) = state(&place.path) else { return Still::Wrong };
    if size != file.size {
        return Still::Wrong;
    }
    if modified_ns == place.modified_ns {
        return Still::Right;
    }
    match sha256_of(&place.path, &Cancel::new()) {
        Ok((_, found)) if found == file.sha256 => Still::Touched(modified_ns),
        _ => Still::Wrong,
    }
}

/// Size and time of a plain file.
fn state(path: &Path) -> Option<(u64, u64)> {
    let meta = path.metadata().ok().filter(Metadata::is_file)?;
    let modified = meta.modified().ok()?.duration_since(UNIX_EPOCH).ok()?;
    Some((meta.len(), u64::try_from(modified.as_nanos()).ok()?))
}

/// Enters a model of another program as installed in `root`, without copying it. Its bytes are read once: they must be
/// those that the other program names, and where they are those of a model of the catalogue, it is that one. Blocks.
///
/// # Errors
/// [`DownloadError`]; nothing is entered then.
pub fn add_here(
    found: &Found,
    root: &Path,
    manifest: &Manifest,
    cancel: &Cancel,
    progress: &mut dyn FnMut(Progress),
) -> Result<Added, DownloadError> {
    let path = found.path.canonicalize().map_err(|error| DownloadError::file(&found.path, error))?;
    let refuse = |reason| DownloadError::NotAModel { path: path.clone(), reason };
    if let Some(reason) = found.unusable {
        return Err(refuse(reason));
    }
    if !install::is_gguf(&path) {
        return Err(refuse("only a GGUF file can be used where it lies; add it without `--here`"));
    }
    let before = state(&path).ok_or_else(|| refuse("it is not a plain file"))?;
    let total_bytes = before.0;
    progress(Progress { step: Step::Checking, file: found.id.0.clone(), done_bytes: 0, total_bytes });
    let (size, sha256) = sha256_of(&path, cancel)?;
    if state(&path) != Some(before) || size != before.0 {
        return Err(refuse("it was changed while it was read; try again"));
    }
    if let Some(expected) = found.sha256.filter(|expected| *expected != sha256) {
        let file = path.display().to_string();
        return Err(DownloadError::Mismatch { file, expected: expected.to_string(), found: sha256 });
    }
    let is_it = |entry: &&ModelEntry| matches!(entry.files.as_slice(), [file] if file.sha256 == Some(sha256));
    let known = manifest.models.iter().find(is_it);
    let entry = known.cloned().map_or_else(|| unknown(found, manifest), Ok)?;
    let name = entry.files.first().map(|file| file.name.clone()).unwrap_or_default();
    let folder = root.join(&entry.id.0);
    if let Some(there) = install::read_folder(&folder)
        && there.broken.is_empty()
    {
        return Err(DownloadError::Already(entry.id.0));
    }
    std::fs::create_dir_all(&folder).map_err(|error| DownloadError::file(&folder, error))?;
    let record = Record {
        entry,
        source: format!("used where {} keeps it", found.program),
        revision: None,
        files: vec![InstalledFile { name: name.clone(), size, sha256 }],
        elsewhere: [(name, Elsewhere { path, modified_ns: before.1 })].into(),
    };
    install::enter_record(&folder, &record)?;
    let lost = || DownloadError::NotAModel { path: folder.clone(), reason: "its record could not be read back" };
    let model = install::read_folder(&folder).ok_or_else(lost)?;
    progress(Progress { step: Step::Done, file: String::new(), done_bytes: size, total_bytes: size });
    Ok(Added { model, known: known.is_some() })
}

fn unknown(found: &Found, manifest: &Manifest) -> Result<ModelEntry, DownloadError> {
    let name = format!("{}.gguf", found.id);
    let mut entry = install::unknown_gguf(&found.name, &name)
        .ok_or_else(|| DownloadError::NotAModel { path: found.path.clone(), reason: "its name says nothing" })?;
    entry.id = found.id.clone();
    if manifest.find(&entry.id).is_some() {
        entry.id = ModelId(format!("{}-added", entry.id));
    }
    if !found.quantization.is_empty() {
        entry.quantization = found.quantization.clone();
    }
    if let Some(licence) = &found.licence {
        entry.permissive = matches!(licence.as_str(), "Apache-2.0" | "MIT");
        entry.licence = licence.clone();
    }
    Ok(entry)
}

impl Installed {
    /// Whether a file of another program is used.
    pub fn is_elsewhere(&self) -> bool {
        !self.elsewhere.is_empty()
    }

    /// Where one of its files lies.
    pub fn path_of(&self, file: &InstalledFile) -> PathBuf {
        self.elsewhere.get(&file.name).map_or_else(|| self.folder.join(&file.name), |place| place.path.clone())
    }
}

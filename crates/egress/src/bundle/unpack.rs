//! Taking a bundle: the signature first, then each file in the order of the list, into a folder of its own. When every
//! byte was right, the models are put in their places by renames; before that nothing is seen of them.

use super::seal::{self, Seal};
use super::{BundleError, CONTENTS, CONTENTS_BYTES, Carried, Contents, FORMAT, SEAL, SEAL_BYTES, bytes_of};
use crate::cancel::Cancel;
use crate::download::{Progress, Step};
use crate::install::{self, InstalledFile};
use crate::keep::room_for;
use crate::manifest::Manifest;
use hearth_domain::{BlobHash, ModelId};
use serde::Deserialize;
use sha2::{Digest, Sha256};
use std::cell::Cell;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufReader, Read, Write};
use std::path::{Path, PathBuf};

/// Where a bundle is unpacked until all of it was right.
const STAGING: &str = ".unpacking";

/// What a bundle brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unpacked {
    /// Models that are installed now.
    pub added: Vec<ModelId>,
    /// Models that were installed already and stay as they were.
    pub kept: Vec<ModelId>,
    /// The fingerprint of the key that signed it.
    pub fingerprint: String,
    /// Whether that is this house's own key.
    pub own: bool,
}

/// Unpacks the bundle at `from` into `root`. It must be signed by this house's key (at `key`, made if there is none) or by
/// the one whose fingerprint is `trusted`; a model of the catalogue must have the bytes that the catalogue names. Models
/// that are installed and whole stay as they are. Blocks.
///
/// # Errors
/// [`BundleError`]; then nothing was taken.
pub fn unpack(
    from: &Path,
    root: &Path,
    manifest: &Manifest,
    key: &Path,
    trusted: Option<&str>,
    cancel: &Cancel,
    progress: &mut dyn FnMut(Progress),
) -> Result<Unpacked, BundleError> {
    let trusted = trusted.map(seal::spelled).transpose()?;
    let own = seal::fingerprint(&seal::house_key(key)?.verifying_key());
    let ended = Cell::new(false);
    let file = File::open(from).map_err(|error| BundleError::file(from, error))?;
    let source = Ending { file: BufReader::with_capacity(1 << 20, file), ended: &ended };
    let mut archive = tar::Archive::new(source);
    // Raw: entries that change the meaning of the next one (long names, sparse files) are refused, not followed.
    let entries = archive.entries().map_err(|error| BundleError::file(from, error))?.raw(true);
    let mut bundle = Bundle { from, entries, ended: &ended };

    let (contents, fingerprint) = bundle.contents()?;
    if fingerprint != own && trusted.as_ref() != Some(&fingerprint) {
        return Err(BundleError::UnknownSigner { fingerprint });
    }
    let contents = checked(&contents, manifest)?;
    fs::create_dir_all(root).map_err(|error| BundleError::file(root, error))?;
    let staging = Staging::open(root)?;
    let here = install::installed(root)?;
    let is_here =
        |model: &Carried| here.iter().any(|known| known.entry.id == model.entry.id && known.broken.is_empty());
    let (kept, coming): (Vec<_>, Vec<_>) = contents.models.iter().partition(|model| is_here(model));
    room_for(root, bytes_of(coming.iter().copied()))?;

    let total_bytes = bytes_of(&contents.models);
    let mut done_bytes = 0;
    for model in &contents.models {
        let folder = (!is_here(model)).then(|| staging.folder.join(&model.entry.id.0));
        if let Some(folder) = &folder {
            fs::create_dir(folder).map_err(|error| BundleError::file(folder, error))?;
        }
        for file in &model.files {
            let mut report = |read| {
                done_bytes += read;
                progress(Progress { step: Step::Checking, file: file.name.clone(), done_bytes, total_bytes });
            };
            bundle.file(&model.path(file), file, folder.as_deref(), cancel, &mut report)?;
        }
        if let Some(folder) = &folder {
            install::enter(folder, &model.entry, &model.source, model.revision.clone(), model.files.clone())?;
        }
    }
    bundle.end()?;
    let ids = |models: Vec<&Carried>| models.into_iter().map(|model| model.entry.id.clone()).collect::<Vec<_>>();
    let added = ids(coming);
    staging.place(root, &added)?;
    let own = fingerprint == own;
    Ok(Unpacked { added, kept: ids(kept), fingerprint, own })
}

/// Reads the list, whose signature was right: only now is any of it believed.
fn checked(contents: &[u8], manifest: &Manifest) -> Result<Contents, BundleError> {
    #[derive(Deserialize)]
    struct Versioned {
        format: u32,
    }
    let wrong = |error: serde_json::Error| BundleError::List { reason: error.to_string() };
    let Versioned { format } = serde_json::from_slice(contents).map_err(wrong)?;
    if format > FORMAT {
        return Err(BundleError::Newer { format });
    }
    let mut contents: Contents = serde_json::from_slice(contents).map_err(wrong)?;
    contents.check()?;
    for model in &mut contents.models {
        let known = manifest.find(&model.entry.id);
        let pinned = known.into_iter().flat_map(|entry| &entry.files);
        let other = |file: &InstalledFile, pin: &crate::manifest::ModelFile| {
            pin.name == file.name && pin.sha256.is_some_and(|sha256| sha256 != file.sha256)
        };
        if pinned.into_iter().any(|pin| model.files.iter().any(|file| other(file, pin))) {
            return Err(BundleError::OtherBytes { id: model.entry.id.0.clone() });
        }
        // What is fetched unasked is this program's choice alone.
        model.entry.default = known.is_some_and(|entry| entry.default);
    }
    Ok(contents)
}

/// A bundle that is being read.
struct Bundle<'a, R: Read> {
    from: &'a Path,
    entries: tar::Entries<'a, R>,
    ended: &'a Cell<bool>,
}

impl<'a, R: Read> Bundle<'a, R> {
    /// The bytes of the list, and the fingerprint of the key that signed them.
    fn contents(&mut self) -> Result<(Vec<u8>, String), BundleError> {
        let contents = self.small(CONTENTS, CONTENTS_BYTES)?;
        let seal = self.small(SEAL, SEAL_BYTES)?;
        let seal: Seal = serde_json::from_slice(&seal).map_err(|_| BundleError::Signature)?;
        let signer = seal.signer(seal::DOMAIN, &contents).ok_or(BundleError::Signature)?;
        Ok((contents, signer))
    }

    /// One of the two entries that a bundle begins with.
    fn small(&mut self, name: &str, most: u64) -> Result<Vec<u8>, BundleError> {
        let refuse = |reason: &str| BundleError::NotABundle { path: self.from.to_owned(), reason: reason.to_owned() };
        let begins = match self.entries.next() {
            Some(Ok(entry)) if is_file(&entry, name) => entry,
            Some(Err(error)) if error.raw_os_error().is_some() => return Err(BundleError::file(self.from, error)),
            _ => return Err(refuse("it does not begin with a signed list of contents")),
        };
        let size = begins.size();
        if size > most {
            return Err(refuse("its list of contents is too long"));
        }
        let mut bytes = Vec::new();
        begins.take(size).read_to_end(&mut bytes).map_err(|error| BundleError::file(self.from, error))?;
        if bytes.len() as u64 != size {
            return Err(BundleError::CutOff { file: name.to_owned() });
        }
        Ok(bytes)
    }

    /// The next entry.
    fn next(&mut self, expected: &str) -> Result<Option<tar::Entry<'a, R>>, BundleError> {
        match self.entries.next() {
            None => Ok(None),
            Some(Ok(entry)) => Ok(Some(entry)),
            Some(Err(error)) if error.raw_os_error().is_some() => Err(BundleError::file(self.from, error)),
            Some(Err(_)) if self.ended.get() => Err(BundleError::CutOff { file: expected.to_owned() }),
            Some(Err(_)) => Err(BundleError::Damaged { file: expected.to_owned() }),
        }
    }

    /// Checks the next file, and writes it into `folder` if there is one.
    fn file(
        &mut self,
        path: &str,
        expected: &InstalledFile,
        folder: Option<&Path>,
        cancel: &Cancel,
        report: &mut dyn FnMut(u64),
    ) -> Result<(), BundleError> {
        let cut_off = || BundleError::CutOff { file: path.to_owned() };
        let damaged = || BundleError::Damaged { file: path.to_owned() };
        let mut entry = self.next(path)?.ok_or_else(cut_off)?;
        if !is_file(&entry, path) {
            return Err(BundleError::Unexpected { found: name_of(&entry), expected: path.to_owned() });
        }
        if entry.size() != expected.size {
            return Err(damaged());
        }
        let place = folder.map(|folder| folder.join(&expected.name));
        let target =
            place.as_ref().map(|place| File::create_new(place).map_err(|error| BundleError::file(place, error)));
        let mut target = target.transpose()?;
        let failed = |error| BundleError::file(place.as_deref().unwrap_or(self.from), error);
        let mut hash = Sha256::new();
        let mut buffer = vec![0u8; 1 << 20];
        let mut size = 0u64;
        loop {
            if cancel.is_cancelled() {
                return Err(BundleError::Cancelled);
            }
            let read = entry.read(&mut buffer).map_err(|error| BundleError::file(self.from, error))?;
            let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else { break };
            if let Some(target) = &mut target {
                target.write_all(bytes).map_err(failed)?;
            }
            hash.update(bytes);
            size += read as u64;
            report(read as u64);
        }
        if size != expected.size {
            return Err(cut_off());
        }
        if BlobHash(hash.finalize().into()) != expected.sha256 {
            return Err(damaged());
        }
        target.map_or(Ok(()), |target| target.sync_all()).map_err(failed)
    }

    /// There is nothing more.
    fn end(&mut self) -> Result<(), BundleError> {
        match self.next("its end")? {
            None => Ok(()),
            Some(entry) => Err(BundleError::Unexpected { found: name_of(&entry), expected: "its end".into() }),
        }
    }
}

/// Whether an entry is a plain file of exactly this path.
fn is_file<R: Read>(entry: &tar::Entry<'_, R>, path: &str) -> bool {
    entry.header().entry_type() == tar::EntryType::Regular && *entry.path_bytes() == *path.as_bytes()
}

fn name_of<R: Read>(entry: &tar::Entry<'_, R>) -> String {
    let name = String::from_utf8_lossy(&entry.path_bytes()).into_owned();
    match entry.header().entry_type() {
        tar::EntryType::Regular => name,
        _ => format!("{name} (no plain file)"),
    }
}

/// A file that notes when it has come to its end.
struct Ending<'a> {
    file: BufReader<File>,
    ended: &'a Cell<bool>,
}

impl Read for Ending<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.file.read(into)?;
        self.ended.set(read == 0 && !into.is_empty());
        Ok(read)
    }
}

/// The folder in which a bundle is unpacked, held by one at a time and removed at the end, however that comes.
struct Staging {
    folder: PathBuf,
    lock: PathBuf,
    _held: File,
}

impl Staging {
    fn open(root: &Path) -> Result<Self, BundleError> {
        let folder = root.join(STAGING);
        let lock = root.join(format!("{STAGING}.lock"));
        let failed = |error| BundleError::file(&lock, error);
        let held = OpenOptions::new().write(true).create(true).truncate(false).open(&lock).map_err(failed)?;
        match held.try_lock() {
            Err(TryLockError::WouldBlock) => return Err(BundleError::Busy),
            // A file system without locks.
            Ok(()) | Err(TryLockError::Error(_)) => {}
        }
        // What a power cut left.
        match fs::remove_dir_all(&folder) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(BundleError::file(&folder, error)),
            _ => {}
        }
        fs::create_dir(&folder).map_err(|error| BundleError::file(&folder, error))?;
        Ok(Self { folder, lock, _held: held })
    }

    /// Puts the models in their places: all, or after an error none. What lay there unfinished or damaged goes.
    fn place(&self, root: &Path, ids: &[ModelId]) -> Result<(), BundleError> {
        let old = self.folder.join(".old");
        fs::create_dir(&old).map_err(|error| BundleError::file(&old, error))?;
        for (n, id) in ids.iter().enumerate() {
            let place = root.join(&id.0);
            let placed =
                self.set_aside(&place, &old.join(&id.0)).and_then(|()| fs::rename(self.folder.join(&id.0), &place));
            if let Err(error) = placed {
                for id in ids.iter().take(n + 1) {
                    let place = root.join(&id.0);
                    let _ = fs::rename(&place, self.folder.join(&id.0));
                    let _ = fs::rename(old.join(&id.0), &place);
                }
                return Err(BundleError::file(&place, error));
            }
        }
        if let Ok(folder) = File::open(root) {
            let _ = folder.sync_all();
        }
        Ok(())
    }

    fn set_aside(&self, place: &Path, old: &Path) -> io::Result<()> {
        match fs::rename(place, old) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }
}

impl Drop for Staging {
    fn drop(&mut self) {
        let _ = fs::remove_dir_all(&self.folder);
        let _ = fs::remove_file(&self.lock);
    }
}

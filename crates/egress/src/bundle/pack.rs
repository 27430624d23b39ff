//! Making a bundle: the list of what is packed, its signature, then the files, each read once and checked on the way.

use super::seal::{self, Seal};
use super::{BundleError, CONTENTS, CONTENTS_BYTES, Carried, Contents, FORMAT, SEAL, bytes_of};
use crate::cancel::Cancel;
use crate::download::{Progress, Step};
use crate::install::Installed;
use crate::keep::room_for;
use crate::manifest::Source;
use hearth_domain::{BlobHash, ModelId};
use sha2::{Digest, Sha256};
use std::fs::{self, File};
use std::io::{self, BufWriter, Read, Write};
use std::path::Path;

/// A bundle that was made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packed {
    /// The models in it.
    pub models: Vec<ModelId>,
    /// Bytes of the bundle.
    pub bytes: u64,
    /// The fingerprint of this house's key, for the person who unpacks it elsewhere.
    pub fingerprint: String,
}

/// Packs models into the new file `to`, signed with the key at `key`, which is made if there is none. Blocks.
///
/// # Errors
/// [`BundleError`]; then there is no file `to`.
pub fn pack(
    models: &[Installed],
    to: &Path,
    key: &Path,
    cancel: &Cancel,
    progress: &mut dyn FnMut(Progress),
) -> Result<Packed, BundleError> {
    if to.try_exists().map_err(|error| BundleError::file(to, error))? {
        return Err(BundleError::Exists(to.to_owned()));
    }
    for model in models {
        if let Some(file) = model.broken.first() {
            return Err(BundleError::NotWhole { id: model.entry.id.0.clone(), file: file.clone() });
        }
    }
    let contents = Contents { format: FORMAT, models: models.iter().map(carried).collect() };
    contents.check()?;
    let key = seal::house_key(key)?;
    let folder = to.parent().filter(|folder| !folder.as_os_str().is_empty()).unwrap_or(Path::new("."));
    room_for(folder, bytes_of(&contents.models))?;
    let beside = to.with_added_extension("part");
    let written = write(models, &contents, &key, &beside, cancel, progress);
    let placed = written.and_then(|bytes| {
        fs::rename(&beside, to).map_err(|error| BundleError::file(to, error))?;
        Ok(bytes)
    });
    if placed.is_err() {
        let _ = fs::remove_file(&beside);
    }
    let models = models.iter().map(|model| model.entry.id.clone()).collect();
    Ok(Packed { models, bytes: placed?, fingerprint: seal::fingerprint(&key.verifying_key()) })
}

fn carried(model: &Installed) -> Carried {
    let mut entry = model.entry.clone();
    // A folder of this machine says nothing to another.
    entry.sources.retain(|source| !matches!(source, Source::Path { .. }));
    Carried { entry, source: model.source.clone(), revision: model.revision.clone(), files: model.files.clone() }
}

fn write(
    models: &[Installed],
    contents: &Contents,
    key: &ed25519_dalek::SigningKey,
    beside: &Path,
    cancel: &Cancel,
    progress: &mut dyn FnMut(Progress),
) -> Result<u64, BundleError> {
    let failed = |error| BundleError::file(beside, error);
    let list = serde_json::to_vec_pretty(contents).map_err(|error| failed(error.into()))?;
    if list.len() as u64 > CONTENTS_BYTES {
        return Err(BundleError::List { reason: "it is too long; pack fewer models at once".into() });
    }
    let seal =
        serde_json::to_vec_pretty(&Seal::over(key, seal::DOMAIN, &list)).map_err(|error| failed(error.into()))?;
    let file = File::create(beside).map_err(failed)?;
    let mut tar = tar::Builder::new(BufWriter::with_capacity(1 << 20, file));
    add(&mut tar, CONTENTS, list.len() as u64, list.as_slice()).map_err(failed)?;
    add(&mut tar, SEAL, seal.len() as u64, seal.as_slice()).map_err(failed)?;
    let total_bytes = bytes_of(&contents.models);
    let mut done_bytes = 0;
    for (model, carried) in models.iter().zip(&contents.models) {
        for file in &model.files {
            let place = model.path_of(file);
            let source = File::open(&place).map_err(|error| BundleError::file(&place, error))?;
            let mut report = |read| {
                done_bytes += read;
                progress(Progress { step: Step::Checking, file: file.name.clone(), done_bytes, total_bytes });
            };
            let mut source =
                Hashed { source: source.take(file.size), hash: Sha256::new(), cancel, report: &mut report };
            let added = add(&mut tar, &carried.path(file), file.size, &mut source);
            let found = BlobHash(source.hash.finalize().into());
            if cancel.is_cancelled() {
                return Err(BundleError::Cancelled);
            }
            // A file that became shorter ends the copy with an error of its own; the hash tells them apart from a full disk.
            match added {
                Ok(()) if found == file.sha256 => {}
                Err(error) if error.kind() != io::ErrorKind::UnexpectedEof => return Err(failed(error)),
                _ => return Err(BundleError::NotWhole { id: model.entry.id.0.clone(), file: file.name.clone() }),
            }
        }
    }
    let file = tar.into_inner().map_err(failed)?.into_inner().map_err(|error| failed(error.into_error()))?;
    file.sync_all().map_err(failed)?;
    Ok(file.metadata().map_err(failed)?.len())
}

/// Adds an entry with nothing in it that differs from one packing to the next.
fn add<W: Write>(tar: &mut tar::Builder<W>, path: &str, size: u64, mut bytes: impl Read) -> io::Result<()> {
    let mut header = tar::Header::new_ustar();
    header.set_path(path)?;
    header.set_size(size);
    header.set_mode(0o644);
    header.set_mtime(0);
    header.set_entry_type(tar::EntryType::Regular);
    header.set_cksum();
    let copied = {
        let mut counted = Counted { source: &mut bytes, read: 0 };
        tar.append(&header, &mut counted)?;
        counted.read
    };
    if copied == size { Ok(()) } else { Err(io::ErrorKind::UnexpectedEof.into()) }
}

/// Counts what was read.
struct Counted<'a, R> {
    source: &'a mut R,
    read: u64,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        let read = self.source.read(into)?;
        self.read += read as u64;
        Ok(read)
    }
}

/// Hashes what is read, and ends when the person stops it.
struct Hashed<'a> {
    source: io::Take<File>,
    hash: Sha256,
    cancel: &'a Cancel,
    report: &'a mut dyn FnMut(u64),
}

impl Read for Hashed<'_> {
    fn read(&mut self, into: &mut [u8]) -> io::Result<usize> {
        if self.cancel.is_cancelled() {
            return Err(io::Error::other("stopped"));
        }
        let read = self.source.read(into)?;
        self.hash.update(into.get(..read).unwrap_or_default());
        (self.report)(read as u64);
        Ok(read)
    }
}

//! Bytes on their way to a file: a part that can be continued, a hash over the whole, and one step from part to file.

use crate::cancel::Cancel;
use crate::error::DownloadError;
use hearth_domain::BlobHash;
use sha1::Sha1;
use sha2::{Digest, Sha256};
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

/// What the bytes of a file must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Check {
    /// This SHA-256.
    Sha256(BlobHash),
    /// This git object id: SHA-1 over `blob SIZE\0` and the bytes, hexadecimal.
    GitBlob(String),
}

/// A file that is to come: its name, its size and what its bytes must be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Expected {
    pub(crate) name: String,
    pub(crate) size: u64,
    pub(crate) check: Check,
}

/// A file being written beside its place. Dropping it keeps the part.
pub(crate) struct Part {
    file: File,
    path: PathBuf,
    place: PathBuf,
    hash: Sha256,
    len: u64,
}

impl Part {
    /// Continues the part of `folder/name`, or begins one. A part of other bytes than those expected now is begun anew.
    pub(crate) fn open(folder: &Path, expected: &Expected, cancel: &Cancel) -> Result<Self, DownloadError> {
        fs::create_dir_all(folder).map_err(|error| DownloadError::file(folder, error))?;
        let place = folder.join(&expected.name);
        let path = folder.join(format!("{}.part", expected.name));
        let failed = |error| DownloadError::file(&path, error);
        let file =
            OpenOptions::new().read(true).write(true).create(true).truncate(false).open(&path).map_err(failed)?;
        match file.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => return Err(DownloadError::Busy(expected.name.clone())),
            // A file system without locks: two fetches at once would be caught by the hash.
            Err(TryLockError::Error(_)) => {}
        }
        let mut part = Self { file, path, place, hash: Sha256::new(), len: 0 };
        let noted = fs::read_to_string(part.note()).unwrap_or_default();
        let note = note(expected);
        if noted == note {
            part.read_back(expected.size, cancel)?;
        } else {
            part.restart()?;
            fs::write(part.note(), note).map_err(|error| DownloadError::file(&part.note(), error))?;
        }
        Ok(part)
    }

    /// Bytes that are there.
    pub(crate) fn len(&self) -> u64 {
        self.len
    }

    /// Adds bytes at the end.
    pub(crate) fn write(&mut self, bytes: &[u8]) -> Result<(), DownloadError> {
        self.file.write_all(bytes).map_err(|error| DownloadError::file(&self.path, error))?;
        self.hash.update(bytes);
        self.len += bytes.len() as u64;
        Ok(())
    }

    /// Throws away what is there.
    pub(crate) fn restart(&mut self) -> Result<(), DownloadError> {
        let emptied = self.file.set_len(0).and_then(|()| self.file.seek(SeekFrom::Start(0)));
        emptied.map_err(|error| DownloadError::file(&self.path, error))?;
        self.hash = Sha256::new();
        self.len = 0;
        Ok(())
    }

    /// Checks the whole and puts it in its place. Wrong bytes are thrown away.
    pub(crate) fn finish(mut self, expected: &Expected) -> Result<(PathBuf, BlobHash), DownloadError> {
        let found = BlobHash(std::mem::take(&mut self.hash).finalize().into());
        let wrong = if self.len != expected.size {
            Some(DownloadError::Size { file: expected.name.clone(), expected: expected.size, found: self.len })
        } else {
            let right = match &expected.check {
                Check::Sha256(hash) => *hash == found,
                Check::GitBlob(id) => self.git_blob()? == *id,
            };
            let named = match &expected.check {
                Check::Sha256(hash) => hash.to_string(),
                Check::GitBlob(id) => format!("that of git object {id}"),
            };
            (!right).then(|| DownloadError::Mismatch { file: expected.name.clone(), expected: named, found })
        };
        if let Some(error) = wrong {
            self.discard();
            return Err(error);
        }
        let placed = self.file.sync_all().and_then(|()| fs::rename(&self.path, &self.place));
        placed.map_err(|error| DownloadError::file(&self.place, error))?;
        let _ = fs::remove_file(self.note());
        sync_folder(&self.place);
        Ok((self.place, found))
    }

    fn discard(&self) {
        let _ = fs::remove_file(&self.path);
        let _ = fs::remove_file(self.note());
    }

    fn note(&self) -> PathBuf {
        self.path.with_added_extension("for")
    }

    /// Hashes what is already there.
    fn read_back(&mut self, most: u64, cancel: &Cancel) -> Result<(), DownloadError> {
        let mut buffer = vec![0u8; 1 << 20];
        loop {
            if cancel.is_cancelled() {
                return Err(DownloadError::Cancelled);
            }
            let read = self.file.read(&mut buffer).map_err(|error| DownloadError::file(&self.path, error))?;
            let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else { break };
            self.hash.update(bytes);
            self.len += read as u64;
        }
        if self.len > most { self.restart() } else { Ok(()) }
    }

    fn git_blob(&mut self) -> Result<String, DownloadError> {
        let failed = |error| DownloadError::file(&self.path, error);
        let mut hash = Sha1::new();
        hash.update(format!("blob {}\0", self.len));
        self.file.seek(SeekFrom::Start(0)).map_err(failed)?;
        let mut buffer = vec![0u8; 1 << 16];
        loop {
            let read = self.file.read(&mut buffer).map_err(failed)?;
            let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else { break };
            hash.update(bytes);
        }
        Ok(hash.finalize().iter().map(|byte| format!("{byte:02x}")).collect())
    }
}

/// Which bytes a part is of, so that a part of others is not continued.
fn note(expected: &Expected) -> String {
    match &expected.check {
        Check::Sha256(hash) => format!("{} sha256 {hash}\n", expected.size),
        Check::GitBlob(id) => format!("{} git {id}\n", expected.size),
    }
}

/// Makes a rename survive a power cut, where the system lets a folder be synced.
fn sync_folder(place: &Path) {
    if let Some(folder) = place.parent().and_then(|folder| File::open(folder).ok()) {
        let _ = folder.sync_all();
    }
}

/// Hashes a file. `cancel` is looked at between blocks.
pub(crate) fn sha256_of(path: &Path, cancel: &Cancel) -> Result<(u64, BlobHash), DownloadError> {
    let failed = |error| DownloadError::file(path, error);
    let mut file = File::open(path).map_err(failed)?;
    let mut hash = Sha256::new();
    let mut buffer = vec![0u8; 1 << 20];
    let mut len = 0u64;
    loop {
        if cancel.is_cancelled() {
            return Err(DownloadError::Cancelled);
        }
        let read = file.read(&mut buffer).map_err(failed)?;
        let Some(bytes) = buffer.get(..read).filter(|bytes| !bytes.is_empty()) else { break };
        hash.update(bytes);
        len += read as u64;
    }
    Ok((len, BlobHash(hash.finalize().into())))
}

/// Refuses at once what the disk cannot hold, with a little left over.
pub(crate) fn room_for(folder: &Path, needed_bytes: u64) -> Result<(), DownloadError> {
    const LEFT_OVER: u64 = 64 << 20;
    fs::create_dir_all(folder).map_err(|error| DownloadError::file(folder, error))?;
    match free_bytes(folder) {
        Some(free) if free < needed_bytes.saturating_add(LEFT_OVER) => {
            Err(DownloadError::DiskFull { folder: folder.to_owned(), needed_bytes })
        }
        _ => Ok(()),
    }
}

#[cfg(unix)]
fn free_bytes(folder: &Path) -> Option<u64> {
    let disk = rustix::fs::statvfs(folder).ok()?;
    disk.f_bavail.checked_mul(disk.f_frsize)
}

#[cfg(not(unix))]
fn free_bytes(_: &Path) -> Option<u64> {
    None
}

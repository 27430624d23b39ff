//! Why a bundle was not made or not taken, in sentences for the person who carried it.

use crate::error::DownloadError;
use std::io;
use std::path::{Path, PathBuf};

/// Why a bundle was not made or not taken. Nothing half-done is left behind.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// It does not begin as a bundle does.
    #[error("{} is not a bundle of models: {reason}", .path.display())]
    NotABundle {
        /// The file.
        path: PathBuf,
        /// What it lacks.
        reason: String,
    },
    /// A newer program made it.
    #[error("the bundle was made by a newer Hearth (format {format}); update this one to read it")]
    Newer {
        /// Its format.
        format: u32,
    },
    /// Its list of contents says what cannot be.
    #[error("the bundle's list of contents is wrong: {reason}. Nothing was taken from it")]
    List {
        /// What.
        reason: String,
    },
    /// Its signature is not over its list of contents.
    #[error(
        "the bundle's list of contents was changed after it was signed, or its signature is damaged. Nothing was taken from it; carry it over again"
    )]
    Signature,
    /// A house signed it that this one does not know.
    #[error("the bundle was packed by another house, whose key has the fingerprint {fingerprint}")]
    UnknownSigner {
        /// SHA-256 of its public key.
        fingerprint: String,
    },
    /// A fingerprint that was given is none.
    #[error("{0} is not a fingerprint: it has 64 hexadecimal digits, in groups")]
    NotAFingerprint(String),
    /// The bundle ends too early.
    #[error("the bundle is cut off at {file}. Nothing was taken from it; carry it over again")]
    CutOff {
        /// Where.
        file: String,
    },
    /// A file's bytes are not those that the list names.
    #[error(
        "{file} is damaged in the bundle: its bytes are not those that were signed. Nothing was taken from it; carry it over again"
    )]
    Damaged {
        /// Which.
        file: String,
    },
    /// It holds something that its list does not name at that place.
    #[error("the bundle holds {found:?} where {expected} belongs. Nothing was taken from it")]
    Unexpected {
        /// What it holds.
        found: String,
        /// What belongs there.
        expected: String,
    },
    /// It calls other bytes by the name of a model of the catalogue.
    #[error("the bundle's {id} is not the model that the catalogue knows by this name. Nothing was taken from it")]
    OtherBytes {
        /// The model.
        id: String,
    },
    /// A model to be packed is not here.
    #[error("{0} is not installed; `hearth models list` shows what is")]
    NotInstalled(String),
    /// A model to be packed is not what it was when it was installed.
    #[error("{id} is damaged ({file}); remove it and get it again before packing it")]
    NotWhole {
        /// The model.
        id: String,
        /// Its file.
        file: String,
    },
    /// The bundle's name is taken.
    #[error("{} is there already; name another file, or remove it first", .0.display())]
    Exists(PathBuf),
    /// The disk has no room.
    #[error("the disk that holds {} has no room: {needed_bytes} bytes are needed. Make room and start again", .folder.display())]
    NoRoom {
        /// Where it was to go.
        folder: PathBuf,
        /// Bytes, where known, else 0.
        needed_bytes: u64,
    },
    /// The house's key is not one.
    #[error("{} does not hold the key that signs bundles; move it away, and a new key is made", .0.display())]
    Key(PathBuf),
    /// Another program is unpacking.
    #[error("another bundle is being unpacked; try again when that has ended")]
    Busy,
    /// The person stopped it.
    #[error("stopped; nothing was taken")]
    Cancelled,
    /// A file could not be read or written.
    #[error("{}: {source}", .path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
}

impl BundleError {
    /// An error of the file system at a path; a full disk is told apart.
    pub(super) fn file(path: &Path, source: io::Error) -> Self {
        DownloadError::file(path, source).into()
    }
}

impl From<DownloadError> for BundleError {
    /// What copying and hashing of files says.
    fn from(error: DownloadError) -> Self {
        match error {
            DownloadError::DiskFull { folder, needed_bytes } => Self::NoRoom { folder, needed_bytes },
            DownloadError::File { path, source } => Self::File { path, source },
            DownloadError::Cancelled => Self::Cancelled,
            other => Self::List { reason: other.to_string() },
        }
    }
}

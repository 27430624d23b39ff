//! Why a model did not arrive, in sentences for the person who asked for it.

use crate::gate::GateError;
use hearth_domain::BlobHash;
use std::io;
use std::path::{Path, PathBuf};

/// Why a model, or a file of it, did not arrive. Parts that did arrive are kept and continued from next time, except
/// where their bytes are wrong.
#[derive(Debug, thiserror::Error)]
pub enum DownloadError {
    /// The person stopped it. What has arrived is kept.
    #[error("the download was stopped; what has arrived is kept, and the next start continues from there")]
    Cancelled,
    /// The gate did not let it through, or the network failed.
    #[error(transparent)]
    Gate(#[from] GateError),
    /// The other side answered with an error.
    #[error("{place} answered with status {status}")]
    Status {
        /// What was asked for.
        place: String,
        /// The HTTP status.
        status: u16,
    },
    /// The disk has no room for it.
    #[error("the disk that holds {} is full; {needed_bytes} more bytes are needed. Make room and start again: what has arrived is kept", .folder.display())]
    DiskFull {
        /// Where it was to go.
        folder: PathBuf,
        /// Bytes still to come, where that is known, else 0.
        needed_bytes: u64,
    },
    /// The bytes are not those that were expected. They were thrown away.
    #[error("{file} is damaged or is not the file that the catalogue names: its SHA-256 is {found}, not {expected}")]
    Mismatch {
        /// The file.
        file: String,
        /// The hash that it should have.
        expected: String,
        /// The hash that it has.
        found: BlobHash,
    },
    /// The file is longer or shorter than expected. It was thrown away.
    #[error("{file} has {found} bytes, not {expected}")]
    Size {
        /// The file.
        file: String,
        /// The size that it should have.
        expected: u64,
        /// The size that it has.
        found: u64,
    },
    /// A source does not hold the file.
    #[error("{place} does not hold {file}")]
    Missing {
        /// The file.
        file: String,
        /// The source.
        place: String,
    },
    /// What the repository says of its files cannot be read, or names no hash.
    #[error("{place} does not say what its files are: {reason}")]
    Metadata {
        /// The repository.
        place: String,
        /// What is wrong.
        reason: String,
    },
    /// The package client is not installed or failed.
    #[error("the package client could not fetch {package}: {reason}")]
    Package {
        /// Name and version.
        package: String,
        /// What it said.
        reason: String,
    },
    /// The file is not a model that Hearth knows how to keep.
    #[error("{} is not a model: {reason}", .path.display())]
    NotAModel {
        /// The file or folder.
        path: PathBuf,
        /// What it lacks.
        reason: &'static str,
    },
    /// A model of this id is here and whole.
    #[error("{0} is installed already; remove it first to take it from another place")]
    Already(String),
    /// Someone else is fetching the same file.
    #[error("{0} is already being fetched")]
    Busy(String),
    /// A file could not be read or written.
    #[error("{}: {source}", .path.display())]
    File {
        /// Which.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// Every source failed.
    #[error("{model} could not be fetched from any of its sources. {}", sentences(.tried))]
    NoSource {
        /// The model's name.
        model: String,
        /// Each source with what went wrong there.
        tried: Vec<(String, DownloadError)>,
    },
}

fn sentences(tried: &[(String, DownloadError)]) -> String {
    let all: Vec<_> = tried.iter().map(|(source, error)| format!("From {source}: {error}.")).collect();
    all.join(" ")
}

impl DownloadError {
    /// An error of the file system at a path; a full disk is told apart.
    pub(crate) fn file(path: &Path, source: io::Error) -> Self {
        if matches!(source.kind(), io::ErrorKind::StorageFull | io::ErrorKind::QuotaExceeded) {
            let folder = path.parent().unwrap_or(path).to_owned();
            return Self::DiskFull { folder, needed_bytes: 0 };
        }
        Self::File { path: path.to_owned(), source }
    }

    /// Whether another source may do better: not when the person, this machine or the record stopped it.
    pub(crate) fn another_source_may_help(&self) -> bool {
        !matches!(
            self,
            Self::Cancelled
                | Self::DiskFull { .. }
                | Self::Busy(_)
                | Self::File { .. }
                | Self::Gate(GateError::Ledger(_))
        )
    }

    /// Whether the same request may do better a little later.
    pub(crate) fn may_pass(&self) -> bool {
        match self {
            Self::Gate(GateError::Network { .. }) => true,
            Self::Status { status, .. } => *status == 429 || *status >= 500,
            _ => false,
        }
    }
}

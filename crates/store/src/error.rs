//! What can go wrong in the store, as something a caller can act on. Not messages for people: the kernel words those.

use thiserror::Error;

/// What the store answers with.
pub type Result<T, E = StoreError> = std::result::Result<T, E>;

/// What went wrong.
#[derive(Debug, Error)]
pub enum StoreError {
    /// The folder holds no vault.
    #[error("there is no vault in this folder")]
    Missing,
    /// The folder holds a vault already; nothing was changed.
    #[error("there is a vault in this folder already")]
    Exists,
    /// The passphrase or the device's key does not open this vault; nothing was changed.
    #[error("the secret does not open this vault")]
    WrongSecret,
    /// This machine has no usable system keyring, or it did not answer in time.
    #[error("there is no usable system keyring here")]
    NoKeyring,
    /// A newer program wrote this file.
    #[error("the vault was written by a newer program; it needs version {version} or later")]
    NeedsNewer {
        /// The oldest version of the program that can open it.
        version: String,
    },
    /// The file is not what was written.
    #[error("the vault is damaged: {what}")]
    Damaged {
        /// What cannot be read.
        what: String,
    },
    /// The disk, or the file's size limit, is full; the transaction was undone.
    #[error("the disk is full")]
    Full,
    /// No such row.
    #[error("there is no {what} {id}")]
    NotFound {
        /// Which sort of thing.
        what: &'static str,
        /// Its id.
        id: i64,
    },
    /// What the caller passed cannot be stored.
    #[error("{0}")]
    Invalid(String),
    /// The operating system refused.
    #[error(transparent)]
    Io(std::io::Error),
    /// The database refused for another reason.
    #[error(transparent)]
    Sql(rusqlite::Error),
}

impl From<rusqlite::Error> for StoreError {
    fn from(error: rusqlite::Error) -> Self {
        use rusqlite::ErrorCode;
        match error.sqlite_error_code() {
            Some(ErrorCode::DiskFull) => Self::Full,
            Some(ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase) => Self::Damaged { what: error.to_string() },
            _ => Self::Sql(error),
        }
    }
}

impl From<std::io::Error> for StoreError {
    fn from(error: std::io::Error) -> Self {
        match error.kind() {
            std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => Self::Full,
            _ => Self::Io(error),
        }
    }
}

//! One Hearth for each data folder: an advisory lock that the system drops when the process dies.

use crate::error::io;
use hearth_api::{Error, ErrorCode};
use std::fs::{File, OpenOptions, TryLockError};
use std::io::ErrorKind;
use std::path::Path;

/// Holds the folder until dropped.
pub(crate) struct FolderLock(#[allow(dead_code)] File);

impl FolderLock {
    /// Takes the folder, making it where it is missing.
    ///
    /// # Errors
    /// `InUse` when another Hearth holds it; otherwise what the file system says.
    pub(crate) fn take(folder: &Path) -> Result<Self, Error> {
        std::fs::create_dir_all(folder).map_err(|error| not_ours(&error, "make", folder, folder))?;
        private(folder);
        let path = folder.join("hearth.lock");
        let file = OpenOptions::new()
            .create(true)
            .truncate(false)
            .write(true)
            .open(&path)
            .map_err(|error| not_ours(&error, "open", &path, folder))?;
        match file.try_lock() {
            Ok(()) => Ok(Self(file)),
            Err(TryLockError::WouldBlock) => {
                Err(Error::new(ErrorCode::InUse, format!("Another Hearth has {} open.", folder.display()))
                    .hint("Use its window, or close it first; or choose another folder with --data-dir."))
            }
            Err(TryLockError::Error(error)) => Err(io(&error, "lock", &path)),
        }
    }
}

/// What to do where the folder cannot be written to.
fn not_ours(error: &std::io::Error, verb: &str, path: &Path, folder: &Path) -> Error {
    let made = io(error, verb, path);
    match error.kind() {
        ErrorKind::PermissionDenied | ErrorKind::ReadOnlyFilesystem => made.hint(format!(
            "Hearth keeps its vault in {}, also to read it, and has to write there. Give yourself the right to write to \
             that folder, or choose another one with --data-dir.",
            folder.display()
        )),
        ErrorKind::NotFound | ErrorKind::NotADirectory => made.hint("Choose another folder with --data-dir."),
        _ => made,
    }
}

/// Nobody but this person looks into the folder.
#[cfg(unix)]
fn private(folder: &Path) {
    use std::os::unix::fs::PermissionsExt;
    if let Err(error) = std::fs::set_permissions(folder, std::fs::Permissions::from_mode(0o700)) {
        tracing::warn!(%error, "the data folder could not be made private");
    }
}

#[cfg(not(unix))]
fn private(_: &Path) {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_hearth_is_told_so() {
        let folder = tempfile::tempdir().unwrap();
        let first = FolderLock::take(folder.path()).unwrap();
        let refused = FolderLock::take(folder.path()).err().unwrap();
        assert_eq!(refused.code, ErrorCode::InUse);
        drop(first);
        assert!(FolderLock::take(folder.path()).is_ok());
    }
}

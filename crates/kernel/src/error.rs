//! How the organs' errors become errors of the door: what failed, why, what to do. A full disk keeps its name whichever
//! organ met it.

use crate::models::sentence;
use hearth_api::{Error, ErrorCode};
use hearth_store::StoreError;
use std::path::Path;

/// A failed file operation, named: "Could not open X: permission denied."
pub(crate) fn io(error: &std::io::Error, verb: &str, path: &Path) -> Error {
    let code = match error.kind() {
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => ErrorCode::DiskFull,
        std::io::ErrorKind::NotFound => ErrorCode::NotFound,
        _ => ErrorCode::Unavailable,
    };
    let made = Error::new(code, format!("Could not {verb} {}: {}.", path.display(), plain(error)));
    match code {
        ErrorCode::DiskFull => made.hint("Free some space on this disk and try again. Nothing was lost."),
        _ => made,
    }
}

/// The system's words without its number.
fn plain(error: &std::io::Error) -> String {
    let text = error.to_string();
    match text.find(" (os error") {
        Some(at) => text[..at].to_lowercase(),
        None => text,
    }
}

/// What the store says, at the door.
pub(crate) fn store(error: StoreError) -> Error {
    let message = error.to_string();
    match error {
        StoreError::WrongSecret => Error::new(ErrorCode::WrongPassphrase, "This passphrase does not open the vault.")
            .hint("Nothing was changed. Check capitals and keyboard layout, and try again."),
        StoreError::Missing => Error::new(ErrorCode::NotFound, "There is no vault here yet."),
        StoreError::Full => Error::new(ErrorCode::DiskFull, "The disk is full; the last change was not kept.")
            .hint("Free some space and try again. Everything kept before is intact."),
        StoreError::NeedsNewer { .. } => {
            Error::new(ErrorCode::NewerFile, sentence(&message)).hint("Install the newer Hearth.")
        }
        StoreError::Damaged { .. } => Error::new(ErrorCode::Damaged, sentence(&message))
            .hint("Nothing was changed. Repair the vault (`hearth doctor --repair`), or put a backup in its place."),
        StoreError::NotFound { .. } => Error::new(ErrorCode::NotFound, sentence(&message)),
        other => internal(other),
    }
}

/// A defect or something unforeseen: the log has the details under an id.
pub(crate) fn internal(error: impl std::fmt::Display) -> Error {
    let id = incident();
    tracing::error!(incident = %id, %error, "unforeseen");
    Error::new(ErrorCode::Internal, format!("Something Hearth did not foresee: {error} (incident {id})."))
        .hint("Your data is kept. The log names this incident.")
}

/// A short id to find in the log.
pub(crate) fn incident() -> String {
    use std::sync::atomic::{AtomicU64, Ordering};
    static NEXT: AtomicU64 = AtomicU64::new(0);
    format!("{:x}-{}", crate::clock::now_ms() & 0xff_ffff, NEXT.fetch_add(1, Ordering::Relaxed))
}

/// There is no such thing (any more).
pub(crate) fn missing(what: &str) -> Error {
    Error::new(ErrorCode::NotFound, format!("This {what} is not there any more."))
}

/// The vault is locked.
pub(crate) fn locked() -> Error {
    Error::new(ErrorCode::Locked, "The vault is locked.").hint("Unlock it first.")
}

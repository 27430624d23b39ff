//! How a command ends, as an exit code.

use hearth_api::{Error, ErrorCode};
use std::process::ExitCode;

/// How a command ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum End {
    /// All of it was done.
    Done = 0,
    /// Some of it failed.
    Failed = 1,
    /// The vault is locked, or the passphrase is another one.
    Locked = 3,
    /// There is nothing to show.
    Nothing = 4,
}

impl End {
    /// The end that an error is.
    pub(crate) fn of(error: &Error) -> Self {
        match error.code {
            ErrorCode::Locked | ErrorCode::WrongPassphrase => End::Locked,
            _ => End::Failed,
        }
    }

    /// For the system.
    pub(crate) fn code(self) -> ExitCode {
        ExitCode::from(self as u8)
    }
}

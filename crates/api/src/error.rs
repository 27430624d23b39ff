//! The one shape of an error at the door.

use serde::{Deserialize, Serialize};
use std::fmt;
use ts_rs::TS;

/// What went wrong, for a program to switch on. Denied, cancelled and "your documents do not say" are replies, not errors.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
pub enum ErrorCode {
    /// The vault is locked: unlock it first.
    Locked,
    /// The passphrase is not the one that locks this vault.
    WrongPassphrase,
    /// There is a vault here already.
    AlreadyExists,
    /// The thing asked for is not there (any more).
    NotFound,
    /// The command's arguments make no sense.
    Invalid,
    /// This shell cannot do that (no dialogs without a window).
    Unavailable,
    /// A rule forbids it.
    Denied,
    /// The disk is full.
    DiskFull,
    /// The data file is damaged.
    Damaged,
    /// A newer Hearth wrote this file.
    NewerFile,
    /// Another Hearth has this folder open.
    InUse,
    /// The model's files are missing or not what they should be.
    ModelMissing,
    /// Not enough free memory for the model.
    NoMemory,
    /// The engine or reader process died.
    ProcessDied,
    /// A defect in Hearth; the message carries an id to look for in the log.
    Internal,
}

/// An error as the interface shows it: it switches on `code` only.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Error {
    /// For programs.
    pub code: ErrorCode,
    /// What failed and why, one plain sentence.
    pub message: String,
    /// What to do about it.
    pub hint: Option<String>,
}

impl Error {
    /// Makes an error without a hint.
    pub fn new(code: ErrorCode, message: impl Into<String>) -> Self {
        Self { code, message: message.into(), hint: None }
    }

    /// Adds what to do about it.
    pub fn hint(mut self, hint: impl Into<String>) -> Self {
        self.hint = Some(hint.into());
        self
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)?;
        match &self.hint {
            Some(hint) => write!(f, " {hint}"),
            None => Ok(()),
        }
    }
}

impl std::error::Error for Error {}

//! Why a file could not be read, in a form that code can switch on and a person can act on.

use serde::{Deserialize, Serialize};

/// Why a file could not be read. `Display` is one plain sentence that says what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[serde(tag = "code", rename_all = "snake_case")]
pub enum ReadError {
    /// There is nothing in it.
    #[error("This file is empty. Check that it was saved or downloaded completely.")]
    Empty,
    /// A kind of file that is not read here.
    #[error("{what} cannot be read. Save or export it as PDF, DOCX, XLSX, PPTX, ODT or plain text, then add that.")]
    Unsupported {
        /// What it is, as the beginning of a sentence, such as `An old Word document (.doc)`.
        what: String,
    },
    /// It needs a password and none was given.
    #[error("This file is protected. Give its password to read it.")]
    Encrypted,
    /// The password given does not open it.
    #[error("This password does not open the file. Check it and try again.")]
    WrongPassword,
    /// Its structure is broken or cut off.
    #[error("This file is damaged ({why}). Get a fresh copy, or open it in its own program and save it again.")]
    Damaged {
        /// What is wrong, as a clause.
        why: String,
    },
    /// What it holds is larger than the reader may keep.
    #[error("This file holds more than {} MB of text. Split it into smaller files.", limit_bytes / 1_000_000)]
    TooLarge {
        /// The limit in bytes.
        limit_bytes: u64,
    },
    /// It unpacks into far more than a real document does.
    #[error("This file was refused because {why}. Do not open it unless you trust where it came from.")]
    Bomb {
        /// What it does, as a clause.
        why: String,
    },
    /// There are pages, but no text on them.
    #[error("This file has {pages} page(s) and no text on them. There is nothing in it to ask about.")]
    NoText {
        /// How many pages it has.
        pages: u32,
    },
    /// A person stopped it.
    #[error("Reading was cancelled.")]
    Cancelled,
}

impl ReadError {
    /// The word that stands for this error on the wire and in tests.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Empty => "empty",
            Self::Unsupported { .. } => "unsupported",
            Self::Encrypted => "encrypted",
            Self::WrongPassword => "wrong_password",
            Self::Damaged { .. } => "damaged",
            Self::TooLarge { .. } => "too_large",
            Self::Bomb { .. } => "bomb",
            Self::NoText { .. } => "no_text",
            Self::Cancelled => "cancelled",
        }
    }

    pub(crate) fn damaged(why: impl Into<String>) -> Self {
        Self::Damaged { why: why.into() }
    }

    pub(crate) fn unsupported(what: impl Into<String>) -> Self {
        Self::Unsupported { what: what.into() }
    }
}

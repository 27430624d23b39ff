//! Words about the vault: the one encrypted file.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// How the vault stands.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum VaultState {
    /// There is none yet: first run.
    Fresh {
        /// Whether this machine has a keyring that can hold the key.
        device: bool,
    },
    /// It is locked.
    Locked {
        /// A passphrase opens it.
        passphrase: bool,
        /// This machine's keyring opens it.
        device: bool,
    },
    /// It is open.
    Open {
        /// A passphrase opens it.
        passphrase: bool,
        /// This machine's keyring opens it.
        device: bool,
        /// When it locks by itself unless used, if ever.
        locks_at_ms: Option<i64>,
    },
    /// It cannot be opened as it is.
    Unusable {
        /// Why, and what is safe.
        error: super::Error,
    },
}

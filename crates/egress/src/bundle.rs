//! Bundles: models carried to a machine without a network, in one tar file. Its first entry names every file with size and
//! hash, its second is the packing house's signature over the first, then the files follow in that order and nothing else.
//!
//! ```text
//! hearth-models.json   Contents as JSON
//! hearth-models.sig    Seal as JSON: the public key, and its Ed25519 signature over "hearth models bundle 1\n" and the
//!                      bytes of hearth-models.json
//! MODEL/FILE           each file of each model
//! ```

mod error;
mod letter;
mod pack;
mod seal;
#[cfg(test)]
mod tests;
mod unpack;

pub use error::BundleError;
pub use letter::{Letter, LetterError, house_fingerprint, open_letter, write_letter};
pub use pack::{Packed, pack};
pub use seal::{Seal, spelled};
pub use unpack::{Unpacked, unpack};

use crate::install::{InstalledFile, RECORD};
use crate::manifest::{self, ModelEntry, Source, is_plain_name};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

/// The version of bundles that this program makes and reads.
const FORMAT: u32 = 1;
/// The entry that names all others.
const CONTENTS: &str = "hearth-models.json";
/// The entry that signs it.
const SEAL: &str = "hearth-models.sig";
/// More bytes than the list of any bundle has.
const CONTENTS_BYTES: u64 = 1 << 20;
/// More bytes than a signature has.
const SEAL_BYTES: u64 = 4096;
/// Models in one bundle, at most.
const MAX_MODELS: usize = 256;
/// Files of one model, at most.
const MAX_FILES: usize = 64;

/// What a bundle holds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Contents {
    format: u32,
    models: Vec<Carried>,
}

/// One model of a bundle: what it is (name, roles, licence, ...), where its house had it from, its files.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Carried {
    entry: ModelEntry,
    source: String,
    revision: Option<String>,
    files: Vec<InstalledFile>,
}

impl Carried {
    /// Where a file lies in the bundle.
    fn path(&self, file: &InstalledFile) -> String {
        format!("{}/{}", self.entry.id.0, file.name)
    }
}

/// Bytes of all files of these models.
fn bytes_of<'a>(models: impl IntoIterator<Item = &'a Carried>) -> u64 {
    let files = models.into_iter().flat_map(|model| &model.files);
    files.fold(0u64, |sum, file| sum.saturating_add(file.size))
}

impl Contents {
    /// Takes a list whose names are plain and stand there once.
    fn check(&self) -> Result<(), BundleError> {
        let refuse = |what: &str, reason: &str| Err(BundleError::List { reason: format!("{what} {reason}") });
        if self.models.is_empty() || self.models.len() > MAX_MODELS {
            return refuse("it", "names no model, or too many");
        }
        let mut seen = BTreeSet::new();
        for model in &self.models {
            let id = &model.entry.id.0;
            if let Err(reason) = manifest::check(&model.entry) {
                return refuse(id, &reason);
            }
            if !seen.insert(id.clone()) {
                return refuse(id, "stands there twice");
            }
            if model.files.is_empty() || model.files.len() > MAX_FILES {
                return refuse(id, "has no files, or too many");
            }
            if model.entry.sources.iter().any(|source| matches!(source, Source::Path { .. })) {
                return refuse(id, "names a folder of another machine");
            }
            let mut names = BTreeSet::new();
            for file in &model.files {
                // Some disks do not tell capitals from small letters.
                let name = file.name.to_ascii_lowercase();
                if !is_plain_name(&file.name) || name.starts_with(RECORD) || !names.insert(name) {
                    return refuse(id, "has a file whose name cannot be taken, or twice the same");
                }
            }
        }
        Ok(())
    }
}

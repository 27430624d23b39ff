//! The only room that opens outbound sockets: one gate, one ledger. Nothing is sent unless the law allows it and the
//! ledger has written it down first; every address is checked after its name was resolved, every redirect goes through
//! the gate again.
//!
//! It fetches models: the manifest that names them, downloads that resume and are checked byte for byte, models brought
//! from a disk or in a signed bundle. It speaks with providers, models that run elsewhere, and tells a collector on this
//! machine. It decides nothing (that is the law's part) and keeps no records of its own (the ledger's).

mod address;
mod bundle;
mod cancel;
mod download;
mod elsewhere;
mod error;
mod fetch;
mod found;
mod gate;
mod hub;
mod install;
mod keep;
mod law;
mod manifest;
pub mod provider;
mod sentence;
mod spans;
mod wheel;

pub use address::{is_own_network, is_public};
pub use bundle::{
    BundleError, Letter, LetterError, Packed, Seal, Unpacked, house_fingerprint, open_letter, pack, spelled, unpack,
    write_letter,
};
pub use cancel::Cancel;
pub use download::{Progress, Step, download, fetch_defaults};
pub use elsewhere::{Elsewhere, add_here};
pub use error::DownloadError;
pub use found::{Found, Program, found, usual_places};
pub use gate::{Admitted, Clock, Counts, Gate, GateError, GateSettings, Get, Key, Patience, Post, Reach, Reply};
pub use install::{Added, Installed, InstalledFile, add_from, check_files, installed, remove};
pub use law::{Attempt, Law, Ledger, LedgerError, Outbound, Outcome, Purpose, Settled, Verdict};
pub use manifest::{Manifest, ManifestError, ModelEntry, ModelFile, Pooling, Source};
pub use spans::{NotTaken, collector, tell};

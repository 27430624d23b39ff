//! What people chose for models and what was measured of them: one small file beside the models. Nothing in it is private.

use crate::error;
use hearth_api::Error;
use hearth_domain::{ModelId, Role};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard};

/// What a model was seen to do while it answered.
#[derive(Debug, Clone, Copy, Default, PartialEq, Serialize, Deserialize)]
pub(crate) struct Speed {
    /// Tokens read a second.
    pub(crate) reads: Option<f32>,
    /// Tokens written a second; passages for models that read them.
    pub(crate) writes: Option<f32>,
}

/// What a short run of a model gave. It holds for these weights on this machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Measured {
    /// The weights' SHA-256.
    pub(crate) sha256: Option<String>,
    /// The machine, in words: see [`crate::machine::name`].
    pub(crate) machine: String,
    /// When.
    pub(crate) at_ms: i64,
    /// Milliseconds until the process was ready.
    pub(crate) load_ms: u64,
    /// Tokens read a second, by models that write.
    pub(crate) reads: Option<f32>,
    /// Tokens written a second; passages for models that read them.
    pub(crate) writes: f32,
    /// The most memory that the process held, bytes.
    pub(crate) peak_bytes: u64,
    /// Tokens that were in its context then.
    pub(crate) tokens: u32,
    /// Where it computed, in the engine's words.
    pub(crate) place: String,
}

/// What is kept.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(crate) struct Kept {
    /// Who was chosen for which part. An empty name stands for nobody.
    pub(crate) roles: BTreeMap<Role, ModelId>,
    /// Speeds by model.
    pub(crate) speeds: BTreeMap<ModelId, Speed>,
    /// Measurements by model.
    pub(crate) measured: BTreeMap<ModelId, Measured>,
    /// Tokens of context, where a person chose them.
    pub(crate) contexts: BTreeMap<ModelId, u32>,
}

/// The notes of one folder of models.
pub(crate) struct Notes {
    path: PathBuf,
    kept: Mutex<Kept>,
}

impl Notes {
    /// Reads the notes of a folder; one without any has empty ones.
    pub(crate) fn open(root: &Path) -> Self {
        let path = root.join("choices.json");
        let kept = std::fs::read(&path).ok().and_then(|bytes| serde_json::from_slice(&bytes).ok()).unwrap_or_default();
        Self { path, kept: Mutex::new(kept) }
    }

    /// The notes as they stand.
    pub(crate) fn held(&self) -> MutexGuard<'_, Kept> {
        self.kept.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }

    /// Changes the notes and writes them: whole or not at all.
    pub(crate) fn change(&self, change: impl FnOnce(&mut Kept)) -> Result<(), Error> {
        let mut kept = self.held();
        change(&mut kept);
        let bytes = serde_json::to_vec_pretty(&*kept).map_err(error::internal)?;
        let beside = self.path.with_extension("new");
        let folder = self.path.parent().unwrap_or(Path::new("."));
        std::fs::create_dir_all(folder)
            .and_then(|()| std::fs::write(&beside, bytes))
            .and_then(|()| std::fs::rename(&beside, &self.path))
            .map_err(|error| error::io(&error, "write", &self.path))
    }
}

//! Words of the status bar, the home screen and settings.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// What the status bar always states.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Status {
    /// Hearth's version.
    pub version: String,
    /// The privacy mode.
    pub mode: super::Mode,
    /// The chat model, if one is chosen.
    pub model: Option<ModelStatus>,
    /// Memory in use.
    pub memory: MemoryUse,
    /// How the vault stands.
    pub vault: super::VaultState,
    /// Bytes sent out today, by any process of Hearth.
    pub bytes_out_today: u64,
    /// Files being read or waiting; where there are none, passages that another embedder embeds again.
    pub indexing: Option<Progress>,
    /// Downloads under way.
    pub downloads: Option<Progress>,
    /// Where Hearth keeps its data.
    pub data_dir: String,
    /// Whether this shell can open file dialogs.
    pub dialogs: bool,
}

/// How much of something is done.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, TS)]
pub struct Progress {
    /// Done so far.
    pub done: u64,
    /// In all.
    pub total: u64,
}

/// The chat model as the status bar shows it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct ModelStatus {
    /// The model's id.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// What it is doing.
    pub state: ModelState,
}

/// What a model is doing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ModelState {
    /// Its files are not on this machine.
    Missing,
    /// On disk, not in memory.
    Idle,
    /// Being loaded.
    Loading,
    /// Loaded and waiting.
    Ready,
    /// Writing or reading.
    Working,
    /// It did not load or it died.
    Failed {
        /// Why, and what to do.
        error: super::Error,
    },
}

/// Memory of this machine. Bytes.
#[derive(Debug, Clone, Copy, PartialEq, Serialize, Deserialize, TS)]
pub struct MemoryUse {
    /// All processes of Hearth.
    pub hearth_bytes: u64,
    /// All other programs.
    pub others_bytes: u64,
    /// Installed.
    pub total_bytes: u64,
}

/// The home screen of a space.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Home {
    /// The space's name.
    pub space: String,
    /// Documents that can be asked.
    pub documents: u32,
    /// Files that need a person.
    pub need_you: u32,
    /// Files on the way.
    pub on_the_way: u32,
    /// When this space was last asked.
    pub last_visit_ms: Option<i64>,
    /// What changed since, newest first.
    pub changed: Vec<Changed>,
}

/// One thing that changed since the last visit.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Changed {
    /// The document.
    pub document: i64,
    /// Its title.
    pub title: String,
    /// What happened, such as "was added, 28 pages".
    pub what: String,
    /// When.
    pub at_ms: i64,
}

/// What a person chose for the interface. Absent fields keep their defaults.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize, TS)]
#[serde(default)]
pub struct Settings {
    /// `system`, `light` or `dark`.
    pub theme: Option<String>,
    /// 90 to 140.
    pub text_percent: Option<u32>,
    /// Whether single letters are shortcuts.
    pub single_key_shortcuts: Option<bool>,
    /// `sentences` or `ready`: how streaming is announced to a screen reader.
    pub announce: Option<String>,
    /// Minutes without use after which the vault locks; 0 is never.
    pub lock_after_minutes: Option<u32>,
    /// Seconds within which an answer is to be there, where a faster model can; 0 is no limit.
    pub answer_within_s: Option<u32>,
    /// Days for which traces and the details of finished turns are kept; 0 is for as long as the vault.
    pub keep_traces_days: Option<u32>,
    /// Whether answers that are hardly borne out, or that the documents do not give, are handed to a person by themselves.
    pub review_low_support: Option<bool>,
    /// The space that was open last.
    pub last_space: Option<i64>,
    /// Whether the first-run screen has been passed.
    pub welcomed: Option<bool>,
    /// Pane widths by name, in px.
    pub panes: Option<std::collections::BTreeMap<String, u32>>,
}

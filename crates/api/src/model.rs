//! Words about models.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// The part that a model plays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum Role {
    Chat,
    Draft,
    Code,
    Embed,
    Rerank,
    Verify,
    Vision,
    Speech,
    Image,
}

/// The models screen.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Models {
    /// This machine.
    pub machine: Machine,
    /// Memory, drawn to scale, in order; the rest is free.
    pub memory: Vec<MemoryPart>,
    /// Who plays which part, for the parts that Hearth can use now.
    pub roles: Vec<RoleRow>,
    /// On this machine.
    pub installed: Vec<Model>,
    /// Could be fetched.
    pub catalogue: Vec<Model>,
}

/// This machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Machine {
    /// Threads that compute.
    pub cores: u32,
    /// Installed memory.
    pub memory_bytes: u64,
    /// Free on the disk that holds the models.
    pub disk_free_bytes: u64,
    /// What computes: "CPU, AVX2".
    pub compute: String,
}

/// A stretch of the memory bar.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct MemoryPart {
    /// What it is.
    pub kind: MemoryKind,
    /// Its name for people.
    pub name: String,
    /// Its size.
    pub bytes: u64,
    /// "plus 0.1 GB for 2k of context", where there is more to say.
    pub note: String,
}

/// What a stretch of the memory bar is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum MemoryKind {
    Core,
    Model,
    Others,
    Free,
}

/// Who plays a part.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct RoleRow {
    /// The part.
    pub role: Role,
    /// The model that plays it.
    pub model: Option<String>,
    /// Installed models that could.
    pub choices: Vec<String>,
    /// Whether it is loaded.
    pub loaded: bool,
    /// Whether nobody has to play it.
    pub may_be_empty: bool,
    /// Why who was chosen does not play the part; empty where nothing is amiss.
    pub note: String,
}

/// A model.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Model {
    /// Its id.
    pub id: String,
    /// Its name for people.
    pub name: String,
    /// Such as `Q4_K_M`.
    pub quantization: String,
    /// Of its files together.
    pub size_bytes: u64,
    /// Whether the size is only about right.
    pub size_about: bool,
    /// What it is good at.
    pub roles: Vec<Role>,
    /// SPDX licence id or name.
    pub licence: String,
    /// Tokens of context that it can have.
    pub n_ctx: u32,
    /// Tokens of context that a person chose; nothing leaves it to the model.
    pub context: Option<u32>,
    /// How it fits this machine.
    pub fit: Fit,
    /// Weights, context and working memory by its numbers alone, bytes.
    pub computed_bytes: u64,
    /// What a short run of these weights gave on this machine.
    pub measured: Option<Measured>,
    /// Where it computes, in its engine's words; empty where it is not loaded.
    pub place: String,
    /// Its weights, where they are used from another program's folder.
    pub elsewhere: Option<String>,
    /// How it stands here.
    pub state: ModelPresence,
    /// Whether Hearth's engine can run it now, else why not.
    pub unsupported: Option<String>,
}

/// A short run of a model on this machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Measured {
    /// When.
    pub at_ms: i64,
    /// The machine: "2 cores, AVX2, 24 GB".
    pub machine: String,
    /// Milliseconds until it was loaded.
    pub load_ms: u32,
    /// Tokens read a second, by models that write.
    pub reads_per_second: Option<f32>,
    /// Tokens written a second; passages for models that read them.
    pub per_second: f32,
    /// The most memory that its process held, bytes.
    pub peak_bytes: u64,
    /// Where it computed.
    pub place: String,
}

/// A model that another program keeps on this machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct FoundModel {
    /// The id that it gets here.
    pub id: String,
    /// As its program names it.
    pub name: String,
    /// The program that keeps it.
    pub program: String,
    /// Its file.
    pub path: String,
    /// Its size, bytes.
    pub size_bytes: u64,
    /// Such as `Q4_K_M`; empty where it is not known.
    pub quantization: String,
    /// Its licence; `unknown` where its program keeps none.
    pub licence: String,
    /// How it fits this machine.
    pub fit: Fit,
    /// Whether a model of this id is installed.
    pub installed: bool,
    /// Why it cannot be used; nothing where it can.
    pub unsupported: Option<String>,
}

/// How a model fits this machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
pub struct Fit {
    /// The verdict.
    pub level: FitLevel,
    /// Tokens (or passages) a second.
    pub per_second: Option<f32>,
    /// Whether `per_second` was measured on this machine; else it is estimated.
    pub measured: bool,
    /// Weights, context and working memory; from a measurement where there is one.
    pub needs_bytes: u64,
    /// The most memory that it took when it was measured here.
    pub measured_bytes: Option<u64>,
    /// What is missing, where it will not fit.
    pub short_bytes: u64,
}

/// The verdict.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, TS)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum FitLevel {
    RunsWell,
    Slower,
    Tight,
    WillNotFit,
}

/// How a model stands on this machine.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, TS)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum ModelPresence {
    /// Not here.
    Absent,
    /// On its way.
    Downloading {
        /// So far.
        done_bytes: u64,
        /// In all.
        total_bytes: u64,
        /// A second.
        bytes_per_second: u64,
    },
    /// Begun and set aside.
    Paused {
        /// So far.
        done_bytes: u64,
        /// In all.
        total_bytes: u64,
        /// Why, where not by a person.
        error: Option<super::Error>,
    },
    /// On disk.
    Installed,
    /// In memory.
    Loaded,
    /// On disk, but not what it should be.
    Damaged {
        /// Which file, and what to do.
        error: super::Error,
    },
}

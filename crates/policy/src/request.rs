//! What is asked of the policy: who wants to do what, how guarded it is, and how far its parts are believed.

use hearth_domain::{Label, Trust};
use serde::{Deserialize, Serialize};

/// Who wants it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Who {
    /// A person, by an act of their own in the window or at the command line.
    Person,
    /// A model, which only proposes.
    Model,
    /// Hearth itself: background work such as a resumed job.
    House,
}

/// Which set of rules a space lives under.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// Everything happens on this machine.
    #[default]
    LocalOnly,
}

/// What a tool does to the world.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Effect {
    /// Computes from its arguments alone.
    Pure,
    /// Reads things of this machine that were granted to it.
    Reads,
    /// Changes something, or tells someone.
    Changes,
}

/// What a download is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Purpose {
    /// The weights of a model from the catalogue.
    Model,
    /// A newer Hearth.
    Update,
    /// A page of the web.
    Page,
}

/// What is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Action {
    /// To answer a question with a model on this machine.
    Answer,
    /// To give a document's passages to a model on this machine.
    UseDocument,
    /// To read a file of the machine.
    ReadPath {
        /// Whether a person dropped, chose or typed this path.
        granted: bool,
    },
    /// To keep a sentence as memory.
    Remember,
    /// To use kept memories in an answer.
    Recall,
    /// To call a tool.
    CallTool {
        /// The tool's name.
        name: String,
        /// What it does to the world.
        effect: Effect,
    },
    /// To fetch something from the network.
    Download {
        /// What for.
        purpose: Purpose,
        /// The host that would be asked.
        host: String,
    },
    /// To send text to a model that runs elsewhere.
    SendRemote {
        /// Who runs it.
        provider: String,
    },
    /// To write things out of the vault into plain files.
    Export,
    /// To erase for good.
    Purge,
    /// To change how guarded a document is.
    ChangeLabel {
        /// As it is.
        from: Label,
        /// As it would be.
        to: Label,
    },
}

/// An action without its particulars: what a rule names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum ActionKind {
    Answer,
    UseDocument,
    ReadPath,
    Remember,
    Recall,
    CallTool,
    Download,
    SendRemote,
    Export,
    Purge,
    ChangeLabel,
}

impl Action {
    /// The action without its particulars.
    pub fn kind(&self) -> ActionKind {
        match self {
            Action::Answer => ActionKind::Answer,
            Action::UseDocument => ActionKind::UseDocument,
            Action::ReadPath { .. } => ActionKind::ReadPath,
            Action::Remember => ActionKind::Remember,
            Action::Recall => ActionKind::Recall,
            Action::CallTool { .. } => ActionKind::CallTool,
            Action::Download { .. } => ActionKind::Download,
            Action::SendRemote { .. } => ActionKind::SendRemote,
            Action::Export => ActionKind::Export,
            Action::Purge => ActionKind::Purge,
            Action::ChangeLabel { .. } => ActionKind::ChangeLabel,
        }
    }
}

/// One thing that is about to happen.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Request {
    /// Who wants it.
    pub who: Who,
    /// What is wanted.
    pub action: Action,
    /// The highest label among its parts.
    pub label: Label,
    /// The lowest trust among its parts.
    pub trust: Trust,
    /// The mode it happens under.
    pub mode: Mode,
}

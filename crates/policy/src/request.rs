//! What is asked of the policy: who wants to do what, how guarded it is, and how far its parts are believed.

use crate::content::Kind;
use hearth_domain::{Label, SpaceId, Trust, TurnId};
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;

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

/// Which set of rules holds.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Mode {
    /// No socket is opened to anywhere.
    Offline,
    /// Everything happens on this machine; a model's file is fetched when a person starts that.
    #[default]
    LocalOnly,
    /// A person sees what would leave, and says yes or no.
    AskBeforeRemote,
}

impl Mode {
    /// All modes, strictest first.
    pub const ALL: [Mode; 3] = [Mode::Offline, Mode::LocalOnly, Mode::AskBeforeRemote];

    /// The word that stands for it in files and on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Mode::Offline => "offline",
            Mode::LocalOnly => "local_only",
            Mode::AskBeforeRemote => "ask_before_remote",
        }
    }

    /// The mode that a word stands for.
    pub fn from_word(word: &str) -> Option<Mode> {
        Self::ALL.into_iter().find(|mode| mode.word() == word)
    }

    /// What people call it.
    pub fn name(self) -> &'static str {
        match self {
            Mode::Offline => "Offline",
            Mode::LocalOnly => "Local only",
            Mode::AskBeforeRemote => "Ask before remote",
        }
    }

    /// What it promises, in one sentence.
    pub fn sentence(self) -> &'static str {
        match self {
            Mode::Offline => "Nothing is sent and nothing is fetched. Models come on a disk.",
            Mode::LocalOnly => "Everything happens on this machine. Nothing you ask, keep or read is sent anywhere.",
            Mode::AskBeforeRemote => {
                "Everything happens on this machine first. What would leave it is shown before, and waits for your yes."
            }
        }
    }
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
}

/// What is wanted.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "snake_case")]
pub enum Action {
    /// To answer a question with a model on this machine.
    Answer,
    /// To show what a model answered.
    Show,
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
    /// To run code that a model wrote.
    RunCode,
    /// To fetch a file from the network.
    Download {
        /// What for.
        purpose: Purpose,
        /// The host that would be asked.
        host: String,
    },
    /// To fetch a page of the web.
    FetchPage {
        /// The host that would be asked.
        host: String,
    },
    /// To send text to a model that runs elsewhere.
    Send {
        /// Who runs it.
        provider: String,
        /// Where it would go.
        host: String,
        /// Where that is and whose it is, such as `eu` or `own hardware`; `unknown` where nobody said.
        residency: String,
    },
    /// To tell a collector how questions were worked on, without their words.
    Trace {
        /// Where it listens.
        host: String,
        /// Whether that is this machine.
        own_machine: bool,
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
    /// To change the rules of this house.
    ChangeRule,
}

/// An action without its particulars: what a rule names.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
#[allow(missing_docs)]
pub enum ActionKind {
    Answer,
    Show,
    UseDocument,
    ReadPath,
    Remember,
    Recall,
    CallTool,
    RunCode,
    Download,
    FetchPage,
    Send,
    Trace,
    Export,
    Purge,
    ChangeLabel,
    ChangeRule,
}

impl ActionKind {
    /// All kinds.
    pub const ALL: [ActionKind; 16] = [
        ActionKind::Answer,
        ActionKind::Show,
        ActionKind::UseDocument,
        ActionKind::ReadPath,
        ActionKind::Remember,
        ActionKind::Recall,
        ActionKind::CallTool,
        ActionKind::RunCode,
        ActionKind::Download,
        ActionKind::FetchPage,
        ActionKind::Send,
        ActionKind::Trace,
        ActionKind::Export,
        ActionKind::Purge,
        ActionKind::ChangeLabel,
        ActionKind::ChangeRule,
    ];

    /// The word that stands for it in rules and on the wire.
    pub fn word(self) -> &'static str {
        match self {
            ActionKind::Answer => "answer",
            ActionKind::Show => "show",
            ActionKind::UseDocument => "use_document",
            ActionKind::ReadPath => "read_path",
            ActionKind::Remember => "remember",
            ActionKind::Recall => "recall",
            ActionKind::CallTool => "call_tool",
            ActionKind::RunCode => "run_code",
            ActionKind::Download => "download",
            ActionKind::FetchPage => "fetch_page",
            ActionKind::Send => "send",
            ActionKind::Trace => "trace",
            ActionKind::Export => "export",
            ActionKind::Purge => "purge",
            ActionKind::ChangeLabel => "change_label",
            ActionKind::ChangeRule => "change_rule",
        }
    }

    /// The kind that a word stands for.
    pub fn from_word(word: &str) -> Option<ActionKind> {
        Self::ALL.into_iter().find(|kind| kind.word() == word)
    }
}

impl Action {
    /// The action without its particulars.
    pub fn kind(&self) -> ActionKind {
        match self {
            Action::Answer => ActionKind::Answer,
            Action::Show => ActionKind::Show,
            Action::UseDocument => ActionKind::UseDocument,
            Action::ReadPath { .. } => ActionKind::ReadPath,
            Action::Remember => ActionKind::Remember,
            Action::Recall => ActionKind::Recall,
            Action::CallTool { .. } => ActionKind::CallTool,
            Action::RunCode => ActionKind::RunCode,
            Action::Download { .. } => ActionKind::Download,
            Action::FetchPage { .. } => ActionKind::FetchPage,
            Action::Send { .. } => ActionKind::Send,
            Action::Trace { .. } => ActionKind::Trace,
            Action::Export => ActionKind::Export,
            Action::Purge => ActionKind::Purge,
            Action::ChangeLabel { .. } => ActionKind::ChangeLabel,
            Action::ChangeRule => ActionKind::ChangeRule,
        }
    }

    /// What it is done to, by name: a tool, a host, a provider. Empty where the action has no such thing.
    pub fn thing(&self) -> &str {
        match self {
            Action::CallTool { name, .. } => name,
            Action::Download { host, .. } | Action::FetchPage { host } | Action::Trace { host, .. } => host,
            Action::Send { provider, .. } => provider,
            _ => "",
        }
    }
}

/// One thing that is about to happen.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub struct Request {
    /// Who wants it.
    pub who: Who,
    /// What is wanted.
    #[serde(flatten)]
    pub action: Action,
    /// The highest label among its parts.
    pub label: Label,
    /// The lowest trust among its parts.
    pub trust: Trust,
    /// What was found in its text.
    #[serde(default)]
    pub content: BTreeSet<Kind>,
    /// The words that rules may look for: a question, an answer, what would be sent. Never written down with the request.
    #[serde(skip)]
    pub text: String,
    /// The space it happens in, where it happens in one.
    #[serde(default)]
    pub space: Option<SpaceId>,
    /// The turn it belongs to, where it belongs to one.
    #[serde(default)]
    pub turn: Option<TurnId>,
}

impl Request {
    /// A request about no text, outside of spaces and turns.
    pub fn new(who: Who, action: Action, label: Label, trust: Trust) -> Self {
        Self { who, action, label, trust, content: BTreeSet::new(), text: String::new(), space: None, turn: None }
    }

    /// The same about a text: its words, and what is found in it.
    pub fn about(self, text: &str) -> Self {
        let spans = crate::content::find(text).into_iter().map(|found| found.kind);
        let content = spans.chain(crate::content::asks_for_harm(text).then_some(Kind::Harm)).collect();
        Self { content, text: text.to_owned(), ..self }
    }

    /// Whether some part came from the web or out of a tool.
    pub fn untrusted(&self) -> bool {
        self.trust <= Trust::Web
    }
}

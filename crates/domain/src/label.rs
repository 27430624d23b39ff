//! How guarded a thing is, and how far it is believed.

use serde::{Deserialize, Serialize};

/// How guarded a thing is. A turn's label is the highest of its parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Label {
    /// May be shown to anyone.
    Public,
    /// For this organization.
    Internal,
    /// For the people of this space.
    Confidential,
    /// Never leaves this machine.
    Restricted,
}

/// How far a text is believed. A turn's trust is the lowest of its parts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Trust {
    /// Came out of a tool.
    Tool,
    /// Came from the web.
    Web,
    /// Stands in a document that a person brought in.
    Library,
    /// Was typed by the person who asks.
    User,
}

impl Label {
    /// All labels, lowest first.
    pub const ALL: [Label; 4] = [Label::Public, Label::Internal, Label::Confidential, Label::Restricted];

    /// The word that stands for this label in files and on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Label::Public => "public",
            Label::Internal => "internal",
            Label::Confidential => "confidential",
            Label::Restricted => "restricted",
        }
    }

    /// The label that a word stands for.
    pub fn from_word(word: &str) -> Option<Label> {
        Self::ALL.into_iter().find(|label| label.word() == word)
    }
}

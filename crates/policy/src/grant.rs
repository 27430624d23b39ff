//! A person's leave for what would otherwise be asked: how far it goes and when it ends.

use crate::request::{ActionKind, Request};
use hearth_domain::{Label, SpaceId, TimeMs, TurnId};
use serde::{Deserialize, Serialize};

/// The longest that a grant lasts, milliseconds: thirty days.
pub const LONGEST_GRANT_MS: TimeMs = 30 * 24 * 3600 * 1000;

/// A grant turns Ask into Allow, and never a denial. It is made by a person only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Grant {
    /// What may be done.
    pub action: ActionKind,
    /// To what: one tool, host or provider; all where none is named.
    pub thing: Option<String>,
    /// In which space; all where none is named.
    pub space: Option<SpaceId>,
    /// In which turn only.
    pub turn: Option<TurnId>,
    /// The highest label that it covers.
    pub label: Label,
    /// Whether it holds although text from the web or from a tool is in play.
    pub untrusted: bool,
    /// When it ends.
    pub until: TimeMs,
}

impl Grant {
    /// Whether it covers a request at a time.
    pub fn covers(&self, request: &Request, now: TimeMs) -> bool {
        self.action == request.action.kind()
            && self.thing.as_deref().is_none_or(|thing| thing == request.action.thing())
            && self.space.is_none_or(|space| request.space == Some(space))
            && self.turn.is_none_or(|turn| request.turn == Some(turn))
            && request.label <= self.label
            && (self.untrusted || !request.untrusted())
            && now < self.until
    }
}

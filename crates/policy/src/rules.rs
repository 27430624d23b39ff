//! Rules that a person can read, and the sets that hold together: those of a mode, an organization's, and a person's own.

use crate::language::{Compiled, compile, parse};
use crate::request::Mode;
use hearth_domain::TimeMs;
use serde::{Deserialize, Serialize};

/// What a rule, and a decision, comes to. Ordered: stricter is greater.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Outcome {
    /// It may happen.
    Allow,
    /// A person is asked first.
    Ask,
    /// It may not happen.
    Deny,
}

impl Outcome {
    /// The word that stands for it in files and on the wire.
    pub fn word(self) -> &'static str {
        match self {
            Outcome::Allow => "allow",
            Outcome::Ask => "ask",
            Outcome::Deny => "deny",
        }
    }
}

/// Who made a rule.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Origin {
    /// It came with Hearth.
    BuiltIn,
    /// The organization that this machine belongs to.
    Organization,
    /// The person whose vault this is.
    Yours,
}

/// One rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Rule {
    /// Its number in the set, from 1. 0 is the rule that denies what no other names.
    pub number: u32,
    /// Its short name, such as "nothing is sent".
    pub name: String,
    /// What it says, in one plain sentence for people.
    pub sentence: String,
    /// The same in Cedar.
    pub text: String,
    /// What it comes to.
    pub effect: Outcome,
    /// Who made it.
    pub origin: Origin,
    /// It stops speaking at this time.
    pub until: Option<TimeMs>,
    /// The line of its text that it begins on, from 1.
    #[serde(default)]
    pub line: u32,
}

/// What is wrong with rules, and where.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("line {line}: {reason}")]
pub struct Flaw {
    /// The line, from 1.
    pub line: u32,
    /// What is wrong there.
    pub reason: String,
}

/// The rules that hold together.
#[derive(Debug, Clone)]
pub struct RuleSet {
    /// The mode they make.
    pub mode: Mode,
    /// In order of number.
    pub rules: Vec<Rule>,
    pub(crate) compiled: Compiled,
}

impl RuleSet {
    /// The rules of a mode alone.
    pub fn of(mode: Mode) -> Self {
        match Self::with(mode, "", "") {
            Ok(rules) => rules,
            Err((_, flaws)) => panic!("a rule of the house is wrong: {flaws:?}"),
        }
    }

    /// The rules of a mode with an organization's and a person's own, both in Cedar. A forbid of any stands above every
    /// permit, so that nobody loosens what another forbids.
    ///
    /// # Errors
    /// Whose rules are wrong, and every flaw of them.
    pub fn with(mode: Mode, organization: &str, own: &str) -> Result<Self, (Origin, Vec<Flaw>)> {
        let of_mode = match mode {
            Mode::Offline => include_str!("rules/offline.cedar"),
            Mode::LocalOnly => include_str!("rules/local_only.cedar"),
            Mode::AskBeforeRemote => include_str!("rules/ask_before_remote.cedar"),
        };
        let parts = [
            (Origin::BuiltIn, of_mode),
            (Origin::BuiltIn, include_str!("rules/everywhere.cedar")),
            (Origin::Organization, organization),
            (Origin::Yours, own),
        ];
        let mut all = Vec::new();
        for (origin, text) in parts {
            let first = all.len() as u32 + 1;
            all.extend(parse(text, origin, first).map_err(|flaws| (origin, flaws))?);
        }
        let compiled = compile(&all);
        Ok(Self { mode, rules: all.into_iter().map(|(rule, _)| rule).collect(), compiled })
    }

    /// Whether an answer must be read whole before any of it is shown: a rule that did not come with Hearth may hold it back.
    pub fn holds_back_answers(&self) -> bool {
        let others = self.rules.iter().filter(|rule| rule.origin != Origin::BuiltIn && rule.effect != Outcome::Allow);
        others.into_iter().any(|rule| rule.text.contains("\"show\"") || !rule.text.contains("Action::"))
    }

    /// A rule by its number; 0 is the one that denies what no other names.
    pub fn rule(&self, number: u32) -> Rule {
        let found = self.rules.iter().find(|rule| rule.number == number);
        found.cloned().unwrap_or_else(|| Rule {
            number: 0,
            name: "nothing else".to_owned(),
            sentence: "What no rule allows does not happen.".to_owned(),
            text: "forbid everything else".to_owned(),
            effect: Outcome::Deny,
            origin: Origin::BuiltIn,
            until: None,
            line: 0,
        })
    }
}

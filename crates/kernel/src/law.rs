//! The kernel's way to the policy: one place that knows which rules hold, asks them, and counts what they decided. Models
//! propose; rules decide.

use crate::clock::now_ms;
use hearth_api::{Error, ErrorCode, RuleRef};
use hearth_domain::{Label, Trust};
use hearth_policy::{Action, Decision, Effect, Outcome, Purpose, Request, RuleSet, Who, decide};
use std::collections::BTreeMap;
use std::path::Path;
use std::sync::{Mutex, MutexGuard};

/// The rules that hold.
pub(crate) struct Law {
    rules: RuleSet,
    applied: Mutex<BTreeMap<u32, u32>>,
}

/// A request to answer with a local model.
pub(crate) struct Answer {
    pub(crate) label: Label,
    pub(crate) trust: Trust,
}

impl Law {
    /// The only mode for now: answers are made here.
    pub(crate) fn local_only() -> Self {
        Self { rules: RuleSet::local_only(), applied: Mutex::default() }
    }

    /// May this be answered here?
    pub(crate) fn decide(&self, answer: Answer) -> Decision {
        self.ask(Who::Person, Action::Answer, answer.label, answer.trust)
    }

    /// May a file that a person handed over be read?
    pub(crate) fn may_read(&self, path: &Path) -> Result<(), Error> {
        let decision = self.ask(Who::Person, Action::ReadPath { granted: true }, Label::Internal, Trust::User);
        allowed(&decision, || format!("{} was not read", path.display()))
    }

    /// May a model be fetched that a person asked for?
    pub(crate) fn may_download(&self, host: &str) -> Decision {
        let action = Action::Download { purpose: Purpose::Model, host: host.to_owned() };
        self.ask(Who::Person, action, Label::Public, Trust::User)
    }

    /// May a person keep this in memory?
    pub(crate) fn may_remember(&self) -> Result<(), Error> {
        let decision = self.ask(Who::Person, Action::Remember, Label::Internal, Trust::User);
        allowed(&decision, || "This was not remembered".into())
    }

    /// May a tool run that a person called?
    pub(crate) fn may_call(&self, name: &str, effect: Effect, label: Label) -> Decision {
        self.ask(Who::Person, Action::CallTool { name: name.to_owned(), effect }, label, Trust::User)
    }

    /// May a label be changed?
    pub(crate) fn may_relabel(&self, from: Label, to: Label) -> Decision {
        self.ask(Who::Person, Action::ChangeLabel { from, to }, from, Trust::User)
    }

    fn ask(&self, who: Who, action: Action, label: Label, trust: Trust) -> Decision {
        let request = Request { who, action, label, trust, mode: self.rules.mode };
        let decision = decide(&request, &self.rules, now_ms());
        *self.held().entry(decision.rule.number).or_default() += 1;
        decision
    }

    /// The rules, in order.
    pub(crate) fn rules(&self) -> &RuleSet {
        &self.rules
    }

    /// How often a rule decided since Hearth was started.
    pub(crate) fn applied(&self, number: u32) -> u32 {
        self.held().get(&number).copied().unwrap_or(0)
    }

    /// A rule's readable text.
    pub(crate) fn text(&self, rule: &hearth_policy::RuleRef) -> String {
        let found = self.rules.rules.iter().find(|other| other.number == rule.number);
        format!("rule {} {}", rule.number, found.map_or("nothing else is allowed", |rule| rule.text.as_str()))
    }

    fn held(&self) -> MutexGuard<'_, BTreeMap<u32, u32>> {
        self.applied.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// A refusal as an error of the door, with the rule's name.
pub(crate) fn allowed(decision: &Decision, what: impl FnOnce() -> String) -> Result<(), Error> {
    match decision.outcome {
        Outcome::Allow => Ok(()),
        Outcome::Ask | Outcome::Deny => Err(Error::new(
            ErrorCode::Denied,
            format!("{}. Rule {}: {}", what(), decision.rule.number, decision.rule.sentence),
        )),
    }
}

/// A rule at the door.
pub(crate) fn rule(rule: &hearth_policy::RuleRef) -> RuleRef {
    let hearth_policy::RuleRef { number, name, sentence } = rule;
    RuleRef { number: *number, name: name.clone(), sentence: sentence.clone() }
}

/// A label's name for people.
pub(crate) fn label_name(label: Label) -> &'static str {
    match label {
        Label::Public => "Public",
        Label::Internal => "Internal",
        Label::Confidential => "Confidential",
        Label::Restricted => "Restricted",
    }
}

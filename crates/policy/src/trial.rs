//! "Try a rule": what other rules would have decided of requests that were made, before they are confirmed.

use crate::decide::{RuleRef, decide};
use crate::grant::Grant;
use crate::request::Request;
use crate::rules::{Outcome, RuleSet};
use hearth_domain::TimeMs;
use serde::{Deserialize, Serialize};

/// A request that would be decided otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Changed {
    /// Its place among the requests that were tried.
    pub at: usize,
    /// What is decided now.
    pub before: Outcome,
    /// What would be decided.
    pub after: Outcome,
    /// By which rule.
    pub rule: RuleRef,
}

/// What other rules would change.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trial {
    /// Requests that were tried.
    pub tried: usize,
    /// Those that would be decided otherwise, in their order.
    pub changed: Vec<Changed>,
    /// Names of new rules that speak of none of these requests, or are overruled wherever they speak.
    pub idle: Vec<String>,
}

/// Decides each request under both sets.
pub fn try_rules(requests: &[Request], now_rules: &RuleSet, other: &RuleSet, grants: &[Grant], now: TimeMs) -> Trial {
    let mut trial = Trial { tried: requests.len(), ..Trial::default() };
    let mut deciding = std::collections::BTreeSet::new();
    for (at, request) in requests.iter().enumerate() {
        let before = decide(request, now_rules, grants, now);
        let after = decide(request, other, grants, now);
        deciding.insert(after.rule.number);
        if before.outcome != after.outcome {
            trial.changed.push(Changed { at, before: before.outcome, after: after.outcome, rule: after.rule });
        }
    }
    let known = |name: &str| now_rules.rules.iter().any(|rule| rule.name == name);
    let new = other.rules.iter().filter(|rule| !known(&rule.name) && !deciding.contains(&rule.number));
    trial.idle = new.map(|rule| rule.name.clone()).collect();
    trial
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::{Action, Mode, Who};
    use hearth_domain::{Label, Trust};

    #[test]
    fn what_would_change_is_shown_and_a_rule_that_cannot_speak_is_named() {
        let requests: Vec<Request> = [Label::Public, Label::Restricted]
            .into_iter()
            .map(|label| Request::new(Who::Person, Action::Export, label, Trust::User))
            .collect();
        let own = "@name(\"no exports of restricted\")@sentence(\"They stay.\")forbid (principal, action == Action::\"export\", resource) when { context.label == \"restricted\" };@name(\"send\")@sentence(\"Sent.\")permit (principal, action == Action::\"send\", resource);";
        let (now, other) = (RuleSet::of(Mode::LocalOnly), RuleSet::with(Mode::LocalOnly, "", own).unwrap());
        let trial = try_rules(&requests, &now, &other, &[], 0);
        let changed: Vec<_> = trial.changed.iter().map(|c| (c.at, c.before, c.after, c.rule.name.as_str())).collect();
        assert_eq!(changed, [(1, Outcome::Ask, Outcome::Deny, "no exports of restricted")]);
        assert_eq!((trial.tried, trial.idle), (2, vec!["send".to_owned()]));
    }
}

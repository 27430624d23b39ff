//! One decision: the strictest rule that speaks, or denial where none does.

use crate::request::Request;
use crate::rules::{Outcome, Rule, RuleSet};
use hearth_domain::TimeMs;
use serde::{Deserialize, Serialize};

/// A rule as a decision names it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RuleRef {
    /// Its number; 0 for "nothing else".
    pub number: u32,
    /// Its short name.
    pub name: String,
    /// What it says, for people.
    pub sentence: String,
}

impl From<&Rule> for RuleRef {
    fn from(rule: &Rule) -> Self {
        Self { number: rule.number, name: rule.name.clone(), sentence: rule.sentence.clone() }
    }
}

/// Whether something may happen, and by which rule.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Decision {
    /// May it?
    pub outcome: Outcome,
    /// The rule that decided.
    pub rule: RuleRef,
    /// All rules that spoke, in order of number.
    pub considered: Vec<RuleRef>,
}

/// Decides. Among the rules that speak the strictest wins, and among equals the lowest number; where none speaks, or the
/// request is of another mode than the rules, the rule "nothing else" denies.
pub fn decide(request: &Request, rules: &RuleSet, now: TimeMs) -> Decision {
    let speaking: Vec<&Rule> = if request.mode == rules.mode {
        rules.rules.iter().filter(|rule| rule.speaks(request, now)).collect()
    } else {
        Vec::new()
    };
    let considered: Vec<RuleRef> = speaking.iter().map(|rule| RuleRef::from(*rule)).collect();
    let strictest = speaking.into_iter().reduce(|best, rule| if rule.effect > best.effect { rule } else { best });
    match strictest {
        Some(rule) => Decision { outcome: rule.effect, rule: rule.into(), considered },
        None => Decision { outcome: Outcome::Deny, rule: (&RuleSet::nothing_else()).into(), considered },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::request::{Action, Effect, Mode, Purpose, Who};
    use hearth_domain::{Label, Trust};
    use proptest::prelude::*;

    fn check(who: Who, action: Action, label: Label, trust: Trust, expect: (Outcome, u32)) {
        let request = Request { who, action, label, trust, mode: Mode::LocalOnly };
        let decision = decide(&request, &RuleSet::local_only(), 0);
        assert_eq!((decision.outcome, decision.rule.number), expect, "{request:?}");
    }

    fn tool(effect: Effect) -> Action {
        Action::CallTool { name: "t".into(), effect }
    }

    #[test]
    fn what_local_only_says() {
        use Outcome::{Allow, Ask, Deny};
        use Who::{House, Model, Person};
        let (public, guarded) = (Label::Public, Label::Restricted);
        let (user, library, web, by_tool) = (Trust::User, Trust::Library, Trust::Web, Trust::Tool);
        let fetch = |purpose| Action::Download { purpose, host: "h".into() };
        check(Person, Action::Answer, guarded, library, (Allow, 1));
        check(Person, Action::UseDocument, guarded, library, (Allow, 2));
        check(Person, Action::SendRemote { provider: "p".into() }, public, user, (Deny, 3));
        check(Person, fetch(Purpose::Model), public, user, (Allow, 4));
        check(House, fetch(Purpose::Model), public, user, (Deny, 0));
        check(Person, fetch(Purpose::Page), public, user, (Deny, 5));
        check(Person, fetch(Purpose::Update), public, user, (Deny, 0));
        check(Person, Action::ReadPath { granted: true }, public, user, (Allow, 6));
        check(Person, Action::ReadPath { granted: false }, public, user, (Deny, 7));
        check(Model, tool(Effect::Pure), guarded, web, (Allow, 8));
        check(Model, tool(Effect::Reads), public, user, (Ask, 9));
        check(Model, tool(Effect::Changes), public, library, (Ask, 10));
        check(Model, tool(Effect::Changes), public, by_tool, (Deny, 11));
        check(Person, tool(Effect::Changes), public, web, (Ask, 10));
        check(Person, Action::Remember, public, user, (Allow, 12));
        check(Model, Action::Remember, public, library, (Ask, 13));
        check(Model, Action::Remember, public, web, (Deny, 14));
        check(Person, Action::ChangeLabel { from: public, to: guarded }, public, user, (Allow, 15));
        check(Person, Action::ChangeLabel { from: guarded, to: public }, public, user, (Ask, 16));
        check(Model, Action::ChangeLabel { from: public, to: guarded }, public, user, (Deny, 0));
        check(Person, Action::Purge, public, user, (Allow, 17));
        check(Model, Action::Purge, public, user, (Ask, 18));
        check(Person, Action::Export, public, user, (Allow, 19));
        check(Person, Action::Export, guarded, user, (Ask, 20));
        check(House, Action::Export, public, user, (Deny, 0));
    }

    #[test]
    fn a_rule_stops_speaking_at_its_time() {
        let mut rules = RuleSet::local_only();
        rules.rules.iter_mut().filter(|rule| rule.number == 1).for_each(|rule| rule.until = Some(100));
        let request = Request {
            who: Who::Person,
            action: Action::Answer,
            label: Label::Public,
            trust: Trust::User,
            mode: Mode::LocalOnly,
        };
        assert_eq!(decide(&request, &rules, 99).outcome, Outcome::Allow);
        let late = decide(&request, &rules, 100);
        assert_eq!((late.outcome, late.rule.number, late.considered.len()), (Outcome::Deny, 0, 0));
    }

    #[test]
    fn the_strictest_rule_wins_whatever_the_order() {
        let mut rules = RuleSet::local_only();
        let request = Request {
            who: Who::Model,
            action: tool(Effect::Changes),
            label: Label::Public,
            trust: Trust::Web,
            mode: Mode::LocalOnly,
        };
        let forward = decide(&request, &rules, 0);
        rules.rules.reverse();
        assert_eq!(decide(&request, &rules, 0).rule, forward.rule);
        assert_eq!(forward.considered.len(), 2);
    }

    #[test]
    fn every_rule_can_be_read_and_has_its_own_number() {
        let rules = RuleSet::local_only().rules;
        for (at, rule) in rules.iter().enumerate() {
            assert_eq!(rule.number as usize, at + 1);
            assert!(rule.sentence.ends_with('.') && !rule.name.is_empty() && !rule.on.is_empty(), "{rule:?}");
        }
        assert_eq!(
            rules.get(10).map(|rule| rule.text.as_str()),
            Some("deny call tool when the tool is changes and trust is web or tool and not by person")
        );
    }

    fn any_label() -> impl Strategy<Value = Label> {
        proptest::sample::select(Label::ALL.to_vec())
    }

    fn any_action() -> impl Strategy<Value = Action> {
        let effect = proptest::sample::select(vec![Effect::Pure, Effect::Reads, Effect::Changes]);
        let purpose = proptest::sample::select(vec![Purpose::Model, Purpose::Update, Purpose::Page]);
        prop_oneof![
            Just(Action::Answer),
            Just(Action::UseDocument),
            any::<bool>().prop_map(|granted| Action::ReadPath { granted }),
            Just(Action::Remember),
            Just(Action::Recall),
            ("[a-z.]{1,12}", effect).prop_map(|(name, effect)| Action::CallTool { name, effect }),
            (purpose, "[a-z.]{1,12}").prop_map(|(purpose, host)| Action::Download { purpose, host }),
            "[a-z.]{1,12}".prop_map(|provider| Action::SendRemote { provider }),
            Just(Action::Export),
            Just(Action::Purge),
            (any_label(), any_label()).prop_map(|(from, to)| Action::ChangeLabel { from, to }),
        ]
    }

    fn any_request() -> impl Strategy<Value = Request> {
        let who = proptest::sample::select(vec![Who::Person, Who::Model, Who::House]);
        let trust = proptest::sample::select(vec![Trust::Tool, Trust::Web, Trust::Library, Trust::User]);
        (who, any_action(), any_label(), trust).prop_map(|(who, action, label, trust)| Request {
            who,
            action,
            label,
            trust,
            mode: Mode::LocalOnly,
        })
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 10_000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn nothing_is_ever_sent_and_nothing_unnamed_happens(request in any_request(), now in any::<i64>()) {
            let rules = RuleSet::local_only();
            let decision = decide(&request, &rules, now);
            if matches!(request.action, Action::SendRemote { .. }) {
                prop_assert_eq!(decision.outcome, Outcome::Deny);
            }
            if decision.considered.is_empty() {
                prop_assert_eq!(decision.outcome, Outcome::Deny);
                prop_assert_eq!(decision.rule.number, 0);
            }
            // A lower trust or a higher label never loosens a decision.
            let worse = Request { trust: Trust::Tool, label: Label::Restricted, ..request.clone() };
            prop_assert!(decide(&worse, &rules, now).outcome >= decision.outcome);
            // Without rules everything is denied.
            let none = RuleSet { rules: Vec::new(), ..rules };
            prop_assert_eq!(decide(&request, &none, now).outcome, Outcome::Deny);
        }
    }
}

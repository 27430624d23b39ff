//! One decision: the strictest rule that speaks, or denial where none does.

use crate::grant::Grant;
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
    /// Whether a person's grant turned Ask into Allow.
    pub granted: bool,
}

/// Decides. Among the rules that speak the strictest wins, and among equals the lowest number; where none speaks, or a rule
/// cannot be evaluated, the rule "nothing else" denies. A grant that covers the request turns Ask into Allow.
pub fn decide(request: &Request, rules: &RuleSet, grants: &[Grant], now: TimeMs) -> Decision {
    let granted = grants.iter().any(|grant| grant.covers(request, now));
    let said = rules.compiled.ask(request, granted && request.untrusted());
    let speaking = said.speaking.iter().filter_map(|number| rules.rules.iter().find(|rule| rule.number == *number));
    let speaking: Vec<&Rule> = speaking.filter(|rule| rule.until.is_none_or(|until| now < until)).collect();
    let considered: Vec<RuleRef> = speaking.iter().map(|rule| RuleRef::from(*rule)).collect();
    let strictest = speaking.into_iter().reduce(|best, rule| if rule.effect > best.effect { rule } else { best });
    match strictest.filter(|_| !said.failed) {
        Some(rule) => {
            let leave = granted && rule.effect == Outcome::Ask;
            let outcome = if leave { Outcome::Allow } else { rule.effect };
            Decision { outcome, rule: rule.into(), considered, granted: leave }
        }
        None => Decision { outcome: Outcome::Deny, rule: (&rules.rule(0)).into(), considered, granted: false },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::content::Kind;
    use crate::request::{Action, ActionKind, Effect, Mode, Purpose, Who};
    use crate::rules::Origin;
    use hearth_domain::{Label, Trust};
    use proptest::prelude::*;

    /// The outcome and the name of the rule.
    fn check(mode: Mode, who: Who, action: Action, label: Label, trust: Trust, expect: (Outcome, &str)) {
        let request = Request::new(who, action, label, trust);
        let decision = decide(&request, &RuleSet::of(mode), &[], 0);
        assert_eq!((decision.outcome, decision.rule.name.as_str()), expect, "{mode:?} {request:?}");
    }

    fn tool(effect: Effect) -> Action {
        Action::CallTool { name: "t".into(), effect }
    }

    fn send() -> Action {
        Action::Send { provider: "p".into(), host: "h.example".into(), residency: "unknown".into() }
    }

    fn fetch(purpose: Purpose) -> Action {
        Action::Download { purpose, host: "h".into() }
    }

    #[test]
    fn what_every_mode_says() {
        use Outcome::{Allow, Ask, Deny};
        use Who::{House, Model, Person};
        let (public, guarded) = (Label::Public, Label::Restricted);
        let (user, library, web, by_tool) = (Trust::User, Trust::Library, Trust::Web, Trust::Tool);
        for mode in Mode::ALL {
            let check = |who, action, label, trust, expect| check(mode, who, action, label, trust, expect);
            check(Person, Action::Answer, guarded, library, (Allow, "answers are made here"));
            check(Person, Action::UseDocument, guarded, library, (Allow, "your documents, here"));
            check(Person, Action::ReadPath { granted: true }, public, user, (Allow, "files you chose"));
            check(Person, Action::ReadPath { granted: false }, public, user, (Deny, "no other files"));
            check(Model, tool(Effect::Pure), guarded, web, (Allow, "tools that only compute"));
            check(Model, tool(Effect::Reads), public, user, (Ask, "tools that read"));
            check(Model, tool(Effect::Changes), public, library, (Ask, "tools that change things"));
            check(Model, tool(Effect::Changes), public, by_tool, (Deny, "untrusted text closes tools"));
            check(Person, tool(Effect::Changes), public, web, (Ask, "tools that change things"));
            check(Model, Action::RunCode, public, user, (Ask, "code runs when you say so"));
            check(Model, Action::RunCode, public, web, (Deny, "no code from outside"));
            check(Person, Action::Remember, public, user, (Allow, "what you ask to remember"));
            check(Model, Action::Remember, public, library, (Ask, "memories are proposed"));
            check(Model, Action::Remember, public, web, (Deny, "no memories from outside"));
            check(Person, Action::ChangeLabel { from: public, to: guarded }, public, user, (Allow, "labels may rise"));
            check(Person, Action::ChangeLabel { from: guarded, to: public }, public, user, (Ask, "lowering asks"));
            check(Model, Action::ChangeLabel { from: public, to: guarded }, public, user, (Deny, "nothing else"));
            check(Person, Action::Purge, public, user, (Allow, "you may erase"));
            check(Model, Action::Purge, public, user, (Ask, "erasing asks"));
            check(Person, Action::Export, public, user, (Allow, "you may export"));
            check(Person, Action::Export, guarded, user, (Ask, "guarded exports ask"));
            check(House, Action::Export, public, user, (Deny, "nothing else"));
            let trace = |own_machine| Action::Trace { host: "h".into(), own_machine };
            check(House, trace(true), guarded, library, (Allow, "spans stay here"));
            check(House, trace(false), public, user, (Deny, "no spans leave"));
            check(Model, trace(true), public, user, (Deny, "nothing else"));
            check(Model, Action::ChangeRule, public, user, (Deny, "nothing else"));
            check(
                House,
                fetch(Purpose::Update),
                public,
                user,
                (Deny, if mode == Mode::Offline { "nothing is fetched" } else { "nothing else" }),
            );
        }
    }

    #[test]
    fn what_the_modes_differ_in() {
        use Outcome::{Allow, Ask, Deny};
        use Who::{Model, Person};
        let (public, user) = (Label::Public, Trust::User);
        check(Mode::Offline, Person, send(), public, user, (Deny, "nothing is sent"));
        check(Mode::Offline, Person, fetch(Purpose::Model), public, user, (Deny, "nothing is fetched"));
        check(Mode::LocalOnly, Person, send(), public, user, (Deny, "nothing is sent"));
        check(Mode::LocalOnly, Person, fetch(Purpose::Model), public, user, (Allow, "models you fetch"));
        check(
            Mode::LocalOnly,
            Person,
            Action::FetchPage { host: "h".into() },
            public,
            user,
            (Deny, "no pages are fetched"),
        );
        let ask = Mode::AskBeforeRemote;
        check(ask, Person, send(), Label::Internal, Trust::Library, (Ask, "sending asks"));
        check(ask, Person, send(), Label::Confidential, user, (Deny, "guarded things stay"));
        check(ask, Person, send(), public, Trust::Web, (Deny, "untrusted text stays"));
        check(ask, Model, Action::FetchPage { host: "h".into() }, public, user, (Ask, "pages ask"));
        let mut secret = Request::new(Person, send(), public, user);
        secret.content.insert(Kind::Secret);
        assert_eq!(decide(&secret, &RuleSet::of(ask), &[], 0).rule.name, "no secrets leave");
    }

    #[test]
    fn a_grant_turns_ask_into_allow_and_never_a_denial() {
        let rules = RuleSet::of(Mode::AskBeforeRemote);
        let grant = Grant {
            action: ActionKind::Send,
            thing: Some("p".into()),
            space: None,
            turn: None,
            label: Label::Internal,
            untrusted: false,
            until: 100,
        };
        let asked = |label, trust, grant: &Grant, now| {
            let decision =
                decide(&Request::new(Who::Person, send(), label, trust), &rules, std::slice::from_ref(grant), now);
            (decision.outcome, decision.granted)
        };
        use Outcome::{Allow, Ask, Deny};
        assert_eq!(asked(Label::Internal, Trust::Library, &grant, 99), (Allow, true));
        assert_eq!(asked(Label::Internal, Trust::Library, &grant, 100), (Ask, false), "it ended");
        assert_eq!(asked(Label::Restricted, Trust::Library, &grant, 0), (Deny, false), "a denial stands");
        assert_eq!(asked(Label::Internal, Trust::Web, &grant, 0), (Deny, false), "untrusted text stays");
        assert_eq!(asked(Label::Internal, Trust::Web, &Grant { untrusted: true, ..grant.clone() }, 0), (Allow, true));
        let elsewhere = Grant { thing: Some("q".into()), ..grant };
        assert_eq!(asked(Label::Internal, Trust::Library, &elsewhere, 0), (Ask, false));
    }

    #[test]
    fn a_rule_of_a_person_holds_until_its_day_and_loosens_nothing() {
        let own = "@name(\"no answers in tests\")\n@sentence(\"Nothing is answered.\")\n@until(\"1970-01-01\")\nforbid (principal, action == Action::\"answer\", resource);\n@name(\"send all\")\n@sentence(\"Everything is sent.\")\npermit (principal, action == Action::\"send\", resource);";
        let rules = RuleSet::with(Mode::LocalOnly, "", own).unwrap();
        let last = rules.rules.last().unwrap();
        assert_eq!(
            (last.origin, last.text.as_str()),
            (Origin::Yours, "permit (principal, action == Action::\"send\", resource);")
        );
        let answer = Request::new(Who::Person, Action::Answer, Label::Public, Trust::User);
        assert_eq!(decide(&answer, &rules, &[], 86_399_999).outcome, Outcome::Deny);
        assert_eq!(decide(&answer, &rules, &[], 86_400_000).outcome, Outcome::Allow);
        let sent = decide(&Request::new(Who::Person, send(), Label::Public, Trust::User), &rules, &[], 0);
        assert_eq!((sent.outcome, sent.considered.len()), (Outcome::Deny, 2));
    }

    #[test]
    fn a_rule_may_look_for_words() {
        let own = "@name(\"no plans\")@sentence(\"Plans stay untold.\")forbid (principal, action in [Action::\"answer\", Action::\"show\"], resource) when { context.text like \"*project falcon*\" };";
        let rules = RuleSet::with(Mode::LocalOnly, "", own).unwrap();
        assert!(rules.holds_back_answers() && !RuleSet::of(Mode::LocalOnly).holds_back_answers());
        let decided = |action, text: &str| {
            let request = Request::new(Who::Person, action, Label::Public, Trust::User).about(text);
            decide(&request, &rules, &[], 0).rule.name
        };
        assert_eq!(decided(Action::Answer, "When does Project Falcon begin?"), "no plans");
        assert_eq!(decided(Action::Show, "In May."), "answers are shown");
        assert_eq!(decided(Action::Show, "PROJECT FALCON begins in May."), "no plans");
    }

    #[test]
    fn every_rule_can_be_read_and_has_its_own_number() {
        for mode in Mode::ALL {
            for (at, rule) in RuleSet::of(mode).rules.iter().enumerate() {
                assert_eq!(rule.number as usize, at + 1);
                assert!(rule.sentence.ends_with('.') && !rule.name.is_empty() && rule.text.ends_with(';'), "{rule:?}");
            }
        }
    }

    fn any_action() -> impl Strategy<Value = Action> {
        let label = || proptest::sample::select(Label::ALL.to_vec());
        let effect = proptest::sample::select(vec![Effect::Pure, Effect::Reads, Effect::Changes]);
        let purpose = proptest::sample::select(vec![Purpose::Model, Purpose::Update]);
        prop_oneof![
            Just(Action::Answer),
            Just(Action::Show),
            Just(Action::UseDocument),
            any::<bool>().prop_map(|granted| Action::ReadPath { granted }),
            Just(Action::Remember),
            Just(Action::Recall),
            ("[a-z.]{1,12}", effect).prop_map(|(name, effect)| Action::CallTool { name, effect }),
            Just(Action::RunCode),
            (purpose, "[a-z.]{1,12}").prop_map(|(purpose, host)| Action::Download { purpose, host }),
            "[a-z.]{1,12}".prop_map(|host| Action::FetchPage { host }),
            ("[a-z.]{1,12}", any::<bool>()).prop_map(|(host, own_machine)| Action::Trace { host, own_machine }),
            ("[pq]", "[a-z.]{1,12}").prop_map(|(provider, host)| Action::Send {
                provider,
                host,
                residency: "eu".into()
            }),
            Just(Action::Export),
            Just(Action::Purge),
            (label(), label()).prop_map(|(from, to)| Action::ChangeLabel { from, to }),
            Just(Action::ChangeRule),
        ]
    }

    fn any_request() -> impl Strategy<Value = Request> {
        let who = proptest::sample::select(vec![Who::Person, Who::Model, Who::House]);
        let trust = proptest::sample::select(vec![Trust::Tool, Trust::Web, Trust::Library, Trust::User]);
        (who, any_action(), proptest::sample::select(Label::ALL.to_vec()), trust)
            .prop_map(|(who, action, label, trust)| Request::new(who, action, label, trust))
    }

    proptest! {
        #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

        #[test]
        fn nothing_unnamed_happens_and_nothing_worse_is_looser(request in any_request(), mode in proptest::sample::select(Mode::ALL.to_vec())) {
            thread_local!(static RULES: [RuleSet; 3] = Mode::ALL.map(RuleSet::of));
            RULES.with(|sets| -> Result<(), TestCaseError> {
                let rules = sets.iter().find(|set| set.mode == mode).unwrap();
                let decision = decide(&request, rules, &[], 0);
                if decision.considered.is_empty() {
                    prop_assert_eq!((decision.outcome, decision.rule.number), (Outcome::Deny, 0));
                }
                if matches!(request.action, Action::Send { .. }) {
                    let least = if mode == Mode::AskBeforeRemote { Outcome::Ask } else { Outcome::Deny };
                    prop_assert!(decision.outcome >= least);
                }
                // A lower trust or a higher label never loosens a decision.
                let worse = Request { trust: Trust::Tool, label: Label::Restricted, ..request.clone() };
                prop_assert!(decide(&worse, rules, &[], 0).outcome >= decision.outcome);
                // A stricter mode never allows what a looser one does not.
                for stricter in sets.iter().filter(|set| set.mode < mode) {
                    prop_assert!(decide(&request, stricter, &[], 0).outcome >= decision.outcome);
                }
                Ok(())
            })?;
        }
    }
}

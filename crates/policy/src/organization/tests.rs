//! What an organization's policy promises: it is read whole or refused with its lines, and nobody loosens it.

use super::*;
use crate::decide::decide;
use crate::grant::Grant;
use crate::request::{Action, ActionKind, Purpose, Request, Who};
use crate::rules::Outcome;
use hearth_domain::{Label, Trust};
use proptest::prelude::*;
use std::sync::LazyLock;

const TEXT: &str = r#"organization = "Mill & Weir"
version = 3
modes = ["local_only", "ask_before_remote"]
retention_days = 90
providers = ["mistral", "our server"]
residency = ["eu", "own hardware"]
everyone = "member"
rules = '''
@name("no exports of guarded things")
@sentence("Confidential and restricted things are not written into plain files.")
forbid (principal, action == Action::"export", resource)
when { ["confidential", "restricted"].contains(context.label) };
'''

[roles]
anna = "steward"
audit = "auditor"
"#;

fn flaws(text: &str) -> Vec<(u32, String)> {
    Organization::read(text).unwrap_err().into_iter().map(|flaw| (flaw.line, flaw.reason)).collect()
}

#[test]
fn a_policy_is_read() {
    let policy = Organization::read(TEXT).unwrap();
    assert_eq!((policy.name.as_str(), policy.version, policy.retention_days), ("Mill & Weir", 3, Some(90)));
    assert_eq!(
        [policy.person("anna"), policy.person("audit"), policy.person("bert")],
        [Person::Steward, Person::Auditor, Person::Member]
    );
    assert_eq!(policy.mode(Mode::AskBeforeRemote), Mode::AskBeforeRemote);
    assert_eq!(policy.mode(Mode::Offline), Mode::LocalOnly, "the strictest that is allowed");
    assert!(policy.allows_model(None), "where no models are named any may be loaded");
    let named = Organization::read(&format!("models = [\"{}\"]\n{TEXT}", "ab".repeat(32))).unwrap();
    assert!(named.allows_model(Some(&"ab".repeat(32))));
    assert!(!named.allows_model(Some(&"cd".repeat(32))) && !named.allows_model(None));
}

#[test]
fn what_is_wrong_is_named_with_its_line() {
    assert!(flaws("organization = ")[0].0 == 1);
    assert!(flaws(&TEXT.replace("version = 3", "version = 0"))[0].0 == 2);
    assert!(flaws(&TEXT.replace("retention_days", "retention_weeks"))[0].1.contains("retention_weeks"));
    assert_eq!(flaws(&TEXT.replace("[\"local_only\", \"ask_before_remote\"]", "[]"))[0].0, 3);
    assert_eq!(flaws(&TEXT.replace("our server", "x\\\" || true || \\\""))[0].0, 5);
    assert!(flaws(&format!("models = [\"abc\"]\n{TEXT}"))[0].1.contains("SHA-256"));
    let typed = flaws(&TEXT.replace("context.label)", "context.labels)"));
    assert!(typed.iter().any(|(line, _)| (11..=12).contains(line)), "{typed:?}");
    let ends = flaws(&TEXT.replace("@name(\"no exports", "@until(\"2030-01-01\")\n@name(\"no exports"));
    assert!(ends[0].1.contains("@until"), "{ends:?}");
}

fn send(provider: &str, residency: &str) -> Request {
    let action = Action::Send { provider: provider.into(), host: "h".into(), residency: residency.into() };
    Request::new(Who::Person, action, Label::Public, Trust::User)
}

#[test]
fn its_lists_are_rules() {
    let policy = Organization::read(TEXT).unwrap();
    let rules = RuleSet::with(Mode::AskBeforeRemote, &policy.rules, "").unwrap();
    let said = |provider, residency| {
        let decision = decide(&send(provider, residency), &rules, &[], 0);
        (decision.outcome, decision.rule.name)
    };
    assert_eq!(said("mistral", "eu").0, Outcome::Ask);
    assert_eq!(said("our server", "own hardware").0, Outcome::Ask);
    assert_eq!(said("openai", "eu"), (Outcome::Deny, "allowed providers".into()));
    assert_eq!(said("mistral", "unknown"), (Outcome::Deny, "allowed places".into()));
    let nobody = Organization::read("organization = \"x\"\nversion = 1\nproviders = []").unwrap();
    let rules = RuleSet::with(Mode::AskBeforeRemote, &nobody.rules, "").unwrap();
    assert_eq!(decide(&send("mistral", "eu"), &rules, &[], 0).outcome, Outcome::Deny);
}

/// A random rule of a person's own.
fn any_rule() -> impl Strategy<Value = String> {
    let effect = prop_oneof![Just("permit"), Just("forbid"), Just("@ask(\"x\") permit")];
    let action = proptest::sample::select(vec!["send", "export", "purge", "download", "change_label", "answer"]);
    let when = prop_oneof![
        Just(String::new()),
        Just("when { context.untrusted }".to_owned()),
        Just("unless { context.allowed }".to_owned()),
        proptest::sample::select(Label::ALL.to_vec())
            .prop_map(|label| format!("when {{ context.label == \"{}\" }}", label.word())),
    ];
    let who = prop_oneof![Just("principal"), Just("principal == Who::\"person\""), Just("principal == Who::\"house\"")];
    (effect, action, when, who, 0..1000u32).prop_map(|(effect, action, when, who, number)| {
        format!(
            "@name(\"r{number}\") @sentence(\"R.\") {effect} ({who}, action == Action::\"{action}\", resource) {when};"
        )
    })
}

fn any_request() -> impl Strategy<Value = Request> {
    let action = prop_oneof![
        (prop_oneof![Just("mistral"), Just("openai")], prop_oneof![Just("eu"), Just("unknown")])
            .prop_map(|(provider, residency)| send(provider, residency).action),
        Just(Action::Export),
        Just(Action::Purge),
        Just(Action::Download { purpose: Purpose::Update, host: "h".into() }),
        Just(Action::Answer),
    ];
    let who = proptest::sample::select(vec![Who::Person, Who::Model, Who::House]);
    let trust = proptest::sample::select(vec![Trust::Tool, Trust::Web, Trust::Library, Trust::User]);
    (who, action, proptest::sample::select(Label::ALL.to_vec()), trust)
        .prop_map(|(who, action, label, trust)| Request::new(who, action, label, trust))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 32, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn nobody_loosens_it(own in proptest::collection::vec(any_rule(), 0..5), requests in proptest::collection::vec(any_request(), 30), mode in proptest::sample::select(Mode::ALL.to_vec()), granted in any::<bool>()) {
        static POLICY: LazyLock<Organization> = LazyLock::new(|| Organization::read(TEXT).unwrap());
        let policy = &*POLICY;
        let alone = RuleSet::with(mode, &policy.rules, "").unwrap();
        let own = RuleSet::with(mode, &policy.rules, &own.join("\n")).unwrap();
        let grants: Vec<Grant> = ActionKind::ALL.into_iter().filter(|_| granted).map(|action| Grant {
            action, thing: None, space: None, turn: None, label: Label::Restricted, untrusted: true, until: 1,
        }).collect();
        let locked: Vec<&str> = alone.rules.iter().filter(|rule| rule.origin == Origin::Organization).map(|rule| rule.name.as_str()).collect();
        for request in &requests {
            let before = decide(request, &alone, &[], 0);
            let after = decide(request, &own, &grants, 0);
            let by_it = before.considered.iter().any(|rule| locked.contains(&rule.name.as_str()));
            if by_it {
                prop_assert!(after.outcome >= before.outcome, "{request:?}: {before:?} {after:?}");
            }
        }
    }
}

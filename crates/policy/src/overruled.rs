//! Rules that can never speak: permits of a person's own that a rule of the house or of the organization forbids wherever
//! they would. Found by asking all requests that such a rule could mean, its own words put in for names.

use crate::language::{compile, parse};
use crate::request::{Action, ActionKind, Effect, Mode, Purpose, Request, Who};
use crate::rules::{Flaw, Origin, Outcome, RuleSet};
use hearth_domain::{Label, Trust};
use std::collections::BTreeSet;

/// A person's own rules that are forbidden wherever they would permit, in each of these modes. A rule that speaks of no
/// request that can be thought of here is left alone.
///
/// # Errors
/// Whose rules cannot be read, and every flaw of them.
pub fn overruled(modes: &[Mode], organization: &str, own: &str) -> Result<Vec<Flaw>, (Origin, Vec<Flaw>)> {
    let sets: Vec<RuleSet> =
        modes.iter().map(|mode| RuleSet::with(*mode, organization, own)).collect::<Result<_, _>>()?;
    let parsed = parse(own, Origin::Yours, 1).map_err(|flaws| (Origin::Yours, flaws))?;
    let mut found = Vec::new();
    for one in parsed.iter().filter(|(rule, _)| rule.effect != Outcome::Deny) {
        let alone = compile([one]);
        let meant: Vec<(Request, bool)> = thinkable(&one.0.text)
            .into_iter()
            .flat_map(|request| [(request.clone(), false), (request, true)])
            .filter(|(request, allowed)| !alone.ask(request, *allowed).speaking.is_empty())
            .collect();
        let mut by = None;
        let free = meant.iter().any(|(request, allowed)| {
            sets.iter().rev().any(|set| {
                let said = set.compiled.ask(request, *allowed);
                let locked = said.speaking.iter().map(|number| set.rule(*number));
                let above =
                    locked.into_iter().find(|rule| rule.effect == Outcome::Deny && rule.origin != Origin::Yours);
                let is_free = above.is_none();
                by = by.take().or(above);
                is_free
            })
        });
        if let (false, Some(by)) = (free, by) {
            let whose =
                if by.origin == Origin::Organization { "your organization's rule" } else { "the built-in rule" };
            let reason =
                format!("\"{}\" can never speak: {whose} \"{}\" forbids it ({})", one.0.name, by.name, by.sentence);
            found.push(Flaw { line: one.0.line, reason });
        }
    }
    Ok(found)
}

/// Every kind of request, with the words of a rule for names.
fn thinkable(text: &str) -> Vec<Request> {
    let mut words: BTreeSet<String> = text.split('"').skip(1).step_by(2).map(str::to_owned).collect();
    words.insert("anything".to_owned());
    let kinds: BTreeSet<ActionKind> = words.iter().filter_map(|word| ActionKind::from_word(word)).collect();
    // Words that a rule looks for, all of them in one text.
    let text = words.iter().map(|word| word.replace('*', " ")).collect::<Vec<_>>().join(" ");
    let mut requests = Vec::new();
    // Of these, what may stand for a tool, a host, a provider or a place; trusts but the two that matter only where named.
    let known = |word: &str| {
        ActionKind::from_word(word).is_some()
            || Label::from_word(word).is_some()
            || ["person", "model", "house"].contains(&word)
    };
    let names: BTreeSet<String> = words.iter().filter(|word| !known(word)).cloned().collect();
    let trusts = [("", Trust::User), ("", Trust::Web), ("library", Trust::Library), ("tool", Trust::Tool)];
    let trusts: Vec<Trust> = trusts
        .into_iter()
        .filter(|(word, _)| word.is_empty() || words.contains(*word))
        .map(|(_, trust)| trust)
        .collect();
    for word in &names {
        for action in
            actions(word, &names).into_iter().filter(|action| kinds.is_empty() || kinds.contains(&action.kind()))
        {
            for who in [Who::Person, Who::Model, Who::House] {
                for label in Label::ALL {
                    for trust in trusts.iter().copied() {
                        let request = Request { text: text.clone(), ..Request::new(who, action.clone(), label, trust) };
                        let content = crate::content::Kind::ALL.into_iter().filter(|kind| words.contains(kind.word()));
                        let content: BTreeSet<_> = content.collect();
                        if !content.is_empty() {
                            requests.push(Request { content, ..request.clone() });
                        }
                        requests.push(request);
                    }
                }
            }
        }
    }
    requests
}

fn actions(word: &str, words: &BTreeSet<String>) -> Vec<Action> {
    let name = || word.to_owned();
    let mut actions = vec![
        Action::Answer,
        Action::Show,
        Action::UseDocument,
        Action::ReadPath { granted: true },
        Action::ReadPath { granted: false },
        Action::Remember,
        Action::Recall,
        Action::RunCode,
        Action::Download { purpose: Purpose::Model, host: name() },
        Action::Download { purpose: Purpose::Update, host: name() },
        Action::FetchPage { host: name() },
        Action::Trace { host: name(), own_machine: true },
        Action::Trace { host: name(), own_machine: false },
        Action::Export,
        Action::Purge,
        Action::ChangeLabel { from: Label::Public, to: Label::Restricted },
        Action::ChangeLabel { from: Label::Restricted, to: Label::Public },
        Action::ChangeRule,
    ];
    actions
        .extend([Effect::Pure, Effect::Reads, Effect::Changes].map(|effect| Action::CallTool { name: name(), effect }));
    for place in words.iter().take(8) {
        actions.push(Action::Send { provider: name(), host: place.clone(), residency: place.clone() });
    }
    actions
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(modes: &[Mode], organization: &str, own: &str, expect: &[(u32, &str)]) {
        let own = format!("@name(\"mine\")\n@sentence(\"S.\")\n{own}");
        let flaws = overruled(modes, organization, &own).unwrap();
        assert_eq!(flaws.len(), expect.len(), "{own}: {flaws:?}");
        for (flaw, (line, word)) in flaws.iter().zip(expect) {
            assert!(flaw.line == *line && flaw.reason.contains(word), "{flaw:?}");
        }
    }

    #[test]
    fn a_permit_that_can_never_speak_is_named_with_what_forbids_it() {
        let send = "permit (principal, action == Action::\"send\", resource);";
        check(&[Mode::LocalOnly], "", send, &[(1, "nothing is sent")]);
        check(&Mode::ALL, "", send, &[]);
        check(
            &Mode::ALL,
            "",
            "permit (principal, action == Action::\"send\", resource) when { context.label == \"restricted\" };",
            &[(1, "guarded things stay")],
        );
        check(
            &Mode::ALL,
            "",
            "permit (principal, action == Action::\"send\", resource) when { context.content.contains(\"secret\") };",
            &[(1, "no secrets leave")],
        );
        check(&Mode::ALL, "", "forbid (principal, action == Action::\"send\", resource);", &[]);
        let locked =
            "@name(\"no exports\")\n@sentence(\"None.\")\nforbid (principal, action == Action::\"export\", resource);";
        check(
            &Mode::ALL,
            locked,
            "permit (principal, action == Action::\"export\", resource) when { context.label == \"public\" };",
            &[(1, "organization's rule \"no exports\"")],
        );
        check(
            &Mode::ALL,
            "",
            "permit (principal, action == Action::\"send\", resource == Thing::\"ours\") when { context.residency == \"eu\" };",
            &[],
        );
    }

    #[test]
    fn a_rule_is_taken_out_by_its_name() {
        let one = "@name(\"a\")\n@sentence(\"A.\")\nforbid (principal, action == Action::\"export\", resource);\n";
        let two = one.replace("\"a\"", "\"b\"");
        assert_eq!(crate::without(&format!("{one}\n{two}"), "a").unwrap().trim(), two.trim());
        assert_eq!(crate::without(one, "c"), None);
    }
}

//! The language of the rules: Cedar, checked against the schema of this house before a rule counts. Turns text into rules
//! with their places, and a request into what Cedar is asked.

use crate::request::{Action, Request};
use crate::rules::{Flaw, Origin, Outcome, Rule};
use cedar_policy::{
    Authorizer, Context, Effect, Entities, EntityTypeName, EntityUid, Policy, PolicyId, PolicySet,
    RestrictedExpression, Schema, ValidationMode, Validator,
};
use hearth_domain::TimeMs;
use miette::Diagnostic;
use std::collections::{BTreeSet, HashMap};
use std::str::FromStr;
use std::sync::LazyLock;

static SCHEMA: LazyLock<Schema> =
    LazyLock::new(|| match Schema::from_cedarschema_str(include_str!("rules/schema.cedarschema")) {
        Ok((schema, _)) => schema,
        Err(error) => panic!("the schema of the house is wrong: {error}"),
    });

/// More text than rules of people have, bytes.
const LONGEST: usize = 256 << 10;

/// Rules that Cedar can be asked: permits and forbids apart, so that what a forbid overrules is known too.
#[derive(Debug, Clone, Default)]
pub(crate) struct Compiled {
    permits: PolicySet,
    forbids: PolicySet,
    numbers: HashMap<PolicyId, u32>,
}

/// What Cedar says of a request.
pub(crate) struct Said {
    /// Numbers of the rules that speak, in order.
    pub(crate) speaking: Vec<u32>,
    /// A rule could not be evaluated: nothing that it might forbid may happen.
    pub(crate) failed: bool,
}

/// Reads rules, numbered from `first` on.
///
/// # Errors
/// Every [`Flaw`] with its line; nothing of a text with a flaw is taken.
pub(crate) fn parse(text: &str, origin: Origin, first: u32) -> Result<Vec<(Rule, Policy)>, Vec<Flaw>> {
    if text.len() > LONGEST {
        return Err(vec![Flaw { line: 1, reason: format!("the rules are longer than {LONGEST} bytes") }]);
    }
    let set = PolicySet::from_str(text)
        .map_err(|errors| errors.iter().map(|error| flaw(text, 0, error)).collect::<Vec<_>>())?;
    if set.num_of_templates() > 0 {
        return Err(vec![Flaw { line: 1, reason: "a rule with a ?placeholder cannot be used here".into() }]);
    }
    let mut flaws = Vec::new();
    let mut policies: Vec<Policy> = set.policies().cloned().collect();
    policies.sort_by_key(|policy| order(policy.id()));
    let mut at = 0;
    let mut rules = Vec::new();
    for (number, policy) in (first..).zip(policies) {
        let source = policy.to_cedar().unwrap_or_default();
        let start = text.get(at..).and_then(|rest| rest.find(source.as_str())).map_or(at, |found| at + found);
        at = start + source.len();
        let line = line_of(text, start);
        let mut wrong = |reason: String| flaws.push(Flaw { line, reason });
        let said = |key: &str| policy.annotation(key).unwrap_or_default().trim().to_owned();
        if said("name").is_empty() || said("sentence").is_empty() {
            wrong("a rule needs @name(\"...\") and @sentence(\"...\"), so that people can read what it does".into());
        }
        let ask = policy.annotation("ask").is_some();
        if ask && policy.effect() == Effect::Forbid {
            wrong("@ask stands at a permit: a forbid is never asked about".into());
        }
        let until = match policy.annotation("until").map(day) {
            Some(None) => {
                wrong("@until names a day as \"2026-12-31\"".into());
                None
            }
            Some(Some(until)) => Some(until),
            None => None,
        };
        let effect = match (policy.effect(), ask) {
            (Effect::Forbid, _) => Outcome::Deny,
            (Effect::Permit, true) => Outcome::Ask,
            (Effect::Permit, false) => Outcome::Allow,
        };
        let rule = Rule {
            number,
            name: said("name"),
            sentence: said("sentence"),
            text: plain(&source),
            effect,
            origin,
            until,
            line,
        };
        rules.push((rule, policy.new_id(PolicyId::new(format!("rule{number}")))));
    }
    for error in Validator::new(SCHEMA.clone()).validate(&set, ValidationMode::Strict).validation_errors() {
        flaws.push(flaw(text, 0, error));
    }
    if flaws.is_empty() { Ok(rules) } else { Err(flaws) }
}

/// The text without the rules of this name; nothing where there is none, or where the text cannot be read.
pub fn without(text: &str, name: &str) -> Option<String> {
    let set = PolicySet::from_str(text).ok()?;
    let mut rest = text.to_owned();
    let named = set.policies().filter(|policy| policy.annotation("name").is_some_and(|said| said.trim() == name));
    for policy in named {
        rest = rest.replacen(&policy.to_cedar()?, "", 1);
    }
    (rest != text).then(|| rest.trim_start().to_owned())
}

/// Rules in the form that Cedar is asked in.
pub(crate) fn compile<'a>(rules: impl IntoIterator<Item = &'a (Rule, Policy)>) -> Compiled {
    let mut compiled = Compiled::default();
    for (rule, policy) in rules {
        let set = if rule.effect == Outcome::Deny { &mut compiled.forbids } else { &mut compiled.permits };
        // Numbers are unlike each other, so the names made of them are.
        if set.add(policy.clone()).is_ok() {
            compiled.numbers.insert(policy.id().clone(), rule.number);
        }
    }
    compiled
}

impl Compiled {
    /// Asks both halves. `allowed`: whether a person allowed it although untrusted text is in play.
    pub(crate) fn ask(&self, request: &Request, allowed: bool) -> Said {
        let Some(asked) = cedar_request(request, allowed) else { return Said { speaking: Vec::new(), failed: true } };
        let entities = Entities::empty();
        let authorizer = Authorizer::new();
        let mut said = Said { speaking: Vec::new(), failed: false };
        for half in [&self.permits, &self.forbids] {
            let response = authorizer.is_authorized(&asked, half, &entities);
            said.failed |= response.diagnostics().errors().next().is_some();
            said.speaking.extend(response.diagnostics().reason().filter_map(|id| self.numbers.get(id)));
        }
        said.speaking.sort_unstable();
        said
    }
}

fn cedar_request(request: &Request, allowed: bool) -> Option<cedar_policy::Request> {
    let text = |text: &str| RestrictedExpression::new_string(text.to_owned());
    let yes = RestrictedExpression::new_bool;
    let kinds: BTreeSet<&str> = request.content.iter().map(|kind| kind.word()).collect();
    let mut facts = vec![
        ("label", text(request.label.word())),
        ("trust", text(trust_word(request))),
        ("untrusted", yes(request.untrusted())),
        ("allowed", yes(allowed)),
        ("content", RestrictedExpression::new_set(kinds.into_iter().map(text))),
    ];
    match &request.action {
        Action::Answer | Action::Show | Action::Remember => facts.push(("text", text(&request.text.to_lowercase()))),
        Action::ReadPath { granted } => facts.push(("granted", yes(*granted))),
        Action::CallTool { effect, .. } => facts.push(("effect", text(&format!("{effect:?}").to_lowercase()))),
        Action::Download { purpose, .. } => facts.push(("purpose", text(&format!("{purpose:?}").to_lowercase()))),
        Action::FetchPage { .. } => facts.push(("purpose", text("page"))),
        Action::Send { host, residency, .. } => {
            facts.push(("text", text(&request.text.to_lowercase())));
            facts.push(("host", text(host)));
            facts.push(("residency", text(residency)));
        }
        Action::Trace { own_machine, .. } => facts.push(("own_machine", yes(*own_machine))),
        Action::ChangeLabel { from, to } => {
            facts.push(("to", text(to.word())));
            facts.push(("lowers", yes(to < from)));
        }
        _ => {}
    }
    let facts = facts.into_iter().map(|(name, value)| (name.to_owned(), value));
    let context = Context::from_pairs(facts).ok()?;
    let uid = |kind: &str, id: &str| {
        Some(EntityUid::from_type_name_and_id(EntityTypeName::from_str(kind).ok()?, cedar_policy::EntityId::new(id)))
    };
    let who = uid("Who", &format!("{:?}", request.who).to_lowercase())?;
    let action = uid("Action", request.action.kind().word())?;
    let thing = uid("Thing", request.action.thing())?;
    cedar_policy::Request::new(who, action, thing, context, Some(&SCHEMA)).ok()
}

fn trust_word(request: &Request) -> &'static str {
    match request.trust {
        hearth_domain::Trust::Tool => "tool",
        hearth_domain::Trust::Web => "web",
        hearth_domain::Trust::Library => "library",
        hearth_domain::Trust::User => "user",
    }
}

/// Cedar names rules of a text policy0, policy1, ... in their order.
fn order(id: &PolicyId) -> usize {
    let name: &str = id.as_ref();
    name.trim_start_matches("policy").parse().unwrap_or(usize::MAX)
}

/// What an error says, with the line that it points at.
fn flaw<E: Diagnostic>(text: &str, otherwise: usize, error: &E) -> Flaw {
    let at = error.labels().and_then(|mut labels| labels.next()).map_or(otherwise, |label| label.offset());
    let hint = error.help().map(|help| format!(" ({help})")).unwrap_or_default();
    let reason = error.to_string();
    // Validation errors begin with the name that Cedar gave the rule.
    let reason = reason
        .split_once("`, ")
        .filter(|(before, _)| before.contains("policy `"))
        .map_or(reason.as_str(), |(_, why)| why);
    Flaw { line: line_of(text, at), reason: format!("{reason}{hint}") }
}

fn line_of(text: &str, at: usize) -> u32 {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() as u32 + 1
}

/// A rule without its annotations and comments: what is decided.
fn plain(source: &str) -> String {
    let lines = source.lines().map(str::trim_end).filter(|line| !line.trim_start().starts_with(['@', '/']));
    lines.collect::<Vec<_>>().join("\n").trim().to_owned()
}

/// Midnight (UTC) behind a day as "2026-12-31", milliseconds. Days from the civil calendar after H. Hinnant.
fn day(text: &str) -> Option<TimeMs> {
    let mut parts = text.trim().splitn(3, '-').map(|part| part.parse::<i64>().ok());
    let (year, month, day) = (parts.next()??, parts.next()??, parts.next()??);
    if !(1970..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let shifted = if month <= 2 { year - 1 } else { year };
    let (era, in_era) = (shifted / 400, shifted % 400);
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    let days = era * 146_097 + in_era * 365 + in_era / 4 - in_era / 100 + of_year - 719_468;
    Some((days + 1) * 86_400_000)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn flaws(text: &str) -> Vec<(u32, String)> {
        parse(text, Origin::Yours, 1).unwrap_err().into_iter().map(|flaw| (flaw.line, flaw.reason)).collect()
    }

    #[test]
    fn a_flaw_is_named_with_its_line() {
        let head = "@name(\"a\")\n@sentence(\"A.\")\n";
        assert_eq!(flaws(&format!("{head}permit (principal, action, resource")).first().map(|f| f.0), Some(3));
        let unknown = flaws(&format!("{head}forbid (principal, action == Action::\"fly\", resource);"));
        assert!(unknown.iter().any(|(line, why)| *line == 3 && why.contains("fly")), "{unknown:?}");
        let typed = flaws(&format!(
            "{head}forbid (principal, action == Action::\"send\", resource)\nwhen {{ context.label > 3 }};"
        ));
        assert!(typed.iter().any(|(line, _)| *line == 4), "{typed:?}");
        let nameless = flaws("forbid (principal, action == Action::\"send\", resource);");
        assert!(nameless.iter().any(|(_, why)| why.contains("@name")), "{nameless:?}");
        assert!(
            flaws(&format!("@until(\"soon\")\n{head}forbid (principal, action, resource);"))
                .iter()
                .any(|(_, why)| why.contains("@until"))
        );
        assert!(
            flaws(&format!("@ask(\"x\")\n{head}forbid (principal, action, resource);"))
                .iter()
                .any(|(_, why)| why.contains("@ask"))
        );
    }

    #[test]
    fn days_end_at_midnight() {
        assert_eq!(day("1970-01-01"), Some(86_400_000));
        assert_eq!(day("2024-02-29"), Some(1_709_251_200_000));
        assert_eq!((day("2024-13-01"), day("soon"), day("2024-1")), (None, None, None));
    }
}

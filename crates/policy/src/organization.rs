//! What an organization lays down for its machines: one text (TOML) that people can read. Who signed it is not known here.

use crate::people::Person;
use crate::request::Mode;
use crate::rules::{Flaw, Origin, RuleSet};
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};

/// More text than such a policy has, bytes.
const LONGEST: usize = 512 << 10;

/// An organization's policy. Its rules are locked: a person's own never loosen them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Organization {
    /// Whose it is.
    pub name: String,
    /// Counted up by the organization with every change; an older one never takes a newer one's place.
    pub version: u32,
    /// Its rules, in Cedar, with those made from its lists of providers and residencies.
    pub rules: String,
    /// Modes that may be chosen, strictest first.
    pub modes: Vec<Mode>,
    /// Hashes (SHA-256) of the weights that may be loaded; any where it says nothing.
    pub models: Option<BTreeSet<String>>,
    /// Days that conversations and decisions are kept; for ever where it says nothing.
    pub retention_days: Option<u32>,
    /// Providers that text may go to; any where it says nothing.
    pub providers: Option<BTreeSet<String>>,
    /// Where they may be; anywhere where it says nothing.
    pub residency: Option<BTreeSet<String>>,
    /// The parts that people play, by the name of their profile.
    pub roles: BTreeMap<String, Person>,
    /// The part of everyone else.
    pub everyone: Person,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    organization: String,
    version: u32,
    rules: Option<toml::Spanned<String>>,
    modes: Option<Vec<Mode>>,
    models: Option<BTreeSet<String>>,
    retention_days: Option<u32>,
    providers: Option<BTreeSet<String>>,
    residency: Option<BTreeSet<String>>,
    #[serde(default)]
    roles: BTreeMap<String, Person>,
    everyone: Option<Person>,
}

impl Organization {
    /// Reads a policy.
    ///
    /// # Errors
    /// Every flaw with its line; nothing of a text with a flaw is taken.
    pub fn read(text: &str) -> Result<Self, Vec<Flaw>> {
        let one = |line, reason: String| vec![Flaw { line, reason }];
        if text.len() > LONGEST {
            return Err(one(1, format!("the policy is longer than {LONGEST} bytes")));
        }
        let written: Written = toml::from_str(text).map_err(|error| {
            let at = error.span().map_or(0, |span| span.start);
            one(line_of(text, at), error.message().to_owned())
        })?;
        let Written { organization, version, rules, modes, models, retention_days, .. } = written;
        let Written { providers, residency, roles, everyone, .. } =
            Written { rules: None, modes: None, models: None, organization: String::new(), ..written };
        let mut flaws = Vec::new();
        let mut wrong = |key: &str, reason: String| flaws.push(Flaw { line: line_of_key(text, key), reason });
        let name = organization.trim().to_owned();
        if name.is_empty() || name.chars().count() > 100 || name.chars().any(char::is_control) {
            wrong("organization", "the organization's name has 1 to 100 letters, in one line".into());
        }
        if version == 0 {
            wrong("version", "versions are counted from 1".into());
        }
        let mut modes = modes.unwrap_or_else(|| Mode::ALL.to_vec());
        modes.sort_unstable();
        modes.dedup();
        if modes.is_empty() {
            wrong("modes", "at least one mode must be allowed".into());
        }
        let hash =
            |hash: &String| hash.len() == 64 && hash.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        if let Some(odd) = models.iter().flatten().find(|one| !hash(one)) {
            wrong("models", format!("\"{odd}\" is no SHA-256 in 64 small hexadecimal digits"));
        }
        if retention_days == Some(0) {
            wrong("retention_days", "a day is the shortest that things are kept".into());
        }
        for (key, words) in [("providers", &providers), ("residency", &residency)] {
            if let Some(odd) = words.iter().flatten().find(|one| !is_word(one)) {
                wrong(key, format!("\"{odd}\" is no word of letters, digits, blanks and . _ - :"));
            }
        }
        if let Some(odd) = roles.keys().find(|one| !is_word(one)) {
            wrong("roles", format!("\"{odd}\" is no name of a profile"));
        }
        let own = rules.as_ref().map_or("", |rules| rules.get_ref());
        let first = rules.as_ref().map_or(1, |rules| first_line(text, rules.span().start));
        let rules = format!("{own}\n{}", listed(providers.as_ref(), residency.as_ref()));
        for mode in Mode::ALL {
            match RuleSet::with(mode, &rules, "") {
                Ok(set) => {
                    if let Some(found) =
                        set.rules.iter().find(|rule| rule.origin == Origin::Organization && rule.until.is_some())
                    {
                        flaws.push(Flaw {
                            line: found.line + first - 1,
                            reason: "a rule of an organization ends with a newer version, not with @until".into(),
                        });
                    }
                }
                Err((_, found)) => {
                    flaws.extend(found.into_iter().map(|flaw| Flaw { line: flaw.line + first - 1, ..flaw }));
                }
            }
            if !flaws.is_empty() {
                return Err(flaws);
            }
        }
        let everyone = everyone.unwrap_or(Person::Member);
        Ok(Self { name, version, rules, modes, models, retention_days, providers, residency, roles, everyone })
    }

    /// The part that the person of a profile plays.
    pub fn person(&self, profile: &str) -> Person {
        self.roles.get(profile).copied().unwrap_or(self.everyone)
    }

    /// The mode that holds where a person chose `wanted`: that, or the next stricter one that is allowed, else the strictest.
    pub fn mode(&self, wanted: Mode) -> Mode {
        let allowed = self.modes.iter().copied();
        allowed.clone().filter(|mode| *mode <= wanted).max().or(allowed.min()).unwrap_or(Mode::Offline)
    }

    /// Whether weights with this hash may be loaded. Weights without one may not where the policy names any.
    pub fn allows_model(&self, sha256: Option<&str>) -> bool {
        self.models.as_ref().is_none_or(|models| sha256.is_some_and(|hash| models.contains(hash)))
    }
}

/// Rules made from lists.
fn listed(providers: Option<&BTreeSet<String>>, residency: Option<&BTreeSet<String>>) -> String {
    let mut rules = String::new();
    let forbid = |name: &str, sentence: String, unless: String| {
        format!(
            "@name(\"{name}\")\n@sentence(\"{sentence}\")\nforbid (principal, action == Action::\"send\", resource)\nunless {{ {unless} }};\n"
        )
    };
    let said = |words: &BTreeSet<String>| {
        if words.is_empty() { "none".to_owned() } else { words.iter().cloned().collect::<Vec<_>>().join(", ") }
    };
    if let Some(words) = providers {
        let things: Vec<String> = words.iter().map(|word| format!("resource == Thing::\"{word}\"")).collect();
        let unless = if things.is_empty() { "false".to_owned() } else { things.join(" || ") };
        let sentence = format!("Text goes to no provider but those that your organization allows: {}.", said(words));
        rules.push_str(&forbid("allowed providers", sentence, unless));
    }
    if let Some(words) = residency {
        let places: Vec<String> = words.iter().map(|word| format!("context.residency == \"{word}\"")).collect();
        let unless = if places.is_empty() { "false".to_owned() } else { places.join(" || ") };
        let sentence = format!("Text goes nowhere but where your organization allows: {}.", said(words));
        rules.push_str(&forbid("allowed places", sentence, unless));
    }
    rules
}

fn is_word(word: &str) -> bool {
    (1..=64).contains(&word.len()) && word.bytes().all(|byte| byte.is_ascii_alphanumeric() || b" ._-:".contains(&byte))
}

fn line_of(text: &str, at: usize) -> u32 {
    text.bytes().take(at).filter(|byte| *byte == b'\n').count() as u32 + 1
}

fn line_of_key(text: &str, key: &str) -> u32 {
    let at = text.lines().position(|line| {
        let line = line.trim_start().trim_start_matches('[');
        line.strip_prefix(key).is_some_and(|rest| rest.trim_start().starts_with(['=', ']']))
    });
    at.map_or(1, |at| at as u32 + 1)
}

/// The line of the file on which the first line of a string stands: a break behind the three opening marks is not part of it.
fn first_line(text: &str, start: usize) -> u32 {
    let marks = text.get(start..).unwrap_or_default();
    let opened = marks.strip_prefix("\"\"\"").or_else(|| marks.strip_prefix("'''"));
    let broken = opened.is_some_and(|rest| rest.starts_with('\n') || rest.starts_with("\r\n"));
    line_of(text, start) + u32::from(broken)
}

#[cfg(test)]
#[path = "organization/tests.rs"]
mod tests;

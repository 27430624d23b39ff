//! `hearth policy`: what may happen here, and how a person changes it. What a rule means is the kernel's matter.

use crate::arguments::{ModeName, Policy};
use crate::end::End;
use crate::house::{House, space};
use crate::out::Out;
use hearth_api::{
    AddGrant, AddRules, Error, ErrorCode, GetPrivacy, GrantView, GridCell, Handler, Mode, Privacy, RemoveRule, SetMode,
    SetRules, SetSpaceLabel, TryRules, WithdrawGrant,
};
use hearth_kernel::PolicyLetter;
use std::path::{Path, PathBuf};

pub(crate) fn run(kernel: &House, what: Policy, out: &Out) -> Result<End, Error> {
    let privacy = match what {
        Policy::Check { file } => return letter(&kernel.check_policy(&full(&file))?, "Can be used", out),
        Policy::Pack { file, to } => return letter(&kernel.pack_policy(&full(&file), &full(&to))?, "Signed", out),
        Policy::Load { file, trust } => {
            return letter(&kernel.load_policy(&full(&file), trust.as_deref())?, "Loaded", out);
        }
        Policy::Grants => return grants(&kernel.handle(GetPrivacy {})?, out),
        Policy::Space { space: wanted, label, lower } => {
            let space = space(kernel, Some(&wanted))?.id;
            let shown = kernel.handle(SetSpaceLabel { space, label: label.into(), confirmed: lower })?;
            out.value(&shown);
            out.line(format!("Everything in {} is at least {:?}.", shown.name, shown.label));
            return Ok(End::Done);
        }
        Policy::Add { file } => kernel.handle(AddRules { text: rules_of(&file)? })?,
        Policy::Remove { name } => kernel.handle(RemoveRule { name })?,
        Policy::Show => kernel.handle(GetPrivacy {})?,
        Policy::Mode { mode } => kernel.handle(SetMode { mode: mode.into() })?,
        Policy::Set { file } => kernel.handle(SetRules { text: rules_of(&file)? })?,
        Policy::Try { file, text } => return try_rules(kernel, TryRules { text: rules_of(&file)?, sample: text }, out),
        Policy::Grant { action, thing, space: wanted, label, hours, untrusted } => {
            let space = wanted.map(|wanted| space(kernel, Some(&wanted)).map(|space| space.id)).transpose()?;
            kernel.handle(AddGrant { action, thing, space, label: label.into(), hours, untrusted })?
        }
        Policy::Withdraw { grant } => kernel.handle(WithdrawGrant { grant })?,
    };
    out.value(&privacy);
    lines(&privacy).iter().for_each(|line| out.line(line));
    Ok(End::Done)
}

/// What holds, as lines for people.
fn lines(privacy: &Privacy) -> Vec<String> {
    let name = privacy.modes.iter().find(|mode| mode.holds).map_or("", |mode| mode.name.as_str());
    let mut lines = vec![format!("{name}: {}", privacy.mode_sentence)];
    lines.extend(privacy.trouble.clone());
    if let Some(laid) = &privacy.organization {
        lines.push(format!("{}, version {} of its policy; you are {}.", laid.name, laid.version, privacy.person));
        lines.extend(laid.sentences.iter().map(|sentence| format!("     {sentence}")));
    }
    for rule in &privacy.rules {
        lines.push(format!("{:>3}  {}  ({})", rule.number, rule.sentence, rule.origin));
    }
    lines.extend(privacy.grants.iter().map(grant_line));
    lines
}

fn grant_line(grant: &GrantView) -> String {
    format!("grant {}: {}, until {}", grant.id, grant.sentence, hearth_kernel::date_of(grant.until_ms))
}

fn grants(privacy: &Privacy, out: &Out) -> Result<End, Error> {
    out.value(&privacy.grants);
    if privacy.grants.is_empty() {
        out.line("No grant holds.");
    }
    privacy.grants.iter().for_each(|grant| out.line(grant_line(grant)));
    Ok(End::Done)
}

/// What was done with an organization's policy.
fn letter(policy: &PolicyLetter, done: &str, out: &Out) -> Result<End, Error> {
    out.value(policy);
    out.line(format!("{done}: version {} of the policy of {}", policy.version, policy.organization));
    policy.sentences.iter().for_each(|sentence| out.line(format!("  {sentence}")));
    for (name, sentence) in &policy.rules {
        out.line(format!("  rule \"{name}\": {sentence}"));
    }
    match &policy.fingerprint {
        Some(fingerprint) => out.line(format!("Fingerprint of the key that signed it: {fingerprint}")),
        None => out.line("It is not signed: `hearth policy pack` signs it."),
    }
    Ok(End::Done)
}

fn full(path: &Path) -> PathBuf {
    std::path::absolute(path).unwrap_or_else(|_| path.to_owned())
}

fn try_rules(kernel: &House, what: TryRules, out: &Out) -> Result<End, Error> {
    let trial = kernel.handle(what)?;
    out.value(&trial);
    out.line(format!("{} of {} requests would be decided otherwise.", trial.changes, trial.tried));
    if !trial.found.is_empty() {
        out.line(format!("The text holds: {}.", trial.found.join(", ")));
    }
    for one in &trial.examples {
        let (before, after) = (word(one.before), word(one.after));
        out.line(format!("  {}: {before} would become {after}, by \"{}\"", one.what, one.rule));
    }
    for idle in &trial.idle {
        out.line(format!("  \"{idle}\" would have decided none of them."));
    }
    Ok(End::Done)
}

fn word(cell: GridCell) -> &'static str {
    match cell {
        GridCell::Allow => "allow",
        GridCell::Ask => "ask",
        GridCell::Deny => "deny",
    }
}

fn rules_of(file: &Path) -> Result<String, Error> {
    std::fs::read_to_string(file)
        .map_err(|why| Error::new(ErrorCode::Invalid, format!("{} could not be read: {why}.", file.display())))
}

impl From<ModeName> for Mode {
    fn from(name: ModeName) -> Self {
        match name {
            ModeName::Offline => Mode::Offline,
            ModeName::LocalOnly => Mode::LocalOnly,
            ModeName::AskBeforeRemote => Mode::AskBeforeRemote,
        }
    }
}

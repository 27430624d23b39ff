//! `hearth policy`: what may happen here, and how a person changes it. What a rule means is the kernel's matter.

use crate::arguments::{ModeName, Policy};
use crate::end::End;
use crate::house::{House, space};
use crate::out::Out;
use hearth_api::{
    AddGrant, Error, ErrorCode, GetPrivacy, GridCell, Handler, Mode, Privacy, SetMode, SetRules, TryRules,
    WithdrawGrant,
};
use std::path::Path;

pub(crate) fn run(kernel: &House, what: Policy, out: &Out) -> Result<End, Error> {
    let privacy = match what {
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
    for rule in &privacy.rules {
        lines.push(format!("{:>3}  {}  ({})", rule.number, rule.sentence, rule.origin));
    }
    for grant in &privacy.grants {
        lines.push(format!("grant {}: {}, until {}", grant.id, grant.sentence, hearth_kernel::date_of(grant.until_ms)));
    }
    lines
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

//! An organization's policy on this machine: written and signed by one house, carried as a file, loaded by others. A vault
//! that belongs to an organization takes newer policies of the same key only, and there is no way back but a newer one.

use crate::clock::now_ms;
use crate::error;
use crate::kernel::House;
use crate::law::{Held, KEPT_MS, flawed};
use crate::models::sentence;
use hearth_api::{Error, ErrorCode, OrganizationView};
use hearth_domain::TimeMs;
use hearth_egress::{BundleError, Letter, LetterError};
use hearth_policy::{Mode, Organization, Person, Right, RuleSet};
use hearth_store::{Entry, OrganizationRow, Store};
use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// More than a policy has, bytes.
const LONGEST: u64 = 1 << 20;
/// Where a vault keeps the name of its profile, and what the usual one is called.
const PROFILE: &str = "profile";
const USUAL: &str = "default";

/// A policy of an organization that holds here.
#[derive(Debug)]
pub(crate) struct Loaded {
    pub(crate) policy: Organization,
    pub(crate) fingerprint: String,
}

/// A policy that was written, looked at or loaded.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct PolicyLetter {
    /// Whose it is.
    pub organization: String,
    /// Its version, as the organization counts.
    pub version: u32,
    /// The fingerprint of the key that signed it; none where it is not signed.
    pub fingerprint: Option<String>,
    /// What it lays down beside rules, in sentences.
    pub sentences: Vec<String>,
    /// The names of its rules with their sentences.
    pub rules: Vec<(String, String)>,
}

impl Loaded {
    /// What holds where the policy that was laid down cannot be read any more: nothing may be changed.
    pub(crate) fn unreadable() -> Self {
        let policy = Organization {
            name: "Your organization".to_owned(),
            version: 0,
            rules: String::new(),
            modes: vec![Mode::Offline],
            models: None,
            retention_days: None,
            providers: Some(BTreeSet::new()),
            residency: Some(BTreeSet::new()),
            roles: BTreeMap::new(),
            everyone: Person::Viewer,
        };
        Self { policy, fingerprint: String::new() }
    }

    /// How long decisions are kept, milliseconds.
    pub(crate) fn decisions_ms(&self) -> TimeMs {
        let days = self.policy.retention_days.map_or(TimeMs::MAX, i64::from);
        KEPT_MS.min(days.saturating_mul(24 * 3600 * 1000))
    }

    /// What is shown of it.
    pub(crate) fn view(&self) -> OrganizationView {
        let Loaded { policy, fingerprint } = self;
        OrganizationView {
            name: policy.name.clone(),
            version: policy.version,
            fingerprint: fingerprint.clone(),
            sentences: sentences(policy),
        }
    }
}

/// What a policy lays down beside rules.
fn sentences(policy: &Organization) -> Vec<String> {
    let mut said = Vec::new();
    if policy.modes.len() < Mode::ALL.len() {
        let names: Vec<&str> = policy.modes.iter().map(|mode| mode.name()).collect();
        said.push(format!("Modes that may be chosen: {}.", names.join(", ")));
    }
    if let Some(models) = &policy.models {
        said.push(format!("Models are loaded only if their hash is one of {}.", models.len()));
    }
    if let Some(days) = policy.retention_days {
        said.push(format!(
            "Decisions and the traces of turns are kept for {} at most.",
            crate::view::count(days as usize, "day", "days")
        ));
    }
    let parts: Vec<String> =
        policy.roles.iter().map(|(profile, person)| format!("{profile} {}", person.name())).collect();
    let parts = if parts.is_empty() { String::new() } else { format!("{}; ", parts.join(", ")) };
    said.push(format!("Parts: {parts}everyone else {}.", policy.everyone.name()));
    said
}

fn shown(policy: &Organization, fingerprint: Option<String>) -> PolicyLetter {
    let set = RuleSet::with(Mode::Offline, &policy.rules, "").map(|set| set.rules).unwrap_or_default();
    let locked = set.into_iter().filter(|rule| rule.origin == hearth_policy::Origin::Organization);
    PolicyLetter {
        organization: policy.name.clone(),
        version: policy.version,
        fingerprint,
        sentences: sentences(policy),
        rules: locked.map(|rule| (rule.name, rule.sentence)).collect(),
    }
}

/// The key that signs for this house.
fn key(house: &House) -> PathBuf {
    house.config.data_dir.join("bundle-key")
}

/// The name of a vault's profile: the one it was first opened with, so that no other start gives another part.
pub(crate) fn profile(store: &Store, named: Option<&str>) -> Result<String, Error> {
    let kept = store.read(|reader| reader.setting(PROFILE)).map_err(error::store)?;
    if let Some(kept) = kept.as_ref().and_then(|kept| kept.as_str()) {
        return Ok(kept.to_owned());
    }
    let name = named.unwrap_or(USUAL).to_owned();
    store.write(|writer| writer.set_setting(PROFILE, &serde_json::json!(name))).map_err(error::store)?;
    Ok(name)
}

/// A policy that was loaded before.
///
/// # Errors
/// Why it cannot be used any more, as the end of a sentence.
pub(crate) fn kept(row: &OrganizationRow) -> Result<Loaded, String> {
    let why = |why: String| format!("your organization's policy cannot be read any more: {why}");
    let letter = hearth_egress::open_letter(&row.letter).map_err(|error| why(error.to_string()))?;
    if letter.fingerprint != row.fingerprint {
        return Err(why("another key signed it".into()));
    }
    let policy = Organization::read(&letter.text).map_err(|flaws| why(flawed(&flaws)))?;
    Ok(Loaded { policy, fingerprint: letter.fingerprint })
}

/// Reads a file that a person named, as text.
fn text_of(path: &Path) -> Result<String, Error> {
    use std::io::Read;
    let file = std::fs::File::open(path).map_err(|why| error::io(&why, "read", path))?;
    let mut bytes = Vec::new();
    file.take(LONGEST + 1).read_to_end(&mut bytes).map_err(|why| error::io(&why, "read", path))?;
    let wrong = |what: &str| Error::new(ErrorCode::Invalid, format!("{} is not a policy: {what}.", path.display()));
    if bytes.len() as u64 > LONGEST {
        return Err(wrong("it is larger than a mebibyte"));
    }
    String::from_utf8(bytes).map_err(|_| wrong("it is not text"))
}

fn read(text: &str, path: &Path) -> Result<Organization, Error> {
    Organization::read(text)
        .map_err(|flaws| Error::new(ErrorCode::Invalid, format!("{}: {}.", path.display(), flawed(&flaws))))
}

fn not_signed(why: LetterError, path: &Path) -> Error {
    let code = if why == LetterError::Unsigned { ErrorCode::Invalid } else { ErrorCode::Damaged };
    Error::new(code, format!("{} was not loaded: {why}.", path.display())).hint(
        "`hearth policy pack` signs a policy on the machine of whoever answers for it. What held before still holds.",
    )
}

fn keyless(why: &BundleError) -> Error {
    Error::new(ErrorCode::Damaged, sentence(&why.to_string()))
}

/// Signs a policy.
pub(crate) fn pack(house: &House, from: &Path, to: &Path) -> Result<PolicyLetter, Error> {
    let text = text_of(from)?;
    let policy = read(&text, from)?;
    let (written, letter) = hearth_egress::write_letter(&text, &key(house)).map_err(|why| keyless(&why))?;
    let mut options = std::fs::OpenOptions::new();
    let file = options.write(true).create_new(true).open(to);
    let written = file.and_then(|mut file| {
        use std::io::Write;
        file.write_all(written.as_bytes()).and_then(|()| file.sync_all())
    });
    written.map_err(|why| error::io(&why, "write", to))?;
    let said = format!("Signed version {} of the policy of {}", policy.version, policy.name);
    house.note("law.signed", said, None, serde_json::json!({ "signer": letter.fingerprint }));
    Ok(shown(&policy, Some(letter.fingerprint)))
}

/// Looks at a policy, signed or not.
pub(crate) fn check(from: &Path) -> Result<PolicyLetter, Error> {
    let text = text_of(from)?;
    match hearth_egress::open_letter(&text) {
        Ok(Letter { text, fingerprint }) => Ok(shown(&read(&text, from)?, Some(fingerprint))),
        Err(LetterError::Unsigned) => Ok(shown(&read(&text, from)?, None)),
        Err(why) => Err(not_signed(why, from)),
    }
}

/// Loads a signed policy.
pub(crate) fn load(house: &House, from: &Path, trusted: Option<&str>) -> Result<PolicyLetter, Error> {
    let open = house.open()?;
    let letter_text = text_of(from)?;
    let letter = hearth_egress::open_letter(&letter_text).map_err(|why| not_signed(why, from))?;
    let policy = read(&letter.text, from)?;
    let held = house.law.held();
    let before = open.store.read(|reader| reader.organization()).map_err(error::store)?;
    match &before {
        Some(before) => may_follow(before, &letter, &policy)?,
        None => {
            // The first one takes a right away from its person: only who makes the rules may, and the key must be known.
            crate::roles::need(house, Right::Rule)?;
            house.law.may_change_rules()?;
            may_begin(house, &letter, trusted, from)?;
        }
    }
    let mode = policy.mode(held.rules.mode);
    let rules = RuleSet::with(mode, &policy.rules, &held.own)
        .map_err(|(_, flaws)| Error::new(ErrorCode::Invalid, format!("Your own rules: {}.", flawed(&flaws))))?;
    let now = now_ms();
    let row = OrganizationRow {
        at_ms: now,
        version: policy.version,
        letter: letter_text,
        fingerprint: letter.fingerprint.clone(),
    };
    let entry = Entry {
        at_ms: now,
        kind: "law.organization",
        sentence: format!("Version {} of the policy of {} loaded", policy.version, policy.name),
        subject: None,
        detail: serde_json::json!({ "organization": policy.name, "version": policy.version, "signer": letter.fingerprint,
            "mode": mode.word(), "text": letter.text }),
    };
    let (version, _) = open
        .store
        .record(entry, |writer| {
            writer.keep_organization(&row)?;
            writer.keep_law(mode.word(), &held.own, now)
        })
        .map_err(error::store)?;
    house.law.write_beside(mode);
    let reply = shown(&policy, Some(letter.fingerprint.clone()));
    let organization = Some(Arc::new(Loaded { policy, fingerprint: letter.fingerprint }));
    house.law.set(Held { rules, version, organization, trouble: None, ..Held::clone(&held) });
    // A model that may be loaded no longer does not stay loaded.
    for model in house.models.installed() {
        if house.law.may_load(&model.name, model.sha256.as_deref()).is_err() {
            house.schedule.unload(&model.id, Some(&*open));
        }
    }
    house.events.stale(&["GetPrivacy", "ListActivity", "ListModels"]);
    house.tell_status();
    Ok(reply)
}

/// Whether a policy may take the place of one that holds.
fn may_follow(before: &OrganizationRow, letter: &Letter, policy: &Organization) -> Result<(), Error> {
    let stays = "What held before still holds.";
    if letter.fingerprint != before.fingerprint {
        let said = "This policy was not loaded: it is signed with another key than the one that holds.";
        let hint = format!("The key that is trusted here has the fingerprint {}. {stays}", before.fingerprint);
        return Err(Error::new(ErrorCode::Denied, said).hint(hint));
    }
    if policy.version <= before.version {
        let (version, holds) = (policy.version, before.version);
        let said = format!("This policy was not loaded: it is version {version}, and version {holds} holds.");
        return Err(Error::new(ErrorCode::Invalid, said).hint(stays));
    }
    Ok(())
}

/// Whether the first policy of a vault is signed by whom a person trusts: with the fingerprint given, or this house's key.
fn may_begin(house: &House, letter: &Letter, trusted: Option<&str>, from: &Path) -> Result<(), Error> {
    let trusted = trusted.map(hearth_egress::spelled).transpose();
    let trusted = trusted.map_err(|why| Error::new(ErrorCode::Invalid, sentence(&why.to_string())))?;
    let known = match trusted {
        Some(given) => given == letter.fingerprint,
        None => hearth_egress::house_fingerprint(&key(house)).map_err(|why| keyless(&why))? == letter.fingerprint,
    };
    if known {
        return Ok(());
    }
    let said =
        format!("This policy was not loaded: the key that signed it has the fingerprint {}.", letter.fingerprint);
    Err(Error::new(ErrorCode::Denied, said).hint(format!(
        "If `hearth policy pack` showed this fingerprint where it was signed, run `hearth policy load {} --trust {}`.",
        from.display(),
        letter.fingerprint
    )))
}

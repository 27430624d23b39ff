//! The kernel's way to the policy: one place that knows which rules and grants hold, asks them, and keeps what they
//! decided. Models propose; rules decide.

use crate::clock::now_ms;
use crate::error;
use crate::organization::{self, Loaded};
use crate::privacy::action_words;
use hearth_api::{Error, ErrorCode, RuleRef};
use hearth_domain::{Label, SpaceId, TimeMs, Trust, TurnId};
use hearth_policy::{
    Action, ActionKind, Decision, Effect, Flaw, Grant, Mode, Origin, Outcome, Person, Purpose, Request, RuleSet,
    Standing, Who, decide,
};
use hearth_store::{Entry, NewDecision, Store};
use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, RwLock};

/// How long decisions are kept to try rules on, milliseconds: thirty days.
pub(crate) const KEPT_MS: TimeMs = 30 * 24 * 3600 * 1000;

/// The rules that hold.
pub(crate) struct Law {
    /// The mode's word, beside the vault: it holds while the vault is closed.
    beside: PathBuf,
    /// The name of this profile, where it is not the usual one.
    profile: Option<String>,
    held: RwLock<Arc<Held>>,
    applied: Mutex<BTreeMap<u32, u32>>,
}

/// What holds at one moment.
#[derive(Clone)]
pub(crate) struct Held {
    pub(crate) rules: RuleSet,
    /// The version of the rules in the vault; 0 where none was ever made.
    pub(crate) version: i64,
    /// A person's own rules.
    pub(crate) own: String,
    pub(crate) grants: Vec<(i64, Grant)>,
    /// Why less is allowed than a person chose.
    pub(crate) trouble: Option<String>,
    /// What the organization laid down, where this vault belongs to one.
    pub(crate) organization: Option<Arc<Loaded>>,
    /// The name of this profile, as the organization's policy may name it.
    pub(crate) profile: String,
    pub(crate) store: Option<Store>,
}

/// Text that would go to a model elsewhere.
pub(crate) struct Sending {
    pub(crate) provider: String,
    pub(crate) host: String,
    pub(crate) residency: String,
    pub(crate) label: Label,
    pub(crate) trust: Trust,
    pub(crate) text: String,
    pub(crate) space: Option<SpaceId>,
    pub(crate) turn: Option<TurnId>,
}

impl Law {
    /// The law of a folder whose vault is closed.
    pub(crate) fn new(data_dir: &Path, profile: Option<String>) -> Self {
        let beside = data_dir.join("mode");
        let held = RwLock::new(Arc::new(Held::closed(&beside)));
        Self { beside, profile, held, applied: Mutex::default() }
    }

    /// The vault opened: its rules and grants hold from now on. Rules that this program cannot read close every way out.
    pub(crate) fn open(&self, store: &Store) -> Result<(), Error> {
        let now = now_ms();
        let (row, leaves, laid) = store
            .read(|reader| Ok((reader.law()?, reader.leaves(now)?, reader.organization()?)))
            .map_err(error::store)?;
        let profile = organization::profile(store, self.profile.as_deref())?;
        let laid = laid.map(|row| organization::kept(&row)).transpose();
        let (version, word, own) = row.map_or((0, None, String::new()), |row| (row.version, Some(row.mode), row.own));
        let mode = match word.as_deref().map(Mode::from_word) {
            None => Ok(Mode::default()),
            Some(Some(mode)) => Ok(mode),
            Some(None) => Err("the mode of this vault is one that this program does not know".to_owned()),
        };
        let read = mode.and_then(|mode| {
            let laid = laid.as_ref().map_err(Clone::clone)?.as_ref();
            let (mode, locked) =
                laid.map_or((mode, ""), |laid: &Loaded| (laid.policy.mode(mode), laid.policy.rules.as_str()));
            RuleSet::with(mode, locked, &own).map_err(|(whose, flaws)| {
                let whose = if whose == Origin::Organization { "your organization's" } else { "your" };
                format!("{whose} rules cannot be read: {}", flawed(&flaws))
            })
        });
        let (rules, trouble) = match read {
            Ok(rules) => (rules, None),
            Err(why) => (RuleSet::of(Mode::Offline), Some(format!("Nothing leaves this machine, because {why}."))),
        };
        let organization = match laid {
            Ok(laid) => laid.map(Arc::new),
            // What it laid down is not known any more: nobody changes anything until it is loaded again.
            Err(_) => Some(Arc::new(Loaded::unreadable())),
        };
        let kept_ms = organization.as_ref().map_or(KEPT_MS, |laid| laid.decisions_ms());
        let grants = leaves.into_iter().filter_map(|row| Some((row.id, serde_json::from_value(row.body).ok()?)));
        let (grants, store_too) = (grants.collect(), Some(store.clone()));
        let held = Held { rules, version, own, grants, trouble, organization, profile, store: store_too };
        self.write_beside(held.rules.mode);
        self.set(held);
        store.write(|writer| writer.drop_decisions(now - kept_ms)).map_err(error::store)?;
        Ok(())
    }

    /// The vault was locked: grants end, the mode stays.
    pub(crate) fn close(&self) {
        self.set(Held::closed(&self.beside));
    }

    /// What holds now.
    pub(crate) fn held(&self) -> Arc<Held> {
        Arc::clone(&self.held.read().unwrap_or_else(|poisoned| poisoned.into_inner()))
    }

    /// Other rules and grants were kept in the vault: they hold from now on.
    pub(crate) fn set(&self, held: Held) {
        *self.held.write().unwrap_or_else(|poisoned| poisoned.into_inner()) = Arc::new(held);
    }

    /// Writes the mode down for the time while the vault is closed.
    pub(crate) fn write_beside(&self, mode: Mode) {
        if let Err(error) = std::fs::write(&self.beside, mode.word()) {
            tracing::warn!(%error, "the mode was not written beside the vault");
        }
    }

    /// May this be answered here?
    pub(crate) fn may_answer(&self, question: &str, label: Label, space: SpaceId, turn: TurnId) -> Decision {
        let request = Request::new(Who::Person, Action::Answer, label, Trust::User).about(question);
        self.ask(Request { space: Some(space), turn: Some(turn), ..request })
    }

    /// May documents of a label be read for an answer made here?
    pub(crate) fn may_use(&self, label: Label, space: SpaceId, turn: TurnId) -> Decision {
        let request = Request::new(Who::Person, Action::UseDocument, label, Trust::Library);
        self.ask(Request { space: Some(space), turn: Some(turn), ..request })
    }

    /// May memories of a label be used for an answer made here?
    pub(crate) fn may_recall(&self, label: Label, space: SpaceId, turn: TurnId) -> Decision {
        let request = Request::new(Who::Person, Action::Recall, label, Trust::User);
        self.ask(Request { space: Some(space), turn: Some(turn), ..request })
    }

    /// May a person write things of a label into a plain file? `confirmed` where they said yes to what would be asked.
    pub(crate) fn may_export(&self, label: Label, confirmed: bool) -> Result<(), Error> {
        let decision = self.ask(Request::new(Who::Person, Action::Export, label, Trust::User));
        if decision.outcome == Outcome::Ask && confirmed {
            return Ok(());
        }
        allowed(&decision, || "Nothing was written".into())
    }

    /// May a person erase something of a label for good?
    pub(crate) fn may_purge(&self, label: Label, name: &str) -> Result<(), Error> {
        let decision = self.ask(Request::new(Who::Person, Action::Purge, label, Trust::User));
        allowed(&decision, || format!("{name} was not removed"))
    }

    /// May this answer be shown?
    pub(crate) fn may_show(&self, answer: &str, of: Standing, turn: TurnId) -> Decision {
        let request = Request::new(Who::Model, Action::Show, of.label, of.trust).about(answer);
        self.ask(Request { turn: Some(turn), ..request })
    }

    /// May a file that a person handed over be read?
    pub(crate) fn may_read(&self, path: &Path) -> Result<(), Error> {
        let action = Action::ReadPath { granted: true };
        let decision = self.ask(Request::new(Who::Person, action, Label::Internal, Trust::User));
        allowed(&decision, || format!("{} was not read", path.display()))
    }

    /// May a model be fetched that a person asked for?
    pub(crate) fn may_download(&self, host: &str) -> Decision {
        let action = Action::Download { purpose: Purpose::Model, host: host.to_owned() };
        self.ask(Request::new(Who::Person, action, Label::Public, Trust::User))
    }

    /// May text go to a model elsewhere?
    pub(crate) fn may_send(&self, sending: Sending) -> Decision {
        self.ask(sent(sending))
    }

    /// Might it? Asked of what is only being laid out: it is no act, and leaves no trace.
    pub(crate) fn might_send(&self, sending: Sending) -> Decision {
        let held = self.held();
        decide(&sent(sending), &held.rules, &held.granted(), now_ms())
    }

    /// May a collector be told how questions were worked on?
    pub(crate) fn may_trace(&self, host: &str) -> Decision {
        let literal = host.trim_start_matches('[').trim_end_matches(']');
        let own_machine = literal.parse::<std::net::IpAddr>().is_ok_and(|address| address.to_canonical().is_loopback());
        let action = Action::Trace { host: host.to_owned(), own_machine };
        self.ask(Request::new(Who::House, action, Label::Internal, Trust::Library))
    }

    /// May a person keep this in memory?
    pub(crate) fn may_remember(&self, text: &str) -> Result<(), Error> {
        let request = Request::new(Who::Person, Action::Remember, Label::Internal, Trust::User).about(text);
        let decision = self.ask(request);
        allowed(&decision, || "This was not remembered".into())
    }

    /// May a tool run that a person called?
    pub(crate) fn may_call(&self, name: &str, effect: Effect, given: Standing, turn: TurnId) -> Decision {
        let action = Action::CallTool { name: name.to_owned(), effect };
        self.ask(Request { turn: Some(turn), ..Request::new(Who::Person, action, given.label, given.trust) })
    }

    /// May weights be loaded, or fetched? An organization may name those that may, by their hash.
    ///
    /// # Errors
    /// `Denied`, with the model's name and the hash.
    pub(crate) fn may_load(&self, name: &str, sha256: Option<&str>) -> Result<(), Error> {
        let held = self.held();
        match &held.organization {
            Some(laid) if !laid.policy.allows_model(sha256) => Err(Error::new(
                ErrorCode::Denied,
                format!("{name} is not among the models that {} allows.", laid.policy.name),
            )
            .hint(format!("Its hash is {}.", sha256.unwrap_or("not known")))),
            _ => Ok(()),
        }
    }

    /// May a label be changed?
    pub(crate) fn may_relabel(&self, from: Label, to: Label) -> Decision {
        self.ask(Request::new(Who::Person, Action::ChangeLabel { from, to }, from, Trust::User))
    }

    /// May a person change the rules?
    pub(crate) fn may_change_rules(&self) -> Result<(), Error> {
        let decision = self.ask(Request::new(Who::Person, Action::ChangeRule, Label::Public, Trust::User));
        allowed(&decision, || "The rules were not changed".into())
    }

    /// Decides and keeps the decision. What cannot be written down may not leave this machine.
    pub(crate) fn ask(&self, request: Request) -> Decision {
        let (held, now) = (self.held(), now_ms());
        let mut decision = decide(&request, &held.rules, &held.granted(), now);
        if let Err(error) = keep(&held, &request, &decision, now) {
            crate::vault::not_kept(&error, "a decision was not kept");
            if matches!(request.action, Action::Send { .. } | Action::FetchPage { .. } | Action::Trace { .. }) {
                decision.outcome = Outcome::Deny;
                decision.rule = (&held.rules.rule(0)).into();
            }
        }
        *self.counted().entry(decision.rule.number).or_default() += 1;
        decision
    }

    /// How often a rule decided since Hearth was started.
    pub(crate) fn applied(&self, number: u32) -> u32 {
        self.counted().get(&number).copied().unwrap_or(0)
    }

    /// A rule's readable text.
    pub(crate) fn text(&self, rule: &hearth_policy::RuleRef) -> String {
        format!("rule {}\n{}", rule.number, self.held().rules.rule(rule.number).text)
    }

    fn counted(&self) -> MutexGuard<'_, BTreeMap<u32, u32>> {
        self.applied.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

impl Held {
    /// What holds while the vault is closed: nothing is asked of anyone elsewhere then, whatever the mode.
    fn closed(beside: &Path) -> Self {
        let word = std::fs::read_to_string(beside).ok();
        let mode = match word.as_deref().map(|word| Mode::from_word(word.trim())) {
            None => Mode::default(),
            Some(Some(mode)) => mode.min(Mode::LocalOnly),
            Some(None) => Mode::Offline,
        };
        Held {
            rules: RuleSet::of(mode),
            version: 0,
            own: String::new(),
            grants: Vec::new(),
            trouble: None,
            organization: None,
            profile: String::new(),
            store: None,
        }
    }

    fn granted(&self) -> Vec<Grant> {
        self.grants.iter().map(|(_, grant)| grant.clone()).collect()
    }

    /// The organization's rules, in Cedar; none without one.
    pub(crate) fn locked(&self) -> &str {
        self.organization.as_ref().map_or("", |laid| laid.policy.rules.as_str())
    }

    /// Days that things may be kept, where the organization says it.
    pub(crate) fn retention_days(&self) -> Option<u32> {
        self.organization.as_ref().and_then(|laid| laid.policy.retention_days)
    }

    /// Modes that may be chosen.
    pub(crate) fn modes(&self) -> Vec<Mode> {
        self.organization.as_ref().map_or_else(|| Mode::ALL.to_vec(), |laid| laid.policy.modes.clone())
    }

    /// The part that this person plays: an organization says it, else whoever owns the vault makes its rules.
    pub(crate) fn person(&self) -> Person {
        self.organization.as_ref().map_or(Person::Steward, |laid| laid.policy.person(&self.profile))
    }
}

fn sent(sending: Sending) -> Request {
    let Sending { provider, host, residency, label, trust, text, space, turn } = sending;
    let action = Action::Send { provider, host, residency };
    Request { space, turn, ..Request::new(Who::Person, action, label, trust).about(&text) }
}

/// Keeps a decision. Those of a turn go onto the chain with its end; a refusal that ends no turn and is no connection (which
/// the ledger tells of) goes there by itself.
fn keep(held: &Held, request: &Request, decision: &Decision, now: TimeMs) -> hearth_store::Result<()> {
    let Some(store) = &held.store else { return Ok(()) };
    let written =
        serde_json::to_value(request).map_err(|error| hearth_store::StoreError::Invalid(error.to_string()))?;
    let row = NewDecision {
        at_ms: now,
        turn: request.turn,
        request: &written,
        outcome: decision.outcome.word(),
        rule: &decision.rule.name,
        law: held.version,
    };
    let kind = request.action.kind();
    let told = matches!(
        kind,
        ActionKind::Answer
            | ActionKind::Show
            | ActionKind::UseDocument
            | ActionKind::Recall
            | ActionKind::Download
            | ActionKind::Trace
    );
    store.write(|writer| {
        writer.add_decision(&row)?;
        if decision.outcome == Outcome::Deny && !told {
            let sentence = format!("Refused: {}. {}", action_words(kind), decision.rule.sentence);
            let subject = request.turn.map(|turn| format!("turn:{turn}"));
            let detail = serde_json::json!({ "rule": decision.rule.name, "request": written, "law": held.version });
            writer.append(&Entry { at_ms: now, kind: "action.refused", sentence, subject, detail })?;
        }
        Ok(())
    })
}

/// Flaws of rules, in words.
pub(crate) fn flawed(flaws: &[Flaw]) -> String {
    flaws.iter().map(ToString::to_string).collect::<Vec<_>>().join("; ")
}

/// A refusal as an error of the door, with the rule's name.
pub(crate) fn allowed(decision: &Decision, what: impl FnOnce() -> String) -> Result<(), Error> {
    match decision.outcome {
        Outcome::Allow => Ok(()),
        Outcome::Ask | Outcome::Deny => Err(Error::new(
            ErrorCode::Denied,
            format!("{}. Rule {}: {}", what(), decision.rule.number, decision.rule.sentence),
        )),
    }
}

/// A rule at the door.
pub(crate) fn rule(rule: &hearth_policy::RuleRef) -> RuleRef {
    let hearth_policy::RuleRef { number, name, sentence } = rule;
    RuleRef { number: *number, name: name.clone(), sentence: sentence.clone() }
}

/// Who made a rule, in words.
pub(crate) fn origin(origin: Origin) -> &'static str {
    match origin {
        Origin::BuiltIn => "Built in",
        Origin::Organization => "Organization",
        Origin::Yours => "Yours",
    }
}

/// A label's name for people.
pub(crate) fn label_name(label: Label) -> &'static str {
    match label {
        Label::Public => "Public",
        Label::Internal => "Internal",
        Label::Confidential => "Confidential",
        Label::Restricted => "Restricted",
    }
}

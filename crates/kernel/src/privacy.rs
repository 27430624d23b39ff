//! What holds now, and how a person changes it: the mode, rules of their own, grants. Every change is a version in the
//! vault, recorded in the transaction that makes it; rules with a flaw change nothing.

use crate::clock::now_ms;
use crate::error;
use crate::kernel::{House, Open};
use crate::law::{Held, KEPT_MS, flawed, label_name, origin};
use crate::view;
use hearth_api::{
    AddGrant, Error, ErrorCode, GrantView, Grid, GridCell, GridRow, Guard, LedgerRow, Mode, ModeView, Privacy,
    RuleTrial, RuleView, TriedRequest,
};
use hearth_domain::{Label, SpaceId, Trust};
use hearth_policy::{
    Action, ActionKind, Flaw, Grant, LONGEST_GRANT_MS, Mode as RuleMode, Origin, Outcome, Request, Right, RuleSet, Who,
};
use hearth_store::Entry;
use std::collections::BTreeSet;

/// Rows of the ledger shown on the privacy screen.
const LEDGER: usize = 50;
/// Requests that rules are tried on, and changes that are shown.
const TRIED: usize = 5_000;
const EXAMPLES: usize = 20;

/// What holds now.
pub(crate) fn show(house: &House, open: &Open) -> Result<Privacy, Error> {
    let (ledger, totals, first) = open
        .store
        .read(|reader| Ok((reader.ledger(None, LEDGER)?, reader.ledger_totals(0)?, reader.audit(Some(2), 1, None)?)))
        .map_err(error::store)?;
    let (held, now) = (house.law.held(), now_ms());
    let grants: Vec<Grant> = held.grants.iter().map(|(_, grant)| grant.clone()).collect();
    let grid = hearth_policy::grid(&held.rules, &grants, now);
    let destinations = grid.rows.first().map(|row| row.cells.iter().map(|cell| cell.destination.name().to_owned()));
    Ok(Privacy {
        mode: view::mode(held.rules.mode),
        mode_sentence: held.rules.mode.sentence().to_owned(),
        modes: RuleMode::ALL.into_iter().map(|mode| mode_view(mode, &held)).collect(),
        trouble: held.trouble.clone(),
        organization: held.organization.as_ref().map(|laid| laid.view()),
        person: held.person().name().to_owned(),
        may_rule: held.person().has(Right::Rule),
        own_rules: held.own.clone(),
        grants: held
            .grants
            .iter()
            .filter(|(_, grant)| grant.until > now)
            .map(|(id, grant)| GrantView { id: *id, sentence: sentence(open, grant), until_ms: grant.until })
            .collect(),
        rules: held
            .rules
            .rules
            .iter()
            .map(|rule| RuleView {
                number: rule.number,
                name: rule.name.clone(),
                sentence: rule.sentence.clone(),
                text: rule.text.clone(),
                origin: origin(rule.origin).into(),
                applied: house.law.applied(rule.number),
            })
            .collect(),
        grid: Grid {
            destinations: destinations.map(Iterator::collect).unwrap_or_default(),
            rows: grid
                .rows
                .iter()
                .map(|row| GridRow {
                    label: view::label(row.label),
                    cells: row.cells.iter().map(|cell| ruling(cell.outcome)).collect(),
                })
                .collect(),
        },
        ledger: ledger.into_iter().map(ledger_row).collect(),
        bytes_out: totals.bytes_out,
        since_ms: first.first().map_or(0, |row| row.at_ms),
        guards: hearth_sandbox::probe()
            .into_iter()
            .map(|guard| Guard { name: guard.name, enforced: guard.enforced, detail: guard.detail })
            .collect(),
    })
}

fn mode_view(mode: RuleMode, held: &Held) -> ModeView {
    ModeView {
        mode: view::mode(mode),
        name: mode.name().to_owned(),
        sentence: mode.sentence().to_owned(),
        holds: mode == held.rules.mode,
        allowed: held.modes().contains(&mode),
    }
}

/// Chooses the mode. A person's own rules stay.
pub(crate) fn set_mode(house: &House, mode: Mode) -> Result<Privacy, Error> {
    let open = house.open()?;
    house.law.may_change_rules()?;
    let held = house.law.held();
    let mode = view::mode_from(mode);
    if let Some(laid) = held.organization.as_ref().filter(|laid| !laid.policy.modes.contains(&mode)) {
        let names: Vec<&str> = laid.policy.modes.iter().map(|mode| mode.name()).collect();
        return Err(Error::new(ErrorCode::Denied, format!("{} does not allow {}.", laid.policy.name, mode.name()))
            .hint(format!("It allows: {}.", names.join(", "))));
    }
    if mode == RuleMode::Offline {
        crate::remote::may_be_offline(&open)?;
    }
    let rules = RuleSet::with(mode, held.locked(), &held.own)
        .map_err(|(_, flaws)| Error::new(ErrorCode::Invalid, format!("Your rules: {}", flawed(&flaws))))?;
    let said = format!("Mode set to {}", mode.name());
    change(house, &open, rules, held.own.clone(), "law.mode", said)
}

/// Takes a person's own rules in place of those before.
pub(crate) fn set_rules(house: &House, text: &str) -> Result<Privacy, Error> {
    let open = house.open()?;
    let (rules, held) = (own_rules(house, text)?, house.law.held());
    let idle = hearth_policy::overruled(&held.modes(), held.locked(), text).map_err(|(_, flaws)| not_taken(&flaws))?;
    if !idle.is_empty() {
        return Err(not_taken(&idle));
    }
    house.law.may_change_rules()?;
    let own = rules.rules.iter().filter(|rule| rule.origin == hearth_policy::Origin::Yours).count();
    let said = match own {
        0 => "Own rules taken away".to_owned(),
        n => format!("Own rules set: {}", view::count(n, "rule", "rules")),
    };
    change(house, &open, rules, text.to_owned(), "law.rules", said)
}

/// The rules that would hold with these of a person's own.
fn own_rules(house: &House, text: &str) -> Result<RuleSet, Error> {
    let held = house.law.held();
    RuleSet::with(held.rules.mode, held.locked(), text).map_err(|(_, flaws)| not_taken(&flaws))
}

fn not_taken(flaws: &[Flaw]) -> Error {
    Error::new(ErrorCode::Invalid, format!("These rules were not taken: {}.", flawed(flaws)))
        .hint("The rules that held before still hold.")
}

/// Adds rules to a person's own.
pub(crate) fn add_rules(house: &House, text: &str) -> Result<Privacy, Error> {
    let held = house.law.held();
    let new = RuleSet::with(held.rules.mode, "", text).map_err(|(_, flaws)| not_taken(&flaws))?;
    let mine = |rule: &&hearth_policy::Rule| rule.origin == Origin::Yours;
    for rule in new.rules.iter().filter(mine) {
        if held.rules.rules.iter().any(|known| known.name == rule.name) {
            let reason = format!("there is a rule of the name \"{}\" already", rule.name);
            return Err(not_taken(&[Flaw { line: rule.line, reason }]));
        }
    }
    if new.rules.iter().filter(mine).count() == 0 {
        return Err(Error::new(ErrorCode::Invalid, "There is no rule in this text."));
    }
    let own = held.own.trim_end();
    let all = if own.is_empty() { text.to_owned() } else { format!("{own}\n\n{text}") };
    set_rules(house, &all)
}

/// Takes one of a person's own rules away.
pub(crate) fn remove_rule(house: &House, name: &str) -> Result<Privacy, Error> {
    let held = house.law.held();
    let rest = hearth_policy::without(&held.own, name).ok_or_else(|| {
        let error = Error::new(ErrorCode::NotFound, format!("There is no rule of your own with the name \"{name}\"."));
        if held.rules.rules.iter().any(|rule| rule.name == name) {
            error.hint("That rule is not yours: it came with Hearth, or your organization made it.")
        } else {
            error
        }
    })?;
    set_rules(house, &rest)
}

/// Keeps a version of the rules with its entry in the record; it holds from then on.
fn change(
    house: &House,
    open: &Open,
    rules: RuleSet,
    own: String,
    kind: &'static str,
    sentence: String,
) -> Result<Privacy, Error> {
    let now = now_ms();
    let detail = serde_json::json!({ "mode": rules.mode.word(), "own": own });
    let entry = Entry { at_ms: now, kind, sentence, subject: None, detail };
    let (version, _) =
        open.store.record(entry, |writer| writer.keep_law(rules.mode.word(), &own, now)).map_err(error::store)?;
    house.law.write_beside(rules.mode);
    let held = Held::clone(&house.law.held());
    house.law.set(Held { rules, version, own, trouble: None, ..held });
    crate::activity::note_policy(house, open)?;
    tell(house);
    show(house, open)
}

/// What other rules would have decided.
pub(crate) fn try_rules(house: &House, text: &str, sample: Option<&str>) -> Result<RuleTrial, Error> {
    let open = house.open()?;
    let (other, held, now) = (own_rules(house, text)?, house.law.held(), now_ms());
    let rows = open.store.read(|reader| reader.decisions(now - KEPT_MS, TRIED)).map_err(error::store)?;
    let mut requests: Vec<(Option<i64>, Request)> = Vec::with_capacity(rows.len() + 1);
    let mut found = BTreeSet::new();
    if let Some(sample) = sample.filter(|sample| !sample.trim().is_empty()) {
        let action = Action::Send { provider: String::new(), host: String::new(), residency: "unknown".to_owned() };
        for action in [Action::Answer, Action::Show, action] {
            let request = Request::new(Who::Person, action, Label::Internal, Trust::User).about(sample);
            found.clone_from(&request.content);
            requests.push((None, request));
        }
    }
    requests
        .extend(rows.into_iter().filter_map(|row| Some((Some(row.at_ms), serde_json::from_value(row.request).ok()?))));
    let grants: Vec<Grant> = held.grants.iter().map(|(_, grant)| grant.clone()).collect();
    let plain: Vec<Request> = requests.iter().map(|(_, request)| request.clone()).collect();
    let trial = hearth_policy::try_rules(&plain, &held.rules, &other, &grants, now);
    let example = |changed: &hearth_policy::Changed| {
        let (at_ms, request) = requests.get(changed.at)?;
        Some(TriedRequest {
            at_ms: *at_ms,
            what: what(request),
            before: ruling(changed.before),
            after: ruling(changed.after),
            rule: changed.rule.name.clone(),
        })
    };
    Ok(RuleTrial {
        tried: trial.tried as u32,
        changes: trial.changed.len() as u32,
        examples: trial.changed.iter().take(EXAMPLES).filter_map(example).collect(),
        idle: trial.idle,
        found: found.into_iter().map(|kind| kind.name().to_owned()).collect(),
    })
}

/// Gives leave.
pub(crate) fn grant(house: &House, given: &AddGrant) -> Result<Privacy, Error> {
    let open = house.open()?;
    let AddGrant { action, thing, space, label, hours, untrusted } = given;
    let action = ActionKind::from_word(action).ok_or_else(|| {
        let known: Vec<&str> = ActionKind::ALL.into_iter().map(ActionKind::word).collect();
        Error::new(ErrorCode::Invalid, format!("There is no action \"{action}\"."))
            .hint(format!("There are: {}.", known.join(", ")))
    })?;
    let (now, lasts) = (now_ms(), i64::from(*hours) * 3_600_000);
    if !(1..=LONGEST_GRANT_MS).contains(&lasts) {
        return Err(Error::new(ErrorCode::Invalid, "A grant lasts from one hour to thirty days."));
    }
    house.law.may_change_rules()?;
    let grant = Grant {
        action,
        thing: thing.clone().filter(|thing| !thing.trim().is_empty()),
        space: space.map(SpaceId),
        turn: None,
        label: view::label_from(*label),
        untrusted: *untrusted,
        until: now + lasts,
    };
    add_grant(house, &open, grant)?;
    show(house, &open)
}

/// Keeps a grant with its entry in the record.
pub(crate) fn add_grant(house: &House, open: &Open, grant: Grant) -> Result<i64, Error> {
    let now = now_ms();
    let body = serde_json::to_value(&grant).map_err(|error| crate::error::internal(error.to_string()))?;
    let said = format!("Allowed: {}", sentence(open, &grant));
    let entry = Entry { at_ms: now, kind: "law.grant", sentence: said, subject: None, detail: body.clone() };
    let (id, _) = open.store.record(entry, |writer| writer.add_leave(&body, grant.until, now)).map_err(error::store)?;
    with_grants(house, |grants| grants.push((id, grant)));
    Ok(id)
}

/// Withdraws a grant.
pub(crate) fn withdraw(house: &House, id: i64) -> Result<Privacy, Error> {
    let open = house.open()?;
    let held = house.law.held();
    let grant = held.grants.iter().find(|(known, _)| *known == id).map(|(_, grant)| grant.clone());
    let grant = grant.ok_or_else(|| error::missing("grant"))?;
    let now = now_ms();
    let said = format!("Withdrawn: {}", sentence(&open, &grant));
    let detail = serde_json::json!({ "grant": id });
    let entry = Entry { at_ms: now, kind: "law.grant", sentence: said, subject: None, detail };
    open.store.record(entry, |writer| writer.withdraw_leave(id, now)).map_err(error::store)?;
    with_grants(house, |grants| grants.retain(|(known, _)| *known != id));
    show(house, &open)
}

fn with_grants(house: &House, change: impl FnOnce(&mut Vec<(i64, Grant)>)) {
    let held = house.law.held();
    let mut grants = held.grants.clone();
    change(&mut grants);
    house.law.set(Held { grants, ..Held::clone(&held) });
    tell(house);
}

fn tell(house: &House) {
    house.events.stale(&["GetPrivacy", "ListActivity"]);
    house.tell_status();
}

/// A grant in words.
fn sentence(open: &Open, grant: &Grant) -> String {
    let mut said = action_words(grant.action).to_owned();
    if let Some(thing) = &grant.thing {
        said.push_str(&format!(" ({thing})"));
    }
    said.push_str(&format!(", up to {}", label_name(grant.label)));
    let space = grant.space.and_then(|id| open.store.read(|reader| reader.space(id)).ok().flatten());
    match (grant.space, space) {
        (Some(_), Some(space)) => said.push_str(&format!(", in {}", space.name)),
        (Some(id), None) => said.push_str(&format!(", in space {id}")),
        (None, _) => {}
    }
    if grant.untrusted {
        said.push_str(", also with text from the web or a tool in play");
    }
    said
}

/// What was wanted, in words.
fn what(request: &Request) -> String {
    let thing = request.action.thing();
    let who = match request.who {
        Who::Person => "",
        Who::Model => ", proposed by a model",
        Who::House => ", in the background",
    };
    let thing = if thing.is_empty() { String::new() } else { format!(" ({thing})") };
    format!("{}{thing}, {}{who}", action_words(request.action.kind()), label_name(request.label))
}

pub(crate) fn action_words(action: ActionKind) -> &'static str {
    match action {
        ActionKind::Answer => "Answer here",
        ActionKind::Show => "Show an answer",
        ActionKind::UseDocument => "Use a document",
        ActionKind::ReadPath => "Read a file",
        ActionKind::Remember => "Remember",
        ActionKind::Recall => "Use memories",
        ActionKind::CallTool => "Call a tool",
        ActionKind::RunCode => "Run code",
        ActionKind::Download => "Download",
        ActionKind::FetchPage => "Fetch a page",
        ActionKind::Send => "Send to a model elsewhere",
        ActionKind::Trace => "Tell a collector",
        ActionKind::Export => "Export",
        ActionKind::Purge => "Erase",
        ActionKind::ChangeLabel => "Change a label",
        ActionKind::ChangeRule => "Change the rules",
    }
}

fn ruling(outcome: Outcome) -> GridCell {
    match outcome {
        Outcome::Allow => GridCell::Allow,
        Outcome::Ask => GridCell::Ask,
        Outcome::Deny => GridCell::Deny,
    }
}

fn ledger_row(row: hearth_store::LedgerRow) -> LedgerRow {
    let hearth_store::LedgerRow { id, at_ms, purpose, host, rule, outcome, bytes_out, bytes_in, who, label } = row;
    let label = hearth_domain::Label::from_word(&label).map(crate::view::label);
    LedgerRow { id, at_ms, purpose, host, rule, outcome, bytes_out, bytes_in, who, label }
}

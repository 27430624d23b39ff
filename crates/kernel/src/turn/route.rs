//! Station 3, Route: which model answers, and why not another. Rules decide; the model has no say.

use super::permit::Permitted;
use super::state::{Ended, Turn};
use super::trail::Detail;
use crate::models::Installed;
use hearth_api::{Error, Outcome};
use hearth_domain::Role;

/// A permitted question with the model that will answer it, or why none can: quotes do not need one.
pub(crate) struct Routed {
    pub(crate) permitted: Permitted,
    pub(crate) model: Result<Installed, Error>,
}

/// Chooses the chat model of this machine.
pub(crate) fn route(turn: &mut Turn<'_>, permitted: Permitted) -> Result<Routed, Ended> {
    turn.go_on()?;
    let started = turn.trail.now();
    let model = turn.house.models.for_role(Role::Chat);
    let rule = permitted.decision().rule.clone();
    let weighed = turn.house.models.installed_for(Role::Chat);
    let weighed = weighed
        .iter()
        .filter(|other| model.as_ref().map_or(true, |chosen| chosen.id != other.id))
        .map(|other| format!("{}: installed, not chosen for chat.", other.name))
        .collect();
    let (outcome, sentence) = match &model {
        Ok(model) => (Outcome::Done, format!("Must stay on this machine: {}", model.name)),
        Err(error) => (Outcome::Failed, error.message.clone()),
    };
    let label = crate::law::label_name(permitted.label());
    let detail = Detail {
        aside: format!("rule {}", rule.number),
        decision: Some(format!(
            "Allowed on this machine. Remote providers were not considered, because the mode is Local only; the highest label in reach is {label}."
        )),
        weighed,
        record: Some(turn.house.law.text(&rule)),
        data: serde_json::json!({ "model": model.as_ref().ok().map(|model| &model.id), "sha256": model.as_ref().ok().and_then(|model| model.sha256.clone()) }),
        ..Detail::default()
    };
    turn.trail.note("Route", started, outcome, sentence, detail);
    Ok(Routed { permitted, model })
}

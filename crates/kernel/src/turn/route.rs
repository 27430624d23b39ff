//! Station 3, Route: which model answers, and why not another. By the kind of work, by where a label may go, by time; and
//! the next best where one fails. Rules decide; the model has no say.

use super::pace::{Known, Pace, pace};
use super::permit::Permitted;
use super::state::{Ended, Turn};
use super::trail::Detail;
use super::{settings_of, task};
use crate::models::Installed;
use hearth_api::{Error, ErrorCode, Outcome};
use hearth_domain::{Kind, Role};
use std::collections::VecDeque;

/// A permitted question with the models that may answer it: quotes do not need one.
pub(crate) struct Routed {
    pub(crate) permitted: Permitted,
    pub(crate) choice: Choice,
}

/// The models that may answer, best first, and what became of those that were tried.
pub(crate) struct Choice {
    line: VecDeque<Installed>,
    /// Why no model answers: none is here, or what the first that was tried died of.
    none: Option<Error>,
    /// Whether `none` is of a model that was tried.
    tried: bool,
    /// Who has the part and would take too long: it writes the answer anew when a faster one has answered.
    refiner: Option<Installed>,
}

/// A model in the line with the reason for its place.
struct Weighed {
    model: Installed,
    pace: Pace,
    failed: Option<Error>,
    late: bool,
}

/// Chooses the model for a question.
pub(crate) fn route(turn: &mut Turn<'_>, permitted: Permitted) -> Result<Routed, Ended> {
    turn.go_on()?;
    if let Some(only) = permitted.question().only.clone() {
        return Ok(put_to(turn, permitted, only.model));
    }
    let started = turn.trail.now();
    let house = turn.house;
    let attached = kinds(turn, &permitted)?;
    let code = task::code(&permitted.question().text, &attached).filter(|_| house.models.role(Role::Code).is_some());
    let part = if code.is_some() { Role::Code } else { Role::Chat };
    let budget_ms =
        settings_of(turn).answer_within_s.filter(|seconds| *seconds > 0).map(|seconds| seconds as f32 * 1e3);
    let mut line: Vec<Weighed> =
        house.models.writers(part).into_iter().map(|model| weigh(turn, model, budget_ms)).collect();
    let wanted = line.first().map(|first| first.model.clone());
    // In the order that they stand, those that failed last, and before them those that would take too long.
    line.sort_by_key(|one| (one.failed.is_some(), one.late));
    if line.iter().all(|one| one.late || one.failed.is_some()) {
        // Nobody is in time: the quickest comes nearest.
        line.sort_by(|a, b| {
            a.failed.is_some().cmp(&b.failed.is_some()).then(a.pace.answer_ms.total_cmp(&b.pace.answer_ms))
        });
    }
    let rule = permitted.decision().rule.clone();
    let label = crate::law::label_name(permitted.label());
    let mut weighed = Vec::new();
    for (at, one) in line.iter().enumerate() {
        weighed.push(reason(one, at, wanted.as_ref(), budget_ms));
    }
    for (model, why) in house.models.unable() {
        let chosen = if house.models.chosen(part) == Some(model.id) { "chosen, but not used" } else { "not used" };
        weighed.push(format!("{}: {chosen}. {why}", model.name));
    }
    if let Some((first, others)) = line.split_first() {
        let others = others.iter().map(|other| &other.model.id);
        weighed.extend(others.filter_map(|other| crate::contest::standing(turn.open, &first.model.id, other)));
    }
    let chosen = line.first().map(|one| one.model.clone());
    let route =
        chosen.as_ref().map(|chosen| route_line(turn, chosen, &line, code.as_deref(), wanted.as_ref(), budget_ms));
    turn.record.route = route.unwrap_or_default();
    let none = match house.models.for_role(Role::Chat) {
        Err(error) if line.is_empty() => Some(error),
        _ => None,
    };
    let (outcome, said) = match (&chosen, &none) {
        (Some(model), _) if code.is_some() => {
            (Outcome::Done, format!("About code, and must stay on this machine: {}", model.name))
        }
        (Some(model), _) => (Outcome::Done, format!("Must stay on this machine: {}", model.name)),
        (None, error) => (Outcome::Failed, error.as_ref().map(|error| error.message.clone()).unwrap_or_default()),
    };
    let mut decision = format!(
        "Allowed on this machine. Remote providers were not considered, because the local model answers first in every mode ({} holds); the highest label in reach is {label}, and every model weighed computes here.",
        house.law.held().rules.mode.name()
    );
    if let Some(why) = &code {
        decision.push_str(&format!(" The question is about code: {why}."));
    }
    if let Some(budget) = budget_ms {
        decision.push_str(&format!(" An answer is to be there within {:.0} s.", budget / 1e3));
    }
    let detail = Detail {
        aside: format!("rule {}", rule.number),
        decision: Some(decision),
        weighed,
        record: Some(house.law.text(&rule)),
        data: serde_json::json!({ "part": part, "about_code": code, "answer_within_ms": budget_ms,
            "line": line.iter().map(|one| serde_json::json!({ "model": one.model.id, "sha256": one.model.sha256,
                "answer_ms": one.pace.answer_ms, "measured": one.pace.measured, "place": "this machine" })).collect::<Vec<_>>(),
            "model": chosen.as_ref().map(|model| &model.id), "sha256": chosen.as_ref().and_then(|model| model.sha256.clone()) }),
        ..Detail::default()
    };
    turn.trail.note("Route", started, outcome, said, detail);
    let refines = |one: &&Weighed| {
        one.late && one.failed.is_none() && chosen.as_ref().is_some_and(|chosen| chosen.id != one.model.id)
    };
    let refiner =
        line.iter().find(|one| wanted.as_ref().is_some_and(|wanted| wanted.id == one.model.id)).filter(refines);
    let refiner = refiner.map(|one| one.model.clone());
    let line = line.into_iter().map(|one| one.model).collect();
    Ok(Routed { permitted, choice: Choice { line, none, tried: false, refiner } })
}

/// A question that two models are asked for comparison goes to the one that it is put to, and to no other.
fn put_to(turn: &mut Turn<'_>, permitted: Permitted, model: Installed) -> Routed {
    let started = turn.trail.now();
    let rule = permitted.decision().rule.clone();
    let detail = Detail {
        aside: format!("rule {}", rule.number),
        decision: Some(
            "A person compares two models on this machine: each is asked, and none stands in for it.".into(),
        ),
        weighed: vec![format!("{}: answers, because it is compared.", model.name)],
        record: Some(turn.house.law.text(&rule)),
        data: serde_json::json!({ "model": model.id, "sha256": model.sha256, "compared": true }),
        ..Detail::default()
    };
    turn.trail.note("Route", started, Outcome::Done, format!("For a comparison: {}", model.name), detail);
    let choice = Choice { line: VecDeque::from([model]), none: None, tried: false, refiner: None };
    Routed { permitted, choice }
}

/// How long a model takes to answer.
pub(super) fn takes(turn: &Turn<'_>, model: &Installed) -> Pace {
    let house = turn.house;
    pace(Known {
        speed: house.models.speed(&model.id),
        load_ms: house.models.measured(model).map(|measured| measured.load_ms),
        bytes: model.size_bytes,
        loaded: house.schedule.loaded(&model.id).is_some(),
    })
}

fn weigh(turn: &Turn<'_>, model: Installed, budget_ms: Option<f32>) -> Weighed {
    let (house, pace) = (turn.house, takes(turn, &model));
    let late = budget_ms.is_some_and(|budget| pace.answer_ms > budget);
    Weighed { failed: house.schedule.failed_before(&model), model, pace, late }
}

/// One line of what was weighed.
fn reason(one: &Weighed, at: usize, wanted: Option<&Installed>, budget_ms: Option<f32>) -> String {
    let name = &one.model.name;
    let place = match at {
        0 => "answers".to_owned(),
        _ => format!("{} in line if others fail", ordinal(at + 1)),
    };
    let mut said = format!("{name}: {place}, on this machine, {}", one.pace.words());
    if wanted.is_some_and(|wanted| wanted.id == one.model.id) && at > 0 {
        said.push_str(", although it has the part");
    }
    if let (true, Some(budget)) = (one.late, budget_ms) {
        said.push_str(&format!(", more than the {:.0} s that an answer may take", budget / 1e3));
    }
    said.push('.');
    if let Some(error) = &one.failed {
        said.push_str(&format!(" Set aside until it is loaded or chosen by hand: {}", ended(&error.message)));
    }
    said
}

/// Words with a full stop; what begins with a model's name keeps its letters.
fn ended(words: &str) -> String {
    if words.ends_with(['.', '!', '?']) { words.to_owned() } else { format!("{words}.") }
}

fn ordinal(n: usize) -> String {
    match n {
        2 => "second".into(),
        3 => "third".into(),
        n => format!("{n}th"),
    }
}

/// Why this model and not the one for chat, in sentences for the answer's how line; empty where it is that one.
fn route_line(
    turn: &Turn<'_>,
    chosen: &Installed,
    line: &[Weighed],
    code: Option<&str>,
    wanted: Option<&Installed>,
    budget_ms: Option<f32>,
) -> String {
    let models = &turn.house.models;
    let asked_for = models.chosen(Role::Chat).filter(|id| !id.0.is_empty());
    let out = models.unable().into_iter().find(|(model, _)| Some(&model.id) == asked_for.as_ref());
    if let Some((_, why)) = out.filter(|_| code.is_none()) {
        return format!("{why} {} answers instead.", chosen.name);
    }
    if let Some(weighed) =
        line.iter().find(|one| wanted.is_some_and(|wanted| wanted.id == one.model.id) && one.model.id != chosen.id)
    {
        let name = &weighed.model.name;
        return match (&weighed.failed, budget_ms) {
            (Some(error), _) => format!("{} {} answers instead.", ended(&error.message), chosen.name),
            (None, Some(budget)) => format!(
                "{name} would take {}, more than {:.0} s, so {} answers first.",
                weighed.pace.words(),
                budget / 1e3,
                chosen.name
            ),
            (None, None) => String::new(),
        };
    }
    match code {
        Some(why) if models.role(Role::Chat).as_ref() != Some(&chosen.id) => {
            format!("The question is about code ({why}), and {} has that part.", chosen.name)
        }
        _ => String::new(),
    }
}

/// Kinds of the attached documents.
fn kinds(turn: &Turn<'_>, permitted: &Permitted) -> Result<Vec<Kind>, Ended> {
    let attached = &permitted.question().attachments;
    Ok(turn.open.store.read(|reader| {
        let mut kinds = Vec::new();
        for document in attached {
            kinds.extend(reader.document(*document)?.map(|row| row.kind));
        }
        Ok(kinds)
    })?)
}

impl Choice {
    /// The model to try next.
    ///
    /// # Errors
    /// Why there is none: none is here, or what the first that was tried died of.
    pub(crate) fn best(&self) -> Result<&Installed, Error> {
        self.line.front().ok_or_else(|| {
            self.none.clone().unwrap_or_else(|| Error::new(ErrorCode::ModelMissing, "No model is installed to answer."))
        })
    }

    /// Who is to write the answer anew, unless it had to write it already.
    pub(crate) fn refiner(&mut self) -> Option<Installed> {
        let refiner = self.refiner.take()?;
        self.line.front().is_some_and(|first| first.id != refiner.id).then_some(refiner)
    }

    /// Leaves one model in the line.
    pub(crate) fn only(&mut self, model: Installed) {
        (self.none, self.tried) = (None, false);
        self.line = VecDeque::from([model]);
    }

    /// Sets the model aside that was tried, and says so in the trace and in the answer's how line. Says whether there is
    /// another.
    pub(crate) fn set_aside(&mut self, turn: &mut Turn<'_>, why: Error) -> bool {
        let Some(model) = self.line.pop_front() else { return false };
        tracing::warn!(model = %model.id, error = %why, "a model did not answer");
        let said = ended(&why.message);
        let said = if said.contains(&model.name) { said } else { format!("{}: {said}", model.name) };
        let next = self.line.front();
        turn.trail.amend("Route", |row| {
            row.weighed.push(format!("{}: tried and failed. {}", model.name, ended(&why.message)));
            if let Some(failed) = row.data.as_object_mut().map(|data| data.entry("failed").or_insert_with(|| serde_json::json!([])))
                && let Some(list) = failed.as_array_mut()
            {
                list.push(serde_json::json!({ "model": model.id, "sha256": model.sha256, "code": why.code, "message": why.message }));
            }
            match next {
                Some(next) => Some((Outcome::Partly, format!("{} failed; {} answers instead", model.name, next.name))),
                None if self.tried => Some((Outcome::Failed, "Every model that could answer failed".to_owned())),
                None => Some((Outcome::Failed, said.trim_end_matches('.').to_owned())),
            }
        });
        if let Some(next) = next {
            turn.record.route = format!("{said} {} answers instead.", next.name);
            turn.doing(format!("{} failed. Trying {}", model.name, next.name), None);
        }
        // What a person should know first is why the model failed that they wanted.
        if !self.tried {
            (self.none, self.tried) = (Some(why), true);
        }
        next.is_some()
    }
}

//! Two installed models on the same questions: each question is a turn like any other, put to one model and then to the
//! other, with the same passages and by the same recipe. A person chooses; what came of it is told, also in the trace of
//! later routes. What is shown of it is `contest/tell`.

mod tell;

pub(crate) use tell::{list, show, standing};

use crate::clock::now_ms;
use crate::error;
use crate::kernel::{House, Open};
use crate::models::Installed;
use crate::turn::{Only, Question, ask_here, passage_budget};
use hearth_api as api;
use hearth_api::{Error, ErrorCode, Grounding, Preferred};
use hearth_domain::{ModelId, Role, SpaceId, TurnId};
use hearth_store::{Choice, Entry, NewContest};
use serde_json::json;
use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::{Arc, Mutex, MutexGuard};

/// Questions of one comparison, at most.
const MOST: usize = 100;
/// What windows ask for anew when a comparison moved on.
const STALE: [&str; 2] = ["GetContest", "ListContests"];

/// The comparison whose questions are being asked now.
#[derive(Default)]
pub(crate) struct Contests {
    now: Mutex<Option<Now>>,
}

struct Now {
    contest: i64,
    turn: Option<TurnId>,
    stopped: bool,
}

impl Contests {
    fn runs(&self, contest: i64) -> bool {
        self.held().as_ref().is_some_and(|now| now.contest == contest)
    }

    fn held(&self) -> MutexGuard<'_, Option<Now>> {
        self.now.lock().unwrap_or_else(|poisoned| poisoned.into_inner())
    }
}

/// Begins a comparison; its questions are asked on a thread of its own.
///
/// # Errors
/// `Invalid` for models that are the same or cannot write, and where nothing is asked; `InUse` while another one runs.
pub(crate) fn begin(house: &Arc<House>, asked: api::CompareModels) -> Result<api::Contest, Error> {
    let api::CompareModels { space, first, second, questions, blind } = asked;
    let open = house.open()?;
    let models = [writer(house, &first)?, writer(house, &second)?];
    if first == second {
        return Err(Error::new(ErrorCode::Invalid, "These are one model.").hint("Choose two different ones."));
    }
    let questions: Vec<String> = questions.iter().map(|q| q.trim().to_owned()).filter(|q| !q.is_empty()).collect();
    if questions.is_empty() || questions.len() > MOST || questions.iter().any(|q| q.len() > 32_000) {
        let said = format!("A comparison has 1 to {MOST} questions of at most 32,000 characters.");
        return Err(Error::new(ErrorCode::Invalid, said));
    }
    if open.store.read(|reader| reader.space(SpaceId(space))).map_err(error::store)?.is_none() {
        return Err(error::missing("space"));
    }
    let mut now = free(&open)?;
    let count = questions.len();
    let new = NewContest {
        space: SpaceId(space),
        models: models.each_ref().map(|model| (model.id.clone(), model.name.clone(), model.sha256.clone())),
        blind,
        questions: questions.into_iter().map(|question| (question, blind && coin())).collect(),
        begun_ms: now_ms(),
    };
    let sentence = format!(
        "Comparing {} and {} on {}",
        models[0].name,
        models[1].name,
        crate::view::count(count, "question", "questions")
    );
    let (contest, _) = open
        .store
        .record_with(|writer| {
            let id = writer.begin_contest(&new)?;
            let detail =
                json!({ "contest": id, "models": new.models, "questions": count, "blind": blind, "space": space });
            let subject = Some(format!("contest:{id}"));
            Ok((id, Entry { at_ms: new.begun_ms, kind: "contest.begun", sentence, subject, detail }))
        })
        .map_err(error::store)?;
    *now = Some(Now { contest, turn: None, stopped: false });
    drop(now);
    go(house, &open, contest, models)
}

/// Goes on with a comparison where it was broken off. What was asked is not asked again, however that ended.
///
/// # Errors
/// `NotFound` where it or one of its models is not there any more; `Invalid` where a model is another version now; `InUse`
/// while one runs.
pub(crate) fn resume(house: &Arc<House>, contest: i64) -> Result<api::Contest, Error> {
    let open = house.open()?;
    let row = open.store.read(|reader| reader.contest(contest)).map_err(error::store)?;
    let row = row.ok_or_else(|| error::missing("comparison"))?;
    let [first, second] = &row.models;
    let same = |(id, name, sha256): &(ModelId, String, Option<String>)| {
        let model = writer(house, &id.0)?;
        if model.sha256 == *sha256 {
            return Ok(model);
        }
        Err(Error::new(ErrorCode::Invalid, format!("{name} is another version now than the one that was asked."))
            .hint("Begin another comparison."))
    };
    let models = [same(first)?, same(second)?];
    let mut now = free(&open)?;
    *now = Some(Now { contest, turn: None, stopped: false });
    drop(now);
    go(house, &open, contest, models)
}

/// The place of the comparison that runs, while none does.
fn free(open: &Open) -> Result<MutexGuard<'_, Option<Now>>, Error> {
    let now = open.contests.held();
    if now.is_some() {
        return Err(Error::new(ErrorCode::InUse, "Two models are being compared already.")
            .hint("Wait until that has ended, or stop it."));
    }
    Ok(now)
}

/// Asks what has not been asked, on a thread of its own.
fn go(house: &Arc<House>, open: &Arc<Open>, contest: i64, models: [Installed; 2]) -> Result<api::Contest, Error> {
    let (there, opened) = (Arc::clone(house), Arc::clone(open));
    let started = house.hands.start(&format!("contest-{contest}"), move || {
        if let Err(why) = ask_all(&there, &opened, contest, &models) {
            tracing::warn!(%why, contest, "a comparison ended early");
        }
        *opened.contests.held() = None;
        there.events.stale(&STALE);
        there.tell_status();
    });
    if started.is_err() {
        *open.contests.held() = None;
    }
    started?;
    house.events.stale(&["ListContests", "ListActivity"]);
    show(open, contest)
}

/// An installed model that can write.
fn writer(house: &House, id: &str) -> Result<Installed, Error> {
    let model = house.models.find(&ModelId(id.to_owned())).ok_or_else(|| error::missing("model"))?;
    if house.models.installed_for(Role::Chat).iter().any(|able| able.id == model.id) {
        return Ok(model);
    }
    Err(Error::new(ErrorCode::Invalid, format!("{} does not write answers here.", model.name))
        .hint("Choose two models that can answer."))
}

/// Heads or tails: which answer stands first must not be guessed.
fn coin() -> bool {
    RandomState::new().hash_one(0u8) & 1 == 1
}

/// Puts every question to both models. A model that fails has failed at that question; the next is asked all the same.
fn ask_all(house: &Arc<House>, open: &Arc<Open>, contest: i64, models: &[Installed; 2]) -> Result<(), Error> {
    let row = open.store.read(|reader| reader.contest(contest)).map_err(error::store)?;
    let space = row.ok_or_else(|| error::missing("comparison"))?.space;
    let questions = open.store.read(|reader| reader.contest_questions(contest)).map_err(error::store)?;
    for question in questions.iter().filter(|question| question.turns.iter().any(Option::is_none)) {
        let passage_tokens = passage_tokens(house, models);
        for (at, model) in models.iter().enumerate() {
            if question.turns.get(at).is_some_and(Option::is_some) {
                continue;
            }
            let still = house.peek().is_some_and(|now| Arc::ptr_eq(&now, open));
            if !still || open.contests.held().as_ref().is_none_or(|now| now.stopped) {
                return Ok(());
            }
            // Loading is no part of an answer's time; where it fails, the turn says why.
            drop(house.schedule.engine(house, model));
            let asked = Question {
                space,
                conversation: None,
                text: question.question.clone(),
                attachments: Vec::new(),
                grounding: Grounding::Documents,
                instead_of: None,
                only: Some(Only { model: model.clone(), passage_tokens }),
            };
            let kept = |conversation, turn| {
                let noted = open.store.write(|writer| writer.note_contest_turn(question.id, at, turn, conversation));
                if let Some(now) = open.contests.held().as_mut() {
                    now.turn = Some(turn);
                }
                house.events.stale(&STALE);
                noted.map_err(error::store)
            };
            ask_here(house, asked, kept)?;
            house.events.stale(&STALE);
        }
    }
    Ok(())
}

/// Tokens of passages that both models can read in time and have room for.
fn passage_tokens(house: &House, models: &[Installed; 2]) -> u32 {
    let budget = |model: &Installed| {
        let engine = house.schedule.engine(house, model).ok()?;
        Some(passage_budget(&engine, house.models.speed(&model.id).reads))
    };
    models.iter().filter_map(budget).min().unwrap_or(u32::MAX)
}

/// Asks no more questions of a comparison, and stops the one under way.
pub(crate) fn stop(open: &Open, contest: i64) {
    let turn = open.contests.held().as_mut().filter(|now| now.contest == contest).and_then(|now| {
        now.stopped = true;
        now.turn
    });
    if let Some(turn) = turn {
        open.turns.stop(turn);
    }
}

/// Keeps what a person chose.
///
/// # Errors
/// `Invalid` before both models have answered.
pub(crate) fn choose(house: &House, question: i64, preferred: Preferred) -> Result<api::Contest, Error> {
    let open = house.open()?;
    let found = open
        .store
        .read(|reader| {
            let Some(row) = reader.contest_question(question)? else { return Ok(None) };
            let ended = row.turns.iter().map(|turn| match turn {
                Some(turn) => Ok(reader.turn(*turn)?.is_some_and(|turn| turn.finished_ms.is_some())),
                None => Ok(false),
            });
            let ended = ended.collect::<hearth_store::Result<Vec<bool>>>()?.into_iter().all(|ended| ended);
            Ok(reader.contest(row.contest)?.map(|contest| (row, contest, ended)))
        })
        .map_err(error::store)?;
    let (row, contest, ended) = found.ok_or_else(|| error::missing("question"))?;
    if !ended {
        return Err(Error::new(ErrorCode::Invalid, "Both models have to answer first."));
    }
    let choice = match (preferred, row.swapped) {
        (Preferred::Equal, _) => Choice::Equal,
        (Preferred::First, false) | (Preferred::Second, true) => Choice::A,
        (Preferred::Second, false) | (Preferred::First, true) => Choice::B,
    };
    let [(a, a_name, a_sha256), (b, b_name, b_sha256)] = &contest.models;
    let sentence = match choice {
        Choice::A => format!("Chose the answer of {a_name} over that of {b_name}"),
        Choice::B => format!("Chose the answer of {b_name} over that of {a_name}"),
        Choice::Equal => format!("Found answers of {a_name} and {b_name} equal"),
    };
    // Once a choice is made the names are shown, and a second one is no longer blind.
    let blind = contest.blind && row.choice.is_none();
    let now = now_ms();
    open.store
        .record_with(|writer| {
            let version = writer.choose_in_contest(row.id, choice, blind, now)?;
            let detail = json!({ "contest": contest.id, "question": row.id, "version": version, "choice": choice,
                "blind": blind, "a": a, "a_sha256": a_sha256, "b": b, "b_sha256": b_sha256, "turns": row.turns });
            let subject = Some(format!("contest:{}", contest.id));
            Ok(((), Entry { at_ms: now, kind: "contest.chosen", sentence, subject, detail }))
        })
        .map_err(error::store)?;
    house.events.stale(&["GetContest", "ListContests", "ListActivity"]);
    show(&open, contest.id)
}

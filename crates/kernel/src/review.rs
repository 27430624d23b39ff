//! Answers handed to a person: who is to look at them, what the person answers, and how that answer becomes a document that
//! later questions find and cite. Until it is answered everything can be taken back.

use crate::clock::{date_of, now_ms};
use crate::error;
use crate::kernel::{House, Open};
use crate::offers::{From, Offered, plain_name};
use crate::turn::TurnRecord;
use crate::view;
use hearth_api::{Error, ErrorCode, Review};
use hearth_domain::{SpaceId, TurnId};
use hearth_store::{Entry, Reader, ReviewRow, ReviewState, TurnRow, TurnState, Writer};
use serde_json::json;

/// The longest answer, in bytes.
const LONGEST: usize = 100_000;
/// The longest name of a person, in characters.
const LONGEST_NAME: usize = 80;
/// So much of a question is in the name of the document that answers it, in characters.
const NAMED: usize = 120;

/// Hands a finished turn to a person.
pub(crate) fn hand_over(house: &House, turn: TurnId, to: Option<&str>) -> Result<Review, Error> {
    let open = house.open()?;
    let to = to.map(name).transpose()?;
    let row = open.store.read(|reader| reader.turn(turn)).map_err(error::store)?;
    let row = row.ok_or_else(|| error::missing("question"))?;
    if row.state == TurnState::Running {
        return Err(Error::new(ErrorCode::InUse, "This question is still being answered.")
            .hint("Hand it to a person when it has ended."));
    }
    let id = put(&open, &row, false, to.as_deref())?;
    tell(house);
    find(&open, id)
}

/// Hands a turn that ended over by itself, where a person chose so and little of it was borne out.
pub(crate) fn hand_over_if_wanted(house: &House, open: &Open, turn: TurnId) {
    let wanted = crate::settings::load(open).is_ok_and(|settings| settings.review_low_support == Some(true));
    let Some(row) = wanted.then(|| open.store.read(|reader| reader.turn(turn)).ok().flatten()).flatten() else {
        return;
    };
    let record: TurnRecord = serde_json::from_value(row.record.clone()).unwrap_or_default();
    let low = record.confidence == Some(hearth_retrieval::Confidence::Low);
    if row.state == TurnState::Abstained || (row.state == TurnState::Answered && low) {
        if let Err(error) = put(open, &row, true, None) {
            tracing::warn!(%error, "an answer was not handed over");
        }
        tell(house);
    }
}

fn put(open: &Open, turn: &TurnRow, by_rule: bool, to: Option<&str>) -> Result<i64, Error> {
    let record: TurnRecord = serde_json::from_value(turn.record.clone()).unwrap_or_default();
    let label = record.standing().label;
    let now = now_ms();
    open.store
        .record_with(|writer| {
            let conversation = writer.conversation(turn.conversation)?;
            let space = conversation.map(|row| row.space).ok_or(missing(turn.id))?;
            let (id, _) = writer.open_review(turn.id, space, label, by_rule, now)?;
            if to.is_some() {
                writer.assign_review(id, to, now)?;
            }
            let whom = to.map_or_else(|| "a person".to_owned(), str::to_owned);
            let sentence = format!("Handed “{}” to {whom}", turn.question);
            Ok((id, entry("review.opened", sentence, turn.id, json!({ "review": id, "by_rule": by_rule, "to": to }))))
        })
        .map(|(id, _)| id)
        .map_err(refused)
}

/// What waits for a person in a space.
pub(crate) fn list(open: &Open, space: SpaceId, all: bool) -> Result<Vec<Review>, Error> {
    open.store
        .read(|reader| {
            let rows = reader.reviews(space, all)?;
            rows.into_iter().filter_map(|row| shown(reader, row).transpose()).collect()
        })
        .map_err(error::store)
}

/// Says who is to look at it.
pub(crate) fn assign(house: &House, id: i64, to: Option<&str>) -> Result<Review, Error> {
    let to = to.map(name).transpose()?;
    let say = |row: &ReviewRow, question: &str| {
        let whom = to.clone().unwrap_or_else(|| "nobody in particular".into());
        let sentence = format!("Asked {whom} to look at “{question}”");
        (sentence, json!({ "review": row.id, "to": to, "before": row.assigned }))
    };
    change(house, id, "review.assigned", say, |writer| writer.assign_review(id, to.as_deref(), now_ms()))
}

/// Lets it go.
pub(crate) fn let_go(house: &House, id: i64) -> Result<Review, Error> {
    let say = |row: &ReviewRow, question: &str| {
        (format!("Let “{question}” go without an answer by a person"), json!({ "review": row.id }))
    };
    let make = |writer: &Writer<'_>| writer.set_review_state(id, ReviewState::Dismissed, now_ms());
    change(house, id, "review.dismissed", say, make)
}

/// Takes up what was let go.
pub(crate) fn take_up(house: &House, id: i64) -> Result<Review, Error> {
    let say = |row: &ReviewRow, question: &str| (format!("Took “{question}” up again"), json!({ "review": row.id }));
    let make = |writer: &Writer<'_>| writer.set_review_state(id, ReviewState::Open, now_ms());
    change(house, id, "review.reopened", say, make)
}

/// Makes a change together with its entry in the record.
fn change(
    house: &House,
    id: i64,
    kind: &'static str,
    say: impl FnOnce(&ReviewRow, &str) -> (String, serde_json::Value),
    make: impl FnOnce(&Writer<'_>) -> hearth_store::Result<()>,
) -> Result<Review, Error> {
    let open = house.open()?;
    let (row, turn) = both(&open, id)?;
    let (sentence, detail) = say(&row, &turn.question);
    open.store.record(entry(kind, sentence, turn.id, detail), make).map_err(refused)?;
    tell(house);
    find(&open, id)
}

/// Keeps a person's answer and brings it into the library.
pub(crate) fn answer(house: &House, id: i64, answer: &str, by: &str) -> Result<Review, Error> {
    let (answer, by) = (answer.trim(), name(by)?);
    if answer.is_empty() {
        return Err(Error::new(ErrorCode::Invalid, "There is no answer."));
    }
    if answer.len() > LONGEST {
        return Err(Error::new(ErrorCode::Invalid, "This answer is longer than 100,000 characters.")
            .hint("Bring it in as a document, and answer with what matters of it."));
    }
    let open = house.open()?;
    let (row, turn) = both(&open, id)?;
    if row.state != ReviewState::Open {
        return Err(refused(hearth_store::StoreError::NotFound { what: "review that waits", id }));
    }
    let date = date_of(now_ms());
    let question = turn.question.split_whitespace().collect::<Vec<_>>().join(" ");
    let file = Offered {
        name: document_name(&by, &question),
        size_bytes: answer.len() as u64,
        from: From::Bytes {
            bytes: format!("{answer}\n\nAnswered by {by} on {date}.\n").into_bytes(),
            origin: format!("Answered by {by} on {date} to the question “{question}”"),
        },
    };
    let jobs = crate::jobs::add(house, &open, vec![file], row.space, false, Some(row.label), 0)?;
    let job = jobs.first().map(|job| hearth_domain::JobId(job.id)).ok_or_else(|| error::internal("no job"))?;
    let detail = json!({ "review": id, "by": by, "job": job, "label": row.label,
        "answer_sha256": crate::import::hash(answer.as_bytes()).to_string() });
    let entry = entry("review.answered", format!("{by} answered “{}”", turn.question), turn.id, detail);
    let kept = open.store.record(entry, |writer| writer.answer_review(id, answer, &by, job, now_ms()));
    if let Err(error) = kept {
        crate::jobs::cancel(house, &[job.0])?;
        return Err(refused(error));
    }
    tell(house);
    find(&open, id)
}

/// What the document is called that holds an answer.
fn document_name(by: &str, question: &str) -> String {
    let asked: String = question.chars().map(|c| if matches!(c, '/' | '\\') { ' ' } else { c }).collect();
    let cut: String = asked.chars().take(NAMED).collect();
    let more = if cut.len() < asked.len() { "…" } else { "" };
    plain_name(&format!("Answer by {}: {cut}{more}.txt", by.replace(['/', '\\'], " ")))
}

/// A person's name: one line, not empty, not endless.
fn name(name: &str) -> Result<String, Error> {
    let name = name.split_whitespace().collect::<Vec<_>>().join(" ");
    if name.is_empty() {
        return Err(Error::new(ErrorCode::Invalid, "There is no name.").hint("Say who it is."));
    }
    if name.chars().count() > LONGEST_NAME {
        return Err(Error::new(ErrorCode::Invalid, "This name is longer than 80 characters."));
    }
    Ok(name)
}

/// The review of a turn, as the door shows it.
pub(crate) fn of_turn(reader: &Reader<'_>, turn: TurnId) -> Option<Review> {
    reader.review_of(turn).ok().flatten().and_then(|row| shown(reader, row).ok().flatten())
}

fn find(open: &Open, id: i64) -> Result<Review, Error> {
    let found = open.store.read(|reader| match reader.review(id)? {
        Some(row) => shown(reader, row),
        None => Ok(None),
    });
    found.map_err(error::store)?.ok_or_else(|| error::missing("review"))
}

fn both(open: &Open, id: i64) -> Result<(ReviewRow, TurnRow), Error> {
    let found = open.store.read(|reader| {
        let Some(row) = reader.review(id)? else { return Ok(None) };
        Ok(reader.turn(row.turn)?.map(|turn| (row, turn)))
    });
    found.map_err(error::store)?.ok_or_else(|| error::missing("review"))
}

fn shown(reader: &Reader<'_>, row: ReviewRow) -> hearth_store::Result<Option<Review>> {
    let Some(turn) = reader.turn(row.turn)? else { return Ok(None) };
    let document = row.job.map(|job| reader.job(job)).transpose()?.flatten().and_then(|job| job.document);
    // It is a source once it answers, and none any more where it was removed.
    let document = document.map(|id| reader.document(id)).transpose()?.flatten();
    let document = document.filter(|row| row.version.is_some() && row.removed_ms.is_none());
    let record: TurnRecord = serde_json::from_value(turn.record).unwrap_or_default();
    let why = match (row.asked_by_rule, turn.state) {
        (true, TurnState::Abstained) => "Handed over by a setting: the documents do not say",
        (true, _) => "Handed over by a setting: little of the answer is borne out",
        (false, TurnState::Abstained) => "The documents do not say",
        (false, TurnState::Answered) if record.confidence == Some(hearth_retrieval::Confidence::Low) => {
            "Little of the answer is borne out"
        }
        (false, _) => "A person asked for another look",
    };
    let ReviewRow { id, turn: of, conversation, space, state, assigned, label, opened_ms, changed_ms, .. } = row;
    let answered = state == ReviewState::Answered;
    Ok(Some(Review {
        id,
        turn: of.0,
        conversation: conversation.0,
        space: space.0,
        question: turn.question,
        said: if turn.answer.is_empty() { record.not_said.unwrap_or_default() } else { turn.answer },
        why: why.to_owned(),
        state: match state {
            ReviewState::Open => hearth_api::ReviewState::Open,
            ReviewState::Answered => hearth_api::ReviewState::Answered,
            ReviewState::Dismissed => hearth_api::ReviewState::Dismissed,
        },
        assigned,
        opened_ms,
        answer: row.answer,
        answered_by: row.answered_by,
        answered_ms: answered.then_some(changed_ms),
        label: view::label(label),
        job: row.job.map(|job| job.0),
        document: document.map(|row| row.id.0),
    }))
}

fn entry(kind: &'static str, sentence: String, turn: TurnId, detail: serde_json::Value) -> Entry {
    Entry { at_ms: now_ms(), kind, sentence, subject: Some(format!("turn:{turn}")), detail }
}

fn missing(turn: TurnId) -> hearth_store::StoreError {
    hearth_store::StoreError::NotFound { what: "conversation", id: turn.0 }
}

/// What was answered already is not changed any more.
fn refused(error: hearth_store::StoreError) -> Error {
    match error {
        hearth_store::StoreError::NotFound { what: "review that waits", .. } => {
            Error::new(ErrorCode::Invalid, "This does not wait for a person any more.")
                .hint("Take it up again if it was let go; what was answered stays, and its document can be removed.")
        }
        other => error::store(other),
    }
}

fn tell(house: &House) {
    house.events.stale(&["ListReviews", "GetConversation", "ListActivity"]);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_people_and_documents_are_one_line() {
        assert_eq!(name("  Ada \n Stern ").unwrap(), "Ada Stern");
        assert!(name(" \n").is_err() && name(&"a".repeat(81)).is_err());
        let called = document_name("Ada/Stern", &"Who pays and/or repairs? ".repeat(9));
        assert!(called.starts_with("Answer by Ada Stern: Who pays and or repairs?") && called.ends_with("….txt"));
    }
}

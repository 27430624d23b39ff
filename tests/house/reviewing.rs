//! Answers that wait for a person: handed over, assigned, let go and taken up, answered once; and the answer as a source.

use crate::CHILD;
use anyhow::{Context, Result};
use hearth_api::{Label, Review, ReviewState, Turn, TurnState};
use hearth_tests::{House, Script, answered, cited};
use serde_json::json;

const LEASE: &str = "Lease of the mill\n\nThe tenant pays a rent of 1,250 euros a month.\n";
const QUESTION: &str = "Who looks after the bees behind the orchard?";
const ANSWER: &str = "Hanna Brandt looks after the bees behind the orchard.";

fn call(house: &House, name: &str, args: serde_json::Value) -> Result<Review> {
    Ok(serde_json::from_value(house.call(name, args)?)?)
}

fn waiting(house: &House, all: bool) -> Result<Vec<Review>> {
    Ok(serde_json::from_value(house.call("ListReviews", json!({ "space": house.space()?, "all": all }))?)?)
}

fn shown(house: &House, turn: i64) -> Result<Turn> {
    let conversations = house.call("ListConversations", json!({ "space": house.space()? }))?;
    for one in conversations.as_array().into_iter().flatten() {
        let shown = house.call("GetConversation", json!({ "conversation": one["id"] }))?;
        if let Some(one) = shown["turns"].as_array().into_iter().flatten().find(|one| one["id"] == turn) {
            return Ok(serde_json::from_value(one.clone())?);
        }
    }
    anyhow::bail!("the turn is there")
}

#[test]
fn a_persons_answer_is_a_source_that_later_questions_find_and_cite() -> Result<()> {
    let mut house = House::new(CHILD, &Script::default())?;
    house.text("lease.txt", LEASE)?;
    let turn = house.ask(QUESTION)?;
    assert_eq!(turn.state, TurnState::Abstained);
    let review = call(&house, "HandToPerson", json!({ "turn": turn.id, "to": null }))?;
    assert_eq!((review.state, review.question.as_str()), (ReviewState::Open, QUESTION));
    let again = call(&house, "HandToPerson", json!({ "turn": turn.id, "to": "Ada Stern" }))?;
    assert_eq!((again.id, again.assigned.as_deref()), (review.id, Some("Ada Stern")), "once for each turn");
    assert_eq!(waiting(&house, false)?.len(), 1);
    assert!(house.try_call("AnswerReview", json!({ "review": review.id, "answer": " ", "by": "Ada" })).is_err());
    assert!(house.try_call("AnswerReview", json!({ "review": review.id, "answer": "x", "by": " " })).is_err());
    let done = call(&house, "AnswerReview", json!({ "review": review.id, "answer": ANSWER, "by": "Ada Stern" }))?;
    house.wait_for(&[done.job.context("a job")?])?;
    assert!(waiting(&house, false)?.is_empty());
    let kept = shown(&house, turn.id)?.review.context("a review")?;
    assert_eq!((kept.answer.as_deref(), kept.answered_by.as_deref()), (Some(ANSWER), Some("Ada Stern")));
    let document = kept.document.context("it became a document")?;
    let detail = house.call("GetDocument", json!({ "document": document }))?;
    let origin = detail["origin"].as_str().unwrap_or_default();
    assert!(origin.starts_with("Answered by Ada Stern on 20") && origin.contains(QUESTION), "{origin}");

    let later = house.ask("Who cares for the bees behind the orchard?")?;
    assert!(answered(&later), "{later:?}");
    let quote = later.quotes.first().context("a quote")?;
    assert_eq!(cited(&house, quote.at)?, quote.text);
    assert!(later.quotes.iter().any(|quote| quote.text.contains("Hanna Brandt")), "{:?}", later.quotes);
    assert!(
        later.sources.iter().any(|source| source.document == document && source.title.starts_with("Answer by Ada"))
    );

    // What is answered stays; its document can be removed like any other.
    for (name, args) in [
        ("DismissReview", json!({ "review": review.id })),
        ("AssignReview", json!({ "review": review.id, "to": "Olga" })),
        ("AnswerReview", json!({ "review": review.id, "answer": "Nobody.", "by": "Olga" })),
    ] {
        assert!(house.try_call(name, args).is_err(), "{name}");
    }
    house.call("RemoveDocuments", json!({ "documents": [document] }))?;
    assert_eq!(shown(&house, turn.id)?.review.context("a review")?.document, None);
    let entries = house.call("ListActivity", json!({ "before": null, "limit": 50, "text": null }))?;
    let kinds: Vec<&str> =
        entries.as_array().into_iter().flatten().filter_map(|entry| entry["kind"].as_str()).collect();
    assert!(kinds.contains(&"review.opened") && kinds.contains(&"review.answered"), "{kinds:?}");
    assert!(house.call("VerifyAudit", json!({}))?["broken"].is_null());
    Ok(())
}

#[test]
fn what_is_handed_over_can_be_taken_back_and_survives_a_restart() -> Result<()> {
    let mut house = House::new(CHILD, &Script::default())?;
    house.text("lease.txt", LEASE)?;
    let turn = house.ask(QUESTION)?;
    let review = call(&house, "HandToPerson", json!({ "turn": turn.id, "to": "Ada" }))?;
    assert_eq!(call(&house, "DismissReview", json!({ "review": review.id }))?.state, ReviewState::Dismissed);
    assert!(waiting(&house, false)?.is_empty() && waiting(&house, true)?.len() == 1);
    assert_eq!(call(&house, "ReopenReview", json!({ "review": review.id }))?.state, ReviewState::Open);
    call(&house, "AssignReview", json!({ "review": review.id, "to": null }))?;
    let house = house.restart()?;
    let kept = waiting(&house, false)?;
    assert_eq!((kept.len(), kept[0].assigned.as_deref()), (1, None));
    Ok(())
}

#[test]
fn an_answer_has_at_least_the_label_of_its_turn() -> Result<()> {
    let mut house = House::new(CHILD, &Script::default())?;
    let document = house.text("lease.txt", LEASE)?;
    house.call("SetLabel", json!({ "document": document, "label": "confidential", "confirmed": true }))?;
    let turn = house.ask("What rent does the tenant pay?")?;
    let review = call(&house, "HandToPerson", json!({ "turn": turn.id, "to": null }))?;
    assert_eq!(review.label, Label::Confidential);
    let done =
        call(&house, "AnswerReview", json!({ "review": review.id, "answer": "It is 1,250 euros.", "by": "Ada" }))?;
    let jobs = house.wait_for(&[done.job.context("a job")?])?;
    assert_eq!(jobs[0].label, Label::Confidential);
    Ok(())
}

#[test]
fn weak_answers_are_handed_over_by_themselves_only_where_a_person_chose_so() -> Result<()> {
    let mut house = House::new(CHILD, &Script::default())?;
    house.text("lease.txt", LEASE)?;
    house.ask(QUESTION)?;
    assert!(waiting(&house, true)?.is_empty(), "off until it is chosen");
    house.call("SetSettings", json!({ "settings": { "review_low_support": true } }))?;
    let turn = house.ask("Which submarine cables connect Lisbon with Casablanca?")?;
    let review = turn.review.context("handed over")?;
    assert!(review.why.starts_with("Handed over by a setting"), "{}", review.why);
    let fine = house.ask("What rent does the tenant pay?")?;
    assert!(fine.review.is_none(), "{fine:?}");
    assert_eq!(waiting(&house, false)?.len(), 1);
    Ok(())
}

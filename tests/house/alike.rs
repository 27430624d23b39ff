//! Documents that are nearly the same: which is the later one is seen where names say so, shown at the source, and settled
//! by a person where they do not.

use crate::CHILD;
use anyhow::{Context, Result};
use hearth_api::{CheckState, DocumentDetail, DocumentRow, Library, Relation, Turn};
use hearth_tests::{House, Script};
use serde_json::json;

/// A lease of some length, whose notice period and date are as given.
fn lease(notice: &str) -> String {
    let clauses = (1..40).map(|n| {
        format!("{n}. The tenant keeps room number {n} of the mill in good order and lets the landlord see it on request.\n\n")
    });
    let clauses: String = clauses.collect();
    format!("Lease of the mill\n\n{clauses}The notice period of the lease is {notice}, in writing.\n")
}

fn rows(house: &House) -> Result<Vec<DocumentRow>> {
    let args = json!({ "space": house.space()?, "text": null, "labels": [], "kinds": [], "limit": 100 });
    let library: Library = serde_json::from_value(house.call("ListDocuments", args)?)?;
    Ok(library.rows)
}

fn row(house: &House, document: i64) -> Result<DocumentRow> {
    rows(house)?.into_iter().find(|row| row.id == Some(document)).context("a row")
}

fn detail(house: &House, document: i64) -> Result<DocumentDetail> {
    Ok(serde_json::from_value(house.call("GetDocument", json!({ "document": document }))?)?)
}

fn judge(house: &House, document: i64, other: i64, relation: &str) -> Result<()> {
    house.call("JudgeAlike", json!({ "document": document, "other": other, "relation": relation })).map(drop)
}

const ASKED: &str = "What is the notice period of the lease?";

#[test]
fn a_later_revision_comes_first_and_the_earlier_is_marked_wherever_it_is_shown() -> Result<()> {
    let mut house = House::new(CHILD, &Script::default())?;
    let later = house.text("lease v2.txt", &lease("six months"))?;
    let earlier = house.text("lease v1.txt", &lease("three months"))?;
    house.text("garden.txt", "The garden behind the mill is open to all tenants from March to October.")?;
    let shown = row(&house, earlier)?;
    assert_eq!(shown.later.as_ref().map(|later| later.document), Some(later), "{shown:?}");
    assert!(rows(&house)?.iter().filter(|row| row.later.is_some() || row.near).count() == 1);
    let alike = detail(&house, later)?.alike;
    let of = alike.first().context("the earlier one")?;
    assert!(of.document == earlier && of.relation == Relation::Earlier && of.percent > 80 && !of.chosen, "{of:?}");

    let turn = house.ask(ASKED)?;
    assert!(turn.quotes.first().is_some_and(|quote| quote.text.contains("six months")), "{:?}", turn.quotes);
    for source in &turn.sources {
        let marked = source.later.as_ref().map(|later| later.document);
        assert_eq!(marked, (source.document == earlier).then_some(later), "{source:?}");
    }
    // Removed, the later one replaces nothing any more.
    house.call("RemoveDocuments", json!({ "documents": [later] }))?;
    assert_eq!(row(&house, earlier)?.later, None);
    let turn = house.ask(ASKED)?;
    assert!(turn.quotes.first().is_some_and(|quote| quote.text.contains("three months")), "{:?}", turn.quotes);
    house.call("RestoreDocuments", json!({ "documents": [later] }))?;
    assert!(row(&house, earlier)?.later.is_some());
    // A new version of it that says something else altogether is no revision of the old text.
    assert_eq!(
        house.text("lease v2.txt", "A song about the river, the willow and the miller's cat, in four verses.")?,
        later
    );
    assert_eq!(row(&house, earlier)?.later, None);
    Ok(())
}

#[test]
fn no_answer_mixes_a_revision_with_the_one_that_replaces_it() -> Result<()> {
    let answer = "The notice period of the lease is three months, in writing.";
    let answers = vec![("notice".to_owned(), answer.to_owned())];
    let mut house = House::new(CHILD, &Script { answers, ..Script::default() })?;
    house.text("lease v1.txt", &lease("three months"))?;
    house.text("lease v2.txt", &lease("six months"))?;
    let states = |turn: &Turn| turn.sentences.iter().filter_map(|sentence| sentence.state).collect::<Vec<_>>();
    // What the earlier one says is borne out only where what was before is asked for.
    let now = house.ask(ASKED)?;
    assert!(!states(&now).contains(&CheckState::Supported), "{now:?}");
    let before = house.ask("What was the notice period of the lease in the earlier version?")?;
    assert_eq!(states(&before), [CheckState::Supported], "{before:?}");
    Ok(())
}

#[test]
fn where_names_do_not_say_a_person_does_and_it_holds_through_a_restart() -> Result<()> {
    let mut house = House::new(CHILD, &Script::default())?;
    let one = house.text("mill, ground floor.txt", &lease("three months"))?;
    let two = house.text("mill, upper floor.txt", &lease("six months"))?;
    assert!(row(&house, one)?.near && row(&house, two)?.near && row(&house, one)?.later.is_none());

    judge(&house, one, two, "later")?;
    assert!(row(&house, one)?.later.is_some() && !row(&house, two)?.near);
    let turn = house.ask(ASKED)?;
    assert!(turn.quotes.first().is_some_and(|quote| quote.text.contains("six months")), "{:?}", turn.quotes);
    let of = detail(&house, one)?.alike.into_iter().next().context("the other")?;
    assert!(of.relation == Relation::Later && of.chosen);

    judge(&house, two, one, "different")?;
    let mut house = house.restart()?;
    for id in [one, two] {
        let row = row(&house, id)?;
        assert!(row.later.is_none() && !row.near && detail(&house, id)?.alike.is_empty(), "{row:?}");
    }
    // Read anew, they are still what the person said.
    house.text("mill, ground floor.txt", &lease("four months"))?;
    assert!(!row(&house, one)?.near);
    assert!(house.ask(ASKED)?.sources.iter().all(|source| source.later.is_none()));

    let other = house.text("song.txt", "A song about the river, the willow and the miller's cat, in four verses.")?;
    let refused = judge(&house, one, other, "later").expect_err("they have nothing in common");
    assert!(refused.to_string().contains("not found to be alike"), "{refused}");
    assert!(judge(&house, one, 4711, "same").is_err());
    let activity = house.call(
        "ListActivity",
        json!({ "before": null, "limit": 50, "text": null, "from_ms": null, "until_ms": null }),
    )?;
    let said =
        activity.as_array().context("entries")?.iter().filter(|entry| entry["kind"] == "document.judged").count();
    assert_eq!(said, 2, "who said so is in the record");
    Ok(())
}

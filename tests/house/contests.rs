//! Two models compared: the same questions by the same way, names hidden until a choice, choices kept by version and told
//! in the record, totals of the pair, and the sentence in a later route's trace.

use crate::CHILD;
use anyhow::{Context, Result};
use hearth_api::{Contest, ContestRow, ErrorCode, Preferred, TurnState};
use hearth_tests::{House, Script};
use serde_json::{Value, json};

const LEASE: &str = "Lease of the mill\n\nThe tenant pays a rent of 1,250 euros a month, due on the third working day.\n\n\
     The mill stands by the river and has two wheels.\n";
const RENT: &str = "What rent does the tenant pay?";
const WHEELS: &str = "How many wheels has the mill?";
const FIRST: &str = "scripted-chat";

fn says(answers: &[(&str, &str)]) -> Script {
    let answers = answers.iter().map(|(word, answer)| ((*word).to_owned(), (*answer).to_owned())).collect();
    Script { answers, ..Script::default() }
}

/// A house with a document, a model that is right and one, whose id is given, that is wrong about the rent.
fn house(other: &Script) -> Result<(House, String, String)> {
    let house =
        House::new(CHILD, &says(&[("rent", "The rent is 1,250 euros a month."), ("wheels", "It has two wheels.")]))?;
    house.text("lease.txt", LEASE)?;
    let second = house.install_chat("other", other)?;
    let models = house.call("ListModels", json!({}))?;
    let installed = models["installed"].as_array().context("models")?;
    let first = installed.iter().find(|model| model["name"] == FIRST).context("the first")?["id"].clone();
    Ok((house, first.as_str().context("an id")?.to_owned(), second))
}

fn wrong() -> Script {
    says(&[("rent", "The rent is 9,999 euros a month."), ("wheels", "The mill has two wheels.")])
}

fn compare(house: &House, first: &str, second: &str, questions: &[&str], blind: bool) -> Result<Contest> {
    let args =
        json!({ "space": house.space()?, "first": first, "second": second, "questions": questions, "blind": blind });
    Ok(serde_json::from_value(house.call("CompareModels", args)?)?)
}

fn get(house: &House, id: i64) -> Result<Contest> {
    Ok(serde_json::from_value(house.call("GetContest", json!({ "contest": id }))?)?)
}

fn ended(house: &House, id: i64) -> Result<Contest> {
    house.until("a comparison", |house| get(house, id).is_ok_and(|contest| !contest.running))?;
    get(house, id)
}

fn choose(house: &House, question: i64, choice: Preferred) -> Result<Contest> {
    Ok(serde_json::from_value(house.call("ChooseAnswer", json!({ "question": question, "choice": choice }))?)?)
}

fn record(house: &House, kind: &str) -> Result<Vec<Value>> {
    let args = json!({ "before": null, "limit": 200, "text": null, "from_ms": null, "until_ms": null });
    let entries = house.call("ListActivity", args)?;
    Ok(entries.as_array().context("entries")?.iter().filter(|entry| entry["kind"] == kind).cloned().collect())
}

#[test]
fn both_are_asked_the_same_in_the_same_way_and_the_figures_stand_beside_the_answers() -> Result<()> {
    let (mut house, first, second) = house(&wrong())?;
    let begun = compare(&house, &first, &second, &[RENT, WHEELS, " "], false)?;
    assert_eq!(begun.names, (FIRST.into(), "other".into()));
    assert_eq!(begun.questions.len(), 2);
    let contest = ended(&house, begun.id)?;
    let rent = &contest.questions[0];
    let (one, other) = (rent.first.turn.as_ref().context("a turn")?, rent.second.turn.as_ref().context("a turn")?);
    assert_eq!(
        (one.answer.as_str(), other.answer.as_str()),
        ("The rent is 1,250 euros a month.", "The rent is 9,999 euros a month.")
    );
    assert_eq!((rent.first.claims, rent.first.supported, rent.second.claims, rent.second.supported), (1, 1, 1, 0));
    assert_eq!(rent.same_passages, Some(true), "{rent:?}");
    assert!(!one.sentences[0].citations.is_empty() && one.sources == other.sources);
    for turn in [one, other] {
        assert_eq!(turn.state, TurnState::Answered);
        assert!(turn.how.as_ref().is_some_and(|how| how.first_word_ms.is_some() && how.total_ms > 0));
        let route = house.station(turn.id, "Route")?;
        assert!(route.sentence.starts_with("For a comparison: "), "{route:?}");
        let recipe = house.station(turn.id, "Generate")?.record.context("how it was asked")?;
        assert!(recipe.starts_with("Asked by the recipe “answer from documents”, version 1."), "{recipe}");
    }
    // Asked for a comparison alone, they stand in no list of talks; the record has them as any.
    assert!(
        house.call("ListConversations", json!({ "space": house.space()? }))?.as_array().context("a list")?.is_empty()
    );
    assert_eq!(record(&house, "turn.answered")?.len(), 4);

    let chosen = choose(&house, rent.id, Preferred::First)?;
    let totals = &chosen.totals;
    assert_eq!((totals.questions, totals.undecided, totals.first.wins, totals.second.wins), (2, 1, 1, 0));
    assert_eq!(
        (totals.first.claims, totals.first.supported, totals.second.claims, totals.second.supported),
        (2, 2, 2, 1)
    );
    assert!(totals.first.total_ms.is_some() && totals.second.first_word_ms.is_some());

    // The other way round it is the same pair.
    let again = compare(&house, &second, &first, &[RENT], false)?;
    let again = ended(&house, again.id)?;
    let again = choose(&house, again.questions[0].id, Preferred::Equal)?;
    assert_eq!((again.totals.first.name.as_str(), again.totals.first.wins, again.totals.second.wins), ("other", 0, 1));
    assert_eq!((again.totals.questions, again.totals.equal), (3, 1));

    // A later route says what is known, and goes by its rules all the same.
    house.call("SetRole", json!({ "role": "chat", "model": second }))?;
    let turn = house.ask(RENT)?;
    assert_eq!(turn.how.as_ref().map(|how| how.model.as_str()), Some("other"));
    let route = house.station(turn.id, "Route")?;
    let said = route.weighed.iter().find(|line| line.contains("were compared on 3 questions")).context("a sentence")?;
    assert!(said.contains("other was chosen 0 to 1, 1 equal") && said.contains("does not change the order"), "{said}");
    Ok(())
}

#[test]
fn names_are_hidden_until_a_choice_and_choices_are_kept_by_version() -> Result<()> {
    let (house, first, second) = house(&wrong())?;
    let begun = compare(&house, &first, &second, &[RENT], true)?;
    let contest = ended(&house, begun.id)?;
    let question = &contest.questions[0];
    let hidden = serde_json::to_string(&contest.questions)?;
    assert!(!hidden.contains(FIRST) && !hidden.contains("other"), "{hidden}");
    assert_eq!((contest.totals.questions, question.choice), (0, None));
    let right_is_first = question.first.turn.as_ref().context("a turn")?.answer.contains("1,250");
    let (right, wrong) =
        if right_is_first { (Preferred::First, Preferred::Second) } else { (Preferred::Second, Preferred::First) };

    let chosen = choose(&house, question.id, wrong)?;
    assert_eq!(chosen.totals.second.wins, 1);
    let chosen = choose(&house, question.id, right)?;
    let question = &chosen.questions[0];
    assert_eq!((question.choice, question.choices), (Some(right), 2));
    assert_eq!((chosen.totals.first.wins, chosen.totals.second.wins), (1, 0), "the last one counts");
    let first_name = question.first.model.as_deref().context("a name")?;
    assert_eq!(first_name == FIRST, right_is_first);
    let entries = record(&house, "contest.chosen")?;
    assert_eq!(entries.len(), 2);
    assert_eq!(entries[0]["sentence"], format!("Chose the answer of {FIRST} over that of other"));
    let details: Vec<Value> = entries
        .iter()
        .map(|entry| Ok(serde_json::from_str(entry["detail"].as_str().context("a detail")?)?))
        .collect::<Result<_>>()?;
    assert_eq!((&details[0]["version"], &details[0]["blind"]), (&json!(2), &json!(false)));
    assert_eq!((&details[1]["version"], &details[1]["blind"]), (&json!(1), &json!(true)));

    // All of it is there after a new start.
    let house = house.restart()?;
    assert_eq!(get(&house, chosen.id)?, chosen);
    let rows: Vec<ContestRow> = serde_json::from_value(house.call("ListContests", json!({}))?)?;
    assert_eq!((rows.len(), rows[0].questions, rows[0].decided, rows[0].running), (1, 1, 1, false));
    Ok(())
}

#[test]
fn a_model_that_fails_has_failed_and_no_other_stands_in_for_it() -> Result<()> {
    let (house, first, second) = house(&Script { dies_on: Some("What rent".into()), ..wrong() })?;
    let begun = compare(&house, &first, &second, &[RENT, WHEELS], false)?;
    let contest = ended(&house, begun.id)?;
    let [rent, wheels] = &contest.questions[..] else { anyhow::bail!("two questions") };
    let failed = rent.second.turn.as_ref().context("a turn")?;
    assert_eq!((failed.state, failed.error.is_some()), (TurnState::Failed, true), "{failed:?}");
    assert_eq!(rent.first.turn.as_ref().map(|turn| turn.state), Some(TurnState::Answered));
    assert_eq!(wheels.second.turn.as_ref().map(|turn| turn.state), Some(TurnState::Answered), "the next one is asked");
    Ok(())
}

#[test]
fn a_comparison_stops_and_what_cannot_be_compared_is_refused() -> Result<()> {
    let (house, first, second) = house(&Script { pause_ms: 200, ..wrong() })?;
    let refused = |first: &str, second: &str, questions: Value| {
        let space = house.space().unwrap_or_default();
        let args = json!({ "space": space, "first": first, "second": second, "questions": questions, "blind": false });
        house.try_call("CompareModels", args).err().map(|error| error.code)
    };
    assert_eq!(refused(&first, &first, json!([RENT])), Some(ErrorCode::Invalid));
    assert_eq!(refused(&first, "nobody", json!([RENT])), Some(ErrorCode::NotFound));
    assert_eq!(refused(&first, &second, json!([" "])), Some(ErrorCode::Invalid));
    let embedder = house.call("ListModels", json!({}))?["installed"]
        .as_array()
        .context("models")?
        .iter()
        .find(|model| model["roles"] == json!(["embed"]))
        .context("an embedder")?["id"]
        .clone();
    assert_eq!(refused(&first, embedder.as_str().context("an id")?, json!([RENT])), Some(ErrorCode::Invalid));

    let begun = compare(&house, &first, &second, &[RENT, WHEELS, RENT, WHEELS], false)?;
    assert_eq!(refused(&first, &second, json!([RENT])), Some(ErrorCode::InUse));
    house.until("the second model's turn", |house| {
        get(house, begun.id).is_ok_and(|one| one.questions[0].second.turn.is_some())
    })?;
    let early = house.try_call("ChooseAnswer", json!({ "question": begun.questions[0].id, "choice": "first" }));
    assert_eq!(early.err().map(|error| error.code), Some(ErrorCode::Invalid));
    house.call("StopContest", json!({ "contest": begun.id }))?;
    let contest = ended(&house, begun.id)?;
    let last = contest.questions.last().context("a question")?;
    assert!(last.first.turn.is_none() && last.second.turn.is_none(), "{last:?}");

    // It goes on where it was, also after a restart, and asks nothing twice.
    let asked = |contest: &Contest| -> Vec<Option<i64>> {
        let sides = contest.questions.iter().flat_map(|one| [&one.first, &one.second]);
        sides.map(|side| side.turn.as_ref().map(|turn| turn.id)).collect()
    };
    let before = asked(&contest);
    let house = house.restart()?;
    house.call("ResumeContest", json!({ "contest": begun.id }))?;
    let after = asked(&ended(&house, begun.id)?);
    assert!(after.iter().all(Option::is_some), "{after:?}");
    assert!(before.iter().zip(&after).all(|(before, after)| before.is_none() || before == after));
    let gone = house.try_call("ResumeContest", json!({ "contest": 9_999 }));
    assert_eq!(gone.err().map(|error| error.code), Some(ErrorCode::NotFound));
    Ok(())
}

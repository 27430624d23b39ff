//! What a turn does when the evidence is thin: it looks again in other words, answers anew, asks a stronger model, and only
//! then says that the documents do not say.

use crate::CHILD;
use anyhow::{Context, Result};
use hearth_api::{CheckState, Outcome, TurnState};
use hearth_tests::{House, Script, answered};
use serde_json::json;

const FIRE: &str = "Fire strategy\n\nCorridors on a bed-evacuation route keep a clear width of 2,150 mm between handrails.\n\n\
    Doors on the route close by themselves.\n";
const LEASE: &str = "Lease of the mill\n\nThe tenant pays a rent of 1,250 euros a month, due on the third working day.\n\n\
    Either party ends the lease with a notice period of three months.\n";

fn says(answer: &str) -> Script {
    Script { answers: vec![(String::new(), answer.into())], ..Script::default() }
}

#[test]
fn a_question_lost_in_a_story_is_found_by_the_sentence_that_asks() -> Result<()> {
    let mut house = House::new(CHILD, &says("Corridors on a bed-evacuation route keep a clear width of 2,150 mm."))?;
    house.text("fire.txt", FIRE)?;
    house.text("lease.txt", LEASE)?;
    let story = "Yesterday afternoon my neighbour Olga telephoned about her grandmother, whose birthday party moved from \
        Saturday to Sunday because an orchestra rehearses downstairs, and while we talked the kettle whistled, somebody \
        delivered parcels full of porcelain, the parrot screamed, three cousins arrived with suitcases from Lisbon, and \
        everyone laughed about politics, football, weather, gardening, bicycles, cheese and mushrooms until midnight. ";
    let turn = house.ask(&format!("{story} What clear width do corridors keep?"))?;
    assert!(answered(&turn), "{turn:?}");
    assert!(turn.quotes.iter().any(|quote| quote.text.contains("2,150 mm")), "{:?}", turn.quotes);
    assert!(turn.sentences.iter().all(|sentence| sentence.state == Some(CheckState::Supported)), "{turn:?}");
    let station = house.station(turn.id, "Retrieve")?;
    assert!(station.sentence.starts_with("Looked twice: "), "{}", station.sentence);
    let said = station.decision.context("what it looked for")?;
    assert!(
        said.contains("only for “What clear width do corridors keep?”") && said.contains("what was found bears on it"),
        "{said}"
    );
    Ok(())
}

#[test]
fn a_first_look_that_found_something_is_the_only_one() -> Result<()> {
    let mut house = House::new(CHILD, &says("The rent is 1,250 euros a month."))?;
    house.text("lease.txt", LEASE)?;
    let turn = house.ask("What rent does the tenant pay?")?;
    assert!(!house.station(turn.id, "Retrieve")?.sentence.contains("twice"));
    Ok(())
}

#[test]
fn a_loaded_model_writes_one_line_in_other_words_and_a_replay_repeats_it() -> Result<()> {
    let question = "How long beforehand must somebody quitting the mill's premises announce it?";
    let script = Script {
        answers: vec![
            ("rent".into(), "The rent is 1,250 euros a month.".into()),
            ("announce".into(), "The notice period is three months.".into()),
        ],
        other_words: Some("notice period when somebody ends the lease of the mill\nand more".into()),
        ..Script::default()
    };
    let mut house = House::new(CHILD, &script)?;
    house.text("lease.txt", LEASE)?;
    house.ask("What rent does the tenant pay?")?;
    house.call("UnloadModel", json!({ "model": "scripted-chat" }))?;
    let cold = house.ask(question)?;
    let asked = |turn: i64, house: &House| -> Result<String> {
        Ok(house.station(turn, "Retrieve")?.decision.unwrap_or_default())
    };
    let said = asked(cold.id, &house)?;
    assert!(!said.contains("as “"), "no model is loaded for it: {said} {cold:?}");
    assert_eq!(cold.state, TurnState::Abstained, "{cold:?}");
    house.ask("What rent does the tenant pay?")?;
    let turn = house.ask(question)?;
    assert!(answered(&turn), "{turn:?}");
    assert!(asked(turn.id, &house)?.contains("as “notice period when somebody ends the lease of the mill”"));
    assert_eq!(turn.how.as_ref().map(|how| how.new_tokens > 10), Some(true), "the line counts too: {:?}", turn.how);
    let replay = house.call("ReplayTurn", json!({ "turn": turn.id }))?;
    assert_eq!(replay["verdict"], "same", "{replay}");
    assert_eq!(replay["calls"].as_array().map(Vec::len), Some(2));
    Ok(())
}

#[test]
fn an_answer_that_nothing_bears_out_is_written_anew_from_what_its_own_words_find() -> Result<()> {
    let answer = "Sluice gates are replaced every nine winters by Hanna Brandt.";
    let mut house = House::new(CHILD, &says(answer))?;
    for n in 0..14 {
        let words =
            ["wheel", "weir", "roof", "door", "stone", "lamp", "bridge", "yard", "well", "path", "gate", "wall"];
        let text = format!("The mill of Corfe needs repair of its {} in the year {}.\n", words[n % 12], 1900 + n * 7);
        house.text(&format!("corfe-{n}.txt"), &text)?;
    }
    house.text("sluices.txt", &format!("{answer}\n"))?;
    let turn = house.ask("What repair does the mill of Corfe need?")?;
    assert!(answered(&turn), "{turn:?}");
    assert_eq!(turn.sentences.first().and_then(|sentence| sentence.state), Some(CheckState::Supported), "{turn:?}");
    assert!(turn.sources.iter().any(|source| source.title == "sluices.txt"));
    let station = house.station(turn.id, "Retrieve")?;
    assert!(station.sentence.starts_with("Looked twice: 1 new passage"), "{}", station.sentence);
    assert!(turn.how.context("how")?.route.contains("mostly not borne out"));
    Ok(())
}

#[test]
fn a_stronger_model_that_is_here_answers_what_a_weak_one_could_not() -> Result<()> {
    let mut house = House::new(CHILD, &says("The moon is made of cheese."))?;
    house.text("lease.txt", LEASE)?;
    let large = Script { padding: "x".repeat(4_000), ..says("The tenant pays a rent of 1,250 euros a month.") };
    house.install_chat("large", &large)?;
    house.call("SetRole", json!({ "role": "chat", "model": "scripted-chat" }))?;
    let turn = house.ask("What rent does the tenant pay?")?;
    assert!(answered(&turn), "{turn:?}");
    assert_eq!(turn.answer, "The tenant pays a rent of 1,250 euros a month.");
    let how = turn.how.clone().context("how")?;
    assert_eq!(how.model, "large");
    assert!(how.route.starts_with("Little of what scripted-chat wrote was borne out"), "{}", how.route);
    let generate = house.station(turn.id, "Generate")?;
    assert!(
        generate.weighed.iter().any(|line| line.contains("cheese")),
        "the first answer is in the trace: {generate:?}"
    );
    // Where it is no better, the first stands; here nothing is borne out either way.
    house.install_chat("huge", &Script { padding: "x".repeat(9_000), ..says("Mars is made of ham.") })?;
    let turn = house.ask("Which rent does the tenant of the mill pay?")?;
    assert_eq!(turn.state, TurnState::Abstained, "{turn:?}");
    Ok(())
}

#[test]
fn a_person_who_wants_it_quickly_waits_for_no_stronger_model() -> Result<()> {
    let mut house = House::new(CHILD, &says("The moon is made of cheese."))?;
    house.text("lease.txt", LEASE)?;
    let slow = Script { pause_ms: 80, padding: "x".repeat(4_000), ..says(&"The rent is 1,250 euros. ".repeat(4)) };
    house.install_chat("large", &slow)?;
    house.call("SetRole", json!({ "role": "chat", "model": "scripted-chat" }))?;
    house.call("MeasureModel", json!({ "model": "large" }))?;
    house.call("SetSettings", json!({ "settings": { "answer_within_s": 1 } }))?;
    let turn = house.ask("What rent does the tenant pay?")?;
    assert_eq!(turn.state, TurnState::Abstained, "{turn:?}");
    assert_eq!(turn.how.context("how")?.model, "scripted-chat");
    Ok(())
}

#[test]
fn what_nothing_bears_out_is_not_the_answer() -> Result<()> {
    let mut house = House::new(CHILD, &says("The moon is made of cheese."))?;
    house.text("lease.txt", LEASE)?;
    let turn = house.ask("What rent does the tenant pay?")?;
    assert_eq!(turn.state, TurnState::Abstained, "{turn:?}");
    assert!(!turn.answer.contains("cheese") && turn.not_said.is_some());
    assert!(!turn.quotes.is_empty(), "what was found is shown");
    assert_eq!(turn.confidence, None);
    assert_eq!(house.station(turn.id, "Verify")?.outcome, Outcome::Partly);
    assert!(house.station(turn.id, "Generate")?.weighed.iter().any(|line| line.contains("cheese")));
    Ok(())
}

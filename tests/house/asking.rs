//! A question through all stations: quotes, answer, checks, citations, abstention, stopping, dying, follow-ups, tools.

use crate::CHILD;
use anyhow::Result;
use hearth_api::{CheckState, Confidence, TurnNews, TurnState};
use hearth_tests::{House, Script, answered, cited};
use serde_json::json;

const LEASE: &str = "Lease of the mill\n\nThe tenant pays a rent of 1,250 euros a month, due on the third working day.\n\n\
    The landlord repairs the roof. The tenant repairs the windows.\n\nThe lease ends on 30 June 2027.\n";
const FIRE: &str = "Fire strategy\n\nCorridors on a bed-evacuation route keep a clear width of 2,150 mm between handrails.\n\n\
    Doors on the route close by themselves.\n";

fn script(answers: &[(&str, &str)]) -> Script {
    Script {
        answers: answers.iter().map(|(word, answer)| ((*word).into(), (*answer).into())).collect(),
        ..Script::default()
    }
}

#[test]
fn an_answer_proves_itself() -> Result<()> {
    let answer = "The rent is 1,250 euros a month. The landlord repairs the roof.";
    let mut house = House::new(CHILD, &script(&[("rent", answer)]))?;
    house.text("lease.txt", LEASE)?;
    house.text("fire.txt", FIRE)?;
    let turn = house.ask("How much rent does the tenant pay, and who repairs the roof?")?;
    assert!(answered(&turn), "{turn:?}");
    assert!(!turn.quotes.is_empty() && turn.quotes.len() <= 3);
    for quote in &turn.quotes {
        assert_eq!(cited(&house, quote.at)?, quote.text, "a quote stands word for word in its page");
    }
    assert_eq!(turn.answer, answer);
    assert_eq!(turn.sentences.len(), 2);
    for sentence in &turn.sentences {
        assert_eq!(sentence.state, Some(CheckState::Supported), "{sentence:?}");
        let citation = sentence.citations.first().expect("a supported sentence has a citation");
        assert_eq!(cited(&house, citation.at)?, citation.text);
        let source = &turn.sources[citation.source as usize - 1];
        assert_eq!(source.title, "lease.txt");
    }
    assert_eq!(turn.confidence, Some(Confidence::High));
    assert_eq!(turn.how.expect("a how line").bytes_out, 0);
    Ok(())
}

#[test]
fn what_the_source_does_not_say_is_marked() -> Result<()> {
    let answer = "The rent is 1,450 euros a month. A swimming pool belongs to the mill.";
    let mut house = House::new(CHILD, &script(&[("rent", answer)]))?;
    house.text("lease.txt", LEASE)?;
    let turn = house.ask("How much rent does the tenant pay a month?")?;
    let states: Vec<_> = turn.sentences.iter().map(|sentence| sentence.state).collect();
    // A wrong figure beside little else is held against the source, but never passes.
    assert!(matches!(states[0], Some(CheckState::Contradicted | CheckState::Partly)), "{:?}", turn.sentences);
    assert_eq!(states[1], Some(CheckState::NotFound), "{:?}", turn.sentences);
    assert!(
        turn.sentences[0].note.as_deref().is_some_and(|note| note.contains("1,250")),
        "{:?}",
        turn.sentences[0].note
    );
    assert_eq!(turn.confidence, Some(Confidence::Low));
    Ok(())
}

#[test]
fn your_documents_do_not_say_is_an_answer_and_runs_no_model() -> Result<()> {
    let mut house = House::new(CHILD, &Script { forbid_requests: true, ..Script::default() })?;
    house.text("lease.txt", LEASE)?;
    let turn = house.ask("Which submarine cables connect Lisbon with Casablanca?")?;
    assert_eq!(turn.state, TurnState::Abstained, "{turn:?}");
    assert!(turn.not_said.is_some_and(|words| words.contains("My documents")));
    assert!(turn.quotes.is_empty());
    Ok(())
}

#[test]
fn a_stopped_answer_keeps_its_words() -> Result<()> {
    let long = "The tenant pays a rent of 1,250 euros a month. ".repeat(40);
    let mut house = House::new(CHILD, &Script { pause_ms: 15, ..script(&[("rent", &long)]) })?;
    house.text("lease.txt", LEASE)?;
    let turn = house.begin_ask(None, "What rent does the tenant pay?", &[])?;
    house.news(turn, |news| matches!(news, TurnNews::Words { .. }))?;
    house.call("StopTurn", json!({ "turn": turn }))?;
    let ended = house.ended(turn)?;
    assert_eq!(ended.state, TurnState::Stopped);
    assert!(!ended.answer.is_empty() && ended.answer.len() < long.len());
    assert!(!ended.sentences.is_empty(), "what was written is checked");
    Ok(())
}

#[test]
fn a_turn_that_is_stopped_while_it_is_checked_or_written_anew_ends_as_stopped_at_once() -> Result<()> {
    // While the checks wait for an embedder.
    let answer = "The tenant pays a rent of 1,250 euros a month, which is slow to embed.";
    let mut house = House::new(CHILD, &script(&[("rent", answer)]))?;
    house.text("lease.txt", LEASE)?;
    let turn = house.begin_ask(None, "What rent does the tenant pay?", &[])?;
    house.news(turn, |news| matches!(news, TurnNews::Doing { what, .. } if what == "Checking"))?;
    let ended = stopped(&mut house, turn)?;
    assert_eq!(ended.answer, answer);

    // While a stronger model writes behind an answer that nothing bears out.
    let mut house = House::new(CHILD, &script(&[("rent", "The moon is made of cheese.")]))?;
    house.text("lease.txt", LEASE)?;
    let long = "The tenant pays a rent of 1,250 euros a month. ".repeat(40);
    house.install_chat("large", &Script { pause_ms: 30, padding: "x".repeat(9_000), ..script(&[("rent", &long)]) })?;
    house.call("SetRole", json!({ "role": "chat", "model": "scripted-chat" }))?;
    let turn = house.begin_ask(None, "What rent does the tenant pay?", &[])?;
    house.news(turn, |news| matches!(news, TurnNews::Doing { what, .. } if what == "Checking with large"))?;
    let ended = stopped(&mut house, turn)?;
    assert_eq!(ended.answer, "The moon is made of cheese.", "the words on the page stay");
    Ok(())
}

/// Stops a turn, which ends as stopped at once.
fn stopped(house: &mut House, turn: i64) -> Result<hearth_api::Turn> {
    let began = std::time::Instant::now();
    house.call("StopTurn", json!({ "turn": turn }))?;
    let ended = house.ended(turn)?;
    assert_eq!(ended.state, TurnState::Stopped, "{ended:?}");
    assert!(began.elapsed() < std::time::Duration::from_millis(1_000), "{:?}", began.elapsed());
    Ok(ended)
}

#[test]
fn a_model_that_dies_costs_one_turn() -> Result<()> {
    let mut house = House::new(
        CHILD,
        &Script { dies_after: Some(6), ..script(&[("rent", "The tenant pays a rent of 1,250 euros a month.")]) },
    )?;
    house.text("lease.txt", LEASE)?;
    let turn = house.ask("What rent does the tenant pay?")?;
    assert_eq!(turn.state, TurnState::Failed);
    assert_eq!(turn.error.map(|error| error.code), Some(hearth_api::ErrorCode::ProcessDied));
    assert_eq!(turn.answer, "The tenant pays a rent of");
    house.install(&script(&[("rent", "The rent is 1,250 euros a month.")]))?;
    assert!(answered(&house.ask("What rent does the tenant pay?")?), "the next turn works");
    Ok(())
}

#[test]
fn a_follow_up_finds_with_the_conversation_in_mind() -> Result<()> {
    let mut house = House::new(CHILD, &Script::default())?;
    house.text("lease.txt", LEASE)?;
    house.text("fire.txt", FIRE)?;
    house.ask("Who repairs the roof of the mill?")?;
    let conversation = house.conversation()?;
    let turn = house.ask_in(Some(conversation), "And the windows?", &[])?;
    assert!(turn.quotes.iter().any(|quote| quote.text.contains("windows")), "{:?}", turn.quotes);
    let shown = house.call("GetConversation", json!({ "conversation": conversation }))?;
    assert_eq!(shown["turns"].as_array().map(Vec::len), Some(2));
    Ok(())
}

#[test]
fn asking_again_takes_the_place_of_the_last_turn() -> Result<()> {
    let mut house = House::new(CHILD, &Script::default())?;
    house.text("lease.txt", LEASE)?;
    let first = house.ask("Who repairs the roof?")?;
    let asked = house.call("EditQuestion", json!({ "turn": first.id, "text": "When does the lease end?" }))?;
    let second = house.ended(asked["turn"].as_i64().unwrap_or_default())?;
    assert!(second.quotes.iter().any(|quote| quote.text.contains("30 June 2027")), "{:?}", second.quotes);
    let shown = house.call("GetConversation", json!({ "conversation": asked["conversation"] }))?;
    let turns = shown["turns"].as_array().cloned().unwrap_or_default();
    assert_eq!(turns.len(), 1);
    assert_eq!(turns[0]["question"], "When does the lease end?");
    assert!(
        house.try_call("Regenerate", json!({ "turn": first.id, "grounding": null })).is_err(),
        "only the last question is asked again"
    );
    Ok(())
}

#[test]
fn tools_answer_under_the_policy_and_memories_are_recalled() -> Result<()> {
    let mut house = House::new(CHILD, &script(&[("rent", "The rent is 1,250 euros a month.")]))?;
    house.text("lease.txt", LEASE)?;
    let sum = house.ask("/calculate 12 * 1,250")?;
    assert!(answered(&sum) && sum.answer.replace([',', ' '], "").contains("15000"), "{sum:?}");
    let wrong = house.ask("/calculate 12 *")?;
    assert_eq!(wrong.state, TurnState::Failed);
    house.ask("/remember The rent is paid by the mill's owner, Ada Stern.")?;
    let turn = house.ask("What rent does the tenant pay?")?;
    let trace = house.call("GetTrace", json!({ "turn": turn.id }))?;
    let recall =
        trace["stations"].as_array().into_iter().flatten().find(|station| station["name"] == "Recall").cloned();
    assert_eq!(recall.map(|station| station["sentence"].clone()), Some("1 memory used".into()));
    Ok(())
}

#[test]
fn every_turn_leaves_its_trail_and_its_seal() -> Result<()> {
    let mut house = House::new(CHILD, &Script::default())?;
    house.text("lease.txt", LEASE)?;
    let turn = house.ask("Who repairs the roof?")?;
    let trace = house.call("GetTrace", json!({ "turn": turn.id }))?;
    let names: Vec<_> =
        trace["stations"].as_array().into_iter().flatten().filter_map(|station| station["name"].as_str()).collect();
    assert_eq!(names, ["Admit", "Label", "Route", "Recall", "Retrieve", "Generate", "Tool", "Verify", "Record"]);
    assert_eq!(trace["hash"].as_str().map(str::len), Some(64));
    let check = house.call("VerifyAudit", json!({}))?;
    assert!(check["broken"].is_null() && check["entries"].as_u64() >= Some(3), "{check}");
    let listed = house.call("ListActivity", json!({ "before": null, "limit": 10, "text": null }))?;
    assert_eq!(listed[0]["turn"].as_i64(), Some(turn.id));
    Ok(())
}

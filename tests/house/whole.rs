//! Questions about all of a document that is longer than any window: read part by part, every point checked, a reading
//! that was broken off taken up again.

use crate::CHILD;
use anyhow::Result;
use hearth_api::{CheckState, TurnNews, TurnState};
use hearth_tests::{House, Script, answered};
use serde_json::json;

/// A report of many chapters, each about a village of its own.
fn report(chapters: usize) -> String {
    let villages = ["Aldbury", "Birkham", "Corfe", "Denby", "Elmsett", "Farnley", "Gisburn", "Hexton"];
    let mut text = String::from("Report on the mills of the county\n\n");
    for at in 0..chapters {
        let village = villages[at % villages.len()];
        text.push_str(&format!("Chapter {}: the mill of {village} number {at}\n\n", at + 1));
        for year in 0..6 {
            let (built, wheels) = (1700 + at * 7 + year, 2 + (at + year) % 5);
            text.push_str(&format!(
                "The mill of {village} number {at} was rebuilt in {built} with {wheels} wheels and a weir of oak. \
                 Its keeper reported to the county on the state of the sluices in that year. "
            ));
        }
        text.push_str("\n\n");
    }
    text
}

fn points(answer: &str) -> Vec<&str> {
    answer.lines().filter_map(|line| line.strip_prefix("- ")).collect()
}

#[test]
fn a_long_document_is_summarised_from_beginning_to_end_with_every_point_cited() -> Result<()> {
    let mut house = House::new(CHILD, &Script::default())?;
    let document = house.text("mills.txt", &report(30))?;
    let turn = house.ask_in(None, "Summarise this document.", &[document])?;
    assert!(answered(&turn), "{turn:?}");
    let points = points(&turn.answer);
    assert!((4..=12).contains(&points.len()), "{}", turn.answer);
    assert_eq!(turn.sentences.len(), points.len(), "{:?}", turn.sentences);
    assert!(turn.sentences.iter().all(|s| s.state == Some(CheckState::Supported) && !s.citations.is_empty()));
    let starts: Vec<u32> = turn.sentences.iter().filter_map(|s| Some(s.citations.first()?.at.start)).collect();
    let (first, last) = (starts.iter().min().unwrap(), starts.iter().max().unwrap());
    assert!(last - first > report(30).len() as u32 / 2, "points come from all over: {starts:?}");
    let station = house.station(turn.id, "Generate")?;
    assert!(station.decision.is_some_and(|words| words.contains("one after another")), "{}", station.sentence);
    Ok(())
}

#[test]
fn summarise_this_without_a_name_is_about_what_came_last() -> Result<()> {
    let mut house = House::new(CHILD, &Script::default())?;
    house.text("lease.txt", "The tenant of the mill pays a rent of 1,250 euros a month.\n")?;
    house.text("mills.txt", &report(20))?;
    let turn = house.ask("Summarise this document.")?;
    assert!(answered(&turn) && points(&turn.answer).len() >= 4, "{turn:?}");
    assert!(turn.sources.iter().all(|source| source.title == "mills.txt"), "{:?}", turn.sources);
    Ok(())
}

#[test]
fn what_a_part_does_not_say_is_never_a_point_of_it() -> Result<()> {
    let script = Script {
        answers: vec![("Summarise".into(), "- The moon is made of cheese.\n- The mills had 99 wheels.".into())],
        ..Script::default()
    };
    let mut house = House::new(CHILD, &script)?;
    let text = report(12);
    let document = house.text("mills.txt", &text)?;
    let turn = house.ask_in(None, "Summarise this document.", &[document])?;
    assert!(answered(&turn) && !turn.answer.contains("cheese") && !turn.answer.contains("99"), "{}", turn.answer);
    for point in points(&turn.answer) {
        assert!(text.contains(point), "taken word for word: {point}");
    }
    let station = house.station(turn.id, "Generate")?;
    assert!(station.decision.is_some_and(|words| words.contains("word for word")));
    Ok(())
}

#[test]
fn a_reading_that_was_stopped_goes_on_where_it_was() -> Result<()> {
    let mut house = House::new(CHILD, &Script { pause_ms: 4, ..Script::default() })?;
    let document = house.text("mills.txt", &report(20))?;
    let turn = house.begin_ask(None, "Summarise this document.", &[document])?;
    house.news(turn, |news| matches!(news, TurnNews::Doing { what, .. } if what.starts_with("Reading part 3 of")))?;
    house.call("StopTurn", json!({ "turn": turn }))?;
    let stopped = house.ended(turn)?;
    assert_eq!(stopped.state, TurnState::Stopped);
    assert!(!points(&stopped.answer).is_empty(), "what was read stays: {stopped:?}");
    let again = house.call("Regenerate", json!({ "turn": turn, "grounding": null }))?;
    let turn = house.ended(again["turn"].as_i64().expect("a turn"))?;
    assert!(answered(&turn), "{turn:?}");
    assert!(turn.answer.starts_with(stopped.answer.lines().next().unwrap_or("?")), "the same points: {}", turn.answer);
    let station = house.station(turn.id, "Generate")?;
    assert!(station.decision.is_some_and(|words| words.contains("2 parts known")), "{}", station.sentence);
    Ok(())
}

#[test]
fn a_document_that_fits_is_read_at_once() -> Result<()> {
    let mut house = House::new(CHILD, &Script::default())?;
    let document = house.text("mills.txt", "The mill of Corfe has three wheels. The weir is of oak.\n")?;
    let turn = house.ask_in(None, "Summarise this document.", &[document])?;
    assert!(answered(&turn) && !turn.answer.starts_with("- "), "{}", turn.answer);
    Ok(())
}

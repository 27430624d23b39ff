//! Which model answers: the next best where the chosen one is broken, dies or says nothing; the one for code where code is
//! asked about; a faster one where time is short. The trace and the answer's how line say why.

use crate::CHILD;
use anyhow::{Context, Result};
use hearth_api::{Model, Outcome, Turn, TurnNews, TurnState};
use hearth_tests::{House, Script, answered};
use serde_json::{Value, json};

const LEASE: &str =
    "Lease of the mill\n\nThe tenant pays a rent of 1,250 euros a month, due on the third working day.\n";
const QUESTION: &str = "What rent does the tenant pay?";

fn says(answer: &str) -> Script {
    Script { answers: vec![(String::new(), answer.into())], ..Script::default() }
}

/// A house with a document and a model that answers, called `scripted-chat`.
fn house() -> Result<House> {
    let house = House::new(CHILD, &says("The rent is 1,250 euros a month."))?;
    house.text("lease.txt", LEASE)?;
    Ok(house)
}

fn choose(house: &House, role: &str, model: &str) -> Result<Value> {
    house.call("SetRole", json!({ "role": role, "model": model }))
}

fn how(turn: &Turn) -> Result<(&str, &str)> {
    let how = turn.how.as_ref().context("a how line")?;
    Ok((&how.model, &how.route))
}

/// A header that promises more tensors than the file can hold.
fn broken() -> Vec<u8> {
    [b"GGUF".as_slice(), &3u32.to_le_bytes(), &u64::MAX.to_le_bytes(), &1u64.to_le_bytes(), &[0xff; 64]].concat()
}

#[test]
fn a_broken_model_gives_way_to_the_next_best_and_the_trace_says_why() -> Result<()> {
    let mut house = house()?;
    let id = house.install_spoilt("broken-giant", broken())?;
    choose(&house, "chat", &id)?;
    let turn = house.ask(QUESTION)?;
    assert!(answered(&turn), "{turn:?}");
    assert_eq!(turn.answer, "The rent is 1,250 euros a month.");
    let (model, route) = how(&turn)?;
    assert_eq!(model, "scripted-chat");
    assert!(
        route.starts_with("broken-giant did not load.") && route.ends_with("scripted-chat answers instead."),
        "{route}"
    );
    let station = house.station(turn.id, "Route")?;
    assert_eq!(station.outcome, Outcome::Partly, "{station:?}");
    assert_eq!(station.sentence, "broken-giant failed; scripted-chat answers instead");
    let tried = station.weighed.iter().find(|line| line.contains("tried and failed")).context("what was tried")?;
    assert!(tried.starts_with("broken-giant") && tried.contains("did not load"), "{tried}");

    // The same file is not tried again with every question, and that is said too.
    let second = house.ask(QUESTION)?;
    assert!(how(&second)?.1.ends_with("scripted-chat answers instead."), "{second:?}");
    let station = house.station(second.id, "Route")?;
    assert_eq!(station.outcome, Outcome::Done);
    assert!(
        station.weighed.iter().any(|line| line.contains("broken-giant") && line.contains("Set aside")),
        "{station:?}"
    );
    // Choosing it anew is another chance.
    choose(&house, "chat", &id)?;
    let third = house.ask(QUESTION)?;
    assert_eq!(house.station(third.id, "Route")?.outcome, Outcome::Partly);
    Ok(())
}

#[test]
fn a_file_that_is_cut_off_is_not_added() -> Result<()> {
    let house = house()?;
    let refused = house.install_weights("broken-giant", broken()).err().context("it is not added")?.to_string();
    assert!(refused.contains("damaged or cut off") && refused.contains("Copy or download the file again"), "{refused}");
    let models: hearth_api::Models = serde_json::from_value(house.call("ListModels", json!({}))?)?;
    assert!(models.installed.iter().all(|model| model.id != "broken-giant"), "{:?}", models.installed);

    // One that came here before this was looked at is named as damaged, and plays no part.
    let id = house.install_spoilt("broken-before", broken())?;
    let house = house.restart()?;
    let models: hearth_api::Models = serde_json::from_value(house.call("ListModels", json!({}))?)?;
    let shown = models.installed.iter().find(|model| model.id == id).context("the model")?;
    assert!(matches!(shown.state, hearth_api::ModelPresence::Damaged { .. }), "{shown:?}");
    assert!(models.roles.iter().all(|row| row.model.as_ref() != Some(&id) && !row.choices.contains(&id)));
    Ok(())
}

#[test]
fn a_model_whose_bytes_changed_is_named_by_the_doctor() -> Result<()> {
    let house = house()?;
    let whole = house.install_chat("whole", &says("All is well."))?;
    let id = house.install_spoilt("spoilt", broken())?;
    let found: Vec<hearth_api::Finding> = serde_json::from_value(house.call("GetDoctor", json!({}))?)?;
    let of = |id: &str| found.iter().find(|finding| finding.name == format!("model {id}")).context("a finding");
    assert!(of(&whole)?.works, "{found:?}");
    let spoilt = of(&id)?;
    assert!(!spoilt.works && spoilt.detail.contains("hearth models get spoilt"), "{spoilt:?}");
    Ok(())
}

#[test]
fn a_model_that_dies_before_its_first_word_gives_way() -> Result<()> {
    for script in
        [Script { dies_loading: true, ..says("never") }, Script { dies_after: Some(0), ..says("never") }, says("")]
    {
        let mut house = house()?;
        let id = house.install_chat("frail", &script)?;
        choose(&house, "chat", &id)?;
        let turn = house.ask(QUESTION)?;
        assert!(answered(&turn), "{script:?}: {turn:?}");
        let (model, route) = how(&turn)?;
        assert_eq!(model, "scripted-chat");
        assert!(route.contains("frail") && route.ends_with("scripted-chat answers instead."), "{route}");
        assert_eq!(house.station(turn.id, "Route")?.outcome, Outcome::Partly);
        assert_eq!(house.station(turn.id, "Generate")?.outcome, Outcome::Done);
    }
    Ok(())
}

#[test]
fn the_trace_names_how_the_model_was_asked() -> Result<()> {
    let mut house = house()?;
    let asked = |house: &mut House| -> Result<String> {
        let turn = house.ask(QUESTION)?;
        house.station(turn.id, "Generate")?.record.context("how it was asked")
    };
    let first = asked(&mut house)?;
    assert!(first.starts_with("Asked by the recipe “answer from documents”, version 1. Template: none."), "{first}");
    assert!(first.contains("top-k 0, top-p 1,") && first.contains("seed "), "{first}");
    let mut house = house.restart()?;
    assert!(asked(&mut house)?.contains("version 1."), "the same recipe is the same version");
    Ok(())
}

#[test]
fn words_that_were_written_are_kept_and_no_other_model_speaks() -> Result<()> {
    let mut house = house()?;
    let id = house.install_chat("frail", &Script { dies_after: Some(3), ..says("The rent is high, they say.") })?;
    choose(&house, "chat", &id)?;
    let turn = house.ask(QUESTION)?;
    assert_eq!(turn.state, TurnState::Failed);
    assert_eq!(turn.answer, "The rent is");
    assert_eq!(how(&turn)?, ("frail", ""));
    Ok(())
}

/// The wall around an engine is what runs out, not this machine's memory.
#[test]
#[cfg(target_os = "linux")]
fn memory_that_runs_out_in_an_answer_keeps_the_words_and_the_next_question_works() -> Result<()> {
    let mut house = house()?;
    let hungry = Script { eats_after: Some(3), ..says("The rent is high, they say.") };
    let id = house.install_chat("hungry", &hungry)?;
    choose(&house, "chat", &id)?;
    for _ in 0..2 {
        let turn = house.ask(QUESTION)?;
        assert_eq!((turn.state, turn.answer.as_str()), (TurnState::Failed, "The rent is"));
        let why = turn.error.as_ref().context("why")?;
        assert!(
            why.message.contains("ended") && why.hint.as_ref().is_some_and(|hint| hint.contains("kept")),
            "{why:?}"
        );
    }
    choose(&house, "chat", "scripted-chat")?;
    assert!(answered(&house.ask(QUESTION)?));
    Ok(())
}

#[test]
fn an_engine_that_nobody_uses_gives_its_memory_back_and_comes_again_when_asked() -> Result<()> {
    let folder = house()?.close();
    let mut house = House::start_idle(CHILD, folder, Some(std::time::Duration::from_millis(400)))?;
    house.call("UnlockVault", json!({ "passphrase": hearth_tests::PASSPHRASE }))?;
    let loaded = |house: &House| -> Result<usize> {
        let models: hearth_api::Models = serde_json::from_value(house.call("ListModels", json!({}))?)?;
        Ok(models.installed.iter().filter(|model| model.state == hearth_api::ModelPresence::Loaded).count())
    };
    for _ in 0..2 {
        assert!(answered(&house.ask(QUESTION)?));
        house.until("idle engines end", |house| loaded(house).is_ok_and(|n| n == 0))?;
        let memory: hearth_api::Models = serde_json::from_value(house.call("ListModels", json!({}))?)?;
        assert!(memory.memory.iter().all(|part| part.kind != hearth_api::MemoryKind::Model), "{:?}", memory.memory);
    }
    Ok(())
}

#[test]
fn where_every_model_fails_the_chosen_one_is_named() -> Result<()> {
    let mut house = House::new(CHILD, &Script { dies_loading: true, ..says("never") })?;
    house.text("lease.txt", LEASE)?;
    let id = house.install_spoilt("broken-giant", broken())?;
    choose(&house, "chat", &id)?;
    let turn = house.ask(QUESTION)?;
    assert_eq!(turn.state, TurnState::Failed);
    assert!(!turn.quotes.is_empty(), "quotes need no model");
    assert!(turn.error.is_some_and(|error| error.message.starts_with("broken-giant did not load")));
    let station = house.station(turn.id, "Route")?;
    assert_eq!((station.outcome, station.sentence.as_str()), (Outcome::Failed, "Every model that could answer failed"));
    Ok(())
}

#[test]
fn a_question_about_code_goes_to_the_model_for_code() -> Result<()> {
    let mut house = house()?;
    let id = house.install_chat("coder", &says("The rent is 1,250 euros a month."))?;
    house.text("ledger.txt", "The rent of the mill is computed by monthly_rent, which reads the lease.\n")?;
    let question = "What does monthly_rent compute?";
    assert_eq!(how(&house.ask(question)?)?, ("scripted-chat", ""), "nobody has the part");
    choose(&house, "code", &id)?;
    let turn = house.ask(question)?;
    let (model, route) = how(&turn)?;
    assert_eq!(model, "coder");
    assert!(route.starts_with("The question is about code"), "{route}");
    let station = house.station(turn.id, "Route")?;
    assert!(station.decision.is_some_and(|said| said.contains("about code: “monthly_rent” is code")));
    assert_eq!(how(&house.ask(QUESTION)?)?, ("scripted-chat", ""), "other questions stay with the chat model");
    choose(&house, "code", "")?;
    assert_eq!(how(&house.ask(question)?)?.0, "scripted-chat", "the part may be left empty");
    Ok(())
}

#[test]
fn a_faster_model_drafts_and_the_slow_one_writes_it_anew() -> Result<()> {
    let mut house = house()?;
    let slow = house.install_chat("slow", &Script { pause_ms: 60, ..says(&"The rent is 1,250 euros. ".repeat(6)) })?;
    choose(&house, "chat", &slow)?;
    for model in ["scripted-chat", slow.as_str()] {
        let measured: Model = serde_json::from_value(house.call("MeasureModel", json!({ "model": model }))?)?;
        let figures = measured.measured.context("figures")?;
        assert!(
            figures.per_second > 0.0 && figures.reads_per_second > Some(0.0) && figures.peak_bytes > 0,
            "{figures:?}"
        );
        assert_eq!(measured.fit.measured_bytes, Some(figures.peak_bytes));
        assert!(measured.fit.measured);
    }
    assert_eq!(how(&house.ask(QUESTION)?)?, ("slow", ""), "without a limit the chosen model answers");
    house.call("SetSettings", json!({ "settings": { "answer_within_s": 3 } }))?;
    let asked = house.begin_ask(None, QUESTION, &[])?;
    let drafted =
        house.news(asked, |news| matches!(news, TurnNews::Doing { what, .. } if what == "Refining with slow"))?;
    assert!(matches!(drafted, TurnNews::Doing { .. }));
    let turn = house.ended(asked)?;
    let (model, route) = how(&turn)?;
    assert_eq!(model, "slow");
    assert!(
        route.starts_with("scripted-chat drafted this in ") && route.ends_with("and slow wrote it anew."),
        "{route}"
    );
    assert!(turn.answer.starts_with("The rent is 1,250 euros. The rent is 1,250 euros."), "{}", turn.answer);
    assert_eq!(turn.sentences.len(), 6, "the new answer is checked");
    let generate = house.station(turn.id, "Generate")?;
    assert!(
        generate.weighed.iter().any(|line| line == "Draft by scripted-chat: The rent is 1,250 euros a month."),
        "{generate:?}"
    );
    let station = house.station(turn.id, "Route")?;
    assert!(
        station
            .weighed
            .iter()
            .any(|line| line.starts_with("slow: second in line") && line.contains("more than the 3 s"))
    );
    Ok(())
}

#[test]
fn a_draft_stands_where_nobody_refines_it() -> Result<()> {
    let mut house = house()?;
    let dying = Script { pause_ms: 60, dies_on: Some("rent does".into()), ..says(&"The rent is high. ".repeat(6)) };
    let slow = house.install_chat("slow", &dying)?;
    choose(&house, "chat", &slow)?;
    for model in ["scripted-chat", slow.as_str()] {
        house.call("MeasureModel", json!({ "model": model }))?;
    }
    house.call("SetSettings", json!({ "settings": { "answer_within_s": 3 } }))?;
    let turn = house.ask(QUESTION)?;
    assert!(answered(&turn), "{turn:?}");
    assert_eq!(turn.answer, "The rent is 1,250 euros a month.");
    assert_eq!(turn.sentences.len(), 1);
    let (model, route) = how(&turn)?;
    assert_eq!(model, "scripted-chat");
    assert!(route.starts_with("slow would take ") && route.contains("slow did not write this anew."), "{route}");
    let generate = house.station(turn.id, "Generate")?;
    assert_eq!(generate.outcome, Outcome::Partly);
    assert!(generate.sentence.starts_with("The draft stands"), "{generate:?}");

    // Stopping while it is refined leaves the draft too, and the turn is one that was stopped.
    let steady = Script { pause_ms: 60, ..says(&"The rent is high. ".repeat(6)) };
    let steady = house.install_chat("steady", &steady)?;
    choose(&house, "chat", &steady)?;
    house.call("MeasureModel", json!({ "model": steady }))?;
    let asked = house.begin_ask(None, QUESTION, &[])?;
    house.news(asked, |news| matches!(news, TurnNews::Doing { what, .. } if what == "Refining with steady"))?;
    house.call("StopTurn", json!({ "turn": asked }))?;
    let turn = house.ended(asked)?;
    assert_eq!((turn.state, turn.answer.as_str()), (TurnState::Stopped, "The rent is 1,250 euros a month."));
    assert!(how(&turn)?.1.contains("steady was stopped"), "{turn:?}");
    Ok(())
}

#[test]
fn measured_figures_hold_for_the_weights_that_were_measured() -> Result<()> {
    let house = house()?;
    house.call("MeasureModel", json!({ "model": "scripted-chat" }))?;
    let house = house.restart()?;
    let shown = |house: &House| -> Result<Model> {
        let models: hearth_api::Models = serde_json::from_value(house.call("ListModels", json!({}))?)?;
        models.installed.into_iter().find(|model| model.id == "scripted-chat").context("the model")
    };
    assert!(shown(&house)?.measured.is_some(), "figures are kept");
    house.call("RemoveModel", json!({ "model": "scripted-chat" }))?;
    house.install(&says("Other weights."))?;
    assert!(shown(&house)?.measured.is_none(), "other weights were not measured");
    Ok(())
}

#[test]
fn a_chosen_context_is_what_the_engine_gets_and_what_the_fit_counts() -> Result<()> {
    let mut house = house()?;
    let refused = house.try_call("SetContext", json!({ "model": "scripted-chat", "context": 64 }));
    assert!(refused.is_err_and(|error| error.code == hearth_api::ErrorCode::Invalid));
    let long = "rent ".repeat(1200);
    assert!(answered(&house.ask(&long)?));
    house.call("SetContext", json!({ "model": "scripted-chat", "context": 1024 }))?;
    let turn = house.ask(&long)?;
    assert!(turn.error.is_some_and(|error| error.message.contains("this model reads 1024")), "{:?}", turn.state);
    house.call("SetContext", json!({ "model": "scripted-chat", "context": null }))?;
    assert!(answered(&house.ask(&long)?));
    Ok(())
}

/// A header of a GGUF file that says how much context its model was trained for, and no weights.
fn trained_for(tokens: u32) -> Vec<u8> {
    let text = |s: &str| [&(s.len() as u64).to_le_bytes()[..], s.as_bytes()].concat();
    let mut values = vec![[text("general.architecture"), 8u32.to_le_bytes().to_vec(), text("llama")].concat()];
    for (key, value) in [
        ("embedding_length", 64),
        ("attention.head_count", 4),
        ("block_count", 1),
        ("feed_forward_length", 64),
        ("context_length", tokens),
    ] {
        let number = [4u32.to_le_bytes(), value.to_le_bytes()].concat();
        values.push([text(&format!("llama.{key}")), number].concat());
    }
    let words = [&9u32.to_le_bytes()[..], &8u32.to_le_bytes(), &1u64.to_le_bytes(), &text("a")].concat();
    values.push([text("tokenizer.ggml.tokens"), words].concat());
    let head = [&b"GGUF"[..], &3u32.to_le_bytes(), &0u64.to_le_bytes(), &(values.len() as u64).to_le_bytes()].concat();
    [head, values.concat()].concat()
}

#[test]
fn more_context_than_a_model_was_trained_for_is_refused_with_what_it_has() -> Result<()> {
    let house = house()?;
    let id = house.install_weights("short-sighted", trained_for(2048))?;
    let refused = house.try_call("SetContext", json!({ "model": id, "context": 4096 })).err().context("a refusal")?;
    assert_eq!(refused.code, hearth_api::ErrorCode::Invalid);
    assert_eq!(refused.message, "short-sighted reads 1024 to 2048 tokens of context, not 4096.");
    house.call("SetContext", json!({ "model": id, "context": 2048 }))?;
    Ok(())
}

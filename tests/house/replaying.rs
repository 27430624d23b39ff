//! The record as it is used: a turn run again, where an answer came from, exports, the report, retention.

use crate::CHILD;
use anyhow::{Context, Result};
use base64::Engine as _;
use hearth_api::{DocumentUse, ExportedFile, Lineage, Metrics, Replay, ReplayVerdict, Trace, TurnState};
use hearth_tests::{House, Script, answered};
use serde_json::{Value, json};

const LEASE: &str = "Lease of the mill\n\nThe tenant pays a rent of 1,250 euros a month, due on the third working day.\n\n\
    The landlord repairs the roof. The tenant repairs the windows.\n";
const RENT: &str = "The rent is 1,250 euros a month.";

fn script(answer: &str) -> Script {
    Script { answers: vec![("rent".into(), answer.into())], ..Script::default() }
}

fn replay(house: &House, turn: i64) -> Result<Replay> {
    Ok(serde_json::from_value(house.call("ReplayTurn", json!({ "turn": turn }))?)?)
}

fn changed(replay: &Replay) -> Vec<&str> {
    replay.inputs.iter().filter(|input| !input.same).map(|input| input.name.as_str()).collect()
}

fn entries(house: &House) -> Result<Vec<Value>> {
    let args = json!({ "before": null, "limit": 500, "text": null, "from_ms": null, "until_ms": null });
    house.call("ListActivity", args)?.as_array().cloned().context("a list")
}

fn text(file: &ExportedFile) -> Result<String> {
    Ok(String::from_utf8(bytes(file)?)?)
}

fn bytes(file: &ExportedFile) -> Result<Vec<u8>> {
    Ok(base64::engine::general_purpose::STANDARD.decode(&file.base64)?)
}

#[test]
fn the_same_inputs_give_the_same_tokens_and_the_turn_stays() -> Result<()> {
    let mut house = House::new(CHILD, &script(RENT))?;
    house.text("lease.txt", LEASE)?;
    let turn = house.ask("What rent does the tenant pay?")?;
    assert!(answered(&turn), "{turn:?}");
    let (conversation, before) = (house.conversation()?, turn.clone());
    let replayed = replay(&house, turn.id)?;
    assert_eq!(replayed.verdict, ReplayVerdict::Same, "{replayed:?}");
    assert_eq!(replayed.sentence, "Same tokens: 7 of 7.");
    assert_eq!((replayed.before.as_str(), replayed.now.as_str()), (RENT, RENT));
    assert_eq!(changed(&replayed), Vec::<&str>::new());
    let names: Vec<_> = replayed.inputs.iter().map(|input| input.name.as_str()).collect();
    for wanted in ["model file", "lease.txt, version 1", "prompt", "kernel", "threads", "context", "machine"] {
        assert!(names.contains(&wanted), "{names:?}");
    }
    assert!(names.iter().any(|name| name.starts_with("recipe “answer from documents”")), "{names:?}");
    // A follow-up reads the first turn again; it too is replayed as it was.
    let follow_up = house.ask_in(Some(conversation), "And when is the rent due?", &[])?;
    assert_eq!(replay(&house, follow_up.id)?.verdict, ReplayVerdict::Same);
    let shown = house.call("GetConversation", json!({ "conversation": conversation }))?;
    let kept: hearth_api::Turn = serde_json::from_value(shown["turns"][0].clone())?;
    assert_eq!(kept, before, "a replay never changes the turn");
    let noted = entries(&house)?;
    let noted: Vec<_> = noted.iter().filter(|entry| entry["kind"] == "turn.replayed").collect();
    assert_eq!(noted.len(), 2, "a replay is itself recorded");
    assert!(!noted[0]["detail"].to_string().contains("1,250"), "without what was written");
    let trace: Trace = serde_json::from_value(house.call("GetTrace", json!({ "turn": turn.id }))?)?;
    let sealed = entries(&house)?.into_iter().find(|entry| entry["hash"] == trace.hash).context("its entry")?;
    assert_eq!(sealed["kind"], "turn.answered", "the trace shows the seal of the turn, not of its replay");
    assert_eq!(house.call("VerifyAudit", json!({}))?["flaws"], json!([]));
    Ok(())
}

#[test]
fn what_changed_is_named_and_nothing_is_guessed() -> Result<()> {
    let mut house = House::new(CHILD, &script(RENT))?;
    let document = house.text("lease.txt", LEASE)?;
    let turn = house.ask("What rent does the tenant pay?")?;
    // Another file under the model's name.
    house.install(&script("The rent is 1,300 euros a month."))?;
    let other = replay(&house, turn.id)?;
    assert_eq!((other.verdict, changed(&other)), (ReplayVerdict::NotRun, vec!["model file"]), "{other:?}");
    assert!(other.sentence.contains("is another: its hash was"), "{}", other.sentence);
    // The file of then is back: the same tokens again.
    house.install(&script(RENT))?;
    assert_eq!(replay(&house, turn.id)?.verdict, ReplayVerdict::Same);
    // A newer version of the document answers now; what the model had read is kept and replayed.
    let newer = LEASE.replace("1,250", "1,400");
    let path = house.file("lease.txt", newer)?;
    house.import(&[path])?;
    assert_eq!(replay(&house, turn.id)?.verdict, ReplayVerdict::Same);
    // Erased with its document, nothing is left to run.
    house.call("RemoveDocuments", json!({ "documents": [document] }))?;
    let house = house.restart()?;
    house.until("the document is erased", |house| {
        entries(house).is_ok_and(|rows| rows.iter().any(|row| row["kind"] == "document.purged"))
    })?;
    let erased = replay(&house, turn.id)?;
    assert_eq!(erased.verdict, ReplayVerdict::NotRun, "{erased:?}");
    assert!(erased.sentence.contains("erased"), "{}", erased.sentence);
    Ok(())
}

#[test]
fn a_model_that_writes_otherwise_is_shown_side_by_side() -> Result<()> {
    let mut house = House::new(CHILD, &Script { changes_mind: true, ..script(RENT) })?;
    house.text("lease.txt", LEASE)?;
    let turn = house.ask("What rent does the tenant pay?")?;
    let other = replay(&house, turn.id)?;
    assert_eq!(other.verdict, ReplayVerdict::Differs, "{other:?}");
    let difference = other.calls[0].difference.clone().context("a difference")?;
    assert_eq!((difference.token, difference.before.as_str()), (7, "month."));
    assert_eq!(other.calls[0].before, RENT);
    assert!(other.calls[0].now.starts_with("The rent is 1,250 euros a") && other.calls[0].now != RENT);
    assert!(other.sentence.contains("token 7") && other.sentence.contains("Every input is as it was"));
    assert_eq!(answer_of(&house, turn.id)?, RENT, "the turn stays");
    Ok(())
}

fn answer_of(house: &House, turn: i64) -> Result<String> {
    let shown = house.call("GetConversation", json!({ "conversation": house.conversation()? }))?;
    let turns = shown["turns"].as_array().context("turns")?;
    let found = turns.iter().find(|one| one["id"] == turn).context("the turn")?;
    Ok(found["answer"].as_str().unwrap_or_default().to_owned())
}

#[test]
fn what_no_model_wrote_is_said() -> Result<()> {
    let mut house = House::new(CHILD, &script(RENT))?;
    house.text("lease.txt", LEASE)?;
    let reckoned = house.ask("/calculate 12 * 7")?;
    let said = replay(&house, reckoned.id)?;
    assert_eq!(said.verdict, ReplayVerdict::NotRun);
    assert!(said.sentence.contains("No model wrote this"), "{}", said.sentence);
    assert!(house.try_call("ReplayTurn", json!({ "turn": 999 })).is_err());
    Ok(())
}

/// The same bits whoever else is in the pass and whether the prefix was read before: with the real small model where it is
/// here, so that a kernel, a cache or a batch that changed a token would show.
#[test]
fn a_real_model_repeats_itself_to_the_token() -> Result<()> {
    let Some(models) = std::env::var_os("HEARTH_TEST_MODELS") else { return Ok(()) };
    let weights = std::path::Path::new(&models).join("smollm2-135m-instruct-q4_1");
    let file = std::fs::read_dir(&weights)?
        .filter_map(|entry| Some(entry.ok()?.path()))
        .find(|path| path.extension().is_some_and(|ending| ending == "gguf"));
    let Some(file) = file else { return Ok(()) };
    let mut house = House::new(CHILD, &script(RENT))?;
    house.text("lease.txt", LEASE)?;
    let id = house.kernel.add_model(&file).map_err(|error| anyhow::anyhow!("{error}"))?.id;
    house.call("SetRole", json!({ "role": "chat", "model": id }))?;
    let first = house.ask("What rent does the tenant pay?")?;
    assert!(!first.answer.is_empty(), "{first:?}");
    // Read before: the prefix comes from the cache.
    let cached = replay(&house, first.id)?;
    assert_eq!(cached.verdict, ReplayVerdict::Same, "{cached:?}");
    assert!(cached.calls[0].tokens_before > 3, "{cached:?}");
    // Nothing read: a fresh engine.
    house.call("UnloadModel", json!({ "model": id }))?;
    assert_eq!(replay(&house, first.id)?.verdict, ReplayVerdict::Same);
    // While another answer is written in the same passes.
    let beside = house.begin_ask(None, "Who repairs the roof and who repairs the windows of the mill?", &[])?;
    let side_by_side = replay(&house, first.id)?;
    house.ended(beside)?;
    assert_eq!(side_by_side.verdict, ReplayVerdict::Same, "{side_by_side:?}");
    assert_eq!(replay(&house, beside)?.verdict, ReplayVerdict::Same, "the other one too");
    Ok(())
}

#[test]
fn an_answer_leads_to_its_sources_and_a_document_to_its_answers() -> Result<()> {
    let mut house = House::new(CHILD, &script(RENT))?;
    let lease = house.text("lease.txt", LEASE)?;
    let fire = house.text("fire.txt", "Fire strategy\n\nCorridors keep a clear width of 2,150 mm.\n")?;
    house.call("Remember", json!({ "space": null, "text": "Write sums in euros." }))?;
    let turn = house.ask("What rent does the tenant pay?")?;
    let lineage: Lineage = serde_json::from_value(house.call("GetLineage", json!({ "turn": turn.id }))?)?;
    let version = lineage.versions.first().context("a version")?;
    assert_eq!((version.document, version.number, version.current), (lease, 1, true));
    assert!(version.cited > 0 && version.passages > 0 && version.sha256.len() == 64, "{version:?}");
    assert_eq!(lineage.memories.iter().map(|one| one.text.as_str()).collect::<Vec<_>>(), ["Write sums in euros."]);
    assert_eq!(lineage.models.len(), 1);
    assert!(lineage.models[0].sha256.is_some() && lineage.models[0].recipe.ends_with("version 1"));
    let uses = |document: i64| -> Result<Vec<DocumentUse>> {
        Ok(serde_json::from_value(house.call("ListUses", json!({ "document": document }))?)?)
    };
    let found = uses(lease)?;
    assert_eq!(
        (found.len(), found[0].turn, found[0].cited > 0, found[0].state),
        (1, turn.id, true, TurnState::Answered)
    );
    assert!(uses(fire)?.iter().all(|one| one.cited == 0), "nothing of it was cited");
    Ok(())
}

#[test]
fn exports_hold_no_words_unless_they_are_asked_for() -> Result<()> {
    let mut house = House::new(CHILD, &script(RENT))?;
    house.text("lease.txt", LEASE)?;
    let turn = house.ask("What rent does the tenant pay?")?;
    let export = |format: &str, content: bool| -> Result<String> {
        let args = json!({ "format": format, "text": null, "from_ms": null, "until_ms": null, "content": content, "confirmed": false });
        text(&serde_json::from_value(house.call("ExportRecord", args)?)?)
    };
    for format in ["jsonl", "csv", "otlp"] {
        let made = export(format, false)?;
        assert!(!made.contains("What rent") && !made.contains("1,250") && !made.contains("working day"), "{made}");
        assert!(export(format, true)?.contains("What rent does the tenant pay?"));
    }
    let lines = export("jsonl", false)?;
    let rows: Vec<Value> = lines.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    assert!(rows.windows(2).all(|pair| pair[0]["hash"] == pair[1]["previous"]), "what left can be checked elsewhere");
    let spans: Value = serde_json::from_str(&export("otlp", false)?)?;
    let spans = spans["resourceSpans"][0]["scopeSpans"][0]["spans"].as_array().cloned().context("spans")?;
    let of = |span: &Value, key: &str| {
        span["attributes"]
            .as_array()
            .and_then(|all| all.iter().find(|one| one["key"] == key))
            .map(|one| one["value"].clone())
    };
    let chat = spans
        .iter()
        .find(|span| of(span, "gen_ai.operation.name") == Some(json!({ "stringValue": "chat" })))
        .context("a span of the model")?;
    let how = turn.how.context("a how line")?;
    assert_eq!(of(chat, "gen_ai.request.model"), Some(json!({ "stringValue": how.model })));
    assert_eq!(of(chat, "gen_ai.usage.output_tokens"), Some(json!({ "intValue": how.new_tokens.to_string() })));
    let root = spans.iter().find(|span| span["parentSpanId"].is_null()).context("a root")?;
    assert_eq!(
        (chat["parentSpanId"].clone(), chat["traceId"].clone()),
        (root["spanId"].clone(), root["traceId"].clone())
    );
    assert_eq!(root["traceId"].as_str().map(str::len), Some(32));
    // A time without entries gives none, and what left is noted.
    let args =
        json!({ "format": "jsonl", "text": null, "from_ms": 0, "until_ms": 5, "content": false, "confirmed": false });
    let none: ExportedFile = serde_json::from_value(house.call("ExportRecord", args)?)?;
    assert_eq!(text(&none)?, "");
    assert_eq!(entries(&house)?.iter().filter(|row| row["kind"] == "record.exported").count(), 9);
    Ok(())
}

#[test]
fn the_report_is_made_of_the_record() -> Result<()> {
    let mut house = House::new(CHILD, &script(RENT))?;
    house.text("lease.txt", LEASE)?;
    house.ask("What rent does the tenant pay?")?;
    house.ask("Which submarine cables connect Lisbon with Casablanca?")?;
    house.ask("/calculate 12 * 7")?;
    let report = |format: &str| -> Result<ExportedFile> {
        let args = json!({ "format": format, "from_ms": 0, "until_ms": 99_999_999_999_999_i64 });
        Ok(serde_json::from_value(house.call("MakeReport", args)?)?)
    };
    let page = text(&report("html")?)?;
    for said in [
        "The record holds",
        "<b>3</b><span>questions</span>",
        "the documents do not say",
        "tool calculate",
        "Nothing was refused in this time",
        "Nothing tried to reach outside",
        "Rules in force",
        "answer from documents, version 1",
    ] {
        assert!(page.contains(said), "{said}\n{page}");
    }
    for word in ["submarine", "1,250", "What rent", "<script", "http:", "https:"] {
        assert!(!page.contains(word), "{word}");
    }
    assert!(bytes(&report("pdf")?)?.starts_with(b"%PDF-"));
    assert!(house.try_call("MakeReport", json!({ "format": "html", "from_ms": 5, "until_ms": 5 })).is_err());
    let figures: Metrics =
        serde_json::from_value(house.call("GetMetrics", json!({ "from_ms": null, "until_ms": null }))?)?;
    assert_eq!((figures.turns, figures.answered, figures.abstained, figures.tools_done), (3, 2, 1, 1));
    assert!(figures.sentences >= 1 && figures.supported >= 1 && figures.new_tokens >= 7);
    assert!(figures.stations.iter().any(|station| station.name == "Generate"));
    Ok(())
}

#[test]
fn an_anchor_made_at_the_door_is_checked_there() -> Result<()> {
    let mut house = House::new(CHILD, &script(RENT))?;
    let anchor = house.call("MakeAnchor", json!({}))?;
    house.text("lease.txt", LEASE)?;
    house.ask("What rent does the tenant pay?")?;
    let check = |anchor: &Value| house.call("CheckAnchor", json!({ "anchor": anchor }));
    assert_eq!(check(&anchor)?["holds"], true);
    let mut forged = anchor.clone();
    forged["entries"] = json!(1_000_000);
    let refused = check(&forged)?;
    assert!(refused["holds"] == false && refused["sentence"].as_str().is_some_and(|said| said.contains("changed")));
    let mut other = anchor.clone();
    other["format"] = json!("something else");
    assert!(house.try_call("CheckAnchor", json!({ "anchor": other })).is_err());
    Ok(())
}

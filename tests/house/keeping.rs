//! Nothing lost, nothing shown to the wrong eyes: locking, wrong passphrases, restarts in the middle of work, canaries.

use crate::CHILD;
use anyhow::Result;
use hearth_api::{ErrorCode, JobState, TurnNews, TurnState};
use hearth_tests::{House, PASSPHRASE, Script, files_below};
use serde_json::json;

#[test]
fn a_locked_vault_answers_nothing_and_a_wrong_passphrase_harms_nothing() -> Result<()> {
    let mut house = House::new(CHILD, &Script::default())?;
    house.text("a.txt", "The gate opens at seven in the morning.")?;
    house.call("LockVault", json!({}))?;
    assert_eq!(house.try_call("ListSpaces", json!({})).err().map(|error| error.code), Some(ErrorCode::Locked));
    let wrong = house.try_call("UnlockVault", json!({ "passphrase": "not these words" })).err();
    assert_eq!(wrong.map(|error| error.code), Some(ErrorCode::WrongPassphrase));
    house.call("UnlockVault", json!({ "passphrase": PASSPHRASE }))?;
    assert_eq!(house.ask("When does the gate open in the morning?")?.state, TurnState::Answered);
    house.call("ChangePassphrase", json!({ "current": PASSPHRASE, "new": "another four words here" }))?;
    house.call("LockVault", json!({}))?;
    assert!(house.try_call("UnlockVault", json!({ "passphrase": PASSPHRASE })).is_err());
    house.call("UnlockVault", json!({ "passphrase": "another four words here" }))?;
    Ok(())
}

#[test]
fn a_second_vault_is_not_made_over_the_first() -> Result<()> {
    let house = House::new(CHILD, &Script::default())?;
    let again = house.try_call("CreateVault", json!({ "passphrase": PASSPHRASE }));
    assert_eq!(again.err().map(|error| error.code), Some(ErrorCode::AlreadyExists));
    let short = house.try_call("ChangePassphrase", json!({ "current": PASSPHRASE, "new": "short" }));
    assert_eq!(short.err().map(|error| error.code), Some(ErrorCode::Invalid));
    Ok(())
}

#[test]
fn imports_go_on_after_a_restart() -> Result<()> {
    let house = House::new(CHILD, &Script::default())?;
    let mut paths = Vec::new();
    for n in 0..30 {
        paths.push(house.file(&format!("{n}.txt"), format!("Shelf {n} holds {} books about bridges.", n * 3))?);
    }
    let ids = house.begin_import(&paths)?;
    let mut house = house.restart()?;
    let jobs = house.wait_for(&ids)?;
    assert!(jobs.iter().all(|job| job.state == JobState::Done), "{jobs:#?}");
    let turn = house.ask("What does shelf 29 hold?")?;
    assert!(turn.quotes.iter().any(|quote| quote.text.contains("87 books")), "{:?}", turn.quotes);
    Ok(())
}

#[test]
fn an_answer_that_was_cut_off_by_a_restart_keeps_its_quotes_and_words() -> Result<()> {
    let long = "The gate opens at seven in the morning. ".repeat(50);
    let mut house =
        House::new(CHILD, &Script { pause_ms: 20, answers: vec![("gate".into(), long)], ..Script::default() })?;
    house.text("a.txt", "The gate opens at seven in the morning.")?;
    let turn = house.begin_ask(None, "When does the gate open?", &[])?;
    house.news(turn, |news| matches!(news, TurnNews::Words { .. }))?;
    let house = house.restart()?;
    let shown = house.call("GetConversation", json!({ "conversation": house.conversation()? }))?;
    assert_eq!(shown["turns"][0]["state"], "stopped");
    assert!(shown["turns"][0]["answer"].as_str().is_some_and(|answer| answer.starts_with("The gate")));
    assert_eq!(shown["turns"][0]["quotes"][0]["text"], "The gate opens at seven in the morning.");
    Ok(())
}

#[test]
fn nothing_that_was_kept_stands_in_the_clear_on_disk() -> Result<()> {
    let mut planted = Vec::new();
    let mut canary = || {
        planted.push(format!("zephyrine-{:04}-quokka", planted.len() * 37 + 11));
        planted.last().cloned().unwrap_or_default()
    };
    let mut house = House::new(CHILD, &Script::default())?;
    let mut documents = Vec::new();
    for _ in 0..12 {
        let (name, words, title) = (canary(), canary(), canary());
        documents.push(
            house.text(&format!("{name}.md"), &format!("# {title}\n\nThe lighthouse keeps {words} in its lamp."))?,
        );
    }
    for _ in 0..3 {
        house.ask(&format!("Where is {} used at the lighthouse?", canary()))?;
    }
    for _ in 0..4 {
        house.call("Remember", json!({ "space": null, "text": format!("Always mention {}.", canary()) }))?;
    }
    for _ in 0..3 {
        house.call("CreateSpace", json!({ "name": canary() }))?;
    }
    let title = canary();
    house.call("RenameConversation", json!({ "conversation": house.conversation()?, "title": title }))?;
    let rule = format!(
        "@name(\"{}\")\n@sentence(\"{}.\")\nforbid (principal, action == Action::\"export\", resource);",
        canary(),
        canary()
    );
    house.call("SetRules", json!({ "text": rule }))?;
    // What was removed and erased leaves nothing behind either.
    house.call("RemoveDocuments", json!({ "documents": documents[..4] }))?;
    let house = house.restart()?;
    house.call("VerifyAudit", json!({}))?;
    let data = house.data();
    let _folder = house.close();
    assert!(planted.len() >= 49, "{} planted", planted.len());
    planted.push(hearth_tests::PASSPHRASE.to_owned());
    let files = files_below(&data);
    assert!(files.iter().any(|path| path.ends_with("hearth.db")), "{files:?}");
    for path in files {
        let bytes = std::fs::read(&path)?;
        for canary in &planted {
            let wide: Vec<u8> = canary.encode_utf16().flat_map(u16::to_le_bytes).collect();
            for form in [canary.as_bytes(), wide.as_slice()] {
                let found = bytes.windows(form.len()).any(|window| window == form);
                assert!(!found, "{} holds {canary}", path.display());
            }
        }
    }
    Ok(())
}

#[test]
fn forgotten_memories_are_out_of_use_at_once() -> Result<()> {
    let house = House::new(CHILD, &Script::default())?;
    let space = house.space()?;
    let kept = house.call("Remember", json!({ "space": space, "text": "The mill belongs to Ada Stern." }))?;
    house.call("Forget", json!({ "memories": [kept["id"]] }))?;
    assert_eq!(house.call("ListMemories", json!({ "space": space }))?.as_array().map(Vec::len), Some(0));
    house.call("RestoreMemories", json!({ "memories": [kept["id"]] }))?;
    assert_eq!(house.call("ListMemories", json!({ "space": space }))?.as_array().map(Vec::len), Some(1));
    house.call("Forget", json!({ "memories": [kept["id"]] }))?;
    let house = house.restart()?;
    assert!(
        house.try_call("RestoreMemories", json!({ "memories": [kept["id"]] })).is_err(),
        "erased at the next start"
    );
    Ok(())
}

#[test]
fn a_second_hearth_in_the_same_folder_is_refused() -> Result<()> {
    let house = House::new(CHILD, &Script::default())?;
    let second = hearth_kernel::Kernel::start(hearth_kernel::Config::new(house.data()));
    assert_eq!(second.err().map(|error| error.code), Some(ErrorCode::InUse));
    Ok(())
}

#[test]
fn a_missing_model_is_named_and_quotes_come_all_the_same() -> Result<()> {
    let mut house = House::new(CHILD, &Script::default())?;
    house.text("a.txt", "The gate opens at seven in the morning.")?;
    let models = house.call("ListModels", json!({}))?;
    let chat = models["installed"]
        .as_array()
        .into_iter()
        .flatten()
        .find(|model| model["roles"][0] == "chat")
        .cloned()
        .unwrap_or_default();
    house.call("RemoveModel", json!({ "model": chat["id"] }))?;
    let turn = house.ask("When does the gate open?")?;
    assert_eq!(turn.state, TurnState::Failed);
    let error = turn.error.unwrap_or_else(|| hearth_api::Error::new(ErrorCode::Internal, ""));
    assert_eq!(error.code, ErrorCode::ModelMissing);
    assert!(error.hint.is_some(), "it says what to do");
    assert!(!turn.quotes.is_empty(), "quotes need no model");
    Ok(())
}

#[test]
fn a_purged_document_is_out_of_old_answers_and_their_traces_too() -> Result<()> {
    let mut house = House::new(CHILD, &Script::default())?;
    let secret = house.text("code.txt", "The vault code of the museum is 4471.")?;
    house.text("gate.txt", "The gate of the museum opens at seven in the morning.")?;
    let told = house.ask("What is the vault code of the museum?")?;
    assert!(told.answer.contains("4471"), "{}", told.answer);
    let conversation = house.conversation()?;
    house.ask_in(Some(conversation), "When does the gate of the museum open?", &[])?;
    house.call("RemoveDocuments", json!({ "documents": [secret] }))?;
    let house = house.restart()?;
    house.until("the document is erased", |house| {
        house.try_call("GetDocument", json!({ "document": secret })).is_err()
    })?;
    let shown = house.call("GetConversation", json!({ "conversation": conversation }))?;
    let trace = house.call("GetTrace", json!({ "turn": told.id }))?;
    for kept in [&shown, &trace] {
        assert!(!kept.to_string().contains("4471"), "{kept:#}");
    }
    assert_eq!(
        shown["turns"][0]["question"], "What is the vault code of the museum?",
        "the question is the person's own"
    );
    let check = house.call("VerifyAudit", json!({}))?;
    assert!(check["broken"].is_null(), "tombstones verify: {check:#}");
    Ok(())
}

/// A conversation goes on after a restart from what the model had read; nobody else can read that, and it is gone with
/// the document.
#[test]
fn what_a_model_had_read_outlives_it_but_not_the_document() -> Result<()> {
    let cached = |turn: &hearth_api::Turn| turn.how.as_ref().map(|how| how.cached_tokens);
    let mut house = House::new(CHILD, &Script::default())?;
    let secret = house.text("code.txt", "The vault code of the museum is 4471.")?;
    let told = house.ask("What is the vault code of the museum?")?;
    assert_eq!(cached(&told), Some(0));
    let conversation = house.conversation()?;
    let mut house = house.restart()?;
    let pages = house.data().join("kv");
    assert_eq!(hearth_tests::files_below(&pages).len(), 1);
    let again = house.ask_in(Some(conversation), "What is the vault code of the museum?", &[])?;
    assert!(cached(&again).is_some_and(|tokens| tokens > 100), "{:?}", again.how);
    house.call("RemoveDocuments", json!({ "documents": [secret] }))?;
    let mut house = house.restart()?;
    house.until("the document is erased", |house| {
        house.try_call("GetDocument", json!({ "document": secret })).is_err()
    })?;
    house.until("what was read is erased", |_| !pages.exists())?;
    house.text("gate.txt", "The gate of the museum opens at seven in the morning.")?;
    let later = house.ask_in(Some(conversation), "When does the gate of the museum open?", &[])?;
    assert_eq!(cached(&later), Some(0));
    Ok(())
}

#[test]
fn a_damaged_vault_is_found_repaired_and_searched_again() -> Result<()> {
    let house = House::new(CHILD, &Script::default())?;
    for n in 0..40 {
        house.text(
            &format!("{n}.txt"),
            &format!("Shelf {n} holds {} books about bridges. {}", n * 3, "More words follow. ".repeat(60)),
        )?;
    }
    house.kernel.stop();
    let path = house.data().join("hearth.db");
    let mut bytes = std::fs::read(&path)?;
    // A page behind the tables' descriptions is overwritten, as a failing disk does.
    let page = 4096;
    let behind = bytes.len() / page * 7 / 8 * page;
    for byte in bytes.get_mut(behind..behind + page).into_iter().flatten() {
        *byte ^= 0x5a;
    }
    std::fs::write(&path, bytes)?;
    let mut house = house.restart()?;
    let found = house.call("GetDoctor", json!({}))?;
    let vault = found.as_array().into_iter().flatten().find(|finding| finding["name"] == "vault").cloned();
    assert_eq!(vault.map(|finding| finding["works"].clone()), Some(json!(false)), "{found:#}");
    let repaired = house.call("RepairVault", json!({}))?;
    assert_eq!(repaired[0]["works"], true, "{repaired:#}");
    let again = house.call("RepairVault", json!({}))?;
    assert!(again[0]["detail"].as_str().is_some_and(|detail| detail.starts_with("Whole")), "{again:#}");
    let found: usize = (0..40)
        .filter(|n| {
            let hits = house.call(
                "Search",
                json!({ "space": house.space().unwrap_or(0), "text": format!("Shelf {n} holds"), "limit": 3 }),
            );
            hits.is_ok_and(|hits| hits["passages"].to_string().contains(&format!("Shelf {n} holds")))
        })
        .count();
    assert!(found >= 35, "one damaged page costs at most a few of 40 documents: {found} found");
    assert!(house.ask("What does shelf 39 hold?").is_ok());
    Ok(())
}

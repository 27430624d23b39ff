//! Files into the library: what is read, what needs a person, what is never lost or served stale.

use crate::CHILD;
use anyhow::{Context, Result};
use hearth_api::{JobState, Library, TurnState};
use hearth_tests::{House, Script};
use serde_json::json;

fn library(house: &House) -> Result<Library> {
    let space = house.space()?;
    let args = json!({ "space": space, "text": null, "labels": [], "kinds": [], "limit": 10_000 });
    Ok(serde_json::from_value(house.call("ListDocuments", args)?)?)
}

#[test]
fn one_bad_file_never_costs_the_batch() -> Result<()> {
    let house = House::new(CHILD, &Script::default())?;
    let paths = [
        house.file("good.txt", "The gate opens at seven.")?,
        house.file("empty.txt", "")?,
        house.file("cut.pdf", "%PDF-1.7\n1 0 obj\n<< /Type /Cat")?,
        house.file("picture named so.pdf", [0x89, b'P', b'N', b'G', 13, 10, 26, 10, 0, 0, 0, 13])?,
        house.file("na me's “ünïcode” 名.md", "# Hours\n\nThe shop opens at nine.")?,
    ];
    let jobs = house.import(&paths)?;
    let states: Vec<_> = jobs.iter().map(|job| job.state).collect();
    assert_eq!(
        states,
        [JobState::Done, JobState::Failed, JobState::Failed, JobState::Failed, JobState::Done],
        "{jobs:#?}"
    );
    for job in jobs.iter().filter(|job| job.state == JobState::Failed) {
        let failure = job.failure.as_ref().context("a failure says why")?;
        assert!(!failure.message.is_empty() && !failure.actions.is_empty(), "{failure:?}");
    }
    assert_eq!(library(&house)?.rows.len(), 5, "files that need a person are on the list");
    Ok(())
}

#[test]
fn without_an_embedder_words_are_found_and_vectors_follow_once_there_is_one() -> Result<()> {
    let house = House::new(CHILD, &Script::default())?;
    house.call("RemoveModel", json!({ "model": "scripted-embedder" }))?;
    let jobs = house.import(&[house.file("rules.txt", "The pump runs at 40 bar in winter.")?])?;
    assert_eq!(jobs[0].state, JobState::Done, "{jobs:?}");
    assert!(jobs[0].remark.as_deref().is_some_and(|remark| remark.contains("by its words alone")), "{jobs:?}");
    let found = house.call("Search", json!({ "space": house.space()?, "text": "pump winter", "limit": 5 }))?;
    assert!(found.to_string().contains("40 bar"), "{found}");
    let vault = |house: &House| -> Result<String> {
        let found: Vec<hearth_api::Finding> = serde_json::from_value(house.call("GetDoctor", json!({}))?)?;
        let vault = found.into_iter().find(|finding| finding.name == "vault").context("the vault")?;
        assert!(vault.works, "{vault:?}");
        Ok(vault.detail)
    };
    assert!(vault(&house)?.contains("1 passage found by words alone"), "{}", vault(&house)?);
    house.install(&Script::default())?;
    let until = std::time::Instant::now() + std::time::Duration::from_secs(20);
    while vault(&house)?.contains("by words alone") {
        assert!(std::time::Instant::now() < until, "it was not embedded");
        std::thread::sleep(std::time::Duration::from_millis(100));
    }
    Ok(())
}

#[test]
fn a_file_that_changed_at_its_place_is_a_new_version_and_the_old_one_is_never_served() -> Result<()> {
    let mut house = House::new(CHILD, &Script::default())?;
    let first = house.text("rules.txt", "The pump runs at 40 bar in winter.")?;
    let before = house.ask("At what pressure does the pump run in winter?")?;
    let second = house.text("rules.txt", "The pump runs at 55 bar in winter.")?;
    assert_eq!(first, second, "the same place is the same document");
    let after = house.ask("At what pressure does the pump run in winter?")?;
    assert!(
        after.quotes.iter().all(|quote| quote.text.contains("55 bar")) && !after.quotes.is_empty(),
        "{:?}",
        after.quotes
    );
    let shown = house.call("GetConversation", json!({ "conversation": house.conversation()? }))?;
    assert!(shown["turns"].is_array());
    let old_source = &before.sources[0];
    let kept =
        house.call("GetPage", json!({ "version": old_source.version, "page": 0, "width_px": 0, "spans": [] }))?;
    assert!(kept["text"].as_str().is_some_and(|text| text.contains("40 bar")), "the cited version can still be opened");
    let opened = house.call("OpenVersion", json!({ "document": first, "version": old_source.version }))?;
    assert_eq!(opened["newer"].as_i64(), Some(after.sources[0].version));
    Ok(())
}

#[test]
fn known_bytes_are_not_read_again() -> Result<()> {
    let house = House::new(CHILD, &Script::default())?;
    house.text("a.txt", "The boiler is serviced in May.")?;
    let copy = house.file("copy of a.txt", "The boiler is serviced in May.")?;
    let jobs = house.import(&[copy])?;
    assert_eq!(jobs[0].state, JobState::Done);
    assert!(jobs[0].remark.as_deref().is_some_and(|remark| remark.contains("not read again")), "{:?}", jobs[0].remark);
    assert_eq!(library(&house)?.rows.len(), 1);
    Ok(())
}

#[test]
fn what_is_removed_is_out_of_every_answer_at_once_and_can_be_put_back() -> Result<()> {
    let mut house = House::new(CHILD, &Script { forbid_requests: false, ..Script::default() })?;
    let id = house.text("secret.txt", "The vault code of the museum is kept by Mr Aldous Finch.")?;
    house.call("RemoveDocuments", json!({ "documents": [id] }))?;
    assert_eq!(house.ask("Who keeps the vault code of the museum?")?.state, TurnState::Abstained);
    house.call("RestoreDocuments", json!({ "documents": [id] }))?;
    assert_eq!(house.ask("Who keeps the vault code of the museum?")?.state, TurnState::Answered);
    house.call("RemoveDocuments", json!({ "documents": [id] }))?;
    let mut house = house.restart()?;
    house.until("removed documents are erased after the next start", |house| {
        house.try_call("GetDocument", json!({ "document": id })).is_err()
    })?;
    assert_eq!(house.ask("Who keeps the vault code of the museum?")?.state, TurnState::Abstained);
    Ok(())
}

#[test]
fn a_document_for_one_question_is_found_by_that_question_alone() -> Result<()> {
    let mut house = House::new(CHILD, &Script::default())?;
    let path = house.file("brief.txt", "The atrium needs eleven lime trees.")?;
    let offer = house.kernel.offer_paths(vec![path]).map_err(anyhow::Error::from)?;
    let destination = json!({ "kind": "question", "conversation": null });
    let jobs = house.call(
        "ImportOffer",
        json!({ "offer": offer.id, "space": house.space()?, "destination": destination, "label": null }),
    )?;
    let jobs = house.wait_for(&[jobs[0]["id"].as_i64().context("a job")?])?;
    let document = jobs[0].document.context("a document")?;
    assert_eq!(
        house.ask_in(None, "How many lime trees does the atrium need?", &[document])?.state,
        TurnState::Answered
    );
    assert_eq!(house.ask("How many lime trees does the atrium need?")?.state, TurnState::Abstained);
    Ok(())
}

#[test]
fn one_relevant_file_among_many_is_found_in_its_own_space() -> Result<()> {
    let mut house = House::new(CHILD, &Script::default())?;
    let mut paths = Vec::new();
    for n in 0..60 {
        paths.push(house.file(
            &format!("many/note {n}.txt"),
            format!("Note {n} is about parcel {n} and its fence of {n} boards."),
        )?);
    }
    paths.push(house.file("many/part.txt", "Part QX-7731-B is the spare seal of the pump.")?);
    let jobs = house.import(&[house.folder.path().join("files/many")])?;
    assert_eq!(jobs.iter().filter(|job| job.state == JobState::Done).count(), paths.len());
    let turn = house.ask("What is QX-7731-B?")?;
    assert!(turn.quotes.first().is_some_and(|quote| quote.text.contains("spare seal")), "{:?}", turn.quotes);
    let other = house.call("CreateSpace", json!({ "name": "Elsewhere" }))?;
    let hits = house.call("Search", json!({ "space": other["id"], "text": "QX-7731-B", "limit": 5 }))?;
    assert_eq!(hits["passages"].as_array().map(Vec::len), Some(0), "another space does not see it");
    Ok(())
}

#[test]
fn cancelled_and_dismissed_files_are_off_the_list_and_retried_ones_come_back() -> Result<()> {
    let house = House::new(CHILD, &Script::default())?;
    let path = house.file("late.txt", "")?;
    let job = house.import(std::slice::from_ref(&path))?.remove(0);
    assert_eq!(job.state, JobState::Failed);
    std::fs::write(&path, "Now there is something in it.")?;
    house.call("RetryJob", json!({ "job": job.id, "password": null }))?;
    assert_eq!(house.wait_for(&[job.id])?[0].state, JobState::Done);
    house.call("DismissJobs", json!({ "jobs": [job.id] }))?;
    let listed = house.call("ListJobs", json!({ "space": house.space()? }))?;
    assert_eq!(listed.as_array().map(Vec::len), Some(0));
    Ok(())
}

#[test]
fn lowering_a_label_must_be_confirmed() -> Result<()> {
    let house = House::new(CHILD, &Script::default())?;
    let id = house.text("a.txt", "Something to label.")?;
    house.call("SetLabel", json!({ "document": id, "label": "restricted", "confirmed": false }))?;
    let refused = house.try_call("SetLabel", json!({ "document": id, "label": "public", "confirmed": false }));
    assert_eq!(refused.err().map(|error| error.code), Some(hearth_api::ErrorCode::Denied));
    house.call("SetLabel", json!({ "document": id, "label": "public", "confirmed": true }))?;
    Ok(())
}

#[test]
fn small_files_do_not_wait_behind_large_ones() -> Result<()> {
    let house = House::new(CHILD, &Script::default())?;
    let large: String = (0..9_000).map(|n| format!("Parcel {n} of the north has a fence of {n} boards.\n\n")).collect();
    let mut files = Vec::new();
    for n in 0..4 {
        files.push(house.file(&format!("large {n}.txt"), format!("Report {n}\n\n{large}"))?);
    }
    files.push(house.file("letter.txt", "The keys of the mill are with the miller.")?);
    let ids = house.begin_import(&files)?;
    house.wait_for(&ids[4..])?;
    let jobs = house.call("ListJobs", json!({ "space": house.space()? }))?;
    let done = jobs.as_array().into_iter().flatten().filter(|job| job["state"] == "done").count();
    assert_eq!(done, 1, "the letter is the first that was read: {jobs:#}");
    house.call("CancelJobs", json!({ "jobs": ids[..4] }))?;
    house.wait_for(&ids)?;
    Ok(())
}

#[test]
fn a_folder_of_5000_files_is_taken_up_at_once_and_can_be_let_go() -> Result<()> {
    let mut house = House::new(CHILD, &Script::default())?;
    for n in 0..5_000 {
        house.file(&format!("crowd/{:02}/note {n}.txt", n % 50), format!("Parcel {n} has a fence of {n} boards."))?;
    }
    let ids = house.begin_import(&[house.folder.path().join("files/crowd")])?;
    assert_eq!(ids.len(), 5_000);
    let first = house.wait_for(&ids[..20])?;
    assert!(first.iter().all(|job| job.state == JobState::Done), "{first:#?}");
    house.call("CancelJobs", json!({ "jobs": ids[20..] }))?;
    let ended = house.wait_for(&ids)?;
    let odd = ended.iter().find(|job| !matches!(job.state, JobState::Done | JobState::Cancelled));
    assert!(odd.is_none(), "{odd:#?}");
    let done = ended.iter().filter(|job| job.state == JobState::Done).count();
    assert_eq!(library(&house)?.rows.len(), done, "what was let go leaves nothing behind");
    assert!(done < 5_000, "letting go takes effect before the end");
    let boards = first[7].name.trim_start_matches("note ").trim_end_matches(".txt").to_owned();
    let turn = house.ask(&format!("How many boards has the fence of parcel {boards}?"))?;
    assert!(turn.quotes.iter().any(|quote| quote.text.contains(&format!("Parcel {boards} "))), "{:?}", turn.quotes);
    Ok(())
}

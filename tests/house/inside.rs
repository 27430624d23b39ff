//! Files inside files: each a document of its own that says what it came in and follows it.

use crate::CHILD;
use anyhow::{Context, Result};
use hearth_api::{DocumentDetail, DocumentRow, JobState, Library, Turn, TurnState};
use hearth_tests::{House, Script};
use serde_json::json;

fn rows(house: &House) -> Result<Vec<DocumentRow>> {
    let args = json!({ "space": house.space()?, "text": null, "labels": [], "kinds": [], "limit": 10_000 });
    let library: Library = serde_json::from_value(house.call("ListDocuments", args)?)?;
    Ok(library.rows)
}

fn names(house: &House) -> Result<Vec<String>> {
    let mut names: Vec<String> = rows(house)?.into_iter().map(|row| row.name).collect();
    names.sort();
    Ok(names)
}

fn id(house: &House, name: &str) -> Result<i64> {
    rows(house)?.into_iter().find(|row| row.name == name).and_then(|row| row.id).context("a document of this name")
}

fn detail(house: &House, id: i64) -> Result<DocumentDetail> {
    Ok(serde_json::from_value(house.call("GetDocument", json!({ "document": id }))?)?)
}

fn letter(attached: &str) -> String {
    format!(
        "From: ann@example.org\r\nSubject: The plan\r\nMIME-Version: 1.0\r\nContent-Type: multipart/mixed; boundary=b\r\n\r\n\
         --b\r\nContent-Type: text/plain\r\n\r\nPlease read what is attached.\r\n\
         --b\r\nContent-Disposition: attachment; filename=bolts.txt\r\n\r\n{attached}\r\n\
         --b\r\nContent-Disposition: attachment; filename=setup.exe\r\nContent-Transfer-Encoding: base64\r\n\r\n\
         f0VMRgIBAQAAAAAAAAAAAAMAPgABAAAA\r\n--b--\r\n"
    )
}

fn tar(members: &[(&str, &[u8])]) -> Vec<u8> {
    let mut out = Vec::new();
    for (name, body) in members {
        let mut head = vec![0u8; 512];
        head[..name.len()].copy_from_slice(name.as_bytes());
        head[124..135].copy_from_slice(format!("{:011o}", body.len()).as_bytes());
        head[148..156].fill(b' ');
        head[156] = b'0';
        let sum: u32 = head.iter().map(|byte| u32::from(*byte)).sum();
        head[148..155].copy_from_slice(format!("{sum:06o}\0").as_bytes());
        out.extend(head);
        out.extend(*body);
        out.resize(out.len().div_ceil(512) * 512, 0);
    }
    out.resize(out.len() + 1024, 0);
    out
}

const QUESTION: &str = "How many brass bolts does the north pump need?";
const FACT: &str = "The north pump needs eleven brass bolts.";

#[test]
fn what_is_attached_is_a_document_that_follows_its_letter() -> Result<()> {
    let mut house = House::new(CHILD, &Script::default())?;
    let jobs = house.import(&[house.file("plan.eml", letter(FACT))?])?;
    assert!(jobs.len() == 2 && jobs.iter().all(|job| job.state == JobState::Done), "{jobs:#?}");
    assert_eq!(names(&house)?, ["bolts.txt", "plan.eml"]);
    let (outer, inner) = (id(&house, "plan.eml")?, id(&house, "bolts.txt")?);
    let shown = detail(&house, inner)?;
    assert_eq!(shown.origin.as_deref(), Some("attached to plan.eml"));
    assert_eq!(shown.holders.iter().map(|holder| holder.document).collect::<Vec<_>>(), [outer]);
    let shown = detail(&house, outer)?;
    assert_eq!(shown.holds.iter().map(|held| held.document).collect::<Vec<_>>(), [inner]);
    assert!(shown.warnings.iter().any(|warning| warning.contains("setup.exe")), "{:?}", shown.warnings);
    assert_eq!(house.ask(QUESTION)?.state, TurnState::Answered);

    house.call("SetLabel", json!({ "document": outer, "label": "confidential", "confirmed": true }))?;
    assert!(rows(&house)?.iter().all(|row| row.label == hearth_api::Label::Confidential));
    house.call("RemoveDocuments", json!({ "documents": [outer] }))?;
    assert!(names(&house)?.is_empty(), "what is attached goes with its letter");
    assert_eq!(house.ask(QUESTION)?.state, TurnState::Abstained);
    house.call("RestoreDocuments", json!({ "documents": [outer] }))?;
    assert_eq!(names(&house)?, ["bolts.txt", "plan.eml"]);
    assert_eq!(house.ask(QUESTION)?.state, TurnState::Answered);
    Ok(())
}

#[test]
fn what_a_person_brought_in_alone_stays_without_the_letter() -> Result<()> {
    let house = House::new(CHILD, &Script::default())?;
    house.text("own.txt", FACT)?;
    house.import(&[house.file("plan.eml", letter(FACT))?])?;
    let outer = id(&house, "plan.eml")?;
    assert_eq!(detail(&house, outer)?.holds.len(), 1, "the letter names what is attached to it");
    house.call("RemoveDocuments", json!({ "documents": [outer] }))?;
    assert_eq!(names(&house)?, ["own.txt"]);
    // The other way round: two letters hold it, then a person brings it in.
    let house = House::new(CHILD, &Script::default())?;
    house.import(&[house.file("one.eml", letter(FACT))?])?;
    house.import(&[house.file("two.eml", letter(FACT).replace("Please", "Do"))?])?;
    house.call("RemoveDocuments", json!({ "documents": [id(&house, "one.eml")?] }))?;
    assert_eq!(names(&house)?, ["bolts.txt", "two.eml"], "the other letter still holds it");
    house.text("own.txt", FACT)?;
    house.call("RemoveDocuments", json!({ "documents": [id(&house, "two.eml")?] }))?;
    assert_eq!(names(&house)?, ["bolts.txt"]);
    Ok(())
}

#[test]
fn a_list_of_files_answers_for_their_names_only() -> Result<()> {
    let mut house = House::new(CHILD, &Script::default())?;
    let packed = tar(&[("north-pump-bolts.txt", FACT.as_bytes()), ("brass/setup.exe", b"\x7fELF\0\0\0\0")]);
    house.import(&[house.file("pumps.tar", packed)?])?;
    let listed = |turn: &Turn| turn.sources.iter().filter(|source| source.title == "pumps.tar").count();
    let turn = house.ask(QUESTION)?;
    assert!(turn.state == TurnState::Answered && listed(&turn) == 0, "{:#?}", turn.sources);
    assert_eq!(listed(&house.ask("Is setup.exe in there?")?), 1);
    assert_eq!(listed(&house.ask("What is in pumps.tar?")?), 1);
    Ok(())
}

#[test]
fn a_later_version_of_an_archive_changes_what_it_held() -> Result<()> {
    let mut house = House::new(CHILD, &Script::default())?;
    let first = tar(&[("a/bolts.txt", FACT.as_bytes()), ("a/gate.txt", b"The south gate is painted red.")]);
    house.import(&[house.file("yard.tar", first)?])?;
    assert_eq!(names(&house)?, ["bolts.txt", "gate.txt", "yard.tar"]);
    let inner = id(&house, "bolts.txt")?;
    assert_eq!(detail(&house, inner)?.origin.as_deref(), Some("a/bolts.txt in yard.tar"));
    let second = tar(&[
        ("a/bolts.txt", b"The north pump needs forty brass bolts."),
        ("b/key.txt", b"The key is under the mat."),
    ]);
    house.import(&[house.file("yard.tar", second)?])?;
    assert_eq!(names(&house)?, ["bolts.txt", "key.txt", "yard.tar"]);
    assert_eq!(detail(&house, inner)?.versions.len(), 2);
    let turn = house.ask(QUESTION)?;
    assert!(
        turn.quotes.iter().all(|quote| !quote.text.contains("eleven")) && !turn.quotes.is_empty(),
        "{:?}",
        turn.quotes
    );
    Ok(())
}

#[test]
fn files_within_files_are_read_three_deep() -> Result<()> {
    let house = House::new(CHILD, &Script::default())?;
    let mut bytes = FACT.as_bytes().to_vec();
    for (n, ending) in [(5, "txt"), (4, "tar"), (3, "tar"), (2, "tar"), (1, "tar")] {
        bytes = tar(&[(&format!("level{n}.{ending}"), &bytes)]);
    }
    house.import(&[house.file("level0.tar", bytes)?])?;
    assert_eq!(names(&house)?, ["level0.tar", "level1.tar", "level2.tar", "level3.tar"]);
    let deepest = detail(&house, id(&house, "level3.tar")?)?;
    assert!(deepest.warnings.iter().any(|warning| warning.contains("3 deep")), "{:?}", deepest.warnings);
    Ok(())
}

#[test]
fn what_is_inside_a_file_for_one_question_is_read_for_it() -> Result<()> {
    let mut house = House::new(CHILD, &Script::default())?;
    let path = house.file("yard.tar", tar(&[("bolts.txt", FACT.as_bytes())]))?;
    let offer = house.kernel.offer_paths(vec![path]).map_err(anyhow::Error::from)?;
    let destination = json!({ "kind": "question", "conversation": null });
    let jobs = house.call(
        "ImportOffer",
        json!({ "offer": offer.id, "space": house.space()?, "destination": destination, "label": null }),
    )?;
    let jobs = house.wait_for(&[jobs[0]["id"].as_i64().context("a job")?])?;
    let document = jobs[0].document.context("a document")?;
    assert_eq!(house.ask_in(None, QUESTION, &[document])?.state, TurnState::Answered);
    assert_eq!(house.ask(QUESTION)?.state, TurnState::Abstained);
    Ok(())
}

//! Scans and pictures: read by the system's `tesseract`, cited in their picture, and named with what to do where nothing
//! reads them. A test that needs `tesseract` fails where it is not installed, and says so.

use crate::CHILD;
use anyhow::{Context, Result, ensure};
use hearth_api::{Job, JobState, PageView};
use hearth_tests::scan::{Sheet, Shown, pdf, sheet};
use hearth_tests::{House, Script};
use serde_json::{Value, json};

const PUMP: [&str; 3] = [
    "The pump house stands at the north gate.",
    "It is inspected every fourth Tuesday by the water board.",
    "The key hangs in the office of the mill.",
];
const ORCHARD: [&str; 2] = ["The orchard has forty apple trees.", "They were planted in the year 1987."];

fn house() -> Result<House> {
    let house = House::new(CHILD, &Script::default())?;
    let findings = house.call("GetDoctor", json!({}))?;
    let found = findings.as_array().and_then(|all| all.iter().find(|one| one["name"] == "text recognition"));
    let detail = found.and_then(|one| one["detail"].as_str()).context("the doctor says whether text is recognized")?;
    ensure!(detail.contains("eng"), "this test needs tesseract with English (apt install tesseract-ocr): {detail}");
    Ok(house)
}

fn only(jobs: Vec<Job>) -> Result<Job> {
    jobs.into_iter().next().context("a job")
}

fn page(house: &House, job: &Job, index: u32, words: &str) -> Result<PageView> {
    let version = house.call("OpenVersion", json!({ "document": job.document, "version": null }))?["version"].clone();
    let args = |spans: Value| json!({ "version": version, "page": index, "width_px": 600, "spans": spans });
    let page: PageView = serde_json::from_value(house.call("GetPage", args(json!([])))?)?;
    let Some(start) = page.text.find(words).filter(|_| !words.is_empty()) else { return Ok(page) };
    let span = json!({ "version": version, "page": index, "start": start, "end": start + words.len() });
    Ok(serde_json::from_value(house.call("GetPage", args(json!([span])))?)?)
}

#[test]
fn a_picture_is_read_and_its_words_are_lit_where_they_stand() -> Result<()> {
    let mut house = house()?;
    let job = only(house.import(&[house.file("pump.bmp", sheet(&PUMP)?.bitmap())?])?)?;
    ensure!(job.state == JobState::Done, "{:?}", job.failure);
    let turn = house.ask("Where does the pump house stand?")?;
    let quote = turn.quotes.first().context("a quote")?;
    assert!(quote.text.contains("at the north gate"), "{quote:?}");
    let page = page(&house, &job, 0, "fourth Tuesday")?;
    assert!(page.recognized.is_some_and(|sure| sure >= 80), "{:?}", page.recognized);
    assert!(page.picture.as_ref().is_some_and(|picture| picture.width_px == 800 && picture.height_px > 900));
    let [lit] = page.highlights.first().context("the span")?.as_slice() else {
        anyhow::bail!("one stretch of one line is lit: {:?}", page.highlights)
    };
    // Set at 72 points from the left in 14 points, on the second line, 96 points from the top.
    assert!((0.25..0.45).contains(&lit.x) && (0.10..0.18).contains(&lit.width), "{lit:?}");
    assert!(lit.y * 792.0 > 80.0 && (lit.y + lit.height) * 792.0 < 102.0, "{lit:?}");
    Ok(())
}

#[test]
fn pages_of_a_file_that_have_no_text_are_read_beside_those_that_have() -> Result<()> {
    let house = house()?;
    let pages = [
        Shown::Lines(PUMP.map(str::to_owned).to_vec()),
        Shown::Scan(sheet(&ORCHARD)?),
        Shown::Scan(sheet(&PUMP)?.upside_down()),
        Shown::Scan(sheet(&["", "", ""])?),
    ];
    let job = only(house.import(&[house.file("both.pdf", pdf(&pages))?])?)?;
    ensure!(job.state == JobState::Done, "{:?}", job.failure);
    assert_eq!(job.remark, None);
    let written = page(&house, &job, 0, "north gate")?;
    assert_eq!((written.recognized, written.highlights.len()), (None, 1));
    let scanned = page(&house, &job, 1, "forty apple trees")?;
    assert!(
        scanned.recognized.is_some() && scanned.highlights.first().is_some_and(|lit| lit.len() == 1),
        "{scanned:?}"
    );
    let turned = page(&house, &job, 2, "north gate")?;
    let lit = turned.highlights.first().and_then(|lit| lit.first()).context("read although it lies on its head")?;
    assert!(lit.y > 0.85, "its first line is at the foot: {lit:?}");
    assert_eq!(page(&house, &job, 3, "")?.text, "");
    Ok(())
}

#[test]
fn a_page_that_lies_on_its_side_is_read() -> Result<()> {
    let house = house()?;
    let lines: Vec<&str> = PUMP.iter().chain(&ORCHARD).copied().collect();
    let job = only(house.import(&[house.file("side.bmp", sheet(&lines)?.on_its_side().bitmap())?])?)?;
    ensure!(job.state == JobState::Done, "{:?}", job.failure);
    let text = page(&house, &job, 0, "")?.text;
    assert!(text.contains("pump house stands") && text.contains("forty apple trees"), "{text}");
    Ok(())
}

#[test]
fn where_nothing_reads_pictures_the_rest_comes_in_and_what_to_do_is_said() -> Result<()> {
    let house = House::without_recognition(CHILD, &Script::default())?;
    let mixed = pdf(&[Shown::Lines(PUMP.map(str::to_owned).to_vec()), Shown::Scan(sheet(&ORCHARD)?)]);
    let scanned = pdf(&[Shown::Scan(sheet(&ORCHARD)?)]);
    let paths = [
        house.file("mixed.pdf", mixed)?,
        house.file("scan.pdf", scanned)?,
        house.file("picture.bmp", sheet(&ORCHARD)?.bitmap())?,
    ];
    let jobs = house.import(&paths)?;
    let states: Vec<_> = jobs.iter().map(|job| job.state).collect();
    assert_eq!(states, [JobState::Done, JobState::Failed, JobState::Failed]);
    let remark = jobs[0].remark.as_deref().context("the job says what was not read")?;
    assert!(
        remark.starts_with("Page 2 is a scan; its text cannot be read because")
            && remark.contains("Install tesseract-ocr ("),
        "{remark}"
    );
    let shown = house.call("GetDocument", json!({ "document": jobs[0].document }))?;
    assert_eq!(shown["warnings"], json!([remark]));
    for (job, begins) in jobs[1..].iter().zip(["This page is a scan;", "This file is a picture;"]) {
        let failure = job.failure.as_ref().context("a reason")?;
        assert_eq!(failure.code, "no_text");
        assert!(
            failure.message.starts_with(begins) && failure.message.contains("Install tesseract-ocr ("),
            "{failure:?}"
        );
        assert!(failure.actions.contains(&hearth_api::JobAction::Retry));
    }
    let findings = house.call("GetDoctor", json!({}))?;
    assert!(findings.to_string().contains("scans and pictures are not read"), "{findings}");
    Ok(())
}

#[test]
fn a_picture_without_words_says_so() -> Result<()> {
    let house = house()?;
    let blank = Sheet { width: 400, height: 300, grey: vec![230; 400 * 300] };
    let job = only(house.import(&[house.file("sky.bmp", blank.bitmap())?])?)?;
    let failure = job.failure.context("a reason")?;
    assert_eq!(
        (failure.code.as_str(), failure.message.contains("No words were found")),
        ("no_text", true),
        "{failure:?}"
    );
    Ok(())
}

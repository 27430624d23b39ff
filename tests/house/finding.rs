//! What a question finds through the whole house: words that are misspelled, and cells of tables and sheets.

use crate::CHILD;
use anyhow::{Context, Result, anyhow};
use hearth_api::{Quote, Turn, TurnState};
use hearth_tests::{House, Script, cited};
use serde_json::json;

const PUMP: &str = "Pump room\n\nThe compressor is set to 450 kPa and stands behind the second door.\n\n\
    The filter of the pump is changed every spring.\n";
const ORCHARD: &str = "Orchard\n\nApples are picked by hand and stored in the cool barn until March.\n";

fn retrieve(house: &House, turn: &Turn) -> Result<String> {
    let station = house.station(turn.id, "Retrieve")?;
    Ok(serde_json::to_string(&station)?)
}

#[test]
fn a_misspelled_word_is_read_as_the_nearest_that_stands_somewhere() -> Result<()> {
    let mut house = House::new(CHILD, &Script::default())?;
    house.text("pump.txt", PUMP)?;
    house.text("orchard.txt", ORCHARD)?;
    let turn = house.ask("Where does the compresor stand?")?;
    assert!(turn.quotes.iter().any(|quote| quote.text.contains("behind the second door")), "{:?}", turn.quotes);
    let why = retrieve(&house, &turn)?;
    assert!(why.contains("“compresor” read as compressor"), "{why}");
    assert!(why.contains("“compresor” stands nowhere here and was read as “compressor”"), "{why}");
    assert_eq!(turn.question, "Where does the compresor stand?", "what was asked stays as it was asked");
    Ok(())
}

#[test]
fn a_word_that_stands_somewhere_is_read_as_it_is_and_an_unlike_one_as_nothing() -> Result<()> {
    let mut house = House::new(CHILD, &Script::default())?;
    house.text("pump.txt", PUMP)?;
    let turn = house.ask("Where does the compressor stand?")?;
    assert!(!retrieve(&house, &turn)?.contains("read as"), "nothing was misspelled");
    let turn = house.ask("Which submarine cables connect Lisbon with Casablanca?")?;
    assert_eq!(turn.state, TurnState::Abstained);
    assert!(!retrieve(&house, &turn)?.contains("read as"));
    Ok(())
}

#[test]
fn words_are_not_read_as_words_of_another_space() -> Result<()> {
    let mut house = House::new(CHILD, &Script::default())?;
    house.text("orchard.txt", ORCHARD)?;
    let other = house.call("CreateSpace", json!({ "name": "Elsewhere" }))?;
    let offer = house.kernel.offer_paths(vec![house.file("pump.txt", PUMP)?]).map_err(|error| anyhow!("{error}"))?;
    let keep = json!({ "kind": "keep" });
    let args = json!({ "offer": offer.id, "space": other["id"], "destination": keep, "label": null });
    let jobs = house.call("ImportOffer", args)?;
    let ids: Vec<i64> = jobs.as_array().into_iter().flatten().filter_map(|job| job["id"].as_i64()).collect();
    assert_eq!(house.wait_for(&ids)?.len(), 1);
    let turn = house.ask("Where does the compresor stand?")?;
    assert!(!retrieve(&house, &turn)?.contains("read as"));
    Ok(())
}

/// The first quote that has a cell; row and cell are checked to stand word for word where they say.
fn cell(house: &House, turn: &Turn) -> Result<(Quote, String, String)> {
    let quote = turn.quotes.iter().find(|quote| quote.cell.is_some()).with_context(|| format!("{:?}", turn.quotes))?;
    let cell = quote.cell.clone().context("a cell")?;
    assert_eq!(cited(house, quote.at)?, quote.text);
    assert_eq!(cited(house, cell.at)?, cell.text);
    assert!(cell.at.start >= quote.at.start && cell.at.end <= quote.at.end);
    Ok((quote.clone(), cell.head, cell.text))
}

#[test]
fn a_question_about_a_figure_quotes_the_cell_of_a_list() -> Result<()> {
    let mut rows = String::from("Vessel,Length (m),Crew,Built\n");
    for n in 0..60 {
        rows.push_str(&format!("Barge {n},{}.5,{},19{:02}\n", 20 + n, 3 + n % 4, 20 + n));
    }
    rows.push_str("Ferry Solveig,48.2,12,1987\n");
    let mut house = House::new(CHILD, &Script::default())?;
    let path = house.file("vessels.csv", rows)?;
    house.import(&[path])?;
    let turn = house.ask("What is the length of the ferry Solveig?")?;
    let (quote, head, text) = cell(&house, &turn)?;
    assert_eq!((head.as_str(), text.as_str()), ("Length (m)", "48.2"), "{quote:?}");
    assert_eq!(quote.text, "Ferry Solveig\t48.2\t12\t1987");
    let turn = house.ask("How many crew has the ferry Solveig?")?;
    assert_eq!(cell(&house, &turn)?.2, "12");
    Ok(())
}

#[test]
fn a_question_about_a_figure_quotes_the_cell_of_a_sheet() -> Result<()> {
    let sheet = sheet(&[
        &["", "2021", "2022", "2023"],
        &["Rent", "12000", "12600", "13100"],
        &["Heating", "2100", "", "3350"],
        &["Insurance", "940", "955", "980"],
    ]);
    let mut house = House::new(CHILD, &Script::default())?;
    let path = house.file("costs.xlsx", sheet)?;
    house.import(&[path])?;
    let turn = house.ask("How high was the heating in 2023?")?;
    let (quote, head, text) = cell(&house, &turn)?;
    assert_eq!((head.as_str(), text.as_str()), ("2023", "3350"), "{quote:?}");
    let turn = house.ask("What did insurance cost in 2022?")?;
    let (_, head, text) = cell(&house, &turn)?;
    assert_eq!((head.as_str(), text.as_str()), ("2022", "955"));
    Ok(())
}

/// A workbook of one sheet, its strings inline.
fn sheet(rows: &[&[&str]]) -> Vec<u8> {
    let mut cells = String::new();
    for (r, row) in rows.iter().enumerate() {
        cells.push_str(&format!("<row r=\"{}\">", r + 1));
        for (c, value) in row.iter().enumerate().filter(|(_, value)| !value.is_empty()) {
            let at = format!("{}{}", (b'A' + c as u8) as char, r + 1);
            match value.parse::<f64>() {
                Ok(_) => cells.push_str(&format!("<c r=\"{at}\"><v>{value}</v></c>")),
                Err(_) => cells.push_str(&format!("<c r=\"{at}\" t=\"inlineStr\"><is><t>{value}</t></is></c>")),
            }
        }
        cells.push_str("</row>");
    }
    let main = "http://schemas.openxmlformats.org/spreadsheetml/2006/main";
    let relations = "http://schemas.openxmlformats.org/package/2006/relationships";
    let office = "http://schemas.openxmlformats.org/officeDocument/2006/relationships";
    let types = "application/vnd.openxmlformats-officedocument.spreadsheetml";
    stored(&[
        (
            "[Content_Types].xml",
            format!(
                "<Types xmlns=\"http://schemas.openxmlformats.org/package/2006/content-types\">\
            <Default Extension=\"rels\" ContentType=\"application/vnd.openxmlformats-package.relationships+xml\"/>\
            <Override PartName=\"/xl/workbook.xml\" ContentType=\"{types}.sheet.main+xml\"/>\
            <Override PartName=\"/xl/worksheets/sheet1.xml\" ContentType=\"{types}.worksheet+xml\"/></Types>"
            ),
        ),
        (
            "_rels/.rels",
            format!(
                "<Relationships xmlns=\"{relations}\"><Relationship Id=\"r1\" \
            Type=\"{office}/officeDocument\" Target=\"xl/workbook.xml\"/></Relationships>"
            ),
        ),
        (
            "xl/workbook.xml",
            format!(
                "<workbook xmlns=\"{main}\" xmlns:r=\"{office}\"><sheets>\
            <sheet name=\"Costs\" sheetId=\"1\" r:id=\"r1\"/></sheets></workbook>"
            ),
        ),
        (
            "xl/_rels/workbook.xml.rels",
            format!(
                "<Relationships xmlns=\"{relations}\"><Relationship Id=\"r1\" \
            Type=\"{office}/worksheet\" Target=\"worksheets/sheet1.xml\"/></Relationships>"
            ),
        ),
        ("xl/worksheets/sheet1.xml", format!("<worksheet xmlns=\"{main}\"><sheetData>{cells}</sheetData></worksheet>")),
    ])
}

/// A zip archive of files as they are.
fn stored(files: &[(&str, String)]) -> Vec<u8> {
    let (mut out, mut directory) = (Vec::new(), Vec::new());
    for (name, content) in files {
        let at = out.len() as u32;
        let mut head = Vec::new();
        head.extend([20, 0, 0, 0, 0, 0, 0, 0, 33, 0]);
        head.extend(crc32(content.as_bytes()).to_le_bytes());
        head.extend((content.len() as u32).to_le_bytes());
        head.extend((content.len() as u32).to_le_bytes());
        head.extend((name.len() as u16).to_le_bytes());
        head.extend([0, 0]);
        out.extend(b"PK\x03\x04");
        out.extend(&head);
        out.extend(name.as_bytes());
        out.extend(content.as_bytes());
        directory.extend(b"PK\x01\x02\x14\x00");
        directory.extend(&head);
        directory.extend([0; 10]);
        directory.extend(at.to_le_bytes());
        directory.extend(name.as_bytes());
    }
    let at = out.len() as u32;
    out.extend(&directory);
    out.extend(b"PK\x05\x06\0\0\0\0");
    out.extend((files.len() as u16).to_le_bytes());
    out.extend((files.len() as u16).to_le_bytes());
    out.extend((directory.len() as u32).to_le_bytes());
    out.extend(at.to_le_bytes());
    out.extend([0, 0]);
    out
}

fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0u32, |crc, byte| {
        (0..8).fold(crc ^ u32::from(*byte), |crc, _| if crc & 1 == 1 { (crc >> 1) ^ 0xedb8_8320 } else { crc >> 1 })
    })
}

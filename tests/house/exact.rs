//! Questions that rules answer by reading documents from end to end: every statement of a kind, two documents side by side,
//! what changed. No model is asked, and every statement is cited where it stands.

use crate::CHILD;
use anyhow::{Context, Result};
use hearth_api::{CheckState, Outcome, Turn};
use hearth_tests::{House, Script, answered, cited};
use serde_json::json;

/// A house whose model must not be asked.
fn house() -> Result<House> {
    House::new(CHILD, &Script { forbid_requests: true, ..Script::default() })
}

fn items(turn: &Turn) -> Vec<&str> {
    turn.answer.lines().filter_map(|line| line.strip_prefix("- ")).collect()
}

/// Every sentence that is checked is supported, and what it cites holds its words.
fn proven(house: &House, turn: &Turn) -> Result<()> {
    let checked: Vec<_> = turn.sentences.iter().filter(|sentence| sentence.state.is_some()).collect();
    assert!(!checked.is_empty(), "{turn:?}");
    for sentence in checked {
        assert_eq!(sentence.state, Some(CheckState::Supported), "{sentence:?}");
        let units: Vec<u16> = turn.answer.encode_utf16().collect();
        let said = String::from_utf16(&units[sentence.start as usize..sentence.end as usize])?;
        let said = said.trim_start_matches("- ");
        let said =
            ["Was: ", "Now: ", "Added: ", "Removed: "].iter().fold(said, |said, lead| said.trim_start_matches(lead));
        assert!(!sentence.citations.is_empty(), "{said}");
        let words = |text: &str| text.replace('·', " ").split_whitespace().collect::<Vec<_>>().join(" ");
        for citation in &sentence.citations {
            assert_eq!(cited(house, citation.at)?, citation.text);
        }
        let first = words(&sentence.citations[0].text);
        assert!(first.contains(&words(said)) || sentence.citations.len() > 1, "{said:?} in {first:?}");
    }
    Ok(())
}

fn contract(suppliers: &[&str], filling: usize) -> String {
    let mut text = String::from("Contract\n\n");
    for (at, supplier) in suppliers.iter().enumerate() {
        text.push_str(&format!("{supplier} is the supplier of part number {}.\n\n", 100 + at));
        for n in 0..filling {
            text.push_str(&format!(
                "Clause {n} after part {at} speaks of weather, wheels and weirs in the county.\n\n"
            ));
        }
    }
    text
}

#[test]
fn every_statement_of_a_kind_is_listed_over_documents_longer_than_any_window() -> Result<()> {
    let mut house = house()?;
    let names = ["Acme", "Brandt", "Corfe", "Denby", "Elmsett", "Farnley", "Gisburn", "Hexton"];
    let one = house.text("north.txt", &contract(&names, 60))?;
    let two = house.text("south.txt", &contract(&["Acme", "Ilford", "Jarrow"], 60))?;
    house.text("other.txt", "Kendal is the supplier of lamps.\n")?;
    let turn = house.ask_in(None, "List every supplier.", &[one, two])?;
    assert!(answered(&turn), "{turn:?}");
    let items = items(&turn);
    assert_eq!(items.len(), 10, "each once, of the documents that were named alone: {}", turn.answer);
    for name in names.iter().chain(&["Ilford", "Jarrow"]) {
        assert!(items.iter().any(|item| item.starts_with(name)), "{name}");
    }
    assert!(turn.answer.starts_with("10 statements on “supplier” in 2 documents"), "{}", turn.answer);
    assert!(turn.answer.lines().next().is_some_and(|line| line.contains("read from end to end")));
    proven(&house, &turn)?;
    let whole: usize = turn.sentences.iter().map(|sentence| (sentence.end - sentence.start) as usize).sum();
    assert_eq!(whole, turn.answer.encode_utf16().count(), "sentences cover the answer, line breaks and all");
    let acme = turn.sentences.iter().find(|sentence| sentence.citations.len() == 2);
    assert!(acme.is_some(), "what both say is one item with two places");
    assert_eq!(house.station(turn.id, "Generate")?.outcome, Outcome::Skipped);
    // Without a document that is named, the whole space is read.
    let all = house.ask("List all suppliers")?;
    assert!(items.len() < self::items(&all).len() && all.answer.contains("Kendal"), "{}", all.answer);
    proven(&house, &all)
}

#[test]
fn obligations_are_known_by_their_form_and_documents_by_their_names() -> Result<()> {
    let mut house = house()?;
    house.text(
        "lease.txt",
        "Lease\n\nThe tenant shall repair the windows. The tenant may keep a dog.\n\nThe tenant must not sublet.\n\n\
         The landlord must repair the roof.\n\nThe tenant has to pay the rent by the third working day.\n",
    )?;
    house.text("annex.txt", "Annex\n\nThe tenant shall paint the door.\n")?;
    let turn = house.ask("List every obligation of the tenant in the lease")?;
    assert_eq!(
        items(&turn),
        ["The tenant shall repair the windows.", "The tenant has to pay the rent by the third working day."]
    );
    proven(&house, &turn)
}

#[test]
fn two_documents_are_laid_side_by_side() -> Result<()> {
    let mut house = house()?;
    let shared = "The mill stands beside the river Stour in the parish of Corfe.";
    let one = house.text(
        "first.txt",
        &format!("{shared}\n\nThe rent of the mill is 900 euros every month.\n\nDogs are welcome everywhere on these grounds.\n"),
    )?;
    let two = house.text(
        "second.txt",
        &format!("{shared}\n\nThe rent of the mill is 950 euros every month.\n\nBoats moor along the northern landing stage.\n"),
    )?;
    let turn = house.ask_in(None, "Compare these two documents.", &[one, two])?;
    assert!(answered(&turn), "{turn:?}");
    proven(&house, &turn)?;
    let (was, now) = (turn.answer.find("900 euros"), turn.answer.find("950 euros"));
    assert!(was.is_some() && now.is_some(), "{}", turn.answer);
    for said in ["Dogs are welcome", "Boats moor"] {
        assert!(turn.answer.contains(said), "{}", turn.answer);
    }
    let turn = house.ask_in(None, "Compare the rent in these two documents", &[one, two])?;
    assert_eq!(
        items(&turn),
        ["The rent of the mill is 900 euros every month.", "The rent of the mill is 950 euros every month."]
    );
    assert!(turn.sources.iter().any(|source| source.document == one));
    assert!(turn.sources.iter().any(|source| source.document == two));
    proven(&house, &turn)
}

#[test]
fn what_changed_between_versions_is_the_exact_difference_cited_on_both_sides() -> Result<()> {
    let mut house = house()?;
    let before = "Lease of the mill\n\nThe mill is old. The rent is 900 euros a month.\n\nPets are not allowed.\n\nIt ends in May.\n";
    let after = "Lease of the mill\n\nThe mill is old. The rent is 950 euros a month.\n\nIt ends in May.\n\nKeys: two are handed over.\n";
    let document = house.text("lease.txt", before)?;
    assert_eq!(house.text("lease.txt", after)?, document);
    for question in ["What changed in the lease between v1 and v2?", "What changed between the versions?"] {
        let turn = house.ask(question)?;
        assert!(answered(&turn), "{turn:?}");
        assert_eq!(
            items(&turn),
            [
                "Was: The rent is 900 euros a month.",
                "Now: The rent is 950 euros a month.",
                "Removed: Pets are not allowed.",
                "Added: Keys: two are handed over."
            ],
            "{question}"
        );
        proven(&house, &turn)?;
        let versions: std::collections::HashSet<i64> = turn.sources.iter().map(|source| source.version).collect();
        assert_eq!(versions.len(), 2, "both versions are cited: {:?}", turn.sources);
        assert!(turn.outdated.is_empty(), "citing the old one is what was asked for");
    }
    let turn = house.ask("What changed about the rent in the lease since version 1?")?;
    assert_eq!(items(&turn).len(), 2, "{}", turn.answer);
    let turn = house.ask("What changed about the bees in the lease between v1 and v2?")?;
    assert!(turn.answer.contains("nothing changed on “bees”. 3 changes elsewhere."), "{}", turn.answer);
    Ok(())
}

#[test]
fn what_changed_between_two_documents_is_told_too() -> Result<()> {
    let mut house = house()?;
    let text = |rent: u32| {
        let mut text = format!("Lease of the mill\n\nThe rent of the mill is {rent} euros a month.\n\n");
        for n in 0..20 {
            text.push_str(&format!("Clause {n} of the lease speaks of the weirs, wheels and sluices of the mill.\n\n"));
        }
        text
    };
    let one = house.text("contract-v1.txt", &text(900))?;
    let two = house.text("contract-v2.txt", &text(950))?;
    for question in ["What changed between these two?", "Compare these two"] {
        let turn = house.ask_in(None, question, &[one, two])?;
        assert_eq!(
            items(&turn),
            ["Was: The rent of the mill is 900 euros a month.", "Now: The rent of the mill is 950 euros a month."],
            "{question}: {}",
            turn.answer
        );
        proven(&house, &turn)?;
    }
    // Named without what tells the two apart, they are found by it.
    for question in ["What changed in the contract between v1 and v2?", "What changed in the contract?"] {
        let turn = house.ask(question)?;
        assert_eq!(items(&turn).len(), 2, "{question}: {}", turn.answer);
        proven(&house, &turn)?;
    }
    Ok(())
}

#[test]
fn a_document_is_meant_by_what_it_is_called_in_part() -> Result<()> {
    let mut house = house()?;
    house.text(
        "service-agreement.txt",
        "Service agreement between Mill and Weir\n\nIt begins on 3 March 2026.\n\nIt ends on 9 June 2027.\n",
    )?;
    house.text("report.txt", "Report\n\nThe agreement with the bank was signed on 1 May 2020.\n")?;
    let turn = house.ask("List every date in the agreement")?;
    assert_eq!(items(&turn), ["It begins on 3 March 2026.", "It ends on 9 June 2027."], "{}", turn.answer);
    proven(&house, &turn)?;
    // Of revisions the later one is meant.
    let clauses: String =
        (0..30).map(|n| format!("Clause {n} speaks of the weirs and sluices of the mill.\n\n")).collect();
    for (version, month) in [(1, "May"), (2, "June")] {
        house.text(&format!("tenancy v{version}.txt"), &format!("Tenancy\n\n{clauses}It ends on 1 {month} 2026.\n"))?;
    }
    let turn = house.ask("List every date in the tenancy")?;
    assert_eq!(items(&turn), ["It ends on 1 June 2026."], "{}", turn.answer);
    Ok(())
}

#[test]
fn an_erased_document_takes_its_list_with_it() -> Result<()> {
    let mut house = house()?;
    let document = house.text("north.txt", &contract(&["Acme", "Zyxworth"], 3))?;
    let turn = house.ask("List every supplier")?;
    assert!(turn.answer.contains("Zyxworth"));
    house.call("RemoveDocuments", json!({ "documents": [document] }))?;
    let house = house.restart()?;
    house
        .until("it is erased", |house| {
            let conversation = house.conversation().unwrap_or_default();
            let shown = house.call("GetConversation", json!({ "conversation": conversation })).unwrap_or_default();
            !shown.to_string().contains("Zyxworth")
        })
        .context("the words of what is erased are gone")
}

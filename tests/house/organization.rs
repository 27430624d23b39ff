//! An organization's policy on a machine: signed, locked, not loosened; the parts that people play; labels that go with what
//! was read.

use crate::CHILD;
use anyhow::Result;
use hearth_api::TurnState;
use hearth_tests::{House, Script};
use serde_json::{Value, json};

fn house() -> Result<House> {
    House::new(CHILD, &Script::default())
}

fn rule(house: &House, name: &str) -> Result<Option<Value>> {
    let privacy = house.call("GetPrivacy", json!({}))?;
    Ok(privacy["rules"].as_array().and_then(|rules| rules.iter().find(|rule| rule["name"] == name).cloned()))
}

const POLICY: &str = "organization = \"Mill and Weir\"\nversion = 2\nmodes = [\"offline\", \"local_only\"]\nretention_days = 7\nrules = '''\n@name(\"no exports\")\n@sentence(\"Nothing is written into plain files.\")\nforbid (principal, action == Action::\"export\", resource);\n'''\n";

/// Signs a policy with the key of this house and loads it.
fn lay_down(house: &House, name: &str, text: &str) -> Result<Value> {
    let (plain, signed) = (house.file(&format!("{name}.toml"), text)?, house.folder.path().join(name));
    let letter = house.kernel.pack_policy(&plain, &signed).map_err(|error| anyhow::anyhow!("{error}"))?;
    anyhow::ensure!(letter.fingerprint.is_some(), "a signature");
    house.kernel.load_policy(&signed, None).map_err(|error| anyhow::anyhow!("{error}"))?;
    house.call("GetPrivacy", json!({}))
}

#[test]
fn an_organizations_policy_holds_and_is_not_loosened() -> Result<()> {
    let house = house()?;
    house.call("SetMode", json!({ "mode": "ask_before_remote" }))?;
    let privacy = lay_down(&house, "two", POLICY)?;
    assert_eq!((&privacy["mode"], &privacy["person"]), (&json!("local_only"), &json!("Member")), "{privacy:#}");
    assert_eq!(privacy["organization"]["name"], "Mill and Weir");
    let refused = house.call("SetMode", json!({ "mode": "ask_before_remote" })).unwrap_err().to_string();
    assert!(refused.contains("member may not change the rules"), "{refused}");

    // A steward makes rules of their own, none of which stands against the organization's.
    let steward = POLICY.replace("version = 2", "version = 3\neveryone = \"steward\"");
    lay_down(&house, "three", &steward)?;
    let mode = house.call("SetMode", json!({ "mode": "ask_before_remote" })).unwrap_err().to_string();
    assert!(mode.contains("Mill and Weir does not allow"), "{mode}");
    let own =
        "@name(\"exports\")\n@sentence(\"Exports.\")\npermit (principal, action == Action::\"export\", resource);";
    let why = house.call("AddRules", json!({ "text": own })).unwrap_err().to_string();
    assert!(why.contains("line 1") && why.contains("organization's rule \"no exports\""), "{why}");
    let kept = own.replace("permit", "forbid").replace("\"exports\"", "\"mine\"");
    let with = house.call("AddRules", json!({ "text": kept }))?;
    assert!(with["own_rules"].as_str().is_some_and(|text| text.contains("mine")));
    assert!(house.call("AddRules", json!({ "text": kept })).unwrap_err().to_string().contains("already"));
    assert!(house.call("RemoveRule", json!({ "name": "no exports" })).unwrap_err().to_string().contains("not yours"));
    assert_eq!(house.call("RemoveRule", json!({ "name": "mine" }))?["own_rules"], "");

    // Older, foreign, changed, unsigned and ill-typed ones are refused, and what held still holds, over a restart too.
    let load = |file: &std::path::Path, trust: Option<&str>| {
        house.kernel.load_policy(file, trust).map(drop).map_err(|error| error.message)
    };
    let two = house.folder.path().join("two");
    assert!(load(&two, None).unwrap_err().contains("version 2, and version 3 holds"));
    let other = self::house()?;
    let four = POLICY.replace("version = 2", "version = 4");
    lay_down(&other, "four", &four)?;
    let foreign = other.folder.path().join("four");
    assert!(load(&foreign, None).unwrap_err().contains("another key"));
    let text = std::fs::read_to_string(house.folder.path().join("three"))?;
    let changed = house.file("changed", text.replace("version = 3", "version = 9"))?;
    assert!(load(&changed, None).unwrap_err().contains("changed after it was signed"));
    assert!(load(&house.file("plain", &four)?, None).unwrap_err().contains("not signed"));
    let wrong = house.file("wrong.toml", four.replace("\"export\"", "\"fly\""))?;
    let why = house.kernel.pack_policy(&wrong, &house.folder.path().join("wrong")).unwrap_err().message;
    assert!(why.contains("line 8") && why.contains("fly"), "{why}");
    let house = house.restart()?;
    let privacy = house.call("GetPrivacy", json!({}))?;
    assert_eq!((&privacy["organization"]["version"], &privacy["person"]), (&json!(3), &json!("Steward")));
    assert!(rule(&house, "no exports")?.is_some_and(|rule| rule["origin"] == "Organization"));
    let record = house.call("ListActivity", json!({ "before": null, "limit": 50, "text": "policy of" }))?;
    let kinds: Vec<&str> = record.as_array().into_iter().flatten().filter_map(|row| row["kind"].as_str()).collect();
    assert!(kinds.contains(&"law.organization") && kinds.contains(&"law.signed"), "{kinds:?}");
    Ok(())
}

#[test]
fn a_key_is_trusted_once_by_its_fingerprint() -> Result<()> {
    let (signer, house) = (house()?, house()?);
    let plain = signer.file("p.toml", POLICY)?;
    let signed = signer.folder.path().join("signed");
    let letter = signer.kernel.pack_policy(&plain, &signed).map_err(|error| anyhow::anyhow!("{error}"))?;
    let fingerprint = letter.fingerprint.unwrap_or_default();
    let refused = house.kernel.load_policy(&signed, None).unwrap_err();
    assert!(refused.message.contains(&fingerprint) && refused.hint.is_some(), "{refused:?}");
    assert!(house.kernel.load_policy(&signed, Some(&"0".repeat(64))).is_err());
    assert!(house.kernel.load_policy(&signed, Some("soon")).is_err());
    assert!(rule(&house, "no exports")?.is_none());
    assert!(house.kernel.load_policy(&signed, Some(&fingerprint)).is_ok());
    assert!(rule(&house, "no exports")?.is_some());
    Ok(())
}

#[test]
fn each_part_may_what_it_may_with_every_command() -> Result<()> {
    let mut house = house()?;
    house.text("a.txt", "The mill stands by the weir.")?;
    let turn = house.ask("What stands by the weir?")?;
    for (version, part) in [(2, "viewer"), (3, "member"), (4, "auditor")] {
        let text = POLICY.replace("version = 2", &format!("version = {version}\neveryone = \"{part}\""));
        lay_down(&house, part, &text)?;
        let space = house.space()?;
        let may = |name: &str, args: Value| match house.try_call(name, args) {
            Err(error) if error.message.contains(&format!("{part} may not")) => false,
            Ok(_) | Err(_) => true,
        };
        let said = [
            may("GetHome", json!({ "space": space })),
            may("Search", json!({ "space": space, "text": "weir", "limit": 5 })),
            may("Remember", json!({ "space": space, "text": "The mill is old." })),
            may(
                "Ask",
                json!({ "space": space, "conversation": null, "text": "/today", "attachments": [], "grounding": "documents" }),
            ),
            may("SetMode", json!({ "mode": "offline" })),
            may(
                "AddGrant",
                json!({ "action": "export", "thing": null, "space": null, "label": "public", "hours": 1, "untrusted": false }),
            ),
            may("VerifyAudit", json!({})),
            house.kernel.watch_path(house.folder.path(), space, None).is_ok_and(|_| true),
        ];
        let expect = match part {
            "viewer" => [true, true, false, false, false, false, true, false],
            "member" => [true, true, true, true, false, false, true, true],
            _ => [false, false, false, false, false, false, true, false],
        };
        assert_eq!(said, expect, "{part}");
    }
    // The auditor reads what kind of thing was done, and no word of what it was about.
    let shown = house.call("ListActivity", json!({ "before": null, "limit": 500, "text": null }))?.to_string();
    let trace = house.call("GetTrace", json!({ "turn": turn.id }))?.to_string();
    assert!(shown.contains("turn.answered") && shown.contains("law.organization"), "{shown}");
    assert!(!shown.contains("weir?") && !trace.contains("weir") && !shown.contains("a.txt"), "{trace}");
    assert!(house.call("ListActivity", json!({ "before": null, "limit": 5, "text": "weir" })).is_err());
    Ok(())
}

#[test]
fn only_models_that_the_organization_names_are_loaded() -> Result<()> {
    let mut house = house()?;
    house.text("a.txt", "The mill stands by the weir.")?;
    let text = format!("models = [\"{}\"]\n{POLICY}", "ab".repeat(32));
    lay_down(&house, "models", &text)?;
    let refused = house.ask("What stands by the weir?")?;
    assert_eq!(refused.state, TurnState::Failed);
    let why = refused.error.map(|error| error.message).unwrap_or_default();
    assert!(why.contains("not among the models that Mill and Weir allows"), "{why}");
    Ok(())
}

#[test]
fn a_turn_takes_the_highest_label_of_what_it_read_and_hands_it_on() -> Result<()> {
    let mut house = house()?;
    let document = house.text("a.txt", "The mill stands by the weir.")?;
    let labels = |house: &House| -> Result<Vec<(String, String)>> {
        let rows = house.call("ListActivity", json!({ "before": null, "limit": 500, "text": null }))?;
        let turns = rows
            .as_array()
            .into_iter()
            .flatten()
            .filter(|row| row["kind"].as_str().is_some_and(|kind| kind.starts_with("turn.")));
        let detail = |row: &Value| -> Option<(String, String)> {
            let detail: Value = serde_json::from_str(row["detail"].as_str()?).ok()?;
            Some((detail["label"].as_str()?.to_owned(), detail["trust"].as_str()?.to_owned()))
        };
        Ok(turns.filter_map(detail).collect())
    };
    let pair = |label: &str, trust: &str| (label.to_owned(), trust.to_owned());
    house.ask("/calculate 2 + 2")?;
    assert_eq!(labels(&house)?.first(), Some(&pair("internal", "user")));
    house.call("SetLabel", json!({ "document": document, "label": "confidential", "confirmed": true }))?;
    house.ask("What stands by the weir?")?;
    assert_eq!(labels(&house)?.first(), Some(&pair("confidential", "library")));
    Ok(())
}

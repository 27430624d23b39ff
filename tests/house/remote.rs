//! Models elsewhere, in the whole house: nothing leaves without a mode that lets it, a person's yes and a budget; what
//! leaves is what was shown, to the byte; and whatever goes wrong elsewhere ends with the answer made here.

use crate::CHILD;
use anyhow::{Context, Result};
use hearth_api::{CheckState, Turn, TurnState};
use hearth_tests::peer::{Answer, Peer};
use hearth_tests::{House, Script, files_below};
use serde_json::{Value, json};

const LEASE: &str = "Lease of the mill\n\nThe tenant Hannah Maria Kreutzmann pays a rent of 1,250 euros a month, due on the third working day. \
    Questions go to hannah.kreutzmann@example.org or +41 44 668 18 00.\n";
const QUESTION: &str = "How much rent does the tenant pay a month?";
const LOCAL: &str = "The tenant pays a rent of 1,450 euros a month.";
const KEY: &str = "sk-test-0123456789abcdef";

/// A house with one document, a local answer that is not borne out, and a peer set up as a provider.
struct Scene {
    house: House,
    peer: Peer,
    turn: Turn,
    lease: i64,
}

impl Scene {
    fn new(answer: Answer) -> Result<Scene> {
        let script = Script { answers: vec![("rent".into(), LOCAL.into())], ..Script::default() };
        let mut house = House::new(CHILD, &script)?;
        let lease = house.text("lease.txt", LEASE)?;
        let peer = Peer::start(answer)?;
        let turn = house.ask(QUESTION)?;
        house.call("SetProvider", json!({ "provider": provider(&peer.address) }))?;
        Ok(Scene { house, peer, turn, lease })
    }

    fn asking(self) -> Result<Scene> {
        self.house.call("SetMode", json!({ "mode": "ask_before_remote" }))?;
        Ok(self)
    }

    fn preview(&self) -> Result<Value> {
        self.look(None, &[])
    }

    fn look(&self, text: Option<&str>, hide: &[&str]) -> Result<Value> {
        let args = json!({ "turn": self.turn.id, "provider": "peer", "text": text, "hide": hide });
        self.house.call("PreviewRemote", args)
    }

    /// Sends what a preview showed; why not, where it is not.
    fn send(&self, preview: &Value) -> Result<(), hearth_api::Error> {
        let args = json!({ "preview": preview["id"], "text": preview["text"], "confirmed": true });
        self.house.try_call("SendRemote", args).map(|_| ())
    }

    fn shown(&self) -> Result<Value> {
        let conversation = self.house.conversation()?;
        Ok(self.house.call("GetConversation", json!({ "conversation": conversation }))?["turns"][0].clone())
    }

    fn ledger(&self) -> Result<Vec<Value>> {
        let ledger = self.house.call("GetPrivacy", json!({}))?["ledger"].clone();
        Ok(ledger.as_array().cloned().unwrap_or_default())
    }
}

fn provider(address: &str) -> Value {
    json!({ "id": null, "name": "Peer", "service": "compatible", "address": address, "model": "big",
        "residency": "test bench", "keeps": null, "key": KEY, "input_price": 1.0, "output_price": 2.0 })
}

#[test]
fn a_confirmed_send_sends_exactly_what_was_shown_and_its_answer_is_checked() -> Result<()> {
    let answer = "The tenant [Person 1] pays a rent of 1,250 euros a month.";
    let mut scene = Scene::new(Answer::Words(answer.into()))?.asking()?;
    let preview = scene.preview()?;
    let text = preview["text"].as_str().context("text")?;
    for secret in ["Hannah", "Kreutzmann", "example.org", "668"] {
        assert!(!text.contains(secret) && !preview["body"].to_string().contains(secret), "{secret} in {text}");
    }
    assert!(text.contains("[Person 1]") && text.contains("[Email 1]") && text.contains("[Phone 1]"), "{text}");
    assert!(
        preview["redactions"]
            .as_array()
            .is_some_and(|all| all.len() == 3 && all.iter().all(|one| one["by_rule"] == true))
    );
    assert_eq!(preview["refusal"], Value::Null, "{preview:#}");
    assert_eq!(preview["rule"]["name"], "sending asks");
    assert_eq!((preview["host"].as_str(), preview["residency"].as_str()), (Some("127.0.0.1"), Some("test bench")));
    assert!(preview["why"].as_str().is_some_and(|why| why.contains("of which 0 match")), "{}", preview["why"]);
    assert!(scene.peer.heard().is_empty(), "looking sends nothing");

    assert!(
        scene
            .house
            .try_call("SendRemote", json!({ "preview": preview["id"], "text": text, "confirmed": false }))
            .is_err()
    );
    scene.send(&preview).map_err(|error| anyhow::anyhow!("{error}"))?;
    let turn = scene.house.ended(scene.turn.id)?;
    let heard = scene.peer.heard();
    assert_eq!(heard.len(), 1);
    assert_eq!(String::from_utf8(heard[0].body.clone())?, preview["body"].as_str().context("body")?, "byte for byte");
    assert_eq!(heard[0].header("authorization"), format!("Bearer {KEY}"));

    assert_eq!(turn.state, TurnState::Answered);
    assert_eq!(turn.answer, "The tenant Hannah Maria Kreutzmann pays a rent of 1,250 euros a month.");
    assert_eq!(turn.sentences[0].state, Some(CheckState::Supported), "{:?}", turn.sentences);
    let remote = turn.remote.context("what left")?;
    assert_eq!((remote.name.as_str(), remote.rule.as_str(), remote.failed), ("Peer", "sending asks", None));
    assert!(remote.bytes_out as usize > heard[0].body.len() && remote.bytes_in > 0);
    assert_eq!(remote.cost, "$0.00014", "100 tokens at $1, 20 at $2 for a million");
    let generate = scene.house.station(turn.id, "Generate")?;
    assert!(
        generate.weighed.iter().any(|line| line.contains(LOCAL)),
        "the local draft is kept: {:?}",
        generate.weighed
    );

    let ledger = scene.ledger()?;
    assert_eq!(
        (ledger[0]["host"].as_str(), ledger[0]["label"].as_str(), ledger[0]["who"].as_str()),
        (Some("127.0.0.1"), Some("internal"), Some("person"))
    );
    assert_eq!(ledger[0]["bytes_out"], json!(remote.bytes_out));
    let status = scene.house.call("GetStatus", json!({}))?;
    assert_eq!(status["bytes_out_today"], json!(remote.bytes_out));
    let record = scene.house.call("ListActivity", json!({ "before": null, "limit": 5, "text": "elsewhere" }))?;
    let detail = record[0]["detail"].as_str().context("detail")?;
    assert!(
        record[0]["kind"] == "turn.refined" && detail.contains(preview["sha256"].as_str().context("hash")?),
        "{detail}"
    );
    assert!(!detail.contains("Hannah") && !detail.contains("[Person 1]"));
    assert!(scene.house.call("VerifyAudit", json!({}))?["broken"].is_null());
    // What was shown is sent once; the key lies nowhere in the clear.
    assert!(scene.send(&preview).is_err());
    let everything = scene.house.call("ListProviders", json!({}))?.to_string();
    assert!(!everything.contains(KEY));
    for file in files_below(&scene.house.data()) {
        let bytes = std::fs::read(&file).unwrap_or_default();
        assert!(!bytes.windows(KEY.len()).any(|window| window == KEY.as_bytes()), "{}", file.display());
    }
    Ok(())
}

#[test]
fn local_only_and_offline_send_nothing() -> Result<()> {
    let scene = Scene::new(Answer::Words("never".into()))?;
    let preview = scene.preview()?;
    assert!(preview["refusal"].as_str().is_some_and(|why| why.starts_with("Rule ")), "{preview:#}");
    let refused = scene.send(&preview).unwrap_err();
    assert_eq!(refused.code, hearth_api::ErrorCode::Denied, "{refused}");
    let test = scene.house.call("TestProvider", json!({ "provider": "peer", "confirmed": true }))?;
    assert_eq!((test["sent"].as_bool(), test["works"].as_bool()), (Some(false), None), "{test}");
    // A mode that sends nothing does not silently win over a provider: it is named.
    let offline = scene.house.try_call("SetMode", json!({ "mode": "offline" })).unwrap_err();
    assert!(offline.message.contains("Peer (127.0.0.1)"), "{offline}");
    scene.house.call("RemoveProvider", json!({ "provider": "peer" }))?;
    scene.house.call("SetMode", json!({ "mode": "offline" }))?;
    assert!(scene.house.try_call("SetProvider", json!({ "provider": provider(&scene.peer.address) })).is_err());
    assert!(scene.peer.heard().is_empty() && scene.ledger()?.is_empty());
    Ok(())
}

#[test]
fn a_mode_that_changes_after_the_look_stops_it() -> Result<()> {
    let scene = Scene::new(Answer::Words("never".into()))?.asking()?;
    let preview = scene.preview()?;
    scene.house.call("SetMode", json!({ "mode": "local_only" }))?;
    assert_eq!(scene.send(&preview).unwrap_err().code, hearth_api::ErrorCode::Denied);
    assert!(scene.peer.heard().is_empty());
    Ok(())
}

#[test]
fn confidential_things_never_leave() -> Result<()> {
    let scene = Scene::new(Answer::Words("never".into()))?.asking()?;
    let before = scene.preview()?;
    scene.house.call("SetLabel", json!({ "document": scene.lease, "label": "confidential", "confirmed": true }))?;
    let refused = scene.send(&before).unwrap_err();
    assert!(refused.message.contains("more guarded"), "{refused}");
    let after = scene.preview()?;
    assert_eq!(after["held_back"][0]["title"], "lease.txt", "{after:#}");
    assert!(after["held_back"][0]["why"].as_str().is_some_and(|why| why.contains("never sent")));
    assert!(!after["text"].as_str().unwrap_or_default().contains("1,250"));
    assert!(!after["body"].as_str().unwrap_or_default().contains("1,250"));
    assert!(scene.peer.heard().is_empty());
    Ok(())
}

#[test]
fn an_edit_is_looked_through_and_only_what_was_shown_is_sent() -> Result<()> {
    let mut scene = Scene::new(Answer::Words("The tenant [Person 1] pays 1,250 euros.".into()))?.asking()?;
    let preview = scene.preview()?;
    let changed = json!({ "preview": preview["id"], "text": "Something else", "confirmed": true });
    assert!(scene.house.try_call("SendRemote", changed).is_err(), "a text that was not shown");
    let edited =
        format!("{} Hannah Maria Kreutzmann of Project Osprey asks.", preview["text"].as_str().context("text")?);
    let again = scene.look(Some(&edited), &["Osprey"])?;
    let text = again["text"].as_str().context("text")?;
    assert!(text.ends_with("[Person 1] of Project [Hidden 1] asks."), "{text}");
    let by_hand =
        again["redactions"].as_array().and_then(|all| all.iter().find(|one| one["kind"] == "Hidden").cloned());
    assert_eq!(by_hand.context("one by hand")?["by_rule"], false);
    scene.send(&again).map_err(|error| anyhow::anyhow!("{error}"))?;
    scene.house.ended(scene.turn.id)?;
    assert_eq!(String::from_utf8(scene.peer.heard()[0].body.clone())?, again["body"].as_str().context("body")?);
    Ok(())
}

#[test]
fn over_budget_nothing_is_sent() -> Result<()> {
    let scene = Scene::new(Answer::Words("never".into()))?.asking()?;
    let preview = scene.preview()?;
    scene.house.call("SetBudget", json!({ "budget": { "day": 0.0001, "person": null, "spaces": {} } }))?;
    let refused = scene.send(&preview).unwrap_err();
    assert!(refused.message.contains("budget for today"), "{refused}");
    assert!(scene.preview()?["refusal"].as_str().is_some_and(|why| why.contains("budget")));
    let space = scene.house.space()?.to_string();
    let budget = json!({ "day": null, "person": null, "spaces": { space: 0.0 } });
    scene.house.call("SetBudget", json!({ "budget": budget }))?;
    let refused = scene.send(&scene.preview()?).unwrap_err();
    assert!(refused.message.contains("this space"), "{refused}");
    assert!(
        scene.house.try_call("SetBudget", json!({ "budget": { "day": -1.0, "person": null, "spaces": {} } })).is_err()
    );
    assert!(scene.peer.heard().is_empty());
    Ok(())
}

#[test]
fn a_provider_that_fails_leaves_the_local_answer_standing() -> Result<()> {
    let mut scene = Scene::new(Answer::Status("401 No", "{}".into()))?.asking()?;
    let before = scene.shown()?;
    let answers = [
        (Answer::Status("401 No", format!("{{\"error\":{{\"message\":\"{KEY}\"}}}}")), "the key was not taken"),
        (Answer::Status("307 There\r\nlocation: http://169.254.169.254/x", String::new()), "was not followed"),
        (Answer::Cut("The rent is".into()), "broke off"),
        (Answer::Status("200 OK", "<html>".into()), "not an answer"),
    ];
    for (answer, expect) in answers {
        scene.peer.answer(answer);
        scene.send(&scene.preview()?).map_err(|error| anyhow::anyhow!("{error}"))?;
        let turn = scene.house.ended(scene.turn.id)?;
        let failed = turn.remote.and_then(|remote| remote.failed).context("a reason")?;
        assert!(failed.starts_with("The answer made here stands.") && failed.contains(expect), "{failed}");
        assert!(!failed.contains(KEY));
        assert_eq!((turn.answer.as_str(), turn.state), (LOCAL, TurnState::Answered));
        assert_eq!(scene.shown()?["sentences"], before["sentences"], "its checks stand too");
    }
    // Down again and again: it is left alone.
    let resting = scene.preview()?;
    assert!(resting["refusal"].as_str().is_none_or(|why| why.contains("left alone")), "{resting:#}");
    assert!(scene.house.call("VerifyAudit", json!({}))?["broken"].is_null());
    Ok(())
}

#[test]
fn providers_are_checked_when_they_are_set_up() -> Result<()> {
    let scene = Scene::new(Answer::Words("Yes.".into()))?.asking()?;
    let set = |change: fn(&mut Value)| {
        let mut provider = provider("https://models.example/v1");
        change(&mut provider);
        scene.house.try_call("SetProvider", json!({ "provider": provider }))
    };
    assert!(set(|p| p["address"] = json!("ftp://x")).is_err());
    assert!(set(|p| p["address"] = json!("https://user:word@x/v1")).is_err());
    assert!(set(|p| p["address"] = json!("https://x/v1?key=1")).is_err());
    assert!(set(|p| p["name"] = json!("")).is_err());
    assert!(set(|p| p["model"] = json!("two words")).is_err());
    assert!(set(|p| p["output_price"] = Value::Null).is_err());
    assert!(set(|p| (p["service"], p["address"]) = (json!("openai"), json!("http://api.example"))).is_err());
    let listed = set(|p| p["name"] = json!("Peer")).map_err(|error| anyhow::anyhow!("{error}"))?;
    assert_eq!(listed["providers"].as_array().map(Vec::len), Some(2), "the same name gets an id of its own");
    // Without a yes a test says what it would send; with one it sends just that.
    let asked = scene.house.call("TestProvider", json!({ "provider": "peer", "confirmed": false }))?;
    assert!(scene.peer.heard().is_empty() && asked["rule"]["name"] == "sending asks", "{asked}");
    let tested = scene.house.call("TestProvider", json!({ "provider": "peer", "confirmed": true }))?;
    assert_eq!(tested["works"], true, "{tested}");
    assert_eq!(String::from_utf8(scene.peer.heard()[0].body.clone())?, asked["body"].as_str().context("body")?);
    Ok(())
}

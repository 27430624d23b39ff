//! A collector on this machine: told of each question in spans, never in words; told later what it missed; nobody else is
//! told anything.

use crate::CHILD;
use anyhow::{Context, Result};
use hearth_tests::peer::{Answer, Heard, Peer};
use hearth_tests::{House, Script, answered};
use serde_json::{Value, json};

const LEASE: &str =
    "Lease of the mill\n\nThe tenant pays a rent of 1,250 euros a month, due on the third working day.\n";

fn house() -> Result<House> {
    let answers = vec![("rent".into(), "The rent is 1,250 euros a month.".into())];
    let house = House::new(CHILD, &Script { answers, ..Script::default() })?;
    house.text("lease.txt", LEASE)?;
    Ok(house)
}

fn base(peer: &Peer) -> String {
    peer.address.trim_end_matches("/v1").to_owned()
}

fn spans(heard: &Heard) -> Result<Vec<Value>> {
    let body: Value = serde_json::from_slice(&heard.body)?;
    Ok(body.pointer("/resourceSpans/0/scopeSpans/0/spans").and_then(Value::as_array).cloned().unwrap_or_default())
}

fn works(house: &House) -> Value {
    house.call("GetCollector", json!({})).map_or(Value::Null, |shown| shown["works"].clone())
}

fn taken() -> Answer {
    Answer::Status("200 OK", "{\"partialSuccess\":{}}".into())
}

#[test]
fn each_question_is_told_in_spans_and_never_in_words() -> Result<()> {
    let mut house = house()?;
    let peer = Peer::start(taken())?;
    assert!(answered(&house.ask("What rent does the tenant pay?")?));
    let set = house.call("SetCollector", json!({ "address": base(&peer) }))?;
    assert_eq!(set["works"], json!(true), "{set}");
    assert_eq!(peer.heard().len(), 1, "it was greeted");
    assert!(spans(&peer.heard()[0])?.is_empty(), "with nothing, also not with what was before");
    assert!(answered(&house.ask("What rent does the tenant pay a month?")?));
    house.until("the collector is told", |_| peer.heard().len() == 2)?;
    let heard = peer.heard().pop().context("a request")?;
    assert!(heard.line.starts_with("POST /v1/traces "), "{}", heard.line);
    assert_eq!(heard.header("content-type"), "application/json");
    let told = spans(&heard)?;
    let names: Vec<_> = told.iter().filter_map(|span| span["name"].as_str()).collect();
    assert!(names.contains(&"invoke_agent hearth") && names.iter().any(|name| name.starts_with("chat ")), "{names:?}");
    let whole = String::from_utf8(heard.body)?;
    for word in ["tenant", "1,250", "lease", "month"] {
        assert!(!whole.contains(word), "{word} left with the spans");
    }
    let told = json!({ "before": null, "limit": 50, "text": "egress.", "from_ms": null, "until_ms": null });
    house.until("two connections stand in the record, each begun and ended", |house| {
        house.call("ListActivity", told.clone()).is_ok_and(|rows| rows.as_array().map(Vec::len) == Some(4))
    })?;
    assert_eq!(house.call("VerifyAudit", json!({}))?["flaws"], json!([]));
    let status = house.call("GetStatus", json!({}))?;
    assert_eq!(status["bytes_out_today"], json!(0), "nothing left this machine: {status}");
    Ok(())
}

#[test]
fn what_a_collector_missed_it_is_told_with_the_next_question() -> Result<()> {
    let mut house = house()?;
    let peer = Peer::start(taken())?;
    house.call("SetCollector", json!({ "address": base(&peer) }))?;
    peer.answer(Answer::Status("503 Service Unavailable", "later".into()));
    assert!(answered(&house.ask("What rent does the tenant pay?")?));
    house.until("it was not told", |house| works(house) == json!(false))?;
    let stands = house.call("GetCollector", json!({}))?;
    assert!(stands["sentence"].as_str().unwrap_or_default().contains("status 503: later"), "{stands}");
    peer.answer(taken());
    assert!(answered(&house.ask("What rent does the tenant pay a month?")?));
    house.until("it was told", |house| works(house) == json!(true))?;
    let told = spans(peer.heard().last().context("a request")?)?;
    let turns = told.iter().filter(|span| span["name"] == json!("invoke_agent hearth")).count();
    assert_eq!(turns, 2, "the one before too");
    house.call("SetCollector", json!({ "address": null }))?;
    let before = peer.heard().len();
    assert!(answered(&house.ask("What rent does the tenant pay?")?));
    assert!(house.call("GetCollector", json!({}))?["address"].is_null());
    assert_eq!(peer.heard().len(), before, "nobody is told any more");
    Ok(())
}

#[test]
fn nobody_else_is_told_and_a_rule_may_forbid_it() -> Result<()> {
    let house = house()?;
    for elsewhere in ["http://collector.example:4318", "http://192.168.1.9:4318", "not an address"] {
        let error = house.call("SetCollector", json!({ "address": elsewhere })).expect_err(elsewhere);
        assert!(!format!("{error:#}").is_empty());
    }
    let peer = Peer::start(taken())?;
    let rule =
        "@name(\"no spans\") @sentence(\"Nobody is told.\") forbid (principal, action == Action::\"trace\", resource);";
    house.call("AddRules", json!({ "text": rule }))?;
    let set = house.call("SetCollector", json!({ "address": base(&peer) }))?;
    assert_eq!(set["works"], json!(false), "{set}");
    assert!(set["sentence"].as_str().unwrap_or_default().contains("Nobody is told."), "{set}");
    assert!(peer.heard().is_empty());
    Ok(())
}

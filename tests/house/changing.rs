//! Another embedder is chosen: the old vectors answer until every passage is embedded again, and a restart in between goes
//! on where it was.

use crate::CHILD;
use anyhow::{Result, anyhow};
use hearth_tests::{House, Script};
use serde_json::{Value, json};

/// A second scripted embedder; its vectors are those of the first, but its files and so its name are its own.
fn second(house: &House) -> Result<String> {
    let config = r#"{"model_type":"bert","hidden_size":64,"max_position_embeddings":512}"#;
    for (name, bytes) in [("config.json", config), ("tokenizer.json", "{}"), ("model.safetensors", "scripted anew")] {
        house.file(&format!("second-embedder/{name}"), bytes)?;
    }
    let model = house.kernel.add_model(&house.folder.path().join("files/second-embedder"));
    Ok(model.map_err(|error| anyhow!("{error}"))?.id)
}

fn took_over(house: &House) -> Vec<String> {
    let activity = house.call("ListActivity", json!({ "before": null, "limit": 100, "text": null }));
    let text = activity.map(|value| value.to_string()).unwrap_or_default();
    text.split('"').filter(|part| part.contains(" takes over: ")).map(str::to_owned).collect()
}

fn found(house: &House, text: &str) -> Result<Vec<Value>> {
    let space = house.space()?;
    let hits = house.call("Search", json!({ "space": space, "text": text, "limit": 5 }))?;
    Ok(hits["passages"].as_array().cloned().unwrap_or_default())
}

#[test]
fn the_old_index_answers_until_the_new_one_is_complete() -> Result<()> {
    let house = House::new(CHILD, &Script::default())?;
    house.call("SetRole", json!({ "role": "embed", "model": "scripted-embedder" }))?;
    for n in 0..20 {
        house
            .text(&format!("note-{n}.txt"), &format!("Number {n} of the mill's notes concerns quarterly invoices."))?;
    }
    assert!(took_over(&house).is_empty());
    let id = second(&house)?;
    house.call("SetRole", json!({ "role": "embed", "model": id }))?;
    assert!(!found(&house, "quarterly invoices")?.is_empty());
    let house = house.restart()?;
    assert!(!found(&house, "quarterly invoices")?.is_empty());
    house.text("late.txt", "A late note of the mill concerns quarterly invoices too.")?;
    house.until("the second embedder takes over", |house| {
        took_over(house).iter().any(|said| said.starts_with("second-embedder"))
    })?;
    assert!(!found(&house, "quarterly invoices")?.is_empty());
    let said = took_over(&house);
    assert!(said.len() == 1, "{said:?}");

    // Chosen back: its vectors are made again, and removing it meanwhile leaves a library that is found by the other.
    house.call("SetRole", json!({ "role": "embed", "model": "scripted-embedder" }))?;
    house.until("the first takes over again", |house| took_over(house).len() == 2)?;
    Ok(())
}

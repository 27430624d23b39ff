//! Random JSON schemas, a judge of what they allow, and a run of a chat model under them.

use crate::tiny::Random;
use hearth_inference::Error;
use hearth_inference::engine::{Ask, Chat, Event};
use hearth_inference::wire::{Briefing, Constraint, Finish, Message, Sampling, Speaker};
use serde_json::{Value, json};

const NAMES: [&str; 6] = ["name", "n", "ist gut", "größe", "a-b", "\"q\""];

fn pick<'a, T>(r: &mut Random, of: &'a [T]) -> &'a T {
    &of[r.next() as usize % of.len()]
}

/// Makes a schema, at most `depth` levels deep.
pub fn random(r: &mut Random, depth: usize) -> Value {
    let kinds = if depth == 0 { 8 } else { 12 };
    match r.next() % kinds {
        0 => json!({ "type": "boolean" }),
        1 => json!({ "type": "null" }),
        2 => {
            let from = (r.next() % 200) as i64 - 100;
            json!({ "type": "integer", "minimum": from, "maximum": from + (r.next() % 1000) as i64 })
        }
        3 => {
            let from = (r.next() % 100) as f64 / 4.0 - 10.0;
            json!({ "type": "number", "minimum": from, "maximum": from + 0.5 + (r.next() % 64) as f64 })
        }
        4 => {
            let least = r.next() % 4;
            json!({ "type": "string", "minLength": least, "maxLength": least + r.next() % 12 })
        }
        5 => {
            json!({ "type": "string", "pattern": *pick(r, &["^[a-c]{2,4}$", "^(ja|nein)$", "^\\d{4}-\\d\\d$", "^x+y?$"]) })
        }
        6 => json!({ "enum": [*pick(r, &NAMES), 7, null, [1, "x"], { "k": false }] }),
        7 => json!({ "const": *pick(r, &NAMES) }),
        8 => json!({ "anyOf": [random(r, depth - 1), random(r, depth - 1)] }),
        9 => {
            let least = r.next() % 3;
            json!({ "type": "array", "items": random(r, depth - 1), "minItems": least, "maxItems": least + r.next() % 3 })
        }
        _ => {
            let n = 1 + r.next() as usize % 4;
            let mut properties = serde_json::Map::new();
            (0..n).for_each(|i| drop(properties.insert(NAMES[i].into(), random(r, depth - 1))));
            let required: Vec<&str> = NAMES[..n].iter().copied().filter(|_| r.next().is_multiple_of(2)).collect();
            json!({ "type": "object", "properties": properties, "required": required, "additionalProperties": false })
        }
    }
}

/// Whether a schema of the kinds above allows a value.
pub fn allows(schema: &Value, v: &Value) -> bool {
    if let Some(any) = schema["anyOf"].as_array() {
        return any.iter().any(|s| allows(s, v));
    }
    if let Some(all) = schema["enum"].as_array() {
        return all.contains(v);
    }
    if let Some(only) = schema.get("const") {
        return only == v;
    }
    let within = |n: f64, least: &str, most: &str| {
        schema[least].as_f64().is_none_or(|l| n >= l) && schema[most].as_f64().is_none_or(|m| n <= m)
    };
    match schema["type"].as_str().unwrap() {
        "boolean" => v.is_boolean(),
        "null" => v.is_null(),
        "integer" => v.as_i64().is_some_and(|n| within(n as f64, "minimum", "maximum")),
        "number" => v.as_f64().is_some_and(|n| within(n, "minimum", "maximum")),
        "string" => v.as_str().is_some_and(|s| {
            let pattern = schema["pattern"].as_str().is_none_or(|p| regex::Regex::new(p).unwrap().is_match(s));
            pattern && within(s.chars().count() as f64, "minLength", "maxLength")
        }),
        "array" => v.as_array().is_some_and(|a| {
            within(a.len() as f64, "minItems", "maxItems") && a.iter().all(|v| allows(&schema["items"], v))
        }),
        _ => v.as_object().is_some_and(|o| {
            let required = schema["required"].as_array().unwrap().iter().all(|k| o.contains_key(k.as_str().unwrap()));
            required && o.iter().all(|(k, v)| schema["properties"].get(k).is_some_and(|s| allows(s, v)))
        }),
    }
}

/// Asks for one answer.
pub fn answer(chat: &mut Chat, sampling: &Sampling) -> Result<(String, Finish), Error> {
    let messages = [Message { role: Speaker::User, text: "Say it.".into() }];
    let mut text = String::new();
    let ask = Ask {
        conversation: 1,
        messages: &messages,
        briefing: &Briefing::default(),
        sampling,
        begun: None,
        urgent: true,
    };
    let outcome = chat.answer(ask, &|| false, &mut |e| {
        if let Event::Text(t, _) = e {
            text += &t;
        }
    })?;
    Ok((text, outcome.reason))
}

/// Answers under `n` random schemas; returns what went wrong.
pub fn run(chat: &mut Chat, n: u64) -> Vec<String> {
    let mut faults = Vec::new();
    for seed in 0..n {
        let mut r = Random(seed * 7919 + 5);
        let schema = random(&mut r, 2);
        let constraint = Some(Constraint::JsonSchema(schema.to_string()));
        let sampling = Sampling { temperature: 1.0, seed, max_tokens: 450, constraint, ..Sampling::default() };
        match answer(chat, &sampling) {
            Ok((text, Finish::Stop)) => match serde_json::from_str::<Value>(&text) {
                Ok(v) if allows(&schema, &v) => {}
                Ok(_) => faults.push(format!("{schema} does not allow {text}")),
                Err(e) => faults.push(format!("{schema} gave {text:?}: {e}")),
            },
            Ok((text, finish)) => faults.push(format!("{schema} gave {text:?} and then {finish:?}")),
            Err(e) => faults.push(format!("{schema}: {e}")),
        }
    }
    faults
}

//! Answers that must have a form, from a model with random weights, which by itself says nothing of the kind.

use crate::schemas::{allows, answer, run};
use crate::tiny;
use hearth_inference::Error;
use hearth_inference::engine::{Ask, Chat, Event};
use hearth_inference::quant::Type;
use hearth_inference::wire::{Briefing, Constraint, Finish, Message, Sampling, Speaker};
use std::io::Cursor;

fn chat() -> Chat {
    Chat::load(&mut Cursor::new(tiny::model("llama", Type::Q8_0, 21)), 2, None, 1 << 30).unwrap()
}

fn under(constraint: Constraint) -> Sampling {
    Sampling { temperature: 1.0, seed: 3, max_tokens: 200, constraint: Some(constraint), ..Sampling::default() }
}

/// `examples/constrained.rs` does a thousand.
#[test]
fn random_schemas_are_always_obeyed() {
    let faults = run(&mut chat(), 60);
    assert!(faults.is_empty(), "{} of 60:\n{}", faults.len(), faults.join("\n"));
}

#[test]
fn the_judge_of_schemas_can_say_no() {
    let schema = serde_json::json!({ "type": "object", "properties": { "n": { "type": "integer", "minimum": 3 } },
        "required": ["n"], "additionalProperties": false });
    for (text, good) in [("{\"n\": 3}", true), ("{\"n\": 2}", false), ("{}", false), ("{\"n\": 4, \"m\": 1}", false)] {
        assert_eq!(allows(&schema, &serde_json::from_str(text).unwrap()), good, "{text}");
    }
}

#[test]
fn expressions_and_grammars_are_obeyed_and_seeds_repeat() {
    let mut c = chat();
    let pattern = under(Constraint::Regex("[a-c]{3}-(Ja|Nein), [0-9]{2}€".into()));
    let first = answer(&mut c, &pattern).unwrap();
    assert!(regex::Regex::new("^[a-c]{3}-(Ja|Nein), [0-9]{2}€$").unwrap().is_match(&first.0), "{first:?}");
    assert_eq!((first.1, answer(&mut c, &pattern).unwrap().0), (Finish::Stop, first.0));
    let lark = "start: pair (\";\" pair){1,3}\npair: /[xyz]/ \"=\" /[0-9]{1,2}/\n";
    let (text, finish) = answer(&mut c, &under(Constraint::Grammar(lark.into()))).unwrap();
    assert!(regex::Regex::new("^[xyz]=[0-9]{1,2}(;[xyz]=[0-9]{1,2}){1,3}$").unwrap().is_match(&text), "{text:?}");
    assert_eq!(finish, Finish::Stop);
}

fn asked<'a>(messages: &'a [Message], briefing: &'a Briefing, sampling: &'a Sampling) -> Ask<'a> {
    Ask { conversation: 1, messages, briefing, sampling, begun: None, urgent: true }
}

#[test]
fn chances_are_told_of_every_token() {
    let mut c = chat();
    let sampling = Sampling { max_tokens: 12, chances: Some(3), ..Sampling::default() };
    let (messages, briefing) = ([Message { role: Speaker::User, text: "Say it.".into() }], Briefing::default());
    let ask = asked(&messages, &briefing, &sampling);
    let mut told = Vec::new();
    let outcome = c
        .answer(ask, &|| false, &mut |e| {
            if let Event::Chances(chosen, likeliest) = e {
                told.push((chosen, likeliest));
            }
        })
        .unwrap();
    assert!(told.len() >= outcome.new_tokens && told.len() > 2);
    for (chosen, likeliest) in &told {
        // Greedy: the chosen one is the likeliest.
        assert_eq!((likeliest.len(), &likeliest[0]), (3, chosen));
        let all: f32 = likeliest.iter().map(|c| c.log_probability.exp()).sum();
        assert!(all <= 1.0 && likeliest.windows(2).all(|w| w[0].log_probability >= w[1].log_probability));
    }
}

/// The template opens the thought, so that all that this model says is one; a constraint waits for the answer.
#[test]
fn thoughts_are_no_part_of_an_answer() {
    let mut file = tiny::model("llama", Type::Q8_0, 21);
    let (from, to) = ("'<|im_start|>assistant\n' }}{% endif %}", "'<think>'                }}{% endif %}");
    let at = file.windows(from.len()).position(|w| w == from.as_bytes()).unwrap();
    file[at..at + from.len()].copy_from_slice(to.as_bytes());
    let mut c = Chat::load(&mut Cursor::new(file), 2, None, 1 << 30).unwrap();
    let sampling = Sampling { max_tokens: 20, ..under(Constraint::Regex("abc".into())) };
    let (messages, briefing) = ([Message { role: Speaker::User, text: "Say it.".into() }], Briefing::default());
    let ask = asked(&messages, &briefing, &sampling);
    let (mut thoughts, mut others) = (String::new(), 0);
    c.answer(ask, &|| false, &mut |e| match e {
        Event::Thought(t, _) => thoughts += &t,
        Event::Prompt(..) => {}
        _ => others += 1,
    })
    .unwrap();
    assert!(thoughts.len() > 5 && others == 0, "{thoughts:?} {others}");
}

#[test]
fn what_cannot_be_obeyed_is_refused_in_words() {
    let mut c = chat();
    for constraint in [
        Constraint::JsonSchema("{".into()),
        Constraint::JsonSchema("7".into()),
        Constraint::JsonSchema("{\"type\": \"nobody\"}".into()),
        Constraint::JsonSchema("{\"$ref\": \"#/nowhere\"}".into()),
        Constraint::JsonSchema("{\"type\": \"string\", \"minLength\": 5, \"maxLength\": 2}".into()),
        Constraint::Regex("(".into()),
        Constraint::Grammar("start: nobody".into()),
        Constraint::Grammar("x".repeat(2 << 20)),
    ] {
        match answer(&mut c, &under(constraint.clone())) {
            Err(Error::Request(why)) => assert!(why.starts_with("the constraint: ") && why.len() < 600, "{why}"),
            other => panic!("{other:?}"),
        }
    }
    // The next one is answered as if nothing had been.
    assert_eq!(answer(&mut c, &under(Constraint::Regex("abc".into()))).unwrap(), ("abc".into(), Finish::Stop));
}

//! Each kind of tokenizer against its reference (`vocabularies.py` made the fixture), and against damaged vocabularies.

use crate::tiny::{Random, Writer};
use hearth_inference::Error;
use hearth_inference::chat::prompt;
use hearth_inference::gguf;
use hearth_inference::template::Template;
use hearth_inference::tokens::Vocabulary;
use hearth_inference::wire::{Briefing, Message, Speaker};
use serde::Deserialize;
use std::collections::BTreeMap;
use std::io::Cursor;

#[derive(Deserialize)]
struct Case {
    model: String,
    pre: Option<String>,
    tokens: Vec<String>,
    kinds: Vec<i32>,
    scores: Option<Vec<f32>>,
    merges: Option<Vec<String>>,
    unknown: Option<usize>,
    prefix: Option<bool>,
    squeeze: Option<bool>,
    charsmap: Option<Vec<i32>>,
    architecture: Option<String>,
    vectors: Vec<(String, Vec<u32>)>,
}

fn cases() -> BTreeMap<String, Case> {
    serde_json::from_str(include_str!("vocabularies.json")).unwrap()
}

fn file(case: &Case) -> Vec<u8> {
    let mut w = Writer::default();
    w.text("tokenizer.ggml.model", &case.model);
    w.text("tokenizer.ggml.pre", case.pre.as_deref().unwrap_or("default"));
    w.texts("tokenizer.ggml.tokens", &case.tokens);
    w.ints("tokenizer.ggml.token_type", &case.kinds);
    case.scores.iter().for_each(|s| w.floats("tokenizer.ggml.scores", s));
    case.merges.iter().for_each(|m| w.texts("tokenizer.ggml.merges", m));
    case.unknown.iter().for_each(|u| w.int("tokenizer.ggml.unknown_token_id", *u));
    case.prefix.iter().for_each(|p| w.bool("tokenizer.ggml.add_space_prefix", *p));
    case.squeeze.iter().for_each(|s| w.bool("tokenizer.ggml.remove_extra_whitespaces", *s));
    case.charsmap.iter().for_each(|m| w.ints("tokenizer.ggml.precompiled_charsmap", m));
    case.architecture.iter().for_each(|a| w.text("general.architecture", a));
    w.finish()
}

fn read(bytes: &[u8]) -> Result<Vocabulary, Error> {
    Vocabulary::read(&gguf::read(Cursor::new(bytes))?)
}

#[test]
fn every_kind_makes_the_tokens_of_its_reference() {
    for (name, case) in cases() {
        let v = read(&file(&case)).unwrap();
        for (text, want) in &case.vectors {
            let got = v.encode(text).unwrap();
            let spelled = |ids: &[u32]| ids.iter().map(|t| case.tokens[*t as usize].as_str()).collect::<Vec<_>>();
            assert_eq!(&got, want, "{name}: {text:?} as {:?} and not {:?}", spelled(&got), spelled(want));
        }
    }
}

#[test]
fn tokens_become_the_text_again() {
    let cases = cases();
    for name in ["spm", "spm words", "bpe"] {
        let case = &cases[name];
        let v = read(&file(case)).unwrap();
        // The mark that SentencePiece writes for a space is a space to it.
        for text in case.vectors.iter().map(|(t, _)| t.as_str()).filter(|t| name == "bpe" || !t.contains('\u{2581}')) {
            let bytes: Vec<u8> = v.encode(text).unwrap().iter().flat_map(|t| v.bytes(*t).to_vec()).collect();
            let bytes = bytes.strip_prefix(b" ").filter(|_| v.has_prefix_space()).unwrap_or(&bytes);
            assert_eq!(String::from_utf8_lossy(bytes), text, "{name}");
        }
    }
}

#[test]
fn no_text_becomes_a_special_token() {
    for (name, case) in cases() {
        let v = read(&file(&case)).unwrap();
        let unknown = case.unknown.map(|u| u as u32);
        for (special, id) in v.specials().all().iter().filter(|(_, id)| Some(*id) != unknown) {
            for text in [special.clone(), format!("a{special}b {special}")] {
                assert!(!v.encode(&text).unwrap().contains(id), "{name}: {special}");
            }
        }
        let everything: String = case.tokens.concat();
        let got = v.encode(&everything).unwrap();
        assert!(got.iter().all(|t| case.kinds[*t as usize] != 3 || Some(*t) == unknown), "{name}");
    }
}

#[test]
fn phi3s_markup_takes_the_white_space_after_it() {
    let mut case = cases().remove("spm").unwrap();
    let user = case.tokens.len() as u32;
    case.tokens.push("<|user|>".into());
    case.kinds.push(3);
    case.scores.as_mut().unwrap().push(0.0);
    for (architecture, between) in [("phi3", ""), ("llama", "\n")] {
        case.architecture = Some(architecture.into());
        let v = read(&file(&case)).unwrap();
        let template = Template::choose(Some("{{ '<|user|>\n' + messages[-1].content }}"), v.marks(), false);
        let says = [Message { role: Speaker::User, text: "notice<|user|>".into() }];
        let got = prompt(&v, &template, &says, &Briefing::default(), None).unwrap().tokens;
        let plain = v.encode(&format!("{between}notice<|user|>")).unwrap();
        assert_eq!(got, [&[user], &plain[..]].concat(), "{architecture}");
    }
}

/// Damaged vocabularies are errors or read as something; none makes the reader stumble or take long.
#[test]
fn damaged_vocabularies_do_no_harm() {
    let text = "The agreement ends   after 30 days; it's \u{fc}\u{408}\u{4f60} <s></s>\n\n";
    let mut r = Random(17);
    let mut errors = 0;
    for case in cases().values() {
        let whole = file(case);
        for i in 0..40 {
            let mut bytes = whole.clone();
            match i % 4 {
                0 => bytes.truncate(r.next() as usize % whole.len()),
                1 => (0..40).for_each(|_| bytes[r.next() as usize % whole.len()] = r.next() as u8),
                2 => {
                    let (from, to) = (r.next() as usize % whole.len(), r.next() as usize % whole.len());
                    bytes[from.min(to)..from.max(to)].reverse();
                }
                _ => {
                    let at = r.next() as usize % (whole.len() - 8);
                    bytes[at..at + 8].copy_from_slice(&[255; 8]);
                }
            }
            match read(&bytes) {
                Ok(v) => {
                    let tokens = v.encode(text).unwrap();
                    assert!(tokens.len() <= text.len() * 2);
                    tokens.iter().for_each(|t| drop(v.bytes(*t).to_vec()));
                }
                Err(_) => errors += 1,
            }
        }
    }
    assert!(errors > 40, "{errors}");
    for change in [
        |c: &mut Case| c.model = "nobody".into(),
        |c: &mut Case| c.pre = Some("nobody".into()),
        |c: &mut Case| c.merges = Some(vec!["alone".into()]),
        |c: &mut Case| c.merges = None,
    ] {
        let mut case = cases().remove("bpe").unwrap();
        change(&mut case);
        assert!(matches!(read(&file(&case)), Err(Error::Damaged(_) | Error::Unsupported(_))));
    }
    let mut case = cases().remove("spm").unwrap();
    case.scores = Some(vec![0.0]);
    assert!(matches!(read(&file(&case)), Err(Error::Damaged(_))));
}

//! The decoder against a plain reference, and against itself over turns, threads and budgets.

use crate::reference::Reference;
use crate::tiny::{self, Random};
use hearth_inference::Error;
use hearth_inference::engine::{Ask, Chat, Event, Outcome};
use hearth_inference::forward::{Compute, Scratch, forward};
use hearth_inference::gguf;
use hearth_inference::kv::RunState;
use hearth_inference::quant::Type;
use hearth_inference::weights::Weights;
use hearth_inference::wire::{Briefing, Finish, Message, Sampling, Speaker};
use std::io::Cursor;

fn weights(file: &[u8], compute: &Compute) -> Weights {
    let header = gguf::read(Cursor::new(file)).unwrap();
    Weights::read(&mut Cursor::new(file), &header, &compute.pool).unwrap()
}

pub fn some_tokens(n: usize) -> Vec<u32> {
    let mut r = Random(5);
    (0..n).map(|_| (r.next() % 258) as u32).collect()
}

/// Logits after feeding the pieces one after another into one state.
fn logits(w: &Weights, compute: &Compute, pieces: &[&[u32]]) -> Vec<f32> {
    let (mut state, mut scratch) = (RunState::new(&w.config), Scratch::new(&w.config));
    for p in pieces {
        forward(w, &mut state, &mut scratch, compute, p, 1, &|| false).unwrap();
    }
    scratch.logits().to_vec()
}

#[test]
fn logits_are_those_of_the_reference() {
    let compute = Compute::new(2);
    let tokens = some_tokens(40);
    for architecture in ["llama", "qwen2", "qwen3"] {
        for (ty, tolerance) in
            [(Type::F32, 0.003), (Type::F16, 0.003), (Type::Q8_0, 0.05), (Type::Q4_1, 0.05), (Type::Q4_0, 0.05)]
        {
            let file = tiny::model(architecture, ty, 11);
            let got = logits(&weights(&file, &compute), &compute, &[&tokens]);
            let want = Reference::new(file).logits(&tokens);
            let size = (want.iter().map(|x| x * x).sum::<f64>() / want.len() as f64).sqrt();
            let error = got.iter().zip(&want).map(|(g, w)| (f64::from(*g) - w).powi(2)).sum::<f64>();
            let error = (error / want.len() as f64).sqrt() / size;
            assert!(error < tolerance, "{architecture} {}: {error}", ty.name());
        }
    }
}

/// Reading in pieces, token by token or at once gives the same bits, over page and chunk borders, on any threads.
#[test]
fn pieces_and_threads_change_nothing() {
    let (one, two) = (Compute::new(1), Compute::new(2));
    let w = weights(&tiny::model("llama", Type::Q4_1, 3), &one);
    let t = some_tokens(300);
    let whole = logits(&w, &two, &[&t]);
    assert_eq!(whole, logits(&w, &one, &[&t]));
    let mut pieces: Vec<&[u32]> = vec![&t[..130]];
    pieces.extend(t[130..140].chunks(1));
    pieces.extend([&t[140..257], &t[257..258], &t[258..]]);
    assert_eq!(whole, logits(&w, &one, &pieces));
}

#[test]
fn a_truncated_state_goes_on_as_if_nothing_had_been_there() {
    let compute = Compute::new(2);
    for family in ["llama", "lfm2"] {
        let w = weights(&tiny::model(family, Type::Q8_0, 3), &compute);
        let t = some_tokens(220);
        let mut scratch = Scratch::new(&w.config);
        let mut feed = |state: &mut RunState, t: &[u32]| {
            forward(&w, state, &mut scratch, &compute, t, 1, &|| false).unwrap();
            scratch.logits().to_vec()
        };
        // In the middle of a page, at its border, just behind it, and at the very beginning.
        for len in [137, 128, 129, 1, 0] {
            let mut state = RunState::new(&w.config);
            feed(&mut state, &t);
            let kept = state.clone();
            state.truncate(len);
            assert_eq!((state.len(), state.bytes()), (len, state.bytes_for(len)));
            let again = feed(&mut state, &t[100..150]);
            let mut straight = RunState::new(&w.config);
            let want = [&t[..len], &t[100..150]].concat();
            assert_eq!(again, feed(&mut straight, &want), "{family} {len}");
            // The one that it shared its pages with is as it was.
            assert_eq!(feed(&mut kept.clone(), &t[..9]), feed(&mut { kept }, &t[..9]), "{family} {len}");
        }
    }
}

#[test]
fn a_stopped_pass_leaves_the_state_as_it_was() {
    let compute = Compute::new(2);
    let w = weights(&tiny::model("llama", Type::Q4_1, 3), &compute);
    let t = some_tokens(100);
    let (mut state, mut scratch) = (RunState::new(&w.config), Scratch::new(&w.config));
    forward(&w, &mut state, &mut scratch, &compute, &t[..50], 0, &|| false).unwrap();
    let calls = std::cell::Cell::new(0);
    let stop = || {
        calls.set(calls.get() + 1);
        calls.get() > 1
    };
    let stopped = forward(&w, &mut state, &mut scratch, &compute, &t[..50], 1, &stop);
    assert!(matches!(stopped, Err(Error::Cancelled)) && state.len() == 50);
    forward(&w, &mut state, &mut scratch, &compute, &t[50..], 1, &|| false).unwrap();
    assert_eq!(scratch.logits(), logits(&w, &compute, &[&t]));
}

fn chat(budget: u64) -> Chat {
    Chat::load(&mut Cursor::new(tiny::model("llama", Type::Q4_1, 21)), 2, None, budget).unwrap()
}

pub fn say(role: Speaker, text: &str) -> Message {
    Message { role, text: text.into() }
}

pub fn answer(
    chat: &mut Chat,
    conversation: i64,
    messages: &[Message],
    sampling: &Sampling,
) -> Result<(Outcome, String), Error> {
    let mut text = String::new();
    let ask = Ask { conversation, messages, briefing: &Briefing::default(), sampling, begun: None, urgent: true };
    let outcome = chat.answer(ask, &|| false, &mut |e| {
        if let Event::Text(t, _) = e {
            text += &t;
        }
    })?;
    Ok((outcome, text))
}

#[test]
fn a_second_turn_reuses_the_first_and_says_the_same_as_a_fresh_start() {
    let sampling = Sampling { max_tokens: 30, temperature: 0.8, seed: 9, ..Sampling::default() };
    let mut kept = chat(1 << 30);
    let mut messages = vec![say(Speaker::System, "Be brief."), say(Speaker::User, "What is the matter?")];
    let (first, text) = answer(&mut kept, 1, &messages, &sampling).unwrap();
    assert_eq!((first.cached_tokens, first.new_tokens > 0), (0, true));
    messages.extend([say(Speaker::Assistant, &text), say(Speaker::User, "And then?")]);
    let (second, reused) = answer(&mut kept, 1, &messages, &sampling).unwrap();
    assert!(second.cached_tokens >= first.prompt_tokens, "{second:?}");
    let (fresh, straight) = answer(&mut chat(1 << 30), 5, &messages, &sampling).unwrap();
    assert_eq!((fresh.cached_tokens, straight), (0, reused));
    // Another question at the same place: what differs is dropped.
    messages.pop();
    messages.push(say(Speaker::User, "And what now?"));
    let (edited, text) = answer(&mut kept, 1, &messages, &sampling).unwrap();
    assert!(edited.cached_tokens > first.prompt_tokens);
    assert_eq!(text, answer(&mut chat(1 << 30), 5, &messages, &sampling).unwrap().1);
}

/// A conversation whose oldest turns fell away, and one that goes on from the middle of another, say what a fresh start
/// says: nothing of what was cut off is left in the cache.
#[test]
fn a_conversation_whose_beginning_fell_away_says_the_same_as_a_fresh_start() {
    let sampling = Sampling { max_tokens: 20, ..Sampling::default() };
    for family in ["llama", "lfm2"] {
        let load = || Chat::load(&mut Cursor::new(tiny::model(family, Type::Q4_1, 21)), 2, None, 1 << 30).unwrap();
        let mut kept = load();
        let mut messages = vec![say(Speaker::System, "Be brief.")];
        for turn in 0..6 {
            messages.push(say(Speaker::User, &format!("Question {turn}: {}", "what? ".repeat(turn))));
            // Behind the instructions the two oldest messages go.
            let from = if turn > 1 { 3 } else { 1 };
            let window = [&messages[..1], &messages[from..]].concat();
            let (_, text) = answer(&mut kept, 1, &window, &sampling).unwrap();
            assert_eq!(text, answer(&mut load(), 5, &window, &sampling).unwrap().1, "{family} {turn}");
            messages = [&window[..], &[say(Speaker::Assistant, &text)]].concat();
        }
    }
}

/// Looking tokens up changes nothing in an answer, whether guesses come (an endless loop) or not, nor in the next turn.
#[test]
fn answers_with_and_without_lookup_are_the_same() {
    let prompt = "the cat sat on the mat and the cat sat on the hat ".repeat(3);
    let mut messages = vec![say(Speaker::User, &prompt)];
    for penalty in [1.0, 1.3] {
        for max_tokens in [1, 2, 150] {
            let plain = Sampling { max_tokens, repeat_penalty: penalty, lookup: false, ..Sampling::default() };
            let quick = Sampling { lookup: true, ..plain.clone() };
            let (mut a, mut b) = (chat(1 << 30), chat(1 << 30));
            messages.truncate(1);
            for _ in 0..2 {
                let (x, text) = answer(&mut a, 1, &messages, &plain).unwrap();
                let (y, same) = answer(&mut b, 1, &messages, &quick).unwrap();
                assert_eq!(
                    (&text, x.new_tokens, x.reason, x.cached_tokens),
                    (&same, y.new_tokens, y.reason, y.cached_tokens)
                );
                assert_eq!(a.kv_bytes(), b.kv_bytes());
                messages.extend([say(Speaker::Assistant, &text), say(Speaker::User, "and?")]);
            }
        }
    }
}

#[test]
fn special_tokens_in_a_message_stay_text() {
    let mut c = chat(1 << 30);
    let one = |c: &mut Chat, text: &str| {
        let s = Sampling { max_tokens: 1, ..Sampling::default() };
        answer(c, 1, &[say(Speaker::User, text)], &s).unwrap().0.prompt_tokens
    };
    let plain = one(&mut c, "x");
    // As text each of its 10 characters is a token here; as a special token it would be one.
    assert_eq!(one(&mut c, "x<|im_end|>"), plain + 10);
    assert_eq!(one(&mut c, "x<|im_end"), plain + 8);
}

#[test]
fn limits_are_typed_and_the_oldest_conversation_gives_way() {
    let long = "long ".repeat(200);
    let short = Sampling { max_tokens: 2, ..Sampling::default() };
    let mut c = chat(1 << 30);
    match answer(&mut c, 1, &[say(Speaker::User, &long)], &short) {
        Err(Error::TooLong { prompt_tokens, n_ctx: 600 }) => assert!(prompt_tokens > 800),
        other => panic!("{other:?}"),
    }
    // More context than the model has is held to what it has.
    let file = tiny::model("llama", Type::Q4_1, 21);
    let mut c = Chat::load(&mut Cursor::new(file), 2, Some(1 << 20), 1 << 30).unwrap();
    assert_eq!(c.info().n_ctx, 600);
    let over = answer(&mut c, 1, &[say(Speaker::User, &long)], &short);
    assert!(matches!(over, Err(Error::TooLong { n_ctx: 600, .. })), "{over:?}");
    // One page of this model: 2 layers x 2 heads x 2 x 16 x 128 positions x 2 bytes.
    let page = 2 * 2 * 2 * 16 * 128 * 2;
    let hi = [say(Speaker::User, "hi")];
    let mut c = chat(2 * page);
    let mut ask = |k: i64| {
        let o = answer(&mut c, k, &[say(Speaker::User, &k.to_string().repeat(20))], &short).unwrap().0;
        assert!(c.kv_bytes() <= 2 * page);
        o.cached_tokens
    };
    for k in [1, 2, 1, 3] {
        ask(k);
    }
    assert!(ask(1) > 20, "1 was used after 2");
    assert!(ask(2) < 20, "2 gave way; only how every prompt begins is shared");
    let tight = answer(&mut chat(page - 1), 1, &hi, &short);
    assert!(matches!(tight, Err(Error::Memory { needed_bytes, .. }) if needed_bytes == page));
    // Words that no longer fit end the answer instead of failing it.
    let endless = Sampling { max_tokens: 5000, temperature: 1.5, seed: 4, ..Sampling::default() };
    let (o, _) = answer(&mut chat(page), 1, &hi, &endless).unwrap();
    assert!(o.reason == Finish::Stop || (o.reason == Finish::Length && o.prompt_tokens + o.new_tokens <= 129), "{o:?}");
}

#[test]
fn a_given_beginning_is_part_of_the_prompt_only() {
    let mut c = chat(1 << 30);
    let s = Sampling { max_tokens: 3, ..Sampling::default() };
    let hi = [say(Speaker::User, "hi")];
    let (plain, _) = answer(&mut c, 1, &hi, &s).unwrap();
    let briefing = &Briefing::default();
    let ask = Ask { conversation: 1, messages: &hi, briefing, sampling: &s, begun: Some("Yes,"), urgent: true };
    let begun = c.answer(ask, &|| false, &mut |_| ()).unwrap();
    assert_eq!(begun.prompt_tokens, plain.prompt_tokens + 4);
}

#[test]
fn the_estimate_is_what_loading_takes() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("tiny.gguf");
    std::fs::write(&path, tiny::model("qwen3", Type::Q8_0, 1)).unwrap();
    let fit = hearth_inference::estimate(&path).unwrap();
    assert_eq!((fit.architecture.as_str(), fit.quantization.as_str(), fit.n_ctx), ("qwen3", "Q8_0", 600));
    assert_eq!(fit.kv_bytes_per_token, (tiny::LAYERS * tiny::KV_HEADS * tiny::HEAD * 4) as u64);
    assert!(fit.weights_bytes > 60_000);
}

/// Weights that compute no numbers are an error, and no text is made of them.
#[test]
fn what_is_not_a_number_is_no_answer() {
    let sound = tiny::model("llama", Type::Q4_1, 21);
    let header = gguf::read(Cursor::new(&sound)).unwrap();
    let hi = [say(Speaker::User, "hi")];
    for (part, put) in [("output_norm.weight", f32::NAN), ("blk.1.attn_norm.weight", f32::INFINITY)] {
        let mut file = sound.clone();
        let at = header.tensors[part].offset as usize;
        file[at..at + 4].copy_from_slice(&put.to_le_bytes());
        let mut chat = Chat::load(&mut Cursor::new(file), 2, None, 1 << 30).unwrap();
        let said = answer(&mut chat, 1, &hi, &Sampling { max_tokens: 4, ..Sampling::default() });
        assert!(matches!(&said, Err(Error::Damaged(why)) if why.contains("not a number")), "{part}: {said:?}");
    }
}

//! Several answers side by side: each says what it says alone, and who comes first; caches that conversations share, and
//! pages of them that come from outside.

use crate::decoder::{answer, say};
use crate::tiny;
use hearth_inference::Error;
use hearth_inference::engine::{Ask, Chat, Event, GUESSES, PageKey, Turn};
use hearth_inference::quant::Type;
use hearth_inference::wire::{Briefing, Finish, Message, Sampling, Speaker};
use std::collections::HashMap;
use std::io::Cursor;

/// Bytes of a page of the tiny model: 2 layers x 2 heads x 2 x 16 x 128 positions x 2 bytes.
const PAGE_BYTES: u64 = 2 * 2 * 2 * 16 * 128 * 2;

/// Attention in every layer, and a convolution in one of them.
const FAMILIES: [&str; 2] = ["llama", "lfm2"];

fn chat_of(family: &str, budget: u64) -> Chat {
    Chat::load(&mut Cursor::new(tiny::model(family, Type::Q4_1, 21)), 2, None, budget).unwrap()
}

fn chat(budget: u64) -> Chat {
    chat_of("llama", budget)
}

fn question(text: &str) -> [Message; 1] {
    [say(Speaker::User, text)]
}

fn begin(chat: &mut Chat, conversation: i64, text: &str, sampling: &Sampling, urgent: bool) -> Turn {
    let (messages, briefing) = (question(text), Briefing::default());
    let ask = Ask { conversation, messages: &messages, briefing: &briefing, sampling, begun: None, urgent };
    chat.begin(ask).unwrap()
}

/// Steps until all turns have ended, and returns what each said and the order in which they ended.
fn finish(chat: &mut Chat, turns: &mut [Turn]) -> (Vec<String>, Vec<usize>) {
    let (mut said, mut order) = (vec![String::new(); turns.len()], Vec::new());
    while order.len() < turns.len() {
        chat.step(turns, &|_| false, &mut |i, event| {
            if let Event::Text(text, _) = event {
                said[i] += &text;
            }
        });
        order.extend((0..turns.len()).filter(|i| turns[*i].has_ended() && !order.contains(i)).collect::<Vec<_>>());
    }
    (said, order)
}

fn asked() -> Vec<(String, Sampling)> {
    let loops = "the cat sat on the mat and the cat sat on the hat ".repeat(4);
    let texts = ["hello", &loops, "What is the matter with it?", "", "one two three", &loops, "x", "y", "z", "last"];
    let sampling = |i: usize| Sampling {
        max_tokens: 20 + i as u32 * 3,
        temperature: if i.is_multiple_of(2) { 0.0 } else { 0.9 },
        seed: i as u64,
        ..Sampling::default()
    };
    texts.iter().enumerate().map(|(i, text)| ((*text).to_owned(), sampling(i))).collect()
}

/// Ten at once, more than fit into a pass: greedy with guesses, drawn, short, and longer than a chunk.
#[test]
fn an_answer_does_not_depend_on_who_else_is_answered() {
    for family in FAMILIES {
        let chat = |budget: u64| chat_of(family, budget);
        let mut c = chat(1 << 30);
        let asked = asked();
        let mut turns: Vec<Turn> =
            asked.iter().zip(1..).map(|((text, sampling), k)| begin(&mut c, k, text, sampling, k % 3 > 0)).collect();
        let (said, _) = finish(&mut c, &mut turns);
        for (turn, (text, sampling)) in turns.into_iter().zip(&asked).rev() {
            let together = c.close(turn).unwrap();
            let (alone, words) = answer(&mut chat(1 << 30), 1, &question(text), sampling).unwrap();
            assert_eq!((together.new_tokens, together.reason), (alone.new_tokens, alone.reason), "{text:?}");
            assert!(said.contains(&words) && (alone.new_tokens == 0 || !words.is_empty()), "{text:?}: {words:?}");
        }
        for ((text, sampling), said) in asked.iter().zip(&said) {
            assert_eq!(&answer(&mut chat(1 << 30), 1, &question(text), sampling).unwrap().1, said);
        }
    }
}

#[test]
fn who_is_waited_for_comes_first_and_a_short_question_before_a_long_one() {
    let mut c = chat(1 << 30);
    let short = Sampling { max_tokens: 4, ..Sampling::default() };
    let long = "the cat sat on the mat ".repeat(22);
    let asked = [(&long[..], false), ("hello", false), (&long[..], true), ("hello", true)];
    let mut turns: Vec<Turn> =
        asked.iter().zip(1..).map(|((text, urgent), k)| begin(&mut c, k, text, &short, *urgent)).collect();
    assert_eq!(finish(&mut c, &mut turns).1, [3, 2, 1, 0]);
}

#[test]
fn a_long_prompt_is_not_passed_over_for_ever() {
    let mut c = chat(1 << 30);
    let short = Sampling { max_tokens: 1, ..Sampling::default() };
    let mut turns = vec![begin(&mut c, 0, &"the cat sat on the mat ".repeat(22), &short, true)];
    let mut others = 0;
    while !turns[0].has_ended() {
        others += 1;
        assert!(others < 40, "short questions go before it without end");
        turns.push(begin(&mut c, others, "hello", &short, true));
        c.step(&mut turns, &|_| false, &mut |_, _| ());
        // Those that are done make room; the long one stays the first.
        while let Some(i) = (1..turns.len()).find(|i| turns[*i].has_ended()) {
            c.close(turns.remove(i)).unwrap();
        }
    }
}

#[test]
fn one_that_is_cancelled_leaves_the_others_alone() {
    let mut c = chat(1 << 30);
    let endless = Sampling { max_tokens: 60, temperature: 1.0, seed: 3, ..Sampling::default() };
    let mut turns = vec![begin(&mut c, 1, "hello", &endless, true), begin(&mut c, 2, "hello", &endless, true)];
    let mut said = String::new();
    let mut steps = 0;
    while turns.iter().any(|turn| !turn.has_ended()) {
        steps += 1;
        c.step(&mut turns, &|i| i == 0 && steps > 5, &mut |i, event| {
            if let (1, Event::Text(text, _)) = (i, event) {
                said += &text;
            }
        });
    }
    let ends: Vec<Finish> = turns.into_iter().map(|turn| c.close(turn).unwrap().reason).collect();
    assert_eq!(ends[0], Finish::Cancelled);
    assert_eq!(said, answer(&mut chat(1 << 30), 1, &question("hello"), &endless).unwrap().1);
}

/// Two prompts of three pages each where only four fit: the second waits for the first, and both are answered.
#[test]
fn a_turn_waits_for_memory_that_another_holds() {
    let mut c = chat(4 * PAGE_BYTES);
    let short = Sampling { max_tokens: 4, ..Sampling::default() };
    let texts = ["the cat sat on the mat ".repeat(12), "a dog lay in the sun all day ".repeat(10)];
    let mut turns: Vec<Turn> = texts.iter().zip(1..).map(|(text, k)| begin(&mut c, k, text, &short, true)).collect();
    let mut said = Vec::new();
    for text in &texts {
        said.push(String::new());
        while !turns[0].has_ended() {
            c.step(&mut turns, &|_| false, &mut |i, event| {
                assert_eq!(i, 0, "the second has no memory yet");
                if let (Event::Text(text, _), Some(said)) = (event, said.last_mut()) {
                    *said += &text;
                }
            });
        }
        c.close(turns.remove(0)).unwrap();
        assert_eq!(Some(&answer(&mut chat(1 << 30), 1, &question(text), &short).unwrap().1), said.last());
    }
    assert!(c.kv_bytes() <= 4 * PAGE_BYTES);
}

/// A second conversation with the same instructions and documents reads only its own question, and takes memory for
/// nothing else.
#[test]
fn conversations_that_begin_alike_share_what_was_read() {
    for family in FAMILIES {
        let chat = |budget: u64| chat_of(family, budget);
        let sampling = Sampling { max_tokens: 12, ..Sampling::default() };
        let documents = "the cat sat on the mat ".repeat(15);
        let ask = |end: &str| [say(Speaker::System, &documents), say(Speaker::User, end)];
        let mut c = chat(1 << 30);
        let (first, _) = answer(&mut c, 1, &ask("Where?"), &sampling).unwrap();
        let one = c.kv_bytes();
        let (second, said) = answer(&mut c, 2, &ask("Who was it?"), &sampling).unwrap();
        assert!(first.cached_tokens == 0 && second.cached_tokens > 300, "{second:?}");
        assert!(c.kv_bytes() < one + 2 * PAGE_BYTES, "{} after {one}", c.kv_bytes());
        assert_eq!(said, answer(&mut chat(1 << 30), 1, &ask("Who was it?"), &sampling).unwrap().1);
        // The first one is as it was.
        let again = answer(&mut c, 1, &ask("Where?"), &sampling).unwrap();
        let fresh = answer(&mut chat(1 << 30), 1, &ask("Where?"), &sampling).unwrap();
        assert_eq!((again.1, again.0.cached_tokens + 1), (fresh.1, first.prompt_tokens));
    }
}

/// Pages go into a store, the engine is loaded anew, and the conversation goes on from the store.
#[test]
fn a_conversation_goes_on_from_stored_pages_after_a_new_start() {
    for family in FAMILIES {
        let chat = |budget: u64| chat_of(family, budget);
        let sampling = Sampling { max_tokens: 8, ..Sampling::default() };
        let text = "the cat sat on the mat ".repeat(22);
        let mut store: HashMap<PageKey, Vec<u8>> = HashMap::new();
        let mut c = chat(1 << 30);
        c.ask_for_pages();
        let fresh = answer(&mut c, 1, &question(&text), &sampling).unwrap();
        c.store_pages(1, &mut |key, bytes| store.insert(key, bytes).is_none());
        assert_eq!(store.len(), (fresh.0.prompt_tokens + fresh.0.new_tokens) / 128);
        c.store_pages(1, &mut |_, _| panic!("the store has all pages"));
        let from_store = |store: &HashMap<PageKey, Vec<u8>>| {
            let mut c = chat(1 << 30);
            c.ask_for_pages();
            let (mut turns, mut said, mut wanted) =
                (vec![begin(&mut c, 7, &text, &sampling, true)], String::new(), None);
            while !turns[0].has_ended() {
                c.step(&mut turns, &|_| false, &mut |_, event| match event {
                    Event::Text(text, _) => said += &text,
                    Event::Wanted(keys) => wanted = Some(keys),
                    _ => {}
                });
                while let Some(keys) = wanted.take() {
                    for key in keys {
                        let page = store.get(&key).map(|page| &page[..]);
                        c.supply(&mut turns, 0, page, &mut |event| {
                            if let Event::Wanted(keys) = event {
                                wanted = Some(keys);
                            }
                        });
                        if page.is_none() {
                            break;
                        }
                    }
                }
            }
            (c.close(turns.remove(0)).unwrap(), said)
        };
        let (o, said) = from_store(&store);
        assert_eq!((o.cached_tokens, &said), ((o.prompt_tokens - 1) / 128 * 128, &fresh.1));
        // A store that lost a page, and one with a page of another shape, only cost time.
        let (o, said) = from_store(&HashMap::new());
        assert_eq!((o.cached_tokens, &said), (0, &fresh.1));
        store.values_mut().for_each(|page| page.truncate(100));
        let (o, said) = from_store(&store);
        assert_eq!((o.cached_tokens, &said), (0, &fresh.1));
    }
}

/// A model that guesses, well (the same one) or badly (another one), changes no token, alone or beside others, nor does
/// one that has no room; one with another vocabulary is refused.
#[test]
fn a_model_that_guesses_changes_nothing() {
    for family in FAMILIES {
        let chat = |budget: u64| chat_of(family, budget);
        let draft = |seed| Cursor::new(tiny::model(family, Type::Q8_0, seed));
        for (seed, budget) in [(21, 1 << 30), (4, 1 << 30), (21, 8 * PAGE_BYTES)] {
            let mut c = chat(budget);
            c.load_draft(&mut draft(seed), 1);
            assert_eq!(c.info().draft, GUESSES);
            let mut messages = Vec::new();
            let mut plain = chat(1 << 30);
            for text in ["hello", "and then?"] {
                messages.push(say(Speaker::User, text));
                let sampling = Sampling { max_tokens: 90, repeat_penalty: 1.2, ..Sampling::default() };
                let (o, guessed) = answer(&mut c, 1, &messages, &sampling).unwrap();
                let (p, said) = answer(&mut plain, 1, &messages, &Sampling { lookup: false, ..sampling }).unwrap();
                assert_eq!((&guessed, o.new_tokens, o.reason), (&said, p.new_tokens, p.reason));
                messages.push(say(Speaker::Assistant, &said));
            }
            let sampling = Sampling { max_tokens: 30, ..Sampling::default() };
            let mut turns = vec![begin(&mut c, 5, "x", &sampling, true), begin(&mut c, 6, "y", &sampling, true)];
            let said = finish(&mut c, &mut turns).0;
            assert_eq!(said[1], answer(&mut chat(1 << 30), 1, &question("y"), &sampling).unwrap().1);
        }
        let steps = |c: &mut Chat| {
            let sampling = Sampling { max_tokens: 60, repeat_penalty: 1.2, ..Sampling::default() };
            let mut turns = [begin(c, 9, "What is the matter with it?", &sampling, true)];
            (0..)
                .take_while(|_| {
                    !turns[0].has_ended() && {
                        c.step(&mut turns, &|_| false, &mut |_, _| ());
                        true
                    }
                })
                .count()
        };
        let mut c = chat(1 << 30);
        let alone = steps(&mut c);
        c.forget_all();
        c.load_draft(&mut draft(21), 1);
        let guessed = steps(&mut c);
        assert!(guessed < alone, "{guessed} passes instead of {alone}");
        c.load_draft(&mut Cursor::new(b"not a model"), 1);
        assert!(c.info().draft.contains("damaged"), "{}", c.info().draft);
        // One token of its vocabulary says something else.
        let mut other = tiny::model(family, Type::Q8_0, 21);
        for (from, to) in [("\u{120}t", "\u{120}u"), ("\u{120} t", "\u{120} u")] {
            let at = other.windows(from.len()).position(|w| w == from.as_bytes()).unwrap();
            other[at..at + to.len()].copy_from_slice(to.as_bytes());
        }
        c.load_draft(&mut Cursor::new(other), 1);
        assert!(c.info().draft.contains("vocabulary"), "{}", c.info().draft);
    }
}

#[test]
fn what_does_not_fit_alone_is_refused_before_it_takes_memory() {
    let (messages, briefing, sampling) = (question("hello"), Briefing::default(), Sampling::default());
    let ask = Ask {
        conversation: 1,
        messages: &messages,
        briefing: &briefing,
        sampling: &sampling,
        begun: None,
        urgent: true,
    };
    assert!(
        matches!(chat(PAGE_BYTES - 1).begin(ask), Err(Error::Memory { needed_bytes, .. }) if needed_bytes == PAGE_BYTES)
    );
}

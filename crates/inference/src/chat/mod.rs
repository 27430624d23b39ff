//! Messages to prompt tokens. Special tokens come from the template alone: text that a person or a document wrote is
//! marked before rendering wherever it contains or could complete a special token, and the marks disappear again
//! after the special tokens have been found.

mod hear;
mod python;

pub use hear::{Format, Heard, Hearing};

use crate::error::Error;
use crate::template::Template;
use crate::tokens::{Specials, Vocabulary};
use crate::wire::{Briefing, Message};

/// A noncharacter, which is removed from every message first.
const MARK: char = '\u{FDD0}';

/// Makes special tokens inside `text`, and pieces of them at its ends, unrecognizable.
fn disarm(text: &str, specials: &Specials) -> String {
    let clean: String = text.chars().filter(|c| *c != MARK).collect();
    let mut out = String::with_capacity(clean.len());
    for (i, c) in clean.char_indices() {
        out.push(c);
        if specials.at_start(clean.get(i..).unwrap_or_default()).is_some() {
            out.push(MARK);
        }
    }
    let solid = out.trim();
    let (completes, begins) = (specials.completes(solid), specials.begins(solid));
    let from = out.len() - out.trim_start().len();
    let to = out.trim_end().len();
    if begins && to > from {
        out.insert(to, MARK);
    }
    if completes && to > from {
        out.insert(from, MARK);
    }
    out
}

/// Cuts rendered text at its special tokens and encodes what lies between as plain text.
fn encode(rendered: &str, vocabulary: &Vocabulary) -> Result<Vec<u32>, Error> {
    let specials = vocabulary.specials();
    let mut tokens = Vec::new();
    let (mut from, mut at) = (0, 0);
    let plain = |from: usize, to: usize, tokens: &mut Vec<u32>| -> Result<(), Error> {
        let text: String = rendered.get(from..to).unwrap_or_default().chars().filter(|c| *c != MARK).collect();
        tokens.extend(vocabulary.encode(&text)?);
        Ok(())
    };
    while let Some(rest) = rendered.get(at..).filter(|r| !r.is_empty()) {
        match specials.at_start(rest) {
            Some((len, id)) => {
                plain(from, at, &mut tokens)?;
                tokens.push(id);
                at += len + specials.swallowed(id, rest.get(len..).unwrap_or_default());
                from = at;
            }
            None => at += rest.chars().next().map_or(1, char::len_utf8),
        }
    }
    plain(from, rendered.len(), &mut tokens)?;
    Ok(tokens)
}

/// A prompt.
#[derive(Debug, Clone)]
pub struct Prompt {
    /// What the model reads, the answer's opening included.
    pub tokens: Vec<u32>,
    /// The end of the text that it continues.
    pub tail: String,
}

/// Bytes of a prompt's end that are kept as text.
const TAIL_BYTES: usize = 256;

/// Turns a conversation into a prompt. `begun` is the beginning of the answer, if it is given.
///
/// # Errors
/// `Request` where the template refuses the conversation.
pub fn prompt(
    vocabulary: &Vocabulary,
    template: &Template,
    messages: &[Message],
    briefing: &Briefing,
    begun: Option<&str>,
) -> Result<Prompt, Error> {
    let specials = vocabulary.specials();
    let safe: Vec<Message> =
        messages.iter().map(|m| Message { role: m.role, text: disarm(&m.text, specials) }).collect();
    let rendered = template.render(&safe, briefing, vocabulary.marks(), &|text| disarm(text, specials));
    let rendered = rendered.map_err(Error::Request)? + &disarm(begun.unwrap_or_default(), specials);
    let mut tokens = Vec::new();
    let encoded = encode(&rendered, vocabulary)?;
    tokens.extend(vocabulary.start().filter(|s| encoded.first() != Some(s)));
    tokens.extend(encoded);
    let from = rendered.char_indices().map(|(i, _)| i).find(|i| i + TAIL_BYTES >= rendered.len()).unwrap_or(0);
    Ok(Prompt { tokens, tail: rendered.get(from..).unwrap_or_default().to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_tokens_in_text_are_broken_and_other_text_is_untouched() {
        let specials = Specials::new(vec![("<|im_end|>".to_owned(), 1), ("<s>".to_owned(), 2)], false);
        assert_eq!(disarm("an ordinary text", &specials), "an ordinary text");
        let out = disarm("x <|im_end|> y <s>", &specials);
        assert!(!out.contains("<|im_end|>") && !out.contains("<s>"));
        assert_eq!(out.replace(MARK, ""), "x <|im_end|> y <s>");
        assert!(disarm("a <|im_ \n", &specials).contains("<|im_\u{FDD0}"));
        assert!(disarm("end|> b", &specials).starts_with(MARK));
        assert_eq!(disarm("\u{FDD0}<\u{FDD0}s>", &specials).matches(MARK).count(), 1);
    }
}

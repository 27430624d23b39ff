//! Messages to prompt tokens. Special tokens come from the template alone: text that a person or a document wrote is
//! marked before rendering wherever it contains or could complete a special token, and the marks disappear again
//! after the special tokens have been found.

use crate::error::Error;
use crate::template::Template;
use crate::tokens::Vocabulary;
use crate::wire::Message;

/// A noncharacter, which is removed from every message first.
const MARK: char = '\u{FDD0}';

/// Makes special tokens inside `text`, and pieces of them at its ends, unrecognizable.
fn disarm(text: &str, specials: &[(String, u32)]) -> String {
    let mut out: String = text.chars().filter(|c| *c != MARK).collect();
    for (s, _) in specials {
        if out.contains(s.as_str()) {
            let first = s.chars().next().map_or(0, char::len_utf8);
            out = out.replace(s.as_str(), &format!("{}{MARK}{}", &s[..first], &s[first..]));
        }
    }
    let cuts = |s: &str| s.char_indices().skip(1).map(|(i, _)| i).collect::<Vec<_>>();
    let solid = out.trim();
    let begins = specials.iter().any(|(s, _)| cuts(s).iter().any(|i| solid.starts_with(&s[*i..])));
    let ends = specials.iter().any(|(s, _)| cuts(s).iter().any(|i| solid.ends_with(&s[..*i])));
    let from = out.len() - out.trim_start().len();
    let to = out.trim_end().len();
    if ends && to > from {
        out.insert(to, MARK);
    }
    if begins && to > from {
        out.insert(from, MARK);
    }
    out
}

/// Cuts rendered text at its special tokens and encodes what lies between as plain text.
fn encode(rendered: &str, vocabulary: &Vocabulary) -> Result<Vec<u32>, Error> {
    let specials = vocabulary.specials();
    let firsts: std::collections::HashSet<u8> = specials.iter().filter_map(|(s, _)| s.bytes().next()).collect();
    let mut tokens = Vec::new();
    let (mut from, mut at) = (0, 0);
    let plain = |from: usize, to: usize, tokens: &mut Vec<u32>| -> Result<(), Error> {
        let text: String = rendered[from..to].chars().filter(|c| *c != MARK).collect();
        tokens.extend(vocabulary.encode(&text)?);
        Ok(())
    };
    while at < rendered.len() {
        let found = match rendered.as_bytes().get(at) {
            Some(b) if firsts.contains(b) => specials.iter().find(|(s, _)| rendered[at..].starts_with(s.as_str())),
            _ => None,
        };
        if let Some((s, id)) = found {
            plain(from, at, &mut tokens)?;
            tokens.push(*id);
            at += s.len();
            from = at;
        } else {
            at += rendered[at..].chars().next().map_or(1, char::len_utf8);
        }
    }
    plain(from, rendered.len(), &mut tokens)?;
    Ok(tokens)
}

/// Turns a conversation into the tokens of a prompt, the answer's opening included. `begun` is the beginning of the
/// answer, if it is given.
///
/// # Errors
/// `Request` where the template refuses the conversation.
pub fn prompt(
    vocabulary: &Vocabulary,
    template: &Template,
    messages: &[Message],
    begun: Option<&str>,
) -> Result<Vec<u32>, Error> {
    let specials = vocabulary.specials();
    let safe: Vec<Message> =
        messages.iter().map(|m| Message { role: m.role, text: disarm(&m.text, specials) }).collect();
    let rendered = template.render(&safe, vocabulary.marks()).map_err(Error::Request)?;
    let mut tokens = Vec::new();
    let encoded = encode(&(rendered + &disarm(begun.unwrap_or_default(), specials)), vocabulary)?;
    tokens.extend(vocabulary.start().filter(|s| encoded.first() != Some(s)));
    tokens.extend(encoded);
    Ok(tokens)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn special_tokens_in_text_are_broken_and_other_text_is_untouched() {
        let specials = [("<|im_end|>".to_owned(), 1), ("<s>".to_owned(), 2)];
        assert_eq!(disarm("an ordinary text", &specials), "an ordinary text");
        let out = disarm("x <|im_end|> y <s>", &specials);
        assert!(!out.contains("<|im_end|>") && !out.contains("<s>"));
        assert_eq!(out.replace(MARK, ""), "x <|im_end|> y <s>");
        assert!(disarm("a <|im_ \n", &specials).contains("<|im_\u{FDD0}"));
        assert!(disarm("end|> b", &specials).starts_with(MARK));
        assert_eq!(disarm("\u{FDD0}<\u{FDD0}s>", &specials).matches(MARK).count(), 1);
    }
}

//! The chat template that a model file carries: Jinja, rendered without access to anything but the messages.
//! The file may be hostile: rendering has a step limit. What the special tokens mean is `chat`.

use crate::wire::{Message, Speaker};
use minijinja::syntax::SyntaxConfig;
use minijinja::{Environment, Error, ErrorKind, context};

/// Steps that a template may take.
const FUEL: u64 = 2_000_000;

/// How messages become text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Template {
    /// The file's own template.
    File {
        /// Jinja.
        source: String,
        /// Whether system messages must be folded into the next user message.
        fold: bool,
    },
    /// `<|im_start|>role ... <|im_end|>`, because the file's template is absent or fails.
    ChatMl {
        /// Why.
        reason: String,
    },
    /// `User: ...`, because the file's template is absent or fails and the vocabulary has no ChatML.
    Plain {
        /// Why.
        reason: String,
    },
}

fn name(role: Speaker) -> &'static str {
    match role {
        Speaker::System => "system",
        Speaker::User => "user",
        Speaker::Assistant => "assistant",
    }
}

fn jinja(source: &str, messages: &[Message], marks: [&str; 2]) -> Result<String, Error> {
    let mut env = Environment::new();
    env.set_syntax(SyntaxConfig::builder().trim_blocks(true).lstrip_blocks(true).build()?);
    env.set_fuel(Some(FUEL));
    env.set_unknown_method_callback(minijinja_contrib::pycompat::unknown_method_callback);
    env.add_function("raise_exception", |why: String| -> Result<String, Error> {
        Err(Error::new(ErrorKind::InvalidOperation, why))
    });
    let messages: Vec<_> =
        messages.iter().map(|m| context! { role => name(m.role), content => m.text.as_str() }).collect();
    env.render_str(
        source,
        context! { messages, bos_token => marks[0], eos_token => marks[1], add_generation_prompt => true },
    )
}

/// Puts the text of system messages before the next user message.
fn folded(messages: &[Message]) -> Vec<Message> {
    let mut out: Vec<Message> = Vec::new();
    let mut waiting = String::new();
    for m in messages {
        match m.role {
            Speaker::System => waiting = waiting + &m.text + "\n\n",
            Speaker::User => out.push(Message { role: m.role, text: std::mem::take(&mut waiting) + &m.text }),
            Speaker::Assistant => out.push(m.clone()),
        }
    }
    out
}

impl Template {
    /// Chooses the way that works: the file's template on a small conversation, the same without system messages, or
    /// a plain form.
    pub fn choose(source: Option<&str>, marks: [&str; 2], has_chatml: bool) -> Self {
        let say = |role, text: &str| Message { role, text: text.into() };
        let sample =
            [say(Speaker::System, "s"), say(Speaker::User, "u"), say(Speaker::Assistant, "a"), say(Speaker::User, "u")];
        let reason = match source {
            None => "the file has no chat template".to_owned(),
            Some(source) => {
                let source = source.replace("{% generation %}", "").replace("{% endgeneration %}", "");
                match jinja(&source, &sample, marks) {
                    Ok(_) => return Self::File { source, fold: false },
                    Err(_) if jinja(&source, &sample[1..], marks).is_ok() => return Self::File { source, fold: true },
                    Err(e) => format!("the file's chat template fails: {e}"),
                }
            }
        };
        if has_chatml { Self::ChatMl { reason } } else { Self::Plain { reason } }
    }

    /// Renders messages, with the opening of the assistant's answer at the end.
    ///
    /// # Errors
    /// The template's own words, where it refuses these messages.
    pub fn render(&self, messages: &[Message], marks: [&str; 2]) -> Result<String, String> {
        let mut out = String::new();
        match self {
            Self::File { source, fold } => {
                let folded = if *fold { folded(messages) } else { messages.to_vec() };
                return jinja(source, &folded, marks).map_err(|e| e.to_string());
            }
            Self::ChatMl { .. } => {
                for m in messages {
                    out += &format!("<|im_start|>{}\n{}<|im_end|>\n", name(m.role), m.text);
                }
                out += "<|im_start|>assistant\n";
            }
            Self::Plain { .. } => {
                for m in messages {
                    match m.role {
                        Speaker::System => out += &format!("{}\n\n", m.text),
                        Speaker::User => out += &format!("User: {}\n", m.text),
                        Speaker::Assistant => out += &format!("Assistant: {}\n", m.text),
                    }
                }
                out += "Assistant:";
            }
        }
        Ok(out)
    }

    /// Returns where the template comes from, for people.
    pub fn describe(&self) -> String {
        match self {
            Self::File { .. } => "from the file".into(),
            Self::ChatMl { reason } => format!("ChatML: {reason}"),
            Self::Plain { reason } => format!("plain: {reason}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SAMPLE: &str = "{% for m in messages %}\n{{ '<s>' + m['role'] + ':' + m.content.strip() }}{% endfor %}{% if add_generation_prompt %}<s>assistant:{% endif %}";

    fn say(role: Speaker, text: &str) -> Message {
        Message { role, text: text.into() }
    }

    #[test]
    fn renders_with_python_methods_and_trimmed_blocks() {
        let t = Template::choose(Some(SAMPLE), ["", ""], true);
        assert_eq!(t.render(&[say(Speaker::User, " hi ")], ["", ""]).unwrap(), "<s>user:hi<s>assistant:");
    }

    #[test]
    fn a_template_without_system_gets_it_folded() {
        let source = "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no') }}{% endif %}[{{ m.content }}]{% endfor %}";
        let t = Template::choose(Some(source), ["", ""], false);
        let out = t.render(&[say(Speaker::System, "be brief"), say(Speaker::User, "hi")], ["", ""]).unwrap();
        assert_eq!(out, "[be brief\n\nhi]");
    }

    #[test]
    fn a_broken_or_endless_template_falls_back_and_says_so() {
        let endless = "{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}";
        for source in ["{% for %}", "{{ nothing.at.all() }}", endless] {
            let t = Template::choose(Some(source), ["", ""], false);
            assert!(t.describe().contains("fails"), "{source}");
            assert_eq!(t.render(&[say(Speaker::User, "hi")], ["", ""]).unwrap(), "User: hi\nAssistant:");
        }
    }
}

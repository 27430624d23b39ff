//! The chat template that a model file carries: Jinja, rendered without access to anything but the messages.
//! The file may be hostile: rendering has a step limit. What the special tokens mean is `chat`.

mod date;
mod python;

use crate::wire::{Briefing, Message, Speaker};
use minijinja::{Error, Value, context};
use serde_json::Value as Json;

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
        Speaker::Assistant | Speaker::Call => "assistant",
        Speaker::Tool => "tool",
    }
}

/// What a template is given, as `transformers` gives it.
struct Scene<'a> {
    messages: &'a [Message],
    briefing: &'a Briefing,
    marks: [&'a str; 2],
    /// Applied to every text that comes out of JSON; plain texts have been treated already.
    safe: &'a dyn Fn(&str) -> String,
}

/// Turns JSON into a value, with `safe` applied to every text and key.
fn value(json: &Json, safe: &dyn Fn(&str) -> String) -> Value {
    match json {
        Json::Null => Value::from(()),
        Json::Bool(b) => Value::from(*b),
        Json::Number(n) => match (n.as_i64(), n.as_u64()) {
            (Some(n), _) => Value::from(n),
            (None, Some(n)) => Value::from(n),
            (None, None) => Value::from(n.as_f64().unwrap_or(f64::NAN)),
        },
        Json::String(s) => Value::from(safe(s)),
        Json::Array(list) => list.iter().map(|v| value(v, safe)).collect(),
        Json::Object(map) => Value::from_pairs(map.iter().map(|(k, v)| (safe(k), value(v, safe)))),
    }
}

impl Scene<'_> {
    fn json(&self, text: &str) -> Option<Value> {
        serde_json::from_str(text).ok().map(|v| value(&v, self.safe))
    }

    fn messages(&self, arguments_as_text: bool) -> Vec<Value> {
        let mut out: Vec<Value> = Vec::new();
        let (mut calls, mut said): (Vec<Value>, &str) = (Vec::new(), "");
        // Calls that wait for their results, with the names of the tools.
        let mut waiting = std::collections::VecDeque::new();
        let mut n = 0;
        for (i, m) in self.messages.iter().enumerate() {
            let calls_follow = |i: usize| self.messages.get(i + 1).is_some_and(|m| m.role == Speaker::Call);
            match m.role {
                Speaker::Assistant if calls_follow(i) => said = &m.text,
                Speaker::Call => {
                    let call = self.json(&m.text).unwrap_or_default();
                    let part = |key: &str| call.get_attr(key).unwrap_or_default();
                    let mut arguments = part("arguments");
                    if arguments.is_undefined() {
                        arguments = value(&Json::Object(Default::default()), self.safe);
                    }
                    if arguments_as_text {
                        arguments = Value::from((self.safe)(&python::json(&arguments)));
                    }
                    let id = format!("call{n:05}");
                    n += 1;
                    waiting.push_back((id.clone(), part("name")));
                    let function = context! { name => part("name"), arguments };
                    calls.push(context! { id, type => "function", function });
                    if !calls_follow(i) {
                        let tool_calls = std::mem::take(&mut calls);
                        out.push(context! { role => "assistant", content => std::mem::take(&mut said), tool_calls });
                    }
                }
                Speaker::Tool => {
                    let (id, tool) = waiting.pop_front().unwrap_or_default();
                    let content = m.text.as_str();
                    out.push(context! { role => "tool", name => tool, tool_call_id => id, content });
                }
                _ => out.push(context! { role => name(m.role), content => m.text.as_str() }),
            }
        }
        out
    }

    fn render(&self, source: &str) -> Result<String, Error> {
        let env = python::environment(self.briefing.now_s.unwrap_or(0))?;
        let tools: Vec<Value> = self
            .briefing
            .tools
            .iter()
            .map(|t| {
                let parameters = self.json(&t.parameters).unwrap_or_default();
                let (name, description) = ((self.safe)(&t.name), (self.safe)(&t.description));
                context! { type => "function", function => context! { name, description, parameters } }
            })
            .collect();
        let tools = if tools.is_empty() { Value::from(()) } else { Value::from(tools) };
        let with = |messages: Vec<Value>| {
            let given = context! {
                messages, tools => tools.clone(), documents => (), add_generation_prompt => true,
                bos_token => self.marks[0], eos_token => self.marks[1],
            };
            match self.briefing.thinking {
                Some(on) => context! { enable_thinking => on, thinking => on, ..given },
                None => given,
            }
        };
        let source = python::without_generation_blocks(source);
        let rendered = env.render_str(&source, with(self.messages(false)));
        if rendered.is_err() && self.messages.iter().any(|m| m.role == Speaker::Call) {
            // Some templates want the arguments of a call as text.
            return env.render_str(&source, with(self.messages(true))).or(rendered);
        }
        rendered
    }
}

/// Renders a template's source as it is, without any of the ways around what it refuses.
///
/// # Errors
/// The template's own words.
pub fn render_source(
    source: &str,
    messages: &[Message],
    briefing: &Briefing,
    marks: [&str; 2],
) -> Result<String, String> {
    Scene { messages, briefing, marks, safe: &str::to_owned }.render(source).map_err(|e| explain(&e))
}

fn explain(e: &Error) -> String {
    e.detail().map_or_else(|| e.to_string(), str::to_owned)
}

/// Puts the text of system messages before the next user message.
fn folded(messages: &[Message]) -> Vec<Message> {
    let mut out: Vec<Message> = Vec::new();
    let mut waiting = String::new();
    for m in messages {
        match m.role {
            Speaker::System => waiting = waiting + &m.text + "\n\n",
            Speaker::User => out.push(Message { role: m.role, text: std::mem::take(&mut waiting) + &m.text }),
            _ => out.push(m.clone()),
        }
    }
    if !waiting.is_empty() {
        out.push(Message { role: Speaker::User, text: waiting.trim_end().to_owned() });
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
                let briefing = Briefing::default();
                let works = |messages: &[Message]| render_source(source, messages, &briefing, marks);
                let file = |fold| Self::File { source: source.to_owned(), fold };
                match works(&sample) {
                    Ok(_) => return file(false),
                    Err(_) if works(&sample[1..]).is_ok() => return file(true),
                    Err(e) => format!("the file's chat template fails: {e}"),
                }
            }
        };
        if has_chatml { Self::ChatMl { reason } } else { Self::Plain { reason } }
    }

    /// Renders messages, with the opening of the assistant's answer at the end. `safe` is applied to texts that only
    /// appear inside the JSON of calls and tools.
    ///
    /// # Errors
    /// The template's own words, where it refuses these messages.
    pub fn render(
        &self,
        messages: &[Message],
        briefing: &Briefing,
        marks: [&str; 2],
        safe: &dyn Fn(&str) -> String,
    ) -> Result<String, String> {
        let mut out = String::new();
        match self {
            Self::File { source, fold } => {
                let folded = if *fold { folded(messages) } else { messages.to_vec() };
                return Scene { messages: &folded, briefing, marks, safe }.render(source).map_err(|e| explain(&e));
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
                        Speaker::Assistant | Speaker::Call => out += &format!("Assistant: {}\n", m.text),
                        Speaker::Tool => out += &format!("Tool: {}\n", m.text),
                    }
                }
                out += "Assistant:";
            }
        }
        Ok(out)
    }

    /// Returns the file's own template, where that is what is used.
    pub fn source(&self) -> Option<&str> {
        match self {
            Self::File { source, .. } => Some(source),
            _ => None,
        }
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

    fn render(t: &Template, messages: &[Message]) -> String {
        t.render(messages, &Briefing::default(), ["", ""], &str::to_owned).unwrap()
    }

    #[test]
    fn renders_with_python_methods_and_trimmed_blocks() {
        let t = Template::choose(Some(SAMPLE), ["", ""], true);
        assert_eq!(render(&t, &[say(Speaker::User, " hi ")]), "<s>user:hi<s>assistant:");
    }

    #[test]
    fn a_template_without_system_gets_it_folded() {
        let source = "{% for m in messages %}{% if m.role == 'system' %}{{ raise_exception('no') }}{% endif %}[{{ m.content }}]{% endfor %}";
        let t = Template::choose(Some(source), ["", ""], false);
        let out = render(&t, &[say(Speaker::System, "be brief"), say(Speaker::User, "hi")]);
        assert_eq!(out, "[be brief\n\nhi]");
    }

    #[test]
    fn a_broken_or_endless_template_falls_back_and_says_so() {
        let endless = "{% for a in range(9999) %}{% for b in range(9999) %}x{% endfor %}{% endfor %}";
        for source in ["{% for %}", "{{ nothing.at.all() }}", endless] {
            let t = Template::choose(Some(source), ["", ""], false);
            assert!(t.describe().contains("fails"), "{source}");
            assert_eq!(render(&t, &[say(Speaker::User, "hi")]), "User: hi\nAssistant:");
        }
    }
}
